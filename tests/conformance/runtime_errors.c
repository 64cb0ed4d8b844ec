// SPDX-License-Identifier: MIT
/*
 * Every named error that needs no kernel: handles, closing, fork, modules that are none, the
 * environment.
 */
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/rt.h"

START_TEST(status_names)
{
	int i;

	for (i = 0; i <= GAON_ERROR_INTERNAL; i++) {
		ck_assert_int_eq(strncmp(gaon_status_name((enum gaon_status)i), "GAON_", 5), 0);
		ck_assert_ptr_null(strchr(gaon_status_name((enum gaon_status)i), '?'));
	}
	ck_assert_str_eq(gaon_status_name((enum gaon_status)1000), "GAON_ERROR_?");
	ck_assert_str_eq(gaon_status_name((enum gaon_status)-1), "GAON_ERROR_?");
	ck_assert_str_eq(gaon_status_name(GAON_ERROR_FORKED), "GAON_ERROR_FORKED");
}
END_TEST

START_TEST(handles_that_are_none)
{
	struct gaon_mem *mem;
	uint64_t va;
	int i;

	mem = rt_alloc(64, &va);
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_free(NULL));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_free((void *)&va));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_free((void *)stream));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_stream_wait((void *)mem, 0));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_device_close((void *)stream));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_alloc(NULL, 64, GAON_MEM_DEVICE, &mem));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_free((void *)((uintptr_t)mem + 1)));
	for (i = 0; i < 100000; i++) {
		uint64_t value = rt_random();

		if (i & 1)
			value = ((uintptr_t)mem & 0xffff000000000000ull) | (value & 0xffffffffffull);
		if (value != (uintptr_t)mem)
			ck_assert_int_ne(gaon_mem_free((void *)(uintptr_t)value), GAON_OK);
	}
	ok(gaon_mem_free(mem));
}
END_TEST

START_TEST(use_after_close)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device *other;
	struct gaon_stream *s;
	struct gaon_event *e;
	struct gaon_module *m;
	struct gaon_kernel *k;
	struct gaon_mem *mem;
	uint64_t va, x = 0;

	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, NULL, &s));
	ok(gaon_event_create(other, 0, &e));
	ok(gaon_module_load_file(other, RT_KERNELS, &m));
	ok(gaon_module_get_kernel(m, "conf_noop", &k));
	ok(gaon_mem_alloc(other, 4096, GAON_MEM_DEVICE, &mem));
	ok(gaon_mem_alloc_async(s, 4096, &va));
	ok(gaon_event_record(s, e));
	ok(gaon_device_retain(other));
	ok(gaon_device_close(other));
	ok(gaon_stream_wait(s, WAIT));
	ok(gaon_device_close(other));
	fails(GAON_ERROR_CLOSED, gaon_device_close(other));
	fails(GAON_ERROR_CLOSED, gaon_device_get_info(other, &info));
	fails(GAON_ERROR_CLOSED, gaon_stream_wait(s, WAIT));
	fails(GAON_ERROR_CLOSED, gaon_stream_destroy(s));
	fails(GAON_ERROR_CLOSED, gaon_event_query(e));
	fails(GAON_ERROR_CLOSED, gaon_event_destroy(e));
	fails(GAON_ERROR_CLOSED, gaon_module_unload(m));
	fails(GAON_ERROR_CLOSED, gaon_mem_free(mem));
	fails(GAON_ERROR_CLOSED, gaon_mem_write_async(s, va, &x, 8));
	fails(GAON_ERROR_CLOSED, gaon_launch(s, k, &(struct gaon_launch){
		.size = sizeof(struct gaon_launch) }));
	/* Address spaces are apart. */
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, &x, va, 8));
}
END_TEST

static void *wait_for_ever(void *arg)
{
	return (void *)(intptr_t)gaon_stream_wait(arg, GAON_FOREVER);
}

