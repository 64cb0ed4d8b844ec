// SPDX-License-Identifier: MIT
/*
 * Integer computation: RV64I, M, Zba, Zbb and Zbs.  The decoder turns rd == x0 into a no-op, so
 * these handlers write rd without looking.
 */
#include "exec.h"

#define RS1	h->x[op->rs1]
#define RS2	h->x[op->rs2]
#define IMM	((uint64_t)(int64_t)op->imm)
#define SEXT32(v)	((uint64_t)(int64_t)(int32_t)(uint32_t)(v))
#define ALU(name, value)	SIM_OP(name, h->x[op->rd] = (value);)

static inline uint64_t rotl64(uint64_t v, unsigned int by)
{
	return v << (by & 63) | v >> (-by & 63);
}

static inline uint32_t rotl32(uint32_t v, unsigned int by)
{
	return v << (by & 31) | v >> (-by & 31);
}

static inline uint64_t div_signed(int64_t a, int64_t b)
{
	if (!b)
		return UINT64_MAX;
	return b == -1 ? -(uint64_t)a : (uint64_t)(a / b);
}

static inline uint64_t rem_signed(int64_t a, int64_t b)
{
	if (!b)
		return (uint64_t)a;
	return b == -1 ? 0 : (uint64_t)(a % b);
}

static inline uint64_t mulhsu(uint64_t a, uint64_t b)
{
	return (uint64_t)(((__int128)(int64_t)a * (__int128)b) >> 64);
}

/* Each byte that is not zero becomes 0xff. */
static inline uint64_t orc_b(uint64_t v)
{
	v |= (v >> 4) & 0x0f0f0f0f0f0f0f0full;
	v |= (v >> 2) & 0x3333333333333333ull;
	v |= (v >> 1) & 0x5555555555555555ull;
	return (v & 0x0101010101010101ull) * 0xff;
}

SIM_OP(nop, )

ALU(lui, IMM)
ALU(auipc, sim_op_pc(op, pg) + IMM)
ALU(addi, RS1 + IMM)
ALU(slti, (int64_t)RS1 < (int64_t)IMM)
ALU(sltiu, RS1 < IMM)
ALU(xori, RS1 ^ IMM)
ALU(ori, RS1 | IMM)
ALU(andi, RS1 & IMM)
ALU(slli, RS1 << op->imm)
ALU(srli, RS1 >> op->imm)
ALU(srai, (uint64_t)((int64_t)RS1 >> op->imm))
ALU(addiw, SEXT32(RS1 + IMM))
ALU(slliw, SEXT32((uint32_t)RS1 << op->imm))
ALU(srliw, SEXT32((uint32_t)RS1 >> op->imm))
ALU(sraiw, SEXT32((int32_t)RS1 >> op->imm))

ALU(add, RS1 + RS2)
ALU(sub, RS1 - RS2)
ALU(sll, RS1 << (RS2 & 63))
ALU(slt, (int64_t)RS1 < (int64_t)RS2)
ALU(sltu, RS1 < RS2)
ALU(xor, RS1 ^ RS2)
ALU(srl, RS1 >> (RS2 & 63))
ALU(sra, (uint64_t)((int64_t)RS1 >> (RS2 & 63)))
ALU(or, RS1 | RS2)
ALU(and, RS1 & RS2)
ALU(addw, SEXT32(RS1 + RS2))
ALU(subw, SEXT32(RS1 - RS2))
ALU(sllw, SEXT32((uint32_t)RS1 << (RS2 & 31)))
ALU(srlw, SEXT32((uint32_t)RS1 >> (RS2 & 31)))
ALU(sraw, SEXT32((int32_t)RS1 >> (RS2 & 31)))

