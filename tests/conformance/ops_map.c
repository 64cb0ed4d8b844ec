// SPDX-License-Identifier: MIT
/* Operators on the elements at the same place of tensors, against double precision. */
#include "ops_views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ULP	0x1p-23
#define CASES	60

static float alpha, beta;

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double gelu_tanh(double x)
{
	return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * x * (1 + 0.044715 * x * x)));
}

static double gelu_erf(double x)
{
	return 0.5 * x * erfc(-x / sqrt(2));
}

static double hard_sigmoid(double x)
{
	return fmin(1, fmax(0, (x + 3) / 6));
}

/* @op of x, and its error: relative and absolute */
static double unary(enum gaon_ops_unary op, double x, double *relative, double *absolute)
{
	*absolute = 0x1p-126;
	*relative = 0;
	switch (op) {
	case GAON_OPS_COPY: return x;
	case GAON_OPS_AFFINE: *relative = ULP / 2; return (double)alpha * x + (double)beta;
	case GAON_OPS_RELU: return x > 0 ? x : 0;
	case GAON_OPS_GELU: *absolute = 0x1p-22 * fmax(1, fabs(x)); return gelu_erf(x);
	case GAON_OPS_GELU_TANH: *absolute = 0x1p-22 * fmax(1, fabs(x)); return gelu_tanh(x);
	case GAON_OPS_SILU: *absolute = 0x1p-22 * fmax(1, fabs(x)); return x * sigmoid(x);
	case GAON_OPS_TANH: *relative = 2 * ULP; return tanh(x);
	case GAON_OPS_SIGMOID: *relative = 3 * ULP; return sigmoid(x);
	case GAON_OPS_EXP: *relative = 2 * ULP; return exp(x);
	case GAON_OPS_LOG: *relative = ULP; return x < 0 ? NAN : log(x);
	case GAON_OPS_SQRT: *relative = ULP / 2; return x < 0 ? NAN : sqrt(x);
	case GAON_OPS_GELU_QUICK: *absolute = 0x1p-20 * fmax(1, fabs(x)); return x * sigmoid(1.702 * x);
	case GAON_OPS_SQR: *relative = ULP / 2; return x * x;
	case GAON_OPS_NEG: return -x;
	case GAON_OPS_ABS: return fabs(x);
	case GAON_OPS_SIGN: return x > 0 ? 1 : x < 0 ? -1 : 0;
	case GAON_OPS_STEP: return x > 0;
	case GAON_OPS_HARDSWISH: *absolute = ULP * fmax(1, fabs(x)); return x * hard_sigmoid(x);
	case GAON_OPS_HARDSIGMOID: *absolute = ULP; return hard_sigmoid(x);
	case GAON_OPS_ELU: *relative = 4 * ULP; return x > 0 ? x : expm1(x);
	case GAON_OPS_EXPM1: *relative = 8 * ULP; return expm1(x);
	case GAON_OPS_SOFTPLUS: *relative = 2 * ULP, *absolute = ULP; return log1p(exp(x));
	case GAON_OPS_FLOOR: return floor(x);
	case GAON_OPS_CEIL: return ceil(x);
	case GAON_OPS_ROUND: return round(x);
	case GAON_OPS_TRUNC: return trunc(x);
	case GAON_OPS_CLAMP: return fmin(fmax(x, alpha), beta);
	case GAON_OPS_LEAKY_RELU: *relative = ULP / 2; return x > 0 ? x : (double)alpha * x;
	}
	ck_abort_msg("no operation %d", op);
}

static void check_map(enum gaon_ops_unary op, uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS];
	double *want, relative = 0, absolute, bound = 0;
	bool in_place = ops_random_in(0, 2) == 0;
	struct view x, y;
	char what[32];

	view_shape(ne, most);
	x = view_make(view_float(), ne, view_layout(), ops_random_in(0, 3) ? 4 : 40);
	y = in_place ? x : view_make(view_float(), ne, view_layout(), 1);
	want = ops_alloc(x.count * sizeof(*want));
	alpha = ops_random_f32(2);
	beta = alpha + fabsf(ops_random_f32(2));
	for (uint64_t e = 0; e < x.count; e++) {
		want[e] = unary(op, view_get(&x, e), &relative, &absolute);
		bound = fmax(bound, absolute);
	}
	snprintf(what, sizeof(what), "operation %d%s", op, in_place ? " in place" : "");
	ck_assert_msg(gaon_ops_map_supports(op, &y.t, &x.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_map(ops_t.ops, ops_t.stream, op, &y.t, &x.t, alpha, beta));
	view_compare(what, &y, want, relative, bound);
	ops_forget();
	view_free(&x);
	if (!in_place)
		view_free(&y);
}

START_TEST(maps)
{
	for (int op = GAON_OPS_COPY; op <= GAON_OPS_LEAKY_RELU; op++)
		for (int i = 0; i < 4; i++)
			check_map((enum gaon_ops_unary)op, i ? 300 : 3000);
	/* Rows that are cut up. */
	check_map(GAON_OPS_SILU, 50000);
	check_map(GAON_OPS_AFFINE, 50000);
}
END_TEST

