// SPDX-License-Identifier: MIT
/* Calls that make objects and end them; the recorder's start and end. They are put when they have
 * succeeded. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE(h) ((uint64_t)(uintptr_t)(h))

enum record_check record_check = CHECK_END;

/* --- start and end ---------------------------------------------------------------------------- */

const bool tool_untimed[GAON_CALLS] = { [0 ... GAON_CALLS - 1] = true };

bool tool_start(char *why, size_t size)
{
	const char *directory = secure_getenv("GAON_RECORD_DIR"),
		   *limit = secure_getenv("GAON_RECORD_LIMIT");
	const char *check = secure_getenv("GAON_RECORD_CHECK");

	if (!directory || !*directory) {
		snprintf(why, size, "GAON_RECORD_DIR names no directory: use gaon record");
		return false;
	}
	if (check && !strcmp(check, "reads"))
		record_check = CHECK_READS;
	else if (check && !strcmp(check, "launch"))
		record_check = CHECK_LAUNCH;
	watch_file_checked(limit ? strtoull(limit, NULL, 0) : 0);
	return watch_file_start(directory, "record", RECORD_MAGIC, RECORD_VERSION, why, size);
}

/* Calls that only ask are put with their names. */
void tool_called(const struct layer_span *span, enum gaon_status status)
{
	static const char *const names[] = { GAON_CALL_NAMES };

	if (!record_was_put())
		record_asked(names[span->call], status);
}

__attribute__((destructor)) static void record_end(void)
{
	record_reads_harvest();
	if (record_check != CHECK_READS)
		record_buffers(NULL, false);
	record_done(&(struct record_call){ .op = RECORD_END }, GAON_OK, NULL, 0);
}

/* A call that made something; those that fail have no effect, and are put as calls that only ask.
 */
static enum gaon_status put_made(struct record_call *call, const void *data, uint64_t bytes)
{
	record_put(call, data, bytes);
	return GAON_OK;
}

static enum gaon_status put_plain(enum record_op op, const void *object, enum gaon_status status)
{
	record_done(&(struct record_call){ .op = (uint32_t)op, .object = HANDLE(object) }, status,
		    NULL, 0);
	return status;
}

/* --- devices ---------------------------------------------------------------------------------- */

static enum gaon_status device_opened(struct gaon_device *dev, uint32_t queues)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct record_device out = { 0 };

	if (!next.device_get_info(dev, &info)) {
		memcpy(out.name, info.name, sizeof(out.name));
		memcpy(out.product, info.product, sizeof(out.product));
		memcpy(out.transport, info.transport, sizeof(out.transport));
		out.cores = info.cores;
		out.vlen = info.vlen;
	}
	record_device_add(dev);
	return put_made(&(struct record_call){ .op = RECORD_DEVICE_OPEN,
					       .object = HANDLE(dev),
					       .a = queues },
			&out, sizeof(out));
}

enum gaon_status hook_device_open(const char *name, struct gaon_device **dev)
{
	enum gaon_status status = next.device_open(name, dev);

	return status ? status : device_opened(*dev, GAON_QUEUES_DEFAULT);
}

enum gaon_status hook_device_open_with(const char *name, const struct gaon_device_config *config,
				       struct gaon_device **dev)
{
	enum gaon_status status = next.device_open_with(name, config, dev);

	return status ? status : device_opened(*dev, config ? (uint32_t)config->queues : 0);
}

enum gaon_status hook_device_retain(struct gaon_device *dev)
{
	enum gaon_status status = next.device_retain(dev);

	if (!status)
		record_device_retain(dev);
	return put_plain(RECORD_DEVICE_RETAIN, dev, status);
}

enum gaon_status hook_device_close(struct gaon_device *dev)
{
	enum gaon_status status;

	record_reads_harvest();
	record_host_idle(dev, NULL, record_host_mark());
	if (record_check != CHECK_READS)
		record_buffers(dev, false);
	status = put_plain(RECORD_DEVICE_CLOSE, dev, next.device_close(dev));
	if (!status && !record_device_put(dev)) {
		record_reads_close(dev);
		record_host_close(dev);
	}
	return status;
}

/* --- memory ----------------------------------------------------------------------------------- */

static enum gaon_status mem_made(struct gaon_device *dev, struct gaon_mem *mem,
				 enum gaon_mem_kind kind)
{
	struct record_call call = { .op = RECORD_MEM_ALLOC,
				    .object = HANDLE(mem),
				    .other = HANDLE(dev),
				    .a = next.mem_size(mem),
				    .b = (uint64_t)kind,
				    .c = next.mem_va(mem) };

	record_mem_add(dev, mem, call.c, call.a, kind);
	return put_made(&call, NULL, 0);
}

enum gaon_status hook_mem_alloc(struct gaon_device *dev, uint64_t bytes, enum gaon_mem_kind kind,
				struct gaon_mem **mem)
{
	enum gaon_status status = next.mem_alloc(dev, bytes, kind, mem);

	return status ? status : mem_made(dev, *mem, kind);
}

