/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_PT_H_
#define _GAON_PT_H_

#include <linux/types.h>

#include <hw/gaon_dump.h>
#include <hw/gaon_pte.h>

struct gaon_device;
struct gaon_pt_table;

/**
 * struct gaon_pt - Sv48 tables of one address space, in host memory
 *
 * The caller serialises all use of one. Nothing here invalidates the TLB: what a change took away
 * is in @dead until gaon_pt_reap(), before which the caller has invalidated.
 */
struct gaon_pt {
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @root: table of level 3. */
	struct gaon_pt_table *root;
	/** @dead: tables that were taken out, linked. */
	struct gaon_pt_table *dead;
	/** @tables: that exist, those in @dead included. */
	unsigned long tables;
	/** @leaves: leaves per level. */
	unsigned long leaves[3];
	/** @stale: a present entry was changed since gaon_pt_reap(). */
	bool stale;
};

/** struct gaon_pt_reserve - tables allocated beforehand, for changes that may not allocate */
struct gaon_pt_reserve {
	/** @low: fit for level 0, linked. */
	struct gaon_pt_table *low;
	/** @high: fit for any level, linked. */
	struct gaon_pt_table *high;
};

int gaon_pt_init(struct gaon_pt *pt, struct gaon_device *gdev);
void gaon_pt_fini(struct gaon_pt *pt);
u64 gaon_pt_root(const struct gaon_pt *pt);
void gaon_pt_walk(const struct gaon_pt *pt, u64 va, struct gaon_dump_walk *walk);

/** struct gaon_pt_count - tables that mapping needs; zeroed, then fed with ascending runs */
struct gaon_pt_count {
	/** @low: of level 0 so far. */
	unsigned long low;
	/** @high: of other levels so far. */
	unsigned long high;
	/** @last: per level, which table was counted last, plus 1. */
	u64 last[3];
};

void gaon_pt_count_run(struct gaon_pt_count *count, u64 va, u64 pa, u64 bytes);
int gaon_pt_reserve(struct gaon_pt *pt, struct gaon_pt_reserve *reserve,
		    const struct gaon_pt_count *count);
void gaon_pt_unreserve(struct gaon_pt *pt, struct gaon_pt_reserve *reserve);

int gaon_pt_map(struct gaon_pt *pt, u64 va, u64 pa, u64 bytes, u64 prot,
		struct gaon_pt_reserve *reserve);
int gaon_pt_unmap(struct gaon_pt *pt, u64 va, u64 bytes, struct gaon_pt_reserve *reserve);
void gaon_pt_reap(struct gaon_pt *pt);

#endif
