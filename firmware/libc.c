// SPDX-License-Identifier: MIT
/* The few library functions that a freestanding compiler and this firmware call. */
#include "fw.h"

static bool word_aligned(const void *a, const void *b, size_t len)
{
	return !(((uintptr_t)a | (uintptr_t)b | len) & 3);
}

void *memcpy(void *dst, const void *src, size_t len)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (word_aligned(dst, src, len)) {
		uint32_t *dw = dst;
		const uint32_t *sw = src;

		for (; len; len -= 4)
			*dw++ = *sw++;
		return dst;
	}
	while (len--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d <= s)
		return memcpy(dst, src, len);
	while (len--)
		d[len] = s[len];
	return dst;
}

void *memset(void *dst, int value, size_t len)
{
	uint8_t *d = dst;

	if (word_aligned(dst, dst, len)) {
		uint32_t *dw = dst;
		uint32_t word = (uint8_t)value * 0x01010101u;

		for (; len; len -= 4)
			*dw++ = word;
		return dst;
	}
	while (len--)
		*d++ = (uint8_t)value;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

bool fw_is_zero(const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		if (*p++)
			return false;
	return true;
}
