/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_QUEUE_H_
#define _GAON_QUEUE_H_

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <hw/gaon_admin.h>
#include <uapi/drm/gaon_accel.h>

#include "gaon_event.h"
#include "gaon_vm.h"

struct drm_event;
struct drm_pending_event;
struct drm_printer;
struct gaon_admin_reply;
struct gaon_doorbell;
struct gaon_fault_event;
struct gaon_stop_event;
struct gaon_kq;

/** struct gaon_queues - the queues of a device */
struct gaon_queues {
	/**
	 * @lock: protects @list. Held while fences are signalled after a reset: nobody allocates
	 * under it.
	 */
	struct mutex lock;
	/** @list: &struct gaon_queue.node of queues that the device may know. */
	struct list_head list;
	/** @kernel: kernel-owned queues that exist. */
	atomic_t kernel;
	/** @wq: whatever fences wait for beside jobs: faults, timeouts. */
	struct workqueue_struct *wq;
	/**
	 * @jobs_wq: drm_sched's works, which give jobs to the device and free them. They are short,
	 * and run on the processor of who submits: waking another one costs more than SUBMIT.
	 */
	struct workqueue_struct *jobs_wq;
};

/** struct gaon_client - what an open file has of queues */
struct gaon_client {
	/** @gfile: the file. */
	struct gaon_file *gfile;
	/** @queues: struct gaon_queue by handle; with a reference each. */
	struct xarray queues;
	/** @count: queues that exist or are being made. */
	atomic_t count;
	/** @jobs: of kernel-owned queues that are not freed yet; wake_up_var() when 0. */
	atomic_t jobs;
	/** @doorbell_lock: protects @doorbells. */
	struct mutex doorbell_lock;
	/** @doorbells: struct gaon_doorbell by handle of its VM; with a reference each. */
	struct xarray doorbells;
	/** @event_lock: protects what is below. Outside drm_device.event_lock. */
	spinlock_t event_lock;
	/** @closed: the file is being closed: it takes no events. */
	bool closed;
	/** @dropped: events that found no room. */
	u64 dropped;
	/** @core: cycles of cores that queues took which have ended. */
	atomic64_t core;
	/** @copy: the same of copy engines. */
	atomic64_t copy;
};

/** struct gaon_times - cycles that a queue has had */
struct gaon_times {
	/** @core: of cores, all together. */
	u64 core;
	/** @copy: of copy engines. */
	u64 copy;
};

/** struct gaon_fault_state - the first fault of a queue since it was created or cleared */
struct gaon_fault_state {
	/** @flags: FAULTED, WAS_RESET, GUILTY of the interface's queue state; 0: all is well. */
	u32 flags;
	/** @told: somebody has acknowledged it; else it counts in gaon_vm.untold. */
	bool told;
	/** @record: what happened. */
	struct gaon_fault_record record;
	/** @sequence: as users count, see &struct drm_gaon_fault. */
	u64 sequence;
};

/**
 * struct gaon_queue - a queue
 *
 * References: the file's handle, calls under way, jobs. Its end on the device comes before:
 * it is ended once, by whoever took it out of gaon_client.queues.
 */
struct gaon_queue {
	/** @hwq: number of the hardware queue, and who listens. */
	struct gaon_hwq hwq;
	/** @ref: references. */
	struct kref ref;
	/** @node: in gaon_queues.list. */
	struct list_head node;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @client: the file's; valid until it has ended, and while it has jobs. */
	struct gaon_client *client;
	/** @vm: its address space, with a reference until it has ended. */
	struct gaon_vm *vm;
	/** @handle: that the file knows it by. Constant. */
	u32 handle;
	/** @vm_handle: of @vm. Constant. */
	u32 vm_handle;
	/** @debug: it was created for debugging (gaon_debug.c). Constant. */
	bool debug;
	/** @save: where a preempted launch goes; bytes 0: nowhere. */
	struct gaon_kbuf save;
	/** @doorbell: of a user-mode queue; NULL: kernel-owned. */
	struct gaon_doorbell *doorbell;
	/** @ring_va: its ring, and log2 of its packets; for dumps. Constant. */
	u64 ring_va;
	/** @state_va: its state block; for dumps. Constant. */
	u64 state_va;
	/** @ring_log2: see @ring_va. */
	u32 ring_log2;
	/** @kq: of a kernel-owned queue; NULL: user-mode. */
	struct gaon_kq *kq;
	/** @check: asks the firmware how the queue is, when events may have been lost. */
	struct work_struct check;
	/** @doubtful: a reset may have hit it, for @check to find out. */
	atomic_t doubtful;
	/**
	 * @lock: serialises commands that change the queue. Fences wait for those: no allocation
	 * and no reservation under it.
	 */
	struct mutex lock;
	/** @cmd: that created it on the device, but for the priority. Constant then. */
	struct gaon_admin_queue cmd;
	/** @noted: how it was when the machine went to sleep. */
	struct gaon_admin_restore noted;
	/** @noted_held: it was suspended, or had stopped, for its debugger then. */
	bool noted_held;
	/** @times: when they were asked last; protected by @lock. */
	struct gaon_times times;
	/** @priority: of &enum drm_gaon_priority; written under @lock. */
	u32 priority;
	/** @listed: in gaon_queues.list, and hears of events. */
	bool listed;
	/** @on_device: the device may know it. */
	bool on_device;
	/** @entered: the device knows it, and a restart of the firmware creates it again. */
	bool entered;
	/** @held: its debugger has suspended it: the save area is its owner's; under @lock. */
	bool held;
	/** @ended: it is being destroyed; written under @lock. */
	bool ended;
	/** @dead: a reset took it from the device. Never cleared. */
	bool dead;

