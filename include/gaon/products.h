/* SPDX-License-Identifier: MIT */
/*
 * libgaonops on tensors, continued: matrix products with weights.  All that <gaon/tensor.h> says
 * about calls, statuses and threads holds here.
 */
#ifndef GAON_PRODUCTS_H
#define GAON_PRODUCTS_H

#include <gaon/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * gaon_ops_mul_mat() - dst[i3][i2][m][n] = sum over k of src1[i3][i2][m][k] * src0[..][..][n][k]
 * @dst: F32 [n m i2 i3], rows dense
 * @src0: weights [k n i2 / r2 i3 / r3]: F32, F16, BF16, Q4_0, Q4_1 or Q8_0, rows dense
 * @src1: activations [k m i2 i3]: F32, or the type of F16 and BF16 weights; rows dense
 * @scratch_va: device memory of gaon_ops_mul_mat_scratch() bytes, a multiple of 64; 0 if that is 0
 * @prepared: @scratch_va still holds what an earlier call with this @src1 left there, its @src0 being
 *	of the same gaon_ops_mul_mat_class()
 *
 * As in ggml, activations take the form that suits the weights: Q8A blocks for quantised ones (see
 * gaon_ops_quantize()), else their type.  Products then are those of gaon_ops_gemm().
 */
GAON_API enum gaon_status gaon_ops_mul_mat(struct gaon_ops *ops, struct gaon_stream *stream,
					   const struct gaon_tensor *dst,
					   const struct gaon_tensor *src0,
					   const struct gaon_tensor *src1, uint64_t scratch_va,
					   bool prepared);
GAON_API bool gaon_ops_mul_mat_supports(const struct gaon_tensor *dst,
					const struct gaon_tensor *src0,
					const struct gaon_tensor *src1);
/* Bytes of scratch for operands that are supported. */
GAON_API uint64_t gaon_ops_mul_mat_scratch(const struct gaon_tensor *dst,
					   const struct gaon_tensor *src0,
					   const struct gaon_tensor *src1);
/* The type that F32 activations take beside weights of @type; GAON_TYPE_NONE if there are none such. */
GAON_API uint8_t gaon_ops_mul_mat_class(uint8_t type);

#ifdef __cplusplus
}
#endif
#endif
