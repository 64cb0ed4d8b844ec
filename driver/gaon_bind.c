// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Changes of address spaces: how they are prepared, done and finished.
 *
 * A leaf never spans two mappings, so evicting one touches no other. While an operation runs the
 * VM's lock is held from the first entry to the end of the invalidation; eviction takes the same
 * lock, so it sees the mappings of before or of after.
 */
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <drm/drm_exec.h>
#include <drm/drm_gem.h>

#include "gaon_bind.h"
#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_restore.h"
#include "gaon_room.h"
#include "gaon_tlbi.h"
#include "gaon_trace.h"
#include "gaon_ttm.h"
#include "gaon_userptr.h"
#include "gaon_vm.h"

/* --- page tables ---------------------------------------------------------------------------- */

static int pt_map_bo(struct gaon_vm *vm, struct gaon_bo *bo, u64 va, u64 offset, u64 size, u64 prot,
		     struct gaon_pt_reserve *reserve)
{
	struct gaon_cursor cursor;
	int err = 0;

	if (bo->revoked || READ_ONCE(bo->lost))
		return gaon_pt_unmap(&vm->pt, va, size, reserve);
	gaon_cursor_first(&cursor, bo, offset, size);
	while (cursor.run && !err) {
		u64 run = cursor.run;

		err = gaon_pt_map(&vm->pt, va, cursor.pa, run, prot, reserve);
		va += run;
		gaon_cursor_next(&cursor, run);
	}
	return err;
}

static void pt_count_bo(struct gaon_pt_count *count, struct gaon_bo *bo, u64 va, u64 offset,
			u64 size)
{
	struct gaon_cursor cursor;

	gaon_cursor_first(&cursor, bo, offset, size);
	while (cursor.run) {
		u64 run = cursor.run;

		gaon_pt_count_run(count, va, cursor.pa, run);
		va += run;
		gaon_cursor_next(&cursor, run);
	}
}

/* Nothing to do for a VM whose tables went with the driver's binding. */
static int pt_unmap(struct gaon_vm *vm, u64 va, u64 size, struct gaon_pt_reserve *reserve)
{
	lockdep_assert_held(&vm->lock);
	return vm->pt.root ? gaon_pt_unmap(&vm->pt, va, size, reserve) : 0;
}

/* When it returns the device no longer uses what was taken out of the range. */
static void pt_invalidate(struct gaon_vm *vm, u64 va, u64 size)
{
	int idx;

	lockdep_assert_held(&vm->lock);
	if (vm->pt.stale && drm_dev_enter(&vm->gdev->drm, &idx)) {
		gaon_tlbi_range(vm->gdev, vm->asid, va, size);
		drm_dev_exit(idx);
	}
	gaon_pt_reap(&vm->pt);
}

/* --- steps of gpuvm ------------------------------------------------------------------------- */

/** struct bind_step - what the steps of one operation share */
struct bind_step {
	struct gaon_vm *vm;
	struct gaon_bind_op *op;
};

static struct gaon_vma *spare_take(struct gaon_bind_op *op)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(op->spare); i++) {
		struct gaon_vma *vma = op->spare[i];

		if (vma) {
			op->spare[i] = NULL;
			return vma;
		}
	}
	WARN_ON_ONCE(1);
	return NULL;
}

static void vma_link(struct gaon_vma *vma, struct drm_gpuvm_bo *vm_bo)
{
	struct mutex *lock;	/* of the object's list */

	if (!vm_bo)
		return;
	lock = gaon_compat_gpuva_lock(vm_bo->obj);
	mutex_lock(lock);
	drm_gpuva_link(&vma->base, vm_bo);
	mutex_unlock(lock);
}

/* What is mapped over goes by being overwritten, so that nothing is absent meanwhile. */
static bool op_overwrites(const struct gaon_bind_op *op)
{
	return op->bo || op->userptr;
}

/* Out of the tree; out of the object's list when the operation is finished. */
static void vma_bury(struct gaon_bind_op *op, struct gaon_vma *vma)
{
	vma->dead = true;
	if (vma->userptr)
		gaon_userptr_del(vma);
	list_add_tail(&vma->gone, &op->gone);
}

