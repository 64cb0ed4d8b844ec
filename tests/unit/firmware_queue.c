// SPDX-License-Identifier: MIT
/* Contexts and queues one at a time: life, faults, clearing, resets, suspension. */
#include "firmware_test.h"

#include <string.h>

#include "firmware_fake.h"

static struct fake *booted(uint32_t slots)
{
	struct fake *f = fake_create(slots);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	return f;
}

START_TEST(context_life)
{
	struct fake *f = booted(4);

	ck_assert_uint_eq(fake_context(f, 7), GAON_ADMIN_OK);
	ck_assert(f->ctx_enabled[7]);
	ck_assert_uint_eq(f->ctx_asids[7], 107);
	ck_assert_uint_eq(fake_context(f, 7), GAON_ADMIN_ERR_BUSY);
	ck_assert_uint_eq(fake_queue_create(f, 5, 7, 0, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_DESTROY, 7), GAON_ADMIN_ERR_BUSY);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_DESTROY, 5), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_DESTROY, 7), GAON_ADMIN_OK);
	ck_assert(!f->ctx_enabled[7]);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_DESTROY, 7), GAON_ADMIN_ERR_ID);
	ck_assert_uint_eq(fake_context(f, 7), GAON_ADMIN_OK);
	fake_destroy(f);
}
END_TEST

/* A queue is in a slot from the start, so that its packets never wait for the firmware. */
START_TEST(queue_is_loaded_with_its_fields)
{
	struct fake *f = booted(4);
	struct gaon_admin_cmd cmd = fake_queue_cmd(4095, 1, GAON_QUEUE_KIND_KERNEL, 3);
	struct fake_slot *s;

	ck_assert_uint_eq(fake_context(f, 1), GAON_ADMIN_OK);
	cmd.queue.slice_us = 500;
	cmd.queue.limit_cycles = 0x123456789abcull;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_int_ge(fake_slot_of(f, 4095), 0);
	s = &f->slots[fake_slot_of(f, 4095)];
	ck_assert_uint_eq(s->status, GAON_SLOT_IDLE);
	ck_assert_uint_eq(s->queue, 4095);
	ck_assert_uint_eq(s->context, 1);
	ck_assert_uint_eq(s->kind, GAON_QUEUE_KIND_KERNEL);
	ck_assert_uint_eq(s->priority, 3);
	ck_assert_uint_eq(s->log2, 6);
	ck_assert_uint_eq(s->ring, cmd.queue.ring_va);
	ck_assert_uint_eq(s->state, cmd.queue.state_va);
	ck_assert_uint_eq(s->save, cmd.queue.save_va);
	ck_assert_uint_eq(s->slice, 500ull * 1050);
	ck_assert_uint_eq(s->limit, 0x123456789abcull);
	fake_destroy(f);
}
END_TEST

START_TEST(limit_defaults_to_the_devices)
{
	struct fake *f = booted(4);

	ck_assert_uint_eq(fake_context(f, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_queue_create(f, 1, 1, 0, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].limit, 2100000000ull);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].slice, 2000ull * 1050);
	fake_destroy(f);
}
END_TEST

START_TEST(destroy_waits_for_the_work)
{
	struct fake *f = booted(2);
	struct gaon_admin_reply reply;

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	f->stop_at_once = false;
	fake_ring(f, 1, 3);
	fake_id_submit(f, GAON_ADMIN_QUEUE_DESTROY, 1);
	ck_assert(!fake_reply(f, &reply));
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_KILL], 1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 1), GAON_ADMIN_ERR_BUSY);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert(fake_reply(f, &reply));
	ck_assert_uint_eq(reply.status, GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.opcode, GAON_ADMIN_QUEUE_DESTROY);
	ck_assert(!f->queues[1].mapped);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_EMPTY);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_QUERY, 1), GAON_ADMIN_ERR_ID);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	fake_destroy(f);
}
END_TEST

static struct fake *debugged(uint32_t slots)
{
	struct gaon_admin_cmd cmd = fake_queue_cmd(1, 1, GAON_QUEUE_KIND_USER, 1);
	struct fake *f = booted(slots);

	ck_assert_uint_eq(fake_context(f, 1), GAON_ADMIN_OK);
	cmd.queue.flags = GAON_QUEUE_F_DEBUG;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
	fake_destroy(f);
	f = fake_create(slots);
	f->identify.features |= GAON_FEATURE_DEBUG;
	fake_boot(f);
	ck_assert_uint_eq(fake_context(f, 1), GAON_ADMIN_OK);
	cmd.queue.flags = GAON_QUEUE_F_DEBUG | 2;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.queue.flags = GAON_QUEUE_F_DEBUG;
	cmd.queue.save_va = 0;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.queue.save_va = fake_queue_cmd(1, 1, GAON_QUEUE_KIND_USER, 1).queue.save_va;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	f->stop_at_once = false;
	fake_ring(f, 1, 3);
	ck_assert(f->slots[fake_slot_of(f, 1)].flags & GAON_MCU_SLOT_F_DEBUG);
	return f;
}

