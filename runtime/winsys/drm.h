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
 *   drm_debug.c  queues that are debugged
 *
 * A context is an LR address space, its queues are user-mode queues: packets, completion values and
 * doorbells need no system call. Or, by choice when the card is opened, all its queues are kernel-owned
 * (drm_kq.c).
 *
 * Locks, outer to inner: drm->share_lock, context->held.lock, context->lock, kq->lock,
 * context->words_lock.
 */
#ifndef GAON_WINSYS_DRM_H
#define GAON_WINSYS_DRM_H

#include <pthread.h>
#include <stdatomic.h>

#include <drm/gaon_accel.h>

#include "../clock.h"
#include "common.h"
#include "drm_sys.h"
#include "va.h"

/* --- objects --------------------------------------------------------------------------------- */

struct drm {
	struct gaon_winsys ws;
	struct gaon_ws_card card;
	int fd;
	struct gaon_identify identify;
	struct drm_gaon_query_device limits;
	bool kernel_queues;		/* contexts' queues are kernel-owned */
	_Atomic bool lost;
	_Atomic uint64_t events;	/* times that the file had some: while somebody debugs */
	/* GEM handles that may have been given twice: PRIME gives the one that the file has. */
	pthread_mutex_t share_lock;
	struct gaon_ws_bo *shared;
};

/* Kernel-owned queues that stand before a WAIT, and the thread that takes them further; drm_held.c. */
struct drm_held {
	pthread_mutex_t lock;
	struct gaon_ws_queue *first;
	_Atomic uint32_t count;		/* of the list */
	bool running, stop;
	pthread_t thread;
	pthread_cond_t wake;		/* of the thread while there is no queue */
	uint32_t syncobj;		/* wakes the thread else: it waits for the next point */
	uint64_t point;			/* signalled last */
};

struct gaon_ws_context {
	struct drm *ws;
	pthread_mutex_t lock;		/* va, queues */
	struct winsys_va va;
	uint32_t vm, id;
	struct gaon_ws_bo *print;
	uint8_t *doorbells;		/* NULL until the first queue is made */
	struct gaon_ws_queue *queues;
	_Atomic uint32_t looks;		/* waits of no time, see drm_wait() */
	struct drm_held held;
	uint64_t serials;		/* given to kernel-owned queues; lock */
	/* Host memory, where the WAITs of kernel-owned queues look. */
	pthread_mutex_t words_lock;
	struct gaon_ws_bo *words;
	/* While somebody debugs: all objects that are mapped, by drm_debug.c; lock */
	struct gaon_ws_bo *debugged;
};

struct gaon_ws_bo {
	struct gaon_ws_context *ctx;
	enum gaon_ws_placement placement;
	uint32_t flags, handle;
	uint64_t va, bytes;
	uint8_t *cpu;
	bool mapped;			/* cpu was mapped here */
	struct gaon_ws_bo *next;	/* drm->shared */
	struct gaon_ws_bo *next_word, **link_word;	/* ctx->words */
	struct gaon_ws_bo *next_debugged, **link_debugged;	/* ctx->debugged */
	uint8_t *seen;			/* where a debugger sees it that has no cpu; NULL: not mapped yet */
	struct drm_protected *parts;	/* that were protected since it was made, the newest first */
	bool unknown;			/* there was no memory for one of them */
};

/*
 * What makes a queue kernel-owned. The ring is memory that the device does not see; of each packet in it
 * a job is made, a list of two packets: the one of the ring and one that stores the read index.
 */
