/* SPDX-License-Identifier: MIT */
/*
 * 64-bit words in host memory that the device stores to: completion values, timestamps. A cache
 * line each.
 */
#ifndef GAON_RUNTIME_WORDS_H
#define GAON_RUNTIME_WORDS_H

#include <pthread.h>

#include <gaon/gaon.h>

struct rt_device;
struct words_chunk;

struct word {
	uint64_t *cpu;
	uint64_t va;
	struct word *next;
	void *timeline;			/* the stream's record of it, see stream.h */
};

/*
 * A word that has once been a stream's completion value is one for ever: events of streams that are gone
 * still look at it, and its record says how far it has come, so that nobody else may store to it.
 */
struct words {
	pthread_mutex_t lock;
	struct words_chunk *chunks;
	struct word *free;		/* of no stream yet */
	struct word *timelines;		/* of streams that are gone */
};

void words_init(struct words *words);
void words_fini(struct rt_device *dev);
/* Value as the last user left it. NULL: out of memory, error set. */
struct word *words_take(struct rt_device *dev);
/* For a stream's completion values. */
struct word *words_take_timeline(struct rt_device *dev);
void words_put(struct rt_device *dev, struct word *word);

#endif
