/* SPDX-License-Identifier: MIT */
/* Host memory that is pinned for one copy. */
#ifndef GAON_RUNTIME_PIN_H
#define GAON_RUNTIME_PIN_H

#include "stream.h"

struct rt_pin {
	struct rt_pin *next;
	struct gaon_ws_bo *bo;
	uint64_t va;			/* of the caller's first byte */
	bool writes;			/* by the device */
	/* Memory that the device cannot reach: a copy stands in, brought back when the work is done. */
	void *user;
	uint8_t *stand_in;
	uint64_t bytes;
	struct rt_timeline *timeline;
	uint64_t value;
};

/* Pin [@ptr, @ptr + @bytes); NULL with the error set. */
struct rt_pin *rt_pin_make(struct rt_device *dev, const void *ptr, uint64_t bytes, bool writes,
			   enum gaon_status *status);
/* From now on it goes when @timeline reaches @value. */
void rt_pin_arm(struct rt_device *dev, struct rt_pin *pin, struct rt_timeline *timeline,
		uint64_t value);
/*
 * What work under way brings into [@ptr, @ptr + @bytes) by way of a copy that stands in is there when this
 * returns OK. Waits; obj.lock of @s held.
 */
enum gaon_status rt_pins_settle(struct rt_stream *s, const void *ptr, uint64_t bytes);
void rt_pin_drop(struct rt_device *dev, struct rt_pin *pin);
/*
 * Unpin what is done. Whoever learns that work is done may free its memory next: called before
 * every success of a wait or query is told.
 */
void rt_pins_retire_slow(struct rt_device *dev, bool all);

static inline void rt_pins_retire(struct rt_device *dev)
{
	/* Pairs with the decrement: what another thread brought to the caller's memory is seen. */
	if (atomic_load_explicit(&dev->pin_count, memory_order_acquire))
		rt_pins_retire_slow(dev, false);
}

/* A word that the device may still write goes back to dev->words when @timeline reaches @value. */
void rt_word_retire(struct rt_device *dev, struct word *word, struct rt_timeline *timeline,
		    uint64_t value);

#endif
