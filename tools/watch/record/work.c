// SPDX-License-Identifier: MIT
/*
 * Calls that give work. What streams are given is put before the call, so that a call which never
 * returns is in the file too, and what completes it stands behind it; a call that fails is followed
 * by RECORD_FAILED. Blocking reads are put when the data is there.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define HANDLE(h) ((uint64_t)(uintptr_t)(h))

/* --- launches --------------------------------------------------------------------------------- */

static _Thread_local bool in_graph; /* the last stream that this thread began to record is */
static _Thread_local const struct gaon_stream *graph_stream;

/* Arguments that are kept lead the device to memory whenever the graph is launched. */
static void give_args(struct gaon_stream *stream, const void *args, uint64_t bytes)
{
	struct gaon_device *dev = record_stream_device(stream);

	if (in_graph && stream == graph_stream)
		record_host_graph_args(dev, stream, args, bytes);
	else
		record_host_give(dev, stream, NULL, args, bytes);
}

enum gaon_status hook_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
			     const struct gaon_launch *launch)
{
	struct record_call call = { .op = RECORD_LAUNCH,
				    .object = HANDLE(stream),
				    .other = HANDLE(kernel) };
	struct gaon_launch l = { 0 };
	enum gaon_status status;
	uint64_t number;

	if (!launch)
		return next.launch(stream, kernel, launch);
	memcpy(&l, launch, launch->size < sizeof(l) ? launch->size : sizeof(l));
	call.a = (uint64_t)l.grid[1] << 32 | l.grid[0];
	call.b = (uint64_t)l.spm_bytes << 32 | l.grid[2];
	call.c = l.flags;
	record_stream_lock(stream);
	if (l.args)
		give_args(stream, l.args, l.args_size);
	number = record_put(&call, l.args, l.args ? l.args_size : 0);
	status = record_result(number, next.launch(stream, kernel, launch));
	record_stream_unlock(stream);
	if (record_check == CHECK_LAUNCH && !status && !(in_graph && stream == graph_stream))
		record_buffers(record_stream_device(stream), true);
	return status;
}

/* --- graphs ----------------------------------------------------------------------------------- */

enum gaon_status hook_graph_begin(struct gaon_stream *stream)
{
	enum gaon_status status = next.graph_begin(stream);

	if (!status) {
		in_graph = true;
		graph_stream = stream;
	}
	record_done(&(struct record_call){ .op = RECORD_GRAPH_BEGIN, .object = HANDLE(stream) },
		    status, NULL, 0);
	return status;
}

enum gaon_status hook_graph_end(struct gaon_stream *stream, struct gaon_graph **graph)
{
	enum gaon_status status = next.graph_end(stream, graph);

	if (stream == graph_stream)
		in_graph = false;
	if (!status)
		record_host_graph_end(stream, *graph);
	record_done(&(struct record_call){ .op = RECORD_GRAPH_END,
					   .object = status ? 0 : HANDLE(*graph),
					   .other = HANDLE(stream) },
		    status, NULL, 0);
	return status;
}

/* struct record_args, and the arguments, of each. NULL without memory; the caller frees it. */
static uint8_t *pack_args(const struct gaon_graph_args *args, uint32_t count, uint64_t *bytes)
{
	const uint8_t *from = (const uint8_t *)args;
	uint8_t *packed, *to;
	uint64_t room = 8;

	for (uint32_t i = 0; i < count; i++) {
		const struct gaon_graph_args *a = (const void *)(from + i * args->size);

		room += sizeof(struct record_args) + (a->args_size + 7) / 8 * 8;
	}
	packed = to = calloc(1, room);
	for (uint32_t i = 0; packed && i < count; i++) {
		const struct gaon_graph_args *a = (const void *)(from + i * args->size);
		struct record_args head = { a->launch, (uint32_t)a->args_size };

		memcpy(to, &head, sizeof(head));
		if (a->args)
			memcpy(to + sizeof(head), a->args, a->args_size);
		to += sizeof(head) + (a->args_size + 7) / 8 * 8;
	}
	*bytes = packed ? (uint64_t)(to - packed) : 0;
	return packed;
}

