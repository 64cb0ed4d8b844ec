// SPDX-License-Identifier: MIT
/* Operations on their way to a stream: with timestamps around them. */
#include "prof.h"

#include <stdlib.h>
#include <string.h>

/* A blocking copy from this size on is worth two looks at the clock. */
#define CLOCK_BYTES	(1u << 20)

_Thread_local bool prof_in_callback;
static _Atomic uint32_t replay_count;

/* A callback must not wait for who may wait for it: its operations go without timestamps then. */
bool prof_queue_enter(struct prof_queue *q)
{
	return prof_in_callback ? !pthread_mutex_trylock(&q->lock) : !pthread_mutex_lock(&q->lock);
}

/* What libgaon is to do; n->op says what kind. */
enum gaon_status prof_node_run(struct gaon_stream *stream, const struct prof_node *n)
{
	if (n->rect)
		return next.mem_copy_rect_async(stream, n->rect);
	switch ((enum prof_op_kind)n->op.kind) {
	case PROF_LAUNCH:
		return next.launch(stream, n->kernel, n->launch);
	case PROF_FILL:
		return next.mem_fill_async(stream, n->dst, n->pattern, n->pattern_size, n->op.bytes);
	case PROF_PEER:
		return next.mem_copy_peer_async(stream, n->dst_dev, n->dst, n->src_dev, n->src, n->op.bytes);
	default:
		break;
	}
	if (n->from)
		return next.mem_write_async(stream, n->dst, n->from, n->op.bytes);
	if (n->to)
		return next.mem_read_async(stream, n->to, n->src, n->op.bytes);
	return next.mem_copy_async(stream, n->dst, n->src, n->op.bytes);
}

static enum gaon_status node_run_blocking(struct gaon_device *dev, const struct prof_node *n)
{
	if (n->rect)
		return next.mem_copy_rect(dev, n->rect);
	switch ((enum prof_op_kind)n->op.kind) {
	case PROF_FILL:
		return next.mem_fill(dev, n->dst, n->pattern, n->pattern_size, n->op.bytes);
	case PROF_PEER:
		return next.mem_copy_peer(n->dst_dev, n->dst, n->src_dev, n->src, n->op.bytes);
	default:
		break;
	}
	if (n->from)
		return next.mem_write(dev, n->dst, n->from, n->op.bytes);
	if (n->to)
		return next.mem_read(dev, n->to, n->src, n->op.bytes);
	return next.mem_copy(dev, n->dst, n->src, n->op.bytes);
}

/* --- one operation ------------------------------------------------------------------------------------- */

/*
 * Modelled time does not pass while a stream has nothing to do: where the operation before ended, this
 * one begins. A clock's does, and waits take time on either.
 */
static void give_begin(struct prof_queue *q, struct prof_pending *p)
{
	bool gap = atomic_exchange(&q->gap, false);

	if (q->dev->modelled && !gap && q->last.at) {
		p->begin = q->last;
		p->begin.at->open++;
		return;
	}
	if (stamps_run(q, 1, &p->begin) && next.stream_timestamp(q->handle, stamp_va(&p->begin)))
		stamps_drop(q, &p->begin);
}

static void give_end(struct prof_queue *q, struct prof_pending *p)
{
	q->last.at = NULL;
	if (!stamps_run(q, 1, &p->end))
		return;
	if (next.stream_timestamp(q->handle, stamp_va(&p->end)))
		stamps_drop(q, &p->end);
	else
		q->last = p->end;
}

static enum gaon_status give_timed(struct prof_queue *q, struct prof_node *n)
{
	struct prof_pending p = { .op = n->op };
	enum gaon_status status;

	give_begin(q, &p);
	status = prof_node_run(q->handle, n);
	if (status) {
		stamps_drop(q, &p.begin);
		return status;
	}
	give_end(q, &p);
	prof_pending_add(q, &p);
	return GAON_OK;
}

