/* SPDX-License-Identifier: MIT */
/* Text of device kernels: drained from the context's print ring, formatted here. */
#ifndef GAON_RUNTIME_PRINT_H
#define GAON_RUNTIME_PRINT_H

#include "device.h"

enum gaon_status rt_print_start(struct rt_device *dev);
void rt_print_stop(struct rt_device *dev);
/* What is there now; a look at one word if there is nothing. */
void rt_print_drain(struct rt_device *dev);

#define RT_ASSERTIONS	16

/* Assertions that failed, the newest of them: element i modulo RT_ASSERTIONS is the i-th. */
struct rt_assertions {
	uint64_t count;
	struct rt_assertion {
		uint64_t launch;	/* queue << 32 | read index */
		uint32_t workgroup;
		char text[160];		/* "file:line: condition" */
	} list[RT_ASSERTIONS];
};

/* Those that were drained up to now. */
void rt_print_assertions(struct rt_device *dev, struct rt_assertions *out);

#endif
