// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Queues that are debugged (Documentation/hw/debug.rst): their owner hears of it when they stop,
 * suspends and resumes them, and reads and writes their save areas.
 *
 * They are user-mode queues, for which no fence waits: a person may think about a breakpoint for as
 * long as he likes. What stands holds no slot and no core, so that nobody waits for it either, and
 * what moves its memory finds it suspended.
 */
#include <linux/dma-resv.h>
#include <linux/gfp.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_gem.h>

#include "gaon_admin.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_queue.h"

/** struct gaon_stop_event - an event on its way; drm_read() frees it by its first member */
struct gaon_stop_event {
	/** @base: what DRM queues. */
	struct drm_pending_event base;
	/** @event: what the file reads. */
	struct drm_gaon_event_stop event;
};

/** gaon_debug_offered() - whether queues of the device can be debugged */
bool gaon_debug_offered(struct gaon_device *gdev)
{
	const u64 needed = GAON_FEATURE_DEBUG | GAON_FEATURE_PREEMPT_INSIDE;

	return (gdev->fw.features & needed) == needed && gdev->identify.save_bytes;
}

/* --- stops ---------------------------------------------------------------------------------- */

/**
 * gaon_debug_prepare() - see that the next stop has an event
 * @queue: created for debugging
 *
 * Sleeps; before the queue can stop, again.
 *
 * Return: 0 or -ENOMEM.
 */
int gaon_debug_prepare(struct gaon_queue *queue)
{
	struct gaon_stop_event *event = kzalloc_obj(*event, GFP_KERNEL_ACCOUNT);

	if (!event)
		return -ENOMEM;
	event->event.base.type = DRM_GAON_EVENT_STOP;
	event->event.base.length = sizeof(event->event);
	event->event.queue_id = queue->handle;
	event->event.vm_id = queue->vm_handle;
	spin_lock(&queue->fault_lock);
	if (!queue->stop)
		swap(queue->stop, event);
	spin_unlock(&queue->fault_lock);
	kfree(event);
	return 0;
}

/** gaon_debug_release() - the queue has ended: nothing is noted any more */
void gaon_debug_release(struct gaon_queue *queue)
{
	kfree(queue->stop);
	queue->stop = NULL;
}

/**
 * gaon_debug_note() - the device says that a queue has stopped for its debugger
 * @queue: the queue; if it cannot be debugged the device is wrong, and nothing happens
 *
 * Does not sleep. Told once, until the queue is resumed.
 */
void gaon_debug_note(struct gaon_queue *queue)
{
	struct gaon_stop_event *stop;

	if (!queue->debug)
		return;
	guard(spinlock)(&queue->fault_lock);
	stop = queue->stop;
	if (!queue->stopped && stop &&
	    gaon_client_send(queue, &stop->base, &stop->event.base, &stop->event.dropped))
		queue->stop = NULL;
	WRITE_ONCE(queue->stopped, true);
}

/**
 * gaon_debug_state() - what a queue's owner is told for debugging
 * @queue: the queue, locked
 * @bits: value 3 of the reply to QUEUE_QUERY
 *
 * Return: flags of &enum drm_gaon_queue_state_flags.
 */
u32 gaon_debug_state(struct gaon_queue *queue, u64 bits)
{
	u32 state = 0;

	lockdep_assert_held(&queue->lock);
	if (READ_ONCE(queue->stopped))
		state |= DRM_GAON_QUEUE_STOPPED;
	if (queue->held && bits & GAON_QUERY_SAVED && !(bits & GAON_QUERY_CONDITION))
		state |= DRM_GAON_QUEUE_SAVED;
	return state;
}

/* --- stopping and going on ------------------------------------------------------------------ */

static int debug_check(struct gaon_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (queue->ended)
		return -ENOENT;
	return READ_ONCE(queue->dead) ? -ECANCELED : 0;
}

static int debug_suspend(struct gaon_queue *queue)
{
	int err;

	guard(mutex)(&queue->lock);
	err = debug_check(queue);
	if (err)
		return err;
	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_SUSPEND, 0, 0, NULL);
	/* TIMEOUT: work did not stop in time and was dropped; it is suspended all the same. */
	if (!err || err == -ETIMEDOUT)
		queue->held = true;
	return err;
}

static int debug_resume(struct gaon_queue *queue)
{
	int err;

	err = gaon_debug_prepare(queue);
	if (err)
		return err;
	guard(mutex)(&queue->lock);
	err = debug_check(queue);
	if (err)
		return err;
	if (!queue->held)
		return -EBUSY;
	/* Records of the stop that ends here: what comes later is another one's. */
	gaon_event_drain(queue->gdev, queue->hwq.context);
	scoped_guard(spinlock, &queue->fault_lock)
		WRITE_ONCE(queue->stopped, false);
	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_RESUME, 0, 0, NULL);
	if (!err)
		queue->held = false;
	return err;
}

