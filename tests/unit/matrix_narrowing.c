// SPDX-License-Identifier: MIT
/* Conversions of the matrix unit: f16 exhaustively, f32 to f16 and bf16 around every result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/sim/matrix/matrix_convert.h"
#include "matrix_oracle.h"

/* All f16 widened by a product with 1; +0 as start turns -0 into +0. */
static void check_widening(const struct test_path *p)
{
	static uint16_t a[4096], b[16];
	static uint32_t c[4096][16];
	struct sim_gemm g = {
		.m = 4096, .n = 16, .k = 1, .type_a = GAON_TYPE_F16, .type_b = GAON_TYPE_F16,
		.type_c = GAON_TYPE_F32, .a = (uint8_t *)a, .b = (uint8_t *)b, .c = (uint8_t *)c,
		.lda = 2, .ldb = 32, .ldc = sizeof(c[0]),
	};

	for (int i = 0; i < 16; i++)
		b[i] = 0x3c00;
	for (uint32_t base = 0; base < 65536; base += 4096) {
		for (uint32_t i = 0; i < 4096; i++)
			a[i] = (uint16_t)(base + i);
		sim_gemm_run(p->mx, &g);
		for (uint32_t i = 0; i < 4096; i++) {
			uint32_t want = oracle_from_f16(a[i]);

			want = want == 0x80000000u ? 0 : want;
			if (c[i][i % 16] != want) {
				TEST_FAIL("%s: f16 %04x gave %08x", p->name, a[i], c[i][i % 16]);
				return;
			}
		}
	}
}

/* Narrows n values of C by CONVERT: the product is -0 * +0 = -0, and C + -0 is C for any C. */
static void check_values(const struct test_path *p, const uint32_t *values, uint32_t n)
{
	static uint16_t d[4096];
	uint32_t a = 0x80000000u;
	struct sim_gemm g = {
		.m = 1, .n = n, .k = 1, .type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32,
		.type_c = GAON_TYPE_F32, .flags = GAON_GEMM_ACCUMULATE | GAON_GEMM_CONVERT,
		.a = (uint8_t *)&a, .d = (uint8_t *)d, .lda = 4, .ldc = n * 4,
		.ldd = n * 2,
	};
	uint32_t *zeroes = calloc(n, 4), *c = malloc(n * 4);

	memcpy(c, values, n * 4);
	g.b = (uint8_t *)zeroes;
	g.c = (uint8_t *)c;
	g.ldb = n * 4;
	for (int bf16 = 0; bf16 < 2; bf16++) {
		g.type_d = bf16 ? GAON_TYPE_BF16 : GAON_TYPE_F16;
		sim_gemm_run(p->mx, &g);
		for (uint32_t i = 0; i < n; i++) {
			uint16_t want = bf16 ? oracle_narrow(values[i], 8, 7) :
					       oracle_narrow(values[i], 5, 10);

			if (d[i] != want) {
				TEST_FAIL("%s: %08x to %s gave %04x want %04x", p->name, values[i],
					  bf16 ? "bf16" : "f16", d[i], want);
				break;
			}
		}
		if (memcmp(c, values, n * 4))
			TEST_FAIL("%s: CONVERT wrote C", p->name);
	}
	free(zeroes);
	free(c);
}

/* Each 16-bit value, the middle to its neighbour, and one step to each side of both. */
static void check_narrowing(const struct test_path *p)
{
	static uint32_t values[4096];
	uint32_t n = 0;

	for (uint32_t h = 0; h < 65536; h++) {
		uint32_t exact = f32_bits(f32_from_f16((uint16_t)h)), mid;
		uint32_t next = f32_bits(f32_from_f16((uint16_t)(h + 1)));

		mid = exact + (next - exact) / 2;
		for (int s = -1; s <= 1; s++) {
			values[n++] = exact + (uint32_t)s;
			values[n++] = mid + (uint32_t)s;
			values[n++] = (h << 16 | 0x8000) + (uint32_t)s;
		}
		if (n > 4096 - 9) {
			check_values(p, values, n);
			n = 0;
		}
	}
	for (int round = 0; round < 50; round++) {
		for (n = 0; n < 4096; n++)
			values[n] = (uint32_t)test_random();
		check_values(p, values, n - test_below(20));
	}
}

/* The oracle itself against the compiler's conversion, so that both can't share an error. */
static void check_oracle_narrowing(void)
{
	for (int i = 0; i < 400000; i++) {
		uint32_t bits = (uint32_t)test_random(), h;
		_Float16 f;

		if (i & 1)
			bits = (bits & 0x81ffffff) | 0x38000000;
		if ((bits & 0x7fffffff) > 0x7f800000)
			continue;
		f = (_Float16)f32_from_bits(bits);
		h = 0;
		memcpy(&h, &f, 2);
		if (oracle_narrow(bits, 5, 10) != h || f16_from_f32(f32_from_bits(bits)) != h) {
			TEST_FAIL("narrowing %08x: compiler %04x", bits, h);
			return;
		}
	}
}

void test_narrowing(void)
{
	check_oracle_narrowing();
	for (int p = 0; p < test_path_count; p++) {
		check_widening(&test_paths[p]);
		check_narrowing(&test_paths[p]);
	}
}
