/* SPDX-License-Identifier: MIT */
/*
 * libgaonops on tensors: the operators that language models are made of, with ggml's semantics.
 *
 * Every call takes views (struct gaon_tensor), queues work on a stream and returns; it never waits
 * for the device, so it may be recorded into a graph.  The destination comes first, then sources in
 * ggml's order, then parameters.  The destination may be the very view that a source is where a
 * comment says "in place"; otherwise it shares no byte with a source, which is not checked.
 *
 * Statuses: INVALID_ARGUMENT (a type, shape or parameter that the operator does not take),
 * INVALID_ADDRESS (an operand is not wholly inside one allocation), those of gaon_launch();
 * gaon_ops_last_error() has the sentence for the first two.  An empty destination is GAON_OK.
 *
 * Each gaon_ops_X() has a gaon_ops_X_supports(): whether the call would take these types, shapes and
 * parameters.  It needs no device and looks at no address; if it says false, gaon_ops_last_error()
 * says why.  Where the need of scratchpad depends on the shape there is a gaon_ops_X_fits() as well:
 * whether the call would take them on the device of these ops, whose scratchpad may be too small.
 * Such a call is refused with LIMIT.
 *
 * Threads: any thread at any time.
 */
#ifndef GAON_TENSOR_H
#define GAON_TENSOR_H

#include <gaon/device/tensor.h>
#include <gaon/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- tensors themselves ----------------------------------------------------------------------- */

/* "f32", "q4_K": ggml's name of @type; NULL if there is no such tensor type. */
GAON_API const char *gaon_tensor_type_name(uint8_t type);

/* Bytes of an element or block of @type; *@elements (may be NULL) how many it holds. 0: no such type. */
GAON_API uint32_t gaon_tensor_type_bytes(uint8_t type, uint32_t *elements);

/*
 * @tensor is the dense one of @ne at @va, strides filled in.  False, with all else untouched, if
 * there is no such type, ne[0] is not whole blocks, or it would be larger than 2^48 bytes.
 */
GAON_API bool gaon_tensor_dense(struct gaon_tensor *tensor, uint64_t va, uint8_t type,
				const uint64_t ne[GAON_TENSOR_DIMS]);

/* No gap between elements, rows and so on, and none out of order. */
GAON_API bool gaon_tensor_is_dense(const struct gaon_tensor *tensor);

/*
 * *@bytes: from the first to behind the last byte that the view reaches, 0 if it is empty.  False if
 * there is no such type, ne[0] is not whole blocks, or that is more than 2^48.
 */
GAON_API bool gaon_tensor_span(const struct gaon_tensor *tensor, uint64_t *bytes);

/* --- element by element ----------------------------------------------------------------------- */
/*
 * F32, F16 and BF16 in any combination, computed in f32 and rounded once into dst.  In place.
 */

/* dst = op(src), same shape. @alpha and @beta: see enum gaon_ops_unary. ggml's unary ops, SCALE, CLAMP. */
GAON_API enum gaon_status gaon_ops_map(struct gaon_ops *ops, struct gaon_stream *stream,
				       enum gaon_ops_unary op, const struct gaon_tensor *dst,
				       const struct gaon_tensor *src, float alpha, float beta);
GAON_API bool gaon_ops_map_supports(enum gaon_ops_unary op, const struct gaon_tensor *dst,
				    const struct gaon_tensor *src);

/* dst = a op b; a has dst's shape, b is repeated to fill it. ADD, SUB, MUL, DIV. */
GAON_API enum gaon_status gaon_ops_zip(struct gaon_ops *ops, struct gaon_stream *stream,
				       enum gaon_ops_binary op, const struct gaon_tensor *dst,
				       const struct gaon_tensor *a, const struct gaon_tensor *b);
GAON_API bool gaon_ops_zip_supports(enum gaon_ops_binary op, const struct gaon_tensor *dst,
				    const struct gaon_tensor *a, const struct gaon_tensor *b);

enum gaon_ops_glu {
	GAON_OPS_REGLU,		/* relu(a) b */
	GAON_OPS_GEGLU,		/* gelu, by tanh (a) b */
	GAON_OPS_SWIGLU,	/* silu(a) b */
	GAON_OPS_SWIGLU_OAI,	/* g sigmoid(alpha g) (u + 1); g = min(a, limit), u = b held to +-limit */
	GAON_OPS_GEGLU_ERF,	/* gelu, by the error function (a) b */
	GAON_OPS_GEGLU_QUICK,	/* a sigmoid(1.702 a) b */
	GAON_OPS_SWIGLU_CLAMP,	/* silu(g) u; g and u as for SWIGLU_OAI */
};

/*
 * Gated: dst = f(a) b, all of one shape.  @b NULL: rows of a have both, first the gate, then the
 * factor, or the other way round if @swapped.  @alpha: for SWIGLU_OAI only; @limit: for it and
 * SWIGLU_CLAMP.
 */
