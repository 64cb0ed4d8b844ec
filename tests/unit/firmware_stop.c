// SPDX-License-Identifier: MIT
/* Stops that take long, contexts as a whole, engine resets: the ladder and who answers when. */
#include "firmware_test.h"

#include "firmware_fake.h"

#define MS	1000000ull

/* Contexts 1 and 2; queues 1, 2 in the first, 3 in the second; four slots. */
static struct fake *two_contexts(void)
{
	struct fake *f = fake_create(4);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	fake_context(f, 1);
	fake_context(f, 2);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_queue_create(f, 2, 1, 0, 1);
	fake_queue_create(f, 3, 2, 0, 1);
	return f;
}

static void expect_reply(struct fake *f, uint16_t opcode, uint32_t status)
{
	struct gaon_admin_reply reply;

	ck_assert(fake_reply(f, &reply));
	ck_assert_uint_eq(reply.opcode, opcode);
	ck_assert_uint_eq(reply.status, status);
}

static void expect_no_reply(struct fake *f)
{
	struct gaon_admin_reply reply;

	ck_assert(!fake_reply(f, &reply));
}

static uint64_t query_bits(struct fake *f, uint32_t queue)
{
	struct gaon_admin_reply reply;

	fake_id_submit(f, GAON_ADMIN_QUEUE_QUERY, queue);
	fake_run(f);
	ck_assert(fake_reply(f, &reply));
	ck_assert_uint_eq(reply.opcode, GAON_ADMIN_QUEUE_QUERY);
	return reply.value[3];
}

START_TEST(stop_that_takes_too_long_kills_the_context)
{
	struct fake *f = two_contexts();

	for (uint32_t q = 1; q <= 3; q++)
		fake_ring(f, q, 4);
	f->queues[1].sticky = true;
	fake_id_submit(f, GAON_ADMIN_QUEUE_SUSPEND, 1);
	fake_advance(f, 70 * MS);
	expect_no_reply(f);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_KILL], 0);
	fake_advance(f, 40 * MS);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_KILL], 2);
	ck_assert_uint_eq(f->queues[2].status, GAON_QUEUE_RESET);
	expect_no_reply(f);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_ERR_TIMEOUT);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	/* Which of them was to blame can be asked. */
	ck_assert_uint_eq(query_bits(f, 1), 2 | 4 | 64);
	ck_assert_uint_eq(query_bits(f, 2), 2);
	/* The other context did not notice. */
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 3)].status, GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(f->state, GAON_STATE_READY);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* Nobody ran the device for ten seconds: that is one step of the deadline, not all of it. */
START_TEST(a_pause_of_the_host_is_not_counted)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_QUEUE_SUSPEND, 1);
	f->time += 10000 * MS;
	fake_run(f);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_KILL], 0);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_OK);
	fake_destroy(f);
}
END_TEST

START_TEST(kill_that_takes_too_long_resets_the_engines)
{
	struct fake *f = two_contexts();

	for (uint32_t q = 1; q <= 3; q++)
		fake_ring(f, q, 4);
	f->queues[1].sticky = true;
	fake_id_submit(f, GAON_ADMIN_QUEUE_DESTROY, 1);
	fake_advance(f, 100 * MS);
	ck_assert_uint_eq(f->engine_resets, 1);
	ck_assert_uint_eq(f->state, GAON_STATE_DEGRADED);
	/* Work in flight of innocents is dropped, and said to be. */
	ck_assert_uint_eq(f->queues[3].status, GAON_QUEUE_RESET);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_QUEUE_DESTROY, GAON_ADMIN_OK);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 3), GAON_ADMIN_OK);
	fake_destroy(f);
}
END_TEST

START_TEST(engines_that_never_stop_are_fatal)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->queues[1].sticky = true;
	fake_id_submit(f, GAON_ADMIN_QUEUE_DESTROY, 1);
	fake_advance(f, 100 * MS);
	ck_assert_uint_eq(f->state, GAON_STATE_DEGRADED);
	f->time = f->timecmp;
	for (int i = 0; i < 12 && f->state != GAON_STATE_FATAL; i++) {
		f->time = f->timecmp;
		fake_run(f);
	}
	ck_assert_uint_eq(f->state, GAON_STATE_FATAL);
	ck_assert_uint_ne(f->panic, 0);
	fake_destroy(f);
}
END_TEST

/* Work that cannot be saved is not killed only because somebody else would like the slot. */
START_TEST(contention_does_not_kill_what_cannot_be_saved)
{
	struct fake *f = fake_create(1);
	struct gaon_admin_cmd cmd;

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	fake_context(f, 1);
	cmd = fake_queue_cmd(1, 1, 0, 1);
	cmd.queue.save_va = 0;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	fake_ring(f, 1, 1);
	f->stop_at_once = false;
	fake_queue_create(f, 2, 1, 0, 2);
	fake_ring(f, 2, 1);
	fake_run(f);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_STOPPING);
	fake_advance(f, 2000 * MS);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_KILL], 0);
	fake_stopped(f, 0);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_destroy(f);
}
END_TEST

START_TEST(context_suspend_waits_for_all)
{
	struct fake *f = two_contexts();

	for (uint32_t q = 1; q <= 3; q++)
		fake_ring(f, q, 4);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_CONTEXT_SUSPEND, 1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 1), GAON_ADMIN_ERR_BUSY);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_DESTROY, 1), GAON_ADMIN_ERR_BUSY);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_no_reply(f);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 2));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_CONTEXT_SUSPEND, GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_int_eq(fake_slot_of(f, 2), -1);
	ck_assert_int_ge(fake_slot_of(f, 3), 0);
	fake_ring(f, 1, 1);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	/* A new queue of a suspended context waits too. */
	ck_assert_uint_eq(fake_queue_create(f, 4, 1, 0, 1), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 4), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_int_ge(fake_slot_of(f, 1), 0);
	ck_assert_int_ge(fake_slot_of(f, 2), 0);
	ck_assert_int_ge(fake_slot_of(f, 4), 0);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* The work is dropped, but what was asked for holds: nothing of the context runs before RESUME. */
