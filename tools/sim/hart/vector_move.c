// SPDX-License-Identifier: MIT
/* Moves between scalar registers and vectors, and of whole registers. */
#include "vector_apply.h"
#include "vector_mask.h"

static uint64_t first_element(struct sim_hart *hart, unsigned int reg, unsigned int sew)
{
	uint64_t v = 0;

	memcpy(&v, vec_reg(hart, reg), 1u << sew);
	return v;
}

/* VWXUNARY0: vmv.x.s, vcpop.m, vfirst.m; and vfmv.f.s, told apart by funct3 */
enum sim_op_status vec_scalar_out(struct sim_hart *hart, uint32_t insn)
{
	unsigned int rd = vec_vd(insn), shift;
	struct vec_state s;
	uint64_t v;

	if (!vec_begin(hart, &s))
		return SIM_OP_ILLEGAL;
	switch (vec_rs1(insn)) {
	case VEC_CODE_VMV_X_S:
		if (!vec_unmasked(insn))
			return SIM_OP_ILLEGAL;
		shift = 64 - (8u << s.sew);
		v = (uint64_t)((int64_t)(first_element(hart, vec_rs2(insn), s.sew) << shift) >>
			       shift);
		vec_cost(hart, 0, 1);
		break;
	case VEC_CODE_VCPOP:
		if (!vec_mask_count(hart, insn, &s, &v))
			return SIM_OP_ILLEGAL;
		vec_cost(hart, s.n, 1);
		break;
	case VEC_CODE_VFIRST:
		if (!vec_mask_first(hart, insn, &s, &v))
			return SIM_OP_ILLEGAL;
		vec_cost(hart, s.n, 1);
		break;
	default:
		return SIM_OP_ILLEGAL;
	}
	if (rd)
		hart->x[rd] = v;
	return vec_done(hart);
}

/* vmv.s.x: element 0, unless vstart is past vl */
enum sim_op_status vec_scalar_in(struct sim_hart *hart, uint32_t insn)
{
	struct vec_state s;

	if (!vec_begin(hart, &s) || !vec_unmasked(insn) || vec_rs2(insn))
		return SIM_OP_ILLEGAL;
	if (s.start < s.n)
		memcpy(vec_reg(hart, vec_vd(insn)), &hart->x[vec_rs1(insn)], 1u << s.sew);
	vec_cost(hart, 0, 1);
	return vec_done(hart);
}

/* vmv1r, vmv2r, vmv4r, vmv8r: vl does not matter, vtype gives vstart's unit */
enum sim_op_status vec_move_whole(struct sim_hart *hart, uint32_t insn)
{
	unsigned int regs = vec_rs1(insn) + 1, vd = vec_vd(insn), vs2 = vec_rs2(insn);
	struct vec_state s;
	size_t bytes, from;

	if (!vec_begin(hart, &s) || !vec_unmasked(insn) || regs > 8 || regs & (regs - 1) ||
	    !vec_aligned(vd | vs2, regs))
		return SIM_OP_ILLEGAL;
	bytes = (size_t)regs * hart->vlenb;
	from = (size_t)s.start << s.sew;
	if (from < bytes)
		memmove(vec_reg(hart, vd) + from, vec_reg(hart, vs2) + from, bytes - from);
	vec_cost(hart, bytes * 8, 1);
	return vec_done(hart);
}
