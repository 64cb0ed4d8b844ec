// SPDX-License-Identifier: MIT
/*
 * Save areas: a queue's half-done packet, written to memory and taken back.
 *
 * What is in a save area is checked as if it were a packet: everything that can be derived from the
 * packets in it is derived again, and the rest is bounded.
 */
#include <string.h>

#include "engine.h"

#define SAVE_MAGIC	0x3145564153414731ull	/* "1GASAVE1" */
#define SAVE_LAUNCH	1u
#define SAVE_COPY	2u
#define SAVE_FLAGS	3u

/* At offset 0 of a save area. */
struct save_header {
	uint64_t magic;
	uint32_t flags, depth;
	uint32_t cores, reserved0;
	uint64_t reserved;
	struct gaon_packet packet;		/* in flight: SAVE_LAUNCH or SAVE_COPY */
	struct gaon_packet outer[SIM_LISTS];	/* that opened the lists around it */
	uint32_t index[SIM_LISTS];		/* position in each */
	/* SAVE_COPY */
	struct gaon_copy_desc copy;
	uint8_t pattern[8];
	uint64_t copy_done;
	uint32_t copy_at[3], reserved1;
	/* SAVE_LAUNCH */
	struct {
		uint64_t next, spent;
		uint32_t saved, reserved;
		uint32_t sem[GAON_SEMAPHORES];
	} part[SIM_CORES_MAX];
};

/* Of a core: struct gaon_save_core; the vector registers follow, then the scratchpad, then the stack. */
#define HEADER_BYTES	((uint64_t)GAON_SAVE_CORES)
#define CORE_BYTES	((uint64_t)GAON_SAVE_VECTOR)
_Static_assert(sizeof(struct save_header) <= GAON_SAVE_DEBUG, "save header");
_Static_assert(GAON_SAVE_DEBUG + sizeof(struct gaon_debug_state) <= GAON_SAVE_CORES, "debug state");
_Static_assert(sizeof(struct gaon_save_core) <= GAON_SAVE_VECTOR, "save core");

static uint64_t vector_bytes(const struct gaon_sim *sim)
{
	return 32ull * sim->identify.vlen / 8;
}

static uint64_t core_stride(const struct gaon_sim *sim)
{
	uint64_t bytes = CORE_BYTES + vector_bytes(sim) + sim->identify.spm_bytes;

	return (bytes + GAON_PAGE_SIZE - 1) & ~(GAON_PAGE_SIZE - 1);
}

uint64_t sim_save_bytes(const struct gaon_sim *sim)
{
	return HEADER_BYTES + sim->identify.cores * core_stride(sim);
}

static uint64_t core_va(const struct sim_core *core, const struct sim_slot *slot)
{
	return slot->save_va + HEADER_BYTES + core->index * core_stride(core->sim);
}

static bool put(struct gaon_sim *sim, struct sim_slot *slot, uint64_t va, const void *data,
		uint64_t len)
{
	struct gaon_fault_record rec;

	return !len || sim_write_va(sim, slot->ctx, va, true, data, len, &rec);
}

static bool get(struct gaon_sim *sim, struct sim_slot *slot, uint64_t va, void *data, uint64_t len)
{
	struct gaon_fault_record rec;

	return !len || sim_read_va(sim, slot->ctx, va, true, data, len, &rec);
}

/* --- saving ---------------------------------------------------------------------------------- */

/*
 * A gang goes on until each of its members has had a turn, and none can go on any more or the grace is
 * over: one member may wait for another, and a gang that is stopped at its first turn each time would
 * never get on.
 */
bool sim_preempt_ready(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_launch *l = &se->launch;
	bool can_run = false;

	/* A debugger sees each of them where it was when one stopped. */
	if (!l->busy || l->debug_stop)
		return true;
	for (uint64_t held = l->held; held; held &= held - 1) {
		struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (sim_launch_is_due(core))
			return false;
		can_run |= core->unit->active && sim_launch_can_resume(core);
	}
	return !can_run || l->drained >= SIM_PREEMPT_GRACE;
}

static bool save_core(struct sim_core *core, struct sim_slot *slot)
{
	const struct sim_hart *h = core->hart;
	const struct sim_unit *u = core->unit;
	uint64_t va = core_va(core, slot), size = core->sim->identify.spm_bytes;
	struct gaon_save_core s = {
		.pc = h->pc, .vtype = h->vtype, .instret = h->instret, .cycles = h->cycles16,
		.workgroup = core->workgroup, .vl = h->vl, .vstart = h->vstart,
		.vector = !h->vs_off, .stop = u->stop,
		.fcsr = (uint32_t)h->frm << 5 | h->fflags, .vcsr = (uint32_t)h->vxrm << 1 | h->vxsat,
	};

	if (s.stop == GAON_STOP_FAULT)
		s.fault = u->trap;
	memcpy(s.x, h->x, sizeof(s.x));
	memcpy(s.f, h->f, sizeof(s.f));
	if (!put(core->sim, slot, va, &s, sizeof(s)))
		return false;
	va += CORE_BYTES;
	if (s.vector && !put(core->sim, slot, va, h->v, vector_bytes(core->sim)))
		return false;
	va += vector_bytes(core->sim);
	return put(core->sim, slot, va, core->spm, u->spm_limit) &&
	       put(core->sim, slot, va + u->stack_base, core->spm + u->stack_base,
		   size - u->stack_base);
}

