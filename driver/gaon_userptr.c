// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The caller's own memory in LR VMs, not pinned: the device follows what the process does to it.
 *
 * When pages are about to be taken away the context is suspended (bounded by preempt_ms), its
 * entries are cleared and invalidated, and only then may the pages go. A work then looks what is
 * there now, maps that, and resumes the context. The notifier takes the VM's lock, under which
 * nothing is allocated, and sends its command through slots that are kept for such paths, so that
 * reclaim never waits for anything that waits for reclaim.
 */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "gaon_device.h"
#include "gaon_pt.h"
#include "gaon_restore.h"
#include "gaon_tlbi.h"
#include "gaon_userptr.h"
#include "gaon_userptr_dma.h"
#include "gaon_vm.h"

#define USERPTR_TRIES	16	/* of pinning what somebody else changes all the time */
#define USERPTR_PASS	64	/* that one run of the work brings back */
#define USERPTR_BUSY	4	/* of these that may have changed again meanwhile */

static unsigned long userptr_pages(const struct gaon_userptr *userptr)
{
	return PFN_DOWN(userptr->size);
}

/* --- pages ---------------------------------------------------------------------------------- */

/* The device uses it no more. Nothing is freed under the VM's lock: that comes later. */
static void userptr_unmap_dma(struct gaon_userptr *userptr)
{
	lockdep_assert_held(&userptr->vm->lock);
	if (!userptr->dma)
		return;
	gaon_userptr_dma_unmap(userptr->dma);
	userptr->spent = userptr->dma;
	userptr->dma = NULL;
}

/* What hmm_range_fault() has no word for: memory that is no pages. */
static bool userptr_is_special(struct mm_struct *mm, u64 addr, u64 size)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start < addr + size && vma->vm_flags & (VM_IO | VM_PFNMAP);
}

static int userptr_fault(struct gaon_userptr *userptr, unsigned long *pfns)
{
	struct mm_struct *mm = userptr->notifier.mm;
	struct hmm_range range = {
		.notifier = &userptr->notifier,
		.start = userptr->addr,
		.end = userptr->addr + userptr->size,
		.hmm_pfns = pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (userptr->write ? HMM_PFN_REQ_WRITE : 0),
	};
	int err, tries;

	for (tries = 0; tries < USERPTR_TRIES; tries++) {
		range.notifier_seq = mmu_interval_read_begin(&userptr->notifier);
		mmap_read_lock(mm);
		err = hmm_range_fault(&range);
		if (err == -EFAULT && userptr_is_special(mm, userptr->addr, userptr->size))
			err = -EOPNOTSUPP;
		else if (err == -EPERM)
			err = -EFAULT;
		mmap_read_unlock(mm);
		if (err != -EBUSY)
			break;
	}
	userptr->seq = range.notifier_seq;
	return err;
}

static struct gaon_userptr_dma *userptr_map_dma(struct gaon_userptr *userptr,
						const unsigned long *pfns)
{
	unsigned long count = userptr_pages(userptr), i;
	struct gaon_userptr_dma *dma;
	struct page **pages;

	pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++)
		pages[i] = hmm_pfn_to_page(pfns[i]);
	dma = gaon_userptr_dma_map(userptr->vm->gdev->drm.dev, pages, count, userptr->addr,
				   userptr->write);
	kvfree(pages);
	return dma;
}

/* From here on the notifier unmaps it; if something has changed already it is not wanted. */
static int userptr_publish(struct gaon_userptr *userptr, struct gaon_userptr_dma *dma)
{
	struct gaon_userptr_dma *old = dma;
	int err = -EBUSY;

	scoped_guard(mutex, &userptr->vm->lock) {
		if (!mmu_interval_read_retry(&userptr->notifier, userptr->seq)) {
			userptr_unmap_dma(userptr);
			old = userptr->spent;
			userptr->spent = NULL;
			userptr->dma = dma;
			err = 0;
		}
	}
	if (err)
		gaon_userptr_dma_unmap(dma);
	gaon_userptr_dma_free(old);
	return err;
}

/**
 * gaon_userptr_pin() - look what the process has there, and map it for DMA
 * @userptr: of which the tables have nothing
 *
 * Sleeps, allocates and faults pages in; between drm_dev_enter() and drm_dev_exit(). What it found
 * may have changed again when it is used: gaon_userptr_map() looks.
 *
 * Return: 0, -EFAULT: not all of it is memory, or not writable; -EOPNOTSUPP: memory that devices
 * cannot use; -ENOMEM; -EBUSY: it changes all the time.
 */
