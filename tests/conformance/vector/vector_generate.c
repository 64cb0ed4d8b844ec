// SPDX-License-Identifier: MIT
/* Random vector instructions with states in which most of them are legal. */
#include "vector_test.h"
#include "../../splitmix.h"

#include <stdlib.h>
#include <string.h>

#include "hart/hart.h"

uint64_t vt_random(uint64_t *state)
{
	return splitmix64_next(state);
}

struct gen {
	uint64_t rng;
	unsigned int vlenb, sew;
	int lmul;
	uint32_t vlmax;
	const struct vt_options *options;
};

static uint64_t rnd(struct gen *g)
{
	return vt_random(&g->rng);
}

static unsigned int below(struct gen *g, unsigned int n)
{
	return (unsigned int)(rnd(g) % n);
}

static bool chance(struct gen *g, unsigned int percent)
{
	return below(g, 100) < percent;
}

/* --- values ---------------------------------------------------------------------------------------- */

static uint64_t fp_special(struct gen *g, unsigned int sew)
{
	static const uint64_t f16[] = {
		0, 1, 0x3ff, 0x400, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x7c01, 0x7e00, 0x7dff, 0x4248,
		0x5bff, 0x0401, 0x3800, 0x57f8, 0x77ff, 0x7800,
	};
	static const uint64_t f32[] = {
		0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f800001, 0x7f7fffff, 0x7f800000,
		0x7f800001, 0x7fc00000, 0x7fbfffff, 0x4f000000, 0x4effffff, 0x4f800000,
		0x5f000000, 0x5f800000, 0x477fe000, 0x477ff000, 0x33800000, 0x38800000,
		0x387fffff, 0x33000000, 0x40490fdb, 0x00200000,
	};
	static const uint64_t f64[] = {
		0, 1, 0xfffffffffffff, 0x10000000000000, 0x3ff0000000000000, 0x3ff0000000000001,
		0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000,
		0x43e0000000000000, 0x43dfffffffffffff, 0x43f0000000000000, 0x41e0000000000000,
		0x47efffffe0000000, 0x47effffff0000000, 0x36a0000000000000, 0x3810000000000000,
		0x380fffffffffffff, 0x41dfffffffc00000, 0x400921fb54442d18,
	};
	uint64_t v, sign = (rnd(g) & 1) << ((8u << sew) - 1);

	switch (sew) {
	case 1:
		v = f16[below(g, sizeof(f16) / 8)];
		break;
	case 2:
		v = f32[below(g, sizeof(f32) / 8)];
		break;
	default:
		v = f64[below(g, sizeof(f64) / 8)];
		break;
	}
	return v | sign;
}

/* A number of moderate size, so that sums and products neither vanish nor overflow. */
static uint64_t fp_moderate(struct gen *g, unsigned int sew)
{
	static const unsigned int fraction[] = { 0, 10, 23, 52 }, bias[] = { 0, 15, 127, 1023 };
	uint64_t sign = (rnd(g) & 1) << ((8u << sew) - 1);
	uint64_t exp = bias[sew] - 4 + below(g, 9);

	return sign | exp << fraction[sew] | (rnd(g) & ((1ull << fraction[sew]) - 1));
}

static uint64_t value(struct gen *g, unsigned int sew, unsigned int kind)
{
	switch (kind) {
	case 0:
		return rnd(g);
	case 1:
		return sew ? fp_special(g, sew) : rnd(g);
	case 2:
		return sew ? fp_moderate(g, sew) : rnd(g) & 0x0f;
	case 3:
		return below(g, 40);
	case 4:
		return -(uint64_t)below(g, 4);
	case 5:
		return 1ull << below(g, 64);
	case 6:
		return chance(g, 50) ? 1ull << ((8u << sew) - 1) : (1ull << ((8u << sew) - 1)) - 1;
	default:
		return sew ? (chance(g, 30) ? fp_special(g, sew) : fp_moderate(g, sew)) : rnd(g);
	}
}

