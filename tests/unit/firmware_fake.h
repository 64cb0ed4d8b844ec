/* SPDX-License-Identifier: MIT */
/*
 * A device with nothing in it but the management core: the real ROM, core and firmware, host memory,
 * and a register block whose slots do no work.  Tests say when a slot runs dry, faults or stops.
 *
 * The register block holds the firmware to Documentation/hw/mcu.rst: a command that is not allowed
 * where the specification promises success to a correct firmware counts as a violation.
 */
#ifndef GAON_TESTS_FIRMWARE_FAKE_H
#define GAON_TESTS_FIRMWARE_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_mcu.h>
#include <hw/gaon_packet.h>
#include <hw/gaon_port.h>
#include <hw/gaon_regs.h>

#include "../../tools/sim/mcu/mcu.h"

#define FAKE_HOST		(GAON_PA_HOST | 0x100000ull)
#define FAKE_HOST_SIZE		0x40000u
#define FAKE_SQ			0x00000u
#define FAKE_CQ			0x08000u
#define FAKE_STATE		0x10000u
#define FAKE_DATA		0x11000u
#define FAKE_SLOTS_MAX		64
#define FAKE_LOG2		6
#define FAKE_BUDGET		20000000u
#define FAKE_EVENTS		(FAKE_SLOTS_MAX * 8)

struct fake_slot {
	uint32_t status;
	uint32_t queue, context, kind, priority, log2, flags;
	uint64_t ring, state, save, read, slice, limit, busy, copied;
	bool kill;
};

struct fake_queue {
	bool mapped;
	uint32_t context, doorbell;
	int slot;			/* -1: in none */
	bool pending;			/* in the FIFO of rung queues */
	uint64_t write, read;
	uint64_t left;			/* read index in the state block, of a queue of before */
	uint32_t status;		/* of its state block */
	bool waits;			/* its next packet is a WAIT that does not come true */
	bool sticky;			/* does not stop by itself */
	bool unreachable;		/* its state block cannot be translated */
};

struct fake {
	struct sim_mcu *mcu;
	uint8_t *sram, *host;
	uint32_t slot_count;
	uint64_t time, timecmp, cycle;
	uint32_t state, panic, version, abi, heartbeat, fuses;
	uint32_t irq_edges, irq_enable;
	uint64_t dma_pa;
	uint32_t dma_sram, dma_len, dma_status;
	uint64_t sq, cq, state_pa;
	uint32_t log2, tail, raised;
	struct gaon_identify identify;
	struct gaon_telemetry telemetry;
	struct gaon_retired retired;
	uint32_t retired_index;
	struct gaon_core_state kept[2];
	uint32_t core_index;
	struct gaon_errors errors;
	uint32_t errors_index, retire_status, retire_page;
	struct gaon_ports ports;
	uint32_t ports_index;
	uint32_t ident_index, tele_index;
	uint32_t ctx_index, ctx_asid, ctx_ring, ctx_status;
	uint64_t ctx_root, ctx_print;
	bool ctx_enabled[GAON_CONTEXTS];
	uint32_t ctx_asids[GAON_CONTEXTS];
	uint32_t db_queue, db_context, db_index, db_status;
	struct fake_queue queues[GAON_QUEUES];
	uint16_t rung[GAON_QUEUES];
	uint32_t rung_count;
	struct fake_slot slots[FAKE_SLOTS_MAX];
	struct fake_slot fields;
	uint32_t slot_index, slot_result, want;
	uint32_t events[FAKE_EVENTS];
	uint32_t event_count;
	uint32_t commands[16];		/* issued, by GAON_SLOT_CMD_* */
	uint32_t engine_resets;
	uint32_t wakes_at_reset;	/* whose doorbell rings just before an engine reset; 0: nobody's */
	uint32_t inject_kind, inject_target, injected;
	uint64_t inject_address;
	uint32_t clock_khz, power_mw, temp_mc;	/* GAON_FEATURE_POWER */
	uint32_t throttle, throttles;	/* the last record's reasons, and how many there were */
	bool stop_at_once;		/* STOP and KILL end before their store returns */
	/* host's side of the admin rings */
	uint64_t submitted, seen;
	uint32_t cookie;
	char violation[160];		/* the first one; empty: none */
};

/* Powered up, firmware not started. */
struct fake *fake_create(uint32_t slots);
void fake_destroy(struct fake *f);
/* ROM, firmware to READY, admin rings enabled. Returns GAON_BOOT_*. */
uint32_t fake_boot(struct fake *f);
/* Until the firmware sleeps. Fails the test if it does not within FAKE_BUDGET instructions. */
void fake_run(struct fake *f);
/* Host clock forward; the firmware's timer may fire on the way. */
void fake_advance(struct fake *f, uint64_t ns);

void fake_enable_rings(struct fake *f, uint32_t log2);
void fake_submit(struct fake *f, const struct gaon_admin_cmd *cmd);
/* The next reply, if there is one. */
bool fake_reply(struct fake *f, struct gaon_admin_reply *reply);
/* Submit, run, take the reply, which must be there; returns its status. */
uint32_t fake_admin(struct fake *f, struct gaon_admin_cmd *cmd, struct gaon_admin_reply *reply);

/* Host publishes @packets packets and rings. */
void fake_ring(struct fake *f, uint32_t queue, uint32_t packets);
/* The engines' side */
void fake_drain(struct fake *f, uint32_t slot);		/* all packets done: IDLE */
/* A workgroup of a queue with GAON_QUEUE_F_DEBUG stops the slot. */
void fake_debug_stop(struct fake *f, uint32_t slot);
void fake_fault(struct fake *f, uint32_t slot);
void fake_stopped(struct fake *f, uint32_t slot);	/* a STOPPING slot becomes STOPPED */
void fake_event(struct fake *f, uint32_t slot, uint32_t reason);
int fake_slot_of(struct fake *f, uint32_t queue);

/* Commands in short */
uint32_t fake_context(struct fake *f, uint32_t id);
struct gaon_admin_cmd fake_queue_cmd(uint32_t queue, uint32_t context, uint8_t kind, uint8_t priority);
uint32_t fake_queue_create(struct fake *f, uint32_t queue, uint32_t context, uint8_t kind,
			   uint8_t priority);
uint32_t fake_id(struct fake *f, uint16_t opcode, uint32_t id);
void fake_id_submit(struct fake *f, uint16_t opcode, uint32_t id);

#endif
