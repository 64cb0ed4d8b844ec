// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the device says of queues: events of user-mode ones, the firmware's view of both kinds, and
 * how a queue that stands still goes on.
 *
 * The driver never looks into ring and state block of a user-mode queue: they are memory that its
 * owner may unmap or fill with anything. A dump shows them, and that is all (gaon_coredump.c).
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include <hw/gaon_mcu.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_trace.h"

#define CLEAR_TIMEOUT	(10 * HZ)
#define CLEAR_PAUSE_MAX	50u	/* ms */

/* --- events --------------------------------------------------------------------------------- */

static void userq_packet(struct gaon_hwq *hwq, const struct gaon_event *event)
{
	/* The caller wakes who waits; values are read by who waits for them. */
}

static void userq_fault(struct gaon_hwq *hwq, const struct gaon_fault_record *fault)
{
	gaon_queue_fault(to_gaon_queue(hwq), fault);
}

static void userq_stop(struct gaon_hwq *hwq)
{
	gaon_debug_note(to_gaon_queue(hwq));
}

static void userq_rescan(struct gaon_hwq *hwq)
{
	struct gaon_queue *queue = to_gaon_queue(hwq);

	queue_work(queue->gdev->queues->wq, &queue->check);
}

const struct gaon_hwq_ops gaon_userq_ops = {
	.packet = userq_packet,
	.fault = userq_fault,
	.stop = userq_stop,
	.rescan = userq_rescan,
};

/* Notes a fault as the device tells it. Does not sleep. */
bool gaon_queue_fault(struct gaon_queue *queue, const struct gaon_fault_record *fault)
{
	u64 sequence = queue->kq ? gaon_kq_job_index(queue->kq, fault->sequence) : fault->sequence;
	u32 flags = fault->type == GAON_FAULT_RESET ? DRM_GAON_QUEUE_WAS_RESET :
						      DRM_GAON_QUEUE_FAULTED;

	if (gaon_fault_is_own(fault->type))
		flags |= DRM_GAON_QUEUE_GUILTY;
	trace_gaon_fault(queue, fault);
	return gaon_fault_note(queue, fault, sequence, flags);
}

/* --- the firmware's view -------------------------------------------------------------------- */

/* The firmware says that the queue stands still, and there is no record of it. */
static void queue_note_unseen(struct gaon_queue *queue, u64 bits, u32 clears)
{
	bool reset = (bits & GAON_QUERY_CONDITION) == GAON_QUERY_RESET;
	struct gaon_fault_record fault = {
		.type = reset ? GAON_FAULT_RESET : GAON_FAULT_NONE,
		.core = GAON_FAULT_CORE_NONE,
		.context = queue->hwq.context,
		.queue = queue->hwq.id,
	};

	gaon_fault_note_unseen(queue, &fault,
			       reset ? DRM_GAON_QUEUE_WAS_RESET : DRM_GAON_QUEUE_FAULTED, clears);
	gaon_event_wake(queue->gdev, queue->hwq.context);
}

/**
 * gaon_queue_look() - ask the firmware how a queue is
 * @queue: the queue
 * @flags: of &enum gaon_admin_flags
 * @reply: of QUEUE_QUERY; left alone if there was an error
 *
 * Between drm_dev_enter() and drm_dev_exit(). When it returns every fault is noted that its owner
 * may have read from the state block before.
 *
 * Return: 0, or as gaon_queue_admin().
 */
int gaon_queue_look(struct gaon_queue *queue, unsigned int flags, struct gaon_admin_reply *reply)
{
	u32 clears = READ_ONCE(queue->clears);
	int err;

	if (READ_ONCE(queue->dead))
		return -ECANCELED;
	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_QUERY, 0, flags, reply);
	/* The record was posted before the firmware was told. */
	gaon_event_drain(queue->gdev, queue->hwq.context);
	if (!err && reply->value[3] & GAON_QUERY_CONDITION && !READ_ONCE(queue->fault.flags))
		queue_note_unseen(queue, reply->value[3], clears);
	/* If its event was lost. */
	if (!err && reply->value[3] & GAON_QUERY_STOPPED)
		gaon_debug_note(queue);
	if (!err && reply->value[3] & GAON_QUERY_LATE)
		gaon_fault_blame(queue, clears);
	return err;
}

