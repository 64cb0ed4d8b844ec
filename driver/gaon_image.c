// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * HBM in memory of the host, for as long as the machine sleeps: of each object that is on the card
 * the pages that are not zero, in a file of the kernel's that can be swapped out. Nothing moves:
 * the bytes come back to where they were, so that no mapping changes.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_migrate.h"
#include "gaon_power.h"
#include "gaon_ttm.h"

#define IMAGE_STEP	SZ_1M	/* is copied at a time */
/* A part of the host's memory that is left to others, who would be killed for lack of it. */
#define IMAGE_LEAVE	32
#define IMAGE_GFP	(GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/** struct image_object - what an object has on the card */
struct image_object {
	/** @node: in the image. */
	struct list_head node;
	/** @bo: the object, with a reference. */
	struct gaon_bo *bo;
	/** @file: its pages that are not zero. */
	struct file *file;
	/** @pages: which those are. */
	unsigned long *pages;
};

/** struct gaon_image - of HBM */
struct gaon_image {
	/** @objects: &struct image_object. */
	struct list_head objects;
	/** @step: what device and processor hand over; DMA-coherent. */
	void *step;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @saved: pages. */
	u64 saved;
};

static struct page *image_page(struct image_object *object, pgoff_t page)
{
	return shmem_read_mapping_page_gfp(object->file->f_mapping, page, IMAGE_GFP);
}

/* --- saving --------------------------------------------------------------------------------- */

static bool image_has_room(u64 bytes)
{
	long left = si_mem_available() + get_nr_swap_pages();

	return left > (long)(PFN_UP(bytes) + totalram_pages() / IMAGE_LEAVE);
}

static int image_store(struct gaon_image *image, struct image_object *object, u64 at, u64 bytes)
{
	u64 done;

	for (done = 0; done < bytes; done += PAGE_SIZE) {
		struct page *page;

		if (!memchr_inv(image->step + done, 0, PAGE_SIZE))
			continue;
		page = image_page(object, PFN_DOWN(at + done));
		if (IS_ERR(page))
			return PTR_ERR(page);
		memcpy_to_page(page, 0, image->step + done, PAGE_SIZE);
		set_page_dirty(page);
		put_page(page);
		__set_bit(PFN_DOWN(at + done), object->pages);
		image->saved++;
	}
	return 0;
}

static int image_save_object(struct gaon_device *gdev, struct gaon_image *image,
			     struct image_object *object)
{
	struct ttm_resource *hbm = object->bo->ttm.resource;
	void *where = NULL;
	u64 skip = 0, at, bytes;
	int err = 0;

	for (at = 0; at < hbm->size && !err; at += bytes) {
		u64 offset = gaon_hbm_piece(hbm, at, &where, &skip, &bytes);

		bytes = min3(bytes, hbm->size - at, (u64)IMAGE_STEP);
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (!image_has_room(bytes))
			err = -ENOMEM;
		else
			err = gaon_migrate_step(gdev, offset, image->dma, bytes, false);
		if (!err)
			err = image_store(image, object, at, bytes);
		cond_resched();
	}
	return err;
}

static int image_add(struct gaon_image *image, struct gaon_bo *bo)
{
	struct image_object *object = kzalloc_obj(*object);
	u64 bytes = bo->ttm.resource->size;
	int err;

	if (!object)
		return -ENOMEM;
	gaon_ttm_bo_get(bo);
	object->bo = bo;
	list_add_tail(&object->node, &image->objects);
	object->pages = kvcalloc(BITS_TO_LONGS(PFN_UP(bytes)), sizeof(long), GFP_KERNEL);
	if (!object->pages)
		return -ENOMEM;
	object->file = gaon_compat_shmem_file("gaon-hbm", bytes);
	err = PTR_ERR_OR_ZERO(object->file);
	if (err)
		object->file = NULL;
	return err;
}

/* With what is added the reservation is held only while it is copied: nobody moves it. */
static int image_save_all(struct gaon_device *gdev, struct gaon_image *image)
{
	struct gaon_bo *bo, *next;
	int err = 0;

	for (bo = gaon_ttm_bo_next(gdev, NULL); bo; bo = next) {
		dma_resv_lock(bo->ttm.base.resv, NULL);
		if (!err && gaon_bo_is_hbm(bo)) {
			err = image_add(image, bo);
			if (!err)
				err = image_save_object(gdev, image,
							list_last_entry(&image->objects,
									struct image_object,
									node));
		}
		dma_resv_unlock(bo->ttm.base.resv);
		next = gaon_ttm_bo_next(gdev, bo);
		gaon_ttm_bo_put(bo);
	}
	return err;
}

