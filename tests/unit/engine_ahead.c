// SPDX-License-Identifier: MIT
/*
 * Memory made ready ahead of copies that fill HBM from one end to the other: what was copied is right, what
 * lies behind reads as zeros and is resident before anybody wrote to it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../check_run.h"
#include "engine_lib.h"

#define PIECE	(1ull << 20)
#define PIECES	12u
#define TO	(8ull << 20)			/* of HBM, from VA_HBM on */
#define BEHIND	(TO + PIECES * PIECE)

static struct engine *e;
static struct engine_queue *q;

static void make(unsigned int threads)
{
	struct gaon_sim_config config = { .threads = threads };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void copy(uint64_t to, uint64_t from)
{
	struct gaon_packet pkt = { .type = GAON_PKT_COPY };

	pkt.copy.dst_va = VA_HBM + to;
	pkt.copy.src_va = VA_HBM + from;
	pkt.copy.bytes = PIECE;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
}

static void copy_all(void)
{
	memset(engine_hbm(e, 0), 0x5a, PIECE);
	for (unsigned int i = 0; i < PIECES; i++)
		copy(TO + i * PIECE, 0);
	for (unsigned int i = 0; i < PIECES; i++)
		ck_assert_int_eq(memcmp(engine_hbm(e, TO + i * PIECE), engine_hbm(e, 0), PIECE), 0);
}

/*
 * Is a page behind the copies the host's already? One huge page further, since the one that the copies
 * end in may reach beyond them: where HBM lies in the host's address space is not aligned.
 */
static bool is_ready(void)
{
	unsigned char present = 0;

	ck_assert_int_eq(mincore(engine_hbm(e, BEHIND + (2ull << 20)), GAON_PAGE_SIZE, &present), 0);
	return present & 1;
}

START_TEST(test_ready)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const uint8_t *behind;

	make(2);
	ck_assert(!is_ready());
	copy_all();
	/* A thread of the model's own does it, when it gets a processor. */
	for (int i = 0; i < 6000 && !is_ready(); i++)
		nanosleep(&pause, NULL);
	ck_assert(is_ready());
	behind = engine_hbm(e, BEHIND);
	for (uint64_t i = 0; i < PIECE; i++)
		ck_assert_uint_eq(behind[i], 0);
	engine_destroy(e);
}
END_TEST

/* Nobody has the time: with one thread it would be the program's own. */
START_TEST(test_one_thread)
{
	make(1);
	copy_all();
	ck_assert(!is_ready());
	engine_destroy(e);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("engine_ahead");
	TCase *t = tcase_create("ahead");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_ready);
	tcase_add_test(t, test_one_thread);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
