// SPDX-License-Identifier: MIT
/*
 * Calls to the file. Those that only ask are short and many, five for each launch of some programs, and take
 * no longer than it takes to look at the clock: they are counted, and told of now and then.
 */
#include <pthread.h>
#include <string.h>

#include "prof.h"

#define KEPT_NS		1000000		/* of a thread's time, before it tells of them */

const bool tool_untimed[GAON_CALLS] = {
	[GAON_CALL_VERSION] = true, [GAON_CALL_STATUS_NAME] = true, [GAON_CALL_LAST_ERROR] = true,
	[GAON_CALL_MEM_VA] = true, [GAON_CALL_MEM_PTR] = true, [GAON_CALL_MEM_SIZE] = true,
	[GAON_CALL_ADDRESS_GET_INFO] = true, [GAON_CALL_POINTER_GET_INFO] = true,
	[GAON_CALL_KERNEL_GET_DESC] = true,
};

static _Thread_local struct {
	uint32_t count[GAON_CALLS];
	uint32_t all;
	uint64_t told_ns;
	bool settled;			/* the thread's end will be noticed */
} kept;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void kept_put(uint64_t now)
{
	struct prof_call out = { .thread = layer_thread(), .begin_ns = now, .end_ns = now };

	for (uint32_t i = 0; i < GAON_CALLS && kept.all && layer_watched(); i++) {
		if (!kept.count[i])
			continue;
		out.call = i;
		out.count = kept.count[i];
		watch_file_put(PROF_CALL, &out, sizeof(out), NULL, 0);
	}
	memset(kept.count, 0, sizeof(kept.count));
	kept.all = 0;
	kept.told_ns = now;
}

void prof_calls_put(void)
{
	if (kept.all)
		kept_put(layer_now());
}

static void thread_ends(void *arg)
{
	(void)arg;
	prof_calls_put();
}

static void key_make(void)
{
	pthread_key_create(&key, thread_ends);
}

static void count(enum gaon_call call)
{
	kept.count[call]++;
	/* A thread that does nothing else is not waited for until it ends. */
	if (++kept.all == UINT16_MAX)
		prof_calls_put();
	if (kept.settled)
		return;
	pthread_once(&once, key_make);
	pthread_setspecific(key, &kept);
	kept.settled = true;
}

void tool_called(const struct layer_span *span, enum gaon_status status)
{
	struct prof_call call = { .call = span->call, .thread = span->thread, .begin_ns = span->begin_ns,
				  .end_ns = span->end_ns, .status = status, .count = 1 };

	if (tool_untimed[call.call]) {
		if (!status) {
			count(call.call);
			return;
		}
		call.begin_ns = call.end_ns = layer_now();
	}
	if (kept.all && call.end_ns - kept.told_ns > KEPT_NS)
		kept_put(call.begin_ns);
	watch_file_put(PROF_CALL, &call, sizeof(call), NULL, 0);
}
