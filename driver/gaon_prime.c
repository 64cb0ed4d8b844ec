// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Objects shared with other devices; files of the same card share the object itself.
 *
 * As exporter: an importer that reaches the card's aperture itself (peer to peer) gets the object
 * where it is. For every other one it moves to host memory, and stays there as long as one is
 * attached that does not follow moves, or it is pinned for one that does, or mapped into the
 * kernel.
 *
 * As importer: what is imported is pinned by its exporter as long as the object lives, so it is
 * like any other host memory here: nobody moves it while address spaces map it. If its exporter
 * takes it away all the same nothing of it is mapped any more, and the device faults.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_tt.h>

#include "gaon_bo.h"
#include "gaon_device.h"
#include "gaon_prime.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

/* Whether an importer, or this driver as one, is told of moves, and pins what must not. */
static bool prime_follows(const struct dma_buf_attachment *attach)
{
	return attach->importer_ops;
}

/* --- exporting ------------------------------------------------------------------------------ */

static struct gaon_bo *prime_bo(const struct dma_buf *buf)
{
	return to_gaon_bo(buf->priv);
}

/*
 * The dma-buf lives as long as somebody is attached: only then moves are told. Who does not follow
 * them has it pinned from here on: when he maps it is too late to refuse.
 */
static int prime_attach(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct gaon_bo *bo = prime_bo(buf);
	int err = 0;

	if (attach->peer2peer &&
	    pci_p2pdma_distance(to_pci_dev(bo->ttm.base.dev->dev), attach->dev, false) < 0)
		attach->peer2peer = false;
	dma_resv_lock(buf->resv, NULL);
	if (bo->attached && bo->shared != buf)
		err = -EBUSY;
	else if (!prime_follows(attach))
		err = gaon_ttm_bo_pin_host(bo);
	if (!err) {
		bo->shared = buf;
		bo->attached++;
	}
	dma_resv_unlock(buf->resv);
	return err;
}

static void prime_detach(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct gaon_bo *bo = prime_bo(buf);

	dma_resv_lock(buf->resv, NULL);
	if (!--bo->attached)
		bo->shared = NULL;
	if (!prime_follows(attach))
		gaon_ttm_bo_unpin(bo);
	dma_resv_unlock(buf->resv);
}

/* Everybody who is attached reaches the aperture. */
static bool prime_all_peers(struct dma_buf *buf)
{
	struct dma_buf_attachment *attach;

	dma_resv_assert_held(buf->resv);
	list_for_each_entry(attach, &buf->attachments, node) {
		if (!attach->peer2peer)
			return false;
	}
	return true;
}

/*
 * Where everybody reaches it. An object that is pinned in HBM for peers is not to be had for others
 * meanwhile.
 */
static int prime_place(struct dma_buf_attachment *attach)
{
	struct gaon_bo *bo = prime_bo(attach->dmabuf);
	int err;

	if (!attach->peer2peer || !prime_all_peers(attach->dmabuf))
		return gaon_ttm_bo_to_host(bo);
	err = gaon_ttm_bo_validate(bo);
	if (!err && gaon_bo_is_hbm(bo) && !gaon_hbm_is_visible(bo->ttm.resource))
		err = gaon_ttm_bo_to_host(bo);
	return err;
}

static int prime_pin(struct dma_buf_attachment *attach)
{
	struct gaon_bo *bo = prime_bo(attach->dmabuf);
	int err, idx;

	/* Other devices come here whenever they like. */
	if (!drm_dev_enter(bo->ttm.base.dev, &idx))
		return -ENODEV;
	err = prime_place(attach);
	if (!err)
		ttm_bo_pin(&bo->ttm);
	drm_dev_exit(idx);
	return err;
}

static void prime_unpin(struct dma_buf_attachment *attach)
{
	gaon_ttm_bo_unpin(prime_bo(attach->dmabuf));
}

