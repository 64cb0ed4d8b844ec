// SPDX-License-Identifier: MIT
/* Objects: creation, mapping by the CPU, names, limits; and that nothing of them stays behind. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)

static const uint32_t kinds[] = {
	DRM_GAON_BO_HBM | DRM_GAON_BO_CPU,
	DRM_GAON_BO_HBM | DRM_GAON_BO_CPU | DRM_GAON_BO_CONTIGUOUS,
	DRM_GAON_BO_HOST,
	DRM_GAON_BO_HOST | DRM_GAON_BO_WC,
	DRM_GAON_BO_HBM | DRM_GAON_BO_HOST | DRM_GAON_BO_CPU,
};

static bool is_zero(const volatile uint64_t *words, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes / 8; i++) {
		if (words[i])
			return false;
	}
	return true;
}

static void test_kind(int fd, uint32_t flags, uint64_t size)
{
	struct drm_gaon_bo_info info;
	volatile uint64_t *cpu;
	uint64_t i;
	bool same = true;
	int round;

	/* Twice: the second is likely to get the memory of the first. */
	for (round = 0; round < 2; round++) {
		info = (struct drm_gaon_bo_info) { .handle = uapi_bo(fd, size, flags, 0) };
		REQUIRE(info.handle, "flags %#x, %llu KiB", flags, (unsigned long long)size / KIB);
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info), 0, "info");
		CHECK(info.flags == flags && info.size == size && !info.imported && !info.name[0] &&
		      info.placement == (flags & DRM_GAON_BO_HBM ? DRM_GAON_MEMORY_HBM :
					 DRM_GAON_MEMORY_HOST), "info is right");
		cpu = uapi_mmap(fd, info.handle, size);
		REQUIRE(cpu, "mmap");
		CHECK(is_zero(cpu, size), "flags %#x, %llu KiB, round %d: reads 0", flags,
		      (unsigned long long)size / KIB, round);
		for (i = 0; i < size / 8; i++)
			cpu[i] = i * 0x9e3779b97f4a7c15ull + flags;
		for (i = 0; i < size / 8; i++)
			same &= cpu[i] == i * 0x9e3779b97f4a7c15ull + flags;
		CHECK(same, "what was written is there");
		CHECK_ERRNO(uapi_bo_close(fd, info.handle), 0, "close");
		CHECK(cpu[1] == 0x9e3779b97f4a7c15ull + flags, "a mapping keeps it");
		munmap((void *)cpu, size);
	}
}

static int create(int fd, uint64_t size, uint32_t flags, uint32_t vm, uint32_t pad)
{
	struct drm_gaon_bo_create args = { .size = size, .flags = flags, .vm_id = vm, .pad = pad };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);
}

static void test_refused(int fd)
{
	struct drm_gaon_bo_create args = { .size = 4096, .flags = DRM_GAON_BO_HOST, .handle = 1 };
	uint32_t bit;

	CHECK_ERRNO(create(fd, 0, DRM_GAON_BO_HOST, 0, 0), EINVAL, "no size");
	CHECK_ERRNO(create(fd, 4095, DRM_GAON_BO_HOST, 0, 0), EINVAL, "not a page");
	CHECK_ERRNO(create(fd, 1ull << 60, DRM_GAON_BO_HOST, 0, 0), E2BIG, "more than there can be");
	CHECK_ERRNO(create(fd, 1ull << 46, DRM_GAON_BO_HBM, 0, 0), E2BIG, "more than HBM");
	CHECK_ERRNO(create(fd, 4096, 0, 0, 0), EINVAL, "no placement");
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_CPU, 0, 0), EINVAL, "no placement but a flag");
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HBM | DRM_GAON_BO_WC, 0, 0), EINVAL, "WC without HOST");
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HOST | DRM_GAON_BO_CONTIGUOUS, 0, 0), EINVAL,
		    "CONTIGUOUS in host memory");
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HOST | DRM_GAON_BO_HBM | DRM_GAON_BO_CONTIGUOUS, 0, 0),
		    EINVAL, "CONTIGUOUS and HOST");
	for (bit = 5; bit < 32; bit++)
		CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HOST | 1u << bit, 0, 0), EINVAL, "flag %u", bit);
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HOST, 0, 1), EINVAL, "padding");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args), EINVAL, "handle is an output");
	CHECK_ERRNO(create(fd, 4096, DRM_GAON_BO_HOST, 12345, 0), ENOENT, "an unknown VM");
}

