// SPDX-License-Identifier: MIT
/* Order in and between streams, events and their times, callbacks, waits with timeouts, graphs. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/rt.h"

START_TEST(one_stream_is_in_order)
{
	uint64_t va, want = 0, got = 1;
	int i;

	rt_alloc(8, &va);
	/* More than the ring holds. */
	for (i = 0; i < 3000; i++) {
		uint64_t bit = rt_random() & 1;

		ok(rt_launch(stream, "conf_step", 1, va, bit));
		want = want * 2 + bit;
	}
	ok(gaon_mem_read_async(stream, &got, va, 8));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(got, want);
	ok(gaon_stream_query(stream));
}
END_TEST

START_TEST(read_then_write_the_same_host_memory)
{
	uint64_t a, b, x = 5, y = 0;

	rt_alloc(8, &a);
	rt_alloc(8, &b);
	ok(gaon_mem_fill(dev, a, 0x77, 8, 8));
	/* The write must take what the read brings, not what is there now. */
	ok(rt_launch(stream, "conf_busy", 1, 0, 1000000));
	ok(gaon_mem_read_async(stream, &x, a, 8));
	ok(gaon_mem_write_async(stream, b, &x, 8));
	ok(gaon_mem_read_async(stream, &y, b, 8));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(x, 0x77);
	ck_assert_uint_eq(y, 0x77);
}
END_TEST

START_TEST(streams_wait_for_events)
{
	struct gaon_stream *s[8];
	struct gaon_event *e[8];
	uint64_t va, want = 0, got = 0;
	int i, round;

	rt_alloc(8, &va);
	for (i = 0; i < 8; i++) {
		struct gaon_stream_config config = {
			.size = sizeof(config), .priority = (enum gaon_priority)(i % 3),
			.ring_log2 = 4, .name = "ring",
		};

		ok(gaon_stream_create(dev, &config, &s[i]));
		ok(gaon_event_create(dev, i & 1 ? GAON_EVENT_TIMED : 0, &e[i]));
	}
	/* A token goes round; each step is done by another stream. */
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++) {
			uint64_t bit = rt_random() & 1;

			if (round || i)
				ok(gaon_stream_wait_event(s[i], e[(i + 7) % 8]));
			ok(rt_launch(s[i], "conf_step", 1, va, bit));
			ok(gaon_event_record(s[i], e[i]));
			want = want * 2 + bit;
		}
	}
	ok(gaon_event_wait(e[7], WAIT));
	ok(gaon_mem_read(dev, &got, va, 8));
	ck_assert_uint_eq(got, want);
	for (i = 0; i < 8; i++) {
		ok(gaon_stream_destroy(s[i]));
		fails(GAON_ERROR_CLOSED, gaon_stream_wait(s[i], WAIT));
		ok(gaon_event_wait(e[i], WAIT));
		ok(gaon_event_destroy(e[i]));
		fails(GAON_ERROR_CLOSED, gaon_event_destroy(e[i]));
	}
}
END_TEST

START_TEST(event_states_and_times)
{
	struct gaon_event *start, *end, *plain;
	int64_t device_ns = -1, host_ns = -1;

	ok(gaon_event_create(dev, GAON_EVENT_TIMED, &start));
	ok(gaon_event_create(dev, GAON_EVENT_TIMED, &end));
	ok(gaon_event_create(dev, 0, &plain));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_event_create(dev, 8, &plain));
	fails(GAON_ERROR_STATE, gaon_event_wait(start, 0));
	fails(GAON_ERROR_STATE, gaon_event_query(start));
	fails(GAON_ERROR_STATE, gaon_event_elapsed(start, end, &device_ns, &host_ns));
	fails(GAON_ERROR_STATE, gaon_stream_wait_event(stream, plain));
	ok(gaon_event_record(stream, start));
	ok(rt_launch(stream, "conf_busy", 1, 0, 1000000));
	ok(gaon_event_record(stream, end));
	ok(gaon_event_record(stream, plain));
	ok(gaon_event_wait(start, WAIT));
	ok(gaon_event_wait(end, WAIT));
	ok(gaon_event_query(plain));
	ok(gaon_event_elapsed(start, end, &device_ns, &host_ns));
	/* A million rounds of a loop at about a gigahertz. */
	ck_assert_int_gt(device_ns, 300000);
	ck_assert_int_lt(device_ns, 30000000);
	ck_assert_int_ge(host_ns, 0);
	fails(GAON_ERROR_STATE, gaon_event_elapsed(start, plain, &device_ns, NULL));
}
END_TEST

