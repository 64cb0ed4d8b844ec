/* SPDX-License-Identifier: MIT */
/* Loops over dense f32 that the compiler vectorises. */
#ifndef GAON_OPS_LOOPS_H
#define GAON_OPS_LOOPS_H

/* In place or apart: what is read at i is not written at another place before. */
#define INDEPENDENT	_Pragma("clang loop vectorize(assume_safety)")

/* y[i] = @expression of v = x[i] */
#define LOOP(expression)								\
	do {										\
		INDEPENDENT								\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = x[i];							\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

/* y[i] = @expression of v = a[i] and w = b[i] */
#define LOOP2(expression)								\
	do {										\
		INDEPENDENT								\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = a[i], w = b[i];					\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

#endif
