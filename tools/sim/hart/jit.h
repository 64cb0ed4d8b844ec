/* SPDX-License-Identifier: MIT */
/*
 * Compiled runs: straight-line sequences of vector instructions, translated to host code that goes
 * over the elements once and executes the whole sequence per strip of elements.
 * Why, and what keeps it safe: Documentation/decisions/0005-compiled-vector-runs.rst.
 *
 *	jit_form.c	finds runs in decoded lines and keeps them by content
 *	jit_slots.c	which host register holds which vector register, what forbids a run
 *	jit_select.c	from instructions to the intermediate form, with jit_table.c's encodings
 *	jit_scalar.c	scalar instructions between the vector ones
 *	jit_compile.c	the translation of a run
 *	jit_nan.c	where results must be looked at for NaNs
 *	jit_emit.c	from the intermediate form to host code, with jit_x86.h's encoder
 *	jit_arena.c	memory of generated code, never writable and executable at once
 *	jit_pass.c	one execution: scalars, addresses, checks, and the interpreter's help
 *
 * Everything here belongs to one hart and is used by the thread that runs it.
 */
#ifndef GAON_SIM_JIT_H
#define GAON_SIM_JIT_H

#include "exec.h"
#include "vector.h"

#define JIT_OPS		96	/* instructions of a run, scalar ones included */
#define JIT_RUNS	1024	/* per hart */
#define JIT_HASH	256
#define JIT_MEMS	24	/* memory operands of a run */
#define JIT_SCALARS	96	/* scalar operands and constants of a run */
#define JIT_SLOTS	48	/* vector register groups and masks that a run names */
#define JIT_IR		JIT_OPS
#define JIT_KILLED	8
#define JIT_ARENA	(1u << 20)
#define JIT_CODE_MAX	(64u << 10)	/* of one run */

/* --- what generated code works on ---------------------------------------------------------- */

/**
 * struct jit_frame - the only memory, beside the register file and what @mem points to, that
 * generated code reads; it writes none of it
 * @start: element to begin with, a multiple of the strip's length
 * @whole: end of the strips that are full; @n: vl
 * @tail: a bit per element of the last strip
 * @mem: host addresses of the memory operands, checked for n elements
 * @scalar: scalar operands, and constants
 */
struct jit_frame {
	uint8_t *v;
	uint64_t start, whole, n, tail;
	uint8_t *mem[JIT_MEMS];
	uint64_t scalar[JIT_SCALARS];
};

/* Returns @n or more when done, else the first element of a strip of which nothing is written. */
typedef uint64_t (*jit_code)(const struct jit_frame *frame);

/* --- what has to be done before it -------------------------------------------------------------- */

enum jit_step_kind {
	JIT_STEP_SCALAR,	/* execute a scalar integer instruction */
	JIT_STEP_LOAD,		/* a scalar load, integer or (@fp) floating-point */
	JIT_STEP_SET,		/* vset{i}vli that must leave vl as it is */
	JIT_STEP_MEM,		/* memory operand @to at x[rs1] */
	JIT_STEP_X,		/* scalar @to is x[rs1] & @mask */
	JIT_STEP_F,		/* scalar @to is f[rs1] */
	JIT_STEP_F_BF16,	/* scalar @to is f[rs1], a bf16, widened */
};

struct jit_step {
	uint8_t kind, rd, rs1, rs2;
	uint8_t to;
	uint8_t width;		/* log2 of the bytes of an element or an access */
	bool fp, store, sign;
	uint16_t insn;		/* enum sim_insn */
	int32_t imm;
	uint64_t mask;		/* of JIT_STEP_X; VLMAX of JIT_STEP_SET */
	uint64_t value;		/* what JIT_STEP_LOAD found in this pass */
};

/* One memory range of a pass. */
struct jit_range {
	const uint8_t *host;
	uint64_t bytes;
	bool store;
};

/* A group that is written and then overwritten entirely by a wider one: lost, and never stored. */
struct jit_killed {
	uint8_t base;
	int8_t width;
};

enum jit_state { JIT_COLD, JIT_READY, JIT_DEAD };

/**
 * struct jit_run - instructions that follow each other, and their translation
 * @count, @word, @size: the instructions (16-bit ones expanded) and their lengths in slots; these
 *	are the run's identity, so that a translation outlives its page's decoding
 * @used, @slots: what the translation covers of it
 * @rest: run that begins @rest_slots after this one's beginning, or JIT_RUNS
 * @vtype: of the translation
 * @x_written, @f_written: registers that its steps write
 * @costs_n, @costs: modelled cost of a pass with vl = @costs_n
 */
