// SPDX-License-Identifier: MIT
/*
 * Attention without its matrix of scores in memory.  Per unit of work: some tokens of the heads that
 * share keys, so that these are loaded once; keys and values go past in tiles, the next loaded while the
 * present one is worked on.  Softmax is kept running: largest score and sum of each row so far, and what
 * was summed before is scaled when a larger one turns up.
 */
#include <gaon/device.h>

#include "ops_args.h"
#include "quantize.h"
#include "scores.h"

#define LINE	64u
#define MASKED	0xfc00u		/* -infinity as f16 */

struct attention {
	const struct ops_attention_args *args;
	/* in the scratchpad */
	float *query, *score, *out, *mask, *top, *sum;
	char *query_k, *score_v, *keys[2], *values[2];
	uint32_t k_row, v_row;		/* bytes */
	/* of this unit */
	uint32_t token, tokens, head, heads, sequence, rows;
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
	uint64_t rows = (uint64_t)args->tile_tokens * args->tile_heads;
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
	a->top = take(&at, rows * 4);
	a->sum = take(&at, rows * 4);
	for (int i = 0; i < 2; i++) {
		a->keys[i] = take(&at, (uint64_t)args->tile_keys * a->k_row);
		a->values[i] = take(&at, (uint64_t)args->tile_keys * a->v_row);
	}
	gaon_assert(at <= (uintptr_t)gaon_spm(void, gaon_spm_size()));
}

/* Units: heads vary fastest, so that those with the same tokens, and about as much work, are spread. */
static void unit_begin(struct attention *a, uint64_t unit)
{
	const struct ops_attention_args *args = a->args;
	uint32_t parts = (args->group - 1) / args->tile_heads + 1;
	uint32_t units = args->heads / args->group * parts, at = (uint32_t)(unit % units);
	uint32_t tiles = (args->tokens - 1) / args->tile_tokens + 1;

	unit /= units;
	/* The last tokens see most keys: they come first. */
	a->token = (tiles - 1 - (uint32_t)(unit % tiles)) * args->tile_tokens;
	a->sequence = (uint32_t)(unit / tiles);
	a->tokens = args->tokens - a->token < args->tile_tokens ? args->tokens - a->token :
								  args->tile_tokens;
	a->head = at / parts * args->group + at % parts * args->tile_heads;
	a->heads = args->group - at % parts * args->tile_heads;
	if (a->heads > args->tile_heads)
		a->heads = args->tile_heads;
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

static void load_query(struct attention *a)
{
	const struct ops_attention_args *args = a->args;
	uint64_t q = args->q + a->head * args->q_nb[1] + a->token * args->q_nb[0] +
		     a->sequence * args->q_nb[2];

	move_rows(a, q, args->q_nb[1], args->q_nb[0], a->query, args->dk, 0);
	gaon_wait(GAON_ENGINE_DMA0, 0);
	ops_activate_rows(a->query_k, args->type_k, a->query, (uint64_t)a->rows * args->dk, NULL);
}

static uint32_t tile_keys(const struct attention *a, uint32_t key)
{
	return a->args->keys - key < a->args->tile_keys ? a->args->keys - key : a->args->tile_keys;
}

/* Of the unit's @head and @token, from @key on. */
static const _Float16 *mask_row(const struct attention *a, uint32_t head, uint32_t token, uint32_t key)
{
	const struct ops_attention_args *args = a->args;

	return (const _Float16 *)(args->mask + key * 2ull + (a->token + token) * args->mask_nb[0] +
				  (a->head + head) % args->mask_heads * args->mask_nb[1] +
				  a->sequence % args->mask_sequences * args->mask_nb[2]);
}

static uint16_t differs(const uint16_t *x, uint32_t n, uint16_t from)
{
	uint16_t all = 0;

	for (uint32_t i = 0; i < n; i++)
		all |= x[i] ^ from;
	return all;
}

/* The first tile from @key on of which some token sees a key. */
static uint32_t next_tile(const struct attention *a, uint32_t key)
{
	const struct ops_attention_args *args = a->args;

	for (; args->mask && args->mask_heads == 1 && key < args->keys; key += args->tile_keys)
		for (uint32_t t = a->tokens; t--;)
			if (differs((const uint16_t *)mask_row(a, 0, t, key),
				    tile_keys(a, key), MASKED))
				return key;
	return key;
}

static void load_tile(const struct attention *a, uint32_t key, int buffer)
{
	const struct ops_attention_args *args = a->args;
	uint64_t head = a->head / args->group;
	const char *k = (const char *)args->k + key * args->k_nb[0] + head * args->k_nb[1] +
			a->sequence / args->k_sequences * args->k_nb[2];
	const char *v = (const char *)args->v + key * args->v_nb[0] + head * args->v_nb[1] +
			a->sequence / args->v_sequences * args->v_nb[2];

	gaon_dma_load_2d(0, a->keys[buffer], a->k_row, k, (int64_t)args->k_nb[0], a->k_row,
			 tile_keys(a, key));
	gaon_dma_load_2d(1, a->values[buffer], a->v_row, v, (int64_t)args->v_nb[0], a->v_row,
			 tile_keys(a, key));
}

/* Its rows in two halves, one for each array. */
static void multiply(struct gaon_gemm_desc d, uint32_t rows)
{
	uint32_t half = rows > GAON_ROWS_GROUP ? (rows / 2 + 7) / 8 * 8 : rows;

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
		.lda = a->k_row, .ldb = a->k_row, .ldc = args->tile_keys * 4,
	};

	multiply(d, a->rows);
}

