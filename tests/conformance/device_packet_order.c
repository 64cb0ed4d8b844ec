// SPDX-License-Identifier: MIT
/*
 * Order among the packets of a queue with effects as early and as late as allowed: what a barrier
 * asks for holds always, what nobody asked for does not, and nothing is lost or waits for ever.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define SIG		(HOST_SCRATCH + 0x100000)
#define LIST		(HOST_SCRATCH + 0x200000)
#define BYTES		4096u

static struct engine *e;
static struct engine_queue *q, *other;
static enum gaon_sim_effects effects;

static void setup(enum gaon_sim_effects which)
{
	struct gaon_sim_config config = { .threads = 1, .effects = which };

	effects = which;
	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, true, 0);
	other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, true, 0);
}

static void set_normal(void)
{
	setup(GAON_SIM_EFFECTS_NORMAL);
}

static void set_early(void)
{
	setup(GAON_SIM_EFFECTS_EARLY);
}

static void set_late(void)
{
	setup(GAON_SIM_EFFECTS_LATE);
}

static void teardown(void)
{
	engine_destroy(e);
}

static uint64_t sig(unsigned int i)
{
	return __atomic_load_n(engine_host64(e, SIG + 8 * i), __ATOMIC_ACQUIRE);
}

/* Blocks of BYTES in HBM, number i filled with i + 1. */
static void fill_blocks(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		memset(engine_hbm(e, (uint64_t)i * BYTES), (int)(i + 1), BYTES);
}

static unsigned int block(unsigned int i)
{
	const uint8_t *p = engine_hbm(e, (uint64_t)i * BYTES);

	ck_assert_int_eq(memcmp(p, p + 1, BYTES - 1), 0);
	return *p;
}

static struct gaon_packet copy(unsigned int to, unsigned int from, uint16_t flags)
{
	return (struct gaon_packet){
		.type = GAON_PKT_COPY, .flags = flags, .tag = to,
		.copy = { .dst_va = VA_HBM + to * BYTES, .src_va = VA_HBM + from * BYTES,
			  .bytes = BYTES },
	};
}

static struct gaon_packet with_signal(struct gaon_packet pkt, unsigned int i, uint64_t value)
{
	pkt.flags |= GAON_PKT_F_SIGNAL;
	pkt.signal_va = VA_HOST + SIG + 8 * i;
	pkt.signal_value = value;
	return pkt;
}

static struct gaon_packet signal_packet(unsigned int i, uint64_t value, uint16_t flags)
{
	return with_signal((struct gaon_packet){ .type = GAON_PKT_SIGNAL, .flags = flags }, i, value);
}

static struct gaon_packet wait_for(unsigned int i, uint64_t value)
{
	return (struct gaon_packet){
		.type = GAON_PKT_WAIT,
		.wait = { .va = VA_HOST + SIG + 8 * i, .operand = value, .op = GAON_WAIT_GE },
	};
}

static void push(struct engine_queue *to, struct gaon_packet pkt)
{
	engine_push(e, to, &pkt);
}

static void finish(struct engine_queue *of)
{
	engine_ring(e, of);
	engine_run(e);
	ck_assert_uint_eq(engine_status(e, of), GAON_SLOT_IDLE);
	ck_assert_uint_eq(of->state->read, of->write);
	ck_assert_uint_eq(of->state->event_idx, of->write);
}

/* --- barriers ----------------------------------------------------------------------------- */

START_TEST(test_copy_chain)
{
	fill_blocks(3);
	push(q, copy(1, 0, 0));
	push(q, copy(2, 1, 0));
	finish(q);
	ck_assert_uint_eq(block(1), 1);
	/* Nobody asked for the order: the second copy took what was there before the first. */
	ck_assert_uint_eq(block(2), effects == GAON_SIM_EFFECTS_NORMAL ? 1 : 2);

	fill_blocks(3);
	push(q, copy(1, 0, 0));
	push(q, copy(2, 1, GAON_PKT_F_BARRIER));
	finish(q);
	ck_assert_uint_eq(block(2), 1);

	fill_blocks(3);
	push(q, copy(1, 0, 0));
	push(q, (struct gaon_packet){ .type = GAON_PKT_BARRIER });
	push(q, copy(2, 1, 0));
	finish(q);
	ck_assert_uint_eq(block(2), 1);
}
END_TEST

