// SPDX-License-Identifier: MIT
/*
 * Floating-point primitives against values computed another way: narrow formats in 128-bit floats,
 * rounded by scaling and comparing; f32 and f64 on the host's own unit.
 */
#include <check.h>
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check_run.h"
#include "../splitmix.h"
#include "hart/fp.h"

typedef __float128 quad;

static uint64_t rng;

static uint64_t rnd(void)
{
	return splitmix64_next(&rng);
}

#define POWERS	400

static quad powers[2 * POWERS + 1];

static void fill_powers(void)
{
	powers[POWERS] = 1;
	for (int i = 1; i <= POWERS; i++) {
		powers[POWERS + i] = powers[POWERS + i - 1] * 2;
		powers[POWERS - i] = powers[POWERS - i + 1] / 2;
	}
}

static quad power(int e)
{
	return powers[POWERS + e];
}

/* A nonnegative value rounded to whole units; *up tells that it is not exact. */
static quad whole(quad v, unsigned int rm, bool sign, bool *inexact)
{
	uint64_t n = (uint64_t)v;
	quad rest = v - (quad)n;
	bool up = false;

	*inexact = rest != 0;
	if (rm == SIM_RM_RNE)
		up = rest > (quad)0.5 || (rest == (quad)0.5 && (n & 1));
	else if (rm == SIM_RM_RMM)
		up = rest >= (quad)0.5;
	else if (rm == SIM_RM_RDN)
		up = sign && *inexact;
	else if (rm == SIM_RM_RUP)
		up = !sign && *inexact;
	else if (rm == SIM_RM_ROD)
		up = *inexact && !(n & 1);
	return (quad)(n + up);
}

/* Round a finite nonzero value to a format of @fbits and @bias. */
static uint32_t round_to(quad v, int fbits, int bias, int ebits, unsigned int rm, uint8_t *flags)
{
	bool sign = v < 0, inexact, tiny;
	quad a = sign ? -v : v, r;
	uint32_t top = (uint32_t)sign << (fbits + ebits);
	int e = ilogb((double)a), unit;
	uint64_t n;

	while (a >= power(e + 1))
		e++;
	while (a < power(e))
		e--;
	tiny = whole(a * power(fbits - e), rm, sign, &inexact) * power(e - fbits) < power(1 - bias);
	unit = (e < 1 - bias ? 1 - bias : e) - fbits;
	r = whole(a * power(-unit), rm, sign, &inexact);
	if (inexact)
		*flags |= SIM_FP_NX | (tiny ? SIM_FP_UF : 0);
	if (r * power(unit) >= power(bias + 1)) {
		bool to_max = rm == SIM_RM_RTZ || rm == SIM_RM_ROD || (rm == SIM_RM_RDN && !sign) ||
			      (rm == SIM_RM_RUP && sign);

		*flags |= SIM_FP_OF | SIM_FP_NX;
		return top | ((((1u << ebits) - 1) << fbits) - to_max);
	}
	n = (uint64_t)r;
	if (!(n >> fbits))
		return top | (uint32_t)n;
	if (n >> (fbits + 1)) {
		n >>= 1;
		unit++;
	}
	return top | ((uint32_t)(unit + fbits + bias) << fbits) | ((uint32_t)n & ((1u << fbits) - 1));
}

static float f32_value(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static bool f32_special(uint32_t bits)
{
	return !(bits << 1) || (bits & 0x7f800000) == 0x7f800000;
}

/* Every upper half with lower halves about the ends and the middle, in every mode. */
START_TEST(test_bf16_from_f32)
{
	static const uint32_t low[] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff };

	for (uint32_t hi = 0; hi < 0x10000; hi++) {
		for (unsigned int k = 0; k < 8; k++) {
			uint32_t in = hi << 16 | (k < 6 ? low[k] : (uint32_t)rnd() & 0xffff), want, have;
			unsigned int rm = _i;
			uint8_t wf = 0, hf = 0;

			if (!f32_special(in))
				want = round_to((quad)f32_value(in), 7, 127, 8, rm, &wf);
			else if ((in & 0x7fffffff) > 0x7f800000)
				want = SIM_BF16_NAN, wf = in & 0x400000 ? 0 : SIM_FP_NV;
			else
				want = in >> 16;
			have = sim_f32_to_bf16(in, rm, &hf);
			ck_assert_msg(want == have && wf == hf, "%08x mode %u: want %04x/%02x have "
				      "%04x/%02x", in, rm, want, wf, have, hf);
		}
	}
}
END_TEST

START_TEST(test_bf16_to_f32)
{
	for (uint32_t in = 0; in < 0x10000; in++) {
		bool nan = (in & 0x7fff) > 0x7f80;
		uint8_t flags = 0;

		ck_assert_uint_eq(sim_bf16_to_f32((uint16_t)in, &flags), nan ? SIM_F32_NAN : in << 16);
		ck_assert_uint_eq(flags, nan && !(in & 0x40) ? SIM_FP_NV : 0);
	}
}
END_TEST

