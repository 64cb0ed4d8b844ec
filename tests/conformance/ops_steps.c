// SPDX-License-Identifier: MIT
/*
 * Each kernel that may be a step of a sequence: three steps of it, side by side or one behind the other,
 * leave the same bytes as a launch of its own, whatever the shape is.
 */
#include "ops_views.h"
#include "ops_weights.h"

#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define SHAPES	6	/* of each kernel */
#define COPIES	3	/* steps */
#define SCRATCH	(1u << 20)

/* An operator with its operands; what it writes is given apart, since it is written several times. */
struct step {
	struct gaon_tensor dst, in[4];
	uint8_t *start;			/* the destination's memory before */
	uint64_t bytes, scratch, before[GAON_TENSOR_DIMS];
	uint32_t which;
	bool flag;
	float alpha, beta;
};

struct kernel {
	const char *name;
	void (*make)(struct step *s);
	enum gaon_status (*run)(const struct step *s, const struct gaon_tensor *dst);
};

#define QUEUE	ops_t.ops, ops_t.stream
#define OR_NULL(t)	((t).va ? &(t) : NULL)

static uint32_t any(uint32_t low, uint32_t high)
{
	return ops_random_in(low, high);
}

/* For view_shape(): what one core has to itself, and what both share. */
static uint64_t most(void)
{
	return any(0, 1) ? 300 : 4000;
}

static struct gaon_tensor input(uint8_t type, const uint64_t *ne, enum view_layout layout)
{
	struct view v = view_make(type, ne, layout, 3);
	struct gaon_tensor t = v.t;

	view_free(&v);
	return t;
}

static void output(struct step *s, uint8_t type, const uint64_t *ne, enum view_layout layout)
{
	struct view v = view_make(type, ne, layout, 3);

	s->dst = v.t;
	s->start = v.bytes;
	s->bytes = v.span;
	free(v.before);
}

/* Rows dense, what is outside of them not always. */
static enum view_layout rows_layout(void)
{
	return any(0, 1) ? VIEW_DENSE : VIEW_PADDED;
}

/* Places of @count rows of @rows, none twice. */
static struct gaon_tensor places(uint64_t count, uint64_t rows)
{
	int32_t *at = ops_alloc(rows * 4);
	struct gaon_tensor t;

	for (uint64_t i = 0; i < rows; i++)
		at[i] = (int32_t)i;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t k = any((uint32_t)i, (uint32_t)rows - 1);
		int32_t was = at[i];

		at[i] = at[k];
		at[k] = was;
	}
	ck_assert(gaon_tensor_dense(&t, ops_put(at, count * 4), GAON_TYPE_I32, VIEW_NE(count, 1, 1, 1)));
	free(at);
	return t;
}

static struct gaon_tensor weights(uint8_t type, uint64_t k, uint64_t n, uint64_t experts)
{
	uint32_t elements, bytes = gaon_tensor_type_bytes(type, &elements);
	uint64_t count = k * n * experts;
	double *values = ops_alloc(count * sizeof(*values));
	uint8_t *data = ops_alloc(count / elements * bytes);
	struct gaon_tensor t;

	ops_random_weights(type, count, data, values);
	ck_assert(gaon_tensor_dense(&t, ops_put(data, count / elements * bytes), type,
				    VIEW_NE(k, n, experts, 1)));
	free(data);
	free(values);
	return t;
}

/* --- matrix products ------------------------------------------------------------------------------ */

static void make_gemm(struct step *s)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16 };
	uint8_t type = types[any(0, 2)];
	uint64_t m = any(1, 90), n = any(1, 90), k = any(1, 200);

	s->flag = any(0, 1);
	s->in[0] = input(type, VIEW_NE(k, m, 1, 1), VIEW_DENSE);
	s->in[1] = input(type, VIEW_NE(k, n, 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, VIEW_NE(n, m, 1, 1), VIEW_DENSE);
}

static enum gaon_status run_gemm(const struct step *s, const struct gaon_tensor *dst)
{
	struct gaon_ops_gemm gemm = {
		.size = sizeof(gemm), .a = s->in[0].va, .b = s->in[1].va, .c = dst->va,
		.m = (uint32_t)dst->ne[1], .n = (uint32_t)dst->ne[0], .k = (uint32_t)s->in[0].ne[0],
		.type_a = s->in[0].type, .type_b = s->in[1].type, .type_c = dst->type, .trans_b = true,
		.accumulate = s->flag,
	};

