/* SPDX-License-Identifier: MIT */
/*
 * What tools libraries share: each of libgaon's functions goes through a wrapper that
 * runtime/tools/calls.py makes, around libgaon's own or around the tool's hook of it.
 */
#ifndef GAON_WATCH_LAYER_H
#define GAON_WATCH_LAYER_H

#include <runtime/tools/tools.h>

struct layer_span {
	uint64_t begin_ns;		/* CLOCK_MONOTONIC; 0 of calls that are not timed */
	uint64_t end_ns;		/* set by layer_end() */
	enum gaon_call call;
	uint32_t thread;
};

/* libgaon's own functions. */
extern struct gaon_calls next;

uint64_t layer_now(void);
/* As the kernel numbers it. */
uint32_t layer_thread(void);

/* The process is, as a child that was forked is not. */
bool layer_watched(void);
/* False: the process is not watched, which a child that was forked is not; call libgaon's own. */
bool layer_begin(struct layer_span *span, enum gaon_call call);
void layer_end(struct layer_span *span, enum gaon_status status);

/* Each tool's: calls of which it does not want the times. */
extern const bool tool_untimed[GAON_CALLS];
/* Each tool's: a call is over. */
void tool_called(const struct layer_span *span, enum gaon_status status);
/* Each tool's: begin. False with @why: not. */
bool tool_start(char *why, size_t size);

/* Made by calls.py: the wrappers into the table. */
void layer_fill(struct gaon_calls *calls);

#endif
