// SPDX-License-Identifier: MIT
/* One output element from the inputs at the same place; of arrays. */
#include <gaon/device.h>

#include "arithmetic.h"
#include "loops.h"
#include "ops_args.h"
#include "part.h"

#define GRANULE	256	/* elements: whole cache lines, whole vector registers */

GAON_KERNEL(ops_unary, struct ops_unary_args,
	    GAON_POINTERS(2, offsetof(struct ops_unary_args, y), offsetof(struct ops_unary_args, x)),
	    UNARY_STACK)
{
	struct gaon_range r = ops_share(args->count, GRANULE);

	unary_f32((float *)args->y + r.begin, (const float *)args->x + r.begin, r.end - r.begin,
		  args->op, args->alpha, args->beta);
}

GAON_KERNEL(ops_binary, struct ops_binary_args,
	    GAON_POINTERS(3, offsetof(struct ops_binary_args, y), offsetof(struct ops_binary_args, a),
			  offsetof(struct ops_binary_args, b)))
{
	struct gaon_range r = ops_share(args->count, GRANULE);
	const float *a = (const float *)args->a + r.begin, *b = (const float *)args->b + r.begin;
	float *y = (float *)args->y + r.begin;
	uint64_t n = r.end - r.begin;

	binary_f32(y, a, b, n, args->op);
}

static void bias_row(float *y, const float *x, const float *bias, uint32_t n)
{
	INDEPENDENT
	for (uint32_t i = 0; i < n; i++)
		y[i] = x[i] + bias[i];
}

GAON_KERNEL(ops_bias, struct ops_bias_args,
	    GAON_POINTERS(3, offsetof(struct ops_bias_args, y), offsetof(struct ops_bias_args, x),
			  offsetof(struct ops_bias_args, bias)), UNARY_STACK)
{
	struct gaon_range r = ops_share(args->rows, 1);
	const float *x = (const float *)args->x, *bias = (const float *)args->bias;
	float *y = (float *)args->y;
	uint64_t columns = args->columns;

	for (uint64_t row = r.begin; row < r.end; row++)
		bias_row(y + row * columns, x + row * columns, bias, args->columns);
	if (args->op != OPS_UNARY_COPY)
		unary_f32(y + r.begin * columns, y + r.begin * columns,
			  (r.end - r.begin) * columns, args->op, 1, 0);
}

GAON_KERNEL(ops_sgd, struct ops_sgd_args,
	    GAON_POINTERS(3, offsetof(struct ops_sgd_args, weight),
			  offsetof(struct ops_sgd_args, velocity),
			  offsetof(struct ops_sgd_args, grad)))
{
	struct gaon_range r = ops_share(args->count, GRANULE);
	float *restrict w = (float *)args->weight + r.begin;
	float *restrict v = (float *)args->velocity + r.begin;
	const float *restrict g = (const float *)args->grad + r.begin;
	float rate = args->rate, momentum = args->momentum, decay = args->decay;
	uint64_t n = r.end - r.begin;

	for (uint64_t i = 0; i < n; i++) {
		float next = gaon_fmaf(momentum, v[i], gaon_fmaf(decay, w[i], g[i]));

		v[i] = next;
		w[i] = gaon_fmaf(-rate, next, w[i]);
	}
}
