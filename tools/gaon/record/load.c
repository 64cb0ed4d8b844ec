// SPDX-License-Identifier: MIT
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

static const struct {
	const char *name, *function;
} ops[RECORD_OPS] = {
	[RECORD_OTHER] = { "other", "a call that only asks" },
	[RECORD_FAILED] = { "failed", "the end of a call that failed" },
	[RECORD_END] = { "end", "the program's end" },
	[RECORD_DEVICE_OPEN] = { "device_open", "gaon_device_open()" },
	[RECORD_DEVICE_RETAIN] = { "device_retain", "gaon_device_retain()" },
	[RECORD_DEVICE_CLOSE] = { "device_close", "gaon_device_close()" },
	[RECORD_DEVICE_WAIT] = { "device_wait", "gaon_device_wait()" },
	[RECORD_MEM_ALLOC] = { "mem_alloc", "gaon_mem_alloc()" },
	[RECORD_MEM_IMPORT] = { "mem_import", "gaon_mem_import()" },
	[RECORD_MEM_FOREIGN] = { "mem_foreign", "gaon_mem_import_fd()" },
	[RECORD_MEM_RETAIN] = { "mem_retain", "gaon_mem_retain()" },
	[RECORD_MEM_FREE] = { "mem_free", "gaon_mem_free()" },
	[RECORD_POOL_CHUNK] = { "pool_chunk", "growth of the pool" },
	[RECORD_POOL_ALLOC] = { "pool_alloc", "gaon_mem_alloc_async()" },
	[RECORD_POOL_FREE] = { "pool_free", "gaon_mem_free_async()" },
	[RECORD_HOST_WRITE] = { "host_write", "the program's stores to host memory" },
	[RECORD_HOST_CHANGED] = { "host_changed", "host memory that the device wrote" },
	[RECORD_SETTLE] = { "settle", "the recorder's wait" },
	[RECORD_BUFFERS] = { "buffers", "the recorder's look at a buffer" },
	[RECORD_STREAM_CREATE] = { "stream_create", "gaon_stream_create()" },
	[RECORD_STREAM_RETAIN] = { "stream_retain", "gaon_stream_retain()" },
	[RECORD_STREAM_DESTROY] = { "stream_destroy", "gaon_stream_destroy()" },
	[RECORD_STREAM_CLEAR_FAULT] = { "stream_clear_fault", "gaon_stream_clear_fault()" },
	[RECORD_STREAM_WAIT] = { "stream_wait", "gaon_stream_wait()" },
	[RECORD_STREAM_QUERY] = { "stream_query", "gaon_stream_query()" },
	[RECORD_STREAM_WAIT_EVENT] = { "stream_wait_event", "gaon_stream_wait_event()" },
	[RECORD_STREAM_CALLBACK] = { "stream_callback", "gaon_stream_callback()" },
	[RECORD_CALLBACK_BEGIN] = { "callback_begin", "the begin of a callback" },
	[RECORD_CALLBACK_END] = { "callback_end", "the end of a callback" },
	[RECORD_STREAM_TIMESTAMP] = { "stream_timestamp", "gaon_stream_timestamp()" },
	[RECORD_STREAM_FAULT] = { "stream_fault", "a stream's fault" },
	[RECORD_EVENT_CREATE] = { "event_create", "gaon_event_create()" },
	[RECORD_EVENT_DESTROY] = { "event_destroy", "gaon_event_destroy()" },
	[RECORD_EVENT_RECORD] = { "event_record", "gaon_event_record()" },
	[RECORD_EVENT_WAIT] = { "event_wait", "gaon_event_wait()" },
	[RECORD_EVENT_QUERY] = { "event_query", "gaon_event_query()" },
	[RECORD_SEMAPHORE_CREATE] = { "semaphore_create", "gaon_semaphore_create()" },
	[RECORD_WAIT_BEGIN] = { "wait_begin", "the begin of a wait" },
	[RECORD_SEMAPHORE_SHARED] = { "semaphore_shared", "gaon_semaphore_export()" },
	[RECORD_SEMAPHORE_DESTROY] = { "semaphore_destroy", "gaon_semaphore_destroy()" },
	[RECORD_SEMAPHORE_SIGNAL] = { "semaphore_signal", "gaon_semaphore_signal()" },
	[RECORD_SEMAPHORE_WAIT] = { "semaphore_wait", "gaon_semaphore_wait()" },
	[RECORD_STREAM_SIGNAL_SEMAPHORE] = { "stream_signal_semaphore",
					     "gaon_stream_signal_semaphore()" },
	[RECORD_STREAM_WAIT_SEMAPHORE] = { "stream_wait_semaphore",
					   "gaon_stream_wait_semaphore()" },
	[RECORD_MODULE_LOAD] = { "module_load", "gaon_module_load()" },
	[RECORD_MODULE_RETAIN] = { "module_retain", "gaon_module_retain()" },
	[RECORD_MODULE_UNLOAD] = { "module_unload", "gaon_module_unload()" },
	[RECORD_KERNEL] = { "kernel", "gaon_module_get_kernel()" },
	[RECORD_LAUNCH] = { "launch", "gaon_launch()" },
	[RECORD_GRAPH_BEGIN] = { "graph_begin", "gaon_graph_begin()" },
	[RECORD_GRAPH_END] = { "graph_end", "gaon_graph_end()" },
	[RECORD_GRAPH_LAUNCH] = { "graph_launch", "gaon_graph_launch()" },
	[RECORD_GRAPH_DESTROY] = { "graph_destroy", "gaon_graph_destroy()" },
	[RECORD_WRITE] = { "write", "gaon_mem_write()" },
	[RECORD_WRITE_ASYNC] = { "write_async", "gaon_mem_write_async()" },
	[RECORD_READ] = { "read", "gaon_mem_read()" },
	[RECORD_READ_ASYNC] = { "read_async", "gaon_mem_read_async()" },
	[RECORD_READ_DONE] = { "read_done", "the end of a copy to the host" },
	[RECORD_COPY] = { "copy", "gaon_mem_copy()" },
	[RECORD_COPY_ASYNC] = { "copy_async", "gaon_mem_copy_async()" },
	[RECORD_FILL] = { "fill", "gaon_mem_fill()" },
	[RECORD_FILL_ASYNC] = { "fill_async", "gaon_mem_fill_async()" },
	[RECORD_COPY_PEER] = { "copy_peer", "gaon_mem_copy_peer()" },
	[RECORD_COPY_PEER_ASYNC] = { "copy_peer_async", "gaon_mem_copy_peer_async()" },
	[RECORD_RECT] = { "rect", "gaon_mem_copy_rect()" },
	[RECORD_RECT_ASYNC] = { "rect_async", "gaon_mem_copy_rect_async()" },
};

