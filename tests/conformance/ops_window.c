// SPDX-License-Identifier: MIT
/* Pools and windows laid out as rows, against loops over every output and every place of its window. */
#include "ops_views.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CASES	30

static uint64_t outputs(uint64_t n, const struct gaon_ops_window *w, int i)
{
	uint64_t reach = w->dilation[i] * (w->kernel[i] - 1) + 1;

	return n + 2 * w->pad[i] < reach ? 0 : (n + 2 * w->pad[i] - reach) / w->stride[i] + 1;
}

static struct gaon_ops_window random_window(bool flat, bool dilated)
{
	struct gaon_ops_window w = { .size = sizeof(w) };

	for (int i = 0; i < 2; i++) {
		bool one = i && flat;

		w.kernel[i] = one ? 1 : ops_random_in(1, 4);
		w.stride[i] = one ? 1 : ops_random_in(1, 3);
		w.pad[i] = one ? 0 : ops_random_in(0, 3);
		w.dilation[i] = one || !dilated ? 1 : ops_random_in(1, 3);
	}
	return w;
}

/* An image into which the window fits. */
static void image_shape(uint64_t ne[GAON_TENSOR_DIMS], const struct gaon_ops_window *w, uint64_t most)
{
	do {
		ne[0] = ops_random_in(1, (uint32_t)most);
		ne[1] = ops_random_in(1, 12);
		ne[2] = ops_random_in(1, 5);
		ne[3] = ops_random_in(1, 3);
	} while (!outputs(ne[0], w, 0) || !outputs(ne[1], w, 1));
}

/* The image at output @o of @c, n's window's place kx, ky; false: padding. */
static bool seen(const struct view *x, const struct gaon_ops_window *w, const struct view_place *o,
		 uint32_t kx, uint32_t ky, double *value)
{
	int64_t at[] = { (int64_t)(o->i[0] * w->stride[0] + kx * w->dilation[0]) - w->pad[0],
			 (int64_t)(o->i[1] * w->stride[1] + ky * w->dilation[1]) - w->pad[1] };
	struct view_place p = { { (uint64_t)at[0], (uint64_t)at[1], o->i[2], o->i[3] } };

	if (at[0] < 0 || at[0] >= (int64_t)x->t.ne[0] || at[1] < 0 || at[1] >= (int64_t)x->t.ne[1])
		return false;
	*value = view_get(x, view_element_of(x->t.ne, &p));
	return true;
}

static double pooled(enum gaon_ops_pool pool, const struct view *x, const struct gaon_ops_window *w,
		     const struct view_place *o)
{
	double sum = 0, top = -(double)FLT_MAX, value;
	unsigned int inside = 0;

	for (uint32_t ky = 0; ky < w->kernel[1]; ky++)
		for (uint32_t kx = 0; kx < w->kernel[0]; kx++)
			if (seen(x, w, o, kx, ky, &value)) {
				inside++;
				sum += value;
				top = fmax(top, value);
			}
	if (pool == GAON_OPS_POOL_MAX)
		return top;
	if (pool == GAON_OPS_POOL_MEAN)
		return sum / (w->kernel[0] * w->kernel[1]);
	return inside ? sum / inside : 0;
}

static void check_pool(enum gaon_ops_pool pool, bool flat, uint64_t most)
{
	struct gaon_ops_window w = random_window(flat, false);
	uint64_t ne[GAON_TENSOR_DIMS], out[GAON_TENSOR_DIMS];
	struct view x, y;
	double *want;

	image_shape(ne, &w, most);
	memcpy(out, VIEW_NE(outputs(ne[0], &w, 0), outputs(ne[1], &w, 1), ne[2], ne[3]), sizeof(out));
	x = view_make(view_float(), ne, view_layout(), 8);
	y = view_make(GAON_TYPE_F32, out, view_layout(), 8);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++) {
		struct view_place o = view_place_of(out, e);

		want[e] = (double)(float)pooled(pool, &x, &w, &o);
	}
	ck_assert_msg(gaon_ops_pool_supports(pool, &y.t, &x.t, &w), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_pool(ops_t.ops, ops_t.stream, pool, &y.t, &x.t, &w));
	/* At most 16 terms of magnitude 8 are added in f32. */
	view_compare("pool", &y, want, 0, pool == GAON_OPS_POOL_MAX ? 0 : 16 * 128 * 0x1p-24);
	ops_forget();
	view_free(&x);
	view_free(&y);
}