static int step_map(struct drm_gpuva_op *gop, void *priv)
{
	struct bind_step *step = priv;
	struct gaon_bind_op *op = step->op;
	struct gaon_vma *vma = spare_take(op);

	if (!vma)
		return -ENOMEM;
	vma->prot = op->prot;
	drm_gpuva_map(&step->vm->base, &vma->base, &gop->map);
	vma_link(vma, op->vm_bo);
	op->lr_taken = false;
	if (op->userptr) {
		gaon_userptr_add(op->userptr, vma);
		return gaon_userptr_map(op->userptr, vma, &op->reserve);
	}
	if (!op->bo)
		return 0;
	return pt_map_bo(step->vm, op->bo, op->va, op->offset, op->size, op->prot, &op->reserve);
}

static int step_unmap(struct drm_gpuva_op *gop, void *priv)
{
	struct gaon_vma *vma = to_gaon_vma(gop->unmap.va);
	u64 va = vma->base.va.addr, size = vma->base.va.range;
	struct bind_step *step = priv;

	drm_gpuva_unmap(&gop->unmap);
	vma_bury(step->op, vma);
	if (op_overwrites(step->op))
		return 0;
	return pt_unmap(step->vm, va, size, &step->op->reserve);
}

/* The rest of a mapping, of which a part was taken out. */
static struct gaon_vma *vma_rest(struct gaon_bind_op *op, struct gaon_vma *old)
{
	struct gaon_vma *vma = spare_take(op);

	if (!vma)
		return NULL;
	vma->prot = old->prot;
	if (old->userptr)
		gaon_userptr_add(old->userptr, vma);
	if (old->base.gem.obj && to_gaon_vm(old->base.vm)->lr)
		atomic_inc(&to_gaon_bo(old->base.gem.obj)->lr_maps);
	return vma;
}

static int step_remap(struct drm_gpuva_op *gop, void *priv)
{
	struct drm_gpuva_op_remap *remap = &gop->remap;
	struct gaon_vma *old = to_gaon_vma(remap->unmap->va);
	struct gaon_vma *prev = NULL, *next = NULL;
	struct drm_gpuvm_bo *vm_bo = old->base.vm_bo;
	struct bind_step *step = priv;
	u64 va, size;

	drm_gpuva_op_remap_to_unmap_range(remap, &va, &size);
	if (remap->prev)
		prev = vma_rest(step->op, old);
	if (remap->next)
		next = vma_rest(step->op, old);
	if ((remap->prev && !prev) || (remap->next && !next))
		return -ENOMEM;
	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, remap);
	if (prev)
		vma_link(prev, vm_bo);
	if (next)
		vma_link(next, vm_bo);
	vma_bury(step->op, old);
	if (op_overwrites(step->op))
		return 0;
	return pt_unmap(step->vm, va, size, &step->op->reserve);
}

static int validate_vm_bo(struct drm_gpuvm_bo *vm_bo, struct drm_exec *exec);

const struct drm_gpuvm_ops gaon_bind_gpuvm_ops = {
	.vm_free = gaon_vm_free,
	.vm_bo_validate = validate_vm_bo,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
};

/* --- operations ----------------------------------------------------------------------------- */

static int op_alloc_spare(struct gaon_bind_op *op)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(op->spare); i++) {
		op->spare[i] = kzalloc_obj(*op->spare[i], GFP_KERNEL_ACCOUNT);
		if (!op->spare[i])
			return -ENOMEM;
	}
	return 0;
}

/* Brings the object to its place, and keeps it there until the operation is finished. */
static int op_pin(struct gaon_vm *vm, struct gaon_bind_op *op, struct gaon_pt_count *count)
{
	struct dma_resv *resv = op->bo->ttm.base.resv;
	int err;

	err = dma_resv_lock_interruptible(resv, NULL);
	if (err)
		return err;
	err = op->bo->revoked ? -ENODEV : op->bo->lost ? -EHWPOISON : gaon_ttm_bo_pin(op->bo);
	if (!err) {
		if (vm->lr) {
			atomic_inc(&op->bo->lr_maps);
			op->lr_taken = true;
		}
		pt_count_bo(count, op->bo, op->va, op->offset, op->size);
	}
	dma_resv_unlock(resv);
	return err;
}

