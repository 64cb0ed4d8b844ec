// SPDX-License-Identifier: MIT
/* Xgaon on a device: DMA against a plain reference, gemm through the scratchpad, waits, gangs. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define SCRIPT		0x100000
#define DESC		0x200000
#define INDEX		0x280000
#define ARENA		0x400000
#define ARENA_BYTES	0x400000
#define SPM_BYTES	(2u << 20)

enum { END, GEMM, DMA, WAIT, FENCE, BARRIER, POST, SEMWAIT, POLL, COPY, SPIN, STORE, IDLE, ADD, CYCLE };

static struct engine *e;
static struct engine_queue *q;
static uint64_t seed, *cursor;
static enum gaon_sim_effects effects;

static void setup(void)
{
	struct gaon_sim_config config = { .threads = 1, .effects = effects };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static void teardown(void)
{
	engine_destroy(e);
}

static void set_normal(void)
{
	effects = GAON_SIM_EFFECTS_NORMAL;
	setup();
}

static void set_early(void)
{
	effects = GAON_SIM_EFFECTS_EARLY;
	setup();
}

static void set_late(void)
{
	effects = GAON_SIM_EFFECTS_LATE;
	setup();
}

/* --- scripts --------------------------------------------------------------------------------- */

static void begin(unsigned int workgroup)
{
	engine_hbm64(e, SCRIPT)[workgroup] = VA_HBM + SCRIPT + 4096 * (workgroup + 1);
	cursor = engine_hbm64(e, SCRIPT + 4096 * (workgroup + 1));
	cursor[0] = END;
}

static void op(uint64_t what, uint64_t a, uint64_t b)
{
	*cursor++ = what;
	*cursor++ = a;
	*cursor++ = b;
	*cursor = END;
}

static uint16_t run(unsigned int workgroups)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, workgroups, 1, 1);

	pkt.launch.spm_bytes = SPM_BYTES;
	pkt.launch.launch_flags = workgroups > 1 ? GAON_LAUNCH_COOPERATIVE : 0;
	return engine_do(e, q, &pkt);
}

static uint64_t syndrome(void)
{
	return e->sim->slots[0].fault.syndrome;
}

static uint64_t desc_va(unsigned int i)
{
	return VA_HBM + DESC + 128 * i;
}

static void put_desc(unsigned int i, const void *desc, size_t len)
{
	memcpy(engine_hbm(e, DESC + 128 * i), desc, len);
}

static void randomise(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t r = engine_random(&seed);

		memcpy(p + i, &r, 8);
	}
}

/* --- DMA ------------------------------------------------------------------------------------- */

static int64_t random_stride(uint64_t most)
{
	int64_t s = (int64_t)(engine_random(&seed) % (most + 1));

	return engine_random(&seed) & 1 ? s : -s;
}

/* A descriptor whose memory side lies in the arena at @base and whose scratchpad side fits. */
static struct gaon_dma_desc random_dma(uint64_t base, uint64_t index[64])
{
	struct gaon_dma_desc d = {
		.type = engine_random(&seed) % 3 == 0, .flags = engine_random(&seed) % 2,
		.bytes = 1 + (uint32_t)(engine_random(&seed) % (engine_random(&seed) & 3 ? 40 : 9000)),
	};
	int64_t mem_low = 0, spm_low = 0, mem_high = d.bytes, spm_high = d.bytes;

