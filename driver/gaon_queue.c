// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Queues: how they come and go, and the calls that are the same for both kinds.
 *
 * The order in which a queue goes is what keeps the device away from memory that is given back:
 * nothing new reaches it, the device lets go of it (or was reset), nobody hears of it any more, its
 * fences are signalled, and only then its memory and its reference of the address space go.
 */
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include <drm/drm_managed.h>

#include <hw/gaon_packet.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_limits.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_trace.h"

#define QUEUE_SLICE_US_MAX	1000000
#define QUEUE_DEPTH_LOG2_MAX	10
#define QUEUE_CREATE_TRIES	4	/* resets in turn, that cut it short */

static_assert((int)DRM_GAON_PRIORITY_REALTIME == GAON_PRIORITY_REALTIME);

/* --- references ----------------------------------------------------------------------------- */

static void queue_free(struct kref *ref)
{
	struct gaon_queue *queue = container_of(ref, struct gaon_queue, ref);

	mutex_destroy(&queue->lock);
	if (queue->kq)
		mutex_destroy(&queue->kq->submit_lock);
	kfree(queue->kq);
	/* A call of before its end may have prepared one after it. */
	kfree(queue->event);
	kfree(queue->stop);
	kfree(queue);
}

struct gaon_queue *gaon_queue_get(struct gaon_queue *queue)
{
	kref_get(&queue->ref);
	return queue;
}

void gaon_queue_put(struct gaon_queue *queue)
{
	kref_put(&queue->ref, queue_free);
}

/** gaon_queue_lookup() - by handle, with a reference; NULL if there is none */
struct gaon_queue *gaon_queue_lookup(struct gaon_file *gfile, u32 handle)
{
	struct gaon_client *client = gfile->client;
	struct gaon_queue *queue;

	xa_lock(&client->queues);
	queue = xa_load(&client->queues, handle);
	if (queue)
		gaon_queue_get(queue);
	xa_unlock(&client->queues);
	return queue;
}

/* The handle's own reference. Once only: the handle is free then. */
static struct gaon_queue *queue_take(struct gaon_client *client, u32 handle)
{
	struct gaon_queue *queue;

	xa_lock(&client->queues);
	queue = xa_load(&client->queues, handle);
	/* A handle that is reserved by a call under way stays. */
	if (queue)
		__xa_erase(&client->queues, handle);
	xa_unlock(&client->queues);
	return queue;
}

/* --- the device's side ---------------------------------------------------------------------- */

/* A command was cut short by a restart of the firmware, which is over, and can be sent again. */
static bool queue_was_kept(struct gaon_queue *queue, int *restarts)
{
	int before = *restarts;

	*restarts = atomic_read(&queue->gdev->resets.firmware);
	return *restarts != before && !READ_ONCE(queue->dead) && gaon_device_running(queue->gdev);
}

/**
 * gaon_queue_admin() - a command on a queue
 * @queue: the queue; on the device
 * @opcode: QUEUE_* but CREATE, or FAULT_CLEAR
 * @value: the command's, else 0
 * @flags: of &enum gaon_admin_flags
 * @reply: filled if it is not NULL and there is a reply
 *
 * Between drm_dev_enter() and drm_dev_exit(). Fit for the path of fences. While another command
 * on the queue or its context is under way the firmware answers BUSY: that is waited for, longer
 * than any command takes, since who cannot end a queue must reset the device. But not for
 * FAULT_CLEAR, which a user may never be able to have done: who sends it has a limit of his own.
 *
 * Return: as gaon_admin_exec().
 */
int gaon_queue_admin(struct gaon_queue *queue, u16 opcode, u32 value, unsigned int flags,
		     struct gaon_admin_reply *reply)
{
	unsigned long end = jiffies + gaon_device_patience(queue->gdev);
	int restarts = atomic_read(&queue->gdev->resets.firmware);
	unsigned int pause_ms = 1;
	int err;

