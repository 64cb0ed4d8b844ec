/* SPDX-License-Identifier: MIT */
/*
 * Inside of the vector unit: the decoded view of vtype, the encoding's fields, the checks that
 * every handler shares and the kernel tables.  Specification: Documentation/hw/vector.rst.
 *
 * A handler checks, then calls kernels: plain loops over elements 0..n-1, unmasked, compiled for
 * several host ISAs.  Masks and vstart are applied around them (vector_mask.h), so no kernel
 * exists twice.
 */
#ifndef GAON_SIM_VECTOR_H
#define GAON_SIM_VECTOR_H

#include "hart.h"
#include "vector_kernels.h"

#define VEC_GROUP_MAX	(SIM_VLEN_MAX)		/* bytes in a group of eight registers */

/* --- the instruction's fields --------------------------------------------------------------- */

static inline unsigned int vec_vd(uint32_t insn)
{
	return insn >> 7 & 31;
}

static inline unsigned int vec_funct3(uint32_t insn)
{
	return insn >> 12 & 7;
}

static inline unsigned int vec_rs1(uint32_t insn)
{
	return insn >> 15 & 31;
}

static inline unsigned int vec_rs2(uint32_t insn)
{
	return insn >> 20 & 31;
}

static inline bool vec_unmasked(uint32_t insn)
{
	return insn >> 25 & 1;
}

static inline unsigned int vec_funct6(uint32_t insn)
{
	return insn >> 26;
}

static inline int64_t vec_simm5(uint32_t insn)
{
	return (int64_t)((uint64_t)vec_rs1(insn) << 59) >> 59;
}

/* funct3 of major opcode OP-V */
enum vec_form {
	VEC_OPIVV,
	VEC_OPFVV,
	VEC_OPMVV,
	VEC_OPIVI,
	VEC_OPIVX,
	VEC_OPFVF,
	VEC_OPMVX,
	VEC_OPCFG,
};

/* --- tables --------------------------------------------------------------------------------- */

/* What an encoding means: the handler, and the row of the kernel table that it uses. */
struct vec_entry {
	sim_vector_fn fn;
	uint8_t op;
};

extern const struct vec_entry vec_opivv[64], vec_opivx[64], vec_opivi[64];
extern const struct vec_entry vec_opmvv[64], vec_opmvx[64];
extern const struct vec_entry vec_opfvv[64], vec_opfvf[64];

/* The row of @insn, which is of major opcode OP-V. */
static inline const struct vec_entry *vec_entry_of(uint32_t insn)
{
	static const struct vec_entry *const tables[] = {
		vec_opivv, vec_opfvv, vec_opmvv, vec_opivi, vec_opivx, vec_opfvf, vec_opmvx,
	};

	return &tables[vec_funct3(insn)][vec_funct6(insn)];
}

/* The integer scalar operand: a register, or the sign-extended immediate. */
static inline uint64_t vec_scalar(const struct sim_hart *hart, uint32_t insn, bool imm)
{
	return imm ? (uint64_t)vec_simm5(insn) : hart->x[vec_rs1(insn)];
}

/* --- vtype ---------------------------------------------------------------------------------- */

/**
 * struct vec_state - vtype, vl and vstart as a handler wants them
 * @sew: log2 of the bytes of an element, 0 to 3
 * @lmul: log2 of LMUL, -3 to 3
 * @regs: registers in a group, 1 to 8
 * @n: vl
 * @start: vstart
 */
struct vec_state {
	unsigned int sew;
	int lmul;
	unsigned int regs;
	uint32_t n;
	uint32_t start;
};

/* Registers of a group of log2 size @emul. */
static inline unsigned int vec_regs(int emul)
{
	return emul > 0 ? 1u << emul : 1;
}

/* Elements of 1 << @sew bytes in a group of log2 size @lmul. */
static inline uint32_t vec_vlmax(const struct sim_hart *hart, unsigned int sew, int lmul)
{
	return lmul >= 0 ? hart->vlenb << lmul >> sew : hart->vlenb >> -lmul >> sew;
}

/*
 * False: the unit is off or vtype is illegal.  vl is checked because restored state is not trusted:
 * everything below relies on vl <= VLMAX.
 */
static inline __attribute__((always_inline)) bool vec_begin(const struct sim_hart *hart, struct vec_state *s)
{
	uint64_t vtype = hart->vtype;

	s->sew = vtype >> 3 & 7;
	s->lmul = (int)((vtype & 7) ^ 4) - 4;
	s->regs = vec_regs(s->lmul);
	s->n = hart->vl;
	s->start = hart->vstart;
	return !(vtype >> 63) && !hart->vs_off && s->n <= vec_vlmax(hart, s->sew & 3, s->lmul);
}

static inline uint8_t *vec_reg(struct sim_hart *hart, unsigned int reg)
{
	return hart->v + (size_t)reg * hart->vlenb;
}

/* --- register group rules (chapter 5.2 of the V specification) ------------------------------- */

static inline bool vec_aligned(unsigned int reg, unsigned int regs)
{
	return !(reg & (regs - 1));
}

