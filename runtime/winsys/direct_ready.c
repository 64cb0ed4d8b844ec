// SPDX-License-Identifier: MIT
/*
 * Pages of device memory made ready for a program that said how much of it it will fill soon. A page
 * that the host has never touched costs as much to clear as to copy into, and several times that where
 * a hypervisor has to find it first; meanwhile a program that loads a model reads its vocabulary, with
 * one thread. What nobody has taken some seconds later goes back.
 */
#include "direct.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define GIVE_BACK_SECONDS	3

/* Others write there meanwhile, on purpose. An attribute against ThreadSanitizer alone leaves atomics in. */
#if defined(__has_attribute) && __has_attribute(disable_sanitizer_instrumentation)
#define NO_SANITIZER __attribute__((disable_sanitizer_instrumentation))
#else
#define NO_SANITIZER
#endif

/* @lock protects @stop; what else is here is the thread's own. */
struct direct_ready {
	struct direct *ws;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
	uint64_t start, bytes;
};

static bool is_stopped(struct direct_ready *r)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

static void wait_for_end(struct direct_ready *r)
{
	pthread_mutex_lock(&r->lock);
	while (!r->stop)
		pthread_cond_wait(&r->stopped, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/* True: the device closes. */
static bool wait_for_takers(struct direct_ready *r)
{
	struct timespec until;
	bool stop;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GIVE_BACK_SECONDS;
	pthread_mutex_lock(&r->lock);
	while (!r->stop && err != ETIMEDOUT)
		err = pthread_cond_clockwait(&r->stopped, &r->lock, CLOCK_MONOTONIC, &until);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

/* Free memory is zero and stays so; what somebody has is left alone. */
static void give_back(struct direct *ws, uint64_t start, uint64_t end)
{
	pthread_mutex_lock(&ws->mem_lock);
	for (size_t i = 0; i < ws->hbm.count; i++) {
		const struct extent *e = &ws->hbm.list[i];
		uint64_t from = e->start > start ? e->start : start;
		uint64_t to = e->start + e->bytes < end ? e->start + e->bytes : end;

		if (from < to)
			madvise(ws->aperture + from, to - from, MADV_DONTNEED);
	}
	pthread_mutex_unlock(&ws->mem_lock);
}

/*
 * A write that changes nothing, whoever has taken the memory meanwhile, for each page that is zero. Not
 * MADV_POPULATE_WRITE, during which the program waits with every mmap() and mprotect() of its own: a
 * fault locks no more than the mapping that it is in.
 */
NO_SANITIZER static void touch(uint8_t *start, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += GAON_PAGE_SIZE) {
		volatile uint8_t *page = start + at;
		uint8_t zero = 0;

		__atomic_compare_exchange_n(page, &zero, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

static void *make_ready(void *arg)
{
	struct direct_ready *r = arg;
	struct direct *ws = r->ws;
	uint64_t at = r->start, end = r->start + r->bytes;

	for (; at < end && !is_stopped(r); at += GAON_HUGE_SIZE)
		touch(ws->aperture + at, GAON_HUGE_SIZE);
	if (!wait_for_takers(r))
		give_back(ws, r->start, at);
	/* It is joined when the device closes, which many programs never do. */
	wait_for_end(r);
	return NULL;
}

/* Large objects begin where the first free range that holds them does. */
static bool find_range(struct direct *ws, uint64_t bytes, struct direct_ready *r)
{
	pthread_mutex_lock(&ws->mem_lock);
	for (size_t i = 0; i < ws->hbm.count && !r->bytes; i++) {
		const struct extent *e = &ws->hbm.list[i];
		uint64_t start = (e->start + GAON_HUGE_SIZE - 1) & ~(GAON_HUGE_SIZE - 1);

		if (e->start + e->bytes > start + bytes) {
			r->start = start;
			r->bytes = bytes;
		}
	}
	pthread_mutex_unlock(&ws->mem_lock);
	return r->bytes && r->start + r->bytes <= ws->aperture_bytes;
}

/* With one processor it would only take the program's time. */
static bool has_processor(const struct direct *ws)
{
	cpu_set_t set;

	return ws->config.threads != 1 && !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

void direct_ready_begin(struct gaon_winsys *winsys, uint64_t bytes)
{
	struct direct *ws = (struct direct *)winsys;
	struct direct_ready *r;

	bytes &= ~(GAON_HUGE_SIZE - 1);
	if (ws->ready || !bytes || !has_processor(ws))
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->ws = ws;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->stopped, NULL);
	if (find_range(ws, bytes, r) && !pthread_create(&r->thread, NULL, make_ready, r)) {
		ws->ready = r;
		return;
	}
	pthread_cond_destroy(&r->stopped);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void direct_ready_end(struct direct *ws)
{
	struct direct_ready *r = ws->ready;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->stopped);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->stopped);
	pthread_mutex_destroy(&r->lock);
	free(r);
	ws->ready = NULL;
}
