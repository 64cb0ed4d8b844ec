// SPDX-License-Identifier: MIT
/*
 * Copy engines: copies and fills of up to four dimensions between any memory that a context maps.
 * A job moves a bounded piece; runs that are contiguous on both sides go in one piece.
 */
#include <string.h>

#include "engine.h"

#define RUNS_PER_CHUNK	32768
/*
 * Runs of zeros from here on give the host its memory back, which makes the next store to a memory
 * file dear: a driver's clearing is as long, what a program zeroes in every step seldom is.
 */
#define RELEASE_BYTES	(16ull << 20)
#define HOST_HUGE_PAGE	(2ull << 20)

/* --- moving bytes --------------------------------------------------------------------------- */

/* The run starts at a multiple of the pattern's size within the row, and so does every piece. */
static void fill_bytes(const struct sim_copy *copy, uint8_t *dst, uint64_t bytes)
{
	uint8_t block[64];
	uint64_t at = 0;

	if (copy->desc.pattern_size == 1) {
		memset(dst, copy->pattern[0], bytes);
		return;
	}
	for (unsigned int i = 0; i < sizeof(block); i++)
		block[i] = copy->pattern[i & (copy->desc.pattern_size - 1)];
	if (!memcmp(block, block + 1, sizeof(block) - 1)) {
		memset(dst, block[0], bytes);
		return;
	}
	for (; bytes - at >= sizeof(block); at += sizeof(block))
		memcpy(dst + at, block, sizeof(block));
	memcpy(dst + at, block, bytes - at);
}

static bool releases(const struct sim_copy *copy)
{
	uint8_t any = 0;

	if (!copy->fill || copy->desc.bytes < RELEASE_BYTES)
		return false;
	for (unsigned int i = 0; i < copy->desc.pattern_size; i++)
		any |= copy->pattern[i];
	return !any;
}

/* --- runs -------------------------------------------------------------------------------------- */

static bool reach(struct gaon_sim *sim, struct sim_copy *copy, uint64_t va, bool kernel, bool write,
		  struct sim_xlate *x)
{
	uint8_t access = write ? GAON_ACCESS_WRITE : GAON_ACCESS_READ;

	if (sim_translate(sim, copy->ctx, va, access, kernel, x) || x->remote)
		return true;
	copy->fault = (struct gaon_fault_record){
		.type = x->fault_type, .access = access, .core = GAON_FAULT_CORE_NONE, .va = va,
	};
	return false;
}

/* More of the same if the next pages follow in the host's memory too. */
static void extend(struct gaon_sim *sim, struct sim_copy *copy, uint64_t va, bool kernel, bool write,
		   uint64_t want, struct sim_xlate *x)
{
	struct gaon_fault_record keep = copy->fault;
	struct sim_xlate next;

	while (x->run < want && x->host && reach(sim, copy, va + x->run, kernel, write, &next) &&
	       next.host == x->host + x->run && next.hbm == x->hbm)
		x->run += next.run;
	copy->fault = keep;
}

/* Instructions that cores have fetched from here are stale now. */
static void note_written(struct gaon_sim *sim, const struct sim_xlate *x, uint64_t bytes)
{
	uint64_t offset, last;

	if (!x->hbm)
		return;
	offset = (uint64_t)(x->host - sim->hbm);
	last = (offset + bytes - 1) / GAON_PAGE_SIZE;
	for (uint64_t page = offset / GAON_PAGE_SIZE; page <= last; page++) {
		uint64_t word = __atomic_load_n(&sim->engines->code_pages[page / 64],
						__ATOMIC_RELAXED);

		if (!word) {
			page |= 63;
			continue;
		}
		if (word >> (page % 64) & 1) {
			atomic_fetch_add(&sim->engines->code_gen, 1);
			return;
		}
	}
}

/* One side or both without a pointer: through a buffer.  At most to the end of a page. */
static bool move_remote(struct gaon_sim *sim, struct sim_copy *copy, const struct sim_xlate *to,
			const struct sim_xlate *from, uint64_t n)
{
	uint8_t buffer[GAON_PAGE_SIZE];
	bool good = true;

	if (copy->fill)
		fill_bytes(copy, buffer, n);
	else if (from->host)
		memcpy(buffer, from->host, n);
	else
		good = sim_phys_read(sim, from->pa, buffer, n);
	if (good && to->host)
		memcpy(to->host, buffer, n);
	else if (good)
		good = sim_phys_write(sim, to->pa, buffer, n);
	if (!good)
		copy->fault = (struct gaon_fault_record){
			.type = GAON_FAULT_BUS, .core = GAON_FAULT_CORE_NONE,
		};
	return good;
}

