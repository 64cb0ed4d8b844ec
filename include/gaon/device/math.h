/* SPDX-License-Identifier: MIT */
/*
 * f32 functions without branches or calls, so that a loop over them becomes vector code.  Results
 * are the same bits on every core and, compiled with fused multiply-add, on the host.
 *
 * Largest error in units in the last place, over all finite arguments unless a range is given;
 * tests/unit/ops_math.c measures it against libm in double precision:
 *
 *	gaon_expf 1.1	gaon_logf 1.0	gaon_tanhf 1.5	gaon_erff 2.0
 *	gaon_sigmoidf 2.5 from -88 up (below, where results are subnormal, it gives 0)
 *
 * gaon_siluf, gaon_geluf, gaon_gelu_tanhf, finite x: within 2^-22 times max(1, |x|).
 * NaN gives NaN; silu and gelu of -infinity are NaN too, as a product of 0 and infinity is.
 */
#ifndef GAON_DEVICE_MATH_H
#define GAON_DEVICE_MATH_H

#include <stdint.h>

#include <gaon/device/core.h>

#define GAON_LOG2E	0x1.715476p+0f
#define GAON_LN2_HIGH	0x1.62e400p-1f	/* 15 bits: k * it is exact */
#define GAON_LN2_LOW	0x1.7f7d1cp-20f
#define GAON_INF	__builtin_inff()

GAON_INLINE uint32_t gaon_f32_bits(float x)
{
	uint32_t bits;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	return bits;
}

GAON_INLINE float gaon_f32_from(uint32_t bits)
{
	float x;

	__builtin_memcpy(&x, &bits, sizeof(x));
	return x;
}

GAON_INLINE float gaon_fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
GAON_INLINE float gaon_fabsf(float x) { return __builtin_fabsf(x); }
GAON_INLINE float gaon_sqrtf(float x) { return __builtin_sqrtf(x); }
GAON_INLINE float gaon_rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
GAON_INLINE float gaon_copysignf(float x, float sign) { return __builtin_copysignf(x, sign); }
/* The other operand if one is NaN. */
GAON_INLINE float gaon_maxf(float a, float b) { return __builtin_fmaxf(a, b); }
GAON_INLINE float gaon_minf(float a, float b) { return __builtin_fminf(a, b); }

/*
 * e^x.  x = k ln 2 + r; adding 1.5 * 2^23 rounds k to an integer and leaves it in the low bits.
 * The scale 2^k is applied in two halves, so that overflow and subnormal results come out right.
 */
GAON_INLINE float gaon_expf(float x)
{
	float in = x > 89.0f ? 89.0f : x;
	float t, k, r, p;
	int32_t n, half;

	in = in < -104.0f ? -104.0f : in;
	t = gaon_fmaf(in, GAON_LOG2E, 0x1.8p23f);
	k = t - 0x1.8p23f;
	r = gaon_fmaf(k, -GAON_LN2_HIGH, in);
	r = gaon_fmaf(k, -GAON_LN2_LOW, r);
	p = 0x1.6a1a6ap-10f;
	p = gaon_fmaf(p, r, 0x1.123fc8p-7f);
	p = gaon_fmaf(p, r, 0x1.555916p-5f);
	p = gaon_fmaf(p, r, 0x1.55548ap-3f);
	p = gaon_fmaf(p, r, 0x1.fffffcp-2f);
	p = gaon_fmaf(p * r, r, r) + 1.0f;
	n = (int32_t)(gaon_f32_bits(t) - 0x4b400000u);
	half = n >> 1;
	return p * gaon_f32_from((uint32_t)(half + 127) << 23) *
	       gaon_f32_from((uint32_t)(n - half + 127) << 23);
}

