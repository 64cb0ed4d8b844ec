// SPDX-License-Identifier: MIT
/* Queues that can be debugged: workgroups that stop, what the save area shows of them, and how they go on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_debug.h>

#include "../check_run.h"
#include "engine_lib.h"

#define OUT		0x100000
#define ARGS		0x200000
#define SCRIPT		0x300000
#define SAVE		(8ull << 20)	/* of queue 0, in the kernel's memory */

static struct engine *e;
static struct engine_queue *q;

static void make(unsigned int threads)
{
	struct gaon_sim_config config = { .threads = threads };
	struct sim_slot_fields f = { .index = 0 };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, true, 0);
	ck_assert_uint_eq(engine_slot_command(e, 0, GAON_SLOT_CMD_STOP), 0);
	engine_lock(e);
	sim_slot_command(e->sim, GAON_SLOT_CMD_READ, &f);
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_UNLOAD, &f), 0);
	f.flags = GAON_MCU_SLOT_F_DEBUG;
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_LOAD, &f), 0);
	while (sim_slot_event_pop(e->sim) != UINT32_MAX)
		;
	engine_unlock(e);
}

static void setup(void)
{
	make(1);
}

static void setup_two(void)
{
	make(2);
}

static void teardown(void)
{
	engine_destroy(e);
}

static uint8_t *area(void)
{
	return e->sim->hbm + PA_KERNEL + SAVE;
}

static struct gaon_debug_state *state(void)
{
	return (struct gaon_debug_state *)(void *)(area() + GAON_SAVE_DEBUG);
}

static uint64_t stride(void)
{
	uint64_t bytes = GAON_SAVE_VECTOR + 32ull * e->sim->identify.vlen / 8 +
			 e->sim->identify.spm_bytes;

	return (bytes + GAON_PAGE_SIZE - 1) & ~(GAON_PAGE_SIZE - 1);
}

static struct gaon_save_core *core(unsigned int i)
{
	return (struct gaon_save_core *)(void *)(area() + GAON_SAVE_CORES + i * stride());
}

/* The firmware's part: the slot has stopped by itself, and says so first. */
static void expect_stop(void)
{
	engine_run(e);
	engine_lock(e);
	ck_assert_uint_eq(e->sim->slots[q->slot].status, GAON_SLOT_STOPPED);
	ck_assert(e->sim->slots[q->slot].saved);
	ck_assert_uint_eq(sim_slot_event_pop(e->sim), GAON_SLOT_EV_DEBUG << 16 | q->slot);
	ck_assert_uint_eq(sim_slot_event_pop(e->sim), GAON_SLOT_EV_STOPPED << 16 | q->slot);
	ck_assert_uint_eq(sim_slot_event_pop(e->sim), UINT32_MAX);
	engine_unlock(e);
	ck_assert_uint_eq(state()->size, sizeof(struct gaon_debug_state));
	ck_assert_uint_eq(state()->step | state()->hold | state()->pass, 0);
}

/* Out of the slot and into it again, as when it is resumed. */
static void resume(void)
{
	struct sim_slot_fields f = { .index = q->slot };

	engine_lock(e);
	sim_slot_command(e->sim, GAON_SLOT_CMD_READ, &f);
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_UNLOAD, &f), 0);
	ck_assert_uint_eq(f.flags, GAON_MCU_SLOT_F_SAVED | GAON_MCU_SLOT_F_DEBUG | GAON_MCU_SLOT_F_STOPPED);
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_LOAD, &f), 0);
	engine_unlock(e);
}

static void start(uint64_t entry, uint32_t groups, uint64_t args)
{
	struct gaon_packet pkt = engine_launch(entry, args, groups, 1, 1);

	engine_push(e, q, &pkt);
	engine_ring(e, q);
}

static void expect_done(uint64_t packets)
{
	engine_run(e);
	ck_assert_msg(engine_status(e, q) == GAON_SLOT_IDLE, "fault %u",
		      e->sim->slots[q->slot].fault.type);
	ck_assert_uint_eq(__atomic_load_n(&q->state->read, __ATOMIC_ACQUIRE), packets);
}

