// SPDX-License-Identifier: MIT
/* Copies and fills of several streams at a time, and launches between them. */
#include <stdlib.h>
#include <string.h>

#include "diag.h"

#define BYTES		(256u << 10)
#define STREAMS_MAX	12u
#define SPINS		1000u

struct lane {
	struct gaon_stream *stream;
	struct gaon_mem *mem;		/* twice BYTES */
	struct gaon_mem *spin;		/* results of diag_spin; NULL: nothing is launched */
	uint8_t *there, *back;		/* BYTES each */
};

/* A short kernel on every core. */
static bool lane_launch(struct diag *d, struct lane *l)
{
	struct diag_spin_args args = { .core = DIAG_NONE, .rounds = SPINS, .result = gaon_mem_va(l->spin) };
	struct gaon_launch launch = {
		.size = sizeof(launch),
		.grid = { d->info.cores, 1, 1 },
		.args = &args,
		.args_size = sizeof(args),
	};
	struct gaon_kernel *kernel;

	return diag_good(d, gaon_module_get_kernel(d->module, "diag_spin", &kernel), "diag_spin") &&
	       diag_good(d, gaon_launch(l->stream, kernel, &launch), "diag_spin");
}

/* @contend: priorities differ, and there are launches before and behind the copies. */
static bool lane_begin(struct diag *d, struct lane *l, unsigned int number, bool contend)
{
	struct gaon_stream_config config = {
		.size = sizeof(config),
		.priority = contend ? (enum gaon_priority)(number % 3) : GAON_STREAM_NORMAL,
	};

	if (!diag_good(d, gaon_stream_create(d->dev, &config, &l->stream), "making a stream"))
		return false;
	l->spin = contend ? diag_memory(d, 16ull * d->info.cores, NULL) : NULL;
	return !contend || (l->spin && lane_launch(d, l));
}

/* To the device, within it, over a part of it a fill, and back. */
static bool lane_give(struct diag *d, struct lane *l, unsigned int number, bool contend)
{
	uint64_t va, state = d->seed + number;

	for (size_t i = 0; i < BYTES / 8; i++)
		((uint64_t *)(void *)l->there)[i] = diag_random(&state);
	memset(l->back, 0, BYTES);
	l->mem = diag_memory(d, 2 * BYTES, NULL);
	if (!l->mem || !lane_begin(d, l, number, contend))
		return false;
	va = gaon_mem_va(l->mem);
	return diag_good(d, gaon_mem_write_async(l->stream, va, l->there, BYTES),
			 "copying to the device") &&
	       diag_good(d, gaon_mem_copy_async(l->stream, va + BYTES, va, BYTES),
			 "copying in the device") &&
	       diag_good(d,
			 gaon_mem_fill_async(l->stream, va + BYTES + BYTES / 2,
					     0x1122334455667788ull, 8, 4096),
			 "filling device memory") &&
	       diag_good(d, gaon_mem_read_async(l->stream, l->back, va + BYTES, BYTES),
			 "copying from the device") &&
	       (!l->spin || lane_launch(d, l));
}

static void lane_compare(struct diag *d, const struct lane *l)
{
	for (size_t i = 0; i < BYTES / 8; i++) {
		bool filled = i >= BYTES / 16 && i < BYTES / 16 + 512;
		uint64_t expected = filled ? 0x1122334455667788ull : ((uint64_t *)(void *)l->there)[i];
		uint64_t found = ((uint64_t *)(void *)l->back)[i];
		struct diag_finding *f;

		if (found == expected)
			continue;
		f = diag_find(d, DIAG_CRITICAL, "a copy engine: word %zu of a %s is %#llx and should be %#llx", i,
			      filled ? "fill" : "copy", (unsigned long long)found, (unsigned long long)expected);
		f->unit = "copy";
		f->instruction = filled ? "fill" : "copy";
		f->address = gaon_mem_va(l->mem) + BYTES + 8 * i;
		f->channel = diag_channel(d, f->address);
		f->values = true;
		f->expected = expected;
		f->found = found;
		return;
	}
}

static void spin_compare(struct diag *d, const struct lane *l)
{
	uint64_t found[2], expected;

	for (uint32_t core = 0; l->spin && core < d->info.cores; core++) {
		struct diag_finding *f;

		expected = core + (uint64_t)SPINS * (SPINS - 1) / 2;
		if (!diag_good(d, gaon_mem_read(d->dev, found, gaon_mem_va(l->spin) + 16ull * core, 16), "reading a result"))
			return;
		if (found[1] == expected)
			continue;
		f = diag_find(d, DIAG_CRITICAL, "among %u streams core %u adds up to %llu and should to %llu", STREAMS_MAX, core,
			      (unsigned long long)found[1], (unsigned long long)expected);
		f->unit = "queues";
		f->core = core;
		f->values = true;
		f->expected = expected;
		f->found = found[1];
	}
}

static void run_lanes(struct diag *d, unsigned int count, bool contend)
{
	unsigned int i;
	uint8_t *host = malloc(2ull * BYTES * STREAMS_MAX);
	struct lane lanes[STREAMS_MAX] = { 0 };
	bool good = host;

	if (count > STREAMS_MAX)
		count = STREAMS_MAX;
	if (!host)
		diag_find(d, DIAG_UNKNOWN, "no host memory");
	for (i = 0; i < count && good; i++) {
		lanes[i].there = host + 2ull * BYTES * i;
		lanes[i].back = lanes[i].there + BYTES;
		good = lane_give(d, &lanes[i], i, contend);
	}
	for (i = 0; i < count; i++) {
		if (!lanes[i].stream)
			continue;
		if (diag_good(d, gaon_stream_wait(lanes[i].stream, DIAG_WAIT_NS), "waiting for copies") && good) {
			lane_compare(d, &lanes[i]);
			spin_compare(d, &lanes[i]);
		}
		gaon_stream_destroy(lanes[i].stream);
	}
	for (i = 0; i < count; i++) {
		if (lanes[i].mem)
			gaon_mem_free(lanes[i].mem);
		if (lanes[i].spin)
			gaon_mem_free(lanes[i].spin);
	}
	free(host);
}

void diag_copies(struct diag *d)
{
	run_lanes(d, 2 * d->info.copy_engines, false);
}

void diag_contend(struct diag *d)
{
	run_lanes(d, STREAMS_MAX, true);
}
