// SPDX-License-Identifier: MIT
/*
 * The custom instructions: a core's DMA channels, matrix arrays, barriers and semaphores.
 *
 * Descriptors are read and checked when they are issued.  What they ask for is done at once, or,
 * on a device that shows effects late, when a wait, a fence or the workgroup's end demands it: both
 * are allowed, and a kernel that forgets a wait sees the difference.
 *
 * Unless effects are to be early, large loads are put off as well, until a product: the matrix unit
 * copies while it multiplies.  What it leaves is done when something demands it, like all that is
 * late.  Between issue and wait nobody may change the source or look at the destination, so this
 * needs no check beyond those that late effects need.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define SPIN	4000		/* looks at a gang's state before the core gives its thread back */
#define SPIN_CLOCK	16		/* looks between two at what the clock could do */
#define SPIN_ALONE	200		/* the same while no other member runs, who may be about to go on */

struct sim_xop {
	bool is_gemm, b_in_memory;
	uint64_t pc;
	struct sim_feed_mark done;	/* of a load that products have worked on */
	uint64_t b_va;			/* of a product whose B lies in memory */
	union {
		struct sim_gemm gemm;
		struct gaon_dma_desc dma;
	};
};

struct sim_xgaon {
	struct sim_dma_cache *cache;
	uint8_t first[GAON_ENGINES], count[GAON_ENGINES];
	struct sim_xop queue[GAON_ENGINES][GAON_ENGINE_DEPTH];
};

static bool is_late(const struct sim_core *core)
{
	return core->sim->config.effects == GAON_SIM_EFFECTS_LATE;
}

static bool is_early(const struct sim_core *core)
{
	return core->sim->config.effects == GAON_SIM_EFFECTS_EARLY;
}

/* --- performing ----------------------------------------------------------------------------- */

/* Loads in flight, the oldest of each channel first. */
static void offer_loads(struct sim_core *core, struct sim_feed *feed)
{
	struct sim_xgaon *xg = core->xgaon;

	for (unsigned int engine = GAON_ENGINE_DMA0; engine <= GAON_ENGINE_DMA1; engine++)
		for (unsigned int i = 0; i < xg->count[engine]; i++) {
			struct sim_xop *op =
				&xg->queue[engine][(xg->first[engine] + i) % GAON_ENGINE_DEPTH];

			sim_dma_offer(core, xg->cache, &op->dma, &op->done, feed);
		}
}

/*
 * A thread multiplies for one core after the other, and its operands, packed, stay in its processor's
 * caches if that happens in the same memory. There is always one that is free: one for each core.
 */
static struct sim_core *take_matrix(struct gaon_sim *sim)
{
	static _Thread_local uint32_t usual;

	usual %= sim->identify.cores;
	while (atomic_exchange_explicit(&sim->cores[usual].multiplies, true, memory_order_acquire))
		usual = (usual + 1) % sim->identify.cores;
	return &sim->cores[usual];
}

/* False: B's address faults. */
static bool perform_gemm(struct sim_core *core, const struct sim_xop *op)
{
	struct sim_feed feed = { 0 };
	struct sim_gemm g = op->gemm;
	struct sim_core *owner;
	uint8_t *copy = NULL;

	if (op->b_in_memory &&
	    !sim_dma_operand(core, ((struct sim_xgaon *)core->xgaon)->cache, op->b_va, &g, &copy))
		return false;

	if (!is_late(core))
		offer_loads(core, &feed);
	if (feed.parts)
		g.feed = &feed;
	owner = take_matrix(core->sim);
	sim_gemm_run(owner->matrix, &g);
	atomic_store_explicit(&owner->multiplies, false, memory_order_release);
	if (sim_flaw_hits(core) && core->sim->config.flaws.unit == GAON_SIM_UNIT_MATRIX)
		*(g.flags & GAON_GEMM_CONVERT ? g.d : g.c) ^= 1;
	free(copy);
	return true;
}

