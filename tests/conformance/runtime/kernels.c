// SPDX-License-Identifier: MIT
/* Kernels of the runtime's conformance tests: some work, most misbehave. */
#include <gaon/device.h>

#include "kernels.h"

uint64_t conf_global = 42;
uint64_t *conf_pointer = &conf_global;	/* needs a relocation */

GAON_KERNEL(conf_noop, struct conf_args)
{
	(void)args;
}

GAON_KERNEL(conf_saxpy, struct conf_saxpy_args,
	    GAON_POINTERS(2, offsetof(struct conf_saxpy_args, x), offsetof(struct conf_saxpy_args, y)))
{
	struct gaon_range r = gaon_share(args->count, 16);
	const float *x = (const float *)args->x;
	float *y = (float *)args->y;

	for (uint64_t i = r.begin; i < r.end; i++)
		y[i] = args->a * x[i] + y[i];
}

/* Each workgroup leaves its coordinates. */
GAON_KERNEL(conf_grid, struct conf_args)
{
	uint32_t *out = (uint32_t *)args->va + 4 * (size_t)gaon_wg_linear();

	out[0] = gaon_wg_x();
	out[1] = gaon_wg_y();
	out[2] = gaon_wg_z();
	out[3] = gaon_grid_x() * 10000 + gaon_grid_y() * 100 + gaon_grid_z();
}

/* v = v * 2 + value, so that order shows. */
GAON_KERNEL(conf_step, struct conf_args)
{
	uint64_t *v = (uint64_t *)args->va;

	*v = *v * 2 + args->value;
}

GAON_KERNEL(conf_global_get, struct conf_args)
{
	*(uint64_t *)args->va = *conf_pointer;
	conf_global += args->value;
}

/* Busy for about `value` rounds. */
GAON_KERNEL(conf_busy, struct conf_args)
{
	volatile uint64_t *out = (volatile uint64_t *)args->va;

	for (uint64_t i = 0; i < args->value; i++)
		__asm__ volatile("");
	if (out)
		*out = args->value;
}

/* Busy until the host stores something at va. */
GAON_KERNEL(conf_until, struct conf_args)
{
	while (!*(volatile uint64_t *)args->va)
		;
}

GAON_KERNEL(conf_print, struct conf_args)
{
	gaon_printf("wg %u: %d %s %5.2f %llx\n", gaon_wg_linear(), (int)args->value, "text", 1.5,
		    (unsigned long long)args->value);
}

GAON_KERNEL(conf_print_many, struct conf_args)
{
	for (uint64_t i = 0; i < args->value; i++)
		gaon_printf("%u\n", (unsigned int)i);
}

GAON_KERNEL(conf_assert, struct conf_args)
{
	gaon_assert(args->value == gaon_wg_linear() + 1000);
}

GAON_KERNEL(conf_assert_small, struct conf_args)
{
	gaon_assert(args->value < 7);
}

GAON_KERNEL(conf_store, struct conf_args)
{
	*(volatile uint64_t *)args->va = args->value;
}

GAON_KERNEL(conf_load, struct conf_args)
{
	(void)*(volatile uint64_t *)args->va;
}

GAON_KERNEL(conf_loop, struct conf_args)
{
	(void)args;
	for (;;)
		__asm__ volatile("");
}

GAON_KERNEL(conf_illegal, struct conf_args)
{
	(void)args;
	__asm__ volatile(".word 0");
}

GAON_KERNEL(conf_ecall, struct conf_args)
{
	(void)args;
	__asm__ volatile("ecall");
}

/* Runs what lies in data. */
GAON_KERNEL(conf_jump, struct conf_args)
{
	void (*target)(void) = (void (*)(void))args->va;

	target();
}

GAON_KERNEL(conf_spm, struct conf_args, .spm_bytes = 4096)
{
	volatile uint8_t *spm = gaon_spm_at(0);

	spm[args->value] = 1;
}

GAON_KERNEL(conf_cooperative, struct conf_args, GAON_COOPERATIVE)
{
	(void)args;
}

/* A test puts other instructions in the place of these. */
GAON_KERNEL(conf_garbage, struct conf_args)
{
	__asm__ volatile(".rept %1\n\t.word %2\n\t.endr"
			 : : "r"(args), "i"(CONF_GARBAGE_WORDS), "i"(CONF_GARBAGE) : "memory");
}

/* Over what lies around its arguments, upwards or downwards, until that ends. */
GAON_KERNEL(conf_scribble, struct conf_args)
{
	volatile uint64_t *p = (volatile uint64_t *)((uintptr_t)args & ~4095ul);
	uint64_t down = args->va, value = args->value;

	for (;;) {
		*p = value;
		p += down ? -1 : 1;
	}
}
