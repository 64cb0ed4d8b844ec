// SPDX-License-Identifier: MIT
/* dev_host.h's host with the model in the same process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dev_host.h"

/* --- callbacks --------------------------------------------------------------------------------- */

static uint8_t *host_dma_map(void *ctx, uint64_t iova, uint64_t *len, bool write)
{
	struct dev_host *h = ctx;
	uint64_t offset = iova - HOST_IOVA;

	(void)write;
	if (offset >= HOST_BYTES)
		return NULL;
	if (*len > HOST_BYTES - offset)
		*len = HOST_BYTES - offset;
	return h->mem + offset;
}

static void host_interrupt(void *ctx, unsigned int vector)
{
	struct dev_host *h = ctx;

	atomic_fetch_add(&h->interrupts[vector], 1);
}

static void host_log(void *ctx, int level, const char *line)
{
	(void)ctx;
	if (getenv("GAON_TEST_LOG"))
		fprintf(stderr, "sim<%d> %s\n", level, line);
}

/* --- the bus ----------------------------------------------------------------------------------- */

static uint64_t sim_read(void *ctx, unsigned int bar, uint64_t offset, unsigned int len)
{
	struct dev_host *h = ctx;

	return gaon_sim_bar_read(h->sim, bar, offset, len);
}

static void sim_write(void *ctx, unsigned int bar, uint64_t offset, uint64_t value, unsigned int len)
{
	struct dev_host *h = ctx;

	gaon_sim_bar_write(h->sim, bar, offset, value, len);
}

static void sim_run(void *ctx, const volatile uint64_t *watch, uint64_t target)
{
	struct dev_host *h = ctx;

	gaon_sim_run(h->sim, watch, target, 1000000);
}

static const struct dev_bus sim_bus = { .read = sim_read, .write = sim_write, .run = sim_run };

/* --- life -------------------------------------------------------------------------------------- */

void dev_host_create(struct dev_host *h, const struct gaon_sim_config *config)
{
	struct gaon_sim_config c = { .size = sizeof(c) };
	struct gaon_sim_host_ops ops = {
		.dma_map = host_dma_map, .interrupt = host_interrupt, .log = host_log,
	};

	memset(h, 0, sizeof(*h));
	h->bus = &sim_bus;
	h->ctx = h;
	h->bytes = HOST_BYTES;
	h->iova = HOST_IOVA;
	if (config)
		c = *config;
	c.size = sizeof(c);
	if (!c.hbm_bytes)
		c.hbm_bytes = 64ull << 20;
	if (!c.threads)
		c.threads = 1;
	h->mem = mmap(NULL, HOST_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->mem == MAP_FAILED)
		dev_host_fail("no memory");
	h->sim = gaon_sim_create(&c, &ops, h);
	if (!h->sim)
		dev_host_fail("gaon_sim_create failed");
	dev_host_enable(h);
}

void dev_host_enable(struct dev_host *h)
{
	uint16_t command = 0x0006, control = 0x8000;

	gaon_sim_config_write(h->sim, 0x04, &command, 2);
	gaon_sim_config_write(h->sim, 0x52, &control, 2);
	for (unsigned int i = 0; i < GAON_MSIX_VECTORS; i++)
		gaon_sim_bar_write(h->sim, 0, GAON_MSIX_TABLE + 16 * i + 12, 0, 4);
}

void dev_host_destroy(struct dev_host *h)
{
	gaon_sim_destroy(h->sim);
	munmap(h->mem, HOST_BYTES);
	memset(h, 0, sizeof(*h));
}
