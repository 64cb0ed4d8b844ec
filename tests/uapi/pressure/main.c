// SPDX-License-Identifier: MIT
/*
 * More memory than the card has: processes that together ask for two and a half times HBM change and
 * check all that they have, at random; and who asks without end is told ENOMEM while the machine lives.
 * Runs on a card with little HBM.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define PARTS		16u		/* HBM is so many objects */
#define OWN		10u		/* objects of a process */
#define WORKERS		4u		/* so: 2.5 times HBM */
#define OBJECT_VA	0x400000000ull
#define BACK_VA		0x800000000ull
#define LIST		0x1000
#define PATIENCE_MS	240000
#define FILES		32u		/* so: 32 times HBM, if it were to be had */

/** struct worker - a process' objects, what they hold, and where the CPU looks at them */
struct worker {
	struct lib lib;
	struct lib_queue queue;
	uint64_t object_bytes;
	uint32_t handles[OWN], syncobj;
	uint64_t holds[OWN], held[OWN], works;
	volatile uint64_t *back;
};

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void memory(int fd, struct drm_gaon_query_memory out[2])
{
	uapi_query(fd, DRM_GAON_QUERY_MEMORY, out, 2 * sizeof(*out));
}

/* --- work ------------------------------------------------------------------------------------------ */

static int run(struct worker *worker, struct gaon_packet *packets, unsigned int count)
{
	int err;

	for (unsigned int i = 0; i < count; i++) {
		packets[i].flags |= GAON_PKT_F_BARRIER;
		packets[i].scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	}
	memcpy(worker->lib.mem + LIST, packets, count * sizeof(*packets));
	err = lib_submit(&worker->queue, lib_va(LIST), count, 0, 0, worker->syncobj, 0);
	if (!err)
		err = lib_syncobj_wait(worker->lib.fd, worker->syncobj, 0, PATIENCE_MS);
	return err ? err : -lib_syncobj_status(worker->lib.fd, worker->syncobj);
}

static uint64_t object_va(const struct worker *worker, unsigned int i)
{
	return OBJECT_VA + i * worker->object_bytes;
}

/* The object holds what was written last, every word of it; then it gets something new. */
static void check_and_change(struct worker *worker, unsigned int i)
{
	uint64_t value = random_next(), words = worker->object_bytes / 8, bad = 0;
	struct gaon_packet packets[] = {
		lib_copy(BACK_VA, object_va(worker, i), worker->object_bytes),
		lib_fill(object_va(worker, i), worker->object_bytes, value),
	};
	int err = run(worker, packets, 2);

	MUST(!err, "work: %s", strerror(err));
	for (uint64_t w = 0; w < words; w++)
		bad += worker->back[w] != worker->holds[i];
	MUST(!bad, "work %llu: object %u: %llu of %llu words are wrong: %#llx, not %#llx; before that %#llx",
	     (unsigned long long)worker->works, i, (unsigned long long)bad, (unsigned long long)words,
	     (unsigned long long)worker->back[0], (unsigned long long)worker->holds[i],
	     (unsigned long long)worker->held[i]);
	worker->held[i] = worker->holds[i];
	worker->holds[i] = value;
	worker->works++;
}

