// SPDX-License-Identifier: MIT
/* The core's bus, budget, state and CSRs. */
#include "mcu_test.h"

#include "mcu_bench.h"

START_TEST(regions_are_checked)
{
	static uint8_t bytes[8192];
	struct sim_mcu_region r[5] = { { .base = 0x1000, .size = 4096, .data = bytes } };

	ck_assert_ptr_null(sim_mcu_create(r, 0, NULL, NULL));
	ck_assert_ptr_null(sim_mcu_create(r, 5, NULL, NULL));
	r[1] = (struct sim_mcu_region){ .base = 0x1000, .size = 8192, .data = bytes };
	ck_assert_ptr_null(sim_mcu_create(r, 2, NULL, NULL));
	r[0].size = 100;
	ck_assert_ptr_null(sim_mcu_create(r, 1, NULL, NULL));
	r[0].size = 0;
	ck_assert_ptr_null(sim_mcu_create(r, 1, NULL, NULL));
	r[0] = (struct sim_mcu_region){ .base = 0xfffff000u, .size = 8192, .data = bytes };
	ck_assert_ptr_null(sim_mcu_create(r, 1, NULL, NULL));
	r[0] = (struct sim_mcu_region){ .base = 0x1000, .size = 4096 };
	ck_assert_ptr_null(sim_mcu_create(r, 1, NULL, NULL));
	sim_mcu_destroy(NULL);
}
END_TEST

START_TEST(memory_is_bounded)
{
	struct bench *b = bench_create();

	ck_assert_ptr_eq(sim_mcu_memory(b->mcu, RAM, RAM_SIZE), b->ram);
	ck_assert_ptr_eq(sim_mcu_memory(b->mcu, RAM + RAM_SIZE - 1, 1), b->ram + RAM_SIZE - 1);
	ck_assert_ptr_null(sim_mcu_memory(b->mcu, RAM, RAM_SIZE + 1));
	ck_assert_ptr_null(sim_mcu_memory(b->mcu, RAM - 1, 2));
	ck_assert_ptr_null(sim_mcu_memory(b->mcu, RAM + RAM_SIZE - 1, 2));
	ck_assert_ptr_null(sim_mcu_memory(b->mcu, UINT32_MAX, 1));
	ck_assert_ptr_null(sim_mcu_memory(b->mcu, 0, UINT32_MAX));
	bench_destroy(b);
}
END_TEST

/* Every width at every offset around both ends of memory: in it works, across it faults. */
START_TEST(accesses_at_the_edges)
{
	static const uint32_t len[] = { 1, 2, 4 };

	for (uint32_t store = 0; store < 2; store++)
		for (uint32_t w = 0; w < 3; w++)
			for (int32_t d = -8; d <= 8; d++)
				for (uint32_t end = 0; end < 2; end++) {
					struct bench *b = bench_create();
					uint32_t addr = (end ? RAM + RAM_SIZE : RAM) + (uint32_t)d;
					bool inside = addr >= RAM && addr - RAM + len[w] <= RAM_SIZE;

					constant(b, 5, addr);
					/* The code lies at the start: store what is there. */
					code(b, asm_i(0x03, 2, 6, 5, 0));
					if (store)
						poke(b, RAM + 8, asm_s(w, 5, 0, 0));
					else
						poke(b, RAM + 8, asm_i(0x03, w, 6, 5, 0));
					run(b, 3);
					ck_assert_uint_eq(b->s.locked_up, !inside);
					if (!inside) {
						ck_assert_uint_eq(b->s.mcause, store ? SIM_MCU_STORE_ACCESS :
								  SIM_MCU_LOAD_ACCESS);
						ck_assert_uint_eq(b->s.mtval, addr);
					}
					bench_destroy(b);
				}
}
END_TEST

