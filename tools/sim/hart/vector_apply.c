// SPDX-License-Identifier: MIT
/* Masks, vstart and modelled costs around the kernels. */
#include "vector_apply.h"

#include <string.h>

static const uint64_t safe_values[][4] = {
	[VEC_SAFE_NONE]		= { 0, 0, 0, 0 },
	[VEC_SAFE_ZERO]		= { 0, 0, 0, 0 },
	[VEC_SAFE_ONE]		= { 0, 0x3c00, 0x3f800000, 0x3ff0000000000000 },
	[VEC_SAFE_ONE_BF16]	= { 0, 0x3f80, 0x3f800000, 0x3ff0000000000000 },
};

void vec_active(struct sim_hart *hart, uint32_t insn, const struct vec_state *s, uint8_t *active)
{
	uint32_t start = s->start < s->n ? s->start : s->n;

	if (vec_unmasked(insn))
		memset(active, 0xff, s->n);
	else
		vec_kint->expand(active, vec_reg(hart, 0), s->n);
	memset(active, 0, start);
}

/* Fills @buf with what is active of @from; the rest is @safe. */
static const uint8_t *make_safe(uint8_t *buf, const uint8_t *from, const uint8_t *active,
				unsigned int sew, uint64_t safe, size_t n)
{
	vec_kint->splat[sew](buf, safe, n);
	vec_kint->select[sew](buf, from, buf, active, n);
	return buf;
}

uint32_t vec_call_masked(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
			 const struct vec_call *c)
{
	uint8_t active[VEC_GROUP_MAX], d[VEC_GROUP_MAX] __attribute__((aligned(64)));
	uint8_t a_buf[VEC_GROUP_MAX] __attribute__((aligned(64)));
	uint8_t b_buf[VEC_GROUP_MAX] __attribute__((aligned(64)));
	const uint64_t *safe = safe_values[c->safe];
	const uint8_t *a = c->a, *b = c->b;
	uint32_t flags;

	if (s->start >= s->n)
		return 0;
	vec_active(hart, insn, s, active);
	if (c->safe) {
		if (b) {
			make_safe(b_buf, b, active, c->b_sew, safe[c->b_sew], s->n);
		} else {
			vec_kint->splat[c->b_sew](b_buf, safe[c->b_sew], s->n);
			vec_kint->select_x[c->b_sew](b_buf, c->x, b_buf, active, s->n);
		}
		b = b_buf;
		a = make_safe(a_buf, a, active, c->a_sew, safe[c->a_sew], s->n);
		if (c->reads_d)
			make_safe(d, c->d, active, c->d_sew, safe[c->d_sew], s->n);
	} else if (c->reads_d) {
		memcpy(d, c->d, (size_t)s->n << c->d_sew);
	}
	flags = (b ? c->k->vv : c->k->vx)[c->row](d, a, b, c->x, s->n, c->rm);
	vec_kint->select[c->d_sew](c->d, d, c->d, active, s->n);
	return flags;
}

void vec_write_bits(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    const uint8_t *bits)
{
	uint8_t *d = vec_reg(hart, vec_vd(insn));
	size_t whole = s->n / 8;

	memcpy(d, bits, whole);
	if (s->n % 8) {
		unsigned int m = (1u << s->n % 8) - 1;

		d[whole] = (uint8_t)((d[whole] & ~m) | bits[whole]);
	}
}

void vec_write_mask(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    const uint8_t *bytes)
{
	uint8_t active[VEC_GROUP_MAX], bits[SIM_VLEN_MAX / 8], keep[SIM_VLEN_MAX / 8];
	uint8_t *d = vec_reg(hart, vec_vd(insn));

	vec_kint->pack(bits, bytes, s->n);
	if (vec_whole(insn, s)) {
		vec_write_bits(hart, insn, s, bits);
		return;
	}
	if (s->start >= s->n)
		return;
	vec_active(hart, insn, s, active);
	vec_kint->pack(keep, active, s->n);
	for (size_t i = 0; i < (s->n + 7) / 8; i++)
		d[i] = (uint8_t)((d[i] & ~keep[i]) | (bits[i] & keep[i]));
}

void vec_write_active(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		      unsigned int sew, const uint8_t *result)
{
	uint8_t active[VEC_GROUP_MAX];
	uint8_t *d = vec_reg(hart, vec_vd(insn));

	if (vec_whole(insn, s)) {
		memcpy(d, result, (size_t)s->n << sew);
		return;
	}
	vec_active(hart, insn, s, active);
	vec_kint->select[sew](d, result, d, active, s->n);
}

/* --- modelled cost; Documentation/hw/vector.rst has the formulas --------------------------------- */

static unsigned int log2_floor(uint64_t v)
{
	return v ? 63 - (unsigned int)__builtin_clzll(v) : 0;
}

void vec_cost_divide(struct sim_hart *hart, const struct vec_state *s)
{
	vec_cost_elems(hart, s, s->sew, 1u << (s->sew + 1));
}

void vec_cost_reduce(struct sim_hart *hart, const struct vec_state *s, unsigned int sew)
{
	uint32_t dlen = hart->costs->dlen;

	vec_cost_elems(hart, s, sew, 1);
	if (dlen && s->n)
		hart->cycles16 += 16ull * 4 * log2_floor(dlen >> (sew + 3));
}

void vec_cost_ordered(struct sim_hart *hart, const struct vec_state *s)
{
	hart->cycles16 += hart->costs->vector_startup;
	if (hart->costs->dlen)
		hart->cycles16 += 16ull * 4 * s->n;
}

void vec_cost_serial(struct sim_hart *hart, const struct vec_state *s)
{
	uint64_t per_cycle = hart->costs->dlen / 128;

	hart->cycles16 += hart->costs->vector_startup;
	if (hart->costs->dlen) {
		per_cycle = per_cycle ? per_cycle : 1;
		hart->cycles16 += 16 * ((s->n + per_cycle - 1) / per_cycle);
	}
}

void vec_cost_memory(struct sim_hart *hart, uint64_t bytes)
{
	uint32_t rate = hart->costs->vmem_bytes;

	hart->cycles16 += hart->costs->vector_startup;
	if (!rate || !bytes)
		return;
	/* A division takes longer than the rest of the handler. */
	if (!(rate & (rate - 1)))
		hart->cycles16 += 16 * (((bytes - 1) >> __builtin_ctz(rate)) + 1);
	else
		hart->cycles16 += 16 * ((bytes - 1) / rate + 1);
}

void vec_cost_accesses(struct sim_hart *hart, uint64_t accesses)
{
	uint64_t per_cycle = hart->costs->vmem_bytes / 64;

	hart->cycles16 += hart->costs->vector_startup;
	if (hart->costs->vmem_bytes) {
		per_cycle = per_cycle ? per_cycle : 1;
		hart->cycles16 += 16 * ((accesses + per_cycle - 1) / per_cycle);
	}
}