static void fill_vector(struct gen *g, uint8_t *v)
{
	unsigned int per = 4 + below(g, 5);

	for (unsigned int first = 0; first < 32; first += per) {
		unsigned int kind = below(g, 8), sew = g->sew;
		size_t from = (size_t)first * g->vlenb, end = (size_t)(first + per) * g->vlenb;

		if (chance(g, 25))
			sew = below(g, 4);
		if (end > 32ull * g->vlenb)
			end = 32ull * g->vlenb;
		for (size_t i = from; i < end; i += 1u << sew) {
			uint64_t e = value(g, sew, kind);

			memcpy(v + i, &e, 1u << sew);
		}
	}
	/* v0 is the mask more often than not */
	if (chance(g, 60)) {
		unsigned int density = below(g, 4);

		for (unsigned int i = 0; i < g->vlenb; i++)
			v[i] = (uint8_t)(density == 0 ? 0 : density == 1 ? 0xff :
					 density == 2 ? rnd(g) : rnd(g) & rnd(g) & rnd(g));
	}
}

/* --- instructions ------------------------------------------------------------------------------------ */

/* A register that suits a group of @emul, most of the time. */
static unsigned int reg(struct gen *g, int emul)
{
	unsigned int regs = emul > 0 ? 1u << emul : 1, r = below(g, 32);

	return chance(g, g->options->illegal ? 50 : 93) ? r & ~(regs - 1) & 31 : r;
}

static uint32_t op_v(struct gen *g)
{
	unsigned int funct3 = below(g, 7), funct6 = below(g, 64), vm = chance(g, 60);
	unsigned int vd, vs2, vs1;
	bool half = funct6 >= 0x30;

	vd = reg(g, g->lmul + (half && funct3 != 0 && funct3 != 4));
	vs2 = reg(g, g->lmul);
	vs1 = reg(g, g->lmul);
	if (funct3 == 3 || (funct3 >= 4 && funct3 != 3))
		vs1 = funct3 == 3 ? below(g, 32) : funct3 == 5 ? below(g, 32) : 10 + below(g, 8);
	if (chance(g, 5) || (funct3 >= 4 && chance(g, 3)))
		vs1 = funct3 >= 4 && funct3 != 5 ? 0 : vs1;
	/* unary groups: a code in vs1; scalar results go to x10..17 */
	if ((funct3 == 1 || funct3 == 2) && (funct6 == 0x12 || funct6 == 0x13 || funct6 == 0x14))
		vs1 = below(g, 32);
	if (funct3 == 2 && funct6 == 0x10) {
		static const uint8_t codes[] = { 0, 16, 17 };

		vd = 10 + below(g, 8);
		vs1 = chance(g, 90) ? codes[below(g, 3)] : below(g, 32);
		vm = chance(g, 70);
	}
	if (funct3 == 1 && funct6 == 0x10)
		vs1 = chance(g, 90) ? 0 : vs1;
	if ((funct3 == 6 || funct3 == 5) && funct6 == 0x10)
		vs2 = chance(g, 90) ? 0 : vs2;
	if (funct6 == 0x17 && vm && funct3 != 2 && chance(g, 85))
		vs2 = 0;
	if (funct3 == 2 && funct6 >= 0x17 && funct6 <= 0x1f && chance(g, 90))
		vm = 1;
	if (funct3 == 3 && funct6 == 0x27) {
		vs1 = chance(g, 80) ? (1u << below(g, 4)) - 1 : vs1;
		vm = chance(g, 95);
	}
	if (funct3 == 2 && funct6 == 0x14 && (vs1 == 17) && chance(g, 80))
		vs2 = 0;
	return funct6 << 26 | vm << 25 | vs2 << 20 | vs1 << 15 | funct3 << 12 | vd << 7 | 0x57;
}

static uint32_t config(struct gen *g)
{
	unsigned int rd = chance(g, 20) ? 0 : 10 + below(g, 8);
	unsigned int rs1 = chance(g, 20) ? 0 : 10 + below(g, 8);
	uint32_t vtype = (uint32_t)(rnd(g) & 0xff);

	if (chance(g, 10))
		vtype |= (uint32_t)rnd(g) & 0x3ff;
	switch (below(g, 4)) {
	case 0:
		return 3u << 30 | (vtype & 0x3ff) << 20 | below(g, 32) << 15 | 7 << 12 | rd << 7 | 0x57;
	case 1:
		return 0x40u << 25 | (10 + below(g, 8)) << 20 | rs1 << 15 | 7 << 12 | rd << 7 | 0x57;
	default:
		return (vtype & 0x7ff) << 20 | rs1 << 15 | 7 << 12 | rd << 7 | 0x57;
	}
}

