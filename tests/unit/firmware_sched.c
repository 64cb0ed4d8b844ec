// SPDX-License-Identifier: MIT
/* More queues than slots: who gets one, in which order, and that everybody does. */
#include "firmware_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware_fake.h"

#define MS	1000000ull

/* @count user queues 1..count of normal priority in context 1. */
static struct fake *with_queues(uint32_t slots, uint32_t count)
{
	struct fake *f = fake_create(slots);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(fake_context(f, 1), GAON_ADMIN_OK);
	for (uint32_t q = 1; q <= count; q++)
		ck_assert_uint_eq(fake_queue_create(f, q, 1, 0, GAON_PRIORITY_NORMAL), GAON_ADMIN_OK);
	return f;
}

static void ring(struct fake *f, uint32_t queue)
{
	fake_ring(f, queue, 1);
	fake_run(f);
	ck_assert_str_eq(f->violation, "");
}

START_TEST(sleepers_give_way)
{
	struct fake *f = with_queues(2, 3);

	ck_assert_int_ge(fake_slot_of(f, 3), 0);
	for (uint32_t turn = 0; turn < 12; turn++) {
		uint32_t q = 1 + turn % 3;

		ring(f, q);
		ck_assert_int_ge(fake_slot_of(f, q), 0);
		fake_drain(f, (uint32_t)fake_slot_of(f, q));
	}
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_STOP], 0);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	fake_destroy(f);
}
END_TEST

START_TEST(slices_rotate)
{
	struct fake *f = with_queues(1, 2);

	ring(f, 1);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	ring(f, 2);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	ck_assert_uint_eq(f->want, 1u << GAON_PRIORITY_NORMAL);
	fake_event(f, 0, GAON_SLOT_EV_SLICE);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_drain(f, 0);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	ck_assert_uint_eq(f->slots[0].flags, GAON_MCU_SLOT_F_SAVED);
	ck_assert_uint_eq(f->want, 0);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	fake_destroy(f);
}
END_TEST

/* Nobody outside: the slot only goes to the back of the arbiter's order. */
START_TEST(slice_and_contention_inside_the_slots)
{
	struct fake *f = with_queues(2, 2);

	ring(f, 1);
	ring(f, 2);
	fake_event(f, (uint32_t)fake_slot_of(f, 1), GAON_SLOT_EV_SLICE);
	fake_run(f);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_STOP], 1);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_RUN], 1);
	fake_event(f, (uint32_t)fake_slot_of(f, 2), GAON_SLOT_EV_CONTEND);
	fake_run(f);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_STOP], 2);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_RUN], 2);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(f->slots[1].status, GAON_SLOT_ACTIVE);
	fake_destroy(f);
}
END_TEST

static void check_preempts(uint8_t kind, uint8_t priority, uint8_t by_kind, uint8_t by_priority,
			   bool expected)
{
	struct fake *f = with_queues(1, 0);

	fake_queue_create(f, 10, 1, kind, priority);
	ring(f, 10);
	fake_queue_create(f, 11, 1, by_kind, by_priority);
	fake_ring(f, 11, 1);
	fake_run(f);
	ck_assert_msg((fake_slot_of(f, 11) == 0) == expected, "%u/%u by %u/%u", kind, priority,
		      by_kind, by_priority);
	/* Either way both are done in the end. */
	for (int i = 0; i < 2; i++) {
		fake_drain(f, 0);
		fake_run(f);
	}
	ck_assert_uint_eq(f->queues[10].slot >= 0 ? f->slots[0].read : f->queues[10].read, 1);
	ck_assert_uint_eq(f->queues[11].slot >= 0 ? f->slots[0].read : f->queues[11].read, 1);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}

START_TEST(bands_preempt)
{
	for (uint8_t a = 0; a < GAON_PRIORITIES; a++)
		for (uint8_t b = 0; b < GAON_PRIORITIES; b++) {
			check_preempts(0, a, 0, b, b > a);
			check_preempts(1, a, 1, b, b > a);
			check_preempts(0, a, 1, b, true);
			check_preempts(1, a, 0, b, false);
		}
}
END_TEST

