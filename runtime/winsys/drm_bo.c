// SPDX-License-Identifier: MIT
/* Memory objects: GEM objects and the caller's pages, bound to addresses that are chosen here. */
#include "drm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"

/* --- binding --------------------------------------------------------------------------------- */

static uint32_t bind_flags(uint32_t flags)
{
	return flags & GAON_WS_BO_EXEC ? DRM_GAON_VM_BIND_EXEC :
	       flags & GAON_WS_BO_READONLY ? DRM_GAON_VM_BIND_READONLY : 0;
}

static int bind_one(struct gaon_ws_context *ctx, const struct drm_gaon_vm_bind_op *op)
{
	struct drm_gaon_vm_bind bind = {
		.vm_id = ctx->vm,
		.ops = { .stride = sizeof(*op), .count = 1, .array = (uintptr_t)op },
	};
	int err = drm_call(ctx->ws, DRM_IOCTL_GAON_VM_BIND, &bind);

	if (err == -ECANCELED) {
		drm_lose(ctx->ws, "a reset of the device took the address space along");
		err = -ENODEV;
	}
	return err == -ENOSPC ? -ENOMEM : err;
}

int drm_bo_bind(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP,
		.flags = bind_flags(flags),
		.handle = bo->handle,
		.offset = offset,
		.va = bo->va + offset,
		.size = bytes,
	};

	if (bo->placement == GAON_WS_USER) {
		op.type = DRM_GAON_VM_BIND_MAP_USERPTR;
		op.handle = 0;
		op.offset += (uintptr_t)bo->cpu;
	}
	return bind_one(bo->ctx, &op);
}

static int bo_unbind(struct gaon_ws_bo *bo)
{
	return bind_one(bo->ctx, &(struct drm_gaon_vm_bind_op){
		.type = DRM_GAON_VM_BIND_UNMAP, .va = bo->va, .size = bo->bytes });
}

/* At @va, or where there is room if it is 0. */
static int bo_take_va(struct gaon_ws_bo *bo, uint64_t va)
{
	int err;

	pthread_mutex_lock(&bo->ctx->lock);
	bo->va = va;
	err = va ? winsys_va_take_at(&bo->ctx->va, va, bo->bytes) :
		   winsys_va_take_user(&bo->ctx->va, bo->bytes, bo->flags, &bo->va);
	pthread_mutex_unlock(&bo->ctx->lock);
	return err;
}

static void bo_put_va(struct gaon_ws_bo *bo)
{
	pthread_mutex_lock(&bo->ctx->lock);
	winsys_va_put_user(&bo->ctx->va, bo->va, bo->bytes);
	pthread_mutex_unlock(&bo->ctx->lock);
}

/* --- GEM ------------------------------------------------------------------------------------- */

static void gem_close(struct drm *ws, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	drm_call(ws, DRM_IOCTL_GEM_CLOSE, &close);
}

static void share_add(struct gaon_ws_bo *bo)
{
	bo->next = bo->ctx->ws->shared;
	bo->ctx->ws->shared = bo;
}

/* The handle goes with its last user: the kernel gives an object that comes back the same one. */
static void gem_drop(struct gaon_ws_bo *bo)
{
	struct drm *ws = bo->ctx->ws;
	struct gaon_ws_bo **link, *other;

	if (!bo->handle)
		return;
	if (!(bo->flags & GAON_WS_BO_SHARE)) {
		gem_close(ws, bo->handle);
		return;
	}
	pthread_mutex_lock(&ws->share_lock);
	for (link = &ws->shared; *link && *link != bo; link = &(*link)->next)
		;
	if (*link)
		*link = bo->next;
	for (other = ws->shared; other && other->handle != bo->handle; other = other->next)
		;
	if (!other)
		gem_close(ws, bo->handle);
	pthread_mutex_unlock(&ws->share_lock);
}

