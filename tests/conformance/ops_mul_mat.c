// SPDX-License-Identifier: MIT
/*
 * Products of tensors with weights against sums in double precision, of random shapes: batches,
 * weights shared by several products, gaps and permutations in every operand.  Activations that are
 * rounded or quantised on the way may each be off by their rounding; the sum by one rounding a term.
 */
#include "ops_common.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define CASES	6

static const uint8_t types[] = { GAON_TYPE_F32,  GAON_TYPE_F16,  GAON_TYPE_BF16,
				 GAON_TYPE_Q4_0, GAON_TYPE_Q4_1, GAON_TYPE_Q8_0,
				 GAON_TENSOR_Q4_K, GAON_TENSOR_Q5_K, GAON_TENSOR_Q6_K };

struct product {
	struct gaon_tensor w, x, y;
	uint8_t *w_bytes, *x_bytes, *y_bytes, *before;
	uint64_t w_size, x_size, y_size;
	double *w_values;		/* dense */
};

/* Rows, then dimensions 2 and 3 in either order, with gaps of some elements. */
static void lay_out(struct gaon_tensor *t, uint8_t type, uint64_t n0, uint64_t n1, uint64_t n2, uint64_t n3)
{
	uint32_t elements, bytes = gaon_tensor_type_bytes(type, &elements);
	int order[3] = { 1, 2, 3 }, swap = (int)ops_random_in(0, 2);
	uint64_t at;

	*t = (struct gaon_tensor){ .type = type, .ne = { n0, n1, n2, n3 }, .nb = { bytes } };
	order[0] = 1 + swap;
	order[swap] = 1;
	at = n0 / elements * bytes;
	for (int i = 0; i < 3; i++) {
		at += ops_random() % 2 * ops_random_in(0, 3) * bytes;
		t->nb[order[i]] = at;
		at *= t->ne[order[i]];
	}
}

