// SPDX-License-Identifier: MIT
#include "elf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* <elf.h> above is the system's: this directory is not on the include path. */
#ifndef EM_RISCV
#error "the system's elf.h is needed"
#endif

#define PAGE		4096ull
#define SYMBOLS_MAX	(1u << 18)

struct elf_file {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr head;
	char *why;
	size_t why_size;
};

#define BAD(f, ...) (snprintf((f)->why, (f)->why_size, __VA_ARGS__), GAON_ERROR_INVALID_MODULE)

/* @bytes at @offset of the file, or NULL. */
static const void *file_at(const struct elf_file *f, uint64_t offset, uint64_t bytes)
{
	if (offset > f->size || bytes > f->size - offset)
		return NULL;
	return f->data + offset;
}

static bool program_has(const struct elf_program *p, uint64_t offset, uint64_t bytes)
{
	return offset <= p->bytes && bytes <= p->bytes - offset;
}

static const struct elf_segment *segment_of(const struct elf_program *p, uint64_t offset,
					    uint64_t bytes)
{
	uint32_t i;

	for (i = 0; i < p->segment_count; i++) {
		const struct elf_segment *s = &p->segments[i];

		if (offset >= s->offset && offset - s->offset <= s->bytes &&
		    bytes <= s->bytes - (offset - s->offset))
			return s;
	}
	return NULL;
}

/* --- header ---------------------------------------------------------------------------------- */

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "x86";
	case EM_AARCH64:
		return "AArch64";
	case EM_ARM:
		return "Arm";
	case EM_PPC64:
		return "PowerPC 64";
	case EM_CUDA:
		return "CUDA";
	case EM_AMDGPU:
		return "AMD GPU";
	default:
		return "another machine";
	}
}

static enum gaon_status check_header(struct elf_file *f)
{
	const Elf64_Ehdr *h = &f->head;

