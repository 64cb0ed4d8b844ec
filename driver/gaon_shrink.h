/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_SHRINK_H_
#define _GAON_SHRINK_H_

#include <linux/types.h>

struct gaon_device;
struct gaon_tt;
struct seq_file;

int gaon_shrink_init(struct gaon_device *gdev);
void gaon_shrink_stop(struct gaon_device *gdev);
void gaon_shrink_settle(struct gaon_device *gdev);
int gaon_shrink_by_hand(struct gaon_device *gdev, u64 bytes);
void gaon_shrink_show(struct gaon_device *gdev, struct seq_file *file);

/* gaon_pages.c: with the object's reservation held. */
void gaon_shrink_count(struct gaon_tt *gtt, long pages);
void gaon_shrink_came_back(struct gaon_tt *gtt, u32 pages, bool all);

#endif