/* Device time between events around a million rounds on a new stream. */
static int64_t busy_ns(void)
{
	struct gaon_event *start, *end;
	struct gaon_stream *s;
	int64_t ns = -1;

	ok(gaon_event_create(dev, GAON_EVENT_TIMED, &start));
	ok(gaon_event_create(dev, GAON_EVENT_TIMED, &end));
	ok(gaon_stream_create(dev, NULL, &s));
	ok(gaon_event_record(s, start));
	ok(rt_launch(s, "conf_busy", 1, 0, 1000000));
	ok(gaon_event_record(s, end));
	ok(gaon_event_wait(end, WAIT));
	ok(gaon_event_elapsed(start, end, &ns, NULL));
	ok(gaon_stream_destroy(s));
	ok(gaon_event_destroy(start));
	ok(gaon_event_destroy(end));
	return ns;
}

/* Not even by work that its queue's number or its core did for others before. */
START_TEST(earlier_work_takes_no_time)
{
	int64_t alone = busy_ns();
	int i;

	for (i = 0; i < 3; i++) {
		ok(rt_launch(stream, "conf_busy", 1, 0, 1000000));
		ok(gaon_stream_wait(stream, WAIT));
		/* Cycles are the same; as nanoseconds the stamps are cut. */
		ck_assert_int_le(llabs(busy_ns() - alone), 2);
	}
}
END_TEST

START_TEST(timeouts)
{
	struct gaon_event *e;
	struct gaon_mem *go;
	double start;

	ok(gaon_event_create(dev, 0, &e));
	ok(gaon_mem_alloc(dev, 8, GAON_MEM_HOST, &go));
	ok(rt_launch(stream, "conf_until", 1, gaon_mem_va(go), 0));
	ok(gaon_event_record(stream, e));
	fails(GAON_ERROR_NOT_READY, gaon_stream_query(stream));
	fails(GAON_ERROR_NOT_READY, gaon_event_query(e));
	start = rt_now();
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(stream, 30000000));
	ck_assert_double_ge(rt_now() - start, 0.029);
	ck_assert_double_le(rt_now() - start, 1.0);
	fails(GAON_ERROR_TIMEOUT, gaon_event_wait(e, 1000));
	fails(GAON_ERROR_TIMEOUT, gaon_device_wait(dev, 0));
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(stream, 0));
	__atomic_store_n((uint64_t *)gaon_mem_ptr(go), 1, __ATOMIC_RELEASE);
	ok(gaon_stream_wait(stream, GAON_FOREVER));
	ok(gaon_device_wait(dev, WAIT));
	ok(gaon_event_query(e));
}
END_TEST

struct heard {
	_Atomic int calls;
	uint64_t *value;
	uint64_t seen[100];
	enum gaon_status blocked;
};

static void hear(void *arg)
{
	struct heard *h = arg;
	int i = atomic_load(&h->calls);

	if (i < 100)
		h->seen[i] = *h->value;
	h->blocked = gaon_stream_wait(stream, WAIT);
	atomic_store(&h->calls, i + 1);
}

