// SPDX-License-Identifier: MIT
/* Functions of one and of two f32 operands. */
#include "arithmetic.h"

#include "loops.h"
#include "ops_args.h"

/* (x + 3) / 6 held to 0 to 1 */
static float hard_sigmoid(float v)
{
	return gaon_minf(1.0f, gaon_maxf(0.0f, (v + 3.0f) / 6.0f));
}

/* e^x - 1 of x up to 0, where nothing cancels: 2 t / (1 - t), t = tanh(x / 2) */
static float expm1_negative(float v)
{
	float t = gaon_tanhf(0.5f * v);

	return 2.0f * t / (1.0f - t);
}

static float expm1_any(float v)
{
	float small = v > 1.0f ? 1.0f : v;

	return v > 1.0f ? gaon_expf(v) - 1.0f : expm1_negative(small);
}

static float sign(float v)
{
	return v > 0 ? 1.0f : v < 0 ? -1.0f : 0.0f;
}

static float softplus(float v)
{
	return v > 20.0f ? v : gaon_logf(1.0f + gaon_expf(v));
}

void unary_f32(float *y, const float *x, uint64_t n, uint32_t op, float alpha, float beta)
{
	switch (op) {
	case OPS_UNARY_COPY: LOOP_WIDE(v); break;
	case OPS_UNARY_AFFINE: LOOP_WIDE(gaon_fmaf(alpha, v, beta)); break;
	case OPS_UNARY_RELU: LOOP_WIDE(relu(v)); break;
	case OPS_UNARY_GELU: LOOP(gaon_geluf(v)); break;
	case OPS_UNARY_GELU_TANH: LOOP(gaon_gelu_tanhf(v)); break;
	case OPS_UNARY_SILU: LOOP(gaon_siluf(v)); break;
	case OPS_UNARY_TANH: LOOP(gaon_tanhf(v)); break;
	case OPS_UNARY_SIGMOID: LOOP(gaon_sigmoidf(v)); break;
	case OPS_UNARY_EXP: LOOP(gaon_expf(v)); break;
	case OPS_UNARY_LOG: LOOP(gaon_logf(v)); break;
	case OPS_UNARY_SQRT: LOOP_WIDE(gaon_sqrtf(v)); break;
	case OPS_UNARY_GELU_QUICK: LOOP(gelu_quick(v)); break;
	case OPS_UNARY_SQR: LOOP_WIDE(v * v); break;
	case OPS_UNARY_NEG: LOOP_WIDE(-v); break;
	case OPS_UNARY_ABS: LOOP_WIDE(gaon_fabsf(v)); break;
	case OPS_UNARY_SIGN: LOOP(sign(v)); break;
	case OPS_UNARY_STEP: LOOP_WIDE(v > 0 ? 1.0f : 0.0f); break;
	case OPS_UNARY_HARDSWISH: LOOP(v * hard_sigmoid(v)); break;
	case OPS_UNARY_HARDSIGMOID: LOOP(hard_sigmoid(v)); break;
	case OPS_UNARY_ELU: LOOP(v > 0 ? v : expm1_negative(v > 0 ? 0 : v)); break;
	case OPS_UNARY_EXPM1: LOOP(expm1_any(v)); break;
	case OPS_UNARY_SOFTPLUS: LOOP(softplus(v)); break;
	case OPS_UNARY_FLOOR: LOOP(__builtin_floorf(v)); break;
	case OPS_UNARY_CEIL: LOOP(__builtin_ceilf(v)); break;
	case OPS_UNARY_ROUND: LOOP(__builtin_roundf(v)); break;
	case OPS_UNARY_TRUNC: LOOP(__builtin_truncf(v)); break;
	case OPS_UNARY_CLAMP: LOOP_WIDE(v < alpha ? alpha : v > beta ? beta : v); break;
	case OPS_UNARY_LEAKY_RELU: LOOP_WIDE(v > 0 ? v : alpha * v); break;
	case OPS_UNARY_FILL:
		for (uint64_t i = 0; i < n; i++)
			y[i] = beta;
		break;
	default: gaon_assert(!"operation exists");
	}
}

void binary_f32(float *y, const float *a, const float *b, uint64_t n, uint32_t op)
{
	switch (op) {
	case OPS_BINARY_ADD: LOOP2_WIDE(v + w); break;
	case OPS_BINARY_SUB: LOOP2_WIDE(v - w); break;
	case OPS_BINARY_MUL: LOOP2_WIDE(v * w); break;
	case OPS_BINARY_DIV: LOOP2_WIDE(v / w); break;
	case OPS_BINARY_RELU_GRAD: LOOP2(w > 0 ? v : 0.0f); break;
	case OPS_BINARY_TANH_GRAD: LOOP2(v * gaon_fmaf(-w, w, 1.0f)); break;
	case OPS_BINARY_SIGMOID_GRAD: LOOP2(v * w * (1.0f - w)); break;
	default: gaon_assert(!"operation exists");
	}
}
