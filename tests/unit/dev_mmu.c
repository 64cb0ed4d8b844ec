// SPDX-License-Identifier: MIT
/*
 * Translation against an independent walker over random tables, directed cases of every rule, and
 * the invalidation queue.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "../../tools/sim/dev/devside.h"
#include "dev_host.h"

static struct dev_host host;
static struct sim_context *ctx;

static void setup(void)
{
	dev_host_create(&host, NULL);
	ctx = &host.sim->contexts[1];
	ctx->enabled = true;
	ctx->asid = 9;
}

static void teardown(void)
{
	dev_host_destroy(&host);
}

static uint16_t translate(uint64_t va, uint8_t access, bool kernel, struct sim_xlate *x)
{
	bool good = sim_translate(host.sim, ctx, va, access, kernel, x);

	ck_assert(good == (x->fault_type == GAON_FAULT_NONE));
	ck_assert(good == (x->host != NULL));
	return x->fault_type;
}

/* --- the oracle: the rules of mmu.rst, one after another, over bytes -------------------------------- */

static bool oracle_load(uint64_t pa, uint64_t *value)
{
	uint64_t space = pa >> 52, offset = pa & 0xfffffffffffffull;

	*value = 0;
	if (space == 1 && offset >= HOST_IOVA && offset + 8 <= HOST_IOVA + HOST_BYTES)
		memcpy(value, host.mem + (offset - HOST_IOVA), 8);
	else if (space == 0 && offset + 8 <= host.sim->config.hbm_bytes)
		memcpy(value, host.sim->hbm + offset, 8);
	else
		return false;
	return true;
}

static bool oracle_page(uint64_t pa)
{
	uint64_t space = pa >> 52, page = pa & 0xffffffffff000ull;

	return (space == 0 && page < host.sim->config.hbm_bytes) ||
	       (space == 1 && page >= HOST_IOVA && page < HOST_IOVA + HOST_BYTES);
}

static int bit(uint64_t value, int n)
{
	return value >> n & 1;
}

static uint16_t oracle(uint64_t root, uint64_t va, uint8_t access, bool kernel, uint64_t *pa)
{
	uint64_t table = root, pte = 0, top = va >> 47;
	int level = 3;

	if (top != 0 && top != 0x1ffff)
		return GAON_FAULT_PAGE;
	if (top == 0 && va < 65536)
		return GAON_FAULT_PAGE;
	if ((top == 0x1ffff) != kernel)
		return GAON_FAULT_PERMISSION;
	for (; level >= 0; level--) {
		uint64_t index = va >> (12 + 9 * level) & 511;

		if (!oracle_load(table + index * 8, &pte))
			return GAON_FAULT_BUS;
		if (!bit(pte, 0) || bit(pte, 5) || bit(pte, 8) || bit(pte, 9) || pte >> 54)
			return GAON_FAULT_PAGE;
		if (bit(pte, 1) || bit(pte, 2) || bit(pte, 3))
			break;
		if (bit(pte, 4) || bit(pte, 6) || bit(pte, 7) || level == 0)
			return GAON_FAULT_PAGE;
		table = (pte >> 10 & 0xfffffffffffull) << 12;
	}
	if (level == 3 || (bit(pte, 2) && !bit(pte, 1)) || !bit(pte, 6) || (bit(pte, 2) && !bit(pte, 7)))
		return GAON_FAULT_PAGE;
	*pa = (pte >> 10 & 0xfffffffffffull) << 12;
	if (*pa & ((4096ull << 9 * level) - 1))
		return GAON_FAULT_PAGE;
	*pa += va & ((4096ull << 9 * level) - 1);
	if (bit(pte, 4) == kernel)
		return GAON_FAULT_PERMISSION;
	if ((access == GAON_ACCESS_FETCH && !bit(pte, 3)) || (access == GAON_ACCESS_READ && !bit(pte, 1)) ||
	    ((access == GAON_ACCESS_WRITE || access == GAON_ACCESS_ATOMIC) && !bit(pte, 2)))
		return GAON_FAULT_PERMISSION;
	if (!oracle_page(*pa) || (access == GAON_ACCESS_ATOMIC && *pa >> 52))
		return GAON_FAULT_BUS;
	return GAON_FAULT_NONE;
}

/* --- random tables --------------------------------------------------------------------------------- */

#define TABLES	24

static uint64_t table_pa[TABLES];

static uint64_t random_frame(uint64_t *seed)
{
	uint64_t r = dev_random(seed);

	switch (r % 8) {
	case 0:
		return dev_random(seed) & GAON_PA_MASK;			/* anywhere */
	case 1:
	case 2:
		return GAON_PA_HOST | (HOST_IOVA + (r >> 8) % HOST_BYTES);
	case 3:
		return GAON_PA_HOST | ((r >> 8) & 0x7fe00000);		/* 2 MiB aligned */
	case 4:
		return (r >> 8) & 0x3e00000;
	case 5:
		return (r >> 8) & 1 ? 0 : GAON_PA_HOST | 0x40000000;	/* 1 GiB aligned */
	default:
		return (r >> 8) & 0x3ffffff;				/* HBM */
	}
}

