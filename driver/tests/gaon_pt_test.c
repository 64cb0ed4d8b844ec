// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Page tables, walked as the device walks them and compared with an array that says of each page
 * what is mapped there and by how large a leaf.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include <kunit/test.h>

#include "../gaon_device.h"
#include "../gaon_pt.h"
#include "gaon_mock.h"

/* A page's worth of each level's leaf. */
#define LEVEL_PAGES(level)	(1ul << 9 * (level))
#define LEVELS			3

/* A GiB that one leaf may map, and some more in another table of level 2. */
#define FIRST_VA		((512ull << 30) - SZ_1G)
#define PAGES			((SZ_1G + SZ_64M) / SZ_4K)
#define OPERATIONS		96

/** struct pt_world - tables, and what should be in them */
struct pt_world {
	struct kunit *test;
	struct gaon_device *gdev;
	struct gaon_pt pt;
	struct rnd_state random;
	/** @pte: per page, the entry that a leaf of 4 KiB would have; 0: absent. */
	u64 *pte;
	/** @level: per page, of its leaf. */
	u8 *level;
};

static u64 page_va(u64 page)
{
	return FIRST_VA + page * SZ_4K;
}

/* The entry of a leaf, out of the specification (Sv48; A and, if writable, D are preset). */
static u64 leaf(u64 pa, u64 prot)
{
	return pa >> 12 << 10 | prot | 0x41 | (prot & 4 ? 0x80 : 0);
}

/* --- the walk --------------------------------------------------------------------------------- */

static u64 walk(struct pt_world *w, u64 va, unsigned int *level)
{
	u64 pa = gaon_pt_root(&w->pt), pte;
	unsigned int at;

	for (at = 4; at--;) {
		const u64 *table = gaon_mock_dma(w->test, w->gdev, pa);

		pte = READ_ONCE(table[va >> (12 + 9 * at) & 511]);
		*level = at;
		if (!(pte & 1) || pte & 0xe)
			return pte;
		KUNIT_ASSERT_EQ_MSG(w->test, pte & ~(GENMASK_ULL(53, 10) | 1), 0,
				    "a pointer to a table has other bits");
		pa = pte >> 10 << 12;
	}
	KUNIT_FAIL(w->test, "va %#llx: a pointer where only leaves are", va);
	return 0;
}

/* What is below one entry of the walk; false after the first fault, which has been told. */
static bool check_entry(struct pt_world *w, u64 page, u64 pte, unsigned int level, u64 count)
{
	u64 vpn = page_va(page) >> 12, i;

	if (pte && (vpn & (LEVEL_PAGES(level) - 1) || count < LEVEL_PAGES(level))) {
		KUNIT_FAIL(w->test, "va %#llx: a leaf of level %u reaches out of what was mapped",
			   page_va(page), level);
		return false;
	}
	for (i = 0; i < count; i++) {
		u64 want = pte ? pte + (i << 10) : 0;

		if (w->pte[page + i] == want && (!pte || w->level[page + i] == level))
			continue;
		KUNIT_FAIL(w->test, "va %#llx: %#llx, level %u, instead of %#llx, level %u",
			   page_va(page + i), want, level, w->pte[page + i], w->level[page + i]);
		return false;
	}
	return true;
}

/* Tables that must be there, the root included: those over a leaf of their level or a lower one. */
static unsigned long tables_wanted(struct pt_world *w)
{
	unsigned long tables = 1;
	unsigned int level;
	u64 page, last;

	for (level = 0; level < LEVELS; level++) {
		last = U64_MAX;
		for (page = 0; page < PAGES; page++) {
			u64 which = page_va(page) >> (12 + 9 * (level + 1));

			if (!w->pte[page] || w->level[page] > level || which == last)
				continue;
			tables++;
			last = which;
		}
	}
	return tables;
}

static void check(struct pt_world *w)
{
	unsigned long leaves[LEVELS] = {};
	unsigned int level;
	u64 page, count;

	for (page = 0; page < PAGES; page += count) {
		u64 pte = walk(w, page_va(page), &level), vpn = page_va(page) >> 12;

		count = min_t(u64, LEVEL_PAGES(level) - (vpn & (LEVEL_PAGES(level) - 1)),
			      PAGES - page);
		if (!check_entry(w, page, pte, level, count))
			return;
		if (pte)
			leaves[level]++;
	}
	for (level = 0; level < LEVELS; level++)
		KUNIT_EXPECT_EQ(w->test, w->pt.leaves[level], leaves[level]);
	KUNIT_EXPECT_EQ(w->test, w->pt.tables, tables_wanted(w));
}

