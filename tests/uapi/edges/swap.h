/* SPDX-License-Identifier: MIT */
/* A place to swap to: a disk of compressed memory. Both are results; the first ends a program if it fails. */
#ifndef GAON_TESTS_UAPI_SWAP_H
#define GAON_TESTS_UAPI_SWAP_H

void swap_on(void);
void swap_off(void);

#endif
