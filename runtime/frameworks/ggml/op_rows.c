// SPDX-License-Identifier: MIT
/* Copies and rows: CPY, CONT, DUP, GET_ROWS, SET_ROWS; SUM_ROWS, MEAN */
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
