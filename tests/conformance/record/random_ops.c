// SPDX-License-Identifier: MIT
/*
 * random_ops KERNELS [SEED [STEPS]]: what a program may do with a device, in an order that the seed
 * chooses, on two threads: for gaon record. Prints the seed, and a digest of all that was read;
 * what is read depends on all before.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gaon/gaon.h>

#include "../../splitmix.h"
#include "../runtime/kernels.h"

#define WORDS	4096u /* of each buffer, 8 bytes each */
#define BYTES	(8 * WORDS)
#define THREADS 2
#define BUFFERS 4 /* device, device, pinned, imported */

struct worker {
	pthread_t thread;
	uint64_t random, digest;
	int steps;
	struct gaon_device *dev;
	struct gaon_stream *stream, *other;
	struct gaon_event *event;
	struct gaon_kernel *step, *store, *saxpy;
	struct gaon_mem *mem[BUFFERS];
	uint64_t va[BUFFERS], pool;
	uint64_t *host[BUFFERS];
	uint64_t *in, *out;
	struct gaon_graph *graph;
};

static void must(enum gaon_status status, const char *what)
{
	if (!status)
		return;
	fprintf(stderr, "random_ops: %s: %s\n", what, gaon_last_error()->text);
	exit(1);
}

#define OK(call) must(call, #call)

static uint64_t draw(struct worker *w, uint64_t below)
{
	return splitmix64_next(&w->random) % below;
}

static void take(struct worker *w, const uint64_t *data, uint64_t words)
{
	for (uint64_t i = 0; i < words; i++)
		w->digest = (w->digest ^ data[i]) * 0x100000001b3ull;
}

static void launch(struct worker *w, struct gaon_stream *stream, struct gaon_kernel *kernel,
		   uint64_t va, uint64_t value)
{
	struct conf_args args = { va, value };

	OK(gaon_launch(stream, kernel,
		       &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
					      .args = &args,
					      .args_size = sizeof(args) }));
	(void)w;
}

static uint64_t any_word(struct worker *w)
{
	return w->va[draw(w, BUFFERS)] + 8 * draw(w, WORDS);
}

/* --- operations ------------------------------------------------------------------------------- */

static void op_launch(struct worker *w)
{
	launch(w, w->stream, draw(w, 2) ? w->step : w->store, any_word(w),
	       splitmix64_next(&w->random));
}

static void op_saxpy(struct worker *w)
{
	struct conf_saxpy_args args = { w->va[0], w->va[1], 2 * WORDS, (float)draw(w, 100) / 7 };

	OK(gaon_launch(w->stream, w->saxpy,
		       &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
					      .grid = { 1 + (uint32_t)draw(w, 7) },
					      .args = &args,
					      .args_size = sizeof(args) }));
}

static void op_write(struct worker *w)
{
	uint64_t from = draw(w, WORDS), words = 1 + draw(w, WORDS - from);

	/* What is on its way into it must have come, what is on its way out of it must have gone.
	 */
	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	for (uint64_t i = 0; i < words; i++)
		w->in[i] = splitmix64_next(&w->random);
	if (draw(w, 2))
		OK(gaon_mem_write_async(w->stream, w->va[draw(w, 2)] + 8 * from, w->in, 8 * words));
	else
		OK(gaon_mem_write(w->dev, w->va[draw(w, BUFFERS)] + 8 * from, w->in, 8 * words));
}

static void op_read(struct worker *w)
{
	uint64_t from = draw(w, WORDS), words = 1 + draw(w, WORDS - from),
		 va = w->va[draw(w, BUFFERS)] + 8 * from;

	if (draw(w, 2)) {
		OK(gaon_mem_read_async(w->stream, w->out, va, 8 * words));
		OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	} else {
		OK(gaon_stream_wait(w->stream, GAON_FOREVER));
		OK(gaon_mem_read(w->dev, w->out, va, 8 * words));
	}
	take(w, w->out, words);
}

