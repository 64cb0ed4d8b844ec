/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_HWMON_H_
#define _GAON_HWMON_H_

struct gaon_device;

void gaon_hwmon_init(struct gaon_device *gdev);

#endif
