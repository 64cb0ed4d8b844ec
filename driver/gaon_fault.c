// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Faults, and how their owners hear of them: the first one of a queue is kept until the queue is
 * cleared, WAIT ends for it until it is acknowledged, and the file can read an event.
 *
 * The event was allocated before: faults are noted in the path of fences.
 */
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include <hw/gaon_text.h>

#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_queue.h"

/** struct gaon_fault_event - an event on its way; drm_read() frees it by its first member */
struct gaon_fault_event {
	/** @base: what DRM queues. */
	struct drm_pending_event base;
	/** @event: what the file reads. */
	struct drm_gaon_event_fault event;
};

/* What the queue's own work did, and no reset, firmware or broken memory. */
bool gaon_fault_is_own(u16 type)
{
	switch (type) {
	case GAON_FAULT_NONE:
	case GAON_FAULT_ECC:
	case GAON_FAULT_LINK:
	case GAON_FAULT_FIRMWARE:
	case GAON_FAULT_RESET:
		return false;
	default:
		return true;
	}
}

/**
 * gaon_fault_prepare() - see that the next first fault has an event
 * @queue: the queue
 *
 * Sleeps; before the queue can fault, again.
 *
 * Return: 0 or -ENOMEM.
 */
int gaon_fault_prepare(struct gaon_queue *queue)
{
	struct gaon_fault_event *event = kzalloc_obj(*event, GFP_KERNEL_ACCOUNT);

	if (!event)
		return -ENOMEM;
	spin_lock(&queue->fault_lock);
	if (!queue->event)
		swap(queue->event, event);
	spin_unlock(&queue->fault_lock);
	kfree(event);
	return 0;
}

/* The queue has ended: nothing is noted any more. */
void gaon_fault_release(struct gaon_queue *queue)
{
	if (queue->fault.flags && !queue->fault.told)
		atomic_dec(&queue->vm->untold);
	queue->fault.flags = 0;
	kfree(queue->event);
	queue->event = NULL;
}

static void fault_copy(struct gaon_queue *queue, struct drm_gaon_fault *out)
{
	const struct gaon_fault_record *in = &queue->fault.record;

	lockdep_assert_held(&queue->fault_lock);
	*out = (struct drm_gaon_fault){
		.type = in->type,
		.access = in->access,
		.core = in->core,
		.context = in->context,
		.hw_queue = in->queue,
		.workgroup = in->workgroup,
		.sequence = queue->fault.sequence,
		.pc = in->pc,
		.va = in->va,
		.syndrome = in->syndrome,
		.cycle = in->cycle,
		.tag = in->tag,
		.list_index = in->list_index,
	};
}

/**
 * gaon_client_send() - let the queue's file read an event
 * @queue: the queue, with its fault_lock held
 * @pending: what DRM queues, and frees by its address; NULL: there was no memory for it
 * @event: in it, filled
 * @dropped: in it, filled here: events that the file did not get
 *
 * Does not sleep. Without room it is counted.
 *
 * Return: whether it is sent, and not the caller's any more.
 */
bool gaon_client_send(struct gaon_queue *queue, struct drm_pending_event *pending,
		      struct drm_event *event, u64 *dropped)
{
	struct gaon_client *client = queue->client;
	struct drm_device *drm = &queue->gdev->drm;
	int err = -ENOMEM;

	lockdep_assert_held(&queue->fault_lock);
	guard(spinlock)(&client->event_lock);
	if (client->closed)
		return false;
	if (pending) {
		*dropped = client->dropped;
		err = drm_event_reserve_init(drm, client->gfile->drm, pending, event);
	}
	if (err)
		client->dropped++;
	else
		drm_send_event(drm, pending);
	return !err;
}

static void fault_send(struct gaon_queue *queue)
{
	struct gaon_fault_event *event = queue->event;

	if (!event) {
		gaon_client_send(queue, NULL, NULL, NULL);
		return;
	}
	event->event.base.type = DRM_GAON_EVENT_FAULT;
	event->event.base.length = sizeof(event->event);
	event->event.queue_id = queue->handle;
	event->event.vm_id = queue->vm_handle;
	fault_copy(queue, &event->event.fault);
	if (gaon_client_send(queue, &event->base, &event->event.base, &event->event.dropped))
		queue->event = NULL;
}

/* What the firmware was asked when it had been cleared @clears / 2 times is not of now. */
static bool fault_is_old(const struct gaon_queue *queue, u32 clears)
{
	lockdep_assert_held(&queue->fault_lock);
	return clears & 1 || clears != queue->clears;
}

static bool fault_note(struct gaon_queue *queue, const struct gaon_fault_record *fault,
		       u64 sequence, u32 flags, const u32 *clears)
{
	spin_lock(&queue->fault_lock);
	if (queue->fault.flags || (clears && fault_is_old(queue, *clears))) {
		spin_unlock(&queue->fault_lock);
		return false;
	}
	queue->fault = (struct gaon_fault_state){
		.flags = flags,
		.record = *fault,
		.sequence = sequence,
	};
	atomic_inc(&queue->vm->untold);
	if (flags & DRM_GAON_QUEUE_GUILTY)
		atomic_inc(&queue->gdev->resets.guilty);
	else if (flags & DRM_GAON_QUEUE_WAS_RESET)
		atomic_inc(&queue->gdev->resets.lost);
	fault_send(queue);
	spin_unlock(&queue->fault_lock);
	/* Of a reset there is a message already. */
	if (fault->type == GAON_FAULT_RESET)
		return true;
	/* Of a job that took too long there is one when it has been stopped. */
	if (flags & DRM_GAON_QUEUE_FAULTED)
		gaon_coredump_fault(queue, fault, GAON_DUMP_KIND_FAULT);
	dev_warn_ratelimited(queue->gdev->drm.dev,
			     "queue %u of context %u: %s (fault %u), packet %llu, core %u, workgroup %u, pc %#llx, address %#llx, syndrome %#llx\n",
			     queue->hwq.id, queue->hwq.context, gaon_fault_name(fault->type),
			     fault->type, fault->sequence, fault->core, fault->workgroup, fault->pc,
			     fault->va, fault->syndrome);
	return true;
}

