/* SPDX-License-Identifier: MIT */
/* Blocks taken apart: their values as bytes, and what belongs to a group of them. */
#ifndef GAON_OPS_BLOCKS_PARTS_H
#define GAON_OPS_BLOCKS_PARTS_H

#include <gaon/device.h>

#include "neighbours.h"

#define EACH_BYTE(x)	((x) * 0x0101010101010101ull)

#define BLOCKS_WORDS	512u	/* words of eight values that a table is for */

/* Where the bits of words lie, from the first block on, and of their upper bits where there are such. */
struct blocks_table {
	uint64_t at[BLOCKS_WORDS], high_at[BLOCKS_WORDS];
	uint8_t shift[BLOCKS_WORDS], high_shift[BLOCKS_WORDS], type;
};

void blocks_table_make(struct blocks_table *t, uint8_t type, uint64_t nb);
/* @n words, at most BLOCKS_WORDS, of the blocks at @blocks: bytes that are int8_t, in the values' order. */
void blocks_table_take(const struct blocks_table *t, const char *blocks, any_u64 *q, uint64_t n);

/* A value is scale * q + min. */
struct blocks_parts {
	any_u64 *q;
	float *scale, *min;		/* by group; min is not filled in for types without */
	any_u32 *spare[2];		/* for neighbours_spread() */
};

/* Is there a minimum, and how many values does a group have, as a power of two? */
int blocks_has_min(uint8_t type);
unsigned int blocks_group(uint8_t type);

/* Scales and minima of @count super-blocks, @nb bytes apart; overwrites p->q. */
void blocks_super_scales(uint8_t type, const char *blocks, uint64_t nb, uint64_t count,
			 const struct blocks_parts *p);

/*
 * A small integer as a number, by addition: for bytes the compiler would choose an instruction that
 * widens halves to numbers, of which the model has none but one by one.
 */
GAON_INLINE float blocks_number(int32_t v)
{
	return gaon_f32_from(0x4b400000u + (uint32_t)v) - 0x1.8p23f;
}

#endif