START_TEST(first_come_first_served)
{
	struct fake *f = with_queues(1, 6);

	for (uint32_t q = 1; q <= 6; q++)
		ring(f, q);
	for (uint32_t q = 1; q <= 6; q++) {
		ck_assert_int_eq(fake_slot_of(f, q), 0);
		fake_drain(f, 0);
		fake_run(f);
	}
	fake_destroy(f);
}
END_TEST

/* A slot that holds a WAIT does no work: others get it, but not in a hot circle. */
START_TEST(waiting_slots_rotate)
{
	struct fake *f = with_queues(1, 3);
	uint32_t loads;

	for (uint32_t q = 1; q <= 3; q++)
		f->queues[q].waits = true;
	ring(f, 1);
	ring(f, 2);
	ring(f, 3);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	loads = f->commands[GAON_SLOT_CMD_LOAD];
	fake_advance(f, 30 * MS);
	loads = f->commands[GAON_SLOT_CMD_LOAD] - loads;
	ck_assert_uint_ge(loads, 6);
	ck_assert_uint_le(loads, 31);
	f->queues[2].waits = false;
	for (int i = 0; i < 4 && fake_slot_of(f, 2) < 0; i++)
		fake_advance(f, 2 * MS);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_ACTIVE);
	fake_destroy(f);
}
END_TEST

/* Cycles that do not advance (a model without time) give no SLICE events. */
START_TEST(without_slices_the_clock_rotates)
{
	struct fake *f = with_queues(1, 2);

	ring(f, 1);
	ring(f, 2);
	fake_advance(f, 20 * MS);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	fake_advance(f, 40 * MS);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_destroy(f);
}
END_TEST

/* Doorbells of 4,095 queues on three slots, with slices and faults of chance. */
/* A model's host may stop it for any time: that was nobody's turn. */
START_TEST(a_pause_is_no_turn)
{
	struct fake *f = with_queues(1, 2);

	ring(f, 1);
	ring(f, 2);
	for (int i = 0; i < 20; i++) {
		f->time += 10000 * MS;
		fake_run(f);
		ck_assert_int_eq(fake_slot_of(f, 1), 0);
	}
	fake_advance(f, 40 * MS);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_destroy(f);
}
END_TEST

START_TEST(everybody_is_served)
{
	struct fake *f = with_queues(3, 0);
	uint32_t count = 400, left = 0;
	const char *text = getenv("GAON_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261122u;

	printf("# seed %u\n", seed);
	srandom(seed);
	for (uint32_t q = 0; q < count; q++)
		fake_queue_create(f, q * 10, 1, (uint8_t)(random() & 1), (uint8_t)(random() & 3));
	for (uint32_t q = 0; q < count; q++)
		fake_ring(f, q * 10, 1 + (uint32_t)(random() % 5));
	fake_run(f);
	for (uint32_t step = 0; step < 100 * count; step++) {
		uint32_t slot = (uint32_t)random() % 3;

		if (f->slots[slot].status == GAON_SLOT_ACTIVE) {
			if (random() % 3)
				fake_drain(f, slot);
			else
				fake_event(f, slot, GAON_SLOT_EV_SLICE);
		}
		fake_run(f);
		left = 0;
		for (uint32_t q = 0; q < count; q++)
			left += f->queues[q * 10].slot < 0 ?
				f->queues[q * 10].read != f->queues[q * 10].write :
				f->slots[f->queues[q * 10].slot].read != f->queues[q * 10].write;
		if (!left)
			break;
	}
	ck_assert_uint_eq(left, 0);
	ck_assert_str_eq(f->violation, "");
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	fake_destroy(f);
}
END_TEST

TCase *firmware_sched_tests(void)
{
	TCase *tc = tcase_create("scheduler");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sleepers_give_way);
	tcase_add_test(tc, slices_rotate);
	tcase_add_test(tc, slice_and_contention_inside_the_slots);
	tcase_add_test(tc, bands_preempt);
	tcase_add_test(tc, first_come_first_served);
	tcase_add_test(tc, waiting_slots_rotate);
	tcase_add_test(tc, without_slices_the_clock_rotates);
	tcase_add_test(tc, a_pause_is_no_turn);
	tcase_add_test(tc, everybody_is_served);
	return tc;
}
