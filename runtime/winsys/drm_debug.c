// SPDX-License-Identifier: MIT
/*
 * Queues that are debugged: stopping and resuming them and their save areas, by the kernel, and memory as
 * they see it, of which all is this process's own: objects are mapped here when a debugger asks for them.
 */
#include "drm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_pte.h>

#include "../debug.h"

/* What a part of an object was protected as. */
struct drm_protected {
	struct drm_protected *next;
	uint64_t offset, bytes;
	uint32_t flags;
};

bool drm_debug_wanted(const struct drm *ws)
{
	return rt_debugger && !ws->kernel_queues && ws->identify.features & GAON_FEATURE_DEBUG;
}

/* --- queues ---------------------------------------------------------------------------------- */

static int debug_call(struct gaon_ws_queue *queue, uint32_t op, uint64_t offset, void *data, size_t bytes)
{
	struct drm_gaon_debug args = {
		.queue_id = queue->handle, .op = op, .offset = offset, .size = bytes,
		.pointer = (uintptr_t)data,
	};
	int err = drm_call(queue->ctx->ws, DRM_IOCTL_GAON_DEBUG, &args);

	return err == -ERANGE ? -EFAULT : err;
}

static uint32_t debug_state(struct gaon_ws_queue *queue)
{
	struct drm_gaon_queue_query query = { .queue_id = queue->handle };

	return drm_call(queue->ctx->ws, DRM_IOCTL_GAON_QUEUE_STATE, &query) ? 0 : query.state;
}

static int debug_suspend(struct gaon_ws_queue *queue, bool *saved)
{
	int err = debug_call(queue, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0);

	if (!err)
		*saved = debug_state(queue) & DRM_GAON_QUEUE_SAVED;
	return err;
}

static int debug_resume(struct gaon_ws_queue *queue)
{
	return debug_call(queue, DRM_GAON_DEBUG_RESUME, 0, NULL, 0);
}

bool drm_debug_suspended(struct gaon_ws_queue *queue)
{
	return debug_state(queue) & DRM_GAON_QUEUE_SUSPENDED;
}

static int debug_save_access(struct gaon_ws_queue *queue, uint64_t offset, void *data, size_t bytes,
			     bool write)
{
	return debug_call(queue, write ? DRM_GAON_DEBUG_WRITE : DRM_GAON_DEBUG_READ, offset, data, bytes);
}

/* Events are hints: one may stand for several queues, if there was no room for more. */
static bool debug_stopped(struct gaon_ws_queue *queue)
{
	uint64_t events = atomic_load(&queue->ctx->ws->events);

	if (queue->events == events)
		return false;
	queue->events = events;
	return debug_state(queue) & DRM_GAON_QUEUE_STOPPED;
}

static void debug_wait(struct gaon_winsys *winsys, uint64_t *events, uint64_t timeout_ns)
{
	struct drm *ws = (struct drm *)winsys;

	if (atomic_load(&ws->events) == *events && drm_sys.events(ws->fd, timeout_ns))
		atomic_fetch_add(&ws->events, 1);
	*events = atomic_load(&ws->events);
}

/* --- memory ---------------------------------------------------------------------------------- */

void drm_debug_add_bo(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;

	if (!drm_debug_wanted(ctx->ws))
		return;
	pthread_mutex_lock(&ctx->lock);
	bo->next_debugged = ctx->debugged;
	bo->link_debugged = &ctx->debugged;
	if (ctx->debugged)
		ctx->debugged->link_debugged = &bo->next_debugged;
	ctx->debugged = bo;
	pthread_mutex_unlock(&ctx->lock);
}

void drm_debug_del_bo(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;
	struct drm_protected *part;

	pthread_mutex_lock(&ctx->lock);
	if (bo->link_debugged) {
		*bo->link_debugged = bo->next_debugged;
		if (bo->next_debugged)
			bo->next_debugged->link_debugged = bo->link_debugged;
	}
	pthread_mutex_unlock(&ctx->lock);
	if (bo->seen)
		drm_sys.unmap(bo->seen, bo->bytes);
	while ((part = bo->parts)) {
		bo->parts = part->next;
		free(part);
	}
}

