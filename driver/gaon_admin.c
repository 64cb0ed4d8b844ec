// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The admin queue: commands to the firmware, many at a time, answered in any order.
 *
 * What the firmware writes is not trusted: a reply is copied once, its cookie must be that of a
 * command without a reply, and its opcode that command's; anything else resets the device.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/wait.h>

#include <hw/gaon_errno.h>

#include "gaon_admin.h"
#include "gaon_device.h"

#define ADMIN_LOG2		6
#define ADMIN_SLOTS		64u
#define ADMIN_RESERVED		16	/* slots for GAON_ADMIN_RECLAIM only */
#define ADMIN_SLICE		(5 * HZ)
/*
 * Slices of waiting, while the firmware shows that it lives. Who waits is between drm_dev_enter()
 * and drm_dev_exit(), for which the removal of any DRM device waits: a card has the time of one
 * that is silent. A model on a busy machine has more, much less than a hung task's time.
 */
#define ADMIN_SLICES		2
#define ADMIN_SLICES_MODEL	8
/* So many of them in turn without a beat: one alone may be a pause of the machine. */
#define ADMIN_SILENT		2

/** struct gaon_admin_mem - what the device sees; DMA-coherent */
struct gaon_admin_mem {
	struct gaon_admin_cmd sq[ADMIN_SLOTS];
	struct gaon_admin_reply cq[ADMIN_SLOTS];
	struct gaon_admin_state state;
};

static_assert(BIT(ADMIN_LOG2) == ADMIN_SLOTS);
static_assert(sizeof(struct gaon_admin_cmd) == 64);
static_assert(sizeof(struct gaon_admin_reply) == 64);

/** struct gaon_admin - the queue */
struct gaon_admin {
	/** @mem: rings. Written under @lock. */
	struct gaon_admin_mem *mem;
	/** @dma: bus address of @mem. */
	dma_addr_t dma;
	/**
	 * @lock: protects everything below. Taken in the interrupt thread and in process context,
	 * innermost.
	 */
	spinlock_t lock;
	/** @req: per slot the command that waits; NULL: none, or its owner gave up. */
	struct gaon_admin_req *req[ADMIN_SLOTS];
	/** @cookie: per slot that of the command in it; its low bits are the slot. */
	u32 cookie[ADMIN_SLOTS];
	/** @busy: slots whose command has no reply, also when nobody waits for it any more. */
	DECLARE_BITMAP(busy, ADMIN_SLOTS);
	/** @used: bits in @busy. */
	unsigned int used;
	/** @tail: commands submitted. */
	u32 tail;
	/** @next: replies taken. */
	u64 next;
	/** @generation: makes cookies differ. */
	u32 generation;
	/** @running: commands may be submitted. */
	bool running;
	/** @broken: since the last start there was a reply that made no sense. */
	bool broken;
	/** @holder: nobody else sends commands: they wait; NULL: everybody may. */
	struct task_struct *holder;
	/** @space: woken when a slot becomes free and when @running or @holder ends. */
	wait_queue_head_t space;
};

int gaon_admin_init(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;
	struct gaon_admin *admin;

	admin = devm_kzalloc(dev, sizeof(*admin), GFP_KERNEL);
	if (!admin)
		return -ENOMEM;
	admin->mem = dmam_alloc_coherent(dev, sizeof(*admin->mem), &admin->dma, GFP_KERNEL);
	if (!admin->mem)
		return -ENOMEM;
	spin_lock_init(&admin->lock);
	init_waitqueue_head(&admin->space);
	gdev->admin = admin;
	return 0;
}

/**
 * gaon_admin_start() - give the rings to the firmware, which is READY
 * @gdev: the device
 */
void gaon_admin_start(struct gaon_device *gdev)
{
	struct gaon_admin *admin = gdev->admin;
	u64 pa = GAON_PA_HOST | admin->dma;

	gaon_write32(gdev, GAON_REG_ADMIN_ENABLE, 0);
	memset(admin->mem, 0, sizeof(*admin->mem));
	gaon_write64(gdev, GAON_REG_ADMIN_SQ, pa + offsetof(struct gaon_admin_mem, sq));
	gaon_write64(gdev, GAON_REG_ADMIN_CQ, pa + offsetof(struct gaon_admin_mem, cq));
	gaon_write64(gdev, GAON_REG_ADMIN_STATE, pa + offsetof(struct gaon_admin_mem, state));
	gaon_write32(gdev, GAON_REG_ADMIN_LOG2, ADMIN_LOG2);
	spin_lock(&admin->lock);
	bitmap_zero(admin->busy, ADMIN_SLOTS);
	admin->used = 0;
	admin->tail = 0;
	admin->next = 0;
	admin->running = true;
	admin->broken = false;
	spin_unlock(&admin->lock);
	gaon_write32(gdev, GAON_REG_ADMIN_ENABLE, 1);
}