static void op_copy(struct worker *w)
{
	uint64_t words = 1 + draw(w, WORDS), dst = draw(w, BUFFERS),
		 src = (dst + 1 + draw(w, BUFFERS - 1)) % BUFFERS;

	OK(gaon_mem_copy_async(w->stream, w->va[dst] + 8 * draw(w, WORDS - words + 1),
			       w->va[src] + 8 * draw(w, WORDS - words + 1), 8 * words));
}

static void op_fill(struct worker *w)
{
	uint64_t from = draw(w, WORDS);

	OK(gaon_mem_fill_async(w->stream, w->va[draw(w, BUFFERS)] + 8 * from,
			       splitmix64_next(&w->random), 8, 8 * (1 + draw(w, WORDS - from))));
}

/* Stores without a call, when nothing runs; and loads. */
static void op_host(struct worker *w)
{
	uint64_t *host = w->host[2 + draw(w, 2)], from = draw(w, WORDS),
		 words = 1 + draw(w, WORDS - from);

	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	take(w, host + from, words);
	for (uint64_t i = 0; i < words; i++)
		host[from + i] = splitmix64_next(&w->random);
}

static void op_pinned_copies(struct worker *w)
{
	uint64_t from = draw(w, WORDS / 2), words = 1 + draw(w, WORDS / 2), which = 2 + draw(w, 2);

	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	w->host[which][from] = splitmix64_next(&w->random);
	OK(gaon_mem_write_async(w->stream, w->va[0], w->host[which] + from, 8 * words));
	launch(w, w->stream, w->step, w->va[0], draw(w, 100));
	OK(gaon_mem_read_async(w->stream, w->host[which] + WORDS / 2, w->va[0], 8 * words));
	OK(gaon_event_record(w->stream, w->event));
	OK(gaon_event_wait(w->event, GAON_FOREVER));
	take(w, w->host[which] + WORDS / 2, words);
}

static void op_rect(struct worker *w)
{
	struct gaon_rect rect = {
		.size = sizeof(rect),
		.width = 8 * (1 + draw(w, 16)),
		.height = 1 + (uint32_t)draw(w, 9),
		.depth = 2,
		.dst = { .va = w->va[1], .row_pitch = 256, .slice_pitch = 4096 },
		.src = { .ptr = w->in, .row_pitch = 128 + 8 * draw(w, 9) },
	};

	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	for (int i = 0; i < 600; i++)
		w->in[i] = splitmix64_next(&w->random);
	OK(gaon_mem_copy_rect_async(w->stream, &rect));
	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	rect.src = rect.dst;
	memset(w->out, 0, 8192);
	rect.dst = (struct gaon_rect_end){ .ptr = w->out, .row_pitch = 192, .slice_pitch = 4096 };
	if (draw(w, 2)) {
		OK(gaon_mem_copy_rect(w->dev, &rect));
	} else {
		OK(gaon_mem_copy_rect_async(w->stream, &rect));
		OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	}
	take(w, w->out, 1024);
}

/* Between two streams, by an event, and memory of the pool that goes from one to the other. */
static void op_streams(struct worker *w)
{
	uint64_t value = splitmix64_next(&w->random), pool;

	OK(gaon_mem_alloc_async(w->stream, BYTES, &pool));
	OK(gaon_mem_fill_async(w->stream, pool, value, 8, BYTES));
	launch(w, w->stream, w->step, pool, 3);
	OK(gaon_event_record(w->stream, w->event));
	OK(gaon_stream_wait_event(w->other, w->event));
	launch(w, w->other, w->step, pool, 5);
	OK(gaon_mem_copy_async(w->other, w->va[1], pool, BYTES));
	OK(gaon_mem_free_async(w->other, pool));
	OK(gaon_event_record(w->other, w->event));
	OK(gaon_stream_wait_event(w->stream, w->event));
}

static void poke(void *arg)
{
	struct worker *w = arg;

	w->host[2][7] += 1000003;
}

