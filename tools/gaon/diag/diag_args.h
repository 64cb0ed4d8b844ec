/* SPDX-License-Identifier: MIT */
/*
 * What `gaon diag` and its kernels have in common: arguments, results, and the instructions that
 * are tried.
 */
#ifndef GAON_TOOLS_DIAG_ARGS_H
#define GAON_TOOLS_DIAG_ARGS_H

#include <stdint.h>

/* --- scalar instructions: name in C, as the assembler writes it ----------------------------------- */

/* Of two registers. */
#define DIAG_INTEGER(X)								\
	X(add, "add") X(sub, "sub") X(sll, "sll") X(slt, "slt") X(sltu, "sltu")	\
	X(xor, "xor") X(srl, "srl") X(sra, "sra") X(or, "or") X(and, "and")	\
	X(addw, "addw") X(subw, "subw") X(sllw, "sllw") X(srlw, "srlw") X(sraw, "sraw")

#define DIAG_MULTIPLY(X)							\
	X(mul, "mul") X(mulh, "mulh") X(mulhsu, "mulhsu") X(mulhu, "mulhu")	\
	X(mulw, "mulw") X(div, "div") X(divu, "divu") X(rem, "rem")		\
	X(remu, "remu") X(divw, "divw") X(divuw, "divuw") X(remw, "remw") X(remuw, "remuw")

#define DIAG_BITS(X)								\
	X(sh1add, "sh1add") X(sh2add, "sh2add") X(sh3add, "sh3add")		\
	X(add_uw, "add.uw") X(sh1add_uw, "sh1add.uw") X(andn, "andn")		\
	X(orn, "orn") X(xnor, "xnor") X(max, "max") X(maxu, "maxu")		\
	X(min, "min") X(minu, "minu") X(rol, "rol") X(ror, "ror")		\
	X(rolw, "rolw") X(rorw, "rorw") X(bclr, "bclr") X(bext, "bext")		\
	X(binv, "binv") X(bset, "bset")

/* Of one. */
#define DIAG_BITS1(X)								\
	X(clz, "clz") X(ctz, "ctz") X(cpop, "cpop") X(clzw, "clzw")		\
	X(ctzw, "ctzw") X(cpopw, "cpopw") X(sext_b, "sext.b") X(sext_h, "sext.h")	\
	X(zext_h, "zext.h") X(orc_b, "orc.b") X(rev8, "rev8")