static uint64_t place(const struct gaon_tensor *t, uint64_t i1, uint64_t i2, uint64_t i3)
{
	return i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

static void make_weights(struct product *p)
{
	uint32_t elements, bytes = gaon_tensor_type_bytes(p->w.type, &elements);
	uint64_t k = p->w.ne[0], n = p->w.ne[1] * p->w.ne[2] * p->w.ne[3], at = 0;
	uint8_t *dense = ops_alloc(n * k / elements * bytes);

	ck_assert(gaon_tensor_span(&p->w, &p->w_size));
	p->w_bytes = ops_alloc(p->w_size);
	p->w_values = ops_alloc(n * k * sizeof(double));
	ops_random_weights(p->w.type, n * k, dense, p->w_values);
	for (uint64_t i3 = 0; i3 < p->w.ne[3]; i3++)
		for (uint64_t i2 = 0; i2 < p->w.ne[2]; i2++)
			for (uint64_t i1 = 0; i1 < p->w.ne[1]; i1++, at += k / elements * bytes)
				memcpy(p->w_bytes + place(&p->w, i1, i2, i3), dense + at,
				       k / elements * bytes);
	p->w.va = ops_put(p->w_bytes, p->w_size);
	free(dense);
}

static void make(struct product *p, uint8_t type, uint8_t type_x, const uint64_t size[7])
{
	lay_out(&p->w, type, size[0], size[1], size[3], size[4]);
	lay_out(&p->x, type_x, size[0], size[2], size[3] * size[5], size[4] * size[6]);
	lay_out(&p->y, GAON_TYPE_F32, size[1], size[2], size[3] * size[5], size[4] * size[6]);
	make_weights(p);
	ck_assert(gaon_tensor_span(&p->x, &p->x_size) && gaon_tensor_span(&p->y, &p->y_size));
	p->x_bytes = ops_alloc(p->x_size);
	p->y_bytes = ops_alloc(p->y_size);
	p->before = ops_alloc(p->y_size);
	for (uint64_t i = 0; i < p->x_size / p->x.nb[0]; i++) {
		float f = ops_random_f32(2);
		uint16_t half = type_x == GAON_TYPE_F16 ? ops_to_half(f) : ops_to_bf16(f);

		if (type_x == GAON_TYPE_F32)
			memcpy(p->x_bytes + i * 4, &f, 4);
		else
			memcpy(p->x_bytes + i * 2, &half, 2);
	}
	ops_random_fill((float *)p->before, p->y_size / 4, 1);
	p->x.va = ops_put(p->x_bytes, p->x_size);
	p->y.va = ops_put(p->before, p->y_size);
}

static void discard(struct product *p)
{
	free(p->w_bytes);
	free(p->x_bytes);
	free(p->y_bytes);
	free(p->before);
	free(p->w_values);
}

/* A row of activations as numbers, and by how much each may be off when it meets the weights. */
static void read_row(const struct product *p, const uint8_t *at, double *x, double *off)
{
	uint8_t class = gaon_ops_mul_mat_class(p->w.type);
	uint64_t k = p->w.ne[0];

	for (uint64_t i = 0; i < k; i++) {
		uint16_t half;
		float f;

		if (p->x.type == GAON_TYPE_F32) {
			memcpy(&f, at + i * 4, 4);
		} else {
			memcpy(&half, at + i * 2, 2);
			f = p->x.type == GAON_TYPE_F16 ? ops_from_half(half) : ops_from_bf16(half);
		}
		x[i] = (double)f;
		off[i] = p->x.type == class ? 0 :
			 class == GAON_TYPE_F16 ? fabs(x[i]) * 0x1p-11 + 0x1p-25 :
						  fabs(x[i]) * 0x1p-8;
	}
	for (uint64_t b = 0; class == GAON_TYPE_Q8A && b < k; b += 32) {
		double largest = 0;

		for (uint64_t i = b; i < b + 32; i++)
			largest = fmax(largest, fabs(x[i]));
		for (uint64_t i = b; i < b + 32; i++)
			off[i] = largest / 127 * 0.502;
	}
}

static void check_row(const struct product *p, uint64_t m, uint64_t i2, uint64_t i3, double *x, double *off)
{
	uint64_t k = p->w.ne[0], n = p->w.ne[1];
	uint64_t w2 = i2 / (p->x.ne[2] / p->w.ne[2]), w3 = i3 / (p->x.ne[3] / p->w.ne[3]);
	const double *w = p->w_values + (w3 * p->w.ne[2] + w2) * n * k;

	read_row(p, p->x_bytes + place(&p->x, m, i2, i3), x, off);
	for (uint64_t j = 0; j < n; j++) {
		double sum = 0, size = 0, bound = 0;
		float got;

		for (uint64_t i = 0; i < k; i++) {
			sum += x[i] * w[j * k + i];
			size += fabs(x[i] * w[j * k + i]);
			bound += off[i] * fabs(w[j * k + i]);
			/* Unpacked to f16. */
			if (p->w.type >= GAON_TENSOR_Q4_K)
				bound += fabs(x[i]) * (fabs(w[j * k + i]) * 0x1p-11 + 0x1p-25);
		}
		/* Blocks of small weights on a large minimum: parts are larger than their sum. */
		bound += (double)(k + 2) * 0x1p-23 * (size + (double)k);
		memcpy(&got, p->y_bytes + place(&p->y, m, i2, i3) + j * 4, 4);
		if (!(fabs((double)got - sum) <= bound))
			ck_abort_msg("type %s, k %lu n %lu, [%lu][%lu][%lu][%lu] is %a, should be %a +- %g",
				     gaon_tensor_type_name(p->w.type), (unsigned long)k, (unsigned long)n,
				     (unsigned long)i3, (unsigned long)i2, (unsigned long)m,
				     (unsigned long)j, (double)got, sum, bound);
	}
	memcpy(p->before + place(&p->y, m, i2, i3), p->y_bytes + place(&p->y, m, i2, i3), n * 4);
}

static void check(const struct product *p)
{
	double *x = ops_alloc(p->w.ne[0] * sizeof(double)), *off = ops_alloc(p->w.ne[0] * sizeof(double));

	for (uint64_t i3 = 0; i3 < p->y.ne[3]; i3++)
		for (uint64_t i2 = 0; i2 < p->y.ne[2]; i2++)
			for (uint64_t m = 0; m < p->y.ne[1]; m++)
				check_row(p, m, i2, i3, x, off);
	/* Elements are in `before` by now; what is left are the gaps. */
	ck_assert_int_eq(memcmp(p->before, p->y_bytes, p->y_size), 0);
	free(x);
	free(off);
}

static void run(uint8_t type, uint8_t type_x, const uint64_t size[7])
{
	struct product p;
	uint64_t scratch, bytes;

	make(&p, type, type_x, size);
	ck_assert(gaon_ops_mul_mat_supports(&p.y, &p.w, &p.x));
	ck_assert(gaon_ops_mul_mat_fits(ops_t.ops, &p.y, &p.w, &p.x));
	bytes = gaon_ops_mul_mat_scratch(&p.y, &p.w, &p.x);
	scratch = bytes ? ops_put(NULL, bytes) : 0;
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, false));
	ops_get(p.y_bytes, p.y.va, p.y_size);
	check(&p);
	discard(&p);
}

