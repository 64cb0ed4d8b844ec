// SPDX-License-Identifier: MIT
/* Directed vectors of the matrix unit: results known by reasoning, on every path. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/sim/matrix/matrix_internal.h"
#include "matrix_oracle.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define NEG	0x80000000u
#define INF	0x7f800000u
#define NAN_C	0x7fc00000u
/* f32 bits of 2^e and of 1.5 * 2^e */
#define P2(e)	((uint32_t)((e) + 127) << 23)
#define P2H(e)	(P2(e) | 0x400000)

/* One dot product: up to 8 terms at given k, the rest +0. */
struct vector {
	const char *name;
	uint8_t type;
	bool accumulate;
	uint32_t k, c, want;
	struct {
		uint32_t k, a, b;	/* f32 bits; bf16 takes the upper half */
	} terms[8];
	int count;
};

#define F GAON_TYPE_F32
#define B GAON_TYPE_BF16

static const struct vector vectors[] = {
	/* f32 and the zeroes */
	{ "f32 +0 start", F, false, 1, 0, 0, { { 0, NEG, P2(0) } }, 1 },
	{ "f32 -0 kept", F, true, 1, NEG, NEG, { { 0, NEG, P2(0) } }, 1 },
	{ "f32 -0 and +0", F, true, 1, NEG, 0, { { 0, 0, P2(0) } }, 1 },
	{ "f32 cancel to +0", F, true, 1, P2(0) | NEG, 0, { { 0, P2(0), P2(0) } }, 1 },
	{ "f32 subnormal product", F, false, 1, 0, 1, { { 0, P2(-75), P2(-74) } }, 1 },
	{ "f32 subnormal operand", F, false, 1, 0, P2(-126), { { 0, P2(-126) >> 1, P2(1) } }, 1 },
	{ "f32 subnormal C", F, true, 1, 5, 5, { { 0, 0, P2(0) } }, 1 },
	{ "f32 tie to even down", F, true, 1, P2(0), P2(0), { { 0, P2(-12), P2(-12) } }, 1 },
	{ "f32 tie to even up", F, true, 1, P2(0) + 1, P2(0) + 2, { { 0, P2(-12), P2(-12) } }, 1 },
	{ "f32 fused, not rounded twice", F, true, 1, NEG | (P2(0) + 2), P2(-46),
	  { { 0, P2(0) + 1, P2(0) + 1 } }, 1 },
	{ "f32 overflow", F, false, 1, 0, INF, { { 0, P2(127), P2(1) } }, 1 },
	{ "f32 -overflow", F, false, 1, 0, INF | NEG, { { 0, P2(127) | NEG, P2(1) } }, 1 },
	{ "f32 order: overflow first", F, false, 3, 0, INF,
	  { { 0, P2(127), P2(0) }, { 1, P2(127), P2(0) }, { 2, P2(127) | NEG, P2(0) } }, 3 },
	{ "f32 order: no overflow", F, false, 3, 0, P2(127),
	  { { 0, P2(127), P2(0) }, { 1, P2(127) | NEG, P2(0) }, { 2, P2(127), P2(0) } }, 3 },
	{ "f32 inf * 0", F, false, 1, 0, NAN_C, { { 0, INF, 0 } }, 1 },
	{ "f32 inf - inf", F, true, 1, INF, NAN_C, { { 0, INF | NEG, P2(0) } }, 1 },
	{ "f32 payload of A", F, false, 1, 0, NAN_C, { { 0, 0xffdeadbe, P2(0) } }, 1 },
	{ "f32 signalling C", F, true, 1, 0xff812345, NAN_C, { { 0, P2(0), P2(0) } }, 1 },
	/* bf16: tininess after rounding, with E at 2^-126 */
	{ "bf16 2^-126 - 2^-152 rounds up", B, false, 3, 0, P2(-126),
	  { { 0, P2(-63), P2(-63) }, { 2, P2(-76) | NEG, P2(-76) } }, 2 },
	{ "bf16 2^-126 - 2^-151, a tie", B, false, 3, 0, P2(-126),
	  { { 0, P2(-63), P2(-63) }, { 2, P2(-75) | NEG, P2(-76) } }, 2 },
	{ "bf16 2^-126 - 3*2^-152 is tiny", B, false, 3, 0, 0,
	  { { 0, P2(-63), P2(-63) }, { 2, P2H(-75) | NEG, P2(-76) } }, 2 },
	{ "bf16 2^-126 - 2^-150 is tiny", B, false, 3, 0, 0,
	  { { 0, P2(-63), P2(-63) }, { 2, P2(-75) | NEG, P2(-75) } }, 2 },
	{ "bf16 the same on the odd chain", B, false, 4, 0, P2(-126) | NEG,
	  { { 1, P2(-63) | NEG, P2(-63) }, { 3, P2(-76), P2(-76) } }, 2 },
	{ "bf16 odd chain, tiny", B, false, 4, 0, 0,
	  { { 1, P2(-63) | NEG, P2(-63) }, { 3, P2H(-75), P2(-76) } }, 2 },
	/* bf16: flushing */
	{ "bf16 subnormal operand is zero", B, false, 1, 0, 0, { { 0, 0x007f0000, P2(100) } }, 1 },
	{ "bf16 subnormal C is zero", B, true, 1, 0x007fffff, 0, { { 0, 0, 0 } }, 1 },
	{ "bf16 subnormal product is zero", B, false, 1, 0, 0, { { 0, P2(-64), P2(-63) } }, 1 },
	{ "bf16 sum E + O flushes", B, false, 2, 0, 0,
	  { { 0, P2H(-63), P2(-63) }, { 1, P2(-63) | NEG, P2(-63) } }, 2 },
	{ "bf16 C + (E + O) flushes", B, true, 1, P2(-126) | NEG, 0,
	  { { 0, P2H(-63), P2(-63) } }, 1 },
	{ "bf16 inf * subnormal is NaN", B, false, 1, 0, NAN_C, { { 0, INF, 0x00010000 } }, 1 },
	/* bf16: where signs of zero show.  E and O end as -0 only if their last terms are. */
	{ "bf16 -0 at the end of both chains", B, true, 32, NEG, NEG,
	  { { 30, P2(-64) | NEG, P2(-63) }, { 31, P2(-64) | NEG, P2(-63) } }, 2 },
	{ "bf16 terms of +0 after -0", B, true, 32, NEG, 0,
	  { { 28, P2(-64) | NEG, P2(-63) }, { 29, P2(-64) | NEG, P2(-63) } }, 2 },
	{ "bf16 padding acts as +0 terms", B, true, 2, NEG, 0,
	  { { 0, P2(-64) | NEG, P2(-63) }, { 1, P2(-64) | NEG, P2(-63) } }, 2 },
	{ "bf16 subnormal -C keeps its sign", B, true, 32, NEG | 1, NEG,
	  { { 30, P2(-64) | NEG, P2(-63) }, { 31, P2(-64) | NEG, P2(-63) } }, 2 },
	/* bf16: the chains are apart, and C comes after both */
	{ "bf16 chains apart", B, false, 4, 0, P2(1),
	  { { 0, P2(24), P2(0) }, { 1, P2(0), P2(0) }, { 2, P2(24) | NEG, P2(0) },
	    { 3, P2(0), P2(0) } }, 4 },
	{ "bf16 one chain loses", B, false, 5, 0, 0,
	  { { 0, P2(24), P2(0) }, { 2, P2(0), P2(0) }, { 4, P2(24) | NEG, P2(0) } }, 3 },
	{ "bf16 C last", B, true, 2, P2(24), P2(24) + 1,
	  { { 0, P2(0), P2(0) }, { 1, P2(0), P2(0) } }, 2 },
	{ "bf16 chunks in order", B, true, 33, P2(24), P2(24),
	  { { 0, P2(0), P2(0) }, { 32, P2(0), P2(0) } }, 2 },
	{ "bf16 E overflows alone", B, false, 3, 0, INF,
	  { { 0, P2(127), P2(0) }, { 2, P2(127), P2(0) }, { 1, P2(127) | NEG, P2(0) } }, 3 },
};

