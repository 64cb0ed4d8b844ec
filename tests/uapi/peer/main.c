// SPDX-License-Identifier: MIT
/*
 * peer [hbm]: objects of one card used by another. With `hbm` they must stay in HBM, since the cards
 * reach each other; else they must move to host memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define SIZE		(4 * MIB)
#define WORD		0x0
#define BACK		0x1000
#define BACK_BYTES	0x40000ull
#define SHARED_VA	0x400000000ull
#define PATIENCE_MS	60000

/** struct card - a card's address space and queue */
struct card {
	struct lib lib;
	struct lib_queue queue;
	uint64_t round;
};

static int open_card(unsigned int number)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/accel/accel%u", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void card_open(struct card *card, unsigned int number)
{
	*card = (struct card){ 0 };
	lib_open_on(&card->lib, open_card(number), DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&card->lib, &card->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue of card %u", number);
}

static int run_packet(struct card *card, struct gaon_packet packet)
{
	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT | GAON_PKT_F_BARRIER;
	packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	packet.signal_va = lib_va(WORD);
	packet.signal_value = ++card->round;
	lib_push(&card->queue, &packet);
	return lib_wait(&card->lib, lib_word(&card->lib, WORD), card->round, PATIENCE_MS);
}

/* All of the object at SHARED_VA, piece by piece. */
static bool card_sees(struct card *card, uint64_t value)
{
	volatile uint64_t *back = lib_word(&card->lib, BACK);

	for (uint64_t at = 0; at < SIZE; at += BACK_BYTES) {
		memset(card->lib.mem + BACK, 0x77, BACK_BYTES);
		if (run_packet(card, lib_copy(lib_va(BACK), SHARED_VA + at, BACK_BYTES)))
			return false;
		for (uint64_t i = 0; i < BACK_BYTES / 8; i++) {
			if (back[i] != value)
				return false;
		}
	}
	return true;
}

static bool card_fills(struct card *card, uint64_t value)
{
	return !run_packet(card, lib_fill(SHARED_VA, SIZE, value));
}

static uint32_t placement(struct card *card, uint32_t handle)
{
	struct drm_gaon_bo_info info = { .handle = handle };

	return uapi_ioctl(card->lib.fd, DRM_IOCTL_GAON_BO_INFO, &info) ? 999 : info.placement;
}

static uint32_t own_object(struct card *card, uint32_t flags)
{
	uint32_t handle = uapi_bo(card->lib.fd, SIZE, flags, 0);

	REQUIRE(handle && !uapi_map(card->lib.fd, card->lib.vm, handle, 0, SHARED_VA, SIZE, 0), "an object");
	return handle;
}

static int export(struct card *card, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	REQUIRE(!uapi_ioctl(card->lib.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	return prime.fd;
}

static uint32_t import(struct card *card, int buf)
{
	struct drm_prime_handle prime = { .fd = buf };
	int err = uapi_ioctl(card->lib.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	REQUIRE(!err, "the other card imports: %s", strerror(err));
	REQUIRE(!uapi_map(card->lib.fd, card->lib.vm, prime.handle, 0, SHARED_VA, SIZE, 0), "and maps it");
	return prime.handle;
}

static void drop(struct card *card, uint32_t handle)
{
	CHECK_ERRNO(uapi_unmap(card->lib.fd, card->lib.vm, SHARED_VA, SIZE), 0, "unmap");
	CHECK_ERRNO(uapi_bo_close(card->lib.fd, handle), 0, "close");
}

static void test_shared(struct card *one, struct card *two, uint32_t flags, bool owner_first, uint32_t where)
{
	uint64_t before[2][2], after[2][2];
	uint32_t mine, theirs;
	int buf;

	uapi_memory_used(one->lib.fd, before[0]);
	uapi_memory_used(two->lib.fd, before[1]);
	mine = own_object(one, flags);
	CHECK(card_fills(one, 0x1111), "its card fills it");
	buf = export(one, mine);
	theirs = import(two, buf);
	close(buf);
	CHECK(placement(one, mine) == where, "flags %#x: it is in %s", flags,
	      where == DRM_GAON_MEMORY_HBM ? "HBM" : "host memory");
	CHECK(card_sees(two, 0x1111), "the other card reads it");
	CHECK(card_fills(two, 0x2222), "and writes it");
	CHECK(card_sees(one, 0x2222), "the first one sees that");
	CHECK(card_fills(one, 0x3333) && card_sees(two, 0x3333), "and writes on");
	if (owner_first) {
		drop(one, mine);
		CHECK(card_sees(two, 0x3333), "its owner closes it, the other card still has it");
		drop(two, theirs);
	} else {
		drop(two, theirs);
		CHECK(card_sees(one, 0x3333), "the other card gives it back");
		drop(one, mine);
	}
	/* A work of TTM's frees what was imported, and with it the last of what was exported. */
	for (unsigned int i = 0; i < 1000; i++) {
		uapi_memory_used(one->lib.fd, after[0]);
		uapi_memory_used(two->lib.fd, after[1]);
		if (!memcmp(before, after, sizeof(before)))
			break;
		usleep(10000);
	}
	CHECK(!memcmp(before, after, sizeof(before)), "all memory is back, flags %#x", flags);
}

/* A process that imports is killed while its card uses the object. */
static void test_killed(struct card *one)
{
	uint32_t mine = own_object(one, DRM_GAON_BO_HBM);
	int buf = export(one, mine), told[2], status;
	char byte;
	pid_t pid;

	REQUIRE(!pipe(told), "a pipe");
	pid = fork();
	if (!pid) {
		struct card two;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		uapi_quiet = true;
		card_open(&two, 1);
		import(&two, buf);
		for (unsigned int i = 0; card_fills(&two, 0x4444); i++) {
			if (!i && write(told[1], "", 1) != 1)
				_exit(1);
		}
		_exit(1);
	}
	CHECK(read(told[0], &byte, 1) == 1, "another process' card writes it");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(card_sees(one, 0x4444), "it is killed: the object holds what it wrote");
	CHECK(card_fills(one, 0x5555) && card_sees(one, 0x5555), "nobody else writes it any more");
	drop(one, mine);
	close(buf);
	close(told[0]);
	close(told[1]);
}

static bool driver_write(const char *file, const char *address)
{
	char path[64];
	int fd;
	bool good;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write(fd, address, strlen(address)) > 0;
	close(fd);
	return good;
}

/* The driver leaves a card of which another one uses an object: host memory stays, HBM is gone at once. */
static void test_removed(struct card *one, struct card *two, bool reach)
{
	uint32_t mine = own_object(one, DRM_GAON_BO_HBM), theirs;
	char *device = realpath("/sys/class/accel/accel0/device", NULL), *address;
	int buf;

	REQUIRE(device, "the card of accel0: %s", strerror(errno));
	address = strrchr(device, '/') + 1;
	CHECK(card_fills(one, 0x6666), "a card fills an object");
	CHECK_ERRNO(uapi_unmap(one->lib.fd, one->lib.vm, SHARED_VA, SIZE), 0, "unmap");
	buf = export(one, mine);
	theirs = import(two, buf);
	CHECK(card_sees(two, 0x6666), "another one reads it");
	CHECK(driver_write("unbind", address), "the driver leaves the first card: %s", strerror(errno));
	if (reach) {
		CHECK_ERRNO(run_packet(two, lib_copy(lib_va(BACK), SHARED_VA, BACK_BYTES)), EIO,
			    "the other card faults where it was");
		CHECK_ERRNO(uapi_map(two->lib.fd, two->lib.vm, theirs, 0, SHARED_VA + SIZE, SIZE, 0), ENODEV,
			    "it cannot be mapped again");
	} else {
		CHECK(card_sees(two, 0x6666), "the other card has it as before");
	}
	drop(two, theirs);
	close(buf);
	close(one->lib.fd);
	CHECK(driver_write("bind", address), "the driver comes back: %s", strerror(errno));
	free(device);
}

int main(int argc, char **argv)
{
	bool reach = argc > 1 && !strcmp(argv[1], "hbm");
	uint32_t where = reach ? DRM_GAON_MEMORY_HBM : DRM_GAON_MEMORY_HOST;
	struct card one, two;

	card_open(&one, 0);
	card_open(&two, 1);
	for (unsigned int order = 0; order < 2; order++) {
		test_shared(&one, &two, DRM_GAON_BO_HBM, order, where);
		test_shared(&two, &one, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU | DRM_GAON_BO_CONTIGUOUS, order,
			    where);
		test_shared(&one, &two, DRM_GAON_BO_HOST, order, DRM_GAON_MEMORY_HOST);
	}
	test_killed(&one);
	test_removed(&one, &two, reach);
	lib_close(&two.lib);
	uapi_exit();
}
