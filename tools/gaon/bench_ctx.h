/* SPDX-License-Identifier: MIT */
/* What the benchmarks of `gaon bench` share. */
#ifndef GAON_TOOLS_BENCH_CTX_H
#define GAON_TOOLS_BENCH_CTX_H

#include "cmd.h"

struct bench_ctx {
	struct cmd_common common;
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct gaon_device_info info;
	json_t *rows;
};

/* The embedded program of benchmark kernels (tests/bench/kernels/scalar.c). */
extern const unsigned char gaon_bench_kernels[];
extern const unsigned int gaon_bench_kernels_size;

/* One figure, as text or as a row of the JSON document. */
void bench_figure(struct bench_ctx *b, const char *name, double value, const char *unit);
int bench_gemm(struct bench_ctx *b);

#endif
