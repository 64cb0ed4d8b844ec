/* SPDX-License-Identifier: MIT */
/* FNV-1a of 64 bits: tells results of two runs apart that should be the same. */
#ifndef GAON_TESTS_HASH_H
#define GAON_TESTS_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 0xcbf29ce484222325ull

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
	for (const uint8_t *at = data; bytes--; at++)
		hash = (hash ^ *at) * 0x100000001b3ull;
	return hash;
}

#endif