static enum gaon_status graph_launch(struct gaon_stream *stream, struct gaon_graph *graph,
				     const struct gaon_graph_args *args, uint32_t count)
{
	struct record_call call = { .op = RECORD_GRAPH_LAUNCH,
				    .object = HANDLE(stream),
				    .other = HANDLE(graph) };
	uint8_t *packed = NULL;
	enum gaon_status status;
	uint64_t bytes = 0;

	if (args && count && args->size >= sizeof(*args))
		packed = pack_args(args, count, &bytes);
	record_stream_lock(stream);
	record_host_give(record_stream_device(stream), stream, graph, packed, bytes);
	status = record_result(record_put(&call, packed, bytes),
			       args ? next.graph_launch_args(stream, graph, args, count)
				    : next.graph_launch(stream, graph));
	record_stream_unlock(stream);
	free(packed);
	if (record_check == CHECK_LAUNCH && !status)
		record_buffers(record_stream_device(stream), true);
	return status;
}

enum gaon_status hook_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph)
{
	return graph_launch(stream, graph, NULL, 0);
}

enum gaon_status hook_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
					const struct gaon_graph_args *args, uint32_t count)
{
	if (!args)
		return next.graph_launch_args(stream, graph, args, count);
	return graph_launch(stream, graph, args, count);
}

enum gaon_status hook_graph_destroy(struct gaon_graph *graph)
{
	enum gaon_status status = next.graph_destroy(graph);

	record_done(&(struct record_call){ .op = RECORD_GRAPH_DESTROY, .object = HANDLE(graph) },
		    status, NULL, 0);
	record_reads_harvest();
	return status;
}

/* --- host to device --------------------------------------------------------------------------- */

/* Is all of it there to be read? libgaon says so itself of what is not. */
static bool readable(const void *ptr, uint64_t bytes)
{
	return ptr && bytes && bytes <= 1ull << 46;
}

enum gaon_status hook_mem_write(struct gaon_device *dev, uint64_t dst, const void *src,
				uint64_t bytes)
{
	struct record_call call = {
		.op = RECORD_WRITE, .object = HANDLE(dev), .a = bytes, .c = dst
	};
	enum gaon_status status = next.mem_write(dev, dst, src, bytes);

	if (!status)
		record_host_scan(dev, src, bytes);
	record_done(&call, status, src, status ? 0 : bytes);
	if (!status)
		record_host_wrote(dev, dst, bytes);
	return status;
}

enum gaon_status hook_mem_write_async(struct gaon_stream *stream, uint64_t dst, const void *src,
				      uint64_t bytes)
{
	struct record_call call = {
		.op = RECORD_WRITE_ASYNC, .object = HANDLE(stream), .a = bytes, .c = dst
	};
	struct gaon_device *dev = record_stream_device(stream);
	enum gaon_status status;
	uint64_t number;

	record_stream_lock(stream);
	call.d = readable(src, bytes) ? record_host_va(dev, src, bytes) : 0;
	if (call.d) {
		record_host_copy(dev, stream, call.d, bytes, false);
		number = record_put(&call, NULL, 0);
		status = record_result(number, next.mem_write_async(stream, dst, src, bytes));
	} else {
		record_reads_settle(src, bytes);
		/* Only once libgaon has found that it can be read; before anybody learns that it
		 * has been. */
		status = next.mem_write_async(stream, dst, src, bytes);
		if (!status && bytes)
			record_host_scan(dev, src, bytes);
		record_done(&call, status, src, status ? 0 : bytes);
	}
	record_stream_unlock(stream);
	return status;
}

/* --- device to host --------------------------------------------------------------------------- */

enum gaon_status hook_mem_read(struct gaon_device *dev, void *dst, uint64_t src, uint64_t bytes)
{
	enum gaon_status status;

	record_host_copy(dev, NULL, src, bytes, false);
	status = next.mem_read(dev, dst, src, bytes);
	if (!status && bytes)
		record_host_known(dev, dst, bytes);
	record_done(&(struct record_call){ .op = RECORD_READ,
					   .object = HANDLE(dev),
					   .a = bytes,
					   .c = src,
					   .d = status || !bytes
							? 0
							: record_host_va(dev, dst, bytes) },
		    status, dst, status ? 0 : bytes);
	return status;
}

static _Atomic uint64_t read_count;

