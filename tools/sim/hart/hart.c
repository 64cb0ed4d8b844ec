// SPDX-License-Identifier: MIT
/*
 * A hart's life, its TLB and the loop around the interpreter.
 */
#include "hart.h"

#include <stdlib.h>

#include "exec.h"
#include "fp.h"
#include "jit.h"

static void tlb_clear(struct sim_hart *h)
{
	for (unsigned int kind = 0; kind < SIM_ACCESS_KINDS; kind++)
		for (unsigned int i = 0; i < SIM_TLB_ENTRIES; i++)
			h->tlb[kind][i].tag = SIM_TLB_INVALID;
	for (unsigned int i = 0; i < SIM_AMO_ENTRIES; i++)
		h->code->amo[i].tag = SIM_TLB_INVALID;
}

void sim_hart_flush_code(struct sim_hart *h)
{
	h->code->generation++;
}

void sim_hart_flush_tlb(struct sim_hart *h)
{
	tlb_clear(h);
	sim_hart_flush_code(h);
}

void sim_hart_flush_page(struct sim_hart *h, uint64_t va)
{
	uint64_t page = va >> SIM_PAGE_SHIFT;
	struct sim_tlb_entry *e;

	for (unsigned int kind = 0; kind < SIM_ACCESS_KINDS; kind++) {
		e = &h->tlb[kind][sim_tlb_index(page)];
		if (e->tag == page)
			e->tag = SIM_TLB_INVALID;
	}
	e = &h->code->amo[page % SIM_AMO_ENTRIES];
	if (e->tag == page)
		e->tag = SIM_TLB_INVALID;
	sim_code_forget(h, va);
	/* The last instruction of the page before may end in this one. */
	sim_code_forget(h, va - SIM_PAGE_SIZE);
}

void sim_hart_reset(struct sim_hart *h)
{
	memset(h->x, 0, sizeof(h->x));
	memset(h->f, 0, sizeof(h->f));
	memset(h->v, 0, 32ull * h->vlenb);
	h->pc = 0;
	h->vl = 0;
	h->vtype = 1ull << 63;
	h->vstart = 0;
	h->vxrm = h->vxsat = 0;
	h->frm = h->fflags = 0;
	h->priv = 0;
	h->fs_off = h->vs_off = false;
	h->counters_off = 0;
	h->instret = h->cycles16 = 0;
	h->exit_pc = UINT64_MAX;
	h->lr_addr = UINT64_MAX;
	h->lr_value = 0;
	memset(&h->fault, 0, sizeof(h->fault));
}

struct sim_hart *sim_hart_create(unsigned int vlen, const struct sim_hart_ops *ops, void *ctx,
				 const struct sim_hart_costs *costs)
{
	struct sim_hart *h;

	if (vlen < SIM_VLEN_MIN || vlen > SIM_VLEN_MAX || (vlen & (vlen - 1)))
		return NULL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->vlenb = vlen / 8;
	h->v = aligned_alloc(64, 32ull * h->vlenb);
	h->code = sim_code_create();
	if (!h->v || !h->code) {
		sim_hart_destroy(h);
		return NULL;
	}
	h->ops = ops;
	h->ctx = ctx;
	h->costs = costs;
	tlb_clear(h);
	sim_hart_reset(h);
	return h;
}

void sim_hart_destroy(struct sim_hart *h)
{
	if (!h)
		return;
	sim_code_destroy(h->code);
	jit_destroy(h->jit);
	free(h->v);
	free(h);
}

/* Run at most about @budget (1 to SIM_CHUNK) instructions, in @step if it is not NULL. */
static enum sim_leave run_chunk(struct sim_hart *h, uint64_t budget, struct sim_code_page *step)
{
	int64_t acc = -(int64_t)budget * SIM_INFO_ONE;
	const struct sim_op *op;

	h->code->base = -(int64_t)budget;
	if (!step)
		return (enum sim_leave)sim_x_goto(h, NULL, NULL, acc);
	op = &step->ops[step->lo];
	return (enum sim_leave)op->fn(h, op, step, acc + op->info);
}

/* Decoded pages know where exit_pc is: they stop there even if no jump leads to it. */
static void adopt_exit_pc(struct sim_hart *h)
{
	if (h->code->exit_pc == h->exit_pc)
		return;
	sim_code_forget(h, h->code->exit_pc);
	sim_code_forget(h, h->exit_pc);
	h->code->exit_pc = h->exit_pc;
}

static enum sim_exit run(struct sim_hart *h, uint64_t budget)
{
	uint64_t used = 0;

	while (used < budget) {
		uint64_t left = budget - used, chunk = left < SIM_CHUNK ? left : SIM_CHUNK;

		if (__atomic_load_n(&h->stop, __ATOMIC_RELAXED))
			return SIM_EXIT_STOP;
		switch (run_chunk(h, chunk, NULL)) {
		case SIM_LEAVE_BUDGET:
			break;
		case SIM_LEAVE_STALL:
			return SIM_EXIT_STALL;
		case SIM_LEAVE_DONE:
			return SIM_EXIT_DONE;
		case SIM_LEAVE_FAULT:
			sim_hart_settle_fp(h);
			if (!h->ops->trap || !h->ops->trap(h))
				return SIM_EXIT_FAULT;
			/* A trap uses budget, else a handler that faults would never end. */
			used++;
			break;
		}
		/* Not from instret, which a callback may write. */
		used += (uint64_t)(h->code->base + (int64_t)chunk);
	}
	return SIM_EXIT_BUDGET;
}

enum sim_exit sim_hart_run(struct sim_hart *h, uint64_t budget)
{
	uint64_t host = sim_fp_host_enter();
	enum sim_exit result;

	adopt_exit_pc(h);
	h->fp_lazy = true;
	result = run(h, budget);
	h->fp_lazy = false;
	sim_hart_settle_fp(h);
	sim_fp_host_leave(host);
	return result;
}

static enum sim_exit step(struct sim_hart *h)
{
	struct sim_code_page *pg;

	if (h->pc == h->exit_pc)
		return SIM_EXIT_DONE;
	pg = h->pc & 1 ? NULL : sim_code_step_page(h, h->pc);
	/* Without a page of its own the instruction may take its line along. */
	switch (run_chunk(h, 1, pg)) {
	case SIM_LEAVE_STALL:
		return SIM_EXIT_STALL;
	case SIM_LEAVE_DONE:
		return SIM_EXIT_DONE;
	case SIM_LEAVE_FAULT:
		sim_hart_settle_fp(h);
		return h->ops->trap && h->ops->trap(h) ? SIM_EXIT_BUDGET : SIM_EXIT_FAULT;
	default:
		return SIM_EXIT_BUDGET;
	}
}

enum sim_exit sim_hart_step(struct sim_hart *h)
{
	uint64_t host = sim_fp_host_enter();
	enum sim_exit result;

	adopt_exit_pc(h);
	h->fp_lazy = true;
	result = step(h);
	h->fp_lazy = false;
	sim_hart_settle_fp(h);
	sim_fp_host_leave(host);
	return result;
}
