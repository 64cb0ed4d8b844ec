// SPDX-License-Identifier: MIT
/*
 * Loads that a device performs some time between their issue and the wait: programs that keep to the
 * specification must not notice.  Random ones run on devices that perform everything early, late and
 * as usual, and must leave the same memory, scratchpads and modelled time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define SCRIPT		0x100000
#define SCRIPT_BYTES	0x10000
#define DESC		0x200000
#define DESC_BYTES	0x10000		/* of a core */
#define SEEN		0x300000
#define ALIAS		0x70000000ull	/* the start of VA_HBM once more */
#define SPM_BYTES	(2u << 20)
#define SPIN_LONG	400000

#define REGIONS		7		/* of a scratchpad */
#define REGION_STEP	0x48000
#define REGION_BYTES	0x40000
#define AREAS		20		/* of memory, the second half on the host */
#define AREA_STEP	0x50000
#define AREA_HBM	0x5e0000	/* the first one crosses a leaf of 2 MiB */
#define AREA_ID		REGIONS
#define RESOURCES	(REGIONS + AREAS)
#define IN_FLIGHT	64
#define CORES		2

enum { END, GEMM, DMA, WAIT, FENCE, BARRIER, POST, SEMWAIT, POLL, COPY, SPIN, STORE };

static struct engine *e;
static struct engine_queue *q;
static uint64_t seed;

/* --- a program and what of it is in flight --------------------------------------------------- */

struct flight {
	unsigned int engine;
	uint32_t reads, writes;		/* bits of resources */
};

struct program {
	unsigned int core, descs, seen;
	uint64_t *cursor;
	unsigned int count;
	struct flight flight[IN_FLIGHT];
};

static struct program program[CORES];

static uint64_t roll(uint64_t limit)
{
	return engine_random(&seed) % limit;
}

static void emit(struct program *p, uint64_t what, uint64_t a, uint64_t b)
{
	ck_assert_uint_lt((uint64_t)((uint8_t *)p->cursor - engine_hbm(e, SCRIPT)) % SCRIPT_BYTES,
			  SCRIPT_BYTES - 64);
	*p->cursor++ = what;
	*p->cursor++ = a;
	*p->cursor++ = b;
	*p->cursor = END;
}

static void begin(struct program *p, unsigned int core)
{
	uint64_t at = SCRIPT + SCRIPT_BYTES * (core + 1ull);

	memset(p, 0, sizeof(*p));
	p->core = core;
	engine_hbm64(e, SCRIPT)[core] = VA_HBM + at;
	p->cursor = engine_hbm64(e, at);
	*p->cursor = END;
}

static uint64_t put_desc(struct program *p, const void *desc, size_t len)
{
	uint64_t at = DESC + DESC_BYTES * p->core + 128ull * p->descs++;

	ck_assert_uint_lt(p->descs, DESC_BYTES / 128);
	memcpy(engine_hbm(e, at), desc, len);
	return VA_HBM + at;
}

static void retire(struct program *p, unsigned int engine, unsigned int leave)
{
	unsigned int total = 0, kept = 0;

	for (unsigned int i = 0; i < p->count; i++)
		total += p->flight[i].engine == engine;
	for (unsigned int i = 0; i < p->count; i++) {
		if (p->flight[i].engine == engine && total-- > leave)
			continue;
		p->flight[kept++] = p->flight[i];
	}
	p->count = kept;
}

/* Wait, as exactly as possible or for more, until nothing in flight is in the way. */
static void await(struct program *p, uint32_t reads, uint32_t writes)
{
	for (unsigned int i = p->count; i--;) {
		struct flight f = p->flight[i];
		unsigned int behind = 0;

		if (!(f.writes & (reads | writes)) && !(f.reads & writes))
			continue;
		for (unsigned int j = i + 1; j < p->count; j++)
			behind += p->flight[j].engine == f.engine;
		if (!roll(6)) {
			emit(p, FENCE, 0, 0);
			p->count = 0;
			return;
		}
		emit(p, WAIT, f.engine, behind);
		retire(p, f.engine, behind);
		i = p->count;
	}
}

