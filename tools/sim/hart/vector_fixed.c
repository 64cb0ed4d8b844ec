// SPDX-License-Identifier: MIT
/* Fixed point of one width: saturating and averaging sums, vsmul, scaling shifts. */
#include "vector_apply.h"

enum sim_op_status vec_fixed(struct sim_hart *hart, uint32_t insn)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn), vs1 = vec_rs1(insn);
	unsigned int form = vec_funct3(insn), op = vec_entry_of(insn)->op;
	bool vv = form == VEC_OPIVV || form == VEC_OPMVV;
	bool shift = op == VEC_SSRL || op == VEC_SSRA;
	struct vec_state s;
	uint64_t x;

	if (!vec_begin(hart, &s) || !vec_aligned(vd | vs2, s.regs) ||
	    !vec_dest_ok(insn) || !vec_source_ok(insn, vs2) ||
	    (vv && (!vec_aligned(vs1, s.regs) || !vec_source_ok(insn, vs1))))
		return SIM_OP_ILLEGAL;
	x = form == VEC_OPIVI && shift ? vs1 : vec_scalar(hart, insn, form == VEC_OPIVI);
	if (vec_call(hart, insn, &s, &(struct vec_call) {
		.k = &vec_kint->fixed[op], .row = s.sew,
		.d = vec_reg(hart, vd), .a = vec_reg(hart, vs2),
		.b = vv ? vec_reg(hart, vs1) : NULL, .x = x,
		.d_sew = s.sew, .a_sew = s.sew, .b_sew = s.sew, .rm = hart->vxrm,
		.safe = VEC_SAFE_ZERO,
	    }, true))
		hart->vxsat = 1;
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}
