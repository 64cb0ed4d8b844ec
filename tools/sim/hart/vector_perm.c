// SPDX-License-Identifier: MIT
/* Slides, gathers and compress. */
#include "vector_apply.h"
#include "vector_perm.h"

static bool slide_ok(uint32_t insn, const struct vec_state *s, bool apart)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn);

	return vec_aligned(vd | vs2, s->regs) && vec_dest_ok(insn) && vec_source_ok(insn, vs2) &&
	       !(apart && vd == vs2);
}

/* The first @offset elements of the destination keep their values, whatever the mask. */
static void slide_up(struct sim_hart *hart, uint32_t insn, struct vec_state s, uint64_t offset)
{
	uint8_t *d = vec_reg(hart, vec_vd(insn));
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	uint8_t result[VEC_GROUP_MAX];

	if (offset >= s.n)
		return;
	if (vec_whole(insn, &s)) {
		memcpy(d + (offset << s.sew), a, (size_t)(s.n - offset) << s.sew);
		return;
	}
	if (s.start < offset)
		s.start = (uint32_t)offset;
	memcpy(result + (offset << s.sew), a, (size_t)(s.n - offset) << s.sew);
	memset(result, 0, offset << s.sew);
	vec_write_active(hart, insn, &s, s.sew, result);
}

static void slide_down(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		       uint64_t offset)
{
	uint32_t vlmax = vec_vlmax(hart, s->sew, s->lmul);
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	uint8_t *d = vec_reg(hart, vec_vd(insn));
	uint8_t buf[VEC_GROUP_MAX];
	uint8_t *result = vec_whole(insn, s) ? d : buf;
	size_t n = 0;

	if (offset < vlmax) {
		n = vlmax - offset < s->n ? vlmax - offset : s->n;
		memmove(result, a + (offset << s->sew), n << s->sew);
	}
	memset(result + (n << s->sew), 0, (s->n - n) << s->sew);
	if (result == buf)
		vec_write_active(hart, insn, s, s->sew, result);
}

enum sim_op_status vec_slide(struct sim_hart *hart, uint32_t insn)
{
	uint64_t offset = vec_funct3(insn) == VEC_OPIVI ? vec_rs1(insn) : hart->x[vec_rs1(insn)];
	bool up = vec_entry_of(insn)->op == VEC_SLIDE_UP;
	struct vec_state s;

	if (!vec_begin(hart, &s) || !slide_ok(insn, &s, up))
		return SIM_OP_ILLEGAL;
	if (up)
		slide_up(hart, insn, s, offset);
	else
		slide_down(hart, insn, &s, offset);
	vec_cost_elems(hart, &s, s.sew, 2);
	return vec_done(hart);
}

void vec_slide_one(struct sim_hart *hart, uint32_t insn, const struct vec_state *s, bool up,
		   uint64_t x)
{
	const uint8_t *a = vec_reg(hart, vec_rs2(insn));
	uint8_t buf[VEC_GROUP_MAX];
	uint8_t *result = vec_whole(insn, s) ? vec_reg(hart, vec_vd(insn)) : buf;
	size_t size = (size_t)1 << s->sew, rest;

	if (!s->n)
		return;
	rest = (size_t)(s->n - 1) << s->sew;
	if (up) {
		memmove(result + size, a, rest);
		memcpy(result, &x, size);
	} else {
		memmove(result, a + size, rest);
		memcpy(result + rest, &x, size);
	}
	if (result == buf)
		vec_write_active(hart, insn, s, s->sew, result);
}

bool vec_slide_one_ok(uint32_t insn, const struct vec_state *s, bool up)
{
	return slide_ok(insn, s, up);
}

/* vslide1up.vx, vslide1down.vx */
enum sim_op_status vec_slide1(struct sim_hart *hart, uint32_t insn)
{
	bool up = vec_entry_of(insn)->op == VEC_SLIDE_UP;
	struct vec_state s;

	if (!vec_begin(hart, &s) || !slide_ok(insn, &s, up))
		return SIM_OP_ILLEGAL;
	vec_slide_one(hart, insn, &s, up, hart->x[vec_rs1(insn)]);
	vec_cost_elems(hart, &s, s.sew, 2);
	return vec_done(hart);
}

/* --- gathers --------------------------------------------------------------------------------------- */

#define GATHER(W, IW)										\
static void gather_##W##_##IW(uint8_t *dp, const uint8_t *ap, const uint8_t *ip, size_t n,	\
			      uint32_t vlmax)							\
{												\
	uint##W##_t *d = (void *)dp;								\
	const uint##W##_t *a = (const void *)ap;						\
	const uint##IW##_t *index = (const void *)ip;						\
												\
	for (size_t i = 0; i < n; i++)								\
		d[i] = index[i] < vlmax ? a[index[i]] : 0;					\
}
GATHER(8, 8) GATHER(16, 16) GATHER(32, 32) GATHER(64, 64)
GATHER(8, 16) GATHER(32, 16) GATHER(64, 16)

