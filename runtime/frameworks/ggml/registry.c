// SPDX-License-Identifier: MIT
/* The plug-in's entry: checks the ggml that loads it, opens the devices. */
#include "plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plugin_device devices[PLUGIN_DEVICES_MAX];
static unsigned int device_count;

void plugin_log(enum ggml_log_level level, const char *format, ...)
{
	ggml_log_callback log;
	char line[640];
	void *user;
	va_list list;
	int used;

	va_start(list, format);
	used = vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	if (used < 0)
		return;
	if ((size_t)used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used] = '\n';
	line[used + 1] = '\0';
	ggml_log_get(&log, &user);
	if (log)
		log(level, line, user);
}

void plugin_log_status(struct plugin_device *device, enum gaon_status status, const char *what)
{
	const struct gaon_error *error = gaon_last_error();

	/* Every copy that llama.cpp still asks for meets it. */
	if (status == GAON_ERROR_DEVICE_LOST && atomic_exchange(&device->lost, true))
		return;
	if (error->status != status)
		plugin_log(GGML_LOG_LEVEL_ERROR, "%s: %s: %s", device->name, what,
			   gaon_status_name(status));
	else
		plugin_log(GGML_LOG_LEVEL_ERROR, "%s: %s: %s%s%s%s", device->name, what,
			   error->text, error->hint[0] ? " (" : "", error->hint,
			   error->hint[0] ? ")" : "");
}

struct plugin_device *plugin_device_of(ggml_backend_dev_t device)
{
	return device->context;
}

/*
 * The agreement's version covers its tables. Tensors, operators and types are ggml's own structures
 * and numbers, which change from one minor version to the next: a plug-in that was built for
 * another would take one operator for another.
 */
static bool same_ggml(void)
{
	static const char built[] = GGML_BUILT_FOR;
	const char *loaded = ggml_version();
	size_t minor = strcspn(strchr(built, '.') + 1, ".") + (strchr(built, '.') + 1 - built);

	if (!strncmp(built, loaded, minor) && (loaded[minor] == '.' || !loaded[minor]) &&
	    !strcmp(ggml_op_name(GGML_OP_FLASH_ATTN_EXT), "FLASH_ATTN_EXT") &&
	    !strcmp(ggml_op_name(GGML_OP_GLU), "GLU") &&
	    !strcmp(ggml_type_name(GGML_TYPE_BF16), "bf16"))
		return true;
	plugin_log(GGML_LOG_LEVEL_ERROR,
		   "libggml-gaon.so: built for ggml %s (backend interface %d), but this program "
		   "has ggml %s: build the plug-in with the headers of that version, make "
		   "GGML_INCLUDE=DIRECTORY",
		   built, GGML_ABI_VERSION, loaded);
	return false;
}

static bool same_gaon(void)
{
	if (!strcmp(gaon_version(), GAON_VERSION))
		return true;
	plugin_log(GGML_LOG_LEVEL_ERROR,
		   "libggml-gaon.so: of Gaon " GAON_VERSION
		   ", but libgaon.so.0 is of %s: install both from one build",
		   gaon_version());
	return false;
}

static const char *reg_name(ggml_backend_reg_t reg)
{
	(void)reg;
	return "Gaon";
}

static size_t reg_device_count(ggml_backend_reg_t reg)
{
	(void)reg;
	return device_count;
}

static ggml_backend_dev_t reg_device(ggml_backend_reg_t reg, size_t index)
{
	(void)reg;
	return index < device_count ? &devices[index].abi : NULL;
}

static struct ggml_backend_reg registry = {
	.version = GGML_ABI_VERSION,
	.ops = { .get_name = reg_name,
		 .get_device_count = reg_device_count,
		 .get_device = reg_device },
};

/* What every operator needs, whatever the shape is: supports_op() looks at what shapes need besides. */
static bool has_scratchpad(const struct plugin_device *device, const char *gaon_name)
{
	uint64_t needed = gaon_ops_scratchpad(device->ops);

	if (device->info.spm_bytes >= needed)
		return true;
	plugin_log(GGML_LOG_LEVEL_ERROR,
		   "%s: %s is left out: a core has a scratchpad of %llu bytes, operators need %llu",
		   device->name, gaon_name, (unsigned long long)device->info.spm_bytes,
		   (unsigned long long)needed);
	return false;
}

/* Weights and cache of a small model, which are loaded as soon as the vocabulary is read. */
#define FILL_BYTES	(128ull << 20)

/* A device that cannot be opened is left out, and the log says why. */
static void add_device(const char *gaon_name)
{
	struct plugin_device *device = &devices[device_count];
	struct gaon_device_config config = { .size = sizeof(config), .fill_bytes = FILL_BYTES };
	enum gaon_status status;

	memset(device, 0, sizeof(*device));
	device->info.size = sizeof(device->info);
	snprintf(device->name, sizeof(device->name), "Gaon%u", device_count);
	status = gaon_device_open_with(gaon_name, &config, &device->gaon);
	if (status) {
		plugin_log_status(device, status, gaon_name);
		return;
	}
	status = gaon_device_get_info(device->gaon, &device->info);
	if (!status)
		status = gaon_ops_create(device->gaon, &device->ops);
	if (status) {
		plugin_log_status(device, status, gaon_name);
		gaon_device_close(device->gaon);
		return;
	}
	if (!has_scratchpad(device, gaon_name)) {
		gaon_ops_destroy(device->ops);
		gaon_device_close(device->gaon);
		return;
	}
	plugin_device_init(device, &registry, device_count);
	device_count++;
}

/* $GAON_DEVICE, names with commas between them. */
static void add_listed(const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;

	while (copy && (name = strsep(&rest, ","))) {
		if (!*name)
			continue;
		if (device_count == PLUGIN_DEVICES_MAX) {
			plugin_log(GGML_LOG_LEVEL_WARN,
				   "libggml-gaon.so: more than %d devices in GAON_DEVICE: %s and "
				   "what follows is left out",
				   PLUGIN_DEVICES_MAX, name);
			break;
		}
		add_device(name);
	}
	free(copy);
}

/* All cards; the embedded device if there is none, but not for one that cannot be opened. */
static void add_found(void)
{
	uint32_t count = 0;

	if (gaon_device_count(&count))
		count = 0;
	/* The last one is the embedded device. */
	for (uint32_t i = 0; i + 1 < count && device_count < PLUGIN_DEVICES_MAX; i++) {
		struct gaon_device_info info = { .size = sizeof(info) };
		enum gaon_status status = gaon_device_describe(i, &info);

		if (!status)
			add_device(info.name);
		else
			plugin_log(GGML_LOG_LEVEL_ERROR, "libggml-gaon.so: a card is left out: %s%s%s%s",
				   gaon_last_error()->text, gaon_last_error()->hint[0] ? " (" : "",
				   gaon_last_error()->hint, gaon_last_error()->hint[0] ? ")" : "");
	}
	if (count < 2)
		add_device("embedded");
}

/* ggml's way in; NULL: not used, the log has said why. ggml calls it once for each time it loads
 * us. */
GAON_API ggml_backend_reg_t ggml_backend_init(void);
GAON_API ggml_backend_reg_t ggml_backend_init(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const char *list = getenv("GAON_DEVICE");

	if (!same_ggml() || !same_gaon())
		return NULL;
	pthread_mutex_lock(&lock);
	if (!device_count) {
		if (list && *list)
			add_listed(list);
		else
			add_found();
	}
	pthread_mutex_unlock(&lock);
	return &registry;
}
