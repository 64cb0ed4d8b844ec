/* SPDX-License-Identifier: MIT */
/* What the launchers of softmax and attention share. */
#ifndef GAON_OPS_ATTENTION_H
#define GAON_OPS_ATTENTION_H

#include <gaon/products.h>

#include "tensor_internal.h"

/* A (valid) mask fits scores of this shape: F32 or F16, dense rows, repeated over heads and sequences. */
enum gaon_status ops_mask_check(const char *call, const struct gaon_tensor *mask, uint64_t columns,
				uint64_t rows, uint64_t heads, uint64_t sequences);

enum gaon_status ops_sinks_check(const char *call, const struct gaon_tensor *sinks, uint64_t heads);

/* The largest power of two up to @heads, which is not 0. */
uint32_t ops_bias_heads(uint64_t heads);

#endif