START_TEST(loads_extend)
{
	struct bench *b = bench_create();

	poke(b, DATA, 0x8283f4f5u);
	constant(b, 5, DATA);
	code(b, ASM_LB(6, 0, 5));
	code(b, asm_i(0x03, 4, 7, 5, 0));
	code(b, ASM_LH(8, 2, 5));
	code(b, asm_i(0x03, 5, 9, 5, 2));
	code(b, ASM_LW(10, 0, 5));
	code(b, ASM_LH(11, 1, 5));
	run_code(b);
	ck_assert_uint_eq(b->s.x[6], 0xfffffff5u);
	ck_assert_uint_eq(b->s.x[7], 0xf5);
	ck_assert_uint_eq(b->s.x[8], 0xffff8283u);
	ck_assert_uint_eq(b->s.x[9], 0x8283);
	ck_assert_uint_eq(b->s.x[10], 0x8283f4f5u);
	ck_assert_uint_eq(b->s.x[11], 0xffff83f4u);
	bench_destroy(b);
}
END_TEST

START_TEST(registers_are_reached)
{
	struct bench *b = bench_create();

	b->mmio[1] = 0xcafef00du;
	constant(b, 5, MMIO);
	code(b, ASM_LW(6, 4, 5));
	code(b, ASM_LB(7, 5, 5));
	code(b, ASM_SW(6, 8, 5));
	code(b, ASM_SB(6, 12, 5));
	run_code(b);
	ck_assert_uint_eq(b->s.x[6], 0xcafef00du);
	ck_assert_uint_eq(b->s.x[7], 0xfffffff0u);
	ck_assert_uint_eq(b->mmio[2], 0xcafef00du);
	ck_assert_uint_eq(b->mmio[3], 0x0d);
	ck_assert_uint_eq(b->reads, 2);
	ck_assert_uint_eq(b->writes, 2);
	bench_destroy(b);
}
END_TEST

/* The callbacks never see an access that is not aligned. */
START_TEST(registers_want_alignment)
{
	for (uint32_t i = 1; i < 4; i++) {
		struct bench *b = bench_create();

		constant(b, 5, MMIO);
		code(b, i & 1 ? ASM_LW(6, (int32_t)i, 5) : ASM_SW(6, (int32_t)i, 5));
		ck_assert_int_eq(run(b, 3), SIM_MCU_LOCKUP);
		ck_assert_uint_eq(b->s.mcause, i & 1 ? SIM_MCU_LOAD_ACCESS : SIM_MCU_STORE_ACCESS);
		ck_assert_uint_eq(b->reads + b->writes, 0);
		bench_destroy(b);
	}
}
END_TEST

START_TEST(budget_is_exact)
{
	struct bench *b = bench_create();

	for (uint32_t i = 0; i < 100; i++)
		code(b, ASM_ADDI(5, 5, 1));
	for (uint32_t i = 1; i <= 10; i++) {
		ck_assert_int_eq(run(b, i), SIM_MCU_BUDGET);
		ck_assert_uint_eq(b->s.x[5], i * (i + 1) / 2);
	}
	ck_assert_int_eq(run(b, 0), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.x[5], 55);
	bench_destroy(b);
}
END_TEST

START_TEST(stop_ends_the_run)
{
	struct bench *b = bench_create();

	b->stop_on_write = true;
	constant(b, 5, MMIO);
	code(b, ASM_SW(0, 0, 5));
	code(b, ASM_ADDI(6, 0, 1));
	ck_assert_int_eq(run(b, 1000), SIM_MCU_STOP);
	ck_assert_uint_eq(b->s.pc, RAM + 12);
	ck_assert_int_eq(run(b, 1), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.x[6], 1);
	bench_destroy(b);
}
END_TEST