static bool perform(struct sim_core *core, const struct sim_xop *op)
{
	struct sim_xgaon *xg = core->xgaon;

	if (op->is_gemm ? perform_gemm(core, op) : sim_dma_run(core, xg->cache, &op->dma, &op->done))
		return true;
	core->unit->fault.pc = op->pc;
	return false;
}

static bool perform_oldest(struct sim_core *core, unsigned int engine)
{
	struct sim_xgaon *xg = core->xgaon;
	const struct sim_xop *op = &xg->queue[engine][xg->first[engine]];

	xg->first[engine] = (uint8_t)((xg->first[engine] + 1) % GAON_ENGINE_DEPTH);
	xg->count[engine]--;
	return perform(core, op);
}

static bool perform_until(struct sim_core *core, unsigned int engine, uint64_t left)
{
	const struct sim_xgaon *xg = core->xgaon;

	while (xg->count[engine] > left)
		if (!perform_oldest(core, engine))
			return false;
	return true;
}

bool sim_xgaon_drain(struct sim_core *core)
{
	for (unsigned int engine = 0; engine < GAON_ENGINES; engine++)
		if (!perform_until(core, engine, 0))
			return false;
	return true;
}

static enum sim_op_status issue(struct sim_core *core, unsigned int engine, const struct sim_xop *op)
{
	struct sim_xgaon *xg = core->xgaon;
	bool later = is_late(core) ||
		     (!op->is_gemm && !is_early(core) &&
		      sim_dma_may_put_off(core, xg->cache, &op->dma));

	/* An engine's operations happen in their order. */
	if (!perform_until(core, engine, later ? GAON_ENGINE_DEPTH - 1 : 0))
		return SIM_OP_FAULT;
	if (!later)
		return perform(core, op) ? SIM_OP_OK : SIM_OP_FAULT;
	xg->queue[engine][(xg->first[engine] + xg->count[engine]++) % GAON_ENGINE_DEPTH] = *op;
	return SIM_OP_OK;
}

void sim_xgaon_drop(struct sim_core *core)
{
	struct sim_xgaon *xg = core->xgaon;

	memset(xg->first, 0, sizeof(xg->first));
	memset(xg->count, 0, sizeof(xg->count));
}

void sim_xgaon_flush(struct sim_core *core)
{
	struct sim_xgaon *xg = core->xgaon;

	sim_dma_flush(xg->cache);
}

/* --- descriptors ----------------------------------------------------------------------------- */

static enum sim_op_status bad_desc(struct sim_core *core, uint64_t va, unsigned int why)
{
	return sim_core_fault(core, GAON_FAULT_BAD_DESCRIPTOR, GAON_ACCESS_NONE, va, why);
}

/* The clock has no room: the instruction is executed again when it has. */
static enum sim_op_status stall_for_log(struct sim_core *core)
{
	core->unit->wait = SIM_WAIT_LOG;
	atomic_fetch_add(&core->launch->stalled, 1);
	return SIM_OP_STALL;
}

static enum sim_op_status log_simple(struct sim_core *core, enum sim_log_kind kind,
				     unsigned int engine, uint32_t count)
{
	struct sim_log_entry entry = { .kind = kind, .engine = (uint8_t)engine, .count = count };

	return sim_time_log(core, &entry) ? SIM_OP_OK : stall_for_log(core);
}

static void spend(struct sim_core *core, uint64_t cycles)
{
	core->launch->part[core->index].spent += cycles;
	core->unit->cycles += cycles;
}

/* An operand in the scratchpad: its host address, or NULL. */
static uint8_t *operand(struct sim_core *core, uint64_t va, uint64_t extent)
{
	uint64_t size = core->launch->desc.spm_bytes;

	if (va < GAON_VA_SPM || va - GAON_VA_SPM > size || extent > size - (va - GAON_VA_SPM))
		return NULL;
	return core->spm + (va - GAON_VA_SPM);
}

