// SPDX-License-Identifier: MIT
/* Which encodings exist: all 16-bit ones and random 32-bit ones against LLVM's disassembler. */
#include "mcu_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/sim/mcu/mcu_internal.h"

#define MC	"llvm-mc-22 --disassemble -triple=riscv32 -mattr=+m,+a,+c,+zicsr,+zifencei 2>/dev/null"
#define WORDS	20000u

/*
 * LLVM's verdict on @count instructions of @len bytes.  Each comes with a marker in front of it; an
 * instruction that is not one gives no line behind its marker.  16 zero bits are "unimp": the
 * encoding is defined to be illegal.
 */
static void ask_llvm(const uint32_t *words, size_t count, unsigned int len, bool *legal)
{
	char path[] = "/tmp/gaon-mcu-decode-XXXXXX", command[256], line[256];
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	long index = -1;

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < count; i++) {
		/* lui x0, i: the marker. */
		uint32_t marker = (uint32_t)i << 12 | 0x37;

		fprintf(file, "0x%02x 0x%02x 0x%02x 0x%02x\n", marker & 255, marker >> 8 & 255,
			marker >> 16 & 255, marker >> 24);
		for (unsigned int b = 0; b < len; b++)
			fprintf(file, "0x%02x ", words[i] >> (8 * b) & 255);
		fputc('\n', file);
	}
	fclose(file);
	snprintf(command, sizeof(command), "%s < %s", MC, path);
	file = popen(command, "r");
	ck_assert_ptr_nonnull(file);
	memset(legal, 0, count * sizeof(*legal));
	while (fgets(line, sizeof(line), file)) {
		unsigned long value;

		if (sscanf(line, " lui zero, %lu", &value) == 1 && (long)value == index + 1)
			index++;
		else if (line[0] == '\t' && index >= 0)
			legal[index] = strcmp(line, "\tunimp\n") || len == 4;
	}
	pclose(file);
	unlink(path);
	ck_assert_msg(index + 1 == (long)count, "llvm-mc-22 answered %ld of %zu", index + 1, count);
}

static bool core_accepts(uint32_t word)
{
	struct mcu_insn insn;

	mcu_decode(word, &insn);
	return insn.op != MCU_OP_ILLEGAL;
}

START_TEST(all_compressed_encodings)
{
	static uint32_t words[49152];
	static bool legal[49152];
	size_t count = 0;

	for (uint32_t h = 0; h < 65536; h++)
		if ((h & 3) != 3)
			words[count++] = h;
	ask_llvm(words, count, 2, legal);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(core_accepts(mcu_expand((uint16_t)words[i])) == legal[i],
			      "%04x: llvm %d", words[i], legal[i]);
}
END_TEST

/* Random bits in the opcodes that exist, so that most are near something legal. */
START_TEST(random_encodings)
{
	static const uint8_t opcodes[] = {
		0x03, 0x07, 0x0b, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2b, 0x2f, 0x33, 0x37, 0x3b, 0x43,
		0x53, 0x57, 0x63, 0x67, 0x6f, 0x73, 0x7b,
	};
	static uint32_t words[WORDS];
	static bool legal[WORDS];
	const char *text = getenv("GAON_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 0) : 20261122u;

	printf("# seed %u\n", seed);
	srandom(seed);
	for (size_t i = 0; i < WORDS; i++) {
		uint32_t w = (uint32_t)random() << 16 ^ (uint32_t)random();

		w = (w & ~0x7fu) | opcodes[(size_t)random() % sizeof(opcodes)];
		if (random() & 1)
			w &= 0x01ffffffu | (uint32_t)(random() % 3) << 29;
		words[i] = w;
	}
	ask_llvm(words, WORDS, 4, legal);
	for (size_t i = 0; i < WORDS; i++) {
		uint32_t w = words[i];
		bool system = (w & 0x7f) == 0x73 && !(w >> 12 & 7);
		bool fence = (w & 0x707f) == 0x000f || (w & 0x707f) == 0x100f;

		/*
		 * LLVM knows what other privilege levels execute, and refuses the fences' reserved
		 * fields, which the ISA wants ignored.
		 */
		if (system || fence)
			continue;
		ck_assert_msg(core_accepts(w) == legal[i], "%08x: llvm %d", w, legal[i]);
	}
}
END_TEST

TCase *mcu_decode_tests(void)
{
	TCase *tc = tcase_create("encodings");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, all_compressed_encodings);
	tcase_add_test(tc, random_encodings);
	return tc;
}
