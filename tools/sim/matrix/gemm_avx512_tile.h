/* SPDX-License-Identifier: MIT */
/* What AVX-512's register-tiled kernels share. */
#ifndef GAON_SIM_GEMM_AVX512_TILE_H
#define GAON_SIM_GEMM_AVX512_TILE_H

#include <immintrin.h>

#include "gemm_rows.h"
#include "matrix_internal.h"

#define VW		16

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

#include "gemm_kernels.h"

#endif
