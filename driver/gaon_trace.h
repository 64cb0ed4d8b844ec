/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM gaon

#if !defined(_GAON_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _GAON_TRACE_H_

#include <linux/tracepoint.h>

#include "gaon_bind.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_sched.h"
#include "gaon_vm.h"

DECLARE_EVENT_CLASS(gaon_job,
	TP_PROTO(const struct gaon_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__string(dev, dev_name(job->queue->gdev->drm.dev))
		__field(u32, context)
		__field(u32, queue)
		__field(u64, index)
		__field(u64, fence_context)
		__field(u64, fence)
		__field(u32, count)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->context = job->queue->hwq.context;
		__entry->queue = job->queue->hwq.id;
		__entry->index = job->index;
		__entry->fence_context = job->done->base.context;
		__entry->fence = job->done->base.seqno;
		__entry->count = job->count;
	),
	TP_printk("dev=%s context=%u queue=%u job=%llu fence=%llu:%llu packets=%u",
		  __get_str(dev), __entry->context, __entry->queue, __entry->index,
		  __entry->fence_context, __entry->fence, __entry->count)
);

/* SUBMIT has taken the job. */
DEFINE_EVENT(gaon_job, gaon_job_submit,
	TP_PROTO(const struct gaon_job *job),
	TP_ARGS(job)
);

/* What it waits for is signalled: it goes to the device. */
DEFINE_EVENT(gaon_job, gaon_job_run,
	TP_PROTO(const struct gaon_job *job),
	TP_ARGS(job)
);

/* Its fence is signalled. */
TRACE_EVENT(gaon_job_end,
	TP_PROTO(const struct gaon_job *job, int error, u64 cycles),
	TP_ARGS(job, error, cycles),
	TP_STRUCT__entry(
		__string(dev, dev_name(job->queue->gdev->drm.dev))
		__field(u32, context)
		__field(u32, queue)
		__field(u64, index)
		__field(u64, fence_context)
		__field(u64, fence)
		__field(u64, cycles)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->context = job->queue->hwq.context;
		__entry->queue = job->queue->hwq.id;
		__entry->index = job->index;
		__entry->fence_context = job->done->base.context;
		__entry->fence = job->done->base.seqno;
		__entry->cycles = cycles;
		__entry->error = error;
	),
	TP_printk("dev=%s context=%u queue=%u job=%llu fence=%llu:%llu cycles=%llu error=%d",
		  __get_str(dev), __entry->context, __entry->queue, __entry->index,
		  __entry->fence_context, __entry->fence, __entry->cycles, __entry->error)
);

/* A queue of either kind has faulted. */
TRACE_EVENT(gaon_fault,
	TP_PROTO(const struct gaon_queue *queue, const struct gaon_fault_record *fault),
	TP_ARGS(queue, fault),
	TP_STRUCT__entry(
		__string(dev, dev_name(queue->gdev->drm.dev))
		__field(u32, context)
		__field(u32, queue)
		__field(u32, type)
		__field(u32, access)
		__field(u32, core)
		__field(u32, workgroup)
		__field(u64, sequence)
		__field(u64, pc)
		__field(u64, va)
		__field(u64, syndrome)
		__field(u64, cycle)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->context = queue->hwq.context;
		__entry->queue = queue->hwq.id;
		__entry->type = fault->type;
		__entry->access = fault->access;
		__entry->core = fault->core;
		__entry->workgroup = fault->workgroup;
		__entry->sequence = fault->sequence;
		__entry->pc = fault->pc;
		__entry->va = fault->va;
		__entry->syndrome = fault->syndrome;
		__entry->cycle = fault->cycle;
	),
	TP_printk("dev=%s context=%u queue=%u type=%u access=%u core=%u workgroup=%u packet=%llu pc=%#llx address=%#llx syndrome=%#llx cycle=%llu",
		  __get_str(dev), __entry->context, __entry->queue, __entry->type,
		  __entry->access, __entry->core, __entry->workgroup, __entry->sequence,
		  __entry->pc, __entry->va, __entry->syndrome, __entry->cycle)
);

