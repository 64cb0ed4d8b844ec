// SPDX-License-Identifier: MIT
/*
 * Queue slots in service: falling asleep and waking up, stopping, faults, events for the firmware,
 * and the order in which slots are served.  slotcmd.c has the firmware's commands.
 *
 * Nothing in a state block is trusted: the device keeps its own read index, and takes from the
 * block only the write index, which it checks against the size of the ring.
 */
#include <string.h>

#include "devside.h"
#include "engine.h"

/* Kernel-owned before user-mode, then by priority. */
static unsigned int slot_class(const struct sim_slot *slot)
{
	return slot->kind * GAON_PRIORITIES + slot->priority;
}

void sim_slot_set_status(struct gaon_sim *sim, struct sim_slot *slot, uint32_t status)
{
	uint64_t bit = 1ull << slot->index;

	slot->status = status;
	if (status == GAON_SLOT_ACTIVE || status == GAON_SLOT_WAITING || status == GAON_SLOT_STOPPING)
		sim->service_mask |= bit;
	else
		sim->service_mask &= ~bit;
}

/* --- events for the firmware -------------------------------------------------------------------- */

void sim_slot_event(struct gaon_sim *sim, struct sim_slot *slot, unsigned int reason)
{
	struct sim_slot_fifo *f = &sim->regs->slot_fifo;
	unsigned int size = SIM_SLOTS_MAX * SIM_SLOT_REASONS;

	if (f->queued[slot->index] & 1u << reason)
		return;
	f->queued[slot->index] |= 1u << reason;
	f->entries[(f->head + f->count++) % size] = reason << 8 | slot->index;
	sim_mcubus_update_irq(sim);
}

bool sim_slot_event_any(struct gaon_sim *sim)
{
	return sim->regs->slot_fifo.count != 0;
}

uint32_t sim_slot_event_pop(struct gaon_sim *sim)
{
	struct sim_slot_fifo *f = &sim->regs->slot_fifo;
	uint16_t entry;

	if (!f->count)
		return UINT32_MAX;
	entry = f->entries[f->head];
	f->head = (f->head + 1) % (SIM_SLOTS_MAX * SIM_SLOT_REASONS);
	f->count--;
	f->queued[entry & 0xff] &= ~(1u << (entry >> 8));
	return (uint32_t)(entry >> 8) << 16 | (entry & 0xff);
}

/* --- the state block ---------------------------------------------------------------------------- */

/* Host address of the state block, translated anew after every invalidation. */
struct gaon_queue_state *sim_slot_state(struct gaon_sim *sim, struct sim_slot *slot,
					struct gaon_fault_record *fault)
{
	uint32_t gen = atomic_load_explicit(&slot->ctx->tlb_gen, memory_order_relaxed);
	struct sim_xlate x;

	if (slot->state_host && slot->cache_gen == gen && !slot->state_remote)
		return (struct gaon_queue_state *)slot->state_host;
	slot->state_host = NULL;
	slot->state_remote = false;
	if (!sim_queue_translate(sim, slot->ctx, slot->state_va, GAON_ACCESS_WRITE,
				 slot->kind == GAON_QUEUE_KIND_KERNEL, &x) &&
	    !(x.remote && sim_phys_read(sim, x.pa, &slot->state_copy, sizeof(slot->state_copy)))) {
		fault->type = x.fault_type;
		fault->access = GAON_ACCESS_WRITE;
		fault->va = slot->state_va;
		return NULL;
	}
	slot->state_remote = x.remote;
	slot->state_pa = x.pa;
	slot->state_host = x.remote ? (uint8_t *)&slot->state_copy : x.host;
	slot->cache_gen = gen;
	return (struct gaon_queue_state *)slot->state_host;
}

void sim_slot_push(struct gaon_sim *sim, struct sim_slot *slot, const void *field, size_t len)
{
	size_t offset = (const uint8_t *)field - (const uint8_t *)&slot->state_copy;

	/* What the host does not take is lost, as a posted write is; the next read tells. */
	if (slot->state_remote)
		sim_phys_write(sim, slot->state_pa + offset, field, len);
}

