/* SPDX-License-Identifier: MIT */
#ifndef GAON_TEST_RUNTIME_KERNELS_H
#define GAON_TEST_RUNTIME_KERNELS_H

#include <stdint.h>

struct conf_args {
	uint64_t va, value;
};

struct conf_saxpy_args {
	uint64_t x, y, count;
	float a;
};

/* What conf_garbage consists of in the file. */
#define CONF_GARBAGE		0x5eed1e55
#define CONF_GARBAGE_WORDS	64

#endif
