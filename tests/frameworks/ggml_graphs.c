// SPDX-License-Identifier: MIT
/*
 * Graphs that are not like the others: with branches that are not to be computed, in which an
 * operator writes over what another one reads, that fail half-way or at the device's limits, that
 * ask for more memory than there is; many at once; and the plug-in unloaded and loaded again. What
 * can succeed is computed as often as it takes to be queued, recorded and replayed.
 */
#include <ggml-backend.h>
#include <ggml.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define ROUNDS 4

static char logged[8192];

static void keep_log(enum ggml_log_level level, const char *text, void *user)
{
	(void)user;
	if (level >= GGML_LOG_LEVEL_WARN && strlen(logged) + strlen(text) < sizeof(logged))
		strcat(logged, text);
}

static struct ggml_context *new_context(void)
{
	struct ggml_init_params params = { .mem_size = 1 << 20, .no_alloc = true };

	return ggml_init(params);
}

static size_t memory_free(ggml_backend_dev_t device)
{
	size_t left, total;

	ggml_backend_dev_memory(device, &left, &total);
	return left;
}

/* Of two branches one has been chosen; the other one's index names no row. */
static void test_branches(ggml_backend_dev_t device)
{
	const float values[] = { 10.0f, 11.0f, 12.0f, 13.0f };
	const int32_t indices[] = { 2, 1000 };
	struct ggml_context *context = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *rows = ggml_new_tensor_2d(context, GGML_TYPE_F32, 1, 4);
	struct ggml_tensor *good = ggml_new_tensor_1d(context, GGML_TYPE_I32, 1);
	struct ggml_tensor *bad = ggml_new_tensor_1d(context, GGML_TYPE_I32, 1);
	struct ggml_tensor *branches[] = { ggml_get_rows(context, rows, bad),
					   ggml_get_rows(context, rows, good) };
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer;
	int right = 0;

	ggml_build_forward_select(graph, branches, 2, 1);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	ggml_backend_tensor_set(rows, values, 0, sizeof(values));
	ggml_backend_tensor_set(good, &indices[0], 0, sizeof(indices[0]));
	ggml_backend_tensor_set(bad, &indices[1], 0, sizeof(indices[1]));
	for (int i = 0; i < ROUNDS; i++) {
		float value = 0.0f;

		if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS)
			break;
		ggml_backend_tensor_get(branches[1], &value, 0, sizeof(value));
		right += value == 12.0f;
	}
	tap_ok(right == ROUNDS && !logged[0], "a branch that was not chosen is not computed: %s",
	       logged);
	logged[0] = '\0';
	ggml_backend_buffer_free(buffer);
	ggml_backend_free(backend);
	ggml_free(context);
}

#define COLUMNS 40

/* A norm in place, times a view of the place itself: its square, not its product with what was there. */
static void test_norm_squared(ggml_backend_dev_t device)
{
	struct ggml_context *context = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *x = ggml_new_tensor_1d(context, GGML_TYPE_F32, COLUMNS);
	struct ggml_tensor *norm = ggml_rms_norm_inplace(context, x, 0.0f);
	struct ggml_tensor *out = ggml_mul_inplace(context, norm, x);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer;
	int right = 0;

	ggml_build_forward_expand(graph, out);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	for (int i = 0; i < ROUNDS; i++) {
		float values[COLUMNS], worst = 0.0f;

		/* Half of them 1, half 7: the mean of the squares is 25. */
		for (int c = 0; c < COLUMNS; c++)
			values[c] = c % 2 ? 7.0f : 1.0f;
		ggml_backend_tensor_set(x, values, 0, sizeof(values));
		if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS)
			break;
		ggml_backend_tensor_get(out, values, 0, sizeof(values));
		for (int c = 0; c < COLUMNS; c++) {
			float off = values[c] - (c % 2 ? 49.0f : 1.0f) / 25.0f;

			worst = off * off > worst ? off * off : worst;
		}
		right += worst < 1e-10f;
	}
	tap_ok(right == ROUNDS, "a norm times itself, by another name, is its square");
	ggml_backend_buffer_free(buffer);
	ggml_backend_free(backend);
	ggml_free(context);
}

#define SIDE 1024

