// SPDX-License-Identifier: MIT
/*
 * Attention against its definition in double precision.  What may be off: queries and probabilities by
 * one rounding to the type of keys and values, scores thereby, sums by their roundings.
 */
#include "ops_common.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/products.h>

#define CASES	8

struct attn_case {
	struct gaon_attention a;
	struct gaon_tensor y, q, k, v, mask, sinks;
	float *q_in, *out, *sinks_in;
	uint16_t *mask_in;
	double *k_values, *v_values;
	uint64_t out_bytes;
	bool masked, sunk;
};

/* What the test's shapes are made of. */
struct attn_shape {
	uint64_t dk, dv, tokens, heads, sequences, keys, group;
	uint8_t type;
	bool odd;			/* some keys and values are no finite numbers */
};

static double unit(uint8_t type)
{
	return type == GAON_TYPE_F16 ? 0x1p-11 : type == GAON_TYPE_BF16 ? 0x1p-8 : 0x1p-24;
}

/* Keys and values lie as a cache has them: all heads of a key side by side. */
static void make_cache(struct gaon_tensor *t, double **values, const struct attn_shape *s, uint64_t columns)
{
	uint64_t ne[4] = { columns, s->heads / s->group, s->keys, s->sequences };
	uint64_t count = columns * ne[1] * ne[2] * ne[3], swap;
	uint8_t *bytes = ops_alloc(count * 4);

	ck_assert(gaon_tensor_dense(t, 0, s->type, ne));
	*values = ops_alloc(count * sizeof(double));
	ops_random_weights(s->type, count, bytes, *values);
	t->va = ops_put(bytes, count * 4);
	swap = t->ne[1], t->ne[1] = t->ne[2], t->ne[2] = swap;
	swap = t->nb[1], t->nb[1] = t->nb[2], t->nb[2] = swap;
	free(bytes);
}

/* Causal, or random with at least one key for most rows. */
static void make_mask(struct attn_case *c, const struct attn_shape *s)
{
	uint64_t ne[4] = { s->keys, s->tokens + ops_random_in(0, 9), 1, 1 }, count;
	bool causal = ops_random() & 1;

	if (ops_random() % 3 == 0)
		ne[2] = s->heads;
	if (ops_random() & 1)
		ne[3] = s->sequences;
	count = ne[0] * ne[1] * ne[2] * ne[3];
	c->mask_in = ops_alloc(count * 2);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t key = i % ne[0], token = i / ne[0] % ne[1];
		bool seen = causal ? key * s->tokens <= token * s->keys : key == 0 || ops_random() % 4;

		c->mask_in[i] = ops_to_half(seen ? causal ? 0 : ops_random_f32(2) : -INFINITY);
	}
	/* One token that sees nothing. */
	if (ops_random() % 3 == 0)
		for (uint64_t i = 0; i < ne[0]; i++)
			c->mask_in[i] = 0xfc00;
	ck_assert(gaon_tensor_dense(&c->mask, ops_put(c->mask_in, count * 2), GAON_TYPE_F16, ne));
	c->masked = true;
}

/* Some rows of a cache are @what, as those that were never written may be. */
static void spoil(const struct gaon_tensor *t, double *values, const struct attn_shape *s, float what)
{
	uint64_t columns = t->ne[0], heads = t->ne[2], bytes = gaon_tensor_type_bytes(t->type, NULL);
	uint32_t word;
	uint16_t half;

	memcpy(&word, &what, 4);
	half = t->type == GAON_TYPE_F16 ? ops_to_half(what) : (uint16_t)(word >> 16);
	for (uint64_t row = 0; row < heads * s->keys * s->sequences; row++) {
		if (ops_random() % 8)
			continue;
		for (uint64_t i = 0; i < columns; i++) {
			values[row * columns + i] = (double)what;
			OPS_OK(gaon_mem_write(ops_t.dev, t->va + (row * columns + i) * bytes,
					      bytes == 4 ? (void *)&word : (void *)&half, bytes));
		}
	}
}

