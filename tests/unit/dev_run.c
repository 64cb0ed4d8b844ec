// SPDX-License-Identifier: MIT
/*
 * The run loop with threads: no wake-up is lost between doorbells and sleep, resets and
 * invalidations come through while cores run, an idle device uses no processor.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check_run.h"
#include "../../tools/sim/dev/mcubus.h"
#include "dev_host.h"

#define QUEUES		4
#define LOG2		6
#define RING_VA(q)	(0x100000ull + 0x1000 * (q))
#define STATE_VA(q)	(0x200000ull + 64 * (q))
#define VALUE_VA(q)	(0x201000ull + 64 * (q))
#define CODE_VA		0x300000ull
#define SECOND		1000000000ull

static struct dev_host host;
static struct gaon_sim *sim;
static struct gaon_packet *ring[QUEUES];
static uint8_t *state_page, *value_page;
static uint32_t *code;

static struct gaon_queue_state *state(unsigned int q)
{
	return (struct gaon_queue_state *)(state_page + 64 * q);
}

static uint64_t *value(unsigned int q)
{
	return (uint64_t *)(value_page + 64 * q);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void load(uint32_t q)
{
	struct sim_slot_fields f = {
		.index = q, .queue = q, .context = 1, .priority = GAON_PRIORITY_NORMAL, .log2 = LOG2,
		.ring_va = RING_VA(q), .state_va = STATE_VA(q),
	};

	pthread_mutex_lock(&sim->lock);
	ck_assert_uint_eq(sim_doorbell_map(sim, q, 1, q), 0);
	ck_assert_uint_eq(sim_slot_command(sim, GAON_SLOT_CMD_LOAD, &f), 0);
	pthread_mutex_unlock(&sim->lock);
}

static void make_device(uint32_t threads, enum gaon_sim_effects effects)
{
	struct gaon_sim_config c = { .size = sizeof(c), .threads = threads, .cores = 2, .effects = effects };
	uint64_t rwu = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, root, pa;

	dev_host_create(&host, &c);
	sim = host.sim;
	root = dev_host_root(&host);
	state_page = dev_host_alloc(&host, 4096, &pa);
	dev_host_map(&host, root, STATE_VA(0), pa, rwu, 0);
	value_page = dev_host_alloc(&host, 4096, &pa);
	dev_host_map(&host, root, VALUE_VA(0), pa, rwu, 0);
	code = dev_host_alloc(&host, 4096, &pa);
	code[0] = 0x00008067;			/* ret */
	code[1] = 0x0000006f;			/* for ever */
	dev_host_map(&host, root, CODE_VA, pa, GAON_PTE_R | GAON_PTE_X | GAON_PTE_U, 0);
	for (unsigned int q = 0; q < QUEUES; q++) {
		ring[q] = dev_host_alloc(&host, 4096, &pa);
		dev_host_map(&host, root, RING_VA(q), pa, rwu, 0);
	}
	pthread_mutex_lock(&sim->lock);
	sim->contexts[1].enabled = true;
	sim->contexts[1].asid = 3;
	sim->contexts[1].root_pa = root;
	pthread_mutex_unlock(&sim->lock);
	for (unsigned int q = 0; q < QUEUES; q++)
		load(q);
}

static void push(unsigned int q, const struct gaon_packet *pkt)
{
	uint64_t old = __atomic_load_n(&state(q)->write, __ATOMIC_RELAXED);

	ring[q][old % (1u << LOG2)] = *pkt;
	__atomic_store_n(&state(q)->write, old + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gaon_doorbell_due(old, old + 1, __atomic_load_n(&state(q)->event_idx, __ATOMIC_RELAXED)))
		gaon_sim_doorbell(sim, 1, q);
}

static struct gaon_packet launch(unsigned int entry, uint32_t grid)
{
	return (struct gaon_packet) {
		.type = GAON_PKT_LAUNCH,
		.launch = { .entry_va = CODE_VA + 4 * entry, .grid = { grid, 1, 1 }, .stack_bytes = 4096 },
	};
}

/* --- producers ------------------------------------------------------------------------------- */

enum style { STYLE_WAIT, STYLE_RUN, STYLE_POLL, STYLES };

struct producer {
	unsigned int q;
	enum style style;
	uint64_t rounds, seed;
	bool late;
};

static bool await(struct producer *p, uint64_t target)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 20 * SECOND;

	while (__atomic_load_n(value(p->q), __ATOMIC_ACQUIRE) < target) {
		struct timespec pause = { .tv_nsec = 20000 };

		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
		if (p->style == STYLE_WAIT)
			gaon_sim_wait(sim, value(p->q), target, 20 * SECOND, NULL);
		else if (p->style == STYLE_RUN)
			gaon_sim_run(sim, value(p->q), target, SECOND);
		else
			nanosleep(&pause, NULL);
	}
	return true;
}