/* Fails what waits, and everything until the next start. */
static void admin_fail_all(struct gaon_admin *admin)
{
	unsigned int slot;

	lockdep_assert_held(&admin->lock);
	admin->running = false;
	for (slot = 0; slot < ADMIN_SLOTS; slot++) {
		struct gaon_admin_req *req = admin->req[slot];

		if (!req)
			continue;
		admin->req[slot] = NULL;
		req->err = -EIO;
		complete(&req->done);
	}
}

/**
 * gaon_admin_stop() - fail what waits, and everything until the next start
 * @gdev: the device
 *
 * Touches no register: the card may be gone. The firmware may write to the rings until the device
 * is reset or its bus mastering ends.
 */
void gaon_admin_stop(struct gaon_device *gdev)
{
	struct gaon_admin *admin = gdev->admin;

	spin_lock(&admin->lock);
	admin_fail_all(admin);
	spin_unlock(&admin->lock);
	wake_up_all(&admin->space);
}

static bool admin_is_idle(struct gaon_admin *admin)
{
	guard(spinlock)(&admin->lock);
	return !admin->running || !admin->used;
}

/**
 * gaon_admin_hold() - only the caller's task sends commands
 * @gdev: the device
 *
 * Waits until all have their answers, or gave up. Those of others wait, until gaon_admin_release(),
 * also while the device is stopped and started.
 */
void gaon_admin_hold(struct gaon_device *gdev)
{
	struct gaon_admin *admin = gdev->admin;

	scoped_guard(spinlock, &admin->lock)
		admin->holder = current;
	wait_event(admin->space, admin_is_idle(admin));
}

/** gaon_admin_release() - after gaon_admin_hold(), perhaps of another task: everybody may send */
void gaon_admin_release(struct gaon_device *gdev)
{
	struct gaon_admin *admin = gdev->admin;

	scoped_guard(spinlock, &admin->lock)
		admin->holder = NULL;
	wake_up_all(&admin->space);
}

/* True if the request has its slot, or can get none: then with its err set. */
static bool admin_try(struct gaon_device *gdev, struct gaon_admin_req *req, unsigned int flags)
{
	struct gaon_admin *admin = gdev->admin;
	unsigned int limit = ADMIN_SLOTS - (flags & GAON_ADMIN_RECLAIM ? 0 : ADMIN_RESERVED);

	guard(spinlock)(&admin->lock);
	if (admin->holder && admin->holder != current)
		return false;
	if (!admin->running) {
		req->err = -EIO;
		return true;
	}
	if (admin->used >= limit)
		return false;
	req->slot = find_first_zero_bit(admin->busy, ADMIN_SLOTS);
	if (WARN_ON_ONCE(req->slot >= ADMIN_SLOTS))
		return false;
	__set_bit(req->slot, admin->busy);
	admin->used++;
	req->cmd.cookie = ++admin->generation << ADMIN_LOG2 | req->slot;
	admin->cookie[req->slot] = req->cmd.cookie;
	admin->req[req->slot] = req;
	admin->mem->sq[admin->tail & (ADMIN_SLOTS - 1)] = req->cmd;
	admin->tail++;
	/* writel() orders the entry before the index. */
	gaon_write32(gdev, GAON_REG_ADMIN_TAIL, admin->tail);
	return true;
}

/**
 * gaon_admin_submit() - send a command
 * @gdev: the device
 * @req: with its cmd filled
 * @flags: of &enum gaon_admin_flags
 *
 * Sleeps while there is no slot. If it returns 0 gaon_admin_wait() must follow.
 *
 * Return: 0, or -EIO: the device is being reset or gone.
 */
int gaon_admin_submit(struct gaon_device *gdev, struct gaon_admin_req *req, unsigned int flags)
{
	req->err = 0;
	init_completion(&req->done);
	wait_event(gdev->admin->space, admin_try(gdev, req, flags));
	return req->err;
}

/* Nobody waits for it any more; its slot stays taken until the firmware answers. */
static bool admin_abandon(struct gaon_device *gdev, struct gaon_admin_req *req)
{
	guard(spinlock)(&gdev->admin->lock);
	if (gdev->admin->req[req->slot] != req)
		return false;
	gdev->admin->req[req->slot] = NULL;
	return true;
}

/* Before it said what it is it may be either. */
static unsigned int admin_slices(struct gaon_device *gdev)
{
	bool is_card = gdev->identify.cores && !(gdev->fw.features & GAON_FEATURE_MODELLED_TIME);

	return is_card ? ADMIN_SLICES : ADMIN_SLICES_MODEL;
}

/**
 * gaon_admin_wait() - wait for the answer
 * @gdev: the device
 * @req: that gaon_admin_submit() took
 *
 * 10 s. Of a card that is modelled the time is not counted while the firmware's heartbeat moves, up
 * to 40 s: on a busy machine it is slow, not dead. A command that gets no answer resets the device.
 *
 * Return: 0, the error that the firmware's status stands for, -EIO if the device is being reset or
 * gone, -ETIMEDOUT if there was no answer.
 */
