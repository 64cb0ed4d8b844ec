// SPDX-License-Identifier: MIT
/* 32-bit encodings of RV32IMA, Zicsr and Zifencei to struct mcu_insn. */
#include "mcu_internal.h"

static uint32_t field(uint32_t word, unsigned int low, unsigned int bits)
{
	return (word >> low) & ((1u << bits) - 1);
}

static int32_t imm_i(uint32_t w)
{
	return (int32_t)w >> 20;
}

static int32_t imm_s(uint32_t w)
{
	return (int32_t)((uint32_t)((int32_t)w >> 25) << 5 | field(w, 7, 5));
}

static int32_t imm_b(uint32_t w)
{
	return (int32_t)((uint32_t)((int32_t)w >> 31) << 12 | field(w, 7, 1) << 11 |
			 field(w, 25, 6) << 5 | field(w, 8, 4) << 1);
}

static int32_t imm_j(uint32_t w)
{
	return (int32_t)((uint32_t)((int32_t)w >> 31) << 20 | field(w, 12, 8) << 12 |
			 field(w, 20, 1) << 11 | field(w, 21, 10) << 1);
}

static uint8_t decode_load(uint32_t w)
{
	static const uint8_t ops[8] = {
		MCU_OP_LB, MCU_OP_LH, MCU_OP_LW, MCU_OP_ILLEGAL,
		MCU_OP_LBU, MCU_OP_LHU, MCU_OP_ILLEGAL, MCU_OP_ILLEGAL,
	};

	return ops[field(w, 12, 3)];
}

static uint8_t decode_store(uint32_t w)
{
	static const uint8_t ops[8] = {
		MCU_OP_SB, MCU_OP_SH, MCU_OP_SW, MCU_OP_ILLEGAL,
		MCU_OP_ILLEGAL, MCU_OP_ILLEGAL, MCU_OP_ILLEGAL, MCU_OP_ILLEGAL,
	};

	return ops[field(w, 12, 3)];
}

static uint8_t decode_branch(uint32_t w)
{
	static const uint8_t ops[8] = {
		MCU_OP_BEQ, MCU_OP_BNE, MCU_OP_ILLEGAL, MCU_OP_ILLEGAL,
		MCU_OP_BLT, MCU_OP_BGE, MCU_OP_BLTU, MCU_OP_BGEU,
	};

	return ops[field(w, 12, 3)];
}

static uint8_t decode_op_imm(uint32_t w)
{
	static const uint8_t ops[8] = {
		MCU_OP_ADDI, MCU_OP_SLLI, MCU_OP_SLTI, MCU_OP_SLTIU,
		MCU_OP_XORI, MCU_OP_SRLI, MCU_OP_ORI, MCU_OP_ANDI,
	};
	uint32_t funct3 = field(w, 12, 3);
	uint32_t funct7 = field(w, 25, 7);

	if (funct3 == 1 && funct7)
		return MCU_OP_ILLEGAL;
	if (funct3 == 5 && funct7)
		return funct7 == 0x20 ? MCU_OP_SRAI : MCU_OP_ILLEGAL;
	return ops[funct3];
}

static uint8_t decode_op(uint32_t w)
{
	static const uint8_t base[8] = {
		MCU_OP_ADD, MCU_OP_SLL, MCU_OP_SLT, MCU_OP_SLTU,
		MCU_OP_XOR, MCU_OP_SRL, MCU_OP_OR, MCU_OP_AND,
	};
	static const uint8_t muldiv[8] = {
		MCU_OP_MUL, MCU_OP_MULH, MCU_OP_MULHSU, MCU_OP_MULHU,
		MCU_OP_DIV, MCU_OP_DIVU, MCU_OP_REM, MCU_OP_REMU,
	};
	uint32_t funct3 = field(w, 12, 3);

	switch (field(w, 25, 7)) {
	case 0x00:
		return base[funct3];
	case 0x01:
		return muldiv[funct3];
	case 0x20:
		return funct3 == 0 ? MCU_OP_SUB : funct3 == 5 ? MCU_OP_SRA : MCU_OP_ILLEGAL;
	default:
		return MCU_OP_ILLEGAL;
	}
}

