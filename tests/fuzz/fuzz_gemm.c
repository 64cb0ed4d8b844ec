// SPDX-License-Identifier: MIT
/*
 * Random descriptors on buffers of exactly the bytes that sim_gemm_extent() states: with address
 * sanitizing, any byte beyond is caught.  Every path runs, and all must agree.
 */
#include <stdlib.h>
#include <string.h>

#include "../../tools/sim/matrix/matrix.h"
#include "hw/gaon_xgaon.h"

#define MOST_BYTES	(1u << 20)
#define MOST_PRODUCTS	(1u << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size, at;
};

static uint32_t take(struct input *in, uint32_t most)
{
	uint32_t v = 0;

	for (int i = 0; i < 2; i++)
		v = v << 8 | (in->at < in->size ? in->data[in->at++] : 0);
	return v % (most + 1);
}

static uint8_t take_type(struct input *in)
{
	static const uint8_t types[] = {
		GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16, GAON_TYPE_I8, GAON_TYPE_I32,
		GAON_TYPE_Q4_0, GAON_TYPE_Q4_1, GAON_TYPE_Q8_0, GAON_TYPE_Q8A,
		GAON_TYPE_Q4_0_R16, GAON_TYPE_Q4_1_R16, GAON_TYPE_Q8_0_R16,
	};
	uint32_t i = take(in, 15);

	return i < sizeof(types) ? types[i] : (uint8_t)take(in, 255);
}

/* Small by default: the edges of tiles and blocks are there. */
static uint32_t take_size(struct input *in)
{
	return 1 + take(in, take(in, 7) ? 70 : GAON_GEMM_MAX - 1);
}

/* Allocated to the byte, filled from the input over and over. */
static uint8_t *operand(struct input *in, uint64_t bytes)
{
	uint8_t *p = malloc(bytes ? bytes : 1);

	if (!p)
		abort();
	for (uint64_t i = 0; i < bytes; i++)
		p[i] = in->size ? in->data[(in->at + i) % in->size] ^ (uint8_t)(i / in->size * 37)
				: 0;
	return p;
}

static struct sim_matrix *engine(int path)
{
	static struct sim_matrix *engines[SIM_MATRIX_PATHS];

	if (!engines[path])
		engines[path] = sim_matrix_create((enum sim_matrix_path)path);
	return engines[path];
}

static void run_paths(struct sim_gemm *g, uint64_t len_c, uint64_t len_d)
{
	uint8_t *c0 = malloc(len_c + 1), *d0 = malloc(len_d + 1);
	uint8_t *c1 = malloc(len_c + 1), *d1 = malloc(len_d + 1);

	memcpy(c0, g->c, len_c);
	memcpy(d0, g->d, len_d);
	for (int path = 0; path < SIM_MATRIX_PATHS; path++) {
		if (!engine(path))
			continue;
		memcpy(g->c, c0, len_c);
		memcpy(g->d, d0, len_d);
		sim_gemm_run(engine(path), g);
		if (path == SIM_MATRIX_PORTABLE) {
			memcpy(c1, g->c, len_c);
			memcpy(d1, g->d, len_d);
		} else if (memcmp(c1, g->c, len_c) || memcmp(d1, g->d, len_d)) {
			abort();
		}
	}
	free(c0);
	free(d0);
	free(c1);
	free(d1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size, 0 };
	struct sim_gemm g = {
		.type_a = take_type(&in), .type_b = take_type(&in), .type_c = take_type(&in),
		.type_d = take_type(&in), .flags = take(&in, 15),
		.m = take_size(&in), .n = take_size(&in), .k = take_size(&in),
		.lda = take(&in, 4200), .ldb = take(&in, 4200), .ldc = take(&in, 4200),
		.ldd = take(&in, 4200),
	};
	uint64_t len[4];

	/* Nudge towards what is valid, or most inputs would end here. */
	if (take(&in, 7)) {
		bool blocks = g.type_b & 0x40;

		g.type_a = blocks ? GAON_TYPE_Q8A : g.type_b;
		g.type_c = g.type_b == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32;
		if (blocks) {
			g.flags = (g.flags & ~GAON_GEMM_TRANS_A) | GAON_GEMM_TRANS_B;
			g.k = g.k < 32 ? 32 : g.k / 32 * 32;
		}
		if (!(g.flags & GAON_GEMM_CONVERT))
			g.type_d = GAON_TYPE_NONE;
		g.ldc += g.n * 4;
		g.ldd += g.n * 4;
	}
	if (!sim_gemm_types_valid(&g) || (uint64_t)g.m * g.n * g.k > MOST_PRODUCTS)
		return 0;
	for (int i = 0; i < 4; i++) {
		len[i] = sim_gemm_extent(&g, "abcd"[i]);
		if (len[i] > MOST_BYTES)
			return 0;
	}
	g.a = operand(&in, len[0]);
	g.b = operand(&in, len[1]);
	g.c = operand(&in, len[2]);
	g.d = operand(&in, len[3]);
	if (sim_gemm_disjoint(&g))
		run_paths(&g, len[2], len[3]);
	else	/* rows of the result overlap: any bits, but in bounds */
		for (int path = 0; path < SIM_MATRIX_PATHS; path++)
			if (engine(path))
				sim_gemm_run(engine(path), &g);
	free((void *)g.a);
	free((void *)g.b);
	free(g.c);
	free(g.d);
	return 0;
}
