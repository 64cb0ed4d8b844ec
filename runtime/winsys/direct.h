/* SPDX-License-Identifier: MIT */
/*
 * winsys/direct: a GA1 driven from user space through its registers, rings and page tables; the
 * device is the model in this process.
 *
 *   direct.c        open, close, properties          direct_env.c    configuration from the environment
 *   direct_boot.c   PCI set-up, firmware             direct_admin.c  admin queue
 *   direct_iova.c   host memory the device reaches   direct_vm.c     page tables, invalidation
 *   direct_bo.c     memory objects                   direct_queue.c  contexts and queues
 *   direct_event.c  event rings, faults, waiting   direct_debug.c  queues that are debugged
 *
 * Locks, outer to inner: context->lock, direct->admin_lock, direct->tlbi_lock, direct->mem_lock,
 * direct->event_lock, direct->iova.lock. The model may hold its own when it calls direct_dma_map()
 * (iova.lock): never call the model with it held.
 */
#ifndef GAON_WINSYS_DIRECT_H
#define GAON_WINSYS_DIRECT_H

#include <pthread.h>
#include <stdatomic.h>

#include <hw/gaon_regs.h>

#include "../../tools/sim/gaon_sim.h"
#include "../clock.h"
#include "common.h"
#include "va.h"

/* --- host memory that the device may reach --------------------------------------------------- */

struct direct_range {
	uint64_t iova, bytes;
	uint8_t *cpu;
	bool writable;
};

struct direct_iova {
	pthread_rwlock_t lock;
	struct direct_range *list;	/* by iova */
	size_t count, room;
	uint64_t next;			/* addresses are given out in turn: a stale one is found out */
};

/* Host pages with a bus address. */
struct direct_host {
	uint8_t *cpu;
	uint64_t bytes, iova;
	bool owned;			/* mapped here */
};

/* --- page tables ----------------------------------------------------------------------------- */

struct direct_pt {
	uint64_t *pte;			/* what the device walks */
	uint64_t pa;
	uint16_t live;			/* entries in use */
	struct direct_pt **child;	/* NULL in the last level */
	struct direct_pt *next;		/* in lists of pages to free */
};

struct direct_vm {
	struct direct *ws;
	uint16_t asid;
	struct direct_pt *root;
	struct winsys_va user;		/* free addresses */
	struct extents kernel;
};

/* --- objects --------------------------------------------------------------------------------- */

struct gaon_ws_context {
	struct direct *ws;
	pthread_mutex_t lock;		/* vm */
	struct direct_vm vm;
	uint32_t id;
	struct gaon_ws_bo *print;
	_Atomic uint32_t untold;	/* faulted queues whose fault nobody has asked for */
	_Atomic uint32_t bos, queues;
};

#define DIRECT_BO_EXTENTS	4096	/* pieces of device memory at most */

struct gaon_ws_bo {
	struct gaon_ws_context *ctx;
	enum gaon_ws_placement placement;
	uint32_t flags;
	uint64_t va, bytes;
	uint8_t *cpu;
	struct direct_host host;
	struct extent *hbm;
	size_t hbm_count;
};

struct gaon_ws_queue {
	struct gaon_ws_context *ctx;
	uint32_t id, ring_log2;
	struct gaon_ws_bo *bo;		/* ring, then the state block; NULL if they are the caller's */
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint64_t save_va;
	struct direct_host save;
	/* event_lock */
	bool faulted, told;
	bool stopped;			/* for its debugger, and nobody has asked yet */
	struct gaon_fault_record fault;
};

struct direct_event_ring {
	struct direct_host host;
	struct gaon_event *events;
	uint64_t head;
	bool enabled;
};

struct direct {
	struct gaon_winsys ws;
	struct gaon_sim *sim;
	struct gaon_sim_config config;
	struct gaon_identify identify;
	struct direct_iova iova;
	_Atomic bool lost;
	struct direct_host image;	/* firmware, until it runs */

	pthread_mutex_t admin_lock;
	struct direct_host admin;
	struct gaon_admin_cmd *sq;
	struct gaon_admin_reply *cq;
	uint64_t admin_next;

	pthread_mutex_t tlbi_lock;
	uint64_t *tlbi_done;		/* in the admin pages */
	uint64_t tlbi_seq;

