// SPDX-License-Identifier: MIT
/*
 * Scalar instruction decoding.  The rows of insn.def are grouped by major opcode, so that a look-up
 * scans one group only.
 */
#include "decode.h"

#include <stdbool.h>
#include <stddef.h>

#define E	SIM_INSN_E
#define B	SIM_INSN_B
#define L	SIM_INSN_L
#define D	SIM_INSN_D
#define A	SIM_INSN_A
#define F	SIM_INSN_F
#define M	SIM_INSN_M
#define W	SIM_INSN_W
#define N	SIM_INSN_N
const struct sim_insn_row sim_insn_rows[SIM_INSNS] = {
#define SIM_GROUP(major)
#define SIM_INSN(id, text, m, k, fmt, fl)	\
	{ .name = text, .match = m, .mask = k, .format = SIM_FMT_##fmt, .flags = fl },
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
};
#undef E
#undef B
#undef L
#undef D
#undef A
#undef F
#undef M
#undef W
#undef N

/*
 * Number of the first row of each group: a group mark takes a number of its own and the next row
 * goes back to it.
 */
enum {
#define SIM_GROUP(major)			GROUP_##major, GROUP_BACK_##major = GROUP_##major - 1,
#define SIM_INSN(id, text, m, k, fmt, fl)	GROUP_ROW_##id,
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
};

static const uint16_t group_first[32] = {
#define SIM_GROUP(major)			[major] = GROUP_##major,
#define SIM_INSN(id, text, m, k, fmt, fl)
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
};

/* Reserved static rounding modes; 7 is the dynamic one. */
static bool rm_reserved(uint32_t word)
{
	uint32_t rm = (word >> 12) & 7;

	return rm == 5 || rm == 6;
}

enum sim_insn sim_decode(uint32_t word)
{
	uint32_t major = (word >> 2) & 31;

	if ((word & 3) != 3)
		return SIM_INSN_ILLEGAL;
	for (size_t i = group_first[major]; i < SIM_INSNS; i++) {
		const struct sim_insn_row *row = &sim_insn_rows[i];

		if (((row->match >> 2) & 31) != major)
			break;
		if ((word & row->mask) != row->match)
			continue;
		if ((row->flags & SIM_INSN_M) && rm_reserved(word))
			break;
		return (enum sim_insn)i;
	}
	return SIM_INSN_ILLEGAL;
}

/* Bits hi..lo of @w, moved to @to. */
static inline uint32_t bits(uint32_t w, int hi, int lo, int to)
{
	return ((w >> lo) & ((1u << (hi - lo + 1)) - 1)) << to;
}

static inline int32_t sext(uint32_t v, int width)
{
	return (int32_t)(v << (32 - width)) >> (32 - width);
}

int32_t sim_decode_imm(uint32_t w, enum sim_insn_format format)
{
	switch (format) {
	case SIM_FMT_I:
		return (int32_t)w >> 20;
	case SIM_FMT_SH:
		return (int32_t)bits(w, 25, 20, 0);
	case SIM_FMT_S:
		return sext(bits(w, 31, 25, 5) | bits(w, 11, 7, 0), 12);
	case SIM_FMT_B:
		return sext(bits(w, 31, 31, 12) | bits(w, 7, 7, 11) | bits(w, 30, 25, 5) |
			    bits(w, 11, 8, 1), 13);
	case SIM_FMT_U:
		return (int32_t)(w & 0xfffff000u);
	case SIM_FMT_J:
		return sext(bits(w, 31, 31, 20) | bits(w, 19, 12, 12) | bits(w, 20, 20, 11) |
			    bits(w, 30, 21, 1), 21);
	default:
		return 0;
	}
}
