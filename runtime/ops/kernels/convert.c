// SPDX-License-Identifier: MIT
/* Changes of type, quantisation of activations and transposition. */
#include <gaon/device.h>

#include "ops_args.h"

#define GRANULE	256

#define CONVERT(to_type, from_type)							\
	do {										\
		const from_type *restrict x = (const from_type *)args->x;		\
		to_type *restrict y = (to_type *)args->y;				\
											\
		for (uint64_t i = r.begin; i < r.end; i++)				\
			y[i] = (to_type)x[i];						\
	} while (0)

#define PAIR(to, from)	((to) << 8 | (from))

/* f16 and bf16 go through f32, which holds both exactly: one rounding. */
#define CONVERT_VIA_F32(to_type, from_type)						\
	do {										\
		const from_type *restrict x = (const from_type *)args->x;		\
		to_type *restrict y = (to_type *)args->y;				\
											\
		for (uint64_t i = r.begin; i < r.end; i++)				\
			y[i] = (to_type)(float)x[i];					\
	} while (0)

GAON_KERNEL(ops_convert, struct ops_convert_args,
	    GAON_POINTERS(2, offsetof(struct ops_convert_args, y),
			  offsetof(struct ops_convert_args, x)))
{
	struct gaon_range r = gaon_share(args->count, GRANULE);

	switch (PAIR(args->to, args->from)) {
	case PAIR(GAON_TYPE_F32, GAON_TYPE_F16): CONVERT(float, _Float16); break;
	case PAIR(GAON_TYPE_F32, GAON_TYPE_BF16): CONVERT(float, __bf16); break;
	case PAIR(GAON_TYPE_F32, GAON_TYPE_I32): CONVERT(float, int32_t); break;
	case PAIR(GAON_TYPE_F16, GAON_TYPE_F32): CONVERT(_Float16, float); break;
	case PAIR(GAON_TYPE_BF16, GAON_TYPE_F32): CONVERT(__bf16, float); break;
	case PAIR(GAON_TYPE_F16, GAON_TYPE_BF16): CONVERT_VIA_F32(_Float16, __bf16); break;
	case PAIR(GAON_TYPE_BF16, GAON_TYPE_F16): CONVERT_VIA_F32(__bf16, _Float16); break;
	default: gaon_assert(!"conversion exists");
	}
}

/* As the matrix unit reads it: d, s = d * sum of the quants, then the quants. */
struct q8a_block {
	float d, s;
	int8_t qs[GAON_BLOCK_K];
};

/* Round to nearest even without a branch; |v| stays below 2^22. */
static int32_t nearest(float v)
{
	return (int32_t)(gaon_f32_bits(v + 0x1.8p23f) - 0x4b400000u);
}

static void quantize_block(struct q8a_block *restrict out, const float *restrict x)
{
	float largest = 0, d, inverse;
	int32_t sum = 0;

	for (int i = 0; i < GAON_BLOCK_K; i++)
		largest = gaon_maxf(largest, gaon_fabsf(x[i]));
	d = largest / 127.0f;
	/* A reciprocal that would overflow: quants of such a block are 0. */
	inverse = largest > 0x1p-120f ? 127.0f / largest : 0;
	for (int i = 0; i < GAON_BLOCK_K; i++) {
		int32_t q = nearest(x[i] * inverse);

		out->qs[i] = (int8_t)q;
		sum += q;
	}
	out->d = d;
	out->s = d * (float)sum;
}

GAON_KERNEL(ops_quantize, struct ops_quantize_args,
	    GAON_POINTERS(2, offsetof(struct ops_quantize_args, y),
			  offsetof(struct ops_quantize_args, x)))
{
	uint64_t blocks = args->rows * (args->columns / GAON_BLOCK_K);
	struct gaon_range r = gaon_share(blocks, 8);
	struct q8a_block *y = (struct q8a_block *)args->y;
	const float *x = (const float *)args->x;

	for (uint64_t i = r.begin; i < r.end; i++)
		quantize_block(y + i, x + i * GAON_BLOCK_K);
}

/* Strips of columns of x, so that the lines read by one row of y are used by the next ones. */
#define TRANSPOSE(type)									\
	do {										\
		const type *restrict x = (const type *)args->x;				\
		type *restrict y = (type *)args->y;					\
		uint64_t ldx = args->ldx, ldy = args->ldy, rows = args->rows;		\
											\
		for (uint64_t top = 0; top < rows; top += STRIP) {			\
			uint64_t end = rows - top < STRIP ? rows : top + STRIP;		\
											\
			for (uint64_t c = r.begin; c < r.end; c++)			\
				for (uint64_t i = top; i < end; i++)			\
					y[c * ldy + i] = x[i * ldx + c];		\
		}									\
	} while (0)

#define STRIP	512

GAON_KERNEL(ops_transpose, struct ops_transpose_args,
	    GAON_POINTERS(2, offsetof(struct ops_transpose_args, y),
			  offsetof(struct ops_transpose_args, x)))
{
	struct gaon_range r = gaon_share(args->columns, 16);

	switch (args->element) {
	case 1: TRANSPOSE(uint8_t); break;
	case 2: TRANSPOSE(uint16_t); break;
	case 4: TRANSPOSE(uint32_t); break;
	default: gaon_assert(!"element size exists");
	}
}
