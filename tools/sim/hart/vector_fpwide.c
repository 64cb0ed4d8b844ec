// SPDX-License-Identifier: MIT
/* Floating-point instructions that change width, and all conversions. */
#include "vector_fpenv.h"
#include "vector_wide.h"

static bool fp_wide_begin(struct sim_hart *hart, uint32_t insn, struct vec_wide *w)
{
	return vec_wide_begin(hart, insn, w) && !hart->fs_off && hart->frm <= SIM_RM_RMM;
}

static struct vec_call wide_call(struct sim_hart *hart, const struct vec_wide *w, bool bf16)
{
	uint64_t x = w->vv ? 0 : vec_fp_scalar(hart, w->vs1, w->s.sew);

	if (!w->vv && bf16 && hart->f[w->vs1] >> 16 != UINT64_MAX >> 16)
		x = SIM_BF16_NAN;
	return (struct vec_call) {
		.row = w->s.sew,
		.d = vec_reg(hart, w->vd), .a = vec_reg(hart, w->vs2),
		.b = w->vv ? vec_reg(hart, w->vs1) : NULL, .x = x,
		.d_sew = w->s.sew + 1, .a_sew = w->s.sew, .b_sew = w->s.sew,
		.safe = bf16 ? VEC_SAFE_ONE_BF16 : VEC_SAFE_ONE,
	};
}

/* vfwadd.vv, vfwsub.vv, vfwmul.vv */
enum sim_op_status vec_fp_wide2(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;
	struct vec_call c;

	if (!fp_wide_begin(hart, insn, &w) || !w.s.sew || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_wide_source_ok(&w, w.vs2) || (w.vv && !vec_wide_source_ok(&w, w.vs1)))
		return SIM_OP_ILLEGAL;
	c = wide_call(hart, &w, false);
	vec_fp_call(hart, insn, &w.s, &vec_kfp->wide[w.op], &vec_kfp_exact.wide[w.op], &c,
		    vec_wide_apart(&w, w.vd, w.vs2) && (!w.vv || vec_wide_apart(&w, w.vd, w.vs1)));
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}

/* vfwadd.wv, vfwsub.wv */
enum sim_op_status vec_fp_wide_w(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;
	struct vec_call c;

	if (!fp_wide_begin(hart, insn, &w) || !w.s.sew || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_aligned(w.vs2, w.wide_regs) ||
	    (w.vv && (!vec_wide_source_ok(&w, w.vs1) || !vec_wide_apart(&w, w.vs2, w.vs1))))
		return SIM_OP_ILLEGAL;
	c = wide_call(hart, &w, false);
	c.a_sew = w.s.sew + 1;
	vec_fp_call(hart, insn, &w.s, &vec_kfp->widew[w.op], &vec_kfp_exact.widew[w.op], &c,
		    !w.vv || vec_wide_apart(&w, w.vd, w.vs1));
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}

/* vfwmacc, ..., vfwmaccbf16 */
enum sim_op_status vec_fp_wide_fma(struct sim_hart *hart, uint32_t insn)
{
	struct vec_wide w;
	struct vec_call c;
	bool bf16;

	if (!fp_wide_begin(hart, insn, &w) || !vec_aligned(w.vd, w.wide_regs) ||
	    !vec_aligned(w.vs2, w.s.regs) || !vec_wide_apart(&w, w.vd, w.vs2) ||
	    (w.vv && !vec_wide_apart(&w, w.vd, w.vs1)))
		return SIM_OP_ILLEGAL;
	bf16 = w.op == VEC_WFMACCBF16;
	if (bf16 ? w.s.sew != 1 : !w.s.sew)
		return SIM_OP_ILLEGAL;
	c = wide_call(hart, &w, bf16);
	c.reads_d = true;
	vec_fp_call(hart, insn, &w.s, &vec_kfp->wfma[w.op], &vec_kfp_exact.wfma[w.op], &c, true);
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}