int gaon_userptr_pin(struct gaon_userptr *userptr)
{
	struct gaon_userptr_dma *dma;
	unsigned long *pfns;
	int err;

	/* Whatever fails below is told of what was there from now on. */
	userptr->seq = mmu_interval_read_begin(&userptr->notifier);
	if (!mmget_not_zero(userptr->notifier.mm))
		return -EFAULT;
	pfns = kvcalloc(userptr_pages(userptr), sizeof(*pfns), GFP_KERNEL | __GFP_NOWARN);
	err = pfns ? userptr_fault(userptr, pfns) : -ENOMEM;
	if (!err) {
		dma = userptr_map_dma(userptr, pfns);
		err = IS_ERR(dma) ? PTR_ERR(dma) : userptr_publish(userptr, dma);
	}
	kvfree(pfns);
	mmput(userptr->notifier.mm);
	return err;
}

static void userptr_count(const struct gaon_userptr *userptr, u64 va, u64 size,
			  struct gaon_pt_count *count)
{
	dma_addr_t addr;
	u64 run;

	for (; size; va += run, size -= run) {
		run = min(size, gaon_userptr_dma_run(userptr->dma, va - userptr->va, &addr));
		gaon_pt_count_run(count, va, GAON_PA_HOST | addr, run);
	}
}

/**
 * gaon_userptr_reserve() - allocate the tables that mapping all of it takes
 * @userptr: that gaon_userptr_pin() was called for
 * @reserve: zeroed
 *
 * None but the spare ones if it has changed since: then gaon_userptr_map() writes nothing.
 */
int gaon_userptr_reserve(struct gaon_userptr *userptr, struct gaon_pt_reserve *reserve)
{
	struct gaon_pt_count count = {};

	scoped_guard(mutex, &userptr->vm->lock) {
		if (userptr->dma)
			userptr_count(userptr, userptr->va, userptr->size, &count);
	}
	return gaon_pt_reserve(&userptr->vm->pt, reserve, &count);
}

/* --- mappings ------------------------------------------------------------------------------- */

/** gaon_userptr_add() - a mapping of it comes; with the VM's lock held */
void gaon_userptr_add(struct gaon_userptr *userptr, struct gaon_vma *vma)
{
	lockdep_assert_held(&userptr->vm->lock);
	vma->userptr = gaon_userptr_get(userptr);
	list_add_tail(&vma->userptr_link, &userptr->vmas);
}

/** gaon_userptr_del() - it goes; with the VM's lock held. The reference stays the mapping's. */
void gaon_userptr_del(struct gaon_vma *vma)
{
	lockdep_assert_held(&vma->userptr->vm->lock);
	list_del_init(&vma->userptr_link);
}

static int userptr_map_vma(struct gaon_userptr *userptr, struct gaon_vma *vma,
			   struct gaon_pt_reserve *reserve)
{
	u64 va = vma->base.va.addr, size = vma->base.va.range, run;
	dma_addr_t addr;
	int err = 0;

	for (; size && !err; va += run, size -= run) {
		run = min(size, gaon_userptr_dma_run(userptr->dma, va - userptr->va, &addr));
		err = gaon_pt_map(&userptr->vm->pt, va, GAON_PA_HOST | addr, run, vma->prot,
				  reserve);
	}
	return err;
}

/**
 * gaon_userptr_map() - write the entries of a new mapping
 * @userptr: pinned
 * @vma: that gaon_userptr_add() added
 * @reserve: of gaon_userptr_reserve()
 *
 * If the process has changed its memory meanwhile nothing is mapped there, the context is
 * suspended, and a work brings it later. What was mapped before is gone either way.
 * With the VM's lock held.
 */
int gaon_userptr_map(struct gaon_userptr *userptr, struct gaon_vma *vma,
		     struct gaon_pt_reserve *reserve)
{
	struct gaon_vm *vm = userptr->vm;

	lockdep_assert_held(&vm->lock);
	if (!userptr->dma || mmu_interval_read_retry(&userptr->notifier, userptr->seq)) {
		gaon_restore_suspend(vm);
		gaon_restore_later(vm, 0);
		return gaon_pt_unmap(&vm->pt, vma->base.va.addr, vma->base.va.range, reserve);
	}
	userptr->valid = true;
	return userptr_map_vma(userptr, vma, reserve);
}

/* --- invalidation --------------------------------------------------------------------------- */