/* Natural logarithm; of 0 -infinity, of a negative number NaN. */
GAON_INLINE float gaon_logf(float x)
{
	float big = x < 0x1p-126f ? x * 0x1p23f : x;
	float bias = x < 0x1p-126f ? -23.0f : 0.0f;
	/* Mantissa in [sqrt(1/2), sqrt(2)): subtract its bits, keep the exponent's. */
	uint32_t bits = gaon_f32_bits(big) - 0x3f3504f3u;
	float e = (float)((int32_t)bits >> 23) + bias;
	float f = gaon_f32_from((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
	float p = 0x1.1456bap-4f, s = f * f, y;

	p = gaon_fmaf(p, f, -0x1.de3bd6p-4f);
	p = gaon_fmaf(p, f, 0x1.e6f0b6p-4f);
	p = gaon_fmaf(p, f, -0x1.fc2216p-4f);
	p = gaon_fmaf(p, f, 0x1.233764p-3f);
	p = gaon_fmaf(p, f, -0x1.555c4cp-3f);
	p = gaon_fmaf(p, f, 0x1.99a4b6p-3f);
	p = gaon_fmaf(p, f, -0x1.000006p-2f);
	p = gaon_fmaf(p, f, 0x1.555548p-2f);
	y = gaon_fmaf(e, GAON_LN2_LOW, p * f * s);
	y = gaon_fmaf(-0.5f, s, y) + f;
	y = gaon_fmaf(e, GAON_LN2_HIGH, y);
	y = x < GAON_INF ? y : x;		/* infinity and NaN */
	y = x == 0.0f ? -GAON_INF : y;
	return x < 0.0f ? __builtin_nanf("") : y;
}

GAON_INLINE float gaon_tanhf(float x)
{
	float a = gaon_fabsf(x), s = x * x;
	float large = 1.0f - 2.0f / (gaon_expf(2.0f * a) + 1.0f);
	float p = -0x1.75e17ap-8f;

	p = gaon_fmaf(p, s, 0x1.522686p-6f);
	p = gaon_fmaf(p, s, -0x1.b83c56p-5f);
	p = gaon_fmaf(p, s, 0x1.110726p-3f);
	p = gaon_fmaf(p, s, -0x1.555532p-2f);
	p = gaon_fmaf(p * s, x, x);
	return a < 0.625f ? p : gaon_copysignf(large, x);
}

GAON_INLINE float gaon_sigmoidf(float x)
{
	return 1.0f / (1.0f + gaon_expf(-x));
}

/* Error function. Above 0.9 it is 1 - e^-q(|x|) with q a polynomial, before that x p(x^2). */
GAON_INLINE float gaon_erff(float x)
{
	float a = gaon_fabsf(x), s = x * x, p, q, t;

	p = -0x1.3f4f54p-11f;
	p = gaon_fmaf(p, s, 0x1.4876c2p-8f);
	p = gaon_fmaf(p, s, -0x1.b6bee2p-6f);
	p = gaon_fmaf(p, s, 0x1.ce1dd2p-4f);
	p = gaon_fmaf(p, s, -0x1.8126fap-2f);
	p = gaon_fmaf(p, s, 0x1.06eba0p-3f);	/* 2 / sqrt(pi) - 1 */
	t = a > 4.0f ? 4.0f : a;
	q = 0x1.5ece66p-16f;
	q = gaon_fmaf(q, t, -0x1.c54dd4p-12f);
	q = gaon_fmaf(q, t, 0x1.10aa2ap-8f);
	q = gaon_fmaf(q, t, -0x1.9b196ep-6f);
	q = gaon_fmaf(q, t, 0x1.bb5658p-4f);
	q = gaon_fmaf(q, t, 0x1.444b40p-1f);
	q = gaon_fmaf(q, t, 0x1.212698p+0f);
	q = gaon_fmaf(q, t, -0x1.65ad5ep-13f);
	q = 1.0f - gaon_expf(-q);
	q = gaon_copysignf(q, x);
	return a < 0.9f ? gaon_fmaf(p, x, x) : q;
}

GAON_INLINE float gaon_siluf(float x)
{
	return x / (1.0f + gaon_expf(-x));
}

/* x times the normal distribution function of x */
GAON_INLINE float gaon_geluf(float x)
{
	float h = 0.5f * x;

	return gaon_fmaf(h, gaon_erff(x * 0x1.6a09e6p-1f), h);
}

/* The approximation by tanh that many networks were trained with. */
GAON_INLINE float gaon_gelu_tanhf(float x)
{
	float h = 0.5f * x;
	float u = 0x1.988454p-1f * x * gaon_fmaf(0.044715f * x, x, 1.0f);

	return gaon_fmaf(h, gaon_tanhf(u), h);
}

#endif
