/* SPDX-License-Identifier: MIT */
/*
 * The debugger's part in the program's process. target.c keeps what can be debugged and what is stopped,
 * agent.c has the thread that waits for stops and for gdb, and the runtime's callbacks.
 */
#ifndef GAON_DEBUG_AGENT_H
#define GAON_DEBUG_AGENT_H

#include <pthread.h>

#include <runtime/debug.h>

#include "stub.h"

/* Of everything here; the runtime's callbacks take it too. */
extern pthread_mutex_t agent_lock;

/* What a stop was for. */
struct target_stop {
	size_t thread;			/* index of the one that gdb is told of */
	uint8_t signal;			/* NONE: nothing happened that anybody asked for */
	bool entry;			/* a kernel that was waited for begins */
	bool libraries;			/* there are modules that gdb does not know of */
};

/* The runtime's callbacks, lock held. */
void target_device(struct gaon_winsys *ws, struct gaon_ws_context *ctx);
void target_device_closed(struct gaon_ws_context *ctx);
void target_queue_made(struct gaon_ws_context *ctx, struct gaon_ws_queue *queue);
void target_queue_gone(struct gaon_ws_queue *queue);
void target_module_loaded(struct gaon_ws_context *ctx, const struct gaon_debug_module *module);
void target_module_unloaded(struct gaon_ws_context *ctx, uint64_t va);

/* Kernels by that name are stopped at when they begin; "": all; NULL: none. Also of what is loaded later. */
void target_wait_for_entry(const char *kernel);
/* From now on modules that are loaded make a stop when their first kernel begins, for gdb to hear of them. */
void target_tell_modules(void);
/* Has a queue stopped by itself? */
bool target_has_stopped(void);
/* Stop all queues and look at what is there. */
void target_stop_all(struct target_stop *stop);
/* The device, or NULL. */
struct gaon_winsys *target_winsys(void);
/* Only some of what stood was let go on. */
bool target_partial(void);
/* The same again, after a stop that was not for any of them; false: none of them is there any more. */
bool target_resume_same(void);
/* Everything; after target_detach() faults take place. */
void target_resume_all(void);
/* A stop that gdb has not been told of lies behind the one that it was: resuming is put off. */
void target_hold_back(void);
bool target_held_back(void);

/* breaks.c: ebreak instructions in memory */
struct target_break {
	uint64_t va;
	uint8_t bytes, saved[4];
	bool user, entry;
};

/* NULL: there is none */
const struct target_break *breaks_at(uint64_t va);
bool breaks_set(struct gaon_winsys *ws, struct gaon_ws_context *ctx, uint64_t va, unsigned int bytes,
		bool entry);
bool breaks_clear(struct gaon_winsys *ws, struct gaon_ws_context *ctx, uint64_t va, bool entry);
void breaks_clear_all(struct gaon_winsys *ws, struct gaon_ws_context *ctx, bool user, bool entry);
/* Memory went away. */
void breaks_forget(uint64_t va, uint64_t bytes);
/* What was read from @va on, as if they were not there; what is written there goes below them. */
void breaks_hide(uint64_t va, uint8_t *data, size_t bytes);
void breaks_write(uint64_t va, uint8_t *data, size_t bytes);

#endif
