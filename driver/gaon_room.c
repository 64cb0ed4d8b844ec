// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Making room in the card's memory, when several do so at once, and how much may be asked for.
 *
 * Who needs room moves objects out whose reservations it can take. Two that hold theirs while they
 * look for more take each other's for lost and fail, though there is enough for either. So who has
 * failed tries again alone.
 *
 * Alone it may also take what LR VMs map: their contexts are suspended, and brought back when it is
 * their turn (gaon_restore.c). Two that do not fit together take turns, so each runs for a while
 * first; who comes too early waits, and those who wait are served in their order.
 *
 * What is moved out goes to host memory, which nobody's process answers for: the kernel would kill
 * everybody else first. So creating an object counts: with all others it fits into HBM and a part
 * of the host's memory, wherever objects are.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <uapi/drm/gaon_accel.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_room.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

/* Eighths of the host's memory. Moving one out before another comes in takes a bit more. */
#define ROOM_HOST	4	/* objects that are there for good */
#define ROOM_MOVED	3	/* objects that have no place in HBM */

#define ROOM_LOOK	(HZ / 50)	/* from one look to the next whether it is its turn */
#define ROOM_PATIENCE	(60 * HZ)	/* of a call: then there is no memory for it */

/** gaon_rooms_init() - of a device that is being made */
void gaon_rooms_init(struct gaon_rooms *rooms)
{
	init_rwsem(&rooms->sem);
	spin_lock_init(&rooms->lock);
	INIT_LIST_HEAD(&rooms->turns);
}

/* --- turns ---------------------------------------------------------------------------------- */

static void turn_join(struct gaon_rooms *rooms, struct gaon_turn *turn)
{
	guard(spinlock)(&rooms->lock);
	if (list_empty(&turn->node))
		list_add_tail(&turn->node, &rooms->turns);
}

/** gaon_turn_leave() - it does not wait any more, if it did */
void gaon_turn_leave(struct gaon_device *gdev, struct gaon_turn *turn)
{
	guard(spinlock)(&gdev->rooms.lock);
	list_del_init(&turn->node);
}

/* The first of those who wait. If nobody does, whoever asks. */
static bool turn_is_next(struct gaon_rooms *rooms, const struct gaon_turn *turn)
{
	guard(spinlock)(&rooms->lock);
	return list_empty(&rooms->turns) ||
	       list_first_entry(&rooms->turns, struct gaon_turn, node) == turn;
}

/** gaon_turn_waits_for_others() - it waits, and others came before it */
bool gaon_turn_waits_for_others(struct gaon_device *gdev, struct gaon_turn *turn)
{
	return !list_empty_careful(&turn->node) && !turn_is_next(&gdev->rooms, turn);
}

/* --- room ----------------------------------------------------------------------------------- */

static int room_enter(struct gaon_room *room, struct gaon_device *gdev, struct gaon_turn *turn)
{
	*room = (struct gaon_room) {
		.gdev = gdev, .turn = turn, .end = jiffies + ROOM_PATIENCE,
	};
	INIT_LIST_HEAD(&room->own.node);
	return down_read_interruptible(&gdev->rooms.sem);
}

/**
 * gaon_room_enter() - begin to allocate
 * @room: of the caller
 * @gdev: the device
 *
 * Without any reservation held. Sleeps, interruptibly.
 *
 * Return: 0 or -EINTR.
 */
int gaon_room_enter(struct gaon_room *room, struct gaon_device *gdev)
{
	return room_enter(room, gdev, &room->own);
}

/**
 * gaon_room_enter_vm() - begin to bring a VM back; as gaon_room_enter()
 * @room: of the caller
 * @vm: an LR VM, which joins those who wait if it must, and leaves them by gaon_turn_leave()
 */
int gaon_room_enter_vm(struct gaon_room *room, struct gaon_vm *vm)
{
	return room_enter(room, vm->gdev, &vm->turn);
}

