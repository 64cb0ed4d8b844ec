// SPDX-License-Identifier: MIT
/* gaon.gemm on a device: operands in the scratchpad and in memory, bad descriptors, faults. */
#include "device_script.h"

START_TEST(test_gemm)
{
	uint32_t m = 37, n = 53, k = 65;
	struct gaon_gemm_desc g = {
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32, .m = m, .n = n,
		.k = k, .a = GAON_VA_SPM, .b = GAON_VA_SPM + 0x10000, .c = GAON_VA_SPM + 0x20000,
		.lda = k * 4, .ldb = n * 4, .ldc = n * 4,
	};
	struct gaon_dma_desc in = good_dma(), out;
	float *a = (float *)(void *)engine_hbm(e, ARENA);
	float *b = (float *)(void *)engine_hbm(e, ARENA + 0x10000);
	const float *c = (const float *)(void *)engine_hbm(e, ARENA + 0x40000);

	for (uint32_t i = 0; i < m * k; i++)
		a[i] = (float)(int)(engine_random(&seed) % 17) - 8;
	for (uint32_t i = 0; i < n * k; i++)
		b[i] = (float)(int)(engine_random(&seed) % 17) - 8;
	in.bytes = 0x20000;
	out = in;
	out.flags = GAON_DMA_FROM_SPM;
	out.mem_va = VA_HBM + ARENA + 0x40000;
	out.spm_va = g.c;
	out.bytes = m * n * 4;
	put_desc(0, &in, sizeof(in));
	put_desc(1, &g, sizeof(g));
	g.flags = GAON_GEMM_ACCUMULATE;
	put_desc(2, &g, sizeof(g));
	put_desc(3, &out, sizeof(out));
	begin(0);
	op(DMA, desc_va(0), 0);
	op(WAIT, GAON_ENGINE_DMA0, 0);
	op(GEMM, desc_va(1), 1);
	op(GEMM, desc_va(2), 1);
	op(WAIT, GAON_ENGINE_MATRIX1, 0);
	op(DMA, desc_va(3), 1);
	ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
	for (uint32_t i = 0; i < m; i++)
		for (uint32_t j = 0; j < n; j++) {
			float want = 0;

			for (uint32_t x = 0; x < k; x++)
				want += a[i * k + x] * b[x * n + j];
			if (c[i * n + j] != 2 * want)
				ck_abort_msg("C[%u][%u]", i, j);
		}
}
END_TEST

#define WEIGHTS_AT	(ARENA + 0x100000)

/* Q8A blocks with small scales; rows of weights of which no bits are a scale that is no number. */
static void random_blocks(uint8_t *a, uint64_t a_blocks, uint8_t *b, uint64_t rows, uint64_t ld,
			  uint64_t bytes)
{
	randomise(a, a_blocks * 40);
	for (uint64_t i = 0; i < a_blocks; i++)
		memcpy(a + i * 40, (float[]){ 0.5f, 3.0f }, 8);
	for (uint64_t i = 0; i < rows * bytes; i++)
		b[i / bytes * ld + i % bytes] = engine_random(&seed) & 0x3b;
}

/*
 * B read from memory gives what it gives from the scratchpad: dense rows, gaps, one row again and again,
 * pages of the host, and rows too far apart to be one piece.
 */