static void make(struct attn_case *c, const struct attn_shape *s)
{
	uint64_t q[4] = { s->dk, s->heads, s->tokens, s->sequences }, swap;
	uint64_t y[4] = { s->dv, s->heads, s->tokens, s->sequences }, heads[4] = { s->heads, 1, 1, 1 };
	uint64_t count = q[0] * q[1] * q[2] * q[3];

	memset(c, 0, sizeof(*c));
	c->a = (struct gaon_attention){ .size = sizeof(c->a), .scale = 1 / sqrtf((float)s->dk) };
	c->q_in = ops_alloc(count * 4);
	ops_random_fill(c->q_in, count, 3);
	ck_assert(gaon_tensor_dense(&c->q, ops_put(c->q_in, count * 4), GAON_TYPE_F32, q));
	swap = c->q.ne[1], c->q.ne[1] = c->q.ne[2], c->q.ne[2] = swap;
	swap = c->q.nb[1], c->q.nb[1] = c->q.nb[2], c->q.nb[2] = swap;
	c->out_bytes = y[0] * y[1] * y[2] * y[3] * 4;
	c->out = ops_alloc(c->out_bytes);
	ck_assert(gaon_tensor_dense(&c->y, ops_put(NULL, c->out_bytes), GAON_TYPE_F32, y));
	make_cache(&c->k, &c->k_values, s, s->dk);
	make_cache(&c->v, &c->v_values, s, s->dv);
	if (s->odd) {
		spoil(&c->k, c->k_values, s, NAN);
		spoil(&c->v, c->v_values, s, ops_random() & 1 ? NAN : INFINITY);
	}
	if (s->odd || ops_random() % 4)
		make_mask(c, s);
	if (c->masked && ops_random() % 3 == 0)
		c->a.max_bias = 8;
	if (ops_random() % 3 == 0)
		c->a.logit_softcap = 5;
	if (ops_random() % 3 == 0) {
		c->sinks_in = ops_alloc(s->heads * 4);
		ops_random_fill(c->sinks_in, s->heads, 2);
		ck_assert(gaon_tensor_dense(&c->sinks, ops_put(c->sinks_in, s->heads * 4), GAON_TYPE_F32,
					    heads));
		c->sunk = true;
	}
}

static void unmake(struct attn_case *c)
{
	free(c->q_in);
	free(c->out);
	free(c->sinks_in);
	free(c->mask_in);
	free(c->k_values);
	free(c->v_values);
}

static double slope(const struct attn_case *c, uint64_t head)
{
	double whole = exp2(floor(log2((double)c->q.ne[2])));

	if (c->a.max_bias == 0)
		return 1;
	if ((double)head < whole)
		return exp2(-(double)c->a.max_bias / whole * ((double)head + 1));
	return exp2(-(double)c->a.max_bias / 2 / whole * (2 * ((double)head - whole) + 1));
}

/* Scores of one query; returns by how much one may be off. */
static double scores(const struct attn_case *c, uint64_t token, uint64_t head, uint64_t seq, double *s)
{
	uint64_t dk = c->q.ne[0], heads_k = c->k.ne[2], keys = c->k.ne[1];
	const float *q = c->q_in + ((seq * c->q.ne[1] + token) * c->q.ne[2] + head) * dk;
	double off = 0;

	for (uint64_t j = 0; j < keys; j++) {
		const double *k = c->k_values +
				  ((seq * keys + j) * heads_k + head / (c->q.ne[2] / heads_k)) * dk;
		double dot = 0, size = 0;

		for (uint64_t i = 0; i < dk; i++) {
			dot += (double)q[i] * k[i];
			size += fabs((double)q[i] * k[i]);
		}
		s[j] = dot * (double)c->a.scale;
		off = fmax(off, size * (double)c->a.scale * (unit(c->k.type) + 0x1p-24 * (double)dk));
		if (c->a.logit_softcap != 0)
			s[j] = (double)c->a.logit_softcap * tanh(s[j] / (double)c->a.logit_softcap);
		if (c->masked) {
			double mask = (double)ops_from_half(c->mask_in[j + keys * (token + c->mask.ne[1] *
							    (head % c->mask.ne[2] + c->mask.ne[2] *
							     (seq % c->mask.ne[3])))]);

			/* Whatever a hidden key is. */
			s[j] = isinf(mask) ? mask : s[j] + slope(c, head) * mask;
		}
	}
	return off + 0x1p-20;
}

static void check_row(const struct attn_case *c, uint64_t token, uint64_t head, uint64_t seq, double *p)
{
	uint64_t dv = c->v.ne[0], keys = c->k.ne[1], group = c->q.ne[2] / c->k.ne[2];
	double off = scores(c, token, head, seq, p), top = c->sunk ? (double)c->sinks_in[head] : -INFINITY;
	double sum = 0;

	for (uint64_t j = 0; j < keys; j++)
		top = fmax(top, p[j]);
	for (uint64_t j = 0; j < keys; j++) {
		p[j] = p[j] == -INFINITY ? 0 : exp(p[j] - top);
		sum += p[j];
	}
	if (c->sunk)
		sum += exp((double)c->sinks_in[head] - top);
	off = expm1(2 * off) + 2 * unit(c->v.type) + 0x1p-22 * (double)keys;
	for (uint64_t i = 0; i < dv; i++) {
		double want = 0, size = 0;
		float got = c->out[((seq * c->q.ne[1] + token) * c->q.ne[2] + head) * dv + i];

		for (uint64_t j = 0; j < keys && sum != 0; j++) {
			double v = c->v_values[((seq * keys + j) * c->v.ne[2] + head / group) * dv + i];

			if (p[j] == 0)
				continue;
			want += p[j] / sum * v;
			size += p[j] / sum * fabs(v);
		}
		/* Probabilities below f16's smallest are gone. */
		if (!isfinite(want) && (isnan(want) ? isnan(got) : (double)got == want))
			continue;
		if (!(fabs((double)got - want) <= off * size + (double)keys * 0x1p-24))
			ck_abort_msg("[%lu][%lu][%lu][%lu] of dk %lu keys %lu %s is %a, should be %a +- %g",
				     (unsigned long)seq, (unsigned long)token, (unsigned long)head,
				     (unsigned long)i, (unsigned long)c->q.ne[0], (unsigned long)keys,
				     gaon_tensor_type_name(c->k.type), (double)got, want, off * size);
	}
}

