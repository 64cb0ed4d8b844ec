// SPDX-License-Identifier: MIT
/* AVX-512 products of quantised blocks: 16 lanes are 16 rows of weights, dot products by VNNI. */
#if defined(__x86_64__)

#include <immintrin.h>

#include "gemm_block.h"

#define BLOCK_MR	8
#define KERNEL		static inline __attribute__((always_inline))
/* Weights come from memory once: far enough ahead to hide its latency at full rate. */
#define PREFETCH_BYTES	2048

/* One block's weights, unsigned: four values of each row in each vector. */
KERNEL void weights_load(__m512i w[8], const uint8_t *qs, const uint8_t type)
{
	const __m512i low = _mm512_set1_epi8(15), flip = _mm512_set1_epi8((char)0x80);

	if (type == GAON_TYPE_Q8_0) {
		for (uint32_t i = 0; i < 8; i++)
			w[i] = _mm512_xor_si512(_mm512_loadu_si512(qs + i * 64), flip);
		return;
	}
	for (uint32_t i = 0; i < 4; i++) {
		__m512i both = _mm512_loadu_si512(qs + i * 64);

		w[i] = _mm512_and_si512(both, low);
		w[4 + i] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
	}
}

KERNEL __m512 f16_load(const uint8_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

KERNEL void block_rows(__m512 acc[], const uint8_t *w, const uint8_t *a, const uint32_t mr,
		       const uint8_t type)
{
	const uint32_t head = type == GAON_TYPE_Q4_1 ? 64 : 32;
	const uint8_t *qs = a + mr * 12;
	__m512 d = f16_load(w), m = _mm512_setzero_ps();
	__m512i wv[8];

	if (type == GAON_TYPE_Q4_1)
		m = f16_load(w + 32);
	weights_load(wv, w + head, type);
	for (uint32_t r = 0; r < mr; r++) {
		__m512i s0 = _mm512_set1_epi32((int)load_u32(a + (2 * mr + r) * 4));
		__m512i s1 = _mm512_setzero_si512();
		__m512 scale = _mm512_mul_ps(d, _mm512_set1_ps(load_f32(a + r * 4)));

		for (uint32_t i = 0; i < 4; i++) {
			const uint8_t *q = qs + r * 32 + i * 4;

			s0 = _mm512_dpbusd_epi32(s0, wv[i], _mm512_set1_epi32((int)load_u32(q)));
			s1 = _mm512_dpbusd_epi32(s1, wv[4 + i],
						 _mm512_set1_epi32((int)load_u32(q + 16)));
		}
		acc[r] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(_mm512_add_epi32(s0, s1)),
					 acc[r]);
		if (type == GAON_TYPE_Q4_1)
			acc[r] = _mm512_fmadd_ps(m, _mm512_set1_ps(load_f32(a + (mr + r) * 4)),
						 acc[r]);
	}
}

/*
 * Memory is the limit, so what comes from there is fetched long before.  With a copy to make that is
 * its source, and the weights, copied the last time, wait in the second cache level.
 */
KERNEL void block_prefetch(const uint8_t *w, const uint8_t *src, const uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += 64) {
		if (src) {
			_mm_prefetch((const char *)src + PREFETCH_BYTES + i, _MM_HINT_T1);
			_mm_prefetch((const char *)w + 2 * bytes + i, _MM_HINT_T0);
		} else {
			_mm_prefetch((const char *)w + PREFETCH_BYTES + i, _MM_HINT_T0);
		}
	}
}

/* A block is an odd number of half lines, or an even one. */
KERNEL void block_copy(uint8_t *dst, const uint8_t *src, const uint32_t bytes)
{
	uint32_t i = 0;

	for (; i + 64 <= bytes; i += 64)
		_mm512_storeu_si512(dst + i, _mm512_loadu_si512(src + i));
	if (i < bytes)
		_mm256_storeu_si256((void *)(dst + i), _mm256_loadu_si256((const void *)(src + i)));
}

