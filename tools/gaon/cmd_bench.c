// SPDX-License-Identifier: MIT
/* gaon bench: quick figures of one device. The comparison with peers is gaon-bench (make bench). */
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "bench_ctx.h"
#include "../../tests/bench/kernels/bench_kernels.h"

void bench_figure(struct bench_ctx *b, const char *name, double value, const char *unit)
{
	if (b->common.json)
		json_array_append_new(b->rows, json_pack("{s:s, s:f, s:s}", "name", name, "value", value,
							 "unit", unit));
	else
		printf("%-28s %12.4g %s\n", name, value, unit);
	fflush(stdout);
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct gaon_kernel *bench_kernel(struct bench_ctx *b, const char *name)
{
	struct gaon_kernel *kernel;

	if (!b->module &&
	    !cmd_ok(gaon_module_load(b->dev, gaon_bench_kernels, gaon_bench_kernels_size, &b->module),
		    "loading the benchmark kernels"))
		return NULL;
	return cmd_ok(gaon_module_get_kernel(b->module, name, &kernel), name) ? kernel : NULL;
}

static bool launch_once(struct bench_ctx *b, struct gaon_kernel *kernel, const void *args, size_t size)
{
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { 1, 1, 1 }, .args = args, .args_size = size,
	};

	return cmd_ok(gaon_launch(b->stream, kernel, &launch), "launching");
}

static int bench_launch(struct bench_ctx *b)
{
	enum { COUNT = 10000, BATCH = 400 };
	struct gaon_kernel *kernel = bench_kernel(b, "bench_nothing");
	const struct bench_nothing_args args = { 0 };
	double *t = calloc(COUNT, sizeof(*t)), start;
	int code = CMD_FAILED;

	if (!kernel || !t)
		goto out;
	for (int i = -100; i < COUNT; i++) {
		start = cmd_now();
		if (!launch_once(b, kernel, &args, sizeof(args)) ||
		    !cmd_ok(gaon_stream_wait(b->stream, GAON_FOREVER), "waiting"))
			goto out;
		if (i >= 0)
			t[i] = cmd_now() - start;
	}
	qsort(t, COUNT, sizeof(*t), compare_double);
	bench_figure(b, "round trip, median", t[COUNT / 2] * 1e6, "us");
	bench_figure(b, "round trip, 99th percentile", t[COUNT * 99 / 100] * 1e6, "us");
	start = cmd_now();
	for (int i = 0; i < BATCH; i++) {
		if (!launch_once(b, kernel, &args, sizeof(args)))
			goto out;
	}
	bench_figure(b, "enqueue", (cmd_now() - start) / BATCH * 1e6, "us");
	if (!cmd_ok(gaon_stream_wait(b->stream, GAON_FOREVER), "waiting"))
		goto out;
	bench_figure(b, "batch, per launch", (cmd_now() - start) / BATCH * 1e6, "us");
	code = CMD_OK;
out:
	free(t);
	return code;
}

static bool copy_rate(struct bench_ctx *b, struct gaon_mem *mem, void *host, size_t bytes, bool to_device)
{
	unsigned int repeat = bytes < (1u << 20) ? 200 : 8;
	double start, best = 1e9;
	char name[64], size[32];

	for (unsigned int round = 0; round < 3; round++) {
		start = cmd_now();
		for (unsigned int i = 0; i < repeat; i++) {
			enum gaon_status status = to_device ?
				gaon_mem_write(b->dev, gaon_mem_va(mem), host, bytes) :
				gaon_mem_read(b->dev, host, gaon_mem_va(mem), bytes);

			if (!cmd_ok(status, "copying"))
				return false;
		}
		start = (cmd_now() - start) / repeat;
		if (start < best)
			best = start;
	}
	snprintf(name, sizeof(name), "%s, %s", to_device ? "host to device" : "device to host",
		 cmd_bytes(bytes, size, sizeof(size)));
	bench_figure(b, name, (double)bytes / best * 1e-9, "GB/s");
	return true;
}

