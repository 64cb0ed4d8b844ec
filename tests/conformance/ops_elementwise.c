// SPDX-License-Identifier: MIT
/*
 * Elementwise operators against double precision.  Tolerances: exact for what one rounding or none
 * makes; the bounds of gaon/device/math.h, in units of 2^-23, for functions.
 */
#include "ops_common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ULP	0x1p-23
#define COUNTS	6

/* Sizes around vector lengths, granules and shares. */
static uint64_t count_of(int i)
{
	static const uint32_t fixed[] = { 1, 255, 2049 };

	return i < 3 ? fixed[i] : ops_random_in(1, 30000);
}

struct unary {
	enum gaon_ops_unary op;
	double (*reference)(double);
	float wide;			/* arguments in [-wide, wide], or [0, wide] */
	bool positive;
	double relative, absolute;
};

static double ref_copy(double x) { return x; }
static double ref_affine(double x) { return (float)(1.5 * x - 0.25); }
static double ref_relu(double x) { return x < 0 ? 0 : x; }
static double ref_gelu(double x) { return 0.5 * x * (1 + erf(x * M_SQRT1_2)); }
static double ref_gelu_tanh(double x)
{
	return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
static double ref_silu(double x) { return x / (1 + exp(-x)); }
static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }

static const struct unary unaries[] = {
	{ GAON_OPS_COPY, ref_copy, 1e30f, false, 0, 0 },
	{ GAON_OPS_AFFINE, ref_affine, 100, false, 0, 0 },
	{ GAON_OPS_RELU, ref_relu, 100, false, 0, 0 },
	{ GAON_OPS_GELU, ref_gelu, 12, false, 2 * ULP, 4 * ULP },
	{ GAON_OPS_GELU_TANH, ref_gelu_tanh, 12, false, 2 * ULP, 4 * ULP },
	{ GAON_OPS_SILU, ref_silu, 60, false, 3 * ULP, 2 * ULP },
	{ GAON_OPS_TANH, tanh, 12, false, 1.5 * ULP, 0 },
	{ GAON_OPS_SIGMOID, ref_sigmoid, 80, false, 2.5 * ULP, 0 },
	{ GAON_OPS_EXP, exp, 86, false, 1.1 * ULP, 0 },
	{ GAON_OPS_LOG, log, 1e6f, true, ULP, 0 },
	{ GAON_OPS_SQRT, sqrt, 1e6f, true, 0.5 * ULP, 0 },
};

static void run_unary(const struct unary *u, uint64_t n, bool in_place)
{
	float *x = ops_alloc(n * 4), *y = ops_alloc(n * 4);
	double *want = ops_alloc(n * 8);
	uint64_t xv, yv;

	for (uint64_t i = 0; i < n; i++) {
		x[i] = ops_random_f32(u->wide);
		if (u->positive)
			x[i] = fabsf(x[i]);
		want[i] = u->reference(x[i]);
	}
	xv = ops_put(x, n * 4);
	yv = in_place ? xv : ops_put(NULL, n * 4);
	OPS_OK(gaon_ops_unary(ops_t.ops, ops_t.stream, u->op, yv, xv, n, 1.5f, -0.25f));
	ops_get(y, yv, n * 4);
	ops_compare("unary", y, want, n, u->relative, u->absolute);
	free(x);
	free(y);
	free(want);
}

START_TEST(unary)
{
	for (unsigned int u = 0; u < sizeof(unaries) / sizeof(unaries[0]); u++)
		for (int i = 0; i < COUNTS; i++)
			run_unary(&unaries[u], count_of(i), i & 1);
}
END_TEST

START_TEST(unary_special)
{
	static const float x[] = { 0.0f, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-140f, 200, -200 };
	static const enum gaon_ops_unary ops[] = { GAON_OPS_EXP, GAON_OPS_LOG, GAON_OPS_TANH,
						   GAON_OPS_SQRT, GAON_OPS_RELU };
	double (*const references[])(double) = { exp, log, tanh, sqrt, ref_relu };
	enum { N = sizeof(x) / sizeof(x[0]) };
	float y[N];
	double want[N];

	for (unsigned int o = 0; o < 5; o++) {
		uint64_t xv = ops_put(x, sizeof(x)), yv = ops_put(NULL, sizeof(x));

		for (int i = 0; i < N; i++)
			want[i] = isnan(x[i]) ? NAN : (float)references[o](x[i]);
		OPS_OK(gaon_ops_unary(ops_t.ops, ops_t.stream, ops[o], yv, xv, N, 0, 0));
		ops_get(y, yv, sizeof(y));
		ops_compare("special", y, want, N, ULP, 0x1p-149);
	}
}
END_TEST

