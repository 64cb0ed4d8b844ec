// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Kernel-owned queues: from drm_sched to the ring, and from completion to the fence.
 *
 * A job is three packets of the ring: when it begins, a CALL of the user's list, when it ends. The
 * last stores the job's number, which is what completes its fence; the event that comes with it
 * only says that it is time to look.
 *
 * What users wait for is the job's own fence, never one of drm_sched's: it needs neither this
 * module nor drm_sched once it is signalled. Fences of a queue are signalled in order, whatever
 * happens: who replaces a fence by a later one of the same queue relies on it.
 */
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include <kunit/visibility.h>

#include <hw/gaon_packet.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_trace.h"
#include "gaon_visible.h"

#define JOB_PACKETS	DRM_GAON_JOB_PACKETS
#define JOB_CALL	1	/* which of them is the user's */
#define RING_LOG2	2	/* of entries of the ring per job that may be in flight */
#define SCOPE_HOST	(GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4)

static_assert(JOB_PACKETS < 1 << RING_LOG2);
/* DRM frees the fence by its first member. */
static_assert(offsetof(struct gaon_compat_fence, base) == 0);

/* --- fences --------------------------------------------------------------------------------- */

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "gaon";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "queue";
}

/* Without release and wait: then a signalled fence needs nothing of this module. */
static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

/**
 * gaon_job_init_fence() - the job is going to be submitted, nothing can stop it
 * @job: the job; under gaon_kq.submit_lock
 */
void gaon_job_init_fence(struct gaon_job *job)
{
	struct gaon_kq *kq = job->queue->kq;

	lockdep_assert_held(&kq->submit_lock);
	gaon_compat_fence_init(job->done, &fence_ops, kq->fence_context, ++kq->fence_seq);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_job_init_fence);

/* --- jobs ----------------------------------------------------------------------------------- */

/**
 * gaon_job_create() - an empty job
 * @queue: a kernel-owned queue
 * @client_id: of the file, for traces
 *
 * Return: the job, for drm_sched_entity_push_job() or gaon_job_abandon(); or ERR_PTR.
 */
