// SPDX-License-Identifier: MIT
/*
 * Random vector instructions in our hart and in qemu-riscv64, compared state by state.
 * GAON_SEED repeats a run, GAON_TEST_LONG=1 runs more, GAON_QEMU_RISCV64 names another emulator;
 * one of version 8 or newer also checks Zvfh, and from 9 on Zvfbfmin and Zvfbfwma.
 */
#include "vector_test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hart/vector_kernels.h"

struct tally {
	unsigned int same, excused, different, traps;
};

struct reasons {
	const char *why[64];
	unsigned int count[64];
};

static void note(struct reasons *r, const char *why)
{
	for (unsigned int i = 0; i < 64; i++) {
		if (!r->why[i])
			r->why[i] = why;
		if (r->why[i] == why) {
			r->count[i]++;
			return;
		}
	}
}

static void show(const struct vt_batch *b, const struct vt_case *c, const uint8_t *ours,
		 const uint8_t *theirs)
{
	const struct vt_header *o = (const void *)ours, *t = (const void *)theirs;
	size_t vlenb = b->vlen / 8, total = sizeof(*o) + 32 * vlenb + (c->mem ? MEM_BYTES : 0);
	unsigned int shown = 0;

	printf("insn %08x op %02x f3 %u f6 %02x vm %u vd %u vs2 %u vs1 %u vlen %u vtype %#llx vl %llu "
	       "vstart %llu fcsr %#llx vcsr %llu rs1 %#llx\n",
	       c->insn, c->insn & 0x7f, c->insn >> 12 & 7, c->insn >> 26, c->insn >> 25 & 1,
	       c->insn >> 7 & 31, c->insn >> 20 & 31, c->insn >> 15 & 31, b->vlen,
	       (unsigned long long)c->in.vtype, (unsigned long long)c->in.vl,
	       (unsigned long long)c->in.vstart, (unsigned long long)c->in.fcsr,
	       (unsigned long long)c->in.vcsr, (unsigned long long)c->in.x[c->insn >> 15 & 31]);
	for (unsigned int i = 0; i < sizeof(*o) / 8; i++)
		if (((const uint64_t *)o)[i] != ((const uint64_t *)t)[i])
			printf("  word %u (0 trap 2 vtype 3 vl 4 vstart 5 vcsr 6 fcsr, x at 16, f at 48): "
			       "ours %#llx, theirs %#llx\n",
			       i, (unsigned long long)((const uint64_t *)o)[i],
			       (unsigned long long)((const uint64_t *)t)[i]);
	for (size_t i = sizeof(*o); i < total && shown < 6; i += 8) {
		size_t at = i - sizeof(*o);
		uint64_t p, q, was = 0;

		memcpy(&p, ours + i, 8);
		memcpy(&q, theirs + i, 8);
		if (p == q)
			continue;
		if (at < 32 * vlenb)
			memcpy(&was, c->v + at, 8);
		printf("  %s%zu+%zu: ours %016llx theirs %016llx was %016llx\n",
		       at < 32 * vlenb ? "v" : "mem", at / vlenb, at % vlenb, (unsigned long long)p,
		       (unsigned long long)q, (unsigned long long)was);
		shown++;
	}
}

static void compare(const struct vt_batch *b, const struct vt_bytes *ours,
		    const struct vt_bytes *theirs, int version, struct tally *t,
		    struct reasons *reasons)
{
	size_t at = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		const struct vt_case *c = &b->cases[i];
		size_t size = sizeof(struct vt_header) + 4ull * b->vlen + (c->mem ? MEM_BYTES : 0);
		const struct vt_header *o = (const void *)(ours->data + at);
		const char *why;

		if (at + size > ours->size || at + size > theirs->size) {
			printf("output ends early at case %u\n", i);
			t->different++;
			return;
		}
		if (o->index != i) {
			printf("streams out of step at case %u\n", i);
			t->different++;
			return;
		}
		t->traps += o->trap == 4;
		if (!memcmp(ours->data + at, theirs->data + at, size)) {
			t->same++;
		} else {
			why = vt_excused(b, c, o, (const void *)(theirs->data + at), size,
					 version);
			if (why) {
				t->excused++;
				note(reasons, why);
			} else if (t->different++ < 12) {
				show(b, c, ours->data + at, theirs->data + at);
			}
		}
		at += size;
	}
}

static int qemu_version(const char *qemu)
{
	int major = 0, minor = 0;
	char cmd[400], line[200];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%s --version", qemu);
	f = popen(cmd, "r");
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "qemu-riscv64 version %d.%d", &major, &minor) != 2)
		major = 0;
	pclose(f);
	return major * 100 + minor;
}

struct run {
	const char *qemu, *elf, *cpu;
	int version;
	struct tally *tally;
	struct reasons *reasons;
	uint64_t *compiled;
};

