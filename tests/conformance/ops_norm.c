// SPDX-License-Identifier: MIT
/*
 * Norms and sums of rows against double precision.  A sum of n terms in f32 is off by at most n
 * roundings of the sum of their magnitudes; a norm by half of that, a root and a few roundings.
 */
#include "ops_views.h"

#include <math.h>
#include <string.h>

#define U	0x1p-24
#define CASES	60

enum norm { RMS, WEIGHTED, MEAN, L2 };

/* The layouts that keep the elements of a row side by side. */
static enum view_layout row_layout(void)
{
	return ops_random_in(0, 1) ? VIEW_DENSE : VIEW_PADDED;
}

static struct view make_rows(const uint64_t ne[GAON_TENSOR_DIMS], float wide)
{
	struct view v;

	do {
		v = view_make(GAON_TYPE_F32, ne, row_layout(), wide);
	} while (v.t.nb[0] != 4);
	return v;
}

struct moments {
	double mean, largest;		/* of the values, and of their magnitudes */
	double squares;			/* the sum, about @mean or about 0 */
};

static struct moments moments(const struct view *x, uint64_t first, uint64_t n, bool about_mean)
{
	struct moments m = { 0 };

	for (uint64_t i = 0; about_mean && i < n; i++)
		m.mean += view_get(x, first + i) / (double)n;
	for (uint64_t i = 0; i < n; i++) {
		m.squares += pow(view_get(x, first + i) - m.mean, 2);
		m.largest = fmax(m.largest, fabs(view_get(x, first + i)));
	}
	return m;
}

static enum gaon_status run(enum norm norm, const struct view *y, const struct view *x,
			    const struct view *weight, float eps)
{
	switch (norm) {
	case RMS:
	case WEIGHTED:
		ck_assert(gaon_ops_rms_norm_supports(&y->t, &x->t, weight ? &weight->t : NULL, eps));
		return gaon_ops_rms_norm(ops_t.ops, ops_t.stream, &y->t, &x->t,
					 weight ? &weight->t : NULL, eps);
	case MEAN:
		ck_assert(gaon_ops_norm_supports(&y->t, &x->t, eps));
		return gaon_ops_norm(ops_t.ops, ops_t.stream, &y->t, &x->t, eps);
	default:
		ck_assert(gaon_ops_l2_norm_supports(&y->t, &x->t, eps));
		return gaon_ops_l2_norm(ops_t.ops, ops_t.stream, &y->t, &x->t, eps);
	}
}

static void check_norm(enum norm norm, uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	bool in_place = ops_random_in(0, 2) == 0;
	float eps = ops_random_in(0, 1) ? 1e-5f : 1e-6f;
	struct view x, y, weight = { 0 };
	double *want, n, bound = 0x1p-126;

	view_shape(ne, most);
	view_part(part, ne);
	part[0] = ne[0];
	n = (double)ne[0];
	x = make_rows(ne, ops_random_in(0, 1) ? 3 : 300);
	y = in_place ? x : make_rows(ne, 1);
	if (norm == WEIGHTED)
		weight = make_rows(part, 2);
	want = ops_alloc(x.count * sizeof(*want));
	for (uint64_t row = 0; row < x.count; row += ne[0]) {
		struct moments m = moments(&x, row, ne[0], norm == MEAN);
		double by = norm == L2 ? 1 / fmax(sqrt(m.squares), (double)eps) :
					 1 / sqrt(m.squares / n + (double)eps);

		if (norm == MEAN)
			bound = fmax(bound, 2 * (n + 2) * U * m.largest * by);
		for (uint64_t e = row; e < row + ne[0]; e++)
			want[e] = (view_get(&x, e) - m.mean) * by *
				  (norm == WEIGHTED ? view_get_repeated(&weight, ne, e) : 1);
	}
	OPS_OK(run(norm, &y, &x, norm == WEIGHTED ? &weight : NULL, eps));
	/* The mean is off by n roundings of the largest value, and a difference from it by one more. */
	view_compare("norm", &y, want, (n + 8) * U, bound);
	ops_forget();
	view_free(&x);
	if (!in_place)
		view_free(&y);
	if (norm == WEIGHTED)
		view_free(&weight);
}

START_TEST(norms)
{
	for (int i = 0; i < CASES; i++)
		check_norm((enum norm)(i & 3), i % 5 ? 700 : 9000);
}
END_TEST

/* sum = a + b and its norm; sum in place of a or b, or apart. */
static void check_add_norm(uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	uint32_t place = ops_random_in(0, 2);
	bool weighted = ops_random_in(0, 1);
	struct view a, b, sum, y, weight;
	double *want, *total;

	view_shape(ne, most);
	view_part(part, ne);
	part[0] = ne[0];
	a = make_rows(ne, 3);
	b = make_rows(ne, 3);
	y = make_rows(ne, 1);
	weight = make_rows(part, 2);
	sum = place == 0 ? make_rows(ne, 1) : place == 1 ? a : b;
	want = ops_alloc(a.count * sizeof(*want));
	total = ops_alloc(a.count * sizeof(*total));
	for (uint64_t e = 0; e < a.count; e++)
		total[e] = (double)((float)view_get(&a, e) + (float)view_get(&b, e));
	for (uint64_t row = 0; row < a.count; row += ne[0]) {
		double squares = 0;

		for (uint64_t e = row; e < row + ne[0]; e++)
			squares += total[e] * total[e];
		for (uint64_t e = row; e < row + ne[0]; e++)
			want[e] = total[e] / sqrt(squares / (double)ne[0] + (double)1e-5f) *
				  (weighted ? view_get_repeated(&weight, ne, e) : 1);
	}
	ck_assert_msg(gaon_ops_add_rms_norm_supports(&y.t, &sum.t, &a.t, &b.t, weighted ? &weight.t : NULL,
						     1e-5f), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_add_rms_norm(ops_t.ops, ops_t.stream, &y.t, &sum.t, &a.t, &b.t,
				     weighted ? &weight.t : NULL, 1e-5f));
	view_compare("norm of a sum", &y, want, ((double)ne[0] + 8) * U, 0x1p-126);
	view_compare("sum", &sum, total, 0, 0);
	ops_forget();
	view_free(&a);
	view_free(&b);
	view_free(&y);
	view_free(&weight);
	if (!place)
		view_free(&sum);
}

