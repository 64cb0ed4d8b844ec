// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The kernel is short of memory: which host objects are taken away, and when (gaon_pages.c: how).
 *
 * Called where memory is allocated, with any lock held: reservations are only tried; the locks that
 * are taken are those under which nothing is allocated, which MMU notifiers take as well. Fences
 * are looked at and never waited for. What an LR VM maps goes after its context was suspended, in
 * time (preempt_ms), by commands that are kept for such paths; only kswapd waits for that,
 * everybody else takes what no context runs with. gaon_restore_work() brings it all back, and the
 * context goes on.
 *
 * First an object is parked: unmapped everywhere, its pages not its own for TTM, though they are
 * still there. Then they are stored and freed, a few at each call. Whoever uses the object before
 * that is over finds what is left, and only has to fill the gaps.
 */
#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/llist.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include <drm/drm_managed.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_pages.h"
#include "gaon_shrink.h"
#include "gaon_trace.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

#define SHRINK_LOOKS	1024	/* at so many objects, in one call, in one way */
#define SHRINK_LEAST	512	/* pages in one call: a piece of an object */

/** struct gaon_shrink - of a device */
struct gaon_shrink {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @shrinker: the kernel's. */
	struct shrinker *shrinker;
	/** @lock: protects @tts and @objects. Innermost. */
	spinlock_t lock;
	/** @tts: by &struct gaon_tt.node, those that have pages; first who was looked at or came
	 * back the longest time ago.
	 */
	struct list_head tts;
	/** @objects: in @tts. */
	unsigned long objects;
	/** @present: their pages. */
	atomic_long_t present;
	/** @out: pages that were taken away so far. */
	atomic64_t out;
	/** @in: pages that came back so far. */
	atomic64_t in;
	/** @parked: how often an object was parked. */
	atomic_t parked;
	/** @back: how often an object came back. */
	atomic_t back;
	/** @failed: how often there was no memory to store even a piece. */
	atomic_t failed;
	/** @spent: objects whose last reference may be here. */
	struct llist_head spent;
	/** @spent_work: gives those back, which is not to be done in the path of reclaim. */
	struct work_struct spent_work;
};

/** enum shrink_way - what is done to objects that contexts use */
enum shrink_way {
	/** @SHRINK_STOPPED: nothing: those go that no context runs with. */
	SHRINK_STOPPED,
	/** @SHRINK_TIME_OVER: contexts are suspended that came back long enough ago. */
	SHRINK_TIME_OVER,
	/** @SHRINK_ANY: any context is suspended. */
	SHRINK_ANY,
};

/* --- what there is -------------------------------------------------------------------------- */

/** gaon_shrink_count() - pages came (@pages > 0) or went, and are counted in @gtt already */
void gaon_shrink_count(struct gaon_tt *gtt, long pages)
{
	struct gaon_shrink *shrink = to_gaon_device(gtt->bo->ttm.base.dev)->shrink;

	if (!gtt->file)
		return;
	atomic_long_add(pages, &shrink->present);
	if (gtt->present && !list_empty(&gtt->node))
		return;
	guard(spinlock)(&shrink->lock);
	if (gtt->present) {
		list_add_tail(&gtt->node, &shrink->tts);
		shrink->objects++;
	} else {
		list_del_init(&gtt->node);
		shrink->objects--;
	}
}

/** gaon_shrink_came_back() - pages of what was parked are there again; @all of them, or some */
void gaon_shrink_came_back(struct gaon_tt *gtt, u32 pages, bool all)
{
	struct gaon_shrink *shrink = to_gaon_device(gtt->bo->ttm.base.dev)->shrink;

	atomic64_add(pages, &shrink->in);
	if (!all)
		return;
	atomic_inc(&shrink->back);
	trace_gaon_swap_in(gtt->bo, pages);
	guard(spinlock)(&shrink->lock);
	if (!list_empty(&gtt->node))
		list_move_tail(&gtt->node, &shrink->tts);
}

/* --- references ----------------------------------------------------------------------------- */

static void spent_work(struct work_struct *work)
{
	struct gaon_shrink *shrink = container_of(work, struct gaon_shrink, spent_work);
	struct llist_node *all = llist_del_all(&shrink->spent);
	struct gaon_bo *bo, *next;

	llist_for_each_entry_safe(bo, next, all, spent)
		gaon_ttm_bo_put(bo);
}

/* The last one frees the object, which takes locks and allocates. */
static void shrink_put(struct gaon_shrink *shrink, struct gaon_bo *bo)
{
	if (refcount_dec_not_one(&bo->ttm.kref.refcount))
		return;
	if (llist_add(&bo->spent, &shrink->spent))
		queue_work(shrink->gdev->ttm->wq, &shrink->spent_work);
}

