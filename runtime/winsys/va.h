/* SPDX-License-Identifier: MIT */
/*
 * Device addresses of a context. They are the user's to choose, so that both implementations choose
 * them here, in the same way: large ranges aligned for large leaves, reuse put off, and one page free
 * behind each range, so that running over its end faults. The caller locks.
 */
#ifndef GAON_WINSYS_VA_H
#define GAON_WINSYS_VA_H

#include "../extent.h"

/* Addresses from @start to @end, exclusive. False if out of memory. */
bool winsys_va_init(struct extents *set, uint64_t start, uint64_t end);
/* Of the user half, between @min and @max: not the first 4 GiB, small numbers are no addresses. */
bool winsys_va_init_user(struct extents *set, uint64_t min, uint64_t max);
/* 0 or -ENOSPC. @bytes is a multiple of the page size. */
int winsys_va_take(struct extents *set, uint64_t bytes, uint64_t *va);
void winsys_va_put(struct extents *set, uint64_t va, uint64_t bytes);

/*
 * The whole pages that hold [@ptr, @ptr + @bytes) of the caller. False if they are more than an
 * address space holds.
 */
bool winsys_user_pages(void *ptr, uint64_t bytes, uint8_t **start, uint64_t *length);
/* Is every one of these pages mapped (and, at the ends, writable)? */
bool winsys_user_mapped(uint8_t *start, uint64_t bytes, bool writable);

#endif