enum gaon_status hook_mem_alloc_at(struct gaon_device *dev, uint64_t bytes, enum gaon_mem_kind kind,
				   uint64_t va, struct gaon_mem **mem)
{
	enum gaon_status status = next.mem_alloc_at(dev, bytes, kind, va, mem);

	return status ? status : mem_made(dev, *mem, kind);
}

/* Its contents are the first thing that the program wrote there. */
enum gaon_status hook_mem_import(struct gaon_device *dev, void *ptr, uint64_t bytes, uint32_t flags,
				 struct gaon_mem **mem)
{
	enum gaon_status status = next.mem_import(dev, ptr, bytes, flags, mem);

	if (status)
		return status;
	record_mem_add(dev, *mem, next.mem_va(*mem), bytes, GAON_MEM_IMPORTED);
	return put_made(&(struct record_call){ .op = RECORD_MEM_IMPORT,
					       .object = HANDLE(*mem),
					       .other = HANDLE(dev),
					       .a = bytes,
					       .b = flags,
					       .c = next.mem_va(*mem) },
			NULL, 0);
}

enum gaon_status hook_mem_import_fd(struct gaon_device *dev, int fd, uint32_t flags,
				    struct gaon_mem **mem)
{
	enum gaon_status status = next.mem_import_fd(dev, fd, flags, mem);
	struct record_call call = { .op = RECORD_MEM_FOREIGN, .other = HANDLE(dev) };

	if (status)
		return status;
	call.object = HANDLE(*mem);
	call.a = next.mem_size(*mem);
	call.b = next.mem_ptr(*mem) != NULL;
	call.c = next.mem_va(*mem);
	record_warn("memory of another device or process was imported: what others write there is "
		    "not recorded");
	record_mem_add(dev, *mem, call.c, call.a, call.b ? GAON_MEM_SHARED : GAON_MEM_DEVICE);
	return put_made(&call, NULL, 0);
}

enum gaon_status hook_mem_retain(struct gaon_mem *mem)
{
	return put_plain(RECORD_MEM_RETAIN, mem, next.mem_retain(mem));
}

enum gaon_status hook_mem_free(struct gaon_mem *mem)
{
	enum gaon_status status = put_plain(RECORD_MEM_FREE, mem, next.mem_free(mem));

	record_reads_harvest();
	record_mem_check(mem);
	return status;
}

enum gaon_status hook_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes, uint64_t *va)
{
	enum gaon_status status = next.mem_alloc_async(stream, bytes, va);

	if (status)
		return status;
	record_chunk_check(record_stream_device(stream), *va);
	return put_made(
		&(struct record_call){
			.op = RECORD_POOL_ALLOC, .object = HANDLE(stream), .a = bytes, .c = *va },
		NULL, 0);
}

enum gaon_status hook_mem_free_async(struct gaon_stream *stream, uint64_t va)
{
	enum gaon_status status = next.mem_free_async(stream, va);

	record_done(
		&(struct record_call){ .op = RECORD_POOL_FREE, .object = HANDLE(stream), .c = va },
		status, NULL, 0);
	return status;
}

/* --- streams, events, semaphores -------------------------------------------------------------- */

enum gaon_status hook_stream_create(struct gaon_device *dev,
				    const struct gaon_stream_config *config,
				    struct gaon_stream **stream)
{
	enum gaon_status status = next.stream_create(dev, config, stream);
	struct gaon_stream_config c = { 0 };
	const char *name;

	if (status)
		return status;
	if (config)
		memcpy(&c, config, config->size < sizeof(c) ? config->size : sizeof(c));
	name = c.name ? c.name : "";
	record_stream_add(dev, *stream);
	return put_made(&(struct record_call){ .op = RECORD_STREAM_CREATE,
					       .object = HANDLE(*stream),
					       .other = HANDLE(dev),
					       .a = (uint64_t)c.priority,
					       .b = c.ring_log2,
					       .c = c.launch_limit_ns },
			name, strnlen(name, 31));
}

enum gaon_status hook_stream_retain(struct gaon_stream *stream)
{
	return put_plain(RECORD_STREAM_RETAIN, stream, next.stream_retain(stream));
}

enum gaon_status hook_stream_destroy(struct gaon_stream *stream)
{
	enum gaon_status status =
		put_plain(RECORD_STREAM_DESTROY, stream, next.stream_destroy(stream));

	record_reads_harvest();
	return status;
}

enum gaon_status hook_event_create(struct gaon_device *dev, uint32_t flags,
				   struct gaon_event **event)
{
	enum gaon_status status = next.event_create(dev, flags, event);

	return status ? status
		      : put_made(&(struct record_call){ .op = RECORD_EVENT_CREATE,
							.object = HANDLE(*event),
							.other = HANDLE(dev),
							.a = flags },
				 NULL, 0);
}

enum gaon_status hook_event_destroy(struct gaon_event *event)
{
	return put_plain(RECORD_EVENT_DESTROY, event, next.event_destroy(event));
}

static enum gaon_status semaphore_made(struct gaon_device *dev, struct gaon_semaphore *semaphore,
				       bool foreign)
{
	return put_made(&(struct record_call){ .op = RECORD_SEMAPHORE_CREATE,
					       .object = HANDLE(semaphore),
					       .other = HANDLE(dev),
					       .a = foreign },
			NULL, 0);
}

