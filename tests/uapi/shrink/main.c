// SPDX-License-Identifier: MIT
/*
 * The machine is short of memory: objects in host memory are swapped out and come back, each word as it
 * was, whoever uses them first: the processor, a job, a user-mode queue that never waits. As root, with
 * zram to swap to.
 *
 *	shrink by-hand	as if memory were short: what goes, what does not, and what comes back
 *	shrink short	it is short: processes want more than there is
 *	shrink sleep	the machine sleeps while objects are away
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>

#include "../edges/counters.h"
#include "../edges/swap.h"
#include "group.h"
#include "object.h"

#define OBJECT_VA	0x400000000ull
#define BACK_VA		0x800000000ull
#define BACK_BYTES	(4 * MIB)
#define LIST		0x2000
#define DATA_BYTES	(12 * MIB)
#define SWAP_BYTES	(512 * MIB)	/* of which little is used: it is compressed */

/* --- as the device sees it ---------------------------------------------------------------------- */

/** struct reader - copies an object by the device to where the processor looks */
struct reader {
	struct lib lib;
	struct lib_queue queue;
	struct object back;
	uint32_t syncobj;
};

static void reader_open(struct reader *reader, bool lr)
{
	lib_open(&reader->lib, lr ? DRM_GAON_VM_LR : 0);
	reader->syncobj = lib_syncobj(reader->lib.fd);
	REQUIRE(!(lr ? lib_user_queue : lib_kernel_queue)(&reader->lib, &reader->queue, 4,
							  DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	object_create(&reader->back, reader->lib.fd, BACK_BYTES, DRM_GAON_BO_HOST, 0);
	REQUIRE(!uapi_map(reader->lib.fd, reader->lib.vm, reader->back.handle, 0, BACK_VA, BACK_BYTES, 0),
		"host memory to look at");
}

static void reader_close(struct reader *reader)
{
	object_close(&reader->back);
	lib_close(&reader->lib);
}

static int reader_map(struct reader *reader, const struct object *object, uint64_t va)
{
	return uapi_map(reader->lib.fd, reader->lib.vm, object->handle, 0, va, object->bytes, 0);
}

static int reader_run(struct reader *reader, struct gaon_packet packet)
{
	int err;

	if (reader->lib.lr)
		return lib_run(&reader->queue, packet);
	memcpy(reader->lib.mem + LIST, &packet, sizeof(packet));
	err = lib_submit(&reader->queue, lib_va(LIST), 1, 0, 0, reader->syncobj, 0);
	if (!err)
		err = lib_syncobj_wait(reader->lib.fd, reader->syncobj, 0, PATIENCE_MS);
	return err ? err : -lib_syncobj_status(reader->lib.fd, reader->syncobj);
}

/* Words that are others, as the device sees it at @va; UINT64_MAX: it could not look. */
static uint64_t reader_bad(struct reader *reader, const struct object *object, uint64_t va)
{
	uint64_t at, step, bad = 0;

	for (at = 0; at < object->bytes; at += step) {
		step = object->bytes - at < BACK_BYTES ? object->bytes - at : BACK_BYTES;
		if (reader_run(reader, lib_copy(BACK_VA, va + at, step)))
			return UINT64_MAX;
		bad += object_bad_at(object, reader->back.cpu, at, step);
	}
	return bad;
}

static void check_back(const struct object *object, const char *what)
{
	uint64_t bad = object_bad(object);

	CHECK(!bad, "%s: %llu of %llu words are others", what, (unsigned long long)bad,
	      (unsigned long long)object->bytes / 8);
}

/* --- what goes ------------------------------------------------------------------------------------ */

/* Of every kind, whoever looks first. */
static void test_kinds(void)
{
	static const struct {
		const char *name;
		uint64_t bytes;
		uint32_t flags;
	} kinds[] = {
		{ "a page", PAGE, DRM_GAON_BO_HOST },
		{ "an odd number of pages", 3 * MIB + 5 * PAGE, DRM_GAON_BO_HOST },
		{ "large pages", DATA_BYTES, DRM_GAON_BO_HOST },
		{ "write-combined", 3 * MIB, DRM_GAON_BO_HOST | DRM_GAON_BO_WC },
	};
	struct reader reader[2];

	for (int lr = 0; lr < 2; lr++)
		reader_open(&reader[lr], lr);
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct shrink before = shrink_read(), out, in;
		struct object object;
		int fd = uapi_open();

		object_create(&object, fd, kinds[i].bytes, kinds[i].flags, 0);
		CHECK(shrink_resident(fd) == object.bytes / 1024, "%s: fdinfo: all of it is resident",
		      kinds[i].name);
		shrink_all();
		out = shrink_read();
		CHECK(out.out - before.out >= object.bytes / 1024 && !shrink_resident(fd),
		      "%s: goes: %llu KiB went, resident: %llu KiB", kinds[i].name,
		      (unsigned long long)(out.out - before.out), (unsigned long long)shrink_resident(fd));
		check_back(&object, kinds[i].name);
		in = shrink_read();
		CHECK(in.in - out.in >= object.bytes / 1024 && shrink_resident(fd) == object.bytes / 1024,
		      "%s: is there again: %llu KiB came", kinds[i].name, (unsigned long long)(in.in - out.in));
		close(fd);
		munmap((void *)object.cpu, object.bytes);
	}
	for (int lr = 0; lr < 2; lr++) {
		struct object object;
		uint64_t bad;

		object_create(&object, reader[lr].lib.fd, DATA_BYTES, DRM_GAON_BO_HOST,
			      lr ? reader[lr].lib.vm : 0);
		REQUIRE(!reader_map(&reader[lr], &object, OBJECT_VA), "an object that the device sees");
		shrink_all();
		bad = reader_bad(&reader[lr], &object, OBJECT_VA);
		CHECK(!bad, "%s looks first: %lld words are others", lr ? "a user-mode queue" : "a job",
		      (long long)bad);
		shrink_all();
		/* What the device writes meanwhile comes and goes as well. */
		CHECK_ERRNO(reader_run(&reader[lr], lib_fill(OBJECT_VA, PAGE, 0x5a5a)), 0, "it writes");
		shrink_all();
		bad = 0;
		for (unsigned int w = 0; w < PAGE / 8; w++)
			bad += object.cpu[w] != 0x5a5a;
		bad += object_bad_at(&object, object.cpu + PAGE / 8, PAGE, object.bytes - PAGE);
		CHECK(!bad, "what it wrote is kept: %llu words are others", (unsigned long long)bad);
		object_close(&object);
		reader_close(&reader[lr]);
	}
}

/* Bound and unbound while it is away. */
static void test_bound_late(void)
{
	struct reader reader;
	struct object object;
	uint64_t bad;

	reader_open(&reader, true);
	object_create(&object, reader.lib.fd, 3 * MIB, DRM_GAON_BO_HOST, 0);
	shrink_all();
	CHECK_ERRNO(reader_map(&reader, &object, OBJECT_VA), 0, "bound while it is away");
	bad = reader_bad(&reader, &object, OBJECT_VA);
	CHECK(!bad, "is there: %lld words are others", (long long)bad);
	shrink_all();
	CHECK_ERRNO(uapi_unmap(reader.lib.fd, reader.lib.vm, OBJECT_VA, object.bytes), 0,
		    "unbound while it is away");
	CHECK_ERRNO(reader_map(&reader, &object, OBJECT_VA + 64 * MIB), 0, "and bound elsewhere");
	bad = reader_bad(&reader, &object, OBJECT_VA + 64 * MIB);
	CHECK(!bad, "is there: %lld words are others", (long long)bad);
	object_close(&object);
	reader_close(&reader);
}

/* --- what does not go ------------------------------------------------------------------------------ */

/* Attached to another device's driver, whose processor sees the pages themselves. */
static void test_exported(void)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int vgem = uapi_vgem_open(), fd = uapi_open();
	struct drm_gem_close gone = { 0 };
	struct object object;
	uint64_t *seen;

	object_create(&object, fd, 3 * MIB, DRM_GAON_BO_HOST, 0);
	prime.handle = object.handle;
	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "a dma-buf");
	shrink_all();
	CHECK(!shrink_resident(fd), "exported, but nobody is attached: it goes");
	seen = mmap(NULL, object.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, prime.fd, 0);
	REQUIRE(seen != MAP_FAILED, "a mapping of the dma-buf");
	CHECK(!object_bad_at(&object, seen, 0, object.bytes), "and comes back through the dma-buf");
	shrink_all();
	CHECK(!object_bad_at(&object, seen, 0, object.bytes), "again, though it was mapped");
	if (vgem >= 0 && !uapi_bounces()) {
		REQUIRE(!uapi_to_handle(vgem, prime.fd, &gone.handle), "another driver is attached");
		shrink_all();
		CHECK(shrink_resident(fd) == object.bytes / 1024, "then it stays: %llu of %llu KiB",
		      (unsigned long long)shrink_resident(fd), (unsigned long long)object.bytes / 1024);
		check_back(&object, "and is right");
		uapi_ioctl(vgem, DRM_IOCTL_GEM_CLOSE, &gone);
		shrink_all();
		CHECK(!shrink_resident(fd), "when it is detached it goes");
	} else {
		printf("# vgem is not there, or its memory is copied: not tried\n");
	}
	check_back(&object, "after all that");
	munmap(seen, object.bytes);
	close(prime.fd);
	object_close(&object);
	if (vgem >= 0)
		close(vgem);
	close(fd);
}