static double binary(enum gaon_ops_binary op, double a, double b)
{
	switch (op) {
	case GAON_OPS_ADD: return a + b;
	case GAON_OPS_SUB: return a - b;
	case GAON_OPS_MUL: return a * b;
	default: return a / b;
	}
}

static void check_zip(uint64_t most)
{
	enum gaon_ops_binary op = (enum gaon_ops_binary)ops_random_in(GAON_OPS_ADD, GAON_OPS_DIV);
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	bool whole = ops_random_in(0, 2) == 0;
	uint32_t place = ops_random_in(0, 3);	/* 1: in place of a, 2: of b */
	struct view a, b, y;
	double *want;

	view_shape(ne, most);
	view_part(part, ne);
	a = view_make(view_float(), ne, view_layout(), 4);
	b = view_make(view_float(), whole ? ne : part, view_layout(), 4);
	if (place == 3 || (place == 2 && !whole))
		place = 0;
	y = place == 1 ? a : place == 2 ? b : view_make(view_float(), ne, view_layout(), 1);
	want = ops_alloc(a.count * sizeof(*want));
	for (uint64_t e = 0; e < a.count; e++)
		want[e] = binary(op, view_get(&a, e), view_get_repeated(&b, ne, e));
	ck_assert_msg(gaon_ops_zip_supports(op, &y.t, &a.t, &b.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_zip(ops_t.ops, ops_t.stream, op, &y.t, &a.t, &b.t));
	/* Rounded to f32, then maybe again. */
	view_compare(place ? "zip in place" : "zip", &y, want, ULP, 0x1p-126);
	ops_forget();
	view_free(&a);
	view_free(&b);
	if (!place)
		view_free(&y);
}

START_TEST(zips)
{
	for (int i = 0; i < CASES; i++)
		check_zip(i % 10 ? 400 : 20000);
}
END_TEST

static double glu(enum gaon_ops_glu op, double a, double b, double *bound)
{
	double g = fmin(a, beta), u = fmax(fmin(b, beta), -(double)beta);

	*bound = fmax(*bound, 0x1p-20 * fmax(1, fabs(a)) * (fabs(b) + 1));
	switch (op) {
	case GAON_OPS_REGLU: return a > 0 ? a * b : 0;
	case GAON_OPS_GEGLU: return gelu_tanh(a) * b;
	case GAON_OPS_SWIGLU: return a * sigmoid(a) * b;
	case GAON_OPS_SWIGLU_OAI: return g * sigmoid((double)alpha * g) * (u + 1);
	case GAON_OPS_GEGLU_ERF: return gelu_erf(a) * b;
	case GAON_OPS_GEGLU_QUICK: return a * sigmoid(1.702 * a) * b;
	case GAON_OPS_SWIGLU_CLAMP: return g * sigmoid(g) * u;
	}
	ck_abort_msg("no operation %d", op);
}

/* Halves of one tensor, or two. */
static void check_glu(enum gaon_ops_glu op, uint64_t most)
{
	bool split = ops_random_in(0, 1), swapped = ops_random_in(0, 1);
	uint64_t ne[GAON_TENSOR_DIMS], both[GAON_TENSOR_DIMS];
	struct view a, b, y;
	double *want, bound = 0;

	view_shape(ne, most);
	memcpy(both, ne, sizeof(both));
	both[0] *= 2;
	a = view_make(view_float(), split ? ne : both, view_layout(), 5);
	b = split ? view_make(view_float(), ne, view_layout(), 5) : a;
	y = view_make(view_float(), ne, view_layout(), 1);
	want = ops_alloc(y.count * sizeof(*want));
	alpha = 1.702f;
	beta = 2;
	for (uint64_t e = 0; e < y.count; e++) {
		uint64_t first = e / ne[0] * 2 * ne[0] + e % ne[0], second = first + ne[0];
		double gate = view_get(&a, split ? e : swapped ? second : first);
		double up = view_get(&b, split ? e : swapped ? first : second);

		want[e] = glu(op, gate, up, &bound);
	}
	ck_assert_msg(gaon_ops_glu_supports(op, &y.t, &a.t, split ? &b.t : NULL), "%s",
		      gaon_ops_last_error());
	OPS_OK(gaon_ops_glu(ops_t.ops, ops_t.stream, op, &y.t, &a.t, split ? &b.t : NULL, swapped, alpha,
			    beta));
	view_compare("glu", &y, want, 2 * ULP, bound);
	ops_forget();
	view_free(&a);
	if (split)
		view_free(&b);
	view_free(&y);
}

START_TEST(glus)
{
	for (int op = GAON_OPS_REGLU; op <= GAON_OPS_SWIGLU_CLAMP; op++)
		for (int i = 0; i < 6; i++)
			check_glu((enum gaon_ops_glu)op, i ? 300 : 12000);
}
END_TEST

/* What is no number stays none: a limit does not hide it. */
START_TEST(glus_of_nan)
{
	static const enum gaon_ops_glu ops[] = { GAON_OPS_SWIGLU_OAI, GAON_OPS_SWIGLU_CLAMP };
	static const float gates[] = { NAN, 1, 9 }, ups[] = { 1, NAN, -9 };
	uint64_t ne[GAON_TENSOR_DIMS] = { 3, 1, 1, 1 };
	struct gaon_tensor a, b, y;
	float got[3];

	for (unsigned int i = 0; i < 2; i++) {
		ck_assert(gaon_tensor_dense(&a, ops_put(gates, sizeof(gates)), GAON_TYPE_F32, ne));
		ck_assert(gaon_tensor_dense(&b, ops_put(ups, sizeof(ups)), GAON_TYPE_F32, ne));
		ck_assert(gaon_tensor_dense(&y, ops_put(NULL, sizeof(got)), GAON_TYPE_F32, ne));
		OPS_OK(gaon_ops_glu(ops_t.ops, ops_t.stream, ops[i], &y, &a, &b, false, 1, 2));
		ops_get(got, y.va, sizeof(got));
		ck_assert(isnan(got[0]) && isnan(got[1]) && isfinite(got[2]));
	}
}
END_TEST

/* What is refused, and the sentence. */
static void refuses(bool supported, enum gaon_status status, const char *part)
{
	ck_assert_msg(!supported, "%s", part);
	ck_assert_int_eq(status, GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_msg(strstr(gaon_ops_last_error(), part) != NULL, "%s, not: %s", gaon_ops_last_error(),
		      part);
}

#define REFUSES_ZIP(part)								\
	refuses(gaon_ops_zip_supports(GAON_OPS_ADD, &y, &a, &b),			\
		gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, &a, &b), part)

START_TEST(refusals)
{
	uint64_t va = ops_put(NULL, 4096);
	struct gaon_tensor a, b, y;

	ck_assert(gaon_tensor_dense(&a, va, GAON_TYPE_F32, VIEW_NE(16, 4, 2, 1)));
	y = b = a;
	OPS_OK(gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, &a, &b));
	b.ne[0] = 3;
	REFUSES_ZIP("repeated");
	b = a;
	a.ne[1] = 2;
	REFUSES_ZIP("shape");
	a = b;
	b.type = GAON_TYPE_Q4_0;
	REFUSES_ZIP("not whole blocks of 32");
	b.type = 0x13;
	REFUSES_ZIP("no tensor type");
	b.type = GAON_TYPE_I32;
	REFUSES_ZIP("not f32");
	b = a;
	b.nb[1] = 62;
	REFUSES_ZIP("multiple of 4");
	b = a;
	y.nb[1] = 60;
	REFUSES_ZIP("overlaps itself");
	y.nb[1] = 0;
	REFUSES_ZIP("overlaps itself");
	y = a;
	y.ne[0] = a.ne[0] = b.ne[0] = 1ull << 60;
	REFUSES_ZIP("too large");
	y = a = b;
	y.ne[0] = a.ne[0] = b.ne[0] = 16;
	a.va += 2;
	ck_assert(gaon_ops_zip_supports(GAON_OPS_ADD, &y, &a, &b));	/* addresses are not looked at */
	ck_assert_int_eq(gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, &a, &b),
			 GAON_ERROR_INVALID_ARGUMENT);
	a.va = va + (1u << 21) - 256;
	ck_assert_int_eq(gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, &a, &b),
			 GAON_ERROR_INVALID_ADDRESS);
	a.va = 64;
	ck_assert_int_eq(gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, &a, &b),
			 GAON_ERROR_INVALID_ADDRESS);
	ck_assert_int_eq(gaon_ops_zip(NULL, ops_t.stream, GAON_OPS_ADD, &y, &b, &b),
			 GAON_ERROR_INVALID_HANDLE);
	ck_assert_int_eq(gaon_ops_zip(ops_t.ops, ops_t.stream, GAON_OPS_ADD, &y, NULL, &b),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_zip(ops_t.ops, ops_t.stream, (enum gaon_ops_binary)77, &y, &b, &b),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_map(ops_t.ops, ops_t.stream, (enum gaon_ops_unary)77, &y, &b, 0, 0),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_glu(ops_t.ops, ops_t.stream, (enum gaon_ops_glu)77, &y, &b, &b, false,
				      0, 0), GAON_ERROR_INVALID_ARGUMENT);
	b.ne[0] = 15;
	ck_assert(!gaon_ops_glu_supports(GAON_OPS_SWIGLU, &y, &b, NULL));
	y.ne[2] = a.ne[2] = 0;
	a.va = 64;
	OPS_OK(gaon_ops_map(ops_t.ops, ops_t.stream, GAON_OPS_RELU, &y, &a, 0, 0));
	ops_wait();
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, maps);
	tcase_add_test(t, zips);
	tcase_add_test(t, glus);
	tcase_add_test(t, glus_of_nan);
	tcase_add_test(t, refusals);
}

int main(void)
{
	return ops_run("ops_map", add);
}
