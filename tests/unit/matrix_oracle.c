// SPDX-License-Identifier: MIT
#include "matrix_oracle.h"

#include <string.h>

#include "hw/gaon_xgaon.h"

typedef unsigned __int128 u128;

#define NAN_BITS	0x7fc00000u
#define INF_BITS	0x7f800000u

/* (-1)^sign * man * 2^exp; man 0 is a zero. */
struct exact {
	bool sign;
	u128 man;
	int exp;
};

static bool bits_nan(uint32_t f)
{
	return (f & 0x7fffffff) > INF_BITS;
}

static bool bits_inf(uint32_t f)
{
	return (f & 0x7fffffff) == INF_BITS;
}

static struct exact exact_of(uint32_t f, bool daz)
{
	uint32_t exp = f >> 23 & 0xff, man = f & 0x7fffff;
	struct exact x = { .sign = f >> 31, .man = man, .exp = -149 };

	if (exp) {
		x.man = man | 0x800000;
		x.exp = (int)exp - 150;
	} else if (daz) {
		x.man = 0;
	}
	return x;
}

static int msb(u128 v)
{
	int n = -1;

	for (; v; v >>= 1)
		n++;
	return n;
}

/* Shifts right, an odd bit at the bottom standing for whatever was lost. */
static u128 shift_jam(u128 v, int by)
{
	if (by <= 0)
		return v;
	if (by > 127)
		return v != 0;
	return v >> by | ((v & (((u128)1 << by) - 1)) != 0);
}

static struct exact exact_add(struct exact x, struct exact y)
{
	struct exact sum;
	int up, gap;

	if (!x.man || !y.man) {
		if (x.man || y.man)
			return x.man ? x : y;
		x.sign = x.sign && y.sign;
		return x;
	}
	/* The larger by its top bit goes to bit 120; the smaller joins it there. */
	if (msb(x.man) + x.exp < msb(y.man) + y.exp) {
		sum = x;
		x = y;
		y = sum;
	}
	up = 120 - msb(x.man);
	x.man <<= up;
	x.exp -= up;
	gap = y.exp - x.exp;
	if (gap >= 0)
		y.man <<= gap;
	else
		y.man = shift_jam(y.man, -gap);
	sum = x;
	if (x.sign == y.sign)
		sum.man = x.man + y.man;
	else if (x.man >= y.man)
		sum.man = x.man - y.man;
	else {
		sum.man = y.man - x.man;
		sum.sign = y.sign;
	}
	if (!sum.man)
		sum.sign = false;
	return sum;
}

/* Rounds @man to @bits of significand; returns the quotient and adjusts *exp. */
static uint32_t round_man(u128 man, int drop, int *exp)
{
	u128 rest, half;
	uint32_t q;

	if (drop <= 0) {
		*exp += drop;
		return (uint32_t)(man << -drop);
	}
	man = drop > 126 ? man != 0 : man;
	drop = drop > 126 ? 126 : drop;
	q = (uint32_t)(man >> drop);
	rest = man & (((u128)1 << drop) - 1);
	half = (u128)1 << (drop - 1);
	*exp += drop;
	return q + (rest > half || (rest == half && (q & 1)));
}

static uint32_t exact_round(struct exact x, bool ftz)
{
	uint32_t sign = x.sign ? 0x80000000u : 0, q;
	int exp = x.exp, top;

	if (!x.man)
		return sign;
	/* Once as if the exponent had no lower end: tininess after rounding. */
	top = msb(x.man);
	q = round_man(x.man, top - 23, &exp);
	if (q == 0x1000000) {
		q = 0x800000;
		exp++;
	}
	if (exp + 23 < -126) {
		if (ftz)
			return sign;
		exp = x.exp;
		return sign | round_man(x.man, -149 - x.exp, &exp);
	}
	if (exp + 23 > 127)
		return sign | INF_BITS;
	return sign | ((uint32_t)(exp + 150) << 23 | (q & 0x7fffff));
}