	for (unsigned int i = 0; i < 3; i++) {
		d.count[i] = 1 + (uint32_t)(engine_random(&seed) % 7);
		d.mem_stride[i] = engine_random(&seed) % 4 ? random_stride(60000) : (int64_t)d.bytes;
		d.spm_stride[i] = engine_random(&seed) % 4 ? random_stride(30000) : (int64_t)d.bytes;
	}
	for (unsigned int i = 0; i < 3; i++) {
		int64_t mem = d.mem_stride[i] * (d.count[i] - 1), spm = d.spm_stride[i] * (d.count[i] - 1);

		if (d.type == GAON_DMA_GATHER && i == 2)
			mem = d.mem_stride[2] * 8;
		mem_low += mem < 0 ? mem : 0;
		mem_high += mem > 0 ? mem : 0;
		spm_low += spm < 0 ? spm : 0;
		spm_high += spm > 0 ? spm : 0;
	}
	d.mem_va = base + ARENA + (uint64_t)-mem_low +
		   engine_random(&seed) % (ARENA_BYTES - (uint64_t)(mem_high - mem_low));
	d.spm_va = GAON_VA_SPM + (uint64_t)-spm_low +
		   engine_random(&seed) % (SPM_BYTES - (uint64_t)(spm_high - spm_low) + 1);
	if (d.type == GAON_DMA_GATHER) {
		d.index_va = VA_HBM + INDEX;
		d.flags |= engine_random(&seed) & 1 ? GAON_DMA_INDEX64 : 0;
		for (unsigned int i = 0; i < 64; i++)
			index[i] = engine_random(&seed) % 9;
	}
	return d;
}

static void write_index(const struct gaon_dma_desc *d, const uint64_t index[64])
{
	for (unsigned int i = 0; i < 64; i++)
		if (d->flags & GAON_DMA_INDEX64)
			engine_hbm64(e, INDEX)[i] = index[i];
		else
			((uint32_t *)(void *)engine_hbm(e, INDEX))[i] = (uint32_t)index[i];
}

/* The specification's loop, byte by byte; @written marks bytes written more than once. */
static void reference(const struct gaon_dma_desc *d, const uint64_t index[64], uint8_t *mem, uint8_t *spm,
		      uint8_t *marks, uint64_t mem_base)
{
	for (uint32_t k = 0; k < d->count[2]; k++)
		for (uint32_t j = 0; j < d->count[1]; j++)
			for (uint32_t i = 0; i < d->count[0]; i++)
				for (uint32_t b = 0; b < d->bytes; b++) {
					uint64_t at = d->type == GAON_DMA_GATHER ? index[k] : k;
					uint64_t m = d->mem_va - mem_base + b +
						     (uint64_t)(i * d->mem_stride[0] + j * d->mem_stride[1] +
								(int64_t)at * d->mem_stride[2]);
					uint64_t s = d->spm_va - GAON_VA_SPM + b +
						     (uint64_t)(i * d->spm_stride[0] + j * d->spm_stride[1] +
								k * d->spm_stride[2]);

					if (d->flags & GAON_DMA_FROM_SPM) {
						mem[m] = spm[s];
						marks[m] += marks[m] < 2;
					} else {
						spm[s] = mem[m];
						marks[s] += marks[s] < 2;
					}
				}
}

static void compare(const uint8_t *got, const uint8_t *want, const uint8_t *marks, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (marks[i] < 2 && got[i] != want[i])
			ck_abort_msg("byte %zu: %02x, not %02x", i, got[i], want[i]);
}

