// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Rings: that of a kernel-owned queue, with a device that reads packets when it likes and sleeps
 * when there are none; and that of events, with a device that says what it likes.
 */
#include <linux/dma-fence.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <kunit/test.h>

#include <hw/gaon_packet.h>

#include "../gaon_device.h"
#include "../gaon_event.h"
#include "../gaon_queue.h"
#include "../gaon_sched.h"
#include "../gaon_visible.h"
#include "gaon_mock.h"

#define DEPTH		16
#define RING		(4 * DEPTH)
#define RING_VA		0xffff800000000000ull
#define CONTEXT		3
#define HW_QUEUE	7

/** struct ring_world - a queue, and the device that reads it */
struct ring_world {
	struct kunit *test;
	struct gaon_device *gdev;
	struct gaon_queue queue;
	struct gaon_kq kq;
	struct rnd_state random;
	/** @doorbell: what was rung last; 0: nothing since the device looked. */
	u64 *doorbell;
	/** @asleep: the device looks at nothing until it is rung. */
	bool asleep;
	/** @read: packets that it has read. */
	u64 read;
	/** @jobs: handed over, in order; @error what each must end with. */
	struct gaon_job *job[256];
	struct dma_fence *fence[256];
	u64 number[256];
	int error[256];
	unsigned int jobs;
};

static int ring_test_init(struct kunit *test)
{
	struct ring_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct gaon_kq *kq;
	size_t ring;
	u8 *doorbells;

	KUNIT_ASSERT_NOT_NULL(test, w);
	test->priv = w;
	w->test = test;
	w->gdev = gaon_mock_device(test);
	gaon_mock_seed(test, &w->random);
	doorbells = kunit_kzalloc(test, (CONTEXT + 1) * GAON_DOORBELL_STRIDE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, doorbells);
	w->gdev->doorbells = (void __iomem __force *)doorbells;
	w->doorbell = (u64 *)(doorbells + CONTEXT * GAON_DOORBELL_STRIDE) + HW_QUEUE;

	kq = &w->kq;
	w->queue.gdev = w->gdev;
	w->queue.hwq = (struct gaon_hwq) { .id = HW_QUEUE, .context = CONTEXT };
	w->queue.kq = kq;
	kq->queue = &w->queue;
	mutex_init(&kq->submit_lock);
	spin_lock_init(&kq->lock);
	INIT_LIST_HEAD(&kq->in_flight);
	kq->fence_context = dma_fence_context_alloc(1);
	kq->guilty = U64_MAX;
	kq->depth = DEPTH;
	kq->ring_size = RING;
	ring = RING * sizeof(*kq->ring);
	kq->kbuf.va = RING_VA;
	kq->kbuf.cpu = kunit_kzalloc(test, ring + 2 * sizeof(*kq->state) +
				     DEPTH * sizeof(*kq->times), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kq->kbuf.cpu);
	kq->ring = kq->kbuf.cpu;
	kq->state = kq->kbuf.cpu + ring;
	kq->value = (void *)(kq->state + 1);
	kq->times = (void *)(kq->state + 2);
	w->asleep = true;	/* with an event index of 0: it wants to hear of the first packet */
	return 0;
}

static void ring_test_exit(struct kunit *test)
{
	struct ring_world *w = test->priv;
	unsigned int i;

	for (i = 0; w && i < w->jobs; i++) {
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(w->fence[i]));
		KUNIT_EXPECT_EQ_MSG(test, w->fence[i]->error, w->error[i], "job %u", i);
		dma_fence_put(w->fence[i]);
	}
}

/* --- the driver's side ------------------------------------------------------------------------ */

/* As SUBMIT and drm_sched do it; @epoch: of the queue, when it was submitted. */
static void job_give_late(struct ring_world *w, u32 count, u32 epoch)
{
	struct gaon_job *job = kunit_kzalloc(w->test, sizeof(*job), GFP_KERNEL);
	unsigned int n = w->jobs;

	KUNIT_ASSERT_NOT_NULL(w->test, job);
	KUNIT_ASSERT_LT(w->test, n, ARRAY_SIZE(w->job));
	job->done = kzalloc_obj(*job->done);
	KUNIT_ASSERT_NOT_NULL(w->test, job->done);
	INIT_LIST_HEAD(&job->node);
	job->queue = &w->queue;
	job->count = count;
	job->list_va = SZ_1M + n * SZ_4K;
	job->value_base = n * 3;
	job->args_base = n * 5;
	job->epoch = epoch;
	job->index = w->kq.submitted++;
	scoped_guard(mutex, &w->kq.submit_lock)
		gaon_job_init_fence(job);
	w->job[n] = job;
	w->fence[n] = &job->done->base;
	w->number[n] = w->kq.pushed;
	w->jobs++;
	scoped_guard(spinlock_irqsave, &w->kq.lock)
		gaon_kq_take_job(&w->kq, job, true);
}

static void job_give(struct ring_world *w, u32 count)
{
	job_give_late(w, count, w->kq.epoch);
}

