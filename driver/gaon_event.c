// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Event rings: interrupts, records, and whom they are for.
 *
 * A record is a hint. It is copied once and checked: its queue must be registered and of that
 * context. If records were lost every queue of the ring is told to look for itself.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/srcu.h>
#include <linux/wait.h>

#include <kunit/visibility.h>

#include <drm/drm_managed.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_queue.h"
#include "gaon_ras.h"
#include "gaon_visible.h"

#define EVENT_LOG2	10
#define EVENT_COUNT	BIT(EVENT_LOG2)
#define EVENT_BATCH	256	/* records between two writes of HEAD */

static_assert(sizeof(struct gaon_event) == 128);

/** struct gaon_event_ring - one ring */
struct gaon_event_ring {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @index: its number. */
	unsigned int index;
	/** @records: the ring; DMA-coherent. */
	struct gaon_event *records;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @lock: one thread at a time drains; the threads of shared vectors may meet. */
	struct mutex lock;
	/** @head: records consumed; protected by @lock. */
	u64 head;
	/** @enabled: the device uses the ring; protected by @lock. */
	bool enabled;
	/** @wait: woken after records were taken. */
	wait_queue_head_t wait;
};

/** struct gaon_events - all of them */
struct gaon_events {
	/** @rings: the rings. */
	struct gaon_event_ring rings[GAON_EVENT_RINGS];
	/** @queues: struct gaon_hwq by number; reserved numbers are XA_ZERO_ENTRY. */
	struct xarray queues;
	/** @next: where to look for a free number; protected by the lock of @queues. */
	u32 next;
	/** @srcu: read side around the calls of &struct gaon_hwq_ops. */
	struct srcu_struct srcu;
	/** @irqs: vectors requested. */
	unsigned int irqs;
	/** @vector: argument of each vector's handler. */
	struct gaon_event_vector {
		struct gaon_device *gdev;
		unsigned int index;
	} vector[GAON_MSIX_VECTORS];
};

/* --- who listens ---------------------------------------------------------------------------- */

/**
 * gaon_hwq_register() - take a number, and hear of events
 * @gdev: the device
 * @hwq: filled here
 * @context: hardware context of the queue
 * @ops: of the owner
 *
 * Events may come at once. The number is free again after gaon_hwq_unregister().
 *
 * Return: 0, -ENOSPC: no queue left, -ENOMEM.
 */
int gaon_hwq_register(struct gaon_device *gdev, struct gaon_hwq *hwq, u32 context,
		      const struct gaon_hwq_ops *ops)
{
	struct gaon_events *events = gdev->events;
	struct xa_limit limit = XA_LIMIT(0, gdev->identify.queues - 1);
	int err;

	hwq->context = context;
	hwq->ops = ops;
	/* The number must be in place before anybody can find the queue by it. */
	err = xa_alloc_cyclic(&events->queues, &hwq->id, NULL, limit, &events->next, GFP_KERNEL);
	if (err < 0)
		return err == -EBUSY ? -ENOSPC : err;
	xa_store(&events->queues, hwq->id, hwq, GFP_KERNEL);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_hwq_register);

/**
 * gaon_hwq_unregister() - give the number back
 * @gdev: the device
 * @hwq: registered; the firmware has acknowledged QUEUE_DESTROY, or was reset
 *
 * Sleeps until no callback of @hwq runs any more. Not from such a callback.
 */
void gaon_hwq_unregister(struct gaon_device *gdev, struct gaon_hwq *hwq)
{
	xa_erase(&gdev->events->queues, hwq->id);
	synchronize_srcu(&gdev->events->srcu);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_hwq_unregister);

unsigned int gaon_event_ring(u32 context)
{
	return (context - 1) % GAON_EVENT_RINGS;
}

wait_queue_head_t *gaon_event_waitqueue(struct gaon_device *gdev, u32 context)
{
	return &gdev->events->rings[gaon_event_ring(context)].wait;
}

/** gaon_event_wake() - let everybody who waits for the context look again */
void gaon_event_wake(struct gaon_device *gdev, u32 context)
{
	wake_up_all(gaon_event_waitqueue(gdev, context));
}

/** gaon_event_wake_all() - let everybody who waits for the device look again */
void gaon_event_wake_all(struct gaon_device *gdev)
{
	unsigned int i;

	for (i = 0; i < GAON_EVENT_RINGS; i++)
		wake_up_all(&gdev->events->rings[i].wait);
}

/* --- records -------------------------------------------------------------------------------- */

static void event_fault(struct gaon_hwq *hwq, const struct gaon_event *event)
{
	struct gaon_fault_record fault = event->fault;

	fault.context = hwq->context;
	fault.queue = hwq->id;
	if (!fault.type || fault.type >= GAON_FAULT_TYPES)
		fault.type = GAON_FAULT_FIRMWARE;
	hwq->ops->fault(hwq, &fault);
}

