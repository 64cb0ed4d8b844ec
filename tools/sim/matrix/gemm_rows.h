/* SPDX-License-Identifier: MIT */
/*
 * Rows of A by groups of four: within a group base, index and scale address every row, so that
 * fourteen rows cost six registers.  The empty asm keeps the compiler from undoing that.
 */
#ifndef GAON_SIM_GEMM_ROWS_H
#define GAON_SIM_GEMM_ROWS_H

#include <immintrin.h>

#include "matrix_internal.h"

#define KERNEL		static inline __attribute__((always_inline))

struct a_rows {
	const uint8_t *group[4];
	size_t ld, ld3;
};

KERNEL struct a_rows a_rows_begin(const uint8_t *a, size_t ld, const uint32_t mr)
{
	struct a_rows rows = { .ld = ld, .ld3 = 3 * ld };

	__asm__("" : "+r"(rows.ld3));
	for (uint32_t i = 0; i < 4; i++) {
		rows.group[i] = a + i * 4 * ld;
		if (i * 4 < mr)
			__asm__("" : "+r"(rows.group[i]));
	}
	return rows;
}

KERNEL const uint8_t *a_row(const struct a_rows *rows, uint32_t r)
{
	return rows->group[r / 4] + (r % 4 == 3 ? rows->ld3 : r % 4 * rows->ld);
}

KERNEL void a_rows_advance(struct a_rows *rows, size_t bytes, const uint32_t mr)
{
	for (uint32_t i = 0; i * 4 < mr; i++) {
		rows->group[i] += bytes;
		__asm__("" : "+r"(rows->group[i]));
	}
}

#endif
