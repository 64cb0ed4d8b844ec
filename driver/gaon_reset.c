// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The heartbeat, and what happens when it stops: the whole device is reset, or given up. */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/pci.h>

#include <hw/gaon_text.h>

#include "gaon_admin.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_fw.h"
#include "gaon_queue.h"
#include "gaon_trace.h"
#include "gaon_vm.h"

#define HEARTBEAT_MS		1000
#define HEARTBEAT_MISSED	10	/* looks in turn at which nothing had moved */
#define ENGINES_BUSY_MS		5
#define FROZEN_MS		30000	/* from a fatal error of the link to the end of its reset */
#define RESET_TIMEOUT_US	(10 * USEC_PER_SEC)	/* for a model on a busy machine */

/**
 * gaon_reset_recovered() - a rung of resets has helped
 * @gdev: the device
 * @rung: which
 * @began: when it was begun
 *
 * Does not sleep; in the path of fences.
 */
void gaon_reset_recovered(struct gaon_device *gdev, enum gaon_rung rung, ktime_t began)
{
	struct gaon_recovery *recovery = &gdev->resets.recovery[rung];
	u64 us = ktime_us_delta(ktime_get(), began);

	guard(spinlock)(&gdev->resets.lock);
	recovery->count++;
	recovery->last_us = us;
	recovery->longest_us = max(recovery->longest_us, us);
}

/* By the function's own means: what the chip's register does, and more. */
static void reset_function(struct gaon_device *gdev)
{
	u32 state;
	int err;

	err = gaon_pci_reset_function(gdev);
	state = gaon_read32(gdev, GAON_REG_STATE);
	if (!err && state == GAON_STATE_RESET) {
		gdev->resets.rung = GAON_RUNG_FUNCTION;
		return;
	}
	/* That much can be done from here. */
	pci_clear_master(gdev->pdev);
	drm_err(&gdev->drm, "nor did a reset of the PCI function help (error %d), state %s\n", err,
		gaon_state_name(state));
}

/**
 * gaon_reset_chip() - reset the card's function
 * @gdev: the device
 *
 * When it returns all access of the card to memory has ended, contexts and queues are gone and HBM
 * is cleared; state RESET. Harmless when the card is gone.
 */
void gaon_reset_chip(struct gaon_device *gdev)
{
	u32 state;
	int err;

	gaon_write32(gdev, GAON_REG_RESET, GAON_RESET_CHIP);
	err = read_poll_timeout(gaon_read32, state,
				state == GAON_STATE_RESET || state == GAON_STATE_GONE, 100,
				RESET_TIMEOUT_US, false, gdev, GAON_REG_STATE);
	if (!err)
		return;
	drm_err(&gdev->drm, "reset did not end within %lu s, state %s: resetting the PCI function\n",
		RESET_TIMEOUT_US / USEC_PER_SEC, gaon_state_name(state));
	reset_function(gdev);
}

/* Busy while the firmware does the same of its own accord, or for somebody else. */
static int reset_command(struct gaon_device *gdev, u16 opcode, u32 context)
{
	unsigned long end = jiffies + gaon_device_patience(gdev);
	struct gaon_admin_req req;
	int err;

	do {
		req = (struct gaon_admin_req) { .cmd = { .opcode = opcode } };
		req.cmd.id.id = context;
		err = gaon_admin_exec(gdev, &req, GAON_ADMIN_RECLAIM);
		if (err == -EBUSY)
			msleep(ENGINES_BUSY_MS);
	} while (err == -EBUSY && time_before(jiffies, end));
	return err;
}

/**
 * gaon_reset_context() - drop the work of all queues of a context
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @context: whose
 *
 * Sleeps; in the path of fences. The others of its queues find that out, soon.
 *
 * Return: 0, or as gaon_admin_exec(); then there may be work in flight.
 */
int gaon_reset_context(struct gaon_device *gdev, u32 context)
{
	ktime_t began = ktime_get();
	int err;

	atomic_inc(&gdev->resets.contexts);
	err = reset_command(gdev, GAON_ADMIN_CONTEXT_RESET, context);
	if (!err)
		gaon_reset_recovered(gdev, GAON_RUNG_CONTEXT, began);
	gaon_queues_check_all(gdev, context);
	return err;
}

/**
 * gaon_reset_engines() - drop all work that is in flight
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 *
 * Sleeps; in the path of fences. Whose work it was finds that out, soon; who slept notices nothing.
 *
 * Return: 0, or as gaon_admin_exec(); then there may be work in flight.
 */