	struct direct_ready *ready;	/* or NULL: direct_ready.c */
	pthread_mutex_t mem_lock;
	struct extents hbm;
	uint8_t *aperture;
	uint64_t aperture_bytes, hbm_bytes;
	struct direct_host *pt_arenas;	/* pages of page tables */
	size_t pt_arena_count;
	struct direct_pt *pt_free;

	uint64_t retired_taken;		/* which of retired are out of hbm; mem_lock */
	uint64_t retired[GAON_RETIRED_MAX];	/* grows only, under event_lock */
	_Atomic uint32_t retired_count;
	_Atomic bool retired_stale;

	pthread_mutex_t event_lock;
	struct direct_event_ring rings[GAON_EVENT_RINGS];
	struct gaon_ws_context *contexts[GAON_CONTEXTS];
	struct gaon_ws_queue *queues[GAON_QUEUES];
	uint32_t next_context, next_queue;
	_Atomic uint32_t raised;	/* bit per MSI-X vector that came since last drained */
	_Atomic uint64_t events;	/* the device's count of events when last drained */
};

/* direct_ras.c */
/* Reads the device's list if records of it may have been lost. No lock held. */
int direct_ras_refresh(struct direct *ws);
/* A RAS record; event_lock held. */
void direct_ras_event(struct direct *ws, const struct gaon_event *event);
/* Takes retired pages that are free out of the free memory; mem_lock held. */
void direct_ras_sweep(struct direct *ws);

/* direct.c */
void direct_lose(struct direct *ws, const char *why);

static inline uint32_t direct_reg_read(struct direct *ws, uint32_t reg)
{
	return (uint32_t)gaon_sim_bar_read(ws->sim, GAON_BAR_REGS, reg, 4);
}

static inline uint64_t direct_reg_read64(struct direct *ws, uint32_t reg)
{
	return gaon_sim_bar_read(ws->sim, GAON_BAR_REGS, reg, 8);
}

static inline void direct_reg_write(struct direct *ws, uint32_t reg, uint32_t value)
{
	gaon_sim_bar_write(ws->sim, GAON_BAR_REGS, reg, value, 4);
}

static inline void direct_reg_write64(struct direct *ws, uint32_t reg, uint64_t value)
{
	gaon_sim_bar_write(ws->sim, GAON_BAR_REGS, reg, value, 8);
}

/* direct_env.c: 0, or -EINVAL with @why naming the variable. */
int direct_config_from_env(struct gaon_sim_config *config, char *why, size_t why_size);

/* direct_boot.c */
int direct_boot(struct direct *ws, char *why, size_t why_size);

/* direct_iova.c */
void direct_iova_init(struct direct_iova *iova);
void direct_iova_fini(struct direct_iova *iova);
int direct_iova_add(struct direct_iova *iova, void *cpu, uint64_t bytes, bool writable,
		    uint64_t *out);
/* Only when the device can no longer reach it. */
void direct_iova_del(struct direct_iova *iova, uint64_t addr);
uint8_t *direct_dma_map(void *ctx, uint64_t addr, uint64_t *len, bool write);
/* Zeroed pages, never committed before use. */
int direct_host_alloc(struct direct *ws, uint64_t bytes, struct direct_host *out);
void direct_host_free(struct direct *ws, struct direct_host *host);

/* direct_admin.c */
int direct_admin_start(struct direct *ws);
void direct_admin_stop(struct direct *ws);
/* 0, -errno of the firmware's status, or -ENODEV. */
int direct_admin(struct direct *ws, struct gaon_admin_cmd *cmd, struct gaon_admin_reply *reply);
/* IDENTIFY, TELEMETRY, RETIRED: what the firmware writes to memory, through a page of its own. */
int direct_admin_read(struct direct *ws, uint16_t opcode, void *out, size_t bytes);

/* 0, -ENODEV, -ETIMEDOUT */
int direct_run_until(struct direct *ws, const uint64_t *word, uint64_t value, uint64_t timeout_ns);