/* False: the slot was faulted. */
bool sim_slot_publish_status(struct gaon_sim *sim, struct sim_slot *slot, uint32_t status)
{
	struct gaon_fault_record fault = { .core = GAON_FAULT_CORE_NONE };
	struct gaon_queue_state *st = sim_slot_state(sim, slot, &fault);

	if (!st) {
		sim_slot_fault(sim, slot, &fault);
		return false;
	}
	__atomic_store_n(&st->status, status, __ATOMIC_RELEASE);
	sim_slot_push(sim, slot, &st->status, sizeof(st->status));
	return true;
}

void sim_slot_publish_read(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_fault_record fault = { .core = GAON_FAULT_CORE_NONE };
	struct gaon_queue_state *st = sim_slot_state(sim, slot, &fault);

	if (st) {
		__atomic_store_n(&st->read, slot->read, __ATOMIC_RELEASE);
		sim_slot_push(sim, slot, &st->read, sizeof(st->read));
	} else {
		sim_slot_fault(sim, slot, &fault);
	}
}

bool sim_slot_fetch_write(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_fault_record fault = { .core = GAON_FAULT_CORE_NONE };
	struct gaon_queue_state *st = sim_slot_state(sim, slot, &fault);
	uint64_t write;

	if (!st) {
		sim_slot_fault(sim, slot, &fault);
		return false;
	}
	write = __atomic_load_n(&st->write, __ATOMIC_ACQUIRE);
	if (write - slot->read > 1ull << slot->log2) {
		fault.type = GAON_FAULT_BAD_PACKET;
		fault.syndrome = GAON_BADPKT_INDEX;
		fault.va = slot->state_va;
		sim_slot_fault(sim, slot, &fault);
		return false;
	}
	slot->write = write;
	return true;
}

/* --- sleeping and waking ------------------------------------------------------------------------ */

static bool slot_others_wait(struct gaon_sim *sim)
{
	return sim->regs->slot_want || sim_doorbell_others_pend(sim);
}

void sim_slot_wake(struct gaon_sim *sim, struct sim_slot *slot)
{
	/* Without a firmware nothing starts any more. */
	if (slot->status == GAON_SLOT_IDLE && sim->state != GAON_STATE_FATAL)
		sim_slot_set_status(sim, slot, GAON_SLOT_ACTIVE);
}

/*
 * Ask for a doorbell at the current index, then look again: a producer that published before it
 * could see the request is found here, any other rings.
 */
static bool slot_sleep(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_fault_record fault = { .core = GAON_FAULT_CORE_NONE };
	struct gaon_queue_state *st = sim_slot_state(sim, slot, &fault);

	if (!st) {
		sim_slot_fault(sim, slot, &fault);
		return true;
	}
	__atomic_store_n(&st->event_idx, slot->read, __ATOMIC_RELAXED);
	if (slot->state_remote) {
		sim_slot_push(sim, slot, &st->event_idx, sizeof(st->event_idx));
		st = sim_slot_state(sim, slot, &fault);
		if (!st) {
			sim_slot_fault(sim, slot, &fault);
			return true;
		}
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&st->write, __ATOMIC_RELAXED) != slot->read)
		return true;
	sim_slot_set_status(sim, slot, GAON_SLOT_IDLE);
	if (slot_others_wait(sim))
		sim_slot_event(sim, slot, GAON_SLOT_EV_IDLE);
	return false;
}

static bool slot_drained(struct gaon_sim *sim, struct sim_slot *slot)
{
	return slot->read == slot->write && !slot->have_pkt && !slot->in_list && !slot->saved &&
	       sim_slot_is_stopped(sim, slot);
}

/* --- stopping and faults ------------------------------------------------------------------------ */

static void slot_post_stop(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_event event = {
		.type = GAON_EVENT_STOP, .context = slot->ctx->id, .queue = slot->queue,
		.tag = slot->debug_fault.tag, .sequence = slot->read, .value = slot->debug_cores,
		.fault = slot->debug_fault,
	};

	sim_event_post(sim, slot->ctx, &event);
}

/* For who finds the queue when all else is lost: where it is, and whether the packet there has begun. */
void sim_slot_publish_stop(struct gaon_sim *sim, struct sim_slot *slot, struct gaon_queue_state *st,
			   bool inside)
{
	__atomic_store_n(&st->read, slot->read, __ATOMIC_RELAXED);
	sim_slot_push(sim, slot, &st->read, sizeof(st->read));
	__atomic_store_n(&st->inside, inside, __ATOMIC_RELAXED);
	sim_slot_push(sim, slot, &st->inside, sizeof(st->inside));
	__atomic_store_n(&st->status, GAON_QUEUE_SUSPENDED, __ATOMIC_RELEASE);
	sim_slot_push(sim, slot, &st->status, sizeof(st->status));
}

