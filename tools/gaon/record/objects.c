// SPDX-License-Identifier: MIT
/* Objects, at the addresses that they had. */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_LOG2_MOST 16

static enum replay_result made(struct replay *r, uint64_t key, enum replay_object_type type,
			       void *handle, struct gaon_device *dev)
{
	if (replay_add(r, key, type, handle, dev))
		return REPLAY_SAME;
	return replay_fail(
		r, "there is no memory for it, or the file gives its handle to two objects");
}

/* One call that takes nothing but the object, whose name the file gives. */
#define PLAIN(name, TYPE, call_it) \
	enum replay_result replay_##name(struct replay *r, const struct record_call *call, \
					 const uint8_t *data) \
	{ \
		struct replay_object *o = replay_find(r, call->object, TYPE); \
		\
		(void)data; \
		return o ? replay_status(r, call_it(o->handle)) : REPLAY_FAILED; \
	}

PLAIN(mem_retain, REPLAY_MEM, gaon_mem_retain)
PLAIN(stream_retain, REPLAY_STREAM, gaon_stream_retain)
PLAIN(stream_destroy, REPLAY_STREAM, gaon_stream_destroy)
PLAIN(event_destroy, REPLAY_EVENT, gaon_event_destroy)
PLAIN(semaphore_destroy, REPLAY_SEMAPHORE, gaon_semaphore_destroy)
PLAIN(module_retain, REPLAY_MODULE, gaon_module_retain)

/* These wait for all streams. */
enum replay_result replay_module_unload(struct replay *r, const struct record_call *call,
					const uint8_t *data)
{
	struct replay_object *o = replay_find(r, call->object, REPLAY_MODULE);

	(void)data;
	if (!o)
		return REPLAY_FAILED;
	return replay_put_off(r, call) ? REPLAY_SAME
				       : replay_status(r, gaon_module_unload(o->handle));
}

enum replay_result replay_graph_destroy(struct replay *r, const struct record_call *call,
					const uint8_t *data)
{
	struct replay_object *o = replay_find(r, call->object, REPLAY_GRAPH);

	(void)data;
	if (!o)
		return REPLAY_FAILED;
	return replay_put_off(r, call) ? REPLAY_SAME
				       : replay_status(r, gaon_graph_destroy(o->handle));
}

/* --- devices ---------------------------------------------------------------------------------- */

enum replay_result replay_device_open(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct gaon_device_config config = { .size = sizeof(config) };
	struct gaon_device *dev;
	enum gaon_status status;

	(void)data;
	if (call->a <= GAON_QUEUES_KERNEL)
		config.queues = (enum gaon_queues)call->a;
	status = gaon_device_open_with(r->device, &config, &dev);
	/* A card's own way of queueing is none of the embedded device's. */
	if (status == GAON_ERROR_UNSUPPORTED)
		status = gaon_device_open(r->device, &dev);
	if (status)
		return replay_status(r, status);
	r->info.size = sizeof(r->info);
	gaon_device_get_info(dev, &r->info);
	if (!replay_add(r, call->object, REPLAY_DEVICE, dev, dev)) {
		gaon_device_close(dev);
		return replay_fail(r, "the file gives its handle to two objects");
	}
	replay_find(r, call->object, REPLAY_DEVICE)->refs = 1;
	return REPLAY_SAME;
}

static void memory_drop(struct replay *r, const struct gaon_device *dev, bool all, uint64_t va,
			uint64_t end, bool chunks)
{
	struct replay_memory **link = &r->memory;

	while (*link) {
		struct replay_memory *m = *link;

		if (m->dev != dev ||
		    (!all && (m->va >= end || m->va + m->bytes <= va || (chunks && !m->chunk)))) {
			link = &m->next;
			continue;
		}
		if (chunks)
			gaon_mem_free(m->mem);
		*link = m->next;
		free(m->known);
		free(m);
	}
}

enum replay_result replay_device_retain(struct replay *r, const struct record_call *call,
					const uint8_t *data)
{
	struct replay_object *o = replay_find(r, call->object, REPLAY_DEVICE);

	(void)data;
	if (!o)
		return REPLAY_FAILED;
	o->refs++;
	return replay_status(r, gaon_device_retain(o->handle));
}

