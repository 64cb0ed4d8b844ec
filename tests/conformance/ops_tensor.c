// SPDX-License-Identifier: MIT
/* Tensors themselves: types, dense strides, what a view reaches; against marking every byte. */
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

static void add(TCase *t)
{
	tcase_add_test(t, tensor_types);
	tcase_add_test(t, tensor_spans);
	tcase_add_test(t, tensor_refusals);
}

int main(void)
{
	return ops_run("ops_tensor", add);
}