static unsigned int check_gemm_fields(const struct sim_core *core, const struct gaon_gemm_desc *d)
{
	bool memory = core->sim->identify.features & GAON_FEATURE_GEMM_MEMORY;
	uint64_t any = d->reserved0;

	for (unsigned int i = 0; i < 5; i++)
		any |= d->reserved1[i];
	if (any)
		return GAON_BADDESC_RESERVED;
	if (d->flags & ~(memory ? GAON_GEMM_FLAGS : GAON_GEMM_FLAGS & ~GAON_GEMM_B_MEMORY))
		return GAON_BADDESC_FLAGS;
	if (!d->m || !d->n || !d->k || d->m > GAON_GEMM_MAX || d->n > GAON_GEMM_MAX ||
	    d->k > GAON_GEMM_MAX)
		return GAON_BADDESC_RANGE;
	return 0;
}

static unsigned int build_gemm(struct sim_core *core, const struct gaon_gemm_desc *d,
			       struct sim_gemm *g)
{
	bool in_memory = d->flags & GAON_GEMM_B_MEMORY;
	bool convert = d->flags & GAON_GEMM_CONVERT;
	bool uses_c = !convert || (d->flags & GAON_GEMM_ACCUMULATE);
	unsigned int bad = check_gemm_fields(core, d);

	if (bad)
		return bad;
	*g = (struct sim_gemm){
		.m = d->m, .n = d->n, .k = d->k, .type_a = d->type_a, .type_b = d->type_b,
		.type_c = d->type_c, .type_d = d->type_d, .flags = d->flags & ~GAON_GEMM_B_MEMORY,
		.lda = d->lda, .ldb = d->ldb, .ldc = d->ldc, .ldd = d->ldd,
	};
	if (!sim_gemm_types_valid(g) || (in_memory && g->type_a != GAON_TYPE_Q8A))
		return GAON_BADDESC_TYPE;
	g->a = operand(core, d->a, sim_gemm_extent(g, 'a'));
	g->b = in_memory ? NULL : operand(core, d->b, sim_gemm_extent(g, 'b'));
	g->c = uses_c ? operand(core, d->c, sim_gemm_extent(g, 'c')) : NULL;
	g->d = convert ? operand(core, d->d, sim_gemm_extent(g, 'd')) : NULL;
	if (!g->a || (!g->b && !in_memory) || (uses_c && !g->c) || (convert && !g->d))
		return GAON_BADDESC_RANGE;
	return sim_gemm_disjoint(g) ? 0 : GAON_BADDESC_OVERLAP;
}

/* Lines that B's rows have in memory. */
static void count_operand(struct sim_core *core, const struct sim_xop *op, struct sim_log_entry *entry)
{
	struct gaon_dma_desc rows = sim_dma_operand_rows(&op->gemm, op->b_va);
	uint64_t bytes = sim_dma_lines(&rows);

	if (sim_dma_is_host(core, ((struct sim_xgaon *)core->xgaon)->cache, &rows))
		entry->host = bytes;
	else
		entry->hbm = bytes;
}

static enum sim_op_status do_gemm(struct sim_core *core, uint64_t va, uint64_t array)
{
	struct sim_log_entry entry = { .kind = SIM_LOG_GEMM };
	struct sim_xop op = { .is_gemm = true, .pc = core->hart->pc };
	struct gaon_gemm_desc desc;
	const uint8_t *out;
	unsigned int bad;

