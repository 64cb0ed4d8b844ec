// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Changes of address spaces: mappings that are cut, overwritten and joined, compared with an array
 * that says of each page what is mapped there. A device that has cached all translations at all
 * times looks whether every one that changed was invalidated before its tables were freed.
 */
#include <linux/dma-resv.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <kunit/static_stub.h>
#include <kunit/test.h>

#include <drm/drm_gem.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_resource.h>
#include <drm/ttm/ttm_tt.h>

#include "../gaon_bind.h"
#include "../gaon_bo.h"
#include "../gaon_device.h"
#include "../gaon_tlbi.h"
#include "../gaon_visible.h"
#include "../gaon_vm.h"
#include "gaon_mock.h"

#define FIRST_VA	0x7fc00000ull	/* two large pages before a table of level 1 ends */
#define PAGES		2048
#define OBJECTS		4
#define OPERATIONS	600

/** struct bind_object - an object without TTM: somewhere in the host's memory */
struct bind_object {
	struct gaon_bo bo;
	struct ttm_resource resource;
	struct ttm_tt tt;
	dma_addr_t *dma;
	u32 pages;
	/** @freed: its last reference is gone. */
	bool freed;
};

/** struct bind_ref - what a page should be */
struct bind_ref {
	/** @kind: GAON_BIND_* below. */
	u8 kind;
	/** @object: of the page. */
	u8 object;
	/** @prot: GAON_PTE_*. */
	u8 prot;
	/** @absent: mapped, but the object was evicted. */
	bool absent;
	/** @at: page of the object. */
	u32 at;
};

enum { REF_NONE, REF_NULL, REF_OBJECT };

/** struct bind_world - an address space, and what should be in it */
struct bind_world {
	struct kunit *test;
	struct gaon_device *gdev;
	struct gaon_vm *vm;
	struct bind_object object[OBJECTS];
	struct bind_ref *ref;
	/** @evicted: nothing of these objects is used before all of it is brought back. */
	bool evicted[OBJECTS];
	/** @cached: translations that the device may still use. */
	u64 *cached;
	struct rnd_state random;
};

static u64 page_va(u64 page)
{
	return FIRST_VA + page * SZ_4K;
}

/* --- the device ------------------------------------------------------------------------------- */

/* As an entry of a leaf of 4 KiB; 0: absent. */
static u64 translate(struct bind_world *w, u64 va)
{
	u64 pa = gaon_pt_root(&w->vm->pt), pte;
	unsigned int at;

	for (at = 4; at--;) {
		const u64 *table = gaon_mock_dma(w->test, w->gdev, pa);

		pte = READ_ONCE(table[va >> (12 + 9 * at) & 511]);
		if (!(pte & 1))
			return 0;
		if (pte & 0xe)
			return pte + ((va >> 12 & (BIT(9 * at) - 1)) << 10);
		pa = pte >> 10 << 12;
	}
	KUNIT_FAIL(w->test, "va %#llx: a pointer where only leaves are", va);
	return 0;
}

static u64 tlbi_send(struct gaon_device *gdev, u16 asid, u64 va, u64 bytes)
{
	struct bind_world *w = kunit_get_current_test()->priv;
	u64 page;

	KUNIT_EXPECT_EQ(w->test, asid, w->vm->asid);
	for (page = 0; page < PAGES; page++) {
		if (!bytes || page_va(page) - va < bytes)
			w->cached[page] = 0;
	}
	return 0;
}

static u64 ref_pte(struct bind_world *w, const struct bind_ref *ref)
{
	u64 pa;

	if (ref->kind != REF_OBJECT || ref->absent)
		return 0;
	pa = GAON_PA_HOST | w->object[ref->object].dma[ref->at];
	return pa >> 12 << 10 | ref->prot | 0x41 | (ref->prot & GAON_PTE_W ? 0x80 : 0);
}

static void check_tables(struct bind_world *w, u64 page, u64 end)
{
	for (; page < end; page++) {
		u64 pte = translate(w, page_va(page)), want = ref_pte(w, &w->ref[page]);

		if (pte != want) {
			KUNIT_FAIL(w->test, "va %#llx: entry %#llx instead of %#llx", page_va(page),
				   pte, want);
			return;
		}
		if (w->cached[page] && w->cached[page] != pte) {
			KUNIT_FAIL(w->test, "va %#llx: the device still uses %#llx, not %#llx",
				   page_va(page), w->cached[page], pte);
			return;
		}
		w->cached[page] = pte;
	}
}

