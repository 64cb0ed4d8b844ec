// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The firmware is lost, and HBM need not be: a reset of all but HBM, new firmware, and every
 * context and queue as it was. Queues that had nothing to do go on as if nothing had happened; of
 * those that had work nobody knows how far it was: it is dropped, and they are told, as by a reset
 * of the engines. Address spaces and memory are everybody's still.
 *
 * Who sent a command when the firmware was lost got -EIO. Who sends one later waits until all is
 * there again (gaon_admin_hold()), and then it does what it would have done: so nothing here takes
 * a lock under which somebody may wait for an answer. What is read of contexts and queues without
 * their locks is written before the command that goes with it: either it is seen here, or the
 * command comes after. gaon_resets.firmware changes before the first command fails, so that who got
 * -EIO can know that it was for this.
 */
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_sleep.h"
#include "gaon_tlbi.h"
#include "gaon_vm.h"

#define RESTART_APART		(30 * HZ)	/* once more before that: more is broken */
#define RESTART_RESET_US	(2 * USEC_PER_SEC)

/* Memory that became that hot need not have what it had. */
static bool restart_after_heat(struct gaon_device *gdev)
{
	return gaon_read32(gdev, GAON_REG_STATE) == GAON_STATE_FATAL &&
	       gaon_read32(gdev, GAON_REG_BOOT_ERROR) ==
	       (GAON_BOOT_PANIC | GAON_PANIC_HEAT << GAON_PANIC_SHIFT);
}

/** gaon_restart_may_help() - whether gaon_restart() will try */
bool gaon_restart_may_help(struct gaon_device *gdev)
{
	struct gaon_resets *resets = &gdev->resets;

	return resets->restart && gdev->fw.features & GAON_FEATURE_RESTART &&
	       (resets->asked || !resets->restarted ||
		time_after64(get_jiffies_64(), resets->restarted + RESTART_APART)) &&
	       !restart_after_heat(gdev);
}

/* When it returns 0 the card does nothing any more, and has nothing but HBM. */
static int restart_reset(struct gaon_device *gdev)
{
	u32 state;

	gaon_write32(gdev, GAON_REG_RESET, GAON_RESET_FIRMWARE);
	return read_poll_timeout(gaon_read32, state, state == GAON_STATE_RESET, 100,
				 RESTART_RESET_US, false, gdev, GAON_REG_STATE);
}

/* --- contexts ------------------------------------------------------------------------------- */

static int vm_create(struct gaon_vm *vm)
{
	if (test_bit(GAON_VM_STATE_LOST, &vm->state))
		return 0;
	return gaon_vm_create_context(vm) ?:
	       gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_SUSPEND, vm->context, 0,
			     GAON_ADMIN_RECLAIM);
}

static int vm_resume(struct gaon_vm *vm)
{
	/* What is missing of its memory comes back first. */
	if (test_bit(GAON_VM_STATE_LOST, &vm->state) || READ_ONCE(vm->suspended))
		return 0;
	return gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_RESUME, vm->context, 0,
			     GAON_ADMIN_RECLAIM);
}

static int vms_do(struct gaon_device *gdev, int (*what)(struct gaon_vm *vm))
{
	unsigned long context = 0;
	struct gaon_vm *vm;
	int err = 0;

	while (!err && (vm = gaon_vm_next(gdev, &context))) {
		err = what(vm);
		/* To free one takes commands, and the end of this. */
		gaon_vm_put_later(vm);
	}
	return err;
}

/* --- queues --------------------------------------------------------------------------------- */

static int queue_adopt(struct gaon_queue *queue)
{
	struct gaon_admin_restore restore = {
		.queue = queue->hwq.id,
		.state = GAON_RESTORE_ADOPT,
		.core_cycles = READ_ONCE(queue->times.core),
		.copy_cycles = READ_ONCE(queue->times.copy),
	};

	return gaon_queue_create_again(queue, &restore, READ_ONCE(queue->held));
}

static int queues_adopt(struct gaon_device *gdev)
{
	struct gaon_queue *queue;
	int err = 0;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (!err && READ_ONCE(queue->entered) && !READ_ONCE(queue->dead))
			err = queue_adopt(queue);
	}
	return err;
}

/* Jobs that were being stopped when the firmware was lost. */
static void queues_stop_again(struct gaon_device *gdev)
{
	struct gaon_queue *queue;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (queue->kq)
			gaon_kq_stop_again(queue->kq);
	}
}

/* --- all of it ------------------------------------------------------------------------------ */

static int restart_contents(struct gaon_device *gdev)
{
	return vms_do(gdev, vm_create) ?: queues_adopt(gdev) ?: vms_do(gdev, vm_resume);
}

/**
 * gaon_restart() - start the firmware anew, if that is enough
 * @gdev: the device, in state RESETTING, which is the caller's
 *
 * Sleeps. In the path of fences.
 *
 * Return: whether the device is RUNNING. If not it must be reset; nothing waits for it then.
 */
bool gaon_restart(struct gaon_device *gdev)
{
	unsigned int reclaim;
	int err;

	if (!gaon_restart_may_help(gdev))
		return false;
	gdev->resets.restarted = get_jiffies_64();
	atomic_inc(&gdev->resets.firmware);
	gaon_device_silence(gdev);
	err = restart_reset(gdev);
	if (!err)
		err = gaon_device_boot_kept(gdev);
	/* Who waits for the end of this may be who frees memory. */
	reclaim = memalloc_noreclaim_save();
	if (!err)
		err = gaon_device_start_kept(gdev, restart_contents);
	memalloc_noreclaim_restore(reclaim);
	if (err) {
		drm_err(&gdev->drm, "its firmware could not be started anew (error %d)\n", err);
		return false;
	}
	gaon_reset_recovered(gdev, GAON_RUNG_FIRMWARE, gdev->resets.began);
	drm_info(&gdev->drm, "the firmware is back after restart %d: only who had work under way has lost it\n",
		 atomic_read(&gdev->resets.firmware));
	queues_stop_again(gdev);
	gaon_queues_check_all(gdev, 0);
	return true;
}
