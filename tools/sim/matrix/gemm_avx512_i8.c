// SPDX-License-Identifier: MIT
/*
 * AVX-512 i8 product on VNNI, whose dot product takes one unsigned operand: B is packed with 128
 * added to each value, and each row starts from -128 times the sum of its values of A.  Both wrap
 * in 32 bits, so the result is exact modulo 2^32.
 */
#if defined(__x86_64__)

#include "gemm_avx512_pack.h"
#include "gemm_avx512_tile.h"

#define I8_MR	14

KERNEL void tile_i8_step(__m512i acc[][2], const struct a_rows *a, size_t at, const uint8_t *b,
			 const uint32_t mr, const uint32_t nv)
{
	__m512i bv[2];

	for (uint32_t v = 0; v < nv; v++)
		bv[v] = _mm512_loadu_si512(b + v * 64);
	for (uint32_t r = 0; r < mr; r++) {
		__m512i av = _mm512_set1_epi32((int)load_u32(a_row(a, r) + at));

		for (uint32_t v = 0; v < nv; v++)
			acc[r][v] = _mm512_dpbusd_epi32(acc[r][v], bv[v], av);
	}
}

KERNEL void tile_i8(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b;
	__mmask16 mask[2];
	__m512i acc[I8_MR][2];

	tile_masks(mask, t->n);
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++) {
			acc[r][v] = _mm512_set1_epi32((int)(0u - 128u * (uint32_t)t->a_sum[r]));
			if (t->in)
				acc[r][v] = _mm512_add_epi32(acc[r][v],
					_mm512_maskz_loadu_epi32(mask[v], t->in + r * t->ldin +
								 v * 64));
		}
	for (uint32_t k = t->ku; k; k--) {
		tile_i8_step(acc, &a, 0, b, mr, nv);
		a_rows_advance(&a, 4, mr);
		b += nv * 64;
	}
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			_mm512_mask_storeu_epi32(t->out + r * t->ldout + v * 64, mask[v],
						 acc[r][v]);
}

DEFINE_KERNELS_14(i8)

static void a_sum_i8(int32_t *sum, const uint8_t *a, size_t stride, uint32_t rows, uint32_t ku)
{
	const __m512i ones = _mm512_set1_epi8(1);

	for (uint32_t i = 0; i < rows; i++, a += stride) {
		__m512i acc = _mm512_setzero_si512();

		for (uint32_t u = 0; u < ku; u += 16) {
			__mmask16 mask = pack_mask(ku - u);

			acc = _mm512_dpbusd_epi32(acc, ones,
						  _mm512_maskz_loadu_epi32(mask, a + u * 4));
		}
		sum[i] = _mm512_reduce_add_epi32(acc);
	}
}

PACK_DEFINE_OPS(i8, 64, 1, 4, true, pack_widen_bytes, unit_quad)

static void add_128(uint32_t *dst, const struct gemm_panel *p)
{
	for (size_t i = 0; i < (size_t)p->width * p->ku; i++)
		dst[i] ^= 0x80808080;
}

static void b_rows_u8(uint32_t *dst, const struct gemm_panel *p)
{
	b_rows_i8(dst, p);
	add_128(dst, p);
}

static void b_cols_u8(uint32_t *dst, const struct gemm_panel *p)
{
	b_cols_i8(dst, p);
	add_128(dst, p);
}

const struct gemm_ops gemm_avx512_i8 = {
	.mr = I8_MR, .vw = VW, .esize = 1, .k_unit = 4, .k_align = 4,
	.mc = 448, .kc = 1536, .nc = 512, .a_direct = true,
	.a_rows = a_rows_i8, .a_cols = a_cols_i8, .b_rows = b_rows_u8, .b_cols = b_cols_u8,
	.a_sum = a_sum_i8, .kern = i8_kernels,
};

#endif