uint32_t oracle_fma(uint32_t a, uint32_t b, uint32_t c, bool ftz)
{
	struct exact x = exact_of(a, ftz), y = exact_of(b, ftz), z = exact_of(c, ftz), p;
	bool sign = (a ^ b) >> 31;

	if (bits_nan(a) || bits_nan(b) || bits_nan(c))
		return NAN_BITS;
	if (bits_inf(a) || bits_inf(b)) {
		if ((!bits_inf(a) && !x.man) || (!bits_inf(b) && !y.man) ||
		    (bits_inf(c) && sign != (bool)(c >> 31)))
			return NAN_BITS;
		return sign ? INF_BITS | 0x80000000u : INF_BITS;
	}
	if (bits_inf(c))
		return c;
	p = (struct exact){ .sign = sign, .man = x.man * y.man, .exp = x.exp + y.exp };
	return exact_round(exact_add(p, z), ftz);
}

/* A zero of the product's own sign as addend leaves the product alone. */
uint32_t oracle_mul(uint32_t a, uint32_t b)
{
	return oracle_fma(a, b, (a ^ b) & 0x80000000u, false);
}

static uint32_t oracle_add(uint32_t a, uint32_t b, bool ftz)
{
	return oracle_fma(a, 0x3f800000, b, ftz);
}

uint32_t oracle_from_f16(uint16_t h)
{
	struct exact x = { .sign = h >> 15, .man = h & 0x3ff, .exp = -24 };
	int exp = h >> 10 & 31;

	if (exp == 31)
		return x.man ? NAN_BITS : (x.sign ? INF_BITS | 0x80000000u : INF_BITS);
	if (exp) {
		x.man |= 0x400;
		x.exp = exp - 25;
	}
	return exact_round(x, false);
}

uint16_t oracle_narrow(uint32_t f, int exp_bits, int man_bits)
{
	struct exact x = exact_of(f, false);
	int bias = (1 << (exp_bits - 1)) - 1, low = 1 - bias - man_bits, exp = x.exp, drop;
	uint16_t sign = f >> 16 & 0x8000, inf = (uint16_t)(((1 << exp_bits) - 1) << man_bits);
	uint32_t q;

	if (bits_nan(f))
		return inf | 1 << (man_bits - 1);
	if (bits_inf(f))
		return sign | inf;
	if (!x.man)
		return sign;
	drop = msb(x.man) - man_bits;
	if (x.exp + drop < low)
		drop = low - x.exp;
	q = round_man(x.man, drop, &exp);
	/* q counts steps of 2^exp; the encodings are consecutive. */
	q += (uint32_t)(exp - low) << man_bits;
	return q >= inf ? sign | inf : sign | (uint16_t)q;
}

/* --- elements of products ------------------------------------------------------------------ */

static uint32_t get(const uint8_t *p, int bytes)
{
	uint32_t v = 0;

	memcpy(&v, p, (size_t)bytes);
	return v;
}

static uint32_t element(const struct sim_gemm *g, bool b, uint32_t lane, uint32_t k, int bytes)
{
	const uint8_t *base = b ? g->b : g->a;
	uint64_t ld = b ? g->ldb : g->lda;
	bool k_inner = b ? (g->flags & GAON_GEMM_TRANS_B) != 0 : !(g->flags & GAON_GEMM_TRANS_A);

	if (k_inner)
		return get(base + lane * ld + (uint64_t)k * bytes, bytes);
	return get(base + k * ld + (uint64_t)lane * bytes, bytes);
}

static uint32_t dense_element(const struct sim_gemm *g, uint32_t i, uint32_t j, uint32_t c)
{
	for (uint32_t k = 0; k < g->k; k++) {
		if (g->type_a == GAON_TYPE_F32)
			c = oracle_fma(element(g, false, i, k, 4), element(g, true, j, k, 4), c,
				       false);
		else if (g->type_a == GAON_TYPE_F16)
			c = oracle_fma(oracle_from_f16((uint16_t)element(g, false, i, k, 2)),
				       oracle_from_f16((uint16_t)element(g, true, j, k, 2)), c,
				       false);
		else
			c += (uint32_t)((int32_t)(int8_t)element(g, false, i, k, 1) *
					(int8_t)element(g, true, j, k, 1));
	}
	return c;
}

