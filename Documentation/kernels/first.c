// SPDX-License-Identifier: MIT
/* y = a x + y: the first kernel of the guide. */
#include <gaon/device.h>

struct saxpy_args {
	float *y;
	const float *x;
	uint64_t count;
	float a;
};

GAON_KERNEL(saxpy, struct saxpy_args,
	    GAON_POINTERS(2, offsetof(struct saxpy_args, y), offsetof(struct saxpy_args, x)))
{
	struct gaon_range part = gaon_share(args->count, 64);
	const float *restrict x = args->x;
	float *restrict y = args->y;
	float a = args->a;

	gaon_assert(args->count > 0);
	if (gaon_wg_linear() == 0)
		gaon_printf("%u workgroups, %d elements each at most\n", gaon_workgroups(),
			    (int)(part.end - part.begin));
	for (uint64_t i = part.begin; i < part.end; i++)
		y[i] = a * x[i] + y[i];
}
