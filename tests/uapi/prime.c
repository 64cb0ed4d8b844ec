// SPDX-License-Identifier: MIT
/* Objects shared by dma-buf: among files of a card, and with udmabuf. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define MIB	(1024 * 1024ull)
#define VA	(64 * MIB)

static int to_fd(int fd, uint32_t handle, int *out)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int err = uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	*out = prime.fd;
	return err;
}

static void test_shared(uint32_t flags)
{
	int one = uapi_open(), two = uapi_open(), buf;
	uint32_t handle = uapi_bo(one, MIB, flags, 0), other, vm = uapi_vm(two, DRM_GAON_VM_LR);
	volatile uint64_t *a = uapi_mmap(one, handle, MIB), *b;

	REQUIRE(handle && vm && a, "object, flags %#x", flags);
	CHECK_ERRNO(to_fd(one, handle, &buf), 0, "export");
	CHECK_ERRNO(uapi_to_handle(two, buf, &other), 0, "import into another file");
	b = uapi_mmap(two, other, MIB);
	REQUIRE(b, "mapped there");
	a[77] = 0x1234;
	CHECK(b[77] == 0x1234, "the same memory");
	CHECK_ERRNO(uapi_map(two, vm, other, 0, VA, MIB, 0), 0, "map it for the device");
	CHECK_ERRNO(uapi_bo_close(one, handle), 0, "the first file closes it");
	close(one);
	close(buf);
	b[78] = 0x5678;
	CHECK(a[78] == 0x5678 && b[77] == 0x1234, "it stays as long as somebody has it");
	CHECK_ERRNO(uapi_vm_destroy(two, vm), 0, "destroy");
	munmap((void *)a, MIB);
	munmap((void *)b, MIB);
	close(two);
}

static void test_import(void)
{
	int fd = uapi_open(), buf;
	uint32_t handle, again, vm = uapi_vm(fd, DRM_GAON_VM_LR), fences = uapi_vm(fd, 0);
	struct drm_gaon_bo_mmap_offset offset;
	struct drm_gaon_bo_info info;
	char *cpu;

	buf = uapi_udmabuf(MIB, &cpu);
	if (uapi_bounces()) {
		CHECK_ERRNO(uapi_to_handle(fd, buf, &handle), EOPNOTSUPP, "the device would work on a copy of it");
		munmap(cpu, MIB);
		close(buf);
		close(fd);
		return;
	}
	CHECK_ERRNO(uapi_to_handle(fd, buf, &handle), 0, "import");
	CHECK_ERRNO(uapi_to_handle(fd, buf, &again), 0, "import again");
	CHECK(handle == again, "it is the same handle");
	info = (struct drm_gaon_bo_info) { .handle = handle };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info), 0, "info");
	CHECK(info.imported == 1 && !info.flags && info.size == MIB &&
	      info.placement == DRM_GAON_MEMORY_HOST, "it is imported");
	offset = (struct drm_gaon_bo_mmap_offset) { .handle = handle };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), EACCES,
		    "the exporter maps it");
	CHECK_ERRNO(uapi_map(fd, vm, handle, 0, VA, MIB, 0), 0, "map it");
	CHECK_ERRNO(uapi_map(fd, fences, handle, 4096, VA, 4096, DRM_GAON_VM_BIND_READONLY), 0,
		    "part of it in a VM with fences");
	CHECK_ERRNO(uapi_map(fd, vm, handle, 4096, VA, MIB, 0), EINVAL, "beyond its end");
	close(buf);
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	cpu[0] = 1;
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "destroy");
	CHECK_ERRNO(uapi_vm_destroy(fd, fences), 0, "destroy");
	munmap(cpu, MIB);
	close(fd);
}

static void test_refused(void)
{
	int fd = uapi_open(), pipes[2], buf;
	uint32_t handle;

	REQUIRE(!pipe(pipes), "a pipe");
	CHECK_ERRNO(uapi_to_handle(fd, pipes[0], &handle), EINVAL, "a pipe is no dma-buf");
	CHECK_ERRNO(uapi_to_handle(fd, 9999, &handle), EBADF, "nor is nothing");
	CHECK_ERRNO(to_fd(fd, 9999, &buf), ENOENT, "an unknown handle");
	close(fd);
}

int main(void)
{
	test_shared(DRM_GAON_BO_HBM | DRM_GAON_BO_CPU);
	test_shared(DRM_GAON_BO_HOST);
	test_import();
	test_refused();
	uapi_exit();
}
