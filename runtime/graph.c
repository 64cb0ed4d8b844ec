// SPDX-License-Identifier: MIT
#include "graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "module.h"

#define GRAPH_PACKETS_MAX	(1u << 20)

struct graph_bytes {
	uint8_t *data;
	uint64_t bytes, room;
};

/* A launch whose arguments a replay may replace. */
struct graph_slot {
	uint64_t at;			/* in replaceable */
	bool check;			/* pointers */
	struct gaon_kernel_info info;	/* the kernel's; it may be unloaded before the graph */
};

/*
 * While it is recorded it grows in plain memory; then packets and arguments are placed where the device
 * reads them, one behind the other. Packets of replaceable launches count from the args_base of the replay,
 * which is the graph's own copy of what was recorded, or one in the stream's ring with changes.
 */
struct rt_graph {
	struct obj obj;
	struct rt_device *dev;
	struct gaon_packet *packets;
	uint32_t count, room;
	struct graph_bytes args;
	struct graph_bytes replaceable;
	struct graph_slot *slots;
	uint32_t slot_count;
	struct gaon_ws_bo *bo;
	uint64_t va, replaceable_va;
};

void rt_graph_unmake(struct rt_graph *g)
{
	if (g->bo)
		g->dev->ops->bo_destroy(g->bo);
	free(g->packets);
	free(g->args.data);
	free(g->replaceable.data);
	free(g->slots);
	g->bo = NULL;
	g->packets = NULL;
	g->slots = NULL;
	g->args = g->replaceable = (struct graph_bytes){ 0 };
}

void rt_graph_abandon(struct rt_stream *s)
{
	if (!s->recording)
		return;
	rt_graph_unmake(s->recording);
	obj_free(&s->recording->obj, false);
	s->recording = NULL;
}

/* @bytes at a multiple of 64; *@at says where. */
static void *graph_bytes_add(struct graph_bytes *b, uint64_t bytes, uint64_t *at, enum gaon_status *status)
{
	bytes = (bytes + 63) & ~63ull;
	if (b->bytes + bytes > b->room || !b->data) {
		uint64_t room = 2 * (b->bytes + bytes) + 4096;
		uint8_t *data = realloc(b->data, room);

		if (!data) {
			*status = gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a graph");
			return NULL;
		}
		b->data = data;
		b->room = room;
	}
	*at = b->bytes;
	memset(b->data + b->bytes, 0, bytes);
	b->bytes += bytes;
	return b->data + *at;
}

void *rt_graph_args(struct rt_stream *s, uint64_t bytes, uint64_t *va, enum gaon_status *status)
{
	/* An offset, made an address when the graph is placed. */
	return graph_bytes_add(&s->recording->args, bytes, va, status);
}

enum gaon_status rt_graph_replaceable(struct rt_stream *s, const struct rt_kernel *kernel,
				      const struct gaon_launch *launch, uint64_t *at)
{
	struct rt_graph *g = s->recording;
	enum gaon_status status = GAON_OK;
	void *args;

	if (!(g->slot_count & (g->slot_count - 1))) {	/* full: 0, 1, 2, 4, ... */
		uint32_t room = g->slot_count ? 2 * g->slot_count : 1;
		struct graph_slot *slots = realloc(g->slots, room * sizeof(*slots));

		if (!slots)
			return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a graph");
		g->slots = slots;
	}
	args = graph_bytes_add(&g->replaceable, launch->args_size, at, &status);
	if (!args)
		return status;
	if (launch->args_size)
		memcpy(args, launch->args, launch->args_size);
	g->slots[g->slot_count++] = (struct graph_slot){
		.at = *at, .check = launch->flags & GAON_LAUNCH_CHECK_POINTERS, .info = kernel->info,
	};
	return GAON_OK;
}

enum gaon_status rt_graph_put(struct rt_stream *s, const struct gaon_packet *packet)
{
	struct rt_graph *g = s->recording;

