/* SPDX-License-Identifier: MIT */
/*
 * printf and assert.  The device stores the format's address and the arguments; the host formats.
 * When the ring is full the record is dropped and counted, never waited for.
 */
#ifndef GAON_DEVICE_PRINT_H
#define GAON_DEVICE_PRINT_H

#include <stdint.h>

#include <hw/gaon_kernel.h>

#include <gaon/device/core.h>

/**
 * gaon_printf() - print from a kernel
 * @...: a literal format and at most 16 arguments: integers, floating point, pointers, and for %s
 *	strings that live in the module (literals, constants)
 *
 * Reaches the host with the kernel's name, the workgroup and the source line.
 */
#ifdef __riscv

#define gaon_printf(...)								\
	do {										\
		if (0)									\
			__builtin_printf(__VA_ARGS__);					\
		gaon_print_(GAON_PRINT_PRINTF, __VA_ARGS__);				\
	} while (0)

/**
 * gaon_assert() - stop the launch with a record if @cond does not hold
 *
 * The stream reports an assertion fault with kernel, workgroup, file and line.
 */
#define gaon_assert(cond)								\
	do {										\
		if (__builtin_expect(!(cond), 0)) {					\
			gaon_print_emit(GAON_PRINT_ASSERT, #cond, __FILE__, __LINE__, 0, 0);\
			__asm__ volatile("ebreak");					\
			__builtin_unreachable();					\
		}									\
	} while (0)

#define GAON_NTH_(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16,	\
		  n, ...) n
#define GAON_COUNT_(...) GAON_NTH_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3,	\
				   2, 1, 0, 0)
#define GAON_JOIN_(a, b) GAON_JOIN2_(a, b)
#define GAON_JOIN2_(a, b) a##b
#define GAON_MAP0_(f)
#define GAON_MAP1_(f, x) f(x)
#define GAON_MAP2_(f, x, ...) f(x), GAON_MAP1_(f, __VA_ARGS__)
#define GAON_MAP3_(f, x, ...) f(x), GAON_MAP2_(f, __VA_ARGS__)
#define GAON_MAP4_(f, x, ...) f(x), GAON_MAP3_(f, __VA_ARGS__)
#define GAON_MAP5_(f, x, ...) f(x), GAON_MAP4_(f, __VA_ARGS__)
#define GAON_MAP6_(f, x, ...) f(x), GAON_MAP5_(f, __VA_ARGS__)
#define GAON_MAP7_(f, x, ...) f(x), GAON_MAP6_(f, __VA_ARGS__)
#define GAON_MAP8_(f, x, ...) f(x), GAON_MAP7_(f, __VA_ARGS__)
#define GAON_MAP9_(f, x, ...) f(x), GAON_MAP8_(f, __VA_ARGS__)
#define GAON_MAP10_(f, x, ...) f(x), GAON_MAP9_(f, __VA_ARGS__)
#define GAON_MAP11_(f, x, ...) f(x), GAON_MAP10_(f, __VA_ARGS__)
#define GAON_MAP12_(f, x, ...) f(x), GAON_MAP11_(f, __VA_ARGS__)
#define GAON_MAP13_(f, x, ...) f(x), GAON_MAP12_(f, __VA_ARGS__)
#define GAON_MAP14_(f, x, ...) f(x), GAON_MAP13_(f, __VA_ARGS__)
#define GAON_MAP15_(f, x, ...) f(x), GAON_MAP14_(f, __VA_ARGS__)
#define GAON_MAP16_(f, x, ...) f(x), GAON_MAP15_(f, __VA_ARGS__)

GAON_INLINE uint64_t gaon_print_int(long long v) { return (uint64_t)v; }
GAON_INLINE uint64_t gaon_print_ptr(const volatile void *v) { return (uintptr_t)v; }
GAON_INLINE uint64_t gaon_print_float(double v)
{
	uint64_t bits;

	__builtin_memcpy(&bits, &v, sizeof(bits));
	return bits;
}

#define GAON_PRINT_ARG_(x) _Generic((x),						\
	float: gaon_print_float, double: gaon_print_float, _Float16: gaon_print_float,	\
	_Bool: gaon_print_int, char: gaon_print_int, signed char: gaon_print_int,	\
	unsigned char: gaon_print_int, short: gaon_print_int,				\
	unsigned short: gaon_print_int, int: gaon_print_int, unsigned int: gaon_print_int,\
	long: gaon_print_int, unsigned long: gaon_print_int,				\
	long long: gaon_print_int, unsigned long long: gaon_print_int,			\
	default: gaon_print_ptr)(x)

/* The leading 0 keeps the array legal without arguments; it is not part of the record. */
#define gaon_print_(kind, ...) gaon_print2_(kind, __VA_ARGS__)
#define gaon_print2_(kind, format, ...)							\
	do {										\
		const uint64_t gaon_print_args_[] = { 0, __VA_OPT__(			\
			GAON_JOIN_(GAON_MAP, GAON_JOIN_(GAON_COUNT_(0, __VA_ARGS__), _))	\
				(GAON_PRINT_ARG_, __VA_ARGS__)) };			\
		gaon_print_emit(kind, format, __FILE__, __LINE__, gaon_print_args_ + 1,	\
				sizeof(gaon_print_args_) / sizeof(uint64_t) - 1);	\
	} while (0)

/* One record into the context's ring: reserve, fill, publish by storing the head last. */
__attribute__((weak, noinline, visibility("hidden")))
void gaon_print_emit(uint64_t kind, const char *format, const char *file, uint32_t line,
		     const uint64_t *args, uint64_t count);
__attribute__((weak, noinline, visibility("hidden")))
void gaon_print_emit(uint64_t kind, const char *format, const char *file, uint32_t line,
		     const uint64_t *args, uint64_t count)
{
	struct gaon_print_ring *ring;
	uint64_t words = GAON_PRINT_HEADER_WORDS + count, at, mask;

	ring = (struct gaon_print_ring *)GAON_CSR_CONST(GAON_CSR_PRINT_VA);
	if (!ring)
		return;
	/* Only a record that fits is reserved: a later, shorter one may still find room. */
	at = __atomic_load_n(&ring->write, __ATOMIC_RELAXED);
	do {
		if (at + words > __atomic_load_n(&ring->limit, __ATOMIC_ACQUIRE)) {
			__atomic_fetch_add(&ring->dropped, 1, __ATOMIC_RELAXED);
			return;
		}
	} while (!__atomic_compare_exchange_n(&ring->write, &at, at + words, 0, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	mask = ring->size - 1;
	ring->data[(at + 1) & mask] = (uintptr_t)format;
	ring->data[(at + 2) & mask] = gaon_wg_linear() | (uint64_t)line << 32;
	ring->data[(at + 3) & mask] = (uintptr_t)file;
	ring->data[(at + 4) & mask] = gaon_launch_id();
	for (uint64_t i = 0; i < count; i++)
		ring->data[(at + GAON_PRINT_HEADER_WORDS + i) & mask] = args[i];
	__atomic_store_n(&ring->data[at & mask], kind << 56 | words << 48 | gaon_launch_tag(),
			 __ATOMIC_RELEASE);
}

#else

int printf(const char *format, ...);
#define gaon_printf(...) ((void)printf(__VA_ARGS__))
#define gaon_assert(cond)								\
	do {										\
		if (__builtin_expect(!(cond), 0)) {					\
			printf("%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #cond);\
			__builtin_trap();						\
		}									\
	} while (0)

#endif
#endif
