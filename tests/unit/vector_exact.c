// SPDX-License-Identifier: MIT
/*
 * The hosts' floating-point kernels against the exact ones, bit by bit and flag by flag, in every
 * rounding mode; f32 to bf16 for every upper half.  GAON_SEED repeats a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hart/vector_fpenv.h"
#include "../splitmix.h"

#define N	77

static uint64_t seed, checks, bad;
static struct sim_hart hart;		/* only its fflags are read */

static uint64_t rnd(void)
{
	return splitmix64_next(&seed);
}

/* Bits of a number of @bits: anything, or near the ends and the middle of the exponent range. */
static uint64_t number(unsigned int bits)
{
	unsigned int fraction = bits == 16 ? 10 : bits == 32 ? 23 : 52, k = (unsigned int)(rnd() % 4);
	uint64_t v = rnd(), exp_max = (1ull << (bits - 1 - fraction)) - 1, exp;

	if (!k)
		return v;
	exp = k == 1 ? rnd() % 3 : k == 2 ? exp_max - rnd() % 3 : exp_max / 2 - 2 + rnd() % 5;
	v &= (1ull << fraction) - 1;
	if (rnd() & 1)
		v &= rnd() & rnd() & rnd();
	return (rnd() & 1) << (bits - 1) | exp << fraction | v;
}

static void fill(uint8_t *p, unsigned int bits)
{
	for (unsigned int i = 0; i < N; i++) {
		uint64_t v = number(bits);

		memcpy(p + i * bits / 8, &v, bits / 8);
	}
}

static void one(const char *what, unsigned int op, unsigned int sew, vec_kernel host,
		vec_kernel exact, unsigned int a_bits, unsigned int b_bits, unsigned int d_bits)
{
	uint8_t a[8 * N], b[8 * N], d0[8 * N], d1[8 * N];
	uint64_t x;

	if (!host)
		return;
	for (unsigned int round = 0; round < 400; round++) {
		unsigned int rm = round % 4;
		uint32_t f0, f1;

		fill(a, a_bits);
		fill(b, b_bits);
		fill(d0, d_bits);
		memcpy(d1, d0, sizeof(d0));
		x = number(b_bits);
		if (b_bits < 64)
			x &= (1ull << b_bits) - 1;
		vec_host_enter(&hart, rm);
		f0 = host(d0, a, b, x, N, rm);
		f0 |= vec_host_leave(rm);
		f1 = exact(d1, a, b, x, N, rm);
		checks++;
		if ((f0 == f1 && !memcmp(d0, d1, d_bits / 8 * N)) || bad++ > 10)
			continue;
		printf("%s %u sew %u rm %u: flags %#x, exact %#x\n", what, op, sew, rm, f0, f1);
	}
}

static void pair(const char *what, unsigned int op, unsigned int sew, const struct vec_kpair *host,
		 const struct vec_kpair *exact, unsigned int a, unsigned int b, unsigned int d)
{
	one(what, op, sew, host->vv[sew], exact->vv[sew], a, b, d);
	one(what, op, sew, host->vx[sew], exact->vx[sew], a, b, d);
}

static void conversions(unsigned int sew)
{
	unsigned int bits = 8u << sew;

	for (unsigned int code = 0; code < VEC_CVTS; code++) {
		unsigned int a = code >= VEC_NCVT_XU_F ? 2 * bits : bits;
		unsigned int d = code >= VEC_WCVT_XU_F && code < VEC_NCVT_XU_F ? 2 * bits : bits;

		one("convert", code, sew, vec_kfp->cvt[code][sew], vec_kfp_exact.cvt[code][sew], a, bits,
		    d);
	}
}

static void all(void)
{
	for (unsigned int sew = 1; sew < 4; sew++) {
		unsigned int bits = 8u << sew;

		for (unsigned int op = 0; op < VEC_FP2_COUNT; op++)
			pair("arith", op, sew, &vec_kfp->arith[op], &vec_kfp_exact.arith[op],
			     bits, bits, bits);
		for (unsigned int op = 0; op < VEC_FMA_COUNT; op++)
			pair("fma", op, sew, &vec_kfp->fma[op], &vec_kfp_exact.fma[op], bits, bits, bits);
		for (unsigned int op = 0; op < VEC_WFP_COUNT; op++)
			pair("wide", op, sew, &vec_kfp->wide[op], &vec_kfp_exact.wide[op], bits, bits,
			     2 * bits);
		for (unsigned int op = 0; op < VEC_WFPW_COUNT; op++)
			pair("wide.w", op, sew, &vec_kfp->widew[op], &vec_kfp_exact.widew[op], 2 * bits,
			     bits, 2 * bits);
		for (unsigned int op = 0; op < VEC_WFMA_COUNT; op++)
			pair("wide fma", op, sew, &vec_kfp->wfma[op], &vec_kfp_exact.wfma[op], bits, bits,
			     2 * bits);
		one("sqrt", 0, sew, vec_kfp->sqrt[sew], vec_kfp_exact.sqrt[sew], bits, bits, bits);
		conversions(sew);
	}
}

/* Every sign, exponent and upper fraction of f32, with the lower halves that decide a rounding. */
static void bf16_exhaustive(void)
{
	static const uint16_t low[] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xc000, 0xffff };
	vec_kernel host = vec_kfp->cvt[VEC_NCVT_BF16][1], exact = vec_kfp_exact.cvt[VEC_NCVT_BF16][1];
	uint32_t a[7], f0, f1;
	uint16_t d0[7], d1[7];

	for (uint32_t hi = 0; hi < 65536; hi++) {
		for (unsigned int i = 0; i < 7; i++)
			a[i] = hi << 16 | low[i];
		for (unsigned int rm = 0; rm < 4; rm++) {
			for (unsigned int i = 0; i < 7; i++) {
				f0 = host(d0, &a[i], NULL, 0, 1, rm);
				f1 = exact(d1, &a[i], NULL, 0, 1, rm);
				checks++;
				if ((f0 != f1 || d0[0] != d1[0]) && bad++ < 10)
					printf("bf16(%08x) rm %u: %04x flags %#x, exact %04x %#x\n", a[i], rm,
					       d0[0], f0, d1[0], f1);
			}
		}
	}
}

int main(void)
{
	const char *text = getenv("GAON_SEED");

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("vector_exact: GAON_SEED=%llu\n", (unsigned long long)seed);
	for (enum vec_host host = VEC_HOST_PORTABLE; host < VEC_HOSTS; host++) {
		if (!sim_vector_select(host)) {
			printf("this host has no kernels %d\n", (int)host);
			continue;
		}
		all();
		bf16_exhaustive();
	}
	printf("%llu passed, %llu failed\n", (unsigned long long)(checks - bad), (unsigned long long)bad);
	return bad ? 1 : 0;
}