typedef void (*gather_fn)(uint8_t *d, const uint8_t *a, const uint8_t *index, size_t n,
			  uint32_t vlmax);

static const gather_fn gather_same[4] = { gather_8_8, gather_16_16, gather_32_32, gather_64_64 };
static const gather_fn gather_ei16[4] = { gather_8_16, gather_16_16, gather_32_16, gather_64_16 };

static enum sim_op_status gather_vv(struct sim_hart *hart, uint32_t insn, bool ei16)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn), vs1 = vec_rs1(insn), i_regs, i_sew;
	uint8_t result[VEC_GROUP_MAX] __attribute__((aligned(64)));
	struct vec_state s;
	int i_emul;

	if (!vec_begin(hart, &s) || !slide_ok(insn, &s, true))
		return SIM_OP_ILLEGAL;
	i_sew = ei16 ? 1 : s.sew;
	i_emul = s.lmul + (int)i_sew - (int)s.sew;
	if (i_emul < -3 || i_emul > 3)
		return SIM_OP_ILLEGAL;
	i_regs = vec_regs(i_emul);
	if (!vec_aligned(vs1, i_regs) || !vec_source_ok(insn, vs1) ||
	    !vec_disjoint(vd, s.regs, vs1, i_regs) ||
	    (i_sew != s.sew && !vec_disjoint(vs2, s.regs, vs1, i_regs)))
		return SIM_OP_ILLEGAL;
	(ei16 ? gather_ei16 : gather_same)[s.sew](result, vec_reg(hart, vs2), vec_reg(hart, vs1),
						  s.n, vec_vlmax(hart, s.sew, s.lmul));
	vec_write_active(hart, insn, &s, s.sew, result);
	vec_cost_serial(hart, &s);
	return vec_done(hart);
}

/* vrgather.vv, .vx, .vi */
enum sim_op_status vec_gather(struct sim_hart *hart, uint32_t insn)
{
	uint64_t index = vec_funct3(insn) == VEC_OPIVI ? vec_rs1(insn) : hart->x[vec_rs1(insn)];
	uint8_t result[VEC_GROUP_MAX] __attribute__((aligned(64)));
	struct vec_state s;
	uint64_t v = 0;

	if (vec_funct3(insn) == VEC_OPIVV)
		return gather_vv(hart, insn, false);
	if (!vec_begin(hart, &s) || !slide_ok(insn, &s, true))
		return SIM_OP_ILLEGAL;
	if (index < vec_vlmax(hart, s.sew, s.lmul))
		memcpy(&v, vec_reg(hart, vec_rs2(insn)) + (index << s.sew), 1u << s.sew);
	vec_kint->splat[s.sew](result, v, s.n);
	vec_write_active(hart, insn, &s, s.sew, result);
	vec_cost_elems(hart, &s, s.sew, 1);
	return vec_done(hart);
}

enum sim_op_status vec_gather_ei16(struct sim_hart *hart, uint32_t insn)
{
	return gather_vv(hart, insn, true);
}

/* --- compress ----------------------------------------------------------------------------------------- */

#define COMPRESS(W)										\
static void compress_##W(uint8_t *dp, const uint8_t *ap, const uint8_t *mask, size_t n)		\
{												\
	uint##W##_t *d = (void *)dp;								\
	const uint##W##_t *a = (const void *)ap;						\
												\
	for (size_t i = 0; i < n; i += 64) {							\
		uint64_t bits;									\
												\
		memcpy(&bits, mask + i / 8, 8);							\
		if (n - i < 64)									\
			bits &= (1ull << (n - i)) - 1;						\
		for (; bits; bits &= bits - 1)							\
			*d++ = a[i + (unsigned int)__builtin_ctzll(bits)];			\
	}											\
}
COMPRESS(8) COMPRESS(16) COMPRESS(32) COMPRESS(64)

static void (*const compress_fn[4])(uint8_t *, const uint8_t *, const uint8_t *, size_t) = {
	compress_8, compress_16, compress_32, compress_64,
};

enum sim_op_status vec_compress(struct sim_hart *hart, uint32_t insn)
{
	unsigned int vd = vec_vd(insn), vs2 = vec_rs2(insn), vs1 = vec_rs1(insn);
	const uint8_t *mask = vec_reg(hart, vs1), *a = vec_reg(hart, vs2);
	uint8_t *d = vec_reg(hart, vd);
	struct vec_state s;

	if (!vec_unmasked(insn) || !vec_begin(hart, &s) || s.start ||
	    !vec_aligned(vd | vs2, s.regs) || vd == vs2 ||
	    !vec_disjoint(vd, s.regs, vs1, 1) || !vec_disjoint(vs2, s.regs, vs1, 1))
		return SIM_OP_ILLEGAL;
	compress_fn[s.sew](d, a, mask, s.n);
	vec_cost_serial(hart, &s);
	return vec_done(hart);
}
