// SPDX-License-Identifier: MIT
/*
 * Compiled runs of vector instructions against the interpreter: random straight lines, executed
 * several times by a hart that compiles at once and one that never does.  After each time everything
 * that a program can see is compared: registers, memory, flags, faults, instructions, cycles.
 * GAON_SEED repeats a run; GAON_TEST_LONG=1 makes it twenty times as long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hart/hart.h"
#include "../splitmix.h"

#define PAGES		160
#define CODE_PAGE	1
#define DATA_PAGE	4
#define DATA		(DATA_PAGE * 4096ull)
#define DATA_BYTES	((PAGES - DATA_PAGE) * 4096ull)
#define EXIT_PC		0xdead0000ull
#define LINE_MAX	60

struct world {
	struct sim_hart *hart;
	uint8_t *ram;
	uint16_t frame[PAGES];		/* page of ram behind each page of the address space */
	uint8_t deny[PAGES];		/* bit 0: no load, 1: no store */
};

struct program {
	uint32_t word[LINE_MAX + 2];
	unsigned int count;
	unsigned int sew, first_sew;	/* log2 of bytes: at the end, at the beginning */
	int lmul, first_lmul;
};

static uint64_t seed, state;

static uint64_t rnd(void)
{
	return splitmix64_next(&state);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(rnd() % n);
}

static bool chance(unsigned int percent)
{
	return below(100) < percent;
}

/* --- worlds ------------------------------------------------------------------------------------ */

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	struct world *w = hart->ctx;
	uint64_t page = va >> SIM_PAGE_SHIFT;
	unsigned int bit = access == SIM_ACCESS_STORE ? 2 : access == SIM_ACCESS_LOAD ? 1 : 0;

	hart->fault.cause = access == SIM_ACCESS_STORE ? SIM_CAUSE_STORE_PAGE : SIM_CAUSE_LOAD_PAGE;
	hart->fault.tval = va;
	hart->fault.syndrome = 0;
	if (page >= PAGES || w->deny[page] & bit)
		return NULL;
	return w->ram + w->frame[page] * SIM_PAGE_SIZE;
}

static const struct sim_hart_ops ops = { .translate = translate };
static const struct sim_hart_costs costs = {
	.scalar = 16, .branch_taken = 16, .load_use = 32, .divide = 300, .atomic = 5,
	.dlen = 4096, .vector_startup = 7, .vmem_bytes = 96,
};

static void world_create(struct world *w, unsigned int vlen)
{
	w->hart = sim_hart_create(vlen, &ops, w, &costs);
	w->ram = calloc(PAGES, SIM_PAGE_SIZE);
	if (!w->hart || !w->ram) {
		fputs("vector_compiled: out of memory\n", stderr);
		exit(1);
	}
}

static void world_destroy(struct world *w)
{
	sim_hart_destroy(w->hart);
	free(w->ram);
}

/* --- values --------------------------------------------------------------------------------------- */

enum taste { TAME, WIDE, WILD, SHARP };

/* What makes exceptions and NaNs: zeros, infinities, 1, a quiet and, rarely, a signalling NaN. */
static uint64_t sharp(unsigned int fraction, uint64_t top)
{
	switch (below(8)) {
	case 0: case 1:
		return 0;
	case 2: case 3:
		return top << fraction;
	case 4:
		return top << fraction | 1ull << (fraction - 1) | (chance(50) ? 5 : 0);
	case 5:
		return chance(20) ? top << fraction | 5 : 0;
	default:
		return (top / 2) << fraction;
	}
}