static void launch(struct program *p, uint64_t what, uint64_t desc, unsigned int engine, uint32_t reads,
		   uint32_t writes)
{
	if (p->count == IN_FLIGHT) {
		emit(p, FENCE, 0, 0);
		p->count = 0;
	}
	emit(p, what, desc, engine % 2);
	p->flight[p->count++] = (struct flight){ engine, reads, writes };
}

/* --- pieces of random programs --------------------------------------------------------------- */

static uint64_t area_va(unsigned int area)
{
	if (area < AREAS / 2)
		return VA_HBM + AREA_HBM + AREA_STEP * (uint64_t)area;
	return VA_HOST + HOST_SCRATCH + AREA_STEP * (uint64_t)(area - AREAS / 2);
}

static uint8_t *area_host(unsigned int area)
{
	if (area < AREAS / 2)
		return engine_hbm(e, AREA_HBM + AREA_STEP * (uint64_t)area);
	return e->host + HOST_SCRATCH + AREA_STEP * (uint64_t)(area - AREAS / 2);
}

static uint64_t region_va(unsigned int region)
{
	return GAON_VA_SPM + REGION_STEP * (uint64_t)region;
}

/* Each core has areas of its own: no other order than the program's is in question. */
static unsigned int own_area(const struct program *p)
{
	return (unsigned int)(roll(AREAS / CORES) * CORES + p->core);
}

/* Rows of a pitch, mostly, of any size that fits both sides. */
static void random_move(struct program *p, bool store)
{
	unsigned int region = (unsigned int)roll(REGIONS), area = own_area(p);
	uint64_t most = roll(3) ? REGION_BYTES : 30000, gap = roll(2) ? roll(100) * 64 : roll(900);
	uint64_t bytes = roll(3) ? 64 * (1 + roll(40)) : 1 + roll(9000);
	uint64_t rows = 1 + roll(600);
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED, .flags = store ? GAON_DMA_FROM_SPM : 0,
		.count = { 1, 1, 1 }, .spm_va = region_va(region), .mem_va = area_va(area) + roll(4096),
	};
	uint32_t spm_bit = 1u << region, mem_bit = 1u << (AREA_ID + area);

	if (!roll(5))
		bytes = 1 + roll(REGION_BYTES - 1);
	while (rows > 1 && rows * (bytes + gap) > most)
		rows /= 2;
	d.bytes = (uint32_t)bytes;
	d.count[roll(8) ? 0 : 1] = (uint32_t)rows;
	for (unsigned int i = 0; i < 2; i++) {
		d.mem_stride[i] = (int64_t)(bytes + (roll(2) ? gap : 0));
		d.spm_stride[i] = (int64_t)(bytes + (roll(2) ? gap : 0));
	}
	await(p, store ? spm_bit : mem_bit, store ? mem_bit : spm_bit);
	launch(p, DMA, put_desc(p, &d, sizeof(d)), GAON_ENGINE_DMA0 + (unsigned int)roll(2),
	       store ? spm_bit : mem_bit, store ? mem_bit : spm_bit);
}

/* An odd number of lines, as kernels have it, or anything. */
static uint64_t pitch(uint64_t row)
{
	return roll(2) ? (row + 127) / 128 * 128 + 64 : row + roll(3) * 4;
}

