/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_RESTORE_H_
#define _GAON_RESTORE_H_

struct gaon_vm;
struct work_struct;

/* With the VM's lock held. */
bool gaon_restore_suspend(struct gaon_vm *vm);
void gaon_restore_later(struct gaon_vm *vm, unsigned long delay);
void gaon_restore_in_turn(struct gaon_vm *vm, bool suspended);

bool gaon_restore_may_suspend(const struct gaon_vm *vm);
bool gaon_restore_is_stopped(const struct gaon_vm *vm);

void gaon_restore_work(struct work_struct *work);

#endif