	if (f->size < EI_NIDENT || memcmp(f->data, ELFMAG, SELFMAG))
		return BAD(f, "not an ELF file");
	if (f->size < sizeof(f->head))
		return BAD(f, "truncated in the ELF header");
	memcpy(&f->head, f->data, sizeof(f->head));
	if (h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_RISCV) {
		snprintf(f->why, f->why_size,
			 "the file is for %s (ELF machine %u); device programs are RISC-V, 64 bits",
			 h->e_machine == EM_RISCV ? "big-endian RISC-V" :
			 machine_name(h->e_machine), h->e_machine);
		return GAON_ERROR_WRONG_MACHINE;
	}
	if (h->e_ident[EI_CLASS] != ELFCLASS64) {
		snprintf(f->why, f->why_size, "the file is for 32-bit RISC-V, the device has 64 bits");
		return GAON_ERROR_WRONG_MACHINE;
	}
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
		return BAD(f, "unknown ELF version");
	if (h->e_type != ET_DYN)
		return BAD(f, "not a static PIE (ELF type %u): link with gaoncc", h->e_type);
	if ((h->e_flags & EF_RISCV_FLOAT_ABI) != EF_RISCV_FLOAT_ABI_DOUBLE ||
	    (h->e_flags & EF_RISCV_RVE))
		return BAD(f, "ABI is not lp64d (ELF flags %#x)", h->e_flags);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > 64 ||
	    !file_at(f, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
		return BAD(f, "program headers are damaged or truncated");
	return GAON_OK;
}

static Elf64_Phdr header_at(const struct elf_file *f, unsigned int i)
{
	Elf64_Phdr ph;

	memcpy(&ph, f->data + f->head.e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

/* --- segments -------------------------------------------------------------------------------- */

static enum gaon_status check_segment(struct elf_file *f, struct elf_program *p,
				      const Elf64_Phdr *ph, uint64_t *end)
{
	struct elf_segment *s = &p->segments[p->segment_count];

	if (p->segment_count == ELF_SEGMENTS_MAX)
		return BAD(f, "more than %d segments", ELF_SEGMENTS_MAX);
	if (ph->p_filesz > ph->p_memsz || !file_at(f, ph->p_offset, ph->p_filesz))
		return BAD(f, "truncated: segment %u is not wholly in the file", p->segment_count);
	if (ph->p_vaddr > ELF_SPAN_MAX || ph->p_memsz > ELF_SPAN_MAX)
		return BAD(f, "segment %u lies outside %llu MiB", p->segment_count,
			   (unsigned long long)(ELF_SPAN_MAX >> 20));
	if ((ph->p_flags & PF_W) && (ph->p_flags & PF_X))
		return BAD(f, "segment %u is writable and executable", p->segment_count);
	if (p->segment_count && (ph->p_vaddr & ~(PAGE - 1)) < *end)
		return BAD(f, "segment %u shares a page with the one before", p->segment_count);
	if (!p->segment_count)
		p->bias = ph->p_vaddr & ~(PAGE - 1);
	*end = (ph->p_vaddr + ph->p_memsz + PAGE - 1) & ~(PAGE - 1);
	s->offset = (ph->p_vaddr & ~(PAGE - 1)) - p->bias;
	s->bytes = *end - p->bias - s->offset;
	s->writable = ph->p_flags & PF_W;
	s->executable = ph->p_flags & PF_X;
	p->segment_count++;
	return GAON_OK;
}

static enum gaon_status read_segments(struct elf_file *f, struct elf_program *p)
{
	enum gaon_status status;
	uint64_t end = 0;
	unsigned int i;

	for (i = 0; i < f->head.e_phnum; i++) {
		Elf64_Phdr ph = header_at(f, i);

		if (ph.p_type == PT_INTERP)
			return BAD(f, "needs a dynamic linker: link with gaoncc");
		if (ph.p_type == PT_TLS && ph.p_memsz)
			return BAD(f, "uses thread-local storage, which kernels do not have");
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		status = check_segment(f, p, &ph, &end);
		if (status)
			return status;
	}
	if (!p->segment_count)
		return BAD(f, "nothing to load");
	p->bytes = end - p->bias;
	if (p->bytes > ELF_SPAN_MAX)
		return BAD(f, "larger than %llu MiB in memory",
			   (unsigned long long)(ELF_SPAN_MAX >> 20));
	p->image = calloc(1, p->bytes);
	if (!p->image) {
		snprintf(f->why, f->why_size, "no memory for a program of %llu bytes",
			 (unsigned long long)p->bytes);
		return GAON_ERROR_OUT_OF_MEMORY;
	}
	for (i = 0; i < f->head.e_phnum; i++) {
		Elf64_Phdr ph = header_at(f, i);

		if (ph.p_type == PT_LOAD && ph.p_memsz)
			memcpy(p->image + (ph.p_vaddr - p->bias), f->data + ph.p_offset,
			       ph.p_filesz);
	}
	return GAON_OK;
}

/* --- relocations ----------------------------------------------------------------------------- */

static enum gaon_status check_dynamic(struct elf_file *f, struct elf_program *p,
				      const Elf64_Phdr *ph)
{
	uint64_t rela = 0, rela_bytes = 0, entry = sizeof(Elf64_Rela), at;

	if (!file_at(f, ph->p_offset, ph->p_filesz))
		return BAD(f, "truncated: the dynamic section is not in the file");
	for (at = 0; at + sizeof(Elf64_Dyn) <= ph->p_filesz; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn dyn;

		memcpy(&dyn, f->data + ph->p_offset + at, sizeof(dyn));
		switch (dyn.d_tag) {
		case DT_NULL:
			at = ph->p_filesz;
			break;
		case DT_NEEDED:
			return BAD(f, "needs shared libraries: link with gaoncc");
		case DT_RELA:
			rela = dyn.d_un.d_val;
			break;
		case DT_RELASZ:
			rela_bytes = dyn.d_un.d_val;
			break;
		case DT_RELAENT:
			entry = dyn.d_un.d_val;
			break;
		case DT_RELSZ:
		case DT_PLTRELSZ:
		case DT_RELRSZ:
			if (dyn.d_un.d_val)
				return BAD(f, "has relocations that kernels cannot have (dynamic tag %lld)",
					   (long long)dyn.d_tag);
			break;
		}
	}
	if (!rela_bytes)
		return GAON_OK;
	if (entry != sizeof(Elf64_Rela) || rela_bytes % entry || rela < p->bias ||
	    !program_has(p, rela - p->bias, rela_bytes))
		return BAD(f, "the relocation table is damaged");
	p->rela = rela - p->bias;
	p->rela_count = rela_bytes / entry;
	return GAON_OK;
}

static enum gaon_status check_relocations(struct elf_file *f, struct elf_program *p)
{
	uint64_t i;

	for (i = 0; i < p->rela_count; i++) {
		Elf64_Rela r;

		memcpy(&r, p->image + p->rela + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) == R_RISCV_NONE)
			continue;
		if (ELF64_R_TYPE(r.r_info) != R_RISCV_RELATIVE || ELF64_R_SYM(r.r_info))
			return BAD(f, "relocation %llu is of type %llu; only RELATIVE is possible",
				   (unsigned long long)i,
				   (unsigned long long)ELF64_R_TYPE(r.r_info));
		if (r.r_offset < p->bias || !segment_of(p, r.r_offset - p->bias, 8))
			return BAD(f, "relocation %llu writes outside the program",
				   (unsigned long long)i);
		if ((uint64_t)r.r_addend < p->bias || (uint64_t)r.r_addend - p->bias > p->bytes)
			return BAD(f, "relocation %llu points outside the program",
				   (unsigned long long)i);
	}
	return GAON_OK;
}

static enum gaon_status read_dynamic(struct elf_file *f, struct elf_program *p)
{
	unsigned int i;

	for (i = 0; i < f->head.e_phnum; i++) {
		Elf64_Phdr ph = header_at(f, i);
		enum gaon_status status;

		if (ph.p_type != PT_DYNAMIC)
			continue;
		status = check_dynamic(f, p, &ph);
		if (status)
			return status;
	}
	return check_relocations(f, p);
}

enum gaon_status elf_relocate(const struct elf_program *p, uint8_t *image, uint64_t base,
			      char *why, size_t why_size)
{
	uint64_t i;

	for (i = 0; i < p->rela_count; i++) {
		Elf64_Rela r;
		uint64_t value;

		/* From the copy that was checked: a relocation may aim at the table itself. */
		memcpy(&r, p->image + p->rela + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) != R_RISCV_RELATIVE)
			continue;
		if (!program_has(p, r.r_offset - p->bias, 8)) {
			snprintf(why, why_size, "relocation outside the program");
			return GAON_ERROR_INVALID_MODULE;
		}
		value = base + (uint64_t)r.r_addend - p->bias;
		memcpy(image + (r.r_offset - p->bias), &value, sizeof(value));
	}
	return GAON_OK;
}

/* --- sections: kernels, symbols, attributes -------------------------------------------------- */

struct elf_sections {
	const uint8_t *table;
	unsigned int count;
	const char *names;
	uint64_t names_bytes;
};

static Elf64_Shdr section_at(const struct elf_sections *s, unsigned int i)
{
	Elf64_Shdr sh;

	memcpy(&sh, s->table + i * sizeof(sh), sizeof(sh));
	return sh;
}

static enum gaon_status read_sections(struct elf_file *f, struct elf_sections *s)
{
	const Elf64_Ehdr *h = &f->head;
	Elf64_Shdr names;

