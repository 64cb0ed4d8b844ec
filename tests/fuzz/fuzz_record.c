// SPDX-License-Identifier: MIT
/*
 * Files of gaon record from anybody: parsed and replayed. The bytes are a script: for each record
 * an op and fields drawn from few values, so that objects are found; sums, numbers and lengths are
 * then made right, or, for a spoilt one, left as they are. Below the replay there is a libgaon that
 * takes everything and touches all memory it is given.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "../../tools/gaon/record/replay.h"

#define FILE_MOST 65536u
#define MEMORY	  8192u /* that an allocation has here, at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t sink;

#pragma clang diagnostic ignored "-Wunused-parameter"

/* --- a libgaon -------------------------------------------------------------------------------- */

struct fake {
	uint64_t va, bytes;
	uint8_t *ptr;
	struct fake *next;
};

static struct fake *fakes;
static int object;

static void touch(const void *data, uint64_t bytes)
{
	const uint8_t *at = data;

	for (uint64_t i = 0; i < bytes; i++)
		sink ^= at[i];
}

static const struct gaon_error nothing = { .text = "", .hint = "" };
const struct gaon_error *gaon_last_error(void)
{
	return &nothing;
}
const char *gaon_status_name(enum gaon_status status)
{
	(void)status;
	return "?";
}

#define MAKES(name, type, ...)                                                                     \
	enum gaon_status name(__VA_ARGS__, struct type **out)                                      \
	{                                                                                          \
		*out = (struct type *)&object;                                                     \
		return GAON_OK;                                                                    \
	}
MAKES(gaon_device_open, gaon_device, const char *name)
MAKES(gaon_device_open_with, gaon_device, const char *name, const struct gaon_device_config *config)
MAKES(gaon_stream_create, gaon_stream, struct gaon_device *dev,
	const struct gaon_stream_config *config)
MAKES(gaon_event_create, gaon_event, struct gaon_device *dev, uint32_t flags)
MAKES(gaon_semaphore_create, gaon_semaphore, struct gaon_device *dev)
MAKES(gaon_module_get_kernel, gaon_kernel, struct gaon_module *module, const char *name)
MAKES(gaon_graph_end, gaon_graph, struct gaon_stream *stream)

#define PLAIN(name, ...)                                                                           \
	enum gaon_status name(__VA_ARGS__)                                                         \
	{                                                                                          \
		return GAON_OK;                                                                    \
	}
PLAIN(gaon_device_retain, struct gaon_device *dev)
PLAIN(gaon_device_wait, struct gaon_device *dev, uint64_t timeout)
PLAIN(gaon_mem_retain, struct gaon_mem *mem)
PLAIN(gaon_stream_retain, struct gaon_stream *stream)
PLAIN(gaon_stream_destroy, struct gaon_stream *stream)
PLAIN(gaon_stream_query, struct gaon_stream *stream)
PLAIN(gaon_stream_wait, struct gaon_stream *stream, uint64_t timeout)
PLAIN(gaon_stream_wait_event, struct gaon_stream *stream, struct gaon_event *event)
PLAIN(gaon_stream_clear_fault, struct gaon_stream *stream)
PLAIN(gaon_stream_get_fault, struct gaon_stream *stream, struct gaon_fault *fault)
PLAIN(gaon_event_destroy, struct gaon_event *event)
PLAIN(gaon_event_record, struct gaon_stream *stream, struct gaon_event *event)
PLAIN(gaon_event_wait, struct gaon_event *event, uint64_t timeout)
PLAIN(gaon_stream_timestamp, struct gaon_stream *stream, uint64_t va)
PLAIN(gaon_semaphore_destroy, struct gaon_semaphore *semaphore)
PLAIN(gaon_semaphore_signal, struct gaon_semaphore *semaphore, uint64_t value)
PLAIN(gaon_semaphore_wait, struct gaon_semaphore *semaphore, uint64_t value, uint64_t timeout)
PLAIN(gaon_stream_signal_semaphore, struct gaon_stream *stream, struct gaon_semaphore *semaphore,
	uint64_t value)
PLAIN(gaon_stream_wait_semaphore, struct gaon_stream *stream, struct gaon_semaphore *semaphore,
	uint64_t value)
PLAIN(gaon_module_retain, struct gaon_module *module)
PLAIN(gaon_module_unload, struct gaon_module *module)
PLAIN(gaon_graph_begin, struct gaon_stream *stream)
PLAIN(gaon_graph_launch, struct gaon_stream *stream, struct gaon_graph *graph)
PLAIN(gaon_graph_destroy, struct gaon_graph *graph)
PLAIN(gaon_mem_copy, struct gaon_device *dev, uint64_t dst, uint64_t src, uint64_t bytes)
PLAIN(gaon_mem_copy_async, struct gaon_stream *stream, uint64_t dst, uint64_t src, uint64_t bytes)
PLAIN(gaon_mem_fill, struct gaon_device *dev, uint64_t dst, uint64_t pattern, uint32_t size,
	uint64_t bytes)
PLAIN(gaon_mem_fill_async, struct gaon_stream *stream, uint64_t dst, uint64_t pattern,
	uint32_t size, uint64_t bytes)
