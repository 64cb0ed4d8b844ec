// SPDX-License-Identifier: MIT
/*
 * Floating-point primitives: one instance of the generic core per format, with a way through the
 * host's unit for f32 and f64.
 */
#include "fp.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "fp_core.h"

/* What every format has in common. */
#define FP_COMMON(T, U)										\
U sim_##T##_min(U a, U b, uint8_t *flags) { return (U)fp_minmax(fp_##T, a, b, false, flags); }	\
U sim_##T##_max(U a, U b, uint8_t *flags) { return (U)fp_minmax(fp_##T, a, b, true, flags); }	\
bool sim_##T##_eq(U a, U b, uint8_t *flags) { return fp_compare(fp_##T, a, b, 0, flags); }	\
bool sim_##T##_lt(U a, U b, uint8_t *flags) { return fp_compare(fp_##T, a, b, 1, flags); }	\
bool sim_##T##_le(U a, U b, uint8_t *flags) { return fp_compare(fp_##T, a, b, 2, flags); }	\
unsigned int sim_##T##_classify(U a) { return fp_classify(fp_##T, a); }				\
uint64_t sim_##T##_to_int(U a, unsigned int bits, bool is_signed, unsigned int rm, uint8_t *flags) \
{												\
	return fp_to_int(fp_##T, a, bits, is_signed, rm, flags);				\
}												\
U sim_##T##_from_i64(int64_t v, unsigned int rm, uint8_t *flags)				\
{												\
	return (U)fp_from_u64(fp_##T, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v, rm, flags);	\
}												\
U sim_##T##_from_u64(uint64_t v, unsigned int rm, uint8_t *flags)				\
{												\
	return (U)fp_from_u64(fp_##T, false, v, rm, flags);					\
}

FP_COMMON(f16, uint16_t)
FP_COMMON(bf16, uint16_t)
FP_COMMON(f32, uint32_t)
FP_COMMON(f64, uint64_t)

/* Arithmetic in integers.  The wide formats' versions are the slow side of what follows. */
#define FP_SOFT(SCOPE, NAME, T, U)								\
SCOPE U NAME##_add(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	return (U)fp_add(fp_##T, a, b, false, rm, flags);					\
}												\
SCOPE U NAME##_sub(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	return (U)fp_add(fp_##T, a, b, true, rm, flags);					\
}												\
SCOPE U NAME##_mul(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	return (U)fp_mul(fp_##T, a, b, rm, flags);						\
}												\
SCOPE U NAME##_div(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	return (U)fp_div(fp_##T, a, b, rm, flags);						\
}												\
SCOPE U NAME##_sqrt(U a, unsigned int rm, uint8_t *flags)					\
{												\
	return (U)fp_sqrt(fp_##T, a, rm, flags);						\
}												\
SCOPE U NAME##_fma(U a, U b, U c, unsigned int rm, uint8_t *flags)				\
{												\
	return (U)fp_fma(fp_##T, a, b, c, rm, flags);						\
}

FP_SOFT(, sim_f16, f16, uint16_t)
FP_SOFT(, sim_bf16, bf16, uint16_t)
FP_SOFT(static __attribute__((noinline)), soft_f32, f32, uint32_t)
FP_SOFT(static __attribute__((noinline)), soft_f64, f64, uint64_t)

/*
 * The host's result is right and raises nothing new if inexact is raised already, the operands are
 * normal or zero, and the result is normal: neither overflow nor underflow can then have happened.
 * A zero result counts as normal only where the operation cannot underflow (add, sub).
 */
#define FP_HOST(T, U, F, MIN, MAX, FABS, SQRT, FMA, EMASK, ELSB)				\
static inline bool T##_easy(U v)								\
{												\
	return ((v + ELSB) & EMASK) > ELSB || !(U)(v << 1);					\
}												\
static inline F T##_host(U v)									\
{												\
	F f;											\
												\
	memcpy(&f, &v, sizeof(f));								\
	return f;										\
}												\
static inline U T##_bits(F f)									\
{												\
	U v;											\
												\
	memcpy(&v, &f, sizeof(v));								\
	return v;										\
}												\
static inline bool T##_normal(F r)								\
{												\
	F m = FABS(r);										\
												\
	return m > MIN && m <= MAX;								\
}												\
static inline bool T##_fast(unsigned int rm, const uint8_t *flags)				\
{												\
	return rm == SIM_RM_RNE && (*flags & SIM_FP_NX);					\
}												\
U sim_##T##_add(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && T##_easy(b)) {				\
		F r = T##_host(a) + T##_host(b);						\
												\
		if (T##_normal(r) || r == 0)							\
			return T##_bits(r);							\
	}											\
	return soft_##T##_add(a, b, rm, flags);							\
}												\
U sim_##T##_sub(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && T##_easy(b)) {				\
		F r = T##_host(a) - T##_host(b);						\
												\
		if (T##_normal(r) || r == 0)							\
			return T##_bits(r);							\
	}											\
	return soft_##T##_sub(a, b, rm, flags);							\
}												\
U sim_##T##_mul(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && T##_easy(b)) {				\
		F r = T##_host(a) * T##_host(b);						\
												\
		if (T##_normal(r))								\
			return T##_bits(r);							\
	}											\
	return soft_##T##_mul(a, b, rm, flags);							\
}												\
U sim_##T##_div(U a, U b, unsigned int rm, uint8_t *flags)					\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && T##_easy(b) && (U)(b << 1)) {			\
		F r = T##_host(a) / T##_host(b);						\
												\
		if (T##_normal(r))								\
			return T##_bits(r);							\
	}											\
	return soft_##T##_div(a, b, rm, flags);							\
}												\
U sim_##T##_sqrt(U a, unsigned int rm, uint8_t *flags)						\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && !(a >> (sizeof(U) * 8 - 1)))			\
		return T##_bits(SQRT(T##_host(a)));						\
	return soft_##T##_sqrt(a, rm, flags);							\
}												\
U sim_##T##_fma(U a, U b, U c, unsigned int rm, uint8_t *flags)					\
{												\
	if (T##_fast(rm, flags) && T##_easy(a) && T##_easy(b) && T##_easy(c)) {			\
		F r = FMA(T##_host(a), T##_host(b), T##_host(c));				\
												\
		if (T##_normal(r))								\
			return T##_bits(r);							\
	}											\
	return soft_##T##_fma(a, b, c, rm, flags);						\
}

FP_HOST(f32, uint32_t, float, FLT_MIN, FLT_MAX, fabsf, sqrtf, fmaf, 0x7f800000u, 0x800000u)
FP_HOST(f64, uint64_t, double, DBL_MIN, DBL_MAX, fabs, sqrt, fma, 0x7ff0000000000000ull,
	0x10000000000000ull)

uint32_t sim_f16_to_f32(uint16_t a, uint8_t *flags)
{
	return (uint32_t)fp_convert(fp_f16, fp_f32, a, SIM_RM_RNE, flags);
}

uint64_t sim_f16_to_f64(uint16_t a, uint8_t *flags)
{
	return fp_convert(fp_f16, fp_f64, a, SIM_RM_RNE, flags);
}

uint32_t sim_bf16_to_f32(uint16_t a, uint8_t *flags)
{
	return (uint32_t)fp_convert(fp_bf16, fp_f32, a, SIM_RM_RNE, flags);
}

uint64_t sim_f32_to_f64(uint32_t a, uint8_t *flags)
{
	return fp_convert(fp_f32, fp_f64, a, SIM_RM_RNE, flags);
}

uint16_t sim_f32_to_f16(uint32_t a, unsigned int rm, uint8_t *flags)
{
	return (uint16_t)fp_convert(fp_f32, fp_f16, a, rm, flags);
}

uint16_t sim_f32_to_bf16(uint32_t a, unsigned int rm, uint8_t *flags)
{
	return (uint16_t)fp_convert(fp_f32, fp_bf16, a, rm, flags);
}

uint16_t sim_f64_to_f16(uint64_t a, unsigned int rm, uint8_t *flags)
{
	return (uint16_t)fp_convert(fp_f64, fp_f16, a, rm, flags);
}

uint32_t sim_f64_to_f32(uint64_t a, unsigned int rm, uint8_t *flags)
{
	return (uint32_t)fp_convert(fp_f64, fp_f32, a, rm, flags);
}

#if defined(__x86_64__)
/* MXCSR: all exceptions masked, nearest even, no flush to zero, no denormals-are-zero. */
#define HOST_MXCSR	0x1f80u

uint64_t sim_fp_host_enter(void)
{
	unsigned int saved = _mm_getcsr();

	if ((saved & ~0x3fu) != HOST_MXCSR)
		_mm_setcsr(HOST_MXCSR);
	return saved;
}

void sim_fp_host_leave(uint64_t saved)
{
	/* The host's sticky flags are not ours to leave behind either. */
	if (_mm_getcsr() != (unsigned int)saved)
		_mm_setcsr((unsigned int)saved);
}
#else
#include <fenv.h>

uint64_t sim_fp_host_enter(void)
{
	uint64_t saved = (uint64_t)fegetround();

	fesetenv(FE_DFL_ENV);
	return saved;
}

void sim_fp_host_leave(uint64_t saved)
{
	fesetround((int)saved);
}
#endif
