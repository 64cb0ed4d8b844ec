// SPDX-License-Identifier: MIT
/* Packets: every kind, every way to get one wrong, lists, order of completion. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define HOST_VA		(VA_HOST + HOST_SCRATCH)
#define SIG_VA		(HOST_VA + 0x100000)
#define LIST_OFFSET	(HOST_SCRATCH + 0x200000)
#define LIST_VA		(VA_HOST + LIST_OFFSET)
#define DESC_OFFSET	(HOST_SCRATCH + 0x300000)
#define DESC_VA		(VA_HOST + DESC_OFFSET)

static struct engine *e;
static struct engine_queue *q, *kq;

static void setup(void)
{
	e = engine_create(NULL);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
	kq = engine_queue(e, 1, GAON_QUEUE_KIND_KERNEL, 1, false, 0);
}

static void teardown(void)
{
	engine_destroy(e);
}

static uint64_t *sig(void)
{
	return engine_host64(e, HOST_SCRATCH + 0x100000);
}

static struct gaon_packet packet(uint8_t type)
{
	struct gaon_packet pkt = { .type = type, .tag = 5 };

	switch (type) {
	case GAON_PKT_WAIT:
		pkt.wait.va = HOST_VA;
		break;
	case GAON_PKT_SIGNAL:
		pkt.flags = GAON_PKT_F_SIGNAL;
		pkt.signal_va = SIG_VA;
		break;
	case GAON_PKT_TIMESTAMP:
		pkt.timestamp.va = HOST_VA;
		break;
	case GAON_PKT_LAUNCH:
		return engine_launch(K_NOP, 0, 1, 1, 1);
	case GAON_PKT_COPY:
		pkt.copy.dst_va = VA_HBM;
		pkt.copy.src_va = HOST_VA;
		pkt.copy.bytes = 100;
		break;
	case GAON_PKT_FILL:
		pkt.fill.dst_va = VA_HBM;
		pkt.fill.bytes = 64;
		pkt.fill.pattern_size = 4;
		break;
	case GAON_PKT_INDIRECT:
	case GAON_PKT_CALL:
		pkt.list.list_va = LIST_VA;
		pkt.list.count = 1;
		break;
	default:
		break;
	}
	return pkt;
}

/* --- bad packets: one field of a good one is changed ------------------------------------------------ */

enum field { F_FLAGS, F_SCOPE, F_SIGVA, F_SIGVALUE, F_WORD0, F_WORD1, F_WORD2, F_WORD3, F_WORD4, F_HALF2,
	     F_HALF3, F_HALF4, F_HALF5, F_HALF6, F_HALF7, F_HALF8, F_HALF9, F_NONE };

