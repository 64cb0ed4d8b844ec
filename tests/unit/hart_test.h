/* SPDX-License-Identifier: MIT */
/*
 * A hart with a little memory, for unit tests.
 */
#ifndef GAON_TESTS_HART_TEST_H
#define GAON_TESTS_HART_TEST_H

#include <check.h>
#include <stdlib.h>

#include "hart/hart.h"

#define RAM_PAGES	16
#define RAM_SIZE	(RAM_PAGES * 4096)
#define CODE		0x1000u
#define DATA		0x8000u
#define EXIT_PC		0xdead0000u

struct world {
	struct sim_hart *hart;
	uint8_t ram[RAM_SIZE];
	uint32_t no_fetch, no_load, no_store, no_amo;	/* bit per page */
	uint32_t mmio;
	unsigned int walks, customs, traps;
	enum sim_op_status answer;	/* of custom, ecall and mmio */
	bool handle_traps;
};

struct world *world_create(const struct sim_hart_costs *costs);
void world_destroy(struct world *w);
/* Put words at @at and point pc there. */
void world_code(struct world *w, uint64_t at, const uint32_t *words, size_t count);
#define CODE_AT(w, at, ...)									\
	world_code(w, at, (const uint32_t[]){ __VA_ARGS__ },					\
		   sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

uint32_t i_type(uint32_t base, unsigned int rd, unsigned int rs1, int32_t imm);
uint32_t r_type(uint32_t base, unsigned int rd, unsigned int rs1, unsigned int rs2);
uint32_t s_type(uint32_t base, unsigned int rs1, unsigned int rs2, int32_t imm);
uint32_t b_type(uint32_t base, unsigned int rs1, unsigned int rs2, int32_t imm);
uint32_t j_type(unsigned int rd, int32_t imm);

#define ADDI	0x00000013u
#define LD	0x00003003u
#define LW	0x00002003u
#define SD	0x00003023u
#define SW	0x00002023u
#define BNE	0x00001063u
#define JALR	0x00000067u
#define NOP	0x00000013u
#define RET	0x00008067u
#define FENCE_I	0x0000100fu
#define EBREAK	0x00100073u
#define ECALL	0x00000073u
#define CUSTOM0	0x0000000bu

#endif
