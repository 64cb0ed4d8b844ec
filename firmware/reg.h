/* SPDX-License-Identifier: MIT */
/* Access to the registers of include/hw/gaon_mcu.h. */
#ifndef GAON_FW_REG_H
#define GAON_FW_REG_H

#include <stdint.h>

#include <hw/gaon_mcu.h>

static inline uint32_t reg_read(uint32_t offset)
{
	return *(volatile uint32_t *)(GAON_MCU_REGS + offset);
}

static inline void reg_write(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(GAON_MCU_REGS + offset) = value;
}

/* @offset is the _LO register; it goes first, as latching registers want it. */
static inline uint64_t reg_read64(uint32_t offset)
{
	uint32_t low = reg_read(offset);

	return (uint64_t)reg_read(offset + 4) << 32 | low;
}

static inline void reg_write64(uint32_t offset, uint64_t value)
{
	reg_write(offset, (uint32_t)value);
	reg_write(offset + 4, (uint32_t)(value >> 32));
}

#endif
