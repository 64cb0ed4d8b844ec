// SPDX-License-Identifier: MIT
/* Contexts, and commands that concern all queues of one. */
#include "sched.h"

struct fw_context contexts[GAON_CONTEXTS];

/* Address spaces in use: two contexts under one ASID would see each other's translations. */
static uint32_t asids[GAON_ASIDS / 32];

static bool asid_used(uint16_t asid)
{
	return asids[asid / 32] >> (asid % 32) & 1;
}

struct fw_context *context_find(uint32_t id)
{
	return id < GAON_CONTEXTS && contexts[id].used ? &contexts[id] : NULL;
}

static uint32_t check_create(const struct gaon_admin_context *c)
{
	if (c->reserved0 || !fw_is_zero(c->reserved1, sizeof(c->reserved1)))
		return GAON_ADMIN_ERR_RESERVED;
	if (!c->context || c->context >= GAON_CONTEXTS || !c->asid || c->ring >= GAON_EVENT_RINGS)
		return GAON_ADMIN_ERR_RANGE;
	if (c->root_pa % GAON_PAGE_SIZE || c->print_va % 8)
		return GAON_ADMIN_ERR_ALIGN;
	if (c->root_pa > GAON_PA_MASK ||
	    (c->print_va && !gaon_va_range_valid(c->print_va, 1, false)))
		return GAON_ADMIN_ERR_RANGE;
	if (contexts[c->context].used || asid_used(c->asid))
		return GAON_ADMIN_ERR_BUSY;
	return GAON_ADMIN_OK;
}

static uint32_t enable(const struct gaon_admin_context *c)
{
	reg_write(GAON_MCU_CTX_INDEX, c->context);
	reg_write(GAON_MCU_CTX_ASID, c->asid);
	reg_write64(GAON_MCU_CTX_ROOT_LO, c->root_pa);
	reg_write64(GAON_MCU_CTX_PRINT_LO, c->print_va);
	reg_write(GAON_MCU_CTX_RING, c->ring);
	reg_write(GAON_MCU_CTX_CMD, GAON_MCU_CTX_ENABLE);
	return reg_read(GAON_MCU_CTX_STATUS);
}

uint32_t context_create(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			uint64_t value[6])
{
	const struct gaon_admin_context *c = &cmd->context;
	uint32_t error = check_create(c);

	(void)ticket;
	(void)value;
	if (!error)
		error = enable(c);
	if (error)
		return error;
	contexts[c->context] = (struct fw_context){
		.asid = c->asid,
		.first = FW_NONE,
		.used = true,
	};
	asids[c->asid / 32] |= 1u << (c->asid % 32);
	return GAON_ADMIN_OK;
}

/* The context that a command names by its id alone; NULL with *@error. */
static struct fw_context *find(const struct gaon_admin_cmd *cmd, uint32_t *error)
{
	const struct gaon_admin_context *c = &cmd->context;
	struct fw_context *context = context_find(c->context);

	*error = GAON_ADMIN_ERR_RESERVED;
	if (!fw_is_zero(cmd->bytes + sizeof(c->context), sizeof(cmd->bytes) - sizeof(c->context)))
		return NULL;
	*error = GAON_ADMIN_ERR_ID;
	if (!context)
		return NULL;
	*error = GAON_ADMIN_ERR_BUSY;
	return context->op.opcode ? NULL : context;
}

uint32_t context_destroy(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			 uint64_t value[6])
{
	uint32_t error;
	struct fw_context *context = find(cmd, &error);

	(void)ticket;
	(void)value;
	if (!context)
		return error;
	if (context->first != FW_NONE)
		return GAON_ADMIN_ERR_BUSY;
	reg_write(GAON_MCU_CTX_INDEX, cmd->context.context);
	reg_write(GAON_MCU_CTX_CMD, GAON_MCU_CTX_DISABLE);
	error = reg_read(GAON_MCU_CTX_STATUS);
	if (error)
		return error;
	asids[context->asid / 32] &= ~(1u << (context->asid % 32));
	memset(context, 0, sizeof(*context));
	return GAON_ADMIN_OK;
}

static void answer_if_done(struct fw_context *context)
{
	if (!context->op.opcode || context->waiting)
		return;
	admin_reply(&context->op, context->timed_out ? GAON_ADMIN_ERR_TIMEOUT : GAON_ADMIN_OK);
	context->timed_out = false;
}

void context_queue_done(struct fw_queue *q)
{
	struct fw_context *context = &contexts[q->context];

	if (!q->context_waits)
		return;
	q->context_waits = false;
	context->waiting--;
	answer_if_done(context);
}

static bool concerned(const struct fw_queue *q, uint16_t opcode)
{
	return opcode == GAON_ADMIN_CONTEXT_RESET || q->place != QUEUE_OUT || q->drop;
}

/*
 * All queues are counted before the first is driven, and one more, so that the answer comes once
 * and last.
 */
static uint32_t begin(struct fw_context *context, const struct fw_ticket *ticket)
{
	uint16_t id, next;

	context->op = *ticket;
	context->timed_out = false;
	context->waiting = 1;
	for (id = context->first; id != FW_NONE; id = queues[id].sibling) {
		if (!concerned(&queues[id], ticket->opcode))
			continue;
		queues[id].context_waits = true;
		context->waiting++;
	}
	for (id = context->first; id != FW_NONE; id = next) {
		next = queues[id].sibling;
		if (ticket->opcode == GAON_ADMIN_CONTEXT_RESET)
			queues[id].drop = true;
		queue_drive(&queues[id]);
	}
	context->waiting--;
	answer_if_done(context);
	return FW_DEFERRED;
}

uint32_t context_suspend(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			 uint64_t value[6])
{
	uint32_t error;
	struct fw_context *context = find(cmd, &error);

	(void)value;
	if (!context)
		return error;
	context->suspended = true;
	return begin(context, ticket);
}

uint32_t context_reset(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	uint32_t error;
	struct fw_context *context = find(cmd, &error);

	(void)value;
	return context ? begin(context, ticket) : error;
}

uint32_t context_resume(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			uint64_t value[6])
{
	uint32_t error;
	struct fw_context *context = find(cmd, &error);

	(void)ticket;
	(void)value;
	if (!context)
		return error;
	context->suspended = false;
	for (uint16_t id = context->first; id != FW_NONE; id = queues[id].sibling)
		queue_make_ready(&queues[id]);
	return GAON_ADMIN_OK;
}

void context_kill(uint16_t id)
{
	struct fw_context *context = &contexts[id];
	uint16_t q, next;

	log_line(LOG_ERROR, "context %u did not stop within %u ms: killed", id, limits.preempt_ms);
	context->timed_out = context->op.opcode != 0;
	for (q = context->first; q != FW_NONE; q = next) {
		next = queues[q].sibling;
		queues[q].timed_out = queues[q].op.opcode != 0;
		queues[q].drop = true;
		queue_drive(&queues[q]);
	}
}
