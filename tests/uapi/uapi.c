// SPDX-License-Identifier: MIT
#include "uapi.h"
#include "../splitmix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

bool uapi_quiet;

const unsigned long uapi_calls[UAPI_CALLS] = {
	DRM_IOCTL_GAON_DEV_QUERY, DRM_IOCTL_GAON_VM_CREATE, DRM_IOCTL_GAON_VM_DESTROY,
	DRM_IOCTL_GAON_VM_BIND, DRM_IOCTL_GAON_VM_STATE, DRM_IOCTL_GAON_BO_CREATE,
	DRM_IOCTL_GAON_BO_MMAP_OFFSET, DRM_IOCTL_GAON_BO_INFO, DRM_IOCTL_GAON_BO_SET_NAME,
	DRM_IOCTL_GAON_QUEUE_CREATE, DRM_IOCTL_GAON_QUEUE_DESTROY, DRM_IOCTL_GAON_QUEUE_STATE,
	DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, DRM_IOCTL_GAON_QUEUE_CLEAR, DRM_IOCTL_GAON_SUBMIT,
	DRM_IOCTL_GAON_WAIT, DRM_IOCTL_GAON_DEBUG,
};

static unsigned int number, failed;
static uint64_t seed, state;

static bool report(const char *file, int line, bool good, const char *what, const char *format,
		   va_list args)
{
	number++;
	if (good && uapi_quiet)
		return true;
	printf("%s %u - ", good ? "ok" : "not ok", number);
	vprintf(format, args);
	if (!good) {
		printf(" (%s:%d: %s)", file, line, what);
		failed++;
	}
	printf("\n");
	fflush(stdout);
	return good;
}

bool uapi_check(const char *file, int line, bool good, const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(file, line, good, what, format, args);
	va_end(args);
	return good;
}

bool uapi_check_errno(const char *file, int line, int err, int expected, const char *what,
		      const char *format, ...)
{
	char text[256];
	va_list args;

	snprintf(text, sizeof(text), "%s is %d (%s), expected %d (%s)", what, err, strerror(err),
		 expected, strerror(expected));
	va_start(args, format);
	report(file, line, err == expected, text, format, args);
	va_end(args);
	return err == expected;
}

void uapi_figure(const char *kind, const char *what, uint64_t n)
{
	printf("# figure: %s: %s: %llu\n", kind, what, (unsigned long long)n);
}

void uapi_exit(void)
{
	if (seed)
		printf("# GAON_SEED=%llu\n", (unsigned long long)seed);
	printf("1..%u\n", number);
	exit(failed != 0);
}

int uapi_open(void)
{
	const char *path = getenv("GAON_NODE");
	int fd;

	if (!path)
		path = "/dev/accel/accel0";
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0, "open %s: %s", path, fd < 0 ? strerror(errno) : "ok");
	return fd;
}

int uapi_ioctl(int fd, unsigned long request, void *arg)
{
	int err;

	do
		err = ioctl(fd, request, arg);
	while (err && errno == EINTR);
	return err ? errno : 0;
}

int uapi_query(int fd, uint32_t type, void *out, uint32_t size)
{
	struct drm_gaon_dev_query query = { .type = type, .size = size, .pointer = (uintptr_t)out };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_DEV_QUERY, &query);
}

void uapi_memory_used(int fd, uint64_t used[2])
{
	struct drm_gaon_query_memory memory[2] = { 0 };
	int err = uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));

	MUST(!err, "what memory is in use: %s", strerror(err));
	used[0] = memory[0].used;
	used[1] = memory[1].used;
}

uint32_t uapi_vm(int fd, uint32_t flags)
{
	struct drm_gaon_vm_create create = { .flags = flags };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &create);

	if (err)
		CHECK_ERRNO(err, 0, "VM_CREATE, flags %#x", flags);
	return create.vm_id;
}

uint32_t uapi_bo(int fd, uint64_t size, uint32_t flags, uint32_t vm)
{
	struct drm_gaon_bo_create create = { .size = size, .flags = flags, .vm_id = vm };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &create);

	if (err)
		CHECK_ERRNO(err, 0, "BO_CREATE, %#llx bytes, flags %#x", (unsigned long long)size,
			    flags);
	return create.handle;
}

