// SPDX-License-Identifier: MIT
/* Whose text a kernel's printf and assert are: exact, whatever else prints at the same time. */
#include <stdatomic.h>

#include "runtime/rt.h"

static _Atomic unsigned int lines, wrong;

/* conf_print begins its lines with "wg", conf_print_many with a digit, assertions with a file's name. */
static void look(void *arg, const char *kernel, uint32_t workgroup, const char *text)
{
	const char *want = !strncmp(text, "wg ", 3) ? "conf_print" :
			   text[0] >= '0' && text[0] <= '9' ? "conf_print_many" :
			   strstr(text, "< 7") ? "conf_assert_small" : "conf_assert";

	(void)arg;
	atomic_fetch_add(&lines, 1);
	if (strcmp(kernel, want) || (want[5] == 'p' && want[10] == 0 &&
				     (uint32_t)strtoul(text + 3, NULL, 10) != workgroup)) {
		atomic_fetch_add(&wrong, 1);
		fprintf(stderr, "kernel %s, workgroup %u: %s", kernel, workgroup, text);
	}
}

static void look_start(void)
{
	atomic_store(&lines, 0);
	atomic_store(&wrong, 0);
	gaon_print_set(look, NULL);
}

static void look_end(unsigned int want)
{
	gaon_print_set(NULL, NULL);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	ck_assert_uint_eq(atomic_load(&lines), want);
}

/* The same places in their queues, kernels of one module. */
START_TEST(streams_that_print_at_once)
{
	struct gaon_stream *other;
	int round, i;

	ok(gaon_stream_create(dev, NULL, &other));
	look_start();
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 4; i++) {
			ok(rt_launch(i & 1 ? stream : other, "conf_print", 6, 0, 1));
			ok(rt_launch(i & 1 ? other : stream, "conf_print_many", 3, 0, 2));
		}
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_stream_wait(other, WAIT));
	}
	look_end(20 * 4 * (6 + 3 * 2));
	ok(gaon_stream_destroy(other));
}
END_TEST

START_TEST(graphs_that_print)
{
	struct gaon_graph *graph;
	int i;

	ok(gaon_graph_begin(stream));
	ok(rt_launch(stream, "conf_print", 2, 0, 1));
	ok(rt_launch(stream, "conf_print_many", 1, 0, 3));
	ok(rt_launch(stream, "conf_print", 1, 0, 1));
	ok(gaon_graph_end(stream, &graph));
	look_start();
	for (i = 0; i < 10; i++)
		ok(gaon_graph_launch(stream, graph));
	ok(gaon_stream_wait(stream, WAIT));
	look_end(10 * (2 + 3 + 1));
	ok(gaon_graph_destroy(graph));
}
END_TEST

/* A kernel that was unloaded before anybody looked: the text's address is no one's any more. */
START_TEST(module_that_is_gone)
{
	look_start();
	ok(rt_launch(stream, "conf_print", 3, 0, 1));
	ok(gaon_module_unload(module));
	look_end(3);
}
END_TEST

START_TEST(assertions_at_once)
{
	struct gaon_fault f = { .size = sizeof(f) }, g = { .size = sizeof(g) };
	struct gaon_stream *other;
	int i;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	ok(gaon_stream_create(dev, NULL, &other));
	look_start();
	for (i = 0; i < 20; i++) {
		ok(rt_launch(stream, "conf_assert", 1, 0, 999));
		ok(rt_launch(other, "conf_assert_small", 1, 0, 7));
		fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
		fails(GAON_ERROR_FAULT, gaon_stream_wait(other, WAIT));
		ok(gaon_stream_get_fault(stream, &f));
		ok(gaon_stream_get_fault(other, &g));
		ck_assert_str_eq(f.kernel, "conf_assert");
		ck_assert_str_eq(g.kernel, "conf_assert_small");
		ck_assert_ptr_nonnull(strstr(f.text, "gaon_wg_linear() + 1000"));
		ck_assert_ptr_nonnull(strstr(g.text, "args->value < 7"));
		ok(gaon_stream_clear_fault(stream));
		ok(gaon_stream_clear_fault(other));
	}
	look_end(40);
	ok(gaon_stream_destroy(other));
}
END_TEST

START_TEST(fault_inside_a_graph)
{
	struct gaon_fault f = { .size = sizeof(f) };
	struct gaon_graph *graph;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	ok(gaon_graph_begin(stream));
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(rt_launch(stream, "conf_assert_small", 5, 0, 8));
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_graph_end(stream, &graph));
	look_start();
	ok(gaon_graph_launch(stream, graph));
	fails(GAON_ERROR_FAULT, gaon_stream_wait(stream, WAIT));
	gaon_print_set(NULL, NULL);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	ok(gaon_stream_get_fault(stream, &f));
	ck_assert_str_eq(f.operation_name, "graph");
	ck_assert_str_eq(f.kernel, "conf_assert_small");
	ck_assert_uint_ne(f.pc_offset, 0);
	ck_assert_ptr_nonnull(strstr(f.text, "args->value < 7"));
	ok(gaon_stream_clear_fault(stream));
	ok(gaon_graph_destroy(graph));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime printf");
	TCase *tc = rt_case(suite, "printf");

	tcase_add_test(tc, streams_that_print_at_once);
	tcase_add_test(tc, graphs_that_print);
	tcase_add_test(tc, module_that_is_gone);
	tcase_add_test(tc, assertions_at_once);
	tcase_add_test(tc, fault_inside_a_graph);
	return rt_run(suite);
}
