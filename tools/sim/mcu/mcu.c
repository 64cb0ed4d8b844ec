// SPDX-License-Identifier: MIT
/* The management core from outside: life, reset, interrupts, state, and what ends a run. */
#include <stdlib.h>

#include "mcu_internal.h"

static bool region_valid(const struct sim_mcu_region *r)
{
	return r->data && r->size && !(r->base % SIM_MCU_PAGE) && !(r->size % SIM_MCU_PAGE) &&
	       (uint64_t)r->base + r->size <= (1ull << 32);
}

static bool regions_overlap(const struct sim_mcu_region *a, const struct sim_mcu_region *b)
{
	return a->base < (uint64_t)b->base + b->size && b->base < (uint64_t)a->base + a->size;
}

static bool regions_valid(const struct sim_mcu_region *regions, unsigned int count)
{
	if (!count || count > SIM_MCU_REGIONS)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		if (!region_valid(&regions[i]))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (regions_overlap(&regions[i], &regions[j]))
				return false;
	}
	return true;
}

struct sim_mcu *sim_mcu_create(const struct sim_mcu_region *regions, unsigned int region_count,
			       const struct sim_mcu_ops *ops, void *ctx)
{
	struct sim_mcu *mcu;

	if (!regions_valid(regions, region_count))
		return NULL;
	mcu = calloc(1, sizeof(*mcu));
	if (!mcu)
		return NULL;
	if (ops)
		mcu->ops = *ops;
	mcu->ctx = ctx;
	for (unsigned int i = 0; i < region_count; i++) {
		struct mcu_region *r = &mcu->regions[i];

		r->pages = calloc(regions[i].size / SIM_MCU_PAGE, sizeof(*r->pages));
		if (!r->pages) {
			sim_mcu_destroy(mcu);
			return NULL;
		}
		r->base = regions[i].base;
		r->size = regions[i].size;
		r->data = regions[i].data;
		mcu->region_count++;
	}
	sim_mcu_reset(mcu, 0);
	return mcu;
}

void sim_mcu_destroy(struct sim_mcu *mcu)
{
	if (!mcu)
		return;
	mcu_drop_pages(mcu);
	for (unsigned int i = 0; i < mcu->region_count; i++)
		free(mcu->regions[i].pages);
	free(mcu);
}

void sim_mcu_set_bare(struct sim_mcu *mcu)
{
	mcu->bare = true;
}

void sim_mcu_reset(struct sim_mcu *mcu, uint32_t pc)
{
	const struct sim_mcu_state zero = { .pc = pc };

	mcu->retired = 0;
	sim_mcu_set_state(mcu, &zero);
}

static bool interrupt_enabled(const struct sim_mcu *mcu)
{
	return mcu->mip & mcu->mie;
}

bool sim_mcu_runnable(const struct sim_mcu *mcu)
{
	return !mcu->locked_up && (!mcu->waiting || interrupt_enabled(mcu));
}

void sim_mcu_set_irq(struct sim_mcu *mcu, uint32_t lines, bool level)
{
	lines &= SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP;
	mcu->mip = level ? mcu->mip | lines : mcu->mip & ~lines;
	mcu->attention = true;
}

void sim_mcu_stop(struct sim_mcu *mcu)
{
	mcu->stop = true;
	mcu->attention = true;
}

void sim_mcu_flush_icache(struct sim_mcu *mcu)
{
	mcu->flush = true;
	mcu->attention = true;
}

uint8_t *sim_mcu_memory(struct sim_mcu *mcu, uint32_t addr, uint32_t len)
{
	for (unsigned int i = 0; i < mcu->region_count; i++) {
		const struct mcu_region *r = &mcu->regions[i];

		if (len <= r->size && addr - r->base <= r->size - len)
			return r->data + (addr - r->base);
	}
	return NULL;
}

/* Between instructions: false with *@exit set when the run must end. */
static bool settle(struct sim_mcu *mcu, enum sim_mcu_exit *exit)
{
	mcu->attention = false;
	if (mcu->flush) {
		mcu_drop_pages(mcu);
		mcu->flush = false;
	}
	if (!mcu->locked_up && !mcu->stop && sim_mcu_runnable(mcu)) {
		mcu->waiting = false;
		mcu_take_interrupt(mcu);
	}
	if (mcu->locked_up)
		*exit = SIM_MCU_LOCKUP;
	else if (mcu->stop)
		*exit = SIM_MCU_STOP;
	else if (mcu->waiting)
		*exit = SIM_MCU_WFI;
	else
		return true;
	return false;
}

enum sim_mcu_exit sim_mcu_run(struct sim_mcu *mcu, uint64_t budget)
{
	enum sim_mcu_exit exit;

	mcu->stop = false;
	mcu->attention = true;
	do {
		if (mcu->attention && !settle(mcu, &exit))
			return exit;
		budget = mcu_execute(mcu, budget);
	} while (budget || mcu->attention);
	return SIM_MCU_BUDGET;
}

void sim_mcu_get_state(const struct sim_mcu *mcu, struct sim_mcu_state *state)
{
	*state = (struct sim_mcu_state){
		.pc = mcu->pc,
		.mstatus = mcu->mstatus,
		.mie = mcu->mie,
		.mip = mcu->mip,
		.mtvec = mcu->mtvec,
		.mscratch = mcu->mscratch,
		.mepc = mcu->mepc,
		.mcause = mcu->mcause,
		.mtval = mcu->mtval,
		.mcycle = mcu->retired + mcu->cycle_offset,
		.minstret = mcu->retired + mcu->instret_offset,
		.lr_addr = mcu->lr_addr,
		.lr_valid = mcu->lr_valid,
		.waiting = mcu->waiting,
		.locked_up = mcu->locked_up,
	};
	memcpy(state->x, mcu->x, sizeof(state->x));
}

void sim_mcu_set_state(struct sim_mcu *mcu, const struct sim_mcu_state *state)
{
	memcpy(mcu->x, state->x, sizeof(state->x));
	mcu->x[0] = 0;
	mcu->pc = state->pc & ~1u;
	mcu->mstatus = (state->mstatus & (SIM_MCU_MSTATUS_MIE | SIM_MCU_MSTATUS_MPIE)) |
		       SIM_MCU_MSTATUS_MPP;
	mcu->mie = state->mie & (SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP);
	mcu->mip = state->mip & (SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP);
	mcu->mtvec = state->mtvec & ~2u;
	mcu->mscratch = state->mscratch;
	mcu->mepc = state->mepc & ~1u;
	mcu->mcause = state->mcause & 0x8000001fu;
	mcu->mtval = state->mtval;
	mcu->cycle_offset = state->mcycle - mcu->retired;
	mcu->instret_offset = state->minstret - mcu->retired;
	mcu->lr_addr = state->lr_addr;
	mcu->lr_valid = state->lr_valid;
	mcu->waiting = state->waiting;
	mcu->locked_up = state->locked_up;
	mcu->trapped_at = UINT64_MAX;
	mcu->flush = true;
}
