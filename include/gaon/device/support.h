/* SPDX-License-Identifier: MIT */
/*
 * The four functions that the compiler may call whatever the source says.  Nobody includes this:
 * gaoncc compiles it as a source file, with -fno-builtin so that no loop here becomes a call to
 * itself, and links it into every module; the linker drops what is unused.
 */
#ifndef GAON_DEVICE_SUPPORT_H
#define GAON_DEVICE_SUPPORT_H
#ifdef __riscv

#include <stddef.h>
#include <stdint.h>

#define GAON_SUPPORT __attribute__((visibility("hidden"), used))

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

GAON_SUPPORT void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	for (size_t i = 0; i < n; i++)
		d[i] = s[i];
	return dst;
}

GAON_SUPPORT void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	/* Strip by strip, so that each is read whole before it is written. */
	if ((uintptr_t)d - (uintptr_t)s >= n) {
		while (n) {
			size_t vl;

			__asm__ volatile("vsetvli %0, %3, e8, m8, ta, ma\n\t"
					 "vle8.v v8, (%2)\n\tvse8.v v8, (%1)"
					 : "=&r"(vl) : "r"(d), "r"(s), "r"(n)
					 : "memory", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
					   "v15");
			d += vl;
			s += vl;
			n -= vl;
		}
		return dst;
	}
	while (n) {
		size_t vl;

		__asm__ volatile("vsetvli %0, %1, e8, m8, ta, ma" : "=r"(vl) : "r"(n));
		n -= vl;
		__asm__ volatile("vsetvli zero, %2, e8, m8, ta, ma\n\t"
				 "vle8.v v8, (%1)\n\tvse8.v v8, (%0)"
				 : : "r"(d + n), "r"(s + n), "r"(vl)
				 : "memory", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15");
	}
	return dst;
}

GAON_SUPPORT void *memset(void *dst, int value, size_t n)
{
	uint8_t *d = dst;

	for (size_t i = 0; i < n; i++)
		d[i] = (uint8_t)value;
	return dst;
}

GAON_SUPPORT int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (size_t i = 0; i < n; i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return 0;
}

#endif
#endif
