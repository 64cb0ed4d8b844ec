// SPDX-License-Identifier: MIT
/* Launchers of what works on whole rows of f32. */
#include "kernels/tensor_args.h"
#include "tensor_internal.h"

/* Operands are there, f32, and their rows dense. */
static enum gaon_status rows_valid(const char *call, const struct ops_tensor *o, unsigned int count)
{
	enum gaon_status status = ops_tensor_valid(call, o, count);

	for (unsigned int i = 0; !status && i < count; i++) {
		if (o[i].t->type != GAON_TYPE_F32)
			status = OPS_REFUSE(call, "%s: %s is not f32", o[i].name,
					    ops_tensor_text(o[i].t));
		else if (!ops_tensor_dense_rows(o[i].t))
			status = OPS_REFUSE(call, "%s: elements of a row are not side by side",
					    o[i].name);
	}
	return status;
}

/* --- norms ------------------------------------------------------------------------------------ */

static enum gaon_status norm_valid(const char *call, const struct ops_tensor *o, unsigned int count,
				   float eps)
{
	enum gaon_status status = rows_valid(call, o, count);

	if (status)
		return status;
	if (!(eps >= 0))
		return OPS_REFUSE(call, "eps is %g, which is not 0 or more", (double)eps);
	if (!ops_tensor_same_shape(o[0].t, o[1].t))
		return OPS_REFUSE(call, "src: %s has not the shape of dst: %s", ops_tensor_text(o[1].t),
				  ops_tensor_text(o[0].t));
	if (count == 3 && (o[2].t->ne[0] != o[0].t->ne[0] || !ops_tensor_repeats(o[2].t, o[0].t)))
		return OPS_REFUSE(call, "weight: %s cannot be repeated to fill the rows of dst: %s",
				  ops_tensor_text(o[2].t), ops_tensor_text(o[0].t));
	return GAON_OK;
}

static enum gaon_status norm_launch(struct gaon_ops *ops, struct gaon_stream *stream,
				    const char *call, const struct ops_tensor *o, unsigned int count,
				    enum ops_norm op, float eps)
{
	struct ops_norm_args args = { .eps = eps, .op = op };
	enum gaon_status status = norm_valid(call, o, count, eps);

	if (!status)
		status = ops_tensor_check(ops, call, o, count);
	if (status || ops_tensor_empty(o[0].t))
		return status;
	args.dst = *o[0].t;
	args.src = *o[1].t;
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	if (count == 3) {
		args.weight = *o[2].t;
		ops_tensor_normalise(&args.weight);
	}
	return ops_launch(ops, stream, OPS_KERNEL_NORM, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, args.dst.ne[0]), 0);
}

/* --- after an addition ------------------------------------------------------------------------ */

/* dst, a, weight as norm_valid() has them, then sum and b. */
static enum gaon_status add_norm_valid(const struct ops_tensor o[5], bool weighted, float eps)
{
	enum gaon_status status = norm_valid("gaon_ops_add_rms_norm", o, weighted ? 3 : 2, eps);

	if (!status)
		status = rows_valid("gaon_ops_add_rms_norm", o + 3, 2);
	for (int i = 3; !status && i < 5; i++)
		if (!ops_tensor_same_shape(o[0].t, o[i].t))
			status = OPS_REFUSE("gaon_ops_add_rms_norm", "%s: %s has not the shape of dst: %s",
					    o[i].name, ops_tensor_text(o[i].t), ops_tensor_text(o[0].t));
	return status;
}

#define ADD_NORM_OPERANDS	{ { "dst", dst, true }, { "a", a, false }, { "weight", weight, false },	\
				  { "sum", sum, true }, { "b", b, false } }

bool gaon_ops_add_rms_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *sum,
				    const struct gaon_tensor *a, const struct gaon_tensor *b,
				    const struct gaon_tensor *weight, float eps)
{
	return !add_norm_valid((struct ops_tensor[])ADD_NORM_OPERANDS, weight, eps);
}

