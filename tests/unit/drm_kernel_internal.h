/* SPDX-License-Identifier: MIT */
#ifndef GAON_TEST_DRM_KERNEL_INTERNAL_H
#define GAON_TEST_DRM_KERNEL_INTERNAL_H

#include <drm/gaon_accel.h>

#include "../../runtime/winsys/direct.h"
#include "../../runtime/winsys/drm_sys.h"
#include "drm_kernel.h"

#define KERNEL_HANDLES	1024
#define KERNEL_VA_MAX	((1ull << 47) - (1ull << 40))	/* behind it lie rings of this kernel's */

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
	/* Kernel-owned, drm_kernel_sync.c: */
	bool kernel;
	struct direct_host ring;
	uint64_t ring_va;
	uint64_t *ends;			/* of each job ever taken: the index in the ring behind it */
	uint64_t jobs, dropped;		/* taken; those before were dropped or completed at the last clear */
	/* Debugged, drm_kernel_debug.c: */
	bool debug;			/* created for it */
	bool held, saved;		/* suspended; with a launch in the save area */
	bool stopped, told;		/* since it was resumed; and the file had its event */
};

struct kvm {
	struct gaon_ws_context *direct;
	struct kmapping *mappings;
	uint8_t *doorbells;
	unsigned int queues;
	bool lr;
};

struct ksync;

struct kfile {
	int fd;
	struct kobj *objects[KERNEL_HANDLES];
	struct kvm *vms[KERNEL_HANDLES];
	struct kqueue *queues[KERNEL_HANDLES];
	struct ksync *syncs[KERNEL_HANDLES];
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

/* Where the CPU sees [@va, @va + @bytes); NULL if it is not in one mapping of host memory. */
uint8_t *kernel_vm_cpu(struct kvm *vm, uint64_t va, uint64_t bytes);

/* drm_kernel_sync.c; the lock is held but by kernel_sync_wait() */
int kernel_kq_create(struct kqueue *q, uint32_t id, const struct drm_gaon_queue_create *args);
void kernel_kq_destroy(struct kqueue *q);	/* the device has nothing of it any more */
void kernel_kq_clear(struct kqueue *q);
/* As launches of the next job are named, were there three packets for each job: see job_copy(). */
uint64_t kernel_kq_ring_index(const struct kqueue *q);
void kernel_kq_locate(const struct kqueue *q, const struct gaon_packet *ring, uint64_t *sequence,
		      uint32_t *list_index);
int kernel_submit(struct kfile *file, struct drm_gaon_submit *args);
int kernel_sync_create(struct kfile *file, struct drm_syncobj_create *args);
int kernel_sync_destroy(struct kfile *file, const struct drm_syncobj_destroy *args);
int kernel_sync_signal(struct kfile *file, const struct drm_syncobj_timeline_array *args);
int kernel_sync_query(struct kfile *file, const struct drm_syncobj_timeline_array *args);
int kernel_sync_wait(struct kfile *file, struct drm_syncobj_timeline_wait *args);
int kernel_sync_export(struct kfile *file, struct drm_syncobj_handle *args);
int kernel_sync_import(struct kfile *file, struct drm_syncobj_handle *args);
void kernel_sync_clean(struct kfile *file);

/* drm_kernel_debug.c; the lock is held but by kernel_events() */
int kernel_debug(struct kqueue *q, const struct drm_gaon_debug *args);
uint32_t kernel_debug_state(struct kqueue *q);
bool kernel_events(int fd, uint64_t timeout_ns);
struct kfile *kernel_file(int fd);

/* Lowest free handle of a table, 0 if it is full. */
uint32_t kernel_handle(void **table);

#endif
