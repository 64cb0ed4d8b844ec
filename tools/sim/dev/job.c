// SPDX-License-Identifier: MIT
/*
 * Jobs: which core or copy engine does what next, and what becomes of its results.
 *
 * Slots are served by priority band, then by the arbiter's order; a slot that was served goes to
 * the end of its band's order.  But no core that works waits for long for a thread.  A workgroup
 * that was started stays on its core until it ends or its launch is preempted.  A gang starts when
 * all its cores are free; until then the cores that it needs take no new work of slots behind it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* The host's memmove() bypasses its caches from some megabytes on, which a big copy should do. */
#define COPY_CHUNK	(16ull << 20)

/* What waits for so many jobs of others, of at most some tenths of a millisecond each, starves. */
#define STARVED_JOBS	256u

/* Slots with work in flight in the order in which they are served. */
struct queue {
	unsigned int count;
	uint8_t slot[SIM_SLOTS_MAX];
};

/* Kernel-owned queues before user-mode ones, then by band. */
static unsigned int class_of(const struct sim_slot *slot)
{
	return slot->kind * GAON_PRIORITIES + slot->priority;
}

static bool before(const struct sim_slot *a, const struct sim_slot *b)
{
	if (class_of(a) != class_of(b))
		return class_of(a) > class_of(b);
	return a->order != b->order ? a->order < b->order : a->index < b->index;
}

static void sort_slots(struct gaon_sim *sim, struct queue *q)
{
	q->count = 0;
	for (uint64_t m = sim->engines->launches | sim->engines->copies; m; m &= m - 1) {
		uint8_t index = (uint8_t)__builtin_ctzll(m);
		unsigned int at = q->count++;

		while (at && before(&sim->slots[index], &sim->slots[q->slot[at - 1]])) {
			q->slot[at] = q->slot[at - 1];
			at--;
		}
		q->slot[at] = index;
	}
}

/* --- cores ----------------------------------------------------------------------------------- */

static uint64_t cores_free(struct gaon_sim *sim)
{
	uint64_t free_cores = 0;

	for (uint32_t i = 0; i < sim->identify.cores; i++)
		if (!sim->cores[i].launch)
			free_cores |= 1ull << i;
	return free_cores;
}

/*
 * It has had its grace after a stop was asked for, and is saved as soon as none of its cores runs: so
 * none may begin to, or with two threads there might always be one that does.  But the members of a gang
 * that have had no turn yet get their first.
 */
static bool is_stopping(struct gaon_sim *sim, const struct sim_launch *l)
{
	return sim_slot_engine(sim, l->slot)->stop == SIM_STOP_SAVE && l->slot->save_va &&
	       l->drained >= SIM_PREEMPT_GRACE;
}

/* Free cores on which the launch has a workgroup to start or to resume. */
static uint64_t cores_wanted(const struct sim_launch *l)
{
	uint64_t wanted = 0;
	bool stop = atomic_load_explicit(&l->stop, memory_order_relaxed);

	for (uint32_t i = 0; i < l->cores; i++)
		if (!(l->held >> i & 1) && !stop && !sim_debug_holds(l, i) &&
		    (l->part[i].saved || l->part[i].next < l->total))
			wanted |= 1ull << i;
	return wanted;
}

/* Its address tells one thread from another. */
static _Thread_local char job_thread;

/* A core that its launch holds. */
static bool can_run(struct gaon_sim *sim, uint32_t index)
{
	struct sim_core *core = &sim->cores[index];

	return !core->running && sim_launch_can_resume(core) && !core->launch->debug_stop &&
	       (!is_stopping(sim, core->launch) || sim_launch_is_due(core));
}

static void hold_core(struct gaon_sim *sim, struct sim_launch *l, uint32_t index)
{
	l->held |= 1ull << index;
	sim->cores[index].launch = l;
}

static struct sim_job *take_core(struct gaon_sim *sim, struct sim_launch *l, uint32_t index)
{
	struct sim_core *core = &sim->cores[index];