static uint64_t condition(struct fake *f)
{
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id.id = 1 };
	struct gaon_admin_reply reply;

	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	return reply.value[3];
}

/* The slot is free for others until the debugger lets the queue go on. */
START_TEST(a_debug_stop_suspends)
{
	struct fake *f = debugged(1);

	fake_debug_stop(f, 0);
	fake_run(f);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_EMPTY);
	ck_assert_uint_eq(condition(f), GAON_QUERY_SUSPENDED | GAON_QUERY_SAVED | GAON_QUERY_STOPPED);
	fake_ring(f, 1, 1);
	fake_run(f);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_EMPTY);
	ck_assert_uint_eq(fake_queue_create(f, 2, 1, 0, 1), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESUME, 1), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	ck_assert(!(condition(f) & (GAON_QUERY_SUSPENDED | GAON_QUERY_STOPPED)));
	fake_destroy(f);
}
END_TEST

/* Whatever is wanted of the queue at that moment happens all the same. */
START_TEST(a_debug_stop_meets_commands)
{
	static const uint16_t commands[] = { GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_QUEUE_RESET,
					     GAON_ADMIN_QUEUE_DESTROY, GAON_ADMIN_CONTEXT_SUSPEND,
					     GAON_ADMIN_CONTEXT_RESET, GAON_ADMIN_QUEUE_SUSPEND };

	for (unsigned int i = 0; i < 2 * sizeof(commands) / sizeof(commands[0]); i++) {
		struct fake *f = debugged(1);
		struct gaon_admin_reply reply;

		/* The command first, so that it finds the slot running; or the stop, not yet noticed. */
		if (i & 1)
			fake_debug_stop(f, 0);
		fake_id_submit(f, commands[i / 2], 1);
		if (!(i & 1))
			fake_debug_stop(f, 0);
		fake_run(f);
		ck_assert(fake_reply(f, &reply));
		ck_assert_uint_eq(reply.opcode, commands[i / 2]);
		ck_assert_uint_eq(reply.status, GAON_ADMIN_OK);
		fake_destroy(f);
	}
}
END_TEST

START_TEST(suspend_saves_and_resume_goes_on)
{
	struct fake *f = booted(2);
	struct gaon_admin_reply reply;
	struct fake_slot *s;

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	f->stop_at_once = false;
	fake_ring(f, 1, 5);
	fake_id_submit(f, GAON_ADMIN_QUEUE_SUSPEND, 1);
	ck_assert(!fake_reply(f, &reply));
	f->slots[fake_slot_of(f, 1)].read = 2;
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert(fake_reply(f, &reply));
	ck_assert_uint_eq(reply.status, GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	/* Its doorbell rings, and nothing may happen. */
	fake_ring(f, 1, 1);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESUME, 1), GAON_ADMIN_OK);
	s = &f->slots[fake_slot_of(f, 1)];
	ck_assert_uint_eq(s->status, GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(s->read, 2);
	ck_assert_uint_eq(s->flags, GAON_MCU_SLOT_F_SAVED);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

START_TEST(sleeping_queue_suspends_at_once)
{
	struct fake *f = booted(2);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_STOP], 0);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	fake_destroy(f);
}
END_TEST

START_TEST(fault_is_cleared_in_its_slot)
{
	struct fake *f = booted(2);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_ERR_STATE);
	fake_ring(f, 1, 4);
	fake_fault(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].status, GAON_SLOT_FAULTED);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].status, GAON_SLOT_IDLE);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].read, 4);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_OK);
	fake_destroy(f);
}
END_TEST

/* The state block says FAULTED before the firmware's event comes: its work is still ending. */
START_TEST(fault_is_cleared_before_its_event)
{
	static const uint16_t ops[] = {
		GAON_ADMIN_FAULT_CLEAR, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_QUEUE_RESET,
		GAON_ADMIN_QUEUE_DESTROY,
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct fake *f = booted(2);
		struct gaon_admin_reply reply;

		fake_context(f, 1);
		fake_queue_create(f, 1, 1, 0, 1);
		fake_ring(f, 1, 4);
		f->slots[fake_slot_of(f, 1)].status = GAON_SLOT_FAULTED;
		fake_id_submit(f, ops[i], 1);
		ck_assert(!fake_reply(f, &reply));
		fake_event(f, (uint32_t)fake_slot_of(f, 1), GAON_SLOT_EV_FAULT);
		fake_run(f);
		ck_assert(fake_reply(f, &reply));
		ck_assert_uint_eq(reply.status, GAON_ADMIN_OK);
		ck_assert_str_eq(f->violation, "");
		ck_assert_uint_eq(f->timecmp, UINT64_MAX);
		fake_destroy(f);
	}
}
END_TEST

