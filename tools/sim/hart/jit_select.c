// SPDX-License-Identifier: MIT
/*
 * From vector instructions to the intermediate form.  Whether an instruction is legal has been found
 * out by the interpreter's own handler (jit_compile.c); here is only what it computes.
 */
#include "jit_table.h"
#include "vector_mask.h"
#include "vector_mem.h"

static bool is_memory(uint32_t insn)
{
	return (insn & 0x7f) != 0x57;
}

static bool memory_known(uint32_t insn)
{
	return vec_decode_memory(insn) && vec_mop(insn) == VEC_MOP_UNIT &&
	       vec_rs2(insn) == VEC_LUMOP_PLAIN && vec_nf(insn) == 1;
}

/* Instructions of which no element size is known are left out here already. */
bool jit_candidate(uint32_t insn)
{
	static const sim_vector_fn known[] = {
		vec_int_vv, vec_int_vx, vec_int_vi, vec_macc_vv, vec_macc_vx, vec_cmp_vv,
		vec_cmp_vx, vec_cmp_vi, vec_merge, vec_extend, vec_mask_logic, vec_fp2, vec_fma,
		vec_fp_bits, vec_fp_cmp, vec_fp_merge, vec_fp_unary0, vec_fp_unary1, vec_fp_wide_fma,
	};
	sim_vector_fn fn;

	if (is_memory(insn))
		return memory_known(insn);
	if (vec_funct3(insn) == VEC_OPCFG)
		return false;
	fn = vec_entry_of(insn)->fn;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (fn && known[i] == fn)
			return true;
	return false;
}

/* --- operands -------------------------------------------------------------------------------- */

/* Elements of 1 << @width bytes join: the strips' length is the widest's, no vector below 16 bytes. */
static bool width_joins(struct jit_comp *c, unsigned int width)
{
	if (width < c->min_width)
		c->min_width = width;
	if (width > c->max_width)
		c->max_width = width;
	return c->max_width - c->min_width <= 2;
}

static uint8_t source(struct jit_comp *c, unsigned int reg, unsigned int width, int lmul)
{
	return width_joins(c, width) ? jit_slot_read(c, reg, jit_regs(lmul), (int)width) : JIT_NO_SLOT;
}

static struct jit_step *add_step(struct jit_comp *c, enum jit_step_kind kind)
{
	struct jit_step *s = &c->run->step[c->run->steps++];

	*s = (struct jit_step){ .kind = (uint8_t)kind };
	return s;
}

/* A scalar operand out of an x or f register. */
static uint8_t operand(struct jit_comp *c, enum jit_step_kind kind, unsigned int reg,
		       unsigned int width, uint64_t mask)
{
	uint8_t to = jit_scalar(c);
	struct jit_step *s;

	if (to == JIT_NO_SLOT)
		return to;
	s = add_step(c, kind);
	s->rs1 = (uint8_t)reg;
	s->to = to;
	s->width = (uint8_t)width;
	s->mask = mask;
	return to;
}

/* vs1 as a vector, x register, immediate or f register, by the instruction's form. */
static bool second(struct jit_comp *c, uint32_t insn, struct jit_ir *ir, uint64_t mask)
{
	unsigned int rs1 = vec_rs1(insn);

	ir->b = JIT_NO_SLOT;
	switch (vec_funct3(insn)) {
	case VEC_OPIVV:
	case VEC_OPMVV:
	case VEC_OPFVV:
		ir->b = source(c, rs1, c->sew, c->lmul);
		return ir->b != JIT_NO_SLOT;
	case VEC_OPIVI:
		/* only a shift's is not signed */
		ir->scalar = jit_constant(c, ir->kind == JIT_SHIFT ? rs1 & mask :
								     (uint64_t)vec_simm5(insn));
		break;
	case VEC_OPFVF:
		ir->scalar = operand(c, JIT_STEP_F, rs1, c->sew, mask);
		break;
	default:
		ir->scalar = operand(c, JIT_STEP_X, rs1, c->sew, mask);
	}
	return ir->scalar != JIT_NO_SLOT;
}

/* v0, if the instruction is masked. */
static bool masked(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	ir->m = JIT_NO_SLOT;
	if (vec_unmasked(insn))
		return true;
	ir->m = jit_slot_read(c, 0, 1, JIT_MASK);
	return ir->m != JIT_NO_SLOT;
}

