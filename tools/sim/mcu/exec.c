// SPDX-License-Identifier: MIT
/* The interpreter's loop: arithmetic, branches, loads and stores. */
#include "mcu_internal.h"

static uint32_t divide(uint32_t a, uint32_t b)
{
	if (!b)
		return UINT32_MAX;
	if (a == 0x80000000u && b == UINT32_MAX)
		return a;
	return (uint32_t)((int32_t)a / (int32_t)b);
}

static uint32_t remainder_of(uint32_t a, uint32_t b)
{
	if (!b)
		return a;
	if (a == 0x80000000u && b == UINT32_MAX)
		return 0;
	return (uint32_t)((int32_t)a % (int32_t)b);
}

static uint32_t multiply_high(int64_t a, int64_t b)
{
	return (uint32_t)((uint64_t)(a * b) >> 32);
}

static inline uint32_t compute(const struct mcu_insn *in, uint32_t a, uint32_t b, uint32_t pc)
{
	uint32_t imm = (uint32_t)in->imm;

	switch (in->op) {
	case MCU_OP_LUI:	return imm;
	case MCU_OP_AUIPC:	return pc + imm;
	case MCU_OP_ADDI:	return a + imm;
	case MCU_OP_SLTI:	return (int32_t)a < (int32_t)imm;
	case MCU_OP_SLTIU:	return a < imm;
	case MCU_OP_XORI:	return a ^ imm;
	case MCU_OP_ORI:	return a | imm;
	case MCU_OP_ANDI:	return a & imm;
	case MCU_OP_SLLI:	return a << imm;
	case MCU_OP_SRLI:	return a >> imm;
	case MCU_OP_SRAI:	return (uint32_t)((int32_t)a >> imm);
	case MCU_OP_ADD:	return a + b;
	case MCU_OP_SUB:	return a - b;
	case MCU_OP_SLL:	return a << (b & 31);
	case MCU_OP_SLT:	return (int32_t)a < (int32_t)b;
	case MCU_OP_SLTU:	return a < b;
	case MCU_OP_XOR:	return a ^ b;
	case MCU_OP_SRL:	return a >> (b & 31);
	case MCU_OP_SRA:	return (uint32_t)((int32_t)a >> (b & 31));
	case MCU_OP_OR:		return a | b;
	case MCU_OP_AND:	return a & b;
	case MCU_OP_MUL:	return a * b;
	case MCU_OP_MULH:	return multiply_high((int32_t)a, (int32_t)b);
	case MCU_OP_MULHSU:	return multiply_high((int32_t)a, (int64_t)b);
	case MCU_OP_MULHU:	return (uint32_t)(((uint64_t)a * b) >> 32);
	case MCU_OP_DIV:	return divide(a, b);
	case MCU_OP_DIVU:	return b ? a / b : UINT32_MAX;
	case MCU_OP_REM:	return remainder_of(a, b);
	default:		return b ? a % b : a;	/* REMU */
	}
}

static inline bool branch_taken(uint8_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case MCU_OP_BEQ:	return a == b;
	case MCU_OP_BNE:	return a != b;
	case MCU_OP_BLT:	return (int32_t)a < (int32_t)b;
	case MCU_OP_BGE:	return (int32_t)a >= (int32_t)b;
	case MCU_OP_BLTU:	return a < b;
	default:		return a >= b;
	}
}

static inline bool execute_load(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	static const uint8_t lengths[] = { 1, 2, 4, 1, 2 };
	uint32_t addr = mcu->x[in->rs1] + (uint32_t)in->imm;
	uint32_t value;

	if (!mcu_load(mcu, addr, lengths[in->op - MCU_OP_LB], &value)) {
		mcu_exception(mcu, SIM_MCU_LOAD_ACCESS, addr);
		return false;
	}
	if (in->op == MCU_OP_LB)
		value = (uint32_t)(int8_t)value;
	else if (in->op == MCU_OP_LH)
		value = (uint32_t)(int16_t)value;
	mcu->x[in->rd] = value;
	return true;
}

static inline bool execute_store(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	uint32_t addr = mcu->x[in->rs1] + (uint32_t)in->imm;

	if (mcu_store(mcu, addr, 1u << (in->op - MCU_OP_SB), mcu->x[in->rs2]))
		return true;
	mcu_exception(mcu, SIM_MCU_STORE_ACCESS, addr);
	return false;
}

/* One instruction; pc and the retired count move unless it traps. */
static inline void execute_one(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	uint32_t *x = mcu->x;
	uint32_t pc = mcu->pc;
	uint32_t next = pc + in->len;

	switch (in->op) {
	case MCU_OP_LUI ... MCU_OP_AUIPC:
	case MCU_OP_ADDI ... MCU_OP_REMU:
		x[in->rd] = compute(in, x[in->rs1], x[in->rs2], pc);
		break;
	case MCU_OP_JAL:
		x[in->rd] = next;
		next = pc + (uint32_t)in->imm;
		break;
	case MCU_OP_JALR:
		pc = x[in->rs1] + (uint32_t)in->imm;
		x[in->rd] = next;
		next = pc & ~1u;
		break;
	case MCU_OP_BEQ ... MCU_OP_BGEU:
		if (branch_taken(in->op, x[in->rs1], x[in->rs2]))
			next = pc + (uint32_t)in->imm;
		break;
	case MCU_OP_LB ... MCU_OP_LHU:
		if (!execute_load(mcu, in))
			return;
		break;
	case MCU_OP_SB ... MCU_OP_SW:
		if (!execute_store(mcu, in))
			return;
		break;
	default:
		mcu_execute_system(mcu, in);
		return;
	}
	mcu->pc = next;
	mcu->retired++;
}

/* The decoded instruction at pc: in the cache, or in @scratch; NULL after a fetch fault. */
static const struct mcu_insn *lookup(struct sim_mcu *mcu, struct mcu_page *page,
				     struct mcu_insn *scratch)
{
	struct mcu_insn *in = page ? &page->insn[(mcu->pc % SIM_MCU_PAGE) / 2] : scratch;
	uint32_t bad;

	if (page && in->op != MCU_OP_EMPTY)
		return in;
	if (mcu_fetch(mcu, mcu->pc, in, &bad))
		return in;
	mcu_exception(mcu, SIM_MCU_FETCH_ACCESS, bad);
	return NULL;
}

uint64_t mcu_execute(struct sim_mcu *mcu, uint64_t budget)
{
	struct mcu_page *page = NULL;
	struct mcu_insn scratch;
	uint32_t page_number = 0;

	while (budget && !mcu->attention) {
		const struct mcu_insn *in;

		if (!page || mcu->pc / SIM_MCU_PAGE != page_number) {
			page = mcu_find_page(mcu, mcu->pc);
			page_number = mcu->pc / SIM_MCU_PAGE;
		}
		in = lookup(mcu, page, &scratch);
		if (in)
			execute_one(mcu, in);
		budget--;
	}
	return budget;
}
