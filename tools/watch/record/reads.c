// SPDX-License-Identifier: MIT
/*
 * Copies to the host that were given to streams: what came is put when the program learns that it
 * is there. An event behind each tells.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_NS 2000000000ull

struct read {
	struct read *next;
	struct gaon_device *dev;
	struct gaon_event *event;
	uint64_t number;
	void *ptr;
	uint64_t bytes;
	struct gaon_rect rect; /* of rows, if its size is not 0 */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* both lists */
static struct read *reads, *spare; /* spare: those with an event to use again */
static _Atomic uint32_t count;

/* --- rows ------------------------------------------------------------------------------------- */

void *record_rows(const struct gaon_rect *rect, const struct gaon_rect_end *end, uint64_t *bytes)
{
	uint64_t height = rect->height ? rect->height : 1, depth = rect->depth ? rect->depth : 1;
	uint64_t row_pitch = end->row_pitch ? end->row_pitch : rect->width;
	uint64_t slice_pitch = end->slice_pitch ? end->slice_pitch : row_pitch * height;
	uint8_t *rows, *to;

	*bytes = rect->width * height * depth;
	rows = to = malloc(*bytes ? *bytes : 1);
	for (uint64_t slice = 0; rows && slice < depth; slice++)
		for (uint64_t row = 0; row < height; row++, to += rect->width)
			memcpy(to,
			       (const uint8_t *)end->ptr + slice * slice_pitch + row * row_pitch,
			       rect->width);
	return rows;
}

/* --- reads ------------------------------------------------------------------------------------ */

static struct read *read_make(struct gaon_device *dev)
{
	struct read **link, *r;

	pthread_mutex_lock(&lock);
	for (link = &spare; *link && (*link)->dev != dev; link = &(*link)->next)
		;
	r = *link;
	if (r)
		*link = r->next;
	pthread_mutex_unlock(&lock);
	if (r)
		return r;
	r = calloc(1, sizeof(*r));
	if (r && next.event_create(dev, 0, &r->event)) {
		free(r);
		r = NULL;
	}
	if (r)
		r->dev = dev;
	return r;
}

void record_read_add(struct gaon_device *dev, struct gaon_stream *stream, uint64_t number,
		     void *ptr, uint64_t bytes, const struct gaon_rect *rect)
{
	struct read *r, **end;

	record_own_calls();
	r = read_make(dev);
	if (!r || next.event_record(stream, r->event)) {
		record_warn("a copy to the host is not checked: there is no event for it");
		if (r)
			next.event_destroy(r->event);
		free(r);
		return;
	}
	r->next = NULL;
	r->number = number;
	r->ptr = ptr;
	r->bytes = bytes;
	r->rect = rect ? *rect : (struct gaon_rect){ 0 };
	pthread_mutex_lock(&lock);
	for (end = &reads; *end; end = &(*end)->next)
		;
	*end = r;
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&count, 1);
}

static void read_put(const struct read *r, enum gaon_status status)
{
	struct record_call call = { .op = RECORD_READ_DONE, .b = r->number };
	void *rows = NULL, *data = status ? &call : r->ptr;
	uint64_t bytes = r->bytes;

	if (!status && r->rect.size)
		data = rows = record_rows(&r->rect, &r->rect.dst, &bytes);
	call.status = (int32_t)(data ? status : GAON_ERROR_OUT_OF_MEMORY);
	record_put(&call, call.status ? NULL : data, call.status ? 0 : bytes);
	free(rows);
}

void record_reads_harvest(void)
{
	struct read **link = &reads;

	if (!atomic_load(&count))
		return;
	record_own_calls();
	pthread_mutex_lock(&lock);
	while (*link) {
		struct read *r = *link;
		enum gaon_status status = next.event_query(r->event);

		if (status == GAON_ERROR_NOT_READY) {
			link = &r->next;
			continue;
		}
		read_put(r, status);
		*link = r->next;
		r->next = spare;
		spare = r;
		atomic_fetch_sub(&count, 1);
	}
	pthread_mutex_unlock(&lock);
}

/* The event of one that is to come into the range; NULL: none. */
static struct gaon_event *overlapping(const uint8_t *ptr, uint64_t bytes)
{
	struct gaon_event *event = NULL;

	pthread_mutex_lock(&lock);
	for (struct read *r = reads; r && !event; r = r->next) {
		const uint8_t *to = r->rect.size ? NULL : r->ptr;

		if (to && ptr < to + r->bytes && to < ptr + bytes)
			event = r->event;
	}
	pthread_mutex_unlock(&lock);
	return event;
}

void record_reads_settle(const void *ptr, uint64_t bytes)
{
	struct gaon_event *event;

	record_own_calls();
	while (atomic_load(&count) && (event = overlapping(ptr, bytes))) {
		enum gaon_status status = record_in_callback ? GAON_ERROR_WRONG_THREAD
							     : next.event_wait(event, SETTLE_NS);

		if (status && status != GAON_ERROR_FAULT) {
			record_warn("host memory is copied to the device before a copy from the "
				    "device to it is over: "
				    "what it holds then is a guess");
			return;
		}
		record_reads_harvest();
	}
}

static void close_list(struct read **link, const struct gaon_device *dev, bool pending)
{
	while (*link) {
		struct read *r = *link;

		if (r->dev != dev) {
			link = &r->next;
			continue;
		}
		*link = r->next;
		atomic_fetch_sub(&count, pending);
		free(r);
	}
}

/* The device takes its events along. */
void record_reads_close(struct gaon_device *dev)
{
	pthread_mutex_lock(&lock);
	close_list(&reads, dev, true);
	close_list(&spare, dev, false);
	pthread_mutex_unlock(&lock);
}
