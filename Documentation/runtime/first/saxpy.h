/* SPDX-License-Identifier: MIT */
/* What host and device agree on: the kernel's arguments. Device addresses are 64-bit numbers. */
#include <stdint.h>

struct saxpy_args {
	uint64_t x, y;
	uint64_t count;
	float a;
};
