// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The card's memory: TTM's manager of it, on gpu_buddy. After a reset of the chip all of it reads
 * 0; the allocator remembers which blocks still do.
 *
 * Pages that went bad are taken out of use: at once if they are free, else when they become it. An
 * allocation never gets one, since it begins with taking those out that are waited for.
 */
#include <linux/gpu_buddy.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <drm/drm_managed.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_resource.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_ttm.h"

/* More pages than that are not taken out of use: firmware that names all would leave nothing. */
#define HBM_BAD_MAX	1024

/* What is known of a bad page. */
#define HBM_BAD_TAKEN	BIT(0)	/* nobody has it, nor will */
#define HBM_BAD_POISON	BIT(1)	/* accesses to it fault, until the next reset */

/** struct gaon_hbm - the manager */
struct gaon_hbm {
	/** @man: TTM's part. */
	struct ttm_resource_manager man;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/**
	 * @lock: protects @mm, @visible_avail and what is said of bad pages. Innermost, but for
	 * allocating small memory.
	 */
	struct mutex lock;
	/** @mm: the allocator. */
	struct gpu_buddy mm;
	/** @bad: pages that went bad, by number: HBM_BAD_* as values. */
	struct xarray bad;
	/** @bad_count: how many there are. */
	unsigned int bad_count;
	/** @waiting: of them, in an allocation still. */
	unsigned int waiting;
	/** @poisoned: of them, those that fault. */
	unsigned int poisoned;
	/** @retired: the blocks of those that nobody has. */
	struct list_head retired;
	/** @kernel: bytes of the driver's own objects, and of bad pages. */
	atomic64_t kernel;
	/** @visible: bytes that the aperture shows. */
	u64 visible;
	/** @visible_avail: of them that are free. */
	u64 visible_avail;
};

/** struct gaon_hbm_resource - an allocation */
struct gaon_hbm_resource {
	/** @base: TTM's part. */
	struct ttm_resource base;
	/** @blocks: of gpu_buddy. */
	struct list_head blocks;
	/** @visible: bytes of it that the aperture shows. */
	u64 visible;
	/** @kernel: it is the driver's own. */
	bool kernel;
	/** @cleared: all of it reads 0. */
	bool cleared;
};

static struct gaon_hbm *to_gaon_hbm(struct ttm_resource_manager *man)
{
	return container_of(man, struct gaon_hbm, man);
}

static struct gaon_hbm_resource *to_gaon_hbm_resource(struct ttm_resource *res)
{
	return container_of(res, struct gaon_hbm_resource, base);
}

static u64 block_visible(struct gaon_hbm *hbm, struct gpu_buddy_block *block)
{
	u64 start = gpu_buddy_block_offset(block);

	if (start >= hbm->visible)
		return 0;
	return min(start + gpu_buddy_block_size(&hbm->mm, block), hbm->visible) - start;
}

/* --- bad pages ------------------------------------------------------------------------------ */

/* Takes those out of use that are free. 0, or there is no memory to do so. */
static int hbm_sweep(struct gaon_hbm *hbm)
{
	unsigned long page, state;
	void *entry;
	int err;

	lockdep_assert_held(&hbm->lock);
	if (!hbm->waiting)
		return 0;
	xa_for_each(&hbm->bad, page, entry) {
		state = xa_to_value(entry);
		if (state & HBM_BAD_TAKEN)
			continue;
		err = gpu_buddy_alloc_blocks(&hbm->mm, PFN_PHYS((u64)page),
					     PFN_PHYS((u64)page + 1), PAGE_SIZE, PAGE_SIZE,
					     &hbm->retired, 0);
		if (err == -ENOSPC)
			continue;	/* somebody has it */
		if (err)
			return err;
		/* In the place of an entry nothing is allocated. */
		xa_store(&hbm->bad, page, xa_mk_value(state | HBM_BAD_TAKEN), GFP_KERNEL);
		hbm->waiting--;
		if (PFN_PHYS((u64)page) < hbm->visible)
			hbm->visible_avail -= PAGE_SIZE;
		atomic64_add(PAGE_SIZE, &hbm->kernel);
	}
	return 0;
}

/**
 * gaon_hbm_retire() - take a page out of use, for as long as the driver is bound
 * @gdev: the device
 * @offset: of a byte of it, or anything that firmware said
 * @poisoned: whether accesses to it fault
 *
 * Who has it keeps it. Sleeps, and allocates: not in the path of fences.
 *
 * Return: 1: it was not known before; 0; -ERANGE: there is no such page; -ENOSPC: there are too
 * many; -ENOMEM.
 */