/* One workgroup: registers as they are at the ebreak, changed, and the change is what it stores. */
START_TEST(test_breakpoint)
{
	start(K_STOPS, 1, VA_HBM + OUT);
	expect_stop();
	ck_assert_uint_eq(state()->cores, 1);
	ck_assert_uint_eq(state()->active, 1);
	ck_assert_uint_eq(state()->stopped, 1);
	ck_assert_uint_eq(state()->entry, K_STOPS);
	ck_assert_uint_eq(state()->grid[0], 1);
	ck_assert_uint_eq(core(0)->pc, K_STOPS_AT);
	ck_assert_uint_eq(core(0)->stop, GAON_STOP_FAULT);
	ck_assert_uint_eq(core(0)->fault.type, GAON_FAULT_BREAK);
	ck_assert_uint_eq(core(0)->fault.pc, K_STOPS_AT);
	ck_assert_uint_eq(core(0)->x[7], 5);
	ck_assert_uint_eq(core(0)->x[11], VA_HBM + OUT);
	ck_assert_uint_eq(core(0)->instret, 4);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 0);
	core(0)->x[7] = 77;
	core(0)->pc = K_STOPS_ON;
	resume();
	expect_done(1);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 77);
}
END_TEST

/* Left where it is, it stops there again and again; nothing has happened in between. */
START_TEST(test_stays)
{
	start(K_STOPS, 1, VA_HBM + OUT);
	for (unsigned int i = 0; i < 5; i++) {
		expect_stop();
		ck_assert_uint_eq(core(0)->pc, K_STOPS_AT);
		ck_assert_uint_eq(core(0)->instret, 4);
		resume();
	}
	expect_stop();
	core(0)->pc = K_STOPS_ON;
	resume();
	expect_done(1);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 5);
}
END_TEST

/* From the ebreak to the exit address one instruction at a time; one step more ends it. */
START_TEST(test_step)
{
	static const uint64_t at[] = { K_STOPS_ON + 4, GAON_EXIT_PC };

	start(K_STOPS, 1, VA_HBM + OUT);
	expect_stop();
	core(0)->pc = K_STOPS_ON;
	for (unsigned int i = 0; i < 2; i++) {
		state()->step = 1;
		resume();
		expect_stop();
		ck_assert_uint_eq(core(0)->pc, at[i]);
		ck_assert_uint_eq(core(0)->stop, GAON_STOP_STEP);
		ck_assert_uint_eq(core(0)->instret, 5 + i);
		ck_assert_uint_eq(*engine_hbm64(e, OUT), 5);
	}
	state()->step = 1;
	resume();
	expect_done(1);
}
END_TEST

static uint64_t stored(unsigned int groups)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < groups; i++)
		count += *engine_hbm64(e, OUT + 8 * i) != 0;
	return count;
}

/* One instruction at a time from the first to the last: the same result, and each counts. */
START_TEST(test_step_through)
{
	uint64_t args[2] = { 12, VA_HBM + OUT }, expect, last = 0;

	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	start(K_HASH, 1, VA_HBM + ARGS);
	expect_done(1);
	expect = *engine_hbm64(e, OUT);
	*engine_hbm64(e, OUT) = 0;
	args[1] = VA_NX;
	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	/* Its last store faults, which is where it starts again, with its registers as they were. */
	start(K_HASH, 1, VA_HBM + ARGS);
	expect_stop();
	ck_assert_uint_eq(core(0)->fault.type, GAON_FAULT_PAGE);
	last = core(0)->instret;
	memset(core(0)->x, 0, sizeof(core(0)->x));
	core(0)->x[1] = GAON_EXIT_PC;
	core(0)->x[2] = GAON_VA_SPM + e->sim->identify.spm_bytes;
	core(0)->x[10] = VA_HBM + ARGS;
	core(0)->pc = K_HASH;
	core(0)->instret = 0;
	args[1] = VA_HBM + OUT;
	memcpy(engine_hbm(e, ARGS), args, sizeof(args));
	for (uint64_t i = 1; i <= last; i++) {
		state()->step = 1;
		resume();
		expect_stop();
		ck_assert_uint_eq(core(0)->instret, i);
		ck_assert_uint_eq(core(0)->stop, GAON_STOP_STEP);
	}
	resume();
	expect_done(2);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), expect);
}
END_TEST

