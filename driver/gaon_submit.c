// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * SUBMIT: lists of packets become jobs of a kernel-owned queue, all of them or none.
 *
 * All that can fail comes first: copying and checking what the caller says, memory, the syncobjs,
 * the locks of what the address space maps. From the first drm_sched_job_arm() on nothing fails.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_syncobj.h>

#include <hw/gaon_packet.h>

#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_trace.h"
#include "gaon_uobj.h"

#define SUBMIT_MAX_PACKETS	BIT(20)
/* Locks that are expected: one for all that belongs to the address space alone, and some more. */
#define SUBMIT_OBJECTS		8

/** struct submit_signal - a syncobj that a job signals */
struct submit_signal {
	/** @syncobj: with a reference. */
	struct drm_syncobj *syncobj;
	/** @chain: link of a timeline; NULL: not a timeline, or used. */
	struct dma_fence_chain *chain;
	/** @point: of the timeline. */
	u64 point;
	/** @handle: by which the caller names it. */
	u32 handle;
	/** @job: that signals it. */
	u32 job;
};

/** struct submit - a SUBMIT under way */
struct submit {
	/** @file: the caller's. */
	struct drm_file *file;
	/** @queue: with a reference. */
	struct gaon_queue *queue;
	/** @in: what the caller says of the jobs. */
	struct drm_gaon_job *in;
	/** @jobs: made of it; NULL: not yet, or drm_sched's. */
	struct gaon_job **jobs;
	/** @in_one: room for @in if there is one job, which is the usual case. */
	struct drm_gaon_job in_one;
	/** @job_one: room for @jobs then. */
	struct gaon_job *job_one;
	/** @count: of both. */
	u32 count;
	/** @signals: what the jobs signal, in order. */
	struct submit_signal *signals;
	/** @signal_count: of them. */
	u32 signal_count;
	/** @signal_room: there is memory for. */
	u32 signal_room;
	/** @exec: the locks. */
	struct drm_exec exec;
};

/* --- what is waited for, what is signalled -------------------------------------------------- */

static int submit_check_sync(const struct drm_gaon_sync *sync)
{
	if (sync->flags & ~DRM_GAON_SYNC_FLAGS)
		return -EINVAL;
	if (!(sync->flags & DRM_GAON_SYNC_TIMELINE) != !sync->timeline_value)
		return -EINVAL;
	return 0;
}

/* Jobs run in order: what one before signals needs no waiting. */
static bool submit_signals_before(const struct submit *submit, const struct drm_gaon_sync *sync)
{
	u32 i;

	for (i = 0; i < submit->signal_count; i++) {
		const struct submit_signal *signal = &submit->signals[i];

		if (signal->handle == sync->handle && !signal->point == !sync->timeline_value &&
		    signal->point >= sync->timeline_value)
			return true;
	}
	return false;
}

static int submit_add_wait(struct submit *submit, struct gaon_job *job,
			   const struct drm_gaon_sync *sync)
{
	struct dma_fence *fence;
	int err;

	if (submit_signals_before(submit, sync))
		return 0;
	err = drm_syncobj_find_fence(submit->file, sync->handle, sync->timeline_value, 0, &fence);
	if (err)
		return err;
	if (fence->context == job->queue->kq->fence_context || dma_fence_is_signaled(fence)) {
		dma_fence_put(fence);
		return 0;
	}
	return drm_sched_job_add_dependency(&job->base, fence);
}

static int submit_add_signal(struct submit *submit, u32 index, const struct drm_gaon_sync *sync)
{
	struct submit_signal *signal, *more;

	if (submit->signal_count == submit->signal_room) {
		u32 room = 2 * submit->signal_room + 4;

		more = kvmalloc_array(room, sizeof(*more), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		memcpy(more, submit->signals, submit->signal_count * sizeof(*more));
		kvfree(submit->signals);
		submit->signals = more;
		submit->signal_room = room;
	}
	signal = &submit->signals[submit->signal_count];
	*signal = (struct submit_signal){
		.point = sync->timeline_value,
		.handle = sync->handle,
		.job = index,
	};
	signal->syncobj = drm_syncobj_find(submit->file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;
	submit->signal_count++;
	if (signal->point) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain)
			return -ENOMEM;
	}
	return 0;
}

