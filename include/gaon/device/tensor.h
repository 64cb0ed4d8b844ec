/* SPDX-License-Identifier: MIT */
/*
 * A tensor as both sides see it.  Device memory seen as up to four dimensions, the way ggml does:
 * innermost first, strides in bytes, so that views, permutations and padded rows need no copy.
 */
#ifndef GAON_DEVICE_TENSOR_H
#define GAON_DEVICE_TENSOR_H

#include <stdint.h>

#include <hw/gaon_xgaon.h>	/* GAON_TYPE_* */

#define GAON_TENSOR_DIMS	4

/*
 * Types that tensors have beyond those of the matrix unit: vector code reads and unpacks them.
 * The hardware leaves 0x30 to 0x3f and 0x60 to 0x7f free; runtime/ops/tensor.c asserts it.
 */
#define GAON_TENSOR_I64		0x30
/* Super-blocks of 256 values along the innermost dimension, with GGUF's bytes. */
#define GAON_TENSOR_Q4_K	0x60	/* {f16 d; f16 dmin; u8 scales[12]; u8 qs[128]}: 144 */
#define GAON_TENSOR_Q5_K	0x61	/* {f16 d; f16 dmin; u8 scales[12]; u8 qh[32]; u8 qs[128]}: 176 */
#define GAON_TENSOR_Q6_K	0x62	/* {u8 ql[128]; u8 qh[64]; i8 scales[16]; f16 d}: 210 */
#define GAON_TENSOR_SUPER_K	256

/**
 * struct gaon_tensor - a view of device memory
 * @va: of the first element or block
 * @type: GAON_TYPE_* (not the _R16 forms, not Q8A) or GAON_TENSOR_*
 * @reserved: 0
 * @ne: elements of each dimension, innermost first; 1 where there is none. 0: the tensor is empty
 * @nb: bytes from one to the next; nb[0] of elements, or of blocks if the type has them.
 *	nb[i] has no meaning where ne[i] is 1 (and nb[0] none where there is one block)
 */
struct gaon_tensor {
	uint64_t va;
	uint8_t type;
	uint8_t reserved[7];
	uint64_t ne[GAON_TENSOR_DIMS];
	uint64_t nb[GAON_TENSOR_DIMS];
};						/* 80 bytes */

#endif
