// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * System sleep: what the card holds is saved, and is there again when the machine wakes. And the
 * card's own, when nobody has it open: D3hot, in which it keeps everything.
 *
 * Before processes are frozen all calls and page faults are held up at gates, all contexts are
 * suspended, and HBM is copied to memory that can be swapped out: while that can fail, and there
 * is a disk to swap to. Then the chip is reset. Page tables, rings and all else is in host memory.
 * When everybody runs again the firmware is booted, HBM gets its contents at the places where they
 * were, and contexts and queues are created as they had been.
 */
#include <linux/freezer.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/pm_runtime.h>
#include <linux/suspend.h>

#include <drm/drm_managed.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_migrate.h"
#include "gaon_queue.h"
#include "gaon_restore.h"
#include "gaon_sleep.h"
#include "gaon_tlbi.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

#define POWER_IDLE_MS	5000	/* nobody needs the card, until it sleeps */

/* --- gates ---------------------------------------------------------------------------------- */

static bool gate_enter(struct gaon_gate *gate, int *idx)
{
	*idx = srcu_read_lock(&gate->srcu);
	if (!READ_ONCE(gate->closed))
		return true;
	srcu_read_unlock(&gate->srcu, *idx);
	return false;
}

/* When it returns nobody is inside. */
static void gate_close(struct gaon_gate *gate)
{
	WRITE_ONCE(gate->closed, true);
	synchronize_srcu(&gate->srcu);
}

static void gate_open(struct gaon_gate *gate)
{
	WRITE_ONCE(gate->closed, false);
	wake_up_all(&gate->wait);
}

/**
 * gaon_power_enter() - begin a call that needs the card
 * @gdev: the device
 * @idx: for gaon_power_exit()
 *
 * Before drm_dev_enter(), and not from within. Sleeps while the machine does.
 *
 * Return: 0 or -ERESTARTSYS.
 */
int gaon_power_enter(struct gaon_device *gdev, int *idx)
{
	struct gaon_gate *gate = &gdev->power.calls;
	int err;

	while (!gate_enter(gate, idx)) {
		err = wait_event_freezable(gate->wait, !READ_ONCE(gate->closed));
		if (err)
			return err;
	}
	return 0;
}

/** gaon_power_enter_always() - as gaon_power_enter(), for who cannot go back */
void gaon_power_enter_always(struct gaon_device *gdev, int *idx)
{
	unsigned int state = TASK_UNINTERRUPTIBLE | TASK_FREEZABLE_UNSAFE;
	struct gaon_gate *gate = &gdev->power.calls;

	while (!gate_enter(gate, idx))
		wait_event_state(gate->wait, !READ_ONCE(gate->closed), state);
}

/**
 * gaon_power_try_enter() - as gaon_power_enter(), but false while machine or card sleeps
 * @gdev: the device
 * @idx: for gaon_power_try_exit()
 *
 * For who only looks, and should not wake it.
 */
bool gaon_power_try_enter(struct gaon_device *gdev, int *idx)
{
	int active;

	if (!gate_enter(&gdev->power.calls, idx))
		return false;
	active = pm_runtime_get_if_active(gdev->drm.dev);
	if (active > 0)
		return true;
	/* The kernel is not to let it sleep. */
	if (active < 0) {
		gaon_power_keep(gdev);
		return true;
	}
	gaon_power_exit(gdev, *idx);
	return false;
}

/* As pm_runtime_put_autosuspend() of older kernels: who only looks does not make the card busy. */
void gaon_power_try_exit(struct gaon_device *gdev, int idx)
{
	__pm_runtime_suspend(gdev->drm.dev, RPM_GET_PUT | RPM_ASYNC | RPM_AUTO);
	gaon_power_exit(gdev, idx);
}

void gaon_power_exit(struct gaon_device *gdev, int idx)
{
	srcu_read_unlock(&gdev->power.calls.srcu, idx);
}

/*
 * A process that waits here must not keep others from its address space. If it cannot do without
 * that it waits all the same: to freeze it so is no worse than any other wait for the card.
 */
static vm_fault_t fault_wait(struct gaon_device *gdev, struct vm_fault *vmf)
{
	struct gaon_gate *gate = &gdev->power.faults;
	unsigned int state = TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;

	if (!fault_flag_allow_retry_first(vmf->flags)) {
		if (wait_event_state(gate->wait, !READ_ONCE(gate->closed), state))
			return VM_FAULT_NOPAGE;
		return 0;
	}
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	/* The mapping may go, and with it the file. */
	drm_dev_get(&gdev->drm);
	mmap_read_unlock(vmf->vma->vm_mm);
	(void)wait_event_state(gate->wait, !READ_ONCE(gate->closed), state);
	drm_dev_put(&gdev->drm);
	return VM_FAULT_RETRY;
}

/**
 * gaon_power_fault_enter() - begin to serve a page fault
 * @gdev: the device
 * @vmf: the fault
 * @idx: for gaon_power_fault_exit()
 *
 * Return: 0, or what the fault's handler returns at once.
 */
