// SPDX-License-Identifier: MIT
/* The loaded kernels, errors, and what every launcher does before and at a launch. */
#include "ops_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned char ops_image[] __attribute__((aligned(16))) = {
#embed "gaon_ops.elf"
};

static const char *const ops_names[OPS_KERNELS] = {
	[OPS_KERNEL_GEMM] = "ops_gemm",
	[OPS_KERNEL_UNARY] = "ops_unary",
	[OPS_KERNEL_BINARY] = "ops_binary",
	[OPS_KERNEL_BIAS] = "ops_bias",
	[OPS_KERNEL_CONVERT] = "ops_convert",
	[OPS_KERNEL_QUANTIZE] = "ops_quantize",
	[OPS_KERNEL_SOFTMAX] = "ops_softmax",
	[OPS_KERNEL_XENT] = "ops_xent",
	[OPS_KERNEL_REDUCE_ROWS] = "ops_reduce_rows",
	[OPS_KERNEL_REDUCE_COLUMNS] = "ops_reduce_columns",
	[OPS_KERNEL_TRANSPOSE] = "ops_transpose",
	[OPS_KERNEL_SGD] = "ops_sgd",
	[OPS_KERNEL_MUL_MAT] = "ops_mul_mat",
	[OPS_KERNEL_ACTIVATE] = "ops_activate",
	[OPS_KERNEL_UNPACK] = "ops_unpack",
	[OPS_KERNEL_ROPE] = "ops_rope",
	[OPS_KERNEL_SOFT_MAX] = "ops_soft_max",
	[OPS_KERNEL_ATTENTION] = "ops_attention",
	[OPS_KERNEL_MAP] = "ops_map",
	[OPS_KERNEL_ZIP] = "ops_zip",
	[OPS_KERNEL_GLU] = "ops_glu",
	[OPS_KERNEL_COPY] = "ops_copy",
	[OPS_KERNEL_GET_ROWS] = "ops_get_rows",
	[OPS_KERNEL_SET_ROWS] = "ops_set_rows",
	[OPS_KERNEL_NORM] = "ops_norm",
	[OPS_KERNEL_SUM_ROWS] = "ops_sum_rows",
	[OPS_KERNEL_REPEAT] = "ops_repeat",
	[OPS_KERNEL_PAD] = "ops_pad",
	[OPS_KERNEL_ARGSORT] = "ops_argsort",
	[OPS_KERNEL_TOP_K] = "ops_top_k",
	[OPS_KERNEL_POOL] = "ops_pool",
	[OPS_KERNEL_IM2COL] = "ops_im2col",
	[OPS_KERNEL_SEQUENCE] = "ops_sequence",
};

#define GUARD	4096u	/* between the scratchpad that a launch asks for and its stack */

static _Thread_local char ops_error[256];

const char *gaon_ops_last_error(void)
{
	return ops_error;
}

enum gaon_status ops_fail(enum gaon_status status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(ops_error, sizeof(ops_error), format, list);
	va_end(list);
	return status;
}

enum gaon_status gaon_ops_create(struct gaon_device *dev, struct gaon_ops **out)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	enum gaon_status status;
	struct gaon_ops *ops;

	if (!out)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "gaon_ops_create: ops is NULL");
	status = gaon_device_get_info(dev, &info);
	if (status)
		return status;
	ops = calloc(1, sizeof(*ops));
	if (!ops)
		return GAON_ERROR_OUT_OF_MEMORY;
	ops->cores = info.cores;
	ops->spm_bytes = info.spm_bytes;
	ops->gemm_memory = info.gemm_memory;
	status = gaon_device_retain(dev);
	if (status)
		goto err_free;
	ops->dev = dev;
	status = gaon_module_load(dev, ops_image, sizeof(ops_image), &ops->module);
	if (status)
		goto err_device;
	for (int i = 0; i < OPS_KERNELS; i++) {
		status = gaon_module_get_kernel(ops->module, ops_names[i], &ops->kernels[i]);
		if (status)
			goto err_module;
	}
	*out = ops;
	return GAON_OK;

err_module:
	gaon_module_unload(ops->module);
err_device:
	gaon_device_close(dev);
