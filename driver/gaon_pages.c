// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Pages of host objects: from the DMA API, so that none is ever bounced, and charged to the memory
 * cgroup of the process that asks (TTM's pool does not charge them, and keeps what was freed for
 * anybody). A cgroup that is full is told so: nobody is killed for it.
 *
 * When the machine is short of memory they are copied, piece by piece, to a file of the kernel's
 * that can be swapped out, and freed (gaon_shrink.c says when). They come back when the object is
 * used. Pages that are zero are not kept.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <drm/drm_prime.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_tt.h>

#ifdef CONFIG_X86
#include <asm/set_memory.h>
#endif

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_pages.h"
#include "gaon_shrink.h"
#include "gaon_trace.h"

#define PAGES_ORDER_MAX	(ilog2(SZ_2M) - PAGE_SHIFT)	/* of a piece: that of a large leaf */
#define PAGES_GFP	(GFP_USER | __GFP_ZERO | __GFP_ACCOUNT | __GFP_NOWARN)
#define PAGES_ATTRS	(DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_WARN)

/* No page, but one that is in the file. */
#define PAGES_STORED	((struct page *)1)
#define PAGES_GFP_LOAD	(GFP_HIGHUSER | __GFP_NOWARN)
/* In the path of reclaim. What is kept for it is for single pages: more could take all of it. */
#define PAGES_GFP_STORE	(GFP_HIGHUSER | __GFP_HIGH | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

static struct gaon_device *tt_gdev(const struct gaon_tt *gtt)
{
	return to_gaon_device(gtt->bo->ttm.base.dev);
}

/* --- pieces --------------------------------------------------------------------------------- */

static bool page_is_there(const struct page *page)
{
	return page && page != PAGES_STORED;
}

/* Of the piece whose first page is at @at; that remembers where the CPU sees it, and its order. */
static u32 piece_pages(const struct gaon_tt *gtt, u32 at)
{
	return 1u << (page_private(gtt->base.pages[at]) & ~PAGE_MASK);
}

/* How many pages in a row are not there, up to a piece's. */
static u32 gap_pages(const struct gaon_tt *gtt, u32 at)
{
	u32 most = min(gtt->base.num_pages - at, 1u << PAGES_ORDER_MAX), i;

	for (i = 1; i < most && !page_is_there(gtt->base.pages[at + i]); i++)
		;
	return i;
}

/* What the CPU's mappings of them are, the kernel's are too. */
static int pages_set_caching(struct gaon_tt *gtt, u32 at, u32 count, bool as_mapped)
{
#ifdef CONFIG_X86
	if (gtt->base.caching != ttm_write_combined)
		return 0;
	if (as_mapped)
		return set_pages_array_wc(gtt->base.pages + at, count);
	return set_pages_array_wb(gtt->base.pages + at, count);
#endif
	return 0;
}

static struct page *piece_alloc(struct device *dev, unsigned int order, bool patient,
				dma_addr_t *dma)
{
	gfp_t gfp = PAGES_GFP;
	struct page *page;
	void *cpu;

	if (order)
		gfp |= __GFP_NORETRY | __GFP_NOMEMALLOC;
	else if (!patient)
		gfp |= __GFP_RETRY_MAYFAIL;
	cpu = dma_alloc_attrs(dev, PAGE_SIZE << order, dma, gfp, PAGES_ATTRS);
	if (!cpu)
		return NULL;
	page = is_vmalloc_addr(cpu) ? vmalloc_to_page(cpu) : virt_to_page(cpu);
	set_page_private(page, (unsigned long)cpu | order);
	return page;
}

static void piece_release(struct device *dev, struct page *page, dma_addr_t dma)
{
	unsigned long piece = page_private(page);

	set_page_private(page, 0);
	dma_free_attrs(dev, PAGE_SIZE << (piece & ~PAGE_MASK), (void *)(piece & PAGE_MASK), dma,
		       PAGES_ATTRS);
}

