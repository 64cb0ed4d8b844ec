// SPDX-License-Identifier: MIT
/* What vector instructions give, element by element, by this machine's own arithmetic. */
#include <math.h>
#include <string.h>

#include "diag.h"

#define NAME_INT(name, text, bits)	{ "vector", text " e" #bits },
#define NAME_FLOAT(name, text, bits)	{ "vector-float", text " e" #bits },
#define NAME_MOVE(name, text, bits)	{ "vector-move", text },
const struct diag_golden diag_vector_names[DIAG_VECTORS] = {
	DIAG_VECTOR_INT(NAME_INT) DIAG_VECTOR_FLOAT(NAME_FLOAT) DIAG_VECTOR_MOVE(NAME_MOVE)
};

/* --- integers: an element with its sign, and without ----------------------------------------- */

struct element {
	int64_t s;
	uint64_t u;
	unsigned int bits;
};

static struct element element_of(const uint8_t *p, uint64_t i, unsigned int bits)
{
	struct element e = { .bits = bits };

	memcpy(&e.u, p + i * bits / 8, bits / 8);
	e.s = (int64_t)(e.u << (64 - bits)) >> (64 - bits);
	return e;
}

static uint64_t most_of(unsigned int bits)
{
	return UINT64_MAX >> (64 - bits);
}

static uint64_t divided(struct element a, struct element b)
{
	return !b.u ? UINT64_MAX : b.s == -1 ? 0 - a.u : (uint64_t)(a.s / b.s);
}

static uint64_t left_over(struct element a, struct element b)
{
	return !b.u ? a.u : b.s == -1 ? 0 : (uint64_t)(a.s % b.s);
}

#define E	struct element
#define SHIFT	(b.u & (b.bits - 1))
#define INT(name, value)	static uint64_t golden_##name(E a, E b) { return (uint64_t)(value); }
INT(vadd, a.u + b.u)
INT(vsub, a.u - b.u)
INT(vmul, a.u * b.u)
INT(vmulh, ((__int128)a.s * b.s) >> a.bits)
INT(vmulhu, ((unsigned __int128)a.u * b.u) >> a.bits)
INT(vdiv, divided(a, b))
INT(vdivu, b.u ? a.u / b.u : UINT64_MAX)
INT(vrem, left_over(a, b))
INT(vremu, b.u ? a.u % b.u : a.u)
INT(vand, a.u & b.u)
INT(vor, a.u | b.u)
INT(vxor, a.u ^ b.u)
INT(vsll, a.u << SHIFT)
INT(vsrl, a.u >> SHIFT)
INT(vsra, a.s >> SHIFT)
INT(vmin, a.s < b.s ? a.s : b.s)
INT(vmax, a.s > b.s ? a.s : b.s)
INT(vminu, a.u < b.u ? a.u : b.u)
INT(vmaxu, a.u > b.u ? a.u : b.u)
INT(vsaddu, a.u > most_of(a.bits) - b.u ? most_of(a.bits) : a.u + b.u)
INT(vssubu, a.u > b.u ? a.u - b.u : 0)

static void golden_int(uint64_t (*of)(E a, E b), unsigned int bits, const uint8_t *a, const uint8_t *b,
		       uint64_t bytes, uint8_t *out)
{
	for (uint64_t i = 0; i < bytes * 8 / bits; i++) {
		uint64_t r = of(element_of(a, i, bits), element_of(b, i, bits));

		memcpy(out + i * bits / 8, &r, bits / 8);
	}
}

/* --- floats ---------------------------------------------------------------------------------- */

static float f32_of(const uint8_t *p, uint64_t i)
{
	float f;

	memcpy(&f, p + 4 * i, 4);
	return f;
}

static double f64_of(const uint8_t *p, uint64_t i)
{
	double f;

	memcpy(&f, p + 8 * i, 8);
	return f;
}

#define FLOAT(name, v32, v64)								\
static double golden64_##name(double a, double b) { return v64; }			\
static float golden32_##name(float a, float b) { return v32; }
FLOAT(vfadd, a + b, a + b)
FLOAT(vfsub, a - b, a - b)
FLOAT(vfmul, a * b, a * b)
FLOAT(vfdiv, a / b, a / b)
FLOAT(vfmin, a < b ? a : b, a < b ? a : b)
FLOAT(vfmax, a > b ? a : b, a > b ? a : b)
FLOAT(vfsgnjx, signbit(b) ? -a : a, signbit(b) ? -a : a)
FLOAT(vfmacc, fmaf(a, b, b), fma(a, b, b))

static void golden_f32(float (*of)(float a, float b), const uint8_t *a, const uint8_t *b,
		       uint64_t bytes, uint8_t *out)
{
	for (uint64_t i = 0; i < bytes / 4; i++) {
		float r = of(f32_of(a, i), f32_of(b, i));

		memcpy(out + 4 * i, &r, 4);
	}
}