enum gaon_status hook_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src,
				     uint64_t bytes)
{
	struct record_call call = {
		.op = RECORD_READ_ASYNC, .object = HANDLE(stream), .a = bytes, .c = src
	};
	struct gaon_device *dev = record_stream_device(stream);
	enum gaon_status status;
	uint64_t number;

	call.b = atomic_fetch_add(&read_count, 1) + 1;
	record_stream_lock(stream);
	call.d = readable(dst, bytes) ? record_host_va(dev, dst, bytes) : 0;
	record_host_copy(dev, stream, src, bytes, false);
	if (call.d)
		record_host_copy(dev, stream, call.d, bytes, true);
	number = record_put(&call, NULL, 0);
	status = record_result(number, next.mem_read_async(stream, dst, src, bytes));
	if (!status && bytes && !call.d)
		record_read_add(dev, stream, call.b, dst, bytes, NULL);
	record_stream_unlock(stream);
	return status;
}

/* --- within the device ------------------------------------------------------------------------ */

enum gaon_status hook_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct record_call call = {
		.op = RECORD_COPY, .object = HANDLE(dev), .a = bytes, .c = dst, .d = src
	};

	enum gaon_status status;

	record_host_copy(dev, NULL, src, bytes, false);
	status = record_result(record_put(&call, NULL, 0), next.mem_copy(dev, dst, src, bytes));
	if (!status)
		record_host_wrote(dev, dst, bytes);
	return status;
}

enum gaon_status hook_mem_copy_async(struct gaon_stream *stream, uint64_t dst, uint64_t src,
				     uint64_t bytes)
{
	struct record_call call = {
		.op = RECORD_COPY_ASYNC, .object = HANDLE(stream), .a = bytes, .c = dst, .d = src
	};
	struct gaon_device *dev = record_stream_device(stream);
	enum gaon_status status;

	record_stream_lock(stream);
	record_host_copy(dev, stream, src, bytes, false);
	record_host_copy(dev, stream, dst, bytes, true);
	status = record_result(record_put(&call, NULL, 0),
			       next.mem_copy_async(stream, dst, src, bytes));
	record_stream_unlock(stream);
	return status;
}

enum gaon_status hook_mem_fill(struct gaon_device *dev, uint64_t dst, uint64_t pattern,
			       uint32_t pattern_size, uint64_t bytes)
{
	struct record_call call = { .op = RECORD_FILL,
				    .object = HANDLE(dev),
				    .a = bytes,
				    .b = pattern,
				    .c = dst,
				    .d = pattern_size };

	enum gaon_status status = record_result(
		record_put(&call, NULL, 0), next.mem_fill(dev, dst, pattern, pattern_size, bytes));

	if (!status)
		record_host_wrote(dev, dst, bytes);
	return status;
}

enum gaon_status hook_mem_fill_async(struct gaon_stream *stream, uint64_t dst, uint64_t pattern,
				     uint32_t pattern_size, uint64_t bytes)
{
	struct record_call call = { .op = RECORD_FILL_ASYNC,
				    .object = HANDLE(stream),
				    .a = bytes,
				    .b = pattern,
				    .c = dst,
				    .d = pattern_size };
	enum gaon_status status;

	record_stream_lock(stream);
	record_host_copy(record_stream_device(stream), stream, dst, bytes, true);
	status = record_result(record_put(&call, NULL, 0),
			       next.mem_fill_async(stream, dst, pattern, pattern_size, bytes));
	record_stream_unlock(stream);
	return status;
}

enum gaon_status hook_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst,
				    struct gaon_device *src_dev, uint64_t src, uint64_t bytes)
{
	struct record_call call = { .op = RECORD_COPY_PEER,
				    .object = HANDLE(dst_dev),
				    .other = HANDLE(src_dev),
				    .a = bytes,
				    .c = dst,
				    .d = src };

	enum gaon_status status;

	record_host_copy(src_dev, NULL, src, bytes, false);
	status = record_result(record_put(&call, NULL, 0),
			       next.mem_copy_peer(dst_dev, dst, src_dev, src, bytes));
	if (!status)
		record_host_wrote(dst_dev, dst, bytes);
	return status;
}