START_TEST(test_gemm_b_memory)
{
	static const struct { uint8_t type; uint32_t n, ld; uint64_t at; } c[] = {
		{ GAON_TYPE_Q4_1, 80, 60, VA_HBM + WEIGHTS_AT },
		{ GAON_TYPE_Q4_0, 33, 54, VA_HBM + WEIGHTS_AT + 3 },
		{ GAON_TYPE_Q8_0, 48, 1000, VA_HBM + WEIGHTS_AT + 1 },
		{ GAON_TYPE_Q4_1, 20, 0, VA_HBM + WEIGHTS_AT },
		{ GAON_TYPE_Q4_1_R16, 40, 960, VA_HBM + WEIGHTS_AT },
		{ GAON_TYPE_Q8_0, 7, 0x1000000, VA_HBM + WEIGHTS_AT },
		{ GAON_TYPE_Q4_1, 300, 60, VA_HOST + 5 },
		{ GAON_TYPE_Q8_0_R16, 16, 0, VA_HOST },
	};

	for (unsigned int i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		uint32_t groups = c[i].type & GAON_TYPE_ROWS16 ? (c[i].n + 15) / 16 : c[i].n;
		struct gaon_gemm_desc g = {
			.type_a = GAON_TYPE_Q8A, .type_b = c[i].type, .type_c = GAON_TYPE_F32,
			.flags = GAON_GEMM_TRANS_B, .m = 2, .n = c[i].n, .k = 96, .a = GAON_VA_SPM,
			.b = GAON_VA_SPM + 0x10000, .c = GAON_VA_SPM + 0x100000, .lda = 120,
			.ldb = 2000, .ldc = c[i].n * 4,
		};
		struct gaon_dma_desc a = good_dma(), b = good_dma(), out = good_dma();
		uint8_t *host = c[i].at >= VA_HOST ?
			(uint8_t *)engine_host64(e, 0) + (c[i].at - VA_HOST) :
			engine_hbm(e, c[i].at - VA_HBM);

		if (c[i].type & GAON_TYPE_ROWS16)
			g.ldb *= 16;
		a.bytes = 240;
		b.mem_va = c[i].at;
		b.spm_va = g.b;
		b.bytes = 3 * (c[i].type & 0xf ? c[i].type & 1 ? 20 : 34 : 18) *
			  (c[i].type & GAON_TYPE_ROWS16 ? 16 : 1);
		random_blocks(engine_hbm(e, ARENA), 6, host, groups, c[i].ld, b.bytes);
		b.count[0] = groups;
		b.mem_stride[0] = c[i].ld;
		b.spm_stride[0] = g.ldb;
		out.flags = GAON_DMA_FROM_SPM;
		out.mem_va = VA_HBM + ARENA + 0x10000;
		out.spm_va = g.c;
		out.bytes = 2 * c[i].n * 4;
		put_desc(0, &a, sizeof(a));
		put_desc(1, &b, sizeof(b));
		put_desc(2, &g, sizeof(g));
		put_desc(3, &out, sizeof(out));
		g.flags |= GAON_GEMM_B_MEMORY;
		g.b = c[i].at;
		g.ldb = c[i].ld;
		g.c += 0x10000;
		put_desc(4, &g, sizeof(g));
		out.mem_va += 0x10000;
		out.spm_va = g.c;
		put_desc(5, &out, sizeof(out));
		begin(0);
		op(DMA, desc_va(0), 0);
		op(DMA, desc_va(1), 1);
		op(FENCE, 0, 0);
		op(GEMM, desc_va(2), 0);
		op(GEMM, desc_va(4), 1);
		op(FENCE, 0, 0);
		op(DMA, desc_va(3), 0);
		op(DMA, desc_va(5), 1);
		ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
		ck_assert_msg(!memcmp(engine_hbm(e, ARENA + 0x10000), engine_hbm(e, ARENA + 0x20000),
				      out.bytes), "case %u", i);
	}
}
END_TEST

START_TEST(test_gemm_b_memory_faults)
{
	struct { uint64_t b, ldb, va; uint16_t type; } c[] = {
		{ VA_NX, 20, VA_NX, GAON_FAULT_PAGE },
		{ VA_HBM + HBM_BYTES - 100, 20, VA_HBM + HBM_BYTES, GAON_FAULT_PAGE },
		{ VA_HBM, UINT32_MAX, 0, GAON_FAULT_PAGE },
		{ VA_KERNEL, 20, VA_KERNEL, GAON_FAULT_PERMISSION },
		{ GAON_VA_SPM, 20, GAON_VA_SPM, GAON_FAULT_SPM_BOUNDS },
		{ 0, 20, 0, GAON_FAULT_PAGE },
		{ UINT64_MAX - 10, 20, UINT64_MAX - 10, GAON_FAULT_PERMISSION },
	};

	for (unsigned int i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct gaon_gemm_desc g = {
			.type_a = GAON_TYPE_Q8A, .type_b = GAON_TYPE_Q4_1, .type_c = GAON_TYPE_F32,
			.flags = GAON_GEMM_TRANS_B | GAON_GEMM_B_MEMORY, .m = 1, .n = 16, .k = 32,
			.a = GAON_VA_SPM, .b = c[i].b, .c = GAON_VA_SPM + 0x10000, .lda = 40,
			.ldb = (uint32_t)c[i].ldb, .ldc = 64,
		};

		put_desc(0, &g, sizeof(g));
		begin(0);
		op(SPIN, 5, 0);
		op(GEMM, desc_va(0), 0);
		op(FENCE, 0, 0);
		ck_assert_msg(run(1) == c[i].type, "case %u: fault %u", i, e->sim->slots[0].fault.type);
		if (c[i].va || !c[i].b)
			ck_assert_uint_eq(e->sim->slots[0].fault.va, c[i].va);
		ck_assert_uint_ge(e->sim->slots[0].fault.pc, K_SCRIPT);
		engine_clear(e, q);
	}
}
END_TEST

