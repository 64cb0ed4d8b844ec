// SPDX-License-Identifier: MIT
/*
 * Slots: which host register holds a strip of which register group.
 *
 * A strip executes all instructions of the run, then the next strip does.  That equals executing
 * one instruction after the other only if elements of the same number lie at the same place of the
 * register file in all of them.  A group that is seen as elements of two sizes is therefore a reason
 * to end the run, unless one of them is written first and covered by the other later, before
 * anything reads it from the file: the usual fate of a mask in v0.
 */
#include "jit.h"

static bool same(const struct jit_slot *s, unsigned int base, unsigned int regs, int width)
{
	return s->base == base && s->regs == regs && s->width == width;
}

static struct jit_slot *find(struct jit_comp *c, unsigned int base, unsigned int regs, int width)
{
	for (unsigned int i = 0; i < c->slots; i++)
		if (!c->slot[i].dead && same(&c->slot[i], base, regs, width))
			return &c->slot[i];
	return NULL;
}

static bool overlaps(const struct jit_slot *s, unsigned int base, unsigned int regs)
{
	return !vec_disjoint(s->base, s->regs, base, regs);
}

static struct jit_slot *create(struct jit_comp *c, unsigned int base, unsigned int regs, int width)
{
	struct jit_slot *s;

	if (c->slots == JIT_SLOTS)
		return NULL;
	s = &c->slot[c->slots];
	*s = (struct jit_slot){ .base = (uint8_t)base, .regs = (uint8_t)regs, .width = (int8_t)width };
	if (width == JIT_MASK) {
		if (c->mask == JIT_K_SLOTS)
			return NULL;
		s->host = JIT_K_FIRST + c->mask++;
	} else {
		int host = jit_spare_vector(c);

		if (host < 0)
			return NULL;
		s->host = (uint8_t)host;
	}
	c->slots++;
	return s;
}

int jit_spare_vector(struct jit_comp *c)
{
	return c->zmm < JIT_ZMM_SLOTS ? c->zmm++ : -1;
}

uint8_t jit_slot_read(struct jit_comp *c, unsigned int base, unsigned int regs, int width)
{
	struct jit_slot *s = find(c, base, regs, width);

	if (s)
		return (uint8_t)(s - c->slot);
	for (unsigned int i = 0; i < c->slots; i++)
		if (!c->slot[i].dead && c->slot[i].written && overlaps(&c->slot[i], base, regs))
			return JIT_NO_SLOT;
	s = create(c, base, regs, width);
	if (!s)
		return JIT_NO_SLOT;
	s->livein = true;
	return (uint8_t)(s - c->slot);
}

/* Can a whole write of this kind make @s irrelevant? */
static bool covers(const struct jit_slot *s, unsigned int base, int width)
{
	return s->base == base && s->width < width && s->written && !s->livein;
}

uint8_t jit_slot_write(struct jit_comp *c, unsigned int base, unsigned int regs, int width, bool whole)
{
	uint8_t number;
	struct jit_slot *s;

	if (!whole) {
		number = jit_slot_read(c, base, regs, width);
		if (number == JIT_NO_SLOT)
			return number;
	}
	for (unsigned int i = 0; i < c->slots; i++) {
		s = &c->slot[i];
		if (s->dead || same(s, base, regs, width) || !overlaps(s, base, regs))
			continue;
		if (!whole || !covers(s, base, width) || c->run->killed_count == JIT_KILLED)
			return JIT_NO_SLOT;
		s->dead = true;
		c->run->killed[c->run->killed_count++] = (struct jit_killed){ s->base, s->width };
	}
	s = find(c, base, regs, width);
	if (!s)
		s = create(c, base, regs, width);
	if (!s)
		return JIT_NO_SLOT;
	s->written = true;
	return (uint8_t)(s - c->slot);
}

uint8_t jit_scalar(struct jit_comp *c)
{
	return c->scalars < JIT_SCALARS ? (uint8_t)c->scalars++ : JIT_NO_SLOT;
}

uint8_t jit_constant(struct jit_comp *c, uint64_t value)
{
	uint8_t at;

	for (unsigned int i = 0; i < c->scalars; i++)
		if (c->is_constant[i] && c->constant[i] == value)
			return (uint8_t)i;
	at = jit_scalar(c);
	if (at != JIT_NO_SLOT) {
		c->is_constant[at] = true;
		c->constant[at] = value;
	}
	return at;
}