/* k, n, m, dimensions 2 and 3 of the weights, how many products have the same ones. */
static void run_random(uint8_t type)
{
	uint32_t elements;

	gaon_tensor_type_bytes(type, &elements);
	for (int i = 0; i < CASES; i++) {
		uint64_t size[7] = {
			elements * ops_random_in(1, 200 / elements + 1), ops_random_in(1, 150),
			i % 3 == 0 ? 1 : i % 3 == 1 ? ops_random_in(2, 16) : ops_random_in(17, 60),
			ops_random_in(1, 2), ops_random_in(1, 2), ops_random_in(1, 3), ops_random_in(1, 2),
		};
		uint8_t class = gaon_ops_mul_mat_class(type);

		if (i == 0)
			size[3] = size[4] = size[5] = size[6] = 1;
		run(type, elements == 1 && ops_random() & 1 ? class : GAON_TYPE_F32, size);
	}
}

START_TEST(mul_mat_types)
{
	run_random(types[_i]);
}
END_TEST

/* Rows longer than the matrix unit takes at once, and more of them than a step. */
START_TEST(mul_mat_long)
{
	static const uint64_t one[7] = { 9248, 100, 1, 1, 1, 1, 1 };
	static const uint64_t many[7] = { 4512, 40, 20, 1, 1, 1, 1 };
	static const uint64_t steps[7] = { 256, 9000, 2, 1, 1, 1, 1 };

	run(GAON_TYPE_Q4_1, GAON_TYPE_F32, one);
	run(GAON_TYPE_F16, GAON_TYPE_F32, one);
	run(GAON_TYPE_Q8_0, GAON_TYPE_F32, many);
	run(GAON_TYPE_Q4_0, GAON_TYPE_F32, steps);
}
END_TEST

/* Two products with the same activations, the second one with those that the first prepared. */
START_TEST(mul_mat_prepared)
{
	static const uint64_t size[7] = { 96, 70, 33, 1, 1, 2, 1 };
	struct product p;
	uint64_t scratch;

	make(&p, GAON_TYPE_Q4_1, GAON_TYPE_F32, size);
	scratch = ops_put(NULL, gaon_ops_mul_mat_scratch(&p.y, &p.w, &p.x));
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, false));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	/* It is not looked at any more. */
	memset(p.y_bytes, 0xff, p.x_size < p.y_size ? p.x_size : p.y_size);
	OPS_OK(gaon_mem_write(ops_t.dev, p.x.va, p.y_bytes, p.x_size < p.y_size ? p.x_size : p.y_size));
	OPS_OK(gaon_mem_write(ops_t.dev, p.y.va, p.before, p.y_size));
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, true));
	ops_get(p.y_bytes, p.y.va, p.y_size);
	check(&p);
	discard(&p);
}
END_TEST