/* The same bits come from a sequence, whose cores are fewer and have other shares; @c has those wanted. */
static void check_sequence(const struct attn_case *c)
{
	struct gaon_ops_sequence *seq;
	void *out = ops_alloc(c->out_bytes);

	OPS_OK(gaon_ops_sequence_create(ops_t.ops, &seq));
	OPS_OK(gaon_mem_write(ops_t.dev, c->y.va, memset(out, 0xff, c->out_bytes), c->out_bytes));
	OPS_OK(gaon_ops_sequence_begin(seq, ops_t.stream));
	/* A launch of one step would be a launch by itself. */
	for (int i = 0; i < 2; i++)
		OPS_OK(gaon_ops_flash_attn(ops_t.ops, ops_t.stream, &c->y, &c->q, &c->k, &c->v,
					   c->masked ? &c->mask : NULL, c->sunk ? &c->sinks : NULL, &c->a));
	OPS_OK(gaon_ops_sequence_end(seq));
	ops_get(out, c->y.va, c->out_bytes);
	ck_assert_mem_eq(out, c->out, c->out_bytes);
	gaon_ops_sequence_destroy(seq);
	free(out);
}

static void run(const struct attn_shape *s)
{
	const struct gaon_tensor *mask, *sinks;
	double *p = ops_alloc(s->keys * sizeof(*p));
	struct attn_case c;

	make(&c, s);
	mask = c.masked ? &c.mask : NULL;
	sinks = c.sunk ? &c.sinks : NULL;
	ck_assert(gaon_ops_flash_attn_supports(&c.y, &c.q, &c.k, &c.v, mask, sinks, &c.a));
	OPS_OK(gaon_ops_flash_attn(ops_t.ops, ops_t.stream, &c.y, &c.q, &c.k, &c.v, mask, sinks, &c.a));
	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, c.out, c.y.va, c.out_bytes));
	for (uint64_t i = 0; i < s->tokens * s->heads * s->sequences; i++)
		check_row(&c, i / s->heads % s->tokens, i % s->heads, i / s->heads / s->tokens, p);
	check_sequence(&c);
	unmake(&c);
	free(p);
}

static const uint8_t types[] = { GAON_TYPE_F16, GAON_TYPE_BF16, GAON_TYPE_F32 };

START_TEST(flash_attn_random)
{
	for (int i = 0; i < CASES; i++) {
		struct attn_shape s = {
			.dk = 8 * ops_random_in(1, 16), .dv = 8 * ops_random_in(1, 16),
			.tokens = ops_random() & 1 ? 1 : ops_random_in(2, 40), .group = ops_random_in(1, 4),
			.sequences = ops_random_in(1, 2), .keys = ops_random_in(1, 80), .type = types[_i],
		};

		if (i % 2)
			s.dk = s.dv = 64;
		/* Of one token, groups of heads are joined when they are more than cores. */
		s.heads = s.group * ops_random_in(1, s.tokens == 1 ? 12 : 3);
		run(&s);
	}
}
END_TEST

/* What is hidden may be anything; what is seen and no number makes that row one that is none either. */
START_TEST(flash_attn_odd)
{
	for (int i = 0; i < CASES; i++) {
		struct attn_shape s = {
			.dk = 8 * ops_random_in(1, 9), .dv = ops_random_in(3, 70),
			.tokens = i % 2 ? 1 : ops_random_in(2, 40), .group = ops_random_in(1, 3),
			.sequences = ops_random_in(1, 2), .keys = i % 4 ? ops_random_in(1, 80) : 1100,
			.type = types[_i], .odd = true,
		};

		s.heads = s.group * ops_random_in(1, s.tokens == 1 ? 12 : 3);
		run(&s);
	}
}
END_TEST

