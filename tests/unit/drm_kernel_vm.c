// SPDX-License-Identifier: MIT
/* Address spaces, objects and their sharing, in the kernel that is none. */
#include "drm_kernel_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096ull

static struct { ino_t inode; struct kobj *obj; } exports[64];

/* --- objects --------------------------------------------------------------------------------- */

static void obj_put(struct kobj *obj)
{
	int i;

	if (--obj->refs)
		return;
	for (i = 0; i < 64; i++) {
		if (exports[i].obj == obj)
			exports[i].obj = NULL;
	}
	if (obj->host.cpu) {
		direct_host_free(kernel_card, &obj->host);
	} else {
		direct_hbm_clear(kernel_card, obj->hbm, obj->bytes);
		pthread_mutex_lock(&kernel_card->mem_lock);
		extents_put(&kernel_card->hbm, obj->hbm, obj->bytes);
		pthread_mutex_unlock(&kernel_card->mem_lock);
	}
	free(obj);
	atomic_fetch_sub(&drm_kernel.objects, 1);
}

static int obj_fill(struct kobj *obj)
{
	bool got;

	if (obj->flags & DRM_GAON_BO_HOST)
		return direct_host_alloc(kernel_card, obj->bytes, &obj->host);
	pthread_mutex_lock(&kernel_card->mem_lock);
	got = extents_take(&kernel_card->hbm, obj->bytes, PAGE, &obj->hbm);
	pthread_mutex_unlock(&kernel_card->mem_lock);
	return got ? 0 : -ENOSPC;
}

int kernel_bo_create(struct kfile *file, struct drm_gaon_bo_create *args)
{
	uint32_t place = args->flags & (DRM_GAON_BO_HBM | DRM_GAON_BO_HOST);
	uint32_t id = kernel_handle((void **)file->objects);
	struct kobj *obj;
	int err;

	if (!args->size || args->size % PAGE || args->flags & ~DRM_GAON_BO_FLAGS || !place ||
	    args->pad || args->handle)
		return -EINVAL;
	if (args->vm_id && (args->vm_id >= KERNEL_HANDLES || !file->vms[args->vm_id]))
		return -ENOENT;
	if (place == DRM_GAON_BO_HBM && args->size > kernel_card->identify.hbm_bytes)
		return -E2BIG;
	if (!id)
		return -ENOMEM;
	obj = calloc(1, sizeof(*obj));
	obj->refs = 1;
	obj->bytes = args->size;
	obj->flags = args->flags;
	obj->vm = args->vm_id ? file->vms[args->vm_id] : NULL;
	err = obj_fill(obj);
	if (err) {
		free(obj);
		return err;
	}
	file->objects[id] = obj;
	args->handle = id;
	atomic_fetch_add(&drm_kernel.objects, 1);
	return 0;
}

static struct kobj *obj_of(struct kfile *file, uint32_t handle)
{
	return handle < KERNEL_HANDLES ? file->objects[handle] : NULL;
}

int kernel_bo_info(struct kfile *file, struct drm_gaon_bo_info *args)
{
	struct kobj *obj = obj_of(file, args->handle);

	if (!obj)
		return -ENOENT;
	args->flags = obj->flags;
	args->size = obj->bytes;
	args->placement = obj->host.cpu ? DRM_GAON_MEMORY_HOST : DRM_GAON_MEMORY_HBM;
	args->imported = 0;
	return 0;
}

int kernel_bo_mmap_offset(struct kfile *file, struct drm_gaon_bo_mmap_offset *args)
{
	struct kobj *obj = obj_of(file, args->handle);

	if (!obj)
		return -ENOENT;
	if (args->pad || args->offset)
		return -EINVAL;
	if (!(obj->flags & (DRM_GAON_BO_CPU | DRM_GAON_BO_HOST)))
		return -ENXIO;
	args->offset = (uint64_t)args->handle << 32;
	return 0;
}

int kernel_gem_close(struct kfile *file, uint32_t handle)
{
	struct kobj *obj = obj_of(file, handle);

	if (!obj)
		return -EINVAL;
	file->objects[handle] = NULL;
	obj_put(obj);
	return 0;
}

/* --- sharing --------------------------------------------------------------------------------- */

static ino_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* A dma-buf is a file that stands for the object, but does not keep it alive. */
int kernel_prime_export(struct kfile *file, struct drm_prime_handle *args)
{
	struct kobj *obj = obj_of(file, args->handle);
	int i;

	if (!obj)
		return -ENOENT;
	if (obj->vm)
		return -EPERM;
	for (i = 0; i < 64 && exports[i].obj; i++)
		;
	if (i == 64)
		return -ENFILE;
	args->fd = memfd_create("dmabuf", MFD_CLOEXEC);
	exports[i].inode = inode_of(args->fd);
	exports[i].obj = obj;
	return 0;
}

