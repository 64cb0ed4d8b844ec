// SPDX-License-Identifier: MIT
/*
 * The management core against qemu-riscv32: random RV32IMAC programs, the same bytes in both.
 *
 * A program is one segment: code, then a block {x1..x31, data}.  It loads its registers from the
 * block, runs, stores them back and passes the block to write(1): qemu prints it, and on the core
 * the first ecall, for which there is no handler, ends the run with the block in memory.
 */
#include "mcu_test.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/sim/mcu/mcu.h"
#include "mcu_asm.h"

#define BASE		0x10000u
#define CODE_SIZE	0x8000u
#define BLOCK		(BASE + CODE_SIZE)
#define DATA_OFFSET	0x1000u		/* of the data inside the block */
#define DATA_SIZE	0x1000u
#define BLOCK_SIZE	(DATA_OFFSET + DATA_SIZE)
#define IMAGE_SIZE	(CODE_SIZE + BLOCK_SIZE)
#define STEPS		1500u
#define KEEP		31u		/* register that holds the block's address throughout */

struct program {
	uint8_t image[IMAGE_SIZE];
	uint32_t at;			/* where the next instruction goes */
};

static uint32_t rnd(uint32_t below)
{
	return (uint32_t)random() % below;
}

static uint32_t rnd_word(void)
{
	static const uint32_t special[] = {
		0, 1, UINT32_MAX, 0x80000000u, 0x7fffffffu, 0x55555555u, 0xffff0000u, 31, 32, 0x800u,
	};

	if (!rnd(3))
		return special[rnd(sizeof(special) / sizeof(special[0]))];
	return (uint32_t)random() << 16 ^ (uint32_t)random();
}

/* Any source; any destination but the one that is kept. */
static uint32_t source(void)
{
	return rnd(32);
}

static uint32_t target(void)
{
	return rnd(KEEP);
}

static void emit32(struct program *p, uint32_t word)
{
	memcpy(p->image + p->at, &word, 4);
	p->at += 4;
}

static void emit16(struct program *p, uint32_t half)
{
	memcpy(p->image + p->at, &half, 2);
	p->at += 2;
}

static void emit_constant(struct program *p, uint32_t reg, uint32_t value)
{
	emit32(p, ASM_LUI(reg, ASM_HI(value)));
	emit32(p, ASM_ADDI(reg, reg, ASM_LO(value)));
}

/* --- instructions ------------------------------------------------------------------------------- */

static void gen_alu(struct program *p)
{
	uint32_t f3 = rnd(8);
	uint32_t f7 = rnd(3) == 0 ? 1 : (f3 == 0 || f3 == 5) && rnd(2) ? 0x20 : 0;

	emit32(p, asm_r(0x33, f3, f7, target(), source(), source()));
}

static void gen_alu_imm(struct program *p)
{
	uint32_t f3 = rnd(8);
	int32_t imm = (int32_t)rnd(4096);

	if (f3 == 1)
		imm &= 31;
	else if (f3 == 5)
		imm = (imm & 31) | (int32_t)(rnd(2) * 0x400);
	emit32(p, asm_i(0x13, f3, target(), source(), imm));
}

static void gen_upper(struct program *p)
{
	uint32_t value = rnd_word();

	emit32(p, rnd(2) ? ASM_LUI(target(), value) : ASM_AUIPC(target(), value));
}

/* An address in the data with room for any offset on both sides. */
static uint32_t data_address(uint32_t align)
{
	return BLOCK + DATA_OFFSET + 1024 + rnd(DATA_SIZE - 2064) / align * align;
}

static void gen_memory(struct program *p)
{
	static const uint8_t loads[] = { 0, 1, 2, 4, 5 };
	uint32_t base = 1 + rnd(KEEP - 1);
	int32_t offset = (int32_t)rnd(2048) - 1024;

	emit_constant(p, base, data_address(1));
	if (rnd(2))
		emit32(p, asm_i(0x03, loads[rnd(5)], target(), base, offset));
	else
		emit32(p, asm_s(rnd(3), base, source(), offset));
}