enum replay_result replay_device_close(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_object *o = replay_find(r, call->object, REPLAY_DEVICE);
	struct gaon_device_info info = { .size = sizeof(info) };
	enum replay_result result;

	(void)data;
	if (!o)
		return REPLAY_FAILED;
	/* The program's last one waited for no callback that the file does not end. */
	if (o->refs && !--o->refs)
		replay_callbacks_stop(r, o->handle);
	result = replay_status(r, gaon_device_close(o->handle));
	if (!result && gaon_device_get_info(o->handle, &info))
		memory_drop(r, o->handle, true, 0, 0, false);
	return result;
}

/* --- memory ----------------------------------------------------------------------------------- */

static enum replay_result memory_make(struct replay *r, struct gaon_device *dev, uint64_t va,
				      uint64_t bytes, enum gaon_mem_kind kind,
				      struct replay_memory **out)
{
	uint64_t before = va - replay_align(va);
	struct replay_memory *m = calloc(1, sizeof(*m));
	enum gaon_status status;

	if (bytes > 1ull << 46 || va > 1ull << 47 || !m) {
		free(m);
		return replay_fail(r, "%llu bytes at %#llx cannot be had",
				   (unsigned long long)bytes, (unsigned long long)va);
	}
	*m = (struct replay_memory){ .dev = dev, .va = va, .bytes = bytes };
	/* What the pool gave back in the meantime is in no call. */
	memory_drop(r, dev, false, replay_align(va), va + bytes, true);
	status = gaon_mem_alloc_at(dev, bytes + before, kind, va - before, &m->mem);
	if (status) {
		free(m);
		return replay_status(r, status);
	}
	if (kind == GAON_MEM_HOST) {
		m->ptr = (uint8_t *)gaon_mem_ptr(m->mem) + before;
		m->known = calloc(1, bytes);
	}
	if (kind == GAON_MEM_HOST && !m->known) {
		free(m);
		return replay_fail(r, "there is no memory for it");
	}
	m->next = r->memory;
	r->memory = m;
	*out = m;
	return REPLAY_SAME;
}

enum replay_result replay_mem_alloc(struct replay *r, const struct record_call *call,
				    const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->other, REPLAY_DEVICE);
	enum gaon_mem_kind kind = GAON_MEM_HOST;
	struct replay_memory *m = NULL;
	enum replay_result result;

	(void)data;
	if (!dev)
		return REPLAY_FAILED;
	if ((call->op == RECORD_MEM_ALLOC && call->b == GAON_MEM_DEVICE) ||
	    (call->op == RECORD_MEM_FOREIGN && !call->b))
		kind = GAON_MEM_DEVICE;
	result = memory_make(r, dev->handle, call->c, call->a, kind, &m);
	return result ? result : made(r, call->object, REPLAY_MEM, m->mem, dev->handle);
}

enum replay_result replay_mem_free(struct replay *r, const struct record_call *call,
				   const uint8_t *data)
{
	struct replay_object *o = replay_find(r, call->object, REPLAY_MEM);
	struct replay_memory **link;
	enum replay_result result;

	(void)data;
	if (!o)
		return REPLAY_FAILED;
	if (replay_put_off(r, call))
		return REPLAY_SAME;
	result = replay_status(r, gaon_mem_free(o->handle));
	if (result || gaon_mem_size(o->handle))
		return result;
	for (link = &r->memory; *link && (*link)->mem != o->handle; link = &(*link)->next)
		;
	if (*link) {
		struct replay_memory *m = *link;

		*link = m->next;
		free(m->known);
		free(m);
	}
	return REPLAY_SAME;
}

/* --- the pool: its chunks are memory here, its blocks parts of them --------------------------- */

enum replay_result replay_pool_chunk(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	struct replay_memory *m = NULL;
	enum replay_result result;

	(void)data;
	if (!dev)
		return REPLAY_FAILED;
	result = memory_make(r, dev->handle, call->c, call->a, GAON_MEM_DEVICE, &m);
	if (!result)
		m->chunk = true;
	return result;
}

