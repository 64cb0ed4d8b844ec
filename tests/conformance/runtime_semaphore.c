// SPDX-License-Identifier: MIT
/* Semaphores: hosts, streams, opened devices and processes that wait for each other. */
#include "runtime/rt.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT	(SECOND / 50)

static struct gaon_semaphore *semaphore_make(void)
{
	struct gaon_semaphore *s;

	ok(gaon_semaphore_create(dev, &s));
	return s;
}

static uint64_t value_of(struct gaon_semaphore *s)
{
	uint64_t value = 0;

	ok(gaon_semaphore_query(s, &value));
	return value;
}

START_TEST(hosts)
{
	struct gaon_semaphore *s = semaphore_make();
	uint64_t value;

	ck_assert_uint_eq(value_of(s), 0);
	ok(gaon_semaphore_wait(s, 0, 0));
	fails(GAON_ERROR_TIMEOUT, gaon_semaphore_wait(s, 1, 0));
	fails(GAON_ERROR_TIMEOUT, gaon_semaphore_wait(s, 1, SHORT));
	ok(gaon_semaphore_signal(s, 5));
	ok(gaon_semaphore_wait(s, 3, 0));
	ok(gaon_semaphore_wait(s, 5, GAON_FOREVER));
	ck_assert_uint_eq(value_of(s), 5);
	/* It only grows. */
	ok(gaon_semaphore_signal(s, 4));
	ok(gaon_semaphore_signal(s, 5));
	ck_assert_uint_eq(value_of(s), 5);
	ok(gaon_semaphore_signal(s, UINT64_MAX - 1));
	ok(gaon_semaphore_wait(s, UINT64_MAX - 1, WAIT));
	ok(gaon_semaphore_destroy(s));
	fails(GAON_ERROR_CLOSED, gaon_semaphore_query(s, &value));
	fails(GAON_ERROR_CLOSED, gaon_semaphore_destroy(s));
}
END_TEST

START_TEST(streams_in_turn)
{
	struct gaon_semaphore *s = semaphore_make();
	struct gaon_stream *other;
	uint64_t word, got = 0, i, want = 0;

	rt_alloc(8, &word);
	ok(gaon_stream_create(dev, NULL, &other));
	/*
	 * Each waits for what the other promises, the first wait before anybody has: v = (v * 2 +
	 * 1) * 2 + 0, 20 times.
	 */
	for (i = 0; i < 20; i++) {
		ok(gaon_stream_wait_semaphore(other, s, 2 * i + 1));
		ok(rt_launch(other, "conf_step", 1, word, 0));
		ok(gaon_stream_signal_semaphore(other, s, 2 * i + 2));
		ok(gaon_stream_wait_semaphore(stream, s, 2 * i));
		ok(rt_launch(stream, "conf_step", 1, word, 1));
		ok(gaon_stream_signal_semaphore(stream, s, 2 * i + 1));
		want = (want * 2 + 1) * 2;
	}
	ok(gaon_semaphore_wait(s, 40, WAIT));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_stream_wait(other, WAIT));
	ok(gaon_mem_read(dev, &got, word, 8));
	ck_assert_uint_eq(got, want);
	ok(gaon_stream_destroy(other));
	ok(gaon_semaphore_destroy(s));
}
END_TEST

/* The host holds a stream; a semaphore whose handle is gone still works for it. */
START_TEST(host_and_stream)
{
	struct gaon_semaphore *s = semaphore_make(), *again;
	uint64_t word, got = 0;
	int fd;

	rt_alloc(8, &word);
	ok(gaon_semaphore_export(s, &fd));
	ok(gaon_semaphore_import_fd(dev, fd, &again));
	ok(gaon_stream_wait_semaphore(stream, s, 7));
	ok(rt_launch(stream, "conf_step", 1, word, 9));
	ok(gaon_stream_signal_semaphore(stream, s, 8));
	ok(gaon_semaphore_destroy(s));
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(stream, SHORT));
	ok(gaon_semaphore_signal(again, 6));
	fails(GAON_ERROR_NOT_READY, gaon_stream_query(stream));
	fails(GAON_ERROR_TIMEOUT, gaon_semaphore_wait(again, 8, SHORT));
	ok(gaon_semaphore_signal(again, 7));
	ok(gaon_semaphore_wait(again, 8, WAIT));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, &got, word, 8));
	ck_assert_uint_eq(got, 9);
	close(fd);
}
END_TEST

