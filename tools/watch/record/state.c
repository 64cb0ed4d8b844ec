// SPDX-License-Identifier: MIT
/* What the recorder knows of the program's objects: enough to look at all memory when a device is
 * closed. */
#include "record.h"

#include <stdlib.h>

#define PIECE	(1u << 20) /* that is read at a time; a multiple of RECORD_PAGE */
#define IDLE_NS 5000000000ull

struct device {
	struct device *next;
	struct gaon_device *handle;
	uint32_t refs;
};

/* Memory of a device, or a chunk of its pool, whose @mem is NULL. */
struct buffer {
	struct buffer *next;
	struct gaon_device *dev;
	struct gaon_mem *mem;
	uint64_t va, bytes;
};

struct stream {
	struct stream *next;
	const struct gaon_stream *handle;
	struct gaon_device *dev;
};

#define BUCKETS 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all lists */
static struct device *devices;
static struct buffer *buffers;
static struct stream *streams[BUCKETS];

static uint32_t bucket(const void *handle)
{
	return (uint32_t)(((uintptr_t)handle * 0x9e3779b97f4a7c15ull) >> 56);
}

/* --- devices ---------------------------------------------------------------------------------- */

void record_device_add(struct gaon_device *handle)
{
	struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return;
	*d = (struct device){ .handle = handle, .refs = 1 };
	pthread_mutex_lock(&lock);
	d->next = devices;
	devices = d;
	pthread_mutex_unlock(&lock);
}

void record_device_retain(struct gaon_device *handle)
{
	pthread_mutex_lock(&lock);
	for (struct device *d = devices; d; d = d->next)
		d->refs += d->handle == handle;
	pthread_mutex_unlock(&lock);
}

bool record_device_put(struct gaon_device *handle)
{
	struct device **link;
	bool left = false;

	pthread_mutex_lock(&lock);
	for (link = &devices; *link && (*link)->handle != handle; link = &(*link)->next)
		;
	if (*link) {
		struct device *d = *link;

		left = --d->refs > 0;
		if (!left) {
			*link = d->next;
			free(d);
		}
	}
	pthread_mutex_unlock(&lock);
	return left;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void buffer_add(struct gaon_device *dev, struct gaon_mem *mem, uint64_t va, uint64_t bytes)
{
	struct buffer *b = calloc(1, sizeof(*b));

	if (!b)
		return;
	*b = (struct buffer){ .dev = dev, .mem = mem, .va = va, .bytes = bytes };
	pthread_mutex_lock(&lock);
	b->next = buffers;
	buffers = b;
	pthread_mutex_unlock(&lock);
}

void record_mem_add(struct gaon_device *dev, struct gaon_mem *mem, uint64_t va, uint64_t bytes,
		    enum gaon_mem_kind kind)
{
	if (kind == GAON_MEM_DEVICE)
		buffer_add(dev, mem, va, bytes);
	else
		record_host_add(dev, mem, va, next.mem_ptr(mem), bytes);
}

void record_mem_check(struct gaon_mem *mem)
{
	struct buffer **link;

	record_own_calls();
	if (next.mem_size(mem))
		return;
	record_host_del(mem);
	pthread_mutex_lock(&lock);
	for (link = &buffers; *link && (*link)->mem != mem; link = &(*link)->next)
		;
	if (*link) {
		struct buffer *b = *link;

		*link = b->next;
		free(b);
	}
	pthread_mutex_unlock(&lock);
}

/* The pool's memory comes in chunks of its own. */
void record_chunk_check(struct gaon_device *dev, uint64_t va)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	struct buffer *b;

	record_own_calls();
	if (next.address_get_info(dev, va, &info))
		return;
	pthread_mutex_lock(&lock);
	for (b = buffers; b; b = b->next)
		if (b->dev == dev && !b->mem && b->va == info.va && b->bytes == info.bytes)
			break;
	pthread_mutex_unlock(&lock);
	if (b)
		return;
	buffer_add(dev, NULL, info.va, info.bytes);
	record_done(&(struct record_call){ .op = RECORD_POOL_CHUNK,
					   .object = (uintptr_t)dev,
					   .a = info.bytes,
					   .c = info.va },
		    GAON_OK, NULL, 0);
}

/* --- streams ---------------------------------------------------------------------------------- */

void record_stream_add(struct gaon_device *dev, struct gaon_stream *handle)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	*s = (struct stream){ .handle = handle, .dev = dev };
	pthread_mutex_lock(&lock);
	s->next = streams[bucket(handle)];
	streams[bucket(handle)] = s;
	pthread_mutex_unlock(&lock);
}

/* Handles are never used again: those of streams that ended may stay. */
struct gaon_device *record_stream_device(const struct gaon_stream *handle)
{
	struct gaon_device *dev = NULL;

	pthread_mutex_lock(&lock);
	for (struct stream *s = streams[bucket(handle)]; s; s = s->next)
		if (s->handle == handle)
			dev = s->dev;
	pthread_mutex_unlock(&lock);
	return dev;
}

/* --- what is in all memory -------------------------------------------------------------------- */

static void buffer_look(const struct buffer *b, uint8_t *piece)
{
	uint64_t pages = (b->bytes + RECORD_PAGE - 1) / RECORD_PAGE, at, n, i;
	uint64_t *digests = calloc(pages, sizeof(*digests));
	bool good = digests;

	for (at = 0; good && at < b->bytes; at += n) {
		n = b->bytes - at < PIECE ? b->bytes - at : PIECE;
		good = !next.mem_read(b->dev, piece, b->va + at, n);
		for (i = 0; good && i < n; i += RECORD_PAGE)
			digests[(at + i) / RECORD_PAGE] =
				record_digest(piece + i, n - i < RECORD_PAGE ? n - i : RECORD_PAGE);
	}
	if (good)
		record_done(&(struct record_call){ .op = RECORD_BUFFERS,
						   .object = (uintptr_t)b->dev,
						   .a = b->bytes,
						   .c = b->va },
			    GAON_OK, digests, pages * sizeof(*digests));
	free(digests);
}

/* A chunk of the pool may be gone, and others may be where it was. */
static bool buffer_there(const struct buffer *b)
{
	struct gaon_address_info info = { .size = sizeof(info) };

	return b->mem || (!next.address_get_info(b->dev, b->va, &info) &&
			  info.kind == GAON_MEM_POOL && info.va == b->va && info.bytes == b->bytes);
}

static void device_look(struct gaon_device *dev, bool wait)
{
	struct buffer *list = NULL, *b;
	uint8_t *piece;

	if (next.device_wait(dev, wait ? IDLE_NS : 0))
		return;
	pthread_mutex_lock(&lock);
	for (b = buffers; b; b = b->next) {
		struct buffer *copy = b->dev == dev ? malloc(sizeof(*copy)) : NULL;

		if (copy) {
			*copy = *b;
			copy->next = list;
			list = copy;
		}
	}
	pthread_mutex_unlock(&lock);
	piece = malloc(PIECE);
	while (list) {
		b = list;
		list = b->next;
		if (piece && buffer_there(b))
			buffer_look(b, piece);
		free(b);
	}
	free(piece);
}

void record_buffers(struct gaon_device *dev, bool wait)
{
	struct gaon_device *list[64];
	size_t count = 0;

	if (record_in_callback)
		return;
	record_own_calls();
	pthread_mutex_lock(&lock);
	for (struct device *d = devices; d && count < 64; d = d->next)
		if (!dev || d->handle == dev)
			list[count++] = d->handle;
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < count; i++)
		device_look(list[i], wait);
}
