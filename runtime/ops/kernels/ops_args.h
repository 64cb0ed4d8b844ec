/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the device kernels of runtime/ops, one layout for both sides: addresses are 64-bit
 * integers.  The launchers check every size before a kernel sees it.
 */
#ifndef GAON_OPS_ARGS_H
#define GAON_OPS_ARGS_H

#include <stdint.h>

/* By number: what a launcher asks for, and a step of a sequence. */
enum ops_kernel {
	OPS_KERNEL_GEMM,
	OPS_KERNEL_UNARY,
	OPS_KERNEL_BINARY,
	OPS_KERNEL_BIAS,
	OPS_KERNEL_CONVERT,
	OPS_KERNEL_QUANTIZE,
	OPS_KERNEL_SOFTMAX,
	OPS_KERNEL_XENT,
	OPS_KERNEL_REDUCE_ROWS,
	OPS_KERNEL_REDUCE_COLUMNS,
	OPS_KERNEL_TRANSPOSE,
	OPS_KERNEL_SGD,
	OPS_KERNEL_MUL_MAT,
	OPS_KERNEL_ACTIVATE,
	OPS_KERNEL_UNPACK,
	OPS_KERNEL_ROPE,
	OPS_KERNEL_SOFT_MAX,
	OPS_KERNEL_ATTENTION,
	OPS_KERNEL_MAP,
	OPS_KERNEL_ZIP,
	OPS_KERNEL_GLU,
	OPS_KERNEL_COPY,
	OPS_KERNEL_GET_ROWS,
	OPS_KERNEL_SET_ROWS,
	OPS_KERNEL_NORM,
	OPS_KERNEL_SUM_ROWS,
	OPS_KERNEL_REPEAT,
	OPS_KERNEL_PAD,
	OPS_KERNEL_ARGSORT,
	OPS_KERNEL_TOP_K,
	OPS_KERNEL_POOL,
	OPS_KERNEL_IM2COL,
	OPS_KERNEL_SEQUENCE,
	OPS_KERNELS,
};

/*
 * A sequence: steps one after the other by the cores of a gang.  A step's kernel is shared by @parts of
 * them, from core @first on.
 */
struct ops_step {
	uint64_t args;			/* the kernel's, in device memory */
	uint32_t kernel;		/* enum ops_kernel */
	uint8_t meets;			/* all cores have done what is before it */
	uint8_t parts, first;
	uint8_t reserved;
};

struct ops_sequence_args {
	uint64_t steps;
	uint32_t count;
	uint32_t reserved;
};

/*
 * Products, batch[0] * batch[1] of them, each cut into tiles of tile_m x tile_n, each with its k loop
 * in steps of tile_k.  Workgroup g computes tiles g, g + workgroups, and so on, of all products.
 */
struct ops_gemm_args {
	uint64_t a, b, c;
	uint64_t lda, ldb, ldc;		/* bytes between stored rows (_R16: between groups of 16) */
	uint64_t next_a[2], next_b[2], next_c[2];	/* bytes between products */
	uint32_t batch[2];
	uint32_t ratio[2];		/* so many products in a row have the same B */
	uint32_t m, n, k;
	uint32_t tile_m, tile_n, tile_k;
	uint32_t flags;			/* GAON_GEMM_ACCUMULATE, TRANS_A, TRANS_B */
	uint32_t c_buffers;		/* tiles of C in the scratchpad, 1 or 2 */
	uint8_t type_a, type_b;
	uint8_t type_c;			/* of the result in memory */
	uint8_t reserved[1];
};

/*
 * Products of few rows of x with many of w: y[i2][i1][m][n] = x[i2][i1][m][k] w[..][n][k].  Rows of w are
 * taken in steps of tile_n; the others stay in the scratchpad.
 */
struct ops_mul_mat_args {
	uint64_t w, x, y;
	uint64_t w_nb[3], x_nb[3], y_nb[3];	/* bytes between rows and between products */
	uint64_t ids;			/* 0, or i32: which w product [i2][i1] takes */
	uint64_t ids_nb[2];
	uint32_t batch[2];
	uint32_t ratio[2];		/* so many products in a row have the same w */
	uint32_t experts;		/* an id is below it */
	uint32_t x_wrap;		/* x of product [i2][i1] is that of i1 modulo this */
	uint32_t m, n, k;
	uint32_t tile_n;
	uint8_t type_w, type_x;
	uint8_t type_a;			/* of x as the matrix unit takes it */
	uint8_t x_kept;			/* the step before has left x in the scratchpad, in that form */
	uint8_t w_streams;		/* the matrix unit reads w from memory */
	uint8_t reserved[3];
};

