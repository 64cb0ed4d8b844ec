// SPDX-License-Identifier: MIT
/* Changes of type and transposition. */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"

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
	struct gaon_range r = ops_share(args->count, GRANULE);

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
	struct gaon_range r = ops_share(args->columns, 16);

	switch (args->element) {
	case 1: TRANSPOSE(uint8_t); break;
	case 2: TRANSPOSE(uint16_t); break;
	case 4: TRANSPOSE(uint32_t); break;
	default: gaon_assert(!"element size exists");
	}
}
