/* SPDX-License-Identifier: MIT */
/* Encoder of the host instructions that compiled runs use. Operands are register numbers. */
#ifndef GAON_SIM_JIT_X86_H
#define GAON_SIM_JIT_X86_H

#include "jit.h"

struct jit_buf {
	uint8_t *at, *end;
	bool overflow;
};

/* [base + index * (1 << scale) + disp]; index JIT_NO_INDEX: none */
#define JIT_NO_INDEX	0xff
struct jit_mem {
	uint8_t base, index, scale;
	int32_t disp;
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11 };

/* EVEX's vector length field for @bytes; what is shorter than 16 counts as 16. */
static inline unsigned int jit_length(unsigned int bytes)
{
	return bytes >= 64 ? 2 : bytes >= 32 ? 1 : 0;
}

static inline void jit_byte(struct jit_buf *b, unsigned int v)
{
	if (b->at < b->end)
		*b->at++ = (uint8_t)v;
	else
		b->overflow = true;
}

static inline void jit_word32(struct jit_buf *b, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		jit_byte(b, v >> (8 * i) & 0xff);
}

static inline void jit_bytes(struct jit_buf *b, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		jit_byte(b, (uint8_t)bytes[i]);
}
#define JIT_BYTES(b, text)	jit_bytes(b, text, sizeof(text) - 1)

static inline void jit_modrm_mem(struct jit_buf *b, unsigned int reg, struct jit_mem m)
{
	if (m.index == JIT_NO_INDEX && (m.base & 7) != RSP) {
		jit_byte(b, 0x80 | (reg & 7) << 3 | (m.base & 7));
	} else {
		jit_byte(b, 0x84 | (reg & 7) << 3);
		jit_byte(b, (unsigned int)m.scale << 6 |
			    (m.index == JIT_NO_INDEX ? 4u : (m.index & 7u)) << 3 | (m.base & 7));
	}
	jit_word32(b, (uint32_t)m.disp);
}

/* How an EVEX instruction is masked and what length it has. */
struct jit_how {
	uint8_t length, k;
	bool zero, broadcast;
};

static inline void jit_evex(struct jit_buf *b, struct jit_enc e, struct jit_how how,
			    unsigned int reg, unsigned int v, bool x, bool bb)
{
	jit_byte(b, 0x62);
	jit_byte(b, (reg & 8 ? 0u : 0x80u) | (x ? 0u : 0x40u) | (bb ? 0u : 0x20u) |
		    (reg & 16 ? 0u : 0x10u) | e.map);
	jit_byte(b, (unsigned int)e.w << 7 | (~v & 15) << 3 | 4u | e.pp);
	jit_byte(b, (how.zero ? 0x80u : 0u) | (unsigned int)how.length << 5 |
		    (how.broadcast ? 0x10u : 0u) | (v & 16 ? 0u : 8u) | how.k);
	jit_byte(b, e.op);
}

/* @v: the second operand (vvvv), 0 if the instruction has none. */
static inline void jit_evex_rr(struct jit_buf *b, struct jit_enc e, struct jit_how how,
			       unsigned int reg, unsigned int v, unsigned int rm)
{
	jit_evex(b, e, how, reg, v, rm & 16, rm & 8);
	jit_byte(b, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void jit_evex_rm(struct jit_buf *b, struct jit_enc e, struct jit_how how,
			       unsigned int reg, unsigned int v, struct jit_mem m)
{
	jit_evex(b, e, how, reg, v, m.index != JIT_NO_INDEX && (m.index & 8), m.base & 8);
	jit_modrm_mem(b, reg, m);
}

/* Instructions on mask registers: VEX, map 0F. @l: three operands. */
static inline void jit_vex(struct jit_buf *b, unsigned int pp, unsigned int w, unsigned int l,
			   unsigned int op, unsigned int v)
{
	jit_byte(b, 0xc4);
	jit_byte(b, 0xe1);
	jit_byte(b, w << 7 | (~v & 15) << 3 | l << 2 | pp);
	jit_byte(b, op);
}

/* d = a op b, 64 bits */
static inline void jit_mask3(struct jit_buf *b, unsigned int op, unsigned int d, unsigned int a,
			     unsigned int bb)
{
	jit_vex(b, 0, 1, 1, op, a);
	jit_byte(b, 0xc0 | d << 3 | bb);
}
#define JIT_KAND	0x41
#define JIT_KANDN	0x42	/* ~a & b */
#define JIT_KOR		0x45
#define JIT_KXNOR	0x46
#define JIT_KXOR	0x47

static inline void jit_mask_not(struct jit_buf *b, unsigned int d, unsigned int a)
{
	jit_vex(b, 0, 1, 0, 0x44, 0);
	jit_byte(b, 0xc0 | d << 3 | a);
}

static inline void jit_mask_test(struct jit_buf *b, unsigned int a, unsigned int bb)
{
	jit_vex(b, 0, 1, 0, 0x98, 0);
	jit_byte(b, 0xc0 | a << 3 | bb);
}

/* kmov of @bits (8 to 64) from or to memory below 2^32 registers */
static inline void jit_mask_move(struct jit_buf *b, bool store, unsigned int bits, unsigned int k,
				 struct jit_mem m)
{
	jit_vex(b, bits == 8 || bits == 32 ? 1 : 0, bits >= 32, 0, store ? 0x91 : 0x90, 0);
	jit_modrm_mem(b, k, m);
}

/* mov r64, [base + disp] */
static inline void jit_load64(struct jit_buf *b, unsigned int reg, unsigned int base, size_t disp)
{
	jit_byte(b, 0x48 | (reg & 8) >> 1 | (base & 8) >> 3);
	jit_byte(b, 0x8b);
	jit_modrm_mem(b, reg, (struct jit_mem){ (uint8_t)base, JIT_NO_INDEX, 0, (int32_t)disp });
}

/* A conditional or (cc < 0) plain jump; returns where its distance is. */
static inline uint8_t *jit_jump(struct jit_buf *b, int cc)
{
	if (cc < 0) {
		jit_byte(b, 0xe9);
	} else {
		jit_byte(b, 0x0f);
		jit_byte(b, 0x80u | (unsigned int)cc);
	}
	jit_word32(b, 0);
	return b->at - 4;
}
#define JIT_BELOW	2
#define JIT_ABOVE_EQ	3
#define JIT_NOT_ZERO	5

static inline void jit_land(const struct jit_buf *b, uint8_t *distance, const uint8_t *target)
{
	int32_t rel = (int32_t)(target - (distance + 4));

	if (b->overflow)
		return;
	for (unsigned int i = 0; i < 4; i++)
		distance[i] = (uint8_t)((uint32_t)rel >> (8 * i));
}

#endif
