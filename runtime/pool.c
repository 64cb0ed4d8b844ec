// SPDX-License-Identifier: MIT
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "stream.h"

#define POOL_ALIGN	256ull
#define POOL_CHUNK	(32ull << 20)
#define POOL_WAIT_NS	(10ull * 1000000000)
#define POOL_ROUND	(2ull << 20)
#define TOMB		1ull		/* va of a deleted hash entry; 0 is an empty one */

struct pool_chunk {
	struct pool_chunk *next;
	struct gaon_ws_bo *bo;
	uint64_t va, bytes;
};

struct pool_pending {
	struct pool_pending *next;
	struct pool_block block;
	struct rt_timeline *timeline;
	uint64_t value;
};

void pool_init(struct pool *pool)
{
	*pool = (struct pool){ 0 };
	pthread_mutex_init(&pool->lock, NULL);
	pool->pending_end = &pool->pending;
}

/* --- blocks handed out ----------------------------------------------------------------------- */

static uint64_t block_hash(uint64_t va)
{
	return (va >> 8) * 0x9e3779b97f4a7c15ull >> 20;
}

static struct pool_block *block_find(struct pool *pool, uint64_t va)
{
	uint64_t i;

	if (!pool->block_room || va <= TOMB)
		return NULL;
	for (i = block_hash(va);; i++) {
		struct pool_block *b = &pool->blocks[i & (pool->block_room - 1)];

		if (b->va == va)
			return b;
		if (!b->va)
			return NULL;
	}
}

static void block_insert(struct pool_block *table, uint64_t room, const struct pool_block *block)
{
	uint64_t i;

	for (i = block_hash(block->va); table[i & (room - 1)].va > TOMB; i++)
		;
	table[i & (room - 1)] = *block;
}

/* block_count counts tombs too, so that a probe always ends. */
static bool block_add(struct pool *pool, const struct pool_block *block)
{
	if (2 * (pool->block_count + 1) > pool->block_room) {
		uint64_t i, live = 0, room;
		struct pool_block *table;

		for (i = 0; i < pool->block_room; i++)
			live += pool->blocks[i].va > TOMB;
		for (room = 64; room < 4 * (live + 1); room *= 2)
			;
		table = calloc(room, sizeof(*table));
		if (!table)
			return false;
		for (i = 0; i < pool->block_room; i++) {
			if (pool->blocks[i].va > TOMB)
				block_insert(table, room, &pool->blocks[i]);
		}
		free(pool->blocks);
		pool->blocks = table;
		pool->block_room = room;
		pool->block_count = live;
	}
	block_insert(pool->blocks, pool->block_room, block);
	pool->block_count++;
	return true;
}

/* --- chunks ---------------------------------------------------------------------------------- */

static int chunk_add(struct rt_device *dev, uint64_t bytes)
{
	struct pool *pool = &dev->pool;
	struct pool_chunk *chunk = calloc(1, sizeof(*chunk));
	struct gaon_ws_bo_info info;
	int err;

	if (!chunk)
		return -ENOMEM;
	bytes = bytes > POOL_CHUNK ? (bytes + POOL_ROUND - 1) & ~(POOL_ROUND - 1) :
		POOL_CHUNK;
	err = dev->ops->bo_create(dev->ctx, bytes, GAON_WS_DEVICE, 0, NULL, &chunk->bo);
	if (err) {
		free(chunk);
		return err;
	}
	dev->ops->bo_info(chunk->bo, &info);
	chunk->va = info.va;
	chunk->bytes = info.bytes;
	if (!addrmap_add(&dev->map, &(struct addr_entry){ .va = chunk->va, .bytes = chunk->bytes,
							   .kind = GAON_MEM_POOL }) ||
	    !extents_put(&pool->free, chunk->va, chunk->bytes)) {
		addrmap_del(&dev->map, chunk->va);
		dev->ops->bo_destroy(chunk->bo);
		free(chunk);
		return -ENOMEM;
	}
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->chunk_bytes += chunk->bytes;
	return 0;
}

static void chunk_free(struct rt_device *dev, struct pool_chunk *chunk)
{
	addrmap_del(&dev->map, chunk->va);
	dev->ops->bo_destroy(chunk->bo);
	dev->pool.chunk_bytes -= chunk->bytes;
	free(chunk);
}

static void pending_retire(struct pool *pool)
{
	struct pool_pending **link = &pool->pending;

	while (*link) {
		struct pool_pending *p = *link;

		if (!rt_timeline_reached(p->timeline, p->value)) {
			link = &p->next;
			continue;
		}
		*link = p->next;
		extents_put(&pool->free, p->block.va, p->block.bytes);
		free(p);
	}
	pool->pending_end = link;
}

static void pool_trim_locked(struct rt_device *dev, uint64_t keep)
{
	struct pool *pool = &dev->pool;
	struct pool_chunk **link = &pool->chunks;

	pending_retire(pool);
	while (*link && pool->chunk_bytes > keep) {
		struct pool_chunk *chunk = *link;

		if (pool->chunk_bytes - chunk->bytes < keep ||
		    !extents_take_at(&pool->free, chunk->va, chunk->bytes)) {
			link = &chunk->next;
			continue;
		}
		*link = chunk->next;
		chunk_free(dev, chunk);
	}
}

void pool_trim(struct rt_device *dev, uint64_t keep)
{
	pthread_mutex_lock(&dev->pool.lock);
	pool_trim_locked(dev, keep);
	pthread_mutex_unlock(&dev->pool.lock);
}

