/* SPDX-License-Identifier: MIT */
#ifndef GAON_CLOCK_H
#define GAON_CLOCK_H

#include <stdint.h>
#include <time.h>

/** rt_now_ns() - nanoseconds of the monotonic clock, for deadlines and spans */
static inline uint64_t rt_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

#endif
