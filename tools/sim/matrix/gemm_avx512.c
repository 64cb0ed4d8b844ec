// SPDX-License-Identifier: MIT
/*
 * AVX-512 kernels of the float types.  f16 is widened when packed and then is f32; bf16 runs its
 * even and odd chains side by side, under the host's FTZ and DAZ.
 */
#if defined(__x86_64__)

#include "gemm_avx512_pack.h"
#include "gemm_avx512_tile.h"

#define F32_MR		14
#define PREFETCH_UNITS	12	/* how far ahead of B's panel */
#define BF16_MR		7

KERNEL __m512 f32_canonical_vec(__m512 v)
{
	const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(GEMM_F32_NAN));

	return _mm512_mask_mov_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), nan);
}

/* NaN are rare: one compare for two vectors finds whether there is any. */
KERNEL void tile_store(__m512 acc[][2], const struct gemm_tile *t, const __mmask16 mask[2],
		       const uint32_t mr, const uint32_t nv)
{
	unsigned int nans = 0;

	for (uint32_t r = 0; r < mr; r++)
		nans |= _mm512_cmp_ps_mask(acc[r][0], acc[r][nv - 1], _CMP_UNORD_Q);
	if (__builtin_expect(nans != 0, 0))
		for (uint32_t r = 0; r < mr; r++)
			for (uint32_t v = 0; v < nv; v++)
				acc[r][v] = f32_canonical_vec(acc[r][v]);
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			_mm512_mask_storeu_ps(t->out + r * t->ldout + v * 64, mask[v], acc[r][v]);
}

KERNEL void tile_load(__m512 acc[][2], const struct gemm_tile *t, const __mmask16 mask[2],
		      const uint32_t mr, const uint32_t nv)
{
	for (uint32_t r = 0; r < mr; r++)
		for (uint32_t v = 0; v < nv; v++)
			acc[r][v] = t->in ? _mm512_maskz_loadu_ps(mask[v], t->in + r * t->ldin +
								  v * 64) : _mm512_setzero_ps();
}

KERNEL void b_prefetch(const uint8_t *b, const uint32_t nv)
{
	for (uint32_t v = 0; v < nv; v++)
		_mm_prefetch((const char *)b + v * 64, _MM_HINT_T0);
}

/* The next line of what is copied beside the product; @k units of K are left. */
KERNEL void tile_copy_line(const struct gemm_copy *c, const uint8_t **src, uint8_t **dst, uint32_t k)
{
	const uint32_t i = k / 4 % GEMM_COPY_LINES;

	_mm_prefetch((const char *)*src + c->ahead, _MM_HINT_T1);
	_mm512_storeu_si512(*dst, _mm512_loadu_si512(*src));
	*src += c->src_step[i];
	*dst += c->dst_step[i];
}

KERNEL void tile_f32_step(__m512 acc[][2], const struct a_rows *a, size_t at, const uint8_t *b,
			  const __mmask16 mask[2], const uint32_t mr, const uint32_t nv)
{
	__m512 bv[2];

	for (uint32_t v = 0; v < nv; v++)
		bv[v] = _mm512_maskz_loadu_ps(mask[v], b + v * 64);
	for (uint32_t r = 0; r < mr; r++) {
		__m512 av = _mm512_set1_ps(load_f32(a_row(a, r) + at));

		for (uint32_t v = 0; v < nv; v++)
			acc[r][v] = _mm512_fmadd_ps(av, bv[v], acc[r][v]);
	}
}

KERNEL void tile_f32(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b, *src = t->copy.src;
	uint8_t *dst = t->copy.dst;
	const size_t b_stride = t->b_stride;
	__mmask16 mask[2];
	__m512 acc[F32_MR][2];
	uint32_t k = t->ku;

	tile_masks(mask, t->n);
	tile_load(acc, t, mask, mr, nv);
	tile_prefetch_next(t, mr, nv);
	for (; k >= 4; k -= 4) {
		tile_copy_line(&t->copy, &src, &dst, k);
		for (uint32_t i = 0; i < 4; i++) {
			b_prefetch(b + PREFETCH_UNITS * b_stride, nv);
			tile_f32_step(acc, &a, i * 4, b, mask, mr, nv);
			b += b_stride;
		}
		a_rows_advance(&a, 16, mr);
	}
	for (; k; k--) {
		tile_f32_step(acc, &a, 0, b, mask, mr, nv);
		a_rows_advance(&a, 4, mr);
		b += b_stride;
	}
	tile_store(acc, t, mask, mr, nv);
}

