// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Memory objects: their ioctls, and the walk over their memory. */
#include <linux/dma-resv.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/ttm/ttm_tt.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_prime.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

#define BO_CREATE_TRIES	8	/* resets that one call outlives */

/* --- GEM ------------------------------------------------------------------------------------ */

static void bo_free(struct drm_gem_object *obj)
{
	gaon_ttm_bo_free(to_gaon_bo(obj));
}

const struct drm_gem_object_funcs gaon_bo_funcs = {
	.free = bo_free,
	.export = gaon_prime_export,
	.vmap = gaon_ttm_vmap,
	.vunmap = gaon_ttm_vunmap,
	.mmap = gaon_ttm_mmap,
};

/** gaon_bo_cpu_sees() - whether processes may map it, wherever it is */
bool gaon_bo_cpu_sees(const struct gaon_bo *bo)
{
	const struct gaon_device *gdev = to_gaon_device(bo->ttm.base.dev);

	return !(bo->flags & DRM_GAON_BO_HBM) || bo->flags & DRM_GAON_BO_CPU ||
	       gdev->aperture_bytes >= gdev->identify.hbm_bytes;
}

static struct gaon_bo *bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_gaon_bo(obj) : NULL;
}

static void bo_put(struct gaon_bo *bo)
{
	drm_gem_object_put(&bo->ttm.base);
}

/** gaon_bo_is_hbm() - whether it is on the card now; with the reservation held, or a hint */
bool gaon_bo_is_hbm(const struct gaon_bo *bo)
{
	const struct ttm_resource *res = READ_ONCE(bo->ttm.resource);

	return res && res->mem_type == GAON_PL_HBM;
}

static struct gaon_bo *bo_create_kernel(struct gaon_device *gdev, u64 bytes, u32 flags)
{
	struct gaon_bo *bo = kzalloc_obj(*bo);
	int err;

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->kernel = true;
	bo->flags = flags;
	bo->ttm.base.funcs = &gaon_bo_funcs;
	err = gaon_ttm_bo_init(gdev, bo, bytes, NULL);
	if (!err) {
		err = gaon_ttm_bo_pin(bo);
		dma_resv_unlock(bo->ttm.base.resv);
		if (err)
			bo_put(bo);
	}
	return err ? ERR_PTR(err) : bo;
}

/**
 * gaon_bo_create_kernel() - memory of the driver
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @bytes: a multiple of pages
 * @flags: %DRM_GAON_BO_HOST; or %DRM_GAON_BO_HBM, with %DRM_GAON_BO_CPU for gaon_bo_access_hbm()
 *
 * Pinned, and not cleared, unless the CPU is to see HBM, which holds what others left.  HBM that is
 * full is not made up for by host memory: what users can ask for in numbers, like the save areas of
 * queues, would take all of the host's.
 *
 * Return: the object with one reference, to be unpinned with its reservation held and put; or an
 * ERR_PTR, of -ENOSPC if HBM is full.
 */
struct gaon_bo *gaon_bo_create_kernel(struct gaon_device *gdev, u64 bytes, u32 flags)
{
	bool device = flags & DRM_GAON_BO_HBM;
	struct gaon_room room;
	struct gaon_bo *bo;
	int err;

	err = gaon_room_enter(&room, gdev);
	if (err)
		return ERR_PTR(err);
	do {
		bo = bo_create_kernel(gdev, bytes, flags);
	} while (device && gaon_room_retry(&room, PTR_ERR_OR_ZERO(bo)));
	gaon_room_leave(&room);
	/* The memory manager says so of either kind. */
	return device && bo == ERR_PTR(-ENOMEM) ? ERR_PTR(-ENOSPC) : bo;
}

/* --- the walk ------------------------------------------------------------------------------- */

/* The run at cursor->at. */
static void cursor_load(struct gaon_cursor *cursor)
{
	struct ttm_buffer_object *ttm = &cursor->bo->ttm;
	const dma_addr_t *dma;
	u64 run, i;

	if (!cursor->left) {
		cursor->run = 0;
		return;
	}
	if (ttm->resource->mem_type == GAON_PL_HBM) {
		cursor->pa = GAON_PA_HBM | gaon_hbm_piece(ttm->resource, cursor->at, &cursor->where,
							  &cursor->skip, &run);
	} else {
		dma = ttm->ttm->dma_address + PFN_DOWN(cursor->at);
		for (i = 1; i < PFN_DOWN(cursor->left); i++) {
			if (dma[i] != dma[0] + PFN_PHYS(i))
				break;
		}
		cursor->pa = GAON_PA_HOST | dma[0];
		run = PFN_PHYS(i);
	}
	cursor->run = min(run, cursor->left);
}

/** gaon_cursor_first() - start at a page-aligned part of an object, which is resident */
void gaon_cursor_first(struct gaon_cursor *cursor, struct gaon_bo *bo, u64 offset, u64 bytes)
{
	*cursor = (struct gaon_cursor) { .bo = bo, .at = offset, .left = bytes };
	cursor_load(cursor);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_cursor_first);

