// SPDX-License-Identifier: MIT
/*
 * The runtime over a fake device: rings, doorbells, argument space, and what real devices do only
 * when they break.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../check_run.h"
#include "../../runtime/callback.h"
#include "../../runtime/error.h"
#include "../../runtime/module.h"
#include "../../runtime/peer.h"
#include "../../runtime/stream.h"
#include "runtime_fake.h"

#define WAIT	10000000000ull

static struct gaon_device *dev;
static struct gaon_stream *stream;

static struct rt_device *inside(void)
{
	enum gaon_status status;

	return obj_find(OBJ_DEVICE, dev, &status);
}

static void setup(void)
{
	struct gaon_stream_config config = { .size = sizeof(config), .ring_log2 = 4 };

	ck_assert_int_eq(fake_open(&dev), GAON_OK);
	ck_assert_int_eq(gaon_stream_create(dev, &config, &stream), GAON_OK);
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
}

static void teardown(void)
{
	ck_assert_int_eq(gaon_device_close(dev), GAON_OK);
	ck_assert_uint_eq(atomic_load(&fake.bos), 0);
	ck_assert_uint_eq(atomic_load(&fake.queues), 0);
	ck_assert_uint_eq(atomic_load(&fake.contexts), 0);
}

/* A kernel object without a program: the fake runs none. */
static struct gaon_kernel *kernel_of(uint32_t args_size)
{
	struct rt_kernel *k = obj_alloc(OBJ_KERNEL, sizeof(*k));

	k->dev = inside();
	k->tag = 1;
	k->spm_room = 1 << 20;
	strcpy(k->info.name, "fake");
	k->info.args_size = args_size;
	rt_adopt(k->dev, &k->obj);
	return obj_handle(&k->obj);
}

static enum gaon_status launch(struct gaon_kernel *k, const uint64_t *args, size_t bytes)
{
	return gaon_launch(stream, k, &(struct gaon_launch){
		.size = sizeof(struct gaon_launch), .args = args, .args_size = bytes });
}

/* False: not within the time that a wait is given. */
static bool comes_true(_Atomic bool *flag)
{
	int i;

	for (i = 0; i < 10000 && !atomic_load(flag); i++)
		usleep(1000);
	return atomic_load(flag);
}

START_TEST(ring_wraps_and_arguments_hold)
{
	enum { WORDS = 500 };
	struct gaon_kernel *k = kernel_of(WORDS * 8);
	uint64_t args[WORDS] = { 0 }, sum = 0, i;

	/* Sixteen packets and 256 KiB of arguments at a time, thousands in all. */
	for (i = 0; i < 3000; i++) {
		args[0] = i * i;
		args[1] = i;
		sum += args[0];
		ck_assert_int_eq(launch(k, args, sizeof(args)), GAON_OK);
		memset(args, 0xee, sizeof(args));
	}
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
	ck_assert_uint_eq(atomic_load(&fake.launch_sum), sum);
	ck_assert_uint_eq(atomic_load(&fake.launch_disorder), 0);
}
END_TEST

START_TEST(doorbells_only_when_asked)
{
	struct gaon_kernel *k = kernel_of(0);
	uint32_t before;
	int i;

	atomic_store(&fake.hold, true);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	before = atomic_load(&fake.doorbells);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_uint_eq(atomic_load(&fake.doorbells), before);
	atomic_store(&fake.hold, false);
	/* Whatever the device's timing, no packet is left lying. */
	for (i = 0; i < 300; i++) {
		ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
		if (i % 3 == 0)
			usleep(200);
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	}
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
	ck_assert_uint_eq(atomic_load(&fake.packets), 311);
}
END_TEST

/* What is published after the device looked last and before it says that it sleeps. */
START_TEST(nothing_is_left_to_a_sleeper)
{
	struct gaon_kernel *k = kernel_of(0);
	uint32_t before;
	int n, i;

	for (n = 1; n < 16; n++) {
		atomic_store(&fake.drowse, true);
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);	/* wakes it, if it slept */
		ck_assert(comes_true(&fake.drowsing));
		before = atomic_load(&fake.doorbells);
		for (i = 0; i < n; i++)
			ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
		/* It was not asleep: nobody has rung. */
		ck_assert_uint_eq(atomic_load(&fake.doorbells), before);
		atomic_store(&fake.drowse, false);
		ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
	}
	ck_assert_uint_eq(atomic_load(&fake.packets), 15 + 15 * 16 / 2);
}
END_TEST

