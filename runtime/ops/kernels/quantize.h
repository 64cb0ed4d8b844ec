/* SPDX-License-Identifier: MIT */
/* Activations in the blocks that the matrix unit multiplies quantised weights with. */
#ifndef GAON_OPS_QUANTIZE_H
#define GAON_OPS_QUANTIZE_H

#include <gaon/device.h>

/* GAON_TYPE_Q8A: d, s = d * sum of the quants, then the quants. */
struct q8a_block {
	union {
		struct {
			float d, s;
			int8_t qs[GAON_BLOCK_K];
		};
		uint64_t word[5];
	};
};

#define QUANTIZE_BLOCKS	256u	/* at a time: what they need is in the first two cache levels */

/* Scratchpad that ops_quantize_blocks() works in. */
struct quantize_work {
	uint32_t half[QUANTIZE_BLOCKS * 16], quarter[QUANTIZE_BLOCKS * 8];
	uint32_t spread[2][QUANTIZE_BLOCKS * 32];
	float d[QUANTIZE_BLOCKS];
	int8_t q[QUANTIZE_BLOCKS * 32];
} __attribute__((aligned(64)));

/* @blocks blocks of 32 floats that follow one another; @out in memory or scratchpad. */
void ops_quantize_blocks(struct q8a_block *out, const float *x, uint64_t blocks,
			 struct quantize_work *work);


/* @count floats as @type (Q8A, F16, BF16, F32), the form in which they meet weights. */
void ops_activate_rows(void *to, uint8_t type, const float *x, uint64_t count,
		       struct quantize_work *work);

#endif