vm_fault_t gaon_power_fault_enter(struct gaon_device *gdev, struct vm_fault *vmf, int *idx)
{
	vm_fault_t ret = 0;

	while (!ret && !gate_enter(&gdev->power.faults, idx))
		ret = fault_wait(gdev, vmf);
	return ret;
}

void gaon_power_fault_exit(struct gaon_device *gdev, int idx)
{
	srcu_read_unlock(&gdev->power.faults.srcu, idx);
}

/* Nobody calls, and no processor reaches HBM or doorbells. */
static void power_close(struct gaon_device *gdev)
{
	/* Calls fault, faults do not call. */
	gate_close(&gdev->power.calls);
	gate_close(&gdev->power.faults);
	unmap_mapping_range(gdev->drm.anon_inode->i_mapping, 0, 0, 1);
}

static void power_open(struct gaon_device *gdev)
{
	gate_open(&gdev->power.faults);
	gate_open(&gdev->power.calls);
}

/* --- sleep of the card alone ---------------------------------------------------------------- */

/**
 * gaon_power_get() - wake the card, and keep it awake until gaon_power_put()
 * @gdev: the device
 *
 * Sleeps; not in the path of fences or of reclaim: there somebody has kept it awake.
 *
 * Return: 0 or an error.
 */
int gaon_power_get(struct gaon_device *gdev)
{
	return min(pm_runtime_resume_and_get(gdev->drm.dev), 0);
}

/** gaon_power_keep() - as gaon_power_get(), of a card that is awake; does not sleep */
void gaon_power_keep(struct gaon_device *gdev)
{
	pm_runtime_get_noresume(gdev->drm.dev);
}

/** gaon_power_put() - the caller can do without the card, also if it is gone; does not sleep */
void gaon_power_put(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;

	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_autosuspend(dev);
}

/* Nobody has the card open, and there is no object and no address space: nothing is under way. */
static int power_runtime_suspend(struct device *dev)
{
	struct gaon_device *gdev = dev_get_drvdata(dev);
	unsigned int i;

	if (gaon_device_is_away(gdev))
		return -EBUSY;
	disable_delayed_work_sync(&gdev->heartbeat);
	for (i = 0; i < gdev->vectors; i++)
		synchronize_irq(pci_irq_vector(gdev->pdev, i));
	return 0;
}

static int power_runtime_resume(struct device *dev)
{
	struct gaon_device *gdev = dev_get_drvdata(dev);
	u32 state = gaon_read32(gdev, GAON_REG_STATE);

	enable_delayed_work(&gdev->heartbeat);
	gaon_reset_start(gdev);
	if (state != GAON_STATE_READY && state != GAON_STATE_DEGRADED)
		gaon_reset_schedule(gdev, "it did not keep its state in D3hot");
	return 0;
}

/* --- going to sleep ------------------------------------------------------------------------- */

/* From here on nothing that this driver does in the background sends a command. */
static int power_hold(struct gaon_device *gdev)
{
	disable_delayed_work_sync(&gdev->heartbeat);
	gaon_admin_hold(gdev);
	gaon_tlbi_hold(gdev);
	if (atomic_cmpxchg(&gdev->state, GAON_DEVICE_RUNNING, GAON_DEVICE_ASLEEP) ==
	    GAON_DEVICE_RUNNING)
		return 0;
	return -EIO;
}

static void power_release(struct gaon_device *gdev)
{
	gaon_tlbi_release(gdev);
	gaon_admin_release(gdev);
	enable_delayed_work(&gdev->heartbeat);
	gaon_reset_start(gdev);
}

static int power_save(struct gaon_device *gdev)
{
	struct gaon_image *image;
	int err;

	gaon_queues_hold(gdev);
	err = gaon_vm_sleep_all(gdev);
	/* What was freed, and what the device has said of its work so far, is dealt with. */
	gaon_ttm_settle(gdev);
	flush_workqueue(gdev->cleanup_wq);
	gaon_events_drain_all(gdev);
	flush_workqueue(gdev->queues->wq);
	if (!err)
		err = gaon_queues_note(gdev);
	if (err)
		return err;
	image = gaon_image_save(gdev);
	if (IS_ERR(image))
		return PTR_ERR(image);
	gdev->power.image = image;
	return 0;
}

static void power_wake(struct gaon_device *gdev);

/* Before processes are frozen. An error keeps the machine awake. */
static int power_prepare(struct gaon_device *gdev)
{
	struct gaon_power *power = &gdev->power;
	int err;

	/* Counted, too, if it does not wake: then a reset is due. */
	pm_runtime_get_sync(gdev->drm.dev);
	power_close(gdev);
	gaon_reset_wait(gdev);
	power->lost = false;
	power->prepared = true;
	/* Wedged: it has nothing that could be saved. */
	if (!gaon_device_running(gdev))
		return 0;
	err = power_save(gdev);
	if (!err) {
		err = power_hold(gdev);
		if (err)
			power_release(gdev);
	}
	if (!err)
		return 0;
	drm_err(&gdev->drm, "the machine cannot sleep: the card's contents cannot be saved (error %d)\n",
		err);
	power_wake(gdev);
	return err;
}

/* --- waking --------------------------------------------------------------------------------- */

