/* SPDX-License-Identifier: MIT */
/*
 * A little host for tests of the device: memory that the device reaches, interrupt counts, page
 * tables, the admin rings, a queue.  dev_host.c knows a bus only; dev_sim.c is the host with the model
 * in the same process, through the embedding interface.
 */
#ifndef TESTS_UNIT_DEV_HOST_H
#define TESTS_UNIT_DEV_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_packet.h>
#include <hw/gaon_pte.h>
#include <hw/gaon_regs.h>

#include "../../tools/sim/gaon_sim.h"

#define HOST_BYTES	(64ull << 20)
#define HOST_IOVA	0x40000000ull		/* where the device sees the memory */
#define HOST_PA		(GAON_PA_HOST | HOST_IOVA)

/* How registers are reached; @run waits a moment, until *@watch >= @target if @watch is not NULL. */
struct dev_bus {
	uint64_t (*read)(void *ctx, unsigned int bar, uint64_t offset, unsigned int len);
	void (*write)(void *ctx, unsigned int bar, uint64_t offset, uint64_t value, unsigned int len);
	void (*run)(void *ctx, const volatile uint64_t *watch, uint64_t target);
};

struct dev_host {
	struct gaon_sim *sim;			/* dev_sim.c's */
	const struct dev_bus *bus;
	void *ctx;				/* the bus' */
	uint8_t *mem;
	uint64_t bytes, iova, used;
	_Atomic uint32_t interrupts[GAON_MSIX_VECTORS];
	/* admin rings */
	struct gaon_admin_cmd *sq;
	volatile struct gaon_admin_reply *cq;
	uint32_t log2;
	uint64_t sent;
};

/* A device with defaults of a small one (64 MiB of HBM, one thread) where @config has zeros. */
void dev_host_create(struct dev_host *h, const struct gaon_sim_config *config);
void dev_host_destroy(struct dev_host *h);
/* Memory and bus mastering on, MSI-X on, all vectors unmasked. */
void dev_host_enable(struct dev_host *h);

/* @bytes of zeroed, page-aligned host memory, and its physical address. */
void *dev_host_alloc(struct dev_host *h, uint64_t bytes, uint64_t *pa);
uint64_t dev_host_pa(struct dev_host *h, const void *p);

uint32_t dev_read32(struct dev_host *h, uint64_t reg);
uint64_t dev_read64(struct dev_host *h, uint64_t reg);
void dev_write32(struct dev_host *h, uint64_t reg, uint32_t value);
void dev_write64(struct dev_host *h, uint64_t reg, uint64_t value);

/* Copies @image into host memory, boots it and runs the device until READY or FATAL: STATE. */
uint32_t dev_host_boot(struct dev_host *h, const void *image, uint32_t bytes, uint32_t fw_size);
/* Rings of 2^@log2 entries. */
void dev_host_admin(struct dev_host *h, uint32_t log2);
/* One command; the reply, whose status is returned too. */
uint32_t dev_host_command(struct dev_host *h, const struct gaon_admin_cmd *cmd,
			  struct gaon_admin_reply *reply);

/* An empty root; a leaf of 4 KiB << 9 * @level, taken out with @prot 0. */
uint64_t dev_host_root(struct dev_host *h);
void dev_host_map(struct dev_host *h, uint64_t root, uint64_t va, uint64_t pa, uint64_t prot,
		  unsigned int level);

#define DEV_RING_VA		0x100000ull
#define DEV_STATE_VA	0x200000ull
#define DEV_VALUE_VA	0x201000ull
#define DEV_RING_LOG2	6

/* A queue of context 1, whose ring, state block and value are mapped at these addresses. */
struct dev_queue {
	struct gaon_packet *ring;
	volatile struct gaon_queue_state *state;
	volatile uint64_t *value;
	uint64_t write;
	uint64_t root;		/* page table of the context, to map more */
};

/* Makes context, queue 5 and doorbell 3; dev_host_admin() comes first. */
void dev_host_queue(struct dev_host *h, struct dev_queue *q);
/* Publishes a packet, and rings if the device asks for it. */
void dev_host_push(struct dev_host *h, struct dev_queue *q, const struct gaon_packet *pkt);

/* Says what failed and aborts. */
void dev_host_fail(const char *what) __attribute__((noreturn));

/* Deterministic random numbers; the seed comes from GAON_SEED or the clock, and is printed. */
uint64_t dev_seed(void);
uint64_t dev_random(uint64_t *state);

#endif
