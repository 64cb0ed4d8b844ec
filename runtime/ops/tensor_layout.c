// SPDX-License-Identifier: MIT
/* Launchers of what puts elements next to each other: concatenation, repetition, padding. */
#include <inttypes.h>

#include "kernels/tensor_args.h"
#include "tensor_internal.h"

/* Operands are there and of one type, without blocks. */
static enum gaon_status one_type(const char *call, const struct ops_tensor o[2])
{
	enum gaon_status status = ops_tensor_valid(call, o, 2);
	uint32_t elements;

	if (status)
		return status;
	if (o[0].t->type != o[1].t->type)
		return OPS_REFUSE(call, "src: %s has not the type of dst: %s", ops_tensor_text(o[1].t),
				  ops_tensor_text(o[0].t));
	gaon_tensor_type_bytes(o[0].t->type, &elements);
	return elements == 1 ? GAON_OK : OPS_REFUSE(call, "dst: %s is in blocks", ops_tensor_text(o[0].t));
}

/* --- concatenation ---------------------------------------------------------------------------- */

/* The part of @dst that is @part, @from on in dimension @dim. */
static struct gaon_tensor part_of(const struct gaon_tensor *dst, const struct gaon_tensor *part,
				  unsigned int dim, uint64_t from)
{
	struct gaon_tensor out = *dst;
	uint32_t elements = 1;

	if (!dim)
		gaon_tensor_type_bytes(dst->type, &elements);
	out.ne[dim] = part->ne[dim];
	out.va += from / elements * dst->nb[dim];
	return out;
}

static enum gaon_status concat_valid(const struct ops_tensor o[3], unsigned int dim)
{
	enum gaon_status status = ops_tensor_valid("gaon_ops_concat", o, 3);
	bool fits = true;

	if (status)
		return status;
	if (dim >= GAON_TENSOR_DIMS)
		return OPS_REFUSE("gaon_ops_concat", "there is no dimension %u", dim);
	for (unsigned int i = 0; i < GAON_TENSOR_DIMS; i++)
		fits &= i == dim ? o[0].t->ne[i] == o[1].t->ne[i] + o[2].t->ne[i] :
				   o[0].t->ne[i] == o[1].t->ne[i] && o[0].t->ne[i] == o[2].t->ne[i];
	fits &= o[0].t->type == o[1].t->type && o[0].t->type == o[2].t->type;
	return fits ? GAON_OK : OPS_REFUSE("gaon_ops_concat",
					   "dst: %s is not a: %s and b: %s in dimension %u",
					   ops_tensor_text(o[0].t), ops_tensor_text(o[1].t),
					   ops_tensor_text(o[2].t), dim);
}

#define CONCAT_OPERANDS	{ { "dst", dst, true }, { "a", a, false }, { "b", b, false } }

bool gaon_ops_concat_supports(const struct gaon_tensor *dst, const struct gaon_tensor *a,
			      const struct gaon_tensor *b, unsigned int dim)
{
	return !concat_valid((struct ops_tensor[])CONCAT_OPERANDS, dim);
}

enum gaon_status gaon_ops_concat(struct gaon_ops *ops, struct gaon_stream *stream,
				 const struct gaon_tensor *dst, const struct gaon_tensor *a,
				 const struct gaon_tensor *b, unsigned int dim)
{
	const struct ops_tensor o[] = CONCAT_OPERANDS;
	enum gaon_status status = concat_valid(o, dim);
	struct gaon_tensor part;

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_concat", o, 3);
	if (status)
		return status;
	part = part_of(dst, a, dim, 0);
	status = gaon_ops_copy(ops, stream, &part, a);
	if (status)
		return status;
	part = part_of(dst, b, dim, a->ne[dim]);
	return gaon_ops_copy(ops, stream, &part, b);
}

/* --- repetition ------------------------------------------------------------------------------- */

static enum gaon_status repeat_valid(const struct ops_tensor o[2])
{
	enum gaon_status status = one_type("gaon_ops_repeat", o);

