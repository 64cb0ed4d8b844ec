// SPDX-License-Identifier: MIT
/*
 * The matrix unit: every path of this host against the portable one, and that against an oracle in
 * exact integers, on random products of every type, flag, size, stride and alignment.
 * GAON_SEED repeats a run, GAON_TEST_LONG=1 makes it longer.
 */
#include "matrix_oracle.h"
#include "../splitmix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../tools/sim/matrix/matrix_internal.h"
#include "hw/gaon_xgaon.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
extern const struct matrix_path matrix_path_amx_emulated;
#endif

unsigned long test_failures;
struct test_path test_paths[8];
int test_path_count;

static uint64_t random_state;

uint64_t test_random(void)
{
	return splitmix64_next(&random_state);
}

uint32_t test_below(uint32_t n)
{
	return (uint32_t)(test_random() % n);
}

/* --- random operands ------------------------------------------------------------------------ */

enum flavour { ORDINARY, WILD, TINY, ZEROES, FLAVOURS };

/* f32 bits; bf16 takes the upper half. */
static uint32_t random_f32(enum flavour how)
{
	uint32_t bits = (uint32_t)test_random(), sign = bits & 0x80000000u, man = bits & 0x7fffff;

	switch (how) {
	case WILD:
		if (test_below(8))
			return bits;
		return sign | (test_below(2) ? 0x7f800000 : 0) | (test_below(2) ? man : 0);
	case TINY:	/* products about 2^-126, sums that come down onto it */
		if (!test_below(3))
			man &= 0x7e0000;
		return sign | (127 - 63 - 8 + test_below(14)) << 23 | man;
	case ZEROES:
		return test_below(3) ? sign : sign | (100 + test_below(40)) << 23 | man;
	default:
		return sign | (120 + test_below(10)) << 23 | man;
	}
}

static uint16_t random_f16(enum flavour how)
{
	uint16_t bits = (uint16_t)test_random();

	switch (how) {
	case WILD:
		return bits;
	case TINY:
		return bits & 0x8fff;
	case ZEROES:
		return test_below(3) ? bits & 0x8000 : bits & 0xbfff;
	default:
		return (bits & 0x83ff) | (10 + test_below(8)) << 10;
	}
}

static void fill(uint8_t *p, uint64_t bytes, uint8_t type, enum flavour how)
{
	for (uint64_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)test_random();
	if (how == WILD && type != GAON_TYPE_F32)
		return;
	switch (type) {
	case GAON_TYPE_F32:
		for (uint64_t i = 0; i + 4 <= bytes; i += 4)
			memcpy(p + i, &(uint32_t){ random_f32(how) }, 4);
		break;
	case GAON_TYPE_BF16:
		for (uint64_t i = 0; i + 2 <= bytes; i += 2)
			memcpy(p + i, &(uint16_t){ (uint16_t)(random_f32(how) >> 16) }, 2);
		break;
	case GAON_TYPE_F16:
		for (uint64_t i = 0; i + 2 <= bytes; i += 2)
			memcpy(p + i, &(uint16_t){ random_f16(how) }, 2);
		break;
	case GAON_TYPE_I8:
		for (uint64_t i = 0; how == ZEROES && i < bytes; i++)
			p[i] = p[i] & 1 ? 0x80 : 0x7f;
		break;
	}
}

/* Scales of ordinary size in blocks; WILD keeps any bits. */
static void fill_scales(const struct sim_gemm *g, uint8_t *a, uint8_t *b, enum flavour how)
{
	uint32_t size = gemm_block_bytes(g->type_b),
		 head = (g->type_b & 0x7f) == GAON_TYPE_Q4_1 ? 2 : 1;
	uint32_t lanes = g->type_b & GAON_TYPE_ROWS16 ? 16 : 1;
	uint32_t groups = div_round_up(g->n, lanes);

	if (how == WILD || g->type_a != GAON_TYPE_Q8A)
		return;
	for (uint32_t kb = 0; kb < g->k / 32; kb++) {
		for (uint32_t i = 0; i < g->m; i++)
			for (int h = 0; h < 8; h += 4)
				memcpy(a + i * g->lda + kb * 40 + h, &(uint32_t){ random_f32(how) },
				       4);
		for (uint32_t j = 0; j < groups; j++)
			for (uint32_t h = 0; h < head * lanes; h++)
				memcpy(b + j * g->ldb + kb * size * lanes + h * 2,
				       &(uint16_t){ random_f16(how) }, 2);
	}
}

