// SPDX-License-Identifier: MIT
/* Launchers of what works element by element. */
#include "ops_internal.h"

#define COUNT_MAX	(1ull << 48)

/* Elements that are worth a workgroup of their own. */
#define SHARE		2048

#define NEEDS_OPS(ops, call)								\
	do {										\
		if (!(ops))								\
			return ops_fail(GAON_ERROR_INVALID_HANDLE, call ": ops is NULL");\
	} while (0)

static uint64_t shares(uint64_t count)
{
	return (count + SHARE - 1) / SHARE;
}

bool ops_unary_op(enum gaon_ops_unary op, uint32_t *kernel_op)
{
	static const uint32_t table[] = {
		[GAON_OPS_COPY] = OPS_UNARY_COPY,
		[GAON_OPS_AFFINE] = OPS_UNARY_AFFINE,
		[GAON_OPS_RELU] = OPS_UNARY_RELU,
		[GAON_OPS_GELU] = OPS_UNARY_GELU,
		[GAON_OPS_GELU_TANH] = OPS_UNARY_GELU_TANH,
		[GAON_OPS_SILU] = OPS_UNARY_SILU,
		[GAON_OPS_TANH] = OPS_UNARY_TANH,
		[GAON_OPS_SIGMOID] = OPS_UNARY_SIGMOID,
		[GAON_OPS_EXP] = OPS_UNARY_EXP,
		[GAON_OPS_LOG] = OPS_UNARY_LOG,
		[GAON_OPS_SQRT] = OPS_UNARY_SQRT,
		[GAON_OPS_GELU_QUICK] = OPS_UNARY_GELU_QUICK,
		[GAON_OPS_SQR] = OPS_UNARY_SQR,
		[GAON_OPS_NEG] = OPS_UNARY_NEG,
		[GAON_OPS_ABS] = OPS_UNARY_ABS,
		[GAON_OPS_SIGN] = OPS_UNARY_SIGN,
		[GAON_OPS_STEP] = OPS_UNARY_STEP,
		[GAON_OPS_HARDSWISH] = OPS_UNARY_HARDSWISH,
		[GAON_OPS_HARDSIGMOID] = OPS_UNARY_HARDSIGMOID,
		[GAON_OPS_ELU] = OPS_UNARY_ELU,
		[GAON_OPS_EXPM1] = OPS_UNARY_EXPM1,
		[GAON_OPS_SOFTPLUS] = OPS_UNARY_SOFTPLUS,
		[GAON_OPS_FLOOR] = OPS_UNARY_FLOOR,
		[GAON_OPS_CEIL] = OPS_UNARY_CEIL,
		[GAON_OPS_ROUND] = OPS_UNARY_ROUND,
		[GAON_OPS_TRUNC] = OPS_UNARY_TRUNC,
		[GAON_OPS_CLAMP] = OPS_UNARY_CLAMP,
		[GAON_OPS_LEAKY_RELU] = OPS_UNARY_LEAKY_RELU,
	};

	if ((uint32_t)op >= sizeof(table) / sizeof(table[0]))
		return false;
	*kernel_op = table[op];
	return true;
}

enum gaon_status gaon_ops_unary(struct gaon_ops *ops, struct gaon_stream *stream,
				enum gaon_ops_unary op, uint64_t y, uint64_t x, uint64_t count,
				float alpha, float beta)
{
	struct ops_unary_args args = { .y = y, .x = x, .count = count, .alpha = alpha,
				       .beta = beta };
	struct ops_operand operands[] = { { "y", y, count, 4 }, { "x", x, count, 4 } };
	enum gaon_status status;

	NEEDS_OPS(ops, "gaon_ops_unary");
	if (!ops_unary_op(op, &args.op) || count > COUNT_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_unary: no operation %u",
				(unsigned int)op);
	if (!count)
		return GAON_OK;
	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_UNARY, &args, sizeof(args),
					    shares(count), 0);
}

enum gaon_status gaon_ops_fill(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t y,
			       uint64_t count, float value)
{
	struct ops_unary_args args = { .y = y, .x = y, .count = count, .beta = value,
				       .op = OPS_UNARY_FILL };
	struct ops_operand operand = { "y", y, count, 4 };
	enum gaon_status status;

	NEEDS_OPS(ops, "gaon_ops_fill");
	if (!count)
		return GAON_OK;
	status = ops_check(ops, &operand, 1);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_UNARY, &args, sizeof(args),
					    shares(count), 0);
}