/* --- the tree --------------------------------------------------------------------------------- */

static bool vma_is(struct bind_world *w, struct drm_gpuva *va, u64 page, u64 at)
{
	const struct bind_ref *ref = &w->ref[page];

	if (!va->gem.obj)
		return ref->kind == REF_NULL;
	return ref->kind == REF_OBJECT && to_gaon_vma(va)->prot == ref->prot &&
	       va->gem.obj == &w->object[ref->object].bo.ttm.base &&
	       va->gem.offset == (ref->at - at) * (u64)SZ_4K;
}

static void check_tree(struct bind_world *w)
{
	u64 end = 0, mapped = 0, at, page;
	struct drm_gpuva *va;

	drm_gpuvm_for_each_va(va, &w->vm->base) {
		if (va == &w->vm->base.kernel_alloc_node)
			continue;
		KUNIT_EXPECT_GE_MSG(w->test, va->va.addr, end, "mappings overlap");
		end = va->va.addr + va->va.range;
		page = (va->va.addr - FIRST_VA) / SZ_4K;
		for (at = 0; at < va->va.range / SZ_4K; at++, mapped++) {
			if (page + at < PAGES && vma_is(w, va, page + at, at))
				continue;
			KUNIT_FAIL(w->test, "va %#llx: not what was mapped there",
				   page_va(page + at));
			return;
		}
	}
	for (page = 0; page < PAGES; page++)
		mapped -= w->ref[page].kind != REF_NONE;
	KUNIT_EXPECT_EQ_MSG(w->test, mapped, 0, "pages are missing in the tree");
}

/* Only pages from @page to @end were changed: to walk the tables for every page takes long. */
static void check_range(struct bind_world *w, u64 page, u64 end)
{
	check_tree(w);
	check_tables(w, page, end);
	KUNIT_EXPECT_FALSE(w->test, test_bit(GAON_VM_STATE_UNUSABLE, &w->vm->state));
	KUNIT_EXPECT_PTR_EQ(w->test, w->vm->pt.dead, NULL);
}

static void check(struct bind_world *w)
{
	check_range(w, 0, PAGES);
}

/* --- operations ------------------------------------------------------------------------------- */

/* As gaon_bind_prepare() does it, but for handles, places and pins. */
static void op_prepare(struct bind_world *w, struct gaon_bind_op *op)
{
	struct gaon_pt_count count = {};
	struct gaon_cursor cursor;
	struct drm_gpuvm_bo *vm_bo;
	unsigned int i;
	u64 va = op->va;

	INIT_LIST_HEAD(&op->gone);
	for (i = 0; i < ARRAY_SIZE(op->spare); i++) {
		op->spare[i] = kzalloc_obj(*op->spare[i]);
		KUNIT_ASSERT_NOT_NULL(w->test, op->spare[i]);
	}
	if (!op->bo) {
		KUNIT_ASSERT_EQ(w->test, gaon_pt_reserve(&w->vm->pt, &op->reserve, NULL), 0);
		return;
	}
	gaon_cursor_first(&cursor, op->bo, op->offset, op->size);
	while (cursor.run) {
		u64 run = cursor.run;

		gaon_pt_count_run(&count, va, cursor.pa, run);
		va += run;
		gaon_cursor_next(&cursor, run);
	}
	KUNIT_ASSERT_EQ(w->test, gaon_pt_reserve(&w->vm->pt, &op->reserve, &count), 0);
	vm_bo = drm_gpuvm_bo_create(&w->vm->base, &op->bo->ttm.base);
	KUNIT_ASSERT_NOT_NULL(w->test, vm_bo);
	op->vm_bo = gaon_compat_vm_bo_obtain(vm_bo);
	drm_gpuvm_bo_extobj_add(op->vm_bo);
}

static void op_run(struct bind_world *w, struct gaon_bind_op *op)
{
	op_prepare(w, op);
	KUNIT_EXPECT_EQ(w->test, gaon_bind_exec(w->vm, op), 0);
	op->bo = NULL;		/* it was not pinned, and the world has the reference */
	gaon_bind_finish(w->vm, op);
}