/* The device is as after a reset; then everything is put back. */
static void power_restore(struct gaon_device *gdev)
{
	int err;

	pci_set_master(gdev->pdev);
	gaon_admin_hold(gdev);
	err = gaon_device_start(gdev);
	if (err) {
		gaon_reset_lose(gdev, err);
		return;
	}
	err = gaon_image_load(gdev, gdev->power.image);
	if (!err)
		err = gaon_vm_create_all(gdev);
	if (!err)
		err = gaon_queues_create_all(gdev);
	if (err) {
		drm_err(&gdev->drm, "what the card had before the machine slept cannot be restored (error %d)\n",
			err);
		gaon_reset_schedule(gdev, "its contents are lost over the machine's sleep");
	}
}

/* Also of a sleep that did not come about. */
static void power_wake(struct gaon_device *gdev)
{
	struct gaon_power *power = &gdev->power;

	if (power->lost) {
		power_restore(gdev);
		power_release(gdev);
	} else if (gaon_device_state(gdev) == GAON_DEVICE_ASLEEP) {
		gaon_device_set_state(gdev, GAON_DEVICE_RUNNING);
		power_release(gdev);
	}
	gaon_vm_wake_all(gdev);
	/* Of what was not told before the sleep. */
	gaon_events_rescan_all(gdev);
	gaon_queues_release(gdev);
	gaon_image_free(gdev, power->image);
	power->image = NULL;
	power->prepared = false;
	power_open(gdev);
	gaon_event_wake_all(gdev);
	gaon_power_put(gdev);
}

static int power_notify(struct notifier_block *notifier, unsigned long action, void *data)
{
	struct gaon_device *gdev = container_of(notifier, struct gaon_device, power.notifier);
	int err = 0;

	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (!gdev->power.prepared)
			err = power_prepare(gdev);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		if (gdev->power.prepared)
			power_wake(gdev);
		break;
	}
	return notifier_from_errno(err);
}

/* --- the kernel's callbacks ----------------------------------------------------------------- */

/* When it returns the card reaches no memory. */
static int power_suspend(struct device *dev)
{
	struct gaon_device *gdev = dev_get_drvdata(dev);

	if (!gdev->power.prepared) {
		drm_err(&gdev->drm, "asked to sleep without being told before: the card's contents would be lost\n");
		return -EBUSY;
	}
	if (gaon_device_state(gdev) != GAON_DEVICE_ASLEEP)
		return 0;
	gaon_device_stop(gdev);
	gdev->power.lost = true;
	pci_clear_master(gdev->pdev);
	return 0;
}

/* The rest when everybody runs who may be needed: see power_notify(). */
static int power_resume(struct device *dev)
{
	return 0;
}

const struct dev_pm_ops gaon_power_ops = {
	SYSTEM_SLEEP_PM_OPS(power_suspend, power_resume)
	RUNTIME_PM_OPS(power_runtime_suspend, power_runtime_resume, NULL)
};

/* --- life ----------------------------------------------------------------------------------- */

static void power_fini(struct drm_device *drm, void *arg)
{
	struct gaon_power *power = arg;

	cleanup_srcu_struct(&power->calls.srcu);
	cleanup_srcu_struct(&power->faults.srcu);
}

/** gaon_power_init() - before the first call. Return: 0 or -ENOMEM */
int gaon_power_init(struct gaon_device *gdev)
{
	struct gaon_power *power = &gdev->power;
	int err;

	init_waitqueue_head(&power->calls.wait);
	init_waitqueue_head(&power->faults.wait);
	err = init_srcu_struct(&power->calls.srcu);
	if (err)
		return err;
	err = init_srcu_struct(&power->faults.srcu);
	if (err) {
		cleanup_srcu_struct(&power->calls.srcu);
		return err;
	}
	return drmm_add_action_or_reset(&gdev->drm, power_fini, power);
}

/**
 * gaon_power_start() - hear of the machine's sleep, and let the card sleep when nobody needs it
 * @gdev: the device, running
 */
void gaon_power_start(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;

	gdev->power.notifier.notifier_call = power_notify;
	register_pm_notifier(&gdev->power.notifier);
	/* Without power it would have to be booted: what costs nothing is done more often. */
	pci_d3cold_disable(gdev->pdev);
	pm_runtime_set_autosuspend_delay(dev, POWER_IDLE_MS);
	pm_runtime_use_autosuspend(dev);
	gaon_power_put(gdev);	/* what PCI counted for the probe */
}

/**
 * gaon_power_stop() - the driver leaves the card
 * @gdev: the device, whose gaon_power_start() may not have come
 *
 * If the machine was about to sleep what was saved is lost with everything else.
 */
void gaon_power_stop(struct gaon_device *gdev)
{
	struct gaon_power *power = &gdev->power;

	if (!power->notifier.notifier_call)
		return;
	unregister_pm_notifier(&power->notifier);
	if (power->prepared)
		power_wake(gdev);
	/* PCI woke it, and takes its count back. */
	gaon_power_keep(gdev);
	pm_runtime_dont_use_autosuspend(gdev->drm.dev);
}