static void put(uint8_t *row, uint8_t type, uint32_t k, uint32_t bits)
{
	if (type == GAON_TYPE_F32)
		memcpy(row + k * 4, &bits, 4);
	else
		memcpy(row + k * 2, &(uint16_t){ (uint16_t)(bits >> 16) }, 2);
}

/* The vector stands in every element of a product that has more than one tile. */
static void check_vector(const struct test_path *p, const struct vector *v)
{
	enum { M = 37, N = 35, K = 64 };
	static uint8_t a[M][K * 4], b[N][K * 4];
	static uint32_t c[M][N];
	struct sim_gemm g = {
		.m = M, .n = N, .k = v->k, .type_a = v->type, .type_b = v->type,
		.type_c = GAON_TYPE_F32, .a = a[0], .b = b[0], .c = (uint8_t *)c,
		.flags = GAON_GEMM_TRANS_B | (v->accumulate ? GAON_GEMM_ACCUMULATE : 0),
		.lda = sizeof(a[0]), .ldb = sizeof(b[0]), .ldc = sizeof(c[0]),
	};

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	for (int t = 0; t < v->count; t++) {
		for (int i = 0; i < M; i++)
			put(a[i], v->type, v->terms[t].k, v->terms[t].a);
		for (int j = 0; j < N; j++)
			put(b[j], v->type, v->terms[t].k, v->terms[t].b);
	}
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++)
			c[i][j] = v->accumulate ? v->c : 0x12345678;
	if (oracle_element(&g, 3, 4) != v->want)
		TEST_FAIL("%s: oracle says %08x, want %08x", v->name, oracle_element(&g, 3, 4),
			  v->want);
	sim_gemm_run(p->mx, &g);
	for (int i = 0; i < M; i++)
		for (int j = 0; j < N; j++)
			if (c[i][j] != v->want) {
				TEST_FAIL("%s: %s: (%d, %d) got %08x want %08x", p->name, v->name,
					  i, j, c[i][j], v->want);
				return;
			}
}

