// SPDX-License-Identifier: MIT
/* Integer instructions whose operands differ in width: widening, widening multiply-add, narrowing. */
#include "vector_wide.h"

static void wide_call(struct sim_hart *hart, uint32_t insn, const struct vec_wide *w,
		      const struct vec_kpair *kernels, unsigned int a_sew, bool reads_d,
		      bool in_place)
{
	vec_call(hart, insn, &w->s, &(struct vec_call) {
		.k = &kernels[w->op], .row = w->s.sew,
		.d = vec_reg(hart, w->vd), .a = vec_reg(hart, w->vs2),
		.b = w->vv ? vec_reg(hart, w->vs1) : NULL, .x = hart->x[w->vs1],
		.d_sew = w->s.sew + 1, .a_sew = a_sew, .b_sew = w->s.sew, .reads_d = reads_d,
	}, in_place);
	vec_cost_elems(hart, &w->s, w->s.sew + 1, 1);
}

/* vwadd.vv, vwmul.vv, ...: wide = narrow op narrow */
enum sim_op_status vec_widen(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;

	if (!vec_wide_begin(hart, insn, &w) || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_wide_source_ok(&w, w.vs2) || (w.vv && !vec_wide_source_ok(&w, w.vs1)))
		return SIM_OP_ILLEGAL;
	wide_call(hart, insn, &w, vec_kint->wide, w.s.sew, false,
		  vec_wide_apart(&w, w.vd, w.vs2) && (!w.vv || vec_wide_apart(&w, w.vd, w.vs1)));
	return vec_done(hart);
}

/* vwadd.wv, ...: wide = wide op narrow */
enum sim_op_status vec_widen_w(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;

	if (!vec_wide_begin(hart, insn, &w) || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_aligned(w.vs2, w.wide_regs) ||
	    (w.vv && (!vec_wide_source_ok(&w, w.vs1) || !vec_wide_apart(&w, w.vs2, w.vs1))))
		return SIM_OP_ILLEGAL;
	wide_call(hart, insn, &w, vec_kint->widew, w.s.sew + 1, false,
		  !w.vv || vec_wide_apart(&w, w.vd, w.vs1));
	return vec_done(hart);
}

/* vwmacc: vd is also a wide source, so the narrow ones must not overlap it */
enum sim_op_status vec_widen_macc(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;

	if (!vec_wide_begin(hart, insn, &w) || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_aligned(w.vs2, w.s.regs) || !vec_wide_apart(&w, w.vd, w.vs2) ||
	    (w.vv && !vec_wide_apart(&w, w.vd, w.vs1)))
		return SIM_OP_ILLEGAL;
	wide_call(hart, insn, &w, vec_kint->wmacc, w.s.sew, true, true);
	return vec_done(hart);
}

/* vnsrl, vnsra, vnclip: narrow = wide op narrow; the immediate is unsigned */
enum sim_op_status vec_narrow(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;

	if (!vec_wide_begin(hart, insn, &w) || !vec_aligned(w.vd, w.s.regs) ||
	    !vec_aligned(w.vs2, w.wide_regs) ||
	    !vec_overlap_ok(w.vd, w.s.sew, w.s.lmul, w.vs2, w.s.sew + 1, w.s.lmul + 1) ||
	    (w.vv && !vec_wide_apart(&w, w.vs2, w.vs1)))
		return SIM_OP_ILLEGAL;
	if (vec_call(hart, insn, &w.s, &(struct vec_call) {
		.k = &vec_kint->narrow[w.op], .row = w.s.sew,
		.d = vec_reg(hart, w.vd), .a = vec_reg(hart, w.vs2),
		.b = w.vv ? vec_reg(hart, w.vs1) : NULL,
		.x = vec_funct3(insn) == VEC_OPIVI ? w.vs1 : hart->x[w.vs1],
		.d_sew = w.s.sew, .a_sew = w.s.sew + 1, .b_sew = w.s.sew, .rm = hart->vxrm,
		.safe = w.op >= VEC_NCLIPU ? VEC_SAFE_ZERO : VEC_SAFE_NONE,
	    }, vec_wide_apart(&w, w.vs2, w.vd)))
		hart->vxsat = 1;
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}
