// SPDX-License-Identifier: MIT
/* AVX2 kernels of the float types, built as the AVX-512 ones are. */
#if defined(__x86_64__)

#include "gemm_avx2_pack.h"
#include "gemm_avx2_tile.h"

#define F32_MR		6
#define BF16_MR		3
#define PREFETCH_UNITS	12

KERNEL __m256 f32_canonical_vec(__m256 v)
{
	const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(GEMM_F32_NAN));

	return _mm256_blendv_ps(v, nan, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

/* Whole vectors, or as many lanes as @mask says; the mask is only looked at in a part tile. */
KERNEL __m256 part_load(const uint8_t *p, const struct tile_part *part, const uint32_t v)
{
	if (part->whole)
		return _mm256_loadu_ps((const float *)(p + v * 32));
	return _mm256_maskload_ps((const float *)(p + v * 32), part->mask[v]);
}

KERNEL void part_store(uint8_t *p, const struct tile_part *part, const uint32_t v, __m256 x)
{
	if (part->whole)
		_mm256_storeu_ps((float *)(p + v * 32), x);
	else
		_mm256_maskstore_ps((float *)(p + v * 32), part->mask[v], x);
}

KERNEL void tile_load(__m256 acc[][2], const struct gemm_tile *t, const struct tile_part *part,
		      const uint32_t mr, const uint32_t nv)
{
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			acc[r][v] = t->in ? part_load(t->in + r * t->ldin, part, v) :
					    _mm256_setzero_ps();
}

/* One k for every row: sum += a * b. */
KERNEL void tile_step(__m256 sum[][2], const struct a_rows *a, size_t at, const __m256 b[2],
		      const uint32_t mr, const uint32_t nv)
{
	for (uint32_t r = 0; r < mr; r++) {
		__m256 av = _mm256_set1_ps(load_f32(a_row(a, r) + at));

		for (uint32_t v = 0; v < nv; v++)
			sum[r][v] = _mm256_fmadd_ps(av, b[v], sum[r][v]);
	}
}

KERNEL void tile_f32_loop(__m256 acc[][2], const struct gemm_tile *t, const struct tile_part *part,
			  const uint32_t mr, const uint32_t nv)
{
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b;
	const size_t b_stride = t->b_stride;
	__m256 bv[2];
	uint32_t k = t->ku;

	for (; k >= 4; k -= 4) {
		for (uint32_t i = 0; i < 4; i++) {
			for (uint32_t v = 0; v < nv; v++)
				bv[v] = part_load(b, part, v);
			_mm_prefetch((const char *)b + PREFETCH_UNITS * b_stride, _MM_HINT_T0);
			tile_step(acc, &a, i * 4, bv, mr, nv);
			b += b_stride;
		}
		a_rows_advance(&a, 16, mr);
	}
	for (; k; k--) {
		for (uint32_t v = 0; v < nv; v++)
			bv[v] = part_load(b, part, v);
		tile_step(acc, &a, 0, bv, mr, nv);
		a_rows_advance(&a, 4, mr);
		b += b_stride;
	}
}

KERNEL void tile_f32(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct tile_part part = tile_part_of(t, nv), all = { .whole = true };
	__m256 acc[F32_MR][2];

	tile_load(acc, t, &part, mr, nv);
	tile_prefetch_next(t, mr, nv);
	/* A panel of B is whole whatever C is; B in place ends where C does. */
	if (part.whole || !t->b_in_place)
		tile_f32_loop(acc, t, &all, mr, nv);
	else
		tile_f32_loop(acc, t, &(struct tile_part){ .mask = { part.mask[0], part.mask[1] } },
			      mr, nv);
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			part_store(t->out + r * t->ldout, &part, v, f32_canonical_vec(acc[r][v]));
}

KERNEL void tile_bf16(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct tile_part part = tile_part_of(t, nv);
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b, *in = t->in;
	size_t ldin = t->ldin;

	for (uint32_t ku = t->ku; ku; ku -= 32) {
		__m256 sum[2][BF16_MR][2];

		for (uint32_t r = 0; r < mr; r++)
			for (uint32_t v = 0; v < nv; v++)
				sum[0][r][v] = sum[1][r][v] = _mm256_setzero_ps();
		for (uint32_t i = 0; i < 8; i++) {
			for (uint32_t p = 0; p < 4; p++) {
				__m256 bv[2];

				for (uint32_t v = 0; v < nv; v++)
					bv[v] = _mm256_loadu_ps((const float *)(b + v * 32));
				_mm_prefetch((const char *)b + PREFETCH_UNITS * nv * 32,
					     _MM_HINT_T0);
				tile_step(sum[p & 1], &a, p * 4, bv, mr, nv);
				b += nv * 32;
			}
			a_rows_advance(&a, 16, mr);
		}
		for (uint32_t r = 0; r < mr; r++)
			for (uint32_t v = 0; v < nv; v++) {
				__m256 c = _mm256_setzero_ps();

				if (in)
					c = part_load(in + r * ldin, &part, v);
				c = _mm256_add_ps(c, _mm256_add_ps(sum[0][r][v], sum[1][r][v]));
				part_store(t->out + r * t->ldout, &part, v, f32_canonical_vec(c));
			}
		in = t->out;
		ldin = t->ldout;
	}
}

DEFINE_KERNELS_6(f32)
DEFINE_KERNELS_3(bf16)

#define DEFINE_PACKERS(type, esize, in_place)						\
	PACK_INLINE void unit_##type(uint32_t *dst, const uint8_t *src, size_t ld,	\
				     uint32_t lanes, uint32_t have)			\
	{										\
		(void)ld;								\
		pack_widen_##type(dst, src, have ? lanes : 0);				\
	}										\
	PACK_DEFINE_OPS(type, VW, esize, 1, in_place, pack_widen_##type, unit_##type)

DEFINE_PACKERS(f32, 4, true)
DEFINE_PACKERS(f16, 2, false)
DEFINE_PACKERS(bf16, 2, false)

const struct gemm_ops gemm_avx2_f32 = {
	.mr = F32_MR, .vw = VW, .esize = 4, .k_unit = 1, .k_align = 1,
	.mc = 384, .kc = 384, .nc = 512, .a_direct = true, .b_direct = true,
	.a_rows = a_rows_f32, .a_cols = a_cols_f32,
	.b_rows = b_rows_f32, .b_cols = b_cols_f32, .kern = f32_kernels,
};

const struct gemm_ops gemm_avx2_f16 = {
	.mr = F32_MR, .vw = VW, .esize = 2, .k_unit = 1, .k_align = 1,
	.mc = 384, .kc = 384, .nc = 512,
	.a_rows = a_rows_f16, .a_cols = a_cols_f16,
	.b_rows = b_rows_f16, .b_cols = b_cols_f16, .kern = f32_kernels,
};

const struct gemm_ops gemm_avx2_bf16 = {
	.mr = BF16_MR, .vw = VW, .esize = 2, .k_unit = 1, .k_align = 32,
	.mc = 384, .kc = 384, .nc = 512,
	.a_rows = a_rows_bf16, .a_cols = a_cols_bf16,
	.b_rows = b_rows_bf16, .b_cols = b_cols_bf16, .kern = bf16_kernels,
};

void gemm_avx2_to_f16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	uint32_t i = 0;

	for (; i + VW <= n; i += VW)
		_mm_storeu_si128((void *)(dst + i * 2),
				 _mm256_cvtps_ph(_mm256_loadu_ps((const float *)(src + i * 4)),
						 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	gemm_portable_to_f16(dst + i * 2, src + i * 4, n - i);
}

void gemm_avx2_to_bf16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	const __m256i half = _mm256_set1_epi32(0x7fff), one = _mm256_set1_epi32(1);
	uint32_t i = 0;

	for (; i + VW <= n; i += VW) {
		__m256i v = _mm256_loadu_si256((const void *)(src + i * 4));
		__m256i odd = _mm256_and_si256(_mm256_srli_epi32(v, 16), one);

		v = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(v, half), odd), 16);
		v = _mm256_permute4x64_epi64(_mm256_packus_epi32(v, v), 0x08);
		_mm_storeu_si128((void *)(dst + i * 2), _mm256_castsi256_si128(v));
	}
	gemm_portable_to_bf16(dst + i * 2, src + i * 4, n - i);
}

#endif
