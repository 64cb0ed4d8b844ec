// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <linux/mutex.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/workqueue.h>

#include <kunit/visibility.h>

#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>

#include "gaon_bo.h"
#include "gaon_compat.h"

#ifdef GAON_HAVE_DMEM
#include <linux/cgroup_dmem.h>
#endif
#if defined(GAON_HAVE_DRM_RAS) && IS_ENABLED(CONFIG_DRM_RAS)
#include <net/genetlink.h>
#endif

/* drmm_alloc_ordered_workqueue() of newer kernels has its own. */
void gaon_compat_destroy_workqueue(struct drm_device *drm, void *wq)
{
	destroy_workqueue(wq);
}

void gaon_compat_dma_buf_moves(struct dma_buf *buf)
{
#ifdef GAON_HAVE_DMA_BUF_INVALIDATE
	dma_buf_invalidate_mappings(buf);
#else
	dma_buf_move_notify(buf);
#endif
}

/* A call of a node that was just unregistered may be under way: netlink has it under this lock. */
void gaon_compat_ras_settle(void)
{
#if defined(GAON_HAVE_DRM_RAS) && IS_ENABLED(CONFIG_DRM_RAS)
	genl_lock();
	genl_unlock();
#endif
}

/* --- gpuvm ---------------------------------------------------------------------------------- */

#ifdef GAON_HAVE_GPUVM_IMMEDIATE_MODE

void gaon_compat_gpuva_init(struct gaon_bo *bo)
{
}
EXPORT_SYMBOL_IF_KUNIT(gaon_compat_gpuva_init);

struct mutex *gaon_compat_gpuva_lock(struct drm_gem_object *obj)
{
	return &obj->gpuva.lock;
}

struct drm_gpuvm_bo *gaon_compat_vm_bo_obtain(struct drm_gpuvm_bo *vm_bo)
{
	return drm_gpuvm_bo_obtain_prealloc(vm_bo);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_compat_vm_bo_obtain);

void gaon_compat_gpuva_unlink(struct drm_gpuva *va)
{
	drm_gpuva_unlink_defer(va);
}

void gaon_compat_vm_bo_put(struct drm_gpuvm_bo *vm_bo)
{
	drm_gpuvm_bo_put_deferred(vm_bo);
}

void gaon_compat_vm_bo_cleanup(struct drm_gpuvm *gpuvm)
{
	drm_gpuvm_bo_deferred_cleanup(gpuvm);
}

#else

void gaon_compat_gpuva_init(struct gaon_bo *bo)
{
	drm_gem_gpuva_set_lock(&bo->ttm.base, &bo->gpuva_lock);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_compat_gpuva_init);

struct mutex *gaon_compat_gpuva_lock(struct drm_gem_object *obj)
{
	return &to_gaon_bo(obj)->gpuva_lock;
}

struct drm_gpuvm_bo *gaon_compat_vm_bo_obtain(struct drm_gpuvm_bo *vm_bo)
{
	guard(mutex)(gaon_compat_gpuva_lock(vm_bo->obj));
	return drm_gpuvm_bo_obtain_prealloc(vm_bo);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_compat_vm_bo_obtain);

/* The object must outlive the lock that is in it. */
void gaon_compat_gpuva_unlink(struct drm_gpuva *va)
{
	struct drm_gem_object *obj = va->gem.obj;

	drm_gem_object_get(obj);
	mutex_lock(gaon_compat_gpuva_lock(obj));
	drm_gpuva_unlink(va);
	mutex_unlock(gaon_compat_gpuva_lock(obj));
	drm_gem_object_put(obj);
}

void gaon_compat_vm_bo_put(struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj = vm_bo->obj;

	drm_gem_object_get(obj);
	mutex_lock(gaon_compat_gpuva_lock(obj));
	drm_gpuvm_bo_put(vm_bo);
	mutex_unlock(gaon_compat_gpuva_lock(obj));
	drm_gem_object_put(obj);
}