static bool dest(struct jit_comp *c, uint32_t insn, struct jit_ir *ir, unsigned int width, int lmul,
		 bool whole)
{
	if (!width_joins(c, width))
		return false;
	ir->width = (uint8_t)width;
	ir->d = jit_slot_write(c, vec_vd(insn), jit_regs(lmul), (int)width, whole);
	return ir->d != JIT_NO_SLOT;
}

/* A mask that a store to come still needs may not change. */
static bool mask_free(const struct jit_comp *c, uint8_t slot)
{
	for (unsigned int i = 0; i < c->count; i++)
		if (c->ir[i].kind == JIT_STORE && c->ir[i].m == slot)
			return false;
	return true;
}

static bool mask_dest(struct jit_comp *c, uint32_t insn, struct jit_ir *ir, bool whole)
{
	ir->d = jit_slot_write(c, vec_vd(insn), 1, JIT_MASK, whole);
	return ir->d != JIT_NO_SLOT && mask_free(c, ir->d);
}

/* --- instructions ------------------------------------------------------------------------------- */

/* d = op(a, b), all of one size; sources first, so that d's slot can tell what it covers. */
static bool three(struct jit_comp *c, uint32_t insn, struct jit_ir *ir, uint64_t mask, bool whole)
{
	ir->a = source(c, vec_rs2(insn), c->sew, c->lmul);
	return ir->a != JIT_NO_SLOT && second(c, insn, ir, mask) && masked(c, insn, ir) &&
	       dest(c, insn, ir, c->sew, c->lmul, whole && vec_unmasked(insn));
}

static bool select_int(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int op = vec_entry_of(insn)->op;
	bool shift = op >= VEC_SLL && op <= VEC_SRA;

	ir->enc = jit_enc_int[op][c->sew];
	if (!ir->enc.op)
		return false;
	ir->kind = shift ? JIT_SHIFT : op == VEC_RSUB ? JIT_BIN_REV : JIT_BIN;
	/* a shift looks at the low bits of its amount only; 16-bit ones are masked in pairs */
	if (shift && vec_funct3(insn) == VEC_OPIVV)
		ir->imm = jit_constant(c, c->sew == 1 ? 0xf000f : (8u << c->sew) - 1);
	if (ir->imm == JIT_NO_SLOT)
		return false;
	return three(c, insn, ir, shift ? (8u << c->sew) - 1 : UINT64_MAX, true);
}

static bool select_macc(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int op = vec_entry_of(insn)->op;

	ir->enc = jit_enc_int[VEC_MUL][c->sew];
	ir->kind = JIT_MACC;
	ir->imm = (op == VEC_MADD || op == VEC_NMSUB ? 1 : 0) |
		  (op == VEC_NMSUB || op == VEC_NMSAC ? 2 : 0);
	return ir->enc.op && three(c, insn, ir, UINT64_MAX, false);
}

static bool select_compare(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int op = vec_entry_of(insn)->op;

	ir->kind = JIT_COMPARE;
	ir->width = (uint8_t)c->sew;
	if (vec_entry_of(insn)->fn == vec_fp_cmp) {
		if (c->sew < 2)
			return false;
		ir->enc = jit_enc_fpcmp[op][c->sew - 2];
		ir->nan = JIT_NAN_SAFE;
	} else {
		ir->enc = jit_enc_cmp[op][c->sew];
	}
	ir->a = source(c, vec_rs2(insn), c->sew, c->lmul);
	return ir->a != JIT_NO_SLOT && second(c, insn, ir, UINT64_MAX) && masked(c, insn, ir) &&
	       mask_dest(c, insn, ir, vec_unmasked(insn));
}

/* vmerge, vmv.v, vfmerge, vfmv.v.f: the mask chooses, every element is written */
static bool select_merge(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	if (vec_funct3(insn) == VEC_OPFVF && c->sew < 2)
		return false;
	ir->nan = JIT_NAN_MOVE;
	ir->a = JIT_NO_SLOT;
	if (vec_unmasked(insn)) {
		if (!second(c, insn, ir, UINT64_MAX))
			return false;
		ir->kind = ir->b == JIT_NO_SLOT ? JIT_SPLAT : JIT_MOVE;
		ir->m = JIT_NO_SLOT;
	} else {
		ir->kind = JIT_BLEND;
		ir->a = source(c, vec_rs2(insn), c->sew, c->lmul);
		if (ir->a == JIT_NO_SLOT || !second(c, insn, ir, UINT64_MAX) || !masked(c, insn, ir))
			return false;
	}
	return dest(c, insn, ir, c->sew, c->lmul, true);
}

