/* SPDX-License-Identifier: MIT */
/*
 * What the firmware sees: the management core's memory map and registers.
 * Specification: Documentation/hw/mcu.rst. All registers are 32 bits; _LO/_HI pairs make 64.
 */
#ifndef GAON_HW_MCU_H
#define GAON_HW_MCU_H

#define GAON_MCU_SRAM		0x20000000u
#define GAON_MCU_SRAM_SIZE	0x00200000u	/* 2 MiB */
#define GAON_MCU_REGS		0x40000000u
#define GAON_MCU_REGS_SIZE	0x1000u

/* System */
#define GAON_MCU_STATE		0x000	/* rw: the host's STATE register; READY, DEGRADED or FATAL */
#define GAON_MCU_PANIC		0x004	/* wo: value to BOOT_ERROR's upper 16 bits; state FATAL */
#define GAON_MCU_FW_VERSION	0x008	/* wo */
#define GAON_MCU_FW_ABI		0x00c	/* wo: min << 16 | max */
#define GAON_MCU_HEARTBEAT	0x010	/* wo: the host's HEARTBEAT register */
#define GAON_MCU_FUSES		0x014	/* ro: bit 0 debug */

/* Interrupts: one external interrupt (mip.MEIP) while PENDING & ENABLE; MTIP from the timer */
#define GAON_MCU_IRQ_PENDING	0x020	/* ro; write 1 to clear the edge-triggered bits */
#define GAON_MCU_IRQ_ENABLE	0x024	/* rw */
#define GAON_MCU_IRQ_ADMIN	(1u << 0)	/* edge: ADMIN_TAIL or ADMIN_ENABLE was written */
#define GAON_MCU_IRQ_SLOT	(1u << 1)	/* level: slot event FIFO not empty */
#define GAON_MCU_IRQ_PENDQ	(1u << 2)	/* level: a non-resident queue's doorbell rang */
#define GAON_MCU_IRQ_POWER	(1u << 3)	/* edge: POWER_MW or TEMP_MC were measured anew */

/* Time: host clock in ns, for heartbeats; not modelled cycles */
#define GAON_MCU_TIME_LO	0x030
#define GAON_MCU_TIME_HI	0x034
#define GAON_MCU_TIMECMP_LO	0x038	/* MTIP while TIME >= TIMECMP; all ones: off */
#define GAON_MCU_TIMECMP_HI	0x03c
#define GAON_MCU_CYCLE_LO	0x040	/* modelled cycles; reading LO latches HI */
#define GAON_MCU_CYCLE_HI	0x044

/* DMA between physical memory (host or HBM) and SRAM; done when the write to CTRL returns */
#define GAON_MCU_DMA_PA_LO	0x050
#define GAON_MCU_DMA_PA_HI	0x054
#define GAON_MCU_DMA_SRAM	0x058	/* address in SRAM */
#define GAON_MCU_DMA_LEN	0x05c	/* bytes, at most 64 KiB */
#define GAON_MCU_DMA_CTRL	0x060	/* wo: GAON_MCU_DMA_READ or _WRITE */
#define GAON_MCU_DMA_STATUS	0x064	/* ro: 0 good, 1 failed (nothing, or a part, was moved) */
#define GAON_MCU_DMA_READ	1	/* to SRAM */
#define GAON_MCU_DMA_WRITE	2	/* from SRAM */

/* Admin rings as the host set them (read-only copies, latched by ADMIN_ENABLE) */
#define GAON_MCU_ADMIN_SQ_LO	0x080
#define GAON_MCU_ADMIN_SQ_HI	0x084
#define GAON_MCU_ADMIN_CQ_LO	0x088
#define GAON_MCU_ADMIN_CQ_HI	0x08c
#define GAON_MCU_ADMIN_STATE_LO	0x090
#define GAON_MCU_ADMIN_STATE_HI	0x094
#define GAON_MCU_ADMIN_LOG2	0x098	/* 0 while not enabled or if the host's value is out of range;
					 * bits 31:16 count the enables */
#define GAON_MCU_ADMIN_TAIL	0x09c
#define GAON_MCU_ADMIN_RAISE	0x0a0	/* wo: MSI-X vector 0 */

/* Identity: word i of struct gaon_identify as the hardware fills it (abi, fw fields 0) */
#define GAON_MCU_IDENT_INDEX	0x0b0
#define GAON_MCU_IDENT_VALUE	0x0b4
/* Telemetry: word i of struct gaon_telemetry; writing INDEX 0 latches all of them */
#define GAON_MCU_TELE_INDEX	0x0b8
#define GAON_MCU_TELE_VALUE	0x0bc

