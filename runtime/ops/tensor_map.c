// SPDX-License-Identifier: MIT
/* Launchers of what works on the elements at the same place of tensors. */
#include "kernels/tensor_args.h"
#include "tensor_internal.h"

/* Operands are there and f32, f16 or bf16; dst may not overlap itself. */
static enum gaon_status floats_valid(const char *call, const struct ops_tensor *o, unsigned int count)
{
	enum gaon_status status = ops_tensor_valid(call, o, count);

	for (unsigned int i = 0; !status && i < count; i++)
		if (!ops_tensor_is_float(o[i].t))
			status = OPS_REFUSE(call, "%s: %s is not f32, f16 or bf16", o[i].name,
					    ops_tensor_text(o[i].t));
	return status;
}

static enum gaon_status same_shape(const char *call, const struct ops_tensor *o, unsigned int i)
{
	if (ops_tensor_same_shape(o[0].t, o[i].t))
		return GAON_OK;
	return OPS_REFUSE(call, "%s: %s has not the shape of %s: %s", o[i].name,
			  ops_tensor_text(o[i].t), o[0].name, ops_tensor_text(o[0].t));
}

/* --- of one --------------------------------------------------------------------------------- */

static enum gaon_status map_valid(const struct ops_tensor o[2], enum gaon_ops_unary op,
				  uint32_t *kernel_op)
{
	enum gaon_status status = floats_valid("gaon_ops_map", o, 2);

	if (!status && !ops_unary_op(op, kernel_op))
		status = OPS_REFUSE("gaon_ops_map", "no operation %u", (unsigned int)op);
	return status ? status : same_shape("gaon_ops_map", o, 1);
}

#define MAP_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

bool gaon_ops_map_supports(enum gaon_ops_unary op, const struct gaon_tensor *dst,
			   const struct gaon_tensor *src)
{
	uint32_t kernel_op;

	return !map_valid((struct ops_tensor[])MAP_OPERANDS, op, &kernel_op);
}

enum gaon_status gaon_ops_map(struct gaon_ops *ops, struct gaon_stream *stream,
			      enum gaon_ops_unary op, const struct gaon_tensor *dst,
			      const struct gaon_tensor *src, float alpha, float beta)
{
	const struct ops_tensor o[] = MAP_OPERANDS;
	struct ops_map_args args = { .alpha = alpha, .beta = beta };
	enum gaon_status status = map_valid(o, op, &args.op);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_map", o, 2);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.src = *src;
	ops_tensor_flatten((struct gaon_tensor *[]){ &args.dst, &args.src }, 2);
	return ops_launch(ops, stream, OPS_KERNEL_MAP, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, ROWS_PART), 0);
}

/* --- of two ----------------------------------------------------------------------------------- */

static enum gaon_status zip_valid(const struct ops_tensor o[3], enum gaon_ops_binary op,
				  uint32_t *kernel_op)
{
	enum gaon_status status = floats_valid("gaon_ops_zip", o, 3);

	if (!status && !ops_binary_op(op, kernel_op))
		status = OPS_REFUSE("gaon_ops_zip", "no operation %u", (unsigned int)op);
	if (!status)
		status = same_shape("gaon_ops_zip", o, 1);
	if (!status && !ops_tensor_repeats(o[2].t, o[0].t))
		status = OPS_REFUSE("gaon_ops_zip", "b: %s cannot be repeated to fill dst: %s",
				    ops_tensor_text(o[2].t), ops_tensor_text(o[0].t));
	return status;
}

#define ZIP_OPERANDS	{ { "dst", dst, true }, { "a", a, false }, { "b", b, false } }

bool gaon_ops_zip_supports(enum gaon_ops_binary op, const struct gaon_tensor *dst,
			   const struct gaon_tensor *a, const struct gaon_tensor *b)
{
	uint32_t kernel_op;

	return !zip_valid((struct ops_tensor[])ZIP_OPERANDS, op, &kernel_op);
}

enum gaon_status gaon_ops_zip(struct gaon_ops *ops, struct gaon_stream *stream,
			      enum gaon_ops_binary op, const struct gaon_tensor *dst,
			      const struct gaon_tensor *a, const struct gaon_tensor *b)
{
	const struct ops_tensor o[] = ZIP_OPERANDS;
	struct ops_zip_args args = { 0 };
	enum gaon_status status = zip_valid(o, op, &args.op);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_zip", o, 3);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.a = *a;
	args.b = *b;
	ops_tensor_flatten((struct gaon_tensor *[]){ &args.dst, &args.a, &args.b }, 3);
	return ops_launch(ops, stream, OPS_KERNEL_ZIP, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, ROWS_PART), 0);
}

