// SPDX-License-Identifier: MIT
#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static replay_step_fn *const steps[RECORD_OPS] = {
	[RECORD_DEVICE_OPEN] = replay_device_open,
	[RECORD_DEVICE_RETAIN] = replay_device_retain,
	[RECORD_DEVICE_CLOSE] = replay_device_close,
	[RECORD_WAIT_BEGIN] = replay_wait_begin,
	[RECORD_DEVICE_WAIT] = replay_device_wait,
	[RECORD_MEM_ALLOC] = replay_mem_alloc,
	[RECORD_MEM_IMPORT] = replay_mem_alloc,
	[RECORD_MEM_FOREIGN] = replay_mem_alloc,
	[RECORD_MEM_RETAIN] = replay_mem_retain,
	[RECORD_MEM_FREE] = replay_mem_free,
	[RECORD_POOL_CHUNK] = replay_pool_chunk,
	[RECORD_POOL_ALLOC] = replay_pool_alloc,
	[RECORD_POOL_FREE] = replay_pool_free,
	[RECORD_HOST_WRITE] = replay_host_write,
	[RECORD_HOST_CHANGED] = replay_host_changed,
	[RECORD_SETTLE] = replay_settle,
	[RECORD_BUFFERS] = replay_buffers,
	[RECORD_STREAM_CREATE] = replay_stream_create,
	[RECORD_STREAM_RETAIN] = replay_stream_retain,
	[RECORD_STREAM_DESTROY] = replay_stream_destroy,
	[RECORD_STREAM_CLEAR_FAULT] = replay_stream_clear_fault,
	[RECORD_STREAM_WAIT] = replay_stream_wait,
	[RECORD_STREAM_QUERY] = replay_stream_wait,
	[RECORD_STREAM_WAIT_EVENT] = replay_stream_wait_event,
	[RECORD_STREAM_CALLBACK] = replay_stream_callback,
	[RECORD_CALLBACK_BEGIN] = replay_callback_begin,
	[RECORD_CALLBACK_END] = replay_callback_end,
	[RECORD_STREAM_TIMESTAMP] = replay_stream_timestamp,
	[RECORD_STREAM_FAULT] = replay_fault,
	[RECORD_EVENT_CREATE] = replay_event_create,
	[RECORD_EVENT_DESTROY] = replay_event_destroy,
	[RECORD_EVENT_RECORD] = replay_event_record,
	[RECORD_EVENT_WAIT] = replay_event_wait,
	[RECORD_EVENT_QUERY] = replay_event_wait,
	[RECORD_SEMAPHORE_CREATE] = replay_semaphore_create,
	[RECORD_SEMAPHORE_DESTROY] = replay_semaphore_destroy,
	[RECORD_SEMAPHORE_SIGNAL] = replay_semaphore_signal,
	[RECORD_SEMAPHORE_WAIT] = replay_semaphore_wait,
	[RECORD_STREAM_SIGNAL_SEMAPHORE] = replay_stream_signal_semaphore,
	[RECORD_STREAM_WAIT_SEMAPHORE] = replay_stream_wait_semaphore,
	[RECORD_MODULE_LOAD] = replay_module_load,
	[RECORD_MODULE_RETAIN] = replay_module_retain,
	[RECORD_MODULE_UNLOAD] = replay_module_unload,
	[RECORD_KERNEL] = replay_kernel,
	[RECORD_LAUNCH] = replay_launch,
	[RECORD_GRAPH_BEGIN] = replay_graph_begin,
	[RECORD_GRAPH_END] = replay_graph_end,
	[RECORD_GRAPH_LAUNCH] = replay_graph_launch,
	[RECORD_GRAPH_DESTROY] = replay_graph_destroy,
	[RECORD_WRITE] = replay_write,
	[RECORD_WRITE_ASYNC] = replay_write_async,
	[RECORD_READ] = replay_read,
	[RECORD_READ_ASYNC] = replay_read_async,
	[RECORD_READ_DONE] = replay_read_done,
	[RECORD_COPY] = replay_copy,
	[RECORD_COPY_ASYNC] = replay_copy_async,
	[RECORD_FILL] = replay_fill,
	[RECORD_FILL_ASYNC] = replay_fill_async,
	[RECORD_COPY_PEER] = replay_copy_peer,
	[RECORD_COPY_PEER_ASYNC] = replay_copy_peer_async,
	[RECORD_RECT] = replay_rect,
	[RECORD_RECT_ASYNC] = replay_rect_async,
};

/* --- results ---------------------------------------------------------------------------------- */

enum replay_result replay_fail(struct replay *r, const char *format, ...)
{
	va_list list;
	int used = snprintf(r->why, sizeof(r->why),
			    "call %llu, %s: ", (unsigned long long)r->entry->call->number,
			    record_op_function(r->entry->call->op));

	va_start(list, format);
	vsnprintf(r->why + used, sizeof(r->why) - (size_t)used, format, list);
	va_end(list);
	return REPLAY_FAILED;
}

enum replay_result replay_status(struct replay *r, enum gaon_status status)
{
	const struct gaon_error *error = gaon_last_error();

	if (!status)
		return REPLAY_SAME;
	replay_fail(r, "%s (%s), where the program had %s%s%s", error->text,
		    gaon_status_name(status), gaon_status_name(r->entry->status),
		    error->hint && *error->hint ? "; " : "", error->hint ? error->hint : "");
	return status == GAON_ERROR_FAULT     ? REPLAY_FAULT
	       : status == GAON_ERROR_TIMEOUT ? REPLAY_TIMEOUT
					      : REPLAY_FAILED;
}