	for (;;) {
		struct gaon_admin_req req = {
			.cmd = {
				.opcode = opcode,
				.id = { .id = queue->hwq.id, .value = value },
			},
		};

		err = gaon_admin_exec(queue->gdev, &req, flags);
		if (!err && reply)
			*reply = req.reply;
		if (req.err && queue_was_kept(queue, &restarts))
			continue;
		if (err != -EBUSY || opcode == GAON_ADMIN_FAULT_CLEAR || time_after(jiffies, end))
			return err;
		msleep(pause_ms);
		pause_ms = min(2 * pause_ms, 50u);
	}
}

/**
 * gaon_queue_told() - what the owner of a queue hears when a command failed
 * @queue: the queue
 * @err: of gaon_queue_admin()
 *
 * A reset cuts commands short with -EIO, which to callers means that the device is wedged.
 *
 * Return: -ECANCELED: the queue is lost; -EBUSY: it will be, a reset is under way; else @err.
 */
int gaon_queue_told(struct gaon_queue *queue, int err)
{
	if (err != -EIO)
		return err;
	if (READ_ONCE(queue->dead))
		return -ECANCELED;
	return gaon_device_check(queue->gdev) ?: -EBUSY;
}

static int queue_enter_device(struct gaon_queue *queue, struct gaon_admin_queue *cmd)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_QUEUE_CREATE } };
	struct gaon_device *gdev = queue->gdev;
	int restarts = atomic_read(&gdev->resets.firmware), err;

	cmd->queue = queue->hwq.id;
	cmd->context = queue->vm->context;
	cmd->doorbell = queue->hwq.id;
	cmd->kind = queue->kq ? GAON_QUEUE_KIND_KERNEL : GAON_QUEUE_KIND_USER;
	cmd->save_va = queue->save.va;
	queue->ring_va = cmd->ring_va;
	queue->state_va = cmd->state_va;
	queue->ring_log2 = cmd->ring_log2;
	req.cmd.queue = *cmd;
	queue->cmd = *cmd;
	queue->on_device = true;
	err = gaon_admin_exec(gdev, &req, 0);
	if (!err) {
		WRITE_ONCE(queue->entered, true);
		smp_mb();	/* a restart counts first, then looks who is there */
		/* Else it may have overlooked it: the caller destroys it, wherever it is. */
		return atomic_read(&gdev->resets.firmware) == restarts ? 0 : -EBUSY;
	}
	/* Without an answer nobody knows: then it ends with the reset that is due. */
	if (gaon_device_state(gdev) == GAON_DEVICE_RUNNING)
		queue->on_device = false;
	/* A reset took the context before the command came. */
	return err == -ENOENT ? -ECANCELED : gaon_queue_told(queue, err);
}

/* Whether to try again: a restart of the firmware cut it short, after which the queue is there. */
static bool queue_try_leave(struct gaon_queue *queue)
{
	struct gaon_device *gdev = queue->gdev;
	int restarts = atomic_read(&gdev->resets.firmware), err = 0, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return false;	/* the card was reset */
	/* First: if the firmware is started anew meanwhile it does not come back. */
	WRITE_ONCE(queue->entered, false);
	if (!READ_ONCE(queue->dead)) {
		mutex_lock(&queue->lock);
		gaon_queue_ask_times(queue);
		err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_DESTROY, 0, 0, NULL);
		mutex_unlock(&queue->lock);
		/* TIMEOUT: it took long, and a reset of the context, but it is gone. */
		if (err && err != -ETIMEDOUT && err != -ENOENT &&
		    atomic_read(&gdev->resets.firmware) == restarts)
			gaon_reset_schedule(gdev, "a queue cannot be destroyed");
	}
	drm_dev_exit(idx);
	if (!err || err == -ENOENT)
		return false;
	gaon_reset_wait(gdev);
	return queue_was_kept(queue, &restarts);
}

/* When it returns nothing of the queue is in flight, and the device knows it no more. */
static void queue_leave_device(struct gaon_queue *queue)
{
	while (queue_try_leave(queue))
		;
}

/* --- life ----------------------------------------------------------------------------------- */

static void queue_give_back(struct gaon_client *client, struct gaon_vm *vm)
{
	gaon_vm_del_queue(vm);
	gaon_vm_put(vm);
	atomic_dec(&client->count);
}

