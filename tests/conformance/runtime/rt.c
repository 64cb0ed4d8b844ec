// SPDX-License-Identifier: MIT
#include "../../check_run.h"
#include "../../splitmix.h"
#include "rt.h"

#include <time.h>

/* The fork test's child opens a device, whose threads TSan else refuses to see started. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

struct gaon_device *dev;
struct gaon_stream *stream;
struct gaon_module *module;

static uint64_t random_state;

void ck_ok(enum gaon_status status, const char *call, const char *file, int line)
{
	const struct gaon_error *e = gaon_last_error();

	if (status)
		ck_abort_msg("%s:%d: %s: %s: %s (%s:%d)", file, line, call,
			     gaon_status_name(status), e->text, e->file, e->line);
}

void ck_fails(enum gaon_status want, enum gaon_status got, const char *call, const char *file,
	      int line)
{
	const struct gaon_error *e = gaon_last_error();

	if (got != want)
		ck_abort_msg("%s:%d: %s: %s instead of %s: %s", file, line, call,
			     gaon_status_name(got), gaon_status_name(want), got ? e->text : "");
	if (e->status != want || !e->text[0] || !e->file[0] || !e->line)
		ck_abort_msg("%s:%d: %s: the last error is %s, \"%s\"", file, line, call,
			     gaon_status_name(e->status), e->text);
}

struct gaon_kernel *rt_kernel(const char *name)
{
	struct gaon_kernel *kernel = NULL;

	ok(gaon_module_get_kernel(module, name, &kernel));
	return kernel;
}

enum gaon_status rt_launch(struct gaon_stream *s, const char *name, uint32_t grid, uint64_t va,
			   uint64_t value)
{
	struct conf_args args = { va, value };

	return gaon_launch(s, rt_kernel(name), &(struct gaon_launch){
		.size = sizeof(struct gaon_launch), .grid = { grid },
		.args = &args, .args_size = sizeof(args) });
}

bool rt_kernel_queues(void)
{
	const char *queues = getenv("GAON_QUEUE"), *name = getenv("GAON_DEVICE");

	return queues && !strcmp(queues, "kernel") && name && strcmp(name, "embedded");
}

struct gaon_mem *rt_alloc(uint64_t bytes, uint64_t *va)
{
	struct gaon_mem *mem = NULL;

	ok(gaon_mem_alloc(dev, bytes, GAON_MEM_DEVICE, &mem));
	*va = gaon_mem_va(mem);
	ck_assert_uint_ne(*va, 0);
	return mem;
}

uint64_t rt_random(void)
{
	return splitmix64_next(&random_state);
}

void rt_random_bytes(void *data, size_t bytes)
{
	uint8_t *p = data;
	size_t i;

	for (i = 0; i < bytes; i++)
		p[i] = (uint8_t)(i % 8 ? p[i - 1] * 31 + i : rt_random());
}

double rt_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void setup(void)
{
	ok(gaon_device_open(NULL, &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_module_load_file(dev, RT_KERNELS, &module));
}

static void teardown(void)
{
	ok(gaon_device_close(dev));
}

TCase *rt_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}

/* Every test is a process of its own, and shall have numbers of its own, every turn of a loop as well. */
static void random_turn(void)
{
	random_state = splitmix64_next(&random_state);
}

int rt_run(Suite *suite)
{
	const char *seed = getenv("GAON_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("GAON_SEED=%llu\n", (unsigned long long)random_state);
	fflush(stdout);
	pthread_atfork(random_turn, NULL, NULL);
	return check_run(suite);
}
