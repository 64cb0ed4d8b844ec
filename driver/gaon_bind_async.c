// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * VM_BIND when fences are signalled: operations that were prepared by the ioctl wait in the VM's
 * ordered work queue. What runs there is in the path of a fence: it allocates nothing and takes no
 * reservation; what is left over is given back by another work.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "gaon_bind.h"
#include "gaon_device.h"
#include "gaon_uobj.h"
#include "gaon_vm.h"

#define JOB_LOOK	(HZ / 10)

/** struct bind_signal - a syncobj that is signalled at the end */
struct bind_signal {
	/** @syncobj: with a reference. */
	struct drm_syncobj *syncobj;
	/** @chain: of a timeline; NULL: binary, or used. */
	struct dma_fence_chain *chain;
	/** @point: of the timeline. */
	u64 point;
};

/** struct bind_job - operations that wait */
struct bind_job {
	/** @work: waits and does them; in the VM's bind_wq. */
	struct work_struct work;
	/** @cleanup: gives back what is left. */
	struct work_struct cleanup;
	/** @vm: with a reference. */
	struct gaon_vm *vm;
	/** @ops: prepared. */
	struct gaon_bind_op *ops;
	/** @count: of @ops. */
	u32 count;
	/** @fence: with a reference; NULL before it is published. */
	struct gaon_compat_fence *fence;
	/** @waits: fences to wait for, with references. */
	struct dma_fence **waits;
	/** @wait_count: of them. */
	u32 wait_count;
	/** @signals: syncobjs. */
	struct bind_signal *signals;
	/** @signal_count: of them. */
	u32 signal_count;
};

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "gaon";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "bind";
}

/* Without release and wait: then a signalled fence needs nothing of this module. */
static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

/* --- the job's end -------------------------------------------------------------------------- */

static void job_free(struct bind_job *job)
{
	u32 i;

	for (i = 0; i < job->wait_count; i++)
		dma_fence_put(job->waits[i]);
	for (i = 0; i < job->signal_count; i++) {
		dma_fence_chain_free(job->signals[i].chain);
		drm_syncobj_put(job->signals[i].syncobj);
	}
	if (job->ops)
		gaon_bind_finish_all(job->vm, job->ops, job->count);
	kvfree(job->waits);
	kvfree(job->signals);
	gaon_vm_put(job->vm);
	kfree(job);
}

static void job_cleanup(struct work_struct *work)
{
	job_free(container_of(work, struct bind_job, cleanup));
}

/* Until the fence is signalled, or nobody wants the VM any more, or the driver leaves. */
static void job_wait(struct bind_job *job, struct dma_fence *fence)
{
	while (!test_bit(GAON_VM_STATE_CLOSED, &job->vm->state) &&
	       !drm_dev_is_unplugged(&job->vm->gdev->drm) &&
	       !dma_fence_wait_timeout(fence, false, JOB_LOOK))
		;
}

static void job_run(struct work_struct *work)
{
	struct bind_job *job = container_of(work, struct bind_job, work);
	struct dma_fence *fence = &job->fence->base;
	bool cookie;
	int err = 0;
	u32 i;

	for (i = 0; i < job->wait_count; i++)
		job_wait(job, job->waits[i]);
	cookie = dma_fence_begin_signalling();
	for (i = 0; i < job->count && !err; i++)
		err = gaon_bind_exec(job->vm, &job->ops[i]);
	if (err) {
		set_bit(GAON_VM_STATE_UNUSABLE, &job->vm->state);
		dma_fence_set_error(fence, err);
	}
	dma_fence_signal(fence);
	dma_fence_end_signalling(cookie);
	gaon_compat_fence_retire(job->fence);
	dma_fence_put(fence);
	/* Not here: the last reference of the VM would destroy this very queue. */
	queue_work(job->vm->gdev->cleanup_wq, &job->cleanup);
}

/* --- what is waited for, what is signalled -------------------------------------------------- */

