// SPDX-License-Identifier: MIT
/* The device's counters: over time, and, if that is asked for, of each launch alone. */
#include "prof.h"

#include <string.h>

#define TELL_NS		20000000ull
/* A stream that waits for something the program has yet to do is not waited for longer. */
#define ALONE_NS	2000000000ull

static void tell(const struct prof_dev *dev, const struct gaon_device_counters *c)
{
	struct prof_counters out = {
		.device = dev->number, .host_ns = c->host_ns, .cycle = c->cycle, .core_busy = c->core_busy,
		.matrix_busy = c->matrix_busy, .dma_busy = c->dma_busy, .copy_busy = c->copy_busy,
		.hbm_read = c->hbm_read, .hbm_written = c->hbm_written, .host_read = c->host_read,
		.host_written = c->host_written, .packets = c->packets, .launches = c->launches,
		.workgroups = c->workgroups, .instructions = c->instructions, .faults = c->faults,
		.preemptions = c->preemptions, .energy_uj = c->energy_uj, .power_mw = c->power_mw,
		.temperature_mc = c->temperature_mc,
	};

	watch_file_put(PROF_COUNTERS, &out, sizeof(out), NULL, 0);
}

void prof_clock_tell(struct prof_dev *dev, bool always)
{
	struct gaon_device_counters c = { .size = sizeof(c) };
	uint64_t now = layer_now(), told = atomic_load(&dev->told_ns);

	if (!always && now - told < TELL_NS)
		return;
	if (atomic_compare_exchange_strong(&dev->told_ns, &told, now) &&
	    !next.device_get_counters(dev->handle, &c))
		tell(dev, &c);
}

static void counters_of(struct prof_op *op, const struct gaon_device_counters *a,
			const struct gaon_device_counters *b)
{
	op->counted = 1;
	op->matrix_busy = b->matrix_busy - a->matrix_busy;
	op->core_busy = b->core_busy - a->core_busy;
	op->dma_busy = b->dma_busy - a->dma_busy;
	op->hbm_bytes = b->hbm_read - a->hbm_read + b->hbm_written - a->hbm_written;
	op->host_bytes = b->host_read - a->host_read + b->host_written - a->host_written;
	op->instructions = b->instructions - a->instructions;
}

enum gaon_status prof_give_counted(struct prof_queue *q, struct prof_node *n)
{
	struct gaon_device_counters before = { .size = sizeof(before) }, after = { .size = sizeof(after) };
	struct stamp_run run = { 0 };
	enum gaon_status status;
	bool alone = !prof_in_callback && !next.stream_wait(q->handle, ALONE_NS) && stamps_run(q, 2, &run) &&
		     !next.device_get_counters(q->dev->handle, &before);

	prof_harvest_locked(q, false);
	n->op.begin_cycle = n->op.end_cycle = PROF_NEVER;
	q->last.at = NULL;
	if (alone)
		next.stream_timestamp(q->handle, stamp_va(&run));
	status = prof_node_run(q->handle, n);
	if (alone && !status && !next.stream_timestamp(q->handle, stamp_va(&run) + 8) &&
	    !next.stream_wait(q->handle, GAON_FOREVER) && !next.device_get_counters(q->dev->handle, &after)) {
		n->op.begin_cycle = run.at->cpu[run.index];
		n->op.end_cycle = run.at->cpu[run.index + 1];
		counters_of(&n->op, &before, &after);
	}
	stamps_drop(q, &run);
	if (status)
		return status;
	n->op.seen_ns = layer_now();
	prof_op_put(&n->op);
	return GAON_OK;
}

/* They are as far apart as the first says. */
static struct gaon_graph_args replay_arg(const struct gaon_graph_args *args, uint32_t i)
{
	size_t size = args->size;
	struct gaon_graph_args a = { 0 };

	memcpy(&a, (const uint8_t *)args + i * size, size < sizeof(a) ? size : sizeof(a));
	return a;
}

/* The arguments that a replay gives the launch in @slot; later ones count. */
static void replay_args(struct gaon_launch *launch, const struct gaon_graph_args *args, uint32_t count,
			uint32_t slot)
{
	for (uint32_t i = 0; i < count; i++) {
		struct gaon_graph_args a = replay_arg(args, i);

		if (a.launch != slot)
			continue;
		launch->args = a.args;
		launch->args_size = a.args_size;
	}
}

enum gaon_status prof_replay_counted(struct prof_queue *q, struct prof_graph *g,
				     const struct gaon_graph_args *args,
				     uint32_t count)
{
	/* What is wrong with the arguments, libgaon finds and tells. */
	bool whole = g->broken || (count && (!args || args->size < sizeof(*args)));
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	enum gaon_status status = GAON_OK;

	for (uint32_t i = 0; i < count && !whole; i++)
		whole = replay_arg(args, i).launch >= g->slots;
	/* A graph outlives the modules of its kernels. */
	for (uint32_t i = 0; i < g->count && !whole; i++)
		whole = g->nodes[i].kernel && next.kernel_get_desc(g->nodes[i].kernel, &desc);
	if (whole)
		return next.graph_launch_args(q->handle, g->handle, args, count);
	for (uint32_t i = 0; i < g->count && !status; i++) {
		struct prof_node n = g->nodes[i];

		n.op.submit_ns = layer_now();
		n.op.thread = layer_thread();
		n.op.device = q->dev->number;
		n.op.stream = q->number;
		if (n.rect)
			n.rect = &n.rect_copy;
		if (n.launch) {
			n.launch = &n.launch_copy;
			if (n.slot != UINT32_MAX)
				replay_args(&n.launch_copy, args, count, n.slot);
			status = prof_give_counted(q, &n);
		} else {
			status = prof_node_run(q->handle, &n);
		}
	}
	return status;
}
