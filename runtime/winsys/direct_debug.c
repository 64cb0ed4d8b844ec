// SPDX-License-Identifier: MIT
/* Queues that are debugged: stopping and resuming them, their save areas, and memory as they see it. */
#include "direct.h"

#include <errno.h>
#include <string.h>

#include "../debug.h"

#define BUSY_TIMEOUT_NS	(5ull * 1000000000)
#define BUSY_SLICE_NS	20000

bool direct_debug_wanted(const struct direct *ws)
{
	return rt_debugger && ws->identify.features & GAON_FEATURE_DEBUG;
}

/* Another command may be under way on the queue, of a thread of the program's. */
static int debug_admin(struct gaon_ws_queue *queue, uint16_t opcode, struct gaon_admin_reply *reply)
{
	struct direct *ws = queue->ctx->ws;
	uint64_t deadline = rt_now_ns() + BUSY_TIMEOUT_NS;
	int err;

	do {
		struct gaon_admin_cmd cmd = { .opcode = opcode, .id.id = queue->id };

		err = direct_admin(ws, &cmd, reply);
		if (err != -EBUSY)
			return err;
		gaon_sim_run(ws->sim, NULL, 0, BUSY_SLICE_NS);
	} while (rt_now_ns() < deadline);
	return err;
}

int direct_debug_suspend(struct gaon_ws_queue *queue, bool *saved)
{
	struct gaon_admin_reply reply;
	int err = debug_admin(queue, GAON_ADMIN_QUEUE_SUSPEND, NULL);

	if (!err)
		err = debug_admin(queue, GAON_ADMIN_QUEUE_QUERY, &reply);
	if (!err)
		*saved = queue->save.cpu && reply.value[3] & GAON_QUERY_SAVED &&
			 !(reply.value[3] & GAON_QUERY_CONDITION);
	return err;
}

int direct_debug_resume(struct gaon_ws_queue *queue)
{
	return debug_admin(queue, GAON_ADMIN_QUEUE_RESUME, NULL);
}

int direct_debug_save_access(struct gaon_ws_queue *queue, uint64_t offset, void *data, size_t bytes,
			     bool write)
{
	if (!queue->save.cpu || offset > queue->save.bytes || bytes > queue->save.bytes - offset)
		return -EFAULT;
	if (write)
		memcpy(queue->save.cpu + offset, data, bytes);
	else
		memcpy(data, queue->save.cpu + offset, bytes);
	return 0;
}

/* Where the byte at @pa is in this process; *@bytes shrinks to what lies there in one piece. */
static uint8_t *debug_pointer(struct direct *ws, uint64_t pa, uint64_t *bytes, bool write)
{
	uint64_t at = pa & GAON_PA_OFFSET_MASK;

	if ((pa & ~GAON_PA_OFFSET_MASK) == GAON_PA_HOST)
		return direct_dma_map(ws, at, bytes, write);
	if ((pa & ~GAON_PA_OFFSET_MASK) != GAON_PA_HBM || at >= ws->hbm_bytes || *bytes > ws->hbm_bytes - at)
		return NULL;
	return ws->aperture + at;
}

/* Up to the end of a page at most; the number of bytes moved, 0: none are there. */
static size_t debug_piece(struct gaon_ws_context *ctx, uint64_t va, uint8_t *data, size_t bytes, bool write)
{
	uint64_t len = GAON_PAGE_SIZE - va % GAON_PAGE_SIZE, pa;
	uint8_t *cpu;

	if (len > bytes)
		len = bytes;
	if (va >= GAON_VA_USER_MAX || !direct_vm_find(&ctx->vm, va, &pa))
		return 0;
	cpu = debug_pointer(ctx->ws, pa, &len, write);
	if (!cpu)
		return 0;
	if (write)
		memcpy(cpu, data, len);
	else
		memcpy(data, cpu, len);
	return len;
}

size_t direct_debug_memory(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write)
{
	size_t done;

	pthread_mutex_lock(&ctx->lock);
	done = winsys_debug_move(ctx, va, data, bytes, write, debug_piece);
	pthread_mutex_unlock(&ctx->lock);
	/* It may be code: that is fetched anew after an invalidation. */
	if (write && done)
		direct_tlb_invalidate(ctx->ws, ctx->vm.asid, va, done);
	return done;
}

bool direct_debug_stopped(struct gaon_ws_queue *queue)
{
	struct direct *ws = queue->ctx->ws;
	bool stopped;

	direct_event_drain(ws);
	pthread_mutex_lock(&ws->event_lock);
	stopped = queue->stopped;
	queue->stopped = false;
	pthread_mutex_unlock(&ws->event_lock);
	return stopped;
}

void direct_debug_wait(struct gaon_winsys *winsys, uint64_t *events, uint64_t timeout_ns)
{
	gaon_sim_wait(((struct direct *)winsys)->sim, NULL, 0, timeout_ns, events);
}
