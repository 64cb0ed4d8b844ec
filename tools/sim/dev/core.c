// SPDX-License-Identifier: MIT
/*
 * A core: its hart's view of memory, the scratchpad window, CSRs, and how workgroups run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine.h"

#define FIRST_CHUNK	4096		/* instructions before the host's clock is looked at */
#define QUANTUM_NS	150000
#define FAULT_IN_UNIT	0x554e4954u	/* hart->fault.syndrome: the record is in the unit */
#define PAGE_MASK	(GAON_PAGE_SIZE - 1)
#define HUGE_PAGE	((uintptr_t)2 << 20)	/* of the host */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- faults ---------------------------------------------------------------------------------- */

static uint8_t *refuse(struct sim_hart *hart, uint64_t va, uint16_t type, uint8_t access)
{
	hart->fault.cause = SIM_CAUSE_CUSTOM;
	hart->fault.syndrome = type | (uint32_t)access << 16;
	hart->fault.tval = va;
	return NULL;
}

enum sim_op_status sim_core_fault(struct sim_core *core, uint16_t type, uint8_t access, uint64_t va,
				  uint64_t syndrome)
{
	core->unit->fault = (struct gaon_fault_record){
		.type = type, .access = access, .va = va, .syndrome = syndrome,
		.pc = core->hart->pc,
	};
	core->hart->fault.cause = SIM_CAUSE_CUSTOM;
	core->hart->fault.syndrome = FAULT_IN_UNIT;
	core->hart->fault.tval = va;
	return SIM_OP_FAULT;
}

/* From the hart's causes to the device's fault types. */
static void translate_cause(struct gaon_fault_record *rec, const struct sim_fault *f)
{
	rec->pc = f->pc;
	rec->va = f->tval;
	switch (f->cause) {
	case SIM_CAUSE_ILLEGAL:
		rec->type = GAON_FAULT_ILLEGAL;
		rec->access = GAON_ACCESS_FETCH;
		rec->va = f->pc;
		rec->syndrome = f->tval;
		break;
	case SIM_CAUSE_BREAK:
		rec->type = GAON_FAULT_BREAK;
		rec->va = 0;
		break;
	case SIM_CAUSE_ECALL_U:
		rec->type = GAON_FAULT_ECALL;
		rec->va = 0;
		break;
	case SIM_CAUSE_FETCH_MISALIGNED:
		rec->type = GAON_FAULT_MISALIGNED;
		rec->access = GAON_ACCESS_FETCH;
		break;
	case SIM_CAUSE_LOAD_MISALIGNED:
	case SIM_CAUSE_STORE_MISALIGNED:
		rec->type = GAON_FAULT_MISALIGNED;
		rec->access = GAON_ACCESS_ATOMIC;
		break;
	case SIM_CAUSE_CUSTOM:
		rec->type = (uint16_t)f->syndrome;
		rec->access = (uint8_t)(f->syndrome >> 16);
		break;
	default:
		rec->type = GAON_FAULT_BUS;
		break;
	}
}

static void take_fault(struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	struct gaon_fault_record *rec = &u->fault;

	if (core->hart->fault.cause != SIM_CAUSE_CUSTOM ||
	    core->hart->fault.syndrome != FAULT_IN_UNIT) {
		memset(rec, 0, sizeof(*rec));
		translate_cause(rec, &core->hart->fault);
	}
	rec->core = (uint8_t)core->index;
	rec->workgroup = (uint32_t)core->workgroup;
	u->faulted = true;
}

/* --- memory as the hart sees it -------------------------------------------------------------------- */