START_TEST(close_under_a_waiting_thread)
{
	struct gaon_device *other;
	struct gaon_stream *s;
	struct gaon_module *m;
	struct gaon_kernel *k;
	struct conf_args args = { 0, 0 };
	pthread_t thread;
	void *result;

	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, NULL, &s));
	ok(gaon_module_load_file(other, RT_KERNELS, &m));
	ok(gaon_module_get_kernel(m, "conf_loop", &k));
	ok(gaon_launch(s, k, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.args = &args, .args_size = sizeof(args) }));
	pthread_create(&thread, NULL, wait_for_ever, s);
	usleep(50000);
	ok(gaon_device_close(other));
	pthread_join(thread, &result);
	ck_assert_int_eq((int)(intptr_t)result, GAON_ERROR_CLOSED);
}
END_TEST

static void *foreign(void *arg)
{
	uint64_t *va = arg, x = 0;

	/* Any thread may use any object; errors are its own. */
	ck_assert_int_eq(gaon_last_error()->status, GAON_OK);
	ok(rt_launch(stream, "conf_step", 1, *va, 3));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, &x, *va, 8));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_mem_read(dev, &x, 1, 8));
	return (void *)(uintptr_t)x;
}

START_TEST(foreign_thread)
{
	pthread_t thread;
	void *result;
	uint64_t va;

	rt_alloc(8, &va);
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_free(NULL));
	pthread_create(&thread, NULL, foreign, &va);
	pthread_join(thread, &result);
	ck_assert_uint_eq((uintptr_t)result, 3);
	ck_assert_int_eq(gaon_last_error()->status, GAON_ERROR_INVALID_HANDLE);
}
END_TEST

/* Exit status of the child: 0, or the line of what failed. */
#define CHILD(condition) do { if (!(condition)) _exit(__LINE__ & 0x7f ? __LINE__ & 0x7f : 1); } while (0)

static void child_of_fork(uint64_t va, struct gaon_mem *mem)
{
	struct gaon_device *own;
	struct gaon_mem *m;
	uint64_t x = 0;

	CHILD(gaon_stream_wait(stream, WAIT) == GAON_ERROR_FORKED);
	CHILD(gaon_last_error()->hint[0]);
	CHILD(gaon_mem_free(mem) == GAON_ERROR_FORKED);
	CHILD(gaon_mem_read(dev, &x, va, 8) == GAON_ERROR_FORKED);
	CHILD(gaon_device_close(dev) == GAON_ERROR_FORKED);
	CHILD(gaon_device_open(NULL, &own) == GAON_OK);
	CHILD(gaon_mem_alloc(own, 4096, GAON_MEM_DEVICE, &m) == GAON_OK);
	CHILD(gaon_mem_fill(own, gaon_mem_va(m), 7, 8, 64) == GAON_OK);
	CHILD(gaon_mem_read(own, &x, gaon_mem_va(m), 8) == GAON_OK);
	CHILD(x == 7);
	CHILD(gaon_device_close(own) == GAON_OK);
	_exit(0);
}

START_TEST(fork_is_found_out)
{
	struct gaon_mem *mem;
	uint64_t va, x = 0;
	int status, i;

	mem = rt_alloc(4096, &va);
	for (i = 0; i < 2; i++) {
		/* The second time as a library would that runs no atfork handlers. */
		pid_t pid = i ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();

		if (!pid && !i)
			child_of_fork(va, mem);
		if (!pid)
			_exit(gaon_stream_wait(stream, WAIT) != GAON_ERROR_FORKED);
		ck_assert_int_gt(pid, 0);
		waitpid(pid, &status, 0);
		ck_assert_int_eq(status, 0);
	}
	ok(gaon_mem_fill(dev, va, 9, 8, 64));
	ok(gaon_mem_read(dev, &x, va, 8));
	ck_assert_uint_eq(x, 9);
	ok(gaon_mem_free(mem));
}
END_TEST

START_TEST(devices_that_are_not_there)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device *d = NULL;
	uint32_t count = 0;

	fails(GAON_ERROR_NO_DEVICE, gaon_device_open("0000:c1:00.0", &d));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "0000:c1:00.0"));
	ck_assert(gaon_last_error()->hint[0]);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_device_open(NULL, NULL));
	ok(gaon_device_count(&count));
	ck_assert_uint_ge(count, 1);
	/* Cards come first; this one is always there. */
	ok(gaon_device_describe(count - 1, &info));
	ck_assert_str_eq(info.name, "embedded");
	ck_assert_uint_gt(info.cores, 0);
	fails(GAON_ERROR_NO_DEVICE, gaon_device_describe(count, &info));
	info.size = 2;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_device_get_info(dev, &info));
	ck_assert_ptr_null(d);
}
END_TEST

