/* SPDX-License-Identifier: MIT */
/* Arguments of the benchmark kernels, the same for host and device: addresses as 64-bit integers. */
#ifndef GAON_TESTS_BENCH_KERNELS_H
#define GAON_TESTS_BENCH_KERNELS_H

#include <stdint.h>

struct bench_saxpy_args {
	uint64_t y, x;
	uint64_t count;
	float a;
	uint32_t reserved;
};

struct bench_softmax_args {
	uint64_t out, in;
	uint64_t rows;
	uint32_t columns;
	uint32_t reserved;
};

/* result: per workgroup, two words: {checksum, instructions retired}. */
struct bench_scalar_args {
	uint64_t result;
	uint32_t iterations;
	uint32_t reserved;
};

struct bench_nothing_args {
	uint64_t unused;
};

#endif