static int op_prepare_bo(struct gaon_vm *vm, struct gaon_bind_op *op)
{
	struct gaon_pt_count count = {};
	struct drm_gpuvm_bo *vm_bo;
	struct gaon_room room;
	int err;

	err = gaon_room_enter(&room, vm->gdev);
	if (!err) {
		do {
			err = op_pin(vm, op, &count);
		} while (gaon_room_retry(&room, err));
		gaon_room_leave(&room);
	}
	if (err) {
		drm_gem_object_put(&op->bo->ttm.base);
		op->bo = NULL;
		return err;
	}
	err = gaon_pt_reserve(&vm->pt, &op->reserve, &count);
	if (err)
		return err;
	vm_bo = drm_gpuvm_bo_create(&vm->base, &op->bo->ttm.base);
	if (!vm_bo)
		return -ENOMEM;
	op->vm_bo = gaon_compat_vm_bo_obtain(vm_bo);
	drm_gpuvm_bo_extobj_add(op->vm_bo);
	return 0;
}

static int op_take_bo(struct gaon_vm *vm, struct drm_file *file,
		      const struct drm_gaon_vm_bind_op *args, struct gaon_bind_op *op)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, args->handle);
	struct gaon_bo *bo = obj ? to_gaon_bo(obj) : NULL;
	int err = 0;

	if (!bo)
		return -ENOENT;
	if (bo->vm_root && bo->vm_root != vm->base.r_obj)
		err = -EPERM;
	else if (args->offset > obj->size || args->size > obj->size - args->offset)
		err = -EINVAL;
	if (err) {
		drm_gem_object_put(obj);
		return err;
	}
	op->bo = bo;
	op->offset = args->offset;
	return 0;
}

static u64 op_prot(u32 flags)
{
	if (flags & DRM_GAON_VM_BIND_EXEC)
		return GAON_PTE_U | GAON_PTE_R | GAON_PTE_X;
	if (flags & DRM_GAON_VM_BIND_READONLY)
		return GAON_PTE_U | GAON_PTE_R;
	return GAON_PTE_U | GAON_PTE_R | GAON_PTE_W;
}

static bool op_args_valid(const struct drm_gaon_vm_bind_op *args)
{
	bool userptr = args->type == DRM_GAON_VM_BIND_MAP_USERPTR;
	bool map = args->type == DRM_GAON_VM_BIND_MAP;

	if (args->pad || args->flags & ~(map || userptr ? DRM_GAON_VM_BIND_OP_FLAGS : 0u) ||
	    !PAGE_ALIGNED(args->va | args->size | args->offset) ||
	    !gaon_vm_user_range(args->va, args->size))
		return false;
	return map || (!args->handle && (userptr || !args->offset));
}

static int op_prepare_userptr(struct gaon_vm *vm, const struct drm_gaon_vm_bind_op *args,
			      struct gaon_bind_op *op)
{
	int err;

	op->userptr = gaon_userptr_create(vm, args->va, args->offset, args->size,
					  op->prot & GAON_PTE_W);
	if (IS_ERR(op->userptr)) {
		err = PTR_ERR(op->userptr);
		op->userptr = NULL;
		return err;
	}
	err = gaon_userptr_pin(op->userptr);
	/* What changes all the time is brought later. */
	if (err && err != -EBUSY)
		return err;
	return gaon_userptr_reserve(op->userptr, &op->reserve);
}

/**
 * gaon_bind_prepare() - check an operation and allocate all that it needs
 * @vm: of the same file
 * @file: where the object's handle is looked up
 * @args: what the caller asks for: a copy
 * @op: zeroed; to be finished by gaon_bind_finish() whatever this returns
 *
 * Return: 0, or an error of VM_BIND.
 */