/* Code changes behind the core's back or under its hands are seen after a flush, not before. */
START_TEST(instruction_cache)
{
	struct bench *b = bench_create();
	uint32_t one = ASM_ADDI(6, 6, 1), ten = ASM_ADDI(6, 6, 10);

	poke(b, RAM, one);
	poke(b, RAM + 4, asm_jal(0, -4));
	run(b, 2);
	ck_assert_uint_eq(b->s.x[6], 1);
	poke(b, RAM, ten);
	run(b, 2);
	ck_assert_uint_eq(b->s.x[6], 2);
	sim_mcu_flush_icache(b->mcu);
	run(b, 2);
	ck_assert_uint_eq(b->s.x[6], 12);
	sim_mcu_reset(b->mcu, RAM);
	b->at = 0;
	constant(b, 5, RAM + 24);
	constant(b, 7, one);
	code(b, ASM_SW(7, 0, 5));
	code(b, ASM_FENCE_I);
	code(b, ten);
	run_code(b);
	ck_assert_uint_eq(b->s.x[6], 1);
	bench_destroy(b);
}
END_TEST

/* An instruction across a page, and one whose second half is beyond memory. */
START_TEST(fetch_across_edges)
{
	struct bench *b = bench_create();
	uint32_t word = ASM_ADDI(6, 6, 9);

	memcpy(b->ram + 4094, &word, 4);
	sim_mcu_reset(b->mcu, RAM + 4094);
	run(b, 1);
	ck_assert_uint_eq(b->s.x[6], 9);
	ck_assert_uint_eq(b->s.pc, RAM + 4098);
	memcpy(b->ram + RAM_SIZE - 2, &word, 2);
	sim_mcu_reset(b->mcu, RAM + RAM_SIZE - 2);
	ck_assert_int_eq(run(b, 1), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->s.mcause, SIM_MCU_FETCH_ACCESS);
	ck_assert_uint_eq(b->s.mtval, RAM + RAM_SIZE);
	ck_assert_uint_eq(b->s.mepc, RAM + RAM_SIZE - 2);
	sim_mcu_reset(b->mcu, 0);
	ck_assert_int_eq(run(b, 1), SIM_MCU_LOCKUP);
	sim_mcu_reset(b->mcu, MMIO);
	ck_assert_int_eq(run(b, 1), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->reads, 0);
	bench_destroy(b);
}
END_TEST

START_TEST(state_survives_a_move)
{
	struct bench *b = bench_create(), *c = bench_create();

	for (uint32_t i = 1; i < 32; i++)
		constant(b, i, i * 0x01234567u);
	code(b, ASM_CSRRW(0, 0x340, 31));
	code(b, ASM_CSRRW(0, 0x305, 30));
	run_code(b);
	sim_mcu_set_state(c->mcu, &b->s);
	sim_mcu_get_state(c->mcu, &c->s);
	ck_assert_mem_eq(c->s.x, b->s.x, sizeof(b->s.x));
	ck_assert_uint_eq(c->s.mscratch, 31 * 0x01234567u);
	ck_assert_uint_eq(c->s.mtvec, b->s.mtvec);
	ck_assert_uint_eq(c->s.minstret, b->s.minstret);
	ck_assert_uint_eq(c->s.pc, b->s.pc);
	/* No core can hold these. */
	memset(&c->s, 0xff, sizeof(c->s));
	c->s.lr_valid = c->s.waiting = c->s.locked_up = false;
	sim_mcu_set_state(c->mcu, &c->s);
	sim_mcu_get_state(c->mcu, &c->s);
	ck_assert_uint_eq(c->s.x[0], 0);
	ck_assert_uint_eq(c->s.mstatus, 0x1888);
	ck_assert_uint_eq(c->s.mie, 0x888);
	ck_assert_uint_eq(c->s.mtvec, 0xfffffffdu);
	ck_assert_uint_eq(c->s.pc, 0xfffffffeu);
	bench_destroy(b);
	bench_destroy(c);
}
END_TEST

