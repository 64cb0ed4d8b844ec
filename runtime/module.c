// SPDX-License-Identifier: MIT
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debug.h"
#include "error.h"
#include "memory.h"

#define MODULE_FILE_MAX	(1ull << 30)

/* --- loading --------------------------------------------------------------------------------- */

static void module_free_kernels(struct rt_module *m)
{
	while (m->kernels) {
		struct rt_kernel *k = m->kernels;

		m->kernels = k->next;
		rt_disown(m->dev, &k->obj);
		obj_free(&k->obj, false);
	}
}

static enum gaon_status module_add_kernel(struct rt_module *m, const struct elf_entry *entry)
{
	struct rt_kernel *k = obj_alloc(OBJ_KERNEL, sizeof(*k));
	struct rt_kernel **end;

	if (!k)
		return GAON_ERROR_OUT_OF_MEMORY;
	k->dev = m->dev;
	k->module = m;
	k->tag = atomic_fetch_add(&m->dev->next_kernel, 1) + 1;
	k->base = m->va;
	k->image_bytes = m->program.bytes;
	k->entry_va = m->va + entry->offset;
	k->info = entry->info;
	k->spm_room = m->dev->identify->spm_bytes > 4096 ? m->dev->identify->spm_bytes - 4096 : 0;
	rt_adopt(m->dev, &k->obj);
	for (end = &m->kernels; *end; end = &(*end)->next)
		;
	*end = k;
	m->kernel_count++;
	return GAON_OK;
}

/* W^X from here on: code is readable and executable, the rest never executable. */
static int module_protect(struct rt_module *m)
{
	const struct elf_program *p = &m->program;
	uint64_t at = 0;
	uint32_t i;
	int err = 0;

	for (i = 0; i < p->segment_count && !err; i++) {
		const struct elf_segment *s = &p->segments[i];

		/* Nothing lives between two segments. */
		err = m->dev->ops->bo_protect(m->bo, at, s->offset - at, GAON_WS_BO_READONLY);
		if (!err && !s->writable)
			err = m->dev->ops->bo_protect(m->bo, s->offset, s->bytes,
						      s->executable ? GAON_WS_BO_EXEC :
						      GAON_WS_BO_READONLY);
		at = s->offset + s->bytes;
	}
	return err;
}

/* At @va, or where there is room if it is 0. */
static enum gaon_status module_place(struct rt_module *m, uint8_t *image, uint64_t va)
{
	struct rt_device *dev = m->dev;
	struct gaon_ws_bo_info info;
	enum gaon_status status;
	char why[128];
	int err;

	if (va)
		err = dev->ops->bo_create_at(dev->ctx, va, m->program.bytes, GAON_WS_DEVICE,
					     GAON_WS_BO_CPU, &m->bo);
	else
		err = dev->ops->bo_create(dev->ctx, m->program.bytes, GAON_WS_DEVICE, GAON_WS_BO_CPU,
					  NULL, &m->bo);
	if (err == -EADDRINUSE)
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				 "a program of %llu bytes at %#llx: something is there already, or it is no "
				 "address that a program can have", (unsigned long long)m->program.bytes,
				 (unsigned long long)va);
	if (err)
		return gaon_fail_errno(err == -ENODEV ? GAON_ERROR_DEVICE_LOST :
				       GAON_ERROR_OUT_OF_DEVICE_MEMORY, -err,
				       "no device memory for a program of %llu bytes",
				       (unsigned long long)m->program.bytes);
	dev->ops->bo_info(m->bo, &info);
	m->va = info.va;
	status = elf_relocate(&m->program, image, m->va, why, sizeof(why));
	if (status)
		return gaon_fail(status, "%s", why);
	memcpy(info.cpu, image, m->program.bytes);
	dev->ops->bo_flush(m->bo);
	err = module_protect(m);
	if (err)
		return gaon_fail_errno(err == -ENODEV ? GAON_ERROR_DEVICE_LOST : GAON_ERROR_OUT_OF_MEMORY,
				       -err, "cannot protect the program");
	if (!addrmap_add(&dev->map, &(struct addr_entry){ .va = m->va, .bytes = info.bytes,
							   .kind = GAON_MEM_MODULE }))
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory to note a program");
	return GAON_OK;
}

