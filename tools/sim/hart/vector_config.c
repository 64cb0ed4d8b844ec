// SPDX-License-Identifier: MIT
/* vsetvli, vsetivli, vsetvl. */
#include "vector.h"

#define VTYPE_VILL	(1ull << 63)
#define VTYPE_DEFINED	0xffull
#define LMUL_RESERVED	4
#define ELEN_LOG2	3	/* log2 of the bytes of the widest element */

static bool vtype_supported(uint64_t vtype)
{
	unsigned int sew = vtype >> 3 & 7;
	int lmul = (int)((vtype & 7) ^ 4) - 4;

	if (vtype & ~VTYPE_DEFINED || (vtype & 7) == LMUL_RESERVED || sew > ELEN_LOG2)
		return false;
	return lmul >= 0 || (int)sew <= ELEN_LOG2 + lmul;
}

/* VLMAX of the current vtype, 0 while vill is set. */
static uint32_t current_vlmax(const struct sim_hart *hart)
{
	if (hart->vtype & VTYPE_VILL)
		return 0;
	return vec_vlmax(hart, hart->vtype >> 3 & 7, (int)((hart->vtype & 7) ^ 4) - 4);
}

/*
 * @keep: the rs1 = rd = x0 form, which keeps vl.  It is reserved when VLMAX would change; we set
 * vill then, as the specification recommends.
 */
static enum sim_op_status set_vl(struct sim_hart *hart, uint32_t insn, uint64_t vtype,
				 uint64_t avl, bool keep)
{
	uint32_t vlmax = 0;

	if (hart->vs_off)
		return SIM_OP_ILLEGAL;
	if (vtype_supported(vtype))
		vlmax = vec_vlmax(hart, vtype >> 3 & 7, (int)((vtype & 7) ^ 4) - 4);
	if (keep && vlmax != current_vlmax(hart))
		vlmax = 0;
	if (keep)
		avl = hart->vl;
	hart->vtype = vlmax ? vtype : VTYPE_VILL;
	hart->vl = (uint32_t)(avl < vlmax ? avl : vlmax);
	hart->vstart = 0;
	if (vec_vd(insn))
		hart->x[vec_vd(insn)] = hart->vl;
	hart->cycles16 += hart->costs->scalar;
	return SIM_OP_OK;
}

static enum sim_op_status set_vl_reg(struct sim_hart *hart, uint32_t insn, uint64_t vtype)
{
	unsigned int rs1 = vec_rs1(insn);

	return set_vl(hart, insn, vtype, rs1 ? hart->x[rs1] : UINT64_MAX, !rs1 && !vec_vd(insn));
}

enum sim_op_status vec_vsetvli(struct sim_hart *hart, uint32_t insn)
{
	return set_vl_reg(hart, insn, insn >> 20 & 0x7ff);
}

enum sim_op_status vec_vsetivli(struct sim_hart *hart, uint32_t insn)
{
	return set_vl(hart, insn, insn >> 20 & 0x3ff, vec_rs1(insn), false);
}

enum sim_op_status vec_vsetvl(struct sim_hart *hart, uint32_t insn)
{
	return set_vl_reg(hart, insn, hart->x[vec_rs2(insn)]);
}
