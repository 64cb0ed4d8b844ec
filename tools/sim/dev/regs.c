// SPDX-License-Identifier: MIT
/* BAR0 below the MSI-X table: identity, boot, admin rings; and the three BARs' dispatch. */
#include <string.h>
#include <time.h>

#include "devside.h"
#include "lie.h"

uint64_t sim_clock_ns(struct gaon_sim *sim)
{
	struct timespec ts;

	if (sim->ops.clock_ns)
		return sim->ops.clock_ns(sim->ops_ctx);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void sim_regs_merge64(uint64_t *reg, bool high, uint64_t value, unsigned int len)
{
	if (len == 8)
		*reg = value;
	else if (high)
		*reg = (*reg & 0xffffffffull) | value << 32;
	else
		*reg = (*reg & ~0xffffffffull) | (uint32_t)value;
}

/* --- state -------------------------------------------------------------------------------------- */

void sim_set_state(struct gaon_sim *sim, uint32_t state, uint32_t boot_error)
{
	struct gaon_event event = { .type = GAON_EVENT_STATE, .value = state };

	if (sim->state == state && sim->boot_error == boot_error)
		return;
	sim->state = state;
	sim->boot_error = boot_error;
	if (state < GAON_STATE_READY)
		return;
	for (unsigned int i = 0; i < GAON_EVENT_RINGS; i++)
		sim_event_post_ring(sim, i, &event);
	sim_msix_raise(sim, 0);
}

void sim_set_fatal(struct gaon_sim *sim, uint32_t boot_error)
{
	sim_log(sim, 3, "firmware lost: boot error %#x", boot_error);
	sim_slots_engine_reset(sim);
	sim_set_state(sim, GAON_STATE_FATAL, boot_error);
}

/* --- reads -------------------------------------------------------------------------------------- */

static uint64_t regs_read_cycle(struct gaon_sim *sim)
{
	sim->regs->cycle = sim_time_now(sim);
	sim->regs->host_ns = sim_clock_ns(sim);
	return sim->regs->cycle;
}

/* 64-bit registers, and those that commit with their upper half. */
static bool regs_is64(uint64_t offset)
{
	switch (offset) {
	case GAON_REG_FW_ADDR:
	case GAON_REG_HBM_SIZE:
	case GAON_REG_APERTURE:
	case GAON_REG_CYCLE:
	case GAON_REG_HOST_NS:
	case GAON_REG_ADMIN_SQ:
	case GAON_REG_ADMIN_CQ:
	case GAON_REG_ADMIN_STATE:
	case GAON_REG_TLBI_DONE_ADDR:
	case GAON_REG_TLBI_VA:
	case GAON_REG_TLBI_SIZE:
	case GAON_REG_TLBI_SEQ:
	case GAON_REG_TLBI_DONE:
		return true;
	}
	if (offset >= GAON_REG_EVENT(0) && offset < GAON_REG_EVENT(GAON_EVENT_RINGS)) {
		offset = (offset - GAON_REG_EVENT(0)) % 0x20;
		return offset == GAON_EVENT_ADDR || offset == GAON_EVENT_HEAD;
	}
	return false;
}

static uint64_t regs_read64(struct gaon_sim *sim, uint64_t offset, bool high)
{
	switch (offset) {
	case GAON_REG_FW_ADDR:
		return sim->regs->fw_addr;
	case GAON_REG_HBM_SIZE:
		return sim->config.hbm_bytes;
	case GAON_REG_APERTURE:
		return sim->identify.aperture_bytes;
	case GAON_REG_CYCLE:
		/* The lower half latches the upper one. */
		return high ? sim->regs->cycle : regs_read_cycle(sim);
	case GAON_REG_HOST_NS:
		return sim->regs->host_ns;
	case GAON_REG_ADMIN_SQ:
		return sim->regs->admin_sq;
	case GAON_REG_ADMIN_CQ:
		return sim->regs->admin_cq;
	case GAON_REG_ADMIN_STATE:
		return sim->regs->admin_state;
	default:
		return 0;
	}
}

static uint32_t regs_read32(struct gaon_sim *sim, uint64_t offset)
{
	switch (offset) {
	case GAON_REG_ID:
		return GAON_ID;
	case GAON_REG_REVISION:
		return GAON_REVISION;
	case GAON_REG_STATE:
		return sim->state;
	case GAON_REG_BOOT_ERROR:
		return sim->boot_error;
	case GAON_REG_FW_SIZE:
		return sim->regs->fw_size;
	case GAON_REG_FW_VERSION:
		return sim->state == GAON_STATE_READY || sim->state == GAON_STATE_DEGRADED ?
			sim->fw_version : 0;
	case GAON_REG_FW_ABI:
		return sim->state == GAON_STATE_READY || sim->state == GAON_STATE_DEGRADED ?
			sim->fw_abi : 0;
	case GAON_REG_HEARTBEAT:
		return sim->heartbeat;
	case GAON_REG_ADMIN_LOG2:
		return sim->regs->admin_log2;
	case GAON_REG_ADMIN_ENABLE:
		return sim->regs->admin_enable;
	default:
		return 0;
	}
}

/* @offset is a multiple of 4; @len 4 or 8. */
uint64_t sim_regs_read(struct gaon_sim *sim, uint64_t offset, unsigned int len)
{
	uint64_t value;

	if (offset >= GAON_REG_LIMIT)
		return 0;
	if (len == 8 && !regs_is64(offset))
		return sim_regs_read(sim, offset, 4) | sim_regs_read(sim, offset + 4, 4) << 32;
	if (offset >= GAON_REG_EVENT(0) && offset < GAON_REG_EVENT(GAON_EVENT_RINGS))
		return sim_event_reg_read(sim, (offset - GAON_REG_EVENT(0)) / 0x20,
					  (offset - GAON_REG_EVENT(0)) % 0x20, len);
	if (offset >= GAON_REG_TLBI_DONE_ADDR && offset < GAON_REG_EVENT(0))
		return sim_tlbi_reg_read(sim, offset, len);
	if (!regs_is64(offset & ~4ull))
		return sim_lie_register(sim, offset, regs_read32(sim, offset));
	value = regs_read64(sim, offset & ~4ull, offset & 4);
	if (len == 8)
		return value;
	return offset & 4 ? value >> 32 : (uint32_t)value;
}

/* --- writes ------------------------------------------------------------------------------------- */

static void regs_admin_enable(struct gaon_sim *sim, bool enable)
{
	sim->regs->admin_enable = enable;
	sim_mcubus_admin_irq(sim, true, 0);
	sim_run_poke(sim);
}

static void regs_write32(struct gaon_sim *sim, uint64_t offset, uint32_t value)
{
	struct sim_regs *r = sim->regs;

	switch (offset) {
	case GAON_REG_FW_SIZE:
		if (sim->state == GAON_STATE_RESET)
			r->fw_size = value;
		break;
	case GAON_REG_BOOT:
		if (value != GAON_BOOT_GO || sim->state != GAON_STATE_RESET)
			break;
		sim->state = GAON_STATE_ROM;
		r->boot_pending = true;
		sim_run_poke(sim);
		break;
	case GAON_REG_RESET:
		if ((value == GAON_RESET_CHIP || value == GAON_RESET_FIRMWARE) && !sim_lie_deaf(sim))
			sim_reset_chip(sim, value == GAON_RESET_CHIP ? SIM_RESET_CHIP : SIM_RESET_FIRMWARE);
		break;
	case GAON_REG_ADMIN_LOG2:
		if (!r->admin_enable)
			r->admin_log2 = value & 31;
		break;
	case GAON_REG_ADMIN_ENABLE:
		regs_admin_enable(sim, value & 1);
		break;
	case GAON_REG_ADMIN_TAIL:
		if (!r->admin_enable)
			break;
		sim_mcubus_admin_irq(sim, false, value);
		sim_run_poke(sim);
		break;
	}
}

static void regs_write64(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len)
{
	struct sim_regs *r = sim->regs;
	uint64_t *reg;

	switch (offset & ~4ull) {
	case GAON_REG_FW_ADDR:
		if (sim->state != GAON_STATE_RESET)
			return;
		reg = &r->fw_addr;
		break;
	case GAON_REG_ADMIN_SQ:
		reg = &r->admin_sq;
		break;
	case GAON_REG_ADMIN_CQ:
		reg = &r->admin_cq;
		break;
	case GAON_REG_ADMIN_STATE:
		reg = &r->admin_state;
		break;
	default:
		return;
	}
	if (reg != &r->fw_addr && r->admin_enable)
		return;
	sim_regs_merge64(reg, offset & 4, value, len);
	*reg &= GAON_PA_MASK;
}

/* @offset is a multiple of 4; @len 4 or 8. */
void sim_regs_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len)
{
	if (offset >= GAON_REG_LIMIT)
		return;
	if (len == 8 && !regs_is64(offset)) {
		sim_regs_write(sim, offset, (uint32_t)value, 4);
		sim_regs_write(sim, offset + 4, value >> 32, 4);
		return;
	}
	if (offset >= GAON_REG_EVENT(0) && offset < GAON_REG_EVENT(GAON_EVENT_RINGS))
		sim_event_reg_write(sim, (offset - GAON_REG_EVENT(0)) / 0x20,
				    (offset - GAON_REG_EVENT(0)) % 0x20, value, len);
	else if (offset >= GAON_REG_TLBI_DONE_ADDR && offset < GAON_REG_EVENT(0))
		sim_tlbi_reg_write(sim, offset, value, len);
	else if (regs_is64(offset & ~4ull))
		regs_write64(sim, offset, value, len);
	else
		regs_write32(sim, offset, value);
}

