// SPDX-License-Identifier: MIT
/* What a core makes of plain C: scalar instructions per second, vector loops. */
#include <stdlib.h>

#include "bench.h"
#include "bench_device.h"
#include "kernels/bench_kernels.h"

#define ELEMENTS	((size_t)16 << 20)
#define COLUMNS		4096

/* Million instructions per second of one core on one host thread. */
static double probe_scalar(void)
{
	struct bench_scalar_args args = { .iterations = 20000 };
	struct gaon_mem *mem;
	struct bench_device b;
	double best = -1;

	if (!bench_device_open(&b, "scalar", "bench_scalar") ||
	    !bench_ok(gaon_mem_alloc(b.dev, 4096, GAON_MEM_HOST, &mem), "alloc"))
		goto out;
	args.result = gaon_mem_va(mem);
	for (int i = 0; i < 4; i++) {
		double seconds = bench_device_launch(&b, 1, &args, sizeof(args)), mips;

		if (seconds < 0)
			goto out;
		mips = (double)((uint64_t *)gaon_mem_ptr(mem))[1] / seconds * 1e-6;
		if (mips > best)
			best = mips;
	}
out:
	bench_device_close(&b);
	return best;
}

/* Best of five launches, million elements per second. */
static double vector(const char *kernel, size_t out_offset, size_t in_offset, void *args, size_t size)
{
	struct gaon_mem *mem[2] = { NULL };
	float *data = bench_random(ELEMENTS, 1);
	struct gaon_device_info info = { .size = sizeof(info) };
	struct bench_device b;
	double best = -1;

	if (!data || !bench_device_open(&b, "vector", kernel) ||
	    !bench_ok(gaon_device_get_info(b.dev, &info), "info"))
		goto out;
	for (int i = 0; i < 2; i++) {
		if (!bench_ok(gaon_mem_alloc(b.dev, ELEMENTS * 4, GAON_MEM_DEVICE, &mem[i]), "alloc") ||
		    !bench_ok(gaon_mem_write(b.dev, gaon_mem_va(mem[i]), data, ELEMENTS * 4), "write"))
			goto out;
	}
	*(uint64_t *)((char *)args + out_offset) = gaon_mem_va(mem[0]);
	*(uint64_t *)((char *)args + in_offset) = gaon_mem_va(mem[1]);
	for (int i = 0; i < 5; i++) {
		double seconds = bench_device_launch(&b, info.cores, args, size);

		if (seconds < 0)
			goto out;
		if (best < 0 || seconds < best)
			best = seconds;
	}
out:
	bench_device_close(&b);
	free(data);
	return best > 0 ? (double)ELEMENTS / best * 1e-6 : -1;
}

static double probe_saxpy(void)
{
	struct bench_saxpy_args args = { .count = ELEMENTS, .a = 1.5f };

	return vector("bench_saxpy", offsetof(struct bench_saxpy_args, y),
		      offsetof(struct bench_saxpy_args, x), &args, sizeof(args));
}

static double probe_softmax(void)
{
	struct bench_softmax_args args = { .rows = ELEMENTS / COLUMNS, .columns = COLUMNS };

	return vector("bench_softmax", offsetof(struct bench_softmax_args, out),
		      offsetof(struct bench_softmax_args, in), &args, sizeof(args));
}

const struct bench_probe bench_probes_core[] = {
	{ "gaon_scalar", probe_scalar },
	{ "gaon_saxpy", probe_saxpy },
	{ "gaon_softmax", probe_softmax },
	{ NULL, NULL },
};
