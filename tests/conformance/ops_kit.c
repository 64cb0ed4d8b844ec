// SPDX-License-Identifier: MIT
/*
 * The kernel-writer's kit from outside: gaoncc's modules, what it refuses, the guide's first kernel
 * compiled and run, DMA, semaphores, atomics and printf on the device, and the digits program.
 */
#include "ops_common.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* Runs a shell command, its output (both streams) in *@output; returns the exit status. */
static int run(char output[8192], const char *format, ...) __attribute__((format(printf, 2, 3)));
static int run(char output[8192], const char *format, ...)
{
	char command[1024];
	va_list list;
	FILE *pipe;
	size_t n;

	va_start(list, format);
	n = (size_t)vsnprintf(command, sizeof(command) - 8, format, list);
	va_end(list);
	ck_assert_uint_lt(n, sizeof(command) - 8);
	strcat(command, " 2>&1");
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	n = fread(output, 1, 8191, pipe);
	output[n] = 0;
	n = (size_t)pclose(pipe);
	ck_assert(WIFEXITED((int)n));
	return WEXITSTATUS((int)n);
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
	ck_assert_msg(!run(output, GAONCC " -O3 -Wall -Wextra -Werror %s -o %s/a.elf", GUIDE "first.c",
			   work), "%s", output);
	snprintf(path, sizeof(path), "%s/a.elf", work);
	data = read_file(path, &size);
	check_elf(data, &kernels);
	ck_assert_uint_eq(kernels, 1);
	free(data);
	/* The same source twice is the same file. */
	ck_assert(!run(output, GAONCC " -O3 %s -o %s/b.elf && cmp %s/a.elf %s/b.elf", GUIDE "first.c",
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
	ck_assert_int_ne(run(output, GAONCC " -O1 %s/tls.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "thread-local") != NULL, "%s", output);
	write_source("undefined.c", "#include <gaon/device.h>\nstruct a { int n; };\nvoid nowhere(void);\n"
		     "GAON_KERNEL(k, struct a) { (void)args; nowhere(); }\n");
	ck_assert_int_ne(run(output, GAONCC " %s/undefined.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "nowhere") != NULL, "%s", output);
	write_source("constructor.c", "#include <gaon/device.h>\nint x;\nstruct a { int n; };\n"
		     "__attribute__((constructor, used)) static void c(void) { x = 1; }\n"
		     "GAON_KERNEL(k, struct a) { (void)args; }\n");
	ck_assert_int_ne(run(output, GAONCC " %s/constructor.c -o %s/x.elf", work, work), 0);
	ck_assert_msg(strstr(output, "constructors") != NULL, "%s", output);
	ck_assert_int_ne(run(output, GAONCC " --vlen=100 %s/tls.c", work), 0);
	ck_assert_int_ne(run(output, "GAONCC_CLANG=no-such-clang " GAONCC " %s/tls.c", work), 0);
	ck_assert_msg(strstr(output, "apt-get install") != NULL, "%s", output);
	ck_assert_int_eq(run(output, GAONCC " --help"), 0);
	ck_assert_ptr_nonnull(strstr(output, "Usage:"));
	ck_assert_int_eq(run(output, GAONCC " --vlen=4096 --print-flags"), 0);
	ck_assert_ptr_nonnull(strstr(output, "zvl4096b"));
	work_end();
}
END_TEST

START_TEST(first_kernel)
{
	char output[8192];

	work_begin();
	ck_assert_msg(!run(output, GAONCC " -O3 %s -o %s/saxpy.elf", GUIDE "first.c", work), "%s", output);
	ck_assert_msg(!run(output, "clang-22 -O2 " SAN_FLAGS " -I%s/include %s -L%s "
			   "-Wl,-rpath,%s -lgaon -o %s/first",
			   SOURCE_DIR, GUIDE "first_host.c", BUILD_DIR, BUILD_DIR, work), "%s", output);
	ck_assert_msg(!run(output, "%s/first %s/saxpy.elf", work, work), "%s", output);
	ck_assert_msg(strstr(output, "100000 elements are right") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "4 workgroups, 25024 elements") != NULL, "%s", output);
	work_end();
}
END_TEST

static const char kit_source[] =
	"#include <gaon/device.h>\n"
	"struct kit { uint32_t *table, *rows, *out; uint64_t *sums; uint32_t *index; };\n"
	"static uint32_t calls[4] = { 10, 20, 30, 40 };\n"
	"static uint32_t *const where[2] = { &calls[1], &calls[3] };\n"
	"GAON_KERNEL(kit, struct kit, GAON_COOPERATIVE, .spm_bytes = 65536)\n"
	"{\n"
	"	uint32_t *spm = gaon_spm(uint32_t, 0), me = gaon_wg_linear(), all = gaon_workgroups();\n"
	"	uint64_t sum = 0;\n"
	/* gather eight rows of 16 words by index, scatter them elsewhere in the reverse order */
	"	gaon_dma_gather(0, spm, 64, args->table, 64, 64, args->index + 8 * me, 8);\n"
	"	gaon_wait(GAON_ENGINE_DMA0, 0);\n"
	"	for (int i = 0; i < 128; i++)\n"
	"		sum += spm[i];\n"
	"	gaon_atomic_add_u64(args->sums, sum);\n"
	"	gaon_dma_store_2d(1, args->out + 128 * me, 64, spm + 7 * 16, -64, 64, 8);\n"
	"	gaon_fence();\n"
	"	gaon_barrier();\n"
	/* after the barrier every workgroup sees the whole sum */
	"	args->sums[1 + me] = gaon_atomic_load_u64(args->sums);\n"
	/* a token goes round once */
	"	if (me)\n"
	"		gaon_sem_wait(1, 3);\n"
	"	args->rows[0] = args->rows[0] * 10 + me;\n"
	"	gaon_sem_post((me + 1) % all, 3);\n"
	"	if (!me)\n"
	"		gaon_sem_wait(1, 3);\n"
	"	if (!me) {\n"
	"		*where[0] += 5;\n"
	"		gaon_printf(\"%d %s %.2f %c %llx|%u\\n\", -7, \"text\", 2.5f, 'z', 0xabcdef0123ull,\n"
	"			    *where[0] + *where[1]);\n"
	"	}\n"
	"}\n";

static char printed[512];

static void on_print(void *arg, const struct gaon_print *print)
{
	(void)arg;
	snprintf(printed + strlen(printed), sizeof(printed) - strlen(printed), "%s/%u:%s", print->kernel,
		 print->workgroup, print->text);
}

START_TEST(device_kit)
{
	struct { uint64_t table, rows, out, sums, index; } args;
	uint32_t table[64 * 16], index[32], out[4 * 128], rows = 0;
	struct gaon_launch launch = { .size = sizeof(launch), .grid = { 4, 1, 1 }, .args = &args,
				      .args_size = sizeof(args) };
	char output[8192], path[128];
	struct gaon_kernel *kernel;
	struct gaon_module *module;
	uint64_t sums[5], want = 0;

	work_begin();
	write_source("kit.c", kit_source);
	ck_assert_msg(!run(output, GAONCC " -O2 -Wall -Wextra -Werror %s/kit.c -o %s/kit.elf", work, work),
		      "%s", output);
	snprintf(path, sizeof(path), "%s/kit.elf", work);
	OPS_OK(gaon_module_load_file(ops_t.dev, path, &module));
	OPS_OK(gaon_module_get_kernel(module, "kit", &kernel));
	for (int i = 0; i < 64 * 16; i++)
		table[i] = ops_random();
	for (int i = 0; i < 32; i++) {
		index[i] = ops_random_in(0, 63);
		for (int c = 0; c < 16; c++)
			want += table[index[i] * 16 + (uint32_t)c];
	}
	args.table = ops_put(table, sizeof(table));
	args.index = ops_put(index, sizeof(index));
	args.rows = ops_put(&rows, 4);
	args.out = ops_put(NULL, sizeof(out));
	args.sums = ops_put(NULL, sizeof(sums));
	gaon_print_set(on_print, NULL);
	OPS_OK(gaon_launch(ops_t.stream, kernel, &launch));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	OPS_OK(gaon_mem_read(ops_t.dev, sums, args.sums, sizeof(sums)));
	OPS_OK(gaon_mem_read(ops_t.dev, &rows, args.rows, sizeof(rows)));
	ops_get(out, args.out, sizeof(out));
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(sums[i], want);
	ck_assert_uint_eq(rows, 123);
	for (int i = 0; i < 32; i++)
		ck_assert_mem_eq(out + i * 16, table + index[i / 8 * 8 + 7 - i % 8] * 16, 64);
	ck_assert_str_eq(printed, "kit/0:-7 text 2.50 z abcdef0123|65\n");
	work_end();
}
END_TEST

START_TEST(digits)
{
	char output[8192];
	const char *last;

	ck_assert_msg(!run(output, BUILD_DIR "/bin/gaon-demo-digits --epochs=12"), "%s", output);
	last = strstr(output, "test accuracy: ");
	ck_assert_msg(last && atof(last + 15) >= 95, "%s", output);
	ck_assert_msg(strstr(output, "agrees on 359 of 359") != NULL, "%s", output);
	ck_assert_ptr_null(strchr(output, '\033'));
	ck_assert_int_eq(run(output, BUILD_DIR "/bin/gaon-demo-digits --json --epochs=1"), 0);
	ck_assert_msg(output[0] == '{' && strstr(output, "\"host_agrees\": true"), "%s", output);
	ck_assert_int_eq(run(output, BUILD_DIR "/bin/gaon-demo-digits --epochs=x"), 2);
	ck_assert_int_eq(run(output, BUILD_DIR "/bin/gaon-demo-digits --data=/nonexistent"), 1);
	ck_assert_int_eq(run(output, BUILD_DIR "/bin/gaon-demo-digits --help"), 0);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, module_layout);
	tcase_add_test(t, gaoncc_refuses);
	tcase_add_test(t, first_kernel);
	tcase_add_test(t, device_kit);
	tcase_add_test(t, digits);
}

int main(void)
{
	return ops_run("ops_kit", add);
}
