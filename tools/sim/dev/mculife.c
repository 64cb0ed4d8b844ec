// SPDX-License-Identifier: MIT
/* The management core's life: boot, turns, interrupt lines, fuses, injected errors, reset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lie.h"
#include "mcubus.h"

#define MCU_QUANTUM		20000u		/* instructions per turn */
#define MCU_BOOT_BUDGET		50000000u	/* instructions until READY */

/* --- interrupts and time --------------------------------------------------------------------- */

uint32_t mcubus_pending(struct gaon_sim *sim)
{
	uint32_t pending = sim->mcu->irq_edges;

	if (sim_slot_event_any(sim))
		pending |= GAON_MCU_IRQ_SLOT;
	if (sim_doorbell_others_pend(sim))
		pending |= GAON_MCU_IRQ_PENDQ;
	return pending;
}

void sim_mcubus_update_irq(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	sim_mcu_set_irq(bus->core, SIM_MCU_MEIP, mcubus_pending(sim) & bus->irq_enable);
}

static void mcubus_update_timer(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	sim_mcu_set_irq(bus->core, SIM_MCU_MTIP,
			bus->timecmp != UINT64_MAX && sim_clock_ns(sim) >= bus->timecmp);
}

void mcubus_set_timecmp(struct gaon_sim *sim, bool high, uint32_t value)
{
	struct sim_mcu_bus *bus = sim->mcu;
	uint64_t before = bus->timecmp;

	sim_regs_merge64(&bus->timecmp, high, value, 4);
	mcubus_update_timer(sim);
	if (bus->timecmp < before)
		sim_run_timer(sim);
}

uint64_t sim_mcubus_timecmp(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	return bus->started && !bus->hung ? bus->timecmp : UINT64_MAX;
}

void sim_mcubus_admin_irq(struct gaon_sim *sim, bool enable_written, uint32_t tail)
{
	struct sim_mcu_bus *bus = sim->mcu;
	struct sim_regs *r = sim->regs;

	if (!enable_written) {
		bus->admin_tail = tail;
	} else if (r->admin_enable) {
		bool valid = r->admin_log2 >= GAON_ADMIN_LOG2_MIN && r->admin_log2 <= GAON_ADMIN_LOG2_MAX;

		bus->admin_sq = r->admin_sq;
		bus->admin_cq = r->admin_cq;
		bus->admin_state = r->admin_state;
		bus->admin_log2 = valid ? r->admin_log2 : 0;
		bus->admin_tail = 0;
		bus->admin_enables++;
	} else {
		bus->admin_log2 = 0;
	}
	bus->irq_edges |= GAON_MCU_IRQ_ADMIN;
	sim_mcubus_update_irq(sim);
}

/* --- system ------------------------------------------------------------------------------------ */

/* Fuses only ever go up. */
static void mcubus_burn(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	if (bus->image.security_version <= bus->security_version)
		return;
	bus->security_version = bus->image.security_version;
	sim_nv_store(sim);
}

void mcubus_set_state(struct gaon_sim *sim, uint32_t state)
{
	bool up = sim->state == GAON_STATE_READY || sim->state == GAON_STATE_DEGRADED;

	if (state == GAON_STATE_FATAL) {
		sim_set_fatal(sim, GAON_BOOT_PANIC);
		sim_mcu_stop(sim->mcu->core);
	} else if ((state == GAON_STATE_READY || state == GAON_STATE_DEGRADED) &&
		   (up || sim->state == GAON_STATE_LOADING)) {
		if (!up)
			mcubus_burn(sim);
		sim_set_state(sim, state, GAON_BOOT_OK);
	}
}

void mcubus_panic(struct gaon_sim *sim, uint32_t code)
{
	sim_set_fatal(sim, GAON_BOOT_PANIC | code << 16);
	sim_mcu_stop(sim->mcu->core);
}

void mcubus_inject(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;
	bool corrected = bus->inject_kind == GAON_INJECT_CE;

	if (!sim->config.debug_fuse)
		return;
	switch (bus->inject_kind) {
	case GAON_INJECT_CE:
	case GAON_INJECT_UE:
		if (bus->inject_target == GAON_INJECT_HBM)
			sim_ras_error(sim, corrected ? GAON_RAS_HBM_CE : GAON_RAS_HBM_UE,
				      bus->inject_address);
		else if (bus->inject_target == GAON_INJECT_SPM)
			sim_ras_error(sim, corrected ? GAON_RAS_SPM_CE : GAON_RAS_SPM_UE,
				      bus->inject_address);
		else if (bus->inject_target == GAON_INJECT_LINK)
			sim_ras_error(sim, corrected ? GAON_RAS_LINK_CE : GAON_RAS_LINK_UE,
				      bus->inject_address);
		break;
	case GAON_INJECT_FW_HANG:
		bus->hung = true;
		sim_mcu_stop(bus->core);
		break;
	case GAON_INJECT_FW_CRASH:
		sim_set_fatal(sim, GAON_BOOT_CRASH);
		sim_mcu_stop(bus->core);
		break;
	case GAON_INJECT_AMBIENT:
		sim_power_ambient(sim, bus->inject_address);
		break;
	}
}
/* --- life ----------------------------------------------------------------------------------------- */