int gaon_reset_engines(struct gaon_device *gdev)
{
	ktime_t began = ktime_get();
	int err;

	atomic_inc(&gdev->resets.engines);
	err = reset_command(gdev, GAON_ADMIN_ENGINE_RESET, 0);
	if (!err)
		gaon_reset_recovered(gdev, GAON_RUNG_ENGINES, began);
	gaon_queues_check_all(gdev, 0);
	gaon_coredump_reset(gdev, GAON_DUMP_KIND_ENGINES,
			    err ? "work did not stop, and the engines could not be reset" :
				  "work did not stop, or an administrator asked for it");
	return err;
}

/* Who gets true resets it, and nobody else. */
static bool reset_claim(struct gaon_device *gdev, enum gaon_device_state from, const char *why,
			bool asked, bool restart)
{
	if (atomic_cmpxchg(&gdev->state, from, GAON_DEVICE_RESETTING) != from)
		return false;
	WRITE_ONCE(gdev->resets.why, why);
	gdev->resets.asked = asked;
	gdev->resets.restart = restart;
	gdev->resets.began = ktime_get();
	gdev->resets.rung = GAON_RUNG_CHIP;
	trace_gaon_reset(gdev, why);
	drm_err(&gdev->drm, "resetting the device: %s\n", why);
	return true;
}

/* Also of a device that is wedged. */
static bool reset_claim_asked(struct gaon_device *gdev, const char *why)
{
	return reset_claim(gdev, GAON_DEVICE_RUNNING, why, true, false) ||
	       reset_claim(gdev, GAON_DEVICE_WEDGED, why, true, false);
}

/**
 * gaon_reset_schedule() - the device cannot be trusted any more
 * @gdev: the device
 * @why: for the log; constant
 *
 * From any context that may not be atomic in an interrupt handler proper: threads, work, ioctls.
 * Returns at once; nothing is sent to the device until the reset is over.
 */
void gaon_reset_schedule(struct gaon_device *gdev, const char *why)
{
	if (reset_claim(gdev, GAON_DEVICE_RUNNING, why, false, false))
		queue_work(gdev->wq, &gdev->reset_work);
}

/**
 * gaon_reset_firmware_lost() - as gaon_reset_schedule(), where it may do to start the firmware anew
 * @gdev: the device
 * @why: for the log; constant
 *
 * The firmware has ended, or does nothing; it has said nothing that was false.
 */
void gaon_reset_firmware_lost(struct gaon_device *gdev, const char *why)
{
	if (reset_claim(gdev, GAON_DEVICE_RUNNING, why, false, true))
		queue_work(gdev->wq, &gdev->reset_work);
}

/**
 * gaon_reset_ask() - an administrator wants the device reset
 * @gdev: the device
 *
 * Returns at once. Also brings back a device that is wedged, if it can be; what it did before is
 * forgiven.
 */
void gaon_reset_ask(struct gaon_device *gdev)
{
	if (reset_claim_asked(gdev, "asked for in debugfs"))
		queue_work(gdev->wq, &gdev->reset_work);
}

/** gaon_reset_ask_restart() - as gaon_reset_ask(), of the firmware alone, if the device runs */
void gaon_reset_ask_restart(struct gaon_device *gdev)
{
	if (reset_claim(gdev, GAON_DEVICE_RUNNING, "restart of the firmware asked for in debugfs",
			true, true))
		queue_work(gdev->wq, &gdev->reset_work);
	else
		gaon_reset_ask(gdev);
}

/** gaon_reset_wait() - sleep until no reset is due or under way; not from the reset itself */
void gaon_reset_wait(struct gaon_device *gdev)
{
	wait_event(gdev->reset_wait, !gaon_device_is_away(gdev));
}

/* Counts what the device did; whether it was too much of late. */
static bool reset_is_one_too_many(struct gaon_resets *resets)
{
	u64 now = get_jiffies_64();
	u64 *oldest = &resets->failed_at[resets->failures % GAON_RESET_BURST];
	bool many = resets->failures >= GAON_RESET_BURST &&
		    now - *oldest < (u64)GAON_RESET_PERIOD_S * HZ;

	*oldest = now;
	resets->failures++;
	return many;
}

/*
 * As drm_dev_wedged_event(), which up to 7.3 at least takes the primary node for granted that
 * accelerators have not; see "Device Wedging" in the kernel's Documentation/gpu/drm-uapi.rst.
 */
