// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Making room in the card's memory, when several do so at once, and how much may be asked for.
 *
 * Who needs room moves objects out whose reservations it can take. Two that hold theirs while they
 * look for more take each other's for lost and fail, though there is enough for either. So who has
 * failed tries again alone.
 *
 * What is moved out goes to host memory, which nobody's process answers for: the kernel would kill
 * everybody else first. So creating an object counts: with all others it fits into HBM and a part
 * of the host's memory, wherever objects are.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include <uapi/drm/gaon_accel.h>

#include "gaon_device.h"
#include "gaon_room.h"
#include "gaon_ttm.h"

/* Eighths of the host's memory. Moving one out before another comes in takes a bit more. */
#define ROOM_HOST	4	/* objects that are there for good */
#define ROOM_MOVED	3	/* objects that have no place in HBM */

/** gaon_rooms_init() - of a device that is being made */
void gaon_rooms_init(struct gaon_rooms *rooms)
{
	init_rwsem(&rooms->sem);
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
	*room = (struct gaon_room) { .gdev = gdev };
	return down_read_interruptible(&gdev->rooms.sem);
}

/**
 * gaon_room_retry() - whether to try again
 * @room: entered
 * @err: how the last try ended
 *
 * If there was no room: once more, and alone. Without any reservation held. Sleeps until all others
 * have left, whose waiting for fences has an end, or the caller is killed.
 */
bool gaon_room_retry(struct gaon_room *room, int err)
{
	struct gaon_rooms *rooms = &room->gdev->rooms;

	if (room->alone || (err != -ENOMEM && err != -ENOSPC))
		return false;
	up_read(&rooms->sem);
	if (down_write_killable(&rooms->sem)) {
		room->outside = true;
		return false;
	}
	room->alone = true;
	return true;
}

/** gaon_room_leave() - the reservations are given back */
void gaon_room_leave(struct gaon_room *room)
{
	struct gaon_rooms *rooms = &room->gdev->rooms;

	if (room->outside)
		return;
	if (room->alone)
		up_write(&rooms->sem);
	else
		up_read(&rooms->sem);
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
