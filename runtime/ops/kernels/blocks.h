/* SPDX-License-Identifier: MIT */
/*
 * Blocks of quantised values, with GGUF's bytes, to f32 and back.  Blocks are @nb bytes apart; loops
 * go over the blocks, one place in each at a time, so that vectors are as long as there are blocks.
 */
#ifndef GAON_OPS_BLOCKS_H
#define GAON_OPS_BLOCKS_H

#include <stdint.h>

/* @count blocks of GAON_TYPE_Q4_0, Q4_1, Q8_0 */
void blocks_unpack(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to);
/* @count super-blocks of GAON_TENSOR_Q4_K, Q5_K, Q6_K */
void blocks_unpack_super(uint8_t type, const char *blocks, uint64_t nb, uint64_t count, float *to);
/* The reverse, with the rounding of ggml's reference functions; ties of Q8_0 to even. */
void blocks_pack(uint8_t type, char *blocks, uint64_t nb, uint64_t count, const float *from);

#endif