static int submit_add_syncs(struct submit *submit, u32 index)
{
	const struct drm_gaon_obj_array *array = &submit->in[index].syncs;
	struct gaon_job *job = submit->jobs[index];
	struct drm_gaon_sync *syncs;
	int err = 0;
	u32 i;

	syncs = GAON_UOBJ_GET_ARRAY(array, DRM_GAON_MAX_SYNCS, struct drm_gaon_sync,
				    timeline_value);
	if (IS_ERR(syncs))
		return PTR_ERR(syncs);
	for (i = 0; i < array->count && !err; i++)
		err = submit_check_sync(&syncs[i]);
	/* A job cannot wait for what it signals itself: first all that it waits for. */
	for (i = 0; i < array->count && !err; i++) {
		if (!(syncs[i].flags & DRM_GAON_SYNC_SIGNAL))
			err = submit_add_wait(submit, job, &syncs[i]);
	}
	for (i = 0; i < array->count && !err; i++) {
		if (syncs[i].flags & DRM_GAON_SYNC_SIGNAL)
			err = submit_add_signal(submit, index, &syncs[i]);
	}
	kvfree(syncs);
	return err;
}

/* --- jobs ----------------------------------------------------------------------------------- */

static int submit_check_job(const struct drm_gaon_job *in)
{
	if (in->flags || in->count > SUBMIT_MAX_PACKETS)
		return -EINVAL;
	if (!in->count)
		return in->list_va || in->value_base || in->args_base ? -EINVAL : 0;
	if (!IS_ALIGNED(in->list_va, sizeof(struct gaon_packet)) ||
	    !gaon_vm_user_range(in->list_va, (u64)in->count * sizeof(struct gaon_packet)))
		return -EINVAL;
	return 0;
}

static int submit_add_job(struct submit *submit, u32 index)
{
	const struct drm_gaon_job *in = &submit->in[index];
	struct gaon_job *job;
	int err;

	err = submit_check_job(in);
	if (err)
		return err;
	job = gaon_job_create(submit->queue, submit->file->client_id);
	if (IS_ERR(job))
		return PTR_ERR(job);
	job->count = in->count;
	job->list_va = in->list_va;
	job->value_base = in->value_base;
	job->args_base = in->args_base;
	submit->jobs[index] = job;
	return submit_add_syncs(submit, index);
}

/* Copies what the caller says of the jobs, and makes room for them. */
static int submit_get_jobs(struct submit *submit, const struct drm_gaon_obj_array *array)
{
	int err;

	if (!array->count)
		return -EINVAL;
	if (array->count == 1) {
		err = gaon_uobj_check_array(array, 1, offsetofend(struct drm_gaon_job, syncs)) ?:
		      gaon_uobj_read_array(array, sizeof(submit->in_one), &submit->in_one);
		submit->in = &submit->in_one;
		submit->jobs = &submit->job_one;
		return err;
	}
	submit->in = GAON_UOBJ_GET_ARRAY(array, DRM_GAON_SUBMIT_MAX_JOBS, struct drm_gaon_job,
					 syncs);
	if (IS_ERR(submit->in)) {
		err = PTR_ERR(submit->in);
		submit->in = NULL;
		return err;
	}
	submit->jobs = kcalloc(array->count, sizeof(*submit->jobs), GFP_KERNEL_ACCOUNT);
	return submit->jobs ? 0 : -ENOMEM;
}

static int submit_prepare(struct submit *submit, const struct drm_gaon_submit *args)
{
	u32 i;
	int err;

	err = submit_get_jobs(submit, &args->jobs);
	if (err)
		return err;
	submit->count = args->jobs.count;
	for (i = 0; i < submit->count && !err; i++)
		err = submit_add_job(submit, i);
	return err;
}

static void submit_cleanup(struct submit *submit)
{
	u32 i;

	for (i = 0; i < submit->signal_count; i++) {
		dma_fence_chain_free(submit->signals[i].chain);
		drm_syncobj_put(submit->signals[i].syncobj);
	}
	kvfree(submit->signals);
	for (i = 0; i < submit->count; i++) {
		if (submit->jobs[i])
			gaon_job_abandon(submit->jobs[i]);
	}
	if (submit->jobs != &submit->job_one)
		kfree(submit->jobs);
	if (submit->in != &submit->in_one)
		kvfree(submit->in);
}

