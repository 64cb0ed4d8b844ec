// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The driver's own queue: clears HBM before anybody sees it and moves objects between HBM and host
 * memory. Its context maps all of HBM, and host pages as they are needed, in the upper half;
 * nothing of it is within anybody's reach.
 *
 * Work is given one piece at a time and waited for, so there is little to go wrong: a caller that
 * comes back with 0 knows that the bytes are there.
 *
 * A piece that meets an uncorrectable error of HBM is done in halves, down to the page that has it.
 * Where memory is left for another place that page is lost, and its object with it; memory that is
 * about to be used is given back, and the page with it taken out of use.
 */
#include <linux/dma-mapping.h>
#include <linux/wait.h>

#include <drm/drm_managed.h>
#include <drm/ttm/ttm_resource.h>
#include <drm/ttm/ttm_tt.h>

#include <hw/gaon_packet.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_migrate.h"
#include "gaon_pt.h"
#include "gaon_queue.h"
#include "gaon_tlbi.h"
#include "gaon_ttm.h"

#define MIGRATE_LOG2		GAON_RING_LOG2_MIN
#define MIGRATE_ENTRIES		BIT(MIGRATE_LOG2)
#define MIGRATE_PIECE		SZ_256M		/* of a fill, so that others have their turn */
#define MIGRATE_WINDOW		SZ_64M		/* of host memory mapped at a time */
#define MIGRATE_SLICE		(20UL * HZ)	/* until the firmware is asked what became of it */
#define MIGRATE_TIMEOUT		(300UL * HZ)	/* a model on a busy machine takes its time */
#define MIGRATE_RESTART		(5UL * HZ)	/* that a restart of the firmware takes at most */
#define MIGRATE_DROPS		32	/* how often one packet may be lost with others' work */

/* The upper half: HBM, the window on host memory, ring and values. */
#define MIGRATE_HBM_VA		GAON_VA_KERNEL_MIN
#define MIGRATE_WINDOW_VA	(GAON_VA_KERNEL_MIN + BIT_ULL(45))
#define MIGRATE_RING_VA		(GAON_VA_KERNEL_MIN + BIT_ULL(46))

/** struct gaon_migrate_mem - what driver and device share; DMA-coherent */
struct gaon_migrate_mem {
	struct gaon_packet ring[MIGRATE_ENTRIES];
	struct gaon_queue_state state;
	u64 done;
};

static_assert(sizeof(struct gaon_packet) == 64);
static_assert(sizeof(struct gaon_migrate_mem) <= GAON_PAGE_SIZE);

/** struct gaon_migrate - the queue */
struct gaon_migrate {
	/** @hwq: its number. */
	struct gaon_hwq hwq;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @lock: one piece of work at a time. Inside reservations. */
	struct mutex lock;
	/** @pt: page tables; protected by @lock. */
	struct gaon_pt pt;
	/** @mem: ring and values. */
	struct gaon_migrate_mem *mem;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @write: packets published; protected by @lock. */
	u64 write;
	/** @seq: of the last piece; protected by @lock. Never repeats, over resets too. */
	u64 seq;
	/** @wait: woken by events. */
	wait_queue_head_t wait;
	/** @broken: the queue faulted: no work before a reset. */
	bool broken;
	/** @look: the queue may have been stopped for others' sake: the firmware knows. */
	bool look;
	/** @poison: a fault said that HBM cannot be read. */
	bool poison;
};

/* --- events --------------------------------------------------------------------------------- */

static struct gaon_migrate *to_migrate(struct gaon_hwq *hwq)
{
	return container_of(hwq, struct gaon_migrate, hwq);
}

static void migrate_packet(struct gaon_hwq *hwq, const struct gaon_event *event)
{
	wake_up_all(&to_migrate(hwq)->wait);
}

static void migrate_rescan(struct gaon_hwq *hwq)
{
	WRITE_ONCE(to_migrate(hwq)->look, true);
	wake_up_all(&to_migrate(hwq)->wait);
}

/* No work before a reset of the device, which is due. */
static void migrate_break(struct gaon_migrate *migrate, const char *why)
{
	WRITE_ONCE(migrate->broken, true);
	wake_up_all(&migrate->wait);
	gaon_reset_schedule(migrate->gdev, why);
}

