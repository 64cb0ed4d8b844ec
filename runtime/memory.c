// SPDX-License-Identifier: MIT
#include "memory.h"

#include <errno.h>
#include <string.h>

#include "error.h"
#include "stream.h"

#define MEM_FREE_NS	(10ull * 1000000000)

static enum gaon_status mem_fail(struct rt_device *dev, int err, uint64_t bytes,
				 enum gaon_ws_placement placement, void *ptr)
{
	uint64_t free_bytes = 0, total = 0;

	switch (err) {
	case -ENODEV:
		return rt_lost(dev);
	case -EADDRINUSE:
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				 "%llu bytes at %p: something is there already, or it is no address that "
				 "memory can have", (unsigned long long)bytes, ptr);
	case -EFAULT:
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				 "host memory %p, %llu bytes, is not mapped as asked for", ptr,
				 (unsigned long long)bytes);
	case -ENOMEM:
	case -ENOSPC:
		if (placement != GAON_WS_DEVICE)
			return gaon_fail(GAON_ERROR_OUT_OF_MEMORY,
					 "no %llu bytes of host memory for the device",
					 (unsigned long long)bytes);
		dev->ops->mem_info(dev->ws, &free_bytes, &total);
		return gaon_fail_hint(GAON_ERROR_OUT_OF_DEVICE_MEMORY,
				      "free memory, or gaon_mem_trim() the pool",
				      "no %llu bytes of device memory: %llu of %llu are free",
				      (unsigned long long)bytes, (unsigned long long)free_bytes,
				      (unsigned long long)total);
	case -EOPNOTSUPP:
		return gaon_fail_hint(GAON_ERROR_UNSUPPORTED,
				      "copy it to memory of gaon_mem_alloc(GAON_MEM_HOST); with GAON_QUEUE=kernel that is so for all",
				      "host memory %p, %llu bytes, is of a kind that the device cannot reach",
				      ptr, (unsigned long long)bytes);
	default:
		return gaon_fail_errno(GAON_ERROR_INTERNAL, -err, "cannot make memory: %s",
				       strerror(-err));
	}
}

/* What memory is made of: @ptr is the caller's, @va 0 leaves the address to the library. */
struct mem_wish {
	uint64_t bytes, va;
	enum gaon_mem_kind kind;
	void *ptr;
	uint32_t ws_flags;
};

static int mem_create(struct rt_device *dev, const struct mem_wish *wish, enum gaon_ws_placement placement,
		      struct gaon_ws_bo **bo)
{
	if (!wish->va)
		return dev->ops->bo_create(dev->ctx, wish->bytes, placement, wish->ws_flags, wish->ptr, bo);
	return dev->ops->bo_create_at(dev->ctx, wish->va, wish->bytes, placement, wish->ws_flags, bo);
}

static enum gaon_status mem_make(struct rt_device *dev, const struct mem_wish *wish, struct gaon_mem **out)
{
	static const enum gaon_ws_placement placements[] = {
		[GAON_MEM_DEVICE] = GAON_WS_DEVICE,
		[GAON_MEM_HOST] = GAON_WS_HOST,
		[GAON_MEM_IMPORTED] = GAON_WS_USER,
	};
	enum gaon_ws_placement placement = placements[wish->kind];
	struct rt_mem *m = obj_alloc(OBJ_MEM, sizeof(*m));
	struct gaon_ws_bo_info info;
	int err;

	if (!m)
		return GAON_ERROR_OUT_OF_MEMORY;
	err = mem_create(dev, wish, placement, &m->bo);
	if (err == -ENOMEM && wish->kind == GAON_MEM_DEVICE) {
		/* What the pool keeps for later is needed now. */
		pool_trim(dev, 0);
		err = mem_create(dev, wish, placement, &m->bo);
	}
	if (err) {
		obj_free(&m->obj, false);
		return mem_fail(dev, err, wish->bytes, placement,
				wish->va ? (void *)(uintptr_t)wish->va : wish->ptr);
	}
	dev->ops->bo_info(m->bo, &info);
	m->bytes = wish->bytes;
	m->ptr = wish->kind == GAON_MEM_IMPORTED ? wish->ptr : wish->kind == GAON_MEM_HOST ? info.cpu : NULL;
	m->va = info.va;
	if (wish->kind == GAON_MEM_IMPORTED)
		m->va += (uint64_t)((uint8_t *)wish->ptr - (uint8_t *)info.cpu);
	return rt_mem_adopt(dev, m, wish->kind, wish->ws_flags & GAON_WS_BO_READONLY, out);
}

enum gaon_status rt_mem_adopt(struct rt_device *dev, struct rt_mem *m, enum gaon_mem_kind kind,
			      bool readonly, struct gaon_mem **out)
{
	m->dev = dev;
	m->kind = kind;
	if (!addrmap_add(&dev->map, &(struct addr_entry){
			.va = m->va, .bytes = m->bytes, .ptr = m->ptr, .kind = kind,
			.readonly = readonly, .mem = obj_handle(&m->obj) })) {
		dev->ops->bo_destroy(m->bo);
		obj_free(&m->obj, false);
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory to note an allocation");
	}
	rt_adopt(dev, &m->obj);
	*out = obj_handle(&m->obj);
	return GAON_OK;
}

void rt_mem_unmake(struct rt_mem *m)
{
	addrmap_del(&m->dev->map, m->va);
	m->dev->ops->bo_destroy(m->bo);
}

/* Until work that may use memory is over: before it is freed. */
static enum gaon_status mem_quiesce(struct rt_device *dev, const char *what)
{
	enum gaon_status status = rt_device_drain(dev, MEM_FREE_NS);

