// SPDX-License-Identifier: MIT
/* Errors of device memory on the embedded device: reported, counted, and the page used by nobody any more. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_event.h>

#include "../check_run.h"
#include "../../runtime/memory.h"
#include "../../runtime/winsys/direct.h"

#define WAIT	10000000000ull

static char nv[] = "/tmp/gaon-ras-XXXXXX";
static struct gaon_device *dev;
static struct direct *ws;
static struct gaon_stream *stream;
static char logged[4096];

static void collect(void *arg, enum gaon_log_level level, const char *line)
{
	(void)arg;
	(void)level;
	snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", line);
}

static void start(void)
{
	struct gaon_winsys *winsys;
	struct gaon_ws_why why;

	ck_assert_msg(!gaon_winsys_direct_open(&winsys, &why), "%s", why.text);
	ws = (struct direct *)winsys;
	ck_assert_int_eq(rt_device_open_winsys(winsys, &dev), GAON_OK);
	ck_assert_int_eq(gaon_stream_create(dev, NULL, &stream), GAON_OK);
	logged[0] = '\0';
	gaon_log_set(collect, NULL, GAON_LOG_DEBUG);
}

static void stop(void)
{
	ck_assert_int_eq(gaon_device_close(dev), GAON_OK);
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
}

static void setup(void)
{
	int fd = mkstemp(nv);

	ck_assert_int_ge(fd, 0);
	close(fd);
	setenv("GAON_SIM_NV", nv, 1);
	setenv("GAON_SIM_HBM", "64M", 1);
	setenv("GAON_SIM_DEBUG_FUSE", "1", 1);
	start();
}

static void teardown(void)
{
	stop();
	unlink(nv);
}

static int inject(uint32_t kind, uint32_t target, uint64_t address)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_INJECT,
		.inject = { .kind = kind, .target = target, .address = address },
	};

	return direct_admin(ws, &cmd, NULL);
}

static struct gaon_device_counters counters(void)
{
	struct gaon_device_counters c = { .size = sizeof(c) };

	ck_assert_int_eq(gaon_device_get_counters(dev, &c), GAON_OK);
	return c;
}

static const struct gaon_ws_bo *inside(struct gaon_mem *mem)
{
	enum gaon_status status;

	return ((struct rt_mem *)obj_find(OBJ_MEM, mem, &status))->bo;
}

/* Takes all memory in pieces of @bytes; how many, and whether @page was in one of them. */
static uint32_t take_all(uint64_t bytes, uint64_t page, bool *found)
{
	static struct gaon_mem *mem[20000];
	uint32_t count = 0, i;

	*found = false;
	while (count < 20000 && gaon_mem_alloc(dev, bytes, GAON_MEM_DEVICE, &mem[count]) == GAON_OK) {
		const struct gaon_ws_bo *bo = inside(mem[count++]);

		for (size_t k = 0; k < bo->hbm_count; k++)
			*found |= page >= bo->hbm[k].start && page - bo->hbm[k].start < bo->hbm[k].bytes;
	}
	for (i = 0; i < count; i++)
		ck_assert_int_eq(gaon_mem_free(mem[i]), GAON_OK);
	return count;
}

