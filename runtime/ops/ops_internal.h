/* SPDX-License-Identifier: MIT */
/* What the launchers share. */
#ifndef GAON_OPS_INTERNAL_H
#define GAON_OPS_INTERNAL_H

#include <gaon/ops.h>

#include "kernels/ops_args.h"

enum ops_kernel {
	OPS_KERNEL_GEMM,
	OPS_KERNEL_UNARY,
	OPS_KERNEL_BINARY,
	OPS_KERNEL_BIAS,
	OPS_KERNEL_CONVERT,
	OPS_KERNEL_QUANTIZE,
	OPS_KERNEL_SOFTMAX,
	OPS_KERNEL_XENT,
	OPS_KERNEL_REDUCE_ROWS,
	OPS_KERNEL_REDUCE_COLUMNS,
	OPS_KERNEL_TRANSPOSE,
	OPS_KERNEL_SGD,
	OPS_KERNEL_MUL_MAT,
	OPS_KERNEL_ACTIVATE,
	OPS_KERNEL_UNPACK,
	OPS_KERNEL_ROPE,
	OPS_KERNEL_SOFT_MAX,
	OPS_KERNEL_ATTENTION,
	OPS_KERNEL_MAP,
	OPS_KERNEL_ZIP,
	OPS_KERNEL_GLU,
	OPS_KERNEL_COPY,
	OPS_KERNEL_GET_ROWS,
	OPS_KERNEL_SET_ROWS,
	OPS_KERNEL_NORM,
	OPS_KERNEL_SUM_ROWS,
	OPS_KERNEL_REPEAT,
	OPS_KERNEL_PAD,
	OPS_KERNEL_ARGSORT,
	OPS_KERNEL_TOP_K,
	OPS_KERNEL_POOL,
	OPS_KERNEL_IM2COL,
	OPS_KERNELS,
};

struct gaon_ops {
	struct gaon_device *dev;	/* a reference of our own */
	struct gaon_module *module;
	struct gaon_kernel *kernels[OPS_KERNELS];
	uint32_t cores;
	uint64_t spm_bytes;		/* of a core */
};

/* Record the sentence for gaon_ops_last_error(); returns @status. */
enum gaon_status ops_fail(enum gaon_status status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One operand: @count elements of @element bytes at @va; what the error calls it. */
struct ops_operand {
	const char *name;
	uint64_t va;
	uint64_t count, element;
};

/* GAON_OK if every operand with a non-zero address lies inside an allocation of the device. */
enum gaon_status ops_check(struct gaon_ops *ops, const struct ops_operand *operands,
			   unsigned int count);

/* Launch with as many workgroups as cores, but no more than @items of work. */
enum gaon_status ops_launch(struct gaon_ops *ops, struct gaon_stream *stream,
			    enum ops_kernel kernel, const void *args, size_t args_size,
			    uint64_t items, uint32_t spm_bytes);

/* The kernels' number of an operation; false: there is none. */
bool ops_unary_op(enum gaon_ops_unary op, uint32_t *kernel_op);
bool ops_binary_op(enum gaon_ops_binary op, uint32_t *kernel_op);

/* rows * columns, or false if that is more than 2^48 */
bool ops_area(uint64_t rows, uint64_t columns, uint64_t *area);

/* Bytes of a block (32 elements) or element, and elements per unit (32 or 1); 0 for an unknown type. */
uint32_t ops_type_unit(uint8_t type, uint32_t *elements);

#endif
