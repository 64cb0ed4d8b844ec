// SPDX-License-Identifier: MIT
/* A device for tests of its engines: memory, page tables, slots. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine_lib.h"

__asm__(".section .rodata\n.balign 16\n.globl engine_image\nengine_image:\n"
	".incbin \"" ENGINE_KERNELS "\"\n.globl engine_image_end\nengine_image_end:\n.previous\n");
extern const uint8_t engine_image[], engine_image_end[];

#define RW	(GAON_PTE_R | GAON_PTE_W)
#define RUN_UNTIL_INSTRUCTIONS	300000000u

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "engine_lib: %s\n", what);
	abort();
}

/* --- host operations ------------------------------------------------------------------------- */

static uint8_t *dma_map(void *ctx, uint64_t iova, uint64_t *len, bool write)
{
	struct engine *e = ctx;

	(void)write;
	if (iova >= HOST_BYTES)
		return NULL;
	if (*len > HOST_BYTES - iova)
		*len = HOST_BYTES - iova;
	return e->host + iova;
}

/* As a bus moves it: whole words in one piece, of memory that others look at meanwhile. */
static void move(void *to, const void *from, size_t bytes)
{
	size_t at = 0;

	if (!(((uintptr_t)to | (uintptr_t)from) & 7)) {
		for (; at + 8 <= bytes; at += 8)
			__atomic_store_n((uint64_t *)(void *)((uint8_t *)to + at),
					 __atomic_load_n((const uint64_t *)(const void *)
							 ((const uint8_t *)from + at), __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
	}
	memcpy((uint8_t *)to + at, (const uint8_t *)from + at, bytes - at);
}

/* GAON_TEST_REMOTE: the same memory without pointers. */
static int dma_read(void *ctx, uint64_t iova, void *data, size_t bytes)
{
	uint64_t len = bytes;
	uint8_t *host = dma_map(ctx, iova, &len, false);

	if (!host || len != bytes)
		return -EFAULT;
	move(data, host, bytes);
	return 0;
}

static int dma_write(void *ctx, uint64_t iova, const void *data, size_t bytes)
{
	uint64_t len = bytes;
	uint8_t *host = dma_map(ctx, iova, &len, true);

	if (!host || len != bytes)
		return -EFAULT;
	move(host, data, bytes);
	return 0;
}

static void interrupt(void *ctx, unsigned int vector)
{
	struct engine *e = ctx;

	(void)vector;
	atomic_fetch_add(&e->interrupts, 1);
}

static uint64_t clock_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- the lock -------------------------------------------------------------------------------- */

void engine_lock(struct engine *e)
{
	sim_run_lock(e->sim);
}

void engine_unlock(struct engine *e)
{
	sim_unlock(e->sim);
}

/* --- page tables ----------------------------------------------------------------------------- */

static uint64_t *table_at(struct engine *e, uint64_t pa)
{
	return (uint64_t *)(void *)(e->sim->hbm + pa);
}

static uint64_t new_table(struct engine *e)
{
	uint64_t pa = e->next_table;

	e->next_table += GAON_PT_SIZE;
	check(e->next_table <= PA_CODE, "out of table space");
	memset(table_at(e, pa), 0, GAON_PT_SIZE);
	return pa;
}

void engine_map(struct engine *e, uint32_t context, uint64_t va, uint64_t pa, uint64_t bytes,
		uint64_t prot, uint64_t leaf)
{
	unsigned int last = leaf == GAON_PAGE_SIZE ? 0 : leaf == GAON_HUGE_SIZE ? 1 : 2;

	for (uint64_t at = 0; at < bytes; at += leaf) {
		uint64_t *table = table_at(e, e->roots[context]);

		for (unsigned int level = 3; level > last; level--) {
			uint64_t *pte = &table[gaon_pt_index(va + at, level)];

			if (!*pte)
				*pte = gaon_pte_table(new_table(e));
			table = table_at(e, gaon_pte_pa(*pte));
		}
		table[gaon_pt_index(va + at, last)] =
			prot ? gaon_pte_leaf(pa + at, prot) : 0;
	}
}

void engine_context(struct engine *e, uint32_t context, bool like_first)
{
	struct sim_context *ctx = &e->sim->contexts[context];

	engine_lock(e);
	if (!e->roots[context])
		e->roots[context] = new_table(e);
	if (like_first) {
		engine_map(e, context, VA_CODE, PA_CODE, 1 << 16,
			   GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, GAON_PAGE_SIZE);
		engine_map(e, context, VA_HBM, PA_HBM, HBM_BYTES, RW | GAON_PTE_U, GAON_HUGE_SIZE);
		engine_map(e, context, VA_HOST, GAON_PA_HOST, HOST_BYTES, RW | GAON_PTE_U,
			   GAON_PAGE_SIZE);
		engine_map(e, context, VA_RO, PA_RO, GAON_PAGE_SIZE, GAON_PTE_R | GAON_PTE_U,
			   GAON_PAGE_SIZE);
		engine_map(e, context, VA_KERNEL, PA_KERNEL, KERNEL_BYTES, RW, GAON_HUGE_SIZE);
	}
	ctx->enabled = true;
	ctx->id = context;
	ctx->asid = (uint16_t)context;
	ctx->root_pa = e->roots[context];
	ctx->print_va = 0x123450 + context;
	ctx->epoch++;
	atomic_fetch_add(&ctx->tlb_gen, 1);
	engine_unlock(e);
}

/* --- queues ---------------------------------------------------------------------------------- */

uint32_t engine_slot_command(struct engine *e, uint32_t slot, uint32_t command)
{
	struct sim_slot_fields f = { .index = slot };
	uint32_t result;

	engine_lock(e);
	sim_slot_command(e->sim, GAON_SLOT_CMD_READ, &f);
	f.index = slot;
	result = sim_slot_command(e->sim, command, &f);
	engine_unlock(e);
	return result;
}

struct engine_queue *engine_queue(struct engine *e, uint32_t slot, uint32_t kind, uint32_t context,
				  bool save, uint64_t limit)
{
	struct engine_queue *q = &e->queue[slot];
	uint64_t ring = slot * (64ull * RING_PACKETS), state = (4ull << 20) + slot * 64;
	uint64_t base = kind == GAON_QUEUE_KIND_KERNEL ? VA_KERNEL : VA_HOST;
	uint8_t *memory = kind == GAON_QUEUE_KIND_KERNEL ? e->sim->hbm + PA_KERNEL : e->host;
	struct sim_slot_fields f = {
		.index = slot, .queue = slot, .context = context, .kind = kind, .priority = 1,
		.log2 = SLOT_RING_LOG2, .ring_va = base + ring, .state_va = base + state,
		.save_va = save ? VA_KERNEL + (8ull << 20) + (slot & 1) * SAVE_SLOT_BYTES : 0,
		.slice = 1000000, .limit = limit,
	};
	uint32_t result;

	q->slot = slot;
	q->context = context;
	q->kind = kind;
	q->ring = (struct gaon_packet *)(void *)(memory + ring);
	q->state = (struct gaon_queue_state *)(void *)(memory + state);
	memset(q->state, 0, sizeof(*q->state));
	q->write = 0;
	engine_lock(e);
	result = sim_slot_command(e->sim, GAON_SLOT_CMD_LOAD, &f);
	engine_unlock(e);
	check(!result, "slot not loaded");
	return q;
}

bool engine_preempt(struct engine *e, struct engine_queue *q, uint32_t to)
{
	struct sim_slot_fields f = { .index = q->slot };
	uint32_t result;

	if (engine_slot_command(e, q->slot, GAON_SLOT_CMD_STOP))
		return false;
	while (engine_status(e, q) == GAON_SLOT_STOPPING)
		gaon_sim_run(e->sim, NULL, 0, 100000);
	if (engine_status(e, q) != GAON_SLOT_STOPPED)
		return false;
	engine_lock(e);
	sim_slot_command(e->sim, GAON_SLOT_CMD_READ, &f);
	result = sim_slot_command(e->sim, GAON_SLOT_CMD_UNLOAD, &f);
	f.index = q->slot = to;
	if (!result)
		result = sim_slot_command(e->sim, GAON_SLOT_CMD_LOAD, &f);
	engine_unlock(e);
	check(!result, "slot not moved");
	return true;
}

void engine_push(struct engine *e, struct engine_queue *q, const struct gaon_packet *pkt)
{
	(void)e;
	q->ring[q->write & (RING_PACKETS - 1)] = *pkt;
	q->write++;
	__atomic_store_n(&q->state->write, q->write, __ATOMIC_RELEASE);
}

void engine_ring(struct engine *e, struct engine_queue *q)
{
	engine_lock(e);
	sim_slot_wake(e->sim, &e->sim->slots[q->slot]);
	sim_run_kick(e->sim);
	engine_unlock(e);
}

void engine_run(struct engine *e)
{
	gaon_sim_run(e->sim, NULL, 0, 0);
}

uint32_t engine_status(struct engine *e, const struct engine_queue *q)
{
	uint32_t status;

	engine_lock(e);
	status = e->sim->slots[q->slot].status;
	engine_unlock(e);
	return status;
}

uint64_t engine_progress(struct engine *e)
{
	const struct gaon_telemetry *t = &e->sim->tele;
	uint64_t sum;

	engine_lock(e);
	sum = t->packets + t->instructions + t->hbm_read + t->hbm_write + t->host_read + t->host_write;
	engine_unlock(e);
	return sum;
}

void engine_steps(struct engine *e, unsigned int jobs)
{
	while (jobs--) {
		struct sim_job *job;

		engine_lock(e);
		sim_slots_service(e->sim);
		job = sim_job_take(e->sim);
		engine_unlock(e);
		if (!job)
			return;
		sim_job_run(e->sim, job);
		engine_lock(e);
		sim_job_retire(e->sim, job);
		engine_unlock(e);
	}
}

static uint64_t instructions(struct engine *e)
{
	uint64_t count;

	engine_lock(e);
	count = e->sim->tele.instructions;
	engine_unlock(e);
	return count;
}

/* Counted in what the device does: the host may have little time for it. */
bool engine_run_until(struct engine *e, const volatile uint64_t *watch, uint64_t target)
{
	uint64_t end = instructions(e) + RUN_UNTIL_INSTRUCTIONS;
	bool busy = true;

	while (busy && __atomic_load_n((const uint64_t *)(uintptr_t)watch, __ATOMIC_ACQUIRE) < target &&
	       instructions(e) < end)
		busy = gaon_sim_run(e->sim, watch, target, 1000000);
	return __atomic_load_n((const uint64_t *)(uintptr_t)watch, __ATOMIC_ACQUIRE) >= target;
}

uint16_t engine_do(struct engine *e, struct engine_queue *q, const struct gaon_packet *pkt)
{
	engine_push(e, q, pkt);
	engine_ring(e, q);
	engine_run(e);
	return engine_status(e, q) == GAON_SLOT_FAULTED ?
	       e->sim->slots[q->slot].fault.type : GAON_FAULT_NONE;
}

void engine_clear(struct engine *e, struct engine_queue *q)
{
	check(!engine_slot_command(e, q->slot, GAON_SLOT_CMD_CLEAR), "slot not cleared");
	engine_run(e);
}

struct gaon_packet engine_launch(uint64_t entry, uint64_t args, uint32_t x, uint32_t y, uint32_t z)
{
	return (struct gaon_packet){
		.type = GAON_PKT_LAUNCH, .tag = 77,
		.launch = { .entry_va = entry, .args_va = args, .grid = { x, y, z },
			    .spm_bytes = 65536, .stack_bytes = 8192 },
	};
}

/* --- life ------------------------------------------------------------------------------------ */

struct engine *engine_create(const struct gaon_sim_config *given)
{
	struct gaon_sim_host_ops ops = {
		.dma_map = dma_map, .interrupt = interrupt, .clock_ns = clock_ns,
	};
	struct gaon_sim_config config = { .size = sizeof(config), .threads = 1 };
	struct engine *e = calloc(1, sizeof(*e));
	uint16_t command = 6;

	if (getenv("GAON_TEST_REMOTE")) {
		ops.dma_map = NULL;
		ops.dma_read = dma_read;
		ops.dma_write = dma_write;
	}
	check(e, "out of memory");
	if (given)
		config = *given;
	config.size = sizeof(config);
	config.hbm_bytes = DEVICE_HBM;
	e->host = mmap(NULL, HOST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(e->host != MAP_FAILED, "out of memory");
	e->sim = gaon_sim_create(&config, &ops, e);
	check(e->sim, "no device");
	gaon_sim_config_write(e->sim, 4, &command, 2);
	e->next_table = PA_TABLES;
	memcpy(e->sim->hbm + PA_CODE, engine_image, (size_t)(engine_image_end - engine_image));
	engine_context(e, 1, true);
	return e;
}

void engine_destroy(struct engine *e)
{
	gaon_sim_destroy(e->sim);
	munmap(e->host, HOST_BYTES);
	free(e);
}

uint64_t engine_seed(void)
{
	const char *env = getenv("GAON_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;

	fprintf(stderr, "GAON_SEED=%llu\n", (unsigned long long)seed);
	return seed | 1;
}

uint64_t engine_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull;
}
