/* SPDX-License-Identifier: MIT */
/*
 * A stream is one user-mode queue.  Every packet starts after all earlier ones and stores the next
 * value of the stream's timeline when it is done, so that a point of the stream is one number.
 */
#ifndef GAON_RUNTIME_STREAM_H
#define GAON_RUNTIME_STREAM_H

#include "device.h"

#define TIMELINE_FAILED	16

/* Lives as long as the device, also past its stream: events point to it. */
struct rt_timeline {
	struct word *word;
	_Atomic uint64_t last;		/* value of the newest packet */
	_Atomic bool faulted;		/* stands still until cleared */
	struct rt_stream *stream;	/* NULL when destroyed; fault_lock */
	/* Values lo < v <= hi never happened; fault_lock */
	struct { uint64_t lo, hi; } failed[TIMELINE_FAILED];
	_Atomic uint32_t failed_count;
};

enum rt_op_type {
	RT_OP_NONE, RT_OP_LAUNCH, RT_OP_COPY, RT_OP_FILL, RT_OP_WAIT, RT_OP_RECORD, RT_OP_CALLBACK,
	RT_OP_GRAPH, RT_OP_PEER, RT_OP_WAKER, RT_OP_SEMAPHORE, RT_OP_TIMESTAMP, RT_OP_TYPES,
};

/* A host thread is likely to sleep until such a packet is done. */
static inline bool rt_op_wakes(enum rt_op_type type)
{
	return type == RT_OP_RECORD || type == RT_OP_CALLBACK || type == RT_OP_WAKER;
}

/* What the runtime remembers of each packet in the ring. */
struct rt_op {
	uint64_t args_end;		/* the argument ring is free up to here when it is done */
	/* Read without the lock when a fault is collected. */
	_Atomic uint8_t type;
	_Atomic uint64_t wakers;	/* packets before it that nobody asked for */
};

struct rt_dependency {
	struct rt_timeline *timeline;
	uint64_t value;
};

struct rt_callbacks;
struct rt_graph;

/* obj.lock guards all but what says otherwise. */
struct rt_stream {
	struct obj obj;
	struct rt_device *dev;
	struct rt_stream *next;		/* dev->streams */
	uint32_t number;
	char name[32];
	struct gaon_ws_queue *queue;
	uint32_t queue_id;		/* as the device names it */
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint64_t size, mask;
	uint64_t write;			/* packets put ever */
	uint64_t read;			/* last seen of state->read */
	uint64_t base;			/* timeline's value less write */
	uint64_t wakers;		/* packets put by rt_timeline_wait() ever */
	struct rt_timeline *timeline;
	struct rt_op *ops;

	struct gaon_ws_bo *args_bo;	/* arguments, descriptors, small copies; host memory */
	uint8_t *args;
	uint64_t args_va, args_size, args_head, args_tail;

	bool fault_noted;		/* fault_record is of a fault; fault_lock */
	bool has_fault;			/* and fault describes it; fault_lock */
	struct gaon_fault_record fault_record;	/* fault_lock */
	struct gaon_fault fault;	/* fault_lock */
	struct rt_dependency *deps;	/* points of other streams that it waits for; fault_lock */
	uint32_t dep_count, dep_room;
	struct rt_callbacks *callbacks;
	struct rt_graph *recording;
	_Atomic bool crowded;		/* who holds obj.lock waits for room */

	/* Copies between devices, peer.c. */
	struct gaon_ws_bo *peer_bo;
	struct gaon_packet *peer_list;
	uint64_t peer_va;
	char peer_error[128];		/* fault_lock */
};

/* Makes a stream for the library's own use too: no handle is handed out by it. */
enum gaon_status rt_stream_make(struct rt_device *dev, const struct gaon_stream_config *config,
				struct rt_stream **out);
/* The handle is dead; @wait_ns for its work, then drop it. */
void rt_stream_unmake(struct rt_stream *s, uint64_t wait_ns);

/*
 * obj.lock, for giving @s work. In a host callback WRONG_THREAD if its holder waits for room in the stream,
 * which may be for that very callback.
 */