START_TEST(callbacks_run_in_order_and_hold_the_stream)
{
	struct heard h = { .blocked = GAON_OK };
	uint64_t va, x = 99, sum = 0;
	int i;

	rt_alloc(8, &va);
	h.value = &x;
	for (i = 0; i < 20; i++) {
		ok(rt_launch(stream, "conf_step", 1, va, (uint64_t)i));
		ok(gaon_mem_read_async(stream, &x, va, 8));
		ok(gaon_stream_callback(stream, hear, &h));
	}
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_int_eq(atomic_load(&h.calls), 20);
	ck_assert_int_eq(h.blocked, GAON_ERROR_WRONG_THREAD);
	for (i = 0; i < 20; i++) {
		sum = sum * 2 + (uint64_t)i;
		ck_assert_uint_eq(h.seen[i], sum);
	}
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_callback(stream, NULL, NULL));
}
END_TEST

static void slow(void *arg)
{
	usleep(300000);
	atomic_fetch_add((_Atomic int *)arg, 1);
}

struct giver {
	struct gaon_stream *to;
	struct gaon_mem *word;
	_Atomic int given, refused;
};

static void give_late(void *arg)
{
	struct giver *g = arg;
	enum gaon_status status;
	int i;

	usleep(50000);
	for (i = 0; i < 40; i++) {
		status = rt_launch(g->to, "conf_step", 1, gaon_mem_va(g->word), 0);
		if (status == GAON_OK)
			atomic_fetch_add(&g->given, 1);
		else if (status == GAON_ERROR_WRONG_THREAD && strstr(gaon_last_error()->text, "full"))
			atomic_fetch_add(&g->refused, 1);
	}
}

/* The stream that it holds is full, or becomes so: an error, not a wait for itself. */
START_TEST(callbacks_give_work_to_a_full_stream)
{
	struct gaon_stream_config config = { .size = sizeof(config), .ring_log2 = 4 };
	struct giver g = { 0 };
	uint64_t va;
	int i, crowd;

	g.word = rt_alloc(8, &va);
	for (crowd = 0; crowd < 2; crowd++) {
		ok(gaon_stream_create(dev, &config, &g.to));
		atomic_store(&g.given, 0);
		atomic_store(&g.refused, 0);
		ok(gaon_stream_callback(g.to, give_late, &g));
		/* More than fit: this thread waits for room, which the callback makes. */
		for (i = 0; i < (crowd ? 40 : 2); i++)
			ok(rt_launch(g.to, "conf_noop", 1, 0, 0));
		ok(gaon_stream_wait(g.to, WAIT));
		ck_assert_int_eq(atomic_load(&g.given) + atomic_load(&g.refused), 40);
		ck_assert_int_gt(atomic_load(&g.refused), 0);
		if (!crowd)
			ck_assert_int_ge(atomic_load(&g.given), 10);
		ok(gaon_stream_destroy(g.to));
	}
}
END_TEST

struct chain {
	struct gaon_stream *to;
	_Atomic int calls;
	int taken;
};

static void link_called(void *arg)
{
	atomic_fetch_add(&((struct chain *)arg)->calls, 1);
}

static void chain_on(void *arg)
{
	struct chain *c = arg;

	while (gaon_stream_callback(c->to, link_called, c) == GAON_OK)
		c->taken++;
}

/* It is put as a whole or not at all: what is refused is not called. */
START_TEST(callbacks_fit_as_a_whole)
{
	struct gaon_stream_config config = { .size = sizeof(config), .ring_log2 = 4 };
	struct chain c = { 0 };
	int i, before;

	for (before = 0; before < 4; before++) {
		ok(gaon_stream_create(dev, &config, &c.to));
		atomic_store(&c.calls, 0);
		c.taken = 0;
		ok(gaon_stream_callback(c.to, chain_on, &c));
		for (i = 0; i < before; i++)
			ok(rt_launch(c.to, "conf_noop", 1, 0, 0));
		ok(gaon_stream_wait(c.to, WAIT));
		/* Given by the first of them, behind what was waited for. */
		ok(gaon_stream_wait(c.to, WAIT));
		ck_assert_int_ge(c.taken, 4);
		ck_assert_int_eq(atomic_load(&c.calls), c.taken);
		ok(gaon_stream_destroy(c.to));
	}
}
END_TEST