void pool_fini(struct rt_device *dev)
{
	struct pool *pool = &dev->pool;

	while (pool->pending) {
		struct pool_pending *p = pool->pending;

		pool->pending = p->next;
		free(p);
	}
	while (pool->chunks) {
		struct pool_chunk *chunk = pool->chunks;

		pool->chunks = chunk->next;
		chunk_free(dev, chunk);
	}
	free(pool->blocks);
	extents_fini(&pool->free);
	pthread_mutex_destroy(&pool->lock);
}

/* --- allocating ------------------------------------------------------------------------------ */

/* A block that the same stream gave back: later work of it comes after the work that used it. */
static bool take_pending(struct pool *pool, struct rt_timeline *timeline, uint64_t bytes,
			 struct pool_block *block)
{
	struct pool_pending **link = &pool->pending;

	for (; *link; link = &(*link)->next) {
		struct pool_pending *p = *link;

		if (p->timeline != timeline || p->block.bytes != bytes)
			continue;
		*block = p->block;
		*link = p->next;
		if (!p->next)
			pool->pending_end = link;
		free(p);
		return true;
	}
	return false;
}

static bool take_free(struct pool *pool, uint64_t bytes, struct pool_block *block)
{
	if (!extents_take(&pool->free, bytes, POOL_ALIGN, &block->va))
		return false;
	block->bytes = bytes;
	return true;
}

/* pool->lock held, dropped while it waits. */
static bool take_after_wait(struct rt_device *dev, uint64_t bytes, struct pool_block *block)
{
	struct pool *pool = &dev->pool;
	uint64_t deadline = rt_now_ns() + POOL_WAIT_NS;

	while (pool->pending && rt_now_ns() < deadline) {
		struct rt_timeline *timeline = pool->pending->timeline;
		uint64_t value = pool->pending->value;
		enum gaon_status status;

		pthread_mutex_unlock(&pool->lock);
		status = rt_timeline_wait(dev, timeline, value, POOL_WAIT_NS);
		pthread_mutex_lock(&pool->lock);
		if (status)
			return false;
		pool_trim_locked(dev, 0);
		if (take_free(pool, bytes, block) ||
		    (!chunk_add(dev, bytes) && take_free(pool, bytes, block)))
			return true;
	}
	return false;
}

static bool pool_take(struct rt_device *dev, struct rt_timeline *timeline, uint64_t bytes,
		      struct pool_block *block)
{
	struct pool *pool = &dev->pool;

	if (take_pending(pool, timeline, bytes, block) || take_free(pool, bytes, block))
		return true;
	pending_retire(pool);
	if (take_free(pool, bytes, block))
		return true;
	if (!chunk_add(dev, bytes))
		return take_free(pool, bytes, block);
	/*
	 * Memory is short: give back what lies in too small pieces, then wait for what is coming.
	 */
	pool_trim_locked(dev, 0);
	if (!chunk_add(dev, bytes))
		return take_free(pool, bytes, block);
	return !rt_in_callback() && take_after_wait(dev, bytes, block);
}

GAON_API enum gaon_status gaon_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes,
					       uint64_t *va)
{
	enum gaon_status status = GAON_OK;
	struct pool_block block = { 0 };
	struct rt_stream *s;
	struct rt_device *dev;
	bool ok;

	if (!va || !bytes || bytes > 1ull << 46)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "cannot allocate %llu bytes%s",
				 (unsigned long long)bytes, va ? "" : " into NULL");
	s = rt_stream_enter(stream, "an allocation", &status);
	if (!s)
		return status;
	dev = s->dev;
	/* It may wait for the stream, which may hang on a callback that gives it work. */
	pthread_mutex_unlock(&s->obj.lock);
	bytes = (bytes + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1);
	pthread_mutex_lock(&dev->pool.lock);
	ok = pool_take(dev, s->timeline, bytes, &block);
	if (ok && !block_add(&dev->pool, &block)) {
		extents_put(&dev->pool.free, block.va, block.bytes);
		ok = false;
	}
	pthread_mutex_unlock(&dev->pool.lock);
	if (ok)
		*va = block.va;
	else
		status = gaon_fail(GAON_ERROR_OUT_OF_DEVICE_MEMORY,
				   "no %llu bytes of device memory for the pool",
				   (unsigned long long)bytes);
	rt_leave(dev);
	return status;
}

static enum gaon_status pool_give(struct rt_device *dev, struct rt_timeline *timeline, uint64_t va)
{
	struct pool *pool = &dev->pool;
	struct pool_block *block = block_find(pool, va);
	struct pool_pending *p;

	if (!block) {
		for (p = pool->pending; p && p->block.va != va; p = p->next)
			;
		return gaon_fail(p || (va && va == pool->low_freed) ? GAON_ERROR_CLOSED :
				 GAON_ERROR_INVALID_ADDRESS, "%#llx %s", (unsigned long long)va,
				 p || (va && va == pool->low_freed) ? "was freed before" :
				 "is not allocated from the pool");
	}
	p = malloc(sizeof(*p));
	if (!p)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory to free device memory");
	*p = (struct pool_pending){
		.block = *block,
		.timeline = timeline,
		.value = atomic_load(&timeline->last),
	};
	block->va = TOMB;
	pool->low_freed = va;
	*pool->pending_end = p;
	pool->pending_end = &p->next;
	return GAON_OK;
}

GAON_API enum gaon_status gaon_mem_free_async(struct gaon_stream *stream, uint64_t va)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "a free", &status);

	if (!s)
		return status;
	pthread_mutex_lock(&s->dev->pool.lock);
	status = pool_give(s->dev, s->timeline, va);
	pthread_mutex_unlock(&s->dev->pool.lock);
	rt_stream_leave(s);
	return status;
}

GAON_API enum gaon_status gaon_mem_trim(struct gaon_device *device, uint64_t keep_bytes)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);

	if (!dev)
		return status;
	pool_trim(dev, keep_bytes);
	rt_leave(dev);
	return GAON_OK;
}