struct gaon_job *gaon_job_create(struct gaon_queue *queue, u64 client_id)
{
	struct gaon_job *job = kzalloc_obj(*job, GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->done = kzalloc_obj(*job->done, GFP_KERNEL_ACCOUNT);
	if (job->done)
		err = drm_sched_job_init(&job->base, &queue->kq->entity, 1, queue, client_id);
	if (err) {
		kfree(job->done);
		kfree(job);
		return ERR_PTR(err);
	}
	INIT_LIST_HEAD(&job->node);
	job->queue = gaon_queue_get(queue);
	atomic_inc(&queue->client->jobs);
	return job;
}

static void job_free(struct gaon_job *job)
{
	struct gaon_queue *queue = job->queue;
	struct gaon_client *client = queue->client;
	bool ran = job->ran;

	drm_sched_job_cleanup(&job->base);
	kfree(job);
	if (ran && atomic_dec_and_test(&queue->kq->running))
		wake_up_var(&queue->kq->running);
	gaon_queue_put(queue);
	/* Last: the file may go now. */
	if (atomic_dec_and_test(&client->jobs))
		wake_up_var(&client->jobs);
}

/** gaon_job_abandon() - a job that was not armed; nobody knows its fence */
void gaon_job_abandon(struct gaon_job *job)
{
	kfree(job->done);
	job_free(job);
}

static u64 job_cycles(const struct gaon_kq *kq, const struct gaon_job *job)
{
	const struct gaon_job_times *times;
	u64 start, end;

	if (!job->pushed)
		return 0;
	times = &kq->times[job->seq & (kq->depth - 1)];
	start = READ_ONCE(times->start);
	end = READ_ONCE(times->end);
	return end > start ? end - start : 0;
}

/* The job's fence is signalled, in order. It may be freed as soon as the lock is given back. */
static void job_finish(struct gaon_kq *kq, struct gaon_job *job, int err)
{
	struct dma_fence *fence = &job->done->base;
	u64 cycles = err ? 0 : job_cycles(kq, job);

	lockdep_assert_held(&kq->lock);
	list_del_init(&job->node);
	job->finished = true;
	if (!err)
		kq->completed++;
	else if (err != -EIO)
		kq->lost++;
	trace_gaon_job_end(job, err, cycles);
	if (err)
		dma_fence_set_error(fence, err);
	dma_fence_signal(fence);
	gaon_compat_fence_retire(job->done);
}

/* --- completion ----------------------------------------------------------------------------- */

static bool job_is_done(const struct gaon_job *job, u64 value)
{
	if (job->cancelled)
		return false;
	/* A job without packets is done when it is the first. */
	return !job->count || (job->pushed && job->seq < value);
}

static void kq_complete_locked(struct gaon_kq *kq)
{
	struct gaon_job *job;
	u64 value;

	lockdep_assert_held(&kq->lock);
	/* Without jobs the memory may be gone already. */
	if (list_empty(&kq->in_flight))
		return;
	value = READ_ONCE(*kq->value);
	dma_rmb();	/* what the job wrote, its times too, came before */
	while ((job = list_first_entry_or_null(&kq->in_flight, struct gaon_job, node)) &&
	       job_is_done(job, value))
		job_finish(kq, job, 0);
}

/** gaon_kq_complete() - signal what the device has completed */
void gaon_kq_complete(struct gaon_kq *kq)
{
	unsigned long flags;
	bool cookie;

	cookie = dma_fence_begin_signalling();
	spin_lock_irqsave(&kq->lock, flags);
	kq_complete_locked(kq);
	spin_unlock_irqrestore(&kq->lock, flags);
	dma_fence_end_signalling(cookie);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_complete);

/* The device has nothing of the queue any more: what is not complete never will be. */
static void kq_give_up(struct gaon_kq *kq, int err)
{
	struct gaon_job *job, *next;
	unsigned long flags;
	bool cookie;

	cookie = dma_fence_begin_signalling();
	spin_lock_irqsave(&kq->lock, flags);
	kq_complete_locked(kq);
	list_for_each_entry_safe(job, next, &kq->in_flight, node)
		job_finish(kq, job, job->pushed && job->seq == kq->guilty ? -EIO : err);
	kq->phase = GAON_KQ_STOPPED;
	kq->guilty = U64_MAX;
	spin_unlock_irqrestore(&kq->lock, flags);
	dma_fence_end_signalling(cookie);
}

/* From now on no job reaches the ring; whether that is new. */
static bool kq_begin_stop_locked(struct gaon_kq *kq, u64 guilty)
{
	lockdep_assert_held(&kq->lock);
	if (kq->phase != GAON_KQ_RUNNING)
		return false;
	kq->phase = GAON_KQ_STOPPING;
	WRITE_ONCE(kq->epoch, kq->epoch + 1);
	kq->guilty = guilty;
	return true;
}

static bool kq_begin_stop(struct gaon_kq *kq, u64 guilty)
{
	unsigned long flags;
	bool begun;

	spin_lock_irqsave(&kq->lock, flags);
	begun = kq_begin_stop_locked(kq, guilty);
	spin_unlock_irqrestore(&kq->lock, flags);
	return begun;
}

/* --- to the device -------------------------------------------------------------------------- */

static struct gaon_packet *ring_next(struct gaon_kq *kq, u64 index)
{
	struct gaon_packet *packet = &kq->ring[index & (kq->ring_size - 1)];