enum replay_result replay_given(struct replay *r, enum gaon_status status)
{
	if (status == GAON_ERROR_FAULT && r->fault_expected)
		return REPLAY_SAME;
	return replay_status(r, status);
}

uint64_t replay_align(uint64_t va)
{
	return va & ~(uint64_t)4095;
}

/* --- objects ---------------------------------------------------------------------------------- */

static struct replay_object *object_slot(struct replay_object *table, size_t room, uint64_t key)
{
	size_t at = (size_t)((key * 0x9e3779b97f4a7c15ull) >> 32);

	while (table[at & (room - 1)].key && table[at & (room - 1)].key != key)
		at++;
	return &table[at & (room - 1)];
}

bool replay_add(struct replay *r, uint64_t key, enum replay_object_type type, void *handle,
		struct gaon_device *dev)
{
	struct replay_object *slot;

	if (2 * (r->object_count + 1) > r->object_room) {
		size_t room = r->object_room ? 2 * r->object_room : 256;
		struct replay_object *table = calloc(room, sizeof(*table));

		if (!table)
			return false;
		for (size_t i = 0; i < r->object_room; i++)
			if (r->objects[i].key)
				*object_slot(table, room, r->objects[i].key) = r->objects[i];
		free(r->objects);
		r->objects = table;
		r->object_room = room;
	}
	if (!key)
		return false;
	slot = object_slot(r->objects, r->object_room, key);
	/* libgaon never gives a handle twice, but a kernel's, which may be asked for again. */
	if (slot->key && (type != REPLAY_KERNEL || slot->type != type))
		return false;
	r->object_count += !slot->key;
	*slot = (struct replay_object){ .key = key, .type = type, .handle = handle, .dev = dev };
	return true;
}

struct replay_object *replay_find(struct replay *r, uint64_t key, enum replay_object_type type)
{
	static const char *const names[] = {
		"object",    "device", "memory", "stream", "event",
		"semaphore", "module", "kernel", "graph",
	};
	struct replay_object *slot =
		r->object_room && key ? object_slot(r->objects, r->object_room, key) : NULL;

	if (slot && slot->key && slot->type == type)
		return slot;
	replay_fail(r, "the file does not make the %s %#llx that it names", names[type],
		    (unsigned long long)key);
	return NULL;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool put_before(uint32_t op)
{
	return op == RECORD_STREAM_CALLBACK || op == RECORD_STREAM_WAIT_SEMAPHORE;
}

static void look_ahead(struct replay *r)
{
	for (size_t i = 0; i < r->file->call_count; i++) {
		const struct record_entry *e = &r->file->calls[i];

		r->roomy |= put_before(e->call->op);
		r->fault_expected |= e->status == GAON_ERROR_FAULT;
	}
}

static bool waits(uint32_t op)
{
	return op == RECORD_DEVICE_WAIT || op == RECORD_STREAM_WAIT || op == RECORD_STREAM_QUERY ||
	       op == RECORD_EVENT_WAIT || op == RECORD_EVENT_QUERY || op == RECORD_SETTLE ||
	       op == RECORD_READ_DONE;
}

static enum replay_result step(struct replay *r)
{
	const struct record_call *call = r->entry->call;

	if (!steps[call->op])
		return REPLAY_SAME;
	/* What failed had no effect; of waits, those that a fault ended are made again. */
	if (r->entry->status && !(waits(call->op) && r->entry->status == GAON_ERROR_FAULT))
		return REPLAY_SAME;
	r->calls++;
	return steps[call->op](r, call, r->entry->data);
}

/* Objects go with their devices. */
static void finish(struct replay *r)
{
	replay_callbacks_stop(r, NULL);
	for (size_t i = 0; i < r->object_room; i++) {
		const struct replay_object *o = &r->objects[i];

		while (o->key && o->type == REPLAY_DEVICE && !gaon_device_close(o->handle))
			;
	}
	while (r->memory) {
		struct replay_memory *m = r->memory;

		r->memory = m->next;
		free(m->known);
		free(m);
	}
	while (r->reads) {
		struct replay_read *read = r->reads;

		r->reads = read->next;
		free(read->data);
		free(read);
	}
	while (r->blocks) {
		struct replay_block *b = r->blocks;

		r->blocks = b->next;
		free(b);
	}
	while (r->points) {
		struct replay_point *p = r->points;

		r->points = p->next;
		free(p);
	}
	while (r->late) {
		struct replay_late *late = r->late;

		r->late = late->next;
		free(late);
	}
	while (r->callbacks) {
		struct replay_callback *c = r->callbacks;

		r->callbacks = c->next;
		free(c);
	}
	free(r->objects);
	free(r->stamps);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
}

enum replay_result replay_run(struct replay *r)
{
	enum replay_result result = REPLAY_SAME;

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->late_end = &r->late;
	look_ahead(r);
	for (size_t i = 0; i < r->file->call_count && !result; i++) {
		r->entry = &r->file->calls[i];
		if (r->progress && !(i % 64))
			r->progress(r, i);
		result = step(r);
		if (r->entry->call->number == r->to)
			break;
	}
	finish(r);
	return result;
}