static bool ref_is(struct bind_world *w, u64 page, u8 object)
{
	return w->ref[page].kind == REF_OBJECT && w->ref[page].object == object;
}

static void map(struct bind_world *w, u64 page, u64 count, u8 object, u32 at, u64 prot)
{
	struct gaon_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP, .va = page_va(page), .size = count * SZ_4K,
		.offset = at * (u64)SZ_4K, .prot = prot, .bo = &w->object[object].bo,
	};
	u64 i;

	for (i = 0; i < PAGES && !ref_is(w, i, object); i++)
		;
	if (i == PAGES)
		w->evicted[object] = false;
	op_run(w, &op);
	for (i = 0; i < count; i++)
		w->ref[page + i] = (struct bind_ref) { REF_OBJECT, object, prot, false, at + i };
}

static void map_null(struct bind_world *w, u64 page, u64 count)
{
	struct gaon_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_NULL, .va = page_va(page), .size = count * SZ_4K,
	};
	u64 i;

	op_run(w, &op);
	for (i = 0; i < count; i++)
		w->ref[page + i] = (struct bind_ref) { .kind = REF_NULL };
}

static void unmap(struct bind_world *w, u64 page, u64 count)
{
	struct gaon_bind_op op = {
		.type = DRM_GAON_VM_BIND_UNMAP, .va = page_va(page), .size = count * SZ_4K,
	};

	op_run(w, &op);
	memset(&w->ref[page], 0, count * sizeof(*w->ref));
}

/*
 * The object's pages are taken out of the tables, and stay in the tree. Once: what is mapped of it
 * before all of it is brought back stays, and nobody runs meanwhile who could use it.
 */
static void evict(struct bind_world *w, u8 object)
{
	struct gaon_bo *bo = &w->object[object].bo;
	u64 page;

	dma_resv_lock(bo->ttm.base.resv, NULL);
	gaon_vm_evict_bo(bo, true);
	dma_resv_unlock(bo->ttm.base.resv);
	for (page = 0; page < PAGES && !w->evicted[object]; page++) {
		if (ref_is(w, page, object))
			w->ref[page].absent = true;
	}
	w->evicted[object] = true;
}

/* --- the world -------------------------------------------------------------------------------- */

static void object_free(struct drm_gem_object *obj)
{
	container_of(to_gaon_bo(obj), struct bind_object, bo)->freed = true;
}

static const struct drm_gem_object_funcs object_funcs = { .free = object_free };