/* d, of the size of vtype or the double, from a narrower a */
static bool widen(struct jit_comp *c, uint32_t insn, struct jit_ir *ir, unsigned int from,
		  int from_lmul, unsigned int by)
{
	ir->a_width = (uint8_t)from;
	ir->b = JIT_NO_SLOT;
	ir->a = source(c, vec_rs2(insn), from, from_lmul);
	return ir->a != JIT_NO_SLOT && masked(c, insn, ir) &&
	       dest(c, insn, ir, from + by, from_lmul + (int)by, vec_unmasked(insn));
}

static bool select_extend(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int code = vec_rs1(insn), shrink = 4 - code / 2;

	if (code < 2 || code > 7 || shrink > 2 || shrink > c->sew)
		return false;
	ir->kind = JIT_WIDEN;
	ir->enc = jit_enc_extend[c->sew][c->sew - shrink][code & 1];
	return widen(c, insn, ir, c->sew - shrink, c->lmul - (int)shrink, shrink);
}

static bool select_fp2(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int op = vec_entry_of(insn)->op;

	if (c->sew < 2)
		return false;
	ir->enc = jit_enc_fp2[op][c->sew - 2];
	ir->kind = op == VEC_FRSUB || op == VEC_FRDIV ? JIT_BIN_REV : JIT_BIN;
	ir->nan = JIT_NAN_ARITH;
	return three(c, insn, ir, UINT64_MAX, true);
}

static bool select_fma(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int op = vec_entry_of(insn)->op;
	bool vv = vec_funct3(insn) == VEC_OPFVV;
	uint8_t a;

	if (c->sew < 2)
		return false;
	ir->enc = (vv ? jit_enc_fma : jit_enc_fma_x)[op][c->sew - 2];
	ir->kind = JIT_FMA;
	ir->nan = JIT_NAN_FMA;
	if (!three(c, insn, ir, UINT64_MAX, false))
		return false;
	/* vd times vs1, plus vs2: the host's form has the factor in front */
	if (vv && op <= VEC_FNMSUB) {
		a = ir->a;
		ir->a = ir->b;
		ir->b = a;
	}
	return true;
}

static bool select_bits(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	/* truth tables over b, a, sign bit: a, but where the sign bit is b, not b, a xor b */
	static const uint8_t table[] = { [VEC_FSGNJ] = 0xe4, [VEC_FSGNJN] = 0x4e, [VEC_FSGNJX] = 0x6c };
	unsigned int op = vec_entry_of(insn)->op;

	if (c->sew < 2)
		return false;
	if (op == VEC_FMIN || op == VEC_FMAX) {
		ir->kind = JIT_RANGE;
		ir->nan = JIT_NAN_LOOKS;
		ir->enc = jit_enc_range[c->sew - 2];
		ir->enc.imm = op == VEC_FMIN ? 4 : 5;
	} else {
		ir->kind = JIT_SGNJ;
		ir->nan = JIT_NAN_SIGN;
		ir->enc.imm = table[op];
		ir->imm = jit_constant(c, 1ull << ((8u << c->sew) - 1));
		if (ir->imm == JIT_NO_SLOT)
			return false;
	}
	return three(c, insn, ir, UINT64_MAX, true);
}

/* d of the size of vtype from an a of the double */
static bool narrow(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	ir->a_width = 2;
	if (c->sew != 1)
		return false;
	ir->a = source(c, vec_rs2(insn), 2, c->lmul + 1);
	return ir->a != JIT_NO_SLOT && masked(c, insn, ir) &&
	       dest(c, insn, ir, 1, c->lmul, vec_unmasked(insn));
}

