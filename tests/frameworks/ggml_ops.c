// SPDX-License-Identifier: MIT
/*
 * Operators on the device against ggml's own on the processor: the same tensors, filled with the
 * same random numbers, and the error bounds that ggml sets for its backends (normalised mean square
 * error). Shapes are drawn anew each time, edge shapes among them; GAON_SEED repeats a run. What
 * the device says it supports must be right, and what is marked as needed must be supported.
 */
#include <ggml-backend.h>
#include <ggml.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ggml_cases.h"
#include "hash.h"
#include "tap.h"
#include "../splitmix.h"

static uint64_t random_state;
static uint64_t bits = HASH_START; /* of all results of the device, see host_paths_test.py */
static ggml_backend_t processor, gaon;

int64_t case_random(int64_t from, int64_t to)
{
	return from + (int64_t)(splitmix64_next(&random_state) % (uint64_t)(to - from + 1));
}

float case_random_float(float from, float to)
{
	return from + (to - from) * (float)(splitmix64_next(&random_state) >> 40) / (1 << 24);
}

/* Small and odd sizes more often than large ones. */
int64_t case_random_size(int64_t largest)
{
	static const int64_t edges[] = { 1,  2,	 3,  7,	 8,   15,  16,	17,  31,  32,
					 33, 63, 64, 65, 127, 128, 129, 255, 256, 257 };
	int64_t size = case_random(0, 2) ? edges[case_random(0, 19)] : largest + 1;

	return size > largest ? case_random(1, largest) : size;
}

/* Indices that are not repeated, below the number in the tensor's name: "index 17". */
static void fill_indices(const struct ggml_tensor *t, void *data)
{
	int64_t below = strtoll(strchr(t->name, ' '), NULL, 10), count = ggml_nelements(t);
	int64_t *order = malloc(below * sizeof(*order));

	for (int64_t i = 0; i < below; i++)
		order[i] = i;
	for (int64_t i = 0; i < count; i++) {
		/* A new order for each row: rows of several matrices are numbered anew. */
		int64_t at = i % t->ne[0], other = at < below ? case_random(at, below - 1) : 0,
			keep;
		int64_t value;

		if (at < below) {
			keep = order[at];
			order[at] = order[other];
			order[other] = keep;
		}
		value = order[at < below ? at : case_random(0, below - 1)];
		if (t->type == GGML_TYPE_I64)
			((int64_t *)data)[i] = value;
		else
			((int32_t *)data)[i] = (int32_t)value;
	}
	free(order);
}

/* The bytes of a tensor that nothing computes. */
static void *make_data(const struct ggml_tensor *t)
{
	size_t bytes = ggml_nbytes(t);
	int64_t count = ggml_nelements(t);
	void *data = malloc(bytes);
	float low = -1.0f, high = 1.0f, *numbers;

	if (!strncmp(t->name, "index", 5)) {
		fill_indices(t, data);
		return data;
	}
	sscanf(t->name, "range %f %f", &low, &high);
	numbers = malloc(count * sizeof(*numbers));
	for (int64_t i = 0; i < count; i++)
		numbers[i] = case_random_float(low, high);
	/* Rows of different numbers: nobody says in which order equal ones come. */
	if (!strcmp(t->name, "distinct"))
		for (int64_t i = 0; i < count; i++) {
			int64_t first = i - i % t->ne[0], other = case_random(first, i);

			numbers[i] = numbers[other];
			numbers[other] = (float)(i - first);
		}
	if (!strncmp(t->name, "mask", 4))
		for (int64_t i = 0; i < count; i++)
			numbers[i] = numbers[i] < -0.4f && i % t->ne[0] ? -INFINITY : numbers[i];
	for (int64_t i = 0; strstr(t->name, "holes") && i < count; i++) {
		bool hides = !strncmp(t->name, "mask", 4);
		int64_t key = hides ? i % t->ne[0] : i / t->ne[0] / t->ne[1] % t->ne[2];

		if (key % 5 == 4)
			numbers[i] = hides ? -INFINITY : NAN;
	}
	if (t->type == GGML_TYPE_F32)
		memcpy(data, numbers, bytes);
	else if (t->type == GGML_TYPE_I32)
		for (int64_t i = 0; i < count; i++)
			((int32_t *)data)[i] = (int32_t)(numbers[i] * 100);
	else
		ggml_quantize_chunk(t->type, numbers, data, 0, count / t->ne[0], t->ne[0], NULL);
	free(numbers);
	return data;
}

