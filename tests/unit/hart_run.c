// SPDX-License-Identifier: MIT
/*
 * The hart's rules of running: ends, budgets, counters, costs, faults, flushes.
 */
#include <fenv.h>

#include "../check_run.h"
#include "hart/fp.h"
#include "hart_test.h"

static const struct sim_hart_costs costs = {
	.scalar = 16, .branch_taken = 5, .load_use = 32, .divide = 300, .atomic = 100,
};

static struct world *w;
static struct sim_hart *h;

static void setup(void)
{
	w = world_create(&costs);
	h = w->hart;
}

static void teardown(void)
{
	world_destroy(w);
}

START_TEST(test_exit_and_counts)
{
	CODE_AT(w, CODE, i_type(ADDI, 5, 0, 3), i_type(ADDI, 6, 6, 10), i_type(ADDI, 5, 5, -1),
		b_type(BNE, 5, 0, -8), i_type(LD, 7, 0, 0), 0x025342b3 /* div x5,x6,x5 */, RET);
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->pc, EXIT_PC);
	ck_assert_uint_eq(h->x[6], 30);
	ck_assert_uint_eq(h->x[5], UINT64_MAX);
	ck_assert_uint_eq(h->instret, 1 + 3 * 3 + 3);
	ck_assert_uint_eq(h->cycles16, 13 * 16 + 3 * 5 + 32 + 300);
}
END_TEST

/* exit_pc holds for straight lines and for jumps inside a page, and when it moves. */
START_TEST(test_exit_pc_in_code)
{
	CODE_AT(w, CODE, i_type(ADDI, 5, 5, 1), i_type(ADDI, 5, 5, 1), i_type(ADDI, 5, 5, 1),
		j_type(0, -12));
	h->exit_pc = CODE + 8;
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->instret, 2);
	ck_assert_uint_eq(h->pc, CODE + 8);
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->instret, 2);
	h->exit_pc = CODE;
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->instret, 4);
	ck_assert_uint_eq(h->x[5], 3);
	h->exit_pc = CODE + 4;
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->instret, 5);
	h->exit_pc = EXIT_PC;
	ck_assert_int_eq(sim_hart_run(h, 1000), SIM_EXIT_BUDGET);
}
END_TEST

START_TEST(test_budget)
{
	CODE_AT(w, CODE, i_type(ADDI, 5, 5, 1), i_type(ADDI, 5, 5, 1), j_type(0, -8));
	ck_assert_int_eq(sim_hart_run(h, 0), SIM_EXIT_BUDGET);
	ck_assert_uint_eq(h->instret, 0);
	ck_assert_int_eq(sim_hart_run(h, 1), SIM_EXIT_BUDGET);
	ck_assert_uint_eq(h->instret, 3);
	ck_assert_int_eq(sim_hart_run(h, 1000000), SIM_EXIT_BUDGET);
	ck_assert_uint_ge(h->instret, 1000003);
	ck_assert_uint_lt(h->instret, 1000007);
	ck_assert_uint_eq(h->x[5], h->instret / 3 * 2);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sim_hart_step(h), SIM_EXIT_BUDGET);
	ck_assert_uint_eq((h->instret - 5) % 3, 0);
	ck_assert_uint_eq(h->pc, CODE + 8);
}
END_TEST

START_TEST(test_stop)
{
	CODE_AT(w, CODE, j_type(0, 0));
	h->stop = 1;
	ck_assert_int_eq(sim_hart_run(h, UINT64_MAX), SIM_EXIT_STOP);
	h->stop = 0;
	ck_assert_int_eq(sim_hart_run(h, 10), SIM_EXIT_BUDGET);
}
END_TEST

START_TEST(test_custom)
{
	CODE_AT(w, CODE, NOP, CUSTOM0, NOP, RET);
	w->answer = SIM_OP_STALL;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_STALL);
	ck_assert_uint_eq(h->pc, CODE + 4);
	ck_assert_uint_eq(h->instret, 1);
	w->answer = SIM_OP_FAULT;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_CUSTOM);
	ck_assert_uint_eq(h->fault.syndrome, 77);
	ck_assert_uint_eq(h->fault.pc, CODE + 4);
	w->answer = SIM_OP_ILLEGAL;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_ILLEGAL);
	ck_assert_uint_eq(h->fault.tval, CUSTOM0);
	w->answer = SIM_OP_DONE;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->pc, CODE + 8);
	ck_assert_uint_eq(h->instret, 2);
	ck_assert_uint_eq(h->x[0], 0);
	ck_assert_uint_eq(h->x[10], 1);
	ck_assert_uint_eq(h->x[11], 16);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->instret, 4);
	ck_assert_uint_eq(w->customs, 4);
}
END_TEST

