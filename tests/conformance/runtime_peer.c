// SPDX-License-Identifier: MIT
/* Copies between opened devices, blocking and in a stream's order. */
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/rt.h"

#define BYTES	(9u << 20)

static struct gaon_device *other;
static struct gaon_mem *there;
static uint64_t here_va, there_va;
static uint8_t *a, *b;

static void open_other(void)
{
	a = malloc(BYTES);
	b = malloc(BYTES);
	ok(gaon_device_open(NULL, &other));
	rt_alloc(BYTES, &here_va);
	ok(gaon_mem_alloc(other, BYTES, GAON_MEM_DEVICE, &there));
	there_va = gaon_mem_va(there);
	rt_random_bytes(a, BYTES);
}

static void close_other(void)
{
	ok(gaon_device_close(other));
	free(a);
	free(b);
}

static _Atomic bool gate;

static void hold(void *arg)
{
	(void)arg;
	while (!atomic_load(&gate))
		usleep(1000);
}

START_TEST(blocking)
{
	open_other();
	ok(gaon_mem_write(dev, here_va, a, BYTES));
	ok(gaon_mem_copy_peer(other, there_va, dev, here_va, BYTES));
	ok(gaon_mem_read(other, b, there_va, BYTES));
	ck_assert_int_eq(memcmp(a, b, BYTES), 0);
	close_other();
	fails(GAON_ERROR_CLOSED, gaon_mem_copy_peer(other, here_va, dev, here_va, 64));
}
END_TEST

/* The copy sees what the stream did before, and not what it does behind. */
START_TEST(in_the_order_of_a_stream)
{
	struct gaon_stream *theirs;
	uint64_t got[2], value, i;

	open_other();
	ok(gaon_stream_create(other, NULL, &theirs));
	for (i = 0; i < 20; i++) {
		uint64_t at = 8 * (rt_random() % (BYTES / 8)), bytes = rt_random() % (BYTES - at) + 1;
		bool forth = rt_random() & 1;

		value = rt_random();
		ok(gaon_mem_fill_async(stream, here_va, value, 8, BYTES));
		ok(gaon_mem_copy_peer_async(stream, other, there_va + at, dev, here_va + at, bytes));
		ok(gaon_mem_fill_async(stream, here_va, ~value, 8, BYTES));
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(other, b, there_va + at, bytes));
		for (uint64_t k = 0; k < bytes; k++)
			if (b[k] != (uint8_t)(value >> 8 * (k % 8)))
				ck_abort_msg("byte %llu of %llu", (unsigned long long)k, (unsigned long long)bytes);
		/* Back, on a stream of either device, behind work of that stream. */
		ok(gaon_mem_fill_async(forth ? theirs : stream, forth ? there_va : here_va + 16, value,
				       8, 16));
		ok(gaon_mem_copy_peer_async(forth ? theirs : stream, dev, here_va, other, there_va, 16));
		ok(gaon_stream_wait(forth ? theirs : stream, WAIT));
		ok(gaon_mem_read(dev, got, here_va, 16));
		if (forth)
			ck_assert(got[0] == value && got[1] == value);
	}
	close_other();
}
END_TEST

START_TEST(does_not_block)
{
	struct gaon_stream *free_one;

	open_other();
	ok(gaon_stream_create(dev, NULL, &free_one));
	atomic_store(&gate, false);
	ok(gaon_stream_callback(stream, hold, NULL));
	ok(gaon_mem_write(dev, here_va, a, BYTES));
	ok(gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, BYTES));
	fails(GAON_ERROR_NOT_READY, gaon_stream_query(stream));
	ok(rt_launch(free_one, "conf_noop", 1, 0, 0));
	ok(gaon_stream_wait(free_one, WAIT));
	atomic_store(&gate, true);
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(other, b, there_va, BYTES));
	ck_assert_int_eq(memcmp(a, b, BYTES), 0);
	/* One that nobody waits for ends with its stream. */
	ok(gaon_mem_copy_peer_async(free_one, other, there_va, dev, here_va, BYTES));
	ok(gaon_stream_destroy(free_one));
	close_other();
}
END_TEST

START_TEST(bad_arguments)
{
	struct gaon_graph *graph;
	struct gaon_device *third;

	open_other();
	ok(gaon_device_open(NULL, &third));
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_copy_peer_async(stream, other, there_va + 1, dev, here_va, BYTES));
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_copy_peer_async(stream, other, there_va, dev, 0x7777000, 64));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_mem_copy_peer_async(stream, NULL, there_va, dev, here_va, 64));
	fails(GAON_ERROR_INVALID_ADDRESS,
	      gaon_mem_copy_peer_async(stream, other, there_va, third, here_va, 64));
	ok(gaon_mem_copy_peer_async(stream, other, 0, dev, 0, 0));
	ok(gaon_mem_copy_peer_async(stream, dev, here_va, dev, here_va + 4096, 4096));
	ok(gaon_graph_begin(stream));
	fails(GAON_ERROR_STATE, gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, 64));
	ok(gaon_graph_end(stream, &graph));
	ok(gaon_device_close(third));
	ok(gaon_stream_wait(stream, WAIT));
	close_other();
	fails(GAON_ERROR_CLOSED, gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, 64));
}
END_TEST

/* What it needs goes away before its turn: the stream faults, says why, and can be used again. */
START_TEST(that_cannot_be_finished)
{
	struct gaon_fault f = { .size = sizeof(f) };
	struct gaon_mem *again;
	uint64_t word;
	int i;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	open_other();
	rt_alloc(8, &word);
	for (i = 0; i < 3; i++) {
		atomic_store(&gate, false);
		ok(gaon_stream_callback(stream, hold, NULL));
		ok(gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, BYTES));
		ok(rt_launch(stream, "conf_step", 1, word, 1));
		ok(gaon_mem_free(there));
		atomic_store(&gate, true);
		fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
		ok(gaon_stream_get_fault(stream, &f));
		ck_assert_str_eq(f.operation_name, "copy between devices");
		ck_assert_msg(strstr(f.text, "allocation") != NULL, "%s", f.text);
		ok(gaon_stream_clear_fault(stream));
		ok(gaon_mem_alloc(other, BYTES, GAON_MEM_DEVICE, &there));
		there_va = gaon_mem_va(there);
		ok(gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, BYTES));
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(dev, &again, word, 8));
		ck_assert_ptr_null(again);	/* what stood behind it never ran */
	}
	/* The other device is closed under it. */
	atomic_store(&gate, false);
	ok(gaon_stream_callback(stream, hold, NULL));
	ok(gaon_mem_copy_peer_async(stream, other, there_va, dev, here_va, BYTES));
	close_other();
	atomic_store(&gate, true);
	fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
	ok(gaon_stream_get_fault(stream, &f));
	ck_assert_ptr_nonnull(strstr(f.text, "closed"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime peers");
	TCase *tc = rt_case(suite, "peers");

	tcase_add_test(tc, blocking);
	tcase_add_test(tc, in_the_order_of_a_stream);
	tcase_add_test(tc, does_not_block);
	tcase_add_test(tc, bad_arguments);
	tcase_add_test(tc, that_cannot_be_finished);
	return rt_run(suite);
}
