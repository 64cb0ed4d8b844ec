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
/* 0 or -ENOSPC. @bytes is a multiple of the page size. */
int winsys_va_take(struct extents *set, uint64_t bytes, uint64_t *va);
void winsys_va_put(struct extents *set, uint64_t va, uint64_t bytes);

/*
 * The user half: its first three quarters are for the objects that programs ask for, the last for the
 * library's own, rings and the like (GAON_WS_BO_OWN). So what a program gets does not depend on those,
 * and another run can have its objects at the same addresses, also on another kind of device.
 */
struct winsys_va {
	struct extents program, own;
	uint64_t border;
};

/* Between @min and @max, but not the first 4 GiB: small numbers are no addresses. */
bool winsys_va_init_user(struct winsys_va *va, uint64_t min, uint64_t max);
void winsys_va_fini_user(struct winsys_va *va);
/* 0 or -ENOSPC. @flags: GAON_WS_BO_OWN or not. */
int winsys_va_take_user(struct winsys_va *set, uint64_t bytes, uint32_t flags, uint64_t *va);
/* Exactly there: 0 or -EADDRINUSE. */
int winsys_va_take_at(struct winsys_va *set, uint64_t va, uint64_t bytes);
void winsys_va_put_user(struct winsys_va *set, uint64_t va, uint64_t bytes);

/*
 * The whole pages that hold [@ptr, @ptr + @bytes) of the caller. False if they are more than an
 * address space holds.
 */
bool winsys_user_pages(void *ptr, uint64_t bytes, uint8_t **start, uint64_t *length);
/* Is every one of these pages mapped (and, at the ends, writable)? */
bool winsys_user_mapped(uint8_t *start, uint64_t bytes, bool writable);

#endif