GAON_API enum gaon_status gaon_ops_glu(struct gaon_ops *ops, struct gaon_stream *stream,
				       enum gaon_ops_glu op, const struct gaon_tensor *dst,
				       const struct gaon_tensor *a, const struct gaon_tensor *b,
				       bool swapped, float alpha, float limit);
GAON_API bool gaon_ops_glu_supports(enum gaon_ops_glu op, const struct gaon_tensor *dst,
				    const struct gaon_tensor *a, const struct gaon_tensor *b);

/* --- copies ----------------------------------------------------------------------------------- */
/*
 * Conversions: any type to itself; among F32, F16, BF16, Q8_0, Q4_1 and Q4_0, and from Q4_K, Q5_K and
 * Q6_K to those, where rows are whole blocks of both; between F32 and I32 (towards 0).  Not in place.
 */

/*
 * Elements of src in order become those of dst, which has as many but maybe another shape.  CPY,
 * CONT, DUP.  Dense ones need not have rows of whole blocks of the other's type.
 */
GAON_API enum gaon_status gaon_ops_copy(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct gaon_tensor *dst, const struct gaon_tensor *src);
GAON_API bool gaon_ops_copy_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src);

/*
 * Row i1 of matrix i2, i3 of dst is row index[i1, i2, i3] of that of src.  @index: I32 or I64, one
 * for each row of dst; one that is no row of src ends the launch in an assertion.
 */
GAON_API enum gaon_status gaon_ops_get_rows(struct gaon_ops *ops, struct gaon_stream *stream,
					    const struct gaon_tensor *dst,
					    const struct gaon_tensor *src,
					    const struct gaon_tensor *index);
GAON_API bool gaon_ops_get_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
					 const struct gaon_tensor *index);

/*
 * Row i1 of matrix i2, i3 of src becomes row index[i1, i2, i3] of that of dst; other rows stay.
 * @index is repeated for matrices, else as above.  Of rows with the same index either may win.
 */
GAON_API enum gaon_status gaon_ops_set_rows(struct gaon_ops *ops, struct gaon_stream *stream,
					    const struct gaon_tensor *dst,
					    const struct gaon_tensor *src,
					    const struct gaon_tensor *index);
GAON_API bool gaon_ops_set_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
					 const struct gaon_tensor *index);

/* --- rows ------------------------------------------------------------------------------------- */
/* F32 whose rows are dense.  Norms in place. */

/* dst = src / sqrt(mean of the row's squares + eps), times @weight, repeated, unless that is NULL. */
GAON_API enum gaon_status gaon_ops_rms_norm(struct gaon_ops *ops, struct gaon_stream *stream,
					    const struct gaon_tensor *dst,
					    const struct gaon_tensor *src,
					    const struct gaon_tensor *weight, float eps);
GAON_API bool gaon_ops_rms_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
					 const struct gaon_tensor *weight, float eps);

/*
 * sum = a + b, and dst = gaon_ops_rms_norm() of that: a residual's addition and the norm behind it in
 * one pass.  All of one shape but @weight, which may be NULL; sum may be a or b, dst may not be sum.
 */
GAON_API enum gaon_status gaon_ops_add_rms_norm(struct gaon_ops *ops, struct gaon_stream *stream,
						const struct gaon_tensor *dst,
						const struct gaon_tensor *sum,
						const struct gaon_tensor *a, const struct gaon_tensor *b,
						const struct gaon_tensor *weight, float eps);
GAON_API bool gaon_ops_add_rms_norm_supports(const struct gaon_tensor *dst,
					     const struct gaon_tensor *sum,
					     const struct gaon_tensor *a, const struct gaon_tensor *b,
					     const struct gaon_tensor *weight, float eps);

/* dst = (src - mean of the row) / sqrt(variance of the row + eps) */
GAON_API enum gaon_status gaon_ops_norm(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct gaon_tensor *dst, const struct gaon_tensor *src,
					float eps);
GAON_API bool gaon_ops_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
				     float eps);

/* dst = src / max(sqrt(sum of the row's squares), eps) */
GAON_API enum gaon_status gaon_ops_l2_norm(struct gaon_ops *ops, struct gaon_stream *stream,
					   const struct gaon_tensor *dst, const struct gaon_tensor *src,
					   float eps);
GAON_API bool gaon_ops_l2_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
					float eps);

/* dst[0, i1, i2, i3] = scale * sum of row i1, i2, i3 of src. SUM_ROWS, and MEAN with 1 / ne[0]. */
GAON_API enum gaon_status gaon_ops_sum_rows(struct gaon_ops *ops, struct gaon_stream *stream,
					    const struct gaon_tensor *dst,
					    const struct gaon_tensor *src, float scale);
GAON_API bool gaon_ops_sum_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src);

/* --- layout ----------------------------------------------------------------------------------- */
/* Any one type, unless a comment says otherwise. Not in place. */

