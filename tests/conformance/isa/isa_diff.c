// SPDX-License-Identifier: MIT
/*
 * Random scalar programs on qemu-riscv64 and on our hart: every result, flag and stored byte must
 * be the same.  Repeat a failure with GAON_SEED; GAON_TEST_LONG=1 runs more of them.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hart/decode.h"
#include "hart/hart.h"
#include "isa.h"

#define RAM_SIZE	0x240000u

struct machine {
	uint8_t *ram;
	uint8_t dump[ISA_DUMP_SIZE];
	bool dumped, exited;
};

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	struct machine *m = hart->ctx;

	if (va < RAM_SIZE)
		return m->ram + va;
	hart->fault.cause = access == SIM_ACCESS_FETCH ? SIM_CAUSE_FETCH_ACCESS :
			    access == SIM_ACCESS_LOAD ? SIM_CAUSE_LOAD_ACCESS :
			    SIM_CAUSE_STORE_ACCESS;
	return NULL;
}

static enum sim_op_status ecall(struct sim_hart *hart)
{
	struct machine *m = hart->ctx;

	if (hart->x[17] == 64 && hart->x[11] == ISA_SCRATCH && hart->x[12] == ISA_DUMP_SIZE) {
		memcpy(m->dump, m->ram + ISA_SCRATCH, ISA_DUMP_SIZE);
		m->dumped = true;
		return SIM_OP_OK;
	}
	m->exited = hart->x[17] == 93;
	return SIM_OP_DONE;
}

static const struct sim_hart_ops ops = { .translate = translate, .ecall = ecall };

static int run_hart(const struct isa_program *p, struct machine *m, bool stepwise)
{
	struct sim_hart *hart = sim_hart_create(128, &ops, m, NULL);
	enum sim_exit why = SIM_EXIT_BUDGET;

	if (!hart)
		return -1;
	memset(m->ram, 0, RAM_SIZE);
	memcpy(m->ram + ISA_CODE, p->code, p->size);
	memcpy(m->ram + ISA_DATA, p->data, ISA_DATA_SIZE);
	m->dumped = m->exited = false;
	hart->pc = ISA_CODE;
	if (stepwise) {
		for (uint32_t i = 0; i < 1000000 && why == SIM_EXIT_BUDGET; i++)
			why = sim_hart_step(hart);
	} else {
		why = sim_hart_run(hart, 1000000);
	}
	if (why != SIM_EXIT_DONE || !m->dumped || !m->exited)
		fprintf(stderr, "hart stopped: exit %d, cause %u at %#" PRIx64 ", tval %#" PRIx64
			", word %08x\n", why, hart->fault.cause, hart->pc, hart->fault.tval,
			hart->fault.syndrome);
	sim_hart_destroy(hart);
	return why == SIM_EXIT_DONE && m->dumped && m->exited ? 0 : -1;
}

static int write_all(int fd, const void *data, size_t len)
{
	return write(fd, data, len) == (ssize_t)len ? 0 : -1;
}

/* A static executable: code and data each in a segment, everything writable and executable. */
static int write_elf(const struct isa_program *p, const char *path)
{
	static const uint8_t zero[4096];
	uint32_t code_size = (p->size + 4095) & ~4095u;
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[2];
	} head = {
		.eh = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_RISCV, .e_version = EV_CURRENT,
			.e_entry = ISA_CODE, .e_phoff = sizeof(Elf64_Ehdr), .e_flags = 5,
			.e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X, .p_offset = 4096,
			  .p_vaddr = ISA_CODE, .p_filesz = code_size, .p_memsz = code_size,
			  .p_align = 4096 },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = 4096 + code_size,
			  .p_vaddr = ISA_DATA, .p_filesz = ISA_DATA_SIZE,
			  .p_memsz = ISA_LOG + ISA_LOG_SIZE - ISA_DATA, .p_align = 4096 },
		},
	};
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755), err;

	if (fd < 0)
		return -1;
	err = write_all(fd, &head, sizeof(head)) || write_all(fd, zero, 4096 - sizeof(head)) ||
	      write_all(fd, p->code, p->size) || write_all(fd, zero, code_size - p->size) ||
	      write_all(fd, p->data, ISA_DATA_SIZE);
	return close(fd) || err ? -1 : 0;
}