/*
 * For an object of an address space with kernel-owned queues the driver makes room on the card: it
 * moves what others have there to host memory. Who asks for device memory here is told instead that
 * there is none, as with the process's own queues.
 */
static int gem_check_room(const struct gaon_ws_bo *bo)
{
	struct drm *ws = bo->ctx->ws;
	uint64_t free_bytes, total;
	int err;

	if (!ws->kernel_queues || bo->placement != GAON_WS_DEVICE)
		return 0;
	err = drm_mem_info(&ws->ws, &free_bytes, &total);
	return !err && free_bytes < bo->bytes ? -ENOMEM : err;
}

/* Where a debugger can look at it, if there is room there. */
static int gem_create_seen(struct drm *ws, struct drm_gaon_bo_create *create)
{
	struct drm_gaon_bo_create seen = *create;
	int err;

	if (drm_debug_wanted(ws) && create->flags & DRM_GAON_BO_HBM) {
		seen.flags |= DRM_GAON_BO_CPU;
		err = drm_call(ws, DRM_IOCTL_GAON_BO_CREATE, &seen);
		create->handle = seen.handle;
		if (!err || create->flags & DRM_GAON_BO_CPU)
			return err;
	}
	return drm_call(ws, DRM_IOCTL_GAON_BO_CREATE, create);
}

static int gem_create(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;
	struct drm_gaon_bo_create create = {
		.size = bo->bytes,
		.flags = bo->placement == GAON_WS_HOST ? DRM_GAON_BO_HOST : DRM_GAON_BO_HBM,
		.vm_id = bo->flags & GAON_WS_BO_SHARE ? 0 : ctx->vm,
	};
	int err;

	if (bo->flags & GAON_WS_BO_CPU)
		create.flags |= DRM_GAON_BO_CPU;
	err = gem_check_room(bo);
	if (err)
		return err;
	err = gem_create_seen(ctx->ws, &create);
	if (err)
		return err == -ENOSPC || err == -E2BIG ? -ENOMEM : err;
	bo->handle = create.handle;
	if (bo->flags & GAON_WS_BO_SHARE) {
		pthread_mutex_lock(&ctx->ws->share_lock);
		share_add(bo);
		pthread_mutex_unlock(&ctx->ws->share_lock);
	}
	return 0;
}

int drm_bo_map(struct gaon_ws_bo *bo, void **cpu)
{
	struct drm_gaon_bo_mmap_offset offset = { .handle = bo->handle };
	struct drm *ws = bo->ctx->ws;
	int err = drm_call(ws, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset);

	return err ? err : drm_sys.map(ws->fd, offset.offset, bo->bytes, cpu);
}

static int gem_map(struct gaon_ws_bo *bo)
{
	void *cpu;
	int err = drm_bo_map(bo, &cpu);

	if (err)
		return err;
	bo->cpu = cpu;
	bo->mapped = true;
	return 0;
}

/* WAITs of kernel-owned queues look into host memory. */
static void bo_add_words(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;

	if (!ctx->ws->kernel_queues || bo->placement != GAON_WS_HOST || !bo->cpu)
		return;
	pthread_mutex_lock(&ctx->words_lock);
	bo->next_word = ctx->words;
	bo->link_word = &ctx->words;
	if (ctx->words)
		ctx->words->link_word = &bo->next_word;
	ctx->words = bo;
	pthread_mutex_unlock(&ctx->words_lock);
}

static void bo_del_words(struct gaon_ws_bo *bo)
{
	if (!bo->ctx->ws->kernel_queues)
		return;
	pthread_mutex_lock(&bo->ctx->words_lock);
	if (bo->link_word)
		*bo->link_word = bo->next_word;
	if (bo->next_word)
		bo->next_word->link_word = bo->link_word;
	pthread_mutex_unlock(&bo->ctx->words_lock);
}

static void bo_free(struct gaon_ws_bo *bo)
{
	if (bo->mapped)
		drm_sys.unmap(bo->cpu, bo->bytes);
	gem_drop(bo);
	free(bo);
}

