/* SPDX-License-Identifier: MIT */
/*
 * Atomics on local HBM and on the scratchpad; on host or peer memory they fault, and so they do on
 * a misaligned address.  Relaxed unless the name says otherwise: use gaon_mem_release() before and
 * gaon_mem_acquire() after to order other accesses of the core.
 */
#ifndef GAON_DEVICE_ATOMIC_H
#define GAON_DEVICE_ATOMIC_H

#include <stdint.h>

#include <gaon/device/core.h>

GAON_INLINE void gaon_mem_acquire(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
GAON_INLINE void gaon_mem_release(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
GAON_INLINE void gaon_mem_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* Each returns the value before the operation. */
#define GAON_ATOMIC_OPS(suffix, type)							\
GAON_INLINE type gaon_atomic_add_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);				\
}											\
GAON_INLINE type gaon_atomic_and_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_and(p, v, __ATOMIC_RELAXED);				\
}											\
GAON_INLINE type gaon_atomic_or_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_or(p, v, __ATOMIC_RELAXED);				\
}											\
GAON_INLINE type gaon_atomic_xor_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED);				\
}											\
GAON_INLINE type gaon_atomic_swap_##suffix(type *p, type v)				\
{											\
	return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL);				\
}											\
GAON_INLINE type gaon_atomic_min_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_min(p, v, __ATOMIC_RELAXED);				\
}											\
GAON_INLINE type gaon_atomic_max_##suffix(type *p, type v)				\
{											\
	return __atomic_fetch_max(p, v, __ATOMIC_RELAXED);				\
}											\
/* True if *p was *expected and is now v; else *expected is what it was. */		\
GAON_INLINE int gaon_atomic_cas_##suffix(type *p, type *expected, type v)		\
{											\
	return __atomic_compare_exchange_n(p, expected, v, 0, __ATOMIC_ACQ_REL,		\
					   __ATOMIC_ACQUIRE);				\
}											\
GAON_INLINE type gaon_atomic_load_##suffix(const type *p)				\
{											\
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);					\
}											\
GAON_INLINE void gaon_atomic_store_##suffix(type *p, type v)				\
{											\
	__atomic_store_n(p, v, __ATOMIC_RELEASE);					\
}

GAON_ATOMIC_OPS(u32, uint32_t)
GAON_ATOMIC_OPS(i32, int32_t)
GAON_ATOMIC_OPS(u64, uint64_t)
GAON_ATOMIC_OPS(i64, int64_t)

/* By compare and swap. The order of additions, and so the last bits of a sum, is not fixed. */
GAON_INLINE float gaon_atomic_add_f32(float *p, float v)
{
	uint32_t old = __atomic_load_n((uint32_t *)p, __ATOMIC_RELAXED), set;
	float was;

	do {
		__builtin_memcpy(&was, &old, sizeof(was));
		was += v;
		__builtin_memcpy(&set, &was, sizeof(set));
	} while (!__atomic_compare_exchange_n((uint32_t *)p, &old, set, 0, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	__builtin_memcpy(&was, &old, sizeof(was));
	return was;
}

#endif
