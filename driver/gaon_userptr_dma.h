/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_USERPTR_DMA_H_
#define _GAON_USERPTR_DMA_H_

#include <linux/types.h>

struct device;
struct gaon_userptr_dma;
struct page;

/* ERR_PTR of -ENOMEM; of -EOPNOTSUPP: the device cannot use such pages itself. */
struct gaon_userptr_dma *gaon_userptr_dma_map(struct device *dev, struct page **pages,
					      unsigned long count, u64 addr, bool write);
void gaon_userptr_dma_unmap(struct gaon_userptr_dma *dma);
void gaon_userptr_dma_free(struct gaon_userptr_dma *dma);

/* Bus address of a byte, and how many follow it without a gap. */
u64 gaon_userptr_dma_run(const struct gaon_userptr_dma *dma, u64 at, dma_addr_t *addr);

#endif
