// SPDX-License-Identifier: MIT
/* Admin commands on queues: every field is checked here before it reaches a table or a register. */
#include "sched.h"

#define SLICE_US_MAX	1000000u
#define RING_ALIGN	64u

/* Aligned, and [va, va + bytes) inside the half that belongs to the kind. */
static uint32_t check_va(uint64_t va, uint64_t bytes, uint32_t align, bool kernel)
{
	if (va % align)
		return GAON_ADMIN_ERR_ALIGN;
	return gaon_va_range_valid(va, bytes, kernel) ? GAON_ADMIN_OK : GAON_ADMIN_ERR_RANGE;
}

static uint32_t check_addresses(const struct gaon_admin_queue *c)
{
	bool kernel = c->kind == GAON_QUEUE_KIND_KERNEL;
	uint32_t error;

	error = check_va(c->ring_va, (uint64_t)sizeof(struct gaon_packet) << c->ring_log2, RING_ALIGN,
			 kernel);
	if (!error)
		error = check_va(c->state_va, sizeof(struct gaon_queue_state), RING_ALIGN, kernel);
	if (!error && c->save_va)
		error = check_va(c->save_va, identify.save_bytes, GAON_PAGE_SIZE, true);
	return error;
}

static uint32_t check_create(const struct gaon_admin_queue *c)
{
	if (!fw_is_zero(c->reserved0, sizeof(c->reserved0)) || c->reserved1)
		return GAON_ADMIN_ERR_RESERVED;
	if (c->queue >= GAON_QUEUES || c->doorbell >= GAON_DOORBELLS ||
	    c->kind > GAON_QUEUE_KIND_KERNEL || c->priority >= GAON_PRIORITIES ||
	    c->ring_log2 < GAON_RING_LOG2_MIN || c->ring_log2 > GAON_RING_LOG2_MAX ||
	    c->slice_us > SLICE_US_MAX || c->flags & ~GAON_QUEUE_F_DEBUG)
		return GAON_ADMIN_ERR_RANGE;
	if (!context_find(c->context))
		return GAON_ADMIN_ERR_ID;
	if (queues[c->queue].place != QUEUE_FREE)
		return GAON_ADMIN_ERR_BUSY;
	if (c->flags & GAON_QUEUE_F_DEBUG && !(identify.features & GAON_FEATURE_DEBUG))
		return GAON_ADMIN_ERR_FEATURE;
	if (c->flags & GAON_QUEUE_F_DEBUG && !c->save_va)
		return GAON_ADMIN_ERR_RANGE;
	return check_addresses(c);
}

static uint32_t map_doorbell(const struct gaon_admin_queue *c)
{
	reg_write(GAON_MCU_DB_QUEUE, c->queue);
	reg_write(GAON_MCU_DB_CONTEXT, c->context);
	reg_write(GAON_MCU_DB_INDEX, c->doorbell);
	reg_write(GAON_MCU_DB_CMD, GAON_MCU_DB_MAP);
	return reg_read(GAON_MCU_DB_STATUS);
}

uint32_t queue_create(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		      uint64_t value[6])
{
	const struct gaon_admin_queue *c = &cmd->queue;
	uint32_t error = check_create(c);
	struct fw_queue *q;

	(void)ticket;
	(void)value;
	if (!error)
		error = map_doorbell(c);
	if (error)
		return error;
	q = &queues[c->queue];
	*q = (struct fw_queue){
		.ring_va = c->ring_va,
		.state_va = c->state_va,
		.save_va = c->save_va,
		.slice = limits_cycles(c->slice_us ? c->slice_us : limits.slice_us),
		.limit = c->limit_cycles ? c->limit_cycles : limits.launch_cycles,
		.context = (uint16_t)c->context,
		.doorbell = c->doorbell,
		.slot = FW_NONE,
		.sibling = contexts[c->context].first,
		.place = QUEUE_OUT,
		.kind = c->kind,
		.priority = c->priority,
		.ring_log2 = c->ring_log2,
		.debug = c->flags & GAON_QUEUE_F_DEBUG,
	};
	contexts[c->context].first = (uint16_t)c->queue;
	/* Packets may have been published before the doorbell was mapped: load it in any case. */
	queue_make_ready(q);
	return GAON_ADMIN_OK;
}

