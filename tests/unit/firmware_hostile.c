// SPDX-License-Identifier: MIT
/* A host that lies: tails, rings and commands of chance must never stop the firmware. */
#include "firmware_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware_fake.h"

#define MS	1000000ull

static struct fake *booted(uint32_t slots)
{
	struct fake *f = fake_create(slots);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	return f;
}

static unsigned int seed_random(void)
{
	const char *text = getenv("GAON_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261122u;

	printf("# seed %u\n", seed);
	srandom(seed);
	return seed;
}

static uint32_t rounds(uint32_t normal)
{
	return getenv("GAON_TEST_LONG") ? 20 * normal : normal;
}

static void raise_admin(struct fake *f)
{
	f->irq_edges |= GAON_MCU_IRQ_ADMIN;
	fake_run(f);
	ck_assert_str_eq(f->violation, "");
}

START_TEST(tail_that_cannot_be)
{
	struct fake *f = booted(4);
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };
	static const uint32_t tails[] = { 65, 1000, 0x80000000u, UINT32_MAX };

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		f->tail = tails[i];
		raise_admin(f);
		ck_assert_uint_eq(*(uint64_t *)(f->host + FAKE_STATE), f->submitted);
		ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	}
	fake_destroy(f);
}
END_TEST

START_TEST(rings_that_cannot_be)
{
	static const uint64_t addresses[] = {
		0, 1, FAKE_HOST + 1, FAKE_HOST + FAKE_HOST_SIZE - 64, 0x00ffffffffffffc0ull,
		0xffffffffffffffc0ull, 1ull << 56,
	};
	struct fake *f = booted(4);
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };

	for (size_t i = 0; i < 3 * sizeof(addresses) / sizeof(addresses[0]); i++) {
		uint64_t *ring = i % 3 == 0 ? &f->sq : i % 3 == 1 ? &f->cq : &f->state_pa;

		fake_enable_rings(f, 12);
		*ring = addresses[i / 3];
		f->tail = 3;
		raise_admin(f);
	}
	for (uint32_t log2 = 0; log2 < 256; log2++) {
		fake_enable_rings(f, 4);
		f->log2 = (f->log2 & 0xffff0000) | log2;
		f->tail = 2;
		raise_admin(f);
	}
	fake_enable_rings(f, FAKE_LOG2);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	fake_destroy(f);
}
END_TEST

/* Answers to commands of rings that are gone do not land in the new ones. */
START_TEST(rings_replaced_under_a_command)
{
	struct fake *f = booted(4);
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_NOP };
	struct gaon_admin_reply reply;

	fake_context(f, 1);
	fake_queue_create(f, 1, 1, 0, 1);
	fake_ring(f, 1, 1);
	f->stop_at_once = false;
	fake_id_submit(f, GAON_ADMIN_QUEUE_DESTROY, 1);
	fake_enable_rings(f, FAKE_LOG2);
	fake_run(f);
	fake_stopped(f, (uint32_t)fake_slot_of(f, 1));
	fake_run(f);
	ck_assert(!fake_reply(f, &reply));
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert(!f->queues[1].mapped);
	fake_destroy(f);
}
END_TEST

/* A whole ring at once, of the smallest and the largest size. */
START_TEST(full_rings)
{
	struct fake *f = booted(4);

	for (uint32_t log2 = GAON_ADMIN_LOG2_MIN; log2 <= 9; log2++) {
		struct gaon_admin_reply reply;

		fake_enable_rings(f, log2);
		for (uint32_t i = 0; i < 1u << log2; i++)
			fake_submit(f, &(struct gaon_admin_cmd){ .cookie = i });
		fake_run(f);
		for (uint32_t i = 0; i < 1u << log2; i++) {
			ck_assert(fake_reply(f, &reply));
			ck_assert_uint_eq(reply.cookie, i);
		}
	}
	fake_destroy(f);
}
END_TEST

/* --- chance ------------------------------------------------------------------------------------ */

static void fill_random(void *data, size_t len)
{
	uint8_t *p = data;

	while (len--)
		*p++ = (uint8_t)random();
}

static const uint16_t opcodes[] = {
	0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x14, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	0x30, 0x40, 0x41, 0x42, 0x43, 0x44, 0x48, 0x50,
};

/* Wholly random, or a known opcode with random fields, or zeros with a few random bytes. */
static struct gaon_admin_cmd random_command(void)
{
	struct gaon_admin_cmd cmd = { 0 };

	if (random() % 3)
		fill_random(&cmd, sizeof(cmd));
	if (random() % 8) {
		cmd.opcode = opcodes[(size_t)random() % (sizeof(opcodes) / sizeof(opcodes[0]))];
		cmd.reserved = 0;
	}
	for (long n = random() % 4; n; n--)
		cmd.bytes[random() % 56] = (uint8_t)random();
	return cmd;
}

START_TEST(random_commands)
{
	struct fake *f = booted(4);
	uint32_t replies = 0, count = rounds(40000);
	struct gaon_admin_reply reply;

	seed_random();
	for (uint32_t i = 0; i < count; i++) {
		struct gaon_admin_cmd cmd = random_command();

		fake_submit(f, &cmd);
		if (random() % 4)
			continue;
		fake_run(f);
		while (fake_reply(f, &reply))
			replies++;
	}
	fake_run(f);
	while (fake_reply(f, &reply))
		replies++;
	ck_assert_uint_eq(replies, count);
	ck_assert_str_eq(f->violation, "");
	ck_assert_uint_eq(f->state, GAON_STATE_READY);
	fake_destroy(f);
}
END_TEST

