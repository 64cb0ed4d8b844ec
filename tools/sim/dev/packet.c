// SPDX-License-Identifier: MIT
/*
 * The queue engine: fetch packets at the device's own read index, perform them in order, complete
 * them.  Copies and launches go to their engines; the queue goes on when they are done.
 */
#include <string.h>

#include "engine.h"

#define BURST		1024		/* packets per step, so that the lock is not held for long */
#define INLINE_BYTES	16384		/* copies up to here are done on the spot */

enum progress {
	PROGRESS_DONE,		/* the packet is finished: complete it */
	PROGRESS_ENTERED,	/* a list was opened: go on inside it */
	PROGRESS_LATE,		/* put off: go on behind it */
	PROGRESS_BLOCKED,	/* in flight, or waiting */
	PROGRESS_FAULTED,
};

static bool is_kernel(uint64_t va)
{
	return va >= GAON_VA_KERNEL_MIN;
}

static uint64_t value_of(const struct sim_slot_engine *se, const struct gaon_packet *pkt,
			 unsigned int depth)
{
	if (depth && (pkt->flags & GAON_PKT_F_VALUE_BASE))
		return pkt->signal_value + se->list[depth - 1].value_base;
	return pkt->signal_value;
}

void sim_packet_fault(struct gaon_sim *sim, struct sim_slot *slot, struct gaon_fault_record *rec)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	/* What was put off lies before it. If that faults too, it faults first. */
	if (se->late_count && !sim_late_flush(sim, slot))
		return;
	if (slot->have_pkt)
		rec->tag = slot->pkt.tag;
	if (se->depth)
		rec->list_index = se->list[se->depth - 1].index;
	rec->cycle = sim_time_slot(sim, slot);
	sim_slot_fault(sim, slot, rec);
}

static enum progress fault(struct gaon_sim *sim, struct sim_slot *slot, uint16_t type,
			   uint8_t access, uint64_t va, uint64_t syndrome)
{
	struct gaon_fault_record rec = {
		.type = type, .access = access, .core = GAON_FAULT_CORE_NONE, .va = va,
		.syndrome = syndrome,
	};

	sim_packet_fault(sim, slot, &rec);
	return PROGRESS_FAULTED;
}

static bool look_up(struct gaon_sim *sim, struct sim_slot *slot, uint64_t va, uint8_t access,
		    struct sim_xlate *x, struct gaon_fault_record *rec)
{
	bool good = sim_queue_translate(sim, slot->ctx, va, access, is_kernel(va), x);

	*rec = (struct gaon_fault_record){
		.type = GAON_FAULT_BUS, .access = access, .core = GAON_FAULT_CORE_NONE, .va = va,
	};
	if (!good)
		rec->type = x->fault_type;
	/* A host that hands out memory in odd places gives no atomic access to it. */
	return (good || x->remote) && !((uintptr_t)x->host & 7);
}

/* The 64-bit word that was looked up, with or without a pointer. */
static bool word_load(struct gaon_sim *sim, const struct sim_xlate *x, uint64_t *value)
{
	if (!x->host)
		return sim_phys_read(sim, x->pa, value, sizeof(*value));
	*value = __atomic_load_n((uint64_t *)(void *)x->host, __ATOMIC_ACQUIRE);
	return true;
}

static bool word_store(struct gaon_sim *sim, const struct sim_xlate *x, uint64_t value)
{
	if (!x->host)
		return sim_phys_write(sim, x->pa, &value, sizeof(value));
	__atomic_store_n((uint64_t *)(void *)x->host, value, __ATOMIC_RELEASE);
	return true;
}

static bool reach(struct gaon_sim *sim, struct sim_slot *slot, uint64_t va, uint8_t access,
		  struct sim_xlate *x)
{
	struct gaon_fault_record rec;

	if (look_up(sim, slot, va, access, x, &rec))
		return true;
	sim_packet_fault(sim, slot, &rec);
	return false;
}

/* --- fetch ----------------------------------------------------------------------------------- */