static int bench_copy(struct bench_ctx *b)
{
	static const size_t sizes[] = { 4096, 65536, 1 << 20, 16 << 20, 64 << 20 };
	const size_t largest = 64 << 20;
	struct gaon_mem *mem;
	void *host = aligned_alloc(4096, largest);
	int code = CMD_FAILED;

	if (!host)
		return CMD_FAILED;
	memset(host, 1, largest);
	if (cmd_ok(gaon_mem_alloc(b->dev, largest, GAON_MEM_DEVICE, &mem), "allocating")) {
		code = CMD_OK;
		for (unsigned int i = 0; i < 10 && code == CMD_OK; i++) {
			if (!copy_rate(b, mem, host, sizes[i / 2], !(i & 1)))
				code = CMD_FAILED;
		}
	}
	free(host);
	return code;
}

static int bench_interp(struct bench_ctx *b)
{
	struct gaon_kernel *kernel = bench_kernel(b, "bench_scalar");
	struct bench_scalar_args args = { .iterations = 10000 };
	struct gaon_mem *mem;
	double best = 0;

	if (!kernel || !cmd_ok(gaon_mem_alloc(b->dev, 4096, GAON_MEM_HOST, &mem), "allocating"))
		return CMD_FAILED;
	args.result = gaon_mem_va(mem);
	for (int i = 0; i < 3; i++) {
		double start = cmd_now(), rate;

		if (!launch_once(b, kernel, &args, sizeof(args)) ||
		    !cmd_ok(gaon_stream_wait(b->stream, GAON_FOREVER), "waiting"))
			return CMD_FAILED;
		rate = (double)((uint64_t *)gaon_mem_ptr(mem))[1] / (cmd_now() - start);
		if (rate > best)
			best = rate;
	}
	bench_figure(b, "scalar instructions, one core", best * 1e-6, "million/s");
	return CMD_OK;
}

static const struct {
	const char *name;
	int (*run)(struct bench_ctx *b);
} benches[] = {
	{ "launch", bench_launch },
	{ "copy", bench_copy },
	{ "gemm", bench_gemm },
	{ "interp", bench_interp },
};

static int bench_named(struct bench_ctx *b, const char *name)
{
	int code = CMD_FAILED;

	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		if (strcmp(benches[i].name, name))
			continue;
		if (cmd_ok(gaon_device_open(b->common.device, &b->dev), "opening the device") &&
		    cmd_ok(gaon_device_get_info(b->dev, &b->info), "reading properties") &&
		    cmd_ok(gaon_stream_create(b->dev, NULL, &b->stream), "making a stream"))
			code = benches[i].run(b);
		if (b->common.json && code == CMD_OK)
			return cmd_print_json(json_pack("{s:s, s:s, s:O}", "device", b->info.name,
							"bench", name, "figures", b->rows));
		return code;
	}
	fprintf(stderr, "gaon bench: no benchmark named '%s': launch, copy, gemm or interp\n", name);
	return CMD_USAGE;
}

static int bench_run(const struct cmd *cmd, int argc, char **argv)
{
	struct bench_ctx b = { .info = { .size = sizeof(b.info) } };
	int code;

	if (!cmd_options_only(cmd, &b.common, argc, argv, 1, 1))
		return b.common.code;
	b.rows = json_array();
	code = bench_named(&b, argv[optind]);
	json_decref(b.rows);
	if (b.dev)
		gaon_device_close(b.dev);
	return code;
}

const struct cmd cmd_bench = {
	.name = "bench",
	.summary = "quick figures: launch, copy, gemm or interp",
	.operands = "launch|copy|gemm|interp",
	.words = "launch copy gemm interp",
	.flags = CMD_DEVICE,
	.text = "  launch   latency of an empty kernel, cost of queueing one\n"
		"  copy     bandwidth between host and device by size\n"
		"  gemm     matrix products by type, wall and modelled rate\n"
		"  interp   scalar instructions per second of one modelled core\n\n"
		"Wall-clock figures of the embedded device are those of the model on this machine.\n"
		"make bench measures against peers.\n",
	.run = bench_run,
};
