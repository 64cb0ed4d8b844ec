// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "dev_host.h"

static void host_fail(const char *what)
{
	fprintf(stderr, "dev_host: %s\n", what);
	abort();
}

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

/* --- life -------------------------------------------------------------------------------------- */

void dev_host_create(struct dev_host *h, const struct gaon_sim_config *config)
{
	struct gaon_sim_config c = { .size = sizeof(c) };
	struct gaon_sim_host_ops ops = {
		.dma_map = host_dma_map, .interrupt = host_interrupt, .log = host_log,
	};

	memset(h, 0, sizeof(*h));
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
		host_fail("no memory");
	h->sim = gaon_sim_create(&c, &ops, h);
	if (!h->sim)
		host_fail("gaon_sim_create failed");
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

void *dev_host_alloc(struct dev_host *h, uint64_t bytes, uint64_t *pa)
{
	uint8_t *p = h->mem + h->used;

	bytes = (bytes + 4095) & ~4095ull;
	if (bytes > HOST_BYTES - h->used)
		host_fail("host memory exhausted");
	h->used += bytes;
	if (pa)
		*pa = dev_host_pa(h, p);
	return p;
}

uint64_t dev_host_pa(struct dev_host *h, const void *p)
{
	return HOST_PA + (uint64_t)((const uint8_t *)p - h->mem);
}

/* --- registers --------------------------------------------------------------------------------- */

uint32_t dev_read32(struct dev_host *h, uint64_t reg)
{
	return gaon_sim_bar_read(h->sim, GAON_BAR_REGS, reg, 4);
}

uint64_t dev_read64(struct dev_host *h, uint64_t reg)
{
	return gaon_sim_bar_read(h->sim, GAON_BAR_REGS, reg, 8);
}

void dev_write32(struct dev_host *h, uint64_t reg, uint32_t value)
{
	gaon_sim_bar_write(h->sim, GAON_BAR_REGS, reg, value, 4);
}

void dev_write64(struct dev_host *h, uint64_t reg, uint64_t value)
{
	gaon_sim_bar_write(h->sim, GAON_BAR_REGS, reg, value, 8);
}

/* --- boot and admin ------------------------------------------------------------------------------ */

static uint64_t host_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint32_t dev_host_boot(struct dev_host *h, const void *image, uint32_t bytes, uint32_t fw_size)
{
	uint64_t end = host_now_ms() + 10000;
	uint32_t state;
	uint64_t pa;
	void *copy = dev_host_alloc(h, bytes ? bytes : 1, &pa);

	memcpy(copy, image, bytes);
	dev_write64(h, GAON_REG_FW_ADDR, pa);
	dev_write32(h, GAON_REG_FW_SIZE, fw_size);
	dev_write32(h, GAON_REG_BOOT, GAON_BOOT_GO);
	do {
		gaon_sim_run(h->sim, NULL, 0, 1000000);
		state = dev_read32(h, GAON_REG_STATE);
	} while (state < GAON_STATE_READY && host_now_ms() < end);
	return state;
}

void dev_host_admin(struct dev_host *h, uint32_t log2)
{
	uint64_t sq, cq, st;

	h->sq = dev_host_alloc(h, sizeof(*h->sq) << log2, &sq);
	h->cq = dev_host_alloc(h, sizeof(*h->cq) << log2, &cq);
	dev_host_alloc(h, sizeof(struct gaon_admin_state), &st);
	h->log2 = log2;
	h->sent = 0;
	dev_write64(h, GAON_REG_ADMIN_SQ, sq);
	dev_write64(h, GAON_REG_ADMIN_CQ, cq);
	dev_write64(h, GAON_REG_ADMIN_STATE, st);
	dev_write32(h, GAON_REG_ADMIN_LOG2, log2);
	dev_write32(h, GAON_REG_ADMIN_ENABLE, 1);
}

uint32_t dev_host_command(struct dev_host *h, const struct gaon_admin_cmd *cmd,
			  struct gaon_admin_reply *reply)
{
	uint32_t index = h->sent & ((1u << h->log2) - 1);
	uint64_t end = host_now_ms() + 10000;
	uint64_t want = ++h->sent;

	h->sq[index] = *cmd;
	atomic_thread_fence(memory_order_seq_cst);
	dev_write32(h, GAON_REG_ADMIN_TAIL, want);
	while (__atomic_load_n(&h->cq[index].valid, __ATOMIC_ACQUIRE) != want) {
		if (host_now_ms() > end)
			host_fail("admin command not answered");
		gaon_sim_run(h->sim, &h->cq[index].valid, want, 1000000);
	}
	if (reply)
		memcpy(reply, (const void *)&h->cq[index], sizeof(*reply));
	return h->cq[index].status;
}

/* --- page tables --------------------------------------------------------------------------------- */

uint64_t dev_host_root(struct dev_host *h)
{
	uint64_t pa;

	dev_host_alloc(h, GAON_PT_SIZE, &pa);
	return pa;
}

void dev_host_map(struct dev_host *h, uint64_t root, uint64_t va, uint64_t pa, uint64_t prot,
		  unsigned int level)
{
	uint64_t table = root;

	for (unsigned int l = GAON_PT_LEVELS - 1;; l--) {
		uint64_t *pte = (uint64_t *)(h->mem + (table - HOST_PA)) + gaon_pt_index(va, l);

		if (l == level) {
			__atomic_store_n(pte, gaon_pte_leaf(pa, prot), __ATOMIC_RELEASE);
			return;
		}
		if (!*pte) {
			uint64_t next;

			dev_host_alloc(h, GAON_PT_SIZE, &next);
			__atomic_store_n(pte, gaon_pte_table(next), __ATOMIC_RELEASE);
		}
		table = gaon_pte_pa(*pte);
	}
}

/* --- random numbers ------------------------------------------------------------------------------ */

uint64_t dev_seed(void)
{
	const char *text = getenv("GAON_SEED");
	struct timespec ts;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &ts);
	seed = text ? strtoull(text, NULL, 0) : (uint64_t)ts.tv_nsec ^ (uint64_t)ts.tv_sec << 20;
	printf("GAON_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t dev_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}
