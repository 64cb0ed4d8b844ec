/* SPDX-License-Identifier: MIT */
/* What the launchers of products with weights share. */
#ifndef GAON_OPS_MUL_MAT_H
#define GAON_OPS_MUL_MAT_H

#include <gaon/products.h>

#include "tensor_internal.h"

/* Bytes of @k elements of a type of the matrix unit. */
uint64_t ops_dense_row(uint8_t type, uint64_t k);

/* The kernel of few rows takes @a on this device, to be queued on @stream or NULL; fills in tile_n if so. */
bool ops_mul_mat_few(const struct gaon_ops *ops, const struct gaon_stream *stream,
		     struct ops_mul_mat_args *a);

/* What @a of ops_mul_mat_few() needs of a core's scratchpad. */
uint32_t ops_mul_mat_few_spm(const struct ops_mul_mat_args *a);

enum gaon_status ops_mul_mat_launch_few(struct gaon_ops *ops, struct gaon_stream *stream,
					const struct ops_mul_mat_args *a);

#endif