static void multiply_values(const struct attention *a, uint32_t keys, int buffer, int first)
{
	const struct ops_attention_args *args = a->args;
	struct gaon_gemm_desc d = {
		.type_a = args->type_v, .type_b = args->type_v, .type_c = GAON_TYPE_F32,
		.flags = first ? 0 : GAON_GEMM_ACCUMULATE, .n = args->dv, .k = keys,
		.a = (uintptr_t)a->score_v, .b = (uintptr_t)a->values[buffer], .c = (uintptr_t)a->out,
		.lda = args->tile_keys * element_bytes(args->type_v), .ldb = a->v_row,
		.ldc = args->dv * 4,
	};

	multiply(d, a->rows);
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

static void cap_row(float *y, float scale, float cap, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = cap * gaon_tanhf(y[i] * scale);
}

static void mask_widen(float *restrict to, const _Float16 *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (float)from[i];
}

/* y = y * scale + slope * mask */
static void mask_add(float *restrict y, const float *restrict mask, float scale, float slope, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = gaon_fmaf(slope, mask[i], y[i] * scale);
}

static void score_row(const struct attention *a, uint32_t row, uint32_t keys, int first)
{
	const struct ops_attention_args *args = a->args;
	uint32_t head = a->head + row % a->heads;
	float *s = a->score + (uint64_t)row * args->tile_keys, scale = args->scale, top, before;

	if (args->cap != 0) {
		cap_row(s, scale / args->cap, args->cap, keys);
		scale = 1;
	}
	if (args->mask)
		mask_add(s, a->mask, scale, ops_head_slope(args->bias, args->bias_heads, head), keys);
	else
		scale_row(s, scale, keys);
	before = a->top[row];
	top = gaon_maxf(before, gaon_reduce_max_f32(s, keys));
	a->top[row] = top;
	/* Nothing seen yet: e to the power of what is masked shall be 0. */
	if (top == -GAON_INF)
		top = 0;
	else if (top > before && a->sum[row] > 0) {
		float by = gaon_expf(before - top);

		a->sum[row] *= by;
		if (!first)
			scale_row(a->out + (uint64_t)row * args->dv, by, args->dv);
	}
	a->sum[row] += ops_exp_sum(s, top, keys);
	ops_activate_rows(a->score_v + (uint64_t)row * args->tile_keys * element_bytes(args->type_v),
			  args->type_v, s, keys, NULL);
}

static void score_rows(const struct attention *a, uint32_t key, int first)
{
	uint32_t keys = tile_keys(a, key), own = a->args->mask_heads > 1, row = 0;

	for (uint32_t t = 0; t < a->tokens; t++)
		for (uint32_t h = 0; h < a->heads; h++) {
			if (a->args->mask && (!h || own))
				mask_widen(a->mask, mask_row(a, h, t, key), keys);
			score_row(a, row++, keys, first);
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

static void unit_run(struct attention *a)
{
	const struct ops_attention_args *args = a->args;
	const float *sinks = (const float *)args->sinks;
	uint32_t key = next_tile(a, 0), next;
	int buffer = 0, first = 1;

	if (key < args->keys)
		load_tile(a, key, 0);
	else
		clear(a->out, a->rows * args->dv);
	load_query(a);
	for (uint32_t row = 0; row < a->rows; row++) {
		a->top[row] = sinks ? sinks[a->head + row % a->heads] : -GAON_INF;
		a->sum[row] = sinks ? 1 : 0;
	}
	for (; key < args->keys; key = next, buffer = !buffer, first = 0) {
		next = next_tile(a, key + args->tile_keys);
		/* The tile's keys and values; then those of the next behind the products. */
		gaon_wait(GAON_ENGINE_DMA0, 0);
		gaon_wait(GAON_ENGINE_DMA1, 0);
		if (next < args->keys)
			load_tile(a, next, !buffer);
		multiply_keys(a, tile_keys(a, key), buffer);
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
		score_rows(a, key, first);
		multiply_values(a, tile_keys(a, key), buffer, first);
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
	}
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
	uint32_t parts = (args->group - 1) / args->tile_heads + 1;
	uint64_t tiles = (args->tokens - 1) / args->tile_tokens + 1;
	uint64_t units = args->heads / args->group * parts * tiles * args->sequences;
	struct attention a;

	attention_make(&a, args);
	for (uint64_t unit = gaon_wg_linear(); unit < units; unit += gaon_workgroups()) {
		unit_begin(&a, unit);
		unit_run(&a);
	}
}
