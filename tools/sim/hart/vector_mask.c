// SPDX-License-Identifier: MIT
/* Mask instructions: logical, vcpop, vfirst, vmsbf, vmsif, vmsof, viota, vid. */
#include "vector_apply.h"
#include "vector_mask.h"

/* One 64-bit word of the result. */
static inline uint64_t logical(unsigned int op, uint64_t a, uint64_t b)
{
	switch (op) {
	case VEC_MANDN:	return a & ~b;
	case VEC_MAND:	return a & b;
	case VEC_MOR:	return a | b;
	case VEC_MXOR:	return a ^ b;
	case VEC_MORN:	return a | ~b;
	case VEC_MNAND:	return ~(a & b);
	case VEC_MNOR:	return ~(a | b);
	default:	return ~(a ^ b);
	}
}

/* Bits of the 64 from @at on that lie in [start, n). */
static inline uint64_t span(const struct vec_state *s, uint32_t at)
{
	uint64_t m = UINT64_MAX;

	if (s->n - at < 64)
		m >>= 64 - (s->n - at);
	if (s->start > at)
		m &= s->start - at < 64 ? UINT64_MAX << (s->start - at) : 0;
	return m;
}

/* vmand.mm, ...: never masked.  A register is a whole number of words. */
enum sim_op_status vec_mask_logic(struct sim_hart *hart, uint32_t insn)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn)), *b = vec_reg(hart, vec_rs1(insn));
	unsigned int op = vec_entry_of(insn)->op;
	uint8_t *d = vec_reg(hart, vec_vd(insn));
	struct vec_state s;

	if (!vec_unmasked(insn) || !vec_begin(hart, &s))
		return SIM_OP_ILLEGAL;
	for (uint32_t i = 0; i < s.n; i += 64) {
		uint64_t wa, wb, wd, m = span(&s, i);

		memcpy(&wa, a + i / 8, 8);
		memcpy(&wb, b + i / 8, 8);
		memcpy(&wd, d + i / 8, 8);
		wd = (wd & ~m) | (logical(op, wa, wb) & m);
		memcpy(d + i / 8, &wd, 8);
	}
	vec_cost(hart, s.n, 1);
	return vec_done(hart);
}

/*
 * The source mask and-ed with v0 if masked, as 64-bit words; bits from vl on are 0.  A register
 * holds whole words, so that reading one is always inside.
 */
static size_t active_words(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			   uint64_t *words)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	size_t n = (s->n + 63) / 64;

	for (size_t i = 0; i < n; i++) {
		size_t bits = s->n - i * 64;
		uint64_t m = UINT64_MAX;

		memcpy(&words[i], a + i * 8, 8);
		if (!vec_unmasked(insn))
			memcpy(&m, hart->v + i * 8, 8);
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

#define IOTA(W)											\
static void iota_##W(void *dp, const uint8_t *set, size_t n)					\
{												\
	uint##W##_t *d = dp, count = 0;								\
												\
	for (size_t i = 0; i < n; i++) {							\
		d[i] = count;									\
		count = (uint##W##_t)(count + (set[i] & 1));					\
	}											\
}												\
static void ids_##W(void *dp, size_t n)								\
{												\
	uint##W##_t *d = dp;									\
												\
	for (size_t i = 0; i < n; i++)								\
		d[i] = (uint##W##_t)i;								\
}
IOTA(8) IOTA(16) IOTA(32) IOTA(64)

static void (*const iota_fn[4])(void *, const uint8_t *, size_t) = {
	iota_8, iota_16, iota_32, iota_64,
};
static void (*const ids_fn[4])(void *, size_t) = { ids_8, ids_16, ids_32, ids_64 };

/* Each element: how many active set bits lie before it. */
static enum sim_op_status iota(struct sim_hart *hart, uint32_t insn, const struct vec_state *s)
{
	uint8_t result[VEC_GROUP_MAX] __attribute__((aligned(64))), set[VEC_GROUP_MAX];
	uint64_t words[SIM_VLEN_MAX / 64];

	if (s->start || !vec_aligned(vec_vd(insn), s->regs) || !vec_dest_ok(insn) ||
	    !vec_disjoint(vec_vd(insn), s->regs, vec_rs2(insn), 1))
		return SIM_OP_ILLEGAL;
	active_words(hart, insn, s, words);
	vec_kint->expand(set, (const uint8_t *)words, s->n);
	iota_fn[s->sew](result, set, s->n);
	vec_write_active(hart, insn, s, s->sew, result);
	vec_cost_serial(hart, s);
	return vec_done(hart);
}

static enum sim_op_status element_ids(struct sim_hart *hart, uint32_t insn,
				      const struct vec_state *s)
{
	uint8_t result[VEC_GROUP_MAX] __attribute__((aligned(64)));

	if (vec_rs2(insn) || !vec_aligned(vec_vd(insn), s->regs) || !vec_dest_ok(insn))
		return SIM_OP_ILLEGAL;
	if (vec_whole(insn, s)) {
		ids_fn[s->sew](vec_reg(hart, vec_vd(insn)), s->n);
	} else {
		ids_fn[s->sew](result, s->n);
		vec_write_active(hart, insn, s, s->sew, result);
	}
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