/* The only end of a queue, however far its creation came. Sleeps. */
static void queue_end(struct gaon_queue *queue)
{
	struct gaon_device *gdev = queue->gdev;

	if (queue->kq)
		gaon_kq_end(queue->kq);
	mutex_lock(&queue->lock);
	queue->ended = true;
	mutex_unlock(&queue->lock);
	if (queue->on_device)
		queue_leave_device(queue);
	if (queue->listed) {
		mutex_lock(&gdev->queues->lock);
		list_del(&queue->node);
		mutex_unlock(&gdev->queues->lock);
		gaon_hwq_unregister(gdev, &queue->hwq);
	}
	cancel_work_sync(&queue->check);
	if (queue->kq)
		gaon_kq_destroy(queue->kq);
	atomic64_add(queue->times.core, &queue->client->core);
	atomic64_add(queue->times.copy, &queue->client->copy);
	gaon_fault_release(queue);
	gaon_debug_release(queue);
	if (queue->save.bytes)
		gaon_kbuf_destroy(queue->vm, &queue->save);
	if (queue->doorbell)
		gaon_doorbell_close(queue->doorbell);
	queue_give_back(queue->client, queue->vm);
	gaon_queue_put(queue);
}

static int queue_make_save(struct gaon_queue *queue)
{
	struct gaon_device *gdev = queue->gdev;
	u64 bytes = PAGE_ALIGN(gdev->identify.save_bytes);

	if (!(gdev->fw.features & GAON_FEATURE_PREEMPT_INSIDE) || !bytes)
		return 0;
	return gaon_kbuf_create(queue->vm, bytes,
				queue->debug ? GAON_KBUF_SEEN : GAON_KBUF_DEVICE, &queue->save);
}

static int queue_listen(struct gaon_queue *queue)
{
	struct gaon_device *gdev = queue->gdev;
	int err;

	err = gaon_hwq_register(gdev, &queue->hwq, queue->vm->context,
				queue->kq ? &gaon_kq_ops : &gaon_userq_ops);
	if (err)
		return err;
	mutex_lock(&gdev->queues->lock);
	list_add_tail(&queue->node, &gdev->queues->list);
	mutex_unlock(&gdev->queues->lock);
	queue->listed = true;
	return 0;
}

static int queue_make(struct gaon_queue *queue, struct drm_gaon_queue_create *args)
{
	struct gaon_admin_queue cmd = {
		.priority = args->priority,
		.ring_log2 = args->ring_log2,
		.ring_va = args->ring_va,
		.state_va = args->state_va,
		.slice_us = args->slice_us,
		.limit_cycles = args->limit_cycles,
		.flags = queue->debug ? GAON_QUEUE_F_DEBUG : 0,
	};
	int err;

	err = gaon_fault_prepare(queue);
	if (!err && queue->debug)
		err = gaon_debug_prepare(queue);
	if (!err)
		err = queue_make_save(queue);
	if (!err && args->flags & DRM_GAON_QUEUE_USER)
		err = gaon_doorbell_open(queue->client, queue->vm, &queue->doorbell);
	else if (!err)
		err = gaon_kq_create(queue, args->ring_log2, &cmd);
	if (!err)
		err = queue_listen(queue);
	if (!err)
		err = queue_enter_device(queue, &cmd);
	return err;
}

static struct gaon_queue *queue_alloc(struct gaon_client *client, struct gaon_vm *vm,
				      const struct drm_gaon_queue_create *args)
{
	struct gaon_queue *queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);

	if (!queue)
		return NULL;
	kref_init(&queue->ref);
	mutex_init(&queue->lock);
	spin_lock_init(&queue->fault_lock);
	INIT_WORK(&queue->check, gaon_queue_check_work);
	queue->gdev = client->gfile->gdev;
	queue->client = client;
	queue->vm = vm;
	queue->vm_handle = vm->handle;
	queue->priority = args->priority;
	queue->debug = args->flags & DRM_GAON_QUEUE_DEBUG;
	return queue;
}

