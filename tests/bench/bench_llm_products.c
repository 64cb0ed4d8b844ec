// SPDX-License-Identifier: MIT
/*
 * Products of 512 rows with the weights of a layer, operator by operator, on the device and on ggml's
 * processor backend in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_llm.h"

#define COPIES	4	/* products in a graph, each with operands of its own */
#define SECONDS	0.15	/* of measuring one shape */

/* SmolLM2-135M's; how often each comes in a layer. */
static const struct shape {
	int64_t k, n;
	int count;
} shapes[] = { { 576, 576, 2 }, { 576, 192, 2 }, { 576, 1536, 2 }, { 1536, 576, 1 } };

struct products {
	struct ggml_context *weights, *rest;
	ggml_backend_buffer_t weights_buffer, buffer;
	struct ggml_cgraph *graph;
	struct ggml_tensor *w[COPIES], *x[COPIES], *y[COPIES];
};

static void products_free(struct products *p)
{
	ggml_backend_buffer_free(p->weights_buffer);
	ggml_backend_buffer_free(p->buffer);
	ggml_free(p->weights);
	ggml_free(p->rest);
	memset(p, 0, sizeof(*p));
}

static bool fill(struct products *p)
{
	int64_t k = p->w[0]->ne[0], n = p->w[0]->ne[1], m = p->x[0]->ne[1];
	float *values = bench_random((size_t)(k * (n > m ? n : m)), 1);
	void *blocks = malloc(ggml_nbytes(p->w[0]));
	bool good = values && blocks;

	if (good)
		ggml_quantize_chunk(p->w[0]->type, values, blocks, 0, n, k, NULL);
	for (int i = 0; good && i < COPIES; i++) {
		ggml_backend_tensor_set(p->w[i], blocks, 0, ggml_nbytes(p->w[i]));
		ggml_backend_tensor_set(p->x[i], values, 0, ggml_nbytes(p->x[i]));
	}
	free(values);
	free(blocks);
	return good;
}

/* Weights in @type; false if the device does not multiply such. */
static bool products_make(struct products *p, ggml_backend_dev_t device, ggml_backend_buffer_type_t type,
			  enum ggml_type format, int64_t k, int64_t n, int64_t m)
{
	struct ggml_init_params params = {
		.mem_size = 4 * COPIES * ggml_tensor_overhead() + ggml_graph_overhead(), .no_alloc = true,
	};

	memset(p, 0, sizeof(*p));
	p->weights = ggml_init(params);
	p->rest = ggml_init(params);
	for (int i = 0; i < COPIES; i++)
		p->w[i] = ggml_new_tensor_2d(p->weights, format, k, n);
	p->weights_buffer = ggml_backend_alloc_ctx_tensors_from_buft(p->weights, type);
	p->graph = ggml_new_graph(p->rest);
	for (int i = 0; i < COPIES; i++) {
		p->x[i] = ggml_new_tensor_2d(p->rest, GGML_TYPE_F32, k, m);
		p->y[i] = ggml_mul_mat(p->rest, p->w[i], p->x[i]);
		ggml_build_forward_expand(p->graph, p->y[i]);
	}
	if (!p->weights_buffer || !ggml_backend_dev_supports_op(device, p->y[0]))
		return false;
	p->buffer = ggml_backend_alloc_ctx_tensors_from_buft(p->rest,
							     ggml_backend_dev_buffer_type(device));
	return p->buffer && fill(p);
}

/* Seconds for one product: the shortest of several turns. */
static double products_time(struct products *p, ggml_backend_t backend)
{
	double best = 0.0, begin = 0.0, start, seconds;

	/* The first ones are recorded. */
	for (int i = -3; i < 3 || bench_now() - begin < SECONDS; i++) {
		start = bench_now();
		if (!i)
			begin = start;
		if (ggml_backend_graph_compute(backend, p->graph) != GGML_STATUS_SUCCESS)
			return 0.0;
		seconds = (bench_now() - start) / COPIES;
		if (i >= 0 && (!i || seconds < best))
			best = seconds;
	}
	return best;
}

