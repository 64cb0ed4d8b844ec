/* SPDX-License-Identifier: MIT */
/* Device programs: what is read out of an ELF file. The file is hostile; nothing here trusts it. */
#ifndef GAON_RUNTIME_ELF_H
#define GAON_RUNTIME_ELF_H

#include <hw/gaon_kernel.h>

#include <gaon/gaon.h>

#define ELF_SEGMENTS_MAX	16
#define ELF_KERNELS_MAX		1024
#define ELF_SPAN_MAX		(1ull << 30)	/* of a program in memory */

struct elf_segment {
	uint64_t offset, bytes;		/* in the image, whole pages */
	bool writable, executable;
};

struct elf_entry {
	struct gaon_kernel_info info;
	uint64_t offset;		/* of the entry in the image */
};

struct elf_symbol {
	const char *name;
	uint64_t offset, bytes;		/* in the image */
};

struct elf_program {
	uint8_t *image;			/* as in memory, not relocated */
	uint64_t bytes;			/* whole pages */
	uint64_t bias;			/* lowest address, subtracted from all others */
	uint64_t rela, rela_count;	/* offset in the image */
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	uint32_t segment_count;
	struct elf_entry *entries;
	uint32_t entry_count;
	struct elf_symbol *symbols;	/* data symbols */
	uint32_t symbol_count;
	char *strings;			/* what symbols' names point into */
	uint32_t zvl;			/* least bits of a vector register, 0: any */
};

/*
 * Check and lay out the program of a file.  Not OK: INVALID_MODULE, WRONG_MACHINE or OUT_OF_MEMORY,
 * @why says what is wrong, @program needs no clean-up.
 */
enum gaon_status elf_load(struct elf_program *program, const void *file, size_t size, char *why,
			  size_t why_size);
void elf_unload(struct elf_program *program);
/* Write the addresses of a program that starts at @base into @image (a copy of program->image). */
enum gaon_status elf_relocate(const struct elf_program *program, uint8_t *image, uint64_t base,
			      char *why, size_t why_size);

/* elf_attr.c: .riscv.attributes; as elf_load(). @zvl: see struct elf_program. */
enum gaon_status elf_check_attributes(const uint8_t *data, size_t size, uint32_t *zvl, char *why,
				      size_t why_size);

#endif
