// SPDX-License-Identifier: MIT
/* Matrix products: checks, leading dimensions, launch; and the layouts of quantised weights. */
#include "ops_internal.h"
#include "tiling.h"

#include <string.h>

#define TILES_MAX	(1u << 30)

bool ops_gemm_converts(const struct gaon_ops_gemm *g)
{
	return g->type_c == GAON_TYPE_F16 || g->type_c == GAON_TYPE_BF16;
}

static bool types_fit(const struct gaon_ops_gemm *g)
{
	switch (g->type_a) {
	case GAON_TYPE_F32:
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16:
		return g->type_b == g->type_a &&
		       (g->type_c == GAON_TYPE_F32 || ops_gemm_converts(g));
	case GAON_TYPE_I8:
		return g->type_b == GAON_TYPE_I8 && g->type_c == GAON_TYPE_I32;
	case GAON_TYPE_Q8A:
		switch (g->type_b & ~GAON_TYPE_ROWS16) {
		case GAON_TYPE_Q4_0:
		case GAON_TYPE_Q4_1:
		case GAON_TYPE_Q8_0:
			return g->type_c == GAON_TYPE_F32 || ops_gemm_converts(g);
		}
		return false;
	default:
		return false;
	}
}

/*
 * Size-first rule of libgaon: an older caller's fields are zero, a newer one's unknown ones must be.
 * This structure has had one size so far.
 */
enum gaon_status ops_gemm_check(const struct gaon_ops_gemm *g)
{
	if (!g || g->size != sizeof(*g))
		return ops_fail(GAON_ERROR_STRUCT_SIZE, "gaon_ops_gemm: size is not %zu",
				sizeof(*g));
	if (!types_fit(g))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_gemm: no product of types 0x%02x and 0x%02x to 0x%02x",
				g->type_a, g->type_b, g->type_c);
	if (g->type_a == GAON_TYPE_Q8A && (g->trans_a || !g->trans_b || g->k % GAON_BLOCK_K))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_gemm: block types need trans_b, no trans_a, k %% 32 == 0 (k is %u)",
				g->k);
	if (g->accumulate && ops_gemm_converts(g))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_gemm: only an f32 or i32 result can be added to");
	return GAON_OK;
}

/* Bytes from a stored row (group of 16 rows) to the next when dense, and how many there are. */
static uint64_t dense_row(uint8_t type, uint64_t outer, uint64_t inner, uint64_t *rows)
{
	uint32_t elements, bytes = ops_type_unit(type, &elements);
	uint64_t row = inner / elements * bytes;

	*rows = outer;
	if (type & GAON_TYPE_ROWS16) {
		row *= GAON_ROWS_GROUP;
		*rows = (outer + GAON_ROWS_GROUP - 1) / GAON_ROWS_GROUP;
	}
	return row;
}

/* Fills in a leading dimension of 0 and describes the bytes that the matrix spans. */
static enum gaon_status operand_span(const char *name, uint8_t type, uint64_t va, uint64_t outer,
				     uint64_t inner, uint64_t *ld, struct ops_operand *operand)
{
	uint64_t rows, row = dense_row(type, outer, inner, &rows), span;

	if (!*ld)
		*ld = row;
	if (*ld < row)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_gemm: ld%s of %llu bytes, a row has %llu", name,
				(unsigned long long)*ld, (unsigned long long)row);
	if (*ld > INT64_MAX / 2 || __builtin_mul_overflow(rows - 1, *ld, &span) ||
	    __builtin_add_overflow(span, row, &span) || span > 1ull << 47)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_gemm: %s is too large",
				name);
	*operand = (struct ops_operand){ name, va, span, 1 };
	return GAON_OK;
}

static bool overlaps(const struct ops_operand *a, const struct ops_operand *b)
{
	return a->va < b->va + b->count && b->va < a->va + a->count;
}

static enum gaon_status operands_check(struct gaon_ops *ops, const struct gaon_ops_gemm *g,
				       struct ops_gemm_args *args)
{
	struct ops_operand o[3];
	enum gaon_status status;

	status = operand_span("a", g->type_a, g->a, g->trans_a ? g->k : g->m,
			      g->trans_a ? g->m : g->k, &args->lda, &o[0]);
	if (!status)
		status = operand_span("b", g->type_b, g->b, g->trans_b ? g->n : g->k,
				      g->trans_b ? g->k : g->n, &args->ldb, &o[1]);
	if (!status)
		status = operand_span("c", g->type_c, g->c, g->m, g->n, &args->ldc, &o[2]);
	if (!status)
		status = ops_check(ops, o, 3);
	if (!status && (overlaps(&o[2], &o[0]) || overlaps(&o[2], &o[1])))
		status = ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				  "gaon_ops_gemm: c overlaps a or b");
	return status;
}