static ggml_backend_t open_backend(ggml_backend_dev_t device)
{
	ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(device);
	ggml_backend_set_n_threads_t set_threads = (ggml_backend_set_n_threads_t)
		ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);

	if (backend && set_threads)
		set_threads(backend, LLM_THREADS);
	return backend;
}

/* Where weights can lie: the usual place, and those that only some products take, as AMX's. */
static size_t places(ggml_backend_dev_t device, ggml_backend_buffer_type_t types[8])
{
	ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(device);
	ggml_backend_dev_get_extra_bufts_t more = (ggml_backend_dev_get_extra_bufts_t)
		ggml_backend_reg_get_proc_address(reg, "ggml_backend_dev_get_extra_bufts");
	ggml_backend_buffer_type_t *extra = more ? more(device) : NULL;
	size_t count = 0;

	types[count++] = ggml_backend_dev_buffer_type(device);
	while (extra && *extra && count < 8)
		types[count++] = *extra++;
	return count;
}

/* Of the fastest place; 0 with a message. */
static double product_seconds(ggml_backend_dev_t device, enum ggml_type format, int64_t k, int64_t n,
			      int64_t m)
{
	ggml_backend_buffer_type_t types[8];
	size_t count = places(device, types);
	ggml_backend_t backend = open_backend(device);
	double best = 0.0;

	for (size_t i = 0; backend && i < count; i++) {
		struct products p;
		double seconds = 0.0;

		if (products_make(&p, device, types[i], format, k, n, m))
			seconds = products_time(&p, backend);
		products_free(&p);
		if (seconds > 0.0 && (best == 0.0 || seconds < best))
			best = seconds;
	}
	if (backend)
		ggml_backend_free(backend);
	if (best == 0.0)
		fprintf(stderr, "llm: %s: no product of %s weights, %lld x %lld\n",
			ggml_backend_dev_name(device), ggml_type_name(format), (long long)k, (long long)n);
	return best;
}

double llm_product_rate(ggml_backend_dev_t device, enum ggml_type type, int64_t k, int64_t n, int64_t m)
{
	double seconds = product_seconds(device, type, k, n, m);

	return seconds > 0.0 ? 2e-9 * (double)(k * n * m) / seconds : 0.0;
}

/* The rate of a layer's products together; each shape's is in the note. */
static bool measure_products(const struct llm_options *o, const struct llm_row *row,
			     ggml_backend_dev_t device, struct llm_pair *pair)
{
	ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
	double gaon_seconds = 0.0, cpu_seconds = 0.0, operations = 0.0;
	size_t used = 0;

	(void)o;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];
		double work = 2e-9 * (double)(s->k * s->n * LLM_PROMPT);
		double ours = product_seconds(device, (enum ggml_type)row->arg, s->k, s->n, LLM_PROMPT);
		double theirs = product_seconds(cpu, (enum ggml_type)row->arg, s->k, s->n, LLM_PROMPT);

		if (ours == 0.0 || theirs == 0.0)
			return false;
		operations += s->count * work;
		gaon_seconds += s->count * ours;
		cpu_seconds += s->count * theirs;
		used += (size_t)snprintf(pair->note + used, sizeof(pair->note) - used,
					 "%s%lld x %lld %.0f (%.0f)", i ? ", " : "", (long long)s->k,
					 (long long)s->n, work / ours, work / theirs);
	}
	pair->gaon = operations / gaon_seconds;
	pair->peer = operations / cpu_seconds;
	return true;
}

#define PRODUCTS(text, type, least, flag)							\
	{ .name = "llm_mul_mat_" text, .unit = "GOP/s",						\
	  .note = "MUL_MAT of a layer's " text " weights, 512 rows; each shape's, the peer's in brackets",	\
	  .peer = "ggml's processor backend, 2 threads, same operator and shapes",			\
	  .measure = measure_products, .arg = type, .reach = least, .needs = flag }

const struct llm_row llm_rows_products[] = {
	PRODUCTS("q4_1", GGML_TYPE_Q4_1, 2.0, "amx_int8"),
	PRODUCTS("bf16", GGML_TYPE_BF16, 4.0, "amx_bf16"),
	{ .name = NULL },
};
