// SPDX-License-Identifier: MIT
/*
 * Sv48 tables in host memory, one 64-bit store per entry.  A shadow tree keeps what the tables
 * cannot: where a lower table is in this process and how many of its entries are in use.
 */
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PT_ARENA_PAGES		64
#define TLBI_TIMEOUT_NS		(5ull * 1000000000)

/* --- pages of tables ------------------------------------------------------------------------- */

static int pt_arena_add(struct direct *ws)
{
	struct direct_host *arenas = realloc(ws->pt_arenas, (ws->pt_arena_count + 1) *
					     sizeof(*arenas));
	struct direct_host *arena;
	unsigned int i;
	int err;

	if (!arenas)
		return -ENOMEM;
	ws->pt_arenas = arenas;
	arena = &arenas[ws->pt_arena_count];
	err = direct_host_alloc(ws, PT_ARENA_PAGES * GAON_PT_SIZE, arena);
	if (err)
		return err;
	ws->pt_arena_count++;
	for (i = 0; i < PT_ARENA_PAGES; i++) {
		struct direct_pt *pt = calloc(1, sizeof(*pt));

		if (!pt)
			return i ? 0 : -ENOMEM;
		pt->pte = (uint64_t *)(arena->cpu + i * GAON_PT_SIZE);
		pt->pa = GAON_PA_HOST | (arena->iova + i * GAON_PT_SIZE);
		pt->next = ws->pt_free;
		ws->pt_free = pt;
	}
	return 0;
}

/* A table of zeroes for @level (0: leaves only). */
static struct direct_pt *pt_alloc(struct direct *ws, unsigned int level)
{
	struct direct_pt **child = NULL;
	struct direct_pt *pt;

	if (level) {
		child = calloc(GAON_PT_ENTRIES, sizeof(*child));
		if (!child)
			return NULL;
	}
	pthread_mutex_lock(&ws->mem_lock);
	if (!ws->pt_free)
		pt_arena_add(ws);
	pt = ws->pt_free;
	if (pt)
		ws->pt_free = pt->next;
	pthread_mutex_unlock(&ws->mem_lock);
	if (!pt) {
		free(child);
		return NULL;
	}
	memset(pt->pte, 0, GAON_PT_SIZE);
	pt->live = 0;
	pt->child = child;
	pt->next = NULL;
	return pt;
}

static void pt_free(struct direct *ws, struct direct_pt *pt)
{
	free(pt->child);
	pt->child = NULL;
	pthread_mutex_lock(&ws->mem_lock);
	pt->next = ws->pt_free;
	ws->pt_free = pt;
	pthread_mutex_unlock(&ws->mem_lock);
}

static void pt_free_tree(struct direct *ws, struct direct_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->child && i < GAON_PT_ENTRIES; i++) {
		if (pt->child[i])
			pt_free_tree(ws, pt->child[i]);
	}
	pt_free(ws, pt);
}

/* When the device is gone. */
void direct_pt_release_all(struct direct *ws)
{
	size_t i;

	while (ws->pt_free) {
		struct direct_pt *pt = ws->pt_free;

		ws->pt_free = pt->next;
		free(pt);
	}
	for (i = 0; i < ws->pt_arena_count; i++)
		direct_host_free(ws, &ws->pt_arenas[i]);
	free(ws->pt_arenas);
	ws->pt_arenas = NULL;
	ws->pt_arena_count = 0;
}

static void pte_store(uint64_t *pte, uint64_t value)
{
	__atomic_store_n(pte, value, __ATOMIC_RELEASE);
}

static uint64_t level_bytes(unsigned int level)
{
	return GAON_PAGE_SIZE << (9 * level);
}

/* --- walking --------------------------------------------------------------------------------- */

/*
 * The table of @level that covers @va, made on the way with @create; NULL if a leaf or nothing is
 * there.
 */
static struct direct_pt *vm_table(struct direct_vm *vm, uint64_t va, unsigned int level,
				  bool create)
{
	struct direct_pt *pt = vm->root;
	unsigned int at;

	for (at = GAON_PT_LEVELS - 1; at > level; at--) {
		unsigned int i = gaon_pt_index(va, at);

		if (!pt->child[i]) {
			if (!create || pt->pte[i])
				return NULL;
			pt->child[i] = pt_alloc(vm->ws, at - 1);
			if (!pt->child[i])
				return NULL;
			pt->live++;
			pte_store(&pt->pte[i], gaon_pte_table(pt->child[i]->pa));
		}
		pt = pt->child[i];
	}
	return pt;
}