bool ops_binary_op(enum gaon_ops_binary op, uint32_t *kernel_op)
{
	static const uint32_t table[] = {
		[GAON_OPS_ADD] = OPS_BINARY_ADD,
		[GAON_OPS_SUB] = OPS_BINARY_SUB,
		[GAON_OPS_MUL] = OPS_BINARY_MUL,
		[GAON_OPS_DIV] = OPS_BINARY_DIV,
		[GAON_OPS_RELU_GRAD] = OPS_BINARY_RELU_GRAD,
		[GAON_OPS_TANH_GRAD] = OPS_BINARY_TANH_GRAD,
		[GAON_OPS_SIGMOID_GRAD] = OPS_BINARY_SIGMOID_GRAD,
	};

	if ((uint32_t)op >= sizeof(table) / sizeof(table[0]))
		return false;
	*kernel_op = table[op];
	return true;
}

enum gaon_status gaon_ops_binary(struct gaon_ops *ops, struct gaon_stream *stream,
				 enum gaon_ops_binary op, uint64_t y, uint64_t a, uint64_t b,
				 uint64_t count)
{
	struct ops_binary_args args = { .y = y, .a = a, .b = b, .count = count };
	struct ops_operand operands[] = { { "y", y, count, 4 }, { "a", a, count, 4 },
					  { "b", b, count, 4 } };
	enum gaon_status status;

	NEEDS_OPS(ops, "gaon_ops_binary");
	if (!ops_binary_op(op, &args.op))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_binary: no operation %u",
				(unsigned int)op);
	if (!count)
		return GAON_OK;
	status = ops_check(ops, operands, 3);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_BINARY, &args, sizeof(args),
					    shares(count), 0);
}

enum gaon_status gaon_ops_bias(struct gaon_ops *ops, struct gaon_stream *stream,
			       enum gaon_ops_unary op, uint64_t y, uint64_t x, uint64_t bias,
			       uint64_t rows, uint64_t columns)
{
	struct ops_bias_args args = { .y = y, .x = x, .bias = bias, .rows = rows,
				      .columns = (uint32_t)columns };
	struct ops_operand operands[] = { { "y", y, 0, 4 }, { "x", x, 0, 4 },
					  { "bias", bias, columns, 4 } };
	enum gaon_status status;
	uint64_t area, share;

	NEEDS_OPS(ops, "gaon_ops_bias");
	if (!ops_unary_op(op, &args.op) || op == GAON_OPS_AFFINE ||
	    op == GAON_OPS_CLAMP || op == GAON_OPS_LEAKY_RELU)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_bias: no operation %u",
				(unsigned int)op);
	if (columns > UINT32_MAX || !ops_area(rows, columns, &area))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_bias: too large");
	if (!area)
		return GAON_OK;
	operands[0].count = operands[1].count = area;
	status = ops_check(ops, operands, 3);
	share = shares(area) < rows ? shares(area) : rows;
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_BIAS, &args, sizeof(args),
					    share, 0);
}

enum gaon_status gaon_ops_convert(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t y,
				  uint8_t to, uint64_t x, uint8_t from, uint64_t count)
{
	struct ops_convert_args args = { .y = y, .x = x, .count = count, .to = to, .from = from };
	bool small_to = to == GAON_TYPE_F16 || to == GAON_TYPE_BF16;
	bool small_from = from == GAON_TYPE_F16 || from == GAON_TYPE_BF16;
	struct ops_operand operands[] = { { "y", y, count, small_to ? 2 : 4 },
					  { "x", x, count, small_from ? 2 : 4 } };
	bool possible = to != from && ((small_to && (small_from || from == GAON_TYPE_F32)) ||
				       (to == GAON_TYPE_F32 &&
					(small_from || from == GAON_TYPE_I32)));
	enum gaon_status status;

	NEEDS_OPS(ops, "gaon_ops_convert");
	if (!possible)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_convert: no conversion from type 0x%02x to 0x%02x", from,
				to);
	if (!count)
		return GAON_OK;
	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_CONVERT, &args, sizeof(args),
					    shares(count), 0);
}

enum gaon_status gaon_ops_sgd(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t weight,
			      uint64_t velocity, uint64_t grad, uint64_t count, float rate,
			      float momentum, float decay)
{
	struct ops_sgd_args args = { .weight = weight, .velocity = velocity, .grad = grad,
				     .count = count, .rate = rate, .momentum = momentum,
				     .decay = decay };
	struct ops_operand operands[] = { { "weight", weight, count, 4 },
					  { "velocity", velocity, count, 4 },
					  { "grad", grad, count, 4 } };
	enum gaon_status status;

	NEEDS_OPS(ops, "gaon_ops_sgd");
	if (!count)
		return GAON_OK;
	status = ops_check(ops, operands, 3);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_SGD, &args, sizeof(args),
					    shares(count), 0);
}
