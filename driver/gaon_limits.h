/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_LIMITS_H_
#define _GAON_LIMITS_H_

/* What one open file may have at a time; %DRM_GAON_QUERY_DEVICE tells them. */
#define GAON_FILE_VMS		256
#define GAON_FILE_QUEUES	1024

/* What one launch of a kernel-owned queue may take: its completion is a fence. */
#define GAON_KQ_LIMIT_MS	10000

#endif
