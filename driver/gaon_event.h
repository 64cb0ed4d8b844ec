/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_EVENT_H_
#define _GAON_EVENT_H_

#include <linux/kref.h>
#include <linux/types.h>

#include <hw/gaon_event.h>

struct gaon_device;
struct gaon_hwq;
struct wait_queue_head;

/**
 * struct gaon_hwq_ops - what the owner of a hardware queue wants to hear
 *
 * Called from the thread of an event ring's interrupt: may sleep and take mutexes, but signals
 * fences, so it allocates nothing and waits for nothing that reclaim or a fence could hold up.
 * Held are the ring's lock and the SRCU read side that keeps the queue registered.
 */
struct gaon_hwq_ops {
	/**
	 * @packet: a packet with GAON_PKT_F_EVENT is complete. A hint: look at the values. @event
	 * is a copy whose context and queue are right; all else in it is the device's word.
	 */
	void (*packet)(struct gaon_hwq *hwq, const struct gaon_event *event);
	/** @fault: the queue has faulted; @fault as above, its type is one that exists. */
	void (*fault)(struct gaon_hwq *hwq, const struct gaon_fault_record *fault);
	/** @stop: it has stopped for its debugger; NULL: no such queue. */
	void (*stop)(struct gaon_hwq *hwq);
	/** @rescan: records were lost: look at everything that waits. */
	void (*rescan)(struct gaon_hwq *hwq);
};

/**
 * struct gaon_hwq - a hardware queue, base of its owner's structure
 *
 * Only its number and who listens; what the queue is belongs to the owner.
 */
struct gaon_hwq {
	/** @id: number of the hardware queue; also of its doorbell in the context's page. */
	u32 id;
	/** @context: number of the hardware context. */
	u32 context;
	/** @ops: the owner's. */
	const struct gaon_hwq_ops *ops;
};

int gaon_events_init(struct gaon_device *gdev);
void gaon_events_fini(struct gaon_device *gdev);
int gaon_events_start(struct gaon_device *gdev);
void gaon_events_stop(struct gaon_device *gdev);

/* Numbers are given out in turn, so that a late record of an old owner hits nobody. */
int gaon_hwq_register(struct gaon_device *gdev, struct gaon_hwq *hwq, u32 context,
		      const struct gaon_hwq_ops *ops);
void gaon_hwq_unregister(struct gaon_device *gdev, struct gaon_hwq *hwq);

/* The event ring of a context, and what is woken whenever that ring has brought something. */
unsigned int gaon_event_ring(u32 context);
struct wait_queue_head *gaon_event_waitqueue(struct gaon_device *gdev, u32 context);
void gaon_event_wake(struct gaon_device *gdev, u32 context);
void gaon_event_wake_all(struct gaon_device *gdev);
void gaon_event_drain(struct gaon_device *gdev, u32 context);
void gaon_events_drain_all(struct gaon_device *gdev);
void gaon_events_rescan_all(struct gaon_device *gdev);

#endif