int gaon_bind_prepare(struct gaon_vm *vm, struct drm_file *file,
		      const struct drm_gaon_vm_bind_op *args, struct gaon_bind_op *op)
{
	int err;

	INIT_LIST_HEAD(&op->gone);
	if (args->type > DRM_GAON_VM_BIND_MAP_USERPTR)
		return -EINVAL;
	if (!op_args_valid(args) || (args->type == DRM_GAON_VM_BIND_MAP_USERPTR && !vm->lr))
		return -EINVAL;
	op->type = args->type;
	op->va = args->va;
	op->size = args->size;
	err = op_alloc_spare(op);
	if (err)
		return err;
	op->prot = op_prot(args->flags);
	if (args->type == DRM_GAON_VM_BIND_MAP_USERPTR)
		return op_prepare_userptr(vm, args, op);
	if (args->type != DRM_GAON_VM_BIND_MAP)
		return gaon_pt_reserve(&vm->pt, &op->reserve, NULL);
	err = op_take_bo(vm, file, args, op);
	return err ?: op_prepare_bo(vm, op);
}

static bool bind_allowed(const struct gaon_vm *vm)
{
	return vm->pt.root && !test_bit(GAON_VM_STATE_CLOSED, &vm->state) &&
	       !test_bit(GAON_VM_STATE_LOST, &vm->state) &&
	       !test_bit(GAON_VM_STATE_UNUSABLE, &vm->state);
}

/**
 * gaon_bind_exec() - do a prepared operation
 * @vm: the VM
 * @op: prepared
 *
 * Allocates nothing and takes no reservation. When it returns the device no longer uses what was
 * unmapped.
 *
 * Return: 0, -ECANCELED: the VM is closed, lost or unusable. Any other error is a fault
 * of the driver and makes the VM unusable.
 */
int gaon_bind_exec(struct gaon_vm *vm, struct gaon_bind_op *op)
{
	struct bind_step step = { .vm = vm, .op = op };
	int err;

	guard(mutex)(&vm->lock);
	/* Taking out is always allowed. */
	if (op->type != DRM_GAON_VM_BIND_UNMAP && !bind_allowed(vm))
		return -ECANCELED;
	if (op->type == DRM_GAON_VM_BIND_UNMAP)
		err = drm_gpuvm_sm_unmap(&vm->base, &step, op->va, op->size);
	else
		err = gaon_compat_gpuvm_sm_map(&vm->base, &step, op->va, op->size,
					       op->bo ? &op->bo->ttm.base : NULL, op->offset);
	pt_invalidate(vm, op->va, op->size);
	if (drm_WARN_ON(&vm->gdev->drm, err))
		set_bit(GAON_VM_STATE_UNUSABLE, &vm->state);
	trace_gaon_map(vm, op, err);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_bind_exec);

static void vma_free(struct gaon_vm *vm, struct gaon_vma *vma)
{
	struct drm_gem_object *obj = vma->base.gem.obj;

	if (obj) {
		if (vm->lr)
			atomic_dec(&to_gaon_bo(obj)->lr_maps);
		drm_gem_object_put(obj);
	}
	if (vma->userptr)
		gaon_userptr_put(vma->userptr);
	kfree(vma);
}

/*
 * Gives back the references to what joins the VM and its objects. Who prepares the VM takes such
 * references too, and drops them without the object's lock, which the last one needs; so they are
 * dropped here while nobody prepares it. The objects stay until the reservation is released.
 */
static void op_unlink(struct gaon_vm *vm, struct gaon_bind_op *op)
{
	struct gaon_vma *vma;

	if (!op->vm_bo && list_empty(&op->gone))
		return;
	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	list_for_each_entry(vma, &op->gone, gone) {
		if (vma->base.gem.obj) {
			drm_gem_object_get(vma->base.gem.obj);
			gaon_compat_gpuva_unlink(&vma->base);
		}
	}
	if (op->vm_bo)
		gaon_compat_vm_bo_put(op->vm_bo);
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
}

/**
 * gaon_bind_finish() - give back what an operation did not use, or took out
 * @vm: the VM
 * @op: prepared, or that failed to be
 *
 * Sleeps and takes reservations.
 */
void gaon_bind_finish(struct gaon_vm *vm, struct gaon_bind_op *op)
{
	struct gaon_vma *vma, *next;
	unsigned int i;

	op_unlink(vm, op);
	list_for_each_entry_safe(vma, next, &op->gone, gone)
		vma_free(vm, vma);
	for (i = 0; i < ARRAY_SIZE(op->spare); i++)
		kfree(op->spare[i]);
	gaon_pt_unreserve(&vm->pt, &op->reserve);
	if (op->userptr)
		gaon_userptr_put(op->userptr);
	if (op->bo) {
		if (op->lr_taken)
			atomic_dec(&op->bo->lr_maps);
		dma_resv_lock(op->bo->ttm.base.resv, NULL);
		gaon_ttm_bo_unpin(op->bo);
		dma_resv_unlock(op->bo->ttm.base.resv);
		drm_gem_object_put(&op->bo->ttm.base);
	}
	gaon_compat_vm_bo_cleanup(&vm->base);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_bind_finish);

