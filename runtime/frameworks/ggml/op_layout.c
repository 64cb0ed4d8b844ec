// SPDX-License-Identifier: MIT
/* CONCAT, REPEAT, PAD, PAD_REFLECT_1D; ARGSORT, TOP_K; POOL_1D, POOL_2D, IM2COL */
#include "plugin.h"

static bool concat_views(const struct ggml_tensor *op, struct gaon_tensor v[3])
{
	return plugin_view(op, &v[0]) && plugin_view(op->src[0], &v[1]) &&
	       plugin_view(op->src[1], &v[2]);
}

static bool concat_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	return concat_views(op, v) &&
	       plugin_taken(gaon_ops_concat_supports(&v[0], &v[1], &v[2], op->op_params[0]));
}

static enum gaon_status concat_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	concat_views(op, v);
	return gaon_ops_concat(backend->device->ops, backend->stream, &v[0], &v[1], &v[2],
			       op->op_params[0]);
}

const struct plugin_op plugin_op_concat = { .supports = concat_supports, .run = concat_run };

static bool two_views(const struct ggml_tensor *op, struct gaon_tensor *dst,
		      struct gaon_tensor *src)
{
	return plugin_view(op, dst) && plugin_view(op->src[0], src);
}

static bool repeat_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	return two_views(op, &dst, &src) && plugin_taken(gaon_ops_repeat_supports(&dst, &src));
}

static enum gaon_status repeat_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	two_views(op, &dst, &src);
	return gaon_ops_repeat(backend->device->ops, backend->stream, &dst, &src);
}

const struct plugin_op plugin_op_repeat = { .supports = repeat_supports, .run = repeat_run };

struct padding {
	enum gaon_ops_padding kind;
	uint64_t before[GAON_TENSOR_DIMS];
};

static struct padding padding(const struct ggml_tensor *op)
{
	const int32_t *p = op->op_params;

	if (op->op == GGML_OP_PAD_REFLECT_1D)
		return (struct padding){ GAON_OPS_PAD_REFLECT, { p[0] } };
	return (struct padding){ p[8] ? GAON_OPS_PAD_CIRCULAR : GAON_OPS_PAD_ZERO,
				 { p[0], p[2], p[4], p[6] } };
}

static bool pad_supports(const struct ggml_tensor *op)
{
	struct padding p = padding(op);
	struct gaon_tensor dst, src;

	return two_views(op, &dst, &src) &&
	       plugin_taken(gaon_ops_pad_supports(p.kind, &dst, &src, p.before));
}

static enum gaon_status pad_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct padding p = padding(op);
	struct gaon_tensor dst, src;

	two_views(op, &dst, &src);
	return gaon_ops_pad(backend->device->ops, backend->stream, p.kind, &dst, &src, p.before);
}

const struct plugin_op plugin_op_pad = { .supports = pad_supports, .run = pad_run };

static bool order_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	return two_views(op, &dst, &src) &&
	       plugin_taken(op->op == GGML_OP_TOP_K ? gaon_ops_top_k_supports(&dst, &src)
						    : gaon_ops_argsort_supports(&dst, &src));
}

static bool order_fits(const struct plugin_device *device, const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	two_views(op, &dst, &src);
	return plugin_taken(op->op == GGML_OP_TOP_K
				    ? gaon_ops_top_k_fits(device->ops, &dst, &src)
				    : gaon_ops_argsort_fits(device->ops, &dst, &src));
}

static enum gaon_status order_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	two_views(op, &dst, &src);
	if (op->op == GGML_OP_TOP_K)
		return gaon_ops_top_k(backend->device->ops, backend->stream, &dst, &src);
	return gaon_ops_argsort(backend->device->ops, backend->stream, &dst, &src,
				op->op_params[0] == GGML_SORT_ORDER_DESC);
}

const struct plugin_op plugin_op_order = {
	.supports = order_supports,
	.fits = order_fits,
	.run = order_run,
};

static bool pool_operands(const struct ggml_tensor *op, struct gaon_tensor *dst,
			  struct gaon_tensor *src, struct gaon_ops_window *window,
			  enum gaon_ops_pool *pool)
{
	const int32_t *p = op->op_params;
	bool flat = op->op == GGML_OP_POOL_1D;

	*window = (struct gaon_ops_window){
		.size = sizeof(*window),
		.kernel = { p[1], flat ? 1 : p[2] },
		.stride = { flat ? p[2] : p[3], flat ? 1 : p[4] },
		.pad = { flat ? p[3] : p[5], flat ? 0 : p[6] },
		.dilation = { 1, 1 },
	};
	if (p[0] == GGML_OP_POOL_MAX)
		*pool = GAON_OPS_POOL_MAX;
	else
		*pool = flat ? GAON_OPS_POOL_MEAN_INSIDE : GAON_OPS_POOL_MEAN;
	return two_views(op, dst, src);
}

static bool pool_supports(const struct ggml_tensor *op)
{
	struct gaon_ops_window window;
	struct gaon_tensor dst, src;
	enum gaon_ops_pool pool;

	return pool_operands(op, &dst, &src, &window, &pool) &&
	       plugin_taken(gaon_ops_pool_supports(pool, &dst, &src, &window));
}

static enum gaon_status pool_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_ops_window window;
	struct gaon_tensor dst, src;
	enum gaon_ops_pool pool;

	pool_operands(op, &dst, &src, &window, &pool);
	return gaon_ops_pool(backend->device->ops, backend->stream, pool, &dst, &src, &window);
}

const struct plugin_op plugin_op_pool = { .supports = pool_supports, .run = pool_run };

/* [a b c d] as [a 1 b c]: a dimension of 1 in the place of @dim, the last one goes. */
static void insert_one(struct gaon_tensor *t, int dim)
{
	for (int i = GAON_TENSOR_DIMS - 1; i > dim; i--) {
		t->ne[i] = t->ne[i - 1];
		t->nb[i] = t->nb[i - 1];
	}
	t->ne[dim] = 1;
}

/* The first operand is the kernel, of which only the size matters. Of one dimension, an image is a
 * line. */
static bool im2col_operands(const struct ggml_tensor *op, struct gaon_tensor *dst,
			    struct gaon_tensor *src, struct gaon_ops_window *window)
{
	const int32_t *p = op->op_params;
	bool flat = !p[6];

	*window = (struct gaon_ops_window){
		.size = sizeof(*window),
		.kernel = { op->src[0]->ne[0], flat ? 1 : op->src[0]->ne[1] },
		.stride = { p[0], flat ? 1 : p[1] },
		.pad = { p[2], flat ? 0 : p[3] },
		.dilation = { p[4], flat ? 1 : p[5] },
	};
	if (!plugin_view(op, dst) || !plugin_view(op->src[1], src))
		return false;
	if (flat && (src->ne[3] != 1 || dst->ne[3] != 1))
		return plugin_refuse("lines in four dimensions");
	if (flat) {
		insert_one(src, 1);
		insert_one(dst, 2);
	}
	return true;
}

static bool im2col_supports(const struct ggml_tensor *op)
{
	struct gaon_ops_window window;
	struct gaon_tensor dst, src;

	return im2col_operands(op, &dst, &src, &window) &&
	       plugin_taken(gaon_ops_im2col_supports(&dst, &src, &window));
}

static enum gaon_status im2col_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_ops_window window;
	struct gaon_tensor dst, src;

	im2col_operands(op, &dst, &src, &window);
	return gaon_ops_im2col(backend->device->ops, backend->stream, &dst, &src, &window);
}

const struct plugin_op plugin_op_im2col = { .supports = im2col_supports, .run = im2col_run };
