/* SPDX-License-Identifier: MIT */
/* Results one by one, "ok 1 - name", for programs that run where Check is not installed. */
#ifndef GAON_TESTS_TAP_H
#define GAON_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failures;

/* One result; the text is formatted, and says what was wrong if it was not @good. Returns @good. */
static inline bool __attribute__((format(printf, 2, 3))) tap_ok(bool good, const char *format, ...)
{
	va_list list;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
	tap_failures += !good;
	return good;
}

/* The exit status of main(). */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures || !tap_count;
}

#endif