static void migrate_fault(struct gaon_hwq *hwq, const struct gaon_fault_record *fault)
{
	struct gaon_migrate *migrate = to_migrate(hwq);

	if (fault->type == GAON_FAULT_RESET || fault->type == GAON_FAULT_ECC) {
		migrate_rescan(hwq);
		return;
	}
	drm_err(&migrate->gdev->drm, "the driver's own copy faulted: type %u, address %#llx, access %u, syndrome %#llx\n",
		fault->type, fault->va, fault->access, fault->syndrome);
	migrate_break(migrate, "the driver's own copy faulted");
}

static const struct gaon_hwq_ops migrate_ops = {
	.packet = migrate_packet,
	.fault = migrate_fault,
	.rescan = migrate_rescan,
};

/* --- work ----------------------------------------------------------------------------------- */

static bool migrate_is_done(struct gaon_migrate *migrate)
{
	/* After it the CPU sees what the device wrote. */
	return (s64)(smp_load_acquire(&migrate->mem->done) - migrate->seq) >= 0;
}

static bool migrate_is_over(struct gaon_migrate *migrate)
{
	return migrate_is_done(migrate) || READ_ONCE(migrate->broken) ||
	       !gaon_device_running(migrate->gdev);
}

static void migrate_publish(struct gaon_migrate *migrate, const struct gaon_packet *packet)
{
	struct gaon_device *gdev = migrate->gdev;
	struct gaon_queue_state *state = &migrate->mem->state;
	u64 old = migrate->write++;

	migrate->mem->ring[old & (MIGRATE_ENTRIES - 1)] = *packet;
	/* The packet is there before the index says so. */
	smp_store_release(&state->write, migrate->write);
	mb();	/* the device asks for a doorbell, then looks at write; we the other way round */
	if (gaon_doorbell_due(old, migrate->write, READ_ONCE(state->event_idx)))
		writeq(1, gdev->doorbells + migrate->hwq.context * GAON_DOORBELL_STRIDE +
			  8 * migrate->hwq.id);
}

/* The queue stopped at an error of HBM: the state block says why the device stopped it. */
static bool migrate_met_poison(struct gaon_migrate *migrate, u64 condition)
{
	const struct gaon_queue_state *state = &migrate->mem->state;

	return condition != GAON_QUERY_RESET && READ_ONCE(state->status) == GAON_QUEUE_FAULTED &&
	       READ_ONCE(state->fault_type) == GAON_FAULT_ECC;
}

/*
 * A reset of the engines, which somebody else's work needed, drops what is in flight: then the
 * queue is cleared, after which nothing of the packet is under way, and the packet sent again. To
 * copy or fill twice does no harm: nothing is read that the packet itself writes, and the places
 * are still the caller's. An error of HBM is the packet's end.
 */
static bool migrate_send_again(struct gaon_migrate *migrate, const struct gaon_packet *packet)
{
	struct gaon_device *gdev = migrate->gdev;
	struct gaon_admin_req req = {
		.cmd = {
			.opcode = GAON_ADMIN_QUEUE_QUERY,
			.id.id = migrate->hwq.id,
		},
	};
	bool poison;
	u64 condition;

	/* Of what happens from here on the next look hears. */
	WRITE_ONCE(migrate->look, false);
	/* No answer: a reset of the device is due. */
	if (gaon_admin_exec(gdev, &req, GAON_ADMIN_RECLAIM))
		return false;
	condition = req.reply.value[3] & GAON_QUERY_CONDITION;
	poison = migrate_met_poison(migrate, condition);
	if (condition && condition != GAON_QUERY_RESET && !poison)
		migrate_break(migrate, "the driver's own copy faulted");
	if (condition != GAON_QUERY_RESET && !poison)
		return false;
	/* Refused while the next reset is under way, of which there will be a record, too. */
	if (gaon_admin_id(gdev, GAON_ADMIN_FAULT_CLEAR, migrate->hwq.id, 0, GAON_ADMIN_RECLAIM) ||
	    migrate_is_done(migrate))
		return false;
	migrate->poison = poison;
	if (poison)
		return false;
	atomic_inc(&gdev->resets.copies);
	migrate_publish(migrate, packet);
	return true;
}