	/** @fault_lock: protects what is below. Innermost but for gaon_client.event_lock. */
	spinlock_t fault_lock;
	/** @fault: what is wrong. */
	struct gaon_fault_state fault;
	/** @clears: twice as often as it was let go on; odd: it just is. */
	u32 clears;
	/** @event: to send with the next first fault; NULL when it was sent. */
	struct gaon_fault_event *event;
	/** @stopped: it has stopped for its debugger since it was created or resumed. */
	bool stopped;
	/** @stop: to send when it does; NULL when it was sent, or it cannot be debugged. */
	struct gaon_stop_event *stop;
};

static inline struct gaon_queue *to_gaon_queue(struct gaon_hwq *hwq)
{
	return container_of(hwq, struct gaon_queue, hwq);
}

/* gaon_queue.c */
int gaon_queues_init(struct gaon_device *gdev);
void gaon_queues_lose_all(struct gaon_device *gdev, int err);
void gaon_queues_check_all(struct gaon_device *gdev, u32 context);
bool gaon_queues_asleep(struct gaon_device *gdev, u32 context);
int gaon_client_open(struct gaon_file *gfile);
void gaon_client_silence(struct gaon_file *gfile);
void gaon_client_close(struct gaon_file *gfile);
struct gaon_queue *gaon_queue_lookup(struct gaon_file *gfile, u32 handle);
struct gaon_queue *gaon_queue_get(struct gaon_queue *queue);
void gaon_queue_put(struct gaon_queue *queue);
int gaon_queue_told(struct gaon_queue *queue, int err);
int gaon_queue_admin(struct gaon_queue *queue, u16 opcode, u32 value, unsigned int flags,
		     struct gaon_admin_reply *reply);
int gaon_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_queue_set_priority(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_queue_clear(struct drm_device *drm, void *data, struct drm_file *file);

/* gaon_userq.c */
extern const struct gaon_hwq_ops gaon_userq_ops;
bool gaon_queue_fault(struct gaon_queue *queue, const struct gaon_fault_record *fault);
int gaon_queue_look(struct gaon_queue *queue, unsigned int flags, struct gaon_admin_reply *reply);
void gaon_queue_check_work(struct work_struct *work);
int gaon_queue_clear(struct gaon_queue *queue);

/* gaon_debug.c */
int gaon_debug_prepare(struct gaon_queue *queue);
void gaon_debug_release(struct gaon_queue *queue);
void gaon_debug_note(struct gaon_queue *queue);
u32 gaon_debug_state(struct gaon_queue *queue, u64 bits);
bool gaon_debug_offered(struct gaon_device *gdev);
int gaon_ioctl_debug(struct drm_device *drm, void *data, struct drm_file *file);

/* gaon_fault.c */
bool gaon_client_send(struct gaon_queue *queue, struct drm_pending_event *pending,
		      struct drm_event *event, u64 *dropped);
int gaon_fault_prepare(struct gaon_queue *queue);
void gaon_fault_release(struct gaon_queue *queue);
bool gaon_fault_note(struct gaon_queue *queue, const struct gaon_fault_record *fault,
		     u64 sequence, u32 flags);
void gaon_fault_note_unseen(struct gaon_queue *queue, const struct gaon_fault_record *fault,
			    u32 flags, u32 clears);
void gaon_fault_note_reset(struct gaon_queue *queue);
void gaon_fault_blame(struct gaon_queue *queue, u32 clears);
u32 gaon_fault_read(struct gaon_queue *queue, struct drm_gaon_fault *out, bool ack);
void gaon_fault_forget(struct gaon_queue *queue, struct gaon_fault_state *saved);
void gaon_fault_cleared(struct gaon_queue *queue, const struct gaon_fault_state *saved, bool back);
bool gaon_fault_is_own(u16 type);

/* gaon_doorbell.c */
int gaon_doorbell_open(struct gaon_client *client, struct gaon_vm *vm, struct gaon_doorbell **out);
void gaon_doorbell_close(struct gaon_doorbell *doorbell);
u64 gaon_doorbell_offset(struct gaon_doorbell *doorbell);
int gaon_doorbell_mmap(struct gaon_file *gfile, struct vm_area_struct *vma);
void gaon_doorbells_release(struct gaon_client *client);

/* gaon_stats.c */
void gaon_queue_ask_times(struct gaon_queue *queue);
void gaon_client_show(struct gaon_file *gfile, struct drm_printer *p);
void gaon_stats_init(struct gaon_device *gdev);

/* gaon_wait.c */
int gaon_ioctl_wait(struct drm_device *drm, void *data, struct drm_file *file);

#endif
