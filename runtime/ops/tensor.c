// SPDX-License-Identifier: MIT
/* Tensors: their types, and the checks that every operator on them makes. */
#include "tensor_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define SPAN_MAX	(1ull << 48)

/* The matrix unit's types leave 0x30 to 0x3f and 0x60 to 0x7f to tensors. */
_Static_assert(GAON_TYPE_I32 < GAON_TENSOR_I64 && GAON_TENSOR_I64 < GAON_TYPE_Q4_0 &&
	       GAON_TYPE_Q8A < GAON_TENSOR_Q4_K && GAON_TENSOR_Q6_K < GAON_TYPE_ROWS16,
	       "a tensor type is one of the hardware's");

struct type {
	const char *name;
	uint16_t bytes, elements;	/* of a block; of an element and 1 */
	uint16_t align;
};

static const struct type types[256] = {
	[GAON_TYPE_F32] = { "f32", 4, 1, 4 },
	[GAON_TYPE_F16] = { "f16", 2, 1, 2 },
	[GAON_TYPE_BF16] = { "bf16", 2, 1, 2 },
	[GAON_TYPE_I8] = { "i8", 1, 1, 1 },
	[GAON_TYPE_I32] = { "i32", 4, 1, 4 },
	[GAON_TENSOR_I64] = { "i64", 8, 1, 8 },
	[GAON_TYPE_Q4_0] = { "q4_0", 18, GAON_BLOCK_K, 2 },
	[GAON_TYPE_Q4_1] = { "q4_1", 20, GAON_BLOCK_K, 2 },
	[GAON_TYPE_Q8_0] = { "q8_0", 34, GAON_BLOCK_K, 2 },
	[GAON_TENSOR_Q4_K] = { "q4_K", 144, GAON_TENSOR_SUPER_K, 2 },
	[GAON_TENSOR_Q5_K] = { "q5_K", 176, GAON_TENSOR_SUPER_K, 2 },
	[GAON_TENSOR_Q6_K] = { "q6_K", 210, GAON_TENSOR_SUPER_K, 2 },
};

const char *gaon_tensor_type_name(uint8_t type)
{
	return types[type].name;
}

uint32_t gaon_tensor_type_bytes(uint8_t type, uint32_t *elements)
{
	if (elements)
		*elements = types[type].elements;
	return types[type].bytes;
}

bool gaon_tensor_dense(struct gaon_tensor *tensor, uint64_t va, uint8_t type,
		       const uint64_t ne[GAON_TENSOR_DIMS])
{
	const struct type *of = &types[type];
	struct gaon_tensor t = { .va = va, .type = type };
	uint64_t at = of->bytes, units;

	if (!of->bytes || ne[0] % of->elements)
		return false;
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		t.ne[i] = ne[i];
		t.nb[i] = at;
		units = i ? ne[i] : ne[i] / of->elements;
		/* An empty dimension leaves the strides of the others as they would be. */
		if (__builtin_mul_overflow(at, units ? units : 1, &at) || at > SPAN_MAX)
			return false;
	}
	*tensor = t;
	return true;
}

bool gaon_tensor_is_dense(const struct gaon_tensor *tensor)
{
	struct gaon_tensor dense;

	if (!gaon_tensor_dense(&dense, 0, tensor->type, tensor->ne))
		return false;
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (tensor->nb[i] != dense.nb[i] &&
		    tensor->ne[i] > (i ? 1 : types[tensor->type].elements))
			return false;
	return true;
}

bool gaon_tensor_span(const struct gaon_tensor *tensor, uint64_t *bytes)
{
	const struct type *of = &types[tensor->type];
	uint64_t span = of->bytes;

	if (!of->bytes || tensor->ne[0] % of->elements)
		return false;
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		uint64_t units = i ? tensor->ne[i] : tensor->ne[i] / of->elements, reach;

		if (units > SPAN_MAX)
			return false;
		if (units < 2)
			continue;
		if (__builtin_mul_overflow(units - 1, tensor->nb[i], &reach) ||
		    __builtin_add_overflow(span, reach, &span) || span > SPAN_MAX)
			return false;
	}
	*bytes = ops_tensor_empty(tensor) ? 0 : span;
	return true;
}

bool ops_tensor_is_float(const struct gaon_tensor *t)
{
	return t->type == GAON_TYPE_F32 || t->type == GAON_TYPE_F16 || t->type == GAON_TYPE_BF16;
}

bool ops_tensor_is_packed(const struct gaon_tensor *t)
{
	return t->type == GAON_TYPE_Q4_0 || t->type == GAON_TYPE_Q4_1 || t->type == GAON_TYPE_Q8_0;
}

bool ops_tensor_is_super(const struct gaon_tensor *t)
{
	return types[t->type].elements == GAON_TENSOR_SUPER_K;
}

