/* SPDX-License-Identifier: MIT */
/* What the unit-stride and the element-wise memory instructions share. */
#ifndef GAON_SIM_VECTOR_MEM_H
#define GAON_SIM_VECTOR_MEM_H

#include "vector.h"

enum vec_mop {
	VEC_MOP_UNIT,
	VEC_MOP_INDEXED_UNORDERED,
	VEC_MOP_STRIDED,
	VEC_MOP_INDEXED_ORDERED,
};

#define VEC_LUMOP_PLAIN		0x00
#define VEC_LUMOP_WHOLE		0x08
#define VEC_LUMOP_MASK		0x0b
#define VEC_LUMOP_FIRST		0x10

#define VEC_OPCODE_LOAD		0x07

static inline bool vec_is_load(uint32_t insn)
{
	return (insn & 0x7f) == VEC_OPCODE_LOAD;
}

static inline unsigned int vec_nf(uint32_t insn)
{
	return (insn >> 29) + 1;
}

static inline enum vec_mop vec_mop(uint32_t insn)
{
	return insn >> 26 & 3;
}

/* log2 of the bytes that the width field names: 0, 5, 6, 7 are 8, 16, 32, 64 bits. */
static inline unsigned int vec_width(uint32_t insn)
{
	return vec_funct3(insn) & 3;
}

/*
 * Ends a memory instruction that faulted at element @elem; @va is the failing address.  What only
 * a scalar access can reach (the bare runner's tohost) is an access fault here.
 */
enum sim_op_status vec_mem_fault(struct sim_hart *hart, uint64_t va, enum sim_access access,
				 uint32_t elem);

/*
 * One element through the scalar path, after sim_hart_host() said no: good if the memory has no host
 * address but is memory all the same; else false with hart->fault as the vector unit wants it.
 */
bool vec_remote_element(struct sim_hart *hart, uint64_t va, uint8_t *reg, unsigned int bytes,
			enum sim_access access);

/* The registers of @nf fields: the groups are aligned, in the file and clear of v0 if masked. */
bool vec_fields_ok(uint32_t insn, unsigned int nf, int emul);

/* Element-wise transfer of whatever the instruction names; see vector_memelem.c. */
enum sim_op_status vec_transfer(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
				unsigned int sew, int emul);

#endif