START_TEST(test_gemm_bad)
{
	struct gaon_gemm_desc good = {
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32, .m = 16, .n = 16,
		.k = 16, .a = GAON_VA_SPM, .b = GAON_VA_SPM + 0x10000, .c = GAON_VA_SPM + 0x20000,
		.lda = 64, .ldb = 64, .ldc = 64,
	};
	struct { struct gaon_gemm_desc d; unsigned int why; uint64_t array, shift; } c[24];
	unsigned int n = 0;

	for (unsigned int i = 0; i < 24; i++) {
		c[i].d = good;
		c[i].array = c[i].shift = 0;
	}
	c[n].d.type_a = 0, c[n++].why = GAON_BADDESC_TYPE;
	c[n].d.type_b = GAON_TYPE_I8, c[n++].why = GAON_BADDESC_TYPE;
	c[n].d.type_c = GAON_TYPE_I32, c[n++].why = GAON_BADDESC_TYPE;
	c[n].d.flags = 0x20, c[n++].why = GAON_BADDESC_FLAGS;
	c[n].d.flags = GAON_GEMM_B_MEMORY, c[n++].why = GAON_BADDESC_TYPE;
	c[n].d.reserved0 = 1, c[n++].why = GAON_BADDESC_RESERVED;
	c[n].d.reserved1[4] = 1, c[n++].why = GAON_BADDESC_RESERVED;
	c[n].d.m = 0, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.n = 4097, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.k = UINT32_MAX, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.a = VA_HBM, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.b = GAON_VA_SPM - 4, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.c = GAON_VA_SPM + SPM_BYTES - 1023, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.lda = UINT32_MAX, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.c = GAON_VA_SPM + 512, c[n++].why = GAON_BADDESC_OVERLAP;
	c[n].d.ldc = 32, c[n++].why = GAON_BADDESC_OVERLAP;
	c[n].array = 2, c[n++].why = GAON_BADDESC_ENGINE;
	c[n].shift = 4, c[n++].why = GAON_BADDESC_ALIGN;
	for (unsigned int i = 0; i < n; i++) {
		put_desc(0, &c[i].d, sizeof(c[i].d));
		begin(0);
		op(GEMM, desc_va(0) + c[i].shift, c[i].array);
		ck_assert_uint_eq(run(1), GAON_FAULT_BAD_DESCRIPTOR);
		ck_assert_msg(syndrome() == c[i].why, "case %u: %u, not %u", i,
			      (unsigned int)syndrome(), c[i].why);
		engine_clear(e, q);
	}
}
END_TEST

/* A card without GAON_FEATURE_GEMM_MEMORY says that it does not know the flag. */
START_TEST(test_no_gemm_memory)
{
	struct gaon_sim_config without = { .threads = 1, .effects = effects, .no_gemm_memory = true };
	struct gaon_gemm_desc g = {
		.type_a = GAON_TYPE_Q8A, .type_b = GAON_TYPE_Q4_1, .type_c = GAON_TYPE_F32,
		.flags = GAON_GEMM_TRANS_B | GAON_GEMM_B_MEMORY, .m = 1, .n = 16, .k = 32,
		.a = GAON_VA_SPM, .b = VA_HBM + WEIGHTS_AT, .c = GAON_VA_SPM + 0x10000, .lda = 40,
		.ldb = 20, .ldc = 64,
	};

	ck_assert_uint_ne(e->sim->identify.features & GAON_FEATURE_GEMM_MEMORY, 0);
	engine_destroy(e);
	e = engine_create(&without);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
	ck_assert_uint_eq(e->sim->identify.features & GAON_FEATURE_GEMM_MEMORY, 0);
	put_desc(0, &g, sizeof(g));
	begin(0);
	op(GEMM, desc_va(0), 0);
	op(FENCE, 0, 0);
	ck_assert_uint_eq(run(1), GAON_FAULT_BAD_DESCRIPTOR);
	ck_assert_uint_eq(syndrome(), GAON_BADDESC_FLAGS);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, test_gemm);
	tcase_add_test(t, test_gemm_b_memory);
	tcase_add_test(t, test_gemm_b_memory_faults);
	tcase_add_test(t, test_gemm_bad);
	tcase_add_test(t, test_no_gemm_memory);
}

int main(void)
{
	return check_run(device_suite("device_xgaon_gemm", add));
}
