/* SPDX-License-Identifier: MIT */
/* What widening and narrowing instructions share, integer and floating point. */
#ifndef GAON_SIM_VECTOR_WIDE_H
#define GAON_SIM_VECTOR_WIDE_H

#include "vector_apply.h"

/*
 * Decoded fields of an instruction with operands of SEW and 2 * SEW.  @wide_regs is the size of the
 * wide groups.
 */
struct vec_wide {
	struct vec_state s;
	unsigned int vd, vs2, vs1, wide_regs, op;
	bool vv;
};

/* Begins the instruction; checks SEW, LMUL, the mask register and vs1's alignment (if a vector). */
static inline bool vec_wide_begin(struct sim_hart *hart, uint32_t insn, struct vec_wide *w)
{
	w->vd = vec_vd(insn);
	w->vs2 = vec_rs2(insn);
	w->vs1 = vec_rs1(insn);
	w->op = vec_entry_of(insn)->op;
	w->vv = vec_funct3(insn) <= VEC_OPMVV;
	if (!vec_begin(hart, &w->s) || w->s.sew > 2 || w->s.lmul > 2)
		return false;
	w->wide_regs = vec_regs(w->s.lmul + 1);
	return vec_dest_ok(insn) && vec_source_ok(insn, w->vs2) &&
	       (!w->vv || (vec_source_ok(insn, w->vs1) && vec_aligned(w->vs1, w->s.regs)));
}

/* May the wide destination overlap the narrow source @reg so, and is the latter aligned? */
static inline bool vec_wide_source_ok(const struct vec_wide *w, unsigned int reg)
{
	return vec_aligned(reg, w->s.regs) &&
	       vec_overlap_ok(w->vd, w->s.sew + 1, w->s.lmul + 1, reg, w->s.sew, w->s.lmul);
}

/* A wide and a narrow group that share no register. */
static inline bool vec_wide_apart(const struct vec_wide *w, unsigned int wide, unsigned int narrow)
{
	return vec_disjoint(wide, w->wide_regs, narrow, w->s.regs);
}

#endif
