/* SPDX-License-Identifier: MIT */
/* What AVX2's register-tiled kernels share. */
#ifndef GAON_SIM_GEMM_AVX2_TILE_H
#define GAON_SIM_GEMM_AVX2_TILE_H

#include <immintrin.h>

#include "gemm_rows.h"
#include "matrix_internal.h"

#define VW		8

/* Which columns of a tile exist. */
struct tile_part {
	bool whole;
	__m256i mask[2];
};

KERNEL struct tile_part tile_part_of(const struct gemm_tile *t, const uint32_t nv)
{
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	struct tile_part part = { .whole = t->n == nv * VW };

	for (uint32_t v = 0; v < 2; v++)
		part.mask[v] = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)t->n - (int)v * VW), lane);
	return part;
}

/* The next tile is the one to the right of this. */
KERNEL void tile_prefetch_next(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	for (uint32_t r = 0; r < mr; r++)
		_mm_prefetch((const char *)t->out + r * t->ldout + nv * 32, _MM_HINT_T0);
}

#include "gemm_kernels.h"

#endif