START_TEST(test_copy_chain_in_lists)
{
	struct gaon_packet *list = (struct gaon_packet *)(void *)(e->host + LIST);
	struct gaon_packet pkt = with_signal((struct gaon_packet){
		.type = GAON_PKT_INDIRECT, .list = { .list_va = VA_HOST + LIST, .count = 2 } }, 0, 1);

	for (unsigned int barrier = 0; barrier < 2; barrier++) {
		fill_blocks(3);
		list[0] = copy(1, 0, 0);
		list[1] = copy(2, 1, barrier ? GAON_PKT_F_BARRIER : 0);
		push(q, pkt);
		finish(q);
		ck_assert_uint_eq(block(1), 1);
		ck_assert_uint_eq(block(2), barrier || effects == GAON_SIM_EFFECTS_NORMAL ? 1 : 2);
		ck_assert_uint_eq(sig(0), 1);
	}
	/* Whoever opened the list completes after all that is in it. */
	fill_blocks(3);
	list[0] = copy(1, 0, 0);
	list[1] = with_signal(copy(0, 2, 0), 1, 7);
	pkt = with_signal(pkt, 0, 2);
	push(q, pkt);
	engine_ring(e, q);
	for (unsigned int i = 0; i < 100 && sig(0) != 2; i++)
		engine_steps(e, 1);
	ck_assert_uint_eq(sig(0), 2);
	ck_assert_uint_eq(sig(1), 7);
	ck_assert_uint_eq(block(0), 3);
}
END_TEST

START_TEST(test_signal_behind_copy)
{
	for (unsigned int barrier = 0; barrier < 2; barrier++) {
		bool stale = !barrier && effects != GAON_SIM_EFFECTS_NORMAL;

		fill_blocks(2);
		push(q, copy(1, 0, 0));
		push(q, signal_packet(barrier, 1, barrier ? GAON_PKT_F_BARRIER : 0));
		engine_ring(e, q);
		for (unsigned int i = 0; i < 100 && !sig(barrier); i++)
			engine_steps(e, 1);
		ck_assert_uint_eq(sig(barrier), 1);
		ck_assert_uint_eq(block(1), stale ? 2 : 1);
		finish(q);
		ck_assert_uint_eq(block(1), 1);
	}
}
END_TEST

START_TEST(test_launch_behind_copy)
{
	uint64_t *in = engine_hbm64(e, 0), *count = engine_hbm64(e, 0x10000);

	/* The kernel counts down from in[0] and adds 1 at in[1]; the copy redirects it. */
	for (unsigned int barrier = 0; barrier < 2; barrier++) {
		struct gaon_packet pkt = engine_launch(K_SPINCOUNT, VA_HBM, 1, 1, 1);

		count[0] = count[1] = 0;
		in[0] = in[BYTES / 8] = 10;
		in[1] = VA_HBM + 0x10000;
		in[BYTES / 8 + 1] = VA_HBM + 0x10008;
		pkt.flags |= barrier ? GAON_PKT_F_BARRIER : 0;
		push(q, copy(0, 1, 0));
		push(q, pkt);
		finish(q);
		ck_assert_uint_eq(count[0] + count[1], 1);
		ck_assert_uint_eq(count[0], !barrier && effects == GAON_SIM_EFFECTS_LATE);
	}
}
END_TEST

/* --- nothing is lost ---------------------------------------------------------------------- */

START_TEST(test_random)
{
	uint64_t state = engine_seed();
	uint8_t model[16];

	fill_blocks(16);
	for (unsigned int i = 0; i < 16; i++)
		model[i] = (uint8_t)(i + 1);
	for (unsigned int round = 0; round < 200; round++) {
		unsigned int count = 1 + engine_random(&state) % 40;

		for (unsigned int i = 0; i < count; i++) {
			unsigned int to = engine_random(&state) % 16;
			unsigned int from = (to + 1 + engine_random(&state) % 15) % 16;

			push(q, with_signal(copy(to, from, GAON_PKT_F_BARRIER), i, round * 100 + i));
			model[to] = model[from];
			/* Independent of everything, so that it may be anywhere. */
			if (engine_random(&state) & 1)
				push(q, signal_packet(100 + i, round, 0));
		}
		finish(q);
		for (unsigned int i = 0; i < count; i++)
			ck_assert_uint_eq(sig(i), round * 100 + i);
	}
	for (unsigned int i = 0; i < 16; i++)
		ck_assert_uint_eq(block(i), model[i]);
}
END_TEST

