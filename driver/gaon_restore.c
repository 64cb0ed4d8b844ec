// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * LR VMs: memory is taken away from work that cannot be waited for, and brought back.
 *
 * Whoever takes memory away (moves of objects, MMU notifiers) suspends the context first,
 * bounded by preempt_ms, then clears the entries and invalidates. A work brings everything back and
 * resumes the context: the process' own memory, then the objects that have moved, until nothing is
 * missing.
 *
 * What was moved out to make room for others comes back when it is the VM's turn (gaon_room.c). So
 * that programs that do not fit together get on, each runs for as long as pays for the moving. One
 * that has nothing to do stays away until its doorbell rings.
 */
#include <linux/jiffies.h>

#include <drm/drm_exec.h>

#include "gaon_admin.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_restore.h"
#include "gaon_room.h"
#include "gaon_trace.h"
#include "gaon_ttm.h"
#include "gaon_userptr.h"
#include "gaon_vm.h"

#define RESTORE_DELAY	(HZ / 50)	/* from one try to the next, while there is no memory */
#define RESTORE_IDLE	HZ		/* the same, if nobody can make room */
#define RESTORE_AWAY	(HZ / 10)	/* that others have for what they made room for */
#define RESTORE_ASLEEP	(HZ / 20)	/* from one look to the next whether a doorbell rang */
/* A context that came back runs for so many times as long as that took, within bounds. */
#define RESTORE_PAYS	4
#define RESTORE_RUN_MIN	(HZ / 10)
#define RESTORE_RUN_MAX	(10 * HZ)

/**
 * gaon_restore_suspend() - stop a context
 * @vm: an LR VM, with its lock held
 *
 * Nothing of it runs when this returns, or it was killed.
 *
 * Return: whether it was not suspended before and now is.
 */
bool gaon_restore_suspend(struct gaon_vm *vm)
{
	int err;

	lockdep_assert_held(&vm->lock);
	if (vm->suspended || !atomic_read(&vm->queues) || test_bit(GAON_VM_STATE_LOST, &vm->state))
		return false;
	/* It is, and stays so. */
	if (vm->asleep) {
		vm->suspended = true;
		return true;
	}
	/* First: if the firmware is started anew meanwhile it comes back suspended. */
	WRITE_ONCE(vm->suspended, true);
	err = gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_SUSPEND, vm->context, 0,
			    GAON_ADMIN_RECLAIM);
	/*
	 * Else its work may fault; what is taken away is taken away all the same. A context whose
	 * work did not stop in time is suspended, too.
	 */
	if (err && err != -ETIMEDOUT && err != -EIO)
		WRITE_ONCE(vm->suspended, false);
	if (err)
		drm_dbg(&vm->gdev->drm, "context %u is not suspended (error %d)\n", vm->context,
			err);
	/* The firmware dropped the work of the whole context, and knows whose fault that was. */
	if (err == -ETIMEDOUT)
		gaon_queues_check_all(vm->gdev, vm->context);
	return vm->suspended;
}

/** gaon_restore_later() - something is missing: let the work bring it back */
void gaon_restore_later(struct gaon_vm *vm, unsigned long delay)
{
	lockdep_assert_held(&vm->lock);
	if (test_bit(GAON_VM_STATE_CLOSED, &vm->state))
		return;
	vm->missing = true;
	queue_delayed_work(system_dfl_wq, &vm->restore_work, delay);
}

/** gaon_restore_in_turn() - as gaon_restore_later(), of what went to make room */
void gaon_restore_in_turn(struct gaon_vm *vm, bool suspended)
{
	if (suspended) {
		atomic_inc(&vm->gdev->rooms.suspended);
		trace_gaon_evict(vm);
	}
	gaon_restore_later(vm, RESTORE_AWAY);
}

/** gaon_restore_is_stopped() - whether there is no need to suspend a context; a hint */
bool gaon_restore_is_stopped(const struct gaon_vm *vm)
{
	return !vm->lr || READ_ONCE(vm->suspended) || READ_ONCE(vm->asleep) ||
	       !atomic_read(&vm->queues) || test_bit(GAON_VM_STATE_LOST, &vm->state);
}

/** gaon_restore_may_suspend() - whether a context can be suspended for room; a hint */
bool gaon_restore_may_suspend(const struct gaon_vm *vm)
{
	return gaon_restore_is_stopped(vm) || time_after_eq(jiffies, READ_ONCE(vm->runs_until));
}

/* An object that was mapped after the others were locked may have moved since. */
static bool restore_any_evicted(struct gaon_vm *vm)
{
	guard(spinlock)(&vm->base.evict.lock);
	return !list_empty(&vm->base.evict.list);
}