void gaon_bind_clear(struct gaon_vm *vm)
{
	struct gaon_bind_op op = {
		.type = DRM_GAON_VM_BIND_UNMAP,
		.va = GAON_VA_USER_MIN,
		.size = GAON_VA_USER_MAX - GAON_VA_USER_MIN,
	};
	struct bind_step step = { .vm = vm, .op = &op };

	INIT_LIST_HEAD(&op.gone);
	/* Those that wait find the VM closed, and change nothing. */
	scoped_guard(mutex, &vm->lock) {
		drm_gpuvm_sm_unmap(&vm->base, &step, op.va, op.size);
		pt_invalidate(vm, 0, 0);
	}
	gaon_bind_finish(vm, &op);
}
EXPORT_SYMBOL_IF_KUNIT(gaon_bind_clear);

/* --- eviction ------------------------------------------------------------------------------- */

/* Is it in use? With the lock of its list, without which the last reference is not dropped. */
static bool vm_bo_alive(const struct drm_gpuvm_bo *vm_bo)
{
	return kref_read(&vm_bo->kref);
}

/* The next VM that maps the object and from which it was not evicted; with a reference. */
static struct gaon_vm *evict_next(struct gaon_bo *bo)
{
	struct mutex *lock = gaon_compat_gpuva_lock(&bo->ttm.base);
	struct drm_gpuvm_bo *vm_bo;

	guard(mutex)(lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base) {
		if (!vm_bo->evicted && vm_bo_alive(vm_bo))
			return gaon_vm_get(to_gaon_vm(vm_bo->vm));
	}
	return NULL;
}

/*
 * A reference to what joins the two may not be taken: it could become the last, see op_unlink(). It
 * is looked for again, because its list's lock comes after the VM's, and may be gone.
 */
static void evict_vm(struct gaon_bo *bo, struct gaon_vm *vm, bool room)
{
	struct gaon_pt_reserve none = {};
	struct drm_gpuvm_bo *vm_bo;
	bool suspended = false;
	struct drm_gpuva *va;

	guard(mutex)(&vm->lock);
	/* Its work cannot be waited for. */
	if (vm->lr)
		suspended = gaon_restore_suspend(vm);
	scoped_guard(mutex, gaon_compat_gpuva_lock(&bo->ttm.base)) {
		drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base) {
			if (vm_bo->vm != &vm->base || !vm_bo_alive(vm_bo))
				continue;
			drm_gpuvm_bo_for_each_va(va, vm_bo) {
				if (!to_gaon_vma(va)->dead)
					pt_unmap(vm, va->va.addr, va->va.range, &none);
			}
			drm_gpuvm_bo_evict(vm_bo, true);
		}
	}
	pt_invalidate(vm, 0, 0);
	if (vm->lr && room)
		gaon_restore_in_turn(vm, suspended);
	else if (vm->lr)
		gaon_restore_later(vm, 0);
}

