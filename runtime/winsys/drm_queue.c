// SPDX-License-Identifier: MIT
/* Contexts, their queues (those in user mode; drm_kq.c has the others), faults and waiting. */
#include "drm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../clock.h"
#include "../log.h"

#define WAIT_SPIN_NS	20000ull	/* a sleep and its interrupt cost more */
/* The event that wakes may have been missed by who asked late: look again, less often each time. */
#define WAIT_LOOK_NS	250000ull
#define WAIT_LOOK_MAX_NS	4000000ull
#define CLEAR_TIMEOUT_NS	1000000000ull	/* while somebody debugs; else the driver's */
#define CLEAR_PAUSE_NS	1000000
#define WAIT_LOOKS	64		/* waits of no time per system call */

/* --- contexts -------------------------------------------------------------------------------- */

static void vm_destroy(struct gaon_ws_context *ctx)
{
	struct drm_gaon_vm_destroy destroy = { .vm_id = ctx->vm };
	int err = drm_call(ctx->ws, DRM_IOCTL_GAON_VM_DESTROY, &destroy);

	if (err && err != -ENODEV)
		log_warning("%s: context %u could not be destroyed: %s", ctx->ws->ws.name, ctx->id,
			    strerror(-err));
}

/* Kernels count its words by atomic additions, which only device memory takes. */
static int context_make_print(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes)
{
	int err = drm_bo_create_taken(ctx, va, bytes, GAON_WS_DEVICE, GAON_WS_BO_CPU, &ctx->print);
	if (err)
		return err;
	winsys_print_start((struct gaon_print_ring *)ctx->print->cpu);
	drm_bo_flush(ctx->print);
	return 0;
}

static int context_start(struct gaon_ws_context *ctx)
{
	struct drm_gaon_vm_create create = { .flags = ctx->ws->kernel_queues ? 0 : DRM_GAON_VM_LR };
	uint64_t bytes = winsys_pages(WINSYS_PRINT_BYTES), print_va = 0;
	int err;

	if (!winsys_va_init_user(&ctx->va, ctx->ws->limits.va_min, ctx->ws->limits.va_max))
		return -ENOMEM;
	err = winsys_va_take_user(&ctx->va, bytes, GAON_WS_BO_OWN, &print_va);
	create.print_va = print_va;
	if (!err)
		err = drm_call(ctx->ws, DRM_IOCTL_GAON_VM_CREATE, &create);
	if (err)
		return err;
	ctx->vm = create.vm_id;
	ctx->id = create.context;
	err = context_make_print(ctx, print_va, bytes);
	if (err)
		vm_destroy(ctx);
	return err;
}

static void context_free(struct gaon_ws_context *ctx)
{
	winsys_va_fini_user(&ctx->va);
	pthread_mutex_destroy(&ctx->lock);
	pthread_mutex_destroy(&ctx->words_lock);
	pthread_mutex_destroy(&ctx->held.lock);
	free(ctx);
}

int drm_context_create(struct gaon_winsys *winsys, struct gaon_ws_context **out)
{
	struct gaon_ws_context *ctx = calloc(1, sizeof(*ctx));
	int err;

	if (!ctx)
		return -ENOMEM;
	ctx->ws = (struct drm *)winsys;
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_mutex_init(&ctx->words_lock, NULL);
	pthread_mutex_init(&ctx->held.lock, NULL);
	err = context_start(ctx);
	if (err) {
		context_free(ctx);
		return err;
	}
	*out = ctx;
	return 0;
}

void drm_context_destroy(struct gaon_ws_context *ctx)
{
	drm_held_stop(ctx);
	drm_bo_destroy(ctx->print);
	if (ctx->doorbells)
		drm_sys.unmap(ctx->doorbells, DRM_GAON_DOORBELL_BYTES);
	vm_destroy(ctx);
	context_free(ctx);
}

uint32_t drm_context_id(struct gaon_ws_context *ctx)
{
	return ctx->id;
}

struct gaon_print_ring *drm_context_print_ring(struct gaon_ws_context *ctx)
{
	return (struct gaon_print_ring *)ctx->print->cpu;
}

