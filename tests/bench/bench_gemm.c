// SPDX-License-Identifier: MIT
/* Matrix products through runtime/ops on the whole device. */
#include <stdlib.h>
#include <string.h>

#include <gaon/ops.h>

#include "bench.h"
#include "bench_device.h"

#define DIM	2048
#define FLOP	(2.0 * DIM * DIM * DIM)

struct product {
	struct bench_device b;
	struct gaon_ops *ops;
	struct gaon_mem *mem[3];
	struct gaon_ops_gemm gemm;
};

static bool product_open(struct product *p)
{
	memset(p, 0, sizeof(*p));
	return bench_device_open(&p->b, NULL, NULL) &&
	       bench_ok(gaon_ops_create(p->b.dev, &p->ops), "loading the operators");
}

static void product_close(struct product *p)
{
	gaon_ops_destroy(p->ops);
	bench_device_close(&p->b);
}

static bool product_operand(struct product *p, int which, const void *data, size_t bytes, uint64_t *va)
{
	if (!bench_ok(gaon_mem_alloc(p->b.dev, bytes, GAON_MEM_DEVICE, &p->mem[which]), "alloc"))
		return false;
	*va = gaon_mem_va(p->mem[which]);
	return !data || bench_ok(gaon_mem_write(p->b.dev, *va, data, bytes), "write");
}

/* Seconds of the best of @rounds after a warm-up; negative on an error. */
static double product_run(struct product *p, unsigned int rounds)
{
	double best = -1;

	p->gemm.size = sizeof(p->gemm);
	for (unsigned int i = 0; i <= rounds; i++) {
		double start = bench_now(), seconds;

		if (!bench_ok(gaon_ops_gemm(p->ops, p->b.stream, &p->gemm), gaon_ops_last_error()) ||
		    !bench_ok(gaon_stream_wait(p->b.stream, GAON_FOREVER), "wait"))
			return -1;
		seconds = bench_now() - start;
		if (i && (best < 0 || seconds < best))
			best = seconds;
	}
	return best;
}

static double square(uint8_t type)
{
	size_t element = type == GAON_TYPE_F32 ? 4 : 2, count = (size_t)DIM * DIM;
	float *values = bench_random(count, 1);
	double seconds = -1;
	struct product p;

	if (!values)
		return -1;
	if (type == GAON_TYPE_BF16) {
		for (size_t i = 0; i < count; i++) {
			uint32_t bits;

			memcpy(&bits, &values[i], 4);
			((uint16_t *)values)[i] = (uint16_t)(bits >> 16);
		}
	}
	if (product_open(&p) && product_operand(&p, 0, values, count * element, &p.gemm.a) &&
	    product_operand(&p, 1, values, count * element, &p.gemm.b) &&
	    product_operand(&p, 2, NULL, count * 4, &p.gemm.c)) {
		p.gemm.m = p.gemm.n = p.gemm.k = DIM;
		p.gemm.type_a = p.gemm.type_b = type;
		p.gemm.type_c = GAON_TYPE_F32;
		seconds = product_run(&p, 3);
	}
	product_close(&p);
	free(values);
	return seconds > 0 ? FLOP / seconds * 1e-9 : -1;
}

static double probe_f32(void)
{
	return square(GAON_TYPE_F32);
}

static double probe_bf16(void)
{
	return square(GAON_TYPE_BF16);
}

/* Only where the host has AMX: elsewhere the figure would be another path's. */
static double probe_bf16_amx(void)
{
	return __builtin_cpu_supports("amx-bf16") ? square(GAON_TYPE_BF16) : -1;
}

/* 84 MB of Q4_1 weights times one row: GB of weights per second and host thread. */
static double probe_q4_1(void)
{
	const uint32_t n = 32768, k = 4096;
	uint64_t bytes = gaon_ops_matrix_bytes(GAON_TYPE_Q4_1, n, k);
	unsigned char *plain = malloc(bytes), *rows = malloc(bytes);
	float *x = bench_random(k, 3);
	uint64_t xa = 0;
	double seconds = -1;
	struct product p;

	if (!plain || !rows || !x)
		goto out;
	for (uint64_t i = 0; i < bytes; i++)
		plain[i] = i % 20 == 1 || i % 20 == 3 ? 0x2c : (unsigned char)(i * 2654435761u >> 13);
	if (product_open(&p) &&
	    bench_ok(gaon_ops_interleave(GAON_TYPE_Q4_1, n, k, plain, rows), "interleave") &&
	    product_operand(&p, 0, NULL, (k / 32) * 40, &p.gemm.a) &&
	    product_operand(&p, 1, rows, bytes, &p.gemm.b) &&
	    product_operand(&p, 2, NULL, n * 4ull, &p.gemm.c)) {
		struct gaon_mem *xm;

		if (bench_ok(gaon_mem_alloc(p.b.dev, k * 4ull, GAON_MEM_DEVICE, &xm), "alloc")) {
			xa = gaon_mem_va(xm);
			p.gemm.m = 1;
			p.gemm.n = n;
			p.gemm.k = k;
			p.gemm.type_a = GAON_TYPE_Q8A;
			p.gemm.type_b = GAON_TYPE_Q4_1_R16;
			p.gemm.type_c = GAON_TYPE_F32;
			p.gemm.trans_b = true;
			if (bench_ok(gaon_mem_write(p.b.dev, xa, x, k * 4ull), "write") &&
			    bench_ok(gaon_ops_quantize(p.ops, p.b.stream, p.gemm.a, xa, 1, k), "quantize"))
				seconds = product_run(&p, 10);
		}
	}
	product_close(&p);
out:
	free(plain);
	free(rows);
	free(x);
	return seconds > 0 ? (double)bytes / seconds * 1e-9 / bench_threads() : -1;
}

const struct bench_probe bench_probes_gemm[] = {
	{ "gaon_gemm_f32", probe_f32 },
	{ "gaon_gemm_bf16", probe_bf16 },
	{ "gaon_gemm_bf16_amx", probe_bf16_amx },
	{ "gaon_matvec_q4_1", probe_q4_1 },
	{ NULL, NULL },
};