/**
 * gaon_fault_note() - a queue has faulted, or was reset
 * @queue: the queue
 * @fault: what is known
 * @sequence: as users count
 * @flags: FAULTED or WAS_RESET, and GUILTY, of &enum drm_gaon_queue_state_flags
 *
 * Does not sleep. Who waits for the address space must be woken afterwards.
 *
 * Return: whether it is the first one since the queue was cleared; others are not kept.
 */
bool gaon_fault_note(struct gaon_queue *queue, const struct gaon_fault_record *fault,
		     u64 sequence, u32 flags)
{
	return fault_note(queue, fault, sequence, flags, NULL);
}

/**
 * gaon_fault_note_unseen() - the firmware says that a queue stands still, and there is no record
 * @queue: the queue
 * @fault: what is known
 * @flags: as for gaon_fault_note()
 * @clears: gaon_queue.clears of before it was asked: what was forgotten since is not news
 */
void gaon_fault_note_unseen(struct gaon_queue *queue, const struct gaon_fault_record *fault,
			    u32 flags, u32 clears)
{
	fault_note(queue, fault, 0, flags, &clears);
}

/* Its work was dropped for another's sake. */
void gaon_fault_note_reset(struct gaon_queue *queue)
{
	struct gaon_fault_record fault = {
		.type = GAON_FAULT_RESET,
		.core = GAON_FAULT_CORE_NONE,
		.context = queue->hwq.context,
		.queue = queue->hwq.id,
	};

	gaon_fault_note(queue, &fault, 0, DRM_GAON_QUEUE_WAS_RESET);
}

/**
 * gaon_fault_blame() - the queue was reset, and it was at fault itself
 * @queue: the queue; the reset has been noted
 * @clears: as for gaon_fault_note_unseen()
 *
 * Does not sleep. It had work that did not stop when it had to, which the record of the reset does
 * not tell.
 */
void gaon_fault_blame(struct gaon_queue *queue, u32 clears)
{
	struct gaon_fault_record fault;
	bool news = false;

	spin_lock(&queue->fault_lock);
	if (queue->fault.flags && queue->fault.record.type == GAON_FAULT_RESET &&
	    !fault_is_old(queue, clears)) {
		queue->fault.flags |= DRM_GAON_QUEUE_GUILTY;
		queue->fault.record.type = GAON_FAULT_PREEMPT;
		fault = queue->fault.record;
		atomic_dec(&queue->gdev->resets.lost);
		atomic_inc(&queue->gdev->resets.guilty);
		news = true;
	}
	spin_unlock(&queue->fault_lock);
	if (!news)
		return;
	dev_warn_ratelimited(queue->gdev->drm.dev,
			     "queue %u of context %u did not stop in time: the work of its context is lost\n",
			     queue->hwq.id, queue->hwq.context);
	gaon_coredump_fault(queue, &fault, GAON_DUMP_KIND_FAULT);
}

/**
 * gaon_fault_read() - the first fault
 * @queue: the queue
 * @out: filled; type NONE: there was none
 * @ack: WAIT no longer ends for it
 *
 * Return: flags of &enum drm_gaon_queue_state_flags.
 */
u32 gaon_fault_read(struct gaon_queue *queue, struct drm_gaon_fault *out, bool ack)
{
	u32 flags;

	*out = (struct drm_gaon_fault){ .type = GAON_FAULT_NONE };
	spin_lock(&queue->fault_lock);
	flags = queue->fault.flags;
	if (flags)
		fault_copy(queue, out);
	if (flags && ack && !queue->fault.told) {
		queue->fault.told = true;
		atomic_dec(&queue->vm->untold);
	}
	spin_unlock(&queue->fault_lock);
	return flags;
}

/**
 * gaon_fault_forget() - the queue is about to be cleared
 * @queue: the queue
 * @saved: what is forgotten, for gaon_fault_cleared(), which must follow
 */
void gaon_fault_forget(struct gaon_queue *queue, struct gaon_fault_state *saved)
{
	spin_lock(&queue->fault_lock);
	*saved = queue->fault;
	if (saved->flags && !saved->told)
		atomic_dec(&queue->vm->untold);
	queue->fault = (struct gaon_fault_state){};
	queue->clears++;
	spin_unlock(&queue->fault_lock);
}

/**
 * gaon_fault_cleared() - the queue goes on, or could not be cleared after all
 * @queue: the queue
 * @saved: of gaon_fault_forget()
 * @back: it could not: what was forgotten is true
 */
void gaon_fault_cleared(struct gaon_queue *queue, const struct gaon_fault_state *saved, bool back)
{
	spin_lock(&queue->fault_lock);
	queue->clears++;
	if (back && !queue->fault.flags && saved->flags) {
		queue->fault = *saved;
		if (!saved->told)
			atomic_inc(&queue->vm->untold);
	}
	spin_unlock(&queue->fault_lock);
}
