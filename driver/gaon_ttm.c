// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * TTM: where objects are, and how they move. All calls of TTM are here, in gaon_hbm.c and in
 * gaon_pages.c.
 *
 * Host memory that the device reaches is GAON_PL_HOST. What is in GAON_PL_SYSTEM was taken from the
 * device (to be swapped out by TTM, say), what is nowhere was parked (gaon_shrink.c); both come
 * back by validation.
 *
 * Moves are done by the device and waited for: when one returns, the old place is free.
 */
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <drm/drm_managed.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_tt.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_migrate.h"
#include "gaon_pages.h"
#include "gaon_prime.h"
#include "gaon_shrink.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

/** struct gaon_ttm - TTM's device */
struct gaon_ttm {
	/** @bdev: TTM's part. */
	struct ttm_device bdev;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @host: manager of GAON_PL_HOST, which only counts. */
	struct ttm_resource_manager host;
	/** @lock: protects @objects. Innermost. */
	spinlock_t lock;
	/** @objects: all that there are, by struct gaon_bo.node. */
	struct list_head objects;
};

static struct gaon_ttm *to_gaon_ttm(struct ttm_device *bdev)
{
	return container_of(bdev, struct gaon_ttm, bdev);
}

static struct gaon_device *to_gdev(struct ttm_device *bdev)
{
	return to_gaon_ttm(bdev)->gdev;
}

/* --- host memory ---------------------------------------------------------------------------- */

static int host_alloc(struct ttm_resource_manager *man, struct ttm_buffer_object *bo,
		      const struct ttm_place *place, struct ttm_resource **res)
{
	*res = kzalloc_obj(**res);
	if (!*res)
		return -ENOMEM;
	ttm_resource_init(bo, place, *res);
	(*res)->start = 0;
	return 0;
}

static void host_free(struct ttm_resource_manager *man, struct ttm_resource *res)
{
	ttm_resource_fini(man, res);
	kfree(res);
}

static const struct ttm_resource_manager_func host_func = {
	.alloc = host_alloc,
	.free = host_free,
};

/* --- moving --------------------------------------------------------------------------------- */

static const struct ttm_place host_place = { .mem_type = GAON_PL_HOST };
static const struct ttm_place system_place = { .mem_type = GAON_PL_SYSTEM };

static void evict_flags(struct ttm_buffer_object *ttm, struct ttm_placement *placement)
{
	static const struct ttm_placement host = { .num_placement = 1, .placement = &host_place };
	static const struct ttm_placement system = {
		.num_placement = 1, .placement = &system_place,
	};
	static const struct ttm_placement nowhere = {};

	if (drm_dev_is_unplugged(ttm->base.dev) || ttm->type == ttm_bo_type_sg)
		*placement = nowhere;
	else if (ttm->resource && ttm->resource->mem_type == GAON_PL_HBM)
		*placement = host;
	else
		*placement = system;
}

static bool eviction_valuable(struct ttm_buffer_object *ttm, const struct ttm_place *place)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);

	if (!ttm_bo_eviction_valuable(ttm, place) ||
	    (atomic_read(&bo->lr_maps) && !gaon_room_takes(to_gdev(ttm->bdev), bo)))
		return false;
	/* What can be read of it stays readable where it is. */
	return ttm->resource->mem_type != GAON_PL_HBM ||
	       !gaon_hbm_is_poisoned(to_gdev(ttm->bdev), ttm->resource);
}

/* No job uses it any more and no VM maps it. */
static int move_release(struct ttm_buffer_object *ttm, struct ttm_operation_ctx *ctx, bool evict)
{
	long left;

	if (ctx->no_wait_gpu) {
		if (!dma_resv_test_signaled(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP))
			return -EBUSY;
	} else {
		left = dma_resv_wait_timeout(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP,
					     ctx->interruptible, MAX_SCHEDULE_TIMEOUT);
		if (left < 0)
			return left;
	}
	gaon_vm_evict_bo(ttm_to_gaon_bo(ttm), evict);
	return 0;
}

