// SPDX-License-Identifier: MIT
/* Launches and opening: microseconds and milliseconds. */
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "bench_device.h"
#include "kernels/bench_kernels.h"

static double launch_roundtrip(bool idle)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const size_t warm = 100, count = idle ? 300 : 20000;
	const struct bench_nothing_args args = { 0 };
	double *t = calloc(count, sizeof(*t)), result = -1;
	struct bench_device b;

	if (!t || !bench_device_open(&b, "scalar", "bench_nothing"))
		goto out;
	for (size_t i = 0; i < warm + count; i++) {
		double seconds;

		if (idle)
			nanosleep(&pause, NULL);
		seconds = bench_device_launch(&b, 1, &args, sizeof(args));
		if (seconds < 0)
			goto out;
		if (i >= warm)
			t[i - warm] = seconds;
	}
	result = bench_median(t, count) * 1e6;
out:
	bench_device_close(&b);
	free(t);
	return result;
}

static double probe_roundtrip(void)
{
	return launch_roundtrip(false);
}

static double probe_after_idle(void)
{
	return launch_roundtrip(true);
}

/* CPU time of this thread per call while earlier launches keep the queue busy, in microseconds. */
static double probe_enqueue(void)
{
	enum { BATCH = 400, ROUNDS = 60 };
	const struct bench_nothing_args args = { 0 };
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { 1, 1, 1 }, .args = &args, .args_size = sizeof(args),
	};
	double t[ROUNDS], result = -1;
	struct bench_device b;

	if (!bench_device_open(&b, "scalar", "bench_nothing"))
		goto out;
	for (int r = 0; r < ROUNDS; r++) {
		double start;

		for (int i = 0; i < 8; i++) {
			if (!bench_ok(gaon_launch(b.stream, b.kernel, &launch), "launch"))
				goto out;
		}
		start = bench_thread_cpu();
		for (int i = 0; i < BATCH; i++) {
			if (gaon_launch(b.stream, b.kernel, &launch))
				goto out;
		}
		t[r] = (bench_thread_cpu() - start) / BATCH;
		if (!bench_ok(gaon_stream_wait(b.stream, GAON_FOREVER), "wait"))
			goto out;
	}
	result = bench_median(t, ROUNDS) * 1e6;
out:
	bench_device_close(&b);
	return result;
}

/* The first use in this process: firmware verified and booted. Milliseconds. */
static double probe_open(void)
{
	double start = bench_now(), seconds;
	struct gaon_device *dev;

	if (!bench_ok(gaon_device_open(NULL, &dev), "open"))
		return -1;
	seconds = bench_now() - start;
	gaon_device_close(dev);
	return seconds * 1e3;
}

const struct bench_probe bench_probes_launch[] = {
	{ "gaon_roundtrip", probe_roundtrip },
	{ "gaon_after_idle", probe_after_idle },
	{ "gaon_enqueue", probe_enqueue },
	{ "gaon_open", probe_open },
	{ NULL, NULL },
};