START_TEST(counters_and_correlation)
{
	struct gaon_device_counters a = { .size = sizeof(a) }, b = a;

	ok(gaon_device_get_counters(dev, &a));
	ok(rt_launch(stream, "conf_busy", 4, 0, 1000));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_device_get_counters(dev, &b));
	ck_assert_uint_ge(b.launches, a.launches + 1);
	ck_assert_uint_ge(b.workgroups, a.workgroups + 4);
	ck_assert_uint_gt(b.instructions, a.instructions + 1000);
	ck_assert_uint_gt(b.cycle, a.cycle);
	ck_assert_uint_gt(b.host_ns, a.host_ns);
}
END_TEST

/* --- modules --------------------------------------------------------------------------------- */

static uint8_t *read_kernels(size_t *size)
{
	FILE *f = fopen(RT_KERNELS, "rb");
	uint8_t *data = malloc(1 << 22);

	ck_assert_ptr_nonnull(f);
	*size = fread(data, 1, 1 << 22, f);
	fclose(f);
	return data;
}

static void load_fails(enum gaon_status want, const uint8_t *image, size_t size, const char *word)
{
	struct gaon_module *m = NULL;

	fails(want, gaon_module_load(dev, image, size, &m));
	ck_assert_msg(strstr(gaon_last_error()->text, word), "no \"%s\" in \"%s\"", word,
		      gaon_last_error()->text);
	ck_assert_ptr_null(m);
}

START_TEST(modules_of_other_kinds)
{
	size_t size;
	uint8_t *image = read_kernels(&size), *copy = malloc(size);
	Elf64_Ehdr *h = (Elf64_Ehdr *)copy;
	struct gaon_module *m;

	load_fails(GAON_ERROR_INVALID_MODULE, (const uint8_t *)"#!/bin/sh\n", 10, "not an ELF");
	memcpy(copy, image, size);
	h->e_machine = EM_X86_64;
	load_fails(GAON_ERROR_WRONG_MACHINE, copy, size, "x86-64");
	memcpy(copy, image, size);
	h->e_machine = EM_AARCH64;
	load_fails(GAON_ERROR_WRONG_MACHINE, copy, size, "AArch64");
	memcpy(copy, image, size);
	h->e_ident[EI_CLASS] = ELFCLASS32;
	load_fails(GAON_ERROR_WRONG_MACHINE, copy, size, "32-bit");
	memcpy(copy, image, size);
	h->e_type = ET_EXEC;
	load_fails(GAON_ERROR_INVALID_MODULE, copy, size, "static PIE");
	fails(GAON_ERROR_NOT_FOUND, gaon_module_load_file(dev, "/nonexistent/x.elf", &m));
	fails(GAON_ERROR_INVALID_MODULE, gaon_module_load_file(dev, "/", &m));
	fails(GAON_ERROR_WRONG_MACHINE, gaon_module_load_file(dev, "/proc/self/exe", &m) ?
	      gaon_last_error()->status : GAON_OK);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_module_load(dev, NULL, 10, &m));
	free(image);
	free(copy);
}
END_TEST

START_TEST(module_needs_what_the_device_lacks)
{
	size_t size, i;
	uint8_t *image = read_kernels(&size);

	/* The attribute string is the only place where this stands. */
	for (i = 0; i + 8 < size; i++) {
		if (!memcmp(image + i, "_zvfbfwma", 9)) {
			memcpy(image + i, "_zvkfwma1", 9);
			break;
		}
		if (!memcmp(image + i, "_zba1p0", 7)) {
			memcpy(image + i, "_zka1p0", 7);
			break;
		}
	}
	load_fails(GAON_ERROR_WRONG_MACHINE, image, size, "extension z");
	free(image);
}
END_TEST