	return gaon_ops_gemm(QUEUE, &gemm);
}

static const uint8_t weight_types[] = { GAON_TENSOR_Q4_K, GAON_TENSOR_Q5_K, GAON_TENSOR_Q6_K, GAON_TYPE_Q4_0,
					GAON_TYPE_Q4_1, GAON_TYPE_Q8_0, GAON_TYPE_F16, GAON_TYPE_BF16,
					GAON_TYPE_F32 };

static void make_product(struct step *s, uint8_t type, uint64_t rows, uint64_t experts)
{
	uint64_t k = type >= GAON_TENSOR_Q4_K ? 256 * any(1, 2) : 32 * any(1, 8), n = any(1, 150);
	uint64_t used = experts ? any(1, 3) : 1;

	s->in[0] = weights(type, k, n, experts ? experts : 1);
	if (experts) {
		s->in[1] = input(GAON_TYPE_F32, VIEW_NE(k, 1, rows, 1), VIEW_DENSE);
		s->in[2] = places(used, experts);
		s->in[2].ne[1] = rows;
		s->in[2].nb[1] = 0;
		output(s, GAON_TYPE_F32, VIEW_NE(n, used, rows, 1), VIEW_DENSE);
	} else {
		s->in[1] = input(GAON_TYPE_F32, VIEW_NE(k, rows, 1, 1), VIEW_DENSE);
		output(s, GAON_TYPE_F32, VIEW_NE(n, rows, 1, 1), VIEW_DENSE);
	}
	s->scratch = ops_put(NULL, SCRATCH);
	ck_assert_uint_le(gaon_ops_mul_mat_scratch(&s->dst, &s->in[0], &s->in[1]), SCRATCH);
}

static enum gaon_status run_product(const struct step *s, const struct gaon_tensor *dst)
{
	if (s->in[2].va)
		return gaon_ops_mul_mat_id(QUEUE, dst, &s->in[0], &s->in[1], &s->in[2]);
	return gaon_ops_mul_mat(QUEUE, dst, &s->in[0], &s->in[1], s->scratch, false);
}

static void make_few(struct step *s)
{
	make_product(s, weight_types[any(0, 8)], any(1, 4), any(0, 1) * 5);
}

static void make_activated(struct step *s)
{
	make_product(s, weight_types[any(3, 7)], any(17, 40), 0);
}

static void make_unpacked(struct step *s)
{
	make_product(s, weight_types[any(0, 2)], any(17, 40), 0);
}

/* --- vectors --------------------------------------------------------------------------------------- */

static void make_vectors(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 5000), 1, 1, 1);

	s->in[0] = input(GAON_TYPE_F32, ne, VIEW_DENSE);
	s->in[1] = input(GAON_TYPE_F32, ne, VIEW_DENSE);
	output(s, GAON_TYPE_F32, ne, VIEW_DENSE);
	s->which = ops_random();
	s->alpha = ops_random_f32(1);
	s->beta = s->alpha + 1;
}

static enum gaon_status run_unary(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_unary(QUEUE, s->which % (GAON_OPS_LEAKY_RELU + 1), dst->va, s->in[0].va, dst->ne[0],
			      s->alpha, s->beta);
}

static enum gaon_status run_binary(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_binary(QUEUE, s->which % (GAON_OPS_DIV + 1), dst->va, s->in[0].va, s->in[1].va,
			       dst->ne[0]);
}

static void make_bias(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 300), any(1, 20), 1, 1);

	s->in[0] = input(GAON_TYPE_F32, ne, VIEW_DENSE);
	s->in[1] = input(GAON_TYPE_F32, VIEW_NE(ne[0], 1, 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, ne, VIEW_DENSE);
}

static enum gaon_status run_bias(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_bias(QUEUE, GAON_OPS_SILU, dst->va, s->in[0].va, s->in[1].va, dst->ne[1], dst->ne[0]);
}

static void make_converted(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 5000), 1, 1, 1);

	s->flag = any(0, 1);
	s->in[0] = input(s->flag ? GAON_TYPE_F16 : GAON_TYPE_F32, ne, VIEW_DENSE);
	output(s, s->flag ? GAON_TYPE_BF16 : GAON_TYPE_F16, ne, VIEW_DENSE);
}

static enum gaon_status run_convert(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_convert(QUEUE, dst->va, dst->type, s->in[0].va, s->in[0].type, dst->ne[0]);
}