/* Everything that was issued takes effect before the state is taken; that may fault. */
static bool drain_cores(struct gaon_sim *sim, struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1) {
		struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (!core->unit->active || sim_xgaon_drain(core))
			continue;
		if (l->debug) {
			sim_debug_trap(core);
			l->debug_stop = true;
			while (!sim_xgaon_drain(core))
				;
			continue;
		}
		l->faulted = true;
		l->fault = core->unit->fault;
		l->fault.core = (uint8_t)core->index;
		l->fault.workgroup = (uint32_t)core->workgroup;
		sim_launch_settle(sim, l);
		return false;
	}
	return true;
}

/*
 * Who waits in a barrier that is not complete arrives at it again later, like all others that wait
 * there.  Who has not yet noticed that it is complete must not: the instruction is done.
 */
static void settle_barriers(struct gaon_sim *sim, struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1) {
		struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (!core->unit->active || core->unit->wait != SIM_WAIT_BARRIER ||
		    !sim_launch_can_resume(core))
			continue;
		core->hart->pc += 4;
		core->unit->wait = SIM_WAIT_NONE;
	}
}

static bool save_debug(struct gaon_sim *sim, struct sim_slot *slot, struct sim_launch *l, uint64_t active)
{
	struct gaon_debug_state state = { 0 };

	if (!slot->debug)
		return true;
	if (l->busy)
		sim_debug_save(l, active, &state);
	if (l->busy && l->debug_stop) {
		slot->debug_stop = true;
		slot->debug_cores = l->trapped;
		slot->debug_fault = (struct gaon_fault_record){ .core = GAON_FAULT_CORE_NONE,
								.tag = l->tag };
		if (l->trapped)
			slot->debug_fault = sim->cores[__builtin_ctzll(l->trapped)].unit->trap;
	}
	return put(sim, slot, slot->save_va + GAON_SAVE_DEBUG, &state, sizeof(state));
}

static bool save_launch(struct gaon_sim *sim, struct sim_slot *slot, struct sim_launch *l,
			struct save_header *h)
{
	uint64_t saved = 0;

	settle_barriers(sim, l);
	for (uint32_t i = 0; i < l->cores; i++) {
		struct sim_core *core = &sim->cores[i];
		bool active = (l->held >> i & 1) && core->unit->active;

		h->part[i].next = l->part[i].next;
		h->part[i].spent = l->part[i].spent;
		h->part[i].saved = active || l->part[i].saved;
		saved |= (uint64_t)h->part[i].saved << i;
		if (l->cooperative)
			memcpy(h->part[i].sem, l->gang.sem[i], sizeof(h->part[i].sem));
		if (active && !save_core(core, slot))
			return false;
	}
	return save_debug(sim, slot, l, saved);
}

static void save_copy(struct sim_copy *copy, struct save_header *h)
{
	h->copy = copy->desc;
	memcpy(h->pattern, copy->pattern, sizeof(h->pattern));
	h->copy_done = copy->done;
	memcpy(h->copy_at, copy->at, sizeof(h->copy_at));
}

bool sim_preempt_save(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct save_header h = { .magic = SAVE_MAGIC, .depth = se->depth,
				 .cores = sim->identify.cores };

	for (unsigned int i = 0; i < se->depth; i++) {
		h.outer[i] = se->outer[i];
		h.index[i] = se->list[i].index;
	}
	if (se->launch.busy) {
		h.flags = SAVE_LAUNCH;
		h.packet = slot->pkt;
		if (!drain_cores(sim, &se->launch) ||
		    !save_launch(sim, slot, &se->launch, &h))
			return false;
	}
	if (se->copy.busy) {
		h.flags = SAVE_COPY;
		h.packet = slot->pkt;
		save_copy(&se->copy, &h);
	}
	if (!se->launch.busy && !save_debug(sim, slot, &se->launch, 0))
		return false;
	if (!put(sim, slot, slot->save_va, &h, sizeof(h)))
		return false;
	if (se->launch.busy)
		sim_launch_suspend(sim, &se->launch);
	if (se->copy.busy)
		sim_copy_suspend(sim, slot);
	slot->saved = true;
	sim->tele.preemptions++;
	return true;
}

/* --- taking back ----------------------------------------------------------------------------- */

