// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Cap of power and highest clock, as an administrator sets them by hwmon and sysfs, and what the
 * firmware tells of it when it slows the cores down.
 *
 * The firmware forgets them with every reset. They are kept here, and given to it whenever it was
 * started: after resets of any kind, and after the machine's sleep.
 */
#include <drm/drm_managed.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_hwmon.h"
#include "gaon_throttle.h"

static void throttle_alarm_work(struct work_struct *work)
{
	struct gaon_throttle *throttle = container_of(work, struct gaon_throttle, alarm);
	struct gaon_device *gdev = container_of(throttle, struct gaon_device, throttle);
	u32 reasons = READ_ONCE(throttle->reasons);

	gaon_hwmon_alarm(gdev, throttle->alarm_told, reasons);
	throttle->alarm_told = reasons;
}

/* Does not sleep. */
static void throttle_note(struct gaon_device *gdev, u32 reasons)
{
	WRITE_ONCE(gdev->throttle.reasons, reasons);
	queue_work(system_dfl_wq, &gdev->throttle.alarm);
}

/** gaon_throttle_init() - nothing is set; before the firmware is there */
int gaon_throttle_init(struct gaon_device *gdev)
{
	INIT_WORK(&gdev->throttle.alarm, throttle_alarm_work);
	return drmm_mutex_init(&gdev->drm, &gdev->throttle.lock);
}

/** gaon_throttle_stop() - no alarm is told any more; when no event comes and nothing starts */
void gaon_throttle_stop(struct gaon_device *gdev)
{
	cancel_work_sync(&gdev->throttle.alarm);
}

/** gaon_throttle_is_there() - whether the card takes a cap and a limit */
bool gaon_throttle_is_there(struct gaon_device *gdev)
{
	return gdev->fw.features & GAON_FEATURE_POWER;
}

/** gaon_throttle_cap() - cap of power in force, in mW, or as soon as the card is there again */
u32 gaon_throttle_cap(struct gaon_device *gdev)
{
	return READ_ONCE(gdev->throttle.cap_mw) ?: gdev->identify.power_default_mw;
}

/** gaon_throttle_clock() - the same of the highest clock, in kHz */
u32 gaon_throttle_clock(struct gaon_device *gdev)
{
	return READ_ONCE(gdev->throttle.clock_khz) ?: gdev->identify.clock_khz;
}

/* What is kept, or its defaults. @again: a reset came in between. */
static int throttle_send(struct gaon_device *gdev, bool *again)
{
	struct gaon_admin_req req = {
		.cmd = {
			.opcode = GAON_ADMIN_POWER,
			.power = {
				.cap_mw = gaon_throttle_cap(gdev),
				.clock_khz = gaon_throttle_clock(gdev),
			},
		},
	};
	int err = gaon_admin_exec(gdev, &req, 0);

	*again = req.err;
	return err;
}

/**
 * gaon_throttle_start() - the firmware was started: it is told again what was set
 * @gdev: the device; its features are known
 *
 * A card that does not take it works on, at its own cap: that is only told.
 */
void gaon_throttle_start(struct gaon_device *gdev)
{
	bool again;
	int err;

	if (!gaon_throttle_is_there(gdev))
		return;
	/* What slowed them down before is over. */
	throttle_note(gdev, 0);
	if (!READ_ONCE(gdev->throttle.cap_mw) && !READ_ONCE(gdev->throttle.clock_khz))
		return;
	err = throttle_send(gdev, &again);
	if (err)
		drm_err(&gdev->drm, "the card does not take its power cap of %u mW and clock limit of %u kHz again (error %d): they are not in force\n",
			gaon_throttle_cap(gdev), gaon_throttle_clock(gdev), err);
}

/* Waits for resets to end: what is kept is sent when they do, perhaps before it is sent here. */
static int throttle_apply(struct gaon_device *gdev)
{
	bool again;
	int err, idx;

	do {
		err = gaon_device_enter_running(gdev, &idx);
		if (err)
			return err;
		err = throttle_send(gdev, &again);
		drm_dev_exit(idx);
	} while (again);
	return err;
}

/* One of the two is changed, or none if the card does not take it. */
static int throttle_change(struct gaon_device *gdev, u32 *kept, u32 value)
{
	u32 before;
	int err;

	err = mutex_lock_interruptible(&gdev->throttle.lock);
	if (err)
		return err;
	before = *kept;
	WRITE_ONCE(*kept, value);
	err = throttle_apply(gdev);
	if (err)
		WRITE_ONCE(*kept, before);
	mutex_unlock(&gdev->throttle.lock);
	return err;
}

/* Wakes a card that sleeps: in D3hot it keeps what it was told. */
static int throttle_set(struct gaon_device *gdev, u32 *kept, u32 value)
{
	int err, gate;

	err = gaon_power_enter(gdev, &gate);
	if (err)
		return err;
	err = gaon_power_get(gdev);
	if (!err) {
		err = throttle_change(gdev, kept, value);
		gaon_power_put(gdev);
	}
	gaon_power_exit(gdev, gate);
	return err;
}

/**
 * gaon_throttle_set_cap() - set the cap of power
 * @gdev: the device
 * @mw: milliwatts
 *
 * Sleeps, wakes the card, waits for resets.
 *
 * Return: 0, -EINVAL: it is not between the lowest and the highest, -EOPNOTSUPP, -ENODEV, -EIO: the
 * device is wedged, -ERESTARTSYS.
 */
int gaon_throttle_set_cap(struct gaon_device *gdev, u32 mw)
{
	if (!gaon_throttle_is_there(gdev))
		return -EOPNOTSUPP;
	if (!mw || mw < gdev->identify.power_min_mw || mw > gdev->identify.power_max_mw)
		return -EINVAL;
	return throttle_set(gdev, &gdev->throttle.cap_mw, mw);
}

/**
 * gaon_throttle_set_clock() - set the highest clock of the cores
 * @gdev: the device
 * @khz: kilohertz; the clock is the highest step that is not above
 *
 * Return: as gaon_throttle_set_cap().
 */
int gaon_throttle_set_clock(struct gaon_device *gdev, u32 khz)
{
	if (!gaon_throttle_is_there(gdev))
		return -EOPNOTSUPP;
	if (!khz || khz < gdev->identify.clock_min_khz || khz > gdev->identify.clock_khz)
		return -EINVAL;
	return throttle_set(gdev, &gdev->throttle.clock_khz, khz);
}

/**
 * gaon_throttle_event() - the firmware has begun to slow the cores down, or has ended
 * @gdev: the device
 * @event: a copy of the record, of one ring: the others have the same
 *
 * Does not sleep. Firmware tells once a second at most; more is not believed to be news.
 */
void gaon_throttle_event(struct gaon_device *gdev, const struct gaon_event *event)
{
	u32 reasons = lower_32_bits(event->value), mhz = upper_32_bits(event->value) / 1000;
	struct device *dev = gdev->drm.dev;

	throttle_note(gdev, reasons);
	if (reasons & GAON_THROTTLE_CRITICAL)
		dev_warn_ratelimited(dev, "critically hot: cores are slowed down to %u MHz\n", mhz);
	else if (reasons & GAON_THROTTLE_HEAT)
		dev_warn_ratelimited(dev, "hot: cores are slowed down to %u MHz\n", mhz);
	else if (reasons & GAON_THROTTLE_POWER)
		dev_info_ratelimited(dev, "power cap of %u mW: cores are slowed down to %u MHz\n",
				     gaon_throttle_cap(gdev), mhz);
	else
		dev_info_ratelimited(dev, "cores are not slowed down any more: %u MHz\n", mhz);
}
