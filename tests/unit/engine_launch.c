// SPDX-License-Identifier: MIT
/* Launches: grids, entry state, faults of every kind, watchdog, gangs, owners, many queues. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

static struct engine *e;
static struct engine_queue *q;

static void setup(void)
{
	e = engine_create(NULL);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void teardown(void)
{
	engine_destroy(e);
}

static const struct gaon_fault_record *last_fault(void)
{
	return &e->sim->slots[q->slot].fault;
}

START_TEST(test_nop_signals)
{
	struct gaon_packet pkt = engine_launch(K_NOP, 0, 1, 1, 1);

	pkt.flags = GAON_PKT_F_SIGNAL;
	pkt.signal_va = VA_HOST + HOST_SCRATCH;
	pkt.signal_value = 42;
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(*engine_host64(e, HOST_SCRATCH), 42);
	ck_assert_uint_eq(q->state->read, 1);
	ck_assert_uint_eq(q->state->status, GAON_QUEUE_OK);
}
END_TEST

START_TEST(test_grid)
{
	static const uint32_t grids[][3] = {
		{ 1, 1, 1 }, { 7, 1, 1 }, { 3, 5, 7 }, { 1, 1, 9 }, { 64, 2, 1 },
	};

	for (unsigned int g = 0; g < sizeof(grids) / sizeof(grids[0]); g++) {
		const uint32_t *d = grids[g];
		struct gaon_packet pkt = engine_launch(K_IDS, VA_HBM, d[0], d[1], d[2]);
		uint32_t total = d[0] * d[1] * d[2];

		memset(engine_hbm(e, 0), 0xff, 8 * total + 8);
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		for (uint64_t i = 0; i < total; i++)
			ck_assert_uint_eq(engine_hbm64(e, 0)[i],
					  i % d[0] | (i / d[0] % d[1]) << 16 |
					  (i / d[0] / d[1]) << 32 | (i % 4) << 48);
		ck_assert_uint_eq(engine_hbm64(e, 0)[total], UINT64_MAX);
	}
}
END_TEST

START_TEST(test_entry_state)
{
	struct gaon_packet pkt = engine_launch(K_ENTRY, VA_HBM, 1, 1, 1);
	uint64_t *out = engine_hbm64(e, 0);

	for (int i = 0; i < 2; i++) {
		memset(out, 0xee, 4096);
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		ck_assert_uint_eq(out[1], GAON_EXIT_PC);
		ck_assert_uint_eq(out[2], GAON_VA_SPM + (4 << 20));
		ck_assert_uint_eq(out[3], 0);
		ck_assert_uint_eq(out[5], 0);
		ck_assert_uint_eq(out[10], VA_HBM);
		ck_assert_uint_eq(out[31], 0);
		ck_assert_uint_eq(out[32], 0);
		ck_assert_uint_eq(out[33], GAON_VA_SPM);
		ck_assert_uint_eq(out[34], 65536);
		ck_assert_uint_eq(out[35], 0x123451);
		ck_assert_uint_eq(out[36], (unsigned int)i);
		ck_assert_uint_eq(out[104], pkt.tag);
		ck_assert_uint_eq(out[37], 4);
		ck_assert_uint_eq(out[39], 64);
		for (unsigned int j = 0; j < 64; j++)
			ck_assert_uint_eq(out[40 + j], 0);
	}
	/* The same context sees its own scratchpad again; another one sees zeros. */
	ck_assert_uint_eq(out[38], 0x5ec7e7);
	engine_context(e, 2, true);
	q = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 2, false, 0);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(out[38], 0);
	ck_assert_uint_eq(out[40], 0);
	/* And so does a new owner of the same context number. */
	engine_context(e, 2, false);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	ck_assert_uint_eq(out[38], 0);
}
END_TEST

