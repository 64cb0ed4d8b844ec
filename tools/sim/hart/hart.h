/* SPDX-License-Identifier: MIT */
/*
 * One RV64 hart: architectural state, the interpreter's entry points and the
 * inline memory path shared by the scalar and the vector instructions.
 *
 * The hart knows nothing of the device around it: addresses are translated,
 * custom instructions executed and unknown CSRs served by callbacks.  Device
 * code never sees a host pointer; the only place that makes one is the
 * translate() callback, and what it returns is valid for one 4 KiB page.
 */
#ifndef GAON_SIM_HART_H
#define GAON_SIM_HART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIM_PAGE_SHIFT		12
#define SIM_PAGE_SIZE		(1ull << SIM_PAGE_SHIFT)
#define SIM_TLB_ENTRIES		256	/* per access kind, direct mapped */
#define SIM_VLEN_MIN		128
#define SIM_VLEN_MAX		65536

enum sim_access {
	SIM_ACCESS_FETCH,
	SIM_ACCESS_LOAD,
	SIM_ACCESS_STORE,
	SIM_ACCESS_KINDS,
	SIM_ACCESS_AMO = SIM_ACCESS_KINDS,	/* translate() only: cached as STORE */
};

/* Why sim_hart_run() came back. */
enum sim_exit {
	SIM_EXIT_BUDGET,	/* the instruction budget is used up */
	SIM_EXIT_STALL,		/* a custom instruction must wait; pc still points at it */
	SIM_EXIT_DONE,		/* control reached hart->exit_pc, or a callback asked to stop */
	SIM_EXIT_FAULT,		/* hart->fault says what happened; pc is the faulting one */
	SIM_EXIT_STOP,		/* hart->stop was set by another thread */
};

/* Causes carry the RISC-V exception codes, so that mcause in the bare runner is the same number. */
enum sim_cause {
	SIM_CAUSE_FETCH_MISALIGNED	= 0,
	SIM_CAUSE_FETCH_ACCESS		= 1,
	SIM_CAUSE_ILLEGAL		= 2,
	SIM_CAUSE_BREAK			= 3,
	SIM_CAUSE_LOAD_MISALIGNED	= 4,
	SIM_CAUSE_LOAD_ACCESS		= 5,
	SIM_CAUSE_STORE_MISALIGNED	= 6,
	SIM_CAUSE_STORE_ACCESS		= 7,
	SIM_CAUSE_ECALL_U		= 8,
	SIM_CAUSE_ECALL_S		= 9,
	SIM_CAUSE_ECALL_M		= 11,
	SIM_CAUSE_FETCH_PAGE		= 12,
	SIM_CAUSE_LOAD_PAGE		= 13,
	SIM_CAUSE_STORE_PAGE		= 15,
	SIM_CAUSE_CUSTOM		= 24,	/* device callback's own; fault.syndrome says more */
};

struct sim_fault {
	uint32_t cause;		/* enum sim_cause */
	uint32_t syndrome;	/* set by callbacks with SIM_CAUSE_CUSTOM, else the instruction word */
	uint64_t pc;
	uint64_t tval;		/* address or instruction bits, as RISC-V's xtval */
};

/* tag is the virtual page number, or SIM_TLB_INVALID; host is the page's first byte minus nothing. */
#define SIM_TLB_INVALID		UINT64_MAX
struct sim_tlb_entry {
	uint64_t tag;
	uint8_t *host;
};

/* Arrays of a power of two in size lie at the same offset of large areas: fold that part in. */
static inline uint64_t sim_tlb_index(uint64_t page)
{
	return (page ^ page >> 9) % SIM_TLB_ENTRIES;
}

struct sim_hart;
struct sim_decode_cache;
struct sim_jit;

/* A callback's answer. */
enum sim_op_status {
	SIM_OP_OK,
	SIM_OP_STALL,		/* SIM_EXIT_STALL, instruction to be executed again */
	SIM_OP_DONE,		/* SIM_EXIT_DONE after this instruction */
	SIM_OP_FAULT,		/* the callee filled hart->fault (pc is filled by the caller) */
	SIM_OP_ILLEGAL,		/* illegal-instruction fault */
};

