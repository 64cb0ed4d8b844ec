/* SPDX-License-Identifier: MIT */
/* The recorder: what its files share. Locks, outer to inner: a stream's, host memory's, data's, the
 * file's. */
#ifndef GAON_WATCH_RECORD_H
#define GAON_WATCH_RECORD_H

#include <pthread.h>
#include <stdatomic.h>

#include "format.h"
#include "hooks.h"

/* When buffers are looked at: GAON_RECORD_CHECK. */
enum record_check { CHECK_READS, CHECK_END, CHECK_LAUNCH };
extern enum record_check record_check;

/* The thread runs a callback of the program: it must not wait for the device. */
extern _Thread_local bool record_in_callback;

/* --- put.c ------------------------------------------------------------------------------------ */

/* Gives @call its number and thread and appends it; its data first, elsewhere, if that is long. */
uint64_t record_put(struct record_call *call, const void *data, uint64_t bytes);
/* The same, of calls that are known by what they did: @status is that of the call. */
void record_done(struct record_call *call, enum gaon_status status, const void *data,
		 uint64_t bytes);
/* A call that only asks. @name is static. */
void record_asked(const char *name, enum gaon_status status);
/* What was put with @number before it was called failed. Returns @status. */
enum gaon_status record_result(uint64_t number, enum gaon_status status);
/*
 * Before calls of the recorder's own, which may fail: what gaon_last_error() says stays what the
 * program's last failing call met. record_done() and record_result() tell of those.
 */
void record_own_calls(void);
void record_program_failed(void);
/* A wait for @object begins: its number. */
uint64_t record_wait_begin(const void *object);
/* Something could not be recorded; told once for each text. @text is static. */
void record_warn(const char *text);
/* A record of this thread's current call was put. Clears it. */
bool record_was_put(void);

/* Calls that give work to one stream are put in the order in which it gets them. */
void record_stream_lock(const void *stream);
void record_stream_unlock(const void *stream);

/* --- state.c ---------------------------------------------------------------------------------- */

void record_device_add(struct gaon_device *dev);
void record_device_retain(struct gaon_device *dev);
/* False: it is the last reference. */
bool record_device_put(struct gaon_device *dev);
void record_mem_add(struct gaon_device *dev, struct gaon_mem *mem, uint64_t va, uint64_t bytes,
		    enum gaon_mem_kind kind);
/* After the call: forgotten if it is gone. */
void record_mem_check(struct gaon_mem *mem);
void record_chunk_check(struct gaon_device *dev, uint64_t va);
void record_stream_add(struct gaon_device *dev, struct gaon_stream *stream);
struct gaon_device *record_stream_device(const struct gaon_stream *stream);
/* Digests of all buffers of @dev, NULL: of all devices, if nothing runs or @wait. */
void record_buffers(struct gaon_device *dev, bool wait);

/* --- host.c: memory that the program and the device reach both -------------------------------- */

void record_host_add(struct gaon_device *dev, struct gaon_mem *mem, uint64_t va, void *ptr,
		     uint64_t bytes);
void record_host_del(struct gaon_mem *mem);
void record_host_close(struct gaon_device *dev);
/* Device address of [@ptr, @ptr + @bytes) if it is such memory, else 0. */
uint64_t record_host_va(struct gaon_device *dev, const void *ptr, uint64_t bytes);
/* Data that the device gets: addresses in it may lead there. */
void record_host_scan(struct gaon_device *dev, const void *data, uint64_t bytes);
/*
 * Before work is given to @stream of @dev: what the program wrote to memory that it may reach is
 * put. @args of a launch, or @graph, whose memory it may also write.
 */
void record_host_give(struct gaon_device *dev, struct gaon_stream *stream,
		      const struct gaon_graph *graph, const void *args, uint64_t bytes);
/* Arguments of a launch that @stream records in a graph; the graph is there. */
void record_host_graph_args(struct gaon_device *dev, const struct gaon_stream *stream,
			    const void *args, uint64_t bytes);
void record_host_graph_end(const struct gaon_stream *stream, const struct gaon_graph *graph);
/* The same before a copy of a range that may be such memory; @writes: to it. */
void record_host_copy(struct gaon_device *dev, struct gaon_stream *stream, uint64_t va,
		      uint64_t bytes, bool writes);
/* The call that gives it has returned: waits that begin from now on cover it. */
void record_host_given(const struct gaon_stream *stream);
/* A blocking call has just written a range that may be such memory. */
void record_host_wrote(struct gaon_device *dev, uint64_t va, uint64_t bytes);
/*
 * Before something lets work go on that was given already: all that the program wrote is put. With
 * @stream, which stands still, not what other streams may be writing.
 */
void record_host_all(const struct gaon_stream *stream);
/*
 * @stream, or all of @dev if it is NULL, has done what it was given until @mark was taken by
 * record_host_mark(): what the device wrote is put.
 */
void record_host_idle(struct gaon_device *dev, struct gaon_stream *stream, uint64_t mark);
/* The memory at @ptr is known to be as it is now. */
void record_host_known(struct gaon_device *dev, const void *ptr, uint64_t bytes);
/* What was given so far; and all of it that was given to @stream until then is done. */
uint64_t record_host_mark(void);
void record_host_reached(struct gaon_stream *stream, uint64_t mark);
void record_event_mark(struct gaon_stream *stream, struct gaon_event *event);
void record_event_reached(struct gaon_event *event);

/* --- reads.c: copies to the host under way ---------------------------------------------------- */

/* Just given to @stream. @rect: NULL, or @ptr is its host side's. */
void record_read_add(struct gaon_device *dev, struct gaon_stream *stream, uint64_t number,
		     void *ptr, uint64_t bytes, const struct gaon_rect *rect);
/* Those that are over are put; the program has been told so, or is about to be. */
void record_reads_harvest(void);
/* Before the program's memory is read that a copy under way may write. */
void record_reads_settle(const void *ptr, uint64_t bytes);
void record_reads_close(struct gaon_device *dev);
/* Rows of a copy's host side, one behind the other; NULL without memory. The caller frees it. */
void *record_rows(const struct gaon_rect *rect, const struct gaon_rect_end *end, uint64_t *bytes);

#endif
