// SPDX-License-Identifier: MIT
/* MUL_MAT: rows of the weights by rows of the activations. */
#include "plugin.h"

static uint8_t weight_type(enum ggml_type type)
{
	switch (type) {
	case GGML_TYPE_F32: return GAON_TYPE_F32;
	case GGML_TYPE_Q4_0: return GAON_TYPE_Q4_0;
	case GGML_TYPE_Q4_1: return GAON_TYPE_Q4_1;
	case GGML_TYPE_Q8_0: return GAON_TYPE_Q8_0;
	default: return GAON_TYPE_NONE;
	}
}

static bool mul_mat_supports(const struct ggml_tensor *op)
{
	const struct ggml_tensor *weights = op->src[0], *x = op->src[1];

	if (weight_type(weights->type) == GAON_TYPE_NONE || x->type != GGML_TYPE_F32 ||
	    op->type != GGML_TYPE_F32)
		return plugin_refuse("only f32, q4_0, q4_1 and q8_0 weights by f32");
	if (ggml_nrows(weights) != weights->ne[1] || ggml_nrows(x) != x->ne[1])
		return plugin_refuse("only matrices");
	if (!ggml_is_contiguous(weights) || !ggml_is_contiguous(x))
		return plugin_refuse("only contiguous operands");
	return true;
}

static enum gaon_status mul_mat_run(struct plugin_backend *backend, const struct ggml_tensor *op)
{
	const struct ggml_tensor *weights = op->src[0], *x = op->src[1];
	struct gaon_ops_gemm gemm = {
		.size = sizeof(gemm),
		.a = (uintptr_t)x->data,
		.b = (uintptr_t)weights->data,
		.c = (uintptr_t)op->data,
		.m = x->ne[1],
		.n = weights->ne[1],
		.k = weights->ne[0],
		.type_a = GAON_TYPE_F32,
		.type_b = weight_type(weights->type),
		.type_c = GAON_TYPE_F32,
		.trans_b = true,
	};
	enum gaon_status status;

	if (gemm.type_b != GAON_TYPE_F32) {
		gemm.type_a = GAON_TYPE_Q8A;
		gemm.a = plugin_backend_scratch(
			backend, gaon_ops_matrix_bytes(GAON_TYPE_Q8A, gemm.m, gemm.k));
		if (!gemm.a)
			return GAON_ERROR_OUT_OF_DEVICE_MEMORY;
		status = gaon_ops_quantize(backend->device->ops, backend->stream, gemm.a,
					   (uintptr_t)x->data, gemm.m, gemm.k);
		if (status)
			return status;
	}
	return gaon_ops_gemm(backend->device->ops, backend->stream, &gemm);
}

const struct plugin_op plugin_op_mul_mat = { .supports = mul_mat_supports, .run = mul_mat_run };
