/* SPDX-License-Identifier: MIT */
/* What a device kernel's ELF file tells the loader, and the print ring. Documentation/hw/kernels.rst. */
#ifndef GAON_HW_KERNEL_H
#define GAON_HW_KERNEL_H

#include <stdint.h>

#define GAON_KERNEL_ABI		2
#define GAON_KERNEL_SECTION	".gaon.kernels"	/* array of struct gaon_kernel_info, not loaded */
#define GAON_KERNEL_NAME_MAX	64
#define GAON_KERNEL_ARGS_MAX	4096
#define GAON_KERNEL_POINTERS	16

#define GAON_KERNEL_COOPERATIVE	(1u << 0)

struct gaon_kernel_info {
	char name[GAON_KERNEL_NAME_MAX];	/* also the ELF symbol of the entry */
	uint32_t abi;
	uint32_t args_size, args_align;
	uint32_t stack_bytes;
	uint32_t spm_bytes;		/* static part; a launch may ask for more */
	uint32_t min_vlen;
	uint32_t flags;
	uint32_t pointer_count;
	uint16_t pointer_offset[GAON_KERNEL_POINTERS];	/* offsets of device pointers in the arguments */
	uint32_t reserved[4];
};					/* 144 bytes */

/*
 * Print ring, in device memory that the host can read. A record is reserved with an atomic add on
 * `write` (counted in 8-byte words), filled, then made valid by storing `head` last with release.
 * If it does not fit before `limit`, `dropped` is incremented instead; the host drains and resets
 * both between launches or when asked. words includes the record header.
 */
struct gaon_print_ring {
	uint64_t write;			/* words reserved ever */
	uint64_t limit;			/* words that may be reserved so far; host's */
	uint64_t dropped;
	uint64_t size;			/* words in data[], a power of two */
	uint64_t data[];
};

#define GAON_PRINT_PRINTF	1
#define GAON_PRINT_ASSERT	2
#define GAON_PRINT_WORDS_MAX	64
#define GAON_PRINT_HEADER_WORDS	5

struct gaon_print_record {
	uint64_t head;			/* kind << 56 | words << 48 | CSR LAUNCH_TAG; 0: not yet valid */
	uint64_t format_va;		/* NUL-terminated, in the module's image */
	uint32_t workgroup;
	uint32_t line;
	uint64_t file_va;
	uint64_t launch;		/* CSR LAUNCH_ID */
	/* Integers and pointers as u64, floating point as a double's bits, %s as its address. */
	uint64_t args[];
};

#endif