/* Dense sweep of addends and products around 2^-126: [exponents] x [significands] of one step. */
static void check_tininess_sweep(const struct test_path *p)
{
	enum { N = 512 };
	static uint16_t a[3], b[3][N];
	static uint32_t c[N];
	struct sim_gemm g = {
		.m = 1, .n = N, .k = 3, .type_a = B, .type_b = B, .type_c = GAON_TYPE_F32,
		.a = (uint8_t *)a, .b = (uint8_t *)b, .c = (uint8_t *)c,
		.lda = sizeof(a), .ldb = sizeof(b[0]), .ldc = sizeof(c),
	};

	for (int round = 0; round < 60; round++) {
		a[0] = (uint16_t)(P2(-63) >> 16);
		a[2] = (uint16_t)((P2(-70) + ((uint32_t)test_random() & 0x7f0000)) >> 16) | 0x8000;
		for (int j = 0; j < N; j++) {
			b[0][j] = (uint16_t)((P2(-63) + ((uint32_t)test_below(4) << 16)) >> 16);
			b[2][j] =
				(uint16_t)((P2(-84 + (int)test_below(30)) >> 16) | test_below(128));
		}
		sim_gemm_run(p->mx, &g);
		for (uint32_t j = 0; j < N; j++)
			if (c[j] != oracle_element(&g, 0, j)) {
				TEST_FAIL(
					"%s: tininess: a %04x %04x b %04x %04x got %08x want %08x",
					p->name, a[0], a[2], b[0][j], b[2][j], c[j],
					oracle_element(&g, 0, j));
				return;
			}
	}
}