/* The slot went to another queue meanwhile. */
START_TEST(fault_is_cleared_from_outside)
{
	struct fake *f = booted(1);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_ring(f, 1, 4);
	fake_fault(f, 0);
	fake_run(f);
	fake_queue_create(f, 2, 1, 0, 1);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	fake_ring(f, 2, 1);
	ck_assert_uint_eq(f->slots[0].status, GAON_SLOT_ACTIVE);
	/* A broken queue's doorbell does not bring it back. */
	fake_ring(f, 1, 1);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 1), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_OK);
	ck_assert_uint_eq(f->queues[1].read, 5);
	/* Queue 2 was put off for it, and is back: queue 1 has nothing to do. */
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_ring(f, 1, 1);
	fake_drain(f, 0);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 1), 0);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

START_TEST(reset_drops_work)
{
	struct fake *f = booted(2);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_ring(f, 1, 9);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESET, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].read, 9);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_OK);
	fake_ring(f, 1, 1);
	ck_assert_uint_eq(f->slots[fake_slot_of(f, 1)].status, GAON_SLOT_ACTIVE);
	fake_destroy(f);
}
END_TEST

/* The only slot is busy with the most urgent work there is; the reset still gets it for a moment. */
START_TEST(reset_outside_the_slots)
{
	struct fake *f = booted(1);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_queue_create(f, 2, 1, 1, 3);
	fake_ring(f, 2, 1);
	fake_ring(f, 1, 7);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESET, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(f->queues[1].read, 7);
	fake_run(f);
	ck_assert_int_eq(fake_slot_of(f, 2), 0);
	fake_destroy(f);
}
END_TEST

START_TEST(reset_of_a_faulted_queue)
{
	struct fake *f = booted(2);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_ring(f, 1, 2);
	fake_fault(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESET, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[1].status, GAON_QUEUE_RESET);
	fake_destroy(f);
}
END_TEST

/* Page tables are torn down: a reset must still end. */
START_TEST(reset_with_unreachable_state)
{
	struct fake *f = booted(2);

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_ring(f, 1, 2);
	f->queues[1].unreachable = true;
	fake_fault(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESET, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 1), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESET, 1), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_DESTROY, 1), GAON_ADMIN_OK);
	fake_destroy(f);
}
END_TEST

START_TEST(query_tells_where_a_queue_is)
{
	struct fake *f = booted(1);
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id.id = 3 };
	struct gaon_admin_cmd times = { .opcode = GAON_ADMIN_QUEUE_QUERY,
					.id = { .id = 3, .value = GAON_QUERY_TIMES } };
	struct gaon_admin_reply reply;

	fake_context(f, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	fake_ring(f, 3, 2);
	f->slots[0].read = 1;
	f->slots[0].busy = 0x123456789ull;
	f->slots[0].copied = 0x987654321ull;
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(reply.value[1], 1);
	ck_assert_uint_eq(reply.value[2], 0);
	ck_assert_uint_eq(reply.value[3], 0);
	ck_assert_uint_eq(reply.value[5], 0x123456789ull);
	ck_assert_uint_eq(fake_admin(f, &times, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], 0x123456789ull);
	ck_assert_uint_eq(reply.value[1], 0x987654321ull);
	ck_assert_uint_eq(reply.value[2] | reply.value[3] | reply.value[4] | reply.value[5], 0);
	fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 3);
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], GAON_SLOT_EMPTY);
	ck_assert_uint_eq(reply.value[2], UINT64_MAX);
	ck_assert_uint_eq(reply.value[3], 4 | 16);
	/* It goes with the queue from slot to slot. */
	ck_assert_uint_eq(reply.value[5], 0x123456789ull);
	ck_assert_uint_eq(fake_admin(f, &times, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], 0x123456789ull);
	ck_assert_uint_eq(reply.value[1], 0x987654321ull);
	fake_id(f, GAON_ADMIN_QUEUE_RESUME, 3);
	f->slots[0].busy += 7;
	ck_assert_uint_eq(fake_admin(f, &cmd, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[5], 0x123456789ull + 7);
	fake_destroy(f);
}
END_TEST

