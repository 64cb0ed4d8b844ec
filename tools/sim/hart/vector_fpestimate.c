// SPDX-License-Identifier: MIT
/* VFUNARY1: vfsqrt, vfrsqrt7, vfrec7, vfclass. The tables are the V specification's. */
#include "vector_fpenv.h"

enum unary1 {
	UNARY_SQRT = 0,
	UNARY_RSQRT7 = 4,
	UNARY_REC7 = 5,
	UNARY_CLASS = 16,
};

/* The 7 bits after the leading one of 1/sqrt, by the exponent's low bit and 6 bits of fraction. */
static const uint8_t rsqrt7[128] = {
	 52,  51,  50,  48,  47,  46,  44,  43,  42,  41,  40,  39,  38,  36,  35,  34,
	 33,  32,  31,  30,  30,  29,  28,  27,  26,  25,  24,  23,  23,  22,  21,  20,
	 19,  19,  18,  17,  16,  16,  15,  14,  14,  13,  12,  12,  11,  10,  10,   9,
	  9,   8,   7,   7,   6,   6,   5,   4,   4,   3,   3,   2,   2,   1,   1,   0,
	127, 125, 123, 121, 119, 118, 116, 114, 113, 111, 109, 108, 106, 105, 103, 102,
	100,  99,  97,  96,  95,  93,  92,  91,  90,  88,  87,  86,  85,  84,  83,  82,
	 80,  79,  78,  77,  76,  75,  74,  73,  72,  71,  70,  70,  69,  68,  67,  66,
	 65,  64,  63,  63,  62,  61,  60,  59,  59,  58,  57,  56,  56,  55,  54,  53,
};

/* The 7 bits after the leading one of 1/x, by 7 bits of fraction. */
static const uint8_t rec7[128] = {
	127, 125, 123, 121, 119, 117, 116, 114, 112, 110, 109, 107, 105, 104, 102, 100,
	 99,  97,  96,  94,  93,  91,  90,  88,  87,  85,  84,  83,  81,  80,  79,  77,
	 76,  75,  74,  72,  71,  70,  69,  68,  66,  65,  64,  63,  62,  61,  60,  59,
	 58,  57,  56,  55,  54,  53,  52,  51,  50,  49,  48,  47,  46,  45,  44,  43,
	 42,  41,  40,  40,  39,  38,  37,  36,  35,  35,  34,  33,  32,  31,  31,  30,
	 29,  28,  28,  27,  26,  25,  25,  24,  23,  23,  22,  21,  21,  20,  19,  19,
	 18,  17,  17,  16,  15,  15,  14,  14,  13,  12,  12,  11,  11,  10,   9,   9,
	  8,   8,   7,   7,   6,   5,   5,   4,   4,   3,   3,   2,   2,   1,   1,   0,
};

/* A format's shape. */
struct shape {
	unsigned int fraction, bias;
	uint64_t exp_max, sign, nan;
};

static const struct shape shapes[4] = {
	[1] = { 10, 15, 0x1f, 0x8000, SIM_F16_NAN },
	[2] = { 23, 127, 0xff, 0x80000000, SIM_F32_NAN },
	[3] = { 52, 1023, 0x7ff, 0x8000000000000000, SIM_F64_NAN },
};

/* Exponent and fraction of a nonzero finite number; a subnormal is normalised. */
static void unpack(const struct shape *f, uint64_t v, int64_t *exp, uint64_t *fraction)
{
	uint64_t mask = (1ull << f->fraction) - 1;

	*fraction = v & mask;
	*exp = (int64_t)(v >> f->fraction & f->exp_max);
	if (*exp)
		return;
	while (!(*fraction >> (f->fraction - 1))) {
		*fraction <<= 1;
		(*exp)--;
	}
	*fraction = *fraction << 1 & mask;
}

static uint64_t estimate_rsqrt(const struct shape *f, uint64_t v, uint32_t *flags)
{
	uint64_t inf = f->exp_max << f->fraction, magnitude = v & (f->sign - 1), fraction;
	int64_t exp;

	if (magnitude > inf) {
		if (!(v >> (f->fraction - 1) & 1))
			*flags |= SIM_FP_NV;
		return f->nan;
	}
	if (!magnitude) {
		*flags |= SIM_FP_DZ;
		return v | inf;
	}
	if (v & f->sign) {
		*flags |= SIM_FP_NV;
		return f->nan;
	}
	if (v == inf)
		return 0;
	unpack(f, v, &exp, &fraction);
	fraction = (uint64_t)rsqrt7[(exp & 1) << 6 | (int64_t)(fraction >> (f->fraction - 6))];
	exp = (3 * (int64_t)f->bias - 1 - exp) / 2;
	return (uint64_t)exp << f->fraction | fraction << (f->fraction - 7);
}

