// SPDX-License-Identifier: MIT
/*
 * The portable path: the numerics as the specification writes them, one element at a time.
 * It's the oracle of the others, so it shares nothing with them but the conversions.
 */
#include <math.h>

#include "matrix_convert.h"
#include "matrix_internal.h"

#define F32_MIN_NORMAL	0x1p-126f

static bool portable_available(void)
{
	return true;
}

static const uint8_t *portable_a(const struct sim_gemm *g, uint32_t i, uint32_t k, uint32_t esize)
{
	if (g->flags & GAON_GEMM_TRANS_A)
		return g->a + k * g->lda + (size_t)i * esize;
	return g->a + i * g->lda + (size_t)k * esize;
}

static const uint8_t *portable_b(const struct sim_gemm *g, uint32_t k, uint32_t j, uint32_t esize)
{
	if (g->flags & GAON_GEMM_TRANS_B)
		return g->b + j * g->ldb + (size_t)k * esize;
	return g->b + k * g->ldb + (size_t)j * esize;
}

static float portable_c(const struct sim_gemm *g, uint32_t i, uint32_t j)
{
	if (!(g->flags & GAON_GEMM_ACCUMULATE))
		return 0.0f;
	return load_f32(g->c + i * g->ldc + (size_t)j * 4);
}

static void portable_store(const struct sim_gemm *g, uint32_t i, uint32_t j, float acc)
{
	float c = f32_canonical(acc);
	uint16_t h;

	if (!(g->flags & GAON_GEMM_CONVERT)) {
		memcpy(g->c + i * g->ldc + (size_t)j * 4, &c, 4);
	} else if (g->type_d == GAON_TYPE_F32) {
		memcpy(g->d + i * g->ldd + (size_t)j * 4, &c, 4);
	} else {
		h = g->type_d == GAON_TYPE_F16 ? f16_from_f32(c) : bf16_from_f32(c);
		memcpy(g->d + i * g->ldd + (size_t)j * 2, &h, 2);
	}
}

static void portable_f32(struct sim_matrix *mx, const struct sim_gemm *g)
{
	(void)mx;
	for (uint32_t i = 0; i < g->m; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			float acc = portable_c(g, i, j);

			for (uint32_t k = 0; k < g->k; k++)
				acc = fmaf(load_f32(portable_a(g, i, k, 4)),
					   load_f32(portable_b(g, k, j, 4)), acc);
			portable_store(g, i, j, acc);
		}
}

static void portable_f16(struct sim_matrix *mx, const struct sim_gemm *g)
{
	(void)mx;
	for (uint32_t i = 0; i < g->m; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			float acc = portable_c(g, i, j);

			for (uint32_t k = 0; k < g->k; k++)
				acc = fmaf(f32_from_f16(load_u16(portable_a(g, i, k, 2))),
					   f32_from_f16(load_u16(portable_b(g, k, j, 2))), acc);
			portable_store(g, i, j, acc);
		}
}

/* --- bf16: subnormals read and written as zero at each step ------------------------------- */

static float daz(float f)
{
	return fabsf(f) < F32_MIN_NORMAL ? copysignf(0.0f, f) : f;
}

/*
 * Fused multiply-add that flushes a result which is tiny after rounding.  Rounded to f32's
 * subnormal grid a tiny result may come out as the smallest normal; repeating at 2^64 times the
 * size, where the grid is that of a normal number, tells the two apart.  A result as small as
 * this bounds the smaller factor and the addend far below 2^64, so that nothing overflows.
 */
static float fma_ftz(float a, float b, float c)
{
	float r = fmaf(a, b, c);

	if (fabsf(r) == F32_MIN_NORMAL) {
		float lo = fabsf(a) < fabsf(b) ? a : b;
		float hi = fabsf(a) < fabsf(b) ? b : a;

		if (fabsf(fmaf(lo * 0x1p64f, hi, c * 0x1p64f)) < F32_MIN_NORMAL * 0x1p64f)
			return copysignf(0.0f, r);
	}
	return daz(r);
}

/* A sum of two f32 is exact where it is tiny, so that rounding needs no second look. */
static float add_ftz(float a, float b)
{
	return daz(daz(a) + daz(b));
}

static float portable_bf16_at(const struct sim_gemm *g, const uint8_t *p, uint32_t k)
{
	return k < g->k ? daz(f32_from_bf16(load_u16(p))) : 0.0f;
}

