// SPDX-License-Identifier: MIT
/*
 * The clock of the cores, as the firmware sets it: cycles by hand from Documentation/hw/time.rst, energy,
 * power and temperature from the formulas of telemetry.rst, in floating point.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"
#include <dev/engine.h>

#define MAX_KHZ		1050000u
#define LOW_KHZ		350000u		/* a third of it: cycles by hand are whole ones */
#define SCRIPT		0x1000000
#define DESC		0x200000
#define STAMP		(HOST_SCRATCH + 4096)

static struct engine *e;
static struct engine_queue *q;

static void setup(void)
{
	struct gaon_sim_config config = { .threads = 1 };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void teardown(void)
{
	engine_destroy(e);
}

static uint32_t reg_read(uint32_t reg)
{
	uint32_t value;

	engine_lock(e);
	ck_assert(sim_mcubus_read(e->sim, GAON_MCU_REGS + reg, 4, &value));
	engine_unlock(e);
	return value;
}

static void reg_write(uint32_t reg, uint32_t value)
{
	engine_lock(e);
	ck_assert(sim_mcubus_write(e->sim, GAON_MCU_REGS + reg, 4, value));
	engine_unlock(e);
}

static struct gaon_telemetry telemetry(void)
{
	struct gaon_telemetry t;

	engine_lock(e);
	sim_telemetry_latch(e->sim, &t);
	engine_unlock(e);
	return t;
}

/* Cycles from the end of what was before to the end of this packet; a NOP takes @nop. */
static uint64_t cycles_of(const struct gaon_packet *pkt, uint64_t nop)
{
	struct gaon_packet stamp = { .type = GAON_PKT_TIMESTAMP };
	uint64_t before;

	stamp.timestamp.va = VA_HOST + STAMP;
	ck_assert_uint_eq(engine_do(e, q, &stamp), GAON_FAULT_NONE);
	before = *engine_host64(e, STAMP);
	engine_push(e, q, pkt);
	ck_assert_uint_eq(engine_do(e, q, &stamp), GAON_FAULT_NONE);
	return *engine_host64(e, STAMP) - before - nop;
}

static double scale(double khz)
{
	double r = khz / MAX_KHZ;

	return r * (0.6 + 0.4 * r) * (0.6 + 0.4 * r);
}

START_TEST(what_the_clock_drives_is_slower)
{
	struct gaon_packet nop = { .type = GAON_PKT_NOP }, copy = { .type = GAON_PKT_COPY };
	struct gaon_packet spin = engine_launch(K_SPIN, 1000, 1, 1, 1);
	struct gaon_packet nine = engine_launch(K_NOP, 0, 9, 1, 1);
	uint64_t bytes = 3 << 20, link;

	reg_write(GAON_MCU_CLOCK_KHZ, LOW_KHZ);
	ck_assert_uint_eq(reg_read(GAON_MCU_CLOCK_KHZ), LOW_KHZ);
	ck_assert_uint_eq(cycles_of(&nop, 24), 3 * 8);
	ck_assert_uint_eq(cycles_of(&spin, 24), 3 * (8 + 256 + 32 + 1000 * 2 + 999 * 2 + 3 + 64));
	ck_assert_uint_eq(cycles_of(&nine, 24), 3 * (8 + 256 + 3 * (32 + 3) + 64));
	copy.copy.dst_va = VA_HBM;
	copy.copy.src_va = VA_HBM + (8 << 20);
	copy.copy.bytes = bytes;
	/* The engine is the limit; HBM's latency is its own. */
	ck_assert_uint_eq(cycles_of(&copy, 24), 3 * (8 + 128 + bytes / 512) + 256);
	copy.copy.dst_va = VA_HOST + (16 << 20);
	/* The link is. */
	link = (bytes * MAX_KHZ * 16 + e->sim->identify.host_mbps * 1000ull - 1) /
	       (e->sim->identify.host_mbps * 1000ull);
	ck_assert_uint_eq(cycles_of(&copy, 24), 3 * (8 + 128) + link / 16 + 1050);
	/* Back: as it was. */
	reg_write(GAON_MCU_CLOCK_KHZ, MAX_KHZ);
	ck_assert_uint_eq(cycles_of(&spin, 8), 8 + 256 + 32 + 1000 * 2 + 999 * 2 + 3 + 64);
}
END_TEST

/* What another gemm adds, and another DMA of 32 KiB, behind the one before. */
static uint64_t added(uint64_t what, uint64_t desc, uint64_t nop)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, 1, 1, 1);
	uint64_t cycles[2];

	pkt.launch.spm_bytes = 2 << 20;
	for (unsigned int n = 0; n < 2; n++) {
		uint64_t *at = engine_hbm64(e, SCRIPT + 4096);

		engine_hbm64(e, SCRIPT)[0] = VA_HBM + SCRIPT + 4096;
		for (unsigned int i = 0; i < 8 + n; i++, at += 3)
			memcpy(at, (uint64_t[]){ what, desc, 0 }, 24);
		memcpy(at, (uint64_t[]){ 4, 0, 0, 0, 0, 0 }, 48);
		cycles[n] = cycles_of(&pkt, nop);
	}
	return cycles[1] - cycles[0];
}

