// SPDX-License-Identifier: MIT
/*
 * Two harts on two threads over the same memory: atomics must not lose anything, and a message
 * published with a fence must be whole.
 */
#include <pthread.h>
#include <sched.h>

#include "../check_run.h"
#include "hart_test.h"

#define ROUNDS	100000

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096)));

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	(void)access;
	hart->fault.cause = SIM_CAUSE_LOAD_ACCESS;
	return va < RAM_SIZE ? ram + va : NULL;
}

static const struct sim_hart_ops ops = { .translate = translate };

/* Whoever spins lets the other side have the processor now and then: it may be the only one. */
#define SLICE	4000

static void *run(void *arg)
{
	struct sim_hart *hart = arg;
	enum sim_exit result;

	while ((result = sim_hart_run(hart, SLICE)) == SIM_EXIT_BUDGET)
		sched_yield();
	return (void *)(uintptr_t)result;
}

/* x10: rounds, x11: data, x12: side (0 or 1). */
static void run_both(const uint32_t *words, size_t size, struct sim_hart *hart[2])
{
	pthread_t thread[2];
	void *result;

	memset(ram, 0, sizeof(ram));
	memcpy(ram + CODE, words, size);
	for (unsigned int i = 0; i < 2; i++) {
		hart[i] = sim_hart_create(128, &ops, NULL, NULL);
		ck_assert_ptr_nonnull(hart[i]);
		hart[i]->pc = CODE;
		hart[i]->exit_pc = hart[i]->x[1] = EXIT_PC;
		hart[i]->x[10] = ROUNDS;
		hart[i]->x[11] = DATA;
		hart[i]->x[12] = i;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, run, hart[i]), 0);
	}
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(thread[i], &result), 0);
		ck_assert_int_eq((int)(uintptr_t)result, SIM_EXIT_DONE);
	}
}

static uint64_t word_at(unsigned int at)
{
	uint64_t v;

	memcpy(&v, ram + DATA + at, sizeof(v));
	return v;
}

START_TEST(test_contention)
{
	const uint32_t code[] = {
		i_type(ADDI, 5, 0, 1),
		0x0055b02f,			/* amoadd.d x0, x5, (x11) */
		i_type(ADDI, 13, 11, 8),
		0x1006b32f,			/* lr.d x6, (x13) */
		i_type(ADDI, 6, 6, 1),
		0x1866b3af,			/* sc.d x7, x6, (x13) */
		b_type(BNE, 7, 0, -12),
		i_type(ADDI, 14, 13, 8),
		0x1007232f,			/* lr.w x6, (x14) */
		i_type(ADDI, 6, 6, 3),
		0x186723af,			/* sc.w x7, x6, (x14) */
		b_type(BNE, 7, 0, -12),
		i_type(ADDI, 10, 10, -1),
		b_type(BNE, 10, 0, -12 * 4),
		RET,
	};
	struct sim_hart *hart[2];

	run_both(code, sizeof(code), hart);
	ck_assert_uint_eq(word_at(0), 2 * ROUNDS);
	ck_assert_uint_eq(word_at(8), 2 * ROUNDS);
	ck_assert_uint_eq(word_at(16), 6 * ROUNDS);
	sim_hart_destroy(hart[0]);
	sim_hart_destroy(hart[1]);
}
END_TEST

/* Side 0 writes data then a sequence number; side 1 waits for the number and checks the data. */
START_TEST(test_message)
{
	const uint32_t code[] = {
		b_type(BNE, 12, 0, 40),
		/* writer: for (x5 = 1; x5 <= rounds; x5++) { data = x5; fence; seq = x5; wait for ack } */
		i_type(ADDI, 5, 5, 1),
		s_type(SD, 11, 5, 0),
		0x0ff0000f,			/* fence */
		s_type(SD, 11, 5, 64),
		i_type(LD, 6, 11, 128),
		b_type(BNE, 6, 5, -4),
		i_type(ADDI, 10, 10, -1),
		b_type(BNE, 10, 0, -28),
		RET,
		/* reader */
		i_type(ADDI, 5, 5, 1),
		i_type(LD, 6, 11, 64),
		b_type(BNE, 6, 5, -4),
		0x0ff0000f,
		i_type(LD, 7, 11, 0),
		b_type(BNE, 7, 5, 20),
		s_type(SD, 11, 5, 128),
		i_type(ADDI, 10, 10, -1),
		b_type(BNE, 10, 0, -32),
		RET,
		EBREAK,				/* the data was not there */
	};
	struct sim_hart *hart[2];

	run_both(code, sizeof(code), hart);
	ck_assert_uint_eq(hart[1]->x[7], ROUNDS);
	sim_hart_destroy(hart[0]);
	sim_hart_destroy(hart[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hart_threads");
	TCase *tc = tcase_create("threads");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_contention);
	tcase_add_test(tc, test_message);
	suite_add_tcase(s, tc);
	return check_run(s);
}
