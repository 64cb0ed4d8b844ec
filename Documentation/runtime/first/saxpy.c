// SPDX-License-Identifier: MIT
#include <gaon/device.h>

#include "saxpy.h"

/* Each workgroup takes its share of y = a x + y. */
GAON_KERNEL(saxpy, struct saxpy_args,
	    GAON_POINTERS(2, offsetof(struct saxpy_args, x), offsetof(struct saxpy_args, y)))
{
	struct gaon_range share = gaon_share(args->count, 1);
	const float *x = (const float *)args->x;
	float *y = (float *)args->y;

	for (uint64_t i = share.begin; i < share.end; i++)
		y[i] = args->a * x[i] + y[i];
}
