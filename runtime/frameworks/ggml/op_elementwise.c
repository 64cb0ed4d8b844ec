// SPDX-License-Identifier: MIT
/* Element by element: ADD, SUB, MUL, DIV; UNARY and its like, SCALE, CLAMP; GLU */
#include "plugin.h"

#include <string.h>

static float parameter(const struct ggml_tensor *op, int index)
{
	float value;

	memcpy(&value, &op->op_params[index], sizeof(value));
	return value;
}

static enum gaon_ops_binary arithmetic(enum ggml_op op)
{
	switch (op) {
	case GGML_OP_ADD: return GAON_OPS_ADD;
	case GGML_OP_SUB: return GAON_OPS_SUB;
	case GGML_OP_MUL: return GAON_OPS_MUL;
	default: return GAON_OPS_DIV;
	}
}

static bool arithmetic_views(const struct ggml_tensor *op, struct gaon_tensor v[3])
{
	return plugin_view(op, &v[0]) && plugin_view(op->src[0], &v[1]) &&
	       plugin_view(op->src[1], &v[2]);
}

static bool arithmetic_supports(const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	return arithmetic_views(op, v) &&
	       plugin_taken(gaon_ops_zip_supports(arithmetic(op->op), &v[0], &v[1], &v[2]));
}

static enum gaon_status arithmetic_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct gaon_tensor v[3];

	arithmetic_views(op, v);
	return gaon_ops_zip(backend->device->ops, backend->stream, arithmetic(op->op), &v[0], &v[1],
			    &v[2]);
}

const struct plugin_op plugin_op_arithmetic = {
	.supports = arithmetic_supports,
	.run = arithmetic_run,
};

/* A function of one operand with its parameters. */
struct mapping {
	enum gaon_ops_unary function;
	float alpha, beta;
};

#define NO_FUNCTION ((enum gaon_ops_unary) - 1)

static enum gaon_ops_unary unary(enum ggml_unary_op op)
{
	switch (op) {
	case GGML_UNARY_OP_ABS: return GAON_OPS_ABS;
	case GGML_UNARY_OP_SGN: return GAON_OPS_SIGN;
	case GGML_UNARY_OP_NEG: return GAON_OPS_NEG;
	case GGML_UNARY_OP_STEP: return GAON_OPS_STEP;
	case GGML_UNARY_OP_TANH: return GAON_OPS_TANH;
	case GGML_UNARY_OP_ELU: return GAON_OPS_ELU;
	case GGML_UNARY_OP_RELU: return GAON_OPS_RELU;
	case GGML_UNARY_OP_SIGMOID: return GAON_OPS_SIGMOID;
	case GGML_UNARY_OP_GELU: return GAON_OPS_GELU_TANH;
	case GGML_UNARY_OP_GELU_ERF: return GAON_OPS_GELU;
	case GGML_UNARY_OP_GELU_QUICK: return GAON_OPS_GELU_QUICK;
	case GGML_UNARY_OP_SILU: return GAON_OPS_SILU;
	case GGML_UNARY_OP_HARDSWISH: return GAON_OPS_HARDSWISH;
	case GGML_UNARY_OP_HARDSIGMOID: return GAON_OPS_HARDSIGMOID;
	case GGML_UNARY_OP_EXP: return GAON_OPS_EXP;
	case GGML_UNARY_OP_EXPM1: return GAON_OPS_EXPM1;
	case GGML_UNARY_OP_SOFTPLUS: return GAON_OPS_SOFTPLUS;
	case GGML_UNARY_OP_FLOOR: return GAON_OPS_FLOOR;
	case GGML_UNARY_OP_CEIL: return GAON_OPS_CEIL;
	case GGML_UNARY_OP_ROUND: return GAON_OPS_ROUND;
	case GGML_UNARY_OP_TRUNC: return GAON_OPS_TRUNC;
	default: return NO_FUNCTION;
	}
}