START_TEST(a_lost_device)
{
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_kernel *k = kernel_of(0);

	atomic_store(&fake.hold, true);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, 1000000), GAON_ERROR_TIMEOUT);
	atomic_store(&fake.lost, true);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_DEVICE_LOST);
	ck_assert_int_eq(gaon_last_error()->status, GAON_ERROR_DEVICE_LOST);
	ck_assert(gaon_last_error()->hint[0]);
	ck_assert_str_eq(gaon_last_error()->device, "fake");
	ck_assert_int_eq(gaon_device_get_counters(dev, &counters), GAON_ERROR_DEVICE_LOST);
}
END_TEST

START_TEST(an_impossible_read_index)
{
	struct gaon_kernel *k = kernel_of(0);
	enum gaon_status status = GAON_OK;
	int i;

	atomic_store(&fake.read_lie, 1ull << 40);
	for (i = 0; i < 100 && !status; i++)
		status = launch(k, NULL, 0);
	ck_assert_int_eq(status, GAON_ERROR_DEVICE_LOST);
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "impossible"));
}
END_TEST

START_TEST(a_fault_record_full_of_nonsense)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct gaon_kernel *k = kernel_of(0);

	memset(&fake.fault, 0xff, sizeof(fake.fault));
	atomic_store(&fake.fault_at, 1);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_FAULT);
	ck_assert_int_eq(gaon_stream_get_fault(stream, &fault), GAON_OK);
	ck_assert_uint_eq(fault.type, GAON_FAULT_FIRMWARE);
	ck_assert_uint_eq(fault.access, 0);
	ck_assert_uint_eq(fault.operation, 1);
	ck_assert_str_eq(fault.kernel, "");	/* no kernel has that tag */
	/* An older caller's structure. */
	memset(&fault, 0x55, sizeof(fault));
	fault.size = 16;
	ck_assert_int_eq(gaon_stream_get_fault(stream, &fault), GAON_OK);
	ck_assert_uint_eq(fault.type, GAON_FAULT_FIRMWARE);
	ck_assert_uint_eq(fault.core, 0x55555555);
	ck_assert_int_eq(gaon_stream_clear_fault(stream), GAON_OK);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
}
END_TEST

static void count_call(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

/*
 * The host's work behind a fault is not due when its values are stored for the sake of those who wait
 * for them: the doorbell of the stream that hangs on this one, rung at that moment, gives the thread
 * all the time.
 */
START_TEST(callbacks_behind_a_fault_never_run)
{
	struct gaon_kernel *k = kernel_of(0);
	struct gaon_stream *other;
	struct gaon_event *event;
	_Atomic int calls = 0;
	int i;

	ck_assert_int_eq(gaon_stream_create(dev, NULL, &other), GAON_OK);
	ck_assert_int_eq(gaon_event_create(dev, 0, &event), GAON_OK);
	fake.fault = (struct gaon_fault_record){ .type = GAON_FAULT_WATCHDOG };
	atomic_store(&fake.fault_at, 1);
	atomic_store(&fake.hold, true);		/* who knows of the fault gives no more work */
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(gaon_stream_callback(stream, count_call, &calls), GAON_OK);
	ck_assert_int_eq(gaon_event_record(stream, event), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait_event(other, event), GAON_OK);
	atomic_store(&fake.hold, false);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_FAULT);
	atomic_store(&fake.doorbell_ns, 100000000);
	ck_assert_int_eq(gaon_stream_clear_fault(stream), GAON_OK);
	atomic_store(&fake.doorbell_ns, 0);
	ck_assert_int_eq(gaon_stream_wait(other, WAIT), GAON_OK);
	ck_assert_int_eq(atomic_load(&calls), 0);
	/* Those given from now on do. */
	ck_assert_int_eq(gaon_stream_callback(stream, count_call, &calls), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
	ck_assert_int_eq(atomic_load(&calls), 1);
}
END_TEST

/* --- work of the library's own on the callbacks' thread ---------------------------------------- */

struct endless {
	_Atomic int begun, ended;
};

/* What will not happen is waited for, as a semaphore that nobody raises. */
static enum gaon_status endless_run(void *arg)
{
	struct endless *e = arg;

	atomic_fetch_add(&e->begun, 1);
	while (!rt_callback_stopped())
		usleep(1000);
	usleep(20000);
	atomic_fetch_add(&e->ended, 1);
	return gaon_fail(GAON_ERROR_INTERNAL, "it never happened");
}

static enum gaon_status happy_run(void *arg)
{
	(void)arg;
	return GAON_OK;
}

static void work_release(void *arg)
{
	(void)arg;
}

static void give_work(enum gaon_status (*run)(void *arg), void *arg)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, NULL, &status);

	ck_assert_ptr_nonnull(s);
	status = rt_peer_work(s, RT_OP_SEMAPHORE, &(struct rt_work){ run, work_release, arg });
	rt_stream_leave(s);
	ck_assert_int_eq(status, GAON_OK);
}