static void event_queue(struct gaon_device *gdev, const struct gaon_event *event)
{
	struct gaon_events *events = gdev->events;
	struct gaon_hwq *hwq;

	guard(srcu)(&events->srcu);
	hwq = event->queue < GAON_QUEUES ? xa_load(&events->queues, event->queue) : NULL;
	if (!hwq || hwq->context != event->context)
		return;		/* of a queue that is gone */
	if (event->type == GAON_EVENT_FAULT)
		event_fault(hwq, event);
	else if (event->type == GAON_EVENT_PACKET)
		hwq->ops->packet(hwq, event);
	else if (hwq->ops->stop)
		hwq->ops->stop(hwq);
}

static void event_state(struct gaon_device *gdev)
{
	u32 state = gaon_read32(gdev, GAON_REG_STATE);

	if (state == GAON_STATE_FATAL) {
		gaon_reset_firmware_lost(gdev, "device reports that it is lost");
	} else if (state == GAON_STATE_GONE) {
		gaon_reset_schedule(gdev, "device reports that it is lost");
	} else if (state == GAON_STATE_DEGRADED) {
		dev_warn_ratelimited(gdev->drm.dev,
				     "device is degraded: something is broken, see its telemetry\n");
		/* The firmware may have reset the engines, which drops work without an event. */
		gaon_queues_check_all(gdev, 0);
	}
}

static void event_take(struct gaon_event_ring *ring, const struct gaon_event *event)
{
	struct gaon_device *gdev = ring->gdev;

	switch (event->type) {
	case GAON_EVENT_PACKET:
	case GAON_EVENT_FAULT:
	case GAON_EVENT_STOP:
		event_queue(gdev, event);
		break;
	case GAON_EVENT_STATE:
		event_state(gdev);
		break;
	case GAON_EVENT_RAS:
		if (!ring->index)	/* every ring has it */
			gaon_ras_event(gdev, event);
		break;
	case GAON_EVENT_THROTTLE:
		if (!ring->index)	/* as before */
			gaon_throttle_event(gdev, event);
		break;
	}
}

static void event_rescan(struct gaon_event_ring *ring)
{
	struct gaon_events *events = ring->gdev->events;
	struct gaon_hwq *hwq;
	unsigned long id;

	guard(srcu)(&events->srcu);
	xa_for_each(&events->queues, id, hwq) {
		if (gaon_event_ring(hwq->context) == ring->index)
			hwq->ops->rescan(hwq);
	}
}

static void event_drain(struct gaon_event_ring *ring)
{
	struct gaon_device *gdev = ring->gdev;
	unsigned int count = 0;
	struct gaon_event event;
	bool lost = false;

	guard(mutex)(&ring->lock);
	if (!ring->enabled)
		return;
	while (count < EVENT_BATCH) {
		struct gaon_event *shared = &ring->records[ring->head & (EVENT_COUNT - 1)];

		if (READ_ONCE(shared->valid) != ring->head + 1)
			break;
		dma_rmb();	/* the record was written before valid */
		memcpy(&event, shared, sizeof(event));
		lost |= event.flags & GAON_EVENT_F_LOST;
		event_take(ring, &event);
		ring->head++;
		count++;
	}
	/* Arms the vector; raises it at once if there is more. */
	gaon_write64(gdev, GAON_REG_EVENT(ring->index) + GAON_EVENT_HEAD, ring->head);
	if (lost)
		event_rescan(ring);
	if (lost && !ring->index)
		gaon_ras_events_lost(gdev);
	wake_up_all(&ring->wait);
}

/**
 * gaon_event_drain() - take the records of a context's ring that are there now
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @context: number of the context
 *
 * For who knows that there is one and cannot wait for the interrupt. Not from callbacks.
 */
void gaon_event_drain(struct gaon_device *gdev, u32 context)
{
	event_drain(&gdev->events->rings[gaon_event_ring(context)]);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_event_drain);

/** gaon_events_drain_all() - as gaon_event_drain(), for everybody */
void gaon_events_drain_all(struct gaon_device *gdev)
{
	unsigned int i, rest;

	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		for (rest = EVENT_COUNT; rest; rest -= EVENT_BATCH)
			event_drain(&gdev->events->rings[i]);
	}
}

/** gaon_events_rescan_all() - records may be lost: let every queue look for itself */
void gaon_events_rescan_all(struct gaon_device *gdev)
{
	unsigned int i;

	for (i = 0; i < GAON_EVENT_RINGS; i++)
		event_rescan(&gdev->events->rings[i]);
}

/* --- interrupts ----------------------------------------------------------------------------- */

static irqreturn_t event_thread(int irq, void *arg)
{
	struct gaon_event_vector *vector = arg;
	struct gaon_device *gdev = vector->gdev;
	unsigned int i;
	int idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return IRQ_HANDLED;
	if (!vector->index)
		gaon_admin_irq(gdev);
	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		if ((i + 1) % gdev->vectors == vector->index)
			event_drain(&gdev->events->rings[i]);
	}
	drm_dev_exit(idx);
	return IRQ_HANDLED;
}

