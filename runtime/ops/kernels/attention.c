// SPDX-License-Identifier: MIT
/*
 * Attention without its matrix of scores in memory.  Per unit of work: some tokens of the heads that
 * share keys, so that these are loaded once, or one token of several such groups, whose keys lie side by
 * side: what a unit costs by itself is most of what one token costs.  Keys and values go past in tiles,
 * the next loaded while the present one is worked on.  Softmax is kept running: largest score and sum of
 * each row so far, and what was summed before is scaled when a larger one turns up.
 */
#include <gaon/device.h>

#include "loops.h"
#include "ops_args.h"
#include "part.h"
#include "quantize.h"
#include "scores.h"

#define LINE	64u
#define MASKED	0xfc00u		/* -infinity as f16 */

struct attention {
	const struct ops_attention_args *args;
	/* in the scratchpad */
	float *query, *score, *out, *mask, *top, *sum;
	uint16_t *seen, *set;		/* by key: some token sees it; some token's mask is not 0 */
	char *query_k, *score_v, *keys[2], *values[2];
	uint32_t k_row, v_row;		/* bytes */
	/* of this unit */
	uint32_t token, tokens, head, heads, groups, sequence, rows;
};

static uint32_t element_bytes(uint8_t type)
{
	return type == GAON_TYPE_F32 ? 4 : 2;
}

static void *take(uint64_t *at, uint64_t bytes)
{
	void *p = (void *)*at;

	*at = (*at + bytes + LINE - 1) / LINE * LINE;
	return p;
}

static void attention_make(struct attention *a, const struct ops_attention_args *args)
{
	uint64_t rows = (uint64_t)args->tile_tokens * args->tile_heads * args->tile_groups;
	uint64_t at = (uintptr_t)gaon_spm(void, 0);

	a->args = args;
	a->k_row = args->dk * element_bytes(args->type_k);
	a->v_row = args->dv * element_bytes(args->type_v);
	a->query = take(&at, rows * args->dk * 4);
	a->query_k = take(&at, rows * a->k_row);
	a->score = take(&at, rows * args->tile_keys * 4);
	a->score_v = take(&at, rows * args->tile_keys * element_bytes(args->type_v));
	a->out = take(&at, rows * args->dv * 4);
	a->mask = take(&at, args->tile_keys * 4ull);
	a->seen = take(&at, args->tile_keys * 2ull);
	a->set = take(&at, args->tile_keys * 2ull);
	a->top = take(&at, rows * 4);
	a->sum = take(&at, rows * 4);
	for (int i = 0; i < 2; i++) {
		a->keys[i] = take(&at, (uint64_t)args->tile_keys * a->k_row * args->tile_groups);
		a->values[i] = take(&at, (uint64_t)args->tile_keys * a->v_row * args->tile_groups);
	}
	gaon_assert(at <= (uintptr_t)gaon_spm(void, gaon_spm_size()));
}

/* Keys of one step: of the tile at @at those from @key on, the mask of which is 0 up to @plain. */
struct tile {
	uint32_t at, key, keys, plain;
};

/* Units of the same tokens. */
static uint32_t head_units(const struct ops_attention_args *args)
{
	uint32_t parts = (args->group - 1) / args->tile_heads + 1;

	return ((args->heads / args->group - 1) / args->tile_groups + 1) * parts;
}

/* Units: heads vary fastest, so that those with the same tokens, and about as much work, are spread. */
static void unit_begin(struct attention *a, uint64_t unit)
{
	const struct ops_attention_args *args = a->args;
	uint32_t parts = (args->group - 1) / args->tile_heads + 1;
	uint32_t units = head_units(args), at = (uint32_t)(unit % units), group;
	uint32_t tiles = (args->tokens - 1) / args->tile_tokens + 1;

	unit /= units;
	/* The last tokens see most keys: they come first. */
	a->token = (tiles - 1 - (uint32_t)(unit % tiles)) * args->tile_tokens;
	a->sequence = (uint32_t)(unit / tiles);
	a->tokens = args->tokens - a->token < args->tile_tokens ? args->tokens - a->token :
								  args->tile_tokens;
	group = at / parts * args->tile_groups;
	a->groups = args->heads / args->group - group;
	if (a->groups > args->tile_groups)
		a->groups = args->tile_groups;
	a->head = group * args->group + at % parts * args->tile_heads;
	a->heads = args->group - at % parts * args->tile_heads;
	if (a->heads > args->tile_heads)
		a->heads = args->tile_heads;
	a->heads *= a->groups;
	a->rows = a->tokens * a->heads;
}

