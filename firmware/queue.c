// SPDX-License-Identifier: MIT
/*
 * Queues: where each is, what is wanted of it, and the steps between the two.
 *
 * A command that takes time only records what is wanted (op, suspended, drop) and calls
 * queue_drive(); so does every event.  queue_drive() looks at where the queue is and takes the next
 * step, until it must wait for an event or nothing is wanted any more.
 */
#include "sched.h"

struct fw_queue queues[GAON_QUEUES];

uint16_t queue_id(const struct fw_queue *q)
{
	return (uint16_t)(q - queues);
}

static bool destroying(const struct fw_queue *q)
{
	return q->op.opcode == GAON_ADMIN_QUEUE_DESTROY;
}

static bool must_leave(const struct fw_queue *q)
{
	return q->suspended || contexts[q->context].suspended;
}

bool queue_runnable(const struct fw_queue *q)
{
	return q->place != QUEUE_FREE && q->condition == QUEUE_GOOD && !queue_has_goal(q);
}

bool queue_has_goal(const struct fw_queue *q)
{
	return q->op.opcode || q->drop || q->adopt || must_leave(q);
}

/* To be adopted it needs its memory, which it may not have while it is suspended. */
bool queue_needs_hold(const struct fw_queue *q)
{
	return q->place == QUEUE_OUT && !destroying(q) &&
	       (q->drop || q->op.opcode == GAON_ADMIN_FAULT_CLEAR || (q->adopt && !must_leave(q)));
}

void queue_make_ready(struct fw_queue *q)
{
	if (q->adopt)
		queue_drive(q);
	if (q->place == QUEUE_OUT && queue_runnable(q) && !q->ready)
		ready_add(q);
}

static void finish_op(struct fw_queue *q, uint32_t status)
{
	if (!q->op.opcode)
		return;
	admin_reply(&q->op, q->timed_out ? GAON_ADMIN_ERR_TIMEOUT : status);
	q->timed_out = false;
}

static void finish_drop(struct fw_queue *q)
{
	q->drop = false;
	q->adopt = false;
	q->saved = false;
	q->condition = QUEUE_DROPPED;
	engine_queue_done(q);
	if (q->op.opcode == GAON_ADMIN_QUEUE_RESET)
		finish_op(q, GAON_ADMIN_OK);
}

static void detach(struct fw_queue *q)
{
	uint16_t *link = &contexts[q->context].first;

	while (*link != queue_id(q))
		link = &queues[*link].sibling;
	*link = q->sibling;
}

static void unmap_doorbell(const struct fw_queue *q)
{
	reg_write(GAON_MCU_DB_QUEUE, queue_id(q));
	reg_write(GAON_MCU_DB_CONTEXT, q->context);
	reg_write(GAON_MCU_DB_INDEX, q->doorbell);
	reg_write(GAON_MCU_DB_CMD, GAON_MCU_DB_UNMAP);
}

static void destroy(struct fw_queue *q)
{
	ready_remove(q);
	unmap_doorbell(q);
	detach(q);
	engine_queue_done(q);
	context_queue_done(q);
	q->place = QUEUE_FREE;
	finish_op(q, GAON_ADMIN_OK);
	memset(q, 0, sizeof(*q));
}

/* To its write index and on; hardware that clears only faulted slots takes two steps. */
static void clear_held(struct fw_queue *q)
{
	bool good = slot_command(q->slot, GAON_SLOT_CMD_CLEAR);

	if (good)
		q->place = QUEUE_IN;
	else
		good = slot_command(q->slot, GAON_SLOT_CMD_SKIP) && slot_run(q);
	if (good) {
		q->condition = QUEUE_GOOD;
		q->late = false;
	}
	finish_op(q, good ? GAON_ADMIN_OK : GAON_ADMIN_ERR_STATE);
}

static void drive_in(struct fw_queue *q)
{
	/* It faulted, and the event that tells of it waits for its work to end: so does the goal. */
	if (slot_status(q->slot) == GAON_SLOT_FAULTED) {
		q->place = QUEUE_STOPPING;
		slots[q->slot].killing = true;
		slots[q->slot].ticks = 0;
		return;
	}
	/* UNLOAD succeeds for a slot that sleeps, and then nothing has to be waited for. */
	if (!q->drop && slot_unload(q))
		return;
	slot_stop(q, q->drop || destroying(q));
}

static void drive_stopping(struct fw_queue *q)
{
	if ((q->drop || destroying(q)) && !slots[q->slot].killing)
		slot_stop(q, true);
}

/* It goes on if it slept when its firmware was lost; else nobody knows how far its work was. */
static void adopt_held(struct fw_queue *q)
{
	if (!slot_command(q->slot, GAON_SLOT_CMD_ADOPT)) {
		q->drop = true;
		return;
	}
	q->adopt = false;
	if (!must_leave(q))
		slot_run(q);
}

static void drive_held(struct fw_queue *q)
{
	if (destroying(q)) {
		slot_unload(q);
		return;
	}
	if (q->adopt && !q->drop) {
		adopt_held(q);
		return;
	}
	if (q->drop) {
		/* A faulted slot cannot skip: out, and in again without running. */
		if (slot_command(q->slot, GAON_SLOT_CMD_SKIP))
			finish_drop(q);
		else
			slot_unload(q);
		return;
	}
	if (q->op.opcode == GAON_ADMIN_FAULT_CLEAR)
		clear_held(q);
	else if (must_leave(q))
		slot_unload(q);
}

static void drive_out(struct fw_queue *q)
{
	if (destroying(q))
		destroy(q);
	else if (queue_needs_hold(q))
		ready_add(q);
	else
		ready_remove(q);
	if (q->op.opcode == GAON_ADMIN_QUEUE_SUSPEND && !q->drop)
		finish_op(q, GAON_ADMIN_OK);
}

static void drive_step(struct fw_queue *q)
{
	switch (q->place) {
	case QUEUE_IN:
		drive_in(q);
		break;
	case QUEUE_STOPPING:
		drive_stopping(q);
		break;
	case QUEUE_HELD:
		drive_held(q);
		break;
	case QUEUE_OUT:
		drive_out(q);
		break;
	default:
		break;
	}
}

/* Has the queue done what its context's command waits for? */
static void settle_context(struct fw_queue *q)
{
	bool suspend = contexts[q->context].op.opcode == GAON_ADMIN_CONTEXT_SUSPEND;

	if (q->context_waits && !q->drop && (!suspend || q->place == QUEUE_OUT))
		context_queue_done(q);
}

void queue_drive(struct fw_queue *q)
{
	uint8_t place, condition;
	bool drop, adopt;

	do {
		if (!queue_has_goal(q))
			break;
		place = q->place;
		condition = q->condition;
		drop = q->drop;
		adopt = q->adopt;
		drive_step(q);
	} while (place != q->place || condition != q->condition || drop != q->drop ||
		 adopt != q->adopt);
	settle_context(q);
}

void queue_give_up(struct fw_queue *q)
{
	log_line(LOG_WARNING, "queue %u: its state block is out of reach", queue_id(q));
	ready_remove(q);
	if (q->place == QUEUE_HELD)
		slot_unload(q);
	if (q->drop || q->adopt)
		finish_drop(q);
	else
		q->condition = QUEUE_BROKEN;
	if (q->op.opcode == GAON_ADMIN_FAULT_CLEAR)
		finish_op(q, GAON_ADMIN_ERR_STATE);
	queue_drive(q);
	settle_context(q);
}