int gaon_admin_wait(struct gaon_device *gdev, struct gaon_admin_req *req)
{
	u32 beat = gaon_read32(gdev, GAON_REG_HEARTBEAT);
	unsigned int slices = admin_slices(gdev);
	unsigned int slice, silent = 0;

	for (slice = 0; slice < slices; slice++) {
		u32 now;

		if (wait_for_completion_timeout(&req->done, ADMIN_SLICE))
			goto done;
		gaon_admin_irq(gdev);	/* should an interrupt have been lost */
		if (try_wait_for_completion(&req->done))
			goto done;
		now = gaon_read32(gdev, GAON_REG_HEARTBEAT);
		silent = now == beat ? silent + 1 : 0;
		if (silent == ADMIN_SILENT)
			break;
		beat = now;
	}
	if (!admin_abandon(gdev, req)) {
		wait_for_completion(&req->done);
		goto done;
	}
	drm_err(&gdev->drm, "firmware did not answer admin command %#x within %u s\n",
		req->cmd.opcode, (min(slice, slices - 1u) + 1) * (ADMIN_SLICE / HZ));
	/* If it does nothing at all it can be started anew; else it lies. */
	if (silent == ADMIN_SILENT)
		gaon_reset_firmware_lost(gdev, "firmware does not answer, nor does it beat");
	else
		gaon_reset_schedule(gdev, "firmware does not answer");
	return -ETIMEDOUT;
done:
	return req->err ?: gaon_admin_errno(req->reply.status);
}

/**
 * gaon_admin_exec() - send a command and wait for its answer
 * @gdev: the device
 * @req: with its cmd filled
 * @flags: of &enum gaon_admin_flags
 *
 * Return: as gaon_admin_wait(); a status that is not OK is logged for debugging.
 */
int gaon_admin_exec(struct gaon_device *gdev, struct gaon_admin_req *req, unsigned int flags)
{
	int err = gaon_admin_submit(gdev, req, flags);

	if (err)
		return err;
	err = gaon_admin_wait(gdev, req);
	if (err && !req->err)
		drm_dbg(&gdev->drm, "admin command %#x: status %u\n", req->cmd.opcode,
			req->reply.status);
	return err;
}

/**
 * gaon_admin_id() - a command that takes only an id and a value
 * @gdev: the device
 * @opcode: QUEUE_* but CREATE, CONTEXT_* but CREATE (@value 0), FAULT_CLEAR
 * @id: of the queue or context
 * @value: the command's, else 0
 * @flags: of &enum gaon_admin_flags
 *
 * Return: as gaon_admin_exec().
 */
int gaon_admin_id(struct gaon_device *gdev, u16 opcode, u32 id, u32 value, unsigned int flags)
{
	struct gaon_admin_req req = {
		.cmd = {
			.opcode = opcode,
			.id = { .id = id, .value = value },
		},
	};

	return gaon_admin_exec(gdev, &req, flags);
}

/* Whether a reply makes sense; if so its command is complete. */
static bool admin_take(struct gaon_admin *admin, const struct gaon_admin_reply *reply)
{
	unsigned int slot = reply->cookie & (ADMIN_SLOTS - 1);
	struct gaon_admin_req *req = admin->req[slot];

	lockdep_assert_held(&admin->lock);
	if (!test_bit(slot, admin->busy) || admin->cookie[slot] != reply->cookie)
		return false;
	if (req && req->cmd.opcode != reply->opcode)
		return false;
	__clear_bit(slot, admin->busy);
	admin->used--;
	admin->req[slot] = NULL;
	if (req) {
		req->reply = *reply;
		complete(&req->done);
	}
	return true;
}

/**
 * gaon_admin_check() - whether all replies made sense since the start
 * @gdev: the device, which is being started: once it runs a false reply resets it
 *
 * Return: 0 or -EPROTO.
 */
int gaon_admin_check(struct gaon_device *gdev)
{
	return READ_ONCE(gdev->admin->broken) ? -EPROTO : 0;
}

/**
 * gaon_admin_irq() - take the replies that are there
 * @gdev: the device
 *
 * From the thread of vector 0; also from whoever lost patience.
 */
void gaon_admin_irq(struct gaon_device *gdev)
{
	struct gaon_admin *admin = gdev->admin;
	struct gaon_admin_reply reply;
	bool bad = false, any = false;

	spin_lock(&admin->lock);
	while (admin->running && !bad) {
		struct gaon_admin_reply *shared = &admin->mem->cq[admin->next & (ADMIN_SLOTS - 1)];

		if (READ_ONCE(shared->valid) != admin->next + 1)
			break;
		dma_rmb();	/* the reply was written before valid */
		memcpy(&reply, shared, sizeof(reply));
		admin->next++;
		any = true;
		bad = !admin_take(admin, &reply);
	}
	/* Whose reply it was nobody knows: that command would be waited for in vain. */
	if (bad) {
		admin->broken = true;
		admin_fail_all(admin);
	}
	spin_unlock(&admin->lock);
	if (any)
		wake_up_all(&admin->space);
	if (bad) {
		drm_err_ratelimited(&gdev->drm, "firmware answered a command that nobody sent: opcode %#x, cookie %#x\n",
				    reply.opcode, reply.cookie);
		gaon_reset_schedule(gdev, "firmware sent a false reply");
	}
}
