// SPDX-License-Identifier: MIT
/* ADD, SUB, MUL, DIV */
#include "plugin.h"

static bool arithmetic_supports(const struct ggml_tensor *op)
{
	const struct ggml_tensor *a = op->src[0], *b = op->src[1];

	if (op->type != GGML_TYPE_F32 || a->type != GGML_TYPE_F32 || b->type != GGML_TYPE_F32)
		return plugin_refuse("only f32");
	if (!ggml_are_same_shape(a, b))
		return plugin_refuse("only operands of the same shape");
	if (!ggml_is_contiguous(op) || !ggml_is_contiguous(a) || !ggml_is_contiguous(b))
		return plugin_refuse("only contiguous operands");
	return true;
}

static enum gaon_status arithmetic_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	static const enum gaon_ops_binary functions[] = {
		[GGML_OP_ADD] = GAON_OPS_ADD,
		[GGML_OP_SUB] = GAON_OPS_SUB,
		[GGML_OP_MUL] = GAON_OPS_MUL,
		[GGML_OP_DIV] = GAON_OPS_DIV,
	};

	return gaon_ops_binary(backend->device->ops, backend->stream, functions[op->op],
			       (uintptr_t)op->data, (uintptr_t)op->src[0]->data,
			       (uintptr_t)op->src[1]->data, ggml_nelements(op));
}

const struct plugin_op plugin_op_arithmetic = { .supports = arithmetic_supports,
						.run = arithmetic_run };
