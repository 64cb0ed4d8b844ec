// SPDX-License-Identifier: MIT
/* Floating-point instructions of one width: arithmetic, multiply-add, sign, compares, moves. */
#include "vector_fpenv.h"
#include "vector_mask.h"
#include "vector_perm.h"

void sim_vector_settle(struct sim_hart *hart)
{
	hart->fflags |= vec_host_leave(SIM_RM_RNE);
	hart->fp_pending = false;
}

void vec_fp_call_any(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		     const struct vec_kpair *host, const struct vec_kpair *exact,
		     struct vec_call *call, bool in_place)
{
	unsigned int rm = hart->frm;
	bool lazy = hart->fp_lazy && rm == SIM_RM_RNE;

	call->rm = rm;
	sim_hart_settle_fp(hart);
	if (host->vv[call->row] && rm != SIM_RM_RMM) {
		call->k = host;
		vec_host_enter(hart, rm);
		hart->fflags |= (uint8_t)vec_call(hart, insn, s, call, in_place);
		if (lazy)
			hart->fp_pending = true;
		else
			hart->fflags |= vec_host_leave(rm);
	} else {
		call->k = exact;
		hart->fflags |= (uint8_t)vec_call(hart, insn, s, call, in_place);
	}
}

static inline bool fp_sources_ok(uint32_t insn, const struct vec_state *s, bool vv)
{
	unsigned int vs2 = vec_rs2(insn), vs1 = vec_rs1(insn);

	if (!s->sew || !vec_aligned(vs2, s->regs) || !vec_source_ok(insn, vs2))
		return false;
	return !vv || (vec_aligned(vs1, s->regs) && vec_source_ok(insn, vs1));
}

static inline bool fp_dest_ok(uint32_t insn, const struct vec_state *s)
{
	return vec_aligned(vec_vd(insn), s->regs) && vec_dest_ok(insn);
}

static inline __attribute__((always_inline))
struct vec_call same_width(struct sim_hart *hart, uint32_t insn,
					 const struct vec_state *s, bool vv)
{
	return (struct vec_call) {
		.row = s->sew,
		.d = vec_reg(hart, vec_vd(insn)), .a = vec_reg(hart, vec_rs2(insn)),
		.b = vv ? vec_reg(hart, vec_rs1(insn)) : NULL,
		.x = vv ? 0 : vec_fp_scalar(hart, vec_rs1(insn), s->sew),
		.d_sew = s->sew, .a_sew = s->sew, .b_sew = s->sew, .safe = VEC_SAFE_ONE,
	};
}

/* vfadd, vfsub, vfrsub, vfmul, vfdiv, vfrdiv */
enum sim_op_status vec_fp2(struct sim_hart *hart, uint32_t insn)
{
	bool vv = vec_funct3(insn) == VEC_OPFVV;
	unsigned int op = vec_entry_of(insn)->op;
	struct vec_state s;
	struct vec_call c;