/* Out to make room, or in; or for another device, which keeps it where it is. */
static void move_note(struct gaon_bo *bo, bool was_hbm, bool evict)
{
	struct gaon_rooms *rooms = &to_gaon_device(bo->ttm.base.dev)->rooms;

	bo->away = was_hbm && evict;
	if (bo->away && atomic_read(&bo->lr_maps))
		atomic64_add(bo->ttm.base.size, &rooms->moved);
}

/* Into HBM that was just allocated. */
static int move_clear(struct gaon_device *gdev, struct ttm_buffer_object *ttm,
		      struct ttm_resource *mem)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);

	if ((bo->kernel && !(bo->flags & DRM_GAON_BO_CPU)) || gaon_hbm_is_cleared(mem))
		return 0;
	return gaon_migrate_clear(gdev, mem);
}

/* Out of HBM, with what can be read of it. */
static int move_out(struct gaon_device *gdev, struct ttm_buffer_object *ttm)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);
	int lost = gaon_migrate_copy(gdev, ttm->resource, ttm->ttm, false);

	if (lost <= 0)
		return lost;
	drm_err(&gdev->drm, "an object of %zu KiB (\"%s\") is lost: %d pages of it had uncorrectable errors when it was moved to host memory\n",
		bo->ttm.base.size >> 10, bo->name, lost);
	WRITE_ONCE(bo->lost, true);
	return 0;
}

static int move(struct ttm_buffer_object *ttm, bool evict, struct ttm_operation_ctx *ctx,
		struct ttm_resource *mem, struct ttm_place *hop)
{
	struct gaon_device *gdev = to_gdev(ttm->bdev);
	struct ttm_resource *old = ttm->resource;
	bool to_hbm = mem->mem_type == GAON_PL_HBM;
	bool was_hbm = old && old->mem_type == GAON_PL_HBM;
	int err = 0;

	/* Only from host memory it can be copied. */
	if (!old && to_hbm && gaon_tt_is_parked(ttm->ttm)) {
		*hop = host_place;
		return -EMULTIHOP;
	}
	if (!old || (old->mem_type == GAON_PL_SYSTEM && !ttm->ttm)) {
		if (to_hbm)
			err = move_clear(gdev, ttm, mem);
		goto done;
	}
	/* TTM asks nobody when it swaps out what LR VMs map. */
	if (mem->mem_type == GAON_PL_SYSTEM && atomic_read(&ttm_to_gaon_bo(ttm)->lr_maps))
		return -EBUSY;
	gaon_prime_move(ttm_to_gaon_bo(ttm));
	/* Only what the device reaches can be copied. */
	if ((was_hbm && mem->mem_type == GAON_PL_SYSTEM) ||
	    (to_hbm && old->mem_type == GAON_PL_SYSTEM)) {
		*hop = host_place;
		return -EMULTIHOP;
	}
	if (old->mem_type != GAON_PL_SYSTEM)
		err = move_release(ttm, ctx, was_hbm && evict);
	if (!err && was_hbm && !to_hbm)
		err = move_out(gdev, ttm);
	else if (!err && to_hbm && !was_hbm)
		err = gaon_migrate_copy(gdev, mem, ttm->ttm, true);
	else if (!err && to_hbm && was_hbm)
		err = -ENOSPC;	/* to another part of HBM: not worth it, evict instead */
done:
	if (err)
		return err;
	if (to_hbm != was_hbm)
		move_note(ttm_to_gaon_bo(ttm), was_hbm, evict);
	/* The host pages are given back, too, of what has left them. */
	if (to_hbm && old && old->mem_type == GAON_PL_HOST)
		ttm_bo_move_sync_cleanup(ttm, mem);
	else
		ttm_bo_move_null(ttm, mem);
	return 0;
}

/* --- the CPU's view ------------------------------------------------------------------------- */

static unsigned long io_mem_pfn(struct ttm_buffer_object *ttm, unsigned long page)
{
	struct gaon_device *gdev = to_gdev(ttm->bdev);
	void *where = NULL;
	u64 skip = 0, left;

	return PFN_DOWN(gdev->aperture_base +
			gaon_hbm_piece(ttm->resource, PFN_PHYS((u64)page), &where, &skip, &left));
}

