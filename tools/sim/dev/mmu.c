// SPDX-License-Identifier: MIT
/*
 * Address translation: the Sv48 walker, the physical address map, and the queue engine's small
 * cache.  Every access of device code to memory goes through sim_translate() or sim_physical().
 */
#include <string.h>

#include "devside.h"

/* --- physical memory ------------------------------------------------------------------------- */

uint8_t *sim_physical(struct gaon_sim *sim, uint64_t pa, uint64_t *len, bool write)
{
	uint64_t offset = pa & GAON_PA_OFFSET_MASK;
	uint64_t want = *len;
	uint8_t *host;

	switch (pa & ~GAON_PA_OFFSET_MASK) {
	case GAON_PA_HBM:
		if (offset >= sim->config.hbm_bytes)
			return NULL;
		if (want > sim->config.hbm_bytes - offset)
			*len = sim->config.hbm_bytes - offset;
		return sim->hbm + offset;
	case GAON_PA_HOST:
		if (!sim->ops.dma_map || !atomic_load_explicit(&sim->bus_master, memory_order_acquire))
			return NULL;
		if (want > GAON_PA_OFFSET_MASK + 1 - offset)
			*len = want = GAON_PA_OFFSET_MASK + 1 - offset;
		host = sim->ops.dma_map(sim->ops_ctx, offset, len, write);
		if (!host || !*len)
			return NULL;
		if (*len > want)
			*len = want;
		return host;
	default:
		return NULL;
	}
}

bool sim_phys_valid(struct gaon_sim *sim, uint64_t pa, uint64_t len)
{
	uint64_t offset = pa & GAON_PA_OFFSET_MASK;

	switch (pa & ~GAON_PA_OFFSET_MASK) {
	case GAON_PA_HBM:
		return offset <= sim->config.hbm_bytes && len <= sim->config.hbm_bytes - offset;
	case GAON_PA_HOST:
		return len <= GAON_PA_OFFSET_MASK + 1 - offset;
	default:
		return false;
	}
}

/* Could [@pa, @pa + @len) be host memory without a pointer? */
static bool phys_remote(struct gaon_sim *sim, uint64_t pa, size_t len)
{
	return sim->ops.dma_read && (pa & ~GAON_PA_OFFSET_MASK) == GAON_PA_HOST &&
	       atomic_load_explicit(&sim->bus_master, memory_order_acquire) &&
	       len <= GAON_PA_OFFSET_MASK + 1 - (pa & GAON_PA_OFFSET_MASK);
}

/* It goes through the callbacks, which may block. */
static bool phys_callback(struct gaon_sim *sim, uint64_t pa, void *data, size_t len, bool write)
{
	uint64_t offset = pa & GAON_PA_OFFSET_MASK;
	int error;

	if (!phys_remote(sim, pa, len))
		return false;
	sim_run_away(sim);
	if (write)
		error = sim->ops.dma_write(sim->ops_ctx, offset, data, len);
	else
		error = sim->ops.dma_read(sim->ops_ctx, offset, data, len);
	sim_run_back(sim);
	return !error;
}

static bool phys_copy(struct gaon_sim *sim, uint64_t pa, uint8_t *data, size_t len, bool write)
{
	while (len) {
		uint64_t run = len;
		uint8_t *host = sim_physical(sim, pa, &run, write);

		if (!host)
			return phys_callback(sim, pa, data, len, write);
		if (write && run == 8 && !((uintptr_t)host & 7)) {
			uint64_t word;

			/* The host looks at such words while they are written: indices, valid. */
			memcpy(&word, data, 8);
			__atomic_store_n((uint64_t *)host, word, __ATOMIC_RELEASE);
		} else if (write) {
			memcpy(host, data, run);
		} else {
			memcpy(data, host, run);
		}
		pa += run;
		data += run;
		len -= run;
	}
	return true;
}

bool sim_phys_read(struct gaon_sim *sim, uint64_t pa, void *data, size_t len)
{
	return phys_copy(sim, pa, data, len, false);
}

bool sim_phys_write(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len)
{
	return phys_copy(sim, pa, (uint8_t *)(uintptr_t)data, len, true);
}

