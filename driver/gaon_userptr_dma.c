// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A process' pages, mapped for DMA. Behind an IOMMU all of them become one range of bus addresses,
 * entered and taken out with one invalidation, however scattered they are; without one, pages that
 * follow each other become one run.
 */
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "gaon_compat.h"
#include "gaon_userptr_dma.h"

#define DMA_PARTS	2

/** struct dma_run - bytes whose bus addresses follow each other */
struct dma_run {
	/** @at: offset of the first. */
	u64 at;
	/** @addr: its bus address. */
	dma_addr_t addr;
};

/** struct gaon_userptr_dma - what was mapped at once, and is unmapped at once */
struct gaon_userptr_dma {
	/** @dev: for which device. */
	struct device *dev;
	/** @dir: who may write. */
	enum dma_data_direction dir;
	/** @bytes: of it. */
	u64 bytes;
	/** @part: in order; each a range behind an IOMMU. */
	struct sg_table part[DMA_PARTS];
	/** @parts: of @part that are mapped. */
	unsigned int parts;
	/** @run: the runs, ascending. */
	struct dma_run *run;
	/** @runs: of them. */
	unsigned long runs;
};

/*
 * Whether pages may have to be copied to where the device can reach them: the first one is tried,
 * since nothing is known of any before.
 */
static int dma_try(struct device *dev, struct page *page, enum dma_data_direction dir)
{
	dma_addr_t addr;
	bool copied;

	if (dma_max_mapping_size(dev) == SIZE_MAX)
		return 0;
	addr = dma_map_page(dev, page, 0, PAGE_SIZE, dir);
	if (dma_mapping_error(dev, addr))
		return -ENOMEM;
	copied = gaon_compat_dma_is_copy(dev, addr);
	dma_unmap_page(dev, addr, PAGE_SIZE, dir);
	return copied ? -EOPNOTSUPP : 0;
}

static int part_map(struct gaon_userptr_dma *dma, struct page **pages, unsigned long count)
{
	struct sg_table *part = &dma->part[dma->parts];
	size_t most = min_t(size_t, dma_max_mapping_size(dma->dev), UINT_MAX);
	int err;

	if (count > UINT_MAX)
		return -ENOMEM;
	err = sg_alloc_table_from_pages_segment(part, pages, count, 0, count << PAGE_SHIFT,
						ALIGN_DOWN(most, PAGE_SIZE), GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	err = dma_map_sgtable(dma->dev, part, dma->dir, 0);
	if (err) {
		sg_free_table(part);
		/* Another device's memory, which this one does not reach. */
		return err == -EREMOTEIO ? -EOPNOTSUPP : -ENOMEM;
	}
	dma->parts++;
	return 0;
}

static int runs_fill(struct gaon_userptr_dma *dma)
{
	dma_addr_t next = 0;
	struct scatterlist *sg;
	unsigned long count = 0;
	unsigned int i, k;
	u64 at = 0;

	for (k = 0; k < dma->parts; k++)
		count += dma->part[k].nents;
	dma->run = kvmalloc_array(count, sizeof(*dma->run), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!dma->run)
		return -ENOMEM;
	for (k = 0; k < dma->parts; k++) {
		for_each_sgtable_dma_sg(&dma->part[k], sg, i) {
			/* A copy of a page is of no use to a device that works on its own. */
			if (gaon_compat_dma_is_copy(dma->dev, sg_dma_address(sg)))
				return -EOPNOTSUPP;
			if (!at || sg_dma_address(sg) != next)
				dma->run[dma->runs++] = (struct dma_run) { at, sg_dma_address(sg) };
			at += sg_dma_len(sg);
			next = sg_dma_address(sg) + sg_dma_len(sg);
		}
	}
	return at == dma->bytes ? 0 : -EOPNOTSUPP;
}

/**
 * gaon_userptr_dma_map() - map pages for DMA
 * @dev: the device
 * @pages: the pages in order
 * @count: how many
 * @addr: the process' address of the first
 * @write: the device may write
 *
 * What lies before the first whole 2 MiB of the process' addresses is a range of its own, so that
 * in the other large pages of the process are aligned and stay whole in the IOMMU. Sleeps and
 * allocates.
 *
 * Return: to be unmapped, then freed; ERR_PTR of -ENOMEM, or -EOPNOTSUPP: the device cannot use
 * such pages itself.
 */
struct gaon_userptr_dma *gaon_userptr_dma_map(struct device *dev, struct page **pages,
					      unsigned long count, u64 addr, bool write)
{
	unsigned long head = PFN_DOWN(ALIGN(addr, SZ_2M) - addr);
	struct gaon_userptr_dma *dma;
	int err;

	dma = kzalloc_obj(*dma, GFP_KERNEL_ACCOUNT);
	if (!dma)
		return ERR_PTR(-ENOMEM);
	dma->dev = dev;
	dma->dir = write ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
	dma->bytes = (u64)count << PAGE_SHIFT;
	if (count < head + PFN_DOWN(SZ_2M))
		head = 0;
	err = dma_try(dev, pages[0], dma->dir);
	if (!err && head)
		err = part_map(dma, pages, head);
	if (!err)
		err = part_map(dma, pages + head, count - head);
	if (!err)
		err = runs_fill(dma);
	if (err) {
		gaon_userptr_dma_unmap(dma);
		gaon_userptr_dma_free(dma);
		return ERR_PTR(err);
	}
	return dma;
}

/**
 * gaon_userptr_dma_unmap() - the device uses it no more
 * @dma: mapped
 *
 * Allocates nothing, frees no memory, and waits for nothing but the IOMMU: fit for notifiers.
 */
void gaon_userptr_dma_unmap(struct gaon_userptr_dma *dma)
{
	unsigned int k;

	for (k = 0; k < dma->parts; k++)
		dma_unmap_sgtable(dma->dev, &dma->part[k], dma->dir, 0);
}

/** gaon_userptr_dma_free() - unmapped, or NULL */
void gaon_userptr_dma_free(struct gaon_userptr_dma *dma)
{
	unsigned int k;

	if (!dma)
		return;
	for (k = 0; k < dma->parts; k++)
		sg_free_table(&dma->part[k]);
	kvfree(dma->run);
	kfree(dma);
}

/**
 * gaon_userptr_dma_run() - where a byte is
 * @dma: mapped
 * @at: offset of the byte
 * @addr: its bus address
 *
 * Return: bytes from there on whose addresses follow each other.
 */
u64 gaon_userptr_dma_run(const struct gaon_userptr_dma *dma, u64 at, dma_addr_t *addr)
{
	unsigned long first = 0, end = dma->runs;

	while (end - first > 1) {
		unsigned long middle = first + (end - first) / 2;

		if (dma->run[middle].at <= at)
			first = middle;
		else
			end = middle;
	}
	*addr = dma->run[first].addr + (at - dma->run[first].at);
	return (end < dma->runs ? dma->run[end].at : dma->bytes) - at;
}
