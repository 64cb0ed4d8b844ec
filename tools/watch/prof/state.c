// SPDX-License-Identifier: MIT
/* What the profiler knows of the program's objects. Lists are short; kernels and streams are hashed. */
#include "prof.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS	1024

struct kernel {
	struct kernel *next;
	const struct gaon_kernel *handle;
	uint32_t number;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* all lists */
static struct prof_dev *devices;
static struct prof_queue *queues[BUCKETS];
static struct prof_graph *graphs[BUCKETS];
static struct kernel *kernels[BUCKETS];
static uint32_t device_count, queue_count, kernel_count;

static uint32_t bucket(const void *handle)
{
	return (uint32_t)(((uintptr_t)handle * 0x9e3779b97f4a7c15ull) >> 54) % BUCKETS;
}

/* --- devices ------------------------------------------------------------------------------------------- */

struct prof_dev *prof_dev_find(const struct gaon_device *handle)
{
	struct prof_dev *d;

	pthread_mutex_lock(&lock);
	for (d = devices; d && d->handle != handle; d = d->next)
		;
	pthread_mutex_unlock(&lock);
	return d;
}

static void device_tell(const struct prof_dev *d, const struct gaon_device_info *info)
{
	struct prof_device out = {
		.device = d->number, .clock_khz = info->clock_khz, .cores = info->cores,
		.copy_engines = info->copy_engines, .matrix_arrays = info->matrix_arrays,
		.matrix_dim = info->matrix_dim, .hbm_mbps = info->hbm_mbps, .host_mbps = info->host_mbps,
		.modelled = info->modelled_time,
	};

	memcpy(out.name, info->name, sizeof(out.name) - 1);
	memcpy(out.product, info->product, sizeof(info->product) - 1);
	watch_file_put(PROF_DEVICE, &out, sizeof(out), NULL, 0);
}

struct prof_dev *prof_dev_add(struct gaon_device *handle)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct prof_dev *d = calloc(1, sizeof(*d));

	if (!d || next.device_get_info(handle, &info)) {
		free(d);
		return NULL;
	}
	d->handle = handle;
	d->modelled = info.modelled_time;
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_lock(&lock);
	d->number = device_count++;
	d->next = devices;
	devices = d;
	pthread_mutex_unlock(&lock);
	device_tell(d, &info);
	prof_clock_tell(d, true);
	return d;
}

/* What was forgotten, so that it is no leak. */
static struct prof_dev *gone_devices;
static struct prof_queue *gone_queues;
static struct prof_graph *gone_graphs;

/* Its memory went with the device; the structures stay, for threads that may look at them. */
void prof_dev_forget(struct prof_dev *dev)
{
	struct prof_dev **link;

	pthread_mutex_lock(&lock);
	for (link = &devices; *link && *link != dev; link = &(*link)->next)
		;
	if (*link) {
		*link = dev->next;
		dev->next = gone_devices;
		gone_devices = dev;
	}
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct prof_queue **q = &queues[i], *queue;
		struct prof_graph **g = &graphs[i], *graph;

		while ((queue = *q)) {
			if (queue->dev != dev) {
				q = &queue->next;
				continue;
			}
			*q = queue->next;
			queue->next = gone_queues;
			gone_queues = queue;
		}
		while ((graph = *g)) {
			if (graph->dev != dev) {
				g = &graph->next;
				continue;
			}
			*g = graph->next;
			graph->next = gone_graphs;
			gone_graphs = graph;
		}
	}
	pthread_mutex_unlock(&lock);
}

/* --- streams ------------------------------------------------------------------------------------------- */

struct prof_queue *prof_queue_find(const struct gaon_stream *handle)
{
	struct prof_queue *q;

	pthread_mutex_lock(&lock);
	for (q = queues[bucket(handle)]; q && q->handle != handle; q = q->next)
		;
	pthread_mutex_unlock(&lock);
	return q;
}

void prof_queue_add(struct gaon_device *dev, struct gaon_stream *handle,
		    const struct gaon_stream_config *config)
{
	struct prof_dev *d = prof_dev_find(dev);
	struct prof_queue *q = d ? calloc(1, sizeof(*q)) : NULL;
	struct prof_stream out;

	if (!q)
		return;
	q->handle = handle;
	q->dev = d;
	q->tail = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_lock(&lock);
	q->number = queue_count++;
	q->next = queues[bucket(handle)];
	queues[bucket(handle)] = q;
	pthread_mutex_unlock(&lock);
	out = (struct prof_stream){ .device = d->number, .stream = q->number };
	if (config && config->size >= offsetof(struct gaon_stream_config, ring_log2))
		out.priority = config->priority;
	if (config && config->size >= offsetof(struct gaon_stream_config, launch_limit_ns) && config->name)
		memcpy(out.name, config->name, strnlen(config->name, sizeof(out.name) - 1));
	watch_file_put(PROF_STREAM, &out, sizeof(out), NULL, 0);
}

