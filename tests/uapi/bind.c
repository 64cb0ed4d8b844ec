// SPDX-License-Identifier: MIT
/* VM_BIND with fences. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "uapi.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)
#define VA	(64 * MIB)

static uint32_t syncobj(int fd)
{
	struct drm_syncobj_create create = { 0 };

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), 0, "a syncobj");
	return create.handle;
}

static int timeline_signal(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
	};

	return uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

static int timeline_wait(int fd, uint32_t handle, uint64_t point, unsigned int ms)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	args.timeout_nsec = now.tv_sec * 1000000000ll + now.tv_nsec + ms * 1000000ll;
	return uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

static int bind_async(int fd, uint32_t vm, const struct drm_gaon_vm_bind_op *ops, uint32_t count,
		      const struct drm_gaon_sync *syncs, uint32_t sync_count)
{
	struct drm_gaon_vm_bind bind = {
		.vm_id = vm, .flags = DRM_GAON_VM_BIND_ASYNC,
	};
	int err;

	if (count)
		bind.ops = (struct drm_gaon_obj_array) { sizeof(*ops), count, (uintptr_t)ops };

	if (sync_count)
		bind.syncs = (struct drm_gaon_obj_array) { sizeof(*syncs), sync_count,
							    (uintptr_t)syncs };
	err = uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind);
	if (!err)
		CHECK(bind.done == count, "%u of %u are queued", bind.done, count);
	return err;
}

static uint64_t mapped(int fd, uint32_t vm)
{
	struct drm_gaon_vm_state state = { .vm_id = vm };

	uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state);
	return state.mapped;
}

static void test_async(int fd)
{
	uint32_t vm = uapi_vm(fd, 0), handle = uapi_bo(fd, MIB, DRM_GAON_BO_HOST, 0), line = syncobj(fd);
	struct drm_gaon_vm_bind_op map = { .handle = handle, .va = VA, .size = MIB };
	struct drm_gaon_vm_bind_op unmap = { .type = DRM_GAON_VM_BIND_UNMAP, .va = VA, .size = 64 * KIB };
	struct drm_gaon_sync syncs[2] = {
		{ DRM_GAON_SYNC_TIMELINE, line, 1 },
		{ DRM_GAON_SYNC_TIMELINE | DRM_GAON_SYNC_SIGNAL, line, 2 },
	};

	REQUIRE(vm && handle && line, "VM, object, syncobj");
	CHECK_ERRNO(bind_async(fd, vm, &map, 1, syncs, 1), EINVAL, "point 1 has no fence yet");
	CHECK_ERRNO(timeline_signal(fd, line, 1), 0, "point 1");
	CHECK_ERRNO(bind_async(fd, vm, &map, 1, syncs, 2), 0, "map behind point 1");
	CHECK_ERRNO(timeline_wait(fd, line, 2, 5000), 0, "point 2 comes");
	CHECK(mapped(fd, vm) == MIB, "it is mapped");
	syncs[0].timeline_value = 2;
	syncs[1].timeline_value = 3;
	CHECK_ERRNO(bind_async(fd, vm, &unmap, 1, syncs, 2), 0, "unmap behind point 2");
	CHECK_ERRNO(bind_async(fd, vm, &map, 1, NULL, 0), 0, "map without syncs");
	syncs[0].timeline_value = 3;
	syncs[1].timeline_value = 4;
	CHECK_ERRNO(bind_async(fd, vm, NULL, 0, syncs, 2), 0, "nothing but syncs");
	CHECK_ERRNO(timeline_wait(fd, line, 4, 5000), 0, "point 4 comes");
	CHECK(mapped(fd, vm) == MIB, "they were done in order");
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
}

static void test_async_refused(int fd)
{
	uint32_t vm = uapi_vm(fd, 0), line = syncobj(fd);
	struct drm_gaon_sync sync;

#define SYNC(f, h, v)	(sync = (struct drm_gaon_sync) { f, h, v }, bind_async(fd, vm, NULL, 0, &sync, 1))
	CHECK_ERRNO(SYNC(4, line, 0), EINVAL, "sync: flags");
	CHECK_ERRNO(SYNC(DRM_GAON_SYNC_SIGNAL, line, 1), EINVAL, "sync: a point of no timeline");
	CHECK_ERRNO(SYNC(DRM_GAON_SYNC_SIGNAL | DRM_GAON_SYNC_TIMELINE, line, 0), EINVAL,
		    "sync: no point of a timeline");
	CHECK_ERRNO(SYNC(DRM_GAON_SYNC_SIGNAL, 12345, 0), ENOENT, "sync: unknown, to signal");
	CHECK_ERRNO(SYNC(0, 12345, 0), ENOENT, "sync: unknown, to wait for");
	CHECK_ERRNO(SYNC(0, line, 0), EINVAL, "sync: without a fence");
	CHECK_ERRNO(SYNC(DRM_GAON_SYNC_SIGNAL, line, 0), 0, "a binary one");
	CHECK_ERRNO(timeline_wait(fd, line, 0, 5000), 0, "it comes");
#undef SYNC
	uapi_vm_destroy(fd, vm);
}

/* What is said of the arrays themselves; nothing of it is queued, and @done says so. */
static void test_async_arrays(int fd)
{
	struct { struct drm_gaon_sync sync; uint64_t tail; } longer = { .tail = 0 };
	uint32_t vm = uapi_vm(fd, 0), handle = uapi_bo(fd, MIB, DRM_GAON_BO_HOST, 0), line = syncobj(fd);
	struct drm_gaon_vm_bind_op map = { .handle = handle, .va = VA, .size = MIB };
	struct drm_gaon_sync sync = { DRM_GAON_SYNC_SIGNAL, line, 0 }, *many;
	struct drm_gaon_vm_bind bind;
	unsigned int i;

	many = calloc(DRM_GAON_MAX_SYNCS + 1, sizeof(*many));
	REQUIRE(many && vm && handle, "memory");
	for (i = 0; i <= DRM_GAON_MAX_SYNCS; i++)
		many[i] = sync;
	longer.sync = sync;
#define BIND(error, what, ...) do {							\
	bind = (struct drm_gaon_vm_bind){						\
		.vm_id = vm, .flags = DRM_GAON_VM_BIND_ASYNC,				\
		.ops = { sizeof(map), 1, (uintptr_t)&map },				\
		.syncs = { sizeof(sync), 1, (uintptr_t)&sync },				\
	};										\
	__VA_ARGS__;									\
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind), error, what);	\
	CHECK(bind.done == !(error), "%u are queued", bind.done);			\
} while (0)
	BIND(EINVAL, "257 syncs", bind.syncs.count = 257, bind.syncs.array = (uintptr_t)many);
	BIND(EINVAL, "no syncs but a stride", bind.syncs.count = 0);
	BIND(EINVAL, "a stride that is too short", bind.syncs.stride -= 8);
	BIND(EINVAL, "a stride out of line", bind.syncs.stride += 4);
	BIND(EINVAL, "a stride that is too long", bind.syncs.stride = 1 << 20);
	BIND(EINVAL, "syncs out of line", bind.syncs.array += 4);
	BIND(EFAULT, "syncs nowhere", bind.syncs.array = 0xdead000);
	BIND(E2BIG, "longer syncs with something in their tail", longer.tail = 1,
	     bind.syncs.stride = sizeof(longer), bind.syncs.array = (uintptr_t)&longer);
	BIND(EINVAL, "an operation that is refused", map.pad = 1);
	CHECK_ERRNO(timeline_wait(fd, line, 0, 0), ETIME, "nobody signals");
	CHECK(!mapped(fd, vm), "nothing is mapped");
	map.pad = 0;
	BIND(0, "longer syncs whose tail is 0", longer.tail = 0, bind.syncs.stride = sizeof(longer),
	     bind.syncs.array = (uintptr_t)&longer);
	CHECK_ERRNO(timeline_wait(fd, line, 0, 20000), 0, "it comes");
	BIND(0, "256 syncs", bind.syncs.count = 256, bind.syncs.array = (uintptr_t)many);
	CHECK_ERRNO(timeline_wait(fd, line, 0, 20000), 0, "it comes");
	CHECK(mapped(fd, vm) == MIB, "it is mapped");
#undef BIND
	free(many);
	uapi_bo_close(fd, handle);
	uapi_vm_destroy(fd, vm);
}

/* The VM and the file go while operations wait: all are given back. */
static void test_async_close(void)
{
	int fd = uapi_open(), i;

	for (i = 0; i < 20; i++) {
		uint32_t vm = uapi_vm(fd, i & 1), handle = uapi_bo(fd, MIB, DRM_GAON_BO_HBM, vm);
		uint32_t line = syncobj(fd);
		struct drm_gaon_vm_bind_op map = { .handle = handle, .va = VA, .size = MIB };
		struct drm_gaon_sync sync = { DRM_GAON_SYNC_SIGNAL, line, 0 };

		bind_async(fd, vm, &map, 1, &sync, 1);
		if (i & 2)
			CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "the VM goes");
		if (i & 4)
			CHECK_ERRNO(timeline_wait(fd, line, 0, 5000), 0, "the fence comes all the same");
	}
	CHECK(!close(fd), "the file goes");
}

int main(void)
{
	int fd = uapi_open();

	test_async(fd);
	test_async_refused(fd);
	test_async_arrays(fd);
	test_async_close();
	uapi_exit();
}