/* --- recording ----------------------------------------------------------------------------------------- */

/* The next timestamp's place in the graph's memory. */
static bool graph_stamp(struct prof_queue *q, struct prof_graph *g)
{
	struct stamp_run run;

	if (!g->stamps || g->stamps->used == STAMPS) {
		struct stamps *s = stamps_take(q->dev, false);

		if (!s)
			return false;
		s->next = g->stamps;
		g->stamps = s;
	}
	run = (struct stamp_run){ g->stamps, g->stamps->used };
	if (next.stream_timestamp(q->handle, stamp_va(&run)))
		return false;
	g->stamps->used++;
	return true;
}

/* What the program gave is its own again when the call returns. */
static void node_keep(struct prof_node *n, struct prof_graph *g)
{
	n->slot = UINT32_MAX;
	if (n->rect) {
		memcpy(&n->rect_copy, n->rect, n->rect->size < sizeof(n->rect_copy) ? n->rect->size :
		       sizeof(n->rect_copy));
		n->rect_copy.size = sizeof(n->rect_copy);
	}
	if (!n->launch)
		return;
	memcpy(&n->launch_copy, n->launch, n->launch->size < sizeof(n->launch_copy) ? n->launch->size :
	       sizeof(n->launch_copy));
	n->launch_copy.size = sizeof(n->launch_copy);
	if (n->launch_copy.flags & GAON_LAUNCH_REPLACEABLE) {
		n->launch_copy.flags &= ~GAON_LAUNCH_REPLACEABLE;
		n->slot = g->slots++;
	}
	if (prof_counting && n->launch_copy.args_size) {
		n->args = malloc(n->launch_copy.args_size);
		if (n->args)
			memcpy(n->args, n->launch_copy.args, n->launch_copy.args_size);
	}
	n->launch_copy.args = n->args;
}

static enum gaon_status give_recorded(struct prof_queue *q, struct prof_node *n)
{
	struct prof_graph *g = q->recording;
	enum gaon_status status;

	/* A timestamp stands before the first operation. */
	if (!g->stamps && !g->broken && !prof_counting && !graph_stamp(q, g))
		g->broken = true;
	status = prof_node_run(q->handle, n);
	if (status || g->broken)
		return status;
	if (g->count == g->room) {
		uint32_t room = g->room ? 2 * g->room : 64;
		struct prof_node *nodes = realloc(g->nodes, room * sizeof(*nodes));

		if (!nodes) {
			g->broken = true;
			return GAON_OK;
		}
		g->nodes = nodes;
		g->room = room;
	}
	node_keep(n, g);
	g->nodes[g->count++] = *n;
	if (!prof_counting && !graph_stamp(q, g))
		g->broken = true;
	return GAON_OK;
}

enum gaon_status prof_give(struct gaon_stream *stream, struct prof_node *n)
{
	struct prof_queue *q = prof_queue_find(stream);
	enum gaon_status status;

	if (!q || !prof_queue_enter(q))
		return prof_node_run(stream, n);
	n->op.device = q->dev->number;
	n->op.stream = q->number;
	if (q->recording) {
		/* A timestamp stands before the first. */
		status = give_recorded(q, n);
	} else if (prof_counting && n->op.kind == PROF_LAUNCH) {
		status = prof_give_counted(q, n);
	} else {
		status = give_timed(q, n);
	}
	pthread_mutex_unlock(&q->lock);
	return status;
}

enum gaon_status prof_give_blocking(struct gaon_device *device, struct prof_node *n)
{
	struct gaon_device_counters before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct prof_dev *dev = prof_dev_find(device);
	bool clock = dev && n->op.bytes >= CLOCK_BYTES && !next.device_get_counters(device, &before);
	enum gaon_status status = node_run_blocking(device, n);

