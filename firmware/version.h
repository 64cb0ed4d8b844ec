/* SPDX-License-Identifier: MIT */
/* What the image header and IDENTIFY say about this firmware. */
#ifndef GAON_FW_VERSION_H
#define GAON_FW_VERSION_H

#define FW_VERSION_MAJOR	0
#define FW_VERSION_MINOR	1
#define FW_VERSION_PATCH	0
#define FW_VERSION		((FW_VERSION_MAJOR << 24) | (FW_VERSION_MINOR << 16) | FW_VERSION_PATCH)
/* Raised when an older image must never run again; the fuses keep the highest that became READY. */
#define FW_SECURITY_VERSION	1
/* No date, no host name: the same source gives the same image. */
#define FW_BUILD		"gaon-fw 0.1.0"

#endif
