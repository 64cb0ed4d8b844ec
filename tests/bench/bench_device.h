/* SPDX-License-Identifier: MIT */
/* What the probes of our side share: an open device with a stream and a module of benchmark kernels. */
#ifndef GAON_TESTS_BENCH_DEVICE_H
#define GAON_TESTS_BENCH_DEVICE_H

#include <gaon/gaon.h>

struct bench_device {
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct gaon_kernel *kernel;
};

/* @module, @kernel may be NULL. Prints what failed. */
bool bench_device_open(struct bench_device *b, const char *module, const char *kernel);
void bench_device_close(struct bench_device *b);
/* Launch @kernel over @groups workgroups and wait; seconds, negative on an error. */
double bench_device_launch(struct bench_device *b, uint32_t groups, const void *args, size_t size);
/* True if @status is OK; prints the last error with @what otherwise. */
bool bench_ok(enum gaon_status status, const char *what);

#endif