static uint64_t random_pte(uint64_t *seed)
{
	uint64_t r = dev_random(seed);
	uint64_t pte;

	if (r % 4 == 0)
		return gaon_pte_leaf(random_frame(seed) & ~4095ull, r >> 16 & 0x1e);
	if (r % 16 == 1)
		return dev_random(seed);
	pte = gaon_pte_table(table_pa[(r >> 8) % TABLES]);
	if (r % 16 == 2)
		pte ^= 1ull << (r >> 32) % 64;
	if (r % 16 == 3)
		pte = gaon_pte_leaf(random_frame(seed) & ~4095ull, r >> 16 & 0x1e) ^ 1ull << (r >> 32) % 64;
	return pte;
}

static uint64_t random_va(uint64_t *seed)
{
	uint64_t r = dev_random(seed);

	switch (r % 8) {
	case 0:
		return dev_random(seed);
	case 1:
		return r >> 8 & 0x1ffff;
	case 2:
	case 3:
		return GAON_VA_KERNEL_MIN | (dev_random(seed) & 0x7fffffffffffull);
	default:
		return dev_random(seed) & 0x7fffffffffffull;
	}
}

START_TEST(test_random)
{
	uint64_t seed = dev_seed();
	unsigned int rounds = getenv("GAON_TEST_LONG") ? 400 : 40;
	unsigned int good = 0, total = 0;

	for (unsigned int i = 0; i < TABLES; i++) {
		if (i % 3 == 0)
			table_pa[i] = i * 4096ull;		/* in HBM */
		else
			dev_host_alloc(&host, 4096, &table_pa[i]);
	}
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < TABLES; i++) {
			uint64_t *t = table_pa[i] & GAON_PA_HOST ?
				(uint64_t *)(host.mem + (table_pa[i] - HOST_PA)) :
				(uint64_t *)(host.sim->hbm + table_pa[i]);

			for (unsigned int j = 0; j < 512; j++)
				t[j] = random_pte(&seed);
		}
		ctx->root_pa = table_pa[dev_random(&seed) % TABLES];
		for (unsigned int i = 0; i < 4000; i++) {
			uint64_t va = random_va(&seed), pa = 0;
			uint8_t access = 1 + dev_random(&seed) % 4;
			bool kernel = va >> 63 ? dev_random(&seed) % 8 : !(dev_random(&seed) % 8);
			uint16_t want = oracle(ctx->root_pa, va, access, kernel, &pa);
			struct sim_xlate x;
			uint16_t got = translate(va, access, kernel, &x);

			ck_assert_msg(got == want, "va %#llx access %u kernel %d: got %u, want %u",
				      (unsigned long long)va, access, kernel, got, want);
			total++;
			if (got)
				continue;
			good++;
			ck_assert_uint_eq(x.pa, pa);
			ck_assert_uint_ge(x.run, 4096 - (va & 4095));
			if (x.hbm)
				ck_assert_ptr_eq(x.host, host.sim->hbm + pa);
			else
				ck_assert_ptr_eq(x.host, host.mem + (pa - HOST_PA));
		}
	}
	printf("%u translations, %u of them good\n", total, good);
	ck_assert_uint_gt(good, total / 200);
}
END_TEST

/* --- directed --------------------------------------------------------------------------------------- */