void prof_queue_forget(struct prof_queue *q)
{
	struct prof_queue **link;

	pthread_mutex_lock(&lock);
	for (link = &queues[bucket(q->handle)]; *link && *link != q; link = &(*link)->next)
		;
	if (*link) {
		*link = q->next;
		q->next = gone_queues;
		gone_queues = q;
	}
	pthread_mutex_unlock(&lock);
}

void prof_each_queue(const struct prof_dev *dev, void (*fn)(struct prof_queue *q))
{
	struct prof_queue **found;
	uint32_t count = 0;

	pthread_mutex_lock(&lock);
	found = malloc((queue_count + 1) * sizeof(*found));
	for (uint32_t i = 0; found && i < BUCKETS; i++) {
		for (struct prof_queue *q = queues[i]; q; q = q->next) {
			if (!dev || q->dev == dev)
				found[count++] = q;
		}
	}
	pthread_mutex_unlock(&lock);
	/* Structures are never freed: a stream that is destroyed meanwhile has nothing left to tell. */
	for (uint32_t i = 0; i < count; i++)
		fn(found[i]);
	free(found);
}

/* --- graphs -------------------------------------------------------------------------------------------- */

struct prof_graph *prof_graph_find(const struct gaon_graph *handle)
{
	struct prof_graph *g;

	pthread_mutex_lock(&lock);
	for (g = graphs[bucket(handle)]; g && g->handle != handle; g = g->next)
		;
	if (g)
		g->refs++;
	pthread_mutex_unlock(&lock);
	return g;
}

void prof_graph_add(struct prof_graph *g, struct gaon_graph *handle)
{
	pthread_mutex_lock(&lock);
	g->handle = handle;
	g->refs = 1;
	g->next = graphs[bucket(handle)];
	graphs[bucket(handle)] = g;
	pthread_mutex_unlock(&lock);
}

void prof_graph_put(struct prof_graph *g)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = !--g->refs;
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	while (g->stamps) {
		struct stamps *s = g->stamps;

		g->stamps = s->next;
		prof_stamps_put(g->dev, s);
	}
	for (uint32_t i = 0; i < g->count; i++)
		free(g->nodes[i].args);
	free(g->nodes);
	free(g);
}

void prof_graph_forget(struct prof_graph *g)
{
	struct prof_graph **link;

	pthread_mutex_lock(&lock);
	for (link = &graphs[bucket(g->handle)]; *link && *link != g; link = &(*link)->next)
		;
	if (*link)
		*link = g->next;
	pthread_mutex_unlock(&lock);
	prof_graph_put(g);
}

uint32_t prof_graph_begin(struct prof_graph *g, uint32_t known)
{
	uint32_t mixes;

	pthread_mutex_lock(&lock);
	g->refs++;
	mixes = g->mixes;
	if (g->running++ != known)
		g->mixes++;
	pthread_mutex_unlock(&lock);
	return mixes;
}

bool prof_graph_end(struct prof_graph *g, uint32_t mixes)
{
	bool own;

	pthread_mutex_lock(&lock);
	own = g->mixes == mixes;
	g->running--;
	pthread_mutex_unlock(&lock);
	return own;
}

/* --- kernels ------------------------------------------------------------------------------------------- */

static struct kernel *kernel_find(const struct gaon_kernel *handle)
{
	struct kernel *k;

	pthread_mutex_lock(&lock);
	for (k = kernels[bucket(handle)]; k && k->handle != handle; k = k->next)
		;
	pthread_mutex_unlock(&lock);
	return k;
}

uint32_t prof_kernel_number(const struct gaon_kernel *kernel)
{
	struct kernel *k = kernel_find(kernel);

	return k ? k->number : UINT32_MAX;
}

void prof_kernel_add(struct gaon_kernel *kernel)
{
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	struct prof_kernel out = { 0 };
	struct kernel *k;

	if (kernel_find(kernel) || next.kernel_get_desc(kernel, &desc))
		return;
	k = calloc(1, sizeof(*k));
	if (!k)
		return;
	k->handle = kernel;
	pthread_mutex_lock(&lock);
	k->number = kernel_count++;
	k->next = kernels[bucket(kernel)];
	kernels[bucket(kernel)] = k;
	pthread_mutex_unlock(&lock);
	out.kernel = k->number;
	memcpy(out.name, desc.name, sizeof(out.name) - 1);
	watch_file_put(PROF_KERNEL, &out, sizeof(out), NULL, 0);
}
