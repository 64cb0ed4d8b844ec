// SPDX-License-Identifier: MIT
/*
 * Launches: the workgroups of a grid over the cores, gangs, and how a launch ends.
 */
#include <string.h>

#include "engine.h"

void sim_launch_start(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_pkt_launch *desc)
{
	struct sim_launch *l = &sim_slot_engine(sim, slot)->launch;
	uint32_t cores = sim->identify.cores;

	l->slot = slot;
	l->ctx = slot->ctx;
	l->desc = *desc;
	l->cooperative = desc->launch_flags & GAON_LAUNCH_COOPERATIVE;
	atomic_store_explicit(&l->stop, false, memory_order_relaxed);
	atomic_store_explicit(&l->dead, false, memory_order_relaxed);
	atomic_store_explicit(&l->stalled, 0, memory_order_relaxed);
	l->id = (uint64_t)slot->queue << 32 |
		(uint32_t)(slot->read + sim_slot_engine(sim, slot)->ahead);
	l->tag = slot->pkt.tag;
	l->total = (uint64_t)desc->grid[0] * desc->grid[1] * desc->grid[2];
	l->left = l->total;
	l->cores = l->total < cores ? (uint32_t)l->total : cores;
	l->limit = slot->limit;
	l->held = 0;
	l->drained = 0;
	l->faulted = false;
	l->debug = slot->debug;
	l->debug_stop = slot->debug_stop = false;
	l->trapped = l->step = l->hold = l->pass = 0;
	for (uint32_t i = 0; i < l->cores; i++)
		l->part[i] = (struct sim_part){ .next = i };
	if (l->cooperative) {
		atomic_store(&l->gang.arrived, 0);
		atomic_store(&l->gang.phase, 0);
		memset(l->gang.sem, 0, sizeof(l->gang.sem[0]) * l->cores);
	}
	l->busy = true;
	slot->launch = l;
	sim->engines->launches |= 1ull << slot->index;
	sim->tele.launches++;
	sim_time_launch_begin(sim, l);
}

/* The core's workgroup is gone: nothing of the launch stays on it. */
static void release_core(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	if (core->launch)
		core->launch->held &= ~(1ull << core->index);
	u->active = false;
	u->wait = SIM_WAIT_NONE;
	u->faulted = false;
	core->launch = NULL;
	sim_xgaon_drop(core);
}

static void release_all(struct gaon_sim *sim, struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1)
		release_core(&sim->cores[__builtin_ctzll(held)]);
}

/* A workgroup is about to be dropped. */
static void keep_state(struct gaon_sim *sim, const struct sim_launch *l, const struct sim_core *core)
{
	struct gaon_core_state *kept = &core->unit->kept;
	const struct sim_hart *h = core->hart;
	bool guilty = l->faulted && l->fault.core == core->index;

	*kept = (struct gaon_core_state){
		.size = sizeof(*kept), .type = guilty ? l->fault.type : GAON_FAULT_NONE,
		.core = (uint8_t)core->index, .context = l->ctx->id, .queue = l->slot->queue,
		.sequence = l->slot->read, .cycle = sim_time_slot(sim, l->slot),
		.workgroup = core->workgroup, .pc = guilty ? l->fault.pc : h->pc,
		.entry = l->desc.entry_va, .args = l->desc.args_va,
		.grid = { l->desc.grid[0], l->desc.grid[1], l->desc.grid[2] }, .tag = l->tag,
		.instret = h->instret, .vtype = h->vtype, .vl = h->vl, .vstart = h->vstart,
		.fcsr = (uint32_t)h->frm << 5 | h->fflags, .vcsr = (uint32_t)h->vxrm << 1 | h->vxsat,
	};
	core->unit->kept_epoch = l->ctx->epoch;
	memcpy(kept->x, h->x, sizeof(kept->x));
	memcpy(kept->f, h->f, sizeof(kept->f));
}

static void keep_states(struct gaon_sim *sim, const struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1) {
		const struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (core->unit->active)
			keep_state(sim, l, core);
	}
}

uint32_t sim_core_kept(const struct gaon_sim *sim, uint32_t core, uint32_t word)
{
	const struct sim_unit *u;
	uint32_t value;

	if (core >= sim->identify.cores || word >= sizeof(struct gaon_core_state) / 4)
		return 0;
	u = &sim->engines->unit[core];
	/* The number is another owner's now: what was kept is not. */
	if (u->kept_epoch != sim->contexts[u->kept.context].epoch)
		return 0;
	memcpy(&value, (const uint8_t *)&u->kept + 4 * (size_t)word, 4);
	return value;
}

static void end(struct gaon_sim *sim, struct sim_launch *l)
{
	release_all(sim, l);
	l->busy = false;
	l->slot->launch = NULL;
	sim->engines->launches &= ~(1ull << l->slot->index);
}

void sim_launch_suspend(struct gaon_sim *sim, struct sim_launch *l)
{
	sim_time_launch_end(sim, l);
	end(sim, l);
}

/* After a fault or a kill: what still runs has to come back first. */
static void stop_running(struct gaon_sim *sim, struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1) {
		struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (core->running)
			__atomic_store_n(&core->hart->stop, 1, __ATOMIC_RELAXED);
	}
}

bool sim_launch_can_resume(struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	struct sim_launch *l = core->launch;

	switch (u->wait) {
	case SIM_WAIT_NONE:
		return true;
	case SIM_WAIT_BARRIER:
		return atomic_load(&l->gang.phase) != u->phase;
	case SIM_WAIT_SEM:
		return atomic_load(&l->gang.sem[core->workgroup % SIM_CORES_MAX][u->sem]) >=
		       u->sem_count;
	default:
		return sim_time_log_room(&l->log[core->index]);
	}
}

