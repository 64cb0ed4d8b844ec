// SPDX-License-Identifier: MIT
/*
 * The plug-in's own declarations of ggml's tables (ggml_backend_abi.h) against the ggml that it is
 * loaded into: every table is filled with functions that say who they are, and ggml's public
 * functions must call the one that the declarations name. An entry that has moved is named by its
 * test.
 */
#include "ggml_backend_abi.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const char *called;

/* Which function ggml called. */
static void expect(const char *entry)
{
	tap_ok(called && !strcmp(called, entry), "%s: ggml calls %s", entry,
	       called ? called : "nothing of ours");
	called = NULL;
}

/* NAME(type, name, arguments): a function of that name which notes that it was called and returns
 * RESULT. */
#define NOTED(type, name, args, result)                                                            \
	static type name args                                                                      \
	{                                                                                          \
		called = #name;                                                                    \
		return result;                                                                     \
	}
#define NOTED_VOID(name, args)                                                                     \
	static void name args                                                                      \
	{                                                                                          \
		called = #name;                                                                    \
	}

static char memory[4096] __attribute__((aligned(64)));
static struct ggml_backend_buffer_type type;
static struct ggml_backend_device device;
static struct ggml_backend_reg reg;
static struct ggml_backend backend;
static ggml_backend_buffer_t buffer;
static ggml_guid guid = { 1 };

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
NOTED(const char *, type_get_name, (ggml_backend_buffer_type_t t), "type")
NOTED(ggml_backend_buffer_t, type_alloc_buffer, (ggml_backend_buffer_type_t t, size_t s), buffer)
NOTED(ggml_backend_buffer_t, type_alloc_buffer_n,
	(ggml_backend_buffer_type_t t, struct ggml_tensor **l, int n), buffer)
NOTED(size_t, type_get_alignment, (ggml_backend_buffer_type_t t), 64)
NOTED(size_t, type_get_max_size, (ggml_backend_buffer_type_t t), sizeof(memory))
NOTED(size_t, type_get_alloc_size, (ggml_backend_buffer_type_t t, const struct ggml_tensor *x),
	ggml_nbytes(x))
NOTED(size_t, type_get_alloc_size_n, (ggml_backend_buffer_type_t t, struct ggml_tensor **l, int n),
	64)
NOTED(bool, type_is_host, (ggml_backend_buffer_type_t t), false)

NOTED_VOID(buffer_free_buffer, (ggml_backend_buffer_t b))
static void *buffer_get_base(ggml_backend_buffer_t b)
{
	called = called ? called : "buffer_get_base";
	return memory;
}
NOTED(enum ggml_status, buffer_init_tensor, (ggml_backend_buffer_t b, struct ggml_tensor *t),
	GGML_STATUS_SUCCESS)
NOTED_VOID(buffer_memset_tensor,
	   (ggml_backend_buffer_t b, struct ggml_tensor *t, uint8_t v, size_t o, size_t s))
NOTED_VOID(buffer_set_tensor,
	   (ggml_backend_buffer_t b, struct ggml_tensor *t, const void *d, size_t o, size_t s))
NOTED_VOID(buffer_get_tensor,
	   (ggml_backend_buffer_t b, const struct ggml_tensor *t, void *d, size_t o, size_t s))
NOTED_VOID(buffer_set_tensor_2d, (ggml_backend_buffer_t b, struct ggml_tensor *t, const void *d,
				  size_t o, size_t s, size_t n, size_t st, size_t sd))
NOTED_VOID(buffer_get_tensor_2d, (ggml_backend_buffer_t b, const struct ggml_tensor *t, void *d,
				  size_t o, size_t s, size_t n, size_t st, size_t sd))
NOTED(bool, buffer_cpy_tensor,
	(ggml_backend_buffer_t b, const struct ggml_tensor *s, struct ggml_tensor *d), true)
NOTED_VOID(buffer_clear, (ggml_backend_buffer_t b, uint8_t v))
NOTED_VOID(buffer_reset, (ggml_backend_buffer_t b))

NOTED(const char *, backend_get_name, (ggml_backend_t b), "backend")
NOTED_VOID(backend_free, (ggml_backend_t b))
NOTED_VOID(backend_set_tensor_async,
	   (ggml_backend_t b, struct ggml_tensor *t, const void *d, size_t o, size_t s))
NOTED_VOID(backend_get_tensor_async,
	   (ggml_backend_t b, const struct ggml_tensor *t, void *d, size_t o, size_t s))