static uint8_t *translate_spm(struct sim_core *core, uint64_t va, enum sim_access access)
{
	static const uint8_t kinds[] = {
		[SIM_ACCESS_FETCH] = GAON_ACCESS_FETCH, [SIM_ACCESS_LOAD] = GAON_ACCESS_READ,
		[SIM_ACCESS_STORE] = GAON_ACCESS_WRITE, [SIM_ACCESS_AMO] = GAON_ACCESS_ATOMIC,
	};
	uint64_t offset = va - GAON_VA_SPM, page = offset / GAON_PAGE_SIZE;
	struct sim_unit *u = core->unit;

	if (access == SIM_ACCESS_FETCH)
		return refuse(core->hart, va, GAON_FAULT_PERMISSION, GAON_ACCESS_FETCH);
	if (offset >= core->sim->identify.spm_bytes ||
	    (offset >= u->spm_limit && offset < u->stack_base))
		return refuse(core->hart, va, GAON_FAULT_SPM_BOUNDS, kinds[access]);
	u->mapped[page / 64] |= 1ull << (page % 64);
	if (access != SIM_ACCESS_LOAD)
		u->dirty[page / 64] |= 1ull << (page % 64);
	return core->spm + offset;
}

static void note_code(struct gaon_sim *sim, const uint8_t *host)
{
	uint64_t page = (uint64_t)(host - sim->hbm) / GAON_PAGE_SIZE;

	__atomic_fetch_or(&sim->engines->code_pages[page / 64], 1ull << (page % 64),
			  __ATOMIC_RELAXED);
}

/*
 * A walk that found a large leaf answers for the pages behind as well: code that streams through
 * memory then walks once in sixteen pages.  An invalidation of the leaf drops all of them, because
 * it drops every entry of its pages.
 */
#define READ_AHEAD	15

static void read_ahead(struct sim_hart *hart, uint64_t va, enum sim_access access,
		       const struct sim_xlate *x)
{
	uint64_t pages = x->run / GAON_PAGE_SIZE, vpn = va / GAON_PAGE_SIZE;

	for (uint64_t i = 1; i < pages && i <= READ_AHEAD; i++)
		hart->tlb[access][sim_tlb_index(vpn + i)] = (struct sim_tlb_entry) {
			.tag = vpn + i, .host = x->host + i * GAON_PAGE_SIZE,
		};
}

/* A fault, or memory that is not reached by a pointer: the hart asks for every access then. */
static uint8_t *no_pointer(struct sim_core *core, uint64_t va, enum sim_access access, uint8_t kind,
			   const struct sim_xlate *x)
{
	uint8_t *copy = NULL;

	if (x->remote && access == SIM_ACCESS_FETCH)
		copy = sim_remote_fetch(core, x->pa);
	if (!copy)
		refuse(core->hart, va, x->fault_type, kind);
	if (x->remote && (access == SIM_ACCESS_LOAD || access == SIM_ACCESS_STORE))
		core->hart->fault.syndrome = SIM_MMIO;
	return copy;
}

static uint8_t *core_translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	static const uint8_t kinds[] = {
		[SIM_ACCESS_FETCH] = GAON_ACCESS_FETCH, [SIM_ACCESS_LOAD] = GAON_ACCESS_READ,
		[SIM_ACCESS_STORE] = GAON_ACCESS_WRITE, [SIM_ACCESS_AMO] = GAON_ACCESS_ATOMIC,
	};
	struct sim_core *core = hart->ctx;
	struct sim_xlate x;

	if (va >= GAON_VA_SPM && va < GAON_VA_SPM_LIMIT)
		return translate_spm(core, va, access);
	if (!sim_translate(core->sim, core->ctx, va, kinds[access], false, &x))
		return no_pointer(core, va, access, kinds[access], &x);
	if (access == SIM_ACCESS_AMO && !x.hbm)
		return refuse(hart, va, GAON_FAULT_BUS, GAON_ACCESS_ATOMIC);
	if (access == SIM_ACCESS_FETCH && x.hbm)
		note_code(core->sim, x.host);
	if ((access == SIM_ACCESS_LOAD || access == SIM_ACCESS_STORE) && x.hbm)
		read_ahead(hart, va, access, &x);
	return x.host;
}

