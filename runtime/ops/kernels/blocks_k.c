// SPDX-License-Identifier: MIT
/*
 * Super-blocks of 256 values unpacked.  Their scales are six bits (Q6_K: eight) of those of the
 * super-block; values are taken 32 at a time, which have at most two scales.
 */
#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "blocks.h"

/* Products and sums are rounded each, as in ggml's reference. */
#pragma STDC FP_CONTRACT OFF

#define GROUP	32

/* {f16 d, dmin; u8 scales[12]; u8 qh[32] (Q5_K); u8 qs[128]} */
#define AT_DMIN		2
#define AT_SCALES	4
#define AT_VALUES	16

/* {u8 ql[128], qh[64]; i8 scales[16]; f16 d} */
#define Q6_AT_HIGH	128
#define Q6_AT_SCALES	192
#define Q6_AT_D		208

static float half_at(const char *p)
{
	return *(const _Float16 *)p;
}

/* Of group @j: the first four in six bits of a byte, the others in a nibble and the two bits left. */
static void scale_min(const uint8_t *s, uint32_t j, uint32_t *scale, uint32_t *min)
{
	*scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
	*min = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
}

/* to = d * (nibble + 16 * bit @high of qh) - m */
static void unpack_five(float *restrict to, const uint8_t *restrict q, uint32_t shift,
			const uint8_t *restrict qh, uint32_t high, float d, float m)
{
	for (uint32_t i = 0; i < GROUP; i++) {
		uint32_t v = (q[i] >> shift & 15) | (qh[i] >> high & 1) << 4;

		to[i] = d * (float)v - m;
	}
}

static void unpack_four(float *restrict to, const uint8_t *restrict q, uint32_t shift, float d, float m)
{
	for (uint32_t i = 0; i < GROUP; i++)
		to[i] = d * (float)(q[i] >> shift & 15) - m;
}

/* Groups 2 n and 2 n + 1 are the low and the high nibbles of 32 bytes. */
static void unpack_q4_q5(uint8_t type, const char *block, float *to)
{
	const uint8_t *scales = (const uint8_t *)block + AT_SCALES;
	const uint8_t *qh = (const uint8_t *)block + AT_VALUES, *q = qh;
	float d = half_at(block), dmin = half_at(block + AT_DMIN);

	if (type == GAON_TENSOR_Q5_K)
		q += GROUP;
	for (uint32_t j = 0; j < GAON_TENSOR_SUPER_K / GROUP; j++, to += GROUP) {
		const uint8_t *from = q + j / 2 * GROUP;
		uint32_t scale, min;

		scale_min(scales, j, &scale, &min);
		if (type == GAON_TENSOR_Q5_K)
			unpack_five(to, from, j % 2 * 4, qh, j, d * (float)scale, dmin * (float)min);
		else
			unpack_four(to, from, j % 2 * 4, d * (float)scale, dmin * (float)min);
	}
}

static void unpack_six(float *restrict to, const uint8_t *restrict q, uint32_t shift,
		       const uint8_t *restrict qh, uint32_t high, float d0, float d1)
{
	for (uint32_t i = 0; i < GROUP; i++) {
		int32_t v = (int32_t)((q[i] >> shift & 15) | (qh[i] >> high & 3) << 4) - 32;

		to[i] = (i < GROUP / 2 ? d0 : d1) * (float)v;
	}
}

/* Each half: 64 bytes of low nibbles, then their high ones; 32 bytes with two upper bits of each. */
static void unpack_q6(const char *block, float *to)
{
	const int8_t *scales = (const int8_t *)block + Q6_AT_SCALES;
	float d = half_at(block + Q6_AT_D);

	for (uint32_t j = 0; j < GAON_TENSOR_SUPER_K / GROUP; j++, to += GROUP) {
		uint32_t half = j / 4, quarter = j % 4;
		const uint8_t *q = (const uint8_t *)block + half * 64 + quarter % 2 * GROUP;
		const uint8_t *qh = (const uint8_t *)block + Q6_AT_HIGH + half * GROUP;

		unpack_six(to, q, quarter / 2 * 4, qh, quarter * 2, d * (float)scales[j * 2],
			   d * (float)scales[j * 2 + 1]);
	}
}

void blocks_unpack_super(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to)
{
	for (; count; count--, blocks += nb, to += GAON_TENSOR_SUPER_K)
		if (type == GAON_TENSOR_Q6_K)
			unpack_q6(blocks, to);
		else
			unpack_q4_q5(type, blocks, to);
}
