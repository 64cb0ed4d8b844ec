// SPDX-License-Identifier: MIT
/*
 * When the operations of a launch take place: an event simulation over the cores' logs.
 *
 * Events are taken in the order (time, core, unit), where units 0 to 3 are the core's engines and
 * unit 4 is the core itself.  An engine's event is the start of its oldest operation; a core's event
 * is the next entry of its log.  A core whose log is empty but which may still add to it holds back
 * everything that is not earlier than what it could add, so the order, and with it every cycle, is
 * the same whenever and on however many threads the work was done.
 */
#include "engine.h"

#define UNIT_CORE	GAON_ENGINES
#define NEVER		UINT64_MAX
#define SOME_EVENTS	64		/* a microsecond or two */

struct event {
	uint64_t when;
	uint32_t core, unit;
};

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool earlier(const struct event *a, const struct event *b)
{
	if (a->when != b->when)
		return a->when < b->when;
	return a->core != b->core ? a->core < b->core : a->unit < b->unit;
}

static bool has_entry(const struct sim_log *log)
{
	return atomic_load_explicit(&log->head, memory_order_relaxed) !=
	       atomic_load_explicit(&log->tail, memory_order_acquire);
}

static const struct sim_log_entry *first_entry(const struct sim_log *log)
{
	return &log->entry[atomic_load_explicit(&log->head, memory_order_relaxed) % SIM_LOG_ENTRIES];
}

static void pop(struct sim_log *log)
{
	log->entered = false;
	atomic_fetch_add_explicit(&log->head, 1, memory_order_release);
}

/* --- engines ------------------------------------------------------------------------------------ */

static struct sim_timed_op *op_at(struct sim_log *log, unsigned int engine, uint32_t index)
{
	return &log->op[engine][index % GAON_ENGINE_DEPTH];
}

static uint64_t engine_ready(struct sim_log *log, unsigned int engine)
{
	if (log->started[engine] == log->issued[engine])
		return NEVER;
	return max64(op_at(log, engine, log->started[engine])->issue, log->free[engine]);
}

/* Memory is shared: an operation has it from when both are ready, for its bytes. */
static uint64_t use(uint64_t *resource, uint64_t start, uint64_t ticks)
{
	if (!ticks)
		return start;
	*resource = max64(*resource, start) + ticks;
	return *resource;
}

/* What a DMA channel needs for @bytes. */
static uint64_t channel_ticks(const struct sim_launch *l, uint64_t bytes)
{
	return sim_time_launch_ticks(l, (bytes + SIM_DMA_RATE - 1) / SIM_DMA_RATE * SIM_CYCLE);
}

static void start_dma(struct gaon_sim *sim, struct sim_launch *l, uint32_t core, unsigned int engine,
		      struct sim_timed_op *op, uint64_t when)
{
	struct sim_time *t = sim->time;
	uint64_t end = when + channel_ticks(l, op->cost + op->host);

	end = max64(end, use(&t->hbm, when, sim_time_hbm_ticks(sim, op->cost)));
	end = max64(end, use(&t->host[op->write], when, sim_time_host_ticks(sim, op->host)));
	l->log[core].free[engine] = end;
	op->done = end + (op->host ? SIM_COST_HOST_LATENCY : SIM_COST_HBM_LATENCY);
	t->dma_busy[core % 8] += end - when;
	sim_power_busy(sim, l->khz, SIM_DMA_MW, end - when);
	*(op->write ? &sim->tele.hbm_write : &sim->tele.hbm_read) += op->cost;
	*(op->write ? &sim->tele.host_write : &sim->tele.host_read) += op->host;
}

/* B from memory: as fast as the array, a channel's rate and memory allow. */
static void start_gemm(struct gaon_sim *sim, struct sim_launch *l, uint32_t core, unsigned int engine,
		       struct sim_timed_op *op, uint64_t when)
{
	struct sim_time *t = sim->time;
	struct sim_log *log = &l->log[core];
	uint64_t bytes = op->hbm + op->host, end;

