// SPDX-License-Identifier: MIT
/*
 * The invalidation queue: entries complete in order, each when no engine can use an older
 * translation any more.  A queue that overflows becomes one invalidation of everything, so that
 * no entry is ever lost.
 */
#include "devside.h"
#include "lie.h"

/* Cached translations of @asid are stale from now on. */
void sim_tlbi_bump(struct gaon_sim *sim, uint32_t asid)
{
	for (uint32_t i = 0; i < GAON_CONTEXTS; i++) {
		struct sim_context *ctx = &sim->contexts[i];

		if (ctx->enabled && (asid == GAON_TLBI_ALL || ctx->asid == asid))
			atomic_fetch_add(&ctx->tlb_gen, 1);
	}
}

static void tlbi_push(struct gaon_sim *sim, uint64_t seq)
{
	struct sim_tlbi *t = sim->tlbi;
	struct sim_tlbi_entry e = { .asid = t->asid, .va = t->va, .size = t->size, .seq = seq };

	if (t->count == GAON_TLBI_DEPTH) {
		e.asid = GAON_TLBI_ALL;
		t->count = 0;
		t->started = false;
	}
	t->queue[(t->head + t->count) % GAON_TLBI_DEPTH] = e;
	t->count++;
	sim->tele.tlbi++;
}

bool sim_tlbi_service(struct gaon_sim *sim)
{
	struct sim_tlbi *t = sim->tlbi;
	bool progress = false;

	while (t->count) {
		struct sim_tlbi_entry *e = &t->queue[t->head];

		/* The range is a hint to larger implementations: here the whole ASID goes. */
		if (!t->started) {
			sim_tlbi_bump(sim, e->asid);
			t->started = true;
		}
		if (!sim_jobs_quiesced(sim, e->asid))
			break;
		t->done = e->seq;
		t->head = (t->head + 1) % GAON_TLBI_DEPTH;
		t->count--;
		t->started = false;
		progress = true;
	}
	if (progress) {
		uint64_t told = t->done;

		if (t->done_addr && sim_lie_tlbi(sim, &told))
			sim_phys_store64(sim, t->done_addr, told);
		sim_run_notify(sim);
	}
	return progress;
}

uint64_t sim_tlbi_reg_read(struct gaon_sim *sim, uint64_t offset, unsigned int len)
{
	struct sim_tlbi *t = sim->tlbi;
	bool high = len == 4 && (offset & 4);
	uint64_t value = 0;

	switch (len == 8 ? offset : offset & ~4ull) {
	case GAON_REG_TLBI_DONE_ADDR:
		value = t->done_addr;
		break;
	case GAON_REG_TLBI_ASID:
		return high ? 0 : t->asid;
	case GAON_REG_TLBI_VA:
		value = t->va;
		break;
	case GAON_REG_TLBI_SIZE:
		value = t->size;
		break;
	case GAON_REG_TLBI_DONE:
		value = t->done;
		break;
	case GAON_REG_TLBI_FREE:
		return high ? 0 : GAON_TLBI_DEPTH - t->count;
	}
	return high ? value >> 32 : len == 4 ? (uint32_t)value : value;
}

void sim_tlbi_reg_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len)
{
	struct sim_tlbi *t = sim->tlbi;
	bool high = len == 4 && (offset & 4);

	switch (len == 8 ? offset : offset & ~4ull) {
	case GAON_REG_TLBI_DONE_ADDR:
		sim_regs_merge64(&t->done_addr, high, value, len);
		t->done_addr &= GAON_PA_MASK & ~7ull;
		break;
	case GAON_REG_TLBI_ASID:
		if (!high)
			t->asid = value;
		break;
	case GAON_REG_TLBI_VA:
		sim_regs_merge64(&t->va, high, value, len);
		break;
	case GAON_REG_TLBI_SIZE:
		sim_regs_merge64(&t->size, high, value, len);
		break;
	case GAON_REG_TLBI_SEQ:
		if (len == 4 && !high) {
			t->seq_low = value;
			break;
		}
		tlbi_push(sim, len == 8 ? value : value << 32 | t->seq_low);
		/* Storing the number may block where memory has no pointer: not on this thread. */
		if (sim->ops.dma_read || !sim_tlbi_service(sim))
			sim_run_poke(sim);
		break;
	}
}
