// SPDX-License-Identifier: MIT
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "log.h"
#include "module.h"
#include "stream.h"

struct rt_print {
	pthread_mutex_t lock;
	struct gaon_print_ring *ring;	/* the device writes it: believe nothing */
	uint64_t size;			/* words, ours */
	_Atomic uint64_t taken;		/* words drained ever */
	uint64_t dropped;
	struct rt_assertions assertions;
};

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static gaon_print_fn sink_fn;
static void *sink_arg;

GAON_API void gaon_print_set(gaon_print_fn fn, void *arg)
{
	pthread_mutex_lock(&sink_lock);
	sink_fn = fn;
	sink_arg = arg;
	pthread_mutex_unlock(&sink_lock);
}

static void sink_put(const struct gaon_print *print)
{
	pthread_mutex_lock(&sink_lock);
	if (sink_fn)
		sink_fn(sink_arg, print);
	else
		fputs(print->text, stdout);
	pthread_mutex_unlock(&sink_lock);
}

enum gaon_status rt_print_start(struct rt_device *dev)
{
	struct gaon_print_ring *ring = dev->ops->context_print_ring(dev->ctx);

	if (!ring)
		return GAON_OK;
	dev->print = calloc(1, sizeof(*dev->print));
	if (!dev->print)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a device");
	pthread_mutex_init(&dev->print->lock, NULL);
	dev->print->ring = ring;
	dev->print->size = ring->size;
	return GAON_OK;
}

void rt_print_stop(struct rt_device *dev)
{
	if (!dev->print)
		return;
	rt_print_drain(dev);
	pthread_mutex_destroy(&dev->print->lock);
	free(dev->print);
	dev->print = NULL;
}

static bool string_of_module(void *ctx, uint64_t va, char *out, size_t size)
{
	return rt_module_string(ctx, va, out, size);
}

/*
 * Whose record it is, by the packet's tag and the launch's queue and index: in a graph too. Returns the
 * launch, with the index that the stream knows it by.
 */
static uint64_t record_locate(struct rt_device *dev, const uint64_t *words, struct gaon_print *print,
			      char *name, size_t size)
{
	uint32_t index = (uint32_t)words[4];
	const struct rt_kernel *k;
	const struct rt_stream *s;

	print->stream = UINT32_MAX;
	print->operation = index;
	pthread_mutex_lock(&dev->children_lock);
	k = rt_module_kernel_of(dev, (uint32_t)words[0]);
	snprintf(name, size, "%.*s", (int)sizeof(k->info.name) - 1, k ? k->info.name : "?");
	for (s = dev->streams; s && s->queue_id != words[4] >> 32; s = s->next)
		;
	if (s) {
		/* The record has the low half of an index that lies behind what was put. */
		uint64_t put = atomic_load(&s->timeline->last) - s->base;

		if (dev->ops->queue_launch)
			index = dev->ops->queue_launch(s->queue, index);
		print->stream = s->number;
		print->operation = index | (put & ~0xffffffffull);
		if (print->operation >= put && print->operation >> 32)
			print->operation -= 1ull << 32;
		print->operation = rt_stream_operation(s, print->operation);
	}
	pthread_mutex_unlock(&dev->children_lock);
	return words[4] >> 32 << 32 | index;
}

static void assertion_keep(struct rt_assertions *all, const struct rt_assertion *a)
{
	all->list[all->count++ % RT_ASSERTIONS] = *a;
}