/* Loads and stores; x10 is the base, x11 the stride. */
static uint32_t memory(struct gen *g, struct vt_case *c)
{
	static const unsigned int widths[] = { 0, 5, 6, 7 };
	static const unsigned int lumops[] = { 0, 0, 8, 11, 16 };
	unsigned int eew = below(g, 4), mop = below(g, 4), nf = chance(g, 50) ? 0 : below(g, 8);
	unsigned int vm = chance(g, 60), opcode = chance(g, 60) ? 0x07 : 0x27, rs2, vd;
	int emul = (int)eew - (int)g->sew + g->lmul;

	if (mop == 0) {
		rs2 = chance(g, 95) ? lumops[below(g, 5)] : below(g, 32);
		if ((rs2 == 8 || rs2 == 11) && chance(g, 90))
			vm = 1;
		if (rs2 == 8 && chance(g, 90))
			nf = (1u << below(g, 4)) - 1;
		if (rs2 == 11 && chance(g, 90))
			nf = 0, eew = 0;
		vd = rs2 == 8 ? reg(g, nf == 7 ? 3 : nf == 3 ? 2 : nf == 1) : reg(g, emul);
	} else if (mop == 2) {
		rs2 = 11;
		vd = reg(g, emul);
	} else {
		rs2 = reg(g, emul);
		vd = reg(g, g->lmul);
		/* indices that stay inside */
		for (size_t i = 0; i < 8ull * g->vlenb && rs2 * (size_t)g->vlenb + i < 32ull * g->vlenb;
		     i += 1u << eew) {
			uint64_t index = chance(g, 97) ? below(g, eew ? 1900 : 256) : rnd(g) & 0x3fff;

			memcpy(c->v + rs2 * (size_t)g->vlenb + i, &index, 1u << eew);
		}
	}
	/* qemu 11.1 asserts when vstart is past the elements of a unit-stride access. */
	if (mop == 0) {
		uint64_t evl = rs2 == 8 ? (nf + 1) * g->vlenb >> eew : rs2 == 11 ? (c->in.vl + 7) / 8 :
											   c->in.vl;

		c->in.vstart = evl ? c->in.vstart % evl : 0;
	}
	c->in.flags |= 1;
	c->in.x[10] = MEM_BASE + 4096 + below(g, 4096);
	if (chance(g, 12))	/* near the end */
		c->in.x[10] = MEM_BASE + MEM_BYTES - below(g, 1 + 4 * g->vlenb % 8000);
	if (chance(g, 3))
		c->in.x[10] = MEM_BASE - below(g, 64);
	if (chance(g, 60))
		c->in.x[10] &= ~7ull;
	c->in.x[11] = (uint64_t)(int64_t)((int)below(g, 40) - 16);
	if (chance(g, 20))
		c->in.x[11] = (uint64_t)(int64_t)((int)below(g, 4000) - 2000);
	return nf << 29 | (chance(g, 1) ? 1u << 28 : 0) | mop << 26 | vm << 25 | rs2 << 20 |
	       10 << 15 | widths[eew] << 12 | vd << 7 | opcode;
}

static bool wanted(struct gen *g, uint32_t insn)
{
	unsigned int funct3 = insn >> 12 & 7, funct6 = insn >> 26, vs1 = insn >> 15 & 31;
	bool fp = (insn & 0x7f) == 0x57 && (funct3 == 1 || funct3 == 5);

	/* Mostly words that mean something, of a width for which they do. */
	if (!g->options->illegal && chance(g, 90)) {
		bool wide = (insn & 0x7f) == 0x57 && (insn >> 12 & 7) < 7 && funct6 >= 0x2c &&
			    (funct3 % 4 ? funct6 >= 0x30 : true);

		if (!sim_vector_decode(insn) || (fp && !g->sew && funct6 != 0x12) ||
		    (wide && (g->sew == 3 || g->lmul == 3)))
			return false;
	}
	if (!fp)
		return true;
	if (!g->options->bf16 && (funct6 == 0x3b || (funct6 == 0x12 && (vs1 == 13 || vs1 == 29))))
		return false;
	return g->options->f16 || g->sew > 1;
}