START_TEST(two_opened_devices)
{
	struct gaon_semaphore *s = semaphore_make(), *theirs;
	struct gaon_stream *other;
	struct gaon_device *second;
	int fd;

	ok(gaon_device_open(NULL, &second));
	ok(gaon_stream_create(second, NULL, &other));
	ok(gaon_semaphore_export(s, &fd));
	ok(gaon_semaphore_import_fd(second, fd, &theirs));
	close(fd);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_wait_semaphore(other, s, 1));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->hint, "gaon_semaphore_export"));
	ok(gaon_stream_wait_semaphore(other, theirs, 1));
	ok(gaon_stream_signal_semaphore(other, theirs, 2));
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_stream_signal_semaphore(stream, s, 1));
	ok(gaon_semaphore_wait(s, 2, WAIT));
	/* One side's end is not the other's. */
	ok(gaon_device_close(second));
	ok(gaon_semaphore_signal(s, 3));
	ck_assert_uint_eq(value_of(s), 3);
}
END_TEST

START_TEST(bad_arguments)
{
	struct gaon_semaphore *s = semaphore_make(), *i;
	int pipes[2], file, memory, fd;

	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_create(dev, NULL));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_export(s, NULL));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_query(s, NULL));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, -1, &i));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, 1023, &i));
	ck_assert(!pipe(pipes));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, pipes[0], &i));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "no semaphore"));
	file = open("/dev/null", O_RDWR);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, file, &i));
	/*
	 * A page like that of an embedded device's, of which anybody may take the end away; and one
	 * that is empty.
	 */
	memory = memfd_create("none", MFD_ALLOW_SEALING);
	ck_assert(!ftruncate(memory, 4096));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, memory, &i));
	ck_assert(!fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_semaphore_import_fd(dev, memory, &i));
	ok(gaon_semaphore_export(s, &fd));
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ok(gaon_graph_begin(stream));
	fails(GAON_ERROR_STATE, gaon_stream_wait_semaphore(stream, s, 1));
	fails(GAON_ERROR_STATE, gaon_stream_signal_semaphore(stream, s, 1));
	close(fd);
	close(memory);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

static void *close_soon(void *arg)
{
	usleep(100000);
	ok(gaon_device_close(arg));
	return NULL;
}

/* What nobody will raise holds up neither a stream's end nor a device's; nor is it taken for raised then. */
START_TEST(ends_while_it_waits)
{
	uint64_t seven = 7, got = 0;
	struct gaon_stream *other;
	struct gaon_semaphore *s;
	struct gaon_device *second;
	struct gaon_mem *word;
	pthread_t thread;
	double start = rt_now();

	ok(gaon_device_open(NULL, &second));
	ok(gaon_mem_alloc(second, 8, GAON_MEM_DEVICE, &word));
	ok(gaon_mem_write(second, gaon_mem_va(word), &seven, 8));
	ok(gaon_semaphore_create(second, &s));
	ok(gaon_stream_create(second, NULL, &other));
	ok(gaon_stream_wait_semaphore(other, s, 1));
	ok(gaon_mem_read_async(other, &got, gaon_mem_va(word), 8));
	ok(gaon_stream_signal_semaphore(other, s, 2));
	ck_assert(!pthread_create(&thread, NULL, close_soon, second));
	fails(GAON_ERROR_CLOSED, gaon_semaphore_wait(s, 2, GAON_FOREVER));
	ck_assert(!pthread_join(thread, NULL));
	ck_assert_double_le(rt_now() - start, 10);
	ck_assert_uint_eq(got, 0);
}
END_TEST

