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

#endif
