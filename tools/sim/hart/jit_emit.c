// SPDX-License-Identifier: MIT
/*
 * From the intermediate form to host code: a loop over full strips, and the same once more under a
 * mask for what is left.  Nothing is written until the strip's results have been looked at.
 *
 *	rdi frame, rsi register file, rcx element, rdx rcx / 8, r8 to r11 the first memory operands
 */
#include "jit_table.h"
#include "jit_x86.h"

#include <stddef.h>

#define MEM_REGS	4

struct emit {
	struct jit_comp *c;
	struct jit_buf *b;
	uint8_t *leave;		/* where a strip that is not done goes */
	unsigned int lanes;
	bool tail, masks;
};

static struct jit_mem scalar_at(unsigned int scalar)
{
	return (struct jit_mem){ RDI, JIT_NO_INDEX, 0,
				 (int32_t)(offsetof(struct jit_frame, scalar) + 8 * scalar) };
}

static uint8_t host(const struct emit *e, uint8_t slot)
{
	return e->c->slot[slot].host;
}

static unsigned int length(const struct emit *e, unsigned int width)
{
	return jit_length(e->lanes << width);
}

/* Every lane: for what raises nothing. */
static struct jit_how all(const struct emit *e, unsigned int width)
{
	return (struct jit_how){ .length = (uint8_t)length(e, width) };
}

/* The lanes that the instruction has; the others become 0, or stay as they are if it is masked. */
static struct jit_how active(const struct emit *e, const struct jit_ir *ir, unsigned int width)
{
	struct jit_how how = all(e, width);

	if (ir->m != JIT_NO_SLOT) {
		how.k = host(e, ir->m);
	} else if (e->tail) {
		how.k = JIT_K_TAIL;
		how.zero = true;
	}
	return how;
}

/* The same for a mask as the destination, which is always zeroed. */
static struct jit_how active_mask(const struct emit *e, const struct jit_ir *ir, unsigned int width)
{
	struct jit_how how = active(e, ir, width);

	how.zero = false;
	return how;
}

static void immediate(struct emit *e, struct jit_enc enc)
{
	if (enc.map == 3 || enc.op == 0xc2)
		jit_byte(e->b, enc.imm);
}

static void splat(struct emit *e, unsigned int width, unsigned int to, unsigned int scalar)
{
	jit_evex_rm(e->b, jit_enc_splat[width], all(e, width), to, 0, scalar_at(scalar));
}

static void move(struct emit *e, unsigned int width, unsigned int to, unsigned int from, unsigned int k)
{
	struct jit_how how = all(e, width);

	how.k = (uint8_t)k;
	if (to != from)
		jit_evex_rr(e->b, jit_enc_load[width], how, to, 0, from);
}

/* to = enc(a, b or the scalar) */
static void three(struct emit *e, const struct jit_ir *ir, struct jit_how how, unsigned int to,
		  unsigned int a)
{
	if (ir->b != JIT_NO_SLOT) {
		jit_evex_rr(e->b, ir->enc, how, to, a, host(e, ir->b));
	} else if (ir->width >= 2) {
		how.broadcast = true;
		jit_evex_rm(e->b, ir->enc, how, to, a, scalar_at(ir->scalar));
	} else {
		splat(e, ir->width, JIT_T1, ir->scalar);
		jit_evex_rr(e->b, ir->enc, how, to, a, JIT_T1);
	}
	immediate(e, ir->enc);
}

/* Where an integer result is computed; and its way to d, if that was scratch. */
static unsigned int target(const struct emit *e, const struct jit_ir *ir)
{
	return ir->m == JIT_NO_SLOT ? host(e, ir->d) : JIT_T0;
}

static void deliver(struct emit *e, const struct jit_ir *ir, unsigned int from)
{
	move(e, ir->width, host(e, ir->d), from, ir->m == JIT_NO_SLOT ? 0 : host(e, ir->m));
}

/* Leave if mask register @k is not 0. */
static void leave_if(struct emit *e, unsigned int k)
{
	jit_mask_test(e->b, k, k);
	jit_land(e->b, jit_jump(e->b, JIT_NOT_ZERO), e->leave);
}

static void unordered(struct emit *e, struct jit_how how, unsigned int width, unsigned int k,
		      unsigned int a, unsigned int b)
{
	const struct jit_enc enc = jit_enc_unordered[width - 2];

	jit_evex_rr(e->b, enc, how, k, a, b);
	jit_byte(e->b, enc.imm);
}