START_TEST(test_faults)
{
	static const struct {
		uint32_t word, cause;
		uint64_t tval;
	} t[] = {
		{ 0, SIM_CAUSE_ILLEGAL, 0 },
		{ 0xffffffff, SIM_CAUSE_ILLEGAL, 0xffffffff },
		{ 0x0000002f | 5 << 12, SIM_CAUSE_ILLEGAL, 0x502f },	/* amo of an unknown width */
		{ 0x00005053, SIM_CAUSE_ILLEGAL, 0x5053 },		/* fadd.s, rounding mode 5 */
		{ 0x06000053, SIM_CAUSE_ILLEGAL, 0x06000053 },		/* fadd.q */
		{ 0x30200073, SIM_CAUSE_ILLEGAL, 0x30200073 },		/* mret */
		{ 0x12000073, SIM_CAUSE_ILLEGAL, 0x12000073 },		/* sfence.vma */
		{ 0xc0001073, SIM_CAUSE_ILLEGAL, 0xc0001073 },		/* write of cycle */
		{ 0x30002073, SIM_CAUSE_ILLEGAL, 0x30002073 },		/* mstatus */
		{ EBREAK, SIM_CAUSE_BREAK, CODE + 4 },
		{ LD | 5 << 15 | 7 << 7, SIM_CAUSE_LOAD_PAGE, 0xf0000 },
		{ SD | 5 << 15, SIM_CAUSE_STORE_PAGE, 0xf0000 },
		{ LD | 6 << 15, SIM_CAUSE_LOAD_PAGE, RAM_SIZE },	/* into x0, second half missing */
		{ SW | 6 << 15, SIM_CAUSE_STORE_PAGE, RAM_SIZE },
		{ 0x0003302f, SIM_CAUSE_STORE_MISALIGNED, RAM_SIZE - 2 },	/* amoadd.d */
		{ 0x1003202f, SIM_CAUSE_LOAD_MISALIGNED, RAM_SIZE - 2 },	/* lr.w */
		{ 0x1803302f, SIM_CAUSE_STORE_MISALIGNED, RAM_SIZE - 2 },	/* sc.d */
		{ 0x0003b02f, SIM_CAUSE_STORE_ACCESS, DATA },			/* no atomics here */
		{ 0x1003b02f, SIM_CAUSE_LOAD_ACCESS, DATA },
		{ JALR | 5 << 15, SIM_CAUSE_FETCH_PAGE, 0xf0000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bool jump = t[i].cause == SIM_CAUSE_FETCH_PAGE;

		sim_hart_reset(h);
		sim_hart_flush_code(h);
		w->no_amo = 1u << (DATA / 4096);
		CODE_AT(w, CODE, NOP, t[i].word, NOP, RET);
		h->x[5] = 0xf0000;
		h->x[6] = RAM_SIZE - 2;
		h->x[7] = DATA;
		ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
		ck_assert_msg(h->fault.cause == t[i].cause, "row %zu: cause %u", i, h->fault.cause);
		ck_assert_msg(h->fault.tval == t[i].tval, "row %zu: tval %lx", i, h->fault.tval);
		ck_assert_uint_eq(h->fault.pc, jump ? 0xf0000 : CODE + 4);
		ck_assert_uint_eq(h->pc, h->fault.pc);
		ck_assert_uint_eq(h->instret, jump ? 2 : 1);
		if (!jump)
			ck_assert_uint_eq(h->fault.syndrome, t[i].word & 3 ? t[i].word : (uint16_t)t[i].word);
	}
}
END_TEST

/* A store whose second page is missing changes nothing in the first. */
START_TEST(test_store_across)
{
	CODE_AT(w, CODE, s_type(SD, 5, 6, 0), RET);
	h->x[5] = DATA + 4092;
	h->x[6] = UINT64_MAX;
	w->no_store = 1u << (DATA / 4096 + 1);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	ck_assert_uint_eq(h->fault.tval, DATA + 4096);
	ck_assert_uint_eq(w->ram[DATA + 4095], 0);
	w->no_store = 0;
	h->x[1] = EXIT_PC;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(w->ram[DATA + 4095], 0xff);
	ck_assert_uint_eq(w->ram[DATA + 4099], 0xff);
	ck_assert_uint_eq(w->ram[DATA + 4100], 0);
}
END_TEST

/* A 32-bit instruction over a page's end, whose second page comes and goes. */
START_TEST(test_fetch_across)
{
	uint32_t word = i_type(ADDI, 5, 5, 1);

	memcpy(w->ram + 2 * 4096 - 2, &word, 4);
	word = RET;
	memcpy(w->ram + 2 * 4096 + 2, &word, 4);
	word = NOP;
	memcpy(w->ram + 2 * 4096 - 6, &word, 4);
	h->pc = 2 * 4096 - 6;
	w->no_fetch = 1u << 2;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
		ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_FETCH_PAGE);
		ck_assert_uint_eq(h->fault.pc, 2 * 4096 - 2);
		ck_assert_uint_eq(h->fault.tval, 2 * 4096);
		ck_assert_uint_eq(h->instret, 1);
		h->pc = i ? h->pc : 2 * 4096 - 2;
	}
	/* A missing page is never remembered: no flush is needed when it appears. */
	w->no_fetch = 0;
	h->pc = 2 * 4096 - 6;
	h->instret = 0;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->x[5], 1);
	ck_assert_uint_eq(h->instret, 3);
	/* The second page changes: flushing it forgets the instruction that ends in it. */
	w->ram[2 * 4096] = 0x32;	/* addi x5, x5, 3 */
	w->ram[2 * 4096 + 1] = 0x00;
	sim_hart_flush_page(h, 2 * 4096);
	h->pc = 2 * 4096 - 6;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->x[5], 4);
}
END_TEST