	if (array > 1)
		return bad_desc(core, va, GAON_BADDESC_ENGINE);
	if (va & 7)
		return bad_desc(core, va, GAON_BADDESC_ALIGN);
	if (!sim_core_read(core, va, &desc, sizeof(desc)))
		return SIM_OP_FAULT;
	bad = build_gemm(core, &desc, &op.gemm);
	if (bad)
		return bad_desc(core, va, bad);
	entry.engine = (uint8_t)(GAON_ENGINE_MATRIX0 + array);
	entry.cost = sim_time_gemm_ticks(&op.gemm);
	if (desc.flags & GAON_GEMM_B_MEMORY) {
		op.b_in_memory = true;
		op.b_va = desc.b;
		count_operand(core, &op, &entry);
	}
	if (!sim_time_log(core, &entry))
		return stall_for_log(core);
	spend(core, entry.cost / 16 + (entry.hbm + entry.host) / 256);
	out = op.gemm.flags & GAON_GEMM_CONVERT ? op.gemm.d : op.gemm.c;
	sim_core_mark_dirty(core, (uint64_t)(out - core->spm),
			    sim_gemm_extent(&op.gemm, op.gemm.flags & GAON_GEMM_CONVERT ? 'd' : 'c'));
	return issue(core, entry.engine, &op);
}

static enum sim_op_status do_dma(struct sim_core *core, uint64_t va, uint64_t channel)
{
	struct sim_log_entry entry = { .kind = SIM_LOG_DMA };
	struct sim_xop op = { .pc = core->hart->pc };
	unsigned int bad;

	if (channel > 1)
		return bad_desc(core, va, GAON_BADDESC_ENGINE);
	if (va & 7)
		return bad_desc(core, va, GAON_BADDESC_ALIGN);
	if (!sim_core_read(core, va, &op.dma, sizeof(op.dma)))
		return SIM_OP_FAULT;
	bad = sim_dma_check(&op.dma, core->launch->desc.spm_bytes);
	if (bad)
		return bad_desc(core, va, bad);
	entry.engine = (uint8_t)(GAON_ENGINE_DMA0 + channel);
	entry.write = !!(op.dma.flags & GAON_DMA_FROM_SPM);
	entry.cost = sim_dma_lines(&op.dma);
	/* Which memory it is shows in the first byte's translation: one descriptor, one space. */
	if (sim_dma_is_host(core, ((struct sim_xgaon *)core->xgaon)->cache, &op.dma)) {
		entry.host = entry.cost;
		entry.cost = 0;
	}
	if (!sim_time_log(core, &entry))
		return stall_for_log(core);
	spend(core, (entry.cost + entry.host) / 256);
	return issue(core, entry.engine, &op);
}

/* --- synchronisation ------------------------------------------------------------------------- */

static enum sim_op_status do_wait(struct sim_core *core, uint64_t engine, uint64_t left)
{
	enum sim_op_status st;

	if (engine >= GAON_ENGINES)
		return bad_desc(core, engine, GAON_BADDESC_ENGINE);
	if (left >= GAON_ENGINE_DEPTH)
		return SIM_OP_OK;
	st = log_simple(core, SIM_LOG_WAIT, (unsigned int)engine, (uint32_t)left);
	if (st != SIM_OP_OK)
		return st;
	return perform_until(core, (unsigned int)engine, left) ? SIM_OP_OK : SIM_OP_FAULT;
}

static enum sim_op_status do_fence(struct sim_core *core)
{
	enum sim_op_status st = log_simple(core, SIM_LOG_FENCE, 0, 0);

	if (st != SIM_OP_OK)
		return st;
	if (!sim_xgaon_drain(core))
		return SIM_OP_FAULT;
	sim_flaw_fence(core);
	return SIM_OP_OK;
}

/*
 * Late effects: a look at the engine is what makes it go on.  Otherwise it finds all done, so that
 * how often a kernel polls, and with it the modelled time, does not hang on what was put off.
 */
static enum sim_op_status do_poll(struct sim_core *core, unsigned int rd, uint64_t engine)
{
	struct sim_xgaon *xg = core->xgaon;

	if (engine >= GAON_ENGINES)
		return bad_desc(core, engine, GAON_BADDESC_ENGINE);
	if (!is_late(core) && !perform_until(core, (unsigned int)engine, 0))
		return SIM_OP_FAULT;
	core->hart->x[rd] = xg->count[engine];
	if (xg->count[engine] && !perform_oldest(core, (unsigned int)engine))
		return SIM_OP_FAULT;
	return SIM_OP_OK;
}

