// SPDX-License-Identifier: MIT
#include "words.h"

#include <stdlib.h>

#include "device.h"
#include "error.h"

#define WORD_STRIDE	64
#define WORDS_PER_CHUNK	1024

struct words_chunk {
	struct words_chunk *next;
	struct gaon_ws_bo *bo;
	struct word words[WORDS_PER_CHUNK];
};

void words_init(struct words *words)
{
	pthread_mutex_init(&words->lock, NULL);
	words->chunks = NULL;
	words->free = NULL;
	words->timelines = NULL;
}

void words_fini(struct rt_device *dev)
{
	struct words *words = &dev->words;
	int i;

	while (words->chunks) {
		struct words_chunk *chunk = words->chunks;

		words->chunks = chunk->next;
		for (i = 0; i < WORDS_PER_CHUNK; i++)
			free(chunk->words[i].timeline);
		dev->ops->bo_destroy(chunk->bo);
		free(chunk);
	}
	pthread_mutex_destroy(&words->lock);
}

static bool words_grow(struct rt_device *dev)
{
	struct words_chunk *chunk = calloc(1, sizeof(*chunk));
	struct gaon_ws_bo_info info;
	int i;

	if (!chunk)
		return false;
	if (dev->ops->bo_create(dev->ctx, WORDS_PER_CHUNK * WORD_STRIDE, GAON_WS_HOST,
				GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL, &chunk->bo)) {
		free(chunk);
		return false;
	}
	dev->ops->bo_info(chunk->bo, &info);
	for (i = WORDS_PER_CHUNK - 1; i >= 0; i--) {
		struct word *w = &chunk->words[i];

		w->cpu = (uint64_t *)((uint8_t *)info.cpu + i * WORD_STRIDE);
		w->va = info.va + (uint64_t)i * WORD_STRIDE;
		w->next = dev->words.free;
		dev->words.free = w;
	}
	chunk->next = dev->words.chunks;
	dev->words.chunks = chunk;
	return true;
}

static struct word *words_pop(struct word **list)
{
	struct word *w = *list;

	if (w)
		*list = w->next;
	return w;
}

static struct word *words_take_from(struct rt_device *dev, struct word **list)
{
	struct words *words = &dev->words;
	struct word *w;

	pthread_mutex_lock(&words->lock);
	w = words_pop(list);
	if (!w && (words->free || words_grow(dev)))
		w = words_pop(&words->free);
	pthread_mutex_unlock(&words->lock);
	if (!w)
		gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no host memory for completion values");
	return w;
}

struct word *words_take(struct rt_device *dev)
{
	return words_take_from(dev, &dev->words.free);
}

struct word *words_take_timeline(struct rt_device *dev)
{
	return words_take_from(dev, &dev->words.timelines);
}

void words_put(struct rt_device *dev, struct word *word)
{
	struct word **list = word->timeline ? &dev->words.timelines : &dev->words.free;

	pthread_mutex_lock(&dev->words.lock);
	word->next = *list;
	*list = word;
	pthread_mutex_unlock(&dev->words.lock);
}
