// SPDX-License-Identifier: MIT
/*
 * AMX products of bf16 and i8.  A tile instruction takes 16 units of 4 bytes of K, which for bf16
 * is the architecture's chunk of 32 in its order; K is padded to whole chunks, as the
 * specification has it, so every tile is full and one configuration serves all products.
 * A test may define the tile operations itself (GAON_AMX_EMULATED) to run this file anywhere.
 */
#if defined(__x86_64__)

#include "gemm_avx512_pack.h"

#ifndef GAON_AMX_EMULATED
#define amx_configure(cfg)		_tile_loadconfig(cfg)
#define amx_release()			_tile_release()
#define amx_load(tile, base, stride)	_tile_loadd(tile, base, stride)
#define amx_store(tile, base, stride)	_tile_stored(tile, base, stride)
#define amx_dpbf16(c, a, b)		_tile_dpbf16ps(c, a, b)
#define amx_dpi8(c, a, b)		_tile_dpbssd(c, a, b)
#endif

#define AMX_MR		32
#define AMX_VW		16
#define TILE_ROWS	16
#define TILE_BYTES	64	/* of a row */
#define AMX_INLINE	static inline __attribute__((always_inline))

/* C is tiles 0..3, row by row; A is tiles 4 and 5, B tiles 6 and 7. */
struct amx_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

static const struct amx_config amx_config = {
	.palette = 1,
	.row_bytes = { [0 ... 7] = TILE_BYTES },
	.rows = { [0 ... 7] = TILE_ROWS },
};

typedef uint32_t amx_words[AMX_MR][2 * AMX_VW];

static __mmask16 column_mask(uint32_t n, uint32_t v)
{
	return n >= (v + 1) * AMX_VW ? 0xffff : n > v * AMX_VW ? (1u << (n - v * AMX_VW)) - 1 : 0;
}

/* Elements of C that don't exist enter as zero. */
static void words_load(amx_words c, const struct gemm_tile *t)
{
	for (uint32_t r = 0; r < AMX_MR; r++)
		for (uint32_t v = 0; v < 2; v++) {
			__mmask16 mask = t->in && r < t->rows ? column_mask(t->n, v) : 0;
			const uint8_t *in = mask ? t->in + r * t->ldin + v * 64 : NULL;

			_mm512_storeu_si512(c[r] + v * AMX_VW, _mm512_maskz_loadu_epi32(mask, in));
		}
}

AMX_INLINE void words_store(amx_words c, const struct gemm_tile *t, const bool is_float)
{
	const __m512i nan = _mm512_set1_epi32(GEMM_F32_NAN);

	for (uint32_t r = 0; r < t->rows; r++)
		for (uint32_t v = 0; v < 2; v++) {
			__mmask16 mask = column_mask(t->n, v);
			__m512i x = _mm512_loadu_si512(c[r] + v * AMX_VW);
			__m512 f = _mm512_castsi512_ps(x);

			if (is_float)
				x = _mm512_mask_mov_epi32(x, _mm512_cmp_ps_mask(f, f, _CMP_UNORD_Q),
							  nan);
			if (mask)
				_mm512_mask_storeu_epi32(t->out + r * t->ldout + v * 64, mask, x);
		}
}

/* 32 rows: rows past the tile's last come from elsewhere in the packed rows, and go nowhere. */
AMX_INLINE void amx_multiply(const struct gemm_tile *t, const bool is_float, const bool tall,
			     const bool wide)
{
	const uint8_t *a0 = t->a, *a1 = t->a + TILE_ROWS * t->a_stride, *b = t->b;

	for (uint32_t ku = t->ku; ku; ku -= 16) {
		amx_load(4, a0, t->a_stride);
		amx_load(6, b, t->b_stride);
		if (is_float)
			amx_dpbf16(0, 4, 6);
		else
			amx_dpi8(0, 4, 6);
		if (wide) {
			amx_load(7, b + TILE_BYTES, t->b_stride);
			if (is_float)
				amx_dpbf16(1, 4, 7);
			else
				amx_dpi8(1, 4, 7);
		}
		if (tall) {
			amx_load(5, a1, t->a_stride);
			if (is_float)
				amx_dpbf16(2, 5, 6);
			else
				amx_dpi8(2, 5, 6);
		}
		if (tall && wide) {
			if (is_float)
				amx_dpbf16(3, 5, 7);
			else
				amx_dpi8(3, 5, 7);
		}
		a0 += TILE_BYTES;
		a1 += TILE_BYTES;
		b += 16 * t->b_stride;
	}
}

