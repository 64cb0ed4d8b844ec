// SPDX-License-Identifier: MIT
/*
 * AVX2 i8 product: values widened to i16, pairs multiplied and added to 32 bits by one
 * instruction.  Its only sum beyond i16 is (-128)^2 * 2 = 2^15, which fits: nothing saturates.
 */
#if defined(__x86_64__)

#include "gemm_avx2_pack.h"
#include "gemm_avx2_tile.h"

#define I8_MR	6

KERNEL __m256i part_load(const uint8_t *p, const struct tile_part *part, const uint32_t v)
{
	return _mm256_maskload_epi32((const int *)(p + v * 32), part->mask[v]);
}

KERNEL void tile_i8(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct tile_part part = tile_part_of(t, nv);
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b;
	__m256i acc[I8_MR][2];

	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			acc[r][v] = t->in ? part_load(t->in + r * t->ldin, &part, v) :
					    _mm256_setzero_si256();
	for (uint32_t k = t->ku; k; k--) {
		__m256i bv[2];

		for (uint32_t v = 0; v < nv; v++)
			bv[v] = _mm256_loadu_si256((const void *)(b + v * 32));
		for (uint32_t r = 0; r < mr; r++) {
			__m256i av = _mm256_set1_epi32((int)load_u32(a_row(&a, r)));

			for (uint32_t v = 0; v < nv; v++)
				acc[r][v] = _mm256_add_epi32(acc[r][v],
							     _mm256_madd_epi16(av, bv[v]));
		}
		a_rows_advance(&a, 4, mr);
		b += nv * 32;
	}
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			_mm256_maskstore_epi32((int *)(t->out + r * t->ldout + v * 32),
					       part.mask[v], acc[r][v]);
}

DEFINE_KERNELS_6(i8)

/* Two stored rows, widened and interleaved. */
PACK_INLINE void unit_pair(uint32_t *dst, const uint8_t *src, size_t ld, uint32_t lanes,
			   uint32_t have)
{
	for (uint32_t i = 0; i < PACK_VL; i++) {
		int16_t lo = 0, hi = 0;

		if (i < lanes && have > 0)
			lo = (int8_t)src[i];
		if (i < lanes && have > 1)
			hi = (int8_t)src[ld + i];
		dst[i] = (uint16_t)lo | (uint32_t)(uint16_t)hi << 16;
	}
}

PACK_DEFINE_OPS(i8, 16, 1, 2, false, pack_widen_pair, unit_pair)

const struct gemm_ops gemm_avx2_i8 = {
	.mr = I8_MR, .vw = VW, .esize = 1, .k_unit = 2, .k_align = 2,
	.mc = 384, .kc = 768, .nc = 512,
	.a_rows = a_rows_i8, .a_cols = a_cols_i8, .b_rows = b_rows_i8, .b_cols = b_cols_i8,
	.kern = i8_kernels,
};

#endif
