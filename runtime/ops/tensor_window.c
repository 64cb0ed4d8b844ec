// SPDX-License-Identifier: MIT
/* Launchers of what works on windows of images. */
#include <inttypes.h>

#include "kernels/tensor_args.h"
#include "tensor_internal.h"

#define PARAMETER_MAX	65536u
#define SIDE_MAX	(1ull << 40)

/* Outputs along a side of @n, 0 if the window does not fit. */
static uint64_t outputs(uint64_t n, const struct gaon_ops_window *w, int i)
{
	uint64_t reach = (uint64_t)w->dilation[i] * (w->kernel[i] - 1) + 1;
	uint64_t wide = n + 2ull * w->pad[i];

	return wide < reach ? 0 : (wide - reach) / w->stride[i] + 1;
}

static enum gaon_status window_valid(const char *call, const struct ops_tensor o[2],
				     const struct gaon_ops_window *w)
{
	enum gaon_status status = ops_tensor_valid(call, o, 2);

	if (status)
		return status;
	if (!w || w->size != sizeof(*w))
		return OPS_REFUSE(call, "window is not there, or size is not that of gaon_ops_window");
	for (int i = 0; i < 2; i++) {
		if (!w->kernel[i] || !w->stride[i] || !w->dilation[i] || w->kernel[i] >= PARAMETER_MAX ||
		    w->stride[i] >= PARAMETER_MAX || w->dilation[i] >= PARAMETER_MAX ||
		    w->pad[i] >= PARAMETER_MAX)
			return OPS_REFUSE(call, "window: kernel %u, stride %u, pad %u, dilation %u",
					  w->kernel[i], w->stride[i], w->pad[i], w->dilation[i]);
		if (o[1].t->ne[i] > SIDE_MAX)
			return OPS_REFUSE(call, "src: %s is too large", ops_tensor_text(o[1].t));
	}
	for (int i = 0; i < 2; i++)
		if (!ops_tensor_is_float(o[i].t))
			return OPS_REFUSE(call, "%s: %s is not f32, f16 or bf16", o[i].name,
					  ops_tensor_text(o[i].t));
	return GAON_OK;
}

static enum gaon_status window_launch(struct gaon_ops *ops, struct gaon_stream *stream, const char *call,
				      enum ops_kernel kernel, const struct ops_tensor o[2],
				      const struct gaon_ops_window *w, uint32_t op)
{
	struct ops_window_args args = { .dst = *o[0].t, .src = *o[1].t, .op = op };
	enum gaon_status status = ops_tensor_check(ops, call, o, 2);

	if (status || ops_tensor_empty(o[0].t))
		return status;
	for (int i = 0; i < 2; i++) {
		args.kernel[i] = w->kernel[i];
		args.stride[i] = w->stride[i];
		args.pad[i] = w->pad[i];
		args.dilation[i] = w->dilation[i];
	}
	ops_tensor_normalise(&args.dst);
	ops_tensor_normalise(&args.src);
	return ops_launch(ops, stream, kernel, &args, sizeof(args),
			  kernel == OPS_KERNEL_POOL ? ops_tensor_shares(&args.dst, ROWS_PART) :
						      args.src.ne[2] * args.src.ne[3], 0);
}

#define WINDOW_OPERANDS	{ { "dst", dst, true }, { "src", src, false } }

/* --- pools ------------------------------------------------------------------------------------ */

