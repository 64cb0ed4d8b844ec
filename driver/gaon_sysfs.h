/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_SYSFS_H_
#define _GAON_SYSFS_H_

struct attribute_group;

/* For the PCI driver. */
extern const struct attribute_group *gaon_sysfs_groups[];

#endif