void sim_regs_reset(struct gaon_sim *sim)
{
	memset(sim->regs, 0, sizeof(*sim->regs));
	memset(sim->tlbi, 0, sizeof(*sim->tlbi));
	sim->state = GAON_STATE_RESET;
	sim->boot_error = GAON_BOOT_OK;
	sim->fw_version = 0;
	sim->fw_abi = 0;
	sim->heartbeat = 0;
}

/* --- the BARs ----------------------------------------------------------------------------------- */

static uint64_t bar_ones(unsigned int len)
{
	return len == 8 ? UINT64_MAX : (1ull << 8 * len) - 1;
}

/* Naturally aligned, inside, and the function answers at all. */
static bool bar_access_valid(struct gaon_sim *sim, unsigned int bar, uint64_t offset, unsigned int len)
{
	uint64_t size = sim_pci_bar_size(sim, bar);

	return (len == 1 || len == 2 || len == 4 || len == 8) && !(offset & (len - 1)) &&
	       offset < size && len <= size - offset && sim_pci_memory_enabled(sim);
}

static uint64_t bar0_read(struct gaon_sim *sim, uint64_t offset, unsigned int len)
{
	unsigned int shift = 8 * (offset & 3);
	uint64_t value;

	/* Parts of a register are cut out of it. */
	if (len < 4)
		return bar0_read(sim, offset & ~3ull, 4) >> shift & bar_ones(len);
	sim_lock(sim);
	if (offset >= GAON_MSIX_TABLE)
		value = sim_msix_read(sim, offset, len);
	else
		value = sim_regs_read(sim, offset, len);
	sim_unlock(sim);
	return value;
}

