// SPDX-License-Identifier: MIT
/*
 * Calls the driver at random, for GAON_FUZZ_SECONDS (20): processes without privileges, several
 * threads each, killed and started again all the while. Beside them the good client works. Then
 * everything must be as it was: memory, address spaces, queues, and no reset of the device.
 *
 * GAON_SEED repeats the calls of each thread, though not how they meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define WORKERS		3
#define THREADS		3
#define NOBODY		65534
#define SETTLE_MS	60000		/* until the last of what was killed is gone */
#define GOOD_MS		300000		/* until the good client's last round is through */

struct baseline {
	uint64_t used[2];
	uint32_t resets;
	unsigned int vms, queues;
};

/* Entries of a file of debugfs, which has one line of heading; of the first card. */
static int debugfs_entries(const char *name)
{
	char pattern[128], line[512];
	FILE *file = NULL;
	int lines = -1;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/accel/*/%s", name);
	if (!glob(pattern, 0, NULL, &found))
		file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	return lines;
}

static struct baseline baseline_take(int fd)
{
	struct drm_gaon_query_memory memory[2] = { 0 };
	struct drm_gaon_query_device device = { 0 };
	int vms = debugfs_entries("vms"), queues = debugfs_entries("queues");

	if (uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory)) ||
	    uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)) || vms < 0 || queues < 0) {
		CHECK(false, "counters can be read: %d VMs, %d queues", vms, queues);
		uapi_exit();
	}
	return (struct baseline){
		.used = { memory[0].used, memory[1].used }, .resets = device.resets,
		.vms = (unsigned int)vms, .queues = (unsigned int)queues,
	};
}

/* For good, and killed with the parent. */
static void become_nobody(void)
{
	FILE *file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* If memory runs out, these go. */
	file = fopen("/proc/self/oom_score_adj", "we");
	if (file) {
		fputs("1000", file);
		fclose(file);
	}
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) || !getuid())
		_exit(1);
}

/* As fork(); the child is nobody. */
static pid_t fork_nobody(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		become_nobody();
	return pid;
}

static pid_t start_worker(struct fuzz_shared *shared, uint64_t seed, uint64_t stream)
{
	static struct fuzz_world world;
	pid_t pid = fork_nobody();

	if (pid)
		return pid;
	fuzz_world_init(&world, shared);
	fuzz_world_run(&world, seed, stream, THREADS);
}

static pid_t start_good(struct fuzz_shared *shared, uint64_t seed)
{
	pid_t pid = fork_nobody();

	if (pid)
		return pid;
	/* Its lines of TAP are not the test's. */
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	_exit(fuzz_good(shared, seed));
}

/* Waits for @pid; false if it has not ended within @ms. */
static bool reap(pid_t pid, int *status, int ms)
{
	int64_t end = lib_now() + ms * 1000000ll;

	while (waitpid(pid, status, WNOHANG) != pid) {
		if (lib_now() > end)
			return false;
		usleep(5000);
	}
	return true;
}

/* Workers die at any point of any call. */
static void run(struct fuzz_shared *shared, uint64_t seed, int64_t end)
{
	struct fuzz_rng rng = fuzz_rng_make(seed, UINT64_MAX);
	pid_t worker[WORKERS] = { 0 };
	uint64_t stream = 0;
	unsigned int stuck = 0, i;
	int status;

	while (lib_now() < end) {
		for (i = 0; i < WORKERS; i++) {
			if (!worker[i] || waitpid(worker[i], &status, WNOHANG) == worker[i])
				worker[i] = start_worker(shared, seed, stream++);
		}
		usleep(20000 + fuzz_below(&rng, 1000) * 1000);
		i = fuzz_below(&rng, WORKERS);
		kill(worker[i], SIGKILL);
		if (!reap(worker[i], &status, SETTLE_MS))
			stuck++;
		worker[i] = 0;
	}
	for (i = 0; i < WORKERS; i++) {
		if (!worker[i])
			continue;
		kill(worker[i], SIGKILL);
		stuck += !reap(worker[i], &status, SETTLE_MS);
	}
	CHECK(!stuck, "%llu workers came and were killed, %u did not die", (unsigned long long)stream,
	      stuck);
	uapi_figure("ill will", "fuzzing processes killed in a call", stream);
}