static bool select_narrow_bf16(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	static const uint32_t numbers[] = {
		JIT_BF16_MAGNITUDE, JIT_BF16_LARGEST, JIT_BF16_INF, JIT_BF16_TINY, JIT_BF16_CUT,
		JIT_BF16_HALF, JIT_BF16_ODD, JIT_BF16_INEXACT,
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (jit_constant(c, numbers[i]) == JIT_NO_SLOT)
			return false;
	ir->kind = JIT_NARROW_BF16;
	ir->nan = JIT_NAN_LOOKS;
	if (!narrow(c, insn, ir))
		return false;
	c->run->nearest = true;
	return true;
}

static bool select_convert(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	ir->b = JIT_NO_SLOT;
	switch (vec_rs1(insn)) {
	case VEC_CVT_X_F:
	case VEC_CVT_RTZ_X_F:
		ir->kind = JIT_TO_INT;
		ir->nan = JIT_NAN_SAFE;
		ir->enc = (struct jit_enc){ 1, vec_rs1(insn) == VEC_CVT_X_F ? 1 : 2, 0, 0x5b, 0 };
		ir->imm = jit_constant(c, 0x80000000u);
		return c->sew == 2 && ir->imm != JIT_NO_SLOT && widen(c, insn, ir, 2, c->lmul, 0);
	case VEC_CVT_F_X:
		ir->kind = JIT_UNARY;
		ir->enc = (struct jit_enc){ 1, 0, 0, 0x5b, 0 };
		return c->sew == 2 && widen(c, insn, ir, 2, c->lmul, 0);
	case VEC_WCVT_F_F:
		ir->kind = JIT_WIDEN;
		ir->nan = JIT_NAN_ARITH;
		ir->enc = c->sew == 1 ? (struct jit_enc){ 2, 1, 0, 0x13, 0 } :
					(struct jit_enc){ 1, 0, 0, 0x5a, 0 };
		return c->sew >= 1 && c->sew <= 2 && widen(c, insn, ir, c->sew, c->lmul, 1);
	case VEC_WCVT_BF16:
		ir->kind = JIT_WIDEN_BF16;
		ir->nan = JIT_NAN_LOOKS;
		return c->sew == 1 && widen(c, insn, ir, 1, c->lmul, 1);
	case VEC_NCVT_F_F:
		ir->kind = JIT_NARROW_F16;
		ir->nan = JIT_NAN_LOOKS;
		ir->enc = (struct jit_enc){ 3, 1, 0, 0x1d, 4 };
		return narrow(c, insn, ir);
	case VEC_NCVT_BF16:
		return select_narrow_bf16(c, insn, ir);
	default:
		return false;
	}
}

static bool select_root(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	if (c->sew < 2 || vec_rs1(insn))
		return false;
	ir->kind = JIT_UNARY;
	ir->nan = JIT_NAN_ARITH;
	ir->enc = jit_enc_sqrt[c->sew - 2];
	return widen(c, insn, ir, c->sew, c->lmul, 0);
}

static bool select_fma_bf16(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	if (vec_entry_of(insn)->op != VEC_WFMACCBF16 || c->sew != 1)
		return false;
	ir->kind = JIT_FMA_BF16;
	ir->nan = JIT_NAN_FMA;
	ir->enc = jit_enc_fma[VEC_FMACC][0];
	ir->a_width = 1;
	ir->a = source(c, vec_rs2(insn), 1, c->lmul);
	ir->b = JIT_NO_SLOT;
	if (ir->a == JIT_NO_SLOT)
		return false;
	if (vec_funct3(insn) == VEC_OPFVV) {
		ir->b = source(c, vec_rs1(insn), 1, c->lmul);
		if (ir->b == JIT_NO_SLOT)
			return false;
	} else {
		ir->scalar = operand(c, JIT_STEP_F_BF16, vec_rs1(insn), 1, UINT64_MAX);
		if (ir->scalar == JIT_NO_SLOT)
			return false;
	}
	return masked(c, insn, ir) && dest(c, insn, ir, 2, c->lmul + 1, false);
}

static bool select_logic(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	ir->kind = JIT_LOGIC;
	ir->imm = vec_entry_of(insn)->op;
	ir->m = JIT_NO_SLOT;
	ir->a = jit_slot_read(c, vec_rs2(insn), 1, JIT_MASK);
	ir->b = jit_slot_read(c, vec_rs1(insn), 1, JIT_MASK);
	return ir->a != JIT_NO_SLOT && ir->b != JIT_NO_SLOT && mask_dest(c, insn, ir, true);
}

static bool select_memory(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	unsigned int width = vec_width(insn);
	int emul = (int)width - (int)c->sew + c->lmul;
	struct jit_step *s;

	if (c->run->mems == JIT_MEMS || !width_joins(c, width))
		return false;
	ir->imm = (uint8_t)c->run->mems++;
	ir->width = (uint8_t)width;
	ir->b = JIT_NO_SLOT;
	s = add_step(c, JIT_STEP_MEM);
	s->rs1 = (uint8_t)vec_rs1(insn);
	s->to = ir->imm;
	s->width = (uint8_t)width;
	s->store = !vec_is_load(insn);
	if (!masked(c, insn, ir))
		return false;
	if (!s->store) {
		ir->kind = JIT_LOAD;
		ir->a = JIT_NO_SLOT;
		return dest(c, insn, ir, width, emul, vec_unmasked(insn));
	}
	ir->kind = JIT_STORE;
	ir->d = JIT_NO_SLOT;
	ir->a = source(c, vec_vd(insn), width, emul);
	return ir->a != JIT_NO_SLOT;
}

static bool select_any(struct jit_comp *c, uint32_t insn, struct jit_ir *ir)
{
	sim_vector_fn fn = is_memory(insn) ? NULL : vec_entry_of(insn)->fn;
	static const struct {
		sim_vector_fn fn;
		bool (*select)(struct jit_comp *c, uint32_t insn, struct jit_ir *ir);
		bool fp;
	} rows[] = {
		{ vec_int_vv, select_int, false }, { vec_int_vx, select_int, false },
		{ vec_int_vi, select_int, false }, { vec_macc_vv, select_macc, false },
		{ vec_macc_vx, select_macc, false }, { vec_cmp_vv, select_compare, false },
		{ vec_cmp_vx, select_compare, false }, { vec_cmp_vi, select_compare, false },
		{ vec_merge, select_merge, false }, { vec_extend, select_extend, false },
		{ vec_mask_logic, select_logic, false }, { vec_fp2, select_fp2, true },
		{ vec_fma, select_fma, true }, { vec_fp_bits, select_bits, true },
		{ vec_fp_cmp, select_compare, true }, { vec_fp_merge, select_merge, true },
		{ vec_fp_unary0, select_convert, true }, { vec_fp_unary1, select_root, true },
		{ vec_fp_wide_fma, select_fma_bf16, true },
	};

	if (!fn)
		return select_memory(c, insn, ir);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].fn != fn)
			continue;
		ir->fp = rows[i].fp;
		return rows[i].select(c, insn, ir);
	}
	return false;
}

