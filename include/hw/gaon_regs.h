/* SPDX-License-Identifier: MIT */
/*
 * PCI identity, BAR layout, BAR0 registers and the physical address map of GA1.
 * Specification: Documentation/hw/pci.rst, registers.rst.
 */
#ifndef GAON_HW_REGS_H
#define GAON_HW_REGS_H

/* --- PCI ---------------------------------------------------------------------------------- */
/* A development identity that nobody assigned; software also checks what follows before it writes. */
#define GAON_PCI_VENDOR		0x1234
#define GAON_PCI_DEVICE		0x6a10
#define GAON_PCI_SUBVENDOR	0x6761	/* "ga" */
#define GAON_PCI_SUBDEVICE	0x0001
#define GAON_PCI_CLASS		0x120000
/* Vendor-specific capability: id 0x09, next, length 16, then these bytes. */
#define GAON_PCI_VSEC_MAGIC	0x314e4f41474e4f41ull	/* 8 bytes at +4 of the capability */
#define GAON_PCI_VSEC_LENGTH	16

#define GAON_BAR_REGS		0	/* 128 KiB: registers, MSI-X table and PBA */
#define GAON_BAR_HBM		2	/* 64-bit prefetchable: aperture on HBM */
#define GAON_BAR_DOORBELL	4	/* one 64 KiB page per context */
#define GAON_BAR0_SIZE		0x20000
#define GAON_MSIX_TABLE		0x10000
#define GAON_MSIX_PBA		0x18000
#define GAON_MSIX_VECTORS	8	/* 0: admin and device; 1 + r: event ring r, or its VECTOR */
#define GAON_EVENT_RINGS	7

#define GAON_DOORBELL_STRIDE	0x10000	/* bytes per context */
#define GAON_DOORBELLS		8192	/* per context; doorbell i is the 8 bytes at 8 * i */
#define GAON_CONTEXTS		1024
#define GAON_QUEUES		4096

/* --- physical addresses, 56 bits: a PTE's PPN names one of these ----------------------------- */
#define GAON_PA_SPACE_SHIFT	52
#define GAON_PA_OFFSET_MASK	0x000fffffffffffffull
#define GAON_PA_HBM		(0ull << GAON_PA_SPACE_SHIFT)	/* offset into local HBM */
#define GAON_PA_HOST		(1ull << GAON_PA_SPACE_SHIFT)	/* host bus address (IOVA) */
#define GAON_PA_POD		(2ull << GAON_PA_SPACE_SHIFT)	/* {chip:12, offset:40}; with FEATURE_LINKS */
#define GAON_PA_MASK		0x00ffffffffffffffull

/* --- BAR0 registers ----------------------------------------------------------------------- */
/* 32-bit unless marked 64; a 64-bit register takes one 8-byte or two 4-byte accesses, low first. */
#define GAON_REG_ID		0x0000	/* ro: GAON_ID */
#define GAON_REG_REVISION	0x0004	/* ro: major << 16 | minor of the hardware specification */
#define GAON_REG_STATE		0x0008	/* ro: GAON_STATE_* */
#define GAON_REG_BOOT_ERROR	0x000c	/* ro: GAON_BOOT_*; why the state is FATAL */
#define GAON_REG_FW_ADDR	0x0010	/* rw 64: physical address of the firmware image */
#define GAON_REG_FW_SIZE	0x0018	/* rw: its size in bytes */
#define GAON_REG_BOOT		0x001c	/* wo: GAON_BOOT_GO starts the ROM; only in state RESET */
#define GAON_REG_FW_VERSION	0x0020	/* ro: major << 24 | minor << 16 | patch, once READY */
#define GAON_REG_FW_ABI		0x0024	/* ro: min << 16 | max admin ABI, once READY */
#define GAON_REG_RESET		0x0028	/* wo: GAON_RESET_* */
#define GAON_REG_HEARTBEAT	0x002c	/* ro: counts while the firmware lives */
#define GAON_REG_HBM_SIZE	0x0030	/* ro 64: bytes */
#define GAON_REG_APERTURE	0x0038	/* ro 64: bytes of BAR2 */
#define GAON_REG_CYCLE		0x0040	/* ro 64: modelled cycles; latches HOST_NS */
#define GAON_REG_HOST_NS	0x0048	/* ro 64: host clock when CYCLE was last read */

