// SPDX-License-Identifier: MIT
/* Modules, kernels, launches, printf; and everything that a bad kernel does. */
#include <pthread.h>

#include "runtime/rt.h"

static char printed[1 << 20];
static size_t printed_bytes;
static unsigned int printed_calls;
static char printed_kernel[64];

static void collect(void *arg, const struct gaon_print *print)
{
	size_t n = strlen(print->text);

	(void)arg;
	printed_calls++;
	snprintf(printed_kernel, sizeof(printed_kernel), "%s", print->kernel);
	if (printed_bytes + n < sizeof(printed)) {
		memcpy(printed + printed_bytes, print->text, n + 1);
		printed_bytes += n;
	}
}

static void collect_start(void)
{
	printed_bytes = 0;
	printed_calls = 0;
	printed[0] = '\0';
	gaon_print_set(collect, NULL);
}

START_TEST(saxpy)
{
	enum { N = 100003 };
	static float x[N], y[N], out[N];
	struct conf_saxpy_args args = { .count = N, .a = 3 };
	int i;

	rt_alloc(sizeof(x), &args.x);
	rt_alloc(sizeof(y), &args.y);
	for (i = 0; i < N; i++) {
		x[i] = (float)(rt_random() % 1000);
		y[i] = (float)(rt_random() % 1000);
	}
	ok(gaon_mem_write_async(stream, args.x, x, sizeof(x)));
	ok(gaon_mem_write_async(stream, args.y, y, sizeof(y)));
	ok(gaon_launch(stream, rt_kernel("conf_saxpy"), &(struct gaon_launch){
		.size = sizeof(struct gaon_launch), .grid = { 7 }, .args = &args,
		.args_size = sizeof(args), .flags = GAON_LAUNCH_CHECK_POINTERS }));
	ok(gaon_mem_read_async(stream, out, args.y, sizeof(y)));
	ok(gaon_stream_wait(stream, WAIT));
	for (i = 0; i < N; i++)
		ck_assert_float_eq(out[i], 3 * x[i] + y[i]);
	args.x = (uintptr_t)x;
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_launch(stream, rt_kernel("conf_saxpy"),
		&(struct gaon_launch){ .size = sizeof(struct gaon_launch), .args = &args,
				       .args_size = sizeof(args), .flags = GAON_LAUNCH_CHECK_POINTERS }));
}
END_TEST

START_TEST(grid_shapes)
{
	static const uint32_t grids[][3] = { { 1, 1, 1 }, { 5, 3, 2 }, { 1, 1, 40 }, { 0, 7, 0 } };
	uint32_t out[400][4];
	uint64_t va;
	size_t i;

	rt_alloc(sizeof(out), &va);
	for (i = 0; i < sizeof(grids) / sizeof(grids[0]); i++) {
		uint32_t gx = grids[i][0] ? grids[i][0] : 1, gy = grids[i][1] ? grids[i][1] : 1;
		uint32_t gz = grids[i][2] ? grids[i][2] : 1, n = gx * gy * gz, w;
		struct conf_args args = { va, 0 };
		struct gaon_launch l = { .size = sizeof(l), .args = &args, .args_size = sizeof(args) };

		memcpy(l.grid, grids[i], sizeof(l.grid));
		ok(gaon_launch(stream, rt_kernel("conf_grid"), &l));
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(dev, out, va, 16ull * n));
		for (w = 0; w < n; w++) {
			ck_assert_uint_eq(out[w][0], w % gx);
			ck_assert_uint_eq(out[w][1], w / gx % gy);
			ck_assert_uint_eq(out[w][2], w / gx / gy);
			ck_assert_uint_eq(out[w][3], gx * 10000 + gy * 100 + gz);
		}
	}
}
END_TEST

