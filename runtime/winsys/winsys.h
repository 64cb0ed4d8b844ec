/* SPDX-License-Identifier: MIT */
/*
 * The border between libgaon and a device: one table of functions, two implementations
 * (direct: the model in this process; drm: gaon.ko).  Nothing above may know which one is below.
 *
 * Return values are 0 or -errno.  Addresses called va are device virtual addresses of one context.
 */
#ifndef GAON_WINSYS_H
#define GAON_WINSYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gaon/gaon.h>
#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_kernel.h>
#include <hw/gaon_packet.h>

struct gaon_winsys;		/* one open device */
struct gaon_ws_context;		/* address space; user-mode queues */
struct gaon_ws_bo;		/* memory mapped into one context */
struct gaon_ws_queue;		/* queue of a context */
struct gaon_ws_sem;		/* number that only grows, also for other processes */

enum gaon_ws_placement {
	GAON_WS_DEVICE,		/* HBM */
	GAON_WS_HOST,		/* pinned host memory, allocated here */
	GAON_WS_USER,		/* the caller's memory, pinned for the life of the object */
};

#define GAON_WS_BO_CPU		(1u << 0)	/* must be CPU-mappable */
#define GAON_WS_BO_EXEC		(1u << 1)	/* kernels run from it; mapped R X, never W */
#define GAON_WS_BO_READONLY	(1u << 2)	/* device may only read */
#define GAON_WS_BO_SHARE	(1u << 3)	/* bo_export() may be asked of it */
#define GAON_WS_BO_OWN		(1u << 4)	/* the library's: no program's object gets its address */

struct gaon_ws_bo_info {
	uint64_t va, bytes;	/* bytes rounded up to pages */
	void *cpu;		/* NULL if not CPU-mappable */
	enum gaon_ws_placement placement;
};

/* Shared with the device; the producer writes packets and `write` directly. */
struct gaon_ws_queue_info {
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint32_t ring_log2;
	uint32_t id;			/* as in fault records and events */
};

/* Why a device cannot be had, and the command that mends it. */
struct gaon_ws_why {
	enum gaon_status status;
	int sys_errno;			/* positive, 0: no system call is at fault */
	char text[512];
	char hint[320];
};

/*
 * Queues that are debugged (Documentation/hw/debug.rst): made while somebody debugs (../debug.h). All may run
 * the device on this thread; none needs a lock, but a queue or context must not go away meanwhile.
 */
struct gaon_ws_debug_ops {
	/* In no slot any more; @saved: a launch is in its save area. */
	int (*suspend)(struct gaon_ws_queue *queue, bool *saved);
	int (*resume)(struct gaon_ws_queue *queue);
	/* Has it stopped by itself since this was asked last? */
	bool (*stopped)(struct gaon_ws_queue *queue);
	/* Of a suspended queue; -EFAULT: outside. */
	int (*save_access)(struct gaon_ws_queue *queue, uint64_t offset, void *data, size_t bytes,
			   bool write);
	/* The user's half, whatever kernels may do there; code too. Bytes moved, from the first on. */
	size_t (*memory)(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write);
	/* Until something happens that is not in *@events, the count of what did, or the time is over. */
	void (*wait)(struct gaon_winsys *ws, uint64_t *events, uint64_t timeout_ns);
};

struct gaon_winsys_ops {
	const char *name;
	const struct gaon_ws_debug_ops *debug;	/* NULL: its queues cannot be debugged */

	void (*close)(struct gaon_winsys *ws);
	const struct gaon_identify *(*identify)(struct gaon_winsys *ws);
	int (*telemetry)(struct gaon_winsys *ws, struct gaon_telemetry *out);
	/*
	 * What is known besides that, in @out, where the telemetry's clock, power and temperature
	 * are already. NULL: nothing.
	 */
	void (*board)(struct gaon_winsys *ws, struct gaon_device_board *out);
	/* @bytes of device memory will be filled soon. NULL: it makes no difference. One call at a time. */
	void (*expect_fill)(struct gaon_winsys *ws, uint64_t bytes);
	/* Memory as the device's owner sees it. */
	int (*mem_info)(struct gaon_winsys *ws, uint64_t *free_bytes, uint64_t *total_bytes);
	int (*correlate)(struct gaon_winsys *ws, uint64_t *cycle, uint64_t *host_ns);

	int (*context_create)(struct gaon_winsys *ws, struct gaon_ws_context **out);
	void (*context_destroy)(struct gaon_ws_context *ctx);
	/* Why context_create() said -errno. */
	void (*context_blame)(struct gaon_winsys *ws, int err, struct gaon_ws_why *why);
	uint32_t (*context_id)(struct gaon_ws_context *ctx);	/* as in fault records */
	/* The context's print ring, host-visible; data[] holds ring->size words. NULL: none. */
	struct gaon_print_ring *(*context_print_ring)(struct gaon_ws_context *ctx);

