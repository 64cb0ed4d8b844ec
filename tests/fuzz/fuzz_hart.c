// SPDX-License-Identifier: MIT
/*
 * libFuzzer target: an arbitrary code page, registers and vector state on a hart.  Whatever the
 * program is, it must end in one of the documented ways, and touch nothing but its own pages.  A
 * second hart compiles vector instructions at once, and must do the same.
 */
#include <stdlib.h>
#include <string.h>

#include "hart/hart.h"

#define PAGES	8	/* 0 code, 1 read-only, 2 device, 3 no atomics, others plain; 7 is missing */
#define BUDGET	2000

struct input {
	uint8_t vlen, flags, frm, vxrm;
	uint32_t vl;
	uint64_t vtype;
	uint64_t x[31];
	uint64_t f[8];
};

#define HARTS	2	/* interpreted, compiled */

static uint8_t ram[HARTS][PAGES * 4096] __attribute__((aligned(4096)));

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	uint64_t page = va / 4096;

	hart->fault.cause = SIM_CAUSE_LOAD_PAGE;
	hart->fault.syndrome = 0;
	if (va % 4096)
		abort();
	if (page >= PAGES - 1)
		return NULL;
	if (page == 1 && access != SIM_ACCESS_LOAD && access != SIM_ACCESS_FETCH)
		return NULL;
	if (page == 3 && access == SIM_ACCESS_AMO)
		return NULL;
	if (page == 2 && access != SIM_ACCESS_FETCH) {
		hart->fault.cause = SIM_CAUSE_CUSTOM;
		hart->fault.syndrome = SIM_MMIO;
		return NULL;
	}
	return (uint8_t *)hart->ctx + va;
}

static enum sim_op_status mmio(struct sim_hart *hart, uint64_t va, unsigned int len, bool write,
			       uint64_t *value)
{
	(void)hart;
	if (va / 4096 != 2 || va % len)
		abort();
	if (!write)
		*value = va;
	return SIM_OP_OK;
}

/* Flushes in the middle of a run are allowed here. */
static enum sim_op_status custom(struct sim_hart *hart, uint32_t insn)
{
	switch (insn >> 12 & 7) {
	case 0:
		sim_hart_flush_tlb(hart);
		return SIM_OP_OK;
	case 1:
		sim_hart_flush_page(hart, hart->pc);
		return SIM_OP_OK;
	case 2:
		hart->pc = hart->x[insn >> 15 & 31];
		return SIM_OP_OK;
	case 3:
		return SIM_OP_STALL;
	default:
		return SIM_OP_ILLEGAL;
	}
}

static enum sim_op_status csr(struct sim_hart *hart, unsigned int number, bool write, uint64_t set,
			      uint64_t *value)
{
	(void)hart;
	(void)write;
	(void)set;
	*value = number;
	return number & 1 ? SIM_OP_OK : SIM_OP_ILLEGAL;
}

static const struct sim_hart_ops ops = {
	.translate = translate, .mmio = mmio, .custom = custom, .csr = csr,
};

static const struct sim_hart_costs costs = {
	.scalar = 16, .branch_taken = 16, .load_use = 32, .divide = UINT32_MAX, .atomic = 5,
	.dlen = 4096, .vector_startup = 7, .vmem_bytes = 64,
};

/*
 * A vtype that vsetvli could have left, and any vl: state that was restored is not trusted.  Without
 * these nearly every vector instruction is illegal.
 */
static void load_vector_state(struct sim_hart *hart, const struct input *in)
{
	unsigned int sew = in->vtype >> 3 & 3;
	int lmul = (int)((in->vtype & 7) ^ 4) - 4;

	if (lmul < (int)sew - 3)
		lmul = (int)sew - 3;
	hart->vtype = (in->vtype & 0xc0) | sew << 3 | ((unsigned int)lmul & 7);
	hart->vl = lmul >= 0 ? hart->vlenb << lmul >> sew : hart->vlenb >> -lmul >> sew;
	hart->vl = in->vl >> 31 ? in->vl & 0xffff : in->vl % (hart->vl + 1);
	memcpy(hart->v, in->x, sizeof(in->x) < 16ull * hart->vlenb ? sizeof(in->x) : 16ull * hart->vlenb);
	for (unsigned int i = 8; i < 16; i++)
		memcpy(hart->v + (size_t)i * hart->vlenb, in->f, 16);
}

