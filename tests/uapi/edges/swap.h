/* SPDX-License-Identifier: MIT */
/*
 * A place to swap to: a disk of compressed memory, of so many bytes as it is told. Both are results; the
 * first ends a program if it fails.
 */
#ifndef GAON_TESTS_UAPI_SWAP_H
#define GAON_TESTS_UAPI_SWAP_H

#include <stdint.h>

#define SWAP_SMALL	(64ull << 20)

void swap_on(uint64_t bytes);
void swap_off(void);

#endif
