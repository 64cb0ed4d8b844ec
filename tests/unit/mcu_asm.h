/* SPDX-License-Identifier: MIT */
/* Encoders of RV32IMAC instructions, for tests that put programs together. */
#ifndef GAON_TESTS_MCU_ASM_H
#define GAON_TESTS_MCU_ASM_H

#include <stdint.h>

static inline uint32_t asm_bits(uint32_t v, unsigned int low, unsigned int count)
{
	return (v >> low) & ((1u << count) - 1);
}

static inline uint32_t asm_r(uint32_t op, uint32_t f3, uint32_t f7, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
	return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

static inline uint32_t asm_i(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm)
{
	return ((uint32_t)imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}

static inline uint32_t asm_s(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm)
{
	return asm_bits((uint32_t)imm, 5, 7) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
	       asm_bits((uint32_t)imm, 0, 5) << 7 | 0x23;
}

static inline uint32_t asm_b(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t offset)
{
	uint32_t o = (uint32_t)offset;

	return asm_bits(o, 12, 1) << 31 | asm_bits(o, 5, 6) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 |
	       asm_bits(o, 1, 4) << 8 | asm_bits(o, 11, 1) << 7 | 0x63;
}

static inline uint32_t asm_jal(uint32_t rd, int32_t offset)
{
	uint32_t o = (uint32_t)offset;

	return asm_bits(o, 20, 1) << 31 | asm_bits(o, 1, 10) << 21 | asm_bits(o, 11, 1) << 20 |
	       asm_bits(o, 12, 8) << 12 | rd << 7 | 0x6f;
}

#define ASM_ADDI(rd, rs1, imm)	asm_i(0x13, 0, rd, rs1, imm)
#define ASM_LUI(rd, value)	(((value) & 0xfffff000u) | (rd) << 7 | 0x37)
#define ASM_AUIPC(rd, value)	(((value) & 0xfffff000u) | (rd) << 7 | 0x17)
#define ASM_LB(rd, imm, rs1)	asm_i(0x03, 0, rd, rs1, imm)
#define ASM_LH(rd, imm, rs1)	asm_i(0x03, 1, rd, rs1, imm)
#define ASM_LW(rd, imm, rs1)	asm_i(0x03, 2, rd, rs1, imm)
#define ASM_SB(rs2, imm, rs1)	asm_s(0, rs1, rs2, imm)
#define ASM_SH(rs2, imm, rs1)	asm_s(1, rs1, rs2, imm)
#define ASM_SW(rs2, imm, rs1)	asm_s(2, rs1, rs2, imm)
#define ASM_JALR(rd, imm, rs1)	asm_i(0x67, 0, rd, rs1, imm)
#define ASM_CSRRW(rd, csr, rs1)	asm_i(0x73, 1, rd, rs1, csr)
#define ASM_CSRRS(rd, csr, rs1)	asm_i(0x73, 2, rd, rs1, csr)
#define ASM_CSRRC(rd, csr, rs1)	asm_i(0x73, 3, rd, rs1, csr)
#define ASM_CSRRWI(rd, csr, im)	asm_i(0x73, 5, rd, im, csr)
#define ASM_CSRRSI(rd, csr, im)	asm_i(0x73, 6, rd, im, csr)
#define ASM_CSRRCI(rd, csr, im)	asm_i(0x73, 7, rd, im, csr)
#define ASM_AMO(f5, rd, rs2, rs1) asm_r(0x2f, 2, (f5) << 2, rd, rs1, rs2)
#define ASM_LR(rd, rs1)		ASM_AMO(2u, rd, 0, rs1)
#define ASM_SC(rd, rs2, rs1)	ASM_AMO(3u, rd, rs2, rs1)
#define ASM_NOP			0x00000013u
#define ASM_ECALL		0x00000073u
#define ASM_EBREAK		0x00100073u
#define ASM_MRET		0x30200073u
#define ASM_WFI			0x10500073u
#define ASM_FENCE_I		0x0000100fu

/* lui and addi that leave @value in a register. */
#define ASM_HI(value)		(((value) + 0x800u) & 0xfffff000u)
#define ASM_LO(value)		((int32_t)((value) << 20) >> 20)

#endif
