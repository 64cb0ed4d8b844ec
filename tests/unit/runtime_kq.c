// SPDX-License-Identifier: MIT
/*
 * Kernel-owned queues over a kernel module in process: what the kernel refuses, failures of every
 * ioctl, a card that goes away while streams wait. That everything works is for runtime_drm_suite.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drm/gaon_accel.h>
#include <gaon/gaon.h>

#include "drm_check.h"

#define WAIT	20000000000ull
#define WORDS	512

static const struct gaon_device_config kernel_queues = {
	.size = sizeof(kernel_queues), .queues = GAON_QUEUES_KERNEL,
};

/* @second adds to what @first has written; both ways, so that each waits for the other once. */
static enum gaon_status in_turn(struct gaon_stream *first, struct gaon_stream *second,
				struct gaon_event *event, uint64_t va, uint64_t to)
{
	enum gaon_status status;

	status = gaon_mem_fill_async(first, va, 5, 8, WORDS * 8);
	if (!status)
		status = gaon_event_record(first, event);
	if (!status)
		status = gaon_stream_wait_event(second, event);
	if (!status)
		status = gaon_mem_copy_async(second, to, va, WORDS * 8);
	if (!status)
		status = gaon_event_record(second, event);
	if (!status)
		status = gaon_stream_wait_event(first, event);
	return status ? status : gaon_mem_fill_async(first, va, 7, 8, WORDS * 8);
}

static enum gaon_status use_queues(void)
{
	struct gaon_stream *a = NULL, *b = NULL;
	struct gaon_event *event = NULL;
	struct gaon_device *dev = NULL;
	struct gaon_mem *m = NULL;
	uint64_t got[2] = { 0 };
	enum gaon_status status;

	status = gaon_device_open_with("accel0", &kernel_queues, &dev);
	if (status)
		return status;
	status = gaon_stream_create(dev, NULL, &a);
	if (!status)
		status = gaon_stream_create(dev, NULL, &b);
	if (!status)
		status = gaon_event_create(dev, GAON_EVENT_TIMED, &event);
	if (!status)
		status = gaon_mem_alloc(dev, 2 * WORDS * 8, GAON_MEM_DEVICE, &m);
	if (!status)
		status = in_turn(a, b, event, gaon_mem_va(m), gaon_mem_va(m) + WORDS * 8);
	if (!status)
		status = gaon_stream_wait(a, WAIT);
	if (!status)
		status = gaon_stream_wait(b, WAIT);
	if (!status)
		status = gaon_mem_read(dev, got, gaon_mem_va(m) + (WORDS - 1) * 8, 16);
	if (!status) {
		ck_assert_uint_eq(got[0], 7);
		ck_assert_uint_eq(got[1], 5);
	}
	ok(gaon_device_close(dev));
	return status;
}

static const unsigned long requests[] = {
	DRM_IOCTL_GAON_VM_CREATE, DRM_IOCTL_GAON_VM_BIND, DRM_IOCTL_GAON_BO_CREATE,
	DRM_IOCTL_GAON_QUEUE_CREATE, DRM_IOCTL_GAON_QUEUE_STATE, DRM_IOCTL_SYNCOBJ_CREATE,
	DRM_IOCTL_GAON_SUBMIT, DRM_IOCTL_GAON_WAIT, DRM_IOCTL_GAON_QUEUE_DESTROY,
	DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL,
};

#define REQUESTS	(sizeof(requests) / sizeof(requests[0]))
#define MUST_REFUSE	6	/* of them; the others may fail without an error of the program's */

START_TEST(every_ioctl_fails)
{
	static const int errors[] = { ENOMEM, ENOSPC, ENODEV, EIO, EINVAL, EBUSY, ECANCELED, EMFILE };
	unsigned int refused = 0, e;
	int after;

	setup();
	for (after = 0; after < 12; after++) {
		for (e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
			enum gaon_status status;
			char when[64];

			atomic_store(&drm_kernel.fail_errno, errors[e]);
			atomic_store(&drm_kernel.fail_after, after);
			atomic_store(&drm_kernel.fail_request, requests[_i]);
			status = use_queues();
			refused += status != GAON_OK;
			if (status)
				ck_assert_msg(gaon_last_error()->text[0], "no text for %d", errors[e]);
			snprintf(when, sizeof(when), "ioctl %#lx, call %d, error %d", requests[_i] & 0xff,
				 after, errors[e]);
			nothing_left(when);
			if (atomic_load(&drm_kernel.fail_request))	/* not so many calls */
				after = 12;
		}
	}
	atomic_store(&drm_kernel.fail_request, 0);
	if (_i < MUST_REFUSE)
		ck_assert_uint_ge(refused, sizeof(errors) / sizeof(errors[0]) - 2);
	ok(use_queues());
	nothing_left("at the end");
}
END_TEST