void drm_debug_note_protected(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags)
{
	struct gaon_ws_context *ctx = bo->ctx;
	struct drm_protected *part;

	if (!drm_debug_wanted(ctx->ws))
		return;
	part = malloc(sizeof(*part));
	/* Without it breakpoints in this part are not fetched: it cannot be written. */
	pthread_mutex_lock(&ctx->lock);
	bo->unknown |= !part;
	if (part) {
		*part = (struct drm_protected){ bo->parts, offset, winsys_pages(bytes), flags };
		bo->parts = part;
	}
	pthread_mutex_unlock(&ctx->lock);
}

static struct gaon_ws_bo *debug_find(struct gaon_ws_context *ctx, uint64_t va)
{
	struct gaon_ws_bo *bo;

	for (bo = ctx->debugged; bo; bo = bo->next_debugged)
		if (va >= bo->va && va - bo->va < bo->bytes)
			return bo;
	return NULL;
}

static uint8_t *debug_pointer(struct gaon_ws_bo *bo)
{
	void *cpu;

	if (bo->cpu)
		return bo->cpu;
	if (!bo->seen && bo->handle && !drm_bo_map(bo, &cpu))
		bo->seen = cpu;
	return bo->seen;
}

static uint32_t debug_flags(const struct gaon_ws_bo *bo, uint64_t offset)
{
	for (const struct drm_protected *part = bo->parts; part; part = part->next)
		if (offset >= part->offset && offset - part->offset < part->bytes)
			return part->flags;
	return bo->flags;
}

/*
 * Code is fetched anew after an invalidation of its translation: mapping the page once more, as it was, does
 * that. What was stored is in memory before: the stores may have been combined.
 */
static bool debug_refetch(struct gaon_ws_bo *bo, uint64_t offset, const uint8_t *cpu)
{
	uint32_t flags = debug_flags(bo, offset);

	atomic_thread_fence(memory_order_seq_cst);
	(void)*(const volatile uint8_t *)cpu;
	if (!(flags & GAON_WS_BO_EXEC))
		return true;
	offset -= offset % GAON_PAGE_SIZE;
	return !drm_bo_bind(bo, offset, GAON_PAGE_SIZE, flags);
}

/* Up to the end of a page at most; the number of bytes moved, 0: none are there. */
static size_t debug_piece(struct gaon_ws_context *ctx, uint64_t va, uint8_t *data, size_t bytes, bool write)
{
	struct gaon_ws_bo *bo = debug_find(ctx, va);
	size_t len = GAON_PAGE_SIZE - va % GAON_PAGE_SIZE;
	uint8_t *cpu = bo ? debug_pointer(bo) : NULL;

	if (!cpu || (write && (bo->unknown || (bo->placement == GAON_WS_USER &&
					       bo->flags & GAON_WS_BO_READONLY))))
		return 0;
	if (len > bytes)
		len = bytes;
	cpu += va - bo->va;
	if (!write) {
		memcpy(data, cpu, len);
		return len;
	}
	memcpy(cpu, data, len);
	return debug_refetch(bo, va - bo->va, cpu) ? len : 0;
}

static size_t debug_memory(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write)
{
	size_t done;

	pthread_mutex_lock(&ctx->lock);
	done = winsys_debug_move(ctx, va, data, bytes, write, debug_piece);
	pthread_mutex_unlock(&ctx->lock);
	return done;
}

const struct gaon_ws_debug_ops drm_debug_ops = {
	.suspend = debug_suspend,
	.resume = debug_resume,
	.stopped = debug_stopped,
	.save_access = debug_save_access,
	.memory = debug_memory,
	.wait = debug_wait,
};