/* The reference of @vm, and the count of queues in @client and @vm, are the queue's now. */
static int queue_create(struct gaon_client *client, struct gaon_vm *vm,
			struct drm_gaon_queue_create *args)
{
	struct gaon_queue *queue;
	int err;

	queue = queue_alloc(client, vm, args);
	if (!queue) {
		queue_give_back(client, vm);
		return -ENOMEM;
	}
	err = xa_alloc(&client->queues, &queue->handle, NULL, xa_limit_31b, GFP_KERNEL_ACCOUNT);
	if (err) {
		queue_end(queue);
		return err;
	}
	err = queue_make(queue, args);
	if (err) {
		xa_release(&client->queues, queue->handle);
		queue_end(queue);
		return err;
	}
	args->queue_id = queue->handle;
	args->hw_id = queue->hwq.id;
	args->doorbell_offset = 0;
	args->doorbell_mmap = 0;
	if (queue->doorbell) {
		args->doorbell_offset = queue->hwq.id * sizeof(u64);
		args->doorbell_mmap = gaon_doorbell_offset(queue->doorbell);
	}
	/* From here on anybody may destroy it. Cannot fail: the entry is reserved. */
	xa_store(&client->queues, queue->handle, queue, GFP_KERNEL_ACCOUNT);
	return 0;
}

static int queue_check_priority(u32 priority)
{
	if (priority > DRM_GAON_PRIORITY_REALTIME)
		return -EINVAL;
	if (priority > DRM_GAON_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EACCES;
	return 0;
}

static int queue_check_user(const struct drm_gaon_queue_create *args)
{
	if (args->ring_log2 > GAON_RING_LOG2_MAX || !IS_ALIGNED(args->ring_va | args->state_va, 64))
		return -EINVAL;
	if (!gaon_vm_user_range(args->ring_va,
				(u64)sizeof(struct gaon_packet) << args->ring_log2) ||
	    !gaon_vm_user_range(args->state_va, sizeof(struct gaon_queue_state)))
		return -ERANGE;
	return 0;
}

static int queue_check_args(struct gaon_device *gdev, const struct drm_gaon_queue_create *args)
{
	u64 limit = (u64)gdev->identify.clock_khz * GAON_KQ_LIMIT_MS;

	if (args->flags & ~DRM_GAON_QUEUE_FLAGS || args->slice_us > QUEUE_SLICE_US_MAX ||
	    args->ring_log2 < GAON_RING_LOG2_MIN)
		return -EINVAL;
	if (args->queue_id || args->hw_id || args->doorbell_offset || args->doorbell_mmap)
		return -EINVAL;
	/* Fences wait for the others. */
	if (args->flags & DRM_GAON_QUEUE_DEBUG && !(args->flags & DRM_GAON_QUEUE_USER))
		return -EINVAL;
	if (args->flags & DRM_GAON_QUEUE_DEBUG && !gaon_debug_offered(gdev))
		return -EOPNOTSUPP;
	if (args->flags & DRM_GAON_QUEUE_USER)
		return queue_check_user(args);
	if (args->ring_log2 > QUEUE_DEPTH_LOG2_MAX || args->ring_va || args->state_va ||
	    args->limit_cycles > limit)
		return -EINVAL;
	return 0;
}

static int queue_create_entered(struct gaon_file *gfile, struct drm_gaon_queue_create *args)
{
	struct gaon_client *client = gfile->client;
	struct gaon_vm *vm;
	int err;

	if (atomic_inc_return(&client->count) > GAON_FILE_QUEUES) {
		err = -EMFILE;
		goto out_count;
	}
	err = -ENOENT;
	vm = gaon_vm_lookup(gfile, args->vm_id);
	if (!vm)
		goto out_count;
	err = -EINVAL;
	if (vm->lr != !!(args->flags & DRM_GAON_QUEUE_USER))
		goto out_vm;
	err = gaon_vm_add_queue(vm);
	if (err)
		goto out_vm;
	return queue_create(client, vm, args);
out_vm:
	gaon_vm_put(vm);
out_count:
	atomic_dec(&client->count);
	return err;
}

/** gaon_ioctl_queue_create() - %DRM_IOCTL_GAON_QUEUE_CREATE */
int gaon_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_device *gdev = to_gaon_device(drm);
	struct drm_gaon_queue_create *args = data;
	unsigned int tries = 0;
	int err, idx;

	err = queue_check_args(gdev, args);
	if (!err)
		err = queue_check_priority(args->priority);
	if (err)
		return err;
	do {
		err = gaon_device_enter_running(gdev, &idx);
		if (err)
			return err;
		err = queue_create_entered(to_gaon_file(file), args);
		drm_dev_exit(idx);
		/* A reset cut it short, which is over soon; then it is known what that has left. */
	} while (err == -EBUSY && ++tries < QUEUE_CREATE_TRIES);
	return err;
}