static int io_mem_reserve(struct ttm_device *bdev, struct ttm_resource *mem)
{
	struct gaon_device *gdev = to_gdev(bdev);

	if (mem->mem_type != GAON_PL_HBM)
		return 0;
	if (!gaon_hbm_is_visible(mem))
		return -EINVAL;
	mem->bus.offset = gdev->aperture_base;
	mem->bus.is_iomem = true;
	mem->bus.caching = ttm_write_combined;
	return 0;
}

/* A debugger's look at HBM, with the reservation held; TTM sees to host memory itself. */
static int access_memory(struct ttm_buffer_object *ttm, unsigned long offset, void *buf, int len,
			 int write)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);
	int done = 0, bytes, err;

	if (bo->lost)
		return -EIO;
	for (; done < len; done += bytes) {
		bytes = min_t(int, len - done, PAGE_SIZE - offset_in_page(offset + done));
		err = gaon_bo_access_hbm(bo, offset + done, buf + done, bytes, write);
		if (err)
			return done ?: err;
	}
	return done;
}

static struct ttm_device_funcs ttm_funcs = {
	.ttm_tt_create = gaon_tt_create,
	.ttm_tt_populate = gaon_tt_populate,
	.ttm_tt_unpopulate = gaon_tt_unpopulate,
	.ttm_tt_destroy = gaon_tt_destroy,
	.evict_flags = evict_flags,
	.eviction_valuable = eviction_valuable,
	.move = move,
	.io_mem_reserve = io_mem_reserve,
	.io_mem_pfn = io_mem_pfn,
	.access_memory = access_memory,
};

/* --- objects -------------------------------------------------------------------------------- */

/* Places in the order in which they are tried. */
static unsigned int bo_places(struct gaon_device *gdev, const struct gaon_bo *bo,
			      struct ttm_place places[2])
{
	unsigned int count = 0;

	memset(places, 0, 2 * sizeof(*places));
	if (bo->flags & DRM_GAON_BO_HBM) {
		places[count].mem_type = GAON_PL_HBM;
		if (bo->flags & DRM_GAON_BO_CONTIGUOUS)
			places[count].flags |= TTM_PL_FLAG_CONTIGUOUS;
		if (bo->flags & DRM_GAON_BO_CPU && gdev->aperture_bytes < gdev->identify.hbm_bytes)
			places[count].lpfn = PFN_DOWN(gdev->aperture_bytes);
		count++;
	}
	if (bo->flags & DRM_GAON_BO_HOST)
		places[count++].mem_type = GAON_PL_HOST;
	return count;
}

/* From here on the device's removal finds it; its reference count is 0 until it is ready. */
static void bo_prepare(struct gaon_device *gdev, struct gaon_bo *bo, u64 bytes)
{
	struct gaon_ttm *ttm = to_gaon_ttm(gdev->ttm);

	mutex_init(&bo->gpuva_lock);
	drm_gem_private_object_init(&gdev->drm, &bo->ttm.base, bytes);
	gaon_compat_gpuva_init(bo);
	/* A file that others have of it, or a mapping of that, may be all that is left. */
	gaon_power_keep(gdev);
	spin_lock(&ttm->lock);
	list_add_tail(&bo->node, &ttm->objects);
	spin_unlock(&ttm->lock);
}

static void bo_destroy(struct ttm_buffer_object *ttm)
{
	struct gaon_bo *bo = ttm_to_gaon_bo(ttm);
	struct gaon_ttm *gttm = to_gaon_ttm(ttm->bdev);

	spin_lock(&gttm->lock);
	list_del(&bo->node);
	spin_unlock(&gttm->lock);
	if (drm_gem_is_imported(&ttm->base))
		gaon_prime_release(bo);
	drm_gem_object_release(&ttm->base);
	if (bo->vm_root)
		drm_gem_object_put(bo->vm_root);
	gaon_uncharge(&bo->charge);
	mutex_destroy(&bo->gpuva_lock);
	kfree(bo);
	gaon_power_put(gttm->gdev);
}

