// SPDX-License-Identifier: MIT
/*
 * Control flow, the system instructions and the ways out of the chain of handlers.
 */
#include "exec.h"
#include "guest.h"
#include "jit.h"

#define RS1	h->x[op->rs1]
#define RS2	h->x[op->rs2]
#define IMM	((uint64_t)(int64_t)op->imm)

/* --- leaving ------------------------------------------------------------------------------ */

int64_t sim_exec_settle(struct sim_hart *h, int64_t acc)
{
	int64_t upper = acc >> 32;

	h->instret += (uint64_t)(upper - h->code->base);
	h->cycles16 += (uint32_t)acc;
	h->code->base = upper;
	return upper * SIM_INFO_ONE;
}

int SIM_CC sim_x_budget(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	sim_exec_settle(h, acc);
	return SIM_LEAVE_BUDGET;
}

int SIM_CC sim_x_done(SIM_EXEC_ARGS)
{
	(void)op;
	(void)pg;
	sim_exec_settle(h, acc);
	return SIM_LEAVE_DONE;
}

int SIM_CC sim_x_stall(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	sim_exec_settle(h, acc - op->info);
	return SIM_LEAVE_STALL;
}

/* The instruction at h->pc as far as it can be read: for the fault record only. */
static uint32_t instruction_word(struct sim_hart *h)
{
	struct sim_fault fault = h->fault;
	uint32_t word = 0;
	uint8_t *host = sim_hart_host(h, h->pc, SIM_ACCESS_FETCH);

	if (host && !(h->pc & 1)) {
		word = guest_read_uint16_t(host);
		if ((word & 3) == 3) {
			host = sim_hart_host(h, h->pc + 2, SIM_ACCESS_FETCH);
			word = host ? word | (uint32_t)guest_read_uint16_t(host) << 16 : word;
		}
	}
	h->fault = fault;
	return word;
}

int SIM_CC sim_x_fault(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	h->fault.pc = h->pc;
	sim_exec_settle(h, acc - op->info);
	if (h->fault.cause != SIM_CAUSE_CUSTOM)
		h->fault.syndrome = instruction_word(h);
	return SIM_LEAVE_FAULT;
}

int SIM_CC sim_x_fault_illegal(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	h->fault.pc = h->pc;
	sim_exec_settle(h, acc - op->info);
	h->fault.cause = SIM_CAUSE_ILLEGAL;
	h->fault.syndrome = instruction_word(h);
	h->fault.tval = h->fault.syndrome;
	return SIM_LEAVE_FAULT;
}

/* --- finding the next operation ----------------------------------------------------------- */

int SIM_CC sim_x_goto(SIM_EXEC_ARGS)
{
	uint64_t pc = h->pc;

	if (SIM_UNLIKELY(pc == h->exit_pc)) {
		sim_exec_settle(h, acc);
		return SIM_LEAVE_DONE;
	}
	if (SIM_UNLIKELY(acc >= 0)) {
		sim_exec_settle(h, acc);
		return SIM_LEAVE_BUDGET;
	}
	if (SIM_UNLIKELY(pc & 1)) {
		sim_exec_settle(h, acc);
		h->fault = (struct sim_fault){ .cause = SIM_CAUSE_FETCH_MISALIGNED, .pc = pc,
					       .tval = pc };
		return SIM_LEAVE_FAULT;
	}
	pg = sim_code_page(h, pc);
	op = &pg->ops[(pc & (SIM_PAGE_SIZE - 1)) / 2];
	acc += op->info;
	SIM_TAIL op->fn(h, op, pg, acc);
}

int SIM_CC sim_x_decode(SIM_EXEC_ARGS)
{
	if (!sim_code_decode(h, pg, (uint32_t)(op - pg->ops)))
		SIM_TAIL sim_x_fault(h, op, pg, acc);
	acc += op->info;
	SIM_TAIL op->fn(h, op, pg, acc);
}

int SIM_CC sim_x_end(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	SIM_TAIL sim_x_goto(h, op, pg, acc);
}