START_TEST(bad_launches)
{
	struct conf_args args = { 0, 0 };
	struct gaon_launch good = { .size = sizeof(good), .args = &args, .args_size = sizeof(args) };
	struct gaon_kernel *noop = rt_kernel("conf_noop"), *kernel = NULL;
	struct gaon_launch l = good;
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device *other;
	struct gaon_stream *s;

	l.args_size = 15;
	fails(GAON_ERROR_ARGUMENTS_SIZE, gaon_launch(stream, noop, &l));
	l.args_size = 0;
	fails(GAON_ERROR_ARGUMENTS_SIZE, gaon_launch(stream, noop, &l));
	l = good;
	l.args = NULL;
	fails(GAON_ERROR_ARGUMENTS_SIZE, gaon_launch(stream, noop, &l));
	l = good;
	l.grid[0] = l.grid[1] = l.grid[2] = 0xffffffff;
	fails(GAON_ERROR_LIMIT, gaon_launch(stream, noop, &l));
	l = good;
	l.spm_bytes = 1u << 30;
	fails(GAON_ERROR_LIMIT, gaon_launch(stream, noop, &l));
	l = good;
	l.flags = 0x80;
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_launch(stream, noop, &l));
	l = good;
	l.size = 4;
	fails(GAON_ERROR_STRUCT_SIZE, gaon_launch(stream, noop, &l));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_launch(stream, noop, NULL));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_launch(stream, NULL, &good));
	fails(GAON_ERROR_INVALID_HANDLE, gaon_launch((void *)noop, noop, &good));
	fails(GAON_ERROR_NOT_FOUND, gaon_module_get_kernel(module, "nothing", &kernel));
	fails(GAON_ERROR_NOT_FOUND, gaon_module_get_kernel_at(module, 1000, &kernel));
	ok(gaon_device_get_info(dev, &info));
	l = good;
	l.grid[0] = info.cooperative_workgroups;
	ok(gaon_launch(stream, rt_kernel("conf_cooperative"), &l));
	l.grid[0]++;
	fails(GAON_ERROR_LIMIT, gaon_launch(stream, rt_kernel("conf_cooperative"), &l));
	ok(gaon_stream_wait(stream, WAIT));
	/* A kernel of one device on a stream of another. */
	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, NULL, &s));
	fails(GAON_ERROR_INVALID_ARGUMENT, gaon_launch(s, noop, &good));
	ok(gaon_device_close(other));
}
END_TEST

START_TEST(globals_and_lists)
{
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	struct gaon_kernel *kernel;
	uint64_t va, global, bytes, got = 0;
	uint32_t i;

	rt_alloc(8, &va);
	ok(rt_launch(stream, "conf_global_get", 1, va, 5));
	ok(rt_launch(stream, "conf_global_get", 1, va, 5));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, &got, va, 8));
	ck_assert_uint_eq(got, 47);
	ok(gaon_module_get_symbol(module, "conf_global", &global, &bytes));
	ck_assert_uint_eq(bytes, 8);
	ok(gaon_mem_read(dev, &got, global, 8));
	ck_assert_uint_eq(got, 52);
	fails(GAON_ERROR_NOT_FOUND, gaon_module_get_symbol(module, "nothing", &global, NULL));
	for (i = 0; gaon_module_get_kernel_at(module, i, &kernel) == GAON_OK; i++) {
		ok(gaon_kernel_get_desc(kernel, &desc));
		ck_assert_int_eq(strncmp(desc.name, "conf_", 5), 0);
		ck_assert_uint_ne(desc.entry_va, 0);
	}
	ck_assert_uint_ge(i, 17);
	kernel = rt_kernel("conf_noop");
	ok(gaon_module_unload(module));
	fails(GAON_ERROR_CLOSED, gaon_kernel_get_desc(kernel, &desc));
	fails(GAON_ERROR_CLOSED, gaon_module_unload(module));
}
END_TEST

START_TEST(print_and_assert)
{
	unsigned int i;
	uint32_t w;

	collect_start();
	ok(rt_launch(stream, "conf_print", 5, 0, 12345));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(printed_calls, 5);
	ck_assert_str_eq(printed_kernel, "conf_print");
	for (w = 0; w < 5; w++) {
		char line[80];

		snprintf(line, sizeof(line), "wg %u: 12345 text  1.50 3039\n", w);
		ck_assert_ptr_nonnull(strstr(printed, line));
	}
	/* More than the ring holds, in pieces: nothing is lost; at once: counted, no crash. */
	for (i = 0; i < 20; i++) {
		collect_start();
		ok(rt_launch(stream, "conf_print_many", 1, 0, 4000));
		ok(gaon_stream_wait(stream, WAIT));
		ck_assert_uint_eq(printed_calls, 4000);
		ck_assert_ptr_nonnull(strstr(printed, "3999\n"));
	}
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	ok(rt_launch(stream, "conf_print_many", 1, 0, 100000));
	ok(gaon_stream_wait(stream, WAIT));
	collect_start();
	ok(rt_launch(stream, "conf_print", 1, 0, 1));
	ok(gaon_stream_wait(stream, WAIT));
	ck_assert_uint_eq(printed_calls, 1);
	gaon_print_set(NULL, NULL);
}
END_TEST