START_TEST(an_uncorrectable_error)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	uint64_t page, free_before, free_after, total;
	static uint8_t host[1 << 20];
	struct gaon_mem *mem;
	uint32_t before;
	bool found;

	before = take_all(1 << 20, 0, &found);
	ck_assert_uint_ge(before, 60);
	ck_assert_int_eq(gaon_mem_alloc(dev, 1 << 20, GAON_MEM_DEVICE, &mem), GAON_OK);
	page = inside(mem)->hbm[0].start + 0x5000;
	ck_assert_int_eq(gaon_device_get_memory(dev, &free_before, &total), GAON_OK);
	ck_assert_int_eq(inject(GAON_INJECT_UE, 0, page + 0x40), 0);

	/* Who reads it faults, and is told of what. */
	ck_assert_int_eq(gaon_mem_read_async(stream, host, gaon_mem_va(mem), sizeof(host)), GAON_OK);
	ck_assert_int_eq(gaon_stream_wait(stream, WAIT), GAON_ERROR_FAULT);
	ck_assert_int_eq(gaon_stream_get_fault(stream, &fault), GAON_OK);
	ck_assert_uint_eq(fault.type, GAON_FAULT_ECC);
	ck_assert_str_eq(fault.type_name, "uncorrectable memory error");
	ck_assert_int_eq(gaon_stream_clear_fault(stream), GAON_OK);
	/* A blocking copy has no stream to clear: it fails alone. */
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(gaon_mem_read(dev, host, gaon_mem_va(mem) + 0x5000, 4096), GAON_ERROR_FAULT);
		ck_assert_int_eq(gaon_mem_read(dev, host, gaon_mem_va(mem), 0x5000), GAON_OK);
		ck_assert_int_eq(gaon_mem_write(dev, gaon_mem_va(mem), host, sizeof(host)), GAON_ERROR_FAULT);
		ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "uncorrectable memory error"));
		ck_assert_int_eq(gaon_device_wait(dev, WAIT), GAON_OK);
		ck_assert_int_eq(gaon_device_get_fault(dev, &fault), GAON_ERROR_NOT_FOUND);
		ck_assert_int_eq(gaon_mem_fill(dev, gaon_mem_va(mem) + 0x6000, 0, 1, 4096), GAON_OK);
	}
	ck_assert_msg(strstr(logged, "uncorrectable error in device memory") != NULL, "%s", logged);
	ck_assert_uint_eq(counters().errors_uncorrected, 1);
	ck_assert_uint_eq(counters().errors_corrected, 0);
	ck_assert_uint_eq(counters().retired_pages, 1);

	/* Once it is free nobody gets it any more, and all else works. */
	ck_assert_int_eq(gaon_mem_free(mem), GAON_OK);
	ck_assert_int_eq(gaon_device_get_memory(dev, &free_after, &total), GAON_OK);
	ck_assert_uint_eq(free_after, free_before + (1 << 20) - 4096);
	take_all(64 << 10, page, &found);
	ck_assert(!found);
	take_all(4096, page, &found);
	ck_assert(!found);

	/* The chip remembers, and so does the next who opens it. */
	stop();
	start();
	ck_assert_uint_eq(counters().errors_uncorrected, 0);
	ck_assert_uint_eq(counters().retired_pages, 1);
	take_all(4096, page, &found);
	ck_assert(!found);
	/* Again in the same page: counted, retired once. */
	ck_assert_int_eq(inject(GAON_INJECT_UE, 0, page + 0x80), 0);
	ck_assert_uint_eq(counters().errors_uncorrected, 1);
	ck_assert_uint_eq(counters().retired_pages, 1);
}
END_TEST

START_TEST(more_errors_than_the_list_holds)
{
	for (uint32_t i = 0; i < GAON_RETIRED_MAX + 10; i++)
		ck_assert_int_eq(inject(GAON_INJECT_UE, 0, (32ull << 20) + 4096ull * i), 0);
	ck_assert_int_ne(inject(GAON_INJECT_UE, 0, 1ull << 40), 0);	/* beyond HBM */
	ck_assert_uint_eq(counters().errors_uncorrected, GAON_RETIRED_MAX + 10);
	ck_assert_uint_eq(counters().retired_pages, GAON_RETIRED_MAX);
	stop();
	start();
	ck_assert_uint_eq(counters().retired_pages, GAON_RETIRED_MAX);
	ck_assert_uint_eq(atomic_load(&ws->retired_count), GAON_RETIRED_MAX);
}
END_TEST

START_TEST(correctable_errors)
{
	for (uint32_t target = 0; target < 5; target++)
		ck_assert_int_eq(!inject(GAON_INJECT_CE, target, 0), target <= GAON_INJECT_LINK);
	ck_assert_uint_eq(counters().errors_corrected, 3);
	ck_assert_uint_eq(counters().errors_uncorrected, 0);
	ck_assert_uint_eq(counters().retired_pages, 0);
	direct_event_drain(ws);
	ck_assert_msg(strstr(logged, "correctable error in a scratchpad") != NULL, "%s", logged);
	ck_assert_msg(strstr(logged, "correctable error on a link") != NULL, "%s", logged);
}
END_TEST

/* Whatever the file says, only pages of the device are taken; one of a chip without a list is good. */
START_TEST(a_file_full_of_nonsense)
{
	uint8_t bytes[600];
	FILE *file;

	stop();
	memset(bytes, 0xff, sizeof(bytes));
	memset(bytes, 0, 4);			/* a security version that boots */
	for (size_t size = 0; size <= sizeof(bytes); size += 100) {
		file = fopen(nv, "w");
		ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
		fclose(file);
		start();
		ck_assert_uint_eq(counters().retired_pages, 0);
		stop();
	}
	start();
}
END_TEST

START_TEST(without_the_fuse)
{
	stop();
	setenv("GAON_SIM_DEBUG_FUSE", "0", 1);
	start();
	ck_assert_uint_eq(ws->identify.features & GAON_FEATURE_INJECT, 0);
	ck_assert_int_ne(inject(GAON_INJECT_CE, 0, 0), 0);
	ck_assert_uint_eq(counters().errors_corrected, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errors of memory");
	TCase *tc = tcase_create("ras");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, an_uncorrectable_error);
	tcase_add_test(tc, more_errors_than_the_list_holds);
	tcase_add_test(tc, correctable_errors);
	tcase_add_test(tc, a_file_full_of_nonsense);
	tcase_add_test(tc, without_the_fuse);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