/* A floating-point number of @bits: of moderate size, of any but no NaN, anything, or sharp ones. */
static uint64_t number(unsigned int bits, enum taste taste)
{
	unsigned int fraction = bits == 16 ? 10 : bits == 32 ? 23 : 52;
	uint64_t top = (1ull << (bits - 1 - fraction)) - 1, exp, v = rnd() & ((1ull << fraction) - 1);
	uint64_t sign = (rnd() & 1) << (bits - 1);

	/* where bf16 overflows and underflows */
	if (bits == 32 && taste == WIDE && chance(5))
		return sign | ((chance(50) ? 0x7f7f7f00 : 0x7fbf00) + below(512));
	if (taste == SHARP)
		return sign | sharp(fraction, top);
	if (taste == TAME) {
		exp = top / 2 - 3 + below(6);
	} else {
		exp = chance(25) ? below(3) : chance(15) ? top - below(3) : below((unsigned int)top + 1);
		if (chance(20))
			v = 0;
		if (taste == WIDE && exp == top)
			v = 0;
	}
	return sign | exp << fraction | v;
}

static void fill(uint8_t *p, size_t bytes, unsigned int sew, enum taste taste)
{
	unsigned int width = sew ? sew : below(4), size = 1u << width;

	for (size_t i = 0; i + size <= bytes; i += size) {
		uint64_t v = width ? number(8 * size, taste) : rnd();

		if (taste == WILD && chance(30))
			v = rnd();
		memcpy(p + i, &v, size);
	}
}

/* --- programs --------------------------------------------------------------------------------------- */

/*
 * Now and then few registers, so that values are overwritten and used again; and programs of 16-bit
 * elements that are mostly conversions, on data of 32 bits.
 */
static bool few, halves;

static unsigned int group(int lmul)
{
	unsigned int regs = lmul > 0 ? 1u << lmul : 1, first = chance(15) ? 0 : below(32);

	if (few && regs < 8)
		first = 8 + below(3) * regs;

	return first & ~(regs - 1);
}

static uint32_t vector(unsigned int funct6, bool vm, unsigned int vs2, unsigned int vs1,
		       unsigned int funct3, unsigned int vd)
{
	return funct6 << 26 | (uint32_t)vm << 25 | vs2 << 20 | vs1 << 15 | funct3 << 12 | vd << 7 | 0x57;
}

enum { IVV, FVV, MVV, IVI, IVX, FVF, MVX };

static uint32_t gen_int(const struct program *p, bool vm)
{
	static const uint8_t ops_i[] = { 0, 2, 3, 4, 5, 6, 7, 9, 10, 11, 0x25, 0x28, 0x29 };
	unsigned int op = ops_i[below(sizeof(ops_i))], d = group(p->lmul), a = group(p->lmul);
	unsigned int form = below(3);

	if (form == 0 && op == 3)
		op = 0;
	if (form == 1 && (op == 2 || (op >= 4 && op <= 7)))
		op = 0;
	if (form == 0)
		return vector(op, vm, a, group(p->lmul), IVV, d);
	return vector(op, vm, a, below(32), form == 1 ? IVI : IVX, d);
}

static uint32_t gen_mul(const struct program *p, bool vm)
{
	static const uint8_t ops_m[] = { 0x25, 0x29, 0x2b, 0x2d, 0x2f, 0x24, 0x27 };
	bool vv = chance(50);

	return vector(ops_m[below(sizeof(ops_m))], vm, group(p->lmul), vv ? group(p->lmul) : below(32),
		      vv ? MVV : MVX, group(p->lmul));
}

static uint32_t gen_fp(const struct program *p, bool vm)
{
	static const uint8_t ops_f[] = {
		0x00, 0x02, 0x04, 0x06, 0x08, 0x09, 0x0a, 0x20, 0x24, 0x28, 0x29, 0x2a, 0x2b,
		0x2c, 0x2d, 0x2e, 0x2f, 0x21, 0x27,
	};
	bool vv = chance(50);
	unsigned int op = ops_f[below(sizeof(ops_f) - (vv ? 2 : 0))];

	return vector(op, vm, group(p->lmul), vv ? group(p->lmul) : below(32), vv ? FVV : FVF,
		      group(p->lmul));
}

