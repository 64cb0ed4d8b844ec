// SPDX-License-Identifier: MIT
/* Device memory and scratchpads: patterns, swept by the cores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmd.h"
#include "diag.h"
#include "memory.h"

#define SHORT_BYTES	(64ull << 20)
#define PIECE_BYTES	(128ull << 20)	/* of one launch: far from the watchdog, and ^C need not wait long */
#define SPM_KEPT	12288		/* the kernel's stack, and the guard below it */

const struct diag_named_pattern diag_solid0 = { "zeros", { 0, 0, 0, 0 } };
const struct diag_named_pattern diag_solid1 = { "ones", { 0, UINT64_MAX, 0, 0 } };
const struct diag_named_pattern diag_checker = { "0x5555", { 0, 0x5555555555555555ull, 0, 0 } };
const struct diag_named_pattern diag_checker1 = { "0xaaaa", { 0, 0xaaaaaaaaaaaaaaaaull, 0, 0 } };
const struct diag_named_pattern diag_address = { "address", { 8, 0, 0, 0 } };
const struct diag_named_pattern diag_address1 = { "address inverted", { 8, 0, 0, UINT64_MAX } };

struct diag_named_pattern diag_random_pattern(uint64_t seed)
{
	return (struct diag_named_pattern){
		"random", { diag_random(&seed) | 1, diag_random(&seed), UINT64_MAX, 0 },
	};
}

/* --- results of the sweeping kernels -------------------------------------------------------------------- */

static uint64_t result_bytes(const struct diag *d)
{
	return sizeof(struct diag_memory_result) * d->info.cores;
}

/* Memory for them that says that no core has run. */
static struct gaon_mem *results_make(struct diag *d)
{
	return diag_memory(d, result_bytes(d), NULL);
}

static bool results_clear(struct diag *d, struct gaon_mem *mem, struct diag_memory_result *host)
{
	memset(host, 0, result_bytes(d));
	for (uint32_t i = 0; i < d->info.cores; i++)
		host[i].core = UINT64_MAX;
	return diag_good(d, gaon_mem_write(d->dev, gaon_mem_va(mem), host, result_bytes(d)), "writing device memory");
}

/* Every core has to have had its part. */
static bool results_read(struct diag *d, struct gaon_mem *mem, struct diag_memory_result *host)
{
	if (!diag_read(d, host, mem, result_bytes(d)))
		return false;
	for (uint32_t i = 0; i < d->info.cores; i++) {
		if (host[i].core == i)
			continue;
		diag_find(d, DIAG_CRITICAL, "core %u did not run its workgroup", i)->core = i;
		return false;
	}
	return true;
}

static void say_values(struct diag_finding *f, const struct diag_wrong *w)
{
	f->values = true;
	f->expected = w->expected;
	f->found = w->found;
}

/* --- sweeps over device memory --------------------------------------------------------------- */

static void sweep_say(struct diag *d, const struct diag_memory_result *r, uint64_t base, const char *pattern)
{
	for (uint32_t core = 0; core < d->info.cores; core++) {
		uint64_t said = r[core].count < DIAG_WRONG ? r[core].count : DIAG_WRONG;

		for (uint64_t i = 0; i < said; i++) {
			const struct diag_wrong *w = &r[core].wrong[i];
			uint64_t va = base + 8 * w->word, channel = diag_channel(d, va);
			struct diag_finding *f;

			f = diag_find(d, DIAG_CRITICAL, "device memory at %#llx, channel %lld of %u: %#llx and should be %#llx (bits %#llx, pattern %s)",
				      (unsigned long long)va, (long long)channel, d->info.hbm_channels,
				      (unsigned long long)w->found, (unsigned long long)w->expected,
				      (unsigned long long)(w->found ^ w->expected), pattern);
			f->unit = "hbm";
			f->address = va;
			f->channel = channel;
			say_values(f, w);
		}
		d->result->wrong += r[core].count - said;
	}
}

static bool sweep_piece(struct diag_sweeper *s, const struct diag_step *step, uint64_t base, uint64_t bytes,
			uint64_t word)
{
	struct diag *d = s->d;
	struct diag_sweep_args args = {
		.base = base, .words = bytes / 8, .result = gaon_mem_va(s->results), .flags = step->flags,
	};

	/* Each pattern goes on from piece to piece. */
	if (step->old) {
		args.old = step->old->pattern;
		args.old.add += word * args.old.mul;
	}
	if (step->now) {
		args.now = step->now->pattern;
		args.now.add += word * args.now.mul;
	}
	if (!results_clear(d, s->results, s->host) || !diag_launch(d, "diag_sweep", &args, sizeof(args), 0) ||
	    !results_read(d, s->results, s->host))
		return false;
	sweep_say(d, s->host, base, step->old ? step->old->name : "");
	s->done += bytes;
	return diag_progress(d, s->total ? (double)s->done / (double)s->total : 0);
}

bool diag_sweep(struct diag_sweeper *s, const struct diag_step *step)
{
	bool down = step->flags & DIAG_SWEEP_DOWN;

	for (size_t n = 0; n < s->count; n++) {
		const struct diag_region *r = &s->regions[down ? s->count - 1 - n : n];
		uint64_t pieces = (r->bytes + PIECE_BYTES - 1) / PIECE_BYTES;

		for (uint64_t i = 0; i < pieces; i++) {
			uint64_t at = (down ? pieces - 1 - i : i) * PIECE_BYTES;
			uint64_t bytes = r->bytes - at < PIECE_BYTES ? r->bytes - at : PIECE_BYTES;

			if (!sweep_piece(s, step, gaon_mem_va(r->mem) + at, bytes, (r->first + at) / 8))
				return false;
		}
	}
	return true;
}

