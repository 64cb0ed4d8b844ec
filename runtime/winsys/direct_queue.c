// SPDX-License-Identifier: MIT
/* Contexts and their user-mode queues. */
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

#define CLEAR_TIMEOUT_NS	(2ull * 1000000000)

/* --- contexts -------------------------------------------------------------------------------- */

/* Identifiers are given out in turn, so that a late record of an old owner hits nobody. */
static int context_take_id(struct direct *ws, struct gaon_ws_context *ctx)
{
	uint32_t n, limit = ws->identify.contexts;

	pthread_mutex_lock(&ws->event_lock);
	for (n = 1; n < limit; n++) {
		uint32_t id = 1 + (ws->next_context + n - 1) % (limit - 1);

		if (!ws->contexts[id]) {
			ws->contexts[id] = ctx;
			ws->next_context = id;
			ctx->id = id;
			pthread_mutex_unlock(&ws->event_lock);
			return 0;
		}
	}
	pthread_mutex_unlock(&ws->event_lock);
	return -ENOSPC;
}

static void context_put_id(struct gaon_ws_context *ctx)
{
	pthread_mutex_lock(&ctx->ws->event_lock);
	ctx->ws->contexts[ctx->id] = NULL;
	pthread_mutex_unlock(&ctx->ws->event_lock);
}

static int context_make_print(struct gaon_ws_context *ctx, uint64_t *va)
{
	int err = direct_bo_create(ctx, WINSYS_PRINT_BYTES, GAON_WS_DEVICE, GAON_WS_BO_CPU | GAON_WS_BO_OWN,
				   NULL, &ctx->print);

	if (err)
		return err;
	winsys_print_start((struct gaon_print_ring *)ctx->print->cpu);
	*va = ctx->print->va;
	return 0;
}

int direct_context_start(struct gaon_ws_context *ctx, uint64_t print_va)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_CONTEXT_CREATE };
	uint32_t ring = (ctx->id - 1) % GAON_EVENT_RINGS;
	int err;

	err = direct_event_ring_start(ctx->ws, ring);
	if (err)
		return err;
	cmd.context = (struct gaon_admin_context){
		.context = ctx->id,
		.asid = (uint16_t)ctx->id,
		.ring = (uint8_t)ring,
		.root_pa = ctx->vm.root->pa,
		.print_va = print_va,
	};
	return direct_admin(ctx->ws, &cmd, NULL);
}

int direct_context_alloc(struct direct *ws, struct gaon_ws_context **out)
{
	struct gaon_ws_context *ctx = calloc(1, sizeof(*ctx));
	int err;

	if (!ctx)
		return -ENOMEM;
	ctx->ws = ws;
	pthread_mutex_init(&ctx->lock, NULL);
	err = context_take_id(ws, ctx);
	if (err)
		goto err_free;
	err = direct_vm_init(ws, &ctx->vm, (uint16_t)ctx->id);
	if (err)
		goto err_id;
	*out = ctx;
	return 0;

err_id:
	context_put_id(ctx);
err_free:
	pthread_mutex_destroy(&ctx->lock);
	free(ctx);
	return err;
}

void direct_context_free(struct gaon_ws_context *ctx)
{
	direct_vm_fini(&ctx->vm);
	context_put_id(ctx);
	pthread_mutex_destroy(&ctx->lock);
	free(ctx);
}

int direct_context_create(struct gaon_winsys *winsys, struct gaon_ws_context **out)
{
	struct gaon_ws_context *ctx;
	uint64_t print_va = 0;
	int err;

	err = direct_context_alloc((struct direct *)winsys, &ctx);
	if (err)
		return err;
	err = context_make_print(ctx, &print_va);
	if (!err)
		err = direct_context_start(ctx, print_va);
	if (err) {
		if (ctx->print)
			direct_bo_destroy(ctx->print);
		direct_context_free(ctx);
		return err;
	}
	*out = ctx;
	return 0;
}

