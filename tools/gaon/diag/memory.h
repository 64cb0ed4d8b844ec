/* SPDX-License-Identifier: MIT */
/* Sweeps over device memory: what the tests of memory are made of. */
#ifndef GAON_TOOLS_DIAG_MEMORY_H
#define GAON_TOOLS_DIAG_MEMORY_H

#include "diag.h"

#define DIAG_REGIONS	1024

struct diag_named_pattern {
	const char *name;
	struct diag_pattern pattern;
};

extern const struct diag_named_pattern diag_solid0, diag_solid1, diag_checker, diag_checker1, diag_address,
	diag_address1;
struct diag_named_pattern diag_random_pattern(uint64_t seed);

/* One element of a march: each word is @old, and becomes @now. */
struct diag_step {
	uint64_t flags;			/* DIAG_SWEEP_* */
	const struct diag_named_pattern *old, *now;
};

struct diag_region {
	struct gaon_mem *mem;
	uint64_t bytes, first;		/* first: bytes of the regions before */
};

struct diag_sweeper {
	struct diag *d;
	struct gaon_mem *results;
	struct diag_memory_result *host;
	uint64_t bytes;			/* of all regions */
	uint64_t done, total;		/* bytes swept, and to be swept: of progress */
	size_t count;
	struct diag_region regions[DIAG_REGIONS];
};

/*
 * Takes @bytes of device memory, or what is there; false: a finding says why. diag_sweeper_end() in
 * any case.
 */
bool diag_sweeper_begin(struct diag_sweeper *s, struct diag *d, uint64_t bytes, uint64_t block);
/* One step over all of it; what is wrong is found. False: it could not be, or is to end. */
bool diag_sweep(struct diag_sweeper *s, const struct diag_step *step);
void diag_sweeper_end(struct diag_sweeper *s);

#endif