static enum sim_op_status core_csr(struct sim_hart *hart, unsigned int csr, bool write, uint64_t set,
				   uint64_t *value)
{
	struct sim_core *core = hart->ctx;
	const struct sim_launch *l = core->launch;
	const uint32_t *grid = l->desc.grid;
	uint64_t wg = core->workgroup;

	(void)set;
	if (write)
		return SIM_OP_ILLEGAL;
	switch (csr) {
	case GAON_CSR_WG_X:
		*value = wg % grid[0];
		return SIM_OP_OK;
	case GAON_CSR_WG_Y:
		*value = wg / grid[0] % grid[1];
		return SIM_OP_OK;
	case GAON_CSR_WG_Z:
		*value = wg / grid[0] / grid[1];
		return SIM_OP_OK;
	case GAON_CSR_GRID_X:
	case GAON_CSR_GRID_Y:
	case GAON_CSR_GRID_Z:
		*value = grid[csr - GAON_CSR_GRID_X];
		return SIM_OP_OK;
	case GAON_CSR_WG_LINEAR:
		*value = wg;
		return SIM_OP_OK;
	case GAON_CSR_CORE:
		*value = core->index;
		return SIM_OP_OK;
	case GAON_CSR_CORES:
		*value = core->sim->identify.cores;
		return SIM_OP_OK;
	case GAON_CSR_CYCLE:
		*value = hart->cycles16 / 16;
		return SIM_OP_OK;
	case GAON_CSR_SPM_BASE:
		*value = GAON_VA_SPM;
		return SIM_OP_OK;
	case GAON_CSR_SPM_SIZE:
		*value = l->desc.spm_bytes;
		return SIM_OP_OK;
	case GAON_CSR_PRINT_VA:
		*value = core->ctx->print_va;
		return SIM_OP_OK;
	case GAON_CSR_LAUNCH_ID:
		*value = l->id;
		return SIM_OP_OK;
	case GAON_CSR_LAUNCH_TAG:
		*value = l->tag;
		return SIM_OP_OK;
	default:
		return SIM_OP_ILLEGAL;
	}
}

static const struct sim_hart_ops core_ops = {
	.translate = core_translate, .custom = sim_xgaon_custom, .csr = core_csr,
	.mmio = sim_remote_access, .mmio_is_memory = true,
};

bool sim_core_read(struct sim_core *core, uint64_t va, void *data, size_t len)
{
	uint8_t *to = data;

	while (len) {
		uint64_t in_page = GAON_PAGE_SIZE - (va & PAGE_MASK);
		size_t n = len < in_page ? len : in_page;
		const uint8_t *host = sim_hart_host(core->hart, va, SIM_ACCESS_LOAD);

		if (!host) {
			uint32_t syndrome = core->hart->fault.syndrome;

			if (syndrome == SIM_MMIO &&
			    sim_read_va(core->sim, core->ctx, va, false, to, n, NULL))
				goto next;
			if (syndrome == SIM_MMIO)
				syndrome = GAON_FAULT_BUS;
			sim_core_fault(core, (uint16_t)syndrome, GAON_ACCESS_READ, va, 0);
			return false;
		}
		memcpy(to, host, n);
next:
		to += n;
		va += n;
		len -= n;
	}
	return true;
}

/* --- scratchpad ------------------------------------------------------------------------------------- */

static uint64_t spm_words(const struct gaon_sim *sim)
{
	return (sim->identify.spm_bytes / GAON_PAGE_SIZE + 64) / 64;
}

void sim_core_mark_dirty(struct sim_core *core, uint64_t offset, uint64_t bytes)
{
	uint64_t last = (offset + bytes - 1) / GAON_PAGE_SIZE;

	for (uint64_t page = offset / GAON_PAGE_SIZE; page <= last; page++)
		core->unit->dirty[page / 64] |= 1ull << (page % 64);
}

static void clear_scratchpad(struct sim_core *core)
{
	uint64_t *dirty = core->unit->dirty;

	for (uint64_t word = 0; word < spm_words(core->sim); word++) {
		for (uint64_t m = dirty[word]; m; m &= m - 1) {
			uint64_t page = word * 64 + (uint64_t)__builtin_ctzll(m);

			memset(core->spm + page * GAON_PAGE_SIZE, 0, GAON_PAGE_SIZE);
		}
		dirty[word] = 0;
	}
}