	if (g->count == GRAPH_PACKETS_MAX)
		return gaon_fail(GAON_ERROR_LIMIT, "more than %u operations in a graph",
				 GRAPH_PACKETS_MAX);
	if (g->count == g->room) {
		uint32_t room = g->room ? 2 * g->room : 64;
		struct gaon_packet *packets = realloc(g->packets, room * sizeof(*packets));

		if (!packets)
			return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a graph");
		g->packets = packets;
		g->room = room;
	}
	g->packets[g->count] = *packet;
	g->packets[g->count].flags |= GAON_PKT_F_BARRIER;
	g->packets[g->count].scope = GAON_SCOPE_DEVICE | GAON_SCOPE_DEVICE << 4;
	g->count++;
	return GAON_OK;
}

/* The list and its arguments into memory of the device; offsets become addresses. */
static enum gaon_status graph_place(struct rt_graph *g)
{
	uint64_t list_bytes = (uint64_t)g->count * sizeof(*g->packets);
	uint64_t all = list_bytes + g->args.bytes + g->replaceable.bytes;
	struct rt_device *dev = g->dev;
	struct gaon_ws_bo_info info;
	uint32_t i;
	int err;

	if (!g->count)
		return GAON_OK;
	err = dev->ops->bo_create(dev->ctx, all, GAON_WS_DEVICE, GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL,
				  &g->bo);
	if (err)
		return gaon_fail_errno(GAON_ERROR_OUT_OF_DEVICE_MEMORY, -err,
				       "no device memory for a graph of %u operations", g->count);
	dev->ops->bo_info(g->bo, &info);
	g->va = info.va;
	g->replaceable_va = g->va + list_bytes + g->args.bytes;
	for (i = 0; i < g->count; i++) {
		struct gaon_packet *p = &g->packets[i];

		if (p->type == GAON_PKT_LAUNCH && !(p->flags & GAON_PKT_F_ARGS_BASE))
			p->launch.args_va += g->va + list_bytes;
		else if (p->flags & GAON_PKT_F_DESC)
			p->desc.desc_va += g->va + list_bytes;
	}
	memcpy(info.cpu, g->packets, list_bytes);
	if (g->args.bytes)
		memcpy((uint8_t *)info.cpu + list_bytes, g->args.data, g->args.bytes);
	if (g->replaceable.bytes)
		memcpy((uint8_t *)info.cpu + list_bytes + g->args.bytes, g->replaceable.data,
		       g->replaceable.bytes);
	dev->ops->bo_flush(g->bo);
	free(g->packets);
	free(g->args.data);
	g->packets = NULL;
	g->args = (struct graph_bytes){ 0 };
	return GAON_OK;
}

GAON_API enum gaon_status gaon_graph_begin(struct gaon_stream *stream)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "another recording", &status);

	if (!s)
		return status;
	s->recording = obj_alloc(OBJ_GRAPH, sizeof(*s->recording));
	if (s->recording)
		s->recording->dev = s->dev;
	else
		status = GAON_ERROR_OUT_OF_MEMORY;
	rt_stream_leave(s);
	return status;
}

GAON_API enum gaon_status gaon_graph_end(struct gaon_stream *stream, struct gaon_graph **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_graph *g;
	struct rt_stream *s;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	s = rt_stream_enter(stream, NULL, &status);
	if (!s)
		return status;
	g = s->recording;
	s->recording = NULL;
	status = g ? graph_place(g) : gaon_fail(GAON_ERROR_STATE, "the stream is not being recorded");
	if (!status) {
		rt_adopt(s->dev, &g->obj);
		*out = obj_handle(&g->obj);
	} else if (g) {
		rt_graph_unmake(g);
		obj_free(&g->obj, false);
	}
	rt_stream_leave(s);
	return status;
}

