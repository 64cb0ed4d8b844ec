// SPDX-License-Identifier: MIT
/*
 * The driver leaves the card, and comes back, while processes hold buffers of it: mappings, dma-bufs, one
 * that another driver has imported. They name nothing of the card that is there now, the module stays for
 * as long as they are held, and goes when they are gone.
 *
 * As root, with vgem loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"

#define BYTES	0x200000ull
#define SECRET	0x5ec2e7ull
#define KINDS	3

static const uint32_t kinds[KINDS] = {
	DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, DRM_GAON_BO_HOST,
	DRM_GAON_BO_HBM | DRM_GAON_BO_HOST | DRM_GAON_BO_CPU,
};

struct held {
	uint64_t *own, *shared;		/* mappings of the object and of its dma-buf */
	int buf, vgem;			/* -1: not held */
};

static uint64_t *map_buf(int buf)
{
	void *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool holds(const uint64_t *words, uint64_t value)
{
	for (uint64_t i = 0; i < BYTES / 8; i += 512)
		if (((const volatile uint64_t *)words)[i] != value)
			return false;
	return true;
}

static void hold(struct held *held, int fd, uint32_t flags)
{
	uint32_t bo = uapi_bo(fd, BYTES, flags, 0), handle;
	struct drm_prime_handle prime = { .handle = bo, .flags = DRM_CLOEXEC | DRM_RDWR };

	held->own = uapi_mmap(fd, bo, BYTES);
	REQUIRE(held->own && !uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "a buffer, flags %#x", flags);
	held->buf = prime.fd;
	held->shared = map_buf(held->buf);
	REQUIRE(held->shared, "its dma-buf is mapped: %s", strerror(errno));
	for (uint64_t i = 0; i < BYTES / 8; i += 512)
		held->own[i] = SECRET;
	CHECK(holds(held->shared, SECRET), "flags %#x: both mappings show the same memory", flags);
	held->vgem = flags & DRM_GAON_BO_HOST ? uapi_vgem_open() : -1;
	if (flags & DRM_GAON_BO_HOST)
		CHECK(held->vgem >= 0 && !uapi_to_handle(held->vgem, held->buf, &handle), "flags %#x: vgem imports it", flags);
}

static void let_go(struct held *held)
{
	munmap(held->own, BYTES);
	munmap(held->shared, BYTES);
	if (held->vgem >= 0)
		close(held->vgem);
	close(held->buf);
}

/* What is held of a card that is gone: it can be touched, and shows neither the old memory nor another's. */
static void check_held(struct held *held, const char *when)
{
	uint64_t *again = map_buf(held->buf);

	CHECK(holds(held->own, 0) && holds(held->shared, 0), "%s: the mappings show no memory of the card", when);
	/* Beside the words that are looked at. */
	held->own[1] = SECRET;
	held->shared[2] = SECRET;
	CHECK(!again || holds(again, 0), "%s: nor does a mapping that is made then", when);
	if (again)
		munmap(again, BYTES);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "gaon", O_NONBLOCK) ? errno : 0;
}

static void works(const char *when)
{
	struct lib_queue queue;
	struct lib lib;

	lib_open_on(&lib, counters_open(), DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	CHECK_ERRNO(lib_run(&queue, lib_fill(lib_va(0x1000), 4096, SECRET)), 0, "%s: the card works", when);
	lib_close(&lib);
}

static void test_held(void)
{
	struct held held[KINDS];
	uint64_t before[2], after[2];
	uint32_t handle;
	int fd = counters_open();

	uapi_memory_used(fd, before);
	for (int i = 0; i < KINDS; i++)
		hold(&held[i], fd, kinds[i]);
	close(fd);
	CHECK_ERRNO(counters_driver("unbind"), 0, "the driver leaves the card");
	for (int i = 0; i < KINDS; i++)
		check_held(&held[i], "the driver has gone");
	CHECK_ERRNO(unload(), EWOULDBLOCK, "the module stays while buffers are held");
	CHECK_ERRNO(counters_driver("bind"), 0, "the driver takes the card again");
	fd = counters_open();
	works("with buffers of before");
	for (int i = 0; i < KINDS; i++) {
		check_held(&held[i], "the driver is back");
		CHECK_ERRNO(uapi_to_handle(fd, held[i].buf, &handle), ENODEV, "the card does not take what was its own");
	}
	uapi_memory_used(fd, after);
	CHECK(before[0] == after[0] && before[1] == after[1], "none of it counts: host %llu, then %llu; HBM %llu, then %llu",
	      (unsigned long long)before[0], (unsigned long long)after[0], (unsigned long long)before[1],
	      (unsigned long long)after[1]);
	close(fd);
	CHECK_ERRNO(unload(), EWOULDBLOCK, "the module stays still");
	for (int i = 0; i < KINDS; i++)
		let_go(&held[i]);
	/* Files are ended by works of the kernel's. */
	usleep(200000);
	CHECK_ERRNO(unload(), 0, "it goes when nothing is held");
	CHECK(!system("modprobe gaon"), "and comes");
	works("loaded again");
}

int main(void)
{
	counters_card();
	works("at first");
	for (int i = 0; i < 3; i++)
		test_held();
	uapi_figure("the driver comes and goes", "with mappings and dma-bufs held, a peer's import among them", 3);
	uapi_exit();
}
