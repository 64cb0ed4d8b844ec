// SPDX-License-Identifier: MIT
/*
 * The management core's registers.  The firmware is their user and nobody trusts it: every index,
 * address and length is checked here or by what it is handed to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "devside.h"

#define MCU_QUANTUM		20000u		/* instructions per turn */
#define MCU_BOOT_BUDGET		50000000u	/* instructions until READY */
#define MCU_DMA_MAX		65536u

struct sim_mcu_bus {
	struct sim_mcu *core;
	uint8_t *sram;
	bool started, hung;
	uint64_t boot_budget;
	struct sim_rom_image image;
	uint32_t security_version;	/* burnt fuses; survives resets */

	uint32_t irq_edges, irq_enable;
	uint32_t time_high, cycle_high;
	uint64_t timecmp;

	uint64_t dma_pa;
	uint32_t dma_sram, dma_len, dma_status;

	uint64_t admin_sq, admin_cq, admin_state;
	uint32_t admin_log2, admin_tail;
	uint16_t admin_enables;

	uint32_t ident_index, tele_index;
	struct gaon_telemetry tele;

	uint32_t ctx_index, ctx_asid, ctx_ring, ctx_status;
	uint64_t ctx_root, ctx_print;

	uint32_t db_queue, db_context, db_index, db_status;
	struct sim_slot_fields slot;

	uint32_t inject_kind, inject_target;
	uint64_t inject_address;
};

/* --- interrupts and time --------------------------------------------------------------------- */

static uint32_t mcubus_pending(struct gaon_sim *sim)
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

static void mcubus_set_timecmp(struct gaon_sim *sim, bool high, uint32_t value)
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

/* Fuses only ever go up; the file is the chip's non-volatile memory. */
static void mcubus_burn(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;
	int fd;

	if (bus->image.security_version <= bus->security_version)
		return;
	bus->security_version = bus->image.security_version;
	if (!sim->config.nv_path)
		return;
	fd = open(sim->config.nv_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, &bus->security_version, 4) != 4)
		sim_log(sim, 4, "cannot write %s: %s", sim->config.nv_path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void mcubus_load_fuses(struct gaon_sim *sim)
{
	uint32_t version;
	int fd;

	if (!sim->config.nv_path)
		return;
	fd = open(sim->config.nv_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, &version, sizeof(version)) == sizeof(version))
		sim->mcu->security_version = version;
	close(fd);
}

static void mcubus_set_state(struct gaon_sim *sim, uint32_t state)
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

static void mcubus_panic(struct gaon_sim *sim, uint32_t code)
{
	sim_set_fatal(sim, GAON_BOOT_PANIC | code << 16);
	sim_mcu_stop(sim->mcu->core);
}

static void mcubus_inject(struct gaon_sim *sim)
{
	struct sim_mcu_bus *bus = sim->mcu;

	if (!sim->config.debug_fuse)
		return;
	switch (bus->inject_kind) {
	case GAON_INJECT_CE:
		if (bus->inject_target == 0)
			sim->tele.hbm_ce++;
		else if (bus->inject_target == 1)
			sim->tele.spm_ce++;
		else if (bus->inject_target == 2)
			sim->tele.link_ce++;
		break;
	case GAON_INJECT_UE:
		sim->tele.hbm_ue++;
		sim_mmu_poison(sim, bus->inject_address);
		break;
	case GAON_INJECT_FW_HANG:
		bus->hung = true;
		sim_mcu_stop(bus->core);
		break;
	case GAON_INJECT_FW_CRASH:
		sim_set_fatal(sim, GAON_BOOT_CRASH);
		sim_mcu_stop(bus->core);
		break;
	}
}

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
			good = sim_phys_write(sim, bus->dma_pa & GAON_PA_MASK, bus->sram + offset, len);
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
	    (bus->ctx_print && !sim_va_range_valid(bus->ctx_print, 64, false)))
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
		return 0;
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
		sim->heartbeat = value;
		break;
	case GAON_MCU_IRQ_PENDING:
		bus->irq_edges &= ~(value & GAON_MCU_IRQ_ADMIN);
		sim_mcubus_update_irq(sim);
		break;
	case GAON_MCU_IRQ_ENABLE:
		bus->irq_enable = value & (GAON_MCU_IRQ_ADMIN | GAON_MCU_IRQ_SLOT | GAON_MCU_IRQ_PENDQ);
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
	bus->timecmp = UINT64_MAX;
	bus->slot.index = 0;
}

void sim_mcubus_reset(struct gaon_sim *sim)
{
	mcubus_clear(sim->mcu);
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
	mcubus_load_fuses(sim);
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