/* --- the array -------------------------------------------------------------------------------- */

/* A leaf that reaches over the start of @page becomes smaller ones. */
static void ref_split(struct pt_world *w, u64 page)
{
	u64 vpn, first, i;

	if (page >= PAGES || !w->pte[page])
		return;
	vpn = page_va(page) >> 12;
	while (vpn & (LEVEL_PAGES(w->level[page]) - 1)) {
		u8 level = w->level[page]--;

		first = page - (vpn & (LEVEL_PAGES(level) - 1));
		for (i = first; i < first + LEVEL_PAGES(level); i++)
			w->level[i] = level - 1;
	}
}

static bool ref_present(struct pt_world *w, u64 page, u64 count)
{
	while (count--) {
		if (w->pte[page++])
			return true;
	}
	return false;
}

static void ref_unmap(struct pt_world *w, u64 page, u64 count)
{
	ref_split(w, page);
	ref_split(w, page + count);
	memset(&w->pte[page], 0, count * sizeof(*w->pte));
}

static void ref_map(struct pt_world *w, u64 page, u64 count, u64 pa, u64 prot)
{
	u64 step, i;

	ref_unmap(w, page, count);
	for (; count; page += step, pa += step * SZ_4K, count -= step) {
		u8 level = LEVELS - 1;

		/* The largest that both addresses and the length allow. */
		while ((page_va(page) | pa) & (LEVEL_PAGES(level) * SZ_4K - 1) ||
		       count < LEVEL_PAGES(level))
			level--;
		step = LEVEL_PAGES(level);
		for (i = 0; i < step; i++) {
			w->pte[page + i] = leaf(pa + i * SZ_4K, prot);
			w->level[page + i] = level;
		}
	}
}

/* --- changes ---------------------------------------------------------------------------------- */

static void change_end(struct pt_world *w, struct gaon_pt_reserve *reserve, bool present)
{
	KUNIT_EXPECT_EQ(w->test, w->pt.stale, present);
	gaon_pt_reap(&w->pt);
	KUNIT_EXPECT_FALSE(w->test, w->pt.stale);
	KUNIT_EXPECT_PTR_EQ(w->test, w->pt.dead, NULL);
	gaon_pt_unreserve(&w->pt, reserve);
}

/* Maps in @runs pieces that do not follow each other in memory. */
static void map(struct pt_world *w, u64 page, u64 count, const u64 *pa, unsigned int runs, u64 prot)
{
	struct gaon_pt_reserve reserve = {};
	struct gaon_pt_count need = {};
	bool present = ref_present(w, page, count);
	u64 each = count / runs, at, length;
	unsigned int i;

	for (i = 0, at = 0; i < runs; i++, at += length) {
		length = i + 1 < runs ? each : count - at;
		gaon_pt_count_run(&need, page_va(page + at), pa[i], length * SZ_4K);
	}
	KUNIT_ASSERT_EQ(w->test, gaon_pt_reserve(&w->pt, &reserve, &need), 0);
	for (i = 0, at = 0; i < runs; i++, at += length) {
		length = i + 1 < runs ? each : count - at;
		KUNIT_EXPECT_EQ(w->test, gaon_pt_map(&w->pt, page_va(page + at), pa[i],
						     length * SZ_4K, prot, &reserve), 0);
		ref_map(w, page + at, length, pa[i], prot);
	}
	change_end(w, &reserve, present);
}

static void unmap(struct pt_world *w, u64 page, u64 count)
{
	struct gaon_pt_reserve reserve = {};
	bool present = ref_present(w, page, count);

	KUNIT_ASSERT_EQ(w->test, gaon_pt_reserve(&w->pt, &reserve, NULL), 0);
	KUNIT_EXPECT_EQ(w->test, gaon_pt_unmap(&w->pt, page_va(page), count * SZ_4K, &reserve), 0);
	ref_unmap(w, page, count);
	change_end(w, &reserve, present);
}

/* --- the world -------------------------------------------------------------------------------- */