/* From here on they are the object's. */
static void piece_put_in(struct gaon_tt *gtt, u32 at, u32 count, struct page *page, dma_addr_t dma)
{
	u32 i;

	for (i = 0; i < count; i++) {
		gtt->base.pages[at + i] = page + i;
		gtt->base.dma_address[at + i] = dma + ((u64)i << PAGE_SHIFT);
	}
	gtt->present += count;
	gaon_shrink_count(gtt, count);
}

static void piece_free(struct gaon_tt *gtt, u32 at)
{
	struct page *page = gtt->base.pages[at];
	u32 count = piece_pages(gtt, at);

	memset(&gtt->base.pages[at], 0, count * sizeof(*gtt->base.pages));
	piece_release(tt_gdev(gtt)->drm.dev, page, gtt->base.dma_address[at]);
	gtt->present -= count;
	gaon_shrink_count(gtt, -(long)count);
}

static void pieces_free(struct gaon_tt *gtt)
{
	u32 at, step;

	for (at = 0; at < gtt->base.num_pages && gtt->present; at += step) {
		step = 1;
		if (page_is_there(gtt->base.pages[at])) {
			step = piece_pages(gtt, at);
			piece_free(gtt, at);
		}
	}
}

/* --- the file ------------------------------------------------------------------------------- */

static void file_drop(struct gaon_tt *gtt, u32 at, u32 count)
{
	shmem_truncate_range(file_inode(gtt->file), (loff_t)at << PAGE_SHIFT,
			     ((loff_t)(at + count) << PAGE_SHIFT) - 1);
}

/* A page of the file, to be put; an ERR_PTR. */
static struct page *file_page(struct gaon_tt *gtt, u32 at, gfp_t gfp)
{
	return shmem_read_mapping_page_gfp(gtt->file->f_mapping, at, gfp);
}

static bool page_is_zero(struct page *page)
{
	void *cpu = kmap_local_page(page);
	bool zero = !memchr_inv(cpu, 0, PAGE_SIZE);

	kunmap_local(cpu);
	return zero;
}

static int page_store(struct gaon_tt *gtt, u32 at, gfp_t gfp)
{
	struct page *to = file_page(gtt, at, gfp);

	if (IS_ERR(to))
		return PTR_ERR(to);
	copy_highpage(to, gtt->base.pages[at]);
	set_page_dirty(to);
	put_page(to);
	return 0;
}

/* To the file, and away. If that fails it stays. */
static int piece_store(struct gaon_tt *gtt, u32 at)
{
	gfp_t gfp = PAGES_GFP_STORE;
	DECLARE_BITMAP(stored, 1u << PAGES_ORDER_MAX);
	u32 count = piece_pages(gtt, at), i;
	int err = 0;

	if (count > 1)
		gfp |= __GFP_NOMEMALLOC;
	bitmap_zero(stored, count);
	for (i = 0; i < count && !err; i++) {
		if (page_is_zero(gtt->base.pages[at + i]))
			continue;
		err = page_store(gtt, at + i, gfp);
		if (!err)
			__set_bit(i, stored);
	}
	if (!err)
		err = pages_set_caching(gtt, at, count, false);
	if (err) {
		file_drop(gtt, at, count);
		return err;
	}
	piece_free(gtt, at);
	for_each_set_bit(i, stored, count)
		gtt->base.pages[at + i] = PAGES_STORED;
	return 0;
}

/**
 * gaon_pages_store() - take pages away, but not what they hold
 * @gtt: parked, with the object's reservation held
 * @most: about so many, but a piece at least
 *
 * In the path of reclaim: what it allocates does not enter that again.
 *
 * Return: how many were freed. 0: there is no memory for the copy, or none was there.
 */
u32 gaon_pages_store(struct gaon_tt *gtt, u32 most)
{
	struct mem_cgroup *old = set_active_memcg(gtt->memcg);
	u32 had = gtt->present, at, step;

	for (at = 0; at < gtt->base.num_pages && gtt->present && had - gtt->present < most;
	     at += step) {
		step = 1;
		if (!page_is_there(gtt->base.pages[at]))
			continue;
		step = piece_pages(gtt, at);
		if (piece_store(gtt, at))
			break;
	}
	set_active_memcg(old);
	return had - gtt->present;
}

