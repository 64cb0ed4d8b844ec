// SPDX-License-Identifier: MIT
/*
 * Rotary position embedding against the definition in double precision: a pair (a, b) becomes
 * (a cos t - b sin t, a sin t + b cos t), t being the position times the pair's rate.
 */
#include "ops_common.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define CASES	12

static const uint32_t modes[] = { GAON_ROPE_NORM, GAON_ROPE_NEOX, GAON_ROPE_MROPE, GAON_ROPE_VISION,
				  GAON_ROPE_IMROPE };

struct rope_case {
	struct gaon_rope r;
	struct gaon_tensor y, x, position, factors;
	float *in, *out, *factor;
	int32_t *at;
	uint64_t elements;
	bool half, apart;
};

static bool sections(const struct gaon_rope *r)
{
	return r->mode & GAON_ROPE_MROPE;
}

/* Which of a token's positions, and the exponent of the rate: written after the models' papers. */
static uint32_t which(const struct gaon_rope *r, uint32_t pair, uint32_t *step)
{
	uint32_t list[1024], steps[1024], n = 0, all = 0;

	*step = pair;
	if (!sections(r))
		return 0;
	for (uint32_t s = 0; s < 4; s++)
		all += r->sections[s];
	if (r->mode == GAON_ROPE_IMROPE) {
		uint32_t at = pair % all;

		for (uint32_t s = 0; s < 3; s++)
			if (at % 3 == s)
				return at < 3 * r->sections[s] ? s : 3;
	}
	while (n <= pair)
		for (uint32_t s = 0; s < 4; s++)
			for (uint32_t i = 0; i < r->sections[s] && n < 1024; i++) {
				list[n] = s;
				steps[n++] = i;
			}
	if (r->mode == GAON_ROPE_VISION)
		*step = steps[pair];
	return list[pair];
}

static double angle(const struct rope_case *c, uint32_t pair, uint64_t token)
{
	const struct gaon_rope *r = &c->r;
	uint32_t step, stream = which(r, pair, &step);
	double t = c->at[stream * c->x.ne[2] + token] * pow((double)r->freq_base, -2.0 * step / r->n_dims);
	double low, high, ramp;

	if (c->factor)
		t /= (double)c->factor[pair];
	if (r->ext_factor == 0)
		return t * (double)r->freq_scale;
	low = log(r->n_ctx_orig / ((double)r->beta_fast * 2 * M_PI));
	low *= r->n_dims / (2 * log((double)r->freq_base));
	high = log(r->n_ctx_orig / ((double)r->beta_slow * 2 * M_PI));
	high *= r->n_dims / (2 * log((double)r->freq_base));
	low = fmax(0, floor(low));
	high = fmin(r->n_dims - 1, ceil(high));
	ramp = 1 - fmin(1, fmax(0, (pair - low) / fmax(0.001, high - low)));
	ramp *= (double)r->ext_factor;
	return t * (double)r->freq_scale * (1 - ramp) + t * ramp;
}

static void expect_row(const struct rope_case *c, const double *x, double *y, uint64_t token)
{
	const struct gaon_rope *r = &c->r;
	uint32_t pairs = r->mode == GAON_ROPE_VISION ? r->n_dims : r->n_dims / 2;
	double scale = (double)r->attn_factor;

	if (r->ext_factor != 0)
		scale *= 1 + 0.1 * log(1 / (double)r->freq_scale);
	memcpy(y, x, c->x.ne[0] * sizeof(*y));
	for (uint32_t i = 0; i < pairs; i++) {
		uint32_t a = r->mode == GAON_ROPE_NORM ? 2 * i : i;
		uint32_t b = r->mode == GAON_ROPE_NORM ? 2 * i + 1 : i + pairs;
		double t = angle(c, i, token);

		y[a] = scale * (x[a] * cos(t) - x[b] * sin(t));
		y[b] = scale * (x[a] * sin(t) + x[b] * cos(t));
	}
}

static void random_parameters(struct rope_case *c, uint32_t mode, uint64_t columns)
{
	struct gaon_rope *r = &c->r;
	uint32_t pairs;

	*r = (struct gaon_rope){ .size = sizeof(*r), .mode = mode, .n_ctx_orig = 2048,
				 .freq_base = ops_random() & 1 ? 10000 : 1000000, .freq_scale = 1,
				 .attn_factor = 1, .beta_fast = 32, .beta_slow = 1 };
	r->n_dims = (uint32_t)(mode == GAON_ROPE_VISION ? columns / 2 : columns);
	if (mode != GAON_ROPE_VISION && ops_random() % 3 == 0)
		r->n_dims = 2 * ops_random_in(1, (uint32_t)columns / 2);
	pairs = mode == GAON_ROPE_VISION ? r->n_dims : r->n_dims / 2;
	if (sections(r))
		for (int i = 0; i < 4; i++)
			r->sections[i] = ops_random_in(i == 0, pairs);
	if (ops_random() & 1) {
		r->freq_scale = 0.25f;
		r->ext_factor = ops_random() & 1;
		r->attn_factor = 1.2f;
	}
}

