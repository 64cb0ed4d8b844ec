// SPDX-License-Identifier: MIT
/* Launchers of copies of elements and of rows. */
#include <inttypes.h>

#include "kernels/tensor_args.h"
#include "tensor_internal.h"

static uint32_t block_elements(const struct gaon_tensor *t)
{
	uint32_t elements;

	gaon_tensor_type_bytes(t->type, &elements);
	return elements;
}

/* Rows of the same type, moved as they are: bytes of an element or block; else 0. */
static uint32_t raw_bytes(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return dst->type == src->type ? gaon_tensor_type_bytes(dst->type, NULL) : 0;
}

/* A conversion that the kernels have. */
static bool converts(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	if (dst->type == src->type)
		return true;
	if (src->type == GAON_TYPE_I32)
		return dst->type == GAON_TYPE_F32;
	if (dst->type == GAON_TYPE_I32)
		return src->type == GAON_TYPE_F32;
	return (ops_tensor_is_float(src) || ops_tensor_is_packed(src) || ops_tensor_is_super(src)) &&
	       (ops_tensor_is_float(dst) || ops_tensor_is_packed(dst));
}

static enum gaon_status conversion(const char *call, const struct gaon_tensor *dst,
				   const struct gaon_tensor *src)
{
	if (converts(dst, src))
		return GAON_OK;
	return OPS_REFUSE(call, "no conversion from src: %s to dst: %s", ops_tensor_text(src),
			  ops_tensor_text(dst));
}

/* --- elements --------------------------------------------------------------------------------- */

static uint32_t most_elements(const struct gaon_tensor *a, const struct gaon_tensor *b)
{
	return block_elements(a) > block_elements(b) ? block_elements(a) : block_elements(b);
}

/* A dense one takes the other's shape, if its rows are whole blocks then. */
static bool same_shape(struct gaon_tensor *dst, struct gaon_tensor *src)
{
	uint32_t block = most_elements(dst, src);

	if (ops_tensor_same_shape(dst, src))
		return true;
	if (gaon_tensor_is_dense(dst) && src->ne[0] % block == 0)
		return gaon_tensor_dense(dst, dst->va, dst->type, src->ne);
	if (gaon_tensor_is_dense(src) && dst->ne[0] % block == 0)
		return gaon_tensor_dense(src, src->va, src->type, dst->ne);
	return false;
}

/* Makes the operands ready for the way that is returned. */
static enum ops_way copy_way(struct gaon_tensor *dst, struct gaon_tensor *src)
{
	struct gaon_tensor *views[] = { dst, src };

	if (!same_shape(dst, src)) {
		ops_tensor_join(views, 1);
		ops_tensor_join(views + 1, 1);
		return OPS_WAY_THROUGH;
	}
	if (block_elements(src) == 1)
		ops_tensor_sort(views, 2);
	ops_tensor_join(views, 2);
	if (ops_tensor_stages(dst, src, ops_tensor_rows(dst)))
		return OPS_WAY_STAGED;
	if (block_elements(src) != 1 || ops_tensor_dense_rows(src))
		return OPS_WAY_THROUGH;
	for (int i = 1; i < GAON_TENSOR_DIMS; i++) {
		if (src->ne[i] == 1 || src->nb[i] != gaon_tensor_type_bytes(src->type, NULL))
			continue;
		ops_tensor_swap(dst, 1, i);
		ops_tensor_swap(src, 1, i);
		return OPS_WAY_TURNED;
	}
	return OPS_WAY_THROUGH;
}

static enum gaon_status copy_valid(const struct ops_tensor o[2], struct ops_copy_args *args)
{
	enum gaon_status status = ops_tensor_valid("gaon_ops_copy", o, 2);
	uint32_t block;

	if (!status)
		status = conversion("gaon_ops_copy", o[0].t, o[1].t);
	if (status)
		return status;
	args->count = ops_tensor_elements(o[0].t);
	if (args->count != ops_tensor_elements(o[1].t))
		return OPS_REFUSE("gaon_ops_copy", "dst: %s has another number of elements than src: %s",
				  ops_tensor_text(o[0].t), ops_tensor_text(o[1].t));
	if (!args->count)
		return GAON_OK;
	args->dst = *o[0].t;
	args->src = *o[1].t;
	args->raw = raw_bytes(&args->dst, &args->src);
	args->way = copy_way(&args->dst, &args->src);
	/* What is counted through is taken in whole blocks of either. */
	block = most_elements(&args->dst, &args->src);
	if (args->dst.ne[0] % block || args->src.ne[0] % block)
		return OPS_REFUSE("gaon_ops_copy",
				  "rows of src: %s or dst: %s are not whole blocks of %u",
				  ops_tensor_text(o[1].t), ops_tensor_text(o[0].t), block);
	return GAON_OK;
}

#define COPY_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

bool gaon_ops_copy_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	struct ops_copy_args args;

	return !copy_valid((struct ops_tensor[])COPY_OPERANDS, &args);
}

