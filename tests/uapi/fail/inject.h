/* SPDX-License-Identifier: MIT */
/* Allocations of the kernel that fail, one by one: /proc/thread-self/fail-nth. */
#ifndef GAON_TESTS_UAPI_FAIL_INJECT_H
#define GAON_TESTS_UAPI_FAIL_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Lets any allocation fail, of slabs and of pages, also those that may wait. Ends the program if it
 * cannot.
 */
void inject_init(void);
/* The n-th allocation from now on that this thread causes fails; from 1. */
void inject_at(uint32_t n);
/* No more; whether one has failed. */
bool inject_end(void);

#endif
