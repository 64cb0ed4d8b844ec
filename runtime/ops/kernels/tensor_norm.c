// SPDX-License-Identifier: MIT
/* What works on whole rows of dense f32: norms and sums. */
#include "loops.h"
#include "tensor_args.h"
#include "tensor_rows.h"

static float sum_squares(const float *x, float less, uint64_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	WIDE
	for (uint64_t i = 0; i < n; i++) {
		float v = x[i] - less;

		sum += v * v;
	}
	return sum;
}

/* y = a + b, the sum of whose squares is returned */
static float add_row(float *y, const float *a, const float *b, uint64_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	WIDE
	for (uint64_t i = 0; i < n; i++) {
		float v = a[i] + b[i];

		y[i] = v;
		sum += v * v;
	}
	return sum;
}

static void norm_row(float *y, const float *x, float less, float scale, uint64_t n)
{
	LOOP_WIDE((v - less) * scale);
}

static void norm_row_weighted(float *y, const float *a, const float *b, float scale, uint64_t n)
{
	LOOP2_WIDE(v * scale * w);
}

GAON_KERNEL(ops_norm, struct ops_norm_args,
	    GAON_POINTERS(5, offsetof(struct ops_norm_args, dst.va),
			  offsetof(struct ops_norm_args, src.va),
			  offsetof(struct ops_norm_args, weight.va),
			  offsetof(struct ops_norm_args, add.va),
			  offsetof(struct ops_norm_args, sum.va)))
{
	uint64_t n = args->dst.ne[0];
	float count = (float)n, eps = args->eps;
	struct rows_walk w;

	for (w = rows_begin(&args->dst, n); w.left; rows_next(&w)) {
		const float *x = (const float *)rows_at(&args->src, &w);
		float *y = (float *)rows_at(&args->dst, &w);
		float less = args->op == OPS_NORM_MEAN ? gaon_reduce_sum_f32(x, n) / count : 0;
		float sum, scale;

		if (args->sum.va) {
			float *to = (float *)rows_at(&args->sum, &w);

			sum = add_row(to, x, (const float *)rows_at(&args->add, &w), n);
			x = to;
		} else {
			sum = sum_squares(x, less, n);
		}
		if (args->op == OPS_NORM_L2)
			scale = 1.0f / gaon_maxf(gaon_sqrtf(sum), eps);
		else
			scale = 1.0f / gaon_sqrtf(sum / count + eps);
		if (args->weight.va)
			norm_row_weighted(y, x, (const float *)rows_at_repeated(&args->weight, &w),
					  scale, n);
		else
			norm_row(y, x, less, scale, n);
	}
}

GAON_KERNEL(ops_sum_rows, struct ops_sum_args,
	    GAON_POINTERS(2, offsetof(struct ops_sum_args, dst.va),
			  offsetof(struct ops_sum_args, src.va)))
{
	uint64_t n = args->src.ne[0];
	struct rows_walk w;

	for (w = rows_begin(&args->src, n); w.left; rows_next(&w)) {
		const float *x = (const float *)rows_at(&args->src, &w);

		*(float *)rows_at(&args->dst, &w) = gaon_reduce_sum_f32(x, n) * args->scale;
	}
}
