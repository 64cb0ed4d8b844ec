/* SPDX-License-Identifier: MIT */
/*
 * Random calls of the driver by processes without privileges, beside a client whose work must come
 * out right.
 *
 * main.c forks workers, kills them, and looks afterwards whether anything was left behind; world.c
 * is what a worker has; calls.c makes the calls, mutate.c spoils their arguments; good.c is the client.
 */
#ifndef GAON_TESTS_UAPI_FUZZ_H
#define GAON_TESTS_UAPI_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../queue_lib.h"

/* --- chance -------------------------------------------------------------------------------------- */

struct fuzz_rng {
	uint64_t state;
};

/* A stream of its own for every @stream of a @seed. */
struct fuzz_rng fuzz_rng_make(uint64_t seed, uint64_t stream);
uint64_t fuzz_next(struct fuzz_rng *rng);
/* 0 to @n - 1. */
uint32_t fuzz_below(struct fuzz_rng *rng, uint32_t n);
/* True once in @n times. */
bool fuzz_chance(struct fuzz_rng *rng, uint32_t n);
/* Values at which code goes wrong. */
uint64_t fuzz_extreme(struct fuzz_rng *rng);

/* --- what all processes share --------------------------------------------------------------------- */

#define FUZZ_CALLS	40
#define FUZZ_TEXT	160

struct fuzz_shared {
	_Atomic bool stop;
	_Atomic uint64_t tried[FUZZ_CALLS];
	_Atomic uint64_t worked[FUZZ_CALLS];
	_Atomic uint64_t strange;		/* errors that the interface does not have */
	char strange_text[FUZZ_TEXT];		/* one of them */
	_Atomic uint64_t good_rounds;
	_Atomic uint64_t good_wrong;
	char good_text[FUZZ_TEXT];		/* what the good client has to say */
};

/* --- a worker ------------------------------------------------------------------------------------- */

#define FUZZ_FILES	4
#define FUZZ_BOS	32
#define FUZZ_VMS	8
#define FUZZ_QUEUES	16
#define FUZZ_SYNCS	8
#define FUZZ_SLOTS	24			/* of the arena for mappings */
#define FUZZ_SLOT_BYTES	(1ull << 21)

/*
 * Handles are kept without a lock: threads use each other's while they are destroyed, and after.
 * The arena is address space that nothing else uses, so that a mapping that goes away under a
 * thread's hands is never somebody's heap.
 */
struct fuzz_world {
	struct fuzz_shared *shared;
	_Atomic int file[FUZZ_FILES];
	_Atomic uint32_t bo[FUZZ_BOS];
	_Atomic uint32_t vm[FUZZ_VMS];
	_Atomic uint32_t queue[FUZZ_QUEUES];
	_Atomic uint32_t sync[FUZZ_SYNCS];
	_Atomic uint64_t doorbell;		/* offset of one's own doorbells, or 0 */
	uint8_t *arena;
	uint8_t *edge;				/* the last 512 bytes before what is not mapped */
	int scratch;				/* a memory file: copies by system calls raise no signal */
};

void fuzz_world_init(struct fuzz_world *world, struct fuzz_shared *shared);
/* Threads that make calls until they are told to stop, or die. Never returns. */
void fuzz_world_run(struct fuzz_world *world, uint64_t seed, uint64_t stream, unsigned int threads)
	__attribute__((noreturn));

int fuzz_file(struct fuzz_world *world, struct fuzz_rng *rng);
uint8_t *fuzz_slot(struct fuzz_world *world, struct fuzz_rng *rng);
/* A device address of the few that are used, or any. */
uint64_t fuzz_va(struct fuzz_rng *rng);
/* A handle out of @pool, seldom any number. */
uint32_t fuzz_handle(struct fuzz_rng *rng, const _Atomic uint32_t *pool, unsigned int count);
void fuzz_keep(struct fuzz_rng *rng, _Atomic uint32_t *pool, unsigned int count, uint32_t handle);

/* --- calls ---------------------------------------------------------------------------------------- */

/* One call, of any kind. */
void fuzz_call(struct fuzz_world *world, struct fuzz_rng *rng);
/* Names of the kinds; NULL behind the last. */
const char *fuzz_call_name(unsigned int kind);
/* A kind that need not have worked once. */
bool fuzz_call_may_fail(unsigned int kind);

/* The ioctl with its argument as it is, or spoilt; 0 or an errno, which is checked. */
int fuzz_ioctl(struct fuzz_world *world, struct fuzz_rng *rng, int fd, unsigned long request, void *arg);
/* A packet that is right, nearly right or nonsense. */
struct gaon_packet fuzz_packet(struct fuzz_rng *rng);

/* --- the good client ------------------------------------------------------------------------------ */

/*
 * Copies random data to the card and back, through both kinds of queues, and compares, until
 * @shared says stop. Exit status of its process: 0 if all was right.
 */
int fuzz_good(struct fuzz_shared *shared, uint64_t seed);

#endif