ALU(mul, RS1 * RS2)
ALU(mulh, (uint64_t)(((__int128)(int64_t)RS1 * (int64_t)RS2) >> 64))
ALU(mulhsu, mulhsu(RS1, RS2))
ALU(mulhu, (uint64_t)(((unsigned __int128)RS1 * RS2) >> 64))
ALU(mulw, SEXT32(RS1 * RS2))
ALU(div, div_signed((int64_t)RS1, (int64_t)RS2))
ALU(divu, RS2 ? RS1 / RS2 : UINT64_MAX)
ALU(rem, rem_signed((int64_t)RS1, (int64_t)RS2))
ALU(remu, RS2 ? RS1 % RS2 : RS1)
ALU(divw, SEXT32(div_signed((int32_t)RS1, (int32_t)RS2)))
ALU(divuw, SEXT32((uint32_t)RS2 ? (uint32_t)RS1 / (uint32_t)RS2 : UINT32_MAX))
ALU(remw, SEXT32(rem_signed((int32_t)RS1, (int32_t)RS2)))
ALU(remuw, SEXT32((uint32_t)RS2 ? (uint32_t)RS1 % (uint32_t)RS2 : (uint32_t)RS1))

ALU(sh1add, (RS1 << 1) + RS2)
ALU(sh2add, (RS1 << 2) + RS2)
ALU(sh3add, (RS1 << 3) + RS2)
ALU(add_uw, (uint64_t)(uint32_t)RS1 + RS2)
ALU(sh1add_uw, ((uint64_t)(uint32_t)RS1 << 1) + RS2)
ALU(sh2add_uw, ((uint64_t)(uint32_t)RS1 << 2) + RS2)
ALU(sh3add_uw, ((uint64_t)(uint32_t)RS1 << 3) + RS2)
ALU(slli_uw, (uint64_t)(uint32_t)RS1 << op->imm)

ALU(andn, RS1 & ~RS2)
ALU(orn, RS1 | ~RS2)
ALU(xnor, ~(RS1 ^ RS2))
ALU(clz, RS1 ? (uint64_t)__builtin_clzll(RS1) : 64)
ALU(ctz, RS1 ? (uint64_t)__builtin_ctzll(RS1) : 64)
ALU(cpop, (uint64_t)__builtin_popcountll(RS1))
ALU(clzw, (uint32_t)RS1 ? (uint64_t)__builtin_clz((uint32_t)RS1) : 32)
ALU(ctzw, (uint32_t)RS1 ? (uint64_t)__builtin_ctz((uint32_t)RS1) : 32)
ALU(cpopw, (uint64_t)__builtin_popcount((uint32_t)RS1))
ALU(max, (int64_t)RS1 > (int64_t)RS2 ? RS1 : RS2)
ALU(maxu, RS1 > RS2 ? RS1 : RS2)
ALU(min, (int64_t)RS1 < (int64_t)RS2 ? RS1 : RS2)
ALU(minu, RS1 < RS2 ? RS1 : RS2)
ALU(sext_b, (uint64_t)(int64_t)(int8_t)RS1)
ALU(sext_h, (uint64_t)(int64_t)(int16_t)RS1)
ALU(zext_h, (uint64_t)(uint16_t)RS1)
ALU(rol, rotl64(RS1, (unsigned int)RS2))
ALU(ror, rotl64(RS1, -(unsigned int)RS2))
ALU(rori, rotl64(RS1, -(unsigned int)op->imm))
ALU(rolw, SEXT32(rotl32((uint32_t)RS1, (unsigned int)RS2)))
ALU(rorw, SEXT32(rotl32((uint32_t)RS1, -(unsigned int)RS2)))
ALU(roriw, SEXT32(rotl32((uint32_t)RS1, -(unsigned int)op->imm)))
ALU(orc_b, orc_b(RS1))
ALU(rev8, __builtin_bswap64(RS1))

ALU(bclr, RS1 & ~(1ull << (RS2 & 63)))
ALU(bclri, RS1 & ~(1ull << op->imm))
ALU(bext, (RS1 >> (RS2 & 63)) & 1)
ALU(bexti, (RS1 >> op->imm) & 1)
ALU(binv, RS1 ^ (1ull << (RS2 & 63)))
ALU(binvi, RS1 ^ (1ull << op->imm))
ALU(bset, RS1 | (1ull << (RS2 & 63)))
ALU(bseti, RS1 | (1ull << op->imm))
