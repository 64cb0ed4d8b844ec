// SPDX-License-Identifier: MIT
/*
 * The values of blocks side by side, a byte each.  Eight of them are a word: where its bits lie in a
 * block, and how far they have to be moved, is a table by word, the same for every block.
 */
#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "blocks_parts.h"

/* Word @i of a block of each type: the byte at which it lies and the shift; then its upper bits. */
struct place {
	uint8_t at, shift, high_at, high_shift;
};

static struct place place(uint32_t at, uint32_t shift, uint32_t high_at, uint32_t high_shift)
{
	return (struct place){ (uint8_t)at, (uint8_t)shift, (uint8_t)high_at, (uint8_t)high_shift };
}

static struct place place_of(uint8_t type, uint32_t i)
{
	uint32_t four = i % 4 * 8, group = i / 4, half = i / 16, quarter = group % 4;

	switch (type) {
	case GAON_TYPE_Q4_0: return place(2 + i % 2 * 8, i / 2 * 4, 0, 0);
	case GAON_TYPE_Q4_1: return place(4 + i % 2 * 8, i / 2 * 4, 0, 0);
	case GAON_TYPE_Q8_0: return place(2 + i * 8, 0, 0, 0);
	case GAON_TENSOR_Q4_K: return place(16 + group / 2 * 32 + four, group % 2 * 4, 0, 0);
	case GAON_TENSOR_Q5_K: return place(48 + group / 2 * 32 + four, group % 2 * 4, 16 + four, group);
	default:
		return place(half * 64 + quarter % 2 * 32 + four, quarter / 2 * 4, 128 + half * 32 + four,
			     quarter * 2);
	}
}

static void repeat(uint64_t *restrict to, const uint64_t *restrict from, uint64_t further, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = from[i] + further;
}

static void repeat_shifts(uint8_t *restrict to, const uint8_t *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = from[i];
}

void blocks_table_make(struct blocks_table *t, uint8_t type, uint64_t nb)
{
	uint32_t words = type < GAON_TENSOR_Q4_K ? GAON_BLOCK_K / 8 : GAON_TENSOR_SUPER_K / 8;

	t->type = type;
	for (uint32_t i = 0; i < words; i++) {
		struct place p = place_of(type, i);

		t->at[i] = p.at;
		t->shift[i] = p.shift;
		t->high_at[i] = p.high_at;
		t->high_shift[i] = p.high_shift;
	}
	for (uint32_t n = words; n < BLOCKS_WORDS; n *= 2) {
		repeat(t->at + n, t->at, n / words * nb, n);
		repeat_shifts(t->shift + n, t->shift, n);
		if (type != GAON_TENSOR_Q5_K && type != GAON_TENSOR_Q6_K)
			continue;
		repeat(t->high_at + n, t->high_at, n / words * nb, n);
		repeat_shifts(t->high_shift + n, t->high_shift, n);
	}
}

static void take(any_u64 *restrict to, const char *restrict from, const uint64_t *restrict at,
		 const uint8_t *restrict shift, uint64_t mask, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = *(const any_u64 *)(from + at[i]) >> shift[i] & mask;
}

static void take_high(any_u64 *restrict to, const char *restrict from, const uint64_t *restrict at,
		      const uint8_t *restrict shift, uint64_t mask, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] |= (*(const any_u64 *)(from + at[i]) >> shift[i] & mask) << 4;
}

/* Bytes of which the upper bit is free, as signed ones. */
static void lower(any_u64 *q, uint64_t by, uint64_t n)
{
	const uint64_t flip = EACH_BYTE(0x80ull);

	for (uint64_t i = 0; i < n; i++)
		q[i] = (q[i] + flip - by) ^ flip;
}

void blocks_table_take(const struct blocks_table *t, const char *blocks, any_u64 *q, uint64_t n)
{
	take(q, blocks, t->at, t->shift, t->type == GAON_TYPE_Q8_0 ? UINT64_MAX : EACH_BYTE(15ull), n);
	switch (t->type) {
	case GAON_TYPE_Q4_0: lower(q, EACH_BYTE(8ull), n); break;
	case GAON_TENSOR_Q5_K: take_high(q, blocks, t->high_at, t->high_shift, EACH_BYTE(1ull), n); break;
	case GAON_TENSOR_Q6_K:
		take_high(q, blocks, t->high_at, t->high_shift, EACH_BYTE(3ull), n);
		lower(q, EACH_BYTE(32ull), n);
	}
}