	/* The array is filled anew unless the operation follows another without a gap. */
	if (!log->free[engine] || when > log->free[engine])
		op->cost += SIM_COST_FILL;
	end = when + max64(sim_time_launch_ticks(l, op->cost), channel_ticks(l, bytes));
	end = max64(end, use(&t->hbm, when, sim_time_hbm_ticks(sim, op->hbm)));
	end = max64(end, use(&t->host[0], when, sim_time_host_ticks(sim, op->host)));
	log->free[engine] = end;
	op->done = end + sim_time_launch_ticks(l, SIM_COST_DRAIN);
	if (bytes)
		op->done += op->host ? SIM_COST_HOST_LATENCY : SIM_COST_HBM_LATENCY;
	t->matrix_busy[core % 8] += end - when;
	sim_power_busy(sim, l->khz, SIM_MATRIX_MW, end - when);
	sim->tele.hbm_read += op->hbm;
	sim->tele.host_read += op->host;
}

static void start_engine(struct gaon_sim *sim, struct sim_launch *l, uint32_t core, unsigned int engine,
			 uint64_t when)
{
	struct sim_log *log = &l->log[core];
	struct sim_timed_op *op = op_at(log, engine, log->started[engine]++);

	if (engine == GAON_ENGINE_DMA0 || engine == GAON_ENGINE_DMA1) {
		start_dma(sim, l, core, engine, op, when);
		return;
	}
	start_gemm(sim, l, core, engine, op, when);
}

/* --- cores ---------------------------------------------------------------------------------------- */

/* Let go of the oldest operations until @left remain; false: one of them has not started yet. */
static bool retire_until(struct sim_log *log, unsigned int engine, uint32_t left)
{
	while (log->issued[engine] - log->retired[engine] > left) {
		if (log->retired[engine] == log->started[engine])
			return false;
		log->now = max64(log->now, op_at(log, engine, log->retired[engine]++)->done);
	}
	return true;
}

static bool retire_all(struct sim_log *log)
{
	bool all = true;

	for (unsigned int engine = 0; engine < GAON_ENGINES; engine++)
		all &= retire_until(log, engine, 0);
	return all;
}

static bool engine_blocks(const struct sim_log *log, unsigned int engine, uint32_t left)
{
	return log->issued[engine] - log->retired[engine] > left &&
	       log->issued[engine] - log->started[engine] > left;
}

/* The core's entry has to wait for something that is not resolved yet. */
static bool is_blocked(const struct sim_log *log, const struct sim_log_entry *e)
{
	switch (e->kind) {
	case SIM_LOG_DMA:
	case SIM_LOG_GEMM:
		return engine_blocks(log, e->engine, GAON_ENGINE_DEPTH - 1);
	case SIM_LOG_WAIT:
		return engine_blocks(log, e->engine, e->count);
	case SIM_LOG_FENCE:
		for (unsigned int engine = 0; engine < GAON_ENGINES; engine++)
			if (engine_blocks(log, engine, 0))
				return true;
		return false;
	case SIM_LOG_BARRIER:
		return log->at_barrier;
	case SIM_LOG_SEM:
		return log->sem[e->semaphore] < e->count;
	default:
		return false;
	}
}

static void issue(struct sim_launch *l, struct sim_log *log, const struct sim_log_entry *e)
{
	retire_until(log, e->engine, GAON_ENGINE_DEPTH - 1);
	log->now += sim_time_launch_ticks(l, SIM_COST_ISSUE);
	*op_at(log, e->engine, log->issued[e->engine]++) = (struct sim_timed_op){
		.issue = log->now, .cost = e->cost, .hbm = e->hbm, .host = e->host,
		.write = e->write,
	};
}

static void arrive(struct sim_launch *l, struct sim_log *log)
{
	uint64_t last = 0;

	log->at_barrier = true;
	for (uint32_t i = 0; i < l->cores; i++) {
		if (!l->log[i].at_barrier)
			return;
		last = max64(last, l->log[i].now);
	}
	for (uint32_t i = 0; i < l->cores; i++) {
		l->log[i].at_barrier = false;
		l->log[i].now = last + sim_time_launch_ticks(l, SIM_COST_BARRIER);
		pop(&l->log[i]);
	}
}

static void post(struct sim_launch *l, struct sim_log *log, const struct sim_log_entry *e)
{
	struct sim_log *to = &l->log[e->count % SIM_CORES_MAX];

	log->now += sim_time_launch_ticks(l, SIM_COST_SEMAPHORE);
	to->sem[e->semaphore]++;
	to->sem_time[e->semaphore] = max64(to->sem_time[e->semaphore], log->now);
}

