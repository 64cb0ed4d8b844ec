/* SPDX-License-Identifier: MIT */
/*
 * A device for tests of its engines: no firmware, the test itself loads slots and page tables.
 */
#ifndef GAON_TESTS_ENGINE_LIB_H
#define GAON_TESTS_ENGINE_LIB_H

#include <dev/devside.h>
#include "engine_symbols.h"

#define VA_CODE		0x10000000ull	/* R X, HBM */
#define VA_HBM		0x20000000ull	/* R W, HBM, 2 MiB leaves */
#define HBM_BYTES	(256ull << 20)
#define VA_HOST		0x40000000ull	/* R W, host memory, 4 KiB leaves */
#define HOST_BYTES	(160ull << 20)
#define VA_RO		0x60000000ull	/* R, one HBM page */
#define VA_NX		0x61000000ull	/* nothing is mapped here */
#define VA_KERNEL	0xffff800000000000ull	/* R W, HBM, upper half */
#define KERNEL_BYTES	(64ull << 20)
#define PA_TABLES	(1ull << 20)
#define PA_CODE		(16ull << 20)
#define PA_RO		(17ull << 20)
#define PA_HBM		(64ull << 20)
#define PA_KERNEL	(384ull << 20)
#define DEVICE_HBM	(512ull << 20)

#define SLOT_RING_LOG2	10
#define RING_PACKETS	(1u << SLOT_RING_LOG2)
#define HOST_SCRATCH	(8ull << 20)	/* offset in host memory that tests may use from */
#define SAVE_SLOT_BYTES	(20ull << 20)

struct engine_queue {
	uint32_t slot, context, kind;
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint64_t write;
};

struct engine {
	struct gaon_sim *sim;
	uint8_t *host;
	uint64_t next_table;
	uint64_t roots[8];
	struct engine_queue queue[SIM_SLOTS_MAX];
	_Atomic unsigned int interrupts;
};

/* @config may be NULL. The context 1 is mapped as above; aborts on failure. */
struct engine *engine_create(const struct gaon_sim_config *config);
void engine_destroy(struct engine *e);
/* As one who runs the device: not while one of its threads waits for the host in the middle of that. */
void engine_lock(struct engine *e);
void engine_unlock(struct engine *e);
void engine_map(struct engine *e, uint32_t context, uint64_t va, uint64_t pa, uint64_t bytes,
		uint64_t prot, uint64_t leaf);
/* A context with everything mapped as in context 1, if @like_first. */
void engine_context(struct engine *e, uint32_t context, bool like_first);
/* Load a queue with id = slot into a slot. */
struct engine_queue *engine_queue(struct engine *e, uint32_t slot, uint32_t kind, uint32_t context,
				  bool save, uint64_t limit);
/*
 * Stop, wait until it has stopped, unload, load into slot @to (may be the same), run.
 * False: faulted, or done before.
 */
bool engine_preempt(struct engine *e, struct engine_queue *q, uint32_t to);
uint32_t engine_slot_command(struct engine *e, uint32_t slot, uint32_t command);
void engine_push(struct engine *e, struct engine_queue *q, const struct gaon_packet *pkt);
void engine_ring(struct engine *e, struct engine_queue *q);
void engine_run(struct engine *e);	/* until idle */
/* Until the value is reached: true; or the device is idle, or has executed far more than it takes. */
bool engine_run_until(struct engine *e, const volatile uint64_t *watch, uint64_t target);
uint32_t engine_status(struct engine *e, const struct engine_queue *q);
/* Grows with whatever the device gets done: packets, instructions, bytes. */
uint64_t engine_progress(struct engine *e);
/* So many jobs at most, on this thread. */
void engine_steps(struct engine *e, unsigned int jobs);
/* Push, ring, run until idle; the slot's fault record type. */
uint16_t engine_do(struct engine *e, struct engine_queue *q, const struct gaon_packet *pkt);
/* After a fault: go on. */
void engine_clear(struct engine *e, struct engine_queue *q);

/* Memory as the test sees it. */
static inline uint8_t *engine_hbm(struct engine *e, uint64_t offset)
{
	return e->sim->hbm + PA_HBM + offset;
}

static inline uint64_t *engine_hbm64(struct engine *e, uint64_t offset)
{
	return (uint64_t *)(void *)engine_hbm(e, offset);
}

static inline uint64_t *engine_host64(struct engine *e, uint64_t offset)
{
	return (uint64_t *)(void *)(e->host + offset);
}

struct gaon_packet engine_launch(uint64_t entry, uint64_t args, uint32_t x, uint32_t y, uint32_t z);

/* Random numbers with a seed that is printed once; GAON_SEED repeats. */
uint64_t engine_seed(void);
uint64_t engine_random(uint64_t *state);

#endif
