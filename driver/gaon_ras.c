// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Errors of the card's memories and links: counted by where they were, and pages of HBM with them
 * taken out of use.
 *
 * The device counts since it was reset; what it has counted is added up here, and shown by DRM's
 * RAS interface (in kernels that have it) and debugfs. A record of an error makes a work look: what
 * is allocated for it must not be waited for by fences, which records are taken for, too.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/kfifo.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_managed.h>

#include <hw/gaon_event.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_ras.h"
#include "gaon_ttm.h"

#define RAS_ERRORS	128	/* records that wait for the work */
#define RAS_PAGES	4096	/* pages whose corrected errors are counted */
#define RAS_IDS		(DRM_GAON_RAS_LINK + GAON_ERROR_LINKS)

static_assert(DRM_GAON_RAS_SCRATCHPAD - DRM_GAON_RAS_HBM == GAON_ERROR_CHANNELS);
static_assert(DRM_GAON_RAS_LINK - DRM_GAON_RAS_SCRATCHPAD == GAON_ERROR_CORES);
static_assert(sizeof(struct gaon_errors) == 16 + RAS_IDS * sizeof(struct gaon_error_count));

static unsigned int page_ce_limit = 16;
module_param(page_ce_limit, uint, 0644);
MODULE_PARM_DESC(page_ce_limit,
		 "a page of HBM with so many corrected errors is retired (0: never, default 16)");

static unsigned int channel_ce_limit = 1024;
module_param(channel_ce_limit, uint, 0644);
MODULE_PARM_DESC(channel_ce_limit,
		 "so many corrected errors of an HBM channel are told, once (0: never, default 1024)");

/** enum ras_severity - which of a pair of counters */
enum ras_severity { RAS_CORRECTED, RAS_UNCORRECTED, RAS_SEVERITIES };

/** struct ras_error - what a record said */
struct ras_error {
	/** @counter: GAON_RAS_*. */
	u32 counter;
	/** @number: of core or link. */
	u32 number;
	/** @offset: in HBM. */
	u64 offset;
};

/** struct gaon_ras - all about errors of a device */
struct gaon_ras {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @work: takes @fifo. */
	struct work_struct work;
	/** @lock: protects @fifo, @missed and @ready. Innermost. */
	spinlock_t lock;
	/** @fifo: errors that were recorded and not looked at. */
	DECLARE_KFIFO(fifo, struct ras_error, RAS_ERRORS);
	/** @missed: there were more than that, or records were lost. */
	bool missed;
	/** @ready: the work may run. */
	bool ready;
	/** @pages: corrected errors of pages, by number. Only @work uses it. */
	struct xarray pages;
	/** @page_count: how many there are. Only @work uses it. */
	unsigned int page_count;

	/** @read_lock: protects all below. Outside the admin queue's lock. */
	struct mutex read_lock;
	/** @shared: where the firmware stores what is asked for; DMA-coherent. */
	void *shared;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @seen: what the device had counted when it was last asked, since it was reset. */
	struct gaon_errors seen;
	/** @now: what it has counted now. */
	struct gaon_errors now;
	/** @counts: errors since the driver was bound, or they were cleared. */
	u32 counts[RAS_IDS][RAS_SEVERITIES];
	/** @told: channels whose limit was told of. */
	DECLARE_BITMAP(told, GAON_ERROR_CHANNELS);

	/** @names: of what there is; empty: there is not. Constant after registration. */
	char names[RAS_IDS][24];
	/** @nodes: DRM's. */
	struct drm_ras_node nodes[RAS_SEVERITIES];
	/** @registered: of them. */
	unsigned int registered;
};

/* --- uevents ---------------------------------------------------------------------------------- */

static void ras_uevent(struct gaon_ras *ras, const char *what, const char *name, u64 value)
{
	char event[32], counter[48], number[32];
	char *env[4] = { event, counter, number };

	snprintf(event, sizeof(event), "RAS_EVENT=%s", what);
	snprintf(counter, sizeof(counter), "RAS_COUNTER=%s", name);
	snprintf(number, sizeof(number), "RAS_VALUE=%llu", value);
	kobject_uevent_env(&ras->gdev->drm.accel->kdev->kobj, KOBJ_CHANGE, env);
}

/* --- counters --------------------------------------------------------------------------------- */

