// SPDX-License-Identifier: MIT
/*
 * Laws of the vector unit that hold whatever VLEN is, for the lengths that no emulator offers:
 * splitting by vstart, independence of VLEN, masks as blends, slides and gathers, restart after
 * faults, the order of unordered sums, and modelled costs.  GAON_SEED repeats a run.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../check_run.h"
#include "../splitmix.h"
#include "hart/fp.h"
#include "hart/hart.h"
#include "hart/vector_kernels.h"

#define MEM_BASE	0x100000ull
#define MEM_BYTES	(1u << 20)

static uint64_t seed;
static uint8_t memory[MEM_BYTES] __attribute__((aligned(4096)));
static uint64_t missing;		/* address of a page that is not there, or 0 */

static uint64_t rnd(void)
{
	return splitmix64_next(&seed);
}

static uint8_t *translate(struct sim_hart *hart, uint64_t va, enum sim_access access)
{
	if (va - MEM_BASE < MEM_BYTES && va != missing)
		return memory + (va - MEM_BASE);
	hart->fault.cause = access == SIM_ACCESS_LOAD ? SIM_CAUSE_LOAD_PAGE : SIM_CAUSE_STORE_PAGE;
	return NULL;
}

static struct sim_hart *hart_of(unsigned int vlen)
{
	static const struct sim_hart_ops ops = { .translate = translate };
	static const struct sim_hart_costs costs = {
		.scalar = 16, .dlen = 4096, .vector_startup = 32, .vmem_bytes = 512,
	};
	struct sim_hart *hart = sim_hart_create(vlen, &ops, NULL, &costs);

	ck_assert_ptr_nonnull(hart);
	return hart;
}

static enum sim_op_status execute(struct sim_hart *hart, uint32_t insn)
{
	sim_vector_fn fn = sim_vector_decode(insn);
	uint64_t host = sim_fp_host_enter();
	enum sim_op_status status = fn ? fn(hart, insn) : SIM_OP_ILLEGAL;

	sim_fp_host_leave(host);
	return status;
}

static uint32_t op_v(unsigned int funct6, unsigned int vm, unsigned int vs2, unsigned int vs1,
		     unsigned int funct3, unsigned int vd)
{
	return funct6 << 26 | vm << 25 | vs2 << 20 | vs1 << 15 | funct3 << 12 | vd << 7 | 0x57;
}

static uint8_t *reg(struct sim_hart *hart, unsigned int r)
{
	return hart->v + (size_t)r * hart->vlenb;
}

static void randomise(struct sim_hart *hart)
{
	for (size_t i = 0; i < 32ull * hart->vlenb; i += 8) {
		uint64_t v = rnd();

		/* a quarter of numbers near 1.0, so that floating point is not all NaN and infinity */
		if (rnd() & 1)
			v = 0x3f8000003f800000ull | (v & 0x807fffff807fffffull);
		memcpy(hart->v + i, &v, 8);
	}
	for (unsigned int i = 1; i < 32; i++) {
		hart->x[i] = rnd();
		hart->f[i] = 0xffffffff00000000ull | 0x3f800000 | (rnd() & 0x807fffff);
	}
	hart->vxrm = rnd() & 3;
	hart->frm = (uint8_t)(rnd() % 5);
	hart->fflags = 0;
	hart->vstart = 0;
}

static void copy_state(struct sim_hart *to, const struct sim_hart *from)
{
	memcpy(to->v, from->v, 32ull * from->vlenb);
	memcpy(to->x, from->x, sizeof(to->x));
	memcpy(to->f, from->f, sizeof(to->f));
	to->vtype = from->vtype;
	to->vl = from->vl;
	to->vstart = from->vstart;
	to->vxrm = from->vxrm;
	to->frm = from->frm;
	to->fflags = from->fflags;
	to->vxsat = from->vxsat;
}

/* Element by element: no reductions, no slides or gathers, no narrowing. v8, v16, v24 are used. */
static uint32_t elementwise(unsigned int vm)
{
	for (;;) {
		unsigned int funct3 = (unsigned int)(rnd() % 7), funct6 = (unsigned int)(rnd() & 63);
		bool integer = funct3 == 0 || funct3 == 3 || funct3 == 4, fp = funct3 % 4 == 1;
		uint32_t insn = op_v(funct6, vm, 8, 16, funct3, 24);
		bool plain = integer ? funct6 < 0x0c || (funct6 >= 0x18 && funct6 < 0x27) ||
				       (funct6 >= 0x28 && funct6 <= 0x2b) :
			     fp ? funct6 == 0 || funct6 == 2 || funct6 == 4 || funct6 == 6 ||
				  (funct6 >= 8 && funct6 <= 10) || (funct6 >= 0x18 && funct6 <= 0x2f) :
				  (funct6 >= 8 && funct6 <= 0x0b) || (funct6 >= 0x20 && funct6 <= 0x2f);

		if (plain && sim_vector_decode(insn))
			return insn;
	}
}