int kernel_prime_import(struct kfile *file, struct drm_prime_handle *args)
{
	uint32_t id = kernel_handle((void **)file->objects), k;
	struct kobj *obj = NULL;
	ino_t inode = inode_of(args->fd);
	int i;

	if (!inode)
		return -EBADF;
	for (i = 0; i < 64; i++) {
		if (exports[i].obj && exports[i].inode == inode)
			obj = exports[i].obj;
	}
	if (!obj)
		return -EINVAL;
	for (k = 1; k < KERNEL_HANDLES; k++) {
		if (file->objects[k] == obj) {
			args->handle = k;
			return 0;
		}
	}
	obj->refs++;
	file->objects[id] = obj;
	args->handle = id;
	return 0;
}

/* --- address spaces -------------------------------------------------------------------------- */

int kernel_vm_create(struct kfile *file, struct drm_gaon_vm_create *args)
{
	uint32_t id = kernel_handle((void **)file->vms);
	struct kvm *vm;
	int err;

	if (args->flags & ~DRM_GAON_VM_FLAGS || args->vm_id || args->context || args->pad ||
	    args->print_va % 8)
		return -EINVAL;
	if (!id)
		return -EMFILE;
	vm = calloc(1, sizeof(*vm));
	err = direct_context_alloc(kernel_card, &vm->direct);
	if (!err) {
		err = direct_context_start(vm->direct, args->print_va);
		if (err)
			direct_context_free(vm->direct);
	}
	if (err) {
		free(vm);
		return err;
	}
	vm->lr = args->flags & DRM_GAON_VM_LR;
	file->vms[id] = vm;
	args->vm_id = id;
	args->context = vm->direct->id;
	atomic_fetch_add(&drm_kernel.vms, 1);
	return 0;
}

uint8_t *kernel_vm_cpu(struct kvm *vm, uint64_t va, uint64_t bytes)
{
	struct kmapping *m;

	for (m = vm->mappings; m; m = m->next) {
		if (va >= m->va && va + bytes <= m->va + m->bytes && m->obj && m->obj->host.cpu)
			return m->obj->host.cpu + m->offset + (va - m->va);
	}
	return NULL;
}

static void mapping_drop(struct kvm *vm, struct kmapping **link)
{
	struct kmapping *m = *link;

	*link = m->next;
	direct_vm_unmap(&vm->direct->vm, m->va, m->bytes);
	if (m->obj)
		obj_put(m->obj);
	else
		direct_iova_del(&kernel_card->iova, m->iova);
	free(m);
	atomic_fetch_sub(&drm_kernel.mappings, 1);
}

void kernel_vm_put(struct kfile *file, uint32_t id)
{
	struct kvm *vm = file->vms[id];

	file->vms[id] = NULL;
	while (vm->mappings)
		mapping_drop(vm, &vm->mappings);
	direct_context_destroy(vm->direct);
	if (vm->doorbells)
		munmap(vm->doorbells, DRM_GAON_DOORBELL_BYTES);
	free(vm);
	atomic_fetch_sub(&drm_kernel.vms, 1);
}

int kernel_vm_destroy(struct kfile *file, struct drm_gaon_vm_destroy *args)
{
	struct kvm *vm = args->vm_id < KERNEL_HANDLES ? file->vms[args->vm_id] : NULL;

	if (!vm || args->pad)
		return vm ? -EINVAL : -ENOENT;
	if (vm->queues)
		return -EBUSY;
	kernel_vm_put(file, args->vm_id);
	return 0;
}

static uint64_t prot_of(uint32_t flags)
{
	if (flags & DRM_GAON_VM_BIND_EXEC)
		return GAON_PTE_U | GAON_PTE_R | GAON_PTE_X;
	return flags & DRM_GAON_VM_BIND_READONLY ? GAON_PTE_U | GAON_PTE_R :
	       GAON_PTE_U | GAON_PTE_R | GAON_PTE_W;
}

