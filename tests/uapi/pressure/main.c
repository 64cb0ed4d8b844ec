// SPDX-License-Identifier: MIT
/*
 * More memory than the card has: processes that together ask for two and a half times HBM change and
 * check all that they have, at random; and who asks without end is told ENOMEM while the machine lives.
 * Runs on a card with little HBM.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

#define WORKERS		4u		/* so: 2.5 times HBM */
#define LIST		0x1000
#define BACK		0x10000
#define BACK_VA		0x300000000ull
#define FILES		32u		/* so: 32 times HBM, if it were to be had */

/* --- tests ----------------------------------------------------------------------------------------- */

/* How often a context was suspended so far to make room: debugfs' word. */
static unsigned int suspended(void)
{
	unsigned int waiting, count = 0;
	glob_t found;
	FILE *file;

	MUST(!glob("/sys/kernel/debug/accel/*/room", 0, NULL, &found), "debugfs has a file for room");
	file = fopen(found.gl_pathv[0], "r");
	globfree(&found);
	MUST(file && fscanf(file, "%*[^\n] %u %u", &waiting, &count) == 2, "two numbers of it");
	fclose(file);
	return count;
}

/*
 * How many of the processes have user-mode queues, whose contexts are suspended while their memory is
 * taken, says @lr.
 */
static void test_workers(int fd, unsigned int lr, unsigned int rounds, bool kill_one)
{
	struct drm_gaon_query_memory before[2], now[2], after[2];
	unsigned int good = 0, ended = 0, suspensions = suspended();
	uint64_t most = 0, seed = uapi_random();
	pid_t pids[WORKERS];
	int ready[2], go[2], status;
	char byte;

	worker_memory(fd, before);
	REQUIRE(!pipe(ready) && !pipe(go), "pipes");
	for (unsigned int i = 0; i < WORKERS; i++)
		pids[i] = worker_start(&(struct worker_plan){
			.seed = seed + i * 0x9e3779b97f4a7c15ull, .lr = i < lr,
			.rounds = kill_one && !i ? 0 : rounds, .times = 1, .ready = ready[1], .go = go[0] });
	for (unsigned int i = 0; i < WORKERS; i++)
		MUST(read(ready[0], &byte, 1) == 1, "a process has its memory");
	worker_memory(fd, now);
	CHECK(now[0].used - before[0].used >= (OWN * WORKERS - PARTS) * before[1].total / PARTS,
	      "not all of it is on the card: %llu MiB are in host memory",
	      (unsigned long long)(now[0].used - before[0].used) / MIB);
	MUST(write(go[1], "go! ", WORKERS) == WORKERS, "go");
	while (ended < WORKERS) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0) {
			ended++;
			good += !status;
		}
		/* At work, beside the others. */
		if (kill_one && ended == 1)
			kill(pids[0], SIGKILL);
		worker_memory(fd, now);
		if (now[0].used > most)
			most = now[0].used;
		usleep(20000);
	}
	worker_memory(fd, after);
	CHECK(good == WORKERS - kill_one, "%u processes, %u with user-mode queues, of %llu MiB each on %llu MiB%s: %u were right",
	      WORKERS, lr, (unsigned long long)(OWN * before[1].total / PARTS / MIB),
	      (unsigned long long)before[1].total / MIB, kill_one ? ", one killed" : "", good);
	CHECK(most - before[0].used <= WORKERS * (OWN + 1) * before[1].total / PARTS + 64 * MIB,
	      "host memory: at most %llu MiB", (unsigned long long)(most - before[0].used) / MIB);
	CHECK(after[0].used == before[0].used && after[1].used == before[1].used,
	      "all memory is back: host %llu to %llu, HBM %llu to %llu", (unsigned long long)before[0].used,
	      (unsigned long long)after[0].used, (unsigned long long)before[1].used,
	      (unsigned long long)after[1].used);
	suspensions = suspended() - suspensions;
	CHECK(!suspensions == !lr, "contexts were suspended %u times", suspensions);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

/*
 * A process that has nothing to do, or stands for its debugger, stays away while another one works, which
 * then runs as if it were alone; and finds what it left when it is its turn.
 */
