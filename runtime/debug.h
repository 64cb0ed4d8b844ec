/* SPDX-License-Identifier: MIT */
/*
 * What a debugger, a tools library (tools/tools.h), is told of a process's devices. It is called on the
 * program's threads, with locks of the runtime's held, none of a winsys's; it may call winsys functions but
 * none of libgaon's. Set before any call, by gaon_tools_start(), or never.
 */
#ifndef GAON_RUNTIME_DEBUG_H
#define GAON_RUNTIME_DEBUG_H

#include "winsys/winsys.h"

struct gaon_debug_kernel {
	const char *name;
	uint64_t entry;			/* device address */
};

/* A loaded program; all of it is the caller's, for the time of the call. */
struct gaon_debug_module {
	uint64_t va, bytes;
	uint64_t bias;			/* of an address in the file: the device's is that much above it */
	const void *file;
	size_t size;
	const struct gaon_debug_kernel *kernels;
	uint32_t kernel_count;
};

struct gaon_debugger {
	void (*device_opened)(struct gaon_winsys *ws, struct gaon_ws_context *ctx);
	void (*device_closed)(struct gaon_ws_context *ctx);
	void (*queue_made)(struct gaon_ws_context *ctx, struct gaon_ws_queue *queue);
	void (*queue_gone)(struct gaon_ws_queue *queue);	/* it will be: the last moment to use it */
	void (*module_loaded)(struct gaon_ws_context *ctx, const struct gaon_debug_module *module);
	void (*module_unloaded)(struct gaon_ws_context *ctx, uint64_t va);
};

/* NULL: nobody debugs. Queues that are made while it is set can be, where the device has it. */
extern const struct gaon_debugger *rt_debugger;

#endif
