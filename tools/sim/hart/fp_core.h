/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on unpacked numbers, generic over the format.  Only fp*.c include this.
 *
 * A finite number is sig * 2^(exp - 63) with bit 63 of sig set.  No supported format has more than
 * 53 significant bits, so bit 0 of a 64-bit significand can stand for "something nonzero below".
 */
#ifndef GAON_SIM_FP_CORE_H
#define GAON_SIM_FP_CORE_H

#include "fp.h"

#define FP_INLINE	static inline __attribute__((always_inline, unused))

typedef unsigned __int128 fp_u128;

struct fp_format {
	int ebits;	/* of the exponent field */
	int fbits;	/* of the fraction field */
};

enum fp_class { FP_CLS_ZERO, FP_CLS_FINITE, FP_CLS_INF, FP_CLS_QNAN, FP_CLS_SNAN };

struct fp_num {
	enum fp_class cls;
	bool sign;
	int exp;
	uint64_t sig;
};

static const struct fp_format fp_f16 = { 5, 10 };
static const struct fp_format fp_bf16 = { 8, 7 };
static const struct fp_format fp_f32 = { 8, 23 };
static const struct fp_format fp_f64 = { 11, 52 };

FP_INLINE uint64_t fp_inf(const struct fp_format f, bool sign)
{
	return ((uint64_t)sign << (f.ebits + f.fbits)) | (((1ull << f.ebits) - 1) << f.fbits);
}

FP_INLINE uint64_t fp_nan(const struct fp_format f)
{
	return (((1ull << (f.ebits + 1)) - 1) << (f.fbits - 1));
}

FP_INLINE uint64_t fp_zero(const struct fp_format f, bool sign)
{
	return (uint64_t)sign << (f.ebits + f.fbits);
}

FP_INLINE struct fp_num fp_unpack(const struct fp_format f, uint64_t bits)
{
	int bias = (1 << (f.ebits - 1)) - 1;
	int emax = (1 << f.ebits) - 1;
	uint64_t frac = bits & ((1ull << f.fbits) - 1);
	int e = (int)(bits >> f.fbits) & emax;
	struct fp_num n = { .sign = (bits >> (f.ebits + f.fbits)) & 1 };

	if (e == emax) {
		n.cls = !frac ? FP_CLS_INF : (frac >> (f.fbits - 1)) ? FP_CLS_QNAN : FP_CLS_SNAN;
	} else if (e) {
		n.cls = FP_CLS_FINITE;
		n.exp = e - bias;
		n.sig = (1ull << 63) | (frac << (63 - f.fbits));
	} else if (frac) {
		int lead = __builtin_clzll(frac);

		n.cls = FP_CLS_FINITE;
		n.exp = 1 - bias - (lead - (63 - f.fbits));
		n.sig = frac << lead;
	} else {
		n.cls = FP_CLS_ZERO;
	}
	return n;
}

/* Whether to add one unit, given the bits below it (@rest of a unit of 1 << @shift). */
FP_INLINE bool fp_round_up(unsigned int rm, bool sign, bool odd, uint64_t rest, int shift)
{
	uint64_t half = 1ull << (shift - 1);

	switch (rm) {
	case SIM_RM_RNE:
		return rest > half || (rest == half && odd);
	case SIM_RM_RMM:
		return rest >= half;
	case SIM_RM_RDN:
		return sign && rest;
	case SIM_RM_RUP:
		return !sign && rest;
	case SIM_RM_ROD:
		return rest && !odd;
	default:
		return false;
	}
}

FP_INLINE uint64_t fp_shift_jam(uint64_t v, int by)
{
	if (by <= 0)
		return v;
	if (by > 63)
		return v != 0;
	return (v >> by) | ((v << (64 - by)) != 0);
}

FP_INLINE fp_u128 fp_shift_jam128(fp_u128 v, int by)
{
	if (by <= 0)
		return v;
	if (by > 127)
		return v != 0;
	return (v >> by) | ((v << (128 - by)) != 0);
}

FP_INLINE uint64_t fp_overflow(const struct fp_format f, bool sign, unsigned int rm, uint8_t *flags)
{
	bool to_max = rm == SIM_RM_RTZ || rm == SIM_RM_ROD || (rm == SIM_RM_RDN && !sign) ||
		      (rm == SIM_RM_RUP && sign);

	*flags |= SIM_FP_OF | SIM_FP_NX;
	return fp_inf(f, sign) - to_max;
}

