// SPDX-License-Identifier: MIT
/*
 * The management core's registers.  The firmware is their user and nobody trusts it: every index,
 * address and length is checked here or by what it is handed to.
 */
#include <string.h>

#include "lie.h"
#include "mcubus.h"

#define MCU_DMA_MAX		65536u

/* --- commands ---------------------------------------------------------------------------------- */

static void mcubus_dma(struct gaon_sim *sim, uint32_t ctrl)
{
	struct sim_mcu_bus *bus = sim->mcu;
	uint32_t offset = bus->dma_sram - GAON_MCU_SRAM;
	uint32_t len = bus->dma_len;
	bool good = false;

	if (len && len <= MCU_DMA_MAX && offset < GAON_MCU_SRAM_SIZE &&
	    len <= GAON_MCU_SRAM_SIZE - offset) {
		if (ctrl == GAON_MCU_DMA_READ)
			good = sim_phys_read(sim, bus->dma_pa & GAON_PA_MASK, bus->sram + offset, len);
		else if (ctrl == GAON_MCU_DMA_WRITE)
			good = sim_lie_write(sim, bus->dma_pa & GAON_PA_MASK, bus->sram + offset, len);
		if (good && ctrl == GAON_MCU_DMA_READ)
			sim_lie_fetched(sim, bus->dma_pa & GAON_PA_MASK, bus->sram + offset, len);
	}
	bus->dma_status = !good;
	if (good && ctrl == GAON_MCU_DMA_WRITE)
		atomic_thread_fence(memory_order_release);
}

static uint32_t mcubus_context_enable(struct gaon_sim *sim, struct sim_context *ctx)
{
	struct sim_mcu_bus *bus = sim->mcu;

	if (ctx->enabled)
		return GAON_ADMIN_ERR_BUSY;
	if (!bus->ctx_asid || bus->ctx_asid >= GAON_ASIDS || bus->ctx_ring >= GAON_EVENT_RINGS ||
	    !sim_phys_valid(sim, bus->ctx_root, GAON_PT_SIZE) ||
	    (bus->ctx_print && !gaon_va_range_valid(bus->ctx_print, 64, false)))
		return GAON_ADMIN_ERR_RANGE;
	if (bus->ctx_root & (GAON_PAGE_SIZE - 1) || bus->ctx_print & 7)
		return GAON_ADMIN_ERR_ALIGN;
	ctx->id = bus->ctx_index;
	ctx->asid = bus->ctx_asid;
	ctx->ring = bus->ctx_ring;
	ctx->root_pa = bus->ctx_root;
	ctx->print_va = bus->ctx_print;
	ctx->enabled = true;
	ctx->epoch++;
	atomic_fetch_add(&ctx->tlb_gen, 1);
	return 0;
}

static uint32_t mcubus_context(struct gaon_sim *sim, uint32_t cmd)
{
	struct sim_mcu_bus *bus = sim->mcu;
	struct sim_context *ctx;

	if (!bus->ctx_index || bus->ctx_index >= GAON_CONTEXTS)
		return GAON_ADMIN_ERR_RANGE;
	ctx = &sim->contexts[bus->ctx_index];
	switch (cmd) {
	case GAON_MCU_CTX_ENABLE:
		return mcubus_context_enable(sim, ctx);
	case GAON_MCU_CTX_DISABLE:
		if (!ctx->enabled)
			return GAON_ADMIN_ERR_STATE;
		if (sim_slots_use_context(sim, ctx))
			return GAON_ADMIN_ERR_BUSY;
		sim_doorbell_unmap_context(sim, bus->ctx_index);
		ctx->enabled = false;
		atomic_fetch_add(&ctx->tlb_gen, 1);
		return 0;
	default:
		return GAON_ADMIN_ERR_OPCODE;
	}
}

static uint32_t mcubus_doorbell(struct gaon_sim *sim, uint32_t cmd)
{
	struct sim_mcu_bus *bus = sim->mcu;

	if (cmd == GAON_MCU_DB_MAP)
		return sim_doorbell_map(sim, bus->db_queue, bus->db_context, bus->db_index);
	if (cmd == GAON_MCU_DB_UNMAP)
		return sim_doorbell_unmap(sim, bus->db_queue, bus->db_context, bus->db_index);
	return GAON_ADMIN_ERR_OPCODE;
}

/* --- reads -------------------------------------------------------------------------------------- */

