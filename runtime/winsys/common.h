/* SPDX-License-Identifier: MIT */
/*
 * What both implementations of the winsys must do alike: limits of arguments, sizes, the print ring.
 * All of it is thread-safe.
 */
#ifndef GAON_WINSYS_COMMON_H
#define GAON_WINSYS_COMMON_H

#include <hw/gaon_pte.h>

#include "winsys.h"

#define WINSYS_BO_BYTES_MAX	(1ull << 46)	/* of one object */
#define WINSYS_PRINT_WORDS	32768ull	/* 256 KiB */
#define WINSYS_PRINT_BYTES	(sizeof(struct gaon_print_ring) + WINSYS_PRINT_WORDS * sizeof(uint64_t))

/** winsys_pages() - @bytes, at most WINSYS_BO_BYTES_MAX, rounded up to whole pages */
static inline uint64_t winsys_pages(uint64_t bytes)
{
	return (bytes + GAON_PAGE_SIZE - 1) & ~(GAON_PAGE_SIZE - 1);
}

/** winsys_ring_bytes() - of a queue's packets; its state block lies behind them */
static inline uint64_t winsys_ring_bytes(uint32_t ring_log2)
{
	return sizeof(struct gaon_packet) << ring_log2;
}

/** winsys_queue_bytes() - of a queue's ring and state block */
static inline uint64_t winsys_queue_bytes(uint32_t ring_log2)
{
	return winsys_ring_bytes(ring_log2) + sizeof(struct gaon_queue_state);
}

/** winsys_queue_check() - 0, or -EINVAL for what no queue can have */
int winsys_queue_check(uint32_t ring_log2, uint8_t priority);

/** winsys_bo_check() - 0, -EINVAL for an object of no bytes, -ENOMEM for one that is never to be had */
int winsys_bo_check(uint64_t bytes);

/**
 * winsys_bo_check_part() - whether whole pages of an object are meant
 * @bo_bytes: of the object
 * @offset: of the part
 * @bytes: of the part, may be 0
 *
 * Return: 0 or -EINVAL.
 */
int winsys_bo_check_part(uint64_t bo_bytes, uint64_t offset, uint64_t bytes);

/**
 * winsys_debug_move() - read or write memory for a debugger, piece by piece
 * @ctx: the context, locked as @piece needs it
 * @va: device address
 * @data: where to, or from
 * @bytes: more than 0
 * @piece: moves up to the end of a page at most, and returns how much; 0: nothing is there
 *
 * Return: the number of bytes moved, up to the first that is not there.
 */
size_t winsys_debug_move(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write,
			 size_t (*piece)(struct gaon_ws_context *ctx, uint64_t va, uint8_t *data,
					 size_t bytes, bool write));

/** winsys_print_start() - make @ring, WINSYS_PRINT_BYTES of zeros, an empty print ring */
void winsys_print_start(struct gaon_print_ring *ring);

#endif
