// SPDX-License-Identifier: MIT
/* The device that is tested: opened, given work, and asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"

#define HUGE_BYTES	(2ull << 20)
#define HBM_INTERLEAVE	256		/* bytes in turn of each channel */

bool diag_open(struct diag *d)
{
	d->info.size = sizeof(d->info);
	d->before.size = sizeof(d->before);
	return diag_good(d, gaon_device_open(d->device, &d->dev), "opening the device") &&
	       diag_good(d, gaon_device_get_info(d->dev, &d->info), "reading its properties") &&
	       diag_good(d, gaon_device_get_counters(d->dev, &d->before), "reading its counters") &&
	       diag_good(d, gaon_stream_create(d->dev, NULL, &d->stream), "making a stream") &&
	       diag_good(d, gaon_module_load(d->dev, gaon_diag_kernels, gaon_diag_kernels_size, &d->module),
			 "loading the kernels");
}

void diag_close(struct diag *d)
{
	if (d->dev)
		gaon_device_close(d->dev);
	d->dev = NULL;
	d->stream = NULL;
	d->module = NULL;
}

static bool give(struct diag *d, const char *name, const void *args, size_t size, uint32_t spm_bytes)
{
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { d->info.cores, 1, 1 }, .args = args, .args_size = size,
		.spm_bytes = spm_bytes,
	};
	struct gaon_kernel *kernel;

	return diag_good(d, gaon_module_get_kernel(d->module, name, &kernel), name) &&
	       diag_good(d, gaon_launch(d->stream, kernel, &launch), name);
}

bool diag_launch(struct diag *d, const char *kernel, const void *args, size_t size, uint32_t spm_bytes)
{
	return give(d, kernel, args, size, spm_bytes) &&
	       diag_good(d, gaon_stream_wait(d->stream, DIAG_WAIT_NS), kernel);
}

bool diag_launch_timed(struct diag *d, const char *kernel, const void *args, size_t size, uint32_t spm_bytes,
		       int64_t *device_ns)
{
	struct gaon_event *start = NULL, *end = NULL;
	bool good;

	*device_ns = 0;
	good = diag_good(d, gaon_event_create(d->dev, GAON_EVENT_TIMED, &start), "making an event") &&
	       diag_good(d, gaon_event_create(d->dev, GAON_EVENT_TIMED, &end), "making an event") &&
	       diag_good(d, gaon_event_record(d->stream, start), "recording") &&
	       give(d, kernel, args, size, spm_bytes) &&
	       diag_good(d, gaon_event_record(d->stream, end), "recording") &&
	       diag_good(d, gaon_stream_wait(d->stream, DIAG_WAIT_NS), kernel) &&
	       diag_good(d, gaon_event_elapsed(start, end, device_ns, NULL), "reading the device's time");
	if (start)
		gaon_event_destroy(start);
	if (end)
		gaon_event_destroy(end);
	return good;
}

struct gaon_mem *diag_memory(struct diag *d, uint64_t bytes, const void *data)
{
	struct gaon_mem *mem;

	if (!diag_good(d, gaon_mem_alloc(d->dev, bytes, GAON_MEM_DEVICE, &mem), "allocating device memory"))
		return NULL;
	if (!data || diag_good(d, gaon_mem_write(d->dev, gaon_mem_va(mem), data, bytes), "writing device memory"))
		return mem;
	gaon_mem_free(mem);
	return NULL;
}

bool diag_read(struct diag *d, void *to, struct gaon_mem *from, uint64_t bytes)
{
	return diag_good(d, gaon_mem_read(d->dev, to, gaon_mem_va(from), bytes), "reading device memory");
}

/* Large allocations have pages of 2 MiB, in which the channels take their turns the same number of times. */
uint64_t diag_channel(const struct diag *d, uint64_t va)
{
	if (!d->info.hbm_channels || HUGE_BYTES % ((uint64_t)HBM_INTERLEAVE * d->info.hbm_channels))
		return DIAG_NONE;
	return va % HUGE_BYTES / HBM_INTERLEAVE % d->info.hbm_channels;
}

uint64_t diag_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t diag_host_memory(void)
{
	long pages = sysconf(_SC_AVPHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);

	return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : 0;
}
