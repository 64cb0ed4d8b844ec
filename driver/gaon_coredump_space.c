// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a coredump tells of an address space: how addresses are translated, what lies around them,
 * and the packets of rings and lists in the user's memory. Of that memory nothing else is read.
 */
#include <linux/dma-resv.h>
#include <linux/mutex.h>

#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "gaon_bo.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_queue.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

/* --- memory of users ------------------------------------------------------------------------- */

/* The object at an address, with a reference, and where in it; NULL: none that can be read. */
static struct gaon_bo *space_object(struct gaon_vm *vm, u64 va, u64 *offset)
{
	struct drm_gem_object *obj = NULL;
	struct drm_gpuva *gpuva;

	guard(mutex)(&vm->lock);
	gpuva = drm_gpuva_find_first(&vm->base, va, 1);
	if (gpuva && gpuva->gem.obj && to_gaon_vma(gpuva)->prot) {
		obj = gpuva->gem.obj;
		*offset = va - gpuva->va.addr + gpuva->gem.offset;
		drm_gem_object_get(obj);
	}
	return obj ? to_gaon_bo(obj) : NULL;
}

/* Does not cross a page. Whoever runs there may change it meanwhile: it is shown, never obeyed. */
static int space_read(struct gaon_vm *vm, u64 va, void *data, size_t bytes)
{
	struct gaon_bo *bo;
	u64 offset;
	int err;

	if (!gaon_vm_user_range(va, bytes) || offset_in_page(va) + bytes > PAGE_SIZE)
		return -EINVAL;
	bo = space_object(vm, va, &offset);
	if (!bo)
		return -EFAULT;
	err = dma_resv_lock(bo->ttm.base.resv, NULL);
	if (!err) {
		if (drm_gem_is_imported(&bo->ttm.base))
			err = -EOPNOTSUPP;
		else if (gaon_bo_is_hbm(bo))
			err = gaon_bo_access_hbm(bo, offset, data, bytes, false);
		else
			err = gaon_ttm_read_host(bo, offset, data, bytes);
		dma_resv_unlock(bo->ttm.base.resv);
	}
	drm_gem_object_put(&bo->ttm.base);
	return err;
}

/* As many as can be read, from the first one. */
static void space_read_packets(struct gaon_vm *vm, u64 base, u64 mask,
			       struct gaon_dump_packets *out)
{
	unsigned int i, count = out->ring.count;

	out->ring.va = base + (out->ring.first & mask) * sizeof(struct gaon_packet);
	for (i = 0; i < count; i++) {
		u64 va = base + ((out->ring.first + i) & mask) * sizeof(struct gaon_packet);

		if (space_read(vm, va, &out->packet[i], sizeof(out->packet[i])))
			break;
	}
	out->ring.count = i;
}

/**
 * gaon_dump_user_ring() - packets of a user-mode ring around the fault
 * @vm: the culprit's address space
 * @queue: the culprit; only what is constant of it is used
 * @out: ring.fault is set
 */
void gaon_dump_user_ring(struct gaon_vm *vm, struct gaon_queue *queue,
			 struct gaon_dump_packets *out)
{
	u64 size = BIT_ULL(queue->ring_log2), write;

	if (space_read(vm, queue->state_va, &write, sizeof(write)))
		write = U64_MAX;
	out->ring.write = write;
	gaon_dump_window(&out->ring, out->ring.fault, write, size);
	space_read_packets(vm, queue->ring_va, size - 1, out);
}

/* Whether the innermost list of the fault is this one is told by the packet's tag. */
static void list_check(struct gaon_dump_packets *out, const struct gaon_fault_record *fault)
{
	u64 at = out->ring.fault - out->ring.first;

	if (at >= out->ring.count || out->packet[at].tag != fault->tag)
		out->ring.fault = U64_MAX;
}

/**
 * gaon_dump_list() - packets of the list that the packet at fault names
 * @vm: the culprit's address space
 * @ring: its ring
 * @fault: of the culprit
 * @out: filled; left alone if that packet names no list
 */