	memset(packet, 0, sizeof(*packet));
	packet->scope = SCOPE_HOST;
	packet->flags = GAON_PKT_F_BARRIER;
	return packet;
}

static u64 kq_va(const struct gaon_kq *kq, const void *cpu)
{
	return kq->kbuf.va + (cpu - kq->kbuf.cpu);
}

static void job_write(struct gaon_kq *kq, struct gaon_job *job, u64 index)
{
	struct gaon_job_times *times = &kq->times[job->seq & (kq->depth - 1)];
	struct gaon_packet *packet;

	WRITE_ONCE(times->start, 0);
	WRITE_ONCE(times->end, 0);
	packet = ring_next(kq, index++);
	packet->type = GAON_PKT_TIMESTAMP;
	packet->timestamp.va = kq_va(kq, &times->start);

	packet = ring_next(kq, index++);
	packet->type = GAON_PKT_CALL;
	packet->list.list_va = job->list_va;
	packet->list.count = job->count;
	packet->list.value_base = job->value_base;
	packet->list.args_base = job->args_base;

	packet = ring_next(kq, index++);
	packet->type = GAON_PKT_TIMESTAMP;
	packet->flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet->timestamp.va = kq_va(kq, &times->end);
	packet->signal_va = kq_va(kq, kq->value);
	packet->signal_value = job->seq + 1;
}

/*
 * There is room. drm_sched hands over a job when no more than the depth are incomplete; the
 * device's own read index is at most one packet behind the values that completed the others, and
 * the ring has more entries than the depth takes. The index that it stores may be far behind.
 */
static void job_push(struct gaon_kq *kq, struct gaon_job *job)
{
	struct gaon_queue *queue = kq->queue;
	struct gaon_device *gdev = queue->gdev;
	u64 index = kq->pushed * JOB_PACKETS;

	lockdep_assert_held(&kq->lock);
	job->seq = kq->pushed++;
	job->pushed = true;
	job_write(kq, job, index);
	/* Publish: the packets are there before the index. */
	smp_store_release(&kq->state->write, index + JOB_PACKETS);
	/* Then look whether the device sleeps; it says so before it looks at the index again. */
	mb();
	if (gaon_doorbell_due(index, index + JOB_PACKETS, READ_ONCE(kq->state->event_idx)))
		writeq(index + JOB_PACKETS,
		       gdev->doorbells + (size_t)queue->hwq.context * GAON_DOORBELL_STRIDE +
		       queue->hwq.id * sizeof(u64));
}

/* Under the lock; what drm_sched hands over is on the list, or its fence is signalled. */
VISIBLE_IF_KUNIT void gaon_kq_take_job(struct gaon_kq *kq, struct gaon_job *job, bool there)
{
	lockdep_assert_held(&kq->lock);
	if (!there || kq->phase == GAON_KQ_STOPPED || kq->epoch != job->epoch) {
		/* Behind those that the device is still giving up. */
		if (!list_empty(&kq->in_flight)) {
			job->cancelled = true;
			list_add_tail(&job->node, &kq->in_flight);
		} else {
			/* drm_sched may have taken the job only after the device was gone. */
			job_finish(kq, job, there ? -ECANCELED : -ENODEV);
		}
		return;
	}
	if (job->count)
		job_push(kq, job);
	list_add_tail(&job->node, &kq->in_flight);
	if (!job->count)
		kq_complete_locked(kq);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_take_job);

static struct dma_fence *kq_run_job(struct drm_sched_job *base)
{
	struct gaon_job *job = container_of(base, struct gaon_job, base);
	struct gaon_queue *queue = job->queue;
	struct gaon_kq *kq = queue->kq;
	struct dma_fence *fence = dma_fence_get(&job->done->base);
	bool cookie, there, watch;
	unsigned long flags;
	int idx;

