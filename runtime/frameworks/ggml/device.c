// SPDX-License-Identifier: MIT
/* What ggml is told about a device. */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>

static const char *device_name(ggml_backend_dev_t device)
{
	return plugin_device_of(device)->name;
}

static const char *device_description(ggml_backend_dev_t device)
{
	return plugin_device_of(device)->description;
}

static void device_memory(ggml_backend_dev_t device, size_t *free_bytes, size_t *total)
{
	struct plugin_device *d = plugin_device_of(device);
	uint64_t left = 0, all = 0;
	enum gaon_status status = gaon_device_get_memory(d->gaon, &left, &all);

	if (status)
		plugin_log_status(d, status, "memory");
	*free_bytes = left;
	*total = all;
}

static enum ggml_backend_dev_type device_type(ggml_backend_dev_t device)
{
	(void)device;
	return GGML_BACKEND_DEVICE_TYPE_GPU;
}

static void device_props(ggml_backend_dev_t device, struct ggml_backend_dev_props *props)
{
	struct plugin_device *d = plugin_device_of(device);

	*props = (struct ggml_backend_dev_props){
		.name = d->name,
		.description = d->description,
		.type = GGML_BACKEND_DEVICE_TYPE_GPU,
		.device_id = d->info.address[0] ? d->info.address : NULL,
		.caps = { .async = true,
			  .host_buffer = true,
			  .events = true,
			  .mmap_support = true },
	};
	device_memory(device, &props->memory_free, &props->memory_total);
}

static ggml_backend_t device_init_backend(ggml_backend_dev_t device, const char *params)
{
	(void)params; /* ggml defines none */
	return plugin_backend_create(plugin_device_of(device));
}

static ggml_backend_buffer_type_t device_buffer_type(ggml_backend_dev_t device)
{
	return &plugin_device_of(device)->memory;
}

static ggml_backend_buffer_type_t device_host_buffer_type(ggml_backend_dev_t device)
{
	return &plugin_device_of(device)->host_memory;
}

static bool device_supports_op(ggml_backend_dev_t device, const struct ggml_tensor *op)
{
	return plugin_supports(plugin_device_of(device), op);
}

static bool device_supports_buffer_type(ggml_backend_dev_t device, ggml_backend_buffer_type_t type)
{
	return type == &plugin_device_of(device)->memory;
}

static ggml_backend_event_t device_event_new(ggml_backend_dev_t device)
{
	struct plugin_device *d = plugin_device_of(device);
	ggml_backend_event_t event = malloc(sizeof(*event));
	struct gaon_event *gaon;
	enum gaon_status status;

	if (!event)
		return NULL;
	status = gaon_event_create(d->gaon, 0, &gaon);
	if (status) {
		plugin_log_status(d, status, "event");
		free(event);
		return NULL;
	}
	*event = (struct ggml_backend_event){ .device = device, .context = gaon };
	return event;
}

static void device_event_free(ggml_backend_dev_t device, ggml_backend_event_t event)
{
	(void)device;
	gaon_event_destroy(event->context);
	free(event);
}

static void device_event_synchronize(ggml_backend_dev_t device, ggml_backend_event_t event)
{
	enum gaon_status status = gaon_event_wait(event->context, GAON_FOREVER);

	/* An event that was never recorded has nothing to wait for. */
	if (status && status != GAON_ERROR_STATE)
		plugin_log_status(plugin_device_of(device), status, "waiting for an event");
}

static const struct ggml_abi_device_ops device_ops = {
	.get_name = device_name,
	.get_description = device_description,
	.get_memory = device_memory,
	.get_type = device_type,
	.get_props = device_props,
	.init_backend = device_init_backend,
	.get_buffer_type = device_buffer_type,
	.get_host_buffer_type = device_host_buffer_type,
	.supports_op = device_supports_op,
	.supports_buft = device_supports_buffer_type,
	.event_new = device_event_new,
	.event_free = device_event_free,
	.event_synchronize = device_event_synchronize,
};

void plugin_device_init(struct plugin_device *device, ggml_backend_reg_t reg, unsigned int index)
{
	const struct gaon_device_info *info = &device->info;

	pthread_mutex_init(&device->lock, NULL);
	snprintf(device->name, sizeof(device->name), "Gaon%u", index);
	snprintf(device->host_name, sizeof(device->host_name), "Gaon%u_Host", index);
	snprintf(device->description, sizeof(device->description), "%s, %s, %u cores",
		 info->product, info->name, info->cores);
	device->abi =
		(struct ggml_backend_device){ .ops = device_ops, .reg = reg, .context = device };
	plugin_memory_init(device);
}