/* Make most of the first words vector instructions, which random bits seldom are. */
static void prefer_vector(uint8_t *code)
{
	static const uint8_t major[8] = { 0x57, 0x57, 0x57, 0x57, 0x07, 0x27, 0x13, 0x07 };

	for (unsigned int i = 0; i < 64; i++)
		code[4 * i] = (uint8_t)((code[4 * i] & 0x80) | major[code[4 * i] & 7]);
}

static void load_state(struct sim_hart *hart, const struct input *in)
{
	sim_hart_reset(hart);
	memcpy(hart->x + 1, in->x, sizeof(in->x));
	memcpy(hart->f, in->f, sizeof(in->f));
	/* Most register values would only fault: keep every other one in reach. */
	for (unsigned int i = 2; i < 32; i += 2)
		hart->x[i] %= PAGES * 4096;
	hart->frm = in->frm & 7;
	hart->vxrm = in->vxrm & 3;
	hart->fs_off = in->flags & 1 && in->flags & 2;
	hart->vs_off = in->flags & 4 && in->flags & 8;
	hart->counters_off = in->flags >> 5;
	if (in->frm & 16)
		load_vector_state(hart, in);
	hart->exit_pc = in->flags & 16 ? in->x[0] % 4096 & ~1ull : UINT64_MAX;
}

static void run(struct sim_hart *hart, int i, enum sim_exit *why)
{
	uint64_t before = hart->instret;

	*why = i < 3 ? sim_hart_run(hart, BUDGET) : sim_hart_step(hart);
	/* A straight line is shorter than a page's halfwords. */
	if (hart->instret - before > BUDGET + 2048 || hart->x[0] || hart->vl > 65536 ||
	    (*why == SIM_EXIT_FAULT && hart->fault.pc != hart->pc))
		abort();
	if (*why == SIM_EXIT_FAULT || *why == SIM_EXIT_STALL)
		hart->pc += 4;
}

/* Everything that a program can see. */
static void compare(const struct sim_hart *a, const struct sim_hart *b)
{
	if (memcmp(a->x, b->x, sizeof(a->x)) || memcmp(a->f, b->f, sizeof(a->f)) ||
	    memcmp(a->v, b->v, 32ull * a->vlenb) || memcmp(ram[0], ram[1], sizeof(ram[0])) ||
	    a->pc != b->pc || a->vl != b->vl || a->vtype != b->vtype || a->vstart != b->vstart ||
	    a->fflags != b->fflags || a->frm != b->frm || a->vxsat != b->vxsat ||
	    a->instret != b->instret || a->cycles16 != b->cycles16)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int vlens[] = { 128, 256, 1024, 4096 };
	struct sim_hart *hart[HARTS];
	struct input in = { 0 };

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	data += size < sizeof(in) ? size : sizeof(in);
	size -= size < sizeof(in) ? size : sizeof(in);
	for (int i = 0; i < HARTS; i++) {
		memset(ram[i], 0, sizeof(ram[i]));
		memcpy(ram[i], data, size < sizeof(ram[i]) ? size : sizeof(ram[i]));
		if (in.frm & 32)
			prefer_vector(ram[i]);
		hart[i] = sim_hart_create(vlens[in.vlen % 4], &ops, ram[i], &costs);
		if (!hart[i])
			abort();
		load_state(hart[i], &in);
	}
	sim_hart_compile(hart[1], 1);
	for (int i = 0; i < 4; i++) {
		enum sim_exit why[HARTS];

		for (int k = 0; k < HARTS; k++)
			run(hart[k], i, &why[k]);
		if (why[0] != why[1])
			abort();
		compare(hart[0], hart[1]);
	}
	for (int i = 0; i < HARTS; i++)
		sim_hart_destroy(hart[i]);
	return 0;
}
