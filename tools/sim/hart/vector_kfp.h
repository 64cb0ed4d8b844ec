/* SPDX-License-Identifier: MIT */
/*
 * The floating-point kernels on the host's unit, instantiated by vector_fp_v2.c, _v3.c and _v4.c.
 * The caller has put rounding mode and clear exception flags into MXCSR, and reads the flags.
 *
 * x86 differs from the architecture in what NaN comes out, and in not raising invalid for
 * inf * 0 + quiet NaN.  Both show as a NaN result, which is rare: a block of results is tested
 * with one comparison, and repaired when it holds a NaN.
 */
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "fp.h"
#include "vector_kernels.h"

/* --- on the bits: any host ------------------------------------------------------------------- */

#define FTYPES_16 typedef uint16_t U; typedef int16_t S; enum { BITS = 16 }; \
		  const U EXP = 0x7c00, QUIET = 0x0200, CANON = 0x7e00, SIGN = 0x8000;
#define FTYPES_32 typedef uint32_t U; typedef int32_t S; enum { BITS = 32 }; \
		  const U EXP = 0x7f800000, QUIET = 0x00400000, CANON = 0x7fc00000, SIGN = 0x80000000;
#define FTYPES_64 typedef uint64_t U; typedef int64_t S; enum { BITS = 64 }; \
		  const U EXP = 0x7ff0000000000000, QUIET = 0x0008000000000000, \
		  CANON = 0x7ff8000000000000, SIGN = 0x8000000000000000;

#define K_BITS_FORM(NAME, FORM, W, DT, BVAL, STORE, ...)					\
static uint32_t k_##NAME##_##FORM##_##W(void *dp, const void *ap, const void *bp, uint64_t x,	\
					size_t n, unsigned int rm)				\
{												\
	FTYPES_##W										\
	DT *d = dp;										\
	const U *av = ap, *bv = bp;								\
	U nv = 0;										\
												\
	(void)x, (void)bv, (void)rm, (void)CANON, (void)sizeof(S);				\
	_Pragma("clang loop vectorize(assume_safety)")						\
	for (size_t i = 0; i < n; i++) {							\
		U a = av[i], b = BVAL, r;							\
		U ma = a & (U)~SIGN, mb = b & (U)~SIGN;						\
		U na = ma > EXP, nb = mb > EXP, zz = (ma | mb) == 0;				\
		U sa = na & !(a & QUIET), sb = nb & !(b & QUIET);				\
		S ka = (S)(a ^ (U)((U)((S)a >> (BITS - 1)) >> 1));				\
		S kb = (S)(b ^ (U)((U)((S)b >> (BITS - 1)) >> 1));				\
												\
		(void)na, (void)nb, (void)sa, (void)sb, (void)ka, (void)kb, (void)zz;		\
		__VA_ARGS__;									\
		d[i] = STORE;									\
	}											\
	return nv ? SIM_FP_NV : 0;								\
}
#define K_BITS_W(NAME, W, ...)									\
	K_BITS_FORM(NAME, vv, W, U, bv[i], r, __VA_ARGS__)					\
	K_BITS_FORM(NAME, vx, W, U, (U)x, r, __VA_ARGS__)
#define K_BITS(NAME, ...)									\
	K_BITS_W(NAME, 16, __VA_ARGS__) K_BITS_W(NAME, 32, __VA_ARGS__)				\
	K_BITS_W(NAME, 64, __VA_ARGS__)
VEC_FPBITS_OPS(K_BITS)

/*
 * Minimum and maximum of many: *acc is the running one.  A NaN counts as the value that never
 * wins, and the result is the canonical NaN if there is nothing else.
 */
#define K_EXTREME(NAME, W, CMP, WORST)								\
static uint32_t k_##NAME##_##W(uint64_t *acc, const void *ap, size_t n, unsigned int rm)	\
{												\
	FTYPES_##W										\
	const U *av = ap;									\
	S worst = (S)(WORST), best = worst;							\
	U nv = 0, numbers = 0;									\
	U first = (U)*acc;									\
												\
	(void)rm;										\
	for (size_t i = 0; i < n; i++) {							\
		U a = av[i], m = a & (U)~SIGN, na = m > EXP;					\
		S k = (S)(a ^ (U)((U)((S)a >> (BITS - 1)) >> 1));				\
												\
		nv |= na & !(a & QUIET);							\
		numbers |= !na;									\
		k = na ? worst : k;								\
		best = k CMP best ? k : best;							\
	}											\
	nv |= (first & (U)~SIGN) > EXP && !(first & QUIET);					\
	if ((first & (U)~SIGN) <= EXP) {							\
		S k = (S)(first ^ (U)((U)((S)first >> (BITS - 1)) >> 1));			\
		best = numbers && !(k CMP best) ? best : k;					\
		numbers = 1;									\
	}											\
	*acc = numbers ? (U)(best ^ (S)((U)(best >> (BITS - 1)) >> 1)) : CANON;			\
	return nv ? SIM_FP_NV : 0;								\
}
#define K_EXTREMES(W)										\
	K_EXTREME(redmin, W, <, (U)~SIGN) K_EXTREME(redmax, W, >, SIGN)