struct jit_run {
	uint32_t hash;
	uint16_t next;
	uint16_t count;
	uint32_t word[JIT_OPS];
	uint8_t size[JIT_OPS];

	enum jit_state state;
	uint32_t hits, strikes, sleep, versions;
	uint16_t used, slots, rest, rest_slots;

	uint64_t vtype, vtype_after;
	jit_code code;
	unsigned int lanes;
	bool fp, nearest;	/* has floating-point; and does only know rounding to nearest even */
	unsigned int steps, mems, killed_count;
	struct jit_step step[JIT_OPS * 2];
	uint32_t x_written, f_written;
	struct jit_killed killed[JIT_KILLED];
	uint64_t costs_n, costs;
	struct jit_frame frame;
};

/**
 * struct sim_jit - a hart's runs and their code
 * @threshold: passes before a run is translated; @least: vector instructions of the shortest one
 * @full: the tables are used up; everything is dropped when control next looks a page up
 */
struct sim_jit {
	struct sim_jit_stats stats;
	uint32_t threshold, least;
	bool full, broken;
	unsigned int runs;
	uint16_t hash[JIT_HASH];
	struct jit_run *run[JIT_RUNS];
	uint8_t *arena;
	size_t arena_used;
};

/* --- intermediate form ------------------------------------------------------------------------- */

/* An encoding: opcode map, mandatory prefix, W, opcode; and an immediate or what else it wants. */
struct jit_enc {
	uint8_t map, pp, w, op, imm;
};

enum jit_kind {
	JIT_NONE,
	JIT_LOAD,		/* d = memory operand @imm */
	JIT_STORE,		/* memory operand @imm = a */
	JIT_BIN,		/* d = enc(a, b) */
	JIT_BIN_REV,		/* d = enc(b, a), b a scalar */
	JIT_SHIFT,		/* d = enc(a, b & bits - 1), b masked already if it is a scalar */
	JIT_FMA,		/* d = enc(d, a, b) */
	JIT_MACC,		/* d = b * (imm & 1 ? d : a), added to or (imm & 2) taken from the other */
	JIT_UNARY,		/* d = enc(a) */
	JIT_WIDEN,		/* the same from a narrower a */
	JIT_WIDEN_BF16,		/* d = a << 16 */
	JIT_FMA_BF16,		/* d = a * b + d, a and b widened so */
	JIT_NARROW_F16,		/* d = enc(a), a wider */
	JIT_NARROW_BF16,	/* d = a's upper half, rounded to nearest even */
	JIT_TO_INT,		/* d = enc(a), saturated as the architecture has it */
	JIT_RANGE,		/* d = enc(a, b): minimum, maximum; NaNs are left to the interpreter */
	JIT_SGNJ,		/* d = a with the sign that enc.imm makes of b */
	JIT_SPLAT,		/* d = b, a scalar */
	JIT_MOVE,		/* d = b */
	JIT_BLEND,		/* d = v0 ? b : a */
	JIT_COMPARE,		/* mask d = enc(a, b) */
	JIT_LOGIC,		/* mask d = enc(a, b) of masks */
};

#define JIT_NO_SLOT	0xff
#define JIT_CHECKS	4

/* What an instruction does with NaNs; see jit_nan.c. */
enum jit_nan {
	JIT_NAN_NONE,		/* looks at all bits */
	JIT_NAN_ARITH,		/* NaN in, NaN out, with the host's payload */
	JIT_NAN_FMA,		/* the same, and inf * 0 + NaN owes an exception */
	JIT_NAN_MOVE,		/* copies bits of a or b */
	JIT_NAN_SIGN,		/* copies a, and b's sign */
	JIT_NAN_SAFE,		/* any NaN is as good as another, and is not passed on */
	JIT_NAN_LOOKS,		/* the code for it looks at a and b itself */
};

/**
 * struct jit_ir - one vector instruction in terms of slots
 * @width: log2 of the bytes of d's elements (a compare's: of a's), @a_width: of a's if it differs
 * @scalar: b is this scalar, if @b is JIT_NO_SLOT
 * @m: mask slot if masked
 * @copy: a store: host register for the value, which changes before the strip's end
 * @check: slots to look at before it (see jit_nan.c), bit 7: without raising anything
 */
struct jit_ir {
	uint8_t kind, width, a_width;
	uint8_t d, a, b, m;
	uint8_t scalar, imm, copy, nan;
	bool fp;
	uint8_t checks, check[JIT_CHECKS];
	struct jit_enc enc;
};

#define JIT_QUIET	0x80	/* of a check */
#define JIT_MASK	(-3)	/* width of a mask: log2 of an eighth of a byte */

