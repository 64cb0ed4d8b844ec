/* SPDX-License-Identifier: MIT */
/* Checks of a product's description, shared by its launcher and the tiling. */
#ifndef GAON_OPS_TILING_H
#define GAON_OPS_TILING_H

#include <gaon/ops.h>

/* Types, flags and sizes that the kernel supports; addresses are not looked at. */
enum gaon_status ops_gemm_check(const struct gaon_ops_gemm *g);

/* gaon_ops_gemm_tiling() for @batch products of this shape at once. */
enum gaon_status ops_gemm_tile(const struct gaon_ops_gemm *g, uint64_t batch, uint32_t cores,
			       uint64_t spm_bytes, struct gaon_ops_tiling *out);

/* The result in memory has another type than the sum. */
bool ops_gemm_converts(const struct gaon_ops_gemm *g);

#endif
