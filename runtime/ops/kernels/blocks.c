// SPDX-License-Identifier: MIT
/* Blocks to f32 or f16. */
#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "blocks.h"
#include "blocks_parts.h"

/* Values at a time, on the stack: 1.75 numbers and a byte for each. */
#define VALUES	4096u

/* Q4_1: f16 d, f16 m, then the values */
#define AT_M	2

int blocks_has_min(uint8_t type)
{
	return type == GAON_TYPE_Q4_1 || type == GAON_TENSOR_Q4_K || type == GAON_TENSOR_Q5_K;
}

unsigned int blocks_group(uint8_t type)
{
	return type == GAON_TENSOR_Q6_K ? 4 : 5;
}

static void halves(float *restrict to, const char *restrict from, uint64_t nb, uint64_t count)
{
	for (uint64_t b = 0; b < count; b++)
		to[b] = *(const _Float16 *)(from + b * nb);
}

/* Calls, so that no vector constant is kept, on the stack, across other loops. */
__attribute__((noinline)) static void scale_values(float *restrict y, const int8_t *restrict q, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] *= blocks_number(q[i]);
}

__attribute__((noinline)) static void add_values(float *restrict y, const int8_t *restrict q,
						 const float *restrict min, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = gaon_fmaf(y[i], blocks_number(q[i]), min[i]);
}

static void scales(uint8_t type, const char *blocks, uint64_t nb, uint64_t count,
		   const struct blocks_parts *p)
{
	if (type >= GAON_TENSOR_Q4_K) {
		blocks_super_scales(type, blocks, nb, count, p);
		return;
	}
	halves(p->scale, blocks, nb, count);
	if (type == GAON_TYPE_Q4_1)
		halves(p->min, blocks + AT_M, nb, count);
}

void blocks_unpack(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to)
{
	uint64_t q[VALUES / 8], in_block = type < GAON_TENSOR_Q4_K ? GAON_BLOCK_K : GAON_TENSOR_SUPER_K;
	float min[VALUES], group[2][VALUES / 16];
	uint32_t half[VALUES / 2], quarter[VALUES / 4];
	const struct blocks_parts p = { (any_u64 *)q, group[0], group[1],
					{ (any_u32 *)half, (any_u32 *)quarter } };
	unsigned int size = blocks_group(type);
	struct blocks_table table;

	blocks_table_make(&table, type, nb);
	while (count) {
		uint64_t some = count < VALUES / in_block ? count : VALUES / in_block, n = some * in_block;

		scales(type, blocks, nb, some, &p);
		blocks_table_take(&table, blocks, p.q, n / 8);
		/* Scales are spread where their values go. */
		neighbours_spread(to, p.scale, n >> size, size, p.spare);
		if (blocks_has_min(type)) {
			neighbours_spread(min, p.min, n >> size, size, p.spare);
			add_values(to, (const int8_t *)q, min, n);
		} else {
			scale_values(to, (const int8_t *)q, n);
		}
		to += n;
		blocks += some * nb;
		count -= some;
	}
}

/* --- f16 -------------------------------------------------------------------------------------- */

static uint32_t half_bits(float v)
{
	union {
		_Float16 half;
		uint16_t bits;
	} u = { (_Float16)v };

	return u.bits;
}

/* Two neighbours are one element; they have one scale. */
static void half_pairs(any_u32 *restrict to, const any_i16 *restrict q, const float *restrict scale,
		       const float *restrict min, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		int32_t two = q[i], low = (int32_t)((uint32_t)two << 24) >> 24;

		to[i] = half_bits(gaon_fmaf(scale[i], (float)low, min[i])) |
			half_bits(gaon_fmaf(scale[i], (float)(two >> 8), min[i])) << 16;
	}
}

static void half_pairs_scaled(any_u32 *restrict to, const any_i16 *restrict q, const float *restrict scale,
			      uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		int32_t two = q[i], low = (int32_t)((uint32_t)two << 24) >> 24;

		to[i] = half_bits(scale[i] * (float)low) | half_bits(scale[i] * (float)(two >> 8)) << 16;
	}
}

void blocks_unpack_half(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, _Float16 *to,
			struct blocks_half_work *w)
{
	const struct blocks_parts p = { (any_u64 *)w->q, w->group[0], w->group[1],
					{ (any_u32 *)w->half, (any_u32 *)w->quarter } };
	unsigned int size = blocks_group(type);

	blocks_table_make(&w->table, type, nb);
	while (count) {
		uint64_t some = count < OPS_UNPACK ? count : OPS_UNPACK, n = some * GAON_TENSOR_SUPER_K;

		blocks_super_scales(type, blocks, nb, some, &p);
		for (uint64_t i = 0; i < n / 8; i += BLOCKS_WORDS)
			blocks_table_take(&w->table, blocks + i / BLOCKS_WORDS * 16 * nb, p.q + i,
					  n / 8 - i < BLOCKS_WORDS ? n / 8 - i : BLOCKS_WORDS);
		neighbours_spread(w->scale, p.scale, n >> size, size - 1, p.spare);
		if (blocks_has_min(type)) {
			neighbours_spread(w->min, p.min, n >> size, size - 1, p.spare);
			half_pairs((any_u32 *)to, (const any_i16 *)w->q, w->scale, w->min, n / 2);
		} else {
			half_pairs_scaled((any_u32 *)to, (const any_i16 *)w->q, w->scale, n / 2);
		}
		to += n;
		blocks += some * nb;
		count -= some;
	}
}