/* As much as is asked for, or as there is; in allocations of @block at most. */
static bool take_memory(struct diag_sweeper *s, uint64_t bytes, uint64_t block)
{
	while (s->bytes < bytes && s->count < DIAG_REGIONS) {
		uint64_t want = bytes - s->bytes < block ? bytes - s->bytes : block;
		struct gaon_mem *mem;
		enum gaon_status status = gaon_mem_alloc(s->d->dev, want, GAON_MEM_DEVICE, &mem);

		if (status == GAON_ERROR_OUT_OF_DEVICE_MEMORY) {
			block = want / 2 & ~4095ull;
			if (block >= 1ull << 20 || (block && !s->bytes))
				continue;
			break;
		}
		if (!diag_good(s->d, status, "allocating device memory"))
			return false;
		s->regions[s->count++] = (struct diag_region){ mem, want, s->bytes };
		s->bytes += want;
	}
	return true;
}

bool diag_sweeper_begin(struct diag_sweeper *s, struct diag *d, uint64_t bytes, uint64_t block)
{
	memset(s, 0, sizeof(*s));
	s->d = d;
	s->host = calloc(d->info.cores, sizeof(*s->host));
	s->results = results_make(d);
	if (!s->host)
		diag_find(d, DIAG_UNKNOWN, "no host memory");
	if (!s->host || !s->results || !take_memory(s, bytes & ~4095ull, block))
		return false;
	if (!s->bytes)
		diag_find(d, DIAG_UNKNOWN, "no device memory is free to be tested");
	return s->bytes;
}

void diag_sweeper_end(struct diag_sweeper *s)
{
	while (s->count)
		gaon_mem_free(s->regions[--s->count].mem);
	if (s->results)
		gaon_mem_free(s->results);
	free(s->host);
}

void diag_memory_short(struct diag *d)
{
	const struct diag_named_pattern random = diag_random_pattern(d->seed);
	const struct diag_step steps[] = {
		{ DIAG_SWEEP_WRITE, NULL, &diag_checker },
		{ DIAG_SWEEP_CHECK | DIAG_SWEEP_WRITE, &diag_checker, &diag_checker1 },
		{ DIAG_SWEEP_CHECK | DIAG_SWEEP_WRITE | DIAG_SWEEP_DOWN, &diag_checker1, &diag_address },
		{ DIAG_SWEEP_CHECK | DIAG_SWEEP_WRITE, &diag_address, &random },
		{ DIAG_SWEEP_CHECK, &random, NULL },
	};
	const size_t count = sizeof(steps) / sizeof(steps[0]);
	uint64_t bytes = d->memory ? d->memory : SHORT_BYTES;
	struct diag_sweeper s;

	if (diag_sweeper_begin(&s, d, bytes, bytes)) {
		s.total = s.bytes * count;
		for (size_t i = 0; i < count && diag_sweep(&s, &steps[i]); i++)
			;
		diag_measure(d, "memory_tested_mib", "MiB", (double)s.bytes / (1 << 20), 0, 0, 0);
	}
	diag_sweeper_end(&s);
}

/* --- scratchpads ----------------------------------------------------------------------------- */

static void scratchpad_say(struct diag *d, const struct diag_memory_result *r, const char *pattern)
{
	for (uint32_t core = 0; core < d->info.cores; core++) {
		uint64_t said = r[core].count < DIAG_WRONG ? r[core].count : DIAG_WRONG;

		for (uint64_t i = 0; i < said; i++) {
			const struct diag_wrong *w = &r[core].wrong[i];
			struct diag_finding *f;

			f = diag_find(d, DIAG_CRITICAL,
				      "scratchpad of core %u at %#llx: %#llx and should be %#llx "
				      "(bits %#llx, pattern %s)",
				      core, (unsigned long long)(8 * w->word),
				      (unsigned long long)w->found, (unsigned long long)w->expected,
				      (unsigned long long)(w->found ^ w->expected), pattern);
			f->unit = "scratchpad";
			f->core = core;
			f->address = 8 * w->word;
			say_values(f, w);
		}
		d->result->wrong += r[core].count - said;
	}
}

void diag_scratchpad(struct diag *d)
{
	const struct diag_named_pattern random = diag_random_pattern(d->seed ^ 0x53504d);
	const struct diag_named_pattern *const patterns[] = {
		&diag_checker, &diag_checker1, &diag_address, &diag_address1, &random,
	};
	uint64_t bytes = (d->info.spm_bytes - SPM_KEPT) & ~4095ull;
	struct gaon_mem *results = results_make(d);
	struct diag_memory_result *host = calloc(d->info.cores, sizeof(*host));
	struct diag_scratchpad_args args = { .words = bytes / 8 };

	for (size_t i = 0; results && host && i < 5; i++) {
		args.result = gaon_mem_va(results);
		args.pattern = patterns[i]->pattern;
		if (!results_clear(d, results, host) ||
		    !diag_launch(d, "diag_scratchpad", &args, sizeof(args), (uint32_t)bytes) ||
		    !results_read(d, results, host))
			break;
		scratchpad_say(d, host, patterns[i]->name);
		if (!diag_progress(d, (double)(i + 1) / 5))
			break;
	}
	if (results)
		gaon_mem_free(results);
	free(host);
}