/* Round sig * 2^(exp - 63), bit 63 of @sig set and its bit 0 sticky, into the format. */
FP_INLINE uint64_t fp_round_pack(const struct fp_format f, bool sign, int exp, uint64_t sig,
				 unsigned int rm, uint8_t *flags)
{
	const int shift = 63 - f.fbits;
	const uint64_t mask = (1ull << shift) - 1;
	const int bias = (1 << (f.ebits - 1)) - 1;
	const int emin = 1 - bias;
	uint64_t kept, rest;
	bool tiny = false;

	if (exp > bias)
		return fp_overflow(f, sign, rm, flags);
	if (exp < emin) {
		/* Tiny unless rounding with an unbounded exponent would have reached 2^emin. */
		tiny = exp < emin - 1 || (sig >> shift) != (1ull << (f.fbits + 1)) - 1 ||
		       !fp_round_up(rm, sign, true, sig & mask, shift);
		sig = fp_shift_jam(sig, emin - exp);
		exp = emin;
	}
	kept = sig >> shift;
	rest = sig & mask;
	if (rest) {
		*flags |= SIM_FP_NX | (tiny ? SIM_FP_UF : 0);
		kept += fp_round_up(rm, sign, kept & 1, rest, shift);
	}
	/* A carry out of the fraction raises the exponent by itself, up to infinity. */
	if (kept >> f.fbits)
		kept += (uint64_t)(exp + bias - 1) << f.fbits;
	if (kept >= fp_inf(f, false))
		return fp_overflow(f, sign, rm, flags);
	return kept | fp_zero(f, sign);
}

/* The same for a nonzero 128-bit significand of any alignment: value sig * 2^(exp - 127). */
FP_INLINE uint64_t fp_round_pack128(const struct fp_format f, bool sign, int exp, fp_u128 sig,
				    unsigned int rm, uint8_t *flags)
{
	uint64_t hi = (uint64_t)(sig >> 64);
	int lead = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)sig);

	sig <<= lead;
	return fp_round_pack(f, sign, exp - lead, (uint64_t)(sig >> 64) | ((uint64_t)sig != 0), rm,
			     flags);
}

FP_INLINE uint64_t fp_invalid(const struct fp_format f, uint8_t *flags)
{
	*flags |= SIM_FP_NV;
	return fp_nan(f);
}

/* True if one of two is a NaN; raises invalid for signalling ones. */
FP_INLINE bool fp_any_nan(struct fp_num a, struct fp_num b, uint8_t *flags)
{
	if (a.cls == FP_CLS_SNAN || b.cls == FP_CLS_SNAN)
		*flags |= SIM_FP_NV;
	return a.cls >= FP_CLS_QNAN || b.cls >= FP_CLS_QNAN;
}

/* Sum of two finite nonzero 128-bit magnitudes, sig * 2^(exp - 127), top bits set. */
FP_INLINE uint64_t fp_add_finite(const struct fp_format f, bool as, int ae, fp_u128 a, bool bs, int be,
				 fp_u128 b, unsigned int rm, uint8_t *flags)
{
	/* One bit of head room; the low bits of both are zero, so nothing is lost. */
	a >>= 1;
	b >>= 1;
	if (ae < be || (ae == be && a < b)) {
		fp_u128 s = a;
		int e = ae;
		bool g = as;

		a = b, ae = be, as = bs;
		b = s, be = e, bs = g;
	}
	b = fp_shift_jam128(b, ae - be);
	if (as == bs)
		return fp_round_pack128(f, as, ae + 1, a + b, rm, flags);
	if (a == b)
		return fp_zero(f, rm == SIM_RM_RDN);
	return fp_round_pack128(f, as, ae + 1, a - b, rm, flags);
}

FP_INLINE uint64_t fp_add(const struct fp_format f, uint64_t x, uint64_t y, bool negate_y,
			  unsigned int rm, uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x), b = fp_unpack(f, y);

	if (fp_any_nan(a, b, flags))
		return fp_nan(f);
	b.sign ^= negate_y;
	if (a.cls == FP_CLS_INF || b.cls == FP_CLS_INF) {
		if (a.cls == b.cls && a.sign != b.sign)
			return fp_invalid(f, flags);
		return fp_inf(f, a.cls == FP_CLS_INF ? a.sign : b.sign);
	}
	if (a.cls == FP_CLS_ZERO && b.cls == FP_CLS_ZERO)
		return fp_zero(f, a.sign == b.sign ? a.sign : rm == SIM_RM_RDN);
	if (a.cls == FP_CLS_ZERO)
		return fp_round_pack(f, b.sign, b.exp, b.sig, rm, flags);
	if (b.cls == FP_CLS_ZERO)
		return fp_round_pack(f, a.sign, a.exp, a.sig, rm, flags);
	return fp_add_finite(f, a.sign, a.exp, (fp_u128)a.sig << 64, b.sign, b.exp,
			     (fp_u128)b.sig << 64, rm, flags);
}

