// SPDX-License-Identifier: MIT
/* Replays of a graph with other arguments than were recorded. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/rt.h"

#define NODES	8

static uint64_t va;

static enum gaon_status record(const char *name, uint32_t flags, uint64_t at, uint64_t value)
{
	struct conf_args args = { at, value };

	return gaon_launch(stream, rt_kernel(name), &(struct gaon_launch){
		.size = sizeof(struct gaon_launch), .flags = flags, .args = &args,
		.args_size = sizeof(args) });
}

/* NODES steps of *va = 2 *va + value; every second one is replaceable. */
static struct gaon_graph *steps(void)
{
	struct gaon_graph *graph;
	uint64_t i;

	ok(gaon_graph_begin(stream));
	for (i = 0; i < NODES; i++)
		ok(record("conf_step", i & 1 ? GAON_LAUNCH_REPLACEABLE : 0, va, i));
	ok(gaon_graph_end(stream, &graph));
	return graph;
}

static struct gaon_graph_args other(uint32_t launch, const struct conf_args *args)
{
	return (struct gaon_graph_args){ .size = sizeof(struct gaon_graph_args), .launch = launch,
					 .args = args, .args_size = sizeof(*args) };
}

static uint64_t read64(uint64_t at)
{
	uint64_t got;

	ok(gaon_mem_read(dev, &got, at, 8));
	return got;
}

START_TEST(replays_with_other_arguments)
{
	struct gaon_graph *graph;
	uint64_t want = 0, spare;
	int round;

	rt_alloc(64, &va);
	spare = va + 32;
	graph = steps();
	for (round = 0; round < 500; round++) {
		struct conf_args args[NODES / 2];
		struct gaon_graph_args with[NODES];
		uint64_t values[NODES], i;
		uint32_t count = 0, k;

		for (i = 0; i < NODES; i++)
			values[i] = i;
		for (k = 0; k < NODES / 2; k++) {
			if (rt_random() & 1)
				continue;
			values[2 * k + 1] = rt_random() % 1000;
			args[k] = (struct conf_args){ va, values[2 * k + 1] };
			with[count++] = other(k, &args[k]);
		}
		ok(gaon_graph_launch_args(stream, graph, with, count));
		/* They were copied. */
		memset(args, 0xff, sizeof(args));
		memset(with, 0xff, sizeof(with));
		for (i = 0; i < NODES; i++)
			want = want * 2 + values[i];
		if (round % 50 == 49) {
			ok(gaon_stream_wait(stream, WAIT));
			ck_assert_uint_eq(read64(va), want);
		}
	}
	/* Another address; the later of two wins; what is not named is as recorded. */
	ok(gaon_mem_fill(dev, va, 0, 8, 8));
	ok(gaon_graph_launch_args(stream, graph, (struct gaon_graph_args[]){
		other(3, &(struct conf_args){ va, 99 }), other(3, &(struct conf_args){ spare, 5 }) }, 2));
	ok(gaon_graph_launch(stream, graph));
	ok(gaon_stream_wait(stream, WAIT));
	for (round = 0, want = 0; round < 2 * NODES; round++)
		if (round != NODES - 1)
			want = want * 2 + (uint64_t)(round % NODES);
	ck_assert_uint_eq(read64(va), want);
	ck_assert_uint_eq(read64(spare), 5);
	ok(gaon_graph_destroy(graph));
}
END_TEST

