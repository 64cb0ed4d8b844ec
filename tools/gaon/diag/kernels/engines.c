// SPDX-License-Identifier: MIT
/* DMA channels and matrix arrays of each core, to be right and to be fast. */
#include <gaon/device.h>

#include "../diag_args.h"

#define ROW		64u
#define ROWS		(DIAG_DMA_BYTES / ROW)

struct dma_spm {
	uint8_t data[DIAG_DMA_BYTES];
};

static void back(const struct diag_dma_args *args, uint64_t channel, uint64_t way, const uint8_t *spm)
{
	uint64_t slot = (gaon_core() * args->channels + channel) * 3 + way;

	gaon_wait(GAON_ENGINE_DMA0 + channel, 0);
	gaon_dma_store(channel, (uint8_t *)args->out + slot * DIAG_DMA_BYTES, spm, DIAG_DMA_BYTES);
	gaon_wait(GAON_ENGINE_DMA0 + channel, 0);
}

GAON_KERNEL(diag_dma, struct diag_dma_args, GAON_SPM(struct dma_spm), GAON_STACK(8192))
{
	uint8_t *spm = gaon_spm_static(struct dma_spm)->data;
	const uint8_t *in = (const uint8_t *)args->in;

	for (uint64_t channel = 0; channel < args->channels; channel++) {
		gaon_dma_load(channel, spm, in, DIAG_DMA_BYTES);
		back(args, channel, 0, spm);
		gaon_dma_load_2d(channel, spm + DIAG_DMA_BYTES - ROW, -(int64_t)ROW, in, ROW, ROW, ROWS);
		back(args, channel, 1, spm);
		gaon_dma_gather(channel, spm, ROW, in, ROW, ROW, (const uint32_t *)args->index, ROWS);
		back(args, channel, 2, spm);
	}
}

GAON_KERNEL(diag_dma_speed, struct diag_dma_speed_args, GAON_SPM(struct dma_spm[2]), GAON_STACK(8192))
{
	const uint8_t *from = (const uint8_t *)args->base + gaon_core() * args->channels * args->bytes;
	uint8_t *spm = gaon_spm(uint8_t, 0);

	if (gaon_core() >= args->cores)
		return;
	/* Long ones, so that the core can keep up; rows land on each other. */
	for (uint64_t at = 0; at < args->bytes; at += DIAG_DMA_PIECE) {
		for (uint64_t channel = 0; channel < args->channels; channel++) {
			gaon_wait(GAON_ENGINE_DMA0 + channel, 12);
			gaon_dma_load_2d(channel, spm + channel % 2 * DIAG_DMA_BYTES, 0,
					 from + channel * args->bytes + at, DIAG_DMA_BYTES, DIAG_DMA_BYTES,
					 DIAG_DMA_PIECE / DIAG_DMA_BYTES);
		}
	}
	gaon_fence();
}

/* Scratchpad: A, B, and a C for each array. */
GAON_KERNEL(diag_matrix, struct diag_matrix_args, GAON_STACK(8192))
{
	const uint32_t dim = args->dim, a_bytes = dim * args->a_row, c_bytes = dim * dim * 4;
	uint8_t *a = gaon_spm(uint8_t, 0), *b = a + a_bytes, *c = b + args->b_bytes;
	uint8_t *out = (uint8_t *)args->c + (uint64_t)gaon_core() * args->arrays * c_bytes;
	struct gaon_gemm_desc g = {
		.type_a = args->type_a, .type_b = args->type_b, .type_c = args->type_c,
		.flags = GAON_GEMM_TRANS_B, .m = dim, .n = dim, .k = args->k,
		.a = (uintptr_t)a, .b = (uintptr_t)b, .lda = args->a_row, .ldb = args->b_row, .ldc = dim * 4,
	};

	gaon_dma_load(0, a, (const void *)args->a, a_bytes);
	gaon_dma_load(0, b, (const void *)args->b, args->b_bytes);
	gaon_wait(GAON_ENGINE_DMA0, 0);
	for (uint32_t i = 0; i < args->repeat; i++) {
		for (uint32_t array = 0; array < args->arrays; array++) {
			g.c = (uintptr_t)(c + array * c_bytes);
			gaon_gemm(&g, array);
		}
	}
	for (uint32_t array = 0; array < args->arrays; array++)
		gaon_wait(GAON_ENGINE_MATRIX0 + array, 0);
	gaon_dma_store(0, out, c, args->arrays * c_bytes);
	gaon_fence();
}

GAON_KERNEL(diag_spin, struct diag_spin_args, GAON_STACK(8192))
{
	uint64_t *result = (uint64_t *)args->result + 2 * gaon_core();
	uint64_t begun = gaon_cycles(), x = gaon_core();

	if (args->core != UINT64_MAX && args->core != gaon_core())
		return;
	for (uint64_t i = 0; i < args->rounds; i++) {
		x += i;
		__asm__ volatile("" : "+r"(x));
	}
	result[0] = gaon_cycles() - begun;
	result[1] = x;
}
