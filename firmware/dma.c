// SPDX-License-Identifier: MIT
/* The DMA engine: synchronous, at most 64 KiB at a time, which no caller exceeds. */
#include "fw.h"

static bool transfer(uint64_t pa, uintptr_t sram, uint32_t len, uint32_t direction)
{
	reg_write64(GAON_MCU_DMA_PA_LO, pa);
	reg_write(GAON_MCU_DMA_SRAM, (uint32_t)sram);
	reg_write(GAON_MCU_DMA_LEN, len);
	/* The engine reads and writes SRAM: the compiler must not keep it in registers. */
	__asm__ volatile("fence" ::: "memory");
	reg_write(GAON_MCU_DMA_CTRL, direction);
	__asm__ volatile("fence" ::: "memory");
	return reg_read(GAON_MCU_DMA_STATUS) == 0;
}

bool dma_read(uint64_t pa, void *sram, uint32_t len)
{
	return transfer(pa, (uintptr_t)sram, len, GAON_MCU_DMA_READ);
}

bool dma_write(uint64_t pa, const void *sram, uint32_t len)
{
	return transfer(pa, (uintptr_t)sram, len, GAON_MCU_DMA_WRITE);
}