static double binary_reference(enum gaon_ops_binary op, double a, double b)
{
	switch (op) {
	case GAON_OPS_ADD: return (float)(a + b);
	case GAON_OPS_SUB: return (float)(a - b);
	case GAON_OPS_MUL: return (float)(a * b);
	case GAON_OPS_DIV: return (float)(a / b);
	case GAON_OPS_RELU_GRAD: return b > 0 ? a : 0;
	case GAON_OPS_TANH_GRAD: return a * (1 - b * b);
	default: return a * b * (1 - b);
	}
}

START_TEST(binary)
{
	for (int op = GAON_OPS_ADD; op <= GAON_OPS_SIGMOID_GRAD; op++)
		for (int i = 0; i < COUNTS; i++) {
			uint64_t n = count_of(i), av, bv, yv;
			float *a = ops_alloc(n * 4), *b = ops_alloc(n * 4), *y = ops_alloc(n * 4);
			double *want = ops_alloc(n * 8);
			bool exact = op <= GAON_OPS_RELU_GRAD;

			ops_random_fill(a, n, 50);
			ops_random_fill(b, n, exact ? 50 : 1);
			for (uint64_t e = 0; e < n; e++)
				want[e] = binary_reference((enum gaon_ops_binary)op, a[e], b[e]);
			av = ops_put(a, n * 4);
			bv = ops_put(b, n * 4);
			yv = i % 3 == 0 ? ops_put(NULL, n * 4) : i % 3 == 1 ? av : bv;
			OPS_OK(gaon_ops_binary(ops_t.ops, ops_t.stream, (enum gaon_ops_binary)op, yv, av,
					       bv, n));
			ops_get(y, yv, n * 4);
			ops_compare("binary", y, want, n, exact ? 0 : 2 * ULP, exact ? 0 : 50 * ULP);
			free(a);
			free(b);
			free(y);
			free(want);
		}
}
END_TEST

START_TEST(bias)
{
	for (int i = 0; i < 8; i++) {
		uint64_t rows = ops_random_in(1, 80), columns = ops_random_in(1, 700), n = rows * columns;
		float *x = ops_alloc(n * 4), *b = ops_alloc(columns * 4);
		double *want = ops_alloc(n * 8);
		uint64_t xv, bv;

		ops_random_fill(x, n, 5);
		ops_random_fill(b, columns, 5);
		for (uint64_t e = 0; e < n; e++) {
			want[e] = x[e] + b[e % columns];
			if (i & 1)
				want[e] = want[e] < 0 ? 0 : want[e];
		}
		xv = ops_put(x, n * 4);
		bv = ops_put(b, columns * 4);
		OPS_OK(gaon_ops_bias(ops_t.ops, ops_t.stream, i & 1 ? GAON_OPS_RELU : GAON_OPS_COPY, xv, xv,
				     bv, rows, columns));
		ops_get(x, xv, n * 4);
		ops_compare("bias", x, want, n, 0.5 * ULP, 0);
		free(x);
		free(b);
		free(want);
	}
}
END_TEST

static float f32_of(uint8_t type, const void *at)
{
	uint32_t bits;
	uint16_t half;
	_Float16 h;
	float f;

	if (type == GAON_TYPE_F32) {
		memcpy(&f, at, 4);
		return f;
	}
	memcpy(&half, at, 2);
	if (type == GAON_TYPE_F16) {
		memcpy(&h, at, 2);
		return (float)h;
	}
	bits = (uint32_t)half << 16;
	memcpy(&f, &bits, 4);
	return f;
}