KERNEL void block_tile(const struct block_tile *t, const uint32_t mr, const uint8_t type)
{
	const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(GEMM_F32_NAN));
	const uint32_t bytes = 16 * (type == GAON_TYPE_Q4_0   ? 18
				     : type == GAON_TYPE_Q4_1 ? 20
							      : 34);
	const uint8_t *w = t->w, *a = t->a, *src = t->copy_src;
	uint8_t *dst = t->copy_dst;
	__mmask16 mask = (__mmask16)((1u << t->n) - 1);
	__m512 acc[BLOCK_MR];

	for (uint32_t r = 0; r < mr; r++)
		acc[r] = t->in ? _mm512_maskz_loadu_ps(mask, t->in + r * t->ldin) :
				 _mm512_setzero_ps();
	for (uint32_t kb = t->blocks; kb; kb--) {
		block_prefetch(w, src, bytes);
		block_rows(acc, w, a, mr, type);
		if (src) {
			block_copy(dst, src, bytes);
			dst += bytes;
			src += bytes;
		}
		w += bytes;
		a += mr * BLOCK_A_BYTES;
	}
	for (uint32_t r = 0; r < mr; r++) {
		__mmask16 bad = _mm512_cmp_ps_mask(acc[r], acc[r], _CMP_UNORD_Q);

		_mm512_mask_storeu_ps(t->out + r * t->ldout, mask,
				      _mm512_mask_mov_ps(acc[r], bad, nan));
	}
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
DEFINE_BLOCK_KERNEL(5)
DEFINE_BLOCK_KERNEL(6)
DEFINE_BLOCK_KERNEL(7)
DEFINE_BLOCK_KERNEL(8)

static block_kernel *const block_kernels[BLOCK_MR] = {
	kern_block_1, kern_block_2, kern_block_3, kern_block_4,
	kern_block_5, kern_block_6, kern_block_7, kern_block_8,
};

/* 16 bytes of each of 16 rows: four by four words are transposed in each quarter of the registers. */
KERNEL void interleave_quants(uint8_t *dst, const uint8_t *src, size_t ld)
{
	__m512i r[4], low, high, low2, high2;

	for (uint32_t i = 0; i < 4; i++) {
		const uint8_t *row = src + i * ld;

		r[i] = _mm512_castsi128_si512(_mm_loadu_si128((const void *)row));
		r[i] = _mm512_inserti32x4(r[i], _mm_loadu_si128((const void *)(row + 4 * ld)), 1);
		r[i] = _mm512_inserti32x4(r[i], _mm_loadu_si128((const void *)(row + 8 * ld)), 2);
		r[i] = _mm512_inserti32x4(r[i], _mm_loadu_si128((const void *)(row + 12 * ld)), 3);
	}
	low = _mm512_unpacklo_epi32(r[0], r[1]);
	high = _mm512_unpackhi_epi32(r[0], r[1]);
	low2 = _mm512_unpacklo_epi32(r[2], r[3]);
	high2 = _mm512_unpackhi_epi32(r[2], r[3]);
	_mm512_storeu_si512(dst, _mm512_unpacklo_epi64(low, low2));
	_mm512_storeu_si512(dst + 64, _mm512_unpackhi_epi64(low, low2));
	_mm512_storeu_si512(dst + 128, _mm512_unpacklo_epi64(high, high2));
	_mm512_storeu_si512(dst + 192, _mm512_unpackhi_epi64(high, high2));
}

KERNEL void interleave_blocks(uint8_t *dst, const uint8_t *src, size_t ld, uint32_t blocks,
			      const uint32_t head, const uint32_t bytes)
{
	const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i at = _mm512_mullo_epi32(rows, _mm512_set1_epi32((int)ld));
	const uint8_t *next = src + 16 * ld;

	for (; blocks; blocks--) {
		__m512i d = _mm512_i32gather_epi32(at, src, 1);

		/* The next group's rows follow, most often without a gap. */
		for (uint32_t i = 0; i < bytes * 16; i += 64)
			_mm_prefetch((const char *)next + i, _MM_HINT_T0);
		_mm256_storeu_si256((void *)dst, _mm512_cvtepi32_epi16(d));
		if (head == 4)
			_mm256_storeu_si256((void *)(dst + 32),
					    _mm512_cvtepi32_epi16(_mm512_srli_epi32(d, 16)));
		for (uint32_t q = head; q < bytes; q += 16)
			interleave_quants(dst + q * 16, src + q, ld);
		src += bytes;
		dst += bytes * 16;
		next += bytes * 16;
	}
}

static void interleave(uint8_t *dst, const uint8_t *src, size_t ld, uint32_t blocks, uint8_t type)
{
	if (type == GAON_TYPE_Q4_0)
		interleave_blocks(dst, src, ld, blocks, 2, 18);
	else if (type == GAON_TYPE_Q4_1)
		interleave_blocks(dst, src, ld, blocks, 4, 20);
	else
		interleave_blocks(dst, src, ld, blocks, 2, 34);
}