void gaon_dump_list(struct gaon_vm *vm, const struct gaon_dump_packets *ring,
		    const struct gaon_fault_record *fault, struct gaon_dump_packets *out)
{
	u64 at = ring->ring.fault - ring->ring.first;
	const struct gaon_packet *packet;

	if (at >= ring->ring.count)
		return;
	packet = &ring->packet[at];
	if (packet->type != GAON_PKT_CALL && packet->type != GAON_PKT_INDIRECT)
		return;
	out->ring.what = GAON_DUMP_RING_LIST;
	out->ring.fault = fault->list_index;
	out->ring.write = U64_MAX;
	gaon_dump_window(&out->ring, fault->list_index, packet->list.count, U64_MAX);
	space_read_packets(vm, packet->list.list_va, U64_MAX, out);
	list_check(out, fault);
}

/* --- mappings -------------------------------------------------------------------------------- */

/** struct space_mapping - a mapping, and its object with a reference */
struct space_mapping {
	/** @mapping: the note. */
	struct gaon_dump_mapping mapping;
	/** @obj: whose name and place are still missing; NULL: none. */
	struct drm_gem_object *obj;
};

static void mapping_take(struct space_mapping *out, const struct gaon_dump_address *address,
			 struct drm_gpuva *gpuva)
{
	struct gaon_vma *vma = to_gaon_vma(gpuva);

	out->mapping = (struct gaon_dump_mapping){
		.address = address->va,
		.why = address->why,
		.place = vma->userptr ? GAON_DUMP_PLACE_USER : GAON_DUMP_PLACE_NONE,
		.va = gpuva->va.addr,
		.bytes = gpuva->va.range,
		.offset = gpuva->gem.offset,
		.prot = vma->prot & (GAON_PTE_R | GAON_PTE_W | GAON_PTE_X),
	};
	if (gpuva->gem.obj && !vma->userptr) {
		out->obj = gpuva->gem.obj;
		drm_gem_object_get(out->obj);
	}
}

/* The mapping at an address, or those that are next to it. */
static unsigned int mappings_find(struct gaon_vm *vm, const struct gaon_dump_address *address,
				  struct space_mapping out[2])
{
	struct list_head *all = &vm->base.rb.list, *below;
	u64 end = GAON_VA_USER_MAX;
	struct drm_gpuva *gpuva = NULL;
	unsigned int count = 0;

	lockdep_assert_held(&vm->lock);
	if (address->va < end)
		gpuva = drm_gpuva_find_first(&vm->base, address->va, end - address->va);
	if (gpuva && gpuva->va.addr <= address->va) {
		mapping_take(&out[count++], address, gpuva);
		return count;
	}
	below = gpuva ? gpuva->rb.entry.prev : all->prev;
	if (below != all)
		mapping_take(&out[count++], address,
			     list_entry(below, struct drm_gpuva, rb.entry));
	if (gpuva)
		mapping_take(&out[count++], address, gpuva);
	return count;
}

static void mapping_name(struct space_mapping *mapping)
{
	struct gaon_bo *bo;

	if (!mapping->obj)
		return;
	bo = to_gaon_bo(mapping->obj);
	if (!dma_resv_lock(mapping->obj->resv, NULL)) {
		mapping->mapping.place = gaon_bo_is_hbm(bo) ? GAON_DUMP_PLACE_HBM :
							      GAON_DUMP_PLACE_HOST;
		static_assert(sizeof(mapping->mapping.name) == sizeof(bo->name));
		memcpy(mapping->mapping.name, bo->name, sizeof(bo->name));
		dma_resv_unlock(mapping->obj->resv);
	}
	drm_gem_object_put(mapping->obj);
}

/**
 * gaon_dump_address() - the notes of one address: its translation and what is mapped there
 * @out: where to
 * @vm: address space
 * @address: which
 */
void gaon_dump_address(struct gaon_dump_out *out, struct gaon_vm *vm,
		       const struct gaon_dump_address *address)
{
	struct gaon_dump_walk walk = { .va = address->va, .why = address->why };
	struct space_mapping mapping[2] = {};
	unsigned int i, count;

	mutex_lock(&vm->lock);
	gaon_pt_walk(&vm->pt, address->va, &walk);
	count = mappings_find(vm, address, mapping);
	mutex_unlock(&vm->lock);
	gaon_dump_note(out, "GAON", GAON_DUMP_WALK, &walk, sizeof(walk), NULL, 0);
	for (i = 0; i < count; i++) {
		mapping_name(&mapping[i]);
		gaon_dump_note(out, "GAON", GAON_DUMP_MAPPING, &mapping[i].mapping,
			       sizeof(mapping[i].mapping), NULL, 0);
	}
}