/** gaon_ioctl_queue_destroy() - %DRM_IOCTL_GAON_QUEUE_DESTROY; also of a device that is lost */
int gaon_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_queue_destroy *args = data;
	struct gaon_queue *queue;

	if (args->pad)
		return -EINVAL;
	queue = queue_take(to_gaon_file(file)->client, args->queue_id);
	if (!queue)
		return -ENOENT;
	queue_end(queue);
	return 0;
}

/* --- calls on one queue --------------------------------------------------------------------- */

static void queue_state_fill(struct gaon_queue *queue, const struct gaon_admin_reply *reply,
			     struct drm_gaon_queue_query *args)
{
	args->state = gaon_fault_read(queue, &args->fault, args->flags & DRM_GAON_QUEUE_ACK);
	args->priority = READ_ONCE(queue->priority);
	args->submitted = 0;
	args->completed = reply->value[1];
	args->preempted = reply->value[4];
	args->lost = 0;
	if (reply->value[2] != U64_MAX)
		args->state |= DRM_GAON_QUEUE_IN_SLOT;
	if (reply->value[3] & (GAON_QUERY_SUSPENDED | GAON_QUERY_CONTEXT_SUSPENDED))
		args->state |= DRM_GAON_QUEUE_SUSPENDED;
	if (READ_ONCE(queue->dead) || test_bit(GAON_VM_STATE_LOST, &queue->vm->state) ||
	    test_bit(GAON_VM_STATE_UNUSABLE, &queue->vm->state))
		args->state |= DRM_GAON_QUEUE_DEAD;
	args->state |= gaon_debug_state(queue, reply->value[3]);
	if (!queue->kq)
		return;
	spin_lock_irq(&queue->kq->lock);
	args->submitted = queue->kq->submitted;
	args->completed = queue->kq->completed;
	args->lost = queue->kq->lost;
	args->ring_index = gaon_kq_ring_index(queue->kq);
	spin_unlock_irq(&queue->kq->lock);
}

/** gaon_ioctl_queue_state() - %DRM_IOCTL_GAON_QUEUE_STATE */
int gaon_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_admin_reply reply = { .value = { [2] = U64_MAX } };
	struct gaon_device *gdev = to_gaon_device(drm);
	struct drm_gaon_queue_query *args = data;
	struct gaon_queue *queue;
	int err = 0, idx;

	if (args->flags & ~DRM_GAON_QUEUE_ACK ||
	    memchr_inv(&args->state, 0, sizeof(*args) - offsetof(typeof(*args), state)))
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	queue = gaon_queue_lookup(to_gaon_file(file), args->queue_id);
	if (!queue) {
		drm_dev_exit(idx);
		return -ENOENT;
	}
	mutex_lock(&queue->lock);
	if (queue->ended) {
		err = -ENOENT;
	} else {
		/* If the firmware cannot be asked what is known must do. */
		gaon_queue_look(queue, 0, &reply);
		queue_state_fill(queue, &reply, args);
		/* Queues are lost first, as in a reset, which is not what happened to this one. */
		if (gaon_device_state(gdev) == GAON_DEVICE_OFF)
			err = -ENODEV;
	}
	mutex_unlock(&queue->lock);
	gaon_queue_put(queue);
	drm_dev_exit(idx);
	return err;
}