static void world_fini(void *arg)
{
	struct pt_world *w = arg;

	gaon_pt_fini(&w->pt);
	kvfree(w->pte);
	kvfree(w->level);
}

static int pt_test_init(struct kunit *test)
{
	struct pt_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	w->test = test;
	w->gdev = gaon_mock_device(test);
	KUNIT_ASSERT_EQ(test, gaon_pt_init(&w->pt, w->gdev), 0);
	w->pte = kvcalloc(PAGES, sizeof(*w->pte), GFP_KERNEL);
	w->level = kvzalloc(PAGES, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, world_fini, w), 0);
	KUNIT_ASSERT_NOT_NULL(test, w->pte);
	KUNIT_ASSERT_NOT_NULL(test, w->level);
	return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

/** struct pt_leaf_case - a run, and the leaves that it must be mapped by */
struct pt_leaf_case {
	const char *name;
	u64 page, count, pa;
	unsigned long leaves[LEVELS];
};

static const struct pt_leaf_case pt_leaf_cases[] = {
	{ "a page", 5, 1, 0x7000, { 1, 0, 0 } },
	{ "2 MiB", 512, 512, 0x200000, { 0, 1, 0 } },
	{ "2 MiB whose memory is not aligned", 512, 512, 0x201000, { 512, 0, 0 } },
	{ "2 MiB whose address is not aligned", 511, 512, 0x200000, { 512, 0, 0 } },
	{ "2 MiB with a head and a tail", 510, 516, 0x1fe000, { 4, 1, 0 } },
	{ "a GiB", 0, 512 * 512, 0x40000000, { 0, 0, 1 } },
	{ "a GiB whose memory is aligned to 2 MiB", 0, 512 * 512, 0x40200000, { 0, 512, 0 } },
	{ "a GiB but for a page", 0, 512 * 512 - 1, 0x40000000, { 511, 511, 0 } },
	{ "a GiB and what follows", 0, 512 * 514 + 3, 0x80000000, { 3, 2, 1 } },
	{ "all", 0, PAGES, 1ull << 40, { 0, 32, 1 } },
};

KUNIT_ARRAY_PARAM_DESC(pt_leaf, pt_leaf_cases, name);

static void pt_leaf_sizes(struct kunit *test)
{
	const struct pt_leaf_case *c = test->param_value;
	struct pt_world *w = test->priv;
	struct gaon_pt_count need = {};
	unsigned int level;

	gaon_pt_count_run(&need, page_va(c->page), c->pa, c->count * SZ_4K);
	map(w, c->page, c->count, &c->pa, 1, GAON_PTE_U | GAON_PTE_R | GAON_PTE_W);
	for (level = 0; level < LEVELS; level++)
		KUNIT_EXPECT_EQ(test, w->pt.leaves[level], c->leaves[level]);
	/* Nothing was there: exactly what was counted is in use, and the root. */
	KUNIT_EXPECT_EQ(test, w->pt.tables, need.low + need.high + 1);
	check(w);
	unmap(w, c->page, c->count);
	KUNIT_EXPECT_EQ(test, w->pt.tables, 1);
	check(w);
}

/* A page out of a leaf of 1 GiB: all else stays, in the largest leaves that are left. */
static void pt_split(struct kunit *test)
{
	static const u64 pa = SZ_1G;
	struct pt_world *w = test->priv;

	map(w, 0, 512 * 512, &pa, 1, GAON_PTE_U | GAON_PTE_R | GAON_PTE_X);
	unmap(w, 12345, 1);
	KUNIT_EXPECT_EQ(test, w->pt.leaves[2], 0);
	KUNIT_EXPECT_EQ(test, w->pt.leaves[1], 511);
	KUNIT_EXPECT_EQ(test, w->pt.leaves[0], 511);
	check(w);
	/* Two MiB of it: a whole leaf goes, and no table comes. */
	unmap(w, 512, 512);
	KUNIT_EXPECT_EQ(test, w->pt.leaves[1], 510);
	check(w);
	/* Mapped again as one, over it all: the tables below are gone. */
	map(w, 0, 512 * 512, &pa, 1, GAON_PTE_U | GAON_PTE_R);
	KUNIT_EXPECT_EQ(test, w->pt.leaves[2], 1);
	KUNIT_EXPECT_EQ(test, w->pt.tables, 2);
	check(w);
}

