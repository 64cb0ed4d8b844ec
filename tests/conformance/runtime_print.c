// SPDX-License-Identifier: MIT
/* Whose text a kernel's printf and assert are: exact, whatever else prints at the same time. */
#include <stdatomic.h>

#include "runtime/rt.h"

static _Atomic unsigned int lines, wrong;
static uint64_t operation[2];	/* newest of each stream */
static uint32_t number[2];
static uint32_t source_line[4];	/* each kernel prints in one place */

/* conf_print begins its lines with "wg", conf_print_many with a digit, assertions with a file's name. */
static void look(void *arg, const struct gaon_print *p)
{
	static const char *const names[] = { "conf_print", "conf_print_many", "conf_assert_small",
					     "conf_assert" };
	int is = !strncmp(p->text, "wg ", 3) ? 0 : p->text[0] >= '0' && p->text[0] <= '9' ? 1 :
		 strstr(p->text, "< 7") ? 2 : 3;
	int s = p->stream != number[0];
	bool good = !strcmp(p->kernel, names[is]) && p->assertion == (is >= 2) && p->stream == number[s] &&
		    p->operation >= operation[s] && p->operation < 100000 &&
		    strstr(p->file, "kernels.c") && p->line > 50 && p->line < 200 &&
		    (!source_line[is] || p->line == source_line[is]);

	(void)arg;
	if (is == 0)
		good &= strtoul(p->text + 3, NULL, 10) == p->workgroup;
	operation[s] = p->operation;
	source_line[is] = p->line;
	atomic_fetch_add(&lines, 1);
	if (!good) {
		atomic_fetch_add(&wrong, 1);
		fprintf(stderr, "%s:%u: kernel %s, workgroup %u, stream %u, operation %llu: %s", p->file, p->line,
			p->kernel, p->workgroup, p->stream, (unsigned long long)p->operation, p->text);
	}
}

/* The number that the library gives @s: the one of its faults. */
static uint32_t number_of(struct gaon_stream *s)
{
	struct gaon_fault f = { .size = sizeof(f) };

	ok(rt_launch(s, "conf_illegal", 1, 0, 0));
	fails(GAON_ERROR_FAULT, gaon_stream_wait(s, WAIT));
	ok(gaon_stream_get_fault(s, &f));
	ok(gaon_stream_clear_fault(s));
	return f.stream;
}

static void look_start(struct gaon_stream *other)
{
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	number[0] = number_of(stream);
	number[1] = other ? number_of(other) : UINT32_MAX;
	memset(operation, 0, sizeof(operation));
	memset(source_line, 0, sizeof(source_line));
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
	look_start(other);
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
	look_start(NULL);
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
	look_start(NULL);
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

	ok(gaon_stream_create(dev, NULL, &other));
	look_start(other);
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

	ok(gaon_graph_begin(stream));
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(rt_launch(stream, "conf_assert_small", 5, 0, 8));
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_graph_end(stream, &graph));
	look_start(NULL);
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
