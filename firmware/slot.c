// SPDX-License-Identifier: MIT
/* The slots' registers, and the bookkeeping that belongs to each command. */
#include "sched.h"

struct fw_slot slots[FW_SLOTS_MAX];

uint32_t slot_status(uint16_t slot)
{
	reg_write(GAON_MCU_SLOT_INDEX, slot);
	return reg_read(GAON_MCU_SLOT_STATUS);
}

bool slot_command(uint16_t slot, uint32_t command)
{
	reg_write(GAON_MCU_SLOT_INDEX, slot);
	reg_write(GAON_MCU_SLOT_CMD, command);
	return reg_read(GAON_MCU_SLOT_RESULT) == GAON_ADMIN_OK;
}

static void write_fields(const struct fw_queue *q, bool hold)
{
	reg_write(GAON_MCU_SLOT_QUEUE, queue_id(q));
	reg_write(GAON_MCU_SLOT_CONTEXT, q->context);
	reg_write(GAON_MCU_SLOT_KIND, q->kind);
	reg_write(GAON_MCU_SLOT_PRIORITY, q->priority);
	reg_write(GAON_MCU_SLOT_LOG2, q->ring_log2);
	reg_write64(GAON_MCU_SLOT_RING_LO, q->ring_va);
	reg_write64(GAON_MCU_SLOT_STATE_LO, q->state_va);
	reg_write64(GAON_MCU_SLOT_SAVE_LO, q->save_va);
	reg_write64(GAON_MCU_SLOT_READ_LO, q->read);
	reg_write64(GAON_MCU_SLOT_SLICE_LO, q->slice);
	reg_write64(GAON_MCU_SLOT_LIMIT_LO, q->limit);
	reg_write64(GAON_MCU_SLOT_BUSY_LO, q->busy);
	reg_write64(GAON_MCU_SLOT_COPIED_LO, q->copied);
	reg_write(GAON_MCU_SLOT_FLAGS, (q->saved ? GAON_MCU_SLOT_F_SAVED : 0) |
				       (hold ? GAON_MCU_SLOT_F_HOLD : 0) |
				       (q->debug ? GAON_MCU_SLOT_F_DEBUG : 0));
}

/* A queue that the hardware refuses is as good as faulted: it stays out until it is cleared. */
void slot_load(uint16_t slot, struct fw_queue *q, bool hold)
{
	struct fw_slot *s = &slots[slot];

	reg_write(GAON_MCU_SLOT_INDEX, slot);
	write_fields(q, hold);
	if (!slot_command(slot, GAON_SLOT_CMD_LOAD)) {
		log_line(LOG_ERROR, "slot %u refused queue %u: %u", slot, queue_id(q),
			 reg_read(GAON_MCU_SLOT_RESULT));
		q->condition = QUEUE_BROKEN;
		return;
	}
	s->queue = queue_id(q);
	s->loaded = timer_now();
	s->age = 0;
	s->evict = false;
	q->slot = slot;
	q->asleep = false;
	q->place = hold ? QUEUE_HELD : QUEUE_IN;
}

static void note_debug_stop(struct fw_queue *q)
{
	if (reg_read(GAON_MCU_SLOT_FLAGS) & GAON_MCU_SLOT_F_STOPPED)
		q->suspended = q->stopped = true;
}

bool slot_debug_stopped(struct fw_queue *q)
{
	if (q->debug && slot_command(q->slot, GAON_SLOT_CMD_READ))
		note_debug_stop(q);
	return q->stopped;
}

bool slot_unload(struct fw_queue *q)
{
	/* If its doorbell rings now it is not unloaded. */
	bool asleep = slot_status(q->slot) == GAON_SLOT_IDLE;

	if (!slot_command(q->slot, GAON_SLOT_CMD_UNLOAD))
		return false;
	q->asleep = asleep;
	q->read = reg_read64(GAON_MCU_SLOT_READ_LO);
	q->busy = reg_read64(GAON_MCU_SLOT_BUSY_LO);
	q->copied = reg_read64(GAON_MCU_SLOT_COPIED_LO);
	q->saved = reg_read(GAON_MCU_SLOT_FLAGS) & GAON_MCU_SLOT_F_SAVED;
	/* Its event may not have been looked at yet. */
	note_debug_stop(q);
	slots[q->slot].queue = FW_NONE;
	q->slot = FW_NONE;
	q->place = QUEUE_OUT;
	return true;
}

/*
 * A slot that just faulted or stopped refuses; its event is in the FIFO then, and ends the waiting
 * in the same way.
 */
void slot_stop(struct fw_queue *q, bool kill)
{
	struct fw_slot *s = &slots[q->slot];

	slot_command(q->slot, kill ? GAON_SLOT_CMD_KILL : GAON_SLOT_CMD_STOP);
	s->killing = kill;
	s->ticks = 0;
	q->place = QUEUE_STOPPING;
}

bool slot_run(struct fw_queue *q)
{
	if (!slot_command(q->slot, GAON_SLOT_CMD_RUN))
		return false;
	slots[q->slot].loaded = timer_now();
	slots[q->slot].age = 0;
	slots[q->slot].evict = false;
	q->place = QUEUE_IN;
	return true;
}
