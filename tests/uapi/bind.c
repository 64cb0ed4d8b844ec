// SPDX-License-Identifier: MIT
/* VM_BIND with fences, and of the caller's own memory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

/* --- the caller's memory --------------------------------------------------------------------- */

static int map_own(int fd, uint32_t vm, void *own, uint64_t va, uint64_t size, uint32_t flags)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .flags = flags, .offset = (uintptr_t)own,
		.va = va, .size = size,
	};

	return uapi_bind(fd, vm, &op, 1);
}

static void *own_memory(uint64_t size, int prot)
{
	void *own = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(own != MAP_FAILED, "%llu KiB", (unsigned long long)size / KIB);
	return own;
}

static bool bounced(void)
{
	char text[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return strstr(text, "swiotlb=force");
}

static void test_own(int fd)
{
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), fence_vm = uapi_vm(fd, 0);
	uint32_t handle = uapi_bo(fd, MIB, DRM_GAON_BO_HOST, 0);
	char *own = own_memory(4 * MIB, PROT_READ | PROT_WRITE), *io = uapi_mmap(fd, handle, MIB);
	struct drm_gaon_vm_bind_op op = { .type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = VA, .size = 4096 };
	int status;
	pid_t pid;

	CHECK_ERRNO(map_own(fd, fence_vm, own, VA, MIB, 0), EINVAL, "not in a VM with fences");
	op.offset = (uintptr_t)own;
	op.handle = handle;
	CHECK_ERRNO(uapi_bind(fd, vm, &op, 1), EINVAL, "with an object");
	CHECK_ERRNO(map_own(fd, vm, own + 1, VA, MIB, 0), EINVAL, "not a page");
	CHECK_ERRNO(map_own(fd, vm, (void *)0xffff888000000000ull, VA, MIB, 0), EFAULT, "the kernel's");
	CHECK_ERRNO(map_own(fd, vm, (void *)4096, VA, 4096, 0), EFAULT, "nobody's");
	CHECK_ERRNO(map_own(fd, vm, io, VA, MIB, 0), EOPNOTSUPP, "an object's mapping is no memory");
	if (bounced()) {
		CHECK_ERRNO(map_own(fd, vm, own, VA, MIB, 0), EOPNOTSUPP, "bounced memory is of no use");
		goto out;
	}
	munmap(own + 2 * MIB, 4096);
	CHECK_ERRNO(map_own(fd, vm, own, VA, 4 * MIB, 0), EFAULT, "with a hole");
	CHECK(!mapped(fd, vm), "nothing stays mapped");
	mprotect(own, MIB, PROT_READ);
	CHECK_ERRNO(map_own(fd, vm, own, VA, MIB, 0), EFAULT, "for reading only");
	CHECK_ERRNO(map_own(fd, vm, own, VA, MIB, DRM_GAON_VM_BIND_READONLY), 0, "READONLY");
	mprotect(own, MIB, PROT_READ | PROT_WRITE);
	CHECK_ERRNO(map_own(fd, vm, own, VA, MIB, 0), 0, "now for writing");
	memset(own, 1, MIB);
	CHECK_ERRNO(uapi_unmap(fd, vm, VA + 64 * KIB, 64 * KIB), 0, "a hole in the mapping");
	CHECK(mapped(fd, vm) == MIB - 64 * KIB, "the rest stays");
	pid = fork();
	if (!pid) {
		memset(own, 2, MIB);	/* copies on write */
		_exit(own[5] != 2);
	}
	memset(own, 3, MIB);
	waitpid(pid, &status, 0);
	CHECK(!status && own[7] == 3, "fork: each has its own");
	CHECK(!madvise(own, MIB, MADV_DONTNEED) && !own[9], "pages are dropped and come anew");
	CHECK(!munmap(own, 512 * KIB), "half of it goes");
	CHECK_ERRNO(map_own(fd, vm, own, VA, MIB, 0), EFAULT, "it is gone");
	CHECK_ERRNO(uapi_unmap(fd, vm, VA, MIB), 0, "unmap the rest");
out:
	munmap(io, MIB);
	munmap(own, 4 * MIB);
	uapi_bo_close(fd, handle);
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	uapi_vm_destroy(fd, fence_vm);
}

static atomic_bool stop;

static void *shake(void *arg)
{
	char *own = arg;

	while (!atomic_load(&stop)) {
		madvise(own, MIB, MADV_DONTNEED);
		memset(own, 1, 64 * KIB);
		mprotect(own, MIB, PROT_READ);
		mprotect(own, MIB, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

#define RACE_SECONDS	20

/* Mapping and unmapping while another thread changes the memory below. */
static void test_race(int fd)
{
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), failed = 0;
	char *own = own_memory(MIB, PROT_READ | PROT_WRITE);
	time_t end = time(NULL) + RACE_SECONDS;
	pthread_t thread;
	int i;

	if (bounced())
		return;
	REQUIRE(!pthread_create(&thread, NULL, shake, own), "a thread");
	/* Behind an emulated IOMMU each page is a message to the model: less of it then. */
	for (i = 0; i < 100 && (!i || time(NULL) < end); i++) {
		/* It may be readable only just then. */
		int err = map_own(fd, vm, own, VA + (uint64_t)(i % 4) * MIB, MIB, 0);

		failed += err && err != EFAULT && err != EBUSY;
		failed += uapi_unmap(fd, vm, VA + (uint64_t)(i % 3) * MIB, MIB) != 0;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK(!failed, "%u of %d calls failed", failed, 2 * i);
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	munmap(own, MIB);
}

int main(void)
{
	int fd = uapi_open();

	test_async(fd);
	test_async_refused(fd);
	test_async_close();
	test_own(fd);
	test_race(fd);
	uapi_exit();
}
