// SPDX-License-Identifier: MIT
/* Loads saxpy.elf, runs it on whatever device there is and checks the result. */
#include <gaon/gaon.h>

#include <stdio.h>
#include <stdlib.h>

#define COUNT	100000

/* The kernel's arguments: device addresses are 64-bit integers here. */
struct saxpy_args {
	uint64_t y, x, count;
	float a;
};

static void check(enum gaon_status status)
{
	if (!status)
		return;
	fprintf(stderr, "%s: %s\n", gaon_status_name(status), gaon_last_error()->text);
	exit(1);
}

int main(int argc, char **argv)
{
	static float x[COUNT], y[COUNT];
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct gaon_kernel *kernel;
	struct gaon_mem *mx, *my;

	for (int i = 0; i < COUNT; i++) {
		x[i] = (float)i;
		y[i] = 1;
	}
	check(gaon_device_open(NULL, &dev));
	check(gaon_stream_create(dev, NULL, &stream));
	check(gaon_module_load_file(dev, argc > 1 ? argv[1] : "saxpy.elf", &module));
	check(gaon_module_get_kernel(module, "saxpy", &kernel));
	check(gaon_mem_alloc(dev, sizeof(x), GAON_MEM_DEVICE, &mx));
	check(gaon_mem_alloc(dev, sizeof(y), GAON_MEM_DEVICE, &my));
	check(gaon_mem_write_async(stream, gaon_mem_va(mx), x, sizeof(x)));
	check(gaon_mem_write_async(stream, gaon_mem_va(my), y, sizeof(y)));

	struct saxpy_args args = { gaon_mem_va(my), gaon_mem_va(mx), COUNT, 2.0f };
	struct gaon_launch launch = {
		.size = sizeof(launch),
		.grid = { 4, 1, 1 },
		.args = &args,
		.args_size = sizeof(args),
	};
	check(gaon_launch(stream, kernel, &launch));
	check(gaon_mem_read_async(stream, y, gaon_mem_va(my), sizeof(y)));
	check(gaon_stream_wait(stream, GAON_FOREVER));

	for (int i = 0; i < COUNT; i++)
		if (y[i] != 2.0f * (float)i + 1) {
			fprintf(stderr, "y[%d] is %g\n", i, (double)y[i]);
			return 1;
		}
	printf("%d elements are right\n", COUNT);
	check(gaon_device_close(dev));
	return 0;
}