static void reset_tell_wedged(struct gaon_device *gdev, char *how)
{
	char *env[2] = { how };

	kobject_uevent_env(&gdev->drm.accel->kdev->kobj, KOBJ_CHANGE, env);
}

/* It reaches no memory any more, and is left alone until somebody does something about it. */
static void reset_give_up(struct gaon_device *gdev, char *how)
{
	pci_clear_master(gdev->pdev);
	gaon_device_set_state(gdev, GAON_DEVICE_WEDGED);
	reset_tell_wedged(gdev, how);
}

static void reset_start(struct gaon_device *gdev)
{
	int err;

	pci_set_master(gdev->pdev);
	err = gaon_device_start(gdev);
	if (err) {
		drm_err(&gdev->drm, "the device did not come back from its reset (error %d): unbind and bind the driver, or power the machine off and on\n",
			err);
		reset_give_up(gdev, "WEDGED=rebind");
	} else {
		gaon_reset_recovered(gdev, gdev->resets.rung, gdev->resets.began);
		drm_info(&gdev->drm, "the device is back after reset %d\n",
			 atomic_read(&gdev->resets.device));
	}
}

/* Whose work the device had is told. */
static void reset_lose(struct gaon_device *gdev)
{
	atomic_inc(&gdev->resets.device);
	gaon_vm_lose_all(gdev);
	gaon_queues_lose_all(gdev, -ECANCELED);
	if (gdev->resets.asked) {
		gdev->resets.failures = 0;
		gdev->resets.restarted = 0;
	}
}

/* And before that it does nothing any more. */
static void reset_stop(struct gaon_device *gdev)
{
	gaon_device_stop(gdev);
	reset_lose(gdev);
}

/**
 * gaon_reset_lose() - a device that was stopped for the machine's sleep did not start again
 * @gdev: the device, in state ASLEEP
 * @err: why
 */
void gaon_reset_lose(struct gaon_device *gdev, int err)
{
	drm_err(&gdev->drm, "the device did not come back from the machine's sleep (error %d): unbind and bind the driver, or power the machine off and on\n",
		err);
	gdev->resets.asked = false;
	reset_stop(gdev);
	reset_give_up(gdev, "WEDGED=rebind");
}

static void reset_start_or_give_up(struct gaon_device *gdev)
{
	struct gaon_resets *resets = &gdev->resets;

	if (resets->asked || !reset_is_one_too_many(resets)) {
		reset_start(gdev);
		return;
	}
	drm_err(&gdev->drm, "the device failed %u times within %u s, the last time since %s: it is not used any more; unbind and bind the driver to try again\n",
		GAON_RESET_BURST + 1, GAON_RESET_PERIOD_S, resets->why);
	reset_give_up(gdev, "WEDGED=rebind");
}

/*
 * A reset can take half a minute, of a card that does not come back. It is not between
 * drm_dev_enter() and drm_dev_exit(): the removal of any DRM device, whoever's, waits for all who
 * are. It has no need of them: gaon_device_unplug() begins with gaon_reset_stop(), which waits for
 * this work, and what the kernel calls holds the PCI device's lock, without which nobody unbinds.
 */
static void reset_work(struct work_struct *work)
{
	struct gaon_device *gdev = container_of(work, struct gaon_device, reset_work);

	/* That it is due kept the card awake so far. */
	gaon_power_keep(gdev);
	if (!gdev->resets.asked)
		gaon_coredump_reset(gdev, gaon_restart_may_help(gdev) ? GAON_DUMP_KIND_FIRMWARE :
				    GAON_DUMP_KIND_DEVICE, gdev->resets.why);
	if (!gaon_restart(gdev)) {
		reset_stop(gdev);
		reset_start_or_give_up(gdev);
	}
	gaon_event_wake_all(gdev);
	gaon_power_put(gdev);
}

/*
 * Nobody but the caller resets the device from now on, nor looks at its heartbeat, until
 * reset_release(). False: it is off, or wedged and nobody @asked.
 */
static bool reset_take(struct gaon_device *gdev, const char *why, bool asked)
{
	/* One that is under way goes first. */
	do {
		gaon_reset_wait(gdev);
		if (gaon_device_state(gdev) == GAON_DEVICE_OFF ||
		    (!asked && gaon_device_state(gdev) == GAON_DEVICE_WEDGED))
			return false;
	} while (asked ? !reset_claim_asked(gdev, why) :
			 !reset_claim(gdev, GAON_DEVICE_RUNNING, why, false, false));
	flush_work(&gdev->reset_work);
	disable_delayed_work_sync(&gdev->heartbeat);
	return true;
}