START_TEST(pools)
{
	for (int i = 0; i < CASES; i++)
		check_pool((enum gaon_ops_pool)(i % 3), i & 1, i % 10 ? 60 : 9000);
}
END_TEST

static void check_im2col(bool flat, uint64_t most)
{
	struct gaon_ops_window w = random_window(flat, true);
	uint64_t ne[GAON_TENSOR_DIMS], out[GAON_TENSOR_DIMS], area = w.kernel[0] * w.kernel[1];
	struct view x, y;
	double *want;

	image_shape(ne, &w, most);
	memcpy(out, VIEW_NE(ne[2] * area, outputs(ne[0], &w, 0), outputs(ne[1], &w, 1), ne[3]),
	       sizeof(out));
	x = view_make(view_float(), ne, view_layout(), 8);
	y = view_make(view_float(), out, view_layout(), 8);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++) {
		struct view_place p = view_place_of(out, e);
		struct view_place o = { { p.i[1], p.i[2], p.i[0] / area, p.i[3] } };

		seen(&x, &w, &o, (uint32_t)(p.i[0] % w.kernel[0]),
		     (uint32_t)(p.i[0] % area / w.kernel[0]), &want[e]);
	}
	ck_assert_msg(gaon_ops_im2col_supports(&y.t, &x.t, &w), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_im2col(ops_t.ops, ops_t.stream, &y.t, &x.t, &w));
	view_compare("im2col", &y, want, 0, 0);
	ops_forget();
	view_free(&x);
	view_free(&y);
}

START_TEST(im2cols)
{
	for (int i = 0; i < CASES; i++)
		check_im2col(i & 1, i % 10 ? 40 : 5000);
}
END_TEST

START_TEST(refusals)
{
	struct gaon_ops_window w = { sizeof(w), { 2, 2 }, { 2, 2 }, { 0, 0 }, { 1, 1 } };
	uint64_t va = ops_put(NULL, 65536);
	struct gaon_tensor x, y;

	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(16, 8, 2, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(8, 4, 2, 1)));
	ck_assert(gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
	ck_assert(!gaon_ops_pool_supports((enum gaon_ops_pool)3, &y, &x, &w));
	ck_assert(!gaon_ops_im2col_supports(&y, &x, &w));
	ck_assert(strstr(gaon_ops_last_error(), "should be [8 8 4 1]") != NULL);
	w.pad[1] = 1;
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
	w.pad[1] = 0;
	w.dilation[0] = 2;
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
	w.dilation[0] = 1;
	w.stride[0] = 0;
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
	w.stride[0] = 70000;
	ck_assert(!gaon_ops_im2col_supports(&y, &x, &w));
	w.stride[0] = 2;
	w.size = 4;
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, NULL));
	w.size = sizeof(w);
	/* 2^47 + 1 channels of nothing but padding, 2^17 places of each: 2^17 of them modulo 2^64. */
	w = (struct gaon_ops_window){ sizeof(w), { 32768, 4 }, { 1, 1 }, { 16384, 2 }, { 1, 1 } };
	x = (struct gaon_tensor){ va, GAON_TYPE_F32, { 0 }, { 0, 1, (1ull << 47) + 1, 1 }, { 4, 4, 0, 4 } };
	ck_assert(gaon_tensor_dense(&y, va, GAON_TYPE_F32, VIEW_NE(1 << 17, 1, 2, 1)));
	ck_assert(!gaon_ops_im2col_supports(&y, &x, &w));
	ck_assert_str_eq(gaon_ops_last_error(), "gaon_ops_im2col: src: [0 1 140737488355329 1] f32 is too large");
	w = (struct gaon_ops_window){ sizeof(w), { 2, 2 }, { 2, 2 }, { 0, 0 }, { 1, 1 } };
	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(16, 8, 2, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(8, 4, 2, 1)));
	x.type = GAON_TYPE_I32;
	ck_assert(!gaon_ops_pool_supports(GAON_OPS_POOL_MAX, &y, &x, &w));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, pools);
	tcase_add_test(t, im2cols);
	tcase_add_test(t, refusals);
}

int main(void)
{
	return ops_run("ops_window", add);
}