/* Row t * heads + h is head h of token t. */
static void move_rows(const struct attention *a, uint64_t mem, uint64_t head_nb, uint64_t token_nb,
		      float *spm, uint32_t columns, uint32_t flags)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED, .flags = flags, .mem_va = mem, .spm_va = (uintptr_t)spm,
		.bytes = columns * 4, .count = { a->heads, a->tokens, 1 },
		.mem_stride = { (int64_t)head_nb, (int64_t)token_nb, 0 },
		.spm_stride = { columns * 4ll, (int64_t)a->heads * columns * 4, 0 },
	};

	gaon_dma(&d, 0);
}

static void clear(float *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = 0;
}

static void scale_row(float *y, float by, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] *= by;
}

static void load_query(struct attention *a)
{
	const struct ops_attention_args *args = a->args;
	uint64_t q = args->q + a->head * args->q_nb[1] + a->token * args->q_nb[0] +
		     a->sequence * args->q_nb[2];

	move_rows(a, q, args->q_nb[1], args->q_nb[0], a->query, args->dk, 0);
	gaon_wait(GAON_ENGINE_DMA0, 0);
	scale_row(a->query, args->cap != 0 ? args->scale / args->cap : args->scale, a->rows * args->dk);
	ops_activate_rows(a->query_k, args->type_k, a->query, (uint64_t)a->rows * args->dk, NULL);
}

/* Of the unit's @head and @token, from @key on. */
static const _Float16 *mask_row(const struct attention *a, uint32_t head, uint32_t token, uint32_t key)
{
	const struct ops_attention_args *args = a->args;

	return (const _Float16 *)(args->mask + key * 2ull + (a->token + token) * args->mask_nb[0] +
				  (a->head + head) % args->mask_heads * args->mask_nb[1] +
				  a->sequence % args->mask_sequences * args->mask_nb[2]);
}

static void look(uint16_t *restrict seen, uint16_t *restrict set, const uint16_t *restrict mask, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		seen[i] |= mask[i] ^ MASKED;
		set[i] |= mask[i];
	}
}

static void forget(uint16_t *restrict seen, uint16_t *restrict set, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		seen[i] = set[i] = 0;
}

/* One past the last that is not 0, 0 if all are; and the first, @n if all are. */
static uint32_t last_set(const uint16_t *x, uint32_t n)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = x[i] ? i + 1 : 0;

		last = at > last ? at : last;
	}
	return last;
}

static uint32_t first_set(const uint16_t *x, uint32_t n)
{
	uint32_t first = n;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = x[i] ? i : n;

		first = at < first ? at : first;
	}
	return first;
}

/* The first tile from @key on of which some token sees a key, without what none sees at its ends. */
static struct tile next_tile(const struct attention *a, uint32_t key)
{
	const struct ops_attention_args *args = a->args;
	struct tile t = { .at = key };

	for (; t.at < args->keys; t.at += args->tile_keys) {
		uint32_t n = args->keys - t.at < args->tile_keys ? args->keys - t.at : args->tile_keys;
		uint32_t first, last;

		t.key = t.at;
		t.keys = n;
		t.plain = args->mask ? 0 : n;
		if (!args->mask || args->mask_heads > 1)
			return t;
		forget(a->seen, a->set, n);
		for (uint32_t i = 0; i < a->tokens; i++)
			look(a->seen, a->set, (const uint16_t *)mask_row(a, 0, i, t.at), n);
		last = last_set(a->seen, n);
		if (!last)
			continue;
		first = first_set(a->seen, n) / GAON_BLOCK_K * GAON_BLOCK_K;
		t.key = t.at + first;
		t.keys = last - first;
		t.plain = first_set(a->set + first, t.keys);
		return t;
	}
	return t;
}