static enum gaon_status pool_valid(enum gaon_ops_pool pool, const struct ops_tensor o[2],
				   const struct gaon_ops_window *w)
{
	enum gaon_status status = window_valid("gaon_ops_pool", o, w);

	if (status)
		return status;
	if ((uint32_t)pool > GAON_OPS_POOL_MEAN_INSIDE)
		return OPS_REFUSE("gaon_ops_pool", "no pool %u", (unsigned int)pool);
	if (w->dilation[0] != 1 || w->dilation[1] != 1)
		return OPS_REFUSE("gaon_ops_pool", "dilation is %u, %u, not 1", w->dilation[0],
				  w->dilation[1]);
	if (o[0].t->ne[0] != outputs(o[1].t->ne[0], w, 0) ||
	    o[0].t->ne[1] != outputs(o[1].t->ne[1], w, 1) || o[0].t->ne[2] != o[1].t->ne[2] ||
	    o[0].t->ne[3] != o[1].t->ne[3])
		return OPS_REFUSE("gaon_ops_pool", "dst: %s should be [%" PRIu64 " %" PRIu64 " %" PRIu64
				  " %" PRIu64 "]", ops_tensor_text(o[0].t),
				  outputs(o[1].t->ne[0], w, 0), outputs(o[1].t->ne[1], w, 1),
				  o[1].t->ne[2], o[1].t->ne[3]);
	return GAON_OK;
}

bool gaon_ops_pool_supports(enum gaon_ops_pool pool, const struct gaon_tensor *dst,
			    const struct gaon_tensor *src, const struct gaon_ops_window *window)
{
	return !pool_valid(pool, (struct ops_tensor[])WINDOW_OPERANDS, window);
}

enum gaon_status gaon_ops_pool(struct gaon_ops *ops, struct gaon_stream *stream,
			       enum gaon_ops_pool pool, const struct gaon_tensor *dst,
			       const struct gaon_tensor *src, const struct gaon_ops_window *window)
{
	static const uint32_t table[] = { [GAON_OPS_POOL_MAX] = OPS_POOL_MAX,
					  [GAON_OPS_POOL_MEAN] = OPS_POOL_MEAN,
					  [GAON_OPS_POOL_MEAN_INSIDE] = OPS_POOL_MEAN_INSIDE };
	const struct ops_tensor o[] = WINDOW_OPERANDS;
	enum gaon_status status = pool_valid(pool, o, window);

	return status ? status : window_launch(ops, stream, "gaon_ops_pool", OPS_KERNEL_POOL, o, window,
					       table[pool]);
}

/* --- windows laid out ------------------------------------------------------------------------- */

static enum gaon_status im2col_valid(const struct ops_tensor o[2], const struct gaon_ops_window *w)
{
	enum gaon_status status = window_valid("gaon_ops_im2col", o, w);
	uint64_t ne[GAON_TENSOR_DIMS];

	if (status)
		return status;
	/* An image without columns may have any number of channels. */
	if (__builtin_mul_overflow(o[1].t->ne[2], (uint64_t)w->kernel[0] * w->kernel[1], &ne[0]))
		return OPS_REFUSE("gaon_ops_im2col", "src: %s is too large", ops_tensor_text(o[1].t));
	ne[1] = outputs(o[1].t->ne[0], w, 0);
	ne[2] = outputs(o[1].t->ne[1], w, 1);
	ne[3] = o[1].t->ne[3];
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (o[0].t->ne[i] != ne[i])
			return OPS_REFUSE("gaon_ops_im2col",
					  "dst: %s should be [%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
					  "]", ops_tensor_text(o[0].t), ne[0], ne[1], ne[2], ne[3]);
	return GAON_OK;
}

bool gaon_ops_im2col_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src,
			      const struct gaon_ops_window *window)
{
	return !im2col_valid((struct ops_tensor[])WINDOW_OPERANDS, window);
}

enum gaon_status gaon_ops_im2col(struct gaon_ops *ops, struct gaon_stream *stream,
				 const struct gaon_tensor *dst, const struct gaon_tensor *src,
				 const struct gaon_ops_window *window)
{
	const struct ops_tensor o[] = WINDOW_OPERANDS;
	enum gaon_status status = im2col_valid(o, window);

	return status ? status : window_launch(ops, stream, "gaon_ops_im2col", OPS_KERNEL_IM2COL, o,
					       window, 0);
}
