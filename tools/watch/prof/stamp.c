// SPDX-License-Identifier: MIT
/* Memory for timestamps, and what waits for them. */
#include "prof.h"

#include <stdlib.h>
#include <string.h>

/* --- memory -------------------------------------------------------------------------------------------- */

struct stamps *stamps_take(struct prof_dev *dev, bool host)
{
	struct gaon_mem *mem;
	struct stamps *s;

	pthread_mutex_lock(&dev->lock);
	s = dev->free[host];
	if (s)
		dev->free[host] = s->next;
	pthread_mutex_unlock(&dev->lock);
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s || next.mem_alloc(dev->handle, STAMPS * 8, host ? GAON_MEM_HOST : GAON_MEM_DEVICE,
					 &mem)) {
			free(s);
			return NULL;
		}
		s->va = next.mem_va(mem);
		s->cpu = host ? next.mem_ptr(mem) : NULL;
	}
	s->next = NULL;
	s->used = s->open = 0;
	if (host)
		memset((void *)(uintptr_t)s->cpu, 0xff, STAMPS * 8);
	return s;
}

/* Kept: freeing would wait for streams that the program did not wait for. */
void prof_stamps_put(struct prof_dev *dev, struct stamps *s)
{
	bool host = s->cpu;

	pthread_mutex_lock(&dev->lock);
	s->next = dev->free[host];
	dev->free[host] = s;
	pthread_mutex_unlock(&dev->lock);
}

bool stamps_run(struct prof_queue *q, uint32_t count, struct stamp_run *run)
{
	if (!q->stamps || q->stamps->used + count > STAMPS) {
		struct stamps *s = stamps_take(q->dev, true);

		if (!s)
			return false;
		if (q->stamps && !q->stamps->open)
			prof_stamps_put(q->dev, q->stamps);
		q->stamps = s;
	}
	*run = (struct stamp_run){ q->stamps, q->stamps->used };
	q->stamps->used += count;
	q->stamps->open++;
	return true;
}

void stamps_drop(struct prof_queue *q, struct stamp_run *run)
{
	if (run->at && !--run->at->open && run->at != q->stamps)
		prof_stamps_put(q->dev, run->at);
	run->at = NULL;
}

/* --- what is under way --------------------------------------------------------------------------------- */

void prof_pending_add(struct prof_queue *q, const struct prof_pending *like)
{
	struct prof_pending *p = malloc(sizeof(*p));

	if (!p)
		return;
	*p = *like;
	p->next = NULL;
	*q->tail = p;
	q->tail = &p->next;
}

static uint64_t stamp_value(const struct stamp_run *run, uint32_t index)
{
	return run->at ? __atomic_load_n(&run->at->cpu[run->index + index], __ATOMIC_ACQUIRE) : PROF_NEVER;
}

static bool pending_done(const struct prof_pending *p)
{
	uint32_t left;

	if (!p->graph)
		return !p->end.at || stamp_value(&p->end, 0) != PROF_NEVER;
	left = p->graph->count - (p->run_count - 1) * STAMPS;
	return stamp_value(&p->runs[p->run_count - 1], left) != PROF_NEVER;
}

void prof_op_put(const struct prof_op *op)
{
	watch_file_put(PROF_OP, op, op->counted ? sizeof(*op) : PROF_OP_UNCOUNTED, NULL, 0);
}

/* A clock that went back was none: the device may store anything where a program's kernel faulted. */
static void tell(struct prof_op *op, uint64_t begin, uint64_t end)
{
	bool known = begin != PROF_NEVER && end != PROF_NEVER && begin <= end;

	op->begin_cycle = known ? begin : PROF_NEVER;
	op->end_cycle = known ? end : PROF_NEVER;
	prof_op_put(op);
}

static void tell_graph(const struct prof_pending *p)
{
	bool own = prof_graph_end(p->graph, p->mixes);
	uint64_t last = PROF_NEVER;

	for (uint32_t i = 0; i <= p->graph->count; i++) {
		uint64_t cycle = own ? stamp_value(&p->runs[i / STAMPS], i % STAMPS) : PROF_NEVER;
		struct prof_op op;

		if (i) {
			op = p->graph->nodes[i - 1].op;
			op.stream = p->op.stream;
			op.device = p->op.device;
			op.graph = p->op.graph;
			op.submit_ns = p->op.submit_ns;
			op.seen_ns = p->op.seen_ns;
			op.thread = p->op.thread;
			tell(&op, last, cycle);
		}
		last = cycle;
	}
}

static void pending_end(struct prof_queue *q, struct prof_pending *p, uint64_t now)
{
	p->op.seen_ns = now;
	if (p->graph) {
		tell_graph(p);
		prof_graph_put(p->graph);
		for (uint32_t i = 0; i < p->run_count; i++)
			stamps_drop(q, &p->runs[i]);
		free(p->runs);
	} else {
		tell(&p->op, stamp_value(&p->begin, 0), stamp_value(&p->end, 0));
		stamps_drop(q, &p->begin);
		stamps_drop(q, &p->end);
	}
	free(p);
}

void prof_harvest_locked(struct prof_queue *q, bool all)
{
	uint64_t now = 0;

	while (q->first && (all || pending_done(q->first))) {
		struct prof_pending *p = q->first;

		if (!now)
			now = layer_now();
		q->first = p->next;
		if (!q->first)
			q->tail = &q->first;
		pending_end(q, p, now);
	}
}

void prof_harvest(struct prof_queue *q)
{
	if (pthread_mutex_trylock(&q->lock))
		return;
	prof_harvest_locked(q, false);
	pthread_mutex_unlock(&q->lock);
}

void prof_harvest_all(struct prof_queue *q)
{
	if (pthread_mutex_trylock(&q->lock))
		return;
	prof_harvest_locked(q, true);
	pthread_mutex_unlock(&q->lock);
}