/* Element @i of the caller's array, checked. */
static enum gaon_status graph_args_read(const struct rt_graph *g, const struct gaon_graph_args *args,
					uint32_t i, struct gaon_graph_args *out)
{
	const struct graph_slot *slot;
	enum gaon_status status;

	/* Whose first is too small is refused before the second is looked for. */
	status = gaon_struct_read(out, sizeof(*out), (const uint8_t *)args + i * args->size, sizeof(*out),
				  "gaon_graph_args");
	if (status)
		return status;
	if (out->launch >= g->slot_count)
		return gaon_fail_hint(GAON_ERROR_INVALID_ARGUMENT,
				      "record those that change with GAON_LAUNCH_REPLACEABLE",
				      "launch %u of a graph with %u replaceable launches", out->launch,
				      g->slot_count);
	slot = &g->slots[out->launch];
	if (out->args_size != slot->info.args_size || (!out->args && out->args_size))
		return gaon_fail_hint(GAON_ERROR_ARGUMENTS_SIZE,
				      "host and device must agree on the argument structure",
				      "kernel %s takes %u bytes of arguments, %zu were given",
				      slot->info.name, slot->info.args_size,
				      out->args ? out->args_size : 0);
	return slot->check ? rt_kernel_check_pointers(g->dev, &slot->info, out->args) : GAON_OK;
}

/* A copy of the recorded arguments in the stream's ring, with the caller's changes. */
static enum gaon_status graph_replace(struct rt_stream *s, const struct rt_graph *g,
				      const struct gaon_graph_args *args, uint32_t count, uint64_t *base)
{
	enum gaon_status status = GAON_OK;
	struct gaon_graph_args a;
	uint8_t *block;
	uint32_t i;

	for (i = 0; i < count && !status; i++)
		status = graph_args_read(g, args, i, &a);
	if (status)
		return status;
	if (g->replaceable.bytes > rt_stream_args_most(s))
		return gaon_fail_hint(GAON_ERROR_LIMIT, "make the stream with a larger ring_log2",
				      "%llu bytes of replaceable arguments, the stream has room for %llu",
				      (unsigned long long)g->replaceable.bytes,
				      (unsigned long long)rt_stream_args_most(s));
	block = rt_stream_args(s, g->replaceable.bytes, base, &status);
	if (!block)
		return status;
	memcpy(block, g->replaceable.data, g->replaceable.bytes);
	for (i = 0; i < count && !status; i++) {
		status = graph_args_read(g, args, i, &a);
		if (!status && a.args_size)
			memcpy(block + g->slots[a.launch].at, a.args, a.args_size);
	}
	return status;
}

/* obj.lock held. */
static enum gaon_status graph_put(struct rt_stream *s, const struct rt_graph *g,
				  const struct gaon_graph_args *args, uint32_t count)
{
	uint64_t base = g->replaceable_va;
	enum gaon_status status = GAON_OK;
	struct gaon_packet *packet;

	if (count)
		status = graph_replace(s, g, args, count, &base);
	if (status || !g->count)
		return status;
	packet = rt_stream_packet(s, &status);
	if (!packet)
		return status;
	packet->type = GAON_PKT_INDIRECT;
	packet->list.list_va = g->va;
	packet->list.count = g->count;
	packet->list.args_base = base;
	rt_stream_put(s, packet, RT_OP_GRAPH);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
						 const struct gaon_graph_args *args, uint32_t count)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "a graph", &status);
	struct rt_graph *g;

	if (!s)
		return status;
	g = obj_find(OBJ_GRAPH, graph, &status);
	if (g && g->dev != s->dev)
		status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				   "the graph and the stream belong to different devices");
	else if (count && !args)
		status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "%u arguments at NULL", count);
	if (!status) {
		pthread_mutex_lock(&g->obj.lock);
		status = obj_alive(&g->obj, graph) ? graph_put(s, g, args, count) :
			 gaon_fail(GAON_ERROR_CLOSED, "the graph was destroyed");
		pthread_mutex_unlock(&g->obj.lock);
	}
	rt_stream_leave(s);
	return status;
}

GAON_API enum gaon_status gaon_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph)
{
	return gaon_graph_launch_args(stream, graph, NULL, 0);
}

GAON_API enum gaon_status gaon_graph_destroy(struct gaon_graph *graph)
{
	enum gaon_status status = GAON_OK;
	struct rt_graph *g = rt_enter_blocking(OBJ_GRAPH, graph, &status);
	struct rt_device *dev;

	if (!g)
		return status;
	dev = g->dev;
	if (rt_mem_release(&g->obj, "graph", &status)) {
		rt_graph_unmake(g);
		obj_free(&g->obj, false);
	}
	rt_leave(dev);
	return status;
}
