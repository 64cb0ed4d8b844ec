// SPDX-License-Identifier: MIT
/* The device's own kernel sources, compiled for this host with all it has, one thread per share. */
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"

#include "kernels/vector.c"

#define ELEMENTS	((size_t)16 << 20)
#define COLUMNS		4096
#define THREADS_MAX	64

struct share {
	pthread_t id;
	uint32_t index, count;
	void (*run)(const void *args);
	const void *args;
};

static void *run_share(void *arg)
{
	struct share *s = arg;

	gaon_native.wg[0] = s->index;
	gaon_native.grid[0] = s->count;
	s->run(s->args);
	return NULL;
}

/* Best of five, million elements per second. */
static double native(void (*run)(const void *args), const void *args)
{
	struct share shares[THREADS_MAX];
	unsigned int threads = bench_threads();
	double best = -1;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	for (int round = 0; round < 5; round++) {
		double start = bench_now(), seconds;

		for (unsigned int i = 0; i < threads; i++) {
			shares[i] = (struct share){ .index = i, .count = threads, .run = run, .args = args };
			if (pthread_create(&shares[i].id, NULL, run_share, &shares[i]))
				abort();
		}
		for (unsigned int i = 0; i < threads; i++)
			pthread_join(shares[i].id, NULL);
		seconds = bench_now() - start;
		if (best < 0 || seconds < best)
			best = seconds;
	}
	return (double)ELEMENTS / best * 1e-6;
}

static void run_saxpy(const void *args)
{
	bench_saxpy(args);
}

static void run_softmax(const void *args)
{
	bench_softmax(args);
}

static double probe_saxpy(void)
{
	float *y = bench_random(ELEMENTS, 1), *x = bench_random(ELEMENTS, 2);
	struct bench_saxpy_args args = { (uintptr_t)y, (uintptr_t)x, ELEMENTS, 1.5f, 0 };
	double result = x && y ? native(run_saxpy, &args) : -1;

	free(x);
	free(y);
	return result;
}

static double probe_softmax(void)
{
	float *out = bench_random(ELEMENTS, 1), *in = bench_random(ELEMENTS, 2);
	struct bench_softmax_args args = { (uintptr_t)out, (uintptr_t)in, ELEMENTS / COLUMNS, COLUMNS, 0 };
	double result = in && out ? native(run_softmax, &args) : -1;

	free(in);
	free(out);
	return result;
}

const struct bench_probe bench_probes_native[] = {
	{ "native_saxpy", probe_saxpy },
	{ "native_softmax", probe_softmax },
	{ NULL, NULL },
};
