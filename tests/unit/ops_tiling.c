// SPDX-License-Identifier: MIT
/* How products are cut up, and the interleaved layout of weights; no device is needed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gaon/ops.h>

#include "../check_run.h"
#include "../splitmix.h"

#define STACK_AND_GUARD	(65536 + 4096)

static uint64_t state;

static uint32_t random_in(uint32_t low, uint32_t high)
{
	return low + (uint32_t)(splitmix64_next(&state) >> 32) % (high - low + 1);
}

static void seed(void)
{
	const char *text = getenv("GAON_SEED");

	state = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("GAON_SEED=%llu\n", (unsigned long long)state);
	fflush(stdout);
}

static struct gaon_ops_gemm random_gemm(void)
{
	static const uint8_t dense[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16, GAON_TYPE_I8 };
	static const uint8_t blocks[] = { GAON_TYPE_Q4_0, GAON_TYPE_Q4_1, GAON_TYPE_Q8_0,
					  GAON_TYPE_Q4_0_R16, GAON_TYPE_Q4_1_R16, GAON_TYPE_Q8_0_R16 };
	struct gaon_ops_gemm g = { .size = sizeof(g), .type_c = GAON_TYPE_F32 };
	uint32_t most = random_in(0, 3) ? 3000 : 100000;

	g.m = random_in(1, random_in(0, 3) ? most : 16);
	g.n = random_in(1, most);
	g.k = random_in(1, most);
	if (random_in(0, 1)) {
		g.type_a = g.type_b = dense[random_in(0, 3)];
		g.trans_a = random_in(0, 1);
		g.trans_b = random_in(0, 1);
		if (g.type_a == GAON_TYPE_I8)
			g.type_c = GAON_TYPE_I32;
		else if (random_in(0, 1))
			g.type_c = GAON_TYPE_BF16;
	} else {
		g.type_a = GAON_TYPE_Q8A;
		g.type_b = blocks[random_in(0, 5)];
		g.trans_b = true;
		g.k = (g.k + 31) / 32 * 32;
	}
	return g;
}

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* Bounds of the hardware, of the numerics (k in chunks of 32) and of the launch. */
START_TEST(tiling_fits)
{
	static const uint64_t spms[] = { 4 << 20, 1 << 20, 512 << 10, 16 << 20 };

	for (int i = 0; i < 200000; i++) {
		struct gaon_ops_gemm g = random_gemm();
		uint64_t spm = spms[random_in(0, 3)], tiles;
		uint32_t cores = random_in(1, 16);
		struct gaon_ops_tiling t;

		ck_assert_msg(!gaon_ops_gemm_tiling(&g, cores, spm, &t), "%s", gaon_ops_last_error());
		ck_assert(t.tile_m && t.tile_m <= GAON_GEMM_MAX && t.tile_n && t.tile_n <= GAON_GEMM_MAX);
		ck_assert(t.tile_k && t.tile_k <= GAON_GEMM_MAX && t.tile_k % 32 == 0);
		ck_assert(t.tile_n % 16 == 0);
		ck_assert_uint_le(t.spm_bytes + STACK_AND_GUARD, spm);
		tiles = ceil_div(g.m, t.tile_m) * ceil_div(g.n, t.tile_n);
		ck_assert_uint_eq(t.workgroups, tiles < cores ? tiles : cores);
		ck_assert(t.c_buffers == 1 || t.c_buffers == 2);
	}
}
END_TEST

