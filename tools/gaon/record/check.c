// SPDX-License-Identifier: MIT
/* What came is held to what came when the program ran. */
#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 16u	 /* bytes of a difference */
#define PIECE (1u << 20) /* of a buffer that is read at a time; a multiple of RECORD_PAGE */

/* --- telling ---------------------------------------------------------------------------------- */

enum replay_result replay_differs(struct replay *r, const char *expected, const char *found,
				  const char *format, ...)
{
	struct replay_difference *d = &r->difference;
	va_list list;

	d->entry = r->entry;
	snprintf(d->expected, sizeof(d->expected), "%s", expected);
	snprintf(d->found, sizeof(d->found), "%s", found);
	va_start(list, format);
	vsnprintf(d->text, sizeof(d->text), format, list);
	va_end(list);
	return REPLAY_DIFFERENT;
}

static void hex(const uint8_t *data, uint64_t bytes, char text[80])
{
	char *to = text;

	*to = '\0';
	for (uint64_t i = 0; i < bytes && i < SHOWN; i++)
		to += sprintf(to, "%s%02x", i ? " " : "", data[i]);
}

struct replay_memory *replay_memory_at(struct replay *r, const struct gaon_device *dev, uint64_t va,
				       uint64_t bytes)
{
	struct replay_memory *m;

	for (m = r->memory; m; m = m->next)
		if (m->dev == dev && va >= m->va && bytes <= m->bytes &&
		    va - m->va <= m->bytes - bytes)
			return m;
	return NULL;
}

static void locate(struct replay *r, const struct gaon_device *dev, uint64_t va)
{
	const struct replay_memory *m = va ? replay_memory_at(r, dev, va, 1) : NULL;

	r->difference.va = va;
	r->difference.buffer_va = m ? m->va : va;
	r->difference.buffer_bytes = m ? m->bytes : 0;
}

static bool checked(const struct replay *r)
{
	return r->entry->call->number >= r->from;
}

/* --- the device's time ------------------------------------------------------------------------ */

enum replay_result replay_stamp_add(struct replay *r, const struct gaon_device *dev, uint64_t va)
{
	if (r->stamp_count == r->stamp_room) {
		size_t room = r->stamp_room ? 2 * r->stamp_room : 64;
		struct replay_stamp *stamps = realloc(r->stamps, room * sizeof(*stamps));

		if (!stamps)
			return replay_fail(r, "there is no memory for it");
		r->stamps = stamps;
		r->stamp_room = room;
	}
	r->stamps[r->stamp_count++] = (struct replay_stamp){ dev, va };
	return REPLAY_SAME;
}

static bool stamped(const struct replay *r, const struct gaon_device *dev, uint64_t va,
		    uint64_t bytes)
{
	for (size_t i = 0; i < r->stamp_count; i++) {
		const struct replay_stamp *s = &r->stamps[i];

		if (s->dev == dev && va < s->va + 8 && s->va < va + bytes)
			return true;
	}
	return false;
}

/* --- data ------------------------------------------------------------------------------------- */

enum replay_result replay_compare(struct replay *r, const struct gaon_device *dev, uint64_t va,
				  const uint8_t *found, const uint8_t *expected, uint64_t bytes)
{
	char want[80], have[80];
	uint64_t at, n;

	if (!checked(r))
		return REPLAY_SAME;
	r->bytes_compared += bytes;
	if (!memcmp(found, expected, bytes))
		return REPLAY_SAME;
	for (at = 0; at < bytes; at++) {
		if (found[at] == expected[at] || (va && stamped(r, dev, va + at, 1)))
			continue;
		n = bytes - at;
		hex(expected + at, n, want);
		hex(found + at, n, have);
		locate(r, dev, va ? va + at : 0);
		for (n = 0; at < bytes; at++)
			n += found[at] != expected[at];
		return replay_differs(r, want, have, "%llu of %llu bytes differ",
				      (unsigned long long)n, (unsigned long long)bytes);
	}
	return REPLAY_SAME;
}

static enum replay_result page_differs(struct replay *r, const struct gaon_device *dev, uint64_t va,
				       uint64_t want, uint64_t have)
{
	char expected[80], found[80];

	snprintf(expected, sizeof(expected), "%016llx", (unsigned long long)want);
	snprintf(found, sizeof(found), "%016llx", (unsigned long long)have);
	locate(r, dev, va);
	return replay_differs(r, expected, found, "digest of a page of %u bytes", RECORD_PAGE);
}

