// SPDX-License-Identifier: MIT
/*
 * The model options for asynchronous effects, as far as packets are concerned: what a packet
 * without GAON_PKT_F_BARRIER behind it allows to happen late does so.
 *
 * A copy that is put off, and with GAON_SIM_EFFECTS_LATE a completion too, waits in se->late while
 * later packets of the queue go on.  The read index stays before the first of them, so whatever
 * needs all of the slot's state in it (a stop, a fault of a later packet) performs them first.
 */
#include <string.h>

#include "engine.h"

#define LATE_PASSES	64	/* passes that they wait for a launch behind them */
#define LATE_BYTES	(4ull << 20)	/* larger copies go to the copy engine at once */
#define LATE_ROWS	32768ull

static bool is_late(const struct gaon_sim *sim)
{
	return sim->config.effects == GAON_SIM_EFFECTS_LATE;
}

static struct sim_late *push(struct sim_slot *slot, struct sim_slot_engine *se,
			     const struct gaon_packet *pkt, uint64_t value)
{
	struct sim_late *e = &se->late[se->late_count++];

	e->pkt = *pkt;
	e->value = value;
	e->start = se->start;
	e->position = slot->read + se->ahead;
	e->depth = se->depth;
	e->list_index = se->depth ? se->list[se->depth - 1].index : 0;
	e->is_copy = false;
	return e;
}

/* --- what may be put off ------------------------------------------------------------------ */

static bool is_small(const struct gaon_copy_desc *d)
{
	uint64_t rows = 1, bytes;

	for (unsigned int i = 0; i < 3; i++)
		if (__builtin_mul_overflow(rows, (uint64_t)d->count[i], &rows))
			return false;
	return rows <= LATE_ROWS && !__builtin_mul_overflow(rows, d->bytes, &bytes) &&
	       bytes <= LATE_BYTES;
}

/* A look at the packet behind; it is fetched and judged anew when its turn comes. */
static bool next_overtakes(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	uint64_t position = slot->read + se->ahead + 1, va;
	struct gaon_fault_record ignored;
	struct gaon_packet next;

	if (se->depth) {
		const struct sim_list *list = &se->list[se->depth - 1];

		if (list->index + 1 >= list->count)
			return false;
		va = list->va + (list->index + 1) * 64ull;
	} else {
		if (position == slot->write)
			return false;
		va = slot->ring_va + (position & ((1ull << slot->log2) - 1)) * 64;
	}
	if (!sim_queue_read(sim, slot->ctx, va, va >= GAON_VA_KERNEL_MIN, &next, sizeof(next), &ignored))
		return false;
	return !(next.flags & GAON_PKT_F_BARRIER) &&
	       (next.type == GAON_PKT_COPY || next.type == GAON_PKT_FILL ||
		next.type == GAON_PKT_SIGNAL || next.type == GAON_PKT_TIMESTAMP);
}

bool sim_late_copy(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_copy_desc *desc,
		   bool fill, const uint8_t pattern[8], uint64_t value)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_late *e;

	if (se->stop != SIM_STOP_NONE || se->late_count == SIM_LATE || !is_small(desc))
		return false;
	if (!is_late(sim) && (se->late_count || !next_overtakes(sim, slot, se)))
		return false;
	e = push(slot, se, &slot->pkt, value);
	e->is_copy = true;
	sim_copy_init(&e->copy, slot->ctx, desc, fill, pattern);
	return true;
}

bool sim_late_complete(struct gaon_sim *sim, struct sim_slot *slot, uint64_t value)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	se->overtaken = se->late_count;
	if (!is_late(sim) || se->stop != SIM_STOP_NONE || se->late_count == SIM_LATE ||
	    !(slot->pkt.flags & (GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT)))
		return false;
	push(slot, se, &slot->pkt, value);
	return true;
}

/* --- performing --------------------------------------------------------------------------- */

static void late_fault(struct gaon_sim *sim, struct sim_slot *slot, const struct sim_late *e,
		       struct gaon_fault_record *rec)
{
	rec->tag = e->pkt.tag;
	rec->list_index = e->list_index;
	rec->cycle = sim_time_slot(sim, slot);
	/* The record is about this packet, not about the one that the slot has got to. */
	slot->have_pkt = slot->in_list = false;
	sim_slot_publish_read(sim, slot);
	sim_slot_fault(sim, slot, rec);
}

/* The last first: without a barrier nothing orders them.  A fault is taken when its turn comes. */
static void move_data(struct gaon_sim *sim, struct sim_slot_engine *se)
{
	for (unsigned int i = se->late_count; i--;) {
		struct sim_copy *copy = &se->late[i].copy;

		while (se->late[i].is_copy && !copy->finished && copy->fault.type == GAON_FAULT_NONE)
			sim_copy_run(sim, copy, UINT64_MAX);
	}
}

/* Completion of one, all before it being complete; false: the slot is faulted. */
static bool publish(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se,
		    struct sim_late *e)
{
	struct gaon_fault_record rec = { .core = GAON_FAULT_CORE_NONE };

	se->ahead -= e->position - slot->read;
	slot->read = e->position;
	if (e->is_copy) {
		sim_time_copy(sim, slot, &e->copy);
		rec = e->copy.fault.type != GAON_FAULT_NONE ? e->copy.fault : rec;
	}
	if (rec.type == GAON_FAULT_NONE &&
	    sim_packet_publish(sim, slot, &e->pkt, e->value, e->start, e->position, &rec))
		return true;
	late_fault(sim, slot, e, &rec);
	return false;
}

/*
 * Completions of packets that overtook a copy, before that copy: whoever takes them as a sign that
 * it is there, is wrong.  One that would fault stays for its turn.  True if there were any.
 */
static bool publish_overtakers(struct gaon_sim *sim, struct sim_slot *slot,
			       struct sim_slot_engine *se)
{
	unsigned int kept = 0, count = se->late_count;

	for (unsigned int i = 0; i < count; i++) {
		struct sim_late *e = &se->late[i];
		struct gaon_fault_record ignored;

		if (!e->is_copy && sim_packet_publish(sim, slot, &e->pkt, e->value, e->start,
						      e->position, &ignored))
			continue;
		if (kept != i)
			se->late[kept] = *e;
		kept++;
	}
	se->late_count = (uint8_t)kept;
	return kept != count;
}

static void all_done(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se)
{
	slot->read += se->ahead;
	sim_late_drop(se);
	sim_slot_publish_read(sim, slot);
}

bool sim_late_flush(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	publish_overtakers(sim, slot, se);
	move_data(sim, se);
	for (unsigned int i = 0; i < se->late_count; i++)
		if (!publish(sim, slot, se, &se->late[i])) {
			sim_late_drop(se);
			return false;
		}
	all_done(sim, slot, se);
	return slot->status != GAON_SLOT_FAULTED;
}

bool sim_late_pass(struct gaon_sim *sim, struct sim_slot *slot, bool in_flight)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	if (in_flight && ++se->late_age < LATE_PASSES)
		return false;
	/* A pass between the two, so that others see the one without the other. */
	if (publish_overtakers(sim, slot, se) && se->late_count)
		return true;
	sim_late_flush(sim, slot);
	return true;
}

void sim_late_drop(struct sim_slot_engine *se)
{
	se->late_count = 0;
	se->late_age = 0;
	se->ahead = 0;
	se->overtaken = false;
}