/**
 * gaon_ttm_bo_init() - allocate an object's memory
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @bo: zeroed but for flags, kernel, vm_root and the GEM functions; freed if this fails
 * @bytes: a multiple of pages
 * @resv: reservation that it shares, held by the caller; NULL: its own, held on success
 *
 * May evict other objects and wait for the device, interruptibly.
 *
 * Return: 0, -ENOMEM, -E2BIG, -ERESTARTSYS, -EIO.
 */
int gaon_ttm_bo_init(struct gaon_device *gdev, struct gaon_bo *bo, u64 bytes,
		     struct dma_resv *resv)
{
	struct ttm_operation_ctx ctx = {
		.interruptible = !bo->kernel, .gfp_retry_mayfail = true,
	};
	struct ttm_place places[2];
	struct ttm_placement placement = {
		.placement = places,
		.num_placement = bo_places(gdev, bo, places),
	};

	bo_prepare(gdev, bo, bytes);
	return ttm_bo_init_reserved(gdev->ttm, &bo->ttm,
				    bo->kernel ? ttm_bo_type_kernel : ttm_bo_type_device,
				    &placement, 1, &ctx, NULL, resv, bo_destroy);
}

/**
 * gaon_ttm_bo_import() - make an object of memory that another device exports
 * @gdev: the device
 * @bo: zeroed but for flags and the GEM functions; freed if this fails
 * @bytes: a multiple of pages
 * @resv: of the dma-buf, held by the caller
 * @sgt: its memory, mapped for the device
 *
 * Return: 0 or -ENOMEM.
 */
int gaon_ttm_bo_import(struct gaon_device *gdev, struct gaon_bo *bo, u64 bytes,
		       struct dma_resv *resv, struct sg_table *sgt)
{
	struct ttm_placement placement = { .placement = &host_place, .num_placement = 1 };
	struct ttm_operation_ctx ctx = {};

	bo_prepare(gdev, bo, bytes);
	return ttm_bo_init_reserved(gdev->ttm, &bo->ttm, ttm_bo_type_sg, &placement, 1, &ctx, sgt,
				    resv, bo_destroy);
}

/**
 * gaon_ttm_bo_unmap_import() - unmap what was imported, if it is not yet, for DMA
 * @bo: imported; with its reservation held, and no VM maps it, or the device is gone
 */
void gaon_ttm_bo_unmap_import(struct gaon_bo *bo)
{
	struct sg_table *sgt = bo->ttm.sg;

	dma_resv_assert_held(bo->ttm.base.resv);
	bo->ttm.sg = NULL;
	if (bo->ttm.ttm)
		bo->ttm.ttm->sg = NULL;
	if (sgt)
		dma_buf_unmap_attachment(bo->ttm.base.import_attach, sgt, DMA_BIDIRECTIONAL);
}

/** gaon_ttm_bo_free() - the last reference of the GEM object is gone */
void gaon_ttm_bo_free(struct gaon_bo *bo)
{
	gaon_compat_ttm_bo_fini(&bo->ttm);
}

/**
 * gaon_ttm_bo_validate() - bring an object to where its flags want it
 * @bo: with its reservation held
 *
 * What may be in host memory as well comes back to HBM if there is room, and takes nobody else's.
 *
 * Return: 0, -ENOMEM, -ERESTARTSYS, -EIO.
 */
int gaon_ttm_bo_validate(struct gaon_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true, .gfp_retry_mayfail = true };
	struct ttm_place places[2];
	struct ttm_placement placement = {
		.placement = places,
		.num_placement = bo_places(to_gaon_device(bo->ttm.base.dev), bo, places),
	};

	dma_resv_assert_held(bo->ttm.base.resv);
	if (placement.num_placement > 1) {
		places[0].flags |= TTM_PL_FLAG_DESIRED;
		places[1].flags |= TTM_PL_FLAG_FALLBACK;
	}
	/* What LR VMs map stays where another device wanted it. */
	if (bo->ttm.pin_count || bo->ttm.type == ttm_bo_type_sg ||
	    (atomic_read(&bo->lr_maps) && !bo->away))
		return gaon_ttm_bo_unpark(bo, true);
	return ttm_bo_validate(&bo->ttm, &placement, &ctx);
}

/**
 * gaon_ttm_bo_unplace() - nothing of the CPU's maps it, and it has no place
 * @bo: in host memory, idle, mapped by no VM, with its reservation held
 *
 * In the path of reclaim.
 *
 * Return: 0, or an error of TTM.
 */