/*
 * Rows of 32 products with 4 weights are 8 rows of each, which are few; with one they are many.  Only the
 * second product needs what it is told that the first has prepared.
 */
START_TEST(mul_mat_prepared_by_few)
{
	static const uint64_t few[7] = { 96, 20, 1, 4, 1, 8, 1 }, many[7] = { 96, 20, 1, 1, 1, 32, 1 };
	struct product p, q;
	uint64_t scratch;
	uint8_t *other;

	make(&p, GAON_TYPE_Q4_1, GAON_TYPE_F32, few);
	make(&q, GAON_TYPE_Q8_0, GAON_TYPE_F32, many);
	other = q.x_bytes;
	q.x = p.x;
	q.x_bytes = p.x_bytes;
	scratch = ops_put(NULL, gaon_ops_mul_mat_scratch(&q.y, &q.w, &q.x));
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, false));
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &q.y, &q.w, &q.x, scratch, true));
	ops_get(q.y_bytes, q.y.va, q.y_size);
	check(&q);
	q.x_bytes = other;
	discard(&p);
	discard(&q);
}
END_TEST

/* Rows of weights that are longer than what a step takes at most fit the largest scratchpad. */
START_TEST(mul_mat_large_scratchpad)
{
	static const uint64_t size[7] = { 100000, 20, 1, 1, 1, 1, 1 };

	ops_test_reopen("GAON_SIM_SPM", "64M");
	run(GAON_TYPE_F32, GAON_TYPE_F32, size);
}
END_TEST

/* On a card whose matrix unit cannot read them from memory, weights go by way of the scratchpad. */
START_TEST(mul_mat_no_gemm_memory)
{
	static const uint64_t size[7] = { 576, 700, 1, 1, 1, 1, 1 };

	ops_test_reopen("GAON_SIM_GEMM_MEMORY", "0");
	run(GAON_TYPE_Q4_1, GAON_TYPE_F32, size);
	run_random(GAON_TYPE_Q8_0);
}
END_TEST

/* The smallest scratchpad has no room for a product; that is said before one is tried, too. */
START_TEST(mul_mat_small_scratchpad)
{
	static const uint64_t sizes[][7] = {
		{ 64, 20, 1, 1, 1, 1, 1 }, { 64, 20, 40, 1, 1, 1, 1 },
	};
	struct gaon_device_info info = { .size = sizeof(info) };

	ops_test_reopen("GAON_SIM_SPM", "64K");
	OPS_OK(gaon_device_get_info(ops_t.dev, &info));
	for (unsigned int i = 0; i < 2 && info.spm_bytes == 65536; i++) {
		struct product p;
		uint64_t scratch;

		make(&p, GAON_TYPE_Q8_0, GAON_TYPE_F32, sizes[i]);
		scratch = ops_put(NULL, gaon_ops_mul_mat_scratch(&p.y, &p.w, &p.x));
		ck_assert(gaon_ops_mul_mat_supports(&p.y, &p.w, &p.x));
		ck_assert(!gaon_ops_mul_mat_fits(ops_t.ops, &p.y, &p.w, &p.x));
		ck_assert(strstr(gaon_ops_last_error(), "scratchpad") != NULL);
		ck_assert_int_eq(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, false),
				 GAON_ERROR_LIMIT);
		ops_forget();
		discard(&p);
	}
}
END_TEST