/* Once more, which must give the same. */
static bool run_again(const struct run *run, const struct vt_batch *b, struct vt_bytes *input,
		      const struct vt_bytes *ours, const char *how, uint64_t *compiled)
{
	struct vt_bytes other = { 0 };
	bool ok = vt_run_hart(run->elf, b->vlen, input, &other, compiled);

	if (ok && (other.size != ours->size || memcmp(other.data, ours->data, ours->size))) {
		printf("%s differs from the default kernels:\n", how);
		compare(b, ours, &other, 9999, run->tally, run->reasons);
	}
	free(other.data);
	return ok;
}

/* Our results: the same with the kernels of every ISA that this host has, and compiled. */
static bool run_ours(const struct run *run, const struct vt_batch *b, struct vt_bytes *input,
		     struct vt_bytes *ours)
{
	static const char *const names[] = { "portable kernels", "v3 kernels", "v4 kernels" };
	bool ok = sim_vector_select(VEC_HOST_AUTO) &&
		  vt_run_hart(run->elf, b->vlen, input, ours, NULL);

	for (enum vec_host host = VEC_HOST_PORTABLE; ok && host < VEC_HOSTS; host++)
		if (sim_vector_select(host))
			ok = run_again(run, b, input, ours, names[host], NULL);
	return ok && run_again(run, b, input, ours, "compiled code", run->compiled);
}

/*
 * Both on the cases of @b.  An emulator that aborts is given halves until the case that it cannot
 * do is alone.
 */
static bool both(const struct run *run, const struct vt_batch *b)
{
	struct vt_bytes input = { 0 }, ours = { 0 }, theirs = { 0 };
	struct vt_batch lo = *b, hi = *b;
	bool ok;

	for (unsigned int i = 0; i < b->n; i++)
		b->cases[i].in.index = i;
	vt_serialise(b, &input);
	ok = run_ours(run, b, &input, &ours);
	if (!ok) {
		run->tally->different++;
	} else if (vt_run_qemu(run->qemu, run->elf, b->vlen, run->cpu, &input, &theirs)) {
		compare(b, &ours, &theirs, run->version, run->tally, run->reasons);
	} else if (b->n == 1) {
		run->tally->excused++;
		note(run->reasons, "the emulator aborts");
	} else {
		lo.n = b->n / 2;
		hi.n -= lo.n;
		hi.cases += lo.n;
		ok = both(run, &lo) && both(run, &hi);
	}
	free(input.data);
	free(ours.data);
	free(theirs.data);
	return ok;
}

static bool round_trip(const struct run *run, unsigned int vlen, unsigned int n,
		       const struct vt_options *options)
{
	struct vt_batch b;
	bool ok;

	vt_generate(&b, vlen, n, options);
	ok = both(run, &b);
	vt_batch_free(&b);
	return ok;
}

int main(int argc, char **argv)
{
	const char *qemu = getenv("GAON_QEMU_RISCV64"), *seed_text = getenv("GAON_SEED");
	unsigned int rounds = getenv("GAON_TEST_LONG") ? 40 : 2;
	struct vt_options options = { 0 };
	struct reasons reasons = { 0 };
	struct tally t = { 0 };
	bool ok = true;
	uint64_t seed, compiled = 0;
	struct run run = { .tally = &t, .reasons = &reasons, .compiled = &compiled };
	int version;

	if (argc < 2) {
		fprintf(stderr, "usage: vector_diff GUEST [ROUNDS]\n");
		return 2;
	}
	if (argc > 2)
		rounds = (unsigned int)atoi(argv[2]);
	if (!qemu)
		qemu = "qemu-riscv64";
	version = qemu_version(qemu);
	if (version < 702) {
		fprintf(stderr, "needs qemu-riscv64 7.2 or newer (package qemu-user)\n");
		return 1;
	}
	run.qemu = qemu;
	run.elf = argv[1];
	run.version = version;
	run.cpu = version < 800 ? ",vext_spec=v1.0" : version < 900 ? ",zfh=true,zvfh=true" :
		  ",zfh=true,zvfh=true,zfbfmin=true,zvfbfmin=true,zvfbfwma=true";
	seed = seed_text ? strtoull(seed_text, NULL, 0) : (uint64_t)time(NULL);
	printf("vector_diff: GAON_SEED=%llu, emulator version %d\n", (unsigned long long)seed, version);
	for (unsigned int r = 0; ok && r < rounds; r++) {
		for (unsigned int vlen = 128; ok && vlen <= 1024; vlen *= 2) {
			options.seed = vt_random(&seed);
			options.f16 = version >= 800;
			options.bf16 = version >= 900;
			options.illegal = r % 4 == 3;
			ok = round_trip(&run, vlen, 3000, &options);
		}
	}
	printf("%u the same (%u illegal in ours), %u excused, %u different\n", t.same, t.traps,
	       t.excused, t.different);
	for (unsigned int i = 0; reasons.why[i]; i++)
		printf("  %6u %s\n", reasons.count[i], reasons.why[i]);
	printf("%llu executed as compiled code too\n", (unsigned long long)compiled);
	if (ok && !compiled && sim_vector_select(VEC_HOST_V4)) {
		puts("this host can compile, but did not");
		ok = false;
	}
	return ok && !t.different ? 0 : 1;
}