int gaon_ttm_bo_unplace(struct gaon_bo *bo)
{
	struct ttm_operation_ctx ctx = { .no_wait_gpu = true };
	struct ttm_placement nowhere = {};

	ttm_bo_unmap_virtual(&bo->ttm);
	return ttm_bo_validate(&bo->ttm, &nowhere, &ctx);
}

/**
 * gaon_ttm_bo_unpark() - bring an object back to host memory, if it was parked
 * @bo: with its reservation held
 * @spare: rather fail than have somebody killed for its memory
 *
 * Return: 0, -ENOMEM, -ERESTARTSYS, -ENODEV.
 */
int gaon_ttm_bo_unpark(struct gaon_bo *bo, bool spare)
{
	struct ttm_placement placement = { .placement = &host_place, .num_placement = 1 };
	struct ttm_operation_ctx ctx = { .interruptible = true, .gfp_retry_mayfail = spare };

	dma_resv_assert_held(bo->ttm.base.resv);
	return gaon_tt_is_parked(bo->ttm.ttm) ? ttm_bo_validate(&bo->ttm, &placement, &ctx) : 0;
}

/** gaon_ttm_bo_pin() - validate, and keep where it is; with the reservation held */
int gaon_ttm_bo_pin(struct gaon_bo *bo)
{
	int err = gaon_ttm_bo_validate(bo);

	if (!err)
		ttm_bo_pin(&bo->ttm);
	return err;
}

/**
 * gaon_ttm_bo_to_host() - move to host memory
 * @bo: with its reservation held
 *
 * Return: 0, -EBUSY: it is pinned elsewhere; -EHWPOISON: not all of it could be read; -ENOMEM,
 * -ERESTARTSYS, -EIO, -ENODEV.
 */
int gaon_ttm_bo_to_host(struct gaon_bo *bo)
{
	struct ttm_placement placement = { .placement = &host_place, .num_placement = 1 };
	struct ttm_operation_ctx ctx = { .interruptible = true, .gfp_retry_mayfail = true };
	int err, idx;

	dma_resv_assert_held(bo->ttm.base.resv);
	/* Other devices come here whenever they like. */
	if (!drm_dev_enter(bo->ttm.base.dev, &idx))
		return -ENODEV;
	if (bo->ttm.pin_count)
		err = bo->ttm.resource->mem_type == GAON_PL_HOST ? 0 : -EBUSY;
	else
		err = ttm_bo_validate(&bo->ttm, &placement, &ctx);
	/* It is there for others now, whatever brought it. */
	if (!err)
		bo->away = false;
	if (!err && bo->lost)
		err = -EHWPOISON;
	drm_dev_exit(idx);
	return err;
}

/** gaon_ttm_bo_pin_host() - move to host memory, and keep it there; with the reservation held */
int gaon_ttm_bo_pin_host(struct gaon_bo *bo)
{
	int err = gaon_ttm_bo_to_host(bo);

	if (!err)
		ttm_bo_pin(&bo->ttm);
	return err;
}

/** gaon_ttm_bo_unpin() - with the reservation held */
void gaon_ttm_bo_unpin(struct gaon_bo *bo)
{
	ttm_bo_unpin(&bo->ttm);
}

/** gaon_ttm_vmap() - map host memory, pinned, into the kernel; with the reservation held */
int gaon_ttm_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	int err, idx;

	/* TTM takes what is on the card for one piece that begins where the aperture does. */
	if (drm_WARN_ON_ONCE(obj->dev, gaon_bo_is_hbm(to_gaon_bo(obj))))
		return -EINVAL;
	if (!drm_dev_enter(obj->dev, &idx))
		return -ENODEV;
	err = ttm_bo_vmap(&to_gaon_bo(obj)->ttm, map);
	drm_dev_exit(idx);
	return err;
}

/** gaon_ttm_vunmap() - with the reservation held */
void gaon_ttm_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	ttm_bo_vunmap(&to_gaon_bo(obj)->ttm, map);
}