/* No memory, a reset under way, a refusal without a fault: the work is given again and done. */
START_TEST(what_passes_is_tried_again)
{
	static const int errors[] = { ENOMEM, EBUSY, EIO, ECANCELED };
	unsigned int e;
	int after;

	setup();
	for (after = 0; after < 5; after++) {
		for (e = 0; e < 4; e++) {
			atomic_store(&drm_kernel.fail_errno, errors[e]);
			atomic_store(&drm_kernel.fail_after, after);
			atomic_store(&drm_kernel.fail_request, DRM_IOCTL_GAON_SUBMIT);
			ok(use_queues());
			ck_assert_uint_eq(atomic_load(&drm_kernel.fail_request), 0);
		}
	}
	nothing_left("at the end");
}
END_TEST

/* One job for each operation, no doorbell of the program's own. */
/*
 * A stream goes on for a while after its fault, since nobody has looked: all that is dropped when it is
 * cleared, and what comes then reaches the device. @_i operations are published between.
 */
START_TEST(published_while_it_stood_still)
{
	const struct timespec a_while = { .tv_nsec = 50000000 };
	uint64_t got = 0, nowhere = 0x700000000;
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { 1, 1, 1 }, .args = &nowhere, .args_size = sizeof(nowhere),
	};
	struct gaon_kernel *wild = NULL;
	struct gaon_module *module = NULL;
	struct gaon_stream *s = NULL;
	struct gaon_device *dev = NULL;
	struct gaon_mem *m = NULL;
	int round, i;

	setup();
	ok(gaon_device_open_with("accel0", &kernel_queues, &dev));
	ok(gaon_stream_create(dev, NULL, &s));
	ok(gaon_module_load_file(dev, KQ_KERNELS, &module));
	ok(gaon_module_get_kernel(module, "wild", &wild));
	ok(gaon_mem_alloc(dev, WORDS * 8, GAON_MEM_DEVICE, &m));
	for (round = 0; round < 3; round++) {
		ok(gaon_launch(s, wild, &launch));
		nanosleep(&a_while, NULL);
		for (i = 0; i < _i; i++)
			ok(gaon_mem_fill_async(s, gaon_mem_va(m), 2, 8, WORDS * 8));
		ck_assert_int_eq(gaon_stream_wait(s, WAIT), GAON_ERROR_FAULT);
		ok(gaon_stream_clear_fault(s));
		ok(gaon_mem_fill_async(s, gaon_mem_va(m), 3 + (uint64_t)round, 8, WORDS * 8));
		ok(gaon_stream_wait(s, WAIT));
		ok(gaon_mem_read(dev, &got, gaon_mem_va(m), sizeof(got)));
		ck_assert_uint_eq(got, 3 + (uint64_t)round);
	}
	ok(gaon_device_close(dev));
}
END_TEST

START_TEST(one_job_per_operation)
{
	struct gaon_stream *stream;
	struct gaon_device *dev;
	struct gaon_mem *m;
	unsigned int before, i;

	setup();
	ok(gaon_device_open_with("accel0", &kernel_queues, &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, 65536, GAON_MEM_DEVICE, &m));
	before = atomic_load(&drm_kernel.jobs);
	for (i = 0; i < 100; i++)
		ok(gaon_mem_fill_async(stream, gaon_mem_va(m), i, 8, 64));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(atomic_load(&drm_kernel.jobs) - before, 100);
	ck_assert_uint_eq(atomic_load(&drm_kernel.doorbells), 0);
	ok(gaon_device_close(dev));
	nothing_left("close");
}
END_TEST

static _Atomic bool let_go;

static void hold(void *arg)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	(void)arg;
	while (!atomic_load(&let_go))
		nanosleep(&nap, NULL);
}

/*
 * A stream stands behind a callback, another behind that one: both when all is well and when the
 * card goes.
 */