/* Blocks of 40 bytes, as ten numbers. */
static void make_quantized(struct step *s)
{
	uint64_t rows = any(1, 20), columns = any(1, 10);

	s->in[0] = input(GAON_TYPE_F32, VIEW_NE(32 * columns, rows, 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, VIEW_NE(10 * columns, rows, 1, 1), VIEW_DENSE);
}

static enum gaon_status run_quantize(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_quantize(QUEUE, dst->va, s->in[0].va, s->in[0].ne[1], s->in[0].ne[0]);
}

/* --- of a layer ------------------------------------------------------------------------------------ */

static void make_rope(struct step *s)
{
	const uint64_t *ne = VIEW_NE(2 * any(16, 60), any(1, 4), any(1, 9), 1);
	uint8_t type = any(0, 1) ? GAON_TYPE_F32 : GAON_TYPE_F16;

	s->in[0] = input(type, ne, rows_layout());
	s->in[1] = places(ne[2], 100);
	output(s, type, ne, rows_layout());
	s->flag = any(0, 1);
}

static enum gaon_status run_rope(const struct step *s, const struct gaon_tensor *dst)
{
	struct gaon_rope rope = { .size = sizeof(rope), .mode = s->flag ? GAON_ROPE_NEOX : GAON_ROPE_NORM,
				  .n_dims = 32, .freq_base = 10000, .freq_scale = 1, .attn_factor = 1,
				  .beta_fast = 32, .beta_slow = 1 };

	return gaon_ops_rope(QUEUE, dst, &s->in[0], &s->in[1], NULL, &rope);
}

static void make_soft_max(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 300), any(1, 9), any(1, 4), any(1, 2));

	s->in[0] = input(GAON_TYPE_F32, ne, rows_layout());
	if (any(0, 1))
		s->in[1] = input(GAON_TYPE_F16, VIEW_NE(ne[0], ne[1], 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, ne, rows_layout());
}

static enum gaon_status run_soft_max(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_soft_max(QUEUE, dst, &s->in[0], OR_NULL(s->in[1]), NULL, 0.5f, 0);
}

static void make_attention(struct step *s)
{
	uint64_t d = any(1, 80), keys = any(1, 300), tokens = any(0, 1) ? 1 : any(2, 40), group = any(1, 3);
	uint64_t shared = any(1, 4);
	uint8_t type = any(0, 1) ? GAON_TYPE_F16 : GAON_TYPE_F32;

	s->in[0] = input(GAON_TYPE_F32, VIEW_NE(d, tokens, group * shared, 1), VIEW_DENSE);
	s->in[1] = input(type, VIEW_NE(d, keys, shared, 1), VIEW_DENSE);
	s->in[2] = input(type, VIEW_NE(d, keys, shared, 1), VIEW_DENSE);
	if (any(0, 1))
		s->in[3] = input(GAON_TYPE_F16, VIEW_NE(keys, tokens, 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, VIEW_NE(d, group * shared, tokens, 1), VIEW_DENSE);
}

static enum gaon_status run_attention(const struct step *s, const struct gaon_tensor *dst)
{
	struct gaon_attention a = { .size = sizeof(a), .scale = 0.2f };

	return gaon_ops_flash_attn(QUEUE, dst, &s->in[0], &s->in[1], &s->in[2], OR_NULL(s->in[3]), NULL, &a);
}

/* --- tensors --------------------------------------------------------------------------------------- */

static void make_map(struct step *s)
{
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];

	view_shape(ne, most());
	view_part(part, ne);
	s->in[0] = input(view_float(), ne, view_layout());
	s->in[1] = input(view_float(), part, view_layout());
	output(s, view_float(), ne, view_layout());
	s->which = any(0, 3);
}

static enum gaon_status run_map(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_map(QUEUE, GAON_OPS_TANH + s->which, dst, &s->in[0], 1, 0);
}

static enum gaon_status run_zip(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_zip(QUEUE, GAON_OPS_ADD + s->which, dst, &s->in[0], &s->in[1]);
}

static void make_glu(struct step *s)
{
	uint64_t ne[GAON_TENSOR_DIMS];

	view_shape(ne, most());
	s->in[0] = input(view_float(), ne, view_layout());
	s->in[1] = input(view_float(), ne, view_layout());
	output(s, view_float(), ne, view_layout());
	s->which = any(GAON_OPS_REGLU, GAON_OPS_SWIGLU_CLAMP);
}

