/* SPDX-License-Identifier: MIT */
/*
 * The vector unit's kernels: loops over elements 0..n-1 without mask, compiled once per host ISA
 * and reached through one table each.  All of them give the same bits; the tests compare them.
 *
 * The operations themselves are the X-macro lists below, written in terms of
 *	a, b	elements of vs2 and of vs1 (or the scalar), as unsigned U
 *	c	the old element of vd
 *	U, S	the element type, unsigned and signed; UP, a type that multiplies without overflow
 *	D, DS	the type of twice the width, unsigned and signed
 *	BITS	bits of an element
 */
#ifndef GAON_SIM_VECTOR_KERNELS_H
#define GAON_SIM_VECTOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, result */
#define VEC_INT_OPS(X)							\
	X(ADD, (UP)a + (UP)b)						\
	X(SUB, (UP)a - (UP)b)						\
	X(RSUB, (UP)b - (UP)a)						\
	X(MINU, a < b ? a : b)						\
	X(MIN, (S)a < (S)b ? a : b)					\
	X(MAXU, a > b ? a : b)						\
	X(MAX, (S)a > (S)b ? a : b)					\
	X(AND, a & b)							\
	X(OR, a | b)							\
	X(XOR, a ^ b)							\
	X(SLL, (UP)a << (b & (BITS - 1)))				\
	X(SRL, a >> (b & (BITS - 1)))					\
	X(SRA, (S)a >> (b & (BITS - 1)))				\
	X(MUL, (UP)a * (UP)b)						\
	X(MULHU, ((D)a * (D)b) >> BITS)					\
	X(MULH, (D)((DS)(S)a * (DS)(S)b) >> BITS)			\
	X(MULHSU, (D)((DS)(S)a * (DS)b) >> BITS)			\
	X(DIVU, b ? a / b : (U)-1)					\
	X(DIV, !b ? (U)-1 : b == (U)-1 ? -(UP)a : (UP)((S)a / (S)b))	\
	X(REMU, b ? a % b : a)						\
	X(REM, !b ? a : b == (U)-1 ? 0 : (UP)((S)a % (S)b))

/* a is vs2, b is vs1 or the scalar, c the old vd */
#define VEC_MACC_OPS(X)							\
	X(MADD, (UP)b * (UP)c + (UP)a)					\
	X(NMSUB, (UP)a - (UP)b * (UP)c)					\
	X(MACC, (UP)b * (UP)a + (UP)c)					\
	X(NMSAC, (UP)c - (UP)b * (UP)a)

#define VEC_CMP_OPS(X)							\
	X(SEQ, a == b)							\
	X(SNE, a != b)							\
	X(SLTU, a < b)							\
	X(SLT, (S)a < (S)b)						\
	X(SLEU, a <= b)							\
	X(SLE, (S)a <= (S)b)						\
	X(SGTU, a > b)							\
	X(SGT, (S)a > (S)b)

/* Results of D from operands of U */
#define VEC_WIDE_OPS(X)							\
	X(WADDU, (D)a + (D)b)						\
	X(WADD, (D)(S)a + (D)(S)b)					\
	X(WSUBU, (D)a - (D)b)						\
	X(WSUB, (D)(S)a - (D)(S)b)					\
	X(WMULU, (D)a * (DP)b)						\
	X(WMULSU, (DP)(S)a * (DP)b)					\
	X(WMUL, (DP)(S)a * (DP)(S)b)

/* Results of D from a of D and b of U */
#define VEC_WIDEW_OPS(X)						\
	X(WADDU_W, (DP)a + (DP)b)					\
	X(WADD_W, (DP)a + (DP)(S)b)					\
	X(WSUBU_W, (DP)a - (DP)b)					\
	X(WSUB_W, (DP)a - (DP)(S)b)

/* c of D, a and b of U.  "SU" names the sign of vs1, then of vs2. */
#define VEC_WMACC_OPS(X)						\
	X(WMACCU, (DP)b * (DP)a + (DP)c)				\
	X(WMACC, (DP)(S)b * (DP)(S)a + (DP)c)				\
	X(WMACCUS, (DP)b * (DP)(S)a + (DP)c)				\
	X(WMACCSU, (DP)(S)b * (DP)a + (DP)c)