static void wait_for_one(_Atomic int *count)
{
	int i;

	for (i = 0; i < 10000 && !atomic_load(count); i++)
		usleep(1000);
	ck_assert_int_eq(atomic_load(count), 1);
}

/*
 * The stream stands still behind it when the card is reset: it is dropped like all else, and neither holds
 * up what comes next nor makes it fail.
 */
START_TEST(a_fault_interrupts_work_of_the_host)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *inner = obj_find(OBJ_STREAM, stream, &status);
	struct endless e = { 0 };

	fake.fault = (struct gaon_fault_record){ .type = GAON_FAULT_RESET };
	give_work(endless_run, &e);
	wait_for_one(&e.begun);
	atomic_store(&fake.fault_at, 1);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_FAULT);
	ck_assert_int_eq(atomic_load(&e.ended), 0);
	ck_assert_int_eq(gaon_stream_clear_fault(stream), GAON_OK);
	ck_assert_int_eq(atomic_load(&e.ended), 1);
	ck_assert_uint_eq(inner->peer_list->type, GAON_PKT_NOP);
	give_work(happy_run, NULL);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_OK);
	ck_assert_uint_eq(inner->peer_list->type, GAON_PKT_NOP);
}
END_TEST

/* The end of a stream ends the wait, but what stands behind it does not run for that. */
START_TEST(what_stands_behind_a_wait_ends_with_it)
{
	struct gaon_kernel *k = kernel_of(16);
	struct endless e = { 0 };
	_Atomic int calls = 0;
	uint64_t args[2] = { 1, 0 };

	give_work(endless_run, &e);
	ck_assert_int_eq(launch(k, args, sizeof(args)), GAON_OK);
	ck_assert_int_eq(gaon_stream_callback(stream, count_call, &calls), GAON_OK);
	wait_for_one(&e.begun);
	atomic_store(&fake.doorbell_ns, 100000000);
	ck_assert_int_eq(gaon_device_close(dev), GAON_OK);
	ck_assert_int_eq(atomic_load(&e.ended), 1);
	ck_assert_int_eq(atomic_load(&calls), 0);
	ck_assert_uint_eq(atomic_load(&fake.launch_sum), 0);
	setup();
}
END_TEST

/* Every allocation of the library fails once; what it had got before it gives back. */
static enum gaon_status use_everything(void)
{
	uint64_t va = 0, x[20000] = { 0 };
	struct gaon_stream *s = NULL;
	struct gaon_event *e = NULL;
	struct gaon_mem *m = NULL, *h = NULL;
	enum gaon_status status;

	status = gaon_stream_create(dev, NULL, &s);
	if (!status)
		status = gaon_event_create(dev, GAON_EVENT_TIMED, &e);
	if (!status)
		status = gaon_mem_alloc(dev, 200000, GAON_MEM_DEVICE, &m);
	if (!status)
		status = gaon_mem_alloc(dev, 5000, GAON_MEM_HOST, &h);
	if (!status)
		status = gaon_mem_alloc_async(s, 5000, &va);
	if (!status)
		status = gaon_mem_write_async(s, gaon_mem_va(m), x, sizeof(x));
	if (!status)
		status = gaon_mem_read(dev, x, gaon_mem_va(m), 100);
	if (!status)
		status = gaon_event_record(s, e);
	if (s)
		ck_assert_int_eq(gaon_stream_wait(s, WAIT), GAON_OK);
	if (va)
		ck_assert_int_eq(gaon_mem_free_async(s, va), GAON_OK);
	if (h)
		ck_assert_int_eq(gaon_mem_free(h), GAON_OK);
	if (m)
		ck_assert_int_eq(gaon_mem_free(m), GAON_OK);
	if (e)
		ck_assert_int_eq(gaon_event_destroy(e), GAON_OK);
	if (s)
		ck_assert_int_eq(gaon_stream_destroy(s), GAON_OK);
	return status;
}

START_TEST(every_allocation_fails_once)
{
	int i, refused = 0;

	for (i = 1; i < 30; i++) {
		enum gaon_status status;

		atomic_store(&fake.bo_fail_in, i);
		status = use_everything();
		ck_assert(status == GAON_OK || status == GAON_ERROR_OUT_OF_MEMORY ||
			  status == GAON_ERROR_OUT_OF_DEVICE_MEMORY);
		refused += status != GAON_OK;
		atomic_store(&fake.bo_fail_in, 0);
		ck_assert_int_eq(use_everything(), GAON_OK);
		ck_assert_int_eq(gaon_mem_trim(dev, 0), GAON_OK);
	}
	ck_assert_int_ge(refused, 3);
}
END_TEST