static enum gaon_status run_glu(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_glu(QUEUE, s->which, dst, &s->in[0], &s->in[1], false, 1.7f, 2);
}

static uint8_t stored(void)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16, GAON_TYPE_Q8_0,
					 GAON_TYPE_Q4_0, GAON_TYPE_Q4_1 };

	return types[any(0, 5)];
}

/* Rows of whole blocks; those of floats in any order. */
static void make_copy(struct step *s)
{
	uint64_t ne[] = { 32 * any(1, 6), any(1, 30), any(1, 4), any(1, 3) };

	s->in[0] = input(stored(), ne, view_layout());
	output(s, stored(), ne, view_layout());
}

static enum gaon_status run_copy(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_copy(QUEUE, dst, &s->in[0]);
}

static void make_get(struct step *s)
{
	uint64_t columns = any(0, 3) ? 32 * any(1, 6) : 1, rows = any(1, 60), count = any(1, (uint32_t)rows);
	uint8_t type = columns == 1 ? GAON_TYPE_F32 : stored();

	s->in[0] = input(type, VIEW_NE(columns, rows, 1, 1), rows_layout());
	s->in[1] = places(count, rows);
	output(s, GAON_TYPE_F32, VIEW_NE(columns, count, 1, 1), rows_layout());
}

static enum gaon_status run_get(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_get_rows(QUEUE, dst, &s->in[0], &s->in[1]);
}

static void make_set(struct step *s)
{
	uint64_t columns = any(0, 3) ? 32 * any(1, 6) : 1, rows = any(1, 60), count = any(1, (uint32_t)rows);
	uint8_t type = columns == 1 ? GAON_TYPE_F16 : stored();

	s->in[0] = input(GAON_TYPE_F32, VIEW_NE(columns, count, 1, 1), rows_layout());
	s->in[1] = places(count, rows);
	output(s, type, VIEW_NE(columns, rows, 1, 1), rows_layout());
}

static enum gaon_status run_set(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_set_rows(QUEUE, dst, &s->in[0], &s->in[1]);
}

static void make_norm(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 600), any(1, 20), any(1, 3), 1);

	s->in[0] = input(GAON_TYPE_F32, ne, rows_layout());
	s->in[1] = input(GAON_TYPE_F32, VIEW_NE(ne[0], 1, 1, 1), VIEW_DENSE);
	output(s, GAON_TYPE_F32, ne, rows_layout());
	s->which = any(0, 2);
}

static enum gaon_status run_norm(const struct step *s, const struct gaon_tensor *dst)
{
	switch (s->which) {
	case 0: return gaon_ops_rms_norm(QUEUE, dst, &s->in[0], &s->in[1], 1e-5f);
	case 1: return gaon_ops_norm(QUEUE, dst, &s->in[0], 1e-5f);
	default: return gaon_ops_l2_norm(QUEUE, dst, &s->in[0], 1e-5f);
	}
}

static void make_sum(struct step *s)
{
	const uint64_t *ne = VIEW_NE(any(1, 600), any(1, 20), any(1, 3), 1);

	s->in[0] = input(GAON_TYPE_F32, ne, rows_layout());
	output(s, GAON_TYPE_F32, VIEW_NE(1, ne[1], ne[2], 1), rows_layout());
}

static enum gaon_status run_sum(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_sum_rows(QUEUE, dst, &s->in[0], 0.5f);
}

static void make_repeat(struct step *s)
{
	uint64_t ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	uint8_t type = view_float();

	view_shape(ne, most());
	view_part(part, ne);
	s->in[0] = input(type, part, view_layout());
	output(s, type, ne, view_layout());
}

static enum gaon_status run_repeat(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_repeat(QUEUE, dst, &s->in[0]);
}

static void make_pad(struct step *s)
{
	uint64_t ne[GAON_TENSOR_DIMS], wide[GAON_TENSOR_DIMS];
	uint8_t type = view_float();

	view_shape(ne, most());
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		s->before[i] = any(0, 2);
		wide[i] = ne[i] + s->before[i] + any(0, 2);
	}
	s->in[0] = input(type, ne, view_layout());
	output(s, type, wide, view_layout());
	s->flag = any(0, 1);
}

static enum gaon_status run_pad(const struct step *s, const struct gaon_tensor *dst)
{
	return gaon_ops_pad(QUEUE, s->flag ? GAON_OPS_PAD_CIRCULAR : GAON_OPS_PAD_ZERO, dst, &s->in[0],
			    s->before);
}

