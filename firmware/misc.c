// SPDX-License-Identifier: MIT
/* Commands about the device as a whole. */
#include <hw/gaon_port.h>

#include "fw.h"

#define PREEMPT_MS_MAX		60000u
#define HEARTBEAT_MS_MAX	3600000u
#define SLICE_US_MAX		1000000u
#define FUSE_DEBUG		1u
#define AMBIENT_MC_MAX		125000u	/* as telemetry.rst says */
#define PAGE_BYTES		4096u	/* of retired pages */
#define VALUE_BEHIND_INDEX	4u	/* of each pair of registers */

_Static_assert(GAON_MCU_TELE_VALUE == GAON_MCU_TELE_INDEX + VALUE_BEHIND_INDEX &&
	       GAON_MCU_RETIRED_VALUE == GAON_MCU_RETIRED_INDEX + VALUE_BEHIND_INDEX &&
	       GAON_MCU_ERRORS_VALUE == GAON_MCU_ERRORS_INDEX + VALUE_BEHIND_INDEX &&
	       GAON_MCU_PORTS_VALUE == GAON_MCU_PORTS_INDEX + VALUE_BEHIND_INDEX &&
	       GAON_MCU_CORE_VALUE == GAON_MCU_CORE_INDEX + VALUE_BEHIND_INDEX, "pairs");

#define RESERVED_ZERO(field)	fw_is_zero(&(field), sizeof(field))

static uint32_t check_buffer(uint64_t pa, uint32_t bytes, uint32_t need)
{
	if (pa % 8)
		return GAON_ADMIN_ERR_ALIGN;
	if (bytes < need || pa > GAON_PA_MASK - need)
		return GAON_ADMIN_ERR_RANGE;
	return GAON_ADMIN_OK;
}

uint32_t misc_identify(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	const struct gaon_admin_identify *c = &cmd->identify;
	uint32_t error;

	(void)ticket;
	(void)value;
	if (c->reserved0 || !RESERVED_ZERO(c->reserved1))
		return GAON_ADMIN_ERR_RESERVED;
	error = check_buffer(c->data_pa, c->data_len, sizeof(identify));
	if (error)
		return error;
	return dma_write(c->data_pa, &identify, sizeof(identify)) ? GAON_ADMIN_OK :
								   GAON_ADMIN_ERR_DMA;
}

uint32_t misc_features(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	(void)ticket;
	if (!RESERVED_ZERO(cmd->features.reserved))
		return GAON_ADMIN_ERR_RESERVED;
	value[0] = cmd->features.mask & identify.features;
	return GAON_ADMIN_OK;
}

static union {
	uint32_t words[sizeof(struct gaon_errors) / 4];
	struct gaon_telemetry telemetry;
} buffer;

_Static_assert(sizeof(buffer.words) >= sizeof(struct gaon_telemetry) &&
	       sizeof(buffer.words) >= sizeof(struct gaon_core_state) &&
	       sizeof(buffer.words) >= sizeof(struct gaon_ports) &&
	       sizeof(buffer.words) >= sizeof(struct gaon_retired), "room for each");

/* A structure of the hardware, word by word through a pair of registers, into the buffer. */
static uint32_t fetch_words(const struct gaon_admin_buffer *c, uint32_t index_reg, uint32_t first_index,
			    uint32_t bytes)
{
	uint32_t error;

	if (!RESERVED_ZERO(c->reserved))
		return GAON_ADMIN_ERR_RESERVED;
	error = check_buffer(c->pa, c->bytes, bytes);
	if (error)
		return error;
	for (uint32_t i = 0; i < bytes / 4; i++) {
		reg_write(index_reg, first_index + i);
		buffer.words[i] = reg_read(index_reg + VALUE_BEHIND_INDEX);
	}
	return GAON_ADMIN_OK;
}

/* From there to where the host wants it. */
static uint32_t store_words(const struct gaon_admin_buffer *c, uint32_t bytes)
{
	return dma_write(c->pa, buffer.words, bytes) ? GAON_ADMIN_OK : GAON_ADMIN_ERR_DMA;
}

static uint32_t copy_words(const struct gaon_admin_buffer *c, uint32_t index_reg, uint32_t first_index,
			   uint32_t bytes, uint32_t *first)
{
	uint32_t error = fetch_words(c, index_reg, first_index, bytes);

	if (error)
		return error;
	*first = buffer.words[0];
	return store_words(c, bytes);
}

uint32_t misc_telemetry(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			uint64_t value[6])
{
	uint32_t error;

	(void)ticket;
	(void)value;
	if (cmd->buffer.value)
		return GAON_ADMIN_ERR_RESERVED;
	error = fetch_words(&cmd->buffer, GAON_MCU_TELE_INDEX, 0, sizeof(buffer.telemetry));
	if (error)
		return error;
	power_telemetry(&buffer.telemetry);
	return store_words(&cmd->buffer, sizeof(buffer.telemetry));
}

uint32_t misc_retired(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket, uint64_t value[6])
{
	uint32_t error, count;

	(void)ticket;
	if (cmd->buffer.value)
		return GAON_ADMIN_ERR_RESERVED;
	error = copy_words(&cmd->buffer, GAON_MCU_RETIRED_INDEX, 0, sizeof(struct gaon_retired), &count);
	if (!error)
		value[0] = count;
	return error;
}

uint32_t misc_core_state(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			 uint64_t value[6])
{
	uint32_t error, size;

	(void)ticket;
	if (cmd->buffer.value >= identify.cores)
		return GAON_ADMIN_ERR_RANGE;
	error = copy_words(&cmd->buffer, GAON_MCU_CORE_INDEX, cmd->buffer.value << 16,
			   sizeof(struct gaon_core_state), &size);
	if (!error)
		value[0] = size;
	return error;
}