int SIM_CC sim_x_exit(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	sim_exec_settle(h, acc);
	return SIM_LEAVE_DONE;
}

/* The second half could not be read when the line was decoded.  Decode the page anew. */
int SIM_CC sim_x_retry(SIM_EXEC_ARGS)
{
	h->pc = sim_op_pc(op, pg);
	sim_code_forget(h, h->pc);
	SIM_TAIL sim_x_goto(h, op, pg, acc);
}

/* --- jumps and branches ------------------------------------------------------------------- */

/* To h->pc, anywhere. */
#define JUMP(rest)							\
	do {								\
		acc += pg->taken - (rest);				\
		SIM_TAIL sim_x_goto(h, op, pg, acc);			\
	} while (0)

SIM_OP_BARE(jal,
	uint64_t pc = sim_op_pc(op, pg);
	h->x[op->rd] = pc + LEN * 2;
	h->x[0] = 0;
	h->pc = pc + IMM;
	JUMP(0);)

/* Ends of line: nothing to give back, hence not SIM_BRANCH(). */
#define NEAR()									\
	do {									\
		const struct sim_op *to_ = (const void *)((const char *)op + op->imm);	\
		acc += pg->taken;						\
		if (SIM_UNLIKELY(acc >= 0))					\
			SIM_TAIL sim_x_budget(h, to_, pg, acc);			\
		acc += to_->info;						\
		SIM_TAIL to_->fn(h, to_, pg, acc);				\
	} while (0)

SIM_OP_BARE(j_near, (void)LEN; NEAR();)
SIM_OP_BARE(jal_near,
	h->x[op->rd] = sim_op_pc(op, pg) + LEN * 2;
	NEAR();)

/* Mostly a return, and often to the same page. */
SIM_OP_BARE(jalr,
	uint64_t to = (RS1 + IMM) & ~1ull;
	h->x[op->rd] = sim_op_pc(op, pg) + LEN * 2;
	h->x[0] = 0;
	if (to >> SIM_PAGE_SHIFT != pg->vpn) {
		h->pc = to;
		JUMP(0);
	}
	op = &pg->ops[(to & (SIM_PAGE_SIZE - 1)) / 2];
	acc += pg->taken;
	if (SIM_UNLIKELY(acc >= 0))
		SIM_TAIL sim_x_budget(h, op, pg, acc);
	acc += op->info;
	SIM_TAIL op->fn(h, op, pg, acc);)

#define BRANCH(name, condition)							\
SIM_OP_BARE(name,								\
	if (!(condition))							\
		SIM_NEXT(LEN);							\
	h->pc = sim_op_pc(op, pg) + IMM;					\
	JUMP(op[LEN].info);)							\
SIM_OP_BARE(name##_near,							\
	if (!(condition))							\
		SIM_NEXT(LEN);							\
	SIM_BRANCH(LEN);)

BRANCH(beq, RS1 == RS2)
BRANCH(bne, RS1 != RS2)
BRANCH(blt, (int64_t)RS1 < (int64_t)RS2)
BRANCH(bge, (int64_t)RS1 >= (int64_t)RS2)
BRANCH(bltu, RS1 < RS2)
BRANCH(bgeu, RS1 >= RS2)

/* --- system ------------------------------------------------------------------------------- */

/*
 * Before a callback: h->pc and the counters as they are at this instruction.  All of these end
 * their line, so that op->info is the instruction's own.
 */
#define SETTLED(at)								\
	do {									\
		h->pc = (at);							\
		sim_hart_settle_fp(h);						\
		acc = sim_exec_settle(h, acc - op->info) + op->info;		\
	} while (0)

/* After it: on to the next instruction unless the callback went somewhere else. */
#define FINISH(status, pc)							\
	do {									\
		enum sim_op_status st_ = (status);				\
		h->x[0] = 0;							\
		if ((st_ == SIM_OP_OK || st_ == SIM_OP_DONE) && h->pc == (pc))	\
			h->pc = (pc) + LEN * 2;					\
		if (SIM_UNLIKELY(st_ != SIM_OP_OK))				\
			SIM_NOT_OK(st_, 0);					\
		SIM_TAIL sim_x_goto(h, op, pg, acc);				\
	} while (0)

