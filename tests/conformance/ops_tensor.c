// SPDX-License-Identifier: MIT
/*
 * Tensors themselves: types, dense strides, what a view reaches; against marking every byte.  And every
 * operator with operands that make little sense.
 */
#include "ops_common.h"

#include <stdlib.h>
#include <string.h>

#include <gaon/tensor.h>

/* As GGUF has them: bytes and elements of a block. */
static const struct {
	uint8_t type;
	const char *name;
	uint32_t bytes, elements;
} types[] = {
	{ GAON_TYPE_F32, "f32", 4, 1 },		{ GAON_TYPE_F16, "f16", 2, 1 },
	{ GAON_TYPE_BF16, "bf16", 2, 1 },	{ GAON_TYPE_I8, "i8", 1, 1 },
	{ GAON_TYPE_I32, "i32", 4, 1 },		{ GAON_TENSOR_I64, "i64", 8, 1 },
	{ GAON_TYPE_Q4_0, "q4_0", 18, 32 },	{ GAON_TYPE_Q4_1, "q4_1", 20, 32 },
	{ GAON_TYPE_Q8_0, "q8_0", 34, 32 },	{ GAON_TENSOR_Q4_K, "q4_K", 144, 256 },
	{ GAON_TENSOR_Q5_K, "q5_K", 176, 256 },	{ GAON_TENSOR_Q6_K, "q6_K", 210, 256 },
};
#define TYPES	(sizeof(types) / sizeof(types[0]))

START_TEST(tensor_types)
{
	unsigned int known = 0;

	for (unsigned int type = 0; type < 256; type++) {
		uint32_t elements = 77, bytes = gaon_tensor_type_bytes((uint8_t)type, &elements);

		ck_assert_int_eq(bytes != 0, gaon_tensor_type_name((uint8_t)type) != NULL);
		ck_assert_uint_eq(bytes, gaon_tensor_type_bytes((uint8_t)type, NULL));
		known += bytes != 0;
	}
	ck_assert_uint_eq(known, TYPES);
	for (unsigned int i = 0; i < TYPES; i++) {
		uint32_t elements;

		ck_assert_uint_eq(gaon_tensor_type_bytes(types[i].type, &elements), types[i].bytes);
		ck_assert_uint_eq(elements, types[i].elements);
		ck_assert_str_eq(gaon_tensor_type_name(types[i].type), types[i].name);
	}
}
END_TEST

/* Bytes from the first to behind the last that an element has; *dense: all of them used once, in order. */
static uint64_t reach(const struct gaon_tensor *t, uint32_t bytes, uint32_t elements, bool *dense)
{
	uint64_t end = 0, next = 0;

	*dense = true;
	for (uint64_t i3 = 0; i3 < t->ne[3]; i3++)
		for (uint64_t i2 = 0; i2 < t->ne[2]; i2++)
			for (uint64_t i1 = 0; i1 < t->ne[1]; i1++)
				for (uint64_t i0 = 0; i0 < t->ne[0] / elements; i0++) {
					uint64_t at = i0 * t->nb[0] + i1 * t->nb[1] + i2 * t->nb[2] +
						      i3 * t->nb[3];

					*dense &= at == next;
					next = at + bytes;
					end = next > end ? next : end;
				}
	return end;
}

START_TEST(tensor_spans)
{
	for (int i = 0; i < 3000; i++) {
		uint32_t k = ops_random_in(0, TYPES - 1), swap = ops_random_in(0, 3);
		uint64_t ne[4], span = 77;
		struct gaon_tensor t;
		bool dense;

		for (int d = 0; d < 4; d++)
			ne[d] = ops_random_in(i % 7 == 0 ? 0 : 1, 5);
		ne[0] *= types[k].elements;
		ck_assert(gaon_tensor_dense(&t, 4096, types[k].type, ne));
		ck_assert_uint_eq(t.va, 4096);
		if (ops_random_in(0, 1)) {		/* permuted */
			uint64_t nb = t.nb[swap];

			t.nb[swap] = t.nb[0];
			t.nb[0] = nb;
		}
		if (ops_random_in(0, 2) == 0)		/* padded, repeated */
			t.nb[ops_random_in(0, 3)] = types[k].bytes * ops_random_in(0, 40);
		ck_assert(gaon_tensor_span(&t, &span));
		ck_assert_uint_eq(span, reach(&t, types[k].bytes, types[k].elements, &dense));
		if (span)
			ck_assert_int_eq(gaon_tensor_is_dense(&t), dense);
	}
}
END_TEST