	/* A gang takes all its cores at once: whoever is first in the order would else block it. */
	if (l->cooperative && !l->held) {
		for (uint64_t m = cores_wanted(l); m; m &= m - 1)
			hold_core(sim, l, (uint32_t)__builtin_ctzll(m));
	}
	hold_core(sim, l, index);
	sim_core_bind(core, l);
	__atomic_store_n(&core->hart->stop, 0, __ATOMIC_RELAXED);
	core->running = true;
	core->served = sim->order;
	core->ran_on = &job_thread;
	/* Read here, under the lock: the step of another core may be over while this one runs. */
	core->unit->stepping = l->step >> index & 1;
	core->unit->job.running = true;
	atomic_fetch_add(&l->running, 1);
	return &core->unit->job;
}

/* --- choice ------------------------------------------------------------------------------------ */

static struct sim_job *take_copy(struct gaon_sim *sim, uint8_t index)
{
	struct sim_slot_engine *se = &sim->engines->slot[index];

	se->copy.running = true;
	se->copy.served = sim->order;
	se->copy.tlb_gen = atomic_load(&se->copy.ctx->tlb_gen);
	se->job.running = true;
	sim->engines->copies_running++;
	return &se->job;
}

/* What could be done now: of the most urgent slot, and what has waited for longest. */
struct choice {
	struct sim_slot *slot;
	int core;			/* -1: a copy */
	uint64_t served;
};

struct choices {
	struct choice first, oldest;
};

static void consider(struct choices *c, struct sim_slot *slot, int core, uint64_t served)
{
	struct choice this = { slot, core, served };

	if (!c->first.slot)
		c->first = this;
	if (!c->oldest.slot || served < c->oldest.served)
		c->oldest = this;
}

/* Those of the cores @m that this thread ran last: their scratchpads are in its caches. */
static uint64_t ran_here(const struct gaon_sim *sim, uint64_t m)
{
	uint64_t here = 0;

	for (; m; m &= m - 1) {
		uint32_t index = (uint32_t)__builtin_ctzll(m);

		if (sim->cores[index].ran_on == &job_thread)
			here |= 1ull << index;
	}
	return here;
}

/* Cores @m, first those that this thread ran last. */
static void consider_cores(struct gaon_sim *sim, struct choices *c, struct sim_launch *l, uint64_t m)
{
	uint64_t mine = ran_here(sim, m);
	const uint64_t turns[] = { mine, m & ~mine };

	for (int i = 0; i < 2; i++)
		for (uint64_t left = turns[i]; left; left &= left - 1) {
			uint32_t index = (uint32_t)__builtin_ctzll(left);

			consider(c, l->slot, (int)index, sim->cores[index].served);
		}
}

/*
 * Cores of the launch that can run now, and those on which it can start; *@free_cores shrinks by what
 * it waits for.
 */
static void consider_launch(struct gaon_sim *sim, struct choices *c, struct sim_launch *l,
			    uint64_t *free_cores)
{
	uint64_t wanted, start, resume = 0;

	if (atomic_load_explicit(&l->dead, memory_order_relaxed))
		return;
	for (uint64_t held = l->held; held; held &= held - 1) {
		uint32_t index = (uint32_t)__builtin_ctzll(held);

		if (can_run(sim, index))
			resume |= 1ull << index;
	}
	consider_cores(sim, c, l, resume);
	wanted = cores_wanted(l);
	start = l->cooperative && (wanted & ~*free_cores) ? 0 : wanted & *free_cores;
	consider_cores(sim, c, l, start);
	*free_cores &= ~wanted;
}

/*
 * The most urgent slot goes first, and of a launch the lowest core, which keeps caches warm. But a
 * device's cores and engines work side by side, however few the threads are: what has waited for
 * long goes before, or work on one core could stand still for what runs on another, and would be
 * killed for not stopping.
 */
struct sim_job *sim_job_take(struct gaon_sim *sim)
{
	struct choices c = { .first.slot = NULL };
	struct choice *choice = &c.first;
	uint64_t free_cores;
	uint32_t engines;
	struct queue q;

