// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Doorbell mappings: a context's page of the doorbell BAR, in the address space of a process.
 *
 * A mapping stays when the queues go: it then shows an ordinary page, so that a late ring is lost
 * and never a signal. The real page is mapped only while the address space has a queue, and zapped
 * before the last one gives its context back: no mapping ever reaches a page that became another
 * context's.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_vma_manager.h>

#include "gaon_device.h"
#include "gaon_queue.h"

/** struct gaon_doorbell - the doorbell page of an address space */
struct gaon_doorbell {
	/** @ref: of the file, of mappings, of queues. */
	struct kref ref;
	/** @gdev: the device. */
	struct gaon_device *gdev;
	/** @context: of the hardware. Constant. */
	u32 context;
	/** @handle: of the address space in its file. Constant. */
	u32 handle;
	/** @dummy: what is shown instead; this mapping's alone. */
	struct page *dummy;
	/** @lock: protects @queues, and what is mapped for it. Page faults allocate under it. */
	struct mutex lock;
	/** @queues: that exist; while there are none the dummy is shown. */
	unsigned int queues;
};

static_assert(DRM_GAON_DOORBELL_BYTES == GAON_DOORBELL_STRIDE);
static_assert(GAON_QUEUES * sizeof(u64) <= DRM_GAON_DOORBELL_BYTES);

static void doorbell_free(struct kref *ref)
{
	struct gaon_doorbell *doorbell = container_of(ref, struct gaon_doorbell, ref);

	__free_page(doorbell->dummy);
	mutex_destroy(&doorbell->lock);
	kfree(doorbell);
}

static void doorbell_put(struct gaon_doorbell *doorbell)
{
	kref_put(&doorbell->ref, doorbell_free);
}

static struct gaon_doorbell *doorbell_create(struct gaon_vm *vm)
{
	struct gaon_doorbell *doorbell = kzalloc_obj(*doorbell, GFP_KERNEL_ACCOUNT);

	if (!doorbell)
		return NULL;
	doorbell->dummy = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!doorbell->dummy) {
		kfree(doorbell);
		return NULL;
	}
	kref_init(&doorbell->ref);
	mutex_init(&doorbell->lock);
	doorbell->gdev = vm->gdev;
	doorbell->context = vm->context;
	doorbell->handle = vm->handle;
	return doorbell;
}

/** gaon_doorbell_offset() - what to give to mmap(); below where GEM's offsets begin */
u64 gaon_doorbell_offset(struct gaon_doorbell *doorbell)
{
	return (u64)doorbell->handle * DRM_GAON_DOORBELL_BYTES;
}

/* All that is mapped of it must fault, and see anew what is to be shown. */
static void doorbell_zap(struct gaon_doorbell *doorbell)
{
	lockdep_assert_held(&doorbell->lock);
	unmap_mapping_range(doorbell->gdev->drm.anon_inode->i_mapping,
			    gaon_doorbell_offset(doorbell), DRM_GAON_DOORBELL_BYTES, 1);
}

/* The file's doorbell of @vm, if its handle has not become another VM's. */
static struct gaon_doorbell *doorbell_find(struct gaon_client *client, struct gaon_vm *vm)
{
	struct gaon_doorbell *doorbell = xa_load(&client->doorbells, vm->handle);

	lockdep_assert_held(&client->doorbell_lock);
	return doorbell && doorbell->context == vm->context ? doorbell : NULL;
}

/**
 * gaon_doorbell_open() - a queue is about to be created
 * @client: its file
 * @vm: its address space
 * @out: with a reference and a count, for gaon_doorbell_close()
 *
 * Return: 0, -ENOMEM, or -ENOSPC: the handle of the address space is too large.
 */
int gaon_doorbell_open(struct gaon_client *client, struct gaon_vm *vm, struct gaon_doorbell **out)
{
	struct gaon_doorbell *doorbell, *old;
	int err;

	if (vm->handle >= DRM_FILE_PAGE_OFFSET_START / (DRM_GAON_DOORBELL_BYTES >> PAGE_SHIFT))
		return -ENOSPC;
	guard(mutex)(&client->doorbell_lock);
	doorbell = doorbell_find(client, vm);
	if (!doorbell) {
		doorbell = doorbell_create(vm);
		if (!doorbell)
			return -ENOMEM;
		old = xa_store(&client->doorbells, vm->handle, doorbell, GFP_KERNEL_ACCOUNT);
		err = xa_err(old);
		if (err) {
			doorbell_put(doorbell);
			return err;
		}
		if (old)
			doorbell_put(old);
	}
	kref_get(&doorbell->ref);
	mutex_lock(&doorbell->lock);
	if (!doorbell->queues++)
		doorbell_zap(doorbell);
	mutex_unlock(&doorbell->lock);
	*out = doorbell;
	return 0;
}

