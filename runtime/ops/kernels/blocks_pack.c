// SPDX-License-Identifier: MIT
/* Q4_0, Q4_1 and Q8_0 packed. */
#include <gaon/device.h>

#include "blocks.h"
#include "blocks_parts.h"

/* Products and sums are rounded each, as in ggml's reference. */
#pragma STDC FP_CONTRACT OFF

#define K	GAON_BLOCK_K

/* Blocks at a time, on the stack; half as many of Q4_1, of which two numbers are kept for a value. */
#define GROUP	128u

/* Where the parts of a block lie: f16 d, f16 m (Q4_1), then the values. */
#define AT_M		2
#define Q4_0_VALUES	2
#define Q4_1_VALUES	4
#define Q8_0_VALUES	2

#define INFINITE	0x7f800000u	/* what is above is NaN */

struct pack_work {
	float scale[GROUP * K];		/* by value */
	uint32_t half[GROUP * K / 2], quarter[GROUP * K / 4];
	float d[GROUP], m[GROUP], inverse[GROUP];
	uint64_t q[GROUP * K / 8];
};

/* Halving from @from down to one of each block, which @of does for pairs; the first time @first. */
typedef void pairs(any_u32 *to, const any_u64 *from, uint64_t n);

GAON_INLINE void blocks_reduce(struct pack_work *w, const float *from, uint64_t count, float *to,
			       pairs *first, pairs *of)
{
	any_u32 *half = (any_u32 *)w->half, *quarter = (any_u32 *)w->quarter;

	first(half, (const any_u64 *)from, count * K / 2);
	of(quarter, (const any_u64 *)half, count * K / 4);
	of(half, (const any_u64 *)quarter, count * K / 8);
	of(quarter, (const any_u64 *)half, count * K / 16);
	of((any_u32 *)to, (const any_u64 *)quarter, count);
}

static uint32_t no_nan(uint32_t bits)
{
	return (bits & MAGNITUDE) > INFINITE ? 0 : bits;
}

/* The larger magnitude, NaN passed over. */
static void abs_pairs(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t low = no_nan((uint32_t)from[i]) & MAGNITUDE;
		uint32_t high = no_nan((uint32_t)(from[i] >> 32)) & MAGNITUDE;

		to[i] = low > high ? low : high;
	}
}

/* The value of the larger magnitude with its sign, the first of equals. */
static uint32_t larger(uint32_t low, uint32_t high)
{
	return (high & MAGNITUDE) > (low & MAGNITUDE) ? high : low;
}

static void larger_pairs_first(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = larger(no_nan((uint32_t)from[i]), no_nan((uint32_t)(from[i] >> 32)));
}

static void larger_pairs(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = larger((uint32_t)from[i], (uint32_t)(from[i] >> 32));
}

static void min_pairs(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = gaon_f32_bits(gaon_minf(gaon_f32_from((uint32_t)from[i]),
						gaon_f32_from((uint32_t)(from[i] >> 32))));
}

static void max_pairs(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = gaon_f32_bits(gaon_maxf(gaon_f32_from((uint32_t)from[i]),
						gaon_f32_from((uint32_t)(from[i] >> 32))));
}

/* 1 / d, or 0 where that would overflow: the values of such a block are 0. */
static void invert(float *restrict inverse, const float *restrict d, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		inverse[i] = gaon_fabsf(d[i]) > 0x1p-126f ? 1.0f / d[i] : 0;
}

static void store_halves(char *restrict to, uint64_t nb, const float *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		*(_Float16 *)(to + i * nb) = (_Float16)from[i];
}

/* d is done: into the blocks, and its inverse to each value. */
static void spread_inverse(struct pack_work *w, char *blocks, uint64_t nb, uint64_t count)
{
	any_u32 *const spare[2] = { (any_u32 *)w->half, (any_u32 *)w->quarter };

	store_halves(blocks, nb, w->d, count);
	invert(w->inverse, w->d, count);
	neighbours_spread(w->scale, w->inverse, count, 5, spare);
}

/* Eight values of each block, and of Q4_0 and Q4_1 the eight that are their upper nibbles. */
static void store_words(char *restrict to, uint64_t nb, const any_u64 *restrict q, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		*(any_u64 *)(to + i * nb) = q[i * (K / 8)];
}