static void golden_f64(double (*of)(double a, double b), const uint8_t *a, const uint8_t *b, uint64_t bytes,
		       uint8_t *out)
{
	for (uint64_t i = 0; i < bytes / 8; i++) {
		double r = of(f64_of(a, i), f64_of(b, i));

		memcpy(out + 8 * i, &r, 8);
	}
}

/* --- moves, reductions, memory: of 32 bits; @out holds b at first ---------------------------- */

struct move {
	const uint32_t *a, *b;		/* a: of two registers */
	const uint8_t *fa, *fb;
	uint32_t *out;
	uint64_t n;			/* elements of a register */
};

static void golden_gathered(const struct move *m, unsigned int by)
{
	for (uint64_t i = 0; i < m->n; i++) {
		switch (by) {
		case 0: m->out[i] = m->a[m->b[i] % m->n]; break;		/* vrgather, vluxei */
		case 1: m->out[i] = i < 5 ? m->b[i] : m->a[i - 5]; break;	/* vslideup */
		case 2: m->out[i] = i + 5 < m->n ? m->a[i + 5] : 0; break;	/* vslidedown */
		case 3: m->out[i] = m->a[i] < m->b[i] ? m->b[i] : m->a[i]; break;	/* vmerge */
		case 4: m->out[i] = (uint32_t)i; break;				/* vid */
		case 5: m->out[i] = m->a[2 * i]; break;				/* vlse */
		default: m->out[i] = m->a[2 * i + 1]; break;			/* vlseg2, the second field */
		}
	}
}

static void golden_compressed(const struct move *m)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < m->n; i++) {
		if (m->a[i] < m->b[i])
			m->out[at++] = m->a[i];
	}
}

static void golden_reduced(const struct move *m, unsigned int how)
{
	uint32_t r = m->b[0];

	for (uint64_t i = 0; i < m->n; i++)
		r = how == 0 ? r + m->a[i] : how == 1 ? (r > m->a[i] ? r : m->a[i]) : r ^ m->a[i];
	m->out[0] = r;
}

static void golden_floats(const struct move *m)
{
	float sum = f32_of(m->fb, 0);

	for (uint64_t i = 0; i < m->n; i++)
		sum += f32_of(m->fa, i);
	memcpy(m->out, m->fb, m->n * 4);
	memcpy(m->out, &sum, 4);
	for (uint64_t i = 0; i < m->n; i++) {
		float root = sqrtf(fabsf(f32_of(m->fa, i)));

		memcpy(m->out + m->n + i, &root, 4);
		m->out[2 * m->n + i] = (uint32_t)(int32_t)lrintf(f32_of(m->fa, i));
	}
}

static void golden_moves(struct move m)
{
	static const struct {
		unsigned int kind, how;		/* 0: golden_gathered, 1: _compressed, 2: _reduced */
	} steps[] = {
		{ 0, 0 }, { 0, 1 }, { 0, 2 }, { 0, 3 }, { 1, 0 }, { 0, 4 },
		{ 2, 0 }, { 2, 1 }, { 2, 2 }, { 0, 5 }, { 0, 0 }, { 0, 6 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++, m.out += m.n) {
		memcpy(m.out, m.b, m.n * 4);
		if (steps[i].kind == 0)
			golden_gathered(&m, steps[i].how);
		else if (steps[i].kind == 1)
			golden_compressed(&m);
		else
			golden_reduced(&m, steps[i].how);
	}
	golden_floats(&m);
}

void diag_golden_vector(const uint8_t *a, const uint8_t *b, const uint8_t *fa, const uint8_t *fb,
			uint64_t bytes, uint8_t *out)
{
	struct move m = {
		.a = (const uint32_t *)(const void *)a,
		.b = (const uint32_t *)(const void *)b,
		.fa = fa,
		.fb = fb,
		.n = bytes / 4,
	};

#define DO_INT(name, text, bits)	golden_int(golden_##name, bits, a, b, bytes, out); out += bytes;
#define DO_F32(name, text, bits)	golden_f32(golden32_##name, fa, fb, bytes, out); out += bytes;
#define DO_F64(name, text, bits)                                                                   \
	golden_f64(golden64_##name, fa + bytes, fb + bytes, bytes, out);                           \
	out += bytes;
	DIAG_VECTOR_INT(DO_INT)
	DIAG_VECTOR_FLOAT_OPS(DO_F32, 32)
	DIAG_VECTOR_FLOAT_OPS(DO_F64, 64)
	m.out = (uint32_t *)(void *)out;
	golden_moves(m);
}