enum gaon_status gaon_ops_add_rms_norm(struct gaon_ops *ops, struct gaon_stream *stream,
				       const struct gaon_tensor *dst, const struct gaon_tensor *sum,
				       const struct gaon_tensor *a, const struct gaon_tensor *b,
				       const struct gaon_tensor *weight, float eps)
{
	const struct ops_tensor o[] = ADD_NORM_OPERANDS;
	struct ops_norm_args args = { .eps = eps, .op = OPS_NORM_RMS };
	enum gaon_status status = add_norm_valid(o, weight, eps);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_add_rms_norm", o, weight ? 3 : 2);
	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_add_rms_norm", o + 3, 2);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.src = *a;
	args.add = *b;
	args.sum = *sum;
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	ops_tensor_normalise(&args.add);
	ops_tensor_normalise(&args.sum);
	if (weight) {
		args.weight = *weight;
		ops_tensor_normalise(&args.weight);
	}
	return ops_launch(ops, stream, OPS_KERNEL_NORM, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, args.dst.ne[0]), 0);
}

/* --- by themselves ---------------------------------------------------------------------------- */

#define NORM_OPERANDS	{ { "dst", dst, true }, { "src", src, false }, { "weight", weight, false } }

bool gaon_ops_rms_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
				const struct gaon_tensor *weight, float eps)
{
	return !norm_valid("gaon_ops_rms_norm", (struct ops_tensor[])NORM_OPERANDS, weight ? 3 : 2,
			   eps);
}

enum gaon_status gaon_ops_rms_norm(struct gaon_ops *ops, struct gaon_stream *stream,
				   const struct gaon_tensor *dst, const struct gaon_tensor *src,
				   const struct gaon_tensor *weight, float eps)
{
	const struct ops_tensor o[] = NORM_OPERANDS;

	return norm_launch(ops, stream, "gaon_ops_rms_norm", o, weight ? 3 : 2, OPS_NORM_RMS, eps);
}

bool gaon_ops_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src, float eps)
{
	const struct gaon_tensor *weight = NULL;

	return !norm_valid("gaon_ops_norm", (struct ops_tensor[])NORM_OPERANDS, 2, eps);
}

enum gaon_status gaon_ops_norm(struct gaon_ops *ops, struct gaon_stream *stream,
			       const struct gaon_tensor *dst, const struct gaon_tensor *src, float eps)
{
	const struct ops_tensor o[] = { { "dst", dst, true }, { "src", src, false } };

	return norm_launch(ops, stream, "gaon_ops_norm", o, 2, OPS_NORM_MEAN, eps);
}

bool gaon_ops_l2_norm_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src, float eps)
{
	const struct gaon_tensor *weight = NULL;

	return !norm_valid("gaon_ops_l2_norm", (struct ops_tensor[])NORM_OPERANDS, 2, eps);
}

enum gaon_status gaon_ops_l2_norm(struct gaon_ops *ops, struct gaon_stream *stream,
				  const struct gaon_tensor *dst, const struct gaon_tensor *src,
				  float eps)
{
	const struct ops_tensor o[] = { { "dst", dst, true }, { "src", src, false } };

	return norm_launch(ops, stream, "gaon_ops_l2_norm", o, 2, OPS_NORM_L2, eps);
}

/* --- sums ------------------------------------------------------------------------------------- */

static enum gaon_status sum_valid(const struct ops_tensor o[2])
{
	enum gaon_status status = rows_valid("gaon_ops_sum_rows", o, 2);

	if (status)
		return status;
	if (o[0].t->ne[0] != 1 || o[0].t->ne[1] != o[1].t->ne[1] || o[0].t->ne[2] != o[1].t->ne[2] ||
	    o[0].t->ne[3] != o[1].t->ne[3])
		return OPS_REFUSE("gaon_ops_sum_rows",
				  "dst: %s has not one element for each row of src: %s",
				  ops_tensor_text(o[0].t), ops_tensor_text(o[1].t));
	return o[1].t->ne[0] || ops_tensor_empty(o[0].t) ? GAON_OK :
		OPS_REFUSE("gaon_ops_sum_rows", "rows of src have no elements");
}

#define SUM_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

bool gaon_ops_sum_rows_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return !sum_valid((struct ops_tensor[])SUM_OPERANDS);
}

enum gaon_status gaon_ops_sum_rows(struct gaon_ops *ops, struct gaon_stream *stream,
				   const struct gaon_tensor *dst, const struct gaon_tensor *src,
				   float scale)
{
	const struct ops_tensor o[] = SUM_OPERANDS;
	struct ops_sum_args args = { .scale = scale };
	enum gaon_status status = sum_valid(o);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_sum_rows", o, 2);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.src = *src;
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	return ops_launch(ops, stream, OPS_KERNEL_SUM_ROWS, &args, sizeof(args),
			  ops_tensor_shares(&args.src, args.src.ne[0]), 0);
}