static int migrate_wait(struct gaon_migrate *migrate, const struct gaon_packet *packet)
{
	unsigned long passed = 0, at = jiffies, now;
	unsigned int drops = 0;

	while (passed < MIGRATE_TIMEOUT && drops < MIGRATE_DROPS) {
		wait_event_timeout(migrate->wait,
				   migrate_is_over(migrate) || READ_ONCE(migrate->look),
				   MIGRATE_SLICE);
		if (migrate_is_over(migrate))
			break;
		drops += migrate_send_again(migrate, packet);
		if (migrate->poison)
			return -EHWPOISON;
		/* A machine that stood still does not count that against the device. */
		now = jiffies;
		passed += min(now - at, 2 * MIGRATE_SLICE);
		at = now;
	}
	if (migrate_is_done(migrate))
		return 0;
	if (!migrate_is_over(migrate))
		migrate_break(migrate, "the driver's own copy does not end");
	return -EIO;
}

/* Runs one packet, but for its completion. */
static int migrate_run(struct gaon_migrate *migrate, struct gaon_packet *packet)
{
	lockdep_assert_held(&migrate->lock);
	if (!gaon_device_running(migrate->gdev) || READ_ONCE(migrate->broken))
		return -EIO;
	packet->flags = GAON_PKT_F_BARRIER | GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet->scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	packet->signal_va = MIGRATE_RING_VA + offsetof(struct gaon_migrate_mem, done);
	packet->signal_value = ++migrate->seq;
	migrate->poison = false;
	migrate_publish(migrate, packet);
	return migrate_wait(migrate, packet);
}

/* What is done with HBM: filled with zeros; filled from host memory; copied there. */
enum migrate_op { MIGRATE_CLEAR, MIGRATE_IN, MIGRATE_OUT };

static void piece_packet(struct gaon_packet *packet, enum migrate_op op, u64 hbm, u64 host_va,
			 u64 bytes)
{
	u64 hbm_va = MIGRATE_HBM_VA + hbm;

	*packet = (struct gaon_packet) { .type = GAON_PKT_COPY };
	if (op == MIGRATE_CLEAR) {
		packet->type = GAON_PKT_FILL;
		packet->fill.dst_va = hbm_va;
		packet->fill.bytes = bytes;
		packet->fill.pattern_size = 8;
		return;
	}
	packet->copy.dst_va = op == MIGRATE_IN ? hbm_va : host_va;
	packet->copy.src_va = op == MIGRATE_IN ? host_va : hbm_va;
	packet->copy.bytes = bytes;
}

/* As much of a piece as can be done; -EHWPOISON: not even its first page. */
static int piece_run(struct gaon_migrate *migrate, enum migrate_op op, u64 hbm, u64 host_va,
		     u64 *bytes)
{
	struct gaon_packet packet;
	int err;

	for (;;) {
		piece_packet(&packet, op, hbm, host_va, *bytes);
		err = migrate_run(migrate, &packet);
		if (err != -EHWPOISON || *bytes <= PAGE_SIZE)
			return err;
		*bytes = ALIGN(*bytes / 2, PAGE_SIZE);
	}
}

/*
 * Whole pages of HBM that are contiguous. A bad one goes out of use when its allocation does; it is
 * skipped and counted if it was to be read, else the caller gives the allocation back.
 */
static int migrate_piece(struct gaon_migrate *migrate, enum migrate_op op, u64 hbm, u64 host_va,
			 u64 bytes, u64 *lost)
{
	u64 step;
	int err;

	for (; bytes; hbm += step, host_va += step, bytes -= step) {
		step = bytes;
		err = piece_run(migrate, op, hbm, host_va, &step);
		if (err && err != -EHWPOISON)
			return err;
		if (!err)
			continue;
		gaon_hbm_retire(migrate->gdev, hbm, true);
		if (op != MIGRATE_OUT)
			return -ENOSPC;
		++*lost;
	}
	return 0;
}

/**
 * struct migrate_try - work that a restart of the firmware may cut short, several times
 * @resets: of the device, before the first time: they take memory along
 * @tries: so far
 */
struct migrate_try {
	int resets;
	unsigned int tries;
};

/*
 * Whether to try again: over a restart memory is what it was. Callers hold reservations, which no
 * reset takes, and may be within drm_dev_enter(), for which the wait has an end: a restart that
 * takes longer ends in a reset of the device.
 */
