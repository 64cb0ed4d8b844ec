// SPDX-License-Identifier: MIT
/* Calls that order work or wait for it. A wait is put when it is over, and what the program may see
 * then behind it. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define HANDLE(h) ((uint64_t)(uintptr_t)(h))

_Thread_local bool record_in_callback;

/* --- waits ------------------------------------------------------------------------------------ */

/* Other threads may give more before the wait is over. Queries are over at once. */
uint64_t record_wait_begin(const void *object)
{
	static _Atomic uint64_t count;
	struct record_call call = { .op = RECORD_WAIT_BEGIN,
				    .object = HANDLE(object),
				    .a = atomic_fetch_add(&count, 1) + 1 };

	record_put(&call, NULL, 0);
	return call.a;
}

/* What the work met, for whoever replays it. */
static void put_fault(struct gaon_stream *stream)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct record_fault out = { 0 };

	record_own_calls();
	if (next.stream_get_fault(stream, &fault))
		return;
	out.type = fault.type;
	out.access = fault.access;
	out.va = fault.va;
	out.pc_offset = fault.pc_offset;
	memcpy(out.kernel, fault.kernel, sizeof(out.kernel));
	record_done(&(struct record_call){ .op = RECORD_STREAM_FAULT, .object = HANDLE(stream) },
		    GAON_OK, &out, sizeof(out));
}

static enum gaon_status stream_waited(struct record_call call, struct gaon_stream *stream,
				      uint64_t mark, enum gaon_status status)
{
	call.object = HANDLE(stream);
	record_done(&call, status, NULL, 0);
	record_reads_harvest();
	if (!status)
		record_host_idle(record_stream_device(stream), stream, mark);
	if (status == GAON_ERROR_FAULT)
		put_fault(stream);
	return status;
}

enum gaon_status hook_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns)
{
	struct record_call call = { .op = RECORD_STREAM_WAIT, .a = record_wait_begin(stream) };
	uint64_t mark = record_host_mark();

	return stream_waited(call, stream, mark, next.stream_wait(stream, timeout_ns));
}

enum gaon_status hook_stream_query(struct gaon_stream *stream)
{
	struct record_call call = { .op = RECORD_STREAM_QUERY };
	uint64_t mark = record_host_mark();

	return stream_waited(call, stream, mark, next.stream_query(stream));
}

enum gaon_status hook_device_wait(struct gaon_device *dev, uint64_t timeout_ns)
{
	struct record_call call = { .op = RECORD_DEVICE_WAIT,
				    .object = HANDLE(dev),
				    .a = record_wait_begin(dev) };
	uint64_t mark = record_host_mark();
	enum gaon_status status = next.device_wait(dev, timeout_ns);

	record_done(&call, status, NULL, 0);
	record_reads_harvest();
	if (!status)
		record_host_idle(dev, NULL, mark);
	return status;
}

static enum gaon_status event_waited(enum record_op op, struct gaon_event *event,
				     enum gaon_status status)
{
	record_done(&(struct record_call){ .op = (uint32_t)op, .object = HANDLE(event) }, status,
		    NULL, 0);
	record_reads_harvest();
	if (!status)
		record_event_reached(event);
	return status;
}

enum gaon_status hook_event_wait(struct gaon_event *event, uint64_t timeout_ns)
{
	return event_waited(RECORD_EVENT_WAIT, event, next.event_wait(event, timeout_ns));
}

enum gaon_status hook_event_query(struct gaon_event *event)
{
	return event_waited(RECORD_EVENT_QUERY, event, next.event_query(event));
}

enum gaon_status hook_stream_clear_fault(struct gaon_stream *stream)
{
	enum gaon_status status = next.stream_clear_fault(stream);

	record_done(
		&(struct record_call){ .op = RECORD_STREAM_CLEAR_FAULT, .object = HANDLE(stream) },
		status, NULL, 0);
	record_reads_harvest();
	return status;
}

/* --- order within and between streams --------------------------------------------------------- */

enum gaon_status hook_event_record(struct gaon_stream *stream, struct gaon_event *event)
{
	struct record_call call = { .op = RECORD_EVENT_RECORD,
				    .object = HANDLE(stream),
				    .other = HANDLE(event) };
	enum gaon_status status;

	record_stream_lock(stream);
	record_event_mark(stream, event);
	status = record_result(record_put(&call, NULL, 0), next.event_record(stream, event));
	record_stream_unlock(stream);
	return status;
}

enum gaon_status hook_stream_wait_event(struct gaon_stream *stream, struct gaon_event *event)
{
	struct record_call call = { .op = RECORD_STREAM_WAIT_EVENT,
				    .object = HANDLE(stream),
				    .other = HANDLE(event) };
	enum gaon_status status;

	record_stream_lock(stream);
	status = record_result(record_put(&call, NULL, 0), next.stream_wait_event(stream, event));
	record_stream_unlock(stream);
	return status;
}

