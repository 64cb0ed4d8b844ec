// SPDX-License-Identifier: MIT
/*
 * The firmware is started anew, since it crashed, hung, or somebody asked for it: who had nothing under way
 * notices nothing. Address spaces, objects, what is in HBM, queues of both kinds and what is mapped go on;
 * whose work was under way is told so, and goes on in the same address space.
 *
 *	restart [N [WORD]...]		N times (default 8); WORD: for the card's `inject`, else by `reset`
 *
 * As root, with one card.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../liar/cards.h"
#include "counters.h"

#define SEEN_WORDS	512u
#define BUSY_MS		2000
#define NOISE		64

static struct card card;

/* With memory that it sees, and a queue. */
struct user {
	struct lib lib;
	struct lib_queue queue;
	uint32_t out;
	volatile uint64_t *seen;
	uint64_t seed;
};

static void user_start(struct user *user, bool kernel)
{
	uint32_t bo;
	int err;

	*user = (struct user){ .seed = uapi_random() };
	user_open(&user->lib, &card, kernel ? 0 : DRM_GAON_VM_LR);
	user->out = kernel ? lib_syncobj(user->lib.fd) : 0;
	if (kernel)
		err = lib_kernel_queue(&user->lib, &user->queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull);
	else
		err = lib_user_queue(&user->lib, &user->queue, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX);
	REQUIRE(!err, "a queue");
	bo = uapi_bo(user->lib.fd, 8 * SEEN_WORDS, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
	user->seen = uapi_mmap(user->lib.fd, bo, 8 * SEEN_WORDS);
	REQUIRE(user->seen, "HBM that it sees");
	for (unsigned int i = 0; i < SEEN_WORDS; i++)
		user->seen[i] = user->seed + i;
}

/* 0, or the error of the work. */
static int user_copy(struct user *user, uint64_t to, uint64_t from)
{
	if (user->out)
		return run_copy(&user->queue, to, from, user->out);
	return lib_run(&user->queue, lib_copy(to, from, BYTES));
}

/* All that it has is as it was, and its queue, if it is to, works. */
static void user_check(struct user *user, const char *who)
{
	struct drm_gaon_vm_state state = { .vm_id = user->lib.vm };
	struct drm_gaon_queue_query query = { 0 };
	unsigned int wrong = 0;
	int err;

	err = uapi_ioctl(user->lib.fd, DRM_IOCTL_GAON_VM_STATE, &state);
	if (err || state.state)
		CHECK(false, "%s: its address space is there: error %d, state %#x", who, err, state.state);
	for (unsigned int i = 0; i < SEEN_WORDS; i++)
		wrong += user->seen[i] != user->seed + i;
	if (wrong)
		CHECK(false, "%s: HBM that it sees: %u words are others", who, wrong);
	memset(user->lib.mem + BACK, 0, BYTES);
	err = user_copy(user, lib_va(BACK), HBM_VA);
	if (!err && !memcmp(user->lib.mem + FROM, user->lib.mem + BACK, BYTES))
		return;
	lib_state(&user->queue, &query, 0);
	CHECK(false, "%s: HBM that its queue reads is as it was: error %d, queue's state %#x, fault %u at packet %llu of %llu",
	      who, err, query.state, query.fault.type, (unsigned long long)query.fault.sequence,
	      (unsigned long long)user->queue.write);
}

static void user_end(struct user *user)
{
	munmap((void *)(uintptr_t)user->seen, 8 * SEEN_WORDS);
	lib_close(&user->lib);
}

/* --- what is done to it ------------------------------------------------------------------------ */

static int restart(const char *word)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", card.debugfs, word ? "inject" : "reset");
	return counters_write(path, word ? word : "firmware");
}

static void work_begin(struct user *user)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 2);
	struct drm_gaon_queue_query query = { 0 };
	int64_t end = lib_now() + BUSY_MS * 1000000ll;

	if (user->out) {
		int err = run_endless(&user->queue, user->out);

		MUST(!err, "work without end: %s", strerror(err));
	} else {
		lib_push(&user->queue, &packet);
	}
	while (!(query.state & DRM_GAON_QUEUE_IN_SLOT) && lib_now() < end)
		MUST(!lib_state(&user->queue, &query, 0), "state");
}