START_TEST(tiling_of_large_products)
{
	struct gaon_ops_gemm g = { .size = sizeof(g), .m = 2048, .n = 2048, .k = 2048,
				   .type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32,
				   .type_c = GAON_TYPE_F32 };
	struct gaon_ops_tiling t;

	ck_assert(!gaon_ops_gemm_tiling(&g, 4, 4 << 20, &t));
	ck_assert_uint_eq(t.tile_m, 512);
	ck_assert_uint_eq(t.tile_n, 512);
	ck_assert_uint_eq(t.tile_k, 256);
	g.type_a = g.type_b = GAON_TYPE_BF16;
	ck_assert(!gaon_ops_gemm_tiling(&g, 4, 4 << 20, &t));
	ck_assert_uint_eq(t.tile_k, 512);
	g.k = 0;
	ck_assert_int_eq(gaon_ops_gemm_tiling(&g, 4, 4 << 20, &t), GAON_ERROR_INVALID_ARGUMENT);
	g.k = 64;
	ck_assert_int_eq(gaon_ops_gemm_tiling(&g, 4, 65536, &t), GAON_ERROR_LIMIT);
	ck_assert_int_eq(gaon_ops_gemm_tiling(&g, 0, 4 << 20, &t), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_gemm_tiling(NULL, 4, 4 << 20, &t), GAON_ERROR_STRUCT_SIZE);
}
END_TEST

/* The header's words, byte by byte: per group and block d of 16 rows, m of 16 rows, then quants by fours. */
static void check_interleaved(uint8_t type, uint32_t rows, uint32_t columns)
{
	uint32_t bytes = type == GAON_TYPE_Q4_0 ? 18 : type == GAON_TYPE_Q4_1 ? 20 : 34;
	uint32_t scales = type == GAON_TYPE_Q4_1 ? 2 : 1, blocks = columns / 32, groups = (rows + 15) / 16;
	uint64_t size = gaon_ops_matrix_bytes(type | GAON_TYPE_ROWS16, rows, columns), at = 0;
	uint8_t *src = malloc((uint64_t)rows * blocks * bytes), *dst = malloc(size);

	ck_assert_uint_eq(size, (uint64_t)groups * 16 * blocks * bytes);
	ck_assert_uint_eq(gaon_ops_matrix_bytes(type, rows, columns), (uint64_t)rows * blocks * bytes);
	for (uint64_t i = 0; i < (uint64_t)rows * blocks * bytes; i++)
		src[i] = (uint8_t)random_in(0, 255);
	memset(dst, 0xee, size);
	ck_assert(!gaon_ops_interleave(type, rows, columns, src, dst));
	for (uint32_t g = 0; g < groups; g++)
		for (uint32_t b = 0; b < blocks; b++)
			for (uint32_t part = 0; part < bytes;) {
				uint32_t chunk = part < scales * 2 ? 2 : 4;

				for (uint32_t r = 0; r < 16; r++)
					for (uint32_t c = 0; c < chunk; c++, at++) {
						uint64_t row = g * 16 + r;
						uint8_t want = row < rows ?
							src[(row * blocks + b) * bytes + part + c] : 0;

						ck_assert_uint_eq(dst[at], want);
					}
				part += chunk;
			}
	ck_assert_uint_eq(at, size);
	free(src);
	free(dst);
}

START_TEST(interleave)
{
	static const uint8_t types[] = { GAON_TYPE_Q4_0, GAON_TYPE_Q4_1, GAON_TYPE_Q8_0 };
	uint8_t x[64];

	for (int t = 0; t < 3; t++)
		for (int i = 0; i < 20; i++)
			check_interleaved(types[t], random_in(1, 70), 32 * random_in(1, 20));
	ck_assert_int_eq(gaon_ops_interleave(GAON_TYPE_F32, 1, 32, x, x), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_interleave(GAON_TYPE_Q4_0, 1, 33, x, x), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_interleave(GAON_TYPE_Q4_0, UINT64_MAX, 32, x, x),
			 GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_int_eq(gaon_ops_interleave(GAON_TYPE_Q4_0, 1, 32, NULL, x), GAON_ERROR_INVALID_ARGUMENT);
	ck_assert_uint_eq(gaon_ops_matrix_bytes(GAON_TYPE_BF16, 3, 5), 30);
	ck_assert_uint_eq(gaon_ops_matrix_bytes(0x77, 3, 32), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ops_tiling");
	TCase *tcase = tcase_create("tiling");

	seed();
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, tiling_fits);
	tcase_add_test(tcase, tiling_of_large_products);
	tcase_add_test(tcase, interleave);
	suite_add_tcase(suite, tcase);
	return check_run(suite);
}
