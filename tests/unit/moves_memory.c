// SPDX-License-Identifier: MIT
/* Frames of HBM and of host memory, and objects made of them. */
#include <check.h>
#include <pthread.h>

#include "moves.h"

struct pool moves_small = { .bytes = SMALL }, moves_large = { .bytes = LARGE };
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;	/* used */

uint64_t moves_below(uint64_t *state, uint64_t n)
{
	return dev_random(state) % n;
}

uint64_t *moves_words(uint64_t pa)
{
	uint64_t offset = pa & GAON_PA_OFFSET_MASK;

	if ((pa & ~GAON_PA_OFFSET_MASK) == GAON_PA_HBM)
		return (uint64_t *)(void *)(moves_host.sim->hbm + offset);
	return (uint64_t *)(void *)(moves_host.mem + (offset - HOST_IOVA));
}

/* --- frames ---------------------------------------------------------------------------------- */

static void poison(struct frame *frame, uint64_t bytes, uint64_t value)
{
	uint64_t *words = moves_words(frame->pa);

	frame->poison = value;
	for (uint64_t w = 0; w < bytes / 8; w++)
		words[w] = value ^ w;
}

static void check_poison(const struct frame *frame, uint64_t bytes)
{
	const uint64_t *words = moves_words(frame->pa);

	for (uint64_t w = 0; w < bytes / 8; w++)
		if (words[w] != (frame->poison ^ w))
			ck_abort_msg("the free frame at %#lx was written: word %lu is %#lx, not %#lx",
				     (unsigned long)frame->pa, (unsigned long)w,
				     (unsigned long)words[w], (unsigned long)(frame->poison ^ w));
}

static struct frame *frame_claim(struct pool *pool, uint64_t *state)
{
	unsigned int i = (unsigned int)moves_below(state, pool->count);
	struct frame *frame = NULL;

	pthread_mutex_lock(&pool_lock);
	for (unsigned int n = 0; n < pool->count && !frame; n++, i = (i + 1) % pool->count)
		if (!pool->frame[i].used)
			frame = &pool->frame[i];
	if (frame)
		frame->used = true;
	pthread_mutex_unlock(&pool_lock);
	return frame;
}

struct frame *moves_frame_take(struct pool *pool, uint64_t *state)
{
	struct frame *frame = frame_claim(pool, state);

	ck_assert_msg(frame != NULL, "no frame is left");
	check_poison(frame, pool->bytes);
	return frame;
}

void moves_frame_free(struct pool *pool, struct frame *frame, uint64_t *state)
{
	poison(frame, pool->bytes, dev_random(state));
	pthread_mutex_lock(&pool_lock);
	frame->used = false;
	pthread_mutex_unlock(&pool_lock);
}

static void pool_add(struct pool *pool, uint64_t pa, uint64_t bytes, uint64_t *state)
{
	for (uint64_t at = 0; at < bytes; at += pool->bytes) {
		struct frame *frame = &pool->frame[pool->count++];

		*frame = (struct frame){ .pa = pa + at };
		poison(frame, pool->bytes, dev_random(state));
	}
}

void moves_memory_create(uint64_t *state)
{
	uint64_t pa;

	moves_small.count = moves_large.count = 0;
	pool_add(&moves_small, GAON_PA_HBM | 4 * MIB, 12 * MIB, state);
	pool_add(&moves_large, GAON_PA_HBM | 16 * MIB, 16 * MIB, state);
	dev_host_alloc(&moves_host, 8 * MIB, &pa);
	pool_add(&moves_small, pa, 8 * MIB, state);
	/* To where a large page may begin. */
	dev_host_alloc(&moves_host, 0, &pa);
	dev_host_alloc(&moves_host, -pa & (LARGE - 1), NULL);
	dev_host_alloc(&moves_host, 12 * MIB, &pa);
	pool_add(&moves_large, pa, 12 * MIB, state);
}

/* --- objects --------------------------------------------------------------------------------- */

uint64_t *moves_unit(const struct object *o, unsigned int unit)
{
	uint64_t at = unit * UNIT;

	return moves_words(o->frame[at / o->pool->bytes]->pa) + at % o->pool->bytes / 8;
}

void moves_map(const struct object *o, unsigned int i, uint64_t pa, uint64_t prot)
{
	unsigned int level = o->pool == &moves_large;
	uint64_t page = level ? LARGE : GAON_PAGE_SIZE;

	for (uint64_t at = 0; at < o->pool->bytes; at += page)
		dev_host_map(&moves_host, moves_roots[o->context], o->va + i * o->pool->bytes + at,
			     pa + at, prot, level);
}

static bool unit_holds(const uint64_t *words, const struct content *content)
{
	uint64_t value = content->base;

	for (unsigned int w = 0; w < UNIT_WORDS; w++, value += content->step)
		if (words[w] != value)
			return false;
	return true;
}

void moves_check_unit(const char *what, const struct queue *q, unsigned int object,
		      unsigned int unit, const uint64_t *words, const struct content *content)
{
	unsigned int w = 0;

	if (unit_holds(words, content))
		return;
	while (words[w] == content->base + w * content->step)
		w++;
	ck_abort_msg("%s: queue %u, batch %lu, object %u, unit %u, word %u: %#lx, not %#lx", what,
		     q->id, (unsigned long)q->batches, object, unit, w, (unsigned long)words[w],
		     (unsigned long)(content->base + w * content->step));
}

void moves_check_objects(const struct queue *q)
{
	for (unsigned int i = 0; i < OBJECTS; i++) {
		const struct object *o = &q->object[i];

		for (unsigned int u = 0; u < o->units; u++)
			moves_check_unit("an object is wrong", q, i, u, moves_unit(o, u),
					 &o->content[u]);
	}
}

void moves_object_create(struct object *o, unsigned int context, unsigned int index, bool is_large,
			 uint64_t *state)
{
	o->context = context;
	o->pool = is_large ? &moves_large : &moves_small;
	o->frames = is_large ? 1 : 1 + (unsigned int)moves_below(state, SMALL_MAX);
	o->units = (unsigned int)(o->frames * o->pool->bytes / UNIT);
	o->va = OBJECT_VA(index);
	for (unsigned int i = 0; i < o->frames; i++) {
		o->frame[i] = moves_frame_take(o->pool, state);
		moves_map(o, i, o->frame[i]->pa, RWU);
	}
	for (unsigned int u = 0; u < o->units; u++) {
		uint64_t *words = moves_unit(o, u);

		o->content[u] = (struct content){ dev_random(state), dev_random(state) };
		for (unsigned int w = 0; w < UNIT_WORDS; w++)
			words[w] = o->content[u].base + w * o->content[u].step;
	}
}
