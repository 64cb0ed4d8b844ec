// SPDX-License-Identifier: MIT
/* Copy engines: copies and fills of several streams at a time. */
#include <stdlib.h>
#include <string.h>

#include "diag.h"

#define BYTES		(256u << 10)
#define STREAMS_MAX	8u

struct lane {
	struct gaon_stream *stream;
	struct gaon_mem *mem;		/* twice BYTES */
	uint8_t *there, *back;		/* BYTES each */
};

/* In: to the device, within it, over a part of it a fill, and back. */
static bool lane_give(struct diag *d, struct lane *l, unsigned int number)
{
	uint64_t va, state = d->seed + number;

	for (size_t i = 0; i < BYTES / 8; i++)
		((uint64_t *)(void *)l->there)[i] = diag_random(&state);
	memset(l->back, 0, BYTES);
	l->mem = diag_memory(d, 2 * BYTES, NULL);
	if (!l->mem || !diag_good(d, gaon_stream_create(d->dev, NULL, &l->stream), "making a stream"))
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
			 "copying from the device");
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

void diag_copies(struct diag *d)
{
	unsigned int count = 2 * d->info.copy_engines, i;
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
		good = lane_give(d, &lanes[i], i);
	}
	for (i = 0; i < count; i++) {
		if (!lanes[i].stream)
			continue;
		if (diag_good(d, gaon_stream_wait(lanes[i].stream, DIAG_WAIT_NS), "waiting for copies") && good)
			lane_compare(d, &lanes[i]);
		gaon_stream_destroy(lanes[i].stream);
	}
	for (i = 0; i < count; i++) {
		if (lanes[i].mem)
			gaon_mem_free(lanes[i].mem);
	}
	free(host);
}
