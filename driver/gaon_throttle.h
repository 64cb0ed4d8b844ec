/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_THROTTLE_H_
#define _GAON_THROTTLE_H_

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct gaon_device;
struct gaon_event;

/** struct gaon_throttle - what an administrator wants of power and clock */
struct gaon_throttle {
	/** @lock: one changes it at a time. Outside the admin queue's lock; not taken by resets. */
	struct mutex lock;
	/** @cap_mw: cap of power; 0: the card's own. Written under @lock. */
	u32 cap_mw;
	/** @clock_khz: highest clock of the cores; 0: the card's own. Written under @lock. */
	u32 clock_khz;
	/** @reasons: why the firmware slows the cores down, as it has told last. */
	u32 reasons;
	/** @alarm_told: those of which hwmon's alarms have told; @alarm alone touches it. */
	u32 alarm_told;
	/** @alarm: tells it of the others, which sleeps. */
	struct work_struct alarm;
};

int gaon_throttle_init(struct gaon_device *gdev);
void gaon_throttle_stop(struct gaon_device *gdev);
void gaon_throttle_start(struct gaon_device *gdev);
bool gaon_throttle_is_there(struct gaon_device *gdev);
u32 gaon_throttle_cap(struct gaon_device *gdev);
u32 gaon_throttle_clock(struct gaon_device *gdev);
int gaon_throttle_set_cap(struct gaon_device *gdev, u32 mw);
int gaon_throttle_set_clock(struct gaon_device *gdev, u32 khz);
void gaon_throttle_event(struct gaon_device *gdev, const struct gaon_event *event);

#endif