enum gaon_status hook_mem_copy_peer_async(struct gaon_stream *stream, struct gaon_device *dst_dev,
					  uint64_t dst, struct gaon_device *src_dev, uint64_t src,
					  uint64_t bytes)
{
	struct record_call call = { .op = RECORD_COPY_PEER_ASYNC,
				    .object = HANDLE(stream),
				    .other = HANDLE(dst_dev),
				    .a = bytes,
				    .b = HANDLE(src_dev),
				    .c = dst,
				    .d = src };
	enum gaon_status status;

	record_stream_lock(stream);
	record_host_copy(src_dev, stream, src, bytes, false);
	record_host_copy(dst_dev, stream, dst, bytes, true);
	status = record_result(record_put(&call, NULL, 0),
			       next.mem_copy_peer_async(stream, dst_dev, dst, src_dev, src, bytes));
	record_stream_unlock(stream);
	return status;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* In front of what the host's rows hold, if they are the source. NULL without memory; the caller
 * frees it. */
static uint8_t *pack_rect(const struct gaon_rect *rect, bool rows, uint64_t *bytes)
{
	struct record_rect head = {
		.width = rect->width,
		.height = rect->height,
		.depth = rect->depth,
		.dst = { rect->dst.ptr ? 0 : rect->dst.va, rect->dst.row_pitch,
			 rect->dst.slice_pitch },
		.src = { rect->src.ptr ? 0 : rect->src.va, rect->src.row_pitch,
			 rect->src.slice_pitch },
	};
	const struct gaon_rect_end *end = rect->src.ptr ? &rect->src : &rect->dst;
	void *data = rows && end->ptr ? record_rows(rect, end, bytes) : NULL;
	uint8_t *packed;

	if (!data)
		*bytes = 0;
	packed = malloc(sizeof(head) + *bytes);
	if (packed) {
		memcpy(packed, &head, sizeof(head));
		if (data)
			memcpy(packed + sizeof(head), data, *bytes);
		*bytes += sizeof(head);
	}
	free(data);
	return packed;
}

/* From the first byte of a side to the last. */
static uint64_t rect_span(const struct gaon_rect *rect, const struct gaon_rect_end *end)
{
	uint64_t height = rect->height ? rect->height : 1, depth = rect->depth ? rect->depth : 1;
	uint64_t row_pitch = end->row_pitch ? end->row_pitch : rect->width;
	uint64_t slice_pitch = end->slice_pitch ? end->slice_pitch : row_pitch * height;

	return (depth - 1) * slice_pitch + (height - 1) * row_pitch + rect->width;
}

/* The device's sides may be memory of the host, too. */
static void rect_give(struct gaon_device *dev, struct gaon_stream *stream,
		      const struct gaon_rect *rect)
{
	if (!rect->src.ptr)
		record_host_copy(dev, stream, rect->src.va, rect_span(rect, &rect->src), false);
	if (!rect->dst.ptr && stream)
		record_host_copy(dev, stream, rect->dst.va, rect_span(rect, &rect->dst), true);
}

/* A structure of this library's size, with one host side at most, whose rows can be followed. */
static bool rect_usual(const struct gaon_rect *rect)
{
	return rect && rect->size == sizeof(*rect) && !(rect->src.ptr && rect->dst.ptr);
}

enum gaon_status hook_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect)
{
	struct record_call call = { .op = RECORD_RECT,
				    .object = HANDLE(dev),
				    .d = sizeof(struct record_rect) };
	enum gaon_status status;
	uint8_t *packed;
	uint64_t bytes;

	if (!rect_usual(rect))
		return next.mem_copy_rect(dev, rect);
	rect_give(dev, NULL, rect);
	status = next.mem_copy_rect(dev, rect);
	if (status)
		return status;
	packed = pack_rect(rect, true, &bytes);
	if (packed)
		record_done(&call, status, packed, bytes);
	free(packed);
	if (!rect->dst.ptr)
		record_host_wrote(dev, rect->dst.va, rect_span(rect, &rect->dst));
	return status;
}

enum gaon_status hook_mem_copy_rect_async(struct gaon_stream *stream, const struct gaon_rect *rect)
{
	struct record_call call = { .op = RECORD_RECT_ASYNC,
				    .object = HANDLE(stream),
				    .d = sizeof(struct record_rect) };
	enum gaon_status status;
	uint8_t *packed;
	uint64_t bytes;

	call.b = atomic_fetch_add(&read_count, 1) + 1;
	record_stream_lock(stream);
	if (rect_usual(rect))
		rect_give(record_stream_device(stream), stream, rect);
	status = next.mem_copy_rect_async(stream, rect);
	packed = !status && rect_usual(rect) ? pack_rect(rect, rect->src.ptr, &bytes) : NULL;
	if (packed) {
		record_done(&call, status, packed, bytes);
		if (rect->dst.ptr)
			record_read_add(record_stream_device(stream), stream, call.b, NULL, 0,
					rect);
	}
	record_stream_unlock(stream);
	free(packed);
	return status;
}
