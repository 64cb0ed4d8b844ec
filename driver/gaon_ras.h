/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_RAS_H_
#define _GAON_RAS_H_

struct gaon_device;
struct gaon_event;
struct seq_file;

int gaon_ras_init(struct gaon_device *gdev);
int gaon_ras_start(struct gaon_device *gdev);
void gaon_ras_register(struct gaon_device *gdev);
void gaon_ras_stop(struct gaon_device *gdev);

void gaon_ras_event(struct gaon_device *gdev, const struct gaon_event *event);
void gaon_ras_events_lost(struct gaon_device *gdev);
int gaon_ras_show(struct gaon_device *gdev, struct seq_file *file);

/* gaon_inject.c */
void gaon_inject_init(struct gaon_device *gdev);

#endif
