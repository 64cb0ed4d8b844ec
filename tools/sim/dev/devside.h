/* SPDX-License-Identifier: MIT */
/*
 * What the files of the device side share among themselves: registers, PCI function, translation,
 * invalidation, doorbells, events, the management core's bus and the run loop.  The engine side
 * includes dev.h only.
 */
#ifndef GAON_SIM_DEVSIDE_H
#define GAON_SIM_DEVSIDE_H

#include "dev.h"
#include "../mcu/mcu.h"
#include "../mcu/rom.h"

/* --- registers ---------------------------------------------------------------------------- */

struct sim_event_ring {
	uint64_t addr;
	uint32_t log2;
	uint32_t vector_xor;	/* VECTOR xor what it is after a reset, so that reset is all zeros */
	bool enabled;
	bool armed;		/* next record raises the vector */
	bool lost_flag;		/* next record carries F_LOST */
	uint32_t lost;
	uint32_t enables;	/* writes of ENABLE */
	uint32_t head_low;	/* half-written HEAD */
	uint64_t head, tail;
};

/* Slot events for the firmware: room for every slot and reason. */
#define SIM_SLOT_REASONS	8
struct sim_slot_fifo {
	uint16_t entries[SIM_SLOTS_MAX * SIM_SLOT_REASONS];	/* reason << 8 | slot */
	uint32_t head, count;
	uint8_t queued[SIM_SLOTS_MAX];		/* bit per reason */
};

struct sim_regs {
	struct sim_slot_fifo slot_fifo;
	uint32_t slot_want;		/* bit kind * 4 + priority: queues wait outside the slots */
	uint64_t fw_addr;
	uint32_t fw_size;
	bool boot_pending;
	uint64_t admin_sq, admin_cq, admin_state;
	uint32_t admin_log2, admin_enable;
	uint64_t cycle, host_ns;	/* latched by a read of CYCLE */
	struct sim_event_ring events[GAON_EVENT_RINGS];
};

uint64_t sim_regs_read(struct gaon_sim *sim, uint64_t offset, unsigned int len);
void sim_regs_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len);
void sim_regs_reset(struct gaon_sim *sim);
/* Half @high of a 64-bit register replaced, or all of it with @len 8. */
void sim_regs_merge64(uint64_t *reg, bool high, uint64_t value, unsigned int len);
/* Enter @state; tells the host by event records and vector 0. */
void sim_set_state(struct gaon_sim *sim, uint32_t state, uint32_t boot_error);
/* The management core is lost: FATAL, work in flight dropped. */
void sim_set_fatal(struct gaon_sim *sim, uint32_t boot_error);
uint64_t sim_clock_ns(struct gaon_sim *sim);

/* --- device.c ----------------------------------------------------------------------------- */

enum sim_reset {
	SIM_RESET_FIRMWARE,	/* all but HBM */
	SIM_RESET_CHIP,
	SIM_RESET_FUNCTION,	/* FLR: the PCI function's registers, too */
};

/* Drops the lock meanwhile. */
void sim_reset_chip(struct gaon_sim *sim, enum sim_reset what);

/* --- pci.c -------------------------------------------------------------------------------- */

struct sim_pci;
int sim_pci_create(struct gaon_sim *sim);
void sim_pci_destroy(struct gaon_sim *sim);
void sim_pci_reset(struct gaon_sim *sim);
bool sim_pci_memory_enabled(struct gaon_sim *sim);
uint64_t sim_pci_bar_size(struct gaon_sim *sim, unsigned int bar);
/* MSI-X table and PBA in BAR0. */
uint64_t sim_msix_read(struct gaon_sim *sim, uint64_t offset, unsigned int len);
void sim_msix_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len);
/* Raise a vector: callback now, or its pending bit.  Lock held. */
void sim_msix_raise(struct gaon_sim *sim, unsigned int vector);
/* Deliver what a LATE device held back. */
void sim_msix_flush(struct gaon_sim *sim);

/* --- mmu.c -------------------------------------------------------------------------------- */

#define SIM_QTLB_ENTRIES	128
#define SIM_POISON_MAX		64

struct sim_qtlb_entry {
	struct sim_context *ctx;	/* NULL: empty */
	uint64_t page;
	uint64_t pa;
	uint8_t *host;
	uint32_t gen;
	uint8_t prot;
	bool hbm, write, remote;
};

struct sim_mmu {
	struct sim_qtlb_entry qtlb[SIM_QTLB_ENTRIES];
	_Atomic uint64_t walks;
	_Atomic uint32_t poison_count;
	uint64_t poison[SIM_POISON_MAX];	/* HBM offsets of pages, written before the count */
};