static void find_nan(struct emit *e, unsigned int width, bool quiet, unsigned int k, unsigned int reg)
{
	const struct jit_enc enc = jit_enc_class[width - 2];

	if (!quiet) {
		unordered(e, all(e, width), width, k, reg, reg);
		return;
	}
	jit_evex_rr(e->b, enc, all(e, width), k, 0, reg);
	jit_byte(e->b, enc.imm);
}

static void check(struct emit *e, uint8_t what)
{
	const struct jit_slot *s = &e->c->slot[what & ~JIT_QUIET];

	find_nan(e, (unsigned int)s->width, what & JIT_QUIET, JIT_K_T0, s->host);
	leave_if(e, JIT_K_T0);
}

/* --- instructions --------------------------------------------------------------------------------- */

static void emit_binary(struct emit *e, const struct jit_ir *ir)
{
	struct jit_how how = ir->fp ? active(e, ir, ir->width) : all(e, ir->width);
	unsigned int to = ir->fp ? host(e, ir->d) : target(e, ir);

	if (ir->kind == JIT_BIN_REV) {
		splat(e, ir->width, JIT_T1, ir->scalar);
		jit_evex_rr(e->b, ir->enc, how, to, JIT_T1, host(e, ir->a));
	} else {
		three(e, ir, how, to, host(e, ir->a));
	}
	if (!ir->fp)
		deliver(e, ir, to);
}

static void emit_shift(struct emit *e, const struct jit_ir *ir)
{
	struct jit_how how = all(e, ir->width);
	unsigned int to = target(e, ir);

	if (ir->b == JIT_NO_SLOT) {
		three(e, ir, how, to, host(e, ir->a));
	} else {
		struct jit_enc and = jit_enc_and;

		how.broadcast = true;
		and.w = ir->width == 3;
		jit_evex_rm(e->b, and, how, JIT_T1, host(e, ir->b), scalar_at(ir->imm));
		how.broadcast = false;
		jit_evex_rr(e->b, ir->enc, how, to, host(e, ir->a), JIT_T1);
	}
	deliver(e, ir, to);
}

static void emit_macc(struct emit *e, const struct jit_ir *ir)
{
	unsigned int factor = host(e, ir->imm & 1 ? ir->d : ir->a);
	unsigned int addend = host(e, ir->imm & 1 ? ir->a : ir->d);
	unsigned int to = target(e, ir);

	three(e, ir, all(e, ir->width), JIT_T0, factor);
	jit_evex_rr(e->b, jit_enc_int[ir->imm & 2 ? VEC_SUB : VEC_ADD][ir->width], all(e, ir->width),
		    to, addend, JIT_T0);
	deliver(e, ir, to);
}

static void emit_unary(struct emit *e, const struct jit_ir *ir)
{
	if (ir->fp) {
		jit_evex_rr(e->b, ir->enc, active(e, ir, ir->width), host(e, ir->d), 0, host(e, ir->a));
		return;
	}
	jit_evex_rr(e->b, ir->enc, all(e, ir->width), target(e, ir), 0, host(e, ir->a));
	deliver(e, ir, target(e, ir));
}

/* By 16 bits: @way 6 is left, 2 right. */
static void shift_32(struct emit *e, unsigned int way, unsigned int to, unsigned int from)
{
	jit_evex_rr(e->b, jit_enc_shift_32, all(e, 2), way, to, from);
	jit_byte(e->b, 16);
}

/* to = enc(a, @number), which select has made a constant */
static void with_number(struct emit *e, struct jit_enc enc, struct jit_how how, unsigned int to,
			unsigned int a, uint32_t number)
{
	how.broadcast = true;
	jit_evex_rm(e->b, enc, how, to, a, scalar_at(jit_constant(e->c, number)));
	immediate(e, enc);
}

/*
 * What is inexact is raised by an instruction that is inexact in the same lanes; overflow,
 * underflow and NaNs are left to the interpreter.
 */