/* --- the winsys ------------------------------------------------------------------------------ */

static struct gaon_ws_bo *bo_alloc(struct gaon_ws_context *ctx, uint64_t bytes,
				   enum gaon_ws_placement placement, uint32_t flags)
{
	struct gaon_ws_bo *bo = calloc(1, sizeof(*bo));

	if (!bo)
		return NULL;
	bo->ctx = ctx;
	bo->placement = placement;
	bo->flags = flags;
	bo->bytes = winsys_pages(bytes);
	return bo;
}

/* Memory for it, without an address yet. */
static int bo_fill(struct gaon_ws_bo *bo, uint64_t bytes, void *user)
{
	int err;

	if (bo->placement == GAON_WS_USER) {
		if (!winsys_user_pages(user, bytes, &bo->cpu, &bo->bytes))
			return -EFAULT;
		/* The kernel's fences must not depend on what a process does with its memory. */
		if (bo->ctx->ws->kernel_queues)
			return winsys_user_mapped(bo->cpu, bo->bytes, !(bo->flags & GAON_WS_BO_READONLY)) ?
			       -EOPNOTSUPP : -EFAULT;
		return 0;
	}
	err = gem_create(bo);
	if (!err && (bo->flags & GAON_WS_BO_CPU || bo->placement == GAON_WS_HOST))
		err = gem_map(bo);
	return err;
}

int drm_bo_create_taken(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
			enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out)
{
	struct gaon_ws_bo *bo = bo_alloc(ctx, bytes, placement, flags);
	int err;

	if (!bo)
		return -ENOMEM;
	bo->va = va;
	err = bo_fill(bo, bytes, NULL);
	if (!err)
		err = drm_bo_bind(bo, 0, bo->bytes, bo->flags);
	if (err) {
		bo_free(bo);
		return err;
	}
	drm_debug_add_bo(bo);
	*out = bo;
	return 0;
}

/* What has memory gets an address and is mapped there; freed on failure. */
static int bo_place(struct gaon_ws_bo *bo, uint64_t va, struct gaon_ws_bo **out)
{
	int err = bo_take_va(bo, va);

	if (!err) {
		err = drm_bo_bind(bo, 0, bo->bytes, bo->flags);
		if (err)
			bo_put_va(bo);
	}
	if (err) {
		bo_free(bo);
		return err;
	}
	bo_add_words(bo);
	drm_debug_add_bo(bo);
	*out = bo;
	return 0;
}

static int bo_create(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, void *user, struct gaon_ws_bo **out)
{
	struct gaon_ws_bo *bo;
	int err = winsys_bo_check(bytes);

	if (err)
		return err;
	bo = bo_alloc(ctx, bytes, placement, flags);
	if (!bo)
		return -ENOMEM;
	err = bo_fill(bo, bytes, user);
	if (err) {
		bo_free(bo);
		return err;
	}
	return bo_place(bo, va, out);
}

int drm_bo_create(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
		  uint32_t flags, void *user, struct gaon_ws_bo **out)
{
	return bo_create(ctx, 0, bytes, placement, flags, user, out);
}

int drm_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out)
{
	return va ? bo_create(ctx, va, bytes, placement, flags, NULL, out) : -EADDRINUSE;
}

void drm_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out)
{
	*out = (struct gaon_ws_bo_info){
		.va = bo->va,
		.bytes = bo->bytes,
		.cpu = bo->cpu,
		.placement = bo->placement,
	};
}

int drm_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags)
{
	int err = winsys_bo_check_part(bo->bytes, offset, bytes);

	if (err || !bytes)
		return err;
	err = drm_bo_bind(bo, offset, bytes, flags);
	if (!err)
		drm_debug_note_protected(bo, offset, bytes, flags);
	return err;
}