/* What was taken out stays until it is reaped: the walker may be in it. */
static void pt_dead(struct kunit *test)
{
	static const u64 pa = SZ_4K;
	struct gaon_pt_reserve reserve = {};
	struct pt_world *w = test->priv;

	map(w, 0, 600, &pa, 1, GAON_PTE_U | GAON_PTE_R);
	KUNIT_EXPECT_EQ(test, w->pt.tables, 5);
	KUNIT_ASSERT_EQ(test, gaon_pt_reserve(&w->pt, &reserve, NULL), 0);
	KUNIT_EXPECT_EQ(test, gaon_pt_unmap(&w->pt, page_va(0), 600 * SZ_4K, &reserve), 0);
	KUNIT_EXPECT_TRUE(test, w->pt.stale);
	KUNIT_EXPECT_PTR_NE(test, w->pt.dead, NULL);
	KUNIT_EXPECT_EQ(test, w->pt.tables, 5);
	ref_unmap(w, 0, 600);
	change_end(w, &reserve, true);
	check(w);
}

static u64 random_count(struct pt_world *w)
{
	switch (gaon_mock_below(&w->random, 8)) {
	case 0:
		return 512 * 512;
	case 1:
		return 1 + gaon_mock_below(&w->random, PAGES);
	case 2:
	case 3:
		return 512 * (1 + gaon_mock_below(&w->random, 20));
	case 4:
	case 5:
		return 1 + gaon_mock_below(&w->random, 2000);
	default:
		return 1 + gaon_mock_below(&w->random, 12);
	}
}

/* Memory that often lies so that large leaves fit. */
static u64 random_pa(struct pt_world *w, u64 page)
{
	u64 pa = (u64)gaon_mock_below(&w->random, 1 << 16) << 30;

	if (gaon_mock_below(&w->random, 2))
		pa |= GAON_PA_HOST;
	switch (gaon_mock_below(&w->random, 4)) {
	case 0:
		return pa | (u64)gaon_mock_below(&w->random, 512 * 512) << 12;
	case 1:
		return pa | (page_va(page) & (SZ_2M - 1)) |
		       (u64)gaon_mock_below(&w->random, 512) << 21;
	default:
		return pa | (page_va(page) & (SZ_1G - 1));
	}
}

static void random_change(struct pt_world *w)
{
	static const u64 prots[] = {
		GAON_PTE_U | GAON_PTE_R, GAON_PTE_U | GAON_PTE_R | GAON_PTE_W,
		GAON_PTE_U | GAON_PTE_R | GAON_PTE_X, GAON_PTE_R | GAON_PTE_W,
	};
	u64 count = random_count(w), page = gaon_mock_below(&w->random, PAGES), pa[3];
	u64 prot = prots[gaon_mock_below(&w->random, ARRAY_SIZE(prots))];
	unsigned int runs = 1 + gaon_mock_below(&w->random, ARRAY_SIZE(pa)), i;

	/* Starts are often those of large leaves. */
	if (gaon_mock_below(&w->random, 2))
		page &= ~511ull;
	if (gaon_mock_below(&w->random, 8) == 0)
		page = 0;
	count = min_t(u64, count, PAGES - page);
	runs = min_t(u64, runs, count);
	for (i = 0; i < runs; i++)
		pa[i] = random_pa(w, page + count / runs * i);
	if (gaon_mock_below(&w->random, 3))
		map(w, page, count, pa, runs, prot);
	else
		unmap(w, page, count);
}

static void pt_random(struct kunit *test)
{
	struct pt_world *w = test->priv;
	unsigned int i;

	gaon_mock_seed(test, &w->random);
	for (i = 0; i < OPERATIONS && test->status == KUNIT_SUCCESS; i++) {
		random_change(w);
		if (i % 16 == 15)
			check(w);
	}
	unmap(w, 0, PAGES);
	check(w);
}

static struct kunit_case pt_tests[] = {
	KUNIT_CASE_PARAM(pt_leaf_sizes, pt_leaf_gen_params),
	KUNIT_CASE(pt_split),
	KUNIT_CASE(pt_dead),
	KUNIT_CASE_SLOW(pt_random),
	{}
};

static struct kunit_suite pt_suite = {
	.name = "gaon_pt",
	.init = pt_test_init,
	.test_cases = pt_tests,
};

kunit_test_suite(pt_suite);
