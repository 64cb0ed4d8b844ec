// SPDX-License-Identifier: MIT
/*
 * What a process may do to memory of its own while the device reads and writes it: unmap, move, protect,
 * fork, give back, and lose it to reclaim. The device sees what the process would see; where that is nothing
 * its queue faults, and all else goes on. As root.
 *
 *	own		what it does itself
 *	own reclaim	what a memory cgroup does to it; needs zram
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"
#include "swap.h"

#define OWN_VA		0x600000000ull
#define OWN_BYTES	0x100000u
#define PAGE		4096u
#define OWN_FLAGS	(MAP_PRIVATE | MAP_ANONYMOUS)
#define PATIENCE_MS	60000

#define TURNS		12u

/* --- a device at work ---------------------------------------------------------------------------- */

struct bench {
	struct lib lib;
	struct lib_queue queue;
	uint64_t value;
	uint8_t *own;
};

static int own_map(struct bench *b, uint64_t va, void *own, uint64_t bytes)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = va, .size = bytes, .offset = (uintptr_t)own,
	};

	return uapi_bind(b->lib.fd, b->lib.vm, &op, 1);
}

static void *fresh(uint64_t bytes)
{
	void *own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, OWN_FLAGS, -1, 0);

	REQUIRE(own != MAP_FAILED, "memory: %s", strerror(errno));
	return own;
}

static struct gaon_packet fill(uint64_t va, uint64_t bytes, uint64_t pattern)
{
	struct gaon_packet packet = lib_nop(0, 0, 0);

	packet.type = GAON_PKT_FILL;
	packet.fill.dst_va = va;
	packet.fill.bytes = bytes;
	packet.fill.pattern = pattern;
	packet.fill.pattern_size = 8;
	return packet;
}

static int run(struct bench *b, struct gaon_packet packet, int64_t timeout_ms)
{
	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet.signal_va = lib_va(0);
	packet.signal_value = ++b->value;
	lib_push(&b->queue, &packet);
	return lib_wait(&b->lib, lib_word(&b->lib, 0), b->value, timeout_ms);
}

/* The type of the fault, if that is what happened; the queue goes on. */
static unsigned int fault_of(struct bench *b)
{
	struct drm_gaon_queue_query query = { 0 };
	int err = lib_state(&b->queue, &query, DRM_GAON_QUEUE_ACK);

	if (!err)
		err = lib_clear(&b->queue);
	return err ? 1000u + (unsigned int)err : query.fault.type;
}

static bool all_are(const void *memory, uint64_t bytes, uint64_t word)
{
	const volatile uint64_t *words = memory;

	for (uint64_t i = 0; i < bytes / 8; i++) {
		if (words[i] != word)
			return false;
	}
	return true;
}

static void bench_open(struct bench *b)
{
	*b = (struct bench){ 0 };
	lib_open(&b->lib, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&b->lib, &b->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	b->own = fresh(OWN_BYTES);
	memset(b->own, 0, OWN_BYTES);
	REQUIRE(!own_map(b, OWN_VA, b->own, OWN_BYTES), "own memory for the device");
}

static void bench_close(struct bench *b)
{
	lib_queue_destroy(&b->queue);
	if (b->own)
		munmap(b->own, OWN_BYTES);
	lib_close(&b->lib);
}

/* DMA is under way while the process changes its memory: packets that nobody waits for. */
static void start_dma(struct bench *b, uint64_t pattern)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct gaon_packet packet = fill(OWN_VA + (i & 3) * (OWN_BYTES / 4), OWN_BYTES / 4, pattern);

		lib_push(&b->queue, &packet);
	}
}

/* --- one thing after the other -------------------------------------------------------------------- */

