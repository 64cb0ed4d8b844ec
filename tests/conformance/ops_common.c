// SPDX-License-Identifier: MIT
#include "../check_run.h"
#include "../splitmix.h"
#include "ops_common.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define MEMS_MAX	64
#define TIMEOUT_NS	60000000000ull

struct ops_test ops_t;
static struct gaon_mem *mems[MEMS_MAX];
static unsigned int mem_count;

void ops_test_setup(void)
{
	const char *seed = getenv("GAON_SEED");

	ops_t.random = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("GAON_SEED=%llu\n", (unsigned long long)ops_t.random);
	fflush(stdout);
	OPS_OK(gaon_device_open(NULL, &ops_t.dev));
	OPS_OK(gaon_stream_create(ops_t.dev, NULL, &ops_t.stream));
	OPS_OK(gaon_ops_create(ops_t.dev, &ops_t.ops));
}

void ops_test_teardown(void)
{
	ops_forget();
	gaon_ops_destroy(ops_t.ops);
	gaon_stream_destroy(ops_t.stream);
	gaon_device_close(ops_t.dev);
}

void ops_test_reopen(const char *name, const char *value)
{
	ops_test_teardown();
	setenv(name, value, 1);
	ops_test_setup();
	unsetenv(name);
}

uint32_t ops_random(void)
{
	return (uint32_t)(splitmix64_next(&ops_t.random) >> 32);
}

uint32_t ops_random_in(uint32_t low, uint32_t high)
{
	return low + ops_random() % (high - low + 1);
}

float ops_random_f32(float wide)
{
	return wide * ((float)(int32_t)ops_random() * 0x1p-31f);
}

void ops_random_fill(float *x, uint64_t count, float wide)
{
	for (uint64_t i = 0; i < count; i++)
		x[i] = ops_random_f32(wide);
}

uint64_t ops_put(const void *data, uint64_t bytes)
{
	struct gaon_mem *mem;

	ck_assert_uint_lt(mem_count, MEMS_MAX);
	OPS_OK(gaon_mem_alloc(ops_t.dev, bytes, GAON_MEM_DEVICE, &mem));
	mems[mem_count++] = mem;
	if (data)
		OPS_OK(gaon_mem_write(ops_t.dev, gaon_mem_va(mem), data, bytes));
	return gaon_mem_va(mem);
}

void ops_wait(void)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	enum gaon_status status = gaon_stream_wait(ops_t.stream, TIMEOUT_NS);

	if (status == GAON_ERROR_FAULT && !gaon_stream_get_fault(ops_t.stream, &fault))
		ck_abort_msg("%s", fault.text);
	OPS_OK(status);
}

void ops_forget(void)
{
	while (mem_count)
		gaon_mem_free(mems[--mem_count]);
}

void ops_get(void *data, uint64_t va, uint64_t bytes)
{
	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, data, va, bytes));
	ops_forget();
}

void *ops_alloc(uint64_t bytes)
{
	void *p = calloc(bytes ? bytes : 1, 1);

	ck_assert_ptr_nonnull(p);
	return p;
}

void ops_compare(const char *what, const float *got, const double *want, uint64_t count,
		 double relative, double absolute)
{
	for (uint64_t i = 0; i < count; i++) {
		double error = fabs(got[i] - want[i]);
		bool same = (isnan(want[i]) && isnan(got[i])) || (double)got[i] == want[i];

		if (!same && !(error <= absolute + relative * fabs(want[i])))
			ck_abort_msg("%s: element %llu of %llu is %a, should be %a within %g", what,
				     (unsigned long long)i, (unsigned long long)count,
				     (double)got[i], want[i], absolute + relative * fabs(want[i]));
	}
}

int ops_shell(char output[8192], const char *format, ...)
{
	char command[1024];
	va_list list;
	FILE *pipe;
	size_t n;

	va_start(list, format);
	n = (size_t)vsnprintf(command, sizeof(command) - 8, format, list);
	va_end(list);
	ck_assert_uint_lt(n, sizeof(command) - 8);
	strcat(command, " 2>&1");
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	n = fread(output, 1, 8191, pipe);
	output[n] = 0;
	n = (size_t)pclose(pipe);
	ck_assert(WIFEXITED((int)n));
	return WEXITSTATUS((int)n);
}

int ops_run(const char *name, void (*add)(TCase *))
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, ops_test_setup, ops_test_teardown);
	add(tcase);
	suite_add_tcase(suite, tcase);
	return check_run(suite);
}
