// SPDX-License-Identifier: MIT
/* Norms, and what stands before and behind them in a graph and runs with them as one operator. */
#include "plugin.h"

#include <string.h>

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

/* No byte in common. */
static bool apart(const struct ggml_tensor *a, const struct ggml_tensor *b)
{
	const char *first = a->data, *second = b->data;

	return first + ggml_nbytes(a) <= second || second + ggml_nbytes(b) <= first;
}

/* Or the very same view, which what works row by row may overwrite. */
static bool apart_or_same(const struct ggml_tensor *a, const struct ggml_tensor *b)
{
	return apart(a, b) || (a->data == b->data && a->type == b->type && ggml_are_same_shape(a, b) &&
			       ggml_are_same_stride(a, b));
}

/*
 * A norm and the product with its weights that overwrites it: whoever gave both the same memory
 * knew that nobody else reads the norm. Weights that lie there themselves are the norm, by another
 * name.
 */
bool plugin_norm_mul_fuses(const struct ggml_tensor *norm, const struct ggml_tensor *mul)
{
	struct gaon_tensor weight;
	struct norm_operands o;

	if (norm->op != GGML_OP_RMS_NORM || mul->op != GGML_OP_MUL || mul->src[0] != norm ||
	    mul->data != norm->data || !ggml_are_same_stride(mul, norm) || !apart(mul, mul->src[1]))
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

struct add_norm_operands {
	struct gaon_tensor dst, sum, a, b, weight;
	float eps;
};

static bool add_norm_operands(struct ggml_tensor *const *nodes, struct add_norm_operands *o)
{
	const struct ggml_tensor *add = nodes[0], *norm = nodes[1], *mul = nodes[2];

	memcpy(&o->eps, &norm->op_params[0], sizeof(o->eps));
	return plugin_view(mul, &o->dst) && plugin_view(add, &o->sum) &&
	       plugin_view(add->src[0], &o->a) && plugin_view(add->src[1], &o->b) &&
	       plugin_view(mul->src[1], &o->weight);
}

/* The product may lie where an operand of the sum did, which is dead by then: if so, row upon row. */
bool plugin_add_norm_fuses(struct ggml_tensor *const *nodes)
{
	const struct ggml_tensor *add = nodes[0], *norm = nodes[1], *mul = nodes[2];
	struct add_norm_operands o;

	if (add->op != GGML_OP_ADD || norm->src[0] != add || !plugin_norm_mul_fuses(norm, mul))
		return false;
	if (!apart(mul, add) || !apart(add, mul->src[1]) || !apart_or_same(mul, add->src[0]) ||
	    !apart_or_same(mul, add->src[1]))
		return false;
	return add_norm_operands(nodes, &o) &&
	       gaon_ops_add_rms_norm_supports(&o.dst, &o.sum, &o.a, &o.b, &o.weight, o.eps);
}

enum gaon_status plugin_add_norm_run(struct plugin_backend *backend, struct ggml_tensor *const *nodes)
{
	struct add_norm_operands o;

	add_norm_operands(nodes, &o);
	return gaon_ops_add_rms_norm(backend->device->ops, backend->stream, &o.dst, &o.sum, &o.a, &o.b,
				     &o.weight, o.eps);
}