/**
 * struct sim_hart_ops - what the world around a hart supplies
 * @translate: host address of the page at page-aligned @va for @access, or NULL with
 *	hart->fault.{cause,tval,syndrome} filled.  SIM_ACCESS_AMO asks for a page on which
 *	atomics are allowed; SIM_ACCESS_STORE for one that is writable.
 * @mmio: optional; called for loads and stores whose translate() returned NULL with
 *	fault.cause == SIM_CAUSE_CUSTOM && syndrome == SIM_MMIO.  @len is 1, 2, 4 or 8.
 *	Returns a status.  The bare runner's tohost, and memory that has no host address.
 * @mmio_is_memory: it takes any number of accesses in any order: those that are not aligned come
 *	byte by byte, those of the vector unit element by element
 * @custom: custom-0/1 opcodes.  @insn is the 32-bit word; the callback reads and writes hart->x.
 * @csr: access to a CSR that the hart does not own (the device's own, or machine mode in the
 *	bare runner).  *@value is the old value out; with @write the new value comes in @set.
 *	A read-modify-write is two calls.  Writes to CSRs that are read-only by their number never
 *	get here; privilege is the callback's to check.
 * @ecall: ecall; NULL means a fault with SIM_CAUSE_ECALL_U plus the mode.  ebreak always faults.
 * @trap: machine mode of the bare runner: given hart->fault, redirect hart->pc and return true,
 *	or return false for SIM_EXIT_FAULT.  NULL: every fault ends the run.
 * @system: mret, sret, wfi, sfence.vma; NULL means illegal.  hart->pc is the following instruction's.
 *
 * In @custom, @csr and @ecall hart->pc is the instruction's own; after SIM_OP_OK and SIM_OP_DONE the
 * hart goes on to the next one, unless the callback has changed hart->pc.  In these and in @system
 * instret and cycles16 are up to date, not counting the instruction itself, and every flush is
 * allowed.  A callback that faults has changed nothing.
 */
struct sim_hart_ops {
	uint8_t *(*translate)(struct sim_hart *hart, uint64_t va, enum sim_access access);
	enum sim_op_status (*mmio)(struct sim_hart *hart, uint64_t va, unsigned int len, bool write,
				   uint64_t *value);
	bool mmio_is_memory;
	enum sim_op_status (*custom)(struct sim_hart *hart, uint32_t insn);
	enum sim_op_status (*csr)(struct sim_hart *hart, unsigned int csr, bool write,
				  uint64_t set, uint64_t *value);
	enum sim_op_status (*ecall)(struct sim_hart *hart);
	bool (*trap)(struct sim_hart *hart);
	enum sim_op_status (*system)(struct sim_hart *hart, uint32_t insn);
};

#define SIM_MMIO		0x4d4d494fu

/* Rates and costs of the modelled clock; see Documentation/hw/time.rst.  All zero: time is off. */
struct sim_hart_costs {
	uint32_t scalar;	/* cycles per scalar instruction, in 1/16 cycle */
	uint32_t branch_taken;	/* further 1/16 cycles for a taken branch or jump */
	uint32_t load_use;	/* further 1/16 cycles for a scalar load */
	uint32_t divide;	/* further 1/16 cycles for div, rem, fdiv, fsqrt */
	uint32_t atomic;	/* further 1/16 cycles for lr, sc, amo */
	uint32_t dlen;		/* bits that a vector pipe handles in a cycle */
	uint32_t vector_startup;/* 1/16 cycles per vector instruction */
	uint32_t vmem_bytes;	/* bytes per cycle of a unit-stride vector access */
};

/**
 * struct sim_hart - one hart
 *
 * Owned by one thread at a time.  Only @stop may be written by others.
 */
struct sim_hart {
	uint64_t x[32];
	uint64_t pc;
	uint64_t f[32];			/* NaN-boxed below 64 bits */
	uint8_t *v;			/* 32 registers of vlenb bytes, 64-byte aligned */
	uint32_t vlenb;
	uint32_t vl;			/* at most 65536*8/8; fits */
	uint64_t vtype;			/* as the CSR: vill in bit 63 */
	uint32_t vstart;
	uint8_t vxrm, vxsat;
	uint8_t frm, fflags;		/* see fp_pending */
	uint8_t priv;			/* 0 U, 1 S, 3 M; U unless the bare runner says otherwise */
	bool fs_off, vs_off;		/* mstatus.FS/VS == 0 in the bare runner: illegal instruction */
	uint8_t counters_off;		/* bits 0 to 2: cycle, time, instret are illegal (xcounteren) */

	uint64_t instret;		/* instructions retired */
	uint64_t cycles16;		/* modelled cost so far, in 1/16 cycle */
	uint64_t exit_pc;		/* a jump here ends the run with SIM_EXIT_DONE */
	uint64_t lr_addr, lr_value;	/* reservation: address (| 1 for lr.w, UINT64_MAX none), value seen */
	struct sim_fault fault;
	bool fp_lazy;			/* inside sim_hart_run() and sim_hart_step() */
	bool fp_pending;		/* the host's sticky flags hold exceptions that fflags lacks */
	volatile uint32_t stop;		/* checked at taken branches' budget points */