err_free:
	free(ops);
	return status;
}

void gaon_ops_destroy(struct gaon_ops *ops)
{
	if (!ops)
		return;
	gaon_module_unload(ops->module);
	gaon_device_close(ops->dev);
	free(ops);
}

bool ops_area(uint64_t rows, uint64_t columns, uint64_t *area)
{
	return !__builtin_mul_overflow(rows, columns, area) && *area <= 1ull << 48;
}

uint32_t ops_type_unit(uint8_t type, uint32_t *elements)
{
	*elements = type & 0x40 ? GAON_BLOCK_K : 1;
	switch (type) {
	case GAON_TYPE_I8: return 1;
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16: return 2;
	case GAON_TYPE_F32:
	case GAON_TYPE_I32: return 4;
	case GAON_TYPE_Q4_0:
	case GAON_TYPE_Q4_0_R16: return 18;
	case GAON_TYPE_Q4_1:
	case GAON_TYPE_Q4_1_R16: return 20;
	case GAON_TYPE_Q8_0:
	case GAON_TYPE_Q8_0_R16: return 34;
	case GAON_TYPE_Q8A: return 40;
	default: return 0;
	}
}

static enum gaon_status check_one(struct gaon_ops *ops, const struct ops_operand *o)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	uint64_t bytes;
	enum gaon_status status;

	if (__builtin_mul_overflow(o->count, o->element, &bytes))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: too large", o->name);
	status = gaon_address_get_info(ops->dev, o->va, &info);
	if (status == GAON_ERROR_INVALID_ADDRESS || (!status && o->va - info.va > info.bytes) ||
	    (!status && bytes > info.bytes - (o->va - info.va)))
		return ops_fail(GAON_ERROR_INVALID_ADDRESS,
				"%s: %llu bytes at 0x%llx are not inside one allocation", o->name,
				(unsigned long long)bytes, (unsigned long long)o->va);
	return status;
}

enum gaon_status ops_check(struct gaon_ops *ops, const struct ops_operand *operands,
			   unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		enum gaon_status status = check_one(ops, &operands[i]);

		if (status)
			return status;
	}
	return GAON_OK;
}

enum gaon_status ops_launch(struct gaon_ops *ops, struct gaon_stream *stream,
			    enum ops_kernel kernel, const void *args, size_t args_size,
			    uint64_t items, uint32_t spm_bytes)
{
	struct gaon_launch launch = {
		.size = sizeof(launch),
		.grid = { items < ops->cores ? (uint32_t)items : ops->cores, 1, 1 },
		.args = args,
		.args_size = args_size,
		.spm_bytes = spm_bytes,
	};
	bool taken = false;
	enum gaon_status status = ops_sequence_take(ops, stream, kernel, &launch, &taken);

	return status || taken ? status : gaon_launch(stream, ops->kernels[kernel], &launch);
}

/* What a launch of @kernel with @spm_bytes takes of a core's scratchpad. */
static uint64_t launch_bytes(const struct gaon_ops *ops, enum ops_kernel kernel, uint32_t spm_bytes)
{
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };

	/* It fails for what is no kernel only. */
	gaon_kernel_get_desc(ops->kernels[kernel], &desc);
	return (uint64_t)(spm_bytes ? spm_bytes : desc.spm_bytes) + desc.stack_bytes + GUARD;
}

uint64_t gaon_ops_scratchpad(const struct gaon_ops *ops)
{
	uint64_t most = 0;

	for (int i = 0; i < OPS_KERNELS; i++) {
		uint64_t bytes = launch_bytes(ops, (enum ops_kernel)i, 0);

		most = bytes > most ? bytes : most;
	}
	return most;
}

enum gaon_status ops_launch_room(const struct gaon_ops *ops, const char *call, enum ops_kernel kernel,
				 uint32_t spm_bytes)
{
	uint64_t needed = launch_bytes(ops, kernel, spm_bytes);

	if (needed <= ops->spm_bytes)
		return GAON_OK;
	return ops_fail(GAON_ERROR_LIMIT, "%s: %llu bytes of scratchpad are needed, a core has %llu", call,
			(unsigned long long)needed, (unsigned long long)ops->spm_bytes);
}