static int job_add_sync(struct bind_job *job, struct drm_file *file,
			const struct drm_gaon_sync *sync)
{
	struct bind_signal *signal;
	int err;

	if (sync->flags & ~DRM_GAON_SYNC_FLAGS ||
	    !(sync->flags & DRM_GAON_SYNC_TIMELINE) != !sync->timeline_value)
		return -EINVAL;
	if (!(sync->flags & DRM_GAON_SYNC_SIGNAL)) {
		err = drm_syncobj_find_fence(file, sync->handle, sync->timeline_value, 0,
					     &job->waits[job->wait_count]);
		job->wait_count += !err;
		return err;
	}
	signal = &job->signals[job->signal_count];
	signal->syncobj = drm_syncobj_find(file, sync->handle);
	if (!signal->syncobj)
		return -ENOENT;
	job->signal_count++;
	signal->point = sync->timeline_value;
	if (signal->point) {
		signal->chain = dma_fence_chain_alloc();
		if (!signal->chain)
			return -ENOMEM;
	}
	return 0;
}

static int job_add_syncs(struct bind_job *job, struct drm_file *file,
			 const struct drm_gaon_obj_array *array)
{
	struct drm_gaon_sync *syncs;
	u32 i;
	int err = 0;

	syncs = GAON_UOBJ_GET_ARRAY(array, DRM_GAON_MAX_SYNCS, struct drm_gaon_sync,
				    timeline_value);
	if (IS_ERR_OR_NULL(syncs))
		return PTR_ERR_OR_ZERO(syncs);
	job->waits = kvcalloc(array->count, sizeof(*job->waits), GFP_KERNEL_ACCOUNT);
	job->signals = kvcalloc(array->count, sizeof(*job->signals), GFP_KERNEL_ACCOUNT);
	if (!job->waits || !job->signals)
		err = -ENOMEM;
	for (i = 0; i < array->count && !err; i++)
		err = job_add_sync(job, file, &syncs[i]);
	kvfree(syncs);
	return err;
}

/* From here on nothing fails. Jobs of a VM are queued in the order of their fences. */
static void job_queue(struct bind_job *job)
{
	struct gaon_vm *vm = job->vm;
	struct dma_fence *fence = &job->fence->base;
	u32 i;

	guard(mutex)(&vm->bind_lock);
	gaon_compat_fence_init(job->fence, &fence_ops, vm->bind_context, ++vm->bind_seqno);
	for (i = 0; i < job->signal_count; i++) {
		struct bind_signal *signal = &job->signals[i];

		if (signal->chain)
			drm_syncobj_add_point(signal->syncobj, signal->chain, fence, signal->point);
		else
			drm_syncobj_replace_fence(signal->syncobj, fence);
		signal->chain = NULL;
	}
	queue_work(vm->bind_wq, &job->work);
}

/* With the first job of a VM. */
static int bind_wq_make(struct gaon_vm *vm)
{
	guard(mutex)(&vm->bind_lock);
	if (!vm->bind_wq)
		vm->bind_wq = alloc_ordered_workqueue("gaon-bind", WQ_MEM_RECLAIM);
	return vm->bind_wq ? 0 : -ENOMEM;
}

/**
 * gaon_bind_async() - do prepared operations when fences are signalled
 * @vm: the VM
 * @file: whose syncobjs they are
 * @ops: prepared; this function's, also if it fails
 * @count: of them
 * @syncs: what the caller says
 *
 * Return: 0, or an error of VM_BIND; then nothing will be done.
 */
int gaon_bind_async(struct gaon_vm *vm, struct drm_file *file, struct gaon_bind_op *ops, u32 count,
		    const struct drm_gaon_obj_array *syncs)
{
	struct bind_job *job;
	int err;

	job = kzalloc_obj(*job, GFP_KERNEL_ACCOUNT);
	if (!job) {
		gaon_bind_finish_all(vm, ops, count);
		return -ENOMEM;
	}
	INIT_WORK(&job->work, job_run);
	INIT_WORK(&job->cleanup, job_cleanup);
	job->vm = gaon_vm_get(vm);
	job->ops = ops;
	job->count = count;
	err = bind_wq_make(vm);
	if (!err)
		err = job_add_syncs(job, file, syncs);
	if (!err) {
		job->fence = kzalloc_obj(*job->fence, GFP_KERNEL_ACCOUNT);
		err = job->fence ? 0 : -ENOMEM;
	}
	if (err) {
		job_free(job);
		return err;
	}
	job_queue(job);
	return 0;
}