/* Of many workgroups, one is let go on, to its end, while the others stand; none begins besides. */
START_TEST(test_hold)
{
	const unsigned int groups = 11;
	uint64_t all = 0, before;

	start(K_STOPS, groups, VA_HBM + OUT);
	for (unsigned int turn = 0; turn < 2000; turn++) {
		unsigned int pick;
		uint64_t mask;

		engine_run(e);
		if (engine_status(e, q) == GAON_SLOT_IDLE)
			break;
		expect_stop();
		mask = state()->active;
		/* The only one that had begun has ended. */
		if (!mask) {
			resume();
			continue;
		}
		pick = (unsigned int)__builtin_ctzll(mask);
		all |= mask;
		ck_assert_uint_eq(core(pick)->workgroup % e->sim->identify.cores, pick);
		if (core(pick)->pc == K_STOPS_AT)
			core(pick)->pc = K_STOPS_ON;
		before = stored(groups);
		state()->step = 1ull << pick;
		state()->hold = ~(1ull << pick);
		if (core(pick)->instret >= 4)
			core(pick)->x[7] = core(pick)->workgroup + 100;
		resume();
		engine_run(e);
		ck_assert_uint_le(stored(groups) - before, 1);
	}
	expect_done(1);
	ck_assert_uint_ne(all & (all - 1), 0);
	for (unsigned int i = 0; i < groups; i++)
		ck_assert_uint_eq(*engine_hbm64(e, OUT + 8 * i), i + 100);
}
END_TEST

/* A load that faults stops it there; with the register mended it goes on as if nothing had been. */
START_TEST(test_fault_mended)
{
	*engine_hbm64(e, ARGS) = VA_NX;
	*engine_hbm64(e, OUT) = 0x1234;
	start(K_FOLLOWS, 1, VA_HBM + ARGS);
	expect_stop();
	ck_assert_uint_eq(core(0)->stop, GAON_STOP_FAULT);
	ck_assert_uint_eq(core(0)->fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(core(0)->fault.va, VA_NX);
	ck_assert_uint_eq(core(0)->pc, K_FOLLOWS_AT);
	core(0)->x[11] = VA_HBM + OUT;
	resume();
	expect_done(1);
	ck_assert_uint_eq(*engine_hbm64(e, ARGS + 8), 0x1234);
}
END_TEST

/* Passed on, it is the fault that it would have been. */
START_TEST(test_fault_passed)
{
	const struct gaon_fault_record *f = &e->sim->slots[0].fault;

	*engine_hbm64(e, ARGS) = VA_NX;
	start(K_FOLLOWS, 1, VA_HBM + ARGS);
	expect_stop();
	state()->pass = 1;
	resume();
	engine_run(e);
	ck_assert_uint_eq(engine_status(e, q), GAON_SLOT_FAULTED);
	ck_assert_uint_eq(f->type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(f->pc, K_FOLLOWS_AT);
	ck_assert_uint_eq(f->va, VA_NX);
	ck_assert_uint_eq(f->core, 0);
	ck_assert_uint_eq(q->state->status, GAON_QUEUE_FAULTED);
}
END_TEST

START_TEST(test_vector)
{
	unsigned int n = e->sim->identify.vlen / 64;
	uint64_t *v;

	start(K_VECTOR_STOP, 1, VA_HBM + OUT);
	expect_stop();
	ck_assert_uint_eq(core(0)->vector, 1);
	ck_assert_uint_eq(core(0)->vl, n);
	v = (uint64_t *)(void *)((uint8_t *)core(0) + GAON_SAVE_VECTOR + 3 * n * 8);
	for (unsigned int i = 0; i < n; i++) {
		ck_assert_uint_eq(v[i], i);
		v[i] = i * i + 1;
	}
	core(0)->pc += 4;
	resume();
	expect_done(1);
	for (unsigned int i = 0; i < n; i++)
		ck_assert_uint_eq(*engine_hbm64(e, OUT + 8 * i), i * i + 1);
}
END_TEST

/* In a gang: one stops; while it is held the others come as far as the barrier, and that is told of. */
START_TEST(test_gang)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, 4, 1, 1);
	uint64_t *table = engine_hbm64(e, SCRIPT);

	for (uint64_t i = 0; i < 4; i++) {
		uint64_t at = SCRIPT + 4096 * (i + 1);
		uint64_t ops[][3] = { { 10, 100, 0 }, { 5, 0, 0 }, { 0, 0, 0 } };

		if (i == 2) {
			ops[0][0] = 9;
			ops[0][1] = VA_NX;
			ops[0][2] = GAON_VA_SPM;
		}
		table[i] = VA_HBM + at;
		memcpy(engine_hbm(e, at), ops, sizeof(ops));
	}
	pkt.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	expect_stop();
	ck_assert_uint_eq(state()->stopped, 1 << 2);
	ck_assert_uint_eq(core(2)->fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(core(2)->fault.va, VA_NX);
	state()->hold = 1 << 2;
	resume();
	expect_stop();
	ck_assert_uint_eq(state()->stopped, 0);
	ck_assert_uint_eq(state()->active, 0xf);
	core(2)->pc += 4;
	resume();
	expect_done(1);
}
END_TEST

/* While it stands, others have the cores. */
START_TEST(test_others)
{
	struct engine_queue *other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 0);
	struct gaon_packet pkt = engine_launch(K_IDS, VA_HBM + OUT + 4096, 9, 1, 1);

	start(K_STOPS, 3, VA_HBM + OUT);
	expect_stop();
	ck_assert_uint_eq(engine_do(e, other, &pkt), GAON_FAULT_NONE);
	for (unsigned int i = 0; i < 9; i++)
		ck_assert_uint_eq(*engine_hbm64(e, OUT + 4096 + 8 * i) & 0xffff, i);
	ck_assert_uint_eq(*engine_hbm64(e, OUT), 0);
}
END_TEST