START_TEST(test_dma_random)
{
	uint8_t *spm = malloc(SPM_BYTES), *mem = malloc(ARENA_BYTES), *marks = malloc(ARENA_BYTES);
	unsigned int rounds = getenv("GAON_TEST_LONG") ? 3000 : 150;

	/* The core's scratchpad is filled by DMA too, as a program has to. */
	for (unsigned int round = 0; round < rounds; round++) {
		bool host = round & 1;
		uint64_t base = host ? VA_HOST + HOST_SCRATCH - ARENA : VA_HBM, index[64];
		uint8_t *arena = host ? e->host + HOST_SCRATCH : engine_hbm(e, ARENA);
		struct gaon_dma_desc d = random_dma(base, index), fill = {
			.mem_va = VA_HBM + (32 << 20), .spm_va = GAON_VA_SPM, .bytes = SPM_BYTES,
			.count = { 1, 1, 1 },
		};

		randomise(arena, ARENA_BYTES / 64);
		memcpy(arena + ARENA_BYTES / 2, arena, ARENA_BYTES / 64);
		randomise(engine_hbm(e, 32 << 20), 4096);
		memcpy(mem, arena, ARENA_BYTES);
		memcpy(spm, engine_hbm(e, 32 << 20), SPM_BYTES);
		memset(marks, 0, ARENA_BYTES);
		write_index(&d, index);
		put_desc(0, &fill, sizeof(fill));
		put_desc(1, &d, sizeof(d));
		fill.flags = GAON_DMA_FROM_SPM;
		fill.mem_va = VA_HBM + (40 << 20);
		put_desc(2, &fill, sizeof(fill));
		begin(0);
		op(DMA, desc_va(0), 0);
		op(WAIT, GAON_ENGINE_DMA0, 0);
		op(DMA, desc_va(1), 1);
		op(WAIT, GAON_ENGINE_DMA1, 0);
		op(DMA, desc_va(2), 0);
		ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
		reference(&d, index, mem, spm, marks, base + ARENA);
		if (d.flags & GAON_DMA_FROM_SPM) {
			compare(arena, mem, marks, ARENA_BYTES);
			ck_assert(!memcmp(engine_hbm(e, 40 << 20), spm, SPM_BYTES));
		} else {
			compare(engine_hbm(e, 40 << 20), spm, marks, SPM_BYTES);
			ck_assert(!memcmp(arena, mem, ARENA_BYTES));
		}
	}
	free(spm);
	free(mem);
	free(marks);
}
END_TEST

static struct gaon_dma_desc good_dma(void)
{
	return (struct gaon_dma_desc){
		.mem_va = VA_HBM + ARENA, .spm_va = GAON_VA_SPM, .bytes = 64, .count = { 1, 1, 1 },
	};
}

START_TEST(test_dma_bad)
{
	struct { struct gaon_dma_desc d; unsigned int why; uint64_t channel, shift; } c[20];
	unsigned int n = 0;

	for (unsigned int i = 0; i < 20; i++) {
		c[i].d = good_dma();
		c[i].channel = c[i].shift = 0;
	}
	c[n].d.type = 2, c[n++].why = GAON_BADDESC_TYPE;
	c[n].d.flags = 4, c[n++].why = GAON_BADDESC_FLAGS;
	c[n].d.flags = GAON_DMA_INDEX64, c[n++].why = GAON_BADDESC_FLAGS;
	c[n].d.reserved0[2] = 1, c[n++].why = GAON_BADDESC_RESERVED;
	c[n].d.index_va = 8, c[n++].why = GAON_BADDESC_RESERVED;
	c[n].d.bytes = 0, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.count[1] = 0, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.spm_va = GAON_VA_SPM + SPM_BYTES - 63, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.spm_va = GAON_VA_SPM - 1, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.spm_va = VA_HBM, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.count[2] = 2, c[n].d.spm_stride[2] = INT64_MAX, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.count[0] = 2, c[n].d.spm_stride[0] = INT64_MIN, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.count[0] = c[n].d.count[1] = c[n].d.count[2] = UINT32_MAX, c[n++].why = GAON_BADDESC_RANGE;
	c[n].d.type = GAON_DMA_GATHER, c[n].d.index_va = VA_HBM + 2, c[n++].why = GAON_BADDESC_ALIGN;
	c[n].channel = 2, c[n++].why = GAON_BADDESC_ENGINE;
	c[n].shift = 4, c[n++].why = GAON_BADDESC_ALIGN;
	for (unsigned int i = 0; i < n; i++) {
		put_desc(0, &c[i].d, sizeof(c[i].d));
		begin(0);
		op(DMA, desc_va(0) + c[i].shift, c[i].channel);
		ck_assert_uint_eq(run(1), GAON_FAULT_BAD_DESCRIPTOR);
		ck_assert_uint_eq(syndrome(), c[i].why);
		ck_assert_uint_eq(e->sim->slots[0].fault.va, desc_va(0) + c[i].shift);
		engine_clear(e, q);
	}
}
END_TEST

