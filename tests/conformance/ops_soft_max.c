// SPDX-License-Identifier: MIT
/* Softmax of attention scores against the definition in double precision. */
#include "ops_common.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define CASES	24

struct soft_case {
	struct gaon_tensor y, x, mask, sinks;
	float *in, *out, *mask_in, *sinks_in;
	uint64_t elements, mask_elements;
	float scale, bias;
	bool masked, half, sunk;
};

static void make_mask(struct soft_case *c)
{
	uint64_t ne[4] = { c->x.ne[0], c->x.ne[1] + ops_random_in(0, 5), 1, 1 };

	if (ops_random() & 1)
		ne[2] = c->x.ne[2];
	if (ops_random() & 1)
		ne[3] = c->x.ne[3];
	ck_assert(gaon_tensor_dense(&c->mask, 0, c->half ? GAON_TYPE_F16 : GAON_TYPE_F32, ne));
	c->mask_elements = ne[0] * ne[1] * ne[2] * ne[3];
	c->mask_in = ops_alloc(c->mask_elements * 4);
	for (uint64_t i = 0; i < c->mask_elements; i++) {
		/* The first of a row stays, or there would be nothing left. */
		float f = i % ne[0] && ops_random() % 3 == 0 ? -INFINITY : ops_random_f32(4);
		uint16_t half = ops_to_half(f);

		if (c->half)
			memcpy((uint8_t *)c->mask_in + i * 2, &half, 2);
		else
			c->mask_in[i] = f;
	}
	c->mask.va = ops_put(c->mask_in, c->mask_elements * 4);
}

static void make(struct soft_case *c)
{
	uint64_t ne[4] = { ops_random_in(1, ops_random() & 1 ? 30 : 700), ops_random_in(1, 20),
			   ops_random_in(1, 9), ops_random_in(1, 2) };

	*c = (struct soft_case){ .masked = ops_random() % 4, .half = ops_random() & 1,
				 .sunk = ops_random() % 3 == 0,
				 .scale = ops_random() & 1 ? 1 : 0.125f };
	ck_assert(gaon_tensor_dense(&c->x, 0, GAON_TYPE_F32, ne));
	c->elements = ne[0] * ne[1] * ne[2] * ne[3];
	c->in = ops_alloc(c->elements * 4);
	c->out = ops_alloc(c->elements * 4);
	ops_random_fill(c->in, c->elements, 20);
	c->x.va = ops_put(c->in, c->elements * 4);
	c->y = c->x;
	if (ops_random() & 1)
		c->y.va = ops_put(NULL, c->elements * 4);
	if (c->masked)
		make_mask(c);
	if (c->masked && ops_random() & 1)
		c->bias = 8;
	if (c->sunk) {
		uint64_t heads[4] = { ne[2], 1, 1, 1 };

		c->sinks_in = ops_alloc(ne[2] * 4);
		ops_random_fill(c->sinks_in, ne[2], 10);
		ck_assert(gaon_tensor_dense(&c->sinks, ops_put(c->sinks_in, ne[2] * 4), GAON_TYPE_F32,
					    heads));
	}
}

static double slope(const struct soft_case *c, uint64_t head)
{
	double whole = exp2(floor(log2((double)c->x.ne[2])));

	if (c->bias == 0)
		return 1;
	if ((double)head < whole)
		return pow(exp2((double)-c->bias / whole), (double)head + 1);
	return pow(exp2((double)-c->bias / 2 / whole), 2 * ((double)head - whole) + 1);
}

static double masked(const struct soft_case *c, uint64_t column, uint64_t row, uint64_t head, uint64_t seq)
{
	uint16_t half;
	uint64_t at;

	if (!c->masked)
		return 0;
	at = column + (row + (head % c->mask.ne[2] + seq % c->mask.ne[3] * c->mask.ne[2]) *
		       c->mask.ne[1]) * c->mask.ne[0];
	memcpy(&half, (const uint8_t *)c->mask_in + at * 2, 2);
	return slope(c, head) * (c->half ? (double)ops_from_half(half) : (double)c->mask_in[at]);
}

