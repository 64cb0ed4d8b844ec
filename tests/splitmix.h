/* SPDX-License-Identifier: MIT */
/* splitmix64: the random numbers of tests, the same on every machine from the same seed. */
#ifndef GAON_TESTS_SPLITMIX_H
#define GAON_TESTS_SPLITMIX_H

#include <stdint.h>

/** splitmix64_next() - the next number; @state is the seed at first */
static inline uint64_t splitmix64_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
