/* SPDX-License-Identifier: MIT */
/*
 * A bare machine around one hart: memory, host interface, and privileged state.
 */
#ifndef GAON_SIM_BARE_H
#define GAON_SIM_BARE_H

#include "hart/hart.h"
#include "runner.h"

#define BARE_RAM_BASE	0x80000000ull
#define BARE_RAM_SIZE	(256ull << 20)
#define BARE_MEMORY_MAX	(4ull << 30)	/* of what an ELF file may ask for */
#define BARE_REGIONS	(SIM_ELF_SEGMENTS + 1)

struct bare_region {
	uint64_t base, size;	/* whole pages */
	uint8_t *host;
};

struct bare {
	struct sim_hart *hart;
	struct bare_region region[BARE_REGIONS];
	unsigned int regions;
	uint64_t tohost, fromhost;
	bool finished;
	uint64_t exit_code;

	/* machine and supervisor state */
	uint64_t mstatus, medeleg, mideleg, mie, mip, mtvec, mcounteren, mscratch, mepc, mcause, mtval;
	uint64_t stvec, scounteren, sscratch, sepc, scause, stval, satp;
	uint64_t menvcfg, senvcfg, mcountinhibit;
	uint64_t last_trap_pc;
	unsigned int same_traps;	/* in a row from one address without progress */
	uint64_t last_trap_instret;
	bool stuck;

	struct sim_hart old;		/* for tracing: the state before the instruction */
	uint8_t *old_v;
};

#define MSTATUS_SIE	(1ull << 1)
#define MSTATUS_MIE	(1ull << 3)
#define MSTATUS_SPIE	(1ull << 5)
#define MSTATUS_MPIE	(1ull << 7)
#define MSTATUS_SPP	(1ull << 8)
#define MSTATUS_VS	(3ull << 9)
#define MSTATUS_MPP	(3ull << 11)
#define MSTATUS_MPP_SHIFT	11
#define MSTATUS_FS	(3ull << 13)
#define MSTATUS_MPRV	(1ull << 17)
#define MSTATUS_SUM	(1ull << 18)
#define MSTATUS_MXR	(1ull << 19)
#define MSTATUS_TVM	(1ull << 20)
#define MSTATUS_TW	(1ull << 21)
#define MSTATUS_TSR	(1ull << 22)
#define MSTATUS_UXL	(2ull << 32)
#define MSTATUS_SXL	(2ull << 34)
#define MSTATUS_SD	(1ull << 63)

/* Host address of @len physical bytes in one region, or NULL. */
uint8_t *bare_physical(struct bare *b, uint64_t pa, uint64_t len);
/* Memory of an ELF file's segments and the default RAM; 0, or -1 having said why. */
int bare_load(struct bare *b, const struct sim_elf *elf);
void bare_free(struct bare *b);

/* Look at tohost: serves requests, sets finished. */
void bare_poll(struct bare *b);

/* --- privileged architecture (priv.c, mmu.c) ----------------------------------------------- */

void bare_reset(struct bare *b);
enum sim_op_status bare_csr(struct sim_hart *h, unsigned int csr, bool write, uint64_t set,
			    uint64_t *value);
enum sim_op_status bare_system(struct sim_hart *h, uint32_t insn);
bool bare_trap(struct sim_hart *h);
uint8_t *bare_translate(struct sim_hart *h, uint64_t va, enum sim_access access);
/* After a change of state that the hart's caches or flags depend on. */
void bare_mode_changed(struct bare *b);
void bare_status_changed(struct bare *b);
/* Take an interrupt that is pending and enabled, the next instruction being at @next. */
void bare_interrupt(struct bare *b, uint64_t next);

/* --- tracing (trace.c) ---------------------------------------------------------------------- */

/* Execute one instruction and print a line about it. */
enum sim_exit bare_trace_step(struct bare *b, FILE *out);

#endif