uint64_t gaon_sim_bar_read(struct gaon_sim *sim, unsigned int bar, uint64_t offset, unsigned int len)
{
	uint64_t value = 0;

	if (!bar_access_valid(sim, bar, offset, len))
		return bar_ones(len == 1 || len == 2 || len == 4 ? len : 8);
	switch (bar) {
	case GAON_BAR_REGS:
		return bar0_read(sim, offset, len);
	case GAON_BAR_HBM:
		if (offset + len > sim->identify.aperture_bytes)
			return bar_ones(len);
		memcpy(&value, sim->hbm + offset, len);
		return value;
	default:
		return 0;	/* doorbells are write-only */
	}
}

void gaon_sim_bar_write(struct gaon_sim *sim, unsigned int bar, uint64_t offset, uint64_t value,
			unsigned int len)
{
	if (!bar_access_valid(sim, bar, offset, len))
		return;
	switch (bar) {
	case GAON_BAR_REGS:
		if (len < 4)
			return;
		sim_lock(sim);
		if (offset >= GAON_MSIX_TABLE)
			sim_msix_write(sim, offset, value, len);
		else
			sim_regs_write(sim, offset, value, len);
		sim_unlock(sim);
		break;
	case GAON_BAR_HBM:
		if (offset + len <= sim->identify.aperture_bytes)
			memcpy(sim->hbm + offset, &value, len);
		break;
	case GAON_BAR_DOORBELL:
		if (len >= 4)
			gaon_sim_doorbell(sim, offset / GAON_DOORBELL_STRIDE,
					  offset % GAON_DOORBELL_STRIDE / 8);
		break;
	}
}
