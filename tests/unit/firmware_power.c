// SPDX-License-Identifier: MIT
/*
 * The firmware's control of clock, power and temperature, against a chip whose power is computed here, in
 * floating point, from the formulas of Documentation/hw/telemetry.rst.
 */
#include "firmware_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../splitmix.h"
#include "firmware_fake.h"

#define MS		1000000ull
#define MAX_KHZ		1050000u
#define MIN_KHZ		350000u
#define STEP_KHZ	50000u
#define IDLE_MW		90000.0
#define MAX_MW		285000u
#define MIN_MW		155000u

/** struct chip - what works: @steady takes the same at any clock, @clocked is of the highest */
struct chip {
	struct fake *f;
	double steady, clocked, ambient;
	double mw;
};

/* s of the specification. */
static double scale(double khz)
{
	double r = khz / MAX_KHZ;

	return r * (0.6 + 0.4 * r) * (0.6 + 0.4 * r);
}

static double power_at(const struct chip *c, double khz)
{
	return IDLE_MW + c->steady + c->clocked * scale(khz);
}

static void chip_boot(struct chip *c)
{
	struct fake *f = fake_create(4);

	f->identify.features |= GAON_FEATURE_POWER;
	f->identify.clock_khz = f->clock_khz = MAX_KHZ;
	f->identify.clock_min_khz = MIN_KHZ;
	f->identify.clock_step_khz = STEP_KHZ;
	f->identify.power_min_mw = MIN_MW;
	f->identify.power_max_mw = f->identify.power_default_mw = MAX_MW;
	f->identify.power_idle_mw = (uint32_t)IDLE_MW;
	f->identify.temp_max_mc = 100000;
	f->identify.temp_max_hyst_mc = 95000;
	f->identify.temp_crit_mc = 110000;
	f->identify.temp_emergency_mc = 120000;
	f->power_mw = (uint32_t)IDLE_MW;
	f->temp_mc = 54000;
	*c = (struct chip){ .f = f, .ambient = 35000, .mw = IDLE_MW };
	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
}

/* A window ends: 1 ms of modelled time, and of the host's. */
static void window(struct chip *c)
{
	struct fake *f = c->f;

	f->cycle += MAX_KHZ;
	c->mw = power_at(c, f->clock_khz);
	f->power_mw = (uint32_t)c->mw;
	f->temp_mc = (uint32_t)(int32_t)(c->ambient + 59850.0 * c->mw / MAX_MW);
	f->irq_edges |= GAON_MCU_IRQ_POWER;
	fake_advance(f, MS);
	ck_assert_str_eq(f->violation, "");
	ck_assert_uint_eq(f->irq_edges & GAON_MCU_IRQ_POWER, 0);
	ck_assert_uint_ge(f->clock_khz, MIN_KHZ);
	ck_assert_uint_le(f->clock_khz, MAX_KHZ);
	ck_assert_uint_eq((MAX_KHZ - f->clock_khz) % STEP_KHZ, 0);
}

static void windows(struct chip *c, unsigned int count)
{
	while (count--)
		window(c);
}

static struct gaon_admin_cmd power_cmd(uint32_t cap_mw, uint32_t clock_khz)
{
	return (struct gaon_admin_cmd){
		.opcode = GAON_ADMIN_POWER, .power = { .cap_mw = cap_mw, .clock_khz = clock_khz },
	};
}

static uint32_t power_set(struct chip *c, uint32_t cap_mw, uint32_t clock_khz,
			  struct gaon_admin_reply *reply)
{
	struct gaon_admin_cmd cmd = power_cmd(cap_mw, clock_khz);

	return fake_admin(c->f, &cmd, reply);
}

static struct gaon_telemetry telemetry(struct chip *c)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_TELEMETRY,
		.buffer = { .pa = FAKE_HOST + FAKE_DATA, .bytes = sizeof(struct gaon_telemetry) },
	};
	struct gaon_telemetry t;

	c->f->telemetry.cycle = c->f->cycle;
	ck_assert_uint_eq(fake_admin(c->f, &cmd, NULL), GAON_ADMIN_OK);
	memcpy(&t, c->f->host + FAKE_DATA, sizeof(t));
	return t;
}

