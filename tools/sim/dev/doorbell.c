// SPDX-License-Identifier: MIT
/*
 * Doorbells: which queue a doorbell belongs to, the flags that host threads set without a lock,
 * and the FIFO of queues that rang while in no slot.
 *
 * A ring sets the queue's bit, then its word's bit in the summary; the run loop exchanges the
 * summary first and the words next, so a bit is never lost, and ringing again costs a load.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devside.h"

#define NO_SLOT	0xffu

int sim_doorbells_create(struct gaon_sim *sim)
{
	sim->doorbells = calloc(1, sizeof(*sim->doorbells));
	if (!sim->doorbells)
		return -ENOMEM;
	memset(sim->doorbells->slot, NO_SLOT, sizeof(sim->doorbells->slot));
	return 0;
}

void sim_doorbells_destroy(struct gaon_sim *sim)
{
	if (!sim->doorbells)
		return;
	for (unsigned int i = 0; i < GAON_CONTEXTS; i++)
		free((void *)atomic_load(&sim->doorbells->map[i]));
	free(sim->doorbells);
	sim->doorbells = NULL;
}

/* The page of a context; made at the first use, kept to the end because ringers hold no lock. */
static _Atomic uint16_t *doorbell_page(struct gaon_sim *sim, uint32_t context)
{
	_Atomic uint16_t *page = atomic_load(&sim->doorbells->map[context]);

	if (page)
		return page;
	page = malloc(GAON_DOORBELLS * sizeof(*page));
	if (!page)
		return NULL;
	for (unsigned int i = 0; i < GAON_DOORBELLS; i++)
		atomic_init(&page[i], SIM_DB_NONE);
	atomic_store(&sim->doorbells->map[context], page);
	return page;
}

static void doorbell_unpend(struct sim_doorbells *d, uint32_t queue)
{
	uint64_t bit = 1ull << queue % 64;
	uint32_t kept = 0;

	if (!(d->pend_bits[queue / 64] & bit))
		return;
	d->pend_bits[queue / 64] &= ~bit;
	for (uint32_t i = 0; i < d->pend_count; i++) {
		uint16_t q = d->pendq[(d->pend_head + i) % GAON_QUEUES];

		if (q != queue)
			d->pendq[(d->pend_head + kept++) % GAON_QUEUES] = q;
	}
	d->pend_count = kept;
}

static void doorbell_pend(struct sim_doorbells *d, uint32_t queue)
{
	uint64_t bit = 1ull << queue % 64;

	if (d->pend_bits[queue / 64] & bit)
		return;
	d->pend_bits[queue / 64] |= bit;
	d->pendq[(d->pend_head + d->pend_count++) % GAON_QUEUES] = queue;
}

uint32_t sim_doorbell_pend_pop(struct gaon_sim *sim)
{
	struct sim_doorbells *d = sim->doorbells;
	uint16_t queue;

	if (!d->pend_count)
		return UINT32_MAX;
	queue = d->pendq[d->pend_head];
	d->pend_head = (d->pend_head + 1) % GAON_QUEUES;
	d->pend_count--;
	d->pend_bits[queue / 64] &= ~(1ull << queue % 64);
	return queue;
}

bool sim_doorbell_others_pend(struct gaon_sim *sim)
{
	return sim->doorbells->pend_count != 0;
}

uint32_t sim_doorbell_map(struct gaon_sim *sim, uint32_t queue, uint32_t context, uint32_t index)
{
	_Atomic uint16_t *page;
	uint16_t old;

	if (queue >= GAON_QUEUES || context >= GAON_CONTEXTS || index >= GAON_DOORBELLS)
		return GAON_ADMIN_ERR_RANGE;
	page = doorbell_page(sim, context);
	if (!page)
		return GAON_ADMIN_ERR_RANGE;
	old = atomic_load(&page[index]);
	if (old == queue)
		return 0;
	if (old != SIM_DB_NONE)
		return GAON_ADMIN_ERR_BUSY;
	atomic_store(&page[index], queue);
	if (!sim->doorbells->maps[queue]++)
		sim_time_new_queue(sim, queue);
	return 0;
}

static void doorbell_clear(struct gaon_sim *sim, _Atomic uint16_t *entry)
{
	struct sim_doorbells *d = sim->doorbells;
	uint16_t queue = atomic_load(entry);

	if (queue == SIM_DB_NONE)
		return;
	atomic_store(entry, SIM_DB_NONE);
	if (d->maps[queue] && --d->maps[queue])
		return;
	/* Nobody can ring it any more: what rang before is dropped. */
	atomic_fetch_and(&d->bits[queue / 64], ~(1ull << queue % 64));
	doorbell_unpend(d, queue);
	sim_mcubus_update_irq(sim);
}

