/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_SLEEP_H_
#define _GAON_SLEEP_H_

struct gaon_admin_restore;
struct gaon_device;
struct gaon_queue;
struct gaon_vm;

struct gaon_vm *gaon_vm_next(struct gaon_device *gdev, unsigned long *context);
int gaon_vm_sleep_all(struct gaon_device *gdev);
int gaon_vm_create_all(struct gaon_device *gdev);
void gaon_vm_wake_all(struct gaon_device *gdev);
void gaon_queues_hold(struct gaon_device *gdev);
void gaon_queues_release(struct gaon_device *gdev);
int gaon_queues_note(struct gaon_device *gdev);
int gaon_queue_create_again(struct gaon_queue *queue, const struct gaon_admin_restore *restore,
			    bool held);
int gaon_queues_create_all(struct gaon_device *gdev);

#endif