/* X(name, assembler's): of two, three and one numbers of a format. */
#define DIAG_FLOAT2(X, f)							\
	X(fadd_##f, "fadd." #f) X(fsub_##f, "fsub." #f) X(fmul_##f, "fmul." #f)	\
	X(fdiv_##f, "fdiv." #f) X(fmin_##f, "fmin." #f) X(fmax_##f, "fmax." #f)	\
	X(fsgnj_##f, "fsgnj." #f) X(fsgnjn_##f, "fsgnjn." #f) X(fsgnjx_##f, "fsgnjx." #f)
#define DIAG_FLOAT3(X, f)							\
	X(fmadd_##f, "fmadd." #f) X(fmsub_##f, "fmsub." #f)			\
	X(fnmadd_##f, "fnmadd." #f) X(fnmsub_##f, "fnmsub." #f)
/* To an integer register: of two; of one; and from one. */
#define DIAG_FLOAT_TEST(X, f)							\
	X(feq_##f, "feq." #f) X(flt_##f, "flt." #f) X(fle_##f, "fle." #f)
#define DIAG_FLOAT_TO(X, f)							\
	X(fcvt_w_##f, "fcvt.w." #f) X(fcvt_l_##f, "fcvt.l." #f)
#define DIAG_FLOAT_FROM(X, f)							\
	X(fcvt_##f##_w, "fcvt." #f ".w") X(fcvt_##f##_l, "fcvt." #f ".l") X(fcvt_##f##_lu, "fcvt." #f ".lu")

/* On memory: what was there, and what is there then. */
#define DIAG_ATOMIC(X)								\
	X(amoswap_w, "amoswap.w") X(amoadd_w, "amoadd.w") X(amoxor_w, "amoxor.w")	\
	X(amoand_w, "amoand.w") X(amoor_w, "amoor.w") X(amomin_w, "amomin.w")	\
	X(amomax_w, "amomax.w") X(amominu_w, "amominu.w") X(amomaxu_w, "amomaxu.w")	\
	X(amoswap_d, "amoswap.d") X(amoadd_d, "amoadd.d") X(amoxor_d, "amoxor.d")	\
	X(amoand_d, "amoand.d") X(amoor_d, "amoor.d") X(amomin_d, "amomin.d")	\
	X(amomax_d, "amomax.d") X(amominu_d, "amominu.d") X(amomaxu_d, "amomaxu.d")

#define DIAG_COUNT_(name, text)	+1
enum {
	DIAG_INTEGERS = DIAG_INTEGER(DIAG_COUNT_) DIAG_MULTIPLY(DIAG_COUNT_) DIAG_BITS(DIAG_COUNT_)
			DIAG_BITS1(DIAG_COUNT_),
#define DIAG_FLOATS_(f)									\
	(DIAG_FLOAT2(DIAG_COUNT_, f) DIAG_FLOAT3(DIAG_COUNT_, f) DIAG_FLOAT_TEST(DIAG_COUNT_, f)	\
	 DIAG_FLOAT_TO(DIAG_COUNT_, f) DIAG_FLOAT_FROM(DIAG_COUNT_, f) + 1 /* fsqrt */)
	DIAG_FLOATS = DIAG_FLOATS_(s) + DIAG_FLOATS_(d) + DIAG_FLOATS_(h) + 2,	/* and fcvt between s and d */
	DIAG_ATOMICS = DIAG_ATOMIC(DIAG_COUNT_) + 1,		/* and lr with sc */
};

/*
 * a, b: @count operands each; out: of each core, DIAG_INTEGERS (DIAG_FLOATS, 2 * DIAG_ATOMICS) rows of @count
 * results of 64 bits, narrower floats with zeros above. Of floats the operands are of 64 bits, made narrower
 * by the core. One workgroup for each core.
 */
struct diag_scalar_args {
	uint64_t a, b, out;
	uint64_t count;
};

/* --- vector instructions ---------------------------------------------------------------------------- */

/* Each on elements of 8, 16, 32 and 64 bits: X(name, assembler's, bits). */
#define DIAG_VECTOR_OPS(X, s)								\
	X(vadd, "vadd.vv", s) X(vsub, "vsub.vv", s) X(vmul, "vmul.vv", s)		\
	X(vmulh, "vmulh.vv", s) X(vmulhu, "vmulhu.vv", s) X(vdiv, "vdiv.vv", s)		\
	X(vdivu, "vdivu.vv", s) X(vrem, "vrem.vv", s) X(vremu, "vremu.vv", s)		\
	X(vand, "vand.vv", s) X(vor, "vor.vv", s) X(vxor, "vxor.vv", s)			\
	X(vsll, "vsll.vv", s) X(vsrl, "vsrl.vv", s) X(vsra, "vsra.vv", s)		\
	X(vmin, "vmin.vv", s) X(vmax, "vmax.vv", s) X(vminu, "vminu.vv", s)		\
	X(vmaxu, "vmaxu.vv", s) X(vsaddu, "vsaddu.vv", s) X(vssubu, "vssubu.vv", s)
#define DIAG_VECTOR_INT(X)	\
	DIAG_VECTOR_OPS(X, 8) DIAG_VECTOR_OPS(X, 16) DIAG_VECTOR_OPS(X, 32) DIAG_VECTOR_OPS(X, 64)
#define DIAG_VECTOR_FLOAT_OPS(X, s)							\
	X(vfadd, "vfadd.vv", s) X(vfsub, "vfsub.vv", s) X(vfmul, "vfmul.vv", s)		\
	X(vfdiv, "vfdiv.vv", s) X(vfmin, "vfmin.vv", s) X(vfmax, "vfmax.vv", s)		\
	X(vfsgnjx, "vfsgnjx.vv", s) X(vfmacc, "vfmacc.vv", s)
#define DIAG_VECTOR_FLOAT(X)	DIAG_VECTOR_FLOAT_OPS(X, 32) DIAG_VECTOR_FLOAT_OPS(X, 64)
/* Of 32 bits; what each does stands at the kernel. */
#define DIAG_VECTOR_MOVE(X)								\
	X(vrgather, "vrgather.vv", 32) X(vslideup, "vslideup.vi", 32) X(vslidedown, "vslidedown.vi", 32)	\
	X(vmerge, "vmerge.vvm", 32) X(vcompress, "vcompress.vm", 32) X(vid, "vid.v", 32)	\
	X(vredsum, "vredsum.vs", 32) X(vredmaxu, "vredmaxu.vs", 32) X(vredxor, "vredxor.vs", 32)	\
	X(vlse, "vlse32.v", 32) X(vluxei, "vluxei32.v", 32) X(vlseg2, "vlseg2e32.v", 32)	\
	X(vfredosum, "vfredosum.vs", 32) X(vfsqrt, "vfsqrt.v", 32) X(vfcvt, "vfcvt.x.f.v", 32)

#define DIAG_COUNT3_(name, text, bits)	+1
enum {
	DIAG_VECTORS = DIAG_VECTOR_INT(DIAG_COUNT3_) DIAG_VECTOR_FLOAT(DIAG_COUNT3_)
		DIAG_VECTOR_MOVE(DIAG_COUNT3_),
	DIAG_VECTORS_FLOAT = 0 DIAG_VECTOR_INT(DIAG_COUNT3_), /* the first of floats */
	DIAG_VECTORS_MOVE = DIAG_VECTORS_FLOAT DIAG_VECTOR_FLOAT(DIAG_COUNT3_),
};

/*
 * a, b: two vector registers' worth of random bytes each; fa, fb: a register's worth of floats of
 * 32 bits, and behind it one of 64; out: of each core, DIAG_VECTORS vector registers. One workgroup
 * for each core.
 */
struct diag_vector_args {
	uint64_t a, b, fa, fb, out;
	uint64_t bytes;			/* of a vector register */
};

/* --- memories ----------------------------------------------------------------------------------------- */

/* Word i of a pattern is ((i * mul + add) ^ (that >> 29 & fold)) ^ flip. */
struct diag_pattern {
	uint64_t mul, add, fold, flip;
};

static inline uint64_t diag_pattern_word(const struct diag_pattern *p, uint64_t i)
{
	uint64_t x = i * p->mul + p->add;

	return x ^ (x >> 29 & p->fold) ^ p->flip;
}

#define DIAG_WRONG	8		/* words that are told of, of each core */

/* One of each core. */
struct diag_memory_result {
	uint64_t core;			/* that it was; UINT64_MAX as long as it has not run */
	uint64_t count;			/* of wrong words */
	struct diag_wrong {
		uint64_t word, expected, found;
	} wrong[DIAG_WRONG];
};

#define DIAG_SWEEP_CHECK	1u	/* words are @old */
#define DIAG_SWEEP_WRITE	2u	/* and become @now */
#define DIAG_SWEEP_DOWN		4u	/* from the last to the first */

/* A sweep over device memory, each core its part: one element of a march. A multiple of 4 KiB. */
struct diag_sweep_args {
	uint64_t base, words;
	uint64_t result;		/* struct diag_memory_result of each core */
	uint64_t flags;
	struct diag_pattern old, now;
};

/* @words of the core's own scratchpad: written, fence, read. */
struct diag_scratchpad_args {
	uint64_t words;
	uint64_t result;
	struct diag_pattern pattern;
};

/* --- engines ------------------------------------------------------------------------------------------ */

#define DIAG_DMA_BYTES	16384u

/*
 * Each core and channel: rows of @in to the scratchpad, as they stand, by strides, and by @index, and back to
 * @out: DIAG_DMA_BYTES for each of the three ways, channel and core.
 */
struct diag_dma_args {
	uint64_t in, index, out;
	uint64_t channels;
};

/* Products of @dim x @dim, K @dim: @a (row after row) and @b (B as N x K), @c for each core and array. */
struct diag_matrix_args {
	uint64_t a, b, c;
	uint32_t arrays, dim, k;
	uint32_t a_row, b_row;		/* bytes; of B: of a row, or of a group of 16 */
	uint32_t b_bytes;
	uint8_t type_a, type_b, type_c, reserved;
	uint32_t repeat;		/* products in a row, the same one; 1 to check, more for speed */
};

/* --- speed --------------------------------------------------------------------------------------------- */

/*
 * On core @core, on all if it is UINT64_MAX; result: of each core, the cycles that it counted for
 * itself, and its number + the sum of 0 to @rounds - 1.
 */
struct diag_spin_args {
	uint64_t result;
	uint64_t rounds;
	uint64_t core;
};

/*
 * @bytes of memory for each channel of the first @cores cores, loaded into the scratchpad in pieces
 * of DIAG_DMA_PIECE.
 */
#define DIAG_DMA_PIECE	(4 * DIAG_DMA_BYTES)
struct diag_dma_speed_args {
	uint64_t base, bytes;
	uint64_t cores, channels;
};

#endif
