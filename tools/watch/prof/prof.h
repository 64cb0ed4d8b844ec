/* SPDX-License-Identifier: MIT */
/*
 * The profiler inside the program. Behind each operation of a stream it gives the stream a timestamp
 * into memory of its own, and reads the timestamps when the program has waited for the stream. In a
 * graph the timestamps are recorded with the operations, and a small copy behind each replay saves them
 * from the next.
 */
#ifndef GAON_PROF_H
#define GAON_PROF_H

#include <pthread.h>
#include <stdatomic.h>

#include "../layer.h"
#include "format.h"

/* Timestamps of a piece of memory, 8 bytes each: as many as the queue engine copies itself. */
#define STAMPS	2048

struct stamps {
	struct stamps *next;
	volatile uint64_t *cpu;		/* NULL: memory of the device */
	uint64_t va;
	uint32_t used;			/* taken */
	uint32_t open;			/* operations that look here; lock of the stream that has it */
};

/* Where timestamps of one operation, or of a part of a replay, begin. */
struct stamp_run {
	struct stamps *at;
	uint32_t index;
};

struct prof_dev {
	struct prof_dev *next;
	struct gaon_device *handle;
	uint32_t number;
	bool modelled;
	pthread_mutex_t lock;		/* free */
	struct stamps *free[2];		/* of the device, of the host */
	_Atomic uint64_t told_ns;	/* when its counters were written last */
};

/* An operation that the program gives, or has recorded in a graph. */
struct prof_node {
	struct prof_op op;		/* all but what is known later */
	struct gaon_kernel *kernel;
	const struct gaon_launch *launch;
	const void *from;		/* of the host */
	void *to;
	uint64_t dst, src, pattern;
	uint32_t pattern_size;
	const struct gaon_rect *rect;
	struct gaon_device *dst_dev, *src_dev;
	/* Recorded, while launches are counted one by one: copies of what the program gave. */
	struct gaon_launch launch_copy;
	struct gaon_rect rect_copy;
	void *args;
	uint32_t slot;			/* among replaceable launches, UINT32_MAX */
};

struct prof_graph {
	struct prof_graph *next;
	struct gaon_graph *handle;
	struct prof_dev *dev;
	struct prof_node *nodes;
	uint32_t count, room, slots;
	struct stamps *stamps;		/* one before the first operation, one behind each; newest first */
	bool broken;			/* they could not be recorded */
	uint32_t running;		/* replays not seen to be done; the lists' lock */
	uint32_t mixes;			/* times that replays ran beside each other; the lists' lock */
	uint32_t refs;			/* the lists' lock */
};

/* Given to a stream, not seen to be done. */
struct prof_pending {
	struct prof_pending *next;
	struct prof_op op;
	struct stamp_run begin, end;	/* one operation's */
	struct prof_graph *graph;	/* a replay's, with a reference */
	struct stamp_run *runs;		/* of STAMPS each but for the last, the oldest first */
	uint32_t run_count;
	uint32_t mixes;			/* the graph's, then */
};

struct prof_queue {
	struct prof_queue *next;
	struct gaon_stream *handle;
	struct prof_dev *dev;
	uint32_t number;
	_Atomic bool gap;		/* it was given something behind its last timestamp */
	pthread_mutex_t lock;		/* all below; held while an operation and its timestamps are given */
	struct stamps *stamps;		/* where the next go */
	struct stamp_run last;		/* the newest operation's end, in these; NULL: none */
	struct prof_pending *first, **tail;
	struct prof_graph *recording;
};

extern bool prof_counting;		/* each launch alone, with its counters */

/* state.c */
struct prof_dev *prof_dev_find(const struct gaon_device *handle);
struct prof_dev *prof_dev_add(struct gaon_device *handle);
void prof_dev_forget(struct prof_dev *dev);
struct prof_queue *prof_queue_find(const struct gaon_stream *handle);
void prof_queue_add(struct gaon_device *dev, struct gaon_stream *handle,
		    const struct gaon_stream_config *config);
void prof_queue_forget(struct prof_queue *q);
struct prof_graph *prof_graph_find(const struct gaon_graph *handle);	/* with a reference */
void prof_graph_add(struct prof_graph *g, struct gaon_graph *handle);
void prof_graph_forget(struct prof_graph *g);
void prof_graph_put(struct prof_graph *g);
/* One more replay, which takes a reference, where @known are under way in the same stream; g->mixes. */
uint32_t prof_graph_begin(struct prof_graph *g, uint32_t known);
/* It is over: true if its timestamps are its own. The reference stays. */
bool prof_graph_end(struct prof_graph *g, uint32_t mixes);
uint32_t prof_kernel_number(const struct gaon_kernel *kernel);
void prof_kernel_add(struct gaon_kernel *kernel);
/* Every stream of @dev, or of all devices. */
void prof_each_queue(const struct prof_dev *dev, void (*fn)(struct prof_queue *q));

/* stamp.c */
static inline uint64_t stamp_va(const struct stamp_run *run)
{
	return run->at->va + 8ull * run->index;
}
struct stamps *stamps_take(struct prof_dev *dev, bool host);
void prof_stamps_put(struct prof_dev *dev, struct stamps *s);
/*
 * @count places behind each other, at most STAMPS, which hold PROF_NEVER. False if there are none.
 * q->lock.
 */
bool stamps_run(struct prof_queue *q, uint32_t count, struct stamp_run *run);
void stamps_drop(struct prof_queue *q, struct stamp_run *run);
/* calls.c: what this thread keeps of calls, to the file. */
void prof_calls_put(void);
/* An operation that is done, to the file. */
void prof_op_put(const struct prof_op *op);
void prof_pending_add(struct prof_queue *q, const struct prof_pending *like);
/* Tells of what is done, if nobody gives @q work just now. */
void prof_harvest(struct prof_queue *q);
/* The same with q->lock held. @all: of the rest as well, without its times. */
void prof_harvest_locked(struct prof_queue *q, bool all);
/* Of the rest as well, without its times. */
void prof_harvest_all(struct prof_queue *q);

/* give.c */
/* @n to @stream, with its timestamps; what libgaon said. */
enum gaon_status prof_give(struct gaon_stream *stream, struct prof_node *n);
/* @n in no stream, blocking. */
enum gaon_status prof_give_blocking(struct gaon_device *dev, struct prof_node *n);
enum gaon_status prof_replay(struct gaon_stream *stream, struct gaon_graph *graph,
			     const struct gaon_graph_args *args,
			     uint32_t count);
/* The calling thread runs a callback of the program: it must not wait. */
extern _Thread_local bool prof_in_callback;
bool prof_queue_enter(struct prof_queue *q);

/* count.c */
/* The device's counters beside the host's clock, if the last time is some while ago or @always. */
void prof_clock_tell(struct prof_dev *dev, bool always);
/* Gives @n to @q when all else is done, waits for it and tells of it. */
enum gaon_status prof_give_counted(struct prof_queue *q, struct prof_node *n);
/* The operations of a graph one by one. */
enum gaon_status prof_replay_counted(struct prof_queue *q, struct prof_graph *g,
				     const struct gaon_graph_args *args,
				     uint32_t count);
enum gaon_status prof_node_run(struct gaon_stream *stream, const struct prof_node *n);

#endif
