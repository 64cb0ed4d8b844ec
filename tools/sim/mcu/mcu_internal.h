/* SPDX-License-Identifier: MIT */
/*
 * Inside of the management core: decoded instructions, the instruction cache and the one place
 * that turns the program's addresses into host pointers.
 */
#ifndef GAON_SIM_MCU_INTERNAL_H
#define GAON_SIM_MCU_INTERNAL_H

#include <string.h>

#include "mcu.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "memory of the core is accessed in the host's byte order, which must be little endian"
#endif

/* One row per operation after compressed forms are expanded. */
#define MCU_OPS(X) \
	X(LUI) X(AUIPC) X(JAL) X(JALR) \
	X(BEQ) X(BNE) X(BLT) X(BGE) X(BLTU) X(BGEU) \
	X(LB) X(LH) X(LW) X(LBU) X(LHU) X(SB) X(SH) X(SW) \
	X(ADDI) X(SLTI) X(SLTIU) X(XORI) X(ORI) X(ANDI) X(SLLI) X(SRLI) X(SRAI) \
	X(ADD) X(SUB) X(SLL) X(SLT) X(SLTU) X(XOR) X(SRL) X(SRA) X(OR) X(AND) \
	X(MUL) X(MULH) X(MULHSU) X(MULHU) X(DIV) X(DIVU) X(REM) X(REMU) \
	X(LR) X(SC) X(AMOSWAP) X(AMOADD) X(AMOXOR) X(AMOAND) X(AMOOR) \
	X(AMOMIN) X(AMOMAX) X(AMOMINU) X(AMOMAXU) \
	X(FENCE) X(FENCE_I) X(ECALL) X(EBREAK) X(MRET) X(WFI) \
	X(CSRRW) X(CSRRS) X(CSRRC) X(CSRRWI) X(CSRRSI) X(CSRRCI) \
	X(ILLEGAL)

enum mcu_op {
	MCU_OP_EMPTY,			/* not decoded yet */
#define MCU_OP_NAME(name) MCU_OP_##name,
	MCU_OPS(MCU_OP_NAME)
#undef MCU_OP_NAME
};

/* Results for x0 go to a register that nothing reads. */
#define MCU_X_SINK		32

struct mcu_insn {
	uint8_t op;			/* enum mcu_op */
	uint8_t rd, rs1, rs2;		/* rs1 is the immediate of CSRR*I */
	int32_t imm;			/* CSR number for CSRR* */
	uint8_t len;			/* 2 or 4 */
};

struct mcu_page {
	struct mcu_insn insn[SIM_MCU_PAGE / 2];
};

struct mcu_region {
	uint32_t base, size;
	uint8_t *data;
	struct mcu_page **pages;	/* decoded, by page; NULL until executed */
};

struct sim_mcu {
	uint32_t x[33];
	uint32_t pc;
	uint32_t mstatus, mie, mip, mtvec, mscratch, mepc, mcause, mtval;
	uint64_t retired;		/* instructions since creation; never written by the program */
	uint64_t cycle_offset, instret_offset;	/* CSR value minus retired */
	uint64_t trapped_at;		/* retired at the last exception, ~0 none */
	uint32_t lr_addr;
	bool lr_valid;
	bool waiting;
	bool locked_up;
	bool stop;
	bool flush;			/* drop decoded instructions at the next boundary */
	bool bare;			/* CSRs of sim_mcu_set_bare() too; survives reset */
	bool attention;			/* one of the above or an interrupt must be looked at */
	struct mcu_region regions[SIM_MCU_REGIONS];
	unsigned int region_count;
	struct sim_mcu_ops ops;
	void *ctx;
};

/* decode.c */
void mcu_decode(uint32_t word, struct mcu_insn *insn);
/* compressed.c: the 32-bit instruction that a 16-bit one stands for, or 0 (which is illegal). */
uint32_t mcu_expand(uint16_t half);

/* csr.c */
bool mcu_csr_read(const struct sim_mcu *mcu, uint32_t csr, uint32_t *value);
bool mcu_csr_write(struct sim_mcu *mcu, uint32_t csr, uint32_t value);
/* Takes an exception at mcu->pc, or locks the core up. */
void mcu_exception(struct sim_mcu *mcu, uint32_t cause, uint32_t tval);
/* Takes the most urgent enabled interrupt, if any. */
void mcu_take_interrupt(struct sim_mcu *mcu);
void mcu_return(struct sim_mcu *mcu);

/* bus.c */
bool mcu_load_slow(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t *value);
bool mcu_store_slow(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t value);
/* The decoded page that holds @pc, or NULL when nothing executable is there. */
struct mcu_page *mcu_find_page(struct sim_mcu *mcu, uint32_t pc);
/* Fetches and decodes the instruction at @pc; false with *@bad the address that failed. */
bool mcu_fetch(struct sim_mcu *mcu, uint32_t pc, struct mcu_insn *insn, uint32_t *bad);
void mcu_drop_pages(struct sim_mcu *mcu);

/* system.c: everything but plain arithmetic, branches, loads and stores; moves pc itself. */
void mcu_execute_system(struct sim_mcu *mcu, const struct mcu_insn *in);
/* exec.c: runs until the budget is used up or attention is wanted; returns what is left. */
uint64_t mcu_execute(struct sim_mcu *mcu, uint64_t budget);

/* Host address of [@addr, @addr + @len) if it lies in memory; @len at most SIM_MCU_PAGE. */
static inline uint8_t *mcu_memory(const struct sim_mcu *mcu, uint32_t addr, uint32_t len)
{
	for (unsigned int i = 0; i < mcu->region_count; i++) {
		const struct mcu_region *r = &mcu->regions[i];

		if (addr - r->base <= r->size - len)
			return r->data + (addr - r->base);
	}
	return NULL;
}

static inline bool mcu_load(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t *value)
{
	const uint8_t *p = mcu_memory(mcu, addr, len);

	if (!p)
		return mcu_load_slow(mcu, addr, len, value);
	*value = 0;
	memcpy(value, p, len);
	return true;
}

static inline bool mcu_store(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t value)
{
	uint8_t *p = mcu_memory(mcu, addr, len);

	if (!p)
		return mcu_store_slow(mcu, addr, len, value);
	memcpy(p, &value, len);
	return true;
}

#endif
