// SPDX-License-Identifier: MIT
/* Every scalar and vector instruction on every core, against what the host worked out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"

#define OPERANDS	32
#define SAID_MOST	4		/* instructions that are told of, of each core */

/* Results of one class of all cores, and what they should be. */
struct results {
	const struct diag_golden *names;
	const uint8_t *expected;	/* of one core */
	const uint8_t *found;		/* of each, @stride apart */
	uint64_t rows, row_bytes, stride;
};

static uint64_t word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The first wrong words of a core, and how many there are. */
static uint64_t compare_core(struct diag *d, const struct results *r, uint64_t core)
{
	const uint8_t *found = r->found + core * r->stride;
	uint64_t bad = 0, said = 0;

	for (uint64_t row = 0; row < r->rows; row++) {
		uint64_t at = row * r->row_bytes, wrong = 0, first = 0;
		struct diag_finding *f;

		for (uint64_t i = 0; i < r->row_bytes; i += 8) {
			if (word_at(r->expected + at + i) == word_at(found + at + i))
				continue;
			if (!wrong++)
				first = i;
		}
		bad += wrong;
		if (!wrong || said++ >= SAID_MOST)
			continue;
		f = diag_find(d, DIAG_CRITICAL,
			      "core %llu computes %s wrong: %llu of %llu results, the first is "
			      "%#llx and should be %#llx",
			      (unsigned long long)core, r->names[row].name,
			      (unsigned long long)wrong, (unsigned long long)(r->row_bytes / 8),
			      (unsigned long long)word_at(found + at + first),
			      (unsigned long long)word_at(r->expected + at + first));
		f->core = core;
		f->unit = r->names[row].unit;
		f->instruction = r->names[row].name;
		f->values = true;
		f->expected = word_at(r->expected + at + first);
		f->found = word_at(found + at + first);
	}
	return bad;
}

static void compare(struct diag *d, const struct results *r)
{
	uint64_t bad = 0;

	for (uint64_t core = 0; core < d->info.cores; core++)
		bad += compare_core(d, r, core);
	if (bad > d->result->wrong)
		d->result->wrong = bad;
}

/* Memory that holds 0xa5 everywhere: what a core does not write is no right result. */
static struct gaon_mem *out_memory(struct diag *d, uint64_t bytes)
{
	struct gaon_mem *mem = diag_memory(d, bytes, NULL);

	if (mem && !diag_good(d, gaon_mem_fill(d->dev, gaon_mem_va(mem), 0xa5, 1, bytes), "filling device memory")) {
		gaon_mem_free(mem);
		mem = NULL;
	}
	return mem;
}

static void free_memory(struct gaon_mem *const *mem, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (mem[i])
			gaon_mem_free(mem[i]);
	}
}

/* --- scalar ---------------------------------------------------------------------------------- */

/* @stride: bytes of each core's results, which begin with @r->rows rows. */
static void run_scalar(struct diag *d, const char *kernel, const void *a, const void *b, struct results *r)
{
	const uint64_t bytes = OPERANDS * 8, all = r->stride * d->info.cores;
	struct gaon_mem *mem[3] = {
		diag_memory(d, bytes, a), diag_memory(d, bytes, b), out_memory(d, all),
	};
	uint8_t *found = malloc(all);
	struct diag_scalar_args args = { .count = OPERANDS };

	if (found && mem[0] && mem[1] && mem[2]) {
		args.a = gaon_mem_va(mem[0]);
		args.b = gaon_mem_va(mem[1]);
		args.out = gaon_mem_va(mem[2]);
		r->found = found;
		if (diag_launch(d, kernel, &args, sizeof(args), 0) && diag_read(d, found, mem[2], all))
			compare(d, r);
	} else if (!found) {
		diag_find(d, DIAG_UNKNOWN, "no host memory for %llu bytes", (unsigned long long)all);
	}
	free(found);
	free_memory(mem, 3);
}