const char *record_op_name(uint32_t op)
{
	return op < RECORD_OPS ? ops[op].name : "?";
}

const char *record_op_function(uint32_t op)
{
	return op < RECORD_OPS ? ops[op].function : "?";
}

/* The list with room for one more of @size bytes; NULL without memory, it is then as it was. */
static void *list_grow(void *at, size_t size, size_t count, size_t *room)
{
	size_t want = *room ? 2 * *room : 256;
	void *grown;

	if (count < *room)
		return at;
	grown = realloc(at, want * size);
	if (grown)
		*room = want;
	return grown;
}

/* --- records ---------------------------------------------------------------------------------- */

static uint64_t record_body(const struct watch_record *record)
{
	return record->bytes - sizeof(*record);
}

static const char *take_data(struct record_file *f, const struct watch_record *record)
{
	const struct record_data *data = (const void *)(record + 1);
	void *grown;

	if (record_body(record) < sizeof(*data) || data->number != f->data_count + 1)
		return "its data is not in order";
	grown = list_grow(f->datas, sizeof(*f->datas), f->data_count, &f->data_room);
	if (!grown)
		return "there is no memory for it";
	f->datas = grown;
	f->datas[f->data_count++] = record;
	return NULL;
}

static const char *take_call(struct record_file *f, const struct watch_record *record)
{
	const struct record_call *call = (const void *)(record + 1);
	struct record_entry entry = { .call = call };
	void *grown;

	if (record_body(record) < sizeof(*call) || call->op >= RECORD_OPS)
		return "a call is of no known kind";
	if (!call->data) {
		if (call->data_bytes != record_body(record) - sizeof(*call))
			return "a call's data has another length";
		entry.data = (const uint8_t *)(call + 1);
	} else {
		const struct watch_record *data =
			call->data <= f->data_count ? f->datas[call->data - 1] : NULL;

		if (!data || call->data_bytes != record_body(data) - sizeof(struct record_data))
			return "a call's data is not there";
		entry.data = (const uint8_t *)(data + 1) + sizeof(struct record_data);
	}
	entry.status = (enum gaon_status)call->status;
	f->ended |= call->op == RECORD_END;
	grown = list_grow(f->calls, sizeof(*f->calls), f->call_count, &f->call_room);
	if (!grown)
		return "there is no memory for it";
	f->calls = grown;
	f->calls[f->call_count++] = entry;
	return NULL;
}