static bool migrate_was_kept(struct gaon_device *gdev, struct migrate_try *try)
{
	if (try->tries++ == MIGRATE_DROPS)
		return false;
	wait_event_timeout(gdev->reset_wait, !gaon_device_is_away(gdev), MIGRATE_RESTART);
	return gaon_device_running(gdev) && !READ_ONCE(gdev->migrate->broken) &&
	       atomic_read(&gdev->resets.device) == try->resets;
}

static int migrate_clear(struct gaon_device *gdev, struct ttm_resource *hbm)
{
	struct gaon_migrate *migrate = gdev->migrate;
	void *where = NULL;
	u64 skip = 0, at, bytes;
	int err, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	mutex_lock(&migrate->lock);
	for (at = 0, err = 0; at < hbm->size && !err; at += bytes) {
		u64 piece = gaon_hbm_piece(hbm, at, &where, &skip, &bytes);

		bytes = min3(bytes, hbm->size - at, (u64)MIGRATE_PIECE);
		if (!gaon_hbm_piece_is_clear(where))
			err = migrate_piece(migrate, MIGRATE_CLEAR, piece, 0, bytes, NULL);
	}
	mutex_unlock(&migrate->lock);
	drm_dev_exit(idx);
	return err;
}

/**
 * gaon_migrate_clear() - let the device fill HBM with zeros
 * @gdev: the device
 * @hbm: just allocated: of it, what does not read 0 already
 *
 * Sleeps until it is done.
 *
 * Return: 0; -ENOSPC: a page of it is bad, and goes out of use when it is given back; -EIO: the
 * device is being reset or gone.
 */
int gaon_migrate_clear(struct gaon_device *gdev, struct ttm_resource *hbm)
{
	struct migrate_try try = { .resets = atomic_read(&gdev->resets.device) };
	int err;

	do {
		err = migrate_clear(gdev, hbm);
	} while (err == -EIO && migrate_was_kept(gdev, &try));
	return err;
}

/* Maps pages of host memory into the window. */
static int window_map(struct gaon_migrate *migrate, struct ttm_tt *tt, u64 at, u64 bytes)
{
	const dma_addr_t *dma = tt->dma_address + PFN_DOWN(at);
	struct gaon_pt_count count = {};
	struct gaon_pt_reserve reserve = {};
	u64 done;
	int err;

	for (done = 0; done < bytes; done += PAGE_SIZE)
		gaon_pt_count_run(&count, MIGRATE_WINDOW_VA + done,
				  GAON_PA_HOST | dma[PFN_DOWN(done)], PAGE_SIZE);
	err = gaon_pt_reserve(&migrate->pt, &reserve, &count);
	for (done = 0; done < bytes && !err; done += PAGE_SIZE)
		err = gaon_pt_map(&migrate->pt, MIGRATE_WINDOW_VA + done,
				  GAON_PA_HOST | dma[PFN_DOWN(done)], PAGE_SIZE,
				  GAON_PTE_R | GAON_PTE_W, &reserve);
	gaon_pt_unreserve(&migrate->pt, &reserve);
	return err;
}

static void window_unmap(struct gaon_migrate *migrate)
{
	struct gaon_pt_reserve none = {};

	gaon_pt_unmap(&migrate->pt, MIGRATE_WINDOW_VA, MIGRATE_WINDOW, &none);
	gaon_tlbi_range(migrate->gdev, GAON_MIGRATE_ASID, MIGRATE_WINDOW_VA, MIGRATE_WINDOW);
	gaon_pt_reap(&migrate->pt);
}

static int copy_window(struct gaon_migrate *migrate, enum migrate_op op, struct ttm_resource *hbm,
		       u64 at, u64 bytes, u64 *lost)
{
	void *where = NULL;
	u64 skip = 0, done, step;
	int err = 0;

	for (done = 0; done < bytes && !err; done += step) {
		u64 piece = gaon_hbm_piece(hbm, at + done, &where, &skip, &step);

		step = min(step, bytes - done);
		err = migrate_piece(migrate, op, piece, MIGRATE_WINDOW_VA + done, step, lost);
	}
	return err;
}