/* Rows of super-blocks as dense rows of f16. */
struct ops_unpack_args {
	uint64_t y, w;
	uint64_t w_nb[3];		/* bytes between rows, then by dimension of the batch */
	uint32_t rows, batch[2];
	uint32_t k;
	uint8_t type;			/* of w: GAON_TENSOR_Q4_K, Q5_K, Q6_K */
	uint8_t reserved[7];
};

/* Rows of f32 as the matrix unit takes them beside weights: dense rows of y. */
struct ops_activate_args {
	uint64_t y, x;
	uint64_t x_nb[3];		/* bytes between rows, then by dimension of the batch */
	uint32_t rows, batch[2];
	uint32_t k;
	uint8_t type;			/* of y: Q8A (k is a multiple of 32), F16, BF16, F32 */
	uint8_t reserved[7];
};

enum ops_unary {
	OPS_UNARY_COPY,
	OPS_UNARY_AFFINE,		/* alpha * x + beta */
	OPS_UNARY_RELU,
	OPS_UNARY_GELU,
	OPS_UNARY_GELU_TANH,
	OPS_UNARY_SILU,
	OPS_UNARY_TANH,
	OPS_UNARY_SIGMOID,
	OPS_UNARY_EXP,
	OPS_UNARY_LOG,
	OPS_UNARY_SQRT,
	OPS_UNARY_GELU_QUICK,		/* x sigmoid(1.702 x) */
	OPS_UNARY_SQR,
	OPS_UNARY_NEG,
	OPS_UNARY_ABS,
	OPS_UNARY_SIGN,
	OPS_UNARY_STEP,
	OPS_UNARY_HARDSWISH,
	OPS_UNARY_HARDSIGMOID,
	OPS_UNARY_ELU,
	OPS_UNARY_EXPM1,
	OPS_UNARY_SOFTPLUS,
	OPS_UNARY_FLOOR,
	OPS_UNARY_CEIL,
	OPS_UNARY_ROUND,
	OPS_UNARY_TRUNC,
	OPS_UNARY_CLAMP,		/* to alpha up to beta */
	OPS_UNARY_LEAKY_RELU,		/* alpha x below 0 */
	OPS_UNARY_FILL,			/* beta; x is not read */
	OPS_UNARIES,
};

struct ops_unary_args {
	uint64_t y, x;
	uint64_t count;
	float alpha, beta;
	uint32_t op;			/* enum ops_unary */
	uint32_t reserved;
};

enum ops_binary {
	OPS_BINARY_ADD,
	OPS_BINARY_SUB,
	OPS_BINARY_MUL,
	OPS_BINARY_DIV,
	OPS_BINARY_RELU_GRAD,		/* a where b > 0, else 0 */
	OPS_BINARY_TANH_GRAD,		/* a (1 - b^2), b = tanh(x) */
	OPS_BINARY_SIGMOID_GRAD,	/* a b (1 - b), b = sigmoid(x) */
	OPS_BINARIES,
};

struct ops_binary_args {
	uint64_t y, a, b;
	uint64_t count;
	uint32_t op;			/* enum ops_binary */
	uint32_t reserved;
};

/* y[r][c] = op(x[r][c] + bias[c]), op COPY to SIGMOID of enum ops_unary */
struct ops_bias_args {
	uint64_t y, x, bias;
	uint64_t rows;
	uint32_t columns;
	uint32_t op;
};

struct ops_convert_args {
	uint64_t y, x;
	uint64_t count;
	uint8_t to, from;		/* GAON_TYPE_F32, F16, BF16; I32 from or to F32 */
	uint8_t reserved[6];
};

/* Rows of f32 to GAON_TYPE_Q8A blocks; columns a multiple of 32. */
struct ops_quantize_args {
	uint64_t y, x;
	uint64_t rows;
	uint32_t columns;
	uint32_t reserved;
};

struct ops_softmax_args {
	uint64_t y, x;
	uint64_t rows;
	uint32_t columns;
	uint32_t reserved;
};

/* loss[r] = -log softmax(x[r])[label[r]]; grad = (softmax(x) - onehot) * scale; either may be 0. */
struct ops_xent_args {
	uint64_t loss, grad, x, label;
	uint64_t rows;
	uint32_t columns;
	float scale;
};

