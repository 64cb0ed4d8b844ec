// SPDX-License-Identifier: MIT
/* Calls that are not operations: objects that come and go, graphs, waits; and the tool's start and end. */
#include "hooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "prof.h"

bool prof_counting;

/* --- start and end ------------------------------------------------------------------------------------- */

bool tool_start(char *why, size_t size)
{
	const char *directory = secure_getenv("GAON_PROF_DIR");
	const char *counting = secure_getenv("GAON_PROF_COUNTERS");

	if (!directory || !*directory) {
		snprintf(why, size, "GAON_PROF_DIR names no directory: use gaon prof");
		return false;
	}
	prof_counting = counting && *counting == '1';
	return watch_file_start(directory, "prof", PROF_MAGIC, PROF_VERSION, why, size);
}

__attribute__((destructor)) static void prof_end(void)
{
	if (!layer_watched())
		return;
	prof_calls_put();
	prof_each_queue(NULL, prof_harvest_all);
}

/* --- devices and streams ------------------------------------------------------------------------------- */

enum gaon_status hook_device_open_with(const char *name, const struct gaon_device_config *config,
				       struct gaon_device **dev)
{
	enum gaon_status status = next.device_open_with(name, config, dev);

	if (!status)
		prof_dev_add(*dev);
	return status;
}

enum gaon_status hook_device_open(const char *name, struct gaon_device **dev)
{
	enum gaon_status status = next.device_open(name, dev);

	if (!status)
		prof_dev_add(*dev);
	return status;
}

enum gaon_status hook_device_close(struct gaon_device *handle)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct prof_dev *dev = prof_dev_find(handle);
	enum gaon_status status;

	if (dev && !prof_in_callback) {
		prof_each_queue(dev, prof_harvest);
		prof_clock_tell(dev, true);
	}
	status = next.device_close(handle);
	/* With the last reference the memory of the timestamps is gone. */
	if (dev && !status && next.device_get_info(handle, &info))
		prof_dev_forget(dev);
	return status;
}

enum gaon_status hook_stream_create(struct gaon_device *dev, const struct gaon_stream_config *config,
				    struct gaon_stream **stream)
{
	enum gaon_status status = next.stream_create(dev, config, stream);

	if (!status)
		prof_queue_add(dev, *stream, config);
	return status;
}

enum gaon_status hook_stream_destroy(struct gaon_stream *stream)
{
	struct prof_queue *q = prof_queue_find(stream);
	enum gaon_status status = next.stream_destroy(stream);

	if (q && !status && next.stream_query(stream) == GAON_ERROR_CLOSED) {
		prof_harvest(q);
		prof_harvest_all(q);
		prof_queue_forget(q);
	}
	return status;
}

/* What was queued behind the fault never gets its timestamp. */
enum gaon_status hook_stream_clear_fault(struct gaon_stream *stream)
{
	struct prof_queue *q = prof_queue_find(stream);
	enum gaon_status status = next.stream_clear_fault(stream);

	if (q && !status) {
		prof_harvest(q);
		prof_harvest_all(q);
	}
	return status;
}

enum gaon_status hook_module_get_kernel(struct gaon_module *module, const char *name,
					struct gaon_kernel **kernel)
{
	enum gaon_status status = next.module_get_kernel(module, name, kernel);

	if (!status)
		prof_kernel_add(*kernel);
	return status;
}

enum gaon_status hook_module_get_kernel_at(struct gaon_module *module, uint32_t index,
					   struct gaon_kernel **kernel)
{
	enum gaon_status status = next.module_get_kernel_at(module, index, kernel);

	if (!status)
		prof_kernel_add(*kernel);
	return status;
}

/* --- graphs -------------------------------------------------------------------------------------------- */

enum gaon_status hook_graph_begin(struct gaon_stream *stream)
{
	enum gaon_status status = next.graph_begin(stream);
	struct prof_queue *q = status ? NULL : prof_queue_find(stream);

	if (q && prof_queue_enter(q)) {
		q->recording = calloc(1, sizeof(*q->recording));
		if (q->recording) {
			q->recording->dev = q->dev;
			q->recording->refs = 1;
		}
		pthread_mutex_unlock(&q->lock);
	}
	return status;
}

enum gaon_status hook_graph_end(struct gaon_stream *stream, struct gaon_graph **graph)
{
	struct prof_queue *q = prof_queue_find(stream);
	enum gaon_status status = next.graph_end(stream, graph);
	struct prof_graph *g = NULL;

	if (q && status != GAON_ERROR_INVALID_ARGUMENT && prof_queue_enter(q)) {
		g = q->recording;
		q->recording = NULL;
		pthread_mutex_unlock(&q->lock);
	}
	if (g && !status)
		prof_graph_add(g, *graph);
	else if (g)
		prof_graph_put(g);
	return status;
}