static void gen_atomic(struct program *p)
{
	static const uint8_t amo[] = { 0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c };
	uint32_t base = 1 + rnd(KEEP - 1);
	uint32_t rd = target();

	emit_constant(p, base, data_address(4));
	if (rnd(3)) {
		emit32(p, ASM_AMO((uint32_t)amo[rnd(9)], target(), source(), base) | rnd(4) << 25);
		return;
	}
	if (rnd(3)) {
		rd = rd == base ? 0 : rd;
		emit32(p, ASM_LR(rd, base));
	}
	emit32(p, ASM_SC(target(), source(), base));
}

/* Forward over a few other instructions: patched when their length is known. */
static void gen_simple(struct program *p);

static void gen_branch(struct program *p)
{
	static const uint8_t f3[] = { 0, 1, 4, 5, 6, 7 };
	uint32_t from = p->at, kind = rnd(8), rd = target(), a = source(), b = source();
	uint32_t word;
	int32_t offset;

	p->at += 4;
	for (uint32_t n = rnd(4); n; n--)
		gen_simple(p);
	offset = (int32_t)(p->at - from);
	word = kind < 6 ? asm_b(f3[kind], a, b, offset) : asm_jal(rd, offset);
	memcpy(p->image + from, &word, 4);
}

static void gen_indirect(struct program *p)
{
	uint32_t from = p->at, base = 1 + rnd(KEEP - 1), rd = target();
	uint32_t word = ASM_AUIPC(base, 0u);

	memcpy(p->image + from, &word, 4);
	p->at += 8;
	for (uint32_t n = rnd(4); n; n--)
		gen_simple(p);
	/* An odd target: its lowest bit must be dropped. */
	word = ASM_JALR(rd, (int32_t)(p->at - from + rnd(2)), base);
	memcpy(p->image + from + 4, &word, 4);
}

static void gen_fence(struct program *p)
{
	emit32(p, rnd(2) ? 0x0ff0000fu : ASM_FENCE_I);
}

/* --- compressed --------------------------------------------------------------------------------- */

static uint32_t imm6(void)
{
	uint32_t imm = 1 + rnd(63);

	return (imm >> 5) << 12 | (imm & 31) << 2;
}

static void gen_c_register(struct program *p)
{
	uint32_t rd = 1 + rnd(KEEP - 1), small = rnd(8) << 7, other = rnd(8) << 2;

	switch (rnd(11)) {
	case 0:
		emit16(p, 0x0001 | rd << 7 | imm6());			/* c.addi */
		break;
	case 1:
		emit16(p, 0x4001 | rd << 7 | imm6());			/* c.li */
		break;
	case 2:
		emit16(p, 0x6001 | (rd == 2 ? 3 : rd) << 7 | imm6());	/* c.lui */
		break;
	case 3:
		emit16(p, 0x6101 | (1 + rnd(31)) << 2);			/* c.addi16sp */
		break;
	case 4:
		emit16(p, 0x8001 | rnd(2) << 10 | small | (rnd(32)) << 2); /* c.srli, c.srai */
		break;
	case 5:
		emit16(p, 0x8801 | small | imm6());			/* c.andi */
		break;
	case 6:
		emit16(p, 0x8c01 | rnd(4) << 5 | small | other);	/* c.sub, xor, or, and */
		break;
	case 7:
		emit16(p, 0x0002 | rd << 7 | rnd(32) << 2);		/* c.slli */
		break;
	case 8:
		emit16(p, 0x8002 | rd << 7 | (1 + rnd(31)) << 2);	/* c.mv */
		break;
	case 9:
		emit16(p, 0x9002 | rd << 7 | (1 + rnd(31)) << 2);	/* c.add */
		break;
	default:
		emit16(p, 0x0000 | (1 + rnd(255)) << 5 | other);	/* c.addi4spn */
		break;
	}
}

