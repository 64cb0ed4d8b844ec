/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_PRIME_H_
#define _GAON_PRIME_H_

struct dma_buf;
struct drm_device;
struct drm_gem_object;
struct gaon_bo;

struct dma_buf *gaon_prime_export(struct drm_gem_object *obj, int flags);
struct drm_gem_object *gaon_prime_import(struct drm_device *drm, struct dma_buf *buf);
/* With the reservation held. */
void gaon_prime_move(struct gaon_bo *bo);
void gaon_prime_release(struct gaon_bo *bo);

#endif