static void userptr_zap(struct gaon_userptr *userptr)
{
	struct gaon_vm *vm = userptr->vm;
	struct gaon_pt_reserve none = {};
	struct gaon_vma *vma;
	int idx;

	if (!userptr->valid || !vm->pt.root)
		return;
	userptr->valid = false;
	/* Between its last mapping and its end nothing is taken away, and nobody would resume. */
	if (list_empty(&userptr->vmas))
		return;
	if (!drm_dev_enter(&vm->gdev->drm, &idx))
		return;		/* the card reaches nothing any more */
	gaon_restore_suspend(vm);
	list_for_each_entry(vma, &userptr->vmas, userptr_link)
		gaon_pt_unmap(&vm->pt, vma->base.va.addr, vma->base.va.range, &none);
	gaon_tlbi_range(vm->gdev, vm->asid, userptr->va, userptr->size);
	gaon_pt_reap(&vm->pt);
	drm_dev_exit(idx);
}

static bool userptr_invalidate(struct mmu_interval_notifier *notifier,
			       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct gaon_userptr *userptr = container_of(notifier, struct gaon_userptr, notifier);
	struct gaon_vm *vm = userptr->vm;

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&vm->lock);
	mmu_interval_set_seq(notifier, seq);
	userptr->gone = false;	/* it may have come back, or become writable again */
	userptr_zap(userptr);
	userptr_unmap_dma(userptr);
	if (!list_empty(&userptr->vmas))
		gaon_restore_later(vm, 0);
	mutex_unlock(&vm->lock);
	return true;
}

static const struct mmu_interval_notifier_ops userptr_ops = {
	.invalidate = userptr_invalidate,
};

/* --- bringing back -------------------------------------------------------------------------- */

static bool userptr_is_invalid(const struct gaon_userptr *userptr)
{
	return !list_empty(&userptr->vmas) && !userptr->valid && !userptr->gone;
}

/* One that has mappings and is not valid; with a reference. */
static struct gaon_userptr *userptr_next_invalid(struct gaon_vm *vm)
{
	struct gaon_userptr *userptr;

	lockdep_assert_held(&vm->lock);
	if (test_bit(GAON_VM_STATE_CLOSED, &vm->state))
		return NULL;
	list_for_each_entry(userptr, &vm->userptrs, link) {
		if (userptr_is_invalid(userptr))
			return gaon_userptr_get(userptr);
	}
	return NULL;
}

/** gaon_userptr_any_invalid() - whether something is to be brought back; with the VM's lock held */
bool gaon_userptr_any_invalid(struct gaon_vm *vm)
{
	struct gaon_userptr *userptr;

	lockdep_assert_held(&vm->lock);
	if (test_bit(GAON_VM_STATE_CLOSED, &vm->state) || !vm->pt.root)
		return false;
	list_for_each_entry(userptr, &vm->userptrs, link) {
		if (userptr_is_invalid(userptr))
			return true;
	}
	return false;
}

/* What its mappings take, however they were cut. */
static void userptr_count_vmas(const struct gaon_userptr *userptr, struct gaon_pt_count *count)
{
	struct gaon_vma *vma;

	*count = (struct gaon_pt_count) {};
	list_for_each_entry(vma, &userptr->vmas, userptr_link) {
		/* In no order: a table may be counted twice. */
		memset(count->last, 0, sizeof(count->last));
		userptr_count(userptr, vma->base.va.addr, vma->base.va.range, count);
	}
}

/* With the VM's lock held, which it gives up to allocate. */
static int userptr_remap(struct gaon_userptr *userptr, struct gaon_pt_reserve *reserve)
{
	struct gaon_pt_count have = {}, need;
	struct gaon_vm *vm = userptr->vm;
	struct gaon_vma *vma;
	int err = 0;

	for (;;) {
		/* Once more, or never. */
		if (!userptr->dma || !vm->pt.root)
			return -EBUSY;
		userptr_count_vmas(userptr, &need);
		if (need.low <= have.low && need.high <= have.high)
			break;
		mutex_unlock(&vm->lock);
		err = gaon_pt_reserve(&vm->pt, reserve, &need);
		mutex_lock(&vm->lock);
		if (err)
			return err;
		have.low += need.low;
		have.high += need.high;
	}
	userptr->valid = true;
	list_for_each_entry(vma, &userptr->vmas, userptr_link)
		err = err ?: userptr_map_vma(userptr, vma, reserve);
	return err;
}

