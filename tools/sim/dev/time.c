// SPDX-License-Identifier: MIT
/*
 * The modelled clock: queues, copy engines, and the cores' logs of what they asked engines for.
 *
 * Nothing here happens per cycle.  Work is done first; its time is computed afterwards, in integer
 * arithmetic, from costs and from when resources are next free.  Idle time is not modelled.
 * Documentation/hw/time.rst has the formulas.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static bool is_on(const struct gaon_sim *sim)
{
	return !sim->config.no_time;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t link_ticks(const struct gaon_sim *sim, uint64_t bytes, uint32_t mbps)
{
	unsigned __int128 ticks = (unsigned __int128)bytes * sim->identify.clock_khz * SIM_CYCLE;
	uint64_t rate = mbps * 1000ull;

	return (uint64_t)((ticks + rate - 1) / rate);
}

uint64_t sim_time_hbm_ticks(const struct gaon_sim *sim, uint64_t bytes)
{
	return link_ticks(sim, bytes,
			  sim_flaw_part(sim->identify.hbm_mbps, sim->config.flaws.memory_percent));
}

uint64_t sim_time_host_ticks(const struct gaon_sim *sim, uint64_t bytes)
{
	return link_ticks(sim, bytes, sim_flaw_part(sim->identify.host_mbps, sim->config.flaws.link_percent));
}

/* --- queues ---------------------------------------------------------------------------------- */

/* What the cores' clock drives, at that clock. */
static uint64_t clocked(const struct gaon_sim *sim, uint64_t ticks)
{
	return sim_time_clocked(sim_flaw_part(sim->power.khz, sim->config.flaws.clock_percent),
				sim->identify.clock_khz, ticks);
}

static uint64_t *queue_of(struct gaon_sim *sim, const struct sim_slot *slot)
{
	return &sim->time->queue[slot->queue % GAON_QUEUES];
}

static void advance_queue(struct gaon_sim *sim, struct sim_slot *slot, uint64_t when)
{
	uint64_t *queue = queue_of(sim, slot);

	*queue = max64(*queue, when);
	slot->ready = *queue / SIM_CYCLE;
	sim->time->now = max64(sim->time->now, *queue);
	if (sim->time->now >= sim->power.window_end)
		sim_power_window(sim);
}

/*
 * Cores and engines may be far ahead through other queues' work.  With the clock of whoever had the
 * number before, the first packets would lie in their past and the first launch seem to wait for it.
 * A whole cycle, so that what ran before does not show in how the queue's stamps are cut.
 */
void sim_time_new_queue(struct gaon_sim *sim, uint32_t queue)
{
	sim->time->queue[queue] = (sim->time->now + SIM_CYCLE - 1) / SIM_CYCLE * SIM_CYCLE;
}

uint64_t sim_time_slot(struct gaon_sim *sim, struct sim_slot *slot)
{
	return *queue_of(sim, slot) / SIM_CYCLE;
}

void sim_time_packet(struct gaon_sim *sim, struct sim_slot *slot)
{
	if (is_on(sim))
		advance_queue(sim, slot, *queue_of(sim, slot) + clocked(sim, SIM_COST_PACKET));
}

/*
 * When a value was signalled, so that who waits for it on another queue does not go on earlier.
 * A table of the latest ones: what has dropped out of it lies in the past of everything.
 */
void sim_time_signal(struct gaon_sim *sim, struct sim_slot *slot, uint64_t pa)
{
	uint64_t i = pa / 8 % SIM_SIGNALS;

	if (!is_on(sim))
		return;
	sim->time->signal[i].pa = pa;
	sim->time->signal[i].when = *queue_of(sim, slot);
}

void sim_time_awaited(struct gaon_sim *sim, struct sim_slot *slot, uint64_t pa)
{
	uint64_t i = pa / 8 % SIM_SIGNALS;

	if (is_on(sim) && sim->time->signal[i].pa == pa)
		advance_queue(sim, slot, sim->time->signal[i].when);
}

/* --- copy engines ---------------------------------------------------------------------------- */

static unsigned int copy_engine(const struct gaon_sim *sim)
{
	unsigned int best = 0, count = sim->identify.copy_engines;

	for (unsigned int i = 1; i < count && i < 8; i++)
		if (sim->time->copy[i] < sim->time->copy[best])
			best = i;
	return best;
}

