/* SPDX-License-Identifier: MIT */
/* Firmware image. Specification: Documentation/hw/boot.rst. */
#ifndef GAON_HW_FWIMAGE_H
#define GAON_HW_FWIMAGE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define GAON_FW_MAGIC		0x31574e4f4147ull	/* "GAONW1\0\0" little endian */
#define GAON_FW_HEADER_VERSION	1
#define GAON_FW_CHIP_GA1	0x00314147u
#define GAON_FW_MAX_SIZE	(1u << 20)

struct gaon_fw_header {			/* 256 bytes, then payload_size bytes */
	uint64_t magic;
	uint32_t header_version;
	uint32_t header_size;		/* 256 */
	uint32_t payload_size;		/* multiple of 16 */
	uint32_t chip;
	uint32_t load_addr;		/* in MCU SRAM */
	uint32_t entry;
	uint32_t version;		/* major << 24 | minor << 16 | patch */
	uint32_t security_version;	/* anti-rollback */
	uint16_t abi_min, abi_max;
	uint32_t flags;			/* 0 */
	uint8_t build[32];		/* text, zero padded */
	uint8_t payload_sha256[32];
	uint8_t key_id[8];		/* first bytes of SHA-256 of the public key */
	uint8_t reserved[72];
	uint8_t signature[64];		/* Ed25519 over the first 192 bytes */
};

#define GAON_FW_SIGNED_BYTES	192

/* Where the host's file system has it, below /lib/firmware; the first that is there is taken. */
#define GAON_FW_FILE_ABI	"gaon/ga1-abi1.bin"
#define GAON_FW_FILE		"gaon/ga1.bin"

#define GAON_FW_FAULT_NONE	0
#define GAON_FW_FAULT_SIZE	1	/* shorter than its header says, or longer than an image can be */
#define GAON_FW_FAULT_MAGIC	2	/* no image */
#define GAON_FW_FAULT_HEADER	3	/* another header version, or fields out of range */
#define GAON_FW_FAULT_CHIP	4	/* for another chip */

/*
 * What software can say about an image before it hands it to the ROM, which checks all of it.
 * @size is that of the file.
 */
static inline int gaon_fw_header_check(const struct gaon_fw_header *header, uint64_t size)
{
	if (size < sizeof(*header) || size > GAON_FW_MAX_SIZE)
		return GAON_FW_FAULT_SIZE;
	if (header->magic != GAON_FW_MAGIC)
		return GAON_FW_FAULT_MAGIC;
	if (header->header_version != GAON_FW_HEADER_VERSION ||
	    header->header_size != sizeof(*header) || header->flags || !header->payload_size ||
	    header->payload_size % 16 || header->payload_size > GAON_FW_MAX_SIZE - sizeof(*header) ||
	    !header->abi_min || header->abi_min > header->abi_max)
		return GAON_FW_FAULT_HEADER;
	if (header->payload_size > size - sizeof(*header))
		return GAON_FW_FAULT_SIZE;
	return header->chip == GAON_FW_CHIP_GA1 ? GAON_FW_FAULT_NONE : GAON_FW_FAULT_CHIP;
}

#endif
