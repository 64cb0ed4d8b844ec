/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_HWMON_H_
#define _GAON_HWMON_H_

#include <linux/types.h>

struct gaon_device;

void gaon_hwmon_init(struct gaon_device *gdev);
void gaon_hwmon_alarm(struct gaon_device *gdev, u32 before, u32 now);

#endif