struct sim_packet_place sim_packet_place(const struct sim_slot *slot,
					 const struct sim_slot_engine *se)
{
	struct sim_packet_place place = {
		.kind = slot->kind, .depth = se->depth, .user = slot->kind == GAON_QUEUE_KIND_USER,
	};

	for (unsigned int i = 0; i < se->depth; i++) {
		place.call |= se->list[i].call;
		place.indirect |= !se->list[i].call;
		place.user |= se->list[i].user;
	}
	return place;
}

static bool fetch(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	struct gaon_fault_record rec = { .core = GAON_FAULT_CORE_NONE };
	struct sim_packet_place place;
	unsigned int bad;
	uint64_t va;

	if (se->depth) {
		const struct sim_list *list = &se->list[se->depth - 1];

		va = list->va + list->index * 64ull;
		slot->list_index = list->index;
	} else {
		uint64_t next = slot->read + se->ahead;

		if (next == slot->write &&
		    (!sim_slot_fetch_write(sim, slot) || next == slot->write))
			return false;
		va = slot->ring_va + (next & ((1ull << slot->log2) - 1)) * 64;
	}
	if (!sim_queue_read(sim, slot->ctx, va, is_kernel(va), &slot->pkt, sizeof(slot->pkt), &rec)) {
		sim_packet_fault(sim, slot, &rec);
		return false;
	}
	slot->have_pkt = true;
	place = sim_packet_place(slot, se);
	bad = sim_packet_check(sim, &slot->pkt, &place);
	if (bad) {
		fault(sim, slot, GAON_FAULT_BAD_PACKET, GAON_ACCESS_NONE, va, bad);
		return false;
	}
	if ((slot->pkt.scope & 0xf) != GAON_SCOPE_NONE)
		atomic_thread_fence(memory_order_acquire);
	se->start = sim_time_slot(sim, slot);
	sim_time_packet(sim, slot);
	return true;
}

/* --- the small packets ----------------------------------------------------------------------- */

static enum progress do_wait(struct gaon_sim *sim, struct sim_slot *slot)
{
	const struct gaon_pkt_wait *w = &slot->pkt.wait;
	struct sim_xlate x;
	uint64_t value;
	bool good;

	if (!reach(sim, slot, w->va, GAON_ACCESS_READ, &x))
		return PROGRESS_FAULTED;
	if (!word_load(sim, &x, &value))
		return fault(sim, slot, GAON_FAULT_BUS, GAON_ACCESS_READ, w->va, 0);
	switch (w->op) {
	case GAON_WAIT_GE:
		good = value >= w->operand;
		break;
	case GAON_WAIT_EQ:
		good = value == w->operand;
		break;
	default:
		good = value & w->operand;
		break;
	}
	if (slot->status == GAON_SLOT_ACTIVE || slot->status == GAON_SLOT_WAITING)
		slot->status = good ? GAON_SLOT_ACTIVE : GAON_SLOT_WAITING;
	if (!good)
		return PROGRESS_BLOCKED;
	sim_time_awaited(sim, slot, x.pa);
	return PROGRESS_DONE;
}

static enum progress do_timestamp(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_xlate x;

	if (!reach(sim, slot, slot->pkt.timestamp.va, GAON_ACCESS_WRITE, &x))
		return PROGRESS_FAULTED;
	if (!word_store(sim, &x, sim_time_slot(sim, slot)))
		return fault(sim, slot, GAON_FAULT_BUS, GAON_ACCESS_WRITE, slot->pkt.timestamp.va, 0);
	return PROGRESS_DONE;
}

void sim_packet_enter(struct sim_slot *slot, struct sim_slot_engine *se,
		      const struct gaon_packet *pkt)
{
	const struct gaon_pkt_list *l = &pkt->list;
	bool call = pkt->type == GAON_PKT_CALL;

	se->outer[se->depth] = *pkt;
	se->list[se->depth++] = (struct sim_list){
		.va = l->list_va, .count = l->count, .value_base = l->value_base,
		.args_base = l->args_base, .call = call, .user = call || !is_kernel(l->list_va),
	};
	slot->in_list = true;
	slot->have_pkt = false;
}

