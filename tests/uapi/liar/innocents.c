// SPDX-License-Identifier: MIT
/*
 * Somebody else's work is stuck, and takes a reset of the engines: memory that the driver moves and clears
 * meanwhile for others is what it was, and zero, and the card is not reset for it. And a context of which
 * the firmware says that it did not stop in time goes on when its memory is there again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cards.h"

#define MIB		(1ull << 20)
#define KEPT		4		/* objects whose content is kept */
#define KEPT_BYTES	(12 * MIB)
#define OTHERS		12		/* objects for which they must go, which come cleared */
#define OTHER_BYTES	(8 * MIB)
#define KEPT_VA		0x400000000ull
#define COPIES		3		/* of the driver's own, that must meet a reset of the engines */
#define STUCK		5		/* resets of the engines for somebody's work */
#define ASKED		2000		/* and at most so many that are asked for */
#define OWN_VA		0x500000000ull
#define OWN_BYTES	0x10000

/* What the process says whose objects are moved. */
struct mover {
	volatile bool stop;
	volatile uint32_t rounds;
	int err;		/* of a call, errno */
	const char *what;	/* which */
	uint64_t wrong;		/* words */
	uint64_t seed;
};

/* --- the driver's own copies --------------------------------------------------------------------- */

static uint64_t next_word(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state;
}

static bool mover_failed(struct mover *mover, int err, const char *what)
{
	if (err && !mover->err) {
		mover->err = err;
		mover->what = what;
	}
	return err;
}

static int bo_create(int fd, uint64_t bytes, uint32_t *handle)
{
	struct drm_gaon_bo_create args = { .size = bytes, .flags = DRM_GAON_BO_HBM | DRM_GAON_BO_CPU };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	*handle = args.handle;
	return err;
}

/* Others need HBM: the kept objects go to host memory, and what comes is clear, a word per page at least. */
static bool mover_displace(struct mover *mover, int fd)
{
	uint32_t handles[OTHERS], count;
	uint64_t *cpu, i;

	for (count = 0; count < OTHERS; count++)
		if (mover_failed(mover, bo_create(fd, OTHER_BYTES, &handles[count]), "BO_CREATE"))
			break;
	if (count == OTHERS) {
		cpu = uapi_mmap(fd, handles[OTHERS - 1], OTHER_BYTES);
		for (i = 0; i < OTHER_BYTES / 8; i += 512) {
			mover->wrong += cpu[i] != 0;
			cpu[i] = i;	/* for the next one to find, if it is not cleared */
		}
		munmap(cpu, OTHER_BYTES);
	}
	while (count)
		uapi_bo_close(fd, handles[--count]);
	return !mover->err;
}

/* What is mapped for the device anew is brought to HBM. */
static bool mover_bring_back(struct mover *mover, int fd, uint32_t vm, const uint32_t *handles)
{
	for (unsigned int i = 0; i < KEPT; i++) {
		uint64_t va = KEPT_VA + i * KEPT_BYTES;

		if (mover_failed(mover, uapi_unmap(fd, vm, va, KEPT_BYTES), "UNMAP") ||
		    mover_failed(mover, uapi_map(fd, vm, handles[i], 0, va, KEPT_BYTES, 0), "MAP"))
			return false;
	}
	return true;
}

static void mover_run(struct mover *mover)
{
	int fd = uapi_open(), other = uapi_open();
	uint32_t vm = uapi_vm(fd, 0), handles[KEPT];
	uint64_t *cpu[KEPT], state = mover->seed, i;
	unsigned int k;

	for (k = 0; k < KEPT; k++) {
		if (mover_failed(mover, bo_create(fd, KEPT_BYTES, &handles[k]), "BO_CREATE"))
			return;
		cpu[k] = uapi_mmap(fd, handles[k], KEPT_BYTES);
		for (i = 0; i < KEPT_BYTES / 8; i++)
			cpu[k][i] = next_word(&state);
	}
	while (!mover->stop && mover_bring_back(mover, fd, vm, handles) && mover_displace(mover, other))
		mover->rounds++;
	state = mover->seed;
	for (k = 0; k < KEPT; k++)
		for (i = 0; i < KEPT_BYTES / 8; i++)
			mover->wrong += cpu[k][i] != next_word(&state);
}

/* An endless job fails, and takes all engines with it. */
static void stick_once(const struct card *card)
{
	struct lib_queue queue;
	struct lib lib;
	uint32_t out;

	user_open(&lib, card, 0);
	out = lib_syncobj(lib.fd);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull), "a queue");
	if (run_endless(&queue, out) || outcome(&lib, out) != EIO)
		CHECK(false, "an endless job fails");
	lib_close(&lib);
}

