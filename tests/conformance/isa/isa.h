/* SPDX-License-Identifier: MIT */
/*
 * Random scalar programs: generated here, run by an independent emulator and by our hart.
 */
#ifndef GAON_TESTS_ISA_H
#define GAON_TESTS_ISA_H

#include <stddef.h>
#include <stdint.h>

#define ISA_CODE	0x100000u	/* code, up to ISA_CODE_SIZE */
#define ISA_CODE_SIZE	0x80000u
#define ISA_POOL	0x200800u	/* operands, read only by convention; x29 points at its middle */
#define ISA_POOL_MID	0x201000u
#define ISA_POOL_SLOTS	512u
#define ISA_PATCHES	16u		/* of them, at the end: instruction words for patched code */
#define ISA_SCRATCH	0x210000u	/* what stores and atomics work on; x30 is its middle */
#define ISA_SCRATCH_MID	0x211000u
#define ISA_LOG		0x212000u	/* results, in order; x27 points behind the last */
#define ISA_LOG_SIZE	0x20000u
#define ISA_DUMP_SIZE	(ISA_LOG + ISA_LOG_SIZE - ISA_SCRATCH)
#define ISA_DATA	0x200000u
#define ISA_DATA_SIZE	(ISA_SCRATCH + 0x2000u - ISA_DATA)
#define ISA_RECORDS	8192

/* Which instruction wrote which bytes of the log. */
struct isa_record {
	uint32_t offset, word, pc;
};

struct isa_program {
	uint64_t seed, rng;
	uint8_t code[ISA_CODE_SIZE];
	uint32_t size;
	uint8_t data[ISA_DATA_SIZE];
	uint32_t log;
	unsigned int records, patches;
	struct isa_record record[ISA_RECORDS];
};

uint64_t isa_random(struct isa_program *p);
/* An operand as likely as not to be at an edge: of integers, of formats, of NaN boxing. */
uint64_t isa_operand(struct isa_program *p);
/* Fill @p with a program of about @groups tested instructions; every instruction occurs. */
void isa_generate(struct isa_program *p, uint64_t seed, unsigned int groups);

#endif
