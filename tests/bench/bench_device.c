// SPDX-License-Identifier: MIT
/* Opening the device for a probe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_device.h"

bool bench_ok(enum gaon_status status, const char *what)
{
	if (status == GAON_OK)
		return true;
	fprintf(stderr, "gaon-bench: %s: %s: %s\n", what, gaon_status_name(status),
		gaon_last_error()->text);
	return false;
}

bool bench_device_open(struct bench_device *b, const char *module, const char *kernel)
{
	char path[4096];
	const char *directory = getenv("GAON_BENCH_KERNELS");

	memset(b, 0, sizeof(*b));
	if (!bench_ok(gaon_device_open(NULL, &b->dev), "open") ||
	    !bench_ok(gaon_stream_create(b->dev, NULL, &b->stream), "stream"))
		return false;
	if (!module)
		return true;
	snprintf(path, sizeof(path), "%s/%s.elf", directory ? directory : BENCH_KERNEL_DIR, module);
	return bench_ok(gaon_module_load_file(b->dev, path, &b->module), path) &&
	       bench_ok(gaon_module_get_kernel(b->module, kernel, &b->kernel), kernel);
}

void bench_device_close(struct bench_device *b)
{
	if (b->dev)
		gaon_device_close(b->dev);
}

double bench_device_launch(struct bench_device *b, uint32_t groups, const void *args, size_t size)
{
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { groups, 1, 1 }, .args = args, .args_size = size,
	};
	double start = bench_now();

	if (!bench_ok(gaon_launch(b->stream, b->kernel, &launch), "launch") ||
	    !bench_ok(gaon_stream_wait(b->stream, GAON_FOREVER), "wait"))
		return -1;
	return bench_now() - start;
}