static void object_make(struct bind_world *w, struct bind_object *object, u32 pages, bool local)
{
	struct drm_gem_object *obj = &object->bo.ttm.base;
	u32 i;

	object->pages = pages;
	object->dma = kunit_kcalloc(w->test, pages, sizeof(*object->dma), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(w->test, object->dma);
	/* Pieces of any length, some of them so that large leaves fit. */
	for (i = 0; i < pages; i++) {
		if (i && gaon_mock_below(&w->random, 300))
			object->dma[i] = object->dma[i - 1] + SZ_4K;
		else
			object->dma[i] = ((u64)gaon_mock_below(&w->random, 1 << 20) << 21) +
					 (gaon_mock_below(&w->random, 2) ? i % 512 * SZ_4K : 0);
	}
	object->resource.mem_type = TTM_PL_TT;
	object->tt.dma_address = object->dma;
	object->bo.ttm.resource = &object->resource;
	object->bo.ttm.ttm = &object->tt;
	mutex_init(&object->bo.gpuva_lock);
	obj->funcs = &object_funcs;
	if (local)
		obj->resv = drm_gpuvm_resv(&w->vm->base);
	drm_gem_private_object_init(&w->gdev->drm, obj, pages * (size_t)SZ_4K);
	gaon_compat_gpuva_init(&object->bo);
}

static int bind_test_init(struct kunit *test)
{
	struct bind_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	w->test = test;
	gaon_mock_seed(test, &w->random);
	w->ref = kunit_kcalloc(test, PAGES, sizeof(*w->ref), GFP_KERNEL);
	w->cached = kunit_kcalloc(test, PAGES, sizeof(*w->cached), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w->ref);
	KUNIT_ASSERT_NOT_NULL(test, w->cached);
	w->gdev = gaon_mock_device(test);
	kunit_activate_static_stub(test, gaon_tlbi_send, tlbi_send);
	w->vm = kzalloc_obj(*w->vm);
	KUNIT_ASSERT_NOT_NULL(test, w->vm);
	w->vm->gdev = w->gdev;
	KUNIT_ASSERT_EQ(test, gaon_vm_take_numbers(w->vm), 0);
	KUNIT_ASSERT_EQ(test, gaon_pt_init(&w->vm->pt, w->gdev), 0);
	KUNIT_ASSERT_EQ(test, gaon_vm_init(w->vm), 0);
	for (i = 0; i < OBJECTS; i++)
		object_make(w, &w->object[i], PAGES / 2 + 300 * i, i == 0);
	return 0;
}

static void bind_test_exit(struct kunit *test)
{
	struct bind_world *w = test->priv;
	unsigned int i;

	if (!w || !w->vm)
		return;
	set_bit(GAON_VM_STATE_CLOSED, &w->vm->state);
	gaon_bind_clear(w->vm);
	memset(w->ref, 0, PAGES * sizeof(*w->ref));
	check(w);
	KUNIT_EXPECT_EQ_MSG(test, w->vm->pt.tables, 1, "tables of nothing are left");
	for (i = 0; i < OBJECTS; i++) {
		KUNIT_EXPECT_FALSE(test, w->object[i].freed);
		drm_gem_object_put(&w->object[i].bo.ttm.base);
		KUNIT_EXPECT_TRUE_MSG(test, w->object[i].freed, "object %u is still held", i);
		drm_gem_private_object_fini(&w->object[i].bo.ttm.base);
	}
	/* The context need not be destroyed: the card has gone. */
	w->gdev->drm.unplugged = true;
	gaon_vm_put(w->vm);
	KUNIT_EXPECT_TRUE(test, xa_empty(&w->gdev->vms));
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&w->gdev->asids));
}

/* --- tests ------------------------------------------------------------------------------------ */

#define RW	(GAON_PTE_U | GAON_PTE_R | GAON_PTE_W)
#define RO	(GAON_PTE_U | GAON_PTE_R)
#define RX	(GAON_PTE_U | GAON_PTE_R | GAON_PTE_X)

static unsigned int vmas(struct bind_world *w)
{
	unsigned int count = 0;
	struct drm_gpuva *va;

	drm_gpuvm_for_each_va(va, &w->vm->base)
		count += va != &w->vm->base.kernel_alloc_node;
	return count;
}

/* Every way in which a range can lie over a mapping of 16 pages. */
static void bind_overlaps(struct kunit *test)
{
	struct bind_world *w = test->priv;
	/* Each look walks all tables, which takes a slow kernel minutes. */
	const u64 step = IS_ENABLED(CONFIG_KASAN) ? 4 : 2;
	u64 first, count;
	unsigned int how;

	for (how = 0; how < 3; how++) {
		for (first = 0; first < 24; first += step) {
			for (count = 2; count <= 24; count += step) {
				map(w, 100 + 4, 16, 1, 32, RW);
				check_range(w, 80, 160);
				if (how == 0)
					unmap(w, 100 + first, count);
				else if (how == 1)
					map_null(w, 100 + first, count);
				else
					map(w, 100 + first, count, 2, 0, RO);
				check_range(w, 80, 160);
				unmap(w, 90, 60);
			}
		}
		check(w);
	}
	KUNIT_EXPECT_EQ(test, vmas(w), 0);
}

/* What was cut and is mapped again, piece by piece, is as if it had been mapped at once. */
static void bind_pieces(struct kunit *test)
{
	struct bind_world *w = test->priv;
	u64 at;

	map(w, 0, 1024, 0, 0, RW);
	KUNIT_EXPECT_EQ(test, vmas(w), 1);
	for (at = 1; at < 1024; at += 128)
		unmap(w, at, 64);
	KUNIT_EXPECT_EQ(test, vmas(w), 9);
	check(w);
	for (at = 1; at < 1024; at += 128)
		map(w, at, 64, 0, at, RW);
	check(w);
	map(w, 0, 1024, 0, 0, RW);
	KUNIT_EXPECT_EQ(test, vmas(w), 1);
	check(w);
}