static void hold_two(bool remove)
{
	struct gaon_stream *a, *b;
	struct gaon_event *event;
	struct gaon_device *dev;
	struct gaon_mem *m;
	uint64_t got = 0;

	atomic_store(&let_go, false);
	ok(gaon_device_open_with("accel0", &kernel_queues, &dev));
	ok(gaon_stream_create(dev, NULL, &a));
	ok(gaon_stream_create(dev, NULL, &b));
	ok(gaon_event_create(dev, 0, &event));
	ok(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &m));
	ok(gaon_stream_callback(a, hold, NULL));
	ok(gaon_mem_fill_async(a, gaon_mem_va(m), 1, 8, 4096));
	ok(gaon_event_record(a, event));
	ok(gaon_stream_wait_event(b, event));
	ok(gaon_mem_fill_async(b, gaon_mem_va(m), 2, 8, 8));
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(b, 30000000), "not finished");
	fails(GAON_ERROR_NOT_READY, gaon_stream_query(b), "not finished");
	if (remove)
		atomic_store(&drm_kernel.removed, 1);
	else
		atomic_store(&let_go, true);
	if (remove) {
		fails(GAON_ERROR_DEVICE_LOST, gaon_stream_wait(b, WAIT), "");
		atomic_store(&let_go, true);
		fails(GAON_ERROR_DEVICE_LOST, gaon_stream_wait(a, WAIT), "");
	} else {
		ok(gaon_stream_wait(b, WAIT));
		ok(gaon_mem_read(dev, &got, gaon_mem_va(m), 8));
		ck_assert_uint_eq(got, 2);
	}
	ok(gaon_device_close(dev));
	atomic_store(&drm_kernel.removed, 0);
}

START_TEST(held_back_by_the_host)
{
	setup();
	hold_two(false);
	nothing_left("close");
}
END_TEST

START_TEST(the_card_goes_away)
{
	setup();
	hold_two(true);
	ck_assert_int_eq(atomic_load(&drm_kernel.files), 0);
}
END_TEST

/* Who submits hears of it first; whoever waits then must not ask for a fault again and again. */
START_TEST(the_card_is_gone_at_a_submit)
{
	struct gaon_stream *stream;
	struct gaon_device *dev;
	struct gaon_mem *m;

	setup();
	ok(gaon_device_open_with("accel0", &kernel_queues, &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &m));
	atomic_store(&drm_kernel.removed, 1);
	gaon_mem_fill_async(stream, gaon_mem_va(m), 1, 8, 4096);
	fails(GAON_ERROR_DEVICE_LOST, gaon_stream_wait(stream, WAIT), "");
	ok(gaon_device_close(dev));
	atomic_store(&drm_kernel.removed, 0);
	ck_assert_int_eq(atomic_load(&drm_kernel.files), 0);
}
END_TEST

START_TEST(choices)
{
	struct gaon_device_config config = kernel_queues;
	struct gaon_stream_config stream_config = {
		.size = sizeof(stream_config), .launch_limit_ns = 60000000000ull,
	};
	struct gaon_stream *stream;
	struct gaon_device *dev;

	setup();
	fails(GAON_ERROR_UNSUPPORTED, gaon_device_open_with("embedded", &config, &dev), "no kernel");
	config.queues = 3;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_device_open_with("accel0", &config, &dev), "3");
	config.size = 4;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_device_open_with("accel0", &config, &dev), "gaon_device_config");
	setenv("GAON_QUEUE", "kernels", 1);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_device_open("accel0", &dev), "GAON_QUEUE is 'kernels'");
	setenv("GAON_QUEUE", "kernel", 1);
	ok(gaon_device_open("embedded", &dev));
	ok(gaon_device_close(dev));
	ok(gaon_device_open("accel0", &dev));
	fails(GAON_ERROR_LIMIT, gaon_stream_create(dev, &stream_config, &stream), "so long");
	stream_config.launch_limit_ns = 1000000000;
	ok(gaon_stream_create(dev, &stream_config, &stream));
	ok(gaon_device_close(dev));
	unsetenv("GAON_QUEUE");
	nothing_left("close");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel-owned queues");
	TCase *c = tcase_create("queues");
	SRunner *runner;
	int failed;

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, every_ioctl_fails, 0, REQUESTS);
	tcase_add_test(c, what_passes_is_tried_again);
	tcase_add_loop_test(c, published_while_it_stood_still, 0, 6);
	tcase_add_test(c, one_job_per_operation);
	tcase_add_test(c, held_back_by_the_host);
	tcase_add_test(c, the_card_goes_away);
	tcase_add_test(c, the_card_is_gone_at_a_submit);
	tcase_add_test(c, choices);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