bool ops_tensor_empty(const struct gaon_tensor *t)
{
	return !t->ne[0] || !t->ne[1] || !t->ne[2] || !t->ne[3];
}

uint64_t ops_tensor_rows(const struct gaon_tensor *t)
{
	return t->ne[1] * t->ne[2] * t->ne[3];
}

uint64_t ops_tensor_elements(const struct gaon_tensor *t)
{
	return t->ne[0] * ops_tensor_rows(t);
}

bool ops_tensor_same_shape(const struct gaon_tensor *a, const struct gaon_tensor *b)
{
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (a->ne[i] != b->ne[i])
			return false;
	return true;
}

bool ops_tensor_repeats(const struct gaon_tensor *part, const struct gaon_tensor *whole)
{
	if (ops_tensor_empty(part))
		return ops_tensor_empty(whole);
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (whole->ne[i] % part->ne[i])
			return false;
	return true;
}

bool ops_tensor_dense_rows(const struct gaon_tensor *t)
{
	return t->ne[0] <= types[t->type].elements || t->nb[0] == types[t->type].bytes;
}

const char *ops_tensor_text(const struct gaon_tensor *t)
{
	static _Thread_local char text[4][112];
	static _Thread_local unsigned int next;
	char *to = text[next++ % 4];

	snprintf(to, sizeof(text[0]), "[%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "] %s",
		 t->ne[0], t->ne[1], t->ne[2], t->ne[3],
		 types[t->type].name ? types[t->type].name : "of no type");
	return to;
}

/* Dimensions from the smallest stride up: each must step over all that lies in those before. */
static bool overlaps_itself(const struct gaon_tensor *t)
{
	const struct type *of = &types[t->type];
	uint64_t covered = of->bytes, last = 0;
	bool seen[GAON_TENSOR_DIMS] = { false };

	for (int n = 0; n < GAON_TENSOR_DIMS; n++) {
		int next = -1;

		for (int i = 0; i < GAON_TENSOR_DIMS; i++)
			if (!seen[i] && (next < 0 || t->nb[i] < t->nb[next]))
				next = i;
		seen[next] = true;
		last = next ? t->ne[next] : t->ne[next] / of->elements;
		if (last < 2)
			continue;
		if (t->nb[next] < covered)
			return true;
		covered += (last - 1) * t->nb[next];
	}
	return false;
}

static enum gaon_status valid(const char *call, const struct ops_tensor *o)
{
	const struct gaon_tensor *t = o->t;
	const struct type *of;
	uint64_t span, elements = 1;

	if (!t)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, o->name);
	of = &types[t->type];
	if (!of->bytes)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: %s: 0x%02x is no tensor type", call,
				o->name, t->type);
	if (t->ne[0] % of->elements)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"%s: %s: %" PRIu64 " columns are not whole blocks of %u (%s)", call,
				o->name, t->ne[0], of->elements, of->name);
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (__builtin_mul_overflow(elements, t->ne[i], &elements))
			elements = UINT64_MAX;
	if (elements > SPAN_MAX || !gaon_tensor_span(t, &span))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, "%s: %s: %s is too large", call, o->name,
				ops_tensor_text(t));
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		if (t->ne[i] > (i ? 1 : of->elements) && t->nb[i] % of->align)
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
					"%s: %s: stride %" PRIu64 " of dimension %d is not a multiple of %u",
					call, o->name, t->nb[i], i, of->align);
	if (o->written && span && overlaps_itself(t))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				"%s: %s: %s with strides %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
				" overlaps itself", call, o->name, ops_tensor_text(t), t->nb[0],
				t->nb[1], t->nb[2], t->nb[3]);
	return GAON_OK;
}

enum gaon_status ops_tensor_valid(const char *call, const struct ops_tensor *operands,
				  unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		enum gaon_status status = valid(call, &operands[i]);

		if (status)
			return status;
	}
	return GAON_OK;
}

enum gaon_status ops_tensor_check(struct gaon_ops *ops, const char *call,
				  const struct ops_tensor *operands, unsigned int count)
{
	if (!ops)
		return ops_fail(GAON_ERROR_INVALID_HANDLE, "%s: ops is NULL", call);
	for (unsigned int i = 0; i < count; i++) {
		const struct gaon_tensor *t = operands[i].t;
		struct ops_operand o = { operands[i].name, t->va, 0, 1 };
		enum gaon_status status;

		if (ops_tensor_empty(t))
			continue;
		if (t->va % types[t->type].align)
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
					"%s: %s: address 0x%" PRIx64 " is not a multiple of %u", call,
					o.name, t->va, types[t->type].align);
		gaon_tensor_span(t, &o.count);
		status = ops_check(ops, &o, 1);
		if (status)
			return status;
	}
	return GAON_OK;
}
