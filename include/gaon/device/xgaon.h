/* SPDX-License-Identifier: MIT */
/*
 * The custom instructions: DMA, the matrix unit, waiting, barriers and semaphores.
 *
 * gaon_dma_*() and gaon_gemm() start an operation and return.  An operation sees what its core
 * stored before the call; the core, and any other operation, may touch its operands again only
 * after gaon_wait() on its engine, or gaon_fence().  Descriptors are copied by the call.
 */
#ifndef GAON_DEVICE_XGAON_H
#define GAON_DEVICE_XGAON_H

#include <stdint.h>

#include <hw/gaon_xgaon.h>

#include <gaon/device/core.h>

#ifdef __riscv

#define GAON_INSN_(f3, f7, rs1, rs2)							\
	__asm__ volatile(".insn r %0, %1, %2, x0, %3, %4" : :				\
			 "i"(GAON_OPC_CUSTOM0), "i"(f3), "i"(f7), "r"(rs1), "r"(rs2) : "memory")

/* Start the transfer that @desc describes on channel 0 or 1. */
GAON_INLINE void gaon_dma(const struct gaon_dma_desc *desc, uint64_t channel)
{
	GAON_INSN_(GAON_F3_DMA, 0, desc, channel);
}

/* Start the product that @desc describes on matrix array 0 or 1. */
GAON_INLINE void gaon_gemm(const struct gaon_gemm_desc *desc, uint64_t array)
{
	GAON_INSN_(GAON_F3_GEMM, 0, desc, array);
}

/* Until at most @left operations of @engine (GAON_ENGINE_*) are unfinished; they finish in order. */
GAON_INLINE void gaon_wait(uint64_t engine, uint64_t left)
{
	GAON_INSN_(GAON_F3_WAIT, 0, engine, left);
}

/* Until every engine of the core is idle and all effects are visible to it. */
GAON_INLINE void gaon_fence(void)
{
	__asm__ volatile(".insn r %0, %1, 0, x0, x0, x0" : :
			 "i"(GAON_OPC_CUSTOM0), "i"(GAON_F3_FENCE) : "memory");
}

/* Operations of @engine that are unfinished; a hint, for a wait use gaon_wait(). */
GAON_INLINE uint64_t gaon_poll(uint64_t engine)
{
	uint64_t count;

	__asm__ volatile(".insn r %1, %2, 0, %0, %3, x0" : "=r"(count) :
			 "i"(GAON_OPC_CUSTOM0), "i"(GAON_F3_POLL), "r"(engine) : "memory");
	return count;
}

/*
 * All workgroups of a cooperative launch meet here; what each stored to HBM before is seen by all
 * after.  DMA that must be seen has to be waited for first.
 */
GAON_INLINE void gaon_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__asm__ volatile(".insn r %0, %1, 0, x0, x0, x0" : :
			 "i"(GAON_OPC_CUSTOM0), "i"(GAON_F3_BARRIER) : "memory");
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Semaphores of a cooperative launch: @workgroup by linear id, @semaphore below GAON_SEMAPHORES. */
GAON_INLINE void gaon_sem_post(uint64_t workgroup, uint64_t semaphore)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	GAON_INSN_(GAON_F3_SEM, GAON_F7_SEM_POST, workgroup, semaphore);
}

