// SPDX-License-Identifier: MIT
/*
 * Operands with a bias towards edges.
 */
#include "isa.h"
#include "../../splitmix.h"

uint64_t isa_random(struct isa_program *p)
{
	return splitmix64_next(&p->rng);
}

/* A number in a format of @ebits and @fbits. */
static uint64_t number(struct isa_program *p, int ebits, int fbits)
{
	uint64_t r = isa_random(p), emax = (1ull << ebits) - 1, bias = emax >> 1;
	uint64_t sign = (r & 1) << (ebits + fbits), frac = isa_random(p) & ((1ull << fbits) - 1), e;

	if (r & 2)	/* few significant bits: exact results and ties */
		frac &= ~0ull << (isa_random(p) % (unsigned int)(fbits + 1));
	if ((r & 0x1c) == 4)
		frac |= (1ull << (isa_random(p) % (unsigned int)fbits)) - 1;
	switch ((r >> 8) % 12) {
	case 0:
		e = 0;
		break;
	case 1:
		e = 0;
		frac = 0;
		break;
	case 2:
		e = emax;
		break;
	case 3:
		e = emax;
		frac = 0;
		break;
	case 4:
		e = 1 + (r >> 16) % 3;
		break;
	case 5:
		e = emax - 1 - (r >> 16) % 3;
		break;
	case 6:
	case 7:		/* about one */
		e = bias + (r >> 16) % 5 - 2;
		break;
	case 8:
	case 9:		/* about the ends of the integers */
		e = bias + (r >> 16) % 68;
		e = e < emax ? e : emax - 1;
		break;
	default:
		e = (r >> 16) & emax;
	}
	return sign | e << fbits | frac;
}

uint64_t isa_operand(struct isa_program *p)
{
	static const uint64_t edges[] = {
		0, 1, 2, UINT64_MAX, INT64_MAX, 1ull << 63, 0x7fffffff, 0x80000000, 0xffffffff,
		0xffffffff80000000, 0x8000, 0x7fff, 0xffff, 0x80, 0x7f, 0xff, 0x100000000,
		0x8000000080000000, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 63, 64, 31, 32,
	};
	uint64_t r = isa_random(p);

	switch (r % 12) {
	case 0:
	case 1:
		return edges[(r >> 8) % (sizeof(edges) / sizeof(edges[0]))];
	case 2:
		return isa_random(p);
	case 3:
		return isa_random(p) >> (r >> 8) % 64;
	case 4:
		return 0 - (isa_random(p) >> (r >> 8) % 64);
	case 5:
	case 6:
	case 7:
		return number(p, 11, 52);
	case 8:
		return number(p, 8, 23) << 32 | number(p, 8, 23);
	case 9:
		return 0xffffffff00000000ull | number(p, 8, 23);
	case 10:
		return 0xffffffffffff0000ull | number(p, 5, 10);
	default:
		return number(p, 5, 10) << 48 | number(p, 5, 10) << 32 | number(p, 8, 7) << 16 |
		       number(p, 5, 10);
	}
}