bool sim_phys_store64(struct gaon_sim *sim, uint64_t pa, uint64_t value)
{
	uint64_t len = 8;
	uint8_t *host;

	if (pa & 7)
		return false;
	host = sim_physical(sim, pa, &len, true);
	if (host && len == 8 && !((uintptr_t)host & 7)) {
		__atomic_store_n((uint64_t *)host, value, __ATOMIC_RELEASE);
		return true;
	}
	return phys_callback(sim, pa, &value, 8, true);
}

/* A table entry is read with one 64-bit load, as it was written. */
static bool phys_load64(struct gaon_sim *sim, uint64_t pa, uint64_t *value)
{
	uint64_t len = 8;
	uint8_t *host = sim_physical(sim, pa, &len, false);

	if (host && len == 8 && !((uintptr_t)host & 7)) {
		*value = __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE);
		return true;
	}
	return phys_callback(sim, pa, value, 8, false);
}

/* --- the walker -------------------------------------------------------------------------------- */

/* Which half may the requester touch at all? */
static uint16_t mmu_check_va(uint64_t va, bool kernel)
{
	bool upper = va >= GAON_VA_KERNEL_MIN;
	bool lower = va < GAON_VA_USER_MAX;

	if ((!upper && !lower) || va < GAON_VA_USER_MIN)
		return GAON_FAULT_PAGE;
	return upper == kernel ? GAON_FAULT_NONE : GAON_FAULT_PERMISSION;
}

/* Is this a leaf as GA1 wants it at @level? */
static bool mmu_leaf_valid(uint64_t pte, unsigned int level)
{
	uint64_t frames = 1ull << (9 * level);

	if (level > 2)
		return false;
	if ((pte & (GAON_PTE_R | GAON_PTE_W)) == GAON_PTE_W)
		return false;
	if (!(pte & GAON_PTE_A) || ((pte & GAON_PTE_W) && !(pte & GAON_PTE_D)))
		return false;
	return !((gaon_pte_pa(pte) >> GAON_PAGE_SHIFT) & (frames - 1));
}

#define GROUP		64	/* leaves of 4 KiB that are looked at together: 8 cache lines of a table */

/*
 * Bytes from the page at @entry on, to the end of its group at most, whose leaves say the same of pages
 * that follow each other. What is mapped in small pages is mostly contiguous, and whoever keeps
 * translations then needs one for all; each of them could have been kept as well, one by one.
 */
static uint64_t mmu_group_bytes(struct gaon_sim *sim, uint64_t entry, uint64_t pte)
{
	uint64_t max = GROUP - (entry / 8 & (GROUP - 1)), len = 8 * max, n = 1;
	const uint64_t *table = (const uint64_t *)sim_physical(sim, entry, &len, false);

	if (!table || (uintptr_t)table & 7 || len < 8 * max)
		return GAON_PAGE_SIZE;
	for (; n < max; n++)
		if (__atomic_load_n(&table[n], __ATOMIC_RELAXED) !=
		    pte + (n << GAON_PTE_PPN_SHIFT))
			break;
	return n * GAON_PAGE_SIZE;
}

/*
 * Finds the leaf of @va; a fault type, or GAON_FAULT_NONE with *@leaf and *@bytes, from the start of its
 * page on, that it and those like it behind it map.
 */
static uint16_t mmu_walk(struct gaon_sim *sim, uint64_t root, uint64_t va, uint64_t *leaf,
			 uint64_t *page, uint64_t *bytes)
{
	const uint64_t forbidden = GAON_PTE_RESERVED | GAON_PTE_G | GAON_PTE_RSW;
	uint64_t table = root;
	uint64_t pte;

	for (unsigned int l = GAON_PT_LEVELS; l-- > 0;) {
		uint64_t entry = table + 8 * gaon_pt_index(va, l);

		if (!phys_load64(sim, entry, &pte))
			return GAON_FAULT_BUS;
		if (!(pte & GAON_PTE_V) || (pte & forbidden))
			return GAON_FAULT_PAGE;
		if (pte & (GAON_PTE_R | GAON_PTE_W | GAON_PTE_X)) {
			if (!mmu_leaf_valid(pte, l))
				return GAON_FAULT_PAGE;
			*leaf = pte;
			*page = *bytes = GAON_PAGE_SIZE << (9 * l);
			if (!l)
				*bytes = mmu_group_bytes(sim, entry, pte);
			return GAON_FAULT_NONE;
		}
		if (pte & (GAON_PTE_U | GAON_PTE_A | GAON_PTE_D))
			return GAON_FAULT_PAGE;
		table = gaon_pte_pa(pte);
	}
	return GAON_FAULT_PAGE;
}