static void check_good(struct fuzz_shared *shared, pid_t good)
{
	bool ended;
	int status = 0;

	shared->stop = true;
	ended = reap(good, &status, GOOD_MS);
	if (!ended)
		kill(good, SIGKILL);
	CHECK(ended && !status && !shared->good_wrong && shared->good_rounds,
	      "the good client: %llu rounds, %s", (unsigned long long)shared->good_rounds,
	      !ended ? "hangs" : shared->good_wrong ? shared->good_text : status ? "failed to start" : "all right");
}

/* That the calls got anywhere. */
static void check_calls(struct fuzz_shared *shared)
{
	uint64_t tried = 0, worked = 0;

	for (unsigned int i = 0; fuzz_call_name(i); i++) {
		printf("# %-20s %8llu, %8llu worked\n", fuzz_call_name(i),
		       (unsigned long long)shared->tried[i],
		       (unsigned long long)shared->worked[i]);
		tried += shared->tried[i];
		worked += shared->worked[i];
		if (!fuzz_call_may_fail(i) && !shared->worked[i])
			CHECK(false, "%s never worked", fuzz_call_name(i));
	}
	CHECK(worked, "%llu calls, %llu worked", (unsigned long long)tried, (unsigned long long)worked);
	uapi_figure("ill will", "random ioctls", tried);
	uapi_figure("ill will", "random ioctls that worked", worked);
	CHECK(!shared->strange, "errors are those of the interface%s%s", shared->strange ? ": " : "",
	      shared->strange_text);
}

static void check_baseline(int fd, const struct baseline *before)
{
	int64_t end = lib_now() + SETTLE_MS * 1000000ll;
	struct baseline after;

	do {
		after = baseline_take(fd);
		if (!memcmp(&after, before, sizeof(after)))
			break;
		usleep(50000);
	} while (lib_now() < end);
	CHECK(after.used[0] == before->used[0], "host memory: %llu bytes, before %llu",
	      (unsigned long long)after.used[0], (unsigned long long)before->used[0]);
	CHECK(after.used[1] == before->used[1], "HBM: %llu bytes, before %llu",
	      (unsigned long long)after.used[1], (unsigned long long)before->used[1]);
	CHECK(after.vms == before->vms, "address spaces: %u, before %u", after.vms, before->vms);
	CHECK(after.queues == before->queues, "queues: %u, before %u", after.queues, before->queues);
	CHECK(after.resets == before->resets, "resets: %u, before %u", after.resets, before->resets);
}

int main(void)
{
	const char *text = getenv("GAON_FUZZ_SECONDS"), *node = getenv("GAON_NODE");
	struct fuzz_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long seconds = text ? strtol(text, NULL, 0) : 20;
	struct baseline before;
	uint64_t seed;
	pid_t good;
	int fd;

	if (!node)
		node = "/dev/accel/accel0";
	REQUIRE(!geteuid(), "it is started as root, to see all counters; what it tries it tries as nobody");
	REQUIRE(shared != MAP_FAILED && !chmod(node, 0666), "%s is anybody's", node);
	fd = uapi_open();
	seed = uapi_random();	/* of GAON_SEED, which is printed at the end */
	printf("# seed of the streams: %#llx\n", (unsigned long long)seed);
	before = baseline_take(fd);
	good = start_good(shared, seed);
	run(shared, seed, lib_now() + seconds * 1000000000ll);
	check_good(shared, good);
	check_calls(shared);
	check_baseline(fd, &before);
	chmod(node, 0600);
	uapi_exit();
}
