// SPDX-License-Identifier: MIT
/*
 * FILL with zeros: exact to the byte, and whole pages of HBM are not resident on the host
 * afterwards, in private memory as in a memory file.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../check_run.h"
#include "engine_lib.h"

#define AREA	(64ull << 20)	/* of HBM, from VA_HBM on */
#define PAGES	(AREA / GAON_PAGE_SIZE)
#define HUGE	(2ull << 20)	/* pages of the host */

static struct engine *e;
static struct engine_queue *q;

static void make(bool share, unsigned int threads)
{
	struct gaon_sim_config config = { .share_hbm = share, .threads = threads };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void fill(uint64_t offset, uint64_t bytes, uint64_t pattern, uint32_t pattern_size)
{
	struct gaon_packet pkt = { .type = GAON_PKT_FILL };

	pkt.fill.dst_va = VA_HBM + offset;
	pkt.fill.bytes = bytes;
	pkt.fill.pattern = pattern;
	pkt.fill.pattern_size = pattern_size;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
}

/* Pages of [@offset, @offset + @bytes) that the host keeps. */
static uint64_t resident(uint64_t offset, uint64_t bytes)
{
	static unsigned char present[PAGES];
	uint64_t count = 0;

	ck_assert_int_eq(mincore(engine_hbm(e, offset), bytes, present), 0);
	for (uint64_t i = 0; i < bytes / GAON_PAGE_SIZE; i++)
		count += present[i] & 1;
	return count;
}

/* All but what a fill begins and ends inside of: pages, and the huge pages around them. */
static void expect_released(uint64_t offset, uint64_t bytes)
{
	ck_assert_uint_le(resident(offset, bytes), 2 * HUGE / GAON_PAGE_SIZE);
}

static void released(bool share)
{
	make(share, 1);
	/* What was never touched stays away. */
	fill(0, AREA, 0, 8);
	expect_released(0, AREA);
	/* What was used goes, at odd ends as well, and reads as zeros. */
	memset(engine_hbm(e, 0), 0xa5, AREA);
	ck_assert_uint_eq(resident(0, AREA), PAGES);
	fill(0, AREA, 0, 1);
	expect_released(0, AREA);
	memset(engine_hbm(e, 0), 0xa5, AREA);
	fill(4096 + 3, AREA - 8192, 0, 1);
	expect_released(4096, AREA - 8192);
	ck_assert_uint_eq(engine_hbm(e, 4096 + 2)[0], 0xa5);
	ck_assert_uint_eq(engine_hbm(e, 4096 + 3)[0], 0);
	ck_assert_uint_eq(engine_hbm(e, AREA - 4096 + 2)[0], 0);
	ck_assert_uint_eq(engine_hbm(e, AREA - 4096 + 3)[0], 0xa5);
	/* Another pattern is memory like any other. */
	fill(0, AREA, 0x0100000000000000, 8);
	ck_assert_uint_eq(resident(0, AREA), PAGES);
	ck_assert_uint_eq(engine_hbm(e, AREA - 1)[0], 1);
	engine_destroy(e);
}

START_TEST(test_private_memory_is_released)
{
	released(false);
}
END_TEST

START_TEST(test_memory_file_is_released)
{
	released(true);
}
END_TEST

/* Random fills, most of them zeros, against an array of bytes. */
static void exact(bool share, uint64_t *state)
{
	uint8_t *model = malloc(AREA);

	ck_assert_ptr_nonnull(model);
	make(share, 2);
	memset(model, 0x5a, AREA);
	memset(engine_hbm(e, 0), 0x5a, AREA);
	for (unsigned int round = 0; round < 8; round++) {
		uint64_t r = engine_random(state), size = 1ull << (r >> 4) % 4;
		uint64_t pattern = r & 3 ? 0 : 0x0101010101010101 * (1 + r % 200);
		uint64_t offset = engine_random(state) % AREA & -size;
		uint64_t bytes = engine_random(state) % (AREA - offset) & -size;

		/* On pages' edges, too. */
		if (r & 256)
			offset -= offset % GAON_PAGE_SIZE;
		if (bytes < size)
			continue;
		fill(offset, bytes, pattern, (uint32_t)size);
		memset(model + offset, (uint8_t)pattern, bytes);
		ck_assert(!memcmp(model, engine_hbm(e, 0), AREA));
		/* Used again between fills. */
		offset = engine_random(state) % (AREA - 70000);
		memset(model + offset, (int)round, 70000);
		memset(engine_hbm(e, offset), (int)round, 70000);
	}
	engine_destroy(e);
	free(model);
}

START_TEST(test_exact)
{
	uint64_t state = engine_seed();

	exact(false, &state);
	exact(true, &state);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("engine_fill");
	TCase *t = tcase_create("fill");

	tcase_set_timeout(t, 200);
	tcase_add_test(t, test_private_memory_is_released);
	tcase_add_test(t, test_memory_file_is_released);
	tcase_add_test(t, test_exact);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
