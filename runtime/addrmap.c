// SPDX-License-Identifier: MIT
#include "addrmap.h"

#include <stdlib.h>
#include <string.h>

void addrmap_init(struct addrmap *map)
{
	memset(&map->device, 0, sizeof(map->device));
	memset(&map->host, 0, sizeof(map->host));
	pthread_rwlock_init(&map->lock, NULL);
}

void addrmap_fini(struct addrmap *map)
{
	free(map->device.list);
	free(map->host.list);
	pthread_rwlock_destroy(&map->lock);
}

/* First entry that starts above @at. */
static size_t list_after(const struct addr_list *l, uint64_t at)
{
	size_t lo = 0, hi = l->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->list[mid].start > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool list_add(struct addr_list *l, uint64_t start, const struct addr_entry *entry)
{
	size_t i;

	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 32;
		struct addr_entry *list = realloc(l->list, room * sizeof(*list));

		if (!list)
			return false;
		l->list = list;
		l->room = room;
	}
	i = list_after(l, start);
	memmove(&l->list[i + 1], &l->list[i], (l->count - i) * sizeof(l->list[0]));
	l->list[i] = *entry;
	l->list[i].start = start;
	l->count++;
	return true;
}

static void list_del(struct addr_list *l, uint64_t start, uint64_t va)
{
	size_t i = list_after(l, start);

	while (i && l->list[i - 1].start == start && l->list[i - 1].va != va)
		i--;
	if (!i || l->list[i - 1].start != start)
		return;
	l->count--;
	memmove(&l->list[i - 1], &l->list[i], (l->count - (i - 1)) * sizeof(l->list[0]));
}

static bool list_find(const struct addr_list *l, uint64_t at, uint64_t bytes,
		      struct addr_entry *out)
{
	size_t i = list_after(l, at);
	int tries;

	/* Imports may overlap: the nearest start need not be the one that is long enough. */
	for (tries = 0; i && tries < 8; tries++, i--) {
		const struct addr_entry *e = &l->list[i - 1];

		if (at - e->start <= e->bytes && bytes <= e->bytes - (at - e->start)) {
			*out = *e;
			return true;
		}
	}
	return false;
}

bool addrmap_add(struct addrmap *map, const struct addr_entry *entry)
{
	bool ok;

	pthread_rwlock_wrlock(&map->lock);
	ok = list_add(&map->device, entry->va, entry);
	if (ok && entry->ptr) {
		ok = list_add(&map->host, (uintptr_t)entry->ptr, entry);
		if (!ok)
			list_del(&map->device, entry->va, entry->va);
	}
	pthread_rwlock_unlock(&map->lock);
	return ok;
}

void addrmap_del(struct addrmap *map, uint64_t va)
{
	struct addr_entry entry;

	pthread_rwlock_wrlock(&map->lock);
	if (list_find(&map->device, va, 1, &entry) && entry.va == va) {
		list_del(&map->device, va, va);
		if (entry.ptr)
			list_del(&map->host, (uintptr_t)entry.ptr, va);
	}
	pthread_rwlock_unlock(&map->lock);
}

bool addrmap_find(struct addrmap *map, uint64_t va, uint64_t bytes, struct addr_entry *out)
{
	bool found;

	pthread_rwlock_rdlock(&map->lock);
	found = list_find(&map->device, va, bytes, out);
	pthread_rwlock_unlock(&map->lock);
	return found;
}

bool addrmap_find_host(struct addrmap *map, const void *ptr, uint64_t bytes,
		       struct addr_entry *out)
{
	bool found;

	pthread_rwlock_rdlock(&map->lock);
	found = map->host.count && list_find(&map->host, (uintptr_t)ptr, bytes, out);
	pthread_rwlock_unlock(&map->lock);
	return found;
}
