// SPDX-License-Identifier: MIT
/*
 * Pairs of instructions in one handler: half the dispatches for the commonest sequences.  A pair
 * whose memory access misses the TLB goes on as the two single instructions that it is made of.
 */
#include "exec.h"
#include "guest.h"

#define RS1	h->x[op->rs1]
#define RS2	h->x[op->rs2]
#define IMM	((uint64_t)(int64_t)op->imm)
#define SEXT32(v)	((uint64_t)(int64_t)(int32_t)(uint32_t)(v))

#define DO_addi		h->x[op->rd] = RS1 + IMM;
#define DO_addiw	h->x[op->rd] = SEXT32(RS1 + IMM);
#define DO_andi		h->x[op->rd] = RS1 & IMM;
#define DO_slti		h->x[op->rd] = (int64_t)RS1 < (int64_t)IMM;
#define DO_sltiu	h->x[op->rd] = RS1 < IMM;
#define DO_slli		h->x[op->rd] = RS1 << op->imm;
#define DO_srli		h->x[op->rd] = RS1 >> op->imm;
#define DO_lui		h->x[op->rd] = IMM;
#define DO_auipc	h->x[op->rd] = sim_op_pc(op, pg) + IMM;
#define DO_add		h->x[op->rd] = RS1 + RS2;
#define DO_mul		h->x[op->rd] = RS1 * RS2;
#define DO_slt		h->x[op->rd] = (int64_t)RS1 < (int64_t)RS2;
#define DO_sltu		h->x[op->rd] = RS1 < RS2;
#define DO_sh2add	h->x[op->rd] = (RS1 << 2) + RS2;
#define DO_sh3add	h->x[op->rd] = (RS1 << 3) + RS2;

/* A miss: the single instruction's own handler, which the slot of the first of a pair lost. */
#define ACCESS(access, T, single)						\
	uint64_t va = RS1 + IMM;						\
	const struct sim_tlb_entry *e =						\
		&h->tlb[access][sim_tlb_index(va >> SIM_PAGE_SHIFT)];		\
	if (SIM_UNLIKELY(e->tag != (va + sizeof(T) - 1) >> SIM_PAGE_SHIFT))	\
		SIM_TAIL single(h, op, pg, acc);				\
	uint8_t *host = e->host + (va & (SIM_PAGE_SIZE - 1));

#define LOAD(T, S, single)	\
	{ ACCESS(SIM_ACCESS_LOAD, T, single) \
	  h->x[op->rd] = (uint64_t)(int64_t)(S)guest_read_##T(host); }
#define STORE(T, single)	\
	{ ACCESS(SIM_ACCESS_STORE, T, single) guest_write_##T(host, (T)RS2); }

#define SINGLE(name)	(LEN == 1 ? sim_x_##name##_2 : sim_x_##name##_4)
#define DO_lbu		LOAD(uint8_t, uint8_t, SINGLE(lbu))
#define DO_lh		LOAD(uint16_t, int16_t, SINGLE(lh))
#define DO_lw		LOAD(uint32_t, int32_t, SINGLE(lw))
#define DO_ld		LOAD(uint64_t, int64_t, SINGLE(ld))
#define DO_sw		STORE(uint32_t, SINGLE(sw))
#define DO_sd		STORE(uint64_t, SINGLE(sd))

#define BRANCH(condition)			\
	if (condition)				\
		SIM_BRANCH(LEN);
#define DO_beq		BRANCH(RS1 == RS2)
#define DO_bne		BRANCH(RS1 != RS2)
#define DO_blt		BRANCH((int64_t)RS1 < (int64_t)RS2)
#define DO_bltu		BRANCH(RS1 < RS2)

#define PAIR(a, b, la, lb)							\
static int SIM_CC pair_##a##_##b##_##la##lb(SIM_EXEC_ARGS)			\
{										\
	{									\
		enum { LEN = la };						\
		DO_##a								\
		op += LEN;							\
	}									\
	{									\
		enum { LEN = lb };						\
		DO_##b								\
		SIM_NEXT(LEN);							\
	}									\
}
#define SIM_PAIR(a, b)	PAIR(a, b, 1, 1) PAIR(a, b, 1, 2) PAIR(a, b, 2, 1) PAIR(a, b, 2, 2)
#define SIM_PAIR_BRANCH(a, b)	SIM_PAIR(a, b)
#include "pairs.def"
#undef SIM_PAIR
#undef SIM_PAIR_BRANCH

static const struct {
	sim_exec_fn first[2], second[2], fused[2][2];
} pairs[] = {
#define FUSED(a, b)	{ { pair_##a##_##b##_11, pair_##a##_##b##_12 },	\
			  { pair_##a##_##b##_21, pair_##a##_##b##_22 } }
#define SIM_PAIR(a, b)								\
	{ { sim_x_##a##_2, sim_x_##a##_4 }, { sim_x_##b##_2, sim_x_##b##_4 }, FUSED(a, b) },
#define SIM_PAIR_BRANCH(a, b)							\
	{ { sim_x_##a##_2, sim_x_##a##_4 }, { sim_x_##b##_near_2, sim_x_##b##_near_4 }, FUSED(a, b) },
#include "pairs.def"
};

sim_exec_fn sim_exec_pair(sim_exec_fn first, sim_exec_fn second, int wide_first, int wide_second)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].first[wide_first] == first && pairs[i].second[wide_second] == second)
			return pairs[i].fused[wide_first][wide_second];
	return NULL;
}