/* Translations of pages in [from, to) that the new launch may not reach. */
static void unmap_window(struct sim_core *core, uint64_t from, uint64_t to)
{
	uint64_t *mapped = core->unit->mapped;

	for (uint64_t page = from / GAON_PAGE_SIZE; page < to / GAON_PAGE_SIZE; page++) {
		uint64_t bit = 1ull << (page % 64);

		if (!(mapped[page / 64] & bit)) {
			if (!mapped[page / 64])
				page |= 63;
			continue;
		}
		mapped[page / 64] &= ~bit;
		sim_hart_flush_page(core->hart, GAON_VA_SPM + page * GAON_PAGE_SIZE);
	}
}

static void set_window(struct sim_core *core, const struct gaon_pkt_launch *desc)
{
	uint64_t size = core->sim->identify.spm_bytes;
	uint64_t limit = (desc->spm_bytes + PAGE_MASK) & ~PAGE_MASK;
	uint64_t base = (size - desc->stack_bytes) & ~PAGE_MASK;
	struct sim_unit *u = core->unit;

	if (limit != u->spm_limit || base != u->stack_base)
		unmap_window(core, limit, base);
	u->spm_limit = limit;
	u->stack_base = base;
}

/* --- binding to a launch ------------------------------------------------------------------------------ */

static void flush(struct sim_core *core)
{
	sim_hart_flush_tlb(core->hart);
	sim_remote_drop(core);
	sim_xgaon_flush(core);
	memset(core->unit->mapped, 0, spm_words(core->sim) * 8);
}

/* A new owner sees nothing of the one before. */
static void change_owner(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	clear_scratchpad(core);
	atomic_store_explicit(&u->broken, false, memory_order_relaxed);
	sim_xgaon_drop(core);
	if (u->vector)
		memset(core->hart->v, 0, 32ull * core->hart->vlenb);
	u->vector = false;
}

void sim_core_bind(struct sim_core *core, struct sim_launch *l)
{
	struct sim_context *ctx = l->ctx;
	struct sim_unit *u = core->unit;
	uint32_t gen = atomic_load(&ctx->tlb_gen);
	uint32_t code_gen = atomic_load(&core->sim->engines->code_gen);
	bool owner = core->ctx != ctx || u->epoch != ctx->epoch;

	if (owner)
		change_owner(core);
	if (owner || core->tlb_gen != gen)
		flush(core);
	else if (u->code_gen != code_gen)
		sim_hart_flush_code(core->hart);
	core->ctx = ctx;
	core->tlb_gen = gen;
	u->epoch = ctx->epoch;
	u->code_gen = code_gen;
	set_window(core, &l->desc);
	if (l->part[core->index].saved)
		sim_preempt_load(core);
}

/* --- workgroups --------------------------------------------------------------------------------------- */

uint64_t sim_cycles_of(const struct gaon_sim *sim, const struct sim_hart *hart)
{
	return sim->config.no_time ? hart->instret : hart->cycles16 / 16;
}

void sim_core_begin(struct sim_core *core, uint64_t workgroup)
{
	const struct sim_launch *l = core->launch;
	struct sim_hart *h = core->hart;

	memset(h->x, 0, sizeof(h->x));
	memset(h->f, 0, sizeof(h->f));
	h->x[1] = GAON_EXIT_PC;
	h->x[2] = GAON_VA_SPM + core->sim->identify.spm_bytes;
	h->x[10] = l->desc.args_va;
	h->pc = l->desc.entry_va;
	h->vl = 0;
	h->vtype = 1ull << 63;
	h->vstart = 0;
	h->vxrm = h->vxsat = h->frm = h->fflags = 0;
	h->instret = 0;
	h->cycles16 = 0;
	h->exit_pc = GAON_EXIT_PC;
	h->lr_addr = UINT64_MAX;
	/* Vector registers are cleared by the first vector instruction, if there is one. */
	h->vs_off = true;
	core->workgroup = workgroup;
	core->unit->active = true;
	core->unit->wait = SIM_WAIT_NONE;
	core->unit->stop = GAON_STOP_NONE;
	sim_time_workgroup(core, true);
}

