/* SPDX-License-Identifier: MIT */
/*
 * Running a kernel under a mask and vstart: the kernel computes every element into scratch, and
 * the active ones are then selected into the destination.  Operations with side effects (vxsat,
 * fflags) first get harmless operands in the inactive positions.
 */
#ifndef GAON_SIM_VECTOR_APPLY_H
#define GAON_SIM_VECTOR_APPLY_H

#include "vector.h"

/* Inactive elements of the sources become "safe" values, which raise nothing. */
enum vec_safe {
	VEC_SAFE_NONE,		/* the kernel has no side effects */
	VEC_SAFE_ZERO,
	VEC_SAFE_ONE,		/* 1.0 of the element's size */
	VEC_SAFE_ONE_BF16,	/* the same, with 16-bit elements being bf16 */
};

/**
 * struct vec_call - a kernel and its operands
 * @k: kernels of both forms; @row is the index in them
 * @b: NULL for the scalar form
 * @reads_d: the kernel accumulates into d
 */
struct vec_call {
	const struct vec_kpair *k;
	unsigned int row;
	uint8_t *d;
	const uint8_t *a, *b;
	uint64_t x;
	unsigned int d_sew, a_sew, b_sew;
	unsigned int rm;
	bool reads_d;
	enum vec_safe safe;
};

/* Returns the kernel's flags. */
uint32_t vec_call_masked(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			 const struct vec_call *c);

/* A byte per element 0..n-1: 0xff if it is at or past vstart and not masked off. */
void vec_active(struct sim_hart *hart, uint32_t insn, const struct vec_state *s, uint8_t *active);

/* Store a mask result, a byte per element, to the active bits of vd. */
void vec_write_mask(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    const uint8_t *bytes);

/* The same from bits, without mask and vstart. */
void vec_write_bits(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    const uint8_t *bits);

/* Store elements computed in scratch to the active elements of vd. */
void vec_write_active(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		      unsigned int sew, const uint8_t *result);

static inline bool vec_whole(uint32_t insn, const struct vec_state *s)
{
	return vec_unmasked(insn) && !s->start;
}

/*
 * The usual case, everything active, calls the kernel on the registers themselves.  It is inline,
 * and the other case gets a copy, so that the description of the call needs no memory here.
 */
static inline __attribute__((always_inline))
uint32_t vec_call(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		  const struct vec_call *c, bool in_place)
{
	if (__builtin_expect(in_place && vec_whole(insn, s), 1)) {
		vec_kernel fn = c->b ? c->k->vv[c->row] : c->k->vx[c->row];

		return fn(c->d, c->a, c->b, c->x, s->n, c->rm);
	}
	return vec_call_masked(hart, insn, &(struct vec_state){ s->sew, s->lmul, s->regs, s->n, s->start },
			       &(struct vec_call){ c->k, c->row, c->d, c->a, c->b, c->x, c->d_sew,
						   c->a_sew, c->b_sew, c->rm, c->reads_d, c->safe });
}

#endif