/* When all others have left. False: the caller was killed. */
static bool room_be_alone(struct gaon_room *room)
{
	struct gaon_rooms *rooms = &room->gdev->rooms;

	if (down_write_killable(&rooms->sem)) {
		room->outside = true;
		return false;
	}
	room->alone = true;
	room->refused = false;
	rooms->alone = room;
	WRITE_ONCE(rooms->owner, current);
	return true;
}

static void room_let_others(struct gaon_room *room)
{
	struct gaon_rooms *rooms = &room->gdev->rooms;

	WRITE_ONCE(rooms->owner, NULL);
	rooms->alone = NULL;
	up_write(&rooms->sem);
}

/* Contexts run whose time is not over, or others wait for theirs to be. */
static bool room_wait(struct gaon_room *room)
{
	struct gaon_rooms *rooms = &room->gdev->rooms;

	turn_join(rooms, room->turn);
	if (room->turn != &room->own || time_after(jiffies, room->end))
		return false;
	room_let_others(room);
	schedule_timeout_killable(ROOM_LOOK);
	if (!drm_dev_is_unplugged(&room->gdev->drm) && !fatal_signal_pending(current))
		return room_be_alone(room);
	room->outside = true;
	return false;
}

/**
 * gaon_room_retry() - whether to try again
 * @room: entered
 * @err: how the last try ended
 *
 * If there was no room: once more, and alone; then, if others had to be left alone for now, again
 * and again until it is its turn, for ROOM_PATIENCE at most. Without any reservation held. Sleeps
 * until all others have left, whose waiting for fences has an end, or the caller is killed.
 */
bool gaon_room_retry(struct gaon_room *room, int err)
{
	if (err != -ENOMEM && err != -ENOSPC)
		return false;
	if (room->alone)
		return room->refused && room_wait(room);
	up_read(&room->gdev->rooms.sem);
	return room_be_alone(room);
}

/** gaon_room_leave() - the reservations are given back */
void gaon_room_leave(struct gaon_room *room)
{
	gaon_turn_leave(room->gdev, &room->own);
	if (room->outside)
		return;
	if (room->alone)
		room_let_others(room);
	else
		up_read(&room->gdev->rooms.sem);
}

/**
 * gaon_room_takes() - whether an object that LR VMs map may be moved out for the caller
 * @gdev: the device
 * @bo: with its reservation held
 *
 * Yes, if the caller is alone, it is its turn, and no context that maps the object is within its
 * time. Else the caller hears of it by gaon_room_retry().
 */
bool gaon_room_takes(struct gaon_device *gdev, struct gaon_bo *bo)
{
	struct gaon_rooms *rooms = &gdev->rooms;
	struct gaon_room *room;

	if (READ_ONCE(rooms->owner) != current)
		return false;
	room = rooms->alone;
	if (turn_is_next(rooms, room->turn) && gaon_vm_bo_may_go(bo))
		return true;
	room->refused = true;
	return false;
}

/* --- how much ------------------------------------------------------------------------------- */

/** gaon_quota_create() - of a file that is being opened; NULL if there is no memory */
struct gaon_quota *gaon_quota_create(void)
{
	struct gaon_quota *quota = kzalloc_obj(*quota, GFP_KERNEL_ACCOUNT);

	if (quota)
		kref_init(&quota->ref);
	return quota;
}

static void quota_free(struct kref *ref)
{
	kfree(container_of(ref, struct gaon_quota, ref));
}

void gaon_quota_put(struct gaon_quota *quota)
{
	kref_put(&quota->ref, quota_free);
}

static u64 host_eighths(unsigned int eighths)
{
	return ((u64)totalram_pages() << PAGE_SHIFT) / 8 * eighths;
}

/** gaon_charge_host_limit() - bytes that all objects that may not be in HBM can have together */
u64 gaon_charge_host_limit(void)
{
	return host_eighths(ROOM_HOST);
}