/* What a driver goes by that took away the memory of a context: is there anything to come back for? */
START_TEST(query_tells_what_sleeps)
{
	struct fake *f = booted(1);
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id.id = 3 };
	struct gaon_admin_reply reply;

	fake_context(f, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9), GAON_ADMIN_OK);
	fake_admin(f, &cmd, &reply);
	ck_assert_uint_eq(reply.value[3], 8 | 128);
	fake_ring(f, 3, 1);
	fake_run(f);
	fake_admin(f, &cmd, &reply);
	ck_assert_uint_eq(reply.value[3], 8);
	fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 9);
	fake_admin(f, &cmd, &reply);
	ck_assert_uint_eq(reply.value[0], GAON_SLOT_ACTIVE);
	ck_assert_uint_eq(reply.value[3], 0);
	/* Stopped in its work: it has some left. */
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9), GAON_ADMIN_OK);
	fake_admin(f, &cmd, &reply);
	ck_assert_uint_eq(reply.value[3] & (8 | 128), 8);
	fake_destroy(f);
}
END_TEST

/* What a queue had before a chip reset, a new one goes on with. */
START_TEST(restore_goes_on_where_another_was)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_QUEUE_RESTORE,
		.restore = {
			.queue = 3,
			.state = GAON_QUERY_SAVED,
			.read = 0x123456789ull,
			.core_cycles = 77,
			.copy_cycles = 88,
			.preempted = 5,
		},
	};
	struct gaon_admin_cmd query = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id.id = 3 };
	struct fake *f = booted(2);
	struct gaon_admin_reply reply;
	struct fake_slot *s;

	fake_context(f, 9);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_ID);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9), GAON_ADMIN_OK);
	fake_queue_create(f, 3, 9, 0, 1);
	ck_assert_int_eq(fake_slot_of(f, 3), -1);
	cmd.restore.reserved1[1] = 1;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RESERVED);
	cmd.restore.reserved1[1] = 0;
	cmd.restore.state = 3;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.restore.state = GAON_QUERY_SUSPENDED;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.restore.state = GAON_QUERY_SAVED;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	f->queues[3].read = cmd.restore.read;
	ck_assert_uint_eq(fake_admin(f, &query, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[1], 0x123456789ull);
	ck_assert_uint_eq(reply.value[3], GAON_QUERY_SAVED | GAON_QUERY_CONTEXT_SUSPENDED);
	ck_assert_uint_eq(reply.value[4], 5);
	ck_assert_uint_eq(reply.value[5], 77);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 9), GAON_ADMIN_OK);
	s = &f->slots[fake_slot_of(f, 3)];
	ck_assert_uint_eq(s->read, 0x123456789ull);
	ck_assert_uint_eq(s->busy, 77);
	ck_assert_uint_eq(s->copied, 88);
	ck_assert_uint_eq(s->flags, GAON_MCU_SLOT_F_SAVED);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_STATE);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* One that stood still goes on standing still, until it is cleared. */
START_TEST(restore_keeps_a_fault)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_QUEUE_RESTORE,
		.restore = { .queue = 3, .state = GAON_QUERY_FAULTED | GAON_QUERY_LATE, .read = 4 },
	};
	struct fake *f = booted(2);

	fake_context(f, 9);
	fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	f->queues[3].read = cmd.restore.read;
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 9), GAON_ADMIN_OK);
	ck_assert_int_eq(fake_slot_of(f, 3), -1);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 3), GAON_ADMIN_OK);
	ck_assert_int_ge(fake_slot_of(f, 3), 0);
	fake_destroy(f);
}
END_TEST

/* The state block of a queue of firmware that was lost, and what becomes of the one that adopts it. */
static const struct {
	uint64_t read, write;
	uint32_t status;
	bool unreachable;
	uint64_t condition;
} left[] = {
	{ 70, 70, GAON_QUEUE_OK, false, 0 },
	{ 70, 72, GAON_QUEUE_OK, false, GAON_QUERY_RESET },
	{ 72, 70, GAON_QUEUE_OK, false, GAON_QUERY_RESET },
	{ 70, 70, GAON_QUEUE_FAULTED, false, GAON_QUERY_RESET },
	{ 70, 70, GAON_QUEUE_RESET, false, GAON_QUERY_RESET },
	{ 70, 70, GAON_QUEUE_OK, true, GAON_QUERY_RESET },
};

