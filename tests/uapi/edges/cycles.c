// SPDX-License-Identifier: MIT
/*
 * The driver comes and goes hundreds of times, by binding or by loading, and leaves nothing behind.
 * As root; afterwards it is loaded and bound as before.
 *
 *	cycles bind|load [ROUNDS]	default 500
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"

#define WARM_UP		20	/* rounds after which all that is made once is there */
#define WORK_EACH	100	/* rounds between two looks whether the card works */

static char module[256];

static int bind_cycle(void)
{
	int err = counters_driver("unbind");

	return err ? err : counters_driver("bind");
}

/* As modprobe would, but for what gaon.ko depends on, which stays. */
static int load_cycle(void)
{
	int fd, err = 0;

	if (syscall(SYS_delete_module, "gaon", O_NONBLOCK))
		return errno;
	fd = open(module, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* A packet of a queue of each kind. */
static void work(unsigned int round)
{
	int fd = counters_open();
	struct lib_queue queue;
	struct gaon_packet packet;
	struct lib lib;

	REQUIRE(fd >= 0, "round %u: there is a node: %s", round, strerror(errno));
	uapi_quiet = true;
	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	packet = lib_nop(lib_va(0), round + 1, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, 0), round + 1, 20000), 0, "round %u: it works", round);
	lib_close(&lib);
	uapi_quiet = false;
}

/*
 * TTM of 7.3 has a list_lru for each order (11) and caching (4) of a device's pool, and destroys none of them
 * (ttm_pool.c: list_lru_init() without list_lru_destroy()): each loses one object of 64 bytes.
 */
static void forgive_ttm(struct counters *before, unsigned int rounds)
{
	struct utsname system;

	uname(&system);
	if (atoi(system.release) < 7)
		return;
	counters_forgive(before, "slab kmalloc-64", 44ull * rounds);
	counters_forgive(before, "pages in use", 44ull * rounds / 64 + 1);
}

static void run(const char *name, int (*cycle)(void), unsigned int rounds)
{
	struct counters *before = malloc(sizeof(*before));
	unsigned int i;
	int64_t start, warm = 0;
	int err = 0;

	REQUIRE(before, "memory");
	start = lib_now();
	for (i = 0; i < WARM_UP + rounds && !err; i++) {
		if (i == WARM_UP) {
			counters_read(before);
			warm = lib_now();
		}
		err = cycle();
		if (!err && i % WORK_EACH == 0)
			work(i);
	}
	CHECK_ERRNO(err, 0, "%s: %u of %u rounds, %lld ms, then %lld us each", name, i, WARM_UP + rounds,
		    (long long)(warm - start) / 1000000, (long long)(lib_now() - warm) / 1000 / rounds);
	work(i);
	forgive_ttm(before, rounds);
	counters_check(before, rounds / 4, name);
	uapi_figure("the driver comes and goes", name, i);
	free(before);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 2 ? (unsigned int)atoi(argv[2]) : 500;
	struct utsname system;

	if (argc < 2 || !rounds || (strcmp(argv[1], "bind") && strcmp(argv[1], "load"))) {
		fputs("usage: cycles bind|load [ROUNDS]\n", stderr);
		return 2;
	}
	uname(&system);
	snprintf(module, sizeof(module), "/lib/modules/%s/updates/gaon.ko", system.release);
	REQUIRE(!access(module, R_OK), "%s: %s", module, strerror(errno));
	counters_card();
	if (strcmp(argv[1], "bind"))
		run("loaded and unloaded", load_cycle, rounds);
	else
		run("bound and unbound", bind_cycle, rounds);
	uapi_exit();
}