static void test_munmap(struct bench *b)
{
	unsigned int type;
	uint8_t *other;
	int err;

	start_dma(b, 1);
	CHECK(!munmap(b->own, OWN_BYTES), "munmap during DMA");
	/* What comes there next is the process' again, and none of the device's. */
	other = mmap(b->own, OWN_BYTES, PROT_READ | PROT_WRITE, OWN_FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
	REQUIRE(other == b->own, "the same addresses again");
	munmap(other + OWN_BYTES / 2, OWN_BYTES / 2);
	err = run(b, fill(OWN_VA + OWN_BYTES / 2, PAGE, 2), PATIENCE_MS);
	type = err == EIO ? fault_of(b) : 0;
	CHECK(err == EIO && type == GAON_FAULT_PAGE, "then its work faults: %s, %u", strerror(err), type);
	CHECK_ERRNO(uapi_unmap(b->lib.fd, b->lib.vm, OWN_VA, OWN_BYTES), 0, "unmap");
	memset(other, 0x33, OWN_BYTES / 2);
	usleep(10000);
	CHECK(all_are(other, OWN_BYTES / 2, 0x3333333333333333ull), "nothing writes there any more");
	munmap(other, OWN_BYTES / 2);
	b->own = fresh(OWN_BYTES);
	CHECK_ERRNO(own_map(b, OWN_VA, b->own, OWN_BYTES), 0, "other memory at the same place");
	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 4), PATIENCE_MS), 0, "for which it works");
	CHECK(all_are(b->own, OWN_BYTES, 4), "and is right");
}

static void test_mremap(struct bench *b)
{
	uint8_t *moved, *hole = fresh(OWN_BYTES);
	unsigned int type;
	int err;

	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 5), PATIENCE_MS), 0, "a fill");
	start_dma(b, 5);
	moved = mremap(b->own, OWN_BYTES, OWN_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	REQUIRE(moved == hole, "mremap during DMA");
	CHECK(all_are(moved, OWN_BYTES, 5), "what was there has moved");
	err = run(b, fill(OWN_VA, OWN_BYTES, 6), PATIENCE_MS);
	type = err == EIO ? fault_of(b) : 0;
	CHECK(err == EIO && type == GAON_FAULT_PAGE, "the device's has not: its work faults: %s, %u", strerror(err),
	      type);
	CHECK(all_are(moved, OWN_BYTES, 5), "and wrote nothing where it went");
	CHECK_ERRNO(own_map(b, OWN_VA, moved, OWN_BYTES), 0, "bound anew");
	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 7), PATIENCE_MS), 0, "it works");
	CHECK(all_are(moved, OWN_BYTES, 7), "there");
	b->own = moved;
}

static void test_mprotect(struct bench *b)
{
	unsigned int type;
	int err;

	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 8), PATIENCE_MS), 0, "a fill");
	start_dma(b, 8);
	CHECK(!mprotect(b->own, OWN_BYTES, PROT_READ), "mprotect during DMA");
	err = run(b, fill(OWN_VA, OWN_BYTES, 9), PATIENCE_MS);
	type = err == EIO ? fault_of(b) : 0;
	CHECK(err == EIO && (type == GAON_FAULT_PAGE || type == GAON_FAULT_PERMISSION),
	      "a write to what is for reading only faults: %s, %u", strerror(err), type);
	CHECK(all_are(b->own, OWN_BYTES, 8), "and wrote nothing");
	CHECK(!mprotect(b->own, OWN_BYTES, PROT_READ | PROT_WRITE), "for writing again");
	CHECK_ERRNO(own_map(b, OWN_VA, b->own, OWN_BYTES), 0, "bound again");
	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 10), PATIENCE_MS), 0, "it works again");
	CHECK(all_are(b->own, OWN_BYTES, 10), "and is right");
}

/* A child that only looks, slowly, at what it inherited; exit status 0: it stayed as it was. */
static pid_t child_looks(const uint8_t *own, uint64_t word, const int go[2])
{
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	if (read(go[0], &byte, 1) != 1)
		_exit(2);
	_exit(!all_are(own, OWN_BYTES, word));
}

static void test_fork(struct bench *b)
{
	unsigned int bad = 0, inherited = 0, turn;

	for (turn = 0; turn < TURNS; turn++) {
		uint64_t word = 0x1000 + 2 * turn;
		int status = -1, go[2];
		pid_t pid;

		bad += run(b, fill(OWN_VA, OWN_BYTES, word), PATIENCE_MS) != 0;
		REQUIRE(!pipe(go), "a pipe");
		start_dma(b, word);
		pid = child_looks(b->own, word, go);
		/* The parent writes, by hand or by the device: the child's copy must not change. */
		if (turn & 1)
			b->own[turn * PAGE] = b->own[turn * PAGE];
		bad += run(b, fill(OWN_VA, OWN_BYTES, word + 1), PATIENCE_MS) != 0;
		bad += !all_are(b->own, OWN_BYTES, word + 1);
		if (write(go[1], "g", 1) != 1)
			bad++;
		waitpid(pid, &status, 0);
		inherited += status == 0;
		close(go[0]);
		close(go[1]);
	}
	CHECK(!bad && inherited == TURNS, "%u forks during DMA: %u times the parent's memory was wrong, %u children saw what they inherited",
	      TURNS, bad, inherited);
}