START_TEST(convert)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16 };
	static const double unit[] = { 0, 0x1p-11, 0x1p-8 };
	enum { N = 5000 };
	float x[N], back[N];
	uint8_t raw[N * 4];
	double want[N];

	for (int to = 0; to < 3; to++)
		for (int from = 0; from < 3; from++) {
			uint32_t ef = from ? 2 : 4, et = to ? 2 : 4;
			uint64_t fv = ops_put(NULL, N * 4), xv, yv = ops_put(NULL, N * 4);

			if (to == from)
				continue;
			ops_random_fill(x, N, 100);
			xv = ops_put(x, sizeof(x));
			if (from)	/* make the source on the device: checked by the case before */
				OPS_OK(gaon_ops_convert(ops_t.ops, ops_t.stream, fv, types[from], xv,
							GAON_TYPE_F32, N));
			else
				fv = xv;
			OPS_OK(gaon_ops_convert(ops_t.ops, ops_t.stream, yv, types[to], fv, types[from], N));
			OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
			OPS_OK(gaon_mem_read(ops_t.dev, raw, fv, (uint64_t)N * ef));
			for (int i = 0; i < N; i++)
				want[i] = f32_of(types[from], raw + (uint32_t)i * ef);
			ops_get(raw, yv, (uint64_t)N * et);
			for (int i = 0; i < N; i++)
				back[i] = f32_of(types[to], raw + (uint32_t)i * et);
			ops_compare("convert", back, want, N, unit[to], 0x1p-24);
		}
	ck_assert_int_eq(gaon_ops_convert(ops_t.ops, ops_t.stream, 0, GAON_TYPE_I8, 0, GAON_TYPE_F32, 1),
			 GAON_ERROR_INVALID_ARGUMENT);
}
END_TEST

START_TEST(sgd_and_fill)
{
	enum { N = 3001 };
	float w[N], g[N], got[N];
	double want[N], velocity[N] = { 0 };
	uint64_t wv, vv, gv;

	ops_random_fill(w, N, 1);
	ops_random_fill(g, N, 1);
	wv = ops_put(w, sizeof(w));
	gv = ops_put(g, sizeof(g));
	vv = ops_put(NULL, sizeof(g));
	OPS_OK(gaon_ops_fill(ops_t.ops, ops_t.stream, vv, N, 0.5f));
	for (int step = 0; step < 3; step++)
		OPS_OK(gaon_ops_sgd(ops_t.ops, ops_t.stream, wv, vv, gv, N, 0.125f, 0.75f, 0.25f));
	for (int i = 0; i < N; i++) {
		want[i] = w[i];
		velocity[i] = 0.5;
		for (int step = 0; step < 3; step++) {
			velocity[i] = 0.75 * velocity[i] + g[i] + 0.25 * want[i];
			want[i] -= 0.125 * velocity[i];
		}
	}
	ops_get(got, wv, sizeof(got));
	ops_compare("sgd", got, want, N, 8 * ULP, 4 * ULP);
}
END_TEST

START_TEST(refuses)
{
	uint64_t x = ops_put(NULL, 4096);
	struct gaon_stream *s = ops_t.stream;

	ck_assert_int_eq(gaon_ops_unary(ops_t.ops, s, (enum gaon_ops_unary)99, x, x, 8, 0, 0),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_unary(ops_t.ops, s, GAON_OPS_RELU, x, x, 1025, 0, 0),
			 GAON_ERROR_INVALID_ADDRESS);
	ck_assert_int_eq(gaon_ops_unary(ops_t.ops, s, GAON_OPS_RELU, x, x, UINT64_MAX, 0, 0),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_binary(ops_t.ops, s, GAON_OPS_ADD, x, x, 0x5000, 8),
			 GAON_ERROR_INVALID_ADDRESS);
	ck_assert_int_eq(gaon_ops_bias(ops_t.ops, s, GAON_OPS_AFFINE, x, x, x, 2, 2),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_fill(NULL, s, x, 1, 0), GAON_ERROR_INVALID_HANDLE);
	OPS_OK(gaon_ops_unary(ops_t.ops, s, GAON_OPS_RELU, x, x, 0, 0, 0));
	OPS_OK(gaon_stream_wait(s, GAON_FOREVER));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, unary);
	tcase_add_test(t, unary_special);
	tcase_add_test(t, binary);
	tcase_add_test(t, bias);
	tcase_add_test(t, convert);
	tcase_add_test(t, sgd_and_fill);
	tcase_add_test(t, refuses);
}

int main(void)
{
	return ops_run("ops_elementwise", add);
}