START_TEST(context_suspend_that_takes_too_long_holds)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->queues[1].sticky = true;
	fake_id_submit(f, GAON_ADMIN_CONTEXT_SUSPEND, 1);
	fake_advance(f, 110 * MS);
	ck_assert_uint_ge(f->commands[GAON_SLOT_CMD_KILL], 1);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_CONTEXT_SUSPEND, GAON_ADMIN_ERR_TIMEOUT);
	f->queues[1].sticky = false;
	ck_assert_uint_eq(query_bits(f, 1), 2 | 8 | 64);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(query_bits(f, 1), 0);
	fake_ring(f, 1, 4);
	fake_run(f);
	ck_assert_int_ge(fake_slot_of(f, 1), 0);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

START_TEST(own_suspension_survives_the_contexts_resume)
{
	struct fake *f = two_contexts();

	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_int_ge(fake_slot_of(f, 2), 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_int_ge(fake_slot_of(f, 1), 0);
	fake_destroy(f);
}
END_TEST

/* Sixty queues on four slots, busy, sleeping, faulted and outside. */
START_TEST(context_reset_reaches_every_queue)
{
	struct fake *f = two_contexts();

	for (uint32_t q = 10; q < 70; q++) {
		fake_queue_create(f, q, 1, q & 1, (uint8_t)(q % 4));
		if (q % 3)
			fake_ring(f, q, q);
		fake_run(f);
	}
	for (uint32_t s = 0; s < 4; s++)
		if (s % 2 && f->slots[s].status == GAON_SLOT_ACTIVE)
			fake_fault(f, s);
	fake_run(f);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESET, 1), GAON_ADMIN_OK);
	for (uint32_t q = 10; q < 70; q++) {
		ck_assert_uint_eq(f->queues[q].status, GAON_QUEUE_RESET);
		ck_assert_uint_eq(fake_slot_of(f, q) < 0 ? f->queues[q].read :
				  f->slots[fake_slot_of(f, q)].read, q % 3 ? q : 0);
	}
	for (uint32_t q = 10; q < 70; q++) {
		ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, q), GAON_ADMIN_OK);
		ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_DESTROY, q), GAON_ADMIN_OK);
	}
	fake_destroy(f);
}
END_TEST

/* A driver that gives up waiting for a suspension resets: both are answered. */
START_TEST(context_reset_overtakes_a_suspend)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_QUEUE_SUSPEND, 1);
	fake_id_submit(f, GAON_ADMIN_CONTEXT_RESET, 1);
	ck_assert_uint_ge(f->commands[GAON_SLOT_CMD_KILL], 1);
	for (uint32_t s = 0; s < 4; s++)
		if (f->slots[s].status == GAON_SLOT_STOPPING)
			fake_stopped(f, s);
	fake_run(f);
	expect_reply(f, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_OK);
	expect_reply(f, GAON_ADMIN_CONTEXT_RESET, GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	fake_destroy(f);
}
END_TEST

START_TEST(engine_reset_drops_work_in_flight_only)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	fake_ring(f, 3, 4);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_ENGINE_RESET, 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_ENGINE_RESET, 0), GAON_ADMIN_ERR_BUSY);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_no_reply(f);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 3));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_ENGINE_RESET, GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->queues[3].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->queues[2].status, GAON_QUEUE_OK);
	fake_ring(f, 2, 1);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 2)].status, GAON_SLOT_ACTIVE);
	fake_destroy(f);
}
END_TEST

/* A doorbell comes while the firmware is on its way to the reset: the owner is told, and goes on. */
START_TEST(engine_reset_reaches_who_just_woke)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->wakes_at_reset = 3;
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_ENGINE_RESET, 0), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->queues[3].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->queues[2].status, GAON_QUEUE_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 3), GAON_ADMIN_OK);
	fake_ring(f, 3, 1);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 3)].status, GAON_SLOT_ACTIVE);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

START_TEST(fault_while_stopping_ends_the_stop)
{
	struct fake *f = two_contexts();

	fake_ring(f, 1, 4);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_QUEUE_SUSPEND, 1);
	fake_fault(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	expect_reply(f, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_OK);
	ck_assert_int_ge(fake_slot_of(f, 1), 0);
	fake_destroy(f);
}
END_TEST

TCase *firmware_stop_tests(void)
{
	TCase *tc = tcase_create("stops");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, stop_that_takes_too_long_kills_the_context);
	tcase_add_test(tc, a_pause_of_the_host_is_not_counted);
	tcase_add_test(tc, kill_that_takes_too_long_resets_the_engines);
	tcase_add_test(tc, engines_that_never_stop_are_fatal);
	tcase_add_test(tc, contention_does_not_kill_what_cannot_be_saved);
	tcase_add_test(tc, context_suspend_waits_for_all);
	tcase_add_test(tc, context_suspend_that_takes_too_long_holds);
	tcase_add_test(tc, own_suspension_survives_the_contexts_resume);
	tcase_add_test(tc, context_reset_reaches_every_queue);
	tcase_add_test(tc, context_reset_overtakes_a_suspend);
	tcase_add_test(tc, engine_reset_drops_work_in_flight_only);
	tcase_add_test(tc, engine_reset_reaches_who_just_woke);
	tcase_add_test(tc, fault_while_stopping_ends_the_stop);
	return tc;
}