static int compare_floats(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Elements of @t, which may be a view, as floats in order. */
static float *read_floats(const struct ggml_tensor *t)
{
	const struct ggml_type_traits *traits = ggml_get_type_traits(t->type);
	size_t row = ggml_row_size(t->type, t->ne[0]);
	float *values = malloc(ggml_nelements(t) * sizeof(*values)), *at = values;
	void *bytes = malloc(row);

	for (int64_t i3 = 0; i3 < t->ne[3]; i3++)
		for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
			for (int64_t i1 = 0; i1 < t->ne[1]; i1++, at += t->ne[0]) {
				ggml_backend_tensor_get(
					t, bytes, i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3],
					row);
				if (t->type == GGML_TYPE_F32)
					memcpy(at, bytes, row);
				else if (t->type == GGML_TYPE_I32)
					for (int64_t i = 0; i < t->ne[0]; i++)
						at[i] = (float)((int32_t *)bytes)[i];
				else
					traits->to_float(bytes, at, t->ne[0]);
			}
	free(bytes);
	/* The largest elements' places may come in any order. */
	for (int64_t r = 0; t->op == GGML_OP_TOP_K && r < ggml_nrows(t); r++)
		qsort(values + r * t->ne[0], t->ne[0], sizeof(*values), compare_floats);
	return values;
}

/* Sum of squared differences over sum of squares; infinities and NaNs must be the same ones. */
static double error_of(const float *got, const float *want, int64_t count)
{
	double difference = 0.0, size = 0.0;

	for (int64_t i = 0; i < count; i++) {
		if (!isfinite(want[i]) || !isfinite(got[i])) {
			if (memcmp(&got[i], &want[i], sizeof(float)) &&
			    !(isnan(got[i]) && isnan(want[i])))
				return INFINITY;
			continue;
		}
		difference += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
		size += (double)want[i] * want[i];
	}
	return difference == 0.0 ? 0.0 : difference / size;
}

struct side {
	struct ggml_context *context;
	struct ggml_tensor *out;
	struct ggml_cgraph *graph;
	ggml_backend_buffer_t buffer;
};

static void side_make(struct side *side, const struct op_case *c, const struct draw *draw)
{
	struct ggml_init_params params = { .mem_size = 1 << 20, .no_alloc = true };

	side->context = ggml_init(params);
	side->out = c->build(side->context, draw);
	side->graph = ggml_new_graph(side->context);
	ggml_build_forward_expand(side->graph, side->out);
}

static void side_free(struct side *side)
{
	ggml_backend_buffer_free(side->buffer);
	ggml_free(side->context);
}

/* The same new data on both sides. */
static void fill_both(struct side *a, struct side *b)
{
	struct ggml_tensor *x, *y;

	for (x = ggml_get_first_tensor(a->context), y = ggml_get_first_tensor(b->context); x;
	     x = ggml_get_next_tensor(a->context, x), y = ggml_get_next_tensor(b->context, y)) {
		void *data;

		if (x->op != GGML_OP_NONE || x->view_src)
			continue;
		data = make_data(x);
		ggml_backend_tensor_set(x, data, 0, ggml_nbytes(x));
		ggml_backend_tensor_set(y, data, 0, ggml_nbytes(y));
		free(data);
	}
}

static bool run_both(struct side *a, struct side *b)
{
	fill_both(a, b);
	return ggml_backend_graph_compute(processor, a->graph) == GGML_STATUS_SUCCESS &&
	       ggml_backend_graph_compute(gaon, b->graph) == GGML_STATUS_SUCCESS;
}

/* Tensors that nothing computes are the same on both sides afterwards, but for what the operator
 * writes into. */
static bool leaves_same(const struct side *a, const struct side *b)
{
	const struct ggml_tensor *written = a->out->view_src;
	struct ggml_tensor *x, *y;
	bool same = true;

	for (x = ggml_get_first_tensor(a->context), y = ggml_get_first_tensor(b->context); x;
	     x = ggml_get_next_tensor(a->context, x), y = ggml_get_next_tensor(b->context, y)) {
		void *one, *other;

		if (x->op != GGML_OP_NONE || x->view_src || x == written)
			continue;
		one = malloc(ggml_nbytes(x));
		other = malloc(ggml_nbytes(x));
		ggml_backend_tensor_get(x, one, 0, ggml_nbytes(x));
		ggml_backend_tensor_get(y, other, 0, ggml_nbytes(x));
		same &= !memcmp(one, other, ggml_nbytes(x));
		free(one);
		free(other);
	}
	return same;
}

