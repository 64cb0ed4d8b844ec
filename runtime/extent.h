/* SPDX-License-Identifier: MIT */
/*
 * Free ranges of an address space, ordered and merged. Used for device memory, addresses, pools.
 * The caller locks.
 */
#ifndef GAON_RUNTIME_EXTENT_H
#define GAON_RUNTIME_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t start, bytes;
};

struct extents {
	struct extent *list;		/* by start; neighbours never touch */
	size_t count, room;
	uint64_t free_bytes;
	uint64_t next;			/* where extents_take_next() goes on */
};

void extents_fini(struct extents *set);
/* Return a range. False if there is no memory to note it (it is lost) or it overlaps a free one. */
bool extents_put(struct extents *set, uint64_t start, uint64_t bytes);
/* The smallest range that fits, from its low end; @align is a power of two. */
bool extents_take(struct extents *set, uint64_t bytes, uint64_t align, uint64_t *start);
/* The next range that fits after the last taken: puts off the reuse of addresses. */
bool extents_take_next(struct extents *set, uint64_t bytes, uint64_t align, uint64_t *start);
/* The largest range, at most @most bytes of it, in multiples of @unit. */
bool extents_take_largest(struct extents *set, uint64_t most, uint64_t unit, struct extent *out);
/* Take exactly this range, if it is free. */
bool extents_take_at(struct extents *set, uint64_t start, uint64_t bytes);

#endif