int gaon_hbm_retire(struct gaon_device *gdev, u64 offset, bool poisoned)
{
	struct gaon_hbm *hbm = gdev->hbm;
	unsigned long page = PHYS_PFN(offset), state = poisoned ? HBM_BAD_POISON : 0;
	void *entry;
	int err;

	if (offset >= hbm->man.size)
		return -ERANGE;
	guard(mutex)(&hbm->lock);
	entry = xa_load(&hbm->bad, page);
	if (!entry && hbm->bad_count == HBM_BAD_MAX)
		return -ENOSPC;
	if (entry)
		state |= xa_to_value(entry);
	err = xa_err(xa_store(&hbm->bad, page, xa_mk_value(state), GFP_KERNEL));
	if (err)
		return err;
	if (state & HBM_BAD_POISON && !(entry && xa_to_value(entry) & HBM_BAD_POISON))
		hbm->poisoned++;
	if (!entry) {
		hbm->bad_count++;
		hbm->waiting++;
	}
	/* If there is no memory for it now, whoever allocates next tries again. */
	hbm_sweep(hbm);
	return !entry;
}

/**
 * gaon_hbm_is_poisoned() - whether an object cannot be read as a whole
 * @gdev: the device
 * @res: of GAON_PL_HBM, which does not move
 */
bool gaon_hbm_is_poisoned(struct gaon_device *gdev, struct ttm_resource *res)
{
	struct gaon_hbm *hbm = gdev->hbm;
	struct gpu_buddy_block *block;
	unsigned long page, first, last;
	void *entry;

	guard(mutex)(&hbm->lock);
	if (!hbm->poisoned)
		return false;
	list_for_each_entry(block, &to_gaon_hbm_resource(res)->blocks, link) {
		first = PHYS_PFN(gpu_buddy_block_offset(block));
		last = first + PHYS_PFN(gpu_buddy_block_size(&hbm->mm, block)) - 1;
		xa_for_each_range(&hbm->bad, page, entry, first, last) {
			if (xa_to_value(entry) & HBM_BAD_POISON)
				return true;
		}
	}
	return false;
}

/** gaon_hbm_show_bad() - a line for each page that went bad */
void gaon_hbm_show_bad(struct gaon_device *gdev, struct seq_file *file)
{
	struct gaon_hbm *hbm = gdev->hbm;
	unsigned long page;
	void *entry;

	guard(mutex)(&hbm->lock);
	xa_for_each(&hbm->bad, page, entry) {
		seq_printf(file, "%#14llx %7s %s\n", PFN_PHYS((u64)page),
			   xa_to_value(entry) & HBM_BAD_TAKEN ? "retired" : "in use",
			   xa_to_value(entry) & HBM_BAD_POISON ? "poisoned" : "readable");
	}
}

/* A reset of the chip ends all poison. */
static void hbm_forget_poison(struct gaon_hbm *hbm)
{
	unsigned long page;
	void *entry;

	lockdep_assert_held(&hbm->lock);
	xa_for_each(&hbm->bad, page, entry)
		xa_store(&hbm->bad, page, xa_mk_value(xa_to_value(entry) & ~HBM_BAD_POISON),
			 GFP_KERNEL);
	hbm->poisoned = 0;
}

/* --- allocation ----------------------------------------------------------------------------- */

/* What was allocated: how much the aperture shows of it, whether it is clear. */
static void hbm_account(struct gaon_hbm *hbm, struct gaon_hbm_resource *res)
{
	struct gpu_buddy_block *block;

	res->cleared = true;
	list_for_each_entry(block, &res->blocks, link) {
		res->visible += block_visible(hbm, block);
		res->cleared &= gpu_buddy_block_is_clear(block);
	}
	hbm->visible_avail -= res->visible;
}

static int hbm_alloc_blocks(struct gaon_hbm *hbm, struct gaon_hbm_resource *res,
			    const struct ttm_place *place, u64 min_page)
{
	u64 lpfn = place->lpfn ?: PFN_DOWN(hbm->man.size);
	unsigned long flags = GPU_BUDDY_CLEAR_ALLOCATION;
	int err;

	if (place->flags & TTM_PL_FLAG_CONTIGUOUS)
		flags |= GPU_BUDDY_CONTIGUOUS_ALLOCATION;
	if (place->fpfn || lpfn < PFN_DOWN(hbm->man.size))
		flags |= GPU_BUDDY_RANGE_ALLOCATION;
	else if (hbm->visible < hbm->man.size)
		flags |= GPU_BUDDY_TOPDOWN_ALLOCATION;	/* leave the visible part to who needs it */

	guard(mutex)(&hbm->lock);
	err = hbm_sweep(hbm);
	if (err)
		return err;
	err = gpu_buddy_alloc_blocks(&hbm->mm, PFN_PHYS((u64)place->fpfn), PFN_PHYS(lpfn),
				     res->base.size, min_page, &res->blocks, flags);
	if (!err)
		hbm_account(hbm, res);
	return err;
}