/* Too large for the format: rounded away from or towards zero by the mode. */
static uint64_t overflow(const struct shape *f, uint64_t sign, unsigned int rm, uint32_t *flags)
{
	uint64_t inf = f->exp_max << f->fraction;
	bool largest = rm == SIM_RM_RTZ || (rm == SIM_RM_RDN && !sign) || (rm == SIM_RM_RUP && sign);

	*flags |= SIM_FP_OF | SIM_FP_NX;
	return sign | (largest ? inf - 1 : inf);
}

static uint64_t estimate_rec(const struct shape *f, uint64_t v, unsigned int rm, uint32_t *flags)
{
	uint64_t inf = f->exp_max << f->fraction, sign = v & f->sign, fraction;
	uint64_t magnitude = v & (f->sign - 1);
	int64_t exp;

	if (magnitude > inf) {
		if (!(v >> (f->fraction - 1) & 1))
			*flags |= SIM_FP_NV;
		return f->nan;
	}
	if (!magnitude) {
		*flags |= SIM_FP_DZ;
		return sign | inf;
	}
	if (magnitude == inf)
		return sign;
	unpack(f, v & (f->sign - 1), &exp, &fraction);
	if (exp < -1)
		return overflow(f, sign, rm, flags);
	fraction = (uint64_t)rec7[fraction >> (f->fraction - 7)] << (f->fraction - 7);
	exp = 2 * (int64_t)f->bias - 1 - exp;
	if (exp <= 0) {
		/* subnormal: the leading one becomes explicit */
		fraction = (fraction >> 1 | 1ull << (f->fraction - 1)) >> -exp;
		exp = 0;
	}
	return sign | (uint64_t)exp << f->fraction | fraction;
}

#define ESTIMATES(W, SEW)									\
static uint32_t rsqrt7_##W(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,	\
			   unsigned int rm)							\
{												\
	uint32_t flags = 0;									\
	(void)bp, (void)x, (void)rm;								\
	for (size_t i = 0; i < n; i++)								\
		((uint##W##_t *)dp)[i] = (uint##W##_t)estimate_rsqrt(&shapes[SEW],		\
			((const uint##W##_t *)ap)[i], &flags);					\
	return flags;										\
}												\
static uint32_t rec7_##W(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,	\
			 unsigned int rm)							\
{												\
	uint32_t flags = 0;									\
	(void)bp, (void)x;									\
	for (size_t i = 0; i < n; i++)								\
		((uint##W##_t *)dp)[i] = (uint##W##_t)estimate_rec(&shapes[SEW],		\
			((const uint##W##_t *)ap)[i], rm, &flags);				\
	return flags;										\
}												\
static uint32_t class_##W(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,	\
			  unsigned int rm)							\
{												\
	(void)bp, (void)x, (void)rm;								\
	for (size_t i = 0; i < n; i++)								\
		((uint##W##_t *)dp)[i] = (uint##W##_t)sim_f##W##_classify(			\
			((const uint##W##_t *)ap)[i]);						\
	return 0;										\
}
ESTIMATES(16, 1) ESTIMATES(32, 2) ESTIMATES(64, 3)

static const vec_kernel rsqrt7_fn[4] = { NULL, rsqrt7_16, rsqrt7_32, rsqrt7_64 };
static const vec_kernel rec7_fn[4] = { NULL, rec7_16, rec7_32, rec7_64 };
static const vec_kernel class_fn[4] = { NULL, class_16, class_32, class_64 };

static bool choose(unsigned int code, unsigned int sew, struct vec_kpair *host,
		   struct vec_kpair *exact)
{
	switch (code) {
	case UNARY_SQRT:
		host->vv[0] = host->vx[0] = vec_kfp->sqrt[sew];
		exact->vv[0] = vec_kfp_exact.sqrt[sew];
		break;
	case UNARY_RSQRT7:
		exact->vv[0] = rsqrt7_fn[sew];
		break;
	case UNARY_REC7:
		exact->vv[0] = rec7_fn[sew];
		break;
	case UNARY_CLASS:
		exact->vv[0] = class_fn[sew];
		break;
	default:
		return false;
	}
	exact->vx[0] = exact->vv[0];
	return exact->vv[0];
}

enum sim_op_status vec_fp_unary1(struct sim_hart *hart, uint32_t insn)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn), code = vec_rs1(insn);
	struct vec_kpair host = { 0 }, exact = { 0 };
	struct vec_state s;

	if (!vec_fp_begin(hart, &s) || !vec_aligned(vd | vs2, s.regs) || !vec_dest_ok(insn) ||
	    !vec_source_ok(insn, vs2) || !choose(code, s.sew, &host, &exact))
		return SIM_OP_ILLEGAL;
	vec_fp_call(hart, insn, &s, &host, &exact, &(struct vec_call) {
		.d = vec_reg(hart, vd), .a = vec_reg(hart, vs2), .d_sew = s.sew, .a_sew = s.sew,
		.safe = VEC_SAFE_ONE,
	}, true);
	if (code == UNARY_SQRT)
		vec_cost_divide(hart, &s);
	else
		vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}