START_TEST(no_queue_left)
{
	struct gaon_stream *s[64];
	enum gaon_status status = GAON_OK;
	int n = 0;

	while (!status && n < 64) {
		status = gaon_stream_create(dev, NULL, &s[n]);
		n += !status;
	}
	ck_assert_int_eq(status, GAON_ERROR_LIMIT);
	ck_assert_int_eq(n, 15);
	while (n--)
		ck_assert_int_eq(gaon_stream_destroy(s[n]), GAON_OK);
}
END_TEST

START_TEST(freeing_waits_for_work)
{
	struct gaon_kernel *k = kernel_of(0);
	struct gaon_mem *m;

	ck_assert_int_eq(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &m), GAON_OK);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(gaon_mem_free(m), GAON_OK);
	ck_assert_uint_ge(atomic_load(&fake.packets), 1);
}
END_TEST

/* --- a device that wakes sleepers only when a packet asks for it ------------------------------ */

static void setup_waking(void)
{
	atomic_store(&fake.wake_flags, GAON_PKT_F_EVENT);
	setup();
}

static void teardown_waking(void)
{
	teardown();
	atomic_store(&fake.wake_flags, 0);
}

struct sleeper {
	struct gaon_queue_state *state;
	uint64_t write;			/* before it slept */
};

/* Lets the device go on when the sleeper has put its packet. */
static void *release_when_asked(void *arg)
{
	const struct sleeper *s = arg;
	int i;

	for (i = 0; i < 5000 && __atomic_load_n(&s->state->write, __ATOMIC_ACQUIRE) == s->write; i++)
		usleep(1000);
	atomic_store(&fake.hold, false);
	return NULL;
}

/* Also until the device has done the packet that the sleeper put, for which it does not wait. */
static void wait_for_held(struct gaon_stream *s)
{
	enum gaon_status status;
	struct rt_stream *inner = obj_find(OBJ_STREAM, s, &status);
	struct sleeper sleeper = { inner->state, inner->write };
	pthread_t thread;
	int i;

	pthread_create(&thread, NULL, release_when_asked, &sleeper);
	ck_assert_int_eq(gaon_stream_wait(s, WAIT), GAON_OK);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(inner->write, sleeper.write + 1);
	for (i = 0; i < 10000 && __atomic_load_n(&inner->state->read, __ATOMIC_ACQUIRE) < inner->write; i++)
		usleep(1000);
}

START_TEST(sleepers_ask_to_be_woken)
{
	struct gaon_kernel *k = kernel_of(0);
	uint32_t events;
	int i;

	/* What is done at once needs no event; who sleeps asks for one, not one per packet. */
	atomic_store(&fake.hold, true);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	events = atomic_load(&fake.events);
	wait_for_held(stream);
	ck_assert_uint_ge(atomic_load(&fake.events), events + 1);
	ck_assert_uint_le(atomic_load(&fake.events), events + 4);
	/* The last place of the ring is enough. */
	atomic_store(&fake.hold, true);
	for (i = 0; i < 16 - 1; i++)
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	wait_for_held(stream);
}
END_TEST

/* Packets that nobody but the library put are not counted as the program's. */
START_TEST(wakers_do_not_count)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct gaon_kernel *k = kernel_of(0);
	int i;

	fake.fault = (struct gaon_fault_record){ .type = GAON_FAULT_WATCHDOG };
	for (i = 0; i < 3; i++) {
		atomic_store(&fake.hold, true);
		ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
		wait_for_held(stream);
	}
	ck_assert_uint_eq(atomic_load(&fake.packets), 6);
	atomic_store(&fake.fault_at, 7);	/* the second of these */
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(launch(k, NULL, 0), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_FAULT);
	ck_assert_int_eq(gaon_stream_get_fault(stream, &fault), GAON_OK);
	ck_assert_uint_eq(fault.operation, 4);
	ck_assert_str_eq(fault.operation_name, "launch");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime queue");
	TCase *tc = tcase_create("fake device");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ring_wraps_and_arguments_hold);
	tcase_add_test(tc, doorbells_only_when_asked);
	tcase_add_test(tc, nothing_is_left_to_a_sleeper);
	tcase_add_test(tc, a_lost_device);
	tcase_add_test(tc, an_impossible_read_index);
	tcase_add_test(tc, a_fault_record_full_of_nonsense);
	tcase_add_test(tc, callbacks_behind_a_fault_never_run);
	tcase_add_test(tc, a_fault_interrupts_work_of_the_host);
	tcase_add_test(tc, what_stands_behind_a_wait_ends_with_it);
	tcase_add_test(tc, every_allocation_fails_once);
	tcase_add_test(tc, no_queue_left);
	tcase_add_test(tc, freeing_waits_for_work);
	suite_add_tcase(suite, tc);
	tc = tcase_create("waking");
	tcase_add_checked_fixture(tc, setup_waking, teardown_waking);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sleepers_ask_to_be_woken);
	tcase_add_test(tc, wakers_do_not_count);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