/* What all ones and all zeros leave in every CSR; absent ones are illegal. */
START_TEST(csrs_are_warl)
{
	static const struct {
		uint32_t first, last, ones;
		bool read_only;
	} rows[] = {
		{ 0x300, 0x300, 0x1888, false }, { 0x301, 0x301, 0x40001105u, false },
		{ 0x304, 0x304, 0x888, false }, { 0x305, 0x305, 0xfffffffdu, false },
		{ 0x310, 0x310, 0, false }, { 0x320, 0x320, 0, false }, { 0x323, 0x33f, 0, false },
		{ 0x340, 0x340, 0xffffffffu, false }, { 0x341, 0x341, 0xfffffffeu, false },
		{ 0x342, 0x342, 0x8000001fu, false }, { 0x343, 0x343, 0xffffffffu, false },
		{ 0x344, 0x344, 0, false }, { 0x3a0, 0x3ef, 0, false },
		{ 0xb00, 0xb00, 0xffffffffu, false }, { 0xb02, 0xb02, 0xffffffffu, false },
		{ 0xb03, 0xb1f, 0, false }, { 0xb80, 0xb80, 0xffffffffu, false },
		{ 0xb82, 0xb82, 0xffffffffu, false }, { 0xb83, 0xb9f, 0, false },
		{ 0xf11, 0xf15, 0, true },
	};

	for (uint32_t csr = 0; csr < 4096; csr++) {
		struct bench *b = bench_create();
		const uint32_t *ones = NULL;
		bool read_only = false;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (csr >= rows[i].first && csr <= rows[i].last) {
				ones = &rows[i].ones;
				read_only = rows[i].read_only;
			}
		code(b, ASM_CSRRS(6, (int32_t)csr, 0));
		run(b, 1);
		ck_assert_msg(b->s.locked_up == !ones, "csr %x", csr);
		sim_mcu_reset(b->mcu, RAM);
		b->at = 0;
		code(b, ASM_ADDI(5, 0, -1));
		code(b, ASM_CSRRW(0, (int32_t)csr, 5));
		code(b, ASM_CSRRS(6, (int32_t)csr, 0));
		run(b, 3);
		ck_assert_msg(b->s.locked_up == (!ones || read_only), "csr %x", csr);
		if (ones && !read_only)
			ck_assert_msg(b->s.x[6] == *ones, "csr %x: %x", csr, b->s.x[6]);
		bench_destroy(b);
	}
}
END_TEST

START_TEST(csr_instructions)
{
	struct bench *b = bench_create();

	constant(b, 5, 0xf0f0);
	constant(b, 6, 0x00ff);
	code(b, ASM_CSRRW(7, 0x340, 5));
	code(b, ASM_CSRRS(8, 0x340, 6));
	code(b, ASM_CSRRC(9, 0x340, 5));
	code(b, ASM_CSRRWI(10, 0x340, 21));
	code(b, ASM_CSRRSI(11, 0x340, 10));
	code(b, ASM_CSRRCI(12, 0x340, 7));
	code(b, ASM_CSRRSI(13, 0x340, 0));
	code(b, ASM_CSRRS(14, 0xf14, 0));
	code(b, ASM_CSRRCI(15, 0xf14, 0));
	run_code(b);
	ck_assert_uint_eq(b->s.x[7], 0);
	ck_assert_uint_eq(b->s.x[8], 0xf0f0);
	ck_assert_uint_eq(b->s.x[9], 0xf0ff);
	ck_assert_uint_eq(b->s.x[10], 0x000f);
	ck_assert_uint_eq(b->s.x[11], 21);
	ck_assert_uint_eq(b->s.x[12], 31);
	ck_assert_uint_eq(b->s.x[13], 24);
	/* Setting nothing in a read-only CSR is allowed, setting something is not. */
	code(b, ASM_CSRRSI(15, 0xf14, 1));
	ck_assert_int_eq(run(b, 1), SIM_MCU_LOCKUP);
	ck_assert_uint_eq(b->s.mcause, SIM_MCU_ILLEGAL);
	bench_destroy(b);
}
END_TEST

