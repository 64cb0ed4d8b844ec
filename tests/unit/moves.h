/* SPDX-License-Identifier: MIT */
/*
 * Memory that moves, and queues that work on it, for engine_moves.c: frames of HBM and of host
 * memory, objects made of them, and packets of which it is known what they make of the objects.
 */
#ifndef TESTS_UNIT_MOVES_H
#define TESTS_UNIT_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include <dev/devside.h>
#include "dev_host.h"

#define MIB		(1ull << 20)
#define UNIT		16384ull	/* what a part of an object is described by */
#define UNIT_WORDS	(UNIT / 8)
#define SMALL		65536ull	/* frames: of small pages, of a large one */
#define LARGE		(2 * MIB)
#define UNITS_MAX	(LARGE / UNIT)
#define SMALL_MAX	16u		/* of an object */

#define CONTEXTS	3u
#define QUEUES		6u
#define OBJECTS		4u		/* of a queue; the last one is only read */
#define SOURCE		(OBJECTS - 1)
#define MOVER		(CONTEXTS + 1)	/* context, and number of its queue */
#define MOVER_QUEUE	QUEUES
#define RING_LOG2	6
#define BATCH		12u		/* packets */
#define BACK_UNITS	32u

#define OBJECT_VA(i)	(0x20000000ull + 4 * MIB * (i))
#define QUEUE_VA(q)	(0x80000000ull + 8 * MIB * (q))	/* ring, state block, scripts, BACK */
#define STATE_AT	4096u
#define VALUE_AT	(STATE_AT + 64u)
#define SCRIPT_AT	8192u
#define SCRIPT_BYTES	(248u << 10)
#define BACK_AT		(256u << 10)
#define OWN_BYTES	(BACK_AT + BACK_UNITS * UNIT)

#define RWU		(GAON_PTE_R | GAON_PTE_W | GAON_PTE_U)

/* Word w of a unit is base + w * step. */
struct content {
	uint64_t base, step;
};

/* Physical memory; what is in no use holds poison ^ w in word w. */
struct frame {
	uint64_t pa, poison;
	bool used;
};

struct pool {
	struct frame frame[512];
	unsigned int count;
	uint64_t bytes;
};

struct object {
	unsigned int context, units, frames;
	struct pool *pool;
	uint64_t va;
	struct frame *frame[SMALL_MAX];
	struct content content[UNITS_MAX];	/* when all that was pushed is done */
};

struct queue {
	unsigned int id, context, doorbell;
	uint8_t *own;
	uint64_t own_va, write, batches;
	uint32_t script;			/* bytes of it used by the batch */
	uint64_t since_barrier;		/* objects that packets behind the last barrier use */
	struct object object[OBJECTS];
	struct content back[BACK_UNITS];
	unsigned int backs;
};

extern struct dev_host moves_host;
extern uint64_t moves_roots[MOVER + 1];
extern struct queue moves_queues[QUEUES + 1];

/* --- moves_memory.c -------------------------------------------------------------------------- */

extern struct pool moves_small, moves_large;

uint64_t moves_below(uint64_t *state, uint64_t n);
/* Fills the pools; @state: random numbers. */
void moves_memory_create(uint64_t *state);
uint64_t *moves_words(uint64_t pa);
/* A free one that holds its poison; aborts else. From any thread, as is the other. */
struct frame *moves_frame_take(struct pool *pool, uint64_t *state);
void moves_frame_free(struct pool *pool, struct frame *frame, uint64_t *state);
void moves_object_create(struct object *o, unsigned int context, unsigned int index, bool is_large,
			 uint64_t *state);
uint64_t *moves_unit(const struct object *o, unsigned int unit);
/* Frame @i of the object lies at @pa; @prot 0: nowhere. */
void moves_map(const struct object *o, unsigned int i, uint64_t pa, uint64_t prot);
/* All of a queue's objects hold what its packets, which are done, made of them; none moves now. */
void moves_check_objects(const struct queue *q);
void moves_check_unit(const char *what, const struct queue *q, unsigned int object,
		      unsigned int unit, const uint64_t *words, const struct content *content);

/* --- moves_work.c ---------------------------------------------------------------------------- */

uint64_t moves_value_va(const struct queue *q);
void moves_push(struct queue *q, const struct gaon_packet *pkt);
/* Until the queue's value is there; aborts if it never comes. */
void moves_wait(const struct queue *q, uint64_t value);
/* Random packets, a copy of one object to memory that never moves, and the number of the batch. */
void moves_push_batch(struct queue *q, uint64_t *state);
void moves_check_back(const struct queue *q);

#endif