/* The stream reports it, another stream and the other context go on, and afterwards all is well. */
static void misbehave(const char *kernel, uint32_t grid, uint64_t va, uint64_t value,
		      uint32_t type, struct gaon_fault *fault)
{
	struct gaon_stream_config config = {
		.size = sizeof(config), .launch_limit_ns = 20000000, .name = "bad",
	};
	struct gaon_stream *bad, *later;
	struct gaon_event *after;
	uint64_t word, got = 0;
	double start;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	rt_alloc(8, &word);
	ok(gaon_stream_create(dev, &config, &bad));
	ok(gaon_stream_create(dev, NULL, &later));
	ok(gaon_event_create(dev, 0, &after));
	ok(rt_launch(bad, "conf_noop", 1, 0, 0));
	ok(rt_launch(bad, kernel, grid, va, value));
	ok(rt_launch(bad, "conf_step", 1, word, 1));
	ok(gaon_event_record(bad, after));
	ok(gaon_stream_wait_event(later, after));
	ok(rt_launch(stream, "conf_step", 1, word, 2));
	start = rt_now();
	fails(GAON_ERROR_FAULT, gaon_stream_wait(bad, WAIT));
	ck_assert_double_le(rt_now() - start, 15);
	fails(GAON_ERROR_FAULT, gaon_event_wait(after, WAIT));
	fails(GAON_ERROR_FAULT, gaon_stream_wait(later, WAIT));
	ok(gaon_stream_wait(stream, WAIT));
	*fault = (struct gaon_fault){ .size = sizeof(*fault) };
	ok(gaon_stream_get_fault(bad, fault));
	ck_assert_uint_eq(fault->type, type);
	ck_assert_str_eq(fault->kernel, kernel);
	ck_assert_str_eq(fault->operation_name, "launch");
	ck_assert_uint_eq(fault->operation, 1);
	ck_assert_uint_lt(fault->workgroup, grid);
	ck_assert_uint_ne(fault->pc, 0);
	ck_assert_ptr_nonnull(strstr(fault->text, kernel));
	ck_assert_ptr_nonnull(strstr(fault->text, "(bad)"));
	ck_assert_ptr_nonnull(strstr(fault->text, fault->type_name));
	fails(GAON_ERROR_FAULT, rt_launch(bad, "conf_noop", 1, 0, 0));
	fails(GAON_ERROR_NOT_FOUND, gaon_stream_get_fault(stream, fault));
	ok(gaon_device_get_fault(dev, fault));
	ok(gaon_stream_clear_fault(bad));
	fails(GAON_ERROR_NOT_FOUND, gaon_device_get_fault(dev, &(struct gaon_fault){ .size = 8 }));
	fails(GAON_ERROR_FAULT, gaon_event_wait(after, WAIT));
	ok(rt_launch(bad, "conf_step", 1, word, 4));
	ok(gaon_stream_wait(bad, WAIT));
	ok(gaon_stream_wait(later, WAIT));
	ok(gaon_mem_read(dev, &got, word, 8));
	ck_assert_uint_eq(got, 2 * 2 + 4);	/* what stood behind the fault never ran */
	ok(gaon_stream_destroy(bad));
	ok(gaon_stream_destroy(later));
}

START_TEST(kernel_asserts)
{
	struct gaon_fault f;

	collect_start();
	misbehave("conf_assert", 3, 0, 1001, 12, &f);
	ck_assert_ptr_nonnull(strstr(f.text, "args->value == gaon_wg_linear() + 1000"));
	ck_assert_ptr_nonnull(strstr(printed, "kernels.c:"));
	ck_assert_ptr_nonnull(strstr(printed, "conf_assert"));
	gaon_print_set(NULL, NULL);
}
END_TEST

START_TEST(kernel_wild_pointers)
{
	static const uint64_t wild[] = {
		0, 8, 0xdead0000, 1ull << 46, 0x7fffffffffffull, 0xffff800000000000ull,
		0x8000000000000000ull, UINT64_MAX,
	};
	struct gaon_mem *freed;
	struct gaon_fault f;
	uint64_t va;
	size_t i;

	for (i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		/*
		 * The kernel driver's half is there for nobody: its addresses are refused, mapped
		 * or not.
		 */
		misbehave(i & 1 ? "conf_load" : "conf_store", 2, wild[i], 1,
			  wild[i] >= 1ull << 47 && (int64_t)wild[i] >> 47 == -1 ? 2 : 1, &f);
		ck_assert_uint_eq(f.access, i & 1 ? 2 : 3);
	}
	/* Freed memory, and one past the end of memory. */
	freed = rt_alloc(4096, &va);
	ok(gaon_mem_free(freed));
	misbehave("conf_store", 1, va, 1, 1, &f);
	ck_assert_uint_eq(f.va, va);
	rt_alloc(4096, &va);
	misbehave("conf_store", 1, va + 4096, 1, 1, &f);
	ck_assert_uint_eq(f.va, va + 4096);
}
END_TEST

START_TEST(kernel_code_is_not_writable_nor_data_executable)
{
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	struct gaon_fault f;
	uint64_t va;

	ok(gaon_kernel_get_desc(rt_kernel("conf_noop"), &desc));
	misbehave("conf_store", 1, desc.entry_va, 1, 2, &f);
	rt_alloc(4096, &va);
	misbehave("conf_jump", 1, va, 1, 2, &f);
	ck_assert_uint_eq(f.access, 1);
}
END_TEST

