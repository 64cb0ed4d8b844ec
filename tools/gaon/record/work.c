// SPDX-License-Identifier: MIT
/* Launches, graphs and copies. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

/* --- launches --------------------------------------------------------------------------------- */

enum replay_result replay_launch(struct replay *r, const struct record_call *call,
				 const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *kernel = stream ? replay_find(r, call->other, REPLAY_KERNEL) : NULL;
	struct gaon_launch launch = {
		.size = sizeof(launch),
		.grid = { (uint32_t)call->a, (uint32_t)(call->a >> 32), (uint32_t)call->b },
		.flags = (uint32_t)call->c,
		.args = data,
		.args_size = call->data_bytes,
		.spm_bytes = (uint32_t)(call->b >> 32),
	};

	if (!kernel)
		return REPLAY_FAILED;
	r->launches++;
	return replay_given(r, gaon_launch(stream->handle, kernel->handle, &launch));
}

/* --- graphs ----------------------------------------------------------------------------------- */

enum replay_result replay_graph_begin(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);

	(void)data;
	return stream ? replay_status(r, gaon_graph_begin(stream->handle)) : REPLAY_FAILED;
}

enum replay_result replay_graph_end(struct replay *r, const struct record_call *call,
				    const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->other, REPLAY_STREAM);
	struct gaon_graph *graph;
	enum replay_result result;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	result = replay_status(r, gaon_graph_end(stream->handle, &graph));
	if (!result && !replay_add(r, call->object, REPLAY_GRAPH, graph, stream->dev))
		result = replay_fail(r, "there is no memory for it");
	return result;
}

/* How many there are; UINT32_MAX if they do not fill their data. @list: room for them, or NULL. */
static uint32_t unpack_args(const uint8_t *data, uint64_t bytes, struct gaon_graph_args *list)
{
	struct record_args head;
	uint32_t count = 0;
	uint64_t padded;

	for (; bytes; count++) {
		if (bytes < sizeof(head))
			return UINT32_MAX;
		memcpy(&head, data, sizeof(head));
		padded = ((uint64_t)head.bytes + 7) / 8 * 8;
		if (bytes - sizeof(head) < padded)
			return UINT32_MAX;
		if (list)
			list[count] = (struct gaon_graph_args){ sizeof(*list), head.launch,
								data + sizeof(head), head.bytes };
		data += sizeof(head) + padded;
		bytes -= sizeof(head) + padded;
	}
	return count;
}

enum replay_result replay_graph_launch(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *graph = stream ? replay_find(r, call->other, REPLAY_GRAPH) : NULL;
	uint32_t count = unpack_args(data, call->data_bytes, NULL);
	struct gaon_graph_args *list;
	enum replay_result result;

	if (!graph)
		return REPLAY_FAILED;
	if (count == UINT32_MAX)
		return replay_fail(r, "its arguments are damaged");
	r->launches++;
	if (!count)
		return replay_given(r, gaon_graph_launch(stream->handle, graph->handle));
	list = calloc(count, sizeof(*list));
	if (!list)
		return replay_fail(r, "there is no memory for it");
	unpack_args(data, call->data_bytes, list);
	result =
		replay_given(r, gaon_graph_launch_args(stream->handle, graph->handle, list, count));
	free(list);
	return result;
}

/* --- host to device --------------------------------------------------------------------------- */

enum replay_result replay_write(struct replay *r, const struct record_call *call,
				const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);

	return dev ? replay_status(r, gaon_mem_write(dev->handle, call->c, data, call->data_bytes))
		   : REPLAY_FAILED;
}

/* Pinned host memory at the address that it has for the device. */
static uint8_t *host_ptr(struct replay *r, const struct gaon_device *dev, uint64_t va,
			 uint64_t bytes)
{
	struct replay_memory *m = replay_memory_at(r, dev, va, bytes);

	if (m && m->ptr)
		return m->ptr + (va - m->va);
	replay_fail(r, "%llu bytes at %#llx are no host memory that the file makes",
		    (unsigned long long)bytes, (unsigned long long)va);
	return NULL;
}

/* The data is the file's, which stays. */
enum replay_result replay_write_async(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	uint64_t bytes = call->data_bytes;

	if (!stream)
		return REPLAY_FAILED;
	if (call->d) {
		bytes = call->a;
		data = host_ptr(r, stream->dev, call->d, bytes);
		if (!data)
			return REPLAY_FAILED;
	}
	return replay_given(r, gaon_mem_write_async(stream->handle, call->c, data, bytes));
}

