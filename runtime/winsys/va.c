// SPDX-License-Identifier: MIT
#include "va.h"

#include <errno.h>
#include <sys/mman.h>

#include "../log.h"
#include "common.h"

#define VA_USER_START	(1ull << 32)

bool winsys_va_init(struct extents *set, uint64_t start, uint64_t end)
{
	return start < end && extents_put(set, start, end - start);
}

bool winsys_va_init_user(struct winsys_va *va, uint64_t min, uint64_t max)
{
	va->border = (max - max / 4) & ~(GAON_GIANT_SIZE - 1);
	if (winsys_va_init(&va->program, min > VA_USER_START ? min : VA_USER_START, va->border) &&
	    winsys_va_init(&va->own, va->border, max))
		return true;
	winsys_va_fini_user(va);
	return false;
}

void winsys_va_fini_user(struct winsys_va *va)
{
	extents_fini(&va->program);
	extents_fini(&va->own);
}

int winsys_va_take(struct extents *set, uint64_t bytes, uint64_t *va)
{
	uint64_t align = bytes >= GAON_GIANT_SIZE ? GAON_GIANT_SIZE :
			 bytes >= GAON_HUGE_SIZE ? GAON_HUGE_SIZE : GAON_PAGE_SIZE;

	return extents_take_next(set, bytes + GAON_PAGE_SIZE, align, va) ? 0 : -ENOSPC;
}

void winsys_va_put(struct extents *set, uint64_t va, uint64_t bytes)
{
	if (!extents_put(set, va, bytes + GAON_PAGE_SIZE))
		log_warning("lost %#llx bytes of device addresses", (unsigned long long)bytes);
}

int winsys_va_take_user(struct winsys_va *set, uint64_t bytes, uint32_t flags, uint64_t *va)
{
	return winsys_va_take(flags & GAON_WS_BO_OWN ? &set->own : &set->program, bytes, va);
}

int winsys_va_take_at(struct winsys_va *set, uint64_t va, uint64_t bytes)
{
	if (va % GAON_PAGE_SIZE || va >= set->border)
		return -EADDRINUSE;
	return extents_take_at(&set->program, va, bytes + GAON_PAGE_SIZE) ? 0 : -EADDRINUSE;
}

void winsys_va_put_user(struct winsys_va *set, uint64_t va, uint64_t bytes)
{
	winsys_va_put(va < set->border ? &set->program : &set->own, va, bytes);
}

bool winsys_user_pages(void *ptr, uint64_t bytes, uint8_t **start, uint64_t *length)
{
	uint64_t offset = (uintptr_t)ptr & (GAON_PAGE_SIZE - 1);

	*start = (uint8_t *)ptr - offset;
	if (bytes > WINSYS_BO_BYTES_MAX)
		return false;
	*length = winsys_pages(bytes + offset);
	return (uintptr_t)*start + *length >= (uintptr_t)*start;
}

/* Is every page of the range mapped (and, at its ends, writable)? A hole would be a crash later. */
bool winsys_user_mapped(uint8_t *start, uint64_t bytes, bool writable)
{
	unsigned char present[4096];
	uint64_t at, step = sizeof(present) * GAON_PAGE_SIZE;
	int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	for (at = 0; at < bytes; at += step) {
		if (mincore(start + at, bytes - at < step ? bytes - at : step, present))
			return false;
	}
	/* EINVAL: a kernel without it. */
	if (madvise(start, GAON_PAGE_SIZE, advice) && errno != EINVAL)
		return false;
	return !madvise(start + bytes - GAON_PAGE_SIZE, GAON_PAGE_SIZE, advice) || errno == EINVAL;
}