static void events_free_irqs(struct gaon_device *gdev)
{
	while (gdev->events->irqs) {
		unsigned int i = --gdev->events->irqs;

		pci_free_irq(gdev->pdev, i, &gdev->events->vector[i]);
	}
	pci_free_irq_vectors(gdev->pdev);
}

static int events_request_irqs(struct gaon_device *gdev)
{
	struct gaon_events *events = gdev->events;
	int err = 0, got;

	got = pci_alloc_irq_vectors(gdev->pdev, 1, GAON_MSIX_VECTORS, PCI_IRQ_MSIX);
	if (got < 0) {
		drm_err(&gdev->drm, "no MSI-X vector to be had (error %d): the device has no other interrupts; is the kernel booted with pci=nomsi?\n",
			got);
		return got;
	}
	gdev->vectors = got;
	for (; events->irqs < gdev->vectors && !err; events->irqs++) {
		struct gaon_event_vector *vector = &events->vector[events->irqs];

		vector->gdev = gdev;
		vector->index = events->irqs;
		err = pci_request_irq(gdev->pdev, vector->index, NULL, event_thread, vector,
				      "gaon-%s-%u", pci_name(gdev->pdev), vector->index);
		if (err)
			break;
	}
	if (err)
		events_free_irqs(gdev);
	return err;
}

/* --- life ----------------------------------------------------------------------------------- */

static void events_release(struct drm_device *drm, void *arg)
{
	struct gaon_events *events = arg;

	xa_destroy(&events->queues);
	cleanup_srcu_struct(&events->srcu);
}

/* All but the interrupts. */
VISIBLE_IF_KUNIT int gaon_events_alloc(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;
	struct gaon_events *events;
	unsigned int i;
	int err;

	events = drmm_kzalloc(&gdev->drm, sizeof(*events), GFP_KERNEL);
	if (!events)
		return -ENOMEM;
	err = init_srcu_struct(&events->srcu);
	if (err)
		return err;
	xa_init_flags(&events->queues, XA_FLAGS_ALLOC);
	err = drmm_add_action_or_reset(&gdev->drm, events_release, events);
	if (err)
		return err;
	gdev->events = events;
	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		struct gaon_event_ring *ring = &events->rings[i];

		ring->gdev = gdev;
		ring->index = i;
		mutex_init(&ring->lock);
		init_waitqueue_head(&ring->wait);
	}
	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		struct gaon_event_ring *ring = &events->rings[i];

		ring->records = dmam_alloc_coherent(dev, EVENT_COUNT * sizeof(struct gaon_event),
						    &ring->dma, GFP_KERNEL);
		if (!ring->records)
			return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_events_alloc);

int gaon_events_init(struct gaon_device *gdev)
{
	return gaon_events_alloc(gdev) ?: events_request_irqs(gdev);
}

/**
 * gaon_events_start() - give the rings to the device and take interrupts
 * @gdev: the device, which is READY
 *
 * Return: 0, or -EIO: the device does not take a ring.
 */
int gaon_events_start(struct gaon_device *gdev)
{
	unsigned int i;

	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		struct gaon_event_ring *ring = &gdev->events->rings[i];
		u32 reg = GAON_REG_EVENT(i);

		guard(mutex)(&ring->lock);
		memset(ring->records, 0, EVENT_COUNT * sizeof(*ring->records));
		ring->head = 0;
		gaon_write32(gdev, reg + GAON_EVENT_ENABLE, 0);
		gaon_write64(gdev, reg + GAON_EVENT_ADDR, GAON_PA_HOST | ring->dma);
		gaon_write32(gdev, reg + GAON_EVENT_LOG2, EVENT_LOG2);
		gaon_write32(gdev, reg + GAON_EVENT_VECTOR, (i + 1) % gdev->vectors);
		gaon_write32(gdev, reg + GAON_EVENT_ENABLE, 1);
		if (!(gaon_read32(gdev, reg + GAON_EVENT_ENABLE) & 1)) {
			drm_err(&gdev->drm, "device refuses event ring %u at %pad\n", i,
				&ring->dma);
			return -EIO;
		}
		ring->enabled = true;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_events_start);

/**
 * gaon_events_stop() - take no record any more
 * @gdev: the device
 *
 * Touches no register. When it returns no callback of a queue runs.
 */
void gaon_events_stop(struct gaon_device *gdev)
{
	unsigned int i;

	for (i = 0; i < GAON_EVENT_RINGS; i++) {
		struct gaon_event_ring *ring = &gdev->events->rings[i];

		guard(mutex)(&ring->lock);
		ring->enabled = false;
	}
	gaon_event_wake_all(gdev);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_events_stop);

/** gaon_events_fini() - give the interrupts back; before the registers are unmapped */
void gaon_events_fini(struct gaon_device *gdev)
{
	events_free_irqs(gdev);
}
