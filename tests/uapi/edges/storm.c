// SPDX-License-Identifier: MIT
/*
 * Resets of one kind after the other, as fast as the card comes back, with clients at work: how many a
 * second it bears. No client sees wrong data, each is told of what it lost, all open anew and go on, and
 * nothing is left behind.
 *
 *	storm [SECONDS]		for each kind, and three times as long for engines; default 3
 *
 * As root, with one card.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"

#define CLIENTS		2
#define HBM_VA		0x300000000ull
#define FROM		0x10000
#define BACK		0x20000
#define BYTES		0x8000
#define END_MS		60000
/* A reset takes tens of milliseconds; the processor is an emulated one that others use as well. */
#define LONGEST_MS	20000
/* Objects that partly filled slabs of each processor make counters vary by; there are more resets. */
#define NOISE		128

static struct {
	atomic_uint_fast64_t opened, verified, lost, wrong;
	atomic_bool stop;
} *shared;

/* One life: until a reset takes what it has. Where opening fails, lib_open() ends the process. */
static void client_live(uint64_t seed)
{
	struct lib_queue queue;
	struct lib lib;
	uint32_t hbm;

	lib_open(&lib, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	hbm = uapi_bo(lib.fd, BYTES, DRM_GAON_BO_HBM, 0);
	REQUIRE(!uapi_map(lib.fd, lib.vm, hbm, 0, HBM_VA, BYTES, 0), "HBM");
	atomic_fetch_add(&shared->opened, 1);
	while (!atomic_load(&shared->stop)) {
		for (uint64_t i = 0; i < BYTES / 8; i++)
			*lib_word(&lib, FROM + 8 * i) = seed += 0x9e3779b97f4a7c15ull;
		if (lib_run(&queue, lib_copy(HBM_VA, lib_va(FROM), BYTES)) ||
		    lib_run(&queue, lib_copy(lib_va(BACK), HBM_VA, BYTES))) {
			atomic_fetch_add(&shared->lost, 1);
			_exit(0);
		}
		if (memcmp(lib.mem + FROM, lib.mem + BACK, BYTES))
			atomic_fetch_add(&shared->wrong, 1);
		else
			atomic_fetch_add(&shared->verified, 1);
	}
	_exit(0);
}

static pid_t client_start(void)
{
	uint64_t seed = uapi_random();
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	uapi_quiet = true;
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	client_live(seed);
	_exit(0);
}

/* Those that have ended begin another life. */
static void clients_keep(pid_t pids[CLIENTS])
{
	int status;

	for (int i = 0; i < CLIENTS; i++)
		if (!pids[i] || waitpid(pids[i], &status, WNOHANG) == pids[i])
			pids[i] = client_start();
}

static bool clients_end(pid_t pids[CLIENTS])
{
	int64_t end = lib_now() + END_MS * 1000000ll;
	unsigned int left = 0;
	int status;

	atomic_store(&shared->stop, true);
	for (int i = 0; i < CLIENTS; i++) {
		while (waitpid(pids[i], &status, WNOHANG) != pids[i] && lib_now() < end)
			usleep(10000);
		if (lib_now() >= end) {
			left++;
			kill(pids[i], SIGKILL);
			waitpid(pids[i], &status, 0);
		}
		pids[i] = 0;
	}
	atomic_store(&shared->stop, false);
	return !left;
}

/* Until the card did something for each client, or its time is over. */
static bool clients_work(pid_t pids[CLIENTS])
{
	uint64_t want = atomic_load(&shared->verified) + 2 * CLIENTS;
	int64_t end = lib_now() + END_MS * 1000000ll;

	while (atomic_load(&shared->verified) < want && lib_now() < end) {
		clients_keep(pids);
		usleep(1000);
	}
	return atomic_load(&shared->verified) >= want;
}

static void storm(const char *kind, const char *path, const char *word, int64_t seconds)
{
	int64_t end, spent = 0, longest = 0, began, took;
	uint64_t verified = atomic_load(&shared->verified), lost = atomic_load(&shared->lost);
	pid_t pids[CLIENTS] = { 0 };
	unsigned int resets = 0;
	char what[96];
	int err = 0, fd;

	end = lib_now() + seconds * 1000000000ll;
	while (!err && (lib_now() < end || resets < 3)) {
		if (!clients_work(pids))
			break;
		began = lib_now();
		err = counters_write(path, word);
		fd = counters_open();
		took = lib_now() - began;
		close(fd);
		spent += took;
		longest = took > longest ? took : longest;
		resets += !err && fd >= 0;
	}
	CHECK_ERRNO(err, 0, "%s: reset %u", kind, resets);
	CHECK(clients_work(pids) && clients_end(pids), "%s: clients work after %u resets, and end", kind, resets);
	CHECK(longest < LONGEST_MS * 1000000ll, "%s: the longest took %lld ms", kind, (long long)longest / 1000000);
	verified = atomic_load(&shared->verified) - verified;
	lost = atomic_load(&shared->lost) - lost;
	CHECK(verified >= resets, "%s: %llu results verified between %u resets, %llu clients were told", kind,
	      (unsigned long long)verified, resets, (unsigned long long)lost);
	snprintf(what, sizeof(what), "%s, times", kind);
	uapi_figure("resets one after the other", what, resets);
	snprintf(what, sizeof(what), "%s, in a minute", kind);
	uapi_figure("resets one after the other", what, spent ? resets * 60000000000ull / (uint64_t)spent : 0);
	snprintf(what, sizeof(what), "%s, microseconds at most", kind);
	uapi_figure("resets one after the other", what, (uint64_t)longest / 1000);
}

int main(int argc, char **argv)
{
	int64_t seconds = argc > 1 ? strtol(argv[1], NULL, 0) : 3;
	struct counters *before = malloc(sizeof(*before));
	uint64_t memory[2], after[2];
	char debugfs[96], pci[96];
	int fd = uapi_open();

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED && before && seconds > 0, "memory, and %lld seconds", (long long)seconds);
	snprintf(debugfs, sizeof(debugfs), "/sys/kernel/debug/accel/%s/reset", counters_card());
	snprintf(pci, sizeof(pci), "/sys/bus/pci/devices/%s/reset", counters_card());
	storm("warming up", debugfs, "device", 1);
	counters_read(before);
	uapi_memory_used(fd, memory);
	storm("engines", debugfs, "engines", 3 * seconds);
	storm("the firmware", debugfs, "firmware", seconds);
	storm("the device", debugfs, "device", seconds);
	storm("the PCI function", pci, "1", seconds);
	uapi_memory_used(fd, after);
	CHECK(memory[0] == after[0] && memory[1] == after[1], "memory in use: host %llu, then %llu; HBM %llu, then %llu",
	      (unsigned long long)memory[0], (unsigned long long)after[0], (unsigned long long)memory[1],
	      (unsigned long long)after[1]);
	CHECK(!atomic_load(&shared->wrong), "results: %llu right, %llu wrong", (unsigned long long)atomic_load(&shared->verified),
	      (unsigned long long)atomic_load(&shared->wrong));
	counters_check(before, NOISE, "reset again and again");
	close(fd);
	uapi_figure("clients", "opened between resets one after the other", atomic_load(&shared->opened));
	uapi_figure("clients", "results verified between them", atomic_load(&shared->verified));
	uapi_exit();
}
