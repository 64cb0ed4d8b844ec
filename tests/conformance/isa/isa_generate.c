// SPDX-License-Identifier: MIT
/*
 * The generator.  It draws instructions from the model's own table, so none can be forgotten; whether
 * the table is right is the other emulator's say.
 *
 * x1 to x23 are free; x24 and x26 are temporaries, x25 an address or a loop counter, x27 the log,
 * x29 the operands, x30 the scratch memory.
 */
#include "isa.h"

#include <assert.h>
#include <string.h>

#include "hart/decode.h"

enum { TMP = 24, ADDR = 25, TMP2 = 26, LOGP = 27, POOL = 29, SCRATCH = 30, FREE = 24 };

static void emit16(struct isa_program *p, uint32_t half)
{
	assert(p->size + 2 <= ISA_CODE_SIZE);
	memcpy(p->code + p->size, &half, 2);
	p->size += 2;
}

static void emit(struct isa_program *p, uint32_t word)
{
	emit16(p, word & 0xffff);
	emit16(p, word >> 16);
}

static uint32_t i_type(uint32_t base, uint32_t rd, uint32_t rs1, int32_t imm)
{
	return base | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static uint32_t s_type(uint32_t base, uint32_t rs1, uint32_t rs2, int32_t imm)
{
	uint32_t u = (uint32_t)imm;

	return base | (u & 31) << 7 | rs1 << 15 | rs2 << 20 | (u >> 5 & 0x7f) << 25;
}

static uint32_t addi(uint32_t rd, uint32_t rs1, int32_t imm) { return i_type(0x13, rd, rs1, imm); }
static uint32_t lui(uint32_t rd, uint32_t value) { return 0x37u | rd << 7 | (value & 0xfffff000u); }
static uint32_t sd(uint32_t rs2, uint32_t rs1, int32_t imm) { return s_type(0x3023, rs1, rs2, imm); }
static uint32_t csrrw(uint32_t rd, uint32_t csr, uint32_t rs1)
{
	return 0x1073u | rd << 7 | rs1 << 15 | csr << 20;
}

static uint32_t csrrwi(uint32_t rd, uint32_t csr, uint32_t imm)
{
	return 0x5073u | rd << 7 | imm << 15 | csr << 20;
}

static uint32_t pick(struct isa_program *p, uint32_t n) { return (uint32_t)(isa_random(p) % n); }

static void record(struct isa_program *p, uint32_t word, uint32_t pc, uint32_t bytes)
{
	assert(p->records < ISA_RECORDS && p->log + bytes <= ISA_LOG_SIZE);
	p->record[p->records++] = (struct isa_record){ p->log, word, pc };
	p->log += bytes;
}

static void log_x(struct isa_program *p, uint32_t rd, uint32_t word, uint32_t pc)
{
	emit(p, sd(rd, LOGP, 0));
	emit(p, addi(LOGP, LOGP, 8));
	record(p, word, pc, 8);
}

/* The result, and the flags since the last time, which are cleared (or left, for the fast paths). */
static void log_fp(struct isa_program *p, uint32_t rd, int is_x, uint32_t word, uint32_t pc)
{
	emit(p, is_x ? sd(rd, LOGP, 0) : s_type(0x3027, LOGP, rd, 0));
	emit(p, pick(p, 4) ? csrrw(TMP2, 1, 0) : 0x00102073u | TMP2 << 7);
	emit(p, sd(TMP2, LOGP, 8));
	emit(p, addi(LOGP, LOGP, 16));
	record(p, word, pc, 16);
}

static int32_t pool_offset(struct isa_program *p)
{
	return (int32_t)pick(p, ISA_POOL_SLOTS - ISA_PATCHES) * 8 - 2048;
}

static void fresh_x(struct isa_program *p, uint32_t r)
{
	if (r && r < FREE && pick(p, 4))
		emit(p, i_type(0x3003, r, POOL, pool_offset(p)));
}

/* Load an FP register, in any width: what is not boxed for the width used counts as NaN. */
static void fresh_f(struct isa_program *p, uint32_t r, uint32_t funct3)
{
	if (!pick(p, 5))
		return;
	if (!pick(p, 8))
		funct3 = 1 + pick(p, 3);
	emit(p, i_type(0x0007u | funct3 << 12, r, POOL, pool_offset(p)));
}

static uint32_t set_rd(uint32_t word, uint32_t rd) { return (word & ~0xf80u) | rd << 7; }

static uint32_t draw(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t word = row->match | ((uint32_t)isa_random(p) & ~row->mask);

	return set_rd(word, pick(p, FREE));
}

static void gen_alu(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t word = draw(p, row), pc;

	if (row->format == SIM_FMT_R || row->format == SIM_FMT_I || row->format == SIM_FMT_SH)
		fresh_x(p, word >> 15 & 31);
	if (row->format == SIM_FMT_R)
		fresh_x(p, word >> 20 & 31);
	pc = p->size;
	emit(p, word);
	log_x(p, word >> 7 & 31, word, pc);
}

static void gen_fp(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t word = draw(p, row), major = row->match & 0x7f, f5 = row->match >> 27, pc;
	uint32_t fmt = row->match >> 25 & 3, width = fmt == 2 ? 1 : fmt + 2;
	int to_x = major == 0x53 && (f5 == 0x14 || f5 == 0x18 || f5 == 0x1c);
	int from_x = major == 0x53 && (f5 == 0x1a || f5 == 0x1e);

	if (row->flags & SIM_INSN_M) {
		uint32_t rm = pick(p, 6);

		word = (word & ~0x7000u) | (rm == 5 ? 7 : rm) << 12;
		if (!pick(p, 3))
			emit(p, csrrwi(0, 2, pick(p, 5)));
	}
	if (!to_x)
		word = set_rd(word, pick(p, 32));
	if (major == 0x53 && f5 == 8)	/* conversion between formats: the source's width */
		width = (row->match >> 20 & 3) == 2 ? 1 : (row->match >> 20 & 3) + 2;
	if (from_x)
		fresh_x(p, word >> 15 & 31);
	else
		fresh_f(p, word >> 15 & 31, width);
	if (major != 0x53 || !(row->mask & 0x01f00000))
		fresh_f(p, word >> 20 & 31, width);
	if (major != 0x53)
		fresh_f(p, word >> 27, width);
	pc = p->size;
	emit(p, word);
	log_fp(p, word >> 7 & 31, to_x, word, pc);
}

static void gen_load(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t word = draw(p, row) & 0x7fff, pc;
	int fp = row->flags & SIM_INSN_F;

	/* The middle of the scratch memory is a page's end: accesses cross it. */
	word |= (pick(p, 2) ? POOL : SCRATCH) << 15;
	word |= (pick(p, 3) ? pick(p, 4096) : (4096 - 8 + pick(p, 16)) & 0xfff) << 20;
	if ((word >> 15 & 31) == POOL && (word >> 20) >= 0x7f0 && (word >> 20) < 0x800)
		word &= 0x7fffff;
	if (fp)
		word = set_rd(word, pick(p, 32));
	pc = p->size;
	emit(p, word);
	if (fp)
		log_fp(p, word >> 7 & 31, 0, word, pc);
	else
		log_x(p, word >> 7 & 31, word, pc);
}

static void gen_store(struct isa_program *p, const struct sim_insn_row *row)
{
	int32_t imm = pick(p, 3) ? (int32_t)pick(p, 4080) - 2048 : (int32_t)pick(p, 16) - 8;
	uint32_t rs2 = pick(p, FREE), word, pc;

	if (row->flags & SIM_INSN_F)
		fresh_f(p, rs2, 1 + pick(p, 3));
	else
		fresh_x(p, rs2);
	word = s_type(row->match, SCRATCH, rs2, imm);
	pc = p->size;
	emit(p, word);
	emit(p, i_type(0x3003, TMP2, SCRATCH, imm));
	log_x(p, TMP2, word, pc);
}

static void gen_atomic(struct isa_program *p, const struct sim_insn_row *row)
{
	int32_t at = (int32_t)pick(p, 500) * 8 - 2048 + (row->match & 0x1000 ? 0 : 4 * (int32_t)pick(p, 2));
	uint32_t word = draw(p, row), pc;

	emit(p, addi(ADDR, SCRATCH, at));
	word = (word & ~0xf8000u) | ADDR << 15;
	fresh_x(p, word >> 20 & 31);
	/* An SC follows its LR, or another SC, after which it must fail. */
	if (row->match >> 27 == 3)
		emit(p, pick(p, 4) ? 0x1000202fu | (row->match & 0x1000) | TMP2 << 7 | ADDR << 15 :
				     row->match | TMP2 << 7 | ADDR << 15);
	pc = p->size;
	emit(p, word);
	log_x(p, word >> 7 & 31, word, pc);
	emit(p, i_type(0x3003, TMP2, SCRATCH, at & ~7));
	log_x(p, TMP2, word, pc);
}

static void gen_branch(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t rs1 = pick(p, FREE), rs2 = pick(p, 3) ? pick(p, FREE) : rs1, word, pc;
	uint32_t skip = 1 + pick(p, 3);

	fresh_x(p, rs1);
	fresh_x(p, rs2);
	emit(p, addi(TMP, 0, 0));
	pc = p->size;
	word = row->match | rs1 << 15 | rs2 << 20 | (4 + skip * 4) << 7;
	emit(p, word);
	for (uint32_t i = 0; i < skip; i++)
		emit(p, addi(TMP, TMP, (int32_t)(1 + i)));
	log_x(p, TMP, word, pc);
}

static void gen_jump(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t rd = pick(p, FREE), skip = pick(p, 3), word, pc;

	if ((row->match & 0x7f) == 0x6f) {
		word = 0x6fu | rd << 7 | (4 + skip * 4) << 20;
	} else {
		emit(p, 0x17u | ADDR << 7);
		word = i_type(0x67, rd, ADDR, (int32_t)(8 + skip * 4 + pick(p, 2)));
	}
	emit(p, addi(TMP, 0, 5));
	if ((row->match & 0x7f) == 0x67)	/* the extra instruction lies between */
		word += 4u << 20;
	pc = p->size;
	emit(p, word);
	for (uint32_t i = 0; i < skip; i++)
		emit(p, addi(TMP, TMP, 1));
	log_x(p, rd, word, pc);
	log_x(p, TMP, word, pc);
}

/* A backward branch, taken a few times. */
static void gen_loop(struct isa_program *p)
{
	uint32_t rd = 1 + pick(p, FREE - 1), start, word;

	emit(p, addi(ADDR, 0, (int32_t)(1 + pick(p, 9))));
	start = p->size;
	if (pick(p, 2))
		emit16(p, 0x0001);
	emit(p, addi(rd, rd, (int32_t)pick(p, 2048)));
	emit(p, addi(ADDR, ADDR, -1));
	word = start - p->size;
	word = 0x1063u | ADDR << 15 | (word >> 1 & 15) << 8 | (word >> 5 & 63) << 25 | 0x80000080u;
	emit(p, word);
	log_x(p, rd, word, p->size - 4);
}

/* An instruction that is rewritten after its first execution. */
static void gen_patch(struct isa_program *p)
{
	uint32_t rd = 1 + pick(p, FREE - 1), slot, patch, target, word;
	int32_t at;

	if (p->patches == ISA_PATCHES)
		return;
	slot = ISA_POOL_SLOTS - ISA_PATCHES + p->patches++;
	at = (int32_t)slot * 8 - 2048;
	patch = addi(rd, rd, (int32_t)pick(p, 2048));
	memcpy(p->data + (ISA_POOL - ISA_DATA) + slot * 8, &patch, 4);
	emit(p, addi(ADDR, 0, 2));
	target = p->size;
	emit(p, 0x00004013u | rd << 7 | rd << 15 | pick(p, 2048) << 20);
	emit(p, i_type(0x6003, TMP, POOL, at));
	emit(p, 0x17u | TMP2 << 7);
	emit(p, s_type(0x2023, TMP2, TMP, (int32_t)(target - (p->size - 4))));
	emit(p, 0x0000100f);
	emit(p, addi(ADDR, ADDR, -1));
	word = target - p->size;
	word = 0x1063u | ADDR << 15 | (word >> 1 & 15) << 8 | (word >> 5 & 63) << 25 | 0x80000080u;
	emit(p, word);
	log_x(p, rd, patch, target);
}

static void gen_csr(struct isa_program *p, const struct sim_insn_row *row)
{
	uint32_t rd = pick(p, FREE), word = set_rd(row->match, rd) | pick(p, 32) << 15, pc;

	word |= (1 + pick(p, 3)) << 20;
	if (!(row->match & 0x4000)) {
		word &= ~0xf8000u;
		word |= pick(p, FREE) << 15;
		fresh_x(p, word >> 15 & 31);
	}
	pc = p->size;
	emit(p, word);
	log_x(p, rd, word, pc);
	emit(p, 0x00302073u | TMP2 << 7);
	log_x(p, TMP2, word, pc);
	emit(p, csrrwi(0, 2, pick(p, 5)));	/* a reserved mode would make the rest illegal */
}

/* A 16-bit instruction that computes, loads or stores; jumps come from the compiler's tests. */
static void gen_compressed(struct isa_program *p)
{
	for (;;) {
		uint32_t half = (uint32_t)isa_random(p) & 0xffff;
		uint32_t word = sim_decode_compressed((uint16_t)half), rd = word >> 7 & 31, pc;
		enum sim_insn insn = sim_decode(word);
		const struct sim_insn_row *row;
		int mem, fp;

		if (insn == SIM_INSN_ILLEGAL)
			continue;
		row = &sim_insn_rows[insn];
		mem = (row->flags & SIM_INSN_L) || row->format == SIM_FMT_S;
		fp = (row->flags & SIM_INSN_F) != 0;
		if (row->format == SIM_FMT_B || (row->flags & SIM_INSN_E))
			continue;
		if (row->format != SIM_FMT_S && !fp && rd >= FREE)
			continue;
		if (mem) {
			uint32_t rs1 = word >> 15 & 31;
			int32_t imm = sim_decode_imm(word, (enum sim_insn_format)row->format);

			emit(p, addi(rs1, SCRATCH, (int32_t)pick(p, 512) - 256 - imm));
		}
		pc = p->size;
		emit16(p, half);
		if (row->format == SIM_FMT_S) {
			emit(p, i_type(0x3003, TMP2, word >> 15 & 31,
				       sim_decode_imm(word, SIM_FMT_S)));
			log_x(p, TMP2, half, pc);
		} else if (fp) {
			log_fp(p, rd, 0, half, pc);
		} else {
			log_x(p, rd, half, pc);
		}
		return;
	}
}

static void gen_row(struct isa_program *p, enum sim_insn insn)
{
	const struct sim_insn_row *row = &sim_insn_rows[insn];
	uint32_t major = row->match & 0x7f;

	switch (insn) {
	case SIM_INSN_custom:
	case SIM_INSN_custom1:
	case SIM_INSN_ecall:
	case SIM_INSN_ebreak:
	case SIM_INSN_sret:
	case SIM_INSN_mret:
	case SIM_INSN_wfi:
	case SIM_INSN_sfence_vma:
	case SIM_INSN_fcvt_s_bf16:
	case SIM_INSN_fcvt_bf16_s:
		return;		/* not in user mode, or not in the other emulator: tested elsewhere */
	case SIM_INSN_ctzw:
		return;		/* qemu 7.2 counts the upper half's zeros too: tested elsewhere */
	case SIM_INSN_fence:
	case SIM_INSN_fence_i:
		emit(p, row->match);
		return;
	default:
		break;
	}
	if (row->format == SIM_FMT_CSR)
		gen_csr(p, row);
	else if (row->format == SIM_FMT_B)
		gen_branch(p, row);
	else if (major == 0x6f || major == 0x67)
		gen_jump(p, row);
	else if (major == 0x2f)
		gen_atomic(p, row);
	else if (row->format == SIM_FMT_S)
		gen_store(p, row);
	else if (row->flags & SIM_INSN_L)
		gen_load(p, row);
	else if (row->flags & SIM_INSN_F)
		gen_fp(p, row);
	else
		gen_alu(p, row);
}

static void gen_start(struct isa_program *p)
{
	emit(p, lui(POOL, ISA_POOL_MID));
	emit(p, lui(SCRATCH, ISA_SCRATCH_MID));
	emit(p, lui(LOGP, ISA_LOG));
	emit(p, csrrwi(0, 3, 0));
	for (uint32_t r = 1; r < FREE; r++)
		emit(p, i_type(0x3003, r, POOL, pool_offset(p)));
	for (uint32_t r = 0; r < 32; r++)
		emit(p, i_type(0x3007, r, POOL, pool_offset(p)));
	for (uint32_t r = FREE; r < 32; r++)
		if (r == TMP || r == ADDR || r == TMP2 || r == 28 || r == 31)
			emit(p, addi(r, 0, 0));
}

/* write(1, scratch and log), exit(0) */
static void gen_finish(struct isa_program *p)
{
	emit(p, addi(17, 0, 64));
	emit(p, addi(10, 0, 1));
	emit(p, lui(11, ISA_SCRATCH));
	emit(p, lui(12, ISA_DUMP_SIZE));
	emit(p, 0x00000073);
	emit(p, addi(17, 0, 93));
	emit(p, addi(10, 0, 0));
	emit(p, 0x00000073);
}

void isa_generate(struct isa_program *p, uint64_t seed, unsigned int groups)
{
	memset(p, 0, sizeof(*p));
	p->seed = p->rng = seed;
	for (uint32_t i = 0; i < ISA_POOL_SLOTS; i++) {
		uint64_t v = isa_operand(p);

		memcpy(p->data + (ISA_POOL - ISA_DATA) + i * 8, &v, 8);
	}
	gen_start(p);
	for (unsigned int i = 0; i < groups; i++) {
		uint32_t what = pick(p, 100);

		/* Every instruction once, then as they come. */
		if (i < SIM_INSNS)
			gen_row(p, (enum sim_insn)i);
		else if (what < 20)
			gen_compressed(p);
		else if (what < 22)
			gen_loop(p);
		else if (what < 23)
			gen_patch(p);
		else
			gen_row(p, (enum sim_insn)pick(p, SIM_INSNS));
	}
	gen_finish(p);
}