/* The queue that a command names; NULL with *@error. @max: largest value that the command takes. */
static struct fw_queue *find(const struct gaon_admin_cmd *cmd, uint32_t max, uint32_t *error)
{
	const struct gaon_admin_id *c = &cmd->id;

	*error = GAON_ADMIN_ERR_RESERVED;
	if (!fw_is_zero(c->reserved, sizeof(c->reserved)) || (!max && c->value))
		return NULL;
	*error = GAON_ADMIN_ERR_RANGE;
	if (c->value > max)
		return NULL;
	*error = GAON_ADMIN_ERR_ID;
	if (c->id >= GAON_QUEUES || queues[c->id].place == QUEUE_FREE)
		return NULL;
	*error = GAON_ADMIN_OK;
	return &queues[c->id];
}

/* The same for commands that change the queue: one at a time. */
static struct fw_queue *find_idle(const struct gaon_admin_cmd *cmd, uint32_t *error)
{
	struct fw_queue *q = find(cmd, 0, error);

	if (!q)
		return NULL;
	*error = GAON_ADMIN_ERR_BUSY;
	return q->op.opcode || q->context_waits || q->drop ? NULL : q;
}

static uint32_t begin(struct fw_queue *q, const struct fw_ticket *ticket)
{
	q->op = *ticket;
	q->timed_out = false;
	queue_drive(q);
	return FW_DEFERRED;
}

uint32_t queue_destroy(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find_idle(cmd, &error);

	(void)value;
	return q ? begin(q, ticket) : error;
}

uint32_t queue_suspend(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find_idle(cmd, &error);

	(void)value;
	if (!q)
		return error;
	q->suspended = true;
	return begin(q, ticket);
}

uint32_t queue_resume(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		      uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find_idle(cmd, &error);

	(void)ticket;
	(void)value;
	if (!q)
		return error;
	q->suspended = q->stopped = false;
	queue_make_ready(q);
	return GAON_ADMIN_OK;
}

uint32_t queue_reset(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		     uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find_idle(cmd, &error);

	(void)value;
	if (!q)
		return error;
	q->drop = true;
	return begin(q, ticket);
}

/* The host may hear of a fault before the firmware, which is told when the work has ended. */
static bool faulted(const struct fw_queue *q)
{
	return q->condition != QUEUE_GOOD ||
	       (q->slot != FW_NONE && slot_status(q->slot) == GAON_SLOT_FAULTED);
}

uint32_t queue_clear(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		     uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find_idle(cmd, &error);

	(void)value;
	if (!q)
		return error;
	if (!faulted(q) || q->suspended || contexts[q->context].suspended)
		return GAON_ADMIN_ERR_STATE;
	return begin(q, ticket);
}

uint32_t queue_priority(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find(cmd, GAON_PRIORITIES - 1, &error);

	(void)ticket;
	(void)value;
	if (!q)
		return error;
	q->priority = (uint8_t)cmd->id.value;
	if (q->ready)
		ready_add(q);
	if (q->slot == FW_NONE)
		return GAON_ADMIN_OK;
	reg_write(GAON_MCU_SLOT_INDEX, q->slot);
	reg_write(GAON_MCU_SLOT_PRIORITY, q->priority);
	return slot_command(q->slot, GAON_SLOT_CMD_PRIORITY) ? GAON_ADMIN_OK : GAON_ADMIN_ERR_STATE;
}