/* Level of the leaf over @va and its table; false if nothing is mapped there. */
static bool vm_leaf(struct direct_vm *vm, uint64_t va, struct direct_pt **table,
		    unsigned int *level)
{
	struct direct_pt *pt = vm->root;
	unsigned int at;

	for (at = GAON_PT_LEVELS - 1;; at--) {
		unsigned int i = gaon_pt_index(va, at);

		if (at && pt->child[i]) {
			pt = pt->child[i];
			continue;
		}
		*table = pt;
		*level = at;
		return pt->pte[i] != 0;
	}
}

static int vm_map_one(struct direct_vm *vm, uint64_t va, uint64_t pa, unsigned int level,
		      uint64_t prot)
{
	struct direct_pt *pt = vm_table(vm, va, level, true);
	unsigned int i = gaon_pt_index(va, level);

	if (!pt)
		return -ENOMEM;
	if (pt->pte[i])
		return -EEXIST;
	pt->live++;
	pte_store(&pt->pte[i], gaon_pte_leaf(pa, prot));
	return 0;
}

/* Largest leaf that alignment and length allow and where no lower table is in the way. */
static unsigned int vm_level(struct direct_vm *vm, uint64_t va, uint64_t pa, uint64_t bytes)
{
	unsigned int level;

	for (level = 2; level; level--) {
		uint64_t size = level_bytes(level);
		struct direct_pt *pt;

		if (((va | pa) & (size - 1)) || bytes < size)
			continue;
		pt = vm_table(vm, va, level, true);
		if (pt && !pt->child[gaon_pt_index(va, level)])
			return level;
	}
	return 0;
}

int direct_vm_map(struct direct_vm *vm, uint64_t va, uint64_t pa, uint64_t bytes, uint64_t prot)
{
	uint64_t done = 0;

	while (done < bytes) {
		unsigned int level = vm_level(vm, va + done, pa + done, bytes - done);
		int err = vm_map_one(vm, va + done, pa + done, level, prot);

		if (err) {
			if (done)
				direct_vm_unmap(vm, va, done);
			return err;
		}
		done += level_bytes(level);
	}
	return 0;
}

/* Unlinks the tables over @va that became empty; they may be reused after the invalidation. */
static void vm_prune(struct direct_vm *vm, uint64_t va, struct direct_pt **dead)
{
	struct direct_pt *path[GAON_PT_LEVELS];
	struct direct_pt *pt = vm->root;
	unsigned int at = GAON_PT_LEVELS - 1;

	path[at] = pt;
	while (at && pt->child[gaon_pt_index(va, at)]) {
		pt = pt->child[gaon_pt_index(va, at)];
		path[--at] = pt;
	}
	for (; at < GAON_PT_LEVELS - 1 && !path[at]->live; at++) {
		struct direct_pt *up = path[at + 1];
		unsigned int i = gaon_pt_index(va, at + 1);

		pte_store(&up->pte[i], 0);
		up->child[i] = NULL;
		up->live--;
		path[at]->next = *dead;
		*dead = path[at];
	}
}

int direct_vm_unmap(struct direct_vm *vm, uint64_t va, uint64_t bytes)
{
	struct direct_pt *dead = NULL, *pt;
	uint64_t done = 0;
	int err;

	while (done < bytes) {
		unsigned int level;

		if (vm_leaf(vm, va + done, &pt, &level)) {
			pte_store(&pt->pte[gaon_pt_index(va + done, level)], 0);
			if (!--pt->live)
				vm_prune(vm, va + done, &dead);
		}
		done += level_bytes(level) - ((va + done) & (level_bytes(level) - 1));
	}
	err = direct_tlb_invalidate(vm->ws, vm->asid, va, bytes);
	while (dead) {
		pt = dead;
		dead = pt->next;
		/*
		 * After a failed invalidation the device may still walk it: better lost than
		 * reused.
		 */
		if (!err)
			pt_free(vm->ws, pt);
		else
			free(pt->child), free(pt);
	}
	return err;
}

