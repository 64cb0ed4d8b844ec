// SPDX-License-Identifier: MIT
/* The regions of the function: what there is, and accesses to it that come as messages. */
#include <errno.h>
#include <string.h>

#include <hw/gaon_regs.h>

#include "device.h"

struct info {
	struct vfio_region_info head;
	/* struct vfio_region_info_cap_sparse_mmap with one area */
	struct vfio_info_cap_header sparse;
	uint32_t areas, reserved;
	struct vfio_region_sparse_mmap_area area;
};

static uint64_t region_size(struct vfu_device *dev, uint32_t index)
{
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return VFU_CONFIG_BYTES;
	return index <= VFIO_PCI_BAR5_REGION_INDEX ? gaon_sim_bar_size(dev->sim, index) : 0;
}

/* --- what there is ------------------------------------------------------------------------------ */

/* HBM is mapped straight into the client.  The BAR is a power of two, the aperture may be less. */
static void info_aperture(struct vfu_device *dev, struct info *info)
{
	uint64_t bytes;

	gaon_sim_hbm(dev->sim, &bytes);
	info->head.flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (bytes == info->head.size)
		return;
	info->head.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->head.argsz = sizeof(*info);
	info->head.cap_offset = sizeof(info->head);
	info->sparse.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	info->sparse.version = 1;
	info->areas = 1;
	info->area.size = bytes;
}

int vfu_region_info(struct vfu_device *dev, uint32_t index, uint32_t argsz, void *reply, int *fd)
{
	struct info info = { .head = { .argsz = sizeof(info.head), .index = index } };

	*fd = -1;
	if (index >= VFIO_PCI_NUM_REGIONS || argsz < sizeof(info.head))
		return -EINVAL;
	info.head.size = region_size(dev, index);
	if (info.head.size)
		info.head.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (index == GAON_BAR_HBM && !dev->options.trap_aperture)
		info_aperture(dev, &info);
	/* A client with too little room asks again. */
	if (info.head.argsz > argsz) {
		memcpy(reply, &info.head, sizeof(info.head));
		return sizeof(info.head);
	}
	if (info.head.flags & VFIO_REGION_INFO_FLAG_MMAP)
		*fd = gaon_sim_hbm_fd(dev->sim);
	memcpy(reply, &info, info.head.argsz);
	return info.head.argsz;
}

/* --- accesses ----------------------------------------------------------------------------------- */

/* The widest naturally aligned piece at @offset. */
static uint32_t piece(uint64_t offset, uint32_t bytes)
{
	uint32_t n = 8;

	while (n > bytes || offset & (n - 1))
		n >>= 1;
	return n;
}

bool vfu_region_access_valid(struct vfu_device *dev, uint32_t region, uint64_t offset, uint32_t bytes)
{
	uint64_t size = region < VFIO_PCI_NUM_REGIONS ? region_size(dev, region) : 0;

	if (!bytes || offset >= size || bytes > size - offset)
		return false;
	/* Registers and doorbells are accessed one at a time. */
	return region == VFIO_PCI_CONFIG_REGION_INDEX || region == GAON_BAR_HBM ||
	       piece(offset, bytes) == bytes;
}

int vfu_region_read(struct vfu_device *dev, uint32_t region, uint64_t offset, void *data, uint32_t bytes)
{
	uint8_t *to = data;

	if (!vfu_region_access_valid(dev, region, offset, bytes))
		return -EINVAL;
	while (bytes) {
		uint32_t n = piece(offset, bytes);

		if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
			gaon_sim_config_read(dev->sim, offset, to, n);
		} else {
			uint64_t value = gaon_sim_bar_read(dev->sim, region, offset, n);

			memcpy(to, &value, n);
		}
		to += n;
		offset += n;
		bytes -= n;
	}
	return 0;
}

int vfu_region_write(struct vfu_device *dev, uint32_t region, uint64_t offset, const void *data,
		     uint32_t bytes)
{
	const uint8_t *from = data;

	if (!vfu_region_access_valid(dev, region, offset, bytes))
		return -EINVAL;
	while (bytes) {
		uint32_t n = piece(offset, bytes);
		uint64_t value = 0;

		memcpy(&value, from, n);
		if (region == VFIO_PCI_CONFIG_REGION_INDEX)
			gaon_sim_config_write(dev->sim, offset, from, n);
		else
			gaon_sim_bar_write(dev->sim, region, offset, value, n);
		from += n;
		offset += n;
		bytes -= n;
	}
	/* An FLR masked the table; what masks there are is the client's business. */
	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		gaon_sim_msix_unmask(dev->sim, vfu_irqs_armed(&dev->irqs));
	return 0;
}