/** gaon_cursor_next() - go on by at most the current run */
void gaon_cursor_next(struct gaon_cursor *cursor, u64 bytes)
{
	cursor->at += bytes;
	cursor->left -= bytes;
	if (bytes < cursor->run) {
		cursor->pa += bytes;
		cursor->run -= bytes;
	} else {
		cursor_load(cursor);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gaon_cursor_next);

/**
 * gaon_bo_access_hbm() - read or write a part of an object that is on the card
 * @bo: the object, with its reservation held
 * @offset: in it
 * @data: where to, or from
 * @bytes: up to the end of a page at most
 * @write: or read
 *
 * Return: 0, -ENXIO: the aperture does not show it, or it is not on the card; -ENODEV, -EBUSY: the
 * card does not run; -ENOMEM.
 */
int gaon_bo_access_hbm(struct gaon_bo *bo, u64 offset, void *data, size_t bytes, bool write)
{
	struct gaon_device *gdev = to_gaon_device(bo->ttm.base.dev);
	struct gaon_cursor cursor;
	void __iomem *page;
	int err = -ENXIO;
	u64 at;
	int idx;

	dma_resv_assert_held(bo->ttm.base.resv);
	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	if (!gaon_bo_is_hbm(bo))
		goto out;
	err = gaon_device_check(gdev);
	if (err)
		goto out;
	gaon_cursor_first(&cursor, bo, PAGE_ALIGN_DOWN(offset), PAGE_SIZE);
	at = cursor.pa & GAON_PA_OFFSET_MASK;
	err = -ENXIO;
	if (cursor.run < PAGE_SIZE || at + PAGE_SIZE > gdev->aperture_bytes)
		goto out;
	page = ioremap_wc(gdev->aperture_base + at, PAGE_SIZE);
	err = page ? 0 : -ENOMEM;
	if (!err) {
		if (write)
			memcpy_toio(page + offset_in_page(offset), data, bytes);
		else
			memcpy_fromio(data, page + offset_in_page(offset), bytes);
		iounmap(page);
	}
out:
	drm_dev_exit(idx);
	return err;
}

/* --- ioctls --------------------------------------------------------------------------------- */

static bool flags_valid(u32 flags)
{
	if (flags & ~DRM_GAON_BO_FLAGS || !(flags & (DRM_GAON_BO_HBM | DRM_GAON_BO_HOST)))
		return false;
	if (flags & DRM_GAON_BO_WC && !(flags & DRM_GAON_BO_HOST))
		return false;
	return !(flags & DRM_GAON_BO_CONTIGUOUS) ||
	       (flags & (DRM_GAON_BO_HBM | DRM_GAON_BO_HOST)) == DRM_GAON_BO_HBM;
}

/* No eviction makes room for more. */
static u64 size_limit(struct gaon_device *gdev, u32 flags)
{
	u64 host = gaon_charge_host_limit(), hbm = gdev->identify.hbm_bytes;

	if (flags & DRM_GAON_BO_CPU)
		hbm = min(hbm, gdev->aperture_bytes);
	if (!(flags & DRM_GAON_BO_HOST))
		return hbm;
	return flags & DRM_GAON_BO_HBM ? max(host, hbm) : host;
}

static int bo_create(struct gaon_device *gdev, struct gaon_vm *vm,
		     const struct drm_gaon_bo_create *args, struct gaon_bo **out)
{
	struct dma_resv *resv = vm ? drm_gpuvm_resv(&vm->base) : NULL;
	struct gaon_bo *bo = kzalloc_obj(*bo, GFP_KERNEL_ACCOUNT);
	int err;

	if (!bo)
		return -ENOMEM;
	bo->flags = args->flags;
	bo->ttm.base.funcs = &gaon_bo_funcs;
	if (resv) {
		err = dma_resv_lock_interruptible(resv, NULL);
		if (err) {
			kfree(bo);
			return err;
		}
		bo->vm_root = vm->base.r_obj;
		drm_gem_object_get(bo->vm_root);
	}
	err = gaon_ttm_bo_init(gdev, bo, args->size, resv);
	if (!err)
		dma_resv_unlock(bo->ttm.base.resv);
	else if (resv)
		dma_resv_unlock(resv);
	*out = bo;
	return err;
}

static int bo_create_charged(struct gaon_file *gfile, struct gaon_vm *vm,
			     const struct drm_gaon_bo_create *args, struct gaon_bo **out)
{
	struct gaon_device *gdev = gfile->gdev;
	struct gaon_charge charge = {};
	struct gaon_room room;
	int err;

	err = gaon_charge(&charge, gdev, gfile->quota, args->size, args->flags);
	if (err)
		return err;
	err = gaon_room_enter(&room, gdev);
	if (!err) {
		do {
			err = bo_create(gdev, vm, args, out);
		} while (args->flags & DRM_GAON_BO_HBM && gaon_room_retry(&room, err));
		gaon_room_leave(&room);
	}
	if (err)
		gaon_uncharge(&charge);
	else
		(*out)->charge = charge;
	return err;
}

/* Between drm_dev_enter() and drm_dev_exit(), of a device that ran a moment ago. */
static int bo_create_entered(struct drm_file *file, struct drm_gaon_bo_create *args)
{
	struct gaon_file *gfile = to_gaon_file(file);
	struct gaon_vm *vm = NULL;
	struct gaon_bo *bo;
	int err;

	if (args->vm_id) {
		vm = gaon_vm_lookup(gfile, args->vm_id);
		if (!vm)
			return -ENOENT;
	}
	err = bo_create_charged(gfile, vm, args, &bo);
	if (!err) {
		err = drm_gem_handle_create(file, &bo->ttm.base, &args->handle);
		bo_put(bo);
	}
	gaon_vm_put(vm);
	return err;
}

/** gaon_ioctl_bo_create() - %DRM_IOCTL_GAON_BO_CREATE */
int gaon_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_device *gdev = to_gaon_device(drm);
	struct drm_gaon_bo_create *args = data;
	unsigned int tries = 0;
	int err, idx;

	if (args->pad || args->handle || !flags_valid(args->flags) || !args->size ||
	    !PAGE_ALIGNED(args->size))
		return -EINVAL;
	if (args->size > size_limit(gdev, args->flags))
		return -E2BIG;
	do {
		err = gaon_device_enter_running(gdev, &idx);
		if (err)
			return err;
		err = bo_create_entered(file, args);
		drm_dev_exit(idx);
		/* A reset cut the clearing of HBM short: if it is no wedge, it is over soon. */
	} while (err == -EIO && ++tries < BO_CREATE_TRIES);
	return err;
}