START_TEST(test_dma_faults)
{
	struct { uint64_t mem, bytes, flags, va; uint16_t type; } c[] = {
		{ VA_NX, 64, 0, VA_NX, GAON_FAULT_PAGE },
		{ VA_HBM + HBM_BYTES - 100, 200, 0, VA_HBM + HBM_BYTES, GAON_FAULT_PAGE },
		{ VA_RO, 64, GAON_DMA_FROM_SPM, VA_RO, GAON_FAULT_PERMISSION },
		{ VA_KERNEL, 64, 0, VA_KERNEL, GAON_FAULT_PERMISSION },
		{ GAON_VA_SPM + 4096, 64, 0, GAON_VA_SPM + 4096, GAON_FAULT_SPM_BOUNDS },
		{ UINT64_MAX - 10, 64, 0, UINT64_MAX - 10, GAON_FAULT_PERMISSION },
	};

	for (unsigned int i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct gaon_dma_desc d = good_dma();

		d.mem_va = c[i].mem;
		d.bytes = (uint32_t)c[i].bytes;
		d.flags = (uint32_t)c[i].flags;
		put_desc(0, &d, sizeof(d));
		begin(0);
		op(SPIN, 5, 0);
		op(DMA, desc_va(0), 0);
		op(FENCE, 0, 0);
		ck_assert_uint_eq(run(1), c[i].type);
		ck_assert_uint_eq(e->sim->slots[0].fault.va, c[i].va);
		ck_assert_uint_ge(e->sim->slots[0].fault.pc, K_SCRIPT);
		engine_clear(e, q);
	}
	/* A descriptor that can't be read. */
	begin(0);
	op(DMA, VA_NX, 0);
	ck_assert_uint_eq(run(1), GAON_FAULT_PAGE);
	ck_assert_uint_eq(e->sim->slots[0].fault.va, VA_NX);
}
END_TEST

/* --- gemm ------------------------------------------------------------------------------------ */

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

/* --- order ----------------------------------------------------------------------------------- */

/* Without a wait the core may see the scratchpad before or after the DMA: each mode shows one. */
START_TEST(test_missing_wait)
{
	struct gaon_dma_desc d = good_dma();
	uint64_t *seen = engine_hbm64(e, 0);

	*engine_hbm64(e, ARENA) = 0x1111;
	put_desc(0, &d, sizeof(d));
	begin(0);
	op(STORE, GAON_VA_SPM, 0x2222);
	op(DMA, desc_va(0), 0);
	op(COPY, GAON_VA_SPM, VA_HBM);
	op(WAIT, GAON_ENGINE_DMA0, 0);
	op(COPY, GAON_VA_SPM, VA_HBM + 8);
	ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
	ck_assert_uint_eq(seen[0], effects == GAON_SIM_EFFECTS_LATE ? 0x2222u : 0x1111u);
	ck_assert_uint_eq(seen[1], 0x1111);
	/* The end of the workgroup waits for everything. */
	d.flags = GAON_DMA_FROM_SPM;
	d.mem_va = VA_HBM + ARENA + 4096;
	put_desc(0, &d, sizeof(d));
	begin(0);
	op(STORE, GAON_VA_SPM, 0x3333);
	op(DMA, desc_va(0), 1);
	ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
	ck_assert_uint_eq(*engine_hbm64(e, ARENA + 4096), 0x3333);
}
END_TEST