K_EXTREMES(16) K_EXTREMES(32) K_EXTREMES(64)

/* --- bf16: the upper half of an f32 ---------------------------------------------------------- */

/* Widening is a shift; what a NaN becomes is the canonical one. */
static uint32_t k_wcvt_bf16(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,
			    unsigned int rm)
{
	const uint16_t *a = ap;
	uint32_t *d = dp, nv = 0;

	(void)bp, (void)x, (void)rm;
	_Pragma("clang loop vectorize(assume_safety)")
	for (size_t i = 0; i < n; i++) {
		uint32_t v = (uint32_t)a[i] << 16, nan = (v & 0x7fffffff) > 0x7f800000;

		nv |= nan & !(v & 0x400000);
		d[i] = nan ? SIM_F32_NAN : v;
	}
	return nv ? SIM_FP_NV : 0;
}

/*
 * Narrowing adds @even or @away to the magnitude's lower half and cuts it off.  bf16's least
 * normal number is f32's, so what is tiny after rounding lies below @tiny, which depends on the
 * mode: the magnitude from which 8 significant bits round up to that number.
 */
static uint32_t k_ncvt_bf16(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,
			    unsigned int rm)
{
	uint32_t nx = 0, of = 0, uf = 0, nv = 0, even = rm == SIM_RM_RNE ? 0x7fff : 0;
	uint32_t positive = rm == SIM_RM_RUP ? 0xffff : 0, negative = rm == SIM_RM_RDN ? 0xffff : 0;
	const uint32_t *a = ap;
	uint16_t *d = dp;

	(void)bp, (void)x;
	_Pragma("clang loop vectorize(assume_safety)")
	for (size_t i = 0; i < n; i++) {
		uint32_t v = a[i], m = v & 0x7fffffff, nan = m > 0x7f800000, lsb = v >> 16 & 1;
		uint32_t away = v >> 31 ? negative : positive, inexact = (v & 0xffff) != 0;
		uint32_t r = m + (even ? even + lsb : away);
		uint32_t tiny = even ? 0x7fc000u : away ? 0x7f8001u : 0x800000u;

		inexact &= !nan;
		nv |= nan & !(v & 0x400000);
		nx |= inexact;
		of |= inexact & (r >= 0x7f800000);
		uf |= inexact & (m < tiny);
		d[i] = (uint16_t)(nan ? SIM_BF16_NAN : (r | (v & 0x80000000)) >> 16);
	}
	return (nv ? SIM_FP_NV : 0) | (nx ? SIM_FP_NX : 0) | (of ? SIM_FP_OF : 0) |
	       (uf ? SIM_FP_UF : 0);
}

#define K_FCMP_W(NAME, W, ...)									\
	K_BITS_FORM(NAME, vv, W, uint8_t, bv[i], (uint8_t)-(int)r, __VA_ARGS__)			\
	K_BITS_FORM(NAME, vx, W, uint8_t, (U)x, (uint8_t)-(int)r, __VA_ARGS__)
#define K_FCMP(NAME, ...)									\
	K_FCMP_W(NAME, 16, __VA_ARGS__) K_FCMP_W(NAME, 32, __VA_ARGS__)				\
	K_FCMP_W(NAME, 64, __VA_ARGS__)
VEC_FPCMP_OPS(K_FCMP)

#if defined(__AVX512DQ__)
/* --- minimum, maximum and compares on a host with mask registers ----------------------------- */

/*
 * A vector in which a NaN shows goes through the kernel on the bits; there is none as a rule.  The
 * host's instruction orders -0 below +0 like ours, and its flags are not looked at: the kernels on
 * the bits say what is raised.
 */