static void random_slot_event(struct fake *f)
{
	uint32_t slot = (uint32_t)random() % f->slot_count;
	uint32_t status = f->slots[slot].status;

	switch (random() % 6) {
	case 0:
		if (status == GAON_SLOT_ACTIVE || status == GAON_SLOT_STOPPING ||
		    status == GAON_SLOT_WAITING)
			fake_fault(f, slot);
		break;
	case 1:
		fake_event(f, slot, 1 + (uint32_t)random() % 6);
		break;
	case 2:
		if (status == GAON_SLOT_STOPPING)
			fake_stopped(f, slot);
		break;
	default:
		if (status == GAON_SLOT_ACTIVE || status == GAON_SLOT_WAITING)
			fake_drain(f, slot);
		break;
	}
}

static void stop_all(struct fake *f)
{
	for (uint32_t s = 0; s < f->slot_count; s++)
		if (f->slots[s].status == GAON_SLOT_STOPPING)
			fake_stopped(f, s);
	fake_run(f);
}

/* A plausible command on few contexts and queues, so that they meet each other. */
static void random_lifecycle(struct fake *f)
{
	static const uint16_t by_queue[] = {
		GAON_ADMIN_QUEUE_DESTROY, GAON_ADMIN_QUEUE_SUSPEND, GAON_ADMIN_QUEUE_RESUME,
		GAON_ADMIN_QUEUE_RESUME, GAON_ADMIN_QUEUE_RESET, GAON_ADMIN_FAULT_CLEAR,
		GAON_ADMIN_FAULT_CLEAR, GAON_ADMIN_QUEUE_QUERY, GAON_ADMIN_QUEUE_PRIORITY,
	};
	static const uint16_t by_context[] = {
		GAON_ADMIN_CONTEXT_DESTROY, GAON_ADMIN_CONTEXT_SUSPEND, GAON_ADMIN_CONTEXT_RESUME,
		GAON_ADMIN_CONTEXT_RESUME, GAON_ADMIN_CONTEXT_RESET,
	};
	uint32_t context = 1 + (uint32_t)random() % 3;
	uint32_t queue = (uint32_t)random() % 12;
	struct gaon_admin_cmd cmd = { .opcode = GAON_ADMIN_ENGINE_RESET };

	switch (random() % 12) {
	case 0:
		cmd = (struct gaon_admin_cmd){
			.opcode = GAON_ADMIN_CONTEXT_CREATE,
			.context = { .context = context, .asid = (uint16_t)context, .root_pa = 0x1000 },
		};
		break;
	case 1:
		cmd = (struct gaon_admin_cmd){
			.opcode = by_context[random() % 5], .context.context = context,
		};
		break;
	case 2:
		if (random() % 8)
			return;
		break;
	case 3:
	case 4:
	case 5:
		cmd = fake_queue_cmd(queue, context, (uint8_t)(random() & 1), (uint8_t)(random() & 3));
		cmd.queue.save_va *= random() & 1;
		break;
	default:
		cmd = (struct gaon_admin_cmd){
			.opcode = by_queue[random() % 9], .id.id = queue,
		};
		break;
	}
	fake_submit(f, &cmd);
}

/*
 * Commands and events in any order.  The register block checks each command of the firmware; in the
 * end every command must have been answered and every slot be explained.
 */
START_TEST(random_lifecycles)
{
	struct fake *f = booted(3);
	uint32_t count = rounds(60000);
	struct gaon_admin_reply reply;

	seed_random();
	f->stop_at_once = false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t queue = (uint32_t)random() % 12;

		if (f->submitted - f->seen < 48)
			random_lifecycle(f);
		if (random() & 1)
			random_slot_event(f);
		if (f->queues[queue].mapped && f->queues[queue].write - f->queues[queue].read < 40) {
			f->queues[queue].waits = !(random() % 6);
			f->queues[queue].unreachable = !(random() % 20);
			fake_ring(f, queue, (uint32_t)random() % 3);
		}
		fake_run(f);
		if (i % 16 == 0) {
			stop_all(f);
			fake_advance(f, (uint64_t)random() % (4 * MS));
		}
		ck_assert_msg(!f->violation[0], "step %u: %s", i, f->violation);
		while (fake_reply(f, &reply))
			;
	}
	for (int i = 0; i < 200 && f->seen != f->submitted; i++) {
		stop_all(f);
		while (fake_reply(f, &reply))
			;
	}
	ck_assert_uint_eq(f->seen, f->submitted);
	ck_assert_str_eq(f->violation, "");
	ck_assert_uint_eq(f->state, GAON_STATE_READY);
	fake_destroy(f);
}
END_TEST

TCase *firmware_hostile_tests(void)
{
	TCase *tc = tcase_create("hostile");

	tcase_set_timeout(tc, getenv("GAON_TEST_LONG") ? 600 : 60);
	tcase_add_test(tc, tail_that_cannot_be);
	tcase_add_test(tc, rings_that_cannot_be);
	tcase_add_test(tc, rings_replaced_under_a_command);
	tcase_add_test(tc, full_rings);
	tcase_add_test(tc, random_commands);
	tcase_add_test(tc, random_lifecycles);
	return tc;
}