START_TEST(test_full_ring)
{
	fill_blocks(2);
	for (unsigned int i = 0; i < RING_PACKETS; i++)
		push(q, i % 3 ? signal_packet(i, i + 1, 0) : with_signal(copy(1, 0, 0), i, i + 1));
	finish(q);
	for (unsigned int i = 0; i < RING_PACKETS; i++)
		ck_assert_uint_eq(sig(i), i + 1);
}
END_TEST

START_TEST(test_events_in_the_end)
{
	struct gaon_event *ring = (struct gaon_event *)(void *)(e->host + HOST_SCRATCH + 0x400000);
	unsigned int seen = 0;

	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_ADDR,
			   GAON_PA_HOST + HOST_SCRATCH + 0x400000, 8);
	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 6, 4);
	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1, 4);
	fill_blocks(2);
	for (unsigned int i = 0; i < 20; i++)
		push(q, i & 1 ? signal_packet(i, i, GAON_PKT_F_EVENT) : copy(1, 0, GAON_PKT_F_EVENT));
	finish(q);
	/* Each once, under its own sequence number. */
	for (unsigned int i = 0; i < 20; i++) {
		ck_assert_uint_eq(ring[i].valid, i + 1);
		ck_assert_uint_lt(ring[i].sequence, 20);
		ck_assert_uint_eq(ring[i].value, ring[i].sequence & 1 ? ring[i].sequence : 0);
		seen |= 1u << ring[i].sequence;
	}
	ck_assert_uint_eq(seen, 0xfffff);
}
END_TEST

/* --- waits -------------------------------------------------------------------------------- */

START_TEST(test_two_queues_wait)
{
	fill_blocks(3);
	for (uint64_t i = 1; i <= 20; i++) {
		push(q, with_signal(copy(1, 0, 0), 0, i));
		push(q, wait_for(1, i));
		push(other, wait_for(0, i));
		push(other, with_signal(copy(2, 1, 0), 1, i));
	}
	push(q, signal_packet(2, 1, GAON_PKT_F_BARRIER));
	engine_ring(e, other);
	finish(q);
	finish(other);
	ck_assert_uint_eq(sig(2), 1);
	ck_assert_uint_eq(block(2), 1);
}
END_TEST

/* A launch that never ends holds nothing back for ever that lies before it. */
START_TEST(test_wait_past_a_launch)
{
	fill_blocks(2);
	push(q, with_signal(copy(1, 0, 0), 0, 1));
	push(q, engine_launch(K_FOREVER, 0, 1, 1, 1));
	push(other, wait_for(0, 1));
	push(other, signal_packet(1, 5, GAON_PKT_F_BARRIER));
	engine_ring(e, other);
	engine_ring(e, q);
	ck_assert(engine_run_until(e, engine_host64(e, SIG + 8), 5));
	ck_assert_uint_eq(block(1), 1);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_KILL), 0);
	engine_run(e);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
}
END_TEST

/* --- stops and faults --------------------------------------------------------------------- */

/* Three copies and behind them a launch that is running when this returns. */
static void put_off(void)
{
	fill_blocks(4);
	for (unsigned int i = 1; i < 4; i++)
		push(q, with_signal(copy(i, 0, 0), i, i));
	push(q, engine_launch(K_FOREVER, 0, 1, 1, 1));
	engine_ring(e, q);
	engine_steps(e, 2);
	if (effects == GAON_SIM_EFFECTS_LATE)
		ck_assert_uint_eq(block(1), 2);
}