static bool mask_result(uint32_t insn)
{
	unsigned int funct3 = insn >> 12 & 7, funct6 = insn >> 26;

	return funct6 >= 0x18 && funct6 <= 0x1f && funct3 != 2 && funct3 != 6;
}

START_TEST(test_split_by_vstart)
{
	static const unsigned int vlens[] = { 128, 4096, 65536 };
	unsigned int vlen = vlens[_i];
	struct sim_hart *a = hart_of(vlen), *b = hart_of(vlen);

	for (unsigned int round = 0; round < 400; round++) {
		uint32_t insn = elementwise(1), n, k;
		unsigned int sew = 2 + (rnd() & 1);

		randomise(a);
		a->vtype = sew << 3 | 3;
		n = a->vl = (uint32_t)(rnd() % (vlen / 8 * 8 / (1u << sew) + 1));
		copy_state(b, a);
		ck_assert_int_eq(execute(a, insn), SIM_OP_OK);
		k = b->vl = n ? (uint32_t)(rnd() % n) : 0;
		ck_assert_int_eq(execute(b, insn), SIM_OP_OK);
		b->vl = n;
		b->vstart = k;
		ck_assert_int_eq(execute(b, insn), SIM_OP_OK);
		ck_assert_uint_eq(b->vstart, 0);
		ck_assert_msg(!memcmp(a->v, b->v, 32ull * a->vlenb), "insn %08x vl %u at %u", insn, n, k);
		ck_assert_uint_eq(a->fflags, b->fflags);
		ck_assert_uint_eq(a->vxsat, b->vxsat);
		a->vxsat = 0;
	}
	sim_hart_destroy(a);
	sim_hart_destroy(b);
}
END_TEST

START_TEST(test_independent_of_vlen)
{
	struct sim_hart *a = hart_of(1024), *b = hart_of(65536);

	for (unsigned int round = 0; round < 600; round++) {
		uint32_t insn = elementwise(rnd() & 1);
		unsigned int sew = 2 + (rnd() & 1);
		size_t bytes;

		randomise(a);
		a->vtype = sew << 3 | 3;
		a->vl = (uint32_t)(rnd() % ((1024u >> sew) + 1));
		memcpy(b->x, a->x, sizeof(a->x));
		memcpy(b->f, a->f, sizeof(a->f));
		b->vtype = a->vtype;
		b->vl = a->vl;
		b->vxrm = a->vxrm;
		b->frm = a->frm;
		b->fflags = b->vxsat = a->vxsat = 0;
		for (unsigned int r = 0; r < 32; r += 8)
			memcpy(reg(b, r), reg(a, r), 8ull * a->vlenb);
		ck_assert_int_eq(execute(a, insn), execute(b, insn));
		bytes = mask_result(insn) ? a->vl / 8 : (size_t)a->vl << sew;
		ck_assert_msg(!memcmp(reg(a, 24), reg(b, 24), bytes), "insn %08x vl %u", insn, a->vl);
		ck_assert_uint_eq(a->fflags, b->fflags);
		ck_assert_uint_eq(a->vxsat, b->vxsat);
	}
	sim_hart_destroy(a);
	sim_hart_destroy(b);
}
END_TEST

/* Masked: where v0 is set as if unmasked, elsewhere untouched; also with every kernel table. */
START_TEST(test_mask_is_blend)
{
	struct sim_hart *a = hart_of(4096), *b = hart_of(4096);
	static uint8_t before[4096];

	if (!sim_vector_select((enum vec_host)_i)) {
		printf("this host has no kernels %d\n", _i);
		goto out;
	}
	for (unsigned int round = 0; round < 400; round++) {
		uint32_t insn = elementwise(0);

		if (mask_result(insn))
			continue;
		randomise(a);
		a->vtype = 2 << 3 | 3;
		a->vl = (uint32_t)(rnd() % 1025);
		copy_state(b, a);
		memcpy(before, reg(a, 24), sizeof(before));
		ck_assert_int_eq(execute(a, insn | 1u << 25), SIM_OP_OK);
		ck_assert_int_eq(execute(b, insn), SIM_OP_OK);
		for (unsigned int i = 0; i < 1024; i++) {
			uint32_t old, got, full;

			memcpy(&full, reg(a, 24) + 4 * i, 4);
			memcpy(&got, reg(b, 24) + 4 * i, 4);
			memcpy(&old, before + 4 * i, 4);
			ck_assert_uint_eq(got, i < a->vl && b->v[i / 8] >> (i % 8) & 1 ? full : old);
		}
		ck_assert_uint_eq(b->fflags & ~a->fflags, 0);
	}
out:
	sim_vector_select(VEC_HOST_AUTO);
	sim_hart_destroy(a);
	sim_hart_destroy(b);
}
END_TEST

