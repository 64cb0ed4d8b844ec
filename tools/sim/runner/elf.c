// SPDX-License-Identifier: MIT
/*
 * Reading ELF executables.  Every offset, size and index comes from the file and is checked where it
 * is read.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

#define FILE_MAX	(1ull << 30)

/* Whether [offset, offset + size) lies in the file. */
static bool inside(const struct sim_elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->file_size && size <= elf->file_size - offset;
}

/* Program headers of both classes in one shape. */
static Elf64_Phdr phdr_at(const struct sim_elf *elf, uint64_t offset)
{
	Elf64_Phdr ph;
	Elf32_Phdr small;

	if (elf->bits == 64) {
		memcpy(&ph, elf->file + offset, sizeof(ph));
		return ph;
	}
	memcpy(&small, elf->file + offset, sizeof(small));
	return (Elf64_Phdr){
		.p_type = small.p_type, .p_offset = small.p_offset, .p_paddr = small.p_paddr,
		.p_filesz = small.p_filesz, .p_memsz = small.p_memsz,
	};
}

static Elf64_Shdr shdr_at(const struct sim_elf *elf, uint64_t offset)
{
	Elf64_Shdr sh;
	Elf32_Shdr small;

	if (elf->bits == 64) {
		memcpy(&sh, elf->file + offset, sizeof(sh));
		return sh;
	}
	memcpy(&small, elf->file + offset, sizeof(small));
	return (Elf64_Shdr){
		.sh_type = small.sh_type, .sh_offset = small.sh_offset, .sh_size = small.sh_size,
		.sh_link = small.sh_link,
	};
}

static Elf64_Sym sym_at(const struct sim_elf *elf, uint64_t offset)
{
	Elf64_Sym sym;
	Elf32_Sym small;

	if (elf->bits == 64) {
		memcpy(&sym, elf->file + offset, sizeof(sym));
		return sym;
	}
	memcpy(&small, elf->file + offset, sizeof(small));
	return (Elf64_Sym){ .st_name = small.st_name, .st_value = small.st_value };
}

static const char *parse_segments(struct sim_elf *elf, const Elf64_Ehdr *eh)
{
	uint64_t entry = elf->bits == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (eh->e_phentsize != entry)
		return "program headers of an unknown size";
	if (!inside(elf, eh->e_phoff, (uint64_t)eh->e_phnum * entry))
		return "program headers outside the file";
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph = phdr_at(elf, eh->e_phoff + i * entry);

		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		if (elf->segments == SIM_ELF_SEGMENTS)
			return "too many segments";
		if (ph.p_filesz > ph.p_memsz || !inside(elf, ph.p_offset, ph.p_filesz))
			return "a segment outside the file";
		if (ph.p_paddr > UINT64_MAX - ph.p_memsz)
			return "a segment beyond the end of memory";
		elf->segment[elf->segments++] = (struct sim_elf_segment){
			.address = ph.p_paddr, .memory_size = ph.p_memsz,
			.file_size = ph.p_filesz, .bytes = elf->file + ph.p_offset,
		};
	}
	return elf->segments ? NULL : "no segment to load";
}

static bool name_is(const char *strings, uint64_t size, uint64_t at, const char *name)
{
	size_t len = strlen(name) + 1;

	return at < size && len <= size - at && !memcmp(strings + at, name, len);
}

static void parse_symbols(struct sim_elf *elf, const Elf64_Shdr *symtab, const Elf64_Shdr *strtab)
{
	uint64_t entry = elf->bits == 64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const char *strings = (const char *)elf->file + strtab->sh_offset;

	for (uint64_t at = 0; symtab->sh_size - at >= entry; at += entry) {
		Elf64_Sym sym = sym_at(elf, symtab->sh_offset + at);

		if (name_is(strings, strtab->sh_size, sym.st_name, "tohost"))
			elf->tohost = sym.st_value;
		if (name_is(strings, strtab->sh_size, sym.st_name, "fromhost"))
			elf->fromhost = sym.st_value;
	}
}

