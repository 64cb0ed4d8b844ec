// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Contexts and queues while the machine sleeps. All are suspended; what the firmware says of them
 * then is given to those that are created in their place when the chip has lost them.
 */
#include <drm/gpu_scheduler.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_restore.h"
#include "gaon_sched.h"
#include "gaon_sleep.h"
#include "gaon_tlbi.h"
#include "gaon_vm.h"

/* --- contexts ------------------------------------------------------------------------------- */

/**
 * gaon_vm_next() - the first at or behind a context's number, but those that are just going
 * @gdev: the device
 * @context: where to begin; then where to go on
 *
 * Return: it, with a reference; NULL: there is none.
 */
struct gaon_vm *gaon_vm_next(struct gaon_device *gdev, unsigned long *context)
{
	struct gaon_vm *vm;

	xa_lock(&gdev->vms);
	vm = xa_find(&gdev->vms, context, ULONG_MAX, XA_PRESENT);
	while (vm && !kref_get_unless_zero(&vm->base.kref))
		vm = xa_find_after(&gdev->vms, context, ULONG_MAX, XA_PRESENT);
	xa_unlock(&gdev->vms);
	(*context)++;
	return vm;
}

static int vm_sleep(struct gaon_vm *vm)
{
	int err;

	disable_delayed_work_sync(&vm->restore_work);
	guard(mutex)(&vm->lock);
	vm->asleep = true;
	if (vm->suspended || !atomic_read(&vm->queues) || test_bit(GAON_VM_STATE_LOST, &vm->state))
		return 0;
	err = gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_SUSPEND, vm->context, 0,
			    GAON_ADMIN_RECLAIM);
	if (err != -ETIMEDOUT || !gaon_device_running(vm->gdev))
		return err;
	/* Its work did not stop in time, and was dropped; it is suspended all the same. */
	gaon_queues_check_all(vm->gdev, vm->context);
	return 0;
}

/** gaon_vm_sleep_all() - suspend all contexts; an error when the device does not do it */
int gaon_vm_sleep_all(struct gaon_device *gdev)
{
	unsigned long context = 0;
	struct gaon_vm *vm;
	int err = 0;

	while (!err && (vm = gaon_vm_next(gdev, &context))) {
		err = vm_sleep(vm);
		gaon_vm_put(vm);
	}
	return err;
}

static int vm_create(struct gaon_vm *vm)
{
	int err;

	guard(mutex)(&vm->lock);
	/* A call that is waiting to destroy it finds that it is gone. */
	if (test_bit(GAON_VM_STATE_LOST, &vm->state))
		return 0;
	err = gaon_vm_create_context(vm);
	if (!err && (vm->suspended || atomic_read(&vm->queues)))
		err = gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_SUSPEND, vm->context, 0, 0);
	return err;
}

/** gaon_vm_create_all() - the chip has lost all contexts: create them, suspended */
int gaon_vm_create_all(struct gaon_device *gdev)
{
	unsigned long context = 0;
	struct gaon_vm *vm;
	int err = 0;

	while (!err && (vm = gaon_vm_next(gdev, &context))) {
		err = vm_create(vm);
		gaon_vm_put(vm);
	}
	return err;
}

static void vm_wake(struct gaon_vm *vm)
{
	scoped_guard(mutex, &vm->lock) {
		if (!vm->asleep)
			return;
		vm->asleep = false;
		if (!test_bit(GAON_VM_STATE_LOST, &vm->state) && gaon_device_running(vm->gdev)) {
			/* What was not told to the device while it slept. */
			gaon_tlbi_range(vm->gdev, vm->asid, 0, 0);
			if (!vm->suspended && atomic_read(&vm->queues))
				gaon_admin_id(vm->gdev, GAON_ADMIN_CONTEXT_RESUME, vm->context, 0,
					      GAON_ADMIN_RECLAIM);
		}
	}
	enable_delayed_work(&vm->restore_work);
	guard(mutex)(&vm->lock);
	if (vm->missing)
		gaon_restore_later(vm, 0);
}

