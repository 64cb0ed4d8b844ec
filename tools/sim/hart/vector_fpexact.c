// SPDX-License-Identifier: MIT
/*
 * The floating-point kernels element by element through fp.h: every format, every rounding mode,
 * on any host.  The oracle of the hosts' kernels, and what runs where those have holes.
 */
#include "fp.h"
#include "vector_kernels.h"

#define KERNEL(NAME) static uint32_t NAME(void *dp, const void *ap, const void *bp, uint64_t x,	\
					  size_t n, unsigned int rm)
#define UNUSED	(void)bp, (void)x, (void)rm

#define U_f16 uint16_t
#define U_f32 uint32_t
#define U_f64 uint64_t
#define SIGN_f16 0x8000u
#define SIGN_f32 0x80000000u
#define SIGN_f64 0x8000000000000000ull

/* Both forms: CVAR declares what besides a and b is read, R is the result. */
#define K_FORMS(NAME, DT, AT, BT, CVAR, R)							\
KERNEL(x_##NAME##_vv)										\
{												\
	uint8_t flags = 0;									\
	UNUSED;											\
	for (size_t i = 0; i < n; i++) {							\
		AT a = ((const AT *)ap)[i];							\
		BT b = ((const BT *)bp)[i];							\
		CVAR										\
		((DT *)dp)[i] = R;								\
	}											\
	return flags;										\
}												\
KERNEL(x_##NAME##_vx)										\
{												\
	BT b = (BT)x;										\
	uint8_t flags = 0;									\
	UNUSED;											\
	for (size_t i = 0; i < n; i++) {							\
		AT a = ((const AT *)ap)[i];							\
		CVAR										\
		((DT *)dp)[i] = R;								\
	}											\
	return flags;										\
}

/* --- one width ------------------------------------------------------------------------------- */

#define K_FP2_T(NAME, T, FN, A, B)								\
	K_FORMS(NAME##_##T, U_##T, U_##T, U_##T, , sim_##T##_##FN(A, B, rm, &flags))
#define K_FP2(NAME, FN, A, B, EXPR)								\
	K_FP2_T(NAME, f16, FN, A, B) K_FP2_T(NAME, f32, FN, A, B) K_FP2_T(NAME, f64, FN, A, B)
VEC_FP2_OPS(K_FP2)

#define FLIP(T, NEG, V)	((U_##T)((V) ^ ((NEG) ? SIGN_##T : 0)))
#define K_FMA_T(NAME, T, P, Q, C, NP, NC)							\
	K_FORMS(NAME##_##T, U_##T, U_##T, U_##T, U_##T c = ((U_##T *)dp)[i];,			\
		sim_##T##_fma(FLIP(T, NP, P), Q, FLIP(T, NC, C), rm, &flags))
#define K_FMA(NAME, ...)									\
	K_FMA_T(NAME, f16, __VA_ARGS__) K_FMA_T(NAME, f32, __VA_ARGS__)				\
	K_FMA_T(NAME, f64, __VA_ARGS__)
VEC_FMA_OPS(K_FMA)

#define K_UNARY(NAME, DT, AT, R)								\
KERNEL(x_##NAME)										\
{												\
	uint8_t flags = 0;									\
	UNUSED;											\
	for (size_t i = 0; i < n; i++) {							\
		AT a = ((const AT *)ap)[i];							\
		((DT *)dp)[i] = (DT)R;								\
	}											\
	return flags;										\
}
K_UNARY(sqrt_f16, uint16_t, uint16_t, sim_f16_sqrt(a, rm, &flags))
K_UNARY(sqrt_f32, uint32_t, uint32_t, sim_f32_sqrt(a, rm, &flags))
K_UNARY(sqrt_f64, uint64_t, uint64_t, sim_f64_sqrt(a, rm, &flags))

/* --- widening -------------------------------------------------------------------------------- */

#define UP_f32(v)	sim_f16_to_f32(v, &flags)
#define UP_f64(v)	sim_f32_to_f64(v, &flags)
#define HALF_f32	uint16_t
#define HALF_f64	uint32_t

#define K_WFP(NAME, FN, EXPR)	K_WFP_T(NAME, f32, FN) K_WFP_T(NAME, f64, FN)
#define K_WFP_T(NAME, T, FN)									\
	K_FORMS(NAME##_##T, U_##T, HALF_##T, HALF_##T, , sim_##T##_##FN(UP_##T(a), UP_##T(b), rm, &flags))
VEC_WFP_OPS(K_WFP)

#define K_WFPW(NAME, FN, EXPR)	K_WFPW_T(NAME, f32, FN) K_WFPW_T(NAME, f64, FN)
#define K_WFPW_T(NAME, T, FN)									\
	K_FORMS(NAME##_##T, U_##T, U_##T, HALF_##T, , sim_##T##_##FN(a, UP_##T(b), rm, &flags))
VEC_WFPW_OPS(K_WFPW)

#define K_WFMA(NAME, NP, NC)	K_WFMA_T(NAME, f32, NP, NC) K_WFMA_T(NAME, f64, NP, NC)
#define K_WFMA_T(NAME, T, NP, NC)								\
	K_FORMS(NAME##_##T, U_##T, HALF_##T, HALF_##T, U_##T c = ((U_##T *)dp)[i];,		\
		sim_##T##_fma(FLIP(T, NP, UP_##T(b)), UP_##T(a), FLIP(T, NC, c), rm, &flags))
VEC_WFMA_OPS(K_WFMA)

K_FORMS(WFMACCBF16, uint32_t, uint16_t, uint16_t, uint32_t c = ((uint32_t *)dp)[i];,
	sim_f32_fma(sim_bf16_to_f32(b, &flags), sim_bf16_to_f32(a, &flags), c, rm, &flags))

/* --- conversions ----------------------------------------------------------------------------- */

#define K_TO_INT(NAME, DT, T, BITS, SIGNED)							\
	K_UNARY(NAME##_##T, DT, U_##T, sim_##T##_to_int(a, BITS, SIGNED, rm, &flags))		\
	K_UNARY(NAME##_rtz_##T, DT, U_##T, sim_##T##_to_int(a, BITS, SIGNED, SIM_RM_RTZ, &flags))
#define K_TO_INTS(NAME, T, BITS)								\
	K_TO_INT(u##NAME, uint##BITS##_t, T, BITS, false)					\
	K_TO_INT(s##NAME, uint##BITS##_t, T, BITS, true)
K_TO_INTS(same, f16, 16) K_TO_INTS(same, f32, 32) K_TO_INTS(same, f64, 64)
K_TO_INTS(wide, f16, 32) K_TO_INTS(wide, f32, 64)
K_TO_INTS(narrow, f16, 8) K_TO_INTS(narrow, f32, 16) K_TO_INTS(narrow, f64, 32)

#define K_FROM_INT(NAME, T, BITS)								\
	K_UNARY(from_u##NAME##_##T, U_##T, uint##BITS##_t, sim_##T##_from_u64(a, rm, &flags))	\
	K_UNARY(from_s##NAME##_##T, U_##T, int##BITS##_t, sim_##T##_from_i64(a, rm, &flags))
K_FROM_INT(same, f16, 16) K_FROM_INT(same, f32, 32) K_FROM_INT(same, f64, 64)
K_FROM_INT(wide, f16, 8) K_FROM_INT(wide, f32, 16) K_FROM_INT(wide, f64, 32)
K_FROM_INT(narrow, f16, 32) K_FROM_INT(narrow, f32, 64)

K_UNARY(f16_f32, uint32_t, uint16_t, sim_f16_to_f32(a, &flags))
K_UNARY(f32_f64, uint64_t, uint32_t, sim_f32_to_f64(a, &flags))
K_UNARY(bf16_f32, uint32_t, uint16_t, sim_bf16_to_f32(a, &flags))
K_UNARY(f32_f16, uint16_t, uint32_t, sim_f32_to_f16(a, rm, &flags))
K_UNARY(f64_f32, uint32_t, uint64_t, sim_f64_to_f32(a, rm, &flags))
K_UNARY(f32_f16_rod, uint16_t, uint32_t, sim_f32_to_f16(a, SIM_RM_ROD, &flags))
K_UNARY(f64_f32_rod, uint32_t, uint64_t, sim_f64_to_f32(a, SIM_RM_ROD, &flags))
K_UNARY(f32_bf16, uint16_t, uint32_t, sim_f32_to_bf16(a, rm, &flags))

/* --- sums ------------------------------------------------------------------------------------ */

/* UP: what makes an element of the sum's format of an element. */
#define K_SUMS(NAME, T, AT, UP)									\
static uint32_t x_o##NAME(uint64_t *acc, const void *ap, size_t n, unsigned int rm)		\
{												\
	U_##T sum = (U_##T)*acc;								\
	uint8_t flags = 0;									\
	for (size_t i = 0; i < n; i++)								\
		sum = sim_##T##_add(sum, UP(((const AT *)ap)[i]), rm, &flags);			\
	*acc = sum;										\
	return flags;										\
}												\
static uint32_t x_u##NAME(uint64_t *acc, const void *ap, size_t n, unsigned int rm)		\
{												\
	U_##T p[VEC_PARTIAL_SUMS];								\
	uint8_t flags = 0;									\
	for (unsigned int k = 0; k < VEC_PARTIAL_SUMS; k++)					\
		p[k] = rm == SIM_RM_RDN ? 0 : SIGN_##T;						\
	for (size_t i = 0; i < n; i++) {							\
		U_##T *to = &p[i % VEC_PARTIAL_SUMS];						\
		*to = sim_##T##_add(*to, UP(((const AT *)ap)[i]), rm, &flags);			\
	}											\
	for (unsigned int s = VEC_PARTIAL_SUMS / 2; s; s /= 2)					\
		for (unsigned int k = 0; k < s; k++)						\
			p[k] = sim_##T##_add(p[k], p[k + s], rm, &flags);			\
	*acc = sim_##T##_add((U_##T)*acc, p[0], rm, &flags);					\
	return flags;										\
}
#define ASIS(v) (v)
K_SUMS(sum_f16, f16, uint16_t, ASIS)
K_SUMS(sum_f32, f32, uint32_t, ASIS)
K_SUMS(sum_f64, f64, uint64_t, ASIS)
K_SUMS(wsum_f32, f32, uint16_t, UP_f32)
K_SUMS(wsum_f64, f64, uint32_t, UP_f64)

/* --- the table ------------------------------------------------------------------------------- */

#define T_FP(NAME, ...)		[VEC_##NAME] = {						\
	.vv = { NULL, x_##NAME##_f16_vv, x_##NAME##_f32_vv, x_##NAME##_f64_vv },		\
	.vx = { NULL, x_##NAME##_f16_vx, x_##NAME##_f32_vx, x_##NAME##_f64_vx } },
#define T_WFP(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { NULL, x_##NAME##_f32_vv, x_##NAME##_f64_vv },					\
	.vx = { NULL, x_##NAME##_f32_vx, x_##NAME##_f64_vx } },

const struct vec_kfp vec_kfp_exact = {
	.arith = { VEC_FP2_OPS(T_FP) },
	.fma = { VEC_FMA_OPS(T_FP) },
	.wide = { VEC_WFP_OPS(T_WFP) },
	.widew = { VEC_WFPW_OPS(T_WFP) },
	.wfma = {
		VEC_WFMA_OPS(T_WFP)
		[VEC_WFMACCBF16] = {
			.vv = { NULL, x_WFMACCBF16_vv }, .vx = { NULL, x_WFMACCBF16_vx },
		},
	},
	.sqrt = { NULL, x_sqrt_f16, x_sqrt_f32, x_sqrt_f64 },
	.osum = { NULL, x_osum_f16, x_osum_f32, x_osum_f64 },
	.usum = { NULL, x_usum_f16, x_usum_f32, x_usum_f64 },
	.wosum = { NULL, x_owsum_f32, x_owsum_f64 },
	.wusum = { NULL, x_uwsum_f32, x_uwsum_f64 },
	.cvt = {
		[VEC_CVT_XU_F] = { NULL, x_usame_f16, x_usame_f32, x_usame_f64 },
		[VEC_CVT_X_F] = { NULL, x_ssame_f16, x_ssame_f32, x_ssame_f64 },
		[VEC_CVT_F_XU] = { NULL, x_from_usame_f16, x_from_usame_f32, x_from_usame_f64 },
		[VEC_CVT_F_X] = { NULL, x_from_ssame_f16, x_from_ssame_f32, x_from_ssame_f64 },
		[VEC_CVT_RTZ_XU_F] = { NULL, x_usame_rtz_f16, x_usame_rtz_f32, x_usame_rtz_f64 },
		[VEC_CVT_RTZ_X_F] = { NULL, x_ssame_rtz_f16, x_ssame_rtz_f32, x_ssame_rtz_f64 },
		[VEC_WCVT_XU_F] = { NULL, x_uwide_f16, x_uwide_f32 },
		[VEC_WCVT_X_F] = { NULL, x_swide_f16, x_swide_f32 },
		[VEC_WCVT_F_XU] = { x_from_uwide_f16, x_from_uwide_f32, x_from_uwide_f64 },
		[VEC_WCVT_F_X] = { x_from_swide_f16, x_from_swide_f32, x_from_swide_f64 },
		[VEC_WCVT_F_F] = { NULL, x_f16_f32, x_f32_f64 },
		[VEC_WCVT_BF16] = { NULL, x_bf16_f32 },
		[VEC_WCVT_RTZ_XU_F] = { NULL, x_uwide_rtz_f16, x_uwide_rtz_f32 },
		[VEC_WCVT_RTZ_X_F] = { NULL, x_swide_rtz_f16, x_swide_rtz_f32 },
		[VEC_NCVT_XU_F] = { x_unarrow_f16, x_unarrow_f32, x_unarrow_f64 },
		[VEC_NCVT_X_F] = { x_snarrow_f16, x_snarrow_f32, x_snarrow_f64 },
		[VEC_NCVT_F_XU] = { NULL, x_from_unarrow_f16, x_from_unarrow_f32 },
		[VEC_NCVT_F_X] = { NULL, x_from_snarrow_f16, x_from_snarrow_f32 },
		[VEC_NCVT_F_F] = { NULL, x_f32_f16, x_f64_f32 },
		[VEC_NCVT_ROD_F_F] = { NULL, x_f32_f16_rod, x_f64_f32_rod },
		[VEC_NCVT_RTZ_XU_F] = { x_unarrow_rtz_f16, x_unarrow_rtz_f32, x_unarrow_rtz_f64 },
		[VEC_NCVT_RTZ_X_F] = { x_snarrow_rtz_f16, x_snarrow_rtz_f32, x_snarrow_rtz_f64 },
		[VEC_NCVT_BF16] = { NULL, x_f32_bf16 },
	},
};
