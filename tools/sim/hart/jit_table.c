// SPDX-License-Identifier: MIT
/*
 * The encodings, as in the processor's manual: opcode map (1: 0F, 2: 0F38, 3: 0F3A), mandatory
 * prefix (1: 66, 2: F3, 3: F2), W and opcode, all EVEX.
 */
#include "jit_table.h"

#define NO			{ 0 }
#define INT(m, w, op)		{ m, 1, w, op, 0 }
#define BYTES(m, ob, ow)	INT(m, 0, ob), INT(m, 0, ow)
#define LOGIC(op)		{ INT(1, 0, op), INT(1, 0, op), INT(1, 0, op), INT(1, 1, op) }
/* minima and maxima of bytes, halves, and what is larger, in which W tells the size */
#define EXTREME(mb, ob, mh, oh, o)	{ INT(mb, 0, ob), INT(mh, 0, oh), INT(2, 0, o), INT(2, 1, o) }
#define SHIFT(oh, o)		{ NO, INT(2, 1, oh), INT(2, 0, o), INT(2, 1, o) }

const struct jit_enc jit_enc_int[VEC_INT_COUNT][4] = {
	[VEC_ADD]  = { BYTES(1, 0xfc, 0xfd), { 1, 1, 0, 0xfe, 0 }, { 1, 1, 1, 0xd4, 0 } },
	[VEC_SUB]  = { BYTES(1, 0xf8, 0xf9), { 1, 1, 0, 0xfa, 0 }, { 1, 1, 1, 0xfb, 0 } },
	[VEC_RSUB] = { BYTES(1, 0xf8, 0xf9), { 1, 1, 0, 0xfa, 0 }, { 1, 1, 1, 0xfb, 0 } },
	[VEC_MINU] = EXTREME(1, 0xda, 2, 0x3a, 0x3b),
	[VEC_MIN]  = EXTREME(2, 0x38, 1, 0xea, 0x39),
	[VEC_MAXU] = EXTREME(1, 0xde, 2, 0x3e, 0x3f),
	[VEC_MAX]  = EXTREME(2, 0x3c, 1, 0xee, 0x3d),
	[VEC_AND]  = LOGIC(0xdb),
	[VEC_OR]   = LOGIC(0xeb),
	[VEC_XOR]  = LOGIC(0xef),
	[VEC_SLL]  = SHIFT(0x12, 0x47),
	[VEC_SRL]  = SHIFT(0x10, 0x45),
	[VEC_SRA]  = SHIFT(0x11, 0x46),
	[VEC_MUL]  = { NO, { 1, 1, 0, 0xd5, 0 }, { 2, 1, 0, 0x40, 0 }, { 2, 1, 1, 0x40, 0 } },
	[VEC_MULHU] = { NO, { 1, 1, 0, 0xe4, 0 }, NO, NO },
	[VEC_MULH] = { NO, { 1, 1, 0, 0xe5, 0 }, NO, NO },
};

#define COMPARES(signless, how)								\
	{ { 3, 1, 0, 0x3f - (signless), how }, { 3, 1, 1, 0x3f - (signless), how },	\
	  { 3, 1, 0, 0x1f - (signless), how }, { 3, 1, 1, 0x1f - (signless), how } }
/* predicates: 0 ==, 1 <, 2 <=, 4 !=, 6 > */
const struct jit_enc jit_enc_cmp[VEC_CMP_COUNT][4] = {
	[VEC_SEQ] = COMPARES(0, 0), [VEC_SNE] = COMPARES(0, 4),
	[VEC_SLTU] = COMPARES(1, 1), [VEC_SLT] = COMPARES(0, 1),
	[VEC_SLEU] = COMPARES(1, 2), [VEC_SLE] = COMPARES(0, 2),
	[VEC_SGTU] = COMPARES(1, 6), [VEC_SGT] = COMPARES(0, 6),
};

#define FP(op)	{ { 1, 0, 0, op, 0 }, { 1, 1, 1, op, 0 } }
const struct jit_enc jit_enc_fp2[VEC_FP2_COUNT][2] = {
	[VEC_FADD] = FP(0x58), [VEC_FSUB] = FP(0x5c), [VEC_FRSUB] = FP(0x5c),
	[VEC_FMUL] = FP(0x59), [VEC_FDIV] = FP(0x5e), [VEC_FRDIV] = FP(0x5e),
};
const struct jit_enc jit_enc_sqrt[2] = FP(0x51);