/* The next to look at, with a reference, if it is not just being freed. */
static struct gaon_bo *shrink_next(struct gaon_shrink *shrink)
{
	struct gaon_tt *gtt;

	guard(spinlock)(&shrink->lock);
	gtt = list_first_entry_or_null(&shrink->tts, struct gaon_tt, node);
	if (!gtt)
		return NULL;
	list_move_tail(&gtt->node, &shrink->tts);
	return kref_get_unless_zero(&gtt->bo->ttm.kref) ? gtt->bo : NULL;
}

/* --- taking away ---------------------------------------------------------------------------- */

/* Nobody but address spaces and the CPU uses it, and no job is under way. */
static bool bo_is_idle(struct gaon_bo *bo)
{
	struct ttm_buffer_object *ttm = &bo->ttm;

	return !ttm->pin_count && !bo->attached && !ttm->deleted && ttm->resource &&
	       ttm->resource->mem_type != GAON_PL_HBM && ttm_tt_is_populated(ttm->ttm) &&
	       !(ttm->ttm->page_flags & TTM_TT_FLAG_SWAPPED) &&
	       dma_resv_test_signaled(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP);
}

static bool bo_may_go(struct gaon_bo *bo, enum shrink_way way)
{
	switch (way) {
	case SHRINK_STOPPED:
		return gaon_vm_bo_is_stopped(bo);
	case SHRINK_TIME_OVER:
		return gaon_vm_bo_may_go(bo);
	case SHRINK_ANY:
		break;
	}
	return true;
}

/* Nothing maps it and it has no place. TTM allocates nothing for that: the object is idle. */
static bool bo_park(struct gaon_shrink *shrink, struct gaon_bo *bo)
{
	struct gaon_tt *gtt = to_gaon_tt(bo->ttm.ttm);
	int idx;

	if (!drm_dev_enter(&shrink->gdev->drm, &idx))
		return false;
	gaon_vm_evict_bo(bo, true);
	gtt->parked = true;
	if (gaon_ttm_bo_unplace(bo))
		gtt->parked = false;
	drm_dev_exit(idx);
	if (gtt->parked)
		atomic_inc(&shrink->parked);
	return gtt->parked;
}

static u32 bo_shrink_locked(struct gaon_shrink *shrink, struct gaon_bo *bo, u32 most,
			    enum shrink_way way)
{
	struct gaon_tt *gtt;
	u32 freed;

	/* It may be a different one, or none, since it was found. */
	if (!bo->ttm.ttm)
		return 0;
	gtt = to_gaon_tt(bo->ttm.ttm);
	if (!gtt->file || !gtt->present)
		return 0;
	if (!gtt->parked && (!bo_is_idle(bo) || !bo_may_go(bo, way) || !bo_park(shrink, bo)))
		return 0;
	freed = gaon_pages_store(gtt, most);
	if (!freed)
		atomic_inc(&shrink->failed);
	else
		trace_gaon_swap_out(bo, freed);
	atomic64_add(freed, &shrink->out);
	return freed;
}

/* Pages that were freed. */
static u32 bo_shrink(struct gaon_shrink *shrink, struct gaon_bo *bo, u32 most, enum shrink_way way)
{
	struct dma_resv *resv = bo->ttm.base.resv;
	u32 freed;

	if (!dma_resv_trylock(resv))
		return 0;
	freed = bo_shrink_locked(shrink, bo, most, way);
	dma_resv_unlock(resv);
	return freed;
}

static unsigned long shrink_pass(struct gaon_shrink *shrink, unsigned long pages,
				 enum shrink_way way)
{
	unsigned long looks = min(READ_ONCE(shrink->objects), SHRINK_LOOKS), freed = 0;

	while (looks-- && freed < pages && get_nr_swap_pages() > 0) {
		struct gaon_bo *bo = shrink_next(shrink);

		if (!bo)
			continue;
		freed += bo_shrink(shrink, bo, min(pages - freed, U32_MAX), way);
		shrink_put(shrink, bo);
	}
	return freed;
}

/* In the path of reclaim. @wait: for contexts to be suspended. */
static unsigned long shrink_run(struct gaon_shrink *shrink, unsigned long pages, bool wait)
{
	unsigned long freed;

	pages = max(pages, SHRINK_LEAST);
	freed = shrink_pass(shrink, pages, SHRINK_STOPPED);
	if (wait && freed < pages)
		freed += shrink_pass(shrink, pages - freed, SHRINK_TIME_OVER);
	/* Rather all of them slow than one killed. */
	if (wait && !freed)
		freed = shrink_pass(shrink, pages, SHRINK_ANY);
	return freed;
}

