// SPDX-License-Identifier: MIT
/*
 * gaon/device/math.h, compiled for the host, against libm in double precision, over bit patterns of
 * every exponent and sign; the header's bounds are the tolerances.  GAON_TEST_LONG=1: all of them.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/device.h>

#include "../check_run.h"

static uint64_t step(void)
{
	const char *all = getenv("GAON_TEST_LONG");

	return all && *all == '1' ? 1 : 1013;
}

/* Distance in units of the last place of the wanted value, never finer than a subnormal's. */
static double ulps(float got, double want)
{
	double size = fabs(want) < 0x1p-126 ? 0x1p-126 : fabs(want);
	int exponent;

	if (isnan(want) || isinf((float)want) || isinf(got))
		return isnan(want) ? (isnan(got) ? 0 : INFINITY) : got == (float)want ? 0 : INFINITY;
	frexp(size, &exponent);
	return fabs(got - want) / ldexp(1, exponent - 24);
}

static void sweep(const char *name, float (*f)(float), double (*reference)(double), float low, double bound)
{
	double worst = 0;
	float at = 0;

	for (uint64_t bits = 0; bits <= UINT32_MAX; bits += step()) {
		float x = gaon_f32_from((uint32_t)bits);
		double error;

		if (x < low)
			continue;
		error = ulps(f(x), reference(x));
		if (!(error <= worst)) {
			worst = error;
			at = x;
		}
	}
	ck_assert_msg(worst <= bound, "%s(%a) is off by %.3f units in the last place, %.1f allowed", name,
		      (double)at, worst, bound);
}

static float f_exp(float x) { return gaon_expf(x); }
static float f_log(float x) { return gaon_logf(x); }
static float f_tanh(float x) { return gaon_tanhf(x); }
static float f_sigmoid(float x) { return gaon_sigmoidf(x); }
static float f_erf(float x) { return gaon_erff(x); }
static double d_sigmoid(double x) { return 1 / (1 + exp(-x)); }

START_TEST(bounds)
{
	sweep("expf", f_exp, exp, -INFINITY, 1.1);
	sweep("logf", f_log, log, -INFINITY, 1.0);
	sweep("tanhf", f_tanh, tanh, -INFINITY, 1.5);
	sweep("sigmoidf", f_sigmoid, d_sigmoid, -88, 2.5);
	sweep("erff", f_erf, erf, -INFINITY, 2.0);
}
END_TEST

START_TEST(products)
{
	for (float x = -40; x < 40; x += 0x1p-11f) {
		double bound = 0x1p-22 * fmax(1, fabs(x)), d = x;

		ck_assert(fabs(gaon_siluf(x) - d / (1 + exp(-d))) <= bound);
		ck_assert(fabs(gaon_geluf(x) - 0.5 * d * (1 + erf(d * M_SQRT1_2))) <= bound);
		ck_assert(fabs(gaon_gelu_tanhf(x) -
			       0.5 * d * (1 + tanh(sqrt(2 / M_PI) * (d + 0.044715 * d * d * d)))) <= bound);
	}
}
END_TEST

START_TEST(reductions)
{
	float x[1000];
	double sum = 0;

	srand(1);
	for (int i = 0; i < 1000; i++)
		sum += x[i] = (float)(rand() % 2001 - 1000);
	for (int n = 1; n <= 1000; n++) {
		float top = x[0];

		for (int i = 1; i < n; i++)
			top = fmaxf(top, x[i]);
		ck_assert(gaon_reduce_max_f32(x, (uint64_t)n) == top);
	}
	ck_assert(gaon_reduce_sum_f32(x, 1000) == (float)sum);
	x[5] = NAN;
	x[7] = 5000;
	ck_assert(gaon_reduce_max_f32(x, 1000) == 5000);
}
END_TEST

/* Parts are in order, cover everything once and are as equal as the granule allows. */
START_TEST(share)
{
	for (uint32_t groups = 1; groups < 9; groups++)
		for (uint64_t n = 0; n < 200; n += 7)
			for (uint64_t granule = 1; granule < 70; granule += 13) {
				uint64_t at = 0;

				for (uint32_t g = 0; g < groups; g++) {
					struct gaon_range r;

					gaon_native.grid[0] = groups;
					gaon_native.wg[0] = g;
					r = gaon_share(n, granule);
					ck_assert_uint_eq(r.begin, at);
					ck_assert(r.end >= r.begin && r.end <= n);
					ck_assert(r.end == n || r.end % granule == 0);
					at = r.end;
				}
				ck_assert_uint_eq(at, n);
			}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ops_math");
	TCase *tcase = tcase_create("math");

	tcase_set_timeout(tcase, step() == 1 ? 3600 : 60);
	tcase_add_test(tcase, bounds);
	tcase_add_test(tcase, products);
	tcase_add_test(tcase, reductions);
	tcase_add_test(tcase, share);
	suite_add_tcase(suite, tcase);
	return check_run(suite);
}