/* vslideup then vslidedown gives back; vrgather of vid + k is vslidedown by k. */
START_TEST(test_slides_and_gathers)
{
	struct sim_hart *h = hart_of(65536);
	uint32_t n = 65536 / 64 * 8, k;
	uint8_t *copy = malloc(8ull * h->vlenb);

	for (unsigned int round = 0; round < 20; round++) {
		randomise(h);
		h->vtype = 3 << 3 | 3;
		h->vl = n;
		k = (uint32_t)(rnd() % n);
		h->x[10] = k;
		memcpy(copy, reg(h, 8), 8ull * h->vlenb);
		execute(h, op_v(0x0e, 1, 8, 10, 4, 16));	/* vslideup.vx v16, v8 */
		execute(h, op_v(0x0f, 1, 16, 10, 4, 24));	/* vslidedown.vx v24, v16 */
		ck_assert_int_eq(memcmp(reg(h, 24), copy, 8ull * (n - k)), 0);
		execute(h, op_v(0x14, 1, 0, 17, 2, 16));	/* vid.v v16 */
		execute(h, op_v(0x00, 1, 16, 10, 4, 16));	/* vadd.vx */
		execute(h, op_v(0x0c, 1, 8, 16, 0, 24));	/* vrgather.vv v24, v8, v16 */
		execute(h, op_v(0x0f, 1, 8, 10, 4, 16));	/* vslidedown.vx v16, v8 */
		ck_assert_int_eq(memcmp(reg(h, 24), reg(h, 16), 8ull * n), 0);
	}
	free(copy);
	sim_hart_destroy(h);
}
END_TEST

/* A page that comes late: the load stops at the right element and completes when repeated. */
START_TEST(test_restart_after_fault)
{
	struct sim_hart *h = hart_of(65536);

	for (size_t i = 0; i < MEM_BYTES; i++)
		memory[i] = (uint8_t)rnd();
	for (unsigned int round = 0; round < 60; round++) {
		static const uint32_t loads[] = {
			0x02056407,	/* vle32.v v8, (x10) */
			0x0ab56407,	/* vlse32.v v8, (x10), x11 */
			0x22056407,	/* vlseg2e32.v v8, (x10) */
		};
		uint32_t insn = loads[round % 3], n, nf = round % 3 == 2 ? 2 : 1;
		uint64_t base = MEM_BASE + 8192 + rnd() % 4096, stride = 4 * nf;

		randomise(h);
		h->vtype = 2 << 3 | 2;
		n = h->vl = 65536 / 32 * 4;
		h->x[10] = base;
		h->x[11] = round % 3 == 1 ? (stride = 8 + rnd() % 8) : 0;
		sim_hart_flush_tlb(h);
		missing = (base + 4096 + rnd() % 16384) & ~4095ull;
		ck_assert_int_eq(execute(h, insn), SIM_OP_FAULT);
		ck_assert_uint_eq(h->fault.cause, SIM_CAUSE_LOAD_PAGE);
		ck_assert_uint_eq(h->fault.tval & ~4095ull, missing);
		/* the first segment that reaches the page */
		ck_assert_uint_le(base + h->vstart * stride, missing + 4095);
		ck_assert_uint_gt(base + h->vstart * stride + 4 * nf, missing);
		ck_assert(!h->vstart || base + (h->vstart - 1) * stride + 4 * nf <= missing);
		missing = 0;
		ck_assert_int_eq(execute(h, insn), SIM_OP_OK);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t f = 0; f < nf; f++)
				ck_assert_int_eq(memcmp(reg(h, 8 + 4 * f) + 4 * i,
					memory + (base - MEM_BASE) + i * stride + 4 * f, 4), 0);
	}
	sim_hart_destroy(h);
}
END_TEST