/**
 * gaon_ttm_read_host() - read a little of an object that is in host memory
 * @bo: the object, with its reservation held
 * @offset: in it
 * @data: where to
 * @bytes: that do not cross a page
 *
 * Sleeps and allocates.
 *
 * Return: 0, -ENXIO: it has no memory now; or an error of TTM.
 */
int gaon_ttm_read_host(struct gaon_bo *bo, u64 offset, void *data, size_t bytes)
{
	struct ttm_bo_kmap_obj map;
	bool is_iomem;
	int err;

	dma_resv_assert_held(bo->ttm.base.resv);
	err = gaon_ttm_bo_unpark(bo, true);
	if (err)
		return err;
	if (!bo->ttm.resource || !bo->ttm.ttm || !ttm_tt_is_populated(bo->ttm.ttm))
		return -ENXIO;
	err = ttm_bo_kmap(&bo->ttm, offset >> PAGE_SHIFT, 1, &map);
	if (err)
		return err;
	memcpy(data, ttm_kmap_obj_virtual(&map, &is_iomem) + offset_in_page(offset), bytes);
	ttm_bo_kunmap(&map);
	return 0;
}

/* Back from where it was parked, and not to be parked again until it is unpinned. */
static int access_pin(struct ttm_buffer_object *ttm)
{
	int err = dma_resv_lock_interruptible(ttm->base.resv, NULL);

	if (err)
		return err;
	err = gaon_ttm_bo_unpark(ttm_to_gaon_bo(ttm), true);
	if (!err)
		ttm_bo_pin(ttm);
	dma_resv_unlock(ttm->base.resv);
	return err;
}

static void access_unpin(struct ttm_buffer_object *ttm)
{
	dma_resv_lock(ttm->base.resv, NULL);
	ttm_bo_unpin(ttm);
	dma_resv_unlock(ttm->base.resv);
}

/* For debuggers. An object that is nowhere, parked or of a card that is gone, is no good to TTM. */
static int vm_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	struct ttm_buffer_object *ttm = vma->vm_private_data;
	int err = -ENODEV, gate, idx;

	/* While the machine goes to sleep nobody reads. */
	if (!gaon_power_try_enter(to_gaon_device(ttm->base.dev), &gate))
		return -EBUSY;
	if (drm_dev_enter(ttm->base.dev, &idx)) {
		err = access_pin(ttm);
		/* Nobody has looked whether it ends before; TTM would refuse all of it. */
		len = min_t(unsigned long, len, vma->vm_end - addr);
		if (!err) {
			err = ttm_bo_vm_access(vma, addr, buf, len, write);
			access_unpin(ttm);
		}
		drm_dev_exit(idx);
	}
	gaon_power_try_exit(to_gaon_device(ttm->base.dev), gate);
	return err;
}

/* What was parked comes back; as for other memory that was swapped out, somebody may be killed. */
static vm_fault_t fault_unpark(struct gaon_bo *bo)
{
	int err = gaon_ttm_bo_unpark(bo, false);

	if (!err)
		return 0;
	return err == -ENOMEM ? VM_FAULT_OOM :
	       err == -ERESTARTSYS || err == -EINTR ? VM_FAULT_NOPAGE : VM_FAULT_SIGBUS;
}

static vm_fault_t fault_locked(struct vm_fault *vmf, struct gaon_bo *bo, pgprot_t prot)
{
	vm_fault_t result = fault_unpark(bo);

	if (!result && bo->lost)
		result = VM_FAULT_SIGBUS;
	return result ?: ttm_bo_vm_fault_reserved(vmf, prot, TTM_BO_VM_NUM_PREFAULT);
}