	if (!status && !ops_tensor_repeats(o[1].t, o[0].t))
		status = OPS_REFUSE("gaon_ops_repeat", "src: %s cannot be repeated to fill dst: %s",
				    ops_tensor_text(o[1].t), ops_tensor_text(o[0].t));
	return status;
}

#define TWO_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

bool gaon_ops_repeat_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return !repeat_valid((struct ops_tensor[])TWO_OPERANDS);
}

enum gaon_status gaon_ops_repeat(struct gaon_ops *ops, struct gaon_stream *stream,
				 const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	const struct ops_tensor o[] = TWO_OPERANDS;
	struct ops_repeat_args args = { 0 };
	enum gaon_status status = repeat_valid(o);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_repeat", o, 2);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.src = *src;
	args.bytes = gaon_tensor_type_bytes(dst->type, NULL);
	ops_tensor_flatten((struct gaon_tensor *[]){ &args.dst, &args.src }, 2);
	return ops_launch(ops, stream, OPS_KERNEL_REPEAT, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, ROWS_PART), 0);
}

/* --- padding ---------------------------------------------------------------------------------- */

static bool pad_fits(enum gaon_ops_padding padding, uint64_t whole, uint64_t part, uint64_t before)
{
	if (whole < part || before > whole - part)
		return false;
	if (whole == part)
		return true;
	if (padding == GAON_OPS_PAD_REFLECT)
		return before < part && whole - part - before < part;
	return padding == GAON_OPS_PAD_ZERO || part;
}

static enum gaon_status pad_valid(enum gaon_ops_padding padding, const struct ops_tensor o[2],
				  const uint64_t before[GAON_TENSOR_DIMS])
{
	enum gaon_status status = one_type("gaon_ops_pad", o);

	if (status)
		return status;
	if ((uint32_t)padding > GAON_OPS_PAD_REFLECT)
		return OPS_REFUSE("gaon_ops_pad", "no padding %u", (unsigned int)padding);
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (!pad_fits(padding, o[0].t->ne[i], o[1].t->ne[i], before[i]))
			return OPS_REFUSE("gaon_ops_pad",
					  "src: %s with %" PRIu64 " before it in dimension %d does not fit "
					  "into dst: %s", ops_tensor_text(o[1].t), before[i], i,
					  ops_tensor_text(o[0].t));
	return GAON_OK;
}

bool gaon_ops_pad_supports(enum gaon_ops_padding padding, const struct gaon_tensor *dst,
			   const struct gaon_tensor *src, const uint64_t before[GAON_TENSOR_DIMS])
{
	return !pad_valid(padding, (struct ops_tensor[])TWO_OPERANDS, before);
}

enum gaon_status gaon_ops_pad(struct gaon_ops *ops, struct gaon_stream *stream,
			      enum gaon_ops_padding padding, const struct gaon_tensor *dst,
			      const struct gaon_tensor *src, const uint64_t before[GAON_TENSOR_DIMS])
{
	static const uint32_t table[] = { [GAON_OPS_PAD_ZERO] = OPS_PAD_ZERO,
					  [GAON_OPS_PAD_CIRCULAR] = OPS_PAD_CIRCULAR,
					  [GAON_OPS_PAD_REFLECT] = OPS_PAD_REFLECT };
	const struct ops_tensor o[] = TWO_OPERANDS;
	struct ops_pad_args args = { 0 };
	enum gaon_status status = pad_valid(padding, o, before);

	if (!status)
		status = ops_tensor_check(ops, "gaon_ops_pad", o, 2);
	if (status || ops_tensor_empty(dst))
		return status;
	args.dst = *dst;
	args.src = *src;
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		args.before[i] = before[i];
	args.bytes = gaon_tensor_type_bytes(dst->type, NULL);
	args.mode = table[padding];
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	return ops_launch(ops, stream, OPS_KERNEL_PAD, &args, sizeof(args),
			  ops_tensor_shares(&args.dst, args.dst.ne[0]), 0);
}