	/* Cleared unless GAON_WS_USER. -ENOMEM when HBM or host memory is exhausted. */
	int (*bo_create)(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
			 uint32_t flags, void *user, struct gaon_ws_bo **out);
	/*
	 * As bo_create(), not of GAON_WS_USER, at @va, a multiple of the page size. -EADDRINUSE: something is
	 * there, or it is no address of programs' objects.
	 */
	int (*bo_create_at)(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
			    enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out);
	void (*bo_info)(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out);
	/*
	 * Change what the device may do with a page-aligned part: @flags 0 is read and write,
	 * GAON_WS_BO_READONLY, or GAON_WS_BO_EXEC. Takes effect before it returns.
	 */
	int (*bo_protect)(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags);
	/* For messages and dumps; NULL: names are not kept. */
	void (*bo_name)(struct gaon_ws_bo *bo, const char *name);
	/* What the CPU stored in it before is seen by packets that are published after. */
	void (*bo_flush)(struct gaon_ws_bo *bo);
	/*
	 * The same memory in another context, of any process, through a file descriptor (dma-buf).
	 * -EOPNOTSUPP: not with this device; -EPERM: made without GAON_WS_BO_SHARE. Import: -EBADF or
	 * -EINVAL: @fd is none or no dma-buf; @flags 0 or GAON_WS_BO_READONLY.
	 */
	int (*bo_export)(struct gaon_ws_bo *bo, int *fd);
	int (*bo_import)(struct gaon_ws_context *ctx, int fd, uint32_t flags,
			 struct gaon_ws_bo **out);
	/* Only when no queue still uses it; unmapped and invalidated before it returns. */
	void (*bo_destroy)(struct gaon_ws_bo *bo);

	/*
	 * @limit_cycles: of a launch before the watchdog stops it; 0: the device's default.
	 * -ERANGE: more than such a queue may have.
	 */
	int (*queue_create)(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			    uint64_t limit_cycles, struct gaon_ws_queue **out);
	void (*queue_info)(const struct gaon_ws_queue *queue, struct gaon_ws_queue_info *out);
	void (*queue_doorbell)(struct gaon_ws_queue *queue);
	/*
	 * Low half of the index of the packet whose launch records in the print ring name @index. NULL: it is
	 * @index.
	 */
	uint32_t (*queue_launch)(struct gaon_ws_queue *queue, uint32_t index);
	/*
	 * First fault since the last clear, type GAON_FAULT_NONE if none. Ends wait()'s -EIO for
	 * it.
	 */
	int (*queue_fault)(struct gaon_ws_queue *queue, struct gaon_fault_record *out);
	int (*queue_clear)(struct gaon_ws_queue *queue);	/* FAULT_CLEAR: skips what is queued */
	void (*queue_destroy)(struct gaon_ws_queue *queue);	/* busy or not */

	/*
	 * Semaphores, of hosts: no queue waits for one or raises it. sem_signal() raises to @value,
	 * if it is less; sem_wait() until it is at least @value, -ETIME when the time is over.
	 * sem_import(): -EBADF or -EINVAL:
	 * @fd is none or no semaphore of such a device.
	 */
	int (*sem_create)(struct gaon_winsys *ws, struct gaon_ws_sem **out);
	int (*sem_import)(struct gaon_winsys *ws, int fd, struct gaon_ws_sem **out);
	int (*sem_export)(struct gaon_ws_sem *sem, int *fd);
	int (*sem_query)(struct gaon_ws_sem *sem, uint64_t *value);
	int (*sem_signal)(struct gaon_ws_sem *sem, uint64_t value);
	int (*sem_wait)(struct gaon_ws_sem *sem, uint64_t value, uint64_t timeout_ns);
	void (*sem_destroy)(struct gaon_ws_sem *sem);	/* nobody waits */

	/*
	 * Wait until the 64-bit value at @cpu (CPU address inside a CPU-mappable bo of @ctx) is >=
	 * @value, a queue of @ctx has a fault that queue_fault() has not told yet (-EIO), the time
	 * is over (-ETIME) or the device is lost (-ENODEV).  May run the device on this thread.
	 */
	int (*wait)(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
		    uint64_t timeout_ns);
};

struct gaon_winsys {
	const struct gaon_winsys_ops *ops;
	char name[64];			/* as gaon_device_open() takes it */
	char address[32];		/* on its bus, or "" */
	const char *transport;		/* "embedded" or "pci" */
	/*
	 * Flags that a packet must carry for its completion to wake who sleeps in wait(); 0: every
	 * completion does. Without them wait() looks again after some milliseconds.
	 */
	uint16_t wake_flags;
};

/*
 * Opens the model in this process: 0, or the negative errno with @why filled. Configuration from the
 * environment: see Documentation/runtime.
 */
int gaon_winsys_direct_open(struct gaon_winsys **out, struct gaon_ws_why *why);

/* A card of this machine, whether or not it can be opened. */
struct gaon_ws_card {
	char name[64];			/* "accel0"; the PCI address of one that has no node */
	char address[32];		/* "0000:c1:00.0" */
	char serial[33];		/* hexadecimal, "" if it is not known */
	char node[64];			/* "/dev/accel/accel0", "" if the driver made none */
	char driver[32];		/* that is bound to it, "" if none */
};

/* Cards in the order of their numbers, those without a node last. *@out is the caller's to free. */
int gaon_winsys_drm_list(struct gaon_ws_card **out, size_t *count);
/*
 * Opens the card of that name, PCI address or serial number: 0, or the negative errno with @why
 * filled. @kernel_queues: its queues are the kernel's, which takes their work by system calls. No
 * host memory of the caller's (GAON_WS_USER) can be mapped then.
 */
int gaon_winsys_drm_open(const char *name, bool kernel_queues, struct gaon_winsys **out,
			 struct gaon_ws_why *why);

#endif