/* It lost its work to others, is told, and goes on. */
static void work_check_lost(struct user *user, const char *who)
{
	struct drm_gaon_queue_query query = { 0 };
	int err;

	err = user->out ? outcome(&user->lib, user->out) :
			  lib_wait(&user->lib, lib_word(&user->lib, WORD), UINT64_MAX, END_MS);
	if (err != (user->out ? ECANCELED : EIO))
		CHECK(false, "%s: it is told of the work that it lost: %s", who, strerror(err));
	err = lib_state(&user->queue, &query, DRM_GAON_QUEUE_ACK);
	if (err || !(query.state & DRM_GAON_QUEUE_WAS_RESET) ||
	    query.state & (DRM_GAON_QUEUE_GUILTY | DRM_GAON_QUEUE_DEAD))
		CHECK(false, "%s: for another's sake: error %d, state %#x, fault %u at packet %llu", who, err, query.state,
		      query.fault.type, (unsigned long long)query.fault.sequence);
	err = lib_clear(&user->queue);
	if (err)
		CHECK(false, "%s: its queue goes on: %s", who, strerror(err));
	if (!user->out)
		user->queue.write = *(volatile uint64_t *)&user->queue.state->write;
}

/* --- whose memory does not fit ------------------------------------------------------------------ */

#define MOVERS		2
#define OBJECTS		20u
#define OBJECT_VA(i)	(0x2000000000ull + ((uint64_t)(i) << 32))

struct mover {
	pid_t pid;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t dropped;
	char wrong[160];
};

/* 0; EAGAIN: it had work under way, was told so, and goes on; or what it should not hear. */
static int mover_run(struct user *user, struct mover *mover, uint64_t to, uint64_t from)
{
	struct drm_gaon_queue_query query = { 0 };
	int err = run_copy(&user->queue, to, from, user->out), state;

	if (err != EIO && err != ECANCELED)
		return err;
	state = lib_state(&user->queue, &query, DRM_GAON_QUEUE_ACK);
	if (state || !(query.state & DRM_GAON_QUEUE_WAS_RESET) || query.state & DRM_GAON_QUEUE_GUILTY) {
		snprintf(mover->wrong, sizeof(mover->wrong), "%s, but its queue: error %d, state %#x", strerror(err),
			 state, query.state);
		return err;
	}
	mover->dropped++;
	return lib_clear(&user->queue) ?: EAGAIN;
}

/* Each object's first words are moved in and out of HBM with it, and stay what they are. */
static void mover_work(struct user *user, struct mover *mover)
{
	uint64_t first[OBJECTS] = { 0 }, *words = (uint64_t *)(user->lib.mem + FROM), bytes;
	struct drm_gaon_query_memory memory[2] = { 0 };
	int err = uapi_query(user->lib.fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));

	/* Of both together more than the card has. */
	bytes = memory[1].total * 5 / 8 / OBJECTS & ~0xffffull;
	for (unsigned int i = 0; i < OBJECTS && !err; i++) {
		uint32_t bo = uapi_bo(user->lib.fd, bytes, DRM_GAON_BO_HBM, 0);

		err = uapi_map(user->lib.fd, user->lib.vm, bo, 0, OBJECT_VA(i), bytes, 0);
	}
	for (; !mover->stop && !err; mover->rounds++) {
		unsigned int i = (unsigned int)(uapi_random() % OBJECTS);
		uint64_t next = uapi_random();

		do
			err = mover_run(user, mover, lib_va(BACK), OBJECT_VA(i));
		while (err == EAGAIN);
		if (!err && *lib_word(&user->lib, BACK) != first[i]) {
			snprintf(mover->wrong, sizeof(mover->wrong), "object %u has other data", i);
			return;
		}
		words[0] = next;
		if (err)
			break;
		do
			err = mover_run(user, mover, OBJECT_VA(i), lib_va(FROM));
		while (err == EAGAIN);
		first[i] = next;
	}
	if (err && !mover->wrong[0])
		snprintf(mover->wrong, sizeof(mover->wrong), "%s", strerror(err));
}