START_TEST(tensor_refusals)
{
	struct gaon_tensor t, untouched;
	uint64_t span;

	memset(&untouched, 0x5a, sizeof(untouched));
	t = untouched;
	ck_assert(!gaon_tensor_dense(&t, 0, 0x77, (uint64_t[]){ 32, 1, 1, 1 }));
	ck_assert(!gaon_tensor_dense(&t, 0, GAON_TYPE_Q4_0, (uint64_t[]){ 33, 1, 1, 1 }));
	ck_assert(!gaon_tensor_dense(&t, 0, GAON_TENSOR_Q6_K, (uint64_t[]){ 32, 1, 1, 1 }));
	ck_assert(!gaon_tensor_dense(&t, 0, GAON_TYPE_F32, (uint64_t[]){ 1ull << 46, 2, 1, 1 }));
	ck_assert(!gaon_tensor_dense(&t, 0, GAON_TYPE_F32, (uint64_t[]){ UINT64_MAX, 1, 1, 1 }));
	ck_assert(!gaon_tensor_dense(&t, 0, GAON_TYPE_F32, (uint64_t[]){ 1ull << 62, 4, 4, 1 }));
	ck_assert_mem_eq(&t, &untouched, sizeof(t));
	ck_assert(gaon_tensor_dense(&t, 0, GAON_TYPE_F32, (uint64_t[]){ 1ull << 46, 1, 1, 1 }));
	ck_assert(gaon_tensor_span(&t, &span));
	ck_assert_uint_eq(span, 1ull << 48);
	t.ne[1] = 2;
	t.nb[1] = 4;
	ck_assert(!gaon_tensor_span(&t, &span));
	t.ne[0] = 4;
	t.nb[1] = UINT64_MAX - 3;
	ck_assert(!gaon_tensor_span(&t, &span));
	t.nb[1] = 1ull << 63;
	t.ne[1] = 3;
	ck_assert(!gaon_tensor_span(&t, &span));
	ck_assert(!gaon_tensor_is_dense(&t));
	t.type = 0;
	ck_assert(!gaon_tensor_span(&t, &span));
	ck_assert(!gaon_tensor_is_dense(&t));
	ck_assert_uint_eq(span, 1ull << 48);
}
END_TEST

/* --- operands that make little sense ---------------------------------------------------------- */

#define ROOM	(1u << 21)

static uint64_t sometimes_huge(void)
{
	static const uint64_t huge[] = { 1ull << 31, 1ull << 32, 1ull << 48, 1ull << 62, UINT64_MAX, 0,
					 0x4000000000000001ull, 65537 };

	return ops_random_in(0, 30) ? ops_random_in(1, 9) : huge[ops_random_in(0, 7)];
}

/* Mostly a tensor of @type, or one like @like; now and then anything at all. */
static struct gaon_tensor odd_tensor(uint64_t va, const struct gaon_tensor *like, uint8_t type)
{
	struct gaon_tensor t = { .va = va + ops_random_in(0, 4) * 65536, .type = type };
	uint32_t elements, bytes;

	if (ops_random_in(0, 25) == 0)
		t.type = types[ops_random_in(0, TYPES - 1)].type;
	bytes = gaon_tensor_type_bytes(t.type, &elements);
	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		t.ne[i] = like ? like->ne[i] : sometimes_huge() * (i ? 1 : elements);
	if (like && ops_random_in(0, 2) == 0)
		t.ne[ops_random_in(0, 3)] = sometimes_huge();
	gaon_tensor_dense(&t, t.va, t.type, t.ne);
	while (ops_random_in(0, 3) == 0)
		t.nb[ops_random_in(0, 3)] = bytes * sometimes_huge();
	if (ops_random_in(0, 20) == 0)
		t.va += ops_random_in(0, ROOM);
	if (ops_random_in(0, 60) == 0)
		t.type = (uint8_t)ops_random();
	return t;
}

#define CALL(call, supports)								\
	do {										\
		status = (call);							\
		said = (supports);							\
	} while (0)