static bool counts_as_visible(const struct gaon_device *gdev, u32 flags)
{
	return flags & DRM_GAON_BO_CPU && gdev->aperture_bytes < gdev->identify.hbm_bytes;
}

static bool count_up(atomic64_t *counter, u64 bytes, u64 limit)
{
	if ((u64)atomic64_add_return(bytes, counter) <= limit)
		return true;
	atomic64_sub(bytes, counter);
	return false;
}

/* What all files have. */
static bool device_charge(struct gaon_device *gdev, u64 bytes, u32 flags)
{
	if (!(flags & DRM_GAON_BO_HBM))
		return count_up(&gdev->rooms.host, bytes, host_eighths(ROOM_HOST));
	return count_up(&gdev->rooms.hbm, bytes, gaon_hbm_movable(gdev) + host_eighths(ROOM_MOVED));
}

static void device_uncharge(struct gaon_device *gdev, u64 bytes, u32 flags)
{
	atomic64_sub(bytes, flags & DRM_GAON_BO_HBM ? &gdev->rooms.hbm : &gdev->rooms.host);
}

/* What a file has. Objects that may also be in host memory count for nothing. */
static bool quota_charge(struct gaon_device *gdev, struct gaon_quota *quota, u64 bytes, u32 flags)
{
	if (flags & DRM_GAON_BO_HOST)
		return true;
	if (!count_up(&quota->hbm, bytes, gaon_hbm_movable(gdev)))
		return false;
	if (!counts_as_visible(gdev, flags) ||
	    count_up(&quota->visible, bytes, gdev->aperture_bytes))
		return true;
	atomic64_sub(bytes, &quota->hbm);
	return false;
}

static void quota_uncharge(struct gaon_device *gdev, struct gaon_quota *quota, u64 bytes,
			   u32 flags)
{
	if (flags & DRM_GAON_BO_HOST)
		return;
	atomic64_sub(bytes, &quota->hbm);
	if (counts_as_visible(gdev, flags))
		atomic64_sub(bytes, &quota->visible);
}

static bool charge_all(struct gaon_device *gdev, struct gaon_quota *quota, u64 bytes, u32 flags)
{
	if (!quota_charge(gdev, quota, bytes, flags))
		return false;
	if (device_charge(gdev, bytes, flags))
		return true;
	quota_uncharge(gdev, quota, bytes, flags);
	return false;
}

/**
 * gaon_charge() - count an object that is about to be allocated
 * @charge: zeroed; gaon_uncharge() follows when the object is freed, or could not be allocated
 * @gdev: the device
 * @quota: of the file that asks
 * @bytes: of the object
 * @flags: of &enum drm_gaon_bo_flags
 *
 * Without any lock held: objects that were freed while the device worked on them count until it is
 * done, so that is waited for, once.
 *
 * Return: 0, or -ENOMEM: with it the file, or all together, would have more than fits.
 */
int gaon_charge(struct gaon_charge *charge, struct gaon_device *gdev, struct gaon_quota *quota,
		u64 bytes, u32 flags)
{
	if (!charge_all(gdev, quota, bytes, flags)) {
		gaon_ttm_settle(gdev);
		if (!charge_all(gdev, quota, bytes, flags))
			return -ENOMEM;
	}
	kref_get(&quota->ref);
	*charge = (struct gaon_charge) {
		.gdev = gdev, .quota = quota, .bytes = bytes, .flags = flags,
	};
	return 0;
}

/** gaon_uncharge() - of an object that is freed, or could not be allocated; may be empty */
void gaon_uncharge(struct gaon_charge *charge)
{
	if (!charge->gdev)
		return;
	device_uncharge(charge->gdev, charge->bytes, charge->flags);
	quota_uncharge(charge->gdev, charge->quota, charge->bytes, charge->flags);
	gaon_quota_put(charge->quota);
	charge->gdev = NULL;
}