static const struct bad {
	uint8_t type;
	uint8_t field;
	uint64_t value;
	uint32_t expect;
	uint8_t kernel;
} bads[] = {
	{ 0, F_NONE, 0, GAON_BADPKT_TYPE, 0 },
	{ 0x0c, F_NONE, 0, GAON_BADPKT_TYPE, 0 },
	{ 0xff, F_NONE, 0, GAON_BADPKT_TYPE, 0 },
	{ GAON_PKT_LINK, F_NONE, 0, GAON_BADPKT_FEATURE, 0 },
	{ GAON_PKT_NOP, F_FLAGS, 0x100, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, 0x8000, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, GAON_PKT_F_VALUE_BASE, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, GAON_PKT_F_ARGS_BASE, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, GAON_PKT_F_ADD, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, GAON_PKT_F_DESC, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_FLAGS, GAON_PKT_F_PROFILE, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_LAUNCH, F_FLAGS, GAON_PKT_F_DESC, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_LAUNCH, F_FLAGS, GAON_PKT_F_ARGS_BASE, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_SCOPE, 3, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_SCOPE, 0x30, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_NOP, F_SIGVA, SIG_VA, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_NOP, F_SIGVALUE, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_NOP, F_WORD0, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_NOP, F_WORD4, 1ull << 63, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_BARRIER, F_WORD2, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_SIGNAL, F_WORD1, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_SIGNAL, F_FLAGS, 0, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_SIGNAL, F_SIGVA, SIG_VA + 4, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_SIGNAL, F_SIGVA, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_SIGNAL, F_SIGVA, 8, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_SIGNAL, F_SIGVA, 1ull << 47, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_WAIT, F_NONE, 0, GAON_BADPKT_OWNER, 1 },
	{ GAON_PKT_WAIT, F_WORD0, HOST_VA + 1, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_WAIT, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_WAIT, F_HALF4, 3, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_WAIT, F_HALF5, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_WAIT, F_WORD4, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_TIMESTAMP, F_WORD0, HOST_VA + 4, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_TIMESTAMP, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_TIMESTAMP, F_WORD1, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_LAUNCH, F_WORD0, K_NOP + 1, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_LAUNCH, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_LAUNCH, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 1 },
	{ GAON_PKT_LAUNCH, F_WORD0, 0, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_LAUNCH, F_HALF4, 0, GAON_BADPKT_GRID, 0 },
	{ GAON_PKT_LAUNCH, F_HALF5, 0, GAON_BADPKT_GRID, 0 },
	{ GAON_PKT_LAUNCH, F_HALF6, 0, GAON_BADPKT_GRID, 0 },
	{ GAON_PKT_LAUNCH, F_HALF4, 0x80000001, GAON_BADPKT_GRID, 0 },
	{ GAON_PKT_LAUNCH, F_HALF6, 0xffffffff, GAON_BADPKT_GRID, 0 },
	{ GAON_PKT_LAUNCH, F_HALF7, 4 << 20, GAON_BADPKT_SPM, 0 },
	{ GAON_PKT_LAUNCH, F_HALF7, (4 << 20) - 8192 - 4095, GAON_BADPKT_SPM, 0 },
	{ GAON_PKT_LAUNCH, F_HALF8, 0xfffffff0, GAON_BADPKT_SPM, 0 },
	{ GAON_PKT_LAUNCH, F_HALF8, 8, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_LAUNCH, F_HALF9, 2, GAON_BADPKT_FLAGS, 0 },
	{ GAON_PKT_COPY, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD1, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD1, VA_HBM + 99, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD1, VA_HBM - 99, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD2, 0, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD2, UINT64_MAX, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_COPY, F_WORD2, UINT64_MAX - VA_HBM + 1, GAON_BADPKT_RANGE, 1 },
	{ GAON_PKT_COPY, F_WORD3, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_COPY, F_WORD4, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_FILL, F_WORD0, VA_HBM + 2, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_FILL, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_FILL, F_WORD1, 66, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_FILL, F_WORD1, 0, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_FILL, F_HALF6, 3, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_FILL, F_HALF6, 0, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_FILL, F_HALF6, 16, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_FILL, F_HALF7, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_FILL, F_WORD4, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_INDIRECT, F_WORD0, LIST_VA + 8, GAON_BADPKT_ALIGN, 0 },
	{ GAON_PKT_INDIRECT, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_INDIRECT, F_HALF2, 0, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_INDIRECT, F_HALF2, (1 << 20) + 1, GAON_BADPKT_RANGE, 0 },
	{ GAON_PKT_INDIRECT, F_HALF3, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_INDIRECT, F_WORD4, 1, GAON_BADPKT_RESERVED, 0 },
	{ GAON_PKT_CALL, F_NONE, 0, GAON_BADPKT_OWNER, 0 },
	{ GAON_PKT_CALL, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE, 1 },
};

static void change(struct gaon_packet *pkt, unsigned int field, uint64_t value)
{
	switch (field) {
	case F_FLAGS:
		pkt->flags = (uint16_t)value;
		return;
	case F_SCOPE:
		pkt->scope = (uint8_t)value;
		return;
	case F_SIGVA:
		pkt->signal_va = value;
		return;
	case F_SIGVALUE:
		pkt->signal_value = value;
		return;
	case F_NONE:
		return;
	default:
		break;
	}
	if (field <= F_WORD4)
		pkt->payload[field - F_WORD0] = value;
	else
		((uint32_t *)pkt->payload)[field - F_HALF2 + 2] = (uint32_t)value;
}

