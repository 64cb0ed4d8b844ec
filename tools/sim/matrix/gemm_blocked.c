// SPDX-License-Identifier: MIT
/*
 * The blocked product: operands are packed into panels of 4-byte units, and register-tiled kernels
 * multiply panels.  A chain over K is cut only between kernel calls, with its accumulator kept in
 * full in memory, so the order of each element's operations is the architecture's whatever the
 * block sizes.
 */
#include "matrix_internal.h"

/* An even cut of @total into blocks of at most @most, each but the last a multiple of @align. */
static uint32_t blocked_step(uint32_t total, uint32_t most, uint32_t align)
{
	uint32_t step = div_round_up(total, div_round_up(total, most));

	return div_round_up(step, align) * align;
}

struct blocked {
	const struct sim_gemm *g;
	const struct gemm_ops *ops;
	struct sim_matrix *mx;
	bool b_direct;
	uint32_t k0, kc, ku;		/* this pass over K: elements, and units with padding */
	uint32_t col, cols;		/* this block of columns */
	const uint8_t *a;		/* this block of rows, as units */
	size_t a_stride;
	struct gemm_out out;
};

/*
 * Rows of A that lie a multiple of the first cache level's way apart would evict one another while
 * a kernel walks them side by side.
 */
static bool blocked_stride_conflicts(uint64_t ld)
{
	uint64_t part = ld % 2048;

	return ld >= 1024 && (part < 128 || part > 2048 - 128);
}

/*
 * B read where it lies costs no packing.  Rows an odd number of lines apart spread over all sets of
 * the first cache level, as a packed panel does.
 */
static bool blocked_b_is_good(const struct sim_gemm *g)
{
	return !((uintptr_t)g->b % 64) && g->ldb % 128 == 64;
}

static void blocked_prepare_a(struct blocked *b, uint32_t row, uint32_t rows)
{
	const struct sim_gemm *g = b->g;
	const struct gemm_ops *ops = b->ops;
	bool trans = g->flags & GAON_GEMM_TRANS_A;
	struct gemm_panel p = {
		.ld = g->lda, .valid = rows, .k = b->kc, .ku = b->ku,
		.stride = (size_t)b->ku * 4 + 64,
	};

	if (trans)
		p.src = g->a + b->k0 * g->lda + (size_t)row * ops->esize;
	else
		p.src = g->a + row * g->lda + (size_t)b->k0 * ops->esize;
	if (ops->a_direct && !trans && b->kc == b->ku * ops->k_unit &&
	    !blocked_stride_conflicts(g->lda)) {
		b->a = p.src;
		b->a_stride = g->lda;
	} else {
		(trans ? ops->a_cols : ops->a_rows)((uint32_t *)b->mx->a_buf, &p);
		b->a = b->mx->a_buf;
		b->a_stride = p.stride;
	}
	if (ops->a_sum)
		ops->a_sum(b->mx->a_sum, b->a, b->a_stride, rows, b->ku);
}

static void blocked_pack_b(const struct blocked *b)
{
	const struct sim_gemm *g = b->g;
	uint32_t es = b->ops->esize, vw = b->ops->vw;
	bool trans = g->flags & GAON_GEMM_TRANS_B;
	uint32_t *dst = (uint32_t *)b->mx->b_buf;

	for (uint32_t j = 0; j < b->cols; j += 2 * vw) {
		uint32_t n = min_u32(b->cols - j, 2 * vw);
		struct gemm_panel p = {
			.ld = g->ldb, .width = n > vw ? 2 * vw : vw, .valid = n,
			.k = b->kc, .ku = b->ku,
		};

		if (trans)
			p.src = g->b + (b->col + j) * g->ldb + (size_t)b->k0 * es;
		else
			p.src = g->b + b->k0 * g->ldb + (size_t)(b->col + j) * es;
		(trans ? b->ops->b_rows : b->ops->b_cols)(dst, &p);
		dst += (size_t)p.width * b->ku;
	}
}

/* What the kernel copies beside the next tile; t->copy is idle before the first one. */
static void blocked_feed(const struct blocked *b, struct gemm_tile *t)
{
	const ptrdiff_t width = GEMM_COPY_LINES * 64;
	struct gemm_copy *c = &t->copy;
	struct sim_feed_block piece;

	if (!sim_feed_take(b->g->feed, t->ku / GEMM_COPY_UNITS, (uint64_t)width, &piece)) {
		*c = (struct gemm_copy){ .src = b->mx->spare, .dst = b->mx->spare };
		return;
	}
	c->src = piece.src;
	c->dst = piece.dst;
	c->ahead = piece.ahead;
	for (uint32_t i = 0; i < GEMM_COPY_LINES; i++)
		c->src_step[i] = c->dst_step[i] = 64;
	/* Kernels count down, so a row's last line has number 1. */
	c->src_step[1] = (ptrdiff_t)piece.src_ld - width + 64;
	c->dst_step[1] = (ptrdiff_t)piece.dst_ld - width + 64;
}