void rt_module_unmake(struct rt_module *m)
{
	struct rt_module **link;

	pthread_mutex_lock(&m->dev->children_lock);
	for (link = &m->dev->modules; *link; link = &(*link)->next) {
		if (*link == m) {
			*link = m->next;
			break;
		}
	}
	pthread_mutex_unlock(&m->dev->children_lock);
	module_free_kernels(m);
	if (m->bo && rt_debugger)
		rt_debugger->module_unloaded(m->dev->ctx, m->va);
	if (m->bo) {
		addrmap_del(&m->dev->map, m->va);
		m->dev->ops->bo_destroy(m->bo);
	}
	elf_unload(&m->program);
}

/* By its kernels, as many as fit, for whoever looks at a fault. */
static void module_name(struct rt_module *m)
{
	char name[32] = "";
	size_t used = 0;

	if (!m->dev->ops->bo_name)
		return;
	for (const struct rt_kernel *k = m->kernels; k && used < sizeof(name) - 1; k = k->next)
		used += (size_t)snprintf(name + used, sizeof(name) - used, "%s%s", used ? " " : "",
					 k->info.name);
	m->dev->ops->bo_name(m->bo, name);
}

static void module_tell_debugger(const struct rt_module *m, const void *file, size_t size)
{
	struct gaon_debug_kernel *kernels = calloc(m->kernel_count + 1u, sizeof(*kernels));
	struct gaon_debug_module told = {
		.va = m->va, .bytes = m->program.bytes, .bias = m->va - m->program.bias, .file = file,
		.size = size, .kernels = kernels,
	};

	for (const struct rt_kernel *k = m->kernels; kernels && k; k = k->next)
		kernels[told.kernel_count++] = (struct gaon_debug_kernel){ k->info.name, k->entry_va };
	rt_debugger->module_loaded(m->dev->ctx, &told);
	free(kernels);
}

static enum gaon_status module_make(struct rt_device *dev, const void *file, size_t size, uint64_t va,
				    struct rt_module **out)
{
	struct rt_module *m = obj_alloc(OBJ_MODULE, sizeof(*m));
	enum gaon_status status;
	char why[256] = "";
	uint8_t *image;
	uint32_t i;

	if (!m)
		return GAON_ERROR_OUT_OF_MEMORY;
	m->dev = dev;
	status = elf_load(&m->program, file, size, why, sizeof(why));
	if (!status && m->program.zvl > dev->identify->vlen) {
		snprintf(why, sizeof(why),
			 "the program was compiled for vectors of %u bits, the device has %u",
			 m->program.zvl, dev->identify->vlen);
		status = GAON_ERROR_WRONG_MACHINE;
	}
	if (status) {
		elf_unload(&m->program);
		obj_free(&m->obj, false);
		return gaon_fail(status, "%s", why);
	}
	/* The device gets a relocated copy; the kept one serves printf's strings. */
	image = malloc(m->program.bytes);
	if (image) {
		memcpy(image, m->program.image, m->program.bytes);
		status = module_place(m, image, va);
		free(image);
	} else {
		status = gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory to load a program");
	}
	for (i = 0; !status && i < m->program.entry_count; i++)
		status = module_add_kernel(m, &m->program.entries[i]);
	if (status) {
		rt_module_unmake(m);
		obj_free(&m->obj, false);
		return status;
	}
	module_name(m);
	if (rt_debugger)
		module_tell_debugger(m, file, size);
	pthread_mutex_lock(&dev->children_lock);
	m->next = dev->modules;
	dev->modules = m;
	pthread_mutex_unlock(&dev->children_lock);
	rt_adopt(dev, &m->obj);
	*out = m;
	return GAON_OK;
}