FP_INLINE uint64_t fp_mul(const struct fp_format f, uint64_t x, uint64_t y, unsigned int rm,
			  uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x), b = fp_unpack(f, y);
	bool sign = a.sign ^ b.sign;

	if (fp_any_nan(a, b, flags))
		return fp_nan(f);
	if (a.cls == FP_CLS_INF || b.cls == FP_CLS_INF) {
		if (a.cls == FP_CLS_ZERO || b.cls == FP_CLS_ZERO)
			return fp_invalid(f, flags);
		return fp_inf(f, sign);
	}
	if (a.cls == FP_CLS_ZERO || b.cls == FP_CLS_ZERO)
		return fp_zero(f, sign);
	return fp_round_pack128(f, sign, a.exp + b.exp + 1, (fp_u128)a.sig * b.sig, rm, flags);
}

FP_INLINE uint64_t fp_fma(const struct fp_format f, uint64_t x, uint64_t y, uint64_t z,
			  unsigned int rm, uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x), b = fp_unpack(f, y), c = fp_unpack(f, z);
	bool inf_by_zero = (a.cls == FP_CLS_INF && b.cls == FP_CLS_ZERO) ||
			   (a.cls == FP_CLS_ZERO && b.cls == FP_CLS_INF);
	bool sign = a.sign ^ b.sign;
	fp_u128 p;
	int pe;

	/* Infinity times zero is invalid even if c is a quiet NaN. */
	if (inf_by_zero || c.cls == FP_CLS_SNAN)
		*flags |= SIM_FP_NV;
	if (fp_any_nan(a, b, flags) || c.cls >= FP_CLS_QNAN || inf_by_zero)
		return fp_nan(f);
	if (a.cls == FP_CLS_INF || b.cls == FP_CLS_INF) {
		if (c.cls == FP_CLS_INF && c.sign != sign)
			return fp_invalid(f, flags);
		return fp_inf(f, sign);
	}
	if (c.cls == FP_CLS_INF)
		return fp_inf(f, c.sign);
	if (a.cls == FP_CLS_ZERO || b.cls == FP_CLS_ZERO) {
		if (c.cls == FP_CLS_ZERO)
			return fp_zero(f, sign == c.sign ? sign : rm == SIM_RM_RDN);
		return fp_round_pack(f, c.sign, c.exp, c.sig, rm, flags);
	}
	p = (fp_u128)a.sig * b.sig;
	pe = a.exp + b.exp + 1;
	if (c.cls == FP_CLS_ZERO)
		return fp_round_pack128(f, sign, pe, p, rm, flags);
	if (!(p >> 127)) {
		p <<= 1;
		pe--;
	}
	return fp_add_finite(f, sign, pe, p, c.sign, c.exp, (fp_u128)c.sig << 64, rm, flags);
}

FP_INLINE uint64_t fp_div(const struct fp_format f, uint64_t x, uint64_t y, unsigned int rm,
			  uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x), b = fp_unpack(f, y);
	bool sign = a.sign ^ b.sign;
	fp_u128 n, q;

	if (fp_any_nan(a, b, flags))
		return fp_nan(f);
	if (a.cls == b.cls && a.cls != FP_CLS_FINITE)
		return fp_invalid(f, flags);
	if (a.cls == FP_CLS_INF)
		return fp_inf(f, sign);
	if (a.cls == FP_CLS_ZERO || b.cls == FP_CLS_INF)
		return fp_zero(f, sign);
	if (b.cls == FP_CLS_ZERO) {
		*flags |= SIM_FP_DZ;
		return fp_inf(f, sign);
	}
	n = (fp_u128)a.sig << 62;
	q = n / b.sig;
	/* The quotient has 62 or 63 bits; one more for what is left. */
	return fp_round_pack128(f, sign, a.exp - b.exp + 64, q << 1 | (q * b.sig != n), rm, flags);
}

/* Floor of the square root, and whether something was left. */
FP_INLINE uint64_t fp_isqrt(fp_u128 v, bool *exact)
{
	uint64_t r = 0;

	for (uint64_t bit = 1ull << 63; bit; bit >>= 1) {
		uint64_t t = r | bit;

		if ((fp_u128)t * t <= v)
			r = t;
	}
	*exact = (fp_u128)r * r == v;
	return r;
}

FP_INLINE uint64_t fp_sqrt(const struct fp_format f, uint64_t x, unsigned int rm, uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x);
	bool exact;
	uint64_t r;

	if (fp_any_nan(a, a, flags))
		return fp_nan(f);
	if (a.cls == FP_CLS_ZERO)
		return x;
	if (a.sign)
		return fp_invalid(f, flags);
	if (a.cls == FP_CLS_INF)
		return x;
	/* An even exponent, and a radicand in [2^126, 2^128): the root has its top bit set. */
	r = fp_isqrt((fp_u128)a.sig << (a.exp & 1 ? 64 : 63), &exact);
	return fp_round_pack(f, false, a.exp >> 1, r | !exact, rm, flags);
}

