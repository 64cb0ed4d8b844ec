// SPDX-License-Identifier: MIT
/* Exceptions, interrupts, wfi and lockup. */
#include "mcu_test.h"

#include "mcu_bench.h"

#define MIE_ALL		(SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP)

/* A handler that copies mcause, mepc and mtval to x20..x22 and stops there in a loop of its own. */
static struct bench *with_handler(uint32_t mode)
{
	struct bench *b = bench_create();

	poke(b, HANDLER, ASM_CSRRS(20, 0x342, 0));
	poke(b, HANDLER + 4, ASM_CSRRS(21, 0x341, 0));
	poke(b, HANDLER + 8, ASM_CSRRS(22, 0x343, 0));
	poke(b, HANDLER + 12, ASM_CSRRS(23, 0x300, 0));
	poke(b, HANDLER + 16, asm_jal(0, 0));
	constant(b, 5, HANDLER | mode);
	code(b, ASM_CSRRW(0, 0x305, 5));
	return b;
}

static void check_exception(uint32_t word, uint32_t cause, uint32_t value)
{
	struct bench *b = with_handler(1);
	uint32_t pc;

	constant(b, 6, 0x2);
	code(b, ASM_CSRRSI(0, 0x300, 8));
	pc = RAM + b->at;
	code(b, word);
	ck_assert_int_eq(run(b, 20), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.x[20], cause);
	ck_assert_uint_eq(b->s.x[21], pc);
	ck_assert_uint_eq(b->s.x[22], value == 1 ? pc : value);
	/* MIE went to MPIE. */
	ck_assert_uint_eq(b->s.x[23], 0x1880);
	bench_destroy(b);
}

START_TEST(exceptions)
{
	check_exception(ASM_ECALL, SIM_MCU_ECALL, 0);
	check_exception(ASM_EBREAK, SIM_MCU_BREAK, 1);
	check_exception(0xffffffffu, SIM_MCU_ILLEGAL, 0xffffffffu);
	check_exception(0x00000000u, SIM_MCU_ILLEGAL, 0);
	check_exception(0x12349002u, SIM_MCU_BREAK, 1);
	check_exception(0xabcd6000u, SIM_MCU_ILLEGAL, 0x6000u);
	check_exception(ASM_LW(7, 0, 6), SIM_MCU_LOAD_ACCESS, 2);
	check_exception(ASM_SB(7, 5, 6), SIM_MCU_STORE_ACCESS, 7);
}
END_TEST

/* A jump into nothing traps there, not at the jump. */
START_TEST(jump_out_of_memory)
{
	struct bench *b = with_handler(0);

	constant(b, 6, 0x50000000u);
	code(b, ASM_JALR(1, 0, 6));
	run(b, 20);
	ck_assert_uint_eq(b->s.x[20], SIM_MCU_FETCH_ACCESS);
	ck_assert_uint_eq(b->s.x[21], 0x50000000u);
	ck_assert_uint_eq(b->s.x[22], 0x50000000u);
	bench_destroy(b);
}
END_TEST