static inline bool vec_disjoint(unsigned int a, unsigned int a_regs, unsigned int b,
				unsigned int b_regs)
{
	return a + a_regs <= b || b + b_regs <= a;
}

/* May a destination of element size @d_sew overlap a source so? Both are log2; emul as well. */
static inline bool vec_overlap_ok(unsigned int d, unsigned int d_sew, int d_emul, unsigned int s,
				  unsigned int s_sew, int s_emul)
{
	unsigned int d_regs = vec_regs(d_emul), s_regs = vec_regs(s_emul);

	if (d_sew == s_sew || vec_disjoint(d, d_regs, s, s_regs))
		return true;
	if (d_sew < s_sew)
		return d == s;
	return s_emul >= 0 && s == d + d_regs - s_regs;
}

/* A masked instruction reads v0 as a mask, so no source of another element size may hold v0. */
static inline bool vec_source_ok(uint32_t insn, unsigned int reg)
{
	return vec_unmasked(insn) || reg != 0;
}

/* ... and its destination may not hold v0 either, unless it is a mask or a scalar. */
static inline bool vec_dest_ok(uint32_t insn)
{
	return vec_unmasked(insn) || vec_vd(insn) != 0;
}

/* A mask result has EEW 1, below any source's: overlap is only legal at the group's first register. */
static inline bool vec_mask_dest_ok(uint32_t insn, const struct vec_state *s, unsigned int source)
{
	return vec_disjoint(vec_vd(insn), 1, source, s->regs) || vec_vd(insn) == source;
}

/* --- modelled cost --------------------------------------------------------------------------- */

/* @bits through a pipe of DLEN bits, @times as long as an addition. */
static inline void vec_cost(struct sim_hart *hart, uint64_t bits, unsigned int times)
{
	const struct sim_hart_costs *costs = hart->costs;
	unsigned int shift;

	hart->cycles16 += costs->vector_startup;
	if (!costs->dlen)
		return;
	shift = 31 - __builtin_clz(costs->dlen);
	hart->cycles16 += ((bits + (1ull << shift) - 1) >> shift) * times * 16;
}

static inline void vec_cost_elems(struct sim_hart *hart, const struct vec_state *s,
				  unsigned int sew, unsigned int times)
{
	vec_cost(hart, (uint64_t)s->n << (sew + 3), times);
}

void vec_cost_divide(struct sim_hart *hart, const struct vec_state *s);
void vec_cost_reduce(struct sim_hart *hart, const struct vec_state *s, unsigned int sew);
void vec_cost_ordered(struct sim_hart *hart, const struct vec_state *s);
void vec_cost_serial(struct sim_hart *hart, const struct vec_state *s);
void vec_cost_memory(struct sim_hart *hart, uint64_t bytes);
void vec_cost_accesses(struct sim_hart *hart, uint64_t accesses);

/* --- the end of every handler that ran ------------------------------------------------------- */

static inline enum sim_op_status vec_done(struct sim_hart *hart)
{
	hart->vstart = 0;
	return SIM_OP_OK;
}

/* --- handlers by concern ---------------------------------------------------------------------- */

/* vector_config.c */
enum sim_op_status vec_vsetvli(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_vsetivli(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_vsetvl(struct sim_hart *hart, uint32_t insn);

/* vector_mem.c, vector_memelem.c */
sim_vector_fn vec_decode_memory(uint32_t insn);
enum sim_op_status vec_indexed(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fault_first(struct sim_hart *hart, uint32_t insn);

/* vector_int.c */
enum sim_op_status vec_int_vv(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_int_vx(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_int_vi(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_macc_vv(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_macc_vx(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_cmp_vv(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_cmp_vx(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_cmp_vi(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_merge(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_carry(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_carry_out(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_extend(struct sim_hart *hart, uint32_t insn);

/* vector_wide.c */
enum sim_op_status vec_widen(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_widen_w(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_widen_macc(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_narrow(struct sim_hart *hart, uint32_t insn);

/* vector_fixed.c */
enum sim_op_status vec_fixed(struct sim_hart *hart, uint32_t insn);

/* vector_reduce.c */
enum sim_op_status vec_reduce(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_reduce_wide(struct sim_hart *hart, uint32_t insn);

/* vector_mask.c */
enum sim_op_status vec_mask_logic(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_mask_unary(struct sim_hart *hart, uint32_t insn);

/* vector_perm.c, vector_move.c */
enum sim_op_status vec_slide(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_slide1(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_gather(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_gather_ei16(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_compress(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_scalar_out(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_scalar_in(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_move_whole(struct sim_hart *hart, uint32_t insn);

/* vector_fp.c and its companions */
enum sim_op_status vec_fp2(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_bits(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fma(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_cmp(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_merge(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_scalar_out(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_scalar_in(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_slide1(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_wide2(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_wide_w(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_wide_fma(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_unary0(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_unary1(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_reduce(struct sim_hart *hart, uint32_t insn);
enum sim_op_status vec_fp_reduce_wide(struct sim_hart *hart, uint32_t insn);

#endif