static int run_qemu(const char *elf, const char *out)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		int fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0644);

		if (fd < 0 || dup2(fd, 1) < 0)
			_exit(126);
		execlp("qemu-riscv64", "qemu-riscv64", "-cpu", "rv64,Zfh=true", elf, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		fprintf(stderr, "qemu-riscv64 (package qemu-user) cannot be run\n");
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		fprintf(stderr, "qemu-riscv64 ended with status %#x\n", status);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static int read_dump(const char *path, uint8_t *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, to, ISA_DUMP_SIZE);
	close(fd);
	return n == ISA_DUMP_SIZE ? 0 : -1;
}

static const char *name_of(uint32_t word)
{
	enum sim_insn i = sim_decode((word & 3) == 3 ? word : sim_decode_compressed((uint16_t)word));

	return i == SIM_INSN_ILLEGAL ? "?" : sim_insn_rows[i].name;
}

static int compare(const struct isa_program *p, const uint8_t *want, const uint8_t *have,
		   const char *how)
{
	uint32_t log = ISA_LOG - ISA_SCRATCH;

	if (!memcmp(want, have, ISA_DUMP_SIZE))
		return 0;
	for (unsigned int i = 0; i < p->records; i++) {
		const struct isa_record *r = &p->record[i];
		uint32_t len = (i + 1 < p->records ? r[1].offset : p->log) - r->offset;
		uint64_t a[2] = { 0 }, b[2] = { 0 };

		memcpy(a, want + log + r->offset, len);
		memcpy(b, have + log + r->offset, len);
		if (a[0] == b[0] && a[1] == b[1])
			continue;
		fprintf(stderr, "seed %" PRIu64 " (%s): %s (%08x) at %#x: want %016" PRIx64 " flags %02"
			PRIx64 ", have %016" PRIx64 " flags %02" PRIx64 "\n", p->seed, how,
			name_of(r->word), r->word, ISA_CODE + r->pc, a[0], a[1], b[0], b[1]);
		return -1;
	}
	fprintf(stderr, "seed %" PRIu64 " (%s): stored bytes differ\n", p->seed, how);
	return -1;
}

static int one(struct isa_program *p, struct machine *m, uint64_t seed, const char *dir)
{
	static uint8_t want[ISA_DUMP_SIZE];
	char elf[64], out[64];
	int err;

	isa_generate(p, seed, 2000);
	snprintf(elf, sizeof(elf), "%s/program", dir);
	snprintf(out, sizeof(out), "%s/dump", dir);
	if (write_elf(p, elf) || run_qemu(elf, out) || read_dump(out, want))
		return -1;
	err = run_hart(p, m, false) || compare(p, want, m->dump, "run");
	if (!err && seed % 4 == 0)
		err = run_hart(p, m, true) || compare(p, want, m->dump, "step");
	if (!err || !getenv("GAON_TEST_KEEP")) {
		unlink(elf);
		unlink(out);
	}
	return err;
}

int main(void)
{
	const char *fixed = getenv("GAON_SEED"), *lengthy = getenv("GAON_TEST_LONG");
	uint64_t seed = fixed ? strtoull(fixed, NULL, 0) : (uint64_t)time(NULL) * 1000;
	unsigned int rounds = fixed ? 1 : lengthy && *lengthy == '1' ? 5000 : 200, bad = 0;
	struct isa_program *p = malloc(sizeof(*p));
	struct machine *m = calloc(1, sizeof(*m));
	char dir[] = "/tmp/gaon-isa-XXXXXX";

	if (!p || !m || !(m->ram = malloc(RAM_SIZE)) || !mkdtemp(dir)) {
		fprintf(stderr, "no memory or no temporary directory\n");
		return 1;
	}
	printf("isa_diff: seed %" PRIu64 ", %u programs\n", seed, rounds);
	for (unsigned int i = 0; i < rounds && !bad; i++)
		if (one(p, m, seed + i, dir)) {
			fprintf(stderr, "repeat with GAON_SEED=%" PRIu64 "\n", seed + i);
			bad++;
		}
	rmdir(dir);
	free(m->ram);
	free(m);
	free(p);
	return bad != 0;
}
