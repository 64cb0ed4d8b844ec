// SPDX-License-Identifier: MIT
/*
 * C (+)= A B for matrices in memory.  Per core: operands of one k step are computed on while those
 * of the next are loaded, A by channel 0 and B by channel 1; C stays in the scratchpad for its whole
 * k loop.  The sequence of steps runs on over the tiles of the workgroup, so that the first loads of
 * a tile and the store of the one before hide behind products too.
 */
#include <gaon/device.h>

#include "ops_args.h"
#include "part.h"

#define PAD	64u	/* keeps the rows of a tile off the same scratchpad banks */

/* One operand in memory and how a tile of it lies in the scratchpad. */
struct operand {
	uint64_t base, ld;
	uint32_t row_unit;	/* outer indices per stored row (16 with _R16) */
	uint32_t col_unit;	/* inner indices per element (32 with blocks) */
	uint32_t col_bytes;	/* bytes of an element, of 16 rows' blocks with _R16 */
	uint32_t stride;	/* scratchpad bytes between stored rows */
	uint32_t bytes;		/* scratchpad bytes of a whole tile */
};

struct plan {
	const struct ops_gemm_args *args;
	struct operand a, b, c;
	uint64_t buffer_a[2], buffer_b[2], buffer_c[2], buffer_d;
	uint32_t tiles_n, tiles, k_steps, first, stride, steps;	/* tiles: of one product */
	uint32_t d_stride;
};

struct tile {
	uint32_t row, rows, column, columns;
	uint64_t a, b, c;	/* bytes from the first product's operands to this one's */
};

static uint32_t round_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

static uint32_t block_bytes(uint8_t type)
{
	switch (type & ~GAON_TYPE_ROWS16) {
	case GAON_TYPE_Q4_0: return 18;
	case GAON_TYPE_Q4_1: return 20;
	case GAON_TYPE_Q8_0: return 34;
	case GAON_TYPE_Q8A: return 40;
	case GAON_TYPE_I8: return 1;
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16: return 2;
	default: return 4;
	}
}

static struct operand operand_make(uint8_t type, uint64_t base, uint64_t ld, uint32_t outer,
				   uint32_t inner)
{
	struct operand o = { .base = base, .ld = ld, .row_unit = 1, .col_unit = 1 };

	if (type & 0x40)
		o.col_unit = GAON_BLOCK_K;
	o.col_bytes = block_bytes(type);
	if (type & GAON_TYPE_ROWS16) {
		o.row_unit = GAON_ROWS_GROUP;
		o.col_bytes *= GAON_ROWS_GROUP;
	}
	o.stride = round_up(round_up(inner, o.col_unit) / o.col_unit * o.col_bytes, PAD) + PAD;
	o.bytes = round_up(outer, o.row_unit) / o.row_unit * o.stride;
	return o;
}

/* Load or store [outer, outer + outers) x [inner, inner + inners) of the matrix at @from. */
static void operand_move(const struct operand *o, uint64_t from, uint64_t spm, uint32_t outer,
			 uint32_t outers, uint32_t inner, uint32_t inners, uint64_t channel,
			 uint32_t flags)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED,
		.flags = flags,
		.mem_va = o->base + from + outer / o->row_unit * o->ld +
			  (uint64_t)(inner / o->col_unit) * o->col_bytes,
		.spm_va = spm,
		.bytes = (inners + o->col_unit - 1) / o->col_unit * o->col_bytes,
		.count = { (outers + o->row_unit - 1) / o->row_unit, 1, 1 },
		.mem_stride = { (int64_t)o->ld, 0, 0 },
		.spm_stride = { o->stride, 0, 0 },
	};

	gaon_dma(&d, channel);
}