/* dst is a and then b in dimension @dim, all others of which are the same. */
GAON_API enum gaon_status gaon_ops_concat(struct gaon_ops *ops, struct gaon_stream *stream,
					  const struct gaon_tensor *dst, const struct gaon_tensor *a,
					  const struct gaon_tensor *b, unsigned int dim);
GAON_API bool gaon_ops_concat_supports(const struct gaon_tensor *dst, const struct gaon_tensor *a,
				       const struct gaon_tensor *b, unsigned int dim);

/* dst is src repeated to fill it; types without blocks. */
GAON_API enum gaon_status gaon_ops_repeat(struct gaon_ops *ops, struct gaon_stream *stream,
					  const struct gaon_tensor *dst, const struct gaon_tensor *src);
GAON_API bool gaon_ops_repeat_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src);

enum gaon_ops_padding {
	GAON_OPS_PAD_ZERO,
	GAON_OPS_PAD_CIRCULAR,	/* as if src were repeated */
	GAON_OPS_PAD_REFLECT,	/* mirrored at the first and at the last element; less than ne[i] of them */
};

/*
 * dst is src with before[i] places before it in dimension i, and behind it what dst has more; types
 * without blocks.  PAD, PAD_REFLECT_1D.
 */
GAON_API enum gaon_status gaon_ops_pad(struct gaon_ops *ops, struct gaon_stream *stream,
				       enum gaon_ops_padding padding, const struct gaon_tensor *dst,
				       const struct gaon_tensor *src,
				       const uint64_t before[GAON_TENSOR_DIMS]);
GAON_API bool gaon_ops_pad_supports(enum gaon_ops_padding padding, const struct gaon_tensor *dst,
				    const struct gaon_tensor *src,
				    const uint64_t before[GAON_TENSOR_DIMS]);

/* --- order ------------------------------------------------------------------------------------ */
/* Rows of f32 with at most 2^18 elements; dst i32 with dense rows. -0 is less than 0. */

/* Row by row: the places of src's elements, the smallest first, or the largest; of equals, the first. */
GAON_API enum gaon_status gaon_ops_argsort(struct gaon_ops *ops, struct gaon_stream *stream,
					   const struct gaon_tensor *dst,
					   const struct gaon_tensor *src, bool descending);
GAON_API bool gaon_ops_argsort_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src);
GAON_API bool gaon_ops_argsort_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
				    const struct gaon_tensor *src);

/* Row by row: the places of the dst->ne[0] largest elements, in the order of their places. */
GAON_API enum gaon_status gaon_ops_top_k(struct gaon_ops *ops, struct gaon_stream *stream,
					 const struct gaon_tensor *dst,
					 const struct gaon_tensor *src);
GAON_API bool gaon_ops_top_k_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src);
GAON_API bool gaon_ops_top_k_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
				  const struct gaon_tensor *src);

/* --- windows of images ------------------------------------------------------------------------ */

/**
 * struct gaon_ops_window - windows of an image [w h channels images]
 * @size: sizeof(struct gaon_ops_window)
 * @kernel: width and height of the window
 * @stride: from one output's window to the next
 * @pad: columns and lines around the image
 * @dilation: from one column or line of a window to the next; 1 for pools
 *
 * All below 65536; @kernel, @stride and @dilation at least 1.
 */
struct gaon_ops_window {
	size_t size;
	uint32_t kernel[2], stride[2], pad[2], dilation[2];
};

enum gaon_ops_pool {
	GAON_OPS_POOL_MAX,
	GAON_OPS_POOL_MEAN,		/* padding counts as 0: ggml's POOL_2D */
	GAON_OPS_POOL_MEAN_INSIDE,	/* padding does not count: ggml's POOL_1D */
};

/*
 * dst [ow oh channels images] from src, F32, F16 or BF16 each: (w + 2 pad - kernel) / stride + 1
 * outputs, rounded down.  For one dimension: kernel and stride 1, pad 0 in the other.
 */
GAON_API enum gaon_status gaon_ops_pool(struct gaon_ops *ops, struct gaon_stream *stream,
					enum gaon_ops_pool pool, const struct gaon_tensor *dst,
					const struct gaon_tensor *src,
					const struct gaon_ops_window *window);
GAON_API bool gaon_ops_pool_supports(enum gaon_ops_pool pool, const struct gaon_tensor *dst,
				     const struct gaon_tensor *src,
				     const struct gaon_ops_window *window);

/*
 * IM2COL: row ow, oh, n of dst [channels * kernel[1] * kernel[0], ow, oh, images] is the window of that
 * output, padding 0; F32, F16 or BF16 each.  For one dimension an image is [w 1 channels images].
 */
GAON_API enum gaon_status gaon_ops_im2col(struct gaon_ops *ops, struct gaon_stream *stream,
					  const struct gaon_tensor *dst,
					  const struct gaon_tensor *src,
					  const struct gaon_ops_window *window);
GAON_API bool gaon_ops_im2col_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
				       const struct gaon_ops_window *window);

#ifdef __cplusplus
}
#endif
#endif