static uint32_t gen_compare(const struct program *p, bool vm)
{
	unsigned int d = chance(60) ? 0 : below(32), a = group(p->lmul), form = below(5);

	switch (form) {
	case 0:
		return vector(0x18 + below(6), vm, a, group(p->lmul), IVV, d);
	case 1:
		return vector(0x18 + below(8), vm, a, below(32), IVX, d);
	case 2:
		return vector((unsigned int[]){ 0x18, 0x19, 0x1c, 0x1d, 0x1e, 0x1f }[below(6)], vm, a,
			      below(32), IVI, d);
	case 3:
		return vector((unsigned int[]){ 0x18, 0x19, 0x1b, 0x1c }[below(4)], vm, a,
			      group(p->lmul), FVV, d);
	default:
		return vector((unsigned int[]){ 0x18, 0x19, 0x1b, 0x1c, 0x1d, 0x1f }[below(6)], vm, a,
			      below(32), FVF, d);
	}
}

static uint32_t gen_merge(const struct program *p)
{
	bool vm = chance(50);
	unsigned int a = vm ? 0 : group(p->lmul), form = below(4), d = group(p->lmul);

	if (form == 0)
		return vector(0x17, vm, a, group(p->lmul), IVV, d);
	return vector(0x17, vm, a, below(32), (unsigned int[]){ IVX, IVI, FVF }[form - 1], d);
}

static uint32_t gen_convert(const struct program *p, bool vm)
{
	static const uint8_t codes[] = { 1, 7, 3, 12, 13, 20, 29, 29, 0, 2, 9 };
	unsigned int code = codes[below(chance(80) ? 8 : sizeof(codes))];
	int from = p->lmul, to = p->lmul;

	if (chance(20))
		return vector(0x13, vm, group(from), chance(80) ? 0 : below(32), FVV, group(to));
	if (chance(25))
		return vector(0x3b, vm, group(from), chance(50) ? group(from) : below(32),
			      chance(50) ? FVV : FVF, group(to + 1));
	if (chance(30)) {
		code = 2 + below(6);
		return vector(0x12, vm, group(from - (int)(4 - code / 2)), code, MVV, group(to));
	}
	if (code >= 16)
		from++;
	else if (code >= 8)
		to++;
	return vector(0x12, vm, group(from), code, FVV, group(to));
}

static uint32_t gen_logic(void)
{
	unsigned int d = chance(50) ? 0 : below(32);

	return vector(0x18 + below(8), true, chance(50) ? 0 : below(32), chance(50) ? 0 : below(32), MVV, d);
}

/* Base registers are x8 to x15. */
static uint32_t gen_memory(const struct program *p, bool vm)
{
	static const uint8_t widths[] = { 0, 5, 6, 7 };
	unsigned int width = chance(80) ? p->sew : below(4);
	int emul = (int)width - (int)p->sew + p->lmul;

	return (chance(50) ? 0x07u : 0x27u) | group(emul) << 7 | (uint32_t)widths[width] << 12 |
	       (8 + below(8)) << 15 | (uint32_t)vm << 25;
}

static uint32_t gen_scalar(void)
{
	unsigned int rd = below(32), rs1 = below(32), rs2 = below(32);

	switch (below(8)) {
	case 0:		/* a new base near an old one */
		return (below(16) * 64u) << 20 | (8 + below(8)) << 15 | (8 + below(8)) << 7 | 0x13;
	case 1:		/* sh2add of the counter x5 */
		return 0x20004033u | (8 + below(8)) << 20 | 5u << 15 | (8 + below(8)) << 7;
	case 2:
		return 0x40000033u | rs2 << 20 | rs1 << 15 | (rd < 8 || rd > 15 ? rd : 16u) << 7;
	case 3:
		return below(4096) << 20 | rs1 << 15 | (rd < 8 || rd > 15 ? rd : 17u) << 7 | 0x13;
	case 4:		/* flw, fld */
		return (below(64) * 8u) << 20 | (8 + below(8)) << 15 | (2 + below(2)) << 12 | rd << 7 | 0x07;
	case 5:		/* lw, ld, lbu */
		return (below(64) * 8u) << 20 | (8 + below(8)) << 15 |
		       (uint32_t)((unsigned int[]){ 2, 3, 4 }[below(3)]) << 12 | (16 + below(8)) << 7 | 0x03;
	case 6:
		/* lui to a place in the data, or addi: code is not written to */
		return rnd() % 2 ? 0x00020537u : 0xfff00293u;
	default:
		return 0x02000033u | rs2 << 20 | rs1 << 15 | (rd < 8 || rd > 15 ? rd : 18u) << 7;
	}
}

