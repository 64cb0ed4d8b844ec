// SPDX-License-Identifier: MIT
/*
 * The AMX product on tiles in memory, from the instructions' definitions, so that packing and
 * indexing are tested on hosts without AMX.  bf16 arithmetic is the oracle's.
 */
#if defined(__x86_64__)

#include <string.h>

#include "matrix_oracle.h"

struct amx_config;
static uint8_t amx_tiles[8][16][64];

static void amx_load_tile(int tile, const void *base, size_t stride)
{
	for (int r = 0; r < 16; r++)
		memcpy(amx_tiles[tile][r], (const uint8_t *)base + r * stride, 64);
}

static void amx_store_tile(int tile, void *base, size_t stride)
{
	for (int r = 0; r < 16; r++)
		memcpy((uint8_t *)base + r * stride, amx_tiles[tile][r], 64);
}

static uint32_t tile_word(int tile, int row, int word)
{
	uint32_t v;

	memcpy(&v, &amx_tiles[tile][row][word * 4], 4);
	return v;
}

static void amx_dpbf16_tile(int c, int a, int b)
{
	for (int m = 0; m < 16; m++)
		for (int n = 0; n < 16; n++) {
			uint32_t even = 0, odd = 0, sum;

			for (int k = 0; k < 16; k++) {
				uint32_t x = tile_word(a, m, k), y = tile_word(b, k, n);

				even = oracle_fma(x << 16, y << 16, even, true);
				odd = oracle_fma(x & 0xffff0000, y & 0xffff0000, odd, true);
			}
			sum = oracle_fma(even, 0x3f800000, odd, true);
			sum = oracle_fma(sum, 0x3f800000, tile_word(c, m, n), true);
			memcpy(&amx_tiles[c][m][n * 4], &sum, 4);
		}
}

static void amx_dpi8_tile(int c, int a, int b)
{
	for (int m = 0; m < 16; m++)
		for (int n = 0; n < 16; n++) {
			uint32_t sum = tile_word(c, m, n);

			for (int k = 0; k < 16; k++)
				for (int i = 0; i < 4; i++)
					sum += (uint32_t)((int8_t)amx_tiles[a][m][k * 4 + i] *
							  (int8_t)amx_tiles[b][k][n * 4 + i]);
			memcpy(&amx_tiles[c][m][n * 4], &sum, 4);
		}
}

/* Start from what no product should see. */
static void amx_configure_tiles(const struct amx_config *config)
{
	(void)config;
	memset(amx_tiles, 0x55, sizeof(amx_tiles));
}

#define GAON_AMX_EMULATED
#define amx_configure(cfg)		amx_configure_tiles(cfg)
#define amx_release()			amx_configure_tiles(NULL)
#define amx_load(tile, base, stride)	amx_load_tile(tile, base, stride)
#define amx_store(tile, base, stride)	amx_store_tile(tile, base, stride)
#define amx_dpbf16(c, a, b)		amx_dpbf16_tile(c, a, b)
#define amx_dpi8(c, a, b)		amx_dpi8_tile(c, a, b)
#define gemm_amx_run_bf16		emulated_run_bf16
#define gemm_amx_run_i8			emulated_run_i8
#include "../../tools/sim/matrix/gemm_amx.c"

extern const struct matrix_path matrix_path_amx_emulated;

static void emulated_f32(struct sim_matrix *mx, const struct sim_gemm *g)
{
	matrix_path_avx512.f32(mx, g);
}

static void emulated_f16(struct sim_matrix *mx, const struct sim_gemm *g)
{
	matrix_path_avx512.f16(mx, g);
}

const struct matrix_path matrix_path_amx_emulated = {
	.name = "amx-emulated",
	.available = gemm_host_has_avx512,
	.bf16_host_ftz = true,
	.f32 = emulated_f32,
	.f16 = emulated_f16,
	.bf16 = emulated_run_bf16,
	.i8 = emulated_run_i8,
	.block = gemm_avx512_block,
	.to_f16 = gemm_avx512_to_f16,
	.to_bf16 = gemm_avx512_to_bf16,
};

#endif