/* Several tiles of keys, and more tokens than a unit has. */
START_TEST(flash_attn_long)
{
	struct attn_shape s = { .dk = 64, .dv = 64, .tokens = 1, .heads = 9, .group = 3, .sequences = 1,
				.keys = 1300, .type = GAON_TYPE_F16 };

	run(&s);
	s.tokens = 90;
	s.heads = 3;
	s.keys = 600;
	run(&s);
	/* As large as heads get: fewer keys and rows at a time. */
	s = (struct attn_shape){ .dk = 576, .dv = 512, .tokens = 3, .heads = 40, .group = 40,
				 .sequences = 1, .keys = 70, .type = GAON_TYPE_F32 };
	run(&s);
	/* More for each core than 16 bits count. */
	s = (struct attn_shape){ .dk = 4, .dv = 4, .tokens = 1, .heads = 4 << 16, .group = 1,
				 .sequences = 1, .keys = 1, .type = GAON_TYPE_F16 };
	run(&s);
}
END_TEST

/* On both sides of what a small scratchpad has room for, the answer before is that of the call. */
START_TEST(flash_attn_small_scratchpad)
{
	struct attn_shape s = { .tokens = 2, .heads = 1, .group = 1, .sequences = 1, .keys = 40,
				.type = GAON_TYPE_F32 };
	struct gaon_device_info info = { .size = sizeof(info) };
	uint64_t refused = 0;

	ops_test_reopen("GAON_SIM_SPM", "512K");
	OPS_OK(gaon_device_get_info(ops_t.dev, &info));
	for (uint64_t columns = 64; columns <= 576; columns += 32) {
		const struct gaon_tensor *mask, *sinks;
		enum gaon_status status;
		struct attn_case c;
		bool fits;

		s.dk = s.dv = columns;
		make(&c, &s);
		mask = c.masked ? &c.mask : NULL;
		sinks = c.sunk ? &c.sinks : NULL;
		ck_assert(gaon_ops_flash_attn_supports(&c.y, &c.q, &c.k, &c.v, mask, sinks, &c.a));
		fits = gaon_ops_flash_attn_fits(ops_t.ops, &c.y, &c.q, &c.k, &c.v, mask, sinks, &c.a);
		ck_assert(fits || strstr(gaon_ops_last_error(), "scratchpad") != NULL);
		status = gaon_ops_flash_attn(ops_t.ops, ops_t.stream, &c.y, &c.q, &c.k, &c.v, mask, sinks,
					     &c.a);
		ck_assert_int_eq(status, fits ? GAON_OK : GAON_ERROR_LIMIT);
		ops_wait();
		ops_forget();
		refused += !fits;
		/* What is refused stays so with more. */
		ck_assert(!fits || !refused);
		unmake(&c);
	}
	if (info.spm_bytes == 512u << 10)
		ck_assert(refused && refused < 17);
}
END_TEST

START_TEST(flash_attn_refuses)
{
	struct attn_shape s = { .dk = 16, .dv = 8, .tokens = 5, .heads = 4, .group = 2, .sequences = 1,
				.keys = 20, .type = GAON_TYPE_F16 };
	struct attn_case c;

	make(&c, &s);
#define REFUSED(want, ...)								\
	do {										\
		struct gaon_tensor y = c.y, q = c.q, k = c.k, v = c.v;			\
		struct gaon_attention a = c.a;						\
											\
		a.max_bias = 0;								\
		__VA_ARGS__;								\
		ck_assert_int_eq(gaon_ops_flash_attn(ops_t.ops, ops_t.stream, &y, &q, &k, &v,	\
						     NULL, NULL, &a), want);		\
		ck_assert_str_ne(gaon_ops_last_error(), "");				\
		if (want == GAON_ERROR_INVALID_ARGUMENT)				\
			ck_assert(!gaon_ops_flash_attn_supports(&y, &q, &k, &v, NULL,	\
								NULL, &a));		\
	} while (0)
	REFUSED(GAON_ERROR_STRUCT_SIZE, a.size = 4);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, a.scale = NAN);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, a.max_bias = 2);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, k.type = GAON_TYPE_I8);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, q.type = GAON_TYPE_F16);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, k.ne[0] = 8);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, k.ne[1]--);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, k.ne[2] = v.ne[2] = 3);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, k.ne[1] = v.ne[1] = 0);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, y.ne[1] = 5; y.ne[2] = 4);
	REFUSED(GAON_ERROR_INVALID_ARGUMENT, q.ne[0] = k.ne[0] = 584);
	REFUSED(GAON_ERROR_INVALID_ADDRESS, v.va = 1ull << 44);
	ops_get(c.out, c.y.va, c.out_bytes);
	unmake(&c);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, flash_attn_random, 0, (int)sizeof(types));
	tcase_add_loop_test(t, flash_attn_odd, 0, (int)sizeof(types));
	tcase_add_test(t, flash_attn_long);
	tcase_add_test(t, flash_attn_small_scratchpad);
	tcase_add_test(t, flash_attn_refuses);
}

int main(void)
{
	return ops_run("ops_flash_attn", add);
}