/* The firmware's answer to a command that stores a structure, in @shared. */
static int ras_fetch(struct gaon_ras *ras, u16 opcode, size_t bytes)
{
	struct gaon_admin_req req = { .cmd = { .opcode = opcode } };
	int err;

	lockdep_assert_held(&ras->read_lock);
	memset(ras->shared, 0, bytes);
	req.cmd.buffer.pa = GAON_PA_HOST | ras->dma;
	req.cmd.buffer.bytes = bytes;
	err = gaon_admin_exec(ras->gdev, &req, 0);
	return req.err ? -EBUSY : err;	/* a reset has begun since */
}

/* As drm_dev_enter(), of a card that may sleep. */
static int ras_enter(struct gaon_device *gdev, int *idx)
{
	int err = gaon_power_get(gdev);

	if (err)
		return err;
	if (drm_dev_enter(&gdev->drm, idx))
		return 0;
	gaon_power_put(gdev);
	return -ENODEV;
}

static void ras_exit(struct gaon_device *gdev, int idx)
{
	drm_dev_exit(idx);
	gaon_power_put(gdev);
}

static struct gaon_error_count *ras_counts(struct gaon_errors *errors)
{
	/* The other arrays are behind it. */
	return (void *)errors + offsetof(struct gaon_errors, hbm);
}

/* Firmware may count backwards; counters of ours stop at their end. */
static void ras_add(u32 *count, u32 now, u32 seen)
{
	*count = min_t(u64, (u64)*count + (now >= seen ? now - seen : now), U32_MAX);
}

static void ras_tell_channels(struct gaon_ras *ras)
{
	unsigned int limit = READ_ONCE(channel_ce_limit), i;

	lockdep_assert_held(&ras->read_lock);
	for (i = 0; i < GAON_ERROR_CHANNELS && limit; i++) {
		u32 count = ras->counts[DRM_GAON_RAS_HBM + i][RAS_CORRECTED];

		if (count < limit || test_and_set_bit(i, ras->told))
			continue;
		drm_warn(&ras->gdev->drm, "channel %u of HBM has had %u corrected errors, the limit is %u: it may fail soon\n",
			 i, count, limit);
		ras_uevent(ras, "limit", ras->names[DRM_GAON_RAS_HBM + i], count);
	}
}

/*
 * Adds what the device has counted since the last time. While it is being reset nothing is added;
 * what it counted between the last time and the reset is only in the log.
 */