static bool rom_read(void *ctx, uint64_t pa, void *data, size_t len)
{
	return sim_phys_read(ctx, pa, data, len);
}

void sim_mcubus_boot(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;
	struct sim_rom rom = {
		.public_keys = sim->config.public_keys,
		.public_key_count = sim->config.public_key_count,
		.security_version = bus->security_version,
		.sram = bus->sram, .sram_size = GAON_MCU_SRAM_SIZE,
		.read = rom_read, .ctx = sim,
	};
	uint32_t error;

	if (!sim->config.public_keys) {
		rom.public_keys = sim_rom_development_key;
		rom.public_key_count = 1;
	}
	error = sim_rom_boot(&rom, sim->regs->fw_addr, sim->regs->fw_size, &bus->image);
	if (error) {
		sim_log(sim, 3, "boot ROM refuses the firmware image: error %u", error);
		sim_set_state(sim, GAON_STATE_FATAL, error);
		return;
	}
	sim_mcu_reset(bus->core, bus->image.entry);
	bus->started = true;
	bus->boot_budget = MCU_BOOT_BUDGET;
	sim_set_state(sim, GAON_STATE_LOADING, GAON_BOOT_OK);
}

bool sim_mcubus_busy(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	return bus->started && !bus->hung && sim->state != GAON_STATE_FATAL &&
	       sim_mcu_runnable(bus->core);
}

/* Firmware that sleeps for good before it said READY will never say it. */
static void mcubus_check_boot(struct gaon_sim *sim, enum sim_mcu_exit why)
{
	struct sim_mcu_bus *bus = sim->mcu;

	bus->boot_budget -= bus->boot_budget < MCU_QUANTUM ? bus->boot_budget : MCU_QUANTUM;
	if (!bus->boot_budget || (why == SIM_MCU_WFI && bus->timecmp == UINT64_MAX))
		sim_set_fatal(sim, GAON_BOOT_TIMEOUT);
}

bool sim_mcubus_service(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;
	enum sim_mcu_exit why;

	if (bus->started && bus->timecmp != UINT64_MAX)
		mcubus_update_timer(sim);
	if (!sim_mcubus_busy(sim)) {
		if (bus->started && sim->state == GAON_STATE_LOADING)
			mcubus_check_boot(sim, SIM_MCU_WFI);
		return false;
	}
	why = sim_mcu_run(bus->core, MCU_QUANTUM);
	if (why == SIM_MCU_LOCKUP && sim->state != GAON_STATE_FATAL)
		sim_set_fatal(sim, GAON_BOOT_CRASH);
	else if (sim->state == GAON_STATE_LOADING)
		mcubus_check_boot(sim, why);
	return true;
}

static void mcubus_clear(struct sim_mcu_bus *bus)
{
	struct sim_mcu_bus keep = *bus;

	memset(bus, 0, sizeof(*bus));
	bus->core = keep.core;
	bus->sram = keep.sram;
	bus->security_version = keep.security_version;
	bus->retired = keep.retired;
	bus->timecmp = UINT64_MAX;
	bus->slot.index = 0;
}

void sim_mcubus_reset(struct gaon_sim *sim)
{
	mcubus_clear(sim->mcu);
	sim_lie_reset(sim);
	memset(sim->mcu->sram, 0, GAON_MCU_SRAM_SIZE);
	sim_mcu_set_irq(sim->mcu->core, SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP, false);
	sim_mcu_reset(sim->mcu->core, 0);
}

int sim_mcubus_create(struct gaon_sim *sim)
{
	struct sim_mcu_region region = { .base = GAON_MCU_SRAM, .size = GAON_MCU_SRAM_SIZE };
	struct sim_mcu_ops ops = { .read = sim_mcubus_read, .write = sim_mcubus_write };
	struct sim_mcu_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return -ENOMEM;
	sim->mcu = bus;
	bus->timecmp = UINT64_MAX;
	bus->sram = calloc(1, GAON_MCU_SRAM_SIZE);
	region.data = bus->sram;
	if (bus->sram)
		bus->core = sim_mcu_create(&region, 1, &ops, sim);
	if (!bus->core)
		return -ENOMEM;
	sim_nv_load(sim);
	return 0;
}

void sim_mcubus_destroy(struct gaon_sim *sim)
{
	if (!sim->mcu)
		return;
	sim_mcu_destroy(sim->mcu->core);
	free(sim->mcu->sram);
	free(sim->mcu);
	sim->mcu = NULL;
}