/* One 64-bit store with release order; @pa 8-byte aligned. */
bool sim_phys_store64(struct gaon_sim *sim, uint64_t pa, uint64_t value);
/* Could [@pa, @pa + @len) be memory at all? */
bool sim_phys_valid(struct gaon_sim *sim, uint64_t pa, uint64_t len);
/* @kernel addresses lie in the upper half, others in the user's. */
/* @hbm: which is cleared, too: nothing in it is poisoned any more. */
void sim_mmu_reset(struct gaon_sim *sim, bool hbm);
void sim_mmu_poison(struct gaon_sim *sim, uint64_t offset);

/* --- ras.c ------------------------------------------------------------------------------------ */
/*
 * An error happened: @counter is GAON_RAS_*, @where the HBM offset, the core or the link; none that there is
 * not. Lock held.
 */
void sim_ras_error(struct gaon_sim *sim, unsigned int counter, uint64_t where);
/* Software wants a page, by its number, in the list of retired ones. Returns GAON_MCU_RETIRE_*. */
uint32_t sim_ras_retire(struct gaon_sim *sim, uint32_t page);
/* No error has been counted yet. */
void sim_ras_reset(struct gaon_sim *sim);
/* The chip's non-volatile memory: from the file at creation, to it on every change. */
void sim_nv_load(struct gaon_sim *sim);
void sim_nv_store(struct gaon_sim *sim);


/* --- tlbi.c ------------------------------------------------------------------------------- */

struct sim_tlbi_entry {
	uint32_t asid;
	uint64_t va, size, seq;
};

struct sim_tlbi {
	struct sim_tlbi_entry queue[GAON_TLBI_DEPTH];
	uint32_t head, count;
	bool started;			/* generations of the head entry are bumped */
	uint64_t done_addr, done;
	uint32_t asid, seq_low;
	uint64_t va, size;
};

uint64_t sim_tlbi_reg_read(struct gaon_sim *sim, uint64_t offset, unsigned int len);
void sim_tlbi_reg_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len);
/* Complete what can be completed; true if anything was. */
bool sim_tlbi_service(struct gaon_sim *sim);
void sim_tlbi_bump(struct gaon_sim *sim, uint32_t asid);

/* --- doorbells and slots (doorbell.c, slot.c) ---------------------------------------------- */

#define SIM_DB_WORDS	(GAON_QUEUES / 64)
#define SIM_DB_NONE	0xffffu

struct sim_doorbells {
	_Atomic(_Atomic uint16_t *) map[GAON_CONTEXTS];	/* queue per index; pages live until destroy */
	_Atomic uint64_t bits[SIM_DB_WORDS];
	_Atomic uint64_t summary;
	_Atomic uint64_t dropped;
	uint8_t slot[GAON_QUEUES];		/* 0xff: in none */
	uint16_t maps[GAON_QUEUES];		/* doorbells that name the queue */
	uint64_t pend_bits[SIM_DB_WORDS];
	uint16_t pendq[GAON_QUEUES];
	uint32_t pend_head, pend_count;
};

int sim_doorbells_create(struct gaon_sim *sim);
void sim_doorbells_destroy(struct gaon_sim *sim);
void sim_doorbells_reset(struct gaon_sim *sim);
uint32_t sim_doorbell_map(struct gaon_sim *sim, uint32_t queue, uint32_t context, uint32_t index);
uint32_t sim_doorbell_unmap(struct gaon_sim *sim, uint32_t queue, uint32_t context, uint32_t index);
void sim_doorbell_unmap_context(struct gaon_sim *sim, uint32_t context);
void sim_doorbell_resident(struct gaon_sim *sim, uint32_t queue, int slot);	/* slot -1: none */
uint32_t sim_doorbell_pend_pop(struct gaon_sim *sim);
bool sim_doorbell_others_pend(struct gaon_sim *sim);	/* queues outside the slots may wait */
bool sim_doorbells_take(struct gaon_sim *sim);		/* wake slots, fill PENDQ */

/* Fields of the slot registers. */
struct sim_slot_fields {
	uint64_t busy, copied;
	uint32_t index, queue, context, kind, priority, log2;
	uint64_t ring_va, state_va, save_va, read, slice, limit;
	uint32_t flags, status, result;
};

void sim_slot_set_status(struct gaon_sim *sim, struct sim_slot *slot, uint32_t status);
/*
 * The state block, or NULL with @fault filled.  Its fields are shared with the producer: atomics only.
 * If it lies in memory without a pointer this is a copy, as fresh as the call, and what is stored
 * there gets to the producer by sim_slot_push().
 */
struct gaon_queue_state *sim_slot_state(struct gaon_sim *sim, struct sim_slot *slot,
					struct gaon_fault_record *fault);