static void worker_open(struct worker *worker)
{
	struct drm_gaon_query_memory mem[2];
	uint32_t back;

	lib_open(&worker->lib, 0);
	memory(worker->lib.fd, mem);
	worker->object_bytes = (mem[1].total / PARTS) & ~(2 * MIB - 1);
	worker->syncobj = lib_syncobj(worker->lib.fd);
	MUST(!lib_kernel_queue(&worker->lib, &worker->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	back = uapi_bo(worker->lib.fd, worker->object_bytes, DRM_GAON_BO_HOST, 0);
	worker->back = back ? uapi_mmap(worker->lib.fd, back, worker->object_bytes) : NULL;
	MUST(worker->back &&
	     !uapi_map(worker->lib.fd, worker->lib.vm, back, 0, BACK_VA, worker->object_bytes, 0),
	     "host memory to look at");
	for (unsigned int i = 0; i < OWN; i++) {
		worker->handles[i] = uapi_bo(worker->lib.fd, worker->object_bytes, DRM_GAON_BO_HBM,
					     i & 1 ? worker->lib.vm : 0);
		MUST(worker->handles[i] && !uapi_map(worker->lib.fd, worker->lib.vm, worker->handles[i], 0,
						     object_va(worker, i), worker->object_bytes, 0),
		     "object %u", i);
	}
}

/* Begins when all have their memory; @rounds 0: goes on till it is killed. */
static void worker_run(uint64_t seed, unsigned int rounds, int ready, int go)
{
	static struct worker worker;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uapi_quiet = true;
	random_state = seed | 1;
	worker_open(&worker);
	if (write(ready, "", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	for (unsigned int round = 0; round < rounds || !rounds; round++) {
		/* All of them in turn first: they read 0. */
		check_and_change(&worker, round < OWN ? round : (unsigned int)(random_next() % OWN));
	}
	lib_close(&worker.lib);
	_exit(0);
}

/* --- tests ----------------------------------------------------------------------------------------- */

static void test_workers(int fd, unsigned int rounds, bool kill_one)
{
	struct drm_gaon_query_memory before[2], now[2], after[2];
	unsigned int good = 0, ended = 0;
	uint64_t most = 0, seed = uapi_random();
	pid_t pids[WORKERS];
	int ready[2], go[2], status;
	char byte;

	memory(fd, before);
	REQUIRE(!pipe(ready) && !pipe(go), "pipes");
	for (unsigned int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			worker_run(seed + i * 0x9e3779b97f4a7c15ull,
				   kill_one && !i ? 0 : rounds, ready[1], go[0]);
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		MUST(read(ready[0], &byte, 1) == 1, "a process has its memory");
	memory(fd, now);
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
		memory(fd, now);
		if (now[0].used > most)
			most = now[0].used;
		usleep(20000);
	}
	memory(fd, after);
	CHECK(good == WORKERS - kill_one, "%u processes of %llu MiB each on %llu MiB%s: %u were right",
	      WORKERS, (unsigned long long)(OWN * before[1].total / PARTS / MIB),
	      (unsigned long long)before[1].total / MIB, kill_one ? ", one killed" : "", good);
	CHECK(most - before[0].used <= WORKERS * (OWN + 1) * before[1].total / PARTS + 64 * MIB,
	      "host memory: at most %llu MiB", (unsigned long long)(most - before[0].used) / MIB);
	CHECK(after[0].used == before[0].used && after[1].used == before[1].used,
	      "all memory is back: host %llu to %llu, HBM %llu to %llu", (unsigned long long)before[0].used,
	      (unsigned long long)after[0].used, (unsigned long long)before[1].used,
	      (unsigned long long)after[1].used);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
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

	memory(fd, mem);
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

	memory(fd, before);
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
	memory(fd, now);
	CHECK(err == ENOMEM && got <= most && got >= most / 4 * 3, "flags %#x: %llu of at most %llu MiB, then: %s",
	      flags, (unsigned long long)got / MIB, (unsigned long long)most / MIB, strerror(err));
	CHECK(now[0].used - before[0].used <= now[0].total / 2, "host memory: %llu of %llu MiB",
	      (unsigned long long)(now[0].used - before[0].used) / MIB,
	      (unsigned long long)now[0].total / MIB);
	for (i = 0; i < opened; i++)
		close(files[i]);
	memory(fd, now);
	CHECK(now[0].used == before[0].used && now[1].used == before[1].used, "all of it is back");
}

int main(void)
{
	struct drm_gaon_query_memory mem[2];
	int fd = uapi_open();

	memory(fd, mem);
	REQUIRE(mem[1].total <= 512 * MIB, "HBM of %llu MiB: little enough to fill",
		(unsigned long long)mem[1].total / MIB);
	test_too_much(fd);
	test_endless(fd, DRM_GAON_BO_HBM, mem[1].total + mem[0].total / 8 * 3);
	test_endless(fd, DRM_GAON_BO_HBM | DRM_GAON_BO_HOST, mem[1].total + mem[0].total / 8 * 3);
	test_endless(fd, DRM_GAON_BO_HOST, mem[0].total / 2);
	test_workers(fd, 2 * OWN, false);
	test_workers(fd, 2 * OWN, true);
	close(fd);
	uapi_exit();
}
