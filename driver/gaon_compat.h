/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What kernels older than 7.3 lack. The driver is written against 7.3's names; this header and
 * gaon_compat.c go away when the driver is part of a kernel. GAON_HAVE_* come from conftest.sh,
 * which asks the compiler: version numbers do not tell, since stable kernels take interfaces over.
 */
#ifndef _GAON_COMPAT_H_
#define _GAON_COMPAT_H_

#include <linux/device.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>

#include "gaon_conftest.h"

#ifdef GAON_HAVE_DRIVER_GEM_GPUVA
#define GAON_COMPAT_DRIVER_FEATURES	DRIVER_GEM_GPUVA
#else
#define GAON_COMPAT_DRIVER_FEATURES	0
#endif

/* What is told of memory in fdinfo; older kernels always tell what is active. */
#ifdef GAON_HAVE_GEM_ACTIVE
#define GAON_COMPAT_MEMORY_STATUS	(DRM_GEM_OBJECT_RESIDENT | DRM_GEM_OBJECT_ACTIVE)
#else
#define GAON_COMPAT_MEMORY_STATUS	DRM_GEM_OBJECT_RESIDENT
#endif

/* User space expects a string that is not empty. */
#ifdef GAON_HAVE_DRIVER_DATE
#define GAON_COMPAT_DRIVER_DATE	.date = "0",
#else
#define GAON_COMPAT_DRIVER_DATE
#endif

/* Older kernels have no name for what is not unbound. */
#ifdef GAON_HAVE_WQ_PERCPU
#define GAON_COMPAT_WQ_PERCPU	WQ_PERCPU
#else
#define GAON_COMPAT_WQ_PERCPU	0
#endif

/*
 * The list of an object's mappings is changed in the path of fences, so it has a lock of its own,
 * which newer kernels keep in the object.
 */
#ifdef GAON_HAVE_GPUVM_IMMEDIATE_MODE
#define GAON_COMPAT_GPUVM_FLAGS	DRM_GPUVM_IMMEDIATE_MODE
#else
#define GAON_COMPAT_GPUVM_FLAGS	0
#endif

/* Error counters for DRM's netlink interface; older kernels have none. */
#ifdef GAON_HAVE_DRM_RAS
#include <drm/drm_ras.h>
#else
#define DRM_RAS_NODE_TYPE_ERROR_COUNTER	1

struct drm_ras_node {
	const char *device_name, *node_name;
	int type;
	struct {
		u32 first, last;
	} error_counter_range;
	int (*query_error_counter)(struct drm_ras_node *node, u32 id, const char **name,
				   u32 *value);
	int (*clear_error_counter)(struct drm_ras_node *node, u32 id);
	void *priv;
};

static inline int drm_ras_node_register(struct drm_ras_node *node)
{
	return 0;
}

static inline void drm_ras_node_unregister(struct drm_ras_node *node)
{
}
#endif

struct dma_buf;
struct drm_gem_object;
struct drm_gpuva;
struct drm_gpuvm;
struct drm_gpuvm_bo;
struct gaon_bo;
struct ttm_buffer_object;
struct ttm_device;
struct ttm_device_funcs;
struct ttm_resource_manager;

void gaon_compat_gpuva_init(struct gaon_bo *bo);
struct mutex *gaon_compat_gpuva_lock(struct drm_gem_object *obj);
struct drm_gpuvm_bo *gaon_compat_vm_bo_obtain(struct drm_gpuvm_bo *vm_bo);
void gaon_compat_gpuva_unlink(struct drm_gpuva *va);
void gaon_compat_vm_bo_put(struct drm_gpuvm_bo *vm_bo);
void gaon_compat_vm_bo_cleanup(struct drm_gpuvm *gpuvm);
int gaon_compat_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 va, u64 size,
			     struct drm_gem_object *obj, u64 offset);

int gaon_compat_ttm_device_init(struct ttm_device *bdev, const struct ttm_device_funcs *funcs,
				struct device *dev, struct address_space *mapping,
				struct drm_vma_offset_manager *vma_manager);
void gaon_compat_ttm_device_fini(struct ttm_device *bdev);
int gaon_compat_dmem_register(struct drm_device *drm, struct ttm_resource_manager *man,
			      const char *name, u64 size);
void gaon_compat_ttm_bo_fini(struct ttm_buffer_object *bo);

/*
 * A fence that stands for itself: it may outlive the device and the module. Newer kernels have a
 * lock in it, whose lock class is theirs, and forget its operations when it is signalled.
 */
struct gaon_compat_fence {
	struct dma_fence base;
#ifndef GAON_HAVE_FENCE_DETACHES
	spinlock_t lock;	/* what the fence's own state is protected by */
#endif
};

void gaon_compat_fence_init(struct gaon_compat_fence *fence, const struct dma_fence_ops *ops,
			    u64 context, u64 seqno);
void gaon_compat_fence_retire(struct gaon_compat_fence *fence);

struct file *gaon_compat_shmem_file(const char *name, loff_t bytes);

/*
 * A copy of a page, which the kernel would bring up to date? One that checks DMA (DMA_API_DEBUG)
 * wants to see these calls for all that is behind an IOMMU, copied or not; the device's mark is
 * cleared only when something was copied.
 */
static inline bool gaon_compat_dma_is_copy(struct device *dev, dma_addr_t addr)
{
#if defined(GAON_HAVE_DMA_SKIP_SYNC)
	return dma_need_sync(dev, addr) && !dev_dma_skip_sync(dev);
#elif defined(CONFIG_DMA_NEED_SYNC)
	return dma_need_sync(dev, addr) && !dev->dma_skip_sync;
#else
	return dma_need_sync(dev, addr);
#endif
}

void gaon_compat_dma_buf_moves(struct dma_buf *buf);
void gaon_compat_ras_settle(void);
void gaon_compat_destroy_workqueue(struct drm_device *drm, void *wq);

#endif