static struct mapping mapping(const struct ggml_tensor *op)
{
	struct mapping m = { .function = NO_FUNCTION };

	switch (op->op) {
	case GGML_OP_UNARY: m.function = unary(ggml_get_unary_op(op)); break;
	case GGML_OP_SQR: m.function = GAON_OPS_SQR; break;
	case GGML_OP_SQRT: m.function = GAON_OPS_SQRT; break;
	case GGML_OP_LOG: m.function = GAON_OPS_LOG; break;
	case GGML_OP_LEAKY_RELU:
		m = (struct mapping){ GAON_OPS_LEAKY_RELU, parameter(op, 0), 0.0f };
		break;
	case GGML_OP_SCALE:
		m = (struct mapping){ GAON_OPS_AFFINE, parameter(op, 0), parameter(op, 1) };
		break;
	case GGML_OP_CLAMP:
		m = (struct mapping){ GAON_OPS_CLAMP, parameter(op, 0), parameter(op, 1) };
		break;
	default: break;
	}
	return m;
}

static bool map_supports(const struct ggml_tensor *op)
{
	struct mapping m = mapping(op);
	struct gaon_tensor dst, src;

	if (m.function == NO_FUNCTION)
		return plugin_refuse("no such function on the device");
	return plugin_view(op, &dst) && plugin_view(op->src[0], &src) &&
	       plugin_taken(gaon_ops_map_supports(m.function, &dst, &src));
}

static enum gaon_status map_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	struct mapping m = mapping(op);
	struct gaon_tensor dst, src;

	plugin_view(op, &dst);
	plugin_view(op->src[0], &src);
	return gaon_ops_map(backend->device->ops, backend->stream, m.function, &dst, &src, m.alpha,
			    m.beta);
}

const struct plugin_op plugin_op_map = { .supports = map_supports, .run = map_run };

static bool glu_function(const struct ggml_tensor *op, enum gaon_ops_glu *function)
{
	switch (ggml_get_glu_op(op)) {
	case GGML_GLU_OP_REGLU: *function = GAON_OPS_REGLU; return true;
	case GGML_GLU_OP_GEGLU: *function = GAON_OPS_GEGLU; return true;
	case GGML_GLU_OP_SWIGLU: *function = GAON_OPS_SWIGLU; return true;
	case GGML_GLU_OP_SWIGLU_OAI: *function = GAON_OPS_SWIGLU_OAI; return true;
	case GGML_GLU_OP_GEGLU_ERF: *function = GAON_OPS_GEGLU_ERF; return true;
	case GGML_GLU_OP_GEGLU_QUICK: *function = GAON_OPS_GEGLU_QUICK; return true;
	case GGML_GLU_OP_SWIGLU_CLAMP: *function = GAON_OPS_SWIGLU_CLAMP; return true;
	default: return plugin_refuse("no such function on the device");
	}
}

static bool glu_views(const struct ggml_tensor *op, struct gaon_tensor v[3])
{
	return plugin_view(op, &v[0]) && plugin_view(op->src[0], &v[1]) &&
	       (!op->src[1] || plugin_view(op->src[1], &v[2]));
}

static bool glu_supports(const struct ggml_tensor *op)
{
	enum gaon_ops_glu function;
	struct gaon_tensor v[3];

	return glu_function(op, &function) && glu_views(op, v) &&
	       plugin_taken(
		       gaon_ops_glu_supports(function, &v[0], &v[1], op->src[1] ? &v[2] : NULL));
}

static enum gaon_status glu_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	enum gaon_ops_glu function = GAON_OPS_SWIGLU;
	struct gaon_tensor v[3];

	glu_function(op, &function);
	glu_views(op, v);
	return gaon_ops_glu(backend->device->ops, backend->stream, function, &v[0], &v[1],
			    op->src[1] ? &v[2] : NULL, op->op_params[1], parameter(op, 2),
			    parameter(op, 3));
}

const struct plugin_op plugin_op_glu = { .supports = glu_supports, .run = glu_run };