static enum gaon_status module_load(struct gaon_device *device, const void *image, size_t size, uint64_t va,
				    struct gaon_module **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_module *m = NULL;
	struct rt_device *dev;

	if (!image || !out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the %s is NULL",
				 image ? "place for the result" : "image");
	dev = rt_enter_blocking(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	status = module_make(dev, image, size, va, &m);
	if (!status)
		*out = obj_handle(&m->obj);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_module_load(struct gaon_device *device, const void *image, size_t size,
					   struct gaon_module **out)
{
	return module_load(device, image, size, 0, out);
}

GAON_API enum gaon_status gaon_module_load_at(struct gaon_device *device, const void *image, size_t size,
					      uint64_t va, struct gaon_module **out)
{
	if (!va)
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS, "a program cannot be at address 0");
	return module_load(device, image, size, va, out);
}

static enum gaon_status read_file(const char *path, void **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t got = 0;
	char *buffer;

	if (fd < 0 || fstat(fd, &st)) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return gaon_fail_errno(err == EACCES ? GAON_ERROR_PERMISSION : GAON_ERROR_NOT_FOUND, err,
				       "%s: %s", path, strerror(err));
	}
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > MODULE_FILE_MAX) {
		close(fd);
		return gaon_fail(GAON_ERROR_INVALID_MODULE, "%s is not a file of a program's size", path);
	}
	buffer = malloc((size_t)st.st_size);
	while (buffer && got < (size_t)st.st_size) {
		ssize_t n = read(fd, buffer + got, (size_t)st.st_size - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	if (!buffer)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for %s", path);
	*data = buffer;
	*size = got;
	return GAON_OK;
}

GAON_API enum gaon_status gaon_module_load_file(struct gaon_device *device, const char *path,
						struct gaon_module **out)
{
	enum gaon_status status;
	void *data = NULL;
	size_t size = 0;

	if (!path)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the path is NULL");
	status = read_file(path, &data, &size);
	if (status)
		return status;
	status = gaon_module_load(device, data, size, out);
	free(data);
	if (status == GAON_ERROR_INVALID_MODULE || status == GAON_ERROR_WRONG_MACHINE)
		return gaon_fail(status, "%s: %s", path, gaon_last_error()->text);
	return status;
}

GAON_API enum gaon_status gaon_module_retain(struct gaon_module *module)
{
	return rt_retain(OBJ_MODULE, module);
}

GAON_API enum gaon_status gaon_module_unload(struct gaon_module *module)
{
	enum gaon_status status = GAON_OK;
	struct rt_module *m = rt_enter_blocking(OBJ_MODULE, module, &status);
	struct rt_device *dev;

	if (!m)
		return status;
	dev = m->dev;
	if (rt_mem_release(&m->obj, "module", &status)) {
		rt_module_unmake(m);
		obj_free(&m->obj, false);
	}
	rt_leave(dev);
	return status;
}

/* --- looking things up ----------------------------------------------------------------------- */

static enum gaon_status kernel_result(struct rt_kernel *k, struct gaon_kernel **out)
{
	if (k->info.min_vlen > k->dev->identify->vlen)
		return gaon_fail(GAON_ERROR_WRONG_MACHINE,
				 "kernel %s needs vectors of %u bits, the device has %u", k->info.name,
				 k->info.min_vlen, k->dev->identify->vlen);
	*out = obj_handle(&k->obj);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_module_get_kernel(struct gaon_module *module, const char *name,
						 struct gaon_kernel **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_module *m;
	struct rt_device *dev;
	struct rt_kernel *k;

	if (!name || !out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the %s is NULL",
				 name ? "place for the result" : "name");
	m = rt_enter(OBJ_MODULE, module, &status);
	if (!m)
		return status;
	dev = m->dev;
	for (k = m->kernels; k && strcmp(k->info.name, name); k = k->next)
		;
	status = k ? kernel_result(k, out) :
		 gaon_fail(GAON_ERROR_NOT_FOUND, "the module has no kernel %s; its first is %s", name,
			   m->kernels ? m->kernels->info.name : "none");
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_module_get_kernel_at(struct gaon_module *module, uint32_t index,
						    struct gaon_kernel **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_module *m;
	struct rt_device *dev;
	struct rt_kernel *k;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	m = rt_enter(OBJ_MODULE, module, &status);
	if (!m)
		return status;
	dev = m->dev;
	for (k = m->kernels; k && index; k = k->next)
		index--;
	status = k ? kernel_result(k, out) :
		 gaon_fail(GAON_ERROR_NOT_FOUND, "the module has only %u kernels", m->kernel_count);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_module_get_symbol(struct gaon_module *module, const char *name,
						 uint64_t *va, uint64_t *bytes)
{
	enum gaon_status status = GAON_OK;
	struct rt_module *m;
	struct rt_device *dev;
	uint32_t i;

	if (!name || !va)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the %s is NULL",
				 name ? "place for the result" : "name");
	m = rt_enter(OBJ_MODULE, module, &status);
	if (!m)
		return status;
	dev = m->dev;
	for (i = 0; i < m->program.symbol_count && strcmp(m->program.symbols[i].name, name); i++)
		;
	if (i == m->program.symbol_count) {
		status = gaon_fail(GAON_ERROR_NOT_FOUND, "the module has no global variable %s", name);
	} else {
		*va = m->va + m->program.symbols[i].offset;
		if (bytes)
			*bytes = m->program.symbols[i].bytes;
	}
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_kernel_get_desc(struct gaon_kernel *kernel,
					       struct gaon_kernel_desc *desc)
{
	enum gaon_status status = GAON_OK;
	struct rt_kernel *k = rt_enter(OBJ_KERNEL, kernel, &status);
	struct gaon_kernel_desc full = { .size = sizeof(full) };
	struct rt_device *dev;

	if (!k)
		return status;
	dev = k->dev;
	memcpy(full.name, k->info.name, sizeof(full.name));
	full.args_size = k->info.args_size;
	full.args_align = k->info.args_align;
	full.stack_bytes = k->info.stack_bytes;
	full.spm_bytes = k->info.spm_bytes;
	full.min_vlen = k->info.min_vlen;
	full.cooperative = k->info.flags & GAON_KERNEL_COOPERATIVE;
	full.entry_va = k->entry_va;
	status = gaon_struct_write(desc, &full, sizeof(full), "gaon_kernel_desc");
	rt_leave(dev);
	return status;
}

/* --- for launches, faults and printf ------------------------------------------------------------------- */

enum gaon_status rt_kernel_check_pointers(struct rt_device *dev, const struct gaon_kernel_info *info,
					  const void *args)
{
	struct addr_entry entry;
	uint64_t va;
	uint32_t i;

	for (i = 0; i < info->pointer_count; i++) {
		memcpy(&va, (const uint8_t *)args + info->pointer_offset[i], sizeof(va));
		if (va && !addrmap_find(&dev->map, va, 1, &entry))
			return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
					 "kernel %s: pointer at byte %u, %#llx, is no address of the device",
					 info->name, info->pointer_offset[i],
					 (unsigned long long)va);
	}
	return GAON_OK;
}

bool rt_module_string(struct rt_device *dev, uint64_t va, char *out, size_t size)
{
	struct rt_module *m;
	bool found = false;

	pthread_mutex_lock(&dev->children_lock);
	for (m = dev->modules; m; m = m->next) {
		if (va < m->va || va - m->va >= m->program.bytes)
			continue;
		snprintf(out, size, "%.*s", (int)(m->program.bytes - (va - m->va) < 4096 ?
						  m->program.bytes - (va - m->va) : 4096),
			 (const char *)m->program.image + (va - m->va));
		found = true;
		break;
	}
	pthread_mutex_unlock(&dev->children_lock);
	return found;
}

const struct rt_kernel *rt_module_kernel_of(struct rt_device *dev, uint32_t tag)
{
	const struct rt_module *m;
	const struct rt_kernel *k;

	for (m = dev->modules; tag && m; m = m->next)
		for (k = m->kernels; k; k = k->next)
			if (k->tag == tag)
				return k;
	return NULL;
}