	cookie = dma_fence_begin_signalling();
	job->ran = true;
	atomic_inc(&kq->running);
	there = drm_dev_enter(&queue->gdev->drm, &idx);
	trace_gaon_job_run(job);
	spin_lock_irqsave(&kq->lock, flags);
	gaon_kq_take_job(kq, job, there);
	watch = !list_empty(&kq->in_flight) && kq->phase == GAON_KQ_RUNNING;
	spin_unlock_irqrestore(&kq->lock, flags);
	if (watch)
		gaon_kq_watch(kq);
	if (there)
		drm_dev_exit(idx);
	dma_fence_end_signalling(cookie);
	return fence;
}

static void kq_free_job(struct drm_sched_job *base)
{
	struct gaon_job *job = container_of(base, struct gaon_job, base);
	struct gaon_kq *kq = job->queue->kq;
	struct dma_fence *fence = &job->done->base;
	unsigned long flags;
	bool cookie;

	cookie = dma_fence_begin_signalling();
	spin_lock_irqsave(&kq->lock, flags);
	/* Killed while it waited for something; drm_sched does that in order. */
	if (!job->finished)
		job_finish(kq, job, -ECANCELED);
	spin_unlock_irqrestore(&kq->lock, flags);
	dma_fence_end_signalling(cookie);
	dma_fence_put(fence);
	job_free(job);
}

/* Without timedout_job: the timeout of drm_sched is off. */
static const struct drm_sched_backend_ops sched_ops = {
	.run_job = kq_run_job,
	.free_job = kq_free_job,
};

/* --- events --------------------------------------------------------------------------------- */

static void kq_packet(struct gaon_hwq *hwq, const struct gaon_event *event)
{
	gaon_kq_complete(to_gaon_queue(hwq)->kq);
}

static void kq_fault(struct gaon_hwq *hwq, const struct gaon_fault_record *fault)
{
	struct gaon_queue *queue = to_gaon_queue(hwq);
	bool cookie = dma_fence_begin_signalling();

	gaon_queue_fault(queue, fault);
	gaon_kq_fail(queue->kq, fault->type == GAON_FAULT_RESET ? U64_MAX :
			       fault->sequence / JOB_PACKETS);
	dma_fence_end_signalling(cookie);
}

static void kq_rescan(struct gaon_hwq *hwq)
{
	struct gaon_queue *queue = to_gaon_queue(hwq);

	gaon_kq_complete(queue->kq);
	queue_work(queue->gdev->queues->wq, &queue->check);
}

const struct gaon_hwq_ops gaon_kq_ops = {
	.packet = kq_packet,
	.fault = kq_fault,
	.rescan = kq_rescan,
};

/**
 * gaon_kq_job_index() - which job a packet of the ring belongs to
 * @kq: the queue
 * @sequence: index of the packet, as the device tells it
 *
 * Return: its index among jobs submitted, or 0 if no such job is in flight.
 */
u64 gaon_kq_job_index(struct gaon_kq *kq, u64 sequence)
{
	struct gaon_job *job;
	unsigned long flags;
	u64 index = 0;

	spin_lock_irqsave(&kq->lock, flags);
	list_for_each_entry(job, &kq->in_flight, node) {
		if (job->pushed && job->seq == sequence / JOB_PACKETS) {
			index = job->index;
			break;
		}
	}
	spin_unlock_irqrestore(&kq->lock, flags);
	return index;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_job_index);

/** gaon_kq_ring_index() - where the CALL of the next job pushed will stand; under kq->lock */
u64 gaon_kq_ring_index(const struct gaon_kq *kq)
{
	lockdep_assert_held(&kq->lock);
	return kq->pushed * JOB_PACKETS + JOB_CALL;
}

/* --- stopping ------------------------------------------------------------------------------- */

/**
 * gaon_kq_fail() - the queue's work cannot go on
 * @kq: the queue
 * @guilty: number in the ring of the job at fault; %U64_MAX: none
 *
 * Does not sleep. Its fences are signalled when the device has given the work up.
 */
void gaon_kq_fail(struct gaon_kq *kq, u64 guilty)
{
	if (kq_begin_stop(kq, guilty))
		queue_work(kq->queue->gdev->queues->wq, &kq->stop);
}

/* The rungs above the queue's own. */
static bool kq_quiesce_more(struct gaon_queue *queue, int err)
{
	struct gaon_device *gdev = queue->gdev;

	drm_warn(&gdev->drm, "queue %u cannot be reset (error %d): resetting context %u\n",
		 queue->hwq.id, err, queue->hwq.context);
	err = gaon_reset_context(gdev, queue->hwq.context);
	if (!err)
		return true;
	if (!gaon_device_running(gdev))
		return false;
	drm_warn(&gdev->drm, "nor can its context (error %d): resetting the engines\n", err);
	err = gaon_reset_engines(gdev);
	if (!err)
		err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_RESET, 0, GAON_ADMIN_RECLAIM, NULL);
	if (!err)
		return true;
	gaon_reset_schedule(gdev, "a queue cannot be stopped");
	return false;
}

/*
 * The lowest rung that helps: the queue, its context, the engines, the device. When it returns the
 * device has nothing of the queue, or is going to be reset, which then ends it all.
 */
static bool kq_quiesce(struct gaon_queue *queue)
{
	struct gaon_device *gdev = queue->gdev;
	ktime_t began = ktime_get();
	int err;

	atomic_inc(&gdev->resets.queues);
	err = gaon_queue_admin(queue, GAON_ADMIN_QUEUE_RESET, 0, GAON_ADMIN_RECLAIM, NULL);
	if (!err)
		gaon_reset_recovered(gdev, GAON_RUNG_QUEUE, began);
	if (!err || !gaon_device_running(gdev))
		return !err;
	if (err != -ETIMEDOUT)
		return kq_quiesce_more(queue, err);
	/* The firmware dropped the work of the whole context to get there. */
	atomic_inc(&gdev->resets.contexts);
	gaon_reset_recovered(gdev, GAON_RUNG_CONTEXT, began);
	gaon_queues_check_all(gdev, queue->hwq.context);
	return true;
}

