// SPDX-License-Identifier: MIT
/* Mask instructions: logical, vcpop, vfirst, vmsbf, vmsif, vmsof, viota, vid. */
#include "vector_apply.h"
#include "vector_mask.h"

static uint8_t logical(unsigned int op, uint8_t a, uint8_t b)
{
	switch (op) {
	case VEC_MANDN:	return a & (uint8_t)~b;
	case VEC_MAND:	return a & b;
	case VEC_MOR:	return a | b;
	case VEC_MXOR:	return a ^ b;
	case VEC_MORN:	return a | (uint8_t)~b;
	case VEC_MNAND:	return (uint8_t)~(a & b);
	case VEC_MNOR:	return (uint8_t)~(a | b);
	default:	return (uint8_t)~(a ^ b);
	}
}

/* vmand.mm, ...: never masked */
enum sim_op_status vec_mask_logic(struct sim_hart *hart, uint32_t insn)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn)), *b = vec_reg(hart, vec_rs1(insn));
	unsigned int op = vec_entry_of(insn)->op;
	uint8_t *d = vec_reg(hart, vec_vd(insn));
	struct vec_state s;

	if (!vec_unmasked(insn) || !vec_begin(hart, &s))
		return SIM_OP_ILLEGAL;
	for (uint32_t i = s.start / 8; i * 8 < s.n; i++) {
		unsigned int keep = 0;

		if (i * 8 < s.start)
			keep |= (1u << (s.start - i * 8)) - 1;
		if (s.n - i * 8 < 8)
			keep |= 0xffu << (s.n - i * 8);
		d[i] = (uint8_t)((d[i] & keep) | (logical(op, a[i], b[i]) & ~keep));
	}
	vec_cost(hart, s.n, 1);
	return vec_done(hart);
}

/* The source mask and-ed with v0 if masked, as 64-bit words; bits from vl on are 0. */
static size_t active_words(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			   uint64_t *words)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	size_t n = (s->n + 63) / 64;

	for (size_t i = 0; i < n; i++) {
		size_t bits = s->n - i * 64, bytes = bits < 64 ? (bits + 7) / 8 : 8;
		uint64_t m = UINT64_MAX;

		words[i] = 0;
		memcpy(&words[i], a + i * 8, bytes);
		if (!vec_unmasked(insn))
			memcpy(&m, hart->v + i * 8, bytes);
		if (bits < 64)
			m &= (1ull << bits) - 1;
		words[i] &= m;
	}
	return n;
}

/* vcpop.m */
bool vec_mask_count(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    uint64_t *result)
{
	uint64_t words[SIM_VLEN_MAX / 64], count = 0;
	size_t n;

	if (s->start)
		return false;
	n = active_words(hart, insn, s, words);
	for (size_t i = 0; i < n; i++)
		count += (uint64_t)__builtin_popcountll(words[i]);
	*result = count;
	return true;
}

/* vfirst.m */
bool vec_mask_first(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    uint64_t *result)
{
	uint64_t words[SIM_VLEN_MAX / 64];
	size_t n;

	if (s->start)
		return false;
	n = active_words(hart, insn, s, words);
	*result = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		if (words[i]) {
			*result = i * 64 + (uint64_t)__builtin_ctzll(words[i]);
			break;
		}
	}
	return true;
}

/* Bytes of 0 or 0xff around the first set and active bit. */
static void set_around_first(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			     unsigned int code, uint8_t *bytes)
{
	uint64_t first;
	size_t upto;

	vec_mask_first(hart, insn, s, &first);
	if (first == UINT64_MAX) {
		memset(bytes, code == VEC_CODE_VMSOF ? 0 : 0xff, s->n);
		return;
	}
	upto = first + (code != VEC_CODE_VMSBF);
	memset(bytes, code == VEC_CODE_VMSOF ? 0 : 0xff, upto);
	memset(bytes + upto, 0, s->n - upto);
	if (code == VEC_CODE_VMSOF)
		bytes[first] = 0xff;
}

static enum sim_op_status mask_set(struct sim_hart *hart, uint32_t insn,
				   const struct vec_state *s)
{
	uint8_t bytes[VEC_GROUP_MAX];

	if (s->start || vec_vd(insn) == vec_rs2(insn) || !vec_dest_ok(insn))
		return SIM_OP_ILLEGAL;
	set_around_first(hart, insn, s, vec_rs1(insn), bytes);
	vec_write_mask(hart, insn, s, bytes);
	vec_cost(hart, s->n, 1);
	return vec_done(hart);
}

static void store_number(uint8_t *p, unsigned int sew, size_t i, uint64_t v)
{
	memcpy(p + (i << sew), &v, 1u << sew);
}

static enum sim_op_status iota(struct sim_hart *hart, uint32_t insn, const struct vec_state *s)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	uint8_t result[VEC_GROUP_MAX], active[VEC_GROUP_MAX];
	uint64_t count = 0;

	if (s->start || !vec_aligned(vec_vd(insn), s->regs) || !vec_dest_ok(insn) ||
	    !vec_disjoint(vec_vd(insn), s->regs, vec_rs2(insn), 1))
		return SIM_OP_ILLEGAL;
	vec_active(hart, insn, s, active);
	for (uint32_t i = 0; i < s->n; i++) {
		store_number(result, s->sew, i, count);
		count += active[i] && (a[i / 8] >> (i % 8) & 1);
	}
	vec_write_active(hart, insn, s, s->sew, result);
	vec_cost_serial(hart, s);
	return vec_done(hart);
}

static enum sim_op_status element_ids(struct sim_hart *hart, uint32_t insn,
				      const struct vec_state *s)
{
	uint8_t result[VEC_GROUP_MAX];

	if (vec_rs2(insn) || !vec_aligned(vec_vd(insn), s->regs) || !vec_dest_ok(insn))
		return SIM_OP_ILLEGAL;
	for (uint32_t i = 0; i < s->n; i++)
		store_number(result, s->sew, i, i);
	vec_write_active(hart, insn, s, s->sew, result);
	vec_cost_elems(hart, s, s->sew, 1);
	return vec_done(hart);
}

enum sim_op_status vec_mask_unary(struct sim_hart *hart, uint32_t insn)
{
	struct vec_state s;

	if (!vec_begin(hart, &s))
		return SIM_OP_ILLEGAL;
	switch (vec_rs1(insn)) {
	case VEC_CODE_VMSBF:
	case VEC_CODE_VMSOF:
	case VEC_CODE_VMSIF:
		return mask_set(hart, insn, &s);
	case VEC_CODE_VIOTA:
		return iota(hart, insn, &s);
	case VEC_CODE_VID:
		return element_ids(hart, insn, &s);
	default:
		return SIM_OP_ILLEGAL;
	}
}
