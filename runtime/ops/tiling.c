// SPDX-License-Identifier: MIT
/*
 * How a product is cut up.  The rules, for people, stand in Documentation/kernels/gemm.rst; the
 * sizes here must be those that kernels/gemm.c lays out in the scratchpad.
 */
#include "ops_internal.h"
#include "tiling.h"

#define PAD		64u
#define STACK_AND_GUARD	(65536u + 4096u)
#define TILE_AREA	(512u * 512u)	/* elements of C: 1 MiB */
#define TILE_EDGE	512u
#define TILE_EDGE_MAX	2048u
#define TILE_EDGE_MIN	128u
#define ROWS_STREAMED	16u		/* up to here B is read once and nothing is reused */
#define STREAM_BYTES	(320u << 10)	/* of B per step then */

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t operand_bytes(uint8_t type, uint64_t outer, uint64_t inner)
{
	uint32_t elements, bytes = ops_type_unit(type, &elements);
	uint64_t rows = outer, row = round_up(inner, elements) / elements * bytes;

	if (type & GAON_TYPE_ROWS16) {
		rows = round_up(outer, GAON_ROWS_GROUP) / GAON_ROWS_GROUP;
		row *= GAON_ROWS_GROUP;
	}
	return rows * (round_up(row, PAD) + PAD);
}

static uint64_t spm_needed(const struct gaon_ops_gemm *g, const struct gaon_ops_tiling *t)
{
	uint64_t a = g->trans_a ? operand_bytes(g->type_a, t->tile_k, t->tile_m) :
				  operand_bytes(g->type_a, t->tile_m, t->tile_k);
	uint64_t b = g->trans_b ? operand_bytes(g->type_b, t->tile_n, t->tile_k) :
				  operand_bytes(g->type_b, t->tile_k, t->tile_n);
	uint64_t c = operand_bytes(GAON_TYPE_F32, t->tile_m, t->tile_n);
	uint64_t d = 0;

	if (ops_gemm_converts(g))
		d = t->tile_m * (round_up((uint64_t)t->tile_n * 2, PAD) + PAD);
	return 2 * (a + b) + t->c_buffers * c + d;
}

static uint64_t tiles(const struct gaon_ops_gemm *g, const struct gaon_ops_tiling *t)
{
	return round_up(g->m, t->tile_m) / t->tile_m * (round_up(g->n, t->tile_n) / t->tile_n);
}

/*
 * Few rows: the weights go past once, so each step takes a piece of them that stays in caches, as
 * large as they allow, because a step costs its core some thousand instructions.
 */
static void tile_stream(const struct gaon_ops_gemm *g, uint32_t cores, struct gaon_ops_tiling *t)
{
	uint32_t elements, bytes = ops_type_unit(g->type_b, &elements);
	uint64_t depth, columns;

	t->tile_m = g->m;
	if (g->trans_b) {
		depth = least(round_up(g->k, GAON_BLOCK_K), GAON_GEMM_MAX);
		columns = least(STREAM_BYTES / (depth / elements * bytes),
				round_up(round_up(g->n, cores) / cores, GAON_ROWS_GROUP));
	} else {
		columns = least(round_up(round_up(g->n, cores) / cores, 64), 1024);
		depth = STREAM_BYTES / (columns * bytes) / GAON_BLOCK_K * GAON_BLOCK_K;
		depth = least(depth < GAON_BLOCK_K ? GAON_BLOCK_K : depth, GAON_GEMM_MAX);
	}
	columns = columns / GAON_ROWS_GROUP * GAON_ROWS_GROUP;
	columns = columns < GAON_ROWS_GROUP ? GAON_ROWS_GROUP : least(columns, TILE_EDGE_MAX);
	t->tile_n = (uint32_t)least(columns, round_up(g->n, GAON_ROWS_GROUP));
	t->tile_k = (uint32_t)least(depth, round_up(g->k, GAON_BLOCK_K));
}

/* Edges of C's tile: large, then halved until every core has one. */
static void tile_edges(const struct gaon_ops_gemm *g, uint64_t batch, uint32_t cores,
		       struct gaon_ops_tiling *t)
{
	uint64_t m = least(TILE_EDGE, round_up(g->m, GAON_ROWS_GROUP));
	uint64_t n = least(TILE_EDGE, round_up(g->n, GAON_ROWS_GROUP));

