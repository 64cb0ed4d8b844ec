/* SPDX-License-Identifier: MIT */
/*
 * What a loadable ggml backend and its host agree on, for version 3 of that agreement: tables of functions
 * and the structures that carry them. ggml publishes the functions that read them (ggml-backend.h) and not
 * their layout, which is written down here from those functions' behaviour; tests/frameworks/ggml_abi.c
 * checks every entry against the ggml that is loaded.
 *
 * Entries that may be NULL are marked "optional". Tensors are those of ggml.h.
 */
#ifndef GAON_GGML_BACKEND_ABI_H
#define GAON_GGML_BACKEND_ABI_H

#include <ggml-backend.h>
#include <ggml.h>

#define GGML_ABI_VERSION	3

/* A kind of memory of a device. */
struct ggml_abi_buffer_type_ops {
	const char *(*get_name)(ggml_backend_buffer_type_t type);
	ggml_backend_buffer_t (*alloc_buffer)(ggml_backend_buffer_type_t type, size_t size);
	/* optional: one buffer in which the tensors of a list have been given their places */
	ggml_backend_buffer_t (*alloc_buffer_n)(ggml_backend_buffer_type_t type,
						struct ggml_tensor **tensors, int count);
	size_t (*get_alignment)(ggml_backend_buffer_type_t type);
	size_t (*get_max_size)(ggml_backend_buffer_type_t type);	/* optional: no limit */
	/* optional: ggml_nbytes() */
	size_t (*get_alloc_size)(ggml_backend_buffer_type_t type, const struct ggml_tensor *tensor);
	size_t (*get_alloc_size_n)(ggml_backend_buffer_type_t type, struct ggml_tensor **tensors,
				   int count);			/* optional: their sum */
	bool (*is_host)(ggml_backend_buffer_type_t type);		/* optional: false */
};

struct ggml_backend_buffer_type {
	struct ggml_abi_buffer_type_ops ops;
	ggml_backend_dev_t device;
	void *context;
};

/* A piece of that memory. The 2d forms move @copies pieces of @size bytes, each side with its own stride. */
struct ggml_abi_buffer_ops {
	void (*free_buffer)(ggml_backend_buffer_t buffer);		/* optional */
	void *(*get_base)(ggml_backend_buffer_t buffer);
	enum ggml_status (*init_tensor)(ggml_backend_buffer_t buffer,
					struct ggml_tensor *tensor);	/* optional */
	void (*memset_tensor)(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, uint8_t value,
			      size_t offset, size_t size);
	void (*set_tensor)(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, const void *data,
			   size_t offset, size_t size);
	void (*get_tensor)(ggml_backend_buffer_t buffer, const struct ggml_tensor *tensor, void *data,
			   size_t offset, size_t size);
	void (*set_tensor_2d)(ggml_backend_buffer_t buffer, struct ggml_tensor *tensor, const void *data,
			      size_t offset, size_t size, size_t copies, size_t stride_tensor,
			      size_t stride_data);			/* optional */
	void (*get_tensor_2d)(ggml_backend_buffer_t buffer, const struct ggml_tensor *tensor, void *data,
			      size_t offset, size_t size, size_t copies, size_t stride_tensor,
			      size_t stride_data);			/* optional */
	/* optional; @dst is in @buffer, @src anywhere; false: not done */
	bool (*cpy_tensor)(ggml_backend_buffer_t buffer, const struct ggml_tensor *src,
			   struct ggml_tensor *dst);
	void (*clear)(ggml_backend_buffer_t buffer, uint8_t value);
	void (*reset)(ggml_backend_buffer_t buffer);			/* optional */
};

struct ggml_backend_buffer {
	struct ggml_abi_buffer_ops ops;
	ggml_backend_buffer_type_t type;
	void *context;
	size_t size;
	enum ggml_backend_buffer_usage usage;
};

/* Makes a struct ggml_backend_buffer, which ggml_backend_buffer_free() frees. Of libggml-base. */
GGML_API ggml_backend_buffer_t ggml_backend_buffer_init(ggml_backend_buffer_type_t type,
							struct ggml_abi_buffer_ops ops, void *context,
							size_t size);