/* Pieces of the aperture, not more than 2 GiB each: that is what an entry holds. */
static u64 prime_piece(struct gaon_bo *bo, u64 at, void **where, u64 *skip, u64 *bytes)
{
	u64 hbm = gaon_hbm_piece(bo->ttm.resource, at, where, skip, bytes);

	*bytes = min3(*bytes, bo->ttm.base.size - at, (u64)SZ_2G);
	return to_gaon_device(bo->ttm.base.dev)->aperture_base + hbm;
}

static void prime_free_aperture(struct device *dev, struct sg_table *sgt,
				enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(sgt, sg, i) {
		if (sg_dma_len(sg))
			dma_unmap_resource(dev, sg_dma_address(sg), sg_dma_len(sg), dir,
					   DMA_ATTR_SKIP_CPU_SYNC);
	}
	sg_free_table(sgt);
	kfree(sgt);
}

static int prime_fill_aperture(struct gaon_bo *bo, struct device *dev, struct sg_table *sgt,
			       enum dma_data_direction dir)
{
	u64 at = 0, skip = 0, bytes;
	void *where = NULL;
	struct scatterlist *sg;
	int i;

	for_each_sgtable_sg(sgt, sg, i) {
		phys_addr_t phys = prime_piece(bo, at, &where, &skip, &bytes);
		dma_addr_t dma = dma_map_resource(dev, phys, bytes, dir, DMA_ATTR_SKIP_CPU_SYNC);

		if (dma_mapping_error(dev, dma))
			return -ENOMEM;
		sg_set_page(sg, NULL, bytes, 0);
		sg_dma_address(sg) = dma;
		sg_dma_len(sg) = bytes;
		at += bytes;
	}
	return 0;
}

/* Entries without pages: nobody but a device reads them. */
static struct sg_table *prime_map_aperture(struct gaon_bo *bo, struct device *dev,
					   enum dma_data_direction dir)
{
	u64 at, skip = 0, bytes;
	unsigned int count = 0;
	struct sg_table *sgt;
	void *where = NULL;
	int err;

	if (!gaon_hbm_is_visible(bo->ttm.resource))
		return ERR_PTR(-EOPNOTSUPP);
	for (at = 0; at < bo->ttm.base.size; at += bytes, count++)
		prime_piece(bo, at, &where, &skip, &bytes);
	sgt = kzalloc_obj(*sgt);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	err = sg_alloc_table(sgt, count, GFP_KERNEL);
	if (err) {
		kfree(sgt);
		return ERR_PTR(err);
	}
	err = prime_fill_aperture(bo, dev, sgt, dir);
	if (err) {
		prime_free_aperture(dev, sgt, dir);
		return ERR_PTR(err);
	}
	return sgt;
}

static struct sg_table *prime_map_host(struct gaon_bo *bo, struct device *dev,
				       enum dma_data_direction dir)
{
	struct sg_table *sgt;
	int err;

	sgt = drm_prime_pages_to_sg(bo->ttm.base.dev, bo->ttm.ttm->pages, bo->ttm.ttm->num_pages);
	if (IS_ERR(sgt))
		return sgt;
	err = dma_map_sgtable(dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (err) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(err);
	}
	return sgt;
}

static struct sg_table *prime_map_locked(struct dma_buf_attachment *attach,
					 enum dma_data_direction dir)
{
	struct gaon_bo *bo = prime_bo(attach->dmabuf);
	int err = 0;

	/* An importer that follows moves does not pin. */
	if (!bo->ttm.pin_count)
		err = prime_place(attach);
	if (err)
		return ERR_PTR(err);
	if (!gaon_bo_is_hbm(bo))
		return prime_map_host(bo, attach->dev, dir);
	return attach->peer2peer ? prime_map_aperture(bo, attach->dev, dir) : ERR_PTR(-EBUSY);
}

static struct sg_table *prime_map(struct dma_buf_attachment *attach, enum dma_data_direction dir)
{
	struct sg_table *sgt;
	int idx;