#define GAON_REG_ADMIN_SQ	0x0080	/* rw 64: physical address of the submission ring */
#define GAON_REG_ADMIN_CQ	0x0088	/* rw 64: physical address of the completion ring */
#define GAON_REG_ADMIN_STATE	0x0090	/* rw 64: physical address of struct gaon_admin_state */
#define GAON_REG_ADMIN_LOG2	0x0098	/* rw: log2 of the entries of each ring, 2 to 12 */
#define GAON_REG_ADMIN_ENABLE	0x009c	/* rw: 1 after the five above are set; 0 stops */
#define GAON_REG_ADMIN_TAIL	0x00a0	/* wo: doorbell; value is the producer's index, modulo 2^32 */

#define GAON_REG_TLBI_DONE_ADDR	0x00c0	/* rw 64: where completed sequence numbers are stored */
#define GAON_REG_TLBI_ASID	0x00c8	/* rw: ASID of the next entry, or GAON_TLBI_ALL */
#define GAON_REG_TLBI_VA	0x00d0	/* rw 64: first byte */
#define GAON_REG_TLBI_SIZE	0x00d8	/* rw 64: bytes; 0: the whole ASID */
#define GAON_REG_TLBI_SEQ	0x00e0	/* wo 64: enqueues {ASID, VA, SIZE, this} */
#define GAON_REG_TLBI_DONE	0x00e8	/* ro 64: last completed sequence number */
#define GAON_REG_TLBI_FREE	0x00f0	/* ro: entries that fit now */
#define GAON_TLBI_ALL		0xffffffffu
#define GAON_TLBI_DEPTH		64

/* Event ring r: GAON_REG_EVENT(r) + offset */
#define GAON_REG_EVENT(r)	(0x0200 + (r) * 0x20)
#define GAON_EVENT_ADDR		0x00	/* rw 64: physical address of 2^LOG2 struct gaon_event */
#define GAON_EVENT_LOG2		0x08	/* rw: 4 to 16 */
#define GAON_EVENT_ENABLE	0x0c	/* rw: 1 starts at index 0 with the interrupt armed */
#define GAON_EVENT_HEAD		0x10	/* wo 64: consumer's index; arms the interrupt again */
#define GAON_EVENT_LOST		0x18	/* ro: sticky count of records dropped; cleared by ENABLE */
#define GAON_EVENT_VECTOR	0x1c	/* rw: MSI-X vector that the ring raises; 1 + r after a reset */
#define GAON_REG_LIMIT		0x0400	/* first unassigned offset below the MSI-X table */

#define GAON_ID			0x31414731u	/* "1GA1" */
#define GAON_REVISION		0x00010000u
#define GAON_BOOT_GO		0x424f4f54u	/* "BOOT" */
#define GAON_RESET_CHIP		0x52534554u	/* "RSET" */
#define GAON_RESET_FIRMWARE	0x52534657u	/* "RSFW": all but HBM; needs GAON_FEATURE_RESTART */

#define GAON_STATE_RESET	0
#define GAON_STATE_ROM		1
#define GAON_STATE_LOADING	2
#define GAON_STATE_READY	3
#define GAON_STATE_DEGRADED	4
#define GAON_STATE_FATAL	5
#define GAON_STATE_GONE		0xffffffffu	/* what a read returns when the card is not there */

#define GAON_BOOT_OK		0
#define GAON_BOOT_ADDRESS	1	/* image not readable at FW_ADDR */
#define GAON_BOOT_TRUNCATED	2	/* FW_SIZE smaller than the header or than it says */
#define GAON_BOOT_MAGIC		3
#define GAON_BOOT_HEADER	4	/* version, reserved fields or sizes */
#define GAON_BOOT_CHIP		5	/* image is for another chip */
#define GAON_BOOT_HASH		6	/* SHA-256 of the payload differs */
#define GAON_BOOT_SIGNATURE	7	/* Ed25519 signature or key unknown */
#define GAON_BOOT_ROLLBACK	8	/* security version older than the fuses' */
#define GAON_BOOT_RANGE		9	/* load or entry address outside SRAM */
#define GAON_BOOT_CRASH		10	/* the management core trapped without a handler or double faulted */
#define GAON_BOOT_TIMEOUT	11	/* firmware did not report READY in time */
#define GAON_BOOT_PANIC		12	/* firmware reported FATAL itself */

/* Then why, in the upper 16 bits of GAON_REG_BOOT_ERROR. */
#define GAON_PANIC_SHIFT	16
#define GAON_PANIC_TRAP		0x100	/* + mcause */
#define GAON_PANIC_ENGINES	0x200	/* engines do not stop even after a reset */
#define GAON_PANIC_SHAPE	0x201	/* a shape of the hardware that the firmware cannot serve */
#define GAON_PANIC_HEAT		0x202	/* gaon_identify.temp_emergency_mc or more; HBM is lost too */

#endif
