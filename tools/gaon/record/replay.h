/* SPDX-License-Identifier: MIT */
/*
 * Makes the calls of a recorded program again, in the order of the file, on one thread: callbacks
 * stand still until their end is reached in the file. Objects of the program are found by the
 * handles that it had.
 */
#ifndef GAON_TOOLS_RECORD_REPLAY_H
#define GAON_TOOLS_RECORD_REPLAY_H

#include <pthread.h>

#include "load.h"

/* What a step, or all of them, came to. */
enum replay_result {
	REPLAY_SAME,
	REPLAY_DIFFERENT, /* replay->difference */
	REPLAY_FAILED,	  /* replay->why */
	REPLAY_FAULT,	  /* the device reported a fault that the program did not have */
	REPLAY_TIMEOUT,
};

enum replay_object_type {
	REPLAY_NONE,
	REPLAY_DEVICE,
	REPLAY_MEM,
	REPLAY_STREAM,
	REPLAY_EVENT,
	REPLAY_SEMAPHORE,
	REPLAY_MODULE,
	REPLAY_KERNEL,
	REPLAY_GRAPH,
};

struct replay_object {
	uint64_t key; /* the program's handle; 0: free */
	enum replay_object_type type;
	void *handle;
	struct gaon_device *dev;
	bool foreign;  /* of another process, too */
	uint32_t refs; /* of a device */
};

/* Memory of the program, for reports; host memory also for its contents. */
struct replay_memory {
	struct replay_memory *next;
	struct gaon_device *dev;
	struct gaon_mem *mem;
	uint64_t va, bytes;
	uint8_t *ptr, *known; /* of host memory; known: what it holds as far as the file tells */
	bool chunk;	      /* of the pool */
};

struct replay_read {
	struct replay_read *next;
	uint64_t number;
	struct gaon_device *dev;
	struct gaon_event *event;
	uint64_t va, bytes;
	uint8_t *data;
};

/* Memory given back to the pool, until somebody has it again. */
struct replay_block {
	struct replay_block *next;
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_event *event; /* NULL: it is in use */
	uint64_t va, bytes;
};

struct replay_callback {
	struct replay_callback *next;
	struct replay *replay;
	const struct gaon_stream *stream;
	const struct gaon_device *dev;
	uint64_t number;
	bool entered, released;
};

/* A point of a stream that a wait goes on to. */
struct replay_point {
	struct replay_point *next;
	uint64_t number; /* of the wait */
	struct gaon_event *event;
	const struct replay_callback *behind; /* NULL: none that was not over */
};

/* What waits for all streams when it ends, put off until no callback holds one up. */
struct replay_late {
	struct replay_late *next;
	const struct record_call *call;
};

/* Where the device's cycles are stored: never the same. */
struct replay_stamp {
	const struct gaon_device *dev;
	uint64_t va;
};

struct replay_difference {
	const struct record_entry *entry;
	uint64_t va; /* 0: not in memory */
	uint64_t buffer_va, buffer_bytes;
	char expected[80], found[80];
	char text[256];
};

struct replay {
	const struct record_file *file;
	const char *device;
	uint64_t timeout_ns, from, to; /* numbers of calls */
	bool reads_only;
	void (*progress)(const struct replay *r, size_t at);

	struct replay_object *objects;
	size_t object_count, object_room;
	struct replay_memory *memory;
	struct replay_read *reads;
	struct replay_block *blocks;
	struct replay_callback *callbacks;
	struct replay_point *points;
	struct replay_late *late, **late_end;
	uint32_t held; /* streams that a callback holds up, or will */
	bool catching_up;
	struct replay_stamp *stamps;
	size_t stamp_count, stamp_room;
	pthread_mutex_t lock; /* callbacks' entered and released, stopping */
	pthread_cond_t changed;
	bool stopping;
	bool roomy;	     /* streams need room for all that waits behind a callback */
	bool fault_expected; /* the program met a fault */

	const struct record_entry *entry; /* the current step */
	char why[512];
	struct replay_difference difference;
	struct gaon_device_info info; /* of the device */
	uint64_t calls, launches, reads_compared, buffers_compared, bytes_compared, host_bytes;
};

/* All calls, or those up to ->to. Devices are closed in the end. */
enum replay_result replay_run(struct replay *r);

/* --- within ----------------------------------------------------------------------------------- */

typedef enum replay_result replay_step_fn(struct replay *r, const struct record_call *call,
					  const uint8_t *data);

/* Object behind the program's handle; NULL with ->why set. */
struct replay_object *replay_find(struct replay *r, uint64_t key, enum replay_object_type type);
bool replay_add(struct replay *r, uint64_t key, enum replay_object_type type, void *handle,
		struct gaon_device *dev);
/* What a status means that should have been GAON_OK. */
enum replay_result replay_status(struct replay *r, enum gaon_status status);
/* The same of a call that gives work: a stream may be known to be faulted sooner than the program
 * knew. */
enum replay_result replay_given(struct replay *r, enum gaon_status status);
enum replay_result replay_fail(struct replay *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
uint64_t replay_align(uint64_t va);

/* check.c: @found against the file, as far as the current step is to be checked. */
enum replay_result replay_compare(struct replay *r, const struct gaon_device *dev, uint64_t va,
				  const uint8_t *found, const uint8_t *expected, uint64_t bytes);
enum replay_result replay_differs(struct replay *r, const char *expected, const char *found,
				  const char *format, ...) __attribute__((format(printf, 4, 5)));
enum replay_result replay_stamp_add(struct replay *r, const struct gaon_device *dev, uint64_t va);
struct replay_memory *replay_memory_at(struct replay *r, const struct gaon_device *dev, uint64_t va,
				       uint64_t bytes);

replay_step_fn replay_host_write, replay_host_changed, replay_buffers, replay_fault;

/* objects.c */
replay_step_fn replay_device_open, replay_device_retain, replay_device_close, replay_mem_alloc,
	replay_mem_retain, replay_mem_free, replay_pool_chunk, replay_pool_alloc, replay_pool_free,
	replay_stream_create, replay_stream_retain, replay_stream_destroy, replay_event_create,
	replay_event_destroy, replay_semaphore_create, replay_semaphore_destroy, replay_module_load,
	replay_module_retain, replay_module_unload, replay_kernel, replay_graph_destroy;

/* work.c */
replay_step_fn replay_launch, replay_graph_begin, replay_graph_end, replay_graph_launch,
	replay_write, replay_write_async, replay_read, replay_read_async, replay_read_done,
	replay_copy, replay_copy_async, replay_fill, replay_fill_async, replay_copy_peer,
	replay_copy_peer_async, replay_rect, replay_rect_async;

/* order.c */
replay_step_fn replay_wait_begin, replay_settle, replay_device_wait, replay_stream_wait,
	replay_stream_clear_fault, replay_stream_wait_event, replay_stream_callback,
	replay_callback_begin, replay_callback_end, replay_stream_timestamp, replay_event_record,
	replay_event_wait, replay_semaphore_signal, replay_semaphore_wait,
	replay_stream_signal_semaphore, replay_stream_wait_semaphore;
/* No callback on a stream of @dev, or NULL for all, stands still any more, and none will. */
void replay_callbacks_stop(struct replay *r, const struct gaon_device *dev);
/* True: the current step is put off. */
bool replay_put_off(struct replay *r, const struct record_call *call);
/* What was put off before, in its order. */
enum replay_result replay_catch_up(struct replay *r);

#endif