static void state(struct gen *g, struct vt_case *c)
{
	static const int lmuls[] = { 0, 1, 2, 3, -1, -2, -3 };
	uint32_t vl;

	do {
		g->sew = below(g, 4);
		g->lmul = lmuls[below(g, 7)];
	} while (g->lmul < 0 && (int)g->sew > 3 + g->lmul);
	g->vlmax = g->lmul >= 0 ? g->vlenb << g->lmul >> g->sew : g->vlenb >> -g->lmul >> g->sew;
	switch (below(g, 6)) {
	case 0:
		vl = g->vlmax;
		break;
	case 1:
		vl = below(g, 4);
		break;
	default:
		vl = below(g, g->vlmax + 1);
		break;
	}
	c->in.vl = vl;
	c->in.vtype = g->sew << 3 | ((unsigned int)g->lmul & 7) | (rnd(g) & 0xc0);
	if (chance(g, 1))
		c->in.vtype = 1ull << 62;
	c->in.vstart = chance(g, 85) ? 0 : below(g, vl + 3 < g->vlenb * 8 ? vl + 3 : vl + 1);
	c->in.vcsr = rnd(g) & 7;
	c->in.fcsr = below(g, chance(g, 97) ? 5 : 8) << 5 | (rnd(g) & 31 & rnd(g));
	for (unsigned int i = 10; i < 18; i++) {
		c->in.x[i] = value(g, g->sew ? g->sew : 1, below(g, 8));
		if (chance(g, 30))
			c->in.x[i] = below(g, g->vlmax + 2);
	}
	for (unsigned int i = 0; i < 32; i++) {
		unsigned int sew = chance(g, 80) ? g->sew : 1 + below(g, 3);

		c->in.f[i] = value(g, sew ? sew : 1, chance(g, 50) ? 7 : below(g, 3));
		if (chance(g, 85) && sew < 3)
			c->in.f[i] |= UINT64_MAX << (8u << (sew ? sew : 1));
	}
}

static void generate_one(struct gen *g, struct vt_case *c)
{
	state(g, c);
	c->v = malloc(32ull * g->vlenb);
	fill_vector(g, c->v);
	do {
		unsigned int what = below(g, 100);

		c->in.flags = 0;
		c->insn = what < 2 ? config(g) : what < 22 ? memory(g, c) : op_v(g);
	} while (!wanted(g, c->insn));
	if (c->in.flags & 1) {
		c->mem = malloc(MEM_BYTES);
		for (unsigned int i = 0; i < MEM_BYTES; i += 8) {
			uint64_t v = rnd(g);

			memcpy(c->mem + i, &v, 8);
		}
	}
}

void vt_generate(struct vt_batch *b, unsigned int vlen, unsigned int n,
		 const struct vt_options *options)
{
	struct gen g = { .rng = options->seed, .vlenb = vlen / 8, .options = options };

	b->vlen = vlen;
	b->n = n;
	b->cases = calloc(n, sizeof(*b->cases));
	for (unsigned int i = 0; i < n; i++)
		generate_one(&g, &b->cases[i]);
}

void vt_batch_free(struct vt_batch *b)
{
	for (unsigned int i = 0; i < b->n; i++) {
		free(b->cases[i].v);
		free(b->cases[i].mem);
	}
	free(b->cases);
}

/* --- streams ---------------------------------------------------------------------------------------- */

void vt_append(struct vt_bytes *b, const void *data, size_t n)
{
	if (b->size + n > b->room) {
		b->room = (b->size + n) * 2;
		b->data = realloc(b->data, b->room);
	}
	memcpy(b->data + b->size, data, n);
	b->size += n;
}

void vt_serialise(const struct vt_batch *b, struct vt_bytes *to)
{
	uint64_t n = b->n;

	vt_append(to, &n, 8);
	for (unsigned int i = 0; i < b->n; i++) {
		uint32_t slot[2] = { b->cases[i].insn, 0x000f8067 };	/* jr t6 */

		vt_append(to, slot, 8);
	}
	for (unsigned int i = 0; i < b->n; i++) {
		const struct vt_case *c = &b->cases[i];

		vt_append(to, &c->in, sizeof(c->in));
		vt_append(to, c->v, 32ull * (b->vlen / 8));
		if (c->mem)
			vt_append(to, c->mem, MEM_BYTES);
	}
}
