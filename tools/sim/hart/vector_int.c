// SPDX-License-Identifier: MIT
/* Integer arithmetic of one width: ALU, multiply, divide, multiply-add, compares, merges, carries. */
#include "vector_apply.h"

/* Alignment of the groups and the two rules about v0; destination checked by the caller's flag. */
static inline bool sources_ok(uint32_t insn, const struct vec_state *s, bool vv)
{
	unsigned int vs2 = vec_rs2(insn), vs1 = vec_rs1(insn);

	if (!vec_aligned(vs2, s->regs) || !vec_source_ok(insn, vs2))
		return false;
	return !vv || (vec_aligned(vs1, s->regs) && vec_source_ok(insn, vs1));
}

static inline bool dest_ok(uint32_t insn, const struct vec_state *s)
{
	return vec_aligned(vec_vd(insn), s->regs) && vec_dest_ok(insn);
}

static inline void cost_int(struct sim_hart *hart, const struct vec_state *s, unsigned int op)
{
	if (op >= VEC_DIVU && op <= VEC_REM)
		vec_cost_divide(hart, s);
	else
		vec_cost_elems(hart, s, s->sew, 1);
}

static inline __attribute__((always_inline))
enum sim_op_status run_same_width(struct sim_hart *hart, uint32_t insn,
						const struct vec_entry *table,
						const struct vec_kpair *kernels, bool vv,
						uint64_t x, bool reads_d)
{
	unsigned int op = table[vec_funct6(insn)].op;
	struct vec_state s;

	if (!vec_begin(hart, &s) || !sources_ok(insn, &s, vv) || !dest_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	vec_call(hart, insn, &s, &(struct vec_call) {
		.k = &kernels[op], .row = s.sew,
		.d = vec_reg(hart, vec_vd(insn)), .a = vec_reg(hart, vec_rs2(insn)),
		.b = vv ? vec_reg(hart, vec_rs1(insn)) : NULL, .x = x,
		.d_sew = s.sew, .a_sew = s.sew, .b_sew = s.sew, .reads_d = reads_d,
	}, true);
	if (reads_d)
		vec_cost_elems(hart, &s, s.sew, 1);
	else
		cost_int(hart, &s, op);
	return vec_done(hart);
}

/* vadd, vsub, vmin, vand, vsll, ...; OPIVV and OPMVV (vmul, vdiv) */
enum sim_op_status vec_int_vv(struct sim_hart *hart, uint32_t insn)
{
	return run_same_width(hart, insn,
			      vec_funct3(insn) == VEC_OPIVV ? vec_opivv : vec_opmvv,
			      vec_kint->alu, true, 0, false);
}

enum sim_op_status vec_int_vx(struct sim_hart *hart, uint32_t insn)
{
	return run_same_width(hart, insn,
			      vec_funct3(insn) == VEC_OPIVX ? vec_opivx : vec_opmvx,
			      vec_kint->alu, false, vec_scalar(hart, insn, false), false);
}

enum sim_op_status vec_int_vi(struct sim_hart *hart, uint32_t insn)
{
	unsigned int op = vec_opivi[vec_funct6(insn)].op;
	bool shift = op >= VEC_SLL && op <= VEC_SRA;

	return run_same_width(hart, insn, vec_opivi, vec_kint->alu, false,
			      shift ? vec_rs1(insn) : vec_scalar(hart, insn, true), false);
}

enum sim_op_status vec_macc_vv(struct sim_hart *hart, uint32_t insn)
{
	return run_same_width(hart, insn, vec_opmvv, vec_kint->macc, true, 0, true);
}

enum sim_op_status vec_macc_vx(struct sim_hart *hart, uint32_t insn)
{
	return run_same_width(hart, insn, vec_opmvx, vec_kint->macc, false,
			      vec_scalar(hart, insn, false), true);
}

/* --- compares: a mask in one register, which may be v0 even when masked ---------------------- */

static inline __attribute__((always_inline))
enum sim_op_status compare(struct sim_hart *hart, uint32_t insn,
					 const struct vec_entry *table, bool vv, uint64_t x)
{
	const struct vec_kpair *k = &vec_kint->cmp[table[vec_funct6(insn)].op];
	uint8_t bytes[VEC_GROUP_MAX];
	struct vec_state s;

	if (!vec_begin(hart, &s) || !sources_ok(insn, &s, vv) ||
	    !vec_mask_dest_ok(insn, &s, vec_rs2(insn)) ||
	    (vv && !vec_mask_dest_ok(insn, &s, vec_rs1(insn))))
		return SIM_OP_ILLEGAL;
	(vv ? k->vv : k->vx)[s.sew](bytes, vec_reg(hart, vec_rs2(insn)),
				    vec_reg(hart, vec_rs1(insn)), x, s.n, 0);
	vec_write_mask(hart, insn, &s, bytes);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

enum sim_op_status vec_cmp_vv(struct sim_hart *hart, uint32_t insn)
{
	return compare(hart, insn, vec_opivv, true, 0);
}

enum sim_op_status vec_cmp_vx(struct sim_hart *hart, uint32_t insn)
{
	return compare(hart, insn, vec_opivx, false, vec_scalar(hart, insn, false));
}

enum sim_op_status vec_cmp_vi(struct sim_hart *hart, uint32_t insn)
{
	return compare(hart, insn, vec_opivi, false, vec_scalar(hart, insn, true));
}

/* --- vmerge and vmv.v: one encoding, told apart by vm ---------------------------------------- */

static void merge_elements(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			   bool vv, uint64_t x)
{
	uint8_t result[VEC_GROUP_MAX], mask[VEC_GROUP_MAX];
	const uint8_t *f = vec_reg(hart, vec_rs2(insn));
	vec_merge_kernel merge = vec_kint->merge[s->sew];
	uint32_t plain = insn | 1u << 25;

	if (merge && !s->start) {
		merge(vec_reg(hart, vec_vd(insn)), vv ? vec_reg(hart, vec_rs1(insn)) : NULL, x, f,
		      vec_reg(hart, 0), s->n);
		return;
	}
	vec_kint->expand(mask, vec_reg(hart, 0), s->n);
	if (vv)
		vec_kint->select[s->sew](result, vec_reg(hart, vec_rs1(insn)), f, mask, s->n);
	else
		vec_kint->select_x[s->sew](result, x, f, mask, s->n);
	/* The mask chooses, it does not disable: every element from vstart on is written. */
	vec_write_active(hart, plain, s, s->sew, result);
}

static void move_elements(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			  bool vv, uint64_t x)
{
	uint32_t n = s->start < s->n ? s->n - s->start : 0;
	size_t from = (size_t)s->start << s->sew;
	uint8_t *d = vec_reg(hart, vec_vd(insn));

	if (!n)
		return;
	if (vv)
		memmove(d + from, vec_reg(hart, vec_rs1(insn)) + from, (size_t)n << s->sew);
	else
		vec_kint->splat[s->sew](d + from, x, n);
}

enum sim_op_status vec_merge(struct sim_hart *hart, uint32_t insn)
{
	bool vv = vec_funct3(insn) == VEC_OPIVV;
	uint64_t x = vec_scalar(hart, insn, vec_funct3(insn) == VEC_OPIVI);
	struct vec_state s;

	/* vmv.v has no vs2: the field is 0 */
	if (!vec_begin(hart, &s) || !sources_ok(insn, &s, vv) || !dest_ok(insn, &s) ||
	    (vec_unmasked(insn) && vec_rs2(insn)))
		return SIM_OP_ILLEGAL;
	if (vec_unmasked(insn))
		move_elements(hart, insn, &s, vv, x);
	else
		merge_elements(hart, insn, &s, vv, x);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* --- carries --------------------------------------------------------------------------------- */

static void run_carry(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		      unsigned int op, bool vv, void *result)
{
	uint64_t x = vec_scalar(hart, insn, vec_funct3(insn) == VEC_OPIVI);
	uint8_t carry[VEC_GROUP_MAX];

	if (vec_unmasked(insn))
		memset(carry, 0, s->n);
	else
		vec_kint->expand(carry, vec_reg(hart, 0), s->n);
	(vv ? vec_kint->carry_vv : vec_kint->carry_vx)[op][s->sew](
		result, vec_reg(hart, vec_rs2(insn)), vec_reg(hart, vec_rs1(insn)), x, s->n, carry);
}

/* vadc, vsbc: always with carry; vm = 1 is reserved */
enum sim_op_status vec_carry(struct sim_hart *hart, uint32_t insn)
{
	uint8_t result[VEC_GROUP_MAX];
	bool vv = vec_funct3(insn) == VEC_OPIVV;
	struct vec_state s;

	if (vec_unmasked(insn) || !vec_begin(hart, &s) || !sources_ok(insn, &s, vv) ||
	    !dest_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	run_carry(hart, insn, &s, vec_entry_of(insn)->op, vv, result);
	vec_write_active(hart, insn | 1u << 25, &s, s.sew, result);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* vmadc, vmsbc: vm = 0 reads a carry; no element is masked off */
enum sim_op_status vec_carry_out(struct sim_hart *hart, uint32_t insn)
{
	uint8_t result[VEC_GROUP_MAX];
	bool vv = vec_funct3(insn) == VEC_OPIVV;
	struct vec_state s;

	if (!vec_begin(hart, &s) || !sources_ok(insn, &s, vv) ||
	    !vec_mask_dest_ok(insn, &s, vec_rs2(insn)) ||
	    (vv && !vec_mask_dest_ok(insn, &s, vec_rs1(insn))))
		return SIM_OP_ILLEGAL;
	run_carry(hart, insn, &s, vec_entry_of(insn)->op, vv, result);
	vec_write_mask(hart, insn | 1u << 25, &s, result);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

/* --- vzext, vsext ---------------------------------------------------------------------------- */

enum sim_op_status vec_extend(struct sim_hart *hart, uint32_t insn)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn), code = vec_rs1(insn);
	unsigned int shrink = 4 - code / 2;	/* 2: vf8 .. 7: vf2 */
	struct vec_kpair k;
	struct vec_state s;
	int emul;

	if (code < 2 || code > 7 || !vec_begin(hart, &s) || s.sew < shrink)
		return SIM_OP_ILLEGAL;
	emul = s.lmul - (int)shrink;
	if (emul < -3 || !dest_ok(insn, &s) || !vec_aligned(vs2, vec_regs(emul)) ||
	    !vec_source_ok(insn, vs2) ||
	    !vec_overlap_ok(vd, s.sew, s.lmul, vs2, s.sew - shrink, emul))
		return SIM_OP_ILLEGAL;
	k.vx[0] = (code & 1 ? vec_kint->sext : vec_kint->zext)[s.sew][s.sew - shrink];
	vec_call(hart, insn, &s, &(struct vec_call) {
		.k = &k, .row = 0, .d = vec_reg(hart, vd), .a = vec_reg(hart, vs2),
		.d_sew = s.sew, .a_sew = s.sew - shrink,
	}, vec_disjoint(vd, s.regs, vs2, vec_regs(emul)));
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}