/* --- copies and launches --------------------------------------------------------------------- */

static bool copy_desc(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se,
		      struct gaon_copy_desc *desc, uint8_t pattern[8])
{
	struct gaon_fault_record rec = { .core = GAON_FAULT_CORE_NONE };
	uint64_t va = slot->pkt.desc.desc_va;
	bool fill = slot->pkt.type == GAON_PKT_FILL;
	struct sim_packet_place place = sim_packet_place(slot, se);
	unsigned int bad;

	if (!sim_queue_read(sim, slot->ctx, va, is_kernel(va), desc, sizeof(*desc), &rec))
		goto faulted;
	bad = sim_copy_desc_check(desc, fill, place.user);
	if (bad) {
		fault(sim, slot, GAON_FAULT_BAD_DESCRIPTOR, GAON_ACCESS_NONE, va, bad);
		return false;
	}
	if (!fill || sim_queue_read(sim, slot->ctx, desc->src_va, is_kernel(desc->src_va), pattern,
				    desc->pattern_size, &rec))
		return true;
faulted:
	sim_packet_fault(sim, slot, &rec);
	return false;
}

static enum progress do_copy(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	const struct gaon_packet *pkt = &slot->pkt;
	bool fill = pkt->type == GAON_PKT_FILL;
	struct gaon_copy_desc desc = { .count = { 1, 1, 1 } };
	uint8_t pattern[8] = { 0 };

	if (pkt->flags & GAON_PKT_F_DESC) {
		if (!copy_desc(sim, slot, se, &desc, pattern))
			return PROGRESS_FAULTED;
	} else if (fill) {
		desc.dst_va = pkt->fill.dst_va;
		desc.bytes = pkt->fill.bytes;
		desc.pattern_size = pkt->fill.pattern_size;
		memcpy(pattern, &pkt->fill.pattern, sizeof(pattern));
	} else {
		desc.dst_va = pkt->copy.dst_va;
		desc.src_va = pkt->copy.src_va;
		desc.bytes = pkt->copy.bytes;
	}
	if (sim->config.effects != GAON_SIM_EFFECTS_NORMAL &&
	    sim_late_copy(sim, slot, &desc, fill, pattern, value_of(se, pkt, se->depth)))
		return PROGRESS_LATE;
	sim_copy_start(sim, slot, &desc, fill, pattern);
	if (desc.count[0] == 1 && desc.count[1] == 1 && desc.count[2] == 1 &&
	    desc.bytes <= INLINE_BYTES) {
		sim_copy_run(sim, &se->copy, INLINE_BYTES);
		sim_copy_settle(sim, slot);
	}
	return PROGRESS_BLOCKED;
}

static enum progress do_launch(struct gaon_sim *sim, struct sim_slot *slot,
			       struct sim_slot_engine *se)
{
	struct gaon_pkt_launch desc = slot->pkt.launch;

	if (slot->pkt.flags & GAON_PKT_F_ARGS_BASE)
		desc.args_va += se->list[se->depth - 1].args_base;
	sim_launch_start(sim, slot, &desc);
	return PROGRESS_BLOCKED;
}

static enum progress perform(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	switch (slot->pkt.type) {
	case GAON_PKT_WAIT:
		return do_wait(sim, slot);
	case GAON_PKT_TIMESTAMP:
		return do_timestamp(sim, slot);
	case GAON_PKT_LAUNCH:
		return do_launch(sim, slot, se);
	case GAON_PKT_COPY:
	case GAON_PKT_FILL:
		return do_copy(sim, slot, se);
	case GAON_PKT_INDIRECT:
	case GAON_PKT_CALL:
		sim_packet_enter(slot, se, &slot->pkt);
		return PROGRESS_ENTERED;
	default:
		return PROGRESS_DONE;
	}
}

/* --- completion ------------------------------------------------------------------------------ */

