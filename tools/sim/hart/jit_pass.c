// SPDX-License-Identifier: MIT
/*
 * One execution of a compiled run.  Everything that could go wrong is found out first; then nothing
 * has happened yet and the interpreter takes over.  A strip in which a NaN showed is executed by
 * the interpreter's handlers, restricted to its elements by vstart and vl.
 */
#include "guest.h"
#include "jit.h"
#include "vector_fpenv.h"
#include "vector_mem.h"

/* Strikes are passes refused and strips left; they are forgiven one by one in good passes. */
#define STRIKE		4
#define STRIKES_MAX	1024
#define SLEEP		16384	/* passes that are interpreted after too many strikes */

struct pass {
	struct sim_hart *h;
	struct jit_run *r;
	struct jit_range range[JIT_OPS];
	unsigned int ranges;
	uint64_t x[32], f[32];	/* before the steps: those that they write */
};

/* --- before ---------------------------------------------------------------------------------- */

/* Host address of @bytes at @va, if they can be accessed and lie in one piece; else NULL. */
static uint8_t *host_of(struct sim_hart *h, uint64_t va, uint64_t bytes, enum sim_access access)
{
	uint64_t next = SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1));
	uint8_t *host = sim_hart_host(h, va, access);

	if (!host || va + bytes < va)
		return NULL;
	for (; next < bytes; next += SIM_PAGE_SIZE)
		if (sim_hart_host(h, va + next, access) != host + next)
			return NULL;
	return host;
}

static void save_scalars(struct pass *p)
{
	for (uint32_t left = p->r->x_written; left; left &= left - 1)
		p->x[__builtin_ctz(left)] = p->h->x[__builtin_ctz(left)];
	for (uint32_t left = p->r->f_written; left; left &= left - 1)
		p->f[__builtin_ctz(left)] = p->h->f[__builtin_ctz(left)];
}

static void restore_scalars(struct pass *p)
{
	for (uint32_t left = p->r->x_written; left; left &= left - 1)
		p->h->x[__builtin_ctz(left)] = p->x[__builtin_ctz(left)];
	for (uint32_t left = p->r->f_written; left; left &= left - 1)
		p->h->f[__builtin_ctz(left)] = p->f[__builtin_ctz(left)];
}

static bool note_range(struct pass *p, const uint8_t *host, uint64_t bytes, bool store)
{
	if (!host)
		return false;
	p->range[p->ranges++] = (struct jit_range){ host, bytes, store };
	return true;
}

static bool step_load(struct pass *p, struct jit_step *s)
{
	struct sim_hart *h = p->h;
	uint64_t va = h->x[s->rs1] + (uint64_t)(int64_t)s->imm, value = 0;
	unsigned int bytes = 1u << s->width;
	uint8_t *host;

	/* What is misaligned may be a fault, or slow: not here. */
	if (va & (bytes - 1))
		return false;
	host = host_of(h, va, bytes, SIM_ACCESS_LOAD);
	if (!note_range(p, host, bytes, false))
		return false;
	switch (s->width) {
	case 0:
		value = guest_read_uint8_t(host);
		break;
	case 1:
		value = guest_read_uint16_t(host);
		break;
	case 2:
		value = guest_read_uint32_t(host);
		break;
	default:
		value = guest_read_uint64_t(host);
	}
	if (s->fp && s->width < 3)
		value |= UINT64_MAX << (8 * bytes);
	else if (s->sign)
		value = (uint64_t)((int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes));
	s->value = value;
	(s->fp ? h->f : h->x)[s->rd] = value;
	return true;
}

static bool step_set(struct sim_hart *h, const struct jit_step *s)
{
	uint64_t avl = s->imm ? s->rs1 : s->rs1 ? h->x[s->rs1] : s->rd ? UINT64_MAX : h->vl;

	if ((avl < s->mask ? avl : s->mask) != h->vl)
		return false;
	if (s->rd)
		h->x[s->rd] = h->vl;
	return true;
}

static bool step_memory(struct pass *p, const struct jit_step *s)
{
	uint64_t bytes = (uint64_t)p->h->vl << s->width;
	uint8_t *host = host_of(p->h, p->h->x[s->rs1], bytes,
				s->store ? SIM_ACCESS_STORE : SIM_ACCESS_LOAD);

	p->r->frame.mem[s->to] = host;
	return note_range(p, host, bytes, s->store);
}