/** gaon_doorbell_close() - the queue is gone from the device; its context still exists */
void gaon_doorbell_close(struct gaon_doorbell *doorbell)
{
	mutex_lock(&doorbell->lock);
	if (!--doorbell->queues)
		doorbell_zap(doorbell);
	mutex_unlock(&doorbell->lock);
	doorbell_put(doorbell);
}

/** gaon_doorbells_release() - the file is closed and has no queues */
void gaon_doorbells_release(struct gaon_client *client)
{
	struct gaon_doorbell *doorbell;
	unsigned long handle;

	xa_for_each(&client->doorbells, handle, doorbell)
		doorbell_put(doorbell);
	xa_destroy(&client->doorbells);
}

/* --- mappings ------------------------------------------------------------------------------- */

static vm_fault_t doorbell_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct gaon_doorbell *doorbell = vma->vm_private_data;
	struct gaon_device *gdev = doorbell->gdev;
	unsigned long page = vmf->pgoff & ((DRM_GAON_DOORBELL_BYTES >> PAGE_SHIFT) - 1);
	vm_fault_t ret;
	int gate, idx;
	bool entered;

	ret = gaon_power_fault_enter(gdev, vmf, &gate);
	if (ret)
		return ret;
	/* Unplugging zaps after it has waited for us: what we insert meanwhile goes then. */
	entered = drm_dev_enter(&gdev->drm, &idx);
	mutex_lock(&doorbell->lock);
	if (entered && doorbell->queues) {
		phys_addr_t base = gdev->doorbell_base +
				   (u64)doorbell->context * GAON_DOORBELL_STRIDE;

		ret = vmf_insert_pfn_prot(vma, vmf->address, PHYS_PFN(base) + page,
					  pgprot_noncached(vma->vm_page_prot));
	} else {
		ret = vmf_insert_pfn(vma, vmf->address, page_to_pfn(doorbell->dummy));
	}
	mutex_unlock(&doorbell->lock);
	if (entered)
		drm_dev_exit(idx);
	gaon_power_fault_exit(gdev, gate);
	return ret;
}

static void doorbell_vm_open(struct vm_area_struct *vma)
{
	struct gaon_doorbell *doorbell = vma->vm_private_data;

	kref_get(&doorbell->ref);
}

static void doorbell_vm_close(struct vm_area_struct *vma)
{
	doorbell_put(vma->vm_private_data);
}

static const struct vm_operations_struct doorbell_vm_ops = {
	.open = doorbell_vm_open,
	.close = doorbell_vm_close,
	.fault = doorbell_fault,
};

/**
 * gaon_doorbell_mmap() - mmap() of the node at an offset below GEM's
 * @gfile: the file
 * @vma: what is to be mapped
 *
 * Return: 0, or -EINVAL: not an offset, length or kind of mapping that QUEUE_CREATE told.
 */
int gaon_doorbell_mmap(struct gaon_file *gfile, struct vm_area_struct *vma)
{
	unsigned long pages = DRM_GAON_DOORBELL_BYTES >> PAGE_SHIFT;
	struct gaon_client *client = gfile->client;
	struct gaon_doorbell *doorbell;

	if (vma_pages(vma) != pages || vma->vm_pgoff % pages ||
	    !(vma->vm_flags & VM_SHARED) || vma->vm_flags & VM_EXEC)
		return -EINVAL;
	mutex_lock(&client->doorbell_lock);
	doorbell = xa_load(&client->doorbells, vma->vm_pgoff / pages);
	if (doorbell)
		kref_get(&doorbell->ref);
	mutex_unlock(&client->doorbell_lock);
	if (!doorbell)
		return -EINVAL;
	/* A child must map its own: it does not have the parent's queues. */
	vm_flags_mod(vma,
		     VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP | VM_NORESERVE,
		     VM_MAYEXEC);
	vma->vm_private_data = doorbell;
	vma->vm_ops = &doorbell_vm_ops;
	return 0;
}
