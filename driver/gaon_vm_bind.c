// SPDX-License-Identifier: GPL-2.0 OR MIT
/* VM_BIND: operations at once, or when fences are signalled. */
#include <linux/slab.h>

#include <drm/drm_file.h>

#include "gaon_bind.h"
#include "gaon_device.h"
#include "gaon_uobj.h"
#include "gaon_vm.h"

/** gaon_bind_finish_all() - finish an array of operations, and free it with kvfree() */
void gaon_bind_finish_all(struct gaon_vm *vm, struct gaon_bind_op *ops, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		gaon_bind_finish(vm, &ops[i]);
	kvfree(ops);
}

/* All are prepared before the first is done, so that what can fail fails without an effect. */
static struct gaon_bind_op *ops_prepare(struct gaon_vm *vm, struct drm_file *file,
					const struct drm_gaon_vm_bind_op *args, u32 count)
{
	struct gaon_bind_op *ops;
	u32 i;
	int err;

	ops = kvcalloc(count, sizeof(*ops), GFP_KERNEL_ACCOUNT);
	if (!ops)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		err = gaon_bind_prepare(vm, file, &args[i], &ops[i]);
		if (err) {
			gaon_bind_finish_all(vm, ops, i + 1);
			return ERR_PTR(err);
		}
	}
	return ops;
}

static int bind_now(struct gaon_vm *vm, struct gaon_bind_op *ops, u32 count, u32 *done)
{
	bool userptr = false;
	int err = 0;

	for (*done = 0; *done < count && !err; *done += !err) {
		userptr |= !!ops[*done].userptr;
		err = gaon_bind_exec(vm, &ops[*done]);
	}
	/* What changed while it was mapped is brought by a work: it is there when this returns. */
	if (userptr)
		flush_delayed_work(&vm->restore_work);
	gaon_bind_finish_all(vm, ops, count);
	return err;
}

static int vm_bind(struct gaon_vm *vm, struct drm_gaon_vm_bind *args, struct drm_file *file)
{
	struct drm_gaon_vm_bind_op *op_args;
	struct gaon_bind_op *ops;
	int err;

	op_args = GAON_UOBJ_GET_ARRAY(&args->ops, DRM_GAON_VM_BIND_MAX_OPS,
				      struct drm_gaon_vm_bind_op, size);
	if (IS_ERR(op_args))
		return PTR_ERR(op_args);
	ops = ops_prepare(vm, file, op_args, args->ops.count);
	kvfree(op_args);
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	if (!(args->flags & DRM_GAON_VM_BIND_ASYNC))
		return bind_now(vm, ops, args->ops.count, &args->done);
	args->done = args->ops.count;
	err = gaon_bind_async(vm, file, ops, args->ops.count, &args->syncs);
	if (err)
		args->done = 0;
	return err;
}

/** gaon_ioctl_vm_bind() - %DRM_IOCTL_GAON_VM_BIND */
int gaon_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_file *gfile = to_gaon_file(file);
	struct drm_gaon_vm_bind *args = data;
	struct gaon_vm *vm;
	int err, idx;

	if (args->flags & ~DRM_GAON_VM_BIND_FLAGS || args->pad || args->done)
		return -EINVAL;
	if (!(args->flags & DRM_GAON_VM_BIND_ASYNC) &&
	    (args->syncs.count || args->syncs.stride || args->syncs.array))
		return -EINVAL;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	vm = gaon_vm_lookup(gfile, args->vm_id);
	err = vm ? vm_bind(vm, args, file) : -ENOENT;
	gaon_vm_put(vm);
	drm_dev_exit(idx);
	return err;
}