PLAIN(gaon_mem_copy_peer, struct gaon_device *dst_dev, uint64_t dst, struct gaon_device *src_dev,
	uint64_t src, uint64_t bytes)
PLAIN(gaon_mem_copy_peer_async, struct gaon_stream *stream, struct gaon_device *dst_dev,
	uint64_t dst, struct gaon_device *src_dev, uint64_t src, uint64_t bytes)

enum gaon_status gaon_device_get_info(struct gaon_device *dev, struct gaon_device_info *info)
{
	(void)dev;
	info->cores = 1;
	return GAON_OK;
}

/* At once, on another thread, as the library would. */
static void *call_back(void *arg)
{
	struct {
		void (*fn)(void *arg);
		void *arg;
	} *c = arg;

	c->fn(c->arg);
	free(c);
	return NULL;
}

#define CALLBACKS 8
static pthread_t callbacks[CALLBACKS];
static int callback_count;

enum gaon_status gaon_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg), void *arg)
{
	struct {
		void (*fn)(void *arg);
		void *arg;
	} *c = malloc(sizeof(*c));

	(void)stream;
	if (!c || callback_count == CALLBACKS) {
		free(c);
		return GAON_ERROR_LIMIT;
	}
	c->fn = fn;
	c->arg = arg;
	if (pthread_create(&callbacks[callback_count], NULL, call_back, c)) {
		free(c);
		return GAON_ERROR_LIMIT;
	}
	callback_count++;
	return GAON_OK;
}

/* The second close fails, as it must. Callbacks that are not held up any more are over when it
 * returns. */
enum gaon_status gaon_device_close(struct gaon_device *dev)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	static bool again;

	for (int i = 0; i < 500 && callback_count; i++) {
		while (callback_count && !pthread_tryjoin_np(callbacks[callback_count - 1], NULL))
			callback_count--;
		if (callback_count)
			nanosleep(&nap, NULL);
	}
	again = !again;
	return again ? GAON_OK : GAON_ERROR_CLOSED;
}

enum gaon_status gaon_mem_alloc_at(struct gaon_device *dev, uint64_t bytes, enum gaon_mem_kind kind,
				   uint64_t va, struct gaon_mem **mem)
{
	struct fake *f = bytes && bytes <= MEMORY ? calloc(1, sizeof(*f)) : NULL;

	(void)dev;
	if (!f)
		return GAON_ERROR_OUT_OF_DEVICE_MEMORY;
	*f = (struct fake){ va, bytes, kind == GAON_MEM_HOST ? calloc(1, bytes) : NULL, fakes };
	fakes = f;
	*mem = (struct gaon_mem *)f;
	return GAON_OK;
}

enum gaon_status gaon_mem_free(struct gaon_mem *mem)
{
	((struct fake *)mem)->bytes = 0;
	return GAON_OK;
}

void *gaon_mem_ptr(struct gaon_mem *mem)
{
	return ((struct fake *)mem)->ptr;
}

uint64_t gaon_mem_size(struct gaon_mem *mem)
{
	return ((struct fake *)mem)->bytes;
}

enum gaon_status gaon_module_load(struct gaon_device *dev, const void *image, size_t size,
				  struct gaon_module **module)
{
	(void)dev;
	touch(image, size);
	*module = (struct gaon_module *)&object;
	return GAON_OK;
}

enum gaon_status gaon_module_load_at(struct gaon_device *dev, const void *image, size_t size,
				     uint64_t va, struct gaon_module **module)
{
	(void)va;
	return gaon_module_load(dev, image, size, module);
}

enum gaon_status gaon_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
			     const struct gaon_launch *launch)
{
	(void)stream;
	(void)kernel;
	touch(launch->args, launch->args_size);
	return GAON_OK;
}

enum gaon_status gaon_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
					const struct gaon_graph_args *args, uint32_t count)
{
	(void)stream;
	(void)graph;
	for (uint32_t i = 0; i < count; i++)
		touch(args[i].args, args[i].args_size);
	return GAON_OK;
}

enum gaon_status gaon_mem_write(struct gaon_device *dev, uint64_t dst, const void *src,
				uint64_t bytes)
{
	(void)dev;
	(void)dst;
	touch(src, bytes);
	return GAON_OK;
}

enum gaon_status gaon_mem_write_async(struct gaon_stream *stream, uint64_t dst, const void *src,
				      uint64_t bytes)
{
	(void)stream;
	return gaon_mem_write(NULL, dst, src, bytes);
}

/* Zeroes, as far as this device has memory. */
enum gaon_status gaon_mem_read(struct gaon_device *dev, void *dst, uint64_t src, uint64_t bytes)
{
	(void)dev;
	(void)src;
	if (bytes > FILE_MOST)
		return GAON_ERROR_INVALID_ADDRESS;
	memset(dst, 0, bytes);
	return GAON_OK;
}

enum gaon_status gaon_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src,
				     uint64_t bytes)
{
	(void)stream;
	return gaon_mem_read(NULL, dst, src, bytes);
}

