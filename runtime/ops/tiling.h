/* SPDX-License-Identifier: MIT */
/* Checks of a product's description, shared by its launcher and the tiling. */
#ifndef GAON_OPS_TILING_H
#define GAON_OPS_TILING_H

#include <gaon/ops.h>

/* Types, flags and sizes that the kernel supports; addresses are not looked at. */
enum gaon_status ops_gemm_check(const struct gaon_ops_gemm *g);

/* The result in memory has another type than the sum. */
bool ops_gemm_converts(const struct gaon_ops_gemm *g);

#endif