enum replay_result replay_buffers(struct replay *r, const struct record_call *call,
				  const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	uint64_t at, n, i, want, have, pages = call->a / RECORD_PAGE + !!(call->a % RECORD_PAGE);
	enum replay_result result = REPLAY_SAME;
	uint8_t *piece;

	if (!dev)
		return REPLAY_FAILED;
	if (r->reads_only || !checked(r))
		return REPLAY_SAME;
	if (call->data_bytes / 8 != pages || call->data_bytes % 8)
		return replay_fail(r, "the file has %llu bytes of digests for %llu pages",
				   (unsigned long long)call->data_bytes, (unsigned long long)pages);
	result = replay_status(r, gaon_device_wait(dev->handle, r->timeout_ns));
	piece = malloc(PIECE);
	if (!piece && !result)
		result = replay_fail(r, "there is no memory for it");
	for (at = 0; at < call->a && !result; at += n) {
		n = call->a - at < PIECE ? call->a - at : PIECE;
		result = replay_status(r, gaon_mem_read(dev->handle, piece, call->c + at, n));
		for (i = 0; i < n && !result; i += RECORD_PAGE) {
			uint64_t bytes = n - i < RECORD_PAGE ? n - i : RECORD_PAGE;

			memcpy(&want, data + (at + i) / RECORD_PAGE * 8, 8);
			have = record_digest(piece + i, bytes);
			if (want != have && !stamped(r, dev->handle, call->c + at + i, bytes))
				result = page_differs(r, dev->handle, call->c + at + i, want, have);
		}
	}
	free(piece);
	r->buffers_compared++;
	r->bytes_compared += call->a;
	return result;
}

/* --- host memory ------------------------------------------------------------------------------ */

static struct replay_memory *host_find(struct replay *r, const struct record_call *call)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	struct replay_memory *m =
		dev ? replay_memory_at(r, dev->handle, call->c, call->data_bytes) : NULL;

	if (m && m->ptr)
		return m;
	if (dev)
		replay_fail(r, "%llu bytes at %#llx are no host memory that the file makes",
			    (unsigned long long)call->data_bytes, (unsigned long long)call->c);
	return NULL;
}

/* What the program stored; bytes that it left alone stay as the device has them. */
enum replay_result replay_host_write(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_memory *m = host_find(r, call);

	if (!m)
		return REPLAY_FAILED;
	for (uint64_t i = 0, at = call->c - m->va; i < call->data_bytes; i++, at++) {
		if (data[i] == m->known[at])
			continue;
		m->ptr[at] = m->known[at] = data[i];
	}
	return REPLAY_SAME;
}

/*
 * As it was when the device had worked. What this device has written must be the same; what it has
 * not written was the program's.
 */
enum replay_result replay_host_changed(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_memory *m = host_find(r, call);
	enum replay_result result = REPLAY_SAME;
	uint8_t *now, *want;
	uint64_t at;

	if (!m)
		return REPLAY_FAILED;
	at = call->c - m->va;
	now = malloc(call->data_bytes + 1);
	want = malloc(call->data_bytes + 1);
	if (now && want) {
		memcpy(now, m->ptr + at, call->data_bytes);
		for (uint64_t i = 0; i < call->data_bytes; i++) {
			bool own = now[i] == m->known[at + i] && data[i] != now[i];

			want[i] = own ? now[i] : data[i];
			r->host_bytes += own;
		}
		result = replay_compare(r, m->dev, call->c, now, want, call->data_bytes);
		memcpy(m->ptr + at, data, call->data_bytes);
		memcpy(m->known + at, data, call->data_bytes);
	} else {
		result = replay_fail(r, "there is no memory for it");
	}
	free(now);
	free(want);
	return result;
}

/* --- faults ----------------------------------------------------------------------------------- */

/* Which workgroup meets it first, and so where, may differ. */
enum replay_result replay_fault(struct replay *r, const struct record_call *call,
				const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct record_fault want;
	char expected[80], found[80];
	enum replay_result result;

	if (!stream)
		return REPLAY_FAILED;
	if (call->data_bytes != sizeof(want))
		return replay_fail(r, "its length is wrong");
	memcpy(&want, data, sizeof(want));
	want.kernel[sizeof(want.kernel) - 1] = '\0';
	result = replay_status(r, gaon_stream_get_fault(stream->handle, &fault));
	if (result || !checked(r) ||
	    (want.type == fault.type && !strcmp(want.kernel, fault.kernel)))
		return result;
	snprintf(expected, sizeof(expected), "type %u, kernel %.40s", want.type, want.kernel);
	snprintf(found, sizeof(found), "type %u, kernel %.40s", fault.type, fault.kernel);
	locate(r, stream->dev, 0);
	return replay_differs(r, expected, found, "another fault: %.200s", fault.text);
}