/* A job is under way that uses it. */
static void test_busy(void)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL, lib_va(0x40), 1);
	struct reader reader;
	struct object object;

	reader_open(&reader, false);
	lib_code(&reader.lib);
	object_create(&object, reader.lib.fd, 3 * MIB, DRM_GAON_BO_HOST, 0);
	REQUIRE(!reader_map(&reader, &object, OBJECT_VA), "an object that the device sees");
	*lib_word(&reader.lib, 0x40) = 0;
	memcpy(reader.lib.mem + LIST, &packet, sizeof(packet));
	REQUIRE(!lib_submit(&reader.queue, lib_va(LIST), 1, 0, 0, reader.syncobj, 0), "a job");
	shrink_reclaim(1ull << 40);
	CHECK(shrink_resident(reader.lib.fd) >= object.bytes / 1024, "what a job may use stays: %llu KiB",
	      (unsigned long long)shrink_resident(reader.lib.fd));
	*lib_word(&reader.lib, 0x40) = 1;
	CHECK_ERRNO(lib_syncobj_wait(reader.lib.fd, reader.syncobj, 0, PATIENCE_MS), 0, "it ends");
	shrink_all();
	CHECK(!shrink_resident(reader.lib.fd), "and then it goes");
	check_back(&object, "and is right");
	object_close(&object);
	reader_close(&reader);
}

