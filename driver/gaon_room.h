/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_ROOM_H_
#define _GAON_ROOM_H_

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct gaon_bo;
struct gaon_device;
struct gaon_room;
struct gaon_vm;
struct task_struct;

/** struct gaon_rooms - of a device: how memory is made room for, and how much is promised */
struct gaon_rooms {
	/** @sem: for writing: nobody else makes room. Outside reservations. */
	struct rw_semaphore sem;
	/** @owner: who holds @sem for writing, or NULL; others only compare it with themselves. */
	struct task_struct *owner;
	/** @alone: what @owner does. */
	struct gaon_room *alone;
	/** @lock: protects @turns. Innermost. */
	spinlock_t lock;
	/**
	 * @turns: who waits until contexts that run may be suspended for it, the first one first
	 * (struct gaon_turn).
	 */
	struct list_head turns;
	/** @suspended: how often a context was suspended to make room. */
	atomic_t suspended;
	/** @moved: bytes of what LR VMs map that were moved out to make room. */
	atomic64_t moved;
	/** @hbm: bytes of the users' objects that may be in HBM, wherever they are. */
	atomic64_t hbm;
	/** @host: bytes of those that may not. */
	atomic64_t host;
};

/** struct gaon_turn - a place in struct gaon_rooms.turns */
struct gaon_turn {
	/** @node: empty while nobody waits. */
	struct list_head node;
};

/** struct gaon_room - one caller's try; on its stack */
struct gaon_room {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @alone: the only one that makes room. */
	bool alone;
	/** @outside: it was killed while it waited to be alone, and has left. */
	bool outside;
	/** @refused: the last try left contexts alone that may be suspended later. */
	bool refused;
	/** @turn: where it waits for that: @own, or a VM's, which waits by itself. */
	struct gaon_turn *turn;
	/** @own: of a call. */
	struct gaon_turn own;
	/** @end: of its patience, in jiffies. */
	unsigned long end;
};

/*
 * Around reservations under which memory of the card may be allocated:
 *
 *	err = gaon_room_enter(&room, gdev);
 *	if (err)
 *		return err;
 *	do {
 *		err = lock, allocate, unlock;
 *	} while (gaon_room_retry(&room, err));
 *	gaon_room_leave(&room);
 */
int gaon_room_enter(struct gaon_room *room, struct gaon_device *gdev);
int gaon_room_enter_vm(struct gaon_room *room, struct gaon_vm *vm);
bool gaon_room_retry(struct gaon_room *room, int err);
void gaon_room_leave(struct gaon_room *room);

bool gaon_room_takes(struct gaon_device *gdev, struct gaon_bo *bo);

bool gaon_turn_waits_for_others(struct gaon_device *gdev, struct gaon_turn *turn);
void gaon_turn_leave(struct gaon_device *gdev, struct gaon_turn *turn);

void gaon_rooms_init(struct gaon_rooms *rooms);

/**
 * struct gaon_quota - what a file has in memory of the card that nothing else can stand in for
 *
 * Files together may have more than there is: their objects take turns in it. One alone may not.
 * References: the file, and each charge.
 */
struct gaon_quota {
	/** @ref: references. */
	struct kref ref;
	/** @hbm: bytes of objects that are to be in HBM and nowhere else. */
	atomic64_t hbm;
	/** @visible: of these, what must be in the part that the aperture shows. */
	atomic64_t visible;
};

/** struct gaon_charge - what an object counts; empty if @gdev is NULL */
struct gaon_charge {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @quota: of the file that created it, with a reference. */
	struct gaon_quota *quota;
	/** @bytes: of the object. */
	u64 bytes;
	/** @flags: of &enum drm_gaon_bo_flags. */
	u32 flags;
};

struct gaon_quota *gaon_quota_create(void);
void gaon_quota_put(struct gaon_quota *quota);

u64 gaon_charge_host_limit(void);
int gaon_charge(struct gaon_charge *charge, struct gaon_device *gdev, struct gaon_quota *quota,
		u64 bytes, u32 flags);
void gaon_uncharge(struct gaon_charge *charge);

#endif