static int hbm_alloc(struct ttm_resource_manager *man, struct ttm_buffer_object *bo,
		     const struct ttm_place *place, struct ttm_resource **out)
{
	struct gaon_hbm *hbm = to_gaon_hbm(man);
	u64 limit = place->lpfn ? PFN_PHYS((u64)place->lpfn) : man->size;
	struct gaon_hbm_resource *res;
	u64 min_page = PAGE_SIZE;
	int err;

	if (bo->base.size > limit)
		return -E2BIG;	/* no eviction makes room for it */
	res = kzalloc_obj(*res);
	if (!res)
		return -ENOMEM;
	INIT_LIST_HEAD(&res->blocks);
	ttm_resource_init(bo, place, &res->base);
	/* Large leaves for large objects, if there is such a piece. */
	if (IS_ALIGNED(bo->base.size, SZ_2M))
		min_page = SZ_2M;
	err = hbm_alloc_blocks(hbm, res, place, min_page);
	if (err == -ENOSPC && min_page > PAGE_SIZE)
		err = hbm_alloc_blocks(hbm, res, place, PAGE_SIZE);
	if (err) {
		ttm_resource_fini(man, &res->base);
		kfree(res);
		return err;
	}
	res->kernel = ttm_to_gaon_bo(bo)->kernel;
	if (res->kernel)
		atomic64_add(res->base.size, &hbm->kernel);
	*out = &res->base;
	return 0;
}

static void hbm_free(struct ttm_resource_manager *man, struct ttm_resource *base)
{
	struct gaon_hbm_resource *res = to_gaon_hbm_resource(base);
	struct gaon_hbm *hbm = to_gaon_hbm(man);

	scoped_guard(mutex, &hbm->lock) {
		gpu_buddy_free_list(&hbm->mm, &res->blocks, 0);
		hbm->visible_avail += res->visible;
		hbm_sweep(hbm);
	}
	if (res->kernel)
		atomic64_sub(base->size, &hbm->kernel);
	ttm_resource_fini(man, base);
	kfree(res);
}

static bool hbm_intersects(struct ttm_resource_manager *man, struct ttm_resource *base,
			   const struct ttm_place *place, size_t size)
{
	struct gaon_hbm *hbm = to_gaon_hbm(man);
	struct gpu_buddy_block *block;

	if (!place->lpfn)
		return true;
	list_for_each_entry(block, &to_gaon_hbm_resource(base)->blocks, link) {
		u64 start = PFN_DOWN(gpu_buddy_block_offset(block));

		if (start < place->lpfn &&
		    start + PFN_DOWN(gpu_buddy_block_size(&hbm->mm, block)) > place->fpfn)
			return true;
	}
	return false;
}

static bool hbm_compatible(struct ttm_resource_manager *man, struct ttm_resource *base,
			   const struct ttm_place *place, size_t size)
{
	struct gaon_hbm *hbm = to_gaon_hbm(man);
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &to_gaon_hbm_resource(base)->blocks, link) {
		u64 start = PFN_DOWN(gpu_buddy_block_offset(block));
		u64 end = start + PFN_DOWN(gpu_buddy_block_size(&hbm->mm, block));

		if (start < place->fpfn || (place->lpfn && end > place->lpfn))
			return false;
	}
	return !(place->flags & TTM_PL_FLAG_CONTIGUOUS) || base->placement & TTM_PL_FLAG_CONTIGUOUS;
}

static void hbm_debug(struct ttm_resource_manager *man, struct drm_printer *p)
{
	struct gaon_hbm *hbm = to_gaon_hbm(man);

	guard(mutex)(&hbm->lock);
	drm_printf(p, "hbm: %llu KiB, free %llu KiB, cleared %llu KiB\n",
		   hbm->mm.size >> 10, hbm->mm.avail >> 10, hbm->mm.clear_avail >> 10);
	drm_printf(p, "visible: %llu KiB, free %llu KiB\n", hbm->visible >> 10,
		   hbm->visible_avail >> 10);
	drm_printf(p, "bad pages: %u, in use %u\n", hbm->bad_count, hbm->waiting);
}

static const struct ttm_resource_manager_func hbm_func = {
	.alloc = hbm_alloc,
	.free = hbm_free,
	.intersects = hbm_intersects,
	.compatible = hbm_compatible,
	.debug = hbm_debug,
};

/** gaon_hbm_is_cleared() - whether a resource reads 0 as it was allocated */
bool gaon_hbm_is_cleared(struct ttm_resource *res)
{
	return to_gaon_hbm_resource(res)->cleared;
}

/** gaon_hbm_is_visible() - whether the aperture shows all of a resource */
bool gaon_hbm_is_visible(struct ttm_resource *res)
{
	return to_gaon_hbm_resource(res)->visible == res->size;
}

