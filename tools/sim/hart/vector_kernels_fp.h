/* SPDX-License-Identifier: MIT */
/*
 * Floating-point kernels.  Two families with the same table type: vec_kfp_exact goes through fp.h
 * element by element, knows every format and rounding mode and is complete; the per-host tables
 * use the host's unit under its own rounding mode, and have holes (NULL) where it cannot give the
 * architecture's bits and flags.  Rows are log2 of the bytes of the narrowest element.
 */
#ifndef GAON_SIM_VECTOR_KERNELS_FP_H
#define GAON_SIM_VECTOR_KERNELS_FP_H

/* name, fp.h's operation, its operands, the same as a C expression */
#define VEC_FP2_OPS(X)							\
	X(FADD, add, a, b, a + b)					\
	X(FSUB, sub, a, b, a - b)					\
	X(FRSUB, sub, b, a, b - a)					\
	X(FMUL, mul, a, b, a * b)					\
	X(FDIV, div, a, b, a / b)					\
	X(FRDIV, div, b, a, b / a)

/* name, the factors, the addend, product negated, addend negated; a = vs2, b = vs1, c = vd */
#define VEC_FMA_OPS(X)							\
	X(FMADD, b, c, a, 0, 0)						\
	X(FNMADD, b, c, a, 1, 1)					\
	X(FMSUB, b, c, a, 0, 1)						\
	X(FNMSUB, b, c, a, 1, 0)					\
	X(FMACC, b, a, c, 0, 0)						\
	X(FNMACC, b, a, c, 1, 1)					\
	X(FMSAC, b, a, c, 0, 1)						\
	X(FNMSAC, b, a, c, 1, 0)

/* Both narrow, and (_W) the first wide already */
#define VEC_WFP_OPS(X)							\
	X(WFADD, add, a + b)						\
	X(WFSUB, sub, a - b)						\
	X(WFMUL, mul, a * b)
#define VEC_WFPW_OPS(X)							\
	X(WFADD_W, add, a + b)						\
	X(WFSUB_W, sub, a - b)
#define VEC_WFMA_OPS(X)							\
	X(WFMACC, 0, 0)							\
	X(WFNMACC, 1, 1)						\
	X(WFMSAC, 0, 1)							\
	X(WFNMSAC, 1, 0)

/*
 * On the bits, without the host's unit.  ka, kb: order keys (signed; -0 below +0); na, nb: is NaN;
 * sa, sb: is a signalling NaN; nv collects invalid.
 */
#define VEC_FPBITS_OPS(X)						\
	X(FMIN, r = na ? (nb ? CANON : b) : nb ? a : ka < kb ? a : b; nv |= sa | sb)	\
	X(FMAX, r = na ? (nb ? CANON : b) : nb ? a : ka > kb ? a : b; nv |= sa | sb)	\
	X(FSGNJ, r = (a & (U)~SIGN) | (b & SIGN))			\
	X(FSGNJN, r = (a & (U)~SIGN) | (~b & SIGN))			\
	X(FSGNJX, r = a ^ (b & SIGN))

/* zz: both are zeros, of any sign */
#define VEC_FPCMP_OPS(X)						\
	X(FEQ, r = (1 ^ (na | nb)) & ((a == b) | zz); nv |= sa | sb)		\
	X(FNE, r = (na | nb) | !((a == b) | zz); nv |= sa | sb)		\
	X(FLT, r = (1 ^ (na | nb)) & (ka < kb) & (1 ^ zz); nv |= na | nb)		\
	X(FLE, r = (1 ^ (na | nb)) & ((ka <= kb) | zz); nv |= na | nb)	\
	X(FGT, r = (1 ^ (na | nb)) & (ka > kb) & (1 ^ zz); nv |= na | nb)		\
	X(FGE, r = (1 ^ (na | nb)) & ((ka >= kb) | zz); nv |= na | nb)

enum vec_fp2_op { VEC_FP2_OPS(VEC_ENUM) VEC_FP2_COUNT };
enum vec_fma_op { VEC_FMA_OPS(VEC_ENUM) VEC_FMA_COUNT };
enum vec_wfp_op { VEC_WFP_OPS(VEC_ENUM) VEC_WFP_COUNT };
enum vec_wfpw_op { VEC_WFPW_OPS(VEC_ENUM) VEC_WFPW_COUNT };
enum vec_wfma_op { VEC_WFMA_OPS(VEC_ENUM) VEC_WFMACCBF16, VEC_WFMA_COUNT };
enum vec_fpbits_op { VEC_FPBITS_OPS(VEC_ENUM) VEC_FPBITS_COUNT };
enum vec_fpcmp_op { VEC_FPCMP_OPS(VEC_ENUM) VEC_FPCMP_COUNT };

/* VFUNARY0's vs1 field. */
enum vec_cvt {
	VEC_CVT_XU_F = 0, VEC_CVT_X_F, VEC_CVT_F_XU, VEC_CVT_F_X,
	VEC_CVT_RTZ_XU_F = 6, VEC_CVT_RTZ_X_F,
	VEC_WCVT_XU_F = 8, VEC_WCVT_X_F, VEC_WCVT_F_XU, VEC_WCVT_F_X,
	VEC_WCVT_F_F = 12, VEC_WCVT_BF16, VEC_WCVT_RTZ_XU_F, VEC_WCVT_RTZ_X_F,
	VEC_NCVT_XU_F = 16, VEC_NCVT_X_F, VEC_NCVT_F_XU, VEC_NCVT_F_X,
	VEC_NCVT_F_F = 20, VEC_NCVT_ROD_F_F, VEC_NCVT_RTZ_XU_F, VEC_NCVT_RTZ_X_F,
	VEC_NCVT_BF16 = 29,
	VEC_CVTS = 32,
};

/* Partial sums of an unordered sum; part of the architecture (Documentation/hw/vector.rst). */
#define VEC_PARTIAL_SUMS	32

/* *acc is the running sum in and out, of the result's format. Returns exceptions. */
typedef uint32_t (*vec_fp_sum)(uint64_t *acc, const void *a, size_t n, unsigned int rm);

struct vec_kfp {
	struct vec_kpair arith[VEC_FP2_COUNT];
	struct vec_kpair fma[VEC_FMA_COUNT];
	struct vec_kpair wide[VEC_WFP_COUNT];
	struct vec_kpair widew[VEC_WFPW_COUNT];
	struct vec_kpair wfma[VEC_WFMA_COUNT];
	vec_kernel sqrt[4];
	vec_kernel cvt[VEC_CVTS][4];
	vec_fp_sum osum[4], usum[4], wosum[4], wusum[4];
	/* in the hosts' tables only, without holes */
	struct vec_kpair bits[VEC_FPBITS_COUNT];
	struct vec_kpair cmp[VEC_FPCMP_COUNT];	/* d: bytes of 0 or 0xff */
	/* NULL unless the host has mask registers; d: bits, whole bytes, the last filled with 0 */
	struct vec_kpair cmp_bits[VEC_FPCMP_COUNT];
	vec_fp_sum redmin[4], redmax[4];
};

extern const struct vec_kfp vec_kfp_exact, vec_kfp_v2, vec_kfp_v3, vec_kfp_v4;

#endif