static void run_entry(struct sim_launch *l, struct sim_log *log)
{
	const struct sim_log_entry *e = first_entry(log);

	if (!log->entered) {
		log->now += sim_time_launch_ticks(l, e->ticks);
		log->entered = true;
	}
	switch (e->kind) {
	case SIM_LOG_DMA:
	case SIM_LOG_GEMM:
		issue(l, log, e);
		break;
	case SIM_LOG_WAIT:
		retire_until(log, e->engine, e->count);
		break;
	case SIM_LOG_FENCE:
		retire_all(log);
		break;
	case SIM_LOG_BARRIER:
		arrive(l, log);
		return;
	case SIM_LOG_POST:
		post(l, log, e);
		break;
	default:
		log->sem[e->semaphore] -= e->count;
		log->now = max64(log->now, log->sem_time[e->semaphore]) +
			   sim_time_launch_ticks(l, SIM_COST_SEMAPHORE);
		break;
	}
	pop(log);
}

/* --- choice --------------------------------------------------------------------------------------------- */

/* May the core add entries to its log? */
static bool is_live(struct gaon_sim *sim, const struct sim_launch *l, uint32_t i)
{
	(void)sim;
	return (l->held >> i & 1) || l->part[i].saved || l->part[i].next < l->total;
}

static void consider(struct event *best, uint64_t when, uint32_t core, uint32_t unit)
{
	struct event e = { .when = when, .core = core, .unit = unit };

	if (when != NEVER && earlier(&e, best))
		*best = e;
}

static void look_at_core(struct gaon_sim *sim, struct sim_launch *l, uint32_t i, struct event *best,
			 struct event *bound)
{
	struct sim_log *log = &l->log[i];

	for (unsigned int engine = 0; engine < GAON_ENGINES; engine++)
		consider(best, engine_ready(log, engine), i, engine);
	if (has_entry(log)) {
		const struct sim_log_entry *e = first_entry(log);

		if (!is_blocked(log, e))
			consider(best, log->now + (log->entered ? 0 : sim_time_launch_ticks(l, e->ticks)), i,
				 UNIT_CORE);
	} else if (is_live(sim, l, i)) {
		bool running = sim->cores[i].launch == l && sim->cores[i].running;

		consider(bound, log->now + (running ? 0 : sim_time_launch_ticks(l, log->carry)), i,
			 UNIT_CORE);
	}
}

/* What a core does next, and the earliest that it could still add. */
struct outlook {
	struct event best, bound;
};

/* Of all cores, those in @stale being looked at anew. */
static struct outlook look_at_all(struct gaon_sim *sim, struct sim_launch *l, struct outlook *cores,
				  uint64_t stale)
{
	const struct outlook nothing = { { .when = NEVER }, { .when = NEVER } };
	struct outlook all = nothing;

	for (uint32_t i = 0; i < l->cores; i++) {
		struct outlook *o = &cores[i];

		if (stale >> i & 1) {
			*o = nothing;
			look_at_core(sim, l, i, &o->best, &o->bound);
		}
		consider(&all.best, o->best.when, i, o->best.unit);
		consider(&all.bound, o->bound.when, i, o->bound.unit);
	}
	return all;
}

/* The cores whose outlook may be another one after the event. */
static uint64_t take_event(struct gaon_sim *sim, struct sim_launch *l, const struct event *e)
{
	struct sim_log *log = &l->log[e->core];
	uint8_t kind;

	if (e->unit != UNIT_CORE) {
		start_engine(sim, l, e->core, e->unit, e->when);
		return 1ull << e->core;
	}
	kind = first_entry(log)->kind;
	run_entry(l, log);
	return kind == SIM_LOG_BARRIER || kind == SIM_LOG_POST ? UINT64_MAX : 1ull << e->core;
}

/* At most @most events; false: there is no other that can be taken now. */
static bool resolve(struct gaon_sim *sim, struct sim_launch *l, bool all, uint64_t most)
{
	struct outlook cores[SIM_CORES_MAX], next;
	uint64_t stale = UINT64_MAX;

	if (sim->config.no_time)
		return false;
	for (; most; most--) {
		next = look_at_all(sim, l, cores, stale);
		if (next.best.when == NEVER || (!all && !earlier(&next.best, &next.bound)))
			return false;
		stale = take_event(sim, l, &next.best);
	}
	return true;
}

void sim_time_resolve(struct gaon_sim *sim, struct sim_launch *l, bool all)
{
	resolve(sim, l, all, UINT64_MAX);
}

bool sim_time_resolve_some(struct gaon_sim *sim, struct sim_launch *l)
{
	return resolve(sim, l, false, SOME_EVENTS);
}
