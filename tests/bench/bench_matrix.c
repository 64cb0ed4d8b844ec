// SPDX-License-Identifier: MIT
/*
 * Rates of the matrix unit's paths, each measured in turn with OpenBLAS's sgemm on one thread.
 * Run with OPENBLAS_NUM_THREADS=1; OPENBLAS_CORETYPE picks the peer's kernels.
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../tools/sim/matrix/matrix.h"
#include "hw/gaon_xgaon.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static uint8_t *bench_alloc(size_t bytes, uint8_t type)
{
	uint8_t *p = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);

	if (!p)
		abort();
	for (size_t i = 0; i < bytes; i++)
		p[i] = rand() >> 8;
	/* Values of ordinary size: bits of noise could hold NaN and subnormals. */
	if (type == GAON_TYPE_F32)
		for (size_t i = 0; i < bytes / 4; i++)
			((float *)p)[i] = rand() / (float)RAND_MAX - 0.5f;
	if (type == GAON_TYPE_F16 || type == GAON_TYPE_BF16)
		for (size_t i = 0; i < bytes / 2; i++)
			((uint16_t *)p)[i] =
				(type == GAON_TYPE_F16 ? 0x3000 : 0x3f00) | (rand() & 0xff);
	return p;
}

struct shape {
	uint32_t m, n, k;
	bool trans_b;
};

static void blas_run(const struct shape *s, const float *a, const float *b, float *c)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, s->trans_b ? CblasTrans : CblasNoTrans, s->m, s->n,
		    s->k, 1.0f, a, s->k, b, s->trans_b ? s->k : s->n, 0.0f, c, s->n);
}

#define ROUNDS_MAX 2000

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Runs ours and, for f32, OpenBLAS's in turn, round by round, so that both see the same machine.
 * Gives the best time of each and the median of the rounds' ratios.
 */
struct timing {
	double ours, blas, ratio;
};

static struct timing bench_pair(enum sim_matrix_path path, struct sim_gemm *g,
				const struct shape *s, bool blas)
{
	static double ratio[ROUNDS_MAX];
	struct sim_matrix *mx = sim_matrix_create(path);
	struct timing best = { 1e9, 1e9, 0 };
	double start = now(), flop = 2.0 * g->m * g->n * g->k;
	int inner = 1 + (int)(1e7 / flop), rounds = 0;

	do {
		double t0 = now(), t1, t2;

		for (int i = 0; i < inner; i++)
			sim_gemm_run(mx, g);
		t1 = now();
		for (int i = 0; blas && i < inner; i++)
			blas_run(s, (const float *)g->a, (const float *)g->b, (float *)g->c);
		t2 = now();
		best.ours = (t1 - t0) / inner < best.ours ? (t1 - t0) / inner : best.ours;
		best.blas = (t2 - t1) / inner < best.blas ? (t2 - t1) / inner : best.blas;
		ratio[rounds++] = (t2 - t1) / (t1 - t0);
	} while (rounds < 5 || (now() - start < 0.5 && rounds < ROUNDS_MAX));
	qsort(ratio, rounds, sizeof(ratio[0]), compare_double);
	best.ratio = ratio[rounds / 2];
	sim_matrix_destroy(mx);
	return best;
}

static void bench_dense(enum sim_matrix_path path, const struct shape *s, uint8_t type)
{
	uint32_t es = type == GAON_TYPE_F32 ? 4 : type == GAON_TYPE_I8 ? 1 : 2;
	uint8_t *a = bench_alloc((size_t)s->m * s->k * es, type);
	uint8_t *b = bench_alloc((size_t)s->n * s->k * es, type);
	uint8_t *c = bench_alloc((size_t)s->m * s->n * 4, GAON_TYPE_F32);
	struct sim_gemm g = {
		.m = s->m, .n = s->n, .k = s->k, .type_a = type, .type_b = type,
		.type_c = type == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32,
		.flags = s->trans_b ? GAON_GEMM_TRANS_B : 0, .a = a, .b = b, .c = c,
		.lda = s->k * es, .ldb = (s->trans_b ? s->k : s->n) * es, .ldc = s->n * 4,
	};
	bool blas = type == GAON_TYPE_F32;
	double flop = 2.0 * s->m * s->n * s->k;
	struct timing t = bench_pair(path, &g, s, blas);

	printf("%-8s %-5s %4ux%4ux%4u%s %8.1f GFLOP/s", sim_matrix_path_name(path),
	       type == GAON_TYPE_F32 ? "f32" : type == GAON_TYPE_F16 ? "f16" :
	       type == GAON_TYPE_BF16 ? "bf16" : "i8", s->m, s->n, s->k, s->trans_b ? "T" : " ",
	       flop / t.ours * 1e-9);
	if (blas)
		printf("   openblas %s %8.1f   ratio: best %.3f, median %.3f",
		       openblas_get_corename(), flop / t.blas * 1e-9, t.blas / t.ours, t.ratio);
	printf("\n");
	fflush(stdout);
	free(a);
	free(b);
	free(c);
}