static void check(const struct soft_case *c)
{
	uint64_t n = c->x.ne[0];
	double *e = ops_alloc(n * sizeof(*e));

	for (uint64_t i = 0; i < c->elements / n; i++) {
		uint64_t row = i % c->x.ne[1], head = i / c->x.ne[1] % c->x.ne[2];
		uint64_t seq = i / c->x.ne[1] / c->x.ne[2];
		double top = c->sunk ? (double)c->sinks_in[head] : -INFINITY, sum = 0;

		for (uint64_t j = 0; j < n; j++) {
			e[j] = (double)c->in[i * n + j] * (double)c->scale + masked(c, j, row, head, seq);
			top = fmax(top, e[j]);
		}
		for (uint64_t j = 0; j < n; j++) {
			e[j] = exp(e[j] - top);
			sum += e[j];
		}
		if (c->sunk)
			sum += exp((double)c->sinks_in[head] - top);
		for (uint64_t j = 0; j < n; j++)
			e[j] /= sum;
		/* Scores up to 52 are off by 4 u of that, sums by fewer roundings than columns. */
		ops_compare("soft_max", c->out + i * n, e, n, 300 * 0x1p-24 + (double)n * 0x1p-26, 1e-30);
	}
	free(e);
}

START_TEST(soft_max_random)
{
	for (int i = 0; i < CASES; i++) {
		struct soft_case c;
		const struct gaon_tensor *mask, *sinks;

		make(&c);
		mask = c.masked ? &c.mask : NULL;
		sinks = c.sunk ? &c.sinks : NULL;
		ck_assert(gaon_ops_soft_max_supports(&c.y, &c.x, mask, sinks, c.scale, c.bias));
		OPS_OK(gaon_ops_soft_max(ops_t.ops, ops_t.stream, &c.y, &c.x, mask, sinks, c.scale, c.bias));
		ops_get(c.out, c.y.va, c.elements * 4);
		check(&c);
		free(c.in);
		free(c.out);
		free(c.mask_in);
		free(c.sinks_in);
	}
}
END_TEST

START_TEST(soft_max_refuses)
{
	uint64_t ne[4] = { 16, 4, 2, 1 }, heads[4] = { 2, 1, 1, 1 };
	struct gaon_tensor good, good_mask, good_sinks;
	uint64_t va = ops_put(NULL, 4096);

	ck_assert(gaon_tensor_dense(&good, va, GAON_TYPE_F32, ne));
	ck_assert(gaon_tensor_dense(&good_sinks, va, GAON_TYPE_F32, heads));
	ne[2] = 1;
	ck_assert(gaon_tensor_dense(&good_mask, va + 2048, GAON_TYPE_F16, ne));
#define REFUSED(want, ...)								\
	do {										\
		struct gaon_tensor y = good, x = good, m = good_mask, s = good_sinks;	\
		float scale = 1, bias = 0;						\
											\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_soft_max(ops_t.ops, ops_t.stream, &y, &x, &m, &s, scale,	\
						   bias), want);		\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
	} while (0)
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.type = GAON_TYPE_F16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.ne[0]--);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, m.ne[0]--);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, m.ne[1]--);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, m.type = GAON_TYPE_BF16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, m.nb[0] = 4);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, s.ne[0] = 1);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, scale = NAN);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, bias = -1);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, m.va = 1ull << 44);
	ck_assert_int_eq(gaon_ops_soft_max(ops_t.ops, ops_t.stream, &good, &good, NULL, NULL, 1, 8),
			 GAON_ERROR_INVALID_ARGUMENT);
	OPS_OK(gaon_ops_soft_max(ops_t.ops, ops_t.stream, &good, &good, &good_mask, &good_sinks, 1, 8));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, soft_max_random);
	tcase_add_test(t, soft_max_refuses);
}

int main(void)
{
	return ops_run("ops_soft_max", add);
}