static void portable_bf16(struct sim_matrix *mx, const struct sim_gemm *g)
{
	(void)mx;
	for (uint32_t i = 0; i < g->m; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			float acc = portable_c(g, i, j);

			for (uint32_t k0 = 0; k0 < g->k; k0 += 32) {
				float sum[2] = { 0.0f, 0.0f };

				for (uint32_t k = k0; k < k0 + 32; k++) {
					uint32_t in = min_u32(k, g->k - 1);
					const uint8_t *a = portable_a(g, i, in, 2);
					const uint8_t *b = portable_b(g, in, j, 2);

					sum[k & 1] = fma_ftz(portable_bf16_at(g, a, k),
							     portable_bf16_at(g, b, k), sum[k & 1]);
				}
				acc = add_ftz(acc, add_ftz(sum[0], sum[1]));
			}
			portable_store(g, i, j, acc);
		}
}

/* --- i8 ----------------------------------------------------------------------------------- */

static void portable_i8(struct sim_matrix *mx, const struct sim_gemm *g)
{
	bool convert = g->flags & GAON_GEMM_CONVERT;

	(void)mx;
	for (uint32_t i = 0; i < g->m; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			uint8_t *out = convert ? g->d + i * g->ldd : g->c + i * g->ldc;
			uint32_t acc = 0;

			if (g->flags & GAON_GEMM_ACCUMULATE)
				acc = load_u32(g->c + i * g->ldc + (size_t)j * 4);
			for (uint32_t k = 0; k < g->k; k++)
				acc += (uint32_t)((int8_t)*portable_a(g, i, k, 1) *
						  (int8_t)*portable_b(g, k, j, 1));
			memcpy(out + (size_t)j * 4, &acc, 4);
		}
}

/* --- blocks ------------------------------------------------------------------------------- */

/* One block of one row of B, wherever its parts are stored. */
struct weight_block {
	float d, m;
	int8_t q[GAON_BLOCK_K];
};

static void portable_weight_load(struct weight_block *w, const struct sim_gemm *g, uint32_t row,
				 uint32_t block)
{
	uint8_t type = g->type_b & ~GAON_TYPE_ROWS16;
	uint32_t bytes = gemm_block_bytes(type), head = type == GAON_TYPE_Q4_1 ? 4 : 2;
	uint8_t raw[34];

	if (g->type_b & GAON_TYPE_ROWS16) {
		uint32_t r = row % GAON_ROWS_GROUP;
		const uint8_t *p = g->b + row / GAON_ROWS_GROUP * g->ldb +
				   (size_t)block * bytes * GAON_ROWS_GROUP;

		for (uint32_t h = 0; h < head; h += 2)
			memcpy(raw + h, p + h * GAON_ROWS_GROUP + r * 2, 2);
		for (uint32_t q = head; q < bytes; q += 4)
			memcpy(raw + q, p + q * GAON_ROWS_GROUP + r * 4, 4);
	} else {
		memcpy(raw, g->b + row * g->ldb + (size_t)block * bytes, bytes);
	}
	w->d = f32_from_f16(load_u16(raw));
	w->m = type == GAON_TYPE_Q4_1 ? f32_from_f16(load_u16(raw + 2)) : 0.0f;
	for (uint32_t k = 0; k < GAON_BLOCK_K; k++) {
		uint8_t nibbles = raw[head + k % 16];
		int8_t nibble = k < 16 ? nibbles & 15 : nibbles >> 4;

		if (type == GAON_TYPE_Q8_0)
			w->q[k] = (int8_t)raw[head + k];
		else
			w->q[k] = type == GAON_TYPE_Q4_0 ? nibble - 8 : nibble;
	}
}

static void portable_block(struct sim_matrix *mx, const struct sim_gemm *g)
{
	bool has_min = (g->type_b & ~GAON_TYPE_ROWS16) == GAON_TYPE_Q4_1;

	(void)mx;
	for (uint32_t i = 0; i < g->m; i++)
		for (uint32_t j = 0; j < g->n; j++) {
			float acc = portable_c(g, i, j);

			for (uint32_t kb = 0; kb < g->k / GAON_BLOCK_K; kb++) {
				const uint8_t *a = g->a + i * g->lda + (size_t)kb * 40;
				struct weight_block w;
				int32_t isum = 0;

				portable_weight_load(&w, g, j, kb);
				for (uint32_t k = 0; k < GAON_BLOCK_K; k++)
					isum += w.q[k] * (int8_t)a[8 + k];
				acc = fmaf(w.d * load_f32(a), (float)isum, acc);
				if (has_min)
					acc = fmaf(w.m, load_f32(a + 4), acc);
			}
			portable_store(g, i, j, acc);
		}
}

const struct matrix_path matrix_path_portable = {
	.name = "portable",
	.available = portable_available,
	.f32 = portable_f32,
	.f16 = portable_f16,
	.bf16 = portable_bf16,
	.i8 = portable_i8,
	.block = portable_block,
	.to_f16 = gemm_portable_to_f16,
	.to_bf16 = gemm_portable_to_bf16,
};
