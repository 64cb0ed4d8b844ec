// SPDX-License-Identifier: MIT
/*
 * Launches of queues that can be debugged (Documentation/hw/debug.rst): what would be a fault stops the
 * launch, which is saved as by a preemption but at once, and a saved launch may go on one instruction at a
 * time, on some of its cores only.
 */
#include <string.h>

#include "devside.h"
#include "engine.h"

void sim_debug_trap(struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	struct sim_launch *l = core->launch;

	u->trap = u->fault;
	u->trap.core = (uint8_t)core->index;
	u->trap.workgroup = (uint32_t)core->workgroup;
	u->trap.context = l->ctx->id;
	u->trap.queue = l->slot->queue;
	u->trap.sequence = l->slot->read;
	u->trap.tag = l->tag;
	u->trap.list_index = l->slot->in_list ? l->slot->list_index : 0;
	u->trap.cycle = sim_time_now(core->sim);
	u->stop = GAON_STOP_FAULT;
	u->faulted = false;
	l->trapped |= 1ull << core->index;
}

void sim_debug_retire(struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	struct sim_launch *l = core->launch;
	uint64_t bit = 1ull << core->index;

	if (u->faulted)
		sim_debug_trap(core);
	if (u->stepped) {
		l->debug_stop = true;
		l->step &= ~bit;
		/* A workgroup that has ended has no state that could say so. */
		if (u->active && !(l->trapped & bit)) {
			u->stop = GAON_STOP_STEP;
			l->trapped |= bit;
		}
	}
	u->stepped = false;
}

/* Can any core that the debugger does not hold get on? */
static bool can_go_on(struct gaon_sim *sim, const struct sim_launch *l)
{
	for (uint32_t i = 0; i < l->cores; i++) {
		struct sim_core *core = &sim->cores[i];

		if (sim_debug_holds(l, i))
			continue;
		if (!(l->held >> i & 1) || !core->unit->active) {
			if (l->part[i].saved || l->part[i].next < l->total)
				return true;
		} else if (core->unit->wait == SIM_WAIT_LOG || sim_launch_can_resume(core)) {
			return true;
		}
	}
	return false;
}

static void stop_launch(struct gaon_sim *sim, struct sim_launch *l)
{
	struct sim_slot *slot = l->slot;
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);

	if (slot->status != GAON_SLOT_STOPPING)
		sim_slot_set_status(sim, slot, GAON_SLOT_STOPPING);
	if (se->stop == SIM_STOP_NONE)
		se->stop = SIM_STOP_SAVE;
	atomic_store(&l->stop, true);
	/* Not even for those who have not had their turn is there any grace. */
	l->drained = SIM_PREEMPT_GRACE;
	for (uint64_t held = l->held; held; held &= held - 1) {
		struct sim_core *core = &sim->cores[__builtin_ctzll(held)];

		if (core->running)
			__atomic_store_n(&core->hart->stop, 1, __ATOMIC_RELAXED);
	}
}

void sim_debug_settle(struct gaon_sim *sim, struct sim_launch *l)
{
	if (l->trapped || (l->hold && !atomic_load(&l->running) && !can_go_on(sim, l)))
		l->debug_stop = true;
	if (l->debug_stop)
		stop_launch(sim, l);
}

void sim_debug_save(const struct sim_launch *l, uint64_t active, struct gaon_debug_state *state)
{
	bool stop = l->debug_stop;

	*state = (struct gaon_debug_state){
		.size = sizeof(*state), .cores = l->cores, .active = active, .stopped = l->trapped,
		/* A preemption in between changes nothing; a stop ends what was asked for. */
		.step = stop ? 0 : l->step, .hold = stop ? 0 : l->hold, .pass = stop ? 0 : l->pass,
		.entry = l->desc.entry_va, .args = l->desc.args_va,
		.grid = { l->desc.grid[0], l->desc.grid[1], l->desc.grid[2] },
		.tag = l->tag, .launch = l->id,
		.spm_bytes = (l->desc.spm_bytes + GAON_PAGE_SIZE - 1) & ~(uint32_t)(GAON_PAGE_SIZE - 1),
		.stack_bytes = (l->desc.stack_bytes + GAON_PAGE_SIZE - 1) &
			       ~(uint32_t)(GAON_PAGE_SIZE - 1),
	};
}

void sim_debug_restore(struct sim_launch *l, const struct gaon_debug_state *state)
{
	uint64_t saved = 0;

	for (uint32_t i = 0; i < l->cores; i++)
		saved |= (uint64_t)l->part[i].saved << i;
	/* Nothing of it is trusted: bits without a workgroup mean nothing. */
	l->step = state->step & saved;
	l->pass = state->pass & saved;
	l->hold = state->hold & ~l->step & ~l->pass;
}