START_TEST(test_saxpy)
{
	float *x = (float *)(void *)engine_hbm(e, 1 << 20), *y = (float *)(void *)engine_hbm(e, 2 << 20);
	struct { uint64_t n, x, y; float a; } args = { 1000, VA_HBM + (1 << 20), VA_HBM + (2 << 20), 3 };
	struct gaon_packet pkt = engine_launch(K_SAXPY, VA_HBM, 1, 1, 1);

	for (int i = 0; i < 1000; i++) {
		x[i] = (float)i;
		y[i] = (float)(i * 7);
	}
	memcpy(engine_hbm(e, 0), &args, sizeof(args));
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	for (int i = 0; i < 1000; i++)
		ck_assert(y[i] == (float)(i * 10));
}
END_TEST

/* What the core keeps, word by word as the firmware reads it. */
static struct gaon_core_state kept_by(uint32_t core)
{
	uint32_t words[sizeof(struct gaon_core_state) / 4];
	struct gaon_core_state state;

	for (uint32_t i = 0; i < sizeof(words) / 4; i++)
		words[i] = sim_core_kept(e->sim, core, i);
	ck_assert_uint_eq(sim_core_kept(e->sim, core, sizeof(words) / 4), 0);
	memcpy(&state, words, sizeof(state));
	return state;
}

static const struct fault_case {
	uint64_t entry, args;
	uint16_t type;
	uint8_t access;
	uint64_t va, syndrome;
} faults[] = {
	{ K_ILLEGAL, 0, GAON_FAULT_ILLEGAL, GAON_ACCESS_FETCH, K_ILLEGAL, 0xffffffff },
	{ K_CUSTOM1, 0, GAON_FAULT_ILLEGAL, GAON_ACCESS_FETCH, K_CUSTOM1, 0x2b },
	{ K_EBREAK, 0, GAON_FAULT_BREAK, 0, 0, 0 },
	{ K_ECALL, 0, GAON_FAULT_ECALL, 0, 0, 0 },
	{ K_LOAD, VA_NX + 0x123, GAON_FAULT_PAGE, GAON_ACCESS_READ, VA_NX + 0x123, 0 },
	{ K_LOAD, 8, GAON_FAULT_PAGE, GAON_ACCESS_READ, 8, 0 },
	{ K_LOAD, VA_KERNEL, GAON_FAULT_PERMISSION, GAON_ACCESS_READ, VA_KERNEL, 0 },
	{ K_STORE, VA_RO + 16, GAON_FAULT_PERMISSION, GAON_ACCESS_WRITE, VA_RO + 16, 0 },
	{ K_STORE, VA_CODE, GAON_FAULT_PERMISSION, GAON_ACCESS_WRITE, VA_CODE, 0 },
	{ K_AMO, VA_HOST + HOST_SCRATCH, GAON_FAULT_BUS, GAON_ACCESS_ATOMIC, VA_HOST + HOST_SCRATCH, 0 },
	{ K_AMO, VA_HBM + 4, GAON_FAULT_MISALIGNED, GAON_ACCESS_ATOMIC, VA_HBM + 4, 0 },
	{ K_AMO, VA_RO, GAON_FAULT_PERMISSION, GAON_ACCESS_ATOMIC, VA_RO, 0 },
	{ K_JUMP, VA_NX, GAON_FAULT_PAGE, GAON_ACCESS_FETCH, VA_NX, 0 },
	{ K_JUMP, VA_HBM, GAON_FAULT_PERMISSION, GAON_ACCESS_FETCH, VA_HBM, 0 },
	{ K_JUMP, GAON_VA_SPM, GAON_FAULT_PERMISSION, GAON_ACCESS_FETCH, GAON_VA_SPM, 0 },
	{ K_LOAD, GAON_VA_SPM + 65536, GAON_FAULT_SPM_BOUNDS, GAON_ACCESS_READ, GAON_VA_SPM + 65536, 0 },
	{ K_STORE, GAON_VA_SPM + (4 << 20) - 8192 - 8, GAON_FAULT_SPM_BOUNDS, GAON_ACCESS_WRITE,
	  GAON_VA_SPM + (4 << 20) - 8192 - 8, 0 },
	{ K_STORE, GAON_VA_SPM + (4 << 20), GAON_FAULT_SPM_BOUNDS, GAON_ACCESS_WRITE,
	  GAON_VA_SPM + (4 << 20), 0 },
	{ K_BARRIER, 0, GAON_FAULT_ILLEGAL, GAON_ACCESS_FETCH, K_BARRIER, 0x400b },
	{ K_CSRWRITE, 0, GAON_FAULT_ILLEGAL, GAON_ACCESS_FETCH, K_CSRWRITE, 0xcc051073 },
};

