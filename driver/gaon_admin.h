/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_ADMIN_H_
#define _GAON_ADMIN_H_

#include <linux/completion.h>

#include <hw/gaon_admin.h>

struct gaon_device;

/**
 * struct gaon_admin_req - a command on its way
 *
 * The caller's, and may be on its stack: it is the driver's from gaon_admin_submit() until
 * gaon_admin_wait() returns. Fill @cmd (but not its cookie); the rest is set by submit.
 */
struct gaon_admin_req {
	/** @cmd: what is asked. */
	struct gaon_admin_cmd cmd;
	/** @reply: the answer; valid when gaon_admin_wait() returned 0 or a status' error. */
	struct gaon_admin_reply reply;
	/** @done: completed when @reply is there, or the device was given up. */
	struct completion done;
	/** @err: 0, or why there is no reply. */
	int err;
	/** @slot: internal. */
	unsigned int slot;
};

/**
 * enum gaon_admin_flags - how a command is submitted
 */
enum gaon_admin_flags {
	/**
	 * @GAON_ADMIN_RECLAIM: from a path that memory reclaim may wait for (a notifier, eviction):
	 * may use the slots that are kept for those, so that it never waits for other commands.
	 */
	GAON_ADMIN_RECLAIM = 1 << 0,
};

int gaon_admin_init(struct gaon_device *gdev);
void gaon_admin_start(struct gaon_device *gdev);
void gaon_admin_stop(struct gaon_device *gdev);
void gaon_admin_irq(struct gaon_device *gdev);
int gaon_admin_check(struct gaon_device *gdev);
void gaon_admin_hold(struct gaon_device *gdev);
void gaon_admin_release(struct gaon_device *gdev);

int gaon_admin_submit(struct gaon_device *gdev, struct gaon_admin_req *req, unsigned int flags);
int gaon_admin_wait(struct gaon_device *gdev, struct gaon_admin_req *req);
int gaon_admin_exec(struct gaon_device *gdev, struct gaon_admin_req *req, unsigned int flags);
int gaon_admin_id(struct gaon_device *gdev, u16 opcode, u32 id, u32 value, unsigned int flags);

#endif
