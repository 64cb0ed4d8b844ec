// SPDX-License-Identifier: MIT
/* Q4_0, Q4_1 and Q8_0 unpacked and packed. */
#include <gaon/device.h>

#include "blocks.h"

/* Products and sums are rounded each, as in ggml's reference. */
#pragma STDC FP_CONTRACT OFF

#define K	GAON_BLOCK_K

/* Blocks whose scales are kept at a time while packing. */
#define GROUP	256

/* Where the parts of a block lie: f16 d, f16 m (Q4_1), then the values. */
#define AT_M		2
#define Q4_0_VALUES	2
#define Q4_1_VALUES	4
#define Q8_0_VALUES	2

static void unpack_q8_0(const char *restrict blocks, uint64_t nb, uint64_t count, float *restrict to)
{
	for (int j = 0; j < K; j++)
		for (uint64_t b = 0; b < count; b++) {
			float d = *(const _Float16 *)(blocks + b * nb);

			to[b * K + j] = d * *(const int8_t *)(blocks + b * nb + Q8_0_VALUES + j);
		}
}

static void unpack_q4_0(const char *restrict blocks, uint64_t nb, uint64_t count, float *restrict to)
{
	for (int j = 0; j < K / 2; j++)
		for (uint64_t b = 0; b < count; b++) {
			float d = *(const _Float16 *)(blocks + b * nb);
			uint8_t q = *(const uint8_t *)(blocks + b * nb + Q4_0_VALUES + j);

			to[b * K + j] = d * (float)((q & 15) - 8);
			to[b * K + j + K / 2] = d * (float)((q >> 4) - 8);
		}
}

static void unpack_q4_1(const char *restrict blocks, uint64_t nb, uint64_t count, float *restrict to)
{
	for (int j = 0; j < K / 2; j++)
		for (uint64_t b = 0; b < count; b++) {
			float d = *(const _Float16 *)(blocks + b * nb);
			float m = *(const _Float16 *)(blocks + b * nb + AT_M);
			uint8_t q = *(const uint8_t *)(blocks + b * nb + Q4_1_VALUES + j);

			to[b * K + j] = gaon_fmaf(d, (float)(q & 15), m);
			to[b * K + j + K / 2] = gaon_fmaf(d, (float)(q >> 4), m);
		}
}

void blocks_unpack(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to)
{
	switch (type) {
	case GAON_TYPE_Q8_0: unpack_q8_0(blocks, nb, count, to); break;
	case GAON_TYPE_Q4_0: unpack_q4_0(blocks, nb, count, to); break;
	case GAON_TYPE_Q4_1: unpack_q4_1(blocks, nb, count, to); break;
	default: gaon_assert(!"block type exists");
	}
}

/* 1 / d, or 0 where that would overflow: the values of such a block are 0. */
static float inverse_of(float d)
{
	return gaon_fabsf(d) > 0x1p-126f ? 1.0f / d : 0;
}

/* Round to nearest even without a branch; |v| stays below 2^22. */
static int32_t nearest(float v)
{
	return (int32_t)(gaon_f32_bits(v + 0x1.8p23f) - 0x4b400000u);
}

static uint8_t nibble(float v)
{
	int32_t q = (int32_t)v;

	return (uint8_t)(q > 15 ? 15 : q);
}

static void pack_q8_0(char *restrict blocks, uint64_t nb, uint64_t count, const float *restrict from)
{
	float scale[GROUP];

	for (uint64_t b = 0; b < count; b++)
		scale[b] = 0;
	for (int j = 0; j < K; j++)
		for (uint64_t b = 0; b < count; b++)
			scale[b] = gaon_maxf(scale[b], gaon_fabsf(from[b * K + j]));
	for (uint64_t b = 0; b < count; b++) {
		float d = scale[b] / 127.0f;

		*(_Float16 *)(blocks + b * nb) = (_Float16)d;
		scale[b] = inverse_of(d);
	}
	for (int j = 0; j < K; j++)
		for (uint64_t b = 0; b < count; b++)
			*(int8_t *)(blocks + b * nb + Q8_0_VALUES + j) =
				(int8_t)nearest(from[b * K + j] * scale[b]);
}

static void pack_q4_0(char *restrict blocks, uint64_t nb, uint64_t count, const float *restrict from)
{
	float largest[GROUP], scale[GROUP];

	for (uint64_t b = 0; b < count; b++)
		largest[b] = 0;
	/* The value of the largest magnitude with its sign, the first of equals. */
	for (int j = 0; j < K; j++)
		for (uint64_t b = 0; b < count; b++) {
			float v = from[b * K + j];

			largest[b] = gaon_fabsf(v) > gaon_fabsf(largest[b]) ? v : largest[b];
		}
	for (uint64_t b = 0; b < count; b++) {
		float d = largest[b] / -8.0f;

		*(_Float16 *)(blocks + b * nb) = (_Float16)d;
		scale[b] = inverse_of(d);
	}
	for (int j = 0; j < K / 2; j++)
		for (uint64_t b = 0; b < count; b++) {
			uint8_t low = nibble(from[b * K + j] * scale[b] + 8.5f);
			uint8_t high = nibble(from[b * K + j + K / 2] * scale[b] + 8.5f);

			*(uint8_t *)(blocks + b * nb + Q4_0_VALUES + j) = (uint8_t)(low | high << 4);
		}
}

static void pack_q4_1(char *restrict blocks, uint64_t nb, uint64_t count, const float *restrict from)
{
	float low[GROUP], scale[GROUP];

	for (uint64_t b = 0; b < count; b++)
		low[b] = scale[b] = from[b * K];
	for (int j = 1; j < K; j++)
		for (uint64_t b = 0; b < count; b++) {
			low[b] = gaon_minf(low[b], from[b * K + j]);
			scale[b] = gaon_maxf(scale[b], from[b * K + j]);
		}
	for (uint64_t b = 0; b < count; b++) {
		float d = (scale[b] - low[b]) / 15.0f;

		*(_Float16 *)(blocks + b * nb) = (_Float16)d;
		*(_Float16 *)(blocks + b * nb + AT_M) = (_Float16)low[b];
		scale[b] = inverse_of(d);
	}
	for (int j = 0; j < K / 2; j++)
		for (uint64_t b = 0; b < count; b++) {
			uint8_t first = nibble((from[b * K + j] - low[b]) * scale[b] + 0.5f);
			uint8_t second = nibble((from[b * K + j + K / 2] - low[b]) * scale[b] + 0.5f);

			*(uint8_t *)(blocks + b * nb + Q4_1_VALUES + j) =
				(uint8_t)(first | second << 4);
		}
}

void blocks_pack(uint8_t type, char *blocks, uint64_t nb, uint64_t count, const float *from)
{
	for (uint64_t b = 0; b < count; b += GROUP) {
		uint64_t n = count - b < GROUP ? count - b : GROUP;

		switch (type) {
		case GAON_TYPE_Q8_0: pack_q8_0(blocks + b * nb, nb, n, from + b * K); break;
		case GAON_TYPE_Q4_0: pack_q4_0(blocks + b * nb, nb, n, from + b * K); break;
		case GAON_TYPE_Q4_1: pack_q4_1(blocks + b * nb, nb, n, from + b * K); break;
		default: gaon_assert(!"block type exists");
		}
	}
}