/* Its thread has nothing better to do than to bring the clock forward; false: it is where it can be. */
static bool clock_goes_on(struct sim_core *core)
{
	bool more;

	if (core->sim->config.no_time || !sim_run_try_lock(core->sim))
		return false;
	more = sim_time_resolve_some(core->sim, core->launch);
	sim_run_unlock(core->sim);
	return more;
}

/*
 * Others of the gang run on other threads: what this one waits for may come at any moment.  One that gave
 * its thread back, as all do now and then, is taken again soon, unless it waits for the clock, which may be
 * a wait for this core.
 */
static bool spin(struct sim_core *core)
{
	const struct sim_launch *l = core->launch;
	unsigned int alone = core->sim->config.threads < 2 ? 0 : SPIN_ALONE;
	bool more = false;

	for (unsigned int i = 0; i < SPIN; i++) {
		bool others = atomic_load_explicit(&l->running, memory_order_relaxed) > 1;

		if ((!others && (i >= alone || atomic_load_explicit(&l->stalled, memory_order_relaxed))) ||
		    __atomic_load_n(&core->hart->stop, __ATOMIC_RELAXED))
			break;
		if (sim_launch_can_resume(core))
			return true;
		if (others && (more || i % SPIN_CLOCK == 0))
			more = clock_goes_on(core);
#ifdef __x86_64__
		__builtin_ia32_pause();
#endif
	}
	return sim_launch_can_resume(core);
}

/* Members that were waiting for this one may go on; those that no thread has need one. */
static void let_go_on(struct sim_core *core)
{
	if (atomic_load(&core->launch->running) < core->launch->total)
		sim_run_resumable(core->sim);
}

static enum sim_op_status do_barrier(struct sim_core *core)
{
	struct sim_gang *gang = &core->launch->gang;
	struct sim_unit *u = core->unit;

	if (u->wait != SIM_WAIT_BARRIER) {
		enum sim_op_status st = log_simple(core, SIM_LOG_BARRIER, 0, 0);
		uint32_t phase;

		if (st != SIM_OP_OK)
			return st;
		phase = atomic_load(&gang->phase);
		if (atomic_fetch_add(&gang->arrived, 1) + 1 == core->launch->total) {
			atomic_store(&gang->arrived, 0);
			atomic_store(&gang->phase, phase + 1);
			u->wait = SIM_WAIT_NONE;
			let_go_on(core);
			return SIM_OP_OK;
		}
		u->phase = phase;
		u->wait = SIM_WAIT_BARRIER;
	}
	if (!spin(core))
		return SIM_OP_STALL;
	u->wait = SIM_WAIT_NONE;
	return SIM_OP_OK;
}

static enum sim_op_status do_post(struct sim_core *core, uint64_t workgroup, uint64_t sem)
{
	struct sim_log_entry entry = { .kind = SIM_LOG_POST, .count = (uint32_t)workgroup,
				       .semaphore = (uint8_t)sem };
	_Atomic uint32_t *value;
	uint32_t old;

	if (workgroup >= core->launch->total || sem >= GAON_SEMAPHORES)
		return bad_desc(core, workgroup, GAON_BADDESC_RANGE);
	if (!sim_time_log(core, &entry))
		return stall_for_log(core);
	value = &core->launch->gang.sem[workgroup][sem];
	old = atomic_load(value);
	/* Saturates: a kernel that posts for ever does no harm. */
	while (old != UINT32_MAX && !atomic_compare_exchange_weak(value, &old, old + 1))
		;
	let_go_on(core);
	return SIM_OP_OK;
}

static enum sim_op_status do_sem_wait(struct sim_core *core, uint64_t count, uint64_t sem)
{
	struct sim_unit *u = core->unit;