static bool restore_lists(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se,
			  const struct save_header *h)
{
	se->depth = 0;
	for (unsigned int i = 0; i < h->depth; i++) {
		const struct gaon_packet *pkt = &h->outer[i];
		struct sim_packet_place place = sim_packet_place(slot, se);

		if (sim_packet_check(sim, pkt, &place) ||
		    (pkt->type != GAON_PKT_CALL && pkt->type != GAON_PKT_INDIRECT) ||
		    h->index[i] >= pkt->list.count)
			return false;
		sim_packet_enter(slot, se, pkt);
		se->list[i].index = h->index[i];
		slot->list_index = h->index[i];
	}
	return true;
}

static bool restore_copy(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se,
			 const struct save_header *h, bool user)
{
	bool fill = h->packet.type == GAON_PKT_FILL;
	struct gaon_copy_desc check = h->copy;

	if (fill && h->copy.pattern_size - 1u < 8)
		check.src_va = check.dst_va;
	if (sim_copy_desc_check(&check, fill, user) || h->copy_done >= h->copy.bytes)
		return false;
	for (unsigned int i = 0; i < 3; i++)
		if (h->copy_at[i] >= h->copy.count[i])
			return false;
	if (fill && h->copy_done % h->copy.pattern_size)
		return false;
	sim_copy_start(sim, slot, &h->copy, fill, h->pattern);
	/* The descriptor was folded when the copy started first, so positions still mean the same. */
	se->copy.desc = h->copy;
	se->copy.done = h->copy_done;
	memcpy(se->copy.at, h->copy_at, sizeof(se->copy.at));
	return true;
}

/* Workgroups that a core's part still has to do. */
static uint64_t part_left(const struct sim_launch *l, uint32_t cores, uint32_t i)
{
	uint64_t next = l->part[i].next;

	return l->part[i].saved + (next < l->total ? (l->total - next + cores - 1) / cores : 0);
}

static bool restore_launch(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_engine *se,
			   const struct save_header *h)
{
	struct sim_launch *l = &se->launch;
	struct gaon_pkt_launch desc = h->packet.launch;
	uint32_t cores = sim->identify.cores;
	struct gaon_debug_state state;

	if (h->packet.flags & GAON_PKT_F_ARGS_BASE)
		desc.args_va += se->list[se->depth - 1].args_base;
	sim_launch_start(sim, slot, &desc);
	sim->tele.launches--;
	l->left = 0;
	for (uint32_t i = 0; i < l->cores; i++) {
		struct sim_part *part = &l->part[i];

		*part = (struct sim_part){ .next = h->part[i].next, .spent = h->part[i].spent,
					   .saved = h->part[i].saved };
		if (part->next % cores != i || part->next > l->total + cores ||
		    (part->saved && part->next < cores))
			return false;
		/* Now, for all: once the first member runs it may post to one that is not loaded yet. */
		if (l->cooperative) {
			memcpy(l->gang.sem[i], h->part[i].sem, sizeof(l->gang.sem[i]));
			memcpy(l->log[i].sem, h->part[i].sem, sizeof(l->log[i].sem));
		}
		l->left += part_left(l, cores, i);
	}
	if (slot->debug) {
		if (!get(sim, slot, slot->save_va + GAON_SAVE_DEBUG, &state, sizeof(state)))
			return false;
		sim_debug_restore(l, &state);
	}
	return l->left;
}

static void restore_failed(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_fault_record rec = {
		.type = GAON_FAULT_PREEMPT, .access = GAON_ACCESS_READ,
		.core = GAON_FAULT_CORE_NONE, .va = slot->save_va,
	};

	sim_packet_fault(sim, slot, &rec);
}

void sim_preempt_restore(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_packet_place place;
	struct save_header h;
	bool good;

	slot->saved = false;
	/* What is in the save area is the packet at the read index, so there must be one. */
	if (!sim_slot_fetch_write(sim, slot))
		return;
	if (slot->read == slot->write || !slot->save_va || !get(sim, slot, slot->save_va, &h, sizeof(h)) ||
	    h.magic != SAVE_MAGIC || (h.flags & ~SAVE_FLAGS) || h.flags == SAVE_FLAGS ||
	    h.depth > SIM_LISTS || h.cores != sim->identify.cores ||
	    !restore_lists(sim, slot, se, &h)) {
		restore_failed(sim, slot);
		return;
	}
	if (!h.flags)
		return;
	place = sim_packet_place(slot, se);
	slot->pkt = h.packet;
	slot->have_pkt = true;
	good = !sim_packet_check(sim, &h.packet, &place);
	if (good && h.flags == SAVE_LAUNCH)
		good = h.packet.type == GAON_PKT_LAUNCH && restore_launch(sim, slot, se, &h);
	else if (good)
		good = (h.packet.type == GAON_PKT_COPY || h.packet.type == GAON_PKT_FILL) &&
		       restore_copy(sim, slot, se, &h, place.user);
	if (!good)
		restore_failed(sim, slot);
}