uint32_t sim_doorbell_unmap(struct gaon_sim *sim, uint32_t queue, uint32_t context, uint32_t index)
{
	_Atomic uint16_t *page;

	if (queue >= GAON_QUEUES || context >= GAON_CONTEXTS || index >= GAON_DOORBELLS)
		return GAON_ADMIN_ERR_RANGE;
	page = atomic_load(&sim->doorbells->map[context]);
	if (!page || atomic_load(&page[index]) == SIM_DB_NONE)
		return GAON_ADMIN_ERR_STATE;
	if (atomic_load(&page[index]) != queue)
		return GAON_ADMIN_ERR_BUSY;
	doorbell_clear(sim, &page[index]);
	return 0;
}

void sim_doorbell_unmap_context(struct gaon_sim *sim, uint32_t context)
{
	_Atomic uint16_t *page = atomic_load(&sim->doorbells->map[context]);

	for (unsigned int i = 0; page && i < GAON_DOORBELLS; i++)
		doorbell_clear(sim, &page[i]);
}

void sim_doorbell_resident(struct gaon_sim *sim, uint32_t queue, int slot)
{
	struct sim_doorbells *d = sim->doorbells;

	d->slot[queue] = slot < 0 ? NO_SLOT : slot;
	if (slot < 0)
		return;
	doorbell_unpend(d, queue);
	sim_mcubus_update_irq(sim);
}

void sim_doorbells_reset(struct gaon_sim *sim)
{
	struct sim_doorbells *d = sim->doorbells;

	for (unsigned int i = 0; i < GAON_CONTEXTS; i++)
		sim_doorbell_unmap_context(sim, i);
	for (unsigned int i = 0; i < SIM_DB_WORDS; i++)
		atomic_store(&d->bits[i], 0);
	atomic_store(&d->dropped, 0);
	memset(d->slot, NO_SLOT, sizeof(d->slot));
	memset(d->maps, 0, sizeof(d->maps));
	memset(d->pend_bits, 0, sizeof(d->pend_bits));
	d->pend_count = 0;
}

static void doorbell_deliver(struct gaon_sim *sim, uint32_t queue)
{
	struct sim_doorbells *d = sim->doorbells;

	if (d->slot[queue] != NO_SLOT) {
		sim->tele.doorbells++;
		sim_slot_wake(sim, &sim->slots[d->slot[queue]]);
	} else if (d->maps[queue]) {
		sim->tele.doorbells++;
		doorbell_pend(d, queue);
	} else {
		atomic_fetch_add_explicit(&d->dropped, 1, memory_order_relaxed);
	}
}

bool sim_doorbells_take(struct gaon_sim *sim)
{
	struct sim_doorbells *d = sim->doorbells;
	uint64_t words;

	if (!atomic_load_explicit(&d->summary, memory_order_relaxed))
		return false;
	words = atomic_exchange(&d->summary, 0);
	for (; words; words &= words - 1) {
		unsigned int w = __builtin_ctzll(words);
		uint64_t bits = atomic_exchange(&d->bits[w], 0);

		for (; bits; bits &= bits - 1)
			doorbell_deliver(sim, w * 64 + __builtin_ctzll(bits));
	}
	if (d->pend_count)
		sim_mcubus_update_irq(sim);
	return true;
}

void gaon_sim_doorbell(struct gaon_sim *sim, uint32_t context, uint32_t index)
{
	struct sim_doorbells *d = sim->doorbells;
	_Atomic uint16_t *page;
	uint32_t queue;

	if (context >= GAON_CONTEXTS || index >= GAON_DOORBELLS)
		return;
	page = atomic_load_explicit(&d->map[context], memory_order_acquire);
	queue = page ? atomic_load_explicit(&page[index], memory_order_relaxed) : SIM_DB_NONE;
	if (queue == SIM_DB_NONE) {
		atomic_fetch_add_explicit(&d->dropped, 1, memory_order_relaxed);
		return;
	}
	/* A bit that is still set: whoever takes it will read the write index after this store. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!(atomic_load_explicit(&d->bits[queue / 64], memory_order_relaxed) >> queue % 64 & 1)) {
		atomic_fetch_or(&d->bits[queue / 64], 1ull << queue % 64);
		atomic_fetch_or(&d->summary, 1ull << queue / 64);
	}
	sim_run_poke(sim);
}
