// SPDX-License-Identifier: MIT
/*
 * Memory. Tensors in device memory carry device addresses in their data member, which nobody but
 * the device may follow. Pinned host memory is ordinary memory to the processor.
 */
#include "plugin.h"

#include <stdlib.h>

static uint64_t address_of(const struct ggml_tensor *tensor, size_t offset)
{
	return (uint64_t)(uintptr_t)tensor->data + offset;
}

static struct plugin_device *type_device(ggml_backend_buffer_type_t type)
{
	return type->context;
}

/* ggml's functions for memory return nothing: all that can be done about an error is a line in the
 * log. */
static void report(ggml_backend_buffer_t buffer, enum gaon_status status, const char *what)
{
	if (status)
		plugin_log_status(type_device(buffer->type), status, what);
}

static void buffer_free(ggml_backend_buffer_t buffer)
{
	report(buffer, gaon_mem_free(buffer->context), "freeing a buffer");
}

static void *buffer_base(ggml_backend_buffer_t buffer)
{
	return (void *)(uintptr_t)gaon_mem_va(buffer->context);
}

static void buffer_memset(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, uint8_t value,
			  size_t offset, size_t size)
{
	report(buffer,
	       gaon_mem_fill(type_device(buffer->type)->gaon, address_of(tensor, offset), value, 1,
			     size),
	       tensor->name);
}

static void buffer_set(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, const void *data,
		       size_t offset, size_t size)
{
	report(buffer,
	       gaon_mem_write(type_device(buffer->type)->gaon, address_of(tensor, offset), data,
			      size),
	       tensor->name);
}

static void buffer_get(ggml_backend_buffer_t buffer, const struct ggml_tensor *tensor, void *data,
		       size_t offset, size_t size)
{
	report(buffer,
	       gaon_mem_read(type_device(buffer->type)->gaon, data, address_of(tensor, offset),
			     size),
	       tensor->name);
}

void plugin_rect(struct gaon_rect *rect, const struct ggml_tensor *tensor, void *data,
		 size_t offset, size_t size, size_t copies, size_t stride_tensor,
		 size_t stride_data, bool to_device)
{
	struct gaon_rect_end device = { .va = address_of(tensor, offset),
					.row_pitch = stride_tensor };
	struct gaon_rect_end host = { .ptr = data, .row_pitch = stride_data };

	*rect = (struct gaon_rect){
		.size = sizeof(*rect),
		.width = size,
		.height = (uint32_t)copies,
		.dst = to_device ? device : host,
		.src = to_device ? host : device,
	};
}

static void buffer_set_2d(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor,
			  const void *data, size_t offset, size_t size, size_t copies,
			  size_t stride_tensor, size_t stride_data)
{
	struct gaon_rect rect;

	plugin_rect(&rect, tensor, (void *)(uintptr_t)data, offset, size, copies, stride_tensor,
		    stride_data, true);
	report(buffer, gaon_mem_copy_rect(type_device(buffer->type)->gaon, &rect), tensor->name);
}

static void buffer_get_2d(ggml_backend_buffer_t buffer, const struct ggml_tensor *tensor,
			  void *data, size_t offset, size_t size, size_t copies,
			  size_t stride_tensor, size_t stride_data)
{
	struct gaon_rect rect;

	plugin_rect(&rect, tensor, data, offset, size, copies, stride_tensor, stride_data, false);
	report(buffer, gaon_mem_copy_rect(type_device(buffer->type)->gaon, &rect), tensor->name);
}

/* From this device, another Gaon device, or host memory. */
static bool buffer_copy(ggml_backend_buffer_t buffer, const struct ggml_tensor *src,
			struct ggml_tensor *dst)
{
	struct plugin_device *to = type_device(buffer->type);
	ggml_backend_buffer_t from_buffer = src->view_src ? src->view_src->buffer : src->buffer;
	struct plugin_device *from = plugin_buffer_device(from_buffer);
	size_t bytes = ggml_nbytes(src);
	enum gaon_status status;

	if (from)
		status = gaon_mem_copy_peer(to->gaon, address_of(dst, 0), from->gaon,
					    address_of(src, 0), bytes);
	else if (ggml_backend_buffer_is_host(from_buffer))
		status = gaon_mem_write(to->gaon, address_of(dst, 0), src->data, bytes);
	else
		return false;
	report(buffer, status, dst->name);
	return !status;
}

/*
 * llama.cpp clears its cache behind graphs that still run and write there. A fault of theirs is told
 * to who waits for them.
 */