/* The specification's 32 partial sums, in the host's floats, to nearest. */
START_TEST(test_unordered_sum)
{
	struct sim_hart *h = hart_of(4096);

	if (!sim_vector_select((enum vec_host)_i))
		goto out;
	for (unsigned int round = 0; round < 200; round++) {
		bool masked = rnd() & 1;
		volatile float p[32], result;
		float e, start;

		randomise(h);
		for (unsigned int i = 0; i < 1024; i++) {
			e = (float)(int32_t)rnd() * 0x1p-20f;
			memcpy(reg(h, 8) + 4 * i, &e, 4);
		}
		h->frm = 0;
		h->vtype = 2 << 3 | 3;
		h->vl = 1 + (uint32_t)(rnd() % 1024);
		for (unsigned int j = 0; j < 32; j++)
			p[j] = -0.0f;
		for (unsigned int i = 0; i < h->vl; i++) {
			memcpy(&e, reg(h, 8) + 4 * i, 4);
			if (masked && !(h->v[i / 8] >> (i % 8) & 1))
				e = -0.0f;
			p[i % 32] = p[i % 32] + e;
		}
		for (unsigned int s = 16; s; s /= 2)
			for (unsigned int j = 0; j < s; j++)
				p[j] = p[j] + p[j + s];
		start = 1.5f;
		memcpy(reg(h, 16), &start, 4);
		result = start + p[0];
		ck_assert_int_eq(execute(h, op_v(0x01, !masked, 8, 16, 1, 24)), SIM_OP_OK);
		memcpy(&e, reg(h, 24), 4);
		if (!masked)
			ck_assert_msg(e == result, "vl %u: %a, expected %a", h->vl, (double)e,
				      (double)result);
		else
			ck_assert_msg(e == result || !h->vl, "masked vl %u: %a, expected %a", h->vl,
				      (double)e, (double)result);
	}
out:
	sim_vector_select(VEC_HOST_AUTO);
	sim_hart_destroy(h);
}
END_TEST

/* By hand from Documentation/hw/vector.rst; startup is 2 cycles, DLEN 4096, 512 bytes per cycle. */
START_TEST(test_costs)
{
	static const struct {
		uint32_t insn;
		unsigned int cycles;
	} rows[] = {
		{ 0x57 | 24 << 7 | 1 << 12 | 16 << 15 | 8 << 20 | 1 << 25 | 0x2cu << 26, 2 + 8 },
		{ 0x57 | 24 << 7 | 1 << 12 | 16 << 15 | 8 << 20 | 1 << 25 | 0x20u << 26, 2 + 8 * 8 },
		{ 0x57 | 24 << 7 | 1 << 12 | 16 << 15 | 8 << 20 | 1 << 25 | 0x01u << 26, 2 + 8 + 28 },
		{ 0x57 | 24 << 7 | 1 << 12 | 16 << 15 | 8 << 20 | 1 << 25 | 0x03u << 26, 2 + 4096 },
		{ 0x57 | 24 << 7 | 3 << 12 | 1 << 15 | 8 << 20 | 1 << 25 | 0x0fu << 26, 2 + 16 },
		{ 0x57 | 24 << 7 | 0 << 12 | 16 << 15 | 8 << 20 | 1 << 25 | 0x0cu << 26, 2 + 32 },
		{ 0x02056007 | 8 << 7, 2 + 8 },
		{ 0x0ab56007 | 8 << 7, 2 + 128 },
		{ 0x42002057 | 10 << 7, 2 },
	};
	struct sim_hart *h = hart_of(4096);

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		randomise(h);
		h->vtype = 2 << 3 | 3;
		h->vl = 1024;
		h->frm = 0;
		h->x[10] = MEM_BASE;
		h->x[11] = 4;
		h->cycles16 = 0;
		ck_assert_int_eq(execute(h, rows[i].insn), SIM_OP_OK);
		ck_assert_msg(h->cycles16 == 16 * rows[i].cycles, "row %u: %llu/16 cycles, expected %u", i,
			      (unsigned long long)h->cycles16, rows[i].cycles);
	}
	sim_hart_destroy(h);
}
END_TEST

int main(void)
{
	const char *text = getenv("GAON_SEED");
	Suite *suite = suite_create("vector laws");
	TCase *tc = tcase_create("laws");

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	printf("vector_laws: GAON_SEED=%llu\n", (unsigned long long)seed);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_split_by_vstart, 0, 3);
	tcase_add_test(tc, test_independent_of_vlen);
	tcase_add_loop_test(tc, test_mask_is_blend, VEC_HOST_PORTABLE, VEC_HOSTS);
	tcase_add_test(tc, test_slides_and_gathers);
	tcase_add_test(tc, test_restart_after_fault);
	tcase_add_loop_test(tc, test_unordered_sum, VEC_HOST_PORTABLE, VEC_HOSTS);
	tcase_add_test(tc, test_costs);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