enum gaon_status hook_stream_timestamp(struct gaon_stream *stream, uint64_t va)
{
	struct record_call call = { .op = RECORD_STREAM_TIMESTAMP,
				    .object = HANDLE(stream),
				    .c = va };
	enum gaon_status status;

	record_stream_lock(stream);
	record_host_copy(record_stream_device(stream), stream, va, 8, true);
	status = record_result(record_put(&call, NULL, 0), next.stream_timestamp(stream, va));
	record_stream_unlock(stream);
	return status;
}

/* --- callbacks -------------------------------------------------------------------------------- */

struct callback {
	void (*fn)(void *arg);
	void *arg;
	struct gaon_stream *stream;
	uint64_t number, mark;
};

/* One that never runs is lost with its stream. */
static void callback_run(void *arg)
{
	struct callback c = *(struct callback *)arg;

	free(arg);
	record_in_callback = true;
	record_done(&(struct record_call){ .op = RECORD_CALLBACK_BEGIN, .a = c.number }, GAON_OK,
		    NULL, 0);
	record_reads_harvest();
	record_host_reached(c.stream, c.mark);
	c.fn(c.arg);
	record_host_all(c.stream);
	record_done(&(struct record_call){ .op = RECORD_CALLBACK_END, .a = c.number }, GAON_OK,
		    NULL, 0);
	record_was_put();
	record_in_callback = false;
}

enum gaon_status hook_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg), void *arg)
{
	static _Atomic uint64_t count;
	struct callback *c = fn ? malloc(sizeof(*c)) : NULL;
	struct record_call call = { .op = RECORD_STREAM_CALLBACK, .object = HANDLE(stream) };
	enum gaon_status status;

	if (!c)
		return next.stream_callback(stream, fn, arg);
	*c = (struct callback){ fn, arg, stream, atomic_fetch_add(&count, 1) + 1,
				record_host_mark() };
	call.a = c->number;
	record_stream_lock(stream);
	status = record_result(record_put(&call, NULL, 0),
			       next.stream_callback(stream, callback_run, c));
	record_stream_unlock(stream);
	if (status)
		free(c);
	return status;
}

/* --- semaphores ------------------------------------------------------------------------------- */

/* Work that waits for it goes on. */
enum gaon_status hook_semaphore_signal(struct gaon_semaphore *semaphore, uint64_t value)
{
	struct record_call call = { .op = RECORD_SEMAPHORE_SIGNAL,
				    .object = HANDLE(semaphore),
				    .a = value };

	record_host_all(NULL);
	return record_result(record_put(&call, NULL, 0), next.semaphore_signal(semaphore, value));
}

enum gaon_status hook_semaphore_wait(struct gaon_semaphore *semaphore, uint64_t value,
				     uint64_t timeout_ns)
{
	enum gaon_status status = next.semaphore_wait(semaphore, value, timeout_ns);

	record_done(&(struct record_call){ .op = RECORD_SEMAPHORE_WAIT,
					   .object = HANDLE(semaphore),
					   .a = value },
		    status, NULL, 0);
	record_reads_harvest();
	return status;
}

/* That it has the value is as good as a wait for it. */
enum gaon_status hook_semaphore_query(struct gaon_semaphore *semaphore, uint64_t *value)
{
	enum gaon_status status = next.semaphore_query(semaphore, value);

	record_done(&(struct record_call){ .op = RECORD_SEMAPHORE_WAIT,
					   .object = HANDLE(semaphore),
					   .a = status ? 0 : *value },
		    status, NULL, 0);
	record_reads_harvest();
	return status;
}

enum gaon_status hook_stream_signal_semaphore(struct gaon_stream *stream,
					      struct gaon_semaphore *semaphore, uint64_t value)
{
	struct record_call call = { .op = RECORD_STREAM_SIGNAL_SEMAPHORE,
				    .object = HANDLE(stream),
				    .other = HANDLE(semaphore),
				    .a = value };
	enum gaon_status status;

	record_stream_lock(stream);
	status = record_result(record_put(&call, NULL, 0),
			       next.stream_signal_semaphore(stream, semaphore, value));
	record_stream_unlock(stream);
	return status;
}

enum gaon_status hook_stream_wait_semaphore(struct gaon_stream *stream,
					    struct gaon_semaphore *semaphore, uint64_t value)
{
	struct record_call call = { .op = RECORD_STREAM_WAIT_SEMAPHORE,
				    .object = HANDLE(stream),
				    .other = HANDLE(semaphore),
				    .a = value };
	enum gaon_status status;

	record_stream_lock(stream);
	status = record_result(record_put(&call, NULL, 0),
			       next.stream_wait_semaphore(stream, semaphore, value));
	record_stream_unlock(stream);
	return status;
}
