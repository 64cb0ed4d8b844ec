/* SPDX-License-Identifier: MIT */
/*
 * libgaonops on tensors, continued: matrix products with weights, and what attention is made of.  All
 * that <gaon/tensor.h> says about calls, statuses and threads holds here.
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
 * @src0: weights [k n i2 / r2 i3 / r3]: F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q5_K or Q6_K, rows dense
 * @src1: activations [k m i2 i3]: F32, or the type of F16 and BF16 weights; rows dense
 * @scratch_va: device memory of gaon_ops_mul_mat_scratch() bytes, a multiple of 64; 0 if that is 0
 * @prepared: @scratch_va still holds what an earlier call with this @src1 left there, its @src0 being
 *	of the same gaon_ops_mul_mat_class()
 *
 * As in ggml, activations take the form that suits the weights: Q8A blocks for quantised ones (see
 * gaon_ops_quantize()), else their type.  Products then are those of gaon_ops_gemm().  Q4_K, Q5_K and
 * Q6_K are unpacked to F16 in the scratch memory first, by every call.
 */
GAON_API enum gaon_status gaon_ops_mul_mat(struct gaon_ops *ops, struct gaon_stream *stream,
					   const struct gaon_tensor *dst,
					   const struct gaon_tensor *src0,
					   const struct gaon_tensor *src1, uint64_t scratch_va,
					   bool prepared);
GAON_API bool gaon_ops_mul_mat_supports(const struct gaon_tensor *dst,
					const struct gaon_tensor *src0,
					const struct gaon_tensor *src1);
GAON_API bool gaon_ops_mul_mat_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
				    const struct gaon_tensor *src0, const struct gaon_tensor *src1);
/* Bytes of scratch for operands that are supported. */
GAON_API uint64_t gaon_ops_mul_mat_scratch(const struct gaon_tensor *dst,
					   const struct gaon_tensor *src0,
					   const struct gaon_tensor *src1);
/* The type that F32 activations take beside weights of @type; GAON_TYPE_NONE if there are none such. */
GAON_API uint8_t gaon_ops_mul_mat_class(uint8_t type);

/**
 * gaon_ops_mul_mat_id() - dst[t][u][n] = sum over k of src1[t][u modulo i1][k] * src0[ids[t][u]][n][k]
 * @dst: F32 [n used tokens 1], rows dense
 * @src0: weights of all experts [k n experts 1]: of the types of gaon_ops_mul_mat(), rows dense
 * @src1: F32, or the type of F16 and BF16 weights [k i1 tokens 1], used being a multiple of i1
 * @ids: I32 [used tokens 1 1], rows dense, each in [0, experts): else the launch ends in an assertion
 *
 * Q4_K, Q5_K and Q6_K are unpacked to F16 in the scratchpad.  LIMIT if k is so large that rows do not
 * fit the scratchpad (some 330,000 with 4 MiB, of F32).
 */
GAON_API enum gaon_status gaon_ops_mul_mat_id(struct gaon_ops *ops, struct gaon_stream *stream,
					      const struct gaon_tensor *dst,
					      const struct gaon_tensor *src0,
					      const struct gaon_tensor *src1,
					      const struct gaon_tensor *ids);
GAON_API bool gaon_ops_mul_mat_id_supports(const struct gaon_tensor *dst,
					   const struct gaon_tensor *src0,
					   const struct gaon_tensor *src1,
					   const struct gaon_tensor *ids);
GAON_API bool gaon_ops_mul_mat_id_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
				       const struct gaon_tensor *src0, const struct gaon_tensor *src1,
				       const struct gaon_tensor *ids);

/* --- rotary position embedding ---------------------------------------------------------------- */

/* ggml's GGML_ROPE_TYPE_*, the same numbers */
enum gaon_rope_mode {
	GAON_ROPE_NORM = 0,		/* a pair is two neighbours */
	GAON_ROPE_NEOX = 2,		/* a pair is n_dims / 2 apart */
	GAON_ROPE_MROPE = 8,		/* as NEOX, with positions by section */
	GAON_ROPE_VISION = 24,		/* n_dims apart, angles start anew in each section */
	GAON_ROPE_IMROPE = 40,		/* as MROPE, sections interleaved */
};

/**
 * struct gaon_rope - parameters, named as ggml_rope_ext() and ggml_rope_multi() do
 * @size: sizeof(struct gaon_rope)
 */