static unsigned int in_flight(struct ring_world *w)
{
	unsigned int i, count = 0;

	for (i = 0; i < w->jobs; i++)
		count += !w->job[i]->finished;
	return count;
}

/* --- the device's side ------------------------------------------------------------------------ */

static u64 *at_va(struct ring_world *w, u64 va)
{
	KUNIT_ASSERT_GE(w->test, va, RING_VA);
	KUNIT_ASSERT_LT(w->test, va, RING_VA + SZ_16K);
	return w->kq.kbuf.cpu + (va - RING_VA);
}

/* The job whose packets start at that index. */
static unsigned int job_at(struct ring_world *w, u64 index)
{
	unsigned int i;

	for (i = w->jobs; i--;) {
		if (w->job[i]->pushed && w->number[i] == index / DRM_GAON_JOB_PACKETS)
			return i;
	}
	KUNIT_FAIL_AND_ABORT(w->test, "packet %llu is no job's", index);
	return 0;
}

static void packet_read(struct ring_world *w)
{
	const struct gaon_packet *packet = &w->kq.ring[w->read % RING];
	const struct gaon_job *job = w->job[job_at(w, w->read)];

	switch (w->read % DRM_GAON_JOB_PACKETS) {
	case 0:
		KUNIT_EXPECT_EQ(w->test, packet->type, GAON_PKT_TIMESTAMP);
		*at_va(w, packet->timestamp.va) = 1000 + w->read;
		break;
	case 1:
		KUNIT_EXPECT_EQ(w->test, packet->type, GAON_PKT_CALL);
		KUNIT_EXPECT_EQ(w->test, packet->list.list_va, job->list_va);
		KUNIT_EXPECT_EQ(w->test, packet->list.count, job->count);
		KUNIT_EXPECT_EQ(w->test, packet->list.value_base, job->value_base);
		KUNIT_EXPECT_EQ(w->test, packet->list.args_base, job->args_base);
		break;
	case 2:
		KUNIT_EXPECT_EQ(w->test, packet->type, GAON_PKT_TIMESTAMP);
		KUNIT_EXPECT_TRUE(w->test, packet->flags & GAON_PKT_F_SIGNAL);
		KUNIT_EXPECT_TRUE(w->test, packet->flags & GAON_PKT_F_EVENT);
		*at_va(w, packet->timestamp.va) = 1000 + w->read;
		*at_va(w, packet->signal_va) = packet->signal_value;
		break;
	}
	KUNIT_EXPECT_TRUE(w->test, packet->flags & GAON_PKT_F_BARRIER);
	w->read++;
}

/* Awake it reads some packets; at the end it asks to be woken, looks again, and sleeps. */
static void device_run(struct ring_world *w, unsigned int most)
{
	u64 write;

	if (w->asleep && !*w->doorbell)
		return;
	w->asleep = false;
	*w->doorbell = 0;
	write = smp_load_acquire(&w->kq.state->write);	/* then the packets are there */
	KUNIT_EXPECT_LE_MSG(w->test, write - w->read, RING, "packets were overwritten");
	while (w->read < write && most--)
		packet_read(w);
	w->kq.state->read = w->read;
	if (w->read == write) {
		w->kq.state->event_idx = w->read;
		mb();	/* first it is said, then looked at: as job_push() does it */
		w->asleep = READ_ONCE(w->kq.state->write) == w->read;
	}
}

/* --- queues ----------------------------------------------------------------------------------- */

/* Any order of submitting, reading and noticing: all is done in order, nothing sleeps for ever. */
static void ring_random(struct kunit *test)
{
	struct ring_world *w = test->priv;
	unsigned int turn;

	while (w->jobs < ARRAY_SIZE(w->job)) {
		switch (gaon_mock_below(&w->random, 3)) {
		case 0:
			if (in_flight(w) < DEPTH)
				job_give(w, gaon_mock_below(&w->random, 8) ? w->jobs + 1 : 0);
			break;
		case 1:
			device_run(w, 1 + gaon_mock_below(&w->random, 12));
			break;
		default:
			gaon_kq_complete(&w->kq);
		}
		KUNIT_ASSERT_EQ(test, test->status, KUNIT_SUCCESS);
	}
	for (turn = 0; turn < RING && in_flight(w); turn++) {
		device_run(w, 1);
		gaon_kq_complete(&w->kq);
	}
	KUNIT_EXPECT_EQ_MSG(test, in_flight(w), 0, "a doorbell was not rung");
	KUNIT_EXPECT_EQ(test, w->kq.completed, w->jobs);
	KUNIT_EXPECT_EQ(test, w->kq.lost, 0);
}