static void test_sleeper(bool stands)
{
	unsigned int suspensions, good = 0;
	int ready[2][2], go[2][2], status;
	pid_t pids[2];
	char byte;

	for (int i = 0; i < 2; i++) {
		REQUIRE(!pipe(ready[i]) && !pipe(go[i]), "pipes");
		pids[i] = worker_start(&(struct worker_plan){
			.seed = uapi_random(), .lr = true, .stands = stands && i, .rounds = 2 * OWN,
			.times = 2,
			.ready = ready[i][1], .go = go[i][0] });
		MUST(read(ready[i][0], &byte, 1) == 1, "a process has its memory");
	}
	for (int time = 0; time < 2; time++) {
		for (int i = 0; i < 2; i++) {
			suspensions = suspended();
			MUST(write(go[i][1], "", 1) == 1, "go");
			if (time)
				MUST(waitpid(pids[i], &status, 0) == pids[i], "it ends");
			else
				MUST(read(ready[i][0], &byte, 1) == 1, "it is done");
			good += time && !status;
			suspensions = suspended() - suspensions;
			/* The other one, if it was there, and not for each thing that this one does. */
			CHECK(suspensions <= 2, "while one works and one %s: %u contexts suspended",
			      stands ? "stands" : "sleeps", suspensions);
		}
	}
	CHECK(good == 2, "both found what they left");
	for (int i = 0; i < 2; i++) {
		close(ready[i][0]);
		close(ready[i][1]);
		close(go[i][0]);
		close(go[i][1]);
	}
}

static int create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_gaon_bo_create args = { .size = size, .flags = flags };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	*handle = args.handle;
	return err;
}

/* One file may not have more than fits; who asks for it is told, and others go on. */
static void test_too_much(int fd)
{
	struct drm_gaon_query_memory mem[2];
	uint32_t handles[2 * PARTS], count = 0, big;
	int other = uapi_open(), err = 0;
	uint64_t piece, got = 0;

	worker_memory(fd, mem);
	piece = mem[1].total / PARTS & ~(2 * MIB - 1);
	CHECK_ERRNO(create(fd, mem[1].total + 2 * MIB, DRM_GAON_BO_HBM, &big), E2BIG, "an object larger than HBM");
	while (count < 2 * PARTS && !err) {
		err = create(fd, piece, DRM_GAON_BO_HBM, &handles[count]);
		count += !err;
		got += err ? 0 : piece;
	}
	CHECK(err == ENOMEM && got <= mem[1].total && got >= mem[1].total / 2,
	      "objects of one file, one after another: %llu of %llu MiB, then %s", (unsigned long long)got / MIB,
	      (unsigned long long)mem[1].total / MIB, strerror(err));
	CHECK_ERRNO(create(other, piece, DRM_GAON_BO_HBM, &big), 0, "another file gets memory");
	CHECK_ERRNO(create(fd, piece, DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, &big), 0,
		    "and so does this one if host memory will do");
	uapi_bo_close(fd, big);
	uapi_bo_close(fd, handles[--count]);
	CHECK_ERRNO(create(fd, piece, DRM_GAON_BO_HBM, &handles[count]), 0, "what was given back can be had again");
	for (uint32_t i = 0; i <= count; i++)
		uapi_bo_close(fd, handles[i]);
	close(other);
}

/* Nobody gets so much that nothing is left for the machine, however many files are opened for it. */
static void test_endless(int fd, uint32_t flags, uint64_t most)
{
	struct drm_gaon_query_memory before[2], now[2];
	int files[FILES], err = 0;
	uint64_t piece, got = 0;
	unsigned int i, opened;
	uint32_t handle;

	worker_memory(fd, before);
	piece = before[1].total / PARTS & ~(2 * MIB - 1);
	for (opened = 0; opened < FILES; opened++) {
		files[opened] = open("/dev/accel/accel0", O_RDWR | O_CLOEXEC);
		MUST(files[opened] >= 0, "file %u: %s", opened, strerror(errno));
		do {
			err = create(files[opened], piece, flags, &handle);
			got += err ? 0 : piece;
		} while (!err && got <= 2 * most);
		if (err != ENOMEM)
			break;
	}
	worker_memory(fd, now);
	CHECK(err == ENOMEM && got <= most && got >= most / 4 * 3, "flags %#x: %llu of at most %llu MiB, then: %s",
	      flags, (unsigned long long)got / MIB, (unsigned long long)most / MIB, strerror(err));
	CHECK(now[0].used - before[0].used <= now[0].total / 2, "host memory: %llu of %llu MiB",
	      (unsigned long long)(now[0].used - before[0].used) / MIB,
	      (unsigned long long)now[0].total / MIB);
	for (i = 0; i < opened; i++)
		close(files[i]);
	worker_memory(fd, now);
	CHECK(now[0].used == before[0].used && now[1].used == before[1].used, "all of it is back");
}