	/* A short edge lets the other grow. */
	n = least(least(TILE_AREA / m, TILE_EDGE_MAX), round_up(g->n, GAON_ROWS_GROUP));
	if (n < TILE_EDGE)
		m = least(least(TILE_AREA / n, TILE_EDGE_MAX), round_up(g->m, GAON_ROWS_GROUP));
	m = m < GAON_ROWS_GROUP ? GAON_ROWS_GROUP : m / GAON_ROWS_GROUP * GAON_ROWS_GROUP;
	n = n < GAON_ROWS_GROUP ? GAON_ROWS_GROUP : n / GAON_ROWS_GROUP * GAON_ROWS_GROUP;
	for (;;) {
		t->tile_m = (uint32_t)m;
		t->tile_n = (uint32_t)n;
		if (batch * tiles(g, t) >= cores || (m <= TILE_EDGE_MIN && n <= TILE_EDGE_MIN))
			break;
		if (m >= n)
			m = round_up(m / 2, GAON_ROWS_GROUP);
		else
			n = round_up(n / 2, GAON_ROWS_GROUP);
	}
}

/* The deepest step that leaves room for two sets of operands, then all steps about alike. */
static bool tile_depth(const struct gaon_ops_gemm *g, uint64_t budget, struct gaon_ops_tiling *t)
{
	uint64_t k = round_up(g->k, GAON_BLOCK_K), unit, steps;

	t->tile_k = (uint32_t)least(k, GAON_GEMM_MAX);
	while (spm_needed(g, t) > budget) {
		unit = t->tile_k > TILE_EDGE_MIN ? TILE_EDGE_MIN : GAON_BLOCK_K;
		if (t->tile_k <= GAON_BLOCK_K)
			return false;
		t->tile_k = (uint32_t)((t->tile_k - 1) / unit * unit);
	}
	unit = t->tile_k >= TILE_EDGE_MIN ? TILE_EDGE_MIN : GAON_BLOCK_K;
	steps = round_up(k, t->tile_k) / t->tile_k;
	t->tile_k = (uint32_t)least(round_up(round_up(k, steps) / steps, unit), t->tile_k);
	return true;
}

enum gaon_status ops_gemm_tile(const struct gaon_ops_gemm *g, uint64_t batch, uint32_t cores,
			       uint64_t spm_bytes, struct gaon_ops_tiling *out)
{
	struct gaon_ops_tiling t = { .c_buffers = 1 };
	enum gaon_status status = ops_gemm_check(g);
	uint64_t budget, count;

	if (status)
		return status;
	if (!out || !cores || !g->m || !g->n || !g->k)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_gemm_tiling: nothing to cut");
	budget = spm_bytes > STACK_AND_GUARD ? spm_bytes - STACK_AND_GUARD : 0;
	if (g->m <= ROWS_STREAMED)
		tile_stream(g, cores, &t);
	else
		tile_edges(g, batch, cores, &t);
	if (g->m > ROWS_STREAMED || spm_needed(g, &t) > budget) {
		/* Scratchpads smaller than the default one: smaller tiles until two steps fit. */
		while (!tile_depth(g, budget, &t)) {
			if (t.tile_m <= GAON_ROWS_GROUP && t.tile_n <= GAON_ROWS_GROUP)
				return ops_fail(GAON_ERROR_LIMIT,
						"gaon_ops_gemm: a scratchpad of %llu bytes is too small",
						(unsigned long long)spm_bytes);
			if (t.tile_m >= t.tile_n)
				t.tile_m = (uint32_t)round_up(t.tile_m / 2, GAON_ROWS_GROUP);
			else
				t.tile_n = (uint32_t)round_up(t.tile_n / 2, GAON_ROWS_GROUP);
		}
	}
	count = batch * tiles(g, &t);
	t.workgroups = (uint32_t)least(count, cores);
	t.c_buffers = 2;
	if (ops_gemm_converts(g) || count <= t.workgroups || spm_needed(g, &t) > budget)
		t.c_buffers = 1;
	t.spm_bytes = (uint32_t)spm_needed(g, &t);
	*out = t;
	return GAON_OK;
}

enum gaon_status gaon_ops_gemm_tiling(const struct gaon_ops_gemm *g, uint32_t cores,
				      uint64_t spm_bytes, struct gaon_ops_tiling *out)
{
	return ops_gemm_tile(g, 1, cores, spm_bytes, out);
}
