// SPDX-License-Identifier: MIT
#include "layer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct gaon_calls next;
static bool forked;
static _Thread_local uint32_t thread_number;

uint64_t layer_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint32_t layer_thread(void)
{
	if (!thread_number)
		thread_number = (uint32_t)syscall(SYS_gettid);
	return thread_number;
}

bool layer_watched(void)
{
	return !forked;
}

bool layer_begin(struct layer_span *span, enum gaon_call call)
{
	if (forked)
		return false;
	*span = (struct layer_span){ .call = call, .thread = layer_thread(),
				     .begin_ns = tool_untimed[call] ? 0 : layer_now() };
	return true;
}

void layer_end(struct layer_span *span, enum gaon_status status)
{
	span->end_ns = tool_untimed[span->call] ? 0 : layer_now();
	tool_called(span, status);
}

/* Locks of the tool may be held by threads that are not there any more, and its file is the parent's. */
static void layer_forked(void)
{
	forked = true;
}

GAON_API bool gaon_tools_start(const struct gaon_tools *tools, char *why, size_t size);

GAON_API bool gaon_tools_start(const struct gaon_tools *tools, char *why, size_t size)
{
	if (strcmp(tools->version, GAON_VERSION) || tools->bytes != sizeof(next)) {
		snprintf(why, size, "it is of version %s, libgaon of %s: install both from the same release",
			 GAON_VERSION, tools->version);
		return false;
	}
	next = *tools->calls;
	if (!tool_start(why, size))
		return false;
	pthread_atfork(NULL, NULL, layer_forked);
	layer_fill(tools->calls);
	return true;
}