static void enable_vector(struct sim_core *core)
{
	if (core->unit->vector)
		memset(core->hart->v, 0, 32ull * core->hart->vlenb);
	core->unit->vector = true;
	core->hart->vs_off = false;
}

static bool over_limit(struct sim_core *core)
{
	struct sim_launch *l = core->launch;

	if (!l->limit || l->part[core->index].spent <= l->limit)
		return false;
	core->unit->fault = (struct gaon_fault_record){
		.type = GAON_FAULT_WATCHDOG, .core = (uint8_t)core->index, .pc = core->hart->pc,
		.workgroup = (uint32_t)core->workgroup,
	};
	core->unit->faulted = true;
	return true;
}

static void finish_workgroup(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	if (!sim_xgaon_drain(core)) {
		u->fault.core = (uint8_t)core->index;
		u->fault.workgroup = (uint32_t)core->workgroup;
		u->faulted = true;
		return;
	}
	sim_time_workgroup(core, false);
	u->active = false;
	u->ended++;
}

static enum sim_exit run_hart(struct sim_core *core, uint64_t budget)
{
	if (sim_flaw_hits(core) && core->sim->config.flaws.unit != GAON_SIM_UNIT_MATRIX)
		return sim_flaw_run(core, budget ? budget : 1);
	return budget ? sim_hart_run(core->hart, budget) : sim_hart_step(core->hart);
}

/* Execute up to @budget instructions of the workgroup, 0: one exactly; false: the core can't go on now. */
static bool run_chunk(struct sim_core *core, uint64_t budget)
{
	struct sim_hart *h = core->hart;
	struct sim_unit *u = core->unit;
	uint64_t cycles = sim_cycles_of(core->sim, h), instructions = h->instret;
	enum sim_exit exit = run_hart(core, budget);

	cycles = sim_cycles_of(core->sim, h) - cycles;
	u->cycles += cycles;
	u->instructions += h->instret - instructions;
	core->launch->part[core->index].spent += cycles;
	switch (exit) {
	case SIM_EXIT_DONE:
		/* A step that leads to the exit address shows the workgroup there. */
		if (!budget && h->instret != instructions)
			return true;
		finish_workgroup(core);
		return !u->faulted;
	case SIM_EXIT_BUDGET:
		return !over_limit(core);
	case SIM_EXIT_FAULT:
		if (h->vs_off && h->fault.cause == SIM_CAUSE_ILLEGAL) {
			enable_vector(core);
			return true;
		}
		take_fault(core);
		return false;
	default:
		return false;
	}
}

/* An uncorrectable error of the scratchpad ends the workgroup in it, and harms nobody if there is none. */
static bool scratchpad_broke(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	if (!atomic_load_explicit(&u->broken, memory_order_relaxed))
		return false;
	atomic_store_explicit(&u->broken, false, memory_order_relaxed);
	if (!u->active)
		return false;
	u->fault = (struct gaon_fault_record){
		.type = GAON_FAULT_ECC, .core = (uint8_t)core->index, .pc = core->hart->pc,
		.workgroup = (uint32_t)core->workgroup, .access = GAON_ACCESS_READ, .va = GAON_VA_SPM,
	};
	u->faulted = true;
	return true;
}

/*
 * The next workgroup of this core's share; false: none may start.  A stop keeps further ones from
 * starting, not the first of a turn: what was given one gets on, however soon the stop came behind.
 */
static bool begin_next(struct sim_core *core)
{
	struct sim_launch *l = core->launch;
	struct sim_part *part = &l->part[core->index];

	if (part->next >= l->total || atomic_load_explicit(&l->dead, memory_order_relaxed) ||
	    (core->unit->ended && atomic_load_explicit(&l->stop, memory_order_relaxed)))
		return false;
	sim_core_begin(core, part->next);
	part->next += core->sim->identify.cores;
	return true;
}

