// SPDX-License-Identifier: MIT
/* Order of the elements of rows, against the C library's sort. */
#include "ops_views.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASES	40

static const struct view *sorted;	/* what compare() looks at */
static bool falling;

static int compare(const void *a, const void *b)
{
	uint64_t i = *(const uint64_t *)a, k = *(const uint64_t *)b;
	double x = view_get(sorted, i), y = view_get(sorted, k);

	if (x != y)
		return (x < y) == falling ? 1 : -1;
	return i < k ? -1 : 1;
}

/* Random, many of them equal if @equal; infinities among them, no zeros of either sign. */
static struct view make_rows(const uint64_t ne[GAON_TENSOR_DIMS], bool equal)
{
	struct view x = view_make(GAON_TYPE_F32, ne, view_layout(), 100);

	for (uint64_t e = 0; e < x.count; e++) {
		if (equal)
			view_set(&x, e, (double)ops_random_in(1, 5) - 2.5);
		if (ops_random_in(0, 50) == 0)
			view_set(&x, e, ops_random_in(0, 1) ? INFINITY : -INFINITY);
	}
	view_upload(&x);
	return x;
}

/* Rows whose elements are side by side. */
static struct view make_places(const uint64_t ne[GAON_TENSOR_DIMS])
{
	return view_make(GAON_TYPE_I32, ne, VIEW_DENSE, 100);
}

static void order(const struct view *x, uint64_t first, uint64_t n, bool descending, uint64_t *places)
{
	for (uint64_t i = 0; i < n; i++)
		places[i] = first + i;
	sorted = x;
	falling = descending;
	qsort(places, n, sizeof(*places), compare);
	for (uint64_t i = 0; i < n; i++)
		places[i] -= first;
}