START_TEST(kernel_illegal_and_ecall)
{
	struct gaon_fault f;

	misbehave("conf_illegal", 2, 0, 0, 3, &f);
	misbehave("conf_ecall", 1, 0, 0, 13, &f);
}
END_TEST

START_TEST(kernel_loops)
{
	struct gaon_fault f;

	misbehave("conf_loop", 3, 0, 0, 5, &f);
}
END_TEST

START_TEST(kernel_overflows_scratchpad)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_fault f;

	ok(gaon_device_get_info(dev, &info));
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	ok(rt_launch(stream, "conf_spm", 1, 0, 4095));
	ok(gaon_stream_wait(stream, WAIT));
	/* The first byte behind what it asked for, and behind all that there is. */
	misbehave("conf_spm", 2, 0, 4096, 7, &f);
	misbehave("conf_spm", 2, 0, info.spm_bytes, 7, &f);
	misbehave("conf_spm", 2, 0, UINT64_MAX, 1, &f);	/* below the window */
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_stream_wait(stream, WAIT));
}
END_TEST

START_TEST(destroy_while_looping)
{
	struct gaon_device *other;
	struct gaon_module *m;
	struct gaon_kernel *k;
	struct gaon_stream *s;
	struct conf_args args = { 0, 0 };
	double start;

	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, NULL, &s));
	ok(gaon_module_load_file(other, RT_KERNELS, &m));
	ok(gaon_module_get_kernel(m, "conf_loop", &k));
	ok(gaon_launch(s, k, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.args = &args, .args_size = sizeof(args) }));
	fails(GAON_ERROR_TIMEOUT, gaon_stream_wait(s, SECOND / 10));
	start = rt_now();
	ok(gaon_device_close(other));
	ck_assert_double_le(rt_now() - start, 5);
	ok(rt_launch(stream, "conf_noop", 1, 0, 0));
	ok(gaon_stream_wait(stream, WAIT));
}
END_TEST

/* The same image at the same address: kernels' entries are where they were. */
START_TEST(a_module_where_it_was)
{
	struct gaon_kernel_desc first = { .size = sizeof(first) }, second = { .size = sizeof(second) };
	struct gaon_address_info info = { .size = sizeof(info) };
	struct gaon_device *other;
	struct gaon_module *m;
	struct gaon_kernel *k;
	struct gaon_stream *s;
	uint8_t *image = malloc(1 << 20);
	struct conf_args args = { 0, 0 };
	FILE *file = fopen(RT_KERNELS, "rb");
	size_t size;

	ck_assert_ptr_nonnull(file);
	size = fread(image, 1, 1 << 20, file);
	fclose(file);
	ok(gaon_module_load(dev, image, size, &m));
	ok(gaon_module_get_kernel(m, "conf_noop", &k));
	ok(gaon_kernel_get_desc(k, &first));
	ok(gaon_address_get_info(dev, first.entry_va, &info));
	ok(gaon_device_open(getenv("GAON_DEVICE"), &other));
	ok(gaon_stream_create(other, NULL, &s));
	ok(gaon_module_load_at(other, image, size, info.va, &m));
	ok(gaon_module_get_kernel(m, "conf_noop", &k));
	ok(gaon_kernel_get_desc(k, &second));
	ck_assert_uint_eq(second.entry_va, first.entry_va);
	ok(gaon_launch(s, k, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.args = &args, .args_size = sizeof(args) }));
	ok(gaon_stream_wait(s, WAIT));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_module_load_at(other, image, size, info.va, &m));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_module_load_at(other, image, size, 0, &m));
	fails(GAON_ERROR_INVALID_ADDRESS, gaon_module_load_at(other, image, size, (1ull << 47) - 65536, &m));
	ok(gaon_device_close(other));
	free(image);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime launches");
	TCase *tc = rt_case(suite, "launches");

	tcase_add_test(tc, a_module_where_it_was);
	tcase_add_test(tc, saxpy);
	tcase_add_test(tc, grid_shapes);
	tcase_add_test(tc, bad_launches);
	tcase_add_test(tc, globals_and_lists);
	tcase_add_test(tc, print_and_assert);
	tcase_add_test(tc, kernel_asserts);
	tcase_add_test(tc, kernel_wild_pointers);
	tcase_add_test(tc, kernel_code_is_not_writable_nor_data_executable);
	tcase_add_test(tc, kernel_illegal_and_ecall);
	tcase_add_test(tc, kernel_loops);
	tcase_add_test(tc, kernel_overflows_scratchpad);
	tcase_add_test(tc, destroy_while_looping);
	return rt_run(suite);
}