START_TEST(test_copy_crosses_pages)
{
	uint64_t root = dev_host_root(&host), rwu = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U;
	struct gaon_fault_record fault = { 0 };
	uint8_t out[8192], in[8192];

	ctx->root_pa = root;
	/* Neighbours in virtual space, far apart in physical space. */
	dev_host_map(&host, root, 0x400000, 0x300000, rwu, 0);
	dev_host_map(&host, root, 0x401000, 0x100000, rwu, 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	ck_assert(sim_write_va(host.sim, ctx, 0x400800, false, out, 6144, &fault));
	ck_assert(sim_read_va(host.sim, ctx, 0x400800, false, in, 6144, &fault));
	ck_assert_mem_eq(in, out, 6144);
	ck_assert_mem_eq(host.sim->hbm + 0x100000, out + 2048, 4096);
	/* The page after is not there: the fault names its first byte. */
	ck_assert(!sim_read_va(host.sim, ctx, 0x400800, false, in, 6145, &fault));
	ck_assert_uint_eq(fault.type, GAON_FAULT_PAGE);
	ck_assert_uint_eq(fault.va, 0x402000);
	ck_assert_uint_eq(fault.access, GAON_ACCESS_READ);
}
END_TEST

/* A non-present entry is never remembered, a present one until it is invalidated. */
START_TEST(test_queue_cache)
{
	uint64_t root = dev_host_root(&host), rwu = GAON_PTE_R | GAON_PTE_W | GAON_PTE_U;
	struct sim_xlate x;

	ctx->root_pa = root;
	ck_assert(!sim_queue_translate(host.sim, ctx, 0x500000, GAON_ACCESS_READ, false, &x));
	dev_host_map(&host, root, 0x500000, 0x5000, rwu, 0);
	ck_assert(sim_queue_translate(host.sim, ctx, 0x500010, GAON_ACCESS_READ, false, &x));
	ck_assert_uint_eq(x.pa, 0x5010);
	dev_host_map(&host, root, 0x500000, 0x6000, GAON_PTE_R | GAON_PTE_U, 0);
	ck_assert(sim_queue_translate(host.sim, ctx, 0x500010, GAON_ACCESS_READ, false, &x));
	ck_assert_uint_eq(x.pa, 0x5010);
	/* Its own half only, cached or not. */
	ck_assert(!sim_queue_translate(host.sim, ctx, 0x500010, GAON_ACCESS_READ, true, &x));
	ck_assert_uint_eq(x.fault_type, GAON_FAULT_PERMISSION);
	sim_tlbi_bump(host.sim, 9);
	ck_assert(sim_queue_translate(host.sim, ctx, 0x500010, GAON_ACCESS_READ, false, &x));
	ck_assert_uint_eq(x.pa, 0x6010);
	ck_assert(!sim_queue_translate(host.sim, ctx, 0x500010, GAON_ACCESS_WRITE, false, &x));
	ck_assert_uint_eq(x.fault_type, GAON_FAULT_PERMISSION);
}
END_TEST

START_TEST(test_tlbi)
{
	volatile uint64_t *done;
	uint32_t before = ctx->tlb_gen, other = host.sim->contexts[2].tlb_gen;
	uint64_t pa;

	host.sim->contexts[2].enabled = true;
	host.sim->contexts[2].asid = 10;
	done = dev_host_alloc(&host, 4096, &pa);
	dev_write64(&host, GAON_REG_TLBI_DONE_ADDR, pa);
	ck_assert_uint_eq(dev_read32(&host, GAON_REG_TLBI_FREE), GAON_TLBI_DEPTH);
	dev_write32(&host, GAON_REG_TLBI_ASID, 9);
	dev_write64(&host, GAON_REG_TLBI_VA, 0x10000);
	dev_write64(&host, GAON_REG_TLBI_SIZE, 0x1000);
	dev_write64(&host, GAON_REG_TLBI_SEQ, 0x100000001ull);
	gaon_sim_run(host.sim, done, 1, 0);
	ck_assert_uint_eq(*done, 0x100000001ull);
	ck_assert_uint_eq(dev_read64(&host, GAON_REG_TLBI_DONE), 0x100000001ull);
	ck_assert_uint_ne(ctx->tlb_gen, before);
	ck_assert_uint_eq(host.sim->contexts[2].tlb_gen, other);
	/* In halves, lower one first; all ASIDs. */
	dev_write32(&host, GAON_REG_TLBI_ASID, GAON_TLBI_ALL);
	dev_write32(&host, GAON_REG_TLBI_SEQ, 5);
	ck_assert_uint_eq(*done, 0x100000001ull);
	dev_write32(&host, GAON_REG_TLBI_SEQ + 4, 2);
	gaon_sim_run(host.sim, done, 0x200000005ull, 0);
	ck_assert_uint_eq(*done, 0x200000005ull);
	ck_assert_uint_ne(host.sim->contexts[2].tlb_gen, other);
}
END_TEST

START_TEST(test_poison)
{
	uint64_t root = dev_host_root(&host);
	struct sim_xlate x;

	ctx->root_pa = root;
	dev_host_map(&host, root, 0x40000000, 0, GAON_PTE_R | GAON_PTE_U, 1);
	ck_assert_uint_eq(translate(0x40003000, GAON_ACCESS_READ, false, &x), GAON_FAULT_NONE);
	sim_mmu_poison(host.sim, 0x3040);
	ck_assert_uint_eq(translate(0x40003000, GAON_ACCESS_READ, false, &x), GAON_FAULT_ECC);
	ck_assert_uint_eq(translate(0x40002000, GAON_ACCESS_READ, false, &x), GAON_FAULT_NONE);
	ck_assert_uint_eq(x.run, 4096);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dev_mmu");
	TCase *tc = tcase_create("mmu");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_copy_crosses_pages);
	tcase_add_test(tc, test_queue_cache);
	tcase_add_test(tc, test_tlbi);
	tcase_add_test(tc, test_poison);
	suite_add_tcase(s, tc);
	return check_run(s);
}