static void check_i8(const struct test_path *p)
{
	enum { K = 4096 };
	static uint8_t a[2][K], b[3][K];
	uint32_t c[2][3] = { { 0x7fffffff, 0x80000000, 5 }, { 0, 0xffffffff, 7 } };
	struct sim_gemm g = {
		.m = 2, .n = 3, .k = K, .type_a = GAON_TYPE_I8, .type_b = GAON_TYPE_I8,
		.type_c = GAON_TYPE_I32, .flags = GAON_GEMM_TRANS_B | GAON_GEMM_ACCUMULATE,
		.a = a[0], .b = b[0], .c = (uint8_t *)c, .lda = K, .ldb = K, .ldc = sizeof(c[0]),
	};

	memset(a[0], 0x80, K);
	memset(a[1], 0x7f, K);
	memset(b[0], 0x80, K);
	memset(b[1], 0x7f, K);
	memset(b[2], 0xff, K);
	sim_gemm_run(p->mx, &g);
	/* 4096 * 2^14 = 2^26 on top of 2^31 - 1 wraps; nothing saturates on the way. */
	if (c[0][0] != 0x7fffffffu + (1u << 26) || c[0][1] != 0x80000000u - 128u * 127 * 4096 ||
	    c[0][2] != 5u + 128 * 4096 || c[1][0] != 0u - 127u * 128 * 4096 ||
	    c[1][1] != 0xffffffffu + 127u * 127 * 4096 || c[1][2] != 7u - 127 * 4096)
		TEST_FAIL("%s: i8 extremes", p->name);
}

/* The caller's rounding mode, flushing and sticky flags neither matter nor change. */
static void check_host_mode(const struct test_path *p)
{
#if defined(__x86_64__)
	static const unsigned int modes[] = { 0x1f80, 0xffc0, 0x5f80, 0x9fc0, 0x3fa1, 0x1fbf };
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_BF16 };
	uint32_t a[64], b[64], c[6];

	for (uint32_t i = 0; i < 64; i++) {
		a[i] = (P2(-64) + ((uint32_t)test_random() & 0x3ffffff)) | (uint32_t)test_random()
										   << 31;
		b[i] = (P2(-64) + ((uint32_t)test_random() & 0x3ffffff)) | (uint32_t)test_random()
										   << 31;
	}
	for (int t = 0; t < 2; t++)
		for (uint32_t m = 0; m < 6; m++) {
			struct sim_gemm g = {
				.m = 1,
				.n = 1,
				.k = 64,
				.type_a = types[t],
				.type_b = types[t],
				.type_c = GAON_TYPE_F32,
				.flags = GAON_GEMM_TRANS_B,
				.a = (uint8_t *)a,
				.b = (uint8_t *)b,
				.c = (uint8_t *)&c[m],
				.lda = 256,
				.ldb = 256,
				.ldc = 4,
			};
			unsigned int after;

			_mm_setcsr(modes[m]);
			sim_gemm_run(p->mx, &g);
			after = _mm_getcsr();
			_mm_setcsr(0x1f80);
			if (after != modes[m] || c[m] != c[0])
				TEST_FAIL("%s: mode %x became %x, result %08x not %08x", p->name,
					  modes[m], after, c[m], c[0]);
		}
#else
	(void)p;
#endif
}