static void buffer_clear(ggml_backend_buffer_t buffer, uint8_t value)
{
	struct gaon_device *gaon = type_device(buffer->type)->gaon;
	enum gaon_status status = gaon_device_wait(gaon, GAON_FOREVER);

	if (!status || status == GAON_ERROR_FAULT)
		status = gaon_mem_fill(gaon, gaon_mem_va(buffer->context), value, 1, buffer->size);
	report(buffer, status, "clearing a buffer");
}

static const struct ggml_abi_buffer_ops buffer_ops = {
	.free_buffer = buffer_free,
	.get_base = buffer_base,
	.memset_tensor = buffer_memset,
	.set_tensor = buffer_set,
	.get_tensor = buffer_get,
	.set_tensor_2d = buffer_set_2d,
	.get_tensor_2d = buffer_get_2d,
	.cpy_tensor = buffer_copy,
	.clear = buffer_clear,
};

struct plugin_device *plugin_buffer_device(ggml_backend_buffer_t buffer)
{
	return buffer && buffer->ops.get_base == buffer_base ? type_device(buffer->type) : NULL;
}

static const char *memory_name(ggml_backend_buffer_type_t type)
{
	return type_device(type)->name;
}

static ggml_backend_buffer_t memory_alloc(ggml_backend_buffer_type_t type, size_t size)
{
	struct plugin_device *device = type_device(type);
	struct gaon_mem *mem;
	enum gaon_status status = gaon_mem_alloc(device->gaon, size, GAON_MEM_DEVICE, &mem);

	if (status) {
		uint64_t left = 0, all = 0;

		plugin_log_status(device, status, "allocating a buffer");
		if (!gaon_device_get_memory(device->gaon, &left, &all))
			plugin_log(
				GGML_LOG_LEVEL_ERROR,
				"%s: %.1f MiB were asked for, %.1f MiB of %.1f MiB are free: fewer "
				"layers (-ngl), a smaller context (-c) or batch (-ub) need less",
				device->name, size / 1048576.0, left / 1048576.0, all / 1048576.0);
		return NULL;
	}
	return ggml_backend_buffer_init(type, buffer_ops, mem, size);
}

static size_t memory_alignment(ggml_backend_buffer_type_t type)
{
	(void)type;
	return PLUGIN_ALIGNMENT;
}

static const char *host_memory_name(ggml_backend_buffer_type_t type)
{
	return type_device(type)->host_name;
}

/* Whose context is the host address, as ggml's own buffers of host memory have it. */
static void host_buffer_free(ggml_backend_buffer_t buffer)
{
	struct gaon_address_info info = { .size = sizeof(info) };
	enum gaon_status status =
		gaon_pointer_get_info(type_device(buffer->type)->gaon, buffer->context, &info);

	if (!status)
		status = gaon_mem_free(info.mem);
	report(buffer, status, "freeing pinned host memory");
}

/* Memory that cannot be pinned is allocated unpinned: copies are slower then, nothing else. */
static ggml_backend_buffer_t host_memory_alloc(ggml_backend_buffer_type_t type, size_t size)
{
	struct plugin_device *device = type_device(type);
	ggml_backend_buffer_t buffer;
	struct gaon_mem *mem;
	enum gaon_status status = gaon_mem_alloc(device->gaon, size, GAON_MEM_HOST, &mem);

	if (status) {
		plugin_log_status(device, status, "pinning host memory; copies will be slower");
		return ggml_backend_buft_alloc_buffer(ggml_backend_cpu_buffer_type(), size);
	}
	buffer = ggml_backend_cpu_buffer_from_ptr(gaon_mem_ptr(mem), size);
	if (!buffer) {
		gaon_mem_free(mem);
		return NULL;
	}
	buffer->type = type;
	buffer->ops.free_buffer = host_buffer_free;
	return buffer;
}

static size_t host_memory_alignment(ggml_backend_buffer_type_t type)
{
	(void)type;
	return ggml_backend_buft_get_alignment(ggml_backend_cpu_buffer_type());
}

static bool host_memory_is_host(ggml_backend_buffer_type_t type)
{
	(void)type;
	return true;
}

void plugin_memory_init(struct plugin_device *device)
{
	device->memory = (struct ggml_backend_buffer_type){
		.ops = { .get_name = memory_name,
			 .alloc_buffer = memory_alloc,
			 .get_alignment = memory_alignment },
		.device = &device->abi,
		.context = device,
	};
	device->host_memory = (struct ggml_backend_buffer_type){
		.ops = { .get_name = host_memory_name,
			 .alloc_buffer = host_memory_alloc,
			 .get_alignment = host_memory_alignment,
			 .is_host = host_memory_is_host },
		.device = &device->abi,
		.context = device,
	};
}
