// SPDX-License-Identifier: MIT
/*
 * winsys/drm over a kernel module in process: every ioctl fails in turn, the device goes away, memory is
 * shared. That everything works is for the conformance tests, which run over the same (runtime_drm_suite).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/gaon_accel.h>
#include <gaon/gaon.h>

#include "../check_run.h"
#include "drm_check.h"

#define WAIT	10000000000ull

static struct gaon_device *dev;

/* A bit of everything that reaches the kernel; stops at the first failure, closes always. */
static enum gaon_status use_everything(void)
{
	uint64_t x[4000] = { 1, 2, 3 }, y[4000] = { 0 }, free_bytes;
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_mem *m = NULL, *h = NULL, *i = NULL, *s = NULL;
	struct gaon_stream *stream = NULL;
	struct gaon_device *d = NULL;
	enum gaon_status status;
	int fd = -1;

	status = gaon_device_open("accel0", &d);
	if (status)
		return status;
	if (!status)
		status = gaon_stream_create(d, NULL, &stream);
	if (!status)
		status = gaon_mem_alloc(d, 200000, GAON_MEM_DEVICE, &m);
	if (!status)
		status = gaon_mem_alloc(d, 5000, GAON_MEM_HOST, &h);
	if (!status)
		status = gaon_mem_import(d, y, sizeof(y), 0, &i);
	if (!status)
		status = gaon_mem_export(m, &fd);
	if (!status)
		status = gaon_mem_import_fd(d, fd, 0, &s);
	if (!status)
		status = gaon_mem_write_async(stream, gaon_mem_va(m), x, sizeof(x));
	if (!status)
		status = gaon_stream_wait(stream, WAIT);
	if (!status)
		status = gaon_mem_read(d, y, gaon_mem_va(s), sizeof(y));
	if (!status)
		ck_assert_mem_eq(x, y, sizeof(x));
	if (!status)
		status = gaon_device_get_counters(d, &counters);
	if (!status)
		status = gaon_device_get_memory(d, &free_bytes, NULL);
	if (fd >= 0)
		close(fd);
	ok(gaon_device_close(d));
	return status;
}

