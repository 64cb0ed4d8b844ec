// SPDX-License-Identifier: MIT
/* Xgaon on a device: DMA against a plain reference, waits, gangs. */
#include "device_script.h"

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

static void add(TCase *t)
{
	tcase_add_test(t, test_dma_random);
	tcase_add_test(t, test_dma_bad);
	tcase_add_test(t, test_dma_faults);
	tcase_add_test(t, test_missing_wait);
	tcase_add_test(t, test_poll_and_depth);
	tcase_add_test(t, test_gang_order);
	tcase_add_test(t, test_gang_deadlock);
}

int main(void)
{
	return check_run(device_suite("device_xgaon", add));
}
