// SPDX-License-Identifier: MIT
/* The kernel-writer's kit on the device: DMA, semaphores, atomics and printf; and the digits program. */
#include "ops_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char printed[512];

static void on_print(void *arg, const struct gaon_print *print)
{
	(void)arg;
	snprintf(printed + strlen(printed), sizeof(printed) - strlen(printed), "%s/%u:%s", print->kernel,
		 print->workgroup, print->text);
}

START_TEST(device_kit)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct { uint64_t table, rows, out, sums, index; } args;
	uint32_t table[64 * 16], index[32], out[4 * 128], groups, rows = 0, turns = 0;
	struct gaon_launch launch = { .size = sizeof(launch), .args = &args, .args_size = sizeof(args) };
	struct gaon_kernel *kernel;
	struct gaon_module *module;
	uint64_t sums[5], want = 0;

	OPS_OK(gaon_device_get_info(ops_t.dev, &info));
	groups = info.cores < 4 ? info.cores : 4;
	launch.grid[0] = groups;
	OPS_OK(gaon_module_load_file(ops_t.dev, OPS_KIT, &module));
	OPS_OK(gaon_module_get_kernel(module, "kit", &kernel));
	for (int i = 0; i < 64 * 16; i++)
		table[i] = ops_random();
	for (int i = 0; i < 32; i++) {
		index[i] = ops_random_in(0, 63);
		for (int c = 0; c < 16 && i < (int)groups * 8; c++)
			want += table[index[i] * 16 + (uint32_t)c];
	}
	args.table = ops_put(table, sizeof(table));
	args.index = ops_put(index, sizeof(index));
	args.rows = ops_put(&rows, 4);
	args.out = ops_put(NULL, sizeof(out));
	args.sums = ops_put(NULL, sizeof(sums));
	gaon_print_set(on_print, NULL);
	OPS_OK(gaon_launch(ops_t.stream, kernel, &launch));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	OPS_OK(gaon_mem_read(ops_t.dev, sums, args.sums, sizeof(sums)));
	OPS_OK(gaon_mem_read(ops_t.dev, &rows, args.rows, sizeof(rows)));
	ops_get(out, args.out, sizeof(out));
	for (uint32_t i = 0; i < 1 + groups; i++)
		ck_assert_uint_eq(sums[i], want);
	for (uint32_t i = 0; i < groups; i++)
		turns = turns * 10 + i;
	ck_assert_uint_eq(rows, turns);
	for (int i = 0; i < (int)groups * 8; i++)
		ck_assert_mem_eq(out + i * 16, table + index[i / 8 * 8 + 7 - i % 8] * 16, 64);
	ck_assert_str_eq(printed, "kit/0:-7 text 2.50 z abcdef0123|65\n");
}
END_TEST

START_TEST(digits)
{
	char output[8192];
	const char *last;

	ck_assert_msg(!ops_shell(output, BUILD_DIR "/bin/gaon-demo-digits --epochs=12"), "%s", output);
	last = strstr(output, "test accuracy: ");
	ck_assert_msg(last && atof(last + 15) >= 95, "%s", output);
	ck_assert_msg(strstr(output, "agrees on 359 of 359") != NULL, "%s", output);
	ck_assert_ptr_null(strchr(output, '\033'));
	ck_assert_int_eq(ops_shell(output, BUILD_DIR "/bin/gaon-demo-digits --json --epochs=1"), 0);
	ck_assert_msg(output[0] == '{' && strstr(output, "\"host_agrees\": true"), "%s", output);
	ck_assert_int_eq(ops_shell(output, BUILD_DIR "/bin/gaon-demo-digits --epochs=x"), 2);
	ck_assert_int_eq(ops_shell(output, BUILD_DIR "/bin/gaon-demo-digits --data=/nonexistent"), 1);
	ck_assert_int_eq(ops_shell(output, BUILD_DIR "/bin/gaon-demo-digits --help"), 0);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, device_kit);
	tcase_add_test(t, digits);
}

int main(void)
{
	return ops_run("ops_device", add);
}