START_TEST(test_flush)
{
	CODE_AT(w, CODE, i_type(ADDI, 5, 5, 1), RET);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	CODE_AT(w, CODE, i_type(ADDI, 5, 5, 16), RET);
	sim_hart_flush_code(h);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->x[5], 17);
	w->no_fetch = 1u << (CODE / 4096);
	h->pc = CODE;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	sim_hart_flush_page(h, CODE);
	h->pc = CODE;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	w->no_fetch = 0;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	w->no_fetch = 1u << (CODE / 4096);
	sim_hart_flush_tlb(h);
	h->pc = CODE;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
}
END_TEST

START_TEST(test_mmio)
{
	w->mmio = 1u << (DATA / 4096);
	CODE_AT(w, CODE, i_type(LW, 5, 7, 4), s_type(SW, 7, 6, 0), i_type(LD, 8, 7, 1), RET);
	h->x[7] = DATA;
	h->x[6] = 0x1234;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_LOAD_ACCESS);
	ck_assert_uint_eq(h->fault.tval, DATA + 1);
	ck_assert_uint_eq(h->x[5], (DATA + 4) * 256 + 4);
	ck_assert_uint_eq(w->ram[0] | w->ram[1] << 8, 0x1234);
	w->answer = SIM_OP_DONE;
	h->pc = CODE + 4;
	h->instret = 0;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->pc, CODE + 8);
	ck_assert_uint_eq(h->instret, 1);
}
END_TEST

START_TEST(test_traps)
{
	w->handle_traps = true;
	CODE_AT(w, CODE, NOP, EBREAK, 0xffffffff, RET);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(w->traps, 2);
	ck_assert_uint_eq(h->instret, 2);
	/* Traps use budget: a run of nothing but traps ends. */
	memset(w->ram, 0, RAM_SIZE);
	sim_hart_flush_code(h);
	h->pc = CODE;
	ck_assert_int_eq(sim_hart_run(h, 50), SIM_EXIT_BUDGET);
	ck_assert_uint_eq(w->traps, 52);
}
END_TEST