/* --- the save area -------------------------------------------------------------------------- */

/*
 * Its memory, with a reference, if it is the owner's now. Who resumes the queue while it is read or
 * written spoils his own debugging, and no more: the device checks what it finds.
 */
static struct gaon_bo *debug_memory(struct gaon_queue *queue)
{
	int err;

	guard(mutex)(&queue->lock);
	err = debug_check(queue);
	if (!err && !queue->held)
		err = -EBUSY;
	if (err)
		return ERR_PTR(err);
	drm_gem_object_get(&queue->save.bo->ttm.base);
	return queue->save.bo;
}

/* With the reservation: the queue may go, and then the memory is not pinned any more. */
static int debug_access(struct gaon_bo *bo, u64 at, void *data, size_t bytes, bool write)
{
	int err;

	err = dma_resv_lock_interruptible(bo->ttm.base.resv, NULL);
	if (err)
		return err;
	err = gaon_bo_access_hbm(bo, at, data, bytes, write);
	dma_resv_unlock(bo->ttm.base.resv);
	return err;
}

/* Through @page: the caller's memory may fault, for any length of time. */
static int debug_copy(struct gaon_bo *bo, const struct drm_gaon_debug *args, void *page)
{
	bool write = args->op == DRM_GAON_DEBUG_WRITE;
	u64 done, bytes;
	int err = 0;

	for (done = 0; done < args->size && !err; done += bytes) {
		u64 at = args->offset + done;
		void __user *user = u64_to_user_ptr(args->pointer + done);

		bytes = min_t(u64, args->size - done, PAGE_SIZE - offset_in_page(at));
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (write && copy_from_user(page, user, bytes))
			return -EFAULT;
		err = debug_access(bo, at, page, bytes, write);
		if (!err && !write && copy_to_user(user, page, bytes))
			return -EFAULT;
		cond_resched();
	}
	return err;
}

static int debug_transfer(struct gaon_queue *queue, const struct drm_gaon_debug *args)
{
	u64 total = queue->gdev->identify.save_bytes;
	struct gaon_bo *bo;
	void *page;
	int err;

	if (args->offset > total || args->size > total - args->offset)
		return -ERANGE;
	if (args->pointer != (uintptr_t)args->pointer || args->pointer > U64_MAX - args->size)
		return -EFAULT;
	page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	bo = debug_memory(queue);
	err = PTR_ERR_OR_ZERO(bo);
	if (!err) {
		err = debug_copy(bo, args, page);
		drm_gem_object_put(&bo->ttm.base);
	}
	free_page((unsigned long)page);
	/* What was read after a reset is nothing. */
	return READ_ONCE(queue->dead) ? -ECANCELED : err;
}

/* --- the call ------------------------------------------------------------------------------- */

static int debug_check_args(const struct drm_gaon_debug *args)
{
	if (args->op > DRM_GAON_DEBUG_WRITE)
		return -EINVAL;
	if (args->op <= DRM_GAON_DEBUG_RESUME && (args->offset || args->size || args->pointer))
		return -EINVAL;
	return 0;
}

/* SUSPEND or RESUME, between drm_dev_enter() and drm_dev_exit(). */
static int debug_control(struct gaon_queue *queue, u32 op)
{
	int err, idx, gone = 0;

	err = gaon_device_enter_running(queue->gdev, &idx);
	if (err)
		return err;
	err = op == DRM_GAON_DEBUG_SUSPEND ? debug_suspend(queue) : debug_resume(queue);
	if (err == -ETIMEDOUT) {
		gaon_queues_check_all(queue->gdev, queue->hwq.context);
		err = 0;
	}
	drm_dev_exit(idx);
	/* Cut short by a reset, at whose end it is known what became of the queue. */
	if (err == -EIO && !READ_ONCE(queue->dead))
		gone = gaon_device_wait_running(queue->gdev);
	return gone ?: gaon_queue_told(queue, err);
}

/** gaon_ioctl_debug() - %DRM_IOCTL_GAON_DEBUG */
int gaon_ioctl_debug(struct drm_device *drm, void *data, struct drm_file *file)
{
	const struct drm_gaon_debug *args = data;
	struct gaon_queue *queue;
	int err;

	err = debug_check_args(args);
	if (err)
		return err;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	queue = gaon_queue_lookup(to_gaon_file(file), args->queue_id);
	if (!queue)
		return -ENOENT;
	if (!queue->debug)
		err = -EINVAL;
	else if (args->op <= DRM_GAON_DEBUG_RESUME)
		err = debug_control(queue, args->op);
	else
		err = debug_transfer(queue, args);
	gaon_queue_put(queue);
	return err;
}