/* An operation of VM_BIND is done, the invalidation of TLBs included. */
TRACE_EVENT(gaon_map,
	TP_PROTO(const struct gaon_vm *vm, const struct gaon_bind_op *op, int error),
	TP_ARGS(vm, op, error),
	TP_STRUCT__entry(
		__string(dev, dev_name(vm->gdev->drm.dev))
		__field(u32, context)
		__field(u32, type)
		__field(u64, va)
		__field(u64, size)
		__field(u64, offset)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->context = vm->context;
		__entry->type = op->type;
		__entry->va = op->va;
		__entry->size = op->size;
		__entry->offset = op->offset;
		__entry->error = error;
	),
	TP_printk("dev=%s context=%u type=%s address=%#llx size=%#llx offset=%#llx error=%d",
		  __get_str(dev), __entry->context,
		  __print_symbolic(__entry->type,
				   { DRM_GAON_VM_BIND_MAP, "map" },
				   { DRM_GAON_VM_BIND_UNMAP, "unmap" },
				   { DRM_GAON_VM_BIND_MAP_NULL, "null" },
				   { DRM_GAON_VM_BIND_MAP_USERPTR, "userptr" }),
		  __entry->va, __entry->size, __entry->offset, __entry->error)
);

DECLARE_EVENT_CLASS(gaon_vm,
	TP_PROTO(const struct gaon_vm *vm),
	TP_ARGS(vm),
	TP_STRUCT__entry(
		__string(dev, dev_name(vm->gdev->drm.dev))
		__field(u32, context)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->context = vm->context;
	),
	TP_printk("dev=%s context=%u", __get_str(dev), __entry->context)
);

/* A context is suspended, because memory of it goes to make room for others. */
DEFINE_EVENT(gaon_vm, gaon_evict,
	TP_PROTO(const struct gaon_vm *vm),
	TP_ARGS(vm)
);

/* All memory of a context is back, and it goes on. */
DEFINE_EVENT(gaon_vm, gaon_restore,
	TP_PROTO(const struct gaon_vm *vm),
	TP_ARGS(vm)
);

DECLARE_EVENT_CLASS(gaon_swap,
	TP_PROTO(const struct gaon_bo *bo, u32 pages),
	TP_ARGS(bo, pages),
	TP_STRUCT__entry(
		__string(dev, dev_name(bo->ttm.base.dev->dev))
		__string(name, bo->name)
		__field(u64, size)
		__field(u32, pages)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(name);
		__entry->size = bo->ttm.base.size;
		__entry->pages = pages;
	),
	TP_printk("dev=%s object=\"%s\" size=%#llx pages=%u", __get_str(dev), __get_str(name),
		  __entry->size, __entry->pages)
);

/* The machine is short of memory: pages of an object were stored to be swapped out, and freed. */
DEFINE_EVENT(gaon_swap, gaon_swap_out,
	TP_PROTO(const struct gaon_bo *bo, u32 pages),
	TP_ARGS(bo, pages)
);

/* All of an object is there again; so many pages were not. */
DEFINE_EVENT(gaon_swap, gaon_swap_in,
	TP_PROTO(const struct gaon_bo *bo, u32 pages),
	TP_ARGS(bo, pages)
);

/* The whole device is going to be reset. */
TRACE_EVENT(gaon_reset,
	TP_PROTO(const struct gaon_device *gdev, const char *why),
	TP_ARGS(gdev, why),
	TP_STRUCT__entry(
		__string(dev, dev_name(gdev->drm.dev))
		__string(why, why)
	),
	TP_fast_assign(
		__assign_str(dev);
		__assign_str(why);
	),
	TP_printk("dev=%s why=%s", __get_str(dev), __get_str(why))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE gaon_trace
#include <trace/define_trace.h>