/* --- queues ---------------------------------------------------------------------------------- */

void drm_queue_destroy_handle(struct gaon_ws_queue *queue)
{
	struct drm_gaon_queue_destroy destroy = { .queue_id = queue->handle };
	int err = drm_call(queue->ctx->ws, DRM_IOCTL_GAON_QUEUE_DESTROY, &destroy);

	if (err && err != -ENODEV)
		log_warning("%s: queue %u could not be destroyed: %s", queue->ctx->ws->ws.name,
			    queue->hw_id, strerror(-err));
}

/* The doorbells of a context are one page for all its queues; mapped until it is destroyed. */
static int queue_map_doorbell(struct gaon_ws_queue *queue, uint64_t offset)
{
	struct gaon_ws_context *ctx = queue->ctx;
	void *cpu;
	int err = 0;

	if (queue->doorbell > DRM_GAON_DOORBELL_BYTES - sizeof(uint64_t) || queue->doorbell % 8)
		return -EPROTO;
	pthread_mutex_lock(&ctx->lock);
	if (!ctx->doorbells) {
		err = drm_sys.map(ctx->ws->fd, offset, DRM_GAON_DOORBELL_BYTES, &cpu);
		if (!err)
			ctx->doorbells = cpu;
	}
	if (!err) {
		queue->next = ctx->queues;
		ctx->queues = queue;
	}
	pthread_mutex_unlock(&ctx->lock);
	return err;
}

static int queue_start(struct gaon_ws_queue *queue, uint8_t priority, uint64_t limit_cycles)
{
	struct gaon_ws_context *ctx = queue->ctx;
	uint64_t ring_bytes = winsys_ring_bytes(queue->ring_log2);
	struct drm_gaon_queue_create create = {
		.vm_id = ctx->vm,
		.flags = DRM_GAON_QUEUE_USER | (drm_debug_wanted(ctx->ws) ? DRM_GAON_QUEUE_DEBUG : 0),
		.priority = priority,
		.ring_log2 = queue->ring_log2,
		.ring_va = queue->bo->va,
		.state_va = queue->bo->va + ring_bytes,
		.limit_cycles = limit_cycles,
	};
	int err;

	queue->ring = (struct gaon_packet *)queue->bo->cpu;
	queue->state = (struct gaon_queue_state *)(queue->bo->cpu + ring_bytes);
	err = drm_call(ctx->ws, DRM_IOCTL_GAON_QUEUE_CREATE, &create);
	if (err)
		return err == -EMFILE ? -ENOSPC : err == -ECANCELED ? -ENODEV : err;
	queue->handle = create.queue_id;
	queue->hw_id = create.hw_id;
	queue->doorbell = create.doorbell_offset;
	err = queue_map_doorbell(queue, create.doorbell_mmap);
	if (err)
		drm_queue_destroy_handle(queue);
	return err;
}

static int queue_create_user(struct gaon_ws_queue *queue, uint8_t priority, uint64_t limit_cycles)
{
	int err = drm_bo_create(queue->ctx, winsys_queue_bytes(queue->ring_log2), GAON_WS_HOST,
				GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL, &queue->bo);

	if (err)
		return err;
	err = queue_start(queue, priority, limit_cycles);
	if (err)
		drm_bo_destroy(queue->bo);
	return err;
}

int drm_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
		     uint64_t limit_cycles, struct gaon_ws_queue **out)
{
	struct gaon_ws_queue *queue;
	int err = winsys_queue_check(ring_log2, priority);

	if (err)
		return err;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->ctx = ctx;
	queue->ring_log2 = ring_log2;
	if (ctx->ws->kernel_queues)
		err = drm_kq_create(queue, priority, limit_cycles);
	else
		err = queue_create_user(queue, priority, limit_cycles);
	if (err) {
		free(queue);
		return err;
	}
	*out = queue;
	return 0;
}

void drm_queue_info(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out)
{
	*out = (struct gaon_ws_queue_info){
		.ring = queue->ring,
		.state = queue->state,
		.ring_log2 = queue->ring_log2,
		.id = queue->hw_id,
	};
}

