// SPDX-License-Identifier: MIT
/* Floating-point reductions: ordered and unordered sums, minimum and maximum. */
#include "vector_fpenv.h"
#include "vector_fpreduce.h"

static bool operands_ok(uint32_t insn, const struct vec_state *s)
{
	return s->sew && !s->start && vec_aligned(vec_rs2(insn), s->regs) &&
	       vec_source_ok(insn, vec_rs2(insn)) && vec_source_ok(insn, vec_rs1(insn));
}

/* The active elements side by side; returns how many. */
static size_t compact(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		      uint8_t *to)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	uint8_t active[VEC_GROUP_MAX];
	size_t n = 0;

	vec_active(hart, insn, s, active);
	for (size_t i = 0; i < s->n; i++) {
		if (active[i])
			memcpy(to + (n++ << s->sew), a + (i << s->sew), 1u << s->sew);
	}
	return n;
}

static size_t count_active(struct sim_hart *hart, uint32_t insn, const struct vec_state *s)
{
	uint8_t active[VEC_GROUP_MAX];

	if (vec_unmasked(insn))
		return s->n;
	vec_active(hart, insn, s, active);
	return memchr(active, 0xff, s->n) ? 1 : 0;
}

static void run_sum(struct sim_hart *hart, vec_fp_sum host, vec_fp_sum exact, uint64_t *acc,
		    const uint8_t *a, size_t n)
{
	unsigned int rm = hart->frm;

	sim_hart_settle_fp(hart);
	if (host && rm != SIM_RM_RMM) {
		vec_host_enter(hart, rm);
		host(acc, a, n, rm);
		hart->fflags |= vec_host_leave(rm);
	} else {
		hart->fflags |= (uint8_t)exact(acc, a, n, rm);
	}
}

/*
 * Without an active element vs1[0] is copied as it is.  The ordered sum skips inactive elements;
 * the unordered one counts them as the additive identity, in their place.
 */
static void sum(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		unsigned int op, bool wide)
{
	uint8_t buf[VEC_GROUP_MAX] __attribute__((aligned(64))), active[VEC_GROUP_MAX];
	const struct vec_kfp *h = vec_kfp, *x = &vec_kfp_exact;
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	size_t n = s->n, bytes = (size_t)1 << (s->sew + wide);
	uint64_t acc = 0, zero;

	memcpy(&acc, vec_reg(hart, vec_rs1(insn)), bytes);
	if (count_active(hart, insn, s)) {
		if (!vec_unmasked(insn) && op == VEC_RED_OSUM) {
			n = compact(hart, insn, s, buf);
			a = buf;
		} else if (!vec_unmasked(insn)) {
			zero = hart->frm == SIM_RM_RDN ? 0 : 1ull << ((8u << s->sew) - 1);
			vec_active(hart, insn, s, active);
			vec_kint->splat[s->sew](buf, zero, n);
			vec_kint->select[s->sew](buf, a, buf, active, n);
			a = buf;
		}
		if (op == VEC_RED_OSUM)
			run_sum(hart, (wide ? h->wosum : h->osum)[s->sew],
				(wide ? x->wosum : x->osum)[s->sew], &acc, a, n);
		else
			run_sum(hart, (wide ? h->wusum : h->usum)[s->sew],
				(wide ? x->wusum : x->usum)[s->sew], &acc, a, n);
	}
	memcpy(vec_reg(hart, vec_vd(insn)), &acc, bytes);
}

/* Without an active element vs1[0] is copied as it is. */
static void extreme(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    unsigned int op)
{
	vec_fp_sum fn = (op == VEC_RED_MIN ? vec_kfp->redmin : vec_kfp->redmax)[s->sew];
	uint8_t buf[VEC_GROUP_MAX] __attribute__((aligned(64)));
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	size_t n = s->n;
	uint64_t acc = 0;

	if (!vec_unmasked(insn)) {
		n = compact(hart, insn, s, buf);
		a = buf;
	}
	memcpy(&acc, vec_reg(hart, vec_rs1(insn)), 1u << s->sew);
	if (n)
		hart->fflags |= (uint8_t)fn(&acc, a, n, 0);
	memcpy(vec_reg(hart, vec_vd(insn)), &acc, 1u << s->sew);
}

/* vfredusum, vfredosum, vfredmin, vfredmax */
enum sim_op_status vec_fp_reduce(struct sim_hart *hart, uint32_t insn)
{
	unsigned int op = vec_entry_of(insn)->op;
	struct vec_state s;

	if (!vec_fp_begin(hart, &s) || !operands_ok(insn, &s))
		return SIM_OP_ILLEGAL;
	if (s.n && op >= VEC_RED_MIN)
		extreme(hart, insn, &s, op);
	else if (s.n)
		sum(hart, insn, &s, op, false);
	if (op == VEC_RED_OSUM)
		vec_cost_ordered(hart, &s);
	else
		vec_cost_reduce(hart, &s, s.sew);
	return vec_done(hart);
}

/* vfwredusum, vfwredosum */
enum sim_op_status vec_fp_reduce_wide(struct sim_hart *hart, uint32_t insn)
{
	unsigned int op = vec_entry_of(insn)->op;
	struct vec_state s;

	if (!vec_fp_begin(hart, &s) || !operands_ok(insn, &s) || s.sew > 2 ||
	    !vec_disjoint(vec_rs1(insn), 1, vec_rs2(insn), s.regs))
		return SIM_OP_ILLEGAL;
	if (s.n)
		sum(hart, insn, &s, op, true);
	if (op == VEC_RED_OSUM)
		vec_cost_ordered(hart, &s);
	else
		vec_cost_reduce(hart, &s, s.sew + 1);
	return vec_done(hart);
}