/* No product at all: C is zero, row by row. */
static enum gaon_status clear_c(struct gaon_stream *stream, const struct gaon_ops_gemm *g,
				const struct ops_gemm_args *args)
{
	uint64_t rows, row = dense_row(g->type_c, g->m, g->n, &rows);
	enum gaon_status status = ops_sequence_pass(stream);

	if (status)
		return status;
	if (args->ldc == row || !args->ldc)
		return gaon_mem_fill_async(stream, g->c, 0, 1, rows * row);
	for (uint64_t i = 0; i < rows && !status; i++)
		status = gaon_mem_fill_async(stream, g->c + i * args->ldc, 0, 1, row);
	return status;
}

enum gaon_status gaon_ops_gemm(struct gaon_ops *ops, struct gaon_stream *stream,
			       const struct gaon_ops_gemm *gemm)
{
	struct ops_gemm_args args = { 0 };
	struct gaon_ops_tiling tiling;
	enum gaon_status status;
	struct gaon_ops_gemm g;

	if (!ops)
		return ops_fail(GAON_ERROR_INVALID_HANDLE, "gaon_ops_gemm: ops is NULL");
	status = ops_gemm_check(gemm);
	if (status)
		return status;
	g = *gemm;
	if (!g.m || !g.n)
		return GAON_OK;
	args = (struct ops_gemm_args){
		.a = g.a, .b = g.b, .c = g.c, .lda = g.lda, .ldb = g.ldb, .ldc = g.ldc,
		.batch = { 1, 1 }, .ratio = { 1, 1 }, .m = g.m, .n = g.n, .k = g.k,
		.type_a = g.type_a, .type_b = g.type_b, .type_c = g.type_c,
		.flags = (g.accumulate ? GAON_GEMM_ACCUMULATE : 0) |
			 (g.trans_a ? GAON_GEMM_TRANS_A : 0) |
			 (g.trans_b ? GAON_GEMM_TRANS_B : 0),
	};
	if (!g.k)
		return g.accumulate ? GAON_OK : clear_c(stream, &g, &args);
	status = operands_check(ops, &g, &args);
	if (status)
		return status;
	status = gaon_ops_gemm_tiling(&g, ops->cores, ops->spm_bytes, &tiling);
	if (status)
		return status;
	if ((uint64_t)(g.m / tiling.tile_m + 1) * (g.n / tiling.tile_n + 1) > TILES_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_gemm: too large");
	args.tile_m = tiling.tile_m;
	args.tile_n = tiling.tile_n;
	args.tile_k = tiling.tile_k;
	args.c_buffers = tiling.c_buffers;
	return ops_launch(ops, stream, OPS_KERNEL_GEMM, &args, sizeof(args), tiling.workgroups,
			  tiling.spm_bytes);
}

uint64_t gaon_ops_matrix_bytes(uint8_t type, uint64_t rows, uint64_t columns)
{
	uint32_t elements, unit = ops_type_unit(type, &elements);
	uint64_t area;

	if (!unit || columns % elements || !ops_area(rows, columns, &area))
		return 0;
	if (type & GAON_TYPE_ROWS16)
		rows = (rows + GAON_ROWS_GROUP - 1) / GAON_ROWS_GROUP * GAON_ROWS_GROUP;
	return rows * (columns / elements) * unit;
}

/* One block of one row into its places within the group's block: d, m, then quants by fours. */
static void interleave_block(uint8_t *dst, const uint8_t *src, uint32_t row, uint32_t bytes,
			     uint32_t scales)
{
	for (uint32_t s = 0; s < scales; s++)
		memcpy(dst + (s * GAON_ROWS_GROUP + row) * 2, src + s * 2, 2);
	dst += scales * GAON_ROWS_GROUP * 2;
	src += scales * 2;
	for (uint32_t i = 0; i < bytes - scales * 2; i += 4)
		memcpy(dst + i * GAON_ROWS_GROUP + row * 4, src + i, 4);
}

enum gaon_status gaon_ops_interleave(uint8_t type, uint64_t rows, uint64_t columns,
				     const void *src, void *dst)
{
	uint64_t total = gaon_ops_matrix_bytes(type | GAON_TYPE_ROWS16, rows, columns);
	uint32_t scales = type == GAON_TYPE_Q4_1 ? 2 : 1, elements;
	uint32_t bytes = ops_type_unit(type, &elements);
	uint64_t blocks = columns / GAON_BLOCK_K;

	if ((type != GAON_TYPE_Q4_0 && type != GAON_TYPE_Q4_1 && type != GAON_TYPE_Q8_0) ||
	    columns % GAON_BLOCK_K || (rows && columns && !total))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_interleave: type 0x%02x, %llu columns", type,
				(unsigned long long)columns);
	if (!total)
		return GAON_OK;
	if (!src || !dst)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_interleave: NULL");
	if (rows % GAON_ROWS_GROUP)
		memset(dst, 0, total);
	for (uint64_t row = 0; row < rows; row++) {
		uint8_t *group = (uint8_t *)dst +
				 row / GAON_ROWS_GROUP * blocks * bytes * GAON_ROWS_GROUP;

		for (uint64_t block = 0; block < blocks; block++)
			interleave_block(group + block * bytes * GAON_ROWS_GROUP,
					 (const uint8_t *)src + (row * blocks + block) * bytes,
					 row % GAON_ROWS_GROUP, bytes, scales);
	}
	return GAON_OK;
}
