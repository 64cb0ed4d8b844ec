// SPDX-License-Identifier: MIT
/* Event rings, the faults they bring, and waiting. */
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

#define EVENT_LOG2	10
#define EVENT_COUNT	(1u << EVENT_LOG2)

int direct_event_ring_start(struct direct *ws, uint32_t ring)
{
	struct direct_event_ring *r = &ws->rings[ring];
	int err = 0;

	pthread_mutex_lock(&ws->event_lock);
	if (r->enabled)
		goto out;
	err = direct_host_alloc(ws, EVENT_COUNT * sizeof(struct gaon_event), &r->host);
	if (err)
		goto out;
	r->events = (struct gaon_event *)r->host.cpu;
	direct_reg_write64(ws, GAON_REG_EVENT(ring) + GAON_EVENT_ADDR, GAON_PA_HOST | r->host.iova);
	direct_reg_write(ws, GAON_REG_EVENT(ring) + GAON_EVENT_LOG2, EVENT_LOG2);
	direct_reg_write(ws, GAON_REG_EVENT(ring) + GAON_EVENT_ENABLE, 1);
	r->enabled = true;
out:
	pthread_mutex_unlock(&ws->event_lock);
	return err;
}

/* From any thread, with the model's locks held. Who waits is woken by the model itself. */
void direct_interrupt(void *ctx, unsigned int vector)
{
	struct direct *ws = ctx;

	atomic_fetch_or(&ws->raised, 1u << (vector & 31));
}

static void queue_note_fault(struct gaon_ws_queue *queue, const struct gaon_fault_record *fault)
{
	if (queue->faulted)
		return;
	queue->faulted = true;
	queue->told = false;
	queue->fault = *fault;
	if (!queue->fault.type || queue->fault.type >= GAON_FAULT_TYPES)
		queue->fault.type = GAON_FAULT_FIRMWARE;
	atomic_fetch_add(&queue->ctx->untold, 1);
}

static uint32_t direct_first_ring(const struct direct *ws)
{
	uint32_t i;

	for (i = 0; i < GAON_EVENT_RINGS && !ws->rings[i].enabled; i++)
		;
	return i;
}

static void event_take(struct direct *ws, uint32_t ring, const struct gaon_event *event)
{
	uint32_t id = event->fault.queue;

	switch (event->type) {
	case GAON_EVENT_FAULT:
		/* The record is the device's word: the queue must exist and be of that context. */
		if (id < GAON_QUEUES && ws->queues[id] &&
		    ws->queues[id]->ctx->id == event->fault.context)
			queue_note_fault(ws->queues[id], &event->fault);
		break;
	case GAON_EVENT_STOP:
		if (event->queue < GAON_QUEUES && ws->queues[event->queue] &&
		    ws->queues[event->queue]->ctx->id == event->context)
			ws->queues[event->queue]->stopped = true;
		break;
	case GAON_EVENT_RAS:
		/* On every ring that is enabled: the first that tells of it counts. */
		if (ring == direct_first_ring(ws))
			direct_ras_event(ws, event);
		break;
	case GAON_EVENT_STATE:
		if (event->value == GAON_STATE_FATAL)
			atomic_store(&ws->lost, true);
		break;
	}
}

/* Records were dropped: the state blocks say which queues stand still, if not why. */
static void event_rescan(struct direct *ws)
{
	unsigned int i;

	atomic_store(&ws->retired_stale, ws->identify.features & GAON_FEATURE_RETIRE);
	for (i = 0; i < GAON_QUEUES; i++) {
		struct gaon_ws_queue *queue = ws->queues[i];
		struct gaon_fault_record fault;

		/* Who asks finds out that it has not. */
		if (queue)
			queue->stopped = true;
		if (!queue || !queue->state ||
		    __atomic_load_n(&queue->state->status, __ATOMIC_ACQUIRE) != GAON_QUEUE_FAULTED)
			continue;
		fault = (struct gaon_fault_record){
			.type = (uint16_t)queue->state->fault_type,
			.core = GAON_FAULT_CORE_NONE,
			.context = queue->ctx->id,
			.queue = queue->id,
			.sequence = queue->state->fault_seq,
		};
		queue_note_fault(queue, &fault);
	}
}