/* Memory that a graph is still writing is cleared: what the graph wrote is gone, as with other backends. */
static void test_cleared(ggml_backend_dev_t device)
{
	struct ggml_context *context = new_context(), *results = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *x = ggml_new_tensor_2d(context, GGML_TYPE_F32, SIDE, SIDE);
	struct ggml_tensor *product = ggml_mul_mat(context, x, x);
	struct ggml_tensor *kept = ggml_new_tensor_2d(results, GGML_TYPE_F32, SIDE, SIDE);
	struct ggml_tensor *copy = ggml_cpy(context, product, kept);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t result = ggml_backend_alloc_ctx_tensors(results, backend);
	ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	float *values = malloc(SIDE * SIDE * sizeof(*values));
	unsigned int left = 0;

	for (int i = 0; i < SIDE * SIDE; i++)
		values[i] = 1.0f;
	ggml_backend_tensor_set(x, values, 0, SIDE * SIDE * sizeof(*values));
	ggml_build_forward_expand(graph, copy);
	for (int i = 0; i < ROUNDS; i++) {
		if (ggml_backend_graph_compute_async(backend, graph) != GGML_STATUS_SUCCESS)
			left++;
		ggml_backend_buffer_clear(result, 0);
		ggml_backend_synchronize(backend);
		ggml_backend_tensor_get(kept, values, 0, SIDE * SIDE * sizeof(*values));
		for (int k = 0; k < SIDE * SIDE; k++)
			left += values[k] != 0.0f;
	}
	ggml_backend_graph_compute(backend, graph);
	ggml_backend_tensor_get(kept, values, 0, sizeof(*values));
	tap_ok(!left && values[0] == SIDE, "what is cleared behind a graph is clear: %u values are not", left);
	free(values);
	ggml_backend_buffer_free(buffer);
	ggml_backend_buffer_free(result);
	ggml_backend_free(backend);
	ggml_free(context);
	ggml_free(results);
}

/* The second operand is freed after the first time: recording fails between two operators. */
static void test_half_recorded(ggml_backend_dev_t device)
{
	struct ggml_context *context = new_context(), *other = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *x = ggml_new_tensor_1d(context, GGML_TYPE_F32, 1 << 16);
	struct ggml_tensor *gone = ggml_new_tensor_1d(other, GGML_TYPE_F32, 1 << 16);
	struct ggml_tensor *sum = x;
	struct ggml_cgraph *graph = ggml_new_graph_custom(context, 1024, false);
	ggml_backend_buffer_t buffer, second;
	size_t before, after;
	enum ggml_status first, again;

	/* So many that the recording takes memory of its own. */
	for (int i = 0; i < 500; i++)
		sum = ggml_scale(context, sum, 0.5f);
	sum = ggml_add(context, sum, gone);
	ggml_build_forward_expand(graph, sum);
	before = memory_free(device);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	second = ggml_backend_alloc_ctx_tensors(other, backend);
	first = ggml_backend_graph_compute(backend, graph);
	ggml_backend_buffer_free(second);
	again = ggml_backend_graph_compute(backend, graph);
	tap_ok(first == GGML_STATUS_SUCCESS && again == GGML_STATUS_FAILED &&
		       strstr(logged, "not inside one allocation"),
	       "an operand that is gone is an error: %s", logged);
	ggml_backend_buffer_free(buffer);
	after = memory_free(device);
	tap_ok(after >= before, "a recording that failed leaves nothing: %zu bytes were free, %zu are",
	       before, after);
	logged[0] = '\0';
	ggml_backend_free(backend);
	ggml_free(context);
	ggml_free(other);
}

#define LONG (1 << 20)

/* Experts' weights whose rows are too long for the scratchpad are found out when they are queued. */
static void test_limit(ggml_backend_dev_t device)
{
	struct ggml_context *context = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *weights = ggml_new_tensor_3d(context, GGML_TYPE_F32, LONG, 1, 1);
	struct ggml_tensor *x = ggml_new_tensor_3d(context, GGML_TYPE_F32, LONG, 1, 1);
	struct ggml_tensor *ids = ggml_new_tensor_2d(context, GGML_TYPE_I32, 1, 1);
	struct ggml_tensor *out = ggml_mul_mat_id(context, weights, x, ids);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer;

	ggml_build_forward_expand(graph, out);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	ggml_backend_buffer_clear(buffer, 0);
	tap_ok(ggml_backend_graph_compute(backend, graph) == GGML_STATUS_FAILED &&
		       strstr(logged, "do not fit a scratchpad of"),
	       "a limit of the device is named: %s", logged);
	logged[0] = '\0';
	ggml_backend_buffer_free(buffer);
	ggml_backend_free(backend);
	ggml_free(context);
}

#define SIDE 1024