static bool signal_value(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_packet *pkt,
			 uint64_t value, struct gaon_fault_record *rec)
{
	bool add = pkt->flags & GAON_PKT_F_ADD;
	uint8_t access = add ? GAON_ACCESS_ATOMIC : GAON_ACCESS_WRITE;
	struct sim_xlate x;

	if (!look_up(sim, slot, pkt->signal_va, access, &x, rec))
		return false;
	if (add && !x.hbm) {
		rec->type = GAON_FAULT_BUS;
		return false;
	}
	sim_time_signal(sim, slot, x.pa);
	if (!add)
		return word_store(sim, &x, value);
	__atomic_fetch_add((uint64_t *)(void *)x.host, value, __ATOMIC_ACQ_REL);
	return true;
}

static void post_event(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_packet *pkt,
		       uint64_t value, uint64_t start, uint64_t position)
{
	struct gaon_event event = {
		.type = GAON_EVENT_PACKET, .context = slot->ctx->id, .queue = slot->queue,
		.tag = pkt->tag, .sequence = position, .value = value,
	};

	if (pkt->flags & GAON_PKT_F_PROFILE) {
		event.start_cycle = start;
		event.end_cycle = sim_time_slot(sim, slot);
	}
	sim_event_post(sim, slot->ctx, &event);
}

bool sim_packet_publish(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_packet *pkt,
			uint64_t value, uint64_t start, uint64_t position,
			struct gaon_fault_record *rec)
{
	if ((pkt->flags & GAON_PKT_F_SIGNAL) && !signal_value(sim, slot, pkt, value, rec))
		return false;
	if (pkt->flags & GAON_PKT_F_EVENT)
		post_event(sim, slot, pkt, value, start, position);
	sim->tele.packets++;
	return true;
}

/* On to the packet behind.  The read index stays before what was put off. */
static void step_over(struct sim_slot *slot, struct sim_slot_engine *se)
{
	slot->have_pkt = false;
	if (se->depth)
		se->list[se->depth - 1].index++;
	else if (se->late_count)
		se->ahead++;
	else
		slot->read++;
}

/* Complete the packet in slot->pkt, which lies in se->depth lists. False: that faulted. */
static bool complete(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	struct gaon_fault_record rec = { .core = GAON_FAULT_CORE_NONE };
	uint64_t value = value_of(se, &slot->pkt, se->depth);

	if ((sim->config.effects == GAON_SIM_EFFECTS_NORMAL || !sim_late_complete(sim, slot, value)) &&
	    !sim_packet_publish(sim, slot, &slot->pkt, value, se->start, slot->read + se->ahead,
				&rec)) {
		sim_packet_fault(sim, slot, &rec);
		return false;
	}
	step_over(slot, se);
	return true;
}

/* Leave lists that are at their end: the packet that opened one is complete then. */
static bool leave_lists(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	while (se->depth && se->list[se->depth - 1].index == se->list[se->depth - 1].count) {
		if (se->late_count && !sim_late_flush(sim, slot))
			return false;
		se->depth--;
		slot->pkt = se->outer[se->depth];
		slot->have_pkt = true;
		slot->in_list = se->depth;
		slot->list_index = se->depth ? se->list[se->depth - 1].index : 0;
		if (!complete(sim, slot, se))
			return false;
	}
	return true;
}

void sim_packet_done(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	if (complete(sim, slot, se) && leave_lists(sim, slot, se) && !se->depth)
		sim_slot_publish_read(sim, slot);
}

/* --- stop and step --------------------------------------------------------------------------- */

static bool in_flight(const struct sim_slot_engine *se)
{
	return se->launch.busy || se->copy.busy;
}

/* May the slot go on although a stop was asked for?  Without a save area a list runs to its end. */
static bool must_finish(const struct sim_slot *slot, const struct sim_slot_engine *se)
{
	return se->stop == SIM_STOP_SAVE && se->depth && !slot->save_va;
}

