// SPDX-License-Identifier: MIT
/* Slots and doorbells: this test is the firmware, and gives the slots' commands itself. */
#include <check.h>
#include <string.h>

#include "../check_run.h"
#include "../../tools/sim/dev/devside.h"
#include "dev_host.h"

#define RING_VA		0x100000ull
#define STATE_VA	0x200000ull	/* of queue q: + 64 q */
#define VALUE_VA	0x201000ull
#define LOG2		4

static struct dev_host host;
static struct gaon_sim *sim;
static struct gaon_queue_state *state;
static struct gaon_packet *ring;
static uint64_t *value;
static uint64_t root;

static void setup(void)
{
	uint64_t rwu = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, pa;

	dev_host_create(&host, NULL);
	sim = host.sim;
	root = dev_host_root(&host);
	ring = dev_host_alloc(&host, 4096, &pa);
	dev_host_map(&host, root, RING_VA, pa, rwu, 0);
	state = dev_host_alloc(&host, 4096, &pa);
	dev_host_map(&host, root, STATE_VA, pa, rwu, 0);
	value = dev_host_alloc(&host, 4096, &pa);
	dev_host_map(&host, root, VALUE_VA, pa, rwu, 0);
	sim->contexts[1].enabled = true;
	sim->contexts[1].asid = 3;
	sim->contexts[1].root_pa = root;
	for (uint32_t q = 0; q < 4; q++)
		ck_assert_uint_eq(sim_doorbell_map(sim, q, 1, q), 0);
}

static void teardown(void)
{
	dev_host_destroy(&host);
}

static struct sim_slot_fields fields(uint32_t slot, uint32_t queue)
{
	return (struct sim_slot_fields) {
		.index = slot, .queue = queue, .context = 1, .priority = GAON_PRIORITY_NORMAL,
		.log2 = LOG2, .ring_va = RING_VA + 1024 * queue, .state_va = STATE_VA + 64 * queue,
		.read = state[queue].read,
	};
}

static uint32_t command(uint32_t cmd, struct sim_slot_fields *f)
{
	uint32_t result;

	pthread_mutex_lock(&sim->lock);
	result = sim_slot_command(sim, cmd, f);
	pthread_mutex_unlock(&sim->lock);
	return result;
}

static uint32_t simple(uint32_t cmd, uint32_t slot)
{
	struct sim_slot_fields f = { .index = slot };

	return command(cmd, &f);
}

static void load(uint32_t slot, uint32_t queue)
{
	struct sim_slot_fields f = fields(slot, queue);

	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), 0);
}

static void run(void)
{
	ck_assert(!gaon_sim_run(sim, NULL, 0, 0));
}

/* Returns whether a doorbell was due; rings it. */
static bool push(uint32_t queue, struct gaon_packet pkt)
{
	uint64_t old = state[queue].write;
	bool due;

	ring[16 * queue + old % 16] = pkt;
	__atomic_store_n(&state[queue].write, old + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	due = gaon_doorbell_due(old, old + 1, state[queue].event_idx);
	if (due)
		gaon_sim_doorbell(sim, 1, queue);
	return due;
}

static const struct gaon_packet nop = { .type = GAON_PKT_NOP };

static struct gaon_packet wait_for(uint64_t operand)
{
	return (struct gaon_packet) {
		.type = GAON_PKT_WAIT, .wait = { .va = VALUE_VA, .operand = operand, .op = GAON_WAIT_GE },
	};
}

static uint32_t event_pop(void)
{
	return sim_slot_event_pop(sim);
}

/* --- life of a queue ------------------------------------------------------------------------------ */

START_TEST(test_sleep_and_wake)
{
	load(0, 0);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_IDLE);
	for (uint64_t i = 1; i < 100; i++) {
		ck_assert(push(0, nop));
		ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_IDLE);
		run();
		ck_assert_uint_eq(state[0].read, i);
		ck_assert_uint_eq(state[0].event_idx, i);
		ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_IDLE);
	}
	/* Awake or with a request that is behind, no doorbell is due. */
	ck_assert(push(0, nop));
	ck_assert(!push(0, nop));
	run();
	ck_assert_uint_eq(state[0].read, 101);
}
END_TEST

START_TEST(test_stop_run)
{
	load(0, 0);
	run();
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 0), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_STOP, 0), 0);
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_SUSPENDED);
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_STOPPED << 16);
	ck_assert_uint_eq(event_pop(), UINT32_MAX);
	push(0, nop);
	run();
	ck_assert_uint_eq(state[0].read, 0);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 0), 0);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_OK);
	run();
	ck_assert_uint_eq(state[0].read, 1);
}
END_TEST