/* 16 bytes of rows 0, 4, 8 and 12, a quarter of the register each. */
KERNEL __m512i plain_load(const uint8_t *row, size_t ld)
{
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)row));

	v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(row + 4 * ld)), 1);
	v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(row + 8 * ld)), 2);
	return _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(row + 12 * ld)), 3);
}

/* Of the same rows the products of a block, four sums each. */
KERNEL __m512i plain_dot(const uint8_t *row, size_t ld, __m512i first, __m512i second, const uint8_t type)
{
	const __m512i low = _mm512_set1_epi8(15), flip = _mm512_set1_epi8((char)0x80);
	__m512i v = plain_load(row, ld), high;

	if (type == GAON_TYPE_Q8_0) {
		high = _mm512_xor_si512(plain_load(row + 16, ld), flip);
		v = _mm512_xor_si512(v, flip);
	} else {
		high = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
		v = _mm512_and_si512(v, low);
	}
	return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), v, first), high, second);
}

/* Sums of the four in each quarter, of four registers: row 4 q + i is in quarter q of register i. */
KERNEL __m512i plain_sums(const __m512i s[4])
{
	__m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]), _mm512_unpackhi_epi32(s[0], s[1]));
	__m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]), _mm512_unpackhi_epi32(s[2], s[3]));

	return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

KERNEL __m512i broadcast_16(const uint8_t *p)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)p));
}

/* How far ahead rows are fetched, at least: what is multiplied in the time that memory takes. */
#define PLAIN_AHEAD	8192u

KERNEL void plain_tile(const struct block_tile *t, size_t ld, const uint8_t type)
{
	const uint32_t head = type == GAON_TYPE_Q4_1 ? 4 : 2;
	const uint32_t bytes = type == GAON_TYPE_Q8_0 ? 34 : 16 + head;
	const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i at = _mm512_mullo_epi32(rows, _mm512_set1_epi32((int)ld));
	const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(GEMM_F32_NAN));
	const uint8_t *w = t->w, *a = t->a, *next = w + (16 * ld < PLAIN_AHEAD ? 32 : 16) * ld;
	__m512 acc = t->in ? _mm512_loadu_ps(t->in) : _mm512_setzero_ps();

	for (uint32_t kb = t->blocks; kb; kb--, w += bytes, a += BLOCK_A_BYTES, next += bytes * 16) {
		__m512i d = _mm512_i32gather_epi32(at, w, 1), s[4], sum;
		__m512i first = broadcast_16(a + 12), second = broadcast_16(a + 28);
		__m512 scale = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(d));

		/* The rows of a group to come follow, most often without a gap. */
		for (uint32_t i = 0; i < bytes * 16; i += 64)
			_mm_prefetch((const char *)next + i, _MM_HINT_T0);
		for (uint32_t i = 0; i < 4; i++)
			s[i] = plain_dot(w + head + i * ld, ld, first, second, type);
		sum = _mm512_add_epi32(plain_sums(s), _mm512_set1_epi32((int)load_u32(a + 8)));
		scale = _mm512_mul_ps(scale, _mm512_set1_ps(load_f32(a)));
		acc = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(sum), acc);
		if (type == GAON_TYPE_Q4_1) {
			__m512 m = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(d, 16)));

			acc = _mm512_fmadd_ps(m, _mm512_set1_ps(load_f32(a + 4)), acc);
		}
	}
	_mm512_storeu_ps(t->out, _mm512_mask_mov_ps(acc, _mm512_cmp_ps_mask(acc, acc, _CMP_UNORD_Q), nan));
}

static void plain(const struct block_tile *t, size_t ld)
{
	if (t->type == GAON_TYPE_Q4_0)
		plain_tile(t, ld, GAON_TYPE_Q4_0);
	else if (t->type == GAON_TYPE_Q4_1)
		plain_tile(t, ld, GAON_TYPE_Q4_1);
	else
		plain_tile(t, ld, GAON_TYPE_Q8_0);
}

static const struct block_ops block_ops_avx512 = {
	.mr = BLOCK_MR, .copies = true, .kern = block_kernels, .interleave = interleave, .plain = plain,
};

void gemm_avx512_block(struct sim_matrix *mx, const struct sim_gemm *g)
{
	gemm_block_run(mx, g, &block_ops_avx512);
}

#endif