enum gaon_status hook_semaphore_create(struct gaon_device *dev, struct gaon_semaphore **semaphore)
{
	enum gaon_status status = next.semaphore_create(dev, semaphore);

	return status ? status : semaphore_made(dev, *semaphore, false);
}

enum gaon_status hook_semaphore_import_fd(struct gaon_device *dev, int fd,
					  struct gaon_semaphore **semaphore)
{
	enum gaon_status status = next.semaphore_import_fd(dev, fd, semaphore);

	if (status)
		return status;
	record_warn("a semaphore was imported: who else raises it, and when, is not recorded");
	return semaphore_made(dev, *semaphore, true);
}

/* Known by another handle, too: others may raise it. */
enum gaon_status hook_semaphore_export(struct gaon_semaphore *semaphore, int *fd)
{
	enum gaon_status status = next.semaphore_export(semaphore, fd);

	if (!status)
		record_warn(
			"a semaphore was exported: who else raises it, and when, is not recorded");
	return put_plain(RECORD_SEMAPHORE_SHARED, semaphore, status);
}

enum gaon_status hook_semaphore_destroy(struct gaon_semaphore *semaphore)
{
	return put_plain(RECORD_SEMAPHORE_DESTROY, semaphore, next.semaphore_destroy(semaphore));
}

/* --- modules ---------------------------------------------------------------------------------- */

/* Where it is: its first kernel is in it. */
static uint64_t module_va(struct gaon_device *dev, struct gaon_module *module)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	struct gaon_kernel *kernel;

	record_own_calls();
	if (next.module_get_kernel_at(module, 0, &kernel) || next.kernel_get_desc(kernel, &desc) ||
	    next.address_get_info(dev, desc.entry_va, &info))
		return 0;
	return info.va;
}

static enum gaon_status module_made(struct gaon_device *dev, struct gaon_module *module,
				    const void *image, size_t size)
{
	return put_made(&(struct record_call){ .op = RECORD_MODULE_LOAD,
					       .object = HANDLE(module),
					       .other = HANDLE(dev),
					       .c = module_va(dev, module) },
			image, size);
}

enum gaon_status hook_module_load(struct gaon_device *dev, const void *image, size_t size,
				  struct gaon_module **module)
{
	enum gaon_status status = next.module_load(dev, image, size, module);

	return status ? status : module_made(dev, *module, image, size);
}

enum gaon_status hook_module_load_at(struct gaon_device *dev, const void *image, size_t size,
				     uint64_t va, struct gaon_module **module)
{
	enum gaon_status status = next.module_load_at(dev, image, size, va, module);

	return status ? status : module_made(dev, *module, image, size);
}

/* From the memory that is recorded, so that both are the same whatever becomes of the file. */
enum gaon_status hook_module_load_file(struct gaon_device *dev, const char *path,
				       struct gaon_module **module)
{
	FILE *file = path ? fopen(path, "rbe") : NULL;
	enum gaon_status status;
	void *image = NULL;
	size_t size = 0;
	long length;

	if (file && !fseek(file, 0, SEEK_END) && (length = ftell(file)) > 0 &&
	    !fseek(file, 0, SEEK_SET)) {
		image = malloc((size_t)length);
		size = image ? fread(image, 1, (size_t)length, file) : 0;
	}
	if (file)
		fclose(file);
	/* libgaon itself says what is wrong with the file, below. */
	status = size ? next.module_load(dev, image, size, module) : GAON_ERROR_NOT_FOUND;
	if (!status) {
		module_made(dev, *module, image, size);
	} else {
		status = next.module_load_file(dev, path, module);
		if (!status)
			record_warn("a device program's file changed while it was loaded: the "
				    "program is not recorded");
	}
	free(image);
	return status;
}

enum gaon_status hook_module_retain(struct gaon_module *module)
{
	return put_plain(RECORD_MODULE_RETAIN, module, next.module_retain(module));
}

enum gaon_status hook_module_unload(struct gaon_module *module)
{
	enum gaon_status status =
		put_plain(RECORD_MODULE_UNLOAD, module, next.module_unload(module));

	record_reads_harvest();
	return status;
}

static enum gaon_status kernel_found(struct gaon_module *module, struct gaon_kernel *kernel)
{
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };

	next.kernel_get_desc(kernel, &desc);
	return put_made(&(struct record_call){ .op = RECORD_KERNEL,
					       .object = HANDLE(kernel),
					       .other = HANDLE(module) },
			desc.name, strnlen(desc.name, sizeof(desc.name)));
}

enum gaon_status hook_module_get_kernel(struct gaon_module *module, const char *name,
					struct gaon_kernel **kernel)
{
	enum gaon_status status = next.module_get_kernel(module, name, kernel);

	return status ? status : kernel_found(module, *kernel);
}

enum gaon_status hook_module_get_kernel_at(struct gaon_module *module, uint32_t index,
					   struct gaon_kernel **kernel)
{
	enum gaon_status status = next.module_get_kernel_at(module, index, kernel);

	return status ? status : kernel_found(module, *kernel);
}
