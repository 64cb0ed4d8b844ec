// SPDX-License-Identifier: MIT
/*
 * Products of quantised blocks, the part common to the vector paths: rows of B are worked on in
 * groups of 16, row-interleaved, and rows of A in tiles whose scales and bytes lie side by side.
 */
#include "gemm_block.h"

/* Blocks of a row moved at a time: what they become for 16 rows fits the first cache level. */
#define INTERLEAVE_BLOCKS	32

/* Sizes are constants where this is called, so that the copies unroll to plain moves. */
static inline __attribute__((always_inline)) void
interleave_row(uint8_t *dst, const uint8_t *src, uint32_t r, uint32_t blocks,
	       const uint32_t head, const uint32_t bytes)
{
	for (; blocks; blocks--) {
		__builtin_prefetch(src + 1024);
		for (uint32_t h = 0; h < head; h += 2)
			memcpy(dst + h * GAON_ROWS_GROUP + r * 2, src + h, 2);
		for (uint32_t q = head; q < bytes; q += 4)
			memcpy(dst + q * GAON_ROWS_GROUP + r * 4, src + q, 4);
		src += bytes;
		dst += bytes * GAON_ROWS_GROUP;
	}
}

/* The bytes of row r go to r times the size of what they are part of: 2 in the head, then 4. */
static inline __attribute__((always_inline)) void
interleave_rows(uint8_t *dst, const struct sim_gemm *g, uint32_t group, const uint32_t head,
		const uint32_t bytes)
{
	uint32_t row0 = group * GAON_ROWS_GROUP, rows = min_u32(g->n - row0, GAON_ROWS_GROUP);
	uint32_t blocks = g->k / GAON_BLOCK_K;

	for (uint32_t kb = 0; kb < blocks; kb += INTERLEAVE_BLOCKS)
		for (uint32_t r = 0; r < rows; r++) {
			const uint8_t *src = g->b + (row0 + r) * g->ldb + (size_t)kb * bytes;
			uint8_t *to = dst + (size_t)kb * bytes * GAON_ROWS_GROUP;

			interleave_row(to, src, r, min_u32(blocks - kb, INTERLEAVE_BLOCKS), head,
				       bytes);
		}
}

static const uint8_t *block_group(const struct sim_gemm *g, const struct block_ops *ops, uint32_t group,
				  uint8_t *buf)
{
	uint32_t row = group * GAON_ROWS_GROUP;

	if (g->type_b & GAON_TYPE_ROWS16)
		return g->b + group * g->ldb;
	/* Lanes of rows beyond N hold what was there: nothing of theirs is stored. */
	if (ops->interleave && g->n - row >= GAON_ROWS_GROUP && g->ldb < INT32_MAX / 15)
		ops->interleave(buf, g->b + row * g->ldb, g->ldb, g->k / GAON_BLOCK_K, g->type_b);
	else if (g->type_b == GAON_TYPE_Q4_0)
		interleave_rows(buf, g, group, 2, 18);
	else if (g->type_b == GAON_TYPE_Q4_1)
		interleave_rows(buf, g, group, 4, 20);
	else
		interleave_rows(buf, g, group, 2, 34);
	return buf;
}

/* How far the kernels' unsigned weights lie above the true ones. */
static int32_t block_bias(uint8_t type)
{
	switch (type & ~GAON_TYPE_ROWS16) {
	case GAON_TYPE_Q4_0:
		return 8;
	case GAON_TYPE_Q8_0:
		return 128;
	}
	return 0;
}

static void block_pack_tile(uint8_t *dst, const struct sim_gemm *g, uint32_t row, uint32_t rows)
{
	uint32_t blocks = g->k / GAON_BLOCK_K;
	int32_t bias = block_bias(g->type_b);

	for (uint32_t kb = 0; kb < blocks; kb++, dst += rows * BLOCK_A_BYTES)
		for (uint32_t r = 0; r < rows; r++) {
			const uint8_t *src = g->a + (row + r) * g->lda + (size_t)kb * 40;
			int32_t sum = 0;

			for (uint32_t k = 0; bias && k < GAON_BLOCK_K; k++)
				sum += (int8_t)src[8 + k];
			sum *= -bias;
			memcpy(dst + r * 4, src, 4);
			memcpy(dst + (rows + r) * 4, src + 4, 4);
			memcpy(dst + (2 * rows + r) * 4, &sum, 4);
			memcpy(dst + rows * 12 + r * GAON_BLOCK_K, src + 8, GAON_BLOCK_K);
		}
}