static void *produce(void *arg)
{
	struct producer *p = arg;
	uint64_t sent = 0;

	for (uint64_t round = 0; round < p->rounds; round++) {
		uint64_t r = dev_random(&p->seed);

		for (unsigned int n = 1 + r % 20; n; n--) {
			struct gaon_packet pkt = { .type = GAON_PKT_NOP };

			if (r >> 32 & 1)
				pkt = launch(0, 1 + (r >> 40) % 5);
			pkt.flags = GAON_PKT_F_SIGNAL;
			pkt.signal_va = VALUE_VA(p->q);
			pkt.signal_value = ++sent;
			push(p->q, &pkt);
		}
		if ((r >> 8) % 16 == 0) {
			struct timespec pause = { .tv_nsec = (r >> 16) % 400000 };

			nanosleep(&pause, NULL);
		}
		if (!await(p, sent)) {
			p->late = true;
			break;
		}
	}
	return NULL;
}

static void run_producers(const enum style *styles, uint64_t rounds)
{
	struct producer p[QUEUES];
	pthread_t thread[QUEUES];
	uint64_t seed = dev_seed();

	for (unsigned int q = 0; q < QUEUES; q++) {
		p[q] = (struct producer) {
			.q = q, .style = styles[q], .rounds = rounds, .seed = dev_random(&seed),
		};
		ck_assert_int_eq(pthread_create(&thread[q], NULL, produce, &p[q]), 0);
	}
	for (unsigned int q = 0; q < QUEUES; q++) {
		pthread_join(thread[q], NULL);
		ck_assert_msg(!p[q].late, "queue %u: a wake-up was lost", q);
		ck_assert_uint_eq(state(q)->status, GAON_QUEUE_OK);
	}
}

/* ThreadSanitizer sees a race without having to meet it: fewer rounds do. */
static uint64_t rounds(void)
{
#if __has_feature(thread_sanitizer)
	uint64_t few = 80;
#else
	uint64_t few = 700;
#endif
	return getenv("GAON_TEST_LONG") ? 20000 : few;
}

START_TEST(test_producers)
{
	static const enum style mixed[QUEUES] = { STYLE_WAIT, STYLE_RUN, STYLE_POLL, STYLE_WAIT };
	static const enum style alone[QUEUES] = { STYLE_WAIT, STYLE_WAIT, STYLE_RUN, STYLE_RUN };

	/* Without workers somebody has to run the device: nobody polls only. */
	make_device(1 + _i % 3, _i / 3);
	run_producers(_i % 3 ? mixed : alone, rounds());
	dev_host_destroy(&host);
}
END_TEST

/* --- while cores run ------------------------------------------------------------------------- */

START_TEST(test_invalidate_busy)
{
	volatile uint64_t *done;
	struct gaon_packet forever = launch(1, 2);
	uint64_t pa, start;

	make_device(3, GAON_SIM_EFFECTS_NORMAL);
	done = dev_host_alloc(&host, 4096, &pa);
	dev_write64(&host, GAON_REG_TLBI_DONE_ADDR, pa);
	dev_write32(&host, GAON_REG_TLBI_ASID, 3);
	push(0, &forever);
	gaon_sim_run(sim, NULL, 0, 2000000);
	start = now_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 1; i <= 300; i++) {
		dev_write64(&host, GAON_REG_TLBI_SEQ, i);
		ck_assert_int_eq(gaon_sim_wait(sim, done, i, 5 * SECOND, NULL), GAON_SIM_WAIT_VALUE);
	}
	ck_assert_uint_lt(now_ns(CLOCK_MONOTONIC) - start, 10 * SECOND);
	dev_host_destroy(&host);
}
END_TEST

/* More entries than the queue holds: one invalidation of everything, with the newest number. */
START_TEST(test_invalidate_overflow)
{
	volatile uint64_t *done;
	struct gaon_packet forever = launch(1, 2);
	uint64_t pa;

	make_device(2, GAON_SIM_EFFECTS_NORMAL);
	done = dev_host_alloc(&host, 4096, &pa);
	dev_write64(&host, GAON_REG_TLBI_DONE_ADDR, pa);
	dev_write32(&host, GAON_REG_TLBI_ASID, 3);
	push(0, &forever);
	gaon_sim_run(sim, NULL, 0, 2000000);
	for (uint64_t i = 1; i <= 1000; i++)
		dev_write64(&host, GAON_REG_TLBI_SEQ, i);
	ck_assert_int_eq(gaon_sim_wait(sim, done, 1000, 5 * SECOND, NULL), GAON_SIM_WAIT_VALUE);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_TLBI_DONE), 1000);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_TLBI_FREE), GAON_TLBI_DEPTH);
	dev_host_destroy(&host);
}
END_TEST

static void *run_device(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++)
		gaon_sim_run(sim, NULL, 0, 5000000);
	return NULL;
}