	if (!(sim->engines->launches | sim->engines->copies))
		return sim_ahead_take(sim);
	sort_slots(sim, &q);
	free_cores = cores_free(sim);
	engines = sim->engines->copy_engines - sim->engines->copies_running;
	for (unsigned int i = 0; i < q.count; i++) {
		struct sim_slot *slot = &sim->slots[q.slot[i]];
		struct sim_slot_engine *se = sim_slot_engine(sim, slot);

		if (!se->copy.busy) {
			consider_launch(sim, &c, &se->launch, &free_cores);
		} else if (!se->copy.running && engines) {
			engines--;
			consider(&c, slot, -1, se->copy.served);
		}
	}
	if (!c.first.slot)
		return sim_ahead_take(sim);
	if (c.oldest.served + STARVED_JOBS < sim->order)
		choice = &c.oldest;
	choice->slot->order = ++sim->order;
	return choice->core < 0 ? take_copy(sim, (uint8_t)choice->slot->index) :
				  take_core(sim, &sim_slot_engine(sim, choice->slot)->launch,
					    (uint32_t)choice->core);
}

unsigned int sim_job_count(struct gaon_sim *sim)
{
	uint32_t engines = sim->engines->copy_engines - sim->engines->copies_running;
	unsigned int count = sim_ahead_pending(sim);
	uint64_t free_cores;
	struct queue q;

	if (!(sim->engines->launches | sim->engines->copies))
		return count;
	sort_slots(sim, &q);
	free_cores = cores_free(sim);
	for (unsigned int i = 0; i < q.count; i++) {
		struct sim_slot_engine *se = &sim->engines->slot[q.slot[i]];
		struct sim_launch *l = &se->launch;
		uint64_t wanted;

		if (se->copy.busy) {
			if (!se->copy.running && engines) {
				engines--;
				count++;
			}
			continue;
		}
		if (atomic_load_explicit(&l->dead, memory_order_relaxed))
			continue;
		for (uint64_t held = l->held; held; held &= held - 1)
			count += can_run(sim, (uint32_t)__builtin_ctzll(held));
		wanted = cores_wanted(l);
		if (!l->cooperative || !(wanted & ~free_cores))
			count += (unsigned int)__builtin_popcountll(wanted & free_cores);
		free_cores &= ~wanted;
	}
	return count;
}

bool sim_slot_starved(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_launch *l = &se->launch;
	uint64_t wanted;

	if (se->copy.busy)
		return !se->copy.running &&
		       sim->engines->copies_running >= sim->engines->copy_engines;
	if (!l->busy || l->held)
		return false;
	wanted = cores_wanted(l);
	if (l->cooperative)
		return wanted & ~cores_free(sim);
	return wanted && !(wanted & cores_free(sim));
}

/* --- execution ------------------------------------------------------------------------------------ */

void sim_job_run(struct gaon_sim *sim, struct sim_job *job)
{
	sim_in_job = true;
	if (job->ahead)
		sim_ahead_run(sim);
	else if (job->copy)
		sim_copy_run(sim, &sim->engines->slot[job->index].copy, COPY_CHUNK);
	else
		sim_core_run(&sim->cores[job->index]);
	sim_in_job = false;
}

static void retire_copy(struct gaon_sim *sim, uint32_t index)
{
	sim->engines->slot[index].copy.running = false;
	sim->engines->copies_running--;
	sim_ahead_note(sim, &sim->engines->slot[index].copy);
	sim_copy_settle(sim, &sim->slots[index]);
}

static void take_fault(struct sim_launch *l, struct sim_core *core)
{
	const struct gaon_fault_record *rec = &core->unit->fault;

	/* Of several, the one of the lowest workgroup. */
	if (l->faulted && l->fault.workgroup <= rec->workgroup)
		return;
	l->faulted = true;
	l->fault = *rec;
}

static void retire_core(struct gaon_sim *sim, struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	struct sim_launch *l = core->launch;
	uint64_t busy;

	core->running = false;
	atomic_fetch_sub(&l->running, 1);
	sim_time_retire(core);
	busy = sim_time_launch_ticks(l, u->cycles);
	l->slot->slice_used += busy;
	l->slot->busy += busy;
	l->left -= u->ended;
	if (sim_slot_engine(sim, l->slot)->stop == SIM_STOP_SAVE)
		l->drained += u->instructions;
	sim->tele.workgroups += u->ended;
	sim->tele.instructions += u->instructions;
	if (l->debug && !atomic_load(&l->dead))
		sim_debug_retire(core);
	if (u->faulted)
		take_fault(l, core);
	u->faulted = false;
	/* Between workgroups the core is free for whoever is next. A gang keeps its cores. */
	if (!u->active && (!l->cooperative || l->part[core->index].next >= l->total)) {
		l->held &= ~(1ull << core->index);
		core->launch = NULL;
	}
	sim_launch_settle(sim, l);
}