/* vset{i}vli; mostly to the same VLMAX, with vl kept. */
static uint32_t gen_set(struct program *p)
{
	unsigned int sew = below(4), vtype;
	int lmul = p->lmul + (int)sew - (int)p->sew;

	if (lmul < -3 || lmul > 3 || chance(30)) {
		sew = p->sew;
		lmul = p->lmul;
	}
	vtype = sew << 3 | ((unsigned int)lmul & 7) | below(4) << 6;
	p->sew = sew;
	p->lmul = lmul;
	if (chance(70))
		return vtype << 20 | 7u << 12 | 0x57;
	return vtype << 20 | 6u << 15 | 7u << 12 | (chance(50) ? 7u : 0u) << 7 | 0x57;
}

static uint32_t gen_any(struct program *p)
{
	bool vm = chance(80);

	if (halves && chance(50))
		return gen_convert(p, vm);
	switch (below(20)) {
	case 0: case 1: case 2:
		return gen_int(p, vm);
	case 3: case 4: case 5: case 6: case 7: case 8:
		return gen_fp(p, vm);
	case 9:
		return gen_mul(p, vm);
	case 10: case 11:
		return gen_compare(p, vm);
	case 12:
		return gen_merge(p);
	case 13:
		return gen_convert(p, vm);
	case 14:
		return chance(50) ? gen_logic() : gen_set(p);
	case 15: case 16: case 17:
		return gen_memory(p, vm);
	case 18:
		return gen_scalar();
	default:
		return chance(30) ? (uint32_t)rnd() << 7 | 0x57 : gen_int(p, true);
	}
}

/* Does the interpreter take @word, as the state is?  Illegal ones are wanted rarely only. */
static bool legal(struct world *w, const struct program *p, uint32_t word)
{
	struct sim_hart *h = w->hart;
	sim_vector_fn fn = sim_vector_decode(word);
	bool ok;

	if ((word & 0x7f) != 0x57 && (word & 0x7f) != 0x07 && (word & 0x7f) != 0x27)
		return true;
	if (!fn)
		return (word & 0x7f) == 0x07;
	h->vtype = p->sew << 3 | ((unsigned int)p->lmul & 7);
	h->vl = h->vstart = 0;
	h->frm = 0;
	ok = fn(h, word) == SIM_OP_OK;
	return ok && !(h->vtype >> 63);
}

static void make_program(struct world *w, struct program *p)
{
	unsigned int want = 2 + below(chance(30) ? LINE_MAX - 4 : 12);
	bool strict = chance(90);

	few = chance(40);
	halves = chance(12);

	p->sew = chance(70) ? 2 : below(4);
	p->lmul = (int)below(4);
	if (chance(15))
		p->lmul = (int)p->sew - 3 + (int)below(3);
	if (halves) {
		p->sew = 1;
		p->lmul = (int)below(3);
	}
	p->first_sew = p->sew;
	p->first_lmul = p->lmul;
	w->hart->x[6] = 0;
	p->count = 0;
	while (p->count < want) {
		struct program before = *p;
		uint32_t word = gen_any(p);

		if (strict && !legal(w, &before, word)) {
			p->sew = before.sew;
			p->lmul = before.lmul;
			continue;
		}
		p->word[p->count++] = word;
	}
	p->word[p->count++] = 0x00008067;	/* ret */
}

/* --- a case --------------------------------------------------------------------------------------------- */

