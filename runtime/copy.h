/* SPDX-License-Identifier: MIT */
/* One side of a copy: where the device finds it, and what was pinned for that. */
#ifndef GAON_RUNTIME_COPY_H
#define GAON_RUNTIME_COPY_H

#include "pin.h"

#define COPY_STAGED_MOST	(64ull << 10)	/* smaller copies of pageable memory go through the ring */

struct copy_side {
	uint64_t va;
	struct rt_pin *pin;	/* to be armed with the packet's value, or dropped */
};

/* @va must lie wholly inside memory of the device. */
enum gaon_status copy_side_device(struct rt_stream *s, uint64_t va, uint64_t bytes, bool write,
				  struct copy_side *side);
/* Host memory of @bytes that the device writes (@write) or reads; obj.lock of @s held. */
enum gaon_status copy_side_host(struct rt_stream *s, const void *ptr, uint64_t bytes, bool write,
				struct copy_side *side);
void copy_side_done(struct rt_stream *s, struct copy_side *side, uint64_t value);
void copy_side_drop(struct rt_stream *s, struct copy_side *side);

/* The library's own stream for blocking copies; dev->sync_lock held. */
enum gaon_status copy_sync_stream(struct rt_device *dev, struct rt_stream **out);
/* Until it has passed @value; a fault is the call's alone and cleared. */
enum gaon_status copy_sync_wait(struct rt_stream *s, uint64_t value);

#endif