/** gaon_ioctl_queue_set_priority() - %DRM_IOCTL_GAON_QUEUE_SET_PRIORITY */
int gaon_ioctl_queue_set_priority(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_queue_set_priority *args = data;
	struct gaon_queue *queue;
	int err, idx;

	err = queue_check_priority(args->priority);
	if (err)
		return err;
	err = gaon_device_enter_running(to_gaon_device(drm), &idx);
	if (err)
		return err;
	queue = gaon_queue_lookup(to_gaon_file(file), args->queue_id);
	if (!queue) {
		drm_dev_exit(idx);
		return -ENOENT;
	}
	mutex_lock(&queue->lock);
	if (queue->ended)
		err = -ENOENT;
	else if (READ_ONCE(queue->dead))
		err = -ECANCELED;
	else
		err = gaon_queue_told(queue, gaon_queue_admin(queue, GAON_ADMIN_QUEUE_PRIORITY,
							      args->priority, 0, NULL));
	if (!err)
		WRITE_ONCE(queue->priority, args->priority);
	mutex_unlock(&queue->lock);
	gaon_queue_put(queue);
	drm_dev_exit(idx);
	return err;
}

/** gaon_ioctl_queue_clear() - %DRM_IOCTL_GAON_QUEUE_CLEAR */
int gaon_ioctl_queue_clear(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_device *gdev = to_gaon_device(drm);
	struct drm_gaon_queue_clear *args = data;
	struct gaon_queue *queue;
	int err, idx, gone = 0;

	if (args->pad)
		return -EINVAL;
	err = gaon_device_enter_running(gdev, &idx);
	if (err)
		return err;
	queue = gaon_queue_lookup(to_gaon_file(file), args->queue_id);
	if (!queue) {
		drm_dev_exit(idx);
		return -ENOENT;
	}
	err = gaon_queue_clear(queue);
	drm_dev_exit(idx);
	/* Cut short by a reset, at whose end it is known what became of the queue. */
	if (err == -EIO && !READ_ONCE(queue->dead))
		gone = gaon_device_wait_running(gdev);
	err = gone ?: gaon_queue_told(queue, err);
	gaon_queue_put(queue);
	return err;
}

/* --- files ---------------------------------------------------------------------------------- */

/** gaon_client_open() - a file was opened. Return: 0 or -ENOMEM */
int gaon_client_open(struct gaon_file *gfile)
{
	struct gaon_client *client = kzalloc_obj(*client, GFP_KERNEL_ACCOUNT);

	if (!client)
		return -ENOMEM;
	client->gfile = gfile;
	xa_init_flags(&client->queues, XA_FLAGS_ALLOC1);
	xa_init(&client->doorbells);
	mutex_init(&client->doorbell_lock);
	spin_lock_init(&client->event_lock);
	gfile->client = client;
	return 0;
}

/** gaon_client_silence() - the file is being closed: before DRM frees its events */
void gaon_client_silence(struct gaon_file *gfile)
{
	struct gaon_client *client = gfile->client;

	spin_lock(&client->event_lock);
	client->closed = true;
	spin_unlock(&client->event_lock);
}

/**
 * gaon_client_close() - end all that a file has of queues
 * @gfile: the file; nobody else uses it any more
 *
 * Sleeps until the device has given up its work, and until what its last jobs waited for is
 * signalled: they are fences, so that has an end.
 */
void gaon_client_close(struct gaon_file *gfile)
{
	struct gaon_client *client = gfile->client;
	struct gaon_queue *queue;
	unsigned long handle;

	xa_for_each(&client->queues, handle, queue)
		queue_end(queue_take(client, handle));
	wait_var_event(&client->jobs, !atomic_read(&client->jobs));
	gaon_doorbells_release(client);
	xa_destroy(&client->queues);
	mutex_destroy(&client->doorbell_lock);
	kfree(client);
	gfile->client = NULL;
}

/* --- all queues ----------------------------------------------------------------------------- */