bool jit_select(struct jit_comp *c, uint32_t insn)
{
	struct jit_run *r = c->run;
	unsigned int steps = r->steps, mems = r->mems, killed = r->killed_count;
	struct jit_comp before = *c;
	struct jit_ir *ir = &c->ir[c->count];

	if (c->count == JIT_IR || !jit_candidate(insn))
		return false;
	*ir = (struct jit_ir){ .copy = JIT_NO_SLOT };
	if (select_any(c, insn, ir)) {
		if (ir->kind != JIT_WIDEN && ir->kind != JIT_WIDEN_BF16 &&
		    ir->kind != JIT_FMA_BF16 && ir->kind != JIT_NARROW_F16 &&
		    ir->kind != JIT_NARROW_BF16)
			ir->a_width = ir->width;
		r->fp |= ir->fp;
		c->count++;
		return true;
	}
	*c = before;
	r->steps = steps;
	r->mems = mems;
	r->killed_count = killed;
	return false;
}

/* --- modelled cost ----------------------------------------------------------------------------- */

static void charge(struct sim_hart *h, uint32_t insn, const struct vec_state *s)
{
	const struct vec_entry *e;

	if (is_memory(insn)) {
		vec_cost_memory(h, (uint64_t)s->n << vec_width(insn));
		return;
	}
	e = vec_entry_of(insn);
	if (e->fn == vec_mask_logic)
		vec_cost(h, s->n, 1);
	else if ((e->fn == vec_fp2 && (e->op == VEC_FDIV || e->op == VEC_FRDIV)) ||
		 e->fn == vec_fp_unary1)
		vec_cost_divide(h, s);
	else if (e->fn == vec_fp_wide_fma || (e->fn == vec_fp_unary0 && vec_rs1(insn) >= VEC_WCVT_XU_F))
		vec_cost_elems(h, s, s->sew + 1, 1);
	else
		vec_cost_elems(h, s, s->sew, 1);
}

uint64_t jit_cost(struct sim_hart *h, uint32_t insn, const struct vec_state *s)
{
	uint64_t before = h->cycles16, cost;

	charge(h, insn, s);
	cost = h->cycles16 - before;
	h->cycles16 = before;
	return cost;
}