	if (status == GAON_ERROR_TIMEOUT)
		return gaon_fail_hint(GAON_ERROR_BUSY, "wait for the streams first",
				      "work that may use the %s is not finished", what);
	/* A faulted stream stands still: nothing of it runs. */
	return status == GAON_ERROR_FAULT || status == GAON_ERROR_DEVICE_LOST ? GAON_OK : status;
}

bool rt_mem_release(struct obj *obj, const char *what, enum gaon_status *status)
{
	struct rt_device *dev = atomic_load(&obj->dev);
	uint64_t handle;

	if (!rt_put(obj))
		return false;
	/* The handle dies first, under the lock: nothing is queued that uses it after that. */
	pthread_mutex_lock(&obj->lock);
	handle = atomic_exchange(&obj->handle, 0);
	pthread_mutex_unlock(&obj->lock);
	*status = mem_quiesce(dev, what);
	if (*status) {
		atomic_fetch_add(&obj->refs, 1);
		atomic_store(&obj->handle, handle);
		return false;
	}
	rt_disown(dev, obj);
	return true;
}

static enum gaon_status mem_alloc(struct gaon_device *device, uint64_t bytes, enum gaon_mem_kind kind,
				  uint64_t va, struct gaon_mem **out)
{
	struct mem_wish wish = { .bytes = bytes, .va = va, .kind = kind };
	enum gaon_status status = GAON_OK;
	struct rt_device *dev;

	if (!out || !bytes || (kind != GAON_MEM_DEVICE && kind != GAON_MEM_HOST))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "%s",
				 !out ? "the place for the result is NULL" :
				 !bytes ? "cannot allocate 0 bytes" :
				 "kind is neither GAON_MEM_DEVICE nor GAON_MEM_HOST");
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	wish.ws_flags = GAON_WS_BO_SHARE | (kind == GAON_MEM_HOST ? GAON_WS_BO_CPU : 0);
	status = mem_make(dev, &wish, out);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_mem_alloc(struct gaon_device *device, uint64_t bytes,
					 enum gaon_mem_kind kind, struct gaon_mem **out)
{
	return mem_alloc(device, bytes, kind, 0, out);
}

GAON_API enum gaon_status gaon_mem_alloc_at(struct gaon_device *device, uint64_t bytes,
					    enum gaon_mem_kind kind, uint64_t va, struct gaon_mem **out)
{
	if (!va)
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS, "memory cannot be at address 0");
	return mem_alloc(device, bytes, kind, va, out);
}

GAON_API enum gaon_status gaon_mem_import(struct gaon_device *device, void *ptr, uint64_t bytes,
					  uint32_t flags, struct gaon_mem **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev;

	if (!out || !ptr || !bytes || (flags & ~GAON_IMPORT_READONLY))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "import of %llu bytes at %p, flags %#x",
				 (unsigned long long)bytes, ptr, flags);
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	status = mem_make(dev, &(struct mem_wish){
				  .bytes = bytes, .kind = GAON_MEM_IMPORTED, .ptr = ptr,
				  .ws_flags = flags & GAON_IMPORT_READONLY ? GAON_WS_BO_READONLY : 0 }, out);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_mem_retain(struct gaon_mem *mem)
{
	return rt_retain(OBJ_MEM, mem);
}

GAON_API enum gaon_status gaon_mem_free(struct gaon_mem *mem)
{
	enum gaon_status status = GAON_OK;
	struct rt_mem *m = rt_enter_blocking(OBJ_MEM, mem, &status);
	struct rt_device *dev;

	if (!m)
		return status;
	dev = m->dev;
	if (rt_mem_release(&m->obj, "memory", &status)) {
		rt_mem_unmake(m);
		obj_free(&m->obj, false);
	}
	rt_leave(dev);
	return status;
}

GAON_API uint64_t gaon_mem_va(struct gaon_mem *mem)
{
	enum gaon_status status = GAON_OK;
	struct rt_mem *m = obj_find(OBJ_MEM, mem, &status);

	return m ? m->va : 0;
}

GAON_API void *gaon_mem_ptr(struct gaon_mem *mem)
{
	enum gaon_status status = GAON_OK;
	struct rt_mem *m = obj_find(OBJ_MEM, mem, &status);

	return m ? m->ptr : NULL;
}

GAON_API uint64_t gaon_mem_size(struct gaon_mem *mem)
{
	enum gaon_status status = GAON_OK;
	struct rt_mem *m = obj_find(OBJ_MEM, mem, &status);

	return m ? m->bytes : 0;
}

static enum gaon_status address_info(const struct addr_entry *entry, struct gaon_address_info *info)
{
	struct gaon_address_info full = {
		.size = sizeof(full),
		.kind = entry->kind,
		.va = entry->va,
		.bytes = entry->bytes,
		.ptr = entry->ptr,
		.mem = entry->mem,
	};

	return gaon_struct_write(info, &full, sizeof(full), "gaon_address_info");
}

GAON_API enum gaon_status gaon_address_get_info(struct gaon_device *device, uint64_t va,
						struct gaon_address_info *info)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct addr_entry entry;

	if (!dev)
		return status;
	if (addrmap_find(&dev->map, va, 1, &entry))
		status = address_info(&entry, info);
	else
		status = gaon_fail(GAON_ERROR_INVALID_ADDRESS, "%#llx belongs to nothing of the device",
				   (unsigned long long)va);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_pointer_get_info(struct gaon_device *device, const void *ptr,
						struct gaon_address_info *info)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct addr_entry entry;

	if (!dev)
		return status;
	if (addrmap_find_host(&dev->map, ptr, 1, &entry))
		status = address_info(&entry, info);
	else
		status = gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				   "%p is neither pinned by nor imported into the device", ptr);
	rt_leave(dev);
	return status;
}