static void emit_narrow_bf16(struct emit *e, const struct jit_ir *ir)
{
	const struct jit_enc *cmp = &jit_enc_cmp[VEC_SGTU][2];
	struct jit_how lanes = active_mask(e, ir, 2), chosen = all(e, 2), to = active(e, ir, 2);
	unsigned int a = host(e, ir->a);

	with_number(e, jit_enc_and, all(e, 2), JIT_T1, a, JIT_BF16_MAGNITUDE);
	chosen.k = JIT_K_T0;
	with_number(e, *cmp, lanes, JIT_K_T0, JIT_T1, JIT_BF16_LARGEST);
	with_number(e, jit_enc_cmp[VEC_SNE][2], chosen, JIT_K_T0, JIT_T1, JIT_BF16_INF);
	leave_if(e, JIT_K_T0);
	with_number(e, jit_enc_test_32, lanes, JIT_K_T0, a, JIT_BF16_CUT);
	with_number(e, jit_enc_cmp[VEC_SLTU][2], chosen, JIT_K_T1, JIT_T1, JIT_BF16_TINY);
	leave_if(e, JIT_K_T1);
	chosen.zero = true;
	with_number(e, jit_enc_to_int_32, chosen, JIT_T1, 0, JIT_BF16_INEXACT);
	shift_32(e, 2, JIT_T0, a);
	with_number(e, jit_enc_and, all(e, 2), JIT_T0, JIT_T0, JIT_BF16_ODD);
	jit_evex_rr(e->b, jit_enc_int[VEC_ADD][2], all(e, 2), JIT_T0, JIT_T0, a);
	with_number(e, jit_enc_int[VEC_ADD][2], all(e, 2), JIT_T0, JIT_T0, JIT_BF16_HALF);
	shift_32(e, 2, JIT_T0, JIT_T0);
	jit_evex_rr(e->b, jit_enc_halve_32, to, JIT_T0, 0, host(e, ir->d));
}

/* bf16 is the upper half of an f32 */
static void widen_bf16(struct emit *e, unsigned int to, unsigned int from)
{
	jit_evex_rr(e->b, jit_enc_extend[2][1][0], all(e, 2), to, 0, from);
	shift_32(e, 6, to, to);
}

static void emit_widen_bf16(struct emit *e, const struct jit_ir *ir)
{
	widen_bf16(e, JIT_T0, host(e, ir->a));
	unordered(e, active_mask(e, ir, 2), 2, JIT_K_T0, JIT_T0, JIT_T0);
	leave_if(e, JIT_K_T0);
	deliver(e, ir, JIT_T0);
}

static void emit_fma_bf16(struct emit *e, const struct jit_ir *ir)
{
	widen_bf16(e, JIT_T0, host(e, ir->a));
	if (ir->b != JIT_NO_SLOT)
		widen_bf16(e, JIT_T1, host(e, ir->b));
	else
		splat(e, 2, JIT_T1, ir->scalar);
	jit_evex_rr(e->b, ir->enc, active(e, ir, 2), host(e, ir->d), JIT_T0, JIT_T1);
}

static void emit_narrow_f16(struct emit *e, const struct jit_ir *ir)
{
	unsigned int a = host(e, ir->a);

	unordered(e, active_mask(e, ir, 2), 2, JIT_K_T0, a, a);
	leave_if(e, JIT_K_T0);
	/* here the destination is in the place of the second operand */
	jit_evex_rr(e->b, ir->enc, active(e, ir, 2), a, 0, host(e, ir->d));
	immediate(e, ir->enc);
}

/* The host answers INT32_MIN to what does not fit; that is wrong for NaN and what is too large. */
static void emit_to_int(struct emit *e, const struct jit_ir *ir)
{
	static const struct jit_enc not_less = { 1, 0, 0, 0xc2, 0x15 };
	struct jit_how how = active(e, ir, 2), bad = active_mask(e, ir, 2);
	struct jit_enc invert = jit_enc_ternary;
	unsigned int a = host(e, ir->a);

	how.zero = how.k != 0;
	jit_evex_rr(e->b, ir->enc, how, JIT_T0, 0, a);
	jit_evex_rr(e->b, jit_enc_int[VEC_XOR][2], all(e, 2), JIT_T1, JIT_T1, JIT_T1);
	jit_evex_rr(e->b, not_less, bad, JIT_K_T0, a, JIT_T1);
	jit_byte(e->b, not_less.imm);
	bad.k = JIT_K_T0;
	bad.broadcast = true;
	jit_evex_rm(e->b, jit_enc_cmp[VEC_SEQ][2], bad, JIT_K_T0, JIT_T0, scalar_at(ir->imm));
	jit_byte(e->b, jit_enc_cmp[VEC_SEQ][2].imm);
	invert.imm = 0x55;
	bad.broadcast = false;
	jit_evex_rr(e->b, invert, bad, JIT_T0, JIT_T0, JIT_T0);
	jit_byte(e->b, invert.imm);
	deliver(e, ir, JIT_T0);
}