void direct_context_destroy(struct gaon_ws_context *ctx)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_CONTEXT_DESTROY };
	int err;

	if (ctx->print)
		direct_bo_destroy(ctx->print);
	if (atomic_load(&ctx->bos) || atomic_load(&ctx->queues))
		log_warning("direct: context %u destroyed with %u objects, %u queues", ctx->id,
			    atomic_load(&ctx->bos), atomic_load(&ctx->queues));
	cmd.context.context = ctx->id;
	err = direct_admin(ctx->ws, &cmd, NULL);
	if (!err)
		err = direct_tlb_invalidate(ctx->ws, ctx->vm.asid, 0, 0);
	/* If it could not be destroyed, its tables and its number stay taken until close. */
	if (err)
		log_warning("direct: context %u could not be destroyed: %d", ctx->id, err);
	else
		direct_context_free(ctx);
}

/* --- queues ---------------------------------------------------------------------------------- */

static int queue_take_id(struct direct *ws, struct gaon_ws_queue *queue)
{
	uint32_t n, limit = ws->identify.queues;

	pthread_mutex_lock(&ws->event_lock);
	for (n = 0; n < limit; n++) {
		uint32_t id = (ws->next_queue + n) % limit;

		if (!ws->queues[id]) {
			ws->queues[id] = queue;
			ws->next_queue = id + 1;
			queue->id = id;
			pthread_mutex_unlock(&ws->event_lock);
			return 0;
		}
	}
	pthread_mutex_unlock(&ws->event_lock);
	return -ENOSPC;
}

static void queue_put_id(struct gaon_ws_queue *queue)
{
	struct direct *ws = queue->ctx->ws;

	pthread_mutex_lock(&ws->event_lock);
	ws->queues[queue->id] = NULL;
	if (queue->faulted && !queue->told)
		atomic_fetch_sub(&queue->ctx->untold, 1);
	pthread_mutex_unlock(&ws->event_lock);
}

/* Where the firmware puts a preempted launch: out of reach of user packets, committed when used. */
static int queue_make_save(struct gaon_ws_queue *queue)
{
	struct gaon_ws_context *ctx = queue->ctx;
	uint64_t bytes = winsys_pages(ctx->ws->identify.save_bytes);
	int err;

	if (!(ctx->ws->identify.features & GAON_FEATURE_PREEMPT_INSIDE) || !bytes)
		return 0;
	err = direct_host_alloc(ctx->ws, bytes, &queue->save);
	if (err)
		return err;
	pthread_mutex_lock(&ctx->lock);
	err = winsys_va_take(&ctx->vm.kernel, bytes, &queue->save_va);
	if (!err) {
		err = direct_vm_map(&ctx->vm, queue->save_va, GAON_PA_HOST | queue->save.iova, bytes,
				    GAON_PTE_R | GAON_PTE_W);
		if (err)
			winsys_va_put(&ctx->vm.kernel, queue->save_va, bytes);
	}
	pthread_mutex_unlock(&ctx->lock);
	if (err)
		direct_host_free(ctx->ws, &queue->save);
	return err;
}

static void queue_drop_save(struct gaon_ws_queue *queue)
{
	struct gaon_ws_context *ctx = queue->ctx;
	int err;

	if (!queue->save.cpu)
		return;
	pthread_mutex_lock(&ctx->lock);
	err = direct_vm_unmap(&ctx->vm, queue->save_va, queue->save.bytes);
	winsys_va_put(&ctx->vm.kernel, queue->save_va, queue->save.bytes);
	pthread_mutex_unlock(&ctx->lock);
	if (!err)
		direct_host_free(ctx->ws, &queue->save);
}

static int queue_admin(struct gaon_ws_queue *queue, uint16_t opcode)
{
	struct gaon_admin_cmd cmd = { .opcode = opcode };

	cmd.id.id = queue->id;
	return direct_admin(queue->ctx->ws, &cmd, NULL);
}

