// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Objects shared with other devices. What another device attaches to, or another driver's CPU code
 * maps, moves to host memory and stays there meanwhile; files of the same card share the object
 * itself.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/ttm/ttm_tt.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_prime.h"
#include "gaon_ttm.h"

/** gaon_prime_export() - make a dma-buf of an object that is not one VM's own */
struct dma_buf *gaon_prime_export(struct drm_gem_object *obj, int flags)
{
	/* What belongs to one VM shares its reservation and cannot be anybody else's. */
	if (to_gaon_bo(obj)->vm_root)
		return ERR_PTR(-EPERM);
	return drm_gem_prime_export(obj, flags);
}

/** gaon_prime_pin() - another device attaches; with the reservation held */
int gaon_prime_pin(struct drm_gem_object *obj)
{
	struct gaon_bo *bo = to_gaon_bo(obj);

	/* The work of an LR VM cannot be waited for, so what it maps does not move. */
	if (gaon_bo_is_hbm(bo) && atomic_read(&bo->lr_maps))
		return -EBUSY;
	return gaon_ttm_bo_pin_host(bo);
}

/** gaon_prime_unpin() - it is gone; with the reservation held */
void gaon_prime_unpin(struct drm_gem_object *obj)
{
	gaon_ttm_bo_unpin(to_gaon_bo(obj));
}

/**
 * gaon_prime_vmap() - map into the kernel, for other drivers' use of the CPU
 * @obj: with its reservation held
 * @map: set to the mapping, which gaon_prime_vunmap() takes away
 *
 * Host memory: what is on the card may be in several pieces, and not all of it within the aperture.
 *
 * Return: 0, -EBUSY: it cannot move there; -ENOMEM, -ERESTARTSYS, -EIO, -ENODEV.
 */
int gaon_prime_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	int err = gaon_prime_pin(obj);

	if (err)
		return err;
	err = gaon_ttm_vmap(obj, map);
	if (err)
		gaon_prime_unpin(obj);
	return err;
}

/** gaon_prime_vunmap() - with the reservation held */
void gaon_prime_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	gaon_ttm_vunmap(obj, map);
	gaon_prime_unpin(obj);
}

/** gaon_prime_get_sg_table() - the pages of a pinned object */
struct sg_table *gaon_prime_get_sg_table(struct drm_gem_object *obj)
{
	struct gaon_bo *bo = to_gaon_bo(obj);

	if (drm_gem_is_imported(obj))
		return ERR_PTR(-EOPNOTSUPP);
	return drm_prime_pages_to_sg(obj->dev, bo->ttm.ttm->pages, bo->ttm.ttm->num_pages);
}

/** gaon_prime_import_buf() - PRIME_FD_TO_HANDLE, as DRM does it while the driver has the card */
struct drm_gem_object *gaon_prime_import_buf(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return ERR_PTR(-ENODEV);
	obj = drm_gem_prime_import(drm, dma_buf);
	drm_dev_exit(idx);
	return obj;
}

/* A copy that the kernel makes for DMA is of no use to a device that works on its own. */
static bool prime_is_bounced(struct device *dev, struct sg_table *sgt)
{
	struct scatterlist *sg;
	int i;

	if (dma_max_mapping_size(dev) == SIZE_MAX)
		return false;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	}
	return false;
}

/**
 * gaon_prime_import() - make an object of another device's memory
 * @drm: the device
 * @attach: to the dma-buf
 * @sgt: mapped for the device
 *
 * Return: the object, or an ERR_PTR: -EOPNOTSUPP: the kernel would copy it for DMA.
 */
struct drm_gem_object *gaon_prime_import(struct drm_device *drm, struct dma_buf_attachment *attach,
					 struct sg_table *sgt)
{
	struct dma_resv *resv = attach->dmabuf->resv;
	struct gaon_bo *bo;
	int err;

	if (!PAGE_ALIGNED(attach->dmabuf->size))
		return ERR_PTR(-EINVAL);
	if (prime_is_bounced(drm->dev, sgt)) {
		drm_dbg(drm, "a dma-buf of %s is not imported: its DMA would be bounced\n",
			attach->dmabuf->exp_name);
		return ERR_PTR(-EOPNOTSUPP);
	}
	bo = kzalloc_obj(*bo, GFP_KERNEL_ACCOUNT);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->flags = DRM_GAON_BO_HOST;
	bo->ttm.base.funcs = &gaon_bo_funcs;
	dma_resv_lock(resv, NULL);
	err = gaon_ttm_bo_import(to_gaon_device(drm), bo, attach->dmabuf->size, resv, sgt);
	dma_resv_unlock(resv);
	return err ? ERR_PTR(err) : &bo->ttm.base;
}
