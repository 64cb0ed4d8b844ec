/* SPDX-License-Identifier: MIT */
/* gaon prof: what the profiler wrote (tools/watch/prof), read and made sense of. */
#ifndef GAON_TOOLS_PROF_H
#define GAON_TOOLS_PROF_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include <runtime/calls.h>

#include "../../watch/prof/format.h"

/* Records of a kind, as they lie in the file. */
struct prof_list {
	const void **at;
	size_t count, room;
};

/* Where a device's cycles are on the host's clock. */
struct prof_point {
	uint64_t cycle, host_ns;
	enum { PROF_NOT_BEFORE, PROF_EXACTLY, PROF_NOT_AFTER } how;
};

struct prof_map {
	struct prof_point *points;
	size_t count;
};

/* One process of the program's. */
struct prof_process {
	void *file;
	size_t bytes;
	const struct watch_header *header;
	struct prof_list lists[PROF_TYPES];
	const struct prof_kernel **kernels;	/* by number */
	const struct prof_device **devices;
	struct prof_map *maps;			/* one a device */
	uint32_t kernel_count, device_count;
	uint64_t begin_ns, end_ns;		/* of its calls */
};

struct prof_trace {
	struct prof_process *processes;
	size_t count;
};

/*
 * load.c: all files of @directory. False, with a line on standard error, if there are none or one is
 * damaged.
 */
bool prof_load(struct prof_trace *trace, const char *directory);
bool prof_load_file(struct prof_process *p, const char *path);
void prof_free(struct prof_trace *trace);
const char *prof_kernel_name(const struct prof_process *p, uint32_t kernel);
const char *prof_call_name(uint32_t call);
/* launch, "host to device", ... */
const char *prof_kind_name(uint32_t kind);

/* clock.c */
bool prof_maps_make(struct prof_process *p);
uint64_t prof_host_of(const struct prof_map *map, uint64_t cycle);
/* When @op was on the device, on the host's clock; false if it is not known. */
bool prof_op_when(const struct prof_process *p, const struct prof_op *op, uint64_t *begin_ns,
		  uint64_t *end_ns);
/* Nanoseconds of the device's own time; 0 if it was not stamped. */
double prof_op_device_ns(const struct prof_process *p, const struct prof_op *op);

/* summary.c, text.c */
json_t *prof_summary(const struct prof_trace *trace);
void prof_print(FILE *out, json_t *summary);
/* trace.c: for Perfetto. False, told of, if it cannot be written; nothing is left then. */
bool prof_write_trace(const struct prof_trace *trace, const char *path);
/* roofline.c */
bool prof_write_roofline(const struct prof_trace *trace, const char *path);

#endif
