// SPDX-License-Identifier: MIT
/* Launchers of what works on rows and columns: softmax, losses, reductions, transposition. */
#include "ops_internal.h"

/* Checks that every launcher here makes; false: *status is to be returned. */
static bool begin(struct gaon_ops *ops, const char *call, uint64_t rows, uint64_t columns,
		  uint64_t *area, enum gaon_status *status)
{
	if (!ops)
		*status = ops_fail(GAON_ERROR_INVALID_HANDLE, "%s: ops is NULL", call);
	else if (columns > UINT32_MAX || !ops_area(rows, columns, area))
		*status = ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: too large", call);
	else if (!*area)
		*status = GAON_OK;
	else
		return true;
	return false;
}

enum gaon_status gaon_ops_softmax(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t y,
				  uint64_t x, uint64_t rows, uint64_t columns)
{
	struct ops_softmax_args args = { .y = y, .x = x, .rows = rows,
					 .columns = (uint32_t)columns };
	enum gaon_status status;
	uint64_t area;

	if (!begin(ops, "gaon_ops_softmax", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[] = { { "y", y, area, 4 }, { "x", x, area, 4 } };

	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_SOFTMAX, &args, sizeof(args),
					    rows, 0);
}

enum gaon_status gaon_ops_cross_entropy(struct gaon_ops *ops, struct gaon_stream *stream,
					uint64_t loss, uint64_t grad, uint64_t x, uint64_t label,
					uint64_t rows, uint64_t columns, float scale)
{
	struct ops_xent_args args = { .loss = loss, .grad = grad, .x = x, .label = label,
				      .rows = rows, .columns = (uint32_t)columns, .scale = scale };
	enum gaon_status status;
	uint64_t area;
	unsigned int count = 2;

	if (!begin(ops, "gaon_ops_cross_entropy", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[4] = { { "x", x, area, 4 }, { "label", label, rows, 4 } };

	if (loss)
		operands[count++] = (struct ops_operand){ "loss", loss, rows, 4 };
	if (grad)
		operands[count++] = (struct ops_operand){ "grad", grad, area, 4 };
	status = ops_check(ops, operands, count);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_XENT, &args, sizeof(args),
					    rows, 0);
}

enum gaon_status gaon_ops_reduce_rows(struct gaon_ops *ops, struct gaon_stream *stream,
				      enum gaon_ops_reduce op, uint64_t y, uint64_t x,
				      uint64_t rows, uint64_t columns, float scale)
{
	static const uint32_t table[] = { [GAON_OPS_SUM] = OPS_REDUCE_SUM,
					  [GAON_OPS_MAX] = OPS_REDUCE_MAX,
					  [GAON_OPS_ARGMAX] = OPS_REDUCE_ARGMAX };
	struct ops_reduce_args args = { .y = y, .x = x, .rows = rows,
					.columns = (uint32_t)columns, .scale = scale };
	enum gaon_status status;
	uint64_t area;

	if ((uint32_t)op > GAON_OPS_ARGMAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_reduce_rows: no operation");
	if (!begin(ops, "gaon_ops_reduce_rows", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[] = { { "y", y, rows, 4 }, { "x", x, area, 4 } };

	args.op = table[op];
	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_REDUCE_ROWS, &args,
					    sizeof(args), rows, 0);
}

enum gaon_status gaon_ops_reduce_columns(struct gaon_ops *ops, struct gaon_stream *stream,
					 enum gaon_ops_reduce op, uint64_t y, uint64_t x,
					 uint64_t rows, uint64_t columns, float scale)
{
	struct ops_reduce_args args = { .y = y, .x = x, .rows = rows,
					.columns = (uint32_t)columns, .scale = scale,
					.op = op == GAON_OPS_MAX ? OPS_REDUCE_MAX :
								   OPS_REDUCE_SUM };
	enum gaon_status status;
	uint64_t area;

	if (op != GAON_OPS_SUM && op != GAON_OPS_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_reduce_columns: no operation %u", (unsigned int)op);
	if (!begin(ops, "gaon_ops_reduce_columns", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[] = { { "y", y, columns, 4 }, { "x", x, area, 4 } };

	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_REDUCE_COLUMNS, &args,
					    sizeof(args), (columns + 63) / 64, 0);
}

enum gaon_status gaon_ops_transpose(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t y,
				    uint64_t x, uint64_t rows, uint64_t columns, uint32_t element)
{
	struct ops_transpose_args args = { .y = y, .x = x, .rows = rows, .columns = columns,
					   .ldy = rows, .ldx = columns, .element = element };
	enum gaon_status status;
	uint64_t area;

	if (element != 1 && element != 2 && element != 4)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_transpose: elements of %u bytes", element);
	if (!begin(ops, "gaon_ops_transpose", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[] = { { "y", y, area, element }, { "x", x, area, element } };

	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_TRANSPOSE, &args, sizeof(args),
					    (columns + 15) / 16, 0);
}

enum gaon_status gaon_ops_quantize(struct gaon_ops *ops, struct gaon_stream *stream, uint64_t y,
				   uint64_t x, uint64_t rows, uint64_t columns)
{
	struct ops_quantize_args args = { .y = y, .x = x, .rows = rows,
					  .columns = (uint32_t)columns };
	enum gaon_status status;
	uint64_t area;

	if (columns % GAON_BLOCK_K)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"gaon_ops_quantize: %llu columns are not a multiple of 32",
				(unsigned long long)columns);
	if (!begin(ops, "gaon_ops_quantize", rows, columns, &area, &status))
		return status;
	struct ops_operand operands[] = { { "y", y, area / GAON_BLOCK_K, 40 },
					  { "x", x, area, 4 } };

	status = ops_check(ops, operands, 2);
	return status ? status : ops_launch(ops, stream, OPS_KERNEL_QUANTIZE, &args, sizeof(args),
					    area / (8 * GAON_BLOCK_K) + 1, 0);
}
