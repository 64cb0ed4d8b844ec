/* SPDX-License-Identifier: MIT */
/*
 * What the profiler writes while the program runs and `gaon prof` reads afterwards: records of
 * watch/file.h.
 */
#ifndef GAON_PROF_FORMAT_H
#define GAON_PROF_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "../file.h"

#define PROF_MAGIC	"GAONPROF"
#define PROF_VERSION	2	/* 1 had all of struct prof_op always */
#define PROF_NEVER	UINT64_MAX	/* a cycle that was not stamped */
#define PROF_NAME	64

enum prof_type {
	PROF_CALL = 1, PROF_DEVICE, PROF_STREAM, PROF_KERNEL, PROF_OP, PROF_COUNTERS,
	PROF_TYPES,
};

#define PROF_CALLBACK	UINT32_MAX	/* no call: the program's function ran on a thread of libgaon */

struct prof_call {
	uint32_t call;			/* enum gaon_call, or PROF_CALLBACK */
	uint32_t thread;
	uint64_t begin_ns, end_ns;
	int32_t status;
	uint32_t count;			/* calls: several of those that only ask, which have no times */
};

struct prof_device {
	uint32_t device;		/* numbers count from 0 in the process */
	uint32_t clock_khz, cores, copy_engines;
	uint32_t matrix_arrays, matrix_dim, hbm_mbps, host_mbps;
	uint32_t modelled;
	uint32_t reserved;
	char name[PROF_NAME], product[PROF_NAME];
};

struct prof_stream {
	uint32_t device, stream;
	uint32_t priority;
	uint32_t reserved;
	char name[PROF_NAME];
};

struct prof_kernel {
	uint32_t kernel;
	uint32_t reserved;
	char name[PROF_NAME];
};

enum prof_op_kind {
	PROF_LAUNCH, PROF_TO_DEVICE, PROF_TO_HOST, PROF_WITHIN, PROF_PEER, PROF_FILL, PROF_KINDS,
};

#define PROF_NO_STREAM	UINT32_MAX	/* a blocking copy, in no stream */
#define PROF_NO_GRAPH	UINT32_MAX

/* What the device did, told when it is known to be done. */
struct prof_op {
	uint32_t device, stream;
	uint32_t kind;
	uint32_t kernel;		/* of a launch */
	uint32_t grid[3];
	uint32_t graph;			/* number of the replay in the process */
	uint64_t bytes;			/* of copies and fills */
	uint64_t begin_cycle, end_cycle;
	uint64_t submit_ns;		/* when the call that gave it began */
	uint64_t seen_ns;		/* the latest at which it was done */
	uint32_t thread;		/* that gave it */
	uint32_t counted;		/* the counters below are of it alone; 0: they are not there */
	uint64_t matrix_busy, core_busy, dma_busy, hbm_bytes, host_bytes, instructions;
};

#define PROF_OP_UNCOUNTED	offsetof(struct prof_op, matrix_busy)

/* The device's clock and counters beside the host's clock. */
struct prof_counters {
	uint32_t device;
	uint32_t reserved;
	uint64_t host_ns, cycle;
	uint64_t core_busy, matrix_busy, dma_busy, copy_busy;
	uint64_t hbm_read, hbm_written, host_read, host_written;
	uint64_t packets, launches, workgroups, instructions, faults, preemptions, energy_uj;
	uint32_t power_mw;
	int32_t temperature_mc;
};

#endif
