/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_SCHED_H_
#define _GAON_SCHED_H_

#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "gaon_compat.h"
#include "gaon_vm.h"

struct gaon_admin_queue;
struct gaon_admin_reply;
struct gaon_packet;
struct gaon_queue;
struct gaon_queue_state;

/** enum gaon_kq_phase - what becomes of a job that is ready to run */
enum gaon_kq_phase {
	/** @GAON_KQ_RUNNING: it goes to the device. */
	GAON_KQ_RUNNING,
	/** @GAON_KQ_STOPPING: it waits for those before it, which the device is giving up. */
	GAON_KQ_STOPPING,
	/** @GAON_KQ_STOPPED: it fails; the device has nothing of the queue. */
	GAON_KQ_STOPPED,
};

/** struct gaon_job_times - where the device stores when a job began and ended */
struct gaon_job_times {
	u64 start;
	u64 end;
};

/**
 * struct gaon_kq - the driver's side of a kernel-owned queue
 *
 * One drm_sched with one entity per queue: it only resolves dependencies, the firmware schedules.
 * Its timeout is not used: what ends a job early is decided here, by signalling its fence.
 */
struct gaon_kq {
	/** @queue: of which this is part. */
	struct gaon_queue *queue;
	/** @sched: resolves dependencies. */
	struct drm_gpu_scheduler sched;
	/** @entity: its only entity. */
	struct drm_sched_entity entity;
	/** @name: of @sched. */
	char name[32];

	/** @kbuf: ring, state block, value and times, which the device sees. */
	struct gaon_kbuf kbuf;
	/** @ring: packets. */
	struct gaon_packet *ring;
	/** @ring_size: of them; room for more than @depth jobs. */
	u32 ring_size;
	/** @state: state block. */
	struct gaon_queue_state *state;
	/** @value: jobs that the device has completed; dropped ones count when a later one is. */
	u64 *value;
	/** @times: of job n in entry n modulo @depth. */
	struct gaon_job_times *times;
	/** @depth: jobs in flight at most; a power of two. */
	u32 depth;

	/**
	 * @submit_lock: keeps jobs in order from the number of their fence until they are pushed.
	 * Outside reservations.
	 */
	struct mutex submit_lock;
	/** @fence_context: of fences of jobs. */
	u64 fence_context;
	/** @fence_seq: the last one's number; protected by @submit_lock. */
	u64 fence_seq;
	/** @ended: takes no job any more; protected by @submit_lock. */
	bool ended;

	/** @lock: protects what is below. Inside: locks of fences. */
	spinlock_t lock;
	/** @phase: see there. */
	enum gaon_kq_phase phase;
	/** @epoch: counts stops and their ends; jobs that were submitted in an earlier one fail. */
	u32 epoch;
	/** @in_flight: jobs that drm_sched has handed over, in order. */
	struct list_head in_flight;
	/** @pushed: jobs that were written to the ring, ever. */
	u64 pushed;
	/** @guilty: in STOPPING: number in the ring of the job at fault; %U64_MAX: none. */
	u64 guilty;
	/** @submitted: jobs taken. */
	u64 submitted;
	/** @completed: jobs that ended well. */
	u64 completed;
	/** @lost: jobs that were dropped without having been at fault. */
	u64 lost;

	/** @running: jobs that drm_sched has handed over and not freed; wake_up_var() when 0. */
	atomic_t running;
	/** @stop: makes the device give up the queue's work. */
	struct work_struct stop;
	/** @watch: looks whether the job at the head makes it in time. */
	struct delayed_work watch;
	/** @watch_seq: the job that it looks at; like the rest only used by @watch. */
	u64 watch_seq;
	/** @watch_at: when it looked last. */
	unsigned long watch_at;
	/** @watch_spent: jiffies that the job has had in a slot, at least. */
	unsigned long watch_spent;
	/** @watch_seen: jiffies at whose end it was seen in a slot. */
	unsigned long watch_seen;
	/** @watch_waited: jiffies that it has been at the head. */
	unsigned long watch_waited;
	/** @watch_in_slot: where the queue was then. */
	bool watch_in_slot;
	/** @watch_preempted: how often it had lost its slot by then. */
	u64 watch_preempted;
};

/** struct gaon_job - a job, from SUBMIT until drm_sched has done with it */
struct gaon_job {
	/** @base: drm_sched's. */
	struct drm_sched_job base;
	/** @queue: with a reference. */
	struct gaon_queue *queue;
	/** @done: what users wait for. */
	struct gaon_compat_fence *done;
	/** @node: in gaon_kq.in_flight. */
	struct list_head node;
	/** @index: among jobs submitted to the queue. */
	u64 index;
	/** @seq: number in the ring; valid with @pushed. */
	u64 seq;
	/** @epoch: gaon_kq.epoch when it was submitted. */
	u32 epoch;
	/** @count: packets in its list; 0: it only orders. */
	u32 count;
	/** @list_va: its list. */
	u64 list_va;
	/** @value_base: of the list. */
	u64 value_base;
	/** @args_base: of the list. */
	u64 args_base;
	/** @ran: drm_sched has handed it over. */
	bool ran;
	/** @pushed: it is in the ring. */
	bool pushed;
	/** @finished: @done is signalled. */
	bool finished;
	/** @cancelled: it will not complete: it waits for those before it to be given up. */
	bool cancelled;
};

extern const struct gaon_hwq_ops gaon_kq_ops;

/* gaon_sched.c */
int gaon_kq_create(struct gaon_queue *queue, u32 depth_log2, struct gaon_admin_queue *cmd);
void gaon_kq_end(struct gaon_kq *kq);
void gaon_kq_destroy(struct gaon_kq *kq);
void gaon_kq_complete(struct gaon_kq *kq);
void gaon_kq_check(struct gaon_kq *kq, const struct gaon_admin_reply *reply, u32 epoch);
void gaon_kq_fail(struct gaon_kq *kq, u64 guilty);
void gaon_kq_stop_again(struct gaon_kq *kq);
void gaon_kq_lose(struct gaon_kq *kq, int err);
bool gaon_kq_is_stopped(struct gaon_kq *kq);
void gaon_kq_go_on(struct gaon_kq *kq);
u64 gaon_kq_job_index(struct gaon_kq *kq, u64 sequence);
u64 gaon_kq_ring_index(const struct gaon_kq *kq);

struct gaon_job *gaon_job_create(struct gaon_queue *queue, u64 client_id);
void gaon_job_abandon(struct gaon_job *job);
void gaon_job_init_fence(struct gaon_job *job);

/* gaon_watch.c */
void gaon_kq_watch_init(struct gaon_kq *kq);
void gaon_kq_watch(struct gaon_kq *kq);

/* gaon_submit.c */
int gaon_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

#endif