/* A debugger looks first, in pieces: what it reads comes back for that. */
static void test_debugger(void)
{
	int fd = uapi_open(), mem = open("/proc/self/mem", O_RDONLY);
	uint64_t *words = malloc(BACK_BYTES), bad = 0, seen = 0;
	struct object object;

	REQUIRE(mem >= 0 && words, "this process' memory");
	object_create(&object, fd, BACK_BYTES, DRM_GAON_BO_HOST, 0);
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t at = uapi_random() % (BACK_BYTES / 8) * 8;
		uint64_t n = uapi_random() % (BACK_BYTES / 8 - at / 8) + 1;

		shrink_all();
		CHECK(!shrink_resident(fd), "all of it goes");
		seen += pread(mem, words, 8 * n, (off_t)((uintptr_t)object.cpu + at)) ==
			(ssize_t)(8 * n);
		bad += object_bad_at(&object, words, at, 8 * n);
	}
	CHECK(seen == 8 && !bad, "a debugger reads what went: %llu of 8 pieces, %llu words are others",
	      (unsigned long long)seen, (unsigned long long)bad);
	check_back(&object, "the program does, too");
	object_close(&object);
	free(words);
	close(mem);
	close(fd);
}

/* Without swap nothing goes: a copy would be no gain. */
static void test_no_swap(void)
{
	struct object object;
	int fd = uapi_open();

	object_create(&object, fd, MIB, DRM_GAON_BO_HOST, 0);
	CHECK_ERRNO(shrink_reclaim(MIB), ENOSPC, "without swap");
	CHECK(shrink_resident(fd) == object.bytes / 1024, "nothing goes");
	close(fd);
	munmap((void *)object.cpu, object.bytes);
}

/* --- while other things happen ------------------------------------------------------------------- */

static atomic_bool stop;

static void *reclaim_always(void *arg)
{
	unsigned int seed = (unsigned int)uapi_random(), *count = arg;

	while (!atomic_load(&stop)) {
		shrink_reclaim((1 + (uint64_t)rand_r(&seed) % 16) * MIB);
		(*count)++;
		usleep((unsigned int)rand_r(&seed) % 20000);
	}
	return NULL;
}

