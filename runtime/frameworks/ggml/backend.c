// SPDX-License-Identifier: MIT
/*
 * A backend is a stream. Its functions for copies and waits return nothing to ggml: an error goes
 * into the log once, and graph_compute() of the same backend fails from then on, so that the
 * program ends cleanly.
 */
#include "plugin.h"

#include <stdlib.h>

static struct plugin_backend *backend_of(ggml_backend_t backend)
{
	return backend->context;
}

static uint64_t address_of(const struct ggml_tensor *tensor, size_t offset)
{
	return (uint64_t)(uintptr_t)tensor->data + offset;
}

bool plugin_backend_ok(struct plugin_backend *backend, enum gaon_status status, const char *what)
{
	struct gaon_fault fault = { .size = sizeof(fault) };

	if (!status)
		return true;
	if (backend->failed)
		return false;
	backend->failed = true;
	if (status == GAON_ERROR_FAULT && !gaon_stream_get_fault(backend->stream, &fault))
		plugin_log(GGML_LOG_LEVEL_ERROR, "%s: %s: %s", backend->device->name, what,
			   fault.text);
	else
		plugin_log_status(backend->device, status, what);
	return false;
}

static const char *backend_name(ggml_backend_t backend)
{
	return backend_of(backend)->device->name;
}

static void backend_free(ggml_backend_t backend)
{
	struct plugin_backend *b = backend_of(backend);

	plugin_replay_forget(b);
	gaon_stream_destroy(b->stream);
	if (b->scratch)
		gaon_mem_free(b->scratch);
	free(b->nodes);
	free(b);
}

static void backend_set_async(ggml_backend_t backend, struct ggml_tensor *tensor, const void *data,
			      size_t offset, size_t size)
{
	struct plugin_backend *b = backend_of(backend);

	plugin_backend_ok(b,
			  gaon_mem_write_async(b->stream, address_of(tensor, offset), data, size),
			  tensor->name);
}

static void backend_get_async(ggml_backend_t backend, const struct ggml_tensor *tensor, void *data,
			      size_t offset, size_t size)
{
	struct plugin_backend *b = backend_of(backend);

	plugin_backend_ok(b, gaon_mem_read_async(b->stream, data, address_of(tensor, offset), size),
			  tensor->name);
}

static void backend_set_2d_async(ggml_backend_t backend, struct ggml_tensor *tensor,
				 const void *data, size_t offset, size_t size, size_t copies,
				 size_t stride_tensor, size_t stride_data)
{
	struct plugin_backend *b = backend_of(backend);
	struct gaon_rect rect;

	plugin_rect(&rect, tensor, (void *)(uintptr_t)data, offset, size, copies, stride_tensor,
		    stride_data, true);
	plugin_backend_ok(b, gaon_mem_copy_rect_async(b->stream, &rect), tensor->name);
}

static void backend_get_2d_async(ggml_backend_t backend, const struct ggml_tensor *tensor,
				 void *data, size_t offset, size_t size, size_t copies,
				 size_t stride_tensor, size_t stride_data)
{
	struct plugin_backend *b = backend_of(backend);
	struct gaon_rect rect;

	plugin_rect(&rect, tensor, data, offset, size, copies, stride_tensor, stride_data, false);
	plugin_backend_ok(b, gaon_mem_copy_rect_async(b->stream, &rect), tensor->name);
}

/* What @to is given from now on waits for all that @from was given. */
static enum gaon_status order(struct plugin_backend *from, struct plugin_backend *to)
{
	struct gaon_event *event;
	enum gaon_status status;

	if (from == to)
		return GAON_OK;
	status = gaon_event_create(from->device->gaon, 0, &event);
	if (status)
		return status;
	status = gaon_event_record(from->stream, event);
	if (!status)
		status = gaon_stream_wait_event(to->stream, event);
	gaon_event_destroy(event);
	return status;
}

