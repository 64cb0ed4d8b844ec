// SPDX-License-Identifier: MIT
/* Copies of 64 MiB between pageable host memory and the device, GB/s. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_device.h"

#define BYTES	((size_t)64 << 20)

static double copy(bool to_device)
{
	char *host = aligned_alloc(4096, BYTES);
	struct gaon_mem *mem;
	struct bench_device b;
	double best = -1;

	if (!host || !bench_device_open(&b, NULL, NULL) ||
	    !bench_ok(gaon_mem_alloc(b.dev, BYTES, GAON_MEM_DEVICE, &mem), "alloc"))
		goto out;
	memset(host, 1, BYTES);
	if (!bench_ok(gaon_mem_fill(b.dev, gaon_mem_va(mem), 2, 1, BYTES), "fill"))
		goto out;
	for (int i = 0; i < 5; i++) {
		double start = bench_now(), seconds;
		enum gaon_status status;

		if (to_device)
			status = gaon_mem_write(b.dev, gaon_mem_va(mem), host, BYTES);
		else
			status = gaon_mem_read(b.dev, host, gaon_mem_va(mem), BYTES);
		seconds = bench_now() - start;
		if (!bench_ok(status, "copy"))
			goto out;
		if (best < 0 || seconds < best)
			best = seconds;
	}
out:
	bench_device_close(&b);
	free(host);
	return best > 0 ? (double)BYTES / best * 1e-9 : -1;
}

static double probe_h2d(void)
{
	return copy(true);
}

static double probe_d2h(void)
{
	return copy(false);
}

const struct bench_probe bench_probes_copy[] = {
	{ "gaon_h2d", probe_h2d },
	{ "gaon_d2h", probe_d2h },
	{ NULL, NULL },
};
