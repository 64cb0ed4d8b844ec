/* SPDX-License-Identifier: MIT */
/*
 * Packers for every vector path.  Before inclusion the file defines PACK_VL, the lanes of a
 * vector, and
 *	pack_transpose(dst, stride, src, ld, rows): PACK_VL x PACK_VL words, strides in words and
 *		bytes, dst[j * stride + i] = src[min(i, rows - 1)][j], a whole vector each
 *	pack_widen_f32, _f16, _bf16, and where the path uses them _quad and _pair: see pack_widen
 */
#include "matrix_internal.h"

/* The last units of a panel, fewer than a transposition writes. */
static inline void pack_tail(uint32_t *dst, uint32_t stride, uint32_t stage[][PACK_VL],
			     uint32_t lanes, uint32_t units)
{
	for (uint32_t j = 0; j < units; j++)
		for (uint32_t i = 0; i < PACK_VL; i++)
			dst[(size_t)j * stride + i] = stage[i < lanes ? i : lanes - 1][j];
}

/* Lanes whose k values are contiguous: @elems elements of @esize bytes fill a vector of units. */
PACK_INLINE void pack_rows_generic(uint32_t *dst, const struct gemm_panel *p, uint32_t elems,
				   uint32_t esize, bool in_place, pack_widen *widen)
{
	uint32_t stage[PACK_VL][PACK_VL];
	uint32_t w = p->width;

	for (uint32_t u = 0, k = 0; u < p->ku; u += PACK_VL, k += elems) {
		uint32_t units = min_u32(p->ku - u, PACK_VL);
		uint32_t have = k < p->k ? min_u32(p->k - k, elems) : 0;

		for (uint32_t r = 0; r < p->valid; r += PACK_VL) {
			uint32_t lanes = min_u32(p->valid - r, PACK_VL);
			const uint8_t *src = p->src + r * p->ld + (size_t)k * esize;
			uint32_t *to = dst + (size_t)u * w + r;

			if (in_place && have == elems) {
				pack_transpose(to, w, src, p->ld, lanes);
				continue;
			}
			for (uint32_t i = 0; i < lanes; i++)
				widen(stage[i], src + i * p->ld, have);
			if (units == PACK_VL)
				pack_transpose(to, w, (const uint8_t *)stage, sizeof(stage[0]),
					       lanes);
			else
				pack_tail(to, w, stage, lanes, units);
		}
	}
}

/*
 * Writes a vector with one unit of @lanes lanes that lie side by side from @src on; @have of the
 * unit's stored rows, @ld bytes apart, exist, the others count as zero.
 */
typedef void pack_unit(uint32_t *dst, const uint8_t *src, size_t ld, uint32_t lanes,
		       uint32_t have);

/* Columns of B side by side in each stored row, @per_unit elements of @esize bytes to a unit. */
PACK_INLINE void pack_cols_generic(uint32_t *dst, const struct gemm_panel *p, uint32_t esize,
				   uint32_t per_unit, pack_unit *unit)
{
	uint32_t w = p->width;

	for (uint32_t u = 0, k = 0; u < p->ku; u++, k += per_unit, dst += w) {
		const uint8_t *src = p->src + k * p->ld;
		uint32_t have = k < p->k ? min_u32(p->k - k, per_unit) : 0;

		for (uint32_t r = 0; r < p->valid; r += PACK_VL) {
			__builtin_prefetch(src + 8 * p->ld + (size_t)r * esize);
			unit(dst + r, src + (size_t)r * esize, p->ld,
			     min_u32(p->valid - r, PACK_VL), have);
		}
	}
}

/* Rows of A whose k values are contiguous. */
PACK_INLINE void pack_a_rows_generic(uint32_t *dst, const struct gemm_panel *p, uint32_t elems,
				     uint32_t esize, pack_widen *widen)
{
	uint32_t last[PACK_VL];

	for (uint32_t i = 0; i < p->valid; i++) {
		const uint8_t *src = p->src + i * p->ld;
		uint32_t *to = (uint32_t *)((uint8_t *)dst + i * p->stride);
		uint32_t u = 0, k = 0;

		for (; u + PACK_VL <= p->ku && k + elems <= p->k; u += PACK_VL, k += elems)
			widen(to + u, src + (size_t)k * esize, elems);
		for (; u < p->ku; u += PACK_VL, k += elems) {
			widen(last, src + (size_t)k * esize,
			      k < p->k ? min_u32(p->k - k, elems) : 0);
			memcpy(to + u, last, (size_t)min_u32(p->ku - u, PACK_VL) * 4);
		}
	}
}

/* Rows of A side by side in each stored row. */
PACK_INLINE void pack_a_cols_generic(uint32_t *dst, const struct gemm_panel *p, uint32_t esize,
				     uint32_t per_unit, pack_unit *unit)
{
	uint32_t stage[PACK_VL][PACK_VL], turned[PACK_VL][PACK_VL];

	for (uint32_t u = 0; u < p->ku; u += PACK_VL)
		for (uint32_t r = 0; r < p->valid; r += PACK_VL) {
			uint32_t lanes = min_u32(p->valid - r, PACK_VL);

			for (uint32_t j = 0; j < PACK_VL; j++) {
				uint32_t k = (u + j) * per_unit;

				unit(stage[j], p->src + k * p->ld + (size_t)r * esize, p->ld, lanes,
				     k < p->k ? min_u32(p->k - k, per_unit) : 0);
			}
			pack_transpose(turned[0], PACK_VL, (const uint8_t *)stage,
				       sizeof(stage[0]), PACK_VL);
			for (uint32_t i = 0; i < lanes; i++)
				memcpy((uint8_t *)dst + (r + i) * p->stride + (size_t)u * 4,
				       turned[i], (size_t)min_u32(p->ku - u, PACK_VL) * 4);
		}
}

/* The four packers of a type; @elems elements fill a vector of units. */
#define PACK_DEFINE_OPS(type, elems, esize, per_unit, in_place, widen, unit)		\
	static void a_rows_##type(uint32_t *dst, const struct gemm_panel *p)		\
	{										\
		pack_a_rows_generic(dst, p, elems, esize, widen);			\
	}										\
	static void a_cols_##type(uint32_t *dst, const struct gemm_panel *p)		\
	{										\
		pack_a_cols_generic(dst, p, esize, per_unit, unit);			\
	}										\
	static void b_rows_##type(uint32_t *dst, const struct gemm_panel *p)		\
	{										\
		pack_rows_generic(dst, p, elems, esize, in_place, widen);		\
	}										\
	static void b_cols_##type(uint32_t *dst, const struct gemm_panel *p)		\
	{										\
		pack_cols_generic(dst, p, esize, per_unit, unit);			\
	}
