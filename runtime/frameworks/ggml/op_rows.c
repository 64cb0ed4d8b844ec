// SPDX-License-Identifier: MIT
/* Copies and rows: CPY, CONT, DUP, GET_ROWS, SET_ROWS; RMS_NORM, NORM, L2_NORM, SUM_ROWS, MEAN */
#include "plugin.h"

#include <string.h>

/* The destination of CPY is a view of its second operand; that of CONT and DUP is their own. */
static bool copy_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	return plugin_view(op, &dst) && plugin_view(op->src[0], &src) &&
	       plugin_taken(gaon_ops_copy_supports(&dst, &src));
}

static enum gaon_status copy_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	plugin_view(op, &dst);
	plugin_view(op->src[0], &src);
	return gaon_ops_copy(backend->device->ops, backend->stream, &dst, &src);
}

const struct plugin_op plugin_op_copy = { .supports = copy_supports, .run = copy_run };

static bool rows_views(const struct ggml_tensor *op, struct gaon_tensor v[3])
{
	return plugin_view(op, &v[0]) && plugin_view(op->src[0], &v[1]) &&
	       plugin_view(op->src[1], &v[2]);
}

static bool get_rows_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	return rows_views(op, v) && plugin_taken(gaon_ops_get_rows_supports(&v[0], &v[1], &v[2]));
}

static enum gaon_status get_rows_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	rows_views(op, v);
	return gaon_ops_get_rows(backend->device->ops, backend->stream, &v[0], &v[1], &v[2]);
}

const struct plugin_op plugin_op_get_rows = { .supports = get_rows_supports, .run = get_rows_run };

static bool set_rows_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	return rows_views(op, v) && plugin_taken(gaon_ops_set_rows_supports(&v[0], &v[1], &v[2]));
}

static enum gaon_status set_rows_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	rows_views(op, v);
	return gaon_ops_set_rows(backend->device->ops, backend->stream, &v[0], &v[1], &v[2]);
}

const struct plugin_op plugin_op_set_rows = { .supports = set_rows_supports, .run = set_rows_run };

struct norm_operands {
	struct gaon_tensor dst, src;
	float eps;
};

static bool norm_operands(const struct ggml_tensor *op, struct norm_operands *o)
{
	memcpy(&o->eps, &op->op_params[0], sizeof(o->eps));
	return plugin_view(op, &o->dst) && plugin_view(op->src[0], &o->src);
}

static bool norm_supports(const struct ggml_tensor *op)
{
	struct norm_operands o;
	bool taken;

	if (!norm_operands(op, &o))
		return false;
	if (op->op == GGML_OP_RMS_NORM)
		taken = gaon_ops_rms_norm_supports(&o.dst, &o.src, NULL, o.eps);
	else if (op->op == GGML_OP_NORM)
		taken = gaon_ops_norm_supports(&o.dst, &o.src, o.eps);
	else
		taken = gaon_ops_l2_norm_supports(&o.dst, &o.src, o.eps);
	return plugin_taken(taken);
}

static enum gaon_status norm_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_stream *stream = backend->stream;
	struct gaon_ops *ops = backend->device->ops;
	struct norm_operands o;

	norm_operands(op, &o);
	if (op->op == GGML_OP_RMS_NORM)
		return gaon_ops_rms_norm(ops, stream, &o.dst, &o.src, NULL, o.eps);
	if (op->op == GGML_OP_NORM)
		return gaon_ops_norm(ops, stream, &o.dst, &o.src, o.eps);
	return gaon_ops_l2_norm(ops, stream, &o.dst, &o.src, o.eps);
}

const struct plugin_op plugin_op_norm = { .supports = norm_supports, .run = norm_run };

static bool sum_rows_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor dst, src;

	return plugin_view(op, &dst) && plugin_view(op->src[0], &src) &&
	       plugin_taken(gaon_ops_sum_rows_supports(&dst, &src));
}

static enum gaon_status sum_rows_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	float scale = op->op == GGML_OP_MEAN ? 1.0f / (float)op->src[0]->ne[0] : 1.0f;
	struct gaon_tensor dst, src;

	plugin_view(op, &dst);
	plugin_view(op->src[0], &src);
	return gaon_ops_sum_rows(backend->device->ops, backend->stream, &dst, &src, scale);
}

const struct plugin_op plugin_op_sum_rows = { .supports = sum_rows_supports, .run = sum_rows_run };

/*
 * A norm and the product with its weights that overwrites it: whoever gave both the same memory
 * knew that nobody else reads the norm. The product's own operands are else those of any product.
 */
bool plugin_norm_mul_fuses(const struct ggml_tensor *norm, const struct ggml_tensor *mul)
{
	struct gaon_tensor weight;
	struct norm_operands o;

	if (norm->op != GGML_OP_RMS_NORM || mul->op != GGML_OP_MUL || mul->src[0] != norm ||
	    mul->src[1] == norm || mul->data != norm->data || !ggml_are_same_stride(mul, norm))
		return false;
	return norm_operands(norm, &o) && plugin_view(mul, &o.dst) &&
	       plugin_view(mul->src[1], &weight) &&
	       gaon_ops_rms_norm_supports(&o.dst, &o.src, &weight, o.eps);
}

enum gaon_status plugin_norm_mul_run(struct plugin_backend *backend, const struct ggml_tensor *norm,
				     const struct ggml_tensor *mul)
{
	struct gaon_tensor weight;
	struct norm_operands o;

	norm_operands(norm, &o);
	plugin_view(mul, &o.dst);
	plugin_view(mul->src[1], &weight);
	return gaon_ops_rms_norm(backend->device->ops, backend->stream, &o.dst, &o.src, &weight,
				 o.eps);
}
