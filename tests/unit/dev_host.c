// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dev_host.h"
#include "../splitmix.h"

void dev_host_fail(const char *what)
{
	fprintf(stderr, "dev_host: %s\n", what);
	abort();
}

void *dev_host_alloc(struct dev_host *h, uint64_t bytes, uint64_t *pa)
{
	uint8_t *p = h->mem + h->used;

	bytes = (bytes + 4095) & ~4095ull;
	if (bytes > h->bytes - h->used)
		dev_host_fail("host memory exhausted");
	h->used += bytes;
	if (pa)
		*pa = dev_host_pa(h, p);
	return p;
}

uint64_t dev_host_pa(struct dev_host *h, const void *p)
{
	return GAON_PA_HOST | (h->iova + (uint64_t)((const uint8_t *)p - h->mem));
}

/* --- registers --------------------------------------------------------------------------------- */

uint32_t dev_read32(struct dev_host *h, uint64_t reg)
{
	return h->bus->read(h->ctx, GAON_BAR_REGS, reg, 4);
}

uint64_t dev_read64(struct dev_host *h, uint64_t reg)
{
	return h->bus->read(h->ctx, GAON_BAR_REGS, reg, 8);
}

void dev_write32(struct dev_host *h, uint64_t reg, uint32_t value)
{
	h->bus->write(h->ctx, GAON_BAR_REGS, reg, value, 4);
}

void dev_write64(struct dev_host *h, uint64_t reg, uint64_t value)
{
	h->bus->write(h->ctx, GAON_BAR_REGS, reg, value, 8);
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
		h->bus->run(h->ctx, NULL, 0);
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
			dev_host_fail("admin command not answered");
		h->bus->run(h->ctx, &h->cq[index].valid, want);
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
		uint8_t *at = h->mem + (table - dev_host_pa(h, h->mem));
		uint64_t *pte = (uint64_t *)at + gaon_pt_index(va, l);

		if (l == level) {
			__atomic_store_n(pte, prot ? gaon_pte_leaf(pa, prot) : 0, __ATOMIC_RELEASE);
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

/* --- a queue, through the firmware ---------------------------------------------------------------- */

void dev_host_queue(struct dev_host *h, struct dev_queue *q)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_CONTEXT_CREATE };
	uint64_t root = q->root = dev_host_root(h);
	uint64_t prot = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U;
	uint64_t ring, state, value;

	q->ring = dev_host_alloc(h, 4096, &ring);
	q->state = dev_host_alloc(h, 4096, &state);
	q->value = dev_host_alloc(h, 4096, &value);
	q->write = 0;
	dev_host_map(h, root, DEV_RING_VA, ring, prot, 0);
	dev_host_map(h, root, DEV_STATE_VA, state, prot, 0);
	dev_host_map(h, root, DEV_VALUE_VA, value, prot, 0);

	cmd.context.context = 1;
	cmd.context.asid = 7;
	cmd.context.root_pa = root;
	if (dev_host_command(h, &cmd, NULL) != GAON_ADMIN_OK)
		dev_host_fail("no context or no queue");
	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = GAON_ADMIN_QUEUE_CREATE;
	cmd.queue.queue = 5;
	cmd.queue.context = 1;
	cmd.queue.doorbell = 3;
	cmd.queue.priority = GAON_PRIORITY_NORMAL;
	cmd.queue.ring_log2 = DEV_RING_LOG2;
	cmd.queue.ring_va = DEV_RING_VA;
	cmd.queue.state_va = DEV_STATE_VA;
	if (dev_host_command(h, &cmd, NULL) != GAON_ADMIN_OK)
		dev_host_fail("no context or no queue");
}

void dev_host_push(struct dev_host *h, struct dev_queue *q, const struct gaon_packet *pkt)
{
	uint64_t old = q->write++;

	q->ring[old & ((1u << DEV_RING_LOG2) - 1)] = *pkt;
	__atomic_store_n(&q->state->write, q->write, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gaon_doorbell_due(old, q->write, __atomic_load_n(&q->state->event_idx, __ATOMIC_RELAXED)))
		h->bus->write(h->ctx, GAON_BAR_DOORBELL, 1 * GAON_DOORBELL_STRIDE + 8 * 3, 0, 4);
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
	return splitmix64_next(state);
}