void drm_queue_doorbell(struct gaon_ws_queue *queue)
{
	if (queue->kq)
		drm_kq_doorbell(queue);
	else
		drm_sys.doorbell((uint64_t *)(queue->ctx->doorbells + queue->doorbell),
				 __atomic_load_n(&queue->state->write, __ATOMIC_RELAXED));
}

uint32_t drm_queue_launch(struct gaon_ws_queue *queue, uint32_t index)
{
	return queue->kq ? drm_kq_launch(queue, index) : index;
}

void drm_queue_destroy(struct gaon_ws_queue *queue)
{
	struct gaon_ws_context *ctx = queue->ctx;
	struct gaon_ws_queue **link;

	pthread_mutex_lock(&ctx->lock);
	for (link = &ctx->queues; *link && *link != queue; link = &(*link)->next)
		;
	if (*link)
		*link = queue->next;
	pthread_mutex_unlock(&ctx->lock);
	if (queue->kq) {
		drm_kq_destroy(queue);
	} else {
		drm_queue_destroy_handle(queue);
		drm_bo_destroy(queue->bo);
	}
	free(queue);
}

/* --- faults ---------------------------------------------------------------------------------- */

static void fault_record(const struct drm_gaon_queue_query *q, struct gaon_ws_queue *queue,
			 struct gaon_fault_record *out)
{
	const struct drm_gaon_fault *f = &q->fault;

	*out = (struct gaon_fault_record){
		.type = f->type,
		.access = f->access,
		.core = f->core,
		.context = f->context,
		.queue = f->hw_queue,
		.workgroup = f->workgroup,
		.sequence = f->sequence,
		.pc = f->pc,
		.va = f->va,
		.syndrome = f->syndrome,
		.cycle = f->cycle,
		.tag = f->tag,
		.list_index = f->list_index,
	};
	if (queue->kq)
		out->sequence = drm_kq_packet(queue, f->sequence);
	if (f->type != GAON_FAULT_NONE)
		return;
	/* Stopped by something else than a fault of its own. */
	out->type = GAON_FAULT_RESET;
	out->core = GAON_FAULT_CORE_NONE;
	out->context = queue->ctx->id;
	out->queue = queue->hw_id;
	out->sequence = queue->kq ? __atomic_load_n(&queue->state->read, __ATOMIC_ACQUIRE) : q->completed;
}

int drm_queue_fault(struct gaon_ws_queue *queue, struct gaon_fault_record *out)
{
	struct drm_gaon_queue_query q = { .queue_id = queue->handle, .flags = DRM_GAON_QUEUE_ACK };
	int err = drm_call(queue->ctx->ws, DRM_IOCTL_GAON_QUEUE_STATE, &q);

	*out = (struct gaon_fault_record){ .type = GAON_FAULT_NONE };
	if (err)
		return err;
	if (q.state & (DRM_GAON_QUEUE_FAULTED | DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD)) {
		fault_record(&q, queue, out);
		atomic_store(&queue->told, true);
	} else if (queue->kq) {
		drm_kq_resume(queue);
	}
	return 0;
}

static int queue_clear_user(struct gaon_ws_queue *queue)
{
	struct drm_gaon_queue_clear clear = { .queue_id = queue->handle };
	const struct timespec pause = { .tv_nsec = CLEAR_PAUSE_NS };
	struct drm *ws = queue->ctx->ws;
	uint64_t deadline = rt_now_ns() + CLEAR_TIMEOUT_NS;
	int err;

	while ((err = drm_call(ws, DRM_IOCTL_GAON_QUEUE_CLEAR, &clear)) == -EBUSY &&
	       drm_debug_wanted(ws) && rt_now_ns() < deadline) {
		nanosleep(&pause, NULL);
		/* By a debugger, for as long as it likes. */
		if (drm_debug_suspended(queue))
			deadline = rt_now_ns() + CLEAR_TIMEOUT_NS;
	}
	return err;
}

int drm_queue_clear(struct gaon_ws_queue *queue)
{
	int err = queue->kq ? drm_kq_clear(queue) : queue_clear_user(queue);

	if (!err)
		atomic_store(&queue->told, false);
	return err == -ECANCELED ? -ENODEV : err;
}

