/* SPDX-License-Identifier: MIT */
#ifndef GAON_TEST_DRM_KERNEL_INTERNAL_H
#define GAON_TEST_DRM_KERNEL_INTERNAL_H

#include <drm/gaon_accel.h>

#include "../../runtime/winsys/direct.h"
#include "../../runtime/winsys/drm_sys.h"
#include "drm_kernel.h"

#define KERNEL_HANDLES	1024

/* A GEM object. */
struct kobj {
	int refs;			/* handles, mappings, exports */
	uint64_t bytes;
	uint32_t flags;
	struct kvm *vm;			/* the only one, or NULL */
	uint64_t hbm;			/* offset in device memory */
	struct direct_host host;	/* or pages of the host */
};

struct kmapping {
	struct kmapping *next;
	uint64_t va, bytes, offset;
	struct kobj *obj;		/* NULL: the caller's memory, at iova */
	uint64_t iova;
};

struct kqueue {
	struct kvm *vm;
	struct gaon_ws_queue *direct;
};

struct kvm {
	struct gaon_ws_context *direct;
	struct kmapping *mappings;
	uint8_t *doorbells;
	unsigned int queues;
};

struct kfile {
	int fd;
	struct kobj *objects[KERNEL_HANDLES];
	struct kvm *vms[KERNEL_HANDLES];
	struct kqueue *queues[KERNEL_HANDLES];
};

extern struct direct *kernel_card;
extern struct kfile *kernel_files[64];

/* One lock: the kernel's own concurrency is not what is tested. Never held while waiting. */
extern pthread_mutex_t kernel_lock;

/* drm_kernel_vm.c; they return 0 or -errno, the lock is held */
int kernel_vm_create(struct kfile *file, struct drm_gaon_vm_create *args);
int kernel_vm_destroy(struct kfile *file, struct drm_gaon_vm_destroy *args);
int kernel_vm_bind(struct kfile *file, struct drm_gaon_vm_bind *args);
void kernel_vm_put(struct kfile *file, uint32_t id);
int kernel_bo_create(struct kfile *file, struct drm_gaon_bo_create *args);
int kernel_bo_info(struct kfile *file, struct drm_gaon_bo_info *args);
int kernel_bo_mmap_offset(struct kfile *file, struct drm_gaon_bo_mmap_offset *args);
int kernel_gem_close(struct kfile *file, uint32_t handle);
int kernel_prime_export(struct kfile *file, struct drm_prime_handle *args);
int kernel_prime_import(struct kfile *file, struct drm_prime_handle *args);

/* Lowest free handle of a table, 0 if it is full. */
uint32_t kernel_handle(void **table);

#endif
