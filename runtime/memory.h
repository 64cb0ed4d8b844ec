/* SPDX-License-Identifier: MIT */
#ifndef GAON_RUNTIME_MEMORY_H
#define GAON_RUNTIME_MEMORY_H

#include "device.h"

struct rt_mem {
	struct obj obj;
	struct rt_device *dev;
	struct gaon_ws_bo *bo;
	enum gaon_mem_kind kind;
	uint64_t va, bytes;
	void *ptr;
};

/* The handle is dead and no work uses it any more. */
void rt_mem_unmake(struct rt_mem *m);
/* Until work that may use memory is over: before it is freed. */
enum gaon_status rt_mem_quiesce(struct rt_device *dev, const char *what);

#endif