/** gaon_vm_wake_all() - let all contexts go on that were suspended for the sleep */
void gaon_vm_wake_all(struct gaon_device *gdev)
{
	unsigned long context = 0;
	struct gaon_vm *vm;

	while ((vm = gaon_vm_next(gdev, &context))) {
		vm_wake(vm);
		gaon_vm_put(vm);
	}
}

/* --- queues --------------------------------------------------------------------------------- */

/** gaon_queues_hold() - no job reaches the device */
void gaon_queues_hold(struct gaon_device *gdev)
{
	struct gaon_queue *queue;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (queue->kq)
			drm_sched_wqueue_stop(&queue->kq->sched);
	}
}

/** gaon_queues_release() - jobs go to the device again */
void gaon_queues_release(struct gaon_device *gdev)
{
	struct gaon_queue *queue;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (queue->kq)
			drm_sched_wqueue_start(&queue->kq->sched);
	}
}

static int queue_note(struct gaon_queue *queue)
{
	struct gaon_admin_reply reply;
	int err;

	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_QUERY, GAON_QUERY_STATE, GAON_ADMIN_RECLAIM,
			       &reply);
	if (err)
		return err;
	queue->noted = (struct gaon_admin_restore) {
		.queue = queue->hwq.id,
		.state = reply.value[3] & (GAON_QUERY_CONDITION | GAON_QUERY_SAVED |
					   GAON_QUERY_LATE | GAON_QUERY_ASLEEP),
		.read = reply.value[1],
		.core_cycles = reply.value[5],
		.preempted = reply.value[4],
	};
	/* Of its own, beside the context. */
	queue->noted_held = reply.value[3] & GAON_QUERY_SUSPENDED;
	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_QUERY, GAON_QUERY_TIMES, GAON_ADMIN_RECLAIM,
			       &reply);
	if (!err)
		queue->noted.copy_cycles = reply.value[1];
	return err;
}

static bool queue_is_on_device(struct gaon_queue *queue)
{
	return queue->on_device && !READ_ONCE(queue->dead);
}

/** gaon_queues_note() - remember where all queues are; their contexts are suspended */
int gaon_queues_note(struct gaon_device *gdev)
{
	struct gaon_queue *queue;
	int err = 0;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (!err && queue_is_on_device(queue))
			err = queue_note(queue);
	}
	return err;
}

/**
 * gaon_queue_create_again() - the device has lost a queue: create it under its number
 * @queue: the queue; its context is there, and suspended
 * @restore: where it was
 * @held: it was suspended, or had stopped, for its debugger
 *
 * Return: 0, or as gaon_admin_exec().
 */
int gaon_queue_create_again(struct gaon_queue *queue, const struct gaon_admin_restore *restore,
			    bool held)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_QUEUE_CREATE } };
	int err;

	req.cmd.queue = queue->cmd;
	req.cmd.queue.priority = READ_ONCE(queue->priority);
	err = gaon_admin_exec(queue->gdev, &req, GAON_ADMIN_RECLAIM);
	if (err)
		return err;
	req = (struct gaon_admin_req) { .cmd = { .opcode = GAON_ADMIN_QUEUE_RESTORE } };
	req.cmd.restore = *restore;
	err = gaon_admin_exec(queue->gdev, &req, GAON_ADMIN_RECLAIM);
	if (!err && held)
		err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_SUSPEND, 0, GAON_ADMIN_RECLAIM,
				       NULL);
	return err;
}

/** gaon_queues_create_all() - the chip has lost all queues: create them as they were noted */
int gaon_queues_create_all(struct gaon_device *gdev)
{
	struct gaon_queue *queue;
	int err = 0;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (!err && queue_is_on_device(queue))
			err = gaon_queue_create_again(queue, &queue->noted, queue->noted_held);
	}
	return err;
}