static int run_one(struct lib_queue *queue, struct gaon_packet packet)
{
	struct lib *lib = queue->lib;
	uint32_t out = lib_syncobj(lib->fd);
	int err;

	*(struct gaon_packet *)(lib->mem + LIST) = packet;
	err = lib_submit(queue, lib_va(LIST), 1, 0, 0, out, 0);
	if (!err)
		err = lib_syncobj_wait(lib->fd, out, 0, 60000);
	if (!err)
		err = -lib_syncobj_status(lib->fd, out);
	lib_syncobj_destroy(lib->fd, out);
	return err;
}

/* What may be in either memory leaves HBM when others need it; used again, it is back if there is room. */
static void test_back(int fd)
{
	const uint64_t bytes = 4 * MIB, pattern = uapi_random();
	struct drm_gaon_query_memory before[2], full[2], after[2];
	struct lib_queue queue;
	unsigned int wrong = 0;
	struct lib lib;
	uint32_t bo;
	int other, err;

	lib_open(&lib, 0);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	bo = uapi_bo(lib.fd, bytes, DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, 0);
	REQUIRE(!uapi_map(lib.fd, lib.vm, bo, 0, BACK_VA, bytes, 0), "memory of either kind");
	CHECK_ERRNO(run_one(&queue, lib_fill(BACK_VA, bytes, pattern)), 0, "it is filled");
	worker_memory(fd, before);
	other = uapi_open();
	do {
		err = create(other, MIB, DRM_GAON_BO_HBM, &bo);
		worker_memory(fd, full);
	} while (!err && full[0].used < before[0].used + bytes);
	CHECK(!err, "others have HBM until it goes to the host's: %s; %llu MiB, then %llu MiB", strerror(err),
	      (unsigned long long)before[0].used / MIB, (unsigned long long)full[0].used / MIB);
	close(other);
	CHECK_ERRNO(run_one(&queue, lib_copy(lib_va(BACK), BACK_VA + bytes - 4096, 4096)), 0, "it is used");
	for (uint64_t i = 0; i < 4096; i += 8)
		wrong += *lib_word(&lib, BACK + i) != pattern;
	worker_memory(fd, after);
	CHECK(!wrong, "what it holds: %u words are wrong", wrong);
	CHECK(after[0].used == before[0].used && after[1].used == before[1].used,
	      "and is back: host %llu to %llu, HBM %llu to %llu bytes", (unsigned long long)before[0].used,
	      (unsigned long long)after[0].used, (unsigned long long)before[1].used,
	      (unsigned long long)after[1].used);
	lib_close(&lib);
}

int main(void)
{
	struct drm_gaon_query_memory mem[2];
	int fd = uapi_open();

	worker_memory(fd, mem);
	REQUIRE(mem[1].total <= 512 * MIB, "HBM of %llu MiB: little enough to fill",
		(unsigned long long)mem[1].total / MIB);
	test_too_much(fd);
	test_back(fd);
	test_endless(fd, DRM_GAON_BO_HBM, mem[1].total + mem[0].total / 8 * 3);
	test_endless(fd, DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, mem[1].total + mem[0].total / 8 * 3);
	test_endless(fd, DRM_GAON_BO_HOST, mem[0].total / 2);
	test_workers(fd, 0, 2 * OWN, false);
	test_workers(fd, 0, 2 * OWN, true);
	test_workers(fd, WORKERS, 2 * OWN, false);
	test_workers(fd, WORKERS, 2 * OWN, true);
	test_workers(fd, WORKERS / 2, 2 * OWN, false);
	test_sleeper(false);
	test_sleeper(true);
	close(fd);
	uapi_exit();
}