/* --- a core's share -------------------------------------------------------------------------- */

static bool vtype_ok(const struct sim_core *core, const struct gaon_save_core *s)
{
	unsigned int lmul = s->vtype & 7, sew = s->vtype >> 3 & 7;
	uint64_t vlmax;

	if (s->vtype == 1ull << 63)
		return !s->vl;
	if (s->vtype & ~0xffull || sew > 3 || lmul == 4)
		return false;
	vlmax = core->sim->identify.vlen >> (3 + sew);
	vlmax = lmul < 4 ? vlmax << lmul : vlmax >> (8 - lmul);
	/* Fractional LMUL must hold an element of SEW where ELEN is 64. */
	if (lmul > 4 && (8u << sew) > (64u >> (8 - lmul)))
		return false;
	return s->vl <= vlmax;
}

static bool core_ok(const struct sim_core *core, const struct gaon_save_core *s)
{
	const struct sim_launch *l = core->launch;
	uint32_t cores = core->sim->identify.cores;

	return s->workgroup % cores == core->index && s->workgroup < l->total &&
	       s->workgroup < l->part[core->index].next && s->vector <= 1 &&
	       vtype_ok(core, s) && s->vstart < core->sim->identify.vlen &&
	       s->fcsr <= 255 && s->vcsr <= 7 && !s->x[0] && !(s->pc & 1);
}

static bool load_core(struct sim_core *core, struct sim_slot *slot, struct gaon_save_core *s)
{
	struct sim_hart *h = core->hart;
	struct sim_unit *u = core->unit;
	uint64_t va = core_va(core, slot), size = core->sim->identify.spm_bytes;

	if (!get(core->sim, slot, va, s, sizeof(*s)) || !core_ok(core, s))
		return false;
	va += CORE_BYTES;
	if (s->vector) {
		u->vector = true;
		if (!get(core->sim, slot, va, h->v, vector_bytes(core->sim)))
			return false;
	}
	va += vector_bytes(core->sim);
	if (u->spm_limit)
		sim_core_mark_dirty(core, 0, u->spm_limit);
	if (size != u->stack_base)
		sim_core_mark_dirty(core, u->stack_base, size - u->stack_base);
	return get(core->sim, slot, va, core->spm, u->spm_limit) &&
	       get(core->sim, slot, va + u->stack_base, core->spm + u->stack_base,
		   size - u->stack_base);
}

static void set_registers(struct sim_core *core, const struct gaon_save_core *s)
{
	struct sim_launch *l = core->launch;
	struct sim_hart *h = core->hart;

	sim_core_begin(core, s->workgroup);
	memcpy(h->x, s->x, sizeof(h->x));
	memcpy(h->f, s->f, sizeof(h->f));
	h->pc = s->pc;
	h->vtype = s->vtype;
	h->vl = s->vl;
	h->vstart = s->vstart;
	h->fflags = s->fcsr & 31;
	h->frm = (uint8_t)(s->fcsr >> 5);
	h->vxrm = (uint8_t)(s->vcsr >> 1);
	h->vxsat = s->vcsr & 1;
	h->instret = s->instret;
	h->cycles16 = s->cycles;
	h->vs_off = !s->vector;
	l->log[core->index].base = s->cycles;
}

/* The debugger lets the fault that stopped the workgroup take place: the record is only its word for it. */
static void pass_fault(struct sim_core *core, const struct gaon_save_core *s)
{
	struct sim_launch *l = core->launch;
	bool known = s->stop == GAON_STOP_FAULT && s->fault.type && s->fault.type < GAON_FAULT_TYPES;

	atomic_store(&l->dead, true);
	l->faulted = true;
	l->fault = (struct gaon_fault_record){
		.type = known ? s->fault.type : GAON_FAULT_BREAK, .access = s->fault.access,
		.core = (uint8_t)core->index, .workgroup = (uint32_t)s->workgroup,
		.pc = s->fault.pc, .va = s->fault.va, .syndrome = s->fault.syndrome,
	};
}

bool sim_preempt_load(struct sim_core *core)
{
	struct sim_launch *l = core->launch;
	struct gaon_save_core s;

	l->part[core->index].saved = false;
	if (load_core(core, l->slot, &s)) {
		set_registers(core, &s);
		if (!(l->pass >> core->index & 1))
			return true;
		pass_fault(core, &s);
		return false;
	}
	atomic_store(&l->dead, true);
	l->faulted = true;
	l->fault = (struct gaon_fault_record){
		.type = GAON_FAULT_PREEMPT, .access = GAON_ACCESS_READ, .core = (uint8_t)core->index,
		.va = core_va(core, l->slot),
	};
	return false;
}
