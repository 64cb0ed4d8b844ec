// SPDX-License-Identifier: MIT
/* Memory objects: device memory in pieces, host pages, the caller's pages. */
#include "direct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../log.h"

static uint64_t bo_prot(uint32_t flags)
{
	if (flags & GAON_WS_BO_EXEC)
		return GAON_PTE_U | GAON_PTE_R | GAON_PTE_X;
	if (flags & GAON_WS_BO_READONLY)
		return GAON_PTE_U | GAON_PTE_R;
	return GAON_PTE_U | GAON_PTE_R | GAON_PTE_W;
}

/* --- device memory --------------------------------------------------------------------------- */

/*
 * Never-used memory is zero; returned memory is zeroed here, before anyone else gets it.  Nothing
 * in the device can reach it any more: its translation was invalidated.
 */
void direct_hbm_clear(struct direct *ws, uint64_t start, uint64_t bytes)
{
	if (bytes >= 65536 && !madvise(ws->aperture + start, bytes, MADV_DONTNEED))
		return;
	memset(ws->aperture + start, 0, bytes);
}

static void hbm_free(struct gaon_ws_bo *bo)
{
	struct direct *ws = bo->ctx->ws;
	size_t i;

	for (i = 0; i < bo->hbm_count; i++)
		direct_hbm_clear(ws, bo->hbm[i].start, bo->hbm[i].bytes);
	pthread_mutex_lock(&ws->mem_lock);
	for (i = 0; i < bo->hbm_count; i++) {
		if (!extents_put(&ws->hbm, bo->hbm[i].start, bo->hbm[i].bytes))
			log_warning("direct: lost %#llx bytes of device memory",
				    (unsigned long long)bo->hbm[i].bytes);
	}
	direct_ras_sweep(ws);
	pthread_mutex_unlock(&ws->mem_lock);
	free(bo->hbm);
	bo->hbm = NULL;
	bo->hbm_count = 0;
}

static bool hbm_add_piece(struct gaon_ws_bo *bo, uint64_t start, uint64_t bytes)
{
	struct extent *list = realloc(bo->hbm, (bo->hbm_count + 1) * sizeof(*list));

	if (!list)
		return false;
	bo->hbm = list;
	list[bo->hbm_count++] = (struct extent){ start, bytes };
	return true;
}

/* In one piece if there is one, else (unless the CPU must see it) in as few as possible. */
static int hbm_take(struct gaon_ws_bo *bo)
{
	struct direct *ws = bo->ctx->ws;
	uint64_t align = bo->bytes >= GAON_GIANT_SIZE ? GAON_GIANT_SIZE : GAON_HUGE_SIZE;
	uint64_t left = bo->bytes, start;
	struct extent piece;

	if (bo->bytes > ws->hbm.free_bytes)
		return -ENOMEM;
	if (bo->bytes < GAON_HUGE_SIZE)
		align = GAON_PAGE_SIZE;
	for (; align >= GAON_PAGE_SIZE; align >>= 9) {
		if (!extents_take(&ws->hbm, bo->bytes, align, &start))
			continue;
		if (hbm_add_piece(bo, start, bo->bytes))
			return 0;
		extents_put(&ws->hbm, start, bo->bytes);
		return -ENOMEM;
	}
	if (bo->flags & GAON_WS_BO_CPU)
		return -ENOMEM;
	while (left && bo->hbm_count < DIRECT_BO_EXTENTS) {
		uint64_t unit = left >= GAON_HUGE_SIZE ? GAON_HUGE_SIZE : GAON_PAGE_SIZE;

		if (!extents_take_largest(&ws->hbm, left, unit, &piece) &&
		    !extents_take_largest(&ws->hbm, left, GAON_PAGE_SIZE, &piece))
			return -ENOMEM;
		if (!hbm_add_piece(bo, piece.start, piece.bytes)) {
			extents_put(&ws->hbm, piece.start, piece.bytes);
			return -ENOMEM;
		}
		left -= piece.bytes;
	}
	return left ? -ENOMEM : 0;
}

static int bo_alloc_device(struct gaon_ws_bo *bo)
{
	struct direct *ws = bo->ctx->ws;
	int err;

	/* Lost already when it cannot be read: the next use says so. */
	direct_ras_refresh(ws);
	pthread_mutex_lock(&ws->mem_lock);
	direct_ras_sweep(ws);
	err = hbm_take(bo);
	pthread_mutex_unlock(&ws->mem_lock);
	if (err) {
		hbm_free(bo);
		return err;
	}
	if (bo->flags & GAON_WS_BO_CPU)
		bo->cpu = ws->aperture + bo->hbm[0].start;
	return 0;
}

/* --- host memory ----------------------------------------------------------------------------- */

static int bo_take_user(struct gaon_ws_bo *bo, void *user)
{
	bool writable = !(bo->flags & GAON_WS_BO_READONLY);
	uint8_t *start;

	if (!winsys_user_pages(user, bo->bytes, &start, &bo->bytes) ||
	    !winsys_user_mapped(start, bo->bytes, writable))
		return -EFAULT;
	bo->host = (struct direct_host){ .cpu = start, .bytes = bo->bytes };
	bo->cpu = start;
	return direct_iova_add(&bo->ctx->ws->iova, start, bo->bytes, writable, &bo->host.iova);
}