/* Random, and where carries, signs and divisions are special. */
static void integers(struct diag *d, uint64_t *a, uint64_t *b)
{
	static const uint64_t special[] = {
		0, 1, UINT64_MAX, INT64_MAX, 0x8000000000000000ull, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	uint64_t state = d->seed;

	for (unsigned int i = 0; i < OPERANDS; i++) {
		a[i] = diag_random(&state) >> (i % 4 ? 0 : diag_random(&state) % 64);
		b[i] = diag_random(&state) >> (i % 4 ? 0 : diag_random(&state) % 64);
		if (i < 8)
			a[i] = special[i];
		else if (i < 16)
			b[i] = special[i - 8];
		else if (i < 24)
			a[i] |= 1ull << 62, b[i] |= 1ull << 62;
	}
	/* The one division that overflows. */
	a[15] = 0x8000000000000000ull;
	b[15] = UINT64_MAX;
}

void diag_integer(struct diag *d)
{
	static uint64_t expected[DIAG_INTEGERS * OPERANDS];
	struct results r = {
		.names = diag_integer_names, .expected = (uint8_t *)expected, .rows = DIAG_INTEGERS,
		.row_bytes = OPERANDS * 8, .stride = sizeof(expected),
	};
	uint64_t a[OPERANDS], b[OPERANDS];

	integers(d, a, b);
	diag_golden_integer(a, b, OPERANDS, expected);
	run_scalar(d, "diag_integer", a, b, &r);
}

void diag_atomic(struct diag *d)
{
	static uint64_t expected[DIAG_ATOMICS * 2 * OPERANDS];
	struct results r = {
		.names = diag_atomic_names, .expected = (uint8_t *)expected, .rows = DIAG_ATOMICS,
		.row_bytes = 2 * OPERANDS * 8, .stride = sizeof(expected) + 64,
	};
	uint64_t a[OPERANDS], b[OPERANDS];

	integers(d, a, b);
	diag_golden_atomic(a, b, OPERANDS, expected);
	run_scalar(d, "diag_atomic", a, b, &r);
}

/* Within [2^low, 2^high), with all bits of a double. */
static double float_of(uint64_t *state, int low, int high)
{
	uint64_t bits = diag_random(state) >> 12;
	uint64_t exponent = (uint64_t)(1023 + low) + diag_random(state) % (uint64_t)(high - low);
	double f;

	bits |= exponent << 52;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

void diag_float(struct diag *d)
{
	static uint64_t expected[DIAG_FLOATS * OPERANDS];
	struct results r = {
		.names = diag_float_names, .expected = (uint8_t *)expected, .rows = DIAG_FLOATS,
		.row_bytes = OPERANDS * 8, .stride = sizeof(expected),
	};
	double a[OPERANDS], b[OPERANDS];
	uint64_t state = d->seed;

	/* In a range in which half precision has room for what comes of them; b has roots. */
	for (unsigned int i = 0; i < OPERANDS; i++) {
		a[i] = float_of(&state, -6, 8) * (diag_random(&state) & 1 ? 1 : -1);
		b[i] = float_of(&state, -2, 15);
	}
	a[3] = b[3];
	diag_golden_float(a, b, OPERANDS, expected);
	run_scalar(d, "diag_float", a, b, &r);
}

/* --- vector ---------------------------------------------------------------------------------- */

struct vector_operands {
	uint8_t *a, *b, *fa, *fb;	/* two registers each */
};

static void vector_fill(struct diag *d, const struct vector_operands *v, uint64_t bytes)
{
	uint64_t state = d->seed ^ 0x76656374, i;

	for (i = 0; i < 2 * bytes / 8; i++) {
		((uint64_t *)(void *)v->a)[i] = diag_random(&state);
		((uint64_t *)(void *)v->b)[i] = diag_random(&state);
	}
	for (i = 0; i < bytes / 4; i++) {
		((float *)(void *)v->fa)[i] =
			(float)(float_of(&state, -8, 12) * (diag_random(&state) & 1 ? 1 : -1));
		((float *)(void *)v->fb)[i] =
			(float)(float_of(&state, -8, 12) * (diag_random(&state) & 1 ? 1 : -1));
	}
	for (i = 0; i < bytes / 8; i++) {
		((double *)(void *)(v->fa + bytes))[i] = float_of(&state, -8, 12);
		((double *)(void *)(v->fb + bytes))[i] = -float_of(&state, -8, 12);
	}
}

static void vector_run(struct diag *d, uint8_t *host, uint64_t bytes)
{
	const uint64_t in = 2 * bytes, out = DIAG_VECTORS * bytes, all = out * d->info.cores;
	struct vector_operands v = { host, host + in, host + 2 * in, host + 3 * in };
	struct gaon_mem *mem[2] = { NULL };
	struct diag_vector_args args = { .bytes = bytes };
	struct results r = {
		.names = diag_vector_names, .expected = host + 4 * in, .found = host + 4 * in + out,
		.rows = DIAG_VECTORS, .row_bytes = bytes, .stride = out,
	};

	vector_fill(d, &v, bytes);
	diag_golden_vector(v.a, v.b, v.fa, v.fb, bytes, host + 4 * in);
	mem[0] = diag_memory(d, 4 * in, host);
	mem[1] = out_memory(d, all);
	if (mem[0] && mem[1]) {
		args.a = gaon_mem_va(mem[0]);
		args.b = args.a + in;
		args.fa = args.b + in;
		args.fb = args.fa + in;
		args.out = gaon_mem_va(mem[1]);
		if (diag_launch(d, "diag_vector", &args, sizeof(args), 0) &&
		    diag_read(d, host + 4 * in + out, mem[1], all))
			compare(d, &r);
	}
	free_memory(mem, 2);
}

void diag_vector(struct diag *d)
{
	const uint64_t bytes = d->info.vlen / 8;
	uint8_t *host;

	/* Slides are by five elements of 32 bits. */
	if (d->info.vlen < 256) {
		diag_skip(d, "registers of %u bits are too short for it", d->info.vlen);
		return;
	}
	host = malloc(8 * bytes + DIAG_VECTORS * bytes * (1 + (uint64_t)d->info.cores));
	if (host)
		vector_run(d, host, bytes);
	else
		diag_find(d, DIAG_UNKNOWN, "no host memory");
	free(host);
}