/* Take @count from this workgroup's @semaphore, waiting until it holds that many. */
GAON_INLINE void gaon_sem_wait(uint64_t count, uint64_t semaphore)
{
	GAON_INSN_(GAON_F3_SEM, GAON_F7_SEM_WAIT, count, semaphore);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#else /* the host: a transfer is a copy, done at once */

GAON_INLINE uint64_t gaon_native_index(const struct gaon_dma_desc *d, uint64_t i)
{
	if (d->type != GAON_DMA_GATHER)
		return i;
	return d->flags & GAON_DMA_INDEX64 ? ((const uint64_t *)d->index_va)[i] :
					     ((const uint32_t *)d->index_va)[i];
}

static inline __attribute__((unused))
void gaon_dma(const struct gaon_dma_desc *d, uint64_t channel)
{
	(void)channel;
	for (uint32_t i2 = 0; i2 < d->count[2]; i2++)
		for (uint32_t i1 = 0; i1 < d->count[1]; i1++)
			for (uint32_t i0 = 0; i0 < d->count[0]; i0++) {
				int64_t i[3] = { i0, i1, (int64_t)gaon_native_index(d, i2) };
				char *mem = (char *)d->mem_va, *spm = (char *)d->spm_va;

				for (int n = 0; n < 3; n++) {
					mem += i[n] * d->mem_stride[n];
					spm += (n < 2 ? i[n] : (int64_t)i2) * d->spm_stride[n];
				}
				if (d->flags & GAON_DMA_FROM_SPM)
					__builtin_memcpy(mem, spm, d->bytes);
				else
					__builtin_memcpy(spm, mem, d->bytes);
			}
}

GAON_INLINE void gaon_wait(uint64_t engine, uint64_t left) { (void)engine; (void)left; }
GAON_INLINE void gaon_fence(void) { }
GAON_INLINE uint64_t gaon_poll(uint64_t engine) { (void)engine; return 0; }

#endif

/* --- descriptors in one call ----------------------------------------------------------------- */

/* @rows runs of @bytes, memory @mem_stride and scratchpad @spm_stride bytes from one to the next. */
GAON_INLINE void gaon_dma_load_2d(uint64_t channel, void *spm, int64_t spm_stride, const void *mem,
				  int64_t mem_stride, uint32_t bytes, uint32_t rows)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED,
		.mem_va = (uintptr_t)mem, .spm_va = (uintptr_t)spm,
		.bytes = bytes, .count = { rows, 1, 1 },
		.mem_stride = { mem_stride, 0, 0 }, .spm_stride = { spm_stride, 0, 0 },
	};

	gaon_dma(&d, channel);
}

GAON_INLINE void gaon_dma_store_2d(uint64_t channel, void *mem, int64_t mem_stride, const void *spm,
				   int64_t spm_stride, uint32_t bytes, uint32_t rows)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_STRIDED, .flags = GAON_DMA_FROM_SPM,
		.mem_va = (uintptr_t)mem, .spm_va = (uintptr_t)spm,
		.bytes = bytes, .count = { rows, 1, 1 },
		.mem_stride = { mem_stride, 0, 0 }, .spm_stride = { spm_stride, 0, 0 },
	};

	gaon_dma(&d, channel);
}

GAON_INLINE void gaon_dma_load(uint64_t channel, void *spm, const void *mem, uint32_t bytes)
{
	gaon_dma_load_2d(channel, spm, 0, mem, 0, bytes, 1);
}

GAON_INLINE void gaon_dma_store(uint64_t channel, void *mem, const void *spm, uint32_t bytes)
{
	gaon_dma_store_2d(channel, mem, 0, spm, 0, bytes, 1);
}

/* Rows index[0..rows) of a table whose rows are @mem_stride apart, to rows @spm_stride apart. */
GAON_INLINE void gaon_dma_gather(uint64_t channel, void *spm, int64_t spm_stride, const void *mem,
				 int64_t mem_stride, uint32_t bytes, const uint32_t *index,
				 uint32_t rows)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_GATHER,
		.mem_va = (uintptr_t)mem, .spm_va = (uintptr_t)spm, .index_va = (uintptr_t)index,
		.bytes = bytes, .count = { 1, 1, rows },
		.mem_stride = { 0, 0, mem_stride }, .spm_stride = { 0, 0, spm_stride },
	};

	gaon_dma(&d, channel);
}

/* The reverse: row i of the scratchpad to row index[i] of the table. Indices should differ. */
GAON_INLINE void gaon_dma_scatter(uint64_t channel, void *mem, int64_t mem_stride, const void *spm,
				  int64_t spm_stride, uint32_t bytes, const uint32_t *index,
				  uint32_t rows)
{
	struct gaon_dma_desc d = {
		.type = GAON_DMA_GATHER, .flags = GAON_DMA_FROM_SPM,
		.mem_va = (uintptr_t)mem, .spm_va = (uintptr_t)spm, .index_va = (uintptr_t)index,
		.bytes = bytes, .count = { 1, 1, rows },
		.mem_stride = { 0, 0, mem_stride }, .spm_stride = { 0, 0, spm_stride },
	};

	gaon_dma(&d, channel);
}

#endif
