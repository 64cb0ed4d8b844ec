// SPDX-License-Identifier: MIT
#include "hart_test.h"

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	static const uint32_t cause[] = { SIM_CAUSE_FETCH_PAGE, SIM_CAUSE_LOAD_PAGE,
					  SIM_CAUSE_STORE_PAGE, SIM_CAUSE_STORE_ACCESS };
	struct world *w = hart->ctx;
	const uint32_t no[] = { w->no_fetch, w->no_load, w->no_store, w->no_amo };
	uint64_t page = va / 4096;

	w->walks++;
	ck_assert_uint_eq(va % 4096, 0);
	hart->fault.syndrome = 0;
	hart->fault.cause = cause[access];
	if (page >= RAM_PAGES || (no[access] >> page) & 1)
		return NULL;
	if ((w->mmio >> page) & 1) {
		hart->fault.cause = SIM_CAUSE_CUSTOM;
		hart->fault.syndrome = SIM_MMIO;
		return NULL;
	}
	return w->ram + va;
}

static enum sim_op_status mmio(struct sim_hart *hart, uint64_t va, unsigned int len, bool write,
			       uint64_t *value)
{
	struct world *w = hart->ctx;

	if (!write)
		*value = va * 256 + len;
	else
		memcpy(w->ram, value, 8);
	return w->answer;
}

static enum sim_op_status custom(struct sim_hart *hart, uint32_t insn)
{
	struct world *w = hart->ctx;

	w->customs++;
	if (w->answer == SIM_OP_FAULT) {
		hart->fault = (struct sim_fault){ .cause = SIM_CAUSE_CUSTOM, .syndrome = 77,
						  .tval = insn };
		return SIM_OP_FAULT;
	}
	if (w->answer == SIM_OP_OK || w->answer == SIM_OP_DONE) {
		hart->x[0] = 99;	/* the hart keeps x0 zero whatever a callback does */
		hart->x[10] = hart->instret;
		hart->x[11] = hart->cycles16;
	}
	return w->answer;
}

static enum sim_op_status csr(struct sim_hart *hart, unsigned int number, bool write, uint64_t set,
			      uint64_t *value)
{
	struct world *w = hart->ctx;

	if (number != 0x800 && number != 0xcc0)
		return SIM_OP_ILLEGAL;
	memcpy(value, w->ram + 8, 8);
	if (write)
		memcpy(w->ram + 8, &set, 8);
	return SIM_OP_OK;
}

static enum sim_op_status ecall(struct sim_hart *hart)
{
	return ((struct world *)hart->ctx)->answer;
}

static bool trap(struct sim_hart *hart)
{
	struct world *w = hart->ctx;

	w->traps++;
	if (w->handle_traps)
		hart->pc = hart->fault.pc + 4;
	return w->handle_traps;
}

static const struct sim_hart_ops ops = {
	.translate = translate, .mmio = mmio, .custom = custom, .csr = csr, .ecall = ecall,
	.trap = trap,
};

struct world *world_create(const struct sim_hart_costs *costs)
{
	struct world *w = calloc(1, sizeof(*w));

	ck_assert_ptr_nonnull(w);
	w->hart = sim_hart_create(128, &ops, w, costs);
	ck_assert_ptr_nonnull(w->hart);
	w->hart->exit_pc = EXIT_PC;
	w->hart->x[1] = EXIT_PC;
	return w;
}

void world_destroy(struct world *w)
{
	sim_hart_destroy(w->hart);
	free(w);
}

void world_code(struct world *w, uint64_t at, const uint32_t *words, size_t count)
{
	memcpy(w->ram + at, words, count * 4);
	w->hart->pc = at;
}

uint32_t i_type(uint32_t base, unsigned int rd, unsigned int rs1, int32_t imm)
{
	return base | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

uint32_t r_type(uint32_t base, unsigned int rd, unsigned int rs1, unsigned int rs2)
{
	return base | rd << 7 | rs1 << 15 | rs2 << 20;
}

uint32_t s_type(uint32_t base, unsigned int rs1, unsigned int rs2, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return base | (u & 31) << 7 | rs1 << 15 | rs2 << 20 | (u >> 5 & 0x7f) << 25;
}

uint32_t b_type(uint32_t base, unsigned int rs1, unsigned int rs2, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return base | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | rs1 << 15 | rs2 << 20 |
	       (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}

uint32_t j_type(unsigned int rd, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return 0x6fu | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
	       (u >> 20 & 1) << 31;
}
