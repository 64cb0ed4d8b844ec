// SPDX-License-Identifier: MIT
/*
 * Zicsr, and the CSRs that belong to the hart itself.  Everything else is the callback's.
 */
#include "exec.h"

enum {
	CSR_FFLAGS = 0x001, CSR_FRM = 0x002, CSR_FCSR = 0x003,
	CSR_VSTART = 0x008, CSR_VXSAT = 0x009, CSR_VXRM = 0x00a, CSR_VCSR = 0x00f,
	CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02,
	CSR_VL = 0xc20, CSR_VTYPE = 0xc21, CSR_VLENB = 0xc22,
};

enum csr_owner { OWNER_NONE, OWNER_FP, OWNER_VECTOR, OWNER_COUNTER };

static enum csr_owner csr_owner(unsigned int csr)
{
	switch (csr) {
	case CSR_FFLAGS:
	case CSR_FRM:
	case CSR_FCSR:
		return OWNER_FP;
	case CSR_VSTART:
	case CSR_VXSAT:
	case CSR_VXRM:
	case CSR_VCSR:
	case CSR_VL:
	case CSR_VTYPE:
	case CSR_VLENB:
		return OWNER_VECTOR;
	case CSR_CYCLE:
	case CSR_TIME:
	case CSR_INSTRET:
		return OWNER_COUNTER;
	default:
		return OWNER_NONE;
	}
}

static bool time_is_modelled(const struct sim_hart_costs *c)
{
	return c && (c->scalar | c->branch_taken | c->load_use | c->divide | c->atomic |
		     c->vector_startup);
}

/* Without modelled time every instruction counts as a cycle, so that delay loops end. */
static uint64_t csr_cycle(const struct sim_hart *h)
{
	return time_is_modelled(h->costs) ? h->cycles16 / 16 : h->instret;
}

static uint64_t csr_get(const struct sim_hart *h, unsigned int csr)
{
	switch (csr) {
	case CSR_FFLAGS:
		return h->fflags;
	case CSR_FRM:
		return h->frm;
	case CSR_FCSR:
		return (uint64_t)h->frm << 5 | h->fflags;
	case CSR_VSTART:
		return h->vstart;
	case CSR_VXSAT:
		return h->vxsat;
	case CSR_VXRM:
		return h->vxrm;
	case CSR_VCSR:
		return (uint64_t)h->vxrm << 1 | h->vxsat;
	case CSR_VL:
		return h->vl;
	case CSR_VTYPE:
		return h->vtype;
	case CSR_VLENB:
		return h->vlenb;
	case CSR_INSTRET:
		return h->instret;
	default:
		return csr_cycle(h);
	}
}

static void csr_put(struct sim_hart *h, unsigned int csr, uint64_t v)
{
	switch (csr) {
	case CSR_FFLAGS:
		h->fflags = v & 31;
		break;
	case CSR_FRM:
		h->frm = v & 7;
		break;
	case CSR_FCSR:
		h->fflags = v & 31;
		h->frm = (v >> 5) & 7;
		break;
	case CSR_VSTART:
		h->vstart = (uint32_t)(v & (h->vlenb * 8ull - 1));
		break;
	case CSR_VXSAT:
		h->vxsat = v & 1;
		break;
	case CSR_VXRM:
		h->vxrm = v & 3;
		break;
	case CSR_VCSR:
		h->vxsat = v & 1;
		h->vxrm = (v >> 1) & 3;
		break;
	default:
		break;
	}
}

static bool csr_is_off(const struct sim_hart *h, unsigned int csr)
{
	switch (csr_owner(csr)) {
	case OWNER_FP:
		return h->fs_off;
	case OWNER_VECTOR:
		return h->vs_off;
	case OWNER_COUNTER:
		return (h->counters_off >> (csr & 3)) & 1;
	default:
		return false;
	}
}

/* One access; the read and the write of a read-modify-write are two. */
static enum sim_op_status csr_access(struct sim_hart *h, unsigned int csr, bool write, uint64_t set,
				     uint64_t *value)
{
	if (csr_owner(csr) == OWNER_NONE)
		return h->ops->csr ? h->ops->csr(h, csr, write, set, value) : SIM_OP_ILLEGAL;
	if (csr_is_off(h, csr))
		return SIM_OP_ILLEGAL;
	*value = csr_get(h, csr);
	if (write)
		csr_put(h, csr, set);
	return SIM_OP_OK;
}

enum sim_op_status sim_csr_execute(struct sim_hart *h, uint32_t word)
{
	unsigned int csr = word >> 20, funct3 = (word >> 12) & 7;
	unsigned int rd = (word >> 7) & 31, rs1 = (word >> 15) & 31;
	uint64_t operand = funct3 & 4 ? rs1 : h->x[rs1];
	bool swap = (funct3 & 3) == 1;
	bool write = swap || rs1;
	enum sim_op_status st = SIM_OP_OK;
	uint64_t old = 0, ignored;

	if (write && csr >> 10 == 3)
		return SIM_OP_ILLEGAL;
	if (!swap || rd)
		st = csr_access(h, csr, false, 0, &old);
	if (st == SIM_OP_OK && write) {
		uint64_t set = swap ? operand : (funct3 & 3) == 2 ? old | operand : old & ~operand;

		st = csr_access(h, csr, true, set, &ignored);
	}
	if (st == SIM_OP_OK || st == SIM_OP_DONE)
		h->x[rd] = old;
	return st;
}