/* Events were lost, or work was dropped without one. Fences wait for it. */
void gaon_queue_check_work(struct work_struct *work)
{
	struct gaon_queue *queue = container_of(work, struct gaon_queue, check);
	struct gaon_device *gdev = queue->gdev;
	struct gaon_admin_reply reply;
	int doubtful, err, idx;
	u32 epoch = 0;
	bool cookie;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return;
	cookie = dma_fence_begin_signalling();
	doubtful = atomic_xchg(&queue->doubtful, 0);
	if (queue->kq)
		epoch = READ_ONCE(queue->kq->epoch);
	err = gaon_queue_look(queue, GAON_ADMIN_RECLAIM, &reply);
	if (!err && doubtful && !(reply.value[3] & GAON_QUERY_CONDITION))
		atomic_inc(&gdev->resets.kept);
	if (!err && queue->kq)
		gaon_kq_check(queue->kq, &reply, epoch);
	dma_fence_end_signalling(cookie);
	drm_dev_exit(idx);
}

/* --- going on ------------------------------------------------------------------------------- */

/*
 * What is in flight is dropped first, a slot that has faulted says so before its state block does.
 * What was posted or noted just now is seen by the second look, or the third.
 */
static bool clear_may_come(struct gaon_queue *queue, const struct gaon_admin_reply *reply,
			   int tries)
{
	return tries < 2 || reply->value[0] == GAON_SLOT_FAULTED || READ_ONCE(queue->fault.flags);
}

/*
 * The owner may have read of the fault in the state block before the firmware was told, which
 * happens when nothing of the queue is in flight any more. And while its memory is moved the
 * context is suspended.
 */
static int clear_wait_told(struct gaon_queue *queue, unsigned long end)
{
	struct gaon_admin_reply reply;
	int err, tries;

	for (tries = 0;; tries++) {
		err = gaon_queue_look(queue, 0, &reply);
		if (err)
			return err;
		if (reply.value[3] & GAON_QUERY_CONDITION &&
		    !(reply.value[3] & GAON_QUERY_CONTEXT_SUSPENDED))
			return 0;
		if (time_after(jiffies, end) || !clear_may_come(queue, &reply, tries))
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(1000, 2000);
	}
}

static int clear_try(struct gaon_queue *queue, unsigned long end)
{
	struct gaon_fault_state saved;
	int err;

	err = clear_wait_told(queue, end);
	if (err)
		return err;
	/* Forgotten first: as soon as the queue goes on it may fault again. */
	gaon_fault_forget(queue, &saved);
	err = gaon_queue_admin(queue, GAON_ADMIN_FAULT_CLEAR, 0, 0, NULL);
	gaon_fault_cleared(queue, &saved, err);
	return err == -EBUSY ? -EAGAIN : err;
}

static int clear_locked(struct gaon_queue *queue)
{
	unsigned long end = jiffies + CLEAR_TIMEOUT;
	unsigned int pause_ms = 1;
	int err;

	lockdep_assert_held(&queue->lock);
	if (queue->ended)
		return -ENOENT;
	if (READ_ONCE(queue->dead))
		return -ECANCELED;
	/* Its debugger, which needs the lock to let it go on, holds it. */
	if (queue->held || (queue->kq && !gaon_kq_is_stopped(queue->kq)))
		return -EBUSY;
	/*
	 * Refused while another command is under way, if the context was suspended in between, or
	 * its state block is out of reach, perhaps for ever. Others wait for the lock meanwhile.
	 */
	for (;;) {
		err = clear_try(queue, end);
		if (err != -EAGAIN || time_after(jiffies, end))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		msleep(pause_ms);
		pause_ms = min(2 * pause_ms, CLEAR_PAUSE_MAX);
	}
	if (!err && queue->kq)
		gaon_kq_go_on(queue->kq);
	return err == -EAGAIN ? -EBUSY : err;
}

/**
 * gaon_queue_clear() - let a queue go on that faulted or was reset
 * @queue: the queue
 *
 * Between drm_dev_enter() and drm_dev_exit().
 *
 * Return: 0, -EBUSY: it is neither; -ECANCELED: it never will; -ENOENT: it is being destroyed;
 * -ENOMEM, -EINTR; -EIO: perhaps cut short by a reset, when that is over gaon_queue_told() knows.
 */
int gaon_queue_clear(struct gaon_queue *queue)
{
	int err;

	err = gaon_fault_prepare(queue);
	if (err)
		return err;
	if (queue->kq)
		flush_work(&queue->kq->stop);
	mutex_lock(&queue->lock);
	err = clear_locked(queue);
	mutex_unlock(&queue->lock);
	return err;
}
