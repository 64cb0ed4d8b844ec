// SPDX-License-Identifier: MIT
/* Elements and rows from one tensor to another, of the same type or another. */
#include <stdbool.h>

#include "part.h"
#include "tensor_args.h"
#include "tensor_rows.h"
#include "tensor_stage.h"

/* A place in a tensor whose elements are counted through, whatever its shape is. */
struct cursor {
	const struct gaon_tensor *t;
	uint64_t i0, i1, i2, i3;
	char *row;
};

static void cursor_row(struct cursor *c)
{
	const struct gaon_tensor *t = c->t;

	c->row = (char *)t->va + c->i1 * t->nb[1] + c->i2 * t->nb[2] + c->i3 * t->nb[3];
}

static struct cursor cursor_begin(const struct gaon_tensor *t, uint64_t element)
{
	struct cursor c = { .t = t, .i0 = element % t->ne[0] };

	element /= t->ne[0];
	c.i1 = element % t->ne[1];
	element /= t->ne[1];
	c.i2 = element % t->ne[2];
	c.i3 = element / t->ne[2];
	cursor_row(&c);
	return c;
}

/* By @n elements, no further than to the next row's first. */
static void cursor_next(struct cursor *c, uint64_t n)
{
	c->i0 += n;
	if (c->i0 < c->t->ne[0])
		return;
	c->i0 = 0;
	if (++c->i1 == c->t->ne[1]) {
		c->i1 = 0;
		if (++c->i2 == c->t->ne[2]) {
			c->i2 = 0;
			c->i3++;
		}
	}
	cursor_row(c);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @n elements, whole blocks, from @from to @to. */
static void copy_some(const struct gaon_tensor *dst, char *to, const struct gaon_tensor *src,
		      const char *from, uint64_t n, uint32_t raw, float *spare)
{
	if (raw)
		rows_move(to, dst->nb[0], from, src->nb[0], n / rows_block(src->type), raw);
	else
		rows_convert(dst, to, src, from, n, spare);
}

static void copy_through(const struct ops_copy_args *args)
{
	struct gaon_range r = ops_share(args->count, GAON_TENSOR_SUPER_K);
	float *spare = gaon_spm_static(struct stage_spm)->spare;
	struct cursor to, from;

	if (r.begin == r.end)
		return;
	to = cursor_begin(&args->dst, r.begin);
	from = cursor_begin(&args->src, r.begin);
	for (uint64_t done = r.begin; done < r.end;) {
		uint64_t n = least(args->dst.ne[0] - to.i0, args->src.ne[0] - from.i0);

		n = least(n, r.end - done);
		copy_some(&args->dst, rows_column(&args->dst, to.row, to.i0), &args->src,
			  rows_column(&args->src, from.row, from.i0), n, args->raw, spare);
		cursor_next(&to, n);
		cursor_next(&from, n);
		done += n;
	}
}

/* --- turned ----------------------------------------------------------------------------------- */

/* A tile: TILE0 places of dimension 0, each a run of at most TILE1_BYTES along dimension 1. */
#define TILE0		256u
#define TILE1_BYTES	256u
#define TILE_PITCH	(TILE1_BYTES + 64u)	/* keeps places off the same banks */
#define TILE_BYTES	(TILE0 * TILE_PITCH)
_Static_assert(TILE_BYTES <= 2 * STAGE_BYTES, "a tile fits into two buffers");

struct tile {
	uint64_t i0, i1, i2, i3;
	uint32_t n0, n1;
};

/* Tile @t of those that dst is cut into. */
static struct tile tile_of(const struct ops_copy_args *args, uint64_t t, uint32_t bytes)
{
	const uint64_t *ne = args->dst.ne;
	uint64_t wide = TILE1_BYTES / bytes;
	uint64_t tiles0 = (ne[0] + TILE0 - 1) / TILE0, tiles1 = (ne[1] + wide - 1) / wide;
	struct tile tile = { .i0 = t % tiles0 * TILE0, .i1 = t / tiles0 % tiles1 * wide,
			     .i2 = t / tiles0 / tiles1 % ne[2], .i3 = t / tiles0 / tiles1 / ne[2] };

	tile.n0 = (uint32_t)least(ne[0] - tile.i0, TILE0);
	tile.n1 = (uint32_t)least(ne[1] - tile.i1, wide);
	return tile;
}

static void tile_load(const struct ops_copy_args *args, const struct tile *t, char *spm, uint32_t bytes)
{
	const struct gaon_tensor *src = &args->src;

	gaon_dma_load_2d(0, spm, TILE_PITCH,
			 (const char *)src->va + t->i0 * src->nb[0] + t->i1 * src->nb[1] +
			 t->i2 * src->nb[2] + t->i3 * src->nb[3],
			 (int64_t)src->nb[0], t->n1 * bytes, t->n0);
}

static void tile_store(const struct ops_copy_args *args, const struct tile *t, const char *spm,
		       uint32_t bytes)
{
	float *spare = gaon_spm_static(struct stage_spm)->spare;
	const struct gaon_tensor *dst = &args->dst;
	struct gaon_tensor src = { .type = args->src.type, .nb = { TILE_PITCH } };
	char *to = (char *)dst->va + t->i1 * dst->nb[1] + t->i2 * dst->nb[2] + t->i3 * dst->nb[3];

	to = rows_column(dst, to, t->i0);
	for (uint32_t i = 0; i < t->n1; i++)
		copy_some(dst, to + i * dst->nb[1], &src, spm + i * bytes, t->n0, args->raw, spare);
}

/* Runs along dimension 1 come by DMA, rows of dst are strided loads from the scratchpad. */
static void copy_turned(const struct ops_copy_args *args)
{
	struct stage_spm *spm = gaon_spm_static(struct stage_spm);
	uint32_t bytes = (uint32_t)args->src.nb[1];
	uint64_t wide = TILE1_BYTES / bytes;
	uint64_t tiles = (args->dst.ne[0] + TILE0 - 1) / TILE0 * ((args->dst.ne[1] + wide - 1) / wide) *
			 args->dst.ne[2] * args->dst.ne[3];
	struct gaon_range r = ops_share(tiles, 1);
	char *buffer[2] = { spm->in[0], spm->out[0] };
	struct tile now, next;

	if (r.begin == r.end)
		return;
	now = tile_of(args, r.begin, bytes);
	tile_load(args, &now, buffer[0], bytes);
	for (uint64_t t = r.begin; t < r.end; t++, now = next) {
		int more = t + 1 < r.end;

		if (more) {
			next = tile_of(args, t + 1, bytes);
			tile_load(args, &next, buffer[(t + 1 - r.begin) & 1], bytes);
		}
		gaon_wait(GAON_ENGINE_DMA0, (uint64_t)more);
		tile_store(args, &now, buffer[(t - r.begin) & 1], bytes);
	}
}

GAON_KERNEL(ops_copy, struct ops_copy_args,
	    GAON_POINTERS(2, offsetof(struct ops_copy_args, dst.va),
			  offsetof(struct ops_copy_args, src.va)), GAON_SPM(struct stage_spm))
{
	switch (args->way) {
	case OPS_WAY_STAGED: stage_rows(STAGE_COPY, &args->dst, &args->src, NULL, args->raw); break;
	case OPS_WAY_TURNED: copy_turned(args); break;
	default: copy_through(args);
	}
}

/* --- rows by index --------------------------------------------------------------------------- */

/* Indices of a part and the elements that they are for. */
struct index_spm {
	float elements[ROWS_PART];
	uint64_t index[ROWS_PART];
};

union rows_by_index_spm {
	struct stage_spm stage;
	struct index_spm index;
};

static uint64_t index_read(const struct gaon_tensor *t, const char *at, uint64_t table_rows)
{
	uint64_t index = t->type == GAON_TYPE_I32 ? (uint64_t)(int64_t)*(const int32_t *)at :
						    *(const uint64_t *)at;

	gaon_assert(index < table_rows);
	return index;
}

/* Rows of one element: the view without the innermost dimension, so that rows are long. */
static struct gaon_tensor without_columns(const struct gaon_tensor *t)
{
	struct gaon_tensor out = *t;

	for (int i = 0; i < GAON_TENSOR_DIMS - 1; i++) {
		out.ne[i] = t->ne[i + 1];
		out.nb[i] = t->nb[i + 1];
	}
	out.ne[GAON_TENSOR_DIMS - 1] = 1;
	out.nb[GAON_TENSOR_DIMS - 1] = 0;
	return out;
}

#define GATHER(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			to[i] = (float)*(const type *)(table + index[i] * nb);		\
	} while (0)

