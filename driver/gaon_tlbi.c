// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * TLB invalidation: entries go into a queue of the hardware and complete in order; completion is a
 * number in memory. There is no interrupt, and none is needed: it is bounded by 1 ms of the
 * device's time.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>

#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "gaon_device.h"
#include "gaon_tlbi.h"

#define TLBI_TIMEOUT	(20 * HZ)	/* a card that is modelled on a busy machine is slow */
#define TLBI_PAUSE	(HZ / 10)	/* what is longer was a pause of the machine */
#define TLBI_SPINS	200

/** struct gaon_tlbi - the queue */
struct gaon_tlbi {
	/** @done: number of the last completed entry; the device's, DMA-coherent. */
	u64 *done;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @lock: one entry is four register writes. Innermost, not taken in interrupts. */
	spinlock_t lock;
	/** @seq: number of the last entry; protected by @lock. Never repeats, over resets too. */
	u64 seq;
	/** @held: nothing is entered, since all is invalidated before it is used; under @lock. */
	bool held;
};

int gaon_tlbi_init(struct gaon_device *gdev)
{
	struct gaon_tlbi *tlbi = devm_kzalloc(gdev->drm.dev, sizeof(*tlbi), GFP_KERNEL);

	if (!tlbi)
		return -ENOMEM;
	tlbi->done = dmam_alloc_coherent(gdev->drm.dev, sizeof(*tlbi->done), &tlbi->dma,
					 GFP_KERNEL);
	if (!tlbi->done)
		return -ENOMEM;
	spin_lock_init(&tlbi->lock);
	gdev->tlbi = tlbi;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_tlbi_init);

/**
 * gaon_tlbi_complete() - the device was reset: it reaches nothing, through no translation
 * @gdev: the device
 *
 * Until it is started invalidations do nothing. It may take memory to start it, and who frees
 * memory may wait for one.
 */
void gaon_tlbi_complete(struct gaon_device *gdev)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;

	guard(spinlock)(&tlbi->lock);
	WRITE_ONCE(*tlbi->done, tlbi->seq);
	tlbi->held = true;
}

/** gaon_tlbi_start() - after a reset, which completed whatever was pending */
void gaon_tlbi_start(struct gaon_device *gdev)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;

	guard(spinlock)(&tlbi->lock);
	WRITE_ONCE(*tlbi->done, tlbi->seq);
	tlbi->held = false;
	gaon_write64(gdev, GAON_REG_TLBI_DONE_ADDR, GAON_PA_HOST | tlbi->dma);
}

/**
 * gaon_tlbi_send() - enter an invalidation
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @asid: whose translations
 * @va: first address
 * @bytes: how many; 0: all of @asid
 *
 * The page-table entries that have changed were written before. Does not sleep and allocates
 * nothing: fit for notifiers and for the path of fences.
 *
 * Return: number to give to gaon_tlbi_wait().
 */
u64 gaon_tlbi_send(struct gaon_device *gdev, u16 asid, u64 va, u64 bytes)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;

	KUNIT_STATIC_STUB_REDIRECT(gaon_tlbi_send, gdev, asid, va, bytes);
	guard(spinlock)(&tlbi->lock);
	if (tlbi->held)
		return tlbi->seq;
	tlbi->seq++;
	/*
	 * TLBI_FREE is not asked: a full queue loses nothing (the device makes one invalidation of
	 * all), while every read of a register is a trap in a virtual machine.
	 */
	gaon_write32(gdev, GAON_REG_TLBI_ASID, asid);
	gaon_write64(gdev, GAON_REG_TLBI_VA, va);
	gaon_write64(gdev, GAON_REG_TLBI_SIZE, bytes);
	gaon_write64(gdev, GAON_REG_TLBI_SEQ, tlbi->seq);
	return tlbi->seq;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_tlbi_send);

/**
 * gaon_tlbi_hold() - from here on invalidations do nothing
 * @gdev: the device, whose contexts are suspended
 *
 * Until the device is started anew, or gaon_tlbi_release(), after which each ASID is invalidated
 * before its context goes on. Waits for those under way.
 */
void gaon_tlbi_hold(struct gaon_device *gdev)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;
	u64 seq;

	scoped_guard(spinlock, &tlbi->lock) {
		tlbi->held = true;
		seq = tlbi->seq;
	}
	gaon_tlbi_wait(gdev, seq);
}

void gaon_tlbi_release(struct gaon_device *gdev)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;

	guard(spinlock)(&tlbi->lock);
	tlbi->held = false;
}

static bool tlbi_is_done(struct gaon_tlbi *tlbi, u64 seq)
{
	/* After it every read sees what the device wrote before the number. */
	return (s64)(smp_load_acquire(tlbi->done) - seq) >= 0;
}

/**
 * gaon_tlbi_wait() - wait until an invalidation is complete
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @seq: what gaon_tlbi_send() returned
 *
 * Sleeps, bounded. When it returns no access through the old translations is under way or will
 * come: because the device said so, or because it was reset, which happens if there is no answer.
 */
void gaon_tlbi_wait(struct gaon_device *gdev, u64 seq)
{
	struct gaon_tlbi *tlbi = gdev->tlbi;
	unsigned long last = jiffies, waited = 0, now;
	unsigned int spins = 0;

	while (!tlbi_is_done(tlbi, seq)) {
		enum gaon_device_state state = gaon_device_state(gdev);

		/* In these the card was reset and reaches nothing. */
		if (state == GAON_DEVICE_OFF || state == GAON_DEVICE_WEDGED)
			return;
		if (spins++ < TLBI_SPINS) {
			cpu_relax();
			continue;
		}
		now = jiffies;
		waited += min(now - last, (unsigned long)TLBI_PAUSE);
		last = now;
		if (waited > TLBI_TIMEOUT)
			gaon_reset_schedule(gdev, "a TLB invalidation did not complete");
		usleep_range(20, 50);
	}
}