void gaon_compat_vm_bo_cleanup(struct drm_gpuvm *gpuvm)
{
}

#endif

int gaon_compat_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 va, u64 size,
			     struct drm_gem_object *obj, u64 offset)
{
#ifdef GAON_HAVE_GPUVM_MAP_REQ
	const struct drm_gpuvm_map_req req = {
		.map = {
			.va = { .addr = va, .range = size },
			.gem = { .obj = obj, .offset = offset },
		},
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
#else
	return drm_gpuvm_sm_map(gpuvm, priv, va, size, obj, offset);
#endif
}

/* --- TTM ------------------------------------------------------------------------------------ */

/* Pages are allocated through the DMA API. */
int gaon_compat_ttm_device_init(struct ttm_device *bdev, const struct ttm_device_funcs *funcs,
				struct device *dev, struct address_space *mapping,
				struct drm_vma_offset_manager *vma_manager)
{
#ifdef GAON_HAVE_TTM_ALLOC_FLAGS
	return ttm_device_init(bdev, funcs, dev, mapping, vma_manager,
			       TTM_ALLOCATION_POOL_USE_DMA_ALLOC);
#else
	return ttm_device_init(bdev, funcs, dev, mapping, vma_manager, true, false);
#endif
}

static void ttm_pool_destroy_lists(struct ttm_pool *pool)
{
#ifdef GAON_HAVE_TTM_POOL_LRU
	unsigned int i, j;

	/* TTM of 7.3 forgets these lists, an allocation each; to destroy one twice does no harm. */
	for (i = 0; i < TTM_NUM_CACHING_TYPES; i++) {
		for (j = 0; j < NR_PAGE_ORDERS; j++)
			list_lru_destroy(&pool->caching[i].orders[j].pages);
	}
#endif
}

void gaon_compat_ttm_device_fini(struct ttm_device *bdev)
{
	ttm_device_fini(bdev);
	ttm_pool_destroy_lists(&bdev->pool);
}

/* Lets cgroups bound who allocates of a region, where the kernel can. */
int gaon_compat_dmem_register(struct drm_device *drm, struct ttm_resource_manager *man,
			      const char *name, u64 size)
{
#ifdef GAON_HAVE_DMEM
	const struct dmem_cgroup_init init = { .size = size };
	struct dmem_cgroup_region *region = drmm_cgroup_register_region(drm, name, &init);

	if (IS_ERR(region))
		return PTR_ERR(region);
	ttm_resource_manager_set_dmem_region(man, region);
#endif
	return 0;
}

void gaon_compat_ttm_bo_fini(struct ttm_buffer_object *bo)
{
#ifdef GAON_HAVE_TTM_BO_FINI
	ttm_bo_fini(bo);
#else
	ttm_bo_put(bo);
#endif
}

void gaon_compat_fence_init(struct gaon_compat_fence *fence, const struct dma_fence_ops *ops,
			    u64 context, u64 seqno)
{
#ifdef GAON_HAVE_FENCE_DETACHES
	dma_fence_init(&fence->base, ops, NULL, context, seqno);
#else
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, ops, &fence->lock, context, seqno);
#endif
}

/* The fence was signalled: it must not need the module any more. */
void gaon_compat_fence_retire(struct gaon_compat_fence *fence)
{
#ifndef GAON_HAVE_FENCE_DETACHES
	struct dma_fence *stub = dma_fence_get_stub();

	/* Operations of a fence of the kernel's own; what they free is freed in the same way. */
	WRITE_ONCE(fence->base.ops, stub->ops);
	dma_fence_put(stub);
#endif
}

/* Its pages are accounted for when they come, not all at once. */
struct file *gaon_compat_shmem_file(const char *name, loff_t bytes)
{
#ifdef GAON_HAVE_SHMEM_VMA_FLAGS
	return shmem_file_setup(name, bytes, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, bytes, VM_NORESERVE);
#endif
}