	if (!drm_dev_enter(prime_bo(attach->dmabuf)->ttm.base.dev, &idx))
		return ERR_PTR(-ENODEV);
	sgt = prime_map_locked(attach, dir);
	drm_dev_exit(idx);
	return sgt;
}

static void prime_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			enum dma_data_direction dir)
{
	if (!sg_page(sgt->sgl)) {
		prime_free_aperture(attach->dev, sgt, dir);
		return;
	}
	dma_unmap_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(sgt);
	kfree(sgt);
}

/* As BO_MMAP_OFFSET, for whoever has the dma-buf. */
static int prime_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	return gaon_bo_cpu_sees(prime_bo(buf)) ? drm_gem_dmabuf_mmap(buf, vma) : -ENXIO;
}

/*
 * For other drivers' use of the CPU. In host memory: what is on the card may be in several pieces,
 * and not all of it within the aperture.
 */
static int prime_vmap(struct dma_buf *buf, struct iosys_map *map)
{
	struct gaon_bo *bo = prime_bo(buf);
	int err = gaon_ttm_bo_pin_host(bo);

	if (err)
		return err;
	err = gaon_ttm_vmap(buf->priv, map);
	if (err)
		gaon_ttm_bo_unpin(bo);
	return err;
}

static void prime_vunmap(struct dma_buf *buf, struct iosys_map *map)
{
	gaon_ttm_vunmap(buf->priv, map);
	gaon_ttm_bo_unpin(prime_bo(buf));
}

static const struct dma_buf_ops prime_ops = {
	.attach = prime_attach,
	.detach = prime_detach,
	.pin = prime_pin,
	.unpin = prime_unpin,
	.map_dma_buf = prime_map,
	.unmap_dma_buf = prime_unmap,
	.release = drm_gem_dmabuf_release,
	.mmap = prime_mmap,
	.vmap = prime_vmap,
	.vunmap = prime_vunmap,
};

/** gaon_prime_export() - make a dma-buf of an object that is not one VM's own */
struct dma_buf *gaon_prime_export(struct drm_gem_object *obj, int flags)
{
	struct dma_buf *buf;

	/* What belongs to one VM shares its reservation and cannot be anybody else's. */
	if (to_gaon_bo(obj)->vm_root)
		return ERR_PTR(-EPERM);
	buf = drm_gem_prime_export(obj, flags);
	if (!IS_ERR(buf))
		buf->ops = &prime_ops;
	return buf;
}

/**
 * gaon_prime_move() - an object is about to move: importers that follow it hear of it
 * @bo: with its reservation held, whose fences are waited for afterwards
 */
void gaon_prime_move(struct gaon_bo *bo)
{
	dma_resv_assert_held(bo->ttm.base.resv);
	if (bo->shared)
		gaon_compat_dma_buf_moves(bo->shared);
}

/* --- importing ------------------------------------------------------------------------------ */

/* What is pinned moves only if its device goes: then it is gone for good. */
static void prime_revoked(struct dma_buf_attachment *attach)
{
	struct gaon_bo *bo = attach->importer_priv;
	int idx;

	if (!bo)
		return;		/* not pinned yet */
	bo->revoked = true;
	if (drm_dev_enter(bo->ttm.base.dev, &idx)) {
		gaon_vm_evict_bo(bo, false);
		drm_dev_exit(idx);
	}
	gaon_ttm_bo_unmap_import(bo);
}

static const struct dma_buf_attach_ops prime_attach_ops = {
	.allow_peer2peer = true,
#ifdef GAON_HAVE_DMA_BUF_INVALIDATE
	.invalidate_mappings = prime_revoked,
#else
	.move_notify = prime_revoked,
#endif
};

/* A copy that the kernel makes for DMA is of no use to a device that works on its own. */
static bool prime_is_bounced(struct device *dev, struct sg_table *sgt)
{
	struct scatterlist *sg;
	int i;

	if (dma_max_mapping_size(dev) == SIZE_MAX)
		return false;
	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (gaon_compat_dma_is_copy(dev, sg_dma_address(sg)))
			return true;
	}
	return false;
}

