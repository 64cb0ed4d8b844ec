// SPDX-License-Identifier: MIT
/* Matrix arrays, DMA channels and copy engines: right results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_xgaon.h>

#include "diag.h"
#include "matrix.h"

/* --- matrix arrays --------------------------------------------------------------------------- */

/* Small whole numbers, so that every sum is exact in every order; as each type stores them. */
static void put_value(uint8_t type, uint8_t *row, uint32_t at, int value)
{
	float f = (float)value;
	_Float16 h = (_Float16)value;
	uint32_t bits;
	uint8_t *block;

	switch (type) {
	case GAON_TYPE_F32:
		memcpy(row + 4 * at, &f, 4);
		break;
	case GAON_TYPE_F16:
		memcpy(row + 2 * at, &h, 2);
		break;
	case GAON_TYPE_BF16:
		memcpy(&bits, &f, 4);
		bits >>= 16;
		memcpy(row + 2 * at, &bits, 2);
		break;
	case GAON_TYPE_I8:
		row[at] = (uint8_t)value;
		break;
	case GAON_TYPE_Q8A:		/* scale 1; the sum of the block is kept up */
		block = row + (size_t)at / GAON_BLOCK_K * 40;
		f = 1;
		memcpy(block, &f, 4);
		memcpy(&f, block + 4, 4);
		f = at % GAON_BLOCK_K ? f + (float)value : (float)value;
		memcpy(block + 4, &f, 4);
		block[8 + at % GAON_BLOCK_K] = (uint8_t)value;
		break;
	case GAON_TYPE_Q8_0:
		block = row + (size_t)at / GAON_BLOCK_K * 34;
		h = 1;
		memcpy(block, &h, 2);
		block[2 + at % GAON_BLOCK_K] = (uint8_t)value;
		break;
	default:			/* Q4_0: 8 is 0 */
		block = row + (size_t)at / GAON_BLOCK_K * 18;
		h = 1;
		memcpy(block, &h, 2);
		at %= GAON_BLOCK_K;
		block[2 + at % 16] |= (uint8_t)((value + 8) << (at / 16 * 4));
	}
}

uint32_t diag_row_bytes(uint8_t type, uint32_t k)
{
	switch (type) {
	case GAON_TYPE_F32: return 4 * k;
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16: return 2 * k;
	case GAON_TYPE_I8: return k;
	case GAON_TYPE_Q8A: return k / GAON_BLOCK_K * 40;
	case GAON_TYPE_Q8_0: return k / GAON_BLOCK_K * 34;
	default: return k / GAON_BLOCK_K * 18;
	}
}

/* The device's own size of an array if the scratchpad has room for it, with the widest type. */
uint32_t diag_matrix_size(const struct diag *d)
{
	uint32_t dim = d->info.matrix_dim < 256 ? d->info.matrix_dim : 256;

	while (dim > 32 && 4ull * dim * dim * (2 + d->info.matrix_arrays) + 16384 > d->info.spm_bytes)
		dim /= 2;
	return dim & ~31u ? dim & ~31u : 32;
}

struct product {
	const char *name;
	uint8_t type_a, type_b, type_c;
	int most;			/* of a value */
};

static const struct product products[] = {
	{ "gemm f32", GAON_TYPE_F32, GAON_TYPE_F32, GAON_TYPE_F32, 8 },
	{ "gemm f16", GAON_TYPE_F16, GAON_TYPE_F16, GAON_TYPE_F32, 8 },
	{ "gemm bf16", GAON_TYPE_BF16, GAON_TYPE_BF16, GAON_TYPE_F32, 8 },
	{ "gemm i8", GAON_TYPE_I8, GAON_TYPE_I8, GAON_TYPE_I32, 127 },
	{ "gemm q8a x q8_0", GAON_TYPE_Q8A, GAON_TYPE_Q8_0, GAON_TYPE_F32, 100 },
	{ "gemm q8a x q4_0", GAON_TYPE_Q8A, GAON_TYPE_Q4_0, GAON_TYPE_F32, 7 },
};