/* --- random descriptors ---------------------------------------------------------------------- */

static const struct {
	uint8_t a, b;
} combos[] = {
	{ GAON_TYPE_F32, GAON_TYPE_F32 }, { GAON_TYPE_F16, GAON_TYPE_F16 },
	{ GAON_TYPE_BF16, GAON_TYPE_BF16 }, { GAON_TYPE_I8, GAON_TYPE_I8 },
	{ GAON_TYPE_Q8A, GAON_TYPE_Q4_0 }, { GAON_TYPE_Q8A, GAON_TYPE_Q4_1 },
	{ GAON_TYPE_Q8A, GAON_TYPE_Q8_0 }, { GAON_TYPE_Q8A, GAON_TYPE_Q4_0_R16 },
	{ GAON_TYPE_Q8A, GAON_TYPE_Q4_1_R16 }, { GAON_TYPE_Q8A, GAON_TYPE_Q8_0_R16 },
};
#define COMBOS (sizeof(combos) / sizeof(combos[0]))

static uint32_t random_size(uint32_t most)
{
	static const uint32_t edges[] = {
		1, 2, 7, 8, 13, 14, 15, 16, 17, 31, 32, 33, 47, 48, 64, 65
	};
	uint32_t n = test_below(3) ? 1 + test_below(40) : edges[test_below(16)];

	if (!test_below(12))
		n = 1 + test_below(most);
	return n < most ? n : most;
}

static void random_descriptor(struct sim_gemm *g, uint32_t combo)
{
	memset(g, 0, sizeof(*g));
	g->type_a = combos[combo].a;
	g->type_b = combos[combo].b;
	g->type_c = g->type_a == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32;
	g->flags = test_below(16);
	if (g->type_a == GAON_TYPE_Q8A)
		g->flags = (g->flags & ~GAON_GEMM_TRANS_A) | GAON_GEMM_TRANS_B;
	if (g->flags & GAON_GEMM_CONVERT) {
		static const uint8_t narrow[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16 };

		g->type_d = g->type_c == GAON_TYPE_I32 ? GAON_TYPE_I32 : narrow[test_below(3)];
	}
	g->m = random_size(800);
	g->n = random_size(g->m > 200 ? 20 : 1300);
	g->k = random_size(g->m * g->n > 8000 ? 20 : 1700);
	if (g->type_a == GAON_TYPE_Q8A)
		g->k = (g->k + 31) / 32 * 32;
}

struct operands {
	uint64_t len_c, len_d;
};

/* A row's bytes plus a gap; sometimes the gap makes rows collide in a cache, or spread well over it. */
static uint64_t random_stride(uint64_t row)
{
	if (!test_below(4))
		return (row + 127) / 128 * 128 + 64;
	if (!test_below(8))
		return (row + 2047) / 2048 * 2048;
	return row + (test_below(2) ? test_below(70) : 0);
}

/*
 * Each operand ends with the last byte before a page that can't be touched, at any byte address:
 * its start is what its length makes it.
 */
#define AREA_BYTES	(32u << 20)

