/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_BIND_H_
#define _GAON_BIND_H_

#include <linux/list.h>
#include <linux/types.h>

#include <uapi/drm/gaon_accel.h>

#include "gaon_pt.h"

struct drm_file;
struct drm_gpuvm_bo;
struct gaon_bo;
struct gaon_userptr;
struct gaon_vm;
struct gaon_vma;

/**
 * struct gaon_bind_op - a change of a VM, prepared so that doing it allocates nothing
 *
 * In three steps: gaon_bind_prepare() checks, allocates, brings the object to its place and pins
 * it; gaon_bind_exec() changes tree and tables and invalidates, and may be in the path of fences;
 * gaon_bind_finish() gives back what is left.
 */
struct gaon_bind_op {
	/** @type: &enum drm_gaon_vm_bind_op_type. */
	u32 type;
	/** @va: first address. */
	u64 va;
	/** @size: bytes. */
	u64 size;
	/** @offset: into @bo. */
	u64 offset;
	/** @prot: GAON_PTE_* of the mapping. */
	u64 prot;
	/** @bo: to map, pinned, with a reference; or NULL. */
	struct gaon_bo *bo;
	/** @userptr: to map, with a reference; or NULL. */
	struct gaon_userptr *userptr;
	/** @lr_taken: @bo's lr_maps was raised for a mapping that does not exist yet. */
	bool lr_taken;
	/** @vm_bo: of @bo in the VM, with a reference. */
	struct drm_gpuvm_bo *vm_bo;
	/** @spare: mappings to be: a new one and the two ends of an old one. */
	struct gaon_vma *spare[3];
	/** @reserve: page tables. */
	struct gaon_pt_reserve reserve;
	/** @gone: mappings that were taken out. */
	struct list_head gone;
};

int gaon_bind_prepare(struct gaon_vm *vm, struct drm_file *file,
		      const struct drm_gaon_vm_bind_op *args, struct gaon_bind_op *op);
int gaon_bind_exec(struct gaon_vm *vm, struct gaon_bind_op *op);
void gaon_bind_finish(struct gaon_vm *vm, struct gaon_bind_op *op);
void gaon_bind_finish_all(struct gaon_vm *vm, struct gaon_bind_op *ops, u32 count);

/* gaon_bind_async.c */
int gaon_bind_async(struct gaon_vm *vm, struct drm_file *file, struct gaon_bind_op *ops, u32 count,
		    const struct drm_gaon_obj_array *syncs);

#endif
