// SPDX-License-Identifier: MIT
/* The firmware's commands on slots, as the table in Documentation/hw/mcu.rst has them. */
#include <string.h>

#include "devside.h"

/* STOPPED as UNLOAD left it means nothing to LOAD. */
#define SLOT_FLAGS	(GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_HOLD | GAON_MCU_SLOT_F_DEBUG | \
			 GAON_MCU_SLOT_F_STOPPED)

/* Everything in the fields is the firmware's word, and may be anything. */
static uint32_t slotcmd_check_load(struct gaon_sim *sim, const struct sim_slot_fields *f)
{
	bool kernel = f->kind == GAON_QUEUE_KIND_KERNEL;

	if (f->queue >= GAON_QUEUES || f->kind > GAON_QUEUE_KIND_KERNEL ||
	    f->priority >= GAON_PRIORITIES || f->log2 < GAON_RING_LOG2_MIN ||
	    f->log2 > GAON_RING_LOG2_MAX ||
	    f->flags & ~SLOT_FLAGS)
		return GAON_ADMIN_ERR_RANGE;
	if (f->context >= GAON_CONTEXTS || !sim->contexts[f->context].enabled)
		return GAON_ADMIN_ERR_ID;
	if (sim->doorbells->slot[f->queue] != 0xff)
		return GAON_ADMIN_ERR_BUSY;
	if ((f->ring_va | f->state_va) & 63 || f->save_va & (GAON_PAGE_SIZE - 1))
		return GAON_ADMIN_ERR_ALIGN;
	if (!gaon_va_range_valid(f->ring_va, 64ull << f->log2, kernel) ||
	    !gaon_va_range_valid(f->state_va, 64, kernel) ||
	    (f->save_va && !gaon_va_range_valid(f->save_va, sim->identify.save_bytes, true)) ||
	    (!f->save_va && f->flags & (GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_DEBUG)))
		return GAON_ADMIN_ERR_RANGE;
	return 0;
}

static void slotcmd_forget_progress(struct sim_slot *slot)
{
	slot->have_pkt = false;
	slot->in_list = false;
	slot->list_index = 0;
	slot->saved = false;
}

static void slotcmd_start(struct gaon_sim *sim, struct sim_slot *slot)
{
	slot->slice_used = 0;
	slot->slice_event = false;
	slot->contend_event = false;
	slot->debug_stopped = false;
	slot->order = sim->order++;
	sim_slot_set_status(sim, slot, GAON_SLOT_ACTIVE);
}

static uint32_t slotcmd_load(struct gaon_sim *sim, struct sim_slot *slot,
			     const struct sim_slot_fields *f)
{
	uint32_t error = slotcmd_check_load(sim, f);
	uint32_t index = slot->index;

	if (error)
		return error;
	memset(slot, 0, sizeof(*slot));
	slot->index = index;
	slot->queue = f->queue;
	slot->ctx = &sim->contexts[f->context];
	slot->kind = f->kind;
	slot->priority = f->priority;
	slot->log2 = f->log2;
	slot->ring_va = f->ring_va;
	slot->state_va = f->state_va;
	slot->save_va = f->save_va;
	slot->read = f->read;
	slot->write = f->read;
	slot->slice = f->slice;
	slot->limit = f->limit;
	slot->busy = f->busy;
	slot->copied = f->copied;
	slot->saved = f->flags & GAON_MCU_SLOT_F_SAVED;
	slot->debug = f->flags & GAON_MCU_SLOT_F_DEBUG;
	sim_doorbell_resident(sim, f->queue, index);
	if (f->flags & GAON_MCU_SLOT_F_HOLD) {
		sim_slot_set_status(sim, slot, GAON_SLOT_STOPPED);
		return 0;
	}
	slotcmd_start(sim, slot);
	if (sim_slot_publish_status(sim, slot, GAON_QUEUE_OK))
		sim_slot_publish_read(sim, slot);
	return 0;
}

static uint32_t slotcmd_stop(struct gaon_sim *sim, struct sim_slot *slot, bool kill)
{
	switch (slot->status) {
	case GAON_SLOT_IDLE:
		break;
	case GAON_SLOT_STOPPING:
		if (!kill)
			return GAON_ADMIN_ERR_STATE;
		/* fallthrough */
	case GAON_SLOT_ACTIVE:
	case GAON_SLOT_WAITING:
		sim_slot_set_status(sim, slot, GAON_SLOT_STOPPING);
		sim_slot_request_stop(sim, slot, kill);
		if (!sim_slot_is_stopped(sim, slot))
			return 0;
		break;
	default:
		return GAON_ADMIN_ERR_STATE;
	}
	sim_slot_finish_stop(sim, slot);
	return 0;
}