AMX_INLINE void amx_tile(const struct gemm_tile *t, const bool is_float)
{
	const size_t stride = 2 * TILE_BYTES;
	bool tall = t->rows > TILE_ROWS, wide = t->n > AMX_VW;
	amx_words c;

	words_load(c, t);
	amx_load(0, c[0], stride);
	amx_load(1, c[0] + AMX_VW, stride);
	amx_load(2, c[TILE_ROWS], stride);
	amx_load(3, c[TILE_ROWS] + AMX_VW, stride);
	if (tall && wide)
		amx_multiply(t, is_float, true, true);
	else if (tall)
		amx_multiply(t, is_float, true, false);
	else if (wide)
		amx_multiply(t, is_float, false, true);
	else
		amx_multiply(t, is_float, false, false);
	amx_store(0, c[0], stride);
	amx_store(1, c[0] + AMX_VW, stride);
	amx_store(2, c[TILE_ROWS], stride);
	amx_store(3, c[TILE_ROWS] + AMX_VW, stride);
	words_store(c, t, is_float);
}

static void kern_bf16(const struct gemm_tile *t)
{
	amx_tile(t, true);
}

static void kern_i8(const struct gemm_tile *t)
{
	amx_tile(t, false);
}

static gemm_kernel *const bf16_kernels[AMX_MR][2] = {
	[0 ... AMX_MR - 1] = { kern_bf16, kern_bf16 },
};
static gemm_kernel *const i8_kernels[AMX_MR][2] = {
	[0 ... AMX_MR - 1] = { kern_i8, kern_i8 },
};

/* A unit of two bf16, as they are. */
PACK_INLINE void widen_half(uint32_t *dst, const uint8_t *src, uint32_t n)
{
	pack_widen_bytes(dst, src, n * 2);
}

PACK_INLINE void unit_half(uint32_t *dst, const uint8_t *src, size_t ld, uint32_t lanes,
			   uint32_t have)
{
	__m512i unit = _mm512_setzero_si512();

	for (uint32_t i = 0; i < have; i++) {
		__m512i row = _mm512_cvtepu16_epi32(
			_mm256_maskz_loadu_epi16(pack_mask(lanes), src + i * ld));

		unit = _mm512_or_si512(unit, _mm512_sll_epi32(row, _mm_cvtsi32_si128(i * 16)));
	}
	_mm512_storeu_si512(dst, unit);
}

PACK_DEFINE_OPS(bf16, 32, 2, 2, true, widen_half, unit_half)
PACK_DEFINE_OPS(i8, 64, 1, 4, true, pack_widen_bytes, unit_quad)

static const struct gemm_ops gemm_amx_bf16 = {
	.mr = AMX_MR, .vw = AMX_VW, .esize = 2, .k_unit = 2, .k_align = 32,
	.mc = 384, .kc = 1024, .nc = 512,
	.a_rows = a_rows_bf16, .a_cols = a_cols_bf16,
	.b_rows = b_rows_bf16, .b_cols = b_cols_bf16, .kern = bf16_kernels,
};

static const struct gemm_ops gemm_amx_i8 = {
	.mr = AMX_MR, .vw = AMX_VW, .esize = 1, .k_unit = 4, .k_align = 64,
	.mc = 384, .kc = 2048, .nc = 512,
	.a_rows = a_rows_i8, .a_cols = a_cols_i8,
	.b_rows = b_rows_i8, .b_cols = b_cols_i8, .kern = i8_kernels,
};

void gemm_amx_run_bf16(struct sim_matrix *mx, const struct sim_gemm *g)
{
	amx_configure(&amx_config);
	gemm_blocked_run(mx, g, &gemm_amx_bf16);
	amx_release();
}

void gemm_amx_run_i8(struct sim_matrix *mx, const struct sim_gemm *g)
{
	amx_configure(&amx_config);
	gemm_blocked_run(mx, g, &gemm_amx_i8);
	amx_release();
}

#endif
