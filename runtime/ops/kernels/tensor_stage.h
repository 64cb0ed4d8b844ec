/* SPDX-License-Identifier: MIT */
/*
 * Rows through the scratchpad: DMA collects some of them side by side, vector code works on all at
 * once, DMA puts them where they belong.  Short rows cost no instructions of their own.
 */
#ifndef GAON_OPS_TENSOR_STAGE_H
#define GAON_OPS_TENSOR_STAGE_H

#include "tensor_rows.h"

/* Two of each: while one is worked on, the next is loaded and the last stored. */
struct stage_spm {
	char in[2][STAGE_BYTES], out[2][STAGE_BYTES];
	uint64_t index[2][STAGE_ROWS];
	float spare[ROWS_PART];
};

enum stage_kind {
	STAGE_COPY,		/* row i of src to row i of dst */
	STAGE_GET,		/* row index[i] of src to row i of dst */
	STAGE_SET,		/* row i of src to row index[i] of dst */
};

/* Moves this workgroup's share of the rows; all rows are dense. @index: NULL for STAGE_COPY. */
void stage_rows(enum stage_kind kind, const struct gaon_tensor *dst, const struct gaon_tensor *src,
		const struct gaon_tensor *index, uint32_t raw);

/* @n indices of @table_rows rows from @from; one that is none ends the launch. */
void stage_indices(const struct gaon_tensor *index, const char *from, uint64_t n, uint64_t table_rows,
		   uint64_t *to);

/* The index for row @i1 of matrix @i2, @i3, for which those of @index are repeated. */
GAON_INLINE const char *stage_index_at(const struct gaon_tensor *index, uint64_t i1, uint64_t i2,
				       uint64_t i3)
{
	return (const char *)index->va + i1 * index->nb[0] + i2 % index->ne[1] * index->nb[1] +
	       i3 % index->ne[2] * index->nb[2];
}

#endif