bool sim_launch_is_due(const struct sim_core *core)
{
	const struct sim_launch *l = core->launch;
	const struct sim_part *part = &l->part[core->index];

	return l->cooperative && !core->unit->active && (part->saved || part->next < l->total);
}

/*
 * Nothing outside a gang can wake one of its members.  If all that are left wait for each other,
 * they wait for ever: that is what the watchdog would find, and there is no need to count to it.
 */
static bool deadlocked(struct gaon_sim *sim, struct sim_launch *l)
{
	if (!l->cooperative || !l->held || atomic_load(&l->running))
		return false;
	for (uint32_t i = 0; i < l->cores; i++) {
		struct sim_core *core = &sim->cores[i];

		if (!(l->held >> i & 1)) {
			if (l->part[i].saved || l->part[i].next < l->total)
				return false;
			continue;
		}
		if (core->unit->wait == SIM_WAIT_LOG || sim_launch_can_resume(core))
			return false;
	}
	return true;
}

static void fault_deadlock(struct gaon_sim *sim, struct sim_launch *l)
{
	struct sim_core *core = &sim->cores[__builtin_ctzll(l->held)];

	l->faulted = true;
	l->fault = (struct gaon_fault_record){
		.type = GAON_FAULT_WATCHDOG, .core = (uint8_t)core->index,
		.workgroup = (uint32_t)core->workgroup, .pc = core->hart->pc,
	};
}

/* The clock: operations that can be put in order now. */
static void resolve_waiting(struct gaon_sim *sim, struct sim_launch *l)
{
	for (uint64_t held = l->held; held; held &= held - 1) {
		const struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (!core->running && core->unit->wait == SIM_WAIT_LOG) {
			sim_time_resolve(sim, l, false);
			return;
		}
	}
}

/* Without a save area a stop waits for the launch's end, but not for ever. */
static void check_drain(struct gaon_sim *sim, struct sim_launch *l)
{
	uint64_t most = (uint64_t)(sim->identify.preempt_ms + 1) * sim->identify.clock_khz;

	if (sim_slot_engine(sim, l->slot)->stop != SIM_STOP_SAVE || l->slot->save_va ||
	    l->drained <= most)
		return;
	l->faulted = true;
	l->fault = (struct gaon_fault_record){ .type = GAON_FAULT_PREEMPT,
					       .core = GAON_FAULT_CORE_NONE };
}

void sim_launch_settle(struct gaon_sim *sim, struct sim_launch *l)
{
	struct sim_slot *slot = l->slot;

	if (!l->busy)
		return;
	resolve_waiting(sim, l);
	if (!l->faulted && !atomic_load(&l->dead) && !l->hold && deadlocked(sim, l))
		fault_deadlock(sim, l);
	if (!l->faulted && l->left)
		check_drain(sim, l);
	if (l->faulted || atomic_load(&l->dead)) {
		atomic_store(&l->dead, true);
		if (atomic_load(&l->running)) {
			stop_running(sim, l);
			return;
		}
		/* Of the launch's end, as the fault's record. */
		sim_time_launch_end(sim, l);
		keep_states(sim, l);
		end(sim, l);
		if (l->faulted) {
			l->faulted = false;
			sim_packet_fault(sim, slot, &l->fault);
		} else {
			sim_packet_stop(sim, slot);
		}
		return;
	}
	if (!l->left) {
		sim_time_launch_end(sim, l);
		sim_flaw_launch_end(sim);
		end(sim, l);
		sim_packet_done(sim, slot);
		return;
	}
	if (l->debug)
		sim_debug_settle(sim, l);
	if (atomic_load(&l->stop))
		sim_packet_stop(sim, slot);
}

/* --- requests from the slot's side -------------------------------------------------------------- */

void sim_slot_request_stop(struct gaon_sim *sim, struct sim_slot *slot, bool kill)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_launch *l = &se->launch;

	se->stop = kill ? SIM_STOP_KILL : se->stop == SIM_STOP_KILL ? SIM_STOP_KILL : SIM_STOP_SAVE;
	if (l->busy && se->stop == SIM_STOP_KILL) {
		atomic_store(&l->dead, true);
		sim_launch_settle(sim, l);
	} else if (l->busy) {
		l->drained = 0;
		if (slot->save_va)
			atomic_store(&l->stop, true);
	}
	if (se->copy.busy && se->stop == SIM_STOP_KILL)
		sim_copy_settle(sim, slot);
	sim_packet_stop(sim, slot);
}

bool sim_slot_is_stopped(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	if (se->launch.busy || se->copy.busy || se->late_count)
		return false;
	return slot->status == GAON_SLOT_FAULTED || se->stop != SIM_STOP_SAVE ||
	       (!slot->have_pkt && !slot->in_list);
}

bool sim_jobs_quiesced(struct gaon_sim *sim, uint32_t asid)
{
	bool quiet = true;

	for (uint32_t i = 0; i < sim->identify.cores; i++) {
		struct sim_core *core = &sim->cores[i];

		if (!core->running || (asid != GAON_TLBI_ALL && core->ctx->asid != asid) ||
		    core->tlb_gen == atomic_load(&core->ctx->tlb_gen))
			continue;
		__atomic_store_n(&core->hart->stop, 1, __ATOMIC_RELAXED);
		quiet = false;
	}
	for (uint64_t m = sim->engines->copies; m; m &= m - 1) {
		struct sim_copy *copy = &sim->engines->slot[__builtin_ctzll(m)].copy;

		if (copy->running && (asid == GAON_TLBI_ALL || copy->ctx->asid == asid) &&
		    copy->tlb_gen != atomic_load(&copy->ctx->tlb_gen))
			quiet = false;
	}
	return quiet;
}