/* As many bytes to copy meanwhile as a group has. */
static void block_feed(const struct sim_gemm *g, const struct block_ops *ops, struct block_tile *t)
{
	uint64_t bytes = (uint64_t)t->blocks * gemm_block_bytes(g->type_b) * GAON_ROWS_GROUP;
	struct sim_feed_block piece;

	if (!ops->copies || !g->feed || !sim_feed_take(g->feed, 1, bytes, &piece))
		return;
	t->copy_dst = piece.dst;
	t->copy_src = piece.src;
}

#define BLOCK_ROWS	256	/* rows of A packed at a time */
#define BLOCK_COLS	512	/* columns between conversions */

/* One row of A: bringing weights into another form first would cost more than the product. */
static bool block_is_plain(const struct sim_gemm *g, const struct block_ops *ops, uint32_t row)
{
	return ops->plain && g->m == 1 && !g->feed && !(g->type_b & GAON_TYPE_ROWS16) &&
	       g->n - row >= GAON_ROWS_GROUP && g->ldb < INT32_MAX / 15;
}

static void block_multiply_plain(struct sim_matrix *mx, const struct sim_gemm *g,
				 const struct block_ops *ops, const struct gemm_out *o, uint32_t col,
				 uint32_t j)
{
	struct block_tile t = {
		.w = g->b + (col + j) * g->ldb, .a = mx->a_buf, .type = g->type_b,
		.blocks = g->k / GAON_BLOCK_K, .n = GAON_ROWS_GROUP,
		.in = o->in ? o->in + (size_t)j * 4 : NULL, .out = o->acc + (size_t)j * 4,
	};

	ops->plain(&t, g->ldb);
}

static void block_multiply(struct sim_matrix *mx, const struct sim_gemm *g,
			   const struct block_ops *ops, const struct gemm_out *o, uint32_t row,
			   uint32_t rows, uint32_t col, uint32_t cols)
{
	uint32_t blocks = g->k / GAON_BLOCK_K;

	for (uint32_t j = 0; j < cols; j += GAON_ROWS_GROUP) {
		const uint8_t *ap = mx->a_buf;
		struct block_tile t = {
			.type = g->type_b & ~GAON_TYPE_ROWS16, .blocks = blocks,
			.n = min_u32(cols - j, GAON_ROWS_GROUP), .ldin = o->ldin, .ldout = o->ldacc,
		};

		if (block_is_plain(g, ops, col + j)) {
			block_multiply_plain(mx, g, ops, o, col, j);
			continue;
		}
		t.w = block_group(g, ops, (col + j) / GAON_ROWS_GROUP, mx->b_buf);
		block_feed(g, ops, &t);
		for (uint32_t i = row; i < row + rows; i += ops->mr) {
			uint32_t mr = min_u32(row + rows - i, ops->mr);

			t.a = ap;
			t.in = o->in ? o->in + i * o->ldin + (size_t)j * 4 : NULL;
			t.out = o->acc + i * o->ldacc + (size_t)j * 4;
			ops->kern[mr - 1](&t);
			t.copy_src = NULL;
			ap += (size_t)mr * blocks * BLOCK_A_BYTES;
		}
	}
}

void gemm_block_run(struct sim_matrix *mx, const struct sim_gemm *g, const struct block_ops *ops)
{
	uint32_t blocks = g->k / GAON_BLOCK_K;
	struct gemm_out o;

	for (uint32_t row = 0; row < g->m; row += BLOCK_ROWS) {
		uint32_t rows = min_u32(g->m - row, BLOCK_ROWS);
		uint8_t *ap = mx->a_buf;

		for (uint32_t i = 0; i < rows; i += ops->mr) {
			uint32_t mr = min_u32(rows - i, ops->mr);

			block_pack_tile(ap, g, row + i, mr);
			ap += (size_t)mr * blocks * BLOCK_A_BYTES;
		}
		for (uint32_t col = 0; col < g->n; col += BLOCK_COLS) {
			uint32_t cols = min_u32(g->n - col, BLOCK_COLS);

			gemm_out_begin(&o, mx, g, col, cols);
			block_multiply(mx, g, ops, &o, row, rows, col, cols);
			gemm_out_end(&o, mx, g, row, rows, col, cols);
		}
	}
}