START_TEST(test_fault)
{
	const struct fault_case *c = &faults[_i];
	struct gaon_packet pkt = engine_launch(c->entry, c->args, 1, 1, 1);
	struct gaon_packet good = engine_launch(K_IDS, VA_HBM, 2, 1, 1);
	const struct gaon_fault_record *f = last_fault();
	struct gaon_core_state kept;

	ck_assert_uint_eq(engine_do(e, q, &good), GAON_FAULT_NONE);
	ck_assert_uint_eq(kept_by(0).size, 0);
	ck_assert_uint_eq(engine_do(e, q, &pkt), c->type);
	ck_assert_uint_eq(f->access, c->access);
	ck_assert_uint_eq(f->va, c->va);
	ck_assert_uint_eq(f->syndrome, c->syndrome);
	ck_assert_uint_eq(f->core, 0);
	ck_assert_uint_eq(f->context, 1);
	ck_assert_uint_eq(f->sequence, 1);
	ck_assert_uint_eq(f->tag, 77);
	if (c->entry != K_JUMP && c->entry != K_AMO)
		ck_assert_uint_eq(f->pc, c->entry);
	ck_assert_uint_eq(q->state->status, GAON_QUEUE_FAULTED);
	ck_assert_uint_eq(q->state->fault_type, c->type);
	kept = kept_by(0);
	ck_assert_uint_eq(kept.size, sizeof(kept));
	ck_assert_uint_eq(kept.type, c->type);
	ck_assert_uint_eq(kept.context, 1);
	ck_assert_uint_eq(kept.queue, f->queue);
	ck_assert_uint_eq(kept.sequence, 1);
	ck_assert_uint_eq(kept.cycle, f->cycle);
	ck_assert_uint_eq(kept.tag, 77);
	ck_assert_uint_eq(kept.pc, f->pc);
	ck_assert_uint_eq(kept.entry, c->entry);
	ck_assert_uint_eq(kept.args, c->args);
	ck_assert_uint_eq(kept.grid[0], 1);
	ck_assert_uint_eq(kept.x[1], c->entry == K_JUMP ? kept.x[1] : GAON_EXIT_PC);
	ck_assert_uint_eq(kept.x[10], c->args);
	ck_assert_uint_eq(kept.vtype, 1ull << 63);
	ck_assert_uint_eq(kept_by(1).size, 0);
	engine_clear(e, q);
	memset(engine_hbm(e, 0), 0xff, 16);
	ck_assert_uint_eq(engine_do(e, q, &good), GAON_FAULT_NONE);
	ck_assert_uint_eq(engine_hbm64(e, 0)[1], 1 | 1ull << 48);
}
END_TEST

START_TEST(test_watchdog)
{
	struct gaon_packet pkt = engine_launch(K_FOREVER, 0, 3, 1, 1);

	q = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 1000000);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_WATCHDOG);
	ck_assert_uint_eq(last_fault()->pc, K_FOREVER);
	ck_assert_uint_lt(last_fault()->workgroup, 3);
	pkt = engine_launch(K_NOP, 0, 5, 1, 1);
	engine_clear(e, q);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
}
END_TEST