static void event_ring_drain(struct direct *ws, uint32_t ring)
{
	struct direct_event_ring *r = &ws->rings[ring];
	uint64_t start = r->head;
	bool lost = false;

	for (;;) {
		const struct gaon_event *shared = &r->events[r->head & (EVENT_COUNT - 1)];
		struct gaon_event event;

		if (__atomic_load_n(&shared->valid, __ATOMIC_ACQUIRE) != r->head + 1)
			break;
		event = *shared;
		lost |= event.flags & GAON_EVENT_F_LOST;
		event_take(ws, ring, &event);
		r->head++;
	}
	if (r->head != start || (atomic_load(&ws->raised) & (2u << ring)))
		direct_reg_write64(ws, GAON_REG_EVENT(ring) + GAON_EVENT_HEAD, r->head);
	if (lost)
		event_rescan(ws);
}

void direct_event_drain(struct direct *ws)
{
	uint32_t raised, i;

	pthread_mutex_lock(&ws->event_lock);
	raised = atomic_load(&ws->raised);
	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		if (ws->rings[i].enabled)
			event_ring_drain(ws, i);
	}
	atomic_fetch_and(&ws->raised, ~raised);
	pthread_mutex_unlock(&ws->event_lock);
}

int direct_queue_fault(struct gaon_ws_queue *queue, struct gaon_fault_record *out)
{
	struct direct *ws = queue->ctx->ws;

	if (__atomic_load_n(&queue->state->status, __ATOMIC_ACQUIRE) == GAON_QUEUE_FAULTED)
		direct_event_drain(ws);
	pthread_mutex_lock(&ws->event_lock);
	*out = (struct gaon_fault_record){ .type = GAON_FAULT_NONE };
	if (queue->faulted) {
		*out = queue->fault;
		if (!queue->told)
			atomic_fetch_sub(&queue->ctx->untold, 1);
		queue->told = true;
	}
	pthread_mutex_unlock(&ws->event_lock);
	return 0;
}

/* --- waiting --------------------------------------------------------------------------------- */

static bool wait_device_gone(struct direct *ws)
{
	uint32_t state = direct_reg_read(ws, GAON_REG_STATE);

	if (state == GAON_STATE_READY || state == GAON_STATE_DEGRADED)
		return false;
	direct_lose(ws, "the device left its ready state");
	return true;
}

int direct_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
		uint64_t timeout_ns)
{
	uint64_t deadline, now, events;
	struct direct *ws = ctx->ws;

	if (__atomic_load_n(cpu, __ATOMIC_ACQUIRE) >= value)
		return 0;
	/*
	 * Events up to this count were drained before it was stored: what they said is in untold.
	 */
	events = atomic_load(&ws->events);
	now = rt_now_ns();
	deadline = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
	for (;;) {
		enum gaon_sim_wait got;

		if (atomic_load(&ctx->untold))
			return -EIO;
		if (atomic_load(&ws->lost))
			return -ENODEV;
		got = gaon_sim_wait(ws->sim, cpu, value, deadline - now, &events);
		if (got == GAON_SIM_WAIT_VALUE || __atomic_load_n(cpu, __ATOMIC_ACQUIRE) >= value)
			return 0;
		direct_event_drain(ws);
		atomic_store(&ws->events, events);
		now = rt_now_ns();
		if (got == GAON_SIM_WAIT_TIMEOUT || now >= deadline) {
			if (atomic_load(&ctx->untold))
				return -EIO;
			return wait_device_gone(ws) ? -ENODEV : -ETIME;
		}
	}
}