static uint64_t first_vtype(const struct program *p)
{
	return p->first_sew << 3 | ((unsigned int)p->first_lmul & 7);
}

static void make_state(struct world *w, const struct program *p)
{
	struct sim_hart *h = w->hart;
	unsigned int sew = p->first_sew;
	uint32_t vlmax = p->first_lmul >= 0 ? h->vlenb << p->first_lmul >> sew :
					      h->vlenb >> -p->first_lmul >> sew;
	enum taste taste = chance(45) ? TAME : (enum taste)(WIDE + below(3));

	sim_hart_reset(h);
	h->exit_pc = EXIT_PC;
	h->vtype = first_vtype(p) | below(4) << 6;
	h->vl = chance(40) ? vlmax : chance(10) ? 0 : below(vlmax + 1);
	if (chance(3))
		h->vstart = below(h->vl + 1);
	h->frm = chance(75) ? 0 : (uint8_t)below(6);
	h->fflags = (uint8_t)(chance(80) ? 0 : below(32));
	h->fs_off = chance(1);
	for (unsigned int i = 1; i < 32; i++)
		h->x[i] = chance(50) ? below(64) : rnd();
	for (unsigned int i = 8; i < 16; i++) {
		h->x[i] = DATA + (rnd() % (DATA_BYTES / 2) & ~(chance(90) ? 63ull : 0ull));
		if (i > 8 && chance(25))
			h->x[i] = h->x[8 + below(i - 8)] + (chance(50) ? 0 : below(8) * 16u);
	}
	h->x[5] = below(512);
	h->x[6] = h->vl;
	for (unsigned int i = 0; i < 32; i++) {
		uint64_t v = number(sew == 3 ? 64 : 32, taste);

		h->f[i] = sew == 3 || chance(4) ? v : v | UINT64_MAX << 32;
	}
	fill(h->v, 32ull * h->vlenb, halves ? 2 : sew, taste);
	if (chance(60))
		for (unsigned int i = 0; i < h->vlenb; i++)
			h->v[i] = (uint8_t)rnd();
	fill(w->ram + DATA, DATA_BYTES, halves ? 2 : sew, taste);
}

static void make_map(struct world *w)
{
	bool scattered = chance(10), holes = chance(20);

	for (unsigned int i = 0; i < PAGES; i++) {
		w->frame[i] = (uint16_t)i;
		w->deny[i] = 0;
	}
	for (unsigned int i = DATA_PAGE; i < PAGES; i++) {
		if (scattered) {
			unsigned int other = DATA_PAGE + below(PAGES - DATA_PAGE);
			uint16_t f = w->frame[i];

			w->frame[i] = w->frame[other];
			w->frame[other] = f;
		}
		if (holes && chance(5))
			w->deny[i] = (uint8_t)below(4);
	}
}

static void copy_world(struct world *to, const struct world *from)
{
	struct sim_hart keep = *to->hart;

	memcpy(to->hart->v, from->hart->v, 32ull * from->hart->vlenb);
	memcpy(to->hart->x, from->hart->x, sizeof(keep.x));
	memcpy(to->hart->f, from->hart->f, sizeof(keep.f));
	to->hart->vl = from->hart->vl;
	to->hart->vtype = from->hart->vtype;
	to->hart->vstart = from->hart->vstart;
	to->hart->frm = from->hart->frm;
	to->hart->fflags = from->hart->fflags;
	to->hart->vxsat = from->hart->vxsat;
	to->hart->fs_off = from->hart->fs_off;
	to->hart->instret = from->hart->instret;
	to->hart->cycles16 = from->hart->cycles16;
	to->hart->exit_pc = from->hart->exit_pc;
	memcpy(to->ram, from->ram, PAGES * SIM_PAGE_SIZE);
	memcpy(to->frame, from->frame, sizeof(to->frame));
	memcpy(to->deny, from->deny, sizeof(to->deny));
}

/* What differs, or NULL. */
static const char *difference(const struct world *a, const struct world *b, enum sim_exit ea,
			      enum sim_exit eb)
{
	const struct sim_hart *x = a->hart, *y = b->hart;