/* One instruction of the workgroup; at the exit address, its end. */
static void step_once(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	if (scratchpad_broke(core) || !u->active)
		return;
	while (!u->instructions && run_chunk(core, 0) && u->active)
		;
	u->stepped = u->instructions || !u->active || u->faulted;
}

void sim_core_run(struct sim_core *core)
{
	struct sim_unit *u = core->unit;
	uint64_t deadline = 0, checked = 0;

	u->ended = u->cycles = u->instructions = 0;
	u->faulted = u->stepped = false;
	if (atomic_load_explicit(&core->launch->dead, memory_order_relaxed))
		return;
	if (u->stepping) {
		step_once(core);
		return;
	}
	while (!__atomic_load_n(&core->hart->stop, __ATOMIC_RELAXED)) {
		if (scratchpad_broke(core) || (!u->active && !begin_next(core)))
			return;
		if (!run_chunk(core, FIRST_CHUNK))
			return;
		if (u->instructions - checked < FIRST_CHUNK)
			continue;
		checked = u->instructions;
		if (!deadline)
			deadline = now_ns() + QUANTUM_NS;
		else if (now_ns() >= deadline)
			return;
	}
}

/* --- life ---------------------------------------------------------------------------------------------- */

/* Products walk the scratchpad densely, so it gets huge pages if the host has any to give. */
static uint8_t *spm_map(struct sim_core *core)
{
	uint64_t bytes = core->sim->identify.spm_bytes;
	struct sim_unit *u = core->unit;
	uint8_t *spm;

	u->spm_map_bytes = bytes + HUGE_PAGE;
	u->spm_map = mmap(NULL, u->spm_map_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (u->spm_map == MAP_FAILED) {
		u->spm_map = NULL;
		return NULL;
	}
	spm = (uint8_t *)(((uintptr_t)u->spm_map + HUGE_PAGE - 1) & -HUGE_PAGE);
	madvise(spm, bytes, MADV_HUGEPAGE);
	return spm;
}

int sim_core_create(struct gaon_sim *sim, uint32_t index)
{
	struct sim_core *core = &sim->cores[index];
	struct sim_unit *u = &sim->engines->unit[index];
	int path = sim->config.matrix_path ? (int)sim->config.matrix_path - 1 : SIM_MATRIX_AUTO;

	core->sim = sim;
	core->index = index;
	core->unit = u;
	u->job.index = index;
	u->dirty = calloc(spm_words(sim), 8);
	u->mapped = calloc(spm_words(sim), 8);
	core->spm = spm_map(core);
	core->hart = sim_hart_create(sim->identify.vlen, &core_ops, core, &sim->engines->costs);
	core->matrix = sim_matrix_create((enum sim_matrix_path)path);
	if (!u->dirty || !u->mapped || !core->spm || !core->hart || !core->matrix)
		return -ENOMEM;
	if (!sim->config.no_compile)
		sim_hart_compile(core->hart, sim->config.compile_after ? sim->config.compile_after :
									 GAON_SIM_COMPILE_AFTER);
	return sim_xgaon_create(core);
}

void sim_core_destroy(struct sim_core *core)
{
	if (!core->unit)
		return;
	sim_xgaon_destroy(core);
	sim_hart_destroy(core->hart);
	sim_matrix_destroy(core->matrix);
	if (core->spm)
		munmap(core->unit->spm_map, core->unit->spm_map_bytes);
	free(core->unit->dirty);
	sim_remote_drop(core);
	free(core->unit->mapped);
	*core = (struct sim_core){ 0 };
}

void sim_core_reset(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	core->running = false;
	core->launch = NULL;
	u->job.running = false;
	u->active = u->faulted = false;
	u->wait = SIM_WAIT_NONE;
	u->kept = (struct gaon_core_state){ 0 };
	change_owner(core);
	sim_hart_reset(core->hart);
	flush(core);
	core->ctx = NULL;
}
