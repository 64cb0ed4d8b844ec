/* SPDX-License-Identifier: MIT */
/* What the launchers of operators on tensors share. */
#ifndef GAON_OPS_TENSOR_INTERNAL_H
#define GAON_OPS_TENSOR_INTERNAL_H

#include <gaon/tensor.h>

#include "ops_internal.h"

/* One operand and what the error calls it. */
struct ops_tensor {
	const char *name;
	const struct gaon_tensor *t;
	bool written;			/* no two elements may share bytes */
};

/*
 * GAON_OK if each operand is there, has a type, whole blocks, strides that are multiples of its
 * alignment and a span below 2^48; addresses are not looked at.  Errors begin with @call.
 */
enum gaon_status ops_tensor_valid(const char *call, const struct ops_tensor *operands,
				  unsigned int count);

/* GAON_OK if each (valid) operand is aligned and inside one allocation of the device. */
enum gaon_status ops_tensor_check(struct gaon_ops *ops, const char *call,
				  const struct ops_tensor *operands, unsigned int count);

/* A refusal of @call: INVALID_ARGUMENT with "@call: " in front of the sentence. */
#define OPS_REFUSE(call, format, ...)	\
	ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: " format, call, ##__VA_ARGS__)

/* F32, F16 or BF16. */
bool ops_tensor_is_float(const struct gaon_tensor *t);
/* Blocks of values that the kernels unpack, and pack. */
bool ops_tensor_is_packed(const struct gaon_tensor *t);
/* Super-blocks, which they only unpack. */
bool ops_tensor_is_super(const struct gaon_tensor *t);

/* --- what a kernel gets ------------------------------------------------------------------------ */

/* Gives strides that have no meaning one: nb[0] of one block its size, the others 0. */
void ops_tensor_normalise(struct gaon_tensor *t);
/*
 * Normalises all and joins dimensions that lie one after the other in each.  views[0] has the whole
 * shape; the others have it too or are repeated to fill it.
 */
void ops_tensor_join(struct gaon_tensor *const *views, unsigned int count);
/*
 * Puts the dimensions of all, which have the same shape or are repeated to it, in the order of
 * views[0]'s strides, the smallest first; not if one is in blocks. Normalised first.
 */
void ops_tensor_sort(struct gaon_tensor *const *views, unsigned int count);
/* ops_tensor_sort() and ops_tensor_join(): for what works on each element by itself. */
void ops_tensor_flatten(struct gaon_tensor *const *views, unsigned int count);
/* Dimensions @i and @k change places. */
void ops_tensor_swap(struct gaon_tensor *t, int i, int k);
/* @rows of both (normalised) are to be moved some at once: dense, short enough, more than one. */
bool ops_tensor_stages(const struct gaon_tensor *dst, const struct gaon_tensor *src, uint64_t rows);
/* Workgroups that rows of @t in parts of @part elements are worth. */
uint64_t ops_tensor_shares(const struct gaon_tensor *t, uint64_t part);

bool ops_tensor_empty(const struct gaon_tensor *t);
uint64_t ops_tensor_elements(const struct gaon_tensor *t);	/* of a valid one */
uint64_t ops_tensor_rows(const struct gaon_tensor *t);		/* ne[1] * ne[2] * ne[3] */
bool ops_tensor_same_shape(const struct gaon_tensor *a, const struct gaon_tensor *b);
/* Each dimension of @whole is a multiple of @part's: ggml_can_repeat(). */
bool ops_tensor_repeats(const struct gaon_tensor *part, const struct gaon_tensor *whole);
/* Elements of a row, or its blocks, lie one after the other. */
bool ops_tensor_dense_rows(const struct gaon_tensor *t);

/* "[576 3 1 1] f32" for errors; valid until the thread's fourth call after it. */
const char *ops_tensor_text(const struct gaon_tensor *t);

#endif
