/* SPDX-License-Identifier: MIT */
/* Allocations of the kernel, or copies of user memory, that fail one by one: /proc/thread-self/fail-nth. */
#ifndef GAON_TESTS_UAPI_FAIL_INJECT_H
#define GAON_TESTS_UAPI_FAIL_INJECT_H

#include <stdbool.h>
#include <stdint.h>

enum inject_kind {
	INJECT_ALLOC,	/* any allocation, of slabs and of pages, also those that may wait */
	INJECT_COPY,	/* any copy from or to user memory in an ioctl of DRM */
};

/* For INJECT_ALLOC. Ends the program if it cannot. */
void inject_init(void);
void inject_set(enum inject_kind kind);
/* The n-th of them from now on that this thread causes fails; from 1. */
void inject_at(uint32_t n);
/* No more; whether one has failed. */
bool inject_end(void);
/* No more; how many there were since inject_at(@n), of which none has failed. */
uint32_t inject_end_count(uint32_t n);

#endif