NOTED_VOID(backend_set_tensor_2d_async, (ggml_backend_t b, struct ggml_tensor *t, const void *d,
					 size_t o, size_t s, size_t n, size_t st, size_t sd))
NOTED_VOID(backend_get_tensor_2d_async, (ggml_backend_t b, const struct ggml_tensor *t, void *d,
					 size_t o, size_t s, size_t n, size_t st, size_t sd))
NOTED(bool, backend_cpy_tensor_async,
	(ggml_backend_t a, ggml_backend_t b, const struct ggml_tensor *s, struct ggml_tensor *d),
	true)
NOTED_VOID(backend_synchronize, (ggml_backend_t b))
NOTED(ggml_backend_graph_plan_t, backend_graph_plan_create,
	(ggml_backend_t b, const struct ggml_cgraph *g), memory)
NOTED_VOID(backend_graph_plan_free, (ggml_backend_t b, ggml_backend_graph_plan_t p))
NOTED(enum ggml_status, backend_graph_plan_compute, (ggml_backend_t b, ggml_backend_graph_plan_t p),
	GGML_STATUS_SUCCESS)
NOTED(enum ggml_status, backend_graph_compute, (ggml_backend_t b, struct ggml_cgraph *g),
	GGML_STATUS_SUCCESS)
NOTED_VOID(backend_event_record, (ggml_backend_t b, ggml_backend_event_t e))
NOTED_VOID(backend_event_wait, (ggml_backend_t b, ggml_backend_event_t e))

NOTED(const char *, device_get_name, (ggml_backend_dev_t d), "device")
NOTED(const char *, device_get_description, (ggml_backend_dev_t d), "a device")
NOTED_VOID(device_get_memory, (ggml_backend_dev_t d, size_t *f, size_t *t))
NOTED(enum ggml_backend_dev_type, device_get_type, (ggml_backend_dev_t d),
	GGML_BACKEND_DEVICE_TYPE_GPU)
NOTED_VOID(device_get_props, (ggml_backend_dev_t d, struct ggml_backend_dev_props *p))
NOTED(ggml_backend_t, device_init_backend, (ggml_backend_dev_t d, const char *p), &backend)
NOTED(ggml_backend_buffer_type_t, device_get_buffer_type, (ggml_backend_dev_t d), &type)
NOTED(ggml_backend_buffer_type_t, device_get_host_buffer_type, (ggml_backend_dev_t d), &type)
NOTED(ggml_backend_buffer_t, device_buffer_from_host_ptr,
	(ggml_backend_dev_t d, void *p, size_t s, size_t m), buffer)
NOTED(bool, device_supports_op, (ggml_backend_dev_t d, const struct ggml_tensor *t), true)
NOTED(bool, device_supports_buft, (ggml_backend_dev_t d, ggml_backend_buffer_type_t t), true)
NOTED(bool, device_offload_op, (ggml_backend_dev_t d, const struct ggml_tensor *t), true)
static struct ggml_backend_event event = { .device = &device };
NOTED(ggml_backend_event_t, device_event_new, (ggml_backend_dev_t d), &event)
NOTED_VOID(device_event_free, (ggml_backend_dev_t d, ggml_backend_event_t e))
NOTED_VOID(device_event_synchronize, (ggml_backend_dev_t d, ggml_backend_event_t e))

NOTED(const char *, reg_get_name, (ggml_backend_reg_t r), "reg")
NOTED(size_t, reg_get_device_count, (ggml_backend_reg_t r), 1)
NOTED(ggml_backend_dev_t, reg_get_device, (ggml_backend_reg_t r, size_t i), &device)
NOTED(void *, reg_get_proc_address, (ggml_backend_reg_t r, const char *n), memory)
#pragma clang diagnostic pop

static const struct ggml_abi_buffer_ops buffer_ops = {
	buffer_free_buffer, buffer_get_base,   buffer_init_tensor,   buffer_memset_tensor,
	buffer_set_tensor,  buffer_get_tensor, buffer_set_tensor_2d, buffer_get_tensor_2d,
	buffer_cpy_tensor,  buffer_clear,      buffer_reset,
};