/* --- to drm_sched --------------------------------------------------------------------------- */

/* Whether the queue takes jobs; gives them their numbers. */
static int submit_enter(struct submit *submit)
{
	struct gaon_queue *queue = submit->queue;
	struct gaon_kq *kq = queue->kq;
	bool running;
	u32 i;

	lockdep_assert_held(&kq->submit_lock);
	if (kq->ended)
		return -ENOENT;
	if (READ_ONCE(queue->dead) || test_bit(GAON_VM_STATE_LOST, &queue->vm->state) ||
	    test_bit(GAON_VM_STATE_UNUSABLE, &queue->vm->state))
		return -ECANCELED;
	spin_lock_irq(&kq->lock);
	running = kq->phase == GAON_KQ_RUNNING;
	for (i = 0; running && i < submit->count; i++) {
		submit->jobs[i]->epoch = kq->epoch;
		submit->jobs[i]->index = kq->submitted++;
	}
	spin_unlock_irq(&kq->lock);
	return running ? 0 : -EIO;
}

static void submit_signal(struct submit_signal *signal, struct dma_fence *fence)
{
	if (signal->point)
		drm_syncobj_add_point(signal->syncobj, signal->chain, fence, signal->point);
	else
		drm_syncobj_replace_fence(signal->syncobj, fence);
	signal->chain = NULL;
}

/* Nothing fails here, nor allocates: fences that others can see must be signalled. */
static void submit_push(struct submit *submit)
{
	struct gaon_vm *vm = submit->queue->vm;
	u32 i, signal = 0;

	for (i = 0; i < submit->count; i++) {
		struct gaon_job *job = submit->jobs[i];
		struct dma_fence *fence;

		drm_sched_job_arm(&job->base);
		gaon_job_init_fence(job);
		fence = dma_fence_get(&job->done->base);
		gaon_vm_add_fence(vm, &submit->exec, fence);
		trace_gaon_job_submit(job);
		/* drm_sched's from here on. */
		submit->jobs[i] = NULL;
		drm_sched_entity_push_job(&job->base);
		while (signal < submit->signal_count && submit->signals[signal].job == i)
			submit_signal(&submit->signals[signal++], fence);
		dma_fence_put(fence);
	}
}

static int submit_locked(struct submit *submit)
{
	struct gaon_queue *queue = submit->queue;
	int err;

	lockdep_assert_held(&queue->kq->submit_lock);
	drm_exec_init(&submit->exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES,
		      SUBMIT_OBJECTS);
	drm_exec_until_all_locked(&submit->exec) {
		err = gaon_vm_prepare(queue->vm, &submit->exec, submit->count);
		drm_exec_retry_on_contention(&submit->exec);
		if (err)
			break;
	}
	if (!err)
		err = submit_enter(submit);
	if (!err)
		submit_push(submit);
	drm_exec_fini(&submit->exec);
	return err;
}

static int submit_run(struct submit *submit)
{
	struct gaon_kq *kq = submit->queue->kq;
	struct gaon_room room;
	int err;

	err = mutex_lock_interruptible(&kq->submit_lock);
	if (err)
		return err;
	err = gaon_room_enter(&room, submit->queue->vm->gdev);
	if (!err) {
		do {
			err = submit_locked(submit);
		} while (gaon_room_retry(&room, err));
		gaon_room_leave(&room);
	}
	mutex_unlock(&kq->submit_lock);
	return err;
}

/** gaon_ioctl_submit() - %DRM_IOCTL_GAON_SUBMIT */
int gaon_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_submit *args = data;
	struct submit submit = { .file = file };
	int err, idx;

	if (args->flags)
		return -EINVAL;
	err = gaon_device_enter_running(to_gaon_device(drm), &idx);
	if (err)
		return err;
	submit.queue = gaon_queue_lookup(to_gaon_file(file), args->queue_id);
	err = submit.queue ? 0 : -ENOENT;
	if (!err && !submit.queue->kq)
		err = -EINVAL;
	if (!err)
		err = submit_prepare(&submit, args);
	if (!err)
		err = submit_run(&submit);
	submit_cleanup(&submit);
	if (submit.queue)
		gaon_queue_put(submit.queue);
	drm_dev_exit(idx);
	return err;
}