static uint32_t mcubus_word(const void *data, size_t size, uint32_t index)
{
	uint32_t word;

	if (index >= size / 4)
		return 0;
	memcpy(&word, (const uint8_t *)data + 4 * (size_t)index, 4);
	return word;
}

/* Registers that only read back what was written, as {offset, address}; NULL if @reg is none. */
static uint32_t *mcubus_plain(struct sim_mcu_bus *bus, uint32_t reg)
{
	switch (reg) {
	case GAON_MCU_DMA_SRAM:
		return &bus->dma_sram;
	case GAON_MCU_DMA_LEN:
		return &bus->dma_len;
	case GAON_MCU_IDENT_INDEX:
		return &bus->ident_index;
	case GAON_MCU_CTX_INDEX:
		return &bus->ctx_index;
	case GAON_MCU_CTX_ASID:
		return &bus->ctx_asid;
	case GAON_MCU_CTX_RING:
		return &bus->ctx_ring;
	case GAON_MCU_DB_QUEUE:
		return &bus->db_queue;
	case GAON_MCU_DB_CONTEXT:
		return &bus->db_context;
	case GAON_MCU_DB_INDEX:
		return &bus->db_index;
	case GAON_MCU_SLOT_INDEX:
		return &bus->slot.index;
	case GAON_MCU_SLOT_QUEUE:
		return &bus->slot.queue;
	case GAON_MCU_SLOT_CONTEXT:
		return &bus->slot.context;
	case GAON_MCU_SLOT_KIND:
		return &bus->slot.kind;
	case GAON_MCU_SLOT_PRIORITY:
		return &bus->slot.priority;
	case GAON_MCU_SLOT_LOG2:
		return &bus->slot.log2;
	case GAON_MCU_SLOT_FLAGS:
		return &bus->slot.flags;
	case GAON_MCU_INJECT_KIND:
		return &bus->inject_kind;
	case GAON_MCU_INJECT_TARGET:
		return &bus->inject_target;
	case GAON_MCU_RETIRED_INDEX:
		return &bus->retired_index;
	case GAON_MCU_CORE_INDEX:
		return &bus->core_index;
	case GAON_MCU_ERRORS_INDEX:
		return &bus->errors_index;
	default:
		return NULL;
	}
}

/* Pairs of halves that only read back; @reg is the lower half's. */
static uint64_t *mcubus_pair(struct sim_mcu_bus *bus, uint32_t reg)
{
	switch (reg) {
	case GAON_MCU_DMA_PA_LO:
		return &bus->dma_pa;
	case GAON_MCU_CTX_ROOT_LO:
		return &bus->ctx_root;
	case GAON_MCU_CTX_PRINT_LO:
		return &bus->ctx_print;
	case GAON_MCU_SLOT_RING_LO:
		return &bus->slot.ring_va;
	case GAON_MCU_SLOT_STATE_LO:
		return &bus->slot.state_va;
	case GAON_MCU_SLOT_SAVE_LO:
		return &bus->slot.save_va;
	case GAON_MCU_SLOT_READ_LO:
		return &bus->slot.read;
	case GAON_MCU_SLOT_SLICE_LO:
		return &bus->slot.slice;
	case GAON_MCU_SLOT_LIMIT_LO:
		return &bus->slot.limit;
	case GAON_MCU_SLOT_BUSY_LO:
		return &bus->slot.busy;
	case GAON_MCU_SLOT_COPIED_LO:
		return &bus->slot.copied;
	case GAON_MCU_INJECT_LO:
		return &bus->inject_address;
	default:
		return NULL;
	}
}

static uint32_t mcubus_read_half(struct sim_mcu_bus *bus, uint32_t reg, bool *found)
{
	uint64_t *pair = mcubus_pair(bus, reg);

	*found = true;
	if (pair)
		return *pair;
	pair = mcubus_pair(bus, reg - 4);
	if (pair)
		return *pair >> 32;
	*found = false;
	return 0;
}

static uint32_t mcubus_read_time(struct gaon_sim *sim, uint32_t reg)
{
	struct sim_mcu_bus *bus = sim->mcu;
	uint64_t now;

	switch (reg) {
	case GAON_MCU_TIME_LO:
		now = sim_clock_ns(sim);
		bus->time_high = now >> 32;
		return now;
	case GAON_MCU_TIME_HI:
		return bus->time_high;
	case GAON_MCU_TIMECMP_LO:
		return bus->timecmp;
	case GAON_MCU_TIMECMP_HI:
		return bus->timecmp >> 32;
	case GAON_MCU_CYCLE_LO:
		now = sim_time_now(sim);
		bus->cycle_high = now >> 32;
		return now;
	default:
		return bus->cycle_high;
	}
}