/* Take a shared resource from @start on for @ticks; when that ends. */
static uint64_t use(uint64_t *resource, uint64_t start, uint64_t ticks)
{
	if (!ticks)
		return start;
	*resource = max64(*resource, start) + ticks;
	return *resource;
}

/*
 * When its first byte can move. A queue that slept is behind what others have done since; its copy then
 * waits for memory all that time, which is no work of the engine's.
 */
static uint64_t first_byte(const struct sim_time *t, const struct sim_copy *copy, uint64_t start)
{
	if (copy->hbm_read || copy->hbm_write)
		start = max64(start, t->hbm);
	if (copy->host_read)
		start = max64(start, t->host[0]);
	if (copy->host_write)
		start = max64(start, t->host[1]);
	return start;
}

void sim_time_copy(struct gaon_sim *sim, struct sim_slot *slot, struct sim_copy *copy)
{
	struct sim_time *t = sim->time;
	uint64_t hbm = copy->hbm_read + copy->hbm_write;
	uint64_t moved = copy->hbm_write + copy->host_write;
	uint64_t start, first, busy, end, setup;
	unsigned int engine;

	sim->tele.hbm_read += copy->hbm_read;
	sim->tele.hbm_write += copy->hbm_write;
	sim->tele.host_read += copy->host_read;
	sim->tele.host_write += copy->host_write;
	if (!is_on(sim))
		return;
	engine = copy_engine(sim);
	setup = clocked(sim, SIM_COST_COPY);
	start = max64(*queue_of(sim, slot), t->copy[engine]) + setup;
	first = first_byte(t, copy, start);
	end = start + clocked(sim, (moved + SIM_COPY_RATE - 1) / SIM_COPY_RATE * SIM_CYCLE);
	end = max64(end, use(&t->hbm, start, sim_time_hbm_ticks(sim, hbm)));
	end = max64(end, use(&t->host[0], start, sim_time_host_ticks(sim, copy->host_read)));
	end = max64(end, use(&t->host[1], start, sim_time_host_ticks(sim, copy->host_write)));
	t->copy[engine] = end;
	busy = end - first + setup;
	t->copy_busy[engine % 4] += busy;
	sim_power_busy(sim, sim->power.khz, SIM_COPY_MW, busy);
	slot->copied += busy / SIM_CYCLE;
	end += copy->host_read || copy->host_write ? SIM_COST_HOST_LATENCY : SIM_COST_HBM_LATENCY;
	copy->hbm_read = copy->hbm_write = copy->host_read = copy->host_write = 0;
	advance_queue(sim, slot, end);
}

/* --- launches -------------------------------------------------------------------------------- */

static void log_begin(struct sim_log *log, uint64_t start)
{
	atomic_store_explicit(&log->head, 0, memory_order_relaxed);
	atomic_store_explicit(&log->tail, 0, memory_order_relaxed);
	log->carry = log->base = 0;
	log->engines = log->entered = log->at_barrier = false;
	log->began = log->now = start;
	memset(log->free, 0, sizeof(log->free));
	memset(log->issued, 0, sizeof(log->issued));
	memset(log->started, 0, sizeof(log->started));
	memset(log->retired, 0, sizeof(log->retired));
	memset(log->sem, 0, sizeof(log->sem));
	memset(log->sem_time, 0, sizeof(log->sem_time));
}

void sim_time_launch_begin(struct gaon_sim *sim, struct sim_launch *l)
{
	uint64_t start;

	l->khz = sim_flaw_part(sim->power.khz, sim->config.flaws.clock_percent);
	l->max_khz = sim->identify.clock_khz;
	if (!is_on(sim))
		return;
	start = *queue_of(sim, l->slot) + sim_time_launch_ticks(l, SIM_COST_LAUNCH);
	for (uint32_t i = 0; i < l->cores; i++)
		log_begin(&l->log[i], max64(start, sim->time->core[i]));
}

void sim_time_launch_end(struct gaon_sim *sim, struct sim_launch *l)
{
	uint64_t end = 0;

	if (!is_on(sim))
		return;
	sim_time_resolve(sim, l, true);
	for (uint32_t i = 0; i < l->cores; i++) {
		struct sim_log *log = &l->log[i];

		log->now += sim_time_launch_ticks(l, log->carry);
		log->carry = 0;
		sim->time->core[i] = max64(sim->time->core[i], log->now);
		sim->time->core_busy[i % 8] += log->now - log->began;
		sim_power_busy(sim, l->khz, SIM_CORE_MW, log->now - log->began);
		end = max64(end, log->now);
	}
	advance_queue(sim, l->slot, end + sim_time_launch_ticks(l, SIM_COST_LAUNCH_END));
}

