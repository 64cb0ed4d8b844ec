// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Address spaces: contexts of the device, their life, and the driver's own memory in them. */
#include <linux/delay.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <drm/drm_exec.h>
#include <drm/drm_gem.h>

#include "gaon_admin.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_limits.h"
#include "gaon_migrate.h"
#include "gaon_restore.h"
#include "gaon_tlbi.h"
#include "gaon_ttm.h"
#include "gaon_userptr.h"
#include "gaon_visible.h"
#include "gaon_vm.h"

#define VM_KERNEL_BYTES		BIT_ULL(46)

/** gaon_vm_user_range() - whether a range lies in the user's half */
bool gaon_vm_user_range(u64 va, u64 bytes)
{
	return bytes && gaon_va_range_valid(va, bytes, false);
}

/* --- the context ---------------------------------------------------------------------------- */

int gaon_vm_create_context(struct gaon_vm *vm)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_CONTEXT_CREATE } };
	int err;

	req.cmd.context = (struct gaon_admin_context) {
		.context = vm->context,
		.asid = vm->asid,
		.ring = gaon_event_ring(vm->context),
		.root_pa = gaon_pt_root(&vm->pt),
		.print_va = vm->print_va,
	};
	err = gaon_admin_exec(vm->gdev, &req, 0);
	if (req.err)	/* not the firmware's: a reset has begun since, which ends the context */
		return gaon_device_check(vm->gdev) ?: -EBUSY;
	return err;
}

/* Whether to try again: a restart of the firmware cut it short. */
static bool context_try_destroy(struct gaon_vm *vm)
{
	struct gaon_device *gdev = vm->gdev;
	int restarts = atomic_read(&gdev->resets.firmware), err, idx;
	bool away = false;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return false;
	err = test_bit(GAON_VM_STATE_LOST, &vm->state) ? -EIO :
	      gaon_admin_id(gdev, GAON_ADMIN_CONTEXT_DESTROY, vm->context, 0, 0);
	/* NOENT: while this waited the machine slept, and it was not created again. */
	if (!err || err == -ENOENT) {
		gaon_tlbi_range(gdev, vm->asid, 0, 0);
	} else {
		/* Lost already, or by the reset that follows. */
		away = true;
		if (!test_bit(GAON_VM_STATE_LOST, &vm->state) &&
		    atomic_read(&gdev->resets.firmware) == restarts)
			gaon_reset_schedule(gdev, "a context cannot be destroyed");
	}
	drm_dev_exit(idx);
	if (!away)
		return false;
	gaon_reset_wait(gdev);
	return !test_bit(GAON_VM_STATE_LOST, &vm->state) && gaon_device_running(gdev) &&
	       atomic_read(&gdev->resets.firmware) != restarts;
}

/* When it returns the device walks the VM's tables no more. */
static void context_destroy(struct gaon_vm *vm)
{
	while (context_try_destroy(vm))
		;
}