static struct mover *mover_start(void)
{
	struct mover *mover = mmap(NULL, sizeof(*mover), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct user user;
	int64_t end;

	REQUIRE(mover != MAP_FAILED, "memory");
	fflush(stdout);
	mover->pid = fork();
	if (!mover->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		user_start(&user, true);
		mover_work(&user, mover);
		_exit(0);
	}
	REQUIRE(mover->pid > 0, "fork");
	end = lib_now() + END_MS * 1000000ll;
	while (!mover->rounds && !mover->wrong[0] && lib_now() < end)
		usleep(1000);
	return mover;
}

static void mover_end(struct mover *mover, const char *kind)
{
	int status = 0;

	mover->stop = true;
	waitpid(mover->pid, &status, 0);
	CHECK(!status && !mover->wrong[0] && mover->rounds,
	      "%s: whose objects were moved in and out of HBM, %llu times, lost work %llu times, and nothing else: %s",
	      kind, (unsigned long long)mover->rounds, (unsigned long long)mover->dropped,
	      mover->wrong[0] ? mover->wrong : "right");
	munmap(mover, sizeof(*mover));
}

static void restarts(const char *word, unsigned int times)
{
	struct user idle[2], busy[2];
	const char *kind = word ? word : "asked for";
	int before = recovered(&card, "firmware", NULL), lost = counts(&card).device, err = 0, helped;
	struct mover *mover[MOVERS] = { mover_start(), mover_start() };
	unsigned long long longest = 0;
	char what[64];

	for (int i = 0; i < 2; i++) {
		user_start(&idle[i], i);
		user_start(&busy[i], i);
		err = user_copy(&idle[i], HBM_VA, lib_va(FROM)) ?: user_copy(&busy[i], HBM_VA, lib_va(FROM));
		CHECK_ERRNO(err, 0, "data goes to HBM");
	}
	for (unsigned int n = 0; n < times && !err; n++) {
		for (int i = 0; i < 2; i++)
			work_begin(&busy[i]);
		err = restart(word);
		for (int i = 0; i < 2 && !err; i++) {
			user_check(&idle[i], i ? "idle, kernel-owned queue" : "idle, user-mode queue");
			work_check_lost(&busy[i], i ? "busy, kernel-owned queue" : "busy, user-mode queue");
			user_check(&busy[i], i ? "busy before, kernel-owned queue" : "busy before, user-mode queue");
		}
	}
	CHECK_ERRNO(err, 0, "%s: each of %u restarts", kind, times);
	for (int i = 0; i < MOVERS; i++)
		mover_end(mover[i], kind);
	helped = recovered(&card, "firmware", &longest) - before;
	CHECK(helped == (int)times && counts(&card).device == lost,
	      "%s: the firmware was started anew %d times, in %llu us at most, and the device was not reset", kind,
	      helped, longest);
	for (int i = 0; i < 2; i++) {
		user_end(&idle[i]);
		user_end(&busy[i]);
	}
	snprintf(what, sizeof(what), "%s, times", kind);
	uapi_figure("restarts of the firmware", what, times);
	snprintf(what, sizeof(what), "%s, microseconds at most", kind);
	uapi_figure("restarts of the firmware", what, longest);
}

int main(int argc, char **argv)
{
	unsigned int times = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 8;
	struct counters *before = malloc(sizeof(*before));

	snprintf(card.address, sizeof(card.address), "%s", counters_card());
	REQUIRE(before && card_find(&card), "a card with a node and a directory in debugfs");
	if (argc > 2) {
		for (int i = 2; i < argc; i++)
			restarts(argv[i], times);
		uapi_exit();
	}
	restarts(NULL, 1);
	counters_read(before);
	restarts(NULL, times);
	counters_check(before, NOISE, "the firmware was started again and again");
	uapi_exit();
}
