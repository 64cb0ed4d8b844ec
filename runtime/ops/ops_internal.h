/* SPDX-License-Identifier: MIT */
/* What the launchers share. */
#ifndef GAON_OPS_INTERNAL_H
#define GAON_OPS_INTERNAL_H

#include <gaon/ops.h>

#include "kernels/ops_args.h"

struct gaon_ops {
	struct gaon_device *dev;	/* a reference of our own */
	struct gaon_module *module;
	struct gaon_kernel *kernels[OPS_KERNELS];
	uint32_t cores;
	uint64_t spm_bytes;		/* of a core */
	bool gemm_memory;		/* the matrix unit reads weights from memory */
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

/*
 * GAON_OK if a core's scratchpad has room for a launch of @kernel with @spm_bytes (0: its static part)
 * beside the stack; LIMIT with @call and the numbers in the sentence if not.
 */
enum gaon_status ops_launch_room(const struct gaon_ops *ops, const char *call, enum ops_kernel kernel,
				 uint32_t spm_bytes);

/*
 * The sequence that this thread makes takes @launch if it is one of @stream: *@taken.  Otherwise what it
 * has taken before is launched, so that the order stays.  Without a sequence nothing happens.
 */
enum gaon_status ops_sequence_take(struct gaon_ops *ops, struct gaon_stream *stream,
				   enum ops_kernel kernel, const struct gaon_launch *launch, bool *taken);
/* The same before something that is no launch. */
enum gaon_status ops_sequence_pass(struct gaon_stream *stream);
/*
 * Workgroups of the sequence that this thread makes of what it gives to @stream, 0 if it makes none, for
 * another stream or with other ops: then a launch has a grid of its own.  @stream may be NULL.
 */
uint32_t ops_sequence_groups(const struct gaon_ops *ops, const struct gaon_stream *stream);
/* The step of @stream's sequence that comes next waits for all before it, whatever the caller said. */
void ops_sequence_meet(struct gaon_stream *stream);

/* The kernels' number of an operation; false: there is none. */
bool ops_unary_op(enum gaon_ops_unary op, uint32_t *kernel_op);
bool ops_binary_op(enum gaon_ops_binary op, uint32_t *kernel_op);

/* rows * columns, or false if that is more than 2^48 */
bool ops_area(uint64_t rows, uint64_t columns, uint64_t *area);

/* Bytes of a block (32 elements) or element, and elements per unit (32 or 1); 0 for an unknown type. */
uint32_t ops_type_unit(uint8_t type, uint32_t *elements);

#endif
