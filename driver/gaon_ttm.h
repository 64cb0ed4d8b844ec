/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_TTM_H_
#define _GAON_TTM_H_

#include <linux/types.h>

#include <drm/ttm/ttm_placement.h>

struct dma_resv;
struct gaon_bo;
struct drm_gem_object;
struct gaon_device;
struct iosys_map;
struct seq_file;
struct sg_table;
struct ttm_resource;
struct vm_area_struct;

/* Placements: the card's memory; the host's that the device reaches, and that it does not. */
#define GAON_PL_HBM	TTM_PL_VRAM
#define GAON_PL_HOST	TTM_PL_TT
#define GAON_PL_SYSTEM	TTM_PL_SYSTEM

int gaon_ttm_init(struct gaon_device *gdev);
void gaon_ttm_unplug(struct gaon_device *gdev);
void gaon_ttm_usage(struct gaon_device *gdev, u64 *host, u64 *hbm, u64 *hbm_visible);

/* The object is the caller's, zeroed, but for @bo's flags and kernel; on failure it is freed. */
int gaon_ttm_bo_init(struct gaon_device *gdev, struct gaon_bo *bo, u64 bytes,
		     struct dma_resv *resv);
int gaon_ttm_bo_import(struct gaon_device *gdev, struct gaon_bo *bo, u64 bytes,
		       struct dma_resv *resv, struct sg_table *sgt);
int gaon_ttm_bo_to_host(struct gaon_bo *bo);
int gaon_ttm_bo_unplace(struct gaon_bo *bo);
int gaon_ttm_bo_unpark(struct gaon_bo *bo, bool spare);
int gaon_ttm_bo_pin_host(struct gaon_bo *bo);
void gaon_ttm_bo_unmap_import(struct gaon_bo *bo);
void gaon_ttm_bo_free(struct gaon_bo *bo);
int gaon_ttm_bo_pin(struct gaon_bo *bo);
void gaon_ttm_bo_unpin(struct gaon_bo *bo);
int gaon_ttm_vmap(struct drm_gem_object *obj, struct iosys_map *map);
void gaon_ttm_vunmap(struct drm_gem_object *obj, struct iosys_map *map);
int gaon_ttm_read_host(struct gaon_bo *bo, u64 offset, void *data, size_t bytes);
int gaon_ttm_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
int gaon_ttm_bo_validate(struct gaon_bo *bo);

void gaon_ttm_bo_get(struct gaon_bo *bo);
void gaon_ttm_bo_put(struct gaon_bo *bo);
struct gaon_bo *gaon_ttm_bo_next(struct gaon_device *gdev, struct gaon_bo *bo);
void gaon_ttm_settle(struct gaon_device *gdev);

/* gaon_hbm.c: the manager of the card's memory */
int gaon_hbm_init(struct gaon_device *gdev);
void gaon_hbm_was_reset(struct gaon_device *gdev);
int gaon_hbm_retire(struct gaon_device *gdev, u64 offset, bool poisoned);
bool gaon_hbm_is_poisoned(struct gaon_device *gdev, struct ttm_resource *res);
void gaon_hbm_show_bad(struct gaon_device *gdev, struct seq_file *file);
u64 gaon_hbm_movable(struct gaon_device *gdev);
void gaon_hbm_usage(struct gaon_device *gdev, u64 *used, u64 *visible_used);
bool gaon_hbm_piece_is_clear(const void *where);
bool gaon_hbm_is_cleared(struct ttm_resource *res);
bool gaon_hbm_is_visible(struct ttm_resource *res);
/* The piece at an offset of the resource: its HBM offset and how much of it is left. */
u64 gaon_hbm_piece(struct ttm_resource *res, u64 offset, void **where, u64 *skip, u64 *left);

#endif
