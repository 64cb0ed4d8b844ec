// SPDX-License-Identifier: MIT
/*
 * Memory of the host, made ready ahead of a program that fills HBM from one end to the other, as one that
 * loads a model does. Clearing a fresh page costs as much as copying into it, and much more where a
 * hypervisor has to give it first. A thread that has nothing else to do takes that over. What pages
 * hold does not change, so a wrong guess costs some memory that is resident and nothing else.
 */
#include <sys/mman.h>

#include "engine.h"

#define AHEAD_AFTER	(2ull << 20)	/* bytes that came one behind the other */
#define AHEAD_BYTES	(6ull << 20)	/* at most so far ahead */
#define AHEAD_GAP	4096u		/* of tensors, which are aligned */
#define HOST_HUGE_PAGE	(2ull << 20)

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void sim_ahead_note(struct gaon_sim *sim, struct sim_copy *copy)
{
	struct sim_ahead *a = &sim->engines->ahead;
	uint64_t first = copy->first, end = copy->end, from, to;

	copy->first = copy->end = 0;
	if (end <= first || a->off)
		return;
	if (first >= a->end && first - a->end <= AHEAD_GAP) {
		a->run += end - first;
	} else {
		a->run = end - first;
		a->ready = a->bytes = 0;
	}
	a->end = end;
	if (a->run < AHEAD_AFTER)
		return;
	from = a->bytes ? a->from : a->ready;
	from = max_u64(from, (end + HOST_HUGE_PAGE - 1) & -HOST_HUGE_PAGE);
	to = (end + AHEAD_BYTES) & -HOST_HUGE_PAGE;
	to = to < sim->config.hbm_bytes ? to : sim->config.hbm_bytes;
	if (from >= to)
		return;
	a->from = from;
	a->bytes = to - from;
	a->ready = to;
}

bool sim_ahead_pending(const struct gaon_sim *sim)
{
	const struct sim_ahead *a = &sim->engines->ahead;

	return a->bytes && !a->job.running;
}

struct sim_job *sim_ahead_take(struct gaon_sim *sim)
{
	struct sim_ahead *a = &sim->engines->ahead;

	if (!sim_ahead_pending(sim))
		return NULL;
	a->job.running = true;
	a->taken = a->from;
	a->taken_bytes = a->bytes;
	a->bytes = 0;
	return &a->job;
}

void sim_ahead_run(struct gaon_sim *sim)
{
	struct sim_ahead *a = &sim->engines->ahead;

	a->failed = madvise(sim->hbm + a->taken, a->taken_bytes, MADV_POPULATE_WRITE) != 0;
}

void sim_ahead_retire(struct gaon_sim *sim)
{
	struct sim_ahead *a = &sim->engines->ahead;

	a->job.running = false;
	/* A host that is old, or short of memory. */
	a->off |= a->failed;
	if (a->off)
		a->bytes = 0;
}

void sim_ahead_create(struct gaon_sim *sim)
{
	struct sim_ahead *a = &sim->engines->ahead;

	a->job = (struct sim_job){ .ahead = true };
	/* With one thread it would be the program's own; pages of a memory file are small ones. */
	a->off = sim->config.threads < 2 || sim->config.share_hbm;
}
