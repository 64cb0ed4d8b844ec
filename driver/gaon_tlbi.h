/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_TLBI_H_
#define _GAON_TLBI_H_

#include <linux/types.h>

struct gaon_device;

int gaon_tlbi_init(struct gaon_device *gdev);
void gaon_tlbi_complete(struct gaon_device *gdev);
void gaon_tlbi_start(struct gaon_device *gdev);
void gaon_tlbi_hold(struct gaon_device *gdev);
void gaon_tlbi_release(struct gaon_device *gdev);

u64 gaon_tlbi_send(struct gaon_device *gdev, u16 asid, u64 va, u64 bytes);
void gaon_tlbi_wait(struct gaon_device *gdev, u64 seq);

/* Invalidate and wait; @bytes 0: the whole ASID. */
static inline void gaon_tlbi_range(struct gaon_device *gdev, u16 asid, u64 va, u64 bytes)
{
	gaon_tlbi_wait(gdev, gaon_tlbi_send(gdev, asid, va, bytes));
}

#endif
