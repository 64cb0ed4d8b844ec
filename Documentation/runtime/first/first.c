// SPDX-License-Identifier: MIT
/* The first program of the runtime guide: y = a x + y on the accelerator. */
#include <gaon/gaon.h>

#include <stdio.h>
#include <stdlib.h>

#include "saxpy.h"

#define COUNT	100000u

/* Says what failed and what to do about it, then gives up. */
static void check(enum gaon_status status)
{
	const struct gaon_error *error = gaon_last_error();

	if (status == GAON_OK)
		return;
	fprintf(stderr, "%s: %s\n%s\n", gaon_status_name(status), error->text, error->hint);
	exit(1);
}

int main(int argc, char **argv)
{
	static float x[COUNT], y[COUNT];
	struct gaon_device *dev;
	struct gaon_mem *dx, *dy;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct gaon_kernel *saxpy;
	unsigned int i, wrong = 0;

	for (i = 0; i < COUNT; i++) {
		x[i] = (float)i;
		y[i] = 1.0f;
	}

	check(gaon_device_open(NULL, &dev));
	check(gaon_mem_alloc(dev, sizeof(x), GAON_MEM_DEVICE, &dx));
	check(gaon_mem_alloc(dev, sizeof(y), GAON_MEM_DEVICE, &dy));
	check(gaon_stream_create(dev, NULL, &stream));
	check(gaon_module_load_file(dev, argc > 1 ? argv[1] : "saxpy.elf", &module));
	check(gaon_module_get_kernel(module, "saxpy", &saxpy));

	check(gaon_mem_write_async(stream, gaon_mem_va(dx), x, sizeof(x)));
	check(gaon_mem_write_async(stream, gaon_mem_va(dy), y, sizeof(y)));
	struct saxpy_args args = {
		.x = gaon_mem_va(dx), .y = gaon_mem_va(dy), .count = COUNT, .a = 2.0f,
	};
	check(gaon_launch(stream, saxpy, &(struct gaon_launch){
		.size = sizeof(struct gaon_launch), .grid = { 8 },
		.args = &args, .args_size = sizeof(args) }));
	check(gaon_mem_read_async(stream, y, gaon_mem_va(dy), sizeof(y)));
	check(gaon_stream_wait(stream, 10000000000));	/* nanoseconds */

	for (i = 0; i < COUNT; i++)
		wrong += y[i] != 2.0f * (float)i + 1.0f;
	printf("%u results, %u wrong\n", COUNT, wrong);
	check(gaon_device_close(dev));		/* and with it everything made from it */
	return wrong != 0;
}
