// SPDX-License-Identifier: MIT
/* One output element from the inputs at the same place; loops that the compiler vectorises. */
#include <gaon/device.h>

#include "ops_args.h"

#define GRANULE	256	/* elements: whole cache lines, whole vector registers */

/* The longer functions spill: up to ten groups of four registers of 65536 bits. */
#define STACK	GAON_STACK(320u << 10)

/* In place or apart: what is read at i is not written at another place before. */
#define INDEPENDENT	_Pragma("clang loop vectorize(assume_safety)")

#define LOOP(expression)								\
	do {										\
		INDEPENDENT								\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = x[i];							\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

static float relu(float v)
{
	return v < 0 ? 0 : v;	/* NaN stays */
}

static void unary_f32(float *y, const float *x, uint64_t n, uint32_t op, float alpha, float beta)
{
	switch (op) {
	case OPS_UNARY_COPY: LOOP(v); break;
	case OPS_UNARY_AFFINE: LOOP(gaon_fmaf(alpha, v, beta)); break;
	case OPS_UNARY_RELU: LOOP(relu(v)); break;
	case OPS_UNARY_GELU: LOOP(gaon_geluf(v)); break;
	case OPS_UNARY_GELU_TANH: LOOP(gaon_gelu_tanhf(v)); break;
	case OPS_UNARY_SILU: LOOP(gaon_siluf(v)); break;
	case OPS_UNARY_TANH: LOOP(gaon_tanhf(v)); break;
	case OPS_UNARY_SIGMOID: LOOP(gaon_sigmoidf(v)); break;
	case OPS_UNARY_EXP: LOOP(gaon_expf(v)); break;
	case OPS_UNARY_LOG: LOOP(gaon_logf(v)); break;
	case OPS_UNARY_SQRT: LOOP(gaon_sqrtf(v)); break;
	case OPS_UNARY_FILL:
		for (uint64_t i = 0; i < n; i++)
			y[i] = beta;
		break;
	default: gaon_assert(!"operation exists");
	}
}

GAON_KERNEL(ops_unary, struct ops_unary_args,
	    GAON_POINTERS(2, offsetof(struct ops_unary_args, y), offsetof(struct ops_unary_args, x)),
	    STACK)
{
	struct gaon_range r = gaon_share(args->count, GRANULE);

	unary_f32((float *)args->y + r.begin, (const float *)args->x + r.begin, r.end - r.begin,
		  args->op, args->alpha, args->beta);
}

#define LOOP2(expression)								\
	do {										\
		INDEPENDENT								\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = a[i], w = b[i];					\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

GAON_KERNEL(ops_binary, struct ops_binary_args,
	    GAON_POINTERS(3, offsetof(struct ops_binary_args, y), offsetof(struct ops_binary_args, a),
			  offsetof(struct ops_binary_args, b)))
{
	struct gaon_range r = gaon_share(args->count, GRANULE);
	const float *a = (const float *)args->a + r.begin, *b = (const float *)args->b + r.begin;
	float *y = (float *)args->y + r.begin;
	uint64_t n = r.end - r.begin;

	switch (args->op) {
	case OPS_BINARY_ADD: LOOP2(v + w); break;
	case OPS_BINARY_SUB: LOOP2(v - w); break;
	case OPS_BINARY_MUL: LOOP2(v * w); break;
	case OPS_BINARY_DIV: LOOP2(v / w); break;
	case OPS_BINARY_RELU_GRAD: LOOP2(w > 0 ? v : 0.0f); break;
	case OPS_BINARY_TANH_GRAD: LOOP2(v * gaon_fmaf(-w, w, 1.0f)); break;
	case OPS_BINARY_SIGMOID_GRAD: LOOP2(v * w * (1.0f - w)); break;
	default: gaon_assert(!"operation exists");
	}
}

static void bias_row(float *y, const float *x, const float *bias, uint32_t n)
{
	INDEPENDENT
	for (uint32_t i = 0; i < n; i++)
		y[i] = x[i] + bias[i];
}

GAON_KERNEL(ops_bias, struct ops_bias_args,
	    GAON_POINTERS(3, offsetof(struct ops_bias_args, y), offsetof(struct ops_bias_args, x),
			  offsetof(struct ops_bias_args, bias)), STACK)
{
	struct gaon_range r = gaon_share(args->rows, 1);
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
	struct gaon_range r = gaon_share(args->count, GRANULE);
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