static int bo_alloc(struct gaon_ws_bo *bo, void *user)
{
	int err;

	switch (bo->placement) {
	case GAON_WS_DEVICE:
		return bo_alloc_device(bo);
	case GAON_WS_HOST:
		err = direct_host_alloc(bo->ctx->ws, bo->bytes, &bo->host);
		bo->cpu = bo->host.cpu;
		return err;
	case GAON_WS_USER:
		err = bo_take_user(bo, user);
		if (err)
			bo->host.cpu = NULL;
		return err;
	}
	return -EINVAL;
}

static void bo_release(struct gaon_ws_bo *bo)
{
	if (bo->placement == GAON_WS_DEVICE)
		hbm_free(bo);
	else
		direct_host_free(bo->ctx->ws, &bo->host);
}

/* --- mapping --------------------------------------------------------------------------------- */

static int bo_map_pieces(struct gaon_ws_bo *bo, uint64_t prot)
{
	struct direct_vm *vm = &bo->ctx->vm;
	uint64_t at = bo->va;
	size_t i;
	int err;

	if (bo->placement != GAON_WS_DEVICE)
		return direct_vm_map(vm, at, GAON_PA_HOST | bo->host.iova, bo->bytes, prot);
	for (i = 0; i < bo->hbm_count; i++) {
		err = direct_vm_map(vm, at, GAON_PA_HBM | bo->hbm[i].start, bo->hbm[i].bytes, prot);
		if (err) {
			if (at > bo->va)
				direct_vm_unmap(vm, bo->va, at - bo->va);
			return err;
		}
		at += bo->hbm[i].bytes;
	}
	return 0;
}

/* At @va, or where there is room if it is 0. */
static int bo_map(struct gaon_ws_bo *bo, uint64_t va)
{
	struct gaon_ws_context *ctx = bo->ctx;
	int err;

	pthread_mutex_lock(&ctx->lock);
	bo->va = va;
	err = va ? winsys_va_take_at(&ctx->vm.user, va, bo->bytes) :
		   winsys_va_take_user(&ctx->vm.user, bo->bytes, bo->flags, &bo->va);
	if (!err) {
		err = bo_map_pieces(bo, bo_prot(bo->flags));
		if (err)
			winsys_va_put_user(&ctx->vm.user, bo->va, bo->bytes);
	}
	pthread_mutex_unlock(&ctx->lock);
	return err;
}

static int bo_create(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
		     enum gaon_ws_placement placement, uint32_t flags, void *user, struct gaon_ws_bo **out)
{
	struct gaon_ws_bo *bo;
	int err = winsys_bo_check(bytes);

	if (err)
		return err;
	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return -ENOMEM;
	bo->ctx = ctx;
	bo->placement = placement;
	bo->flags = flags;
	bo->bytes = placement == GAON_WS_USER ? bytes : winsys_pages(bytes);
	err = bo_alloc(bo, user);
	if (!err) {
		err = bo_map(bo, va);
		if (err)
			bo_release(bo);
	}
	if (err) {
		free(bo);
		return err;
	}
	atomic_fetch_add(&ctx->bos, 1);
	*out = bo;
	return 0;
}

int direct_bo_create(struct gaon_ws_context *ctx, uint64_t bytes, enum gaon_ws_placement placement,
		     uint32_t flags, void *user, struct gaon_ws_bo **out)
{
	return bo_create(ctx, 0, bytes, placement, flags, user, out);
}

int direct_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
			enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out)
{
	return va ? bo_create(ctx, va, bytes, placement, flags, NULL, out) : -EADDRINUSE;
}

void direct_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out)
{
	*out = (struct gaon_ws_bo_info){
		.va = bo->va,
		.bytes = bo->bytes,
		.cpu = bo->cpu,
		.placement = bo->placement,
	};
}

int direct_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags)
{
	int err = winsys_bo_check_part(bo->bytes, offset, bytes);

	if (err || !bytes)
		return err;
	pthread_mutex_lock(&bo->ctx->lock);
	err = direct_vm_protect(&bo->ctx->vm, bo->va + offset, bytes, bo_prot(flags));
	pthread_mutex_unlock(&bo->ctx->lock);
	return err;
}

/* The device reads through the same cache. */
void direct_bo_flush(struct gaon_ws_bo *bo)
{
	(void)bo;
	atomic_thread_fence(memory_order_seq_cst);
}

/* The device and its memory are this process's alone. */
int direct_bo_export(struct gaon_ws_bo *bo, int *fd)
{
	(void)bo;
	(void)fd;
	return -EOPNOTSUPP;
}

int direct_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags, struct gaon_ws_bo **out)
{
	(void)ctx;
	(void)fd;
	(void)flags;
	(void)out;
	return -EOPNOTSUPP;
}

void direct_bo_destroy(struct gaon_ws_bo *bo)
{
	struct gaon_ws_context *ctx = bo->ctx;
	int err;

	pthread_mutex_lock(&ctx->lock);
	err = direct_vm_unmap(&ctx->vm, bo->va, bo->bytes);
	winsys_va_put_user(&ctx->vm.user, bo->va, bo->bytes);
	pthread_mutex_unlock(&ctx->lock);
	/*
	 * A lost device may still write through the old translation until it is closed: host pages
	 * allocated here then stay, the caller's cannot (its own are stopped at the registry).
	 */
	if (err && bo->placement == GAON_WS_HOST) {
		log_warning("direct: device lost, %#llx bytes of host memory stay pinned",
			    (unsigned long long)bo->bytes);
		free(bo);
		atomic_fetch_sub(&ctx->bos, 1);
		return;
	}
	bo_release(bo);
	free(bo);
	atomic_fetch_sub(&ctx->bos, 1);
}