static uint16_t mmu_check_access(uint64_t pte, uint8_t access, bool kernel)
{
	uint64_t need = GAON_PTE_R;

	if (!!(pte & GAON_PTE_U) == kernel)
		return GAON_FAULT_PERMISSION;
	if (access == GAON_ACCESS_FETCH)
		need = GAON_PTE_X;
	else if (access == GAON_ACCESS_WRITE)
		need = GAON_PTE_W;
	else if (access == GAON_ACCESS_ATOMIC)
		need = GAON_PTE_R | GAON_PTE_W;
	return (pte & need) == need ? GAON_FAULT_NONE : GAON_FAULT_PERMISSION;
}

static bool mmu_poisoned(struct gaon_sim *sim, uint64_t pa)
{
	uint32_t count = atomic_load_explicit(&sim->mmu->poison_count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if (sim->mmu->poison[i] == (pa & ~(GAON_PAGE_SIZE - 1)))
			return true;
	return false;
}

/* Physical side of a translation: who answers, and how far. */
static uint16_t mmu_resolve(struct gaon_sim *sim, uint64_t pa, uint64_t left, uint8_t access,
			    struct sim_xlate *out)
{
	bool write = access == GAON_ACCESS_WRITE || access == GAON_ACCESS_ATOMIC;
	uint64_t in_page = GAON_PAGE_SIZE - (pa & (GAON_PAGE_SIZE - 1));
	bool hbm = (pa & ~GAON_PA_OFFSET_MASK) == GAON_PA_HBM;

	if (access == GAON_ACCESS_ATOMIC && !hbm)
		return GAON_FAULT_BUS;
	if (hbm && atomic_load_explicit(&sim->mmu->poison_count, memory_order_relaxed)) {
		left = in_page;
		if (mmu_poisoned(sim, pa))
			return GAON_FAULT_ECC;
	}
	out->run = left;
	out->pa = pa;
	out->host = sim_physical(sim, pa, &out->run, write);
	/* Atomic accesses to aligned addresses need aligned host addresses. */
	if (!out->host || out->run < in_page || (((uintptr_t)out->host ^ pa) & 7)) {
		out->remote = !out->host && phys_remote(sim, pa, in_page);
		out->host = NULL;
		out->run = in_page;
		return GAON_FAULT_BUS;
	}
	out->hbm = hbm;
	return GAON_FAULT_NONE;
}

bool sim_translate(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, uint8_t access,
		   bool kernel, struct sim_xlate *out)
{
	uint64_t pte, page, bytes, offset;

	*out = (struct sim_xlate) { .fault_type = mmu_check_va(va, kernel) };
	if (out->fault_type)
		return false;
	atomic_fetch_add_explicit(&sim->mmu->walks, 1, memory_order_relaxed);
	out->fault_type = mmu_walk(sim, ctx->root_pa, va, &pte, &page, &bytes);
	if (out->fault_type)
		return false;
	out->fault_type = mmu_check_access(pte, access, kernel);
	if (out->fault_type)
		return false;
	out->prot = pte & (GAON_PTE_R | GAON_PTE_W | GAON_PTE_X | GAON_PTE_U);
	offset = va & (page - 1);
	out->fault_type = mmu_resolve(sim, gaon_pte_pa(pte) + offset, bytes - offset, access, out);
	return !out->fault_type;
}

/* --- the queue engine's cache ------------------------------------------------------------------- */

bool sim_queue_translate(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, uint8_t access,
			 bool kernel, struct sim_xlate *out)
{
	bool write = access == GAON_ACCESS_WRITE || access == GAON_ACCESS_ATOMIC;
	uint64_t page = va >> GAON_PAGE_SHIFT;
	uint64_t in_page = va & (GAON_PAGE_SIZE - 1);
	uint32_t gen = atomic_load_explicit(&ctx->tlb_gen, memory_order_relaxed);
	size_t slot = (page ^ page >> 7 ^ (write ? 64 : 0) ^ (uint64_t)ctx->id * 11) % SIM_QTLB_ENTRIES;
	struct sim_qtlb_entry *e = &sim->mmu->qtlb[slot];

	/* The half is part of the address: a hit only has to repeat the checks of the access. */
	if (e->ctx == ctx && e->page == page && e->gen == gen && e->write == write) {
		*out = (struct sim_xlate) {
			.host = e->remote ? NULL : e->host + in_page, .run = GAON_PAGE_SIZE - in_page,
			.pa = e->pa + in_page, .prot = e->prot, .hbm = e->hbm,
			.fault_type = mmu_check_access(e->prot, access, kernel),
		};
		if (!out->fault_type && (e->remote || (access == GAON_ACCESS_ATOMIC && !e->hbm))) {
			out->fault_type = GAON_FAULT_BUS;
			out->remote = e->remote && access != GAON_ACCESS_ATOMIC;
		}
		if (!out->fault_type)
			return true;
		out->host = NULL;
		return false;
	}
	if (!sim_translate(sim, ctx, va, access, kernel, out) && !out->remote)
		return false;
	*e = (struct sim_qtlb_entry) {
		.ctx = ctx, .page = page, .pa = out->pa - in_page,
		.host = out->remote ? NULL : out->host - in_page,
		.gen = gen, .prot = out->prot, .hbm = out->hbm, .write = write, .remote = out->remote,
	};
	return !out->remote;
}

typedef bool (*translate_fn)(struct gaon_sim *, struct sim_context *, uint64_t, uint8_t, bool,
			     struct sim_xlate *);

static bool mmu_copy(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel,
		     uint8_t *data, size_t len, bool write, struct gaon_fault_record *fault,
		     translate_fn translate)
{
	uint8_t access = write ? GAON_ACCESS_WRITE : GAON_ACCESS_READ;
	struct sim_xlate x;

	while (len) {
		size_t n = len;

		bool good = translate(sim, ctx, va, access, kernel, &x);

		if (n > x.run)
			n = x.run;
		if (!good && x.remote)
			good = phys_callback(sim, x.pa, data, n, write);
		else if (good && write)
			memcpy(x.host, data, n);
		else if (good)
			memcpy(data, x.host, n);
		if (!good) {
			if (fault) {
				fault->type = x.fault_type;
				fault->access = access;
				fault->va = va;
			}
			return false;
		}
		va += n;
		data += n;
		len -= n;
	}
	return true;
}

bool sim_read_va(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel, void *data,
		 size_t len, struct gaon_fault_record *fault)
{
	return mmu_copy(sim, ctx, va, kernel, data, len, false, fault, sim_translate);
}

bool sim_write_va(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel,
		  const void *data, size_t len, struct gaon_fault_record *fault)
{
	return mmu_copy(sim, ctx, va, kernel, (uint8_t *)(uintptr_t)data, len, true, fault,
			sim_translate);
}

bool sim_queue_read(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel, void *data,
		    size_t len, struct gaon_fault_record *fault)
{
	return mmu_copy(sim, ctx, va, kernel, data, len, false, fault, sim_queue_translate);
}

bool sim_queue_write(struct gaon_sim *sim, struct sim_context *ctx, uint64_t va, bool kernel,
		     const void *data, size_t len, struct gaon_fault_record *fault)
{
	return mmu_copy(sim, ctx, va, kernel, (uint8_t *)(uintptr_t)data, len, true, fault,
			sim_queue_translate);
}

/* --- poison ---------------------------------------------------------------------------------- */

void sim_mmu_poison(struct gaon_sim *sim, uint64_t offset)
{
	uint32_t count = atomic_load_explicit(&sim->mmu->poison_count, memory_order_relaxed);
	uint64_t page = offset & ~(GAON_PAGE_SIZE - 1);

	if (offset >= sim->config.hbm_bytes || count == SIM_POISON_MAX || mmu_poisoned(sim, page))
		return;
	sim->mmu->poison[count] = page;
	atomic_store_explicit(&sim->mmu->poison_count, count + 1, memory_order_release);
	/* Translations that were made before the poison would hide it. */
	sim_tlbi_bump(sim, GAON_TLBI_ALL);
}

void sim_mmu_reset(struct gaon_sim *sim, bool hbm)
{
	memset(sim->mmu->qtlb, 0, sizeof(sim->mmu->qtlb));
	atomic_store(&sim->mmu->walks, 0);
	if (hbm)
		atomic_store(&sim->mmu->poison_count, 0);
}