static uint8_t decode_amo(uint32_t w)
{
	if (field(w, 12, 3) != 2)
		return MCU_OP_ILLEGAL;
	switch (field(w, 27, 5)) {
	case 0x00:
		return MCU_OP_AMOADD;
	case 0x01:
		return MCU_OP_AMOSWAP;
	case 0x02:
		return field(w, 20, 5) ? MCU_OP_ILLEGAL : MCU_OP_LR;
	case 0x03:
		return MCU_OP_SC;
	case 0x04:
		return MCU_OP_AMOXOR;
	case 0x08:
		return MCU_OP_AMOOR;
	case 0x0c:
		return MCU_OP_AMOAND;
	case 0x10:
		return MCU_OP_AMOMIN;
	case 0x14:
		return MCU_OP_AMOMAX;
	case 0x18:
		return MCU_OP_AMOMINU;
	case 0x1c:
		return MCU_OP_AMOMAXU;
	default:
		return MCU_OP_ILLEGAL;
	}
}

static uint8_t decode_system(uint32_t w)
{
	static const uint8_t ops[8] = {
		MCU_OP_ILLEGAL, MCU_OP_CSRRW, MCU_OP_CSRRS, MCU_OP_CSRRC,
		MCU_OP_ILLEGAL, MCU_OP_CSRRWI, MCU_OP_CSRRSI, MCU_OP_CSRRCI,
	};

	switch (w) {
	case 0x00000073:
		return MCU_OP_ECALL;
	case 0x00100073:
		return MCU_OP_EBREAK;
	case 0x30200073:
		return MCU_OP_MRET;
	case 0x10500073:
		return MCU_OP_WFI;
	default:
		return ops[field(w, 12, 3)];
	}
}

static uint8_t decode_misc_mem(uint32_t w)
{
	switch (field(w, 12, 3)) {
	case 0:
		return MCU_OP_FENCE;	/* reserved fields too: the ISA wants them treated as fences */
	case 1:
		return MCU_OP_FENCE_I;
	default:
		return MCU_OP_ILLEGAL;
	}
}

/* Everything but the register fields, which sit in the same place in all formats. */
static void decode_by_opcode(uint32_t w, struct mcu_insn *in)
{
	in->imm = imm_i(w);
	switch (w & 0x7f) {
	case 0x37:
	case 0x17:
		in->op = (w & 0x20) ? MCU_OP_LUI : MCU_OP_AUIPC;
		in->imm = (int32_t)(w & 0xfffff000u);
		break;
	case 0x6f:
		in->op = MCU_OP_JAL;
		in->imm = imm_j(w);
		break;
	case 0x67:
		in->op = field(w, 12, 3) ? MCU_OP_ILLEGAL : MCU_OP_JALR;
		break;
	case 0x63:
		in->op = decode_branch(w);
		in->imm = imm_b(w);
		break;
	case 0x03:
		in->op = decode_load(w);
		break;
	case 0x23:
		in->op = decode_store(w);
		in->imm = imm_s(w);
		break;
	case 0x13:
		in->op = decode_op_imm(w);
		break;
	case 0x33:
		in->op = decode_op(w);
		break;
	case 0x2f:
		in->op = decode_amo(w);
		break;
	case 0x0f:
		in->op = decode_misc_mem(w);
		break;
	case 0x73:
		in->op = decode_system(w);
		in->imm = (int32_t)(w >> 20);
		break;
	default:
		in->op = MCU_OP_ILLEGAL;
		break;
	}
	if (in->op == MCU_OP_SLLI || in->op == MCU_OP_SRLI || in->op == MCU_OP_SRAI)
		in->imm &= 31;
}

void mcu_decode(uint32_t word, struct mcu_insn *insn)
{
	insn->rd = (uint8_t)field(word, 7, 5);
	insn->rs1 = (uint8_t)field(word, 15, 5);
	insn->rs2 = (uint8_t)field(word, 20, 5);
	insn->len = 4;
	decode_by_opcode(word, insn);
	if (!insn->rd)
		insn->rd = MCU_X_SINK;
}