START_TEST(test_stop)
{
	put_off();
	ck_assert(engine_preempt(e, q, 5));
	/* What is saved is the launch alone: all before it is complete. */
	ck_assert_uint_eq(q->state->read, 3);
	for (unsigned int i = 1; i < 4; i++) {
		ck_assert_uint_eq(block(i), 1);
		ck_assert_uint_eq(sig(i), i);
	}
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_ACTIVE);
	engine_steps(e, 3);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_KILL), 0);
	engine_run(e);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
}
END_TEST

START_TEST(test_kill)
{
	put_off();
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_KILL), 0);
	engine_run(e);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_STOPPED);
	ck_assert_uint_le(q->state->read, 3);
	/* Once it has stopped nothing of it happens any more. */
	fill_blocks(4);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_SKIP), 0);
	ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_RUN), 0);
	push(q, signal_packet(9, 1, GAON_PKT_F_BARRIER));
	finish(q);
	ck_assert_uint_eq(block(1), 2);
	ck_assert_uint_eq(sig(9), 1);
}
END_TEST

START_TEST(test_destroy)
{
	put_off();
}
END_TEST

/* Of what came before a fault everything is done, and the record names the packet itself. */
START_TEST(test_fault_behind)
{
	const struct sim_slot *slot = &e->sim->slots[q->slot];

	fill_blocks(2);
	push(q, with_signal(copy(1, 0, 0), 0, 3));
	push(q, (struct gaon_packet){ .type = GAON_PKT_NOP });
	push(q, (struct gaon_packet){ .tag = 12 });
	engine_ring(e, q);
	engine_run(e);
	ck_assert_uint_eq(slot->fault.type, GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(slot->fault.sequence, 2);
	ck_assert_uint_eq(slot->fault.tag, 12);
	ck_assert_uint_eq(q->state->read, 2);
	ck_assert_uint_eq(block(1), 1);
	ck_assert_uint_eq(sig(0), 3);
	engine_clear(e, q);
	push(q, signal_packet(0, 4, 0));
	finish(q);
	ck_assert_uint_eq(sig(0), 4);
}
END_TEST

START_TEST(test_fault_put_off)
{
	const struct sim_slot *slot = &e->sim->slots[q->slot];
	struct gaon_packet bad = copy(1, 0, 0);

	fill_blocks(3);
	bad.copy.dst_va = VA_NX;
	bad.tag = 0;
	push(q, copy(2, 0, 0));
	push(q, bad);
	push(q, signal_packet(0, 1, 0));
	push(q, (struct gaon_packet){ .tag = 12 });
	engine_ring(e, q);
	engine_run(e);
	ck_assert_uint_eq(slot->fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(slot->fault.va, VA_NX);
	ck_assert_uint_eq(slot->fault.sequence, 1);
	ck_assert_uint_eq(slot->fault.tag, 0);
	ck_assert_uint_eq(q->state->read, 1);
	ck_assert_uint_eq(block(2), 1);
	/* A completion that cannot be stored. */
	engine_clear(e, q);
	bad = signal_packet(0, 1, 0);
	bad.signal_va = VA_NX;
	push(q, copy(1, 2, 0));
	push(q, bad);
	engine_ring(e, q);
	engine_run(e);
	ck_assert_uint_eq(slot->fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(slot->fault.sequence, 5);
	ck_assert_uint_eq(q->state->read, 5);
	ck_assert_uint_eq(block(1), 1);
}
END_TEST

static void add_case(Suite *s, const char *name, void (*prepare)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, prepare, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_copy_chain);
	tcase_add_test(t, test_copy_chain_in_lists);
	tcase_add_test(t, test_signal_behind_copy);
	tcase_add_test(t, test_launch_behind_copy);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_full_ring);
	tcase_add_test(t, test_events_in_the_end);
	tcase_add_test(t, test_two_queues_wait);
	tcase_add_test(t, test_wait_past_a_launch);
	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_kill);
	tcase_add_test(t, test_destroy);
	tcase_add_test(t, test_fault_behind);
	tcase_add_test(t, test_fault_put_off);
	suite_add_tcase(s, t);
}

int main(void)
{
	Suite *s = suite_create("device_packet_order");

	add_case(s, "normal", set_normal);
	add_case(s, "early", set_early);
	add_case(s, "late", set_late);
	return check_run(s);
}
