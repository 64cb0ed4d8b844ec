// SPDX-License-Identifier: MIT
/* The caller's own memory in an address space. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "queue_lib.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)
#define VA	(64 * MIB)

static uint64_t mapped(int fd, uint32_t vm)
{
	struct drm_gaon_vm_state state = { .vm_id = vm };

	uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state);
	return state.mapped;
}

/* --- a fence of somebody else -------------------------------------------------------------------- */

/* Of the kernel's include/uapi/drm/vgem_drm.h, which no package has. */
struct vgem_attach {
	uint32_t handle, flags, out_fence, pad;
};

struct vgem_signal {
	uint32_t fence, flags;
};

#define VGEM_ATTACH	DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_attach)
#define VGEM_SIGNAL	DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_signal)
#define VGEM_WRITE	1u

/* vgem is told when to signal; by itself it does after 10 s. */
struct other {
	int fd;
	struct vgem_attach fence;
};

/* A syncobj of @fd whose fence is not signalled. */
static uint32_t hold(int fd, struct other *other)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };
	struct drm_syncobj_create create = { 0 };
	struct dma_buf_export_sync_file file = { .flags = DMA_BUF_SYNC_READ };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_syncobj_handle import = { .flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE };

	if (system("modprobe -q vgem"))
		fprintf(stderr, "modprobe vgem failed\n");
	other->fd = uapi_vgem_open();
	REQUIRE(other->fd >= 0, "vgem, which the kernel must have as a module");
	REQUIRE(!uapi_ioctl(other->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), "its object");
	other->fence = (struct vgem_attach){ .handle = dumb.handle, .flags = VGEM_WRITE };
	prime.handle = dumb.handle;
	REQUIRE(!uapi_ioctl(other->fd, VGEM_ATTACH, &other->fence), "its fence");
	REQUIRE(!uapi_ioctl(other->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "its dma-buf");
	REQUIRE(!ioctl(prime.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &file), "the fence as a file");
	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), "a syncobj");
	import.handle = create.handle;
	import.fd = file.fd;
	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import), "the fence in it");
	close(file.fd);
	close(prime.fd);
	return create.handle;
}

static int release(struct other *other)
{
	struct vgem_signal signal = { .fence = other->fence.out_fence };
	int err = uapi_ioctl(other->fd, VGEM_SIGNAL, &signal);

	close(other->fd);
	return err;
}

/* --- mapping -------------------------------------------------------------------------------------- */

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

static uint32_t syncobj(int fd)
{
	struct drm_syncobj_create create = { 0 };

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), 0, "a syncobj");
	return create.handle;
}

static int wait_for(int fd, uint32_t handle)
{
	struct drm_syncobj_wait args = { .handles = (uintptr_t)&handle, .count_handles = 1 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	args.timeout_nsec = (now.tv_sec + 60) * 1000000000ll;
	return uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

/* At VA, when @in is signalled; then @out is. */
static int map_later(int fd, uint32_t vm, void *own, uint64_t size, uint32_t in, uint32_t out)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .offset = (uintptr_t)own, .va = VA, .size = size,
	};
	struct drm_gaon_sync syncs[2] = { { 0, in, 0 }, { DRM_GAON_SYNC_SIGNAL, out, 0 } };
	struct drm_gaon_vm_bind bind = {
		.vm_id = vm, .flags = DRM_GAON_VM_BIND_ASYNC, .ops = { sizeof(op), 1, (uintptr_t)&op },
		.syncs = { sizeof(syncs[0]), 2, (uintptr_t)syncs },
	};

	return uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind);
}

/* @size bytes on a boundary of large pages, which are there where the kernel gives any. */
static char *large_memory(uint64_t size)
{
	char *all = own_memory(size + 2 * MIB, PROT_READ | PROT_WRITE);
	char *own = (char *)(((uintptr_t)all + 2 * MIB - 1) & ~(uintptr_t)(2 * MIB - 1));

	munmap(all, own - all);
	munmap(own + size, 2 * MIB - (own - all));
	madvise(own, size, MADV_HUGEPAGE);
	memset(own, 1, size);
	return own;
}

static uint32_t large_pages(int fd, uint32_t vm)
{
	struct drm_gaon_vm_state state = { .vm_id = vm };

	uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state);
	return state.large_pages;
}