/* --- device to host --------------------------------------------------------------------------- */

enum replay_result replay_read(struct replay *r, const struct record_call *call,
			       const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	struct replay_memory *m =
		dev && call->d ? replay_memory_at(r, dev->handle, call->d, call->data_bytes) : NULL;
	enum replay_result result;
	uint8_t *found;

	if (!dev)
		return REPLAY_FAILED;
	found = malloc(call->data_bytes + 1);
	if (!found)
		return replay_fail(r, "there is no memory for it");
	result = replay_status(r, gaon_mem_read(dev->handle, found, call->c, call->data_bytes));
	if (!result)
		result = replay_compare(r, dev->handle, call->c, found, data, call->data_bytes);
	/* It went to memory that the device sees. */
	if (m && m->ptr) {
		memcpy(m->ptr + (call->d - m->va), data, call->data_bytes);
		memcpy(m->known + (call->d - m->va), data, call->data_bytes);
	}
	free(found);
	r->reads_compared++;
	return result;
}

/* Takes @data. */
static enum replay_result read_add(struct replay *r, struct replay_object *stream,
				   const struct record_call *call, uint64_t va, uint8_t *data,
				   uint64_t bytes)
{
	struct replay_read *read = calloc(1, sizeof(*read));
	enum replay_result result = REPLAY_SAME;

	if (!read) {
		/* The device may still write @data: it stays. */
		return replay_fail(r, "there is no memory for it");
	}
	*read = (struct replay_read){ r->reads, call->b, stream->dev, NULL, va, bytes, data };
	r->reads = read;
	result = replay_status(r, gaon_event_create(stream->dev, 0, &read->event));
	return result ? result : replay_given(r, gaon_event_record(stream->handle, read->event));
}

enum replay_result replay_read_async(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	enum replay_result result;
	uint8_t *to;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	if (call->d) {
		to = host_ptr(r, stream->dev, call->d, call->a);
		return to ? replay_given(r,
					 gaon_mem_read_async(stream->handle, to, call->c, call->a))
			  : REPLAY_FAILED;
	}
	to = call->a <= 1ull << 46 ? malloc(call->a + 1) : NULL;
	if (!to)
		return replay_fail(r, "there is no memory for %llu bytes",
				   (unsigned long long)call->a);
	result = replay_given(r, gaon_mem_read_async(stream->handle, to, call->c, call->a));
	if (!result)
		return read_add(r, stream, call, call->c, to, call->a);
	free(to);
	return result;
}

enum replay_result replay_read_done(struct replay *r, const struct record_call *call,
				    const uint8_t *data)
{
	struct replay_read **link = &r->reads, *read;
	enum replay_result result;

	while (*link && (*link)->number != call->b)
		link = &(*link)->next;
	read = *link;
	if (!read)
		return r->fault_expected ? REPLAY_SAME
					 : replay_fail(r, "the file does not begin read %llu",
						       (unsigned long long)call->b);
	if (r->entry->status)
		return REPLAY_SAME;
	if (read->bytes != call->data_bytes)
		return replay_fail(r, "the file has %llu of %llu bytes",
				   (unsigned long long)call->data_bytes,
				   (unsigned long long)read->bytes);
	result = replay_status(r, gaon_event_wait(read->event, r->timeout_ns));
	if (!result)
		result = replay_compare(r, read->dev, read->va, read->data, data, read->bytes);
	r->reads_compared++;
	if (result)
		return result;
	gaon_event_destroy(read->event);
	*link = read->next;
	free(read->data);
	free(read);
	return REPLAY_SAME;
}

/* --- within devices and between them ---------------------------------------------------------- */

enum replay_result replay_copy(struct replay *r, const struct record_call *call,
			       const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);

	(void)data;
	return dev ? replay_status(r, gaon_mem_copy(dev->handle, call->c, call->d, call->a))
		   : REPLAY_FAILED;
}

enum replay_result replay_copy_async(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);

	(void)data;
	return stream ? replay_given(r,
				     gaon_mem_copy_async(stream->handle, call->c, call->d, call->a))
		      : REPLAY_FAILED;
}

enum replay_result replay_fill(struct replay *r, const struct record_call *call,
			       const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);

	(void)data;
	return dev ? replay_status(r, gaon_mem_fill(dev->handle, call->c, call->b,
						    (uint32_t)call->d, call->a))
		   : REPLAY_FAILED;
}

