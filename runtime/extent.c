// SPDX-License-Identifier: MIT
#include "extent.h"

#include <stdlib.h>
#include <string.h>

void extents_fini(struct extents *set)
{
	free(set->list);
	*set = (struct extents){ 0 };
}

/* First range that starts above @start. */
static size_t extents_after(const struct extents *set, uint64_t start)
{
	size_t lo = 0, hi = set->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->list[mid].start > start)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool extents_insert(struct extents *set, size_t i, uint64_t start, uint64_t bytes)
{
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 16;
		struct extent *list = realloc(set->list, room * sizeof(*list));

		if (!list)
			return false;
		set->list = list;
		set->room = room;
	}
	memmove(&set->list[i + 1], &set->list[i], (set->count - i) * sizeof(set->list[0]));
	set->list[i] = (struct extent){ start, bytes };
	set->count++;
	return true;
}

static void extents_remove(struct extents *set, size_t i)
{
	set->count--;
	memmove(&set->list[i], &set->list[i + 1], (set->count - i) * sizeof(set->list[0]));
}

bool extents_put(struct extents *set, uint64_t start, uint64_t bytes)
{
	size_t i = extents_after(set, start);
	struct extent *prev = i ? &set->list[i - 1] : NULL;
	struct extent *next = i < set->count ? &set->list[i] : NULL;
	bool with_prev, with_next;

	if (!bytes || start + bytes < start || (prev && prev->start + prev->bytes > start) ||
	    (next && next->start < start + bytes))
		return false;
	with_prev = prev && prev->start + prev->bytes == start;
	with_next = next && next->start == start + bytes;
	if (with_prev) {
		prev->bytes += bytes;
		if (with_next) {
			prev->bytes += next->bytes;
			extents_remove(set, i);
		}
	} else if (with_next) {
		next->start = start;
		next->bytes += bytes;
	} else if (!extents_insert(set, i, start, bytes)) {
		return false;
	}
	set->free_bytes += bytes;
	return true;
}

/* Cut [start, start + bytes) out of range i. */
static bool extents_cut(struct extents *set, size_t i, uint64_t start, uint64_t bytes)
{
	struct extent *e = &set->list[i];
	uint64_t head = start - e->start;
	uint64_t tail = e->bytes - head - bytes;

	if (head && tail) {
		if (!extents_insert(set, i + 1, start + bytes, tail))
			return false;
		set->list[i].bytes = head;
	} else if (head) {
		e->bytes = head;
	} else if (tail) {
		e->start = start + bytes;
		e->bytes = tail;
	} else {
		extents_remove(set, i);
	}
	set->free_bytes -= bytes;
	return true;
}

static bool extent_fits(const struct extent *e, uint64_t from, uint64_t bytes, uint64_t align,
			uint64_t *start)
{
	uint64_t at = e->start > from ? e->start : from;

	at = (at + align - 1) & ~(align - 1);
	if (at < e->start || at - e->start > e->bytes || e->bytes - (at - e->start) < bytes)
		return false;
	*start = at;
	return true;
}

bool extents_take(struct extents *set, uint64_t bytes, uint64_t align, uint64_t *start)
{
	size_t i, best = set->count;
	uint64_t at = 0, found = 0;

	for (i = 0; i < set->count; i++) {
		if ((best == set->count || set->list[i].bytes < set->list[best].bytes) &&
		    extent_fits(&set->list[i], 0, bytes, align, &at)) {
			best = i;
			found = at;
			if (set->list[i].bytes == bytes)
				break;
		}
	}
	if (best == set->count || !extents_cut(set, best, found, bytes))
		return false;
	*start = found;
	return true;
}

bool extents_take_next(struct extents *set, uint64_t bytes, uint64_t align, uint64_t *start)
{
	uint64_t from = set->next;
	int round;

	for (round = 0; round < 2; round++, from = 0) {
		size_t i = extents_after(set, from);

		for (i = i ? i - 1 : 0; i < set->count; i++) {
			uint64_t at;

			if (!extent_fits(&set->list[i], from, bytes, align, &at))
				continue;
			if (!extents_cut(set, i, at, bytes))
				return false;
			set->next = at + bytes;
			*start = at;
			return true;
		}
	}
	return false;
}

bool extents_take_largest(struct extents *set, uint64_t most, uint64_t unit, struct extent *out)
{
	size_t i, best = set->count;
	uint64_t bytes;

	for (i = 0; i < set->count; i++) {
		if (best == set->count || set->list[i].bytes > set->list[best].bytes)
			best = i;
	}
	if (best == set->count)
		return false;
	bytes = set->list[best].bytes < most ? set->list[best].bytes : most;
	bytes -= bytes % unit;
	if (!bytes)
		return false;
	*out = (struct extent){ set->list[best].start, bytes };
	return extents_cut(set, best, out->start, bytes);
}

bool extents_take_at(struct extents *set, uint64_t start, uint64_t bytes)
{
	size_t i = extents_after(set, start);
	struct extent *e;

	if (!i || !bytes)
		return false;
	e = &set->list[i - 1];
	if (start - e->start > e->bytes || e->bytes - (start - e->start) < bytes)
		return false;
	return extents_cut(set, i - 1, start, bytes);
}