/* --- conversions -------------------------------------------------------------------------------------- */

/* Runs one operand through the kernels of @code, or says that there are none for this SEW. */
static bool convert(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    unsigned int code, struct vec_call *c, bool in_place)
{
	vec_kernel host = vec_kfp->cvt[code][s->sew], exact = vec_kfp_exact.cvt[code][s->sew];
	bool from_int = (code & 6) == 2;
	struct vec_kpair kh = { .vv = { host }, .vx = { host } };
	struct vec_kpair kx = { .vv = { exact }, .vx = { exact } };

	if (!exact)
		return false;
	c->safe = from_int ? VEC_SAFE_ZERO : code == VEC_WCVT_BF16 ? VEC_SAFE_ONE_BF16 :
								     VEC_SAFE_ONE;
	vec_fp_call(hart, insn, s, &kh, &kx, c, in_place);
	return true;
}

static enum sim_op_status convert_same(struct sim_hart *hart, uint32_t insn, unsigned int code)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn);
	struct vec_state s;

	if (!vec_fp_begin(hart, &s) || !vec_aligned(vd | vs2, s.regs) || !vec_dest_ok(insn) ||
	    !vec_source_ok(insn, vs2))
		return SIM_OP_ILLEGAL;
	if (!convert(hart, insn, &s, code, &(struct vec_call) {
		.d = vec_reg(hart, vd), .a = vec_reg(hart, vs2), .d_sew = s.sew, .a_sew = s.sew,
	    }, true))
		return SIM_OP_ILLEGAL;
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

static enum sim_op_status convert_wide(struct sim_hart *hart, uint32_t insn, unsigned int code)
{
	struct vec_wide w;

	/* vs1 is not a register here */
	if (!fp_wide_begin(hart, (insn & ~(0xffu << 12)) | VEC_OPFVF << 12, &w) ||
	    !vec_aligned(w.vd, w.wide_regs) || !vec_wide_source_ok(&w, w.vs2))
		return SIM_OP_ILLEGAL;
	if (!convert(hart, insn, &w.s, code, &(struct vec_call) {
		.d = vec_reg(hart, w.vd), .a = vec_reg(hart, w.vs2),
		.d_sew = w.s.sew + 1, .a_sew = w.s.sew,
	    }, vec_wide_apart(&w, w.vd, w.vs2)))
		return SIM_OP_ILLEGAL;
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}

static enum sim_op_status convert_narrow(struct sim_hart *hart, uint32_t insn, unsigned int code)
{
	struct vec_wide w;

	if (!fp_wide_begin(hart, (insn & ~(0xffu << 12)) | VEC_OPFVF << 12, &w) ||
	    !vec_aligned(w.vd, w.s.regs) || !vec_aligned(w.vs2, w.wide_regs) ||
	    !vec_overlap_ok(w.vd, w.s.sew, w.s.lmul, w.vs2, w.s.sew + 1, w.s.lmul + 1))
		return SIM_OP_ILLEGAL;
	if (!convert(hart, insn, &w.s, code, &(struct vec_call) {
		.d = vec_reg(hart, w.vd), .a = vec_reg(hart, w.vs2),
		.d_sew = w.s.sew, .a_sew = w.s.sew + 1,
	    }, vec_wide_apart(&w, w.vs2, w.vd)))
		return SIM_OP_ILLEGAL;
	vec_cost_elems(hart, &w.s, w.s.sew + 1, 1);
	return vec_done(hart);
}

/* VFUNARY0 */
enum sim_op_status vec_fp_unary0(struct sim_hart *hart, uint32_t insn)
{
	unsigned int code = vec_rs1(insn);

	if (code < VEC_WCVT_XU_F)
		return convert_same(hart, insn, code);
	if (code < VEC_NCVT_XU_F)
		return convert_wide(hart, insn, code);
	return convert_narrow(hart, insn, code);
}