/* Move about @budget bytes of the current run; 0: a fault. */
static uint64_t move(struct gaon_sim *sim, struct sim_copy *copy, uint64_t dst, uint64_t src,
		     uint64_t budget)
{
	uint64_t rest = copy->desc.bytes - copy->done, n = rest < budget ? rest : budget;
	struct sim_xlate to, from = { .hbm = true };
	bool release = releases(copy);

	if (!reach(sim, copy, dst + copy->done, copy->dst_kernel, true, &to))
		return 0;
	/* To the end of a huge page of the host, so that none is split between this job and the next. */
	if (release && to.hbm && n < rest) {
		n += -((uintptr_t)to.host + n) & (HOST_HUGE_PAGE - 1);
		n = n < rest ? n : rest;
	}
	extend(sim, copy, dst + copy->done, copy->dst_kernel, true, n, &to);
	n = n < to.run ? n : to.run;
	if (release && to.hbm) {
		sim_hbm_clear(sim, to.host, n);
	} else if (copy->fill && to.host) {
		fill_bytes(copy, to.host, n);
	} else if (!copy->fill) {
		if (!reach(sim, copy, src + copy->done, copy->src_kernel, false, &from))
			return 0;
		extend(sim, copy, src + copy->done, copy->src_kernel, false, n, &from);
		n = n < from.run ? n : from.run;
		/* Two addresses of one page may overlap although the descriptor's ranges do not. */
		if (to.host && from.host)
			memmove(to.host, from.host, n);
		if (to.host && to.hbm != from.hbm && sim->config.flaws.wire_mask &&
		    copy->desc.bytes >= GAON_SIM_WIRE_BYTES)
			sim_flaw_crossed(sim, to.host, dst + copy->done, n);
		*(from.hbm ? &copy->hbm_read : &copy->host_read) += n;
	}
	if (to.remote || from.remote) {
		n = n < GAON_PAGE_SIZE ? n : GAON_PAGE_SIZE;
		if (!move_remote(sim, copy, &to, &from, n))
			return 0;
	}
	*(to.hbm ? &copy->hbm_write : &copy->host_write) += n;
	if (to.hbm && from.host && !copy->fill) {
		copy->end = (uint64_t)(to.host - sim->hbm) + n;
		copy->first = copy->first ? copy->first : copy->end - n;
	}
	note_written(sim, &to, n);
	return n;
}

/* To the next run; false after the last. */
static bool next_run(struct sim_copy *copy)
{
	copy->done = 0;
	for (unsigned int i = 0; i < 3; i++) {
		if (++copy->at[i] < copy->desc.count[i])
			return true;
		copy->at[i] = 0;
	}
	return false;
}

static uint64_t at_run(const struct sim_copy *copy, uint64_t va, const int64_t stride[3])
{
	for (unsigned int i = 0; i < 3; i++)
		va += copy->at[i] * (uint64_t)stride[i];
	return va;
}

void sim_copy_run(struct gaon_sim *sim, struct sim_copy *copy, uint64_t budget)
{
	unsigned int runs = 0;

	while (budget && runs < RUNS_PER_CHUNK) {
		uint64_t dst = at_run(copy, copy->desc.dst_va, copy->desc.dst_stride);
		uint64_t src = at_run(copy, copy->desc.src_va, copy->desc.src_stride);
		uint64_t n = move(sim, copy, dst, src, budget);

		if (!n)
			return;
		budget -= n < budget ? n : budget;
		copy->done += n;
		if (copy->done < copy->desc.bytes)
			continue;
		runs++;
		if (!next_run(copy)) {
			copy->finished = true;
			return;
		}
	}
}

/* --- start and end ---------------------------------------------------------------------------------- */

/* Dimensions that continue the run on both sides are part of it. */
static void fold(struct gaon_copy_desc *d, bool fill)
{
	for (unsigned int dims = 3; dims; dims--) {
		if (d->count[0] != 1 &&
		    (d->dst_stride[0] < 0 || (uint64_t)d->dst_stride[0] != d->bytes ||
		     (!fill && (uint64_t)d->src_stride[0] != d->bytes)))
			return;
		d->bytes *= d->count[0];
		for (unsigned int i = 0; i < 2; i++) {
			d->count[i] = d->count[i + 1];
			d->dst_stride[i] = d->dst_stride[i + 1];
			d->src_stride[i] = d->src_stride[i + 1];
		}
		d->count[2] = 1;
		d->dst_stride[2] = d->src_stride[2] = 0;
	}
}

void sim_copy_init(struct sim_copy *copy, struct sim_context *ctx, const struct gaon_copy_desc *desc,
		   bool fill, const uint8_t pattern[8])
{
	*copy = (struct sim_copy){
		.fill = fill, .ctx = ctx, .desc = *desc,
		.dst_kernel = desc->dst_va >= GAON_VA_KERNEL_MIN,
		.src_kernel = desc->src_va >= GAON_VA_KERNEL_MIN,
	};
	memcpy(copy->pattern, pattern, sizeof(copy->pattern));
	fold(&copy->desc, fill);
}

void sim_copy_start(struct gaon_sim *sim, struct sim_slot *slot, const struct gaon_copy_desc *desc,
		    bool fill, const uint8_t pattern[8])
{
	struct sim_copy *copy = &sim_slot_engine(sim, slot)->copy;

	sim_copy_init(copy, slot->ctx, desc, fill, pattern);
	copy->busy = true;
	copy->served = sim->order;
	slot->copy = copy;
	sim->engines->copies |= 1ull << slot->index;
}

static void end(struct gaon_sim *sim, struct sim_slot *slot, struct sim_copy *copy)
{
	copy->busy = false;
	slot->copy = NULL;
	sim->engines->copies &= ~(1ull << slot->index);
}

void sim_copy_suspend(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_copy *copy = &sim_slot_engine(sim, slot)->copy;

	sim_time_copy(sim, slot, copy);
	end(sim, slot, copy);
}

void sim_copy_settle(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct sim_slot_engine *se = sim_slot_engine(sim, slot);
	struct sim_copy *copy = &se->copy;

	if (!copy->busy || copy->running)
		return;
	if (se->stop == SIM_STOP_SAVE && !copy->finished && copy->fault.type == GAON_FAULT_NONE) {
		sim_packet_stop(sim, slot);
		return;
	}
	if (se->stop != SIM_STOP_KILL && !copy->finished && copy->fault.type == GAON_FAULT_NONE)
		return;
	sim_time_copy(sim, slot, copy);
	if (se->stop == SIM_STOP_KILL) {
		end(sim, slot, copy);
		sim_packet_stop(sim, slot);
	} else if (copy->fault.type != GAON_FAULT_NONE) {
		end(sim, slot, copy);
		sim_packet_fault(sim, slot, &copy->fault);
	} else {
		end(sim, slot, copy);
		sim_packet_done(sim, slot);
	}
}