START_TEST(test_wait)
{
	struct sim_slot_fields f = { .index = 0 };

	load(0, 0);
	push(0, wait_for(5));
	push(0, nop);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_WAITING);
	ck_assert_uint_eq(state[0].read, 0);
	/* Stopped in the middle of a WAIT, taken out, and loaded elsewhere: it waits again. */
	ck_assert_uint_eq(command(GAON_SLOT_CMD_STOP, &f), 0);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(command(GAON_SLOT_CMD_UNLOAD, &f), 0);
	ck_assert_uint_eq(f.read, 0);
	load(3, 0);
	run();
	ck_assert_uint_eq(sim->slots[3].status, GAON_SLOT_WAITING);
	/* A host store is noticed after the queue's doorbell. */
	__atomic_store_n(value, 5, __ATOMIC_RELEASE);
	gaon_sim_doorbell(sim, 1, 0);
	run();
	ck_assert_uint_eq(state[0].read, 2);
	ck_assert_uint_eq(sim->slots[3].status, GAON_SLOT_IDLE);
}
END_TEST

/* One queue's signal ends another queue's WAIT without a doorbell. */
START_TEST(test_wait_signal)
{
	struct gaon_packet signal = {
		.type = GAON_PKT_SIGNAL, .flags = GAON_PKT_F_SIGNAL, .signal_va = VALUE_VA, .signal_value = 9,
	};

	load(0, 0);
	load(1, 1);
	push(0, wait_for(9));
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_WAITING);
	push(1, signal);
	run();
	ck_assert_uint_eq(*value, 9);
	ck_assert_uint_eq(state[0].read, 1);
}
END_TEST

START_TEST(test_kill_skip)
{
	load(0, 0);
	push(0, wait_for(1));
	push(0, nop);
	run();
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_KILL, 0), 0);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_SKIP, 0), 0);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_RESET);
	ck_assert_uint_eq(state[0].read, 2);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_UNLOAD, 0), 0);
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_EMPTY);
}
END_TEST

/* Only the state block knows where the queue of another firmware was: at its end, or nobody knows where. */
static void load_held(uint32_t slot, uint32_t queue)
{
	struct sim_slot_fields f = fields(slot, queue);

	f.flags |= GAON_MCU_SLOT_F_HOLD;
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), 0);
}

START_TEST(test_adopt)
{
	load_held(0, 0);
	state[0].read = state[0].write = 5;
	state[0].status = GAON_QUEUE_OK;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), 0);
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 0), 0);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), GAON_ADMIN_ERR_STATE);
	push(0, nop);
	run();
	ck_assert_uint_eq(state[0].read, 6);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_UNLOAD, 0), 0);

	/* Its context was suspended while it had nothing to do. */
	load_held(0, 0);
	state[0].status = GAON_QUEUE_SUSPENDED;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), 0);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 0), 0);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_OK);
	run();
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_UNLOAD, 0), 0);

	/* It was stopped before a packet, or inside one; or its owner says nonsense. */
	load_held(0, 0);
	state[0].write = 7;
	state[0].status = GAON_QUEUE_SUSPENDED;
	state[0].inside = 1;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), GAON_ADMIN_ERR_RANGE);
	state[0].inside = 0;
	state[0].write = 5;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), GAON_ADMIN_ERR_RANGE);
	state[0].write = 6;
	push(0, nop);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), 0);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 0), 0);
	run();
	ck_assert_uint_eq(state[0].read, 7);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_STOP, 0), 0);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_SUSPENDED);
	ck_assert_uint_eq(state[0].inside, 0);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_UNLOAD, 0), 0);

	load_held(0, 0);
	state[0].write = 8;
	state[0].status = GAON_QUEUE_OK;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), GAON_ADMIN_ERR_RANGE);
	state[0].write = 7;
	state[0].status = GAON_QUEUE_FAULTED;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_ADOPT, 0), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_SKIP, 0), 0);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_RESET);
}
END_TEST

START_TEST(test_fault_and_clear)
{
	struct gaon_packet bad = { .type = 0x7f, .tag = 42 };

	load(2, 0);
	push(0, nop);
	push(0, bad);
	push(0, nop);
	run();
	ck_assert_uint_eq(sim->slots[2].status, GAON_SLOT_FAULTED);
	ck_assert_uint_eq(state[0].status, GAON_QUEUE_FAULTED);
	ck_assert_uint_eq(state[0].fault_type, GAON_FAULT_BAD_PACKET);
	ck_assert_uint_eq(state[0].fault_seq, 1);
	ck_assert_uint_eq(sim->slots[2].fault.tag, 42);
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_FAULT << 16 | 2);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_STOP, 2), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_RUN, 2), GAON_ADMIN_ERR_STATE);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_CLEAR, 2), 0);
	ck_assert_uint_eq(state[0].fault_type, GAON_FAULT_NONE);
	run();
	ck_assert_uint_eq(state[0].read, 3);
	ck_assert_uint_eq(sim->slots[2].status, GAON_SLOT_IDLE);
}
END_TEST