/* 0, -EBUSY: it has changed again; else it is gone. */
static int userptr_bring_back(struct gaon_userptr *userptr)
{
	struct gaon_vm *vm = userptr->vm;
	struct gaon_pt_reserve reserve = {};
	int err;

	err = gaon_userptr_pin(userptr);
	scoped_guard(mutex, &vm->lock) {
		if (!err)
			err = userptr_remap(userptr, &reserve);
		/* An error of what was there before its last change says nothing. */
		if (err && err != -EBUSY &&
		    !mmu_interval_read_retry(&userptr->notifier, userptr->seq)) {
			userptr->gone = true;
			drm_dbg(&vm->gdev->drm, "context %u: memory at %#llx is gone (error %d)\n",
				vm->context, userptr->addr, err);
		}
	}
	gaon_pt_unreserve(&vm->pt, &reserve);
	return err;
}

/**
 * gaon_userptr_bring_back_all() - bring back what was invalidated
 * @vm: an LR VM
 *
 * Not all, if it changes again and again: this has an end. Mapping many pages takes so long behind
 * an IOMMU that to try again at once would be the same race again.
 */
void gaon_userptr_bring_back_all(struct gaon_vm *vm)
{
	unsigned int tries, busy = 0;
	struct gaon_userptr *userptr;

	mutex_lock(&vm->lock);
	for (tries = 0; tries < USERPTR_PASS && busy < USERPTR_BUSY; tries++) {
		userptr = userptr_next_invalid(vm);
		if (!userptr)
			break;
		/* Each has its turn, however often one of them changes. */
		list_move_tail(&userptr->link, &vm->userptrs);
		mutex_unlock(&vm->lock);
		busy += userptr_bring_back(userptr) == -EBUSY;
		gaon_userptr_put(userptr);
		mutex_lock(&vm->lock);
	}
	mutex_unlock(&vm->lock);
}

/** gaon_userptr_unplug() - unmap all of a VM for DMA, before unbinding; VM's lock held */
void gaon_userptr_unplug(struct gaon_vm *vm)
{
	struct gaon_userptr *userptr;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(userptr, &vm->userptrs, link) {
		userptr->valid = false;
		userptr_unmap_dma(userptr);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

/**
 * gaon_userptr_create() - begin to follow part of the caller's memory
 * @vm: an LR VM
 * @va: device address
 * @addr: the caller's address, page-aligned
 * @size: a multiple of pages
 * @write: the device may write
 *
 * Return: with one reference and without mappings; ERR_PTR of -EFAULT, -ENOMEM.
 */
struct gaon_userptr *gaon_userptr_create(struct gaon_vm *vm, u64 va, u64 addr, u64 size,
					 bool write)
{
	struct gaon_userptr *userptr;
	int err;

	if (!access_ok(u64_to_user_ptr(addr), size))
		return ERR_PTR(-EFAULT);
	userptr = kzalloc_obj(*userptr, GFP_KERNEL_ACCOUNT);
	if (!userptr)
		return ERR_PTR(-ENOMEM);
	kref_init(&userptr->ref);
	INIT_LIST_HEAD(&userptr->vmas);
	INIT_LIST_HEAD(&userptr->link);
	userptr->vm = vm;
	userptr->va = va;
	userptr->addr = addr;
	userptr->size = size;
	userptr->write = write;
	err = mmu_interval_notifier_insert(&userptr->notifier, current->mm, addr, size,
					   &userptr_ops);
	if (err) {
		kfree(userptr);
		return ERR_PTR(err);
	}
	/* Also before it has a mapping, and if it never has one. */
	scoped_guard(mutex, &vm->lock)
		list_add_tail(&userptr->link, &vm->userptrs);
	return userptr;
}

struct gaon_userptr *gaon_userptr_get(struct gaon_userptr *userptr)
{
	kref_get(&userptr->ref);
	return userptr;
}

static void userptr_release(struct kref *ref)
{
	struct gaon_userptr *userptr = container_of(ref, struct gaon_userptr, ref);

	mmu_interval_notifier_remove(&userptr->notifier);
	/* Either this or gaon_userptr_unplug() unmaps it. */
	scoped_guard(mutex, &userptr->vm->lock) {
		list_del(&userptr->link);
		userptr_unmap_dma(userptr);
	}
	gaon_userptr_dma_free(userptr->spent);
	kfree(userptr);
}

/** gaon_userptr_put() - sleeps until no notifier runs; not with the VM's lock held */
void gaon_userptr_put(struct gaon_userptr *userptr)
{
	kref_put(&userptr->ref, userptr_release);
}