void gaon_vm_evict_bo(struct gaon_bo *bo, bool room)
{
	struct gaon_vm *vm;

	dma_resv_assert_held(bo->ttm.base.resv);
	while ((vm = evict_next(bo))) {
		evict_vm(bo, vm, room);
		gaon_vm_put_later(vm);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gaon_vm_evict_bo);

/* Whether that is so of all VMs that map an object now. */
static bool all_vms(struct gaon_bo *bo, bool (*is)(const struct gaon_vm *vm))
{
	struct mutex *lock = gaon_compat_gpuva_lock(&bo->ttm.base);
	struct drm_gpuvm_bo *vm_bo;

	dma_resv_assert_held(bo->ttm.base.resv);
	guard(mutex)(lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base) {
		if (!vm_bo->evicted && vm_bo_alive(vm_bo) && !is(to_gaon_vm(vm_bo->vm)))
			return false;
	}
	return true;
}

/** gaon_vm_bo_may_go() - whether all LR VMs that map an object may be suspended to make room */
bool gaon_vm_bo_may_go(struct gaon_bo *bo)
{
	return all_vms(bo, gaon_restore_may_suspend);
}

/** gaon_vm_bo_is_stopped() - whether no context runs that maps an object; a hint */
bool gaon_vm_bo_is_stopped(struct gaon_bo *bo)
{
	return all_vms(bo, gaon_restore_is_stopped);
}

/* What mapping all of an object's places again takes; with the VM's lock held. */
static void rebind_count(struct gaon_bo *bo, struct drm_gpuvm_bo *vm_bo,
			 struct gaon_pt_count *count)
{
	struct drm_gpuva *va;

	*count = (struct gaon_pt_count) {};
	guard(mutex)(gaon_compat_gpuva_lock(&bo->ttm.base));
	drm_gpuvm_bo_for_each_va(va, vm_bo) {
		/* In no order: a table may be counted twice. */
		memset(count->last, 0, sizeof(count->last));
		if (!to_gaon_vma(va)->dead)
			pt_count_bo(count, bo, va->va.addr, va->gem.offset, va->va.range);
	}
}

static int rebind_map(struct gaon_vm *vm, struct gaon_bo *bo, struct drm_gpuvm_bo *vm_bo,
		      struct gaon_pt_reserve *reserve)
{
	struct drm_gpuva *va;
	int err = 0;

	guard(mutex)(gaon_compat_gpuva_lock(&bo->ttm.base));
	drm_gpuvm_bo_for_each_va(va, vm_bo) {
		struct gaon_vma *vma = to_gaon_vma(va);

		if (!vma->dead && !err)
			err = pt_map_bo(vm, bo, va->va.addr, va->gem.offset, va->va.range,
					vma->prot, reserve);
	}
	return err;
}

static int rebind(struct gaon_vm *vm, struct gaon_bo *bo, struct drm_gpuvm_bo *vm_bo)
{
	struct gaon_pt_count have = {}, need;
	struct gaon_pt_reserve reserve = {};
	int err = 0;

	mutex_lock(&vm->lock);
	for (;;) {
		rebind_count(bo, vm_bo, &need);
		if (need.low <= have.low && need.high <= have.high)
			break;
		/* Nothing is allocated under the lock; meanwhile there may be more to map. */
		mutex_unlock(&vm->lock);
		err = gaon_pt_reserve(&vm->pt, &reserve, &need);
		mutex_lock(&vm->lock);
		if (err)
			break;
		have.low += need.low;
		have.high += need.high;
	}
	if (!err && vm->pt.root) {
		err = rebind_map(vm, bo, vm_bo, &reserve);
		pt_invalidate(vm, 0, 0);
	}
	mutex_unlock(&vm->lock);
	gaon_pt_unreserve(&vm->pt, &reserve);
	return err;
}

static int validate_vm_bo(struct drm_gpuvm_bo *vm_bo, struct drm_exec *exec)
{
	struct gaon_bo *bo = to_gaon_bo(vm_bo->obj);
	struct gaon_vm *vm = to_gaon_vm(vm_bo->vm);
	int err;

	/* One that was mapped, and evicted, after the others were locked is not locked yet. */
	err = drm_exec_prepare_obj(exec, vm_bo->obj, vm->exec_fences);
	if (!err)
		err = gaon_ttm_bo_validate(bo);
	if (!err)
		err = rebind(vm, bo, vm_bo);
	if (!err)
		drm_gpuvm_bo_evict(vm_bo, false);
	return err;
}

int gaon_vm_prepare(struct gaon_vm *vm, struct drm_exec *exec, unsigned int fences)
{
	int err = drm_gpuvm_prepare_vm(&vm->base, exec, fences);

	if (err)
		return err;
	vm->exec_fences = fences;
	err = drm_gpuvm_prepare_objects(&vm->base, exec, fences);
	return err ?: drm_gpuvm_validate(&vm->base, exec);
}

void gaon_vm_add_fence(struct gaon_vm *vm, struct drm_exec *exec, struct dma_fence *fence)
{
	drm_gpuvm_resv_add_fence(&vm->base, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
}