enum ops_reduce {
	OPS_REDUCE_SUM,
	OPS_REDUCE_MAX,
	OPS_REDUCE_ARGMAX,		/* rows only: the first of the largest, as i32 */
	OPS_REDUCTIONS,
};

struct ops_reduce_args {
	uint64_t y, x;
	uint64_t rows;
	uint32_t columns;
	uint32_t op;
	float scale;			/* SUM is multiplied by it */
	uint32_t reserved;
};

#define OPS_UNPACK	32u			/* super-blocks unpacked at a time */
#define OPS_UNPACK_BYTES	(OPS_UNPACK * 1792u + 9224u)	/* of scratchpad for that */

#define OPS_ROPE_PAIRS	128u		/* of a row, at most */
#define OPS_ROPE_COLUMNS	1024u	/* of a row, at most; those of f16 are widened in the scratchpad */

enum ops_rope_layout {
	OPS_ROPE_NEIGHBOURS,		/* a pair is elements 2 i and 2 i + 1 */
	OPS_ROPE_HALVES,		/* elements i and i + apart */
};

/* Pairs of each row turned by the angle position * rate; what is not paired is copied. */
struct ops_rope_args {
	uint64_t y, x;
	uint64_t position;		/* i32, tokens of each stream after those of the one before */
	uint64_t factors;		/* f32 by pair, 0 for none: rates are divided by them */
	uint64_t x_nb[3], y_nb[3];	/* bytes between rows (heads), tokens, sequences */
	uint32_t columns, heads, tokens, sequences;
	uint32_t pairs, apart;
	uint32_t layout;		/* enum ops_rope_layout */
	float scale;			/* of the turned elements */
	uint8_t half;			/* elements are f16, else f32 */
	uint8_t reserved[7];
	double rate[OPS_ROPE_PAIRS];
	uint8_t stream[OPS_ROPE_PAIRS];	/* of positions that turns the pair */
};

/* Rows of softmax(scale * x + slope(head) * mask), a sink's weight in the sum. */
struct ops_soft_max_args {
	uint64_t y, x;
	uint64_t mask, sinks;		/* 0 for none; mask f32 or f16, sinks f32 by head */
	uint64_t x_nb[3], y_nb[3], mask_nb[3];
	uint32_t columns, rows, heads, sequences;
	uint32_t mask_heads, mask_sequences;	/* repeated beyond */
	uint32_t half;			/* the mask is f16 */
	float scale;
	float bias;			/* ALiBi's largest, 0 for none */
	uint32_t bias_heads;		/* the largest power of two that is no more than heads */
};

#define OPS_ATTENTION_STACK	(320u << 10)	/* for spilled vectors of up to 65536 bits */
#define OPS_SEQUENCE_STACK	(OPS_ATTENTION_STACK + 4096u)

/*
 * Attention: y[token][head] = softmax(scale * q . k + slope * mask) v over all keys, softly capped.  A unit
 * of work is tile_tokens tokens of tile_heads heads that have the same keys.
 */
struct ops_attention_args {
	uint64_t y, q, k, v;
	uint64_t mask, sinks;		/* 0 for none; mask f16, sinks f32 by head */
	uint64_t y_nb[3];		/* bytes between heads, tokens, sequences */
	uint64_t q_nb[3], k_nb[3], v_nb[3], mask_nb[3];	/* rows, heads, sequences */
	uint32_t tokens, heads, sequences, keys;
	uint32_t group;			/* heads that share keys */
	uint32_t k_sequences, v_sequences;	/* sequences that share keys, values */
	uint32_t mask_heads, mask_sequences;	/* repeated beyond */
	uint32_t dk, dv;		/* elements of a key, of a value */
	uint32_t tile_tokens, tile_heads, tile_keys;
	float scale, cap;		/* cap: 0 for none */
	float bias;			/* ALiBi's largest, 0 for none */
	uint32_t bias_heads;
	uint8_t type_k, type_v;
	uint16_t tile_groups;		/* more than one: of one token, tile_heads is group then */
	uint8_t reserved[4];
};

struct ops_transpose_args {
	uint64_t y, x;
	uint64_t rows, columns;		/* of x */
	uint64_t ldy, ldx;		/* in elements */
	uint32_t element;		/* bytes: 1, 2, 4 */
	uint32_t reserved;
};

/* velocity = momentum * velocity + grad + decay * weight; weight -= rate * velocity */
struct ops_sgd_args {
	uint64_t weight, velocity, grad;
	uint64_t count;
	float rate, momentum, decay;
	uint32_t reserved;
};

#endif