/* An object's pages go, and those of others that stand between them stay. */
static void bind_evict(struct kunit *test)
{
	struct bind_world *w = test->priv;

	map(w, 0, 700, 1, 0, RW);
	map(w, 700, 512, 2, 0, RX);
	map(w, 300, 100, 2, 50, RO);
	map(w, 1500, 400, 1, 100, RO);
	check(w);
	evict(w, 1);
	check(w);
	evict(w, 1);
	evict(w, 2);
	check(w);
	unmap(w, 200, 400);
	/* What is mapped anew is there again, though the rest of the object is not. */
	map(w, 250, 10, 1, 7, RW);
	check(w);
}

static void random_change(struct bind_world *w)
{
	static const u64 prots[] = { RW, RO, RX };
	u64 page = gaon_mock_below(&w->random, PAGES), count;
	u64 prot = prots[gaon_mock_below(&w->random, ARRAY_SIZE(prots))];
	u8 object = gaon_mock_below(&w->random, OBJECTS);
	u32 at;

	if (gaon_mock_below(&w->random, 3) == 0)
		page &= ~511ull;
	count = 1 + gaon_mock_below(&w->random, gaon_mock_below(&w->random, 4) ? 40 : PAGES);
	if (gaon_mock_below(&w->random, 6) == 0)
		count = (count + 511) & ~511ull;
	count = min_t(u64, count, PAGES - page);
	switch (gaon_mock_below(&w->random, 16)) {
	case 0:
		evict(w, object);
		break;
	case 1 ... 3:
		map_null(w, page, count);
		break;
	case 4 ... 8:
		unmap(w, page, count);
		break;
	default:
		count = min_t(u64, count, w->object[object].pages);
		at = gaon_mock_below(&w->random, w->object[object].pages - count + 1);
		/* What continues its neighbour, too. */
		if (page && w->ref[page - 1].kind == REF_OBJECT &&
		    gaon_mock_below(&w->random, 2)) {
			const struct bind_ref *left = &w->ref[page - 1];

			if (left->at + 1 + count <= w->object[left->object].pages) {
				object = left->object;
				at = left->at + 1;
				prot = left->prot;
			}
		}
		map(w, page, count, object, at, prot);
	}
}

static void bind_random(struct kunit *test)
{
	struct bind_world *w = test->priv;
	unsigned int i;

	for (i = 0; i < OPERATIONS && test->status == KUNIT_SUCCESS; i++) {
		random_change(w);
		/* A wrong entry is seen by the next look as well. */
		if (i % 4 == 3 || i + 1 == OPERATIONS)
			check(w);
	}
}

/* Closed, lost or unusable: nothing is mapped any more, everything can be unmapped. */
static void bind_refused(struct kunit *test)
{
	static const unsigned int states[] = {
		GAON_VM_STATE_UNUSABLE, GAON_VM_STATE_LOST, GAON_VM_STATE_CLOSED,
	};
	struct bind_world *w = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct gaon_bind_op op = {
			.type = DRM_GAON_VM_BIND_MAP, .va = page_va(20), .size = 16 * SZ_4K,
			.prot = RW, .bo = &w->object[0].bo,
		};

		map(w, 0, 64, 1, 0, RW);
		set_bit(states[i], &w->vm->state);
		op_prepare(w, &op);
		KUNIT_EXPECT_EQ(test, gaon_bind_exec(w->vm, &op), -ECANCELED);
		op.bo = NULL;
		gaon_bind_finish(w->vm, &op);
		check_tree(w);
		check_tables(w, 0, PAGES);
		unmap(w, 10, 50);
		check_tree(w);
		check_tables(w, 0, PAGES);
		clear_bit(states[i], &w->vm->state);
	}
}

static struct kunit_case bind_tests[] = {
	KUNIT_CASE(bind_overlaps),
	KUNIT_CASE(bind_pieces),
	KUNIT_CASE(bind_evict),
	KUNIT_CASE(bind_refused),
	KUNIT_CASE_SLOW(bind_random),
	{}
};

static struct kunit_suite bind_suite = {
	.name = "gaon_bind",
	.init = bind_test_init,
	.exit = bind_test_exit,
	.test_cases = bind_tests,
};

kunit_test_suite(bind_suite);
