/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_POWER_H_
#define _GAON_POWER_H_

#include <linux/mm_types.h>
#include <linux/notifier.h>
#include <linux/pm.h>
#include <linux/srcu.h>
#include <linux/wait.h>

struct gaon_device;
struct gaon_image;

/**
 * struct gaon_gate - where processes are held up while the machine goes to sleep
 *
 * Who is inside is waited for, so nobody enters it twice.
 */
struct gaon_gate {
	/** @srcu: read side while inside. */
	struct srcu_struct srcu;
	/** @closed: nobody enters. */
	bool closed;
	/** @wait: woken when it opens. */
	wait_queue_head_t wait;
};

/** struct gaon_power - of a device */
struct gaon_power {
	/** @calls: around calls of the driver's own. */
	struct gaon_gate calls;
	/** @faults: around page faults of the card's mappings, which also come inside @calls. */
	struct gaon_gate faults;
	/** @notifier: hears that the machine is going to sleep, and that it is awake again. */
	struct notifier_block notifier;
	/**
	 * @prepared: contexts are stopped and HBM is saved. Like what is below only used by who
	 * the kernel's sleep, of which there is one at a time, calls.
	 */
	bool prepared;
	/** @lost: since then the chip was reset. */
	bool lost;
	/** @image: of HBM; NULL if there is nothing in it. */
	struct gaon_image *image;
};

int gaon_power_init(struct gaon_device *gdev);
void gaon_power_start(struct gaon_device *gdev);
void gaon_power_stop(struct gaon_device *gdev);

int gaon_power_enter(struct gaon_device *gdev, int *idx);
void gaon_power_enter_always(struct gaon_device *gdev, int *idx);
bool gaon_power_try_enter(struct gaon_device *gdev, int *idx);
void gaon_power_exit(struct gaon_device *gdev, int idx);
void gaon_power_try_exit(struct gaon_device *gdev, int idx);
int gaon_power_get(struct gaon_device *gdev);
void gaon_power_keep(struct gaon_device *gdev);
void gaon_power_put(struct gaon_device *gdev);
vm_fault_t gaon_power_fault_enter(struct gaon_device *gdev, struct vm_fault *vmf, int *idx);
void gaon_power_fault_exit(struct gaon_device *gdev, int idx);

extern const struct dev_pm_ops gaon_power_ops;

/* gaon_image.c */
struct gaon_image *gaon_image_save(struct gaon_device *gdev);
int gaon_image_load(struct gaon_device *gdev, struct gaon_image *image);
void gaon_image_free(struct gaon_device *gdev, struct gaon_image *image);

#endif