static bool kq_is_stopping(struct gaon_kq *kq)
{
	bool stopping;

	/* Nobody else ends it, and it runs again only with the lock of its queue held. */
	lockdep_assert_held(&kq->queue->lock);
	spin_lock_irq(&kq->lock);
	stopping = kq->phase == GAON_KQ_STOPPING;
	spin_unlock_irq(&kq->lock);
	return stopping;
}

static void kq_stop_work(struct work_struct *work)
{
	struct gaon_kq *kq = container_of(work, struct gaon_kq, stop);
	struct gaon_queue *queue = kq->queue;
	bool cookie, quiet = false;
	int idx;

	if (!drm_dev_enter(&queue->gdev->drm, &idx))
		return;		/* gaon_queues_lose_all() signals */
	cookie = dma_fence_begin_signalling();
	mutex_lock(&queue->lock);
	/* It may be asked for twice, and the queue be cleared after the first time. */
	if (!queue->ended && !READ_ONCE(queue->dead) && kq_is_stopping(kq))
		quiet = kq_quiesce(queue);
	mutex_unlock(&queue->lock);
	if (quiet)
		kq_give_up(kq, -ECANCELED);
	dma_fence_end_signalling(cookie);
	drm_dev_exit(idx);
}

/** gaon_kq_stop_again() - the firmware was lost while it gave the queue's work up, perhaps */
void gaon_kq_stop_again(struct gaon_kq *kq)
{
	unsigned long flags;

	spin_lock_irqsave(&kq->lock, flags);
	if (kq->phase == GAON_KQ_STOPPING)
		queue_work(kq->queue->gdev->queues->wq, &kq->stop);
	spin_unlock_irqrestore(&kq->lock, flags);
}

/** gaon_kq_lose() - the device was reset or is gone: all jobs fail, for good */
void gaon_kq_lose(struct gaon_kq *kq, int err)
{
	kq_begin_stop(kq, U64_MAX);
	kq_give_up(kq, err);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_lose);

/**
 * gaon_kq_check() - the firmware was asked how a queue is
 * @kq: the queue
 * @reply: of QUEUE_QUERY; events were taken after it
 * @epoch: gaon_kq.epoch of before it was asked: what its owner has cleared since is not news
 */
void gaon_kq_check(struct gaon_kq *kq, const struct gaon_admin_reply *reply, u32 epoch)
{
	unsigned long flags;
	bool begun;

	gaon_kq_complete(kq);
	if (!(reply->value[3] & GAON_QUERY_CONDITION))
		return;
	spin_lock_irqsave(&kq->lock, flags);
	begun = kq->epoch == epoch && kq_begin_stop_locked(kq, U64_MAX);
	spin_unlock_irqrestore(&kq->lock, flags);
	if (begun)
		queue_work(kq->queue->gdev->queues->wq, &kq->stop);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_check);

bool gaon_kq_is_stopped(struct gaon_kq *kq)
{
	bool stopped;

	spin_lock_irq(&kq->lock);
	stopped = kq->phase == GAON_KQ_STOPPED;
	spin_unlock_irq(&kq->lock);
	return stopped;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_is_stopped);

/** gaon_kq_go_on() - the device has cleared the queue: jobs that are submitted now run */
void gaon_kq_go_on(struct gaon_kq *kq)
{
	spin_lock_irq(&kq->lock);
	if (!READ_ONCE(kq->queue->dead)) {
		kq->phase = GAON_KQ_RUNNING;
		WRITE_ONCE(kq->epoch, kq->epoch + 1);
	}
	spin_unlock_irq(&kq->lock);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_kq_go_on);

/* --- life ----------------------------------------------------------------------------------- */