static int migrate_copy(struct gaon_device *gdev, struct ttm_resource *hbm, struct ttm_tt *tt,
			bool to_hbm)
{
	struct gaon_migrate *migrate = gdev->migrate;
	enum migrate_op op = to_hbm ? MIGRATE_IN : MIGRATE_OUT;
	u64 at, bytes, lost = 0;
	int err, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	mutex_lock(&migrate->lock);
	for (at = 0, err = 0; at < hbm->size && !err; at += bytes) {
		bytes = min_t(u64, hbm->size - at, MIGRATE_WINDOW);
		err = window_map(migrate, tt, at, bytes);
		if (!err)
			err = copy_window(migrate, op, hbm, at, bytes, &lost);
		window_unmap(migrate);
	}
	mutex_unlock(&migrate->lock);
	drm_dev_exit(idx);
	return err ?: min_t(u64, lost, INT_MAX);
}

/**
 * gaon_migrate_copy() - let the device copy an object between HBM and host memory
 * @gdev: the device
 * @hbm: where it is, or goes, in HBM
 * @tt: its populated host memory
 * @to_hbm: direction
 *
 * Sleeps until it is done. What of HBM cannot be read any more is skipped.
 *
 * Return: 0, or how many pages were skipped; -ENOMEM; -ENOSPC: a page of HBM is bad, and goes out
 * of use when it is given back; -EIO: the device is being reset or gone.
 */
int gaon_migrate_copy(struct gaon_device *gdev, struct ttm_resource *hbm, struct ttm_tt *tt,
		      bool to_hbm)
{
	struct migrate_try try = { .resets = atomic_read(&gdev->resets.device) };
	int err;

	do {
		err = migrate_copy(gdev, hbm, tt, to_hbm);
	} while (err == -EIO && migrate_was_kept(gdev, &try));
	return err;
}

/**
 * gaon_migrate_step() - let the device copy between HBM and a range of bus addresses
 * @gdev: the device
 * @hbm: offset in HBM, of pages
 * @dma: bus address, of pages
 * @bytes: pages, at most 64 MiB
 * @to_hbm: direction
 *
 * Sleeps until it is done.
 *
 * Return: 0, -ENOMEM, -EIO, -ENODEV.
 */
int gaon_migrate_step(struct gaon_device *gdev, u64 hbm, dma_addr_t dma, u64 bytes, bool to_hbm)
{
	struct gaon_packet packet = { .type = GAON_PKT_COPY };
	struct gaon_migrate *migrate = gdev->migrate;
	u64 host = GAON_PA_HOST | dma;
	struct gaon_pt_count count = {};
	struct gaon_pt_reserve reserve = {};
	int err, idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	gaon_pt_count_run(&count, MIGRATE_WINDOW_VA, host, bytes);
	packet.copy.dst_va = to_hbm ? MIGRATE_HBM_VA + hbm : MIGRATE_WINDOW_VA;
	packet.copy.src_va = to_hbm ? MIGRATE_WINDOW_VA : MIGRATE_HBM_VA + hbm;
	packet.copy.bytes = bytes;
	mutex_lock(&migrate->lock);
	err = gaon_pt_reserve(&migrate->pt, &reserve, &count);
	if (!err)
		err = gaon_pt_map(&migrate->pt, MIGRATE_WINDOW_VA, host, bytes,
				  GAON_PTE_R | GAON_PTE_W, &reserve);
	gaon_pt_unreserve(&migrate->pt, &reserve);
	if (!err)
		err = migrate_run(migrate, &packet);
	window_unmap(migrate);
	mutex_unlock(&migrate->lock);
	drm_dev_exit(idx);
	return err;
}

/* --- life ----------------------------------------------------------------------------------- */

static int migrate_map_fixed(struct gaon_migrate *migrate)
{
	u64 hbm = migrate->gdev->identify.hbm_bytes;
	u64 ring = GAON_PA_HOST | migrate->dma;
	struct gaon_pt_count count = {};
	struct gaon_pt_reserve reserve = {};
	int err;

	gaon_pt_count_run(&count, MIGRATE_HBM_VA, GAON_PA_HBM, hbm);
	gaon_pt_count_run(&count, MIGRATE_RING_VA, ring, GAON_PAGE_SIZE);
	err = gaon_pt_reserve(&migrate->pt, &reserve, &count);
	if (!err)
		err = gaon_pt_map(&migrate->pt, MIGRATE_HBM_VA, GAON_PA_HBM, hbm,
				  GAON_PTE_R | GAON_PTE_W, &reserve);
	if (!err)
		err = gaon_pt_map(&migrate->pt, MIGRATE_RING_VA, ring, GAON_PAGE_SIZE,
				  GAON_PTE_R | GAON_PTE_W, &reserve);
	gaon_pt_unreserve(&migrate->pt, &reserve);
	return err;
}