static const char *shapes_of(const struct ggml_tensor *op)
{
	static char text[512];
	int used = snprintf(text, sizeof(text),
			    "%s %s [%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "]",
			    ggml_op_desc(op), ggml_type_name(op->type), op->ne[0], op->ne[1],
			    op->ne[2], op->ne[3]);

	for (int i = 0; i < 4 && op->src[i]; i++) {
		const struct ggml_tensor *s = op->src[i];

		used += snprintf(text + used, sizeof(text) - used,
				 ", %s [%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
				 "] at [%zu %zu %zu %zu]",
				 ggml_type_name(s->type), s->ne[0], s->ne[1], s->ne[2], s->ne[3],
				 s->nb[0], s->nb[1], s->nb[2], s->nb[3]);
	}
	return text;
}

/* One drawing of a case. False: it went wrong, and a line says how. */
static bool try_once(const struct op_case *c, const struct draw *draw, int *supported,
		     double *worst)
{
	struct side a, b;
	float *want, *got;
	double error;
	bool good = false;
	static int told;

	side_make(&a, c, draw);
	side_make(&b, c, draw);
	if (!ggml_backend_supports_op(gaon, b.out)) {
		if (c->needed && told++ < 100)
			printf("# %s: not supported\n", shapes_of(b.out));
		good = !c->needed;
		ggml_free(a.context);
		ggml_free(b.context);
		return good;
	}
	++*supported;
	a.buffer = ggml_backend_alloc_ctx_tensors(a.context, processor);
	b.buffer = ggml_backend_alloc_ctx_tensors(b.context, gaon);
	good = a.buffer && b.buffer;
	/* The device queues a graph that is new, records it when it comes again, and replays it
	 * from then on. */
	for (int round = 0; good && round < 3; round++) {
		if (!run_both(&a, &b)) {
			printf("# %s: did not run\n", shapes_of(b.out));
			good = false;
			break;
		}
		want = read_floats(a.out);
		got = read_floats(b.out);
		bits = hash_bytes(bits, got, ggml_nelements(b.out) * sizeof(*got));
		error = error_of(got, want, ggml_nelements(a.out));
		good = error <= c->bound && leaves_same(&a, &b);
		if (!good)
			printf("# %s: round %d: error %.3g, bound %.3g%s\n", shapes_of(b.out),
			       round, error, c->bound,
			       leaves_same(&a, &b) ? "" : "; an operand was changed");
		*worst = error > *worst ? error : *worst;
		free(want);
		free(got);
	}
	side_free(&a);
	side_free(&b);
	return good;
}

static void run_case(const struct op_case *c, int times)
{
	int wrong = 0, supported = 0;
	double worst = 0.0;

	for (int i = 0; i < times; i++) {
		struct draw draw = { .type = c->type, .other = c->other, .kind = c->kind };

		for (int d = 0; d < 4; d++)
			draw.ne[d] = case_random_size(d ? 6 : 300);
		/* Making super-blocks of numbers takes long. */
		if (ggml_blck_size(c->type) > 32)
			draw.ne[2] = draw.ne[3] = 1 + i % 2;
		draw.variant = case_random(0, 1 << 20);
		draw.x = case_random_float(0.1f, 2.0f);
		draw.y = case_random_float(-1.0f, 1.0f);
		wrong += !try_once(c, &draw, &supported, &worst);
	}
	tap_ok(!wrong, "%s: %d of %d supported, largest error %.2g of %.2g", c->name, supported,
	       times, worst, c->bound);
}

int main(int argc, char **argv)
{
	const char *seed = getenv("GAON_SEED"), *pattern = argc > 1 ? argv[1] : "";
	int times = argc > 2 ? atoi(argv[2]) : 6;
	ggml_backend_reg_t reg;

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)getpid() * 2654435761u;
	printf("GAON_SEED=%" PRIu64 "\n", random_state);
	unsetenv("GGML_BACKEND_PATH");
	setenv("GGML_NO_BACKTRACE", "1", 1);
	setenv("GAON_DEVICE", "embedded", 0);
	ggml_backend_load_all();
	processor = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, NULL);
	reg = ggml_backend_load(GGML_PLUGIN);
	gaon = reg ? ggml_backend_dev_init(ggml_backend_reg_dev_get(reg, 0), NULL) : NULL;
	if (!tap_ok(processor && gaon, "both backends are there"))
		return tap_end();
	for (size_t i = 0; i < op_case_count; i++)
		if (strstr(op_cases[i].name, pattern))
			run_case(&op_cases[i], times);
	ggml_backend_free(gaon);
	ggml_backend_free(processor);
	printf("bits %016" PRIx64 "\n", bits);
	return tap_end();
}