static void random_gemm(struct program *p)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16,
					 GAON_TYPE_I8 };
	unsigned int a = (unsigned int)roll(REGIONS), b, c;
	uint8_t type = types[roll(5)];
	uint32_t size = type == GAON_TYPE_F32 ? 4 : type == GAON_TYPE_I8 ? 1 : 2;
	struct gaon_gemm_desc g = {
		.m = 1 + (uint32_t)roll(96), .n = 1 + (uint32_t)roll(160),
		.k = roll(4) ? 16 * (1 + (uint32_t)roll(16)) : 1 + (uint32_t)roll(200),
		.type_a = type, .type_b = type,
		.type_c = type == GAON_TYPE_I8 ? GAON_TYPE_I32 : GAON_TYPE_F32,
		.flags = roll(2) ? GAON_GEMM_ACCUMULATE : 0,
	};

	do
		b = (unsigned int)roll(REGIONS);
	while (b == a);
	do
		c = (unsigned int)roll(REGIONS);
	while (c == a || c == b);
	g.lda = pitch(g.k * size);
	g.ldb = pitch(g.n * size);
	if (!roll(4)) {
		g.type_a = GAON_TYPE_Q8A;
		g.type_b = roll(2) ? GAON_TYPE_Q4_1_R16 : GAON_TYPE_Q8_0_R16;
		g.type_c = GAON_TYPE_F32;
		g.flags |= GAON_GEMM_TRANS_B;
		g.m = 1 + (uint32_t)roll(12);
		g.k = 32 * (1 + (uint32_t)roll(16));
		g.lda = g.k / 32 * 40;
		g.ldb = g.k / 32 * (g.type_b == GAON_TYPE_Q4_1_R16 ? 320 : 544) + roll(3) * 64;
	}
	g.ldc = g.n * 4 + roll(3) * 64;
	g.a = region_va(a);
	g.b = region_va(b);
	g.c = region_va(c);
	await(p, 1u << a | 1u << b | 1u << c, 1u << c);
	launch(p, GEMM, put_desc(p, &g, sizeof(g)), GAON_ENGINE_MATRIX0 + (unsigned int)roll(2),
	       1u << a | 1u << b | 1u << c, 1u << c);
}

/* The core looks at a scratchpad, or stores into it or into memory that loads read. */
static void random_access(struct program *p)
{
	unsigned int region = (unsigned int)roll(REGIONS), area = own_area(p);
	uint64_t offset = roll(REGION_BYTES / 8) * 8;

	switch (roll(3)) {
	case 0:
		await(p, 1u << region, 0);
		emit(p, COPY, region_va(region) + offset,
		     VA_HBM + SEEN + 0x1000 * p->core + 8 * (p->seen++ % 512));
		break;
	case 1:
		await(p, 0, 1u << region);
		emit(p, STORE, region_va(region) + offset, engine_random(&seed));
		break;
	default:
		await(p, 0, 1u << (AREA_ID + area));
		/* The same page by another address: what a device keeps must not hang on addresses. */
		emit(p, STORE, area_va(area) + offset +
		     (area < AREAS / 2 && roll(2) ? ALIAS - VA_HBM : 0), engine_random(&seed));
		break;
	}
}

/* Core @from is done with one of its areas, and the other core writes there. */
static void hand_over(unsigned int from)
{
	struct program *p = &program[from], *other = &program[!from];
	unsigned int area = own_area(p);

	await(p, 0, 1u << (AREA_ID + area));
	emit(p, POST, !from, 0);
	emit(other, SEMWAIT, 1, 0);
	for (unsigned int i = 0; i < 4; i++)
		emit(other, STORE, area_va(area) + roll(REGION_BYTES / 8) * 8, engine_random(&seed));
	emit(other, POST, from, 1);
	emit(p, SEMWAIT, 1, 1);
}

static void random_programs(unsigned int cores)
{
	for (unsigned int core = 0; core < cores; core++)
		begin(&program[core], core);
	for (unsigned int i = 0; i < 90; i++) {
		struct program *p = &program[roll(cores)];

		switch (roll(8)) {
		case 0:
		case 1:
		case 2:
			random_move(p, false);
			break;
		case 3:
			random_move(p, true);
			break;
		case 4:
		case 5:
			random_gemm(p);
			break;
		case 6:
			random_access(p);
			break;
		default:
			if (cores > 1)
				hand_over((unsigned int)roll(2));
			break;
		}
	}
}

/* --- running on each kind of device ---------------------------------------------------------- */

static void open_device(enum gaon_sim_effects effects, unsigned int threads)
{
	struct gaon_sim_config config = { .threads = threads, .effects = effects };

	e = engine_create(&config);
	engine_map(e, 1, ALIAS, PA_HBM, 16 << 20, GAON_PTE_R | GAON_PTE_W | GAON_PTE_U, GAON_HUGE_SIZE);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, true, 0);
}

