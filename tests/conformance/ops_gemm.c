// SPDX-License-Identifier: MIT
/*
 * Matrix products of any shape and type against sums in double precision.  f32 and f16: each sum may
 * be off by k + 2 roundings of its largest partial sum; bf16 likewise; i8 and the integer part of
 * block products are exact.
 */
#include "ops_common.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASES	10

/* --- types on the host, bit by bit --------------------------------------------------------------- */

static uint32_t element_bytes(uint8_t type)
{
	return type == GAON_TYPE_I8 ? 1 : type == GAON_TYPE_F16 || type == GAON_TYPE_BF16 ? 2 : 4;
}

static void store(uint8_t *at, uint8_t type, float value)
{
	int8_t small = (int8_t)(value * 63);
	uint16_t half = type == GAON_TYPE_F16 ? ops_to_half(value) : ops_to_bf16(value);

	if (type == GAON_TYPE_F32)
		memcpy(at, &value, 4);
	else if (type == GAON_TYPE_I8)
		memcpy(at, &small, 1);
	else
		memcpy(at, &half, 2);
}

static double load(const uint8_t *at, uint8_t type)
{
	uint16_t half;
	int32_t word;
	float value;

	switch (type) {
	case GAON_TYPE_I8: return (int8_t)*at;
	case GAON_TYPE_I32: memcpy(&word, at, 4); return word;
	case GAON_TYPE_F32: memcpy(&value, at, 4); return value;
	}
	memcpy(&half, at, 2);
	return type == GAON_TYPE_F16 ? ops_from_half(half) : ops_from_bf16(half);
}

/* --- dense types ------------------------------------------------------------------------------------ */

struct product {
	struct gaon_ops_gemm g;
	uint8_t *a, *b, *c, *before;
	uint64_t bytes_a, bytes_b, bytes_c;
};

static void make(struct product *p)
{
	struct gaon_ops_gemm *g = &p->g;
	uint32_t ea = element_bytes(g->type_a), ec = element_bytes(g->type_c);
	uint32_t rows_a = g->trans_a ? g->k : g->m, columns_a = g->trans_a ? g->m : g->k;
	uint32_t rows_b = g->trans_b ? g->n : g->k, columns_b = g->trans_b ? g->k : g->n;

	g->size = sizeof(*g);
	g->lda = columns_a * ea + ea * ops_random_in(0, 9);
	g->ldb = columns_b * ea + ea * ops_random_in(0, 9);
	g->ldc = g->n * ec + ec * ops_random_in(0, 9);
	p->bytes_a = rows_a * g->lda;
	p->bytes_b = rows_b * g->ldb;
	p->bytes_c = g->m * g->ldc;
	p->a = ops_alloc(p->bytes_a);
	p->b = ops_alloc(p->bytes_b);
	p->c = ops_alloc(p->bytes_c);
	p->before = ops_alloc(p->bytes_c);
	for (uint64_t i = 0; i < p->bytes_a / ea; i++)
		store(p->a + i * ea, g->type_a, ops_random_f32(2));
	for (uint64_t i = 0; i < p->bytes_b / ea; i++)
		store(p->b + i * ea, g->type_b, ops_random_f32(2));
	for (uint64_t i = 0; i < p->bytes_c / ec; i++) {
		int32_t word = (int32_t)ops_random_in(0, 1000);

		if (g->type_c == GAON_TYPE_I32)
			memcpy(p->before + i * ec, &word, 4);
		else
			store(p->before + i * ec, g->type_c, ops_random_f32(2));
	}
	g->a = ops_put(p->a, p->bytes_a);
	g->b = ops_put(p->b, p->bytes_b);
	g->c = ops_put(p->before, p->bytes_c);
}

static void check_element(const struct product *p, uint32_t i, uint32_t j)
{
	const struct gaon_ops_gemm *g = &p->g;
	uint32_t e = element_bytes(g->type_a), ec = element_bytes(g->type_c);
	double sum = 0, size = 0, got, bound, unit = 0, tiny = 0;

	for (uint32_t k = 0; k < g->k; k++) {
		double a = load(p->a + (g->trans_a ? k * g->lda + i * e : i * g->lda + k * e), g->type_a);
		double b = load(p->b + (g->trans_b ? j * g->ldb + k * e : k * g->ldb + j * e), g->type_b);

		sum += a * b;
		size += fabs(a * b);
	}
	if (g->accumulate) {
		double c = load(p->before + i * g->ldc + j * ec, g->type_c);

		sum += c;
		size += fabs(c);
	}
	got = load(p->c + i * g->ldc + j * ec, g->type_c);
	if (g->type_c == GAON_TYPE_F16) {
		unit = 0x1p-11;
		tiny = 0x1p-25;	/* half a step of its subnormals */
	}
	if (g->type_c == GAON_TYPE_BF16)
		unit = 0x1p-8;
	bound = (g->k + 2) * 0x1p-24 * size + unit * fabs(sum) + tiny;
	if (g->type_c == GAON_TYPE_I32)
		bound = 0;
	/* Check tells its parent of each assertion that holds: too often here. */
	if (!(fabs(got - sum) <= bound))
		ck_abort_msg("type 0x%02x to 0x%02x, %u x %u x %u, %d%d%d: [%u][%u] is %a, should be %a +- %g",
			     g->type_a, g->type_c, g->m, g->n, g->k, g->trans_a, g->trans_b, g->accumulate,
			     i, j, got, sum, bound);
}

