// SPDX-License-Identifier: MIT
/* Runs the guest: in our hart, with the few system calls it makes, and in the emulator. */
#include "vector_test.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hart/hart.h"

#define MAX_SEGMENTS	8
#define SIGNAL_ILLEGAL	4
#define SIGNAL_SEGV	11

struct segment {
	uint64_t va, size;
	uint8_t *host;
};

struct machine {
	struct segment segments[MAX_SEGMENTS];
	unsigned int n;
	uint64_t entry, status;
	struct vt_bytes *input, *output;
};

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	struct machine *m = hart->ctx;

	for (unsigned int i = 0; i < m->n; i++)
		if (va - m->segments[i].va < m->segments[i].size)
			return m->segments[i].host + (va - m->segments[i].va);
	hart->fault.cause = access == SIM_ACCESS_FETCH ? SIM_CAUSE_FETCH_PAGE :
			    access == SIM_ACCESS_LOAD ? SIM_CAUSE_LOAD_PAGE : SIM_CAUSE_STORE_PAGE;
	hart->fault.tval = va;
	return NULL;
}

static void transfer(struct sim_hart *hart, struct machine *m, bool read)
{
	uint64_t va = hart->x[11], left = hart->x[12];

	while (left) {
		uint64_t part = SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1));
		uint8_t *host = sim_hart_host(hart, va, SIM_ACCESS_STORE);

		part = part < left ? part : left;
		if (!host || (read && m->input->size - m->input->at < part)) {
			hart->x[10] = 0;
			return;
		}
		if (read) {
			memcpy(host, m->input->data + m->input->at, part);
			m->input->at += part;
		} else {
			vt_append(m->output, host, part);
		}
		va += part;
		left -= part;
	}
	hart->x[10] = hart->x[12];
}

static enum sim_op_status ecall(struct sim_hart *hart)
{
	struct machine *m = hart->ctx;

	switch (hart->x[17]) {
	case 63:
		transfer(hart, m, true);
		return SIM_OP_OK;
	case 64:
		transfer(hart, m, false);
		return SIM_OP_OK;
	case 93:
		m->status = hart->x[10];
		return SIM_OP_DONE;
	default:		/* sigaction: traps are handled below as the guest's handler does */
		hart->x[10] = 0;
		return SIM_OP_OK;
	}
}

static bool trap(struct sim_hart *hart)
{
	switch (hart->fault.cause) {
	case SIM_CAUSE_ILLEGAL:
		hart->x[27] = SIGNAL_ILLEGAL;
		break;
	case SIM_CAUSE_LOAD_PAGE:
	case SIM_CAUSE_STORE_PAGE:
		hart->x[27] = SIGNAL_SEGV;
		break;
	default:
		return false;
	}
	hart->pc = hart->fault.pc + 4;
	return true;
}

static bool load_elf(struct machine *m, const char *path)
{
	uint8_t *file = NULL;
	Elf64_Ehdr *eh;
	long size;
	FILE *f = fopen(path, "rb");

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < (long)sizeof(*eh))
		return false;
	rewind(f);
	file = malloc((size_t)size);
	if (!file || fread(file, 1, (size_t)size, f) != (size_t)size)
		return false;
	fclose(f);
	eh = (void *)file;
	m->entry = eh->e_entry;
	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (void *)(file + eh->e_phoff + i * sizeof(*ph));
		uint64_t start = ph->p_vaddr & ~(SIM_PAGE_SIZE - 1);
		uint64_t end = (ph->p_vaddr + ph->p_memsz + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);

		if (ph->p_type != PT_LOAD || m->n == MAX_SEGMENTS)
			continue;
		m->segments[m->n] = (struct segment) { start, end - start, calloc(1, end - start) };
		memcpy(m->segments[m->n].host + (ph->p_vaddr - start), file + ph->p_offset,
		       ph->p_filesz);
		m->n++;
	}
	free(file);
	return true;
}

bool vt_run_hart(const char *elf, unsigned int vlen, struct vt_bytes *input,
		 struct vt_bytes *output, uint64_t *compiled)
{
	static const struct sim_hart_ops ops = {
		.translate = translate, .ecall = ecall, .trap = trap,
	};
	static const struct sim_hart_costs costs = { .dlen = 4096, .vector_startup = 16 };
	struct machine m = { .input = input, .output = output };
	struct sim_hart *hart;
	enum sim_exit why;
	bool ok;

	if (!load_elf(&m, elf)) {
		fprintf(stderr, "cannot load %s\n", elf);
		return false;
	}
	hart = sim_hart_create(vlen, &ops, &m, &costs);
	if (!hart)
		return false;
	if (compiled)
		sim_hart_compile(hart, 1);
	input->at = 0;
	hart->pc = m.entry;
	why = sim_hart_run(hart, 1ull << 40);
	ok = why == SIM_EXIT_DONE && m.status == 0;
	if (!ok)
		fprintf(stderr, "hart: exit %d, cause %u, pc %#llx, tval %#llx\n", (int)why,
			hart->fault.cause, (unsigned long long)hart->fault.pc,
			(unsigned long long)hart->fault.tval);
	if (compiled)
		*compiled += sim_hart_compile_stats(hart).passes;
	sim_hart_destroy(hart);
	for (unsigned int i = 0; i < m.n; i++)
		free(m.segments[i].host);
	return ok;
}

/* --- the emulator ------------------------------------------------------------------------------------- */

static FILE *spill(const struct vt_bytes *b)
{
	FILE *f = tmpfile();

	if (f && b && fwrite(b->data, 1, b->size, f) != b->size)
		return NULL;
	if (f) {
		fflush(f);
		rewind(f);
	}
	return f;
}

bool vt_run_qemu(const char *qemu, const char *elf, unsigned int vlen, const char *cpu,
		 const struct vt_bytes *input, struct vt_bytes *output)
{
	FILE *in = spill(input), *out = spill(NULL);
	char model[200], buf[65536];
	size_t got;
	int status;
	pid_t pid;

	if (!in || !out)
		return false;
	snprintf(model, sizeof(model), "rv64,v=true,vlen=%u,elen=64%s", vlen, cpu);
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		if (!getenv("GAON_TEST_VERBOSE") && freopen("/dev/null", "w", stderr))
			fflush(stderr);
		execlp(qemu, qemu, "-cpu", model, elf, (char *)NULL);
		fprintf(stderr, "cannot run %s: %s\n", qemu, strerror(errno));
		_exit(127);
	}
	waitpid(pid, &status, 0);
	rewind(out);
	while ((got = fread(buf, 1, sizeof(buf), out)) > 0)
		vt_append(output, buf, got);
	fclose(in);
	fclose(out);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		if (WIFEXITED(status))
			fprintf(stderr, "%s -cpu %s: status %#x\n", qemu, model, (unsigned int)status);
		return false;
	}
	return true;
}