/*
 * Stores to the card are combined and posted: they leave the processor at a full barrier and are
 * seen by the device after the next doorbell. One that nobody waits for does. Doorbells of
 * kernel-owned queues are the kernel's: there a read, which stores do not let pass.
 */
/* It is only for people: that it is not there is no error. */
void drm_bo_name(struct gaon_ws_bo *bo, const char *name)
{
	struct drm_gaon_bo_set_name args = { .handle = bo->handle };

	for (size_t i = 0; i < sizeof(args.name) - 1 && name[i]; i++)
		args.name[i] = name[i] >= ' ' && name[i] <= '~' ? (uint8_t)name[i] : '?';
	drm_call(bo->ctx->ws, DRM_IOCTL_GAON_BO_SET_NAME, &args);
}

void drm_bo_flush(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;

	atomic_thread_fence(memory_order_seq_cst);
	if (ctx->ws->kernel_queues) {
		if (bo->cpu)
			(void)*(volatile uint8_t *)bo->cpu;
		return;
	}
	pthread_mutex_lock(&ctx->lock);
	if (ctx->queues)
		drm_queue_doorbell(ctx->queues);
	pthread_mutex_unlock(&ctx->lock);
}

void drm_bo_destroy(struct gaon_ws_bo *bo)
{
	int err;

	bo_del_words(bo);
	drm_debug_del_bo(bo);
	if (bo->ctx->ws->kernel_queues)
		drm_kq_settle(bo->ctx);
	err = bo_unbind(bo);
	if (err && err != -ENODEV)
		log_warning("%s: %#llx bytes at %#llx could not be unmapped: %s", bo->ctx->ws->ws.name,
			    (unsigned long long)bo->bytes, (unsigned long long)bo->va,
			    strerror(-err));
	else	/* an address that may still be mapped is not given out again */
		bo_put_va(bo);
	bo_free(bo);
}

/* --- sharing --------------------------------------------------------------------------------- */

int drm_bo_export(struct gaon_ws_bo *bo, int *fd)
{
	struct drm_prime_handle prime = { .handle = bo->handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int err;

	if (!(bo->flags & GAON_WS_BO_SHARE) || !bo->handle)
		return -EPERM;
	err = drm_call(bo->ctx->ws, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	if (!err)
		*fd = prime.fd;
	return err;
}

/* Size and place of what was imported, and a CPU mapping if it can be had. */
static int import_look(struct gaon_ws_bo *bo, int fd)
{
	struct drm_gaon_bo_info info = { .handle = bo->handle };
	void *cpu;
	int err = drm_call(bo->ctx->ws, DRM_IOCTL_GAON_BO_INFO, &info);

	if (err)
		return err;
	bo->bytes = info.size;
	bo->placement = info.placement == DRM_GAON_MEMORY_HBM ? GAON_WS_DEVICE : GAON_WS_HOST;
	if (bo->placement != GAON_WS_HOST)
		return 0;
	if (!info.imported)
		return gem_map(bo);
	/* Not every exporter lets the CPU in. */
	if (!drm_sys.map(fd, 0, bo->bytes, &cpu)) {
		bo->cpu = cpu;
		bo->mapped = true;
	}
	return 0;
}

int drm_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags, struct gaon_ws_bo **out)
{
	struct drm_prime_handle prime = { .fd = fd };
	struct gaon_ws_bo *bo = bo_alloc(ctx, 0, GAON_WS_HOST, flags | GAON_WS_BO_SHARE);
	int err;

	if (!bo)
		return -ENOMEM;
	pthread_mutex_lock(&ctx->ws->share_lock);
	err = drm_call(ctx->ws, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	if (!err) {
		bo->handle = prime.handle;
		share_add(bo);
	}
	pthread_mutex_unlock(&ctx->ws->share_lock);
	if (!err)
		err = import_look(bo, fd);
	if (err) {
		bo_free(bo);
		return err;
	}
	return bo_place(bo, 0, out);
}