static uint8_t *operand_place(int which, uint64_t len)
{
	static uint8_t *areas[4];

	if (!areas[which]) {
		areas[which] = mmap(NULL, AREA_BYTES + 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (areas[which] == MAP_FAILED ||
		    mprotect(areas[which] + AREA_BYTES, 4096, PROT_NONE))
			abort();
	}
	if (len > AREA_BYTES)
		abort();
	return areas[which] + AREA_BYTES - len;
}

static uint64_t one_row(struct sim_gemm g, int which)
{
	if (which == 'a')
		*(g.flags & GAON_GEMM_TRANS_A ? &g.k : &g.m) = 1;
	else if (which == 'b' && !(g.flags & GAON_GEMM_TRANS_B))
		g.k = 1;
	else if (which == 'b')
		g.n = 1;
	else
		g.m = 1;
	return sim_gemm_extent(&g, which);
}

static void operands_make(struct operands *o, struct sim_gemm *g, enum flavour how)
{
	uint64_t len_a, len_b;
	uint8_t *a, *b;

	g->lda = random_stride(one_row(*g, 'a'));
	g->ldb = random_stride(one_row(*g, 'b'));
	g->ldc = random_stride((uint64_t)g->n * 4);
	g->ldd = random_stride((uint64_t)g->n * 4);
	len_a = sim_gemm_extent(g, 'a');
	len_b = sim_gemm_extent(g, 'b');
	o->len_c = sim_gemm_extent(g, 'c');
	o->len_d = sim_gemm_extent(g, 'd');
	g->a = a = operand_place(0, len_a);
	g->b = b = operand_place(1, len_b);
	g->c = operand_place(2, o->len_c);
	g->d = operand_place(3, o->len_d);
	fill(a, len_a, g->type_a, how);
	fill(b, len_b, g->type_b, how);
	fill_scales(g, a, b, how);
	fill(g->c, o->len_c, g->type_c, how == TINY && test_below(2) ? WILD : how);
	fill(g->d, o->len_d, GAON_TYPE_NONE, WILD);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static void report(const char *path, const struct sim_gemm *g, const char *what)
{
	TEST_FAIL("%s %s: types %02x %02x -> %02x flags %x %ux%ux%u ld %lu %lu %lu %lu", path, what,
		  g->type_a, g->type_b, g->type_d, g->flags, g->m, g->n, g->k,
		  (unsigned long)g->lda, (unsigned long)g->ldb, (unsigned long)g->ldc,
		  (unsigned long)g->ldd);
}

static void check_oracle(const struct sim_gemm *g, const struct sim_gemm *before)
{
	bool convert = g->flags & GAON_GEMM_CONVERT;

	for (int s = 0; s < 6; s++) {
		uint32_t i = test_below(g->m), j = test_below(g->n), want, got = 0;
		uint32_t bytes = 4;

		want = oracle_element(before, i, j);
		if (convert && g->type_d != g->type_c) {
			bytes = 2;
			want = g->type_d == GAON_TYPE_F16 ? oracle_narrow(want, 5, 10) :
							    oracle_narrow(want, 8, 7);
		}
		memcpy(&got,
		       convert ? g->d + i * g->ldd + j * bytes : g->c + i * g->ldc + j * bytes,
		       bytes);
		if (got != want) {
			report("portable", g, "oracle");
			printf("     (%u, %u) got %08x want %08x\n", i, j, got, want);
			return;
		}
	}
}

/* --- copies beside a product ------------------------------------------------------------------ */

#define FEED_ROWS	32u
#define FEED_PITCH	4352u

struct copies {
	struct sim_feed feed;
	struct sim_feed_mark mark;
	uint8_t *src, *dst;
	uint32_t rows, bytes;
};

static void copies_make(struct copies *c)
{
	static uint8_t src[FEED_ROWS * FEED_PITCH], dst[FEED_ROWS * FEED_PITCH];

	if (!src[0])
		for (size_t i = 0; i < sizeof(src); i++)
			src[i] = (uint8_t)(1 + i * 2654435761u % 255);
	memset(dst, 0, sizeof(dst));
	memset(c, 0, sizeof(*c));
	c->src = src;
	c->dst = dst;
	c->rows = 1 + test_below(FEED_ROWS);
	c->bytes = test_below(2) ? 64 * (1 + test_below(FEED_PITCH / 64)) : 1 + test_below(FEED_PITCH);
	c->feed.parts = 1;
	c->feed.part[0] = (struct sim_feed_part){
		.dst = dst, .src = src, .dst_ld = FEED_PITCH, .src_ld = FEED_PITCH, .bytes = c->bytes,
		.rows = c->rows, .ends_row = true, .mark = &c->mark,
	};
}

/* What the mark says is there, and nothing else was touched. */
static void copies_check(const char *path, const struct sim_gemm *g, const struct copies *c)
{
	const struct sim_feed_mark *m = &c->mark;

	for (uint32_t row = 0; row < FEED_ROWS; row++) {
		const uint8_t *dst = c->dst + row * FEED_PITCH, *src = c->src + row * FEED_PITCH;
		uint64_t have = row < m->row ? c->bytes : row < m->row + m->group ? m->at : 0;

		if (row >= c->rows && have)
			report(path, g, "copied more rows than there are");
		if (memcmp(dst, src, have))
			report(path, g, "has not copied what it says");
		for (uint64_t i = have; i < FEED_PITCH; i++)
			if (dst[i]) {
				report(path, g, "copied what it does not say");
				return;
			}
	}
}

/* Every fourth product, because the check costs more than most. */
static void run_beside_copies(struct sim_matrix *mx, const char *path, struct sim_gemm *g)
{
	struct copies copies;

	if (test_below(4)) {
		sim_gemm_run(mx, g);
		return;
	}
	copies_make(&copies);
	g->feed = &copies.feed;
	sim_gemm_run(mx, g);
	g->feed = NULL;
	copies_check(path, g, &copies);
}

/*
 * The portable result is compared with the oracle, the others with the portable one, all bytes of
 * C and D and the gaps between rows included.
 */
static void check_product(struct sim_gemm *g, struct operands *o)
{
	uint8_t *c0 = malloc(o->len_c + 1), *d0 = malloc(o->len_d + 1);
	uint8_t *c1 = malloc(o->len_c + 1), *d1 = malloc(o->len_d + 1);
	struct sim_gemm before = *g;

	memcpy(c0, g->c, o->len_c);
	memcpy(d0, g->d, o->len_d);
	before.c = c0;
	for (int p = 0; p < test_path_count; p++) {
		/* Emulated tiles are slow: a product of many is no more than the same again. */
		if (!strcmp(test_paths[p].name, "amx-emulated") &&
		    (uint64_t)g->m * g->n * g->k > 100000)
			continue;
		memcpy(g->c, c0, o->len_c);
		memcpy(g->d, d0, o->len_d);
		run_beside_copies(test_paths[p].mx, test_paths[p].name, g);
		if (p == 0) {
			check_oracle(g, &before);
			memcpy(c1, g->c, o->len_c);
			memcpy(d1, g->d, o->len_d);
		} else if (memcmp(c1, g->c, o->len_c) || memcmp(d1, g->d, o->len_d)) {
			report(test_paths[p].name, g, "differs from portable");
		}
	}
	free(c0);
	free(d0);
	free(c1);
	free(d1);
}

static void test_random_products(double seconds)
{
	struct timespec t0, t;
	unsigned long count = 0;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	do {
		struct sim_gemm g;
		struct operands o;

		random_descriptor(&g, (uint32_t)(count++ % COMBOS));
		if (!sim_gemm_types_valid(&g)) {
			report("-", &g, "refused");
			continue;
		}
		operands_make(&o, &g, (enum flavour)test_below(FLAVOURS));
		if (!sim_gemm_disjoint(&g))
			report("-", &g, "said to overlap");
		check_product(&g, &o);
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (t.tv_sec - t0.tv_sec + (t.tv_nsec - t0.tv_nsec) * 1e-9 < seconds &&
		 test_failures < 20);
	printf("random products: %lu\n", count);
}

static void setup_paths(void)
{
	for (int p = 0; p < SIM_MATRIX_PATHS; p++) {
		struct sim_matrix *mx = sim_matrix_create((enum sim_matrix_path)p);

		printf("path %-8s %s\n", sim_matrix_path_name((enum sim_matrix_path)p),
		       mx ? "runs" : "this host lacks it");
		if ((mx != NULL) != sim_matrix_path_available((enum sim_matrix_path)p))
			TEST_FAIL("availability of %s",
				  sim_matrix_path_name((enum sim_matrix_path)p));
		if (mx)
			test_paths[test_path_count++] =
				(struct test_path){ sim_matrix_path_name((enum sim_matrix_path)p),
						    mx };
	}
#if defined(__x86_64__)
	if (sim_matrix_path_available(SIM_MATRIX_AVX512)) {
		struct sim_matrix *mx = sim_matrix_create(SIM_MATRIX_AVX512);

		mx->path = &matrix_path_amx_emulated;
		test_paths[test_path_count++] = (struct test_path){ "amx-emulated", mx };
		printf("path amx on emulated tiles runs\n");
	}
#endif
}

int main(void)
{
	const char *seed = getenv("GAON_SEED"), *longer = getenv("GAON_TEST_LONG");

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("GAON_SEED=%llu\n", (unsigned long long)random_state);
	setup_paths();
	test_directed();
	test_narrowing();
	test_random_products(longer && *longer == '1' ? 120 : 8);
	for (int p = 0; p < test_path_count; p++)
		sim_matrix_destroy(test_paths[p].mx);
	if (test_failures) {
		printf("%lu failures\n", test_failures);
		return 1;
	}
	printf("ok\n");
	return 0;
}
