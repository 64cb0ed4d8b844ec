// SPDX-License-Identifier: MIT
/* Softmax of attention scores: checks and launch. */
#include "attention.h"

#include <math.h>

#define CALL	"gaon_ops_soft_max"

enum gaon_status ops_mask_check(const char *call, const struct gaon_tensor *mask, uint64_t columns,
				uint64_t rows, uint64_t heads, uint64_t sequences)
{
	if (mask->type != GAON_TYPE_F32 && mask->type != GAON_TYPE_F16)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: a mask of %s", call,
				gaon_tensor_type_name(mask->type));
	if (ops_tensor_empty(mask) || mask->ne[0] != columns || mask->ne[1] < rows ||
	    heads % mask->ne[2] || sequences % mask->ne[3])
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"%s: a mask of %s for %llu columns, %llu rows, %llu heads", call,
				ops_tensor_text(mask), (unsigned long long)columns,
				(unsigned long long)rows, (unsigned long long)heads);
	if (!ops_tensor_dense_rows(mask))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: elements of a row must be adjacent", call);
	return GAON_OK;
}

enum gaon_status ops_sinks_check(const char *call, const struct gaon_tensor *sinks, uint64_t heads)
{
	if (sinks->type != GAON_TYPE_F32 || sinks->ne[0] != heads || ops_tensor_rows(sinks) != 1 ||
	    !ops_tensor_dense_rows(sinks))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: sinks of %s for %llu heads", call,
				ops_tensor_text(sinks), (unsigned long long)heads);
	return GAON_OK;
}

static enum gaon_status check(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			      const struct gaon_tensor *mask, const struct gaon_tensor *sinks,
			      float scale, float max_bias)
{
	struct ops_tensor operands[4] = { { "dst", dst, true }, { "src0", src0, false } };
	enum gaon_status status;
	unsigned int count = 2;

	if (mask)
		operands[count++] = (struct ops_tensor){ "mask", mask, false };
	if (sinks)
		operands[count++] = (struct ops_tensor){ "sinks", sinks, false };
	status = ops_tensor_valid(CALL, operands, count);
	if (status)
		return status;
	if (dst->type != GAON_TYPE_F32 || src0->type != GAON_TYPE_F32 ||
	    !ops_tensor_same_shape(dst, src0))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s to %s", ops_tensor_text(src0),
				ops_tensor_text(dst));
	if (!ops_tensor_dense_rows(dst) || !ops_tensor_dense_rows(src0))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": elements of a row must be adjacent");
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (src0->ne[i] > INT32_MAX)
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s is too large",
					ops_tensor_text(src0));
	if (isnan(scale) || !(max_bias >= 0) || (max_bias > 0 && !mask))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": scale %g, max_bias %g%s",
				(double)scale, (double)max_bias, mask ? "" : " without a mask");
	if (mask && !ops_tensor_empty(dst))
		status = ops_mask_check(CALL, mask, dst->ne[0], dst->ne[1], dst->ne[2], dst->ne[3]);
	if (!status && sinks)
		status = ops_sinks_check(CALL, sinks, dst->ne[2]);
	return status;
}

bool gaon_ops_soft_max_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				const struct gaon_tensor *mask, const struct gaon_tensor *sinks,
				float scale, float max_bias)
{
	return !check(dst, src0, mask, sinks, scale, max_bias);
}

uint32_t ops_bias_heads(uint64_t heads)
{
	return 1u << (63 - __builtin_clzll(heads));
}

enum gaon_status gaon_ops_soft_max(struct gaon_ops *ops, struct gaon_stream *stream,
				   const struct gaon_tensor *dst, const struct gaon_tensor *src0,
				   const struct gaon_tensor *mask, const struct gaon_tensor *sinks,
				   float scale, float max_bias)
{
	struct ops_tensor operands[4] = { { "dst", dst, true }, { "src0", src0, false } };
	enum gaon_status status = check(dst, src0, mask, sinks, scale, max_bias);
	struct ops_soft_max_args a;
	unsigned int count = 2;

	if (mask)
		operands[count++] = (struct ops_tensor){ "mask", mask, false };
	if (sinks)
		operands[count++] = (struct ops_tensor){ "sinks", sinks, false };
	if (!status)
		status = ops_tensor_check(ops, CALL, operands, count);
	if (status || ops_tensor_empty(dst))
		return status;
	a = (struct ops_soft_max_args){
		.y = dst->va, .x = src0->va, .mask = mask ? mask->va : 0, .sinks = sinks ? sinks->va : 0,
		.columns = (uint32_t)dst->ne[0], .rows = (uint32_t)dst->ne[1],
		.heads = (uint32_t)dst->ne[2], .sequences = (uint32_t)dst->ne[3],
		.mask_heads = mask ? (uint32_t)mask->ne[2] : 1,
		.mask_sequences = mask ? (uint32_t)mask->ne[3] : 1,
		.half = mask && mask->type == GAON_TYPE_F16, .scale = scale, .bias = max_bias,
		.bias_heads = ops_bias_heads(dst->ne[2]),
	};
	for (int i = 0; i < 3; i++) {
		a.x_nb[i] = src0->nb[i + 1];
		a.y_nb[i] = dst->nb[i + 1];
		a.mask_nb[i] = mask ? mask->nb[i + 1] : 0;
	}
	return ops_launch(ops, stream, OPS_KERNEL_SOFT_MAX, &a, sizeof(a), ops_tensor_rows(dst), 0);
}
