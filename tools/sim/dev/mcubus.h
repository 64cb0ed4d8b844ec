/* SPDX-License-Identifier: MIT */
/* The management core's registers and life: what mcubus.c and mculife.c share. */
#ifndef GAON_SIM_MCUBUS_H
#define GAON_SIM_MCUBUS_H

#include "devside.h"

struct sim_mcu_bus {
	struct sim_mcu *core;
	uint8_t *sram;
	bool started, hung;
	uint64_t boot_budget;
	struct sim_rom_image image;
	uint32_t security_version;	/* burnt fuses; survives resets */
	struct gaon_retired retired;	/* survives resets */

	uint32_t irq_edges, irq_enable;
	uint32_t time_high, cycle_high;
	uint64_t timecmp;

	uint64_t dma_pa;
	uint32_t dma_sram, dma_len, dma_status;

	uint64_t admin_sq, admin_cq, admin_state;
	uint32_t admin_log2, admin_tail;
	uint16_t admin_enables;

	uint32_t ident_index, tele_index, retired_index, core_index, errors_index, retire_status;
	struct gaon_telemetry tele;
	struct gaon_errors errors;
	uint32_t ports_index;
	struct gaon_ports ports;	/* latched */

	uint32_t ctx_index, ctx_asid, ctx_ring, ctx_status;
	uint64_t ctx_root, ctx_print;

	uint32_t db_queue, db_context, db_index, db_status;
	struct sim_slot_fields slot;

	uint32_t inject_kind, inject_target;
	uint64_t inject_address;
};

/* --- mculife.c -------------------------------------------------------------------------------- */

/* IRQ_PENDING */
uint32_t mcubus_pending(struct gaon_sim *sim);
void mcubus_set_timecmp(struct gaon_sim *sim, bool high, uint32_t value);
/* The firmware's writes of STATE, PANIC and INJECT_CMD. */
void mcubus_set_state(struct gaon_sim *sim, uint32_t state);
void mcubus_panic(struct gaon_sim *sim, uint32_t code);
void mcubus_inject(struct gaon_sim *sim);

#endif
