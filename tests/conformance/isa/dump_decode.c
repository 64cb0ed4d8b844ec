// SPDX-License-Identifier: MIT
/*
 * Prints encodings and what the hart's decoder makes of them, for decode_test.py: all 16-bit ones,
 * and random 32-bit ones near and far from rows of the table.  usage: dump_decode SEED COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include "hart/decode.h"
#include "../../splitmix.h"

static uint64_t state;

static uint32_t rnd(void)
{
	return (uint32_t)(splitmix64_next(&state) >> 32);
}

static void print(const char *format, uint32_t bits, uint32_t word)
{
	enum sim_insn insn = sim_decode(word);

	printf(format, bits, insn == SIM_INSN_ILLEGAL ? "-" : sim_insn_rows[insn].name);
}

int main(int argc, char **argv)
{
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 0) : 0;

	state = argc == 3 ? strtoull(argv[1], NULL, 0) : 0;
	for (uint32_t half = 0; half < 0x10000; half++)
		if ((half & 3) != 3)
			print("%04x %s\n", half, sim_decode_compressed((uint16_t)half));
	while (count--) {
		uint32_t word = rnd() | 3;

		if (count & 1) {
			const struct sim_insn_row *row = &sim_insn_rows[rnd() % SIM_INSNS];

			word = row->match | (word & ~row->mask);
			if (rnd() & 1)
				word ^= 1u << (7 + rnd() % 25);
		}
		/* Longer than 32 bits, and what the vector unit decodes. */
		if ((word & 0x1f) == 0x1f || (word & 0x7f) == 0x57 ||
		    (((word & 0x5f) == 0x07) && sim_decode(word) == SIM_INSN_ILLEGAL))
			continue;
		print("%08x %s\n", word, word);
	}
	return 0;
}
