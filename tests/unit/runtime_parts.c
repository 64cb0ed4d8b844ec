// SPDX-License-Identifier: MIT
/* Parts of the runtime that need no device: free ranges, address map, printf. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hw/gaon_errno.h>
#include <hw/gaon_text.h>

#include "../check_run.h"
#include "../../runtime/addrmap.h"
#include "../../runtime/extent.h"
#include "../../runtime/format.h"

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state >> 33;
}

/* Against a plain array of bytes. */
START_TEST(extents_against_a_map)
{
	enum { SPACE = 4096, ROUNDS = 20000 };
	static uint8_t used[SPACE];
	struct { uint64_t start, bytes; } held[200];
	struct extents set = { 0 };
	uint64_t i, n = 0, free_bytes = SPACE;
	int round;

	memset(used, 0, sizeof(used));
	ck_assert(extents_put(&set, 0, SPACE));
	for (round = 0; round < ROUNDS; round++) {
		uint64_t bytes = 1 + random_next() % 100, align = 1ull << random_next() % 8, start = 0;
		struct extent largest = { 0 };
		bool got = false;

		if (n == 200 || (n && random_next() % 2)) {
			uint64_t k = random_next() % n;

			ck_assert(extents_put(&set, held[k].start, held[k].bytes));
			ck_assert(!extents_put(&set, held[k].start, held[k].bytes));
			memset(used + held[k].start, 0, held[k].bytes);
			free_bytes += held[k].bytes;
			held[k] = held[--n];
			continue;
		}
		switch (random_next() % 4) {
		case 0:
			got = extents_take(&set, bytes, align, &start);
			break;
		case 1:
			got = extents_take_next(&set, bytes, align, &start);
			break;
		case 2:
			got = extents_take_largest(&set, bytes, 1, &largest);
			start = largest.start;
			bytes = largest.bytes;
			align = 1;
			break;
		case 3:
			start = random_next() % SPACE;
			align = 1;
			got = extents_take_at(&set, start, bytes);
			break;
		}
		ck_assert_uint_eq(set.free_bytes, free_bytes - (got ? bytes : 0));
		if (!got)
			continue;
		ck_assert_uint_eq(start % align, 0);
		ck_assert_uint_le(start + bytes, SPACE);
		for (i = start; i < start + bytes; i++)
			ck_assert_uint_eq(used[i], 0);
		memset(used + start, 1, bytes);
		free_bytes -= bytes;
		held[n].start = start;
		held[n++].bytes = bytes;
	}
	while (n--)
		ck_assert(extents_put(&set, held[n].start, held[n].bytes));
	ck_assert_uint_eq(set.count, 1);
	ck_assert_uint_eq(set.list[0].bytes, SPACE);
	extents_fini(&set);
}
END_TEST

START_TEST(addresses)
{
	struct addr_entry e = { .va = 0x1000, .bytes = 0x100, .kind = GAON_MEM_DEVICE }, out;
	struct addrmap map;
	uint8_t host[64];

	addrmap_init(&map);
	ck_assert(addrmap_add(&map, &e));
	e = (struct addr_entry){ .va = 0x2000, .bytes = 64, .ptr = host, .kind = GAON_MEM_HOST };
	ck_assert(addrmap_add(&map, &e));
	/* The same host memory, imported again. */
	e.va = 0x3000;
	e.bytes = 16;
	ck_assert(addrmap_add(&map, &e));
	ck_assert(addrmap_find(&map, 0x1000, 0x100, &out));
	ck_assert(!addrmap_find(&map, 0x1000, 0x101, &out));
	ck_assert(!addrmap_find(&map, 0xfff, 1, &out));
	ck_assert(!addrmap_find(&map, 0x1100, 1, &out));
	ck_assert(!addrmap_find(&map, 0x10ff, UINT64_MAX, &out));
	ck_assert(addrmap_find_host(&map, host + 20, 40, &out));
	ck_assert_uint_eq(out.va, 0x2000);
	addrmap_del(&map, 0x2000);
	ck_assert(!addrmap_find_host(&map, host + 20, 40, &out));
	ck_assert(addrmap_find_host(&map, host, 16, &out));
	ck_assert_uint_eq(out.va, 0x3000);
	addrmap_del(&map, 0x3000);
	addrmap_del(&map, 0x1000);
	ck_assert(!addrmap_find(&map, 0x1000, 1, &out));
	addrmap_fini(&map);
}
END_TEST