static uint32_t bf16_element(const struct sim_gemm *g, uint32_t i, uint32_t j, uint32_t c)
{
	for (uint32_t chunk = 0; chunk < g->k; chunk += 32) {
		uint32_t even = 0, odd = 0;

		for (uint32_t p = 0; p < 16; p++) {
			uint32_t ab[2][2] = { { 0 } };

			for (uint32_t h = 0; h < 2; h++) {
				uint32_t k = chunk + 2 * p + h;

				if (k >= g->k)
					continue;
				ab[h][0] = element(g, false, i, k, 2) << 16;
				ab[h][1] = element(g, true, j, k, 2) << 16;
			}
			even = oracle_fma(ab[0][0], ab[0][1], even, true);
			odd = oracle_fma(ab[1][0], ab[1][1], odd, true);
		}
		c = oracle_add(c, oracle_add(even, odd, true), true);
	}
	return c;
}

/* Byte @at of the stored block of row @j; the layout of gaon_xgaon.h, written out once more. */
static uint8_t block_byte(const struct sim_gemm *g, uint32_t j, uint32_t block, uint32_t at)
{
	uint8_t type = g->type_b & 0x7f;
	uint32_t size = type == GAON_TYPE_Q4_0 ? 18 : type == GAON_TYPE_Q4_1 ? 20 : 34;
	uint32_t head = type == GAON_TYPE_Q4_1 ? 4 : 2, r = j % 16;

	if (!(g->type_b & GAON_TYPE_ROWS16))
		return g->b[j * g->ldb + (uint64_t)block * size + at];
	if (at < head)
		at = at / 2 * 32 + r * 2 + at % 2;
	else
		at = head * 16 + (at - head) / 4 * 64 + r * 4 + (at - head) % 4;
	return g->b[j / 16 * g->ldb + (uint64_t)block * size * 16 + at];
}

static int block_value(const struct sim_gemm *g, uint32_t j, uint32_t block, uint32_t k)
{
	uint8_t type = g->type_b & 0x7f, byte;

	if (type == GAON_TYPE_Q8_0)
		return (int8_t)block_byte(g, j, block, 2 + k);
	byte = block_byte(g, j, block, (type == GAON_TYPE_Q4_1 ? 4 : 2) + k % 16);
	byte = k < 16 ? byte & 15 : byte >> 4;
	return type == GAON_TYPE_Q4_0 ? byte - 8 : byte;
}

static uint32_t block_element(const struct sim_gemm *g, uint32_t i, uint32_t j, uint32_t c)
{
	for (uint32_t block = 0; block < g->k / 32; block++) {
		const uint8_t *a = g->a + i * g->lda + (uint64_t)block * 40;
		uint16_t d = block_byte(g, j, block, 0) | block_byte(g, j, block, 1) << 8;
		uint16_t m = block_byte(g, j, block, 2) | block_byte(g, j, block, 3) << 8;
		int32_t sum = 0;
		struct exact isum;

		for (uint32_t k = 0; k < 32; k++)
			sum += block_value(g, j, block, k) * (int8_t)a[8 + k];
		isum = (struct exact){ sum < 0, (u128)(sum < 0 ? -sum : sum), 0 };
		c = oracle_fma(oracle_mul(oracle_from_f16(d), get(a, 4)), exact_round(isum, false),
			       c, false);
		if ((g->type_b & 0x7f) == GAON_TYPE_Q4_1)
			c = oracle_fma(oracle_from_f16(m), get(a + 4, 4), c, false);
	}
	return c;
}

uint32_t oracle_element(const struct sim_gemm *g, uint32_t i, uint32_t j)
{
	uint32_t c = 0;

	if (g->flags & GAON_GEMM_ACCUMULATE)
		c = get(g->c + i * g->ldc + (uint64_t)j * 4, 4);
	if (g->type_a == GAON_TYPE_Q8A)
		c = block_element(g, i, j, c);
	else if (g->type_a == GAON_TYPE_BF16)
		c = bf16_element(g, i, j, c);
	else
		c = dense_element(g, i, j, c);
	return g->type_a != GAON_TYPE_I8 && bits_nan(c) ? NAN_BITS : c;
}