START_TEST(commands_are_checked)
{
	struct gaon_admin_reply reply;
	struct gaon_admin_cmd cmd;
	struct chip c;

	chip_boot(&c);
	ck_assert_uint_eq(power_set(&c, 0, 0, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], MAX_MW);
	ck_assert_uint_eq(reply.value[1], MAX_KHZ);
	ck_assert_uint_eq(reply.value[2], MAX_KHZ);
	ck_assert_uint_eq(reply.value[3], 0);
	/* One good and one bad: neither is taken. */
	ck_assert_uint_eq(power_set(&c, MIN_MW - 1, MIN_KHZ, NULL), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(power_set(&c, MAX_MW + 1, MIN_KHZ, NULL), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(power_set(&c, MIN_MW, MIN_KHZ - 1, NULL), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(power_set(&c, MIN_MW, MAX_KHZ + 1, NULL), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(power_set(&c, UINT32_MAX, UINT32_MAX, NULL), GAON_ADMIN_ERR_RANGE);
	for (unsigned int i = 0; i < 6; i++) {
		cmd = power_cmd(MIN_MW, MIN_KHZ);
		cmd.power.reserved[i] = 1ull << (7 * i);
		ck_assert_uint_eq(fake_admin(c.f, &cmd, NULL), GAON_ADMIN_ERR_RESERVED);
	}
	power_set(&c, 0, 0, &reply);
	ck_assert_uint_eq(reply.value[0], MAX_MW);
	ck_assert_uint_eq(reply.value[1], MAX_KHZ);
	ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
	/* Each by itself leaves the other. */
	ck_assert_uint_eq(power_set(&c, 200000, 0, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(power_set(&c, 0, 777777, &reply), GAON_ADMIN_OK);
	ck_assert_uint_eq(reply.value[0], 200000);
	ck_assert_uint_eq(reply.value[1], 777777);
	fake_destroy(c.f);
}
END_TEST

START_TEST(a_chip_without_it)
{
	struct gaon_admin_cmd cmd = power_cmd(200000, 0);
	struct fake *f = fake_create(4);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
	f->irq_edges |= GAON_MCU_IRQ_POWER;
	fake_run(f);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* A chip that says what cannot be is one that cannot be slowed down. */
START_TEST(a_chip_that_makes_no_sense)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} bad[] = {
#define AT(field, value) { offsetof(struct gaon_identify, field), value }
		AT(clock_step_khz, 0), AT(clock_min_khz, 0), AT(clock_min_khz, MAX_KHZ / 8 - 1),
		AT(clock_min_khz, MAX_KHZ + 1), AT(power_max_mw, 4000001), AT(power_min_mw, MAX_MW + 1),
		AT(clock_khz, 4000001),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gaon_admin_cmd cmd = power_cmd(200000, 0);
		struct fake *f = fake_create(4);

		f->identify.features |= GAON_FEATURE_POWER;
		f->identify.clock_min_khz = MIN_KHZ;
		f->identify.clock_step_khz = STEP_KHZ;
		f->identify.power_min_mw = MIN_MW;
		f->identify.power_max_mw = MAX_MW;
		memcpy((uint8_t *)&f->identify + bad[i].offset, &bad[i].value, 4);
		ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
		ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
		fake_destroy(f);
	}
}
END_TEST

START_TEST(the_limit_is_a_step)
{
	struct gaon_admin_reply reply;
	struct chip c;

	chip_boot(&c);
	for (uint32_t khz = MIN_KHZ; khz <= MAX_KHZ; khz += 12345) {
		ck_assert_uint_eq(power_set(&c, 0, khz, &reply), GAON_ADMIN_OK);
		ck_assert_uint_le(c.f->clock_khz, khz);
		ck_assert_uint_gt(c.f->clock_khz + STEP_KHZ, khz);
		ck_assert_uint_eq(reply.value[1], khz);
		ck_assert_uint_eq(reply.value[2], c.f->clock_khz);
		ck_assert_uint_eq(reply.value[3], GAON_THROTTLE_LIMIT);
	}
	power_set(&c, 0, MAX_KHZ, &reply);
	ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
	ck_assert_uint_eq(reply.value[3], 0);
	/* No event is made of it. */
	fake_advance(c.f, 3000 * MS);
	ck_assert_uint_eq(c.f->throttles, 0);
	fake_destroy(c.f);
}
END_TEST

/*
 * Random work and caps: it comes to rest, below the cap, at a clock that a higher cap would have made higher,
 * and does not swing.
 */
START_TEST(the_cap_is_kept)
{
	const char *text = getenv("GAON_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	printf("# GAON_SEED=%llu\n", (unsigned long long)seed);
	for (int round = 0; round < 60; round++) {
		uint32_t cap = MIN_MW + (uint32_t)(splitmix64_next(&seed) % (MAX_MW - MIN_MW + 1)), khz;
		struct gaon_admin_reply reply;
		struct chip c;

		chip_boot(&c);
		c.steady = (double)(splitmix64_next(&seed) % 37200);
		c.clocked = (double)(splitmix64_next(&seed) % 156000);
		ck_assert_uint_eq(power_set(&c, cap, 0, NULL), GAON_ADMIN_OK);
		windows(&c, 150);
		khz = c.f->clock_khz;
		window(&c);
		ck_assert_msg(c.mw <= cap + 1, "%.0f mW at %u kHz, the cap is %u (%.0f, %.0f)", c.mw, khz, cap,
			      c.steady, c.clocked);
		windows(&c, 50);
		ck_assert_uint_eq(c.f->clock_khz, khz);
		/* The next step's power above idle, as if all of it went with the clock, is too much. */
		if (khz < MAX_KHZ)
			ck_assert_msg(IDLE_MW + (c.mw - IDLE_MW) * scale(khz + STEP_KHZ) / scale(khz) >
				      cap * 0.995, "%u kHz takes %.0f mW, the cap is %u", khz, c.mw, cap);
		power_set(&c, 0, 0, &reply);
		ck_assert_uint_eq(reply.value[3], khz < MAX_KHZ ? GAON_THROTTLE_POWER : 0);
		/* No cap is no throttling. */
		ck_assert_uint_eq(power_set(&c, MAX_MW, 0, NULL), GAON_ADMIN_OK);
		windows(&c, 2);
		ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
		fake_destroy(c.f);
	}
}
END_TEST

/* Less work: up it goes, a step in four windows and one to settle; more: down at once. */
START_TEST(up_is_slow)
{
	unsigned int count = 0;
	struct chip c;
	uint32_t khz;

	chip_boot(&c);
	c.clocked = 156000;
	power_set(&c, 160000, 0, NULL);
	windows(&c, 50);
	khz = c.f->clock_khz;
	ck_assert_uint_lt(khz, 800000);
	c.clocked = 20000;
	while (c.f->clock_khz == khz && count++ < 20)
		window(&c);
	ck_assert_uint_ge(count, 3);
	ck_assert_uint_eq(c.f->clock_khz, khz + STEP_KHZ);
	for (count = 0; c.f->clock_khz < MAX_KHZ && count < 200; count++)
		window(&c);
	ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
	ck_assert_uint_ge(count, 5 * (MAX_KHZ - khz - STEP_KHZ) / STEP_KHZ - 1);
	/* The first only settles. */
	c.clocked = 156000;
	windows(&c, 2);
	ck_assert_uint_lt(c.f->clock_khz, MAX_KHZ - 4 * STEP_KHZ);
	fake_destroy(c.f);
}
END_TEST

START_TEST(heat_slows_it_down)
{
	struct gaon_telemetry t;
	uint32_t least = MAX_KHZ;
	struct chip c;

	chip_boot(&c);
	c.clocked = 150000;
	windows(&c, 5);
	ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
	/* 50.4 degrees above the air: 105 at the highest clock, 96 at some lower one. */
	c.ambient = 55000;
	windows(&c, 60);
	ck_assert_uint_lt(c.f->clock_khz, MAX_KHZ);
	ck_assert_int_lt((int32_t)c.f->temp_mc, 100000);
	ck_assert_int_ge((int32_t)c.f->temp_mc, 94000);
	t = telemetry(&c);
	ck_assert_uint_eq(t.throttle, GAON_THROTTLE_HEAT);
	ck_assert_uint_eq(t.throttled_heat, 1);
	ck_assert_uint_eq(t.throttled_power, 0);
	/* Critical: the lowest at once, at which it is only hot. */
	c.ambient = 75000;
	window(&c);
	ck_assert_uint_eq(c.f->clock_khz, MIN_KHZ);
	t = telemetry(&c);
	ck_assert_uint_eq(t.throttle, GAON_THROTTLE_HEAT | GAON_THROTTLE_CRITICAL);
	windows(&c, 2);
	ck_assert_uint_eq(telemetry(&c).throttle, GAON_THROTTLE_HEAT);
	/* Cool again: step by step to the highest. */
	c.ambient = 30000;
	window(&c);
	for (int i = 0; i < 80; i++) {
		uint32_t before = c.f->clock_khz;

		window(&c);
		ck_assert_uint_le(c.f->clock_khz, before + STEP_KHZ);
		least = before < least ? before : least;
	}
	ck_assert_uint_eq(least, MIN_KHZ + STEP_KHZ);
	ck_assert_uint_eq(c.f->clock_khz, MAX_KHZ);
	t = telemetry(&c);
	ck_assert_uint_eq(t.throttle, 0);
	ck_assert_uint_eq(t.throttled_heat, 1);
	/* From the first hot window to the step that made it the highest. */
	ck_assert_uint_ge(t.throttled_heat_cycles, 60ull * MAX_KHZ);
	ck_assert_uint_le(t.throttled_heat_cycles, 150ull * MAX_KHZ);
	fake_destroy(c.f);
}
END_TEST

START_TEST(too_hot_ends_it)
{
	struct chip c;

	chip_boot(&c);
	c.f->temp_mc = 120000;
	c.f->irq_edges |= GAON_MCU_IRQ_POWER;
	fake_advance(c.f, MS);
	ck_assert_uint_eq(c.f->panic, 0x202);
	ck_assert_uint_eq(c.f->state, GAON_STATE_FATAL);
	fake_destroy(c.f);
}
END_TEST

/* Begin, end, and what comes and goes within a second once. */
START_TEST(events_are_few)
{
	struct gaon_telemetry t;
	struct chip c;

	chip_boot(&c);
	c.clocked = 150000;
	windows(&c, 3);
	ck_assert_uint_eq(c.f->throttles, 0);
	power_set(&c, 160000, 0, NULL);
	windows(&c, 5);
	ck_assert_uint_eq(c.f->throttles, 1);
	ck_assert_uint_eq(c.f->throttle, GAON_THROTTLE_POWER);
	windows(&c, 2000);
	ck_assert_uint_eq(c.f->throttles, 1);
	/* Three times off and on again, in 60 ms after the first of them was told. */
	for (int i = 0; i < 3; i++) {
		power_set(&c, MAX_MW, 0, NULL);
		windows(&c, 10);
		power_set(&c, 160000, 0, NULL);
		windows(&c, 10);
	}
	ck_assert_uint_eq(c.f->throttles, 2);
	ck_assert_uint_eq(c.f->throttle, 0);
	t = telemetry(&c);
	ck_assert_uint_eq(t.throttled_power, 4);
	/* How it is now is told when the second is over, though nothing else happens. */
	fake_advance(c.f, 900 * MS);
	ck_assert_uint_eq(c.f->throttles, 2);
	fake_advance(c.f, 100 * MS);
	ck_assert_uint_eq(c.f->throttles, 3);
	ck_assert_uint_eq(c.f->throttle, GAON_THROTTLE_POWER);
	fake_advance(c.f, 10000 * MS);
	ck_assert_uint_eq(c.f->throttles, 3);
	ck_assert_uint_eq(t.power_cap_mw, 160000);
	ck_assert_uint_eq(t.clock_limit_khz, MAX_KHZ);
	fake_destroy(c.f);
}
END_TEST

START_TEST(the_air_is_injected)
{
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_INJECT,
		.inject = { .kind = GAON_INJECT_AMBIENT, .address = 85000 },
	};
	struct chip c;

	chip_boot(&c);
	ck_assert_uint_eq(fake_admin(c.f, &cmd, NULL), GAON_ADMIN_ERR_FEATURE);
	c.f->fuses = 1;
	ck_assert_uint_eq(fake_admin(c.f, &cmd, NULL), GAON_ADMIN_OK);
	ck_assert_uint_eq(c.f->injected, 1);
	ck_assert_uint_eq(c.f->inject_kind, GAON_INJECT_AMBIENT);
	ck_assert_uint_eq(c.f->inject_address, 85000);
	cmd.inject.address = 125001;
	ck_assert_uint_eq(fake_admin(c.f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	cmd.inject.address = 1;
	cmd.inject.target = 1;
	ck_assert_uint_eq(fake_admin(c.f, &cmd, NULL), GAON_ADMIN_ERR_RANGE);
	ck_assert_uint_eq(c.f->injected, 1);
	fake_destroy(c.f);
}
END_TEST

/* The headers' factor in whole numbers against that of the specification. */
START_TEST(the_scale_is_the_formula)
{
	for (uint32_t khz = 0; khz <= MAX_KHZ; khz += 1000)
		ck_assert_double_le(fabs(gaon_mcu_power_scale(khz, MAX_KHZ) / 1024.0 - scale(khz)), 0.006);
	ck_assert_uint_eq(gaon_mcu_power_scale(MAX_KHZ, MAX_KHZ), 1024);
	/* By hand: c 341, v 750; 341 * 750 / 1024 = 249, 249 * 750 / 1024 = 182. */
	ck_assert_uint_eq(gaon_mcu_power_scale(MIN_KHZ, MAX_KHZ), 182);
}
END_TEST

TCase *firmware_power_tests(void)
{
	TCase *tc = tcase_create("power");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, commands_are_checked);
	tcase_add_test(tc, a_chip_without_it);
	tcase_add_test(tc, a_chip_that_makes_no_sense);
	tcase_add_test(tc, the_limit_is_a_step);
	tcase_add_test(tc, the_cap_is_kept);
	tcase_add_test(tc, up_is_slow);
	tcase_add_test(tc, heat_slows_it_down);
	tcase_add_test(tc, too_hot_ends_it);
	tcase_add_test(tc, events_are_few);
	tcase_add_test(tc, the_air_is_injected);
	tcase_add_test(tc, the_scale_is_the_formula);
	return tc;
}