/* A product cut along K has the bits of the whole: cut anywhere for f32, at 32 for bf16. */
static void check_split(const struct test_path *p, uint8_t type)
{
	enum { M = 19, N = 37, K = 640 };
	static uint32_t a[M * K], b[K * N], c[2][M][N];
	uint32_t es = type == GAON_TYPE_F32 ? 4 : 2, cut;
	struct sim_gemm g = {
		.m = M, .n = N, .k = K, .type_a = type, .type_b = type, .type_c = GAON_TYPE_F32,
		.a = (uint8_t *)a, .b = (uint8_t *)b, .lda = K * es, .ldb = N * es, .ldc = N * 4,
	};

	for (uint32_t i = 0; i < M * K; i++)
		a[i] = 0x3f003f00 ^ ((uint32_t)test_random() & 0x81ff81ff);
	for (uint32_t i = 0; i < N * K; i++)
		b[i] = 0x3f003f00 ^ ((uint32_t)test_random() & 0x81ff81ff);
	g.c = (uint8_t *)c[0];
	sim_gemm_run(p->mx, &g);
	cut = type == GAON_TYPE_F32 ? 1 + test_below(K - 1) : 32 * (1 + test_below(K / 32 - 1));
	g.c = (uint8_t *)c[1];
	g.k = cut;
	sim_gemm_run(p->mx, &g);
	g.a += cut * es;
	g.b += cut * g.ldb;
	g.k = K - cut;
	g.flags = GAON_GEMM_ACCUMULATE;
	sim_gemm_run(p->mx, &g);
	if (memcmp(c[0], c[1], sizeof(c[0])))
		TEST_FAIL("%s: type %02x cut at %u", p->name, type, cut);
}

static void check_validity(void)
{
	static const struct {
		bool want;
		struct sim_gemm g;
	} cases[] = {
		{ true, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x10 } },
		{ false, { .k = 7, .type_a = 0x10, .type_b = 0x11, .type_c = 0x10 } },
		{ false, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x22 } },
		{ false, { .k = 7, .type_a = 0x20, .type_b = 0x20, .type_c = 0x10 } },
		{ true, { .k = 7, .type_a = 0x20, .type_b = 0x20, .type_c = 0x22 } },
		{ false, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x10,
			   .type_d = 0x10 } },
		{ false, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x10, .flags = 8 } },
		{ true, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x10, .type_d = 0x12,
			  .flags = 8 } },
		{ false, { .k = 7, .type_a = 0x20, .type_b = 0x20, .type_c = 0x22, .type_d = 0x10,
			   .flags = 8 } },
		{ false, { .k = 7, .type_a = 0x10, .type_b = 0x10, .type_c = 0x10, .flags = 16 } },
		{ true, { .k = 64, .type_a = 0x43, .type_b = 0x41, .type_c = 0x10, .flags = 4 } },
		{ true, { .k = 64, .type_a = 0x43, .type_b = 0xc2, .type_c = 0x10, .flags = 4 } },
		{ false, { .k = 65, .type_a = 0x43, .type_b = 0x41, .type_c = 0x10, .flags = 4 } },
		{ false, { .k = 64, .type_a = 0x43, .type_b = 0x41, .type_c = 0x10, .flags = 0 } },
		{ false, { .k = 64, .type_a = 0x43, .type_b = 0x41, .type_c = 0x10, .flags = 6 } },
		{ false, { .k = 64, .type_a = 0x43, .type_b = 0x43, .type_c = 0x10, .flags = 4 } },
		{ false, { .k = 64, .type_a = 0x43, .type_b = 0xc3, .type_c = 0x10, .flags = 4 } },
		{ false, { .k = 64, .type_a = 0x43, .type_b = 0x90, .type_c = 0x10, .flags = 4 } },
		{ false, { .k = 64, .type_a = 0x90, .type_b = 0x90, .type_c = 0x10 } },
		{ false, { .k = 64, .type_a = 0, .type_b = 0, .type_c = 0x10 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sim_gemm_types_valid(&cases[i].g) != cases[i].want)
			TEST_FAIL("validity case %zu", i);
}

void test_directed(void)
{
	check_validity();
	for (int p = 0; p < test_path_count; p++) {
		for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++)
			check_vector(&test_paths[p], &vectors[v]);
		check_tininess_sweep(&test_paths[p]);
		check_i8(&test_paths[p]);
		check_host_mode(&test_paths[p]);
		for (int i = 0; i < 3; i++) {
			check_split(&test_paths[p], GAON_TYPE_F32);
			check_split(&test_paths[p], GAON_TYPE_BF16);
		}
	}
}
