/* SPDX-License-Identifier: MIT */
/*
 * A little host for tests of the device model: memory that the device reaches, interrupt counts,
 * page tables, the admin rings.  What it does, it does through the embedding interface.
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

struct dev_host {
	struct gaon_sim *sim;
	uint8_t *mem;
	uint64_t used;
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

/* An empty root; a leaf of 4 KiB << 9 * @level. */
uint64_t dev_host_root(struct dev_host *h);
void dev_host_map(struct dev_host *h, uint64_t root, uint64_t va, uint64_t pa, uint64_t prot,
		  unsigned int level);

/* Deterministic random numbers; the seed comes from GAON_SEED or the clock, and is printed. */
uint64_t dev_seed(void);
uint64_t dev_random(uint64_t *state);

#endif
