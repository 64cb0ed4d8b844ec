// SPDX-License-Identifier: MIT
/*
 * Quantisation of activations.  A block is 32 elements, a vector register holds many blocks: so every
 * pass goes over all elements of a chunk, and what belongs to a block is gathered by halving (two
 * neighbours are one element of twice the width) and handed back by doubling.
 */
#include "neighbours.h"
#include "ops_args.h"
#include "part.h"
#include "quantize.h"

#define ROUND		0x1.8p23f	/* added to a number below 2^22, its integer in the low bits */

static void halve_sum(any_u32 *restrict to, const any_u64 *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (uint32_t)from[i] + (uint32_t)(from[i] >> 32);
}

/* Sums of four neighbouring bytes; those of two fit 16 bits. */
static void sum_bytes(any_i32 *restrict to, any_i16 *restrict pair, const int8_t *restrict q, uint32_t n)
{
	const any_i16 *restrict two = (const any_i16 *)q;
	const any_i32 *restrict four = (const any_i32 *)pair;

	for (uint32_t i = 0; i < n * 2; i++)
		pair[i] = (int16_t)((int16_t)(two[i] << 8) >> 8) + (int16_t)(two[i] >> 8);
	for (uint32_t i = 0; i < n; i++)
		to[i] = ((int32_t)((uint32_t)four[i] << 16) >> 16) + (four[i] >> 16);
}

/* The largest magnitude of each block, then its scale and its inverse. */
static void find_scales(struct quantize_work *w, const float *x, uint32_t blocks)
{
	float *restrict d = w->d;
	any_f32 *restrict inverse = (any_f32 *)w->spread[1];
	const any_f32 *restrict top = (const any_f32 *)w->half;

	neighbours_abs(w->half, (const any_u64 *)x, blocks * 16);
	neighbours_max(w->quarter, (const any_u64 *)w->half, blocks * 8);
	neighbours_max(w->half, (const any_u64 *)w->quarter, blocks * 4);
	neighbours_max(w->quarter, (const any_u64 *)w->half, blocks * 2);
	neighbours_max(w->half, (const any_u64 *)w->quarter, blocks);
	for (uint32_t i = 0; i < blocks; i++) {
		d[i] = top[i] / 127.0f;
		/* A reciprocal that would overflow: quants of such a block are 0. */
		inverse[i] = top[i] > 0x1p-120f ? 127.0f / top[i] : 0;
	}
}

static void find_quants(struct quantize_work *w, const float *restrict x, uint32_t blocks)
{
	const any_f32 *restrict inverse = (const any_f32 *)w->spread[0];
	any_u32 *const spare[2] = { (any_u32 *)w->half, (any_u32 *)w->quarter };
	int8_t *restrict q = w->q;

	neighbours_spread(w->spread[0], w->spread[1], blocks, 5, spare);
	for (uint32_t i = 0; i < blocks * 32; i++)
		q[i] = (int8_t)gaon_f32_bits(gaon_fmaf(x[i], inverse[i], ROUND));
}

static void find_sums(struct quantize_work *w, uint32_t blocks)
{
	sum_bytes((any_i32 *)w->quarter, (any_i16 *)w->half, w->q, blocks * 8);
	halve_sum(w->half, (const any_u64 *)w->quarter, blocks * 4);
	halve_sum(w->quarter, (const any_u64 *)w->half, blocks * 2);
	halve_sum(w->half, (const any_u64 *)w->quarter, blocks);
}

static void emit(struct q8a_block *restrict out, struct quantize_work *w, uint32_t blocks)
{
	const any_u64 *restrict q = (const any_u64 *)w->q;
	const float *restrict d = w->d;
	const any_i32 *restrict sum = (const any_i32 *)w->half;

	for (uint32_t i = 0; i < blocks; i++) {
		out[i].word[0] = gaon_f32_bits(d[i]) |
				 (uint64_t)gaon_f32_bits(d[i] * (float)sum[i]) << 32;
		out[i].word[1] = q[i * 4];
		out[i].word[2] = q[i * 4 + 1];
		out[i].word[3] = q[i * 4 + 2];
		out[i].word[4] = q[i * 4 + 3];
	}
}

void ops_quantize_blocks(struct q8a_block *out, const float *x, uint64_t blocks,
			 struct quantize_work *work)
{
	while (blocks) {
		uint32_t n = blocks < QUANTIZE_BLOCKS ? (uint32_t)blocks : QUANTIZE_BLOCKS;

		find_scales(work, x, n);
		find_quants(work, x, n);
		find_sums(work, n);
		emit(out, work, n);
		out += n;
		x += n * GAON_BLOCK_K;
		blocks -= n;
	}
}

GAON_KERNEL(ops_quantize, struct ops_quantize_args,
	    GAON_POINTERS(2, offsetof(struct ops_quantize_args, y),
			  offsetof(struct ops_quantize_args, x)),
	    GAON_SPM(struct quantize_work))
{
	uint64_t blocks = args->rows * (args->columns / GAON_BLOCK_K);
	struct gaon_range r = ops_share(blocks, 8);

	ops_quantize_blocks((struct q8a_block *)args->y + r.begin,
			    (const float *)args->x + r.begin * GAON_BLOCK_K, r.end - r.begin,
			    gaon_spm_static(struct quantize_work));
}
