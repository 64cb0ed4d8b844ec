// SPDX-License-Identifier: MIT
/* Softmax of rows, and cross-entropy against integer labels with its gradient. */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"

/* out = e^(x - top), which is returned summed */
static float exp_row(float *out, const float *x, float top, uint32_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	/* In place or apart: what is read at i is not written at another place before. */
#pragma clang loop vectorize(assume_safety)
	for (uint32_t i = 0; i < n; i++) {
		float e = gaon_expf(x[i] - top);

		out[i] = e;
		sum += e;
	}
	return sum;
}

static float sum_exp(const float *x, float top, uint32_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += gaon_expf(x[i] - top);
	return sum;
}

static void scale_row(float *y, float by, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] *= by;
}

GAON_KERNEL(ops_softmax, struct ops_softmax_args,
	    GAON_POINTERS(2, offsetof(struct ops_softmax_args, y),
			  offsetof(struct ops_softmax_args, x)))
{
	struct gaon_range r = ops_share(args->rows, 1);
	uint64_t columns = args->columns;

	for (uint64_t row = r.begin; row < r.end; row++) {
		const float *x = (const float *)args->x + row * columns;
		float *y = (float *)args->y + row * columns;
		float top = gaon_reduce_max_f32(x, columns);

		scale_row(y, 1.0f / exp_row(y, x, top, args->columns), args->columns);
	}
}

GAON_KERNEL(ops_xent, struct ops_xent_args,
	    GAON_POINTERS(4, offsetof(struct ops_xent_args, loss),
			  offsetof(struct ops_xent_args, grad), offsetof(struct ops_xent_args, x),
			  offsetof(struct ops_xent_args, label)),
	    GAON_STACK(320u << 10))	/* for spilled vectors of up to 65536 bits */
{
	struct gaon_range r = ops_share(args->rows, 1);
	const int32_t *labels = (const int32_t *)args->label;
	float *losses = (float *)args->loss, *grads = (float *)args->grad;
	uint64_t columns = args->columns;

	for (uint64_t row = r.begin; row < r.end; row++) {
		const float *x = (const float *)args->x + row * columns;
		float top = gaon_reduce_max_f32(x, columns), at, sum;
		int32_t label = labels[row];

		gaon_assert(label >= 0 && (uint32_t)label < columns);
		at = x[label];		/* grad may be x: read before it is written */
		if (grads) {
			float *grad = grads + row * columns;

			sum = exp_row(grad, x, top, args->columns);
			scale_row(grad, args->scale / sum, args->columns);
			grad[label] -= args->scale;
		} else {
			sum = sum_exp(x, top, args->columns);
		}
		if (losses)
			losses[row] = gaon_logf(sum) - (at - top);
	}
}