static void plan_make(struct plan *p, const struct ops_gemm_args *args)
{
	uint64_t at = (uintptr_t)gaon_spm(void, 0);
	int converts = args->type_c != GAON_TYPE_F32 && args->type_c != GAON_TYPE_I32;
	uint32_t groups = ops_parts(), all;

	p->args = args;
	p->a = args->flags & GAON_GEMM_TRANS_A ?
		operand_make(args->type_a, args->a, args->lda, args->tile_k, args->tile_m) :
		operand_make(args->type_a, args->a, args->lda, args->tile_m, args->tile_k);
	p->b = args->flags & GAON_GEMM_TRANS_B ?
		operand_make(args->type_b, args->b, args->ldb, args->tile_n, args->tile_k) :
		operand_make(args->type_b, args->b, args->ldb, args->tile_k, args->tile_n);
	p->c = operand_make(GAON_TYPE_F32, args->c, args->ldc, args->tile_m, args->tile_n);
	p->d_stride = round_up(args->tile_n * 2, PAD) + PAD;
	for (int i = 0; i < 2; i++) {
		p->buffer_a[i] = at;
		at += p->a.bytes;
		p->buffer_b[i] = at;
		at += p->b.bytes;
	}
	for (uint32_t i = 0; i < 2; i++) {
		p->buffer_c[i] = i < args->c_buffers ? at : p->buffer_c[0];
		at += i < args->c_buffers ? p->c.bytes : 0;
	}
	p->buffer_d = at;
	if (converts)
		at += (uint64_t)p->d_stride * args->tile_m;
	gaon_assert(at <= (uintptr_t)gaon_spm(void, gaon_spm_size()));

	p->tiles_n = (args->n - 1) / args->tile_n + 1;
	p->tiles = ((args->m - 1) / args->tile_m + 1) * p->tiles_n;
	p->k_steps = (args->k - 1) / args->tile_k + 1;
	p->first = ops_part();
	p->stride = groups;
	all = p->tiles * args->batch[0] * args->batch[1];
	p->steps = p->first < all ? ((all - 1 - p->first) / groups + 1) * p->k_steps : 0;
}

static struct tile plan_tile(const struct plan *p, uint32_t step)
{
	const struct ops_gemm_args *args = p->args;
	uint32_t index = p->first + step / p->k_steps * p->stride;
	uint32_t product = index / p->tiles, within = index % p->tiles;
	uint32_t i = product % args->batch[0], j = product / args->batch[0];
	struct tile t = {
		.row = within / p->tiles_n * args->tile_m,
		.column = within % p->tiles_n * args->tile_n,
		.a = i * args->next_a[0] + j * args->next_a[1],
		.b = i / args->ratio[0] * args->next_b[0] + j / args->ratio[1] * args->next_b[1],
		.c = i * args->next_c[0] + j * args->next_c[1],
	};

	t.rows = args->m - t.row < args->tile_m ? args->m - t.row : args->tile_m;
	t.columns = args->n - t.column < args->tile_n ? args->n - t.column : args->tile_n;
	return t;
}

static uint32_t plan_depth(const struct plan *p, uint32_t step, uint32_t *from)
{
	const struct ops_gemm_args *args = p->args;

	*from = step % p->k_steps * args->tile_k;
	return args->k - *from < args->tile_k ? args->k - *from : args->tile_k;
}

static void plan_load(const struct plan *p, uint32_t step)
{
	const struct ops_gemm_args *args = p->args;
	struct tile t = plan_tile(p, step);
	uint32_t k, depth = plan_depth(p, step, &k);

	if (args->flags & GAON_GEMM_TRANS_A)
		operand_move(&p->a, t.a, p->buffer_a[step & 1], k, depth, t.row, t.rows, 0, 0);
	else
		operand_move(&p->a, t.a, p->buffer_a[step & 1], t.row, t.rows, k, depth, 0, 0);
	if (args->flags & GAON_GEMM_TRANS_B)
		operand_move(&p->b, t.b, p->buffer_b[step & 1], t.column, t.columns, k, depth, 1, 0);
	else
		operand_move(&p->b, t.b, p->buffer_b[step & 1], k, depth, t.column, t.columns, 1, 0);
}

static uint64_t plan_c(const struct plan *p, uint32_t step)
{
	return p->buffer_c[p->args->c_buffers == 2 ? step / p->k_steps & 1 : 0];
}

/* The finished tile that `step` belongs to, by channel 0. */
static void plan_store(const struct plan *p, uint32_t step)
{
	const struct ops_gemm_args *args = p->args;
	struct tile t = plan_tile(p, step);
	struct operand out = p->c;
	uint64_t from = plan_c(p, step);

	if (args->type_c == GAON_TYPE_F16 || args->type_c == GAON_TYPE_BF16) {
		out.col_bytes = 2;
		out.stride = p->d_stride;
		from = p->buffer_d;
	}
	operand_move(&out, t.c, from, t.row, t.rows, t.column, t.columns, 0, GAON_DMA_FROM_SPM);
}

