// SPDX-License-Identifier: MIT
/*
 * The translation of a run, for the vtype that it is entered with.  The interpreter's handlers say
 * what is legal: each is called with vl = 0, where it does nothing but its checks.
 */
#include <stdlib.h>

#include "jit.h"

/* What calls of handlers may change, put back afterwards. */
struct saved {
	uint64_t vtype, cycles16;
	uint32_t vl, vstart;
	uint8_t frm, fflags, vxsat;
	bool fs_off, vs_off;
};

static struct saved save(const struct sim_hart *h)
{
	return (struct saved){ h->vtype, h->cycles16, h->vl, h->vstart, h->frm, h->fflags, h->vxsat,
			       h->fs_off, h->vs_off };
}

static void restore(struct sim_hart *h, const struct saved *s)
{
	h->vtype = s->vtype;
	h->cycles16 = s->cycles16;
	h->vl = s->vl;
	h->vstart = s->vstart;
	h->frm = s->frm;
	h->fflags = s->fflags;
	h->vxsat = s->vxsat;
	h->fs_off = s->fs_off;
	h->vs_off = s->vs_off;
}

static bool legal(struct jit_comp *c, uint32_t insn)
{
	struct sim_hart *h = c->h;
	struct saved s = save(h);
	sim_vector_fn fn = sim_vector_decode(insn);
	bool ok;

	h->vtype = c->vtype;
	h->vl = h->vstart = 0;
	h->frm = 0;
	h->fs_off = h->vs_off = false;
	ok = fn && fn(h, insn) == SIM_OP_OK;
	restore(h, &s);
	return ok;
}

static void adopt_vtype(struct jit_comp *c, uint64_t vtype)
{
	c->vtype = vtype;
	c->sew = vtype >> 3 & 3;
	c->lmul = (int)((vtype & 7) ^ 4) - 4;
}

/*
 * vset{i}vli: as the form that keeps vl, which is refused when VLMAX changes; that vl stays indeed is
 * checked in each pass.
 */
static bool add_set(struct jit_comp *c, uint32_t insn)
{
	struct sim_hart *h = c->h;
	struct saved s = save(h);
	struct jit_run *r = c->run;
	bool immediate = insn >> 31;
	uint64_t vtype = insn >> 20 & (immediate ? 0x3ffu : 0x7ffu);
	struct jit_step *step;

	h->vtype = c->vtype;
	h->vl = 0;
	h->vs_off = false;
	vec_vsetvli(h, (uint32_t)vtype << 20 | VEC_OPCFG << 12 | 0x57);
	vtype = h->vtype;
	restore(h, &s);
	if (vtype >> 63)
		return false;
	adopt_vtype(c, vtype);
	step = &r->step[r->steps++];
	*step = (struct jit_step){ .kind = JIT_STEP_SET, .rd = (uint8_t)vec_vd(insn),
				   .rs1 = (uint8_t)vec_rs1(insn), .imm = immediate };
	step->mask = vec_vlmax(h, c->sew, c->lmul);
	return true;
}

static bool add_scalar(struct jit_comp *c, uint32_t insn)
{
	struct jit_run *r = c->run;
	struct jit_step *step = &r->step[r->steps];

	if (!jit_scalar_step(insn, step))
		return false;
	r->steps++;
	r->fp |= step->fp;
	return true;
}

static bool add(struct jit_comp *c, uint32_t insn)
{
	if (!jit_is_vector(insn) || !sim_vector_decode(insn))
		return add_scalar(c, insn);
	if (jit_is_set(insn))
		return add_set(c, insn);
	return legal(c, insn) && jit_select(c, insn);
}

static void note_written(struct jit_run *r)
{
	r->x_written = r->f_written = 0;
	for (const struct jit_step *s = r->step; s < r->step + r->steps; s++) {
		bool writes = s->kind == JIT_STEP_SCALAR || s->kind == JIT_STEP_LOAD ||
			      s->kind == JIT_STEP_SET;

		if (writes && s->fp)
			r->f_written |= 1u << s->rd;
		else if (writes && s->rd)
			r->x_written |= 1u << s->rd;
	}
}

/* As many instructions as go together; what follows the last vector instruction is left out. */
static void collect(struct jit_comp *c)
{
	struct jit_run *r = c->run;
	unsigned int steps = 0, vectors = 0;

	for (unsigned int i = 0; i < r->count; i++) {
		if (!add(c, r->word[i]))
			break;
		if (c->count == vectors)
			continue;
		vectors = c->count;
		steps = r->steps;
		r->used = (uint16_t)(i + 1);
		r->vtype_after = c->vtype;
	}
	r->steps = steps;
	note_written(r);
	for (unsigned int i = 0; i < r->used; i++)
		r->slots = (uint16_t)(r->slots + r->size[i]);
}

/* What the translation does not cover may be another run. */
static void find_rest(struct sim_jit *j, struct jit_run *r)
{
	unsigned int at = r->used ? r->used : 1;

	while (at < r->count && (!jit_is_vector(r->word[at]) || !jit_candidate(r->word[at])))
		at++;
	r->rest_slots = 0;
	for (unsigned int i = 0; i < at; i++)
		r->rest_slots = (uint16_t)(r->rest_slots + r->size[i]);
	r->rest = (uint16_t)jit_find(j, r->word + at, r->size + at, r->count - at);
}

static void place_constants(struct jit_comp *c)
{
	for (unsigned int i = 0; i < c->scalars; i++)
		if (c->is_constant[i])
			c->run->frame.scalar[i] = c->constant[i];
}

void jit_compile(struct sim_hart *h, struct jit_run *r)
{
	struct jit_comp *c = calloc(1, sizeof(*c));
	uint8_t *code = malloc(JIT_CODE_MAX);
	size_t size;

	r->state = JIT_DEAD;
	r->used = r->slots = 0;
	r->steps = r->mems = r->killed_count = 0;
	r->fp = r->nearest = false;
	r->vtype = h->vtype;
	r->costs_n = 0;
	if (!c || !code)
		goto out;
	c->h = h;
	c->run = r;
	c->min_width = 3;
	adopt_vtype(c, h->vtype);
	collect(c);
	find_rest(h->jit, r);
	if (c->count < h->jit->least || !jit_place_checks(c))
		goto out;
	r->lanes = 64u >> c->max_width;
	place_constants(c);
	size = jit_emit(c, code, JIT_CODE_MAX);
	r->code = size ? jit_arena_add(h->jit, code, size) : NULL;
	if (r->code) {
		r->state = JIT_READY;
		h->jit->stats.compiled++;
	}
out:
	if (r->state != JIT_READY)
		h->jit->stats.refused++;
	free(code);
	free(c);
}