/**
 * gaon_migrate_start() - create context and queue on a device that was started
 * @gdev: the device
 *
 * Return: 0, or an error that has been logged.
 */
int gaon_migrate_start(struct gaon_device *gdev)
{
	struct gaon_migrate *migrate = gdev->migrate;
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_CONTEXT_CREATE } };
	int err;

	guard(mutex)(&migrate->lock);
	memset(migrate->mem, 0, sizeof(*migrate->mem));
	migrate->mem->done = migrate->seq;
	migrate->write = 0;
	migrate->broken = false;
	migrate->look = false;
	req.cmd.context = (struct gaon_admin_context) {
		.context = GAON_MIGRATE_CONTEXT,
		.asid = GAON_MIGRATE_ASID,
		.ring = gaon_event_ring(GAON_MIGRATE_CONTEXT),
		.root_pa = gaon_pt_root(&migrate->pt),
	};
	err = gaon_admin_exec(gdev, &req, 0);
	if (!err) {
		req = (struct gaon_admin_req) { .cmd = { .opcode = GAON_ADMIN_QUEUE_CREATE } };
		req.cmd.queue = (struct gaon_admin_queue) {
			.queue = migrate->hwq.id,
			.context = GAON_MIGRATE_CONTEXT,
			.doorbell = migrate->hwq.id,
			.kind = GAON_QUEUE_KIND_KERNEL,
			.priority = GAON_PRIORITY_HIGH,
			.ring_log2 = MIGRATE_LOG2,
			.ring_va = MIGRATE_RING_VA,
			.state_va = MIGRATE_RING_VA + offsetof(struct gaon_migrate_mem, state),
		};
		err = gaon_admin_exec(gdev, &req, 0);
	}
	if (err)
		drm_err(&gdev->drm, "no queue for the driver's own copies (error %d)\n", err);
	return err;
}

/** gaon_migrate_stop() - let who waits look at the device's state, which is not RUNNING any more */
void gaon_migrate_stop(struct gaon_device *gdev)
{
	if (gdev->migrate)
		wake_up_all(&gdev->migrate->wait);
}

/** gaon_migrate_drain() - after gaon_migrate_stop(): until nobody waits for what was dropped */
void gaon_migrate_drain(struct gaon_device *gdev)
{
	guard(mutex)(&gdev->migrate->lock);
}

/** gaon_migrate_fini() - before the driver is unbound; the device reaches nothing any more */
void gaon_migrate_fini(struct gaon_device *gdev)
{
	struct gaon_migrate *migrate = gdev->migrate;

	if (!migrate)
		return;
	gaon_hwq_unregister(gdev, &migrate->hwq);
	guard(mutex)(&migrate->lock);
	gaon_pt_fini(&migrate->pt);
}

/** gaon_migrate_init() - what outlives resets; gaon_migrate_start() follows */
int gaon_migrate_init(struct gaon_device *gdev)
{
	struct gaon_migrate *migrate = drmm_kzalloc(&gdev->drm, sizeof(*migrate), GFP_KERNEL);
	int err;

	if (!migrate)
		return -ENOMEM;
	migrate->gdev = gdev;
	init_waitqueue_head(&migrate->wait);
	err = drmm_mutex_init(&gdev->drm, &migrate->lock);
	if (err)
		return err;
	migrate->mem = dmam_alloc_coherent(gdev->drm.dev, GAON_PAGE_SIZE, &migrate->dma,
					   GFP_KERNEL);
	if (!migrate->mem)
		return -ENOMEM;
	err = gaon_pt_init(&migrate->pt, gdev);
	if (err)
		return err;
	err = migrate_map_fixed(migrate);
	if (!err)
		err = gaon_hwq_register(gdev, &migrate->hwq, GAON_MIGRATE_CONTEXT, &migrate_ops);
	if (err) {
		gaon_pt_fini(&migrate->pt);
		return err;
	}
	gdev->migrate = migrate;
	return 0;
}