/**
 * gaon_hbm_piece() - find the piece of a resource at an offset
 * @res: of GAON_PL_HBM
 * @offset: into it; not before that of the last call with the same @where
 * @where: NULL at the first call; kept for the next
 * @skip: 0 at the first call; kept for the next
 * @left: set to the bytes from there to the end of the piece
 *
 * Return: offset in HBM.
 */
u64 gaon_hbm_piece(struct ttm_resource *res, u64 offset, void **where, u64 *skip, u64 *left)
{
	struct gaon_hbm_resource *hres = to_gaon_hbm_resource(res);
	struct gpu_buddy_block *block = *where;

	if (!block)
		block = list_first_entry(&hres->blocks, struct gpu_buddy_block, link);
	/* Blocks are of 4 KiB << order: that is what HBM's chunk size is. */
	while (offset - *skip >= (u64)PAGE_SIZE << gpu_buddy_block_order(block)) {
		*skip += (u64)PAGE_SIZE << gpu_buddy_block_order(block);
		block = list_next_entry(block, link);
	}
	*where = block;
	*left = ((u64)PAGE_SIZE << gpu_buddy_block_order(block)) - (offset - *skip);
	return gpu_buddy_block_offset(block) + (offset - *skip);
}

/** gaon_hbm_piece_is_clear() - whether a piece, by its @where, read 0 as it was allocated */
bool gaon_hbm_piece_is_clear(const void *where)
{
	return gpu_buddy_block_is_clear((struct gpu_buddy_block *)where);
}

/** gaon_hbm_was_reset() - all of HBM reads 0: what is free need not be cleared again */
void gaon_hbm_was_reset(struct gaon_device *gdev)
{
	guard(mutex)(&gdev->hbm->lock);
	gpu_buddy_reset_clear(&gdev->hbm->mm, true);
	hbm_forget_poison(gdev->hbm);
}

/** gaon_hbm_movable() - bytes that are not the driver's own, which stay */
u64 gaon_hbm_movable(struct gaon_device *gdev)
{
	return gdev->hbm->mm.size - atomic64_read(&gdev->hbm->kernel);
}

/** gaon_hbm_usage() - bytes that are allocated, or out of use */
void gaon_hbm_usage(struct gaon_device *gdev, u64 *used, u64 *visible_used)
{
	struct gaon_hbm *hbm = gdev->hbm;

	guard(mutex)(&hbm->lock);
	*used = hbm->mm.size - hbm->mm.avail;
	*visible_used = hbm->visible - hbm->visible_avail;
}

static void hbm_fini(struct drm_device *drm, void *arg)
{
	struct gaon_hbm *hbm = arg;
	struct ttm_device *bdev = hbm->gdev->ttm;

	ttm_resource_manager_set_used(&hbm->man, false);
	xa_destroy(&hbm->bad);
	if (ttm_resource_manager_evict_all(bdev, &hbm->man))
		return;
	gpu_buddy_free_list(&hbm->mm, &hbm->retired, 0);
	gpu_buddy_fini(&hbm->mm);
	ttm_resource_manager_cleanup(&hbm->man);
	ttm_set_driver_manager(bdev, GAON_PL_HBM, NULL);
}

int gaon_hbm_init(struct gaon_device *gdev)
{
	struct gaon_hbm *hbm = drmm_kzalloc(&gdev->drm, sizeof(*hbm), GFP_KERNEL);
	int err;

	if (!hbm)
		return -ENOMEM;
	hbm->gdev = gdev;
	xa_init(&hbm->bad);
	INIT_LIST_HEAD(&hbm->retired);
	hbm->visible = min(gdev->aperture_bytes, gdev->identify.hbm_bytes);
	hbm->visible_avail = hbm->visible;
	err = drmm_mutex_init(&gdev->drm, &hbm->lock);
	if (err)
		return err;
	err = gpu_buddy_init(&hbm->mm, gdev->identify.hbm_bytes, PAGE_SIZE);
	if (err)
		return err;
	gpu_buddy_reset_clear(&hbm->mm, true);	/* the chip was reset */
	hbm->man.func = &hbm_func;
	ttm_resource_manager_init(&hbm->man, gdev->ttm, gdev->identify.hbm_bytes);
	ttm_set_driver_manager(gdev->ttm, GAON_PL_HBM, &hbm->man);
	gdev->hbm = hbm;
	err = drmm_add_action_or_reset(&gdev->drm, hbm_fini, hbm);
	if (err)
		return err;
	/* After that action, so that the region goes before the manager. */
	err = gaon_compat_dmem_register(&gdev->drm, &hbm->man, "hbm", gdev->identify.hbm_bytes);
	ttm_resource_manager_set_used(&hbm->man, !err);
	return err;
}