/* How much of it is in large pages of the process. */
static uint64_t huge_bytes(const char *own)
{
	unsigned long long first, end, kib, found = ~0ull;
	FILE *file = fopen("/proc/self/smaps", "r");
	bool inside = false;
	char line[512];

	REQUIRE(file, "/proc/self/smaps: %s", strerror(errno));
	while (found == ~0ull && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &first, &end) == 2)
			inside = (uintptr_t)own >= first && (uintptr_t)own < end;
		else if (inside && sscanf(line, "AnonHugePages: %llu kB", &kib) == 1)
			found = kib * KIB;
	}
	fclose(file);
	REQUIRE(found != ~0ull, "smaps has AnonHugePages of %p", (void *)own);
	return found;
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
	if (uapi_bounces()) {
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

/* Large leaves where both addresses allow, also where the first page is no boundary; cut, and whole again. */
static void test_own_large(int fd)
{
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), few = 0;
	uint64_t huge;
	char *own;

	if (uapi_bounces())
		return;
	own = large_memory(8 * MIB);
	huge = huge_bytes(own);
	CHECK_ERRNO(map_own(fd, vm, own, VA, 8 * MIB, 0), 0, "8 MiB of the caller's");
	few = large_pages(fd, vm);
	CHECK(few >= huge / (2 * MIB), "%u large leaves for %llu KiB in large pages", few, (unsigned long long)huge / KIB);
	CHECK_ERRNO(uapi_unmap(fd, vm, VA + 3 * MIB, 64 * KIB), 0, "a hole");
	CHECK(mapped(fd, vm) == 8 * MIB - 64 * KIB, "the rest stays");
	CHECK(large_pages(fd, vm) >= (few ? few - 1 : 0), "and the other large leaves: %u of %u", large_pages(fd, vm), few);
	CHECK_ERRNO(map_own(fd, vm, own + 12 * KIB, VA + 32 * MIB + 12 * KIB, 8 * MIB - 16 * KIB, 0), 0, "from a page in the middle");
	few = large_pages(fd, vm);
	/* The first large page is not whole in it, nor is the last. */
	if (huge == 8 * MIB)
		CHECK(few >= 3 + 2, "%u large leaves of both", few);
	memset(own, 2, 8 * MIB);
	CHECK(!madvise(own, 8 * MIB, MADV_DONTNEED) && !own[MIB], "dropped below two mappings");
	CHECK(mapped(fd, vm) == 16 * MIB - 80 * KIB, "they stay");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	munmap(own, 8 * MIB);
}

/* More address space than there is memory is refused, and nothing worse. */
static void test_own_huge(int fd)
{
	uint64_t size = 1ull << 41;
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR);
	void *own = MAP_FAILED;

	if (sizeof(void *) == 8)
		own = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (own != MAP_FAILED) {
		CHECK_ERRNO(map_own(fd, vm, own, VA, size, DRM_GAON_VM_BIND_READONLY), ENOMEM, "2 TiB");
		munmap(own, size);
	}
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
}

/*
 * An object is replaced by the caller's memory, which is gone when its turn comes: then nothing is
 * mapped there, least of all the object.
 */
static void test_own_replaces(int fd)
{
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), done = syncobj(fd);
	uint32_t handle = uapi_bo(fd, 4 * MIB, DRM_GAON_BO_HBM | DRM_GAON_BO_CONTIGUOUS, 0);
	struct other other;
	char *own;

	if (uapi_bounces())
		return;
	own = own_memory(4 * MIB, PROT_READ | PROT_WRITE);
	CHECK_ERRNO(uapi_map(fd, vm, handle, 0, VA, 4 * MIB, 0), 0, "map the object");
	CHECK(large_pages(fd, vm) == 2, "%u large leaves", large_pages(fd, vm));
	CHECK_ERRNO(map_later(fd, vm, own, 4 * MIB, hold(fd, &other), done), 0, "later, the caller's memory over it");
	munmap(own, 4 * MIB);
	release(&other);
	CHECK_ERRNO(wait_for(fd, done), 0, "it is done");
	CHECK(mapped(fd, vm) == 4 * MIB, "it has the range");
	CHECK(!large_pages(fd, vm), "%u leaves of the object are left", large_pages(fd, vm));
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
}

/* How much of it there is does not matter to the race, and each page has its price behind an IOMMU. */
#define RACE_BYTES	(128 * KIB)

static atomic_bool stop;