/* A file without symbols, or with damaged ones, just has no tohost. */
static void parse_sections(struct sim_elf *elf, const Elf64_Ehdr *eh)
{
	uint64_t entry = elf->bits == 64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);

	if (eh->e_shentsize != entry || !inside(elf, eh->e_shoff, (uint64_t)eh->e_shnum * entry))
		return;
	for (unsigned int i = 0; i < eh->e_shnum; i++) {
		Elf64_Shdr symtab = shdr_at(elf, eh->e_shoff + i * entry), strtab;

		if (symtab.sh_type != SHT_SYMTAB || symtab.sh_link >= eh->e_shnum ||
		    !inside(elf, symtab.sh_offset, symtab.sh_size))
			continue;
		strtab = shdr_at(elf, eh->e_shoff + symtab.sh_link * entry);
		if (strtab.sh_type == SHT_STRTAB && inside(elf, strtab.sh_offset, strtab.sh_size))
			parse_symbols(elf, &symtab, &strtab);
	}
}

static const char *parse(struct sim_elf *elf)
{
	Elf64_Ehdr eh;
	Elf32_Ehdr small;
	const char *wrong;

	if (elf->file_size < sizeof(small))
		return "too short for an ELF file";
	if (memcmp(elf->file, ELFMAG, SELFMAG) || elf->file[EI_DATA] != ELFDATA2LSB)
		return "not a little-endian ELF file";
	memcpy(&small, elf->file, sizeof(small));
	if (elf->file[EI_CLASS] == ELFCLASS64) {
		if (elf->file_size < sizeof(eh))
			return "too short for an ELF file";
		elf->bits = 64;
		memcpy(&eh, elf->file, sizeof(eh));
	} else if (elf->file[EI_CLASS] == ELFCLASS32) {
		elf->bits = 32;
		eh = (Elf64_Ehdr){
			.e_entry = small.e_entry, .e_phoff = small.e_phoff, .e_shoff = small.e_shoff,
			.e_phentsize = small.e_phentsize, .e_phnum = small.e_phnum,
			.e_shentsize = small.e_shentsize, .e_shnum = small.e_shnum,
		};
	} else {
		return "an ELF file of an unknown class";
	}
	if (small.e_machine != EM_RISCV)
		return "not for RISC-V";
	if (small.e_type != ET_EXEC)
		return "not a fixed-address executable";
	elf->entry = eh.e_entry;
	wrong = parse_segments(elf, &eh);
	if (!wrong)
		parse_sections(elf, &eh);
	return wrong;
}

int sim_elf_parse(struct sim_elf *elf, uint8_t *file, size_t size, const char **message)
{
	memset(elf, 0, sizeof(*elf));
	elf->file = file;
	elf->file_size = size;
	*message = parse(elf);
	return *message ? -1 : 0;
}

static uint8_t *read_file(const char *path, size_t *size, const char **message)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL, *more;
	size_t room = 0, n;

	*size = 0;
	if (!f) {
		*message = strerror(errno);
		return NULL;
	}
	do {
		room = room ? room * 2 : 1 << 16;
		more = room > FILE_MAX ? NULL : realloc(bytes, room);
		if (!more) {
			*message = "too large";
			goto fail;
		}
		bytes = more;
		n = fread(bytes + *size, 1, room - *size, f);
		*size += n;
	} while (*size == room);
	if (ferror(f)) {
		*message = "cannot be read";
		goto fail;
	}
	fclose(f);
	return bytes;
fail:
	free(bytes);
	fclose(f);
	return NULL;
}

int sim_elf_open(struct sim_elf *elf, const char *path)
{
	const char *message = NULL;
	size_t size;
	uint8_t *file = read_file(path, &size, &message);

	if (file && !sim_elf_parse(elf, file, size, &message))
		return 0;
	fprintf(stderr, "gaon-sim: %s: %s\n", path, message);
	free(file);
	return -1;
}

void sim_elf_close(struct sim_elf *elf)
{
	free(elf->file);
	elf->file = NULL;
}
