/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's inner border: decoded operations, code pages and the handlers' calling rules.
 *
 * Dispatch is threaded: each handler ends in a tail call to the next operation's handler, with the
 * machine state in argument registers.  A code page has one operation slot per halfword of a 4 KiB
 * page, so that a jump's target is found by its offset and an instruction's address by its slot.
 *
 * Accounting is per block.  An operation's @info holds the number of instructions (upper half) and
 * the modelled cost (lower half) from it to the end of its straight line, conditional branches
 * included.  It is added when control enters there; who leaves earlier takes the rest back.
 * The accumulator's upper half starts at minus the budget, so its sign says when to stop.
 */
#ifndef GAON_SIM_EXEC_H
#define GAON_SIM_EXEC_H

#include "decode.h"
#include "hart.h"

#if defined(__x86_64__) || defined(__aarch64__)
#define SIM_CC	__attribute__((preserve_none))
#else
#define SIM_CC
#endif
#define SIM_TAIL	__attribute__((musttail)) return

#define SIM_LIKELY(x)	__builtin_expect(!!(x), 1)
#define SIM_UNLIKELY(x)	__builtin_expect(!!(x), 0)

#define SIM_PAGE_SLOTS	(SIM_PAGE_SIZE / 2)
#define SIM_CODE_PAGES	128	/* per hart, direct mapped */
#define SIM_AMO_ENTRIES	16
#define SIM_VECTOR_FNS	1024
#define SIM_CHUNK	4096	/* instructions between looks at hart->stop */
#define SIM_COST_MAX	0xfffu	/* of one static cost, so that a chunk's sum fits 32 bits */

struct sim_op;
struct sim_code_page;

/* Why the chain of handlers ended. hart->pc and the counters are up to date. */
enum sim_leave { SIM_LEAVE_BUDGET, SIM_LEAVE_STALL, SIM_LEAVE_DONE, SIM_LEAVE_FAULT };

#define SIM_EXEC_ARGS	struct sim_hart *h, const struct sim_op *op, struct sim_code_page *pg, \
			int64_t acc
typedef int (SIM_CC *sim_exec_fn)(SIM_EXEC_ARGS);

struct sim_op {
	sim_exec_fn fn;
	int64_t info;
	int32_t imm;		/* immediate, rounding mode, instruction word or branch distance */
	uint8_t rd, rs1, rs2, rs3;
};

#define SIM_INFO_ONE	(1ll << 32)

struct sim_code_page {
	uint64_t vpn;
	uint64_t generation;
	uint32_t lo, hi;	/* slots outside [lo, hi) are untouched */
	int64_t taken;		/* cost of a taken branch */
	/* The last three are end marks; a fused pair may look at the slot after an end mark. */
	struct sim_op ops[SIM_PAGE_SLOTS + 3];
};

struct sim_decode_cache {
	struct sim_code_page *pages[SIM_CODE_PAGES];
	struct sim_code_page *spare;	/* used when no page can be allocated */
	struct sim_code_page *step;	/* one instruction at a time; made on first use */
	uint64_t generation;		/* pages of another one are stale */
	uint64_t exit_pc;		/* the one that pages were decoded for */
	int64_t base;			/* accumulator's upper half at the last settlement */
	struct sim_tlb_entry amo[SIM_AMO_ENTRIES];
	sim_vector_fn vector[SIM_VECTOR_FNS];
	unsigned int vectors;
};

static inline uint64_t sim_op_pc(const struct sim_op *op, const struct sim_code_page *pg)
{
	return (pg->vpn << SIM_PAGE_SHIFT) + (uint64_t)(op - pg->ops) * 2;
}

/* --- for handlers ------------------------------------------------------------------------- */

/* Go on with the operation @n slots further. */
#define SIM_NEXT(n)							\
	do {								\
		const struct sim_op *next_ = op + (n);			\
		SIM_TAIL next_->fn(h, next_, pg, acc);			\
	} while (0)

/*
 * Take a branch of @dist bytes of slots inside the page, at an operation of @len slots: give back
 * the rest of the line, stop if the budget is used, enter the target.
 */
#define SIM_BRANCH(len)							\
	do {								\
		const struct sim_op *to_ = (const void *)((const char *)op + op->imm);	\
		acc += pg->taken - op[len].info;			\
		if (SIM_UNLIKELY(acc >= 0))				\
			SIM_TAIL sim_x_budget(h, to_, pg, acc);		\
		acc += to_->info;					\
		SIM_TAIL to_->fn(h, to_, pg, acc);			\
	} while (0)

/* Define handlers of 16- and 32-bit encodings; LEN is the length in slots. */
#define SIM_OP_BARE(name, ...)								\
int SIM_CC sim_x_##name##_2(SIM_EXEC_ARGS) { enum { LEN = 1 }; __VA_ARGS__ }		\
int SIM_CC sim_x_##name##_4(SIM_EXEC_ARGS) { enum { LEN = 2 }; __VA_ARGS__ }
#define SIM_OP(name, ...)	SIM_OP_BARE(name, { __VA_ARGS__ } SIM_NEXT(LEN);)
/*
 * What to do when a callback or a slow path did not answer SIM_OP_OK, in an operation of @len slots
 * in the middle of a line, or (@len 0) at its end with h->pc set.
 */