/* Weights in super-blocks, which are unpacked for a product, while others have the memory for that. */
static void test_no_memory(ggml_backend_dev_t device)
{
	ggml_backend_buffer_type_t type = ggml_backend_dev_buffer_type(device);
	struct ggml_context *context = new_context();
	ggml_backend_t backend = ggml_backend_dev_init(device, NULL);
	struct ggml_tensor *weights = ggml_new_tensor_2d(context, GGML_TYPE_Q4_K, SIDE, SIDE);
	struct ggml_tensor *x = ggml_new_tensor_1d(context, GGML_TYPE_F32, SIDE);
	struct ggml_tensor *out = ggml_mul_mat(context, weights, x);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer, hoard[64];
	enum ggml_status status, later;
	int count = 0;

	ggml_build_forward_expand(graph, out);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	ggml_backend_buffer_clear(buffer, 0);
	for (size_t size = memory_free(device); size >= 1 << 18 && count < 64; size /= 2)
		while (count < 64 && (hoard[count] = ggml_backend_buft_alloc_buffer(type, size)))
			count++;
	logged[0] = '\0';
	status = ggml_backend_graph_compute(backend, graph);
	tap_ok(status == GGML_STATUS_ALLOC_FAILED && strstr(logged, "MUL_MAT"),
	       "an operator without memory for its work: %s", logged);
	while (count)
		ggml_backend_buffer_free(hoard[--count]);
	logged[0] = '\0';
	later = ggml_backend_graph_compute(backend, graph);
	tap_ok(later == GGML_STATUS_SUCCESS && !logged[0], "with memory it works: %s", logged);
	logged[0] = '\0';
	ggml_backend_buffer_free(buffer);
	ggml_backend_free(backend);
	ggml_free(context);
}

#define THREADS 4

/* @rows of @x times ones in f16, which take scratch memory: each element is @columns times @x. */
static bool sums_right(ggml_backend_t backend, int columns, int rows, float x)
{
	struct ggml_context *context = new_context();
	struct ggml_tensor *weights = ggml_new_tensor_2d(context, GGML_TYPE_F16, columns, 3);
	struct ggml_tensor *in = ggml_new_tensor_2d(context, GGML_TYPE_F32, columns, rows);
	struct ggml_tensor *out = ggml_mul_mat(context, weights, in);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer;
	int count = columns * rows, right = 0;
	float *values = malloc(count * sizeof(*values));
	ggml_fp16_t *ones = malloc(columns * 3 * sizeof(*ones));

	ggml_build_forward_expand(graph, out);
	buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	for (int i = 0; i < columns * 3; i++)
		ones[i] = ggml_fp32_to_fp16(1.0f);
	ggml_backend_tensor_set(weights, ones, 0, ggml_nbytes(weights));
	for (int i = 0; i < ROUNDS; i++) {
		bool same = true;

		for (int v = 0; v < count; v++)
			values[v] = x + i;
		ggml_backend_tensor_set(in, values, 0, ggml_nbytes(in));
		if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS)
			break;
		ggml_backend_tensor_get(out, values, 0, ggml_nbytes(out));
		for (int v = 0; v < 3 * rows; v++)
			same &= values[v] == columns * (x + i);
		right += same;
	}
	free(values);
	free(ones);
	ggml_backend_buffer_free(buffer);
	ggml_free(context);
	return right == ROUNDS;
}

struct server {
	pthread_t thread;
	ggml_backend_dev_t device;
	int number, wrong;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	ggml_backend_t backend = ggml_backend_dev_init(s->device, NULL);

	/* More graphs than are remembered, and ever larger ones. */
	for (int i = 0; i < 12; i++)
		s->wrong += !sums_right(backend, 32 * (1 + i), 17 + s->number + i, s->number + 1);
	ggml_backend_free(backend);
	return NULL;
}

/* Threads of a server have a stream each, and its buffers, recordings and scratch memory come and go. */
static void test_threads(ggml_backend_dev_t device)
{
	struct server servers[THREADS];
	int wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		servers[i] = (struct server){ .device = device, .number = i };
		pthread_create(&servers[i].thread, NULL, serve, &servers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(servers[i].thread, NULL);
		wrong += servers[i].wrong;
	}
	tap_ok(!wrong && !logged[0], "%d threads, %d of %d graphs wrong: %s", THREADS, wrong,
	       12 * THREADS, logged);
}

int main(void)
{
	ggml_backend_reg_t reg;

	setenv("GAON_DEVICE", "embedded", 1);
	ggml_log_set(keep_log, NULL);
	for (int time = 0; time < 2; time++) {
		reg = ggml_backend_load(GGML_PLUGIN);
		if (!tap_ok(reg && ggml_backend_reg_dev_count(reg) == 1, "the plug-in is loaded: %s",
			    logged))
			return tap_end();
		test_branches(ggml_backend_reg_dev_get(reg, 0));
		test_norm_squared(ggml_backend_reg_dev_get(reg, 0));
		test_cleared(ggml_backend_reg_dev_get(reg, 0));
		test_half_recorded(ggml_backend_reg_dev_get(reg, 0));
		test_threads(ggml_backend_reg_dev_get(reg, 0));
		test_limit(ggml_backend_reg_dev_get(reg, 0));
		test_no_memory(ggml_backend_reg_dev_get(reg, 0));
		ggml_backend_unload(reg);
	}
	return tap_end();
}