/* A stream of work on a device. */
struct ggml_abi_backend_ops {
	const char *(*get_name)(ggml_backend_t backend);
	void (*free)(ggml_backend_t backend);
	/* optional, these five; the copies are ordered with the stream's work */
	void (*set_tensor_async)(ggml_backend_t backend, struct ggml_tensor *tensor, const void *data,
				 size_t offset, size_t size);
	void (*get_tensor_async)(ggml_backend_t backend, const struct ggml_tensor *tensor, void *data,
				 size_t offset, size_t size);
	void (*set_tensor_2d_async)(ggml_backend_t backend, struct ggml_tensor *tensor, const void *data,
				    size_t offset, size_t size, size_t copies, size_t stride_tensor,
				    size_t stride_data);
	void (*get_tensor_2d_async)(ggml_backend_t backend, const struct ggml_tensor *tensor, void *data,
				    size_t offset, size_t size, size_t copies, size_t stride_tensor,
				    size_t stride_data);
	bool (*cpy_tensor_async)(ggml_backend_t src_backend, ggml_backend_t dst_backend,
				 const struct ggml_tensor *src, struct ggml_tensor *dst);
	void (*synchronize)(ggml_backend_t backend);			/* optional */
	/* optional, these four */
	ggml_backend_graph_plan_t (*graph_plan_create)(ggml_backend_t backend,
						       const struct ggml_cgraph *graph);
	void (*graph_plan_free)(ggml_backend_t backend, ggml_backend_graph_plan_t plan);
	void (*graph_plan_update)(ggml_backend_t backend, ggml_backend_graph_plan_t plan,
				  const struct ggml_cgraph *graph);
	enum ggml_status (*graph_plan_compute)(ggml_backend_t backend, ggml_backend_graph_plan_t plan);
	enum ggml_status (*graph_compute)(ggml_backend_t backend, struct ggml_cgraph *graph);
	/* optional, these three */
	void (*event_record)(ggml_backend_t backend, ggml_backend_event_t event);
	void (*event_wait)(ggml_backend_t backend, ggml_backend_event_t event);
	void (*graph_optimize)(ggml_backend_t backend, struct ggml_cgraph *graph);
};

struct ggml_backend {
	ggml_guid_t guid;
	struct ggml_abi_backend_ops ops;
	ggml_backend_dev_t device;
	void *context;
};

struct ggml_backend_event {
	ggml_backend_dev_t device;
	void *context;
};

struct ggml_abi_device_ops {
	const char *(*get_name)(ggml_backend_dev_t device);
	const char *(*get_description)(ggml_backend_dev_t device);
	void (*get_memory)(ggml_backend_dev_t device, size_t *free, size_t *total);
	enum ggml_backend_dev_type (*get_type)(ggml_backend_dev_t device);
	void (*get_props)(ggml_backend_dev_t device, struct ggml_backend_dev_props *props);
	ggml_backend_t (*init_backend)(ggml_backend_dev_t device, const char *params);
	ggml_backend_buffer_type_t (*get_buffer_type)(ggml_backend_dev_t device);
	ggml_backend_buffer_type_t (*get_host_buffer_type)(ggml_backend_dev_t device);	/* optional */
	ggml_backend_buffer_t (*buffer_from_host_ptr)(ggml_backend_dev_t device, void *ptr, size_t size,
						      size_t max_tensor_size);		/* optional */
	bool (*supports_op)(ggml_backend_dev_t device, const struct ggml_tensor *op);
	bool (*supports_buft)(ggml_backend_dev_t device, ggml_backend_buffer_type_t type);
	/* optional: worth running here although its weights lie elsewhere */
	bool (*offload_op)(ggml_backend_dev_t device, const struct ggml_tensor *op);
	/* optional, these three */
	ggml_backend_event_t (*event_new)(ggml_backend_dev_t device);
	void (*event_free)(ggml_backend_dev_t device, ggml_backend_event_t event);
	void (*event_synchronize)(ggml_backend_dev_t device, ggml_backend_event_t event);
};

struct ggml_backend_device {
	struct ggml_abi_device_ops ops;
	ggml_backend_reg_t reg;
	void *context;
};

struct ggml_abi_reg_ops {
	const char *(*get_name)(ggml_backend_reg_t reg);
	size_t (*get_device_count)(ggml_backend_reg_t reg);
	ggml_backend_dev_t (*get_device)(ggml_backend_reg_t reg, size_t index);
	void *(*get_proc_address)(ggml_backend_reg_t reg, const char *name);	/* optional */
};

/* What the plug-in's ggml_backend_init() returns; the host compares the version and refuses another. */
struct ggml_backend_reg {
	int version;
	struct ggml_abi_reg_ops ops;
	void *context;
};

#endif