static uint32_t slotcmd_run(struct gaon_sim *sim, struct sim_slot *slot)
{
	if (slot->status != GAON_SLOT_STOPPED)
		return GAON_ADMIN_ERR_STATE;
	slotcmd_start(sim, slot);
	sim_slot_publish_status(sim, slot, GAON_QUEUE_OK);
	return 0;
}

static uint32_t slotcmd_flags(const struct sim_slot *slot)
{
	return (slot->saved ? GAON_MCU_SLOT_F_SAVED : 0) | (slot->debug ? GAON_MCU_SLOT_F_DEBUG : 0) |
	       (slot->debug_stopped ? GAON_MCU_SLOT_F_STOPPED : 0);
}

/* As after STOP. Its memory may be gone already, which is no fault of a queue that does nothing. */
static void slotcmd_tell_asleep(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_fault_record ignored;
	struct gaon_queue_state *st = sim_slot_state(sim, slot, &ignored);

	if (st)
		sim_slot_publish_stop(sim, slot, st, false);
}

static uint32_t slotcmd_unload(struct gaon_sim *sim, struct sim_slot *slot, struct sim_slot_fields *f)
{
	uint32_t index = slot->index;

	if (slot->status != GAON_SLOT_STOPPED && slot->status != GAON_SLOT_FAULTED &&
	    slot->status != GAON_SLOT_IDLE)
		return GAON_ADMIN_ERR_STATE;
	if (!sim_slot_is_stopped(sim, slot))
		return GAON_ADMIN_ERR_BUSY;
	if (slot->status == GAON_SLOT_IDLE)
		slotcmd_tell_asleep(sim, slot);
	f->read = slot->read;
	f->busy = slot->busy;
	f->copied = slot->copied;
	f->flags = slotcmd_flags(slot);
	sim_doorbell_resident(sim, slot->queue, -1);
	sim->slot_fault_held[index] = false;
	sim_slot_set_status(sim, slot, GAON_SLOT_EMPTY);
	memset(slot, 0, sizeof(*slot));
	slot->index = index;
	return 0;
}

/* Whose work a reset dropped hears of it as of a fault. */
static void slotcmd_post_reset(struct gaon_sim *sim, struct sim_slot *slot, uint64_t read)
{
	struct gaon_event event = {
		.type = GAON_EVENT_FAULT, .context = slot->ctx->id, .queue = slot->queue, .sequence = read,
		.fault = {
			.type = GAON_FAULT_RESET, .core = GAON_FAULT_CORE_NONE, .context = slot->ctx->id,
			.queue = slot->queue, .sequence = read, .cycle = sim_time_now(sim),
		},
	};

	sim_event_post(sim, slot->ctx, &event);
}

/* What the slot was at is dropped; where it is to be is in the state block. */
static uint32_t slotcmd_forget(struct gaon_sim *sim, struct sim_slot *slot, struct gaon_queue_state **st)
{
	struct gaon_fault_record fault;

	if (!sim_slot_is_stopped(sim, slot))
		return GAON_ADMIN_ERR_BUSY;
	*st = sim_slot_state(sim, slot, &fault);
	if (!*st)
		return GAON_ADMIN_ERR_DMA;
	slotcmd_forget_progress(slot);
	return 0;
}

/* Read index = write index: what was queued is dropped. */
static uint32_t slotcmd_skip(struct gaon_sim *sim, struct sim_slot *slot, bool clear)
{
	struct gaon_queue_state *st;
	uint64_t read = slot->read;
	uint32_t error;

	if (slot->status != GAON_SLOT_STOPPED && !(clear && slot->status == GAON_SLOT_FAULTED))
		return GAON_ADMIN_ERR_STATE;
	error = slotcmd_forget(sim, slot, &st);
	if (error)
		return error;
	slot->read = __atomic_load_n(&st->write, __ATOMIC_ACQUIRE);
	slot->write = slot->read;
	__atomic_store_n(&st->read, slot->read, __ATOMIC_RELEASE);
	sim_slot_push(sim, slot, &st->read, sizeof(st->read));
	if (!clear) {
		__atomic_store_n(&st->status, GAON_QUEUE_RESET, __ATOMIC_RELEASE);
		sim_slot_push(sim, slot, &st->status, sizeof(st->status));
		slotcmd_post_reset(sim, slot, read);
		return 0;
	}
	sim->slot_fault_held[slot->index] = false;
	memset(&slot->fault, 0, sizeof(slot->fault));
	__atomic_store_n(&st->fault_type, GAON_FAULT_NONE, __ATOMIC_RELAXED);
	__atomic_store_n(&st->fault_seq, 0, __ATOMIC_RELAXED);
	sim_slot_push(sim, slot, &st->fault_type, sizeof(st->fault_type));
	sim_slot_push(sim, slot, &st->fault_seq, sizeof(st->fault_seq));
	__atomic_store_n(&st->status, GAON_QUEUE_OK, __ATOMIC_RELEASE);
	sim_slot_push(sim, slot, &st->status, sizeof(st->status));
	slotcmd_start(sim, slot);
	return 0;
}