START_TEST(engines_of_cores_are_slower)
{
	const struct gaon_gemm_desc gemm = {
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32, .m = 1024, .n = 1,
		.k = 1, .a = GAON_VA_SPM, .b = GAON_VA_SPM, .c = GAON_VA_SPM + (1 << 20), .lda = 4,
		.ldb = 4, .ldc = 4,
	};
	const struct gaon_dma_desc dma = {
		.mem_va = VA_HBM, .spm_va = GAON_VA_SPM, .bytes = 262144, .count = { 1, 1, 1 },
	};

	memcpy(engine_hbm(e, DESC), &gemm, sizeof(gemm));
	memcpy(engine_hbm(e, DESC + 128), &dma, sizeof(dma));
	ck_assert_uint_eq(added(1, VA_HBM + DESC, 8), 4096);
	ck_assert_uint_eq(added(2, VA_HBM + DESC + 128, 8), 1024);
	reg_write(GAON_MCU_CLOCK_KHZ, LOW_KHZ);
	ck_assert_uint_eq(added(1, VA_HBM + DESC, 24), 3 * 4096);
	ck_assert_uint_eq(added(2, VA_HBM + DESC + 128, 24), 3 * 1024);
}
END_TEST

START_TEST(clocks_that_cannot_be_are_ignored)
{
	static const uint32_t bad[] = { 0, LOW_KHZ - 1, MAX_KHZ + 1, UINT32_MAX };

	reg_write(GAON_MCU_CLOCK_KHZ, 700000);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reg_write(GAON_MCU_CLOCK_KHZ, bad[i]);
		ck_assert_uint_eq(reg_read(GAON_MCU_CLOCK_KHZ), 700000);
	}
}
END_TEST

/* One core of four at work, about 2 ms. */
START_TEST(power_goes_with_the_clock)
{
	static const uint32_t clocks[] = { 350000, 450000, 700000, 900000, 1050000 };
	struct gaon_packet spin = engine_launch(K_SPIN, 300000, 1, 1, 1);

	for (unsigned int i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		double core = 10000 * scale(clocks[i]), mw, want;
		struct gaon_telemetry before, t;
		uint64_t cycles;

		reg_write(GAON_MCU_CLOCK_KHZ, clocks[i]);
		before = telemetry();
		reg_write(GAON_MCU_IRQ_PENDING, GAON_MCU_IRQ_POWER);
		ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
		ck_assert_uint_eq(reg_read(GAON_MCU_IRQ_PENDING) & GAON_MCU_IRQ_POWER, GAON_MCU_IRQ_POWER);
		t = telemetry();
		ck_assert_uint_eq(t.clock_khz, clocks[i]);
		cycles = t.cycle - before.cycle;
		ck_assert_double_eq_tol((double)cycles, 1200000.0 * MAX_KHZ / clocks[i], 2000);
		want = 90000 + core;
		mw = (double)(t.energy_uj - before.energy_uj) * MAX_KHZ / (double)cycles;
		ck_assert_double_eq_tol(mw, want, 100);
		ck_assert_double_eq_tol(t.power_mw, want, 100);
		ck_assert_double_eq_tol(reg_read(GAON_MCU_POWER_MW), want, 100);
		ck_assert_double_eq_tol(t.temp_mc, 35000 + 59850 * want / 285000, 30);
		ck_assert_int_eq((int32_t)reg_read(GAON_MCU_TEMP_MC), t.temp_mc);
		/* Nothing more: what it was. */
		ck_assert_uint_eq(telemetry().power_mw, t.power_mw);
	}
}
END_TEST