static void store_nibbles(char *restrict to, uint64_t nb, const any_u64 *restrict q, uint64_t n)
{
	const any_u64 *restrict high = q + K / 16;

	for (uint64_t i = 0; i < n; i++)
		*(any_u64 *)(to + i * nb) = q[i * (K / 8)] | high[i * (K / 8)] << 4;
}

static void divide(float *restrict d, float by, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		d[i] = d[i] / by;
}

/* Round to nearest even without a branch; |v| stays below 2^22. */
static void nearest(int8_t *restrict q, const float *restrict x, const float *restrict scale, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		q[i] = (int8_t)(gaon_f32_bits(x[i] * scale[i] + 0x1.8p23f) - 0x4b400000u);
}

static uint8_t nibble(float v)
{
	int32_t q = (int32_t)v;

	return (uint8_t)(q > 15 ? 15 : q);
}

static void nibbles(uint8_t *restrict q, const float *restrict x, const float *restrict scale, float add,
		    uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		q[i] = nibble(x[i] * scale[i] + add);
}

static void pack_q8_0(struct pack_work *w, char *blocks, uint64_t nb, uint64_t count, const float *from)
{
	blocks_reduce(w, from, count, w->d, abs_pairs, neighbours_max);
	divide(w->d, 127.0f, count);
	spread_inverse(w, blocks, nb, count);
	nearest((int8_t *)w->q, from, w->scale, count * K);
	for (uint32_t i = 0; i < K / 8; i++)
		store_words(blocks + Q8_0_VALUES + i * 8, nb, (const any_u64 *)w->q + i, count);
}

static void pack_q4_0(struct pack_work *w, char *blocks, uint64_t nb, uint64_t count, const float *from)
{
	blocks_reduce(w, from, count, w->d, larger_pairs_first, larger_pairs);
	for (uint64_t i = 0; i < count; i++)
		w->d[i] = (w->d[i] + 0.0f) / -8.0f;	/* of zeros +0 is the largest */
	spread_inverse(w, blocks, nb, count);
	nibbles((uint8_t *)w->q, from, w->scale, 8.5f, count * K);
	for (uint32_t i = 0; i < K / 16; i++)
		store_nibbles(blocks + Q4_0_VALUES + i * 8, nb, (const any_u64 *)w->q + i, count);
}

static void difference(float *restrict y, const float *restrict x, const float *restrict less, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = x[i] - less[i];
}

static void pack_q4_1(struct pack_work *w, char *blocks, uint64_t nb, uint64_t count, const float *from)
{
	any_u32 *const spare[2] = { (any_u32 *)w->half, (any_u32 *)w->quarter };
	float *above = w->scale + GROUP / 2 * K;

	blocks_reduce(w, from, count, w->m, min_pairs, min_pairs);
	blocks_reduce(w, from, count, w->inverse, max_pairs, max_pairs);
	difference(w->d, w->inverse, w->m, count);
	divide(w->d, 15.0f, count);
	store_halves(blocks + AT_M, nb, w->m, count);
	neighbours_spread(w->scale, w->m, count, 5, spare);
	difference(above, from, w->scale, count * K);
	spread_inverse(w, blocks, nb, count);
	nibbles((uint8_t *)w->q, above, w->scale, 0.5f, count * K);
	for (uint32_t i = 0; i < K / 16; i++)
		store_nibbles(blocks + Q4_1_VALUES + i * 8, nb, (const any_u64 *)w->q + i, count);
}

void blocks_pack(uint8_t type, char *blocks, uint64_t nb, uint64_t count, const float *from)
{
	uint64_t group = type == GAON_TYPE_Q4_1 ? GROUP / 2 : GROUP;
	struct pack_work w;

	for (uint64_t b = 0; b < count; b += group) {
		uint64_t n = count - b < group ? count - b : group;

		switch (type) {
		case GAON_TYPE_Q8_0: pack_q8_0(&w, blocks + b * nb, nb, n, from + b * K); break;
		case GAON_TYPE_Q4_0: pack_q4_0(&w, blocks + b * nb, nb, n, from + b * K); break;
		case GAON_TYPE_Q4_1: pack_q4_1(&w, blocks + b * nb, nb, n, from + b * K); break;
		default: gaon_assert(!"block type exists");
		}
	}
}
