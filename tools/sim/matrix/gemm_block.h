/* SPDX-License-Identifier: MIT */
/* The border between the products of quantised blocks and their kernels. */
#ifndef GAON_SIM_GEMM_BLOCK_H
#define GAON_SIM_GEMM_BLOCK_H

#include "matrix_internal.h"

/*
 * Up to 16 columns of C for some rows.  Per block the packed rows of A hold, for each row, the
 * scale, the scaled sum, minus the weights' bias times the integer sum, and the 32 bytes: each of
 * the four for all rows before the next.
 */
struct block_tile {
	const uint8_t *w;	/* a row-interleaved group */
	const uint8_t *a;
	uint32_t blocks;
	uint32_t n;
	uint8_t type;		/* without GAON_TYPE_ROWS16 */
	const uint8_t *in;	/* NULL: from +0 */
	uint8_t *out;
	size_t ldin, ldout;
	const uint8_t *copy_src;	/* NULL, or what is copied meanwhile: as many bytes as @w has */
	uint8_t *copy_dst;
};
#define BLOCK_A_BYTES	44

typedef void block_kernel(const struct block_tile *t);

/*
 * A whole group of rows, @ld apart, into its interleaved form: sixteen rows by quadruples of bytes.  15 * @ld
 * is below 2^31.
 */
typedef void block_interleave(uint8_t *dst, const uint8_t *src, size_t ld, uint32_t blocks, uint8_t type);

/* A group of plain rows with one row of A, where they lie: @t->w is the first, 15 * @ld is below 2^31. */
typedef void block_plain(const struct block_tile *t, size_t ld);

struct block_ops {
	uint32_t mr;
	bool copies;		/* kernels look at copy_src */
	block_kernel *const *kern;	/* [rows - 1] */
	block_interleave *interleave;	/* NULL: row by row will do */
	block_plain *plain;		/* NULL: interleaved as for more rows */
};

void gemm_block_run(struct sim_matrix *mx, const struct sim_gemm *g, const struct block_ops *ops);

#endif
