// SPDX-License-Identifier: MIT
/*
 * Who comes first when queues share one slot: priorities, and what becomes of work that has no turn. For
 * a card with --slots 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../queue_lib.h"

#define LIST		0x1000	/* two packets for each priority */
#define HOLD_LIST	0x2000	/* packets of who holds the slot */
#define LAST		0x4000	/* priority of whoever was the last to run, and 1 */
#define BEFORE		0x4040	/* what each found there */
#define HOLD		0x5000	/* words that whoever holds the slot waits for */
#define COUNT		0x7000
#define PRIORITIES	4
#define TIMEOUT		"/sys/module/gaon/parameters/job_timeout_ms"

static void list_set(struct lib *lib, uint64_t offset, struct gaon_packet packet)
{
	memcpy(lib->mem + offset, &packet, sizeof(packet));
}

static bool timeout_set(const char *ms)
{
	int fd = open(TIMEOUT, O_WRONLY);
	bool good = fd >= 0 && write(fd, ms, strlen(ms)) == (ssize_t)strlen(ms);

	if (fd >= 0)
		close(fd);
	return good;
}

/* The most that a launch of a kernel-owned queue may take: a slow guest's looks outlast the usual 2. */
#define LIMIT_SECONDS	10ull

/* A queue for those that hold the slot. */
static int holder_queue(struct lib *lib, struct lib_queue *queue, uint32_t priority)
{
	struct drm_gaon_query_device device = { 0 };
	int err = uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));

	return err ? err : lib_kernel_queue(lib, queue, 4, priority,
					    LIMIT_SECONDS * 1000 * device.clock_khz);
}

/* A job that runs until word @n of HOLD is not 0. */
static int hold(struct lib_queue *queue, uint32_t n, uint32_t out)
{
	uint64_t list = HOLD_LIST + n % 64 * sizeof(struct gaon_packet);

	*lib_word(queue->lib, HOLD + 8 * n) = 0;
	list_set(queue->lib, list, lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL, lib_va(HOLD + 8 * n), 1));
	return lib_submit(queue, lib_va(list), 1, 0, 0, out, 0);
}

static void let_go(struct lib *lib, uint32_t n)
{
	*lib_word(lib, HOLD + 8 * n) = 1;
}

/* Until all jobs submitted have been handed to the device, and the firmware has heard of them. */
static bool handed_over(struct lib_queue *queue, uint32_t jobs)
{
	struct drm_gaon_queue_query query;
	unsigned int tries;

	for (tries = 0; tries < 2000; tries++) {
		if (lib_state(queue, &query, 0))
			return false;
		/* Commands and doorbells are taken in turns: at the second answer the doorbell was. */
		if (query.ring_index == 1 + jobs * DRM_GAON_JOB_PACKETS)
			return !lib_state(queue, &query, 0) && !lib_state(queue, &query, 0);
		usleep(10000);
	}
	return false;
}

static bool in_slot(struct lib_queue *queue)
{
	struct drm_gaon_queue_query query = { 0 };
	unsigned int tries;

	for (tries = 0; tries < 2000; tries++) {
		if (!lib_state(queue, &query, 0) && query.state & DRM_GAON_QUEUE_IN_SLOT)
			return true;
		usleep(10000);
	}
	return false;
}