static uint32_t mcubus_read_admin(struct sim_mcu_bus *bus, uint32_t reg)
{
	switch (reg) {
	case GAON_MCU_ADMIN_SQ_LO:
		return bus->admin_sq;
	case GAON_MCU_ADMIN_SQ_HI:
		return bus->admin_sq >> 32;
	case GAON_MCU_ADMIN_CQ_LO:
		return bus->admin_cq;
	case GAON_MCU_ADMIN_CQ_HI:
		return bus->admin_cq >> 32;
	case GAON_MCU_ADMIN_STATE_LO:
		return bus->admin_state;
	case GAON_MCU_ADMIN_STATE_HI:
		return bus->admin_state >> 32;
	case GAON_MCU_ADMIN_LOG2:
		return bus->admin_log2 | (uint32_t)bus->admin_enables << 16;
	default:
		return bus->admin_tail;
	}
}

static uint32_t mcubus_read_other(struct gaon_sim *sim, uint32_t reg)
{
	struct sim_mcu_bus *bus = sim->mcu;
	uint32_t value;

	switch (reg) {
	case GAON_MCU_STATE:
		return sim->state;
	case GAON_MCU_FUSES:
		return sim->config.debug_fuse;
	case GAON_MCU_IRQ_PENDING:
		return mcubus_pending(sim);
	case GAON_MCU_IRQ_ENABLE:
		return bus->irq_enable;
	case GAON_MCU_DMA_STATUS:
		return bus->dma_status;
	case GAON_MCU_IDENT_VALUE:
		return mcubus_word(&sim->identify, sizeof(sim->identify), bus->ident_index);
	case GAON_MCU_TELE_INDEX:
		return bus->tele_index;
	case GAON_MCU_TELE_VALUE:
		return mcubus_word(&bus->tele, sizeof(bus->tele), bus->tele_index);
	case GAON_MCU_RETIRED_VALUE:
		return mcubus_word(&bus->retired, sizeof(bus->retired), bus->retired_index);
	case GAON_MCU_CORE_VALUE:
		return sim_core_kept(sim, bus->core_index >> 16, bus->core_index & 0xffff);
	case GAON_MCU_ERRORS_VALUE:
		return mcubus_word(&bus->errors, sizeof(bus->errors), bus->errors_index);
	case GAON_MCU_PORTS_INDEX:
		return bus->ports_index;
	case GAON_MCU_PORTS_VALUE:
		return mcubus_word(&bus->ports, sizeof(bus->ports), bus->ports_index);
	case GAON_MCU_RETIRE_STATUS:
		return bus->retire_status;
	case GAON_MCU_CTX_STATUS:
		return bus->ctx_status;
	case GAON_MCU_DB_STATUS:
		return bus->db_status;
	case GAON_MCU_PENDQ_POP:
		value = sim_doorbell_pend_pop(sim);
		sim_mcubus_update_irq(sim);
		return value;
	case GAON_MCU_SLOT_STATUS:
		return bus->slot.index < sim->config.slots ? sim->slots[bus->slot.index].status :
							     GAON_SLOT_EMPTY;
	case GAON_MCU_SLOT_RESULT:
		return bus->slot.result;
	case GAON_MCU_SLOT_EVENT:
		value = sim_slot_event_pop(sim);
		sim_mcubus_update_irq(sim);
		return value;
	case GAON_MCU_SLOT_WANT:
		return sim->regs->slot_want;
	default:
		return sim_power_reg_read(sim, reg);
	}
}

bool sim_mcubus_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value)
{
	struct gaon_sim *sim = ctx;
	uint32_t reg = addr - GAON_MCU_REGS;
	uint32_t *plain;
	bool found;

	if (reg >= GAON_MCU_REGS_SIZE || len != 4 || reg & 3)
		return false;
	plain = mcubus_plain(sim->mcu, reg);
	if (plain) {
		*value = *plain;
		return true;
	}
	*value = mcubus_read_half(sim->mcu, reg, &found);
	if (found)
		return true;
	if (reg >= GAON_MCU_TIME_LO && reg <= GAON_MCU_CYCLE_HI)
		*value = mcubus_read_time(sim, reg);
	else if (reg >= GAON_MCU_ADMIN_SQ_LO && reg <= GAON_MCU_ADMIN_TAIL)
		*value = mcubus_read_admin(sim->mcu, reg);
	else
		*value = mcubus_read_other(sim, reg);
	return true;
}

