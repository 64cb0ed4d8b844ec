// SPDX-License-Identifier: MIT
/* Records into the file; data that is there already is not written again. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INLINE_MOST  256
#define STREAM_LOCKS 64
#define LOCK_SECONDS 1

struct seen {
	uint64_t at, bytes, number;	/* where in the file it is */
	uint32_t sum;
};

static pthread_mutex_t data_lock = PTHREAD_MUTEX_INITIALIZER; /* all of seen, data_count */
static struct seen *seen;
static uint64_t seen_room, data_count;
static _Atomic uint64_t call_count;
static _Thread_local bool put, locked;
static pthread_mutex_t stream_locks[STREAM_LOCKS] = {
	[0 ... STREAM_LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER,
};

/* --- data ------------------------------------------------------------------------------------- */

static uint64_t place_of(uint32_t sum, uint64_t bytes)
{
	return (sum ^ bytes << 32) * 0x9e3779b97f4a7c15ull >> 20;
}

static bool seen_grow(void)
{
	uint64_t room = seen_room ? 2 * seen_room : 1024;
	struct seen *table = calloc(room, sizeof(*table));

	if (!table)
		return false;
	for (uint64_t i = 0; i < seen_room; i++) {
		uint64_t at = place_of(seen[i].sum, seen[i].bytes);

		if (!seen[i].number)
			continue;
		while (table[at & (room - 1)].number)
			at++;
		table[at & (room - 1)] = seen[i];
	}
	free(seen);
	seen = table;
	seen_room = room;
	return true;
}

/* What has the same check sum and length is compared with what the file has. */
static uint64_t data_number(const void *data, uint64_t bytes)
{
	uint32_t sum = watch_file_sum(data, bytes);
	struct record_data head;
	uint64_t at, where;

	pthread_mutex_lock(&data_lock);
	if (2 * (data_count + 1) > seen_room && !seen_grow()) {
		head.number = ++data_count;
		watch_file_put(RECORD_DATA, &head, sizeof(head), data, bytes);
		pthread_mutex_unlock(&data_lock);
		return head.number;
	}
	for (at = place_of(sum, bytes); seen[at & (seen_room - 1)].number; at++) {
		const struct seen *s = &seen[at & (seen_room - 1)];

		if (s->sum == sum && s->bytes == bytes && watch_file_has(s->at, data, bytes)) {
			head.number = s->number;
			pthread_mutex_unlock(&data_lock);
			return head.number;
		}
	}
	head.number = ++data_count;
	/* Under the lock: whoever finds it is behind it in the file. */
	where = watch_file_put_data(RECORD_DATA, &head, sizeof(head), data, bytes, sum);
	if (where)
		seen[at & (seen_room - 1)] = (struct seen){ where, bytes, head.number, sum };
	pthread_mutex_unlock(&data_lock);
	return head.number;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Calls that only ask, one behind the other: they are many. */
static _Thread_local struct {
	const char *name;
	uint64_t count;
	enum gaon_status status;
} asked;

static void asked_put(void)
{
	struct record_call call = { .op = RECORD_OTHER,
				    .a = asked.count,
				    .status = (int32_t)asked.status };
	const char *name = asked.name;

	asked.name = NULL;
	asked.count = 0;
	if (name)
		record_put(&call, name, strlen(name));
}

void record_asked(const char *name, enum gaon_status status)
{
	if (status)
		record_program_failed();
	if (asked.name != name || asked.status != status)
		asked_put();
	asked.name = name;
	asked.status = status;
	asked.count++;
	record_was_put();
}

uint64_t record_put(struct record_call *call, const void *data, uint64_t bytes)
{
	if (asked.name)
		asked_put();
	call->number = atomic_fetch_add(&call_count, 1) + 1;
	call->thread = layer_thread();
	call->data_bytes = bytes;
	call->data = bytes > INLINE_MOST ? data_number(data, bytes) : 0;
	watch_file_put(RECORD_CALL, call, sizeof(*call), data, call->data ? 0 : bytes);
	put = true;
	return call->number;
}

void record_done(struct record_call *call, enum gaon_status status, const void *data,
		 uint64_t bytes)
{
	if (status)
		record_program_failed();
	call->status = (int32_t)status;
	record_put(call, data, bytes);
}

enum gaon_status record_result(uint64_t number, enum gaon_status status)
{
	if (status)
		record_done(&(struct record_call){ .op = RECORD_FAILED, .a = number }, status, NULL,
			    0);
	return status;
}

bool record_was_put(void)
{
	bool was = put;

	put = false;
	return was;
}

void record_warn(const char *text)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static const char *told[16];
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < 16 && told[i] && told[i] != text; i++)
		;
	if (i < 16 && !told[i]) {
		told[i] = text;
		watch_file_put(RECORD_WARNING, text, strlen(text), NULL, 0);
		fprintf(stderr, "gaon record: warning: %s\n", text);
	}
	pthread_mutex_unlock(&lock);
}

/* --- streams ---------------------------------------------------------------------------------- */

static pthread_mutex_t *stream_lock(const void *stream)
{
	return &stream_locks[((uintptr_t)stream * 0x9e3779b97f4a7c15ull) >> 58];
}

/*
 * Not in callbacks: a call that waits for room in a stream may hold the lock, and wait for the very
 * callback. Nor for ever: what it waits for may be another thread's, which got here. Two calls at a
 * time then have some order, as they have for libgaon.
 */
void record_stream_lock(const void *stream)
{
	struct timespec until;

	if (record_in_callback)
		return;
	if (!pthread_mutex_trylock(stream_lock(stream))) {
		locked = true;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOCK_SECONDS;
	locked = !pthread_mutex_timedlock(stream_lock(stream), &until);
}

void record_stream_unlock(const void *stream)
{
	record_host_given(stream);
	if (locked)
		pthread_mutex_unlock(stream_lock(stream));
	locked = false;
}
