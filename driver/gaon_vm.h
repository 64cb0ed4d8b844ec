/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_VM_H_
#define _GAON_VM_H_

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/iosys-map.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm.h>
#include <drm/drm_mm.h>

#include "gaon_pt.h"
#include "gaon_room.h"

struct drm_exec;
struct drm_file;
struct gaon_bo;
struct gaon_device;
struct gaon_file;
struct gaon_userptr;

/** enum gaon_vm_state - bits of &struct gaon_vm.state, set once and never cleared */
enum gaon_vm_state {
	/** @GAON_VM_STATE_UNUSABLE: an asynchronous bind failed. */
	GAON_VM_STATE_UNUSABLE,
	/** @GAON_VM_STATE_LOST: a reset took its context away. */
	GAON_VM_STATE_LOST,
	/** @GAON_VM_STATE_CLOSED: VM_DESTROY, or its file is closed: takes no queue. */
	GAON_VM_STATE_CLOSED,
};

/**
 * struct gaon_vm - an address space, which is a hardware context
 *
 * References: the file's handle, each queue, each job, each call under way. The context is
 * destroyed on the device, and its ASID given back, when the last one goes; so a holder of a
 * reference may send commands on the context and trust that its number is no other's.
 */
struct gaon_vm {
	/** @base: mappings; its reference count and its reservation are the VM's. */
	struct drm_gpuvm base;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @context: number of the hardware context. Constant. */
	u32 context;
	/** @asid: of the hardware; nobody else's until the context is destroyed. Constant. */
	u16 asid;
	/** @lr: for user-mode queues; else for kernel-owned ones. Constant. */
	bool lr;
	/** @handle: that the file knows it by. Constant. */
	u32 handle;
	/** @client: drm_file.client_id of its creator. Constant. */
	u64 client;
	/** @state: bits of &enum gaon_vm_state. */
	unsigned long state;
	/**
	 * @lock: serialises changes of mappings, synchronous and asynchronous, and so protects @pt,
	 * @kernel_va and the interval tree of @base. Inside reservations; signalling of fences and
	 * notifiers wait for it, so nothing is allocated under it.
	 */
	struct mutex lock;
	/** @pt: page tables. */
	struct gaon_pt pt;
	/** @kernel_va: the upper half. */
	struct drm_mm kernel_va;
	/**
	 * @bind_wq: ordered: asynchronous binds. NULL before the first: it comes with a thread of
	 * the kernel, and most address spaces never need it. Set once, under @bind_lock.
	 */
	struct workqueue_struct *bind_wq;
	/** @bind_lock: keeps jobs in @bind_wq in the order of their fences. */
	struct mutex bind_lock;
	/** @bind_context: of their fences. Constant. */
	u64 bind_context;
	/** @bind_seqno: of the last one; protected by @bind_lock. */
	u64 bind_seqno;
	/** @userptrs: all &struct gaon_userptr of it; protected by @lock. */
	struct list_head userptrs;
	/** @restore_work: brings back the memory that was taken from an LR VM (gaon_restore.c). */
	struct delayed_work restore_work;
	/** @missing: memory was taken, and the work has not brought it back; protected by @lock. */
	bool missing;
	/** @suspended: the context is, until @restore_work has run; protected by @lock. */
	bool suspended;
	/** @runs_until: in jiffies: till then nobody suspends it for room; written with @lock. */
	unsigned long runs_until;
	/** @put_work: of gaon_vm_put_later(). */
	struct work_struct put_work;
	/** @turn: among those for whom room is to be made. */
	struct gaon_turn turn;
	/** @asleep: stopped since the machine goes to sleep; protected by @lock. */
	bool asleep;
	/** @print_va: of the print ring, or 0. Constant. */
	u64 print_va;
	/** @exec_fences: of gaon_vm_prepare(); protected by the reservation of @base. */
	unsigned int exec_fences;
	/** @queues: queues that exist; raised by gaon_vm_add_queue(). */
	atomic_t queues;
	/**
	 * @untold: queues with a fault that nobody has acknowledged; WAIT ends for them. Kept by
	 * gaon_fault.c.
	 */
	atomic_t untold;
};

static inline struct gaon_vm *to_gaon_vm(struct drm_gpuvm *base)
{
	return container_of(base, struct gaon_vm, base);
}

static inline struct gaon_vm *gaon_vm_get(struct gaon_vm *vm)
{
	return to_gaon_vm(drm_gpuvm_get(&vm->base));
}

static inline void gaon_vm_put(struct gaon_vm *vm)
{
	if (vm)
		drm_gpuvm_put(&vm->base);
}

/* In the path of reclaim: if it is the last one, a work drops it. */
void gaon_vm_put_later(struct gaon_vm *vm);

/* By handle, with a reference; NULL if there is none. */
struct gaon_vm *gaon_vm_lookup(struct gaon_file *gfile, u32 handle);