struct matrices {
	uint32_t dim;			/* M, N and K */
	int8_t *a, *b;			/* values, B as N x K */
	uint32_t *expected;		/* bits of C */
	uint8_t *packed;
	uint32_t *found;
};

static void make_product(struct diag *d, const struct product *p, struct matrices *m,
			 struct diag_matrix_args *args)
{
	const uint32_t dim = m->dim;
	uint64_t state = d->seed ^ p->type_b;

	memset(m->packed, 0, (size_t)dim * (args->a_row + args->b_row));
	for (uint32_t i = 0; i < dim * dim; i++) {
		m->a[i] = (int8_t)((int64_t)(diag_random(&state) % (2 * (uint64_t)p->most + 1)) - p->most);
		m->b[i] = (int8_t)((int64_t)(diag_random(&state) % (2 * (uint64_t)p->most + 1)) - p->most);
		put_value(p->type_a, m->packed + (size_t)(i / dim) * args->a_row, i % dim, m->a[i]);
		put_value(p->type_b,
			  m->packed + (size_t)dim * args->a_row + (size_t)(i / dim) * args->b_row,
			  i % dim, m->b[i]);
	}
	for (uint32_t i = 0; i < dim * dim; i++) {
		int32_t sum = 0;
		float f;

		for (uint32_t k = 0; k < dim; k++)
			sum += m->a[i / dim * dim + k] * m->b[i % dim * dim + k];
		f = (float)sum;
		memcpy(&m->expected[i],
		       p->type_c == GAON_TYPE_I32 ? (const void *)&sum : (const void *)&f, 4);
	}
}

static void compare_product(struct diag *d, const struct product *p, const struct matrices *m, uint32_t core,
			    uint32_t array)
{
	const uint32_t size = m->dim * m->dim;
	const uint32_t *found = m->found + ((size_t)core * d->info.matrix_arrays + array) * size;
	uint32_t wrong = 0, first = 0;
	struct diag_finding *f;

	for (uint32_t i = 0; i < size; i++) {
		if (found[i] != m->expected[i] && !wrong++)
			first = i;
	}
	if (!wrong)
		return;
	f = diag_find(d, DIAG_CRITICAL,
		      "core %u, matrix array %u computes %s wrong: %u of %u elements, the first is "
		      "[%u][%u]: %#x and should be %#x",
		      core, array, p->name, wrong, size, first / m->dim, first % m->dim,
		      found[first], m->expected[first]);
	f->core = core;
	f->unit = "matrix";
	f->instruction = p->name;
	f->values = true;
	f->expected = m->expected[first];
	f->found = found[first];
	d->result->wrong += wrong - 1;
}

static void run_product(struct diag *d, const struct product *p, struct matrices *m)
{
	const uint64_t c_bytes = 4ull * m->dim * m->dim * d->info.matrix_arrays;
	struct diag_matrix_args args = {
		.arrays = d->info.matrix_arrays, .dim = m->dim, .k = m->dim, .repeat = 1,
		.type_a = p->type_a, .type_b = p->type_b, .type_c = p->type_c,
		.a_row = diag_row_bytes(p->type_a, m->dim), .b_row = diag_row_bytes(p->type_b, m->dim),
	};
	struct gaon_mem *in, *out;

	args.b_bytes = m->dim * args.b_row;
	make_product(d, p, m, &args);
	in = diag_memory(d, m->dim * args.a_row + args.b_bytes, m->packed);
	out = diag_memory(d, c_bytes * d->info.cores, NULL);
	if (in && out) {
		args.a = gaon_mem_va(in);
		args.b = args.a + m->dim * args.a_row;
		args.c = gaon_mem_va(out);
		if (diag_launch(d, "diag_matrix", &args, sizeof(args),
				(uint32_t)(m->dim * args.a_row + args.b_bytes + c_bytes)) &&
		    diag_read(d, m->found, out, c_bytes * d->info.cores)) {
			for (uint32_t i = 0; i < d->info.cores * d->info.matrix_arrays; i++)
				compare_product(d, p, m, i / d->info.matrix_arrays,
						i % d->info.matrix_arrays);
		}
	}
	if (in)
		gaon_mem_free(in);
	if (out)
		gaon_mem_free(out);
}