	if (!h->e_shnum || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum)
		return BAD(f, "no section table: it holds the kernels' metadata, do not strip it");
	s->table = file_at(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr));
	if (!s->table)
		return BAD(f, "truncated: the section table is not in the file");
	s->count = h->e_shnum;
	names = section_at(s, h->e_shstrndx);
	s->names = file_at(f, names.sh_offset, names.sh_size);
	s->names_bytes = names.sh_size;
	if (!s->names || !names.sh_size || s->names[names.sh_size - 1])
		return BAD(f, "the section names are damaged");
	return GAON_OK;
}

/* Contents of the section of that name; false if there is none or it is not in the file. */
static bool find_section(const struct elf_file *f, const struct elf_sections *s, const char *name,
			 const void **data, uint64_t *bytes)
{
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		Elf64_Shdr sh = section_at(s, i);

		if (sh.sh_name >= s->names_bytes || strcmp(s->names + sh.sh_name, name) ||
		    sh.sh_type == SHT_NOBITS)
			continue;
		*data = file_at(f, sh.sh_offset, sh.sh_size);
		*bytes = sh.sh_size;
		return *data != NULL;
	}
	return false;
}

static enum gaon_status add_symbol(struct elf_file *f, struct elf_program *p, const Elf64_Sym *sym,
				   const char *name)
{
	uint64_t offset = sym->st_value - p->bias;
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	uint32_t i;

	if (sym->st_value < p->bias || !program_has(p, offset, sym->st_size))
		return BAD(f, "symbol %.64s lies outside the program", name);
	if (type == STT_FUNC || type == STT_NOTYPE) {
		for (i = 0; i < p->entry_count; i++) {
			if (strcmp(p->entries[i].info.name, name))
				continue;
			const struct elf_segment *s = segment_of(p, offset, 2);

			if (!s || !s->executable || (offset & 1))
				return BAD(f, "kernel %.64s does not lie in code", name);
			p->entries[i].offset = offset;
		}
	}
	/* Hidden variables, which all of a kernel's are, have become local when it was linked. */
	if (type == STT_OBJECT)
		p->symbols[p->symbol_count++] = (struct elf_symbol){ name, offset, sym->st_size };
	return GAON_OK;
}

