// SPDX-License-Identifier: MIT
/* WAIT: what it refuses, when it ends, and that no wake-up is missed. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "queue_lib.h"

#define WORD	0x0
#define ROUNDS	2000

static int wait_raw(int fd, struct drm_gaon_wait args)
{
	return ioctl(fd, DRM_IOCTL_GAON_WAIT, &args) ? errno : 0;
}

static void test_arguments(struct lib *lib)
{
	volatile uint64_t *word = lib_word(lib, WORD);
	const struct drm_gaon_wait good = { .addr = (uintptr_t)word, .value = 5, .vm_id = lib->vm };
	struct drm_gaon_wait args;
	uint32_t op;

#define WAITS(error, what, ...) do {							\
	args = good;									\
	__VA_ARGS__;									\
	CHECK_ERRNO(wait_raw(lib->fd, args), error, what);				\
} while (0)
	*word = 5;
	WAITS(0, "a value that is there", (void)0);
	WAITS(ENOENT, "no such VM", args.vm_id = 77);
	for (op = 3; op < 32; op++)
		WAITS(EINVAL, "an unknown op", args.op = op);
	WAITS(EINVAL, "an address out of line", args.addr += 4);
	WAITS(EFAULT, "an address nowhere", args.addr = 0xdead000);
	WAITS(EFAULT, "an address of the kernel", args.addr = 0xffff888000000000ull);
	WAITS(ETIME, "a time in the past", args.value = 6, args.timeout_ns = 1);
	WAITS(ETIME, "a time before all times", args.value = 6, args.timeout_ns = INT64_MIN);
	WAITS(0, "the longest time", args.timeout_ns = INT64_MAX);
	WAITS(0, "equal", args.op = DRM_GAON_WAIT_EQ);
	WAITS(ETIME, "not equal", args.op = DRM_GAON_WAIT_EQ, args.value = 4);
	WAITS(0, "a bit", args.op = DRM_GAON_WAIT_MASK, args.value = 0xfffffffffffffff4ull);
	WAITS(ETIME, "no bit", args.op = DRM_GAON_WAIT_MASK, args.value = 0xfffffffffffffffaull);
	WAITS(ETIME, "no bits at all", args.op = DRM_GAON_WAIT_MASK, args.value = 0);
	*word = UINT64_MAX;
	WAITS(0, "unsigned", args.value = 1ull << 63);
	WAITS(0, "a word on the stack", *word = 5, args.addr = (uintptr_t)&good.value);
#undef WAITS
}

static void test_time(struct lib *lib)
{
	int64_t start, took;

	*lib_word(lib, WORD) = 0;
	start = lib_now();
	CHECK_ERRNO(lib_wait_op(lib, lib_word(lib, WORD), 1, DRM_GAON_WAIT_GE, start + 50000000), ETIME,
		    "50 ms");
	took = lib_now() - start;
	CHECK(took >= 50000000, "took %lld us", (long long)took / 1000);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void test_signal(struct lib *lib)
{
	struct itimerval timer = { .it_value.tv_usec = 50000 }, none = { .it_value.tv_sec = 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct drm_gaon_wait args = {
		.addr = (uintptr_t)lib_word(lib, WORD), .value = 1, .vm_id = lib->vm,
	};
	int64_t start = lib_now();

	*lib_word(lib, WORD) = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	args.timeout_ns = start + 20000000000ll;
	CHECK_ERRNO(wait_raw(lib->fd, args), EINTR, "a signal");
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	timer.it_interval.tv_usec = 10000;
	setitimer(ITIMER_REAL, &timer, NULL);
	start = lib_now();
	args.timeout_ns = start + 300000000;
	CHECK_ERRNO(wait_raw(lib->fd, args), ETIME, "many signals, and calls that are restarted");
	CHECK(lib_now() - start < 5000000000ll, "do not make it longer");
	setitimer(ITIMER_REAL, &none, NULL);
}

/* --- wake-ups -------------------------------------------------------------------------------- */

struct player {
	struct lib *lib;
	struct lib_queue queue;
	uint64_t mine, theirs;		/* offsets */
	unsigned int bad;
};

/* Each answers the other through the device; a wake-up that is missed would take a minute. */
static void *player_run(void *arg)
{
	struct player *p = arg;
	uint64_t i;

	for (i = 1; i <= ROUNDS && !p->bad; i++) {
		struct gaon_packet packet = lib_nop(lib_va(p->mine), i, GAON_PKT_F_EVENT);

		lib_push(&p->queue, &packet);
		p->bad += lib_wait(p->lib, lib_word(p->lib, p->theirs), i, 60000) != 0;
	}
	return NULL;
}

static void test_wakeups(struct lib *lib)
{
	struct player players[4];
	int64_t start = lib_now();
	pthread_t threads[4];
	unsigned int i, bad = 0;

	for (i = 0; i < 4; i++) {
		players[i] = (struct player){
			.lib = lib, .mine = 0x100 + 64 * i, .theirs = 0x100 + 64 * (i ^ 1),
		};
		*lib_word(lib, players[i].mine) = 0;
		REQUIRE(!lib_user_queue(lib, &players[i].queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
		if (!i)
			lib_doorbell_map(lib, &players[i].queue);
	}
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, player_run, &players[i]);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		bad += players[i].bad;
	}
	CHECK(!bad && lib_now() - start < 60000000000ll, "two pairs, %u rounds each, in %lld ms", ROUNDS,
	      (long long)(lib_now() - start) / 1000000);
	for (i = 0; i < 4; i++)
		CHECK_ERRNO(lib_queue_destroy(&players[i].queue), 0, "destroy");
}

/* A fault ends the sleep of all who wait for the address space, and of nobody else. */
static void *sleeper_run(void *arg)
{
	struct lib *lib = arg;

	return (void *)(intptr_t)lib_wait(lib, lib_word(lib, 0x800), 1, 60000);
}

static void test_all_wake(struct lib *lib)
{
	struct gaon_packet bad = { .type = 0x77 };
	struct lib_queue queue;
	pthread_t threads[5];
	struct lib other;
	unsigned int i;
	void *ret;

	lib_open(&other, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	for (i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, sleeper_run, i == 4 ? &other : lib);
	usleep(100000);
	lib_push(&queue, &bad);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &ret);
		CHECK_ERRNO((int)(intptr_t)ret, EIO, "sleeper %u", i);
	}
	*lib_word(&other, 0x800) = 1;
	/* Nobody told the device; the next event of anybody on the same ring may wake it, or its time. */
	pthread_kill(threads[4], SIGALRM);
	pthread_join(threads[4], &ret);
	CHECK_ERRNO((int)(intptr_t)ret, 0, "who waits for another address space sleeps on");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	lib_close(&other);
}

int main(void)
{
	struct lib lib;

	lib_open(&lib, DRM_GAON_VM_LR);
	test_arguments(&lib);
	test_time(&lib);
	test_signal(&lib);
	test_wakeups(&lib);
	test_all_wake(&lib);
	lib_close(&lib);
	lib_open(&lib, 0);
	test_arguments(&lib);
	lib_close(&lib);
	uapi_exit();
}