/* A register group of one element size, and the host register that holds a strip of it. */
struct jit_slot {
	uint8_t base, regs, host;
	int8_t width;
	bool livein, written, dead;
};

struct jit_comp {
	struct sim_hart *h;
	struct jit_run *run;
	struct jit_ir ir[JIT_IR];
	unsigned int count;
	struct jit_slot slot[JIT_SLOTS];
	unsigned int slots;
	uint8_t zmm, mask;		/* host registers used */
	unsigned int min_width, max_width;
	unsigned int scalars;
	uint64_t constant[JIT_SCALARS];
	bool is_constant[JIT_SCALARS];
	uint64_t vtype;			/* at this point of the run */
	unsigned int sew;
	int lmul;
	/* what is left to look at when the strip ends: host registers */
	struct jit_last {
		uint8_t host, width;
		bool quiet;
	} last[JIT_SLOTS];
	unsigned int lasts;
};

/* Host registers: vectors below are slots, the rest is scratch; masks likewise. */
#define JIT_ZMM_SLOTS	28
#define JIT_T0		28
#define JIT_T1		29
#define JIT_T2		30
#define JIT_K_T0	1
#define JIT_K_T1	6
#define JIT_K_TAIL	7
#define JIT_K_FIRST	2
#define JIT_K_SLOTS	4

static inline unsigned int jit_regs(int lmul)
{
	return lmul > 0 ? 1u << lmul : 1;
}

/* jit_slots.c: slot numbers, or JIT_NO_SLOT if the run must end before this instruction. */
uint8_t jit_slot_read(struct jit_comp *c, unsigned int base, unsigned int regs, int width);
uint8_t jit_slot_write(struct jit_comp *c, unsigned int base, unsigned int regs, int width, bool whole);
int jit_spare_vector(struct jit_comp *c);
uint8_t jit_constant(struct jit_comp *c, uint64_t value);
uint8_t jit_scalar(struct jit_comp *c);

/* jit_select.c: translate one vector instruction into c->ir; false: not this one, c is unchanged. */
bool jit_select(struct jit_comp *c, uint32_t insn);
/* Is @insn of a kind that jit_select() knows, for some vtype? */
bool jit_candidate(uint32_t insn);
/* Modelled cost of one instruction at @n elements, in 1/16 cycle; s->n is vl. */
uint64_t jit_cost(struct sim_hart *h, uint32_t insn, const struct vec_state *s);

/* jit_nan.c */
bool jit_place_checks(struct jit_comp *c);

/* jit_emit.c: code into @to; returns its length, 0 if it does not fit. */
size_t jit_emit(struct jit_comp *c, uint8_t *to, size_t room);

/* jit_arena.c */
jit_code jit_arena_add(struct sim_jit *j, const uint8_t *code, size_t size);
void jit_arena_drop(struct sim_jit *j);
void jit_arena_free(struct sim_jit *j);

/* jit_compile.c */
void jit_compile(struct sim_hart *h, struct jit_run *r);

/* jit_scalar.c: the scalar instructions that a run may hold; false: not this one. */
bool jit_scalar_step(uint32_t insn, struct jit_step *step);
void jit_scalar_execute(struct sim_hart *h, const struct jit_step *step);

/* jit_form.c */
static inline bool jit_is_vector(uint32_t insn)
{
	return (insn & 0x7f) == 0x57 || (insn & 0x7f) == 0x07 || (insn & 0x7f) == 0x27;
}

/* vsetvli or vsetivli */
static inline bool jit_is_set(uint32_t insn)
{
	return (insn & 0x707f) == 0x7057 && (!(insn >> 31) || insn >> 30 == 3);
}

void jit_destroy(struct sim_jit *j);
void jit_renew(struct sim_hart *h);
/* Mark the runs of a line of @count operations at @line; @word is 0 where there is no instruction. */
void jit_form(struct sim_hart *h, struct sim_code_page *pg, const uint16_t *line, const uint32_t *word,
	      uint32_t count);
/* Control is at run @number, whose first operation is @slot; the length of what was executed, or 0. */
unsigned int jit_enter(struct sim_hart *h, struct sim_code_page *pg, uint32_t slot, unsigned int number);
/* Number of the run of these instructions, JIT_RUNS if it is not worth one or there is no room. */
unsigned int jit_find(struct sim_jit *j, const uint32_t *word, const uint8_t *size,
		      unsigned int count);

/* jit_pass.c: executes the run; false: nothing happened, the interpreter must. */
bool jit_pass(struct sim_hart *h, struct jit_run *r);

#endif
