// SPDX-License-Identifier: MIT
/* Integer reductions, single width and widening. */
#include "vector_apply.h"

/* What an inactive element counts as. */
static uint64_t identity(unsigned int op, unsigned int sew)
{
	uint64_t ones = UINT64_MAX >> (64 - (8u << sew));

	switch (op) {
	case VEC_RAND:
	case VEC_RMINU:
		return ones;
	case VEC_RMIN:
		return ones >> 1;
	case VEC_RMAX:
		return ones - (ones >> 1);
	default:
		return 0;
	}
}

static uint64_t run(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    vec_reduce_kernel fn, uint64_t ident, uint64_t init)
{
	uint8_t buf[VEC_GROUP_MAX] __attribute__((aligned(64))), active[VEC_GROUP_MAX];
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));

	if (!vec_unmasked(insn)) {
		vec_active(hart, insn, s, active);
		vec_kint->splat[s->sew](buf, ident, s->n);
		vec_kint->select[s->sew](buf, a, buf, active, s->n);
		a = buf;
	}
	return fn(a, init, s->n);
}

static bool operands_ok(uint32_t insn, const struct vec_state *s)
{
	return !s->start && vec_aligned(vec_rs2(insn), s->regs) &&
	       vec_source_ok(insn, vec_rs2(insn)) && vec_source_ok(insn, vec_rs1(insn));
}

/* vredsum, ...: vd[0] = vs1[0] op all of vs2; nothing at vl = 0 */
enum sim_op_status vec_reduce(struct sim_hart *hart, uint32_t insn)
{
	unsigned int op = vec_entry_of(insn)->op;
	struct vec_state s;
	uint64_t r = 0;

	if (!vec_begin(hart, &s) || !operands_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	if (s.n) {
		memcpy(&r, vec_reg(hart, vec_rs1(insn)), 1u << s.sew);
		r = run(hart, insn, &s, vec_kint->reduce[op][s.sew], identity(op, s.sew), r);
		memcpy(vec_reg(hart, vec_vd(insn)), &r, 1u << s.sew);
	}
	vec_cost_reduce(hart, &s, s.sew);
	return vec_done(hart);
}

/* vwredsumu, vwredsum: vs1[0] and vd[0] are twice as wide */
enum sim_op_status vec_reduce_wide(struct sim_hart *hart, uint32_t insn)
{
	const vec_reduce_kernel *k = vec_entry_of(insn)->op ? vec_kint->wredsum :
							      vec_kint->wredsumu;
	struct vec_state s;
	uint64_t r = 0;

	if (!vec_begin(hart, &s) || s.sew > 2 || !operands_ok(insn, &s) ||
	    !vec_disjoint(vec_rs1(insn), 1, vec_rs2(insn), s.regs))
		return SIM_OP_ILLEGAL;
	if (s.n) {
		memcpy(&r, vec_reg(hart, vec_rs1(insn)), 2u << s.sew);
		r = run(hart, insn, &s, k[s.sew], 0, r);
		memcpy(vec_reg(hart, vec_vd(insn)), &r, 2u << s.sew);
	}
	vec_cost_reduce(hart, &s, s.sew + 1);
	return vec_done(hart);
}
