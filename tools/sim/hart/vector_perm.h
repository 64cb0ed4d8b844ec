/* SPDX-License-Identifier: MIT */
/* Slides by one, whose scalar is an integer or a floating-point register. */
#ifndef GAON_SIM_VECTOR_PERM_H
#define GAON_SIM_VECTOR_PERM_H

#include "vector.h"

enum vec_slide_op {
	VEC_SLIDE_UP,
	VEC_SLIDE_DOWN,
};

bool vec_slide_one_ok(uint32_t insn, const struct vec_state *s, bool up);
void vec_slide_one(struct sim_hart *hart, uint32_t insn, const struct vec_state *s, bool up,
		   uint64_t x);

#endif