/* Heads of a token, tokens, and gaps; the way queries and keys come out of a fused product. */
static void make(struct rope_case *c, uint32_t mode)
{
	uint64_t columns = 4 * ops_random_in(1, 32), heads = ops_random_in(1, 9);
	uint64_t tokens = ops_random() & 1 ? 1 : ops_random_in(2, 80), sequences = ops_random_in(1, 2);
	uint64_t ne[4] = { columns, heads, tokens, sequences }, gap = ops_random_in(0, 2) * 8;
	uint64_t streams, many[4] = { 0, 1, 1, 1 };

	*c = (struct rope_case){ .half = ops_random() % 3 == 0, .apart = ops_random() & 1 };
	random_parameters(c, mode, columns);
	streams = sections(&c->r) ? 4 : 1;
	ck_assert(gaon_tensor_dense(&c->x, 0, c->half ? GAON_TYPE_F16 : GAON_TYPE_F32, ne));
	for (int i = 2; i < 4; i++)
		c->x.nb[i] = (c->x.nb[i - 1] * ne[i - 1]) + gap * c->x.nb[0];
	c->y = c->x;
	c->elements = c->x.nb[3] / c->x.nb[0] * sequences;
	c->in = ops_alloc(c->elements * 4);
	c->out = ops_alloc(c->elements * 4);
	c->at = ops_alloc(streams * tokens * 4);
	for (uint64_t i = 0; i < streams * tokens; i++)
		c->at[i] = (int32_t)ops_random_in(0, ops_random() & 1 ? 500 : 100000);
	ops_random_fill(c->in, c->elements, 2);
	for (uint64_t i = 0; c->half && i < c->elements; i++)
		((uint16_t *)c->in)[i] = ops_to_half(c->in[i]);
	many[0] = streams * tokens;
	ck_assert(gaon_tensor_dense(&c->position, ops_put(c->at, many[0] * 4), GAON_TYPE_I32, many));
	if (ops_random() & 1) {
		many[0] = mode == GAON_ROPE_VISION ? c->r.n_dims : c->r.n_dims / 2;
		c->factor = ops_alloc(many[0] * 4);
		for (uint64_t i = 0; i < many[0]; i++)
			c->factor[i] = 1 + fabsf(ops_random_f32(7));
		ck_assert(gaon_tensor_dense(&c->factors, ops_put(c->factor, many[0] * 4),
					    GAON_TYPE_F32, many));
	}
	c->x.va = ops_put(c->in, c->elements * 4);
	c->y.va = c->apart ? ops_put(c->in, c->elements * 4) : c->x.va;
}

static double element(const struct rope_case *c, const float *from, uint64_t i)
{
	return c->half ? (double)ops_from_half(((const uint16_t *)from)[i]) : (double)from[i];
}

static void check(const struct rope_case *c)
{
	double x[128], want[128];

	for (uint64_t i = 0; i < c->x.ne[1] * c->x.ne[2] * c->x.ne[3]; i++) {
		uint64_t head = i % c->x.ne[1], token = i / c->x.ne[1] % c->x.ne[2];
		uint64_t at = (i / c->x.ne[1] / c->x.ne[2] * c->x.nb[3] + token * c->x.nb[2] +
			       head * c->x.nb[1]) / c->x.nb[0];

		for (uint64_t j = 0; j < c->x.ne[0]; j++)
			x[j] = element(c, c->in, at + j);
		expect_row(c, x, want, token);
		for (uint64_t j = 0; j < c->x.ne[0]; j++) {
			double got = element(c, c->out, at + j), bound = c->half ? 0x1p-9 : 0x1p-20;

			if (!(fabs(got - want[j]) <= bound))
				ck_abort_msg("mode %u n_dims %u: token %lu at %d, head %lu [%lu] is %a, should be %a",
					     c->r.mode, c->r.n_dims, (unsigned long)token, c->at[token],
					     (unsigned long)head, (unsigned long)j, got, want[j]);
		}
	}
}

START_TEST(rope_modes)
{
	for (int i = 0; i < CASES; i++) {
		const struct gaon_tensor *factors;
		struct rope_case c;

		make(&c, modes[_i]);
		factors = c.factor ? &c.factors : NULL;
		ck_assert(gaon_ops_rope_supports(&c.y, &c.x, &c.position, factors, &c.r));
		OPS_OK(gaon_ops_rope(ops_t.ops, ops_t.stream, &c.y, &c.x, &c.position, factors, &c.r));
		ops_get(c.out, c.y.va, c.elements * 4);
		check(&c);
		free(c.in);
		free(c.out);
		free(c.at);
		free(c.factor);
	}
}
END_TEST

START_TEST(rope_refuses)
{
	struct rope_case c;

	make(&c, GAON_ROPE_NEOX);
	c.r.n_dims = (uint32_t)c.x.ne[0];
#define REFUSED(want, ...)								\
	do {										\
		struct gaon_tensor y = c.y, x = c.x, p = c.position;			\
		struct gaon_rope r = c.r;						\
											\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_rope(ops_t.ops, ops_t.stream, &y, &x, &p, NULL, &r),	\
				 want);							\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
	} while (0)
	REFUSED(GAON_ERROR_STRUCT_SIZE, r.size = 1);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, r.mode = 3);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, r.n_dims = 3);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, r.n_dims += 2);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, r.freq_base = 0);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, r.mode = GAON_ROPE_MROPE);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, p.ne[0]++);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, p.type = GAON_TYPE_F32);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, x.type = GAON_TYPE_BF16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.ne[1]++);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, p.va = 1ull << 44);
	OPS_OK(gaon_ops_rope(ops_t.ops, ops_t.stream, &c.y, &c.x, &c.position, NULL, &c.r));
	free(c.factor);
	c.factor = NULL;
	ops_get(c.out, c.y.va, c.elements * 4);
	check(&c);
	free(c.in);
	free(c.out);
	free(c.at);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, rope_modes, 0, 5);
	tcase_add_test(t, rope_refuses);
}

int main(void)
{
	return ops_run("ops_rope", add);
}