/* Numbers of contexts are given out in turn, like those of queues. */
VISIBLE_IF_KUNIT int gaon_vm_take_numbers(struct gaon_vm *vm)
{
	struct gaon_device *gdev = vm->gdev;
	struct xa_limit limit = XA_LIMIT(GAON_MIGRATE_CONTEXT + 1, gdev->identify.contexts - 1);
	int asid, err;

	asid = ida_alloc_range(&gdev->asids, GAON_MIGRATE_ASID + 1, GAON_ASIDS - 1, GFP_KERNEL);
	if (asid < 0)
		return asid;
	vm->asid = asid;
	err = xa_alloc_cyclic(&gdev->vms, &vm->context, NULL, limit, &gdev->vm_next, GFP_KERNEL);
	if (err < 0) {
		ida_free(&gdev->asids, asid);
		return err == -EBUSY ? -ENOSPC : err;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_vm_take_numbers);

VISIBLE_IF_KUNIT void gaon_vm_put_numbers(struct gaon_vm *vm)
{
	xa_erase(&vm->gdev->vms, vm->context);
	ida_free(&vm->gdev->asids, vm->asid);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_vm_put_numbers);

/* --- life ----------------------------------------------------------------------------------- */

/** gaon_vm_free() - the last reference is gone: nothing is mapped and nobody knows it */
void gaon_vm_free(struct drm_gpuvm *base)
{
	struct gaon_vm *vm = to_gaon_vm(base);
	struct gaon_device *gdev = vm->gdev;

	context_destroy(vm);
	if (vm->bind_wq)
		destroy_workqueue(vm->bind_wq);
	scoped_guard(mutex, &vm->lock)
		gaon_pt_fini(&vm->pt);
	gaon_vm_put_numbers(vm);
	drm_mm_takedown(&vm->kernel_va);
	mutex_destroy(&vm->bind_lock);
	mutex_destroy(&vm->lock);
	drm_dbg(&gdev->drm, "context %u is gone\n", vm->context);
	kfree(vm);
	gaon_power_put(gdev);
}

static void vm_put_work(struct work_struct *work)
{
	gaon_vm_put(container_of(work, struct gaon_vm, put_work));
}

void gaon_vm_put_later(struct gaon_vm *vm)
{
	if (!refcount_dec_not_one(&vm->base.kref.refcount))
		queue_work(vm->gdev->cleanup_wq, &vm->put_work);
}

VISIBLE_IF_KUNIT int gaon_vm_init(struct gaon_vm *vm)
{
	struct gaon_device *gdev = vm->gdev;
	struct drm_gem_object *root;

	INIT_LIST_HEAD(&vm->userptrs);
	INIT_LIST_HEAD(&vm->turn.node);
	INIT_DELAYED_WORK(&vm->restore_work, gaon_restore_work);
	INIT_WORK(&vm->put_work, vm_put_work);
	root = drm_gpuvm_resv_object_alloc(&gdev->drm);
	if (!root)
		return -ENOMEM;
	mutex_init(&vm->lock);
	mutex_init(&vm->bind_lock);
	vm->bind_context = dma_fence_context_alloc(1);
	drm_mm_init(&vm->kernel_va, GAON_VA_KERNEL_MIN, VM_KERNEL_BYTES);
	drm_gpuvm_init(&vm->base, "gaon", GAON_COMPAT_GPUVM_FLAGS, &gdev->drm, root,
		       GAON_VA_USER_MIN, GAON_VA_USER_MAX - GAON_VA_USER_MIN, 0, 0,
		       &gaon_bind_gpuvm_ops);
	drm_gem_object_put(root);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_vm_init);

static struct gaon_vm *vm_create(struct gaon_file *gfile, const struct drm_gaon_vm_create *args)
{
	struct gaon_device *gdev = gfile->gdev;
	int resets = atomic_read(&gdev->resets.device), err;
	struct gaon_vm *vm;

	vm = kzalloc_obj(*vm, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->gdev = gdev;
	gaon_power_keep(gdev);
	vm->lr = args->flags & DRM_GAON_VM_LR;
	vm->print_va = args->print_va;
	vm->client = gfile->drm->client_id;
	err = gaon_vm_take_numbers(vm);
	if (err)
		goto err_free;
	err = gaon_pt_init(&vm->pt, gdev);
	if (err)
		goto err_numbers;
	err = gaon_vm_create_context(vm);
	if (err)
		goto err_pt;
	err = gaon_vm_init(vm);
	if (err)
		goto err_context;
	xa_store(&gdev->vms, vm->context, vm, GFP_KERNEL);
	/* A reset meanwhile may have looked before it was there. */
	if (!gaon_device_running(gdev) || atomic_read(&gdev->resets.device) != resets)
		set_bit(GAON_VM_STATE_LOST, &vm->state);
	return vm;

err_context:
	context_destroy(vm);
err_pt:
	gaon_pt_fini(&vm->pt);
err_numbers:
	gaon_vm_put_numbers(vm);
err_free:
	kfree(vm);
	gaon_power_put(gdev);
	return ERR_PTR(err);
}

/* No longer of use to the file: unmap everything, and let the queues' references decide. */
static void vm_close(struct gaon_vm *vm)
{
	set_bit(GAON_VM_STATE_CLOSED, &vm->state);
	gaon_bind_clear(vm);
	/* Nobody queues it any more. It drops references, of which this one is not the last. */
	disable_delayed_work_sync(&vm->restore_work);
	gaon_turn_leave(vm->gdev, &vm->turn);
	gaon_vm_put(vm);
}

/** gaon_vm_close_file() - close what a file left open */
void gaon_vm_close_file(struct gaon_file *gfile)
{
	struct gaon_vm *vm;
	unsigned long handle;

	xa_for_each(&gfile->vms, handle, vm) {
		xa_erase(&gfile->vms, handle);
		gaon_vm_get(vm);
		vm_close(vm);
		/* The module may go after this: nothing of it is left behind in work queues. */
		if (vm->bind_wq)
			flush_workqueue(vm->bind_wq);
		gaon_vm_put(vm);
	}
	flush_workqueue(gfile->gdev->cleanup_wq);
	xa_destroy(&gfile->vms);
}

struct gaon_vm *gaon_vm_lookup(struct gaon_file *gfile, u32 handle)
{
	struct gaon_vm *vm;

	xa_lock(&gfile->vms);
	vm = xa_load(&gfile->vms, handle);
	if (vm)
		gaon_vm_get(vm);
	xa_unlock(&gfile->vms);
	return vm;
}

int gaon_vm_add_queue(struct gaon_vm *vm)
{
	guard(mutex)(&vm->lock);
	if (test_bit(GAON_VM_STATE_CLOSED, &vm->state))
		return -EBUSY;
	if (test_bit(GAON_VM_STATE_UNUSABLE, &vm->state) ||
	    test_bit(GAON_VM_STATE_LOST, &vm->state))
		return -ECANCELED;
	atomic_inc(&vm->queues);
	/* Its first packet may need what is not there yet. */
	if (vm->missing) {
		gaon_restore_suspend(vm);
		gaon_restore_later(vm, 0);
	}
	return 0;
}

void gaon_vm_del_queue(struct gaon_vm *vm)
{
	atomic_dec(&vm->queues);
}

void gaon_vm_lose_all(struct gaon_device *gdev)
{
	struct gaon_vm *vm;
	unsigned long context;

	xa_lock(&gdev->vms);
	xa_for_each(&gdev->vms, context, vm)
		set_bit(GAON_VM_STATE_LOST, &vm->state);
	xa_unlock(&gdev->vms);
}

/* True if one is just being freed: it gives its tables back itself. */
static bool unplug_pass(struct gaon_device *gdev)
{
	struct gaon_vm *vm;
	unsigned long context;
	bool dying = false;

	xa_lock(&gdev->vms);
	xa_for_each(&gdev->vms, context, vm) {
		if (!kref_get_unless_zero(&vm->base.kref)) {
			dying = true;
			continue;
		}
		xa_unlock(&gdev->vms);
		scoped_guard(mutex, &vm->lock) {
			gaon_userptr_unplug(vm);
			gaon_pt_fini(&vm->pt);
		}
		/* Those that wait end: they have tables, and objects that are pinned. */
		if (vm->bind_wq)
			flush_workqueue(vm->bind_wq);
		gaon_vm_put(vm);
		xa_lock(&gdev->vms);
	}
	xa_unlock(&gdev->vms);
	return dying;
}

void gaon_vm_unplug(struct gaon_device *gdev)
{
	gaon_vm_lose_all(gdev);
	while (unplug_pass(gdev))
		usleep_range(1000, 2000);
	flush_workqueue(gdev->cleanup_wq);
}

/* --- the driver's memory -------------------------------------------------------------------- */

static int kbuf_map(struct gaon_vm *vm, struct gaon_kbuf *kbuf)
{
	u64 align = kbuf->bytes >= SZ_2M ? SZ_2M : PAGE_SIZE;
	struct gaon_pt_count count = {};
	struct gaon_pt_reserve reserve = {};
	struct gaon_cursor cursor;
	u64 at = 0;
	int err;

	scoped_guard(mutex, &vm->lock)
		err = drm_mm_insert_node_generic(&vm->kernel_va, &kbuf->node,
						 kbuf->bytes + PAGE_SIZE, align, 0,
						 DRM_MM_INSERT_BEST);
	if (err)
		return err;
	kbuf->va = kbuf->node.start;
	for (gaon_cursor_first(&cursor, kbuf->bo, 0, kbuf->bytes); cursor.run;
	     at += cursor.run, gaon_cursor_next(&cursor, cursor.run))
		gaon_pt_count_run(&count, kbuf->va + at, cursor.pa, cursor.run);
	err = gaon_pt_reserve(&vm->pt, &reserve, &count);
	mutex_lock(&vm->lock);
	if (!err && !vm->pt.root)
		err = -ENODEV;
	at = 0;
	gaon_cursor_first(&cursor, kbuf->bo, 0, kbuf->bytes);
	while (cursor.run && !err) {
		u64 run = cursor.run;

		err = gaon_pt_map(&vm->pt, kbuf->va + at, cursor.pa, run, GAON_PTE_R | GAON_PTE_W,
				  &reserve);
		at += run;
		gaon_cursor_next(&cursor, run);
	}
	if (err)
		drm_mm_remove_node(&kbuf->node);
	mutex_unlock(&vm->lock);
	gaon_pt_unreserve(&vm->pt, &reserve);
	return err;
}

static void kbuf_free(struct gaon_kbuf *kbuf)
{
	struct drm_gem_object *obj = &kbuf->bo->ttm.base;

	dma_resv_lock(obj->resv, NULL);
	if (kbuf->cpu)
		obj->funcs->vunmap(obj, &kbuf->map);
	gaon_ttm_bo_unpin(kbuf->bo);
	dma_resv_unlock(obj->resv);
	drm_gem_object_put(obj);
	kbuf->bo = NULL;
	kbuf->cpu = NULL;
}

static int kbuf_vmap(struct gaon_kbuf *kbuf)
{
	struct drm_gem_object *obj = &kbuf->bo->ttm.base;
	int err;

	dma_resv_lock(obj->resv, NULL);
	err = obj->funcs->vmap(obj, &kbuf->map);
	dma_resv_unlock(obj->resv);
	if (err)
		return err;
	kbuf->cpu = kbuf->map.vaddr;
	memset(kbuf->cpu, 0, kbuf->bytes);
	return 0;
}

int gaon_kbuf_create(struct gaon_vm *vm, u64 bytes, enum gaon_kbuf_kind kind,
		     struct gaon_kbuf *kbuf)
{
	static const u32 flags[] = {
		[GAON_KBUF_HOST] = DRM_GAON_BO_HOST,
		[GAON_KBUF_DEVICE] = DRM_GAON_BO_HBM,
		[GAON_KBUF_SEEN] = DRM_GAON_BO_HBM | DRM_GAON_BO_CPU,
	};
	int err = 0;

	*kbuf = (struct gaon_kbuf) { .bytes = PAGE_ALIGN(bytes) };
	kbuf->bo = gaon_bo_create_kernel(vm->gdev, kbuf->bytes, flags[kind]);
	if (IS_ERR(kbuf->bo)) {
		err = PTR_ERR(kbuf->bo);
		kbuf->bo = NULL;
		return err;
	}
	if (kind == GAON_KBUF_HOST)
		err = kbuf_vmap(kbuf);
	if (!err)
		err = kbuf_map(vm, kbuf);
	if (err)
		kbuf_free(kbuf);
	return err;
}

void gaon_kbuf_destroy(struct gaon_vm *vm, struct gaon_kbuf *kbuf)
{
	struct gaon_pt_reserve none = {};
	int idx;

	if (!kbuf->bo)
		return;
	mutex_lock(&vm->lock);
	if (vm->pt.root) {
		gaon_pt_unmap(&vm->pt, kbuf->va, kbuf->bytes, &none);
		if (drm_dev_enter(&vm->gdev->drm, &idx)) {
			gaon_tlbi_range(vm->gdev, vm->asid, kbuf->va, kbuf->bytes);
			drm_dev_exit(idx);
		}
		gaon_pt_reap(&vm->pt);
	}
	drm_mm_remove_node(&kbuf->node);
	mutex_unlock(&vm->lock);
	kbuf_free(kbuf);
}

/* --- ioctls --------------------------------------------------------------------------------- */

/** gaon_ioctl_vm_create() - %DRM_IOCTL_GAON_VM_CREATE */
int gaon_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_file *gfile = to_gaon_file(file);
	struct drm_gaon_vm_create *args = data;
	int err, idx, resets, restarts;
	struct gaon_vm *vm;

	if (args->flags & ~DRM_GAON_VM_FLAGS || args->vm_id || args->context || args->pad ||
	    !IS_ALIGNED(args->print_va, 8))
		return -EINVAL;
	if (args->print_va && !gaon_vm_user_range(args->print_va, 8))
		return -ERANGE;
	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	resets = atomic_read(&gfile->gdev->resets.device);
	restarts = atomic_read(&gfile->gdev->resets.firmware);
	err = gaon_device_check(gfile->gdev);
	if (!err) {
		vm = vm_create(gfile, args);
		err = PTR_ERR_OR_ZERO(vm);
	}
	/* A restart may have overlooked it, or not: it goes, and the device is asked to drop it. */
	if (!err && atomic_read(&gfile->gdev->resets.firmware) != restarts) {
		if (atomic_read(&gfile->gdev->resets.device) == resets)
			clear_bit(GAON_VM_STATE_LOST, &vm->state);
		vm_close(vm);
		err = -EBUSY;
	}
	if (!err) {
		err = xa_alloc(&gfile->vms, &vm->handle, NULL, XA_LIMIT(1, GAON_FILE_VMS),
			       GFP_KERNEL);
		if (err) {
			vm_close(vm);
			err = err == -EBUSY ? -EMFILE : err;
		} else {
			args->vm_id = vm->handle;
			args->context = vm->context;
			xa_store(&gfile->vms, vm->handle, vm, GFP_KERNEL);
		}
	}
	drm_dev_exit(idx);
	return err;
}

/** gaon_ioctl_vm_destroy() - %DRM_IOCTL_GAON_VM_DESTROY */
int gaon_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct gaon_file *gfile = to_gaon_file(file);
	struct drm_gaon_vm_destroy *args = data;
	struct gaon_vm *vm;
	int err = 0;

	if (args->pad)
		return -EINVAL;
	vm = gaon_vm_lookup(gfile, args->vm_id);
	if (!vm)
		return -ENOENT;
	/* From here on no queue is added; who comes second does not find it any more. */
	scoped_guard(mutex, &vm->lock) {
		if (atomic_read(&vm->queues))
			err = -EBUSY;
		else if (test_and_set_bit(GAON_VM_STATE_CLOSED, &vm->state))
			err = -ENOENT;
	}
	if (!err) {
		xa_erase(&gfile->vms, args->vm_id);
		vm_close(vm);
	}
	gaon_vm_put(vm);
	return err;
}