static void *shake(void *arg)
{
	char *own = arg;

	while (!atomic_load(&stop)) {
		madvise(own, RACE_BYTES, MADV_DONTNEED);
		memset(own, 1, 64 * KIB);
		mprotect(own, RACE_BYTES, PROT_READ);
		mprotect(own, RACE_BYTES, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* Mapping and unmapping while another thread changes the memory below. */
static void test_race(int fd)
{
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), failed = 0;
	char *own = own_memory(RACE_BYTES, PROT_READ | PROT_WRITE);
	pthread_t thread;
	int i;

	if (uapi_bounces())
		return;
	REQUIRE(!pthread_create(&thread, NULL, shake, own), "a thread");
	for (i = 0; i < 100; i++) {
		/* It may be readable only just then. */
		int err = map_own(fd, vm, own, VA + (uint64_t)(i % 4) * RACE_BYTES, RACE_BYTES, 0);

		failed += err && err != EFAULT;
		failed += uapi_unmap(fd, vm, VA + (uint64_t)(i % 3) * RACE_BYTES, RACE_BYTES) != 0;
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK(!failed, "%u of %d calls failed", failed, 2 * i);
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	munmap(own, RACE_BYTES);
}

/*
 * The same while a queue is at work: a context that is suspended because of what has no mapping any
 * more, and is about to end, must go on.
 */
static void test_race_with_work(void)
{
	uint32_t failed = 0, ran = 0;
	char *own = own_memory(RACE_BYTES, PROT_READ | PROT_WRITE);
	struct lib_queue queue;
	pthread_t thread;
	struct lib lib;
	int err = 0;

	if (uapi_bounces())
		return;
	lib_open(&lib, DRM_GAON_VM_LR);
	CHECK_ERRNO(lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), 0, "a queue");
	atomic_store(&stop, false);
	REQUIRE(!pthread_create(&thread, NULL, shake, own), "a thread");
	for (ran = 0; ran < 300 && !err; ran++) {
		int mapped_error = map_own(lib.fd, lib.vm, own, VA, RACE_BYTES, 0);

		failed += mapped_error && mapped_error != EFAULT;
		failed += uapi_unmap(lib.fd, lib.vm, VA, RACE_BYTES) != 0;
		err = lib_run(&queue, lib_nop(0, 0, 0));
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK(!failed, "%u of %u calls failed", failed, 2 * ran);
	CHECK_ERRNO(err, 0, "packet %u, after memory was unmapped while it changed", ran);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	lib_close(&lib);
	munmap(own, RACE_BYTES);
}

/* --- the driver leaves ---------------------------------------------------------------------------- */

static int driver_write(const char *file, const char *address)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, address, strlen(address)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * The driver is unbound while mappings wait for a fence that is signalled after that, and while one of
 * the caller's is there. A kernel that looks after DMA mappings warns if one is left behind.
 */
static void test_unbind(void)
{
	char *device = realpath("/sys/class/accel/accel0/device", NULL), *address, *own;
	int fd = uapi_open();
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), other_vm = uapi_vm(fd, DRM_GAON_VM_LR);
	struct other other;

	REQUIRE(device, "the card of accel0: %s", strerror(errno));
	address = strrchr(device, '/') + 1;
	own = own_memory(2 * MIB, PROT_READ | PROT_WRITE);
	if (!uapi_bounces()) {
		uint32_t in = hold(fd, &other), out = syncobj(fd);
		struct drm_syncobj_handle export = {
			.handle = out, .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		};
		struct pollfd end;

		CHECK_ERRNO(map_later(fd, vm, own, MIB, in, out), 0, "to be mapped later");
		CHECK_ERRNO(map_later(fd, other_vm, own + MIB, MIB, in, syncobj(fd)), 0, "in a VM that goes before");
		CHECK_ERRNO(map_own(fd, vm, own, VA + 64 * MIB, MIB, 0), 0, "one that is mapped");
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export), 0, "its fence as a file");
		CHECK_ERRNO(uapi_vm_destroy(fd, other_vm), 0, "destroy");
		CHECK_ERRNO(driver_write("unbind", address), 0, "unbind");
		CHECK(!madvise(own, MIB, MADV_DONTNEED) && !own[0], "its notifier is still there");
		CHECK_ERRNO(release(&other), 0, "the fence comes");
		end = (struct pollfd){ .fd = export.fd, .events = POLLIN };
		CHECK(poll(&end, 1, 60000) == 1, "the mapping's too");
		close(export.fd);
	} else {
		CHECK_ERRNO(driver_write("unbind", address), 0, "unbind");
	}
	CHECK(!close(fd), "close");
	CHECK_ERRNO(driver_write("bind", address), 0, "bind");
	munmap(own, 2 * MIB);
	free(device);
}

int main(void)
{
	int fd = uapi_open();

	test_own(fd);
	test_own_large(fd);
	test_own_huge(fd);
	test_own_replaces(fd);
	test_race(fd);
	CHECK(!close(fd), "close");
	test_race_with_work();
	test_unbind();
	uapi_exit();
}