/* What cannot be read is lost; the object is never seen again. */
static void file_lost(struct gaon_tt *gtt, int err)
{
	struct gaon_bo *bo = gtt->bo;

	if (!bo->lost)
		drm_err(bo->ttm.base.dev, "an object of %zu KiB (\"%s\") is lost: it could not be read back from swap (error %d)\n",
			bo->ttm.base.size >> 10, bo->name, err);
	WRITE_ONCE(bo->lost, true);
}

/* What a gap held, to the pages that come there. */
static int piece_load(struct gaon_tt *gtt, u32 at, u32 count, struct page *page, bool patient)
{
	gfp_t gfp = patient ? PAGES_GFP_LOAD : PAGES_GFP_LOAD | __GFP_RETRY_MAYFAIL;
	u32 i;

	for (i = 0; i < count; i++) {
		struct page *from;

		if (gtt->base.pages[at + i] != PAGES_STORED)
			continue;
		from = file_page(gtt, at + i, gfp);
		if (from == ERR_PTR(-ENOMEM) || from == ERR_PTR(-EINTR))
			return PTR_ERR(from);
		if (IS_ERR(from)) {
			file_lost(gtt, PTR_ERR(from));
			continue;
		}
		copy_highpage(page + i, from);
		put_page(from);
	}
	return 0;
}

/* --- all of an object ----------------------------------------------------------------------- */

/* Of what was parked: what came back is the object's again, whatever happens to the rest. */
static int piece_restore(struct gaon_tt *gtt, u32 at, u32 count, struct page *page, dma_addr_t dma,
			 bool patient)
{
	int err = piece_load(gtt, at, count, page, patient);
	u32 i;

	if (err) {
		piece_release(tt_gdev(gtt)->drm.dev, page, dma);
		return err;
	}
	piece_put_in(gtt, at, count, page, dma);
	err = pages_set_caching(gtt, at, count, true);
	if (err) {
		/* Nothing of it was dropped. Where the file has no page, zeros are read. */
		piece_free(gtt, at);
		for (i = 0; i < count; i++)
			gtt->base.pages[at + i] = PAGES_STORED;
		return err;
	}
	file_drop(gtt, at, count);
	return 0;
}

/* Fills the gaps, in pieces as large as there are. */
static int pages_fill(struct gaon_tt *gtt, bool patient)
{
	unsigned int most = PAGES_ORDER_MAX, order;
	struct device *dev = tt_gdev(gtt)->drm.dev;
	struct page *page;
	dma_addr_t dma;
	int err = 0;
	u32 at = 0;

	while (at < gtt->base.num_pages && !err) {
		if (page_is_there(gtt->base.pages[at])) {
			at += piece_pages(gtt, at);
			continue;
		}
		order = min_t(unsigned int, most, ilog2(gap_pages(gtt, at)));
		page = piece_alloc(dev, order, patient, &dma);
		if (page && gtt->parked) {
			err = piece_restore(gtt, at, 1u << order, page, dma, patient);
			at += 1u << order;
		} else if (page) {
			piece_put_in(gtt, at, 1u << order, page, dma);
			at += 1u << order;
		} else if (order) {
			most = order - 1;
		} else {
			err = -ENOMEM;
		}
	}
	return err;
}

static int pages_alloc(struct gaon_tt *gtt, bool patient)
{
	u32 missing = gtt->base.num_pages - gtt->present;
	struct mem_cgroup *old;
	int err;

	if (!gtt->memcg)
		gtt->memcg = get_mem_cgroup_from_mm(NULL);
	old = set_active_memcg(gtt->memcg);
	err = pages_fill(gtt, patient);
	if (!err && !gtt->parked)
		err = pages_set_caching(gtt, 0, gtt->base.num_pages, true);
	set_active_memcg(old);
	if (gtt->parked)
		gaon_shrink_came_back(gtt, missing - (gtt->base.num_pages - gtt->present), !err);
	if (!err) {
		gtt->parked = false;
	} else if (!gtt->parked) {
		pieces_free(gtt);
		mem_cgroup_put(gtt->memcg);
		gtt->memcg = NULL;
	}
	return err;
}