static int bind_add(struct kvm *vm, const struct drm_gaon_vm_bind_op *op, struct kobj *obj,
		    uint64_t iova)
{
	uint64_t pa = !obj ? GAON_PA_HOST | iova :
		      obj->host.cpu ? GAON_PA_HOST | (obj->host.iova + op->offset) :
		      GAON_PA_HBM | (obj->hbm + op->offset);
	struct kmapping *m = calloc(1, sizeof(*m));
	int err = direct_vm_map(&vm->direct->vm, op->va, pa, op->size, prot_of(op->flags));

	if (err) {
		free(m);
		return err;
	}
	*m = (struct kmapping){ .next = vm->mappings, .va = op->va, .bytes = op->size,
				.offset = op->offset, .obj = obj, .iova = iova };
	vm->mappings = m;
	if (obj)
		obj->refs++;
	atomic_fetch_add(&drm_kernel.mappings, 1);
	return 0;
}

/* The same part of the same object again: only its rights change. */
static int bind_map(struct kfile *file, struct kvm *vm, const struct drm_gaon_vm_bind_op *op)
{
	struct kobj *obj = obj_of(file, op->handle);
	struct kmapping *m;

	if (!obj)
		return -ENOENT;
	if (obj->vm && obj->vm != vm)
		return -EPERM;
	if (op->offset + op->size > obj->bytes)
		return -EINVAL;
	for (m = vm->mappings; m; m = m->next) {
		if (op->va + op->size <= m->va || op->va >= m->va + m->bytes)
			continue;
		if (m->obj != obj || op->va < m->va || op->va + op->size > m->va + m->bytes ||
		    op->offset - m->offset != op->va - m->va)
			return -EEXIST;	/* nothing here maps over something else */
		return direct_vm_protect(&vm->direct->vm, op->va, op->size, prot_of(op->flags));
	}
	return bind_add(vm, op, obj, 0);
}

static int bind_userptr(struct kvm *vm, const struct drm_gaon_vm_bind_op *op)
{
	bool writable = !(op->flags & DRM_GAON_VM_BIND_OP_FLAGS);
	uint8_t *start = (uint8_t *)(uintptr_t)op->offset;
	uint64_t iova;
	int err;

	if (!vm->lr)
		return -EINVAL;
	if (!winsys_user_mapped(start, op->size, writable))
		return -EFAULT;
	err = direct_iova_add(&kernel_card->iova, start, op->size, writable, &iova);
	if (err)
		return err;
	err = bind_add(vm, op, NULL, iova);
	if (err)
		direct_iova_del(&kernel_card->iova, iova);
	return err;
}

static int bind_unmap(struct kvm *vm, const struct drm_gaon_vm_bind_op *op)
{
	struct kmapping **link = &vm->mappings;

	while (*link) {
		struct kmapping *m = *link;

		if (op->va + op->size <= m->va || op->va >= m->va + m->bytes) {
			link = &m->next;
			continue;
		}
		if (op->va > m->va || op->va + op->size < m->va + m->bytes)
			return -EEXIST;
		mapping_drop(vm, link);
	}
	return 0;
}

static int bind_op(struct kfile *file, struct kvm *vm, const struct drm_gaon_vm_bind_op *op)
{
	bool map = op->type == DRM_GAON_VM_BIND_MAP, user = op->type == DRM_GAON_VM_BIND_MAP_USERPTR;

	if (op->pad || op->va % PAGE || op->size % PAGE || !op->size || op->offset % PAGE ||
	    (op->handle && !map) || (!map && !user && (op->offset || op->flags)) ||
	    op->flags & ~DRM_GAON_VM_BIND_OP_FLAGS || op->va < 65536 || op->va + op->size > KERNEL_VA_MAX)
		return -EINVAL;
	if (map)
		return bind_map(file, vm, op);
	if (user)
		return bind_userptr(vm, op);
	return op->type == DRM_GAON_VM_BIND_UNMAP ? bind_unmap(vm, op) : -EINVAL;
}

int kernel_vm_bind(struct kfile *file, struct drm_gaon_vm_bind *args)
{
	struct kvm *vm = args->vm_id < KERNEL_HANDLES ? file->vms[args->vm_id] : NULL;
	const struct drm_gaon_vm_bind_op *ops = (void *)(uintptr_t)args->ops.array;
	uint32_t i;
	int err;

	if (!vm)
		return -ENOENT;
	if (args->flags || args->pad || args->done || args->ops.stride != sizeof(*ops) ||
	    args->syncs.stride || args->syncs.count || args->syncs.array ||
	    args->ops.count > DRM_GAON_VM_BIND_MAX_OPS)
		return -EINVAL;
	for (i = 0; i < args->ops.count; i++) {
		err = bind_op(file, vm, &ops[i]);
		if (err)
			return err;
		args->done++;
	}
	return 0;
}