enum gaon_status rt_stream_lock(struct rt_stream *s);

/*
 * The stream behind a handle, its device entered and its lock held; NULL with *@status set. With @what it is
 * refused while the stream is being recorded: "WHAT cannot be recorded in a graph".
 */
struct rt_stream *rt_stream_enter(struct gaon_stream *handle, const char *what, enum gaon_status *status);
void rt_stream_leave(struct rt_stream *s);

/* The program's number of the packet at index @sequence: what only the library wanted does not count. */
static inline uint64_t rt_stream_operation(const struct rt_stream *s, uint64_t sequence)
{
	uint64_t wakers = atomic_load(&s->ops[sequence & s->mask].wakers);

	return sequence > wakers ? sequence - wakers : 0;
}

/* --- putting packets; obj.lock held ---------------------------------------------------------- */

/*
 * Waits until so many packets can be put, at most the smallest ring's. FAULT if the stream has faulted,
 * DEVICE_LOST, CLOSED, WRONG_THREAD in a callback. For what must be put as a whole or not at all.
 */
enum gaon_status rt_stream_room(struct rt_stream *s, uint64_t packets);
/* The next packet, zeroed, for which there is room; rt_stream_put() comes next. */
struct gaon_packet *rt_stream_slot(struct rt_stream *s);
/* Both, for one packet; NULL with *@status set if there is no room for it. */
struct gaon_packet *rt_stream_packet(struct rt_stream *s, enum gaon_status *status);
/* Room for @bytes of arguments until the next packet put is done; multiple of 64 aligned. */
void *rt_stream_args(struct rt_stream *s, uint64_t bytes, uint64_t *va, enum gaon_status *status);
/*
 * Until @point is reached, as if the stream had no room until then: the call of a callback that may
 * be what is waited for is refused.
 */
enum gaon_status rt_stream_wait_point(struct rt_stream *s, const struct rt_dependency *point);
/* Publish the packet. The value that it stores when done. */
uint64_t rt_stream_put(struct rt_stream *s, struct gaon_packet *packet, enum rt_op_type type);
/* Largest block that rt_stream_args() gives. */
uint64_t rt_stream_args_most(const struct rt_stream *s);
/* GAON_ERROR_STATE while the stream is being recorded. */
enum gaon_status rt_stream_check_live(struct rt_stream *s, const char *what);

/* --- waiting; no lock held ------------------------------------------------------------------- */

static inline bool rt_timeline_reached(const struct rt_timeline *t, uint64_t value)
{
	return __atomic_load_n(t->word->cpu, __ATOMIC_ACQUIRE) >= value;
}

/*
 * OK, TIMEOUT (NOT_READY if @timeout_ns is 0), FAULT, DEVICE_LOST, CLOSED when the device closes.
 */
enum gaon_status rt_timeline_wait(struct rt_device *dev, struct rt_timeline *t, uint64_t value,
				  uint64_t timeout_ns);
/*
 * One slice of it, as the winsys' wait(): 0, -ETIME, -EIO, -ENODEV. *@asked is false at first and
 * belongs to the wait as a whole.
 */
int rt_timeline_sleep(struct rt_device *dev, struct rt_timeline *t, uint64_t value,
		      uint64_t timeout_ns, bool *asked);
/* All streams up to what they were given before. Faulted ones count as done. */
enum gaon_status rt_device_drain(struct rt_device *dev, uint64_t timeout_ns);

/* The calling thread runs a host callback. */
bool rt_in_callback(void);

/* callback.c */
/*
 * What the stream has been given so far never runs. What runs already was dropped, too: the library's own
 * work is over when this returns. obj.lock held, the queue stands still.
 */
void rt_callbacks_drop(struct rt_stream *s);
/* No more of them runs; the queue may stand before what did not, until it is destroyed. */
void rt_callbacks_stop(struct rt_stream *s);
/* After that. */
void rt_callbacks_free(struct rt_stream *s);

#endif