/* One call with odd operands; whether it was taken. */
static bool odd_call(uint64_t va, uint64_t index_va)
{
	static const uint8_t usual[] = { GAON_TYPE_F32, GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_Q8_0 };
	struct gaon_tensor y = odd_tensor(va, NULL, usual[ops_random_in(0, 3)]);
	struct gaon_tensor a = odd_tensor(va, &y, y.type), b = odd_tensor(va, &y, y.type);
	struct gaon_tensor index = odd_tensor(index_va, NULL, GAON_TYPE_I32);
	struct gaon_ops_window w = { .size = sizeof(w) };
	uint64_t before[] = { sometimes_huge() - 1, 0, 0, ops_random_in(0, 1) };
	uint32_t op = ops_random_in(0, 3), dim = ops_random_in(0, 4);
	struct gaon_stream *to = ops_t.stream;
	struct gaon_ops *ops = ops_t.ops;
	enum gaon_status status;
	bool said;

	for (int i = 0; i < 2; i++) {
		w.kernel[i] = (uint32_t)sometimes_huge();
		w.stride[i] = (uint32_t)sometimes_huge();
		w.pad[i] = (uint32_t)sometimes_huge() - 1;
		w.dilation[i] = ops_random_in(1, 2);
	}
	switch (ops_random_in(0, 15)) {
	case 0: CALL(gaon_ops_map(ops, to, op, &y, &a, 1, 2), gaon_ops_map_supports(op, &y, &a)); break;
	case 1: CALL(gaon_ops_zip(ops, to, op, &y, &a, &b), gaon_ops_zip_supports(op, &y, &a, &b)); break;
	case 2: CALL(gaon_ops_glu(ops, to, op, &y, &a, &b, false, 1, 1),
		     gaon_ops_glu_supports(op, &y, &a, &b)); break;
	case 3: a.ne[0] *= 2;
		CALL(gaon_ops_glu(ops, to, op, &y, &a, NULL, true, 1, 1),
		     gaon_ops_glu_supports(op, &y, &a, NULL)); break;
	case 4: a.type = usual[op];
		CALL(gaon_ops_copy(ops, to, &y, &a), gaon_ops_copy_supports(&y, &a)); break;
	case 5: index.ne[0] = y.ne[1], index.ne[1] = y.ne[2], index.ne[2] = y.ne[3], index.ne[3] = 1;
		CALL(gaon_ops_get_rows(ops, to, &y, &a, &index), gaon_ops_get_rows_supports(&y, &a, &index));
		break;
	case 6: index.ne[0] = a.ne[1], index.ne[1] = index.ne[2] = index.ne[3] = 1;
		CALL(gaon_ops_set_rows(ops, to, &y, &a, &index), gaon_ops_set_rows_supports(&y, &a, &index));
		break;
	case 7: b.ne[1] = b.ne[2] = b.ne[3] = 1;
		CALL(gaon_ops_rms_norm(ops, to, &y, &a, &b, 1), gaon_ops_rms_norm_supports(&y, &a, &b, 1));
		break;
	case 8: CALL(gaon_ops_norm(ops, to, &y, &a, 1), gaon_ops_norm_supports(&y, &a, 1)); break;
	case 9: y.ne[0] = 1;
		CALL(gaon_ops_sum_rows(ops, to, &y, &a, 1), gaon_ops_sum_rows_supports(&y, &a)); break;
	case 10: y.ne[dim & 3] += b.ne[dim & 3];
		CALL(gaon_ops_concat(ops, to, &y, &a, &b, dim), gaon_ops_concat_supports(&y, &a, &b, dim));
		break;
	case 11: a.ne[dim & 3] = 1;
		CALL(gaon_ops_repeat(ops, to, &y, &a), gaon_ops_repeat_supports(&y, &a)); break;
	case 12: y.ne[0] += before[0];
		CALL(gaon_ops_pad(ops, to, op, &y, &a, before), gaon_ops_pad_supports(op, &y, &a, before));
		break;
	case 13: a.type = GAON_TYPE_I32;
		CALL(gaon_ops_argsort(ops, to, &a, &y, false), gaon_ops_argsort_supports(&a, &y)); break;
	case 14: y.ne[0] = (a.ne[0] + 2ull * w.pad[0] - w.kernel[0]) / (w.stride[0] | !w.stride[0]) + 1;
		y.ne[1] = (a.ne[1] + 2ull * w.pad[1] - w.kernel[1]) / (w.stride[1] | !w.stride[1]) + 1;
		w.dilation[0] = w.dilation[1] = 1;
		CALL(gaon_ops_pool(ops, to, op, &y, &a, &w), gaon_ops_pool_supports(op, &y, &a, &w)); break;
	default: w.kernel[0] = w.kernel[1] = w.stride[0] = w.stride[1] = w.dilation[0] = w.dilation[1] = 1;
		w.pad[0] = w.pad[1] = 0;
		y.ne[0] = a.ne[2], y.ne[1] = a.ne[0], y.ne[2] = a.ne[1], y.ne[3] = a.ne[3];
		CALL(gaon_ops_im2col(ops, to, &y, &a, &w), gaon_ops_im2col_supports(&y, &a, &w));
	}
	/* What is supported can only be refused for where it lies. */
	ck_assert_msg(status == GAON_OK ? said : status == GAON_ERROR_INVALID_ADDRESS ||
		      status == GAON_ERROR_INVALID_ARGUMENT, "%s, %s", gaon_status_name(status),
		      gaon_ops_last_error());
	ck_assert(status != GAON_ERROR_INVALID_ADDRESS || said);
	return status == GAON_OK;
}

/* Whatever is taken runs without a fault, and what is beside the memory it was given stays. */
START_TEST(odd_operands)
{
	uint8_t *zero = ops_alloc(ROOM), *guard = ops_alloc(ROOM);
	uint64_t below = ops_put(zero, ROOM), va = ops_put(zero, ROOM), above = ops_put(zero, ROOM);
	unsigned int taken = 0;

	/* Indices lie where nothing is written to: zeros, which are rows of every table. */
	for (int i = 0; i < 4000; i++)
		taken += odd_call(va, below);
	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, guard, below, ROOM));
	ck_assert_mem_eq(guard, zero, ROOM);
	OPS_OK(gaon_mem_read(ops_t.dev, guard, above, ROOM));
	ck_assert_mem_eq(guard, zero, ROOM);
	ck_assert_uint_gt(taken, 400);
	ops_forget();
	free(zero);
	free(guard);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, tensor_types);
	tcase_add_test(t, tensor_spans);
	tcase_add_test(t, tensor_refusals);
	tcase_add_test(t, odd_operands);
}

int main(void)
{
	return ops_run("ops_tensor", add);
}