static void reset_release(struct gaon_device *gdev)
{
	enable_delayed_work(&gdev->heartbeat);
	gaon_reset_start(gdev);
	gaon_event_wake_all(gdev);
}

/**
 * gaon_reset_prepare() - the kernel is about to reset the function
 * @gdev: the device; with the lock of the PCI device held, so that the driver does not leave it
 *
 * When it returns nothing is sent to the device until gaon_reset_done(), and no register matters:
 * they read as all ones while the function is reset.
 */
void gaon_reset_prepare(struct gaon_device *gdev)
{
	device_lock_assert(&gdev->pdev->dev);
	/* Who waits for a reset of the link waits for the lock, too: gaon_reset_thaw() does it. */
	if (!gdev->resets.frozen && reset_take(gdev, "asked for through PCI", true))
		reset_stop(gdev);
}

/** gaon_reset_done() - the kernel has reset the function, after gaon_reset_prepare() */
void gaon_reset_done(struct gaon_device *gdev)
{
	device_lock_assert(&gdev->pdev->dev);
	if (!gdev->resets.frozen && gaon_device_state(gdev) == GAON_DEVICE_RESETTING) {
		gdev->resets.rung = GAON_RUNG_FUNCTION;
		reset_start(gdev);
		reset_release(gdev);
	}
}

/**
 * gaon_reset_freeze() - the card cannot be reached, until the kernel has reset its link
 * @gdev: the device; as for the other three of these with the lock of the PCI device held
 *
 * Touches no register. Nothing more is sent to the device until gaon_reset_thaw() or
 * gaon_reset_forsake(). Until then it may still reach memory: fences and unmapping wait.
 */
void gaon_reset_freeze(struct gaon_device *gdev)
{
	device_lock_assert(&gdev->pdev->dev);
	if (!gdev->resets.frozen && reset_take(gdev, "its link failed", false)) {
		gdev->resets.frozen = true;
		queue_delayed_work(system_dfl_wq, &gdev->frozen_work, msecs_to_jiffies(FROZEN_MS));
		pci_clear_master(gdev->pdev);
		gaon_device_silence(gdev);
	}
}

/**
 * gaon_reset_thaw() - the kernel has reset the card's link, and registers can be used
 * @gdev: the device
 *
 * Sleeps until it is started anew, or wedged: because it does not start, or did this too often.
 *
 * Return: whether the card answers.
 */
bool gaon_reset_thaw(struct gaon_device *gdev)
{
	bool there = false;

	device_lock_assert(&gdev->pdev->dev);
	there = gaon_read32(gdev, GAON_REG_ID) == GAON_ID;
	if (there && gdev->resets.frozen) {
		gdev->resets.frozen = false;
		cancel_delayed_work(&gdev->frozen_work);
		reset_stop(gdev);
		gdev->resets.rung = GAON_RUNG_LINK;
		reset_start_or_give_up(gdev);
		reset_release(gdev);
	}
	return there;
}

/**
 * gaon_reset_forsake() - the card is lost for good
 * @gdev: the device
 *
 * Touches no register. It is wedged until the driver is bound again.
 */
void gaon_reset_forsake(struct gaon_device *gdev)
{
	device_lock_assert(&gdev->pdev->dev);
	if (gdev->resets.frozen || reset_take(gdev, "its link failed for good", false)) {
		gdev->resets.frozen = false;
		cancel_delayed_work(&gdev->frozen_work);
		gaon_device_silence(gdev);
		reset_lose(gdev);
		drm_err(&gdev->drm, "the card's link is lost and was not recovered: `echo 1 >/sys/bus/pci/devices/%s/remove; echo 1 >/sys/bus/pci/rescan` may find it again, else power the machine off and on\n",
			pci_name(gdev->pdev));
		reset_give_up(gdev, "WEDGED=bus-reset");
		reset_release(gdev);
	}
}

/* Older kernels do not say that they gave a link up; fences must be signalled all the same. */
static void frozen_work(struct work_struct *work)
{
	struct gaon_device *gdev = container_of(work, struct gaon_device, frozen_work.work);

	/* Who has the lock may wait for this to end. */
	if (!device_trylock(&gdev->pdev->dev)) {
		queue_delayed_work(system_dfl_wq, &gdev->frozen_work, HZ);
		return;
	}
	if (gdev->resets.frozen)
		gaon_reset_forsake(gdev);
	device_unlock(&gdev->pdev->dev);
}