static void gen_c_memory(struct program *p)
{
	uint32_t small = rnd(8), offset;

	if (rnd(2)) {
		emit_constant(p, 8 + small, data_address(4));
		offset = rnd(8) << 10 | rnd(4) << 5;
		emit16(p, (rnd(2) ? 0x4000 : 0xc000) | offset | small << 7 | rnd(8) << 2);
		return;
	}
	emit_constant(p, 2, data_address(4));
	if (rnd(2))
		emit16(p, 0x4002 | rnd(2) << 12 | (1 + rnd(KEEP - 1)) << 7 | rnd(32) << 2);
	else
		emit16(p, 0xc002 | rnd(64) << 7 | source() << 2);
}

/* c.j, c.jal, c.beqz, c.bnez over at most three simple instructions: below 64 bytes. */
static void gen_c_jump(struct program *p)
{
	uint32_t from = p->at, kind = rnd(4), o, half;

	p->at += 2;
	for (uint32_t n = rnd(4); n; n--)
		gen_simple(p);
	o = p->at - from;
	if (kind < 2)
		half = (kind ? 0x2001u : 0xa001u) | asm_bits(o, 5, 1) << 2 | asm_bits(o, 1, 3) << 3 |
		       asm_bits(o, 7, 1) << 6 | asm_bits(o, 6, 1) << 7 | asm_bits(o, 4, 1) << 11;
	else
		half = (kind == 2 ? 0xc001u : 0xe001u) | rnd(8) << 7 | asm_bits(o, 5, 1) << 2 |
		       asm_bits(o, 1, 2) << 3 | asm_bits(o, 6, 2) << 5 | asm_bits(o, 3, 2) << 10;
	memcpy(p->image + from, &half, 2);
}

/* auipc, c.addi to the instruction after the jump, c.jr or c.jalr. */
static void gen_c_indirect(struct program *p)
{
	uint32_t base = 1 + rnd(KEEP - 1);

	emit32(p, ASM_AUIPC(base, 0u));
	emit16(p, 0x0001 | base << 7 | 8 << 2);
	emit16(p, (rnd(2) ? 0x8002 : 0x9002) | base << 7);
}

static void gen_simple(struct program *p)
{
	switch (rnd(5)) {
	case 0:
		gen_alu_imm(p);
		break;
	case 1:
		gen_upper(p);
		break;
	case 2:
		gen_alu(p);
		break;
	default:
		gen_c_register(p);
		break;
	}
}

static void gen_any(struct program *p)
{
	static void (*const kinds[])(struct program *) = {
		gen_alu, gen_alu, gen_alu_imm, gen_upper, gen_memory, gen_memory, gen_atomic, gen_branch,
		gen_branch, gen_indirect, gen_fence, gen_c_register, gen_c_register, gen_c_memory,
		gen_c_memory, gen_c_jump, gen_c_indirect,
	};

	kinds[rnd(sizeof(kinds) / sizeof(kinds[0]))](p);
}

static void make_program(struct program *p)
{
	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < BLOCK_SIZE; i += 4) {
		uint32_t word = rnd_word();

		memcpy(p->image + CODE_SIZE + i, &word, 4);
	}
	emit_constant(p, KEEP, BLOCK);
	for (uint32_t r = 1; r < KEEP; r++)
		emit32(p, ASM_LW(r, (int32_t)(4 * r), KEEP));
	for (uint32_t i = 0; i < STEPS; i++)
		gen_any(p);
	for (uint32_t r = 1; r <= KEEP; r++)
		emit32(p, ASM_SW(r, (int32_t)(4 * r), KEEP));
	emit32(p, ASM_ADDI(10, 0, 1));
	emit32(p, ASM_ADDI(11, KEEP, 0));
	emit_constant(p, 12, BLOCK_SIZE);
	emit32(p, ASM_ADDI(17, 0, 64));
	emit32(p, ASM_ECALL);
	emit32(p, ASM_ADDI(10, 0, 0));
	emit32(p, ASM_ADDI(17, 0, 93));
	emit32(p, ASM_ECALL);
	ck_assert_uint_lt(p->at, CODE_SIZE);
}