/* --- as launches and as steps ------------------------------------------------------------------------ */

static const struct kernel kernels[] = {
	{ "ops_gemm", make_gemm, run_gemm },
	{ "ops_unary", make_vectors, run_unary },
	{ "ops_binary", make_vectors, run_binary },
	{ "ops_bias", make_bias, run_bias },
	{ "ops_convert", make_converted, run_convert },
	{ "ops_quantize", make_quantized, run_quantize },
	{ "ops_mul_mat", make_few, run_product },
	{ "ops_activate", make_activated, run_product },
	{ "ops_unpack", make_unpacked, run_product },
	{ "ops_rope", make_rope, run_rope },
	{ "ops_soft_max", make_soft_max, run_soft_max },
	{ "ops_attention", make_attention, run_attention },
	{ "ops_map", make_map, run_map },
	{ "ops_zip", make_map, run_zip },
	{ "ops_glu", make_glu, run_glu },
	{ "ops_copy", make_copy, run_copy },
	{ "ops_get_rows", make_get, run_get },
	{ "ops_set_rows", make_set, run_set },
	{ "ops_norm", make_norm, run_norm },
	{ "ops_sum_rows", make_sum, run_sum },
	{ "ops_repeat", make_repeat, run_repeat },
	{ "ops_pad", make_pad, run_pad },
};

#define COUNT	(sizeof(kernels) / sizeof(kernels[0]))

static const char *const names[] = {
#define KERNEL(number, name, type)	#name,
#include "../../runtime/ops/kernels/sequence_kernels.h"
#undef KERNEL
};

static uint64_t launches(void)
{
	struct gaon_device_counters c = { .size = sizeof(c) };

	ops_wait();
	OPS_OK(gaon_device_get_counters(ops_t.dev, &c));
	return c.launches;
}

static uint8_t *read_back(const struct step *s, uint64_t va)
{
	uint8_t *data = ops_alloc(s->bytes);

	OPS_OK(gaon_mem_read(ops_t.dev, data, va, s->bytes));
	return data;
}

/* All in one launch: what is no step would end it. */
static void run_steps(const struct kernel *k, const struct step *s, const struct gaon_tensor dst[COPIES])
{
	struct gaon_ops_sequence *seq;
	uint64_t before = launches(), after;

	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	for (int i = 0; i < COPIES; i++) {
		gaon_ops_sequence_beside(seq, i && any(0, 1));
		OPS_OK(k->run(s, &dst[i]));
	}
	OPS_OK(gaon_ops_sequence_end(seq));
	after = launches();
	ck_assert_msg(after == before + 1, "%s: %llu launches for %d steps", k->name,
		      (unsigned long long)(after - before), COPIES);
	gaon_ops_sequence_destroy(seq);
}

static void check(const struct kernel *k)
{
	struct step s = { 0 };
	struct gaon_tensor dst[COPIES];
	uint8_t *want;

	k->make(&s);
	for (int i = 0; i < COPIES; i++) {
		dst[i] = s.dst;
		dst[i].va = ops_put(s.start, s.bytes);
	}
	OPS_OK(k->run(&s, &s.dst));
	ops_wait();
	want = read_back(&s, s.dst.va);
	/* Nothing that the launch left there is of use to a step. */
	if (s.scratch)
		OPS_OK(gaon_mem_fill_async(ops_t.stream, s.scratch, 0xff, 1, SCRATCH));
	run_steps(k, &s, dst);
	for (int i = 0; i < COPIES; i++) {
		uint8_t *got = read_back(&s, dst[i].va);

		for (uint64_t b = 0; b < s.bytes; b++)
			ck_assert_msg(got[b] == want[b], "%s: step %d, byte %llu of %llu is 0x%02x, not 0x%02x",
				      k->name, i, (unsigned long long)b, (unsigned long long)s.bytes, got[b],
				      want[b]);
		free(got);
	}
	free(want);
	free(s.start);
	ops_forget();
}

START_TEST(steps)
{
	for (int i = 0; i < SHAPES; i++)
		check(&kernels[_i]);
}
END_TEST

START_TEST(all_kernels)
{
	ck_assert_uint_eq(sizeof(names) / sizeof(names[0]), COUNT);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_str_eq(kernels[i].name, names[i]);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, all_kernels);
	tcase_add_loop_test(t, steps, 0, COUNT);
}

int main(void)
{
	return ops_run("ops_steps", add);
}