static void fill(void)
{
	type = (struct ggml_backend_buffer_type){
		{ type_get_name, type_alloc_buffer, type_alloc_buffer_n, type_get_alignment,
		  type_get_max_size, type_get_alloc_size, type_get_alloc_size_n, type_is_host },
		&device,
		NULL
	};
	backend = (struct ggml_backend){ &guid,
					 { backend_get_name, backend_free, backend_set_tensor_async,
					   backend_get_tensor_async, backend_set_tensor_2d_async,
					   backend_get_tensor_2d_async, backend_cpy_tensor_async,
					   backend_synchronize, backend_graph_plan_create,
					   backend_graph_plan_free, NULL,
					   backend_graph_plan_compute, backend_graph_compute,
					   backend_event_record, backend_event_wait, NULL },
					 &device,
					 NULL };
	device = (struct ggml_backend_device){
		{ device_get_name, device_get_description, device_get_memory, device_get_type,
		  device_get_props, device_init_backend, device_get_buffer_type,
		  device_get_host_buffer_type, device_buffer_from_host_ptr, device_supports_op,
		  device_supports_buft, device_offload_op, device_event_new, device_event_free,
		  device_event_synchronize },
		&reg,
		NULL
	};
	reg = (struct ggml_backend_reg){ GGML_ABI_VERSION,
					 { reg_get_name, reg_get_device_count, reg_get_device,
					   reg_get_proc_address },
					 NULL };
}

#define CALL(entry, call)                                                                          \
	do {                                                                                       \
		called = NULL;                                                                     \
		(void)(call);                                                                      \
		expect(entry);                                                                     \
	} while (0)
#define CALL_VOID(entry, call) CALL(entry, ((call), 0))

static void test_type(struct ggml_tensor **tensors)
{
	CALL("type_get_name", ggml_backend_buft_name(&type));
	CALL("type_alloc_buffer", ggml_backend_buft_alloc_buffer(&type, 64));
	CALL("type_alloc_buffer_n", ggml_backend_buft_alloc_buffer_n(&type, tensors, 1));
	CALL("type_get_alignment", ggml_backend_buft_get_alignment(&type));
	CALL("type_get_max_size", ggml_backend_buft_get_max_size(&type));
	CALL("type_get_alloc_size", ggml_backend_buft_get_alloc_size(&type, tensors[0]));
	CALL("type_get_alloc_size_n", ggml_backend_buft_get_alloc_size_n(&type, tensors, 1));
	CALL("type_is_host", ggml_backend_buft_is_host(&type));
	tap_ok(ggml_backend_buft_get_device(&type) == &device, "type: its device");
}

static void test_buffer(struct ggml_tensor *a, struct ggml_tensor *b)
{
	float data[16] = { 0 };

	buffer = ggml_backend_buffer_init(&type, buffer_ops, &guid, sizeof(memory));
	tap_ok(buffer->type == &type && buffer->context == &guid &&
		       buffer->size == sizeof(memory) &&
		       !memcmp(&buffer->ops, &buffer_ops, sizeof(buffer_ops)),
	       "buffer: what it was made with");
	tap_ok(ggml_backend_buffer_get_type(buffer) == &type &&
		       ggml_backend_buffer_get_size(buffer) == sizeof(memory),
	       "buffer: type and size as ggml reads them");
	ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_COMPUTE);
	tap_ok(buffer->usage == GGML_BACKEND_BUFFER_USAGE_COMPUTE, "buffer: usage");
	CALL("buffer_get_base", ggml_backend_buffer_get_base(buffer));
	CALL("buffer_init_tensor", ggml_backend_tensor_alloc(buffer, a, memory));
	ggml_backend_tensor_alloc(buffer, b, memory + 1024);
	CALL_VOID("buffer_memset_tensor", ggml_backend_tensor_memset(a, 0, 0, 4));
	CALL_VOID("buffer_set_tensor", ggml_backend_tensor_set(a, data, 0, 4));
	CALL_VOID("buffer_get_tensor", ggml_backend_tensor_get(a, data, 0, 4));
	CALL_VOID("buffer_set_tensor_2d", ggml_backend_tensor_set_2d(a, data, 0, 4, 2, 8, 8));
	CALL_VOID("buffer_get_tensor_2d", ggml_backend_tensor_get_2d(a, data, 0, 4, 2, 8, 8));
	CALL_VOID("buffer_cpy_tensor", ggml_backend_tensor_copy(a, b));
	CALL_VOID("buffer_clear", ggml_backend_buffer_clear(buffer, 0));
	CALL_VOID("buffer_reset", ggml_backend_buffer_reset(buffer));
}

