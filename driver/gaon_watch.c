// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The time that jobs of kernel-owned queues may take, so that their fences are signalled at last.
 *
 * What counts is the time that the job at the head has had in a hardware slot: while the firmware
 * lets others go first the clock stands still.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"

#define WATCH_PARTS		8	/* looks per timeout */
#define WATCH_MIN		max(1UL, HZ / 50UL)
#define WATCH_MAX		HZ
#define TIMEOUT_MS		10000u
#define TIMEOUT_MODEL_MS	300000u	/* a model of a device is slower than the device */

static unsigned int job_timeout_ms;
module_param(job_timeout_ms, uint, 0644);
MODULE_PARM_DESC(job_timeout_ms,
		 "longest time of a job of a kernel-owned queue, in ms (0: 10 s, or 5 min on a device whose time is modelled)");

static unsigned long watch_timeout(struct gaon_device *gdev)
{
	unsigned int ms = READ_ONCE(job_timeout_ms);

	if (!ms)
		ms = gdev->fw.features & GAON_FEATURE_MODELLED_TIME ? TIMEOUT_MODEL_MS : TIMEOUT_MS;
	return msecs_to_jiffies(ms);
}

/** gaon_kq_watch() - a job has come to the device; does not sleep */
void gaon_kq_watch(struct gaon_kq *kq)
{
	struct gaon_device *gdev = kq->queue->gdev;

	/* Nothing happens if it is pending already. */
	queue_delayed_work(gdev->queues->wq, &kq->watch,
			   clamp(watch_timeout(gdev) / WATCH_PARTS, WATCH_MIN, WATCH_MAX));
}

/* The job at the head, if the device is at it. */
static bool watch_head(struct gaon_kq *kq, u64 *seq)
{
	struct gaon_job *job;
	bool busy;

	spin_lock_irq(&kq->lock);
	job = list_first_entry_or_null(&kq->in_flight, struct gaon_job, node);
	busy = job && job->pushed && kq->phase == GAON_KQ_RUNNING;
	if (busy)
		*seq = job->seq;
	spin_unlock_irq(&kq->lock);
	return busy;
}

/* Adds up the time between two looks if the queue was in its slot at both, and all the while. */
static bool watch_is_over(struct gaon_kq *kq, u64 seq, const struct gaon_admin_reply *reply)
{
	bool in_slot = reply->value[2] != U64_MAX;
	unsigned long now = jiffies;

	if (seq != kq->watch_seq || !kq->watch_at) {
		kq->watch_seq = seq;
		kq->watch_spent = 0;
	} else if (in_slot && kq->watch_in_slot && kq->watch_preempted == reply->value[4]) {
		kq->watch_spent += now - kq->watch_at;
	}
	kq->watch_at = now ?: 1;
	kq->watch_in_slot = in_slot;
	kq->watch_preempted = reply->value[4];
	return kq->watch_spent >= watch_timeout(kq->queue->gdev);
}

static void watch_give_up(struct gaon_kq *kq, u64 seq, u64 read)
{
	struct gaon_queue *queue = kq->queue;
	struct gaon_fault_record fault = {
		.type = GAON_FAULT_WATCHDOG,
		.core = GAON_FAULT_CORE_NONE,
		.context = queue->hwq.context,
		.queue = queue->hwq.id,
		.sequence = read,
	};

	gaon_fault_note(queue, &fault, gaon_kq_job_index(kq, read),
			DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY);
	gaon_kq_fail(kq, seq);
	gaon_event_wake(queue->gdev, queue->hwq.context);
}

/* Fences wait for it. */
static void watch_work(struct work_struct *work)
{
	struct gaon_kq *kq = container_of(work, struct gaon_kq, watch.work);
	struct gaon_queue *queue = kq->queue;
	struct gaon_device *gdev = queue->gdev;
	struct gaon_admin_reply reply;
	bool cookie, again = false;
	int idx;
	u64 seq;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return;
	cookie = dma_fence_begin_signalling();
	gaon_kq_complete(kq);
	if (!watch_head(kq, &seq))
		goto out;
	again = true;
	if (gaon_queue_look(queue, GAON_ADMIN_RECLAIM, &reply))
		goto out;	/* a reset is due, which ends it */
	gaon_kq_check(kq, &reply);
	if (watch_head(kq, &seq) && watch_is_over(kq, seq, &reply))
		watch_give_up(kq, seq, reply.value[1]);
out:
	dma_fence_end_signalling(cookie);
	if (again)
		gaon_kq_watch(kq);
	drm_dev_exit(idx);
}

void gaon_kq_watch_init(struct gaon_kq *kq)
{
	INIT_DELAYED_WORK(&kq->watch, watch_work);
}