static void check_argsort(uint64_t most)
{
	bool descending = ops_random_in(0, 1);
	uint64_t ne[GAON_TENSOR_DIMS], *places;
	struct view x, y;
	double *want;

	view_shape(ne, most);
	x = make_rows(ne, ops_random_in(0, 1));
	y = make_places(ne);
	want = ops_alloc(x.count * sizeof(*want));
	places = ops_alloc(ne[0] * sizeof(*places));
	for (uint64_t row = 0; row < x.count; row += ne[0]) {
		order(&x, row, ne[0], descending, places);
		for (uint64_t i = 0; i < ne[0]; i++)
			want[row + i] = (double)places[i];
	}
	ck_assert_msg(gaon_ops_argsort_supports(&y.t, &x.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_argsort(ops_t.ops, ops_t.stream, &y.t, &x.t, descending));
	view_compare("argsort", &y, want, 0, 0);
	ops_forget();
	free(places);
	view_free(&x);
	view_free(&y);
}

START_TEST(argsorts)
{
	for (int i = 0; i < CASES; i++)
		check_argsort(i % 8 ? 300 : 3000);
	check_argsort(60000);
}
END_TEST

static int compare_places(const void *a, const void *b)
{
	return *(const uint64_t *)a < *(const uint64_t *)b ? -1 : 1;
}

static void check_top_k(uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], *places, k;
	struct view x, y;
	double *want;

	view_shape(ne, most);
	k = ops_random_in(1, (uint32_t)(ops_random_in(0, 2) && ne[0] > 40 ? 40 : ne[0]));
	x = make_rows(ne, ops_random_in(0, 1));
	y = make_places(VIEW_NE(k, ne[1], ne[2], ne[3]));
	want = ops_alloc(y.count * sizeof(*want));
	places = ops_alloc(ne[0] * sizeof(*places));
	for (uint64_t row = 0; row < x.count / ne[0]; row++) {
		order(&x, row * ne[0], ne[0], true, places);
		qsort(places, k, sizeof(*places), compare_places);
		for (uint64_t i = 0; i < k; i++)
			want[row * k + i] = (double)places[i];
	}
	ck_assert_msg(gaon_ops_top_k_supports(&y.t, &x.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_top_k(ops_t.ops, ops_t.stream, &y.t, &x.t));
	view_compare("top_k", &y, want, 0, 0);
	ops_forget();
	free(places);
	view_free(&x);
	view_free(&y);
}

START_TEST(top_ks)
{
	for (int i = 0; i < CASES; i++)
		check_top_k(i % 8 ? 300 : 3000);
	check_top_k(60000);
}
END_TEST

/* On both sides of what a small scratchpad has room for, the answer before is that of the call. */
START_TEST(small_scratchpad)
{
	uint64_t most = 1, over = (1u << 18) + 1, bytes = 4ull << 18, from, to;
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_tensor x, y;

	ops_test_reopen("GAON_SIM_SPM", "256K");
	OPS_OK(gaon_device_get_info(ops_t.dev, &info));
	from = ops_put(NULL, bytes);
	to = ops_put(NULL, bytes);
	while (over - most > 1) {
		uint64_t n = (most + over) / 2;

		ck_assert(gaon_tensor_dense(&x, from, GAON_TYPE_F32, VIEW_NE(n, 1, 1, 1)));
		ck_assert(gaon_tensor_dense(&y, to, GAON_TYPE_I32, VIEW_NE(n, 1, 1, 1)));
		ck_assert_int_eq(gaon_ops_argsort_fits(ops_t.ops, &y, &x),
				 gaon_ops_top_k_fits(ops_t.ops, &y, &x));
		*(gaon_ops_argsort_fits(ops_t.ops, &y, &x) ? &most : &over) = n;
	}
	for (uint64_t n = most; n <= over && n <= 1u << 18; n++) {
		enum gaon_status want = n == most ? GAON_OK : GAON_ERROR_LIMIT;

		ck_assert(gaon_tensor_dense(&x, from, GAON_TYPE_F32, VIEW_NE(n, 1, 1, 1)));
		ck_assert(gaon_tensor_dense(&y, to, GAON_TYPE_I32, VIEW_NE(n, 1, 1, 1)));
		ck_assert_int_eq(gaon_ops_argsort(ops_t.ops, ops_t.stream, &y, &x, true), want);
		ck_assert_int_eq(gaon_ops_top_k(ops_t.ops, ops_t.stream, &y, &x), want);
	}
	ops_wait();
	if (info.spm_bytes == 256u << 10)
		ck_assert(over < 1u << 18 && strstr(gaon_ops_last_error(), "scratchpad") != NULL);
}
END_TEST

START_TEST(refusals)
{
	uint64_t va = ops_put(NULL, 65536);
	struct gaon_tensor x, y;

	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(16, 4, 1, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_I32, VIEW_NE(16, 4, 1, 1)));
	ck_assert(gaon_ops_argsort_supports(&y, &x));
	ck_assert(!gaon_ops_argsort_supports(&x, &x));
	y.ne[0] = 17;
	ck_assert(!gaon_ops_top_k_supports(&y, &x));
	y.ne[0] = 15;
	ck_assert(gaon_ops_top_k_supports(&y, &x));
	ck_assert(!gaon_ops_argsort_supports(&y, &x));
	y.nb[0] = 8;
	y.nb[1] = 128;
	ck_assert(!gaon_ops_top_k_supports(&y, &x));
	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE((1u << 18) + 1, 1, 1, 1)));
	ck_assert(gaon_tensor_dense(&y, va, GAON_TYPE_I32, VIEW_NE((1u << 18) + 1, 1, 1, 1)));
	ck_assert(!gaon_ops_argsort_supports(&y, &x));
	ck_assert(strstr(gaon_ops_last_error(), "262144 are possible") != NULL);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, argsorts);
	tcase_add_test(t, top_ks);
	tcase_add_test(t, small_scratchpad);
	tcase_add_test(t, refusals);
}

int main(void)
{
	return ops_run("ops_sort", add);
}
