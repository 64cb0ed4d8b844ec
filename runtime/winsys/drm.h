/* SPDX-License-Identifier: MIT */
/*
 * winsys/drm: a card through the kernel module gaon.ko.
 *
 *   drm.c        open, close, properties       drm_sys.c    system calls, which tests replace
 *   drm_bo.c     memory objects, addresses     drm_queue.c  contexts, queues, faults, waiting
 *   drm_list.c   cards of this machine         drm_why.c    why one cannot be opened
 *   drm_kmod.c   state of the kernel module    drm_fw.c     firmware files
 *   drm_kq.c     kernel-owned queues           drm_held.c   those that wait for a word
 *   drm_sync.c   timeline syncobjs              drm_board.c  link, sensors, driver
 *
 * A context is an LR address space, its queues are user-mode queues: packets, completion values and
 * doorbells need no system call.
 *
 * Locks, outer to inner: drm->share_lock, context->lock.
 */
#ifndef GAON_WINSYS_DRM_H
#define GAON_WINSYS_DRM_H

#include <pthread.h>
#include <stdatomic.h>

#include <drm/gaon_accel.h>

#include "drm_sys.h"
#include "va.h"
#include "winsys.h"

/* --- objects --------------------------------------------------------------------------------- */

struct drm {
	struct gaon_winsys ws;
	struct gaon_ws_card card;
	int fd;
	struct gaon_identify identify;
	struct drm_gaon_query_device limits;
	_Atomic bool lost;
	/* GEM handles that may have been given twice: PRIME gives the one that the file has. */
	pthread_mutex_t share_lock;
	struct gaon_ws_bo *shared;
};

struct gaon_ws_context {
	struct drm *ws;
	pthread_mutex_t lock;		/* va, queues */
	struct extents va;
	uint32_t vm, id;
	struct gaon_ws_bo *print;
	uint8_t *doorbells;		/* NULL until the first queue is made */
	struct gaon_ws_queue *queues;
	_Atomic uint32_t looks;		/* waits of no time, see drm_wait() */
};

struct gaon_ws_bo {
	struct gaon_ws_context *ctx;
	enum gaon_ws_placement placement;
	uint32_t flags, handle;
	uint64_t va, bytes;
	uint8_t *cpu;
	bool mapped;			/* cpu was mapped here */
	struct gaon_ws_bo *next;	/* drm->shared */
};

struct gaon_ws_queue {
	struct gaon_ws_context *ctx;
	struct gaon_ws_queue *next;	/* ctx->queues */
	uint32_t handle, hw_id, ring_log2, doorbell;
	struct gaon_ws_bo *bo;		/* ring, then the state block */
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	_Atomic bool told;		/* its fault was asked for */
};

/*
 * An ioctl of the card: 0 or -errno. A card that is gone, or that its driver has given up, is -ENODEV
 * and marked lost.
 */
int drm_call(struct drm *ws, unsigned long request, void *arg);
int drm_query(struct drm *ws, uint32_t type, void *out, uint32_t bytes);
void drm_lose(struct drm *ws, const char *why);

/* drm_bo.c */
int drm_bo_create(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
		  uint32_t flags, void *user, struct gaon_ws_bo **out);
/* At @va, which the caller has taken and keeps on failure. */
int drm_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out);
void drm_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out);
int drm_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
void drm_bo_flush(struct gaon_ws_bo *bo);
int drm_bo_export(struct gaon_ws_bo *bo, int *fd);
int drm_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags, struct gaon_ws_bo **out);
void drm_bo_destroy(struct gaon_ws_bo *bo);

/* drm_queue.c */
int drm_context_create(struct gaon_winsys *winsys, struct gaon_ws_context **out);
void drm_context_destroy(struct gaon_ws_context *ctx);
uint32_t drm_context_id(struct gaon_ws_context *ctx);
struct gaon_print_ring *drm_context_print_ring(struct gaon_ws_context *ctx);
int drm_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
		     uint64_t limit_cycles, struct gaon_ws_queue **out);
void drm_queue_info(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out);
void drm_queue_doorbell(struct gaon_ws_queue *queue);
int drm_queue_fault(struct gaon_ws_queue *queue, struct gaon_fault_record *out);
int drm_queue_clear(struct gaon_ws_queue *queue);
void drm_queue_destroy(struct gaon_ws_queue *queue);
int drm_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
	     uint64_t timeout_ns);

/* --- explanations; they fill @why ------------------------------------------------------------ */

/* No card is called @name. */
void drm_why_missing(const char *name, struct gaon_ws_why *why);
/* The card is there, its node is not. */
void drm_why_no_node(const struct gaon_ws_card *card, struct gaon_ws_why *why);
/* open() of its node failed. */
void drm_why_open(const struct gaon_ws_card *card, int err, struct gaon_ws_why *why);
/* The node is no driver that this library knows. */
void drm_why_driver(const struct gaon_ws_card *card, const char *driver, int major, int minor,
		    struct gaon_ws_why *why);
/* The first question to the driver failed. */
void drm_why_query(const struct gaon_ws_card *card, int err, struct gaon_ws_why *why);
void drm_context_blame(struct gaon_winsys *winsys, int err, struct gaon_ws_why *why);

/* drm_kmod.c */
enum drm_module {
	DRM_MODULE_LOADED,
	DRM_MODULE_INSTALLED,		/* modprobe would do */
	DRM_MODULE_BLACKLISTED,		/* installed, and not loaded by itself */
	DRM_MODULE_ABSENT,		/* not installed for the running kernel */
	DRM_MODULE_UNKNOWN,		/* the module directory cannot be read */
};

enum drm_module drm_module_state(char *release, size_t size);

/* drm_fw.c: what is wrong with the firmware files; false if nothing is. */
bool drm_fw_fault(char *text, size_t size);

#endif
/* --- sysfs ----------------------------------------------------------------------------------- */

/* drm_list.c: first line of a file, without its end; false if there is none. */
bool drm_read_line(const char *dir, const char *name, char *out, size_t size);
/* Last part of where a link points to; "" if there is no link. */
void drm_link_name(const char *dir, const char *name, char *out, size_t size);
/* drm_board.c */
void drm_board(struct gaon_winsys *winsys, struct gaon_device_board *out);

