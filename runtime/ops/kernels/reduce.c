// SPDX-License-Identifier: MIT
/* Sums, maxima and the place of the maximum, over the rows or the columns of a matrix. */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"

static int32_t argmax(const float *x, uint32_t n)
{
	float top = gaon_reduce_max_f32(x, n);

	for (uint32_t i = 0; i < n; i++)
		if (x[i] == top)
			return (int32_t)i;
	return 0;		/* nothing but NaN */
}

/* y[r] from row r of x */
GAON_KERNEL(ops_reduce_rows, struct ops_reduce_args,
	    GAON_POINTERS(2, offsetof(struct ops_reduce_args, y),
			  offsetof(struct ops_reduce_args, x)))
{
	struct gaon_range r = ops_share(args->rows, 1);
	const float *x = (const float *)args->x;

	for (uint64_t row = r.begin; row < r.end; row++) {
		const float *from = x + row * args->columns;

		switch (args->op) {
		case OPS_REDUCE_SUM:
			((float *)args->y)[row] =
				gaon_reduce_sum_f32(from, args->columns) * args->scale;
			break;
		case OPS_REDUCE_MAX:
			((float *)args->y)[row] = gaon_reduce_max_f32(from, args->columns);
			break;
		case OPS_REDUCE_ARGMAX:
			((int32_t *)args->y)[row] = argmax(from, args->columns);
			break;
		default: gaon_assert(!"reduction exists");
		}
	}
}

#define STRIP	1024	/* columns whose partial results stay near the core */

/* y[c] from column c of x, rows in order: the sum is the same whatever VLEN and the grid are. */
GAON_KERNEL(ops_reduce_columns, struct ops_reduce_args,
	    GAON_POINTERS(2, offsetof(struct ops_reduce_args, y),
			  offsetof(struct ops_reduce_args, x)),
	    .spm_bytes = STRIP * sizeof(float))
{
	struct gaon_range r = ops_share(args->columns, 64);
	const float *x = (const float *)args->x;
	float *restrict acc = gaon_spm(float, 0), *y = (float *)args->y;
	int max = args->op == OPS_REDUCE_MAX;

	for (uint64_t at = r.begin; at < r.end; at += STRIP) {
		uint64_t n = r.end - at < STRIP ? r.end - at : STRIP;

		for (uint64_t i = 0; i < n; i++)
			acc[i] = max ? -GAON_INF : 0;
		for (uint64_t row = 0; row < args->rows; row++) {
			const float *restrict from = x + row * args->columns + at;

			if (max)
				for (uint64_t i = 0; i < n; i++)
					acc[i] = gaon_maxf(acc[i], from[i]);
			else
				for (uint64_t i = 0; i < n; i++)
					acc[i] += from[i];
		}
		for (uint64_t i = 0; i < n; i++)
			y[at + i] = max ? acc[i] : acc[i] * args->scale;
	}
}