static void record_put(struct rt_device *dev, const uint64_t *words, uint32_t count)
{
	char format[1024], kernel[GAON_KERNEL_NAME_MAX], file[256] = "?", text[2048];
	struct gaon_print print = {
		.size = sizeof(print), .kernel = kernel, .file = file, .text = text,
		.workgroup = (uint32_t)words[2], .line = (uint32_t)(words[2] >> 32),
		.assertion = words[0] >> 56 == GAON_PRINT_ASSERT,
	};
	uint64_t launch = record_locate(dev, words, &print, kernel, sizeof(kernel));

	rt_module_string(dev, words[3], file, sizeof(file));
	if (!rt_module_string(dev, words[1], format, sizeof(format)))
		snprintf(format, sizeof(format), "(text at %#llx of an unloaded module)\n",
			 (unsigned long long)words[1]);
	if (print.assertion) {
		struct rt_assertion a = { .launch = launch, .workgroup = print.workgroup };

		snprintf(a.text, sizeof(a.text), "%s:%u: %s", file, print.line, format);
		assertion_keep(&dev->print->assertions, &a);
		snprintf(text, sizeof(text), "%s:%u: kernel %s, workgroup %u: assertion failed: %s\n",
			 file, print.line, kernel, print.workgroup, format);
	} else {
		gaon_format(text, sizeof(text), format, words + GAON_PRINT_HEADER_WORDS,
			    count - GAON_PRINT_HEADER_WORDS, string_of_module, dev);
	}
	sink_put(&print);
}

static uint64_t ring_word(const struct rt_print *p, uint64_t at)
{
	return __atomic_load_n(&p->ring->data[at & (p->size - 1)], __ATOMIC_ACQUIRE);
}

static void ring_clear(struct rt_print *p, uint64_t from, uint64_t words)
{
	uint64_t i;

	for (i = 0; i < words; i++)
		__atomic_store_n(&p->ring->data[(from + i) & (p->size - 1)], 0, __ATOMIC_RELAXED);
}

/* Nothing of the device is running: a record that is not complete now never will be. */
static bool device_idle(struct rt_device *dev)
{
	struct rt_stream *s;
	bool idle = true;

	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s && idle; s = s->next)
		idle = atomic_load(&s->timeline->faulted) ||
		       rt_timeline_reached(s->timeline, atomic_load(&s->timeline->last));
	pthread_mutex_unlock(&dev->children_lock);
	return idle;
}

static void ring_drain(struct rt_device *dev)
{
	struct rt_print *p = dev->print;
	uint64_t at = atomic_load(&p->taken), start = at;
	uint64_t write = __atomic_load_n(&p->ring->write, __ATOMIC_ACQUIRE);
	uint64_t words[GAON_PRINT_WORDS_MAX], i;

	if (write - at > p->size) {		/* a kernel wrote over it */
		log_warning("the print ring is damaged, %s", "its contents are dropped");
		ring_clear(p, 0, p->size);
		at = write;
	}
	while (at != write) {
		uint64_t head = ring_word(p, at), count = head >> 48 & 0xff;

		if (!head) {
			if (!device_idle(dev))
				break;
			at++;
			continue;
		}
		if (count < GAON_PRINT_HEADER_WORDS || count > GAON_PRINT_WORDS_MAX || count > write - at) {
			ring_clear(p, at++, 1);
			continue;
		}
		words[0] = head;
		for (i = 1; i < count; i++)
			words[i] = ring_word(p, at + i);
		record_put(dev, words, (uint32_t)count);
		ring_clear(p, at, count);
		at += count;
	}
	if (at == start)
		return;
	atomic_store(&p->taken, at);
	__atomic_store_n(&p->ring->limit, at + p->size, __ATOMIC_RELEASE);
}

void rt_print_drain(struct rt_device *dev)
{
	struct rt_print *p = dev->print;
	uint64_t dropped;

	if (!p || __atomic_load_n(&p->ring->write, __ATOMIC_RELAXED) ==
		  atomic_load_explicit(&p->taken, memory_order_relaxed))
		return;
	pthread_mutex_lock(&p->lock);
	ring_drain(dev);
	dropped = __atomic_load_n(&p->ring->dropped, __ATOMIC_RELAXED);
	if (dropped != p->dropped)
		log_warning("%llu records of kernels' printf were dropped: the ring was full",
			    (unsigned long long)(dropped - p->dropped));
	p->dropped = dropped;
	pthread_mutex_unlock(&p->lock);
}

void rt_print_assertions(struct rt_device *dev, struct rt_assertions *out)
{
	out->count = 0;
	if (!dev->print)
		return;
	pthread_mutex_lock(&dev->print->lock);
	*out = dev->print->assertions;
	pthread_mutex_unlock(&dev->print->lock);
}