/* Rows of the unit's groups side by side, as they most often lie in memory, too. */
static void load_rows(const struct attention *a, uint64_t channel, char *spm, const char *mem,
		      const uint64_t nb[2], uint32_t row, uint32_t keys)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED, .mem_va = (uintptr_t)mem, .spm_va = (uintptr_t)spm,
		.bytes = row, .count = { a->groups, keys, 1 },
		.mem_stride = { (int64_t)nb[1], (int64_t)nb[0], 0 },
		.spm_stride = { row, (int64_t)row * a->groups, 0 },
	};

	gaon_dma(&d, channel);
}

static void load_tile(const struct attention *a, const struct tile *t, int buffer)
{
	const struct ops_attention_args *args = a->args;
	uint64_t head = a->head / args->group;
	const char *k = (const char *)args->k + t->key * args->k_nb[0] + head * args->k_nb[1] +
			a->sequence / args->k_sequences * args->k_nb[2];
	const char *v = (const char *)args->v + t->key * args->v_nb[0] + head * args->v_nb[1] +
			a->sequence / args->v_sequences * args->v_nb[2];

	load_rows(a, 0, a->keys[buffer], k, args->k_nb, a->k_row, t->keys);
	load_rows(a, 1, a->values[buffer], v, args->v_nb, a->v_row, t->keys);
}

/*
 * A product of the unit's rows, in two halves, one for each array; or a product for each of its groups,
 * of which B has rows of @b_row bytes side by side.
 */
static void multiply(const struct attention *a, struct gaon_gemm_desc d, uint32_t b_row)
{
	uint32_t rows = a->rows / a->groups;
	uint32_t half = rows > GAON_ROWS_GROUP ? (rows / 2 + 7) / 8 * 8 : rows;

	d.m = rows;
	for (uint32_t g = 0; a->groups > 1 && g < a->groups; g++) {
		gaon_gemm(&d, g & 1);
		d.a += (uint64_t)rows * d.lda;
		d.b += b_row;
		d.c += (uint64_t)rows * d.ldc;
	}
	if (a->groups > 1)
		return;

	d.m = half;
	gaon_gemm(&d, 0);
	if (half == rows)
		return;
	d.m = rows - half;
	d.a += (uint64_t)half * d.lda;
	d.c += (uint64_t)half * d.ldc;
	gaon_gemm(&d, 1);
}

static void multiply_keys(const struct attention *a, uint32_t keys, int buffer)
{
	const struct ops_attention_args *args = a->args;
	struct gaon_gemm_desc d = {
		.type_a = args->type_k, .type_b = args->type_k, .type_c = GAON_TYPE_F32,
		.flags = GAON_GEMM_TRANS_B, .n = keys, .k = args->dk,
		.a = (uintptr_t)a->query_k, .b = (uintptr_t)a->keys[buffer], .c = (uintptr_t)a->score,
		.lda = a->k_row, .ldb = a->k_row * a->groups, .ldc = args->tile_keys * 4,
	};

	multiply(a, d, a->k_row);
}

static void multiply_values(const struct attention *a, uint32_t keys, int buffer, int first)
{
	const struct ops_attention_args *args = a->args;
	struct gaon_gemm_desc d = {
		.type_a = args->type_v, .type_b = args->type_v, .type_c = GAON_TYPE_F32,
		.flags = first ? 0 : GAON_GEMM_ACCUMULATE, .n = args->dv, .k = keys,
		.a = (uintptr_t)a->score_v, .b = (uintptr_t)a->values[buffer], .c = (uintptr_t)a->out,
		.lda = args->tile_keys * element_bytes(args->type_v), .ldb = a->v_row * a->groups,
		.ldc = args->dv * 4,
	};

	multiply(a, d, a->v_row);
}

static void cap_row(float *y, float cap, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = cap * gaon_tanhf(y[i]);
}

static void mask_widen(float *restrict to, const _Float16 *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (float)from[i];
}

static void mask_add(float *restrict y, const float *restrict mask, float slope, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = gaon_fmaf(slope, mask[i], y[i]);
}

/* What is hidden stays so if the key is NaN: a cache has anything where nothing was written yet. */
static void mask_set(float *restrict y, const float *restrict mask, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = mask[i] == -GAON_INF ? -GAON_INF : y[i];
}