START_TEST(test_bad)
{
	const struct bad *b = &bads[_i];
	struct engine_queue *mine = b->kernel ? kq : q, *other = b->kernel ? q : kq;
	struct gaon_packet pkt = packet(b->type), good = packet(GAON_PKT_FILL);
	const struct sim_slot *slot = &e->sim->slots[mine->slot];

	change(&pkt, b->field, b->value);
	ck_assert_uint_eq(engine_do(e, mine, &good), GAON_FAULT_NONE);
	ck_assert_uint_eq(engine_do(e, mine, &pkt), GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(slot->fault.syndrome, b->expect);
	ck_assert_uint_eq(slot->fault.sequence, 1);
	ck_assert_uint_eq(slot->fault.core, GAON_FAULT_CORE_NONE);
	ck_assert_uint_eq(mine->state->read, 1);
	ck_assert_uint_eq(mine->state->fault_type, GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(mine->state->fault_seq, 1);
	/* Nobody else is touched, and the queue goes on after a clear. */
	ck_assert_uint_eq(engine_do(e, other, &good), GAON_FAULT_NONE);
	engine_clear(e, mine);
	ck_assert_uint_eq(engine_do(e, mine, &good), GAON_FAULT_NONE);
	ck_assert_uint_eq(mine->state->read, 3);
}
END_TEST

START_TEST(test_good_base)
{
	static const uint8_t types[] = { GAON_PKT_NOP, GAON_PKT_BARRIER, GAON_PKT_WAIT, GAON_PKT_SIGNAL,
					 GAON_PKT_TIMESTAMP, GAON_PKT_LAUNCH, GAON_PKT_COPY,
					 GAON_PKT_FILL, GAON_PKT_INDIRECT };

	for (unsigned int i = 0; i < sizeof(types); i++) {
		struct gaon_packet pkt = packet(types[i]), nop = packet(GAON_PKT_NOP);

		memcpy(e->host + LIST_OFFSET, &nop, sizeof(nop));
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		ck_assert_uint_eq(q->state->read, i + 1);
	}
}
END_TEST

START_TEST(test_index_ahead)
{
	__atomic_store_n(&q->state->write, RING_PACKETS + 1, __ATOMIC_RELEASE);
	engine_ring(e, q);
	engine_run(e);
	ck_assert_uint_eq(e->sim->slots[0].fault.syndrome, GAON_BADPKT_INDEX);
}
END_TEST

/* --- effects ------------------------------------------------------------------------------------------- */

START_TEST(test_wait)
{
	struct gaon_packet wait = packet(GAON_PKT_WAIT), s = packet(GAON_PKT_SIGNAL);
	uint64_t *value = engine_host64(e, HOST_SCRATCH);
	static const struct { uint32_t op; uint64_t operand, no, yes; } cases[] = {
		{ GAON_WAIT_GE, 10, 9, 10 }, { GAON_WAIT_GE, 1ull << 63, 1, UINT64_MAX },
		{ GAON_WAIT_EQ, 7, 8, 7 }, { GAON_WAIT_MASK, 6, 9, 2 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		*value = cases[i].no;
		wait.wait.op = cases[i].op;
		wait.wait.operand = cases[i].operand;
		s.signal_value = i + 100;
		engine_push(e, q, &wait);
		ck_assert_uint_eq(engine_do(e, q, &s), GAON_FAULT_NONE);
		ck_assert_uint_eq(e->sim->slots[0].status, GAON_SLOT_WAITING);
		ck_assert_uint_ne(*sig(), i + 100);
		__atomic_store_n(value, cases[i].yes, __ATOMIC_RELEASE);
		engine_ring(e, q);
		engine_run(e);
		ck_assert_uint_eq(*sig(), i + 100);
		ck_assert_uint_eq(q->state->read, 2 * i + 2);
	}
}
END_TEST

START_TEST(test_signal_add)
{
	struct gaon_packet pkt = packet(GAON_PKT_SIGNAL);

	pkt.flags |= GAON_PKT_F_ADD;
	pkt.signal_va = VA_HBM + 64;
	pkt.signal_value = 5;
	*engine_hbm64(e, 64) = 10;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(*engine_hbm64(e, 64), 15);
	pkt.signal_va = SIG_VA;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_BUS);
	ck_assert_uint_eq(e->sim->slots[0].fault.va, SIG_VA);
	engine_clear(e, q);
	pkt.flags = GAON_PKT_F_SIGNAL;
	pkt.signal_va = VA_RO;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_PERMISSION);
	engine_clear(e, q);
	pkt.signal_va = VA_NX;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_PAGE);
}
END_TEST