static void test_backend(struct ggml_tensor *a, struct ggml_tensor *b, struct ggml_cgraph *graph)
{
	struct ggml_backend other = backend;
	float data[16] = { 0 };

	CALL("backend_get_name", ggml_backend_name(&backend));
	tap_ok(ggml_backend_guid(&backend) == &guid && ggml_backend_get_device(&backend) == &device,
	       "backend: its guid and device");
	CALL_VOID("backend_set_tensor_async",
		  ggml_backend_tensor_set_async(&backend, a, data, 0, 4));
	CALL_VOID("backend_get_tensor_async",
		  ggml_backend_tensor_get_async(&backend, a, data, 0, 4));
	CALL_VOID("backend_set_tensor_2d_async",
		  ggml_backend_tensor_set_2d_async(&backend, a, data, 0, 4, 2, 8, 8));
	CALL_VOID("backend_get_tensor_2d_async",
		  ggml_backend_tensor_get_2d_async(&backend, a, data, 0, 4, 2, 8, 8));
	CALL_VOID("backend_cpy_tensor_async",
		  ggml_backend_tensor_copy_async(&backend, &other, a, b));
	CALL_VOID("backend_synchronize", ggml_backend_synchronize(&backend));
	CALL("backend_graph_plan_create", ggml_backend_graph_plan_create(&backend, graph));
	CALL_VOID("backend_graph_plan_free", ggml_backend_graph_plan_free(&backend, memory));
	CALL("backend_graph_plan_compute", ggml_backend_graph_plan_compute(&backend, memory));
	CALL("backend_graph_compute", ggml_backend_graph_compute_async(&backend, graph));
	CALL_VOID("backend_event_record", ggml_backend_event_record(&event, &backend));
	CALL_VOID("backend_event_wait", ggml_backend_event_wait(&backend, &event));
	CALL_VOID("backend_free", ggml_backend_free(&backend));
}

static void test_device(struct ggml_tensor *a)
{
	struct ggml_backend_dev_props props;
	size_t left, total;

	CALL("device_get_name", ggml_backend_dev_name(&device));
	CALL("device_get_description", ggml_backend_dev_description(&device));
	CALL_VOID("device_get_memory", ggml_backend_dev_memory(&device, &left, &total));
	CALL("device_get_type", ggml_backend_dev_type(&device));
	CALL_VOID("device_get_props", ggml_backend_dev_get_props(&device, &props));
	CALL("device_init_backend", ggml_backend_dev_init(&device, NULL));
	CALL("device_get_buffer_type", ggml_backend_dev_buffer_type(&device));
	CALL("device_get_host_buffer_type", ggml_backend_dev_host_buffer_type(&device));
	CALL("device_buffer_from_host_ptr",
	     ggml_backend_dev_buffer_from_host_ptr(&device, memory, 64, 64));
	CALL("device_supports_op", ggml_backend_dev_supports_op(&device, a));
	CALL("device_supports_buft", ggml_backend_dev_supports_buft(&device, &type));
	CALL("device_offload_op", ggml_backend_dev_offload_op(&device, a));
	CALL("device_event_new", ggml_backend_event_new(&device));
	CALL_VOID("device_event_synchronize", ggml_backend_event_synchronize(&event));
	CALL_VOID("device_event_free", ggml_backend_event_free(&event));
	tap_ok(ggml_backend_dev_backend_reg(&device) == &reg, "device: its registry");
}

static void test_reg(void)
{
	CALL("reg_get_name", ggml_backend_reg_name(&reg));
	CALL("reg_get_device_count", ggml_backend_reg_dev_count(&reg));
	CALL("reg_get_device", ggml_backend_reg_dev_get(&reg, 0));
	CALL("reg_get_proc_address", ggml_backend_reg_get_proc_address(&reg, "x"));
}

int main(void)
{
	struct ggml_init_params params = { .mem_size = 1 << 20, .no_alloc = true };
	struct ggml_context *context = ggml_init(params);
	struct ggml_tensor *a = ggml_new_tensor_1d(context, GGML_TYPE_F32, 16);
	struct ggml_tensor *b = ggml_new_tensor_1d(context, GGML_TYPE_F32, 16);
	struct ggml_cgraph *graph = ggml_new_graph(context);

	fill();
	test_type(&a);
	test_buffer(a, b);
	test_backend(a, b, graph);
	test_device(a);
	test_reg();
	CALL_VOID("buffer_free_buffer", ggml_backend_buffer_free(buffer));
	ggml_free(context);
	return tap_end();
}
