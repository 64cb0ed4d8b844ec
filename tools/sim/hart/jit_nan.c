// SPDX-License-Identifier: MIT
/*
 * Where results are looked at for NaNs.
 *
 * The host's arithmetic differs from the architecture in which NaN comes out, and in not raising
 * invalid for inf * 0 + NaN.  NaNs are rare, so a strip in which one shows is left to the
 * interpreter before anything of it is stored.  Looking at each result would cost as much as
 * computing it; most need no look, because a NaN that goes into arithmetic comes out again.  For
 * each slot it is known, at every point of the run,
 *
 *	tainted		it may hold a NaN that is not the architecture's; it must be looked at before
 *			its bits matter: before it is stored, or goes into an integer instruction.
 *			MIXED: copied from elsewhere in part, so it may hold a signalling NaN too, and
 *			looking must not raise anything
 *	owed		it is, or depends on, the result of a multiply-add, and a NaN in it has to be
 *			noticed: before it is overwritten, unless it goes into arithmetic first
 *
 * Until the look, the exceptions that were raised are those of the architecture, which the
 * interpreter will raise again: what does arithmetic or a comparison with a NaN does not care which.
 */
#include "jit.h"

enum taint { CLEAN, PURE, MIXED };

struct facts {
	enum taint taint[JIT_SLOTS];
	bool owed[JIT_SLOTS];
};

static bool look(struct facts *f, struct jit_ir *ir, uint8_t slot)
{
	if (ir->checks == JIT_CHECKS)
		return false;
	ir->check[ir->checks++] = slot | (f->taint[slot] == MIXED ? JIT_QUIET : 0);
	f->taint[slot] = CLEAN;
	f->owed[slot] = false;
	return true;
}

static bool look_if(struct facts *f, struct jit_ir *ir, uint8_t slot)
{
	return slot == JIT_NO_SLOT || f->taint[slot] == CLEAN || look(f, ir, slot);
}

static bool accumulates(const struct jit_ir *ir)
{
	return ir->kind == JIT_FMA || ir->kind == JIT_FMA_BF16 || ir->kind == JIT_MACC;
}

static bool reads(const struct jit_ir *ir, uint8_t slot)
{
	return ir->a == slot || ir->b == slot || (accumulates(ir) && ir->d == slot);
}

static enum taint taint_of(const struct facts *f, uint8_t slot)
{
	return slot == JIT_NO_SLOT ? CLEAN : f->taint[slot];
}

/* @slot's debt goes over to what is computed from it. */
static bool inherit(struct facts *f, uint8_t slot)
{
	bool owed = slot != JIT_NO_SLOT && f->owed[slot];

	if (owed)
		f->owed[slot] = false;
	return owed;
}

static bool place_arith(struct facts *f, struct jit_ir *ir)
{
	bool owed = ir->nan == JIT_NAN_FMA;

	if (f->owed[ir->d] && !reads(ir, ir->d) && !look(f, ir, ir->d))
		return false;
	if (ir->m != JIT_NO_SLOT) {
		f->owed[ir->d] |= owed;
		f->taint[ir->d] = MIXED;
		return true;
	}
	owed |= inherit(f, ir->a);
	owed |= inherit(f, ir->b);
	owed |= accumulates(ir) && inherit(f, ir->d);
	f->owed[ir->d] = owed;
	f->taint[ir->d] = PURE;
	return true;
}

/* What @ir leaves in d, which is no arithmetic result. */
static enum taint taint_after(const struct facts *f, const struct jit_ir *ir)
{
	enum taint t = CLEAN;

	if (ir->nan == JIT_NAN_MOVE)
		t = taint_of(f, ir->a) > taint_of(f, ir->b) ? taint_of(f, ir->a) : taint_of(f, ir->b);
	else if (ir->nan == JIT_NAN_SIGN)
		t = taint_of(f, ir->a);
	if (ir->m != JIT_NO_SLOT && ir->kind != JIT_BLEND && taint_of(f, ir->d) > t)
		t = taint_of(f, ir->d);
	return t != CLEAN && (ir->m != JIT_NO_SLOT || ir->kind == JIT_BLEND) ? MIXED : t;
}

static bool place_other(struct facts *f, struct jit_ir *ir)
{
	enum taint after;

	if (ir->nan == JIT_NAN_NONE && ir->kind != JIT_STORE &&
	    (!look_if(f, ir, ir->a) || !look_if(f, ir, ir->b) ||
	     (accumulates(ir) && !look_if(f, ir, ir->d))))
		return false;
	if (ir->nan == JIT_NAN_SIGN && ir->a != ir->b && !look_if(f, ir, ir->b))
		return false;
	if (ir->nan == JIT_NAN_LOOKS && ir->m == JIT_NO_SLOT) {
		if (ir->a != JIT_NO_SLOT)
			f->taint[ir->a] = CLEAN, f->owed[ir->a] = false;
		if (ir->b != JIT_NO_SLOT)
			f->taint[ir->b] = CLEAN, f->owed[ir->b] = false;
	}
	if (ir->d == JIT_NO_SLOT || ir->kind == JIT_COMPARE || ir->kind == JIT_LOGIC)
		return true;
	after = taint_after(f, ir);
	if (f->owed[ir->d] && !look(f, ir, ir->d))
		return false;
	f->taint[ir->d] = after;
	return true;
}

static bool add_last(struct jit_comp *c, uint8_t host, uint8_t width, enum taint t)
{
	if (c->lasts == JIT_SLOTS)
		return false;
	c->last[c->lasts++] = (struct jit_last){ host, width, t == MIXED };
	return true;
}

/* A store happens at the strip's end; keep the value if the slot changes until then. */
static bool keep_value(struct jit_comp *c, const struct facts *f, struct jit_ir *ir)
{
	for (const struct jit_ir *later = ir + 1; later < c->ir + c->count; later++) {
		int host;

		if (later->d != ir->a || later->kind == JIT_COMPARE || later->kind == JIT_LOGIC)
			continue;
		host = jit_spare_vector(c);
		if (host < 0)
			return false;
		ir->copy = (uint8_t)host;
		return f->taint[ir->a] == CLEAN ||
		       add_last(c, ir->copy, ir->width, f->taint[ir->a]);
	}
	return true;
}

bool jit_place_checks(struct jit_comp *c)
{
	struct facts f = { 0 };

	for (unsigned int i = 0; i < c->count; i++) {
		struct jit_ir *ir = &c->ir[i];
		bool arith = ir->nan == JIT_NAN_ARITH || ir->nan == JIT_NAN_FMA;

		if (!(arith ? place_arith(&f, ir) : place_other(&f, ir)))
			return false;
		if (ir->kind == JIT_STORE && !keep_value(c, &f, ir))
			return false;
	}
	for (unsigned int i = 0; i < c->slots; i++) {
		const struct jit_slot *s = &c->slot[i];

		/* A dead slot's register is nobody else's, so that what it owes can still be seen. */
		if (s->width != JIT_MASK && ((f.taint[i] != CLEAN && !s->dead) || f.owed[i]) &&
		    !add_last(c, s->host, (uint8_t)s->width, f.taint[i]))
			return false;
	}
	return true;
}