	const struct sim_hart_ops *ops;
	void *ctx;			/* the owner's */
	const struct sim_hart_costs *costs;
	struct sim_decode_cache *code;	/* decoded pages; private to the hart */
	struct sim_jit *jit;		/* compiled runs of vector instructions, or NULL */
	struct sim_tlb_entry tlb[SIM_ACCESS_KINDS][SIM_TLB_ENTRIES];
};

/**
 * sim_hart_create() - allocate a hart in its reset state
 * @vlen: vector length in bits, a power of two, SIM_VLEN_MIN to SIM_VLEN_MAX
 *
 * Return: the hart, freed by sim_hart_destroy(); NULL when out of memory or @vlen is bad.
 */
struct sim_hart *sim_hart_create(unsigned int vlen, const struct sim_hart_ops *ops, void *ctx,
				 const struct sim_hart_costs *costs);
void sim_hart_destroy(struct sim_hart *hart);

/**
 * sim_hart_compile() - compile runs of vector instructions to host code, or do not
 * @threshold: executions before a run is compiled; 0: interpret everything, as a new hart does;
 *	1, for tests: at once, and runs of a single instruction too
 *
 * What the hart does is the same, bit for bit.  Not from callbacks.
 * Return: whether it compiles from now on; false if the host lacks AVX-512, or memory.
 */
bool sim_hart_compile(struct sim_hart *hart, uint32_t threshold);

struct sim_jit_stats {
	uint64_t compiled, refused;	/* translations made, and given up */
	uint64_t passes;		/* executions of compiled runs */
	uint64_t strips;		/* strips of them that the interpreter did */
};
struct sim_jit_stats sim_hart_compile_stats(const struct sim_hart *hart);

/* Clears registers, CSRs and counters; caches stay. Cheap: vector registers are cleared too. */
void sim_hart_reset(struct sim_hart *hart);

/**
 * sim_hart_run() - execute until the budget is used or something happens
 * @budget: most instructions to retire; may be exceeded by the length of one straight-line block
 *
 * Saves and restores the calling thread's floating-point control state.
 */
enum sim_exit sim_hart_run(struct sim_hart *hart, uint64_t budget);

/**
 * sim_hart_step() - execute one instruction
 *
 * Return: SIM_EXIT_BUDGET after one instruction or one trap, else as sim_hart_run().
 */
enum sim_exit sim_hart_step(struct sim_hart *hart);

/* Forget translations (all, or one page) and, with them, decoded code of those pages. */
void sim_hart_flush_tlb(struct sim_hart *hart);
void sim_hart_flush_page(struct sim_hart *hart, uint64_t va);
/* Forget decoded code only (fence.i, or memory changed under the hart). */
void sim_hart_flush_code(struct sim_hart *hart);

/* --- memory path, shared with the vector unit -------------------------------------------- */

/* Slow path: fills the TLB; NULL with hart->fault filled. */
uint8_t *sim_hart_page(struct sim_hart *hart, uint64_t va, enum sim_access access);

/*
 * Host address of @va, good up to the end of its 4 KiB page; NULL with hart->fault filled.
 */
static inline uint8_t *sim_hart_host(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	uint64_t page = va >> SIM_PAGE_SHIFT;
	struct sim_tlb_entry *e = &hart->tlb[access][sim_tlb_index(page)];
	uint8_t *host = e->host;

	if (__builtin_expect(e->tag != page, 0)) {
		host = sim_hart_page(hart, va, access);
		if (!host)
			return NULL;
	}
	return host + (va & (SIM_PAGE_SIZE - 1));
}

/*
 * While a hart runs, exceptions of its vector instructions stay in the host's sticky flags, and
 * fflags gets them before anything can look: before CSR accesses and callbacks and at the end of
 * the run.
 */
void sim_vector_settle(struct sim_hart *hart);

static inline void sim_hart_settle_fp(struct sim_hart *hart)
{
	if (__builtin_expect(hart->fp_pending, 0))
		sim_vector_settle(hart);
}

/* --- vector unit (tools/sim/hart/vector*) ------------------------------------------------- */

/*
 * A vector instruction's handler.  It checks everything that depends on vtype, vl and vstart,
 * executes, clears vstart, adds its cost to hart->cycles16 and returns.  On SIM_OP_FAULT it has
 * filled hart->fault.{cause,tval} and left vstart at the faulting element.
 */
typedef enum sim_op_status (*sim_vector_fn)(struct sim_hart *hart, uint32_t insn);

/*
 * Handler for an instruction of major opcode OP-V, LOAD-FP or STORE-FP with a vector width, or
 * NULL if the encoding is reserved whatever the state.  vset{i}vl{i} are included; scalar FP
 * loads and stores are not (NULL for them: the scalar decoder asks first for its own widths).
 */
sim_vector_fn sim_vector_decode(uint32_t insn);

#endif
