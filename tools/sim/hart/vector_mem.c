// SPDX-License-Identifier: MIT
/*
 * Vector loads and stores: decoding, contiguous transfers (unit-stride, whole registers, masks),
 * fault-only-first.  Everything that goes element by element is in vector_memelem.c.
 */
#include "exec.h"
#include "vector_mem.h"

#include <string.h>

enum sim_op_status vec_mem_fault(struct sim_hart *hart, uint64_t va, enum sim_access access,
				 uint32_t elem)
{
	hart->fault.tval = va;
	if (hart->fault.cause == SIM_CAUSE_CUSTOM && hart->fault.syndrome == SIM_MMIO) {
		hart->fault.cause = access == SIM_ACCESS_LOAD ? SIM_CAUSE_LOAD_ACCESS :
								SIM_CAUSE_STORE_ACCESS;
		hart->fault.syndrome = 0;
	}
	hart->vstart = elem;
	return SIM_OP_FAULT;
}

bool vec_remote_element(struct sim_hart *hart, uint64_t va, uint8_t *reg, unsigned int bytes,
			enum sim_access access)
{
	uint64_t value = 0;

	if (!sim_memory_is_remote(hart))
		return false;
	if (access == SIM_ACCESS_LOAD) {
		if (sim_memory_load(hart, va, bytes, &value) != SIM_OP_OK)
			return false;
		memcpy(reg, &value, bytes);
		return true;
	}
	memcpy(&value, reg, bytes);
	return sim_memory_store(hart, va, bytes, value) == SIM_OP_OK;
}

bool vec_fields_ok(uint32_t insn, unsigned int nf, int emul)
{
	unsigned int regs = vec_regs(emul), vd = vec_vd(insn);

	/* Aligned groups reach v0 only by starting there; a store reads v0 with two sizes then. */
	return nf * regs <= 8 && vec_aligned(vd, regs) && vd + nf * regs <= 32 && vec_dest_ok(insn);
}

static inline void copy(uint8_t *reg, uint8_t *host, size_t n, bool load)
{
	if (load)
		memcpy(reg, host, n);
	else
		memcpy(host, reg, n);
}

/*
 * Elements @start to @n-1 of 1 << @sew bytes at register memory @reg from or to @base, a page at a
 * time.  An element that straddles two pages is transferred when both have been translated.
 */
static inline enum sim_op_status contiguous(struct sim_hart *hart, uint8_t *reg, uint64_t base,
					    uint32_t start, uint32_t n, unsigned int sew,
					    bool load)
{
	enum sim_access access = load ? SIM_ACCESS_LOAD : SIM_ACCESS_STORE;
	size_t at = (size_t)start << sew, end = (size_t)n << sew, part;

	while (at < end) {
		uint64_t va = base + at;
		size_t chunk = SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1));
		uint8_t *host = sim_hart_host(hart, va, access);

		if (!host) {
			if (!vec_remote_element(hart, va, reg + at, 1u << sew, access))
				return vec_mem_fault(hart, va, access, (uint32_t)(at >> sew));
			at += 1u << sew;
			continue;
		}
		if (chunk >= end - at) {
			copy(reg + at, host, end - at, load);
			return SIM_OP_OK;
		}
		part = (at + chunk) & ((1u << sew) - 1);
		if (part && !sim_hart_host(hart, va + chunk, access)) {
			if (chunk > part)
				copy(reg + at, host, chunk - part, load);
			at += chunk - part;
			if (!vec_remote_element(hart, base + at, reg + at, 1u << sew, access))
				return vec_mem_fault(hart, va + chunk, access, (uint32_t)(at >> sew));
			at += 1u << sew;
			continue;
		}
		copy(reg + at, host, chunk, load);
		at += chunk;
	}
	return SIM_OP_OK;
}

/* EMUL of a memory operand of width @width, log2; false if it is not 1/8 to 8. */
static inline bool memory_emul(const struct vec_state *s, unsigned int width, int *emul)
{
	*emul = (int)width - (int)s->sew + s->lmul;
	return *emul >= -3 && *emul <= 3;
}

static inline enum sim_op_status unit(struct sim_hart *hart, uint32_t insn, unsigned int width,
				      bool load)
{
	enum sim_op_status status;
	struct vec_state s;
	int emul;

	if (!vec_begin(hart, &s) || !memory_emul(&s, width, &emul) ||
	    !vec_fields_ok(insn, vec_nf(insn), emul))
		return SIM_OP_ILLEGAL;
	if (__builtin_expect(vec_unmasked(insn) && vec_nf(insn) == 1, 1))
		status = contiguous(hart, vec_reg(hart, vec_vd(insn)), hart->x[vec_rs1(insn)],
				    s.start, s.n, width, load);
	else
		status = vec_transfer(hart, insn, &s, width, emul);
	if (status)
		return status;
	vec_cost_memory(hart, (uint64_t)s.n * vec_nf(insn) << width);
	return vec_done(hart);
}

