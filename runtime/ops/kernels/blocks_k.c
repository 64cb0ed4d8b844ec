// SPDX-License-Identifier: MIT
/* Scales of super-blocks' groups: six bits (Q6_K: eight) of those of the super-block. */
#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "blocks_parts.h"

/* {f16 d, dmin; u8 scales[12]; u8 qh[32] (Q5_K); u8 qs[128]} */
#define AT_DMIN		2
#define AT_SCALES	4

/* {u8 ql[128], qh[64]; i8 scales[16]; f16 d} */
#define Q6_AT_SCALES	192
#define Q6_AT_D		208

/*
 * Scales and minima of eight groups, in six bits of a byte each: the first four in the lower bits, the
 * others in a nibble of the last four bytes and the two upper bits of the first eight.
 */
static void part_scales(any_u32 *restrict scale, any_u32 *restrict min, const char *restrict from,
			uint64_t nb, uint64_t count)
{
	for (uint64_t b = 0; b < count; b++) {
		const any_u32 *s = (const any_u32 *)(from + b * nb);
		uint32_t s0 = s[0], s1 = s[1], s2 = s[2];

		scale[b * 2] = s0 & 0x3f3f3f3fu;
		scale[b * 2 + 1] = (s2 & 0x0f0f0f0fu) | (s0 >> 2 & 0x30303030u);
		min[b * 2] = s1 & 0x3f3f3f3fu;
		min[b * 2 + 1] = (s2 >> 4 & 0x0f0f0f0fu) | (s1 >> 2 & 0x30303030u);
	}
}

static void halves(float *restrict to, const char *restrict from, uint64_t nb, uint64_t count)
{
	for (uint64_t b = 0; b < count; b++)
		to[b] = *(const _Float16 *)(from + b * nb);
}

/* y *= the integers of a group */
static void scale_groups(float *restrict y, const int8_t *restrict by, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] *= blocks_number(by[i]);
}

/* The same negated. */
static void lower_groups(float *restrict y, const int8_t *restrict by, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] *= -blocks_number(by[i]);
}

static void q4_q5_scales(const char *blocks, uint64_t nb, uint64_t count, const struct blocks_parts *p)
{
	/* The values come later: until then their place has the integers, and the super-blocks' numbers. */
	any_u32 *scale = (any_u32 *)p->q, *min = scale + count * 2;
	float *super = (float *)(min + count * 2);

	part_scales(scale, min, blocks + AT_SCALES, nb, count);
	halves(super, blocks, nb, count);
	neighbours_spread(p->scale, super, count, 3, p->spare);
	scale_groups(p->scale, (const int8_t *)scale, count * 8);
	halves(super, blocks + AT_DMIN, nb, count);
	neighbours_spread(p->min, super, count, 3, p->spare);
	lower_groups(p->min, (const int8_t *)min, count * 8);
}

static void words(any_u64 *restrict to, const char *restrict from, uint64_t nb, uint64_t count)
{
	for (uint64_t b = 0; b < count; b++)
		to[b * 2] = *(const any_u64 *)(from + b * nb);
}

static void q6_scales(const char *blocks, uint64_t nb, uint64_t count, const struct blocks_parts *p)
{
	any_u64 *scales = p->q;
	float *super = (float *)(scales + count * 2);

	words(scales, blocks + Q6_AT_SCALES, nb, count);
	words(scales + 1, blocks + Q6_AT_SCALES + 8, nb, count);
	halves(super, blocks + Q6_AT_D, nb, count);
	neighbours_spread(p->scale, super, count, 4, p->spare);
	scale_groups(p->scale, (const int8_t *)scales, count * 16);
}

void blocks_super_scales(uint8_t type, const char *blocks, uint64_t nb, uint64_t count,
			 const struct blocks_parts *p)
{
	if (type == GAON_TENSOR_Q6_K)
		q6_scales(blocks, nb, count, p);
	else
		q4_q5_scales(blocks, nb, count, p);
}
