/* SPDX-License-Identifier: MIT */
/*
 * Blocks of quantised values, with GGUF's bytes, to f32 or f16 and back.  Blocks are @nb bytes apart.
 * The values of many are laid side by side as bytes, eight of them an element of a vector, and numbers
 * that belong to a group of values are handed to each by doubling: vectors are long and, but for the
 * blocks themselves, without gaps.
 */
#ifndef GAON_OPS_BLOCKS_H
#define GAON_OPS_BLOCKS_H

#include <stdint.h>

#include "blocks_parts.h"
#include "ops_args.h"

/* @count blocks of GAON_TYPE_Q4_0, Q4_1, Q8_0 or GAON_TENSOR_Q4_K, Q5_K, Q6_K; 40 KiB of stack */
void blocks_unpack(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to);

/* Scratchpad that blocks_unpack_half() works in. */
struct blocks_half_work {
	uint64_t q[OPS_UNPACK * 32];
	float scale[OPS_UNPACK * 128], min[OPS_UNPACK * 128], group[2][OPS_UNPACK * 16];
	uint32_t half[OPS_UNPACK * 64], quarter[OPS_UNPACK * 32];
	struct blocks_table table;
};
_Static_assert(sizeof(struct blocks_half_work) == OPS_UNPACK_BYTES, "the host reserves as much");

/* The same of GAON_TENSOR_Q4_K, Q5_K, Q6_K: each value is what blocks_unpack() says, rounded to f16. */
void blocks_unpack_half(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, _Float16 *to,
			struct blocks_half_work *work);

/* The reverse, with the rounding of ggml's reference functions; ties of Q8_0 to even. */
void blocks_pack(uint8_t type, char *blocks, uint64_t nb, uint64_t count, const float *from);

#endif