static quad f16_value(uint16_t v)
{
	int e = v >> 10 & 31;
	quad m = (quad)((v & 1023) | (e ? 1024 : 0)) * power((e ? e : 1) - 25);

	return v & 0x8000 ? -m : m;
}

/* Finite operands; specials are the differential test's and test_f16_specials'. */
static uint16_t f16_operand(void)
{
	uint16_t v = (uint16_t)rnd();

	if (!(rnd() & 3))
		v &= 0x83ff;
	if (!(rnd() & 3))
		v &= (uint16_t)(0xffff << rnd() % 11);
	return (v & 0x7c00) == 0x7c00 ? v & 0xbfff : v;
}

static void check_f16(const char *op, quad exact, bool zero_sign, uint16_t have, uint8_t hf,
		      unsigned int rm, uint16_t a, uint16_t b, uint16_t c)
{
	uint8_t wf = 0;
	uint32_t want = exact != 0 ? round_to(exact, 10, 15, 5, rm, &wf) : (uint32_t)zero_sign << 15;

	ck_assert_msg(want == have && wf == hf, "%s %04x %04x %04x mode %u: want %04x/%02x have %04x/"
		      "%02x", op, a, b, c, rm, want, wf, have, hf);
}

START_TEST(test_f16_arithmetic)
{
	for (int i = 0; i < 100000; i++) {
		uint16_t a = f16_operand(), b = f16_operand(), c = f16_operand();
		quad x = f16_value(a), y = f16_value(b), z = f16_value(c);
		unsigned int rm = (unsigned int)rnd() % 6;
		bool product_sign = (a ^ b) >> 15, down = rm == SIM_RM_RDN;
		uint8_t f = 0;
		uint16_t r = sim_f16_add(a, b, rm, &f);

		check_f16("add", x + y, !(x + y != 0) && (a >> 15) == (b >> 15) && !(a & 0x7fff) ?
			  a >> 15 : down, r, f, rm, a, b, 0);
		f = 0;
		r = sim_f16_mul(a, b, rm, &f);
		check_f16("mul", x * y, product_sign, r, f, rm, a, b, 0);
		f = 0;
		r = sim_f16_fma(a, b, c, rm, &f);
		check_f16("fma", x * y + z, !(x * y != 0) && product_sign == c >> 15 ? product_sign : down,
			  r, f, rm, a, b, c);
		if (!(b & 0x7fff))
			continue;
		f = 0;
		r = sim_f16_div(a, b, rm, &f);
		check_f16("div", x / y, product_sign, r, f, rm, a, b, 0);
	}
}
END_TEST

START_TEST(test_f16_from_wider)
{
	for (int i = 0; i < 200000; i++) {
		uint32_t in = (uint32_t)rnd();
		unsigned int rm = (unsigned int)rnd() % 6;
		uint8_t wf = 0, hf = 0;
		uint16_t have;

		/* Mostly exponents near f16's range. */
		if (i & 3)
			in = (in & 0x807fffff) | (uint32_t)(100 + rnd() % 46) << 23;
		if (f32_special(in))
			continue;
		have = sim_f32_to_f16(in, rm, &hf);
		check_f16("f32", (quad)f32_value(in), false, have, hf, rm, 0, 0, 0);
		hf = 0;
		have = sim_f64_to_f16(sim_f32_to_f64(in, &wf), rm, &hf);
		check_f16("f64", (quad)f32_value(in), false, have, hf, rm, 0, 0, 0);
		ck_assert_uint_eq(wf, 0);
	}
}
END_TEST

START_TEST(test_specials)
{
	uint8_t f = 0;

	ck_assert_uint_eq(sim_f16_sub(0x7c00, 0x7c00, 0, &f), SIM_F16_NAN);
	ck_assert_uint_eq(f, SIM_FP_NV);
	f = 0;
	ck_assert_uint_eq(sim_f32_div(0x3f800000, 0x80000000, 0, &f), 0xff800000);
	ck_assert_uint_eq(f, SIM_FP_DZ);
	f = 0;
	ck_assert_uint_eq(sim_f64_fma(0, 0x7ff0000000000000, SIM_F64_NAN, 0, &f), SIM_F64_NAN);
	ck_assert_uint_eq(f, SIM_FP_NV);
	f = 0;
	ck_assert_uint_eq(sim_f32_sqrt(0x80000000, 0, &f), 0x80000000);
	ck_assert_uint_eq(sim_f32_min(0, 0x80000000, &f), 0x80000000);
	ck_assert_uint_eq(sim_f32_max(0x80000000, 0, &f), 0);
	ck_assert_uint_eq(sim_f32_max(SIM_F32_NAN, 0x3f800000, &f), 0x3f800000);
	ck_assert_uint_eq(f, 0);
	ck_assert_uint_eq(sim_f32_min(0x7f800001, 0x3f800000, &f), 0x3f800000);
	ck_assert_uint_eq(f, SIM_FP_NV);
	f = 0;
	ck_assert_uint_eq(sim_f64_to_int(0xc3e0000000000000, 64, true, 0, &f), 1ull << 63);
	ck_assert_uint_eq(f, 0);
	ck_assert_uint_eq(sim_f32_to_int(0xbf000000, 8, false, SIM_RM_RNE, &f), 0);
	ck_assert_uint_eq(f, SIM_FP_NX);
	f = 0;
	ck_assert_uint_eq(sim_f32_to_int(0xbf800000, 16, false, SIM_RM_RNE, &f), 0);
	ck_assert_uint_eq(f, SIM_FP_NV);
	f = 0;
	ck_assert_uint_eq(sim_f32_to_int(0xc3000000, 8, true, SIM_RM_RNE, &f), (uint64_t)-128);
	ck_assert_uint_eq(sim_f32_to_int(0x42ff0000, 8, true, SIM_RM_RTZ, &f), 127);
	ck_assert_uint_eq(f, SIM_FP_NX);
	ck_assert_uint_eq(sim_bf16_classify(0x0001), 1 << 5);
	ck_assert_uint_eq(sim_bf16_classify(0xff81), 1 << 8);
}
END_TEST