GAON_INLINE void score_row(const struct attention *a, uint32_t row, const struct tile *t, int first,
			   int careful)
{
	const struct ops_attention_args *args = a->args;
	uint32_t head = a->head + row % a->heads;
	float *s = a->score + (uint64_t)row * args->tile_keys, top, before = a->top[row];

	if (args->cap != 0)
		cap_row(s, args->cap, t->keys);
	if (t->plain < t->keys)
		mask_add(s + t->plain, a->mask, ops_head_slope(args->bias, args->bias_heads, head),
			 t->keys - t->plain);
	if (t->plain < t->keys && careful)
		mask_set(s + t->plain, a->mask, t->keys - t->plain);
	top = gaon_maxf(before, gaon_reduce_max_f32(s, t->keys));
	a->top[row] = top;
	/* Nothing seen yet: e to the power of what is masked shall be 0. */
	if (top == -GAON_INF) {
		top = 0;
	} else if (top > before && a->sum[row] > 0) {
		float by = gaon_expf(before - top);

		a->sum[row] *= by;
		if (!first)
			scale_row(a->out + (uint64_t)row * args->dv, by, args->dv);
	}
	a->sum[row] += ops_exp_sum(s, top, t->keys);
	ops_activate_rows(a->score_v + (uint64_t)row * args->tile_keys * element_bytes(args->type_v),
			  args->type_v, s, t->keys, NULL);
}

GAON_INLINE void score_rows(const struct attention *a, const struct tile *t, int first, int careful)
{
	uint32_t own = a->args->mask_heads > 1, row = 0;

	for (uint32_t token = 0; token < a->tokens; token++)
		for (uint32_t h = 0; h < a->heads; h++) {
			if (t->plain < t->keys && (!h || own))
				mask_widen(a->mask, mask_row(a, h, token, t->key + t->plain),
					   t->keys - t->plain);
			score_row(a, row++, t, first, careful);
		}
}

/* Some of @n are infinities or NaN. */
static int odd_floats(const float *x, uint32_t n)
{
#pragma clang fp reassociate(on)
	float zero = 0;

	WIDE
	for (uint32_t i = 0; i < n; i++)
		zero += x[i] * 0.0f;
	return zero != 0;	/* NaN, that is */
}

/* The same of f16 or bf16, which have all bits of @exponent then. */
static int odd_halves(const uint16_t *x, uint16_t exponent, uint32_t n)
{
	uint16_t odd = 0;

	for (uint32_t i = 0; i < n; i++)
		odd |= (x[i] & exponent) == exponent;
	return odd != 0;
}

static int odd_values(const void *v, uint8_t type, uint32_t n)
{
	if (type == GAON_TYPE_F32)
		return odd_floats(v, n);
	return odd_halves(v, type == GAON_TYPE_F16 ? 0x7c00 : 0x7f80, n);
}

static void clear_halves(uint16_t *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		x[i] = 0;
}

static void add_values(float *restrict y, float by, const void *v, uint8_t type, uint32_t n)
{
	const float *restrict whole = v;
	const _Float16 *restrict half = v;
	const __bf16 *restrict brain = v;

	switch (type) {
	case GAON_TYPE_F32:
		for (uint32_t i = 0; i < n; i++)
			y[i] += by * whole[i];
		break;
	case GAON_TYPE_F16:
		for (uint32_t i = 0; i < n; i++)
			y[i] += by * (float)half[i];
		break;
	default:
		for (uint32_t i = 0; i < n; i++)
			y[i] += by * (float)brain[i];
	}
}

/* The values of key @key and group @group to the rows that see them. */
static void add_seen(const struct attention *a, const struct tile *t, uint32_t key, uint32_t group,
		     const void *values)
{
	const struct ops_attention_args *args = a->args;
	uint32_t heads = a->heads / a->groups;

	for (uint32_t token = 0; token < a->tokens; token++)
		for (uint32_t h = group * heads; h < (group + 1) * heads; h++) {
			uint32_t row = token * a->heads + h;

			if (*(const uint16_t *)mask_row(a, h, token, t->key + key) == MASKED)
				continue;
			add_values(a->out + (uint64_t)row * args->dv,
				   a->score[(uint64_t)row * args->tile_keys + key], values, args->type_v,
				   args->dv);
		}
}