void diag_matrix(struct diag *d)
{
	struct matrices m = { .dim = diag_matrix_size(d) };
	size_t size = (size_t)m.dim * m.dim, all = size * d->info.matrix_arrays * d->info.cores;
	uint8_t *room = malloc(size * (2 + 4 + 8) + all * 4);

	if (!room) {
		diag_find(d, DIAG_UNKNOWN, "no host memory");
		return;
	}
	m.expected = (uint32_t *)(void *)room;
	m.found = m.expected + size;
	m.packed = (uint8_t *)(m.found + all);
	m.a = (int8_t *)(m.packed + 8 * size);
	m.b = m.a + size;
	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		run_product(d, &products[i], &m);
		if (!diag_progress(d, (double)(i + 1) / 6))
			break;
	}
	free(room);
}

/* --- DMA channels ---------------------------------------------------------------------------- */

#define ROW	64u
#define ROWS	(DIAG_DMA_BYTES / ROW)

/* In which row of the input row @row of the result is. */
static uint32_t dma_source(unsigned int way, uint32_t row, const uint32_t *index)
{
	return way == 0 ? row : way == 1 ? ROWS - 1 - row : index[row];
}

static void compare_dma(struct diag *d, const uint8_t *in, const uint32_t *index,
			const uint8_t *out, uint32_t slot)
{
	static const char *const ways[] = { "dma", "dma by strides", "dma gather" };
	uint32_t core = slot / 3 / d->info.dma_channels, channel = slot / 3 % d->info.dma_channels;
	unsigned int way = slot % 3;

	for (uint32_t i = 0; i < DIAG_DMA_BYTES; i++) {
		uint8_t expected = in[dma_source(way, i / ROW, index) * ROW + i % ROW];
		struct diag_finding *f;

		if (out[i] == expected)
			continue;
		f = diag_find(d, DIAG_CRITICAL, "core %u, DMA channel %u: %s: byte %u is %#x and should be %#x", core, channel,
			      ways[way], i, out[i], expected);
		f->core = core;
		f->unit = "dma";
		f->instruction = ways[way];
		f->values = true;
		f->expected = expected;
		f->found = out[i];
		return;
	}
}

static void run_dma(struct diag *d, uint8_t *in, uint32_t *index, uint8_t *out, uint32_t slots)
{
	struct gaon_mem *mem[3] = {
		diag_memory(d, DIAG_DMA_BYTES, in), diag_memory(d, ROWS * 4, index),
		diag_memory(d, (uint64_t)slots * DIAG_DMA_BYTES, NULL),
	};
	struct diag_dma_args args = { .channels = d->info.dma_channels };

	if (mem[0] && mem[1] && mem[2]) {
		args.in = gaon_mem_va(mem[0]);
		args.index = gaon_mem_va(mem[1]);
		args.out = gaon_mem_va(mem[2]);
		if (diag_launch(d, "diag_dma", &args, sizeof(args), 0) &&
		    diag_read(d, out, mem[2], (uint64_t)slots * DIAG_DMA_BYTES)) {
			for (uint32_t i = 0; i < slots; i++)
				compare_dma(d, in, index, out + (size_t)i * DIAG_DMA_BYTES, i);
		}
	}
	for (unsigned int i = 0; i < 3; i++) {
		if (mem[i])
			gaon_mem_free(mem[i]);
	}
}

void diag_dma(struct diag *d)
{
	const uint32_t slots = d->info.cores * d->info.dma_channels * 3;
	static uint8_t in[DIAG_DMA_BYTES];
	uint8_t *out = malloc((size_t)slots * DIAG_DMA_BYTES);
	uint32_t index[ROWS];
	uint64_t state = d->seed;

	for (uint32_t i = 0; i < DIAG_DMA_BYTES; i++)
		in[i] = (uint8_t)diag_random(&state);
	for (uint32_t i = 0; i < ROWS; i++)
		index[i] = (uint32_t)(diag_random(&state) % ROWS);
	if (out)
		run_dma(d, in, index, out, slots);
	else
		diag_find(d, DIAG_UNKNOWN, "no host memory");
	free(out);
}