START_TEST(add_norms)
{
	for (int i = 0; i < CASES / 2; i++)
		check_add_norm(i % 5 ? 700 : 9000);
}
END_TEST

/* Rows that are all one value have no variance, rows of zeros no length: eps keeps them finite. */
START_TEST(flat_rows)
{
	for (int norm = RMS; norm <= L2; norm++) {
		struct view x = make_rows(VIEW_NE(100, 3, 1, 1), 1), y = make_rows(VIEW_NE(100, 3, 1, 1), 1);
		struct view weight = make_rows(VIEW_NE(100, 1, 1, 1), 1);
		double *want = ops_alloc(y.count * sizeof(*want));

		for (uint64_t e = 0; e < x.count; e++)
			view_set(&x, e, norm == MEAN ? 8 : 0);
		view_upload(&x);
		OPS_OK(run((enum norm)norm, &y, &x, norm == WEIGHTED ? &weight : NULL, 1e-5f));
		view_compare("flat", &y, want, 0, 0);
		ops_forget();
		view_free(&x);
		view_free(&y);
		view_free(&weight);
	}
}
END_TEST

START_TEST(sums)
{
	for (int i = 0; i < CASES; i++) {
		uint64_t ne[GAON_TENSOR_DIMS], row;
		float scale = ops_random_f32(2);
		double *want, bound = 0;
		struct view x, y;

		view_shape(ne, i % 5 ? 700 : 9000);
		x = make_rows(ne, 4);
		y = view_make(GAON_TYPE_F32, VIEW_NE(1, ne[1], ne[2], ne[3]), view_layout(), 1);
		want = ops_alloc(y.count * sizeof(*want));
		for (uint64_t e = 0; e < x.count; e++) {
			row = e / ne[0];
			want[row] += (double)scale * view_get(&x, e);
		}
		bound = (double)ne[0] * U * fabs((double)scale) * 4 * (double)ne[0];
		ck_assert(gaon_ops_sum_rows_supports(&y.t, &x.t));
		OPS_OK(gaon_ops_sum_rows(ops_t.ops, ops_t.stream, &y.t, &x.t, scale));
		view_compare("sum", &y, want, 4 * U, bound);
		ops_forget();
		view_free(&x);
		view_free(&y);
	}
}
END_TEST

START_TEST(refusals)
{
	uint64_t va = ops_put(NULL, 65536);
	struct gaon_tensor x, y, w;

	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(16, 10, 2, 1)));
	y = w = x;
	w.ne[1] = w.ne[2] = 1;
	ck_assert(gaon_ops_rms_norm_supports(&y, &x, &w, 0));
	ck_assert(!gaon_ops_rms_norm_supports(&y, &x, &w, -1));
	ck_assert(!gaon_ops_norm_supports(&y, &x, __builtin_nanf("")));
	ck_assert(gaon_ops_add_rms_norm_supports(&y, &x, &x, &x, &w, 0));
	ck_assert(!gaon_ops_add_rms_norm_supports(&y, &x, &x, &w, &w, 0));
	ck_assert(strstr(gaon_ops_last_error(), "b: [16 1 1 1] f32 has not the shape") != NULL);
	ck_assert(!gaon_ops_add_rms_norm_supports(&y, &x, &x, NULL, &w, 0));
	w.ne[0] = 8;
	ck_assert(!gaon_ops_rms_norm_supports(&y, &x, &w, 0));
	ck_assert(strstr(gaon_ops_last_error(), "repeated") != NULL);
	x.nb[0] = 8;
	x.nb[1] = 128;
	ck_assert(!gaon_ops_l2_norm_supports(&y, &x, 0));
	ck_assert(strstr(gaon_ops_last_error(), "side by side") != NULL);
	x = y;
	y.type = GAON_TYPE_F16;
	ck_assert(!gaon_ops_norm_supports(&y, &x, 0));
	ck_assert(!gaon_ops_sum_rows_supports(&y, &x));
	y = x;
	ck_assert(!gaon_ops_sum_rows_supports(&y, &x));
	ck_assert(strstr(gaon_ops_last_error(), "one element for each row") != NULL);
	y.ne[0] = 1;
	ck_assert(gaon_ops_sum_rows_supports(&y, &x));
	x.ne[0] = 0;
	ck_assert(!gaon_ops_sum_rows_supports(&y, &x));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, norms);
	tcase_add_test(t, add_norms);
	tcase_add_test(t, flat_rows);
	tcase_add_test(t, sums);
	tcase_add_test(t, refusals);
}

int main(void)
{
	return ops_run("ops_norm", add);
}
