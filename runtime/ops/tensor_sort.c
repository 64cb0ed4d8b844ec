// SPDX-License-Identifier: MIT
/* Launchers of what puts elements of rows in order. */
#include <inttypes.h>

#include "kernels/tensor_args.h"
#include "tensor_internal.h"

#define ROW_MAX		(1ull << 18)

/* Scratchpad of a row of @n: keys, indices, and where each digit's begin. */
#define SORT_BYTES(n)	((uint32_t)(n) * 8 + (4u << 11))

static enum gaon_status sort_valid(const char *call, const struct ops_tensor o[2], bool all)
{
	const struct gaon_tensor *dst, *src;
	enum gaon_status status = ops_tensor_valid(call, o, 2);

	if (status)
		return status;
	dst = o[0].t;
	src = o[1].t;
	if (dst->type != GAON_TYPE_I32 || src->type != GAON_TYPE_F32)
		return OPS_REFUSE(call, "dst: %s is not i32, or src: %s not f32", ops_tensor_text(dst),
				  ops_tensor_text(src));
	if (!ops_tensor_dense_rows(dst))
		return OPS_REFUSE(call, "dst: elements of a row are not side by side");
	if (src->ne[0] > ROW_MAX)
		return OPS_REFUSE(call, "src: rows of %" PRIu64 " elements; %llu are possible",
				  src->ne[0], ROW_MAX);
	if ((all ? dst->ne[0] != src->ne[0] : dst->ne[0] > src->ne[0]) || dst->ne[1] != src->ne[1] ||
	    dst->ne[2] != src->ne[2] || dst->ne[3] != src->ne[3])
		return OPS_REFUSE(call, "dst: %s does not go with src: %s", ops_tensor_text(dst),
				  ops_tensor_text(src));
	return GAON_OK;
}

static enum gaon_status sort_launch(struct gaon_ops *ops, struct gaon_stream *stream, const char *call,
				    enum ops_kernel kernel, const struct ops_tensor o[2],
				    bool descending)
{
	struct ops_sort_args args = { .flip = descending ? UINT32_MAX : 0 };
	enum gaon_status status = sort_valid(call, o, kernel == OPS_KERNEL_ARGSORT);

	if (!status)
		status = ops_tensor_check(ops, call, o, 2);
	if (status || ops_tensor_empty(o[0].t))
		return status;
	status = ops_launch_room(ops, call, kernel, SORT_BYTES(o[1].t->ne[0]));
	if (status)
		return status;
	args.dst = *o[0].t;
	args.src = *o[1].t;
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	return ops_launch(ops, stream, kernel, &args, sizeof(args), ops_tensor_rows(&args.src),
			  SORT_BYTES(args.src.ne[0]));
}

static bool sort_fits(const struct gaon_ops *ops, const char *call, enum ops_kernel kernel,
		      const struct ops_tensor o[2])
{
	if (sort_valid(call, o, kernel == OPS_KERNEL_ARGSORT))
		return false;
	return ops_tensor_empty(o[0].t) ||
	       !ops_launch_room(ops, call, kernel, SORT_BYTES(o[1].t->ne[0]));
}

#define SORT_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

bool gaon_ops_argsort_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return !sort_valid("gaon_ops_argsort", (struct ops_tensor[])SORT_OPERANDS, true);
}

bool gaon_ops_argsort_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
			   const struct gaon_tensor *src)
{
	return sort_fits(ops, "gaon_ops_argsort", OPS_KERNEL_ARGSORT,
			 (struct ops_tensor[])SORT_OPERANDS);
}

enum gaon_status gaon_ops_argsort(struct gaon_ops *ops, struct gaon_stream *stream,
				  const struct gaon_tensor *dst, const struct gaon_tensor *src,
				  bool descending)
{
	return sort_launch(ops, stream, "gaon_ops_argsort", OPS_KERNEL_ARGSORT,
			   (struct ops_tensor[])SORT_OPERANDS, descending);
}

bool gaon_ops_top_k_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return !sort_valid("gaon_ops_top_k", (struct ops_tensor[])SORT_OPERANDS, false);
}

bool gaon_ops_top_k_fits(const struct gaon_ops *ops, const struct gaon_tensor *dst,
			 const struct gaon_tensor *src)
{
	return sort_fits(ops, "gaon_ops_top_k", OPS_KERNEL_TOP_K, (struct ops_tensor[])SORT_OPERANDS);
}

enum gaon_status gaon_ops_top_k(struct gaon_ops *ops, struct gaon_stream *stream,
				const struct gaon_tensor *dst, const struct gaon_tensor *src)
{
	return sort_launch(ops, stream, "gaon_ops_top_k", OPS_KERNEL_TOP_K,
			   (struct ops_tensor[])SORT_OPERANDS, false);
}
