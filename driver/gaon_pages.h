/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_PAGES_H_
#define _GAON_PAGES_H_

#include <linux/list.h>
#include <linux/types.h>

#include <drm/ttm/ttm_tt.h>

struct file;
struct gaon_bo;
struct gaon_device;
struct mem_cgroup;
struct ttm_buffer_object;
struct ttm_device;
struct ttm_operation_ctx;

/**
 * struct gaon_tt - the pages of an object
 *
 * Protected by the object's reservation. An entry of @base.pages is a page that is there; or, while
 * @parked, PAGES_STORED: it is in @file; or NULL: nothing, which reads 0.
 */
struct gaon_tt {
	/** @base: TTM's part. */
	struct ttm_tt base;
	/** @bo: whose. Constant. */
	struct gaon_bo *bo;
	/** @node: among those that can be taken away, while pages are there (gaon_shrink.c). */
	struct list_head node;
	/** @file: what was taken away, for which swap is made; NULL: nothing ever is. Constant. */
	struct file *file;
	/** @memcg: whom the pages are charged to, with a reference; NULL while there are none. */
	struct mem_cgroup *memcg;
	/** @present: pages that are there. */
	u32 present;
	/**
	 * @parked: nobody maps it, and for TTM it has no pages. They are here or in @file, and come
	 * back when TTM wants it to have some.
	 */
	bool parked;
};

static inline struct gaon_tt *to_gaon_tt(struct ttm_tt *tt)
{
	return container_of(tt, struct gaon_tt, base);
}

/* With the object's reservation held. */
static inline bool gaon_tt_is_parked(struct ttm_tt *tt)
{
	return tt && to_gaon_tt(tt)->parked;
}

struct ttm_tt *gaon_tt_create(struct ttm_buffer_object *ttm, u32 page_flags);
int gaon_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt, struct ttm_operation_ctx *ctx);
void gaon_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt);
void gaon_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt);

u32 gaon_pages_store(struct gaon_tt *gtt, u32 most);
void gaon_pages_free(struct gaon_tt *gtt);

#endif