/* The firmware hears first of what the slot did by itself, then of the end of what it had asked for. */
void sim_slot_finish_stop(struct gaon_sim *sim, struct sim_slot *slot)
{
	bool killed = slot->status != GAON_SLOT_IDLE && sim_slot_engine(sim, slot)->stop != SIM_STOP_SAVE;
	struct gaon_fault_record fault = { .core = GAON_FAULT_CORE_NONE };
	bool debug = slot->debug_stop && slot->saved;
	struct gaon_queue_state *st;

	slot->debug_stop = false;
	slot->debug_stopped = debug;
	sim_slot_set_status(sim, slot, GAON_SLOT_STOPPED);
	st = sim_slot_state(sim, slot, &fault);
	if (!st) {
		sim_slot_fault(sim, slot, &fault);
		return;
	}
	sim_slot_publish_stop(sim, slot, st, killed || slot->saved);
	if (debug) {
		slot_post_stop(sim, slot);
		sim_slot_event(sim, slot, GAON_SLOT_EV_DEBUG);
	}
	sim_slot_event(sim, slot, GAON_SLOT_EV_STOPPED);
}

static void slot_post_fault(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_event event = {
		.type = GAON_EVENT_FAULT, .context = slot->fault.context, .queue = slot->fault.queue,
		.tag = slot->fault.tag, .sequence = slot->fault.sequence, .fault = slot->fault,
	};

	sim_event_post(sim, slot->ctx, &event);
}

void sim_slot_fault(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_fault_record *rec)
{
	struct gaon_fault_record ignored;
	struct gaon_queue_state *st;

	if (slot->status == GAON_SLOT_FAULTED || slot->status == GAON_SLOT_EMPTY)
		return;
	slot->fault = *rec;
	slot->fault.context = slot->ctx->id;
	slot->fault.queue = slot->queue;
	slot->fault.sequence = slot->read;
	if (!rec->cycle)
		slot->fault.cycle = sim_time_now(sim);
	if (slot->have_pkt && !rec->tag)
		slot->fault.tag = slot->pkt.tag;
	if (slot->in_list && !rec->list_index)
		slot->fault.list_index = slot->list_index;
	sim->tele.faults++;
	sim_slot_set_status(sim, slot, GAON_SLOT_FAULTED);
	sim_slot_request_stop(sim, slot, true);

	st = sim_slot_state(sim, slot, &ignored);
	if (st) {
		__atomic_store_n(&st->fault_seq, slot->fault.sequence, __ATOMIC_RELAXED);
		__atomic_store_n(&st->fault_type, slot->fault.type, __ATOMIC_RELAXED);
		sim_slot_push(sim, slot, &st->fault_seq, sizeof(st->fault_seq));
		sim_slot_push(sim, slot, &st->fault_type, sizeof(st->fault_type));
		__atomic_store_n(&st->status, GAON_QUEUE_FAULTED, __ATOMIC_RELEASE);
		sim_slot_push(sim, slot, &st->status, sizeof(st->status));
	}
	slot_post_fault(sim, slot);
	/* The firmware hears of it when nothing of the slot is in flight any more. */
	sim->slot_fault_held[slot->index] = true;
	sim->service_mask |= 1ull << slot->index;
}

static bool slot_release_fault(struct gaon_sim *sim, struct sim_slot *slot)
{
	if (!sim_slot_is_stopped(sim, slot))
		return false;
	sim->slot_fault_held[slot->index] = false;
	sim->service_mask &= ~(1ull << slot->index);
	sim_slot_event(sim, slot, GAON_SLOT_EV_FAULT);
	return true;
}

void sim_slots_engine_reset(struct gaon_sim *sim)
{
	for (uint32_t i = 0; i < sim->config.slots; i++) {
		struct sim_slot *slot = &sim->slots[i];

		if (slot->status != GAON_SLOT_ACTIVE && slot->status != GAON_SLOT_WAITING &&
		    slot->status != GAON_SLOT_STOPPING)
			continue;
		sim_slot_set_status(sim, slot, GAON_SLOT_STOPPING);
		sim_slot_request_stop(sim, slot, true);
	}
	sim->tele.resets++;
}

