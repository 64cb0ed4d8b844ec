/* SPDX-License-Identifier: MIT */
/* Host encodings by operation and log2 of the element's bytes; op 0: the host has none. */
#ifndef GAON_SIM_JIT_TABLE_H
#define GAON_SIM_JIT_TABLE_H

#include "jit.h"

/* by enum vec_int_op; shifts are the variable ones */
extern const struct jit_enc jit_enc_int[VEC_INT_COUNT][4];
/* by enum vec_cmp_op, the predicate in imm */
extern const struct jit_enc jit_enc_cmp[VEC_CMP_COUNT][4];
/* by enum vec_fp2_op, vec_fma_op, vec_fpcmp_op; [0] is f32, [1] f64 */
extern const struct jit_enc jit_enc_fp2[VEC_FP2_COUNT][2];
extern const struct jit_enc jit_enc_fma[VEC_FMA_COUNT][2];
/* the same with a scalar from memory as the third operand */
extern const struct jit_enc jit_enc_fma_x[VEC_FMA_COUNT][2];
extern const struct jit_enc jit_enc_fpcmp[VEC_FPCMP_COUNT][2];
extern const struct jit_enc jit_enc_range[2], jit_enc_sqrt[2], jit_enc_unordered[2], jit_enc_class[2];
/* [to][from], and [1] of the last: sign-extending */
extern const struct jit_enc jit_enc_extend[4][4][2];
extern const struct jit_enc jit_enc_load[4], jit_enc_store[4], jit_enc_splat[4], jit_enc_blend[4];
extern const struct jit_enc jit_enc_ternary, jit_enc_and, jit_enc_shift_32;
/* mask of lanes in which two vectors have a bit in common; 32-bit elements to 16-bit ones */
extern const struct jit_enc jit_enc_test_32, jit_enc_halve_32, jit_enc_to_int_32;


/* Narrowing f32 to bf16 by hand: the numbers that it takes, and what of the result they decide. */
enum jit_bf16 {
	JIT_BF16_MAGNITUDE	= 0x7fffffff,
	JIT_BF16_LARGEST	= 0x7f7f7fff,	/* what is above overflows, or is no number */
	JIT_BF16_INF		= 0x7f800000,
	JIT_BF16_TINY		= 0x7fc000,	/* what is below underflows if it is inexact */
	JIT_BF16_CUT		= 0xffff,
	JIT_BF16_HALF		= 0x7fff,
	JIT_BF16_ODD		= 1,
	JIT_BF16_INEXACT	= 0x3fc00000,	/* 1.5: inexact as an integer */
};

#endif