/* Others pin by themselves what is attached or mapped. */
static int import_pin(struct dma_buf_attachment *attach)
{
	return prime_follows(attach) ? dma_buf_pin(attach) : 0;
}

static void import_unpin(struct dma_buf_attachment *attach)
{
	if (prime_follows(attach))
		dma_buf_unpin(attach);
}

/* With the reservation of the dma-buf held. */
static struct gaon_bo *import_mapped(struct drm_device *drm, struct dma_buf_attachment *attach,
				     struct sg_table *sgt)
{
	struct dma_buf *buf = attach->dmabuf;
	struct gaon_bo *bo;
	int err;

	if (prime_is_bounced(drm->dev, sgt)) {
		drm_dbg(drm, "a dma-buf of %s is not imported: its DMA would be bounced\n",
			buf->exp_name);
		return ERR_PTR(-EOPNOTSUPP);
	}
	bo = kzalloc_obj(*bo, GFP_KERNEL_ACCOUNT);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->flags = DRM_GAON_BO_HOST;
	bo->ttm.base.funcs = &gaon_bo_funcs;
	err = gaon_ttm_bo_import(to_gaon_device(drm), bo, buf->size, buf->resv, sgt);
	if (err)
		return ERR_PTR(err);
	bo->ttm.base.import_attach = attach;
	attach->importer_priv = bo;
	return bo;
}

static struct gaon_bo *import_attached(struct drm_device *drm, struct dma_buf_attachment *attach)
{
	struct sg_table *sgt;
	struct gaon_bo *bo;
	int err;

	err = import_pin(attach);
	if (err)
		return ERR_PTR(err);
	sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		bo = ERR_CAST(sgt);
		goto err_unpin;
	}
	bo = import_mapped(drm, attach, sgt);
	if (!IS_ERR(bo))
		return bo;
	dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
err_unpin:
	import_unpin(attach);
	return bo;
}

/**
 * gaon_prime_import() - make an object of what a dma-buf stands for
 * @drm: the device
 * @buf: of this device, or of another
 *
 * Return: the object, or an ERR_PTR: -EOPNOTSUPP: the kernel would copy it for DMA; -EBUSY: its
 * exporter cannot bring it to where this device reaches it.
 */
struct drm_gem_object *gaon_prime_import(struct drm_device *drm, struct dma_buf *buf)
{
	struct dma_buf_attachment *attach;
	struct drm_gem_object *obj;
	struct gaon_bo *bo;
	int idx;

	if (buf->ops == &prime_ops) {
		obj = buf->priv;
		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}
	if (!PAGE_ALIGNED(buf->size))
		return ERR_PTR(-EINVAL);
	/* What its exporter never moves is mapped and unmapped here, not by who attaches (6.12). */
	attach = dma_buf_dynamic_attach(buf, drm->dev, buf->ops->pin ? &prime_attach_ops : NULL,
					NULL);
	if (IS_ERR(attach))
		return ERR_CAST(attach);
	get_dma_buf(buf);
	bo = ERR_PTR(-ENODEV);
	if (drm_dev_enter(drm, &idx)) {
		dma_resv_lock(buf->resv, NULL);
		bo = import_attached(drm, attach);
		dma_resv_unlock(buf->resv);
		drm_dev_exit(idx);
	}
	if (!IS_ERR(bo))
		return &bo->ttm.base;
	dma_buf_detach(buf, attach);
	dma_buf_put(buf);
	return ERR_CAST(bo);
}

/** gaon_prime_release() - an imported object is being freed */
void gaon_prime_release(struct gaon_bo *bo)
{
	struct dma_buf_attachment *attach = bo->ttm.base.import_attach;
	struct dma_buf *buf = attach->dmabuf;

	dma_resv_lock(buf->resv, NULL);
	attach->importer_priv = NULL;
	gaon_ttm_bo_unmap_import(bo);
	import_unpin(attach);
	dma_resv_unlock(buf->resv);
	dma_buf_detach(buf, attach);
	dma_buf_put(buf);
}
