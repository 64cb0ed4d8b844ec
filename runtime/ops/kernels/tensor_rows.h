/* SPDX-License-Identifier: MIT */
/*
 * Tensors row by row: a walk over this workgroup's share of the rows, long ones in parts, and rows of
 * any type and stride as dense f32.
 */
#ifndef GAON_OPS_TENSOR_ROWS_H
#define GAON_OPS_TENSOR_ROWS_H

#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "part.h"
#include "tensor_args.h"

/* Room for the parts of a destination and two sources that have to be converted. */
struct rows_spm {
	float dst[ROWS_PART], a[ROWS_PART], b[ROWS_PART];
};

/* Columns [column, column + n) of row i1, i2, i3. */
struct rows_walk {
	uint64_t left;			/* parts after and with this one */
	uint64_t column, n;
	uint64_t i1, i2, i3;
	uint64_t ne0, ne1, ne2, part;
};

/* The first of this workgroup's parts of @t's rows, @part columns each at most; none if left is 0. */
GAON_INLINE struct rows_walk rows_begin(const struct gaon_tensor *t, uint64_t part)
{
	uint64_t parts = (t->ne[0] + part - 1) / part;
	struct gaon_range r = ops_share(parts * t->ne[1] * t->ne[2] * t->ne[3], 1);
	struct rows_walk w = { .left = r.end - r.begin, .ne0 = t->ne[0], .ne1 = t->ne[1],
			       .ne2 = t->ne[2], .part = part };
	uint64_t row = r.begin / parts;

	w.column = r.begin % parts * part;
	w.n = w.ne0 - w.column < part ? w.ne0 - w.column : part;
	w.i1 = row % w.ne1;
	row /= w.ne1;
	w.i2 = row % w.ne2;
	w.i3 = row / w.ne2;
	return w;
}

GAON_INLINE void rows_next(struct rows_walk *w)
{
	w->left--;
	w->column += w->n;
	if (w->column == w->ne0) {
		w->column = 0;
		if (++w->i1 == w->ne1) {
			w->i1 = 0;
			if (++w->i2 == w->ne2) {
				w->i2 = 0;
				w->i3++;
			}
		}
	}
	w->n = w->ne0 - w->column < w->part ? w->ne0 - w->column : w->part;
}

/* The row of @t, which has the shape that is walked. */
GAON_INLINE char *rows_at(const struct gaon_tensor *t, const struct rows_walk *w)
{
	return (char *)t->va + w->i1 * t->nb[1] + w->i2 * t->nb[2] + w->i3 * t->nb[3];
}

/* The row of @t, which is repeated to fill the shape that is walked. */
GAON_INLINE char *rows_at_repeated(const struct gaon_tensor *t, const struct rows_walk *w)
{
	return (char *)t->va + w->i1 % t->ne[1] * t->nb[1] + w->i2 % t->ne[2] * t->nb[2] +
	       w->i3 % t->ne[3] * t->nb[3];
}

/* Elements that a block of @type holds; 1 without blocks. */
GAON_INLINE uint32_t rows_block(uint8_t type)
{
	return type < GAON_TYPE_Q4_0 ? 1 :
	       type < GAON_TENSOR_Q4_K ? GAON_BLOCK_K : GAON_TENSOR_SUPER_K;
}

/* Column @column, the first of a block, of the row at @row. */
GAON_INLINE char *rows_column(const struct gaon_tensor *t, char *row, uint64_t column)
{
	return row + column / rows_block(t->type) * t->nb[0];
}

/* Dense f32: may be used as it lies. */
GAON_INLINE int rows_plain(const struct gaon_tensor *t)
{
	return t->type == GAON_TYPE_F32 && t->nb[0] == sizeof(float);
}

/* @n elements from @at, whole blocks, as f32 in @to. */
void rows_unpack(const struct gaon_tensor *t, const char *at, uint64_t n, float *to);
/* The reverse, rounded to nearest (to i32: towards 0). */
void rows_pack(const struct gaon_tensor *t, char *at, uint64_t n, const float *from);
/* @n elements, whole blocks of both types, from @from to @to; @spare: ROWS_PART floats. */
void rows_convert(const struct gaon_tensor *dst, char *to, const struct gaon_tensor *src,
		  const char *from, uint64_t n, float *spare);
/* @n elements or blocks of @bytes, @to_nb and @from_nb bytes apart. */
void rows_move(char *to, uint64_t to_nb, const char *from, uint64_t from_nb, uint64_t n,
	       uint32_t bytes);

/* @n elements from @at as dense f32: where they lie, or in @spare. */
GAON_INLINE const float *rows_read(const struct gaon_tensor *t, const char *at, uint64_t n,
				   float *spare)
{
	if (rows_plain(t))
		return (const float *)at;
	rows_unpack(t, at, n, spare);
	return spare;
}

#endif