START_TEST(test_indirect)
{
	struct gaon_packet *list = (struct gaon_packet *)(void *)(e->host + LIST_OFFSET);
	struct gaon_packet pkt = packet(GAON_PKT_INDIRECT);

	for (unsigned int i = 0; i < 3; i++) {
		list[i] = packet(GAON_PKT_SIGNAL);
		list[i].signal_va = SIG_VA + 8 * i;
		list[i].signal_value = i;
	}
	list[1].flags |= GAON_PKT_F_VALUE_BASE;
	list[3] = engine_launch(K_IDS, 0x1000, 2, 1, 1);
	list[3].flags = GAON_PKT_F_ARGS_BASE;
	pkt.list.count = 4;
	pkt.flags = GAON_PKT_F_SIGNAL;
	pkt.signal_va = SIG_VA + 64;
	pkt.signal_value = 99;
	for (uint64_t base = 1000; base < 1003; base++) {
		pkt.list.value_base = base;
		pkt.list.args_base = VA_HBM + base * 4096;
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		ck_assert_uint_eq(sig()[0], 0);
		ck_assert_uint_eq(sig()[1], base + 1);
		ck_assert_uint_eq(sig()[2], 2);
		ck_assert_uint_eq(sig()[8], 99);
		ck_assert_uint_eq(engine_hbm64(e, base * 4096 + 0x1000)[1], 1 | 1ull << 48);
	}
	/* A fault inside names the place in the list. */
	list[2].type = 0;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(e->sim->slots[0].fault.list_index, 2);
	ck_assert_uint_eq(e->sim->slots[0].fault.sequence, 3);
	engine_clear(e, q);
	list[2] = packet(GAON_PKT_INDIRECT);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(e->sim->slots[0].fault.syndrome, GAON_BADPKT_NESTED);
}
END_TEST

START_TEST(test_call)
{
	struct gaon_packet *list = (struct gaon_packet *)(void *)(e->host + LIST_OFFSET);
	struct gaon_packet call = packet(GAON_PKT_CALL);
	const struct sim_slot *slot = &e->sim->slots[kq->slot];

	call.list.count = 2;
	call.flags = GAON_PKT_F_SIGNAL;
	call.signal_va = VA_KERNEL + (5 << 20);
	call.signal_value = 77;
	list[0] = packet(GAON_PKT_SIGNAL);
	list[0].signal_value = 1;
	list[1] = packet(GAON_PKT_INDIRECT);
	list[1].list.list_va = LIST_VA + 4096;
	list[64] = packet(GAON_PKT_SIGNAL);
	list[64].signal_va = SIG_VA + 8;
	list[64].signal_value = 2;
	ck_assert_uint_eq(engine_do(e, kq, &call), GAON_FAULT_NONE);
	ck_assert_uint_eq(sig()[0], 1);
	ck_assert_uint_eq(sig()[1], 2);
	ck_assert_uint_eq(*(uint64_t *)(void *)(e->sim->hbm + PA_KERNEL + (5 << 20)), 77);

	static const struct { uint8_t type; uint8_t field; uint64_t value; uint32_t expect; } wrong[] = {
		{ GAON_PKT_WAIT, F_NONE, 0, GAON_BADPKT_OWNER },
		{ GAON_PKT_CALL, F_NONE, 0, GAON_BADPKT_NESTED },
		{ GAON_PKT_SIGNAL, F_SIGVA, VA_KERNEL, GAON_BADPKT_RANGE },
		{ GAON_PKT_COPY, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE },
		{ GAON_PKT_COPY, F_WORD1, VA_KERNEL, GAON_BADPKT_RANGE },
		{ GAON_PKT_FILL, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE },
		{ GAON_PKT_TIMESTAMP, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE },
		{ GAON_PKT_INDIRECT, F_WORD0, VA_KERNEL, GAON_BADPKT_RANGE },
	};
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (unsigned int deep = 0; deep < 2; deep++) {
			struct gaon_packet *at = deep ? &list[64] : &list[1];
			uint32_t expect = wrong[i].expect;

			if (deep && wrong[i].type == GAON_PKT_INDIRECT)
				expect = GAON_BADPKT_NESTED;
			list[1] = packet(GAON_PKT_INDIRECT);
			list[1].list.list_va = LIST_VA + 4096;
			*at = packet(wrong[i].type);
			change(at, wrong[i].field, wrong[i].value);
			ck_assert_uint_eq(engine_do(e, kq, &call), GAON_FAULT_BAD_PACKET);
			ck_assert_uint_eq(slot->fault.syndrome, expect);
			engine_clear(e, kq);
		}
}
END_TEST

