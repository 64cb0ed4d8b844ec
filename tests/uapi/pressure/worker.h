/* SPDX-License-Identifier: MIT */
/* Processes that each have more than half of HBM. */
#ifndef GAON_TESTS_UAPI_PRESSURE_WORKER_H
#define GAON_TESTS_UAPI_PRESSURE_WORKER_H

#include <sys/types.h>

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define PARTS		16u		/* HBM is so many objects */
#define OWN		10u		/* objects of a process */

/* What host and HBM hold. */
void worker_memory(int fd, struct drm_gaon_query_memory out[2]);

/** struct worker_plan - what a process does */
struct worker_plan {
	uint64_t seed;
	bool lr;			/* with a user-mode queue, else with a kernel-owned one */
	bool stands;			/* with another one, that stands for its debugger between the times */
	unsigned int rounds;		/* 0: goes on till it is killed */
	unsigned int times;		/* that it begins */
	int ready, go;
};

/*
 * Forks it, with all its memory. It says on @ready that it has that, and does its rounds when it reads a
 * byte from @go; says so again, and so on.
 */
pid_t worker_start(const struct worker_plan *plan);

#endif