START_TEST(mul_mat_refuses)
{
	static const uint64_t size[7] = { 64, 8, 20, 1, 1, 2, 1 };
	struct product p;
	uint64_t scratch;

	make(&p, GAON_TYPE_Q4_0, GAON_TYPE_F32, size);
	scratch = ops_put(NULL, gaon_ops_mul_mat_scratch(&p.y, &p.w, &p.x));
#define REFUSED(want, ...)								\
	do {										\
		struct gaon_tensor y = p.y, w = p.w, x = p.x;				\
		uint64_t s = scratch;							\
											\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &y, &w, &x, s, false),	\
				 want);							\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
		if (want == GAON_ERROR_INVALID_ARGUMENT && s == scratch)		\
			ck_assert(!gaon_ops_mul_mat_supports(&y, &w, &x));		\
	} while (0)
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.type = GAON_TYPE_F16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, x.type = GAON_TYPE_I32);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, w.type = GAON_TYPE_I8);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, w.ne[0] = 32);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, w.ne[2] = 3);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.ne[1] = 19);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, x.nb[0] = 8);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.nb[1] = 4);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, s = scratch + 4);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, s = 0);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, w.va = 1ull << 44);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, x.nb[2] = 1ull << 40);
	OPS_OK(gaon_ops_mul_mat(ops_t.ops, ops_t.stream, &p.y, &p.w, &p.x, scratch, false));
	ops_get(p.y_bytes, p.y.va, p.y_size);
	check(&p);
	discard(&p);
}
END_TEST

/* --- experts -------------------------------------------------------------------------------------- */

struct experts {
	struct gaon_tensor y, w, x, ids;
	double *w_values;
	float *x_in, *out;
	int32_t *id;
	uint64_t used, tokens, own;	/* own: rows of activations of a token */
};

/* @long_rows: of some 40,000 elements, of which two groups of rows do not fit the scratchpad. */
static void make_experts(struct experts *e, uint8_t type, bool long_rows)
{
	uint64_t experts = ops_random_in(1, long_rows ? 2 : 5), n = ops_random_in(1, long_rows ? 20 : 90);
	uint64_t k = (type < GAON_TENSOR_Q4_K ? 32 * ops_random_in(1, 5) : 256 * ops_random_in(1, 20)) +
		     (long_rows ? 35840 : 0);
	uint64_t w[4] = { k, n, experts, 1 }, count = k * n * experts;
	uint8_t *bytes = ops_alloc(count * 4);

	e->used = ops_random_in(1, 4);
	e->tokens = ops_random_in(1, long_rows ? 2 : 12);
	e->own = ops_random() & 1 ? e->used : 1;
	e->w_values = ops_alloc(count * sizeof(double));
	ops_random_weights(type, count, bytes, e->w_values);
	ck_assert(gaon_tensor_dense(&e->w, ops_put(bytes, count * 4), type, w));
	free(bytes);

	uint64_t x[4] = { k, e->own, e->tokens, 1 }, ids[4] = { e->used, e->tokens, 1, 1 };
	uint64_t y[4] = { n, e->used, e->tokens, 1 };

	e->x_in = ops_alloc(k * e->own * e->tokens * 4);
	ops_random_fill(e->x_in, k * e->own * e->tokens, 2);
	ck_assert(gaon_tensor_dense(&e->x, ops_put(e->x_in, k * e->own * e->tokens * 4), GAON_TYPE_F32, x));
	/* A view of the first ids of longer rows, as the result of sorting is. */
	e->id = ops_alloc((e->used + 3) * e->tokens * 4);
	for (uint64_t i = 0; i < (e->used + 3) * e->tokens; i++)
		e->id[i] = (int32_t)ops_random_in(0, (uint32_t)experts - 1);
	ck_assert(gaon_tensor_dense(&e->ids, ops_put(e->id, (e->used + 3) * e->tokens * 4),
				    GAON_TYPE_I32, ids));
	e->ids.nb[1] = (e->used + 3) * 4;
	e->out = ops_alloc(n * e->used * e->tokens * 4);
	ck_assert(gaon_tensor_dense(&e->y, ops_put(NULL, n * e->used * e->tokens * 4), GAON_TYPE_F32, y));
}

