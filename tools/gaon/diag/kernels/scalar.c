// SPDX-License-Identifier: MIT
/* Every scalar instruction on operands of the host's; the host knows the results. */
#include <gaon/device.h>

#include "../diag_args.h"

#define BINARY_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		uint64_t r;								\
											\
		__asm__ volatile(text " %0, %1, %2" : "=r"(r) : "r"(a[i]), "r"(b[i]));	\
		out[i] = r;								\
	}										\
	out += n;

#define UNARY_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		uint64_t r;								\
											\
		__asm__ volatile(text " %0, %1" : "=r"(r) : "r"(a[i]));			\
		out[i] = r;								\
	}										\
	out += n;

GAON_KERNEL(diag_integer, struct diag_scalar_args, GAON_STACK(8192))
{
	const uint64_t n = args->count;
	const uint64_t *a = (const uint64_t *)args->a, *b = (const uint64_t *)args->b;
	uint64_t *out = (uint64_t *)args->out + gaon_core() * DIAG_INTEGERS * n;

	DIAG_INTEGER(BINARY_)
	DIAG_MULTIPLY(BINARY_)
	DIAG_BITS(BINARY_)
	DIAG_BITS1(UNARY_)
}

/* A number's bits with zeros above. */
static inline uint64_t bits_s(float f) { uint32_t u; __builtin_memcpy(&u, &f, 4); return u; }
static inline uint64_t bits_d(double f) { uint64_t u; __builtin_memcpy(&u, &f, 8); return u; }
static inline uint64_t bits_h(_Float16 f) { uint16_t u; __builtin_memcpy(&u, &f, 2); return u; }

#define FLOAT2_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		T x = (T)a[i], y = (T)b[i], r;						\
											\
		__asm__ volatile(text " %0, %1, %2" : "=f"(r) : "f"(x), "f"(y));	\
		out[i] = BITS(r);							\
	}										\
	out += n;
#define FLOAT3_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		T x = (T)a[i], y = (T)b[i], z = (T)b[n - 1 - i], r;			\
											\
		__asm__ volatile(text " %0, %1, %2, %3" : "=f"(r) : "f"(x), "f"(y), "f"(z));	\
		out[i] = BITS(r);							\
	}										\
	out += n;
#define FLOAT_TEST_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		T x = (T)a[i], y = (T)b[i];						\
		uint64_t r;								\
											\
		__asm__ volatile(text " %0, %1, %2" : "=r"(r) : "f"(x), "f"(y));	\
		out[i] = r;								\
	}										\
	out += n;
#define FLOAT_TO_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		T x = (T)a[i];								\
		uint64_t r;								\
											\
		__asm__ volatile(text " %0, %1" : "=r"(r) : "f"(x));			\
		out[i] = r;								\
	}										\
	out += n;
#define FLOAT_FROM_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		uint64_t x = (uint64_t)(int64_t)b[i];					\
		T r;									\
											\
		__asm__ volatile(text " %0, %1" : "=f"(r) : "r"(x));			\
		out[i] = BITS(r);							\
	}										\
	out += n;
#define FLOAT1_(text, from, to, bits)							\
	for (uint64_t i = 0; i < n; i++) {						\
		from x = (from)b[i];							\
		to r;									\
											\
		__asm__ volatile(text " %0, %1" : "=f"(r) : "f"(x));			\
		out[i] = bits(r);							\
	}										\
	out += n;
#define FORMAT_(f)					\
	DIAG_FLOAT2(FLOAT2_, f)				\
	DIAG_FLOAT3(FLOAT3_, f)				\
	DIAG_FLOAT_TEST(FLOAT_TEST_, f)			\
	DIAG_FLOAT_TO(FLOAT_TO_, f)			\
	DIAG_FLOAT_FROM(FLOAT_FROM_, f)			\
	FLOAT1_("fsqrt." #f, T, T, BITS)

GAON_KERNEL(diag_float, struct diag_scalar_args, GAON_STACK(8192))
{
	const uint64_t n = args->count;
	const double *a = (const double *)args->a, *b = (const double *)args->b;
	uint64_t *out = (uint64_t *)args->out + gaon_core() * DIAG_FLOATS * n;

#define T	float
#define BITS	bits_s
	FORMAT_(s)
#undef T
#undef BITS
#define T	double
#define BITS	bits_d
	FORMAT_(d)
#undef T
#undef BITS
#define T	_Float16
#define BITS	bits_h
	FORMAT_(h)
#undef T
#undef BITS
	FLOAT1_("fcvt.s.d", double, float, bits_s)
	FLOAT1_("fcvt.d.s", float, double, bits_d)
}

/* In its own words of memory: what was there, then what is there. */
#define ATOMIC_(name, text)								\
	for (uint64_t i = 0; i < n; i++) {						\
		uint64_t r;								\
											\
		*cell = a[i];								\
		__asm__ volatile(text ".aqrl %0, %2, (%1)" : "=r"(r) : "r"(cell), "r"(b[i]) : "memory");	\
		out[i] = r;								\
		out[n + i] = *cell;							\
	}										\
	out += 2 * n;

GAON_KERNEL(diag_atomic, struct diag_scalar_args, GAON_STACK(8192))
{
	const uint64_t n = args->count;
	const uint64_t *a = (const uint64_t *)args->a, *b = (const uint64_t *)args->b;
	uint64_t *out = (uint64_t *)args->out + gaon_core() * (2 * DIAG_ATOMICS * n + 8);
	volatile uint64_t *cell = out + 2 * DIAG_ATOMICS * n;

	DIAG_ATOMIC(ATOMIC_)
	for (uint64_t i = 0; i < n; i++) {
		uint64_t r, failed;

		*cell = a[i];
		__asm__ volatile("lr.d.aqrl %0, (%2)\n\tsc.d.aqrl %1, %3, (%2)"
				 : "=&r"(r), "=&r"(failed) : "r"(cell), "r"(b[i]) : "memory");
		out[i] = r + failed;
		out[n + i] = *cell;
	}
}
