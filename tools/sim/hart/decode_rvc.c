// SPDX-License-Identifier: MIT
/*
 * Compressed instructions of RV64DC, each rewritten as the 32-bit instruction that it stands for.
 */
#include "decode.h"

static inline uint32_t bits(uint32_t w, int hi, int lo, int to)
{
	return ((w >> lo) & ((1u << (hi - lo + 1)) - 1)) << to;
}

static inline int32_t sext(uint32_t v, int width)
{
	return (int32_t)(v << (32 - width)) >> (32 - width);
}

static uint32_t make_i(uint32_t base, uint32_t rd, uint32_t rs1, int32_t imm)
{
	return base | rd << 7 | rs1 << 15 | ((uint32_t)imm & 0xfff) << 20;
}

static uint32_t make_r(uint32_t base, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return base | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t make_s(uint32_t base, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
	return base | bits(imm, 4, 0, 7) | rs1 << 15 | rs2 << 20 | bits(imm, 11, 5, 25);
}

static uint32_t make_b(uint32_t base, uint32_t rs1, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return base | bits(u, 11, 11, 7) | bits(u, 4, 1, 8) | rs1 << 15 | bits(u, 10, 5, 25) |
	       bits(u, 12, 12, 31);
}

static uint32_t make_j(int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return 0x6fu | bits(u, 19, 12, 12) | bits(u, 11, 11, 20) | bits(u, 10, 1, 21) |
	       bits(u, 20, 20, 31);
}

/* Registers x8 to x15 by three bits. */
static uint32_t rs1p(uint32_t h) { return 8 + bits(h, 9, 7, 0); }
static uint32_t rs2p(uint32_t h) { return 8 + bits(h, 4, 2, 0); }

static int32_t imm6(uint32_t h) { return sext(bits(h, 12, 12, 5) | bits(h, 6, 2, 0), 6); }
static uint32_t shamt(uint32_t h) { return bits(h, 12, 12, 5) | bits(h, 6, 2, 0); }
static uint32_t off_w(uint32_t h)
{
	return bits(h, 5, 5, 6) | bits(h, 12, 10, 3) | bits(h, 6, 6, 2);
}
static uint32_t off_d(uint32_t h) { return bits(h, 6, 5, 6) | bits(h, 12, 10, 3); }

static uint32_t quadrant0(uint32_t h)
{
	uint32_t imm = bits(h, 12, 11, 4) | bits(h, 10, 7, 6) | bits(h, 6, 6, 2) | bits(h, 5, 5, 3);

	switch (h >> 13) {
	case 0:	/* c.addi4spn */
		return imm ? make_i(0x00000013, rs2p(h), 2, (int32_t)imm) : 0;
	case 1:	/* c.fld */
		return make_i(0x00003007, rs2p(h), rs1p(h), (int32_t)off_d(h));
	case 2:	/* c.lw */
		return make_i(0x00002003, rs2p(h), rs1p(h), (int32_t)off_w(h));
	case 3:	/* c.ld */
		return make_i(0x00003003, rs2p(h), rs1p(h), (int32_t)off_d(h));
	case 5:	/* c.fsd */
		return make_s(0x00003027, rs1p(h), rs2p(h), off_d(h));
	case 6:	/* c.sw */
		return make_s(0x00002023, rs1p(h), rs2p(h), off_w(h));
	case 7:	/* c.sd */
		return make_s(0x00003023, rs1p(h), rs2p(h), off_d(h));
	default:
		return 0;
	}
}

static uint32_t quadrant1_alu(uint32_t h)
{
	/* sub xor or and subw addw, by bits 12 and 6:5 */
	static const uint32_t base[8] = {
		0x40000033, 0x00004033, 0x00006033, 0x00007033, 0x4000003b, 0x0000003b, 0, 0,
	};
	uint32_t rd = rs1p(h), which = bits(h, 12, 12, 2) | bits(h, 6, 5, 0);

	switch (bits(h, 11, 10, 0)) {
	case 0:
		return make_i(0x00005013, rd, rd, (int32_t)shamt(h));
	case 1:
		return make_i(0x40005013, rd, rd, (int32_t)shamt(h));
	case 2:
		return make_i(0x00007013, rd, rd, imm6(h));
	default:
		return base[which] ? make_r(base[which], rd, rd, rs2p(h)) : 0;
	}
}

static uint32_t quadrant1_lui(uint32_t h)
{
	uint32_t rd = bits(h, 11, 7, 0);
	int32_t sp = sext(bits(h, 12, 12, 9) | bits(h, 6, 6, 4) | bits(h, 5, 5, 6) |
			  bits(h, 4, 3, 7) | bits(h, 2, 2, 5), 10);

	if (!imm6(h))
		return 0;
	if (rd == 2)
		return make_i(0x00000013, 2, 2, sp);
	return 0x37u | rd << 7 | (uint32_t)imm6(h) << 12;
}

static uint32_t quadrant1(uint32_t h)
{
	uint32_t rd = bits(h, 11, 7, 0);
	int32_t jump = sext(bits(h, 12, 12, 11) | bits(h, 11, 11, 4) | bits(h, 10, 9, 8) |
			    bits(h, 8, 8, 10) | bits(h, 7, 7, 6) | bits(h, 6, 6, 7) |
			    bits(h, 5, 3, 1) | bits(h, 2, 2, 5), 12);
	int32_t branch = sext(bits(h, 12, 12, 8) | bits(h, 11, 10, 3) | bits(h, 6, 5, 6) |
			      bits(h, 4, 3, 1) | bits(h, 2, 2, 5), 9);

	switch (h >> 13) {
	case 0:	/* c.addi, c.nop */
		return make_i(0x00000013, rd, rd, imm6(h));
	case 1:	/* c.addiw */
		return rd ? make_i(0x0000001b, rd, rd, imm6(h)) : 0;
	case 2:	/* c.li */
		return make_i(0x00000013, rd, 0, imm6(h));
	case 3:
		return quadrant1_lui(h);
	case 4:
		return quadrant1_alu(h);
	case 5:	/* c.j */
		return make_j(jump);
	case 6:	/* c.beqz */
		return make_b(0x00000063, rs1p(h), branch);
	default: /* c.bnez */
		return make_b(0x00001063, rs1p(h), branch);
	}
}

static uint32_t quadrant2_jump(uint32_t h)
{
	uint32_t rd = bits(h, 11, 7, 0), rs2 = bits(h, 6, 2, 0);

	if (!(h & 0x1000)) {
		if (rs2)	/* c.mv */
			return make_r(0x00000033, rd, 0, rs2);
		return rd ? make_i(0x00000067, 0, rd, 0) : 0;
	}
	if (rs2)		/* c.add */
		return make_r(0x00000033, rd, rd, rs2);
	return rd ? make_i(0x00000067, 1, rd, 0) : 0x00100073;
}

static uint32_t quadrant2(uint32_t h)
{
	uint32_t rd = bits(h, 11, 7, 0), rs2 = bits(h, 6, 2, 0);
	int32_t ldw = (int32_t)(bits(h, 3, 2, 6) | bits(h, 12, 12, 5) | bits(h, 6, 4, 2));
	int32_t ldd = (int32_t)(bits(h, 4, 2, 6) | bits(h, 12, 12, 5) | bits(h, 6, 5, 3));
	uint32_t stw = bits(h, 8, 7, 6) | bits(h, 12, 9, 2);
	uint32_t std = bits(h, 9, 7, 6) | bits(h, 12, 10, 3);

	switch (h >> 13) {
	case 0:	/* c.slli */
		return make_i(0x00001013, rd, rd, (int32_t)shamt(h));
	case 1:	/* c.fldsp */
		return make_i(0x00003007, rd, 2, ldd);
	case 2:	/* c.lwsp */
		return rd ? make_i(0x00002003, rd, 2, ldw) : 0;
	case 3:	/* c.ldsp */
		return rd ? make_i(0x00003003, rd, 2, ldd) : 0;
	case 4:
		return quadrant2_jump(h);
	case 5:	/* c.fsdsp */
		return make_s(0x00003027, 2, rs2, std);
	case 6:	/* c.swsp */
		return make_s(0x00002023, 2, rs2, stw);
	default: /* c.sdsp */
		return make_s(0x00003023, 2, rs2, std);
	}
}

uint32_t sim_decode_compressed(uint16_t half)
{
	switch (half & 3) {
	case 0:
		return quadrant0(half);
	case 1:
		return quadrant1(half);
	case 2:
		return quadrant2(half);
	default:
		return 0;
	}
}