/* Of a launch whose time is entered in one go a window has no more than the chip can take. */
START_TEST(a_window_is_never_too_much)
{
	struct gaon_packet nop = { .type = GAON_PKT_NOP };

	ck_assert_uint_eq(engine_do(e, q, &nop), GAON_FAULT_NONE);
	engine_lock(e);
	/* Ten ms of 285 W before a window of about one. */
	sim_power_busy(e->sim, MAX_KHZ, 195000, 10ull * MAX_KHZ * SIM_CYCLE);
	engine_unlock(e);
	for (unsigned int i = 0; i < 40; i++) {
		struct gaon_packet spin = engine_launch(K_SPIN, 300000, 1, 1, 1);

		ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
		ck_assert_uint_le(reg_read(GAON_MCU_POWER_MW), 285000);
		/* 1.1 ms each, of which 185 W are left for the ten: they are gone with the tenth. */
		if (i < 8)
			ck_assert_uint_eq(reg_read(GAON_MCU_POWER_MW), 285000);
		if (i > 11)
			ck_assert_double_eq_tol(reg_read(GAON_MCU_POWER_MW), 100000, 100);
	}
}
END_TEST

START_TEST(the_air_counts)
{
	struct gaon_packet spin = engine_launch(K_SPIN, 300000, 1, 1, 1);
	int32_t warm = (int32_t)reg_read(GAON_MCU_TEMP_MC);

	engine_lock(e);
	sim_power_ambient(e->sim, 60000);
	engine_unlock(e);
	ck_assert_uint_eq(reg_read(GAON_MCU_IRQ_PENDING) & GAON_MCU_IRQ_POWER, GAON_MCU_IRQ_POWER);
	ck_assert_int_eq((int32_t)reg_read(GAON_MCU_TEMP_MC), warm + 25000);
	engine_lock(e);
	sim_power_ambient(e->sim, 125001);
	engine_unlock(e);
	ck_assert_int_eq((int32_t)reg_read(GAON_MCU_TEMP_MC), warm + 25000);
	ck_assert_uint_eq(engine_do(e, q, &spin), GAON_FAULT_NONE);
	ck_assert_int_gt((int32_t)reg_read(GAON_MCU_TEMP_MC), warm + 25000);
	/* A reset ends it. */
	reg_write(GAON_MCU_CLOCK_KHZ, LOW_KHZ);
	gaon_sim_reset(e->sim);
	ck_assert_int_eq((int32_t)reg_read(GAON_MCU_TEMP_MC), warm);
	ck_assert_uint_eq(reg_read(GAON_MCU_CLOCK_KHZ), MAX_KHZ);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine_power");
	TCase *tc = tcase_create("power");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_the_clock_drives_is_slower);
	tcase_add_test(tc, engines_of_cores_are_slower);
	tcase_add_test(tc, clocks_that_cannot_be_are_ignored);
	tcase_add_test(tc, power_goes_with_the_clock);
	tcase_add_test(tc, a_window_is_never_too_much);
	tcase_add_test(tc, the_air_counts);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