/* The product of a step, its columns (or, when there are few, its rows) shared by both arrays. */
static void plan_multiply(const struct plan *p, uint32_t step)
{
	const struct ops_gemm_args *args = p->args;
	struct tile t = plan_tile(p, step);
	uint32_t k, depth = plan_depth(p, step, &k);
	uint32_t flags = args->flags & (GAON_GEMM_TRANS_A | GAON_GEMM_TRANS_B);
	int by_rows = t.columns < 256 && t.rows > t.columns;
	uint32_t whole = by_rows ? t.rows : t.columns;
	uint32_t half = whole > GAON_ROWS_GROUP ? round_up(whole / 2, GAON_ROWS_GROUP) : whole;

	if (k || args->flags & GAON_GEMM_ACCUMULATE)
		flags |= GAON_GEMM_ACCUMULATE;
	if (p->k_steps - 1 == step % p->k_steps &&
	    (args->type_c == GAON_TYPE_F16 || args->type_c == GAON_TYPE_BF16))
		flags |= GAON_GEMM_CONVERT;
	for (uint32_t array = 0; array < 2; array++) {
		uint32_t at = array ? half : 0, size = array ? whole - half : half;
		uint32_t row = by_rows ? at : 0, column = by_rows ? 0 : at;
		struct gaon_gemm_desc d = {
			.type_a = args->type_a, .type_b = args->type_b,
			.type_c = args->type_a == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32,
			.flags = flags,
			.m = by_rows ? size : t.rows, .n = by_rows ? t.columns : size, .k = depth,
			.lda = p->a.stride, .ldb = p->b.stride, .ldc = p->c.stride,
		};

		d.a = p->buffer_a[step & 1] + (args->flags & GAON_GEMM_TRANS_A ?
					       row * p->a.col_bytes : row * p->a.stride);
		d.b = p->buffer_b[step & 1] + (args->flags & GAON_GEMM_TRANS_B ?
					       column / p->b.row_unit * p->b.stride :
					       column * p->b.col_bytes);
		d.c = plan_c(p, step) + row * p->c.stride + column * 4;
		if (flags & GAON_GEMM_CONVERT) {
			d.type_d = args->type_c;
			d.d = p->buffer_d + row * p->d_stride + column * 2;
			d.ldd = p->d_stride;
		}
		if (size)
			gaon_gemm(&d, array);
	}
}

/* An earlier result to add to. Rare, so simply waited for. */
static void plan_load_c(const struct plan *p, uint32_t step)
{
	struct tile t = plan_tile(p, step);

	gaon_wait(GAON_ENGINE_DMA0, 0);
	operand_move(&p->c, t.c, plan_c(p, step), t.row, t.rows, t.column, t.columns, 0, 0);
	gaon_wait(GAON_ENGINE_DMA0, 0);
}

GAON_KERNEL(ops_gemm, struct ops_gemm_args,
	    GAON_POINTERS(3, offsetof(struct ops_gemm_args, a), offsetof(struct ops_gemm_args, b),
			  offsetof(struct ops_gemm_args, c)))
{
	struct plan p;

	plan_make(&p, args);
	if (!p.steps)
		return;
	plan_load(&p, 0);
	for (uint32_t step = 0; step < p.steps; step++) {
		int first = step % p.k_steps == 0;
		uint32_t after0 = 0, after1 = 0;	/* transfers behind this step's operands */

		/* The products of the step before read the buffers that the next loads fill. */
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
		if (first && step) {
			plan_store(&p, step - 1);
			/* With one buffer the store must be over before this tile's products. */
			after0 += args->c_buffers == 2;
		}
		if (first && args->flags & GAON_GEMM_ACCUMULATE) {
			plan_load_c(&p, step);
			after0 = 0;
		}
		if (step + 1 < p.steps) {
			plan_load(&p, step + 1);
			after0++;
			after1++;
		}
		gaon_wait(GAON_ENGINE_DMA0, after0);
		gaon_wait(GAON_ENGINE_DMA1, after1);
		plan_multiply(&p, step);
	}
	gaon_wait(GAON_ENGINE_MATRIX0, 0);
	gaon_wait(GAON_ENGINE_MATRIX1, 0);
	plan_store(&p, p.steps - 1);
	gaon_fence();
}
