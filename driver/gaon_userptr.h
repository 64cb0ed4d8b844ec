/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_USERPTR_H_
#define _GAON_USERPTR_H_

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/types.h>

struct gaon_pt_reserve;
struct gaon_userptr_dma;
struct gaon_vm;
struct gaon_vma;

/**
 * struct gaon_userptr - memory of a process in an LR VM
 *
 * References: the operation that maps it, and each mapping (one that is cut in two shares it).
 */
struct gaon_userptr {
	/** @notifier: hears of changes of the process' memory. */
	struct mmu_interval_notifier notifier;
	/** @ref: references. */
	struct kref ref;
	/** @vm: whose; the holder of a reference keeps it alive. */
	struct gaon_vm *vm;
	/** @va: device address of the first page. */
	u64 va;
	/** @addr: the process' address of it. */
	u64 addr;
	/** @size: bytes. */
	u64 size;
	/** @write: the device may write. */
	bool write;
	/** @dma: its pages, mapped for DMA, or NULL; protected by the VM's lock. */
	struct gaon_userptr_dma *dma;
	/** @spent: what @dma was, to be freed; protected by the VM's lock. */
	struct gaon_userptr_dma *spent;
	/** @seq: of the notifier when the pages were looked for. Changed by who pins. */
	unsigned long seq;
	/** @valid: the tables have @dma. Protected by the VM's lock. */
	bool valid;
	/** @gone: no such memory until the process changes it; protected by the VM's lock. */
	bool gone;
	/** @vmas: its mappings; protected by the VM's lock. */
	struct list_head vmas;
	/** @link: in the VM's list; protected by the VM's lock. */
	struct list_head link;
};

struct gaon_userptr *gaon_userptr_create(struct gaon_vm *vm, u64 va, u64 addr, u64 size,
					 bool write);
struct gaon_userptr *gaon_userptr_get(struct gaon_userptr *userptr);
void gaon_userptr_put(struct gaon_userptr *userptr);

/* Maps for DMA what the process has there now. 0, -EFAULT, -EOPNOTSUPP, -ENOMEM, -EBUSY. */
int gaon_userptr_pin(struct gaon_userptr *userptr);
int gaon_userptr_reserve(struct gaon_userptr *userptr, struct gaon_pt_reserve *reserve);

/* With the VM's lock held: a mapping comes, or goes. */
int gaon_userptr_map(struct gaon_userptr *userptr, struct gaon_vma *vma,
		     struct gaon_pt_reserve *reserve);
void gaon_userptr_add(struct gaon_userptr *userptr, struct gaon_vma *vma);
void gaon_userptr_del(struct gaon_vma *vma);

/* The device reaches nothing any more, and nobody is between drm_dev_enter() and drm_dev_exit(). */
void gaon_userptr_unplug(struct gaon_vm *vm);

/* Brings back what was invalidated. */
void gaon_userptr_bring_back_all(struct gaon_vm *vm);
bool gaon_userptr_any_invalid(struct gaon_vm *vm);

#endif