static const unsigned long requests[] = {
	DRM_IOCTL_VERSION, DRM_IOCTL_GEM_CLOSE, DRM_IOCTL_PRIME_HANDLE_TO_FD,
	DRM_IOCTL_PRIME_FD_TO_HANDLE, DRM_IOCTL_GAON_DEV_QUERY, DRM_IOCTL_GAON_VM_CREATE,
	DRM_IOCTL_GAON_VM_DESTROY, DRM_IOCTL_GAON_VM_BIND, DRM_IOCTL_GAON_BO_CREATE,
	DRM_IOCTL_GAON_BO_INFO, DRM_IOCTL_GAON_BO_MMAP_OFFSET, DRM_IOCTL_GAON_QUEUE_CREATE,
	DRM_IOCTL_GAON_QUEUE_DESTROY, DRM_IOCTL_GAON_WAIT,
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

START_TEST(every_ioctl_fails)
{
	static const int errors[] = {
		ENOMEM, ENOSPC, ENODEV, EIO, EINVAL, EFAULT, EACCES, EBUSY, ECANCELED, EMFILE, EOPNOTSUPP,
	};
	unsigned long request = requests[_i];
	unsigned int refused = 0, e;
	int after;

	setup();
	/* Leaks and what is said, not how often a call is made, count: 30 is past the most of any. */
	for (after = 0; after < 30; after++) {
		for (e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
			enum gaon_status status;
			char when[64];

			atomic_store(&drm_kernel.fail_errno, errors[e]);
			atomic_store(&drm_kernel.fail_after, after);
			atomic_store(&drm_kernel.fail_request, request);
			status = use_everything();
			refused += status != GAON_OK;
			if (status)
				ck_assert_msg(gaon_last_error()->text[0], "no text for %d", errors[e]);
			snprintf(when, sizeof(when), "ioctl %lu, call %d, error %d", request & 0xff,
				 after, errors[e]);
			nothing_left(when);
			if (atomic_load(&drm_kernel.fail_request))	/* not so many calls */
				after = 30;
		}
	}
	atomic_store(&drm_kernel.fail_request, 0);
	/* Giving back what is no longer needed may fail without the program's notice; nothing else may. */
	if (request != DRM_IOCTL_GEM_CLOSE && request != DRM_IOCTL_GAON_VM_DESTROY &&
	    request != DRM_IOCTL_GAON_QUEUE_DESTROY && request != DRM_IOCTL_GAON_WAIT)
		ck_assert_uint_ge(refused, sizeof(errors) / sizeof(errors[0]));
	ok(use_everything());
	nothing_left("at the end");
}
END_TEST

START_TEST(every_map_fails)
{
	int i, refused = 0;

	setup();
	for (i = 1; i < 20; i++) {
		atomic_store(&drm_kernel.map_fail_in, i);
		refused += use_everything() != GAON_OK;
		atomic_store(&drm_kernel.map_fail_in, 0);
		nothing_left("map");
	}
	ck_assert_int_ge(refused, 3);
	ok(use_everything());
}
END_TEST

START_TEST(the_fast_path_calls_nobody)
{
	struct gaon_stream *stream;
	struct gaon_mem *m;
	uint64_t host[8];
	unsigned int before, i;

	setup();
	ok(gaon_device_open("accel0", &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, 65536, GAON_MEM_DEVICE, &m));
	ok(gaon_mem_fill_async(stream, gaon_mem_va(m), 1, 8, 65536));
	ok(gaon_stream_wait(stream, WAIT));
	before = atomic_load(&drm_kernel.calls);
	for (i = 0; i < 500; i++)
		ok(gaon_mem_fill_async(stream, gaon_mem_va(m), i, 8, 64));
	ck_assert_uint_eq(atomic_load(&drm_kernel.calls), before);
	/* Asking in a loop is cheap too. */
	for (i = 0; i < 1000; i++) {
		if (gaon_stream_query(stream) == GAON_OK)
			break;
	}
	ck_assert_uint_le(atomic_load(&drm_kernel.calls), before + i / 32 + 1);
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, host, gaon_mem_va(m), 64));
	ck_assert_uint_eq(host[7], 499);
	ok(gaon_device_close(dev));
	nothing_left("close");
}
END_TEST

/* Two devices of one card and the same memory; and one device that meets its own again. */
START_TEST(sharing)
{
	struct gaon_mem *a, *b, *again, *h, *hb;
	uint64_t x = 0x1234567890abcdef, y = 0;
	struct gaon_device *other;
	int fd, fd2;

	setup();
	ok(gaon_device_open("accel0", &dev));
	ok(gaon_device_open("accel0", &other));
	ok(gaon_mem_alloc(dev, 10000, GAON_MEM_DEVICE, &a));
	ok(gaon_mem_export(a, &fd));
	ok(gaon_mem_import_fd(other, fd, 0, &b));
	ck_assert_uint_eq(gaon_mem_size(b), 12288);
	ck_assert_ptr_null(gaon_mem_ptr(b));
	ok(gaon_mem_write(dev, gaon_mem_va(a) + 8, &x, 8));
	ok(gaon_mem_read(other, &y, gaon_mem_va(b) + 8, 8));
	ck_assert_uint_eq(x, y);
	/* The exporter's own object again: one handle, two mappings. */
	ok(gaon_mem_import_fd(dev, fd, GAON_IMPORT_READONLY, &again));
	ck_assert_uint_ne(gaon_mem_va(again), gaon_mem_va(a));
	ok(gaon_mem_free(a));
	y = 0;
	ok(gaon_mem_read(dev, &y, gaon_mem_va(again) + 8, 8));
	ck_assert_uint_eq(x, y);
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_write(dev, gaon_mem_va(again), &x, 8), "READONLY");
	close(fd);
	/* Host memory is seen by the CPU on both sides. */
	ok(gaon_mem_alloc(other, 4096, GAON_MEM_HOST, &h));
	ok(gaon_mem_export(h, &fd));
	ok(gaon_mem_export(h, &fd2));
	ok(gaon_mem_import_fd(other, fd2, 0, &hb));
	strcpy(gaon_mem_ptr(h), "same");
	ck_assert_str_eq(gaon_mem_ptr(hb), "same");
	close(fd);
	close(fd2);
	ok(gaon_device_close(dev));
	ok(gaon_device_close(other));
	nothing_left("close");
}
END_TEST