START_TEST(bad_replacements)
{
	struct conf_args args = { 0, 1 };
	struct gaon_graph_args good = other(0, &args), bad;
	struct gaon_graph *graph, *empty;

	rt_alloc(8, &va);
	fails(GAON_ERROR_STATE, record("conf_step", GAON_LAUNCH_REPLACEABLE, va, 1));
	graph = steps();
	args.va = va;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_graph_launch_args(stream, graph, NULL, 1));
	bad = other(NODES / 2, &args);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_graph_launch_args(stream, graph, &bad, 1));
	bad = good;
	bad.args_size = 8;
	fails(GAON_ERROR_ARGUMENTS_SIZE, gaon_graph_launch_args(stream, graph, &bad, 1));
	bad = good;
	bad.args = NULL;
	fails(GAON_ERROR_ARGUMENTS_SIZE, gaon_graph_launch_args(stream, graph, &bad, 1));
	bad = good;
	bad.size = 8;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_graph_launch_args(stream, graph, &bad, 1));
	ok(gaon_graph_begin(stream));
	fails(GAON_ERROR_STATE, gaon_graph_launch_args(stream, graph, &good, 1));
	ok(gaon_graph_end(stream, &empty));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_graph_launch_args(stream, empty, &good, 1));
	ok(gaon_graph_launch(stream, empty));
	/* Nothing of the refused ones ran. */
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(read64(va), 0);
	/* One bad element of several refuses all. */
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_graph_launch_args(stream, graph,
		(struct gaon_graph_args[]){ good, other(NODES, &args) }, 2));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(read64(va), 0);
	ok(gaon_graph_destroy(empty));
	ok(gaon_graph_destroy(graph));
	fails(GAON_ERROR_CLOSED, gaon_graph_launch_args(stream, graph, &good, 1));
}
END_TEST

/* As the recorded launch asked, the pointers that the kernel declared; the graph outlives the module. */
START_TEST(replaced_pointers_are_checked)
{
	struct conf_saxpy_args args = { .count = 1, .a = 2 };
	struct gaon_graph_args with = { .size = sizeof(with), .args = &args, .args_size = sizeof(args) };
	struct gaon_launch launch = { .size = sizeof(launch), .args = &args, .args_size = sizeof(args),
				      .flags = GAON_LAUNCH_REPLACEABLE | GAON_LAUNCH_CHECK_POINTERS };
	struct gaon_graph *graph;

	rt_alloc(8, &va);
	args.x = args.y = va;
	ok(gaon_graph_begin(stream));
	ok(gaon_launch(stream, rt_kernel("conf_saxpy"), &launch));
	ok(gaon_graph_end(stream, &graph));
	ok(gaon_graph_launch_args(stream, graph, &with, 1));
	args.x = (uintptr_t)&args;
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_graph_launch_args(stream, graph, &with, 1));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_module_unload(module));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_graph_launch_args(stream, graph, &with, 1));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "conf_saxpy"));
	ok(gaon_graph_destroy(graph));
}
END_TEST

/* More arguments than fit the stream's ring, and so many replays that it goes round. */
START_TEST(many_arguments)
{
	enum { MANY = 1200, SMALL = 100 };
	struct conf_args args = { 0, 3 };
	struct gaon_graph_args with = other(0, &args);
	struct gaon_graph *graph;
	struct gaon_stream *small;
	int i;

	rt_alloc(8, &va);
	args.va = va;
	ok(gaon_stream_create(dev, &(struct gaon_stream_config){ .size = sizeof(struct gaon_stream_config),
								  .ring_log2 = 4 }, &small));
	ok(gaon_graph_begin(stream));
	for (i = 0; i < MANY; i++)
		ok(record("conf_noop", GAON_LAUNCH_REPLACEABLE, va, 0));
	ok(gaon_graph_end(stream, &graph));
	fails(GAON_ERROR_LIMIT, gaon_graph_launch_args(small, graph, &with, 1));
	ok(gaon_graph_launch(small, graph));
	ok(gaon_stream_wait(small, WAIT));
	ok(gaon_graph_destroy(graph));

	ok(gaon_graph_begin(stream));
	ok(record("conf_step", GAON_LAUNCH_REPLACEABLE, va, 0));
	for (i = 0; i < SMALL; i++)
		ok(record("conf_noop", GAON_LAUNCH_REPLACEABLE, va, 0));
	ok(gaon_graph_end(stream, &graph));
	for (i = 0; i < 200; i++) {
		args.value = (uint64_t)i;
		ok(gaon_graph_launch_args(small, graph, &with, 1));
	}
	ok(gaon_stream_wait(small, WAIT));
	/* The top bit falls out after 64 steps; the last ones are there. */
	ck_assert_uint_eq(read64(va) & 0xf, (199 + 2 * 198 + 4 * 197 + 8 * 196) & 0xf);
	ok(gaon_graph_destroy(graph));
	ok(gaon_stream_destroy(small));
}
END_TEST

