// SPDX-License-Identifier: MIT
/* Elements and rows from one tensor to another, of the same type or another. */
#include "tensor_args.h"
#include "tensor_rows.h"

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

/* @n elements, whole blocks; no more than ROWS_PART unless the types are the same. */
static void copy_some(const struct gaon_tensor *dst, char *to, const struct gaon_tensor *src,
		      const char *from, uint64_t n, uint32_t raw)
{
	float *spare = gaon_spm_static(struct rows_spm)->a;

	if (raw)
		rows_move(to, dst->nb[0], from, src->nb[0], n / rows_block(src->type), raw);
	else if (rows_plain(dst))
		rows_unpack(src, from, n, (float *)to);
	else
		rows_pack(dst, to, n, rows_read(src, from, n, spare));
}

GAON_KERNEL(ops_copy, struct ops_copy_args,
	    GAON_POINTERS(2, offsetof(struct ops_copy_args, dst.va),
			  offsetof(struct ops_copy_args, src.va)), GAON_SPM(struct rows_spm))
{
	struct gaon_range r = gaon_share(args->count, GAON_TENSOR_SUPER_K);
	uint64_t most = args->raw ? UINT64_MAX : ROWS_PART;
	struct cursor to, from;

	if (r.begin == r.end)
		return;
	to = cursor_begin(&args->dst, r.begin);
	from = cursor_begin(&args->src, r.begin);
	for (uint64_t done = r.begin; done < r.end;) {
		uint64_t n = least(args->dst.ne[0] - to.i0, args->src.ne[0] - from.i0);

		n = least(n, least(r.end - done, most));
		copy_some(&args->dst, rows_column(&args->dst, to.row, to.i0), &args->src,
			  rows_column(&args->src, from.row, from.i0), n, args->raw);
		cursor_next(&to, n);
		cursor_next(&from, n);
		done += n;
	}
}

/* --- rows by index --------------------------------------------------------------------------- */

/* Indices of a part and the elements that they are for. */
struct index_spm {
	struct rows_spm rows;
	uint64_t index[ROWS_PART];
};

#define INDICES(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			to[i] = (uint64_t)(int64_t)*(const type *)(from + i * nb);	\
	} while (0)

/* @n indices of @table_rows rows from @from; one that is none ends the launch. */
static void indices_read(const struct gaon_tensor *index, const char *restrict from, uint64_t n,
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

static uint64_t index_read(const struct gaon_tensor *t, const char *at, uint64_t table_rows)
{
	uint64_t index = t->type == GAON_TYPE_I32 ? (uint64_t)(int64_t)*(const int32_t *)at :
						    *(const uint64_t *)at;

	gaon_assert(index < table_rows);
	return index;
}

/* The index of row @i1 of @w's place in the dimensions behind. */
static const char *index_at(const struct gaon_tensor *index, uint64_t i1, uint64_t i2, uint64_t i3)
{
	return (const char *)index->va + i1 * index->nb[0] + i2 % index->ne[1] * index->nb[1] +
	       i3 % index->ne[2] * index->nb[2];
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
		const char *index = index_at(&args->index, w.column, w.i1, w.i2);
		const char *table = (const char *)src->va + w.i1 * src->nb[2] + w.i2 * src->nb[3];

		indices_read(&args->index, index, w.n, src->ne[1], spm->index);
		gather(src->type, table, src->nb[1], spm->index, w.n, spm->rows.a);
		rows_pack(&dst, rows_column(&dst, rows_at(&dst, &w), w.column), w.n, spm->rows.a);
	}
}

/* Row index[i1][i2][i3] of matrix i2, i3 of src to row i1, i2, i3 of dst. */
GAON_KERNEL(ops_get_rows, struct ops_rows_args,
	    GAON_POINTERS(3, offsetof(struct ops_rows_args, dst.va),
			  offsetof(struct ops_rows_args, src.va),
			  offsetof(struct ops_rows_args, index.va)), GAON_SPM(struct index_spm))
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	struct rows_walk w;

	if (args->gather) {
		get_elements(args);
		return;
	}
	for (w = rows_begin(dst, ROWS_PART); w.left; rows_next(&w)) {
		uint64_t row = index_read(&args->index, index_at(&args->index, w.i1, w.i2, w.i3),
					  src->ne[1]);
		char *from = (char *)src->va + row * src->nb[1] + w.i2 * src->nb[2] +
			     w.i3 * src->nb[3];

		copy_some(dst, rows_column(dst, rows_at(dst, &w), w.column), src,
			  rows_column(src, from, w.column), w.n, args->raw);
	}
}

static void set_elements(const struct ops_rows_args *args)
{
	struct index_spm *spm = gaon_spm_static(struct index_spm);
	struct gaon_tensor src = without_columns(&args->src);
	const struct gaon_tensor *dst = &args->dst;
	struct rows_walk w;

	for (w = rows_begin(&src, ROWS_PART); w.left; rows_next(&w)) {
		const char *index = index_at(&args->index, w.column, w.i1, w.i2);
		char *table = (char *)dst->va + w.i1 * dst->nb[2] + w.i2 * dst->nb[3];
		const char *from = rows_column(&src, rows_at(&src, &w), w.column);

		indices_read(&args->index, index, w.n, dst->ne[1], spm->index);
		scatter(dst->type, table, dst->nb[1], spm->index, w.n,
			rows_read(&src, from, w.n, spm->rows.a));
	}
}

/* Row i1, i2, i3 of src to row index[i1][i2][i3] of matrix i2, i3 of dst. */
GAON_KERNEL(ops_set_rows, struct ops_rows_args,
	    GAON_POINTERS(3, offsetof(struct ops_rows_args, dst.va),
			  offsetof(struct ops_rows_args, src.va),
			  offsetof(struct ops_rows_args, index.va)), GAON_SPM(struct index_spm))
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	struct rows_walk w;

	if (args->gather) {
		set_elements(args);
		return;
	}
	for (w = rows_begin(src, ROWS_PART); w.left; rows_next(&w)) {
		uint64_t row = index_read(&args->index, index_at(&args->index, w.i1, w.i2, w.i3),
					  dst->ne[1]);
		char *to = (char *)dst->va + row * dst->nb[1] + w.i2 * dst->nb[2] +
			   w.i3 * dst->nb[3];

		copy_some(dst, rows_column(dst, to, w.column), src,
			  rows_column(src, rows_at(src, &w), w.column), w.n, args->raw);
	}
}