uint32_t misc_errors(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket, uint64_t value[6])
{
	uint32_t size;

	(void)ticket;
	(void)value;
	if (!(identify.features & GAON_FEATURE_ERRORS))
		return GAON_ADMIN_ERR_FEATURE;
	if (cmd->buffer.value)
		return GAON_ADMIN_ERR_RESERVED;
	return copy_words(&cmd->buffer, GAON_MCU_ERRORS_INDEX, 0, sizeof(struct gaon_errors), &size);
}

uint32_t misc_ports(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket, uint64_t value[6])
{
	uint32_t size;

	(void)ticket;
	(void)value;
	if (!(identify.features & GAON_FEATURE_PORTS))
		return GAON_ADMIN_ERR_FEATURE;
	if (cmd->buffer.value)
		return GAON_ADMIN_ERR_RESERVED;
	return copy_words(&cmd->buffer, GAON_MCU_PORTS_INDEX, 0, sizeof(struct gaon_ports), &size);
}

uint32_t misc_retire(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket, uint64_t value[6])
{
	const struct gaon_admin_retire *c = &cmd->retire;

	(void)ticket;
	(void)value;
	if (!(identify.features & GAON_FEATURE_ERRORS))
		return GAON_ADMIN_ERR_FEATURE;
	if (!RESERVED_ZERO(c->reserved))
		return GAON_ADMIN_ERR_RESERVED;
	if (c->page % PAGE_BYTES)
		return GAON_ADMIN_ERR_ALIGN;
	if (c->page >= identify.hbm_bytes)
		return GAON_ADMIN_ERR_RANGE;
	reg_write(GAON_MCU_RETIRE_PAGE, (uint32_t)(c->page / PAGE_BYTES));
	switch (reg_read(GAON_MCU_RETIRE_STATUS)) {
	case GAON_MCU_RETIRE_OK:
		return GAON_ADMIN_OK;
	case GAON_MCU_RETIRE_FULL:
		return GAON_ADMIN_ERR_STATE;
	default:
		return GAON_ADMIN_ERR_RANGE;
	}
}

uint32_t misc_log(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		  uint64_t value[6])
{
	const struct gaon_admin_buffer *c = &cmd->buffer;

	(void)ticket;
	(void)value;
	if (!RESERVED_ZERO(c->reserved))
		return GAON_ADMIN_ERR_RESERVED;
	return log_setup(c->pa, c->bytes, c->value);
}

uint32_t misc_limits(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		     uint64_t value[6])
{
	const struct gaon_admin_limits *c = &cmd->limits;

	(void)ticket;
	(void)value;
	if (c->reserved0 || !RESERVED_ZERO(c->reserved1))
		return GAON_ADMIN_ERR_RESERVED;
	if (c->preempt_ms > PREEMPT_MS_MAX || c->heartbeat_ms > HEARTBEAT_MS_MAX ||
	    c->slice_us > SLICE_US_MAX)
		return GAON_ADMIN_ERR_RANGE;
	if (c->launch_cycles)
		limits.launch_cycles = c->launch_cycles;
	if (c->preempt_ms)
		limits.preempt_ms = c->preempt_ms;
	if (c->slice_us)
		limits.slice_us = c->slice_us;
	limits.heartbeat_ms = c->heartbeat_ms;
	heartbeat_restart();
	return GAON_ADMIN_OK;
}

static void inject(const struct gaon_admin_inject *c)
{
	reg_write(GAON_MCU_INJECT_KIND, c->kind);
	reg_write(GAON_MCU_INJECT_TARGET, c->target);
	reg_write64(GAON_MCU_INJECT_LO, c->address);
	reg_write(GAON_MCU_INJECT_CMD, 1);
}

static uint32_t inject_error(const struct gaon_admin_inject *c)
{
	const uint64_t ends[] = {
		[GAON_INJECT_HBM] = identify.hbm_bytes,
		[GAON_INJECT_SPM] = identify.cores,
		[GAON_INJECT_LINK] = 1 + identify.links,
	};

	if (c->target >= sizeof(ends) / sizeof(ends[0]) || c->address >= ends[c->target])
		return GAON_ADMIN_ERR_RANGE;
	inject(c);
	return GAON_ADMIN_OK;
}

static uint32_t inject_ambient(const struct gaon_admin_inject *c)
{
	if (!(identify.features & GAON_FEATURE_POWER))
		return GAON_ADMIN_ERR_FEATURE;
	if (c->target || c->address > AMBIENT_MC_MAX)
		return GAON_ADMIN_ERR_RANGE;
	inject(c);
	return GAON_ADMIN_OK;
}

uint32_t misc_inject(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		     uint64_t value[6])
{
	const struct gaon_admin_inject *c = &cmd->inject;

	(void)ticket;
	(void)value;
	if (!(reg_read(GAON_MCU_FUSES) & FUSE_DEBUG))
		return GAON_ADMIN_ERR_FEATURE;
	if (!RESERVED_ZERO(c->reserved))
		return GAON_ADMIN_ERR_RESERVED;
	switch (c->kind) {
	case GAON_INJECT_CE:
	case GAON_INJECT_UE:
		return inject_error(c);
	case GAON_INJECT_AMBIENT:
		return inject_ambient(c);
	case GAON_INJECT_FW_HANG:
		log_line(LOG_WARNING, "hanging on request");
		log_flush();
		fw_hang();
	case GAON_INJECT_FW_CRASH:
		__asm__ volatile("unimp");
		__builtin_unreachable();
	default:
		return GAON_ADMIN_ERR_RANGE;
	}
}