	if (ea != eb)
		return "exit";
	if (memcmp(x->x, y->x, sizeof(x->x)))
		return "x";
	if (memcmp(x->f, y->f, sizeof(x->f)))
		return "f";
	if (memcmp(x->v, y->v, 32ull * x->vlenb))
		return "v";
	if (x->vl != y->vl || x->vtype != y->vtype || x->vstart != y->vstart)
		return "vl, vtype or vstart";
	if (x->fflags != y->fflags)
		return "fflags";
	if (x->frm != y->frm || x->vxsat != y->vxsat)
		return "frm or vxsat";
	if (x->pc != y->pc)
		return "pc";
	if (x->instret != y->instret)
		return "instret";
	if (x->cycles16 != y->cycles16)
		return "cycles";
	if (ea == SIM_EXIT_FAULT && memcmp(&x->fault, &y->fault, sizeof(x->fault)))
		return "fault";
	if (memcmp(a->ram, b->ram, PAGES * SIM_PAGE_SIZE))
		return "memory";
	return NULL;
}

static void report(const struct world *a, const struct world *b, const struct program *p,
		   unsigned int number, unsigned int pass, const char *what)
{
	const struct sim_hart *x = a->hart, *y = b->hart;

	printf("case %u, pass %u: %s differs; vlen %u, SEW %u, LMUL 2^%d, vl %u, frm %u, fflags %#x %#x, "
	       "pc %#llx %#llx\n", number, pass, what, x->vlenb * 8, 8u << p->first_sew,
	       p->first_lmul, x->vl, x->frm, x->fflags, y->fflags, (unsigned long long)x->pc,
	       (unsigned long long)y->pc);
	for (size_t i = 0; i < 32ull * x->vlenb; i++) {
		if (x->v[i] == y->v[i])
			continue;
		printf("v%zu byte %zu: interpreted %#x, compiled %#x\n", i / x->vlenb, i % x->vlenb, x->v[i],
		       y->v[i]);
		break;
	}
	for (unsigned int i = 0; i < p->count; i++)
		printf(".word 0x%08x\n", p->word[i]);
}

static bool one_case(unsigned int number, struct world *plain, struct world *fast)
{
	struct program p = { 0 };

	state = seed + number * 0x632be59bd9b4e019ull;
	sim_hart_flush_tlb(plain->hart);
	sim_hart_flush_tlb(fast->hart);
	make_map(plain);
	make_program(plain, &p);
	make_state(plain, &p);
	memcpy(plain->ram + CODE_PAGE * SIM_PAGE_SIZE, p.word, p.count * 4);
	copy_world(fast, plain);
	for (unsigned int pass = 0; pass < 4; pass++) {
		enum sim_exit a, b;
		const char *what;

		plain->hart->x[1] = fast->hart->x[1] = EXIT_PC;
		plain->hart->pc = fast->hart->pc = CODE_PAGE * SIM_PAGE_SIZE;
		if (pass == 2 && plain->hart->vl > 1) {
			plain->hart->vl = fast->hart->vl = 1 + below(plain->hart->vl);
			plain->hart->x[6] = fast->hart->x[6] = plain->hart->vl;
		}
		if (chance(80))
			plain->hart->fflags = fast->hart->fflags = 0;
		a = sim_hart_run(plain->hart, 1000);
		b = sim_hart_run(fast->hart, 1000);
		what = difference(plain, fast, a, b);
		if (what) {
			report(plain, fast, &p, number, pass, what);
			return false;
		}
		/* Programs leave another vtype behind: begin with the first one again. */
		plain->hart->vtype = fast->hart->vtype = first_vtype(&p);
		plain->hart->vstart = fast->hart->vstart = 0;
	}
	return true;
}

