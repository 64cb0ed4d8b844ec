/* SPDX-License-Identifier: MIT */
/*
 * Plain accesses to guest memory of any alignment.  Other harts may access the same bytes at the
 * same time; aligned accesses are single-copy atomic, as RVWMO wants.
 */
#ifndef GAON_SIM_GUEST_H
#define GAON_SIM_GUEST_H

#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the model reads guest memory in place and wants a little-endian host"
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUEST_TSAN	1
#endif
#endif

/* Byte copies that may race: used off the fast path. */
static inline void guest_copy_in(void *to, const uint8_t *guest, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = __atomic_load_n(guest + i, __ATOMIC_RELAXED);
}

static inline void guest_copy_out(uint8_t *guest, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		__atomic_store_n(guest + i, ((const uint8_t *)from)[i], __ATOMIC_RELAXED);
}

#ifdef GUEST_TSAN
#define GUEST_ACCESS(T)									\
static inline T guest_read_##T(const uint8_t *p)					\
{											\
	T v;										\
											\
	if (!((uintptr_t)p % sizeof(T)))						\
		return __atomic_load_n((const T *)(const void *)p, __ATOMIC_RELAXED);	\
	guest_copy_in(&v, p, sizeof(v));						\
	return v;									\
}											\
static inline void guest_write_##T(uint8_t *p, T v)					\
{											\
	if (!((uintptr_t)p % sizeof(T)))						\
		__atomic_store_n((T *)(void *)p, v, __ATOMIC_RELAXED);			\
	else										\
		guest_copy_out(p, &v, sizeof(v));					\
}
#else
/* One host instruction each; volatile, so that the compiler neither splits nor repeats it. */
#define GUEST_ACCESS(T)									\
struct guest_##T { T v; } __attribute__((packed, may_alias));				\
static inline T guest_read_##T(const uint8_t *p)					\
{											\
	return ((const volatile struct guest_##T *)(const void *)p)->v;			\
}											\
static inline void guest_write_##T(uint8_t *p, T v)					\
{											\
	((volatile struct guest_##T *)(void *)p)->v = v;				\
}
#endif

GUEST_ACCESS(uint8_t)
GUEST_ACCESS(uint16_t)
GUEST_ACCESS(uint32_t)
GUEST_ACCESS(uint64_t)

#endif