enum gaon_status hook_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
					const struct gaon_graph_args *args, uint32_t count)
{
	return prof_replay(stream, graph, args, count);
}

enum gaon_status hook_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph)
{
	return prof_replay(stream, graph, NULL, 0);
}

enum gaon_status hook_graph_destroy(struct gaon_graph *graph)
{
	struct prof_graph *g = prof_graph_find(graph);
	enum gaon_status status = next.graph_destroy(graph);

	if (g) {
		if (!status)
			prof_graph_forget(g);
		prof_graph_put(g);
	}
	return status;
}

/* --- callbacks ----------------------------------------------------------------------------------------- */

struct callback {
	void (*fn)(void *arg);
	void *arg;
};

/* One that never runs is lost with its stream. */
static void callback_run(void *arg)
{
	struct callback c = *(struct callback *)arg;
	struct prof_call out = { .call = PROF_CALLBACK, .thread = layer_thread(), .begin_ns = layer_now() };

	free(arg);
	prof_in_callback = true;
	c.fn(c.arg);
	prof_in_callback = false;
	out.end_ns = layer_now();
	out.count = 1;
	prof_calls_put();
	watch_file_put(PROF_CALL, &out, sizeof(out), NULL, 0);
}

static void gap(struct gaon_stream *stream)
{
	struct prof_queue *q = prof_queue_find(stream);

	if (q)
		atomic_store(&q->gap, true);
}

enum gaon_status hook_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg), void *arg)
{
	struct callback *c = fn ? malloc(sizeof(*c)) : NULL;
	enum gaon_status status;

	gap(stream);
	if (!c)
		return next.stream_callback(stream, fn, arg);
	*c = (struct callback){ fn, arg };
	status = next.stream_callback(stream, callback_run, c);
	if (status)
		free(c);
	return status;
}

/* --- between operations -------------------------------------------------------------------------------- */

enum gaon_status hook_stream_wait_event(struct gaon_stream *stream, struct gaon_event *event)
{
	gap(stream);
	return next.stream_wait_event(stream, event);
}

enum gaon_status hook_stream_wait_semaphore(struct gaon_stream *stream, struct gaon_semaphore *semaphore,
					    uint64_t value)
{
	gap(stream);
	return next.stream_wait_semaphore(stream, semaphore, value);
}

enum gaon_status hook_stream_signal_semaphore(struct gaon_stream *stream, struct gaon_semaphore *semaphore,
					      uint64_t value)
{
	gap(stream);
	return next.stream_signal_semaphore(stream, semaphore, value);
}

enum gaon_status hook_event_record(struct gaon_stream *stream, struct gaon_event *event)
{
	gap(stream);
	return next.event_record(stream, event);
}

enum gaon_status hook_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes, uint64_t *va)
{
	gap(stream);
	return next.mem_alloc_async(stream, bytes, va);
}

enum gaon_status hook_mem_free_async(struct gaon_stream *stream, uint64_t va)
{
	gap(stream);
	return next.mem_free_async(stream, va);
}

/* A graph with timestamps of the program's is not taken apart: they would be missing. */
enum gaon_status hook_stream_timestamp(struct gaon_stream *stream, uint64_t va)
{
	struct prof_queue *q = prof_queue_find(stream);

	gap(stream);
	if (prof_counting && q && prof_queue_enter(q)) {
		if (q->recording)
			q->recording->broken = true;
		pthread_mutex_unlock(&q->lock);
	}
	return next.stream_timestamp(stream, va);
}

/* --- waits --------------------------------------------------------------------------------------------- */

static void waited(struct prof_dev *dev)
{
	if (prof_in_callback)
		return;
	prof_each_queue(dev, prof_harvest);
	if (dev)
		prof_clock_tell(dev, false);
}

static enum gaon_status stream_waited(struct gaon_stream *stream, enum gaon_status status)
{
	struct prof_queue *q = status ? NULL : prof_queue_find(stream);

	if (q && !prof_in_callback) {
		prof_harvest(q);
		prof_clock_tell(q->dev, false);
	}
	return status;
}

enum gaon_status hook_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns)
{
	return stream_waited(stream, next.stream_wait(stream, timeout_ns));
}

enum gaon_status hook_stream_query(struct gaon_stream *stream)
{
	return stream_waited(stream, next.stream_query(stream));
}

enum gaon_status hook_event_wait(struct gaon_event *event, uint64_t timeout_ns)
{
	enum gaon_status status = next.event_wait(event, timeout_ns);

	if (!status)
		waited(NULL);
	return status;
}

enum gaon_status hook_event_query(struct gaon_event *event)
{
	enum gaon_status status = next.event_query(event);

	if (!status)
		waited(NULL);
	return status;
}

enum gaon_status hook_device_wait(struct gaon_device *dev, uint64_t timeout_ns)
{
	enum gaon_status status = next.device_wait(dev, timeout_ns);

	if (!status)
		waited(prof_dev_find(dev));
	return status;
}