#define UNIT(BITS, WIDTH)									\
static enum sim_op_status load_##BITS(struct sim_hart *hart, uint32_t insn)			\
{												\
	return unit(hart, insn, WIDTH, true);							\
}												\
static enum sim_op_status store_##BITS(struct sim_hart *hart, uint32_t insn)			\
{												\
	return unit(hart, insn, WIDTH, false);							\
}
UNIT(8, 0) UNIT(16, 1) UNIT(32, 2) UNIT(64, 3)

static enum sim_op_status strided(struct sim_hart *hart, uint32_t insn)
{
	enum sim_op_status status;
	struct vec_state s;
	int emul;

	if (!vec_begin(hart, &s) || !memory_emul(&s, vec_width(insn), &emul) ||
	    !vec_fields_ok(insn, vec_nf(insn), emul))
		return SIM_OP_ILLEGAL;
	status = vec_transfer(hart, insn, &s, vec_width(insn), emul);
	if (status)
		return status;
	vec_cost_accesses(hart, (uint64_t)s.n * vec_nf(insn));
	return vec_done(hart);
}

enum sim_op_status vec_fault_first(struct sim_hart *hart, uint32_t insn)
{
	enum sim_op_status status;
	struct vec_state s;
	int emul;

	if (!vec_begin(hart, &s) || !memory_emul(&s, vec_width(insn), &emul) ||
	    !vec_fields_ok(insn, vec_nf(insn), emul))
		return SIM_OP_ILLEGAL;
	if (vec_unmasked(insn) && vec_nf(insn) == 1)
		status = contiguous(hart, vec_reg(hart, vec_vd(insn)), hart->x[vec_rs1(insn)],
				    s.start, s.n, vec_width(insn), true);
	else
		status = vec_transfer(hart, insn, &s, vec_width(insn), emul);
	if (status == SIM_OP_FAULT && hart->vstart)
		hart->vl = hart->vstart;
	else if (status)
		return status;
	vec_cost_memory(hart, (uint64_t)s.n * vec_nf(insn) << vec_width(insn));
	return vec_done(hart);
}

/* Whole registers: vtype and vl do not matter, not even vill. */
static enum sim_op_status whole(struct sim_hart *hart, uint32_t insn)
{
	unsigned int nf = vec_nf(insn), width = vec_width(insn);
	uint32_t n = nf * hart->vlenb >> width;
	enum sim_op_status status;

	if (hart->vs_off || !vec_aligned(vec_vd(insn), nf))
		return SIM_OP_ILLEGAL;
	status = contiguous(hart, vec_reg(hart, vec_vd(insn)), hart->x[vec_rs1(insn)],
			    hart->vstart, n, width, vec_is_load(insn));
	if (status)
		return status;
	vec_cost_memory(hart, (uint64_t)nf * hart->vlenb);
	return vec_done(hart);
}

/* vlm, vsm: ceil(vl / 8) bytes of one register */
static enum sim_op_status mask_bytes(struct sim_hart *hart, uint32_t insn)
{
	enum sim_op_status status;
	struct vec_state s;
	uint32_t n;

	if (!vec_begin(hart, &s))
		return SIM_OP_ILLEGAL;
	n = (s.n + 7) / 8;
	status = contiguous(hart, vec_reg(hart, vec_vd(insn)), hart->x[vec_rs1(insn)], s.start, n,
			    0, vec_is_load(insn));
	if (status)
		return status;
	vec_cost_memory(hart, n);
	return vec_done(hart);
}

/* --- decoding ------------------------------------------------------------------------------------ */

static sim_vector_fn decode_unit(uint32_t insn)
{
	static const sim_vector_fn loads[4] = { load_8, load_16, load_32, load_64 };
	static const sim_vector_fn stores[4] = { store_8, store_16, store_32, store_64 };
	bool load = vec_is_load(insn), unmasked = vec_unmasked(insn);
	unsigned int nf = vec_nf(insn);

	switch (vec_rs2(insn)) {
	case VEC_LUMOP_PLAIN:
		return (load ? loads : stores)[vec_width(insn)];
	case VEC_LUMOP_WHOLE:
		if (!unmasked || nf & (nf - 1) || (!load && vec_width(insn)))
			return NULL;
		return whole;
	case VEC_LUMOP_MASK:
		return unmasked && nf == 1 && !vec_width(insn) ? mask_bytes : NULL;
	case VEC_LUMOP_FIRST:
		return load ? vec_fault_first : NULL;
	default:
		return NULL;
	}
}

sim_vector_fn vec_decode_memory(uint32_t insn)
{
	unsigned int width = vec_funct3(insn);

	/* Widths 1 to 4 are scalar floating-point accesses; bit 28 (mew) is reserved. */
	if ((width >= 1 && width <= 4) || insn >> 28 & 1)
		return NULL;
	switch (vec_mop(insn)) {
	case VEC_MOP_UNIT:
		return decode_unit(insn);
	case VEC_MOP_STRIDED:
		return strided;
	default:
		return vec_indexed;
	}
}