struct drm_kq {
	pthread_mutex_t lock;		/* all below, and the list's memory */
	struct gaon_packet *list;	/* two for each entry of the ring */
	uint64_t list_va, read_va;
	uint64_t submitted;		/* packets of the ring that the kernel has, or that were dropped */
	uint64_t first;			/* the first one since the queue was made or cleared */
	uint64_t ring_index;		/* what print records name its launch by */
	uint64_t jobs;			/* that the kernel took ever; the syncobj's point of the newest */
	uint64_t settled;		/* point that is known to be signalled */
	uint32_t syncobj;
	uint64_t serial;		/* of the context's queues, never used again */
	bool again;			/* the kernel had no room: to be tried again */
	bool holds;			/* the next packet is a WAIT for a word that is not there yet */
	_Atomic bool stopped;		/* the kernel takes nothing until the queue is cleared */
	/* held.lock */
	struct gaon_ws_queue *next_held;
	bool listed;
	/* The job that ends the WAIT which is packet @dep_at - 1, once it is known. */
	struct drm_kq_job {
		uint64_t serial, point;	/* serial 0: none */
		uint32_t syncobj;
	} dep;
	uint64_t dep_at;
	/*
	 * What it waited for ended without storing the word: until it is stored there is nothing to
	 * wait for.
	 */
	struct drm_kq_job failed;
};

struct gaon_ws_queue {
	struct gaon_ws_context *ctx;
	struct gaon_ws_queue *next;	/* ctx->queues */
	uint32_t handle, hw_id, ring_log2, doorbell;
	struct gaon_ws_bo *bo;		/* ring, then the state block */
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	_Atomic bool told;		/* its fault was asked for */
	uint64_t events;		/* drm->events when a debugger last asked whether it has stopped */
	struct drm_kq *kq;		/* NULL: user-mode */
};

/*
 * An ioctl of the card: 0 or -errno. A card that is gone, or that its driver has given up, is -ENODEV
 * and marked lost.
 */
int drm_call(struct drm *ws, unsigned long request, void *arg);
int drm_query(struct drm *ws, uint32_t type, void *out, uint32_t bytes);
void drm_lose(struct drm *ws, const char *why);
int drm_mem_info(struct gaon_winsys *winsys, uint64_t *free_bytes, uint64_t *total_bytes);

/* drm_bo.c */
int drm_bo_create(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
		  uint32_t flags, void *user, struct gaon_ws_bo **out);
int drm_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out);
/* At @va, which the caller has taken and keeps on failure. */
int drm_bo_create_taken(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out);
void drm_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out);
int drm_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
void drm_bo_name(struct gaon_ws_bo *bo, const char *name);
void drm_bo_flush(struct gaon_ws_bo *bo);
int drm_bo_export(struct gaon_ws_bo *bo, int *fd);
int drm_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags, struct gaon_ws_bo **out);
void drm_bo_destroy(struct gaon_ws_bo *bo);
/* The same as drm_bo_protect() without checks and notes. */
int drm_bo_bind(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
int drm_bo_map(struct gaon_ws_bo *bo, void **cpu);

/* drm_queue.c */
int drm_context_create(struct gaon_winsys *winsys, struct gaon_ws_context **out);
void drm_context_destroy(struct gaon_ws_context *ctx);
uint32_t drm_context_id(struct gaon_ws_context *ctx);
struct gaon_print_ring *drm_context_print_ring(struct gaon_ws_context *ctx);
int drm_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
		     uint64_t limit_cycles, struct gaon_ws_queue **out);
void drm_queue_info(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out);
void drm_queue_doorbell(struct gaon_ws_queue *queue);
uint32_t drm_queue_launch(struct gaon_ws_queue *queue, uint32_t index);
int drm_queue_fault(struct gaon_ws_queue *queue, struct gaon_fault_record *out);
int drm_queue_clear(struct gaon_ws_queue *queue);
void drm_queue_destroy(struct gaon_ws_queue *queue);
int drm_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
	     uint64_t timeout_ns);

/* The queue's handle is destroyed, busy or not. */
void drm_queue_destroy_handle(struct gaon_ws_queue *queue);

/* drm_kq.c: the same for kernel-owned queues */
int drm_kq_create(struct gaon_ws_queue *queue, uint8_t priority, uint64_t limit_cycles);
void drm_kq_destroy(struct gaon_ws_queue *queue);
void drm_kq_doorbell(struct gaon_ws_queue *queue);
int drm_kq_clear(struct gaon_ws_queue *queue);
/* The kernel says that there is no fault: if work was refused it is given again. */
void drm_kq_resume(struct gaon_ws_queue *queue);
/* The packet of the ring that the kernel's job @job was made of. */
uint64_t drm_kq_packet(struct gaon_ws_queue *queue, uint64_t job);
/* Low half of the same, of the launch that print records name @index. */
uint32_t drm_kq_launch(struct gaon_ws_queue *queue, uint32_t index);
/*
 * What the device has completed is over for the kernel as well, which hears of it a moment later: only then
 * it gives memory back that was in use.
 */
