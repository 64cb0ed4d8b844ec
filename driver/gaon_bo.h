/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_BO_H_
#define _GAON_BO_H_

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/mutex.h>

#include <drm/ttm/ttm_bo.h>

#include <uapi/drm/gaon_accel.h>

#include "gaon_room.h"

struct dma_buf;
struct drm_file;
struct gaon_device;
struct gaon_vm;
struct scatterlist;

/**
 * struct gaon_bo - a memory object
 *
 * Its reference count is the GEM object's.
 */
struct gaon_bo {
	/** @ttm: TTM's object, and in it the GEM object. */
	struct ttm_buffer_object ttm;
	/** @flags: of &enum drm_gaon_bo_flags. Constant. */
	u32 flags;
	/** @kernel: the driver's own: cleared only with %DRM_GAON_BO_CPU, never moved. Constant. */
	bool kernel;
	/** @vm_root: of the only VM that may map it, with a reference; NULL: any. Constant. */
	struct drm_gem_object *vm_root;
	/**
	 * @lr_maps: mappings in LR VMs, which are suspended while it moves. Raised with the
	 * reservation held.
	 */
	atomic_t lr_maps;
	/**
	 * @away: moved to host memory to make room, so that it comes back although LR VMs map it;
	 * protected by the reservation.
	 */
	bool away;
	/** @shared: dma-buf that others are attached to, or NULL; protected by the reservation. */
	struct dma_buf *shared;
	/** @attached: attachments to it; protected by the reservation. */
	unsigned int attached;
	/**
	 * @revoked: imported, and its exporter took it away for good: nothing of it is mapped any
	 * more. Set with the reservation held, before VMs' locks are taken to unmap it; read with
	 * either.
	 */
	bool revoked;
	/**
	 * @lost: a part of it could not be read any more when it was moved: nothing of it is mapped
	 * from then on, for the device or a process. Set with the reservation held.
	 */
	bool lost;
	/** @charge: what it counts. Set when it is there, and until it is freed. */
	struct gaon_charge charge;
	/** @name: for people; protected by the reservation. */
	char name[32];
	/** @gpuva_lock: protects the list of mappings where GEM has no lock for it. */
	struct mutex gpuva_lock;
	/** @node: in the device's list of all objects; protected by that list's lock. */
	struct list_head node;
	/** @spent: among those whose last reference reclaim may have (gaon_shrink.c). */
	struct llist_node spent;
};

static inline struct gaon_bo *to_gaon_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct gaon_bo, ttm.base);
}

static inline struct gaon_bo *ttm_to_gaon_bo(struct ttm_buffer_object *ttm)
{
	return container_of(ttm, struct gaon_bo, ttm);
}

extern const struct drm_gem_object_funcs gaon_bo_funcs;

struct gaon_bo *gaon_bo_create_kernel(struct gaon_device *gdev, u64 bytes, u32 flags);
int gaon_bo_access_hbm(struct gaon_bo *bo, u64 offset, void *data, size_t bytes, bool write);
bool gaon_bo_is_hbm(const struct gaon_bo *bo);
bool gaon_bo_cpu_sees(const struct gaon_bo *bo);

/**
 * struct gaon_cursor - walks the physical memory of an object in ascending order
 *
 * With the reservation held, or the object pinned.
 */
struct gaon_cursor {
	/** @pa: of the current run. */
	u64 pa;
	/** @run: bytes of it that are contiguous; 0: at the end. */
	u64 run;
	/* private: */
	struct gaon_bo *bo;
	u64 at, left;
	void *where;
	u64 skip;
};

void gaon_cursor_first(struct gaon_cursor *cursor, struct gaon_bo *bo, u64 offset, u64 bytes);
void gaon_cursor_next(struct gaon_cursor *cursor, u64 bytes);

int gaon_ioctl_bo_create(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_bo_mmap_offset(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_bo_info(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_bo_set_name(struct drm_device *drm, void *data, struct drm_file *file);

#endif