static struct gaon_packet packet(unsigned int cores)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, cores, 1, 1);

	pkt.launch.spm_bytes = SPM_BYTES;
	pkt.launch.launch_flags = cores > 1 ? GAON_LAUNCH_COOPERATIVE : 0;
	return pkt;
}

/* Numbers of ordinary size where floats are read, so that sums say something. */
static void fill(void)
{
	for (unsigned int area = 0; area < AREAS; area++) {
		uint32_t *words = (uint32_t *)(void *)area_host(area);

		for (unsigned int i = 0; i < AREA_STEP / 4; i++)
			words[i] = ((uint32_t)engine_random(&seed) & 0xbfff3fff) | 0x3f003000;
	}
}

struct image {
	uint8_t *area[AREAS], *spm[CORES], seen[CORES * 0x1000];
	uint64_t cycles;
};

static uint8_t *copy_of(const void *p, size_t len)
{
	return memcpy(malloc(len), p, len);
}

/* What the programs left; a scratchpad is defined while its workgroup runs, so look at the end. */
static struct image take_image(unsigned int cores)
{
	struct image image = { .cycles = sim_time_now(e->sim) };

	for (unsigned int i = 0; i < AREAS; i++)
		image.area[i] = copy_of(area_host(i), AREA_STEP);
	for (unsigned int i = 0; i < cores; i++)
		image.spm[i] = copy_of(e->sim->cores[i].spm, SPM_BYTES);
	memcpy(image.seen, engine_hbm(e, SEEN), sizeof(image.seen));
	return image;
}

static void free_image(struct image *image)
{
	for (unsigned int i = 0; i < AREAS; i++)
		free(image->area[i]);
	for (unsigned int i = 0; i < CORES; i++)
		free(image->spm[i]);
}

static void same(const char *what, unsigned int i, const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t at = 0; a && at < len; at++)
		if (a[at] != b[at])
			ck_abort_msg("%s %u, byte 0x%zx: 0x%02x, early 0x%02x", what, i, at, a[at], b[at]);
}

static void compare(const struct image *got, const struct image *early)
{
	for (unsigned int i = 0; i < AREAS; i++)
		same("area", i, got->area[i], early->area[i], AREA_STEP);
	for (unsigned int i = 0; i < CORES; i++)
		same("scratchpad", i, got->spm[i], early->spm[i], SPM_BYTES);
	same("seen", 0, got->seen, early->seen, sizeof(got->seen));
}

static void run_interrupted(const struct gaon_packet *launch_pkt)
{
	uint64_t *signal = engine_host64(e, HOST_SCRATCH - 4096);
	struct gaon_packet pkt = *launch_pkt;

	*signal = 0;
	pkt.flags |= GAON_PKT_F_SIGNAL;
	pkt.signal_va = VA_HOST + HOST_SCRATCH - 4096;
	pkt.signal_value = 1;
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	while (__atomic_load_n(signal, __ATOMIC_ACQUIRE) < 1) {
		engine_steps(e, 1 + (unsigned int)roll(3));
		ck_assert_uint_ne(engine_status(e, q), GAON_SLOT_FAULTED);
		engine_preempt(e, q, q->slot);
	}
}

static struct image run_random(uint64_t start, enum gaon_sim_effects effects, unsigned int cores,
			       bool interrupted)
{
	struct gaon_packet pkt = packet(cores);
	struct image image;

	seed = start;
	open_device(effects, interrupted ? 1 : cores);
	fill();
	random_programs(cores);
	if (interrupted)
		run_interrupted(&pkt);
	else
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
	image = take_image(cores);
	engine_destroy(e);
	return image;
}

static void check_random(unsigned int cores, bool interrupted)
{
	unsigned int rounds = getenv("GAON_TEST_LONG") ? 200 : 6;
	uint64_t next = seed;

	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t start = engine_random(&next);
		struct image early = run_random(start, GAON_SIM_EFFECTS_EARLY, cores, false);
		struct image usual = run_random(start, GAON_SIM_EFFECTS_NORMAL, cores, interrupted);
		struct image late = run_random(start, GAON_SIM_EFFECTS_LATE, cores, interrupted);

		compare(&usual, &early);
		compare(&late, &early);
		if (!interrupted) {
			ck_assert_uint_eq(usual.cycles, early.cycles);
			ck_assert_uint_eq(late.cycles, early.cycles);
		}
		free_image(&early);
		free_image(&usual);
		free_image(&late);
	}
	seed = next;
}