/* All elements of small products, a sample of large ones; bytes between the rows stay as they were. */
static void check(const struct product *p)
{
	const struct gaon_ops_gemm *g = &p->g;
	uint64_t row = (uint64_t)g->n * element_bytes(g->type_c);

	if ((uint64_t)g->m * g->n * g->k < 4000000) {
		for (uint32_t i = 0; i < g->m; i++)
			for (uint32_t j = 0; j < g->n; j++)
				check_element(p, i, j);
	} else {
		for (uint32_t s = 0; s < 3000; s++)
			check_element(p, ops_random() % g->m, ops_random() % g->n);
		check_element(p, 0, 0);
		check_element(p, g->m - 1, g->n - 1);
	}
	for (uint32_t i = 0; i < g->m; i++)
		ck_assert_int_eq(memcmp(p->c + i * g->ldc + row, p->before + i * g->ldc + row,
					g->ldc - row), 0);
}

static void run(struct product *p)
{
	make(p);
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &p->g));
	ops_get(p->c, p->g.c, p->bytes_c);
	check(p);
	free(p->a);
	free(p->b);
	free(p->c);
	free(p->before);
}

static void run_random(uint8_t type)
{
	for (int i = 0; i < CASES; i++) {
		uint32_t most = i < CASES / 2 ? 70 : 600;
		struct product p = { .g = {
			.m = ops_random_in(1, ops_random() % 4 ? most : 16),
			.n = ops_random_in(1, most), .k = ops_random_in(1, most),
			.type_a = type, .type_b = type,
			.type_c = type == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32,
			.trans_a = ops_random() & 1, .trans_b = ops_random() & 1,
		} };

		if (type != GAON_TYPE_I8 && ops_random() % 3 == 0)
			p.g.type_c = ops_random() & 1 ? GAON_TYPE_F16 : GAON_TYPE_BF16;
		else
			p.g.accumulate = ops_random() & 1;
		run(&p);
	}
}

START_TEST(gemm_f32)
{
	run_random(GAON_TYPE_F32);
}
END_TEST

START_TEST(gemm_f16)
{
	run_random(GAON_TYPE_F16);
}
END_TEST

START_TEST(gemm_bf16)
{
	run_random(GAON_TYPE_BF16);
}
END_TEST

START_TEST(gemm_i8)
{
	run_random(GAON_TYPE_I8);
}
END_TEST

/* More tiles than cores, several k steps, uneven edges. */
START_TEST(gemm_large)
{
	struct product p = { .g = { .m = 1290, .n = 1033, .k = 777, .type_a = GAON_TYPE_F32,
				    .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32 } };

	run(&p);
}
END_TEST

/* --- blocks -------------------------------------------------------------------------------------------- */

static const uint8_t block_types[] = { GAON_TYPE_Q4_0, GAON_TYPE_Q4_1, GAON_TYPE_Q8_0 };

/* Activations that the device quantised, as numbers; d and the scaled sum are checked on the way. */
static void read_activations(const uint8_t *blocks, const float *x, uint64_t count, double *values)
{
	for (uint64_t i = 0; i < count; i++, blocks += 40, x += 32, values += 32) {
		float d, s, largest = 0;
		int sum = 0;

		memcpy(&d, blocks, 4);
		memcpy(&s, blocks + 4, 4);
		for (int e = 0; e < 32; e++)
			largest = fmaxf(largest, fabsf(x[e]));
		ck_assert_float_eq(d, largest / 127.0f);
		for (int e = 0; e < 32; e++) {
			values[e] = (double)d * (int8_t)blocks[8 + e];
			sum += (int8_t)blocks[8 + e];
			ck_assert_msg(fabs(values[e] - x[e]) <= 0.502 * d, "%g is %g", values[e],
				      (double)x[e]);
		}
		ck_assert_float_eq(s, d * (float)sum);
	}
}