START_TEST(callbacks_pending_at_close)
{
	_Atomic int calls = 0;
	struct gaon_device *other;
	struct gaon_stream *s;
	int i;

	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, NULL, &s));
	for (i = 0; i < 50; i++)
		ok(gaon_stream_callback(s, slow, &calls));
	usleep(100000);
	ok(gaon_device_close(other));
	ck_assert_int_le(atomic_load(&calls), 2);
	fails(GAON_ERROR_CLOSED, gaon_stream_query(s));
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

/* What others have stored where a stream counted is no end of the next stream's work. */
START_TEST(streams_begin_with_nothing_done)
{
	struct gaon_stream *streams[8];
	struct gaon_event *events[8];
	struct gaon_mem *go;
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 8; i++) {
			ok(gaon_stream_create(dev, NULL, &streams[i]));
			ok(rt_launch(streams[i], "conf_noop", 1, 0, 0));
			ok(gaon_stream_callback(streams[i], nothing, NULL));
			ok(gaon_stream_wait(streams[i], WAIT));
		}
		for (i = 0; i < 8; i++)
			ok(gaon_stream_destroy(streams[i]));
		for (i = 0; i < 8; i++) {
			ok(gaon_event_create(dev, GAON_EVENT_TIMED, &events[i]));
			ok(gaon_event_record(stream, events[i]));
		}
		ok(gaon_stream_wait(stream, WAIT));
		for (i = 0; i < 8; i++)
			ok(gaon_event_destroy(events[i]));
	}
	ok(gaon_mem_alloc(dev, 8, GAON_MEM_HOST, &go));
	for (i = 0; i < 3; i++) {
		ok(gaon_stream_create(dev, NULL, &streams[i]));
		ok(rt_launch(streams[i], "conf_until", 1, gaon_mem_va(go), 0));
		fails(GAON_ERROR_NOT_READY, gaon_stream_query(streams[i]));
	}
	__atomic_store_n((uint64_t *)gaon_mem_ptr(go), 1, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		ok(gaon_stream_wait(streams[i], WAIT));
}
END_TEST

START_TEST(graphs_replay)
{
	uint64_t va, other, want = 0, got = 0;
	struct gaon_stream *second;
	struct gaon_graph *graph;
	struct gaon_event *e;
	int i;

	rt_alloc(4096, &va);
	rt_alloc(4096, &other);
	ok(gaon_event_create(dev, 0, &e));
	ok(gaon_stream_create(dev, NULL, &second));
	fails(GAON_ERROR_STATE, gaon_graph_end(stream, &graph));
	ok(gaon_graph_begin(stream));
	fails(GAON_ERROR_STATE, gaon_graph_begin(stream));
	for (i = 0; i < 10; i++)
		ok(rt_launch(stream, "conf_step", 1, va, (uint64_t)i));
	ok(gaon_mem_copy_async(stream, other, va, 8));
	ok(gaon_mem_fill_async(stream, other + 8, 0xab, 1, 8));
	ok(gaon_mem_copy_rect_async(stream, &(struct gaon_rect){
		.size = sizeof(struct gaon_rect), .width = 8, .height = 2,
		.dst = { .va = other + 64, .row_pitch = 16 }, .src = { .va = other } }));
	fails(GAON_ERROR_STATE, gaon_event_record(stream, e));
	fails(GAON_ERROR_STATE, gaon_stream_wait_event(stream, e));
	fails(GAON_ERROR_STATE, gaon_mem_alloc_async(stream, 64, &got));
	fails(GAON_ERROR_STATE, gaon_mem_free_async(stream, va));
	fails(GAON_ERROR_STATE, gaon_stream_callback(stream, free, NULL));
	fails(GAON_ERROR_STATE, gaon_mem_read_async(stream, &got, va, 8));
	ok(gaon_graph_end(stream, &graph));
	ok(gaon_mem_read(dev, &got, va, 8));
	ck_assert_uint_eq(got, 0);
	for (i = 0; i < 30; i++) {
		int k;

		ok(gaon_graph_launch(i & 1 ? second : stream, graph));
		ok(gaon_stream_wait(i & 1 ? second : stream, WAIT));
		for (k = 0; k < 10; k++)
			want = want * 2 + (uint64_t)k;
		/* Each time: after some more the value stays the same, and a stale one looks right. */
		ok(gaon_mem_read(dev, &got, other + 64, 8));
		ck_assert_uint_eq(got, want);
	}
	ok(gaon_mem_read(dev, &got, other + 80, 8));
	ck_assert_uint_eq(got, 0xababababababababull);
	ok(gaon_graph_destroy(graph));
	fails(GAON_ERROR_CLOSED, gaon_graph_launch(stream, graph));
	/* A recording that nobody ends goes with its stream. */
	ok(gaon_graph_begin(second));
	ok(rt_launch(second, "conf_noop", 1, 0, 0));
	ok(gaon_stream_destroy(second));
}
END_TEST