START_TEST(test_poll_and_depth)
{
	struct gaon_dma_desc d = good_dma();

	d.bytes = 8;
	put_desc(0, &d, sizeof(d));
	begin(0);
	for (unsigned int i = 0; i < 20; i++)
		op(DMA, desc_va(0), 0);
	op(POLL, GAON_ENGINE_DMA0, VA_HBM);
	op(WAIT, GAON_ENGINE_DMA0, 3);
	op(POLL, GAON_ENGINE_DMA0, VA_HBM + 8);
	op(IDLE, GAON_ENGINE_DMA0, 0);
	op(POLL, GAON_ENGINE_DMA0, VA_HBM + 16);
	ck_assert_uint_eq(run(1), GAON_FAULT_NONE);
	ck_assert_uint_le(engine_hbm64(e, 0)[0], 16);
	ck_assert_uint_le(engine_hbm64(e, 0)[1], 3);
	ck_assert_uint_eq(engine_hbm64(e, 0)[2], 0);
	if (effects == GAON_SIM_EFFECTS_LATE)
		ck_assert_uint_eq(engine_hbm64(e, 0)[0], 16);
	begin(0);
	op(POLL, 4, VA_HBM);
	ck_assert_uint_eq(run(1), GAON_FAULT_BAD_DESCRIPTOR);
	ck_assert_uint_eq(syndrome(), GAON_BADDESC_ENGINE);
}
END_TEST

/* --- gangs ----------------------------------------------------------------------------------- */

START_TEST(test_gang_order)
{
	/* Each stores before the barrier and reads its neighbour's after it. */
	for (unsigned int i = 0; i < 4; i++) {
		begin(i);
		op(SPIN, 1 + 30000 * i, 0);
		op(STORE, VA_HBM + 64 * i, 100 + i);
		op(BARRIER, 0, 0);
		op(COPY, VA_HBM + 64 * ((i + 1) % 4), VA_HBM + 4096 + 64 * i);
	}
	ck_assert_uint_eq(run(4), GAON_FAULT_NONE);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(engine_hbm64(e, 4096)[8 * i], 100 + (i + 1) % 4);
}
END_TEST

START_TEST(test_gang_deadlock)
{
	begin(0);
	op(BARRIER, 0, 0);
	begin(1);
	op(SEMWAIT, 1, 0);
	ck_assert_uint_eq(run(2), GAON_FAULT_WATCHDOG);
	engine_clear(e, q);
	/* One has ended: a barrier can't be complete any more. */
	begin(1);
	ck_assert_uint_eq(run(2), GAON_FAULT_WATCHDOG);
	engine_clear(e, q);
	/* A fault of one ends the others. */
	begin(1);
	op(COPY, VA_NX, VA_HBM);
	ck_assert_uint_eq(run(2), GAON_FAULT_PAGE);
	ck_assert_uint_eq(e->sim->slots[0].fault.workgroup, 1);
	ck_assert_uint_eq(e->sim->slots[0].fault.core, 1);
	engine_clear(e, q);
	begin(0);
	op(POST, 2, 0);
	ck_assert_uint_eq(run(2), GAON_FAULT_BAD_DESCRIPTOR);
	engine_clear(e, q);
	begin(0);
	op(SEMWAIT, 0, 16);
	ck_assert_uint_eq(run(2), GAON_FAULT_BAD_DESCRIPTOR);
	engine_clear(e, q);
	begin(0);
	begin(1);
	ck_assert_uint_eq(run(2), GAON_FAULT_NONE);
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

static void add(Suite *s, const char *name, void (*up)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, up, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_dma_random);
	tcase_add_test(t, test_dma_bad);
	tcase_add_test(t, test_dma_faults);
	tcase_add_test(t, test_gemm);
	tcase_add_test(t, test_gemm_b_memory);
	tcase_add_test(t, test_gemm_b_memory_faults);
	tcase_add_test(t, test_gemm_bad);
	tcase_add_test(t, test_no_gemm_memory);
	tcase_add_test(t, test_missing_wait);
	tcase_add_test(t, test_poll_and_depth);
	tcase_add_test(t, test_gang_order);
	tcase_add_test(t, test_gang_deadlock);
	suite_add_tcase(s, t);
}

int main(void)
{
	Suite *s = suite_create("device_xgaon");

	seed = engine_seed();
	add(s, "normal", set_normal);
	add(s, "early", set_early);
	add(s, "late", set_late);
	return check_run(s);
}
