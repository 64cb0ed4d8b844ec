/* SPDX-License-Identifier: MIT */
/* The floating-point environment around the hosts' kernels, and what FP handlers share. */
#ifndef GAON_SIM_VECTOR_FPENV_H
#define GAON_SIM_VECTOR_FPENV_H

#include "fp.h"
#include "vector_apply.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * An invalid frm makes every vector floating-point instruction illegal, also those that do not
 * round.
 */
static inline bool vec_fp_begin(const struct sim_hart *hart, struct vec_state *s)
{
	return vec_begin(hart, s) && !hart->fs_off && hart->frm <= SIM_RM_RMM;
}

/* f[reg] as an element of 1 << @sew bytes: what is not NaN-boxed is the canonical NaN. */
static inline uint64_t vec_fp_scalar(const struct sim_hart *hart, unsigned int reg,
				     unsigned int sew)
{
	uint64_t v = hart->f[reg];

	switch (sew) {
	case 1:
		return v >> 16 == UINT64_MAX >> 16 ? v & 0xffff : SIM_F16_NAN;
	case 2:
		return v >> 32 == UINT64_MAX >> 32 ? v & 0xffffffff : SIM_F32_NAN;
	default:
		return v;
	}
}

#if defined(__x86_64__)
#define VEC_MXCSR_DEFAULT	0x1f80u
#define VEC_MXCSR_FLAGS		0x3fu

/* MXCSR's IE DE ZE OE UE PE, from bit 0, as fflags; the denormal-operand flag has no like. */
static inline uint8_t vec_fflags_of(uint32_t csr)
{
	return (uint8_t)((csr & 1) << 4 | (csr & 4) << 1 | (csr & 8) >> 1 | (csr & 16) >> 3 |
			 (csr & 32) >> 5);
}

/*
 * Flags left in MXCSR from earlier are harmless as long as fflags has them too, so the common
 * case of repeated inexact operations writes MXCSR only once.
 */
static inline void vec_host_enter(const struct sim_hart *hart, unsigned int rm)
{
	/* RISC-V: nearest, zero, down, up; MXCSR: nearest, down, up, zero */
	static const uint8_t control[] = { 0, 3, 1, 2 };
	uint32_t want = VEC_MXCSR_DEFAULT | (uint32_t)control[rm] << 13, csr = _mm_getcsr();

	if ((csr & ~VEC_MXCSR_FLAGS) != want || vec_fflags_of(csr) & ~hart->fflags)
		_mm_setcsr(want);
}

/* Returns the exceptions; the rest of the simulator runs in round-to-nearest-even. */
static inline uint8_t vec_host_leave(unsigned int rm)
{
	uint32_t csr = _mm_getcsr();

	if (rm != SIM_RM_RNE)
		_mm_setcsr(VEC_MXCSR_DEFAULT | (csr & VEC_MXCSR_FLAGS));
	return vec_fflags_of(csr);
}
#else
static inline void vec_host_enter(const struct sim_hart *hart, unsigned int rm)
{
	(void)hart, (void)rm;
}

static inline uint8_t vec_host_leave(unsigned int rm)
{
	(void)rm;
	return 0;
}
#endif

/* What vec_fp_call() leaves: other rounding modes, masks, no kernel of the host's, nothing pending. */
void vec_fp_call_any(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		     const struct vec_kpair *host, const struct vec_kpair *exact,
		     struct vec_call *call, bool in_place);

/*
 * Runs @call with the host's kernels if they can do it and the exact ones otherwise, and accrues
 * the exceptions.  The usual case: round to nearest, everything active, and an earlier instruction
 * has brought the host's unit into the mode for it, so that MXCSR needs no look (hart->fp_pending).
 */
static inline __attribute__((always_inline))
void vec_fp_call(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		 const struct vec_kpair *host, const struct vec_kpair *exact,
		 const struct vec_call *call, bool in_place)
{
	/* A kernel may look at its scalar before the first element. */
	if (!s->n)
		return;
	if (__builtin_expect(hart->fp_pending && !hart->frm && in_place && vec_whole(insn, s), 1)) {
		vec_kernel fn = call->b ? host->vv[call->row] : host->vx[call->row];

		if (__builtin_expect(fn != NULL, 1)) {
			hart->fflags |= (uint8_t)fn(call->d, call->a, call->b, call->x, s->n,
						    SIM_RM_RNE);
			return;
		}
	}
	vec_fp_call_any(hart, insn, &(struct vec_state){ s->sew, s->lmul, s->regs, s->n, s->start },
			host, exact,
			&(struct vec_call){ call->k, call->row, call->d, call->a, call->b, call->x,
					    call->d_sew, call->a_sew, call->b_sew, call->rm,
					    call->reads_d, call->safe }, in_place);
}

#endif