static void count_call(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

#define HANGING	4	/* streams that wait for the one that faults: they are told while it is cleared */

/* What a fault swallows raises nothing and calls nobody, not even when it is cleared. */
START_TEST(after_a_fault)
{
	struct gaon_semaphore *s = semaphore_make();
	struct gaon_stream *hanging[HANGING];
	struct gaon_event *event;
	_Atomic int calls = 0;
	struct gaon_mem *go;
	uint64_t round;
	int i;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	ok(gaon_event_create(dev, 0, &event));
	for (i = 0; i < HANGING; i++)
		ok(gaon_stream_create(dev, NULL, &hanging[i]));
	ok(gaon_mem_alloc(dev, 8, GAON_MEM_HOST, &go));
	for (round = 0; round < 10; round++) {
		__atomic_store_n((uint64_t *)gaon_mem_ptr(go), 0, __ATOMIC_RELEASE);
		ok(rt_launch(stream, "conf_until", 1, gaon_mem_va(go), 0));
		ok(rt_launch(stream, "conf_illegal", 1, 0, 0));
		ok(gaon_stream_signal_semaphore(stream, s, 2 * round + 1));
		ok(gaon_stream_callback(stream, count_call, &calls));
		ok(gaon_event_record(stream, event));
		for (i = 0; i < HANGING; i++)
			ok(gaon_stream_wait_event(hanging[i], event));
		/* Not before: who knows of the fault gives no more work. */
		__atomic_store_n((uint64_t *)gaon_mem_ptr(go), 1, __ATOMIC_RELEASE);
		fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
		fails(GAON_ERROR_TIMEOUT, gaon_semaphore_wait(s, 2 * round + 1, SHORT));
		ok(gaon_stream_clear_fault(stream));
		for (i = 0; i < HANGING; i++)
			ok(gaon_stream_wait(hanging[i], WAIT));
		ck_assert_uint_eq(value_of(s), 2 * round);
		ck_assert_int_eq(atomic_load(&calls), (int)round);
		ok(gaon_stream_callback(stream, count_call, &calls));
		ok(gaon_stream_signal_semaphore(stream, s, 2 * round + 2));
		ok(gaon_semaphore_wait(s, 2 * round + 2, WAIT));
		ok(gaon_stream_wait(stream, WAIT));
	}
	ck_assert_int_eq(atomic_load(&calls), 10);
}
END_TEST

/* --- two processes --------------------------------------------------------------------------- */

/* Counts with us, and stands still when we have come to 10. */
static void peer_main(int fd)
{
	struct gaon_semaphore *s;
	struct gaon_stream *mine;
	struct gaon_device *own;
	uint64_t i;

	if (gaon_device_open(NULL, &own) || gaon_stream_create(own, NULL, &mine) ||
	    gaon_semaphore_import_fd(own, fd, &s))
		_exit(1);
	for (i = 0; i < 10; i += 2) {
		if (gaon_stream_wait_semaphore(mine, s, i + 1) ||
		    gaon_stream_signal_semaphore(mine, s, i + 2))
			_exit(2);
	}
	if (gaon_stream_wait(mine, WAIT))
		_exit(3);
	for (;;)
		pause();
}

/* In order with another process, which is then killed: who waits for it has a time-out, all else goes on. */
START_TEST(two_processes)
{
	struct gaon_semaphore *s = semaphore_make();
	int fd, status;
	pid_t child;
	uint64_t i;

	/* The kernel of tests/unit lives in one process: so do its syncobjs. */
	if (getenv("GAON_TEST_ONE_PROCESS"))
		return;
	ok(gaon_semaphore_export(s, &fd));
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child)
		peer_main(fd);
	for (i = 0; i < 10; i += 2) {
		ok(gaon_stream_wait_semaphore(stream, s, i));
		ok(gaon_stream_signal_semaphore(stream, s, i + 1));
	}
	ok(gaon_semaphore_wait(s, 10, WAIT));
	ok(gaon_stream_wait_semaphore(stream, s, 12));
	ck_assert(!kill(child, SIGKILL));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status), "the other process ended with %d", WEXITSTATUS(status));
	fails(GAON_ERROR_TIMEOUT, gaon_semaphore_wait(s, 12, SHORT));
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(stream, SHORT));
	ck_assert_uint_eq(value_of(s), 10);
	ok(gaon_semaphore_signal(s, 12));
	ok(gaon_stream_wait(stream, WAIT));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime semaphores");
	TCase *c = rt_case(suite, "semaphores");

	tcase_add_test(c, hosts);
	tcase_add_test(c, streams_in_turn);
	tcase_add_test(c, host_and_stream);
	tcase_add_test(c, two_opened_devices);
	tcase_add_test(c, bad_arguments);
	tcase_add_test(c, ends_while_it_waits);
	tcase_add_test(c, after_a_fault);
	tcase_add_test(c, two_processes);
	return rt_run(suite);
}