START_TEST(modules_truncated_and_damaged)
{
	size_t size, n;
	uint8_t *image = read_kernels(&size), *copy = malloc(size);
	struct gaon_module *m;
	int i;

	for (n = 0; n < size; n += 1 + rt_random() % (size / 150)) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, image, n);
		fails(GAON_ERROR_INVALID_MODULE, gaon_module_load(dev, exact, n, &m));
		free(exact);
	}
	for (i = 0; i < 400; i++) {
		int k, flips = 1 + (int)(rt_random() % 8);

		memcpy(copy, image, size);
		for (k = 0; k < flips; k++)
			copy[rt_random() % (i & 1 ? size : 1024)] ^= (uint8_t)(1u << rt_random() % 8);
		if (gaon_module_load(dev, copy, size, &m) == GAON_OK)
			ok(gaon_module_unload(m));
	}
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_stream_wait(stream, WAIT));
	free(image);
	free(copy);
}
END_TEST

/* --- the environment ------------------------------------------------------------------------- */

/* In another process: the embedded device is made once in each. */
static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void child_environment(void)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device *d;

	setenv("GAON_DEVICE", "embedded", 1);
	setenv("GAON_SIM_CORES", "none", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_INVALID_ARGUMENT);
	CHILD(strstr(gaon_last_error()->text, "GAON_SIM_CORES"));
	setenv("GAON_SIM_CORES", "2", 1);
	setenv("GAON_SIM_EFFECTS", "sometimes", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_INVALID_ARGUMENT);
	setenv("GAON_SIM_EFFECTS", "late", 1);
	setenv("GAON_SIM_VLEN", "513", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_INVALID_ARGUMENT);
	CHILD(strstr(gaon_last_error()->text, "GAON_SIM_VLEN=513 is not a power of two"));
	setenv("GAON_SIM_VLEN", "512", 1);
	setenv("GAON_SIM_SPM", "65537", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_INVALID_ARGUMENT);
	CHILD(strstr(gaon_last_error()->text, "GAON_SIM_SPM"));
	unsetenv("GAON_SIM_SPM");
	setenv("GAON_SIM_HBM", "256M", 1);
	setenv("GAON_SIM_THREADS", "1", 1);
	CHILD(gaon_device_open("embedded", &d) == GAON_OK);
	CHILD(gaon_device_get_info(d, &info) == GAON_OK);
	CHILD(info.cores == 2 && info.vlen == 512 && info.hbm_bytes == 256u << 20);
	{
		struct gaon_stream *s;

		setenv("GAON_LAUNCH_LIMIT_MS", "5s", 1);
		CHILD(gaon_stream_create(d, NULL, &s) == GAON_ERROR_INVALID_ARGUMENT);
		CHILD(strstr(gaon_last_error()->text, "GAON_LAUNCH_LIMIT_MS"));
		setenv("GAON_LAUNCH_LIMIT_MS", "500", 1);
		CHILD(gaon_stream_create(d, NULL, &s) == GAON_OK);
	}
	CHILD(gaon_device_close(d) == GAON_OK);
	setenv("GAON_FIRMWARE", "/nonexistent", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_FIRMWARE);
	CHILD(strstr(gaon_last_error()->text, "/nonexistent"));
	setenv("GAON_FIRMWARE", RT_KERNELS, 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_FIRMWARE);
	CHILD(strstr(gaon_last_error()->text, "no firmware image"));
	unsetenv("GAON_FIRMWARE");
	setenv("GAON_DEVICE", "0000:01:00.0", 1);
	CHILD(gaon_device_open(NULL, &d) == GAON_ERROR_NO_DEVICE);
}

START_TEST(environment)
{
	ck_assert_int_eq(in_child(child_environment), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime errors");
	TCase *tc = rt_case(suite, "errors");

	tcase_add_test(tc, status_names);
	tcase_add_test(tc, handles_that_are_none);
	tcase_add_test(tc, use_after_close);
	tcase_add_test(tc, close_under_a_waiting_thread);
	tcase_add_test(tc, foreign_thread);
	tcase_add_test(tc, fork_is_found_out);
	tcase_add_test(tc, devices_that_are_not_there);
	tcase_add_test(tc, counters_and_correlation);
	tcase_add_test(tc, modules_of_other_kinds);
	tcase_add_test(tc, module_needs_what_the_device_lacks);
	tcase_add_test(tc, modules_truncated_and_damaged);
	tcase_add_test(tc, environment);
	return rt_run(suite);
}
