/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user protocol, version 0.0, as it is on the wire: little endian, host order on every
 * machine that this runs on.  The meanings of flags and indices are <linux/vfio.h>'s.
 */
#ifndef GAON_SIM_VFIO_WIRE_H
#define GAON_SIM_VFIO_WIRE_H

#include <stdint.h>

#include <linux/vfio.h>

enum vfu_command {
	VFU_VERSION		= 1,
	VFU_DMA_MAP		= 2,
	VFU_DMA_UNMAP		= 3,
	VFU_GET_INFO		= 4,
	VFU_GET_REGION_INFO	= 5,
	VFU_GET_REGION_IO_FDS	= 6,
	VFU_GET_IRQ_INFO	= 7,
	VFU_SET_IRQS		= 8,
	VFU_REGION_READ		= 9,
	VFU_REGION_WRITE	= 10,
	VFU_DMA_READ		= 11,	/* from the server to the client */
	VFU_DMA_WRITE		= 12,	/* likewise */
	VFU_RESET		= 13,
	VFU_REGION_WRITE_MULTI	= 15,
};

#define VFU_F_TYPE_MASK	0xfu
#define VFU_F_REQUEST	0x0u
#define VFU_F_REPLY	0x1u
#define VFU_F_NO_REPLY	0x10u
#define VFU_F_ERROR	0x20u

struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;		/* this header included */
	uint32_t flags;
	uint32_t error;		/* errno, with VFU_F_ERROR */
};

struct vfu_version {
	uint16_t major, minor;
	/* JSON text and a NUL follow */
};

#define VFU_DMA_F_READ	1u
#define VFU_DMA_F_WRITE	2u

struct vfu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset;	/* in the file that comes along, if one does */
	uint64_t iova, size;
};

#define VFU_UNMAP_F_ALL	2u

struct vfu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
};

struct vfu_device_info {
	uint32_t argsz, flags, regions, irqs;
};

struct vfu_region_access {
	uint64_t offset;
	uint32_t region, count;
	/* data follows */
};

#define VFU_MULTI_MAX	200u

struct vfu_write_multi_entry {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[8];
};

struct vfu_dma_access {
	uint64_t addr, count;
	/* data follows */
};

#define VFU_DATA_MAX	(1u << 20)	/* bytes of an access, either way */
#define VFU_MESSAGE_MAX	(sizeof(struct vfu_header) + 64 + VFU_DATA_MAX)
#define VFU_FDS_MAX	16u		/* files that come with a message */
#define VFU_MAPS_MAX	65535u

_Static_assert(sizeof(struct vfu_header) == 16, "wire format");
_Static_assert(sizeof(struct vfu_dma_map) == 32, "wire format");
_Static_assert(sizeof(struct vfu_dma_unmap) == 24, "wire format");
_Static_assert(sizeof(struct vfu_device_info) == 16, "wire format");
_Static_assert(sizeof(struct vfu_region_access) == 16, "wire format");
_Static_assert(sizeof(struct vfu_write_multi_entry) == 24, "wire format");
_Static_assert(sizeof(struct vfio_region_info) == 32, "wire format");
_Static_assert(sizeof(struct vfio_irq_info) == 16, "wire format");
_Static_assert(sizeof(struct vfio_irq_set) == 20, "wire format");

#endif