static enum gaon_status rect_touch(const struct gaon_rect *rect)
{
	uint64_t rows =
		(uint64_t)(rect->height ? rect->height : 1) * (rect->depth ? rect->depth : 1);

	if (rect->width * rows > FILE_MOST)
		return GAON_ERROR_INVALID_ADDRESS;
	if (rect->src.ptr)
		touch(rect->src.ptr, rect->width * rows);
	if (rect->dst.ptr)
		memset(rect->dst.ptr, 0, rect->width * rows);
	return GAON_OK;
}

enum gaon_status gaon_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect)
{
	(void)dev;
	return rect_touch(rect);
}

enum gaon_status gaon_mem_copy_rect_async(struct gaon_stream *stream, const struct gaon_rect *rect)
{
	(void)stream;
	return rect_touch(rect);
}

/* --- the file --------------------------------------------------------------------------------- */

struct script {
	const uint8_t *data;
	size_t size;
	_Alignas(8) uint8_t file[FILE_MOST];
	size_t end;
	uint64_t datas;
};

static uint8_t next_byte(struct script *s)
{
	if (!s->size)
		return 0;
	s->size--;
	return *s->data++;
}

/* Small numbers, addresses that allocations have, and the ends of the world. */
static uint64_t next_value(struct script *s)
{
	uint8_t byte = next_byte(s);

	switch (byte >> 5) {
	case 0: return byte & 31;
	case 1: return 0x100000000ull + 4096 * (byte & 31);
	case 2: return 0x100000000ull + (byte & 31);
	case 3: return 1ull << (byte & 31) << (byte & 31);
	case 4: return UINT64_MAX - (byte & 31);
	case 5: return 8ull * (byte & 31);
	default: return byte;
	}
}

static bool put(struct script *s, uint32_t type, const void *head, size_t bytes, const void *more,
		size_t size)
{
	struct watch_record record = { type, 0, sizeof(record) + bytes + size };
	uint8_t *at = s->file + s->end;

	if (FILE_MOST - s->end < record.bytes + WATCH_ALIGN)
		return false;
	memcpy(at + sizeof(record), head, bytes);
	if (size)
		memcpy(at + sizeof(record) + bytes, more, size);
	record.sum = (uint32_t)crc32_z(0, at + sizeof(record), bytes + size);
	if (next_byte(s) == 0xff)
		record.bytes ^= next_byte(s);
	memcpy(at, &record, sizeof(record));
	s->end += (sizeof(record) + bytes + size + WATCH_ALIGN - 1) & ~(size_t)(WATCH_ALIGN - 1);
	return true;
}

static bool put_one(struct script *s)
{
	struct record_call call = { .op = next_byte(s) % (RECORD_OPS + 1), .number = s->end };
	uint8_t length = next_byte(s);
	size_t bytes = length < s->size ? length : s->size;
	struct record_data data = { s->datas + 1 };

	call.object = next_byte(s) % 16;
	call.other = next_byte(s) % 16;
	call.a = next_value(s);
	call.b = next_value(s);
	call.c = next_value(s);
	call.d = next_byte(s) & 1 ? sizeof(struct record_rect) : next_value(s);
	call.status = next_byte(s) % 32 ? 0 : GAON_ERROR_FAULT;
	bytes = bytes < s->size ? bytes : s->size;
	call.data_bytes = bytes;
	if (next_byte(s) % 4 == 0) {
		bytes = bytes < s->size ? bytes : s->size;
		call.data_bytes = bytes;
		call.data = ++s->datas;
		if (!put(s, RECORD_DATA, &data, sizeof(data), s->data, bytes))
			return false;
		return put(s, RECORD_CALL, &call, sizeof(call), NULL, 0);
	}
	bytes = bytes < s->size ? bytes : s->size;
	call.data_bytes = bytes;
	return put(s, RECORD_CALL, &call, sizeof(call), s->data, bytes);
}

static void replay(const struct record_file *file)
{
	struct replay r = { .file = file, .timeout_ns = 1000000, .to = UINT64_MAX };

	replay_run(&r);
	while (callback_count)
		pthread_join(callbacks[--callback_count], NULL);
	while (fakes) {
		struct fake *f = fakes;

		fakes = f->next;
		free(f->ptr);
		free(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script s;
	struct watch_header header = { .version = RECORD_VERSION, .program = "p" };
	struct record_file file;
	char why[256];
	void *copy;

	s = (struct script){ .data = data, .size = size, .end = sizeof(header) };
	while (s.size && put_one(&s))
		;
	memcpy(header.magic, RECORD_MAGIC, sizeof(header.magic));
	header.bytes = s.end;
	if (size && data[0] == 0xfe)
		((uint8_t *)&header)[data[size - 1]] ^= 1;
	memcpy(s.file, &header, sizeof(header));
	/* In a place of its own size, so that reading past its end is found. */
	copy = malloc(s.end);
	if (!copy)
		return 0;
	memcpy(copy, s.file, s.end);
	if (record_parse(&file, copy, s.end, why, sizeof(why))) {
		replay(&file);
		record_unload(&file);
	}
	free(copy);
	return 0;
}
