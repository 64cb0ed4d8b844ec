/* SPDX-License-Identifier: MIT */
/*
 * What the client lets the device reach: I/O addresses, and the memory files behind them.
 *
 * A file is mapped once, as a whole, however many regions lie in it: an emulated IOMMU makes one of
 * every page.  A region without a file is reached by messages (vfu_channel_dma()).
 */
#ifndef GAON_SIM_VFIO_DMA_H
#define GAON_SIM_VFIO_DMA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

#define VFU_FILES_MAX	64

struct vfu_file {
	dev_t dev;
	ino_t ino;
	bool writable;
	uint8_t *base;			/* NULL: the entry is free */
	uint64_t bytes;
	unsigned int regions;
	int guard;
};

struct vfu_dma {
	pthread_rwlock_t lock;		/* the tree: looked up by the model's threads */
	void *tree;			/* <search.h>, by address */
	unsigned int count;
	/* the session's thread only */
	struct vfu_file files[VFU_FILES_MAX];
	atomic_bool lost;		/* a file is shorter than it was: see guard.h */
};

/* Take away what was removed: called between removal and unmapping, if the device may have used it. */
typedef void (*vfu_quiesce_fn)(void *ctx);

void vfu_dma_init(struct vfu_dma *dma);
void vfu_dma_fini(struct vfu_dma *dma);

/**
 * vfu_dma_map() - a new region
 * @fd: the memory behind it, which stays the caller's; -1: reached by messages
 *
 * Return: 0; -EINVAL (alignment, flags, more than the file has), -EEXIST (overlaps another region),
 * -ENOSPC (too many regions or files), -EACCES (file not open for what @map allows),
 * -ENOTSUP (the file is no memory), -ENOMEM.
 */
int vfu_dma_map(struct vfu_dma *dma, const struct vfu_dma_map *map, int fd);

/**
 * vfu_dma_unmap() - no region is left in [@iova, @iova + @size)
 * @bytes: how much memory that was
 *
 * Return: 0, or -EINVAL if that would cut a region in two (nothing is changed then).
 */
int vfu_dma_unmap(struct vfu_dma *dma, uint64_t iova, uint64_t size, uint64_t *bytes,
		  vfu_quiesce_fn quiesce, void *ctx);
void vfu_dma_unmap_all(struct vfu_dma *dma, uint64_t *bytes, vfu_quiesce_fn quiesce, void *ctx);

/**
 * vfu_dma_find() - where is @iova
 * @len: bytes wanted, at least 1; reduced to what is contiguous
 * @host: the pointer, or NULL if it is reached by messages
 *
 * Any thread.  Return: false if the device may not access it.
 */
bool vfu_dma_find(struct vfu_dma *dma, uint64_t iova, uint64_t *len, bool write, uint8_t **host);

#endif
