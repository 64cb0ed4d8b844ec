// SPDX-License-Identifier: MIT
/*
 * AVX2 products of quantised blocks: a group's 16 rows as two halves of 8 lanes.  Weights enter
 * the byte dot product as nibbles, at most 15: a block's sixteen products of a lane's half stay
 * within 16 * 15 * 128 < 2^15, so that nothing saturates.  A weight of eight bits is two nibbles.
 */
#if defined(__x86_64__)

#include <immintrin.h>

#include "gemm_block.h"

#define BLOCK_MR	4
#define KERNEL		static inline __attribute__((always_inline))
#define PREFETCH_BYTES	1536

/* Four values of each of 8 rows in each vector: the low nibbles of the weights and the high. */
struct weights {
	__m256i q[8], high[8];
};

KERNEL void weights_load(struct weights *w, const uint8_t *qs, const uint8_t type)
{
	const __m256i low = _mm256_set1_epi8(15), flip = _mm256_set1_epi8((char)0x80);

	if (type == GAON_TYPE_Q8_0) {
		for (uint32_t i = 0; i < 8; i++) {
			__m256i v = _mm256_loadu_si256((const void *)(qs + i * 64));

			v = _mm256_xor_si256(v, flip);
			w->q[i] = _mm256_and_si256(v, low);
			w->high[i] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
		}
		return;
	}
	for (uint32_t i = 0; i < 4; i++) {
		__m256i v = _mm256_loadu_si256((const void *)(qs + i * 64));

		w->q[i] = _mm256_and_si256(v, low);
		w->q[4 + i] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
	}
}

/* The sum of a block's 32 products in each of 8 lanes. */
KERNEL __m256i nibbles_dot(const __m256i w[8], const uint8_t *a)
{
	__m256i sum = _mm256_setzero_si256();

	for (uint32_t i = 0; i < 8; i++) {
		__m256i av = _mm256_set1_epi32((int)load_u32(a + i * 4));

		sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w[i], av));
	}
	return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

KERNEL __m256 f16_load(const uint8_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

KERNEL void block_half(__m256 acc[], const uint8_t *w, const uint8_t *a, const uint32_t half,
		       const uint32_t mr, const uint8_t type)
{
	const uint32_t head = type == GAON_TYPE_Q4_1 ? 64 : 32;
	const uint8_t *qs = a + mr * 12;
	__m256 d = f16_load(w + half * 16), m = _mm256_setzero_ps();
	struct weights wv;

	if (type == GAON_TYPE_Q4_1)
		m = f16_load(w + 32 + half * 16);
	weights_load(&wv, w + head + half * 32, type);
	for (uint32_t r = 0; r < mr; r++) {
		__m256i sum = _mm256_set1_epi32((int)load_u32(a + (2 * mr + r) * 4));
		__m256 scale = _mm256_mul_ps(d, _mm256_set1_ps(load_f32(a + r * 4)));

		sum = _mm256_add_epi32(sum, nibbles_dot(wv.q, qs + r * 32));
		if (type == GAON_TYPE_Q8_0)
			sum = _mm256_add_epi32(
				sum, _mm256_slli_epi32(nibbles_dot(wv.high, qs + r * 32), 4));
		acc[r] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sum), acc[r]);
		if (type == GAON_TYPE_Q4_1)
			acc[r] = _mm256_fmadd_ps(m, _mm256_set1_ps(load_f32(a + (mr + r) * 4)),
						 acc[r]);
	}
}

KERNEL void block_tile_half(const struct block_tile *t, const uint32_t half, const uint32_t mr,
			    const uint8_t type)
{
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(GEMM_F32_NAN));
	const uint32_t bytes = 16 * (type == GAON_TYPE_Q4_0   ? 18
				     : type == GAON_TYPE_Q4_1 ? 20
							      : 34);
	const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)t->n - (int)half * 8), lane);
	const uint8_t *w = t->w, *a = t->a;
	__m256 acc[BLOCK_MR];

	for (uint32_t r = 0; r < mr; r++)
		acc[r] = t->in ? _mm256_maskload_ps(
					 (const float *)(t->in + r * t->ldin + half * 32), mask)
			       : _mm256_setzero_ps();
	for (uint32_t kb = t->blocks; kb; kb--) {
		for (uint32_t i = 0; !half && i < bytes; i += 64)
			_mm_prefetch((const char *)w + PREFETCH_BYTES + i, _MM_HINT_T0);
		block_half(acc, w, a, half, mr, type);
		w += bytes;
		a += mr * BLOCK_A_BYTES;
	}
	for (uint32_t r = 0; r < mr; r++) {
		__m256 bad = _mm256_cmp_ps(acc[r], acc[r], _CMP_UNORD_Q);

		_mm256_maskstore_ps((float *)(t->out + r * t->ldout + half * 32), mask,
				    _mm256_blendv_ps(acc[r], nan, bad));
	}
}

KERNEL void block_tile(const struct block_tile *t, const uint32_t mr, const uint8_t type)
{
	block_tile_half(t, 0, mr, type);
	if (t->n > 8)
		block_tile_half(t, 1, mr, type);
}

#define DEFINE_BLOCK_KERNEL(mr)								\
	static void kern_block_##mr(const struct block_tile *t)				\
	{										\
		if (t->type == GAON_TYPE_Q4_0)						\
			block_tile(t, mr, GAON_TYPE_Q4_0);				\
		else if (t->type == GAON_TYPE_Q4_1)					\
			block_tile(t, mr, GAON_TYPE_Q4_1);				\
		else									\
			block_tile(t, mr, GAON_TYPE_Q8_0);				\
	}

DEFINE_BLOCK_KERNEL(1)
DEFINE_BLOCK_KERNEL(2)
DEFINE_BLOCK_KERNEL(3)
DEFINE_BLOCK_KERNEL(4)

static block_kernel *const block_kernels[BLOCK_MR] = {
	kern_block_1, kern_block_2, kern_block_3, kern_block_4,
};

static const struct block_ops block_ops_avx2 = { .mr = BLOCK_MR, .kern = block_kernels };

void gemm_avx2_block(struct sim_matrix *mx, const struct sim_gemm *g)
{
	gemm_block_run(mx, g, &block_ops_avx2);
}

#endif
