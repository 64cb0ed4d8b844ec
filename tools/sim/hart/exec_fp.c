// SPDX-License-Identifier: MIT
/*
 * Scalar floating point: F, D, Zfh and Zfbfmin.  Narrow values are NaN-boxed in 64-bit registers;
 * a value that is not properly boxed reads as the canonical NaN.
 */
#include "exec.h"
#include "fp.h"

typedef uint16_t bits_h;
typedef uint32_t bits_s;
typedef uint64_t bits_d;

static inline uint16_t get_h(uint64_t f) { return f >= 0xffffffffffff0000ull ? (uint16_t)f : SIM_F16_NAN; }
static inline uint16_t get_b(uint64_t f) { return f >= 0xffffffffffff0000ull ? (uint16_t)f : SIM_BF16_NAN; }
static inline uint32_t get_s(uint64_t f) { return f >= 0xffffffff00000000ull ? (uint32_t)f : SIM_F32_NAN; }
static inline uint64_t get_d(uint64_t f) { return f; }

static inline uint64_t box_h(uint16_t v) { return 0xffffffffffff0000ull | v; }
static inline uint64_t box_b(uint16_t v) { return 0xffffffffffff0000ull | v; }
static inline uint64_t box_s(uint32_t v) { return 0xffffffff00000000ull | v; }
static inline uint64_t box_d(uint64_t v) { return v; }

#define SIGN_h	0x8000u
#define SIGN_s	0x80000000u
#define SIGN_d	0x8000000000000000ull

#define A(s)	get_##s(h->f[op->rs1])
#define B(s)	get_##s(h->f[op->rs2])
#define C(s)	get_##s(h->f[op->rs3])
/* Exceptions of vector instructions that are still in the host's flags come first. */
static inline uint8_t *flags_of(struct sim_hart *h)
{
	sim_hart_settle_fp(h);
	return &h->fflags;
}

#define FL	flags_of(h)
#define SEXT32(v)	((uint64_t)(int64_t)(int32_t)(uint32_t)(v))

/* Operations need the unit on; those that round, a valid mode too. */
#define FP_ON()										\
	if (SIM_UNLIKELY(h->fs_off))							\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);
#define FP_RM()										\
	FP_ON()										\
	unsigned int rm = (unsigned int)op->imm;					\
	if (rm == 7)									\
		rm = h->frm;								\
	if (SIM_UNLIKELY(rm > SIM_RM_RMM))						\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);

#define FOP(name, value)	SIM_OP_BARE(name, FP_RM() h->f[op->rd] = (value); SIM_NEXT(LEN);)
#define FOP_PLAIN(name, value)	SIM_OP_BARE(name, FP_ON() h->f[op->rd] = (value); SIM_NEXT(LEN);)
#define XOP(name, value)								\
SIM_OP_BARE(name,									\
	FP_RM()										\
	h->x[op->rd] = (value);								\
	h->x[0] = 0;									\
	SIM_NEXT(LEN);)
#define XOP_PLAIN(name, value)								\
SIM_OP_BARE(name,									\
	FP_ON()										\
	h->x[op->rd] = (value);								\
	h->x[0] = 0;									\
	SIM_NEXT(LEN);)