START_TEST(test_reset_busy)
{
	struct gaon_packet forever = launch(1, 2);
	pthread_t helper;
	uint16_t off = 0;
	uint64_t start;

	make_device(3, GAON_SIM_EFFECTS_NORMAL);
	push(0, &forever);
	push(1, &forever);
	ck_assert_int_eq(pthread_create(&helper, NULL, run_device, NULL), 0);
	gaon_sim_run(sim, NULL, 0, 5000000);
	start = now_ns(CLOCK_MONOTONIC);
	switch (_i) {
	case 0:
		gaon_sim_reset(sim);
		break;
	case 1:
		dev_write32(&host, GAON_REG_RESET, GAON_RESET_CHIP);
		break;
	default:
		/* Without bus mastering nothing of the host is touched once the write is back. */
		gaon_sim_config_write(sim, 4, &off, 2);
		break;
	}
	ck_assert_uint_lt(now_ns(CLOCK_MONOTONIC) - start, SECOND);
	pthread_join(helper, NULL);
	if (_i < 2) {
		ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_EMPTY);
		ck_assert(!gaon_sim_run(sim, NULL, 0, 0));
	} else {
		pthread_mutex_lock(&sim->lock);
		ck_assert_uint_eq(sim->slots[0].status, GAON_SLOT_FAULTED);
		ck_assert_uint_eq(sim->slots[0].fault.type, GAON_FAULT_BUS);
		pthread_mutex_unlock(&sim->lock);
	}
	dev_host_destroy(&host);
}
END_TEST

/* A firmware that never sleeps keeps a worker busy, and nobody out. */
START_TEST(test_busy_firmware)
{
	uint32_t forever = 0x0000006f;
	uint64_t start, worst = 0;

	make_device(3, GAON_SIM_EFFECTS_NORMAL);
	pthread_mutex_lock(&sim->lock);
	memcpy(sim->mcu->sram, &forever, 4);
	sim_mcu_reset(sim->mcu->core, GAON_MCU_SRAM);
	sim->mcu->started = true;
	sim->state = GAON_STATE_READY;
	pthread_mutex_unlock(&sim->lock);
	sim_run_poke(sim);
	for (uint64_t i = 1; i <= 200; i++) {
		struct gaon_packet nop = {
			.type = GAON_PKT_NOP, .flags = GAON_PKT_F_SIGNAL, .signal_va = VALUE_VA(0),
			.signal_value = i,
		};

		start = now_ns(CLOCK_MONOTONIC);
		ck_assert_uint_eq(dev_read32(&host, GAON_REG_STATE), GAON_STATE_READY);
		start = now_ns(CLOCK_MONOTONIC) - start;
		worst = start > worst ? start : worst;
		push(0, &nop);
		ck_assert_int_eq(gaon_sim_wait(sim, value(0), i, 5 * SECOND, NULL), GAON_SIM_WAIT_VALUE);
	}
	ck_assert_msg(worst < SECOND, "a register read took %llu ns", (unsigned long long)worst);
	dev_host_destroy(&host);
}
END_TEST

/* --- idleness -------------------------------------------------------------------------------- */

START_TEST(test_idle)
{
	struct timespec settle = { .tv_nsec = 100000000 }, rest = { .tv_nsec = 500000000 };
	struct gaon_packet nop = { .type = GAON_PKT_NOP };
	uint64_t cpu;

	make_device(4, GAON_SIM_EFFECTS_NORMAL);
	push(0, &nop);
	nanosleep(&settle, NULL);
	ck_assert_uint_eq(__atomic_load_n(&state(0)->read, __ATOMIC_ACQUIRE), 1);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	nanosleep(&rest, NULL);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ck_assert_msg(cpu < 2000000, "%llu ns of processor time while idle", (unsigned long long)cpu);
	dev_host_destroy(&host);
}
END_TEST

/* A waiter hears of a fault, also of one that came between two of its calls. */
START_TEST(test_wait_events)
{
	struct gaon_packet bad = { .type = 0 };
	uint64_t events = 0;

	make_device(2, GAON_SIM_EFFECTS_NORMAL);
	while (gaon_sim_wait(sim, value(0), 1, 10000000, &events) == GAON_SIM_WAIT_EVENT)
		;
	push(0, &bad);
	while (__atomic_load_n(&state(0)->status, __ATOMIC_ACQUIRE) != GAON_QUEUE_FAULTED)
		gaon_sim_run(sim, NULL, 0, 0);
	ck_assert_int_eq(gaon_sim_wait(sim, value(0), 1, 10 * SECOND, &events), GAON_SIM_WAIT_EVENT);
	ck_assert_int_eq(gaon_sim_wait(sim, value(0), 1, 1000000, NULL), GAON_SIM_WAIT_TIMEOUT);
	dev_host_destroy(&host);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_run");
	TCase *tc = tcase_create("run");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, test_producers, 0, 9);
	tcase_add_test(tc, test_invalidate_busy);
	tcase_add_test(tc, test_invalidate_overflow);
	tcase_add_loop_test(tc, test_reset_busy, 0, 3);
	tcase_add_test(tc, test_busy_firmware);
	tcase_add_test(tc, test_idle);
	tcase_add_test(tc, test_wait_events);
	suite_add_tcase(s, tc);
	return check_run(s);
}