START_TEST(test_random)
{
	check_random(1, false);
}
END_TEST

START_TEST(test_random_two_cores)
{
	check_random(2, false);
}
END_TEST

START_TEST(test_random_interrupted)
{
	check_random(1, true);
}
END_TEST

/* --- single cases ---------------------------------------------------------------------------- */

static const enum gaon_sim_effects kinds[] = { GAON_SIM_EFFECTS_NORMAL, GAON_SIM_EFFECTS_EARLY,
					       GAON_SIM_EFFECTS_LATE };

/* 64 KiB of rows of 1 KiB, twice as far apart in memory. */
static struct gaon_dma_desc rows_load(void)
{
	return (struct gaon_dma_desc){
		.type = GAON_DMA_STRIDED, .bytes = 1024, .count = { 64, 1, 1 },
		.mem_va = area_va(0), .spm_va = region_va(0),
		.mem_stride = { 2048 }, .spm_stride = { 1024 },
	};
}

static struct gaon_gemm_desc some_gemm(void)
{
	return (struct gaon_gemm_desc){
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32,
		.m = 64, .n = 64, .k = 64, .a = region_va(1), .b = region_va(2), .c = region_va(3),
		.lda = 256, .ldb = 256, .ldc = 256,
	};
}

/* What is put off, and that a product works on it: the model's own behaviour, seen by forgetting waits. */
START_TEST(test_put_off)
{
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct gaon_dma_desc d;
		struct gaon_gemm_desc g;
		struct program *p = &program[0];
		uint64_t *seen, load;
		struct gaon_packet pkt = packet(1);

		open_device(kinds[kind], 1);
		seen = engine_hbm64(e, SEEN);
		d = rows_load();
		g = some_gemm();
		*(uint64_t *)(void *)area_host(0) = 0x1111;
		begin(p, 0);
		load = put_desc(p, &d, sizeof(d));
		emit(p, STORE, region_va(0), 0x2222);
		emit(p, DMA, load, 1);
		emit(p, COPY, region_va(0), VA_HBM + SEEN);
		emit(p, GEMM, put_desc(p, &g, sizeof(g)), 0);
		emit(p, COPY, region_va(0), VA_HBM + SEEN + 8);
		emit(p, POLL, GAON_ENGINE_DMA1, VA_HBM + SEEN + 16);
		emit(p, WAIT, GAON_ENGINE_DMA1, 0);
		emit(p, COPY, region_va(0), VA_HBM + SEEN + 24);
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		ck_assert_uint_eq(seen[0], kinds[kind] == GAON_SIM_EFFECTS_EARLY ? 0x1111 : 0x2222);
		if (kinds[kind] == GAON_SIM_EFFECTS_NORMAL &&
		    sim_matrix_path_available(SIM_MATRIX_AVX512))
			ck_assert_uint_eq(seen[1], 0x1111);
		/* How often a kernel polls must not hang on what the model puts off. */
		ck_assert_uint_eq(seen[2], kinds[kind] == GAON_SIM_EFFECTS_LATE);
		ck_assert_uint_eq(seen[3], 0x1111);
		engine_destroy(e);
	}
}
END_TEST