	if (status || !dev || !n->op.bytes)
		return status;
	n->op.device = dev->number;
	n->op.stream = PROF_NO_STREAM;
	n->op.begin_cycle = n->op.end_cycle = PROF_NEVER;
	n->op.seen_ns = layer_now();
	if (clock && !next.device_get_counters(device, &after)) {
		n->op.begin_cycle = before.cycle;
		n->op.end_cycle = after.cycle;
	}
	prof_op_put(&n->op);
	return status;
}

/* --- replays ------------------------------------------------------------------------------------------- */

/* Memory for a replay's timestamps, beside the graph's own. */
static bool replay_runs(struct prof_queue *q, struct prof_pending *p)
{
	uint32_t all = p->graph->count + 1, count = (all + STAMPS - 1) / STAMPS;

	p->runs = calloc(count, sizeof(*p->runs));
	for (; p->runs && p->run_count < count; p->run_count++) {
		uint32_t n = all - p->run_count * STAMPS;

		if (!stamps_run(q, n < STAMPS ? n : STAMPS, &p->runs[p->run_count]))
			break;
	}
	return p->runs && p->run_count == count;
}

static void replay_drop(struct prof_queue *q, struct prof_pending *p)
{
	for (uint32_t i = 0; i < p->run_count; i++)
		stamps_drop(q, &p->runs[i]);
	free(p->runs);
	p->runs = NULL;
	p->run_count = 0;
}

/* Behind the replay, before the next: the graph's timestamps to where this replay's are looked for. */
static bool replay_save(struct prof_queue *q, struct prof_pending *p)
{
	struct stamps *s = p->graph->stamps;

	for (uint32_t i = p->run_count; i-- > 0; s = s->next)
		if (!s || next.mem_copy_async(q->handle, stamp_va(&p->runs[i]), s->va, 8ull * s->used))
			return false;
	return true;
}

static uint32_t replays_of(const struct prof_queue *q, const struct prof_graph *g)
{
	uint32_t count = 0;

	for (const struct prof_pending *p = q->first; p; p = p->next)
		count += p->graph == g;
	return count;
}

static enum gaon_status replay_timed(struct prof_queue *q, struct prof_graph *g,
				     const struct gaon_graph_args *args,
				     uint32_t count, uint64_t submit)
{
	struct prof_pending p = { .graph = g, .op = { .submit_ns = submit, .device = q->dev->number,
				  .stream = q->number, .thread = layer_thread() } };
	enum gaon_status status;

	q->last.at = NULL;
	if (g->broken || !g->count || !replay_runs(q, &p)) {
		replay_drop(q, &p);
		return next.graph_launch_args(q->handle, g->handle, args, count);
	}
	/* Replays of one stream follow each other, those of two write over each other's timestamps. */
	p.mixes = prof_graph_begin(g, replays_of(q, g));
	status = next.graph_launch_args(q->handle, g->handle, args, count);
	if (status || !replay_save(q, &p)) {
		prof_graph_end(g, p.mixes);
		prof_graph_put(g);
		replay_drop(q, &p);
		return status;
	}
	p.op.graph = atomic_fetch_add(&replay_count, 1);
	prof_pending_add(q, &p);
	return GAON_OK;
}

enum gaon_status prof_replay(struct gaon_stream *stream, struct gaon_graph *graph,
			     const struct gaon_graph_args *args,
			     uint32_t count)
{
	uint64_t submit = layer_now();
	struct prof_queue *q = prof_queue_find(stream);
	struct prof_graph *g = q ? prof_graph_find(graph) : NULL;
	enum gaon_status status;

	if (!g || !prof_queue_enter(q)) {
		if (g)
			prof_graph_put(g);
		return next.graph_launch_args(stream, graph, args, count);
	}
	if (prof_counting && !q->recording)
		status = prof_replay_counted(q, g, args, count);
	else
		status = replay_timed(q, g, args, count, submit);
	pthread_mutex_unlock(&q->lock);
	prof_graph_put(g);
	return status;
}