void sim_job_retire(struct gaon_sim *sim, struct sim_job *job)
{
	job->running = false;
	if (job->ahead)
		sim_ahead_retire(sim);
	else if (job->copy)
		retire_copy(sim, job->index);
	else
		retire_core(sim, &sim->cores[job->index]);
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void default_rates(struct gaon_sim *sim)
{
	struct gaon_identify *id = &sim->identify;

	id->clock_khz = id->clock_khz ? id->clock_khz : 1050000;
	id->hbm_mbps = id->hbm_mbps ? id->hbm_mbps : 1200000;
	id->host_mbps = id->host_mbps ? id->host_mbps : 32000;
	id->copy_engines = id->copy_engines ? id->copy_engines : 2;
	id->dlen = id->dlen ? id->dlen : 4096;
}

static void set_costs(struct gaon_sim *sim)
{
	if (sim->config.no_time)
		return;
	sim->engines->costs = (struct sim_hart_costs){
		.scalar = 16, .branch_taken = 32, .load_use = 16, .divide = 320, .atomic = 480,
		.dlen = sim->identify.dlen, .vector_startup = 16, .vmem_bytes = 256,
	};
}

int sim_engines_create(struct gaon_sim *sim)
{
	uint64_t pages = sim->config.hbm_bytes / GAON_PAGE_SIZE;
	struct sim_engines *e;
	int err;

	default_rates(sim);
	if (!sim->identify.cores || sim->identify.cores > SIM_CORES_MAX)
		return -EINVAL;
	e = sim->engines = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->copy_engines = sim->identify.copy_engines;
	e->code_pages = calloc(pages / 64 + 1, sizeof(uint64_t));
	if (!e->code_pages)
		goto no_memory;
	set_costs(sim);
	sim_ahead_create(sim);
	for (uint32_t i = 0; i < SIM_SLOTS_MAX; i++)
		e->slot[i].job = (struct sim_job){ .copy = true, .index = i };
	err = sim_time_create(sim);
	for (uint32_t i = 0; !err && i < sim->identify.cores; i++)
		err = sim_core_create(sim, i);
	if (err) {
		sim_engines_destroy(sim);
		return err;
	}
	sim->identify.save_bytes = sim_save_bytes(sim);
	return 0;
no_memory:
	sim_engines_destroy(sim);
	return -ENOMEM;
}

void sim_engines_destroy(struct gaon_sim *sim)
{
	if (!sim->engines)
		return;
	for (uint32_t i = 0; i < SIM_CORES_MAX; i++)
		sim_core_destroy(&sim->cores[i]);
	for (uint32_t i = 0; i < SIM_SLOTS_MAX; i++)
		for (uint32_t c = 0; c < SIM_CORES_MAX; c++)
			free(sim->engines->slot[i].launch.log[c].entry);
	sim_time_destroy(sim);
	free(sim->engines->code_pages);
	free(sim->engines);
	sim->engines = NULL;
}

void sim_engines_reset(struct gaon_sim *sim)
{
	struct sim_engines *e = sim->engines;

	for (uint32_t i = 0; i < SIM_SLOTS_MAX; i++) {
		struct sim_slot_engine *se = &e->slot[i];

		se->launch.busy = se->copy.busy = se->copy.running = false;
		se->launch.held = 0;
		atomic_store(&se->launch.running, 0);
		se->stop = SIM_STOP_NONE;
		se->depth = 0;
		sim_late_drop(se);
		se->job.running = false;
		sim->slots[i].launch = NULL;
		sim->slots[i].copy = NULL;
	}
	e->launches = e->copies = 0;
	e->copies_running = 0;
	e->ahead.bytes = e->ahead.run = 0;
	for (uint32_t i = 0; i < sim->identify.cores; i++) {
		sim->cores[i].served = 0;
		sim_core_reset(&sim->cores[i]);
	}
	sim_time_reset(sim);
}