struct gaon_rope {
	size_t size;
	uint32_t mode;			/* enum gaon_rope_mode */
	uint32_t n_dims, n_ctx_orig;
	float freq_base, freq_scale, ext_factor, attn_factor, beta_fast, beta_slow;
	uint32_t sections[4];		/* of MROPE, VISION and IMROPE */
};

/**
 * gaon_ops_rope() - each row's pairs turned by position * rate; other elements are copied
 * @dst: F32 or F16 [columns heads tokens sequences], rows dense; in place
 * @src0: of the same type and shape
 * @src1: I32, positions: tokens of them, 4 times that with sections; dense
 * @src2: F32, n_dims / 2 or more factors that rates are divided by, or NULL
 *
 * Rates are worked out in double precision.  n_dims is even and at most 256 (VISION: 128), a row has at
 * most 1,024 columns.
 */
GAON_API enum gaon_status gaon_ops_rope(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct gaon_tensor *dst, const struct gaon_tensor *src0,
					const struct gaon_tensor *src1, const struct gaon_tensor *src2,
					const struct gaon_rope *rope);
GAON_API bool gaon_ops_rope_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				     const struct gaon_tensor *src1, const struct gaon_tensor *src2,
				     const struct gaon_rope *rope);

/* --- softmax ------------------------------------------------------------------------------------- */

/**
 * gaon_ops_soft_max() - rows of softmax(scale * src0 + slope * mask)
 * @dst: F32 [columns rows heads sequences], rows dense; in place
 * @src0: of the same type and shape
 * @mask: F32 or F16 [columns, rows or more, heads / a, sequences / b], repeated; or NULL
 * @sinks: F32 [heads]: a logit of each head that takes part in the sum only; or NULL
 * @max_bias: ALiBi: slope of head h of n is 2^(-max_bias (h + 1) / n) (with ggml's rule if n is no
 *	power of two); 0: slope is 1
 */
GAON_API enum gaon_status gaon_ops_soft_max(struct gaon_ops *ops, struct gaon_stream *stream,
					    const struct gaon_tensor *dst,
					    const struct gaon_tensor *src0,
					    const struct gaon_tensor *mask,
					    const struct gaon_tensor *sinks, float scale,
					    float max_bias);
GAON_API bool gaon_ops_soft_max_supports(const struct gaon_tensor *dst,
					 const struct gaon_tensor *src0,
					 const struct gaon_tensor *mask,
					 const struct gaon_tensor *sinks, float scale,
					 float max_bias);

/* --- attention ------------------------------------------------------------------------------------ */

/**
 * struct gaon_attention - parameters of gaon_ops_flash_attn(), named as ggml_flash_attn_ext() does
 * @size: sizeof(struct gaon_attention)
 */
struct gaon_attention {
	size_t size;
	float scale, max_bias, logit_softcap;
};

/**
 * gaon_ops_flash_attn() - softmax(slope * mask + cap(scale * q . k)) v, with no scores in memory
 * @dst: F32 [dv heads tokens sequences]
 * @q: F32 [dk tokens heads sequences]
 * @k: F32, F16 or BF16 [dk keys heads / g sequences / a]
 * @v: one of the same types [dv keys heads / g sequences / b]
 * @mask: F16 [keys, tokens or more, heads / c, sequences / d], repeated; or NULL
 * @sinks: F32 [heads], as in gaon_ops_soft_max(); or NULL
 *
 * Rows are dense.  Queries are rounded to @k's type, probabilities to @v's; all sums are of f32.  dk and
 * dv are at most 576.  A row of which everything is masked is 0; keys and values that are masked may be NaN.
 */
GAON_API enum gaon_status gaon_ops_flash_attn(struct gaon_ops *ops, struct gaon_stream *stream,
					      const struct gaon_tensor *dst, const struct gaon_tensor *q,
					      const struct gaon_tensor *k, const struct gaon_tensor *v,
					      const struct gaon_tensor *mask,
					      const struct gaon_tensor *sinks,
					      const struct gaon_attention *attention);
GAON_API bool gaon_ops_flash_attn_supports(const struct gaon_tensor *dst, const struct gaon_tensor *q,
					   const struct gaon_tensor *k, const struct gaon_tensor *v,
					   const struct gaon_tensor *mask,
					   const struct gaon_tensor *sinks,
					   const struct gaon_attention *attention);
GAON_API bool gaon_ops_flash_attn_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
				       const struct gaon_tensor *q, const struct gaon_tensor *k,
				       const struct gaon_tensor *v, const struct gaon_tensor *mask,
				       const struct gaon_tensor *sinks,
				       const struct gaon_attention *attention);

#ifdef __cplusplus
}
#endif
#endif