static void discard_experts(struct experts *e)
{
	free(e->w_values);
	free(e->x_in);
	free(e->out);
	free(e->id);
}

/* One row each of what check_row() takes. */
static void check_experts(const struct experts *e)
{
	uint64_t k = e->w.ne[0], n = e->w.ne[1];
	double *x = ops_alloc(k * sizeof(double)), *off = ops_alloc(k * sizeof(double));

	for (uint64_t t = 0; t < e->tokens; t++)
		for (uint64_t u = 0; u < e->used; u++) {
			uint64_t id = (uint64_t)e->id[t * (e->used + 3) + u];
			struct product p = {
				.w = e->w, .x = e->x, .y = e->y, .w_values = e->w_values + id * n * k,
				.x_bytes = (uint8_t *)(e->x_in + (t * e->own + u % e->own) * k),
				.y_bytes = (uint8_t *)(e->out + (t * e->used + u) * n),
				.before = (uint8_t *)(e->out + (t * e->used + u) * n),
			};

			p.w.ne[2] = p.x.ne[2] = p.x.ne[3] = 1;
			check_row(&p, 0, 0, 0, x, off);
		}
	free(x);
	free(off);
}

START_TEST(mul_mat_experts)
{
	for (int i = 0; i < CASES; i++) {
		struct experts e;

		make_experts(&e, types[_i], !i);
		ck_assert(gaon_ops_mul_mat_id_supports(&e.y, &e.w, &e.x, &e.ids));
		ck_assert(gaon_ops_mul_mat_id_fits(ops_t.ops, &e.y, &e.w, &e.x, &e.ids));
		OPS_OK(gaon_ops_mul_mat_id(ops_t.ops, ops_t.stream, &e.y, &e.w, &e.x, &e.ids));
		ops_get(e.out, e.y.va, e.y.nb[3]);
		check_experts(&e);
		discard_experts(&e);
	}
}
END_TEST

/* Rows of @k ones by one expert's @k ones; what the call says. */
static enum gaon_status run_ones(uint64_t k, bool *fits, float *y)
{
	struct gaon_tensor w, x, out, ids;
	float *ones = ops_alloc(k * sizeof(*ones));
	enum gaon_status status;

	for (uint64_t i = 0; i < k; i++)
		ones[i] = 1;
	ck_assert(gaon_tensor_dense(&w, ops_put(ones, k * 4), GAON_TYPE_F32, (uint64_t[]){ k, 1, 1, 1 }));
	ck_assert(gaon_tensor_dense(&x, ops_put(ones, k * 4), GAON_TYPE_F32, (uint64_t[]){ k, 1, 1, 1 }));
	ck_assert(gaon_tensor_dense(&out, ops_put(NULL, 4), GAON_TYPE_F32, (uint64_t[]){ 1, 1, 1, 1 }));
	ck_assert(gaon_tensor_dense(&ids, ops_put(NULL, 4), GAON_TYPE_I32, (uint64_t[]){ 1, 1, 1, 1 }));
	ck_assert(gaon_ops_mul_mat_id_supports(&out, &w, &x, &ids));
	*fits = gaon_ops_mul_mat_id_fits(ops_t.ops, &out, &w, &x, &ids);
	status = gaon_ops_mul_mat_id(ops_t.ops, ops_t.stream, &out, &w, &x, &ids);
	ops_get(y, out.va, 4);
	free(ones);
	return status;
}

