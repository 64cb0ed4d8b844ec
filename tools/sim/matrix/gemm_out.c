// SPDX-License-Identifier: MIT
/* Where a product's accumulators live, and the conversion that CONVERT asks for. */
#include "matrix_convert.h"
#include "matrix_internal.h"

void gemm_out_begin(struct gemm_out *o, struct sim_matrix *mx, const struct sim_gemm *g,
		    uint32_t col, uint32_t cols)
{
	bool convert = g->flags & GAON_GEMM_CONVERT;

	o->in = g->flags & GAON_GEMM_ACCUMULATE ? g->c + (size_t)col * 4 : NULL;
	o->ldin = g->ldc;
	o->narrow = convert && g->type_d != g->type_c;
	if (o->narrow) {
		o->acc = mx->tmp;
		o->ldacc = (size_t)cols * 4;
	} else {
		o->acc = (convert ? g->d : g->c) + (size_t)col * 4;
		o->ldacc = convert ? g->ldd : g->ldc;
	}
}

void gemm_out_end(const struct gemm_out *o, struct sim_matrix *mx, const struct sim_gemm *g,
		  uint32_t row, uint32_t rows, uint32_t col, uint32_t cols)
{
	gemm_narrow *narrow = g->type_d == GAON_TYPE_F16 ? mx->path->to_f16 : mx->path->to_bf16;

	if (!o->narrow)
		return;
	for (uint32_t r = row; r < row + rows; r++)
		narrow(g->d + r * g->ldd + (size_t)col * 2, o->acc + r * o->ldacc, cols);
}

void gemm_portable_to_f16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t h = f16_from_f32(load_f32(src + (size_t)i * 4));

		memcpy(dst + (size_t)i * 2, &h, 2);
	}
}

void gemm_portable_to_bf16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t h = bf16_from_f32(load_f32(src + (size_t)i * 4));

		memcpy(dst + (size_t)i * 2, &h, 2);
	}
}