/* Adds one k to the even or odd sums. */
KERNEL void tile_bf16_step(__m512 sum[][2], const struct a_rows *a, size_t at, const uint8_t *b,
			   const uint32_t mr, const uint32_t nv)
{
	__m512 bv[2];

	b_prefetch(b + PREFETCH_UNITS * nv * 64, nv);
	for (uint32_t v = 0; v < nv; v++)
		bv[v] = _mm512_loadu_ps(b + v * 64);
	for (uint32_t r = 0; r < mr; r++) {
		__m512 av = _mm512_set1_ps(load_f32(a_row(a, r) + at));

		for (uint32_t v = 0; v < nv; v++)
			sum[r][v] = _mm512_fmadd_ps(av, bv[v], sum[r][v]);
	}
}

KERNEL void tile_bf16(const struct gemm_tile *t, const uint32_t mr, const uint32_t nv)
{
	struct a_rows a = a_rows_begin(t->a, t->a_stride, mr);
	const uint8_t *b = t->b, *in = t->in, *src = t->copy.src;
	uint8_t *dst = t->copy.dst;
	size_t ldin = t->ldin;
	__mmask16 mask[2];

	tile_masks(mask, t->n);
	for (uint32_t ku = t->ku; ku; ku -= 32) {
		__m512 even[BF16_MR][2], odd[BF16_MR][2];

		for (uint32_t r = 0; r < mr; r++)
			for (uint32_t v = 0; v < nv; v++)
				even[r][v] = odd[r][v] = _mm512_setzero_ps();
		for (uint32_t i = 0; i < 8; i++) {
			tile_copy_line(&t->copy, &src, &dst, ku - 4 * i);
			tile_bf16_step(even, &a, 0, b, mr, nv);
			tile_bf16_step(odd, &a, 4, b + nv * 64, mr, nv);
			tile_bf16_step(even, &a, 8, b + 2 * nv * 64, mr, nv);
			tile_bf16_step(odd, &a, 12, b + 3 * nv * 64, mr, nv);
			b += 4 * nv * 64;
			a_rows_advance(&a, 16, mr);
		}
		for (uint32_t r = 0; r < mr; r++)
			for (uint32_t v = 0; v < nv; v++) {
				__m512 c = _mm512_setzero_ps();

				if (in)
					c = _mm512_maskz_loadu_ps(mask[v], in + r * ldin + v * 64);
				c = _mm512_add_ps(c, _mm512_add_ps(even[r][v], odd[r][v]));
				/* A NaN stays one until the end, whatever its payload is. */
				if (ku == 32)
					c = f32_canonical_vec(c);
				_mm512_mask_storeu_ps(t->out + r * t->ldout + v * 64, mask[v], c);
			}
		in = t->out;
		ldin = t->ldout;
	}
}

DEFINE_KERNELS_14(f32)
DEFINE_KERNELS_7(bf16)

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

const struct gemm_ops gemm_avx512_f32 = {
	.mr = F32_MR, .vw = VW, .esize = 4, .k_unit = 1, .k_align = 1,
	.mc = 512, .kc = 384, .nc = 512, .copies = true, .a_direct = true, .b_direct = true,
	.a_rows = a_rows_f32, .a_cols = a_cols_f32,
	.b_rows = b_rows_f32, .b_cols = b_cols_f32, .kern = f32_kernels,
};

const struct gemm_ops gemm_avx512_f16 = {
	.mr = F32_MR, .vw = VW, .esize = 2, .k_unit = 1, .k_align = 1,
	.mc = 512, .kc = 384, .nc = 512, .copies = true,
	.a_rows = a_rows_f16, .a_cols = a_cols_f16,
	.b_rows = b_rows_f16, .b_cols = b_cols_f16, .kern = f32_kernels,
};

const struct gemm_ops gemm_avx512_bf16 = {
	.mr = BF16_MR, .vw = VW, .esize = 2, .k_unit = 1, .k_align = 32,
	.mc = 448, .kc = 384, .nc = 512, .copies = true,
	.a_rows = a_rows_bf16, .a_cols = a_cols_bf16,
	.b_rows = b_rows_bf16, .b_cols = b_cols_bf16, .kern = bf16_kernels,
};

void gemm_avx512_to_f16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	uint32_t i = 0;

	for (; i + VW <= n; i += VW)
		_mm256_storeu_si256((void *)(dst + i * 2),
				    _mm512_cvtps_ph(_mm512_loadu_ps(src + i * 4),
						    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	gemm_portable_to_f16(dst + i * 2, src + i * 4, n - i);
}

void gemm_avx512_to_bf16(uint8_t *dst, const uint8_t *src, uint32_t n)
{
	const __m512i half = _mm512_set1_epi32(0x7fff), one = _mm512_set1_epi32(1);
	uint32_t i = 0;

	for (; i + VW <= n; i += VW) {
		__m512i v = _mm512_loadu_si512(src + i * 4);
		__m512i odd = _mm512_and_si512(_mm512_srli_epi32(v, 16), one);

		v = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(v, half), odd), 16);
		_mm256_storeu_si256((void *)(dst + i * 2), _mm512_cvtepi32_epi16(v));
	}
	gemm_portable_to_bf16(dst + i * 2, src + i * 4, n - i);
}

#endif