/* --- running ------------------------------------------------------------------------------------- */

static void write_elf(const struct program *p, int fd)
{
	struct {
		Elf32_Ehdr eh;
		Elf32_Phdr ph;
	} h = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_RISCV, .e_version = EV_CURRENT,
			.e_entry = BASE, .e_phoff = sizeof(Elf32_Ehdr), .e_flags = 1,
			.e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
		},
		.ph = {
			.p_type = PT_LOAD, .p_offset = 0x1000, .p_vaddr = BASE, .p_paddr = BASE,
			.p_filesz = IMAGE_SIZE, .p_memsz = IMAGE_SIZE, .p_flags = PF_R | PF_W | PF_X,
			.p_align = 0x1000,
		},
	};

	ck_assert_int_eq(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	ck_assert_int_eq(pwrite(fd, p->image, IMAGE_SIZE, 0x1000), IMAGE_SIZE);
}

static void run_qemu(const struct program *p, uint8_t *block)
{
	char path[] = "/tmp/gaon-mcu-diff-XXXXXX", command[128];
	int fd = mkstemp(path);
	FILE *pipe;

	ck_assert_int_ge(fd, 0);
	write_elf(p, fd);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	close(fd);
	snprintf(command, sizeof(command), "qemu-riscv32 %s", path);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_msg(fread(block, 1, BLOCK_SIZE, pipe) == BLOCK_SIZE, "qemu-riscv32 printed too little");
	ck_assert_int_eq(pclose(pipe), 0);
	unlink(path);
}

static void run_core(const struct program *p, uint8_t *image)
{
	struct sim_mcu_region region = { .base = BASE, .size = IMAGE_SIZE, .data = image };
	struct sim_mcu *mcu = sim_mcu_create(&region, 1, NULL, NULL);
	struct sim_mcu_state state;

	ck_assert_ptr_nonnull(mcu);
	memcpy(image, p->image, IMAGE_SIZE);
	sim_mcu_reset(mcu, BASE);
	ck_assert_int_eq(sim_mcu_run(mcu, 100 * STEPS), SIM_MCU_LOCKUP);
	sim_mcu_get_state(mcu, &state);
	ck_assert_msg(state.mcause == SIM_MCU_ECALL, "cause %u at %x, value %x", state.mcause, state.mepc,
		      state.mtval);
	sim_mcu_destroy(mcu);
}

static void compare(const uint8_t *core, const uint8_t *qemu)
{
	for (uint32_t i = 4; i < BLOCK_SIZE; i += 4) {
		uint32_t a, b;

		memcpy(&a, core + i, 4);
		memcpy(&b, qemu + i, 4);
		if (i < 128)
			ck_assert_msg(a == b, "x%u: %08x, qemu %08x", i / 4, a, b);
		else
			ck_assert_msg(a == b, "block + %x: %08x, qemu %08x", i, a, b);
	}
}

START_TEST(random_programs_agree_with_qemu)
{
	const char *text = getenv("GAON_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261122u;
	uint32_t count = getenv("GAON_TEST_LONG") ? 2000 : 60;
	static uint8_t image[IMAGE_SIZE], block[BLOCK_SIZE];
	static struct program p;

	printf("# seed %u\n", seed);
	for (uint32_t i = 0; i < count; i++) {
		srandom(seed + i);
		make_program(&p);
		run_core(&p, image);
		run_qemu(&p, block);
		compare(image + CODE_SIZE, block);
	}
	printf("# %u programs of %u steps\n", count, STEPS);
}
END_TEST

TCase *mcu_diff_tests(void)
{
	TCase *tc = tcase_create("differential");

	tcase_set_timeout(tc, getenv("GAON_TEST_LONG") ? 1200 : 120);
	tcase_add_test(tc, random_programs_agree_with_qemu);
	return tc;
}