/* --- waiting --------------------------------------------------------------------------------- */

static bool reached(const uint64_t *cpu, uint64_t value)
{
	return __atomic_load_n(cpu, __ATOMIC_ACQUIRE) >= value;
}

/* Until @deadline by the monotonic clock; 0, -ETIME, -EIO, -ENODEV. */
static int wait_call(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
		     uint64_t deadline)
{
	struct drm_gaon_wait wait = {
		.addr = (uintptr_t)cpu,
		.value = value,
		.timeout_ns = deadline > INT64_MAX ? INT64_MAX : (int64_t)deadline,
		.vm_id = ctx->vm,
		.op = DRM_GAON_WAIT_GE,
	};
	int err;

	if (atomic_load(&ctx->ws->lost))
		return -ENODEV;
	err = drm_sys.ioctl(ctx->ws->fd, DRM_IOCTL_GAON_WAIT, &wait);
	switch (err) {
	case 0:
	case -ETIME:
	case -EIO:		/* a fault; a device that was given up says -ENODEV on asking for it */
		return err;
	case -ENODEV:
		drm_lose(ctx->ws, "the device or its driver was removed");
		return err;
	case -ECANCELED:
		drm_lose(ctx->ws, "a reset of the device took the address space along");
		return -ENODEV;
	default:
		drm_lose(ctx->ws, strerror(-err));
		return -ENODEV;
	}
}

/* A queue that stands still and whose fault nobody has asked for, by what can be seen from here. */
static bool context_untold(struct gaon_ws_context *ctx)
{
	struct gaon_ws_queue *queue;
	bool found = false;

	pthread_mutex_lock(&ctx->lock);
	for (queue = ctx->queues; queue && !found; queue = queue->next) {
		uint32_t status = __atomic_load_n(&queue->state->status, __ATOMIC_ACQUIRE);

		found = (status == GAON_QUEUE_FAULTED || status == GAON_QUEUE_RESET ||
			 (queue->kq && atomic_load(&queue->kq->stopped))) &&
			!atomic_load(&queue->told);
	}
	pthread_mutex_unlock(&ctx->lock);
	return found;
}

/* Programs poll with no time in a loop: the kernel is asked now and then, whether the device lives. */
static int wait_look(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value)
{
	if (!context_untold(ctx) && atomic_fetch_add(&ctx->looks, 1) % WAIT_LOOKS)
		return -ETIME;
	return wait_call(ctx, cpu, value, 0);
}

static bool wait_spin(const uint64_t *cpu, uint64_t value, uint64_t until)
{
	unsigned int i;

	do {
		for (i = 0; i < 32; i++) {
			if (reached(cpu, value))
				return true;
#if defined(__x86_64__) || defined(__i386__)
			__builtin_ia32_pause();
#endif
		}
	} while (rt_now_ns() < until);
	return false;
}

int drm_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
	     uint64_t timeout_ns)
{
	uint64_t now, deadline, look = WAIT_LOOK_NS;
	int err;

	if (reached(cpu, value))
		return 0;
	if (!timeout_ns)
		return wait_look(ctx, cpu, value);
	now = rt_now_ns();
	deadline = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	if (wait_spin(cpu, value, timeout_ns < WAIT_SPIN_NS ? deadline : now + WAIT_SPIN_NS))
		return 0;
	if (timeout_ns <= WAIT_SPIN_NS)
		return wait_look(ctx, cpu, value);
	do {
		/* Nobody can be asked for a fault any more. */
		if (atomic_load(&ctx->ws->lost))
			return -ENODEV;
		/* What a kernel-owned queue refused is no event that wakes. */
		if (ctx->ws->kernel_queues && context_untold(ctx))
			return -EIO;
		now = rt_now_ns();
		err = wait_call(ctx, cpu, value, deadline - now < look || deadline < now ? deadline :
				now + look);
		if (look < WAIT_LOOK_MAX_NS)
			look *= 2;
	} while (err == -ETIME && rt_now_ns() < deadline);
	return err;
}
