// SPDX-License-Identifier: MIT
/*
 * Running an RV64 program on one core.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "bare.h"

/* Instructions between looks at tohost. */
#define POLL	1024

static const struct sim_hart_ops ops = {
	.translate = bare_translate,
	.csr = bare_csr,
	.trap = bare_trap,
	.system = bare_system,
};

/* Every instruction is a cycle, so that mcycle and minstret are counters of their own. */
static const struct sim_hart_costs costs = { .scalar = 16, .vector_startup = 16, .dlen = 4096,
					     .vmem_bytes = 64 };

static int outcome(const struct bare *b)
{
	const struct sim_hart *h = b->hart;

	if (b->finished)
		return b->exit_code < 255 ? (int)b->exit_code : 255;
	if (b->stuck) {
		fprintf(stderr, "gaon-sim: no progress: cause %u at %#" PRIx64 ", tval %#" PRIx64
			", mtvec %#" PRIx64 "\n", h->fault.cause, h->fault.pc, h->fault.tval, b->mtvec);
		return SIM_RUNNER_STUCK;
	}
	fprintf(stderr, "gaon-sim: stopped after %" PRIu64 " instructions at %#" PRIx64 "\n",
		h->instret, h->pc);
	return SIM_RUNNER_LIMIT;
}

static void run(struct bare *b, const struct sim_runner_options *options)
{
	uint64_t left = options->max_instructions;
	enum sim_exit why = SIM_EXIT_BUDGET;

	while (left && why == SIM_EXIT_BUDGET && !b->finished) {
		uint64_t before = b->hart->instret, done;

		/* A line of code never exceeds a page: close to the limit, one by one. */
		if (options->trace)
			why = bare_trace_step(b, stderr);
		else if (left < POLL + SIM_PAGE_SIZE)
			why = sim_hart_step(b->hart);
		else
			why = sim_hart_run(b->hart, POLL);
		/* At least one, or a program that only traps would never reach the limit. */
		done = b->hart->instret - before;
		done = done && done <= left ? done : 1;
		left -= done;
		bare_poll(b);
	}
}

int sim_runner_core(const char *path, const struct sim_runner_options *options)
{
	struct bare *b = calloc(1, sizeof(*b));
	int status = SIM_RUNNER_ERROR;
	struct sim_elf elf;

	if (!b || sim_elf_open(&elf, path)) {
		free(b);
		return SIM_RUNNER_ERROR;
	}
	b->hart = sim_hart_create(options->vlen, &ops, b, &costs);
	b->old_v = b->hart ? malloc(32ull * b->hart->vlenb) : NULL;
	if (!b->old_v) {
		fprintf(stderr, "gaon-sim: out of memory\n");
	} else if (elf.bits != 64) {
		fprintf(stderr, "gaon-sim: %s: a 32-bit program wants --mcu\n", path);
	} else if (!bare_load(b, &elf)) {
		bare_reset(b);
		b->hart->pc = elf.entry;
		run(b, options);
		status = outcome(b);
	}
	bare_free(b);
	sim_hart_destroy(b->hart);
	sim_elf_close(&elf);
	free(b->old_v);
	free(b);
	return status;
}