enum replay_result replay_fill_async(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);

	(void)data;
	return stream ? replay_given(r, gaon_mem_fill_async(stream->handle, call->c, call->b,
							    (uint32_t)call->d, call->a))
		      : REPLAY_FAILED;
}

enum replay_result replay_copy_peer(struct replay *r, const struct record_call *call,
				    const uint8_t *data)
{
	struct replay_object *dst = replay_find(r, call->object, REPLAY_DEVICE);
	struct replay_object *src = dst ? replay_find(r, call->other, REPLAY_DEVICE) : NULL;

	(void)data;
	return src ? replay_status(r, gaon_mem_copy_peer(dst->handle, call->c, src->handle, call->d,
							 call->a))
		   : REPLAY_FAILED;
}

enum replay_result replay_copy_peer_async(struct replay *r, const struct record_call *call,
					  const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *dst = stream ? replay_find(r, call->other, REPLAY_DEVICE) : NULL;
	struct replay_object *src = dst ? replay_find(r, call->b, REPLAY_DEVICE) : NULL;

	(void)data;
	return src ? replay_given(r, gaon_mem_copy_peer_async(stream->handle, dst->handle, call->c,
							      src->handle, call->d, call->a))
		   : REPLAY_FAILED;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The rows of the host's side lie one behind the other here. False: the file's data is not right.
 */
static bool rect_read(const struct record_call *call, const uint8_t *data, struct gaon_rect *rect,
		      uint64_t *bytes)
{
	struct record_rect head;
	uint64_t area;

	if (call->d != sizeof(head) || call->data_bytes < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	*rect = (struct gaon_rect){
		.size = sizeof(*rect),
		.width = head.width,
		.height = head.height,
		.depth = head.depth,
		.dst = { head.dst.va, NULL, head.dst.row_pitch, head.dst.slice_pitch },
		.src = { head.src.va, NULL, head.src.row_pitch, head.src.slice_pitch },
	};
	area = (uint64_t)(head.height ? head.height : 1) * (head.depth ? head.depth : 1);
	return !__builtin_mul_overflow(area, head.width, bytes) && *bytes <= 1ull << 46 &&
	       (head.dst.va || head.src.va);
}

static struct gaon_rect_end rect_rows(const uint8_t *rows)
{
	return (struct gaon_rect_end){ .ptr = (void *)(uintptr_t)rows };
}

enum replay_result replay_rect(struct replay *r, const struct record_call *call,
			       const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	const uint8_t *rows = data + sizeof(struct record_rect);
	enum replay_result result;
	struct gaon_rect rect;
	uint8_t *found = NULL;
	uint64_t bytes;

	if (!dev)
		return REPLAY_FAILED;
	if (!rect_read(call, data, &rect, &bytes) ||
	    ((!rect.src.va || !rect.dst.va) &&
	     bytes != call->data_bytes - sizeof(struct record_rect)))
		return replay_fail(r, "its rows are damaged");
	if (!rect.src.va)
		rect.src = rect_rows(rows);
	if (!rect.dst.va) {
		found = malloc(bytes + 1);
		if (!found)
			return replay_fail(r, "there is no memory for it");
		rect.dst = rect_rows(found);
	}
	result = replay_status(r, gaon_mem_copy_rect(dev->handle, &rect));
	if (!result && found)
		result = replay_compare(r, dev->handle, 0, found, rows, bytes);
	r->reads_compared += found != NULL;
	free(found);
	return result;
}

enum replay_result replay_rect_async(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	enum replay_result result;
	struct gaon_rect rect;
	uint8_t *found = NULL;
	uint64_t bytes;

	if (!stream)
		return REPLAY_FAILED;
	if (!rect_read(call, data, &rect, &bytes) ||
	    (!rect.src.va && bytes != call->data_bytes - sizeof(struct record_rect)))
		return replay_fail(r, "its rows are damaged");
	if (!rect.src.va)
		rect.src = rect_rows(data + sizeof(struct record_rect));
	if (!rect.dst.va) {
		found = malloc(bytes + 1);
		if (!found)
			return replay_fail(r, "there is no memory for it");
		rect.dst = rect_rows(found);
	}
	result = replay_given(r, gaon_mem_copy_rect_async(stream->handle, &rect));
	if (!result && found)
		return read_add(r, stream, call, 0, found, bytes);
	free(found);
	return result;
}