static _Atomic bool stop;
static struct gaon_graph *raced;

static void *replayer(void *arg)
{
	struct conf_args args = { va, 1 };
	struct gaon_graph_args with = other(0, &args);
	enum gaon_status status = GAON_OK;
	struct gaon_stream *s;

	ok(gaon_stream_create(dev, NULL, &s));
	while (!status && !atomic_load(&stop))
		status = gaon_graph_launch_args(s, raced, &with, 1);
	ok(gaon_stream_wait(s, WAIT));
	ok(gaon_stream_destroy(s));
	return arg;
}

/* Whoever comes late finds it closed; nothing that was queued runs out of freed memory. */
START_TEST(destroyed_while_replayed)
{
	pthread_t threads[3];
	int round, i;

	rt_alloc(8, &va);
	for (round = 0; round < 10; round++) {
		raced = steps();
		atomic_store(&stop, false);
		for (i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, replayer, NULL);
		usleep(2000);
		ok(gaon_graph_destroy(raced));
		atomic_store(&stop, true);
		for (i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
	}
}
END_TEST

START_TEST(timestamps)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_graph *graph;
	uint64_t stamps[3] = { 0 }, before = 0, work, at;
	int round;

	ok(gaon_device_get_info(dev, &info));
	rt_alloc(64, &work);
	rt_alloc(64, &at);
	ok(gaon_graph_begin(stream));
	ok(gaon_stream_timestamp(stream, at));
	ok(record("conf_step", 0, work, 1));
	ok(gaon_stream_timestamp(stream, at + 8));
	ok(gaon_graph_end(stream, &graph));
	for (round = 0; round < 20; round++) {
		ok(gaon_graph_launch(stream, graph));
		ok(gaon_stream_timestamp(stream, at + 16));
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(dev, stamps, at, sizeof(stamps)));
		ck_assert_uint_ge(stamps[0], before);
		/* A launch takes 8 + 256 + 32 + 64 cycles besides what its kernel does (hw/time.rst). */
		if (info.modelled_time)
			ck_assert_uint_gt(stamps[1] - stamps[0], 360);
		ck_assert_uint_ge(stamps[1], stamps[0]);
		ck_assert_uint_ge(stamps[2], stamps[1]);
		before = stamps[2];
	}
	ok(gaon_graph_destroy(graph));
}
END_TEST

START_TEST(timestamps_go_where_they_may)
{
	int64_t host[2] = { 0 };
	struct gaon_mem *mem;
	uint64_t at;

	rt_alloc(64, &at);
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_timestamp(stream, at + 4));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_stream_timestamp(stream, 8));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_stream_timestamp(stream, 0));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_stream_timestamp(NULL, at));
	if (gaon_mem_import(dev, host, sizeof(host), GAON_IMPORT_READONLY, &mem) == GAON_OK) {
		at = (gaon_mem_va(mem) + 7) & ~7ull;
		fails(GAON_ERROR_INVALID_ADDRESS, gaon_stream_timestamp(stream, at));
		ok(gaon_mem_free(mem));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime graphs");
	TCase *tc = rt_case(suite, "graphs");

	tcase_add_test(tc, replays_with_other_arguments);
	tcase_add_test(tc, bad_replacements);
	tcase_add_test(tc, replaced_pointers_are_checked);
	tcase_add_test(tc, many_arguments);
	tcase_add_test(tc, destroyed_while_replayed);
	tcase_add_test(tc, timestamps);
	tcase_add_test(tc, timestamps_go_where_they_may);
	return rt_run(suite);
}
