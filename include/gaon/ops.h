/* SPDX-License-Identifier: MIT */
/*
 * libgaonops: matrix products, activations, losses, reductions and updates as single calls.
 *
 * Every call queues work on a stream and returns; results are there when the stream gets there.
 * Matrices are row-major and dense unless a leading dimension says otherwise; elements are f32
 * unless a type says otherwise.  Device addresses are those of gaon_mem_va() plus any multiple of
 * the element's size.  Outputs may be inputs where the comment says "in place".
 *
 * Statuses: INVALID_ARGUMENT (a size, type or flag that makes no sense; gaon_ops_last_error() has
 * the sentence), INVALID_ADDRESS (an operand is not wholly inside one allocation), and those of
 * gaon_launch().  A size of 0 that leaves nothing to do is GAON_OK.
 *
 * Threads: any thread may use a struct gaon_ops at any time.
 */
#ifndef GAON_OPS_H
#define GAON_OPS_H

#include <gaon/gaon.h>
#include <hw/gaon_xgaon.h>	/* GAON_TYPE_* */

#ifdef __cplusplus
extern "C" {
#endif

struct gaon_ops;	/* the kernels, loaded on one device */

/* Load the kernels. Statuses of gaon_module_load(). */
GAON_API enum gaon_status gaon_ops_create(struct gaon_device *dev, struct gaon_ops **ops);
/* Blocks until work that uses the kernels has finished. @ops may be NULL. */
GAON_API void gaon_ops_destroy(struct gaon_ops *ops);
/* Scratchpad of a core, in bytes, in which every kernel runs with the least that it can work with. */
GAON_API uint64_t gaon_ops_scratchpad(const struct gaon_ops *ops);
/* What this thread's last INVALID_ARGUMENT or INVALID_ADDRESS of this library was about; never NULL. */
GAON_API const char *gaon_ops_last_error(void);

/* --- matrix products ------------------------------------------------------------------------ */

/**
 * struct gaon_ops_gemm - C[m x n] = A[m x k] B[k x n], or C += with @accumulate
 * @size: sizeof(struct gaon_ops_gemm)
 * @type_a, @type_b: GAON_TYPE_F32, F16, BF16 or I8, both the same; or A in Q8A blocks with B in
 *	Q4_0, Q4_1, Q8_0 or their _R16 forms (@k a multiple of 32, @trans_b set: B lies as n rows)
 * @type_c: F32 (I32 for I8); F16 or BF16 as well, rounded once from the f32 sum, not with @accumulate
 * @trans_a: A is stored k x m; @trans_b: B is stored n x k
 * @lda, @ldb, @ldc: bytes from one stored row to the next, 0: dense. With _R16 from one group of 16
 *	rows to the next.
 *
 * C may not overlap A or B. Results are those of Documentation/hw/numerics.rst, the same whatever
 * the tiles are.
 */
struct gaon_ops_gemm {
	size_t size;
	uint64_t a, b, c;
	uint64_t lda, ldb, ldc;
	uint32_t m, n, k;
	uint8_t type_a, type_b, type_c;
	bool trans_a, trans_b, accumulate;
};

/* C = A B, or C += A B with accumulate; queued on @stream. */
GAON_API enum gaon_status gaon_ops_gemm(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct gaon_ops_gemm *gemm);

/**
 * struct gaon_ops_tiling - how a product is cut up; Documentation/kernels/gemm.rst has the rules
 * @tile_m, @tile_n, @tile_k: of one step, at most
 * @c_buffers: tiles of C held at once
 * @workgroups: of the launch
 * @spm_bytes: scratchpad that it takes
 */
struct gaon_ops_tiling {
	uint32_t tile_m, tile_n, tile_k;
	uint32_t c_buffers, workgroups, spm_bytes;
};

/* The tiling that gaon_ops_gemm() takes on a device of @cores and @spm_bytes of scratchpad. */
GAON_API enum gaon_status gaon_ops_gemm_tiling(const struct gaon_ops_gemm *gemm, uint32_t cores,
					       uint64_t spm_bytes, struct gaon_ops_tiling *tiling);

/* Bytes of @rows x @columns dense elements or blocks of a GAON_TYPE_*; 0 if that cannot be. */
GAON_API uint64_t gaon_ops_matrix_bytes(uint8_t type, uint64_t rows, uint64_t columns);

/*
 * Host to host: @rows of @columns in Q4_0, Q4_1 or Q8_0 as a GGUF file has them, permuted into the
 * _R16 form of the same type, which the matrix unit reads fastest. @dst has
 * gaon_ops_matrix_bytes(type | GAON_TYPE_ROWS16, ...) bytes; rows beyond the last are zero.
 */
GAON_API enum gaon_status gaon_ops_interleave(uint8_t type, uint64_t rows, uint64_t columns,
					      const void *src, void *dst);

/* @x[rows x columns] to Q8A blocks (40 bytes for 32 elements), @columns a multiple of 32. */
GAON_API enum gaon_status gaon_ops_quantize(struct gaon_ops *ops, struct gaon_stream *stream,
					    uint64_t y, uint64_t x, uint64_t rows,
					    uint64_t columns);

/* --- elementwise; all in place --------------------------------------------------------------- */

enum gaon_ops_unary {
	GAON_OPS_COPY,
	GAON_OPS_AFFINE,	/* alpha * x + beta, rounded once */
	GAON_OPS_RELU,
	GAON_OPS_GELU,		/* by the error function */
	GAON_OPS_GELU_TANH,
	GAON_OPS_SILU,
	GAON_OPS_TANH,
	GAON_OPS_SIGMOID,
	GAON_OPS_EXP,
	GAON_OPS_LOG,
	GAON_OPS_SQRT,
	GAON_OPS_GELU_QUICK,	/* x sigmoid(1.702 x) */
	GAON_OPS_SQR,
	GAON_OPS_NEG,
	GAON_OPS_ABS,
	GAON_OPS_SIGN,		/* -1, 0 or 1 */
	GAON_OPS_STEP,		/* 1 above 0, else 0 */
	GAON_OPS_HARDSWISH,	/* x hardsigmoid(x) */
	GAON_OPS_HARDSIGMOID,	/* (x + 3) / 6 held to 0 up to 1 */
	GAON_OPS_ELU,		/* x above 0, else e^x - 1 */
	GAON_OPS_EXPM1,		/* e^x - 1 */
	GAON_OPS_SOFTPLUS,	/* log(1 + e^x) */
	GAON_OPS_FLOOR,
	GAON_OPS_CEIL,
	GAON_OPS_ROUND,		/* half away from 0 */
	GAON_OPS_TRUNC,
	GAON_OPS_CLAMP,		/* held to alpha up to beta */
	GAON_OPS_LEAKY_RELU,	/* x above 0, else alpha x */
};

/* y = op(x); @alpha and @beta for AFFINE, CLAMP and LEAKY_RELU only */
GAON_API enum gaon_status gaon_ops_unary(struct gaon_ops *ops, struct gaon_stream *stream,
					 enum gaon_ops_unary op, uint64_t y, uint64_t x,
					 uint64_t count, float alpha, float beta);

enum gaon_ops_binary {
	GAON_OPS_ADD,
	GAON_OPS_SUB,
	GAON_OPS_MUL,
	GAON_OPS_DIV,
	GAON_OPS_RELU_GRAD,	/* a: gradient of the output, b: input or output of relu */
	GAON_OPS_TANH_GRAD,	/* b: output of tanh */
	GAON_OPS_SIGMOID_GRAD,	/* b: output of sigmoid */
};

/* y = a op b */
GAON_API enum gaon_status gaon_ops_binary(struct gaon_ops *ops, struct gaon_stream *stream,
					  enum gaon_ops_binary op, uint64_t y, uint64_t a,
					  uint64_t b, uint64_t count);

/* y[r][c] = op(x[r][c] + bias[c]), @op any without parameters */
GAON_API enum gaon_status gaon_ops_bias(struct gaon_ops *ops, struct gaon_stream *stream,
					enum gaon_ops_unary op, uint64_t y, uint64_t x,
					uint64_t bias, uint64_t rows, uint64_t columns);

/* y[i] = value */
GAON_API enum gaon_status gaon_ops_fill(struct gaon_ops *ops, struct gaon_stream *stream,
					uint64_t y, uint64_t count, float value);

/* Between F32, F16 and BF16, and I32 to F32; not in place. Rounded to nearest even. */
GAON_API enum gaon_status gaon_ops_convert(struct gaon_ops *ops, struct gaon_stream *stream,
					   uint64_t y, uint8_t to, uint64_t x, uint8_t from,
					   uint64_t count);

/* --- rows, columns, losses, updates ------------------------------------------------------------ */

/* y[r] = softmax(x[r]); in place */
GAON_API enum gaon_status gaon_ops_softmax(struct gaon_ops *ops, struct gaon_stream *stream,
					   uint64_t y, uint64_t x, uint64_t rows,
					   uint64_t columns);

/*
 * loss[r] = -log(softmax(x[r])[label[r]]) and grad[r] = scale * (softmax(x[r]) - onehot(label[r])).
 * @loss or @grad may be 0; @grad may be @x. @label: i32, each in [0, columns), else the launch
 * ends in an assertion.
 */
GAON_API enum gaon_status gaon_ops_cross_entropy(struct gaon_ops *ops, struct gaon_stream *stream,
						 uint64_t loss, uint64_t grad, uint64_t x,
						 uint64_t label, uint64_t rows, uint64_t columns,
						 float scale);

enum gaon_ops_reduce {
	GAON_OPS_SUM,		/* times @scale */
	GAON_OPS_MAX,		/* NaN is passed over */
	GAON_OPS_ARGMAX,	/* rows only: i32, the first of the largest */
};

/* y[r] from row r */
GAON_API enum gaon_status gaon_ops_reduce_rows(struct gaon_ops *ops, struct gaon_stream *stream,
					       enum gaon_ops_reduce op, uint64_t y, uint64_t x,
					       uint64_t rows, uint64_t columns, float scale);
/* y[c] from column c, rows added in order */
GAON_API enum gaon_status gaon_ops_reduce_columns(struct gaon_ops *ops, struct gaon_stream *stream,
						  enum gaon_ops_reduce op, uint64_t y, uint64_t x,
						  uint64_t rows, uint64_t columns, float scale);

/* y[columns x rows] = x[rows x columns] transposed; @element 1, 2 or 4 bytes; not in place */
GAON_API enum gaon_status gaon_ops_transpose(struct gaon_ops *ops, struct gaon_stream *stream,
					     uint64_t y, uint64_t x, uint64_t rows,
					     uint64_t columns, uint32_t element);

/* velocity = momentum * velocity + grad + decay * weight; weight -= rate * velocity */
GAON_API enum gaon_status gaon_ops_sgd(struct gaon_ops *ops, struct gaon_stream *stream,
				       uint64_t weight, uint64_t velocity, uint64_t grad,
				       uint64_t count, float rate, float momentum, float decay);

/* --- sequences ------------------------------------------------------------------------------- */
/*
 * Many small operators in one launch: a few cores go through them together and meet where one needs
 * what another has made.  Each saves what it takes to end a launch and to begin the next.
 *
 * Between begin and end, what the calling thread gives @stream by this library is collected; the launch is
 * queued (or recorded) by end, or earlier, before something that cannot be collected.  Operators that are
 * worth all cores are better given to the stream outside.
 */
struct gaon_ops_sequence;

/* OUT_OF_MEMORY. @ops must live as long. */
GAON_API enum gaon_status gaon_ops_sequence_create(struct gaon_ops *ops,
						   struct gaon_ops_sequence **sequence);
/*
 * The launches that it was made for must be over, graphs that hold them destroyed.  By any thread; what
 * one has collected and not ended is dropped, even another one: that one's next operators are launched
 * by themselves, and its end says STATE.  NULL is allowed.
 */
GAON_API void gaon_ops_sequence_destroy(struct gaon_ops_sequence *sequence);
/* STATE: the thread, or another one with @sequence, is between begin and end. May be begun many times. */
GAON_API enum gaon_status gaon_ops_sequence_begin(struct gaon_ops_sequence *sequence,
						  struct gaon_stream *stream);
/*
 * Whether the operator that comes next may run beside those before it: it neither needs nor overwrites
 * anything that they write, back to the last one that was not beside others, and it writes nothing that
 * they read.  Without this call, and again for each one after it, it waits for all before it.  It holds
 * for the next launch: after an operator that failed or had nothing to do (an empty tensor) call it with
 * false.
 */
GAON_API void gaon_ops_sequence_beside(struct gaon_ops_sequence *sequence, bool beside);
/* STATE: the thread is not between begin and end. Statuses of gaon_mem_alloc() and gaon_launch(). */
GAON_API enum gaon_status gaon_ops_sequence_end(struct gaon_ops_sequence *sequence);

#ifdef __cplusplus
}
#endif
#endif