/*
 * A reset clears HBM, which is mapped, before it comes to the address spaces; while it is under way
 * nobody knows whether it will. It begins with the device's state, so that is read first: running
 * is either from before anything was cleared, or from after all of them were told.
 */
static int vm_is_lost(struct gaon_vm *vm, bool *lost)
{
	int err;

	rmb();		/* what the caller has read of HBM comes before */
	err = gaon_device_wait_running(vm->gdev);
	if (err == -ERESTARTSYS)
		return err;
	*lost = err || !gaon_reset_look(vm->gdev);
	smp_rmb();	/* with gaon_device_set_state(), which comes after gaon_vm_lose_all() */
	*lost |= test_bit(GAON_VM_STATE_LOST, &vm->state);
	return 0;
}

/** gaon_ioctl_vm_state() - %DRM_IOCTL_GAON_VM_STATE */
int gaon_ioctl_vm_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_gaon_vm_state *args = data;
	struct drm_gpuva *va;
	struct gaon_vm *vm;
	bool lost;
	int err;

	if (args->state || args->mapped || args->tables || args->large_pages || args->giant_pages)
		return -EINVAL;
	vm = gaon_vm_lookup(to_gaon_file(file), args->vm_id);
	if (!vm)
		return -ENOENT;
	err = vm_is_lost(vm, &lost);
	if (err)
		goto out;
	if (test_bit(GAON_VM_STATE_UNUSABLE, &vm->state))
		args->state |= DRM_GAON_VM_UNUSABLE;
	if (lost)
		args->state |= DRM_GAON_VM_LOST;
	scoped_guard(mutex, &vm->lock) {
		drm_gpuvm_for_each_va(va, &vm->base) {
			if (va != &vm->base.kernel_alloc_node)
				args->mapped += va->va.range;
		}
		args->tables = vm->pt.tables * GAON_PT_SIZE;
		args->large_pages = vm->pt.leaves[1];
		args->giant_pages = vm->pt.leaves[2];
	}
out:
	gaon_vm_put(vm);
	return err;
}