/* The state block is the producer's to ruin: its own queue suffers, nothing else. */
START_TEST(test_hostile_state)
{
	load(0, 0);
	load(1, 1);
	run();
	state[0].read = 0xdeadbeef;
	state[0].status = 77;
	push(0, nop);
	run();
	ck_assert_uint_eq(state[0].read, 1);
	state[0].write = 1 + 17;
	gaon_sim_doorbell(sim, 1, 0);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_FAULTED);
	ck_assert_uint_eq(sim->slots[0].fault.syndrome, GAON_BADPKT_INDEX);
	state[0].write = UINT64_MAX;
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_CLEAR, 0), 0);
	run();
	ck_assert_uint_eq(state[0].read, UINT64_MAX);
	/* Across the end of the index's range. */
	push(0, nop);
	run();
	ck_assert_uint_eq(state[0].read, 0);
	push(1, nop);
	run();
	ck_assert_uint_eq(state[1].read, 1);
}
END_TEST

START_TEST(test_state_unmapped)
{
	struct sim_slot_fields f = fields(0, 0);

	f.state_va = 0x900000;
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), 0);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_FAULTED);
	ck_assert_uint_eq(sim->slots[0].fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(sim->slots[0].fault.va, 0x900000);
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_FAULT << 16);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_CLEAR, 0), GAON_ADMIN_ERR_DMA);
	ck_assert_uint_eq(simple(GAON_SLOT_CMD_UNLOAD, 0), 0);
}
END_TEST

/* --- what LOAD refuses ------------------------------------------------------------------------------ */

START_TEST(test_load_checks)
{
	struct sim_slot_fields f;
	uint32_t i = 0;

	load(0, 0);
	f = fields(0, 1);
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), GAON_ADMIN_ERR_STATE);
	f = fields(1, 0);
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), GAON_ADMIN_ERR_BUSY);
	f = fields(32, 1);
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), GAON_ADMIN_ERR_RANGE);
#define REFUSED(change, error) do { \
		f = fields(1, 1); \
		change; \
		i = command(GAON_SLOT_CMD_LOAD, &f); \
		ck_assert_uint_eq(i, error); \
		ck_assert_uint_eq(sim->slots[1].status, GAON_SLOT_EMPTY); \
	} while (0)
	REFUSED(f.queue = GAON_QUEUES, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.context = 2, GAON_ADMIN_ERR_ID);
	REFUSED(f.context = UINT32_MAX, GAON_ADMIN_ERR_ID);
	REFUSED(f.kind = 2, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.priority = 4, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.log2 = 3, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.log2 = 17, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.ring_va += 8, GAON_ADMIN_ERR_ALIGN);
	REFUSED(f.state_va = GAON_VA_KERNEL_MIN, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.ring_va = GAON_VA_USER_MAX - 64, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.kind = GAON_QUEUE_KIND_KERNEL, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.flags = GAON_MCU_SLOT_F_SAVED, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.flags = 0x80, GAON_ADMIN_ERR_RANGE);
	REFUSED(f.save_va = 0x100000, GAON_ADMIN_ERR_RANGE);
#undef REFUSED
	f = fields(1, 1);
	f.flags = GAON_MCU_SLOT_F_HOLD;
	ck_assert_uint_eq(command(GAON_SLOT_CMD_LOAD, &f), 0);
	ck_assert_uint_eq(sim->slots[1].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(simple(99, 0), GAON_ADMIN_ERR_OPCODE);
}
END_TEST

/* --- doorbells ---------------------------------------------------------------------------------------- */

START_TEST(test_pending)
{
	struct sim_slot_fields f = { .index = 0 };

	/* In no slot: into the FIFO, once. */
	push(2, nop);
	gaon_sim_doorbell(sim, 1, 2);
	gaon_sim_doorbell(sim, 1, 1);
	run();
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), 1);
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), 2);
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), UINT32_MAX);
	gaon_sim_doorbell(sim, 1, 2);
	run();
	/* LOAD takes it out. */
	load(0, 2);
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), UINT32_MAX);
	run();
	ck_assert_uint_eq(state[2].read, 1);
	/* A slot whose doorbell rang is not idle: it can't be taken away. */
	push(2, nop);
	ck_assert_uint_eq(command(GAON_SLOT_CMD_UNLOAD, &f), GAON_ADMIN_ERR_STATE);
	run();
	ck_assert_uint_eq(command(GAON_SLOT_CMD_UNLOAD, &f), 0);
	ck_assert_uint_eq(f.read, 2);
	push(2, nop);
	run();
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), 2);
}
END_TEST