static const int host_mode[] = { FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD };

static uint8_t host_flags(void)
{
	int e = fetestexcept(FE_ALL_EXCEPT);

	return (uint8_t)((e & FE_INEXACT ? SIM_FP_NX : 0) | (e & FE_UNDERFLOW ? SIM_FP_UF : 0) |
			 (e & FE_OVERFLOW ? SIM_FP_OF : 0) | (e & FE_DIVBYZERO ? SIM_FP_DZ : 0) |
			 (e & FE_INVALID ? SIM_FP_NV : 0));
}

static uint64_t f64_operand(void)
{
	uint64_t v = rnd(), r = rnd(), sign = v & 1ull << 63, frac = v & 0xfffffffffffffull;

	if (r & 1)
		frac &= ~0ull << r / 2 % 53;
	switch (r / 128 % 6) {
	case 0:
		return sign | frac;
	case 1:
		return sign | (r >> 32) % 3 << 52 | frac;
	case 2:
		return sign | (2044 + (r >> 32) % 4) << 52 | frac;
	case 3:
		return v;
	default:
		return sign | (1023 + (r >> 32) % 70 - 35) << 52 | frac;
	}
}

/* One operation of f64 on the host; volatile, so that the mode and the flags are honoured. */
static uint64_t host_f64(int op, uint64_t a, uint64_t b, uint64_t c)
{
	volatile double x, y, z, r;
	double out;
	uint64_t bits;

	memcpy(&out, &a, 8);
	x = out;
	memcpy(&out, &b, 8);
	y = out;
	memcpy(&out, &c, 8);
	z = out;
	feclearexcept(FE_ALL_EXCEPT);
	switch (op) {
	case 0:
		r = x + y;
		break;
	case 1:
		r = x - y;
		break;
	case 2:
		r = x * y;
		break;
	case 3:
		r = x / y;
		break;
	case 4:
		r = sqrt(x);
		break;
	default:
		r = fma(x, y, z);
	}
	out = r;
	memcpy(&bits, &out, 8);
	return sim_f64_is_nan(bits) ? SIM_F64_NAN : bits;
}

START_TEST(test_f64_host)
{
	for (int i = 0; i < 1000000; i++) {
		uint64_t a = f64_operand(), b = f64_operand(), c = f64_operand(), want, have;
		unsigned int rm = (unsigned int)rnd() & 3;
		uint8_t start = rnd() & 1, hf = start, wf;
		int op = (int)(rnd() % 6);

		fesetround(host_mode[rm]);
		want = host_f64(op, a, b, c);
		wf = host_flags() | start;
		fesetround(FE_TONEAREST);
		switch (op) {
		case 0:
			have = sim_f64_add(a, b, rm, &hf);
			break;
		case 1:
			have = sim_f64_sub(a, b, rm, &hf);
			break;
		case 2:
			have = sim_f64_mul(a, b, rm, &hf);
			break;
		case 3:
			have = sim_f64_div(a, b, rm, &hf);
			break;
		case 4:
			have = sim_f64_sqrt(a, rm, &hf);
			break;
		default:
			have = sim_f64_fma(a, b, c, rm, &hf);
			/* Hosts differ in what infinity times zero plus a quiet NaN raises. */
			if (sim_f64_is_nan(c))
				wf = hf;
		}
		ck_assert_msg(want == have && wf == hf, "op %d mode %u %016" PRIx64 " %016" PRIx64
			      " %016" PRIx64 ": want %016" PRIx64 "/%02x have %016" PRIx64 "/%02x", op,
			      rm, a, b, c, want, wf, have, hf);
	}
}
END_TEST

int main(void)
{
	const char *seed = getenv("GAON_SEED");
	Suite *s = suite_create("hart_fp");
	TCase *tc = tcase_create("fp");

	rng = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("hart_fp: seed %" PRIu64 "\n", rng);
	fill_powers();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_bf16_from_f32, 0, 6);
	tcase_add_test(tc, test_bf16_to_f32);
	tcase_add_test(tc, test_f16_arithmetic);
	tcase_add_test(tc, test_f16_from_wider);
	tcase_add_test(tc, test_specials);
	tcase_add_test(tc, test_f64_host);
	suite_add_tcase(s, tc);
	return check_run(s);
}
