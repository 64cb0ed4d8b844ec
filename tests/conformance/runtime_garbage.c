// SPDX-License-Identifier: MIT
/*
 * Kernels that are garbage, and modules whose kernel's code was replaced: whatever the instructions do
 * to their own context, they end, and another context's work and the device are none the worse.
 */
#include "runtime/rt.h"

#if defined(__has_feature)
#define TSAN	__has_feature(thread_sanitizer)
#else
#define TSAN	0
#endif

#define ROUNDS	120
#define BUFFER	65536

static uint8_t *read_kernels(size_t *size, size_t *garbage)
{
	FILE *f = fopen(RT_KERNELS, "rb");
	uint8_t *data = malloc(1 << 22);
	size_t i, words = 0;

	ck_assert_ptr_nonnull(f);
	*size = fread(data, 1, 1 << 22, f);
	fclose(f);
	for (i = 0; i + 4 <= *size && words < CONF_GARBAGE_WORDS; i += 2) {
		static const uint32_t mark = CONF_GARBAGE;

		if (memcmp(data + i, &mark, 4))
			continue;
		if (!words++)
			*garbage = i;
		i += 2;
	}
	ck_assert_uint_eq(words, CONF_GARBAGE_WORDS);
	return data;
}

/* Random words; in every other round words of opcodes that there are. */
static void make_garbage(uint8_t *code, bool likely)
{
	static const uint8_t opcodes[] = {
		0x03, 0x07, 0x0b, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b, 0x43,
		0x47, 0x4b, 0x4f, 0x53, 0x57, 0x57, 0x63, 0x67, 0x6f, 0x73,
	};
	uint32_t i, word;

	for (i = 0; i < CONF_GARBAGE_WORDS; i++) {
		word = (uint32_t)rt_random();
		if (likely)
			word = (word & ~0x7fu) | opcodes[rt_random() % sizeof(opcodes)];
		memcpy(code + 4 * i, &word, 4);
	}
}

/* In a context of its own; true if it ended in a fault. */
static bool run_garbage(const uint8_t *image, size_t size)
{
	struct gaon_stream_config config = {
		.size = sizeof(config), .launch_limit_ns = 1000000, .name = "garbage",
	};
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct conf_args args = { 0, rt_random() };
	struct gaon_device *other;
	struct gaon_kernel *kernel;
	struct gaon_module *m;
	struct gaon_stream *s;
	struct gaon_mem *mem;
	enum gaon_status status;

	ok(gaon_device_open(NULL, &other));
	ok(gaon_mem_alloc(other, BUFFER, GAON_MEM_DEVICE, &mem));
	args.va = gaon_mem_va(mem);
	ok(gaon_stream_create(other, &config, &s));
	ok(gaon_module_load(other, image, size, &m));
	ok(gaon_module_get_kernel(m, "conf_garbage", &kernel));
	ok(gaon_launch(s, kernel, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.grid = { 3 }, .args = &args, .args_size = sizeof(args) }));
	status = gaon_stream_wait(s, WAIT);
	/* It may have written into its own queue, as any program can. */
	ck_assert_msg(status == GAON_OK || status == GAON_ERROR_FAULT || status == GAON_ERROR_DEVICE_LOST,
		      "%s: %s", gaon_status_name(status), gaon_last_error()->text);
	if (status == GAON_ERROR_FAULT) {
		ok(gaon_stream_get_fault(s, &fault));
		ck_assert_str_eq(fault.kernel, "conf_garbage");
		ck_assert_uint_lt(fault.workgroup, 3);
		ck_assert(fault.pc || fault.type == 1);	/* a jump to 0 */
		ck_assert_ptr_nonnull(strstr(fault.text, fault.type_name));
	}
	ok(gaon_device_close(other));
	return status != GAON_OK;
}

/* Garbage may print as well. */
static void swallow(void *arg, const struct gaon_print *print)
{
	(void)arg, (void)print;
}

START_TEST(garbage)
{
	const char *longer = getenv("GAON_TEST_LONG");
	unsigned int rounds = longer && *longer == '1' ? 100 * ROUNDS : ROUNDS, faults = 0, i;
	size_t size, at = 0;
	uint8_t *image = read_kernels(&size, &at);
	uint64_t va, sum = 0, got = 0;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	gaon_print_set(swallow, NULL);
	rt_alloc(8, &va);
	for (i = 0; i < rounds; i++) {
		ok(rt_launch(stream, "conf_step", 1, va, i));
		sum = sum * 2 + i;
		make_garbage(image + at, i & 1);
		faults += run_garbage(image, size);
		ok(gaon_stream_wait(stream, WAIT));
		ok(gaon_mem_read(dev, &got, va, 8));
		ck_assert_uint_eq(got, sum);
	}
	gaon_print_set(NULL, NULL);
	ck_assert_uint_ge(faults, rounds / 2);
	free(image);
}
END_TEST

/*
 * A kernel over its own arguments and what is mapped around them, its queue perhaps: nobody else may
 * notice, every wait ends, and so does closing.
 */
START_TEST(scribble)
{
	static const uint64_t values[] = { 0, 1, 0x8000000000000000ull, UINT64_MAX, 0x100000000ull };
	struct gaon_stream_config config = {
		.size = sizeof(config), .launch_limit_ns = 5000000, .name = "scribble",
	};
	struct conf_args args = { (uint64_t)_i & 1, values[_i / 2] };
	struct gaon_device *other;
	struct gaon_kernel *kernel;
	struct gaon_module *m;
	struct gaon_stream *s;
	uint64_t va, got = 0;
	double start;
	int i;

	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
	gaon_print_set(swallow, NULL);
	rt_alloc(8, &va);
	ok(gaon_device_open(NULL, &other));
	ok(gaon_stream_create(other, &config, &s));
	ok(gaon_module_load_file(other, RT_KERNELS, &m));
	ok(gaon_module_get_kernel(m, "conf_scribble", &kernel));
	for (i = 0; i < 3; i++)
		if (gaon_launch(s, kernel, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
				.args = &args, .args_size = sizeof(args) }))
			break;
	start = rt_now();
	gaon_stream_wait(s, SECOND);
	gaon_stream_clear_fault(s);
	gaon_launch(s, kernel, &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
		.args = &args, .args_size = sizeof(args) });
	gaon_stream_wait(s, SECOND);
	ok(gaon_device_close(other));
	ck_assert_double_le(rt_now() - start, 15);
	ok(rt_launch(stream, "conf_step", 1, va, 7));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, &got, va, 8));
	ck_assert_uint_eq(got, 7);
	gaon_print_set(NULL, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime garbage");
	TCase *tc = rt_case(suite, "garbage");

	tcase_add_test(tc, garbage);
	/* What that writes at random may be what the library writes: a data race, and its purpose. */
	if (!TSAN)
		tcase_add_loop_test(tc, scribble, 0, 10);
	return rt_run(suite);
}