START_TEST(sharing_refused)
{
	struct gaon_mem *m, *i;
	uint64_t x[4];
	int fd = -1;

	setup();
	ok(gaon_device_open("accel0", &dev));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_import_fd(dev, 0, 0, &m), "no dma-buf");
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_import_fd(dev, 1023, 0, &m), "no dma-buf");
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_import_fd(dev, -1, 0, &m), "-1");
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_import_fd(dev, 0, 8, &m), "0x8");
	ok(gaon_mem_import(dev, x, sizeof(x), 0, &i));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_mem_export(i, &fd), "gaon_mem_alloc");
	ok(gaon_device_close(dev));
	ok(gaon_device_open("embedded", &dev));
	ok(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &m));
	fails(GAON_ERROR_UNSUPPORTED, gaon_mem_export(m, &fd), "embedded");
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->hint, "vfio-user"));
	fails(GAON_ERROR_UNSUPPORTED, gaon_mem_import_fd(dev, 0, 0, &m), "embedded");
	ck_assert_int_eq(fd, -1);
	ok(gaon_device_close(dev));
}
END_TEST

static void refuse_next_bind(void)
{
	atomic_store(&drm_kernel.fail_errno, EOPNOTSUPP);
	atomic_store(&drm_kernel.fail_after, 0);
	atomic_store(&drm_kernel.fail_request, DRM_IOCTL_GAON_VM_BIND);
}

/* A copy of host memory that the driver does not map for the device goes through memory that it does. */
START_TEST(memory_out_of_reach)
{
	enum { WORDS = 50000 };
	static uint64_t x[WORDS], y[WORDS];
	struct gaon_stream *stream;
	struct gaon_mem *m, *i;
	int k;

	setup();
	for (k = 0; k < WORDS; k++)
		x[k] = (uint64_t)k * 0x9e3779b97f4a7c15ull;
	ok(gaon_device_open("accel0", &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, sizeof(x), GAON_MEM_DEVICE, &m));
	refuse_next_bind();
	ok(gaon_mem_write_async(stream, gaon_mem_va(m), x, sizeof(x)));
	ck_assert_uint_eq(atomic_load(&drm_kernel.fail_request), 0);
	ok(gaon_stream_wait(stream, WAIT));
	refuse_next_bind();
	ok(gaon_mem_read_async(stream, y + 1, gaon_mem_va(m) + 8, sizeof(y) - 16));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_mem_eq(y + 1, x + 1, sizeof(x) - 16);
	ck_assert_uint_eq(y[0], 0);
	ck_assert_uint_eq(y[WORDS - 1], 0);
	/* What the device shall reach for longer cannot be stood in for. */
	refuse_next_bind();
	fails(GAON_ERROR_UNSUPPORTED, gaon_mem_import(dev, x, sizeof(x), 0, &i), "cannot reach");
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->hint, "GAON_MEM_HOST"));
	ok(gaon_device_close(dev));
	nothing_left("close");
}
END_TEST

