// SPDX-License-Identifier: MIT
/* Softmax of attention scores: scaled, with a mask, ALiBi's slopes and sinks. */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"
#include "scores.h"

/* In place or apart: what is read at i is not written at another place before. */
#define INDEPENDENT	_Pragma("clang loop vectorize(assume_safety)")

static void add_mask_f32(float *y, const float *x, const float *mask, uint32_t n, float scale, float slope)
{
	INDEPENDENT
	for (uint32_t i = 0; i < n; i++)
		y[i] = gaon_fmaf(slope, mask[i], x[i] * scale);
}

static void add_mask_f16(float *y, const float *x, const _Float16 *mask, uint32_t n, float scale,
			 float slope)
{
	INDEPENDENT
	for (uint32_t i = 0; i < n; i++)
		y[i] = gaon_fmaf(slope, (float)mask[i], x[i] * scale);
}

static void multiply(float *y, const float *x, uint32_t n, float by)
{
	INDEPENDENT
	for (uint32_t i = 0; i < n; i++)
		y[i] = x[i] * by;
}

static void soft_max_row(const struct ops_soft_max_args *args, uint64_t i)
{
	uint64_t row = i % args->rows, head = i / args->rows % args->heads;
	uint64_t sequence = i / args->rows / args->heads;
	const float *x = (const float *)(args->x + row * args->x_nb[0] + head * args->x_nb[1] +
					 sequence * args->x_nb[2]);
	float *y = (float *)(args->y + row * args->y_nb[0] + head * args->y_nb[1] +
			     sequence * args->y_nb[2]);
	uint64_t mask = args->mask + row * args->mask_nb[0] + head % args->mask_heads * args->mask_nb[1] +
			sequence % args->mask_sequences * args->mask_nb[2];
	uint32_t n = args->columns;
	float slope, top, sink, sum;

	if (args->mask) {
		slope = ops_head_slope(args->bias, args->bias_heads, (uint32_t)head);
		if (args->half)
			add_mask_f16(y, x, (const _Float16 *)mask, n, args->scale, slope);
		else
			add_mask_f32(y, x, (const float *)mask, n, args->scale, slope);
	} else {
		multiply(y, x, n, args->scale);
	}
	top = gaon_reduce_max_f32(y, n);
	if (args->sinks) {
		sink = ((const float *)args->sinks)[head];
		top = gaon_maxf(top, sink);
		sum = ops_exp_sum(y, top, n) + gaon_expf(sink - top);
	} else {
		sum = ops_exp_sum(y, top, n);
	}
	multiply(y, y, n, 1.0f / sum);
}

GAON_KERNEL(ops_soft_max, struct ops_soft_max_args,
	    GAON_POINTERS(4, offsetof(struct ops_soft_max_args, y),
			  offsetof(struct ops_soft_max_args, x),
			  offsetof(struct ops_soft_max_args, mask),
			  offsetof(struct ops_soft_max_args, sinks)))
{
	struct gaon_range r = ops_share((uint64_t)args->rows * args->heads * args->sequences, 1);

	for (uint64_t i = r.begin; i < r.end; i++)
		soft_max_row(args, i);
}
