// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * LR VMs: memory is taken away from work that cannot be waited for, and brought back.
 *
 * Whoever takes memory away (moves of objects, MMU notifiers) suspends the context first,
 * bounded by preempt_ms, then clears the entries and invalidates. A work brings everything back and
 * resumes the context: the process' own memory, then the objects that have moved, until nothing is
 * missing.
 */
#include <linux/jiffies.h>

#include <drm/drm_exec.h>

#include "gaon_admin.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_restore.h"
#include "gaon_userptr.h"
#include "gaon_vm.h"

#define RESTORE_DELAY	(HZ / 50)	/* after it has found no memory for tables */

/** gaon_restore_suspend() - stop a context; nothing of it runs when it returns, or it was killed */
void gaon_restore_suspend(struct gaon_vm *vm)
{
	int err;

	lockdep_assert_held(&vm->lock);
	if (vm->suspended || !atomic_read(&vm->queues) || test_bit(GAON_VM_STATE_LOST, &vm->state))
		return;
	err = gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_SUSPEND, vm->context, 0,
			    GAON_ADMIN_RECLAIM);
	/*
	 * Else its work may fault; what is taken away is taken away all the same. A context whose
	 * work did not stop in time is suspended, too.
	 */
	vm->suspended = !err || err == -ETIMEDOUT;
	if (err)
		drm_dbg(&vm->gdev->drm, "context %u is not suspended (error %d)\n", vm->context,
			err);
	/* The firmware dropped the work of the whole context, and knows whose fault that was. */
	if (err == -ETIMEDOUT)
		gaon_queues_check_all(vm->gdev, vm->context);
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

/* An object that was mapped after the others were locked may have moved since. */
static bool restore_any_evicted(struct gaon_vm *vm)
{
	guard(spinlock)(&vm->base.evict.lock);
	return !list_empty(&vm->base.evict.list);
}

/* If everything is there: what is locked stays there, and the VM's lock keeps the rest. */
static int restore_resume(struct gaon_vm *vm)
{
	guard(mutex)(&vm->lock);
	if (gaon_userptr_any_invalid(vm) || restore_any_evicted(vm))
		return -EBUSY;
	vm->missing = false;
	if (vm->suspended)
		gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_RESUME, vm->context, 0,
			      GAON_ADMIN_RECLAIM);
	vm->suspended = false;
	return 0;
}

/* 0: it goes on; -EBUSY: more was taken away meanwhile; -ENOMEM: no memory for tables. */
static int restore_objects(struct gaon_vm *vm)
{
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
		err = restore_resume(vm);
	drm_exec_fini(&exec);
	return err;
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
	int err, idx;

	if (!drm_dev_enter(&vm->gdev->drm, &idx))
		return;
	gaon_userptr_bring_back_all(vm);
	err = restore_objects(vm);
	if (err && !test_bit(GAON_VM_STATE_LOST, &vm->state)) {
		guard(mutex)(&vm->lock);
		gaon_restore_later(vm, err == -EBUSY ? 1 : RESTORE_DELAY);
	}
	drm_dev_exit(idx);
}