/* A channel's operations happen in their order, whichever of them are put off. */
START_TEST(test_channel_order)
{
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct gaon_dma_desc d, over, out;
		struct program *p = &program[0];
		struct gaon_packet pkt = packet(1);

		open_device(kinds[kind], 1);
		fill();
		d = rows_load();
		over = d;
		over.mem_va = area_va(1);
		over.spm_va += 512;
		over.bytes = 64;
		out = d;
		out.flags = GAON_DMA_FROM_SPM;
		out.mem_va = area_va(2);
		begin(p, 0);
		emit(p, DMA, put_desc(p, &d, sizeof(d)), 0);
		emit(p, DMA, put_desc(p, &over, sizeof(over)), 0);
		emit(p, DMA, put_desc(p, &out, sizeof(out)), 0);
		/* Behind the store, on the same channel, so it may change the scratchpad again. */
		emit(p, DMA, put_desc(p, &d, sizeof(d)), 0);
		ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_NONE);
		for (unsigned int row = 0; row < 64; row++) {
			const uint8_t *got = area_host(2) + row * 2048, *want = area_host(0) + row * 2048;

			ck_assert_mem_eq(got, want, 512);
			ck_assert_mem_eq(got + 512, area_host(1) + row * 2048, 64);
			ck_assert_mem_eq(got + 576, want + 576, 1024 - 576);
			ck_assert_mem_eq(e->sim->cores[0].spm + row * 1024, want, 1024);
		}
		engine_destroy(e);
	}
}
END_TEST

/* A load that faults says the same wherever its bad row is. */
START_TEST(test_faults)
{
	for (unsigned int row = 0; row < 64; row += 21) {
		uint64_t pc[3] = { 0 };

		for (unsigned int kind = 0; kind < 3; kind++) {
			struct gaon_dma_desc d;
			struct program *p = &program[0];
			struct gaon_packet pkt = packet(1);

			open_device(kinds[kind], 1);
			d = rows_load();
			d.mem_va = VA_HBM + HBM_BYTES - 2048ull * row - 1000;
			begin(p, 0);
			emit(p, SPIN, 5, 0);
			emit(p, DMA, put_desc(p, &d, sizeof(d)), 0);
			emit(p, WAIT, GAON_ENGINE_DMA0, 0);
			ck_assert_uint_eq(engine_do(e, q, &pkt), GAON_FAULT_PAGE);
			ck_assert_uint_eq(e->sim->slots[0].fault.va, VA_HBM + HBM_BYTES);
			pc[kind] = e->sim->slots[0].fault.pc;
			ck_assert_uint_eq(pc[kind], pc[0]);
			engine_destroy(e);
		}
	}
}
END_TEST

/* The host breaks the rules: it takes memory away from a load in flight. The load faults, no more. */
START_TEST(test_unmapped_in_flight)
{
	for (unsigned int kind = 0; kind < 3; kind++) {
		struct sim_context *ctx;
		struct gaon_dma_desc d;
		struct program *p = &program[0];
		struct gaon_packet pkt = packet(1);
		bool early = kinds[kind] == GAON_SIM_EFFECTS_EARLY;

		open_device(kinds[kind], 1);
		ctx = &e->sim->contexts[1];
		d = rows_load();
		d.mem_va += ALIAS - VA_HBM;
		begin(p, 0);
		emit(p, DMA, put_desc(p, &d, sizeof(d)), 0);
		for (unsigned int i = 0; i < 20; i++)
			emit(p, SPIN, SPIN_LONG, 0);
		emit(p, WAIT, GAON_ENGINE_DMA0, 0);
		engine_push(e, q, &pkt);
		engine_ring(e, q);
		engine_steps(e, 2);
		engine_map(e, 1, ALIAS, 0, 16 << 20, 0, GAON_HUGE_SIZE);
		atomic_fetch_add(&ctx->tlb_gen, 1);
		engine_run(e);
		ck_assert_uint_eq(engine_status(e, q) == GAON_SLOT_FAULTED, !early);
		if (!early) {
			ck_assert_uint_eq(e->sim->slots[0].fault.type, GAON_FAULT_PAGE);
			ck_assert_uint_eq(e->sim->slots[0].fault.va, d.mem_va);
		}
		engine_destroy(e);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_xgaon_loads");
	TCase *t = tcase_create("loads");

	seed = engine_seed();
	tcase_set_timeout(t, 600);
	tcase_add_test(t, test_put_off);
	tcase_add_test(t, test_channel_order);
	tcase_add_test(t, test_faults);
	tcase_add_test(t, test_unmapped_in_flight);
	tcase_add_test(t, test_random);
	tcase_add_test(t, test_random_two_cores);
	tcase_add_test(t, test_random_interrupted);
	suite_add_tcase(s, t);
	return check_run(s);
}