/**
 * gaon_image_save() - copy what is in HBM to memory that can be swapped out
 * @gdev: the device, running; nobody works with HBM
 *
 * Sleeps. Nobody is killed for lack of memory: it fails before.
 *
 * Return: the image, or -ENOMEM, -EINTR, -EIO.
 */
struct gaon_image *gaon_image_save(struct gaon_device *gdev)
{
	struct gaon_image *image = kzalloc_obj(*image);
	u64 used, visible;
	int err;

	if (!image)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&image->objects);
	image->step = dma_alloc_coherent(gdev->drm.dev, IMAGE_STEP, &image->dma, GFP_KERNEL);
	err = image->step ? image_save_all(gdev, image) : -ENOMEM;
	if (!err) {
		drm_dbg(&gdev->drm, "%llu KiB of HBM are saved\n", image->saved << 2);
		return image;
	}
	gaon_hbm_usage(gdev, &used, &visible);
	if (err == -ENOMEM)
		drm_err(&gdev->drm, "no memory to save HBM for the machine's sleep: %llu MiB are in use, of which %llu MiB were saved, and %llu MiB of memory and swap are left, some of which others need: end processes that use the card, or add swap\n",
			used >> 20, image->saved >> 8,
			(u64)(si_mem_available() + get_nr_swap_pages()) >> 8);
	gaon_image_free(gdev, image);
	return ERR_PTR(err);
}

/* --- putting it back ------------------------------------------------------------------------ */

static int image_fetch(struct gaon_image *image, struct image_object *object, u64 at, u64 bytes)
{
	u64 done;

	memset(image->step, 0, bytes);
	for (done = 0; done < bytes; done += PAGE_SIZE) {
		struct page *page;

		if (!test_bit(PFN_DOWN(at + done), object->pages))
			continue;
		page = image_page(object, PFN_DOWN(at + done));
		if (IS_ERR(page))
			return PTR_ERR(page);
		memcpy_from_page(image->step + done, page, 0, PAGE_SIZE);
		put_page(page);
	}
	return 0;
}

static int image_load_object(struct gaon_device *gdev, struct gaon_image *image,
			     struct image_object *object)
{
	struct ttm_resource *hbm = object->bo->ttm.resource;
	void *where = NULL;
	u64 skip = 0, at, bytes;
	int err = 0;

	for (at = 0; at < hbm->size && !err; at += bytes) {
		u64 offset = gaon_hbm_piece(hbm, at, &where, &skip, &bytes);
		u64 end;

		bytes = min3(bytes, hbm->size - at, (u64)IMAGE_STEP);
		end = PFN_DOWN(at + bytes);
		/* The rest reads 0 since the chip was reset. */
		if (find_next_bit(object->pages, end, PFN_DOWN(at)) >= end)
			continue;
		err = image_fetch(image, object, at, bytes);
		if (!err)
			err = gaon_migrate_step(gdev, offset, image->dma, bytes, true);
		cond_resched();
	}
	return err;
}

/**
 * gaon_image_load() - put it back
 * @gdev: the device, running, and reset since gaon_image_save()
 * @image: of that
 *
 * Return: 0, -ENOMEM, -EIO.
 */
int gaon_image_load(struct gaon_device *gdev, struct gaon_image *image)
{
	struct image_object *object;
	int err = 0;

	list_for_each_entry(object, &image->objects, node) {
		struct dma_resv *resv = object->bo->ttm.base.resv;

		dma_resv_lock(resv, NULL);
		/* Else somebody has moved it since. */
		if (gaon_bo_is_hbm(object->bo))
			err = image_load_object(gdev, image, object);
		dma_resv_unlock(resv);
		if (err)
			break;
	}
	return err;
}

/** gaon_image_free() - of any image, or NULL */
void gaon_image_free(struct gaon_device *gdev, struct gaon_image *image)
{
	struct image_object *object, *next;

	if (!image)
		return;
	list_for_each_entry_safe(object, next, &image->objects, node) {
		if (object->file)
			fput(object->file);
		kvfree(object->pages);
		gaon_ttm_bo_put(object->bo);
		kfree(object);
	}
	if (image->step)
		dma_free_coherent(gdev->drm.dev, IMAGE_STEP, image->step, image->dma);
	kfree(image);
}