/**
 * gaon_queues_lose_all() - the device was reset, or is gone
 * @gdev: the device; it reaches no memory, and no callback of queues runs
 * @err: for fences: -ECANCELED or -ENODEV
 *
 * Fences wait for it.
 */
void gaon_queues_lose_all(struct gaon_device *gdev, int err)
{
	struct gaon_queue *queue;
	bool cookie;

	mutex_lock(&gdev->queues->lock);
	cookie = dma_fence_begin_signalling();
	list_for_each_entry(queue, &gdev->queues->list, node) {
		WRITE_ONCE(queue->dead, true);
		gaon_fault_note_reset(queue);
		if (queue->kq)
			gaon_kq_lose(queue->kq, err);
	}
	dma_fence_end_signalling(cookie);
	mutex_unlock(&gdev->queues->lock);
	gaon_event_wake_all(gdev);
}

/**
 * gaon_queues_check_all() - work may have been dropped without an event
 * @gdev: the device
 * @context: whose; 0: everybody's
 *
 * Does not wait. For instance after the firmware answered TIMEOUT to a command on a context.
 */
void gaon_queues_check_all(struct gaon_device *gdev, u32 context)
{
	struct gaon_queue *queue;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (context && queue->hwq.context != context)
			continue;
		atomic_set(&queue->doubtful, 1);
		queue_work(gdev->queues->wq, &queue->check);
	}
}

/* The one at a place among a context's queues, with a reference. */
static struct gaon_queue *queues_get(struct gaon_device *gdev, u32 context, unsigned int place)
{
	struct gaon_queue *queue;

	guard(mutex)(&gdev->queues->lock);
	list_for_each_entry(queue, &gdev->queues->list, node) {
		if (queue->hwq.context == context && !place--)
			return gaon_queue_get(queue);
	}
	return NULL;
}

/**
 * gaon_queues_asleep() - whether a context that is suspended would have nothing to do
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @context: suspended
 *
 * No queue of it has work left, and none was rung since. A hint: one that comes or goes meanwhile
 * may be overlooked. Sleeps.
 */
bool gaon_queues_asleep(struct gaon_device *gdev, u32 context)
{
	struct gaon_admin_reply reply;
	struct gaon_queue *queue;
	bool asleep = true;
	unsigned int i;

	for (i = 0; asleep && (queue = queues_get(gdev, context, i)); i++) {
		/* What is suspended for its debugger may stand for hours. */
		asleep = !gaon_queue_admin(queue, GAON_ADMIN_QUEUE_QUERY, 0, 0, &reply) &&
			 reply.value[3] & (GAON_QUERY_ASLEEP | GAON_QUERY_SUSPENDED);
		gaon_queue_put(queue);
	}
	return asleep;
}

static void queues_fini(struct drm_device *drm, void *arg)
{
	struct gaon_queues *queues = arg;

	/* Its works signal fences, for which drm_sched queues works on the other one. */
	flush_workqueue(queues->wq);
	if (queues->jobs_wq)
		destroy_workqueue(queues->jobs_wq);
	destroy_workqueue(queues->wq);
	mutex_destroy(&queues->lock);
}

/** gaon_queues_init() - before the first event. Return: 0 or -ENOMEM */
int gaon_queues_init(struct gaon_device *gdev)
{
	struct gaon_queues *queues = drmm_kzalloc(&gdev->drm, sizeof(*queues), GFP_KERNEL);

	if (!queues)
		return -ENOMEM;
	queues->wq = alloc_workqueue("gaon-queues-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0,
				     dev_name(gdev->drm.dev));
	if (!queues->wq)
		return -ENOMEM;
	mutex_init(&queues->lock);
	INIT_LIST_HEAD(&queues->list);
	gdev->queues = queues;
	queues->jobs_wq = alloc_workqueue("gaon-jobs-%s", WQ_MEM_RECLAIM | GAON_COMPAT_WQ_PERCPU, 0,
					  dev_name(gdev->drm.dev));
	if (!queues->jobs_wq) {
		queues_fini(&gdev->drm, queues);
		return -ENOMEM;
	}
	return drmm_add_action_or_reset(&gdev->drm, queues_fini, queues);
}