/*
 * Values that are no finite numbers are taken out of the tile, since the product of their row's 0 with
 * them is NaN for those as well that they are hidden from; the others get them here.
 */
static void take_odd_values(const struct attention *a, const struct tile *t, int buffer)
{
	const struct ops_attention_args *args = a->args;
	char *at = a->values[buffer];

	for (uint32_t key = 0; key < t->keys; key++)
		for (uint32_t group = 0; group < a->groups; group++, at += a->v_row) {
			if (!odd_values(at, args->type_v, args->dv))
				continue;
			add_seen(a, t, key, group, at);
			clear_halves((uint16_t *)at, a->v_row / 2);
		}
}

static void unit_finish(const struct attention *a)
{
	const struct ops_attention_args *args = a->args;

	for (uint32_t row = 0; row < a->rows; row++)
		scale_row(a->out + (uint64_t)row * args->dv, a->sum[row] > 0 ? 1.0f / a->sum[row] : 0,
			  args->dv);
	move_rows(a, args->y + a->head * args->y_nb[0] + a->token * args->y_nb[1] +
		     a->sequence * args->y_nb[2],
		  args->y_nb[0], args->y_nb[1], a->out, args->dv, GAON_DMA_FROM_SPM);
	gaon_wait(GAON_ENGINE_DMA0, 0);
}

GAON_INLINE void unit_compute(struct attention *a, int careful)
{
	const struct ops_attention_args *args = a->args;
	const float *sinks = (const float *)args->sinks;
	struct tile now = next_tile(a, 0), next;
	int buffer = 0, first = !careful;

	if (now.at < args->keys)
		load_tile(a, &now, 0);
	if (now.at >= args->keys || careful)
		clear(a->out, a->rows * args->dv);
	load_query(a);
	for (uint32_t row = 0; row < a->rows; row++) {
		a->top[row] = sinks ? sinks[a->head + row % a->heads] : -GAON_INF;
		a->sum[row] = sinks ? 1 : 0;
	}
	for (; now.at < args->keys; now = next, buffer = !buffer, first = 0) {
		next = next_tile(a, now.at + args->tile_keys);
		/* The tile's keys and values; then those of the next behind the products. */
		gaon_wait(GAON_ENGINE_DMA0, 0);
		gaon_wait(GAON_ENGINE_DMA1, 0);
		if (next.at < args->keys)
			load_tile(a, &next, !buffer);
		multiply_keys(a, now.keys, buffer);
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
		score_rows(a, &now, first, careful);
		if (careful)
			take_odd_values(a, &now, buffer);
		multiply_values(a, now.keys, buffer, first);
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
	}
}

/* Rarely: code of its own, so that keeping out what is hidden costs nothing where nothing is to keep out. */
__attribute__((noinline)) static void unit_repeat(struct attention *a)
{
	unit_compute(a, 1);
}

static void unit_run(struct attention *a)
{
	const struct ops_attention_args *args = a->args;

	unit_compute(a, 0);
	if (args->mask && odd_floats(a->out, a->rows * args->dv))
		unit_repeat(a);
	unit_finish(a);
}

GAON_KERNEL(ops_attention, struct ops_attention_args,
	    GAON_POINTERS(6, offsetof(struct ops_attention_args, y),
			  offsetof(struct ops_attention_args, q),
			  offsetof(struct ops_attention_args, k),
			  offsetof(struct ops_attention_args, v),
			  offsetof(struct ops_attention_args, mask),
			  offsetof(struct ops_attention_args, sinks)),
	    GAON_STACK(OPS_ATTENTION_STACK))
{
	uint64_t tiles = (args->tokens - 1) / args->tile_tokens + 1;
	uint64_t units = head_units(args) * tiles * args->sequences;
	struct attention a;

	attention_make(&a, args);
	for (uint64_t unit = ops_part(); unit < units; unit += ops_parts()) {
		unit_begin(&a, unit);
		unit_run(&a);
	}
}
