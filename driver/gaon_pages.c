// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Pages of host objects: from the DMA API, so that none is ever bounced, and charged to the memory
 * cgroup of the process that asks (TTM's pool does not charge them, and keeps what was freed for
 * anybody). A cgroup that is full is told so: nobody is killed for it.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include <drm/ttm/ttm_tt.h>

#ifdef CONFIG_X86
#include <asm/set_memory.h>
#endif

#include "gaon_pages.h"

#define PAGES_ORDER_MAX	(ilog2(SZ_2M) - PAGE_SHIFT)	/* of a piece: that of a large leaf */
#define PAGES_GFP	(GFP_USER | __GFP_ZERO | __GFP_ACCOUNT | __GFP_NOWARN)
#define PAGES_ATTRS	(DMA_ATTR_FORCE_CONTIGUOUS | DMA_ATTR_NO_WARN)

/* A piece at page @at; its first page remembers where the CPU sees it, and its order below that. */
static int piece_alloc(struct device *dev, struct ttm_tt *tt, u32 at, unsigned int order)
{
	gfp_t gfp = PAGES_GFP | (order ? __GFP_NORETRY | __GFP_NOMEMALLOC : __GFP_RETRY_MAYFAIL);
	struct page *page;
	dma_addr_t dma;
	void *cpu;
	u32 i;

	cpu = dma_alloc_attrs(dev, PAGE_SIZE << order, &dma, gfp, PAGES_ATTRS);
	if (!cpu)
		return -ENOMEM;
	page = is_vmalloc_addr(cpu) ? vmalloc_to_page(cpu) : virt_to_page(cpu);
	for (i = 0; i < 1u << order; i++) {
		tt->pages[at + i] = page + i;
		tt->dma_address[at + i] = dma + ((u64)i << PAGE_SHIFT);
	}
	set_page_private(page, (unsigned long)cpu | order);
	return 0;
}

static void pieces_free(struct device *dev, struct ttm_tt *tt, u32 count)
{
	u32 at, step;

	for (at = 0; at < count; at += step) {
		struct page *page = tt->pages[at];
		unsigned long piece = page_private(page);

		step = 1u << (piece & ~PAGE_MASK);
		set_page_private(page, 0);
		dma_free_attrs(dev, (size_t)step << PAGE_SHIFT, (void *)(piece & PAGE_MASK),
			       tt->dma_address[at], PAGES_ATTRS);
		memset(&tt->pages[at], 0, step * sizeof(*tt->pages));
	}
}

/* What the CPU's mappings of it are, the kernel's are too. */
static int pages_set_caching(struct ttm_tt *tt, enum ttm_caching caching)
{
#ifdef CONFIG_X86
	if (caching == ttm_write_combined)
		return set_pages_array_wc(tt->pages, tt->num_pages);
	if (tt->caching == ttm_write_combined)
		return set_pages_array_wb(tt->pages, tt->num_pages);
#endif
	return 0;
}

/**
 * gaon_pages_alloc() - allocate all pages of an object, zeroed
 * @dev: that reaches them
 * @tt: with room for pages and addresses
 *
 * Sleeps. In pieces as large as there are.
 *
 * Return: 0 or -ENOMEM.
 */
int gaon_pages_alloc(struct device *dev, struct ttm_tt *tt)
{
	unsigned int order = PAGES_ORDER_MAX;
	u32 at = 0;
	int err = 0;

	while (at < tt->num_pages && !err) {
		order = min_t(unsigned int, order, ilog2(tt->num_pages - at));
		err = piece_alloc(dev, tt, at, order);
		if (!err) {
			at += 1u << order;
		} else if (order) {
			order--;
			err = 0;
		}
	}
	if (!err)
		err = pages_set_caching(tt, tt->caching);
	if (err)
		pieces_free(dev, tt, at);
	return err;
}

/** gaon_pages_free() - free what gaon_pages_alloc() allocated; sleeps */
void gaon_pages_free(struct device *dev, struct ttm_tt *tt)
{
	pages_set_caching(tt, ttm_cached);
	pieces_free(dev, tt, tt->num_pages);
}