/* Before they are freed. In runs of those that are there: what is parked has gaps. */
static void pages_reset_caching(struct gaon_tt *gtt)
{
	u32 at, run;

	if (gtt->base.caching != ttm_write_combined)
		return;
	for (at = 0; at < gtt->base.num_pages; at += run + 1) {
		for (run = 0; at + run < gtt->base.num_pages; run++) {
			if (!page_is_there(gtt->base.pages[at + run]))
				break;
		}
		if (run)
			pages_set_caching(gtt, at, run, false);
	}
}

/** gaon_pages_free() - free pages, and what they held; with the object's reservation held */
void gaon_pages_free(struct gaon_tt *gtt)
{
	pages_reset_caching(gtt);
	pieces_free(gtt);
	if (gtt->parked) {
		memset(gtt->base.pages, 0, gtt->base.num_pages * sizeof(*gtt->base.pages));
		file_drop(gtt, 0, gtt->base.num_pages);
	}
	gtt->parked = false;
	mem_cgroup_put(gtt->memcg);
	gtt->memcg = NULL;
}

/* --- TTM ------------------------------------------------------------------------------------ */

/** gaon_tt_create() - TTM's ttm_tt_create */
struct ttm_tt *gaon_tt_create(struct ttm_buffer_object *ttm, u32 page_flags)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);
	struct gaon_tt *gtt = kzalloc_obj(*gtt);

	if (!gtt)
		return NULL;
	gtt->bo = bo;
	INIT_LIST_HEAD(&gtt->node);
	if (ttm_sg_tt_init(&gtt->base, ttm, page_flags,
			   bo->flags & DRM_GAON_BO_WC ? ttm_write_combined : ttm_cached)) {
		kfree(gtt);
		return NULL;
	}
	if (bo->kernel || page_flags & TTM_TT_FLAG_EXTERNAL)
		return &gtt->base;
	/* Now: when it is needed there is no memory. */
	gtt->file = gaon_compat_shmem_file("gaon object", ttm->base.size);
	if (IS_ERR(gtt->file)) {
		ttm_tt_fini(&gtt->base);
		kfree(gtt);
		return NULL;
	}
	return &gtt->base;
}

/**
 * gaon_tt_populate() - TTM's ttm_tt_populate: all pages, zeroed, or with what was taken away
 * @bdev: the device
 * @tt: of an object whose reservation is held
 * @ctx: whether memory may be had at somebody else's cost
 *
 * Sleeps.
 *
 * Return: 0, -ENOMEM, -ENODEV.
 */
int gaon_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt, struct ttm_operation_ctx *ctx)
{
	struct gaon_tt *gtt = to_gaon_tt(tt);
	int err, idx;

	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return drm_prime_sg_to_dma_addr_array(tt->sg, tt->dma_address, tt->num_pages);
	/* A debugger, say, that reads a mapping may come here when the driver has left the card. */
	if (!drm_dev_enter(&tt_gdev(gtt)->drm, &idx))
		return -ENODEV;
	err = pages_alloc(gtt, !ctx->gfp_retry_mayfail);
	drm_dev_exit(idx);
	return err;
}

/** gaon_tt_unpopulate() - TTM's ttm_tt_unpopulate; what is parked stays */
void gaon_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt)
{
	struct gaon_tt *gtt = to_gaon_tt(tt);

	if (!(tt->page_flags & TTM_TT_FLAG_EXTERNAL) && !gtt->parked)
		gaon_pages_free(gtt);
}

/** gaon_tt_destroy() - TTM's ttm_tt_destroy */
void gaon_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	struct gaon_tt *gtt = to_gaon_tt(tt);

	if (gtt->parked)
		gaon_pages_free(gtt);
	if (gtt->file)
		fput(gtt->file);
	ttm_tt_fini(tt);
	kfree(gtt);
}