static unsigned long shrink_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct gaon_shrink *shrink = shrinker->private_data;
	long pages = min(atomic_long_read(&shrink->present), get_nr_swap_pages());

	/* Who may not wait for files may not make any. */
	return pages > 0 && sc->gfp_mask & __GFP_FS ? pages : SHRINK_EMPTY;
}

static unsigned long shrink_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed;

	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	freed = shrink_run(shrinker->private_data, sc->nr_to_scan, current_is_kswapd());
	sc->nr_scanned = max(freed, sc->nr_to_scan);
	return freed ?: SHRINK_STOP;
}

/* --- for people ----------------------------------------------------------------------------- */

/**
 * gaon_shrink_by_hand() - take away as kswapd does
 * @gdev: the device
 * @bytes: about so much
 *
 * Return: 0; -ENOSPC: there is no swap; -EAGAIN: it was less, since the rest is in use, or there is
 * no memory to store it.
 */
int gaon_shrink_by_hand(struct gaon_device *gdev, u64 bytes)
{
	unsigned long pages = PFN_UP(bytes), freed = 0, now;
	unsigned int flags;

	if (get_nr_swap_pages() <= 0)
		return -ENOSPC;
	do {
		/* As lockdep is to see it, and so that what is allocated does not reclaim. */
		fs_reclaim_acquire(GFP_KERNEL);
		flags = memalloc_noreclaim_save();
		now = shrink_run(gdev->shrink, pages - freed, true);
		memalloc_noreclaim_restore(flags);
		fs_reclaim_release(GFP_KERNEL);
		freed += now;
		cond_resched();
	} while (now && freed < pages && !signal_pending(current));
	return freed < pages ? -EAGAIN : 0;
}

/** gaon_shrink_show() - for debugfs */
void gaon_shrink_show(struct gaon_device *gdev, struct seq_file *file)
{
	struct gaon_shrink *shrink = gdev->shrink;

	seq_puts(file, "objects   resident_KiB        out_KiB         in_KiB     parked       back     failed\n");
	seq_printf(file, "%7lu %14lu %14llu %14llu %10d %10d %10d\n", READ_ONCE(shrink->objects),
		   (unsigned long)atomic_long_read(&shrink->present) << (PAGE_SHIFT - 10),
		   (u64)atomic64_read(&shrink->out) << (PAGE_SHIFT - 10),
		   (u64)atomic64_read(&shrink->in) << (PAGE_SHIFT - 10),
		   atomic_read(&shrink->parked), atomic_read(&shrink->back),
		   atomic_read(&shrink->failed));
}

/* --- life ----------------------------------------------------------------------------------- */

/** gaon_shrink_settle() - what was spent has been given back; without locks */
void gaon_shrink_settle(struct gaon_device *gdev)
{
	flush_work(&gdev->shrink->spent_work);
}

/** gaon_shrink_stop() - nothing is taken away any more, nor is about to be; once, or again */
void gaon_shrink_stop(struct gaon_device *gdev)
{
	struct gaon_shrink *shrink = gdev->shrink;

	if (shrink->shrinker)
		shrinker_free(shrink->shrinker);
	shrink->shrinker = NULL;
	flush_work(&shrink->spent_work);
}

static void shrink_fini(struct drm_device *drm, void *arg)
{
	gaon_shrink_stop(to_gaon_device(drm));
}

/** gaon_shrink_init() - 0 or -ENOMEM; TTM's device follows */
int gaon_shrink_init(struct gaon_device *gdev)
{
	struct gaon_shrink *shrink = drmm_kzalloc(&gdev->drm, sizeof(*shrink), GFP_KERNEL);

	if (!shrink)
		return -ENOMEM;
	shrink->gdev = gdev;
	spin_lock_init(&shrink->lock);
	INIT_LIST_HEAD(&shrink->tts);
	INIT_WORK(&shrink->spent_work, spent_work);
	gdev->shrink = shrink;
	shrink->shrinker = shrinker_alloc(0, "drm-gaon:%s", dev_name(gdev->drm.dev));
	if (!shrink->shrinker)
		return -ENOMEM;
	shrink->shrinker->count_objects = shrink_count;
	shrink->shrinker->scan_objects = shrink_scan;
	shrink->shrinker->private_data = shrink;
	shrinker_register(shrink->shrinker);
	return drmm_add_action_or_reset(&gdev->drm, shrink_fini, NULL);
}