static int queue_start(struct gaon_ws_queue *queue, uint64_t ring_va, uint8_t priority,
		       uint64_t limit_cycles)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_QUEUE_CREATE };

	cmd.queue = (struct gaon_admin_queue){
		.queue = queue->id,
		.context = queue->ctx->id,
		.doorbell = (uint16_t)queue->id,
		.kind = GAON_QUEUE_KIND_USER,
		.priority = priority,
		.ring_log2 = (uint8_t)queue->ring_log2,
		.flags = queue->save_va && direct_debug_wanted(queue->ctx->ws) ? GAON_QUEUE_F_DEBUG : 0,
		.ring_va = ring_va,
		.state_va = ring_va + winsys_ring_bytes(queue->ring_log2),
		.save_va = queue->save_va,
		.limit_cycles = limit_cycles,
	};
	return direct_admin(queue->ctx->ws, &cmd, NULL);
}

int direct_queue_create_at(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			   uint64_t limit_cycles, uint8_t *ring, uint64_t ring_va,
			   struct gaon_ws_queue **out)
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
	queue->ring = (struct gaon_packet *)ring;
	queue->state = (struct gaon_queue_state *)&queue->ring[1ull << ring_log2];
	err = queue_take_id(ctx->ws, queue);
	if (err)
		goto err_free;
	err = queue_make_save(queue);
	if (err)
		goto err_id;
	err = queue_start(queue, ring_va, priority, limit_cycles);
	if (err)
		goto err_save;
	atomic_fetch_add(&ctx->queues, 1);
	*out = queue;
	return 0;

err_save:
	queue_drop_save(queue);
err_id:
	queue_put_id(queue);
err_free:
	free(queue);
	return err;
}

int direct_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			uint64_t limit_cycles, struct gaon_ws_queue **out)
{
	struct gaon_ws_bo *bo;
	int err = winsys_queue_check(ring_log2, priority);

	if (!err)
		err = direct_bo_create(ctx, winsys_queue_bytes(ring_log2), GAON_WS_HOST,
				       GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL, &bo);
	if (err)
		return err;
	err = direct_queue_create_at(ctx, ring_log2, priority, limit_cycles, bo->cpu, bo->va, out);
	if (err)
		direct_bo_destroy(bo);
	else
		(*out)->bo = bo;
	return err;
}

void direct_queue_info(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out)
{
	*out = (struct gaon_ws_queue_info){
		.ring = queue->ring,
		.state = queue->state,
		.ring_log2 = queue->ring_log2,
		.id = queue->id,
	};
}

void direct_queue_doorbell(struct gaon_ws_queue *queue)
{
	gaon_sim_doorbell(queue->ctx->ws->sim, queue->ctx->id, queue->id);
}

int direct_queue_clear(struct gaon_ws_queue *queue)
{
	struct direct *ws = queue->ctx->ws;
	uint64_t deadline = rt_now_ns() + CLEAR_TIMEOUT_NS;
	int err;

	/*
	 * The host may hear of a fault before the firmware, which is told when nothing of the queue is
	 * in flight any more, and until then refuses.
	 */
	while ((err = queue_admin(queue, GAON_ADMIN_FAULT_CLEAR)) == -EBUSY &&
	       rt_now_ns() < deadline)
		gaon_sim_run(ws->sim, NULL, 0, 20000);
	if (err)
		return err;
	direct_event_drain(ws);
	pthread_mutex_lock(&ws->event_lock);
	if (queue->faulted && !queue->told)
		atomic_fetch_sub(&queue->ctx->untold, 1);
	queue->faulted = queue->told = false;
	queue->fault = (struct gaon_fault_record){ 0 };
	pthread_mutex_unlock(&ws->event_lock);
	return 0;
}

void direct_queue_destroy(struct gaon_ws_queue *queue)
{
	struct gaon_ws_context *ctx = queue->ctx;

	if (queue_admin(queue, GAON_ADMIN_QUEUE_DESTROY))
		log_warning("direct: queue %u could not be destroyed", queue->id);
	direct_event_drain(ctx->ws);
	queue_drop_save(queue);
	if (queue->bo)
		direct_bo_destroy(queue->bo);
	queue_put_id(queue);
	atomic_fetch_sub(&ctx->queues, 1);
	free(queue);
}