/* While the device is awake its doorbell is not rung: it looks by itself. */
static void ring_doorbell(struct kunit *test)
{
	struct ring_world *w = test->priv;
	unsigned int i;

	job_give(w, 1);
	KUNIT_EXPECT_EQ(test, *w->doorbell, 3);
	device_run(w, 2);
	for (i = 0; i < 4; i++) {
		job_give(w, 1);
		KUNIT_EXPECT_EQ(test, *w->doorbell, 0);
	}
	device_run(w, 100);
	KUNIT_EXPECT_TRUE(test, w->asleep);
	job_give(w, 1);
	KUNIT_EXPECT_EQ(test, *w->doorbell, 18);
	device_run(w, 100);
	gaon_kq_complete(&w->kq);
	KUNIT_EXPECT_EQ(test, w->kq.completed, 6);
}

/* The indices are 64 bits long, and the ring is much shorter. */
static void ring_wrap(struct kunit *test)
{
	struct ring_world *w = test->priv;
	u64 start = (1ull << 34) - 2;
	unsigned int i;

	w->kq.pushed = start;
	w->read = start * DRM_GAON_JOB_PACKETS;
	*w->kq.value = start;
	w->kq.state->write = w->read;
	w->kq.state->event_idx = w->read;
	for (i = 0; i < 100; i++) {
		job_give(w, 1);
		device_run(w, 100);
		gaon_kq_complete(&w->kq);
		KUNIT_ASSERT_EQ(test, in_flight(w), 0);
	}
}

/* The device is lost: what is done is done, all else is told so, in order, and no more is taken. */
static void ring_lose(struct kunit *test)
{
	struct ring_world *w = test->priv;
	unsigned int i;

	for (i = 0; i < 5; i++)
		job_give(w, 1);
	device_run(w, 7);	/* two jobs, and a packet of the third */
	gaon_kq_lose(&w->kq, -ENODEV);
	for (i = 2; i < 5; i++)
		w->error[i] = -ENODEV;
	KUNIT_EXPECT_EQ(test, w->kq.completed, 2);
	KUNIT_EXPECT_EQ(test, w->kq.lost, 3);
	KUNIT_EXPECT_TRUE(test, gaon_kq_is_stopped(&w->kq));
	w->error[w->jobs] = -ECANCELED;
	job_give(w, 1);
	KUNIT_EXPECT_EQ(test, in_flight(w), 0);
	KUNIT_EXPECT_EQ(test, w->kq.pushed, 5);
}

/* After a stop those of before fail, though the queue goes on. */
static void ring_epoch(struct kunit *test)
{
	struct ring_world *w = test->priv;
	u32 epoch = w->kq.epoch;

	job_give(w, 1);
	job_give(w, 1);
	KUNIT_EXPECT_EQ(test, gaon_kq_job_index(&w->kq, 3 + 1), 1);
	KUNIT_EXPECT_EQ(test, gaon_kq_job_index(&w->kq, 3 * 2), 0);
	gaon_kq_lose(&w->kq, -ECANCELED);
	w->error[0] = -ECANCELED;
	w->error[1] = -ECANCELED;
	gaon_kq_go_on(&w->kq);
	KUNIT_EXPECT_FALSE(test, gaon_kq_is_stopped(&w->kq));
	w->read = w->kq.pushed * DRM_GAON_JOB_PACKETS;
	w->kq.state->event_idx = w->read;
	w->asleep = true;
	*w->doorbell = 0;
	/* Submitted before the stop, and ready only now. */
	w->error[2] = -ECANCELED;
	job_give_late(w, 1, epoch);
	KUNIT_EXPECT_EQ(test, in_flight(w), 0);
	job_give(w, 1);
	device_run(w, 100);
	gaon_kq_complete(&w->kq);
	KUNIT_EXPECT_EQ(test, w->kq.completed, 1);
}

/* What the firmware said before the queue was cleared does not stop it again. */
static void ring_stale(struct kunit *test)
{
	const struct gaon_admin_reply reply = { .value = { [3] = GAON_QUERY_RESET } };
	struct ring_world *w = test->priv;
	u32 epoch = w->kq.epoch;

	gaon_kq_lose(&w->kq, -ECANCELED);
	KUNIT_EXPECT_NE(test, w->kq.epoch, epoch);
	epoch = w->kq.epoch;
	gaon_kq_check(&w->kq, &reply, epoch);
	gaon_kq_go_on(&w->kq);
	gaon_kq_check(&w->kq, &reply, epoch);
	KUNIT_EXPECT_EQ(test, w->kq.phase, GAON_KQ_RUNNING);
	job_give(w, 1);
	device_run(w, 100);
	gaon_kq_complete(&w->kq);
	KUNIT_EXPECT_EQ(test, w->kq.completed, 1);
}

static struct kunit_case ring_tests[] = {
	KUNIT_CASE(ring_random),
	KUNIT_CASE(ring_doorbell),
	KUNIT_CASE(ring_wrap),
	KUNIT_CASE(ring_lose),
	KUNIT_CASE(ring_epoch),
	KUNIT_CASE(ring_stale),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "gaon_ring",
	.init = ring_test_init,
	.exit = ring_test_exit,
	.test_cases = ring_tests,
};

kunit_test_suite(ring_suite);