static pid_t mover_start(const struct card *card, struct mover **mover)
{
	pid_t pid;

	*mover = mmap(NULL, sizeof(**mover), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(*mover != MAP_FAILED, "shared memory");
	setenv("GAON_NODE", card->node, 1);
	(*mover)->seed = uapi_random();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		mover_run(*mover);
		_exit(0);
	}
	return pid;
}

static void mover_end(struct mover *mover, pid_t pid)
{
	int status = -1;

	mover->stop = true;
	CHECK(waitpid(pid, &status, 0) == pid && !status, "who moves memory ends well: status %#x", status);
	CHECK(!mover->err, "none of its calls failed: %s, error %d", mover->err ? mover->what : "none",
	      mover->err);
	CHECK(!mover->wrong && mover->rounds, "what was moved %u times is right: %llu words are not",
	      mover->rounds, (unsigned long long)mover->wrong);
	munmap(mover, sizeof(*mover));
}

/* So much later that it is something else that was lost the last time. */
static void wait_round(const struct mover *mover)
{
	int64_t end = lib_now() + END_MS * 1000000ll;
	uint32_t before = mover->rounds;

	while (mover->rounds - before < 2 && !mover->err && lib_now() < end)
		usleep(1000);
}

/* At any time, until copies have met some of them. */
static int reset_engines(const struct card *card, const struct mover *mover)
{
	int64_t end = lib_now() + 2 * END_MS * 1000000ll;
	int start = counts(card).copies, last = start, now = start, asked;
	char path[96];

	snprintf(path, sizeof(path), "%s/reset", card->debugfs);
	for (asked = 0; asked < ASKED && now - start < COPIES && !mover->err && lib_now() < end; asked++) {
		if (!write_file(path, "engines"))
			CHECK(false, "the engines are reset: %s", strerror(errno));
		usleep(2000 + uapi_random() % 30000);
		now = counts(card).copies;
		if (now != last)
			wait_round(mover);
		last = now;
	}
	return asked;
}

void test_copies(const struct card *card)
{
	struct counts before = counts(card), now;
	struct mover *mover;
	int i, asked;
	pid_t pid;

	REQUIRE(write_file(TIMEOUT, "300"), "a time limit of 0.3 s");
	pid = mover_start(card, &mover);
	for (i = 0; i < STUCK; i++)
		stick_once(card);
	asked = reset_engines(card, mover);
	mover_end(mover, pid);
	now = counts(card);
	CHECK(now.engines - before.engines == STUCK + asked, "%d resets of the engines of %d + %d",
	      now.engines - before.engines, STUCK, asked);
	CHECK(now.copies - before.copies >= COPIES, "%d copies met one of them", now.copies - before.copies);
	CHECK(now.device == before.device && !strcmp(attribute(card, "state"), "ready"),
	      "%d resets of the device, which is %s", now.device - before.device, attribute(card, "state"));
}

/* --- a context that is said not to have stopped in time ---------------------------------------------- */

static void push_own(struct lib_queue *queue, uint64_t value)
{
	struct gaon_packet packet = {
		.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.copy = { .dst_va = lib_va(BACK), .src_va = OWN_VA, .bytes = OWN_BYTES },
	};

	lib_push(queue, &packet);
	packet = lib_nop(lib_va(WORD), value, GAON_PKT_F_EVENT);
	lib_push(queue, &packet);
}

void test_suspension(const struct card *card)
{
	char *own = mmap(NULL, OWN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .offset = (uintptr_t)own, .va = OWN_VA,
		.size = OWN_BYTES,
	};
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	struct lib lib;

	REQUIRE(own != MAP_FAILED, "memory");
	memset(own, 1, OWN_BYTES);
	user_open(&lib, card, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	REQUIRE(!uapi_bind(lib.fd, lib.vm, &op, 1), "the caller's memory");
	push_own(&queue, 1);
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, WORD), 1, END_MS), 0, "stuck: it is read");
	CHECK(!memcmp(own, lib.mem + BACK, OWN_BYTES), "as it is");
	CHECK(!madvise(own, OWN_BYTES, MADV_DONTNEED), "its pages go, and the context does not stop in time");
	memset(own, 7, OWN_BYTES);
	push_own(&queue, 2);
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, WORD), 2, END_MS), 0, "it goes on all the same");
	CHECK(!memcmp(own, lib.mem + BACK, OWN_BYTES), "and reads what is there now");
	CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
	CHECK(!(query.state & DRM_GAON_QUEUE_SUSPENDED), "it is not suspended: state %#x", query.state);
	lib_close(&lib);
	munmap(own, OWN_BYTES);
}
