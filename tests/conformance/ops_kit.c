// SPDX-License-Identifier: MIT
/*
 * The kernel-writer's kit from outside: gaoncc's modules, what it refuses, the guide's first kernel
 * compiled and run.
 */
#include "ops_common.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_kernel.h>

#define GUIDE	SOURCE_DIR "/Documentation/kernels/"

static char work[64];

static void work_begin(void)
{
	strcpy(work, "/tmp/gaon-kit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(work));
}

static void work_end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", work);
	ck_assert_int_eq(system(command), 0);
}

static void write_source(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", work, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(data);
	*size = fread(data, 1, 1 << 20, file);
	fclose(file);
	return data;
}

/* The ABI of Documentation/hw/kernels.rst: PIE, W^X, RELATIVE only, metadata not loaded. */
static void check_elf(const uint8_t *data, uint64_t *kernels)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)data;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(data + h->e_phoff);
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(data + h->e_shoff);
	const char *names = (const char *)data + sh[h->e_shstrndx].sh_offset;

	ck_assert_uint_eq(h->e_type, ET_DYN);
	ck_assert_uint_eq(h->e_machine, EM_RISCV);
	for (int i = 0; i < h->e_phnum; i++) {
		ck_assert_uint_ne(ph[i].p_type, PT_INTERP);
		ck_assert_uint_ne(ph[i].p_type, PT_TLS);
		if (ph[i].p_type == PT_LOAD)
			ck_assert_uint_ne(ph[i].p_flags & (PF_W | PF_X), PF_W | PF_X);
	}
	*kernels = 0;
	for (int i = 0; i < h->e_shnum; i++) {
		if (sh[i].sh_type == SHT_RELA)
			for (uint64_t r = 0; r < sh[i].sh_size; r += sizeof(Elf64_Rela))
				ck_assert_uint_eq(((const Elf64_Rela *)(data + sh[i].sh_offset + r))->r_info,
						  R_RISCV_RELATIVE);
		if (strcmp(names + sh[i].sh_name, GAON_KERNEL_SECTION))
			continue;
		ck_assert(!(sh[i].sh_flags & SHF_ALLOC));
		*kernels = sh[i].sh_size / sizeof(struct gaon_kernel_info);
	}
}

START_TEST(module_layout)
{
	char output[8192], path[128];
	uint64_t kernels;
	uint8_t *data;
	size_t size;

	work_begin();
	ck_assert_msg(!ops_shell(output, GAONCC " -O3 -Wall -Wextra -Werror %s -o %s/a.elf", GUIDE "first.c",
			   work), "%s", output);
	snprintf(path, sizeof(path), "%s/a.elf", work);
	data = read_file(path, &size);
	check_elf(data, &kernels);
	ck_assert_uint_eq(kernels, 1);
	free(data);
	/* The same source twice is the same file. */
	ck_assert(!ops_shell(output, GAONCC " -O3 %s -o %s/b.elf && cmp %s/a.elf %s/b.elf", GUIDE "first.c",
		       work, work, work));
	work_end();
}
END_TEST

START_TEST(gaoncc_refuses)
{
	char output[8192];

	work_begin();
	write_source("tls.c", "#include <gaon/device.h>\n_Thread_local int x;\nstruct a { int n; };\n"
		     "GAON_KERNEL(k, struct a) { x += args->n; }\n");
	ck_assert_int_ne(ops_shell(output, GAONCC " -O1 %s/tls.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "thread-local") != NULL, "%s", output);
	write_source("undefined.c", "#include <gaon/device.h>\nstruct a { int n; };\nvoid nowhere(void);\n"
		     "GAON_KERNEL(k, struct a) { (void)args; nowhere(); }\n");
	ck_assert_int_ne(ops_shell(output, GAONCC " %s/undefined.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "nowhere") != NULL, "%s", output);
	write_source("constructor.c", "#include <gaon/device.h>\nint x;\nstruct a { int n; };\n"
		     "__attribute__((constructor, used)) static void c(void) { x = 1; }\n"
		     "GAON_KERNEL(k, struct a) { (void)args; }\n");
	ck_assert_int_ne(ops_shell(output, GAONCC " %s/constructor.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "constructors") != NULL, "%s", output);
	ck_assert_int_ne(ops_shell(output, GAONCC " --vlen=100 %s/tls.c", work), 0);
	ck_assert_int_ne(ops_shell(output, "GAONCC_CLANG=no-such-clang " GAONCC " %s/tls.c", work), 0);
	ck_assert_msg(strstr(output, "apt-get install") != NULL, "%s", output);
	ck_assert_int_eq(ops_shell(output, GAONCC " --help"), 0);
	ck_assert_ptr_nonnull(strstr(output, "Usage:"));
	ck_assert_int_eq(ops_shell(output, GAONCC " --vlen=4096 --print-flags"), 0);
	ck_assert_ptr_nonnull(strstr(output, "zvl4096b"));
	work_end();
}
END_TEST

START_TEST(first_kernel)
{
	char output[8192];

	work_begin();
	ck_assert_msg(!ops_shell(output, GAONCC " -O3 %s -o %s/saxpy.elf", GUIDE "first.c", work), "%s", output);
	ck_assert_msg(!ops_shell(output, "clang-22 -O2 " SAN_FLAGS " -I%s/include %s -L%s "
			   "-Wl,-rpath,%s -lgaon -o %s/first",
			   SOURCE_DIR, GUIDE "first_host.c", BUILD_DIR, BUILD_DIR, work), "%s", output);
	ck_assert_msg(!ops_shell(output, "%s/first %s/saxpy.elf", work, work), "%s", output);
	ck_assert_msg(strstr(output, "100000 elements are right") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "4 workgroups, 25024 elements") != NULL, "%s", output);
	work_end();
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, module_layout);
	tcase_add_test(t, gaoncc_refuses);
	tcase_add_test(t, first_kernel);
}

int main(void)
{
	return ops_run("ops_kit", add);
}