int uapi_vm_destroy(int fd, uint32_t vm)
{
	struct drm_gaon_vm_destroy destroy = { .vm_id = vm };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_VM_DESTROY, &destroy);
}

int uapi_bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	return uapi_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close);
}

void *uapi_mmap(int fd, uint32_t handle, uint64_t size)
{
	struct drm_gaon_bo_mmap_offset offset = { .handle = handle };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset);
	void *cpu;

	if (err) {
		CHECK_ERRNO(err, 0, "BO_MMAP_OFFSET");
		return NULL;
	}
	cpu = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset.offset);
	if (cpu == MAP_FAILED) {
		CHECK_ERRNO(errno, 0, "mmap of %#llx bytes", (unsigned long long)size);
		return NULL;
	}
	return cpu;
}

int uapi_bind(int fd, uint32_t vm, const struct drm_gaon_vm_bind_op *ops, uint32_t count)
{
	struct drm_gaon_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(*ops), .count = count, .array = (uintptr_t)ops },
	};

	return uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind);
}

int uapi_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t size,
	     uint32_t flags)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP, .flags = flags, .handle = handle, .offset = offset,
		.va = va, .size = size,
	};

	return uapi_bind(fd, vm, &op, 1);
}

int uapi_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_gaon_vm_bind_op op = { .type = DRM_GAON_VM_BIND_UNMAP, .va = va, .size = size };

	return uapi_bind(fd, vm, &op, 1);
}

int uapi_vgem_open(void)
{
	char path[32], name[16];

	for (int i = 0; i < 16; i++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		memset(name, 0, sizeof(name));
		if (fd >= 0 && !uapi_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

bool uapi_bounces(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0)
		REQUIRE(false, "/proc/cmdline: %s", strerror(errno));
	close(fd);
	return strstr(line, "swiotlb=force");
}

/*
 * Pages in random order: the kernel joins pages that follow each other in physical memory, and when it
 * bounces DMA it cannot map more than 256 KiB in one piece. In what order the pages of a file lie is
 * not known: every second of them may follow each other, too.
 */
static int udmabuf_create(int dev, int memfd, uint32_t pages)
{
	struct udmabuf_create_list *list = calloc(1, sizeof(*list) + pages * sizeof(list->list[0]));
	uint64_t order = pages;
	uint32_t i;
	int buf;

	REQUIRE(list, "memory");
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = pages;
	for (i = 0; i < pages; i++) {
		uint32_t other = (uint32_t)(splitmix64_next(&order) % (i + 1));

		list->list[i] = list->list[other];
		list->list[other] = (struct udmabuf_create_item){
			.memfd = (uint32_t)memfd, .offset = 4096ull * i, .size = 4096,
		};
	}
	buf = ioctl(dev, UDMABUF_CREATE_LIST, list);
	free(list);
	return buf;
}

int uapi_udmabuf(uint64_t size, char **cpu)
{
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), memfd, buf;

	REQUIRE(dev >= 0, "open /dev/udmabuf: %s (modprobe udmabuf)", strerror(errno));
	memfd = memfd_create("peer", MFD_ALLOW_SEALING);
	/* Else its pages are allocated in the order in which they are taken, one behind the other. */
	REQUIRE(!posix_fallocate(memfd, 0, (off_t)size) &&
		!fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), "a memfd");
	if (cpu)
		*cpu = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	buf = udmabuf_create(dev, memfd, (uint32_t)(size / 4096));
	REQUIRE(buf >= 0, "a udmabuf: %s", strerror(errno));
	close(memfd);
	close(dev);
	return buf;
}

int uapi_to_handle(int fd, int buf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = buf };
	int err = uapi_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*handle = prime.handle;
	return err;
}

uint64_t uapi_random(void)
{
	const char *text = getenv("GAON_SEED");

	if (!seed) {
		seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
		seed += !seed;
		state = seed;
	}
	return splitmix64_next(&state);
}