/* Between streams of one device; for all else ggml waits for both sides and copies then. */
static bool backend_copy_async(ggml_backend_t src_backend, ggml_backend_t dst_backend,
			       const struct ggml_tensor *src, struct ggml_tensor *dst)
{
	struct plugin_backend *from, *to;
	enum gaon_status status;

	if (src_backend->ops.get_name != backend_name || dst_backend->ops.get_name != backend_name)
		return false;
	from = backend_of(src_backend);
	to = backend_of(dst_backend);
	if (from->device != to->device ||
	    plugin_buffer_device(src->view_src ? src->view_src->buffer : src->buffer) !=
		    from->device ||
	    plugin_buffer_device(dst->view_src ? dst->view_src->buffer : dst->buffer) != to->device)
		return false;
	/* What @to does with the old contents comes before, and with the new ones after. */
	status = order(to, from);
	if (!status)
		status = gaon_mem_copy_async(from->stream, address_of(dst, 0), address_of(src, 0),
					     ggml_nbytes(src));
	if (!status)
		status = order(from, to);
	return plugin_backend_ok(to, status, dst->name);
}

static void backend_synchronize(ggml_backend_t backend)
{
	struct plugin_backend *b = backend_of(backend);

	plugin_backend_ok(b, gaon_stream_wait(b->stream, GAON_FOREVER), "waiting for the device");
}

static void backend_event_record(ggml_backend_t backend, ggml_backend_event_t event)
{
	struct plugin_backend *b = backend_of(backend);

	plugin_backend_ok(b, gaon_event_record(b->stream, event->context), "recording an event");
}

/* An event of another device, which the stream cannot wait for, is waited for here. */
static void backend_event_wait(ggml_backend_t backend, ggml_backend_event_t event)
{
	struct plugin_backend *b = backend_of(backend);
	enum gaon_status status;

	if (event->device == &b->device->abi)
		status = gaon_stream_wait_event(b->stream, event->context);
	else
		status = gaon_event_wait(event->context, GAON_FOREVER);
	/* One that was never recorded has nothing to wait for. */
	if (status != GAON_ERROR_STATE)
		plugin_backend_ok(b, status, "waiting for an event");
}

enum gaon_status plugin_backend_scratch(struct plugin_backend *backend, uint64_t bytes, uint64_t *va)
{
	enum gaon_status status;
	struct gaon_mem *mem;

	backend->prepared = NULL;
	if (!backend->scratch || gaon_mem_size(backend->scratch) < bytes) {
		status = gaon_mem_alloc(backend->device->gaon, bytes, GAON_MEM_DEVICE, &mem);
		if (status)
			return status;
		/* Both wait for the operators that use the old one. */
		plugin_replay_forget(backend);
		if (backend->scratch)
			gaon_mem_free(backend->scratch);
		backend->scratch = mem;
	}
	*va = gaon_mem_va(backend->scratch);
	return GAON_OK;
}

bool plugin_backend_room(struct plugin_backend *backend, int count)
{
	struct ggml_tensor **nodes;

	if (count <= backend->room)
		return true;
	nodes = realloc(backend->nodes, count * sizeof(*nodes));
	if (!nodes)
		return false;
	backend->nodes = nodes;
	backend->room = count;
	return true;
}

static const struct ggml_abi_backend_ops backend_ops = {
	.get_name = backend_name,
	.free = backend_free,
	.set_tensor_async = backend_set_async,
	.get_tensor_async = backend_get_async,
	.set_tensor_2d_async = backend_set_2d_async,
	.get_tensor_2d_async = backend_get_2d_async,
	.cpy_tensor_async = backend_copy_async,
	.synchronize = backend_synchronize,
	.graph_compute = plugin_graph_compute,
	.event_record = backend_event_record,
	.event_wait = backend_event_wait,
};

/* "Gaon" and a fixed tail: tells ggml's users that a backend is ours. */
static ggml_guid backend_guid = { 'G',	'a',  'o',  'n',  0x9d, 0x0f, 0x4b, 0x6e,
				  0x8a, 0x51, 0x3c, 0x77, 0xe2, 0x18, 0xb4, 0x05 };

ggml_backend_t plugin_backend_create(struct plugin_device *device)
{
	struct gaon_stream_config config = { .size = sizeof(config),
					     .ring_log2 = 12,
					     .name = device->name };
	struct plugin_backend *backend = calloc(1, sizeof(*backend));
	enum gaon_status status;

	if (!backend)
		return NULL;
	backend->device = device;
	status = gaon_stream_create(device->gaon, &config, &backend->stream);
	if (status) {
		plugin_log_status(device, status, "making a stream");
		free(backend);
		return NULL;
	}
	backend->abi = (struct ggml_backend){
		.guid = &backend_guid,
		.ops = backend_ops,
		.device = &device->abi,
		.context = backend,
	};
	return &backend->abi;
}