/* Blocks that others gave back: whoever has them next comes after the work before that. */
enum replay_result replay_pool_alloc(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_block **link = &r->blocks, *b;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	while (*link) {
		b = *link;
		if (b->dev != stream->dev ||
		    (b->va - call->c >= call->a && call->c - b->va >= b->bytes)) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		if (b->event && b->stream != stream->handle)
			gaon_stream_wait_event(stream->handle, b->event);
		if (b->event)
			gaon_event_destroy(b->event);
		free(b);
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return replay_fail(r, "there is no memory for it");
	*b =
		(struct replay_block){ r->blocks, stream->dev, stream->handle,
				       NULL,	  call->c,     call->a };
	r->blocks = b;
	return REPLAY_SAME;
}

enum replay_result replay_pool_free(struct replay *r, const struct record_call *call,
				    const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_block *b;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	for (b = r->blocks; b && !(b->dev == stream->dev && b->va == call->c); b = b->next)
		;
	if (!b)
		return replay_fail(r, "the file does not allocate %#llx",
				   (unsigned long long)call->c);
	b->stream = stream->handle;
	if (!b->event && gaon_event_create(stream->dev, 0, &b->event))
		b->event = NULL;
	return b->event ? replay_given(r, gaon_event_record(stream->handle, b->event))
			: replay_status(r, gaon_device_wait(stream->dev, r->timeout_ns));
}

/* --- streams, events, semaphores -------------------------------------------------------------- */

enum replay_result replay_stream_create(struct replay *r, const struct record_call *call,
					const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->other, REPLAY_DEVICE);
	struct gaon_stream_config config = { .size = sizeof(config) };
	struct gaon_stream *stream;
	enum replay_result result;
	char name[32] = "";

	if (!dev)
		return REPLAY_FAILED;
	memcpy(name, data,
	       call->data_bytes < sizeof(name) - 1 ? call->data_bytes : sizeof(name) - 1);
	config.name = *name ? name : NULL;
	config.priority = (enum gaon_priority)call->a;
	config.ring_log2 = r->roomy ? RING_LOG2_MOST : (uint32_t)call->b;
	config.launch_limit_ns = call->c;
	result = replay_status(r, gaon_stream_create(dev->handle, &config, &stream));
	return result ? result : made(r, call->object, REPLAY_STREAM, stream, dev->handle);
}

enum replay_result replay_event_create(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->other, REPLAY_DEVICE);
	struct gaon_event *event;
	enum replay_result result;

	(void)data;
	if (!dev)
		return REPLAY_FAILED;
	result = replay_status(r, gaon_event_create(dev->handle, (uint32_t)call->a, &event));
	return result ? result : made(r, call->object, REPLAY_EVENT, event, dev->handle);
}

/* Another process, or another handle, is to raise it: nothing here does. */
static bool shared_later(const struct replay *r, uint64_t key)
{
	const struct record_entry *end = r->file->calls + r->file->call_count, *e;

	for (e = r->entry;
	     e < end && !(e->call->op == RECORD_SEMAPHORE_SHARED && e->call->object == key); e++)
		;
	return e < end;
}

enum replay_result replay_semaphore_create(struct replay *r, const struct record_call *call,
					   const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->other, REPLAY_DEVICE);
	struct gaon_semaphore *semaphore;
	enum replay_result result;

	(void)data;
	if (!dev)
		return REPLAY_FAILED;
	result = replay_status(r, gaon_semaphore_create(dev->handle, &semaphore));
	if (!result)
		result = made(r, call->object, REPLAY_SEMAPHORE, semaphore, dev->handle);
	if (!result)
		replay_find(r, call->object, REPLAY_SEMAPHORE)->foreign =
			call->a || shared_later(r, call->object);
	return result;
}

/* --- modules ---------------------------------------------------------------------------------- */

enum replay_result replay_module_load(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->other, REPLAY_DEVICE);
	struct gaon_module *module;
	enum replay_result result;

	if (!dev)
		return REPLAY_FAILED;
	if (call->c) {
		memory_drop(r, dev->handle, false, call->c, call->c + 1, true);
		result = replay_status(r, gaon_module_load_at(dev->handle, data, call->data_bytes,
							      call->c, &module));
	} else {
		result = replay_status(
			r, gaon_module_load(dev->handle, data, call->data_bytes, &module));
	}
	return result ? result : made(r, call->object, REPLAY_MODULE, module, dev->handle);
}

enum replay_result replay_kernel(struct replay *r, const struct record_call *call,
				 const uint8_t *data)
{
	struct replay_object *module = replay_find(r, call->other, REPLAY_MODULE);
	struct gaon_kernel *kernel;
	enum replay_result result;
	char name[65] = "";

	if (!module)
		return REPLAY_FAILED;
	memcpy(name, data,
	       call->data_bytes < sizeof(name) - 1 ? call->data_bytes : sizeof(name) - 1);
	result = replay_status(r, gaon_module_get_kernel(module->handle, name, &kernel));
	return result ? result : made(r, call->object, REPLAY_KERNEL, kernel, module->dev);
}