void sim_slots_reset(struct gaon_sim *sim)
{
	memset(sim->slots, 0, sizeof(sim->slots));
	memset(sim->slot_fault_held, 0, sizeof(sim->slot_fault_held));
	for (uint32_t i = 0; i < SIM_SLOTS_MAX; i++)
		sim->slots[i].index = i;
	sim->service_mask = 0;
	sim->order = 0;
}

bool sim_slots_use_context(struct gaon_sim *sim, struct sim_context *ctx)
{
	for (uint32_t i = 0; i < sim->config.slots; i++)
		if (sim->slots[i].status != GAON_SLOT_EMPTY && sim->slots[i].ctx == ctx)
			return true;
	return false;
}

/* --- service ------------------------------------------------------------------------------------ */

/* Does a queue of the class of @slot or above wait, in a slot or outside? */
static bool slot_has_rival(struct gaon_sim *sim, struct sim_slot *slot)
{
	uint64_t others = sim->service_mask & ~(1ull << slot->index);

	if (sim->regs->slot_want >> slot_class(slot))
		return true;
	for (; others; others &= others - 1) {
		struct sim_slot *s = &sim->slots[__builtin_ctzll(others)];

		if (s->status == GAON_SLOT_ACTIVE && slot_class(s) >= slot_class(slot) &&
		    sim_slot_starved(sim, s))
			return true;
	}
	return false;
}

/* A slot starves: tell the firmware of every less urgent one that holds an engine. */
static void slot_contend(struct gaon_sim *sim, struct sim_slot *slot)
{
	uint64_t others = sim->service_mask & ~(1ull << slot->index);

	for (; others; others &= others - 1) {
		struct sim_slot *s = &sim->slots[__builtin_ctzll(others)];

		if (s->contend_event || slot_class(s) >= slot_class(slot) ||
		    s->status != GAON_SLOT_ACTIVE || sim_slot_is_stopped(sim, s))
			continue;
		s->contend_event = true;
		sim_slot_event(sim, s, GAON_SLOT_EV_CONTEND);
	}
}

static bool slot_service(struct gaon_sim *sim, struct sim_slot *slot)
{
	uint32_t before = slot->status;
	bool changed;

	if (before == GAON_SLOT_FAULTED)
		return slot_release_fault(sim, slot);
	changed = sim_slot_step(sim, slot);

	switch (slot->status) {
	case GAON_SLOT_STOPPING:
		if (!sim_slot_is_stopped(sim, slot))
			return changed;
		sim_slot_finish_stop(sim, slot);
		return true;
	case GAON_SLOT_WAITING:
		if (before != GAON_SLOT_WAITING && slot_others_wait(sim))
			sim_slot_event(sim, slot, GAON_SLOT_EV_WAITING);
		return changed;
	case GAON_SLOT_ACTIVE:
		if (!changed && slot_drained(sim, slot))
			return slot_sleep(sim, slot);
		if (slot->slice && slot->slice_used >= slot->slice && !slot->slice_event &&
		    slot_has_rival(sim, slot)) {
			slot->slice_event = true;
			sim_slot_event(sim, slot, GAON_SLOT_EV_SLICE);
		}
		return changed;
	default:
		return true;
	}
}

static bool slot_before(const struct sim_slot *a, const struct sim_slot *b)
{
	if (slot_class(a) != slot_class(b))
		return slot_class(a) > slot_class(b);
	return a->order < b->order;
}

/* Serves every slot that may have something to do, in the arbiter's order; true if anything changed. */
bool sim_slots_service(struct gaon_sim *sim)
{
	struct sim_slot *order[SIM_SLOTS_MAX];
	unsigned int count = 0;
	bool changed = false;

	for (uint64_t mask = sim->service_mask; mask; mask &= mask - 1) {
		struct sim_slot *slot = &sim->slots[__builtin_ctzll(mask)];
		unsigned int i = count++;

		for (; i && slot_before(slot, order[i - 1]); i--)
			order[i] = order[i - 1];
		order[i] = slot;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (!(sim->service_mask >> order[i]->index & 1))
			continue;
		changed |= slot_service(sim, order[i]);
		if (count > 1 && order[i]->status == GAON_SLOT_ACTIVE &&
		    sim_slot_starved(sim, order[i]))
			slot_contend(sim, order[i]);
	}
	return changed;
}
