// SPDX-License-Identifier: MIT
/*
 * Scalar instructions inside a run: addresses and counters, which depend on nothing that the run
 * computes.  They are executed first, in their order with the reading of scalar operands.
 */
#include "jit.h"

#define SEXT32(v)	((uint64_t)(int64_t)(int32_t)(uint32_t)(v))
#define ZEXT32(v)	((uint64_t)(uint32_t)(v))

/* name, result of a, b (registers) and i (immediate) */
#define JIT_SCALAR_OPS(X)						\
	X(addi, a + i)							\
	X(andi, a & i)							\
	X(ori, a | i)							\
	X(xori, a ^ i)							\
	X(slli, a << (i & 63))						\
	X(srli, a >> (i & 63))						\
	X(srai, (uint64_t)((int64_t)a >> (i & 63)))			\
	X(addiw, SEXT32(a + i))						\
	X(slliw, SEXT32(a << (i & 31)))					\
	X(lui, i)							\
	X(add, a + b)							\
	X(sub, a - b)							\
	X(and, a & b)							\
	X(or, a | b)							\
	X(xor, a ^ b)							\
	X(slt, (int64_t)a < (int64_t)b)					\
	X(sltu, a < b)							\
	X(addw, SEXT32(a + b))						\
	X(subw, SEXT32(a - b))						\
	X(mul, a * b)							\
	X(mulw, SEXT32(a * b))						\
	X(sh1add, (a << 1) + b)						\
	X(sh2add, (a << 2) + b)						\
	X(sh3add, (a << 3) + b)						\
	X(add_uw, ZEXT32(a) + b)					\
	X(sh1add_uw, (ZEXT32(a) << 1) + b)				\
	X(sh2add_uw, (ZEXT32(a) << 2) + b)				\
	X(sh3add_uw, (ZEXT32(a) << 3) + b)				\
	X(minu, a < b ? a : b)						\
	X(maxu, a > b ? a : b)						\
	X(min, (int64_t)a < (int64_t)b ? a : b)				\
	X(max, (int64_t)a > (int64_t)b ? a : b)

/* Of the loads, funct3 tells the width and the sign as everywhere. */
static bool is_load(enum sim_insn insn, bool *fp)
{
	switch (insn) {
	case SIM_INSN_flh:
	case SIM_INSN_flw:
	case SIM_INSN_fld:
		*fp = true;
		return true;
	case SIM_INSN_lb:
	case SIM_INSN_lbu:
	case SIM_INSN_lh:
	case SIM_INSN_lhu:
	case SIM_INSN_lw:
	case SIM_INSN_lwu:
	case SIM_INSN_ld:
		*fp = false;
		return true;
	default:
		return false;
	}
}

static bool is_simple(enum sim_insn insn)
{
	switch (insn) {
#define X(name, result)	case SIM_INSN_##name:
	JIT_SCALAR_OPS(X)
#undef X
		return true;
	default:
		return false;
	}
}

bool jit_scalar_step(uint32_t insn, struct jit_step *step)
{
	enum sim_insn which = sim_decode(insn);
	bool fp = false;

	if (which == SIM_INSN_ILLEGAL)
		return false;
	*step = (struct jit_step){ .kind = JIT_STEP_SCALAR, .insn = (uint16_t)which };
	step->rd = insn >> 7 & 31;
	step->rs1 = insn >> 15 & 31;
	step->rs2 = insn >> 20 & 31;
	step->imm = sim_decode_imm(insn, sim_insn_rows[which].format);
	if (is_load(which, &fp)) {
		step->kind = JIT_STEP_LOAD;
		step->fp = fp;
		step->width = insn >> 12 & 3;
		step->sign = !fp && !(insn >> 14 & 1);
		/* a load into x0 may still have an effect, elsewhere */
		return fp || step->rd;
	}
	return is_simple(which);
}

void jit_scalar_execute(struct sim_hart *h, const struct jit_step *s)
{
	uint64_t a = h->x[s->rs1], b = h->x[s->rs2], i = (uint64_t)(int64_t)s->imm, result = 0;

	switch (s->insn) {
#define X(name, value)	case SIM_INSN_##name: result = (value); break;
	JIT_SCALAR_OPS(X)
#undef X
	default:
		break;
	}
	if (s->rd)
		h->x[s->rd] = result;
}