static void test_advise(struct bench *b, int advice, const char *name)
{
	unsigned int bad = 0, turn;

	for (turn = 0; turn < TURNS; turn++) {
		uint64_t word = 0x2000 + turn;
		uint8_t *part = b->own + uapi_random() % (OWN_BYTES / PAGE - 16) * PAGE;

		bad += run(b, fill(OWN_VA, OWN_BYTES, word), PATIENCE_MS) != 0;
		start_dma(b, word);
		bad += madvise(part, 16 * PAGE, advice) != 0;
		/* The pages are new ones, for the device as well: what it writes arrives. */
		bad += run(b, fill(OWN_VA, OWN_BYTES, word), PATIENCE_MS) != 0;
		bad += !all_are(b->own, OWN_BYTES, word);
		/* And the process' own stores are seen by the device: it copies a page to another. */
		if (advice == MADV_DONTNEED && !(turn & 3)) {
			struct gaon_packet packet = lib_nop(0, 0, 0);

			madvise(b->own, PAGE, advice);
			memset(b->own, 0x5a, PAGE);
			packet.type = GAON_PKT_COPY;
			packet.copy.dst_va = OWN_VA + 64 * PAGE;
			packet.copy.src_va = OWN_VA;
			packet.copy.bytes = PAGE;
			bad += run(b, packet, PATIENCE_MS) != 0;
			bad += !all_are(b->own + 64 * PAGE, PAGE, 0x5a5a5a5a5a5a5a5aull);
		}
	}
	CHECK(!bad, "%u times %s of a part during DMA: %u times something was wrong", TURNS, name, bad);
}

/* --- all at once ----------------------------------------------------------------------------------- */

static atomic_bool stop;

/* Everything that takes pages away and leaves memory there, in random order. */
static void *shake(void *arg)
{
	uint8_t *own = arg;
	unsigned int seed = (unsigned int)uapi_random();
	uint64_t *count = calloc(1, sizeof(*count));

	while (!atomic_load(&stop)) {
		uint8_t *part = own + (unsigned int)rand_r(&seed) % (OWN_BYTES / PAGE - 8) * PAGE;
		int status;
		pid_t pid;

		switch (rand_r(&seed) % 5) {
		case 0:
			madvise(part, 8 * PAGE, MADV_DONTNEED);
			break;
		case 1:
			madvise(part, 8 * PAGE, MADV_FREE);
			break;
		case 2:
			mprotect(part, 8 * PAGE, PROT_READ);
			mprotect(part, 8 * PAGE, PROT_READ | PROT_WRITE);
			break;
		case 3:
			mmap(part, 8 * PAGE, PROT_READ | PROT_WRITE, OWN_FLAGS | MAP_FIXED, -1, 0);
			break;
		default:
			pid = fork();
			if (!pid)
				_exit(0);
			waitpid(pid, &status, 0);
		}
		(*count)++;
		usleep(500);
	}
	return count;
}

/* The device is between two lives of its memory all the time: work may fault, and nothing worse. */
static void test_shake(struct bench *b)
{
	unsigned int done = 0, faults = 0, bad = 0, turn;
	int64_t end = lib_now() + 5000000000ll;
	pthread_t thread;
	uint64_t *count;

	REQUIRE(!pthread_create(&thread, NULL, shake, b->own), "a thread");
	for (turn = 0; lib_now() < end; turn++) {
		int err = run(b, fill(OWN_VA, OWN_BYTES, turn), PATIENCE_MS);

		if (err == EIO) {
			unsigned int type = fault_of(b);

			faults++;
			bad += type != GAON_FAULT_PAGE && type != GAON_FAULT_PERMISSION;
			own_map(b, OWN_VA, b->own, OWN_BYTES);
		} else {
			done++;
			bad += err != 0;
		}
	}
	atomic_store(&stop, true);
	pthread_join(thread, (void **)&count);
	CHECK(!bad && done, "%llu changes of the memory under %u fills and %u faults, %u of them strange",
	      (unsigned long long)*count, done, faults, bad);
	free(count);
	CHECK_ERRNO(own_map(b, OWN_VA, b->own, OWN_BYTES), 0, "at rest it is mapped");
	CHECK_ERRNO(run(b, fill(OWN_VA, OWN_BYTES, 77), PATIENCE_MS), 0, "filled");
	CHECK(all_are(b->own, OWN_BYTES, 77), "and right");
}

