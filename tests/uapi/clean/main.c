// SPDX-License-Identifier: MIT
/*
 * clean clean | dirty | mixed | time: does anybody see what was in HBM before? `clean` takes all of HBM
 * and looks whether it reads 0; `dirty` does, too, and leaves something there; `mixed` takes memory of
 * which a part had been used; `time` says what clearing costs, of memory that reads 0 and of memory
 * that had been used. `mixed` and `time` are for a card that was just bound; all are for one with
 * little HBM.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define FIRST_VA	0x400000000ull
#define SECRET		0x5ec2e75ec2e75ec2ull

static uint64_t hbm_bytes(int fd)
{
	struct drm_gaon_query_memory mem[2] = { 0 };

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, mem, sizeof(mem));
	return mem[1].total;
}

static int create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_gaon_bo_create args = { .size = size, .flags = flags };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	*handle = args.handle;
	return err;
}

/* Words of an object that are not 0. */
static uint64_t look(int fd, uint32_t handle, uint64_t size, bool dirty)
{
	volatile uint64_t *cpu = uapi_mmap(fd, handle, size);
	uint64_t bad = 0;

	if (!cpu)
		uapi_exit();
	for (uint64_t w = 0; w < size / 8; w++) {
		bad += !!cpu[w];
		if (dirty)
			cpu[w] = SECRET;
	}
	munmap((void *)cpu, size);
	return bad;
}

/* Objects of several sizes, which fit into one another's gaps. An LR address space keeps them in HBM. */
static void test_all(int fd, bool dirty)
{
	static const uint64_t sizes[] = { 16 * MIB, 2 * MIB, MIB / 4, 4096 };
	uint64_t total = hbm_bytes(fd), all = 0, bad = 0;
	uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR), handle;

	REQUIRE(total && total <= 512 * MIB, "HBM of %llu MiB: little enough to fill",
		(unsigned long long)total / MIB);
	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		while (!create(fd, sizes[s], DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, &handle)) {
			if (uapi_map(fd, vm, handle, 0, FIRST_VA + all, sizes[s], 0))
				REQUIRE(false, "mapped for the device, so that it stays");
			bad += look(fd, handle, sizes[s], dirty);
			all += sizes[s];
		}
	}
	CHECK(all >= total / 2 && all <= total, "all HBM that is to be had: %llu of %llu KiB",
	      (unsigned long long)all >> 10, (unsigned long long)total >> 10);
	CHECK(!bad, "it reads 0: %llu words do not", (unsigned long long)bad);
}

/* Half of HBM is used and given back, then three quarters of it are taken as one object. */
static void test_mixed(int fd)
{
	uint64_t half = hbm_bytes(fd) / 2, size = half / 2 * 3;
	uint32_t handle;

	REQUIRE(!create(fd, half, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, &handle), "half of HBM");
	CHECK(!look(fd, handle, half, true), "it reads 0, and is written");
	uapi_bo_close(fd, handle);
	REQUIRE(!create(fd, size, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, &handle), "three quarters");
	CHECK(!look(fd, handle, size, true), "they read 0");
	uapi_bo_close(fd, handle);
}

/* Three quarters of HBM in one object: the first is of memory that reads 0, the next have to be cleared. */
static void test_time(int fd)
{
	uint64_t size = hbm_bytes(fd) / 4 * 3;
	uint32_t handle;

	for (unsigned int i = 0; i < 4; i++) {
		int64_t begin = lib_now(), end;
		int err = create(fd, size, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, &handle);

		end = lib_now();
		REQUIRE(!err, "an object");
		printf("# BO_CREATE of %llu MiB that %s: %lld us\n", (unsigned long long)size / MIB,
		       i ? "had been used" : "reads 0", (long long)(end - begin) / 1000);
		CHECK(!look(fd, handle, size, true), "it reads 0");
		uapi_bo_close(fd, handle);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int fd = uapi_open();

	if (!strcmp(what, "time"))
		test_time(fd);
	else if (!strcmp(what, "mixed"))
		test_mixed(fd);
	else
		test_all(fd, !strcmp(what, "dirty"));
	close(fd);
	uapi_exit();
}