static const char *take_warning(struct record_file *f, const struct watch_record *record)
{
	void *grown;

	grown = list_grow(f->warnings, sizeof(*f->warnings), f->warning_count, &f->warning_room);
	if (!grown)
		return "there is no memory for it";
	f->warnings = grown;
	f->warnings[f->warning_count++] =
		(struct record_text){ (const char *)(record + 1), record_body(record) };
	return NULL;
}

static const char *take(struct record_file *f, const struct watch_record *record)
{
	if (crc32_z(0, (const void *)(record + 1), (z_size_t)record_body(record)) != record->sum)
		return "a record's check sum is wrong";
	switch (record->type) {
	case RECORD_CALL: return take_call(f, record);
	case RECORD_DATA: return take_data(f, record);
	case RECORD_WARNING: return take_warning(f, record);
	default: return "a record is of no known kind";
	}
}

/* Calls that were put before they were made tell afterwards that they failed. */
static const char *join_failed(struct record_file *f)
{
	size_t room = f->call_count +
		      4096; /* numbers of threads that never came to put theirs are missing */
	uint32_t *at = calloc(room, sizeof(*at));

	if (!at || f->call_count >= UINT32_MAX) {
		free(at);
		return "there is no memory for it";
	}
	for (size_t i = 0; i < f->call_count; i++)
		if (f->calls[i].call->number < room)
			at[f->calls[i].call->number] = (uint32_t)i + 1;
	for (size_t i = 0; i < f->call_count; i++) {
		const struct record_call *call = f->calls[i].call;

		if (call->op == RECORD_FAILED && call->a < room && at[call->a])
			f->calls[at[call->a] - 1].status = (enum gaon_status)call->status;
	}
	free(at);
	return NULL;
}

bool record_parse(struct record_file *f, const void *map, size_t bytes, char *why, size_t size)
{
	const struct watch_header *header = map;
	uint64_t at = sizeof(*header), end;
	const char *wrong = NULL;

	*f = (struct record_file){ .header = header };
	if (bytes < sizeof(*header) || memcmp(header->magic, RECORD_MAGIC, sizeof(header->magic))) {
		snprintf(why, size, "it is no file of gaon record");
		return false;
	}
	if (header->version != RECORD_VERSION) {
		snprintf(why, size,
			 "it is of version %u, this gaon reads version %u: replay it with the gaon "
			 "that made it",
			 header->version, RECORD_VERSION);
		return false;
	}
	end = header->bytes;
	if (end < sizeof(*header) || !memchr(header->program, '\0', sizeof(header->program))) {
		snprintf(why, size, "its header is damaged");
		return false;
	}
	if (end > bytes) {
		snprintf(why, size, "it is cut short: %zu of %llu bytes are there; copy it again",
			 bytes, (unsigned long long)end);
		return false;
	}
	while (!wrong && at < end) {
		const struct watch_record *record = (const void *)((const char *)map + at);

		if (end - at < sizeof(*record) || record->bytes < sizeof(*record) ||
		    record->bytes > end - at ||
		    end - at - record->bytes < ((0 - record->bytes) & (WATCH_ALIGN - 1)))
			wrong = "a record runs past the end";
		else
			wrong = take(f, record);
		if (!wrong)
			at += (record->bytes + WATCH_ALIGN - 1) & ~(uint64_t)(WATCH_ALIGN - 1);
	}
	if (!wrong)
		wrong = join_failed(f);
	if (!wrong)
		return true;
	snprintf(why, size, "it is damaged at byte %llu: %s", (unsigned long long)at, wrong);
	record_unload(f);
	return false;
}

bool record_load(struct record_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char why[256] = "";
	struct stat st;
	void *map = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	else if (fd >= 0 && !errno)
		errno = EINVAL;
	if (map == MAP_FAILED) {
		fprintf(stderr, "gaon replay: %s: %s\n", path,
			fd >= 0 && (!S_ISREG(st.st_mode) || !st.st_size)
				? "it is no file of gaon record"
				: strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	if (!record_parse(f, map, (size_t)st.st_size, why, sizeof(why))) {
		fprintf(stderr, "gaon replay: %s: %s\n", path, why);
		munmap(map, (size_t)st.st_size);
		return false;
	}
	f->map = map;
	f->bytes = (size_t)st.st_size;
	return true;
}

void record_unload(struct record_file *f)
{
	free(f->calls);
	free(f->datas);
	free(f->warnings);
	if (f->map)
		munmap(f->map, f->bytes);
	*f = (struct record_file){ 0 };
}
