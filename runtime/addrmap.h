/* SPDX-License-Identifier: MIT */
/* What the addresses of one device belong to: looked up by device address and by host pointer. */
#ifndef GAON_RUNTIME_ADDRMAP_H
#define GAON_RUNTIME_ADDRMAP_H

#include <pthread.h>

#include <gaon/gaon.h>

struct addr_entry {
	uint64_t start, bytes;		/* as looked up */
	uint64_t va;
	uint8_t *ptr;			/* host address of va, or NULL */
	enum gaon_mem_kind kind;
	bool readonly;			/* the device may not write */
	void *mem;			/* gaon_mem handle or NULL */
};

struct addr_list {
	struct addr_entry *list;	/* by start, never overlapping but for imports of the same pages */
	size_t count, room;
};

struct addrmap {
	pthread_rwlock_t lock;
	struct addr_list device, host;
};

void addrmap_init(struct addrmap *map);
void addrmap_fini(struct addrmap *map);
/* False if out of memory. */
bool addrmap_add(struct addrmap *map, const struct addr_entry *entry);
void addrmap_del(struct addrmap *map, uint64_t va);
/* The entry that holds all of [@va, @va + @bytes). */
bool addrmap_find(struct addrmap *map, uint64_t va, uint64_t bytes, struct addr_entry *out);
bool addrmap_find_host(struct addrmap *map, const void *ptr, uint64_t bytes,
		       struct addr_entry *out);

#endif