/* What the CPU is to reach fits into the aperture, or never will. */
static void test_aperture(int fd)
{
	struct drm_gaon_query_memory memory[2] = { 0 };
	uint32_t handle;
	uint64_t size;

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	size = (memory[1].cpu_visible + 2 * MIB) & ~(2 * MIB - 1);
	CHECK_ERRNO(create(fd, size, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0, 0), E2BIG,
		    "%llu MiB for the CPU, which sees %llu of %llu", (unsigned long long)size / MIB,
		    (unsigned long long)memory[1].cpu_visible / MIB,
		    (unsigned long long)memory[1].total / MIB);
	if (memory[1].cpu_visible == memory[1].total)
		return;
	/* Without CPU it is only a part of HBM. */
	handle = uapi_bo(fd, size, DRM_GAON_BO_HBM, 0);
	CHECK(handle, "and for the device");
	uapi_bo_close(fd, handle);
}

static void test_handles(int fd)
{
	struct drm_gaon_bo_mmap_offset offset = { .handle = 4711 };
	struct drm_gaon_bo_info info = { .handle = 4711 };
	struct drm_gaon_bo_set_name name = { .handle = 4711, .name = "weights" };
	uint32_t handle = uapi_bo(fd, 4096, DRM_GAON_BO_HOST, 0);

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), ENOENT, "offset of nothing");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info), ENOENT, "info of nothing");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), ENOENT, "name of nothing");
	offset = (struct drm_gaon_bo_mmap_offset) { .handle = handle, .pad = 1 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), EINVAL, "offset: padding");
	offset = (struct drm_gaon_bo_mmap_offset) { .handle = handle, .offset = 1 };
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), EINVAL, "offset: output");
	name.handle = handle;
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), 0, "a name");
	info.handle = handle;
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info), 0, "info");
	CHECK(!strcmp((const char *)info.name, "weights"), "it is called %.31s", (const char *)info.name);
#define INFO(...)	(info = (struct drm_gaon_bo_info) { .handle = handle }, __VA_ARGS__,	\
			 uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info))
	CHECK_ERRNO(INFO(info.flags = DRM_GAON_BO_HOST), EINVAL, "info: flags: an output");
	CHECK_ERRNO(INFO(info.size = 1ull << 32), EINVAL, "info: size: an output");
	CHECK_ERRNO(INFO(info.placement = 1), EINVAL, "info: placement: an output");
	CHECK_ERRNO(INFO(info.imported = 1), EINVAL, "info: imported: an output");
	CHECK_ERRNO(INFO(info.name[0] = 'x'), EINVAL, "info: name: an output");
	CHECK_ERRNO(INFO(info.name[31] = 'x'), EINVAL, "info: its end, too");
	CHECK_ERRNO(INFO((void)0), 0, "info again");
#undef INFO
	name.pad = 1;
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), EINVAL, "name: padding");
	name.pad = 0;
	memset(name.name, 'x', sizeof(name.name));
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), EINVAL, "a name without an end");
	memset(name.name, 0, sizeof(name.name));
	name.name[0] = '\n';
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), EINVAL, "a name of two lines");
	name.name[0] = 'x';
	name.name[2] = 'y';
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), EINVAL, "a name with a tail");
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	CHECK_ERRNO(uapi_bo_close(fd, handle), EINVAL, "close again");
}

/* Another file's handle is nobody's. */
static void test_isolation(int fd)
{
	struct drm_gaon_bo_mmap_offset offset;
	int other = uapi_open();
	uint32_t mine = uapi_bo(fd, 4096, DRM_GAON_BO_HOST, 0);
	void *cpu;

	offset = (struct drm_gaon_bo_mmap_offset) { .handle = mine };
	CHECK_ERRNO(uapi_ioctl(other, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), ENOENT, "a foreign handle");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset), 0, "one's own");
	cpu = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, (off_t)offset.offset);
	CHECK(cpu == MAP_FAILED && errno == EACCES, "a foreign offset");
	cpu = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)offset.offset);
	CHECK(cpu == MAP_FAILED && errno == EINVAL, "no private mapping");
	cpu = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, (off_t)offset.offset);
	CHECK(cpu == MAP_FAILED, "no mapping beyond the end");
	close(other);
	uapi_bo_close(fd, mine);
}