/**
 * gaon_reset_is_healthy() - whether an error of the link left the device as it was
 * @gdev: the device; registers can be used
 *
 * Sleeps while the device is being reset. The work whose access failed got a fault; should its
 * record have been what was lost, its owner is told all the same.
 *
 * Return: false: it must be reset.
 */
bool gaon_reset_is_healthy(struct gaon_device *gdev)
{
	u32 state;

	device_lock_assert(&gdev->pdev->dev);
	gaon_reset_wait(gdev);
	state = gaon_read32(gdev, GAON_REG_STATE);
	if (gaon_device_running(gdev) && state != GAON_STATE_GONE && state != GAON_STATE_FATAL)
		gaon_queues_check_all(gdev, 0);
	return state != GAON_STATE_GONE && state != GAON_STATE_FATAL;
}

/**
 * gaon_reset_look() - whether the card answers; a reset is due if not
 * @gdev: the device, running and awake
 *
 * For who cannot wait for the heartbeat to find out. Does not sleep.
 */
bool gaon_reset_look(struct gaon_device *gdev)
{
	bool there;
	int idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return false;
	there = gaon_read32(gdev, GAON_REG_ID) != GAON_STATE_GONE;
	if (!there)
		gaon_reset_schedule(gdev, "the card does not answer");
	drm_dev_exit(idx);
	return there;
}

static void heartbeat_work(struct work_struct *work)
{
	struct gaon_device *gdev = container_of(work, struct gaon_device, heartbeat.work);
	u32 beat;
	int idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return;
	if (gaon_device_running(gdev)) {
		beat = gaon_read32(gdev, GAON_REG_HEARTBEAT);
		if (beat != gdev->heartbeat_last)
			gdev->heartbeat_missed = 0;
		else
			gdev->heartbeat_missed++;
		gdev->heartbeat_last = beat;
		if ((beat != GAON_STATE_GONE || gaon_reset_look(gdev)) &&
		    gdev->heartbeat_missed >= HEARTBEAT_MISSED) {
			gdev->heartbeat_missed = 0;
			gaon_reset_firmware_lost(gdev, "the firmware's heartbeat stopped");
		}
		gaon_fwlog_poll(gdev);
	}
	queue_delayed_work(gdev->wq, &gdev->heartbeat, msecs_to_jiffies(HEARTBEAT_MS));
	drm_dev_exit(idx);
}

void gaon_reset_init(struct gaon_device *gdev)
{
	init_waitqueue_head(&gdev->reset_wait);
	INIT_DELAYED_WORK(&gdev->heartbeat, heartbeat_work);
	INIT_WORK(&gdev->reset_work, reset_work);
	INIT_DELAYED_WORK(&gdev->frozen_work, frozen_work);
}

/* Ask the firmware to beat, and listen. */
void gaon_reset_start(struct gaon_device *gdev)
{
	queue_delayed_work(gdev->wq, &gdev->heartbeat, msecs_to_jiffies(HEARTBEAT_MS));
}

/* For good: when it returns no reset is due or under way, and the state is RESETTING. */
void gaon_reset_stop(struct gaon_device *gdev)
{
	gaon_device_set_state(gdev, GAON_DEVICE_RESETTING);
	disable_delayed_work_sync(&gdev->heartbeat);
	disable_work_sync(&gdev->reset_work);
	disable_delayed_work_sync(&gdev->frozen_work);
	/* A reset that was under way may have ended well. */
	gaon_device_set_state(gdev, GAON_DEVICE_RESETTING);
}

/**
 * gaon_reset_set_heartbeat() - let the firmware beat
 * @gdev: the device; its admin queue is started
 *
 * Return: 0 or an error.
 */
int gaon_reset_set_heartbeat(struct gaon_device *gdev)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_LIMITS } };

	req.cmd.limits.heartbeat_ms = HEARTBEAT_MS;
	gdev->fw.preempt_ms = gdev->identify.preempt_ms;
	if (gdev->fw.features & GAON_FEATURE_MODELLED_TIME) {
		gdev->fw.preempt_ms = max(gdev->fw.preempt_ms, GAON_PREEMPT_MODEL_MS);
		req.cmd.limits.preempt_ms = gdev->fw.preempt_ms;
	}
	gdev->heartbeat_missed = 0;
	return gaon_admin_exec(gdev, &req, 0);
}