/* Context table: set the fields, then write CMD; STATUS is 0 or GAON_ADMIN_ERR_* */
#define GAON_MCU_CTX_INDEX	0x100
#define GAON_MCU_CTX_ASID	0x104
#define GAON_MCU_CTX_ROOT_LO	0x108
#define GAON_MCU_CTX_ROOT_HI	0x10c
#define GAON_MCU_CTX_PRINT_LO	0x110
#define GAON_MCU_CTX_PRINT_HI	0x114
#define GAON_MCU_CTX_RING	0x118
#define GAON_MCU_CTX_CMD	0x11c
#define GAON_MCU_CTX_STATUS	0x120
#define GAON_MCU_CTX_ENABLE	1
#define GAON_MCU_CTX_DISABLE	2	/* refused (BUSY) while a slot uses it */

/* Doorbell map: which queue a doorbell belongs to */
#define GAON_MCU_DB_QUEUE	0x140
#define GAON_MCU_DB_CONTEXT	0x144
#define GAON_MCU_DB_INDEX	0x148
#define GAON_MCU_DB_CMD		0x14c	/* 1 map, 2 unmap */
#define GAON_MCU_DB_STATUS	0x150
#define GAON_MCU_DB_MAP		1
#define GAON_MCU_DB_UNMAP	2
#define GAON_MCU_PENDQ_POP	0x158	/* ro: a queue id whose doorbell rang while in no slot, or ~0 */

/* Slots: set the fields, then write CMD. Fields hold a slot's values after GAON_MCU_SLOT_READ */
#define GAON_MCU_SLOT_INDEX	0x180
#define GAON_MCU_SLOT_QUEUE	0x184
#define GAON_MCU_SLOT_CONTEXT	0x188
#define GAON_MCU_SLOT_KIND	0x18c
#define GAON_MCU_SLOT_PRIORITY	0x190
#define GAON_MCU_SLOT_LOG2	0x194
#define GAON_MCU_SLOT_RING_LO	0x198
#define GAON_MCU_SLOT_RING_HI	0x19c
#define GAON_MCU_SLOT_STATE_LO	0x1a0	/* address of the state block */
#define GAON_MCU_SLOT_STATE_HI	0x1a4
#define GAON_MCU_SLOT_SAVE_LO	0x1a8
#define GAON_MCU_SLOT_SAVE_HI	0x1ac
#define GAON_MCU_SLOT_READ_LO	0x1b0	/* the device's own read index; UNLOAD leaves it here */
#define GAON_MCU_SLOT_READ_HI	0x1b4
#define GAON_MCU_SLOT_SLICE_LO	0x1b8	/* cycles of engine time before a SLICE event */
#define GAON_MCU_SLOT_SLICE_HI	0x1bc
#define GAON_MCU_SLOT_LIMIT_LO	0x1c0	/* watchdog cycles per launch, 0 none */
#define GAON_MCU_SLOT_LIMIT_HI	0x1c4
#define GAON_MCU_SLOT_FLAGS	0x1c8	/* bit 0: a saved launch is in the save area, resume it first */
#define GAON_MCU_SLOT_STATUS	0x1cc	/* ro: GAON_SLOT_* */
#define GAON_MCU_SLOT_CMD	0x1d0
#define GAON_MCU_SLOT_RESULT	0x1d4	/* ro: 0 or GAON_ADMIN_ERR_* of the last command */
#define GAON_MCU_SLOT_EVENT	0x1d8	/* ro: pops {reason << 16 | slot}, or ~0 */
#define GAON_MCU_SLOT_WANT	0x1dc	/* rw: bit kind * 4 + priority: such queues wait outside */
#define GAON_MCU_SLOT_BUSY_LO	0x1e0	/* cycles of cores that the queue has had; goes on from here */
#define GAON_MCU_SLOT_BUSY_HI	0x1e4
#define GAON_MCU_SLOT_COPIED_LO	0x1e8	/* the same of copy engines */
#define GAON_MCU_SLOT_COPIED_HI	0x1ec
#define GAON_MCU_SLOT_F_SAVED	(1u << 0)
#define GAON_MCU_SLOT_F_HOLD	(1u << 1)	/* LOAD: do not run, start STOPPED */
#define GAON_MCU_SLOT_F_DEBUG	(1u << 2)	/* LOAD: workgroups stop the slot instead of faulting */
#define GAON_MCU_SLOT_F_STOPPED	(1u << 3)	/* READ, UNLOAD: they did, since LOAD or RUN */