/* Fixed point: name, statement that sets r, and sat if it saturated; rm is vxrm */
#define VEC_FIXED_OPS(X)						\
	X(SADDU, r = (U)((UP)a + (UP)b); U o = r < a; r |= (U)-(UP)o; sat |= o)			\
	X(SSUBU, U o = a < b; r = (U)((UP)a - (UP)b) & (U)((UP)o - 1); sat |= o)		\
	X(SADD, r = (U)((UP)a + (UP)b); U o = SIGN((r ^ a) & (r ^ b));				\
		r = o ? (U)(SMAX + SIGN(a)) : r; sat |= o)					\
	X(SSUB, r = (U)((UP)a - (UP)b); U o = SIGN((r ^ a) & (a ^ b));				\
		r = o ? (U)(SMAX + SIGN(a)) : r; sat |= o)					\
	X(AADDU, D t = (D)a + (D)b; r = (U)((t >> 1) + ROUND1(t)))				\
	X(AADD, D t = (D)(S)a + (D)(S)b; r = (U)(((DS)t >> 1) + ROUND1(t)))			\
	X(ASUBU, D t = (D)a - (D)b; r = (U)((t >> 1) + ROUND1(t)))				\
	X(ASUB, D t = (D)(S)a - (D)(S)b; r = (U)(((DS)t >> 1) + ROUND1(t)))			\
	X(SMUL, D t = (D)((DS)(S)a * (DS)(S)b); U o = a == SMIN && b == SMIN;			\
		r = (U)(D)(((DS)t >> (BITS - 1)) + (DS)ROUND_BIT(t, BITS - 1));			\
		r = o ? SMAX : r; sat |= o)							\
	X(SSRL, unsigned int k = b & (BITS - 1); r = (U)((a >> k) + ROUND(a, k)))		\
	X(SSRA, unsigned int k = b & (BITS - 1); r = (U)(((S)a >> k) + (S)ROUND(a, k)))

/* Narrowing: a of D, b of U (low bits only) */
#define VEC_NARROW_OPS(X)									\
	X(NSRL, r = (U)(a >> (b & (2 * BITS - 1))))						\
	X(NSRA, r = (U)((DS)a >> (b & (2 * BITS - 1))))						\
	X(NCLIPU, unsigned int k = b & (2 * BITS - 1); D t = (D)((a >> k) + ROUND(a, k));	\
		U o = t > (U)-1; r = o ? (U)-1 : (U)t; sat |= o)				\
	X(NCLIP, unsigned int k = b & (2 * BITS - 1);						\
		DS t = (DS)((D)((DS)a >> k) + ROUND(a, k));					\
		U o = t != (S)t; r = o ? (U)(SMAX + (t < 0)) : (U)t; sat |= o)

/* Carries: k is the carry in; name, statement that sets r (an element, or 0 or 1) */
#define VEC_CARRY_OPS(X)						\
	X(ADC, U, r = (U)((UP)a + (UP)b + k))				\
	X(SBC, U, r = (U)((UP)a - (UP)b - k))				\
	X(MADC, uint8_t, U t = (U)((UP)a + (UP)b + k);			\
		r = (uint8_t)-(k ? t <= a : t < a))			\
	X(MSBC, uint8_t, r = (uint8_t)-(k ? a <= b : a < b))

#define VEC_REDUCE_OPS(X)						\
	X(SUM, (UP)r + (UP)a)						\
	X(RAND, r & a)							\
	X(ROR, r | a)							\
	X(RXOR, r ^ a)							\
	X(RMINU, a < r ? a : r)						\
	X(RMIN, (S)a < (S)r ? a : r)					\
	X(RMAXU, a > r ? a : r)						\
	X(RMAX, (S)a > (S)r ? a : r)

#define VEC_ENUM(name, ...) VEC_##name,
enum vec_int_op { VEC_INT_OPS(VEC_ENUM) VEC_INT_COUNT };
enum vec_macc_op { VEC_MACC_OPS(VEC_ENUM) VEC_MACC_COUNT };
enum vec_cmp_op { VEC_CMP_OPS(VEC_ENUM) VEC_CMP_COUNT };
enum vec_wide_op { VEC_WIDE_OPS(VEC_ENUM) VEC_WIDE_COUNT };
enum vec_widew_op { VEC_WIDEW_OPS(VEC_ENUM) VEC_WIDEW_COUNT };
enum vec_wmacc_op { VEC_WMACC_OPS(VEC_ENUM) VEC_WMACC_COUNT };
enum vec_fixed_op { VEC_FIXED_OPS(VEC_ENUM) VEC_FIXED_COUNT };
enum vec_narrow_op { VEC_NARROW_OPS(VEC_ENUM) VEC_NARROW_COUNT };
enum vec_carry_op { VEC_CARRY_OPS(VEC_ENUM) VEC_CARRY_COUNT };
enum vec_reduce_op { VEC_REDUCE_OPS(VEC_ENUM) VEC_REDUCE_COUNT };

