/* SPDX-License-Identifier: MIT */
/*
 * The management core: one RV32IMAC_Zicsr_Zifencei hart with machine mode only.
 * Specification: Documentation/hw/mcu.rst.
 *
 * The core knows nothing of the device around it.  Memory is a list of regions owned by the
 * caller; every other address goes to the caller's callbacks.  No globals; one thread at a time.
 */
#ifndef GAON_SIM_MCU_H
#define GAON_SIM_MCU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MCU_REGIONS		4
#define SIM_MCU_PAGE		4096u

/* Bits of mip and mie. */
#define SIM_MCU_MSIP		(1u << 3)
#define SIM_MCU_MTIP		(1u << 7)
#define SIM_MCU_MEIP		(1u << 11)

#define SIM_MCU_MSTATUS_MIE	(1u << 3)
#define SIM_MCU_MSTATUS_MPIE	(1u << 7)
#define SIM_MCU_MSTATUS_MPP	(3u << 11)

enum sim_mcu_cause {
	SIM_MCU_FETCH_MISALIGNED = 0,
	SIM_MCU_FETCH_ACCESS = 1,
	SIM_MCU_ILLEGAL = 2,
	SIM_MCU_BREAK = 3,
	SIM_MCU_LOAD_MISALIGNED = 4,
	SIM_MCU_LOAD_ACCESS = 5,
	SIM_MCU_STORE_MISALIGNED = 6,
	SIM_MCU_STORE_ACCESS = 7,
	SIM_MCU_ECALL = 11,
};

/* Why sim_mcu_run() came back. */
enum sim_mcu_exit {
	SIM_MCU_BUDGET,		/* the instruction budget is used up */
	SIM_MCU_WFI,		/* sleeping: nothing to do until sim_mcu_set_irq() raises something */
	SIM_MCU_LOCKUP,		/* trap without a handler, or a trap whose handler cannot start */
	SIM_MCU_STOP,		/* a callback called sim_mcu_stop() */
};

/**
 * struct sim_mcu_region - memory that the core reads, writes and executes
 * @base: first address, a multiple of SIM_MCU_PAGE
 * @size: bytes, a multiple of SIM_MCU_PAGE, not 0; base + size is at most 2^32
 * @data: the bytes; the caller's, valid until sim_mcu_destroy()
 */
struct sim_mcu_region {
	uint32_t base;
	uint32_t size;
	uint8_t *data;
};

/**
 * struct sim_mcu_ops - everything that is not memory
 * @read, @write: naturally aligned access of @len 1, 2 or 4 bytes; false is a bus error and
 *	becomes an access fault.  May call sim_mcu_set_irq() and sim_mcu_stop(), nothing else.
 *	NULL: every such access is a bus error.
 */
struct sim_mcu_ops {
	bool (*read)(void *ctx, uint32_t addr, unsigned int len, uint32_t *value);
	bool (*write)(void *ctx, uint32_t addr, unsigned int len, uint32_t value);
};

/**
 * struct sim_mcu_state - the whole architectural state, for save, load, tests and crash logs
 * @x: integer registers; x[0] is always 0
 * @waiting: inside wfi
 * @mip: interrupt lines as last set
 * @lr_valid, @lr_addr: reservation
 */
struct sim_mcu_state {
	uint32_t x[32];
	uint32_t pc;
	uint32_t mstatus, mie, mip, mtvec, mscratch, mepc, mcause, mtval;
	uint64_t mcycle, minstret;
	uint32_t lr_addr;
	bool lr_valid;
	bool waiting;
	bool locked_up;
};

struct sim_mcu;

/**
 * sim_mcu_create() - make a core, in reset at pc 0
 * @regions, @region_count: memory, 1 to SIM_MCU_REGIONS, not overlapping; copied
 * @ops, @ctx: callbacks for other addresses; @ops is copied
 *
 * Return: the core, or NULL when a region is malformed or memory is short.
 */
struct sim_mcu *sim_mcu_create(const struct sim_mcu_region *regions, unsigned int region_count,
			       const struct sim_mcu_ops *ops, void *ctx);

/*
 * What bare-metal test programs look for beside mcu.rst's CSRs: delegation, satp, counter-enable and
 * trigger CSRs that read 0 whatever is written, and the counters' user-level names. The device has none.
 */
void sim_mcu_set_bare(struct sim_mcu *mcu);

/* NULL is allowed. */
void sim_mcu_destroy(struct sim_mcu *mcu);

/* Registers and CSRs to their reset values, instruction cache empty, next instruction at @pc. */
void sim_mcu_reset(struct sim_mcu *mcu, uint32_t pc);

/**
 * sim_mcu_run() - execute at most @budget instructions
 *
 * An interrupt entry counts as none.  After SIM_MCU_LOCKUP only sim_mcu_reset() helps: further
 * calls return it again.
 */
enum sim_mcu_exit sim_mcu_run(struct sim_mcu *mcu, uint64_t budget);

/* Sets or clears interrupt lines (SIM_MCU_MSIP, MTIP, MEIP).  May be called from a callback. */
void sim_mcu_set_irq(struct sim_mcu *mcu, uint32_t lines, bool level);

/* True if sim_mcu_run() would execute something: awake, or a line that mie enables is up. */
bool sim_mcu_runnable(const struct sim_mcu *mcu);

/* From a callback: leave sim_mcu_run() with SIM_MCU_STOP after the current instruction. */
void sim_mcu_stop(struct sim_mcu *mcu);

/*
 * The instruction cache is not coherent: after the caller changed code in a region behind the
 * core's back (boot ROM, loader), it calls this; DMA started by the program needs fence.i.
 */
void sim_mcu_flush_icache(struct sim_mcu *mcu);

/* NULL unless [@addr, @addr + @len) lies inside one region. */
uint8_t *sim_mcu_memory(struct sim_mcu *mcu, uint32_t addr, uint32_t len);

void sim_mcu_get_state(const struct sim_mcu *mcu, struct sim_mcu_state *state);
/* Values that no core could hold are brought into range (WARL fields). */
void sim_mcu_set_state(struct sim_mcu *mcu, const struct sim_mcu_state *state);

#endif
