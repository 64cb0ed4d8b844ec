// SPDX-License-Identifier: MIT
/* Many threads on one device, one stream, and against each other's destroys. For TSan as well. */
#include <pthread.h>
#include <stdatomic.h>

#include "runtime/rt.h"

#define THREADS	6
#define ROUNDS	(getenv("GAON_TEST_LONG") ? 2000 : 60)

static uint64_t shared_va;
static _Atomic int failures;

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

#define must(call) do { if ((call) != GAON_OK) {						\
	fprintf(stderr, "%s: %s\n", #call, gaon_last_error()->text);				\
	atomic_fetch_add(&failures, 1); } } while (0)

static enum gaon_status step(struct gaon_stream *s, struct gaon_kernel *k, uint64_t va, uint64_t value)
{
	struct conf_args args = { va, value };

	return gaon_launch(s, k, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.args = &args, .args_size = sizeof(args) });
}

/* Each with a stream, memory and results of its own. */
static void *own_work(void *arg)
{
	uint64_t state = (uintptr_t)arg, va, want = 0, got = 0;
	struct gaon_kernel *k;
	struct gaon_stream *s;
	struct gaon_mem *mem;
	int i, rounds = ROUNDS;

	must(gaon_module_get_kernel(module, "conf_step", &k));
	must(gaon_stream_create(dev, NULL, &s));
	must(gaon_mem_alloc(dev, 4096, GAON_MEM_DEVICE, &mem));
	va = gaon_mem_va(mem);
	for (i = 0; i < rounds; i++) {
		uint64_t bit = next(&state) & 1, pool;

		must(step(s, k, va, bit));
		want = want * 2 + bit;
		if (next(&state) % 4 == 0) {
			must(gaon_mem_alloc_async(s, 1 + next(&state) % 100000, &pool));
			must(gaon_mem_copy_async(s, pool, va, 1));
			must(gaon_mem_free_async(s, pool));
		}
		if (next(&state) % 8 == 0) {
			must(gaon_mem_read_async(s, &got, va, 8));
			must(gaon_stream_wait(s, WAIT));
			if (got != want)
				atomic_fetch_add(&failures, 1);
		}
	}
	/* A blocking copy does not wait for other streams. */
	must(gaon_stream_wait(s, WAIT));
	must(gaon_mem_read(dev, &got, va, 8));
	if (got != want)
		atomic_fetch_add(&failures, 1);
	must(gaon_stream_destroy(s));
	must(gaon_mem_free(mem));
	return NULL;
}

/* All on one stream. */
static void *shared_work(void *arg)
{
	struct gaon_kernel *k;
	int i, rounds = ROUNDS;

	(void)arg;
	must(gaon_module_get_kernel(module, "conf_global_get", &k));
	for (i = 0; i < rounds; i++) {
		must(step(stream, k, shared_va, 1));
		if (i % 16 == 0)
			must(gaon_stream_wait(stream, WAIT));
	}
	must(gaon_stream_wait(stream, WAIT));
	return NULL;
}

static void run_threads(void *(*fn)(void *))
{
	pthread_t thread[THREADS];
	uintptr_t i;

	atomic_store(&failures, 0);
	for (i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, fn, (void *)(i + 1));
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(atomic_load(&failures), 0);
}

START_TEST(threads_with_streams)
{
	run_threads(own_work);
}
END_TEST

START_TEST(threads_on_one_stream)
{
	uint64_t got = 0;

	rt_alloc(8, &shared_va);
	run_threads(shared_work);
	ok(gaon_mem_read(dev, &got, shared_va, 8));
	ck_assert_uint_eq(got, 42 + (uint64_t)THREADS * (uint64_t)ROUNDS - 1);
}
END_TEST

static struct gaon_stream *victim_stream;
static struct gaon_event *victim_event;
static struct gaon_mem *victim_mem;
static struct gaon_device *victim_device;
static pthread_barrier_t barrier;

/* Whatever happens first: a named status, never a crash. */
static void *racer(void *arg)
{
	uintptr_t who = (uintptr_t)arg;
	struct gaon_kernel *k = NULL;
	enum gaon_status s[8] = { 0 };
	uint64_t x = 0;
	int i, n = 0;

	gaon_module_get_kernel(module, "conf_noop", &k);
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 20; i++) {
		n = 0;
		s[n++] = gaon_event_record(victim_stream, victim_event);
		s[n++] = gaon_mem_write_async(victim_stream, gaon_mem_va(victim_mem), &x, 8);
		s[n++] = gaon_stream_wait(victim_stream, WAIT);
		s[n++] = gaon_event_wait(victim_event, WAIT);
		s[n++] = gaon_stream_query(victim_stream);
		if (i == (int)who * 3)
			s[n++] = who == 1 ? gaon_stream_destroy(victim_stream) :
				 who == 2 ? gaon_event_destroy(victim_event) :
				 who == 3 ? gaon_mem_free(victim_mem) :
				 who == 4 ? gaon_device_close(victim_device) : GAON_OK;
		while (n--) {
			switch (s[n]) {
			case GAON_OK:
			case GAON_ERROR_CLOSED:
			case GAON_ERROR_INVALID_ADDRESS:
			case GAON_ERROR_INVALID_HANDLE:
			case GAON_ERROR_STATE:
			case GAON_ERROR_NOT_READY:
			case GAON_ERROR_FAULT:
				break;
			default:
				atomic_fetch_add(&failures, 1);
				fprintf(stderr, "racer %d: %s\n", n, gaon_status_name(s[n]));
			}
		}
	}
	return NULL;
}

START_TEST(threads_against_destroys)
{
	int i;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < 10; i++) {
		ok(gaon_device_open(NULL, &victim_device));
		ok(gaon_stream_create(victim_device, NULL, &victim_stream));
		ok(gaon_event_create(victim_device, GAON_EVENT_TIMED, &victim_event));
		ok(gaon_mem_alloc(victim_device, 4096, GAON_MEM_DEVICE, &victim_mem));
		run_threads(racer);
	}
	pthread_barrier_destroy(&barrier);
}
END_TEST

static void *opener(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	int i;

	for (i = 0; i < 6; i++) {
		struct gaon_device *d;
		struct gaon_mem *m;
		uint64_t x = 0;

		must(gaon_device_open(NULL, &d));
		must(gaon_mem_alloc(d, 1 + next(&state) % 300000, GAON_MEM_DEVICE, &m));
		must(gaon_mem_fill(d, gaon_mem_va(m), state, 1, 1));
		must(gaon_mem_read(d, &x, gaon_mem_va(m), 1));
		if (x != (state & 0xff))
			atomic_fetch_add(&failures, 1);
		must(gaon_device_close(d));
	}
	return NULL;
}

START_TEST(threads_open_and_close)
{
	run_threads(opener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime threads");
	TCase *tc = rt_case(suite, "threads");

	tcase_add_test(tc, threads_with_streams);
	tcase_add_test(tc, threads_on_one_stream);
	tcase_add_test(tc, threads_against_destroys);
	tcase_add_test(tc, threads_open_and_close);
	return rt_run(suite);
}