/* --- writes ------------------------------------------------------------------------------------- */

static bool mcubus_write_half(struct sim_mcu_bus *bus, uint32_t reg, uint32_t value)
{
	uint64_t *pair = mcubus_pair(bus, reg);
	bool high = !pair;

	if (high)
		pair = mcubus_pair(bus, reg - 4);
	if (!pair)
		return false;
	sim_regs_merge64(pair, high, value, 4);
	return true;
}

static void mcubus_write_system(struct gaon_sim *sim, uint32_t reg, uint32_t value)
{
	struct sim_mcu_bus *bus = sim->mcu;

	switch (reg) {
	case GAON_MCU_STATE:
		mcubus_set_state(sim, value);
		break;
	case GAON_MCU_PANIC:
		mcubus_panic(sim, value);
		break;
	case GAON_MCU_FW_VERSION:
		sim->fw_version = value;
		break;
	case GAON_MCU_FW_ABI:
		sim->fw_abi = value;
		break;
	case GAON_MCU_HEARTBEAT:
		sim->heartbeat = sim_lie_heartbeat(sim, value);
		break;
	case GAON_MCU_IRQ_PENDING:
		bus->irq_edges &= ~(value & (GAON_MCU_IRQ_ADMIN | GAON_MCU_IRQ_POWER));
		sim_mcubus_update_irq(sim);
		break;
	case GAON_MCU_IRQ_ENABLE:
		bus->irq_enable = value & (GAON_MCU_IRQ_ADMIN | GAON_MCU_IRQ_SLOT | GAON_MCU_IRQ_PENDQ |
					   GAON_MCU_IRQ_POWER);
		sim_mcubus_update_irq(sim);
		break;
	case GAON_MCU_TIMECMP_LO:
	case GAON_MCU_TIMECMP_HI:
		mcubus_set_timecmp(sim, reg == GAON_MCU_TIMECMP_HI, value);
		break;
	}
}

static void mcubus_write_command(struct gaon_sim *sim, uint32_t reg, uint32_t value)
{
	struct sim_mcu_bus *bus = sim->mcu;

	switch (reg) {
	case GAON_MCU_DMA_CTRL:
		mcubus_dma(sim, value);
		break;
	case GAON_MCU_ADMIN_RAISE:
		sim_msix_raise(sim, 0);
		break;
	case GAON_MCU_TELE_INDEX:
		bus->tele_index = value;
		if (!value)
			sim_telemetry_latch(sim, &bus->tele);
		break;
	case GAON_MCU_PORTS_INDEX:
		bus->ports_index = value;
		if (!value)
			sim_ports_latch(sim, &bus->ports);
		break;
	case GAON_MCU_CTX_CMD:
		bus->ctx_status = mcubus_context(sim, value);
		break;
	case GAON_MCU_DB_CMD:
		bus->db_status = mcubus_doorbell(sim, value);
		break;
	case GAON_MCU_SLOT_CMD:
		bus->slot.result = sim_slot_command(sim, value, &bus->slot);
		break;
	case GAON_MCU_SLOT_WANT:
		sim->regs->slot_want = value & 0xff;
		break;
	case GAON_MCU_ENGINE_RESET:
		if (value == 1)
			sim_slots_engine_reset(sim);
		break;
	case GAON_MCU_INJECT_CMD:
		mcubus_inject(sim);
		break;
	case GAON_MCU_RETIRE_PAGE:
		bus->retire_status = sim_ras_retire(sim, value);
		break;
	default:
		sim_power_reg_write(sim, reg, value);
		break;
	}
}

bool sim_mcubus_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value)
{
	struct gaon_sim *sim = ctx;
	uint32_t reg = addr - GAON_MCU_REGS;
	uint32_t *plain;

	if (reg >= GAON_MCU_REGS_SIZE || len != 4 || reg & 3)
		return false;
	plain = mcubus_plain(sim->mcu, reg);
	if (plain)
		*plain = value;
	else if (!mcubus_write_half(sim->mcu, reg, value)) {
		if (reg <= GAON_MCU_CYCLE_HI)
			mcubus_write_system(sim, reg, value);
		else
			mcubus_write_command(sim, reg, value);
	}
	return true;
}