START_TEST(test_dead_doorbells)
{
	uint64_t before = atomic_load(&sim->doorbells->dropped);

	gaon_sim_doorbell(sim, 1, 100);
	gaon_sim_doorbell(sim, 2, 0);
	gaon_sim_doorbell(sim, UINT32_MAX, 0);
	gaon_sim_doorbell(sim, 1, GAON_DOORBELLS);
	ck_assert_uint_eq(atomic_load(&sim->doorbells->dropped), before + 2);
	ck_assert_uint_eq(sim_doorbell_map(sim, 7, 1, 0), GAON_ADMIN_ERR_BUSY);
	ck_assert_uint_eq(sim_doorbell_map(sim, GAON_QUEUES, 1, 9), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(sim_doorbell_unmap(sim, 7, 1, 9), GAON_ADMIN_ERR_STATE);
	/* Rung, then unmapped: gone. */
	gaon_sim_doorbell(sim, 1, 3);
	ck_assert_uint_eq(sim_doorbell_unmap(sim, 3, 1, 3), 0);
	run();
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), UINT32_MAX);
}
END_TEST

/* --- events ------------------------------------------------------------------------------------------- */

START_TEST(test_want_events)
{
	load(0, 0);
	run();
	ck_assert_uint_eq(event_pop(), UINT32_MAX);
	/* Somebody waits outside: going idle and waiting are told. */
	sim->regs->slot_want = 1u << GAON_PRIORITY_NORMAL;
	push(0, nop);
	run();
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_IDLE << 16);
	push(0, wait_for(1));
	run();
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_WAITING << 16);
	ck_assert_uint_eq(event_pop(), UINT32_MAX);
}
END_TEST

START_TEST(test_engine_reset)
{
	load(0, 0);
	load(1, 1);
	push(0, wait_for(1));
	run();
	pthread_mutex_lock(&sim->lock);
	sim_slots_engine_reset(sim);
	pthread_mutex_unlock(&sim->lock);
	run();
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_STOPPED);
	ck_assert_uint_eq(sim->slots[1].status, GAON_SLOT_IDLE);
	ck_assert_uint_eq(event_pop(), GAON_SLOT_EV_STOPPED << 16);
}
END_TEST

/* Without a firmware nothing runs, whether it was at work or asleep. */
START_TEST(test_fatal)
{
	load(0, 0);
	load(1, 1);
	push(0, wait_for(1));
	run();
	pthread_mutex_lock(&sim->lock);
	sim_set_fatal(sim, GAON_BOOT_CRASH);
	pthread_mutex_unlock(&sim->lock);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_FATAL);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_BOOT_ERROR), GAON_BOOT_CRASH);
	ck_assert_uint_eq(atomic_load(&host.interrupts[0]), 1);
	*value = 1;
	push(1, nop);
	gaon_sim_doorbell(sim, 1, 0);
	run();
	ck_assert_uint_eq(state[0].read, 0);
	ck_assert_uint_eq(state[1].read, 0);
}
END_TEST

/* And the one that keeps HBM. */
START_TEST(test_chip_reset)
{
	uint64_t bytes;
	uint64_t *hbm = gaon_sim_hbm(sim, &bytes);

	hbm[0] = hbm[bytes / 8 - 1] = 0x5eed;
	load(0, 0);
	push(0, wait_for(1));
	run();
	dev_write32(&host, GAON_REG_RESET, _i ? GAON_RESET_FIRMWARE : GAON_RESET_CHIP);
	ck_assert_uint_eq(hbm[0], _i ? 0x5eed : 0);
	ck_assert_uint_eq(hbm[bytes / 8 - 1], _i ? 0x5eed : 0);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_RESET);
	ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_EMPTY);
	ck_assert(!sim->contexts[1].enabled);
	gaon_sim_doorbell(sim, 1, 0);
	run();
	ck_assert_uint_eq(sim_doorbell_pend_pop(sim), UINT32_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_slot");
	TCase *tc = tcase_create("slot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_sleep_and_wake);
	tcase_add_test(tc, test_stop_run);
	tcase_add_test(tc, test_wait);
	tcase_add_test(tc, test_wait_signal);
	tcase_add_test(tc, test_kill_skip);
	tcase_add_test(tc, test_adopt);
	tcase_add_test(tc, test_fault_and_clear);
	tcase_add_test(tc, test_hostile_state);
	tcase_add_test(tc, test_state_unmapped);
	tcase_add_test(tc, test_load_checks);
	tcase_add_test(tc, test_pending);
	tcase_add_test(tc, test_dead_doorbells);
	tcase_add_test(tc, test_want_events);
	tcase_add_test(tc, test_engine_reset);
	tcase_add_test(tc, test_fatal);
	tcase_add_loop_test(tc, test_chip_reset, 0, 2);
	suite_add_tcase(s, tc);
	return check_run(s);
}