static void emit_range(struct emit *e, const struct jit_ir *ir)
{
	unsigned int a = host(e, ir->a), b = JIT_T1;

	if (ir->b != JIT_NO_SLOT)
		b = host(e, ir->b);
	else
		splat(e, ir->width, JIT_T1, ir->scalar);
	unordered(e, active_mask(e, ir, ir->width), ir->width, JIT_K_T0, a, b);
	leave_if(e, JIT_K_T0);
	jit_evex_rr(e->b, ir->enc, active(e, ir, ir->width), host(e, ir->d), a, b);
	immediate(e, ir->enc);
}

static void emit_sign(struct emit *e, const struct jit_ir *ir)
{
	struct jit_enc enc = jit_enc_ternary;
	struct jit_how how = all(e, ir->width);

	if (ir->b != JIT_NO_SLOT)
		move(e, ir->width, JIT_T0, host(e, ir->b), 0);
	else
		splat(e, ir->width, JIT_T0, ir->scalar);
	enc.w = ir->width == 3;
	enc.imm = ir->enc.imm;
	how.broadcast = true;
	jit_evex_rm(e->b, enc, how, JIT_T0, host(e, ir->a), scalar_at(ir->imm));
	jit_byte(e->b, enc.imm);
	deliver(e, ir, JIT_T0);
}

static void emit_blend(struct emit *e, const struct jit_ir *ir)
{
	struct jit_ir blend = *ir;
	struct jit_how how = all(e, ir->width);

	blend.enc = jit_enc_blend[ir->width];
	how.k = host(e, ir->m);
	three(e, &blend, how, host(e, ir->d), host(e, ir->a));
}

static void emit_compare(struct emit *e, const struct jit_ir *ir)
{
	unsigned int d = host(e, ir->d), m;
	struct jit_how how = active_mask(e, ir, ir->width);

	if (ir->m == JIT_NO_SLOT) {
		three(e, ir, how, d, host(e, ir->a));
		return;
	}
	m = host(e, ir->m);
	three(e, ir, how, JIT_K_T0, host(e, ir->a));
	jit_mask3(e->b, JIT_KANDN, JIT_K_T1, m, d);
	jit_mask3(e->b, JIT_KOR, d, JIT_K_T1, JIT_K_T0);
}

static void emit_logic(struct emit *e, const struct jit_ir *ir)
{
	/* the instruction, and whether its operands change places, b or the result is inverted */
	static const struct {
		uint8_t op;
		bool swap, not_b, not_d;
	} rows[] = {
		[0] = { JIT_KANDN, true, false, false }, [1] = { JIT_KAND, false, false, false },
		[2] = { JIT_KOR, false, false, false }, [3] = { JIT_KXOR, false, false, false },
		[4] = { JIT_KOR, false, true, false }, [5] = { JIT_KAND, false, false, true },
		[6] = { JIT_KOR, false, false, true }, [7] = { JIT_KXNOR, false, false, false },
	};
	unsigned int a = host(e, ir->a), b = host(e, ir->b), d = host(e, ir->d);

	if (rows[ir->imm].not_b) {
		jit_mask_not(e->b, JIT_K_T0, b);
		b = JIT_K_T0;
	}
	jit_mask3(e->b, rows[ir->imm].op, d, rows[ir->imm].swap ? b : a, rows[ir->imm].swap ? a : b);
	if (rows[ir->imm].not_d)
		jit_mask_not(e->b, d, d);
	if (e->tail)
		jit_mask3(e->b, JIT_KAND, d, d, JIT_K_TAIL);
}

static struct jit_mem memory(struct emit *e, const struct jit_ir *ir)
{
	unsigned int reg = RAX;

	if (ir->imm < MEM_REGS)
		reg = R8 + ir->imm;
	else
		jit_load64(e->b, RAX, RDI, offsetof(struct jit_frame, mem) + 8u * ir->imm);
	return (struct jit_mem){ (uint8_t)reg, RCX, ir->width, 0 };
}

