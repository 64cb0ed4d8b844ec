/* SPDX-License-Identifier: MIT */
/* Loops over dense f32 that the compiler vectorises. */
#ifndef GAON_OPS_LOOPS_H
#define GAON_OPS_LOOPS_H

/* In place or apart: what is read at i is not written at another place before. */
#define INDEPENDENT	_Pragma("clang loop vectorize(assume_safety)")

/*
 * The same with groups of eight registers, which leaves four of them: for loops that hold up to three
 * values.  Half the instructions of the compiler's choice.
 */
#define WIDE		_Pragma("clang loop vectorize(assume_safety) vectorize_width(16, scalable)")

/* For elements of eight bytes. */
#define WIDE_64		_Pragma("clang loop vectorize(assume_safety) vectorize_width(8, scalable)")

#define LOOP_AS(how, expression)							\
	do {										\
		how									\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = x[i];							\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

#define LOOP2_AS(how, expression)							\
	do {										\
		how									\
		for (uint64_t i = 0; i < n; i++) {					\
			float v = a[i], w = b[i];					\
											\
			y[i] = (expression);						\
		}									\
	} while (0)

/* y[i] = @expression of v = x[i] */
#define LOOP(expression)	LOOP_AS(INDEPENDENT, expression)
#define LOOP_WIDE(expression)	LOOP_AS(WIDE, expression)

/* y[i] = @expression of v = a[i] and w = b[i] */
#define LOOP2(expression)	LOOP2_AS(INDEPENDENT, expression)
#define LOOP2_WIDE(expression)	LOOP2_AS(WIDE, expression)

#endif