START_TEST(counters)
{
	struct bench *b = bench_create();

	constant(b, 5, 1000);
	code(b, ASM_CSRRS(6, 0xb02, 0));
	code(b, ASM_CSRRW(0, 0xb02, 5));
	code(b, ASM_CSRRS(7, 0xb02, 0));
	code(b, ASM_NOP);
	code(b, ASM_CSRRS(8, 0xb02, 0));
	code(b, ASM_ADDI(9, 0, -1));
	code(b, ASM_CSRRW(0, 0xb80, 0));
	code(b, ASM_CSRRW(0, 0xb00, 9));
	code(b, ASM_NOP);
	code(b, ASM_CSRRS(10, 0xb80, 0));
	code(b, ASM_CSRRS(11, 0xb00, 0));
	run_code(b);
	ck_assert_uint_eq(b->s.x[6], 2);
	ck_assert_uint_eq(b->s.x[7], 1000);
	ck_assert_uint_eq(b->s.x[8], 1002);
	ck_assert_uint_eq(b->s.x[10], 1);
	ck_assert_uint_eq(b->s.x[11], 1);
	bench_destroy(b);
}
END_TEST

START_TEST(reservations)
{
	struct bench *b = bench_create();

	poke(b, DATA, 77);
	constant(b, 5, DATA);
	constant(b, 6, 99);
	code(b, ASM_SC(7, 6, 5));		/* nothing reserved */
	code(b, ASM_LR(8, 5));
	code(b, ASM_ADDI(9, 5, 4));
	code(b, ASM_SC(10, 6, 9));		/* another word */
	code(b, ASM_SC(11, 6, 5));		/* spent */
	code(b, ASM_LR(12, 5));
	code(b, ASM_SC(13, 6, 5));
	code(b, ASM_SC(14, 0, 5));
	run_code(b);
	ck_assert_uint_eq(b->s.x[7], 1);
	ck_assert_uint_eq(b->s.x[8], 77);
	ck_assert_uint_eq(b->s.x[10], 1);
	ck_assert_uint_eq(b->s.x[11], 1);
	ck_assert_uint_eq(b->s.x[12], 77);
	ck_assert_uint_eq(b->s.x[13], 0);
	ck_assert_uint_eq(b->s.x[14], 1);
	ck_assert_uint_eq(peek(b, DATA), 99);
	bench_destroy(b);
}
END_TEST

START_TEST(atomics_want_aligned_memory)
{
	static const struct {
		uint32_t addr, f5, cause;
	} rows[] = {
		{ DATA + 1, 0, SIM_MCU_STORE_MISALIGNED }, { DATA + 2, 2, SIM_MCU_LOAD_MISALIGNED },
		{ DATA + 3, 3, SIM_MCU_STORE_MISALIGNED }, { MMIO, 0, SIM_MCU_STORE_ACCESS },
		{ MMIO, 2, SIM_MCU_LOAD_ACCESS }, { MMIO, 3, SIM_MCU_STORE_ACCESS },
		{ RAM + RAM_SIZE, 1, SIM_MCU_STORE_ACCESS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *b = bench_create();

		constant(b, 5, rows[i].addr);
		code(b, ASM_AMO(rows[i].f5, 6, 0, 5));
		ck_assert_int_eq(run(b, 3), SIM_MCU_LOCKUP);
		ck_assert_uint_eq(b->s.mcause, rows[i].cause);
		ck_assert_uint_eq(b->s.mtval, rows[i].addr);
		ck_assert_uint_eq(b->reads + b->writes, 0);
		bench_destroy(b);
	}
}
END_TEST

TCase *mcu_unit_tests(void)
{
	TCase *tc = tcase_create("unit");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, regions_are_checked);
	tcase_add_test(tc, memory_is_bounded);
	tcase_add_test(tc, accesses_at_the_edges);
	tcase_add_test(tc, loads_extend);
	tcase_add_test(tc, registers_are_reached);
	tcase_add_test(tc, registers_want_alignment);
	tcase_add_test(tc, budget_is_exact);
	tcase_add_test(tc, stop_ends_the_run);
	tcase_add_test(tc, instruction_cache);
	tcase_add_test(tc, fetch_across_edges);
	tcase_add_test(tc, state_survives_a_move);
	tcase_add_test(tc, csrs_are_warl);
	tcase_add_test(tc, csr_instructions);
	tcase_add_test(tc, counters);
	tcase_add_test(tc, reservations);
	tcase_add_test(tc, atomics_want_aligned_memory);
	return tc;
}
