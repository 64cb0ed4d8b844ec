/* SPDX-License-Identifier: MIT */
/*
 * Stream-ordered memory: allocating and freeing take no trip to the device.  What a stream frees it
 * gets back at once, others when the stream has come that far.
 */
#ifndef GAON_RUNTIME_POOL_H
#define GAON_RUNTIME_POOL_H

#include <pthread.h>

#include "extent.h"

#include <gaon/gaon.h>

struct rt_device;
struct pool_chunk;
struct pool_pending;

struct pool_block {
	uint64_t va, bytes;
};

struct pool {
	pthread_mutex_t lock;
	struct pool_chunk *chunks;
	uint64_t chunk_bytes;		/* of all chunks */
	struct extents free;
	struct pool_pending *pending;	/* oldest first */
	struct pool_pending **pending_end;
	/* Blocks handed out, a hash table by address. */
	struct pool_block *blocks;
	uint64_t block_count, block_room;
	uint64_t low_freed;		/* address freed last: names a double free */
};

void pool_init(struct pool *pool);
/* No work uses it any more. */
void pool_fini(struct rt_device *dev);
/* Chunks that are wholly free go back to the card until at most @keep bytes are left. */
void pool_trim(struct rt_device *dev, uint64_t keep);

#endif