/* One panel of prepared rows, C's from @row on, with every panel of B. */
static void blocked_multiply_panel(const struct blocked *b, struct gemm_tile *t, uint32_t row,
				   uint32_t mr)
{
	uint32_t vw = b->ops->vw;
	gemm_kernel *const *kern = b->ops->kern[mr - 1];
	uint8_t *out = b->out.acc + row * b->out.ldacc;
	const uint8_t *in = b->out.in ? b->out.in + row * b->out.ldin : NULL;
	const uint8_t *pb = b->mx->b_buf;
	bool feed = b->ops->copies && b->g->feed && t->ku % GEMM_COPY_UNITS == 0;

	for (uint32_t j = 0; j < b->cols; j += 2 * vw) {
		uint32_t nv = b->cols - j > vw ? 2 : 1;

		t->n = min_u32(b->cols - j, 2 * vw);
		t->in = in ? in + (size_t)j * 4 : NULL;
		t->out = out + (size_t)j * 4;
		if (b->b_direct) {
			t->b = b->g->b + b->k0 * b->g->ldb + (size_t)(b->col + j) * 4;
			t->b_stride = b->g->ldb;
		} else {
			t->b = pb;
			t->b_stride = (size_t)nv * vw * 4;
			pb += t->b_stride * b->ku;
		}
		if (feed)
			blocked_feed(b, t);
		kern[nv - 1](t);
	}
}

/*
 * A panel's rows stay in the first cache level while B streams past them from the second, in one
 * run of addresses.
 */
static void blocked_multiply(const struct blocked *b, uint32_t row, uint32_t rows)
{
	uint32_t panels = div_round_up(rows, b->ops->mr);
	uint32_t base = rows / panels, extra = rows % panels;
	struct gemm_tile t = {
		.a = b->a, .a_stride = b->a_stride, .a_sum = b->mx->a_sum, .ku = b->ku,
		.ldin = b->out.ldin, .ldout = b->out.ldacc, .b_in_place = b->b_direct,
		.copy = { .src = b->mx->spare, .dst = b->mx->spare },
	};

	for (uint32_t panel = 0; panel < panels; panel++) {
		uint32_t mr = base + (panel < extra);

		t.rows = mr;
		blocked_multiply_panel(b, &t, row, mr);
		t.a += mr * b->a_stride;
		t.a_sum += mr;
		row += mr;
	}
}

/* After the first pass over K the accumulators are what the passes wrote. */
static void blocked_resume(struct gemm_out *o)
{
	o->in = o->acc;
	o->ldin = o->ldacc;
}

void gemm_blocked_run(struct sim_matrix *mx, const struct sim_gemm *g, const struct gemm_ops *ops)
{
	uint32_t mc = blocked_step(g->m, ops->mc, 1);
	uint32_t kc = blocked_step(g->k, ops->kc, ops->k_align);
	struct blocked b = { .g = g, .ops = ops, .mx = mx };

	/* Packing pays off only if several panels of A use it, and B lies badly. */
	b.b_direct = ops->b_direct && !(g->flags & GAON_GEMM_TRANS_B) &&
		     (g->m <= ops->mr || g->m * g->k <= 4096 || blocked_b_is_good(g));
	for (b.col = 0; b.col < g->n; b.col += ops->nc) {
		b.cols = min_u32(g->n - b.col, ops->nc);
		gemm_out_begin(&b.out, mx, g, b.col, b.cols);
		for (b.k0 = 0; b.k0 < g->k; b.k0 += kc) {
			b.kc = min_u32(g->k - b.k0, kc);
			b.ku = div_round_up(b.kc, ops->k_align) * ops->k_align / ops->k_unit;
			if (!b.b_direct)
				blocked_pack_b(&b);
			for (uint32_t row = 0; row < g->m; row += mc) {
				uint32_t rows = min_u32(g->m - row, mc);

				blocked_prepare_a(&b, row, rows);
				blocked_multiply(&b, row, rows);
			}
			blocked_resume(&b.out);
		}
		gemm_out_end(&b.out, mx, g, 0, g->m, b.col, b.cols);
	}
}
