// SPDX-License-Identifier: MIT
/*
 * A card that is gone from one moment to the next, under load, and one that comes while the kernel runs.
 *
 *   lost ADDRESS PORT	of the card; the name by which the host knows an empty port
 *
 * As root, with the module loaded. The host takes the card away and brings another one when this says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"

#define WORKERS	4
#define WORDS	512u

static struct card card;
static atomic_uint *working;	/* workers that have got so far */

/* --- load ----------------------------------------------------------------------------------------- */

/* Copies there and back until a call says that the card is gone; wrong data is a failure, an error none. */
static int worker(void)
{
	struct lib_queue queue;
	struct lib lib;
	uint32_t out;
	int err = 0;

	user_open(&lib, &card, 0);
	out = lib_syncobj(lib.fd);
	if (lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0))
		return 1;
	atomic_fetch_add(working, 1);
	while (!err) {
		memset(lib.mem + BACK, 0, BYTES);
		err = run_copy(&queue, HBM_VA, lib_va(FROM), out);
		if (!err)
			err = run_copy(&queue, lib_va(BACK), HBM_VA, out);
		if (!err && memcmp(lib.mem + FROM, lib.mem + BACK, BYTES))
			return 2;
	}
	/* Host memory is still there. */
	memset(lib.mem, 0, LIB_MEM_BYTES);
	lib_close(&lib);
	return 0;
}

/*
 * Reads what it wrote to HBM that it has mapped. At once when that is something else, since the card does not
 * answer, the driver knows.
 */
static int reader(void)
{
	struct drm_gaon_vm_state state = { 0 };
	volatile uint64_t *seen;
	unsigned int wrong = 0;
	struct lib lib;
	int err;

	user_open(&lib, &card, 0);
	seen = uapi_mmap(lib.fd, uapi_bo(lib.fd, 8 * WORDS, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0), 8 * WORDS);
	if (!seen)
		return 1;
	for (unsigned int i = 0; i < WORDS; i++)
		seen[i] = ~(uint64_t)i << 8;
	atomic_fetch_add(working, 1);
	while (!wrong)
		for (unsigned int i = 0; i < WORDS; i++)
			wrong += seen[i] != ~(uint64_t)i << 8;
	state.vm_id = lib.vm;
	err = uapi_ioctl(lib.fd, DRM_IOCTL_GAON_VM_STATE, &state);
	lib_close(&lib);
	return err == ENODEV || (!err && state.state & DRM_GAON_VM_LOST) ? 0 : 3;
}

static void workers_start(pid_t pids[WORKERS])
{
	int64_t end = lib_now() + END_MS * 1000000ll;

	fflush(stdout);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		uapi_quiet = true;
		_exit(i ? worker() : reader());
	}
	while (atomic_load(working) < WORKERS && lib_now() < end)
		usleep(20000);
}

static void workers_check(pid_t pids[WORKERS])
{
	int status;

	for (int i = 0; i < WORKERS; i++) {
		int64_t end = lib_now() + END_MS * 1000000ll;

		while (waitpid(pids[i], &status, WNOHANG) != pids[i] && lib_now() < end)
			usleep(20000);
		if (lib_now() >= end) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], &status, 0);
		}
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "process %d is told and ends: status %#x", i, status);
	}
}

/* --- gone ----------------------------------------------------------------------------------------- */

static void test_lost(void)
{
	struct drm_gaon_vm_create vm = { 0 };
	struct clients clients;
	pid_t pids[WORKERS];
	char path[96];

	clients_start(&clients, &card);
	workers_start(pids);
	usleep(500000);
	printf("host: lose 0\n");
	fflush(stdout);
	clients_check_lost(&clients, ECANCELED);
	workers_check(pids);
	/* What is mapped of the card can be touched. */
	lib_ring(&clients.user);
	CHECK(card_wait_state(&card, "wedged"), "the card is %s", attribute(&card, "state"));
	CHECK_ERRNO(uapi_ioctl(clients.lr.fd, DRM_IOCTL_GAON_VM_CREATE, &vm), EIO, "calls fail");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", card.address);
	CHECK(write_file(path, "1"), "the function is removed");
	CHECK_ERRNO(uapi_ioctl(clients.lr.fd, DRM_IOCTL_GAON_VM_CREATE, &vm), ENODEV, "calls fail");
	CHECK_ERRNO(lib_wait(&clients.lr, lib_word(&clients.lr, WORD), 1, END_MS), ENODEV, "waits too");
	memset(clients.fence.mem, 0, LIB_MEM_BYTES);
	clients_end(&clients);
}

/* --- come ----------------------------------------------------------------------------------------- */

static bool card_comes(char address[32])
{
	int64_t end = lib_now() + END_MS * 1000000ll;
	bool found = false;
	glob_t all;

	while (!found && lib_now() < end) {
		if (!glob(DRIVER "/*:*", 0, NULL, &all)) {
			snprintf(address, 32, "%s", strrchr(all.gl_pathv[0], '/') + 1);
			found = true;
		}
		globfree(&all);
		usleep(100000);
	}
	return found;
}

static void test_come(const char *port)
{
	struct clients clients;
	char address[32];

	printf("host: come 1 %s\n", port);
	fflush(stdout);
	REQUIRE(card_comes(address), "another card comes, and the driver takes it");
	link_card(&card, address);
	link_check_works(&card, "a card that came");
	clients_start(&clients, &card);
	CHECK(link_flr(&card), "it is reset");
	clients_check_lost(&clients, ECANCELED);
	clients_end(&clients);
	link_check_works(&card, "after that");
}

int main(int argc, char **argv)
{
	REQUIRE(argc > 2, "an address and a port");
	working = mmap(NULL, sizeof(*working), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(working != MAP_FAILED, "memory");
	link_card(&card, argv[1]);
	test_lost();
	test_come(argv[2]);
	uapi_figure("the link", "cards that were lost under clients at work", 1);
	uapi_figure("the link", "cards that came while the kernel ran", 1);
	uapi_exit();
}
