// SPDX-License-Identifier: MIT
/*
 * Many small operators in one launch.  Each core runs its part of one step after the other; where a
 * step needs what others have done, all cores meet first.  That costs a fraction of what it takes to
 * end a launch and to begin the next one.
 */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"
#include "tensor_args.h"

/* The kernels' own entries; their arguments lie where a launch would have them. */
#define KERNEL(number, name, type)	\
	void name(const struct type *args);
#include "sequence_kernels.h"
#undef KERNEL

static void run(uint32_t kernel, uint64_t args)
{
	switch (kernel) {
#define KERNEL(number, name, type)	\
	case number:			\
		name((const struct type *)args);	\
		break;
#include "sequence_kernels.h"
#undef KERNEL
	default:
		gaon_assert(0);
	}
}

GAON_KERNEL(ops_sequence, struct ops_sequence_args,
	    GAON_POINTERS(1, offsetof(struct ops_sequence_args, steps)),
	    GAON_COOPERATIVE, GAON_STACK(OPS_SEQUENCE_STACK))
{
	const struct ops_step *steps = (const struct ops_step *)args->steps;
	uint32_t cores = gaon_workgroups(), core = gaon_wg_linear();

	for (uint32_t i = 0; i < args->count; i++) {
		const struct ops_step *s = &steps[i];
		uint32_t part = (core + cores - s->first) % cores;

		if (s->meets)
			gaon_barrier();
		if (part >= s->parts)
			continue;
		ops_part_set(s->parts, part);
		run(s->kernel, s->args);
		/* Its scratchpad is the next one's, and others may look at what it stored. */
		gaon_fence();
	}
}