#define K_RANGE_FORM(NAME, FORM, W, T, LANES, BV, BP, IMM)					\
static uint32_t k_##NAME##_##FORM##_##W##_range(void *dp, const void *ap, const void *bp,		\
						uint64_t x, size_t n, unsigned int rm)		\
{												\
	const uint##W##_t *av = ap, *bv = bp;							\
	uint##W##_t *d = dp;									\
	uint32_t flags = 0;									\
	size_t i = 0;										\
												\
	(void)bv;										\
	for (; i + LANES <= n; i += LANES) {							\
		T a = (T)_mm512_loadu_si512(av + i), b = (T)(BV);				\
												\
		if (__builtin_expect(!!RANGE_CMP_##W(a, b, _CMP_UNORD_Q), 0))			\
			flags |= k_##NAME##_##FORM##_##W(d + i, av + i, BP, x, LANES, rm);	\
		else										\
			_mm512_storeu_si512(d + i, (__m512i)RANGE_##W(a, b, IMM));		\
	}											\
	return i < n ? flags | k_##NAME##_##FORM##_##W(d + i, av + i, BP, x, n - i, rm) : flags;	\
}
#define RANGE_CMP_32 _mm512_cmp_ps_mask
#define RANGE_CMP_64 _mm512_cmp_pd_mask
#define RANGE_32 _mm512_range_ps
#define RANGE_64 _mm512_range_pd
#define K_RANGE(NAME, IMM)									\
	K_RANGE_FORM(NAME, vv, 32, __m512, 16, _mm512_loadu_si512(bv + i), bv + i, IMM)		\
	K_RANGE_FORM(NAME, vx, 32, __m512, 16, _mm512_set1_epi32((int)x), NULL, IMM)		\
	K_RANGE_FORM(NAME, vv, 64, __m512d, 8, _mm512_loadu_si512(bv + i), bv + i, IMM)		\
	K_RANGE_FORM(NAME, vx, 64, __m512d, 8, _mm512_set1_epi64((long long)x), NULL, IMM)
/* imm8: 0 and 1 are minimum and maximum, 4 takes the sign from the chosen operand */
K_RANGE(FMIN, 4)
K_RANGE(FMAX, 5)

/* Bits of the result; NaNs as above, where only the flags come from the bytes. */
#define K_CMP_BITS_FORM(NAME, FORM, W, T, LANES, BV, BP, HOW)					\
static uint32_t k_##NAME##_##FORM##_##W##_mask(void *dp, const void *ap, const void *bp,		\
					       uint64_t x, size_t n, unsigned int rm)		\
{												\
	const uint##W##_t *av = ap, *bv = bp;							\
	uint8_t *d = dp, bytes[LANES];								\
	uint32_t flags = 0, last = 0;								\
	size_t i = 0;										\
												\
	(void)bv;										\
	for (; i + LANES <= n; i += LANES) {							\
		T a = (T)_mm512_loadu_si512(av + i), b = (T)(BV);				\
		uint16_t m = RANGE_CMP_##W(a, b, HOW);						\
												\
		if (__builtin_expect(!!RANGE_CMP_##W(a, b, _CMP_UNORD_Q), 0))			\
			flags |= k_##NAME##_##FORM##_##W(bytes, av + i, BP, x, LANES, rm);	\
		memcpy(d + i / 8, &m, LANES / 8);						\
	}											\
	if (i == n)										\
		return flags;									\
	flags |= k_##NAME##_##FORM##_##W(bytes, av + i, BP, x, n - i, rm);			\
	for (size_t j = 0; j < n - i; j++)							\
		last |= (bytes[j] & 1u) << j;							\
	memcpy(d + i / 8, &last, (n - i + 7) / 8);						\
	return flags;										\
}
#define K_CMP_BITS(NAME, HOW)									\
	K_CMP_BITS_FORM(NAME, vv, 32, __m512, 16, _mm512_loadu_si512(bv + i), bv + i, HOW)		\
	K_CMP_BITS_FORM(NAME, vx, 32, __m512, 16, _mm512_set1_epi32((int)x), NULL, HOW)		\
	K_CMP_BITS_FORM(NAME, vv, 64, __m512d, 8, _mm512_loadu_si512(bv + i), bv + i, HOW)		\
	K_CMP_BITS_FORM(NAME, vx, 64, __m512d, 8, _mm512_set1_epi64((long long)x), NULL, HOW)
K_CMP_BITS(FEQ, _CMP_EQ_OQ)
K_CMP_BITS(FNE, _CMP_NEQ_UQ)
K_CMP_BITS(FLT, _CMP_LT_OQ)
K_CMP_BITS(FLE, _CMP_LE_OQ)
K_CMP_BITS(FGT, _CMP_GT_OQ)
K_CMP_BITS(FGE, _CMP_GE_OQ)
#endif

#if defined(__x86_64__)
/* --- the host's vectors ---------------------------------------------------------------------- */

#if defined(__AVX512F__)
#define NB 64
#define UNORD_32(p, q) _mm512_cmp_ps_mask((__m512)(p), (__m512)(q), _CMP_UNORD_Q)
#define UNORD_64(p, q) _mm512_cmp_pd_mask((__m512d)(p), (__m512d)(q), _CMP_UNORD_Q)
#define SQRT_32(v) ((v_32)_mm512_sqrt_ps((__m512)(v)))
#define SQRT_64(v) ((v_64)_mm512_sqrt_pd((__m512d)(v)))
#elif defined(__AVX2__)
#define NB 32
#define UNORD_32(p, q) _mm256_movemask_ps(_mm256_cmp_ps((__m256)(p), (__m256)(q), _CMP_UNORD_Q))
#define UNORD_64(p, q) _mm256_movemask_pd(_mm256_cmp_pd((__m256d)(p), (__m256d)(q), _CMP_UNORD_Q))
#define SQRT_32(v) ((v_32)_mm256_sqrt_ps((__m256)(v)))
#define SQRT_64(v) ((v_64)_mm256_sqrt_pd((__m256d)(v)))
#else
#define NB 16
#define UNORD_32(p, q) _mm_movemask_ps(_mm_cmpunord_ps((__m128)(p), (__m128)(q)))
#define UNORD_64(p, q) _mm_movemask_pd(_mm_cmpunord_pd((__m128d)(p), (__m128d)(q)))
#define SQRT_32(v) ((v_32)_mm_sqrt_ps((__m128)(v)))
#define SQRT_64(v) ((v_64)_mm_sqrt_pd((__m128d)(v)))
#endif

#define VECTOR_OF(T, N) __attribute__((vector_size(sizeof(T) * (N)))) T

typedef VECTOR_OF(float, NB / 4) v_32;
typedef VECTOR_OF(double, NB / 8) v_64;
typedef VECTOR_OF(int32_t, NB / 4) vi_32;
typedef VECTOR_OF(int64_t, NB / 8) vi_64;
typedef VECTOR_OF(float, NB / 8) h_32;		/* as many floats as a vector has doubles */
typedef VECTOR_OF(uint16_t, NB / 4) h_16;	/* as many halves as a vector has floats */
typedef VECTOR_OF(uint32_t, NB / 4) vu_32;
typedef float s_32;
typedef double s_64;

#define LANES_32 (NB / 4)
#define LANES_64 (NB / 8)
#define CANON_32 SIM_F32_NAN
#define CANON_64 SIM_F64_NAN

#define HELPERS(W)										\
static inline v_##W load_##W(const void *p, size_t i)						\
{												\
	v_##W v;										\
	memcpy(&v, (const s_##W *)p + i, sizeof(v));						\
	return v;										\
}												\
static inline void store_##W(void *p, size_t i, v_##W v)					\
{												\
	memcpy((s_##W *)p + i, &v, sizeof(v));							\
}												\
static inline s_##W scalar_##W(uint64_t x)							\
{												\
	s_##W v;										\
	memcpy(&v, &x, sizeof(v));								\
	return v;										\
}												\
static inline v_##W splat_##W(s_##W x)								\
{												\
	v_##W v;										\
	for (unsigned int l = 0; l < LANES_##W; l++)						\
		v[l] = x;									\
	return v;									\
}												\
static inline v_##W canon_##W(v_##W v)								\
{												\
	vi_##W nan = (vi_##W)(v != v);								\
	return (v_##W)(((vi_##W)v & ~nan) | ((vi_##W){} + (int##W##_t)CANON_##W & nan));	\
}												\
static inline s_##W canon_one_##W(s_##W v)							\
{												\
	return v == v ? v : scalar_##W(CANON_##W);						\
}												\
/* Invalid for inf * 0 + NaN: which NaN does not matter, a signalling one has raised it anyway. */	\
static __attribute__((noinline, unused)) uint32_t inf_times_zero_##W(const s_##W *p, const s_##W *q,	\
							     unsigned int lanes)		\
{												\
	uint32_t flags = 0;									\
	for (unsigned int i = 0; i < lanes; i++) {						\
		uint##W##_t mp, mq;								\
		memcpy(&mp, &p[i], sizeof(mp));							\
		memcpy(&mq, &q[i], sizeof(mq));							\
		mp <<= 1, mq <<= 1;								\
		if ((mp == (uint##W##_t)INF_##W << 1 && !mq) ||					\
		    (mq == (uint##W##_t)INF_##W << 1 && !mp))					\
			flags |= SIM_FP_NV;							\
	}											\
	return flags;										\
}
#define INF_32 0x7f800000u
#define INF_64 0x7ff0000000000000ull
HELPERS(32)
HELPERS(64)

static inline float fma_one_32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double fma_one_64(double a, double b, double c) { return __builtin_fma(a, b, c); }
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)

/* --- loops: two vectors at a time, then one, then single elements ---------------------------- */

/*
 * VEXPR and SEXPR: the result at element j, as a vector and alone.  VFIX and SFIX: statements for
 * what has to be done at j beyond making a NaN canonical, before anything is stored.
 */
#define FP_LOOP(W, VEXPR, SEXPR, VFIX, SFIX)							\
	uint32_t flags = 0;									\
	size_t i = 0, j;									\
												\
	(void)x, (void)bp, (void)rm;								\
	for (; i + 2 * LANES_##W <= n; i += 2 * LANES_##W) {					\
		v_##W r0, r1;									\
		j = i;										\
		r0 = VEXPR;									\
		j = i + LANES_##W;								\
		r1 = VEXPR;									\
		if (__builtin_expect(!!UNORD_##W(r0, r1), 0)) {					\
			VFIX									\
			j = i;									\
			VFIX									\
			r0 = canon_##W(r0);							\
			r1 = canon_##W(r1);							\
		}										\
		store_##W(dp, i, r0);								\
		store_##W(dp, i + LANES_##W, r1);						\
	}											\
	for (; i + LANES_##W <= n; i += LANES_##W) {						\
		v_##W r;									\
		j = i;										\
		r = VEXPR;									\
		if (__builtin_expect(!!UNORD_##W(r, r), 0)) {					\
			VFIX									\
			r = canon_##W(r);							\
		}										\
		store_##W(dp, i, r);								\
	}											\
	for (; i < n; i++) {									\
		s_##W r;									\
		j = i;										\
		r = SEXPR;									\
		if (__builtin_expect(r != r, 0)) {						\
			SFIX									\
			r = canon_one_##W(r);							\
		}										\
		((s_##W *)dp)[i] = r;								\
	}											\
	return flags

#define KERNEL(NAME) static uint32_t NAME(void *dp, const void *ap, const void *bp, uint64_t x,	\
					  size_t n, unsigned int rm)
#define AT(W, p)	(((const s_##W *)(p))[j])

/* vfadd and its like */
#define K_FP2_W(NAME, W, EXPR)									\
KERNEL(k_##NAME##_vv_##W)									\
{												\
	FP_LOOP(W, ({ v_##W a = load_##W(ap, j), b = load_##W(bp, j); EXPR; }),			\
		   ({ s_##W a = AT(W, ap), b = AT(W, bp); EXPR; }), , );			\
}												\
KERNEL(k_##NAME##_vx_##W)									\
{												\
	s_##W xs = scalar_##W(x);								\
	v_##W xv = splat_##W(xs);								\
	FP_LOOP(W, ({ v_##W a = load_##W(ap, j), b = xv; EXPR; }),				\
		   ({ s_##W a = AT(W, ap), b = xs; EXPR; }), , );				\
}
#define K_FP2(NAME, FN, A, B, EXPR)	K_FP2_W(NAME, 32, EXPR) K_FP2_W(NAME, 64, EXPR)
VEC_FP2_OPS(K_FP2)

KERNEL(k_sqrt_32)
{
	FP_LOOP(32, SQRT_32(load_32(ap, j)), __builtin_sqrtf(AT(32, ap)), , );
}
KERNEL(k_sqrt_64)
{
	FP_LOOP(64, SQRT_64(load_64(ap, j)), __builtin_sqrt(AT(64, ap)), , );
}

/* --- multiply-adds, where the host has them -------------------------------------------------- */

#if defined(__FMA__)
#define VFIX_FMA(W, P, Q)									\
	{											\
		v_##W vp = P, vq = Q;								\
		s_##W ps[LANES_##W], qs[LANES_##W];						\
		memcpy(ps, &vp, sizeof(vp));							\
		memcpy(qs, &vq, sizeof(vq));							\
		flags |= inf_times_zero_##W(ps, qs, LANES_##W);					\
	}
#define SFIX_FMA(W, P, Q)									\
	{											\
		s_##W ps = P, qs = Q;								\
		flags |= inf_times_zero_##W(&ps, &qs, 1);					\
	}
#define SIGNED(NEG, V)	((NEG) ? -(V) : (V))
#define VA(W)	load_##W(ap, j)
#define VC(W)	load_##W(dp, j)
#define VLET(W, BV, E)	({ v_##W a = VA(W), b = BV, c = VC(W); (void)a, (void)b, (void)c; E; })
#define SLET(W, BV, E)	({ s_##W a = AT(W, ap), b = BV, c = AT(W, dp); (void)a, (void)b, (void)c; E; })

#define K_FMA_BODY(W, BV, BS, P, Q, C, NP, NC)							\
	FP_LOOP(W, VLET(W, BV, FMA(SIGNED(NP, P), Q, SIGNED(NC, C))),				\
		   SLET(W, BS, fma_one_##W(SIGNED(NP, P), Q, SIGNED(NC, C))),			\
		   VFIX_FMA(W, VLET(W, BV, P), VLET(W, BV, Q)),					\
		   SFIX_FMA(W, SLET(W, BS, P), SLET(W, BS, Q)))
#define K_FMA_W(NAME, W, P, Q, C, NP, NC)							\
KERNEL(k_##NAME##_vv_##W)									\
{												\
	K_FMA_BODY(W, load_##W(bp, j), AT(W, bp), P, Q, C, NP, NC);				\
}												\
KERNEL(k_##NAME##_vx_##W)									\
{												\
	s_##W xs = scalar_##W(x);								\
	v_##W xv = splat_##W(xs);								\
	K_FMA_BODY(W, xv, xs, P, Q, C, NP, NC);							\
}
#define K_FMA(NAME, ...)	K_FMA_W(NAME, 32, __VA_ARGS__) K_FMA_W(NAME, 64, __VA_ARGS__)
VEC_FMA_OPS(K_FMA)
#endif

/* --- widening: f32 to f64 -------------------------------------------------------------------- */

static inline v_64 wide_64(const void *p, size_t j)
{
	h_32 v;

	memcpy(&v, (const float *)p + j, sizeof(v));
	return __builtin_convertvector(v, v_64);
}

#define WIDE_AT(p)	((double)((const float *)(p))[j])

#define K_WFP(NAME, FN, EXPR)									\
KERNEL(k_##NAME##_vv_32)									\
{												\
	FP_LOOP(64, ({ v_64 a = wide_64(ap, j), b = wide_64(bp, j); EXPR; }),			\
		    ({ double a = WIDE_AT(ap), b = WIDE_AT(bp); EXPR; }), , );			\
}												\
KERNEL(k_##NAME##_vx_32)									\
{												\
	double xs = (double)scalar_32(x);							\
	v_64 xv = splat_64(xs);									\
	FP_LOOP(64, ({ v_64 a = wide_64(ap, j), b = xv; EXPR; }),				\
		    ({ double a = WIDE_AT(ap), b = xs; EXPR; }), , );				\
}
VEC_WFP_OPS(K_WFP)

#define K_WFPW(NAME, FN, EXPR)									\
KERNEL(k_##NAME##_vv_32)									\
{												\
	FP_LOOP(64, ({ v_64 a = load_64(ap, j), b = wide_64(bp, j); EXPR; }),			\
		    ({ double a = AT(64, ap), b = WIDE_AT(bp); EXPR; }), , );			\
}												\
KERNEL(k_##NAME##_vx_32)									\
{												\
	double xs = (double)scalar_32(x);							\
	v_64 xv = splat_64(xs);									\
	FP_LOOP(64, ({ v_64 a = load_64(ap, j), b = xv; EXPR; }),				\
		    ({ double a = AT(64, ap), b = xs; EXPR; }), , );				\
}
VEC_WFPW_OPS(K_WFPW)

KERNEL(k_wcvt_f_f_32)
{
	FP_LOOP(64, wide_64(ap, j), WIDE_AT(ap), , );
}

#if defined(__FMA__)
#define K_WFMA_BODY(W, AV, AS, BV, BS, NP, NC)							\
	FP_LOOP(W, ({ v_##W a = AV, b = BV, c = load_##W(dp, j);				\
		      FMA(SIGNED(NP, b), a, SIGNED(NC, c)); }),					\
		   ({ s_##W a = AS, b = BS, c = AT(W, dp);					\
		      fma_one_##W(SIGNED(NP, b), a, SIGNED(NC, c)); }),				\
		   VFIX_FMA(W, AV, BV), SFIX_FMA(W, AS, BS))
#define K_WFMA(NAME, NP, NC)									\
KERNEL(k_##NAME##_vv_32)									\
{												\
	K_WFMA_BODY(64, wide_64(ap, j), WIDE_AT(ap), wide_64(bp, j), WIDE_AT(bp), NP, NC);	\
}												\
KERNEL(k_##NAME##_vx_32)									\
{												\
	double xs = (double)scalar_32(x);							\
	v_64 xv = splat_64(xs);									\
	K_WFMA_BODY(64, wide_64(ap, j), WIDE_AT(ap), xv, xs, NP, NC);				\
}
VEC_WFMA_OPS(K_WFMA)

/* bf16 to f32 is a shift, whatever the value: a signalling NaN stays one until the fma. */
static inline v_32 wide_bf16(const void *p, size_t j)
{
	h_16 v;

	memcpy(&v, (const uint16_t *)p + j, sizeof(v));
	return (v_32)(__builtin_convertvector(v, vu_32) << 16);
}
#define BF16_AT(p)	scalar_32((uint64_t)((const uint16_t *)(p))[j] << 16)

KERNEL(k_WFMACCBF16_vv_16)
{
	K_WFMA_BODY(32, wide_bf16(ap, j), BF16_AT(ap), wide_bf16(bp, j), BF16_AT(bp), 0, 0);
}
KERNEL(k_WFMACCBF16_vx_16)
{
	float xs = scalar_32((uint64_t)(uint16_t)x << 16);
	v_32 xv = splat_32(xs);

	K_WFMA_BODY(32, wide_bf16(ap, j), BF16_AT(ap), xv, xs, 0, 0);
}
#endif

/* --- conversions of f32, the ones that kernels use ------------------------------------------- */

#define K_LOOP_32(BODY)										\
	size_t i = 0;										\
	(void)x, (void)bp, (void)rm;								\
	BODY											\
	return 0

/* The host answers 0x80000000 to what does not fit, having raised invalid. */
static inline vi_32 fit_32(vi_32 r, v_32 v)
{
	vi_32 bad = (vi_32)(r == INT32_MIN) & (vi_32)~(v < 0.0f);

	return r ^ bad;
}
static inline int32_t fit_one_32(int32_t r, float v)
{
	return r == INT32_MIN && !(v < 0.0f) ? INT32_MAX : r;
}

#if defined(__AVX512F__)
#define CVT_X_F(v)	((vi_32)_mm512_cvtps_epi32((__m512)(v)))
#define CVT_RTZ_X_F(v)	((vi_32)_mm512_cvttps_epi32((__m512)(v)))
#define CVT_F_X(v)	((v_32)_mm512_cvtepi32_ps((__m512i)(v)))
#elif defined(__AVX2__)
#define CVT_X_F(v)	((vi_32)_mm256_cvtps_epi32((__m256)(v)))
#define CVT_RTZ_X_F(v)	((vi_32)_mm256_cvttps_epi32((__m256)(v)))
#define CVT_F_X(v)	((v_32)_mm256_cvtepi32_ps((__m256i)(v)))
#else
#define CVT_X_F(v)	((vi_32)_mm_cvtps_epi32((__m128)(v)))
#define CVT_RTZ_X_F(v)	((vi_32)_mm_cvttps_epi32((__m128)(v)))
#define CVT_F_X(v)	((v_32)_mm_cvtepi32_ps((__m128i)(v)))
#endif

#define K_TO_INT(NAME, VCVT, SCVT)								\
KERNEL(NAME)											\
{												\
	K_LOOP_32(										\
	for (; i + LANES_32 <= n; i += LANES_32) {						\
		v_32 v = load_32(ap, i);							\
		store_32(dp, i, (v_32)fit_32(VCVT(v), v));					\
	}											\
	for (; i < n; i++) {									\
		float v = ((const float *)ap)[i];						\
		((int32_t *)dp)[i] = fit_one_32(SCVT(_mm_set_ss(v)), v);			\
	});											\
}
K_TO_INT(k_cvt_x_f_32, CVT_X_F, _mm_cvtss_si32)
K_TO_INT(k_cvt_rtz_x_f_32, CVT_RTZ_X_F, _mm_cvttss_si32)

KERNEL(k_cvt_f_x_32)
{
	K_LOOP_32(
	for (; i + LANES_32 <= n; i += LANES_32)
		store_32(dp, i, CVT_F_X((vi_32)load_32(ap, i)));
	for (; i < n; i++) {
		__m128 v = _mm_cvtsi32_ss(_mm_setzero_ps(), ((const int32_t *)ap)[i]);

		((float *)dp)[i] = _mm_cvtss_f32(v);
	});
}

/* --- half precision through the host's converters -------------------------------------------- */

#if defined(__F16C__)
#if defined(__AVX512F__)
#define HALF_UP(p)	((v_32)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)(p))))
#define HALF_DOWN(p, v) \
	_mm256_storeu_si256((void *)(p), _mm512_cvtps_ph((__m512)(v), _MM_FROUND_CUR_DIRECTION))
#else
#define HALF_UP(p)	((v_32)_mm256_cvtph_ps(_mm_loadu_si128((const void *)(p))))
#define HALF_DOWN(p, v)	_mm_storeu_si128((void *)(p), _mm256_cvtps_ph((__m256)(v), _MM_FROUND_CUR_DIRECTION))
#endif

static inline v_32 half_up(const void *p, size_t j)
{
	return HALF_UP((const uint16_t *)p + j);
}
static inline float half_up_one(const void *p, size_t j)
{
	return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(((const uint16_t *)p)[j])));
}

KERNEL(k_wcvt_f_f_16)
{
	FP_LOOP(32, half_up(ap, j), half_up_one(ap, j), , );
}

KERNEL(k_ncvt_f_f_16)
{
	K_LOOP_32(
	for (; i + LANES_32 <= n; i += LANES_32)
		HALF_DOWN((uint16_t *)dp + i, load_32(ap, i));
	for (; i < n; i++) {
		__m128i h = _mm_cvtps_ph(_mm_set_ss(((const float *)ap)[i]),
					 _MM_FROUND_CUR_DIRECTION);

		((uint16_t *)dp)[i] = (uint16_t)_mm_cvtsi128_si32(h);
	}
	/* The conversion keeps a NaN's payload. */
	for (i = 0; i < n; i++) {
		uint16_t h = ((uint16_t *)dp)[i];

		((uint16_t *)dp)[i] = (h & 0x7fff) > 0x7c00 ? SIM_F16_NAN : h;
	});
}
#endif

/* --- sums ------------------------------------------------------------------------------------ */

#define K_SUMS(W)										\
static uint32_t k_osum_##W(uint64_t *acc, const void *ap, size_t n, unsigned int rm)		\
{												\
	const s_##W *a = ap;									\
	s_##W sum = scalar_##W(*acc);								\
	(void)rm;										\
	for (size_t i = 0; i < n; i++)								\
		sum += a[i];									\
	sum = canon_one_##W(sum);								\
	memcpy(acc, &sum, sizeof(sum));								\
	return 0;										\
}												\
static uint32_t k_usum_##W(uint64_t *acc, const void *ap, size_t n, unsigned int rm)		\
{												\
	s_##W zero = rm == SIM_RM_RDN ? 0 : -(s_##W)0, sum = scalar_##W(*acc);			\
	s_##W parts[VEC_PARTIAL_SUMS] __attribute__((aligned(64)));				\
	v_##W p[VEC_PARTIAL_SUMS / LANES_##W];							\
	const s_##W *a = ap;									\
	size_t i = 0;										\
												\
	for (unsigned int k = 0; k < VEC_PARTIAL_SUMS / LANES_##W; k++)				\
		for (unsigned int l = 0; l < LANES_##W; l++)					\
			p[k][l] = zero;								\
	for (; i + VEC_PARTIAL_SUMS <= n; i += VEC_PARTIAL_SUMS)				\
		_Pragma("clang loop unroll(full)")						\
		for (unsigned int k = 0; k < VEC_PARTIAL_SUMS / LANES_##W; k++)			\
			p[k] += load_##W(a, i + k * LANES_##W);					\
	memcpy(parts, p, sizeof(parts));							\
	for (unsigned int k = 0; i < n; i++, k++)						\
		parts[k] += a[i];								\
	for (unsigned int s = VEC_PARTIAL_SUMS / 2; s; s /= 2)					\
		for (unsigned int k = 0; k < s; k++)						\
			parts[k] += parts[k + s];						\
	sum = canon_one_##W(sum + parts[0]);							\
	memcpy(acc, &sum, sizeof(sum));								\
	return 0;										\
}
K_SUMS(32)
K_SUMS(64)
#endif /* __x86_64__ */

/* --- the table ------------------------------------------------------------------------------- */

#define T_BITS(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { NULL, k_##NAME##_vv_16, k_##NAME##_vv_32, k_##NAME##_vv_64 },			\
	.vx = { NULL, k_##NAME##_vx_16, k_##NAME##_vx_32, k_##NAME##_vx_64 } },
#if defined(__AVX512DQ__)
#define RANGE_FMIN(k) k##_range
#define RANGE_FMAX(k) k##_range
#define T_MASK(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { [2] = k_##NAME##_vv_32_mask, [3] = k_##NAME##_vv_64_mask },			\
	.vx = { [2] = k_##NAME##_vx_32_mask, [3] = k_##NAME##_vx_64_mask } },
#else
#define RANGE_FMIN(k) k
#define RANGE_FMAX(k) k
#endif
#define RANGE_FSGNJ(k) k
#define RANGE_FSGNJN(k) k
#define RANGE_FSGNJX(k) k
#define T_RANGE(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { NULL, k_##NAME##_vv_16, RANGE_##NAME(k_##NAME##_vv_32), RANGE_##NAME(k_##NAME##_vv_64) }, \
	.vx = { NULL, k_##NAME##_vx_16, RANGE_##NAME(k_##NAME##_vx_32), RANGE_##NAME(k_##NAME##_vx_64) } },
#define T_FP(NAME, ...)		[VEC_##NAME] = {						\
	.vv = { NULL, NULL, k_##NAME##_vv_32, k_##NAME##_vv_64 },				\
	.vx = { NULL, NULL, k_##NAME##_vx_32, k_##NAME##_vx_64 } },
#define T_WFP(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { [2] = k_##NAME##_vv_32 }, .vx = { [2] = k_##NAME##_vx_32 } },

const struct vec_kfp VEC_KFP = {
	.bits = { VEC_FPBITS_OPS(T_RANGE) },
#if defined(__AVX512DQ__)
	.cmp_bits = { VEC_FPCMP_OPS(T_MASK) },
#endif
	.cmp = { VEC_FPCMP_OPS(T_BITS) },
	.redmin = { NULL, k_redmin_16, k_redmin_32, k_redmin_64 },
	.redmax = { NULL, k_redmax_16, k_redmax_32, k_redmax_64 },
	.cvt[VEC_WCVT_BF16] = { [1] = k_wcvt_bf16 },
	.cvt[VEC_NCVT_BF16] = { [1] = k_ncvt_bf16 },
#if defined(__x86_64__)
	.arith = { VEC_FP2_OPS(T_FP) },
	.wide = { VEC_WFP_OPS(T_WFP) },
	.widew = { VEC_WFPW_OPS(T_WFP) },
	.sqrt = { [2] = k_sqrt_32, [3] = k_sqrt_64 },
	.osum = { [2] = k_osum_32, [3] = k_osum_64 },
	.usum = { [2] = k_usum_32, [3] = k_usum_64 },
	.cvt[VEC_CVT_X_F] = { [2] = k_cvt_x_f_32 },
	.cvt[VEC_CVT_RTZ_X_F] = { [2] = k_cvt_rtz_x_f_32 },
	.cvt[VEC_CVT_F_X] = { [2] = k_cvt_f_x_32 },
	.cvt[VEC_WCVT_F_F][2] = k_wcvt_f_f_32,
#if defined(__F16C__)
	.cvt[VEC_WCVT_F_F][1] = k_wcvt_f_f_16,
	.cvt[VEC_NCVT_F_F] = { [1] = k_ncvt_f_f_16 },
#endif
#if defined(__FMA__)
	.fma = { VEC_FMA_OPS(T_FP) },
	.wfma = {
		VEC_WFMA_OPS(T_WFP)
		[VEC_WFMACCBF16] = {
			.vv = { [1] = k_WFMACCBF16_vv_16 }, .vx = { [1] = k_WFMACCBF16_vx_16 },
		},
	},
#endif
#endif
};