START_TEST(adopts_who_slept)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_QUEUE_RESTORE,
		.restore = { .queue = 3, .state = GAON_RESTORE_ADOPT, .core_cycles = 77 },
	};
	struct gaon_admin_cmd query = { .opcode = GAON_ADMIN_QUEUE_QUERY, .id.id = 3 };
	struct fake *f = booted(2);
	struct gaon_admin_reply reply;

	fake_context(f, 9);
	fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	f->queues[3].left = left[_i].read;
	f->queues[3].write = left[_i].write;
	f->queues[3].status = left[_i].status;
	f->queues[3].unreachable = left[_i].unreachable;
	cmd.restore.state |= GAON_QUERY_ASLEEP;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.restore.state = GAON_RESTORE_ADOPT;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	/* Its memory may come back only before its context goes on. */
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_ADOPT] + f->commands[GAON_SLOT_CMD_LOAD], 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_SUSPEND, 3), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 9), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_LOAD], 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_RESUME, 3), GAON_ADMIN_OK);
	fake_run(f);
	ck_assert_uint_eq(fake_admin(f, &query, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[3] & GAON_QUERY_CONDITION, left[_i].condition);
	ck_assert_uint_eq(reply.value[5], 77);
	f->queues[3].unreachable = false;
	if (left[_i].condition) {
		if (!left[_i].unreachable)
			ck_assert_uint_eq(f->queues[3].status, GAON_QUEUE_RESET);
		ck_assert_uint_eq(fake_id(f, GAON_ADMIN_FAULT_CLEAR, 3), GAON_ADMIN_OK);
	} else {
		ck_assert_uint_eq(reply.value[1], left[_i].read);
	}
	fake_run(f);
	ck_assert_uint_eq(fake_admin(f, &query, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[3] & GAON_QUERY_CONDITION, 0);
	ck_assert_int_ge(fake_slot_of(f, 3), 0);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* Whatever else is wanted of it first. */
START_TEST(adopts_or_not_if_it_is_reset)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_QUEUE_RESTORE,
		.restore = { .queue = 3, .state = GAON_RESTORE_ADOPT },
	};
	struct fake *f = booted(2);

	fake_context(f, 9);
	fake_id(f, GAON_ADMIN_CONTEXT_SUSPEND, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(fake_id(f, _i ? GAON_ADMIN_QUEUE_RESET : GAON_ADMIN_CONTEXT_RESET, _i ? 3 : 9),
			  GAON_ADMIN_OK);
	ck_assert_uint_eq(f->queues[3].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_CONTEXT_RESUME, 9), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->commands[GAON_SLOT_CMD_ADOPT], 0);
	ck_assert_uint_eq(fake_id(f, GAON_ADMIN_QUEUE_DESTROY, 3), GAON_ADMIN_OK);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

START_TEST(priority_reaches_the_slot)
{
	struct fake *f = booted(1);
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_QUEUE_PRIORITY, .id = { .id = 3, .value = 2 },
	};

	fake_context(f, 9);
	fake_queue_create(f, 3, 9, 0, 1);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(f->slots[0].priority, 2);
	cmd.id.value = GAON_PRIORITIES;
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	fake_destroy(f);
}
END_TEST

TCase *firmware_queue_tests(void)
{
	TCase *tc = tcase_create("queues");

	tcase_add_test(tc, context_life);
	tcase_add_test(tc, queue_is_loaded_with_its_fields);
	tcase_add_test(tc, limit_defaults_to_the_devices);
	tcase_add_test(tc, destroy_waits_for_the_work);
	tcase_add_test(tc, suspend_saves_and_resume_goes_on);
	tcase_add_test(tc, a_debug_stop_suspends);
	tcase_add_test(tc, a_debug_stop_meets_commands);
	tcase_add_test(tc, sleeping_queue_suspends_at_once);
	tcase_add_test(tc, fault_is_cleared_in_its_slot);
	tcase_add_test(tc, fault_is_cleared_before_its_event);
	tcase_add_test(tc, fault_is_cleared_from_outside);
	tcase_add_test(tc, reset_drops_work);
	tcase_add_test(tc, reset_outside_the_slots);
	tcase_add_test(tc, reset_of_a_faulted_queue);
	tcase_add_test(tc, reset_with_unreachable_state);
	tcase_add_test(tc, query_tells_where_a_queue_is);
	tcase_add_test(tc, query_tells_what_sleeps);
	tcase_add_test(tc, restore_goes_on_where_another_was);
	tcase_add_test(tc, restore_keeps_a_fault);
	tcase_add_loop_test(tc, adopts_who_slept, 0, sizeof(left) / sizeof(left[0]));
	tcase_add_loop_test(tc, adopts_or_not_if_it_is_reset, 0, 2);
	tcase_add_test(tc, priority_reaches_the_slot);
	return tc;
}