void drm_kq_settle(struct gaon_ws_context *ctx);
#define DRM_KQ_MOVED	(1u << 0)	/* the kernel got something */
#define DRM_KQ_HELD	(1u << 1)	/* something is left that only drm_held.c can take further */
#define DRM_KQ_WAS_HELD	(1u << 2)

/* Hands over what can be. No kq's lock held. */
unsigned int drm_kq_pump(struct gaon_ws_queue *queue);

/* What a kernel-owned queue stands before. */
struct drm_kq_hold {
	struct gaon_packet wait;
	uint64_t at;			/* of the WAIT in the ring */
	bool again;			/* no WAIT: the kernel had no room */
};

bool drm_kq_held(struct gaon_ws_queue *queue, struct drm_kq_hold *out);
/* Whether the WAIT is over; a word out of reach counts as such, and the device refuses the packet. */
bool drm_kq_satisfied(struct gaon_ws_context *ctx, const struct gaon_packet *packet);
/* The first job of @queue that ends the WAIT, among those that the kernel got of late: its point, or 0. */
uint64_t drm_kq_find(struct gaon_ws_queue *queue, const struct gaon_packet *wait);

/* drm_held.c */
int drm_held_start(struct gaon_ws_context *ctx);
void drm_held_stop(struct gaon_ws_context *ctx);
/* To be called after a pump by anybody else, no lock held. */
void drm_held_note(struct gaon_ws_queue *queue, unsigned int pumped);
/* The queue is going to be destroyed. */
void drm_held_remove(struct gaon_ws_queue *queue);

/* drm_debug.c */
extern const struct gaon_ws_debug_ops drm_debug_ops;
/* Whether queues are made that can be debugged, and memory that a debugger can see. */
bool drm_debug_wanted(const struct drm *ws);
/* An object that has its address, and one that is about to lose it. */
void drm_debug_add_bo(struct gaon_ws_bo *bo);
void drm_debug_del_bo(struct gaon_ws_bo *bo);
void drm_debug_note_protected(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
/* Whether the queue is suspended now. */
bool drm_debug_suspended(struct gaon_ws_queue *queue);

/* drm_sync.c: 0 or -errno */
int drm_sync_create(struct drm *ws, uint32_t *handle);
void drm_sync_destroy(struct drm *ws, uint32_t handle);
int drm_sync_signal(struct drm *ws, uint32_t handle, uint64_t point);
/*
 * Until one of the points is signalled, also one that nobody has promised yet; -ETIME at @deadline of the
 * monotonic clock. *@first, if not NULL, is which.
 */
int drm_sync_wait(struct drm *ws, const uint32_t *handles, const uint64_t *points, uint32_t count,
		  uint64_t deadline, uint32_t *first);

int drm_sem_create(struct gaon_winsys *winsys, struct gaon_ws_sem **out);
int drm_sem_import(struct gaon_winsys *winsys, int fd, struct gaon_ws_sem **out);
int drm_sem_export(struct gaon_ws_sem *sem, int *fd);
int drm_sem_query(struct gaon_ws_sem *sem, uint64_t *value);
int drm_sem_signal(struct gaon_ws_sem *sem, uint64_t value);
int drm_sem_wait(struct gaon_ws_sem *sem, uint64_t value, uint64_t timeout_ns);
void drm_sem_destroy(struct gaon_ws_sem *sem);

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

/* --- sysfs ----------------------------------------------------------------------------------- */

/* drm_list.c: first line of a file, without its end; false if there is none. */
bool drm_read_line(const char *dir, const char *name, char *out, size_t size);
/* Last part of where a link points to; "" if there is no link. */
void drm_link_name(const char *dir, const char *name, char *out, size_t size);
/* drm_board.c */
void drm_board(struct gaon_winsys *winsys, struct gaon_device_board *out);

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