/* What may lie where the CPU cannot reach it has no offset, also if it may be in host memory as well. */
static void test_reach(int fd)
{
	static const struct {
		uint32_t flags;
		bool hidden;	/* while the aperture shows a part of HBM */
	} cases[] = {
		{ DRM_GAON_BO_HBM, true },
		{ DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, true },
		{ DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, false },
		{ DRM_GAON_BO_HBM | DRM_GAON_BO_HOST | DRM_GAON_BO_CPU, false },
		{ DRM_GAON_BO_HOST, false },
	};
	struct drm_gaon_query_memory memory[2] = { 0 };
	struct drm_gaon_bo_mmap_offset offset;
	unsigned int i;
	bool part;

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	part = memory[1].cpu_visible < memory[1].total;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		offset = (struct drm_gaon_bo_mmap_offset){ .handle = uapi_bo(fd, 4096, cases[i].flags, 0) };
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset),
			    part && cases[i].hidden ? ENXIO : 0, "offset of flags %#x, %s of HBM is seen",
			    cases[i].flags, part ? "part" : "all");
		uapi_bo_close(fd, offset.handle);
	}
}

static void test_private(int fd)
{
	uint32_t vm = uapi_vm(fd, 0), handle;
	struct drm_prime_handle prime = { .flags = 0 };

	REQUIRE(vm, "a VM");
	handle = uapi_bo(fd, 64 * KIB, DRM_GAON_BO_HBM, vm);
	REQUIRE(handle, "an object of one VM");
	prime.handle = handle;
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), EPERM, "it is not exported");
	CHECK_ERRNO(uapi_vm_destroy(fd, vm), 0, "the VM goes first");
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "then the object");
}

/* More than HBM in all: objects that may move make room. One file alone may not have more than there is. */
static void test_pressure(int fd)
{
	struct drm_gaon_query_memory memory[2];
	uint32_t handles[64], count = 0, i, err = 0;
	int files[2] = { fd, uapi_open() };
	uint64_t piece;

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	if (memory[1].total > 4096 * MIB) {
		close(files[1]);
		/* Nothing to check: what has to make room would fill the host. Shape window has less. */
		printf("# HBM of %llu MiB is not filled\n", (unsigned long long)memory[1].total / MIB);
		return;
	}
	piece = memory[1].total / 8 & ~(2 * MIB - 1);
	for (i = 0; i < 9 && !err; i++) {
		struct drm_gaon_bo_create args = { .size = piece, .flags = DRM_GAON_BO_HBM };

		err = (uint32_t)uapi_ioctl(files[i & 1], DRM_IOCTL_GAON_BO_CREATE, &args);
		if (!err)
			handles[count++] = args.handle;
	}
	CHECK(!err && count == 9, "9 objects of an eighth of HBM each: %u, error %u", count, err);
	for (i = 0; i < count; i++)
		uapi_bo_close(files[i & 1], handles[i]);
	close(files[1]);
}

/* A process that dies leaves nothing. */
static void test_exit(int fd)
{
	uint64_t before[2], after[2];
	pid_t pid;
	int i, status;

	uapi_memory_used(fd, before);
	for (i = 0; i < 8; i++) {
		pid = fork();
		if (!pid) {
			int own = uapi_open();
			uint32_t vm = uapi_vm(own, i & 1 ? DRM_GAON_VM_LR : 0);
			uint32_t handle = uapi_bo(own, 4 * MIB, kinds[i % 5], 0);
			volatile char *cpu = uapi_mmap(own, handle, 4 * MIB);

			uapi_map(own, vm, handle, 0, 4 * MIB, 4 * MIB, 0);
			if (cpu)
				cpu[0] = 1;
			if (i & 2)
				kill(getpid(), SIGKILL);
			_exit(0);
		}
		waitpid(pid, &status, 0);
	}
	uapi_memory_used(fd, after);
	CHECK(before[0] == after[0] && before[1] == after[1],
	      "host %llu to %llu, HBM %llu to %llu bytes", (unsigned long long)before[0],
	      (unsigned long long)after[0], (unsigned long long)before[1], (unsigned long long)after[1]);
}

int main(void)
{
	static const uint64_t pages[] = { 4 * KIB, 20 * KIB, 2 * MIB, 3 * MIB + 4 * KIB };
	uint64_t before[2], after[2];
	int fd = uapi_open();
	unsigned int i, k;

	uapi_memory_used(fd, before);
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (i = 0; i < 4; i++)
			test_kind(fd, kinds[k], pages[i]);
	}
	test_refused(fd);
	test_aperture(fd);
	test_handles(fd);
	test_isolation(fd);
	test_reach(fd);
	test_private(fd);
	test_pressure(fd);
	test_exit(fd);
	uapi_memory_used(fd, after);
	CHECK(before[0] == after[0] && before[1] == after[1], "all memory is back");
	uapi_exit();
}