/* If everything is there: what is locked stays there, and the VM's lock keeps the rest. */
static int restore_resume(struct gaon_vm *vm, unsigned long began, bool moved)
{
	unsigned long took = jiffies - began;
	bool suspended;

	guard(mutex)(&vm->lock);
	if (gaon_userptr_any_invalid(vm) || restore_any_evicted(vm))
		return -EBUSY;
	vm->missing = false;
	suspended = vm->suspended;
	/* First: if the firmware is started anew meanwhile it goes on. */
	WRITE_ONCE(vm->suspended, false);
	if (suspended)
		gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_RESUME, vm->context, 0,
			      GAON_ADMIN_RECLAIM);
	/* Who only changes its own memory gets no more time for it. */
	if (moved)
		WRITE_ONCE(vm->runs_until, jiffies + clamp(took * RESTORE_PAYS, RESTORE_RUN_MIN,
							   RESTORE_RUN_MAX));
	trace_gaon_restore(vm);
	return 0;
}

static int restore_objects(struct gaon_vm *vm)
{
	bool moved = restore_any_evicted(vm);
	unsigned long began = jiffies;
	struct drm_exec exec;
	int err;

	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		err = gaon_vm_prepare(vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (err)
			break;
	}
	if (!err)
		err = restore_resume(vm, began, moved);
	drm_exec_fini(&exec);
	return err;
}

/* Nobody can make room: what is left is pinned, or there is no host memory to move it to. */
static void restore_note_stuck(struct gaon_vm *vm)
{
	struct gaon_device *gdev = vm->gdev;
	u64 host, hbm, visible;

	gaon_ttm_usage(gdev, &host, &hbm, &visible);
	dev_warn_ratelimited(gdev->drm.dev,
			     "context %u is stopped: there is no room to bring its memory back, %llu of %llu MiB of HBM are in use and cannot be moved; end other users of the card, or give the machine more memory\n",
			     vm->context, hbm >> 20, gdev->identify.hbm_bytes >> 20);
}

/* Nothing would run if it came back. */
static bool restore_sleeps(struct gaon_vm *vm)
{
	return READ_ONCE(vm->suspended) && restore_any_evicted(vm) &&
	       gaon_queues_asleep(vm->gdev, vm->context);
}

/* When it is its turn. 0: it goes on; else, how long to wait before the next try. */
static unsigned long restore_in_room(struct gaon_vm *vm)
{
	struct gaon_device *gdev = vm->gdev;
	struct gaon_room room;
	int err;

	if (restore_sleeps(vm)) {
		gaon_turn_leave(gdev, &vm->turn);
		return RESTORE_ASLEEP;
	}
	if (gaon_turn_waits_for_others(gdev, &vm->turn))
		return RESTORE_DELAY;
	err = gaon_room_enter_vm(&room, vm);
	if (err)
		return RESTORE_DELAY;
	do {
		err = restore_objects(vm);
	} while (gaon_room_retry(&room, err));
	gaon_room_leave(&room);
	if (!err || !room.refused)
		gaon_turn_leave(gdev, &vm->turn);
	if (!err)
		return 0;
	if (err == -EBUSY)	/* more was taken away meanwhile */
		return 1;
	if ((err != -ENOMEM && err != -ENOSPC) || room.refused ||
	    test_bit(GAON_VM_STATE_LOST, &vm->state))
		return RESTORE_DELAY;
	restore_note_stuck(vm);
	return RESTORE_IDLE;
}

/**
 * gaon_restore_work() - bring back what was taken away, then let the context go on
 * @work: restore_work of the VM
 *
 * A process that changes its memory all the time can keep its own context from going on, and no
 * more: a run has an end, and comes again after a while.
 */
void gaon_restore_work(struct work_struct *work)
{
	struct gaon_vm *vm = container_of(work, struct gaon_vm, restore_work.work);
	unsigned long again;
	int idx;

	if (!drm_dev_enter(&vm->gdev->drm, &idx))
		return;
	gaon_userptr_bring_back_all(vm);
	/* What nothing runs in needs no room: its first queue asks again. */
	if (!atomic_read(&vm->queues) && restore_any_evicted(vm)) {
		gaon_turn_leave(vm->gdev, &vm->turn);
		goto out;
	}
	again = restore_in_room(vm);
	if (test_bit(GAON_VM_STATE_LOST, &vm->state)) {
		/* It never comes back: nobody waits behind it. */
		gaon_turn_leave(vm->gdev, &vm->turn);
	} else if (again) {
		guard(mutex)(&vm->lock);
		gaon_restore_later(vm, again);
	}
out:
	drm_dev_exit(idx);
}