static bool string_at(void *ctx, uint64_t va, char *out, size_t size)
{
	(void)ctx;
	if (va != 77)
		return false;
	snprintf(out, size, "seventy");
	return true;
}

static const char *formatted(const char *format, uint64_t a, uint64_t b)
{
	static char out[128];
	uint64_t args[2] = { a, b };

	gaon_format(out, sizeof(out), format, args, 2, string_at, NULL);
	return out;
}

START_TEST(formats)
{
	double pi = 3.14159;
	uint64_t bits;
	char small[5];

	memcpy(&bits, &pi, sizeof(bits));
	ck_assert_str_eq(formatted("%d %u", (uint64_t)-5, (uint64_t)-1), "-5 4294967295");
	ck_assert_str_eq(formatted("%lld %llu", (uint64_t)-5, (uint64_t)-1), "-5 18446744073709551615");
	ck_assert_str_eq(formatted("%hhd|%hu", 0x1ff, 0x12345), "-1|9029");
	ck_assert_str_eq(formatted("%-6x|%06X", 0xab, 0xcd), "ab    |0000CD");
	ck_assert_str_eq(formatted("%.2f %e", bits, bits), "3.14 3.141590e+00");
	ck_assert_str_eq(formatted("%*d|", 5, 42), "   42|");
	ck_assert_str_eq(formatted("%s %s", 77, 78), "seventy (0x4e)");
	ck_assert_str_eq(formatted("%.3s|%c", 77, 'x'), "sev|x");
	ck_assert_str_eq(formatted("%p 100%%", 0x1000, 0), "0x1000 100%");
	ck_assert_str_eq(formatted("%d %d %d", 1, 2), "1 2 0");
	/* Hostile ones: nothing is written anywhere but to the buffer. */
	ck_assert_str_eq(formatted("%n%n%", 1, 2), "");
	ck_assert_uint_lt(strlen(formatted("%99999999d", 1, 0)), 128);
	ck_assert_uint_lt(strlen(formatted("%.999999f", bits, 0)), 128);
	ck_assert_uint_lt(strlen(formatted("%*d", 0x7fffffffffffffff, 1)), 128);
	gaon_format(small, sizeof(small), "abcdefg%d", NULL, 0, NULL, NULL);
	ck_assert_str_eq(small, "abcd");
}
END_TEST

/* A table that the driver prints from may have no hole, whatever a device says. */
START_TEST(every_number_has_words)
{
	uint32_t i, k;

	for (i = 0; i < 0x10000; i++) {
		ck_assert_uint_gt(strlen(gaon_fault_name((uint16_t)i)), 0);
		ck_assert_uint_gt(strlen(gaon_access_name((uint8_t)i)), 0);
		ck_assert_uint_gt(strlen(gaon_state_name(i)), 0);
		ck_assert_uint_gt(strlen(gaon_boot_error_text(i)), 0);
		ck_assert_uint_gt(strlen(gaon_fw_fault_text((int)i)), 0);
		ck_assert_int_le(gaon_admin_errno((uint16_t)i), i ? -1 : 0);
	}
	ck_assert_str_eq(gaon_state_name(GAON_STATE_GONE), "GONE");
	/* The firmware's own code stands above the device's. */
	ck_assert_str_eq(gaon_boot_error_text(0xabc << 16 | GAON_BOOT_PANIC),
			 gaon_boot_error_text(GAON_BOOT_PANIC));
	for (i = 0; i < GAON_FAULT_TYPES; i++) {
		for (k = 0; k < i; k++)
			ck_assert_str_ne(gaon_fault_name((uint16_t)i), gaon_fault_name((uint16_t)k));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime parts");
	TCase *tc = tcase_create("parts");
	const char *seed = getenv("GAON_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("GAON_SEED=%llu\n", (unsigned long long)random_state);
	fflush(stdout);
	tcase_add_test(tc, extents_against_a_map);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, formats);
	tcase_add_test(tc, every_number_has_words);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
