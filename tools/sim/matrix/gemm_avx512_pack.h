/* SPDX-License-Identifier: MIT */
/* AVX-512's share of the packers. */
#ifndef GAON_SIM_GEMM_AVX512_PACK_H
#define GAON_SIM_GEMM_AVX512_PACK_H

#include <immintrin.h>

#include "matrix_internal.h"

#define PACK_VL		16
#define PACK_INLINE	static inline __attribute__((always_inline))

/* Writes a vector of words from the @n elements at @src, zeroes after them, reading no more. */
typedef void pack_widen(uint32_t *dst, const uint8_t *src, uint32_t n);

/*
 * Vector i of a quarter takes the same 16 bytes of rows i, i+4, i+8 and i+12; transposing 4 x 4
 * within the lanes then leaves whole columns.
 */
#define PACK_INSERT(v, src, at) \
	_mm512_inserti32x4(v, _mm_loadu_si128((const void *)(src)), at)

PACK_INLINE void pack_transpose(uint32_t *dst, size_t stride, const uint8_t *src, size_t ld,
				uint32_t rows)
{
	const uint8_t *row[PACK_VL];

	for (uint32_t i = 0; i < PACK_VL; i++) {
		row[i] = src + (i < rows ? i : rows - 1) * ld;
		_mm_prefetch((const char *)row[i] + 128, _MM_HINT_T0);
	}
	for (uint32_t q = 0; q < 4; q++, dst += 4 * stride) {
		__m512i v[4], lo02, hi02, lo13, hi13;

		for (uint32_t i = 0; i < 4; i++) {
			v[i] = _mm512_castsi128_si512(
				_mm_loadu_si128((const void *)(row[i] + q * 16)));
			v[i] = PACK_INSERT(v[i], row[i + 4] + q * 16, 1);
			v[i] = PACK_INSERT(v[i], row[i + 8] + q * 16, 2);
			v[i] = PACK_INSERT(v[i], row[i + 12] + q * 16, 3);
		}
		lo02 = _mm512_unpacklo_epi32(v[0], v[2]);
		hi02 = _mm512_unpackhi_epi32(v[0], v[2]);
		lo13 = _mm512_unpacklo_epi32(v[1], v[3]);
		hi13 = _mm512_unpackhi_epi32(v[1], v[3]);
		_mm512_storeu_si512(dst, _mm512_unpacklo_epi32(lo02, lo13));
		_mm512_storeu_si512(dst + stride, _mm512_unpackhi_epi32(lo02, lo13));
		_mm512_storeu_si512(dst + 2 * stride, _mm512_unpacklo_epi32(hi02, hi13));
		_mm512_storeu_si512(dst + 3 * stride, _mm512_unpackhi_epi32(hi02, hi13));
	}
}

PACK_INLINE __mmask16 pack_mask(uint32_t n)
{
	return n >= 16 ? 0xffff : (1u << n) - 1;
}

PACK_INLINE void pack_widen_f32(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	_mm512_storeu_si512(dst, _mm512_maskz_loadu_epi32(pack_mask(n), src));
}

PACK_INLINE void pack_widen_f16(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	_mm512_storeu_ps(dst, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(pack_mask(n), src)));
}

PACK_INLINE void pack_widen_bf16(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	__m512i v = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(pack_mask(n), src));

	_mm512_storeu_si512(dst, _mm512_slli_epi32(v, 16));
}

/* A unit of four i8, or of two bf16: the bytes as they are; @n counts bytes. */
PACK_INLINE void pack_widen_bytes(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	__mmask64 mask = n >= 64 ? ~0ull : (1ull << n) - 1;

	_mm512_storeu_si512(dst, _mm512_maskz_loadu_epi8(mask, src));
}

#include "gemm_pack_template.h"

/* Four stored rows interleaved by bytes. */
PACK_INLINE void unit_quad(uint32_t *dst, const uint8_t *src, size_t ld, uint32_t lanes,
			   uint32_t have)
{
	__m512i unit = _mm512_setzero_si512();

	for (uint32_t i = 0; i < have; i++) {
		__m512i row = _mm512_cvtepu8_epi32(
			_mm_maskz_loadu_epi8(pack_mask(lanes), src + i * ld));

		unit = _mm512_or_si512(unit, _mm512_sll_epi32(row, _mm_cvtsi32_si128(i * 8)));
	}
	_mm512_storeu_si512(dst, unit);
}

#endif