/* Jobs wait for the slot, the least urgent for the longest time: they run by priority. */
static void test_order(struct lib *lib)
{
	struct lib_queue holder, queues[PRIORITIES];
	uint32_t out[PRIORITIES], held = lib_syncobj(lib->fd), i;
	volatile uint64_t *before = lib_word(lib, BEFORE);
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;

	REQUIRE(!holder_queue(lib, &holder, DRM_GAON_PRIORITY_REALTIME), "a queue");
	CHECK_ERRNO(hold(&holder, 0, held), 0, "it holds the slot");
	CHECK(in_slot(&holder), "it has it");
	*lib_word(lib, LAST) = 0;
	for (i = 0; i < PRIORITIES; i++) {
		REQUIRE(!lib_kernel_queue(lib, &queues[i], 4, i, 0), "a queue of priority %u", i);
		out[i] = lib_syncobj(lib->fd);
		before[i] = UINT64_MAX;
		packet = lib_copy(lib_va(BEFORE + 8 * i), lib_va(LAST), 8);
		packet.flags = GAON_PKT_F_BARRIER;
		packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
		list_set(lib, LIST + 128 * i, packet);
		list_set(lib, LIST + 128 * i + 64, lib_nop(lib_va(LAST), i + 1, 0));
		CHECK_ERRNO(lib_submit(&queues[i], lib_va(LIST + 128 * i), 2, 0, 0, out[i], 0), 0, "its job");
		CHECK(handed_over(&queues[i], 1), "the device knows");
	}
	/* Equals take turns, so the most urgent one may have had its turn by now. */
	for (i = 0; i < DRM_GAON_PRIORITY_REALTIME; i++) {
		CHECK_ERRNO(lib_state(&queues[i], &query, 0), 0, "state");
		CHECK(before[i] == UINT64_MAX && !(query.state & DRM_GAON_QUEUE_IN_SLOT), "priority %u waits: state %#x", i,
		      query.state);
	}
	let_go(lib, 0);
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, held, 0, 60000), 0, "the slot is let go");
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, held), 0, "by a job that was not too long");
	for (i = 0; i < PRIORITIES; i++) {
		CHECK_ERRNO(lib_syncobj_wait(lib->fd, out[i], 0, 60000), 0, "priority %u", i);
		CHECK_ERRNO(-lib_syncobj_status(lib->fd, out[i]), 0, "well");
		lib_syncobj_destroy(lib->fd, out[i]);
		CHECK_ERRNO(lib_queue_destroy(&queues[i]), 0, "destroy");
	}
	CHECK(!before[3] && before[2] == 4 && before[1] == 3 && before[0] == 2,
	      "each came behind the one above it: %llu, %llu, %llu, %llu", (unsigned long long)before[0],
	      (unsigned long long)before[1], (unsigned long long)before[2], (unsigned long long)before[3]);
	CHECK_ERRNO(lib_queue_destroy(&holder), 0, "destroy");
	lib_syncobj_destroy(lib->fd, held);
}

/* Who is less urgent gives the slot up while it works, and goes on later as if nothing had happened. */
static void test_preempts(struct lib *lib, struct lib *lr)
{
	uint32_t held = lib_syncobj(lib->fd), out = lib_syncobj(lib->fd);
	struct drm_gaon_queue_query query;
	struct lib_queue low, high, user;
	struct gaon_packet packet;
	uint64_t before;
	unsigned int i;

	/* Kernel-owned queues go before all user-mode ones. */
	REQUIRE(!lib_user_queue(lr, &user, 4, DRM_GAON_PRIORITY_HIGH, UINT64_MAX) &&
		!holder_queue(lib, &low, DRM_GAON_PRIORITY_LOW) &&
		!lib_kernel_queue(lib, &high, 4, DRM_GAON_PRIORITY_HIGH, 0), "three queues");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_COUNT, lib_va(COUNT), 1);
	lib_push(&user, &packet);
	CHECK(in_slot(&user), "the user-mode one has the slot");
	CHECK_ERRNO(hold(&low, 0, held), 0, "a job of the least urgent one");
	CHECK(in_slot(&low), "takes it");
	list_set(lib, LIST, lib_nop(0, 0, 0));
	CHECK_ERRNO(lib_submit(&high, lib_va(LIST), 1, 0, 0, out, 0), 0, "a job of the most urgent one");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, out, 0, 60000), 0, "ends");
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, out), 0, "well");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, held, 0, 0), ETIME, "before that of the other");
	CHECK_ERRNO(lib_state(&low, &query, 0), 0, "its state");
	CHECK(query.preempted >= 1 && !(query.state & ~DRM_GAON_QUEUE_IN_SLOT), "preempted %llu times, state %#x",
	      (unsigned long long)query.preempted, query.state);
	let_go(lib, 0);
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, held, 0, 60000), 0, "which ends now");
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, held), 0, "well");
	before = *lib_word(lr, COUNT);
	for (i = 0; i < 2000 && *lib_word(lr, COUNT) == before; i++)
		usleep(10000);
	CHECK(*lib_word(lr, COUNT) != before, "and the user-mode one goes on");
	CHECK_ERRNO(lib_state(&user, &query, 0), 0, "its state");
	CHECK(query.preempted >= 1 && !(query.state & ~DRM_GAON_QUEUE_IN_SLOT), "preempted %llu times, state %#x",
	      (unsigned long long)query.preempted, query.state);
	CHECK_ERRNO(lib_queue_destroy(&user), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&low), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&high), 0, "destroy");
	lib_syncobj_destroy(lib->fd, held);
	lib_syncobj_destroy(lib->fd, out);
}