/* Narrowing to bf16 where it overflows, underflows and rounds to a power of two, number by number. */
static bool narrow_borders(struct world *plain, struct world *fast)
{
	static const uint32_t around[] = { 0x7f7f8000, 0x7f800000, 0x7fc000, 0x7f8000, 0x800000, 0x3f808000 };
	struct program p = { .count = 2, .sew = 1, .first_sew = 1, .first_lmul = -1 };

	few = halves = false;
	make_map(plain);
	make_state(plain, &p);
	copy_world(fast, plain);
	for (uint32_t i = 0; i < sizeof(around) / sizeof(around[0]) * 1024; i++) {
		uint32_t v = (around[i / 1024] - 256 + i % 512) | (i / 512 % 2) << 31;
		struct sim_hart *const hart[] = { plain->hart, fast->hart };
		enum sim_exit why[2];
		const char *what;

		/* Another run now and then: one that fails too often is not tried again. */
		if (i % 256 == 0) {
			p.word[0] = vector(0x12, true, 24, 29, FVV, i / 256);
			p.word[1] = 0x00008067;		/* ret */
			memcpy(plain->ram + CODE_PAGE * SIM_PAGE_SIZE, p.word, p.count * 4);
			memcpy(fast->ram + CODE_PAGE * SIM_PAGE_SIZE, p.word, p.count * 4);
			sim_hart_flush_tlb(plain->hart);
			sim_hart_flush_tlb(fast->hart);
		}
		for (unsigned int k = 0; k < 2; k++) {
			hart[k]->vtype = first_vtype(&p);
			hart[k]->vl = 1;
			hart[k]->vstart = hart[k]->frm = hart[k]->fflags = 0;
			hart[k]->fs_off = false;
			memcpy(hart[k]->v + 24 * hart[k]->vlenb, &v, sizeof(v));
			hart[k]->x[1] = EXIT_PC;
			hart[k]->pc = CODE_PAGE * SIM_PAGE_SIZE;
			why[k] = sim_hart_run(hart[k], 1000);
		}
		what = difference(plain, fast, why[0], why[1]);
		if (what) {
			report(plain, fast, &p, v, 0, what);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	static const unsigned int vlens[] = { 128, 256, 512, 1024, 4096, 16384, 65536 };
	static const unsigned int shares[] = { 8, 4, 4, 4, 8, 1, 1 };
	const char *text = getenv("GAON_SEED");
	unsigned int cases = getenv("GAON_TEST_LONG") ? 20000 : 1000, bad = 0, done = 0;
	struct sim_jit_stats all = { 0 };

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	if (argc > 1)
		cases = (unsigned int)strtoul(argv[1], NULL, 0);
	printf("vector_compiled: GAON_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned int v = 0; v < sizeof(vlens) / sizeof(vlens[0]); v++) {
		struct world plain = { 0 }, fast = { 0 };
		struct sim_jit_stats s;

		world_create(&plain, vlens[v]);
		world_create(&fast, vlens[v]);
		if (!sim_hart_compile(fast.hart, 1)) {
			puts("this host has no AVX-512: nothing is compiled, nothing to compare");
			world_destroy(&plain);
			world_destroy(&fast);
			return 0;
		}
		for (unsigned int i = 0; i < cases * shares[v] / 8 && bad < 3; i++, done++)
			bad += !one_case(v << 24 | i, &plain, &fast);
		bad += !narrow_borders(&plain, &fast);
		s = sim_hart_compile_stats(fast.hart);
		all.compiled += s.compiled;
		all.refused += s.refused;
		all.passes += s.passes;
		all.strips += s.strips;
		world_destroy(&plain);
		world_destroy(&fast);
	}
	printf("%u cases: %llu runs compiled, %llu not, executed %llu times, %llu strips interpreted\n", done,
	       (unsigned long long)all.compiled, (unsigned long long)all.refused,
	       (unsigned long long)all.passes, (unsigned long long)all.strips);
	if (all.passes < done || all.strips < done / 10) {
		puts("too few of them executed compiled code for this to prove anything");
		return 1;
	}
	return bad ? 1 : 0;
}