/*
 * What another firmware left: the state block says whether its queue slept, or was stopped between two
 * packets. That is its owner's memory; who writes something else there gets work dropped, or done twice,
 * of his own.
 */
static uint32_t slotcmd_adopt(struct gaon_sim *sim, struct sim_slot *slot)
{
	struct gaon_queue_state *st;
	uint32_t error, status;
	uint64_t write;

	if (slot->status != GAON_SLOT_STOPPED)
		return GAON_ADMIN_ERR_STATE;
	error = slotcmd_forget(sim, slot, &st);
	if (error)
		return error;
	write = __atomic_load_n(&st->write, __ATOMIC_ACQUIRE);
	slot->read = __atomic_load_n(&st->read, __ATOMIC_RELAXED);
	slot->write = slot->read;
	status = __atomic_load_n(&st->status, __ATOMIC_RELAXED);
	if (slot->read == write && (status == GAON_QUEUE_OK || status == GAON_QUEUE_SUSPENDED))
		return 0;
	return status == GAON_QUEUE_SUSPENDED && !__atomic_load_n(&st->inside, __ATOMIC_RELAXED) &&
	       write - slot->read <= 1ull << slot->log2 ? 0 : GAON_ADMIN_ERR_RANGE;
}

static uint32_t slotcmd_priority(struct sim_slot *slot, const struct sim_slot_fields *f)
{
	if (slot->status == GAON_SLOT_EMPTY)
		return GAON_ADMIN_ERR_STATE;
	if (f->priority >= GAON_PRIORITIES)
		return GAON_ADMIN_ERR_RANGE;
	slot->priority = f->priority;
	return 0;
}

static void slotcmd_read(const struct sim_slot *slot, struct sim_slot_fields *f)
{
	f->queue = slot->queue;
	f->context = slot->ctx ? slot->ctx->id : 0;
	f->kind = slot->kind;
	f->priority = slot->priority;
	f->log2 = slot->log2;
	f->ring_va = slot->ring_va;
	f->state_va = slot->state_va;
	f->save_va = slot->save_va;
	f->read = slot->read;
	f->slice = slot->slice;
	f->limit = slot->limit;
	f->busy = slot->busy;
	f->copied = slot->copied;
	f->flags = slotcmd_flags(slot);
}

uint32_t sim_slot_command(struct gaon_sim *sim, uint32_t cmd, struct sim_slot_fields *f)
{
	struct sim_slot *slot;

	if (f->index >= sim->config.slots)
		return GAON_ADMIN_ERR_RANGE;
	slot = &sim->slots[f->index];
	/* A doorbell that rang before the command counts before it. */
	sim_doorbells_take(sim);
	switch (cmd) {
	case GAON_SLOT_CMD_READ:
		slotcmd_read(slot, f);
		return 0;
	case GAON_SLOT_CMD_LOAD:
		return slot->status == GAON_SLOT_EMPTY ? slotcmd_load(sim, slot, f) :
							 GAON_ADMIN_ERR_STATE;
	case GAON_SLOT_CMD_STOP:
		return slotcmd_stop(sim, slot, false);
	case GAON_SLOT_CMD_RUN:
		return slotcmd_run(sim, slot);
	case GAON_SLOT_CMD_UNLOAD:
		return slotcmd_unload(sim, slot, f);
	case GAON_SLOT_CMD_KILL:
		return slotcmd_stop(sim, slot, true);
	case GAON_SLOT_CMD_CLEAR:
		return slotcmd_skip(sim, slot, true);
	case GAON_SLOT_CMD_PRIORITY:
		return slotcmd_priority(slot, f);
	case GAON_SLOT_CMD_SKIP:
		return slotcmd_skip(sim, slot, false);
	case GAON_SLOT_CMD_ADOPT:
		return slotcmd_adopt(sim, slot);
	default:
		return GAON_ADMIN_ERR_OPCODE;
	}
}
