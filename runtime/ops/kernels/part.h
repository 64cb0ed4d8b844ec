/* SPDX-License-Identifier: MIT */
/*
 * The part of an operator that this core has.  Launched by itself an operator is shared by the launch's
 * workgroups; in a sequence (sequence.c) by some of them.  Then tp says which: compiled code leaves it
 * alone, it is 0 when a workgroup starts, and it costs a kernel no argument.
 */
#ifndef GAON_OPS_PART_H
#define GAON_OPS_PART_H

#include <gaon/device/core.h>

#ifdef __riscv

/* Parts in the upper half, this one in the lower; 0: those of the launch. It stays while a kernel runs. */
GAON_INLINE uint64_t ops_part_get(void)
{
	uint64_t value;

	__asm__("mv %0, tp" : "=r"(value));
	return value;
}

GAON_INLINE void ops_part_set(uint32_t parts, uint32_t part)
{
	__asm__ volatile("mv tp, %0" : : "r"((uint64_t)parts << 32 | part) : "memory");
}

#else

GAON_INLINE uint64_t ops_part_get(void) { return 0; }

#endif

GAON_INLINE uint32_t ops_parts(void)
{
	uint64_t value = ops_part_get();

	return value ? (uint32_t)(value >> 32) : gaon_workgroups();
}

GAON_INLINE uint32_t ops_part(void)
{
	uint64_t value = ops_part_get();

	return value ? (uint32_t)value : gaon_wg_linear();
}

/* gaon_share() of an operator. */
GAON_INLINE struct gaon_range ops_share(uint64_t n, uint64_t granule)
{
	return gaon_share_of(n, granule, ops_parts(), ops_part());
}

#endif
