/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_PRIME_H_
#define _GAON_PRIME_H_

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct iosys_map;
struct sg_table;

struct dma_buf *gaon_prime_export(struct drm_gem_object *obj, int flags);
int gaon_prime_pin(struct drm_gem_object *obj);
void gaon_prime_unpin(struct drm_gem_object *obj);
int gaon_prime_vmap(struct drm_gem_object *obj, struct iosys_map *map);
void gaon_prime_vunmap(struct drm_gem_object *obj, struct iosys_map *map);
struct sg_table *gaon_prime_get_sg_table(struct drm_gem_object *obj);
struct drm_gem_object *gaon_prime_import_buf(struct drm_device *drm, struct dma_buf *dma_buf);
struct drm_gem_object *gaon_prime_import(struct drm_device *drm, struct dma_buf_attachment *attach,
					 struct sg_table *sgt);

#endif