START_TEST(test_csr)
{
	CODE_AT(w, CODE, 0x001fd073 /* fflags = 31 */, 0x003022f3 /* x5 = fcsr */,
		0x00245073 /* frm = 8 & 7 */, 0x003fe373 /* x6 = fcsr, |= 31 */,
		0xc0202373 /* x6 = instret */, 0xc00023f3 /* x7 = cycle */,
		0x80029473 /* x8 = 0x800, = x5 */, 0x800024f3 /* x9 = 0x800 */,
		0xcc002573 /* x10 = 0xcc0 */, 0xc2202673 /* x12 = vlenb */, RET);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->x[5], 31);
	ck_assert_uint_eq(h->x[6], 4);
	ck_assert_uint_eq(h->x[7], 5);
	ck_assert_uint_eq(h->x[8], 0);
	ck_assert_uint_eq(h->x[9], 31);
	ck_assert_uint_eq(h->x[10], 31);
	ck_assert_uint_eq(h->x[12], 16);
	ck_assert_uint_eq(h->instret, 11);
	h->frm = 5;		/* dynamic rounding in a reserved mode */
	CODE_AT(w, CODE, 0x00007053, RET);
	sim_hart_flush_code(h);
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_FAULT);
	ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_ILLEGAL);
}
END_TEST

/* What the differential test leaves out: see isa_generate.c. */
START_TEST(test_left_out)
{
	CODE_AT(w, CODE, 0x6012951b /* ctzw x10, x5 */, 0x6013159b /* ctzw x11, x6 */,
		0x40610053 /* fcvt.s.bf16 f0, f2 */, 0x448180d3 /* fcvt.bf16.s f1, f3, rne */,
		0x44819253 /* ..., rtz -> f4 */, 0x406202d3 /* fcvt.s.bf16 f5, f4 */,
		0x0100000f /* pause */, RET);
	h->x[5] = 0xffffffff00000000;
	h->x[6] = 0x100;
	h->f[2] = 0xffffffffffff3f80;
	h->f[3] = 0xffffffff3f808001;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->x[10], 32);
	ck_assert_uint_eq(h->x[11], 8);
	ck_assert_uint_eq(h->f[0], 0xffffffff3f800000);
	ck_assert_uint_eq(h->f[1], 0xffffffffffff3f81);
	ck_assert_uint_eq(h->f[4], 0xffffffffffff3f80);
	ck_assert_uint_eq(h->f[5], 0xffffffff3f800000);
	ck_assert_uint_eq(h->fflags, SIM_FP_NX);
	/* Not boxed for 16 bits: the canonical NaN. */
	h->f[2] = 0xffffffff00003f80;
	h->pc = CODE + 8;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	ck_assert_uint_eq(h->f[0], 0xffffffff7fc00000);
}
END_TEST

/* The embedding program's floating-point mode neither matters nor changes. */
START_TEST(test_host_mode)
{
	fenv_t before, after;

	ck_assert_int_eq(fesetround(FE_UPWARD), 0);
	fegetenv(&before);
	CODE_AT(w, CODE, 0x022081d3 /* fadd.d f3, f1, f2, rne */,
		0x1a2082d3 /* fdiv.d f5, f1, f2, rne */, RET);
	memcpy(&h->f[1], &(double){ 1.0 }, 8);
	memcpy(&h->f[2], &(double){ 3.0 + 0x1p-51 }, 8);
	h->fflags = SIM_FP_NX;
	ck_assert_int_eq(sim_hart_run(h, 100), SIM_EXIT_DONE);
	fegetenv(&after);
	ck_assert_int_eq(fegetround(), FE_UPWARD);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fesetround(FE_TONEAREST);
	ck_assert_uint_eq(h->f[3], 0x4010000000000000);
	ck_assert_uint_eq(h->f[5], 0x3fd5555555555554);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hart_run");
	TCase *tc = tcase_create("run");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_exit_and_counts);
	tcase_add_test(tc, test_exit_pc_in_code);
	tcase_add_test(tc, test_budget);
	tcase_add_test(tc, test_stop);
	tcase_add_test(tc, test_custom);
	tcase_add_test(tc, test_faults);
	tcase_add_test(tc, test_store_across);
	tcase_add_test(tc, test_fetch_across);
	tcase_add_test(tc, test_flush);
	tcase_add_test(tc, test_mmio);
	tcase_add_test(tc, test_traps);
	tcase_add_test(tc, test_csr);
	tcase_add_test(tc, test_left_out);
	tcase_add_test(tc, test_host_mode);
	suite_add_tcase(s, tc);
	return check_run(s);
}