/* As ttm_bo_vm_fault(), which would show zeros in the place of what is lost. */
static vm_fault_t vm_fault_readable(struct vm_fault *vmf)
{
	struct ttm_buffer_object *ttm = vmf->vma->vm_private_data;
	pgprot_t prot = vmf->vma->vm_page_prot;
	vm_fault_t result;
	int idx;

	result = ttm_bo_vm_reserve(ttm, vmf);
	if (result)
		return result;
	if (ttm_to_gaon_bo(ttm)->lost) {
		result = VM_FAULT_SIGBUS;
	} else if (drm_dev_enter(ttm->base.dev, &idx)) {
		result = fault_locked(vmf, ttm_to_gaon_bo(ttm), prot);
		drm_dev_exit(idx);
	} else {
		result = ttm_bo_vm_dummy_page(vmf, prot);
	}
	/* Then the reservation has been given back. */
	if (result == VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return result;
	dma_resv_unlock(ttm->base.resv);
	return result;
}

/* The device must outlive a mapping that goes while its address space is not locked. */
static vm_fault_t vm_fault(struct vm_fault *vmf)
{
	struct ttm_buffer_object *ttm = vmf->vma->vm_private_data;
	struct gaon_device *gdev = to_gaon_device(ttm->base.dev);
	vm_fault_t ret;
	int gate;

	ret = gaon_power_fault_enter(gdev, vmf, &gate);
	if (ret)
		return ret;
	drm_dev_get(&gdev->drm);
	ret = vm_fault_readable(vmf);
	gaon_power_fault_exit(gdev, gate);
	drm_dev_put(&gdev->drm);
	return ret;
}

static const struct vm_operations_struct vm_ops = {
	.fault = vm_fault,
	.open = ttm_bo_vm_open,
	.close = ttm_bo_vm_close,
	.access = vm_access,
};

/** gaon_ttm_mmap() - map into a process, page by page as it is touched */
int gaon_ttm_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	int err;

	vma->vm_ops = &vm_ops;		/* before TTM sets its own */
	err = ttm_bo_mmap_obj(vma, &to_gaon_bo(obj)->ttm);
	if (!err)
		drm_gem_object_put(obj);	/* the mapping has TTM's reference */
	return err;
}

void gaon_ttm_bo_get(struct gaon_bo *bo)
{
	kref_get(&bo->ttm.kref);
}

void gaon_ttm_bo_put(struct gaon_bo *bo)
{
	gaon_compat_ttm_bo_fini(&bo->ttm);
}

/**
 * gaon_ttm_bo_next() - walk all objects, but those that are just being freed
 * @gdev: the device
 * @bo: one with a reference, or NULL
 *
 * Return: the one behind @bo, or the first, with a reference for gaon_ttm_bo_put(); NULL.
 */
struct gaon_bo *gaon_ttm_bo_next(struct gaon_device *gdev, struct gaon_bo *bo)
{
	struct gaon_ttm *ttm = to_gaon_ttm(gdev->ttm);

	guard(spinlock)(&ttm->lock);
	bo = list_prepare_entry(bo, &ttm->objects, node);
	list_for_each_entry_continue(bo, &ttm->objects, node) {
		if (kref_get_unless_zero(&bo->ttm.kref))
			return bo;
	}
	return NULL;
}

/** gaon_ttm_settle() - what was freed is gone; waits for jobs that work on it, without locks */
void gaon_ttm_settle(struct gaon_device *gdev)
{
	gaon_shrink_settle(gdev);
	flush_workqueue(gdev->ttm->wq);
}

/* --- life ----------------------------------------------------------------------------------- */

/** gaon_ttm_usage() - bytes that are allocated by anyone */
void gaon_ttm_usage(struct gaon_device *gdev, u64 *host, u64 *hbm, u64 *hbm_visible)
{
	*host = ttm_resource_manager_usage(ttm_manager_type(gdev->ttm, GAON_PL_HOST));
	gaon_hbm_usage(gdev, hbm, hbm_visible);
}

/* An object gives back what the DMA API gave; with the reservation held. */
static void bo_unplug(struct gaon_bo *bo)
{
	struct ttm_placement nowhere = {};
	struct ttm_operation_ctx ctx = {};
	struct drm_gem_object *obj = &bo->ttm.base;
	struct ttm_tt *tt = bo->ttm.ttm;

	dma_resv_assert_held(obj->resv);
	if (drm_gem_is_imported(obj)) {
		gaon_ttm_bo_unmap_import(bo);
		return;
	}
	/*
	 * Pages that another device is attached to are its, too, until it detaches. Of those
	 * CONFIG_DMA_API_DEBUG warns that they outlive the driver, as of every exporter's.
	 */
	if (bo->ttm.pin_count && !bo->kernel && !gaon_bo_is_hbm(bo))
		return;
	/* HBM goes, also where it is pinned for others. */
	gaon_prime_move(bo);
	if (gaon_tt_is_parked(tt))
		gaon_pages_free(to_gaon_tt(tt));
	if (!tt || !ttm_tt_is_populated(tt))
		return;
	dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_BOOKKEEP, false, MAX_SCHEDULE_TIMEOUT);
	/* To no place: an object that is idle gives its pages back at once, pinned or not. */
	drm_WARN_ON(obj->dev, ttm_bo_validate(&bo->ttm, &nowhere, &ctx));
}