/*
 * For QUEUE_CREATE: 0, -EBUSY if it is being destroyed, -ECANCELED if it is unusable or lost. While
 * queues are there VM_DESTROY is refused. gaon_vm_del_queue() follows when the firmware has
 * acknowledged QUEUE_DESTROY; the reference of the VM is the queue's own business.
 */
int gaon_vm_add_queue(struct gaon_vm *vm);
void gaon_vm_del_queue(struct gaon_vm *vm);

/* Is [va, va + bytes) in the user's half? Nothing is said about what is mapped there. */
bool gaon_vm_user_range(u64 va, u64 bytes);

/*
 * For SUBMIT. Inside drm_exec_until_all_locked(), of a drm_exec that ignores duplicates,
 * gaon_vm_prepare() locks the reservations of the VM and of all shared objects that it maps, with
 * room for @fences (at least 1) more each, then brings back and maps again what was evicted. It may
 * sleep and allocate, and comes before any job is armed. gaon_vm_add_fence() then makes eviction
 * wait for @fence. None of it for an LR VM: there the memory manager itself suspends and resumes
 * the context.
 */
int gaon_vm_prepare(struct gaon_vm *vm, struct drm_exec *exec, unsigned int fences);
void gaon_vm_add_fence(struct gaon_vm *vm, struct drm_exec *exec, struct dma_fence *fence);

/** struct gaon_vma - a mapping */
struct gaon_vma {
	/** @base: in the tree of the VM and in the list of the object. */
	struct drm_gpuva base;
	/** @prot: GAON_PTE_*; 0: of no memory. */
	u64 prot;
	/** @dead: no longer in the tree; protected by the VM's lock. */
	bool dead;
	/** @gone: in the list of what an operation took out. */
	struct list_head gone;
	/** @userptr: the process' memory that it maps, with a reference; or NULL. */
	struct gaon_userptr *userptr;
	/** @userptr_link: in the list of @userptr. */
	struct list_head userptr_link;
};

static inline struct gaon_vma *to_gaon_vma(struct drm_gpuva *base)
{
	return container_of(base, struct gaon_vma, base);
}

/*
 * The memory side. Takes an object out of all VMs that map it, with the TLB invalidated; its
 * reservation is held and no job uses it.
 */
void gaon_vm_evict_bo(struct gaon_bo *bo, bool room);
bool gaon_vm_bo_may_go(struct gaon_bo *bo);
bool gaon_vm_bo_is_stopped(struct gaon_bo *bo);

/* Sets LOST on every VM; before the device is started again after a reset. */
void gaon_vm_lose_all(struct gaon_device *gdev);
/* Ends the binds that wait and frees the page tables of all VMs, before the driver is unbound. */
void gaon_vm_unplug(struct gaon_device *gdev);
/* The file is being closed; its queues are gone. */
void gaon_vm_close_file(struct gaon_file *gfile);
/* gaon_bind.c: takes out everything that users mapped, and what comes late. The VM is CLOSED. */
void gaon_bind_clear(struct gaon_vm *vm);
extern const struct drm_gpuvm_ops gaon_bind_gpuvm_ops;
void gaon_vm_free(struct drm_gpuvm *base);
/* Creates the context on the device: 0, -EBUSY, -EIO, -ENODEV. */
int gaon_vm_create_context(struct gaon_vm *vm);

/**
 * struct gaon_kbuf - memory of the driver in the upper half of a VM
 *
 * For rings, state blocks, completion values and save areas: out of reach of what users name.
 * Pinned and mapped as long as it lives; it holds no reference of the VM: the owner does.
 */
struct gaon_kbuf {
	/** @va: device address. */
	u64 va;
	/** @bytes: of it. */
	u64 bytes;
	/** @cpu: where the driver sees it, for GAON_KBUF_HOST; else NULL. Zeroed. */
	void *cpu;
	/** @bo: its memory. */
	struct gaon_bo *bo;
	/* private: */
	struct drm_mm_node node;
	struct iosys_map map;
};

/** enum gaon_kbuf_kind - where it is */
enum gaon_kbuf_kind {
	/** @GAON_KBUF_HOST: host memory, coherent, that driver and device share. */
	GAON_KBUF_HOST,
	/** @GAON_KBUF_DEVICE: the device's alone, in HBM. Not cleared. */
	GAON_KBUF_DEVICE,
	/** @GAON_KBUF_SEEN: in HBM, cleared; the driver reaches it by gaon_bo_access_hbm(). */
	GAON_KBUF_SEEN,
};

/* Sleep, allocate and take the VM's lock. 0, -ENOMEM, -ENOSPC. */
int gaon_kbuf_create(struct gaon_vm *vm, u64 bytes, enum gaon_kbuf_kind kind,
		     struct gaon_kbuf *kbuf);
/* The device no longer uses it. When it returns it is unmapped and invalidated. */
void gaon_kbuf_destroy(struct gaon_vm *vm, struct gaon_kbuf *kbuf);

int gaon_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);
int gaon_ioctl_vm_state(struct drm_device *drm, void *data, struct drm_file *file);

#endif
