// SPDX-License-Identifier: MIT
/* Atomics, CSR instructions, traps on purpose, fences and wfi. */
#include "mcu_internal.h"

static void retire(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	mcu->pc += in->len;
	mcu->retired++;
}

/* mtval of an illegal instruction is its bits. */
static void raise_illegal(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	const uint8_t *low = mcu_memory(mcu, mcu->pc, 2);
	const uint8_t *high = mcu_memory(mcu, mcu->pc + 2, 2);
	uint32_t word = 0;

	if (low)
		memcpy(&word, low, 2);
	if (in->len == 4 && high)
		memcpy((uint8_t *)&word + 2, high, 2);
	mcu_exception(mcu, SIM_MCU_ILLEGAL, word);
}

static void execute_csr(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	bool immediate = in->op >= MCU_OP_CSRRWI;
	uint8_t kind = immediate ? in->op - MCU_OP_CSRRWI + MCU_OP_CSRRW : in->op;
	uint32_t operand = immediate ? in->rs1 : mcu->x[in->rs1];
	uint32_t csr = (uint32_t)in->imm;
	/* csrrs and csrrc with x0 or 0 only read, and so do not fault on read-only CSRs. */
	bool write = kind == MCU_OP_CSRRW || in->rs1;
	uint32_t old, value;

	if (!mcu_csr_read(mcu, csr, &old) || (write && csr >> 10 == 3)) {
		raise_illegal(mcu, in);
		return;
	}
	value = kind == MCU_OP_CSRRW ? operand :
		kind == MCU_OP_CSRRS ? old | operand : old & ~operand;
	if (write && !mcu_csr_write(mcu, csr, value)) {
		raise_illegal(mcu, in);
		return;
	}
	mcu->x[in->rd] = old;
	retire(mcu, in);
}

static uint32_t amo_result(uint8_t op, uint32_t memory, uint32_t reg)
{
	switch (op) {
	case MCU_OP_AMOADD:
		return memory + reg;
	case MCU_OP_AMOXOR:
		return memory ^ reg;
	case MCU_OP_AMOAND:
		return memory & reg;
	case MCU_OP_AMOOR:
		return memory | reg;
	case MCU_OP_AMOMIN:
		return (int32_t)memory < (int32_t)reg ? memory : reg;
	case MCU_OP_AMOMAX:
		return (int32_t)memory > (int32_t)reg ? memory : reg;
	case MCU_OP_AMOMINU:
		return memory < reg ? memory : reg;
	case MCU_OP_AMOMAXU:
		return memory > reg ? memory : reg;
	default:
		return reg;
	}
}

/* Atomics work on memory only, and only when aligned. */
static void execute_atomic(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	uint32_t addr = mcu->x[in->rs1];
	uint32_t operand = mcu->x[in->rs2];
	bool load = in->op == MCU_OP_LR;
	uint8_t *p = mcu_memory(mcu, addr, 4);
	uint32_t old = 0;

	if (addr & 3) {
		mcu_exception(mcu, load ? SIM_MCU_LOAD_MISALIGNED : SIM_MCU_STORE_MISALIGNED, addr);
		return;
	}
	if (!p) {
		mcu_exception(mcu, load ? SIM_MCU_LOAD_ACCESS : SIM_MCU_STORE_ACCESS, addr);
		return;
	}
	if (in->op == MCU_OP_SC) {
		old = !(mcu->lr_valid && mcu->lr_addr == addr);
		if (!old)
			memcpy(p, &operand, 4);
		mcu->lr_valid = false;
	} else {
		memcpy(&old, p, 4);
		operand = amo_result(in->op, old, operand);
		if (load) {
			mcu->lr_valid = true;
			mcu->lr_addr = addr;
		} else {
			memcpy(p, &operand, 4);
		}
	}
	mcu->x[in->rd] = old;
	retire(mcu, in);
}

void mcu_execute_system(struct sim_mcu *mcu, const struct mcu_insn *in)
{
	switch (in->op) {
	case MCU_OP_FENCE_I:
		mcu->flush = true;
		mcu->attention = true;
		retire(mcu, in);
		break;
	case MCU_OP_FENCE:
		retire(mcu, in);
		break;
	case MCU_OP_ECALL:
		mcu_exception(mcu, SIM_MCU_ECALL, 0);
		break;
	case MCU_OP_EBREAK:
		mcu_exception(mcu, SIM_MCU_BREAK, mcu->pc);
		break;
	case MCU_OP_MRET:
		mcu->retired++;
		mcu_return(mcu);
		break;
	case MCU_OP_WFI:
		mcu->waiting = true;
		mcu->attention = true;
		retire(mcu, in);
		break;
	case MCU_OP_CSRRW ... MCU_OP_CSRRCI:
		execute_csr(mcu, in);
		break;
	case MCU_OP_LR ... MCU_OP_AMOMAXU:
		execute_atomic(mcu, in);
		break;
	default:
		raise_illegal(mcu, in);
		break;
	}
}
