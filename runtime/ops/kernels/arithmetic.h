/* SPDX-License-Identifier: MIT */
/* Functions of f32 operands, the same for plain arrays and for tensors. */
#ifndef GAON_OPS_ARITHMETIC_H
#define GAON_OPS_ARITHMETIC_H

#include <gaon/device.h>

/* Kernels that call unary_f32() spill: up to ten groups of four registers of 65536 bits. */
#define UNARY_STACK	GAON_STACK(320u << 10)

/* y[i] = op(x[i]), @op of enum ops_unary; y may be x */
void unary_f32(float *y, const float *x, uint64_t n, uint32_t op, float alpha, float beta);
/* y[i] = a[i] op b[i], @op of enum ops_binary; y may be a or b */
void binary_f32(float *y, const float *a, const float *b, uint64_t n, uint32_t op);

/* x sigmoid(1.702 x) */
GAON_INLINE float gelu_quick(float x)
{
	return x * gaon_sigmoidf(1.702f * x);
}

/* NaN stays. */
GAON_INLINE float relu(float v)
{
	return v < 0 ? 0 : v;
}

#endif