START_TEST(many_streams)
{
	enum { STREAMS = 200 };
	static struct gaon_stream *s[STREAMS];
	uint64_t va, got[STREAMS];
	int i, round;

	/* Many more than the device has hardware slots. */
	rt_alloc(8 * STREAMS, &va);
	for (i = 0; i < STREAMS; i++) {
		struct gaon_stream_config config = { .size = sizeof(config), .ring_log2 = 4 };

		ok(gaon_stream_create(dev, &config, &s[i]));
	}
	for (round = 0; round < 10; round++)
		for (i = 0; i < STREAMS; i++)
			ok(rt_launch(s[i], "conf_step", 1, va + 8 * (uint64_t)i, 1));
	ok(gaon_device_wait(dev, WAIT));
	ok(gaon_mem_read(dev, got, va, sizeof(got)));
	for (i = 0; i < STREAMS; i++) {
		ck_assert_uint_eq(got[i], 1023);
		ok(gaon_stream_destroy(s[i]));
	}
}
END_TEST

START_TEST(stream_configurations)
{
	struct {
		struct gaon_stream_config config;
		uint64_t future;
	} big = { .config = { .size = sizeof(big) } };
	struct gaon_stream_config config = { .size = sizeof(config), .ring_log2 = 3 };
	struct gaon_stream *s;

	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_create(dev, &config, &s));
	config.ring_log2 = 17;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_create(dev, &config, &s));
	config.ring_log2 = 0;
	config.priority = (enum gaon_priority)7;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_create(dev, &config, &s));
	config.size = 3;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_stream_create(dev, &config, &s));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_stream_create(dev, NULL, NULL));
	/* A newer program: unknown fields must be zero. */
	ok(gaon_stream_create(dev, &big.config, &s));
	ok(gaon_stream_retain(s));
	ok(gaon_stream_destroy(s));
	ok(gaon_stream_query(s));
	ok(gaon_stream_destroy(s));
	big.future = 1;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_stream_create(dev, &big.config, &s));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime streams");
	TCase *tc = rt_case(suite, "streams");

	tcase_add_test(tc, one_stream_is_in_order);
	tcase_add_test(tc, read_then_write_the_same_host_memory);
	tcase_add_test(tc, streams_wait_for_events);
	tcase_add_test(tc, event_states_and_times);
	tcase_add_test(tc, earlier_work_takes_no_time);
	tcase_add_test(tc, timeouts);
	tcase_add_test(tc, callbacks_run_in_order_and_hold_the_stream);
	tcase_add_test(tc, callbacks_give_work_to_a_full_stream);
	tcase_add_test(tc, callbacks_fit_as_a_whole);
	tcase_add_test(tc, callbacks_pending_at_close);
	tcase_add_test(tc, streams_begin_with_nothing_done);
	tcase_add_test(tc, graphs_replay);
	tcase_add_test(tc, many_streams);
	tcase_add_test(tc, stream_configurations);
	return rt_run(suite);
}