/** gaon_ioctl_bo_mmap_offset() - %DRM_IOCTL_GAON_BO_MMAP_OFFSET */
int gaon_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_bo_mmap_offset *args = data;
	struct gaon_bo *bo;
	int err = 0;

	if (args->pad || args->offset)
		return -EINVAL;
	bo = bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;
	if (drm_gem_is_imported(&bo->ttm.base))
		err = -EACCES;
	else if (!gaon_bo_cpu_sees(bo))
		err = -ENXIO;
	else
		args->offset = drm_vma_node_offset_addr(&bo->ttm.base.vma_node);
	bo_put(bo);
	return err;
}

/* Looks up an object and locks its reservation; bo_unlock_put() gives both back. */
static struct gaon_bo *bo_lookup_locked(struct drm_file *file, u32 handle)
{
	struct gaon_bo *bo = bo_lookup(file, handle);
	int err;

	if (!bo)
		return ERR_PTR(-ENOENT);
	err = dma_resv_lock_interruptible(bo->ttm.base.resv, NULL);
	if (err) {
		bo_put(bo);
		return ERR_PTR(err);
	}
	return bo;
}

static void bo_unlock_put(struct gaon_bo *bo)
{
	dma_resv_unlock(bo->ttm.base.resv);
	bo_put(bo);
}

/** gaon_ioctl_bo_info() - %DRM_IOCTL_GAON_BO_INFO */
int gaon_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_bo_info *args = data;
	struct gaon_bo *bo;

	if (args->flags || args->size || args->placement || args->imported ||
	    memchr_inv(args->name, 0, sizeof(args->name)))
		return -EINVAL;
	bo = bo_lookup_locked(file, args->handle);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	args->imported = drm_gem_is_imported(&bo->ttm.base);
	args->flags = args->imported ? 0 : bo->flags;
	args->size = bo->ttm.base.size;
	args->placement = gaon_bo_is_hbm(bo) ? DRM_GAON_MEMORY_HBM : DRM_GAON_MEMORY_HOST;
	memcpy(args->name, bo->name, sizeof(args->name));
	bo_unlock_put(bo);
	return 0;
}

static bool name_valid(const u8 *name, size_t size)
{
	size_t length = strnlen((const char *)name, size), i;

	if (length == size || memchr_inv(name + length, 0, size - length))
		return false;
	for (i = 0; i < length; i++) {
		if (name[i] < ' ' || name[i] > '~')
			return false;
	}
	return true;
}

/** gaon_ioctl_bo_set_name() - %DRM_IOCTL_GAON_BO_SET_NAME */
int gaon_ioctl_bo_set_name(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_bo_set_name *args = data;
	struct gaon_bo *bo;

	if (args->pad || !name_valid(args->name, sizeof(args->name)))
		return -EINVAL;
	bo = bo_lookup_locked(file, args->handle);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	static_assert(sizeof(bo->name) == sizeof(args->name));
	memcpy(bo->name, args->name, sizeof(bo->name));
	bo_unlock_put(bo);
	return 0;
}
