// SPDX-License-Identifier: MIT
#include "graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define GRAPH_PACKETS_MAX	(1u << 20)

/* While it is recorded it grows in plain memory; then it is placed where the device reads it. */
struct rt_graph {
	struct obj obj;
	struct rt_device *dev;
	struct gaon_packet *packets;
	uint32_t count, room;
	uint8_t *args;
	uint64_t args_bytes, args_room;
	struct gaon_ws_bo *bo;
	uint64_t va;
};

void rt_graph_unmake(struct rt_graph *g)
{
	if (g->bo)
		g->dev->ops->bo_destroy(g->bo);
	free(g->packets);
	free(g->args);
	g->bo = NULL;
	g->packets = NULL;
	g->args = NULL;
}

void rt_graph_abandon(struct rt_stream *s)
{
	if (!s->recording)
		return;
	rt_graph_unmake(s->recording);
	obj_free(&s->recording->obj, false);
	s->recording = NULL;
}

void *rt_graph_args(struct rt_stream *s, uint64_t bytes, uint64_t *va, enum gaon_status *status)
{
	struct rt_graph *g = s->recording;
	uint64_t at = (g->args_bytes + 63) & ~63ull;

	if (at + bytes > g->args_room) {
		uint64_t room = 2 * (at + bytes) + 4096;
		uint8_t *args = realloc(g->args, room);

		if (!args) {
			*status = gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a graph");
			return NULL;
		}
		g->args = args;
		g->args_room = room;
	}
	g->args_bytes = at + bytes;
	*va = at;			/* made an address when the graph is placed */
	return g->args + at;
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
	struct rt_device *dev = g->dev;
	struct gaon_ws_bo_info info;
	uint32_t i;
	int err;

	if (!g->count)
		return GAON_OK;
	err = dev->ops->bo_create(dev->ctx, list_bytes + g->args_bytes, GAON_WS_DEVICE,
				  GAON_WS_BO_CPU, NULL, &g->bo);
	if (err)
		return gaon_fail_errno(GAON_ERROR_OUT_OF_DEVICE_MEMORY, -err,
				       "no device memory for a graph of %u operations", g->count);
	dev->ops->bo_info(g->bo, &info);
	g->va = info.va;
	for (i = 0; i < g->count; i++) {
		struct gaon_packet *p = &g->packets[i];

		if (p->type == GAON_PKT_LAUNCH)
			p->launch.args_va += g->va + list_bytes;
		else if (p->flags & GAON_PKT_F_DESC)
			p->desc.desc_va += g->va + list_bytes;
	}
	memcpy(info.cpu, g->packets, list_bytes);
	if (g->args_bytes)
		memcpy((uint8_t *)info.cpu + list_bytes, g->args, g->args_bytes);
	free(g->packets);
	free(g->args);
	g->packets = NULL;
	g->args = NULL;
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

GAON_API enum gaon_status gaon_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "a graph", &status);
	struct gaon_packet *packet;
	struct rt_graph *g;

	if (!s)
		return status;
	g = obj_find(OBJ_GRAPH, graph, &status);
	if (g && g->dev != s->dev)
		status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				   "the graph and the stream belong to different devices");
	if (!status && g->count) {
		packet = rt_stream_packet(s, &status);
		if (packet) {
			packet->type = GAON_PKT_INDIRECT;
			packet->list.list_va = g->va;
			packet->list.count = g->count;
			rt_stream_put(s, packet, RT_OP_GRAPH);
		}
	}
	rt_stream_leave(s);
	return status;
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