static enum gaon_status read_symbols(struct elf_file *f, struct elf_program *p,
				     const struct elf_sections *s)
{
	const void *table, *strings;
	uint64_t bytes, string_bytes, i;

	if (!find_section(f, s, ".symtab", &table, &bytes) ||
	    !find_section(f, s, ".strtab", &strings, &string_bytes) || !string_bytes ||
	    ((const char *)strings)[string_bytes - 1])
		return BAD(f, "no symbol table: it names the kernels' entries, do not strip it");
	if (bytes / sizeof(Elf64_Sym) > SYMBOLS_MAX)
		return BAD(f, "more than %u symbols", SYMBOLS_MAX);
	p->strings = malloc(string_bytes);
	p->symbols = calloc(bytes / sizeof(Elf64_Sym) + 1, sizeof(*p->symbols));
	if (!p->strings || !p->symbols) {
		snprintf(f->why, f->why_size, "no memory for the symbols");
		return GAON_ERROR_OUT_OF_MEMORY;
	}
	memcpy(p->strings, strings, string_bytes);
	for (i = 1; i < bytes / sizeof(Elf64_Sym); i++) {
		Elf64_Sym sym;
		enum gaon_status status;

		memcpy(&sym, (const uint8_t *)table + i * sizeof(sym), sizeof(sym));
		if (sym.st_name >= string_bytes)
			return BAD(f, "the symbol table is damaged");
		if (!sym.st_name || sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
			continue;
		status = add_symbol(f, p, &sym, p->strings + sym.st_name);
		if (status)
			return status;
	}
	return GAON_OK;
}

static enum gaon_status check_kernel(struct elf_file *f, const struct gaon_kernel_info *k)
{
	static const uint32_t none[sizeof(k->reserved) / sizeof(k->reserved[0])];
	uint32_t i;

	if (!k->name[0] || !memchr(k->name, 0, sizeof(k->name)))
		return BAD(f, "a kernel has no name");
	if (k->abi != GAON_KERNEL_ABI)
		return BAD(f, "kernel %s has ABI %u, this library knows %u: compile it again", k->name,
			   k->abi, GAON_KERNEL_ABI);
	if (k->args_size > GAON_KERNEL_ARGS_MAX || !k->args_align || k->args_align > 64 ||
	    (k->args_align & (k->args_align - 1)))
		return BAD(f, "kernel %s: arguments of %u bytes aligned to %u", k->name, k->args_size,
			   k->args_align);
	if (k->flags & ~GAON_KERNEL_COOPERATIVE || memcmp(k->reserved, none, sizeof(none)))
		return BAD(f, "kernel %s has metadata that this library does not know", k->name);
	if (k->stack_bytes % 16 || k->stack_bytes > 1u << 28 || k->spm_bytes > 1u << 28)
		return BAD(f, "kernel %s: stack of %u bytes, scratchpad of %u bytes", k->name,
			   k->stack_bytes, k->spm_bytes);
	if (k->pointer_count > GAON_KERNEL_POINTERS)
		return BAD(f, "kernel %s has too many pointers", k->name);
	for (i = 0; i < k->pointer_count; i++) {
		if (k->pointer_offset[i] + 8u > k->args_size)
			return BAD(f, "kernel %s: pointer %u lies outside the arguments", k->name, i);
	}
	return GAON_OK;
}

static enum gaon_status read_kernels(struct elf_file *f, struct elf_program *p,
				     const struct elf_sections *s)
{
	enum gaon_status status;
	const void *data;
	uint64_t bytes;
	uint32_t i, k;

	if (!find_section(f, s, GAON_KERNEL_SECTION, &data, &bytes) || !bytes)
		return BAD(f, "no kernels: section %s is missing or empty", GAON_KERNEL_SECTION);
	if (bytes % sizeof(struct gaon_kernel_info) ||
	    bytes / sizeof(struct gaon_kernel_info) > ELF_KERNELS_MAX)
		return BAD(f, "section %s has a size of %llu bytes", GAON_KERNEL_SECTION,
			   (unsigned long long)bytes);
	p->entry_count = (uint32_t)(bytes / sizeof(struct gaon_kernel_info));
	p->entries = calloc(p->entry_count, sizeof(*p->entries));
	if (!p->entries) {
		snprintf(f->why, f->why_size, "no memory for %u kernels", p->entry_count);
		return GAON_ERROR_OUT_OF_MEMORY;
	}
	for (i = 0; i < p->entry_count; i++) {
		struct gaon_kernel_info *info = &p->entries[i].info;

		memcpy(info, (const uint8_t *)data + i * sizeof(*info), sizeof(*info));
		p->entries[i].offset = UINT64_MAX;
		status = check_kernel(f, info);
		if (status)
			return status;
		for (k = 0; k < i; k++) {
			if (!strcmp(p->entries[k].info.name, info->name))
				return BAD(f, "kernel %s is there twice", info->name);
		}
	}
	return GAON_OK;
}

static enum gaon_status read_program(struct elf_file *f, struct elf_program *p)
{
	struct elf_sections sections = { 0 };
	enum gaon_status status;
	const void *data;
	uint64_t bytes;
	uint32_t i;

	status = check_header(f);
	if (!status)
		status = read_segments(f, p);
	if (!status)
		status = read_dynamic(f, p);
	if (!status)
		status = read_sections(f, &sections);
	if (!status && find_section(f, &sections, ".riscv.attributes", &data, &bytes))
		status = elf_check_attributes(data, bytes, &p->zvl, f->why, f->why_size);
	if (!status)
		status = read_kernels(f, p, &sections);
	if (!status)
		status = read_symbols(f, p, &sections);
	for (i = 0; !status && i < p->entry_count; i++) {
		if (p->entries[i].offset == UINT64_MAX)
			status = BAD(f, "kernel %s has no entry in the symbol table",
				     p->entries[i].info.name);
	}
	return status;
}

enum gaon_status elf_load(struct elf_program *program, const void *file, size_t size, char *why,
			  size_t why_size)
{
	struct elf_file f = { .data = file, .size = size, .why = why, .why_size = why_size };
	enum gaon_status status;

	*program = (struct elf_program){ 0 };
	status = read_program(&f, program);
	if (status)
		elf_unload(program);
	return status;
}

void elf_unload(struct elf_program *program)
{
	free(program->image);
	free(program->entries);
	free(program->symbols);
	free(program->strings);
	*program = (struct elf_program){ 0 };
}