#define GAON_SLOT_CMD_READ	1	/* fields from the slot */
#define GAON_SLOT_CMD_LOAD	2	/* bind a queue to an EMPTY slot and run */
#define GAON_SLOT_CMD_STOP	3	/* at a boundary, saving inside a workgroup; then a STOPPED event */
#define GAON_SLOT_CMD_RUN	4	/* STOPPED slot goes on; last in the arbiter's order */
#define GAON_SLOT_CMD_UNLOAD	5	/* STOPPED, FAULTED, IDLE to EMPTY; the fields keep READ, FLAGS */
#define GAON_SLOT_CMD_KILL	6	/* drop work in flight; ends in a STOPPED event */
#define GAON_SLOT_CMD_CLEAR	7	/* FAULTED: read index = the state block's write index, OK, run */
#define GAON_SLOT_CMD_PRIORITY	8	/* take PRIORITY */
#define GAON_SLOT_CMD_SKIP	9	/* STOPPED: read index = the state block's write index, RESET */
#define GAON_SLOT_CMD_ADOPT	10	/* STOPPED: read index = the state block's, if nothing has begun */

#define GAON_SLOT_EMPTY		0
#define GAON_SLOT_IDLE		1	/* ring empty, asleep until a doorbell */
#define GAON_SLOT_ACTIVE	2
#define GAON_SLOT_WAITING	3	/* in a WAIT packet whose value has not come */
#define GAON_SLOT_STOPPING	4
#define GAON_SLOT_STOPPED	5
#define GAON_SLOT_FAULTED	6

#define GAON_SLOT_EV_IDLE	1	/* went idle while non-resident queues pend */
#define GAON_SLOT_EV_SLICE	2	/* slice used up and a queue of its band or above waits */
#define GAON_SLOT_EV_STOPPED	3
#define GAON_SLOT_EV_FAULT	4
#define GAON_SLOT_EV_CONTEND	5	/* a higher band waits for an engine that this slot holds */
#define GAON_SLOT_EV_WAITING	6	/* waits while non-resident queues pend */
#define GAON_SLOT_EV_DEBUG	7	/* a workgroup stopped it: STOPPED, for its debugger */

/* Engine reset: all slots' work in flight is dropped; STOPPED events follow */
#define GAON_MCU_ENGINE_RESET	0x200	/* wo: 1 */
/* Error injection, with the debug fuse */
#define GAON_MCU_INJECT_KIND	0x210
#define GAON_MCU_INJECT_TARGET	0x214
#define GAON_MCU_INJECT_LO	0x218
#define GAON_MCU_INJECT_HI	0x21c
#define GAON_MCU_INJECT_CMD	0x220
/* Retired pages: word INDEX of struct gaon_retired */
#define GAON_MCU_RETIRED_INDEX	0x228
#define GAON_MCU_RETIRED_VALUE	0x22c	/* ro */
/* State that cores keep: core << 16 | word of struct gaon_core_state */
#define GAON_MCU_CORE_INDEX	0x240
#define GAON_MCU_CORE_VALUE	0x244	/* ro */
#define GAON_MCU_ERRORS_INDEX	0x230	/* the same of struct gaon_errors */
#define GAON_MCU_ERRORS_VALUE	0x234	/* ro */
#define GAON_MCU_RETIRE_PAGE	0x238	/* wo: enter the page of this number into the list */
#define GAON_MCU_RETIRE_STATUS	0x23c	/* ro: GAON_MCU_RETIRE_* of the last one */
#define GAON_MCU_RETIRE_OK	0	/* it is in the list */
#define GAON_MCU_RETIRE_RANGE	1	/* there is no such page */
#define GAON_MCU_RETIRE_FULL	2
/* Clock, power and temperature, with GAON_FEATURE_POWER */
#define GAON_MCU_CLOCK_KHZ	0x250	/* rw: of the cores; what identify does not allow is ignored */
#define GAON_MCU_POWER_MW	0x254	/* ro: mean of the last window */
#define GAON_MCU_TEMP_MC	0x258	/* ro, signed */
#define GAON_MCU_THROTTLE	0x25c	/* wo: GAON_THROTTLE_*, posted as an event record */
#define GAON_MCU_POWER_WINDOW_US 1000	/* of modelled time, at least */
/* Ports: word INDEX of struct gaon_ports; writing INDEX 0 latches all of them */
#define GAON_MCU_PORTS_INDEX	0x260
#define GAON_MCU_PORTS_VALUE	0x264	/* ro */

#define GAON_MCU_SCALE_ONE	1024u

/**
 * gaon_mcu_power_scale() - power of what the cores' clock drives
 * @khz: the clock
 * @max_khz: the highest, at least @khz and below 4 GHz
 *
 * The voltage goes with the clock, from 3/5 of the highest at a clock of 0, and power with the clock and the
 * square of the voltage.
 *
 * Return: what it is to that at the highest clock, in parts of GAON_MCU_SCALE_ONE.
 */
static inline unsigned int gaon_mcu_power_scale(unsigned int khz, unsigned int max_khz)
{
	unsigned int clock = khz * GAON_MCU_SCALE_ONE / max_khz;
	unsigned int volt = (3 * GAON_MCU_SCALE_ONE + 2 * clock) / 5;

	return clock * volt / GAON_MCU_SCALE_ONE * volt / GAON_MCU_SCALE_ONE;
}

#endif
