/* SPDX-License-Identifier: MIT */
/*
 * Xgaon: the custom instructions of a GA1 core, their descriptors, element types and CSRs.
 * Specification: Documentation/hw/xgaon.rst, numerics.rst.
 */
#ifndef GAON_HW_XGAON_H
#define GAON_HW_XGAON_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/* --- element types ------------------------------------------------------------------------ */
#define GAON_TYPE_NONE		0x00
#define GAON_TYPE_F32		0x10
#define GAON_TYPE_F16		0x11
#define GAON_TYPE_BF16		0x12
#define GAON_TYPE_I8		0x20
#define GAON_TYPE_I32		0x22
/* Blocks of 32 values along K. */
#define GAON_TYPE_Q4_0		0x40	/* {f16 d; u8 qs[16]}, GGUF's bytes: 18 */
#define GAON_TYPE_Q4_1		0x41	/* {f16 d; f16 m; u8 qs[16]}: 20 */
#define GAON_TYPE_Q8_0		0x42	/* {f16 d; i8 qs[32]}: 34 */
#define GAON_TYPE_Q8A		0x43	/* activations: {f32 d; f32 s; i8 qs[32]}, s = d * sum(qs): 40 */
/*
 * Row-interleaved by 16: for each group of 16 rows of B and each block along K, in this order:
 * d of rows 0..15, m of rows 0..15 (Q4_1), then for each chunk of 4 bytes of qs, rows 0..15.
 * Rows beyond N in the last group are present and zero.
 */
#define GAON_TYPE_ROWS16	0x80
#define GAON_TYPE_Q4_0_R16	(GAON_TYPE_Q4_0 | GAON_TYPE_ROWS16)
#define GAON_TYPE_Q4_1_R16	(GAON_TYPE_Q4_1 | GAON_TYPE_ROWS16)
#define GAON_TYPE_Q8_0_R16	(GAON_TYPE_Q8_0 | GAON_TYPE_ROWS16)

#define GAON_BLOCK_K		32
#define GAON_ROWS_GROUP		16

/* --- instructions ------------------------------------------------------------------------- */
#define GAON_OPC_CUSTOM0	0x0b
#define GAON_OPC_CUSTOM1	0x2b	/* reserved: illegal instruction */
/* custom-0, R-type, funct7 0 unless said otherwise, rd must be x0 except for gaon.poll */
#define GAON_F3_GEMM		0	/* rs1: descriptor address, rs2: matrix array 0 or 1 */
#define GAON_F3_DMA		1	/* rs1: descriptor address, rs2: DMA channel 0 or 1 */
#define GAON_F3_WAIT		2	/* rs1: engine (GAON_ENGINE_*), rs2: most operations left in flight */
#define GAON_F3_FENCE		3	/* rs1, rs2 x0: engines drained, all effects visible to the core */
#define GAON_F3_BARRIER		4	/* rs1, rs2 x0: all workgroups of a co-resident launch */
#define GAON_F3_SEM		5	/* rs2 semaphore; funct7 0, post: rs1 workgroup; 1, wait: rs1 count */
#define GAON_F3_POLL		6	/* rd: operations in flight on engine rs1; rs2 x0 */
#define GAON_F7_SEM_POST	0
#define GAON_F7_SEM_WAIT	1

#define GAON_ENGINE_DMA0	0
#define GAON_ENGINE_DMA1	1
#define GAON_ENGINE_MATRIX0	2
#define GAON_ENGINE_MATRIX1	3
#define GAON_ENGINES		4
#define GAON_ENGINE_DEPTH	16	/* operations in flight per engine; a further one stalls the core */
#define GAON_SEMAPHORES		16	/* per workgroup of a gang */