void sim_packet_stop(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	if (se->late_count) {
		if (se->stop == SIM_STOP_KILL)
			sim_late_drop(se);
		else if (se->stop == SIM_STOP_SAVE && !sim_late_flush(sim, slot))
			return;
	}
	if (se->stop == SIM_STOP_KILL && !in_flight(se)) {
		slot->have_pkt = slot->in_list = false;
		se->depth = 0;
		return;
	}
	if (se->stop != SIM_STOP_SAVE || slot->status == GAON_SLOT_FAULTED)
		return;
	if (in_flight(se) && (se->copy.running || atomic_load(&se->launch.running) ||
			      !slot->save_va || !sim_preempt_ready(sim, slot)))
		return;
	if (se->depth || in_flight(se)) {
		if (!slot->save_va)
			return;
		if (!sim_preempt_save(sim, slot)) {
			if (slot->status != GAON_SLOT_FAULTED)
				fault(sim, slot, GAON_FAULT_PREEMPT, GAON_ACCESS_WRITE,
				      slot->save_va, 0);
			return;
		}
	}
	/* A packet that waits in the ring itself is fetched again later. */
	slot->have_pkt = slot->in_list = false;
	se->depth = 0;
}

/* Does the packet in slot->pkt wait for those that were put off? */
static bool must_flush(const struct gaon_sim *sim, const struct sim_slot *slot,
		       const struct sim_slot_engine *se)
{
	return (slot->pkt.flags & GAON_PKT_F_BARRIER) || slot->pkt.type == GAON_PKT_BARRIER ||
	       se->late_count == SIM_LATE ||
	       (se->overtaken && sim->config.effects == GAON_SIM_EFFECTS_EARLY);
}

/* One packet further; false if the slot can't go on now. */
static bool advance(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	enum progress progress;

	if (slot->saved) {
		sim_preempt_restore(sim, slot);
		return slot->status != GAON_SLOT_FAULTED;
	}
	if (!slot->have_pkt && !fetch(sim, slot, se))
		return false;
	if (se->late_count && must_flush(sim, slot, se) && !sim_late_flush(sim, slot))
		return false;
	progress = perform(sim, slot, se);
	if (progress == PROGRESS_LATE) {
		step_over(slot, se);
		return leave_lists(sim, slot, se);
	}
	if (progress == PROGRESS_DONE)
		return complete(sim, slot, se) && leave_lists(sim, slot, se);
	/* A copy on the spot, or a launch that could not start, is over already. */
	return progress == PROGRESS_ENTERED ||
	       (progress == PROGRESS_BLOCKED && !slot->have_pkt && !in_flight(se));
}

bool sim_slot_step(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	uint64_t read = slot->read, packets = sim->tele.packets, ahead = se->ahead;
	bool had = slot->have_pkt, saved = slot->saved, changed;

	if (slot->status != GAON_SLOT_STOPPING && slot->status != GAON_SLOT_FAULTED)
		se->stop = SIM_STOP_NONE;
	if (!slot->in_list)
		se->depth = 0;
	if (se->stop != SIM_STOP_NONE)
		sim_packet_stop(sim, slot);
	for (unsigned int i = 0; i < BURST && !in_flight(se); i++) {
		if (slot->status == GAON_SLOT_FAULTED)
			break;
		if (se->stop != SIM_STOP_NONE && !must_finish(slot, se))
			break;
		if (!advance(sim, slot, se))
			break;
	}
	/* A value may never come: without a save area a list that waits can only be given up. */
	if (must_finish(slot, se) && !in_flight(se) && slot->have_pkt &&
	    slot->pkt.type == GAON_PKT_WAIT && slot->status != GAON_SLOT_FAULTED)
		fault(sim, slot, GAON_FAULT_PREEMPT, GAON_ACCESS_NONE, slot->pkt.wait.va, 0);
	if (slot->read != read)
		sim_slot_publish_read(sim, slot);
	changed = slot->read != read || sim->tele.packets != packets || slot->have_pkt != had ||
		  slot->saved != saved || se->ahead != ahead;
	if (se->late_count && !changed && slot->status != GAON_SLOT_FAULTED)
		return sim_late_pass(sim, slot, in_flight(se));
	return changed;
}
