// SPDX-License-Identifier: MIT
/* Concatenation, repetition and padding of tensors of any type and layout; all exact. */
#include "ops_views.h"

#include <string.h>

#define CASES	40

static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_I32, GAON_TENSOR_I64,
				 GAON_TYPE_Q8_0, GAON_TYPE_Q4_1 };

static void check_concat(uint8_t type, unsigned int dim, uint64_t most)
{
	uint64_t first[GAON_TENSOR_DIMS], second[GAON_TENSOR_DIMS], ne[GAON_TENSOR_DIMS];
	struct view a, b, y;
	uint32_t elements;
	double *want;

	gaon_tensor_type_bytes(type, &elements);
	view_shape(first, most);
	first[0] = (first[0] + elements - 1) / elements * elements;
	memcpy(second, first, sizeof(second));
	memcpy(ne, first, sizeof(ne));
	second[dim] = ops_random_in(1, 7) * (dim ? 1 : elements);
	ne[dim] += second[dim];
	a = view_make(type, first, view_layout(), 100);
	b = view_make(type, second, view_layout(), 100);
	y = view_make(type, ne, view_layout(), 100);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++) {
		struct view_place p = view_place_of(ne, e);
		bool in_a = p.i[dim] < first[dim];

		p.i[dim] -= in_a ? 0 : first[dim];
		want[e] = in_a ? view_get(&a, view_element_of(first, &p)) :
				 view_get(&b, view_element_of(second, &p));
	}
	ck_assert_msg(gaon_ops_concat_supports(&y.t, &a.t, &b.t, dim), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_concat(ops_t.ops, ops_t.stream, &y.t, &a.t, &b.t, dim));
	view_compare("concat", &y, want, 0, 0);
	ops_forget();
	view_free(&a);
	view_free(&b);
	view_free(&y);
}

START_TEST(concats)
{
	for (unsigned int i = 0; i < CASES; i++)
		check_concat(types[i % 6], i & 3, i % 10 ? 200 : 4000);
}
END_TEST

static void check_repeat(uint8_t type, uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	struct view x, y;
	double *want;

	view_shape(ne, most);
	view_part(part, ne);
	x = view_make(type, part, view_layout(), 100);
	y = view_make(type, ne, view_layout(), 100);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++)
		want[e] = view_get_repeated(&x, ne, e);
	ck_assert_msg(gaon_ops_repeat_supports(&y.t, &x.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_repeat(ops_t.ops, ops_t.stream, &y.t, &x.t));
	view_compare("repeat", &y, want, 0, 0);
	ops_forget();
	view_free(&x);
	view_free(&y);
}

START_TEST(repeats)
{
	for (unsigned int i = 0; i < CASES; i++)
		check_repeat(types[i % 4], i % 10 ? 300 : 20000);
}
END_TEST

/* The place in a dimension of @n that @i, counted from its first, shows; -1: zeros. */
static int64_t shown(enum gaon_ops_padding padding, int64_t i, int64_t n)
{
	if (i >= 0 && i < n)
		return i;
	if (padding == GAON_OPS_PAD_ZERO)
		return -1;
	if (padding == GAON_OPS_PAD_CIRCULAR)
		return (i % n + n) % n;
	return i < 0 ? -i : n - 1 - (i - (n - 1));
}

static void check_pad(enum gaon_ops_padding padding, uint8_t type, uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], inner[GAON_TENSOR_DIMS], before[GAON_TENSOR_DIMS];
	struct view x, y;
	double *want;

	view_shape(inner, most);
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		uint32_t top = padding == GAON_OPS_PAD_REFLECT ? (uint32_t)inner[i] - 1 : 5;
		uint64_t after = ops_random_in(0, top);

		before[i] = ops_random_in(0, top);
		if (i && ops_random_in(0, 1))
			before[i] = after = 0;
		ne[i] = before[i] + inner[i] + after;
	}
	x = view_make(type, inner, view_layout(), 100);
	y = view_make(type, ne, view_layout(), 100);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++) {
		struct view_place p = view_place_of(ne, e);
		bool there = true;

		for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
			int64_t at = shown(padding, (int64_t)p.i[i] - (int64_t)before[i],
					   (int64_t)inner[i]);

			there &= at >= 0;
			p.i[i] = (uint64_t)at;
		}
		want[e] = there ? view_get(&x, view_element_of(inner, &p)) : 0;
	}
	ck_assert_msg(gaon_ops_pad_supports(padding, &y.t, &x.t, before), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_pad(ops_t.ops, ops_t.stream, padding, &y.t, &x.t, before));
	view_compare("pad", &y, want, 0, 0);
	ops_forget();
	view_free(&x);
	view_free(&y);
}

START_TEST(pads)
{
	for (unsigned int i = 0; i < CASES; i++)
		check_pad((enum gaon_ops_padding)(i % 3), types[i % 4], i % 10 ? 20 : 500);
}
END_TEST

START_TEST(refusals)
{
	uint64_t va = ops_put(NULL, 65536), none[GAON_TENSOR_DIMS] = { 0 };
	struct gaon_tensor a, b, y;

	ck_assert(gaon_tensor_dense(&a, va, GAON_TYPE_F32, VIEW_NE(16, 4, 2, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(16, 8, 2, 1)));
	b = a;
	ck_assert(gaon_ops_concat_supports(&y, &a, &b, 1));
	ck_assert(!gaon_ops_concat_supports(&y, &a, &b, 2));
	ck_assert(!gaon_ops_concat_supports(&y, &a, &b, 4));
	b.type = GAON_TYPE_I32;
	ck_assert(!gaon_ops_concat_supports(&y, &a, &b, 1));
	ck_assert(gaon_ops_repeat_supports(&y, &a));
	ck_assert(!gaon_ops_repeat_supports(&y, &b));
	ck_assert(!gaon_ops_repeat_supports(&a, &y));
	ck_assert(gaon_ops_pad_supports(GAON_OPS_PAD_ZERO, &y, &a, none));
	ck_assert(!gaon_ops_pad_supports(GAON_OPS_PAD_REFLECT, &y, &a, none));	/* 4 behind 4 */
	ck_assert(!gaon_ops_pad_supports((enum gaon_ops_padding)3, &y, &a, none));
	ck_assert(!gaon_ops_pad_supports(GAON_OPS_PAD_ZERO, &y, &a, VIEW_NE(0, 5, 0, 0)));
	ck_assert(!gaon_ops_pad_supports(GAON_OPS_PAD_ZERO, &y, &a, VIEW_NE(UINT64_MAX, 0, 0, 0)));
	ck_assert(strstr(gaon_ops_last_error(), "does not fit") != NULL);
	ck_assert(!gaon_ops_pad_supports(GAON_OPS_PAD_ZERO, &a, &y, none));
	y.va = va + (1u << 21) - 64;
	ck_assert_int_eq(gaon_ops_pad(ops_t.ops, ops_t.stream, GAON_OPS_PAD_ZERO, &y, &a, none),
			 GAON_ERROR_INVALID_ADDRESS);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, concats);
	tcase_add_test(t, repeats);
	tcase_add_test(t, pads);
	tcase_add_test(t, refusals);
}

int main(void)
{
	return ops_run("ops_layout", add);
}
