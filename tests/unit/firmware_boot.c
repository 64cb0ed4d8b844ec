// SPDX-License-Identifier: MIT
/* Boot, identity, time to READY, sleep. */
#include "firmware_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../firmware/version.h"
#include "firmware_fake.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

START_TEST(boots_to_ready)
{
	struct fake *f = fake_create(32);

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(f->state, GAON_STATE_READY);
	ck_assert_uint_eq(f->version, FW_VERSION);
	ck_assert_uint_eq(f->abi, GAON_ABI_MIN << 16 | GAON_ABI_MAX);
	ck_assert_uint_ne(f->heartbeat, 0);
	ck_assert_str_eq(f->violation, "");
	fake_destroy(f);
}
END_TEST

/* The median of several, so that a busy host does not decide. */
START_TEST(boots_quickly)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct fake *f = fake_create(32);
		uint64_t start = now_ns();

		ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
		if (now_ns() - start < best)
			best = now_ns() - start;
		fake_destroy(f);
	}
	printf("# ROM and firmware to READY: %.2f ms of host time\n", (double)best / 1e6);
#if !__has_feature(address_sanitizer)
	ck_assert_uint_lt(best, 20000000);
#endif
}
END_TEST

/* An idle device is a core in wfi with its timer off. */
START_TEST(sleeps_when_idle)
{
	struct fake *f = fake_create(32);
	struct sim_mcu_state before, after;

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(f->timecmp, UINT64_MAX);
	ck_assert(!sim_mcu_runnable(f->mcu));
	sim_mcu_get_state(f->mcu, &before);
	f->time += 3600000000000ull;
	fake_run(f);
	sim_mcu_get_state(f->mcu, &after);
	ck_assert_uint_eq(before.minstret, after.minstret);
	fake_destroy(f);
}
END_TEST

START_TEST(identify_is_filled)
{
	struct fake *f = fake_create(32);
	struct gaon_admin_cmd cmd = {
		.opcode = GAON_ADMIN_IDENTIFY,
		.identify = { .data_pa = FAKE_HOST + FAKE_DATA, .data_len = 256 },
	};
	struct gaon_identify id;

	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_OK);
	ck_assert_uint_eq(fake_admin(f, &cmd, NULL), GAON_ADMIN_OK);
	memcpy(&id, f->host + FAKE_DATA, sizeof(id));
	ck_assert_uint_eq(id.size, sizeof(id));
	ck_assert_uint_eq(id.abi_min, GAON_ABI_MIN);
	ck_assert_uint_eq(id.abi_max, GAON_ABI_MAX);
	ck_assert_uint_eq(id.fw_version, FW_VERSION);
	ck_assert_str_eq(id.fw_build, FW_BUILD);
	ck_assert_str_eq(id.name, "fake");
	ck_assert_uint_eq(id.cores, 4);
	ck_assert_uint_eq(id.hbm_bytes, 1ull << 30);
	fake_destroy(f);
}
END_TEST

START_TEST(impossible_shape_panics)
{
	struct fake *f = fake_create(32);

	f->identify.slots = FAKE_SLOTS_MAX + 1;
	ck_assert_uint_eq(fake_boot(f), GAON_BOOT_TIMEOUT);
	ck_assert_uint_eq(f->state, GAON_STATE_FATAL);
	ck_assert_uint_ne(f->panic, 0);
	fake_destroy(f);
}
END_TEST

TCase *firmware_boot_tests(void)
{
	TCase *tc = tcase_create("boot");

	tcase_add_test(tc, boots_to_ready);
	tcase_add_test(tc, boots_quickly);
	tcase_add_test(tc, sleeps_when_idle);
	tcase_add_test(tc, identify_is_filled);
	tcase_add_test(tc, impossible_shape_panics);
	return tc;
}
