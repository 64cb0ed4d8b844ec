/* SPDX-License-Identifier: MIT */
/*
 * Numbers of four bytes, two neighbours as one element of eight: groups of a power of two come together
 * by halving, and what belongs to a group is handed back to each by doubling.
 */
#ifndef GAON_OPS_NEIGHBOURS_H
#define GAON_OPS_NEIGHBOURS_H

#include <gaon/device.h>

#include "alias.h"
#include "loops.h"

#define MAGNITUDE	0x7fffffffu

/* @n pairs: the larger magnitude as bits, which are ordered like integers; NaN is the largest. */
GAON_INLINE void neighbours_abs(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t low = (uint32_t)from[i] & MAGNITUDE;
		uint32_t high = (uint32_t)(from[i] >> 32) & MAGNITUDE;

		to[i] = low > high ? low : high;
	}
}

/* @n pairs: the larger of two bit patterns. */
GAON_INLINE void neighbours_max(any_u32 *restrict to, const any_u64 *restrict from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t low = (uint32_t)from[i], high = (uint32_t)(from[i] >> 32);

		to[i] = low > high ? low : high;
	}
}

GAON_INLINE void neighbours_twice(any_u64 *restrict to, const any_u32 *restrict from, uint64_t n)
{
	WIDE_64
	for (uint64_t i = 0; i < n; i++)
		to[i] = from[i] * 0x100000001ull;
}

/*
 * Each of @n numbers 1 << @times times in a row, @times at least 1; @spare has room for a half and a
 * quarter of the result.
 */
GAON_INLINE void neighbours_spread(void *to, const void *from, uint64_t n, unsigned int times,
				   any_u32 *const spare[2])
{
	for (unsigned int i = 1; i <= times; i++, n *= 2) {
		any_u32 *next = i == times ? to : spare[(times - i - 1) & 1];

		neighbours_twice((any_u64 *)next, from, n);
		from = next;
	}
}

#endif