static void gather(uint8_t type, const char *restrict table, uint64_t nb, const uint64_t *restrict index,
		   uint64_t n, float *restrict to)
{
	switch (type) {
	case GAON_TYPE_F32: GATHER(float); break;
	case GAON_TYPE_F16: GATHER(_Float16); break;
	default: GATHER(__bf16); break;
	}
}

#define SCATTER(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			*(type *)(table + index[i] * nb) = (type)from[i];		\
	} while (0)

static void scatter(uint8_t type, char *restrict table, uint64_t nb, const uint64_t *restrict index,
		    uint64_t n, const float *restrict from)
{
	switch (type) {
	case GAON_TYPE_F32: SCATTER(float); break;
	case GAON_TYPE_F16: SCATTER(_Float16); break;
	default: SCATTER(__bf16); break;
	}
}

static void get_elements(const struct ops_rows_args *args)
{
	struct index_spm *spm = gaon_spm_static(struct index_spm);
	struct gaon_tensor dst = without_columns(&args->dst);
	const struct gaon_tensor *src = &args->src;
	struct rows_walk w;

	for (w = rows_begin(&dst, ROWS_PART); w.left; rows_next(&w)) {
		const char *index = stage_index_at(&args->index, w.column, w.i1, w.i2);
		const char *table = (const char *)src->va + w.i1 * src->nb[2] + w.i2 * src->nb[3];

		stage_indices(&args->index, index, w.n, src->ne[1], spm->index);
		gather(src->type, table, src->nb[1], spm->index, w.n, spm->elements);
		rows_pack(&dst, rows_column(&dst, rows_at(&dst, &w), w.column), w.n, spm->elements);
	}
}

