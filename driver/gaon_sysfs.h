/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_SYSFS_H_
#define _GAON_SYSFS_H_

struct attribute_group;
struct gaon_device;

/* For the PCI driver. */
extern const struct attribute_group *gaon_sysfs_groups[];

/* gaon_port.c */
int gaon_ports_init(struct gaon_device *gdev);
extern const struct attribute_group gaon_port0_group, gaon_port1_group, gaon_port2_group,
	gaon_port3_group, gaon_port4_group, gaon_port5_group, gaon_port6_group, gaon_port7_group;

#endif