#define SIM_NOT_OK(status, len)							\
	do {									\
		switch (status) {						\
		case SIM_OP_STALL:						\
			SIM_TAIL sim_x_stall(h, op, pg, acc);			\
		case SIM_OP_FAULT:						\
			SIM_TAIL sim_x_fault(h, op, pg, acc);			\
		case SIM_OP_DONE:						\
			if (len) {						\
				h->pc = sim_op_pc(op, pg) + (len) * 2;		\
				acc -= op[len].info;				\
			}							\
			SIM_TAIL sim_x_done(h, op, pg, acc);			\
		default:							\
			SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);		\
		}								\
	} while (0)

#define SIM_PROTO(name)						\
	int SIM_CC sim_x_##name##_2(SIM_EXEC_ARGS);		\
	int SIM_CC sim_x_##name##_4(SIM_EXEC_ARGS);
#define SIM_GROUP(major)
#define SIM_INSN(name, text, match, mask, format, flags)	SIM_PROTO(name)
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
SIM_PROTO(nop)
SIM_PROTO(load_x0)
SIM_PROTO(vector)
SIM_PROTO(vector_any)
SIM_PROTO(vector_run)
SIM_PROTO(illegal)
SIM_PROTO(j_near)
SIM_PROTO(jal_near)
SIM_PROTO(beq_near)
SIM_PROTO(bne_near)
SIM_PROTO(blt_near)
SIM_PROTO(bge_near)
SIM_PROTO(bltu_near)
SIM_PROTO(bgeu_near)

/* Slot not decoded yet; end of page; exit_pc; an instruction whose second half did not load. */
int SIM_CC sim_x_decode(SIM_EXEC_ARGS);
int SIM_CC sim_x_end(SIM_EXEC_ARGS);
int SIM_CC sim_x_exit(SIM_EXEC_ARGS);
int SIM_CC sim_x_retry(SIM_EXEC_ARGS);
/* Continue at h->pc; everything that ran is in acc. */
int SIM_CC sim_x_goto(SIM_EXEC_ARGS);
/* Leave before @op, whose info is not in acc. */
int SIM_CC sim_x_budget(SIM_EXEC_ARGS);
/* Leave at @op, whose info is in acc, with h->fault.cause and tval set. */
int SIM_CC sim_x_fault(SIM_EXEC_ARGS);
/* The same for an illegal instruction. */
int SIM_CC sim_x_fault_illegal(SIM_EXEC_ARGS);
/* Leave at @op without executing it: it stalls. */
int SIM_CC sim_x_stall(SIM_EXEC_ARGS);
/* Leave after @op, which has been executed and counted; h->pc is set. */
int SIM_CC sim_x_done(SIM_EXEC_ARGS);

/* Bring hart->instret and cycles16 up to date; returns what acc is from now on. */
int64_t sim_exec_settle(struct sim_hart *h, int64_t acc);

/* One handler for two adjacent operations, or NULL (exec_pair.c). */
sim_exec_fn sim_exec_pair(sim_exec_fn first, sim_exec_fn second, int wide_first, int wide_second);

/* --- code pages (code.c) ------------------------------------------------------------------ */

struct sim_decode_cache *sim_code_create(void);
void sim_code_destroy(struct sim_decode_cache *code);
/* The page of @pc, empty if it was not there. Never fails. */
struct sim_code_page *sim_code_page(struct sim_hart *h, uint64_t pc);
/* A page in which nothing but the instruction at @pc is executed; NULL without memory. */
struct sim_code_page *sim_code_step_page(struct sim_hart *h, uint64_t pc);
/* Decode the straight line from slot @first; false with hart->fault filled if it can't be read. */
bool sim_code_decode(struct sim_hart *h, struct sim_code_page *pg, uint32_t first);
/* Forget what is decoded of one page. */
void sim_code_forget(struct sim_hart *h, uint64_t va);

/* --- CSRs (csr.c) ------------------------------------------------------------------------- */

/* Executes a Zicsr instruction; counters must be up to date. */
enum sim_op_status sim_csr_execute(struct sim_hart *h, uint32_t word);

/* --- memory (memory.c) -------------------------------------------------------------------- */

/* Loads and stores of any alignment; false with hart->fault filled, or with *status != FAULT. */
enum sim_op_status sim_memory_load(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t *value);

/* translate() has just refused a page because it is reached by mmio(), as memory. */
static inline bool sim_memory_is_remote(const struct sim_hart *h)
{
	return h->fault.cause == SIM_CAUSE_CUSTOM && h->fault.syndrome == SIM_MMIO &&
	       h->ops->mmio_is_memory;
}
enum sim_op_status sim_memory_store(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t value);
/* Host address for an atomic of @len bytes, or NULL with hart->fault filled. */
uint8_t *sim_memory_atomic(struct sim_hart *h, uint64_t va, unsigned int len, bool is_load);

#endif
