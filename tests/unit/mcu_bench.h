/* SPDX-License-Identifier: MIT */
/* A core with 64 KiB of memory at 0x1000 and a few fake registers at 0x40000000. */
#ifndef GAON_TESTS_MCU_BENCH_H
#define GAON_TESTS_MCU_BENCH_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/sim/mcu/mcu.h"
#include "mcu_asm.h"

#define RAM		0x1000u
#define RAM_SIZE	0x10000u
#define HANDLER		(RAM + 0x8000u)
#define DATA		(RAM + 0xc000u)
#define MMIO		0x40000000u

struct bench {
	struct sim_mcu *mcu;
	struct sim_mcu_state s;		/* after the last run */
	uint8_t ram[RAM_SIZE];
	uint32_t at;			/* where code() writes next */
	uint32_t mmio[4];
	unsigned int reads, writes, last_len;
	uint32_t irq_on_write;		/* lines raised by any write to the registers */
	bool stop_on_write;
};

static inline bool bench_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value)
{
	struct bench *b = ctx;

	b->reads++;
	b->last_len = len;
	if (addr - MMIO >= sizeof(b->mmio))
		return false;
	*value = b->mmio[(addr - MMIO) / 4] >> (8 * (addr & 3));
	return true;
}

static inline bool bench_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value)
{
	struct bench *b = ctx;

	b->writes++;
	b->last_len = len;
	if (addr - MMIO >= sizeof(b->mmio))
		return false;
	b->mmio[(addr - MMIO) / 4] = value;
	if (b->irq_on_write)
		sim_mcu_set_irq(b->mcu, b->irq_on_write, true);
	if (b->stop_on_write)
		sim_mcu_stop(b->mcu);
	return true;
}

static inline struct bench *bench_create(void)
{
	const struct sim_mcu_ops ops = { .read = bench_read, .write = bench_write };
	struct bench *b = calloc(1, sizeof(*b));
	struct sim_mcu_region region = { .base = RAM, .size = RAM_SIZE, .data = b->ram };

	ck_assert_ptr_nonnull(b);
	b->mcu = sim_mcu_create(&region, 1, &ops, b);
	ck_assert_ptr_nonnull(b->mcu);
	sim_mcu_reset(b->mcu, RAM);
	return b;
}

static inline void bench_destroy(struct bench *b)
{
	sim_mcu_destroy(b->mcu);
	free(b);
}

static inline void poke(struct bench *b, uint32_t addr, uint32_t value)
{
	memcpy(b->ram + (addr - RAM), &value, 4);
}

static inline uint32_t peek(struct bench *b, uint32_t addr)
{
	uint32_t value;

	memcpy(&value, b->ram + (addr - RAM), 4);
	return value;
}

/* Appends an instruction; the first goes to RAM. */
static inline void code(struct bench *b, uint32_t word)
{
	poke(b, RAM + b->at, word);
	b->at += 4;
}

static inline void constant(struct bench *b, uint32_t reg, uint32_t value)
{
	code(b, ASM_LUI(reg, ASM_HI(value)));
	code(b, ASM_ADDI(reg, reg, ASM_LO(value)));
}

static inline enum sim_mcu_exit run(struct bench *b, uint64_t budget)
{
	enum sim_mcu_exit why = sim_mcu_run(b->mcu, budget);

	sim_mcu_get_state(b->mcu, &b->s);
	return why;
}

/* Runs exactly the code appended so far, straight ahead. */
static inline void run_code(struct bench *b)
{
	ck_assert_int_eq(run(b, b->at / 4), SIM_MCU_BUDGET);
	ck_assert_uint_eq(b->s.pc, RAM + b->at);
}

#endif