/*
 * d op= a, b.  231: d = a * b + d; 213: d = a * d + b, where a is the factor; 132: d = d * b + a.
 * RISC-V's "n" forms negate the product, and the addend with it or not.
 */
#define FMA(op)	{ { 2, 1, 0, op, 0 }, { 2, 1, 1, op, 0 } }
const struct jit_enc jit_enc_fma[VEC_FMA_COUNT][2] = {
	[VEC_FMADD] = FMA(0xa8), [VEC_FNMADD] = FMA(0xae), [VEC_FMSUB] = FMA(0xaa), [VEC_FNMSUB] = FMA(0xac),
	[VEC_FMACC] = FMA(0xb8), [VEC_FNMACC] = FMA(0xbe), [VEC_FMSAC] = FMA(0xba), [VEC_FNMSAC] = FMA(0xbc),
};
const struct jit_enc jit_enc_fma_x[VEC_FMA_COUNT][2] = {
	[VEC_FMADD] = FMA(0x98), [VEC_FNMADD] = FMA(0x9e), [VEC_FMSUB] = FMA(0x9a), [VEC_FNMSUB] = FMA(0x9c),
	[VEC_FMACC] = FMA(0xb8), [VEC_FNMACC] = FMA(0xbe), [VEC_FMSAC] = FMA(0xba), [VEC_FNMSAC] = FMA(0xbc),
};

/* Equality is quiet, order signals: the predicates raise what the architecture raises. */
#define FPCMP(how)	{ { 1, 0, 0, 0xc2, how }, { 1, 1, 1, 0xc2, how } }
const struct jit_enc jit_enc_fpcmp[VEC_FPCMP_COUNT][2] = {
	[VEC_FEQ] = FPCMP(0x00), [VEC_FNE] = FPCMP(0x04), [VEC_FLT] = FPCMP(0x01),
	[VEC_FLE] = FPCMP(0x02), [VEC_FGT] = FPCMP(0x0e), [VEC_FGE] = FPCMP(0x0d),
};
const struct jit_enc jit_enc_unordered[2] = FPCMP(0x03);
/* quiet and signalling NaN, raising nothing */
const struct jit_enc jit_enc_class[2] = { { 3, 1, 0, 0x66, 0x81 }, { 3, 1, 1, 0x66, 0x81 } };
const struct jit_enc jit_enc_range[2] = { { 3, 1, 0, 0x50, 0 }, { 3, 1, 1, 0x50, 0 } };

#define EXTEND(op)	{ { 2, 1, 0, 0x30 + (op), 0 }, { 2, 1, 0, 0x20 + (op), 0 } }
const struct jit_enc jit_enc_extend[4][4][2] = {
	[1] = { EXTEND(0) },
	[2] = { EXTEND(1), EXTEND(3) },
	[3] = { EXTEND(2), EXTEND(4), EXTEND(5) },
};

#define MOVES(op)	{ { 1, 3, 0, op, 0 }, { 1, 3, 1, op, 0 }, { 1, 2, 0, op, 0 }, { 1, 2, 1, op, 0 } }
const struct jit_enc jit_enc_load[4] = MOVES(0x6f);
const struct jit_enc jit_enc_store[4] = MOVES(0x7f);
const struct jit_enc jit_enc_splat[4] = {
	{ 2, 1, 0, 0x78, 0 }, { 2, 1, 0, 0x79, 0 }, { 2, 1, 0, 0x58, 0 }, { 2, 1, 1, 0x59, 0 },
};
const struct jit_enc jit_enc_blend[4] = {
	{ 2, 1, 0, 0x66, 0 }, { 2, 1, 1, 0x66, 0 }, { 2, 1, 0, 0x64, 0 }, { 2, 1, 1, 0x64, 0 },
};
const struct jit_enc jit_enc_ternary = { 3, 1, 0, 0x25, 0 };
const struct jit_enc jit_enc_and = { 1, 1, 0, 0xdb, 0 };
const struct jit_enc jit_enc_shift_32 = { 1, 1, 0, 0x72, 0 };	/* /6 left, /2 right; immediate */
const struct jit_enc jit_enc_test_32 = { 2, 1, 0, 0x27, 0 };
const struct jit_enc jit_enc_halve_32 = { 2, 2, 0, 0x33, 0 };
const struct jit_enc jit_enc_to_int_32 = { 1, 1, 0, 0x5b, 0 };
