// SPDX-License-Identifier: MIT
/* What tests/conformance/debug_test.py debugs; it finds its lines by their comments. */
#include <gaon/device.h>

struct sum_args { uint64_t *out; const uint64_t *in; uint64_t n; };

static __attribute__((noinline)) uint64_t weigh(uint64_t value, uint64_t factor)
{
	uint64_t weighed = value * factor;

	return weighed + 1;	/* inner */
}

/* Each workgroup its own part of the sum. */
GAON_KERNEL(sums, struct sum_args, GAON_POINTERS(2, 0, 8))
{
	struct gaon_range part = gaon_share(args->n, 1);
	uint64_t sum = 0;	/* begins */

	for (uint64_t i = part.begin; i < part.end; i++)
		sum += weigh(args->in[i], 3);
	args->out[gaon_wg_linear()] = sum;	/* stores */
}

struct wild_args { uint64_t where; };

GAON_KERNEL(wild, struct wild_args)
{
	volatile uint64_t *where = (volatile uint64_t *)args->where;

	*where = 1;	/* faults */
}

GAON_KERNEL(fails, struct wild_args)
{
	gaon_assert(args->where == 7);	/* asserts */
}

GAON_KERNEL(vectors, struct sum_args, GAON_POINTERS(2, 0, 8))
{
	uint64_t vl;

	__asm__ volatile("vsetvli %0, x0, e64, m1, ta, ma" : "=r"(vl));
	__asm__ volatile("vid.v v5");
	__asm__ volatile("vse64.v v5, (%0)" :: "r"(args->out) : "memory");	/* vector */
}

GAON_KERNEL(forever, struct wild_args)
{
	volatile uint64_t turns = args->where;

	while (turns)	/* spins */
		turns = turns + 1 ? turns : 1;
}