static void run_blocks(uint8_t type, bool interleaved, uint32_t m, uint32_t n, uint32_t k)
{
	struct gaon_ops_gemm g = {
		.size = sizeof(g), .m = m, .n = n, .k = k, .trans_b = true,
		.type_a = GAON_TYPE_Q8A, .type_b = type | (interleaved ? GAON_TYPE_ROWS16 : 0),
		.type_c = GAON_TYPE_F32,
	};
	uint64_t bytes = gaon_ops_matrix_bytes(g.type_b, n, k), bytes_a = m * (k / 32) * 40ull;
	uint8_t *blocks = ops_alloc(gaon_ops_matrix_bytes(type, n, k)), *a = ops_alloc(bytes_a);
	uint8_t *permuted = ops_alloc(bytes);
	double *b = ops_alloc(8ull * n * k), *av = ops_alloc(8ull * m * k), *want = ops_alloc(8ull * m * n);
	float *x = ops_alloc(4ull * m * k), *c = ops_alloc(4ull * m * n);
	double size = 0;
	uint64_t x_va;

	ops_random_weights(type, (uint64_t)n * k, blocks, b);
	ops_random_fill(x, (uint64_t)m * k, 3);
	if (interleaved)
		OPS_OK(gaon_ops_interleave(type, n, k, blocks, permuted));
	g.b = ops_put(interleaved ? permuted : blocks, bytes);
	x_va = ops_put(x, 4ull * m * k);
	g.a = ops_put(NULL, bytes_a);
	g.c = ops_put(NULL, 4ull * m * n);
	OPS_OK(gaon_ops_quantize(ops_t.ops, ops_t.stream, g.a, x_va, m, k));
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &g));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	OPS_OK(gaon_mem_read(ops_t.dev, a, g.a, bytes_a));
	ops_get(c, g.c, 4ull * m * n);
	read_activations(a, x, (uint64_t)m * k / 32, av);
	for (uint32_t i = 0; i < m; i++)
		for (uint32_t j = 0; j < n; j++) {
			double sum = 0;

			for (uint32_t p = 0; p < k; p++) {
				sum += av[i * k + p] * b[j * k + p];
				size = fmax(size, fabs(av[i * k + p] * b[j * k + p]));
			}
			want[i * n + j] = sum;
		}
	/* Two roundings per block, of sums no larger than all products together. */
	ops_compare("block product", c, want, (uint64_t)m * n, 0x1p-20, size * k * 0x1p-21);
	free(blocks);
	free(permuted);
	free(a);
	free(b);
	free(av);
	free(want);
	free(x);
	free(c);
}

START_TEST(gemm_blocks)
{
	for (unsigned int t = 0; t < 3; t++)
		for (int interleaved = 0; interleaved < 2; interleaved++) {
			run_blocks(block_types[t], interleaved, 1, ops_random_in(1, 700),
				   32 * ops_random_in(1, 40));
			run_blocks(block_types[t], interleaved, ops_random_in(1, 60),
				   ops_random_in(1, 200), 32 * ops_random_in(1, 12));
		}
}
END_TEST

/* --- what is refused, and what is nothing --------------------------------------------------------------- */

START_TEST(gemm_refuses)
{
	struct gaon_ops_gemm good = { .size = sizeof(good), .m = 8, .n = 8, .k = 32,
				      .type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32,
				      .type_c = GAON_TYPE_F32 }, g;

	good.a = ops_put(NULL, 1024);
	good.b = ops_put(NULL, 1024);
	good.c = ops_put(NULL, 256);
#define REFUSED(status, ...)								\
	do {										\
		g = good;								\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_gemm(ops_t.ops, ops_t.stream, &g), status);	\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
	} while (0)
	REFUSED(GAON_ERROR_STRUCT_SIZE, g.size = 8);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.type_b = GAON_TYPE_BF16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.type_c = GAON_TYPE_I32);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.type_a = 0xff);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.lda = 16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.c = g.a);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.type_c = GAON_TYPE_F16; g.accumulate = true);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, g.type_a = GAON_TYPE_Q8A; g.type_b = GAON_TYPE_Q4_0);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, g.m = 9);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, g.a = 0x123000);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, g.lda = 1ull << 40);
	ck_assert_int_eq(gaon_ops_gemm(NULL, ops_t.stream, &good), GAON_ERROR_INVALID_HANDLE);
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &good));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
}
END_TEST

START_TEST(gemm_nothing)
{
	float ones[64], c[64];
	struct gaon_ops_gemm g = { .size = sizeof(g), .m = 8, .n = 8, .type_a = GAON_TYPE_F32,
				   .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32 };

	for (int i = 0; i < 64; i++)
		ones[i] = 1;
	g.c = ops_put(ones, sizeof(ones));
	g.accumulate = true;
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &g));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	OPS_OK(gaon_mem_read(ops_t.dev, c, g.c, sizeof(c)));
	ck_assert_mem_eq(c, ones, sizeof(c));
	g.accumulate = false;
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &g));
	ops_get(c, g.c, sizeof(c));
	for (int i = 0; i < 64; i++)
		ck_assert(c[i] == 0);
	g.m = 0;
	OPS_OK(gaon_ops_gemm(ops_t.ops, ops_t.stream, &g));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, gemm_f32);
	tcase_add_test(t, gemm_f16);
	tcase_add_test(t, gemm_bf16);
	tcase_add_test(t, gemm_i8);
	tcase_add_test(t, gemm_large);
	tcase_add_test(t, gemm_blocks);
	tcase_add_test(t, gemm_refuses);
	tcase_add_test(t, gemm_nothing);
}

int main(void)
{
	return ops_run("ops_gemm", add);
}