static const struct {
	uint8_t type;
	uint32_t bytes;
	const char *name;
} weights[] = {
	{ GAON_TYPE_Q4_0_R16, 18, "q4_0_r16" }, { GAON_TYPE_Q4_1_R16, 20, "q4_1_r16" },
	{ GAON_TYPE_Q8_0_R16, 34, "q8_0_r16" }, { GAON_TYPE_Q4_0, 18, "q4_0" },
	{ GAON_TYPE_Q4_1, 20, "q4_1" }, { GAON_TYPE_Q8_0, 34, "q8_0" },
};

/* Weights of 256 MiB are walked product by product, so that each comes from memory. */
static void bench_block(enum sim_matrix_path path, int w, uint32_t m)
{
	const uint32_t n = 1024, k = 2048;
	size_t one = (size_t)n * k / 32 * weights[w].bytes, total = 256u << 20;
	uint32_t copies = m == 1 ? total / one : 1;
	uint8_t *b = bench_alloc(one * copies, weights[w].type);
	uint8_t *a = bench_alloc((size_t)m * k / 32 * 40, GAON_TYPE_Q8A);
	float *c = (float *)bench_alloc((size_t)m * n * 4, GAON_TYPE_F32);
	struct sim_matrix *mx = sim_matrix_create(path);
	struct sim_gemm g = {
		.m = m,
		.n = n,
		.k = k,
		.type_a = GAON_TYPE_Q8A,
		.type_b = weights[w].type,
		.type_c = GAON_TYPE_F32,
		.flags = GAON_GEMM_TRANS_B,
		.a = a,
		.b = b,
		.c = (uint8_t *)c,
		.lda = k / 32 * 40,
		.ldb = one / n * (weights[w].type & GAON_TYPE_ROWS16 ? 16 : 1),
		.ldc = n * 4,
	};
	double best = 1e9, sum;
	uint64_t total_sum = 0;

	/* Scales of ordinary size: sums that are subnormal or NaN cost the host extra. */
	for (size_t i = 0; i < one * copies; i += 2)
		b[i + 1] = (b[i + 1] & 0xbb) | 0x20;
	for (size_t i = 0; i < (size_t)m * k / 32; i++) {
		float scales[2] = { rand() / (float)RAND_MAX, rand() / (float)RAND_MAX };

		memcpy(a + i * 40, scales, sizeof(scales));
	}
	for (int rep = 0; rep < 5; rep++) {
		double t = now();

		for (uint32_t i = 0; i < copies; i++) {
			g.b = b + i * one;
			sim_gemm_run(mx, &g);
		}
		t = (now() - t) / copies;
		best = t < best ? t : best;
	}
	sum = now();
	for (size_t i = 0; i < one * copies; i += 8)
		total_sum += *(uint64_t *)(b + i);
	__asm__ volatile("" : : "r"(total_sum));
	sum = now() - sum;
	printf("%-8s %-9s M=%-3u %8.2f GB/s of weights (reading alone %.2f)  %8.1f GOP/s\n",
	       sim_matrix_path_name(path), weights[w].name, m, one / best * 1e-9,
	       one * copies / sum * 1e-9, 2.0 * m * n * k / best * 1e-9);
	fflush(stdout);
	sim_matrix_destroy(mx);
	free(a);
	free(b);
	free(c);
}

static const struct shape shapes[] = {
	{ 1024, 512, 256, false }, { 512, 512, 512, false }, { 512, 512, 512, true },
	{ 128, 512, 1024, false }, { 2048, 2048, 2048, false }, { 16, 32, 64, false },
	{ 64, 64, 64, false }, { 1, 2048, 512, false }, { 1, 2048, 512, true },
};

int main(int argc, char **argv)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16,
					 GAON_TYPE_I8 };

	for (int path = SIM_MATRIX_PATHS - 1; path > SIM_MATRIX_PORTABLE; path--) {
		if (!sim_matrix_path_available(path) ||
		    (argc > 1 && strcmp(argv[1], sim_matrix_path_name(path))))
			continue;
		for (size_t t = 0; t < sizeof(types); t++)
			for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
				if (argc < 3 || strchr(argv[2], "fhbi"[t]))
					bench_dense(path, &shapes[s], types[t]);
		for (int w = 0; w < 6; w++)
			for (uint32_t m = 1; m <= 64 && (argc < 3 || strchr(argv[2], 'q')); m *= 8)
				bench_block(path, w, m);
	}
	return 0;
}