#define AHEAD		4	/* jobs that are handed over before the first of them ends */
#define HOLDS		512
#define PAUSE_MS	250

/*
 * One job behind another, none too long, so that a queue of lower priority has no turn: its fence is
 * signalled all the same, at the end of four times the limit for each queue that shares the slot
 * (gaon_watch.c), with an error that does not blame it.
 */
static void test_starved(struct lib *lib)
{
	uint32_t out = lib_syncobj(lib->fd), held[AHEAD], i, bad = 0;
	struct drm_gaon_queue_query query;
	struct lib_queue low, high;
	int err = ETIME;
	int64_t start;

	/* A job is blamed if this process cannot let it go for 4 s. */
	REQUIRE(timeout_set("4000"), "a limit of 4 s");
	REQUIRE(!lib_kernel_queue(lib, &low, 4, DRM_GAON_PRIORITY_LOW, 0) &&
		!holder_queue(lib, &high, DRM_GAON_PRIORITY_HIGH), "two queues");
	for (i = 0; i < AHEAD; i++) {
		held[i] = lib_syncobj(lib->fd);
		bad += hold(&high, i, held[i]) != 0;
	}
	CHECK(!bad && handed_over(&high, AHEAD) && in_slot(&high), "the slot is held");
	list_set(lib, LIST, lib_nop(0, 0, 0));
	start = lib_now();
	CHECK_ERRNO(lib_submit(&low, lib_va(LIST), 1, 0, 0, out, 0), 0, "a job that waits");
	for (i = 0; i < HOLDS - AHEAD; i++) {
		err = lib_syncobj_wait(lib->fd, out, 0, PAUSE_MS);
		if (err != ETIME)
			break;
		let_go(lib, i);
		bad += lib_syncobj_wait(lib->fd, held[i % AHEAD], 0, 60000) ||
		       lib_syncobj_status(lib->fd, held[i % AHEAD]) ||
		       hold(&high, i + AHEAD, held[i % AHEAD]) || !handed_over(&high, i + AHEAD + 1);
		if (bad)
			break;
	}
	CHECK_ERRNO(err, 0, "it ends, beside %u others", i);
	CHECK(lib_now() - start >= 4 * 3 * 4000000000ll, "after %lld ms",
	      (long long)(lib_now() - start) / 1000000);
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, out), ECANCELED, "for the others' sake");
	CHECK(!bad, "the others ended well");
	CHECK_ERRNO(lib_state(&low, &query, 0), 0, "state");
	CHECK(query.state & DRM_GAON_QUEUE_WAS_RESET && !(query.state & DRM_GAON_QUEUE_GUILTY) &&
	      query.lost == 1 && !query.completed, "state %#x, %llu lost", query.state,
	      (unsigned long long)query.lost);
	for (i = 0; i < HOLDS; i++)
		let_go(lib, i);
	for (i = 0; i < AHEAD; i++) {
		CHECK_ERRNO(lib_syncobj_wait(lib->fd, held[i], 0, 60000), 0, "the slot is let go");
		CHECK_ERRNO(-lib_syncobj_status(lib->fd, held[i]), 0, "well");
		lib_syncobj_destroy(lib->fd, held[i]);
	}
	CHECK_ERRNO(lib_clear(&low), 0, "clear");
	CHECK_ERRNO(lib_submit(&low, lib_va(LIST), 1, 0, 0, out, 0), 0, "another job");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, out, 0, 60000), 0, "ends");
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, out), 0, "well");
	CHECK_ERRNO(lib_queue_destroy(&low), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&high), 0, "destroy");
	lib_syncobj_destroy(lib->fd, out);
	CHECK(timeout_set("0"), "the usual limit");
}

int main(void)
{
	struct drm_gaon_query_device device = { 0 };
	struct lib fence, lr;

	lib_open(&fence, 0);
	lib_open(&lr, DRM_GAON_VM_LR);
	lib_code(&fence);
	lib_code(&lr);
	uapi_query(fence.fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	REQUIRE(device.slots == 1, "a card with one slot: %u", device.slots);
	test_order(&fence);
	test_preempts(&fence, &lr);
	test_starved(&fence);
	lib_close(&lr);
	lib_close(&fence);
	uapi_exit();
}