	if (!vec_fp_begin(hart, &s) || !fp_sources_ok(insn, &s, vv) || !fp_dest_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	c = same_width(hart, insn, &s, vv);
	vec_fp_call(hart, insn, &s, &vec_kfp->arith[op], &vec_kfp_exact.arith[op], &c, true);
	if (op == VEC_FDIV || op == VEC_FRDIV)
		vec_cost_divide(hart, &s);
	else
		vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* vfmacc and its seven relatives */
enum sim_op_status vec_fma(struct sim_hart *hart, uint32_t insn)
{
	bool vv = vec_funct3(insn) == VEC_OPFVV;
	unsigned int op = vec_entry_of(insn)->op;
	struct vec_state s;
	struct vec_call c;

	if (!vec_fp_begin(hart, &s) || !fp_sources_ok(insn, &s, vv) || !fp_dest_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	c = same_width(hart, insn, &s, vv);
	c.reads_d = true;
	vec_fp_call(hart, insn, &s, &vec_kfp->fma[op], &vec_kfp_exact.fma[op], &c, true);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* vfmin, vfmax, vfsgnj: worked out on the bits */
enum sim_op_status vec_fp_bits(struct sim_hart *hart, uint32_t insn)
{
	bool vv = vec_funct3(insn) == VEC_OPFVV;
	struct vec_state s;
	struct vec_call c;

	if (!vec_fp_begin(hart, &s) || !fp_sources_ok(insn, &s, vv) || !fp_dest_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	c = same_width(hart, insn, &s, vv);
	c.k = &vec_kfp->bits[vec_entry_of(insn)->op];
	hart->fflags |= (uint8_t)vec_call(hart, insn, &s, &c, true);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* vmfeq and its like: a mask result; inactive elements compare 1.0 with 1.0 */
static uint32_t compare(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			const struct vec_call *c, uint8_t *bytes)
{
	uint8_t active[VEC_GROUP_MAX], a[VEC_GROUP_MAX] __attribute__((aligned(64)));
	uint8_t b[VEC_GROUP_MAX] __attribute__((aligned(64)));
	static const uint64_t one[4] = { 0, 0x3c00, 0x3f800000, 0x3ff0000000000000 };
	unsigned int sew = s->sew;

	if (vec_whole(insn, s))
		return (c->b ? c->k->vv : c->k->vx)[sew](bytes, c->a, c->b, c->x, s->n, 0);
	vec_active(hart, insn, s, active);
	vec_kint->splat[sew](a, one[sew], s->n);
	vec_kint->splat[sew](b, c->b ? one[sew] : c->x, s->n);
	if (!c->b)
		vec_kint->select[sew](b, b, a, active, s->n);
	else
		vec_kint->select[sew](b, c->b, b, active, s->n);
	vec_kint->select[sew](a, c->a, a, active, s->n);
	return c->k->vv[sew](bytes, a, b, 0, s->n, 0);
}

/* The usual case straight to mask bits, where the host can. */
static bool compare_bits(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			 const struct vec_call *c)
{
	const struct vec_kpair *k = &vec_kfp->cmp_bits[vec_entry_of(insn)->op];
	vec_kernel fn = (c->b ? k->vv : k->vx)[s->sew];
	uint8_t bits[SIM_VLEN_MAX / 8] __attribute__((aligned(64)));

	if (!fn || !vec_whole(insn, s))
		return false;
	hart->fflags |= (uint8_t)fn(bits, c->a, c->b, c->x, s->n, 0);
	vec_write_bits(hart, insn, s, bits);
	return true;
}

enum sim_op_status vec_fp_cmp(struct sim_hart *hart, uint32_t insn)
{
	bool vv = vec_funct3(insn) == VEC_OPFVV;
	uint8_t bytes[VEC_GROUP_MAX];
	struct vec_state s;
	struct vec_call c;

	if (!vec_fp_begin(hart, &s) || !fp_sources_ok(insn, &s, vv) ||
	    !vec_mask_dest_ok(insn, &s, vec_rs2(insn)) ||
	    (vv && !vec_mask_dest_ok(insn, &s, vec_rs1(insn))))
		return SIM_OP_ILLEGAL;
	c = same_width(hart, insn, &s, vv);
	c.k = &vec_kfp->cmp[vec_entry_of(insn)->op];
	if (!compare_bits(hart, insn, &s, &c)) {
		hart->fflags |= (uint8_t)compare(hart, insn, &s, &c, bytes);
		vec_write_mask(hart, insn, &s, bytes);
	}
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* --- moves ------------------------------------------------------------------------------------------ */

/* vfmerge.vfm and, unmasked, vfmv.v.f */
enum sim_op_status vec_fp_merge(struct sim_hart *hart, uint32_t insn)
{
	uint8_t result[VEC_GROUP_MAX] __attribute__((aligned(64))), mask[VEC_GROUP_MAX];
	bool unmasked = vec_unmasked(insn);
	struct vec_state s;
	uint64_t x;

	if (!vec_fp_begin(hart, &s) || !fp_sources_ok(insn, &s, false) || !fp_dest_ok(insn, &s) ||
	    (unmasked && vec_rs2(insn)))
		return SIM_OP_ILLEGAL;
	x = vec_fp_scalar(hart, vec_rs1(insn), s.sew);
	if (unmasked && !s.start) {
		vec_kint->splat[s.sew](vec_reg(hart, vec_vd(insn)), x, s.n);
	} else if (!unmasked && !s.start && vec_kint->merge[s.sew]) {
		vec_kint->merge[s.sew](vec_reg(hart, vec_vd(insn)), NULL, x,
				       vec_reg(hart, vec_rs2(insn)), vec_reg(hart, 0), s.n);
	} else {
		if (unmasked)
			memset(mask, 0xff, s.n);
		else
			vec_kint->expand(mask, vec_reg(hart, 0), s.n);
		vec_kint->select_x[s.sew](result, x, vec_reg(hart, vec_rs2(insn)), mask, s.n);
		vec_write_active(hart, insn | 1u << 25, &s, s.sew, result);
	}
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* VWFUNARY0: vfmv.f.s */
enum sim_op_status vec_fp_scalar_out(struct sim_hart *hart, uint32_t insn)
{
	struct vec_state s;
	uint64_t v = UINT64_MAX;

	if (!vec_fp_begin(hart, &s) || !s.sew || !vec_unmasked(insn) || vec_rs1(insn))
		return SIM_OP_ILLEGAL;
	memcpy(&v, vec_reg(hart, vec_rs2(insn)), 1u << s.sew);
	hart->f[vec_vd(insn)] = v;
	vec_cost(hart, 0, 1);
	return vec_done(hart);
}

/* VRFUNARY0: vfmv.s.f */
enum sim_op_status vec_fp_scalar_in(struct sim_hart *hart, uint32_t insn)
{
	struct vec_state s;
	uint64_t v;

	if (!vec_fp_begin(hart, &s) || !s.sew || !vec_unmasked(insn) || vec_rs2(insn))
		return SIM_OP_ILLEGAL;
	v = vec_fp_scalar(hart, vec_rs1(insn), s.sew);
	if (s.start < s.n)
		memcpy(vec_reg(hart, vec_vd(insn)), &v, 1u << s.sew);
	vec_cost(hart, 0, 1);
	return vec_done(hart);
}

/* vfslide1up.vf, vfslide1down.vf */
enum sim_op_status vec_fp_slide1(struct sim_hart *hart, uint32_t insn)
{
	bool up = vec_entry_of(insn)->op == VEC_SLIDE_UP;
	struct vec_state s;

	if (!vec_fp_begin(hart, &s) || !s.sew || !vec_slide_one_ok(insn, &s, up))
		return SIM_OP_ILLEGAL;
	vec_slide_one(hart, insn, &s, up, vec_fp_scalar(hart, vec_rs1(insn), s.sew));
	vec_cost_elems(hart, &s, s.sew, 2);
	return vec_done(hart);
}