/* Work in flight, then the card is gone: every call says so, none hangs, closing works. */
START_TEST(the_card_goes_away)
{
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_stream *stream, *second;
	struct gaon_mem *m, *n;
	enum gaon_status status = GAON_OK;
	uint64_t x = 0;
	int i;

	setup();
	ok(gaon_device_open("accel0", &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, 1 << 20, GAON_MEM_DEVICE, &m));
	ok(gaon_mem_fill_async(stream, gaon_mem_va(m), 1, 8, 1 << 20));
	ok(gaon_stream_wait(stream, WAIT));
	/* The device stands still; its doorbells reach nobody. */
	atomic_store(&drm_kernel.removed, 1);
	for (i = 0; i < 5000 && !status; i++)
		status = gaon_mem_fill_async(stream, gaon_mem_va(m), 1, 8, 1 << 20);
	if (status)
		fails(GAON_ERROR_DEVICE_LOST, status, "");
	fails(GAON_ERROR_DEVICE_LOST, gaon_stream_wait(stream, GAON_FOREVER), "");
	ck_assert(gaon_last_error()->hint[0]);
	for (i = 0, status = GAON_ERROR_NOT_READY; i < 1000 && status == GAON_ERROR_NOT_READY; i++)
		status = gaon_stream_query(stream);
	ck_assert_int_eq(status, GAON_ERROR_DEVICE_LOST);
	fails(GAON_ERROR_DEVICE_LOST, gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &n), "");
	fails(GAON_ERROR_DEVICE_LOST, gaon_stream_create(dev, NULL, &second), "");
	fails(GAON_ERROR_DEVICE_LOST, gaon_mem_read(dev, &x, gaon_mem_va(m), 8), "");
	fails(GAON_ERROR_DEVICE_LOST, gaon_device_get_counters(dev, &counters), "");
	ok(gaon_device_close(dev));
	atomic_store(&drm_kernel.removed, 0);
	ok(use_everything());
	nothing_left("the card came back");
}
END_TEST

static void child_of_a_fork(void)
{
	uint64_t x;

	if (gaon_mem_read(dev, &x, 0x100000000, 8) != GAON_ERROR_FORKED)
		_exit(1);
	_exit(0);
}

START_TEST(forked)
{
	struct gaon_mem *m;
	int status;
	pid_t pid;

	setup();
	ok(gaon_device_open("accel0", &dev));
	pid = fork();
	if (!pid)
		child_of_a_fork();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ok(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &m));
	ok(gaon_device_close(dev));
	nothing_left("close");
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = {
		"accel0", "0000:00:04.0", "000102030405060708090a0b0c0d0e0f",
		"000102030405060708090A0B0C0D0E0F",
	};
	struct gaon_device_info info = { .size = sizeof(info) };
	uint32_t count = 0, i;

	setup();
	for (i = 0; i < 4; i++) {
		ok(gaon_device_open(good[i], &dev));
		ok(gaon_device_get_info(dev, &info));
		ck_assert_str_eq(info.name, "accel0");
		ck_assert_str_eq(info.address, "0000:00:04.0");
		ck_assert_str_eq(info.transport, "pci");
		ok(gaon_device_close(dev));
	}
	unsetenv("GAON_DEVICE");
	ok(gaon_device_open(NULL, &dev));
	ok(gaon_device_get_info(dev, &info));
	ck_assert_str_eq(info.name, "accel0");
	ok(gaon_device_close(dev));
	setenv("GAON_DEVICE", "embedded", 1);
	ok(gaon_device_open("", &dev));
	ok(gaon_device_get_info(dev, &info));
	ck_assert_str_eq(info.name, "embedded");
	ck_assert_str_eq(info.address, "");
	ok(gaon_device_close(dev));
	ok(gaon_device_count(&count));
	ck_assert_uint_eq(count, 2);
	/* One that cannot be opened is passed over. */
	unsetenv("GAON_DEVICE");
	atomic_store(&drm_kernel.open_errno, EACCES);
	ok(gaon_device_open(NULL, &dev));
	ok(gaon_device_get_info(dev, &info));
	ck_assert_str_eq(info.name, "embedded");
	ok(gaon_device_close(dev));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime drm");
	TCase *tc = tcase_create("drm");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_ioctl_fails, 0, REQUESTS);
	tcase_add_test(tc, every_map_fails);
	tcase_add_test(tc, the_fast_path_calls_nobody);
	tcase_add_test(tc, sharing);
	tcase_add_test(tc, sharing_refused);
	tcase_add_test(tc, memory_out_of_reach);
	tcase_add_test(tc, the_card_goes_away);
	tcase_add_test(tc, forked);
	tcase_add_test(tc, names);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
