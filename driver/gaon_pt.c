// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Page tables: Sv48, in host memory that the device walks. Every entry is written by one 64-bit
 * store, so that the walker sees the old or the new one.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <hw/gaon_regs.h>

#include "gaon_device.h"
#include "gaon_pt.h"

#define PT_ROOT_LEVEL	(GAON_PT_LEVELS - 1)
#define PT_LEAF_LEVELS	3
/* A table of one page on its own: no vmalloc mapping behind an IOMMU. */
#define PT_DMA_ATTRS	DMA_ATTR_FORCE_CONTIGUOUS

/** struct gaon_pt_table - one table */
struct gaon_pt_table {
	/** @pte: what the device walks. */
	u64 *pte;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @next: in lists of tables in no tree. */
	struct gaon_pt_table *next;
	/** @live: entries in use. */
	u16 live;
	/** @level: in its tree; decides whether @child is there. */
	u8 level;
	/** @child: tables below by index; NULL in level 0. */
	struct gaon_pt_table **child;
};

static u64 level_bytes(unsigned int level)
{
	return GAON_PAGE_SIZE << (9 * level);
}

static void pte_store(u64 *pte, u64 value)
{
	WRITE_ONCE(*pte, value);
}

/* --- tables --------------------------------------------------------------------------------- */

static struct gaon_pt_table *table_alloc(struct gaon_pt *pt, bool high)
{
	struct gaon_pt_table *table;

	table = kzalloc_obj(*table, GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	if (high)
		table->child = kcalloc(GAON_PT_ENTRIES, sizeof(*table->child), GFP_KERNEL_ACCOUNT);
	if (!high || table->child)
		table->pte = dma_alloc_attrs(pt->gdev->drm.dev, GAON_PT_SIZE, &table->dma,
					     GFP_KERNEL_ACCOUNT, PT_DMA_ATTRS);
	if (!table->pte) {
		kfree(table->child);
		kfree(table);
		return NULL;
	}
	return table;
}

static void table_free(struct gaon_pt *pt, struct gaon_pt_table *table)
{
	dma_free_attrs(pt->gdev->drm.dev, GAON_PT_SIZE, table->pte, table->dma, PT_DMA_ATTRS);
	kfree(table->child);
	kfree(table);
}

static struct gaon_pt_table *list_pop(struct gaon_pt_table **list)
{
	struct gaon_pt_table *table = *list;

