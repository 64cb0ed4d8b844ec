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

/*
 * What has memory (bo, va, bytes, ptr) becomes the program's; on failure it is taken apart and the object
 * freed.
 */
enum gaon_status rt_mem_adopt(struct rt_device *dev, struct rt_mem *m, enum gaon_mem_kind kind,
			      bool readonly, struct gaon_mem **out);
/* The handle is dead and no work uses it any more. */
void rt_mem_unmake(struct rt_mem *m);
/*
 * One reference to what the device may be using less. True if it was the last, work that may use it is over
 * and the handle is dead: the caller takes it apart. On failure the reference is kept.
 */
bool rt_mem_release(struct obj *obj, const char *what, enum gaon_status *status);

#endif