static void emit_ir(struct emit *e, const struct jit_ir *ir)
{
	for (unsigned int i = 0; i < ir->checks; i++)
		check(e, ir->check[i]);
	switch (ir->kind) {
	case JIT_LOAD:
		jit_evex_rm(e->b, jit_enc_load[ir->width], active(e, ir, ir->width), host(e, ir->d),
			    0, memory(e, ir));
		break;
	case JIT_STORE:
		if (ir->copy != JIT_NO_SLOT)
			move(e, ir->width, ir->copy, host(e, ir->a), 0);
		break;
	case JIT_BIN:
	case JIT_BIN_REV:
		emit_binary(e, ir);
		break;
	case JIT_SHIFT:
		emit_shift(e, ir);
		break;
	case JIT_FMA:
		three(e, ir, active(e, ir, ir->width), host(e, ir->d), host(e, ir->a));
		break;
	case JIT_MACC:
		emit_macc(e, ir);
		break;
	case JIT_UNARY:
	case JIT_WIDEN:
		emit_unary(e, ir);
		break;
	case JIT_WIDEN_BF16:
		emit_widen_bf16(e, ir);
		break;
	case JIT_FMA_BF16:
		emit_fma_bf16(e, ir);
		break;
	case JIT_NARROW_F16:
		emit_narrow_f16(e, ir);
		break;
	case JIT_NARROW_BF16:
		emit_narrow_bf16(e, ir);
		break;
	case JIT_TO_INT:
		emit_to_int(e, ir);
		break;
	case JIT_RANGE:
		emit_range(e, ir);
		break;
	case JIT_SGNJ:
		emit_sign(e, ir);
		break;
	case JIT_SPLAT:
		splat(e, ir->width, host(e, ir->d), ir->scalar);
		break;
	case JIT_MOVE:
		move(e, ir->width, host(e, ir->d), host(e, ir->b), 0);
		break;
	case JIT_BLEND:
		emit_blend(e, ir);
		break;
	case JIT_COMPARE:
		emit_compare(e, ir);
		break;
	case JIT_LOGIC:
		emit_logic(e, ir);
		break;
	default:
		e->b->overflow = true;
	}
}

/* --- a strip ----------------------------------------------------------------------------------------- */

static struct jit_mem slot_at(const struct emit *e, const struct jit_slot *s)
{
	struct jit_mem m = { RSI, RCX, (uint8_t)s->width, (int32_t)(s->base * e->c->h->vlenb) };

	if (s->width == JIT_MASK) {
		m.index = RDX;
		m.scale = 0;
	}
	return m;
}

static void load_slots(struct emit *e)
{
	static const struct jit_ir unmasked = { .m = JIT_NO_SLOT };

	for (unsigned int i = 0; i < e->c->slots; i++) {
		const struct jit_slot *s = &e->c->slot[i];
		unsigned int width = (unsigned int)s->width;

		if (!s->livein)
			continue;
		if (s->width != JIT_MASK) {
			jit_evex_rm(e->b, jit_enc_load[width], active(e, &unmasked, width), s->host, 0,
				    slot_at(e, s));
			continue;
		}
		jit_mask_move(e->b, false, e->lanes, s->host, slot_at(e, s));
		if (e->tail)
			jit_mask3(e->b, JIT_KAND, s->host, s->host, JIT_K_TAIL);
	}
}

static void look_at_results(struct emit *e)
{
	const struct jit_comp *c = e->c;
	bool first = true;

	for (unsigned int i = 0; i < c->lasts; i++) {
		const struct jit_last *l = &c->last[i], *next = l + 1;
		unsigned int k = first ? JIT_K_T1 : JIT_K_T0;

		if (!l->quiet && i + 1 < c->lasts && !next->quiet && next->width == l->width) {
			unordered(e, all(e, l->width), l->width, k, l->host, next->host);
			i++;
		} else {
			find_nan(e, l->width, l->quiet, k, l->host);
		}
		if (!first)
			jit_mask3(e->b, JIT_KOR, JIT_K_T1, JIT_K_T1, JIT_K_T0);
		first = false;
	}
	if (!first)
		leave_if(e, JIT_K_T1);
}

