/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the kernels on tensors.  The launchers have checked types, shapes and addresses, given
 * every stride a meaning and joined dimensions that lie one after the other.
 */
#ifndef GAON_OPS_TENSOR_ARGS_H
#define GAON_OPS_TENSOR_ARGS_H

#include <gaon/device/tensor.h>

/* Elements of a part of a long row: whole blocks of every type, and whole vector registers. */
#define ROWS_PART	4096u

/* Scratchpad for some rows that are moved at once, and the most that are. */
#define STAGE_BYTES	65536u
#define STAGE_ROWS	1024u

/* dst = op(src), same shape; dst and src f32, f16 or bf16 */
struct ops_map_args {
	struct gaon_tensor dst, src;
	float alpha, beta;
	uint32_t op;			/* enum ops_unary */
	uint32_t reserved;
};

/* dst = op(a, b); b's dimensions divide dst's, a has dst's shape */
struct ops_zip_args {
	struct gaon_tensor dst, a, b;
	uint32_t op;			/* enum ops_binary */
	uint32_t reserved;
};

enum ops_glu {
	OPS_GLU_REGLU,			/* max(a, 0) b */
	OPS_GLU_GEGLU,			/* gelu by tanh(a) b */
	OPS_GLU_SWIGLU,			/* silu(a) b */
	OPS_GLU_SWIGLU_OAI,		/* a' sigmoid(alpha a') (b' + 1), both clamped by limit */
	OPS_GLU_GEGLU_ERF,		/* gelu by the error function(a) b */
	OPS_GLU_GEGLU_QUICK,		/* a sigmoid(1.702 a) b */
	OPS_GLU_SWIGLU_CLAMP,		/* silu(a') b', both clamped by limit */
	OPS_GLUS,
};

struct ops_glu_args {
	struct gaon_tensor dst, a, b;	/* same shape */
	float alpha, limit;
	uint32_t op;			/* enum ops_glu */
	uint32_t reserved;
};

enum ops_way {
	OPS_WAY_THROUGH,		/* elements counted through, whatever the shapes are */
	OPS_WAY_ROWS,			/* row after row, long ones in parts */
	OPS_WAY_STAGED,			/* some dense rows of at most STAGE_BYTES at once */
	OPS_WAY_TURNED,			/* src is dense in dimension 1 */
	OPS_WAY_ELEMENTS,		/* rows of one element: f32, f16 or bf16 on both sides */
};

/* The elements of src in order are those of dst; but for OPS_WAY_THROUGH shapes are the same. */
struct ops_copy_args {
	struct gaon_tensor dst, src;
	uint64_t count;			/* elements */
	uint32_t raw;			/* same type: bytes of an element or block; else 0 */
	uint32_t way;			/* OPS_WAY_THROUGH, STAGED or TURNED */
};

/* Row index[i][j][k] of table[.][j][k] to dst[i][j][k], and the reverse; index i32 or i64 */
struct ops_rows_args {
	struct gaon_tensor dst, src, index;
	uint32_t raw;			/* as in ops_copy_args */
	uint32_t way;			/* OPS_WAY_ROWS, STAGED or ELEMENTS */
};

enum ops_norm {
	OPS_NORM_RMS,			/* x / sqrt(mean(x^2) + eps), times weight if there is one */
	OPS_NORM_MEAN,			/* (x - mean) / sqrt(variance + eps) */
	OPS_NORM_L2,			/* x / max(sqrt(sum(x^2)), eps) */
	OPS_NORMS,
};

struct ops_norm_args {
	struct gaon_tensor dst, src;
	struct gaon_tensor weight;	/* f32, divides dst; va 0: none */
	struct gaon_tensor add, sum;	/* sum = src + add is what is normed; sum.va 0: src is */
	float eps;
	uint32_t op;			/* enum ops_norm */
};

/* dst[i][j][k] = scale * sum of row i, j, k of src */
struct ops_sum_args {
	struct gaon_tensor dst, src;
	float scale;
	uint32_t reserved;
};

/* dst is src repeated to fill it. */
struct ops_repeat_args {
	struct gaon_tensor dst, src;
	uint32_t bytes;			/* of an element */
	uint32_t reserved;
};

enum ops_pad {
	OPS_PAD_ZERO,
	OPS_PAD_CIRCULAR,		/* the other end's elements */
	OPS_PAD_REFLECT,		/* elements mirrored at the first and the last */
	OPS_PADS,
};

/* src with before[i] places before it in dimension i, and behind it what dst has more. */
struct ops_pad_args {
	struct gaon_tensor dst, src;
	uint64_t before[GAON_TENSOR_DIMS];
	uint32_t bytes;			/* of an element */
	uint32_t mode;			/* enum ops_pad */
};

/* Rows of up to this many are sorted by counting, longer ones by digits. */
#define SORT_COUNTED	256u

/* f32 rows to the i32 places of their elements; the launch has scratchpad for keys and indices. */
struct ops_sort_args {
	struct gaon_tensor dst, src;
	uint32_t flip;			/* of all bits of the keys: the largest first */
	uint32_t reserved;
};

enum ops_pool {
	OPS_POOL_MAX,
	OPS_POOL_MEAN,			/* over all of the window, what lies outside being 0 */
	OPS_POOL_MEAN_INSIDE,		/* over what lies inside */
	OPS_POOLS,
};

/*
 * Windows of src [w h c n]: output x, y reads columns x stride[0] + kx dilation[0] - pad[0] and lines
 * likewise.  Pooled to [ow oh c n], dilation 1; or laid out as [c kernel[1] kernel[0], ow, oh, n].
 */
struct ops_window_args {
	struct gaon_tensor dst, src;
	uint32_t kernel[2], stride[2], pad[2], dilation[2];
	uint32_t op;			/* enum ops_pool */
	uint32_t reserved;
};

#endif