START_TEST(test_endless_beside_others)
{
	struct engine_queue *other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 0);
	struct gaon_packet pkt = engine_launch(K_FOREVER, 0, 1, 1, 1);
	struct gaon_packet one = { .type = GAON_PKT_COPY };

	engine_push(e, q, &pkt);
	engine_ring(e, q);
	engine_context(e, 2, true);
	/* Copies and packets of other queues go on; so do launches once the endless one is killed. */
	one.copy.dst_va = VA_HOST + HOST_SCRATCH;
	one.copy.src_va = VA_HBM;
	one.copy.bytes = 1 << 20;
	one.flags = GAON_PKT_F_SIGNAL;
	one.signal_va = VA_HOST + HOST_SCRATCH + (4 << 20);
	one.signal_value = 9;
	engine_push(e, other, &one);
	engine_ring(e, other);
	ck_assert(engine_run_until(e, engine_host64(e, HOST_SCRATCH + (4 << 20)), 9));
	one = engine_launch(K_NOP, 0, 8, 1, 1);
	one.flags = GAON_PKT_F_SIGNAL;
	one.signal_va = VA_HOST + HOST_SCRATCH + (4 << 20);
	one.signal_value = 10;
	engine_push(e, other, &one);
	engine_ring(e, other);
	for (unsigned int i = 0; i < 1000 && !e->sim->slots[0].slice_event; i++)
		engine_steps(e, 1);
	ck_assert_uint_ge(e->sim->slots[0].slice_used, e->sim->slots[0].slice);
	ck_assert(e->sim->slots[0].slice_event);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_KILL), 0);
	ck_assert(engine_run_until(e, engine_host64(e, HOST_SCRATCH + (4 << 20)), 10));
	engine_run(e);
	ck_assert_uint_eq(e->sim->slots[0].status, GAON_SLOT_STOPPED);
	/* Where it was; it did nothing wrong itself. */
	ck_assert_uint_eq(kept_by(0).size, sizeof(struct gaon_core_state));
	ck_assert_uint_eq(kept_by(0).type, GAON_FAULT_NONE);
	ck_assert_uint_eq(kept_by(0).pc, K_FOREVER);
	ck_assert_uint_gt(kept_by(0).instret, 0);
	/* The context's number is another owner's: it is told nothing of that. */
	e->sim->contexts[kept_by(0).context].epoch++;
	ck_assert_uint_eq(kept_by(0).size, 0);
	ck_assert_uint_eq(kept_by(0).pc, 0);
}
END_TEST

START_TEST(test_many_queues)
{
	struct gaon_packet pkt = engine_launch(K_COUNT, VA_HBM, 50, 2, 1);

	*engine_hbm64(e, 0) = 0;
	for (uint32_t i = 1; i < 16; i++)
		engine_queue(e, i, GAON_QUEUE_KIND_USER, 1, false, 0);
	for (uint32_t i = 0; i < 16; i++) {
		for (int j = 0; j < 5; j++)
			engine_push(e, &e->queue[i], &pkt);
		engine_ring(e, &e->queue[i]);
	}
	engine_run(e);
	ck_assert_uint_eq(*engine_hbm64(e, 0), 16 * 5 * 100);
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_uint_eq(e->queue[i].state->read, 5);
}
END_TEST

START_TEST(test_code_changes)
{
	struct gaon_packet pkt = engine_launch(VA_HBM + 0x200000, VA_HBM, 1, 1, 1);
	struct gaon_packet copy = { .type = GAON_PKT_COPY };

	/* New code by COPY at an address that was executed before. */
	engine_map(e, 1, VA_HBM + 0x200000, PA_HBM + 0x200000, GAON_HUGE_SIZE,
		   GAON_PTE_R | GAON_PTE_W | GAON_PTE_X | GAON_PTE_U, GAON_HUGE_SIZE);
	memcpy(engine_hbm(e, 0x200000), e->sim->hbm + PA_CODE + (K_NOP - VA_CODE), 4);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	copy.copy.dst_va = VA_HBM + 0x200000;
	copy.copy.src_va = K_EBREAK;
	copy.copy.bytes = 4;
	engine_push(e, q, &copy);
	ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_BREAK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("engine_launch");
	TCase *t = tcase_create("launch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_nop_signals);
	tcase_add_test(t, test_grid);
	tcase_add_test(t, test_entry_state);
	tcase_add_test(t, test_saxpy);
	tcase_add_loop_test(t, test_fault, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(t, test_watchdog);
	tcase_add_test(t, test_endless_beside_others);
	tcase_add_test(t, test_many_queues);
	tcase_add_test(t, test_code_changes);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(suite());
}