static int kq_make_memory(struct gaon_kq *kq, u32 depth_log2)
{
	size_t ring_bytes, bytes;
	int err;

	kq->depth = BIT(depth_log2);
	kq->ring_size = BIT(depth_log2 + RING_LOG2);
	ring_bytes = kq->ring_size * sizeof(*kq->ring);
	bytes = ring_bytes + 2 * sizeof(*kq->state) + kq->depth * sizeof(*kq->times);
	err = gaon_kbuf_create(kq->queue->vm, PAGE_ALIGN(bytes), GAON_KBUF_HOST, &kq->kbuf);
	if (err)
		return err;
	kq->ring = kq->kbuf.cpu;
	kq->state = kq->kbuf.cpu + ring_bytes;
	kq->value = (void *)(kq->state + 1);
	kq->times = (void *)(kq->state + 2);
	return 0;
}

static int kq_make_sched(struct gaon_kq *kq)
{
	struct gaon_device *gdev = kq->queue->gdev;
	struct drm_gpu_scheduler *sched = &kq->sched;
	struct drm_sched_init_args args = {
		.ops = &sched_ops,
		.submit_wq = gdev->queues->jobs_wq,
		.num_rqs = 1,
		.credit_limit = kq->depth,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.timeout_wq = gdev->queues->wq,
		.name = kq->name,
		.dev = gdev->drm.dev,
	};
	int err;

	snprintf(kq->name, sizeof(kq->name), "gaon-queue-%u", kq->queue->handle);
	err = drm_sched_init(sched, &args);
	if (err)
		return err;
	err = drm_sched_entity_init(&kq->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (err)
		drm_sched_fini(sched);
	return err;
}

/**
 * gaon_kq_create() - make a queue kernel-owned
 * @queue: the queue; not on the device yet
 * @depth_log2: log2 of jobs in flight
 * @cmd: ring and state block are filled in
 *
 * Return: 0 or an error; then @queue is as it was.
 */
int gaon_kq_create(struct gaon_queue *queue, u32 depth_log2, struct gaon_admin_queue *cmd)
{
	struct gaon_kq *kq = kzalloc_obj(*kq, GFP_KERNEL_ACCOUNT);
	int err;

	if (!kq)
		return -ENOMEM;
	kq->queue = queue;
	mutex_init(&kq->submit_lock);
	spin_lock_init(&kq->lock);
	INIT_LIST_HEAD(&kq->in_flight);
	INIT_WORK(&kq->stop, kq_stop_work);
	gaon_kq_watch_init(kq);
	kq->fence_context = dma_fence_context_alloc(1);
	kq->guilty = U64_MAX;
	err = kq_make_memory(kq, depth_log2);
	if (err)
		goto err_free;
	err = kq_make_sched(kq);
	if (err)
		goto err_memory;
	cmd->ring_log2 = depth_log2 + RING_LOG2;
	cmd->ring_va = kq->kbuf.va;
	cmd->state_va = kq_va(kq, kq->state);
	queue->kq = kq;
	atomic_inc(&queue->gdev->queues->kernel);
	return 0;

err_memory:
	gaon_kbuf_destroy(queue->vm, &kq->kbuf);
err_free:
	mutex_destroy(&kq->submit_lock);
	kfree(kq);
	return err;
}

/** gaon_kq_end() - no job reaches the device any more, and none is taken; before it is ended */
void gaon_kq_end(struct gaon_kq *kq)
{
	kq_begin_stop(kq, U64_MAX);
	/*
	 * Who holds it may wait for a job of this very queue, to move memory; and nobody else stops
	 * that any more.
	 */
	if (!mutex_trylock(&kq->submit_lock)) {
		queue_work(kq->queue->gdev->queues->wq, &kq->stop);
		mutex_lock(&kq->submit_lock);
	}
	kq->ended = true;
	mutex_unlock(&kq->submit_lock);
}

/**
 * gaon_kq_destroy() - the device has nothing of the queue, and no callback runs
 * @kq: the queue
 *
 * Jobs that wait for something outside are freed when that is signalled; they hold the queue's
 * structure, but none of its memory on the device.
 */
void gaon_kq_destroy(struct gaon_kq *kq)
{
	/* Whoever still runs may not arm them again: the structure goes soon. */
	disable_work_sync(&kq->stop);
	disable_delayed_work_sync(&kq->watch);
	kq_give_up(kq, -ECANCELED);
	drm_sched_entity_fini(&kq->entity);
	wait_var_event(&kq->running, !atomic_read(&kq->running));
	drm_sched_fini(&kq->sched);
	gaon_kbuf_destroy(kq->queue->vm, &kq->kbuf);
	atomic_dec(&kq->queue->gdev->queues->kernel);
}