	if (count > UINT32_MAX || sem >= GAON_SEMAPHORES)
		return bad_desc(core, count, GAON_BADDESC_RANGE);
	if (u->wait != SIM_WAIT_SEM) {
		struct sim_log_entry entry = { .kind = SIM_LOG_SEM, .count = (uint32_t)count,
					       .semaphore = (uint8_t)sem };

		if (!sim_time_log(core, &entry))
			return stall_for_log(core);
		u->sem = (uint32_t)sem;
		u->sem_count = (uint32_t)count;
		u->wait = SIM_WAIT_SEM;
	}
	if (!spin(core))
		return SIM_OP_STALL;
	atomic_fetch_sub(&core->launch->gang.sem[core->workgroup][u->sem], u->sem_count);
	u->wait = SIM_WAIT_NONE;
	return SIM_OP_OK;
}

/* --- decode ---------------------------------------------------------------------------------- */

static enum sim_op_status execute(struct sim_core *core, uint32_t insn)
{
	unsigned int rd = insn >> 7 & 31, rs1 = insn >> 15 & 31, rs2 = insn >> 20 & 31;
	unsigned int funct3 = insn >> 12 & 7, funct7 = insn >> 25;
	const uint64_t *x = core->hart->x;

	if (funct7 && (funct3 != GAON_F3_SEM || funct7 != GAON_F7_SEM_WAIT))
		return SIM_OP_ILLEGAL;
	if ((rd && funct3 != GAON_F3_POLL) || (rs2 && funct3 == GAON_F3_POLL))
		return SIM_OP_ILLEGAL;
	if ((funct3 == GAON_F3_FENCE || funct3 == GAON_F3_BARRIER) && (rs1 || rs2))
		return SIM_OP_ILLEGAL;
	if ((funct3 == GAON_F3_BARRIER || funct3 == GAON_F3_SEM) && !core->launch->cooperative)
		return SIM_OP_ILLEGAL;
	switch (funct3) {
	case GAON_F3_GEMM:
		return do_gemm(core, x[rs1], x[rs2]);
	case GAON_F3_DMA:
		return do_dma(core, x[rs1], x[rs2]);
	case GAON_F3_WAIT:
		return do_wait(core, x[rs1], x[rs2]);
	case GAON_F3_FENCE:
		return do_fence(core);
	case GAON_F3_BARRIER:
		return do_barrier(core);
	case GAON_F3_SEM:
		return funct7 == GAON_F7_SEM_WAIT ? do_sem_wait(core, x[rs1], x[rs2]) :
						    do_post(core, x[rs1], x[rs2]);
	case GAON_F3_POLL:
		return do_poll(core, rd, x[rs1]);
	default:
		return SIM_OP_ILLEGAL;
	}
}

enum sim_op_status sim_xgaon_custom(struct sim_hart *hart, uint32_t insn)
{
	struct sim_core *core = hart->ctx;
	enum sim_op_status st;

	if ((insn & 0x7f) != GAON_OPC_CUSTOM0)
		return SIM_OP_ILLEGAL;
	if (core->unit->wait == SIM_WAIT_LOG) {
		core->unit->wait = SIM_WAIT_NONE;
		atomic_fetch_sub(&core->launch->stalled, 1);
	}
	st = execute(core, insn);
	if (st == SIM_OP_ILLEGAL)
		hart->fault.tval = insn;
	return st;
}

/* --- life ------------------------------------------------------------------------------------ */

int sim_xgaon_create(struct sim_core *core)
{
	struct sim_xgaon *xg = calloc(1, sizeof(*xg));

	core->xgaon = xg;
	if (!xg)
		return -ENOMEM;
	xg->cache = sim_dma_create();
	return xg->cache ? 0 : -ENOMEM;
}

void sim_xgaon_destroy(struct sim_core *core)
{
	struct sim_xgaon *xg = core->xgaon;

	if (!xg)
		return;
	sim_dma_destroy(xg->cache);
	free(xg);
}
