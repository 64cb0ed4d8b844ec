/* SPDX-License-Identifier: MIT */
/*
 * Scalar instruction decoding: from an instruction word to a row of insn.def.
 */
#ifndef GAON_SIM_DECODE_H
#define GAON_SIM_DECODE_H

#include <stdint.h>

enum sim_insn {
#define SIM_GROUP(major)
#define SIM_INSN(name, text, match, mask, format, flags)	SIM_INSN_##name,
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
	SIM_INSNS,
	SIM_INSN_ILLEGAL = SIM_INSNS,
};

enum sim_insn_format {
	SIM_FMT_NONE, SIM_FMT_R, SIM_FMT_R4, SIM_FMT_I, SIM_FMT_SH, SIM_FMT_S, SIM_FMT_B, SIM_FMT_U,
	SIM_FMT_J, SIM_FMT_CSR,
};

#define SIM_INSN_E	0x001	/* ends a block */
#define SIM_INSN_B	0x002	/* conditional branch */
#define SIM_INSN_L	0x004	/* costs as a load */
#define SIM_INSN_D	0x008	/* costs as a divide */
#define SIM_INSN_A	0x010	/* costs as an atomic */
#define SIM_INSN_F	0x020	/* needs the FP unit on */
#define SIM_INSN_M	0x040	/* has a rounding mode */
#define SIM_INSN_W	0x080	/* wants the instruction word */
#define SIM_INSN_N	0x100	/* no effect if rd is x0 */

struct sim_insn_row {
	const char *name;
	uint32_t match, mask;
	uint8_t format;
	uint16_t flags;
};

extern const struct sim_insn_row sim_insn_rows[SIM_INSNS];

/* Row of a 32-bit instruction word, or SIM_INSN_ILLEGAL (vector instructions included). */
enum sim_insn sim_decode(uint32_t word);

/* The 32-bit instruction that a 16-bit one stands for, or 0 if it is reserved. */
uint32_t sim_decode_compressed(uint16_t half);

/* Immediate of @word in @format, sign-extended. */
int32_t sim_decode_imm(uint32_t word, enum sim_insn_format format);

#endif
