// SPDX-License-Identifier: MIT
/* Vector loads and stores element by element: strided, indexed, segments, masks. */
#include "vector_mem.h"

#include <string.h>

/* How the address of segment i is found. */
struct addressing {
	uint64_t base, stride;
	const uint8_t *index;		/* NULL: base + i * stride */
	unsigned int index_sew;
};

static inline uint64_t read_index(const uint8_t *p, unsigned int sew, uint32_t i)
{
	uint64_t v = 0;

	switch (sew) {
	case 0:
		return p[i];
	case 1:
		memcpy(&v, p + 2 * (size_t)i, 2);
		return v;
	case 2:
		memcpy(&v, p + 4 * (size_t)i, 4);
		return v;
	default:
		memcpy(&v, p + 8 * (size_t)i, 8);
		return v;
	}
}

static inline uint64_t segment_address(const struct addressing *how, uint32_t i)
{
	if (how->index)
		return how->base + read_index(how->index, how->index_sew, i);
	return how->base + i * how->stride;
}

/* An element across two pages: both are translated before a byte moves.  0, or the bad address. */
static __attribute__((noinline)) bool straddle(struct sim_hart *hart, uint64_t va, uint8_t *reg,
					       unsigned int bytes, enum sim_access access,
					       uint64_t *bad)
{
	unsigned int first = (unsigned int)(SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1)));
	uint8_t *lo, *hi;

	*bad = va;
	lo = sim_hart_host(hart, va, access);
	if (!lo)
		return vec_remote_element(hart, va, reg, bytes, access);
	*bad = va + first;
	hi = sim_hart_host(hart, va + first, access);
	if (!hi)
		return vec_remote_element(hart, va, reg, bytes, access);
	if (access == SIM_ACCESS_LOAD) {
		memcpy(reg, lo, first);
		memcpy(reg + first, hi, bytes - first);
	} else {
		memcpy(lo, reg, first);
		memcpy(hi, reg + first, bytes - first);
	}
	return true;
}

/* The page of the last access: consecutive elements are mostly in one. */
struct page {
	uint64_t number;
	uint8_t *host;
};

static inline __attribute__((always_inline))
bool element(struct sim_hart *hart, struct page *page, uint64_t va, uint8_t *reg,
	     unsigned int bytes, enum sim_access access, uint64_t *bad)
{
	uint64_t at = va & (SIM_PAGE_SIZE - 1);

	if (__builtin_expect(at + bytes > SIM_PAGE_SIZE, 0))
		return straddle(hart, va, reg, bytes, access, bad);
	if (__builtin_expect(va >> SIM_PAGE_SHIFT != page->number, 0)) {
		uint8_t *host = sim_hart_host(hart, va, access);

		if (!host) {
			*bad = va;
			return vec_remote_element(hart, va, reg, bytes, access);
		}
		page->number = va >> SIM_PAGE_SHIFT;
		page->host = host - at;
	}
	if (access == SIM_ACCESS_LOAD)
		memcpy(reg, page->host + at, bytes);
	else
		memcpy(page->host + at, reg, bytes);
	return true;
}

/*
 * Everything that the loop needs is in locals: it stores through bytes, which the compiler must
 * take for a change of anything in memory.
 */
static inline __attribute__((always_inline))
enum sim_op_status segments(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			    const struct addressing *addressing, unsigned int sew,
			    size_t field_bytes, enum sim_access access)
{
	const struct addressing how = *addressing;
	uint8_t *reg = vec_reg(hart, vec_vd(insn));
	const uint8_t *mask = vec_unmasked(insn) ? NULL : hart->v;
	struct page page = { .number = SIM_TLB_INVALID };
	unsigned int nf = vec_nf(insn);
	uint32_t n = s->n;
	uint64_t bad;

	for (uint32_t i = s->start; i < n; i++) {
		uint8_t *at = reg + ((size_t)i << sew);
		uint64_t va;

		if (mask && !(mask[i / 8] >> (i % 8) & 1))
			continue;
		va = segment_address(&how, i);
		for (unsigned int f = nf;;) {
			if (!element(hart, &page, va, at, 1u << sew, access, &bad))
				return vec_mem_fault(hart, bad, access, i);
			if (!--f)
				break;
			va += 1u << sew;
			at += field_bytes;
		}
	}
	return SIM_OP_OK;
}

#define TRANSFER(NAME, ACCESS)									\
static enum sim_op_status NAME(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,	\
			       const struct addressing *how, unsigned int sew,			\
			       size_t field_bytes)						\
{												\
	switch (sew) {										\
	case 0: return segments(hart, insn, s, how, 0, field_bytes, ACCESS);			\
	case 1: return segments(hart, insn, s, how, 1, field_bytes, ACCESS);			\
	case 2: return segments(hart, insn, s, how, 2, field_bytes, ACCESS);			\
	default: return segments(hart, insn, s, how, 3, field_bytes, ACCESS);			\
	}											\
}
TRANSFER(load_segments, SIM_ACCESS_LOAD)
TRANSFER(store_segments, SIM_ACCESS_STORE)

static enum sim_op_status transfer(struct sim_hart *hart, uint32_t insn,
				   const struct vec_state *s, const struct addressing *how,
				   unsigned int sew, int emul)
{
	size_t field_bytes = (size_t)vec_regs(emul) * hart->vlenb;

	return (vec_is_load(insn) ? load_segments : store_segments)(hart, insn, s, how, sew,
								    field_bytes);
}

enum sim_op_status vec_transfer(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
				unsigned int sew, int emul)
{
	struct addressing how = {
		.base = hart->x[vec_rs1(insn)],
		.stride = vec_mop(insn) == VEC_MOP_STRIDED ? hart->x[vec_rs2(insn)] :
							     (uint64_t)vec_nf(insn) << sew,
	};

	return transfer(hart, insn, s, &how, sew, emul);
}

/* Data of SEW, indices of the width field in vs2. */
enum sim_op_status vec_indexed(struct sim_hart *hart, uint32_t insn)
{
	unsigned int nf = vec_nf(insn), vd = vec_vd(insn), vs2 = vec_rs2(insn);
	unsigned int width = vec_width(insn), index_regs;
	enum sim_op_status status;
	struct addressing how;
	struct vec_state s;
	bool apart;
	int emul;

	if (!vec_begin(hart, &s) || !vec_fields_ok(insn, nf, s.lmul))
		return SIM_OP_ILLEGAL;
	emul = (int)width - (int)s.sew + s.lmul;
	if (emul < -3 || emul > 3 || !vec_aligned(vs2, vec_regs(emul)) ||
	    !vec_source_ok(insn, vs2))
		return SIM_OP_ILLEGAL;
	index_regs = vec_regs(emul);
	apart = vec_disjoint(vd, nf * s.regs, vs2, index_regs);
	if (vec_is_load(insn)) {
		if (nf > 1 ? !apart : !vec_overlap_ok(vd, s.sew, s.lmul, vs2, width, emul))
			return SIM_OP_ILLEGAL;
	} else if (!apart && s.sew != width) {
		return SIM_OP_ILLEGAL;
	}
	how = (struct addressing) {
		.base = hart->x[vec_rs1(insn)], .index = vec_reg(hart, vs2), .index_sew = width,
	};
	status = transfer(hart, insn, &s, &how, s.sew, s.lmul);
	if (status)
		return status;
	vec_cost_accesses(hart, (uint64_t)s.n * nf);
	return vec_done(hart);
}
