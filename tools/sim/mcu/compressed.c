// SPDX-License-Identifier: MIT
/* The C extension for RV32 without floating point: each 16-bit form to its 32-bit one. */
#include "mcu_internal.h"

#define OP_LOAD		0x03u
#define OP_STORE	0x23u
#define OP_IMM		0x13u
#define OP_REG		0x33u
#define OP_LUI		0x37u
#define OP_BRANCH	0x63u
#define OP_JALR		0x67u
#define OP_JAL		0x6fu
#define INSN_EBREAK	0x00100073u

static uint32_t bits(uint32_t half, unsigned int low, unsigned int count)
{
	return (half >> low) & ((1u << count) - 1);
}

/* @count bits of the instruction from @low, placed at @to in an immediate */
static uint32_t place(uint32_t half, unsigned int low, unsigned int count, unsigned int to)
{
	return bits(half, low, count) << to;
}

static uint32_t sign_extend(uint32_t value, unsigned int width)
{
	uint32_t sign = 1u << (width - 1);

	return (value ^ sign) - sign;
}

static uint32_t make_i(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t imm)
{
	return imm << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

static uint32_t make_r(uint32_t f7, uint32_t f3, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | OP_REG;
}

static uint32_t make_s(uint32_t f3, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
	return bits(imm, 5, 7) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | bits(imm, 0, 5) << 7 |
	       OP_STORE;
}

static uint32_t make_b(uint32_t f3, uint32_t rs1, uint32_t imm)
{
	return bits(imm, 12, 1) << 31 | bits(imm, 5, 6) << 25 | rs1 << 15 | f3 << 12 |
	       bits(imm, 1, 4) << 8 | bits(imm, 11, 1) << 7 | OP_BRANCH;
}

static uint32_t make_j(uint32_t rd, uint32_t imm)
{
	return bits(imm, 20, 1) << 31 | bits(imm, 1, 10) << 21 | bits(imm, 11, 1) << 20 |
	       bits(imm, 12, 8) << 12 | rd << 7 | OP_JAL;
}

static uint32_t imm6(uint32_t h)
{
	return sign_extend(place(h, 12, 1, 5) | bits(h, 2, 5), 6);
}

static uint32_t jump_offset(uint32_t h)
{
	return sign_extend(place(h, 12, 1, 11) | place(h, 11, 1, 4) | place(h, 9, 2, 8) |
			   place(h, 8, 1, 10) | place(h, 7, 1, 6) | place(h, 6, 1, 7) |
			   place(h, 3, 3, 1) | place(h, 2, 1, 5), 12);
}

static uint32_t branch_offset(uint32_t h)
{
	return sign_extend(place(h, 12, 1, 8) | place(h, 10, 2, 3) | place(h, 5, 2, 6) |
			   place(h, 3, 2, 1) | place(h, 2, 1, 5), 9);
}

static uint32_t expand_q0(uint32_t h)
{
	uint32_t rd = 8 + bits(h, 2, 3);
	uint32_t rs1 = 8 + bits(h, 7, 3);
	uint32_t offset = place(h, 10, 3, 3) | place(h, 6, 1, 2) | place(h, 5, 1, 6);
	uint32_t imm;

	switch (bits(h, 13, 3)) {
	case 0: /* c.addi4spn */
		imm = place(h, 11, 2, 4) | place(h, 7, 4, 6) | place(h, 6, 1, 2) | place(h, 5, 1, 3);
		return imm ? make_i(OP_IMM, 0, rd, 2, imm) : 0;
	case 2: /* c.lw */
		return make_i(OP_LOAD, 2, rd, rs1, offset);
	case 6: /* c.sw */
		return make_s(2, rs1, rd, offset);
	default:
		return 0;
	}
}

/* c.srli, c.srai, c.andi, c.sub, c.xor, c.or, c.and */
static uint32_t expand_alu(uint32_t h)
{
	static const uint8_t funct3[4] = { 0, 4, 6, 7 };
	uint32_t rd = 8 + bits(h, 7, 3);
	uint32_t select = bits(h, 10, 2);
	uint32_t op = bits(h, 5, 2);

	if (select == 2)
		return make_i(OP_IMM, 7, rd, rd, imm6(h) & 0xfff);
	if (bits(h, 12, 1))
		return 0;	/* RV64's word operations; shift amounts above 31 */
	if (select < 2)
		return make_i(OP_IMM, 5, rd, rd, bits(h, 2, 5) | (select ? 0x400 : 0));
	return make_r(op ? 0 : 0x20, funct3[op], rd, rd, 8 + bits(h, 2, 3));
}

static uint32_t expand_lui(uint32_t h)
{
	uint32_t rd = bits(h, 7, 5);
	uint32_t imm;

	if (rd != 2) {
		imm = imm6(h);
		return imm ? imm << 12 | rd << 7 | OP_LUI : 0;
	}
	imm = sign_extend(place(h, 12, 1, 9) | place(h, 6, 1, 4) | place(h, 5, 1, 6) |
			  place(h, 3, 2, 7) | place(h, 2, 1, 5), 10);
	return imm ? make_i(OP_IMM, 0, 2, 2, imm & 0xfff) : 0;
}

static uint32_t expand_q1(uint32_t h)
{
	uint32_t rd = bits(h, 7, 5);

	switch (bits(h, 13, 3)) {
	case 0: /* c.addi, c.nop */
		return make_i(OP_IMM, 0, rd, rd, imm6(h) & 0xfff);
	case 1: /* c.jal */
		return make_j(1, jump_offset(h));
	case 2: /* c.li */
		return make_i(OP_IMM, 0, rd, 0, imm6(h) & 0xfff);
	case 3: /* c.lui, c.addi16sp */
		return expand_lui(h);
	case 4:
		return expand_alu(h);
	case 5: /* c.j */
		return make_j(0, jump_offset(h));
	case 6: /* c.beqz */
		return make_b(0, 8 + bits(h, 7, 3), branch_offset(h));
	default: /* c.bnez */
		return make_b(1, 8 + bits(h, 7, 3), branch_offset(h));
	}
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add */
static uint32_t expand_register(uint32_t h)
{
	uint32_t rd = bits(h, 7, 5);
	uint32_t rs2 = bits(h, 2, 5);
	uint32_t link = bits(h, 12, 1);

	if (rs2)
		return make_r(0, 0, rd, link ? rd : 0, rs2);
	if (rd)
		return make_i(OP_JALR, 0, link, rd, 0);
	return link ? INSN_EBREAK : 0;
}

static uint32_t expand_q2(uint32_t h)
{
	uint32_t rd = bits(h, 7, 5);
	uint32_t imm;

	switch (bits(h, 13, 3)) {
	case 0: /* c.slli */
		return bits(h, 12, 1) ? 0 : make_i(OP_IMM, 1, rd, rd, bits(h, 2, 5));
	case 2: /* c.lwsp */
		imm = place(h, 12, 1, 5) | place(h, 4, 3, 2) | place(h, 2, 2, 6);
		return rd ? make_i(OP_LOAD, 2, rd, 2, imm) : 0;
	case 4:
		return expand_register(h);
	case 6: /* c.swsp */
		return make_s(2, 2, bits(h, 2, 5), place(h, 9, 4, 2) | place(h, 7, 2, 6));
	default:
		return 0;
	}
}

uint32_t mcu_expand(uint16_t half)
{
	switch (half & 3) {
	case 0:
		return expand_q0(half);
	case 1:
		return expand_q1(half);
	case 2:
		return expand_q2(half);
	default:
		return 0;
	}
}