/* --- the core's side ------------------------------------------------------------------------- */

static struct sim_log *log_of(struct sim_core *core)
{
	return &core->launch->log[core->index];
}

/* Room for one more and for the fence that ends a workgroup. */
bool sim_time_log_room(const struct sim_log *log)
{
	uint32_t used = atomic_load_explicit(&log->tail, memory_order_relaxed) -
			atomic_load_explicit(&log->head, memory_order_acquire);

	return used + 2 <= SIM_LOG_ENTRIES;
}

static void append(struct sim_core *core, struct sim_log *log, const struct sim_log_entry *entry)
{
	uint32_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
	struct sim_log_entry *e = &log->entry[tail % SIM_LOG_ENTRIES];

	*e = *entry;
	e->ticks = log->carry + core->hart->cycles16 - log->base;
	log->carry = 0;
	log->base = core->hart->cycles16;
	atomic_store_explicit(&log->tail, tail + 1, memory_order_release);
}

bool sim_time_log(struct sim_core *core, const struct sim_log_entry *entry)
{
	struct sim_log *log = log_of(core);

	if (!is_on(core->sim))
		return true;
	if (!log->entry)
		log->entry = calloc(SIM_LOG_ENTRIES, sizeof(*log->entry));
	/* Out of host memory: the operation is done but takes no modelled time. */
	if (!log->entry)
		return true;
	if (!sim_time_log_room(log))
		return false;
	log->engines = true;
	append(core, log, entry);
	return true;
}

void sim_time_workgroup(struct sim_core *core, bool begin)
{
	static const struct sim_log_entry fence = { .kind = SIM_LOG_FENCE };
	struct sim_log *log = log_of(core);

	if (!is_on(core->sim))
		return;
	if (begin) {
		log->base = 0;
		log->carry += SIM_COST_WORKGROUP;
		return;
	}
	if (log->engines)
		append(core, log, &fence);
	log->engines = false;
	log->carry += core->hart->cycles16 - log->base;
	log->base = core->hart->cycles16;
}

void sim_time_retire(struct sim_core *core)
{
	struct sim_log *log = log_of(core);

	if (!is_on(core->sim) || !core->unit->active)
		return;
	log->carry += core->hart->cycles16 - log->base;
	log->base = core->hart->cycles16;
}

/* f32 takes the array four passes, everything else one. */
uint64_t sim_time_gemm_ticks(const struct sim_gemm *g)
{
	uint64_t rows = (g->m + 7ull) / 8 * 8;
	uint64_t tiles = ((g->k + 127ull) / 128) * ((g->n + 127ull) / 128);

	return rows * tiles * (g->type_a == GAON_TYPE_F32 ? 4 : 1) * SIM_CYCLE;
}

/* --- the device's clock ---------------------------------------------------------------------- */

uint64_t sim_time_now(struct gaon_sim *sim)
{
	return sim->time->now / SIM_CYCLE;
}

void sim_time_telemetry(struct gaon_sim *sim, struct gaon_telemetry *tele)
{
	const struct sim_time *t = sim->time;

	tele->cycle = t->now / SIM_CYCLE;
	for (unsigned int i = 0; i < 8; i++) {
		tele->core_busy[i] = t->core_busy[i] / SIM_CYCLE;
		tele->matrix_busy[i] = t->matrix_busy[i] / SIM_CYCLE;
		tele->dma_busy[i] = t->dma_busy[i] / SIM_CYCLE;
	}
	for (unsigned int i = 0; i < 4; i++)
		tele->copy_busy[i] = t->copy_busy[i] / SIM_CYCLE;
}

int sim_time_create(struct gaon_sim *sim)
{
	sim->time = calloc(1, sizeof(*sim->time));
	if (!sim->time)
		return -ENOMEM;
	sim_power_reset(sim);
	return 0;
}

void sim_time_destroy(struct gaon_sim *sim)
{
	free(sim->time);
	sim->time = NULL;
}

void sim_time_reset(struct gaon_sim *sim)
{
	memset(sim->time, 0, sizeof(*sim->time));
	sim_power_reset(sim);
}