/* direct_vm.c; ctx->lock held but for init and fini */
int direct_vm_init(struct direct *ws, struct direct_vm *vm, uint16_t asid);
void direct_vm_fini(struct direct_vm *vm);
int direct_vm_map(struct direct_vm *vm, uint64_t va, uint64_t pa, uint64_t bytes, uint64_t prot);
/* Unmaps and waits for the invalidation. */
int direct_vm_unmap(struct direct_vm *vm, uint64_t va, uint64_t bytes);
/* Where @va is, whatever may be done there; false: nowhere. */
bool direct_vm_find(struct direct_vm *vm, uint64_t va, uint64_t *pa);
int direct_vm_protect(struct direct_vm *vm, uint64_t va, uint64_t bytes, uint64_t prot);
int direct_tlb_invalidate(struct direct *ws, uint32_t asid, uint64_t va, uint64_t bytes);
void direct_pt_release_all(struct direct *ws);

/* direct_ready.c: makes pages ready for what will be filled, once for a device. The caller locks. */
void direct_ready_begin(struct gaon_winsys *winsys, uint64_t bytes);
void direct_ready_end(struct direct *ws);

/* direct_bo.c */
int direct_bo_create(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
		     uint32_t flags, void *user, struct gaon_ws_bo **out);
int direct_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
			enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out);
void direct_hbm_clear(struct direct *ws, uint64_t start, uint64_t bytes);
void direct_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out);
int direct_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
void direct_bo_flush(struct gaon_ws_bo *bo);
int direct_bo_export(struct gaon_ws_bo *bo, int *fd);
int direct_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags, struct gaon_ws_bo **out);
void direct_bo_destroy(struct gaon_ws_bo *bo);

/* direct_queue.c */
/* A number and an address space; nothing runs in it until it is started. */
int direct_context_alloc(struct direct *ws, struct gaon_ws_context **out);
int direct_context_start(struct gaon_ws_context *ctx, uint64_t print_va);
/* One that was not started, or that the firmware has destroyed. */
void direct_context_free(struct gaon_ws_context *ctx);
int direct_context_create(struct gaon_winsys *winsys, struct gaon_ws_context **out);
void direct_context_destroy(struct gaon_ws_context *ctx);
int direct_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			uint64_t limit_cycles, struct gaon_ws_queue **out);
/* In memory of the caller, ring and then state block: at @ring here, at @ring_va there. */
int direct_queue_create_at(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			   uint64_t limit_cycles, uint8_t *ring, uint64_t ring_va,
			   struct gaon_ws_queue **out);
void direct_queue_info(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out);
void direct_queue_doorbell(struct gaon_ws_queue *queue);
int direct_queue_clear(struct gaon_ws_queue *queue);
void direct_queue_destroy(struct gaon_ws_queue *queue);

/* direct_event.c */
int direct_event_ring_start(struct direct *ws, uint32_t ring);
void direct_event_drain(struct direct *ws);
void direct_interrupt(void *ctx, unsigned int vector);
int direct_queue_fault(struct gaon_ws_queue *queue, struct gaon_fault_record *out);
int direct_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
		uint64_t timeout_ns);

/* direct_debug.c: winsys.h says what each does */
bool direct_debug_wanted(const struct direct *ws);
int direct_debug_suspend(struct gaon_ws_queue *queue, bool *saved);
int direct_debug_resume(struct gaon_ws_queue *queue);
bool direct_debug_stopped(struct gaon_ws_queue *queue);
int direct_debug_save_access(struct gaon_ws_queue *queue, uint64_t offset, void *data, size_t bytes,
			     bool write);
size_t direct_debug_memory(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write);
void direct_debug_wait(struct gaon_winsys *winsys, uint64_t *events, uint64_t timeout_ns);

/* direct_sem.c */
int direct_sem_create(struct gaon_winsys *winsys, struct gaon_ws_sem **out);
int direct_sem_import(struct gaon_winsys *winsys, int fd, struct gaon_ws_sem **out);
int direct_sem_export(struct gaon_ws_sem *sem, int *fd);
int direct_sem_query(struct gaon_ws_sem *sem, uint64_t *value);
int direct_sem_signal(struct gaon_ws_sem *sem, uint64_t value);
int direct_sem_wait(struct gaon_ws_sem *sem, uint64_t value, uint64_t timeout_ns);
void direct_sem_destroy(struct gaon_ws_sem *sem);

#endif
