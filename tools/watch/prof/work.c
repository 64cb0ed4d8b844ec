// SPDX-License-Identifier: MIT
/* Calls that are operations. */
#include "hooks.h"
#include "prof.h"

static struct prof_node node(enum prof_op_kind kind, uint64_t bytes)
{
	return (struct prof_node){ .op = {
		.kind = kind, .bytes = bytes, .kernel = UINT32_MAX, .graph = PROF_NO_GRAPH,
		.begin_cycle = PROF_NEVER, .end_cycle = PROF_NEVER, .submit_ns = layer_now(), .thread =
		layer_thread(),
	} };
}

/* Device addresses may name memory of the host, too. */
static bool on_host(struct gaon_device *dev, uint64_t va)
{
	struct gaon_address_info info = { .size = sizeof(info) };

	return dev && !next.address_get_info(dev, va, &info) && info.ptr;
}

static enum prof_op_kind direction(struct gaon_device *dev, uint64_t dst, uint64_t src)
{
	bool to = on_host(dev, dst), from = on_host(dev, src);

	return from && !to ? PROF_TO_DEVICE : to && !from ? PROF_TO_HOST : PROF_WITHIN;
}

static struct gaon_device *device_of(struct gaon_stream *stream)
{
	struct prof_queue *q = prof_queue_find(stream);

	return q ? q->dev->handle : NULL;
}

enum gaon_status hook_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
			     const struct gaon_launch *launch)
{
	struct prof_node n = node(PROF_LAUNCH, 0);

	/* A structure that libgaon will refuse is not looked into. */
	if (!launch || launch->size < offsetof(struct gaon_launch, spm_bytes))
		return next.launch(stream, kernel, launch);
	n.op.kernel = prof_kernel_number(kernel);
	n.kernel = kernel;
	n.launch = launch;
	for (int i = 0; i < 3; i++)
		n.op.grid[i] = launch->grid[i] ? launch->grid[i] : 1;
	return prof_give(stream, &n);
}

/* --- in the order of a stream -------------------------------------------------------------------------- */

enum gaon_status hook_mem_write_async(struct gaon_stream *stream, uint64_t dst, const void *src,
				      uint64_t bytes)
{
	struct prof_node n = node(PROF_TO_DEVICE, bytes);

	n.dst = dst;
	n.from = src;
	return src && bytes ? prof_give(stream, &n) : next.mem_write_async(stream, dst, src, bytes);
}

enum gaon_status hook_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(PROF_TO_HOST, bytes);

	n.to = dst;
	n.src = src;
	return dst && bytes ? prof_give(stream, &n) : next.mem_read_async(stream, dst, src, bytes);
}

enum gaon_status hook_mem_copy_async(struct gaon_stream *stream, uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(direction(device_of(stream), dst, src), bytes);

	n.dst = dst;
	n.src = src;
	return bytes ? prof_give(stream, &n) : next.mem_copy_async(stream, dst, src, bytes);
}

enum gaon_status hook_mem_fill_async(struct gaon_stream *stream, uint64_t dst, uint64_t pattern,
				     uint32_t pattern_size,
				     uint64_t bytes)
{
	struct prof_node n = node(PROF_FILL, bytes);

	n.dst = dst;
	n.pattern = pattern;
	n.pattern_size = pattern_size;
	return bytes ? prof_give(stream, &n) : next.mem_fill_async(stream, dst, pattern, pattern_size, bytes);
}

enum gaon_status hook_mem_copy_peer_async(struct gaon_stream *stream, struct gaon_device *dst_dev,
					  uint64_t dst,
					  struct gaon_device *src_dev, uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(PROF_PEER, bytes);

	n.dst_dev = dst_dev;
	n.src_dev = src_dev;
	n.dst = dst;
	n.src = src;
	return bytes ? prof_give(stream, &n) : next.mem_copy_peer_async(stream, dst_dev, dst, src_dev, src,
									bytes);
}

static struct prof_node rect_node(struct gaon_device *dev, const struct gaon_rect *rect)
{
	uint64_t depth = rect->depth ? rect->depth : 1;
	struct prof_node n = node(PROF_WITHIN, rect->width * rect->height * depth);

	if (rect->src.ptr)
		n.op.kind = PROF_TO_DEVICE;
	else if (rect->dst.ptr)
		n.op.kind = PROF_TO_HOST;
	else
		n.op.kind = direction(dev, rect->dst.va, rect->src.va);
	n.rect = rect;
	return n;
}

enum gaon_status hook_mem_copy_rect_async(struct gaon_stream *stream, const struct gaon_rect *rect)
{
	struct prof_node n;

	if (!rect || rect->size < sizeof(*rect))
		return next.mem_copy_rect_async(stream, rect);
	n = rect_node(device_of(stream), rect);
	return n.op.bytes ? prof_give(stream, &n) : next.mem_copy_rect_async(stream, rect);
}

/* --- blocking ------------------------------------------------------------------------------------------ */

enum gaon_status hook_mem_write(struct gaon_device *dev, uint64_t dst, const void *src, uint64_t bytes)
{
	struct prof_node n = node(PROF_TO_DEVICE, bytes);

	n.dst = dst;
	n.from = src;
	return src && bytes ? prof_give_blocking(dev, &n) : next.mem_write(dev, dst, src, bytes);
}

enum gaon_status hook_mem_read(struct gaon_device *dev, void *dst, uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(PROF_TO_HOST, bytes);

	n.to = dst;
	n.src = src;
	return dst && bytes ? prof_give_blocking(dev, &n) : next.mem_read(dev, dst, src, bytes);
}

enum gaon_status hook_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(direction(dev, dst, src), bytes);

	n.dst = dst;
	n.src = src;
	return bytes ? prof_give_blocking(dev, &n) : next.mem_copy(dev, dst, src, bytes);
}

enum gaon_status hook_mem_fill(struct gaon_device *dev, uint64_t dst, uint64_t pattern, uint32_t pattern_size,
			       uint64_t bytes)
{
	struct prof_node n = node(PROF_FILL, bytes);

	n.dst = dst;
	n.pattern = pattern;
	n.pattern_size = pattern_size;
	return bytes ? prof_give_blocking(dev, &n) : next.mem_fill(dev, dst, pattern, pattern_size, bytes);
}

enum gaon_status hook_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst, struct gaon_device *src_dev,
				    uint64_t src, uint64_t bytes)
{
	struct prof_node n = node(PROF_PEER, bytes);

	n.dst_dev = dst_dev;
	n.src_dev = src_dev;
	n.dst = dst;
	n.src = src;
	return bytes ? prof_give_blocking(dst_dev, &n) : next.mem_copy_peer(dst_dev, dst, src_dev, src,
									    bytes);
}

enum gaon_status hook_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect)
{
	struct prof_node n;

	if (!rect || rect->size < sizeof(*rect))
		return next.mem_copy_rect(dev, rect);
	n = rect_node(dev, rect);
	return n.op.bytes ? prof_give_blocking(dev, &n) : next.mem_copy_rect(dev, rect);
}