static uint64_t widened_bf16(uint64_t f)
{
	return (f >> 16 == UINT64_MAX >> 16 ? f & 0xffff : SIM_BF16_NAN) << 16;
}

static bool execute_steps(struct pass *p)
{
	struct sim_hart *h = p->h;
	struct jit_run *r = p->r;

	for (struct jit_step *s = r->step; s < r->step + r->steps; s++) {
		switch (s->kind) {
		case JIT_STEP_SCALAR:
			jit_scalar_execute(h, s);
			break;
		case JIT_STEP_LOAD:
			if (!step_load(p, s))
				return false;
			break;
		case JIT_STEP_SET:
			if (!step_set(h, s))
				return false;
			break;
		case JIT_STEP_MEM:
			if (!step_memory(p, s))
				return false;
			break;
		case JIT_STEP_X:
			r->frame.scalar[s->to] = h->x[s->rs1] & s->mask;
			break;
		case JIT_STEP_F:
			r->frame.scalar[s->to] = vec_fp_scalar(h, s->rs1, s->width);
			break;
		default:
			r->frame.scalar[s->to] = widened_bf16(h->f[s->rs1]);
		}
	}
	return true;
}

/*
 * Strips change the order of accesses, so different instructions may not touch the same bytes, save
 * as the same elements; and stores come last in a strip, so no load may follow one to its place.
 */
static bool ranges_apart(const struct pass *p)
{
	for (unsigned int i = 1; i < p->ranges; i++) {
		const struct jit_range *b = &p->range[i];

		for (const struct jit_range *a = p->range; a < b; a++) {
			if (a->host + a->bytes <= b->host || b->host + b->bytes <= a->host)
				continue;
			if (a->host != b->host || a->bytes != b->bytes || (a->store && !b->store))
				return false;
		}
	}
	return true;
}

static bool ready(const struct sim_hart *h, const struct jit_run *r)
{
	struct vec_state s;

	return h->vtype == r->vtype && vec_begin(h, &s) && !s.start && s.n &&
	       (!r->fp || (!h->fs_off && h->frm < SIM_RM_RMM)) && (!r->nearest || !h->frm);
}

/* --- a strip by the interpreter ------------------------------------------------------------------- */

static void copy_element(uint8_t *to, const uint8_t *from, unsigned int width)
{
	memcpy(to, from, (size_t)1 << width);
}

/* The memory was translated and found in one piece already. */
static void strip_memory(struct sim_hart *h, uint32_t insn, uint8_t *host)
{
	uint8_t *reg = vec_reg(h, vec_vd(insn));
	unsigned int width = vec_width(insn);

	for (uint64_t i = h->vstart; i < h->vl; i++) {
		size_t at = (size_t)i << width;

		if (!vec_unmasked(insn) && !(h->v[i / 8] >> (i % 8) & 1))
			continue;
		if (vec_is_load(insn))
			copy_element(reg + at, host + at, width);
		else
			copy_element(host + at, reg + at, width);
	}
	h->vstart = 0;
}

/* The scalar instructions take their turns again, for what handlers read; @at is at their steps. */
static void replay_scalar(struct sim_hart *h, const struct jit_step **at)
{
	while ((*at)->kind != JIT_STEP_SCALAR && (*at)->kind != JIT_STEP_LOAD)
		(*at)++;
	if ((*at)->kind == JIT_STEP_LOAD)
		((*at)->fp ? h->f : h->x)[(*at)->rd] = (*at)->value;
	else
		jit_scalar_execute(h, *at);
	(*at)++;
}

static void strip_instructions(struct pass *p, uint32_t from, uint32_t to)
{
	const struct jit_step *step = p->r->step;
	struct sim_hart *h = p->h;
	struct jit_run *r = p->r;
	unsigned int mem = 0;
	uint64_t n = r->frame.n;

	restore_scalars(p);
	h->vtype = r->vtype;
	for (unsigned int i = 0; i < r->used; i++) {
		uint32_t insn = r->word[i];

		if (!jit_is_vector(insn) || !sim_vector_decode(insn)) {
			replay_scalar(h, &step);
		} else if (jit_is_set(insn)) {
			h->vtype = insn >> 20 & (insn >> 31 ? 0x3ffu : 0x7ffu);
			if (vec_vd(insn))
				h->x[vec_vd(insn)] = n;
		} else {
			h->vl = to;
			h->vstart = from;
			if ((insn & 0x7f) == 0x57)
				(void)sim_vector_decode(insn)(h, insn);
			else
				strip_memory(h, insn, r->frame.mem[mem++]);
		}
	}
}