FP_INLINE uint64_t fp_convert(const struct fp_format from, const struct fp_format to, uint64_t x,
			      unsigned int rm, uint8_t *flags)
{
	struct fp_num a = fp_unpack(from, x);

	if (fp_any_nan(a, a, flags))
		return fp_nan(to);
	if (a.cls == FP_CLS_ZERO)
		return fp_zero(to, a.sign);
	if (a.cls == FP_CLS_INF)
		return fp_inf(to, a.sign);
	return fp_round_pack(to, a.sign, a.exp, a.sig, rm, flags);
}

FP_INLINE uint64_t fp_from_u64(const struct fp_format f, bool sign, uint64_t v, unsigned int rm,
			       uint8_t *flags)
{
	int lead;

	if (!v)
		return fp_zero(f, false);
	lead = __builtin_clzll(v);
	return fp_round_pack(f, sign, 63 - lead, v << lead, rm, flags);
}

FP_INLINE uint64_t fp_to_int(const struct fp_format f, uint64_t x, unsigned int bits, bool is_signed,
			     unsigned int rm, uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x);
	uint64_t max = is_signed ? (1ull << (bits - 1)) - 1 : UINT64_MAX >> (64 - bits);
	uint64_t limit = a.sign ? (is_signed ? max + 1 : 0) : max;
	fp_u128 fixed;
	uint64_t v, rest;

	if (a.cls >= FP_CLS_QNAN) {
		*flags |= SIM_FP_NV;
		return max;
	}
	if (a.cls == FP_CLS_ZERO)
		return 0;
	if (a.cls == FP_CLS_INF || a.exp > 63)
		goto out_of_range;
	/* Integer part above bit 64, fraction below it. */
	fixed = fp_shift_jam128((fp_u128)a.sig << 64, 63 - a.exp);
	v = (uint64_t)(fixed >> 64);
	rest = (uint64_t)fixed;
	if (rest) {
		/* Halve, keeping the stickiness, so that half a unit is a power of two that fits. */
		if (fp_round_up(rm, a.sign, v & 1, rest >> 1 | (rest & 1), 63) && !++v)
			goto out_of_range;
	}
	if (v > limit)
		goto out_of_range;
	if (rest)
		*flags |= SIM_FP_NX;
	return a.sign ? -v : v;
out_of_range:
	*flags |= SIM_FP_NV;
	return a.sign ? -limit : limit;
}

FP_INLINE unsigned int fp_classify(const struct fp_format f, uint64_t x)
{
	struct fp_num a = fp_unpack(f, x);

	switch (a.cls) {
	case FP_CLS_INF:
		return a.sign ? 1u << 0 : 1u << 7;
	case FP_CLS_ZERO:
		return a.sign ? 1u << 3 : 1u << 4;
	case FP_CLS_SNAN:
		return 1u << 8;
	case FP_CLS_QNAN:
		return 1u << 9;
	default:
		if (a.exp < 2 - (1 << (f.ebits - 1)))
			return a.sign ? 1u << 2 : 1u << 5;
		return a.sign ? 1u << 1 : 1u << 6;
	}
}

/* Ordered comparison of two numbers that are no NaNs, as a key that sorts like an integer. */
FP_INLINE int64_t fp_key(const struct fp_format f, uint64_t x)
{
	uint64_t sign = fp_zero(f, true);
	int64_t mag = (int64_t)(x & (sign - 1));

	return x & sign ? -mag : mag;
}

FP_INLINE bool fp_compare(const struct fp_format f, uint64_t x, uint64_t y, int how, uint8_t *flags)
{
	uint64_t sign = fp_zero(f, true), inf = fp_inf(f, false), quiet = 1ull << (f.fbits - 1);
	bool xn = (x & (sign - 1)) > inf, yn = (y & (sign - 1)) > inf;

	if (xn || yn) {
		if (how || (xn && !(x & quiet)) || (yn && !(y & quiet)))
			*flags |= SIM_FP_NV;
		return false;
	}
	switch (how) {
	case 0:
		return fp_key(f, x) == fp_key(f, y);
	case 1:
		return fp_key(f, x) < fp_key(f, y);
	default:
		return fp_key(f, x) <= fp_key(f, y);
	}
}

FP_INLINE uint64_t fp_minmax(const struct fp_format f, uint64_t x, uint64_t y, bool max, uint8_t *flags)
{
	struct fp_num a = fp_unpack(f, x), b = fp_unpack(f, y);
	int64_t kx, ky;

	if (fp_any_nan(a, b, flags)) {
		if (a.cls < FP_CLS_QNAN)
			return x;
		return b.cls < FP_CLS_QNAN ? y : fp_nan(f);
	}
	kx = fp_key(f, x);
	ky = fp_key(f, y);
	/* Zeros: the negative one is below. */
	if (kx == ky)
		return a.sign != max ? x : y;
	return (kx < ky) != max ? x : y;
}

#endif