enum gaon_status gaon_ops_copy(struct gaon_ops *ops, struct gaon_stream *stream,
			       const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	const struct ops_tensor o[] = COPY_OPERANDS;
	struct ops_copy_args args = { 0 };
	enum gaon_status status = copy_valid(o, &args);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_copy", o, 2);
	if (status || !args.count)
		return status;
	return ops_launch(ops, stream, OPS_KERNEL_COPY, &args, sizeof(args),
			  (args.count + ROWS_PART - 1) / ROWS_PART, 0);
}

/* --- rows by index ---------------------------------------------------------------------------- */

/*
 * @rows: the operand with a row for each index; @table: the one whose rows are chosen.  Matrices of
 * both correspond; those of index are repeated for them if @repeats.
 */
static enum gaon_status rows_valid(const char *call, const struct ops_tensor o[3],
				   const struct gaon_tensor *rows, const struct gaon_tensor *table,
				   bool repeats)
{
	const struct gaon_tensor *index = o[2].t;
	enum gaon_status status = ops_tensor_valid(call, o, 3);
	bool fits;

	if (!status)
		status = conversion(call, o[0].t, o[1].t);
	if (status)
		return status;
	if (index->type != GAON_TYPE_I32 && index->type != GAON_TENSOR_I64)
		return OPS_REFUSE(call, "index: %s is not i32 or i64", ops_tensor_text(index));
	fits = rows->ne[0] == table->ne[0] && rows->ne[2] == table->ne[2] &&
	       rows->ne[3] == table->ne[3];
	fits &= index->ne[0] == rows->ne[1] && index->ne[3] == 1;
	for (int i = 1; i < 3; i++)
		fits &= repeats ? index->ne[i] && rows->ne[i + 1] % index->ne[i] == 0 :
				  index->ne[i] == rows->ne[i + 1];
	if (!fits)
		return OPS_REFUSE(call, "shapes do not go together: dst %s, src %s, index %s",
				  ops_tensor_text(o[0].t), ops_tensor_text(o[1].t),
				  ops_tensor_text(index));
	if (!ops_tensor_empty(rows) && !table->ne[1])
		return OPS_REFUSE(call, "the table has no rows");
	if (rows->ne[0] % block_elements(o[0].t) || rows->ne[0] % block_elements(o[1].t))
		return OPS_REFUSE(call, "rows of %" PRIu64 " are not whole blocks", rows->ne[0]);
	return GAON_OK;
}

static enum gaon_status rows_launch(struct gaon_ops *ops, struct gaon_stream *stream,
				    const char *call, enum ops_kernel kernel,
				    const struct ops_tensor o[3], const struct gaon_tensor *rows)
{
	struct ops_rows_args args = { .dst = *o[0].t, .src = *o[1].t, .index = *o[2].t };
	enum gaon_status status = ops_tensor_check(ops, call, o, 3);

	if (status || ops_tensor_empty(rows))
		return status;
	args.raw = raw_bytes(&args.dst, &args.src);
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	ops_tensor_normalise(&args.index);
	if (rows->ne[0] == 1 && ops_tensor_is_float(o[0].t) && ops_tensor_is_float(o[1].t))
		args.way = OPS_WAY_ELEMENTS;
	else
		args.way = ops_tensor_stages(&args.dst, &args.src, ops_tensor_rows(rows)) ?
				   OPS_WAY_STAGED : OPS_WAY_ROWS;
	return ops_launch(ops, stream, kernel, &args, sizeof(args),
			  ops_tensor_shares(rows, ROWS_PART), 0);
}

#define GET_OPERANDS	{ { "dst", dst, true }, { "src", src, false }, { "index", index, false } }

bool gaon_ops_get_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
				const struct gaon_tensor *index)
{
	return !rows_valid("gaon_ops_get_rows", (struct ops_tensor[])GET_OPERANDS, dst, src, false);
}

enum gaon_status gaon_ops_get_rows(struct gaon_ops *ops, struct gaon_stream *stream,
				   const struct gaon_tensor *dst, const struct gaon_tensor *src,
				   const struct gaon_tensor *index)
{
	const struct ops_tensor o[] = GET_OPERANDS;
	enum gaon_status status = rows_valid("gaon_ops_get_rows", o, dst, src, false);

	return status ? status : rows_launch(ops, stream, "gaon_ops_get_rows", OPS_KERNEL_GET_ROWS, o,
					     dst);
}

bool gaon_ops_set_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
				const struct gaon_tensor *index)
{
	return !rows_valid("gaon_ops_set_rows", (struct ops_tensor[])GET_OPERANDS, src, dst, true);
}

enum gaon_status gaon_ops_set_rows(struct gaon_ops *ops, struct gaon_stream *stream,
				   const struct gaon_tensor *dst, const struct gaon_tensor *src,
				   const struct gaon_tensor *index)
{
	const struct ops_tensor o[] = GET_OPERANDS;
	enum gaon_status status = rows_valid("gaon_ops_set_rows", o, src, dst, true);

	return status ? status : rows_launch(ops, stream, "gaon_ops_set_rows", OPS_KERNEL_SET_ROWS, o,
					     src);
}