#define FP_FORMAT(s, T)									\
FOP(fadd_##s, box_##s(sim_##T##_add(A(s), B(s), rm, FL)))				\
FOP(fsub_##s, box_##s(sim_##T##_sub(A(s), B(s), rm, FL)))				\
FOP(fmul_##s, box_##s(sim_##T##_mul(A(s), B(s), rm, FL)))				\
FOP(fdiv_##s, box_##s(sim_##T##_div(A(s), B(s), rm, FL)))				\
FOP(fsqrt_##s, box_##s(sim_##T##_sqrt(A(s), rm, FL)))					\
FOP(fmadd_##s, box_##s(sim_##T##_fma(A(s), B(s), C(s), rm, FL)))			\
FOP(fmsub_##s, box_##s(sim_##T##_fma(A(s), B(s), C(s) ^ SIGN_##s, rm, FL)))		\
FOP(fnmsub_##s, box_##s(sim_##T##_fma(A(s) ^ SIGN_##s, B(s), C(s), rm, FL)))		\
FOP(fnmadd_##s, box_##s(sim_##T##_fma(A(s) ^ SIGN_##s, B(s), C(s) ^ SIGN_##s, rm, FL)))	\
FOP_PLAIN(fmin_##s, box_##s(sim_##T##_min(A(s), B(s), FL)))				\
FOP_PLAIN(fmax_##s, box_##s(sim_##T##_max(A(s), B(s), FL)))				\
FOP_PLAIN(fsgnj_##s, box_##s((A(s) & ~SIGN_##s) | (B(s) & SIGN_##s)))			\
FOP_PLAIN(fsgnjn_##s, box_##s((A(s) & ~SIGN_##s) | (~B(s) & SIGN_##s)))			\
FOP_PLAIN(fsgnjx_##s, box_##s(A(s) ^ (B(s) & SIGN_##s)))				\
XOP_PLAIN(feq_##s, sim_##T##_eq(A(s), B(s), FL))					\
XOP_PLAIN(flt_##s, sim_##T##_lt(A(s), B(s), FL))					\
XOP_PLAIN(fle_##s, sim_##T##_le(A(s), B(s), FL))					\
XOP_PLAIN(fclass_##s, sim_##T##_classify(A(s)))						\
XOP(fcvt_w_##s, sim_##T##_to_int(A(s), 32, true, rm, FL))				\
XOP(fcvt_wu_##s, SEXT32(sim_##T##_to_int(A(s), 32, false, rm, FL)))			\
XOP(fcvt_l_##s, sim_##T##_to_int(A(s), 64, true, rm, FL))				\
XOP(fcvt_lu_##s, sim_##T##_to_int(A(s), 64, false, rm, FL))				\
FOP(fcvt_##s##_w, box_##s(sim_##T##_from_i64((int32_t)h->x[op->rs1], rm, FL)))		\
FOP(fcvt_##s##_wu, box_##s(sim_##T##_from_u64((uint32_t)h->x[op->rs1], rm, FL)))	\
FOP(fcvt_##s##_l, box_##s(sim_##T##_from_i64((int64_t)h->x[op->rs1], rm, FL)))		\
FOP(fcvt_##s##_lu, box_##s(sim_##T##_from_u64(h->x[op->rs1], rm, FL)))

FP_FORMAT(h, f16)
FP_FORMAT(s, f32)
FP_FORMAT(d, f64)

FOP(fcvt_s_h, ((void)rm, box_s(sim_f16_to_f32(A(h), FL))))
FOP(fcvt_d_h, ((void)rm, box_d(sim_f16_to_f64(A(h), FL))))
FOP(fcvt_d_s, ((void)rm, box_d(sim_f32_to_f64(A(s), FL))))
FOP(fcvt_s_bf16, ((void)rm, box_s(sim_bf16_to_f32(A(b), FL))))
FOP(fcvt_h_s, box_h(sim_f32_to_f16(A(s), rm, FL)))
FOP(fcvt_h_d, box_h(sim_f64_to_f16(A(d), rm, FL)))
FOP(fcvt_s_d, box_s(sim_f64_to_f32(A(d), rm, FL)))
FOP(fcvt_bf16_s, box_b(sim_f32_to_bf16(A(s), rm, FL)))

/* Moves look at no boxing: the low bits go as they are. */
XOP_PLAIN(fmv_x_h, (uint64_t)(int64_t)(int16_t)h->f[op->rs1])
XOP_PLAIN(fmv_x_w, SEXT32(h->f[op->rs1]))
XOP_PLAIN(fmv_x_d, h->f[op->rs1])
FOP_PLAIN(fmv_h_x, box_h((uint16_t)h->x[op->rs1]))
FOP_PLAIN(fmv_w_x, box_s((uint32_t)h->x[op->rs1]))
FOP_PLAIN(fmv_d_x, h->x[op->rs1])
