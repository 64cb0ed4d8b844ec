// SPDX-License-Identifier: MIT
/* Which handler serves an opcode. */
#include "fw.h"

static uint32_t nop(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		    uint64_t value[6])
{
	(void)ticket;
	(void)value;
	return fw_is_zero(cmd->bytes, sizeof(cmd->bytes)) ? GAON_ADMIN_OK : GAON_ADMIN_ERR_RESERVED;
}

/* This firmware drives a single chip. */
static uint32_t no_links(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			 uint64_t value[6])
{
	(void)cmd;
	(void)ticket;
	(void)value;
	return GAON_ADMIN_ERR_FEATURE;
}

static const struct {
	uint16_t opcode;
	fw_handler *handler;
} table[] = {
	{ GAON_ADMIN_NOP, nop },
	{ GAON_ADMIN_IDENTIFY, misc_identify },
	{ GAON_ADMIN_SET_FEATURES, misc_features },
	{ GAON_ADMIN_CONTEXT_CREATE, context_create },
	{ GAON_ADMIN_CONTEXT_DESTROY, context_destroy },
	{ GAON_ADMIN_CONTEXT_SUSPEND, context_suspend },
	{ GAON_ADMIN_CONTEXT_RESUME, context_resume },
	{ GAON_ADMIN_CONTEXT_RESET, context_reset },
	{ GAON_ADMIN_QUEUE_CREATE, queue_create },
	{ GAON_ADMIN_QUEUE_DESTROY, queue_destroy },
	{ GAON_ADMIN_QUEUE_SUSPEND, queue_suspend },
	{ GAON_ADMIN_QUEUE_RESUME, queue_resume },
	{ GAON_ADMIN_QUEUE_PRIORITY, queue_priority },
	{ GAON_ADMIN_QUEUE_RESET, queue_reset },
	{ GAON_ADMIN_FAULT_CLEAR, queue_clear },
	{ GAON_ADMIN_QUEUE_QUERY, queue_query },
	{ GAON_ADMIN_QUEUE_RESTORE, queue_restore },
	{ GAON_ADMIN_ENGINE_RESET, engine_reset },
	{ GAON_ADMIN_TELEMETRY, misc_telemetry },
	{ GAON_ADMIN_LOG_SETUP, misc_log },
	{ GAON_ADMIN_LIMITS, misc_limits },
	{ GAON_ADMIN_INJECT, misc_inject },
	{ GAON_ADMIN_RETIRED, misc_retired },
	{ GAON_ADMIN_POWER, power_set },
	{ GAON_ADMIN_CORE_STATE, misc_core_state },
	{ GAON_ADMIN_ERRORS, misc_errors },
	{ GAON_ADMIN_RETIRE, misc_retire },
	{ GAON_ADMIN_PORTS, misc_ports },
	{ GAON_ADMIN_LINK, no_links },
};

uint32_t admin_execute(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].opcode != cmd->opcode)
			continue;
		if (cmd->reserved)
			return GAON_ADMIN_ERR_RESERVED;
		return table[i].handler(cmd, ticket, value);
	}
	return GAON_ADMIN_ERR_OPCODE;
}