/* Whatever a host writes there: a stop, the end, or a fault of that queue, and the device lives on. */
START_TEST(test_hostile)
{
	struct engine_queue *other = engine_queue(e, 1, GAON_QUEUE_KIND_USER, 1, false, 0);
	struct gaon_packet pkt = engine_launch(K_IDS, VA_HBM + OUT + 4096, 9, 1, 1);
	uint64_t seed = engine_seed();

	for (unsigned int round = 0; round < 200; round++) {
		start(K_STOPS, 1 + engine_random(&seed) % 6, VA_HBM + OUT);
		engine_run(e);
		for (unsigned int turn = 0; turn < 4 &&
		     engine_status(e, q) == GAON_SLOT_STOPPED; turn++) {
			uint64_t word = engine_random(&seed) % 12;
			uint8_t *to = word < 4 ? (uint8_t *)state() : (uint8_t *)core((unsigned int)word % 4);
			size_t bytes = word < 4 ? sizeof(*state()) : sizeof(*core(0));

			for (unsigned int i = 0; i < 1 + engine_random(&seed) % 4; i++)
				to[engine_random(&seed) % bytes] = (uint8_t)engine_random(&seed);
			resume();
			engine_run(e);
		}
		engine_lock(e);
		while (sim_slot_event_pop(e->sim) != UINT32_MAX)
			;
		engine_unlock(e);
		if (engine_status(e, q) == GAON_SLOT_ACTIVE)	/* all held: as it was asked */
			engine_slot_command(e, q->slot, GAON_SLOT_CMD_KILL);
		engine_run(e);
		if (engine_status(e, q) != GAON_SLOT_IDLE)
			ck_assert_uint_eq(engine_slot_command(e, q->slot, GAON_SLOT_CMD_CLEAR), 0);
		engine_run(e);
		ck_assert_uint_eq(engine_do(e, other, &pkt), GAON_FAULT_NONE);
	}
}
END_TEST

START_TEST(test_needs_save_area)
{
	struct sim_slot_fields f = { .index = q->slot };

	engine_run(e);
	engine_lock(e);
	sim_slot_command(e->sim, GAON_SLOT_CMD_READ, &f);
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_UNLOAD, &f), 0);
	f.save_va = 0;
	f.flags = GAON_MCU_SLOT_F_DEBUG;
	ck_assert_uint_eq(sim_slot_command(e->sim, GAON_SLOT_CMD_LOAD, &f), GAON_ADMIN_ERR_RANGE);
	engine_unlock(e);
}
END_TEST

static void add(Suite *suite, const char *name, void (*set_up)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_breakpoint);
	tcase_add_test(tc, test_stays);
	tcase_add_test(tc, test_step);
	tcase_add_test(tc, test_step_through);
	tcase_add_test(tc, test_hold);
	tcase_add_test(tc, test_fault_mended);
	tcase_add_test(tc, test_fault_passed);
	tcase_add_test(tc, test_vector);
	tcase_add_test(tc, test_gang);
	tcase_add_test(tc, test_others);
	tcase_add_test(tc, test_hostile);
	tcase_add_test(tc, test_needs_save_area);
	suite_add_tcase(suite, tc);
}

int main(void)
{
	Suite *suite = suite_create("engine_debug");

	add(suite, "one thread", setup);
	add(suite, "two threads", setup_two);
	return check_run(suite);
}