static void set_elements(const struct ops_rows_args *args)
{
	struct index_spm *spm = gaon_spm_static(struct index_spm);
	struct gaon_tensor src = without_columns(&args->src);
	const struct gaon_tensor *dst = &args->dst;
	struct rows_walk w;

	for (w = rows_begin(&src, ROWS_PART); w.left; rows_next(&w)) {
		const char *index = stage_index_at(&args->index, w.column, w.i1, w.i2);
		char *table = (char *)dst->va + w.i1 * dst->nb[2] + w.i2 * dst->nb[3];
		const char *from = rows_column(&src, rows_at(&src, &w), w.column);

		stage_indices(&args->index, index, w.n, dst->ne[1], spm->index);
		scatter(dst->type, table, dst->nb[1], spm->index, w.n,
			rows_read(&src, from, w.n, spm->elements));
	}
}

/*
 * The rows of one side are walked; those of the other, the table, are found by their index. Both calls
 * know which is which, and each is compiled by itself.
 */
GAON_INLINE void rows_by_index(const struct ops_rows_args *args, bool get)
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	const struct gaon_tensor *walked = get ? dst : src, *table = get ? src : dst;
	float *spare = gaon_spm_static(struct stage_spm)->spare;
	struct rows_walk w;

	if (args->way == OPS_WAY_ELEMENTS) {
		if (get)
			get_elements(args);
		else
			set_elements(args);
		return;
	}
	if (args->way == OPS_WAY_STAGED) {
		stage_rows(get ? STAGE_GET : STAGE_SET, dst, src, &args->index, args->raw);
		return;
	}
	for (w = rows_begin(walked, ROWS_PART); w.left; rows_next(&w)) {
		uint64_t row = index_read(&args->index, stage_index_at(&args->index, w.i1, w.i2, w.i3),
					  table->ne[1]);
		char *in_table = (char *)table->va + row * table->nb[1] + w.i2 * table->nb[2] +
				 w.i3 * table->nb[3];
		char *there = rows_column(table, in_table, w.column);
		char *here = rows_column(walked, rows_at(walked, &w), w.column);

		copy_some(dst, get ? here : there, src, get ? there : here, w.n, args->raw, spare);
	}
}

/* Row index[i1][i2][i3] of matrix i2, i3 of src to row i1, i2, i3 of dst. */
GAON_KERNEL(ops_get_rows, struct ops_rows_args,
	    GAON_POINTERS(3, offsetof(struct ops_rows_args, dst.va),
			  offsetof(struct ops_rows_args, src.va),
			  offsetof(struct ops_rows_args, index.va)), GAON_SPM(union rows_by_index_spm))
{
	rows_by_index(args, true);
}

/* Row i1, i2, i3 of src to row index[i1][i2][i3] of matrix i2, i3 of dst. */
GAON_KERNEL(ops_set_rows, struct ops_rows_args,
	    GAON_POINTERS(3, offsetof(struct ops_rows_args, dst.va),
			  offsetof(struct ops_rows_args, src.va),
			  offsetof(struct ops_rows_args, index.va)), GAON_SPM(union rows_by_index_spm))
{
	rows_by_index(args, false);
}
