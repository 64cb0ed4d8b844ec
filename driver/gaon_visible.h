/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_VISIBLE_H_
#define _GAON_VISIBLE_H_

#include <linux/types.h>

/* What nobody but the tests (tests/) knows of outside of its file; see there. */
#if IS_ENABLED(CONFIG_KUNIT)
struct firmware;
struct gaon_device;
struct gaon_identify;
struct gaon_job;
struct gaon_kq;
struct gaon_vm;

/* gaon_event.c */
int gaon_events_alloc(struct gaon_device *gdev);

/* gaon_fw.c */
int gaon_fw_check(struct gaon_device *gdev, const struct firmware *fw, const char *name);
int gaon_fw_identify_check(struct gaon_device *gdev, struct gaon_identify *id);

/* gaon_sched.c */
void gaon_kq_take_job(struct gaon_kq *kq, struct gaon_job *job, bool there);

/* gaon_vm.c */
int gaon_vm_init(struct gaon_vm *vm);
int gaon_vm_take_numbers(struct gaon_vm *vm);
void gaon_vm_put_numbers(struct gaon_vm *vm);
#endif

#endif