/* The kernel behind it reads what the callback stored. */
static void op_callback(struct worker *w)
{
	OK(gaon_stream_callback(w->stream, poke, w));
	launch(w, w->stream, w->step, w->va[2] + 8 * 7, 1);
	OK(gaon_mem_copy_async(w->stream, w->va[0], w->va[2], 64));
	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	take(w, w->host[2], 8);
}

static void op_graph(struct worker *w)
{
	struct conf_args args = { w->va[0], draw(w, 50) };

	if (!w->graph) {
		OK(gaon_graph_begin(w->stream));
		launch(w, w->stream, w->step, w->va[0], 11);
		OK(gaon_launch(w->stream, w->step,
			       &(struct gaon_launch){ .size = sizeof(struct gaon_launch),
						      .flags = GAON_LAUNCH_REPLACEABLE,
						      .args = &args,
						      .args_size = sizeof(args) }));
		launch(w, w->stream, w->step, w->va[3], 13);
		OK(gaon_graph_end(w->stream, &w->graph));
	}
	if (draw(w, 2))
		OK(gaon_graph_launch(w->stream, w->graph));
	else
		OK(gaon_graph_launch_args(w->stream, w->graph,
					  &(struct gaon_graph_args){ sizeof(struct gaon_graph_args),
								     0, &args, sizeof(args) },
					  1));
}

static void (*const ops[])(struct worker *w) = {
	op_launch, op_launch, op_launch,	op_saxpy, op_write,   op_read,	   op_copy,
	op_fill,   op_host,   op_pinned_copies, op_rect,  op_streams, op_callback, op_graph,
};

/* --- the program ------------------------------------------------------------------------------ */

static void worker_start(struct worker *w, struct gaon_module *module)
{
	w->in = calloc(1, BYTES);
	w->out = calloc(1, BYTES);
	w->host[3] = calloc(1, BYTES + 8);
	if (!w->in || !w->out || !w->host[3])
		exit(1);
	OK(gaon_stream_create(w->dev, NULL, &w->stream));
	OK(gaon_stream_create(w->dev, NULL, &w->other));
	OK(gaon_event_create(w->dev, 0, &w->event));
	OK(gaon_module_get_kernel(module, "conf_step", &w->step));
	OK(gaon_module_get_kernel(module, "conf_store", &w->store));
	OK(gaon_module_get_kernel(module, "conf_saxpy", &w->saxpy));
	for (int i = 0; i < 3; i++)
		OK(gaon_mem_alloc(w->dev, BYTES, i < 2 ? GAON_MEM_DEVICE : GAON_MEM_HOST,
				  &w->mem[i]));
	OK(gaon_mem_import(w->dev, w->host[3], BYTES, 0, &w->mem[3]));
	w->host[2] = gaon_mem_ptr(w->mem[2]);
	for (int i = 0; i < BUFFERS; i++)
		w->va[i] = gaon_mem_va(w->mem[i]);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < w->steps; i++)
		ops[draw(w, sizeof(ops) / sizeof(ops[0]))](w);
	OK(gaon_stream_wait(w->stream, GAON_FOREVER));
	OK(gaon_stream_wait(w->other, GAON_FOREVER));
	for (int i = 0; i < BUFFERS; i++) {
		OK(gaon_mem_read(w->dev, w->out, w->va[i], BYTES));
		take(w, w->out, WORDS);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct timespec now;
	struct worker workers[THREADS];
	struct gaon_module *module;
	struct gaon_device *dev;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	if (argc < 2)
		return 2;
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)now.tv_nsec;
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	OK(gaon_device_open(NULL, &dev));
	OK(gaon_module_load_file(dev, argv[1], &module));
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .random = seed + (uint64_t)i,
					      .dev = dev,
					      .steps = argc > 3 ? atoi(argv[3]) : 400 };
		worker_start(&workers[i], module);
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		printf("thread %d: %016llx\n", i, (unsigned long long)workers[i].digest);
	}
	OK(gaon_device_close(dev));
	for (int i = 0; i < THREADS; i++) {
		free(workers[i].in);
		free(workers[i].out);
		free(workers[i].host[3]);
	}
	return 0;
}
