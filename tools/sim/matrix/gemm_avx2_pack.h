/* SPDX-License-Identifier: MIT */
/* AVX2's share of the packers. */
#ifndef GAON_SIM_GEMM_AVX2_PACK_H
#define GAON_SIM_GEMM_AVX2_PACK_H

#include <immintrin.h>

#include "matrix_internal.h"

#define PACK_VL		8
#define PACK_INLINE	static inline __attribute__((always_inline))

/* Writes a vector of words from the @n elements at @src, zeroes after them, reading no more. */
typedef void pack_widen(uint32_t *dst, const uint8_t *src, uint32_t n);

PACK_INLINE __m256 pack_join(const uint8_t *lo, const uint8_t *hi)
{
	return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)lo)),
				    _mm_loadu_ps((const float *)hi), 1);
}

/* Vector i of a half takes the same 16 bytes of rows i and i+4; then 4 x 4 within the lanes. */
PACK_INLINE void pack_transpose(uint32_t *dst, size_t stride, const uint8_t *src, size_t ld,
				uint32_t rows)
{
	const uint8_t *row[PACK_VL];

	for (uint32_t i = 0; i < PACK_VL; i++) {
		row[i] = src + (i < rows ? i : rows - 1) * ld;
		_mm_prefetch((const char *)row[i] + 128, _MM_HINT_T0);
	}
	for (uint32_t q = 0; q < 2; q++, dst += 4 * stride) {
		__m256 v[4], lo02, hi02, lo13, hi13;

		for (uint32_t i = 0; i < 4; i++)
			v[i] = pack_join(row[i] + q * 16, row[i + 4] + q * 16);
		lo02 = _mm256_unpacklo_ps(v[0], v[2]);
		hi02 = _mm256_unpackhi_ps(v[0], v[2]);
		lo13 = _mm256_unpacklo_ps(v[1], v[3]);
		hi13 = _mm256_unpackhi_ps(v[1], v[3]);
		_mm256_storeu_ps((float *)dst, _mm256_unpacklo_ps(lo02, lo13));
		_mm256_storeu_ps((float *)(dst + stride), _mm256_unpackhi_ps(lo02, lo13));
		_mm256_storeu_ps((float *)(dst + 2 * stride), _mm256_unpacklo_ps(hi02, hi13));
		_mm256_storeu_ps((float *)(dst + 3 * stride), _mm256_unpackhi_ps(hi02, hi13));
	}
}

PACK_INLINE void pack_widen_f32(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	uint32_t part[PACK_VL] = { 0 };

	if (n == PACK_VL) {
		_mm256_storeu_ps((float *)dst, _mm256_loadu_ps((const float *)src));
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		part[i] = load_u32(src + (size_t)i * 4);
	memcpy(dst, part, sizeof(part));
}

PACK_INLINE __m128i pack_load_u16(const uint8_t *src, uint32_t n)
{
	uint16_t part[PACK_VL] = { 0 };

	if (n == PACK_VL)
		return _mm_loadu_si128((const void *)src);
	for (uint32_t i = 0; i < n; i++)
		part[i] = load_u16(src + (size_t)i * 2);
	return _mm_loadu_si128((const void *)part);
}

PACK_INLINE void pack_widen_f16(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	_mm256_storeu_ps((float *)dst, _mm256_cvtph_ps(pack_load_u16(src, n)));
}

PACK_INLINE void pack_widen_bf16(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	__m256i v = _mm256_cvtepu16_epi32(pack_load_u16(src, n));

	_mm256_storeu_si256((void *)dst, _mm256_slli_epi32(v, 16));
}

/* A unit of two i8, widened to i16. */
PACK_INLINE void pack_widen_pair(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	uint8_t part[2 * PACK_VL] = { 0 };
	const void *from = src;

	if (n < 2 * PACK_VL) {
		for (uint32_t i = 0; i < n; i++)
			part[i] = src[i];
		from = part;
	}
	_mm256_storeu_si256((void *)dst, _mm256_cvtepi8_epi16(_mm_loadu_si128(from)));
}

#include "gemm_pack_template.h"

#endif
