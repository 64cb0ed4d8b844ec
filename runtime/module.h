/* SPDX-License-Identifier: MIT */
/* Loaded programs and their kernels. */
#ifndef GAON_RUNTIME_MODULE_H
#define GAON_RUNTIME_MODULE_H

#include "elf.h"
#include "device.h"

struct rt_module;

struct rt_kernel {
	struct obj obj;
	struct rt_device *dev;
	struct rt_module *module;
	struct rt_kernel *next;		/* in the module */
	uint32_t tag;			/* in packets: finds it again in print records */
	uint64_t base, image_bytes, entry_va;
	uint64_t spm_room;		/* scratchpad that is left for stack and data */
	struct gaon_kernel_info info;	/* checked copy */
};

struct rt_module {
	struct obj obj;
	struct rt_device *dev;
	struct rt_module *next;		/* dev->modules; children_lock */
	struct gaon_ws_bo *bo;
	uint64_t va;
	struct elf_program program;	/* image as loaded, symbols */
	struct rt_kernel *kernels;
	uint32_t kernel_count;
};

/* The handle is dead and nothing runs it any more. */
void rt_module_unmake(struct rt_module *m);
/* Pointers in packed arguments name memory of the device, or are NULL. */
enum gaon_status rt_kernel_check_pointers(struct rt_device *dev, const struct gaon_kernel_info *info,
					  const void *args);
/* Copies a string of device memory out of the module that holds @va; false if none does. */
bool rt_module_string(struct rt_device *dev, uint64_t va, char *out, size_t size);
/* The loaded kernel whose packets have @tag, or NULL; children_lock held as long as it is used. */
const struct rt_kernel *rt_module_kernel_of(struct rt_device *dev, uint32_t tag);

#endif