/*
 * Handlers write what generated code leaves out, the groups that are overwritten later.  Those bytes
 * of them that belong to this strip hold results of earlier strips, of the covering group.
 */
static void interpret_strip(struct pass *p, uint32_t from)
{
	uint8_t kept[JIT_KILLED][64];
	struct sim_hart *h = p->h;
	struct jit_run *r = p->r;
	uint64_t cycles16 = h->cycles16;
	uint32_t end = from + r->lanes < r->frame.n ? from + r->lanes : (uint32_t)r->frame.n;

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; from && i < r->killed_count; i++) {
			const struct jit_killed *k = &r->killed[i];
			bool mask = k->width == JIT_MASK;
			size_t at = mask ? from / 8 : (size_t)from << k->width;
			size_t bytes = mask ? r->lanes / 8 : (size_t)r->lanes << k->width;
			uint8_t *reg = vec_reg(h, k->base) + at;

			if (!pass)
				memcpy(kept[i], reg, bytes);
			else
				memcpy(reg, kept[i], bytes);
		}
		if (!pass)
			strip_instructions(p, from, end);
	}
	h->cycles16 = cycles16;
	h->vl = (uint32_t)r->frame.n;
	h->vstart = 0;
}

/* --- the pass ---------------------------------------------------------------------------------------- */

static void fp_begin(struct sim_hart *h)
{
	if (h->fp_pending && !h->frm)
		return;
	sim_hart_settle_fp(h);
	vec_host_enter(h, h->frm);
}

static void fp_end(struct sim_hart *h)
{
	if (h->fp_lazy && h->frm == SIM_RM_RNE)
		h->fp_pending = true;
	else
		h->fflags |= vec_host_leave(h->frm);
}

static void charge(struct sim_hart *h, struct jit_run *r)
{
	struct vec_state s = { .n = h->vl };
	uint64_t vtype = r->vtype;

	if (r->costs_n != s.n) {
		r->costs = 0;
		for (unsigned int i = 0; i < r->used; i++) {
			uint32_t insn = r->word[i];

			if (!jit_is_vector(insn) || !sim_vector_decode(insn))
				continue;
			s.sew = vtype >> 3 & 3;
			if (jit_is_set(insn)) {
				vtype = insn >> 20 & (insn >> 31 ? 0x3ffu : 0x7ffu);
				r->costs += h->costs->scalar;
			} else {
				r->costs += jit_cost(h, insn, &s);
			}
		}
		r->costs_n = s.n;
	}
	h->cycles16 += r->costs;
}

static void execute(struct pass *p)
{
	struct sim_hart *h = p->h;
	struct jit_run *r = p->r;
	struct jit_frame *f = &r->frame;
	uint64_t at = 0;

	f->v = h->v;
	f->n = h->vl;
	f->whole = f->n - f->n % r->lanes;
	f->tail = (1ull << f->n % r->lanes) - 1;
	for (;;) {
		f->start = at;
		if (r->fp)
			fp_begin(h);
		at = r->code(f);
		if (r->fp)
			fp_end(h);
		if (at >= f->n)
			break;
		interpret_strip(p, (uint32_t)at);
		r->strikes += STRIKE;
		h->jit->stats.strips++;
		at += r->lanes;
	}
	h->vtype = r->vtype_after;
}

bool jit_pass(struct sim_hart *h, struct jit_run *r)
{
	struct pass p;
	bool done;

	if (!ready(h, r))
		return false;
	p.h = h;
	p.r = r;
	p.ranges = 0;
	save_scalars(&p);
	done = execute_steps(&p) && ranges_apart(&p);
	if (done) {
		r->strikes -= r->strikes ? 1 : 0;
		execute(&p);
		charge(h, r);
		h->jit->stats.passes++;
	} else {
		restore_scalars(&p);
		r->strikes += STRIKE;
	}
	if (SIM_UNLIKELY(r->strikes > STRIKES_MAX)) {
		r->strikes = 0;
		r->sleep = SLEEP;
	}
	return done;
}