static uint32_t check_restore(const struct gaon_admin_restore *c)
{
	const struct fw_queue *q = &queues[c->queue];

	if (c->state & ~(GAON_QUERY_CONDITION | GAON_QUERY_SAVED | GAON_QUERY_LATE |
			 GAON_QUERY_ASLEEP | GAON_RESTORE_ADOPT) ||
	    (c->state & GAON_QUERY_CONDITION) > QUEUE_DROPPED ||
	    (c->state & GAON_QUERY_SAVED && !q->save_va) ||
	    (c->state & GAON_RESTORE_ADOPT && c->state != GAON_RESTORE_ADOPT))
		return GAON_ADMIN_ERR_RANGE;
	if (q->op.opcode || q->context_waits || q->drop || contexts[q->context].op.opcode)
		return GAON_ADMIN_ERR_BUSY;
	return contexts[q->context].suspended ? GAON_ADMIN_OK : GAON_ADMIN_ERR_STATE;
}

/* In a suspended context that no command is under way on the queue is in no slot. */
uint32_t queue_restore(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6])
{
	const struct gaon_admin_restore *c = &cmd->restore;
	struct fw_queue *q;
	uint32_t error;

	(void)ticket;
	(void)value;
	if (c->reserved0 || !fw_is_zero(c->reserved1, sizeof(c->reserved1)))
		return GAON_ADMIN_ERR_RESERVED;
	if (c->queue >= GAON_QUEUES || queues[c->queue].place == QUEUE_FREE)
		return GAON_ADMIN_ERR_ID;
	error = check_restore(c);
	if (error)
		return error;
	q = &queues[c->queue];
	q->read = c->read;
	q->busy = c->core_cycles;
	q->copied = c->copy_cycles;
	q->preemptions = c->preempted;
	q->condition = c->state & GAON_QUERY_CONDITION;
	q->saved = c->state & GAON_QUERY_SAVED;
	q->late = c->state & GAON_QUERY_LATE;
	q->asleep = c->state & GAON_QUERY_ASLEEP;
	q->adopt = c->state & GAON_RESTORE_ADOPT;
	return GAON_ADMIN_OK;
}

static uint32_t query_times(const struct fw_queue *q, uint64_t value[6])
{
	value[0] = q->busy;
	value[1] = q->copied;
	if (q->slot == FW_NONE)
		return GAON_ADMIN_OK;
	reg_write(GAON_MCU_SLOT_INDEX, q->slot);
	reg_write(GAON_MCU_SLOT_CMD, GAON_SLOT_CMD_READ);
	value[0] = reg_read64(GAON_MCU_SLOT_BUSY_LO);
	value[1] = reg_read64(GAON_MCU_SLOT_COPIED_LO);
	return GAON_ADMIN_OK;
}

uint32_t queue_query(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		     uint64_t value[6])
{
	uint32_t error;
	struct fw_queue *q = find(cmd, GAON_QUERY_TIMES, &error);

	(void)ticket;
	if (!q)
		return error;
	if (cmd->id.value == GAON_QUERY_TIMES)
		return query_times(q, value);
	value[0] = GAON_SLOT_EMPTY;
	value[1] = q->read;
	value[2] = UINT64_MAX;
	value[3] = q->condition | (q->suspended ? GAON_QUERY_SUSPENDED : 0) |
		   (contexts[q->context].suspended ? GAON_QUERY_CONTEXT_SUSPENDED : 0) |
		   (q->saved ? GAON_QUERY_SAVED : 0) | (q->ready ? GAON_QUERY_READY : 0) |
		   (q->late ? GAON_QUERY_LATE : 0) | (q->asleep ? GAON_QUERY_ASLEEP : 0) |
		   (q->stopped ? GAON_QUERY_STOPPED : 0);
	value[4] = q->preemptions;
	value[5] = q->busy;
	if (q->slot == FW_NONE)
		return GAON_ADMIN_OK;
	value[0] = slot_status(q->slot);
	reg_write(GAON_MCU_SLOT_CMD, GAON_SLOT_CMD_READ);
	value[1] = reg_read64(GAON_MCU_SLOT_READ_LO);
	value[5] = reg_read64(GAON_MCU_SLOT_BUSY_LO);
	value[2] = q->slot;
	return GAON_ADMIN_OK;
}
