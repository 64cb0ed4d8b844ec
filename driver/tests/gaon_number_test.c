// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Numbers of contexts, address spaces and queues: each is one owner's, comes back, and where late
 * words of the device could hit a new owner it comes back as late as possible. Compared with sets
 * of bits.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include <kunit/test.h>

#include "../gaon_device.h"
#include "../gaon_event.h"
#include "../gaon_migrate.h"
#include "../gaon_visible.h"
#include "../gaon_vm.h"
#include "gaon_mock.h"

#define ROUNDS	4000
#define MOST	256

/** struct number_ref - numbers from @first to @end - 1 that are given out in turn */
struct number_ref {
	DECLARE_BITMAP(used, MOST);
	unsigned int first, end, next;
};

/* The next free one at or behind the last, else from the start; @end: none. */
static unsigned int ref_take(struct number_ref *ref)
{
	unsigned int n = find_next_zero_bit(ref->used, ref->end, max(ref->next, ref->first));

	if (n >= ref->end)
		n = find_next_zero_bit(ref->used, ref->end, ref->first);
	if (n < ref->end) {
		__set_bit(n, ref->used);
		ref->next = n + 1;
	}
	return n;
}

/* --- contexts and address spaces -------------------------------------------------------------- */

/** struct number_world - owners, in no order */
struct number_world {
	struct gaon_device *gdev;
	struct rnd_state random;
	struct number_ref ref;
	struct gaon_vm *vm;
	struct gaon_hwq *hwq;
	unsigned int count;
};

static int number_init(struct kunit *test)
{
	struct number_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	w->gdev = gaon_mock_device(test);
	w->vm = kunit_kcalloc(test, MOST, sizeof(*w->vm), GFP_KERNEL);
	w->hwq = kunit_kcalloc(test, MOST, sizeof(*w->hwq), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w->vm);
	KUNIT_ASSERT_NOT_NULL(test, w->hwq);
	gaon_mock_seed(test, &w->random);
	return 0;
}

static void vm_take(struct kunit *test, unsigned long *asids)
{
	struct number_world *w = test->priv;
	struct gaon_vm *vm = &w->vm[w->count];
	unsigned int context = ref_take(&w->ref), asid;
	int err;

	vm->gdev = w->gdev;
	err = gaon_vm_take_numbers(vm);
	if (context >= w->ref.end) {
		/* No context, and no ASID is lost for it: the next one is the same. */
		KUNIT_EXPECT_EQ(test, err, -ENOSPC);
		return;
	}
	/* ASIDs are invalidated before they are free: the lowest will do. */
	asid = find_next_zero_bit(asids, MOST, GAON_MIGRATE_ASID + 1);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, vm->context, context);
	KUNIT_ASSERT_EQ(test, vm->asid, asid);
	__set_bit(asid, asids);
	w->count++;
}

static void vm_put(struct kunit *test, unsigned long *asids, unsigned int which)
{
	struct number_world *w = test->priv;

	gaon_vm_put_numbers(&w->vm[which]);
	__clear_bit(w->vm[which].context, w->ref.used);
	__clear_bit(w->vm[which].asid, asids);
	w->vm[which] = w->vm[--w->count];
}

static void number_contexts(struct kunit *test)
{
	struct number_world *w = test->priv;
	unsigned int first = GAON_MIGRATE_CONTEXT + 1, i;
	DECLARE_BITMAP(asids, MOST) = {};

	w->ref.first = first;
	w->ref.end = w->gdev->identify.contexts;
	/* All that there are, and three more. */
	for (i = 0; i < w->ref.end - first + 3; i++)
		vm_take(test, asids);
	KUNIT_ASSERT_EQ(test, w->count, w->ref.end - first);
	for (i = 0; i < ROUNDS; i++) {
		if (w->count && gaon_mock_below(&w->random, 2))
			vm_put(test, asids, gaon_mock_below(&w->random, w->count));
		else
			vm_take(test, asids);
	}
	while (w->count)
		vm_put(test, asids, 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&w->gdev->vms));
	KUNIT_EXPECT_TRUE(test, ida_is_empty(&w->gdev->asids));
}

/* --- queues ----------------------------------------------------------------------------------- */

static const struct gaon_hwq_ops no_ops;

static void hwq_take(struct kunit *test, unsigned int context)
{
	struct number_world *w = test->priv;
	struct gaon_hwq *hwq = &w->hwq[w->count];
	unsigned int id = ref_take(&w->ref);
	int err = gaon_hwq_register(w->gdev, hwq, context, &no_ops);

	if (id >= w->ref.end) {
		KUNIT_EXPECT_EQ(test, err, -ENOSPC);
		return;
	}
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, hwq->id, id);
	KUNIT_ASSERT_EQ(test, hwq->context, context);
	w->count++;
}

static void hwq_put(struct kunit *test, unsigned int which)
{
	struct number_world *w = test->priv;
	struct gaon_hwq last;

	gaon_hwq_unregister(w->gdev, &w->hwq[which]);
	__clear_bit(w->hwq[which].id, w->ref.used);
	if (which == --w->count)
		return;
	/* The last one moves here: it is registered by its address. */
	last = w->hwq[w->count];
	gaon_hwq_unregister(w->gdev, &w->hwq[w->count]);
	__clear_bit(last.id, w->ref.used);
	KUNIT_ASSERT_EQ(test, gaon_hwq_register(w->gdev, &w->hwq[which], last.context, &no_ops), 0);
	KUNIT_ASSERT_EQ(test, w->hwq[which].id, ref_take(&w->ref));
}

static void number_queues(struct kunit *test)
{
	struct number_world *w = test->priv;
	unsigned int i;

	w->ref.end = w->gdev->identify.queues;
	for (i = 0; i < w->ref.end + 3; i++)
		hwq_take(test, i + 1);
	KUNIT_ASSERT_EQ(test, w->count, w->ref.end);
	for (i = 0; i < 300; i++) {
		if (w->count && gaon_mock_below(&w->random, 2))
			hwq_put(test, gaon_mock_below(&w->random, w->count));
		else
			hwq_take(test, 1 + gaon_mock_below(&w->random, 8));
	}
	while (w->count)
		hwq_put(test, w->count - 1);
}

/* One number that is used over and over comes back only after all others have. */
static void number_late(struct kunit *test)
{
	struct number_world *w = test->priv;
	unsigned int i, first = 0;

	for (i = 0; i < 2 * w->gdev->identify.queues; i++) {
		KUNIT_ASSERT_EQ(test, gaon_hwq_register(w->gdev, &w->hwq[0], 1, &no_ops), 0);
		if (!i)
			first = w->hwq[0].id;
		else if (w->hwq[0].id == first)
			break;
		gaon_hwq_unregister(w->gdev, &w->hwq[0]);
	}
	gaon_hwq_unregister(w->gdev, &w->hwq[0]);
	KUNIT_EXPECT_EQ(test, i, w->gdev->identify.queues);
}

static struct kunit_case number_tests[] = {
	KUNIT_CASE(number_contexts),
	KUNIT_CASE(number_queues),
	KUNIT_CASE(number_late),
	{}
};

static struct kunit_suite number_suite = {
	.name = "gaon_number",
	.init = number_init,
	.test_cases = number_tests,
};

kunit_test_suite(number_suite);
