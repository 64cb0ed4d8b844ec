/* SPDX-License-Identifier: MIT */
/*
 * Floating-point primitives with RISC-V semantics, shared by the scalar and the vector unit.
 *
 * Values are bit patterns, never host floats, in four formats: f16, bf16, f32 and f64.  Every
 * operation takes the rounding mode and ORs the exceptions it raises into *flags.  NaN results are
 * the canonical NaN, tininess is detected after rounding, subnormals are kept.  NaN boxing is the
 * caller's business.
 *
 * The functions are exact whatever the host can do.  For f32 and f64 in round-to-nearest-even they
 * use the host's unit when nothing but the (already raised) inexact flag can come of it; that wants
 * the host in its default mode, which sim_fp_host_enter() provides.
 */
#ifndef GAON_SIM_FP_H
#define GAON_SIM_FP_H

#include <stdbool.h>
#include <stdint.h>

/* Rounding modes: frm's numbers, and round to odd for vfncvt.rod. */
enum sim_rm {
	SIM_RM_RNE = 0,
	SIM_RM_RTZ = 1,
	SIM_RM_RDN = 2,
	SIM_RM_RUP = 3,
	SIM_RM_RMM = 4,
	SIM_RM_ROD = 5,		/* internal: never accept it from frm or an instruction */
};

/* fflags' bits. */
#define SIM_FP_NX	0x01
#define SIM_FP_UF	0x02
#define SIM_FP_OF	0x04
#define SIM_FP_DZ	0x08
#define SIM_FP_NV	0x10

#define SIM_F16_NAN	0x7e00u
#define SIM_BF16_NAN	0x7fc0u
#define SIM_F32_NAN	0x7fc00000u
#define SIM_F64_NAN	0x7ff8000000000000ull

/*
 * For each format T (value type U):
 *   add sub mul div		a op b
 *   sqrt
 *   fma			a * b + c with one rounding; negate operands for the other three forms
 *   min max			minimumNumber and maximumNumber; -0 is below +0
 *   eq				quiet; lt, le signalling
 *   classify			fclass's ten-bit mask
 *   to_int			rounded, saturated to @bits (8, 16, 32, 64) signed or unsigned; the
 *				result is sign- or zero-extended to 64 bits; NaN gives the largest
 *   from_i64 from_u64
 *   is_nan is_snan
 */
#define SIM_FP_DECLARE(T, U)									\
U sim_##T##_add(U a, U b, unsigned int rm, uint8_t *flags);					\
U sim_##T##_sub(U a, U b, unsigned int rm, uint8_t *flags);					\
U sim_##T##_mul(U a, U b, unsigned int rm, uint8_t *flags);					\
U sim_##T##_div(U a, U b, unsigned int rm, uint8_t *flags);					\
U sim_##T##_sqrt(U a, unsigned int rm, uint8_t *flags);						\
U sim_##T##_fma(U a, U b, U c, unsigned int rm, uint8_t *flags);				\
U sim_##T##_min(U a, U b, uint8_t *flags);							\
U sim_##T##_max(U a, U b, uint8_t *flags);							\
bool sim_##T##_eq(U a, U b, uint8_t *flags);							\
bool sim_##T##_lt(U a, U b, uint8_t *flags);							\
bool sim_##T##_le(U a, U b, uint8_t *flags);							\
unsigned int sim_##T##_classify(U a);								\
uint64_t sim_##T##_to_int(U a, unsigned int bits, bool is_signed, unsigned int rm, uint8_t *flags); \
U sim_##T##_from_i64(int64_t v, unsigned int rm, uint8_t *flags);				\
U sim_##T##_from_u64(uint64_t v, unsigned int rm, uint8_t *flags);

SIM_FP_DECLARE(f16, uint16_t)
SIM_FP_DECLARE(bf16, uint16_t)
SIM_FP_DECLARE(f32, uint32_t)
SIM_FP_DECLARE(f64, uint64_t)

/* Conversions between formats. */
uint32_t sim_f16_to_f32(uint16_t a, uint8_t *flags);
uint64_t sim_f16_to_f64(uint16_t a, uint8_t *flags);
uint32_t sim_bf16_to_f32(uint16_t a, uint8_t *flags);
uint64_t sim_f32_to_f64(uint32_t a, uint8_t *flags);
uint16_t sim_f32_to_f16(uint32_t a, unsigned int rm, uint8_t *flags);
uint16_t sim_f32_to_bf16(uint32_t a, unsigned int rm, uint8_t *flags);
uint16_t sim_f64_to_f16(uint64_t a, unsigned int rm, uint8_t *flags);
uint32_t sim_f64_to_f32(uint64_t a, unsigned int rm, uint8_t *flags);

static inline bool sim_f16_is_nan(uint16_t a) { return (a & 0x7fff) > 0x7c00; }
static inline bool sim_bf16_is_nan(uint16_t a) { return (a & 0x7fff) > 0x7f80; }
static inline bool sim_f32_is_nan(uint32_t a) { return (a & 0x7fffffff) > 0x7f800000; }
static inline bool sim_f64_is_nan(uint64_t a)
{
	return (a & 0x7fffffffffffffffull) > 0x7ff0000000000000ull;
}

static inline bool sim_f16_is_snan(uint16_t a) { return sim_f16_is_nan(a) && !(a & 0x200); }
static inline bool sim_bf16_is_snan(uint16_t a) { return sim_bf16_is_nan(a) && !(a & 0x40); }
static inline bool sim_f32_is_snan(uint32_t a) { return sim_f32_is_nan(a) && !(a & 0x400000); }
static inline bool sim_f64_is_snan(uint64_t a)
{
	return sim_f64_is_nan(a) && !(a & 0x8000000000000ull);
}

/**
 * sim_fp_host_enter() - put the calling thread's floating-point unit in its default mode
 *
 * Return: what sim_fp_host_leave() needs to put the old mode back.
 */
uint64_t sim_fp_host_enter(void);
void sim_fp_host_leave(uint64_t saved);

#endif
