/* SPDX-License-Identifier: MIT */
#ifndef GAON_RUNTIME_SEMAPHORE_H
#define GAON_RUNTIME_SEMAPHORE_H

#include "stream.h"

struct rt_sem_shared;

struct rt_semaphore {
	struct obj obj;
	struct rt_device *dev;
	struct rt_sem_shared *shared;	/* the object's reference to it */
};

/* The handle is dead; work of streams that still uses it goes on. */
void rt_semaphore_unmake(struct rt_semaphore *s);

#endif