/**
 * gaon_ttm_unplug() - give back all memory that the DMA API gave, before the driver is unbound
 * @gdev: the device, after drm_dev_unplug()
 *
 * As ttm_device_clear_dma_mappings(), which neither holds reservations nor gets on with objects
 * that are just being freed.
 */
void gaon_ttm_unplug(struct gaon_device *gdev)
{
	struct gaon_ttm *ttm = to_gaon_ttm(gdev->ttm);
	struct dma_resv *resv;
	struct gaon_bo *bo;
	LIST_HEAD(done);

	spin_lock(&ttm->lock);
	while ((bo = list_first_entry_or_null(&ttm->objects, struct gaon_bo, node))) {
		bool dying = !kref_get_unless_zero(&bo->ttm.kref);

		if (!dying)
			list_move(&bo->node, &done);
		spin_unlock(&ttm->lock);
		if (dying) {
			/* Who has dropped its last reference frees its pages. */
			usleep_range(1000, 2000);
		} else {
			resv = bo->ttm.base.resv;
			dma_resv_lock(resv, NULL);
			bo_unplug(bo);
			dma_resv_unlock(resv);
			gaon_compat_ttm_bo_fini(&bo->ttm);
		}
		spin_lock(&ttm->lock);
	}
	list_splice(&done, &ttm->objects);
	spin_unlock(&ttm->lock);
}

static void ttm_release(struct drm_device *drm, void *arg)
{
	struct gaon_ttm *ttm = arg;

	ttm_resource_manager_set_used(&ttm->host, false);
	ttm_resource_manager_evict_all(&ttm->bdev, &ttm->host);
	ttm_resource_manager_cleanup(&ttm->host);
	ttm_set_driver_manager(&ttm->bdev, GAON_PL_HOST, NULL);
	gaon_compat_ttm_device_fini(&ttm->bdev);
}

/* What TTM frees late, imported objects for instance, goes before the managers of its memory. */
static void ttm_settle(struct drm_device *drm, void *arg)
{
	struct gaon_ttm *ttm = arg;

	flush_workqueue(ttm->bdev.wq);
}

int gaon_ttm_init(struct gaon_device *gdev)
{
	struct gaon_ttm *ttm = drmm_kzalloc(&gdev->drm, sizeof(*ttm), GFP_KERNEL);
	int err;

	if (!ttm)
		return -ENOMEM;
	ttm->gdev = gdev;
	spin_lock_init(&ttm->lock);
	INIT_LIST_HEAD(&ttm->objects);
	err = gaon_compat_ttm_device_init(&ttm->bdev, &ttm_funcs, gdev->drm.dev,
					  gdev->drm.anon_inode->i_mapping,
					  gdev->drm.vma_offset_manager);
	if (err)
		return err;
	ttm->host.func = &host_func;
	ttm->host.use_tt = true;
	ttm_resource_manager_init(&ttm->host, &ttm->bdev, (u64)totalram_pages() << PAGE_SHIFT);
	ttm_set_driver_manager(&ttm->bdev, GAON_PL_HOST, &ttm->host);
	ttm_resource_manager_set_used(&ttm->host, true);
	gdev->ttm = &ttm->bdev;
	err = drmm_add_action_or_reset(&gdev->drm, ttm_release, ttm);
	if (err)
		return err;
	err = gaon_hbm_init(gdev);
	if (!err)
		err = gaon_shrink_init(gdev);
	if (err)
		return err;
	return drmm_add_action_or_reset(&gdev->drm, ttm_settle, ttm);
}