static void store_memory(struct emit *e)
{
	for (unsigned int i = 0; i < e->c->count; i++) {
		const struct jit_ir *ir = &e->c->ir[i];
		struct jit_how how;

		if (ir->kind != JIT_STORE)
			continue;
		how = active(e, ir, ir->width);
		how.zero = false;
		jit_evex_rm(e->b, jit_enc_store[ir->width], how,
			    ir->copy != JIT_NO_SLOT ? ir->copy : host(e, ir->a), 0, memory(e, ir));
	}
}

static void store_slots(struct emit *e)
{
	for (unsigned int i = 0; i < e->c->slots; i++) {
		const struct jit_slot *s = &e->c->slot[i];
		struct jit_how how;
		unsigned int k = s->host;

		if (!s->written || s->dead)
			continue;
		if (s->width != JIT_MASK) {
			how = all(e, (unsigned int)s->width);
			how.k = e->tail ? JIT_K_TAIL : 0;
			jit_evex_rm(e->b, jit_enc_store[s->width], how, s->host, 0, slot_at(e, s));
			continue;
		}
		if (e->tail) {
			jit_mask_move(e->b, false, e->lanes, JIT_K_T0, slot_at(e, s));
			jit_mask3(e->b, JIT_KANDN, JIT_K_T0, JIT_K_TAIL, JIT_K_T0);
			jit_mask3(e->b, JIT_KOR, JIT_K_T0, JIT_K_T0, s->host);
			k = JIT_K_T0;
		}
		jit_mask_move(e->b, true, e->lanes, k, slot_at(e, s));
	}
}

static void emit_strip(struct emit *e)
{
	if (e->masks)
		JIT_BYTES(e->b, "\x48\x89\xca\x48\xc1\xea\x03");	/* mov rdx, rcx; shr rdx, 3 */
	load_slots(e);
	for (unsigned int i = 0; i < e->c->count; i++)
		emit_ir(e, &e->c->ir[i]);
	look_at_results(e);
	store_memory(e);
	store_slots(e);
	JIT_BYTES(e->b, "\x48\x83\xc1");		/* add rcx, lanes */
	jit_byte(e->b, e->lanes);
}

static void compare_element(struct emit *e, size_t with)
{
	JIT_BYTES(e->b, "\x48\x3b");			/* cmp rcx, [rdi + with] */
	jit_modrm_mem(e->b, RCX, (struct jit_mem){ RDI, JIT_NO_INDEX, 0, (int32_t)with });
}

size_t jit_emit(struct jit_comp *c, uint8_t *to, size_t room)
{
	struct jit_buf buf = { to, to + room, false };
	struct emit e = { .c = c, .b = &buf, .lanes = c->run->lanes };
	uint8_t *loop, *first;

	for (unsigned int i = 0; i < c->slots; i++)
		e.masks |= c->slot[i].width == JIT_MASK;
	JIT_BYTES(&buf, "\xf3\x0f\x1e\xfa");		/* endbr64 */
	jit_load64(&buf, RSI, RDI, offsetof(struct jit_frame, v));
	jit_load64(&buf, RCX, RDI, offsetof(struct jit_frame, start));
	for (unsigned int i = 0; i < MEM_REGS && i < c->run->mems; i++)
		jit_load64(&buf, R8 + i, RDI, offsetof(struct jit_frame, mem) + 8 * i);
	first = jit_jump(&buf, -1);
	e.leave = buf.at;
	JIT_BYTES(&buf, "\x48\x89\xc8\xc5\xf8\x77\xc3");	/* mov rax, rcx; vzeroupper; ret */
	loop = buf.at;
	emit_strip(&e);
	jit_land(&buf, first, buf.at);
	compare_element(&e, offsetof(struct jit_frame, whole));
	jit_land(&buf, jit_jump(&buf, JIT_BELOW), loop);
	compare_element(&e, offsetof(struct jit_frame, n));
	jit_land(&buf, jit_jump(&buf, JIT_ABOVE_EQ), e.leave);
	jit_mask_move(&buf, false, 64, JIT_K_TAIL, (struct jit_mem){ RDI, JIT_NO_INDEX, 0,
				 (int32_t)offsetof(struct jit_frame, tail) });
	e.tail = true;
	emit_strip(&e);
	jit_land(&buf, jit_jump(&buf, -1), e.leave);
	return buf.overflow ? 0 : (size_t)(buf.at - to);
}