SIM_OP_BARE(illegal, (void)LEN; SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);)

#define CUSTOM(name)								\
SIM_OP_BARE(name,								\
	uint64_t pc = sim_op_pc(op, pg);					\
	if (!h->ops->custom)							\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);			\
	SETTLED(pc);								\
	FINISH(h->ops->custom(h, (uint32_t)op->imm), pc);)

CUSTOM(custom)
CUSTOM(custom1)

#define CSR(name)								\
SIM_OP_BARE(name,								\
	uint64_t pc = sim_op_pc(op, pg);					\
	SETTLED(pc);								\
	FINISH(sim_csr_execute(h, (uint32_t)op->imm), pc);)

CSR(csrrw)
CSR(csrrs)
CSR(csrrc)
CSR(csrrwi)
CSR(csrrsi)
CSR(csrrci)

SIM_OP_BARE(ecall,
	uint64_t pc = sim_op_pc(op, pg);
	if (h->ops->ecall) {
		SETTLED(pc);
		FINISH(h->ops->ecall(h), pc);
	}
	h->fault.cause = SIM_CAUSE_ECALL_U + (h->priv & 3);
	h->fault.tval = 0;
	SIM_TAIL sim_x_fault(h, op, pg, acc);)

SIM_OP_BARE(ebreak, (void)LEN;
	h->fault.cause = SIM_CAUSE_BREAK;
	h->fault.tval = sim_op_pc(op, pg);
	SIM_TAIL sim_x_fault(h, op, pg, acc);)

/* The callback finds h->pc at the next instruction already: mret may well jump to itself. */
#define SYSTEM(name)								\
SIM_OP_BARE(name,								\
	if (!h->ops->system)							\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);			\
	SETTLED(sim_op_pc(op, pg) + LEN * 2);					\
	enum sim_op_status st = h->ops->system(h, (uint32_t)op->imm);		\
	if (SIM_UNLIKELY(st != SIM_OP_OK))					\
		SIM_NOT_OK(st, 0);						\
	SIM_TAIL sim_x_goto(h, op, pg, acc);)

SYSTEM(mret)
SYSTEM(sret)
SYSTEM(wfi)
SYSTEM(sfence_vma)

SIM_OP_BARE(fence_i,
	sim_hart_flush_code(h);
	h->pc = sim_op_pc(op, pg) + LEN * 2;
	SIM_TAIL sim_x_goto(h, op, pg, acc);)

/* Only a fence of earlier writes against later reads costs anything on the hosts we care for. */
SIM_OP(fence,
	if ((op->imm & 0x05000000) && (op->imm & 0x00a00000))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_thread_fence(__ATOMIC_ACQ_REL);)

#define VECTOR(name, fn)							\
SIM_OP_BARE(name,								\
	if (SIM_UNLIKELY(h->vs_off))						\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);			\
	enum sim_op_status st = (fn)(h, (uint32_t)op->imm);			\
	if (SIM_UNLIKELY(st != SIM_OP_OK))					\
		SIM_NOT_OK(st, LEN);						\
	SIM_NEXT(LEN);)

VECTOR(vector, h->code->vector[op->rd | op->rs1 << 8])
/* The first of a run of vector instructions, which may have been compiled (jit.h). */
SIM_OP_BARE(vector_run,
	unsigned int slots = jit_enter(h, pg, (uint32_t)(op - pg->ops), op->rs2 | op->rs3 << 8);
	if (slots)
		SIM_NEXT(slots);
	SIM_TAIL (LEN == 1 ? sim_x_vector_2 : sim_x_vector_4)(h, op, pg, acc);)

VECTOR(vector_any, sim_vector_decode((uint32_t)op->imm))
