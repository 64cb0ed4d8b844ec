// SPDX-License-Identifier: MIT
/* ENGINE_RESET: all work in flight is dropped, its queues end DROPPED, queues that slept go on. */
#include "sched.h"

static struct fw_ticket op;
static uint32_t waiting;

static void answer_if_done(void)
{
	if (op.opcode && !waiting)
		admin_reply(&op, GAON_ADMIN_OK);
}

void engine_queue_done(struct fw_queue *q)
{
	if (!q->engine_waits)
		return;
	q->engine_waits = false;
	waiting--;
	answer_if_done();
}

uint32_t engine_reset(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		      uint64_t value[6])
{
	(void)value;
	if (!fw_is_zero(cmd->bytes, sizeof(cmd->bytes)))
		return GAON_ADMIN_ERR_RESERVED;
	if (op.opcode || waiting)
		return GAON_ADMIN_ERR_BUSY;
	op = *ticket;
	waiting = sched_reset_engines();
	answer_if_done();
	return FW_DEFERRED;
}

void engine_reset_internal(void)
{
	waiting += sched_reset_engines();
}