START_TEST(test_kernel_ring_reaches_both_halves)
{
	struct gaon_packet pkt = packet(GAON_PKT_COPY);

	memset(engine_hbm(e, 0), 0x5a, 4096);
	pkt.copy.dst_va = VA_KERNEL + (6 << 20);
	pkt.copy.src_va = VA_HBM;
	pkt.copy.bytes = 4096;
	ck_assert_uint_eq(engine_do(e, kq, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(e->sim->hbm[PA_KERNEL + (6 << 20) + 4095], 0x5a);
	pkt = packet(GAON_PKT_FILL);
	pkt.fill.dst_va = VA_KERNEL + (6 << 20);
	ck_assert_uint_eq(engine_do(e, kq, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(e->sim->hbm[PA_KERNEL + (6 << 20) + 63], 0);
	ck_assert_uint_eq(e->sim->hbm[PA_KERNEL + (6 << 20) + 64], 0x5a);
}
END_TEST

START_TEST(test_events)
{
	struct gaon_event *ring = (struct gaon_event *)(void *)(e->host + HOST_SCRATCH + 0x400000);
	struct gaon_packet pkt = packet(GAON_PKT_SIGNAL);

	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_ADDR,
			   GAON_PA_HOST + HOST_SCRATCH + 0x400000, 8);
	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_LOG2, 4, 4);
	gaon_sim_bar_write(e->sim, 0, GAON_REG_EVENT(0) + GAON_EVENT_ENABLE, 1, 4);
	pkt.flags |= GAON_PKT_F_EVENT | GAON_PKT_F_PROFILE;
	pkt.signal_value = 31;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(ring[0].valid, 1);
	ck_assert_uint_eq(ring[0].type, GAON_EVENT_PACKET);
	ck_assert_uint_eq(ring[0].context, 1);
	ck_assert_uint_eq(ring[0].tag, 5);
	ck_assert_uint_eq(ring[0].value, 31);
	ck_assert_uint_eq(ring[0].end_cycle, ring[0].start_cycle + 8);
	/* A value may be given to an event alone. */
	pkt = packet(GAON_PKT_NOP);
	pkt.flags = GAON_PKT_F_EVENT;
	pkt.signal_value = 32;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(ring[1].value, 32);
	ck_assert_uint_eq(ring[1].sequence, 1);
}
END_TEST

START_TEST(test_gang_too_big)
{
	struct gaon_packet pkt = engine_launch(K_BARRIER, 0, 5, 1, 1);

	pkt.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(e->sim->slots[0].fault.syndrome, GAON_BADPKT_GRID);
	engine_clear(e, q);
	pkt.launch.grid[0] = 4;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("device_packets");
	TCase *t = tcase_create("packets");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_bad, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_test(t, test_good_base);
	tcase_add_test(t, test_index_ahead);
	tcase_add_test(t, test_wait);
	tcase_add_test(t, test_signal_add);
	tcase_add_test(t, test_indirect);
	tcase_add_test(t, test_call);
	tcase_add_test(t, test_kernel_ring_reaches_both_halves);
	tcase_add_test(t, test_events);
	tcase_add_test(t, test_gang_too_big);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