static int ras_update(struct gaon_ras *ras)
{
	struct gaon_error_count *now = ras_counts(&ras->now), *seen = ras_counts(&ras->seen);
	unsigned int i;
	int err;

	lockdep_assert_held(&ras->read_lock);
	err = gaon_device_check(ras->gdev);
	if (!err)
		err = ras_fetch(ras, GAON_ADMIN_ERRORS, sizeof(ras->now));
	if (err)
		return err;
	memcpy(&ras->now, ras->shared, sizeof(ras->now));
	for (i = 0; i < RAS_IDS; i++) {
		ras_add(&ras->counts[i][RAS_CORRECTED], now[i].corrected, seen[i].corrected);
		ras_add(&ras->counts[i][RAS_UNCORRECTED], now[i].uncorrected, seen[i].uncorrected);
	}
	ras->seen = ras->now;
	ras_tell_channels(ras);
	return 0;
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What the chip has in its list, from its past too: before anything is allocated. */
static int ras_read_retired(struct gaon_ras *ras)
{
	const struct gaon_retired *list = ras->shared;
	unsigned int i, count;
	int err;

	if (!(ras->gdev->fw.features & GAON_FEATURE_RETIRE))
		return 0;
	guard(mutex)(&ras->read_lock);
	err = ras_fetch(ras, GAON_ADMIN_RETIRED, sizeof(*list));
	if (err)
		return err;
	count = min_t(u32, READ_ONCE(list->count), GAON_RETIRED_MAX);
	for (i = 0; i < count; i++) {
		err = gaon_hbm_retire(ras->gdev, READ_ONCE(list->page[i]), false);
		if (err == -ENOMEM)
			return err;
	}
	return 0;
}

static void ras_uncorrected(struct gaon_ras *ras, u64 offset)
{
	struct gaon_device *gdev = ras->gdev;
	u32 channel = gaon_hbm_channel(offset, max(gdev->identify.hbm_channels, 1u));
	int news = gaon_hbm_retire(gdev, offset, true);

	if (news < 0) {
		dev_err_ratelimited(gdev->drm.dev,
				    "uncorrectable error of HBM at %#llx: the page cannot be retired (error %d)\n",
				    offset, news);
		return;
	}
	dev_err_ratelimited(gdev->drm.dev, "uncorrectable error of HBM at %#llx, channel %u: %s\n",
			    offset, channel,
			    news ? "the page is retired" : "not the first of its page");
	if (news)
		ras_uevent(ras, "retired", "hbm-page", round_down(offset, PAGE_SIZE));
}

/* Nothing is wrong with it yet, but it had many corrected errors: the chip is to remember it. */
static void ras_retire(struct gaon_ras *ras, u64 page, unsigned long count)
{
	struct gaon_admin_req req = {
		.cmd = { .opcode = GAON_ADMIN_RETIRE, .retire.page = page },
	};
	struct gaon_device *gdev = ras->gdev;
	int err;

	if (gaon_hbm_retire(gdev, page, false) <= 0)
		return;
	drm_warn(&gdev->drm, "page %#llx of HBM has had %lu corrected errors: it is retired\n",
		 page, count);
	ras_uevent(ras, "retired", "hbm-page", page);
	err = gaon_device_check(gdev) ?: gaon_admin_exec(gdev, &req, 0);
	if (err)
		drm_warn(&gdev->drm, "the card's list does not take page %#llx of HBM (error %d): it is out of use until the driver is unbound\n",
			 page, err);
}

static void ras_corrected(struct gaon_ras *ras, u64 offset)
{
	unsigned long page = PHYS_PFN(offset), count = 1;
	unsigned int limit = READ_ONCE(page_ce_limit);
	void *entry;

	if (!limit || offset >= ras->gdev->identify.hbm_bytes)
		return;
	entry = xa_load(&ras->pages, page);
	if (entry)
		count += xa_to_value(entry);
	/* Those that had one or two, long ago, are not worth more. */
	if (!entry && ras->page_count == RAS_PAGES) {
		xa_destroy(&ras->pages);
		ras->page_count = 0;
	}
	if (xa_err(xa_store(&ras->pages, page, xa_mk_value(count), GFP_KERNEL)))
		return;
	ras->page_count += !entry;
	if (count >= limit)
		ras_retire(ras, PFN_PHYS((u64)page), count);
}

/* --- records ---------------------------------------------------------------------------------- */

static void ras_handle(struct gaon_ras *ras, const struct ras_error *error)
{
	struct device *dev = ras->gdev->drm.dev;

	switch (error->counter) {
	case GAON_RAS_HBM_UE:
		ras_uncorrected(ras, error->offset);
		break;
	case GAON_RAS_HBM_CE:
		dev_info_ratelimited(dev, "corrected error of HBM at %#llx\n", error->offset);
		if (ras->gdev->fw.features & GAON_FEATURE_ERRORS)
			ras_corrected(ras, error->offset);
		break;
	case GAON_RAS_SPM_CE:
		dev_info_ratelimited(dev, "corrected error of the scratchpad of core %u\n",
				     error->number);
		break;
	case GAON_RAS_SPM_UE:
		dev_err_ratelimited(dev, "uncorrectable error of the scratchpad of core %u\n",
				    error->number);
		break;
	case GAON_RAS_LINK_CE:
		dev_info_ratelimited(dev, "corrected error of link %u\n", error->number);
		break;
	case GAON_RAS_LINK_UE:
		dev_err_ratelimited(dev, "uncorrectable error of link %u\n", error->number);
		break;
	}
}

/* The next one, or that some were missed, or false. */
static bool ras_take(struct gaon_ras *ras, struct ras_error *error, bool *missed)
{
	guard(spinlock)(&ras->lock);
	*missed = ras->missed;
	ras->missed = false;
	if (kfifo_get(&ras->fifo, error))
		return true;
	error->counter = GAON_RAS_COUNTERS;
	return *missed;
}

static void ras_work(struct work_struct *work)
{
	struct gaon_ras *ras = container_of(work, struct gaon_ras, work);
	struct ras_error error;
	bool missed;
	int idx;

	if (ras_enter(ras->gdev, &idx))
		return;
	while (ras_take(ras, &error, &missed)) {
		if (missed && gaon_device_running(ras->gdev))
			ras_read_retired(ras);
		ras_handle(ras, &error);
	}
	if (ras->gdev->fw.features & GAON_FEATURE_ERRORS) {
		guard(mutex)(&ras->read_lock);
		ras_update(ras);
	}
	ras_exit(ras->gdev, idx);
}

/**
 * gaon_ras_event() - the device has counted an error
 * @gdev: the device
 * @event: a copy of the record, of one ring: the others have the same
 *
 * Does not sleep.
 */
void gaon_ras_event(struct gaon_device *gdev, const struct gaon_event *event)
{
	struct gaon_ras *ras = gdev->ras;
	struct ras_error error = { .counter = GAON_RAS_COUNTERS, .offset = event->fault.va };

	if (event->value >= GAON_RAS_COUNTERS)
		return;
	error.counter = event->value;
	if (error.counter == GAON_RAS_LINK_CE || error.counter == GAON_RAS_LINK_UE)
		error.number = event->fault.syndrome;
	else
		error.number = event->fault.core;
	guard(spinlock)(&ras->lock);
	if (!kfifo_put(&ras->fifo, error))
		ras->missed = true;
	if (ras->ready)
		queue_work(system_dfl_wq, &ras->work);
}

/** gaon_ras_events_lost() - there may have been errors of which no record came */
void gaon_ras_events_lost(struct gaon_device *gdev)
{
	struct gaon_ras *ras = gdev->ras;

	guard(spinlock)(&ras->lock);
	ras->missed = true;
	if (ras->ready)
		queue_work(system_dfl_wq, &ras->work);
}

/* --- who asks --------------------------------------------------------------------------------- */

static const char *const ras_severities[] = {
	[RAS_CORRECTED] = "correctable-errors",
	[RAS_UNCORRECTED] = "uncorrectable-errors",
};

static int ras_query(struct drm_ras_node *node, u32 id, const char **name, u32 *value)
{
	struct gaon_ras *ras = node->priv;
	int err, idx;

	if (id >= RAS_IDS || !ras->names[id][0])
		return -ENOENT;
	id = array_index_nospec(id, RAS_IDS);
	err = ras_enter(ras->gdev, &idx);
	if (err)
		return err;
	scoped_guard(mutex, &ras->read_lock) {
		ras_update(ras);	/* if the device cannot be asked: as it was */
		*value = ras->counts[id][node - ras->nodes];
	}
	*name = ras->names[id];
	ras_exit(ras->gdev, idx);
	return 0;
}

static int ras_clear(struct drm_ras_node *node, u32 id)
{
	struct gaon_ras *ras = node->priv;
	int err, idx;

	if (id >= RAS_IDS || !ras->names[id][0])
		return -ENOENT;
	id = array_index_nospec(id, RAS_IDS);
	err = ras_enter(ras->gdev, &idx);
	if (err)
		return err;
	scoped_guard(mutex, &ras->read_lock) {
		ras_update(ras);	/* what was until now is not told of later */
		ras->counts[id][node - ras->nodes] = 0;
		if (id < GAON_ERROR_CHANNELS && node == &ras->nodes[RAS_CORRECTED])
			clear_bit(id, ras->told);
	}
	ras_exit(ras->gdev, idx);
	return 0;
}

/**
 * gaon_ras_show() - a line for each counter
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @file: where to
 *
 * Return: 0, or -EOPNOTSUPP: the device does not tell.
 */
int gaon_ras_show(struct gaon_device *gdev, struct seq_file *file)
{
	struct gaon_ras *ras = gdev->ras;
	unsigned int i;

	if (!(gdev->fw.features & GAON_FEATURE_ERRORS))
		return -EOPNOTSUPP;
	guard(mutex)(&ras->read_lock);
	ras_update(ras);
	seq_puts(file, "counter             corrected uncorrected\n");
	for (i = 0; i < RAS_IDS; i++) {
		if (ras->names[i][0])
			seq_printf(file, "%-18s %10u %11u\n", ras->names[i],
				   ras->counts[i][RAS_CORRECTED], ras->counts[i][RAS_UNCORRECTED]);
	}
	return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static void ras_release(struct drm_device *drm, void *arg)
{
	struct gaon_ras *ras = arg;

	xa_destroy(&ras->pages);
}

/** gaon_ras_init() - what outlives resets; the firmware is not there yet */
int gaon_ras_init(struct gaon_device *gdev)
{
	struct gaon_ras *ras = drmm_kzalloc(&gdev->drm, sizeof(*ras), GFP_KERNEL);
	int err;

	if (!ras)
		return -ENOMEM;
	ras->gdev = gdev;
	INIT_WORK(&ras->work, ras_work);
	spin_lock_init(&ras->lock);
	INIT_KFIFO(ras->fifo);
	xa_init(&ras->pages);
	err = drmm_add_action_or_reset(&gdev->drm, ras_release, ras);
	if (!err)
		err = drmm_mutex_init(&gdev->drm, &ras->read_lock);
	if (err)
		return err;
	ras->shared = dmam_alloc_coherent(gdev->drm.dev, sizeof(struct gaon_errors), &ras->dma,
					  GFP_KERNEL);
	if (!ras->shared)
		return -ENOMEM;
	static_assert(sizeof(struct gaon_errors) >= sizeof(struct gaon_retired));
	gdev->ras = ras;
	return 0;
}

/**
 * gaon_ras_start() - the chip was reset, and its firmware answers
 * @gdev: the device; nothing has been allocated in its memory since
 *
 * Return: 0, or an error that has been logged.
 */
int gaon_ras_start(struct gaon_device *gdev)
{
	struct gaon_ras *ras = gdev->ras;
	int err = ras_read_retired(ras);

	if (err) {
		drm_err(&gdev->drm, "the list of retired pages cannot be read (error %d)\n", err);
		return err;
	}
	scoped_guard(mutex, &ras->read_lock)
		memset(&ras->seen, 0, sizeof(ras->seen));
	guard(spinlock)(&ras->lock);
	ras->ready = true;
	queue_work(system_dfl_wq, &ras->work);
	return 0;
}

static void ras_name(struct gaon_ras *ras, u32 first, u32 count, u32 max, const char *format)
{
	u32 i;

	for (i = 0; i < min(count, max); i++)
		scnprintf(ras->names[first + i], sizeof(ras->names[0]), "%s-%u", format, i);
}

/**
 * gaon_ras_register() - show the counters, where the kernel has a place for them
 * @gdev: the device, running
 *
 * A card without them works: failing is only told.
 */
void gaon_ras_register(struct gaon_device *gdev)
{
	const struct gaon_identify *id = &gdev->identify;
	struct gaon_ras *ras = gdev->ras;
	unsigned int i;
	int err;

	if (!(gdev->fw.features & GAON_FEATURE_ERRORS))
		return;
	ras_name(ras, DRM_GAON_RAS_HBM, id->hbm_channels, GAON_ERROR_CHANNELS, "hbm-channel");
	ras_name(ras, DRM_GAON_RAS_SCRATCHPAD, id->cores, GAON_ERROR_CORES, "scratchpad-core");
	/* The first is the one to the host. */
	ras_name(ras, DRM_GAON_RAS_LINK, min_t(u32, id->links, GAON_ERROR_LINKS) + 1,
		 GAON_ERROR_LINKS, "link");
	for (i = 0; i < RAS_SEVERITIES; i++) {
		ras->nodes[i] = (struct drm_ras_node) {
			.device_name = pci_name(gdev->pdev),
			.node_name = ras_severities[i],
			.type = DRM_RAS_NODE_TYPE_ERROR_COUNTER,
			.error_counter_range = { .last = RAS_IDS - 1 },
			.query_error_counter = ras_query,
			.clear_error_counter = ras_clear,
			.priv = ras,
		};
		err = drm_ras_node_register(&ras->nodes[i]);
		if (err) {
			drm_warn(&gdev->drm, "no node for error counters (error %d)\n", err);
			return;
		}
		ras->registered++;
	}
}

/** gaon_ras_stop() - for good: nobody asks, and no work runs, when it returns */
void gaon_ras_stop(struct gaon_device *gdev)
{
	struct gaon_ras *ras = gdev->ras;

	while (ras->registered)
		drm_ras_node_unregister(&ras->nodes[--ras->registered]);
	gaon_compat_ras_settle();
	scoped_guard(spinlock, &ras->lock)
		ras->ready = false;
	cancel_work_sync(&ras->work);
}