/* A user-mode queue at work, which nobody can wait for. */
static void test_running(unsigned int seconds)
{
	unsigned int rounds = 0, bad = 0, count = 0, suspended = shrink_suspended();
	struct shrink before = shrink_read(), after;
	int64_t end = lib_now() + seconds * 1000000000ll;
	struct object objects[3];
	struct reader reader;
	pthread_t thread;
	int err = 0;

	reader_open(&reader, true);
	for (unsigned int i = 0; i < 3; i++) {
		object_create(&objects[i], reader.lib.fd, 4 * MIB, DRM_GAON_BO_HOST,
			      i & 1 ? reader.lib.vm : 0);
		REQUIRE(!reader_map(&reader, &objects[i], OBJECT_VA + i * 64 * MIB), "an object");
	}
	atomic_store(&stop, false);
	REQUIRE(!pthread_create(&thread, NULL, reclaim_always, &count), "a thread");
	for (; lib_now() < end || !rounds; rounds++) {
		unsigned int i = (unsigned int)(uapi_random() % 3);
		struct object *object = &objects[i];

		bad += reader_bad(&reader, object, OBJECT_VA + i * 64 * MIB) != 0;
		/* Something new, by the processor or by the device. */
		if (rounds & 1) {
			object->key = uapi_random();
			object_fill(object);
		} else {
			struct object *other = &objects[(i + 1) % 3];

			err = reader_run(&reader, lib_copy(OBJECT_VA + i * 64 * MIB,
							   OBJECT_VA + (i + 1) % 3 * 64 * MIB, 4 * MIB));
			bad += err != 0;
			object->key = other->key;
		}
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	after = shrink_read();
	CHECK(!bad, "%u rounds of a queue that runs, memory short %u times: %u were wrong", rounds, count, bad);
	CHECK(after.parked > before.parked && shrink_suspended() > suspended,
	      "meanwhile %llu objects went, contexts were suspended %u times",
	      (unsigned long long)(after.parked - before.parked), shrink_suspended() - suspended);
	for (unsigned int i = 0; i < 3; i++)
		object_close(&objects[i]);
	reader_close(&reader);
}

/* Processes that end while their memory is away, or is just going, leave nothing. */
static void test_death(unsigned int rounds)
{
	uint64_t before[2], after[2];
	struct shrink now = { 0 };
	int fd = uapi_open();

	uapi_memory_used(fd, before);
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned int delay = (unsigned int)(uapi_random() % 20000);
		pid_t pid = fork();

		REQUIRE(pid >= 0, "fork");
		if (!pid) {
			struct reader reader;
			struct object object;

			uapi_quiet = true;
			reader_open(&reader, i & 1);
			object_create(&object, reader.lib.fd, 6 * MIB, DRM_GAON_BO_HOST, 0);
			reader_map(&reader, &object, OBJECT_VA);
			kill(getpid(), SIGSTOP);
			for (;;)
				reader_bad(&reader, &object, OBJECT_VA);
		}
		waitpid(pid, NULL, WUNTRACED);
		shrink_all();
		kill(pid, SIGCONT);
		usleep(delay);
		if (i & 2)
			shrink_reclaim(8 * MIB);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	for (unsigned int i = 0; i < 500; i++) {
		uapi_memory_used(fd, after);
		now = shrink_read();
		if (after[0] == before[0] && !now.resident)
			break;
		usleep(10000);
	}
	CHECK(after[0] == before[0] && !now.resident && !now.objects,
	      "%u processes ended: host memory %llu before and %llu after, %llu KiB in %llu objects", rounds,
	      (unsigned long long)before[0], (unsigned long long)after[0],
	      (unsigned long long)now.resident, (unsigned long long)now.objects);
	close(fd);
}

/* The card is reset while objects are away: what is in host memory is the process' still. */
static void test_reset(void)
{
	struct reader reader, fresh;
	struct object object, other;
	uint64_t bad;

	reader_open(&reader, true);
	object_create(&object, reader.lib.fd, 6 * MIB, DRM_GAON_BO_HOST, 0);
	REQUIRE(!reader_map(&reader, &object, OBJECT_VA), "an object that the device sees");
	shrink_all();
	CHECK_ERRNO(shrink_debugfs("reset", "device"), 0, "the card is reset while it is away");
	shrink_all();
	check_back(&object, "it is what it was");
	reader_open(&fresh, true);
	object_create(&other, fresh.lib.fd, 6 * MIB, DRM_GAON_BO_HOST, 0);
	REQUIRE(!reader_map(&fresh, &other, OBJECT_VA), "another context's");
	shrink_all();
	bad = reader_bad(&fresh, &other, OBJECT_VA);
	CHECK(!bad, "and the device goes on with others: %lld words are others", (long long)bad);
	object_close(&other);
	object_close(&object);
	reader_close(&fresh);
	reader_close(&reader);
}

/* --- short of memory ------------------------------------------------------------------------------ */

#define CLIENTS		2u
#define HOGS		3u
#define ENOUGH_KIB	(48u << 10)
#define HOG_WORDS	512u

/** struct client - a process that has more objects than it should */
struct client {
	struct reader reader;
	struct object objects[8];
};

/* Said by the parent to all. */
struct orders {
	atomic_bool go, stop;
};

static void wait_for_go(struct orders *orders)
{
	while (!atomic_load(&orders->go))
		usleep(10000);
}

/* Reads and changes its objects at random; exit status: how often something was wrong. */
static void client_run(uint64_t bytes, bool lr, uint64_t seed, struct orders *orders)
{
	static struct client client;
	unsigned int bad = 0, rounds = 0;

	uapi_quiet = true;
	srand((unsigned int)seed);
	reader_open(&client.reader, lr);
	for (unsigned int i = 0; i < 8; i++) {
		object_create(&client.objects[i], client.reader.lib.fd, bytes / 8 & ~(uint64_t)(PAGE - 1),
			      DRM_GAON_BO_HOST, 0);
		client.objects[i].key = seed + i;
		object_fill(&client.objects[i]);
		MUST(!reader_map(&client.reader, &client.objects[i], OBJECT_VA + i * (1ull << 30)),
		     "an object");
	}
	wait_for_go(orders);
	while (!atomic_load(&orders->stop) || rounds < 8) {
		unsigned int i = rounds < 8 ? rounds : (unsigned int)rand() % 8;
		struct object *object = &client.objects[i];

		/* By the device or by the processor. */
		if (rand() & 1)
			bad += reader_bad(&client.reader, object, OBJECT_VA + i * (1ull << 30)) != 0;
		else
			bad += object_bad(object) != 0;
		if (!(rand() % 4)) {
			object->key += 0x100000001ull;
			object_fill(object);
		}
		rounds++;
	}
	_exit(bad > 90 ? 90 : (int)bad);
}

/* Memory of a process, as the kernel would swap it out, too. */
static void hog_run(uint64_t bytes, uint64_t seed, struct orders *orders)
{
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t i, bad = 0, round = 0;

	if (words == MAP_FAILED)
		_exit(99);
	wait_for_go(orders);
	for (i = 0; i < bytes / 8; i++)
		words[i] = object_word(seed, i);
	while (!atomic_load(&orders->stop)) {
		i = round++ * 0x9e3779b97f4a7c15ull % (bytes / 8 / HOG_WORDS) * HOG_WORDS;
		for (uint64_t w = i; w < i + HOG_WORDS; w++)
			bad += words[w] != object_word(seed, w);
	}
	_exit(bad ? 91 : 0);
}

/* Until enough has gone and come, or that long. */
static struct shrink wait_short(const struct shrink *before, unsigned int seconds)
{
	int64_t end = lib_now() + seconds * 1000000000ll;
	struct shrink now;

	do {
		usleep(200000);
		now = shrink_read();
	} while (lib_now() < end && (now.out - before->out < ENOUGH_KIB || now.in - before->in < ENOUGH_KIB));
	return now;
}

/* What processes can have of the machine's memory: of a debugging kernel's much less than there is. */
static uint64_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	REQUIRE(file, "/proc/meminfo: %s", strerror(errno));
	while (!kib && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
			kib = 0;
	fclose(file);
	REQUIRE(kib, "%llu KiB of memory are available", kib);
	return kib << 10;
}

static void test_short(unsigned int seconds)
{
	struct shrink before = shrink_read(), after;
	uint64_t seed = uapi_random(), total, each;
	unsigned int right = 0, n, suspended = shrink_suspended();
	pid_t pids[CLIENTS + HOGS], pid;
	struct orders *orders;
	int status;

	total = available_bytes();
	/* Objects two fifths of memory, processes most of it. */
	each = total / 5;
	orders = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(orders != MAP_FAILED, "shared memory");
	printf("# %llu MiB of memory available: %u clients of %llu MiB, %u processes of %llu MiB\n",
	       (unsigned long long)(total / MIB), CLIENTS, (unsigned long long)(each / MIB), HOGS,
	       (unsigned long long)(total / 4 / MIB));
	fflush(stdout);
	for (n = 0; n < CLIENTS + HOGS; n++) {
		pids[n] = fork();
		MUST(pids[n] >= 0, "fork: %s", strerror(errno));
		if (!pids[n] && n < CLIENTS)
			client_run(each, n & 1, seed + n * 1000, orders);
		else if (!pids[n])
			hog_run(total / 4, seed + n * 1000, orders);
	}
	atomic_store(&orders->go, true);
	after = wait_short(&before, seconds);
	atomic_store(&orders->stop, true);
	while ((pid = waitpid(-1, &status, 0)) > 0) {
		right += status == 0;
		if (status)
			printf("# a %s ended with status %#x\n", pid == pids[0] || pid == pids[1] ? "client" :
			       "process", status);
	}
	CHECK(right == n, "%u of %u processes were right", right, n);
	CHECK(after.out > before.out && after.in > before.in,
	      "memory was short: %llu MiB of objects went and %llu MiB came back, contexts were suspended %u times; %llu times there was no memory for a copy",
	      (unsigned long long)(after.out - before.out) / 1024,
	      (unsigned long long)(after.in - before.in) / 1024, shrink_suspended() - suspended,
	      (unsigned long long)(after.failed - before.failed));
	munmap(orders, PAGE);
}

/* Who asks for more than there is is told so, and nobody is killed for it. */
static void test_too_much(void)
{
	uint64_t total, got = 0, left, *locked;
	struct sysinfo info;
	int fd = uapi_open(), err = 0;

	sysinfo(&info);
	total = (uint64_t)info.totalram * info.mem_unit;
	left = ((uint64_t)info.freeram * info.mem_unit) & ~(MIB - 1);
	/* What cannot be swapped out: only a part of what is left may be had. */
	locked = mmap(NULL, left / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(locked != MAP_FAILED && !mlock(locked, left / 2), "%llu MiB that stay: %s",
		(unsigned long long)(left / 2 / MIB), strerror(errno));
	while (!err && got <= total) {
		struct drm_gaon_bo_create args = { .size = 4 * MIB, .flags = DRM_GAON_BO_HOST };

		err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);
		got += err ? 0 : 4 * MIB;
	}
	CHECK(err == ENOMEM && got < total, "%llu of %llu MiB, then: %s", (unsigned long long)(got / MIB),
	      (unsigned long long)(total / MIB), strerror(err));
	close(fd);
	munmap(locked, left / 2);
}

/* --- sleep ------------------------------------------------------------------------------------------ */

static void test_sleep(void)
{
	struct reader reader;
	struct object object;
	uint64_t bad;
	int err;

	reader_open(&reader, true);
	object_create(&object, reader.lib.fd, DATA_BYTES, DRM_GAON_BO_HOST, 0);
	REQUIRE(!reader_map(&reader, &object, OBJECT_VA), "an object that the device sees");
	shrink_all();
	REQUIRE(!counters_write("/sys/power/pm_test", "devices"), "a kernel that tests its sleep");
	err = counters_write("/sys/power/state", "mem");
	CHECK_ERRNO(err, 0, "the machine slept while it was away");
	bad = reader_bad(&reader, &object, OBJECT_VA);
	CHECK(!bad, "then the device sees it: %lld words are others", (long long)bad);
	shrink_all();
	err = counters_write("/sys/power/state", "mem");
	CHECK_ERRNO(err, 0, "and slept again");
	check_back(&object, "and the processor");
	counters_write("/sys/power/pm_test", "none");
	object_close(&object);
	reader_close(&reader);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "by-hand";

	if (!strcmp(what, "by-hand"))
		test_no_swap();
	swap_on(SWAP_BYTES);
	if (!strcmp(what, "by-hand")) {
		test_kinds();
		test_bound_late();
		test_exported();
		test_busy();
		test_debugger();
		test_running(6);
		test_group();
		test_death(12);
		test_reset();
	} else if (!strcmp(what, "short")) {
		test_short(argc > 2 ? (unsigned int)atoi(argv[2]) : 120);
		test_too_much();
	} else {
		test_sleep();
	}
	swap_off();
	uapi_exit();
}
