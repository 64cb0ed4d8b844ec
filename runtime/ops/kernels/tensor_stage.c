// SPDX-License-Identifier: MIT
/* Rows through the scratchpad. Channel 0 loads, channel 1 stores. */
#include "part.h"
#include "tensor_stage.h"

struct stage {
	enum stage_kind kind;
	uint32_t raw;			/* rows are stored as they were loaded */
	uint32_t in_bytes, out_bytes;	/* of a row */
	int there;			/* results are computed where they belong */
	const struct gaon_tensor *dst, *src, *index;
	struct stage_spm *spm;
};

/* Rows i1 to i1 + k1 of matrices i2 to i2 + k2 */
struct batch {
	uint64_t i1, i2, i3;
	uint32_t k1, k2;
};

struct batches {
	uint64_t row, end;		/* of the share, counted through */
	uint64_t ne1, ne2;
	uint32_t most;			/* rows in a batch */
	int planes;			/* a batch may have several whole matrices */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int batch_next(struct batches *w, struct batch *b)
{
	uint64_t left = w->end - w->row, planes;

	if (!left)
		return 0;
	b->i1 = w->row % w->ne1;
	b->i2 = w->row / w->ne1 % w->ne2;
	b->i3 = w->row / w->ne1 / w->ne2;
	b->k1 = (uint32_t)least(w->ne1 - b->i1, least(left, w->most));
	b->k2 = 1;
	if (w->planes && b->k1 == w->ne1) {
		planes = least(w->ne2 - b->i2, least(left, w->most) / w->ne1);
		b->k2 = planes > 1 ? (uint32_t)planes : 1;
	}
	w->row += (uint64_t)b->k1 * b->k2;
	return 1;
}

static uint64_t batch_at(const struct gaon_tensor *t, const struct batch *b)
{
	return t->va + b->i1 * t->nb[1] + b->i2 * t->nb[2] + b->i3 * t->nb[3];
}

static void move_batch(const struct gaon_tensor *t, const struct batch *b, char *spm, uint32_t bytes,
		       uint64_t channel, uint32_t flags)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED,
		.flags = flags,
		.mem_va = batch_at(t, b),
		.spm_va = (uintptr_t)spm,
		.bytes = bytes,
		.count = { b->k1, b->k2, 1 },
		.mem_stride = { (int64_t)t->nb[1], (int64_t)t->nb[2], 0 },
		.spm_stride = { bytes, (int64_t)bytes * b->k1, 0 },
	};

	gaon_dma(&d, channel);
}

/* Rows of the table's matrix i2, i3 that the batch's indices name. */
static void move_indexed(const struct stage *s, const struct gaon_tensor *table, const struct batch *b,
			 unsigned int buffer, char *spm, uint32_t bytes, uint64_t channel, uint32_t flags)
{
	uint64_t *index = s->spm->index[buffer];
	struct gaon_dma_desc d = {
		.type = GAON_DMA_GATHER,
		.flags = flags | GAON_DMA_INDEX64,
		.mem_va = table->va + b->i2 * table->nb[2] + b->i3 * table->nb[3],
		.spm_va = (uintptr_t)spm,
		.index_va = (uintptr_t)index,
		.bytes = bytes,
		.count = { 1, 1, b->k1 },
		.mem_stride = { 0, 0, (int64_t)table->nb[1] },
		.spm_stride = { 0, 0, bytes },
	};

	stage_indices(s->index, stage_index_at(s->index, b->i1, b->i2, b->i3), b->k1, table->ne[1],
		      index);
	gaon_dma(&d, channel);
}

static void load(const struct stage *s, const struct batch *b, unsigned int buffer)
{
	char *to = s->spm->in[buffer];

	if (s->kind == STAGE_GET)
		move_indexed(s, s->src, b, buffer, to, s->in_bytes, 0, 0);
	else
		move_batch(s->src, b, to, s->in_bytes, 0, 0);
}

/*
 * The destination's rows lie side by side: results need not be stored, but are computed there.  For all
 * batches or none, since stores are counted.
 */
static int dense_there(enum stage_kind kind, const struct gaon_tensor *dst, uint64_t row_bytes)
{
	return kind != STAGE_SET && dst->nb[1] == row_bytes &&
	       (kind == STAGE_GET || dst->ne[2] == 1 || dst->nb[2] == row_bytes * dst->ne[1]);
}

static void finish(const struct stage *s, const struct batch *b, unsigned int buffer)
{
	char *in = s->spm->in[buffer], *out = s->raw ? in : s->spm->out[buffer];

	if (!s->raw)
		rows_convert(s->dst, s->there ? (char *)batch_at(s->dst, b) : out, s->src, in,
			     s->src->ne[0] * b->k1 * b->k2, s->spm->spare);
	if (s->there)
		return;
	if (s->kind == STAGE_SET)
		move_indexed(s, s->dst, b, buffer, out, s->out_bytes, 1, GAON_DMA_FROM_SPM);
	else
		move_batch(s->dst, b, out, s->out_bytes, 1, GAON_DMA_FROM_SPM);
}

void stage_rows(enum stage_kind kind, const struct gaon_tensor *dst, const struct gaon_tensor *src,
		const struct gaon_tensor *index, uint32_t raw)
{
	const struct gaon_tensor *rows = kind == STAGE_GET ? dst : src;
	struct gaon_range r = ops_share(rows->ne[1] * rows->ne[2] * rows->ne[3], 1);
	struct stage s = { .kind = kind, .raw = raw, .dst = dst, .src = src, .index = index,
			   .in_bytes = (uint32_t)(src->ne[0] / rows_block(src->type) * src->nb[0]),
			   .out_bytes = (uint32_t)(dst->ne[0] / rows_block(dst->type) * dst->nb[0]),
			   .spm = gaon_spm_static(struct stage_spm) };
	uint32_t wide = s.in_bytes > s.out_bytes ? s.in_bytes : s.out_bytes;
	struct batches w = { .row = r.begin, .end = r.end, .ne1 = rows->ne[1], .ne2 = rows->ne[2],
			     .most = (uint32_t)least(STAGE_BYTES / wide, STAGE_ROWS),
			     .planes = kind == STAGE_COPY };
	struct batch now, next;
	unsigned int buffer = 0;

	s.there = !raw && dense_there(kind, dst, s.out_bytes);
	if (!batch_next(&w, &now))
		return;
	load(&s, &now, 0);
	for (int more = 1; more; buffer ^= 1, now = next) {
		more = batch_next(&w, &next);
		if (more) {
			/* The last batch's store may still read what this load fills. */
			if (raw)
				gaon_wait(GAON_ENGINE_DMA1, 0);
			load(&s, &next, buffer ^ 1);
		}
		gaon_wait(GAON_ENGINE_DMA0, (uint64_t)more);
		gaon_wait(GAON_ENGINE_DMA1, 1);
		finish(&s, &now, buffer);
	}
	gaon_fence();
}

#define INDICES(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			to[i] = (uint64_t)(int64_t)*(const type *)(from + i * nb);	\
	} while (0)

void stage_indices(const struct gaon_tensor *index, const char *restrict from, uint64_t n,
		   uint64_t table_rows, uint64_t *restrict to)
{
	uint64_t nb = index->nb[0], largest_index = 0;

	if (index->type == GAON_TYPE_I32)
		INDICES(int32_t);
	else
		INDICES(int64_t);
	for (uint64_t i = 0; i < n; i++)
		largest_index = to[i] > largest_index ? to[i] : largest_index;
	gaon_assert(largest_index < table_rows);
}
