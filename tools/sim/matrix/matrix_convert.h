/* SPDX-License-Identifier: MIT */
/* Conversions between f32 and the 16-bit formats, by integers: independent of any host mode. */
#ifndef GAON_SIM_MATRIX_CONVERT_H
#define GAON_SIM_MATRIX_CONVERT_H

#include "matrix_internal.h"

static inline float f32_from_bf16(uint16_t h)
{
	return f32_from_bits((uint32_t)h << 16);
}

/* Exact.  A NaN keeps its payload: only the store of a result makes it canonical. */
static inline float f32_from_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exp = h >> 10 & 0x1f;
	uint32_t man = h & 0x3ff;

	if (exp == 0x1f)
		return f32_from_bits(sign | 0x7f800000 | man << 13);
	if (exp)
		return f32_from_bits(sign | (exp + 112) << 23 | man << 13);
	if (!man)
		return f32_from_bits(sign);
	for (exp = 113; !(man & 0x400); exp--)
		man <<= 1;
	return f32_from_bits(sign | exp << 23 | (man & 0x3ff) << 13);
}

/* Drops @drop low bits of @v, 1 <= drop <= 31, rounding to nearest even. */
static inline uint32_t round_even(uint32_t v, uint32_t drop)
{
	uint32_t half = 1u << (drop - 1);
	uint32_t rest = v & ((1u << drop) - 1);
	uint32_t q = v >> drop;

	return q + (rest > half || (rest == half && (q & 1)));
}

static inline uint16_t f16_from_f32(float f)
{
	uint32_t u = f32_bits(f);
	uint16_t sign = u >> 16 & 0x8000;
	uint32_t mag = u & 0x7fffffff;

	if (mag > 0x7f800000)
		return 0x7e00;
	if (mag >= 0x47800000)		/* 2^16 and up, infinity */
		return sign | 0x7c00;
	if (mag >= 0x38800000)		/* normal; a carry may reach infinity, which is right */
		return sign | round_even(mag - (112u << 23), 13);
	if (mag < 0x33000000)		/* under 2^-25 */
		return sign;
	return sign | round_even((mag & 0x7fffff) | 0x800000, 126 - (mag >> 23));
}

static inline uint16_t bf16_from_f32(float f)
{
	uint32_t u = f32_bits(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return GEMM_F32_NAN >> 16;
	return round_even(u, 16);
}

static inline float f32_canonical(float f)
{
	return f != f ? f32_from_bits(GEMM_F32_NAN) : f;
}

#endif
