// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The time that jobs of kernel-owned queues may take, so that their fences are signalled at last.
 *
 * What counts is the time that the job at the head has had in a hardware slot: while the firmware
 * lets others go first that clock stands still. A second one runs all the while, since a fence must
 * be signalled also when others always go first, or when the firmware only says so.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>

#include "gaon_admin.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"

#define WATCH_PARTS		8	/* looks per timeout */
#define WATCH_MIN		max(1UL, HZ / 50UL)
#define WATCH_MAX		HZ
#define WATCH_STOPS		4	/* a turn and the stop that ends it, in turns */
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

static unsigned long watch_period(struct gaon_device *gdev)
{
	return clamp(watch_timeout(gdev) / WATCH_PARTS, WATCH_MIN, WATCH_MAX);
}

/** gaon_kq_watch() - a job has come to the device; does not sleep */
void gaon_kq_watch(struct gaon_kq *kq)
{
	struct gaon_device *gdev = kq->queue->gdev;

	/* Nothing happens if it is pending already. */
	queue_delayed_work(gdev->queues->wq, &kq->watch, watch_period(gdev));
}

/*
 * The longest time that a job may be at the head, in a slot or not.
 *
 * Queues of one class share the slots by turns (Documentation/hw/admin.rst, "Scheduling"): of n
 * queues on s slots each has one for a part s/n of the time, less what stopping takes, which is
 * three quarters at most: turns last 50 ms, and the next one stops within 100 ms. So when this is
 * over a job of the highest class that has work has had its time. One of a lower class may have had
 * none, as long as those above fill all slots, and neither has one of which the firmware denies it:
 * both are dropped then, and not to blame.
 */
static u64 watch_longest(struct gaon_device *gdev)
{
	unsigned int queues = atomic_read(&gdev->queues->kernel);

	return WATCH_STOPS * (1 + queues / max(gdev->identify.slots, 1u)) *
	       (u64)watch_timeout(gdev);
}

/* The job at the head, if the device is at it. */
static bool watch_head(struct gaon_kq *kq, u64 *seq, u64 *index)
{
	struct gaon_job *job;
	bool busy;

	spin_lock_irq(&kq->lock);
	job = list_first_entry_or_null(&kq->in_flight, struct gaon_job, node);
	busy = job && job->pushed && kq->phase == GAON_KQ_RUNNING;
	if (busy) {
		*seq = job->seq;
		*index = job->index;
	}
	spin_unlock_irq(&kq->lock);
	return busy;
}

/*
 * Adds up the time between two looks: in a slot if the queue was in it at both, and all the while.
 * A machine that was too busy to look does not count that against the job.
 */
static void watch_count(struct gaon_kq *kq, u64 seq, const struct gaon_admin_reply *reply)
{
	bool in_slot = reply->value[2] != U64_MAX;
	unsigned long now = jiffies, passed;

	if (seq != kq->watch_seq || !kq->watch_at) {
		kq->watch_seq = seq;
		kq->watch_spent = 0;
		kq->watch_seen = 0;
		kq->watch_waited = 0;
	} else {
		passed = min(now - kq->watch_at, 2 * watch_period(kq->queue->gdev));
		if (in_slot && kq->watch_in_slot && kq->watch_preempted == reply->value[4])
			kq->watch_spent += passed;
		if (in_slot)
			kq->watch_seen += passed;
		kq->watch_waited += passed;
	}
	kq->watch_at = now ?: 1;
	kq->watch_in_slot = in_slot;
	kq->watch_preempted = reply->value[4];
}

static void watch_too_long(struct gaon_kq *kq, u64 seq, u64 index, u64 read)
{
	struct gaon_queue *queue = kq->queue;
	struct gaon_fault_record fault = {
		.type = GAON_FAULT_WATCHDOG,
		.core = GAON_FAULT_CORE_NONE,
		.context = queue->hwq.context,
		.queue = queue->hwq.id,
		.sequence = read,
	};

	gaon_fault_note(queue, &fault, index, DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY);
	gaon_kq_fail(kq, seq);
	gaon_coredump_fault(queue, &fault, GAON_DUMP_KIND_TIMEOUT);
	gaon_event_wake(queue->gdev, queue->hwq.context);
}

static void watch_starved(struct gaon_kq *kq)
{
	struct gaon_queue *queue = kq->queue;
	struct gaon_device *gdev = queue->gdev;

	dev_warn_ratelimited(gdev->drm.dev,
			     "queue %u of context %u had %u ms of its turn in %u ms, beside %d others: its jobs are dropped\n",
			     queue->hwq.id, queue->hwq.context, jiffies_to_msecs(kq->watch_seen),
			     jiffies_to_msecs(kq->watch_waited),
			     atomic_read(&gdev->queues->kernel) - 1);
	gaon_fault_note_reset(queue);
	gaon_kq_fail(kq, U64_MAX);
	gaon_event_wake(gdev, queue->hwq.context);
}

static void watch_judge(struct gaon_kq *kq, const struct gaon_admin_reply *reply)
{
	struct gaon_device *gdev = kq->queue->gdev;
	u64 seq, index;

	if (!watch_head(kq, &seq, &index))
		return;
	watch_count(kq, seq, reply);
	if (kq->watch_spent >= watch_timeout(gdev))
		watch_too_long(kq, seq, index, reply->value[1]);
	else if (kq->watch_waited < watch_longest(gdev))
		return;
	else if (kq->watch_seen >= watch_timeout(gdev))
		watch_too_long(kq, seq, index, reply->value[1]);
	else
		watch_starved(kq);
}

/* Fences wait for it. */
static void watch_work(struct work_struct *work)
{
	struct gaon_kq *kq = container_of(work, struct gaon_kq, watch.work);
	struct gaon_queue *queue = kq->queue;
	struct gaon_device *gdev = queue->gdev;
	struct gaon_admin_reply reply = { .value = { [2] = U64_MAX } };
	bool cookie, again = false;
	u64 seq, index;
	u32 epoch;
	int idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return;
	cookie = dma_fence_begin_signalling();
	epoch = READ_ONCE(kq->epoch);
	gaon_kq_complete(kq);
	if (watch_head(kq, &seq, &index)) {
		again = true;
		/* No answer: a reset is due, which ends it. A refusal: time passes. */
		if (!gaon_queue_look(queue, GAON_ADMIN_RECLAIM, &reply))
			gaon_kq_check(kq, &reply, epoch);
		watch_judge(kq, &reply);
	}
	dma_fence_end_signalling(cookie);
	if (again)
		gaon_kq_watch(kq);
	drm_dev_exit(idx);
}

void gaon_kq_watch_init(struct gaon_kq *kq)
{
	INIT_DELAYED_WORK(&kq->watch, watch_work);
}