	if (table) {
		*list = table->next;
		table->next = NULL;
	}
	return table;
}

static struct gaon_pt_table *reserve_take(struct gaon_pt *pt, struct gaon_pt_reserve *reserve,
					  unsigned int level)
{
	struct gaon_pt_table *table = NULL;

	if (!level)
		table = list_pop(&reserve->low);
	if (!table)
		table = list_pop(&reserve->high);
	/* Whoever reserved has counted; this is a fault of the driver. */
	if (drm_WARN_ON_ONCE(&pt->gdev->drm, !table))
		return NULL;
	table->level = level;
	pt->tables++;
	return table;
}

static int reserve_add(struct gaon_pt *pt, struct gaon_pt_table **list, bool high,
		       unsigned long count)
{
	for (; count; count--) {
		struct gaon_pt_table *table = table_alloc(pt, high);

		if (!table)
			return -ENOMEM;
		table->next = *list;
		*list = table;
		if (!(count & 255))
			cond_resched();
	}
	return 0;
}

/**
 * gaon_pt_reserve() - allocate tables for a change
 * @pt: for which
 * @reserve: zeroed, or reserved before
 * @count: what mapping needs; NULL for an unmapping
 *
 * Two tables at each end of the range, where large leaves may be split, come on top. Sleeps and
 * allocates; needs no serialisation.
 *
 * Return: 0 or -ENOMEM; what was reserved stays until gaon_pt_unreserve().
 */
int gaon_pt_reserve(struct gaon_pt *pt, struct gaon_pt_reserve *reserve,
		    const struct gaon_pt_count *count)
{
	int err;

	err = reserve_add(pt, &reserve->high, true, (count ? count->high : 0) + 2);
	if (!err)
		err = reserve_add(pt, &reserve->low, false, (count ? count->low : 0) + 2);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_reserve);

/** gaon_pt_unreserve() - free what was not needed */
void gaon_pt_unreserve(struct gaon_pt *pt, struct gaon_pt_reserve *reserve)
{
	struct gaon_pt_table *table;

	while ((table = list_pop(&reserve->low)))
		table_free(pt, table);
	while ((table = list_pop(&reserve->high)))
		table_free(pt, table);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_unreserve);

/* Takes a whole tree out of use; the walker may still be in it. */
static void table_kill(struct gaon_pt *pt, struct gaon_pt_table *table)
{
	unsigned int i;

	if (!table->level)
		pt->leaves[0] -= table->live;
	for (i = 0; table->level && i < GAON_PT_ENTRIES; i++) {
		if (table->child[i])
			table_kill(pt, table->child[i]);
		else if (table->pte[i])
			pt->leaves[table->level]--;
	}
	table->next = pt->dead;
	pt->dead = table;
}

/**
 * gaon_pt_reap() - free the tables that were taken out
 * @pt: whose TLB entries have been invalidated since
 */
void gaon_pt_reap(struct gaon_pt *pt)
{
	struct gaon_pt_table *table;

	pt->stale = false;
	while ((table = list_pop(&pt->dead))) {
		pt->tables--;
		table_free(pt, table);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_reap);

int gaon_pt_init(struct gaon_pt *pt, struct gaon_device *gdev)
{
	*pt = (struct gaon_pt) { .gdev = gdev };
	pt->root = table_alloc(pt, true);
	if (!pt->root)
		return -ENOMEM;
	pt->root->level = PT_ROOT_LEVEL;
	pt->tables = 1;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_init);

/** gaon_pt_fini() - free all; no context uses the root any more, or the device is in reset */
void gaon_pt_fini(struct gaon_pt *pt)
{
	if (!pt->root)
		return;
	table_kill(pt, pt->root);
	pt->root = NULL;
	gaon_pt_reap(pt);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_fini);

/** gaon_pt_root() - physical address of the root, as CONTEXT_CREATE takes it */
u64 gaon_pt_root(const struct gaon_pt *pt)
{
	return GAON_PA_HOST | pt->root->dma;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_root);

/**
 * gaon_pt_walk() - the entries that translate an address, as the device reads them
 * @pt: serialised by the caller
 * @va: device address
 * @walk: levels, table and entry are filled; 0 levels: there are no tables any more
 */
void gaon_pt_walk(const struct gaon_pt *pt, u64 va, struct gaon_dump_walk *walk)
{
	const struct gaon_pt_table *table = pt->root;

	for (walk->levels = 0; table && walk->levels < GAON_PT_LEVELS; walk->levels++) {
		unsigned int i = gaon_pt_index(va, table->level);

		walk->table[walk->levels] = GAON_PA_HOST | table->dma;
		walk->entry[walk->levels] = READ_ONCE(table->pte[i]);
		table = table->level ? table->child[i] : NULL;
	}
}

/* --- leaves --------------------------------------------------------------------------------- */

/* Largest leaf that fits at the start of a run. */
static unsigned int run_level(u64 va, u64 pa, u64 bytes)
{
	unsigned int level;

	for (level = PT_LEAF_LEVELS - 1; level; level--) {
		if (!((va | pa) & (level_bytes(level) - 1)) && bytes >= level_bytes(level))
			break;
	}
	return level;
}

/**
 * gaon_pt_count_run() - count the tables that mapping a run will need
 * @count: zeroed before the first run
 * @va: device address
 * @pa: physical address
 * @bytes: of it that are contiguous
 */
void gaon_pt_count_run(struct gaon_pt_count *count, u64 va, u64 pa, u64 bytes)
{
	while (bytes) {
		unsigned int level = run_level(va, pa, bytes), at;
		u64 step = level_bytes(level);

		for (at = level; at < PT_LEAF_LEVELS; at++) {
			u64 which = (va >> (GAON_PAGE_SHIFT + 9 * (at + 1))) + 1;

			if (count->last[at] != which && at)
				count->high++;
			else if (count->last[at] != which)
				count->low++;
			count->last[at] = which;
		}
		/* To the end of the table, or of the run, at once. */
		if (!level)
			step = min(bytes, level_bytes(1) - (va & (level_bytes(1) - 1)));
		va += step;
		pa += step;
		bytes -= step;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_count_run);

/* Replaces a large leaf by a table of smaller ones that say the same. */
static struct gaon_pt_table *leaf_split(struct gaon_pt *pt, struct gaon_pt_table *table,
					unsigned int i, struct gaon_pt_reserve *reserve)
{
	struct gaon_pt_table *low = reserve_take(pt, reserve, table->level - 1);
	u64 step = level_bytes(table->level - 1) >> GAON_PAGE_SHIFT << GAON_PTE_PPN_SHIFT;
	unsigned int k;

	if (!low)
		return NULL;
	for (k = 0; k < GAON_PT_ENTRIES; k++)
		pte_store(&low->pte[k], table->pte[i] + k * step);
	low->live = GAON_PT_ENTRIES;
	table->child[i] = low;
	dma_wmb();	/* the walker finds a whole table */
	pte_store(&table->pte[i], gaon_pte_table(GAON_PA_HOST | low->dma));
	pt->leaves[table->level]--;
	pt->leaves[low->level] += GAON_PT_ENTRIES;
	pt->stale = true;
	return low;
}

/* Table of @level over @va, made if it is not there; NULL only by a fault of the driver. */
static struct gaon_pt_table *table_for(struct gaon_pt *pt, u64 va, unsigned int level,
				       struct gaon_pt_reserve *reserve)
{
	struct gaon_pt_table *table = pt->root;

	while (table && table->level > level) {
		unsigned int i = gaon_pt_index(va, table->level);
		struct gaon_pt_table *low = table->child[i];

		if (!low && table->pte[i]) {
			low = leaf_split(pt, table, i, reserve);
		} else if (!low) {
			low = reserve_take(pt, reserve, table->level - 1);
			if (low) {
				table->child[i] = low;
				table->live++;
				dma_wmb();	/* the walker finds a whole table */
				pte_store(&table->pte[i],
					  gaon_pte_table(GAON_PA_HOST | low->dma));
			}
		}
		table = low;
	}
	return table;
}

static void leaf_set(struct gaon_pt *pt, struct gaon_pt_table *table, unsigned int i, u64 pte)
{
	struct gaon_pt_table *low = table->level ? table->child[i] : NULL;

	if (table->pte[i]) {
		pt->stale = true;
		if (!low)
			pt->leaves[table->level]--;
	} else {
		table->live++;
	}
	pte_store(&table->pte[i], pte);
	pt->leaves[table->level]++;
	if (low) {
		table->child[i] = NULL;
		table_kill(pt, low);
	}
}

/**
 * gaon_pt_map() - map a run, over whatever is there
 * @pt: serialised by the caller
 * @va: device address, page-aligned
 * @pa: physical address, page-aligned
 * @bytes: that are contiguous, a multiple of pages
 * @prot: GAON_PTE_R, W, X, U
 * @reserve: by gaon_pt_reserve() with the count of what is mapped
 *
 * No entry of the range is absent in between that was present before.
 *
 * Return: 0, or -ENOMEM by a fault of the driver.
 */
int gaon_pt_map(struct gaon_pt *pt, u64 va, u64 pa, u64 bytes, u64 prot,
		struct gaon_pt_reserve *reserve)
{
	while (bytes) {
		unsigned int level = run_level(va, pa, bytes);
		struct gaon_pt_table *table = table_for(pt, va, level, reserve);
		u64 step = level_bytes(level);
		unsigned int i = gaon_pt_index(va, level);

		if (!table)
			return -ENOMEM;
		/* All entries of the same table that have the same size. */
		do {
			leaf_set(pt, table, i, gaon_pte_leaf(pa, prot));
			va += step;
			pa += step;
			bytes -= step;
		} while (++i < GAON_PT_ENTRIES && bytes >= step &&
			 run_level(va, pa, bytes) == level);
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_map);

/* Takes out what lies below @table in [va, va + bytes), which is inside of it. */
static int table_unmap(struct gaon_pt *pt, struct gaon_pt_table *table, u64 va, u64 bytes,
		       struct gaon_pt_reserve *reserve)
{
	u64 size = level_bytes(table->level);

	while (bytes) {
		unsigned int i = gaon_pt_index(va, table->level);
		u64 step = min(bytes, size - (va & (size - 1)));
		struct gaon_pt_table *low = table->level ? table->child[i] : NULL;
		int err;

		if (step < size && !low && table->pte[i]) {
			low = leaf_split(pt, table, i, reserve);
			if (!low)
				return -ENOMEM;
		}
		if (step < size && low) {
			err = table_unmap(pt, low, va, step, reserve);
			if (err)
				return err;
		}
		if (table->pte[i] && (step == size || (low && !low->live))) {
			pte_store(&table->pte[i], 0);
			table->live--;
			pt->stale = true;
			if (low) {
				table->child[i] = NULL;
				table_kill(pt, low);
			} else {
				pt->leaves[table->level]--;
			}
		}
		va += step;
		bytes -= step;
	}
	return 0;
}

/**
 * gaon_pt_unmap() - take out a range
 * @pt: serialised by the caller
 * @va: device address, page-aligned
 * @bytes: a multiple of pages
 * @reserve: by gaon_pt_reserve()
 *
 * Return: 0, or -ENOMEM by a fault of the driver.
 */
int gaon_pt_unmap(struct gaon_pt *pt, u64 va, u64 bytes, struct gaon_pt_reserve *reserve)
{
	return table_unmap(pt, pt->root, va, bytes, reserve);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_pt_unmap);