/* On both sides of what the scratchpad has room for, the answer before is that of the call. */
START_TEST(mul_mat_experts_limit)
{
	uint64_t most = 64, over = 1u << 23;	/* of a scratchpad of up to 64 MiB */
	struct gaon_device_info info = { .size = sizeof(info) };
	float y;
	bool fits;

	while (over - most > 1) {
		uint64_t k = (most + over) / 2;
		struct gaon_tensor w, out, ids;

		gaon_tensor_dense(&w, 0, GAON_TYPE_F32, (uint64_t[]){ k, 1, 1, 1 });
		gaon_tensor_dense(&out, 0, GAON_TYPE_F32, (uint64_t[]){ 1, 1, 1, 1 });
		gaon_tensor_dense(&ids, 0, GAON_TYPE_I32, (uint64_t[]){ 1, 1, 1, 1 });
		*(gaon_ops_mul_mat_id_fits(ops_t.ops, &out, &w, &w, &ids) ? &most : &over) = k;
	}
	/* Three rows, and a quarter of a MiB for all else. */
	OPS_OK(gaon_device_get_info(ops_t.dev, &info));
	ck_assert_uint_gt(most * 12 + (256u << 10), info.spm_bytes);
	ck_assert_int_eq(run_ones(most, &fits, &y), GAON_OK);
	ck_assert(fits && y == (float)most);
	ck_assert_int_eq(run_ones(over, &fits, &y), GAON_ERROR_LIMIT);
	ck_assert(!fits && strstr(gaon_ops_last_error(), "scratchpad") != NULL);
}
END_TEST

/* An id of no expert stops the launch; shapes are refused before. */
START_TEST(mul_mat_experts_refuses)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct experts e;

	make_experts(&e, GAON_TYPE_Q8_0, false);
#define REFUSED_ID(want, ...)								\
	do {										\
		struct gaon_tensor y = e.y, w = e.w, x = e.x, ids = e.ids;		\
											\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_mul_mat_id(ops_t.ops, ops_t.stream, &y, &w, &x,	\
						     &ids), want);			\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
	} while (0)
	REFUSED_ID(GAON_ERROR_INVALID_ARGUMENT, w.type = GAON_TENSOR_Q4_K; w.ne[0] = x.ne[0] = 128);
	REFUSED_ID(GAON_ERROR_INVALID_ARGUMENT, ids.type = GAON_TYPE_F32);
	REFUSED_ID(GAON_ERROR_INVALID_ARGUMENT, ids.ne[0]++);
	REFUSED_ID(GAON_ERROR_INVALID_ARGUMENT, x.ne[1] = 7);
	REFUSED_ID(GAON_ERROR_INVALID_ARGUMENT, y.ne[2]++);
	REFUSED_ID(GAON_ERROR_INVALID_ADDRESS, ids.va = 1ull << 44);
	e.id[0] = (int32_t)e.w.ne[2];
	OPS_OK(gaon_mem_write(ops_t.dev, e.ids.va, e.id, 4));
	OPS_OK(gaon_ops_mul_mat_id(ops_t.ops, ops_t.stream, &e.y, &e.w, &e.x, &e.ids));
	ck_assert_int_eq(gaon_stream_wait(ops_t.stream, GAON_FOREVER), GAON_ERROR_FAULT);
	OPS_OK(gaon_stream_get_fault(ops_t.stream, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "experts"));
	discard_experts(&e);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, mul_mat_experts, 0, (int)sizeof(types));
	tcase_add_test(t, mul_mat_experts_refuses);
	tcase_add_test(t, mul_mat_experts_limit);
	tcase_add_loop_test(t, mul_mat_types, 0, (int)sizeof(types));
	tcase_add_test(t, mul_mat_long);
	tcase_add_test(t, mul_mat_prepared);
	tcase_add_test(t, mul_mat_prepared_by_few);
	tcase_add_test(t, mul_mat_large_scratchpad);
	tcase_add_test(t, mul_mat_small_scratchpad);
	tcase_add_test(t, mul_mat_no_gemm_memory);
	tcase_add_test(t, mul_mat_refuses);
}

int main(void)
{
	return ops_run("ops_mul_mat", add);
}