/*
 * @d: destination; for multiply-adds also an input.  May be the same memory as a source of the
 *	same element size, and otherwise overlaps nothing.
 * @x: the scalar of the forms that have one
 * @rm: rounding mode of fixed-point kernels (vxrm)
 * Returns flags: bit 0, saturated (fixed point); accrued exceptions (floating point).
 */
typedef uint32_t (*vec_kernel)(void *d, const void *a, const void *b, uint64_t x, size_t n,
			       unsigned int rm);
/* Carry ops: @carry holds a byte per element, 0 or 0xff. */
typedef void (*vec_carry_kernel)(void *d, const void *a, const void *b, uint64_t x, size_t n,
				 const uint8_t *carry);
/* d = mask byte ? t : f */
typedef void (*vec_select_kernel)(void *d, const void *t, const void *f, const uint8_t *mask,
				  size_t n);
typedef void (*vec_select_x_kernel)(void *d, uint64_t t, const void *f, const uint8_t *mask,
				    size_t n);
/* d = mask bit ? t : f, where t is @tp's element or, without @tp, @x */
typedef void (*vec_merge_kernel)(void *d, const void *tp, uint64_t x, const void *f,
				 const uint8_t *bits, size_t n);
typedef void (*vec_splat_kernel)(void *d, uint64_t x, size_t n);
typedef uint64_t (*vec_reduce_kernel)(const void *a, uint64_t init, size_t n);

/* Both forms of an operation, by log2 of the bytes of the narrowest element. */
struct vec_kpair {
	vec_kernel vv[4], vx[4];
};

struct vec_kint {
	struct vec_kpair alu[VEC_INT_COUNT];
	struct vec_kpair macc[VEC_MACC_COUNT];
	struct vec_kpair cmp[VEC_CMP_COUNT];	/* d: a byte per element, 0 or 0xff */
	struct vec_kpair wide[VEC_WIDE_COUNT];
	struct vec_kpair widew[VEC_WIDEW_COUNT];
	struct vec_kpair wmacc[VEC_WMACC_COUNT];
	struct vec_kpair fixed[VEC_FIXED_COUNT];
	struct vec_kpair narrow[VEC_NARROW_COUNT];
	vec_carry_kernel carry_vv[VEC_CARRY_COUNT][4], carry_vx[VEC_CARRY_COUNT][4];
	vec_kernel zext[4][4], sext[4][4];	/* [to][from] */
	vec_select_kernel select[4];
	vec_select_x_kernel select_x[4];
	vec_merge_kernel merge[4];	/* NULL unless the host has mask registers */
	vec_splat_kernel splat[4];
	vec_reduce_kernel reduce[VEC_REDUCE_COUNT][4];
	vec_reduce_kernel wredsumu[4], wredsum[4];	/* by the source's size */
	/* bits to bytes of 0 or 0xff; and back, whole bytes of 8 elements, the last filled with 0 */
	void (*expand)(uint8_t *bytes, const uint8_t *bits, size_t n);
	void (*pack)(uint8_t *bits, const uint8_t *bytes, size_t n);
};

extern const struct vec_kint vec_kint_v2, vec_kint_v3, vec_kint_v4;

enum vec_host {
	VEC_HOST_AUTO = -1,
	VEC_HOST_PORTABLE,
	VEC_HOST_V3,
	VEC_HOST_V4,
	VEC_HOSTS,
};

#include "vector_kernels_fp.h"

/* The tables in use; chosen by the first sim_vector_decode(). */
extern const struct vec_kint *vec_kint;
extern const struct vec_kfp *vec_kfp;

/* For tests: use these kernels from now on, for the whole process.  False: the host lacks them. */
bool sim_vector_select(enum vec_host host);

#endif
