// SPDX-License-Identifier: MIT
#include "common.h"

#include <errno.h>

int winsys_queue_check(uint32_t ring_log2, uint8_t priority)
{
	return ring_log2 < GAON_RING_LOG2_MIN || ring_log2 > GAON_RING_LOG2_MAX ||
	       priority >= GAON_PRIORITIES ? -EINVAL : 0;
}

int winsys_bo_check(uint64_t bytes)
{
	if (!bytes)
		return -EINVAL;
	return bytes > WINSYS_BO_BYTES_MAX ? -ENOMEM : 0;
}

int winsys_bo_check_part(uint64_t bo_bytes, uint64_t offset, uint64_t bytes)
{
	return (offset | bytes) & (GAON_PAGE_SIZE - 1) || offset > bo_bytes ||
	       bytes > bo_bytes - offset ? -EINVAL : 0;
}

void winsys_print_start(struct gaon_print_ring *ring)
{
	ring->size = WINSYS_PRINT_WORDS;
	ring->limit = WINSYS_PRINT_WORDS;
}

size_t winsys_debug_move(struct gaon_ws_context *ctx, uint64_t va, void *data, size_t bytes, bool write,
			 size_t (*piece)(struct gaon_ws_context *ctx, uint64_t va, uint8_t *data,
					 size_t bytes, bool write))
{
	size_t done = 0, moved;

	do {
		moved = piece(ctx, va + done, (uint8_t *)data + done, bytes - done, write);
		done += moved;
	} while (moved && done < bytes);
	return done;
}