/* --- gated ------------------------------------------------------------------------------------ */

static bool glu_kernel_op(enum gaon_ops_glu op, uint32_t *kernel_op)
{
	static const uint32_t table[] = {
		[GAON_OPS_REGLU] = OPS_GLU_REGLU,
		[GAON_OPS_GEGLU] = OPS_GLU_GEGLU,
		[GAON_OPS_SWIGLU] = OPS_GLU_SWIGLU,
		[GAON_OPS_SWIGLU_OAI] = OPS_GLU_SWIGLU_OAI,
		[GAON_OPS_GEGLU_ERF] = OPS_GLU_GEGLU_ERF,
		[GAON_OPS_GEGLU_QUICK] = OPS_GLU_GEGLU_QUICK,
		[GAON_OPS_SWIGLU_CLAMP] = OPS_GLU_SWIGLU_CLAMP,
	};

	if ((uint32_t)op >= sizeof(table) / sizeof(table[0]))
		return false;
	*kernel_op = table[op];
	return true;
}

/* Without b: its halves are in the rows of a, the gate first, or last if @swapped. */
static void glu_halves(const struct gaon_tensor *whole, bool swapped, struct gaon_tensor *gate,
		       struct gaon_tensor *up)
{
	uint64_t half = whole->ne[0] / 2;

	*gate = *up = *whole;
	gate->ne[0] = up->ne[0] = half;
	if (swapped)
		gate->va += half * whole->nb[0];
	else
		up->va += half * whole->nb[0];
}

static enum gaon_status glu_valid(const struct ops_tensor o[3], enum gaon_ops_glu op,
				  uint32_t *kernel_op)
{
	enum gaon_status status = floats_valid("gaon_ops_glu", o, 3);

	if (!status && !glu_kernel_op(op, kernel_op))
		status = OPS_REFUSE("gaon_ops_glu", "no operation %u", (unsigned int)op);
	if (!status)
		status = same_shape("gaon_ops_glu", o, 1);
	return status ? status : same_shape("gaon_ops_glu", o, 2);
}

/* The operands with a and b as the kernel gets them in @halves; the whole a's checks first. */
static enum gaon_status glu_operands(struct ops_tensor o[3], struct gaon_tensor halves[2], bool swapped)
{
	const struct ops_tensor whole = { "a", o[1].t, false };
	enum gaon_status status;

	if (o[2].t)
		return GAON_OK;
	status = ops_tensor_valid("gaon_ops_glu", &whole, 1);
	if (!status && whole.t->ne[0] % 2)
		status = OPS_REFUSE("gaon_ops_glu", "a: %s has no two halves of a row",
				    ops_tensor_text(whole.t));
	if (status)
		return status;
	glu_halves(whole.t, swapped, &halves[0], &halves[1]);
	o[1].t = &halves[0];
	o[2].t = &halves[1];
	return GAON_OK;
}

bool gaon_ops_glu_supports(enum gaon_ops_glu op, const struct gaon_tensor *dst,
			   const struct gaon_tensor *a, const struct gaon_tensor *b)
{
	struct ops_tensor o[] = ZIP_OPERANDS;
	struct gaon_tensor halves[2];
	uint32_t kernel_op;

	return !glu_operands(o, halves, false) && !glu_valid(o, op, &kernel_op);
}

enum gaon_status gaon_ops_glu(struct gaon_ops *ops, struct gaon_stream *stream,
			      enum gaon_ops_glu op, const struct gaon_tensor *dst,
			      const struct gaon_tensor *a, const struct gaon_tensor *b, bool swapped,
			      float alpha, float limit)
{
	struct ops_tensor o[] = ZIP_OPERANDS;
	struct ops_glu_args args = { .alpha = alpha, .limit = limit };
	struct gaon_tensor halves[2];
	enum gaon_status status = glu_operands(o, halves, swapped);

	if (!status)
		status = glu_valid(o, op, &args.op);
	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_glu", o, 3);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.a = *o[1].t;
	args.b = *o[2].t;
	ops_tensor_flatten((struct gaon_tensor *[]){ &args.dst, &args.a, &args.b }, 3);
	return ops_launch(ops, stream, OPS_KERNEL_GLU, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, ROWS_PART), 0);
}