/* --- reclaim --------------------------------------------------------------------------------------- */

#define GROUP		"/sys/fs/cgroup/gaon-own"
#define GROUP_LIMIT	"10M"
#define BIG_BYTES	(4ull << 20)
#define HOG_BYTES	(8ull << 20)
#define PARTS		16u
#define BIG_VA		0x900000000ull
#define RECLAIM_TURNS	4u

/* From memory.stat of the group. */
static uint64_t group_stat(const char *key)
{
	FILE *file = fopen(GROUP "/memory.stat", "re");
	unsigned long long value, found = 0;
	char line[128], name[64];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %llu", name, &value) == 2 && !strcmp(name, key))
			found = value;
	}
	if (file)
		fclose(file);
	return found;
}

/* A process that has more memory than it may, half of it the device's. */
static void reclaim_child(void)
{
	const uint64_t chunk = BIG_BYTES / PARTS;
	uint8_t *big, *hog;
	unsigned int bad = 0;
	struct bench b;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (counters_write(GROUP "/cgroup.procs", pid))
		_exit(2);
	bench_open(&b);
	big = fresh(BIG_BYTES);
	hog = fresh(HOG_BYTES);
	madvise(big, BIG_BYTES, MADV_NOHUGEPAGE);
	madvise(hog, HOG_BYTES, MADV_NOHUGEPAGE);
	/* Each part is followed by itself: what is taken of one leaves the others. */
	for (unsigned int i = 0; i < PARTS; i++)
		REQUIRE(!own_map(&b, BIG_VA + i * chunk, big + i * chunk, chunk), "own memory for the device");
	for (unsigned int turn = 0; turn < RECLAIM_TURNS; turn++) {
		for (unsigned int i = 0; i < PARTS; i++) {
			uint64_t word = (uint64_t)turn << 32 | i;

			bad += run(&b, fill(BIG_VA + i * chunk, chunk, word), PATIENCE_MS) != 0;
			/* Makes pages go in the middle of what the device does. */
			for (uint64_t at = 0; at < HOG_BYTES / PARTS; at += PAGE)
				*(volatile uint64_t *)(hog + i * (HOG_BYTES / PARTS) + at) = word + at;
		}
		for (unsigned int i = 0; i < PARTS; i++)
			bad += !all_are(big + i * chunk, chunk, (uint64_t)turn << 32 | i);
		for (uint64_t at = 0; at < HOG_BYTES; at += PAGE)
			bad += *(volatile uint64_t *)(hog + at) !=
			       ((uint64_t)turn << 32 | at / (HOG_BYTES / PARTS)) + at % (HOG_BYTES / PARTS);
	}
	bench_close(&b);
	_exit(bad ? 3 : 0);
}

static void test_reclaim(void)
{
	uint64_t scanned, stolen;
	int status = -1;
	pid_t pid;

	swap_on(SWAP_SMALL);
	counters_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	REQUIRE(!mkdir(GROUP, 0755) && !counters_write(GROUP "/memory.max", GROUP_LIMIT), "a memory cgroup: %s",
		strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		reclaim_child();
	waitpid(pid, &status, 0);
	scanned = group_stat("pgscan_direct");
	stolen = group_stat("pgsteal_direct");
	CHECK(status == 0, "a process whose memory is reclaimed all the time, the device's as well: %#x", status);
	CHECK(stolen > BIG_BYTES / PAGE / 4, "by itself: %llu pages, of %llu looked at", (unsigned long long)stolen,
	      (unsigned long long)scanned);
	CHECK(!rmdir(GROUP), "the group is empty: %s", strerror(errno));
	swap_off();
}

int main(int argc, char **argv)
{
	struct bench b;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "reclaim"))) {
		fputs("usage: own [reclaim]\n", stderr);
		return 2;
	}
	if (argc == 2) {
		test_reclaim();
	} else {
		bench_open(&b);
		test_munmap(&b);
		test_mremap(&b);
		test_mprotect(&b);
		test_fork(&b);
		test_advise(&b, MADV_DONTNEED, "MADV_DONTNEED");
		test_advise(&b, MADV_FREE, "MADV_FREE");
		test_shake(&b);
		bench_close(&b);
	}
	CHECK(counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "no address space is left");
	uapi_exit();
}
