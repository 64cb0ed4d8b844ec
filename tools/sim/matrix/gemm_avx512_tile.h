/* SPDX-License-Identifier: MIT */
/* What AVX-512's register-tiled kernels share. */
#ifndef GAON_SIM_GEMM_AVX512_TILE_H
#define GAON_SIM_GEMM_AVX512_TILE_H

#include <immintrin.h>

#include "matrix_internal.h"

#define VW		16
#define KERNEL		static inline __attribute__((always_inline))

/* The columns that exist in each of a tile's two vectors. */
KERNEL void tile_masks(__mmask16 mask[2], uint32_t n)
{
	uint32_t bits = n >= 32 ? 0xffffffff : (1u << n) - 1;

	mask[0] = (__mmask16)bits;
	mask[1] = (__mmask16)(bits >> 16);
}

/* The next tile is the one to the right of this. */
KERNEL void tile_prefetch_next(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	const char *next = (const char *)t->out + nv * 64;

	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			_mm_prefetch(next + r * t->ldout + v * 64, _MM_HINT_T0);
}

/*
 * Rows of A by groups of four: within a group base, index and scale address every row, so that
 * fourteen rows cost six registers.  The empty asm keeps the compiler from undoing that.
 */
struct a_rows {
	const uint8_t *group[4];
	size_t ld, ld3;
};

KERNEL struct a_rows a_rows_begin(const uint8_t *a, size_t ld, const uint32_t mr)
{
	struct a_rows rows = { .ld = ld, .ld3 = 3 * ld };

	__asm__("" : "+r"(rows.ld3));
	for (uint32_t i = 0; i < 4; i++) {
		rows.group[i] = a + i * 4 * ld;
		if (i * 4 < mr)
			__asm__("" : "+r"(rows.group[i]));
	}
	return rows;
}

KERNEL const uint8_t *a_row(const struct a_rows *rows, uint32_t r)
{
	return rows->group[r / 4] + (r % 4 == 3 ? rows->ld3 : r % 4 * rows->ld);
}

KERNEL void a_rows_advance(struct a_rows *rows, size_t bytes, const uint32_t mr)
{
	for (uint32_t i = 0; i * 4 < mr; i++) {
		rows->group[i] += bytes;
		__asm__("" : "+r"(rows->group[i]));
	}
}

#include "gemm_kernels.h"

#endif