void sim_slot_push(struct gaon_sim *sim, struct sim_slot *slot, const void *field, size_t len);
bool sim_slot_publish_status(struct gaon_sim *sim, struct sim_slot *slot, uint32_t status);
void sim_slot_publish_stop(struct gaon_sim *sim, struct sim_slot *slot, struct gaon_queue_state *st,
			   bool inside);
void sim_slot_finish_stop(struct gaon_sim *sim, struct sim_slot *slot);

/* GAON_SLOT_CMD_*; result 0 or GAON_ADMIN_ERR_*. */
uint32_t sim_slot_command(struct gaon_sim *sim, uint32_t cmd, struct sim_slot_fields *f);
void sim_slot_wake(struct gaon_sim *sim, struct sim_slot *slot);
bool sim_slots_service(struct gaon_sim *sim);
void sim_slots_engine_reset(struct gaon_sim *sim);
void sim_slots_reset(struct gaon_sim *sim);
bool sim_slots_use_context(struct gaon_sim *sim, struct sim_context *ctx);
uint32_t sim_slot_event_pop(struct gaon_sim *sim);
bool sim_slot_event_any(struct gaon_sim *sim);

/* --- event.c ------------------------------------------------------------------------------ */

uint64_t sim_event_reg_read(struct gaon_sim *sim, unsigned int ring, uint64_t offset, unsigned int len);
void sim_event_reg_write(struct gaon_sim *sim, unsigned int ring, uint64_t offset, uint64_t value,
			 unsigned int len);
void sim_event_post_ring(struct gaon_sim *sim, unsigned int ring, const struct gaon_event *event);

/* --- mcubus.c ----------------------------------------------------------------------------- */

/* The core's accesses outside SRAM, @ctx being the device; false is a bus error.  Lock held. */
bool sim_mcubus_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value);
bool sim_mcubus_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value);
int sim_mcubus_create(struct gaon_sim *sim);
void sim_mcubus_destroy(struct gaon_sim *sim);
void sim_mcubus_reset(struct gaon_sim *sim);
/* Run the boot ROM and start the core, or go FATAL. */
void sim_mcubus_boot(struct gaon_sim *sim);
/* Execute the core if it has something to do; true if it ran. */
bool sim_mcubus_service(struct gaon_sim *sim);
bool sim_mcubus_busy(struct gaon_sim *sim);
uint64_t sim_mcubus_timecmp(struct gaon_sim *sim);
void sim_mcubus_admin_irq(struct gaon_sim *sim, bool enable_written, uint32_t tail);
void sim_mcubus_update_irq(struct gaon_sim *sim);

/*
 * The device's lock, for all but the run loop's short turns: a thread that runs the device without a
 * pause (a firmware that never sleeps, say) lets contenders in.
 */
static inline void sim_lock(struct gaon_sim *sim)
{
	if (!pthread_mutex_trylock(&sim->lock))
		return;
	atomic_fetch_add(&sim->contenders, 1);
	pthread_mutex_lock(&sim->lock);
	atomic_fetch_sub(&sim->contenders, 1);
}

static inline void sim_unlock(struct gaon_sim *sim)
{
	pthread_mutex_unlock(&sim->lock);
}

/* --- run.c -------------------------------------------------------------------------------- */

int sim_run_create(struct gaon_sim *sim);
void sim_run_destroy(struct gaon_sim *sim);
/*
 * The device's lock for whoever runs the device: calls sim_slots_service(), sim_job_take(), gives a slot
 * a command.  Waits for a thread that is away in the middle of that.  sim_unlock() gives it back.
 */
void sim_run_lock(struct gaon_sim *sim);
/*
 * Around a call of the host's that may block for long, made in the middle of running the device (lock
 * held, dropped meanwhile): registers are accessed, but nobody else runs the device until _back().
 * A job's thread, which holds no lock, needs none of it: both do nothing there.
 */
void sim_run_away(struct gaon_sim *sim);
void sim_run_back(struct gaon_sim *sim);
/* Somebody must look at the device: no lock needed. */
void sim_run_poke(struct gaon_sim *sim);
/* An event, interrupt or state change: gaon_sim_wait() comes back.  Lock held. */
void sim_run_notify(struct gaon_sim *sim);
/* No job runs and none is taken until _end().  Lock held, dropped meanwhile. */
void sim_run_quiesce_begin(struct gaon_sim *sim);
void sim_run_quiesce_end(struct gaon_sim *sim);
/* The MCU's timer was set to an earlier time. */
void sim_run_timer(struct gaon_sim *sim);

/* --- telemetry.c -------------------------------------------------------------------------- */

void sim_identify_fill(struct gaon_sim *sim);
void sim_telemetry_latch(struct gaon_sim *sim, struct gaon_telemetry *out);

static inline bool sim_doorbells_pending(struct gaon_sim *sim)
{
	return atomic_load(&sim->doorbells->summary) != 0;
}

#endif