/* --- CSRs, read-only from U mode ---------------------------------------------------------- */
#define GAON_CSR_WG_X		0xcc0
#define GAON_CSR_WG_Y		0xcc1
#define GAON_CSR_WG_Z		0xcc2
#define GAON_CSR_GRID_X		0xcc3
#define GAON_CSR_GRID_Y		0xcc4
#define GAON_CSR_GRID_Z		0xcc5
#define GAON_CSR_WG_LINEAR	0xcc6	/* x + grid_x * (y + grid_y * z) */
#define GAON_CSR_CORE		0xcc7	/* index of the core that runs this */
#define GAON_CSR_CORES		0xcc8
#define GAON_CSR_CYCLE		0xcc9	/* core-local modelled cycles since the workgroup started */
#define GAON_CSR_SPM_BASE	0xcca	/* first byte of the workgroup's scratchpad */
#define GAON_CSR_SPM_SIZE	0xccb	/* bytes that the launch asked for */
#define GAON_CSR_PRINT_VA	0xccc	/* the context's print ring, 0 if it has none */
#define GAON_CSR_LAUNCH_ID	0xccd	/* queue << 32 | low 32 bits of the packet's read index */
#define GAON_CSR_LAUNCH_TAG	0xcce	/* the launch packet's tag */
#define GAON_CSR_FIRST		GAON_CSR_WG_X
#define GAON_CSR_LAST		GAON_CSR_LAUNCH_TAG

/* --- gemm descriptor ---------------------------------------------------------------------- */
#define GAON_GEMM_MAX		4096		/* M, N, K */
#define GAON_GEMM_ACCUMULATE	(1u << 0)	/* C is read first; else it starts from +0 */
#define GAON_GEMM_TRANS_A	(1u << 1)	/* A stored K x M; not with block types */
#define GAON_GEMM_TRANS_B	(1u << 2)	/* B stored N x K; must be set with block types */
#define GAON_GEMM_CONVERT	(1u << 3)	/* result to D as type_d; C not written */
#define GAON_GEMM_B_MEMORY	(1u << 4)	/* B lies in memory; block types only */
#define GAON_GEMM_FLAGS		0x1fu

/*
 * Natural alignment, 8 bytes. Operands are addresses inside the scratchpad window, but for B with
 * B_MEMORY, which the array reads as a DMA load would.
 * Types: C is F32 for float and block operands, I32 for I8 x I8.
 * D (CONVERT only): F32, F16 or BF16 from F32; I32 from I32.
 * A: F32, F16, BF16, I8 with B of the same type; Q8A with B Q4_0, Q4_1, Q8_0 or their _R16.
 */
struct gaon_gemm_desc {
	uint8_t type_a, type_b, type_c, type_d;
	uint32_t flags;
	uint32_t m, n, k;
	uint32_t reserved0;
	uint64_t a, b, c, d;
	uint32_t lda, ldb, ldc, ldd;	/* bytes between stored rows (_R16: between groups of 16) */
	uint64_t reserved1[5];
};						/* 112 bytes */

/* --- DMA descriptor ----------------------------------------------------------------------- */
#define GAON_DMA_STRIDED	0
#define GAON_DMA_GATHER		1	/* outermost dimension indexed: mem_va + index[i] * mem_stride[2] */
#define GAON_DMA_FROM_SPM	(1u << 0)	/* scratchpad to memory; else memory to scratchpad */
#define GAON_DMA_INDEX64	(1u << 1)	/* indices are u64, else u32 */
#define GAON_DMA_FLAGS		0x3u

/*
 * for (i2 < count[2]) for (i1 < count[1]) for (i0 < count[0])
 *	copy `bytes` between mem_va + sum(i*mem_stride) and spm + sum(i*spm_stride)
 * Dimension 0 of the four is the run of `bytes` itself. Counts are at least 1. Overlapping writes
 * within one descriptor land in an unspecified order. With GATHER, dimension 2 of memory is
 * indexed: index_va holds count[2] indices in memory or scratchpad; FROM_SPM makes it a scatter.
 */
struct gaon_dma_desc {
	uint8_t type;
	uint8_t reserved0[3];
	uint32_t flags;
	uint64_t mem_va;
	uint64_t spm_va;
	uint64_t index_va;
	uint32_t bytes;
	uint32_t count[3];
	int64_t mem_stride[3];
	int64_t spm_stride[3];
};						/* 96 bytes */

/* --- execution environment ---------------------------------------------------------------- */
#define GAON_VA_SPM		0x7f0000000000ull	/* scratchpad window; private to each core */
#define GAON_VA_SPM_LIMIT	0x7f0100000000ull
#define GAON_EXIT_PC		0xfffffffffffff000ull	/* ra at entry: a jump here ends the workgroup */
/*
 * At entry: a0 = args_va, ra = GAON_EXIT_PC, sp = GAON_VA_SPM + scratchpad size of the device (the
 * stack grows down from the top of the scratchpad for stack_bytes), other registers 0.  Scratchpad
 * between spm_bytes and the stack is a guard: any access faults with SPM_BOUNDS.
 */

#endif