/* Replaces a large leaf by a table of smaller ones that say the same. */
static int vm_split(struct direct_vm *vm, struct direct_pt *pt, unsigned int i, unsigned int level)
{
	uint64_t pte = pt->pte[i];
	struct direct_pt *low = pt_alloc(vm->ws, level - 1);
	unsigned int k;

	if (!low)
		return -ENOMEM;
	for (k = 0; k < GAON_PT_ENTRIES; k++)
		low->pte[k] = pte + (k * (level_bytes(level - 1) >> GAON_PAGE_SHIFT) << GAON_PTE_PPN_SHIFT);
	low->live = GAON_PT_ENTRIES;
	pt->child[i] = low;
	pte_store(&pt->pte[i], gaon_pte_table(low->pa));
	return 0;
}

int direct_vm_protect(struct direct_vm *vm, uint64_t va, uint64_t bytes, uint64_t prot)
{
	uint64_t done = 0;

	while (done < bytes) {
		struct direct_pt *pt;
		unsigned int level, i;

		if (!vm_leaf(vm, va + done, &pt, &level))
			return -EFAULT;
		i = gaon_pt_index(va + done, level);
		if (((va + done) & (level_bytes(level) - 1)) || bytes - done < level_bytes(level)) {
			int err = vm_split(vm, pt, i, level);

			if (err)
				return err;
			continue;
		}
		pte_store(&pt->pte[i], gaon_pte_leaf(gaon_pte_pa(pt->pte[i]), prot));
		done += level_bytes(level);
	}
	return direct_tlb_invalidate(vm->ws, vm->asid, va, bytes);
}

bool direct_vm_find(struct direct_vm *vm, uint64_t va, uint64_t *pa)
{
	struct direct_pt *pt;
	unsigned int level;

	if (!vm_leaf(vm, va, &pt, &level))
		return false;
	*pa = gaon_pte_pa(pt->pte[gaon_pt_index(va, level)]) + (va & (level_bytes(level) - 1));
	return true;
}

/* --- address space --------------------------------------------------------------------------- */

int direct_vm_init(struct direct *ws, struct direct_vm *vm, uint16_t asid)
{
	*vm = (struct direct_vm){ .ws = ws, .asid = asid };
	vm->root = pt_alloc(ws, GAON_PT_LEVELS - 1);
	if (!vm->root)
		return -ENOMEM;
	if (!winsys_va_init_user(&vm->user, 0, GAON_VA_USER_MAX) ||
	    !winsys_va_init(&vm->kernel, GAON_VA_KERNEL_MIN, GAON_VA_KERNEL_MIN + (1ull << 46))) {
		direct_vm_fini(vm);
		return -ENOMEM;
	}
	return 0;
}

void direct_vm_fini(struct direct_vm *vm)
{
	if (vm->root)
		pt_free_tree(vm->ws, vm->root);
	vm->root = NULL;
	winsys_va_fini_user(&vm->user);
	extents_fini(&vm->kernel);
}

/* --- invalidation ---------------------------------------------------------------------------- */

int direct_tlb_invalidate(struct direct *ws, uint32_t asid, uint64_t va, uint64_t bytes)
{
	uint64_t seq;
	int err;

	if (atomic_load(&ws->lost))
		return -ENODEV;
	pthread_mutex_lock(&ws->tlbi_lock);
	seq = ++ws->tlbi_seq;
	direct_reg_write(ws, GAON_REG_TLBI_ASID, asid);
	direct_reg_write64(ws, GAON_REG_TLBI_VA, va);
	direct_reg_write64(ws, GAON_REG_TLBI_SIZE, bytes);
	direct_reg_write64(ws, GAON_REG_TLBI_SEQ, seq);
	/* One at a time: never more entries than the queue holds. */
	err = direct_run_until(ws, ws->tlbi_done, seq, TLBI_TIMEOUT_NS);
	pthread_mutex_unlock(&ws->tlbi_lock);
	if (err)
		direct_lose(ws, "a TLB invalidation did not complete");
	return err ? -ENODEV : 0;
}
