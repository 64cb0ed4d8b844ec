// SPDX-License-Identifier: MIT
/* What tests/conformance/cli_test.py has `gaon run` run. */
#include <gaon/device.h>

struct saxpy_args { float *y; const float *x; float a; uint64_t n; };

GAON_KERNEL(saxpy, struct saxpy_args, GAON_POINTERS(2, 0, 8))
{
	struct gaon_range part = gaon_share(args->n, 64);

	for (uint64_t i = part.begin; i < part.end; i++)
		args->y[i] += args->a * args->x[i];
}

struct wild_args { uint64_t where; };

GAON_KERNEL(wild, struct wild_args)
{
	*(volatile uint64_t *)args->where = 1;
}

GAON_KERNEL(forever, struct wild_args)
{
	(void)args;
	for (;;)
		__asm__ volatile("");
}

GAON_KERNEL(hello, struct wild_args)
{
	gaon_printf("hello %u\n", (unsigned int)args->where);
}