START_TEST(interrupt_priority_and_vectors)
{
	static const struct {
		uint32_t lines, number;
	} rows[] = {
		{ SIM_MCU_MTIP, 7 }, { SIM_MCU_MSIP, 3 }, { SIM_MCU_MEIP, 11 },
		{ SIM_MCU_MTIP | SIM_MCU_MSIP, 3 }, { MIE_ALL, 11 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t mode = 0; mode < 2; mode++) {
			struct bench *b = with_handler(mode);

			poke(b, HANDLER + 4 * rows[i].number, asm_jal(0, 0));
			constant(b, 6, 0x888);
			code(b, ASM_CSRRW(0, 0x304, 6));
			code(b, ASM_CSRRSI(0, 0x300, 8));
			sim_mcu_set_irq(b->mcu, rows[i].lines, true);
			run(b, b->at / 4);
			run(b, 0);
			ck_assert_uint_eq(b->s.mcause, 0x80000000u | rows[i].number);
			ck_assert_uint_eq(b->s.mepc, RAM + b->at);
			ck_assert_uint_eq(b->s.mtval, 0);
			ck_assert_uint_eq(b->s.pc, mode ? HANDLER + 4 * rows[i].number : HANDLER);
			bench_destroy(b);
		}
}
END_TEST

START_TEST(masked_interrupts_wait)
{
	struct bench *b = with_handler(0);

	sim_mcu_set_irq(b->mcu, MIE_ALL, true);
	code(b, ASM_CSRRSI(0, 0x300, 8));	/* enabled, but mie is 0 */
	code(b, ASM_NOP);
	run_code(b);
	code(b, ASM_CSRRCI(0, 0x300, 8));
	constant(b, 6, 0x888);
	code(b, ASM_CSRRW(0, 0x304, 6));	/* mie, but disabled */
	code(b, ASM_CSRRS(7, 0x344, 0));
	code(b, ASM_NOP);
	run(b, 6);
	ck_assert_uint_eq(b->s.pc, RAM + b->at);
	ck_assert_uint_eq(b->s.x[7], 0x888);
	code(b, ASM_CSRRSI(0, 0x300, 8));
	run(b, 1);
	ck_assert_uint_eq(b->s.pc, HANDLER);
	bench_destroy(b);
}
END_TEST

/* A write to a register raises a line: the very next instruction is the handler's. */
START_TEST(interrupt_from_a_register_write)
{
	struct bench *b = with_handler(0);

	b->irq_on_write = SIM_MCU_MEIP;
	constant(b, 6, 0x888);
	code(b, ASM_CSRRW(0, 0x304, 6));
	code(b, ASM_CSRRSI(0, 0x300, 8));
	constant(b, 7, MMIO);
	code(b, ASM_SW(0, 0, 7));
	code(b, ASM_ADDI(8, 0, 1));
	run(b, 50);
	ck_assert_uint_eq(b->s.x[8], 0);
	ck_assert_uint_eq(b->s.x[20], 0x8000000bu);
	ck_assert_uint_eq(b->s.x[21], RAM + b->at - 4);
	bench_destroy(b);
}
END_TEST

START_TEST(mret_returns)
{
	struct bench *b = with_handler(0);

	poke(b, HANDLER, ASM_CSRRS(20, 0x341, 0));
	poke(b, HANDLER + 4, ASM_ADDI(20, 20, 4));
	poke(b, HANDLER + 8, ASM_CSRRW(0, 0x341, 20));
	poke(b, HANDLER + 12, ASM_MRET);
	code(b, ASM_CSRRSI(0, 0x300, 8));
	code(b, ASM_ECALL);
	code(b, ASM_ADDI(9, 0, 5));
	run(b, 10);
	ck_assert_uint_eq(b->s.x[9], 5);
	ck_assert_uint_eq(b->s.mstatus, 0x1888);
	bench_destroy(b);
}
END_TEST

START_TEST(wfi_sleeps_until_a_line)
{
	struct bench *b = with_handler(0);

	constant(b, 6, SIM_MCU_MTIP);
	code(b, ASM_CSRRW(0, 0x304, 6));
	code(b, ASM_WFI);
	code(b, ASM_ADDI(8, 8, 1));
	ck_assert_int_eq(run(b, 100), SIM_MCU_WFI);
	ck_assert(!sim_mcu_runnable(b->mcu));
	ck_assert_int_eq(run(b, 100), SIM_MCU_WFI);
	sim_mcu_set_irq(b->mcu, SIM_MCU_MEIP, true);
	ck_assert(!sim_mcu_runnable(b->mcu));
	ck_assert_int_eq(run(b, 100), SIM_MCU_WFI);
	ck_assert_uint_eq(b->s.x[8], 0);
	/* mstatus.MIE is 0: it goes on behind wfi instead of trapping. */
	sim_mcu_set_irq(b->mcu, SIM_MCU_MTIP, true);
	ck_assert(sim_mcu_runnable(b->mcu));
	ck_assert_int_eq(run(b, 1), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.x[8], 1);
	/* A line that is up already: no sleep at all. */
	code(b, ASM_WFI);
	code(b, ASM_ADDI(8, 8, 1));
	ck_assert_int_eq(run(b, 2), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.x[8], 2);
	bench_destroy(b);
}
END_TEST

START_TEST(wfi_wakes_into_the_handler)
{
	struct bench *b = with_handler(0);

	constant(b, 6, SIM_MCU_MTIP);
	code(b, ASM_CSRRW(0, 0x304, 6));
	code(b, ASM_CSRRSI(0, 0x300, 8));
	code(b, ASM_WFI);
	ck_assert_int_eq(run(b, 100), SIM_MCU_WFI);
	sim_mcu_set_irq(b->mcu, SIM_MCU_MTIP, true);
	run(b, 10);
	ck_assert_uint_eq(b->s.x[20], 0x80000007u);
	ck_assert_uint_eq(b->s.x[21], RAM + b->at);
	bench_destroy(b);
}
END_TEST

START_TEST(no_handler_locks_up)
{
	struct bench *b = bench_create();

	code(b, ASM_NOP);
	code(b, ASM_ECALL);
	ck_assert_int_eq(run(b, 100), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->s.mcause, SIM_MCU_ECALL);
	ck_assert_uint_eq(b->s.mepc, RAM + 4);
	ck_assert(!sim_mcu_runnable(b->mcu));
	ck_assert_int_eq(run(b, 100), SIM_MCU_LOCKUP);
	sim_mcu_reset(b->mcu, RAM);
	ck_assert_int_eq(run(b, 1), SIM_MCU_BUDGET);
	bench_destroy(b);
}
END_TEST

/* The handler's first instruction traps, or is not there: the first cause stays to be read. */
START_TEST(broken_handler_locks_up)
{
	struct bench *b = with_handler(0);

	poke(b, HANDLER, 0);
	code(b, ASM_EBREAK);
	ck_assert_int_eq(run(b, 100), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->s.mcause, SIM_MCU_BREAK);
	bench_destroy(b);
	b = bench_create();
	constant(b, 5, 0x70000000u);
	code(b, ASM_CSRRW(0, 0x305, 5));
	code(b, ASM_EBREAK);
	ck_assert_int_eq(run(b, 100), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->s.mcause, SIM_MCU_BREAK);
	bench_destroy(b);
}
END_TEST

/* A handler that traps later on is a nested trap, and the run ends by its budget. */
START_TEST(nested_traps_go_on)
{
	struct bench *b = with_handler(0);

	poke(b, HANDLER + 4, ASM_EBREAK);
	code(b, ASM_ECALL);
	ck_assert_int_eq(run(b, 10000), SIM_MCU_BUDGET);
	bench_destroy(b);
}
END_TEST

TCase *mcu_trap_tests(void)
{
	TCase *tc = tcase_create("traps");

	tcase_add_test(tc, exceptions);
	tcase_add_test(tc, jump_out_of_memory);
	tcase_add_test(tc, interrupt_priority_and_vectors);
	tcase_add_test(tc, masked_interrupts_wait);
	tcase_add_test(tc, interrupt_from_a_register_write);
	tcase_add_test(tc, mret_returns);
	tcase_add_test(tc, wfi_sleeps_until_a_line);
	tcase_add_test(tc, wfi_wakes_into_the_handler);
	tcase_add_test(tc, no_handler_locks_up);
	tcase_add_test(tc, broken_handler_locks_up);
	tcase_add_test(tc, nested_traps_go_on);
	return tc;
}
